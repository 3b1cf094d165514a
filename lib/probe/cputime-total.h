/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cputime-total.h - on-CPU time of all tasks of the machine.
 *
 * cgroup v1: the root's cpuacct.usage_percpu. cgroup v2: the root's own
 * cpu.stat is made from timer ticks, like /proc/stat, and is not used; the sum
 * over its first-level groups and over the tasks that stand in the root itself
 * (kernel threads) is. What a group or a task had used when it ended stays in
 * the sum, so that it never goes backwards. Lost is what a task of the root used
 * between the last reading and its end: nothing to speak of for kernel threads,
 * but much where user processes stand in the root and come and go (a note).
 */
#ifndef VMENERGY_PROBE_CPUTIME_TOTAL_H
#define VMENERGY_PROBE_CPUTIME_TOTAL_H

#include "base/cgroupfs.h"
#include "base/error.h"
#include "probe/kept.h"

/* A first-level group, or a task of the root. */
struct contributor {
	uint64_t id; /* inode of the group (never reused while it lasts), or thread id */
	bool is_task;
	bool present;
	struct kept_file file;
	uint64_t last_ns; /* newest reading */
	uint64_t base_ns; /* what of it belongs to the time before it came here */
};

struct cputime_total {
	struct kept_files *files; /* borrowed */
	struct kept_file percpu;  /* v1 */
	struct kept_file tasks;   /* v2: cgroup.threads of the root */
	char mount[128];          /* v2 */
	struct kept_buffer buffer;
	struct contributor *items;
	size_t count, capacity;
	size_t cursor;       /* where the next one is looked for first */
	bool has_user_tasks; /* v2: seen in the root */
	uint64_t ended_ns;   /* of groups and tasks that are gone */
	uint64_t at_ns;      /* of the newest reading; 0 = none */
};

int cputime_total_open(struct cputime_total *total, struct kept_files *files,
		       const struct cgroup_mounts *mounts, struct error *error);
void cputime_total_close(struct cputime_total *total);
const char *cputime_total_phrase(const struct cputime_total *total);
/* A sentence on what the total leaves out, or NULL. */
const char *cputime_total_note(const struct cputime_total *total);
/* Nanoseconds on CPUs, cumulative. 0 or -errno with text. */
int cputime_total_read(struct cputime_total *total, uint64_t *total_ns, struct error *error);

/* usage_usec of a cpu.stat, in ns. 0 or -errno. Shared with the domains' groups. */
int cputime_read_cpu_stat(const struct kept_files *files, const struct kept_file *file,
			  struct kept_buffer *buffer, uint64_t *usage_ns);

#endif
