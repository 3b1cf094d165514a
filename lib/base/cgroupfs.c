/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cgroupfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

/* Undo the octal escapes of blanks and backslashes in a mount point (proc(5)), in place. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

/* Is `word` one of the words in `list`, which any of `separators` part? */
static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t length;

	for (; *list; list += length + (list[length] != '\0')) {
		length = strcspn(list, separators);
		if (length == strlen(word) && strncmp(list, word, length) == 0)
			return true;
	}
	return false;
}

/* The first mount counts. A path that does not fit is as good as absent. */
static void take(char target[128], const char *point)
{
	if (!target[0] && strlen(point) < 128)
		strcpy(target, point);
}

/*
 * One line of mountinfo: "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAGS] - TYPE
 * SOURCE SUPER-OPTIONS". A mount that shows only a part of its hierarchy (ROOT
 * is not "/") is passed over: paths from /proc/PID/cgroup do not lead there.
 */
static void take_line(char *line, struct cgroup_mounts *mounts)
{
	char *tail = strstr(line, " - ");
	char *root, *point, *type, *options, *save = NULL;

	if (!tail)
		return;
	*tail = '\0';
	strtok_r(line, " ", &save);
	strtok_r(NULL, " ", &save);
	strtok_r(NULL, " ", &save);
	root = strtok_r(NULL, " ", &save);
	point = strtok_r(NULL, " ", &save);
	type = strtok_r(tail + 3, " ", &save);
	strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " ", &save);
	if (!root || !point || !type || strcmp(root, "/") != 0)
		return;
	unescape(point);
	if (strcmp(type, "cgroup2") == 0)
		take(mounts->v2, point);
	if (strcmp(type, "cgroup") != 0 || !options)
		return;
	if (has_word(options, "cpuacct", ","))
		take(mounts->cpuacct, point);
	if (has_word(options, "cpu", ","))
		take(mounts->cpu, point);
	if (has_word(options, "blkio", ","))
		take(mounts->blkio, point);
}

void cgroup_find_mounts(const struct rootfs *root, struct cgroup_mounts *mounts)
{
	char *text, *line, *save = NULL, controllers[512];

	*mounts = (struct cgroup_mounts){ 0 };
	if (rootfs_read_allf(root, &text, "/proc/self/mountinfo") < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(line, mounts);
	free(text);
	if (!mounts->v2[0] || rootfs_readf(root, controllers, sizeof controllers,
					   "%s/cgroup.controllers", mounts->v2) < 0)
		return;
	mounts->v2_cpu = has_word(controllers, "cpu", " \n");
	mounts->v2_io = has_word(controllers, "io", " \n");
}

/* --- where tasks stand ----------------------------------------------------- */

/* A line "ID:CONTROLLERS:PATH" of /proc/PID/cgroup: PATH, if it is the hierarchy of
 * `controller` (NULL: of v2). */
static const char *path_of_line(char *line, const char *controller)
{
	char *controllers = strchr(line, ':'), *path;

	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return NULL;
	*controllers++ = '\0';
	*path++ = '\0';
	if (!controller)
		return strcmp(line, "0") == 0 && !*controllers ? path : NULL;
	return has_word(controllers, controller, ",") ? path : NULL;
}

/* Not below our mount (another namespace's), or removed under the task's feet. */
static bool is_usable(const char *path)
{
	size_t length = strlen(path), end = strlen(" (deleted)");

	return path[0] == '/' && !strstr(path, "/..") &&
	       (length < end || strcmp(path + length - end, " (deleted)") != 0);
}

char *cgroup_path_of(char *text, const char *controller)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *path = path_of_line(line, controller);

		if (path && is_usable(path))
			return strdup(path);
	}
	return NULL;
}

bool cgroup_is_within(const char *path, const char *cgroup)
{
	size_t length = strlen(cgroup);

	return strncmp(path, cgroup, length) == 0 && (!path[length] || path[length] == '/');
}

bool cgroup_holds(const struct rootfs *root, const char *controller, const char *cgroup, pid_t tid)
{
	char *text, *path;
	bool holds;

	if (rootfs_read_allf(root, &text, "/proc/%d/cgroup", (int)tid) < 0)
		return false;
	path = cgroup_path_of(text, controller);
	holds = path && cgroup_is_within(path, cgroup);
	free(path);
	free(text);
	return holds;
}

/* --- bandwidth ------------------------------------------------------------- */

int cgroup_scan_quota(const char **cursor, int64_t *quota_us)
{
	const char *at = *cursor;
	bool is_word = strncmp(at, "max", 3) == 0;
	uint64_t value = 0;

	at += is_word ? 3 : *at == '-' ? 1 : 0;
	if (!is_word && (number_scan_u64(&at, &value) || value > INT64_MAX))
		return -EINVAL;
	*quota_us = is_word || **cursor == '-' ? -1 : (int64_t)value;
	*cursor = at;
	return 0;
}

int cgroup_parse_cpu_max(const char *text, int64_t *quota_us, uint64_t *period_us)
{
	const char *cursor = text;

	if (cgroup_scan_quota(&cursor, quota_us) || number_scan_u64(&cursor, period_us))
		return -EINVAL;
	return 0;
}
