/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perf-scene.h - one domain, and a child process that works on command, for probe/perf. */
#ifndef VMENERGY_TESTS_PERF_SCENE_H
#define VMENERGY_TESTS_PERF_SCENE_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/perf.h"
#include "tests/unit/unit.h"

static char none[] = "";
static const char *const scene_events[] = { "perf::TASK-CLOCK", "perf::CONTEXT-SWITCHES" };
enum { CLOCK, SWITCHES, ON_CPU, SCENE_EVENTS = 2 };

#define BURN_NS UINT64_C(60000000)

/* --- a process that works on command ------------------------------------------------------- */

/* What a child says of itself, by its own clocks. */
struct used {
	uint64_t thread_ns, process_ns,
		switches; /* of its main thread; of all; of its main thread */
	pid_t helper;
};

static inline void *burn(void *argument)
{
	uint64_t until = clock_read_ns(CLOCK_THREAD_CPUTIME_ID) + BURN_NS;

	while (clock_read_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		;
	return argument;
}

struct helper {
	pthread_t thread;
	pthread_barrier_t start, told;
	pid_t tid;
};

static inline void *help(void *argument)
{
	struct helper *helper = argument;

	helper->tid = gettid();
	pthread_barrier_wait(&helper->told);
	pthread_barrier_wait(&helper->start);
	return burn(NULL);
}

static inline void nap(void)
{
	const struct timespec moment = { .tv_nsec = 100000 };

	for (int i = 0; i < 20; i++)
		nanosleep(&moment, NULL);
}

static inline void obey(char command, struct helper *helper)
{
	switch (command) {
	case 'b': /* burn */
		burn(NULL);
		break;
	case 'n':
		nap();
		break;
	case 'h': /* a second thread, which waits */
		pthread_barrier_init(&helper->start, NULL, 2);
		pthread_barrier_init(&helper->told, NULL, 2);
		if (pthread_create(&helper->thread, NULL, help, helper))
			_exit(1);
		pthread_barrier_wait(&helper->told);
		break;
	case 'e': /* it burns and ends */
		pthread_barrier_wait(&helper->start);
		pthread_join(helper->thread, NULL);
		break;
	}
}

static inline void run_child(int in, int out)
{
	struct helper helper = { 0 };
	struct rusage usage;
	char command;

	for (;;) {
		struct used used = { .helper = helper.tid };

		getrusage(RUSAGE_THREAD, &usage);
		used.switches = (uint64_t)(usage.ru_nvcsw + usage.ru_nivcsw);
		used.thread_ns = clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
		used.process_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
		if (write(out, &used, sizeof used) != sizeof used || read(in, &command, 1) != 1)
			_exit(1);
		obey(command, &helper);
	}
}

struct child {
	pid_t pid;
	int in, out;
	struct used used;
};

static inline void child_start(struct child *child)
{
	int down[2], up[2];

	if (pipe(down) || pipe(up))
		abort();
	child->pid = fork();
	if (child->pid == 0) {
		close(down[1]);
		close(up[0]);
		run_child(down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	child->out = down[1];
	child->in = up[0];
	if (read(child->in, &child->used, sizeof child->used) != sizeof child->used)
		abort();
}

/* A child begins with our name: have another one meanwhile. */
static inline void child_start_as(struct child *child, const char *name)
{
	char before[16] = "";

	prctl(PR_GET_NAME, before);
	prctl(PR_SET_NAME, name);
	child_start(child);
	prctl(PR_SET_NAME, before);
}

/* Until it is done. ' ' does nothing: for its clocks of now. */
static inline struct used child_do(struct child *child, char command)
{
	if (write(child->out, &command, 1) != 1 ||
	    read(child->in, &child->used, sizeof child->used) != sizeof child->used)
		abort();
	return child->used;
}

static inline void child_end(const struct child *child)
{
	kill(child->pid, SIGKILL);
	close(child->in);
	close(child->out);
	if (waitpid(child->pid, NULL, 0) != child->pid)
		abort();
}

/* --- a domain ------------------------------------------------------------------------------ */

struct scene {
	struct rootfs root;
	struct perf *perf;
	struct topology topology;
	struct domain domain;
	struct thread threads[64];
	struct service service;
	struct sample sample;
};

/* May software events be counted here? Else says why not. */
static inline bool scene_is_possible(void)
{
	struct error error = { "" };
	struct rootfs root;
	struct perf *perf;
	int result;

	rootfs_open(&root, NULL, &error);
	result = perf_open(&perf, &root, scene_events, SCENE_EVENTS, &error);
	if (result)
		fprintf(stderr, "(skipped: %s) ", error.text);
	perf_close(perf);
	rootfs_close(&root);
	return result == 0;
}

/* folder: of the fixture that stands before /sys; NULL = the real one. */
static inline void scene_open(struct scene *scene, const char *folder, pid_t pid)
{
	struct error error = { "" };

	*scene = (struct scene){ 0 };
	if (rootfs_open(&scene->root, folder, &error) ||
	    perf_open(&scene->perf, &scene->root, scene_events, SCENE_EVENTS, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	scene->domain = (struct domain){ .id = none, .name = none, .pid = pid };
	scene->domain.threads = scene->threads;
	scene->topology.domains = &scene->domain;
	scene->topology.domain_count = 1;
}

static inline void scene_follow(struct scene *scene, size_t threads)
{
	scene->domain.thread_count = threads;
	scene->topology.generation++;
	UNIT_EQUAL_I64(0, perf_follow(scene->perf, &scene->topology));
}

static inline struct domain_reading *scene_read(struct scene *scene)
{
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, perf_read_parts(scene->perf, &scene->topology, &scene->sample));
	return scene->sample.domains;
}

static inline void scene_close(struct scene *scene)
{
	sample_clear(&scene->sample);
	perf_close(scene->perf);
	rootfs_close(&scene->root);
}

static inline struct thread make_thread(pid_t tid, enum thread_role role)
{
	return (struct thread){ .tid = tid, .role = role, .sampled = role == THREAD_VCPU };
}

static inline void check_between(uint64_t low, uint64_t high, uint64_t value, const char *what)
{
	if (value < low || value > high)
		fprintf(stderr, "\n%s: %llu is not in %llu..%llu\n", what,
			(unsigned long long)value, (unsigned long long)low,
			(unsigned long long)high);
	UNIT_TRUE(value >= low && value <= high);
}

static inline void check_known(const struct cpu_reading *reading)
{
	UNIT_EQUAL_U64(0, reading->quality);
	UNIT_TRUE(reading->at_ns > 0);
}

static inline void check_missing(const struct cpu_reading *reading)
{
	UNIT_EQUAL_U64(QUALITY_MISSING, reading->quality);
	UNIT_EQUAL_U64(0, reading->at_ns);
}

#endif
