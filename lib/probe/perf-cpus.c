/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-cpus.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

static struct perf_cpu *find(const struct perf_cpus *cpus, size_t hint, unsigned cpu)
{
	for (size_t i = 0; i < cpus->count; i++) {
		struct perf_cpu *item = &cpus->items[(hint + i) % cpus->count];

		if (item->cpu == cpu)
			return item;
	}
	return NULL;
}

static struct perf_cpu *find_or_add(struct perf_cpus *cpus, size_t hint,
				    const struct package_cpu *wanted)
{
	struct perf_cpu *item = find(cpus, hint, wanted->cpu);

	if (item)
		return item;
	item = MEMORY_APPEND(cpus);
	if (item)
		*item = (struct perf_cpu){ .cpu = wanted->cpu, .package_id = wanted->package_id };
	return item;
}

static void stop(struct perf_cpu *item)
{
	perf_group_read(&item->group);
	perf_group_close(&item->group);
}

int perf_cpus_follow(struct perf_cpus *cpus, const struct perf_context *context, int cgroup)
{
	struct perf_place place = {
		.pid = cgroup,
		.is_cgroup = cgroup != PERF_ALL_TASKS,
		.fd_limit = context->files.limit,
	};

	cpus->of_all_tasks = !place.is_cgroup;
	cpus->has_dead = false;
	for (size_t i = 0; i < cpus->count; i++)
		cpus->items[i].is_online = false;
	for (size_t i = 0; i < context->packages.cpu_count; i++) {
		struct perf_cpu *item = find_or_add(cpus, i, &context->packages.cpus[i]);
		int result;

		if (!item)
			return -ENOMEM;
		item->is_online = true;
		place.cpu = (int)item->cpu;
		result = item->group.is_open ? 0
					     : perf_group_open(&item->group, &context->set,
							       context->set.count, &place);
		if (result == -ENODEV) /* it left while we came */
			item->is_online = false;
		else if (result)
			return result;
	}
	for (size_t i = 0; i < cpus->count; i++)
		if (!cpus->items[i].is_online)
			stop(&cpus->items[i]);
	return 0;
}

void perf_cpus_stop(struct perf_cpus *cpus)
{
	for (size_t i = 0; i < cpus->count; i++)
		stop(&cpus->items[i]);
}

void perf_cpus_clear(struct perf_cpus *cpus)
{
	for (size_t i = 0; i < cpus->count; i++)
		perf_group_close(&cpus->items[i].group);
	free(cpus->items);
	*cpus = (struct perf_cpus){ 0 };
}

/*
 * A group of one event cannot be parted when its CPU goes off line and comes
 * back: it stands still instead, and its clock with it, which else never does.
 */
static unsigned read_cpu(const struct perf_cpus *cpus, struct perf_cpu *item)
{
	uint64_t enabled_ns = item->group.enabled_ns;
	unsigned quality = perf_group_read(&item->group);

	if (!cpus->of_all_tasks || quality & QUALITY_MISSING || item->group.enabled_ns > enabled_ns)
		return quality;
	perf_group_close(&item->group);
	return QUALITY_MISSING;
}

unsigned perf_cpus_read(struct perf_cpus *cpus, unsigned slot, uint64_t count[SAMPLE_EVENTS_MAX])
{
	unsigned quality = 0;

	for (size_t i = 0; i < cpus->count; i++) {
		struct perf_cpu *item = &cpus->items[i];

		if (item->slot != slot)
			continue;
		if (item->is_online) {
			quality |= read_cpu(cpus, item);
			cpus->has_dead |= !item->group.is_open;
		}
		for (unsigned e = 0; e < SAMPLE_EVENTS_MAX; e++)
			count[e] += item->group.count[e];
	}
	return quality;
}
