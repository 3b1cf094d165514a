/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine that runs the tests, against what processes say of themselves. */
#include "probe/cputime.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/cputime-scene.h"

#define TICK_NS UINT64_C(10000000) /* of the slowest kernels: how far schedstat may be behind */
#define BURN_NS UINT64_C(150000000)

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *burn(void *argument)
{
	uint64_t until = cpu_ns(CLOCK_THREAD_CPUTIME_ID) + BURN_NS;

	while (cpu_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		;
	return argument;
}

/* What a child says of itself, by its own clocks. */
struct used {
	uint64_t thread_ns, process_ns;
};

/* On command a second thread burns and ends, then the first burns; then it tells. */
static void run_child(int in, int out)
{
	struct used used;
	pthread_t thread;
	char byte;

	for (;;) {
		used.thread_ns = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
		used.process_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
		if (write(out, &used, sizeof used) != sizeof used || read(in, &byte, 1) != 1 ||
		    pthread_create(&thread, NULL, burn, NULL))
			_exit(1);
		pthread_join(thread, NULL);
		burn(NULL);
	}
}

struct child {
	pid_t pid;
	int in, out;
	struct used used;
};

static void child_wait(struct child *child)
{
	if (read(child->in, &child->used, sizeof child->used) != sizeof child->used)
		abort();
}

static void child_start(struct child *child)
{
	int down[2], up[2];

	if (pipe(down) || pipe(up))
		abort();
	child->pid = fork();
	if (child->pid == 0)
		run_child(down[0], up[1]);
	close(down[0]);
	close(up[1]);
	child->out = down[1];
	child->in = up[0];
	child_wait(child);
}

static void child_burn(struct child *child)
{
	if (write(child->out, "", 1) != 1)
		abort();
	child_wait(child);
}

/* CPU time over its whole life. */
static uint64_t child_end(const struct child *child)
{
	struct rusage usage = { 0 };

	kill(child->pid, SIGKILL);
	close(child->in);
	close(child->out);
	if (wait4(child->pid, NULL, 0, &usage) != child->pid)
		abort();
	return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
	       ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

static bool machine_has_totals(void)
{
	struct error error = { "" };
	struct cputime *cputime;
	struct rootfs root;
	int result;

	rootfs_open(&root, NULL, &error);
	result = cputime_open(&cputime, &root, &error);
	if (result)
		fprintf(stderr, "(skipped: %s) ", error.text);
	cputime_close(cputime);
	rootfs_close(&root);
	return result == 0;
}

static void check_between(uint64_t low, uint64_t high, uint64_t value, const char *what)
{
	if (value < low || value > high)
		fprintf(stderr, "\n%s: %llu is not in %llu..%llu\n", what,
			(unsigned long long)value, (unsigned long long)low,
			(unsigned long long)high);
	UNIT_TRUE(value >= low && value <= high);
}

/* Once it has told, the child only goes to sleep: a few ticks are ample for that. */
static void check_used(uint64_t told_ns, const struct cpu_reading *reading, const char *what)
{
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, reading->quality);
	check_between(told_ns > TICK_NS ? told_ns - TICK_NS : 0, told_ns + 3 * TICK_NS,
		      reading->count[0], what);
}

static void test_real_process(void)
{
	uint64_t machine_ns, total_ns;
	struct domain_reading *reading;
	struct child child;
	struct scene scene;

	if (!machine_has_totals())
		return;
	child_start(&child);
	scene_open(&scene, NULL);
	scene.domain.pid = child.pid;
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene_follow(&scene, 1);
	machine_ns = scene_total(&scene);
	child_burn(&child);
	reading = scene_read(&scene);
	UNIT_EQUAL_I64(TOTAL_PROCESS, reading->total_source);
	check_used(child.used.thread_ns, &reading->threads[0], "the thread");
	check_used(child.used.process_ns, &reading->total, "the process, its ended thread too");
	UNIT_TRUE(child.used.process_ns > child.used.thread_ns + BURN_NS);
	total_ns = reading->total.count[0];
	machine_ns = scene_total(&scene) - machine_ns;
	UNIT_TRUE(machine_ns + 2 * TICK_NS > 2 * BURN_NS);
	check_between(total_ns - 1000000, total_ns + 10 * TICK_NS, child_end(&child), "getrusage");
	reading = scene_read(&scene);
	check_missing(&reading->threads[0]);
	check_missing(&reading->total);
	UNIT_EQUAL_I64(TOTAL_NONE, reading->total_source);
	scene_close(&scene);
}

static void test_real_service_and_own(void)
{
	struct thread thread;
	struct child child;
	struct scene scene;
	uint64_t before_ns;

	if (!machine_has_totals())
		return;
	child_start(&child);
	scene_open(&scene, NULL);
	thread = make_thread(child.pid, THREAD_IOTHREAD);
	scene.service = (struct service){ .id = none, .name = none, .pid = child.pid };
	scene.service.threads = &thread;
	scene.service.thread_count = 1;
	scene.topology.domain_count = 0;
	scene.topology.services = &scene.service;
	scene.topology.service_count = 1;
	scene_follow(&scene, 0);
	before_ns = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	scene_read(&scene);
	check_between(before_ns, cpu_ns(CLOCK_PROCESS_CPUTIME_ID), scene.sample.own.count[0],
		      "own");
	check_used(child.used.process_ns, &scene.sample.services[0].total, "the service");
	child_burn(&child);
	scene_read(&scene);
	check_used(child.used.process_ns, &scene.sample.services[0].total, "the service");
	check_used(child.used.thread_ns, &scene.sample.services[0].threads[0], "its thread");
	child_end(&child);
	scene_read(&scene);
	check_missing(&scene.sample.services[0].threads[0]);
	check_missing(&scene.sample.services[0].total);
	scene_close(&scene);
}

/* What all CPUs did cannot exceed what they had, and does not go backwards. */
static void test_real_machine_total(void)
{
	uint64_t total_ns, before_ns, elapsed_ns, cpus = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	struct scene scene;

	if (!machine_has_totals())
		return;
	scene_open(&scene, NULL);
	before_ns = cpu_ns(CLOCK_MONOTONIC);
	total_ns = scene_total(&scene);
	for (int i = 0; i < 5; i++) {
		uint64_t now_ns;

		burn(NULL);
		now_ns = scene_total(&scene);
		elapsed_ns = cpu_ns(CLOCK_MONOTONIC) - before_ns + TICK_NS;
		check_between(total_ns, total_ns + cpus * elapsed_ns, now_ns, "the machine");
		UNIT_TRUE(now_ns - total_ns + TICK_NS > BURN_NS);
		before_ns = cpu_ns(CLOCK_MONOTONIC);
		total_ns = now_ns;
	}
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN(
		"probe-cputime-real", { "a real process agrees with getrusage", test_real_process },
		{ "a real service and our own time are read", test_real_service_and_own },
		{ "the real machine's total stays within its CPUs", test_real_machine_total });
}
