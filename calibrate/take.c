/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/take.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

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

void take_warn_busy(const struct session *session)
{
	struct error_list list = { 0 };
	struct error what = { "" };

	if (record_was_busy(session, &what))
		error_list_addf(&list, "%s", what.text);
	command_print_list(&list, "warning");
	error_list_clear(&list);
}

void take_look_for(const char *session_path)
{
	struct error_list list = { 0 };

	if (access(session_path, F_OK))
		error_list_addf(&list, "%s: not there: nothing to resume, all of it is run",
				session_path);
	command_print_list(&list, "note");
	error_list_clear(&list);
}

int take_keep(size_t runs, int result, struct error *error)
{
	if (!result || runs == 0)
		return result;
	command_fail(error);
	return error_setf(error, -result,
			  "%zu complete run%s kept: the same command with --resume goes on", runs,
			  runs == 1 ? " is" : "s are");
}

/* An estimate: more digits than it has would only be noise. */
static double round_s(double seconds)
{
	double per_s = fabs(seconds) < 0.1 ? 1e5 : 1e3;

	return round(seconds * per_s) / per_s;
}

int take_align(struct session *session, struct align *align, struct error *error)
{
	int result = align_estimate(session, align, error);

	if (result)
		return result;
	session->about.meter_lag_s = round_s(align->lag_s);
	session->about.meter_window_s = round_s(align->window_s);
	if (isfinite(align->lag_se_s)) /* the note has the figures, too */
		printf("meter: %s\n", align->note);
	else
		printf("meter: %.2f s late, a mean over %.2f s: %s\n", align->lag_s,
		       align->window_s, align->note);
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
