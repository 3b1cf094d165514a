/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ctl status, ctl watch: what shows the daemon. */
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "vmenergyd/ctl-internal.h"
#include "vmenergyd/ctl-table.h"
#include "wire/wire.h"

enum { OPTION_JSON = 256 };

struct show {
	char *socket;
	bool json;
	uint64_t ticks; /* 0 = for ever */
};

static const struct argp_option json_option = { "json", OPTION_JSON, NULL, 0, "print JSON", 0 };

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct show *show = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &show->socket;
		return 0;
	case OPTION_JSON:
		show->json = true;
		return 0;
	case 'n':
		if (number_parse_u64(argument, &show->ticks) || show->ticks < 1)
			argp_error(state, "iterations %s: must be 1 or more", argument);
		return 0;
	default:
		return ctl_parse_nothing(key, argument, state);
	}
}

/* --- ctl status ---------------------------------------------------------------------------- */

static void put_status_json(const struct protocol_message *answer, struct text *out)
{
	char *line = json_dumps(json_object_get(answer->answer, "status"),
				JSON_COMPACT | JSON_REAL_PRECISION(15));

	out->failed = out->failed || !line;
	text_add(out, line ? line : "");
	text_add(out, "\n");
	free(line);
}

static int show_status(const struct show *show, const struct protocol_message *answer,
		       struct error *error)
{
	struct protocol_status status;
	struct text out = { 0 };
	int result = protocol_parse_status(answer, &status, error);

	if (result)
		return result;
	if (show->json)
		put_status_json(answer, &out);
	else
		ctl_table_put_status(&out, &status);
	result = ctl_print(&out, error);
	protocol_status_clear(&status);
	text_free(&out);
	return result;
}

static int run_status(const struct ctl_call *call)
{
	const struct argp_option options[] = { json_option, { 0 } };
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = ctl_socket_children,
		.doc = "Show the daemon, the limits that are in force, and who is held back.",
	};
	struct protocol_request request = protocol_request_of(PROTOCOL_STATUS);
	struct protocol_message answer;
	struct show show = { .socket = call->socket };
	struct error error = { "" };
	int result;

	argp_parse(&argp, call->argc, call->argv, 0, NULL, &show);
	result = ctl_ask(show.socket, &request, &answer, &error);
	if (result)
		return ctl_end(result, &error);
	result = show_status(&show, &answer, &error);
	protocol_message_clear(&answer);
	return ctl_end(result, &error);
}

const struct ctl_command ctl_status = { "status", "the daemon, its limits, who is held back",
					run_status };

/* --- ctl watch ----------------------------------------------------------------------------- */

static int show_tick(const struct show *show, const struct snapshot *snapshot, struct text *out,
		     struct error *error)
{
	int result = 0;

	text_reset(out);
	if (show->json)
		result = snapshot_json(snapshot, out, error);
	else
		ctl_table_put_snapshot(out, snapshot);
	return result ? result : ctl_print(out, error);
}

/* 1 = a tick was shown; 0 = none yet. */
static int take_tick(const struct show *show, struct attach *attach, struct snapshot *snapshot,
		     struct text *out, struct error *error)
{
	const uint64_t minute_ns = UINT64_C(60000000000);
	struct protocol_message message;
	int result = attach_receive(attach, clock_now_ns() + minute_ns, &message, snapshot, error);

	if (result <= 0)
		return result;
	result = 0; /* an answer: nothing more was asked */
	if (message.kind == PROTOCOL_SNAPSHOT)
		result = show_tick(show, snapshot, out, error);
	if (!result && message.kind == PROTOCOL_SNAPSHOT)
		result = 1;
	protocol_message_clear(&message);
	return result;
}

static int watch(const struct show *show, struct attach *attach, struct error *error)
{
	struct protocol_request request = protocol_request_of(PROTOCOL_SUBSCRIBE);
	struct protocol_message answer;
	struct snapshot snapshot = { 0 };
	struct text out = { 0 };
	uint64_t shown = 0;
	int result = attach_ask(attach, &request, &answer, error);

	if (!result)
		protocol_message_clear(&answer);
	while (result >= 0 && (show->ticks == 0 || shown < show->ticks)) {
		result = take_tick(show, attach, &snapshot, &out, error);
		shown += result > 0;
	}
	snapshot_clear(&snapshot);
	text_free(&out);
	return result < 0 ? result : 0;
}

static int run_watch(const struct ctl_call *call)
{
	const struct argp_option options[] = {
		json_option,
		{ "iterations", 'n', "N", 0, "end after N ticks", 0 },
		{ 0 },
	};
	const struct argp argp = {
		.options = options,
		.parser = parse,
		.children = ctl_socket_children,
		.doc = "Show each tick: a table, or with --json the snapshot as vmetop --json "
		       "prints it.",
	};
	struct show show = { .socket = call->socket };
	struct attach *attach = NULL;
	struct error error = { "" };
	int result;

	argp_parse(&argp, call->argc, call->argv, 0, NULL, &show);
	result = attach_open(&attach, show.socket, &error);
	if (!result)
		result = watch(&show, attach, &error);
	attach_close(attach);
	return ctl_end(result, &error);
}

const struct ctl_command ctl_watch = { "watch", "a table, or the snapshot as JSON, per tick",
				       run_watch };
