/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sum over all tasks is what the CPUs did: on this kernel, skipped where that is closed.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include "probe/perf-group.h"
#include "tests/relay.h"
#include "tests/unit/switch-scene.h"

/* --- load ---------------------------------------------------------------------------------- */

/* Two processes on one CPU that wake each other: two switches a round. */
static pid_t start_relay(unsigned rounds)
{
	pid_t pid = fork();
	int there[2], back[2];

	if (pid)
		return pid;
	relay_stay_on_one_cpu();
	if (pipe(there) || pipe(back))
		_exit(1);
	if (fork() == 0)
		for (unsigned i = 0; i < rounds; i++) {
			relay_take(there[0]);
			relay_pass(back[1]);
			if (i + 1 == rounds)
				_exit(0);
		}
	for (unsigned i = 0; i < rounds; i++) {
		relay_pass(there[1]);
		relay_take(back[0]);
	}
	wait(NULL);
	_exit(0);
}

static void *nothing(void *argument)
{
	return argument;
}

/* Processes and threads that hardly live. */
static pid_t start_churn(unsigned rounds)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (unsigned i = 0; i < rounds; i++) {
		pthread_t threads[3];
		pid_t child = fork();

		if (child == 0) {
			for (unsigned k = 0; k < i % 3; k++)
				pthread_create(&threads[k], NULL, nothing, NULL);
			_exit(0);
		}
		for (unsigned k = 0; k < 3; k++)
			if (pthread_create(&threads[k], NULL, nothing, NULL))
				_exit(1);
		for (unsigned k = 0; k < 3; k++)
			pthread_join(threads[k], NULL);
		waitpid(child, NULL, 0);
	}
	_exit(0);
}

static bool has_ended(pid_t pid)
{
	int status = 0;

	if (waitpid(pid, &status, WNOHANG) != pid)
		return false;
	UNIT_EQUAL_I64(0, status);
	return true;
}

static bool is_listed(const struct log *log, pid_t pid)
{
	for (size_t i = 0; i < log->tasks.count; i++)
		if (log->tasks.items[i].pid == pid)
			return true;
	return false;
}

/* --- sums ---------------------------------------------------------------------------------- */

/* With readings as fast as they go, and ones that see what built up between them. */
static void churn(struct log *log)
{
	enum { PATIENCE = 2000 };
	unsigned rounds = unit_rounds(50000);
	pid_t relay_pid = start_relay(rounds), churn_pid = start_churn(unit_rounds(300));
	const struct timespec moment = { .tv_nsec = 2000000 };
	uint64_t switches = switch_count(log->probe);
	bool relays = true, churns = true;
	unsigned readings = 0, gaps = 0;

	while (relays || churns) {
		relays = relays && !has_ended(relay_pid);
		churns = churns && !has_ended(churn_pid);
		log_read(log);
		check_sums(log);
		gaps += log->tasks.quality & QUALITY_GAP ? 1 : 0;
		if (readings++ % 4 == 0)
			nanosleep(&moment, NULL);
	}
	/* Their parents may have known of their end long before they left the CPU. */
	for (unsigned i = 0;
	     i < PATIENCE && (is_listed(log, relay_pid) || is_listed(log, churn_pid) || i < 3);
	     i++) {
		nanosleep(&moment, NULL);
		log_read(log);
		check_sums(log);
	}
	switches = switch_count(log->probe) - switches;
	printf("(%llu switches, %u readings, %u with a gap, %zu tasks) ",
	       (unsigned long long)switches, readings, gaps, log->tasks.count);
	UNIT_TRUE(switches >= UINT64_C(2) * rounds || gaps > 0);
	UNIT_TRUE(of_kind(log, SWITCH_OF_ENDED, log->events) > 0);
	/* What is gone is not kept by name. */
	UNIT_TRUE(!is_listed(log, relay_pid) && !is_listed(log, churn_pid));
}

static void test_sums(void)
{
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], SCENE_EVENTS))
			continue;
		log_follow(&log, 0, 0);
		log_read(&log);
		churn(&log);
		log_close(&log);
	}
}

/* More than there is room for is unlisted, and never lost. */
static void test_room(void)
{
	enum { TASKS = 40, ROOM = 4 };
	pid_t pids[TASKS];
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		const struct switch_request request = { .events = scene_events,
							.count = SCENE_EVENTS,
							.driver = ways[i],
							.most_tasks = ROOM };
		unsigned gaps = 0;

		if (!log_open_as(&log, &request))
			continue;
		log_follow(&log, 0, 0);
		log_read(&log);
		for (unsigned k = 0; k < TASKS; k++) {
			pids[k] = start_churn(2);
			log_read(&log);
			check_sums(&log);
			gaps += log.tasks.quality & QUALITY_GAP ? 1 : 0;
		}
		for (unsigned k = 0; k < TASKS; k++)
			waitpid(pids[k], NULL, 0);
		log_read(&log);
		check_sums(&log);
		gaps += log.tasks.quality & QUALITY_GAP ? 1 : 0;
		/* The rings have no such limit. */
		UNIT_TRUE((gaps > 0 && of_kind(&log, SWITCH_OF_UNLISTED, CLOCK) > 0) ||
			  ways[i] == &switch_by_ring);
		log_close(&log);
	}
}

/* All CPUs' time, idle included, is the time that passed on each of them. */
static void test_wall_time(void)
{
	const struct timespec moment = { .tv_nsec = 50000000 };
	uint64_t first_ns, time_ns, begin_ns;
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		log_follow(&log, 0, 0);
		log_read(&log);
		begin_ns = log.tasks.at_ns;
		first_ns = sum_packages(&log, 0) + of_kind(&log, SWITCH_OF_IDLE, 0);
		nanosleep(&moment, NULL);
		log_read(&log);
		time_ns = sum_packages(&log, 0) + of_kind(&log, SWITCH_OF_IDLE, 0) - first_ns;
		/* CPUs are passed one after the other, and we may have to wait between. */
		UNIT_EQUAL_DOUBLE((double)(log.tasks.at_ns - begin_ns) *
					  (double)sysconf(_SC_NPROCESSORS_ONLN),
				  (double)time_ns, 0.5);
		UNIT_TRUE(time_ns > 0);
		log_close(&log);
	}
}

/* A counter of our own on each CPU, read before and after, bounds what the log has. */
struct rival {
	struct perf_set set;
	struct perf_group groups[64];
	unsigned cpus;
};

static void rival_open(struct rival *rival)
{
	struct error error = { "" };

	*rival = (struct rival){ .cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) };
	UNIT_EQUAL_I64(0, perf_set_resolve(&rival->set, scene_events, SCENE_EVENTS, &error));
	for (unsigned i = 0; i < rival->cpus && i < 64; i++) {
		struct perf_place place = { .pid = -1, .cpu = (int)i, .fd_limit = INT32_MAX };

		UNIT_EQUAL_I64(
			0, perf_group_open(&rival->groups[i], &rival->set, SCENE_EVENTS, &place));
	}
}

static uint64_t rival_read(struct rival *rival, unsigned event)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < rival->cpus && i < 64; i++) {
		UNIT_EQUAL_U64(0, perf_group_read(&rival->groups[i]));
		sum += rival->groups[i].count[event];
	}
	return sum;
}

/* A way may know of what runs only when it leaves its CPU: it does, for us, on each of them. */
static void visit_cpus(void)
{
	cpu_set_t all, one;

	sched_getaffinity(0, sizeof all, &all);
	for (unsigned i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof one, &one);
	}
	sched_setaffinity(0, sizeof all, &all);
}

static void check_physical(struct log *log, struct rival *rival)
{
	uint64_t before, begin, start, end, after, logged;

	for (unsigned event = 0; event < SCENE_EVENTS; event++) {
		before = rival_read(rival, event);
		visit_cpus();
		log_read(log);
		logged = sum_packages(log, event);
		start = rival_read(rival, event);
		waitpid(start_churn(unit_rounds(20)), NULL, 0);
		begin = rival_read(rival, event);
		visit_cpus();
		log_read(log);
		logged = sum_packages(log, event) - logged;
		end = rival_read(rival, event);
		after = end - before;
		check_between(begin - start, after, logged, scene_events[event]);
	}
}

static void test_physical(void)
{
	struct rival rival;
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], SCENE_EVENTS))
			continue;
		rival_open(&rival);
		log_follow(&log, 0, 0);
		check_physical(&log, &rival);
		for (unsigned k = 0; k < rival.cpus && k < 64; k++)
			perf_group_close(&rival.groups[k]);
		log_close(&log);
	}
}

int main(void)
{
	return UNIT_RUN(
		"switch-sums",
		{ "the sum over all tasks is what the CPUs did, whatever switches, comes and goes",
		  test_sums },
		{ "what there is no room for is not lost", test_room },
		{ "time that is charged is time that passed", test_wall_time },
		{ "the log has what a counter of each CPU has", test_physical });
}
