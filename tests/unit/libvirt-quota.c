/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-quota.h"

#include <errno.h>
#include <math.h>

#include "tests/unit/unit.h"

static double cpus_of(const struct libvirt_quota *quota)
{
	return (double)quota->quota_us / (double)quota->period_us;
}

static double cpus_of_all(const struct libvirt_quotas *quotas, unsigned vcpus)
{
	return cpus_of(&quotas->vcpu) * vcpus + cpus_of(&quotas->emulator);
}

static void test_small(void)
{
	const struct libvirt_bandwidth cpu = { 5000, 20000 };
	struct libvirt_quotas quotas = { .has_whole = false };
	struct libvirt_bandwidth back;
	struct error error = { "" };

	libvirt_quota_split(&cpu, 8, &quotas);
	UNIT_EQUAL_I64(1000, quotas.emulator.quota_us);
	UNIT_EQUAL_I64(1125, quotas.vcpu.quota_us);
	UNIT_EQUAL_U64(40000, quotas.vcpu.period_us);
	UNIT_EQUAL_U64(40000, quotas.emulator.period_us);
	UNIT_EQUAL_I64(0, libvirt_quota_join(&quotas, 8, &back, &error));
	UNIT_EQUAL_I64(10000, back.quota_us);
	UNIT_EQUAL_U64(40000, back.period_us);
}

/* Not above what was asked for, and what was written can be read, and put back. */
static void test_any(void)
{
	uint64_t seed = 20;

	printf("seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < unit_rounds(20000); i++) {
		unsigned vcpus = 1 + (unsigned)(unit_random(&seed) % 512);
		struct libvirt_bandwidth cpu = {
			.quota_us = 1000 + (int64_t)(unit_random(&seed) % 2000000),
			.period_us = 1000 + unit_random(&seed) % 999001,
		};
		struct libvirt_quotas quotas = { .has_whole = false };
		struct libvirt_bandwidth back = { 0, 0 };
		struct error error = { "" };
		double wanted = (double)cpu.quota_us / (double)cpu.period_us, got;
		/* The least that the kernel takes: 1 ms in 1 s each. */
		double least = (vcpus + 1) * 0.001;

		libvirt_quota_split(&cpu, vcpus, &quotas);
		got = cpus_of_all(&quotas, vcpus);
		if (got > fmax(wanted, least) * (1 + 1e-9) || got < wanted * 0.98 ||
		    quotas.vcpu.quota_us < 1000 || quotas.emulator.quota_us < 1000 ||
		    quotas.vcpu.period_us > 1000000) {
			printf("%lld/%llu us for %u vCPUs: wanted %.6f CPUs, got %.6f\n",
			       (long long)cpu.quota_us, (unsigned long long)cpu.period_us, vcpus,
			       wanted, got);
			CU_FAIL("wrong split");
		}
		UNIT_EQUAL_I64(0, libvirt_quota_join(&quotas, vcpus, &back, &error));
		UNIT_EQUAL_TEXT("", error.text);
	}
}

static int join(const struct libvirt_quotas *quotas, unsigned vcpus, int64_t *quota_us)
{
	struct libvirt_bandwidth cpu = { 0, 0 };
	struct error error = { "" };
	int result = libvirt_quota_join(quotas, vcpus, &cpu, &error);

	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(quotas->vcpu.period_us, cpu.period_us);
	*quota_us = cpu.quota_us;
	return result;
}

/* What we wrote is known as ours, so that it can be renewed, and taken back. */
static void test_hotplug(void)
{
	uint64_t seed = 6;

	printf("seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < unit_rounds(20000); i++) {
		unsigned before = 1 + (unsigned)(unit_random(&seed) % 64);
		unsigned after = 1 + (unsigned)(unit_random(&seed) % 64);
		/* Large enough to be split without longer periods. */
		struct libvirt_bandwidth cpu = {
			.quota_us = 100000 + (int64_t)(unit_random(&seed) % 2000000),
			.period_us = 100000,
		};
		struct libvirt_quotas quotas = { .has_whole = false };
		int64_t written, read;

		libvirt_quota_split(&cpu, before, &quotas);
		if (quotas.vcpu.quota_us == quotas.emulator.quota_us)
			continue; /* of nine vCPUs: told from equal quotas of others by their number
				   */
		UNIT_EQUAL_I64(0, join(&quotas, before, &written));
		UNIT_EQUAL_I64(before != after, join(&quotas, after, &read));
		UNIT_EQUAL_I64(written, read);
	}
}

static void test_whole(void)
{
	struct libvirt_quotas quotas = { .has_whole = true,
					 .whole = { 5000, 20000 },
					 .vcpu = { 50000, 100000 },
					 .emulator = { -1, 100000 } };
	struct libvirt_bandwidth cpu;
	struct error error = { "" };

	/* What vCPUs have stays as it is, and holds beside it. */
	UNIT_EQUAL_I64(0, libvirt_quota_join(&quotas, 8, &cpu, &error));
	UNIT_EQUAL_I64(5000, cpu.quota_us);
	UNIT_EQUAL_U64(20000, cpu.period_us);
	quotas.whole.quota_us = INT64_C(18446744073709551);
	UNIT_EQUAL_I64(0, libvirt_quota_join(&quotas, 8, &cpu, &error));
	UNIT_EQUAL_I64(-1, cpu.quota_us);
}

static void expect_refused(int64_t vcpu_us, uint64_t vcpu_period_us, int64_t emulator_us)
{
	const struct libvirt_quotas quotas = { .vcpu = { vcpu_us, vcpu_period_us },
					       .emulator = { emulator_us, 100000 } };
	struct libvirt_bandwidth cpu;
	struct error error = { "" };

	UNIT_EQUAL_I64(-EOPNOTSUPP, libvirt_quota_join(&quotas, 4, &cpu, &error));
	UNIT_CONTAINS("somebody has set vcpu_quota", error.text);
}

static void test_of_others(void)
{
	const struct libvirt_quotas none = { .vcpu = { -1, 100000 }, .emulator = { 0, 100000 } };
	struct libvirt_bandwidth cpu;

	expect_refused(50000, 100000, -1);
	expect_refused(-1, 100000, 50000);
	expect_refused(50000, 100000, 50000);
	expect_refused(9000, 90000, 4000);
	expect_refused(50000, 100000, 70000);
	UNIT_EQUAL_I64(0, libvirt_quota_join(&none, 4, &cpu, NULL));
	UNIT_EQUAL_I64(-1, cpu.quota_us);
}

static void test_large(void)
{
	const struct libvirt_quotas quotas = { .vcpu = { INT64_MAX, 100000 },
					       .emulator = { INT64_MAX - 1, 100000 } };
	struct libvirt_quotas ours = { .has_whole = false };
	struct libvirt_bandwidth cpu;

	UNIT_EQUAL_I64(0, libvirt_quota_join(&quotas, 4294967295U, &cpu, NULL));
	UNIT_EQUAL_I64(-1, cpu.quota_us);
	libvirt_quota_split(&(struct libvirt_bandwidth){ -1, 100000 }, 0, &ours);
	UNIT_EQUAL_I64(-1, ours.vcpu.quota_us);
	UNIT_EQUAL_I64(-1, ours.emulator.quota_us);
}

int main(void)
{
	return UNIT_RUN(
		"libvirt-quota", { "5 ms for 8 vCPUs stay 5 ms, in a longer period", test_small },
		{ "no split exceeds what it is made of", test_any },
		{ "what was split for other vCPUs is known, and to be renewed", test_hotplug },
		{ "a quota of the whole is taken as it is", test_whole },
		{ "what could not be put back is not taken over", test_of_others },
		{ "numbers without bounds are no limits", test_large });
}
