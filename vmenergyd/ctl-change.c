/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl cap, ctl reload: what changes the daemon. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "vmenergyd/ctl-internal.h"

/* --- ctl cap ------------------------------------------------------------------------------- */

enum { OPTION_HOST = 256, OPTION_TOTAL, OPTION_CPU, OPTION_DISK };

static const struct argp_option cap_options[] = {
	{ "host", OPTION_HOST, NULL, 0, "cap the whole host instead of a domain", 0 },
	{ "total", OPTION_TOTAL, NULL, 0, "the domain's idle share counts, too", 0 },
	{ "cpu", OPTION_CPU, NULL, 0, "cap its CPU power alone", 0 },
	{ "disk", OPTION_DISK, NULL, 0, "cap its disk power alone", 0 },
	{ 0 },
};

/* As in vmenergyd.conf(5). */
static const double power_min_w = 1e-3, power_max_w = 1e6;

struct cap {
	char *socket;
	bool host;
	int part;       /* OPTION_TOTAL, _CPU or _DISK; 0 = the cap */
	char *words[2]; /* DOMAIN, unless it is the host; LIMIT */
	unsigned count;
	double limit_w; /* INFINITY = none; NaN = default */
};

static void parse_limit(struct argp_state *state, const char *word, double *limit_w)
{
	struct error error = { "" };

	if (strcmp(word, "none") == 0)
		*limit_w = INFINITY;
	else if (strcmp(word, "default") == 0)
		*limit_w = NAN;
	else if (unit_parse(QUANTITY_POWER, word, power_min_w, power_max_w, limit_w, &error))
		argp_error(state, "%s (or none, or default)", error.text);
}

static void check_cap(struct argp_state *state, struct cap *cap)
{
	unsigned wanted = cap->host ? 1 : 2;

	if (cap->count != wanted) {
		argp_error(state, "%s",
			   cap->host ? "--host: one limit is needed"
				     : "a domain and a limit are needed");
		return;
	}
	parse_limit(state, cap->words[wanted - 1], &cap->limit_w);
	if (cap->host && cap->part)
		argp_error(state, "the host has one cap: no --total, --cpu or --disk");
	if (isnan(cap->limit_w) && cap->part)
		argp_error(state, "default: all limits of the domain, no --total, --cpu or --disk");
}

static error_t parse_cap(int key, char *argument, struct argp_state *state)
{
	struct cap *cap = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cap->socket;
		return 0;
	case OPTION_HOST:
		cap->host = true;
		return 0;
	case OPTION_TOTAL:
	case OPTION_CPU:
	case OPTION_DISK:
		if (cap->part && cap->part != key)
			argp_error(state, "--total, --cpu and --disk: one at a time");
		cap->part = key;
		return 0;
	case ARGP_KEY_ARG:
		if (cap->count == 2)
			argp_error(state, "%s: one word too many", argument);
		else
			cap->words[cap->count++] = argument;
		return 0;
	case ARGP_KEY_END:
		check_cap(state, cap);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double *place_of(struct protocol_request *request, int part)
{
	switch (part) {
	case OPTION_TOTAL:
		return &request->cap_total_w;
	case OPTION_CPU:
		return &request->cpu_cap_w;
	case OPTION_DISK:
		return &request->disk_cap_w;
	default:
		return &request->cap_w;
	}
}

/* What an answer that agrees says besides. */
static void warn_of(const struct protocol_message *answer, const char *key, const char *what)
{
	const char *text = json_string_value(json_object_get(answer->answer, key));

	if (text)
		log_warning("%s: %s", what, text);
}

static int run_cap(const struct ctl_call *call)
{
	static const struct argp argp = {
		.options = cap_options,
		.parser = parse_cap,
		.children = ctl_socket_children,
		.args_doc = "DOMAIN LIMIT\n--host LIMIT",
		.doc = "Set or take away a limit by hand, over what vmenergyd.conf(5) says. DOMAIN "
		       "is a name, UUID or id. LIMIT is a power (20W), `none', or `default': as "
		       "the configuration says again.",
	};
	struct cap cap = { .socket = call->socket, .limit_w = NAN };
	struct protocol_request request;
	struct protocol_message answer;
	struct error error = { "" };
	int result;

	argp_parse(&argp, call->argc, call->argv, 0, NULL, &cap);
	request = protocol_request_of(isnan(cap.limit_w) ? PROTOCOL_CLEAR : PROTOCOL_CAP);
	request.domain = cap.host ? NULL : cap.words[0]; /* borrowed: not to be cleared */
	*place_of(&request, cap.part) = cap.limit_w;
	result = ctl_ask(cap.socket, &request, &answer, &error);
	if (result)
		return ctl_end(result, &error);
	warn_of(&answer, "not_saved", "in force, but lost when the daemon ends");
	protocol_message_clear(&answer);
	return 0;
}

const struct ctl_command ctl_cap = { "cap", "set or take away a limit", run_cap };

/* --- ctl reload ---------------------------------------------------------------------------- */

static int run_reload(const struct ctl_call *call)
{
	static const struct argp argp = {
		.parser = ctl_parse_nothing,
		.children = ctl_socket_children,
		.doc = "Read the configuration again. A mistake in it changes nothing.",
	};
	struct protocol_request request = protocol_request_of(PROTOCOL_RELOAD);
	struct protocol_message answer;
	struct error error = { "" };
	char *socket = call->socket;
	int result;

	argp_parse(&argp, call->argc, call->argv, 0, NULL, &socket);
	result = ctl_ask(socket, &request, &answer, &error);
	if (result)
		return ctl_end(result, &error);
	warn_of(&answer, "restart", "in force only after a restart");
	protocol_message_clear(&answer);
	return 0;
}

const struct ctl_command ctl_reload = { "reload", "read the configuration again", run_reload };
