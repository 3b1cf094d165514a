/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/placement.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "probe/packages.h"

/* As many CPUs as any kernel is built for. */
enum { MASK_BYTES = 8192 / 8, MASK_SETS = MASK_BYTES / (int)sizeof(cpu_set_t) };

/* The core of a CPU: the first of its siblings; itself where the kernel does not tell. */
static unsigned read_core(const struct rootfs *root, unsigned cpu)
{
	char text[4096];
	const char *cursor = text;
	uint64_t first;

	if (rootfs_readf(root, text, sizeof text,
			 "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list", cpu) <= 0 ||
	    number_scan_u64(&cursor, &first) || first > cpu)
		return cpu;
	return (unsigned)first;
}

static bool is_allowed(unsigned cpu, const cpu_set_t *allowed)
{
	return !allowed || CPU_ISSET_S(cpu, MASK_BYTES, allowed);
}

static int add_cpus(struct placement_cpus *cpus, const struct packages *packages,
		    const struct rootfs *root, const cpu_set_t *allowed)
{
	for (size_t i = 0; i < packages->cpu_count; i++) {
		struct placement_cpu *item;

		if (!is_allowed(packages->cpus[i].cpu, allowed))
			continue;
		item = MEMORY_APPEND(cpus);
		if (!item)
			return -ENOMEM;
		item->cpu = packages->cpus[i].cpu;
		item->core = read_core(root, item->cpu);
		item->package = packages->cpus[i].package_id;
	}
	return 0;
}

/* How many different cores and packages: each CPU against those before it. */
static void count_parts(struct placement_cpus *cpus)
{
	cpus->cores = cpus->packages = 0;
	for (size_t i = 0; i < cpus->count; i++) {
		bool new_core = true, new_package = true;

		for (size_t k = 0; k < i; k++) {
			new_core &= cpus->items[k].core != cpus->items[i].core;
			new_package &= cpus->items[k].package != cpus->items[i].package;
		}
		cpus->cores += new_core;
		cpus->packages += new_package;
	}
}

int placement_read(struct placement_cpus *cpus, const struct rootfs *root, struct error *error)
{
	cpu_set_t mask[MASK_SETS];
	const bool ask = rootfs_is_real(root);
	struct packages packages = { 0 };
	int result;

	placement_clear(cpus);
	memset(mask, 0, sizeof mask);
	if (ask && sched_getaffinity(0, MASK_BYTES, mask) != 0)
		return error_setf(error, errno, "which CPUs this process may use: %s",
				  strerrordesc_np(errno));
	result = packages_read(&packages, root, error);
	if (result)
		return result;
	result = add_cpus(cpus, &packages, root, ask ? mask : NULL);
	if (!result && cpus->count == 0)
		result = -ENOENT;
	if (result) {
		error_setf(error, -result, "CPUs for a workload: %s", strerrordesc_np(-result));
		placement_clear(cpus);
	}
	count_parts(cpus);
	packages_clear(&packages);
	return result;
}

void placement_clear(struct placement_cpus *cpus)
{
	free(cpus->items);
	*cpus = (struct placement_cpus){ 0 };
}

/* What CPUs are sorted by, the weightiest first. */
struct rank {
	size_t keys[3];
	unsigned cpu;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *first = a, *second = b;

	for (unsigned i = 0; i < 3; i++)
		if (first->keys[i] != second->keys[i])
			return first->keys[i] < second->keys[i] ? -1 : 1;
	return (first->cpu > second->cpu) - (first->cpu < second->cpu);
}

/* Its place among the CPUs of its core. */
static size_t rank_sibling(const struct placement_cpus *cpus, size_t index)
{
	size_t rank = 0;

	for (size_t i = 0; i < index; i++)
		rank += cpus->items[i].core == cpus->items[index].core;
	return rank;
}

/* The place of its core among those of its package; `siblings` are the ranks of all CPUs. */
static size_t rank_core(const struct placement_cpus *cpus, const size_t *siblings, size_t index)
{
	const struct placement_cpu *cpu = &cpus->items[index];
	size_t rank = 0;

	for (size_t i = 0; i < cpus->count; i++)
		rank += siblings[i] == 0 && cpus->items[i].package == cpu->package &&
			cpus->items[i].core < cpu->core;
	return rank;
}

static struct rank rank_cpu(const struct placement_cpus *cpus, const size_t *siblings, size_t index,
			    enum placement placement)
{
	const struct placement_cpu *cpu = &cpus->items[index];
	size_t core = rank_core(cpus, siblings, index);

	if (placement == PLACEMENT_PACKED)
		return (struct rank){ { cpu->package, core, siblings[index] }, cpu->cpu };
	return (struct rank){ { siblings[index], core, cpu->package }, cpu->cpu };
}

int placement_order(const struct placement_cpus *cpus, enum placement placement, unsigned *order)
{
	struct rank *ranks = calloc(cpus->count + 1, sizeof *ranks);
	size_t *siblings = calloc(cpus->count + 1, sizeof *siblings);
	int result = ranks && siblings ? 0 : -ENOMEM;

	if (!result) {
		for (size_t i = 0; i < cpus->count; i++)
			siblings[i] = rank_sibling(cpus, i);
		for (size_t i = 0; i < cpus->count; i++)
			ranks[i] = rank_cpu(cpus, siblings, i, placement);
		qsort(ranks, cpus->count, sizeof *ranks, compare_ranks);
		for (size_t i = 0; i < cpus->count; i++)
			order[i] = ranks[i].cpu;
	}
	free(siblings);
	free(ranks);
	return result;
}
