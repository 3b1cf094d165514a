/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report is made of: safe text, pictures' scripts, and the page around them. */
#include "calibrate/report/html.h"
#include "calibrate/report/picture.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

/* Two workloads, one with a name that would break out of HTML and of gnuplot. */
enum { ROWS = 6, EVENTS = 2, GROUPS = 2 };
static double power[ROWS] = { 100, 101, 99, 150, 151, 149 };
static double rates[ROWS * EVENTS] = { 0, 1, 0, 1, 0, 1, 50, 2, 50, 2, 50, 2 };
static double predicted[ROWS] = { 100, 100, 100, 150, 150, 150 };
static uint32_t groups[ROWS] = { 0, 0, 0, 1, 1, 1 };
static char events[EVENTS][EVENT_NAME_BYTES] = { "pmu::CYCLES", "pmu::MISSES" };
static struct fit_weight weights[EVENTS] = {
	{ .joules = 1, .se = 0.1, .upper = NAN, .vif = 1, .max_rate = 50, .share = 0.2 },
	{ .joules = 0, .se = NAN, .upper = 0.5, .vif = INFINITY, .min_rate = 1, .max_rate = 2 },
};
static struct fit_point point = { .rows = ROWS, .base = 100, .base_se = 1, .weights = weights };
static struct fit_group found[GROUPS] = { { .rows = 3, .mape_percent = 0.7 },
					  { .rows = 3, .mape_percent = 12.5 } };

static struct trace trace(char **names)
{
	return (struct trace){
		.row_count = ROWS,
		.power = power,
		.event_count = EVENTS,
		.event_names = events,
		.events = rates,
		.has_groups = true,
		.group_count = GROUPS,
		.group_names = names,
		.group = groups,
	};
}

static struct fit fit(char **names)
{
	return (struct fit){
		.rows = ROWS,
		.group_count = GROUPS,
		.group_names = names,
		.groups = found,
		.event_count = EVENTS,
		.event_names = events,
		.point_count = 1,
		.points = &point,
		.worst_group = 1,
		.worst_mape_percent = 12.5,
		.verdict = VERDICT_USABLE,
		.predicted = predicted,
		.predicted_lowo = predicted,
	};
}

static void test_text(void)
{
	struct text html = { 0 };

	html_text(&html, "a<b>&\"c\"\x1b[2J");
	UNIT_EQUAL_TEXT("a&lt;b&gt;&amp;&quot;c&quot;?[2J", html.bytes);
	text_reset(&html);
	html_cell(&html, true, "%d < %d", 1, 2);
	UNIT_EQUAL_TEXT("<td class=\"n\">1 &lt; 2</td>\n", html.bytes);
	text_free(&html);
}

/* The test vectors of RFC 4648, 10. */
static void test_base64(void)
{
	static const char *const pairs[][2] = {
		{ "f", "Zg==" },        { "fo", "Zm8=" },        { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct text html = { 0 };

		html_base64(&html, pairs[i][0], strlen(pairs[i][0]));
		UNIT_EQUAL_TEXT(pairs[i][1], html.bytes);
		text_free(&html);
	}
}

/* Of the events that were fitted, wherever they stand in the trace. */
static void test_rates(void)
{
	char *names[] = { unit_literal("idle"), unit_literal("busy") };
	struct trace of = trace(names);
	struct fit with = fit(names);
	struct report report = { .trace = &of, .fit = &with };
	unsigned columns[TRACE_EVENTS_MAX];
	double *means;

	with.event_count = 1;
	with.event_names = &events[1];
	UNIT_EQUAL_U64(1, picture_columns(&report, columns));
	UNIT_EQUAL_U64(1, columns[0]);
	means = picture_group_rates(&of, columns, 1);
	UNIT_EQUAL_DOUBLE(1, means[0], 0);
	UNIT_EQUAL_DOUBLE(2, means[1], 1e-12);
	free(means);
}

/* A workload's name is data, also where it looks like the end of it. */
static void test_names(void)
{
	char *names[] = { unit_literal("idle"), unit_literal("\"\nEND\nset output '/tmp/x'\t<b>") };
	struct trace of = trace(names);
	struct fit with = fit(names);
	struct report report = { .title = "T", .trace = &of, .fit = &with };

	for (size_t i = 0; i < picture_count; i++) {
		struct text script = { 0 };

		if (!pictures[i].is_wanted(&report))
			continue;
		pictures[i].draw(&report, &script);
		UNIT_TRUE(!strstr(script.bytes, "\nset output"));
		UNIT_TRUE(!strstr(script.bytes, "'/tmp/x'"));
		text_free(&script);
	}
}

static size_t count(const char *needle, const char *haystack)
{
	size_t found_so_far = 0;

	while ((haystack = strstr(haystack, needle))) {
		found_so_far++;
		haystack += strlen(needle);
	}
	return found_so_far;
}

static void test_page(void)
{
	char *names[] = { unit_literal("idle"), unit_literal("<i>busy</i>") };
	struct trace_about about = { .emulated = true };
	struct trace of = trace(names);
	struct fit with = fit(names);
	struct report report = { .title = "A & B", .trace = &of, .fit = &with, .about = &about };
	struct error error = { "" };
	struct text html = { 0 };
	int result;

	about.meter_resolution_w = about.disks_idle_w = NAN;
	result = report_html(&report, &html, &error);
	if (result == -ENOENT) /* without gnuplot there is no page, and it says why */
		UNIT_CONTAINS("gnuplot", error.text);
	UNIT_EQUAL_I64(0, result);
	UNIT_CONTAINS("<title>A &amp; B</title>", html.bytes);
	UNIT_CONTAINS("EMULATED", html.bytes);
	UNIT_CONTAINS("Verdict: usable.", html.bytes);
	UNIT_CONTAINS("&lt;i&gt;busy&lt;/i&gt;", html.bytes);
	UNIT_TRUE(!strstr(html.bytes, "<i>"));
	UNIT_CONTAINS("below 500mJ", html.bytes);
	UNIT_EQUAL_U64(5, count("<img alt=\"", html.bytes));
	UNIT_EQUAL_U64(0, count("<script", html.bytes));
	text_free(&html);
}

int main(void)
{
	return UNIT_RUN("report-html", { "text is escaped", test_text },
			{ "base64 is that of RFC 4648", test_base64 },
			{ "mean rates of a workload", test_rates },
			{ "a name cannot end a picture's data", test_names },
			{ "the page holds everything, and says that it is emulated", test_page });
}
