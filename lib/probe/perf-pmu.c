/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-pmu.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVICES "/sys/bus/event_source/devices"

/* Numbers below are common to all of Arm (Arm ARM, PMCEID0_EL0 and PMCEID1_EL0). */
enum { COMMON_EVENTS = 0x40, EVENT_MASK = 0xffff };

static DIR *open_folder(const struct rootfs *root, const char *path)
{
	int fd = rootfs_openf(root, O_RDONLY | O_DIRECTORY, "%s", path);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (!folder && fd >= 0)
		close(fd);
	return folder;
}

/* "event=0x04", as the kernel writes it. */
static bool is_event(const struct rootfs *root, const char *folder, const char *name,
		     uint64_t number)
{
	static const char key[] = "event=0x";
	char text[64], *end;

	if (rootfs_readf(root, text, sizeof text, "%s/%s", folder, name) < 0 ||
	    strncmp(text, key, strlen(key)) != 0)
		return false;
	return strtoull(text + strlen(key), &end, 16) == number && end > text + strlen(key);
}

enum answer { UNKNOWN, HAS, LACKS };

static enum answer ask(const struct rootfs *root, const char *device, uint64_t number)
{
	enum answer answer = UNKNOWN;
	struct dirent *entry;
	char path[512];
	DIR *folder;

	if (snprintf(path, sizeof path, DEVICES "/%s/events", device) >= (int)sizeof path)
		return UNKNOWN;
	folder = open_folder(root, path);
	while (folder && answer != HAS && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			answer = is_event(root, path, entry->d_name, number) ? HAS : LACKS;
	if (folder)
		closedir(folder);
	return answer;
}

/* Raw events are taken by any of the CPU's PMUs. */
static bool counts(const struct rootfs *root, const char *device, const struct perf_code *code)
{
	unsigned long long type;

	return strncmp(device, "armv8", 5) == 0 &&
	       rootfs_read_u64f(root, &type, DEVICES "/%s/type", device) == 0 &&
	       (code->type == PERF_TYPE_RAW || code->type == type);
}

bool perf_pmu_lacks(const struct rootfs *root, const struct perf_code *code)
{
	uint64_t number = code->config & EVENT_MASK;
	enum answer answer = UNKNOWN;
	struct dirent *entry;
	DIR *folder;

	if (!perf_code_is_hardware(code) || number >= COMMON_EVENTS)
		return false;
	folder = open_folder(root, DEVICES);
	while (folder && answer != HAS && (entry = readdir(folder)))
		if (counts(root, entry->d_name, code)) {
			enum answer one = ask(root, entry->d_name, number);

			answer = one == UNKNOWN ? answer : one;
		}
	if (folder)
		closedir(folder);
	return answer == LACKS;
}
