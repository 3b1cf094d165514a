/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/proc.h"
#include "host/qemu-cmdline.h"

/* --- paths of disks -------------------------------------------------------- */

/* As QEMU tells a protocol from a file name: a colon before any slash. */
static bool is_relative(const char *source)
{
	return source[0] && source[0] != '/' && source[strcspn(source, ":/")] != ':';
}

/* -daemonize leaves the folder that relative names stood for: an open file tells which it was. */
static char *path_of_open_file(const struct rootfs *root, pid_t pid, const char *source)
{
	size_t length = strlen(source);
	struct proc_ids fds = { 0 };
	char link[PATH_MAX], *found = NULL;

	proc_read_ids(root, pid, "fd", &fds);
	for (size_t i = 0; i < fds.count && !found; i++) {
		long end = rootfs_linkf(root, link, sizeof link, "/proc/%d/fd/%d", pid,
					fds.items[i].id);

		if (end > (long)length && link[(size_t)end - length - 1] == '/' &&
		    strcmp(link + (size_t)end - length, source) == 0)
			found = strdup(link);
	}
	proc_ids_clear(&fds);
	return found;
}

static char *path_in_cwd(const struct rootfs *root, pid_t pid, const char *source)
{
	struct text path = { 0 };
	char cwd[PATH_MAX];

	if (rootfs_linkf(root, cwd, sizeof cwd, "/proc/%d/cwd", pid) < 0)
		return NULL;
	text_addf(&path, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, source);
	return path.bytes;
}

char *qemu_find_path(const struct rootfs *root, pid_t pid, const char *source)
{
	char *path = is_relative(source) ? path_of_open_file(root, pid, source) : strdup(source);

	return path ? path : path_in_cwd(root, pid, source);
}

int qemu_make_absolute(const struct rootfs *root, struct qemu_process *process)
{
	bool unknown = false;

	for (size_t i = 0; i < process->drive_count; i++) {
		char **source = &process->drives[i].source, *path;

		if (!is_relative(*source))
			continue;
		path = process->daemonizes ? path_of_open_file(root, process->pid, *source)
					   : path_in_cwd(root, process->pid, *source);
		unknown = unknown || !path;
		if (path) {
			free(*source);
			*source = path;
		}
	}
	if (!unknown)
		return 0;
	return qemu_add_reason(&process->reason,
			       "relative disk paths cannot be resolved: its folder and files are "
			       "seen by root or with CAP_SYS_PTRACE only");
}

/* --- which process --------------------------------------------------------- */

/* An interpreter that runs a script of that name shows the script's path as argv[1]. */
static bool has_options_only(const char *cmdline, long length)
{
	long second = (long)strlen(cmdline) + 1;

	return second >= length || cmdline[second] == '-';
}

bool qemu_is_process(const struct rootfs *root, pid_t pid, const char *cmdline, long length)
{
	char name[PATH_MAX];

	if (qemu_is_emulator(cmdline))
		return true;
	if (rootfs_linkf(root, name, sizeof name, "/proc/%d/exe", pid) >= 0)
		return qemu_is_emulator(name);
	if (rootfs_readf(root, name, sizeof name, "/proc/%d/comm", pid) < 0)
		return false;
	name[strcspn(name, "\n")] = '\0';
	return qemu_is_emulator(name) && has_options_only(cmdline, length);
}

bool qemu_is_running(const struct rootfs *root, pid_t pid)
{
	char cmdline[PATH_MAX + 2];
	long length = rootfs_readf(root, cmdline, sizeof cmdline, "/proc/%d/cmdline", pid);

	if (length == -E2BIG)
		length = (long)sizeof cmdline - 1;
	return length > 0 && qemu_is_process(root, pid, cmdline, length);
}
