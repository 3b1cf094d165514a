/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The switch log on this kernel, by each way that is open: skipped where none is.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include "base/numbers.h"
#include "base/proc.h"
#include "probe/cputime.h"
#include "tests/unit/switch-scene.h"

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

/* Until it waits for us: it may have something to do yet when it has answered. */
static void settle(const struct log *log, const struct child *child)
{
	struct proc_stat stat = { .state = 'R' };

	while (stat.state != 'S') {
		usleep(1000);
		if (proc_read_stat(&log->root, child->pid, 0, &stat))
			abort();
	}
}

/*
 * Within 1 %, and what the way to the child and back costs at a switch, which each
 * of the probes charges in its own way: it matters where others keep the CPU busy.
 */
static void check_agreement(uint64_t expected_ns, uint64_t actual_ns, uint64_t switches)
{
	enum { SWITCH_NS = 50000 };
	uint64_t slack_ns = expected_ns / 100 + switches * SWITCH_NS;

	check_between(expected_ns - slack_ns, expected_ns + slack_ns, actual_ns, "time on a CPU");
}

/* While it waits for us, both have all that it used. */
static void test_on_cpu_time(void)
{
	struct cpu_reading first, second;
	struct child child;
	struct log log;
	uint64_t before_ns, used_ns, switches;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		child_start(&child);
		log.threads[0] = make_thread(child.pid, THREAD_VCPU);
		log_follow(&log, child.pid, 1);
		switches = child_do(&child, 'n').switches;
		settle(&log, &child);
		log_read(&log);
		first = log.sample.domains[0].threads[0];
		before_ns = schedstat_ns(child.pid);
		switches = child_do(&child, 'b').switches - switches;
		settle(&log, &child);
		used_ns = schedstat_ns(child.pid) - before_ns;
		log_read(&log);
		second = log.sample.domains[0].threads[0];
		UNIT_EQUAL_U64(QUALITY_ESTIMATE, second.quality & ~(unsigned)QUALITY_GAP);
		if (is_whole(&log))
			check_agreement(used_ns, second.count[0] - first.count[0], switches);
		UNIT_TRUE(used_ns >= BURN_NS);
		UNIT_EQUAL_U64(second.count[0], log.sample.domains[0].total.count[0]);
		UNIT_EQUAL_I64(TOTAL_PROCESS, log.sample.domains[0].total_source);
		UNIT_TRUE(log.sample.own.count[0] > 0);
		child_end(&child);
		log_close(&log);
	}
}

/* Woken often and for little, which is where clocks of their own go astray. */
static void doze(void)
{
	enum { NAPS = 200, NAP_US = 100, WORK_NS = 20000 };
	uint64_t until_ns;

	for (int i = 0; i < NAPS; i++) {
		until_ns = clock_now_ns() + WORK_NS;
		while (clock_now_ns() < until_ns)
			;
		usleep(NAP_US);
	}
	for (;;)
		pause();
}

/* It has slept for good when its time stands still. */
static uint64_t wait_for_pause(pid_t pid)
{
	uint64_t before_ns, now_ns = 0;

	do {
		before_ns = now_ns;
		usleep(50000);
		now_ns = schedstat_ns(pid);
	} while (now_ns != before_ns);
	return now_ns;
}

static void check_kernels_books(struct log *log)
{
	uint64_t expected_ns;
	pid_t pid = fork();

	if (pid == 0)
		doze();
	log->threads[0] = make_thread(pid, THREAD_VCPU);
	log_follow(log, pid, 1);
	expected_ns = wait_for_pause(pid);
	log_read(log);
	if (is_whole(log))
		UNIT_EQUAL_U64(expected_ns, log->sample.domains[0].threads[0].count[0]);
	UNIT_EQUAL_U64(log->sample.domains[0].threads[0].count[0],
		       log->sample.domains[0].total.count[0]);
	check_sums(log);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Rings have no such books: theirs is the time from switch to switch. */
static void test_kernels_books(void)
{
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!ways[i]->sees_running || !log_open(&log, ways[i], 0))
			continue;
		check_kernels_books(&log);
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
	uint64_t first[PROBES], second[PROBES], switches;
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
			settle(&log, &child);
			read_all(&log, &others, first);
			switches = child.used.switches;
			switches = child_do(&child, 'b').switches - switches;
			settle(&log, &child);
			read_all(&log, &others, second);
			for (unsigned k = 0; k < PROBES && is_whole(&log); k++)
				check_agreement(second[BY_SWITCH] - first[BY_SWITCH],
						second[k] - first[k], switches);
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
		settle(&log, &child);
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
		UNIT_CONTAINS("interrupts included", switch_total_source(log.probe));
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

/* Woken, the first thread leaves what is to be done to another, which ends last. */
static void leave_to_a_thread(int wake)
{
	pthread_t thread;
	char byte;

	if (read(wake, &byte, 1) != 1 || pthread_create(&thread, NULL, burn, NULL))
		_exit(1);
	pthread_exit(NULL);
}

/* A new thread of an old process is of that process, also when both have ended. */
static void test_what_a_process_did_last_is_its_own(void)
{
	uint64_t before_ns, after_ns;
	int wake[2], status;
	struct log log;
	pid_t child;

	for (unsigned i = 0; i < WAYS; i++) {
		if (!log_open(&log, ways[i], 0))
			continue;
		UNIT_EQUAL_I64(0, pipe(wake));
		child = fork();
		if (child == 0)
			leave_to_a_thread(wake[0]);
		log_follow(&log, child, 0);
		usleep(20000); /* until it waits */
		log_read(&log);
		before_ns = log.sample.domains[0].total.count[0];
		UNIT_EQUAL_I64(1, write(wake[1], "", 1));
		waitpid(child, &status, 0);
		usleep(1000); /* until it has left the CPU */
		log_read(&log);
		after_ns = log.sample.domains[0].total.count[0];
		if (is_whole(&log))
			check_between(BURN_NS / 100 * 99, 2 * BURN_NS, after_ns - before_ns,
				      ways[i]->name);
		close(wake[0]);
		close(wake[1]);
		log_close(&log);
	}
}

int main(void)
{
	return UNIT_RUN("switch-real",
			{ "time on a CPU agrees with schedstat within 1 %", test_on_cpu_time },
			{ "by BPF the kernel's own figure, to the nanosecond", test_kernels_books },
			{ "the three probes agree within 1 %", test_agreement },
			{ "what runs is charged up to the reading", test_running },
			{ "what ended stays in the totals", test_ended },
			{ "what a process did last in a new thread is its own",
			  test_what_a_process_did_last_is_its_own },
			{ "it says what it counts, and how", test_events },
			{ "what cannot be counted is refused by name", test_refusals },
			{ "without the rights, the sentence names them", test_rights });
}
