/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What counts the CPU, and at which prices: on this very machine.
 *
 * no valgrind: BPF is loaded, whose commands it does not know (3.19), and it takes
 * libbpf's paddings for errors. ASan looks for leaks.
 */
#include "engine/counting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

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

#define PRICED "[point]\nbase = 40W +-1W\n" COUNTABLE "on-cpu = 6W +-1W\n"

/* May this be counted on this kernel? Where not (perf_event_paranoid), nothing is to be tested. */
static bool counts_by(enum cpu_source source)
{
	int result = choose((int)source, PRICED);

	if (result < 0)
		printf("left out: %s\n", error.text);
	forget();
	return result == (int)source;
}

/* Does the kernel keep the log of switches for us, or rings alone, or nobody? */
static bool kernel_follows_switches(void)
{
	static bool was_asked, follows;

	if (was_asked)
		return follows;
	was_asked = true;
	follows = choose(CPU_SOURCE_SWITCH, PRICED) == CPU_SOURCE_SWITCH &&
		  strstr(live_total_source(live), "BPF");
	forget();
	return follows;
}

/* What is chosen unasked: the log, or `other` and why. */
static void check_chosen(bool has_log, enum cpu_source other)
{
	struct event_set events;

	live_events(live, &events);
	UNIT_EQUAL_TEXT(cpu_source_name(has_log ? CPU_SOURCE_SWITCH : other),
			cpu_source_name(events.source));
	UNIT_EQUAL_TEXT(cpu_source_name(events.source), cpu_source_name(counting.source));
	if (has_log)
		UNIT_CONTAINS("switches by BPF", live_total_source(live));
	if (has_log)
		UNIT_EQUAL_TEXT("", counting.why_not_switches.text);
	else
		UNIT_CONTAINS("switches are not followed: ", counting.why_not_switches.text);
}

static void test_events_win(void)
{
	bool has_log = kernel_follows_switches();

	if (!counts_by(CPU_SOURCE_PERF))
		return;
	UNIT_TRUE(choose(COUNTING_AUTO, PRICED) >= 0);
	check_chosen(has_log, CPU_SOURCE_PERF);
	UNIT_EQUAL_U64(0, counting.warnings.count);
	UNIT_EQUAL_TEXT("", counting.why_not_events.text);
	UNIT_CONTAINS("1 event", live_total_source(live));
	forget();
	UNIT_EQUAL_I64(CPU_SOURCE_PERF, choose(CPU_SOURCE_PERF, PRICED));
	UNIT_EQUAL_TEXT("", counting.why_not_switches.text);
	forget();
	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME, choose(CPU_SOURCE_CPUTIME, PRICED));
	UNIT_EQUAL_TEXT("", counting.why_not_switches.text);
	forget();
}

static void test_time_alone(void)
{
	bool has_log = kernel_follows_switches();
	struct event_set events;

	UNIT_TRUE(choose(COUNTING_AUTO, "[point]\nbase = 40W +-1W\non-cpu = 6W +-1W\n") >= 0);
	check_chosen(has_log, CPU_SOURCE_CPUTIME);
	live_events(live, &events);
	UNIT_TRUE(event_set_is_time(&events));
	UNIT_EQUAL_U64(0, counting.warnings.count);
	UNIT_CONTAINS("no prices for perf", counting.why_not_events.text);
	forget();
}

/* Rings are left to who asks for them: without BPF the others serve, and a sentence says why. */
static void test_without_rights(void)
{
	char path[512];
	int status;
	pid_t pid;

	/* It writes the file anew. */
	snprintf(path, sizeof path, "%s/test.weights", unit_folder());
	unlink(path);
	UNIT_EQUAL_I64(0, chmod(unit_folder(), 0777));
	pid = fork();
	if (pid == 0) {
		if (setresuid(65534, 65534, 65534))
			_exit(77);
		status = choose(COUNTING_AUTO, PRICED);
		fprintf(stderr, "(%s) ", counting.why_not_switches.text);
		if (status != CPU_SOURCE_PERF && status != CPU_SOURCE_CPUTIME)
			_exit(1);
		_exit(strstr(counting.why_not_switches.text, "switches are not followed: ") ? 0
											    : 2);
	}
	UNIT_EQUAL_I64(pid, waitpid(pid, &status, 0));
	UNIT_EQUAL_I64(0, chmod(unit_folder(), 0700));
	unlink(path);
	UNIT_TRUE(WIFEXITED(status));
	UNIT_TRUE(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

/* What is not of this machine has no switches to follow, and nobody expects any. */
static void test_other_root(void)
{
	struct live_options options = { .without_libvirt = true, .interval_ns = 1000000000 };
	struct counting_request request = { .source = COUNTING_AUTO };
	char root[400], weights[512];
	struct event_set events;

	snprintf(root, sizeof root, "%s/root", unit_folder());
	snprintf(weights, sizeof weights, "%s/test.weights", unit_folder());
	unit_write_file("test.weights", HEAD PRICED TAIL);
	unit_write_file("root/proc/stat", "cpu  1 0 1 1 0 0 0 0 0 0\ncpu0 1 0 1 1 0 0 0 0 0 0\n");
	unit_write_file("root/proc/self/mountinfo", "30 1 0:26 / /sys/fs/cgroup/cpuacct rw - "
						    "cgroup cgroup rw,cpuacct\n");
	unit_write_file("root/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "1000 \n");
	options.root = root;
	request.weights = weights;
	UNIT_EQUAL_I64(0, live_open(&live, &options, &error));
	UNIT_EQUAL_I64(0, live_discover(live, &topology, &error));
	UNIT_EQUAL_I64(0, counting_choose(live, &request, topology, &counting, &error));
	live_events(live, &events);
	UNIT_EQUAL_TEXT("cputime", cpu_source_name(events.source));
	UNIT_EQUAL_TEXT("", counting.why_not_switches.text);
	UNIT_CONTAINS("another root", counting.why_not_events.text);
	forget();
}

static void test_stand_in(void)
{
	bool has_log = kernel_follows_switches();
	struct event_set events;

	UNIT_TRUE(choose(COUNTING_AUTO,
			 "[point]\nbase = 40W +-1W\n" NOT_COUNTABLE "on-cpu = 6W +-1W\n") >= 0);
	check_chosen(has_log, CPU_SOURCE_CPUTIME);
	live_events(live, &events);
	UNIT_TRUE(event_set_is_time(&events));
	UNIT_EQUAL_U64(1, counting.warnings.count);
	UNIT_CONTAINS("nobody::KNOWS_THIS", counting.warnings.texts[0]);
	UNIT_CONTAINS("test.weights", counting.warnings.texts[0]);
	UNIT_CONTAINS("nobody::KNOWS_THIS", counting.why_not_events.text);
	forget();
}

/* Events, or time where only that has a price: then the figures are estimates. */
static void test_switches(void)
{
	struct event_set events;

	if (!counts_by(CPU_SOURCE_SWITCH))
		return;
	UNIT_EQUAL_I64(CPU_SOURCE_SWITCH, choose(CPU_SOURCE_SWITCH, PRICED));
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

	UNIT_TRUE(choose(COUNTING_AUTO, points) >= 0);
	UNIT_EQUAL_I64(0, live_sample(live, topology, &sample, &error));
	forget();
	UNIT_TRUE(choose(COUNTING_AUTO, "[point]\nbase = 40W +-1W\non-cpu = 4W +-1W\n") >= 0);
	UNIT_EQUAL_I64(0, live_sample(live, topology, &sample, &error));
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	forget();
	sample_clear(&sample);
}

int main(void)
{
	return UNIT_RUN("counting",
			{ "events win over time where both are priced, by the log of switches",
			  test_events_win },
			{ "time alone comes from the log, too", test_time_alone },
			{ "without rights the other sources serve, and it is said why",
			  test_without_rights },
			{ "another root has no switches to follow", test_other_root },
			{ "time stands in for events that cannot be counted, and it is said",
			  test_stand_in },
			{ "the log of switches counts events, or time where only that has a price",
			  test_switches },
			{ "what is asked for and cannot be had is an error", test_nothing_serves },
			{ "frequency is read only where prices depend on it", test_frequency });
}
