/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text: no crash, and what is accepted holds what a trace promises and reads back. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "model/trace-about.h"
#include "model/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trace *parse(const char *text, size_t length, const struct trace_request *request)
{
	struct error_list errors = { 0 }, warnings = { 0 };
	struct trace *trace = NULL;
	int result = trace_parse("fuzz", text, length, request, &trace, &errors, &warnings);

	/* Success, a trace and no complaint are the same thing. */
	if ((result == 0) != (trace != NULL) ||
	    (result == 0) != (errors.count + errors.dropped == 0))
		abort();
	error_list_clear(&errors);
	error_list_clear(&warnings);
	return trace;
}

static void check_rows(const struct trace *trace)
{
	if (trace->row_count == 0 || trace->group_count == 0 || trace->event_count == 0)
		abort();
	for (size_t row = 0; row < trace->row_count; row++) {
		if (!(trace->power[row] > 0 && isfinite(trace->power[row])) ||
		    trace->group[row] >= trace->group_count)
			abort();
		for (unsigned i = 0; i < trace->event_count; i++)
			if (!(trace->events[row * trace->event_count + i] >= 0))
				abort();
	}
}

/* Rates that were divided may miss the counts by a rounding. */
static int is_near(double a, double b)
{
	return fabs(a - b) <= 1e-12 * fabs(a) + 1e-300;
}

static void check_again(const struct trace *trace)
{
	static const struct trace_request usual;
	struct text text = { 0 };
	struct trace *again;

	trace_print(trace, &text);
	again = parse(text.bytes, text.length, &usual);
	/* Only what overflows by a rounding does not come back. */
	if (again) {
		if (again->row_count != trace->row_count ||
		    again->event_count != trace->event_count ||
		    again->group_count != trace->group_count ||
		    again->is_energy != trace->is_energy)
			abort();
		for (size_t row = 0; row < trace->row_count; row++)
			if (!is_near(trace->power[row], again->power[row]))
				abort();
		for (size_t i = 0; i < trace->row_count * trace->event_count; i++)
			if (!is_near(trace->events[i], again->events[i]))
				abort();
	} else if (!trace->interval_s) {
		abort();
	}
	trace_free(again);
	text_free(&text);
}

static void try_request(const char *text, size_t length, const struct trace_request *request)
{
	struct trace *trace = parse(text, length, request);

	if (!trace)
		return;
	check_rows(trace);
	check_again(trace);
	trace_free(trace);
}

/* The fast way and the slow one are the same number. */
static void try_number(const char *text)
{
	const char *cursor = text;
	double value, expected;
	char *behind;

	if (number_scan_double(&cursor, &value))
		return;
	expected = strtod(text, &behind);
	if (cursor == behind && memcmp(&value, &expected, sizeof value) != 0)
		abort();
}

static void try_about(const char *text, size_t length)
{
	struct error_list errors = { 0 };
	struct trace_about about, again;
	struct text first = { 0 }, second = { 0 };

	trace_about_init(&about);
	trace_about_init(&again);
	if (trace_about_parse("fuzz", text, length, &about, &errors) == 0) {
		trace_about_print(&about, &first);
		if (trace_about_parse("fuzz", first.bytes, first.length, &again, &errors))
			abort();
		trace_about_print(&again, &second);
		if (strcmp(first.bytes, second.bytes) != 0)
			abort();
	}
	trace_about_clear(&about);
	trace_about_clear(&again);
	error_list_clear(&errors);
	text_free(&first);
	text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct trace_request requests[] = {
		{ .interval_s = 0 },
		{ .power_column = "energy_j", .group_column = "frequency_hz", .interval_s = 0.3 }
	};
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	try_number(text);
	for (size_t i = 0; i < 2; i++)
		try_request(text, size, &requests[i]);
	try_about(text, size);
	free(text);
	return 0;
}
