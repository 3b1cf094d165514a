/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/metering-history.h"
#include "engine/metering.h"
#include "meter/plant.h"
#include "tests/unit/unit.h"

#define MS UINT64_C(1000000)
#define PATIENCE_NS (20000 * MS)

/* --- history ---------------------------------------------------------------------------------- */

static void add(struct metering_history *history, uint64_t begin_ns, uint64_t end_ns,
		double power_w)
{
	const struct history_piece piece = { begin_ns, end_ns, power_w };

	metering_history_add(history, &piece);
}

static void test_mean(void)
{
	struct metering_history history = { .span_ns = 10000 };

	UNIT_EQUAL_U64(0, metering_history_end(&history));
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 100, 200), 0);
	add(&history, 100, 200, 10);
	add(&history, 200, 300, 40);
	add(&history, 300, 400, NAN);
	add(&history, 410, 500, 20);
	UNIT_EQUAL_U64(500, metering_history_end(&history));
	UNIT_EQUAL_DOUBLE(10, metering_history_mean(&history, 110, 120), 0);
	UNIT_EQUAL_DOUBLE(25, metering_history_mean(&history, 100, 300), 1e-12);
	UNIT_EQUAL_DOUBLE(34, metering_history_mean(&history, 180, 280), 1e-12);
	/* A tenth may be missing, not more. */
	UNIT_EQUAL_DOUBLE(20, metering_history_mean(&history, 401, 491), 1e-12);
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 399, 489), 0);
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 250, 350), 0);
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 480, 600), 0);
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 150, 150), 0);
	/* Time does not go back. */
	add(&history, 450, 600, 1000);
	add(&history, 700, 700, 1000);
	UNIT_EQUAL_U64(500, metering_history_end(&history));
	metering_history_clear(&history);
}

static void test_bounded(void)
{
	struct metering_history history = { .span_ns = 1000 };

	for (uint64_t i = 1; i <= 100000; i++)
		add(&history, i * 10, i * 10 + 10, (double)i);
	UNIT_TRUE(history.capacity <= 512);
	UNIT_EQUAL_DOUBLE(99950.5, metering_history_mean(&history, 999010, 1000010), 1e-12);
	UNIT_EQUAL_DOUBLE(NAN, metering_history_mean(&history, 900000, 900010), 0);
	metering_history_clear(&history);
}

/* --- meters ----------------------------------------------------------------------------------- */

static void sleep_ms(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

/* Its thread opens it. */
static void wait_open(struct metering *metering)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;

	while (!metering_about(metering) && clock_now_ns() < end_ns)
		sleep_ms(2);
	UNIT_TRUE(metering_about(metering) != NULL);
}

static struct metering *must_open(const char *spec, double speed, double lag_s, double window_s)
{
	const struct metering_options options = {
		.spec = spec,
		.place = { .speed = speed },
		.scope = SCOPE_WALL,
		.lag_s = lag_s,
		.window_s = window_s,
	};
	struct error error = { "" };
	struct metering *metering;

	if (metering_open(&metering, &options, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	wait_open(metering);
	return metering;
}

/* Until there is a figure, or trouble that has `needle`. */
static struct metering_match wait_match(struct metering *metering, const char *needle)
{
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
	struct metering_match match;

	for (;;) {
		match = metering_match(metering, clock_now_ns());
		if (needle ? match.trouble && strstr(match.trouble, needle)
			   : !isnan(match.metered_w))
			return match;
		if (clock_now_ns() > end_ns)
			break;
		sleep_ms(2);
	}
	UNIT_CONTAINS(needle ? needle : "a reading", match.trouble ? match.trouble : "(nothing)");
	return match;
}

/* The truth of a plant as the model, in pieces so fine that their edges do not count. */
static uint64_t add_truth(struct metering *metering, const struct plant *plant, uint64_t from_ns,
			  uint64_t to_ns)
{
	for (; from_ns + MS / 2 <= to_ns; from_ns += MS / 2)
		metering_add_model(metering, from_ns, from_ns + MS / 2,
				   plant_power_w(plant, plant_time_ns(plant, from_ns),
						 plant_time_ns(plant, from_ns + MS / 2)));
	return from_ns;
}

enum { MATCHES = 10 };

struct deviation {
	unsigned matches;
	double mean; /* of |modelled / metered - 1| */
};

/* A machine whose power jumps, and its meter, late and over a second; 50 times as fast. */
static struct deviation compare_plant(struct plant *plant, const char *spec, double lag_s)
{
	struct metering *metering = must_open(spec, 1, lag_s, NAN);
	struct deviation deviation = { 0 };
	uint64_t known_ns = clock_now_ns(), begin_ns = known_ns;

	while (deviation.matches < MATCHES && known_ns < begin_ns + PATIENCE_NS) {
		struct metering_match match;

		sleep_ms(6);
		known_ns = add_truth(metering, plant, known_ns, clock_now_ns());
		match = metering_match(metering, clock_now_ns());
		if (isnan(match.metered_w) || isnan(match.modelled_w))
			continue;
		deviation.mean += fabs(match.modelled_w / match.metered_w - 1);
		deviation.matches++;
	}
	deviation.mean /= deviation.matches;
	metering_close(metering);
	return deviation;
}

static void test_lag_and_window(void)
{
	const struct plant_settings settings = { .seed = 7, .speed = 50 };
	struct deviation right, wrong;
	struct error error = { "" };
	struct plant *plant;
	char path[200], spec[256];

	snprintf(path, sizeof path, "%s/plant", unit_folder());
	snprintf(spec, sizeof spec, "emulated:%s?lag=2s&window=1s", path);
	if (plant_create(&plant, path, &settings, &error))
		abort();
	/* Each two seconds of its time it begins or ends to work, for a long while. */
	for (uint64_t i = 1; i <= 100; i++)
		plant_run(plant, i * 2000 * MS, "work", i % 2 ? 8 : 0, &error);
	right = compare_plant(plant, spec, 2);
	wrong = compare_plant(plant, spec, NAN);
	UNIT_EQUAL_U64(MATCHES, right.matches);
	UNIT_EQUAL_U64(MATCHES, wrong.matches);
	UNIT_TRUE(right.mean < 0.02);
	UNIT_TRUE(wrong.mean > 0.1);
	if (right.mean >= 0.02 || wrong.mean <= 0.1)
		fprintf(stderr, "deviation %g with the lag, %g without\n", right.mean, wrong.mean);
	plant_close(plant);
}

static void test_scope(void)
{
	const struct plant_settings settings = { .seed = 7 };
	struct metering_options options = { .scope = SCOPE_PACKAGE, .lag_s = NAN, .window_s = NAN };
	struct error error = { "" };
	struct metering *metering;
	struct plant *plant;
	char path[200], spec[256];

	snprintf(path, sizeof path, "%s/scoped", unit_folder());
	snprintf(spec, sizeof spec, "emulated:%s", path);
	if (plant_create(&plant, path, &settings, &error))
		abort();
	options.spec = spec;
	UNIT_EQUAL_I64(0, metering_open(&metering, &options, &error));
	wait_match(metering, "it measures wall power, but the weights are of package power");
	UNIT_TRUE(!metering_about(metering));
	metering_close(metering);
	/* Whoever wires a program up knows. */
	options.spec = "command:sleep 100";
	UNIT_EQUAL_I64(0, metering_open(&metering, &options, &error));
	wait_open(metering);
	UNIT_TRUE(!metering_about(metering)->has_scope);
	metering_close(metering);
	plant_close(plant);
}

/* What is wrong with it is told, and nothing is made up meanwhile. */
static void test_not_open(void)
{
	const struct metering_options options = {
		.spec = "command", .scope = SCOPE_WALL, .lag_s = NAN, .window_s = NAN
	};
	struct snapshot snapshot = { .host = { .metered_w = NAN } };
	struct error error = { "" };
	struct metering *metering;
	struct metering_match match;

	UNIT_EQUAL_I64(0, metering_open(&metering, &options, &error));
	match = (struct metering_match){ NAN, NAN, INFINITY, NULL };
	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_EQUAL_TEXT("meter command: not open yet", snapshot.host.residual_reason);
	metering_add_model(metering, 1, 1000, 50);
	match = wait_match(metering, "which program");
	UNIT_TRUE(isinf(match.age_s));
	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_EQUAL_TEXT(NULL, snapshot.source.meter);
	UNIT_EQUAL_DOUBLE(NAN, snapshot.host.metered_w, 0);
	UNIT_CONTAINS("meter command", snapshot.host.residual_reason);
	UNIT_CONTAINS("which program", snapshot.host.residual_reason);
	UNIT_TRUE(!strstr(snapshot.host.residual_reason, "command: command"));
	snapshot_clear(&snapshot);
	metering_close(metering);
}

static void test_replay(void)
{
	struct metering *metering;
	struct metering_match match;
	uint64_t end_ns = clock_now_ns() + PATIENCE_NS;
	unsigned figures = 0;
	char spec[256];

	unit_write_file("watts.csv", "interval_s,power_w\n1,40\n1,50\n1,60\n");
	snprintf(spec, sizeof spec, "replay:%s/watts.csv", unit_folder());
	metering = must_open(spec, 200, NAN, NAN);
	UNIT_TRUE(metering_about(metering)->emulated);
	/* Not compared with a model that says nothing, but shown: one by one or several at once. */
	do {
		sleep_ms(2);
		match = metering_match(metering, clock_now_ns());
		if (isnan(match.metered_w))
			continue;
		UNIT_TRUE(match.metered_w >= 40 && match.metered_w <= 60);
		UNIT_EQUAL_DOUBLE(NAN, match.modelled_w, 0);
		UNIT_EQUAL_TEXT(NULL, match.trouble);
		figures++;
	} while (!(match.trouble && strstr(match.trouble, "at its end")) &&
		 clock_now_ns() < end_ns);
	UNIT_TRUE(figures >= 1);
	UNIT_CONTAINS("at its end", match.trouble ? match.trouble : "");
	UNIT_EQUAL_DOUBLE(NAN, match.metered_w, 0);
	UNIT_TRUE(isfinite(match.age_s));
	metering_close(metering);
}

/* What is negative is flagged, and no figure. */
static void test_flagged(void)
{
	struct metering *metering =
		must_open("command:echo 50 W; echo -5 W; exec sleep 100", 1, NAN, NAN);
	struct metering_match match = wait_match(metering, NULL);

	UNIT_EQUAL_DOUBLE(50, match.metered_w, 0);
	UNIT_TRUE(match.age_s >= 0);
	match = wait_match(metering, "flagged: implausible");
	UNIT_EQUAL_DOUBLE(NAN, match.metered_w, 0);
	UNIT_TRUE(isfinite(match.age_s));
	metering_close(metering);
}

static void test_trouble(void)
{
	struct metering *metering = must_open("command:exec sleep 100", 1, NAN, NAN);
	struct metering_match match = metering_match(metering, clock_now_ns());

	UNIT_EQUAL_TEXT("the meter has given no reading yet", match.trouble);
	UNIT_TRUE(isinf(match.age_s));
	metering_close(metering);
	metering = must_open("command:echo 50 W; exec sleep 100", 1, NAN, NAN);
	wait_match(metering, NULL);
	match = metering_match(metering, clock_now_ns());
	UNIT_EQUAL_TEXT(NULL, match.trouble);
	UNIT_EQUAL_DOUBLE(NAN, match.metered_w, 0);
	match = metering_match(metering, clock_now_ns() + 30000 * MS);
	UNIT_CONTAINS("silent for 3", match.trouble);
	UNIT_TRUE(match.age_s >= 30);
	metering_close(metering);
	metering = must_open("command:echo no socket >&2; exit 3", 1, NAN, NAN);
	match = wait_match(metering, "no socket");
	UNIT_CONTAINS("ended with status 3", match.trouble);
	metering_close(metering);
}

/* A reading waits until the tick that it fell into has ended. */
static void test_waits_for_model(void)
{
	struct metering *metering = must_open("command:echo 50 W; exec sleep 100", 1, NAN, 1);
	uint64_t begin_ns = clock_now_ns() - 5000 * MS, now_ns = clock_now_ns();
	struct metering_match match;

	metering_add_model(metering, begin_ns, begin_ns + 1000 * MS, 10);
	for (unsigned i = 0; i < 50; i++) {
		match = metering_match(metering, clock_now_ns());
		UNIT_TRUE(isnan(match.metered_w));
		if (isfinite(match.age_s))
			break;
		sleep_ms(10);
	}
	/* The second before it, whatever moment that was. */
	metering_add_model(metering, begin_ns + 1000 * MS, now_ns + PATIENCE_NS, 45);
	match = wait_match(metering, NULL);
	UNIT_EQUAL_DOUBLE(50, match.metered_w, 0);
	UNIT_EQUAL_DOUBLE(45, match.modelled_w, 0);
	UNIT_EQUAL_TEXT(NULL, match.trouble);
	metering_close(metering);
}

static void test_fill(void)
{
	struct metering *metering = must_open("command:exec sleep 100", 1, NAN, NAN);
	struct metering_match match = { 50, 45, 0, NULL };
	struct snapshot snapshot = { 0 };

	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_EQUAL_DOUBLE(50, snapshot.host.metered_w, 0);
	UNIT_EQUAL_DOUBLE(5, snapshot.host.residual_w, 0);
	UNIT_EQUAL_TEXT(NULL, snapshot.host.residual_reason);
	UNIT_EQUAL_TEXT("output of a program", snapshot.source.meter);
	match.modelled_w = NAN;
	match.trouble = "because";
	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_EQUAL_DOUBLE(50, snapshot.host.metered_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, snapshot.host.residual_w, 0);
	UNIT_EQUAL_TEXT("because", snapshot.host.residual_reason);
	match.trouble = NULL;
	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_CONTAINS("the model has no figure", snapshot.host.residual_reason);
	match = (struct metering_match){ NAN, NAN, 1, NULL };
	UNIT_EQUAL_I64(0, metering_fill(metering, &match, &snapshot));
	UNIT_EQUAL_DOUBLE(NAN, snapshot.host.metered_w, 0);
	UNIT_EQUAL_TEXT("no new reading in this tick", snapshot.host.residual_reason);
	snapshot_clear(&snapshot);
	metering_close(metering);
}

static void test_parts_in_scope(void)
{
	struct snapshot snapshot = {
		.host = { .total_w = 100, .cpu_idle_w = 30, .cpu_active_w = 45, .disk_idle_w = 25 }
	};

	UNIT_EQUAL_DOUBLE(100, metering_host_w(SCOPE_WALL, &snapshot), 0);
	UNIT_EQUAL_DOUBLE(100, metering_host_w(SCOPE_DC, &snapshot), 0);
	UNIT_EQUAL_DOUBLE(75, metering_host_w(SCOPE_PACKAGE, &snapshot), 0);
	UNIT_EQUAL_DOUBLE(75, metering_host_w(SCOPE_PACKAGE_DRAM, &snapshot), 0);
	UNIT_EQUAL_DOUBLE(NAN, metering_host_w(SCOPE_RAIL, &snapshot), 0);
}

int main(void)
{
	return UNIT_RUN(
		"metering", { "a mean over what was known", test_mean },
		{ "the past is forgotten", test_bounded },
		{ "model.md 7: the model passes through lag and window", test_lag_and_window },
		{ "model.md 1: another scope is refused", test_scope },
		{ "a meter that does not open says why", test_not_open },
		{ "a replay is shown, and ends", test_replay },
		{ "flagged readings are not used", test_flagged },
		{ "why there is nothing", test_trouble },
		{ "a reading waits for its tick", test_waits_for_model },
		{ "model.md 5: residual, or a reason", test_fill },
		{ "model.md 5: only parts inside the scope", test_parts_in_scope });
}
