/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files.h - the plant's cgroup files, as the kernel has them: the refusals of
 * the real ones (quota below 1 ms, period outside 1 ms .. 1 s: EINVAL), EBUSY and writes
 * that get lost, and a count of what was written.
 */
#ifndef VMENERGY_TESTS_SIM_FILES_H
#define VMENERGY_TESTS_SIM_FILES_H

#include "tests/sim/plant.h"
#include "vmenergyd/actuator/actuator.h"

#define SIM_MOUNT_V2 "/sys/fs/cgroup"
#define SIM_MOUNT_CPU "/sys/fs/cgroup/cpu,cpuacct"
#define SIM_MOUNT_BLKIO "/sys/fs/cgroup/blkio"

void sim_files_mounts(const struct sim_plant *plant, struct cgroup_mounts *mounts);
/* Reads and writes through `plant`, which is borrowed. */
struct cgroup_io sim_files_io(struct sim_plant *plant);

/* The limits of a domain as its files say: for comparing with what they were. */
struct sim_limits {
	int64_t quota_us;
	uint64_t period_us, shares;
	uint64_t read_bytes_s, write_bytes_s, read_iops, write_iops;
};
struct sim_limits sim_files_limits(const struct sim_domain *domain);
bool sim_limits_equal(const struct sim_limits *a, const struct sim_limits *b);
/* Somebody else writes: not counted, never refused. */
void sim_files_write_foreign(struct sim_plant *plant, struct sim_domain *domain, int64_t quota_us,
			     uint64_t period_us);

#endif
