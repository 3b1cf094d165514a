/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moving a whole process from cgroup to cgroup. Folders are made and removed below CGROUP_OURS
 * alone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmenergyd/actuator/cgroup.h"

bool cgroup_is_ours(const char *path)
{
	return cgroup_is_within(path, CGROUP_OURS);
}

/* --- where it is -------------------------------------------------------------- */

/* "" when it is in no cgroup that we see. */
static int read_place(const struct actuator_room *room, pid_t pid, const char *controller,
		      char path[TARGET_TEXT])
{
	char *text, *found;
	int result = 0;
	long length = rootfs_read_allf(room->root, &text, "/proc/%d/cgroup", (int)pid);

	path[0] = '\0';
	if (length < 0)
		return length == -ENOENT ? -ESRCH : (int)length;
	found = cgroup_path_of(text, controller);
	if (found && strlen(found) < TARGET_TEXT)
		strcpy(path, found);
	else if (found)
		result = -ENAMETOOLONG;
	free(found);
	free(text);
	return result;
}

int cgroup_get_place(const struct actuator_room *room, const struct target *target,
		     struct place *place, struct error *error)
{
	int result = 0;

	*place = (struct place){ .cpu_cgroup = "" };
	if (*cgroup_cpu(room).mount)
		result = read_place(room, target->pid, cgroup_cpu_controller(room),
				    place->cpu_cgroup);
	if (!result && *cgroup_disk(room).mount)
		result = read_place(room, target->pid, cgroup_disk_controller(room),
				    place->io_cgroup);
	return result ? error_setf(error, -result, "%s: cgroups of process %d: %s", target->name,
				   (int)target->pid, strerror(-result))
		      : 0;
}

/* --- folders ------------------------------------------------------------------ */

static int folder_path(const struct actuator_room *room, const struct cgroup_at *at,
		       char path[PATH_MAX])
{
	int length = snprintf(path, PATH_MAX, "%s%s%s", room->root->prefix, at->mount, at->path);

	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int make_folder(const struct actuator_room *room, const struct cgroup_at *at)
{
	char path[PATH_MAX];
	int result = folder_path(room, at, path);

	if (!result && mkdir(path, 0755) && errno != EEXIST)
		result = -errno;
	return result;
}

/* What has children or processes stays: the kernel refuses. */
static int remove_folder(const struct actuator_room *room, const struct cgroup_at *at)
{
	char path[PATH_MAX];
	int result = folder_path(room, at, path);

	return result ? result : rmdir(path) ? -errno : 0;
}

/* v2: what is below may have these controllers. A cgroup that has processes refuses; what is
 * missing then is said when a limit is written. */
static void delegate(const struct cgroup_at *at)
{
	cgroup_writef(at, "cgroup.subtree_control", NULL, "+cpu");
	cgroup_writef(at, "cgroup.subtree_control", NULL, "+io");
}

/* Folder by folder: "", "/vmenergy", "/vmenergy/a", ... */
int cgroup_make(const struct actuator_room *room, const struct cgroup_at *at, struct error *error)
{
	char path[TARGET_TEXT];
	struct cgroup_at step = *at;
	int result = 0;

	snprintf(path, sizeof path, "%s", at->path);
	step.path = path;
	for (char *end = path; !result && end; end = strchr(end + 1, '/')) {
		char kept = *end;

		*end = '\0';
		if (end > path)
			result = make_folder(room, &step);
		if (!result && at->v2)
			delegate(&step);
		*end = kept;
	}
	if (!result)
		result = make_folder(room, at);
	return result ? error_setf(error, -result, "%s%s: cannot be made: %s", at->mount, at->path,
				   strerror(-result))
		      : 0;
}

/* Up from `path`, as far as it is ours and empty. */
static void clean_up(const struct actuator_room *room, struct cgroup_at at, const char *path)
{
	char left[TARGET_TEXT];

	snprintf(left, sizeof left, "%s", path);
	at.path = left;
	while (cgroup_is_ours(left) && remove_folder(room, &at) == 0)
		*strrchr(left, '/') = '\0';
}

void cgroup_sweep(const struct actuator_room *room, const struct cgroup_at *at)
{
	struct cgroup_at ours = *at;
	const struct dirent *entry;
	char path[PATH_MAX];
	DIR *listing;

	ours.path = CGROUP_OURS;
	listing = folder_path(room, &ours, path) ? NULL : opendir(path);
	if (!listing)
		return;
	while ((entry = readdir(listing)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			unlinkat(dirfd(listing), entry->d_name, AT_REMOVEDIR);
	closedir(listing);
}

/* --- moving ------------------------------------------------------------------- */

/* Into the folder, which is made first where it is ours. */
static int enter(const struct actuator_room *room, const struct cgroup_at *at, pid_t pid,
		 struct error *error)
{
	int result = cgroup_is_ours(at->path) ? cgroup_make(room, at, error) : 0;

	return result ? result : cgroup_writef(at, "cgroup.procs", error, "%d", (int)pid);
}

static int move(const struct actuator_room *room, struct cgroup_at at, const struct target *target,
		const char *to, struct error *error)
{
	bool is_cpu = strcmp(at.mount, cgroup_cpu(room).mount) == 0;
	char from[TARGET_TEXT];
	int result = read_place(room, target->pid,
				is_cpu ? cgroup_cpu_controller(room) : cgroup_disk_controller(room),
				from);

	if (result)
		return error_setf(error, -result, "%s: process %d: %s", target->name,
				  (int)target->pid, strerror(-result));
	if (strcmp(from, to) == 0)
		return 0;
	at.path = to;
	if (cgroup_is_ours(to))
		cgroup_sweep(room, &at);
	result = enter(room, &at, target->pid, error);
	if (result == -ENOENT && cgroup_is_ours(to)) /* somebody else swept just now */
		result = enter(room, &at, target->pid, error);
	if (result) {
		if (cgroup_is_ours(to))
			clean_up(room, at, to);
		return result;
	}
	clean_up(room, at, from);
	return 0;
}

int cgroup_set_place(const struct actuator_room *room, const struct target *target,
		     const struct place *place, struct error *error)
{
	struct cgroup_at cpu = cgroup_cpu(room), disk = cgroup_disk(room);
	bool has_cpu = *place->cpu_cgroup, has_disk = *place->io_cgroup;
	struct place before;
	int result = cgroup_get_place(room, target, &before, error);

	if (result)
		return result;
	if ((has_cpu && !*cpu.mount) || (has_disk && !*disk.mount))
		return error_setf(error, EOPNOTSUPP, "no cgroup hierarchy has the %s controller",
				  has_cpu && !*cpu.mount ? "cpu" : "io");
	if (strcmp(cpu.mount, disk.mount) == 0) {
		if (has_cpu && has_disk && strcmp(place->cpu_cgroup, place->io_cgroup) != 0)
			return error_setf(error, EINVAL,
					  "cgroup v2 has one place for both, not %s and %s",
					  place->cpu_cgroup, place->io_cgroup);
		has_disk = has_disk && !has_cpu;
	}
	if (has_cpu)
		result = move(room, cpu, target, place->cpu_cgroup, error);
	if (!result && has_disk)
		result = move(room, disk, target, place->io_cgroup, error);
	if (result && has_cpu && has_disk && *before.cpu_cgroup)
		move(room, cpu, target, before.cpu_cgroup, NULL);
	return result;
}

/* --- one thread ----------------------------------------------------------------- */

int cgroup_get_disk_place(const struct actuator_room *room, pid_t tid, char path[TARGET_TEXT],
			  struct error *error)
{
	int result = read_place(room, tid, cgroup_disk_controller(room), path);

	return result ? error_setf(error, -result, "cgroup of thread %d: %s", (int)tid,
				   strerror(-result))
		      : 0;
}

int cgroup_move_thread(const struct actuator_room *room, pid_t tid, const char *to,
		       struct error *error)
{
	struct cgroup_at at = cgroup_disk(room);
	char from[TARGET_TEXT];
	int result = cgroup_get_disk_place(room, tid, from, error);

	if (result || strcmp(from, to) == 0)
		return result;
	at.path = to;
	result = cgroup_writef(&at, "tasks", error, "%d", (int)tid);
	if (!result)
		clean_up(room, at, from);
	return result;
}
