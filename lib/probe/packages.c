/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/packages.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "model/sample.h"

/* More than any kernel is built for (NR_CPUS): a list beyond it is not one. */
enum { CPU_MAX = 1 << 16 };

struct cpu_list {
	struct package_cpu *items;
	size_t count, capacity;
};

/* The kernel's number of a CPU's package; 0 where the kernel does not know (some ARM boards,
 * single-package virtual machines: the file is missing or says -1). */
static unsigned read_package_id(const struct rootfs *root, unsigned cpu)
{
	unsigned long long id;

	if (rootfs_read_u64f(root, &id,
			     "/sys/devices/system/cpu/cpu%u/topology/physical_package_id", cpu) ||
	    id > UINT32_MAX)
		return 0;
	return (unsigned)id;
}

static int add_cpus(struct cpu_list *list, const struct rootfs *root, uint64_t first, uint64_t last)
{
	for (uint64_t cpu = first; cpu <= last; cpu++) {
		struct package_cpu *item = MEMORY_APPEND(list);

		if (!item)
			return -ENOMEM;
		item->cpu = (unsigned)cpu;
		item->package_id = read_package_id(root, item->cpu);
	}
	return 0;
}

/* "0-3,5,8-11": ascending, as the kernel prints it. 0, -EINVAL or -ENOMEM. */
static int parse_online(struct cpu_list *list, const struct rootfs *root, const char *text)
{
	uint64_t next = 0;

	for (;; text++) {
		uint64_t first, last;
		int result = number_scan_u64(&text, &first);

		last = first;
		if (!result && *text == '-') {
			text++;
			result = number_scan_u64(&text, &last);
		}
		if (result || first < next || last < first || last >= CPU_MAX)
			return -EINVAL;
		result = add_cpus(list, root, first, last);
		if (result)
			return result;
		next = last + 1;
		if (*text != ',')
			break;
	}
	return *text == '\n' || *text == '\0' ? 0 : -EINVAL;
}

static int compare_ids(const void *a, const void *b)
{
	unsigned first = *(const unsigned *)a, second = *(const unsigned *)b;

	return (first > second) - (first < second);
}

/* Number the packages in the order of the kernel's ids; those that are too many share the last. */
static int number_packages(struct packages *packages)
{
	unsigned *ids = calloc(packages->cpu_count, sizeof *ids);
	unsigned count = 0;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < packages->cpu_count; i++)
		ids[i] = packages->cpus[i].package_id;
	qsort(ids, packages->cpu_count, sizeof *ids, compare_ids);
	for (size_t i = 0; i < packages->cpu_count; i++)
		if (i == 0 || ids[i] != ids[count - 1])
			ids[count++] = ids[i];
	for (size_t i = 0; i < packages->cpu_count; i++) {
		struct package_cpu *cpu = &packages->cpus[i];
		const unsigned *found =
			bsearch(&cpu->package_id, ids, count, sizeof *ids, compare_ids);

		cpu->package = (unsigned)(found - ids);
		if (cpu->package >= SAMPLE_PACKAGES_MAX)
			cpu->package = SAMPLE_PACKAGES_MAX - 1;
	}
	packages->package_count = count < SAMPLE_PACKAGES_MAX ? count : SAMPLE_PACKAGES_MAX;
	free(ids);
	return 0;
}

int packages_read(struct packages *packages, const struct rootfs *root, struct error *error)
{
	struct packages new = { 0 };
	struct cpu_list list = { 0 };
	char *text = NULL;
	long length = rootfs_read_allf(root, &text, PACKAGES_ONLINE);
	int result = length < 0 ? (int)length : parse_online(&list, root, text);

	new.cpus = list.items;
	new.cpu_count = list.count;
	if (!result)
		result = number_packages(&new);
	if (result) {
		error_setf(error, -result, "%s: %s", PACKAGES_ONLINE,
			   result == -EINVAL ? "not a list of CPUs" : strerrordesc_np(-result));
		packages_clear(&new);
	} else {
		packages_clear(packages);
		*packages = new;
	}
	free(text);
	return result;
}

void packages_clear(struct packages *packages)
{
	free(packages->cpus);
	*packages = (struct packages){ 0 };
}
