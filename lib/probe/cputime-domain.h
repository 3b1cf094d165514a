/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cputime-domain.h - on-CPU time of one process with all that works for it,
 * and of single threads.
 */
#ifndef VMENERGY_PROBE_CPUTIME_DOMAIN_H
#define VMENERGY_PROBE_CPUTIME_DOMAIN_H

#include <sys/types.h>
#include <time.h>

#include "base/cgroupfs.h"
#include "model/sample.h"
#include "model/topology.h"
#include "probe/kept.h"

/*
 * A domain or a service. vhost and KVM workers may be tasks outside of its
 * process, and outside of its cgroup (cgroup v2 left them in the
 * root on some kernels): their time is added, and remembered when they end.
 */
struct domain_clock {
	pid_t pid;
	uint64_t start_ticks;
	char *cgroup; /* owned; NULL = none */
	struct kept_file usage;
	bool usage_is_v2;
	struct kept_file leader; /* its first thread: tells that the process still exists */
	bool has_clock;
	clockid_t clock;
	uint64_t ended_outside_ns; /* workers outside the process that ended */
	uint64_t ended_apart_ns;   /* of these, the ones outside the cgroup too */
};

struct thread_clock {
	pid_t pid, tid;
	uint64_t start_ticks, domain_start_ticks;
	struct kept_file file;
	bool is_wanted;  /* sampled, or a worker */
	bool is_outside; /* of the process: a kernel worker with an id of its own */
	bool is_apart;   /* and of the cgroup */
	bool was_read;   /* at the last attempt */
	uint64_t last_ns;
};

/* What the clocks share. */
struct clock_context {
	struct kept_files files;
	struct cgroup_mounts mounts;
	struct kept_buffer buffer;
};

/* Whatever cannot be opened is left closed. 0 or -ENOMEM. */
int domain_clock_open(struct clock_context *context, struct domain_clock *clock, pid_t pid,
		      uint64_t start_ticks, const char *cgroup);
void domain_clock_close(struct domain_clock *clock);

/*
 * The total of clock and of the workers among its threads, into *total (with
 * MISSING when there is none) and *source.
 */
void domain_clock_read(struct clock_context *context, struct domain_clock *clock,
		       const struct thread_clock *threads, size_t thread_count,
		       struct cpu_reading *total, enum total_source *source);

/* Its time is sampled, or part of its domain's total only by being added (a worker). */
bool thread_clock_is_wanted(const struct thread *thread);
void thread_clock_open(struct clock_context *context, struct thread_clock *clock,
		       const struct domain_clock *domain, const struct thread *thread);
/* See whether a worker stands outside of the cgroup that its domain has by now. */
void thread_clock_place(struct clock_context *context, struct thread_clock *clock,
			const struct domain_clock *domain);
/* The thread ended: its domain remembers what it had used. domain may be NULL. */
void thread_clock_retire(struct thread_clock *clock, struct domain_clock *domain);
void thread_clock_read(struct clock_context *context, struct thread_clock *clock,
		       struct cpu_reading *reading);

#endif
