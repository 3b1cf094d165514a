/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc.h - the few things of proc(5) that are read again and again.
 */
#ifndef VMENERGY_BASE_PROC_H
#define VMENERGY_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rootfs.h"

/*
 * The numeric names of a folder. The inode comes free with the listing and is
 * another one when the id is used again, so that (id, inode) tells one process
 * from the next without opening anything.
 */
struct proc_id {
	pid_t id;
	uint64_t inode;
};

struct proc_ids {
	struct proc_id *items; /* ascending by id */
	size_t count, capacity;
};

/*
 * Read /proc (pid 0), or /proc/PID/FOLDER ("task", "fd"), into `ids`, whose
 * memory is used again. 0 or -errno (-ESRCH: gone). Id 0 is left out.
 */
int proc_read_ids(const struct rootfs *root, pid_t pid, const char *folder, struct proc_ids *ids);
void proc_ids_clear(struct proc_ids *ids);

struct proc_stat {
	char comm[64]; /* as it is: blanks, parentheses and all */
	char state;
	pid_t parent;
	bool kernel_thread;
	unsigned threads;
	uint64_t start_ticks; /* field 22 */
};

/* /proc/PID/stat, or with `tid` /proc/PID/task/TID/stat. 0 or -errno (-ESRCH: gone). */
int proc_read_stat(const struct rootfs *root, pid_t pid, pid_t tid, struct proc_stat *stat);
/* Pure: one line of stat. 0 or -EINVAL. */
int proc_parse_stat(const char *line, struct proc_stat *stat);

/* The real and the effective user id of a process. 0 or -errno. */
int proc_read_uids(const struct rootfs *root, pid_t pid, uid_t *real, uid_t *effective);
/* The effective one. 0 or -errno. */
int proc_read_uid(const struct rootfs *root, pid_t pid, uid_t *uid);

#endif
