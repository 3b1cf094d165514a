/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"

enum { KERNEL_THREAD_FLAG = 0x00200000 }; /* PF_KTHREAD, include/linux/sched.h */

static int compare_ids(const void *first, const void *second)
{
	const struct proc_id *a = first, *b = second;

	return (a->id > b->id) - (a->id < b->id);
}

static int add_id(struct proc_ids *ids, const struct dirent *entry)
{
	uint64_t number;
	struct proc_id *id;

	if (number_parse_u64(entry->d_name, &number) || number == 0 || number > INT_MAX)
		return 0;
	id = MEMORY_APPEND(ids);
	if (!id)
		return -ENOMEM;
	id->id = (pid_t)number;
	id->inode = entry->d_ino;
	return 0;
}

int proc_read_ids(const struct rootfs *root, pid_t pid, const char *folder, struct proc_ids *ids)
{
	int flags = O_RDONLY | O_DIRECTORY;
	int fd = pid ? rootfs_openf(root, flags, "/proc/%d/%s", pid, folder)
		     : rootfs_openf(root, flags, "/proc");
	const struct dirent *entry;
	int result = 0;
	DIR *listing;

	ids->count = 0;
	if (fd < 0)
		return fd == -ENOENT && pid ? -ESRCH : fd;
	listing = fdopendir(fd);
	if (!listing) {
		close(fd);
		return -ENOMEM;
	}
	while (!result && (entry = readdir(listing)))
		result = add_id(ids, entry);
	closedir(listing);
	if (ids->count)
		qsort(ids->items, ids->count, sizeof *ids->items, compare_ids);
	return result;
}

void proc_ids_clear(struct proc_ids *ids)
{
	free(ids->items);
	*ids = (struct proc_ids){ 0 };
}

/* The blank-separated fields behind the name; the first of them is number 3. */
static int fields_after_name(const char *cursor, const char *fields[], unsigned last)
{
	for (unsigned field = 3; field <= last; field++) {
		cursor += strspn(cursor, " ");
		if (!*cursor)
			return -EINVAL;
		fields[field] = cursor;
		cursor += strcspn(cursor, " ");
	}
	return 0;
}

int proc_parse_stat(const char *line, struct proc_stat *stat)
{
	enum { STATE = 3, PARENT = 4, FLAGS = 9, THREADS = 20, START = 22 };
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	const char *fields[START + 1] = { NULL };
	uint64_t parent, flags, threads;

	*stat = (struct proc_stat){ 0 };
	if (!open || !close || close < open || fields_after_name(close + 1, fields, START))
		return -EINVAL;
	snprintf(stat->comm, sizeof stat->comm, "%.*s", (int)(close - open - 1), open + 1);
	stat->state = *fields[STATE];
	if (number_scan_u64(&fields[PARENT], &parent) || number_scan_u64(&fields[FLAGS], &flags) ||
	    number_scan_u64(&fields[THREADS], &threads) ||
	    number_scan_u64(&fields[START], &stat->start_ticks) || parent > INT_MAX ||
	    threads > UINT_MAX)
		return -EINVAL;
	stat->parent = (pid_t)parent;
	stat->kernel_thread = flags & KERNEL_THREAD_FLAG;
	stat->threads = (unsigned)threads;
	return 0;
}

int proc_read_stat(const struct rootfs *root, pid_t pid, pid_t tid, struct proc_stat *stat)
{
	char line[1024];
	long length = tid ? rootfs_readf(root, line, sizeof line, "/proc/%d/task/%d/stat", pid, tid)
			  : rootfs_readf(root, line, sizeof line, "/proc/%d/stat", pid);

	if (length == -ENOENT)
		return -ESRCH;
	if (length < 0)
		return (int)length;
	return proc_parse_stat(line, stat);
}

int proc_read_uids(const struct rootfs *root, pid_t pid, uid_t *real, uid_t *effective)
{
	char text[4096];
	long length = rootfs_readf(root, text, sizeof text, "/proc/%d/status", pid);
	const char *line;
	uint64_t first, second;

	if (length < 0 && length != -E2BIG)
		return (int)length;
	line = strstr(text, "\nUid:");
	if (!line)
		return -EINVAL;
	line += strlen("\nUid:");
	if (number_scan_u64(&line, &first) || number_scan_u64(&line, &second) || first > UINT_MAX ||
	    second > UINT_MAX)
		return -EINVAL;
	*real = (uid_t)first;
	*effective = (uid_t)second;
	return 0;
}

int proc_read_uid(const struct rootfs *root, pid_t pid, uid_t *uid)
{
	uid_t real;

	return proc_read_uids(root, pid, &real, uid);
}
