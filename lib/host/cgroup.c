/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cgroupfs.h"
#include "base/numbers.h"
#include "base/text.h"
#include "base/proc.h"
#include "host/qemu.h"

enum { FOLDER_DEPTH_MAX = 8, FOLDERS_MAX = 1024 };

/* --- paths ----------------------------------------------------------------- */

static char *read_path(const struct rootfs *root, const char *controller, pid_t pid, pid_t tid)
{
	char *text, *found;

	if (rootfs_read_allf(root, &text, "/proc/%d/task/%d/cgroup", pid, tid ? tid : pid) < 0)
		return NULL;
	found = cgroup_path_of(text, controller);
	free(text);
	return found;
}

static bool is_root(const char *path)
{
	return !*path || strcmp(path, "/") == 0;
}

char *cgroup_of_thread(const struct rootfs *root, pid_t pid, pid_t tid)
{
	static const char *const controllers[] = { "cpuacct", NULL, "cpu" };
	char *path = NULL;

	for (size_t i = 0; i < sizeof controllers / sizeof *controllers; i++) {
		path = read_path(root, controllers[i], pid, tid);
		if (path && !is_root(path))
			return path;
		free(path);
	}
	return NULL;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void drop_component(char *path)
{
	char *slash = strrchr(path, '/');

	*(slash ? slash : path) = '\0';
}

/* Shorten `path` until `other` is within it. */
static void meet(char *path, const char *other)
{
	while (*path && !cgroup_is_within(other, path))
		drop_component(path);
}

/* --- libvirt's folders ----------------------------------------------------- */

static bool is_thread_folder(const char *name)
{
	static const char *const beginnings[] = { "vcpu", "iothread" };

	for (size_t i = 0; i < 2; i++) {
		size_t length = strlen(beginnings[i]);

		if (strncmp(name, beginnings[i], length) == 0 && name[length] &&
		    strspn(name + length, "0123456789") == strlen(name + length))
			return true;
	}
	return strcmp(name, "emulator") == 0;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* systemd's machine-qemu\x2dID\x2dNAME.scope, or qemu-ID-NAME.libvirt-qemu without systemd. */
static bool is_domain_folder(const char *name)
{
	return ends_with(name, ".libvirt-qemu") ||
	       (strncmp(name, "machine-qemu", strlen("machine-qemu")) == 0 &&
		ends_with(name, ".scope"));
}

/* machine-qemu*.scope/libvirt, which libvirt makes below systemd's folder? */
static bool is_nested_folder(const char *path)
{
	char *above;
	bool nested = false;

	if (strcmp(last_component(path), "libvirt") != 0)
		return false;
	above = strdup(path);
	if (above) {
		drop_component(above);
		nested = is_domain_folder(last_component(above));
	}
	free(above);
	return nested;
}

/* From .../libvirt/vcpu0 or .../emulator up to the one of the domain that they are in. */
static void leave_thread_folder(char *path)
{
	if (is_thread_folder(last_component(path)))
		drop_component(path);
}

/* And up to the folder of the domain. */
static void leave_thread_folders(char *path)
{
	leave_thread_folder(path);
	if (is_nested_folder(path))
		drop_component(path);
}

/* --- who else is there ----------------------------------------------------- */

struct look {
	const struct rootfs *root;
	pid_t pid;
	unsigned folders;
};

/* The process itself, a kernel worker or a child of its own (a script, a bridge helper). */
static bool is_own(const struct look *look, pid_t member)
{
	struct proc_stat stat;
	enum thread_role role;
	pid_t owner;
	int result;

	if (member == look->pid)
		return true;
	result = proc_read_stat(look->root, member, 0, &stat);
	if (result)
		return result == -ESRCH;
	if (stat.kernel_thread)
		return qemu_worker_parse(stat.comm, &role, &owner) &&
		       (owner == 0 || owner == look->pid);
	return stat.parent == look->pid;
}

/* The first foreign process ends it, so that a crowded cgroup costs no more than an empty one. */
static bool are_members_own(const struct look *look, const char *folder)
{
	char *text;
	const char *cursor;
	uint64_t member;
	bool own = true;

	/* A threaded cgroup lists no processes: its domain's root does. */
	if (rootfs_read_allf(look->root, &text, "%s/cgroup.procs", folder) < 0)
		return true;
	cursor = text;
	while (own && number_scan_u64(&cursor, &member) == 0) {
		own = member > 0 && member <= INT32_MAX && is_own(look, (pid_t)member);
		cursor += strspn(cursor, "\n");
	}
	free(text);
	return own;
}

static bool is_folder_own(struct look *look, const char *folder, unsigned depth);

static bool are_children_own(struct look *look, DIR *listing, const char *folder, unsigned depth)
{
	struct text child = { 0 };
	const struct dirent *entry;
	bool own = true;

	while (own && (entry = readdir(listing))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		text_reset(&child);
		text_addf(&child, "%s/%s", folder, entry->d_name);
		own = !child.failed && is_folder_own(look, child.bytes, depth + 1);
	}
	text_free(&child);
	return own;
}

static bool is_folder_own(struct look *look, const char *folder, unsigned depth)
{
	DIR *listing;
	bool own;
	int fd;

	if (depth > FOLDER_DEPTH_MAX || ++look->folders > FOLDERS_MAX)
		return false;
	if (!are_members_own(look, folder))
		return false;
	fd = rootfs_openf(look->root, O_RDONLY | O_DIRECTORY, "%s", folder);
	if (fd < 0)
		return false;
	listing = fdopendir(fd);
	if (!listing) {
		close(fd);
		return false;
	}
	own = are_children_own(look, listing, folder, depth);
	closedir(listing);
	return own;
}

/* --- the answer ------------------------------------------------------------ */

/* The smallest cgroup that holds all threads: "" = the root. NULL = unknown. */
static char *common_path(const struct rootfs *root, const char *controller, pid_t pid)
{
	struct proc_ids threads = { 0 };
	char *common = read_path(root, controller, pid, pid), *path;

	if (!common || proc_read_ids(root, pid, "task", &threads)) {
		free(common);
		common = NULL;
	}
	/* Nothing is above the root: most hosts without libvirt end here. */
	for (size_t i = 0; common && !is_root(common) && i < threads.count; i++) {
		path = read_path(root, controller, pid, threads.items[i].id);
		if (path)
			meet(common, path);
		free(path);
	}
	proc_ids_clear(&threads);
	return common;
}

static bool exists(const struct rootfs *root, const char *mount, const char *path)
{
	int fd = rootfs_openf(root, O_PATH | O_DIRECTORY, "%s%s", mount, path);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool cgroup_is_exclusive(const struct rootfs *root, const char *mount, const char *path, pid_t pid)
{
	struct look look = { .root = root, .pid = pid };
	struct text folder = { 0 };
	bool own;

	text_addf(&folder, "%s%s", mount, path);
	/* What else is in a domain's own folder, libvirt put there to work for it. */
	own = !is_root(path) && !folder.failed &&
	      (is_domain_folder(last_component(path)) || is_nested_folder(path) ||
	       is_folder_own(&look, folder.bytes, 0));
	text_free(&folder);
	return own;
}

static char *exclusive_in(const struct rootfs *root, const char *mount, const char *controller,
			  pid_t pid)
{
	char *path = *mount ? common_path(root, controller, pid) : NULL;

	if (!path)
		return NULL;
	leave_thread_folders(path);
	if (cgroup_is_exclusive(root, mount, path, pid))
		return path;
	free(path);
	return NULL;
}

/*
 * v1's cpuacct where it is mounted. v2 counts the time of its cgroups beside
 * it, but is asked only where nothing of that path is in cpuacct, so that a
 * reader who looks there first is not led to another cgroup.
 */
char *cgroup_exclusive(const struct rootfs *root, const struct cgroup_mounts *mounts, pid_t pid)
{
	char *path = exclusive_in(root, mounts->cpuacct, "cpuacct", pid);

	if (path)
		return path;
	path = exclusive_in(root, mounts->v2, NULL, pid);
	if (path && mounts->cpuacct[0] && exists(root, mounts->cpuacct, path)) {
		free(path);
		return NULL;
	}
	return path;
}

/* --- where limits hold ------------------------------------------------------ */

/* Of each resource: v1's name of the controller, and the file that its folders have; v2's. */
static const struct {
	const char *v1_controller, *v1_file, *v2_file;
} resources[] = {
	[CGROUP_CPU] = { "cpu", "cpu.cfs_quota_us", "cpu.max" },
	[CGROUP_IO] = { "blkio", "blkio.throttle.read_bps_device", "io.max" },
};

const char *cgroup_resource_mount(const struct cgroup_mounts *mounts, enum cgroup_resource resource,
				  bool *is_v2)
{
	const char *v1 = resource == CGROUP_CPU ? mounts->cpu : mounts->blkio;
	bool has_v2 = mounts->v2[0] && (resource == CGROUP_CPU ? mounts->v2_cpu : mounts->v2_io);

	if (is_v2)
		*is_v2 = !*v1 && has_v2;
	if (*v1)
		return v1;
	return has_v2 ? mounts->v2 : NULL;
}

static bool has_file(const struct rootfs *root, const char *mount, const char *path,
		     const char *file)
{
	int fd = rootfs_openf(root, O_PATH, "%s%s/%s", mount, path, file);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A v2 folder has the controller's files only where the one above hands it down. */
char *cgroup_limited(const struct rootfs *root, const struct cgroup_mounts *mounts,
		     enum cgroup_resource resource, pid_t pid)
{
	bool is_v2;
	const char *mount = cgroup_resource_mount(mounts, resource, &is_v2);
	const char *file = is_v2 ? resources[resource].v2_file : resources[resource].v1_file;
	const char *controller = is_v2 ? NULL : resources[resource].v1_controller;
	char *path = mount ? common_path(root, controller, pid) : NULL;

	if (!path)
		return NULL;
	leave_thread_folder(path);
	while (cgroup_is_exclusive(root, mount, path, pid)) {
		if (has_file(root, mount, path, file))
			return path;
		drop_component(path);
	}
	free(path);
	return NULL;
}

double cgroup_cpu_weight(const struct rootfs *root, const struct cgroup_mounts *mounts,
			 const char *cgroup)
{
	unsigned long long value;

	if (mounts->cpu[0] &&
	    rootfs_read_u64f(root, &value, "%s%s/cpu.shares", mounts->cpu, cgroup) == 0)
		return (double)value * 100 / 1024;
	if (!mounts->cpu[0] && mounts->v2[0] &&
	    rootfs_read_u64f(root, &value, "%s%s/cpu.weight", mounts->v2, cgroup) == 0)
		return (double)value;
	return 100;
}
