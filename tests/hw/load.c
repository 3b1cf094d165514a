/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hw/load.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hw/check.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"

struct order {
	enum load_where where;
	uint64_t loops;
};

/* The first report comes without an order: it tells the thread's id. */
struct report {
	pid_t tid;
	uint64_t interruptions;
};

struct post {
	int orders, reports;
};

void load_burn(uint64_t loops)
{
	if (loops == 0)
		return;
#if defined(__aarch64__)
	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(loops) : : "cc");
#elif defined(__x86_64__)
	__asm__ volatile("1: sub $1, %0\n\tjnz 1b" : "+r"(loops) : : "cc");
#else
#error "the loop of two instructions is not written for this CPU"
#endif
}

void load_join_cgroup(const char *cgroup)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, CGROUP_MOUNT "%s", cgroup);
	if (mkdir(path, 0755) && errno != EEXIST)
		check_die(path, strerror(errno));
	snprintf(path, sizeof path, CGROUP_MOUNT "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		check_die(path, strerror(errno));
	close(fd);
}

/* --- in the worker --------------------------------------------------------- */

static void *burn_in_thread(void *loops)
{
	load_burn(*(uint64_t *)loops);
	return NULL;
}

static void obey(const struct order *order)
{
	uint64_t loops = order->loops;
	pthread_t thread;
	pid_t child;

	switch (order->where) {
	case LOAD_HERE:
	case LOAD_AND_END:
		load_burn(loops);
		break;
	case LOAD_IN_THREAD:
		if (pthread_create(&thread, NULL, burn_in_thread, &loops))
			_exit(1);
		pthread_join(thread, NULL);
		break;
	case LOAD_IN_CHILD:
		child = fork();
		if (child == 0) {
			load_burn(loops);
			_exit(0);
		}
		if (waitpid(child, NULL, 0) != child)
			_exit(1);
		break;
	}
}

static uint64_t interruptions(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (uint64_t)usage.ru_nivcsw;
}

/* Ends when the other side closes the pipe. */
static void *serve(void *argument)
{
	const struct post *post = argument;
	struct report report = { .tid = gettid() };
	struct order order = { .where = LOAD_HERE };

	while (write(post->reports, &report, sizeof report) == sizeof report &&
	       order.where != LOAD_AND_END &&
	       read(post->orders, &order, sizeof order) == sizeof order) {
		uint64_t before = interruptions();

		obey(&order);
		report.interruptions = interruptions() - before;
	}
	return NULL;
}

_Noreturn static void run_worker(const struct post *posts, unsigned threads)
{
	struct post own[LOAD_THREADS_MAX];
	pthread_t thread;

	memcpy(own, posts, sizeof own);
	for (unsigned i = 1; i < threads; i++)
		if (pthread_create(&thread, NULL, serve, &own[i]))
			_exit(1);
	serve(&own[0]);
	_exit(0);
}

/* --- beside it ------------------------------------------------------------- */

static void make_pipe(int *reader, int *writer)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		check_die("pipe", strerror(errno));
	*reader = ends[0];
	*writer = ends[1];
}

static struct report receive(const struct worker *worker, unsigned thread)
{
	struct report report;

	if (read(worker->reports[thread], &report, sizeof report) != sizeof report)
		check_die("worker", "ended too early");
	return report;
}

void worker_start(struct worker *worker, unsigned threads, const char *cgroup)
{
	struct post posts[LOAD_THREADS_MAX] = { 0 };

	*worker = (struct worker){ .thread_count = threads };
	for (unsigned i = 0; i < threads; i++) {
		make_pipe(&posts[i].orders, &worker->orders[i]);
		make_pipe(&worker->reports[i], &posts[i].reports);
	}
	worker->pid = fork();
	if (worker->pid < 0)
		check_die("fork", strerror(errno));
	if (worker->pid == 0) {
		if (cgroup)
			load_join_cgroup(cgroup);
		run_worker(posts, threads);
	}
	for (unsigned i = 0; i < threads; i++) {
		close(posts[i].orders);
		close(posts[i].reports);
		worker->tids[i] = receive(worker, i).tid;
	}
}

void worker_order(struct worker *worker, unsigned thread, enum load_where where, uint64_t loops)
{
	struct order order = { .where = where, .loops = loops };

	if (write(worker->orders[thread], &order, sizeof order) != sizeof order)
		check_die("worker", strerror(errno));
}

uint64_t worker_wait(struct worker *worker, unsigned thread)
{
	return receive(worker, thread).interruptions;
}

void worker_burn(struct worker *worker, unsigned thread, enum load_where where, uint64_t loops)
{
	worker_order(worker, thread, where, loops);
	worker_wait(worker, thread);
}

void worker_end(struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	for (unsigned i = 0; i < worker->thread_count; i++) {
		close(worker->orders[i]);
		close(worker->reports[i]);
	}
}
