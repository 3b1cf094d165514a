/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * disk.h - a disk's constants from runs of reads and writes (model.md 3), pure:
 *
 *   P = P_idle + P_delta * (reads * t_read + read_bytes / rate_read + the same of writes)
 *
 * fitted to power, so that times are energy-equivalent; P_active - P_idle is the
 * power at saturation, where the sum of times reaches one.
 */
#ifndef VMENERGY_CALIBRATE_FIT_DISK_H
#define VMENERGY_CALIBRATE_FIT_DISK_H

#include "base/error.h"
#include "calibrate/fit/fit.h"

/* One measured stretch. All per second. */
struct disk_run {
	double power_w; /* of the machine or of the disk's supply, less what the CPU explains */
	double reads, writes, read_bytes, write_bytes;
	double busy;          /* 0..1 of the time that a request was under way; NaN = unknown */
	const char *workload; /* "randread-4KiB": what is held out */
};

struct disk_fit {
	struct disk_constants constants; /* of weights.h, standard errors included */
	bool has_read, has_write;
	double r2; /* part of the squared power above idle that is explained */
	double mape_percent, lowo_mape_percent; /* of power */
	enum verdict verdict;
	struct error_list warnings; /* throughput does not explain power: garbage collection, ... */
};

/* 0, -EINVAL with text (no idle run nor one that comes near, nothing read or written), -ENOMEM.
 * disk_fit_clear() after 0. A workload NULL in all runs: blocks of runs are held out. */
int disk_fit_solve(const struct disk_run *runs, size_t count, struct disk_fit *fit,
		   struct error *error);
void disk_fit_clear(struct disk_fit *fit);

#endif
