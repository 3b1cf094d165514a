/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * group.h - a cgroup's CPU bandwidth as the kernel gives it: a pool that is
 * filled to the quota in each period, and by every write of the quota (which is how
 * writes leak power: tg_set_cfs_bandwidth() refills and unthrottles).
 */
#ifndef VMENERGY_TESTS_SIM_GROUP_H
#define VMENERGY_TESTS_SIM_GROUP_H

#include <stdbool.h>
#include <stdint.h>

struct sim_group {
	/* As the files say. */
	int64_t quota_us; /* -1 = unlimited */
	uint64_t period_us;
	uint64_t shares; /* cpu.shares (1024 = default) or cpu.weight (100) */
	/* What the scheduler goes by: the files, a while later. */
	int64_t real_quota_us;
	uint64_t real_period_us;
	uint64_t due_us; /* when a write takes effect; 0 = none waits */
	/* Which of 0..1 this group stands at in what the kernel was measured to give of a quota. */
	double character;
	double left_us; /* of the pool; negative: taken in advance */
	uint64_t period_end_us;
	double used_us; /* in this period */
	bool is_throttled;
	uint64_t periods, throttled;
	double throttled_us;
};

void sim_group_init(struct sim_group *group, double character);
/* A quota was written at now_us, and takes effect after `delay` periods (0 .. 3). */
void sim_group_written(struct sim_group *group, uint64_t now_us, unsigned delay);
/* CPU time that the group uses in the step, asking for `cpus`. */
double sim_group_run(struct sim_group *group, uint64_t now_us, uint64_t step_us, double cpus);

#endif
