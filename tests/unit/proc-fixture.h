/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * proc-fixture.h - builds /proc and cgroup trees below the test's folder, as
 * far as this project reads them.
 */
#ifndef VMENERGY_TESTS_PROC_FIXTURE_H
#define VMENERGY_TESTS_PROC_FIXTURE_H

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootfs.h"
#include "tests/unit/unit.h"

#define FIXTURE_UNUSED __attribute__((unused))

/* The tree that is being built, below unit_folder(). */
static char fixture_name[64];

FIXTURE_UNUSED static void fixture_begin(const char *name, struct rootfs *root)
{
	char path[256];
	struct error error = { 0 };

	snprintf(fixture_name, sizeof fixture_name, "%s", name);
	snprintf(path, sizeof path, "%s/proc/version", name);
	unit_write_file(path, "Linux\n");
	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	if (rootfs_open(root, path, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
}

__attribute__((format(printf, 2, 3))) FIXTURE_UNUSED static void
fixture_write(const char *text, const char *format, ...)
{
	char path[2048], name[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	snprintf(path, sizeof path, "%s%s", fixture_name, name);
	unit_write_file(path, text);
}

static int fixture_remove_one(const char *path, const struct stat *status, int type,
			      struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

__attribute__((format(printf, 1, 2))) FIXTURE_UNUSED static void fixture_remove(const char *format,
										...)
{
	char path[2048], name[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	snprintf(path, sizeof path, "%s/%s%s", unit_folder(), fixture_name, name);
	nftw(path, fixture_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((format(printf, 2, 3))) FIXTURE_UNUSED static void
fixture_link(const char *target, const char *format, ...)
{
	char path[2048], name[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(name, sizeof name, format, arguments);
	va_end(arguments);
	fixture_write("", "%s.folder", name); /* makes the folders between */
	fixture_remove("%s.folder", name);
	snprintf(path, sizeof path, "%s/%s%s", unit_folder(), fixture_name, name);
	unlink(path);
	if (symlink(target, path)) {
		perror(path);
		abort();
	}
}

struct fixture_process {
	pid_t pid;
	const char *cmdline; /* arguments, each ended by '|'; "" or NULL = none */
	const char *exe;     /* NULL = the link cannot be read */
	const char *comm;
	const char *cwd;
	const char *cgroup; /* content of its cgroup file */
	pid_t parent;       /* 0 = 1 */
	char state;         /* 0 = 'S' */
	unsigned threads;   /* as stat says; 0 = 1 */
	unsigned start;     /* 0 = 1000 */
	unsigned uid;
	bool kernel;
};

/* cmdline with its NULs: unit_write_file takes text only. */
FIXTURE_UNUSED static void fixture_cmdline(pid_t pid, const char *arguments)
{
	char path[512];
	FILE *file;

	fixture_write("", "/proc/%d/cmdline", pid);
	snprintf(path, sizeof path, "%s/%s/proc/%d/cmdline", unit_folder(), fixture_name, pid);
	file = fopen(path, "w");
	if (!file)
		abort();
	for (const char *byte = arguments; *byte; byte++)
		fputc(*byte == '|' ? '\0' : *byte, file);
	fclose(file);
}

FIXTURE_UNUSED static void fixture_stat(const struct fixture_process *process, const char *comm,
					pid_t tid, const char *path)
{
	char line[512];

	snprintf(line, sizeof line,
		 "%d (%s) %c %d 1 1 0 -1 %u 0 0 0 0 7 3 0 0 20 0 %u 0 %u 1000 10 "
		 "18446744073709551615 "
		 "1 1 0 0 0 0 0 4096 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		 tid, comm, process->state ? process->state : 'S',
		 process->parent ? process->parent : 1, process->kernel ? 0x00208040u : 0x400100u,
		 process->threads ? process->threads : 1, process->start ? process->start : 1000);
	fixture_write(line, "%s", path);
}

FIXTURE_UNUSED static void fixture_thread(const struct fixture_process *process, pid_t tid,
					  const char *comm, const char *cgroup)
{
	char path[128], text[128];

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", process->pid, tid);
	fixture_stat(process, comm, tid, path);
	snprintf(text, sizeof text, "%s\n", comm);
	fixture_write(text, "/proc/%d/task/%d/comm", process->pid, tid);
	if (!cgroup)
		cgroup = process->cgroup;
	fixture_write(cgroup ? cgroup : "0::/\n", "/proc/%d/task/%d/cgroup", process->pid, tid);
}

FIXTURE_UNUSED static void fixture_process(const struct fixture_process *process)
{
	const char *comm = process->comm ? process->comm : "qemu-system-x86";
	char path[128], text[128];

	fixture_cmdline(process->pid, process->cmdline ? process->cmdline : "");
	snprintf(path, sizeof path, "/proc/%d/stat", process->pid);
	fixture_stat(process, comm, process->pid, path);
	snprintf(text, sizeof text, "%s\n", comm);
	fixture_write(text, "/proc/%d/comm", process->pid);
	snprintf(text, sizeof text, "Name:\tx\nUid:\t%u\t%u\t%u\t%u\nGid:\t0\n", process->uid,
		 process->uid, process->uid, process->uid);
	fixture_write(text, "/proc/%d/status", process->pid);
	fixture_write(process->cgroup ? process->cgroup : "0::/\n", "/proc/%d/cgroup",
		      process->pid);
	if (process->exe)
		fixture_link(process->exe, "/proc/%d/exe", process->pid);
	if (process->cwd)
		fixture_link(process->cwd, "/proc/%d/cwd", process->pid);
	fixture_thread(process, process->pid, comm, NULL);
}

/* Which hierarchies are mounted: "v2", "v1" or "hybrid" (as systemd called it). */
FIXTURE_UNUSED static void fixture_mounts(const char *layout)
{
	bool v1 = strcmp(layout, "v2") != 0, v2 = strcmp(layout, "v1") != 0;
	char text[1024];

	snprintf(text, sizeof text, "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n%s%s",
		 v1 ? "30 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup "
		      "rw,cpu,cpuacct\n"
		    : "",
		 !v2  ? ""
		 : v1 ? "31 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		      : "31 20 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	fixture_write(text, "/proc/self/mountinfo");
	if (v2 && !v1)
		fixture_write("cpuset cpu io memory pids\n", "/sys/fs/cgroup/cgroup.controllers");
}

#endif
