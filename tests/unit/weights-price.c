/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"

#define HEAD(more)                                                                                 \
	"[weights]\nformat = 1\nname = x\nkind = cpu\nscope = wall\nstanding = modelled\n" more

static struct weights *parse(const char *text)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;

	weights_parse("x", text, strlen(text), &weights, &errors);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.texts[i]);
	error_list_clear(&errors);
	if (!weights)
		abort();
	return weights;
}

static const struct event_set unhalted = {
	.source = CPU_SOURCE_PERF,
	.count = 1,
	.names = { "p4::UNHALTED" },
};
static const struct event_set cputime = {
	.source = CPU_SOURCE_CPUTIME,
	.count = 1,
	.names = { CPUTIME_EVENT },
};

/* model.md 2: power of `seconds` with these counts of one TSC and one event. */
static double power(const struct price *price, double tsc, double events, double seconds)
{
	return (tsc * price->tsc_nj + events * price->event_nj[0]) * 1e-9 / seconds;
}

static void test_pentium_d_rows(void)
{
	struct weights *weights = parse(HEAD("[machine]\ncpus = 1\nchips = 1\ntsc = 3GHz\n"
					     "[point]\nbase = 43.05W\n"
					     "weight = 14.32nJ p4::UNHALTED\n"));
	struct price price;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 1, 0, &price, &error));
	UNIT_EQUAL_DOUBLE(14.35, price.tsc_nj, 1e-12);
	UNIT_EQUAL_DOUBLE(43.309, power(&price, 29999e6, 190e6, 10), 1e-3);
	UNIT_EQUAL_DOUBLE(85.934, power(&price, 29981e6, 29981e6, 10), 1e-3);
	UNIT_EQUAL_U64(0, price.quality);
	weights_free(weights);
}

static void test_pentium_4(void)
{
	struct weights *weights = parse(HEAD("[machine]\ncpus = 1\nchips = 1\ntsc = 2GHz\n"
					     "[point 2GHz]\nbase = 12.34W\non-cpu = 14.24W\n"
					     "weight = 7.12nJ p4::UNHALTED\n"));
	struct price price;

	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 1, 2e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(6.17, price.tsc_nj, 1e-12);
	UNIT_EQUAL_DOUBLE(12.34, power(&price, 2e9, 0, 1), 1e-12);
	UNIT_EQUAL_DOUBLE(26.58, power(&price, 2e9, 2e9, 1), 1e-12);
	/* Without a PMU, a second on the CPU stands in. */
	UNIT_EQUAL_I64(0, weights_price(weights, &cputime, 1, 2e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(26.58, power(&price, 2e9, 1e9, 1), 1e-12);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, price.quality);
	weights_free(weights);
}

static void test_disks_are_no_idle_power(void)
{
	struct weights *weights = parse(HEAD("[machine]\ncpus = 8\nchips = 1\ntsc = 2GHz\n"
					     "[point]\nbase = 100W +-5W\non-cpu = 3W +-500mW\n"
					     "[disks-in-base]\npower = 12W\n"));
	struct price price;

	UNIT_EQUAL_I64(0, weights_price(weights, &cputime, 8, 0, &price, NULL));
	UNIT_EQUAL_DOUBLE(88, price.idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(88 / (8 * 2.0), price.tsc_nj, 1e-12);
	UNIT_EQUAL_DOUBLE(5, price.idle_se_w, 0);
	UNIT_EQUAL_DOUBLE(3, price.event_nj[0], 0);
	UNIT_EQUAL_DOUBLE(0.5, price.event_se_nj[0], 0);
	/* Half of the CPUs taken off line: the machine's idle power is the same. */
	UNIT_EQUAL_I64(0, weights_price(weights, &cputime, 4, 0, &price, NULL));
	UNIT_EQUAL_DOUBLE(88, price.idle_w, 1e-12);
	weights_free(weights);
}

static void test_per_cpu_scales(void)
{
	struct weights *weights = parse(HEAD("guess = yes\n[machine]\nper-cpu = yes\n"
					     "[point]\nbase = 600mW +-0.3W\non-cpu = 2W\n"));
	struct price price;

	UNIT_EQUAL_I64(0, weights_price(weights, &cputime, 12, 0, &price, NULL));
	UNIT_EQUAL_DOUBLE(7.2, price.idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(3.6, price.idle_se_w, 1e-12);
	UNIT_EQUAL_DOUBLE(2, price.event_nj[0], 0);
	UNIT_EQUAL_DOUBLE(NAN, price.event_se_nj[0], 0);
	UNIT_EQUAL_DOUBLE(NAN, price.tsc_nj, 0);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, price.quality);
	weights_free(weights);
}

static const char three_points[] = HEAD("[machine]\ncpus = 4\nchips = 1\ntsc = 2GHz\n"
					"[point 1GHz]\nbase = 10W +-1W\n"
					"weight = 1nJ +-0.1nJ p4::UNHALTED\n"
					"[point 2GHz]\nbase = 20W +-2W\n"
					"weight = 3nJ +-0.2nJ p4::UNHALTED\n"
					"[point 4GHz]\nbase = 50W\n"
					"weight = 9nJ p4::UNHALTED\n");

static void expect_price(double frequency_hz, double idle_w, double event_nj, unsigned quality)
{
	struct weights *weights = parse(three_points);
	struct price price;

	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 4, frequency_hz, &price, NULL));
	UNIT_EQUAL_DOUBLE(idle_w, price.idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(event_nj, price.event_nj[0], 1e-12);
	UNIT_EQUAL_U64(quality, price.quality);
	weights_free(weights);
}

static void test_interpolation(void)
{
	expect_price(1e9, 10, 1, 0);
	expect_price(1.5e9, 15, 2, 0);
	expect_price(2e9, 20, 3, 0);
	expect_price(2.5e9, 27.5, 4.5, 0);
	expect_price(4e9, 50, 9, 0);
}

static void test_no_extrapolation(void)
{
	expect_price(0.5e9, 10, 1, QUALITY_EXTRAPOLATED);
	expect_price(4.5e9, 50, 9, QUALITY_EXTRAPOLATED);
	/* Jitter of a measured clock is not beyond. */
	expect_price(0.995e9, 10, 1, 0);
	expect_price(4.03e9, 50, 9, 0);
	expect_price(4.05e9, 50, 9, QUALITY_EXTRAPOLATED);
}

static void test_unknown_frequency(void)
{
	expect_price(0, 50, 9, QUALITY_ESTIMATE);
}

static void test_errors_interpolate(void)
{
	struct weights *weights = parse(three_points);
	struct price price;

	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 4, 1.5e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(1.5, price.idle_se_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0.15, price.event_se_nj[0], 1e-12);
	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 4, 2e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(2, price.idle_se_w, 0);
	UNIT_EQUAL_DOUBLE(0.2, price.event_se_nj[0], 0);
	/* Towards a point that does not state its error there is none. */
	UNIT_EQUAL_I64(0, weights_price(weights, &unhalted, 4, 3e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(NAN, price.idle_se_w, 0);
	weights_free(weights);
}

static void test_refusals(void)
{
	struct weights *events = parse(three_points);
	struct weights *time = parse(HEAD("[machine]\ncpus = 4\nchips = 1\n"
					  "[point]\nbase = 10W\non-cpu = 1W\n"));
	struct event_set other = unhalted;
	struct price price;
	struct error error = { "" };

	strcpy(other.names[0], "p4::OTHER");
	UNIT_EQUAL_I64(-ENOENT, weights_price(events, &cputime, 4, 0, &price, &error));
	UNIT_EQUAL_TEXT("x: has no on-cpu price for time on a CPU", error.text);
	UNIT_EQUAL_I64(-ENOENT, weights_price(time, &unhalted, 4, 0, &price, &error));
	UNIT_EQUAL_TEXT("x: has no weights for events", error.text);
	UNIT_EQUAL_I64(-ENOENT, weights_price(events, &other, 4, 0, &price, &error));
	UNIT_EQUAL_TEXT("x: prices p4::UNHALTED, which is not counted", error.text);
	weights_free(events);
	weights_free(time);
}

static void test_unpriced_event_is_free(void)
{
	struct weights *weights = parse(three_points);
	struct event_set both = unhalted;
	struct price price;

	both.count = 2;
	strcpy(both.names[0], "p4::OTHER");
	strcpy(both.names[1], "p4::UNHALTED");
	UNIT_EQUAL_I64(0, weights_price(weights, &both, 4, 2e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(0, price.event_nj[0], 0);
	UNIT_EQUAL_DOUBLE(3, price.event_nj[1], 0);
	weights_free(weights);
}

int main(void)
{
	return UNIT_RUN(
		"weights-price",
		{ "model.md 2: the published Pentium D rows come out within 0.1 %",
		  test_pentium_d_rows },
		{ "model.md 2: Pentium 4 at 2 GHz: 12.34 W halted, 26.58 W spinning",
		  test_pentium_4 },
		{ "model.md 2: idle power is base less the disks', off-line CPUs included",
		  test_disks_are_no_idle_power },
		{ "a per-cpu base scales with the CPUs present", test_per_cpu_scales },
		{ "model.md 2: between calibrated points prices interpolate", test_interpolation },
		{ "model.md 2: beyond them the nearest holds and is marked",
		  test_no_extrapolation },
		{ "an unknown frequency takes the highest point as an estimate",
		  test_unknown_frequency },
		{ "standard errors interpolate, and unknown stays unknown",
		  test_errors_interpolate },
		{ "what a file cannot price is refused with the reason", test_refusals },
		{ "a counted event without a weight costs nothing", test_unpriced_event_is_free });
}
