/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/rapl-zones.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

/* intel-rapl-mmio:N shows the same packages a second time and is left out. */
static const char prefix[] = "intel-rapl:";

static int compare_zones(const void *a, const void *b)
{
	return strverscmp(((const struct rapl_zone *)a)->folder,
			  ((const struct rapl_zone *)b)->folder);
}

static void read_zone(const struct rootfs *root, const char *folder, struct rapl_zone *zone)
{
	unsigned long long value = 0;

	snprintf(zone->folder, sizeof zone->folder, "%.*s", RAPL_NAME_BYTES - 1, folder);
	rootfs_readf(root, zone->name, sizeof zone->name, RAPL_FOLDER "/%s/name", folder);
	zone->name[strcspn(zone->name, "\n")] = '\0';
	if (rootfs_read_u64f(root, &value, RAPL_FOLDER "/%s/max_energy_range_uj", folder) == 0)
		zone->range_uj = value;
	zone->result = rootfs_read_u64f(root, &value, RAPL_FOLDER "/%s/energy_uj", folder);
	if (zone->result == 0)
		zone->energy_uj = value;
}

int rapl_find_zones(const struct rootfs *root, struct rapl_zones *zones)
{
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, RAPL_FOLDER);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int result = 0;

	if (!folder && fd >= 0)
		close(fd);
	while (folder && !result && (entry = readdir(folder))) {
		struct rapl_zone *zone;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
		    strlen(entry->d_name) >= RAPL_NAME_BYTES)
			continue;
		zone = MEMORY_APPEND(zones);
		if (zone)
			read_zone(root, entry->d_name, zone);
		else
			result = -ENOMEM;
	}
	if (folder)
		closedir(folder);
	if (zones->count > 0)
		qsort(zones->items, zones->count, sizeof zones->items[0], compare_zones);
	return result;
}

void rapl_zones_clear(struct rapl_zones *zones)
{
	free(zones->items);
	*zones = (struct rapl_zones){ 0 };
}

/* "package-0", and on CPUs of several dies "package-0-die-1". */
bool rapl_is_package(const struct rapl_zone *zone)
{
	return strncmp(zone->name, "package", strlen("package")) == 0;
}

const struct rapl_zone *rapl_dram_of(const struct rapl_zones *zones,
				     const struct rapl_zone *package)
{
	size_t length = strlen(package->folder);

	for (size_t i = 0; i < zones->count; i++) {
		const struct rapl_zone *zone = &zones->items[i];

		if (strncmp(zone->folder, package->folder, length) == 0 &&
		    zone->folder[length] == ':' && strcmp(zone->name, "dram") == 0 &&
		    (zone->result || zone->energy_uj > 0))
			return zone;
	}
	return NULL;
}

bool rapl_difference(const struct rapl_step *step, uint64_t *difference_uj, bool *wrapped)
{
	*wrapped = step->now_uj < step->before_uj;
	if (!*wrapped) {
		*difference_uj = step->now_uj - step->before_uj;
		return true;
	}
	*difference_uj = 0;
	if (step->before_uj > step->range_uj)
		return false;
	*difference_uj = step->range_uj - step->before_uj + step->now_uj;
	/* As counter_delta(): half a range since the reading before is a reset. */
	return *difference_uj < step->range_uj / 2;
}
