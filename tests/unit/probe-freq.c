/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/freq.h"

#include <math.h>

#include "base/clock.h"
#include "probe/freq-parts.h"
#include "tests/unit/proc-fixture.h"

#define TSC_HZ UINT64_C(2000000000)

/* --- trees ---------------------------------------------------------------- */

/* `cpus` CPUs, spread over `packages` in turns. */
static void add_cpus(unsigned cpus, unsigned packages, const char *flags)
{
	char text[128];

	snprintf(text, sizeof text, "0-%u\n", cpus - 1);
	fixture_write(text, "/sys/devices/system/cpu/online");
	for (unsigned i = 0; i < cpus; i++) {
		snprintf(text, sizeof text, "%u\n", i % packages);
		fixture_write(text, "/sys/devices/system/cpu/cpu%u/topology/physical_package_id",
			      i);
	}
	snprintf(text, sizeof text, "processor\t: 0\nflags\t\t: fpu tsc %s vmx\nbugs\t\t:\n",
		 flags);
	fixture_write(text, "/proc/cpuinfo");
}

static void add_policy(unsigned cpu, const char *affected, const char *file, const char *khz)
{
	fixture_write(affected, "/sys/devices/system/cpu/cpu%u/cpufreq/affected_cpus", cpu);
	fixture_write(khz, "/sys/devices/system/cpu/cpu%u/cpufreq/%s", cpu, file);
}

static void add_chip(unsigned number, const char *name, const char *device)
{
	char text[64], link[64];

	snprintf(text, sizeof text, "%s\n", name);
	fixture_write(text, "/sys/class/hwmon/hwmon%u/name", number);
	snprintf(link, sizeof link, "../../../%s", device);
	if (*device)
		fixture_link(link, "/sys/class/hwmon/hwmon%u/device", number);
}

static void add_input(unsigned chip, unsigned input, const char *label, const char *value)
{
	if (*label)
		fixture_write(label, "/sys/class/hwmon/hwmon%u/temp%u_label", chip, input);
	fixture_write(value, "/sys/class/hwmon/hwmon%u/temp%u_input", chip, input);
}

static void add_zone(unsigned number, const char *type, const char *value)
{
	fixture_write(type, "/sys/class/thermal/thermal_zone%u/type", number);
	fixture_write(value, "/sys/class/thermal/thermal_zone%u/temp", number);
}

/* --- reading --------------------------------------------------------------- */

static struct freq *open_tree(const struct rootfs *root)
{
	struct freq *freq = NULL;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, freq_open(&freq, root, TSC_HZ, true, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return freq;
}

static struct sample read_packages(struct freq *freq, unsigned count)
{
	struct sample sample = { .package_count = count };

	for (unsigned i = 0; i < SAMPLE_PACKAGES_MAX; i++)
		sample.packages[i].temperature_c = NAN;
	freq_read(freq, &sample);
	return sample;
}

/* What a tree gives for `count` packages, opened for this alone. */
static struct sample read_tree(const struct rootfs *root, unsigned count)
{
	unsigned descriptors = unit_count_descriptors();
	struct freq *freq = open_tree(root);
	struct sample sample = read_packages(freq, count);

	freq_close(freq);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
	return sample;
}

static void check_celsius(double first, double second, const struct sample *sample)
{
	UNIT_EQUAL_DOUBLE(first, sample->packages[0].temperature_c, 1e-9);
	UNIT_EQUAL_DOUBLE(second, sample->packages[1].temperature_c, 1e-9);
}

/* --- temperature ----------------------------------------------------------- */

static void test_coretemp(void)
{
	struct rootfs root;
	struct sample sample;

	fixture_begin("coretemp", &root);
	add_cpus(4, 2, "");
	add_chip(0, "nvme", "nvme0");
	add_input(0, 1, "Composite\n", "99000\n");
	add_chip(3, "coretemp", "coretemp.0"); /* numbered as they were found */
	add_input(3, 1, "Package id 0\n", "45000\n");
	add_input(3, 2, "Core 0\n", "90000\n");
	add_chip(1, "coretemp", "coretemp.10");
	add_input(1, 1, "Package id 10\n", "61500\n");
	sample = read_tree(&root, 2);
	check_celsius(45, 61.5, &sample);
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	UNIT_EQUAL_U64(0, sample.tsc_ticks);   /* of this machine, and not of that one */
	add_chip(2, "coretemp", "coretemp.2"); /* one for two dies of each package */
	add_input(2, 1, "Package id 2\n", "48000\n");
	add_chip(4, "coretemp", "coretemp.11");
	add_input(4, 1, "Package id 11\n", "60000\n");
	sample = read_tree(&root, 2);
	check_celsius(48, 61.5, &sample);
	sample = read_tree(&root, 1); /* the machine as one: the hottest */
	check_celsius(61.5, NAN, &sample);
	fixture_remove("/sys/class/hwmon/hwmon4");
	sample = read_tree(&root, 2); /* three for two: nobody knows whose */
	check_celsius(61.5, 61.5, &sample);
	rootfs_close(&root);
}

/* Before there was a sensor of the package: its cores. */
static void test_cores(void)
{
	struct rootfs root;
	struct sample sample;

	fixture_begin("cores", &root);
	add_cpus(2, 1, "");
	add_chip(0, "coretemp", "coretemp.0");
	add_input(0, 2, "Core 0\n", "40000\n");
	add_input(0, 30, "Core 28\n", "43000\n");
	sample = read_tree(&root, 1);
	check_celsius(43, NAN, &sample);
	rootfs_close(&root);
}

static void test_k10temp(void)
{
	struct rootfs root;
	struct sample sample;

	fixture_begin("k10temp", &root);
	add_cpus(2, 2, "");
	add_chip(0, "k10temp", "0000:00:1a.3"); /* hexadecimal: behind 0000:00:18.3 */
	add_input(0, 1, "Tctl\n", "70000\n");
	add_input(0, 3, "Tccd1\n", "95000\n");
	add_chip(1, "k10temp", "0000:00:18.3");
	add_input(1, 1, "Tctl\n", "87000\n");
	add_input(1, 2, "Tdie\n", "60000\n");
	sample = read_tree(&root, 2);
	check_celsius(60, 70, &sample);
	fixture_remove("/sys/class/hwmon");
	add_chip(0, "k10temp", "0000:00:18.3"); /* before Zen: one input without a name */
	add_input(0, 1, "", "-2125\n");
	sample = read_tree(&root, 1);
	check_celsius(-2.125, NAN, &sample);
	rootfs_close(&root);
}

static void test_zones(void)
{
	struct rootfs root;
	struct sample sample;

	fixture_begin("zones", &root);
	add_cpus(2, 2, "");
	sample = read_tree(&root, 2);
	check_celsius(NAN, NAN, &sample);
	add_zone(0, "acpitz\n", "20000\n"); /* the mainboard */
	sample = read_tree(&root, 2);
	check_celsius(NAN, NAN, &sample);
	add_zone(1, "cpu-thermal\n", "55000\n");
	sample = read_tree(&root, 2);
	check_celsius(55, 55, &sample);
	add_zone(12, "x86_pkg_temp\n", "52000\n");
	add_zone(2, "x86_pkg_temp\n", "51000\n");
	sample = read_tree(&root, 2);
	check_celsius(51, 52, &sample);
	add_zone(12, "x86_pkg_temp\n", "\n"); /* not to be read now */
	sample = read_tree(&root, 2);
	check_celsius(51, NAN, &sample);
	rootfs_close(&root);
}

/* --- cpufreq --------------------------------------------------------------- */

static void test_a_wish_is_no_frequency(void)
{
	struct rootfs root;
	struct sample sample;
	struct freq *freq;

	fixture_begin("wish", &root);
	add_cpus(2, 1, "noaperfmperf");
	add_policy(0, "0 1\n", "scaling_cur_freq", "3000000\n");
	freq = open_tree(&root);
	UNIT_TRUE(freq_source(freq) == NULL);
	sample = read_packages(freq, 1);
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	freq_close(freq);
	add_cpus(2, 1, "aperfmperf"); /* here the kernel measures */
	freq = open_tree(&root);
	UNIT_EQUAL_TEXT("cpufreq's scaling_cur_freq", freq_source(freq));
	sample = read_packages(freq, 1);
	UNIT_EQUAL_U64(3000000000, sample.packages[0].frequency_hz);
	freq_close(freq);
	rootfs_close(&root);
}

static void test_the_best_file_is_taken(void)
{
	struct rootfs root;
	struct sample sample;

	fixture_begin("best", &root);
	add_cpus(1, 1, "aperfmperf");
	add_policy(0, "0\n", "cpuinfo_cur_freq", "1000000\n");
	sample = read_tree(&root, 1);
	UNIT_EQUAL_U64(1000000000, sample.packages[0].frequency_hz);
	add_policy(0, "0\n", "scaling_cur_freq", "2000000\n");
	sample = read_tree(&root, 1);
	UNIT_EQUAL_U64(2000000000, sample.packages[0].frequency_hz);
	add_policy(0, "0\n", "cpuinfo_avg_freq", "3000000\n");
	sample = read_tree(&root, 1);
	UNIT_EQUAL_U64(3000000000, sample.packages[0].frequency_hz);
	rootfs_close(&root);
}

/* CPUs 0, 2, 4 on one package, 1, 3, 5 on the other; 3 and 5 share a clock. */
static void add_six(struct rootfs *root, const char *name)
{
	fixture_begin(name, root);
	add_cpus(6, 2, "");
	add_policy(0, "0\n", "cpuinfo_avg_freq", "1000000\n");
	add_policy(2, "2\n", "cpuinfo_avg_freq", "2000000\n");
	add_policy(4, "4\n", "cpuinfo_avg_freq", "\n"); /* idle: the kernel says nothing */
	add_policy(1, "1\n", "cpuinfo_avg_freq", "3000000\n");
	add_policy(3, "3 5\n", "cpuinfo_avg_freq", "1500000\n");
	add_policy(5, "3 5\n", "cpuinfo_avg_freq", "1500000\n");
}

static void test_packages_are_told_apart(void)
{
	struct rootfs root;
	struct sample sample;

	add_six(&root, "six");
	sample = read_tree(&root, 2);
	UNIT_EQUAL_U64(1500000000, sample.packages[0].frequency_hz);
	UNIT_EQUAL_U64(2000000000, sample.packages[1].frequency_hz);
	sample = read_tree(&root, 1); /* the machine as one: (1 + 2 + 3 + 2 * 1.5) / 5 */
	UNIT_EQUAL_U64(1800000000, sample.packages[0].frequency_hz);
	sample = read_tree(&root, 3); /* of another machine */
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	rootfs_close(&root);
}

static void test_cpus_come_and_go(void)
{
	struct rootfs root;
	struct sample sample;
	struct freq *freq;
	unsigned descriptors = unit_count_descriptors();

	add_six(&root, "hotplug");
	freq = open_tree(&root);
	sample = read_packages(freq, 2);
	UNIT_EQUAL_U64(1500000000, sample.packages[0].frequency_hz);
	fixture_write("1-5\n", "/sys/devices/system/cpu/online");
	sample = read_packages(freq, 2);
	UNIT_EQUAL_U64(2000000000, sample.packages[0].frequency_hz);
	fixture_write("1,3,5\n", "/sys/devices/system/cpu/online");
	sample = read_packages(freq, 2); /* a package went: they are no longer two */
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	sample = read_packages(freq, 1);
	UNIT_EQUAL_U64(2000000000, sample.packages[0].frequency_hz);
	freq_close(freq);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
	rootfs_close(&root);
}

static void test_nothing_is_known(void)
{
	struct rootfs root;
	struct sample sample;
	struct freq *freq;

	fixture_begin("nothing", &root);
	freq = open_tree(&root);
	UNIT_TRUE(freq_source(freq) == NULL);
	sample = read_packages(freq, 1);
	UNIT_EQUAL_U64(0, sample.packages[0].frequency_hz);
	UNIT_TRUE(isnan(sample.packages[0].temperature_c));
	freq_close(freq);
	rootfs_close(&root);
}

/* --- this machine ---------------------------------------------------------- */

static void spin(uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;

	while (clock_now_ns() < until)
		;
}

/*
 * A tree where both names stand for the TSC's event of this machine: their ratio
 * is 1, but for an interruption between the two readings, hence some attempts.
 */
static void test_the_ratio_of_two_counters(void)
{
	struct package_cpu cpu = { .cpu = 0, .package = 1 };
	struct packages packages = { .cpus = &cpu, .cpu_count = 1, .package_count = 2 };
	struct rootfs root, real = { unit_literal("") };
	struct kept_files files;
	struct freq_msr msr;
	double hz = 0;
	char type[32], tsc[64];

	if (rootfs_readf(&real, type, sizeof type, "/sys/bus/event_source/devices/msr/type") < 0 ||
	    rootfs_readf(&real, tsc, sizeof tsc, "/sys/bus/event_source/devices/msr/events/tsc") <
		    0) {
		fprintf(stderr, "skipped: no msr PMU\n");
		return;
	}
	fixture_begin("msr", &root);
	fixture_write(type, "/sys/bus/event_source/devices/msr/type");
	fixture_write(tsc, "/sys/bus/event_source/devices/msr/events/mperf");
	fixture_write(tsc, "/sys/bus/event_source/devices/msr/events/aperf");
	kept_files_init(&files, &root);
	UNIT_EQUAL_I64(0, freq_msr_open(&msr, &files, &packages));
	if (msr.count == 0)
		fprintf(stderr, "skipped: no right to count on CPU 0\n");
	for (int attempt = 0; msr.count > 0 && attempt < 20 && fabs(hz / 3e9 - 1) > 0.01;
	     attempt++) {
		struct freq_mean means[2] = { { 0, 0 } };

		spin(5000000);
		freq_msr_read(&msr, 3e9, means);
		UNIT_EQUAL_DOUBLE(0, means[0].weight, 0);
		UNIT_TRUE(means[1].weight > 1e6);
		hz = means[1].sum / means[1].weight;
	}
	if (msr.count > 0)
		UNIT_EQUAL_DOUBLE(3e9, hz, 0.01);
	freq_msr_close(&msr);
	rootfs_close(&root);
}

static void test_a_pmu_without_these_events(void)
{
	struct package_cpu cpu = { .cpu = 0, .package = 0 };
	struct packages packages = { .cpus = &cpu, .cpu_count = 1, .package_count = 1 };
	struct rootfs root;
	struct kept_files files;
	struct freq_msr msr;

	fixture_begin("guest", &root); /* as virtual machines have it */
	fixture_write("10\n", "/sys/bus/event_source/devices/msr/type");
	fixture_write("event=0x00\n", "/sys/bus/event_source/devices/msr/events/tsc");
	kept_files_init(&files, &root);
	UNIT_EQUAL_I64(0, freq_msr_open(&msr, &files, &packages));
	UNIT_EQUAL_U64(0, msr.count);
	freq_msr_close(&msr);
	rootfs_close(&root);
}

static void test_this_machine(void)
{
	struct rootfs root;
	struct freq *freq;
	struct sample first, second;
	unsigned descriptors = unit_count_descriptors();

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, NULL));
	freq = open_tree(&root);
	fprintf(stderr, "frequency: %s\n", freq_source(freq) ? freq_source(freq) : "unknown");
	first = read_packages(freq, 1);
	spin(5000000);
	second = read_packages(freq, 1);
	if (first.tsc_ticks == 0)
		fprintf(stderr, "no steady TSC here\n");
	else
		UNIT_TRUE(second.tsc_ticks > first.tsc_ticks);
	if (!freq_source(freq))
		UNIT_EQUAL_U64(0, second.packages[0].frequency_hz);
	freq_close(freq);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN(
		"probe-freq",
		{ "coretemp: packages in the order of the hardware, the hottest die of each",
		  test_coretemp },
		{ "coretemp without a package: its hottest core", test_cores },
		{ "k10temp: the die before the fan's figure", test_k10temp },
		{ "thermal zones: the CPU's, where there is no sensor", test_zones },
		{ "a governor's wish is no frequency", test_a_wish_is_no_frequency },
		{ "the best of cpufreq's files is taken", test_the_best_file_is_taken },
		{ "packages are told apart, idle CPUs left out", test_packages_are_told_apart },
		{ "CPUs come and go", test_cpus_come_and_go },
		{ "nothing is known where nothing is", test_nothing_is_known },
		{ "model.md 2: frequency is a ratio of two counters",
		  test_the_ratio_of_two_counters },
		{ "a PMU without APERF and MPERF is none", test_a_pmu_without_these_events },
		{ "this machine's counter advances", test_this_machine });
}
