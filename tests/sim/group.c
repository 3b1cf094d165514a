/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/group.h"

#include <math.h>

enum { QUANTUM_US = 1000, DEFAULT_PERIOD_US = 100000 };

/*
 * What a quota that stays in force gives, in excess of what it says: measured on Linux 6.18
 * (HZ=250), -5..-8 % for periods of 10 ms and less, -1.3..+4.6 % at 20 ms, +1.3..+4.3 % at 100 ms.
 */
static double excess(const struct sim_group *group)
{
	static const struct {
		double period_us, low, high;
	} measured[] = { { 10e3, -.08, -.05 }, { 20e3, -.013, .046 }, { 100e3, .013, .043 } };
	double period_us = fmin(fmax((double)group->real_period_us, 10e3), 100e3);
	unsigned i = period_us < measured[1].period_us ? 0 : 1;
	double part = (period_us - measured[i].period_us) /
		      (measured[i + 1].period_us - measured[i].period_us);
	double low = measured[i].low + part * (measured[i + 1].low - measured[i].low);
	double high = measured[i].high + part * (measured[i + 1].high - measured[i].high);

	return low + group->character * (high - low);
}

static double refill_us(const struct sim_group *group)
{
	return (double)group->real_quota_us * (1 + excess(group));
}

void sim_group_init(struct sim_group *group, double character)
{
	*group = (struct sim_group){ .quota_us = -1,
				     .period_us = DEFAULT_PERIOD_US,
				     .real_quota_us = -1,
				     .real_period_us = DEFAULT_PERIOD_US,
				     .character = character };
}

static void take_effect(struct sim_group *group, uint64_t now_us)
{
	bool was_unlimited = group->real_quota_us < 0;

	group->due_us = 0;
	group->real_quota_us = group->quota_us;
	group->real_period_us = group->period_us;
	if (group->real_quota_us < 0)
		return;
	group->left_us = refill_us(group);
	group->is_throttled = false;
	if (was_unlimited || group->period_end_us > now_us + group->real_period_us)
		group->period_end_us = now_us + group->real_period_us;
}

void sim_group_written(struct sim_group *group, uint64_t now_us, unsigned delay)
{
	group->due_us = now_us + delay * group->period_us;
	if (delay == 0)
		take_effect(group, now_us);
}

static void end_period(struct sim_group *group)
{
	double full_us = refill_us(group);

	/* The kernel's period timer rests while a group does. */
	if (group->used_us > 0 || group->is_throttled) {
		group->periods++;
		group->throttled += group->is_throttled;
	}
	group->left_us = fmin(full_us, fmin(group->left_us, 0) + full_us);
	group->is_throttled = group->left_us <= 0;
	group->used_us = 0;
	group->period_end_us += group->real_period_us;
}

/* Up to the end of the period: whole quanta, the last of which is paid back in the next period. */
static double take(struct sim_group *group, double want_us, double span_us)
{
	double can_us = fmax(0, ceil(group->left_us / QUANTUM_US) * QUANTUM_US);

	if (want_us > can_us) {
		group->is_throttled = true;
		group->throttled_us += span_us * (1 - can_us / want_us);
		want_us = can_us;
	}
	group->left_us -= want_us;
	group->used_us += want_us;
	return want_us;
}

double sim_group_run(struct sim_group *group, uint64_t now_us, uint64_t step_us, double cpus)
{
	uint64_t end_us = now_us + step_us;
	double used_us = 0;

	if (group->due_us && now_us >= group->due_us)
		take_effect(group, now_us);
	if (group->real_quota_us < 0)
		return cpus * (double)step_us;
	while (now_us < end_us) {
		uint64_t until_us = group->period_end_us < end_us ? group->period_end_us : end_us;
		double span_us = until_us > now_us ? (double)(until_us - now_us) : 0;

		used_us += take(group, cpus * span_us, span_us);
		if (until_us == group->period_end_us)
			end_period(group);
		now_us = until_us;
	}
	return used_us;
}
