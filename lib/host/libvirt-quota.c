/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-quota.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

/*
 * Without a quota of the whole, each vCPU has one and the emulator another. A tenth is the
 * emulator's then, since nothing passes on what one does not use.
 */
enum { EMULATOR_PART = 10 };
/* kernel/sched/core.c */
#define QUOTA_MIN_US INT64_C(1000)
enum { PERIOD_MAX_US = 1000000 };
#define QUOTA_UNLIMITED_US INT64_C(17592186044415) /* the largest that libvirt takes */

/* v2's "max" is a very large number to some versions. */
static int64_t usable(int64_t quota_us)
{
	return quota_us <= 0 || quota_us >= QUOTA_UNLIMITED_US ? -1 : quota_us;
}

static int64_t count_of(unsigned vcpus)
{
	return vcpus < 1 ? 1 : vcpus > LIBVIRT_VCPUS_MAX ? LIBVIRT_VCPUS_MAX : vcpus;
}

static int64_t at_least(int64_t value, int64_t least)
{
	return value < least ? least : value;
}

/* The same part of a CPU in a period in which no part of it is too small. */
static struct libvirt_quota lengthen(const struct libvirt_bandwidth *cpu, int64_t count)
{
	/* (need - need / 10) / count >= 1 ms, and need / 10 >= 1 ms */
	int64_t need = at_least(count * QUOTA_MIN_US * EMULATOR_PART / (EMULATOR_PART - 1) + 2,
				QUOTA_MIN_US * EMULATOR_PART);
	double period = (double)cpu->period_us * (double)need / (double)cpu->quota_us;

	if (cpu->quota_us >= need || cpu->period_us >= PERIOD_MAX_US)
		return (struct libvirt_quota){ cpu->quota_us, cpu->period_us };
	period = fmin(ceil(period), PERIOD_MAX_US);
	return (struct libvirt_quota){
		.quota_us = (int64_t)((double)cpu->quota_us * period / (double)cpu->period_us),
		.period_us = (uint64_t)period,
	};
}

void libvirt_quota_split(const struct libvirt_bandwidth *cpu, unsigned vcpus,
			 struct libvirt_quotas *quotas)
{
	int64_t count = count_of(vcpus), each, emulator;
	struct libvirt_quota all;

	quotas->whole = (struct libvirt_quota){ cpu->quota_us, cpu->period_us };
	quotas->vcpu = quotas->emulator = (struct libvirt_quota){ -1, cpu->period_us };
	if (cpu->quota_us <= 0)
		return;
	all = lengthen(cpu, count);
	emulator = at_least(all.quota_us / EMULATOR_PART, QUOTA_MIN_US);
	each = (all.quota_us - emulator) / count;
	if (each < QUOTA_MIN_US) {
		each = QUOTA_MIN_US;
		emulator = at_least(all.quota_us - count * each, QUOTA_MIN_US);
	}
	quotas->vcpu = (struct libvirt_quota){ each, all.period_us };
	quotas->emulator = (struct libvirt_quota){ emulator, all.period_us };
}

/* As libvirt_quota_split() would have it, which rounds what the vCPUs get down. */
static bool is_our_split(int64_t each, int64_t emulator, int64_t count)
{
	int64_t sum = each * count + emulator;

	return each == QUOTA_MIN_US || emulator == QUOTA_MIN_US ||
	       (emulator >= sum / EMULATOR_PART && emulator <= (sum + count - 1) / EMULATOR_PART);
}

/*
 * Over how many vCPUs libvirt_quota_split() has spread these; 0 = it has not. A vCPU that is
 * plugged in gets what the others have, so it may be another number than now. Two equal quotas,
 * which are our split of nine, are rather somebody else's.
 */
static int64_t spread_over(int64_t each, int64_t emulator, int64_t count)
{
	int64_t other = (emulator * (EMULATOR_PART - 1) + each / 2) / each;

	if (is_our_split(each, emulator, count))
		return count;
	return each != emulator && other >= 1 && other <= LIBVIRT_VCPUS_MAX &&
			       is_our_split(each, emulator, other)
		       ? other
		       : 0;
}

int libvirt_quota_join(const struct libvirt_quotas *quotas, unsigned vcpus,
		       struct libvirt_bandwidth *cpu, struct error *error)
{
	const struct libvirt_quota *one = quotas->has_whole ? &quotas->whole : &quotas->vcpu;
	int64_t each = usable(quotas->vcpu.quota_us), count = count_of(vcpus);
	int64_t emulator = usable(quotas->emulator.quota_us), spread = 0;

	*cpu = (struct libvirt_bandwidth){ usable(one->quota_us), one->period_us };
	if (quotas->has_whole || (each < 0 && emulator < 0))
		return 0;
	if (each > 0 && emulator > 0 && quotas->vcpu.period_us == quotas->emulator.period_us)
		spread = spread_over(each, emulator, count);
	if (!spread)
		return error_setf(error, EOPNOTSUPP,
				  "libvirt: has no quota of the whole domain, and somebody has set "
				  "vcpu_quota %" PRId64 " and emulator_quota %" PRId64,
				  each, emulator);
	cpu->quota_us = usable(each * spread + emulator);
	return spread != count;
}
