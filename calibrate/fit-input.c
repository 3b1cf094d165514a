/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit-input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/command.h"

/* --- files ----------------------------------------------------------------------------------- */

static int load_trace(struct fit_input *input, const char *path,
		      const struct trace_request *request)
{
	struct error_list errors = { 0 };
	struct error error = { "" };
	char *text = NULL;
	size_t length;
	int result = command_read_file(path, &text, &length, &error);

	if (result) {
		command_fail(&error);
		return result;
	}
	result = trace_parse(input->path, text, length, request, &input->trace, &errors,
			     &input->warnings);
	command_print_list(&errors, NULL);
	error_list_clear(&errors);
	free(text);
	return result;
}

/* FILE.about need not be there; what is there must be right. */
static int load_about(struct fit_input *input, const char *path)
{
	struct error_list errors = { 0 };
	struct error error = { "" };
	char *name = NULL, *text = NULL;
	size_t length;
	int result;

	if (strcmp(path, "-") == 0)
		return 0;
	if (asprintf(&name, "%s.about", path) < 0)
		return -ENOMEM;
	result = command_read_file(name, &text, &length, &error);
	if (!result) {
		result = trace_about_parse(name, text, length, &input->about, &errors);
		input->has_about = result == 0;
		command_print_list(&errors, NULL);
	} else if (result == -ENOENT) {
		result = 0;
	} else {
		command_fail(&error);
	}
	error_list_clear(&errors);
	free(text);
	free(name);
	return result;
}

int fit_input_load(struct fit_input *input, const char *path, const struct trace_request *request)
{
	int result;

	*input = (struct fit_input){ .path = strcmp(path, "-") ? path : "standard input" };
	trace_about_init(&input->about);
	result = load_trace(input, path, request);
	return result ? result : load_about(input, path);
}

void fit_input_clear(struct fit_input *input)
{
	trace_free(input->trace);
	trace_about_clear(&input->about);
	error_list_clear(&input->warnings);
	*input = (struct fit_input){ .trace = NULL };
}

/* --- fits ------------------------------------------------------------------------------------ */

static unsigned count_time(const struct trace *trace)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace->event_count; i++)
		count += strcmp(trace->event_names[i], CPUTIME_EVENT) == 0;
	return count;
}

/* The same rows with fewer columns, which alone are owned: free() events and event_names. */
static int make_view(const struct trace *trace, bool time, unsigned count, struct trace *view)
{
	*view = *trace;
	view->event_count = count;
	view->event_names = calloc(count ? count : 1, sizeof *view->event_names);
	view->events = calloc(count ? trace->row_count * count : 1, sizeof *view->events);
	if (!view->event_names || !view->events)
		return -ENOMEM;
	for (unsigned i = 0, to = 0; i < trace->event_count; i++) {
		if ((strcmp(trace->event_names[i], CPUTIME_EVENT) == 0) != time)
			continue;
		strcpy(view->event_names[to], trace->event_names[i]);
		for (size_t row = 0; row < trace->row_count; row++)
			view->events[row * count + to] =
				trace->events[row * trace->event_count + i];
		to++;
	}
	return 0;
}

static int solve_some(const struct trace *trace, bool time, const struct fit_options *options,
		      struct fit **fit, struct error *error)
{
	unsigned times = count_time(trace), count = time ? times : trace->event_count - times;
	struct trace view = { .events = NULL };
	int result = make_view(trace, time, count, &view);

	if (result)
		error_setf(error, ENOMEM, "out of memory");
	else
		result = fit_solve(&view, options, fit, error);
	free(view.events);
	free(view.event_names);
	return result;
}

int fits_solve(const struct trace *trace, const struct fit_options *options, struct fits *fits,
	       struct error_list *warnings, struct error *error)
{
	unsigned times = count_time(trace);
	struct error reason = { "" };
	int result;

	*fits = (struct fits){ NULL, NULL };
	if (times == 0)
		return fit_solve(trace, options, &fits->events, error);
	if (times == trace->event_count)
		return fit_solve(trace, options, &fits->on_cpu, error);
	result = solve_some(trace, false, options, &fits->events, error);
	if (!result && solve_some(trace, true, options, &fits->on_cpu, &reason))
		error_list_addf(warnings, "time on CPUs as a stand-in: %s", reason.text);
	return result;
}

void fits_clear(struct fits *fits)
{
	fit_free(fits->events);
	fit_free(fits->on_cpu);
	*fits = (struct fits){ NULL, NULL };
}

struct fit *fits_main(const struct fits *fits)
{
	return fits->events ? fits->events : fits->on_cpu;
}
