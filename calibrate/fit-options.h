/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit-options.h - options that the commands share which read a trace, or fit one. */
#ifndef VMENERGY_CALIBRATE_FIT_OPTIONS_H
#define VMENERGY_CALIBRATE_FIT_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

#include "calibrate/fit/fit.h"
#include "model/trace.h"

struct trace_options {
	struct trace_request request; /* what it points to is here or in argv */
	const char *events[TRACE_EVENTS_MAX];
};
/* An argp child; its input is a struct trace_options. */
extern const struct argp trace_argp;

/* An argp child; its input is the struct fit_options of fit.h. */
extern const struct argp fit_argp;

/* The same argp without the options of these names (NULL at the end), which are wrong usage
 * then. `room` holds its options. */
enum { OPTIONS_MAX = 32 };
struct argp options_without(const struct argp *argp, const char *const *names,
			    struct argp_option room[OPTIONS_MAX]);

/* --json[=FILE], --scope WORD */
struct json_option {
	bool wanted;
	const char *path; /* NULL = standard output */
};
struct json_option options_json(const char *argument); /* "-" is standard output, too */
enum scope options_parse_scope(struct argp_state *state, const char *word);
/* Wrong usage where an output (NULL = none) is also another file of the command; "-" may be both
 * ends of a pipe. */
void options_check_output(struct argp_state *state, const char *output, const char *other);
unsigned options_parse_count(struct argp_state *state, const char *what, const char *text,
			     unsigned most);
/* argp_parse() that ends the program with 2 on wrong usage, and shows the command's name. */
void options_parse_command(const struct argp *argp, int argc, char **argv, void *input);

#endif
