/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The switch log on this kernel, by each way that is open: skipped where none is.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include "probe/switch.h"

#include <fcntl.h>
#include <sched.h>

#include "base/numbers.h"
#include "probe/cputime.h"
#include "probe/perf-group.h"
#include "probe/switch-driver.h"
#include "tests/unit/perf-scene.h"

static const struct switch_driver *const ways[] = {
#ifdef VMENERGY_BPF
	&switch_by_bpf,
#endif
	&switch_by_ring,
};
enum { WAYS = sizeof ways / sizeof *ways };

struct log {
	struct rootfs root;
	struct switch_probe *probe;
	struct topology topology;
	struct domain domain;
	struct thread threads[4];
	struct sample sample;
	struct switch_tasks tasks;
	unsigned events;
};

/* false: this way is closed; says why. */
static bool log_open(struct log *log, const struct switch_driver *way, unsigned events)
{
	const struct switch_request request = { scene_events, events, way };
	struct error error = { "" };

	*log = (struct log){ .events = events };
	rootfs_open(&log->root, NULL, &error);
	if (switch_open_by(&log->probe, &log->root, &request, &error)) {
		fprintf(stderr, "(skipped by %s: %s) ", way->name, error.text);
		rootfs_close(&log->root);
		return false;
	}
	log->domain = (struct domain){ .id = none, .name = none, .threads = log->threads };
	log->topology.domains = &log->domain;
	return true;
}

static void log_follow(struct log *log, pid_t pid, size_t threads)
{
	log->domain.pid = pid;
	log->domain.thread_count = threads;
	log->topology.domain_count = pid > 0;
	log->topology.generation++;
	UNIT_EQUAL_I64(0, switch_follow(log->probe, &log->topology));
}

static void log_read(struct log *log)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0, sample_prepare(&log->sample, &log->topology));
	UNIT_EQUAL_I64(0, switch_read_parts(log->probe, &log->topology, &log->sample));
	UNIT_EQUAL_I64(0, switch_read_total(log->probe, &log->sample, &error));
	UNIT_EQUAL_I64(0, switch_read_tasks(log->probe, &log->tasks));
}

static void log_close(struct log *log)
{
	switch_tasks_clear(&log->tasks);
	sample_clear(&log->sample);
	switch_close(log->probe);
	rootfs_close(&log->root);
}

/* Records may get lost while others keep the machine busy: then no more than that can be said. */
static bool is_whole(const struct log *log)
{
	if (!(log->tasks.quality & QUALITY_GAP))
		return true;
	fprintf(stderr, "(a gap) ");
	return false;
}

static uint64_t sum_packages(const struct log *log, unsigned event)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < log->sample.package_count; i++)
		sum += log->sample.packages[i].total.count[event];
	return sum;
}

/* Packages have the idle tasks' events, and not their time. */
static uint64_t sum_tasks(const struct log *log, unsigned event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < log->tasks.count; i++)
		if (event != log->events || log->tasks.items[i].kind != SWITCH_OF_IDLE)
			sum += log->tasks.items[i].count[event];
	return sum;
}

static uint64_t of_kind(const struct log *log, enum switch_kind kind, unsigned event)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < log->tasks.count; i++)
		if (log->tasks.items[i].kind == kind)
			sum += log->tasks.items[i].count[event];
	return sum;
}

static void check_sums(const struct log *log)
{
	for (unsigned event = 0; event <= log->events; event++)
		UNIT_EQUAL_U64(sum_packages(log, event), sum_tasks(log, event));
}

/* --- load ---------------------------------------------------------------------------------- */

static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned)sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof cpus, &cpus);
}

static void pass(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(1);
}

static void take(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(1);
}

/* Two processes on one CPU that wake each other: two switches a round. */
static pid_t start_relay(unsigned rounds)
{
	pid_t pid = fork();
	int there[2], back[2];

	if (pid)
		return pid;
	stay_on_one_cpu();
	if (pipe(there) || pipe(back))
		_exit(1);
	if (fork() == 0)
		for (unsigned i = 0; i < rounds; i++) {
			take(there[0]);
			pass(back[1]);
			if (i + 1 == rounds)
				_exit(0);
		}
	for (unsigned i = 0; i < rounds; i++) {
		pass(there[1]);
		take(back[0]);
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

/* --- sums ---------------------------------------------------------------------------------- */

/* With readings as fast as they go, and ones that see what built up between them. */
static void churn(struct log *log)
{
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
	/* Their parents may have known of their end before they left the CPU. */
	for (unsigned i = 0; i < 2; i++) {
		nanosleep(&moment, NULL);
		log_read(log);
		check_sums(log);
	}
	switches = switch_count(log->probe) - switches;
	printf("(%llu switches, %u readings, %u with a gap, %zu tasks) ",
	       (unsigned long long)switches, readings, gaps, log->tasks.count);
	UNIT_TRUE(switches >= 2 * rounds || gaps > 0);
	UNIT_TRUE(of_kind(log, SWITCH_OF_ENDED, log->events) > 0);
	/* What is gone is not kept by name. */
	for (size_t i = 0; i < log->tasks.count; i++)
		UNIT_TRUE(log->tasks.items[i].pid != relay_pid &&
			  log->tasks.items[i].pid != churn_pid);
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

static void check_physical(struct log *log, struct rival *rival)
{
	uint64_t before, begin, start, end, after, logged;

	for (unsigned event = 0; event < SCENE_EVENTS; event++) {
		before = rival_read(rival, event);
		log_read(log);
		logged = sum_packages(log, event);
		start = rival_read(rival, event);
		waitpid(start_churn(unit_rounds(20)), NULL, 0);
		begin = rival_read(rival, event);
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

/* --- parts --------------------------------------------------------------------------------- */

static uint64_t schedstat_ns(pid_t pid)
{
	char path[64], text[128] = "";
	const char *at = text;
	uint64_t ns = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof text, file) || number_scan_u64(&at, &ns))
		abort();
	fclose(file);
	return ns;
}

/* While it waits for us, both have all that it used. */
static void test_on_cpu_time(void)
{
	struct cpu_reading first, second;
	struct child child;
	struct log log;
	uint64_t before_ns, used_ns;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		child_start(&child);
		log.threads[0] = make_thread(child.pid, THREAD_VCPU);
		log_follow(&log, child.pid, 1);
		child_do(&child, 'n');
		usleep(2000);
		log_read(&log);
		first = log.sample.domains[0].threads[0];
		before_ns = schedstat_ns(child.pid);
		child_do(&child, 'b');
		usleep(2000);
		used_ns = schedstat_ns(child.pid) - before_ns;
		log_read(&log);
		second = log.sample.domains[0].threads[0];
		UNIT_EQUAL_U64(QUALITY_ESTIMATE, second.quality & ~(unsigned)QUALITY_GAP);
		if (is_whole(&log))
			UNIT_EQUAL_DOUBLE((double)used_ns,
					  (double)(second.count[0] - first.count[0]), 0.01);
		UNIT_TRUE(used_ns >= BURN_NS);
		UNIT_EQUAL_U64(second.count[0], log.sample.domains[0].total.count[0]);
		UNIT_EQUAL_I64(TOTAL_PROCESS, log.sample.domains[0].total_source);
		UNIT_TRUE(log.sample.own.count[0] > 0);
		child_end(&child);
		log_close(&log);
	}
}

/* What the other probes say of the same thread. */
struct others {
	struct cputime *cputime;
	struct scene perf;
	struct sample sample;
};

static bool others_open(struct others *others, const struct log *log)
{
	struct error error = { "" };

	*others = (struct others){ 0 };
	if (!scene_is_possible())
		return false;
	if (cputime_open(&others->cputime, &log->root, &error)) {
		fprintf(stderr, "(skipped: %s) ", error.text);
		return false;
	}
	UNIT_EQUAL_I64(0, cputime_follow(others->cputime, &log->topology));
	scene_open(&others->perf, NULL, log->domain.pid);
	others->perf.threads[0] = log->threads[0];
	scene_follow(&others->perf, 1);
	return true;
}

static void others_close(struct others *others)
{
	sample_clear(&others->sample);
	cputime_close(others->cputime);
	scene_close(&others->perf);
}

enum { BY_SWITCH, BY_CPUTIME, BY_PERF, PROBES };

static void read_all(struct log *log, struct others *others, uint64_t ns[PROBES])
{
	log_read(log);
	UNIT_EQUAL_I64(0, sample_prepare(&others->sample, &log->topology));
	UNIT_EQUAL_I64(0, cputime_read_parts(others->cputime, &log->topology, &others->sample));
	ns[BY_SWITCH] = log->sample.domains[0].threads[0].count[0];
	ns[BY_CPUTIME] = others->sample.domains[0].threads[0].count[0];
	ns[BY_PERF] = scene_read(&others->perf)->threads[0].count[ON_CPU];
}

/* The thread waits for us at each reading. */
static void test_agreement(void)
{
	uint64_t first[PROBES], second[PROBES];
	struct others others;
	struct child child;
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		child_start(&child);
		log.threads[0] = make_thread(child.pid, THREAD_VCPU);
		log_follow(&log, child.pid, 1);
		if (others_open(&others, &log)) {
			usleep(2000);
			read_all(&log, &others, first);
			child_do(&child, 'b');
			usleep(2000);
			read_all(&log, &others, second);
			for (unsigned k = 0; k < PROBES && is_whole(&log); k++)
				UNIT_EQUAL_DOUBLE((double)(second[BY_SWITCH] - first[BY_SWITCH]),
						  (double)(second[k] - first[k]), 0.01);
			others_close(&others);
		}
		child_end(&child);
		log_close(&log);
	}
}

/* What runs is charged up to the reading: it need not leave the CPU for that. */
static void test_running(void)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	uint64_t first_ns, second_ns;
	struct log log;
	pid_t pid;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		pid = fork();
		if (pid == 0)
			for (;;)
				;
		log.threads[0] = make_thread(pid, THREAD_VCPU);
		log_follow(&log, pid, 1);
		for (unsigned k = 0; k < 3; k++) {
			nanosleep(&moment, NULL);
			first_ns = k ? log.sample.domains[0].total.count[0] : 0;
			log_read(&log);
			second_ns = log.sample.domains[0].total.count[0];
			UNIT_TRUE(second_ns > first_ns);
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		log_close(&log);
	}
}

/* A thread that ended stays in its process's total; a process that ended keeps its last. */
static void test_ended(void)
{
	uint64_t thread_ns, total_ns;
	struct child child;
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		child_start(&child);
		child_do(&child, 'h');
		log.threads[0] = make_thread(child.pid, THREAD_VCPU);
		log.threads[1] = make_thread(child.used.helper, THREAD_IOTHREAD);
		log_follow(&log, child.pid, 2);
		log_read(&log);
		child_do(&child, 'e');
		usleep(2000);
		log_read(&log);
		thread_ns = log.sample.domains[0].threads[0].count[0];
		total_ns = log.sample.domains[0].total.count[0];
		if (is_whole(&log))
			check_between(BURN_NS - BURN_NS / 20, total_ns, total_ns - thread_ns,
				      "the ended helper");
		child_end(&child);
		log_read(&log);
		UNIT_TRUE(log.sample.domains[0].total.count[0] >= total_ns);
		total_ns = log.sample.domains[0].total.count[0];
		log_follow(&log, child.pid, 0);
		log_read(&log);
		UNIT_EQUAL_U64(total_ns, log.sample.domains[0].total.count[0]);
		check_sums(&log);
		log_close(&log);
	}
}

/* --- what it says -------------------------------------------------------------------------- */

static void test_events(void)
{
	struct event_set set;
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], SCENE_EVENTS))
			continue;
		switch_events(log.probe, &set);
		UNIT_EQUAL_I64(CPU_SOURCE_SWITCH, set.source);
		UNIT_EQUAL_U64(SCENE_EVENTS + 1, set.count);
		UNIT_EQUAL_TEXT(scene_events[1], set.names[1]);
		UNIT_EQUAL_TEXT(CPUTIME_EVENT, set.names[SCENE_EVENTS]);
		UNIT_CONTAINS(ways[i]->name, switch_total_source(log.probe));
		UNIT_CONTAINS("2 events", switch_total_source(log.probe));
		UNIT_CONTAINS("interrupts", switch_note(log.probe));
		log_follow(&log, 0, 0);
		log.topology.generation++;
		UNIT_EQUAL_I64(0, sample_prepare(&log.sample, &log.topology));
		UNIT_EQUAL_I64(-EINVAL, switch_read_parts(log.probe, &log.topology, &log.sample));
		log_close(&log);
	}
}

static void test_refusals(void)
{
	static const char *const unknown[] = { "nocpu::FOO" };
	unsigned before = unit_count_descriptors();
	struct error error = { "" };
	struct switch_probe *probe;
	struct rootfs root;

	rootfs_open(&root, NULL, &error);
	UNIT_EQUAL_I64(-ENOENT, switch_open(&probe, &root, unknown, 1, &error));
	UNIT_CONTAINS("nocpu::FOO", error.text);
	UNIT_TRUE(probe == NULL);
	rootfs_close(&root);
	rootfs_open(&root, unit_folder(), &error);
	UNIT_EQUAL_I64(-EOPNOTSUPP, switch_open(&probe, &root, NULL, 0, &error));
	UNIT_CONTAINS("another root", error.text);
	rootfs_close(&root);
	switch_close(NULL);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

/* Another user has no right to any of it; the sentence names what would help. */
static void test_rights(void)
{
	struct error error = { "" };
	struct switch_probe *probe;
	struct rootfs root;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		rootfs_open(&root, NULL, &error);
		if (setresuid(65534, 65534, 65534))
			_exit(77);
		status = switch_open(&probe, &root, NULL, 0, &error);
		fprintf(stderr, "(%s) ", error.text);
		_exit((status == -EPERM || status == -EACCES) && strstr(error.text, "CAP_PERFMON")
			      ? 0
			      : 1);
	}
	UNIT_EQUAL_I64(pid, waitpid(pid, &status, 0));
	UNIT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

int main(void)
{
	return UNIT_RUN(
		"switch-real",
		{ "the sum over all tasks is what the CPUs did, whatever switches, comes and goes",
		  test_sums },
		{ "time that is charged is time that passed", test_wall_time },
		{ "the log has what a counter of each CPU has", test_physical },
		{ "time on a CPU agrees with schedstat within 1 %", test_on_cpu_time },
		{ "the three probes agree within 1 %", test_agreement },
		{ "what runs is charged up to the reading", test_running },
		{ "what ended stays in the totals", test_ended },
		{ "it says what it counts, and how", test_events },
		{ "what cannot be counted is refused by name", test_refusals },
		{ "without the rights, the sentence names them", test_rights });
}
