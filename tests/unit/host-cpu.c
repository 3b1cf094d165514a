/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cpu.h"
#include "tests/unit/proc-fixture.h"

static void add_cpu(unsigned number, const char *package, const char *siblings)
{
	fixture_write(package, "/sys/devices/system/cpu/cpu%u/topology/physical_package_id",
		      number);
	fixture_write(siblings, "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		      number);
}

static void test_xeon(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	fixture_begin("xeon", &root);
	fixture_write("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n"
		      "model name\t: Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz\nstepping\t: 4\n"
		      "cpu MHz\t\t: 1000.123\nflags\t\t: fpu tsc constant_tsc\n"
		      "bogomips\t: 4190.16\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\n",
		      "/proc/cpuinfo");
	fixture_write("0-7\n", "/sys/devices/system/cpu/present");
	for (unsigned i = 0; i < 4; i++) /* 4..7 are off line: SMT was switched off */
		add_cpu(i, i < 2 ? "0\n" : "1\n", (const char *[]){ "0", "1", "2", "3" }[i]);
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_TEXT("GenuineIntel", cpu.vendor);
	UNIT_EQUAL_TEXT("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", cpu.model_name);
	UNIT_EQUAL_U64(6, cpu.family);
	UNIT_EQUAL_U64(85, cpu.model);
	UNIT_EQUAL_U64(4, cpu.stepping);
	UNIT_EQUAL_U64(8, cpu.cpus);
	UNIT_EQUAL_U64(4, cpu.cores);
	UNIT_EQUAL_U64(2, cpu.chips);
	UNIT_EQUAL_U64(2095080000, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	fixture_write("2095078\n", "/sys/devices/system/cpu/cpu0/tsc_freq_khz");
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_U64(2095078000, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

/* Its TSC changes with the frequency: only the nominal rate is meant. */
static void test_old_cpu(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	fixture_begin("old", &root);
	fixture_write("processor\t: 0\nvendor_id\t: GenuineIntel\n"
		      "model name\t: Intel(R) Core(TM)2 CPU 6600  @ 2.40GHz\nflags\t\t: fpu tsc\n"
		      "bogomips\t: 3200.00\n",
		      "/proc/cpuinfo");
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_U64(2400000000u, cpu.tsc_hz);
	UNIT_EQUAL_U64(1, cpu.cpus);
	UNIT_EQUAL_U64(0, cpu.chips);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

static void test_amd_smt(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	fixture_begin("amd", &root);
	fixture_write("vendor_id\t: AuthenticAMD\ncpu family\t: 23\nmodel\t\t: 49\n"
		      "model name\t: AMD EPYC 7502 32-Core Processor\nstepping\t: 0\n",
		      "/proc/cpuinfo");
	fixture_write("0-1,4-5\n", "/sys/devices/system/cpu/present");
	add_cpu(0, "-1\n", "0,4\n");
	add_cpu(1, "-1\n", "1,5\n");
	add_cpu(4, "-1\n", "0,4\n");
	add_cpu(5, "-1\n", "1,5\n");
	fixture_write("2500000\n", "/sys/devices/system/cpu/cpu0/cpufreq/base_frequency");
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_U64(4, cpu.cpus);
	UNIT_EQUAL_U64(2, cpu.cores);
	UNIT_EQUAL_U64(1, cpu.chips);
	UNIT_EQUAL_U64(2500000000u, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

static void test_arm(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	fixture_begin("arm", &root);
	fixture_write("processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd\n"
		      "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x1\n"
		      "CPU part\t: 0xd08\nCPU revision\t: 3\n\nModel\t\t: Raspberry Pi 4\n",
		      "/proc/cpuinfo");
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_TEXT("ARM", cpu.vendor);
	UNIT_EQUAL_TEXT("Raspberry Pi 4", cpu.model_name);
	UNIT_EQUAL_U64(8, cpu.family);
	UNIT_EQUAL_U64(0xd08, cpu.model);
	UNIT_EQUAL_U64(0x13, cpu.stepping);
	UNIT_EQUAL_U64(54000000, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

static void test_nothing(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	fixture_begin("nothing", &root);
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_TEXT("", cpu.vendor);
	UNIT_EQUAL_TEXT("", cpu.model_name);
	UNIT_EQUAL_U64(0, cpu.cpus);
	UNIT_EQUAL_U64(0, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	fixture_write("5-3\n", "/sys/devices/system/cpu/present");
	fixture_write("bogomips\t: 9e99\nflags\t\t: constant_tsc\nmodel name\t: x @ 9PHz\n"
		      "model\t\t: 99999999999\n",
		      "/proc/cpuinfo");
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_EQUAL_U64(0, cpu.cpus);
	UNIT_EQUAL_U64(0, cpu.model);
	UNIT_EQUAL_U64(0, cpu.tsc_hz);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

static void test_this_machine(void)
{
	struct cpu_identity cpu;
	struct rootfs root;

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, NULL));
	UNIT_EQUAL_I64(0, cpu_identify(&root, &cpu, NULL));
	UNIT_TRUE(cpu.cpus >= (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	UNIT_TRUE(cpu.cores <= cpu.cpus);
	cpu_identity_clear(&cpu);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("host-cpu",
			{ "a Xeon with SMT off keeps its CPUs (model.md 2)", test_xeon },
			{ "without an invariant TSC the nominal rate counts", test_old_cpu },
			{ "siblings are one core, package -1 is one chip", test_amd_smt },
			{ "Arm is known by its part", test_arm },
			{ "what is absent or absurd is unknown", test_nothing },
			{ "this machine has as many CPUs as it runs on", test_this_machine });
}
