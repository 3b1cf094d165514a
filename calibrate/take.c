/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/take.h"

#include <errno.h>
#include <stdio.h>

#include "calibrate/command.h"
#include "calibrate/record/record.h"

int take_record(const struct take *take, struct session *session, struct error *error)
{
	struct error_list skipped = { 0 };
	struct suite suite = { 0 };
	int result = setup_suite(take->setup, take->options, take->minutes, session, &suite, error);

	if (result)
		goto out;
	/* What scouting leaves out is no flaw of the result. */
	if (!take->options->scout)
		command_print_list(&suite.notes, "note");
	result = record_run(
		&(const struct record_setup){
			.suite = &suite,
			.counters = take->setup->counters,
			.meter = take->setup->meter,
			.root = &take->setup->root,
			.session_path = take->session_path,
			.resume = take->resume,
			.progress = !take->options->quiet,
			.stop = record_watch_signals(),
			.notes = &skipped,
		},
		session, error);
	if (result == -EINTR)
		error_setf(error, EINTR, "interrupted");
	command_print_list(&skipped, "warning");
out:
	error_list_clear(&skipped);
	suite_clear(&suite);
	return result;
}

int take_align(struct session *session, struct align *align, struct error *error)
{
	int result = align_estimate(session, align, error);

	if (result)
		return result;
	session->about.meter_lag_s = align->lag_s;
	session->about.meter_window_s = align->window_s;
	printf("meter: %.2f s late, a mean over %.2f s%s%s\n", align->lag_s, align->window_s,
	       align->note[0] ? ": " : "", align->note);
	return 0;
}

static int write_text(struct text *text, const char *path, const char *behind, struct error *error)
{
	struct text name = { 0 };
	int result;

	text_addf(&name, "%s%s", path, behind);
	result = text->failed || name.failed ? error_setf(error, ENOMEM, "%s: out of memory", path)
					     : command_write_file(name.bytes, text, error);
	text_free(&name);
	text_free(text);
	return result;
}

int take_write(const struct trace *trace, const struct trace_about *about, const char *path,
	       struct error *error)
{
	struct text rows = { 0 }, lines = { 0 };
	int result;

	trace_print(trace, &rows);
	trace_about_print(about, &lines);
	result = write_text(&rows, path, "", error);
	if (result)
		text_free(&lines);
	else
		result = write_text(&lines, path, ".about", error);
	return result;
}
