/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl-internal.h - what the commands of `vmenergyd ctl` share. */
#ifndef VMENERGY_VMENERGYD_CTL_INTERNAL_H
#define VMENERGY_VMENERGYD_CTL_INTERNAL_H

#include <argp.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"
#include "engine/attach.h"

struct ctl_call {
	int argc;
	char **argv;  /* its name first */
	char *socket; /* that was said before it, or NULL */
};

struct ctl_command {
	const char *name, *sentence;
	int (*run)(const struct ctl_call *call); /* the exit status */
};
extern const struct ctl_command ctl_status, ctl_cap, ctl_watch, ctl_reload;

/* --socket: a child parser, whose input is a char *. */
extern const struct argp_child ctl_socket_children[];

/* The parser of a command without arguments; its input is the child's. */
error_t ctl_parse_nothing(int key, char *argument, struct argp_state *state);

/* Connect, ask, and go. As attach_ask(). */
int ctl_ask(const char *socket, struct protocol_request *request, struct protocol_message *answer,
	    struct error *error);
/* All of it to standard output, now. */
int ctl_print(const struct text *text, struct error *error);
/* The exit status of a result; a failure is said. */
int ctl_end(int result, const struct error *error);

#endif
