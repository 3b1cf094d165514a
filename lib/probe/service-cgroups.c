/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-cgroups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cgroupfs.h"
#include "base/memory.h"

/* That totals are read from; NULL: v2. */
static const char *const hierarchies[] = { NULL, "cpuacct", "perf_event" };
enum { HIERARCHIES = sizeof hierarchies / sizeof *hierarchies };

static int add(struct service_cgroups *cgroups, const char *text, const char *hierarchy)
{
	char *copy = strdup(text), *path, **item;

	if (!copy)
		return -ENOMEM;
	path = cgroup_path_of(copy, hierarchy);
	free(copy);
	if (!path)
		return 0;
	item = MEMORY_APPEND(cgroups);
	if (!item) {
		free(path);
		return -ENOMEM;
	}
	*item = path;
	return 0;
}

int service_cgroups_find(struct service_cgroups *cgroups, const struct rootfs *root,
			 const struct topology *topology)
{
	int result = 0;

	*cgroups = (struct service_cgroups){ 0 };
	for (size_t i = 0; i < topology->service_count && !result; i++) {
		char *text;

		if (rootfs_read_allf(root, &text, "/proc/%d/cgroup",
				     (int)topology->services[i].pid) < 0)
			continue;
		for (size_t k = 0; k < HIERARCHIES && !result; k++)
			result = add(cgroups, text, hierarchies[k]);
		free(text);
	}
	if (result)
		service_cgroups_clear(cgroups);
	return result;
}

void service_cgroups_clear(struct service_cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++)
		free(cgroups->items[i]);
	free(cgroups->items);
	*cgroups = (struct service_cgroups){ 0 };
}

char *service_cgroups_free_of(const struct service_cgroups *cgroups, const struct domain *domain)
{
	for (size_t i = 0; i < cgroups->count && domain->cgroup; i++)
		if (cgroup_is_within(cgroups->items[i], domain->cgroup))
			return NULL;
	return domain->cgroup;
}
