/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload-watch.c - run workloads and look at their processes:
 *
 *   workload-watch each           every workload that is possible here, on all CPUs
 *   workload-watch early          a workload that ends by itself is noticed
 *   workload-watch disk FOLDER    each kind of job of a disk on a file made in FOLDER
 *   workload-watch hold NAME      start it on all CPUs, say "ready", stay until killed
 *   workload-watch frequency DIR HZ   hold the frequency below that root, say "ready", stay
 *
 * Exit status 1 = something was not as it should be; said on standard output.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "base/proc.h"
#include "calibrate/workload/frequency.h"
#include "calibrate/workload/placement.h"
#include "calibrate/workload/workload-disk.h"

enum { ENOUGH_CPU_MS = 30, PATIENCE_S = 60, DISK_BYTES = 8 << 20 };

static struct rootfs root;
static unsigned failures;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("FAILED: ");
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	failures++;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

/* Processes below `parent`, at any depth; into pids, the number. */
static size_t list_below(pid_t parent, pid_t *pids, size_t max)
{
	struct proc_ids ids = { 0 };
	size_t count = 0;

	if (proc_read_ids(&root, 0, NULL, &ids))
		return 0;
	for (size_t i = 0; i < ids.count && count < max; i++) {
		struct proc_stat stat;

		if (proc_read_stat(&root, ids.items[i].id, 0, &stat) || stat.parent != parent ||
		    stat.state == 'Z')
			continue;
		pids[count++] = ids.items[i].id;
	}
	proc_ids_clear(&ids);
	for (size_t i = 0, own = count; i < own && count < max; i++)
		count += list_below(pids[i], pids + count, max - count);
	return count;
}

/* CPU time of a process, whoever's it is. 0 = gone. */
static uint64_t cpu_ns(pid_t pid)
{
	clockid_t clock;
	struct timespec time;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &time))
		return 0;
	return clock_timespec_ns(&time);
}

/* Until the processes together have used some CPU time on the CPU; how long does not matter. */
static void expect_busy(struct workload_process *process, const char *name, unsigned cpu)
{
	struct error error = { "" };
	uint64_t begin_ns = clock_now_ns();

	for (;;) {
		pid_t pids[256];
		size_t count = list_below(getpid(), pids, 256);
		uint64_t used_ns = 0;

		for (size_t i = 0; i < count; i++) {
			cpu_set_t mask;

			if (sched_getaffinity(pids[i], sizeof mask, &mask) == 0 &&
			    CPU_COUNT(&mask) == 1 && CPU_ISSET(cpu, &mask))
				used_ns += cpu_ns(pids[i]);
		}
		if (used_ns > ENOUGH_CPU_MS * 1000000ULL)
			return;
		if (workload_check(process, &error)) {
			fail("%s", error.text);
			return;
		}
		if (clock_now_ns() - begin_ns > PATIENCE_S * 1000000000ULL) {
			fail("%s: %zu processes used %.3f s on CPU %u", name, count,
			     (double)used_ns * 1e-9, cpu);
			return;
		}
		nap();
	}
}

static void expect_nothing_left(const char *name)
{
	pid_t pids[256];
	size_t count = list_below(getpid(), pids, 256);

	if (count > 0)
		fail("%s: %zu processes left", name, count);
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		fail("%s: a child left to be reaped", name);
}

static void try_workload(const struct workload *workload, const struct placement_cpus *cpus,
			 unsigned threads)
{
	const struct workload_run run = { .workload = workload, .threads = threads };
	struct workload_process *process = NULL;
	struct error error = { "" };
	unsigned order[256];

	if (workload_start(&process, &run, &root, &error)) {
		fail("%s", error.text);
		return;
	}
	if (placement_order(cpus, run.placement, order))
		fail("%s: no order of CPUs", workload->name);
	for (unsigned i = 0; i < threads; i++)
		expect_busy(process, workload->name, order[i]);
	if (workload_check(process, &error))
		fail("%s", error.text);
	workload_stop(process);
	expect_nothing_left(workload->name);
}

static void try_each(void)
{
	struct placement_cpus cpus = { 0 };
	struct error error = { "" };
	size_t count;
	const struct workload *table = workload_table(&count);

	if (placement_read(&cpus, &root, &error))
		fail("%s", error.text);
	for (size_t i = 0; cpus.count > 0 && cpus.count <= 128 && i < count; i++) {
		const char *why = "";
		unsigned most = table[i].kind == WORKLOAD_IDLE ? 0 : (unsigned)cpus.count;

		if (!workload_is_possible(&table[i], &why)) {
			printf("%s: %s\n", table[i].name, why);
			continue;
		}
		try_workload(&table[i], &cpus, most);
		if (most > 1 && (i == 1 || i + 1 == count))
			try_workload(&table[i], &cpus, 1);
		printf("%s: ran on %u CPUs\n", table[i].name, most);
	}
	placement_clear(&cpus);
}

/* One of stress-ng whose arguments it does not take: it ends, and says why. */
static void try_early(void)
{
	const struct workload wrong = {
		.name = "wrong",
		.kind = WORKLOAD_STRESS_NG,
		.arguments = "--no-such-option",
	};
	const struct workload_run run = { .workload = &wrong, .threads = 1 };
	struct workload_process *process = NULL;
	struct error error = { "" };
	const char *why;

	if (!workload_is_possible(&wrong, &why)) {
		printf("%s\n", why);
		return;
	}
	if (workload_start(&process, &run, &root, &error)) {
		fail("%s", error.text);
		return;
	}
	for (unsigned i = 0; i < 100 * PATIENCE_S && !error.text[0]; i++) {
		int result = workload_check(process, &error);

		if (result && result != -ECHILD)
			fail("wrong: %d instead of %d", result, -ECHILD);
		nap();
	}
	printf("%s\n", error.text);
	if (!strstr(error.text, "wrong: ended by itself, with status") ||
	    !strstr(error.text, "no-such-option"))
		fail("an early end is told as \"%s\"", error.text);
	workload_stop(process);
	expect_nothing_left("wrong");
}

/* Bytes that a process has had read or written by the disk: a line of /proc/PID/io. */
static uint64_t io_bytes(pid_t pid, const char *line)
{
	char text[512];
	const char *found;
	uint64_t value = 0;

	if (rootfs_readf(&root, text, sizeof text, "/proc/%d/io", pid) < 0)
		return 0;
	found = strstr(text, line);
	if (found) {
		found += strlen(line);
		if (number_scan_u64(&found, &value))
			value = 0;
	}
	return value;
}

static void try_job(const struct disk_job *job, const char *target)
{
	const struct workload_run run = {
		.workload = &workload_disk,
		.target = target,
		.disk_job = job->name,
	};
	const char *line = job->writes ? "\nwrite_bytes: " : "\nread_bytes: ";
	struct workload_process *process = NULL;
	struct error error = { "" };
	uint64_t done = 0;

	if (disk_job_check(job, target, &error)) {
		printf("%s\n", error.text);
		return;
	}
	if (workload_start(&process, &run, &root, &error)) {
		fail("%s: %s", job->name, error.text);
		return;
	}
	for (unsigned i = 0; i < 100 * PATIENCE_S && job->pattern && done == 0; i++) {
		pid_t pids[8];

		if (list_below(getpid(), pids, 8) > 0)
			done = io_bytes(pids[0], line);
		if (workload_check(process, &error)) {
			fail("%s: %s", job->name, error.text);
			break;
		}
		nap();
	}
	if (job->pattern && done == 0)
		fail("%s: no bytes moved", job->name);
	workload_stop(process);
	expect_nothing_left(job->name);
	printf("%s: %llu bytes\n", job->name, (unsigned long long)done);
}

static void try_disk(const char *folder)
{
	char target[PATH_MAX];
	struct error error = { "" };
	size_t count;
	const struct disk_job *table = disk_job_table(&count);

	if (disk_create_target(folder, DISK_BYTES, target, &error)) {
		fail("%s", error.text);
		return;
	}
	/* Sizes differ in a number alone: the smallest and the largest. */
	for (size_t i = 0; i < count; i++)
		if (table[i].block_bytes <= 512 || table[i].block_bytes == 1 << 20)
			try_job(&table[i], target);
	if (disk_remove_target(target))
		fail("%s: not removed", target);
}

static void stay(void) __attribute__((noreturn));
static void stay(void)
{
	printf("ready\n");
	fflush(stdout);
	for (;;)
		pause();
}

static void hold(const char *name)
{
	struct placement_cpus cpus = { 0 };
	struct workload_run run = { .workload = workload_find(name) };
	struct workload_process *process;
	struct error error = { "" };

	if (!run.workload || placement_read(&cpus, &root, &error))
		fail("%s: %s", name, error.text);
	run.threads = (unsigned)cpus.count;
	placement_clear(&cpus);
	if (failures == 0 && workload_start(&process, &run, &root, &error))
		fail("%s", error.text);
	if (failures == 0)
		stay();
}

static void hold_frequency(const char *directory, const char *frequency)
{
	struct rootfs below;
	struct frequency_hold *held;
	struct error error = { "" };
	uint64_t frequency_hz = 0;

	if (number_parse_u64(frequency, &frequency_hz) || rootfs_open(&below, directory, &error) ||
	    frequency_hold_begin(&held, &below, &error) ||
	    frequency_hold_set(held, frequency_hz, &error)) {
		fail("%s", error.text);
		return;
	}
	stay();
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rootfs_open(&root, NULL, NULL))
		return 1;
	if (strcmp(what, "each") == 0)
		try_each();
	else if (strcmp(what, "early") == 0)
		try_early();
	else if (strcmp(what, "disk") == 0 && argc == 3)
		try_disk(argv[2]);
	else if (strcmp(what, "hold") == 0 && argc == 3)
		hold(argv[2]);
	else if (strcmp(what, "frequency") == 0 && argc == 4)
		hold_frequency(argv[2], argv[3]);
	else
		fail("usage: workload-watch each | early | disk FOLDER | hold NAME | "
		     "frequency DIR HZ");
	rootfs_close(&root);
	return failures ? 1 : 0;
}
