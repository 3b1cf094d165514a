/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What counts the CPU, and at which prices: on this very machine.
 *
 * no valgrind: where a disk rotates BPF is loaded, whose commands it does not
 * know (3.19), and it takes libbpf's paddings for errors. ASan looks for leaks.
 */
#include "engine/counting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

#define HEAD                                                                                       \
	"[weights]\nformat = 1\nname = Test\nkind = cpu\nscope = wall\nstanding = measured\n"      \
	"[match]\nvendor = Nobody\n[machine]\ncpus = 2\nchips = 1\ntsc = 2GHz\n"
#define TAIL "[provenance]\nsource = made up for tests\n"
#define COUNTABLE "weight = 1nJ +-0.1nJ perf::CONTEXT-SWITCHES\n"
#define NOT_COUNTABLE "weight = 1nJ +-0.1nJ nobody::KNOWS_THIS\n"

static struct live *live;
static const struct topology *topology;
static struct counting counting;
static struct error error;

/* The source that was chosen, or -errno. */
static int choose(int source, const char *points)
{
	char path[512], *text = NULL;
	struct live_options options = { .without_libvirt = true, .interval_ns = 1000000000 };
	struct counting_request request = { .source = source, .weights = path };
	struct event_set events;
	int result;

	snprintf(path, sizeof path, "%s/test.weights", unit_folder());
	if (asprintf(&text, HEAD "%s" TAIL, points) < 0)
		abort();
	unit_write_file("test.weights", text);
	free(text);
	UNIT_EQUAL_I64(0, live_open(&live, &options, &error));
	UNIT_EQUAL_I64(0, live_discover(live, &topology, &error));
	result = counting_choose(live, &request, topology, &counting, &error);
	if (!result) {
		live_events(live, &events);
		result = (int)events.source;
	}
	return result;
}

static void forget(void)
{
	counting_clear(&counting);
	live_close(live);
	live = NULL;
}

/* May anybody count on this kernel? Where not (perf_event_paranoid), nothing is to be tested. */
static int counts_here(void)
{
	int result = choose(CPU_SOURCE_PERF, "[point]\nbase = 40W +-1W\n" COUNTABLE);

	if (result == -EACCES || result == -ENOSYS)
		printf("left out: %s\n", error.text);
	forget();
	return result == CPU_SOURCE_PERF;
}

static void test_events_win(void)
{
	if (!counts_here())
		return;
	UNIT_EQUAL_I64(CPU_SOURCE_PERF, choose(COUNTING_AUTO, "[point]\nbase = 40W +-1W\n" COUNTABLE
							      "on-cpu = 6W +-1W\n"));
	UNIT_EQUAL_U64(0, counting.warnings.count);
	UNIT_EQUAL_TEXT("", counting.why_not_events.text);
	UNIT_CONTAINS("1 event", live_total_source(live));
	forget();
	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME,
		       choose(CPU_SOURCE_CPUTIME,
			      "[point]\nbase = 40W +-1W\n" COUNTABLE "on-cpu = 6W +-1W\n"));
	forget();
}

static void test_stand_in(void)
{
	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME,
		       choose(COUNTING_AUTO,
			      "[point]\nbase = 40W +-1W\n" NOT_COUNTABLE "on-cpu = 6W +-1W\n"));
	UNIT_EQUAL_U64(1, counting.warnings.count);
	UNIT_CONTAINS("nobody::KNOWS_THIS", counting.warnings.texts[0]);
	UNIT_CONTAINS("test.weights", counting.warnings.texts[0]);
	UNIT_CONTAINS("nobody::KNOWS_THIS", counting.why_not_events.text);
	forget();
}

/* May switches be followed here? Where not, nothing is to be tested. */
static int follows_switches(void)
{
	int result = choose(CPU_SOURCE_SWITCH, "[point]\nbase = 40W +-1W\n" COUNTABLE);

	if (result < 0)
		printf("left out: %s\n", error.text);
	forget();
	return result == CPU_SOURCE_SWITCH;
}

/* Events, or time where only that has a price: then the figures are estimates. */
static void test_switches(void)
{
	struct event_set events;

	if (!follows_switches())
		return;
	UNIT_EQUAL_I64(CPU_SOURCE_SWITCH,
		       choose(CPU_SOURCE_SWITCH,
			      "[point]\nbase = 40W +-1W\n" COUNTABLE "on-cpu = 6W +-1W\n"));
	live_events(live, &events);
	UNIT_EQUAL_U64(2, events.count);
	UNIT_TRUE(!event_set_is_time(&events));
	UNIT_CONTAINS("1 event", live_total_source(live));
	forget();
	UNIT_EQUAL_I64(CPU_SOURCE_SWITCH,
		       choose(CPU_SOURCE_SWITCH, "[point]\nbase = 40W +-1W\non-cpu = 6W +-1W\n"));
	live_events(live, &events);
	UNIT_EQUAL_U64(1, events.count);
	UNIT_TRUE(event_set_is_time(&events));
	UNIT_CONTAINS("no prices for", counting.why_not_events.text);
	forget();
	UNIT_TRUE(choose(CPU_SOURCE_SWITCH,
			 "[point]\nbase = 40W +-1W\n" NOT_COUNTABLE "on-cpu = 6W +-1W\n") < 0);
	UNIT_CONTAINS("nobody::KNOWS_THIS", error.text);
	forget();
}

static void test_nothing_serves(void)
{
	UNIT_TRUE(choose(COUNTING_AUTO, "[point]\nbase = 40W +-1W\n" NOT_COUNTABLE) < 0);
	UNIT_CONTAINS("nobody::KNOWS_THIS", error.text); /* the reason that can be helped */
	UNIT_CONTAINS("no prices for cputime", error.text);
	UNIT_EQUAL_U64(1, counting.warnings.count); /* why its events do not serve, either */
	UNIT_TRUE(counting.choice.cpu == NULL);
	forget();
	UNIT_TRUE(choose(CPU_SOURCE_PERF,
			 "[point]\nbase = 40W +-1W\n" NOT_COUNTABLE "on-cpu = 6W +-1W\n") < 0);
	UNIT_CONTAINS("nobody::KNOWS_THIS", error.text);
	forget();
}

/* The frequency is read for files that have prices for several, and else no CPU is disturbed. */
static void test_frequency(void)
{
	static const char points[] = "[point 1GHz]\nbase = 40W +-1W\non-cpu = 4W +-1W\n"
				     "[point 2GHz]\nbase = 42W +-1W\non-cpu = 6W +-1W\n";
	struct sample sample = { 0 };

	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME, choose(COUNTING_AUTO, points));
	UNIT_CONTAINS("no prices for perf", counting.why_not_events.text);
	UNIT_EQUAL_I64(0, live_sample(live, topology, &sample, &error));
	forget();
	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME,
		       choose(COUNTING_AUTO, "[point]\nbase = 40W +-1W\non-cpu = 4W +-1W\n"));
	UNIT_EQUAL_I64(0, live_sample(live, topology, &sample, &error));
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	forget();
	sample_clear(&sample);
}

int main(void)
{
	return UNIT_RUN("counting",
			{ "events win over time where both are priced", test_events_win },
			{ "time stands in for events that cannot be counted, and it is said",
			  test_stand_in },
			{ "the log of switches counts events, or time where only that has a price",
			  test_switches },
			{ "what is asked for and cannot be had is an error", test_nothing_serves },
			{ "frequency is read only where prices depend on it", test_frequency });
}
