/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * perf-process.h - the threads of one process (a domain, a service, ourselves),
 * a group each, and its total.
 *
 * The total is that of a cgroup which holds the process alone (a group per CPU),
 * or the sum over its threads, ended ones included. A thread's last count can be
 * read when it has ended, so that nothing of what was followed is lost; threads
 * that come and go between two discoveries are in a cgroup's total only.
 *
 * When is a sum worth its name? Without a sampled thread (a vCPU, an I/O thread)
 * it is MISSING: helpers are what is left of it after the vCPUs, and would come
 * out wrong. Without some other thread it is a lower bound, near to the truth,
 * and an ESTIMATE. A thread that ended before it could be followed does not count.
 */
#ifndef VMENERGY_PROBE_PERF_PROCESS_H
#define VMENERGY_PROBE_PERF_PROCESS_H

#include "model/topology.h"
#include "probe/perf-cpus.h"

/* Who gets descriptors first. */
enum perf_rank { PERF_RANK_VCPU, PERF_RANK_IO, PERF_RANK_REST, PERF_RANKS };

struct perf_task {
	pid_t tid;
	uint64_t start_ticks; /* 0 = not known, not checked */
	enum perf_rank rank;
	bool is_sampled;
	bool is_worker;   /* a kernel worker, perhaps a task outside of the process */
	bool is_wanted;   /* sampled, or a part of the total */
	bool is_apart;    /* a kernel worker that stands outside of the cgroup */
	int problem;      /* errno of why it has no group; ESRCH: it ended before */
	unsigned quality; /* of the last reading */
	struct perf_group group;
};

struct perf_process {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t links;          /* of its task folder, where all of its threads are followed */
	bool was_counted;        /* once, at least: then what ended is a total, too */
	struct perf_task *tasks; /* in the order of the topology's threads */
	size_t task_count;
	char *cgroup; /* that `cpus` counts; NULL = none */
	struct perf_cpus cpus;
	/* Of threads that ended; of these, of the ones that stood apart. */
	uint64_t ended[SAMPLE_EVENTS_MAX], ended_apart[SAMPLE_EVENTS_MAX];
};

/*
 * Make *new of these threads; what *old (may be NULL) already has moves over,
 * what it has beyond them ends, and old is empty then. Opens nothing: sampled threads
 * are wanted already, of the others perf_process_place() decides. 0 or -ENOMEM.
 */
int perf_process_follow(struct perf_process *new, struct perf_process *old,
			const struct thread *threads, size_t count);
void perf_process_clear(struct perf_process *process);

/* Total by the cgroup if that can be, and which threads are wanted then. */
void perf_process_place(struct perf_process *process, struct perf_context *context,
			const char *cgroup);
/* Open a group on each CPU that came. */
void perf_process_follow_cpus(struct perf_process *process, struct perf_context *context);
/* Close the cgroup's groups. */
void perf_process_leave_cgroup(struct perf_process *process, struct perf_context *context);

/* 0 or -errno, which the task keeps as its problem. */
int perf_task_open(struct perf_task *task, const struct perf_context *context);

/* threads: parallel to the tasks, or NULL. */
void perf_process_read(struct perf_process *process, const struct perf_set *set,
		       struct cpu_reading *threads, struct cpu_reading *total,
		       enum total_source *source);

/* The sampled ones of these threads, as perf_process_read() has just read them, wherever they
 * stand among the tasks. */
void perf_process_put_threads(const struct perf_process *process, const struct perf_set *set,
			      const struct thread *threads, size_t count,
			      struct cpu_reading *readings);

#endif
