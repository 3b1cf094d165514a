/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/trace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

struct read {
	struct trace *trace;
	struct error_list errors, warnings;
	int result;
};

static struct read read_with(const char *text, const struct trace_request *request)
{
	struct read read = { NULL, { 0 }, { 0 }, 0 };

	read.result = trace_parse("t", text, strlen(text), request, &read.trace, &read.errors,
				  &read.warnings);
	/* Success, a trace and no error are the same thing. */
	UNIT_EQUAL_I64(read.result == 0, read.trace != NULL);
	UNIT_EQUAL_I64(read.result == 0, read.errors.count == 0);
	return read;
}

static void done(struct read *read)
{
	trace_free(read->trace);
	error_list_clear(&read->errors);
	error_list_clear(&read->warnings);
}

static struct trace *good(const char *text, const struct trace_request *request)
{
	static const struct trace_request usual;
	struct read read = read_with(text, request ? request : &usual);

	for (size_t i = 0; i < read.errors.count; i++)
		fprintf(stderr, "%s\n", read.errors.texts[i]);
	if (!read.trace)
		abort();
	error_list_clear(&read.errors);
	error_list_clear(&read.warnings);
	return read.trace;
}

/* One error, this one. */
static void expect_error(const char *expected, const char *text,
			 const struct trace_request *request)
{
	static const struct trace_request usual;
	struct read read = read_with(text, request ? request : &usual);

	UNIT_EQUAL_I64(-EINVAL, read.result);
	UNIT_EQUAL_U64(1, read.errors.count);
	if (read.errors.count)
		UNIT_EQUAL_TEXT(expected, read.errors.texts[0]);
	done(&read);
}

static void expect_warning(const char *expected, const char *text,
			   const struct trace_request *request)
{
	static const struct trace_request usual;
	struct read read = read_with(text, request ? request : &usual);

	UNIT_EQUAL_I64(0, read.result);
	UNIT_EQUAL_U64(1, read.warnings.count);
	if (read.warnings.count)
		UNIT_EQUAL_TEXT(expected, read.warnings.texts[0]);
	done(&read);
}

static void test_columns(void)
{
	struct trace *trace = good("workload,timestamp,power_w,a,frequency_hz,b\n"
				   "x,10,50,1,1e9,2\ny,11,60,3,,4\nx,12,70,5,2e9,6\n",
				   NULL);

	UNIT_EQUAL_U64(3, trace->row_count);
	UNIT_EQUAL_U64(2, trace->event_count);
	UNIT_EQUAL_TEXT("b", trace->event_names[1]);
	UNIT_EQUAL_DOUBLE(60, trace->power[1], 0);
	UNIT_EQUAL_DOUBLE(6, trace->events[2 * 2 + 1], 0);
	UNIT_EQUAL_DOUBLE(12, trace->timestamp_s[2], 0);
	UNIT_EQUAL_DOUBLE(NAN, trace->frequency_hz[1], 0);
	UNIT_TRUE(!trace->voltage_v && !trace->temperature_c && !trace->interval_s);
	UNIT_TRUE(trace->has_groups && !trace->is_energy);
	UNIT_EQUAL_U64(2, trace->group_count);
	UNIT_EQUAL_TEXT("y", trace->group_names[trace->group[1]]);
	UNIT_EQUAL_U64(trace->group[0], trace->group[2]);
	trace_free(trace);
}

static void test_blocks(void)
{
	struct text text = { 0 };
	struct trace *trace;

	text_add(&text, "power_w,a\n");
	for (unsigned i = 0; i < 2739; i++)
		text_addf(&text, "100,%u\n", i);
	trace = good(text.bytes, NULL);
	UNIT_TRUE(!trace->has_groups);
	UNIT_EQUAL_U64(10, trace->group_count);
	UNIT_EQUAL_TEXT("rows 1-274", trace->group_names[0]);
	UNIT_EQUAL_TEXT("rows 2467-2739", trace->group_names[9]);
	UNIT_EQUAL_U64(0, trace->group[273]);
	UNIT_EQUAL_U64(1, trace->group[274]);
	trace_free(trace);
	trace = good("power_w,a\n1,1\n2,2\n3,3\n", NULL);
	UNIT_EQUAL_U64(3, trace->group_count);
	UNIT_EQUAL_TEXT("rows 3-3", trace->group_names[2]);
	trace_free(trace);
	text_free(&text);
}

static void test_intervals(void)
{
	const struct trace_request half = { .interval_s = 0.5 };
	struct trace *trace = good("power_w,interval_s,a\n50,2,8\n60,0.5,8\n", NULL);

	UNIT_EQUAL_DOUBLE(4, trace->events[0], 0);
	UNIT_EQUAL_DOUBLE(16, trace->events[1], 0);
	UNIT_EQUAL_DOUBLE(50, trace->power[0], 0);
	trace_free(trace);
	trace = good("power_w,a\n50,8\n", &half);
	UNIT_EQUAL_DOUBLE(16, trace->events[0], 0);
	UNIT_EQUAL_DOUBLE(0.5, trace->interval_s[0], 0);
	trace_free(trace);
	expect_error("t:1: an interval of 0.5 s was asked for, and there is a column "
		     "'interval_s': one of both",
		     "power_w,interval_s,a\n50,2,8\n", &half);
	expect_error("t:3: column 'interval_s': 0 is not above 0",
		     "power_w,interval_s,a\n50,2,8\n50,0,8\n", NULL);
}

static void test_energy(void)
{
	const struct trace_request joules = { .power_column = "energy_j" };
	struct trace *trace = good("energy_j,a\n50,8\n", NULL);

	UNIT_TRUE(trace->is_energy);
	UNIT_EQUAL_DOUBLE(50, trace->power[0], 0);
	UNIT_EQUAL_DOUBLE(8, trace->events[0], 0);
	trace_free(trace);
	trace = good("energy_j,interval_s,a\n50,2,8\n", NULL);
	UNIT_TRUE(!trace->is_energy);
	UNIT_EQUAL_DOUBLE(25, trace->power[0], 0);
	UNIT_EQUAL_DOUBLE(4, trace->events[0], 0);
	trace_free(trace);
	trace = good("energy_j,power_w,a\n50,2,8\n", &joules);
	UNIT_TRUE(trace->is_energy);
	UNIT_EQUAL_U64(1, trace->event_count);
	trace_free(trace);
}

static void test_power_columns(void)
{
	const struct trace_request platform = { .power_column = "platform_w" };
	const struct trace_request joules = { .power_column = "run_j" };
	struct trace *trace = good("platform_w,a\n50,8\n", &platform);

	UNIT_EQUAL_TEXT("platform_w", trace->power_column);
	trace_free(trace);
	trace = good("run_j,a\n50,8\n", &joules);
	UNIT_TRUE(trace->is_energy);
	trace_free(trace);
	expect_warning("t: column 'energy_j' is left aside: 'power_w' is the power",
		       "energy_j,power_w,a\n50,2,8\n", NULL);
	expect_warning("t: column 'power_w' is left aside: 'platform_w' is the power",
		       "platform_w,power_w,a\n50,2,8\n", &platform);
	expect_error("t:1: no column 'power_w' or 'energy_j'; there are: watts, a",
		     "watts,a\n5,8\n", NULL);
	expect_error("t:1: no column 'platform_w'; there are: power_w, a", "power_w,a\n5,8\n",
		     &platform);
}

static void test_named_events(void)
{
	const char *const names[] = { "b", "c" };
	const struct trace_request request = { .events = names, .event_count = 2 };
	const char *const time[] = { "timestamp" };
	const struct trace_request wrong = { .events = time, .event_count = 1 };
	struct trace *trace = good("power_w,a,b,c\n5,x,8,9\n", &request);

	UNIT_EQUAL_U64(2, trace->event_count);
	UNIT_EQUAL_TEXT("b", trace->event_names[0]);
	UNIT_EQUAL_DOUBLE(9, trace->events[1], 0);
	trace_free(trace);
	expect_error("t:1: no column 'c'; there are: power_w, b", "power_w,b\n5,8\n", &request);
	expect_error("t:2: column 'b': 'x' is no number", "power_w,b,c\n5,x,9\n", &request);
	struct read read = read_with("power_w,timestamp,b\n5,1,2\n", &wrong);
	UNIT_EQUAL_TEXT("t:1: column 'timestamp' is no event: it has another meaning",
			read.errors.count ? read.errors.texts[0] : "");
	done(&read);
}

static void test_groups(void)
{
	const struct trace_request request = { .group_column = "block" };
	const struct trace_request power = { .group_column = "power_w" };
	struct trace *trace = good("block,power_w,a\n7,5,8\n7,6,9\n\"x,\"\"y\",6,9\n", &request);

	UNIT_EQUAL_U64(2, trace->group_count);
	UNIT_EQUAL_U64(1, trace->event_count);
	UNIT_EQUAL_TEXT("7", trace->group_names[0]);
	UNIT_EQUAL_TEXT("x,\"y", trace->group_names[1]);
	trace_free(trace);
	expect_warning("t: column 'workload' is left aside: another column is the group",
		       "block,power_w,workload,a\n7,5,3,8\n", &request);
	expect_error("t:1: no column 'block'; there are: power_w, a", "power_w,a\n5,8\n", &request);
	expect_error("t:1: column 'power_w' cannot be both the power and the group",
		     "power_w,a\n5,8\n", &power);
	expect_error("t:3: column 'workload' is empty", "workload,power_w,a\nx,5,8\n,5,8\n", NULL);
}

static void test_many_groups(void)
{
	struct text text = { 0 };
	struct trace *trace;

	text_add(&text, "workload,power_w,a\n");
	for (unsigned i = 0; i < 3000; i++)
		text_addf(&text, "group %u,5,%u\n", i * 7919 % 1000, i);
	trace = good(text.bytes, NULL);
	UNIT_EQUAL_U64(1000, trace->group_count);
	for (unsigned i = 0; i < 3000; i += 123) {
		char name[32];

		snprintf(name, sizeof name, "group %u", i * 7919 % 1000);
		UNIT_EQUAL_TEXT(name, trace->group_names[trace->group[i]]);
	}
	trace_free(trace);
	text_free(&text);
}

static void test_texts(void)
{
	expect_warning("t: column 'note' is left aside: it holds text",
		       "power_w,note,a\n5,,8\n5,hot,8\n5,7,8\n", NULL);
	expect_warning("t: column 'timestamp' is left aside: it holds text",
		       "power_w,timestamp,a\n5,10:30,8\n", NULL);
	expect_warning("t: column 'note' is left aside: it holds nothing",
		       "power_w,note,a\n5,,8\n5,,9\n", NULL);
	expect_warning("t: column 1 has no name: left aside", ",power_w,a\n0,5,8\n", NULL);
	expect_error("t:3: column 'a': '1x' is no number", "power_w,a\n5,8\n5,1x\n", NULL);
	expect_error("t:3: column 'power_w': 'inf' is no number", "power_w,a\n5,8\ninf,1\n", NULL);
}

static void test_absent(void)
{
	struct trace *trace = good("power_w,a\n5,8\n,9\n6,NA\nnan,3\n7,1\n0,5\n-3,5\n", NULL);

	UNIT_EQUAL_U64(2, trace->row_count);
	UNIT_EQUAL_U64(5, trace->dropped_rows);
	UNIT_EQUAL_DOUBLE(7, trace->power[1], 0);
	UNIT_EQUAL_DOUBLE(1, trace->events[1], 0);
	trace_free(trace);
	expect_warning("t: rows left out because a value is missing: 2", "power_w,a\n,8\n5,\n5,8\n",
		       NULL);
	expect_warning("t: rows left out because a power of zero or less is no measurement: 1",
		       "power_w,a\n0,8\n5,8\n", NULL);
	expect_error("t: no rows that have all values", "power_w,a\n,8\n5,\n", NULL);
	expect_error("t: no rows", "power_w,a\n", NULL);
}

static void test_dropped_rows_have_no_group(void)
{
	struct trace *trace = good("workload,power_w,a\nx,0,8\ny,5,8\n", NULL);

	UNIT_EQUAL_U64(1, trace->group_count);
	UNIT_EQUAL_TEXT("y", trace->group_names[0]);
	trace_free(trace);
}

static void test_mistakes(void)
{
	expect_error("t:1: the file is empty", "", NULL);
	expect_error("t:1: column 'a' is there twice", "power_w,a,a\n5,8,8\n", NULL);
	expect_error("t:1: no column is an event", "power_w\n5\n", NULL);
	expect_error("t:3: 1 field, where the header has 2", "power_w,a\n5,8\n5\n", NULL);
	expect_error("t:2: 3 fields, where the header has 2", "power_w,a\n5,8,9\n", NULL);
	expect_error("t:2: column 'a': -1 is below 0", "power_w,a\n5,-1\n", NULL);
	expect_error("t:4: an empty line before it", "power_w,a\n5,8\n\n5,8\n", NULL);
	expect_error("t:2: column 'voltage_v': 0 is not above 0", "power_w,voltage_v,a\n5,0,8\n",
		     NULL);
	expect_error("t:2: an interval of 1e-300 s gives no finite rates",
		     "power_w,interval_s,a\n5,1e-300,1e300\n", NULL);
	expect_error("t:2: column 'a': 'a?b' is no number",
		     "power_w,a\n5,a\x1b"
		     "b\n5,8\n",
		     &(struct trace_request){ .events = (const char *const[]){ "a" },
					      .event_count = 1 });
}

static void test_every_mistake(void)
{
	static const struct trace_request usual;
	struct read read = read_with("power_w,a\n5,8\nx,-1\n5\n5,\"8\n", &usual);

	UNIT_EQUAL_U64(4, read.errors.count);
	for (size_t i = 0; i < read.errors.count; i++)
		UNIT_CONTAINS(i < 2 ? "t:3: " : i == 2 ? "t:4: " : "t:5: ", read.errors.texts[i]);
	done(&read);
}

static void test_too_many_events(void)
{
	struct text text = { 0 };

	text_add(&text, "power_w");
	for (unsigned i = 0; i < 65; i++)
		text_addf(&text, ",e%u", i);
	text_add(&text, "\n5");
	for (unsigned i = 0; i < 65; i++)
		text_add(&text, ",1");
	expect_error("t:1: 65 columns are events: at most 64; name those that count", text.bytes,
		     NULL);
	text_free(&text);
}

static void test_forms(void)
{
	struct trace *trace = good("\xef\xbb\xbf\"power_w\",a\r\n\"5\",8\r\n6,9\r\n\r\n\n", NULL);

	UNIT_EQUAL_U64(2, trace->row_count);
	UNIT_EQUAL_DOUBLE(5, trace->power[0], 0);
	trace_free(trace);
}

static void expect_print(const char *expected, const char *text,
			 const struct trace_request *request)
{
	struct trace *trace = good(text, request);
	struct text first = { 0 }, second = { 0 };

	trace_print(trace, &first);
	UNIT_EQUAL_TEXT(expected, first.bytes);
	trace_free(trace);
	trace = good(first.bytes, NULL);
	trace_print(trace, &second);
	UNIT_EQUAL_TEXT(first.bytes, second.bytes);
	trace_free(trace);
	text_free(&first);
	text_free(&second);
}

static void test_print(void)
{
	const struct trace_request platform = { .power_column = "platform_w",
						.group_column = "block" };
	const struct trace_request third = { .interval_s = 0.3 };

	expect_print("workload,timestamp,power_w,a,\"b,c\"\n\"x,y\",1.5,5,8,0.1\n",
		     "timestamp,power_w,a,\"b,c\",workload\n1.5,5,8,0.1,\"x,y\"\n", NULL);
	expect_print("workload,power_w,a\n7,5,8\n", "platform_w,block,a\n5,7,8\n", &platform);
	expect_print("interval_s,power_w,a\n0.3,5,1234567\n", "power_w,a\n5,1234567\n", &third);
	expect_print("energy_j,a\n5,8\n", "energy_j,a\n5,8\n", NULL);
	expect_print("interval_s,energy_j,a\n2,5,7\n", "energy_j,a,interval_s\n5,7,2\n", NULL);
	expect_print("frequency_hz,power_w,a\n\"\",5,8\n", "power_w,a,frequency_hz\n5,8,\n", NULL);
}

static void test_without_events(void)
{
	const struct trace_request alone = { .without_events = true };
	const char *text = "timestamp,power_w,note,a\n1,5,x,-\n2,6,y,\n3,7,,text\n";
	struct trace *trace = good(text, &alone);
	struct trace_request named = { .without_events = true,
				       .events = (const char *const[]){ "b" },
				       .event_count = 1 };

	UNIT_EQUAL_U64(0, trace->event_count);
	UNIT_EQUAL_U64(3, trace->row_count); /* whatever an event has, no row is dropped for it */
	UNIT_EQUAL_U64(0, trace->dropped_rows);
	UNIT_EQUAL_DOUBLE(7, trace->power[2], 0);
	UNIT_EQUAL_DOUBLE(2, trace->timestamp_s[1], 0);
	trace_free(trace);
	trace = good("interval_s,energy_j\n2,5\n4,6\n", &alone);
	UNIT_EQUAL_DOUBLE(1.5, trace->power[1], 0);
	trace_free(trace);
	expect_error("t:1: no column is an event", "timestamp,power_w\n1,2\n", NULL);
	expect_error("t:1: no column 'b'; there are: power_w, a", "power_w,a\n1,2\n", &named);
}

static void test_new(void)
{
	struct trace *trace = trace_new(2, 1);

	if (!trace)
		abort();
	UNIT_TRUE(trace->timestamp_s && trace->interval_s && trace->frequency_hz &&
		  trace->voltage_v && trace->temperature_c && trace->group);
	UNIT_EQUAL_U64(0, trace->row_count);
	trace->power[1] = trace->events[1] = 3;
	trace_free(trace);
	trace_free(trace_new(0, 0));
	UNIT_TRUE(trace_new(SIZE_MAX / 16, 64) == NULL);
	trace_free(NULL);
}

int main(void)
{
	return UNIT_RUN(
		"trace", { "known columns are told from events by their names", test_columns },
		{ "without groups ten blocks of consecutive rows serve", test_blocks },
		{ "counts are divided by the interval, from either place", test_intervals },
		{ "energy is energy without an interval, and power with one", test_energy },
		{ "any column is the power; another one is never an event", test_power_columns },
		{ "named events are taken, and others have no bearing", test_named_events },
		{ "a group column may be numeric, and must be there", test_groups },
		{ "many groups are found again", test_many_groups },
		{ "text is left aside, a bad number among numbers is an error", test_texts },
		{ "what is absent drops the row; a power of zero is no figure", test_absent },
		{ "a group whose rows were all dropped is none", test_dropped_rows_have_no_group },
		{ "mistakes name line and column", test_mistakes },
		{ "every mistake of a file is listed", test_every_mistake },
		{ "more events than can be fitted are refused", test_too_many_events },
		{ "power alone is a trace where no events are wanted", test_without_events },
		{ "quotes, CRLF, a byte order mark and empty last lines are fine", test_forms },
		{ "what is printed reads back as the same", test_print },
		{ "a new trace has room for everything", test_new });
}
