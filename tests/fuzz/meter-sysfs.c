/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what the kernel's files say of RAPL zones and power sensors: listed, opened,
 * or refused with a reason.
 */
#include <ftw.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootfs.h"
#include "meter/driver.h"
#include "meter/rapl-perf-code.h"
#include "meter/rapl-zones.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {
	"sys/class/powercap/intel-rapl:0/name",
	"sys/class/powercap/intel-rapl:0/energy_uj",
	"sys/class/powercap/intel-rapl:0/max_energy_range_uj",
	"sys/class/powercap/intel-rapl:0:0/name",
	"sys/class/powercap/intel-rapl:0:0/energy_uj",
	"sys/class/hwmon/hwmon0/name",
	"sys/class/hwmon/hwmon0/power1_input",
	"sys/class/hwmon/hwmon0/power1_average",
	"sys/class/hwmon/hwmon0/power1_average_interval",
	"sys/class/hwmon/hwmon0/power1_label",
};

static char root_folder[] = "/tmp/fuzz-sysfs-XXXXXX";
static char root_path[sizeof root_folder];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static void remove_all(void)
{
	nftw(root_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_folders(const char *path)
{
	char folder[256];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		mkdir(folder, 0700);
	}
}

static void make_root(void)
{
	strcpy(root_path, root_folder);
	if (!mkdtemp(root_path))
		abort();
	atexit(remove_all);
}

/* Lines of the input, one for each file. */
static void write_files(const uint8_t *data, size_t size)
{
	char path[256];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t length = end ? (size_t)(end - data) : size;
		FILE *file;

		snprintf(path, sizeof path, "%s/%s", root_path, files[i]);
		make_folders(path);
		file = fopen(path, "w");
		if (!file)
			abort();
		fwrite(data, 1, length, file);
		fclose(file);
		data += end ? length + 1 : length;
		size -= end ? length + 1 : length;
	}
}

static void open_meter(const char *spec, const struct meter_place *place)
{
	struct error error = { "" };
	struct meter *meter;
	int result = meter_open(&meter, spec, place, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (!result)
		meter_close(meter);
}

/* Of a counter with an end, never more than that end. */
static void subtract(const uint8_t *data, size_t size)
{
	struct rapl_step step;
	uint64_t difference_uj;
	bool wrapped;

	if (size < sizeof step)
		return;
	memcpy(&step, data, sizeof step);
	if (rapl_difference(&step, &difference_uj, &wrapped) &&
	    (wrapped ? difference_uj > step.range_uj
		     : difference_uj != step.now_uj - step.before_uj))
		abort();
}

static void parse(const char *text)
{
	struct rapl_perf_cpus cpus;
	uint64_t config;
	double scale_j;

	rapl_perf_parse_event(text, &config);
	if (rapl_perf_parse_scale(text, &scale_j) == 0 && !isfinite(scale_j))
		abort();
	if (rapl_perf_parse_cpus(text, &cpus) == 0 &&
	    (cpus.count == 0 || cpus.count > RAPL_PERF_CPUS_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct meter_list list = { 0 };
	struct meter_place place = { .speed = 1 };
	struct rootfs root;
	char *text = strndup((const char *)data, size);

	if (!*root_path)
		make_root();
	if (!text || rootfs_open(&root, root_path, NULL))
		abort();
	parse(text);
	subtract(data, size);
	place.root = &root;
	write_files(data, size);
	if (meter_rapl.list(&place, &list) || meter_hwmon.list(&place, &list))
		abort();
	meter_list_clear(&list);
	open_meter("rapl", &place);
	open_meter("hwmon", &place);
	rootfs_close(&root);
	free(text);
	return 0;
}
