/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/beside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/proc.h"

/* Where they stand below a domain's folder. A threaded cgroup has no list: its root has it. */
static const char *const folders[] = { "", "/libvirt", "/libvirt/emulator", "/emulator" };

static bool is_listed(const struct domain *domain, pid_t pid)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].tid == pid)
			return true;
	return pid == domain->pid;
}

static bool is_known(const struct beside *beside, pid_t pid)
{
	for (size_t i = 0; i < beside->count; i++)
		if (beside->items[i].pid == pid)
			return true;
	return false;
}

static int add(const struct rootfs *root, pid_t pid, struct beside *beside)
{
	struct besider *besider;
	struct proc_stat stat;

	if (proc_read_stat(root, pid, 0, &stat))
		return 0; /* it ended since */
	besider = MEMORY_APPEND(beside);
	if (!besider)
		return -ENOMEM;
	*besider = (struct besider){ .pid = pid, .start_ticks = stat.start_ticks };
	return 0;
}

static int add_all(const struct rootfs *root, const struct topology *topology, size_t domain,
		   const char *list, struct beside *beside)
{
	const char *cursor = list;
	uint64_t number;
	int result = 0;

	while (!result && number_scan_u64(&cursor, &number) == 0) {
		pid_t pid = number <= INT32_MAX ? (pid_t)number : 0;

		if (pid > 0 && !is_listed(&topology->domains[domain], pid) &&
		    !topology_service(topology, pid) && !is_known(beside, pid))
			result = add(root, pid, beside);
		cursor += strspn(cursor, "\n");
	}
	return result;
}

int beside_find(const struct rootfs *root, const struct cgroup_mounts *mounts,
		const struct topology *topology, size_t domain, struct beside *beside)
{
	const char *cgroup = topology->domains[domain].cgroup;
	const char *const tried[] = { mounts->cpuacct, mounts->v2 };
	int result = 0;

	for (size_t i = 0; cgroup && i < 2 && !result; i++)
		for (size_t k = 0; k < sizeof folders / sizeof *folders && !result; k++) {
			char *list;

			if (!*tried[i] || rootfs_read_allf(root, &list, "%s%s%s/cgroup.procs",
							   tried[i], cgroup, folders[k]) < 0)
				continue;
			result = add_all(root, topology, domain, list, beside);
			free(list);
		}
	return result;
}

void beside_clear(struct beside *beside)
{
	free(beside->items);
	*beside = (struct beside){ 0 };
}
