/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/caches.h"

#include <stdint.h>
#include <string.h>

#include "base/numbers.h"

enum { INDEXES_MAX = 16 };
#define MIB ((size_t)1 << 20)

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* "48K", "2048K", "32M". 0: not a size. */
static size_t parse_size(const char *text)
{
	uint64_t value;

	if (number_scan_u64(&text, &value) || value > SIZE_MAX >> 20)
		return 0;
	return (size_t)value << (*text == 'K' ? 10 : *text == 'M' ? 20 : 0);
}

/* "0-3,8-11": how many. */
static unsigned count_list(const char *text)
{
	uint64_t count = 0, first, last;

	while (!number_scan_u64(&text, &first)) {
		last = first;
		if (*text == '-') {
			text++;
			if (number_scan_u64(&text, &last) || last < first)
				break;
		}
		count += last - first + 1;
		if (*text++ != ',')
			break;
	}
	return count > 0 && count < UINT16_MAX ? (unsigned)count : 1;
}

/* 0; -ENOENT: there is no such index. */
static int read_index(struct caches *caches, const struct rootfs *root, unsigned index)
{
	const char *const folder = "/sys/devices/system/cpu/cpu0/cache";
	unsigned long long level;
	char type[32], size[32], list[4096];
	struct cache *cache;
	int result = rootfs_read_u64f(root, &level, "%s/index%u/level", folder, index);

	if (result)
		return result;
	if (level < 1 || level > CACHE_LEVELS ||
	    rootfs_readf(root, type, sizeof type, "%s/index%u/type", folder, index) < 0 ||
	    rootfs_readf(root, size, sizeof size, "%s/index%u/size", folder, index) < 0 ||
	    strncmp(type, "Instruction", 11) == 0)
		return 0;
	cache = &caches->levels[level - 1];
	cache->bytes = parse_size(size);
	cache->shared_by = 1;
	if (rootfs_readf(root, list, sizeof list, "%s/index%u/shared_cpu_list", folder, index) > 0)
		cache->shared_by = count_list(list);
	return 0;
}

static size_t read_free_bytes(const struct rootfs *root)
{
	char text[8192];
	const char *line;
	uint64_t kib;

	if (rootfs_readf(root, text, sizeof text, "/proc/meminfo") < 0)
		return 0;
	line = strstr(text, "MemAvailable:");
	if (!line)
		return 0;
	line += strlen("MemAvailable:");
	return number_scan_u64(&line, &kib) || kib > SIZE_MAX >> 10 ? 0 : (size_t)kib << 10;
}

void caches_read(struct caches *caches, const struct rootfs *root)
{
	*caches = (struct caches){ .free_bytes = read_free_bytes(root) };
	for (unsigned i = 0; i < INDEXES_MAX && read_index(caches, root, i) == 0; i++)
		;
	if (caches->levels[0].bytes == 0 && caches->levels[1].bytes == 0)
		*caches = (struct caches){
			.levels = { { 32 << 10, 1 }, { 512 << 10, 1 }, { 8 << 20, 4 } },
			.free_bytes = caches->free_bytes,
		};
}

static size_t last_level_bytes(const struct caches *caches)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < CACHE_LEVELS; i++)
		bytes = larger(bytes, caches->levels[i].bytes);
	return bytes;
}

/* A quarter of what is free goes to all threads together: nothing must be swapped for this. */
static size_t memory_share(const struct caches *caches, unsigned threads)
{
	size_t bytes = larger(4 * last_level_bytes(caches) / threads, 64 * MIB);

	bytes = smaller(bytes, 512 * MIB);
	if (caches->free_bytes > 0)
		bytes = smaller(bytes, caches->free_bytes / 4 / threads);
	return larger(bytes, 4 * MIB);
}

size_t caches_share(const struct caches *caches, unsigned level, unsigned threads)
{
	const struct cache *cache;
	size_t below;

	if (threads == 0)
		threads = 1;
	if (level == 0 || level > CACHE_MEMORY)
		return 0;
	if (level == CACHE_MEMORY)
		return memory_share(caches, threads);
	cache = &caches->levels[level - 1];
	below = level > 1 ? 2 * caches->levels[level - 2].bytes : 4096;
	return larger(cache->bytes / 2 / smaller(threads, larger(cache->shared_by, 1)), below);
}
