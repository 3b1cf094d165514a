/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cpu.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/units.h"

enum { CPUS_MAX = 65536, HZ_MAX_GHZ = 100 };
#define CPU_FOLDER "/sys/devices/system/cpu"

/* --- /proc/cpuinfo --------------------------------------------------------- */

/* The value of the first line "KEY : VALUE", trimmed and copied; false = there is none. */
static bool find_value(const char *cpuinfo, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	for (const char *line = cpuinfo; line; line = strchr(line, '\n')) {
		const char *start, *end;

		line += *line == '\n';
		start = line + length;
		if (strncmp(line, key, length) != 0)
			continue;
		start += strspn(start, " \t");
		if (*start != ':')
			continue;
		start++;
		start += strspn(start, " \t");
		end = start + strcspn(start, "\n");
		while (end > start && isspace((unsigned char)end[-1]))
			end--;
		snprintf(value, size, "%.*s", (int)(end - start), start);
		return true;
	}
	return false;
}

/* Decimal, or with 0x in front; 0 when absent. */
static unsigned find_number(const char *cpuinfo, const char *key)
{
	char value[64], *end;
	unsigned long number;

	if (!find_value(cpuinfo, key, value, sizeof value) || !isdigit((unsigned char)value[0]))
		return 0;
	errno = 0;
	number = strtoul(value, &end, 0);
	return *end || errno || number > UINT_MAX ? 0 : (unsigned)number;
}

/* MIDR_EL1.Implementer, as the Arm Architecture Reference Manual and the kernel's
 * arch/arm64/include/asm/cputype.h list them. */
static const char *arm_implementer(unsigned code)
{
	static const struct {
		unsigned code;
		const char *name;
	} implementers[] = {
		{ 0x41, "ARM" },       { 0x42, "Broadcom" },  { 0x43, "Cavium" },
		{ 0x46, "Fujitsu" },   { 0x48, "HiSilicon" }, { 0x4e, "NVIDIA" },
		{ 0x50, "APM" },       { 0x51, "Qualcomm" },  { 0x53, "Samsung" },
		{ 0x56, "Marvell" },   { 0x61, "Apple" },     { 0x69, "Intel" },
		{ 0x6d, "Microsoft" }, { 0x70, "Phytium" },   { 0xc0, "Ampere" },
	};

	for (size_t i = 0; i < sizeof implementers / sizeof *implementers; i++)
		if (implementers[i].code == code)
			return implementers[i].name;
	return "";
}

static int set_names(const char *cpuinfo, struct cpu_identity *cpu)
{
	/* As x86, s390, Power and the boards of Arm call it. */
	static const char *const names[] = { "model name", "cpu", "Model", "Hardware" };
	char vendor[128] = "", model[256] = "";
	unsigned implementer = find_number(cpuinfo, "CPU implementer");

	if (implementer)
		snprintf(vendor, sizeof vendor, "%s", arm_implementer(implementer));
	else
		find_value(cpuinfo, "vendor_id", vendor, sizeof vendor);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (find_value(cpuinfo, names[i], model, sizeof model))
			break;
	cpu->vendor = strdup(vendor);
	cpu->model_name = strdup(model);
	if (implementer) {
		cpu->family = find_number(cpuinfo, "CPU architecture");
		cpu->model = find_number(cpuinfo, "CPU part");
		cpu->stepping = find_number(cpuinfo, "CPU variant") * 16 +
				find_number(cpuinfo, "CPU revision");
	} else {
		cpu->family = find_number(cpuinfo, "cpu family");
		cpu->model = find_number(cpuinfo, "model");
		cpu->stepping = find_number(cpuinfo, "stepping");
	}
	return cpu->vendor && cpu->model_name ? 0 : -ENOMEM;
}

/* --- topology -------------------------------------------------------------- */

/* Members of a list like "0-3,8-11"; 0 = not readable. *last gets the highest. */
static unsigned count_list(const char *list, unsigned *last)
{
	uint64_t from, to, count = 0;

	while (number_scan_u64(&list, &from) == 0) {
		to = from;
		if (*list == '-') {
			list++;
			if (number_scan_u64(&list, &to))
				return 0;
		}
		if (to < from || to >= CPUS_MAX)
			return 0;
		count += to - from + 1;
		*last = (unsigned)to;
		list += *list == ',';
	}
	return (unsigned)count;
}

/* -1 (no such thing, as some virtual machines say) counts as one package, number 0. */
static bool read_package(const struct rootfs *root, unsigned number, unsigned *package)
{
	char text[32];
	const char *cursor = text;
	uint64_t value = 0;

	if (rootfs_readf(root, text, sizeof text, CPU_FOLDER "/cpu%u/topology/physical_package_id",
			 number) < 0)
		return false;
	if (*cursor != '-' && (number_scan_u64(&cursor, &value) || value > UINT_MAX))
		return false;
	*package = (unsigned)value;
	return true;
}

/* The first hardware thread of each core stands for it. */
static bool is_first_of_core(const struct rootfs *root, unsigned number)
{
	char text[512];
	const char *cursor = text;
	uint64_t first;

	if (rootfs_readf(root, text, sizeof text, CPU_FOLDER "/cpu%u/topology/thread_siblings_list",
			 number) < 0)
		return false;
	return number_scan_u64(&cursor, &first) == 0 && first == number;
}

/* CPUs that are off line show no topology: chips and cores are those with a CPU on line. */
static void count_chips(const struct rootfs *root, unsigned last, struct cpu_identity *cpu)
{
	enum { CHIPS_MAX = 256 };
	unsigned seen[CHIPS_MAX] = { 0 }, count = 0, package, known;

	for (unsigned number = 0; number <= last; number++) {
		if (!read_package(root, number, &package))
			continue;
		cpu->cores += is_first_of_core(root, number);
		for (known = 0; known < count && seen[known] != package; known++)
			;
		if (known == count && count < CHIPS_MAX)
			seen[count++] = package;
	}
	cpu->chips = count;
}

/* Without sysfs: each line "processor : N". */
static unsigned count_processors(const char *cpuinfo)
{
	unsigned count = 0;

	for (const char *line = cpuinfo; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, "processor\t", strlen("processor\t")) == 0;
	}
	return count;
}

static void count_cpus(const struct rootfs *root, const char *cpuinfo, struct cpu_identity *cpu)
{
	unsigned last = 0;
	char *list;

	if (rootfs_read_allf(root, &list, CPU_FOLDER "/present") >= 0) {
		cpu->cpus = count_list(list, &last);
		free(list);
	}
	if (cpu->cpus)
		count_chips(root, last, cpu);
	else
		cpu->cpus = count_processors(cpuinfo);
}

/* --- the rate of the time-stamp counter ------------------------------------ */

static uint64_t hz_from_khz(const struct rootfs *root, const char *file)
{
	unsigned long long khz;

	if (rootfs_read_u64f(root, &khz, CPU_FOLDER "/cpu0/%s", file) ||
	    khz > (unsigned long long)HZ_MAX_GHZ * 1000000)
		return 0;
	return khz * 1000;
}

/*
 * Where the delay loop runs on the counter itself, its BogoMIPS are twice the
 * counter's MHz: x86 with an invariant TSC (arch/x86/kernel/tsc.c: lpj_fine =
 * tsc_khz * 1000 / HZ) and arm64 (arch/arm64/kernel/time.c: lpj_fine =
 * arch_timer_rate / HZ; init/calibrate.c prints lpj / (500000 / HZ)).
 */
static uint64_t hz_from_bogomips(const char *cpuinfo)
{
	char flags[8192], value[64];
	double mips;
	bool x86 = find_value(cpuinfo, "flags", flags, sizeof flags);

	if (x86 && !strstr(flags, "constant_tsc"))
		return 0;
	if (!find_value(cpuinfo, x86 ? "bogomips" : "BogoMIPS", value, sizeof value) ||
	    number_parse_double(value, &mips) || mips <= 0 || mips > HZ_MAX_GHZ * 2e3)
		return 0;
	return (uint64_t)llround(mips * 1e6 / 2);
}

/* The nominal rate that Intel's TSC runs at: "... CPU @ 2.30GHz". */
static uint64_t hz_from_name(const char *model_name)
{
	const char *at = strrchr(model_name, '@');
	double hz;

	if (!at)
		return 0;
	at++;
	at += strspn(at, " ");
	if (unit_parse(QUANTITY_FREQUENCY, at, 1e6, HZ_MAX_GHZ * 1e9, &hz, NULL))
		return 0;
	return (uint64_t)llround(hz);
}

static uint64_t find_tsc_hz(const struct rootfs *root, const char *cpuinfo,
			    const struct cpu_identity *cpu)
{
	uint64_t hz = hz_from_khz(root, "tsc_freq_khz");

	if (!hz)
		hz = hz_from_bogomips(cpuinfo);
	if (!hz)
		hz = hz_from_name(cpu->model_name);
	return hz ? hz : hz_from_khz(root, "cpufreq/base_frequency");
}

int cpu_identify(const struct rootfs *root, struct cpu_identity *cpu, struct error *error)
{
	char *cpuinfo;
	long length = rootfs_read_allf(root, &cpuinfo, "/proc/cpuinfo");
	int result;

	*cpu = (struct cpu_identity){ 0 };
	if (length == -ENOMEM)
		return error_setf(error, ENOMEM, "/proc/cpuinfo: out of memory");
	result = set_names(length < 0 ? "" : cpuinfo, cpu);
	if (!result) {
		count_cpus(root, length < 0 ? "" : cpuinfo, cpu);
		cpu->tsc_hz = find_tsc_hz(root, length < 0 ? "" : cpuinfo, cpu);
	}
	free(cpuinfo);
	if (result)
		cpu_identity_clear(cpu);
	return result ? error_setf(error, ENOMEM, "/proc/cpuinfo: out of memory") : 0;
}
