/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disk-runs.h - runs of reads and writes: of a trace, or measured here; and what comes of them. */
#ifndef VMENERGY_CALIBRATE_DISK_RUNS_H
#define VMENERGY_CALIBRATE_DISK_RUNS_H

#include "calibrate/fit/disk.h"
#include "calibrate/setup.h"
#include "calibrate/workload/workload-disk.h"
#include "model/trace.h"
#include "model/weights.h"

struct disk_runs {
	struct disk_run *items; /* owned, and each one's workload */
	size_t count, capacity;
};
void disk_runs_clear(struct disk_runs *runs);
/* With a copy of the name. -ENOMEM. */
int disk_runs_add(struct disk_runs *runs, const struct disk_run *run);

/* disk-trace.c: columns reads, read_bytes, ..., or MiB/s and KiB of a request, which may be what
 * the groups were made of. -EINVAL with text. */
int disk_runs_of_trace(const struct trace *trace, bool sizes_are_groups, struct disk_runs *runs,
		       struct error *error);
#define DISK_REQUEST_COLUMN "request_kib"

/* disk-live.c */
struct disk_live {
	const struct setup_options *setup;
	const char *device; /* "sda" */
	const char *folder; /* on it; NULL: only reads of the device itself */
	uint64_t file_bytes;
	double idle_w; /* of the disk; NaN: the meter measures it alone */
	bool is_rotational;
};
/* model.md 3: a rotating disk has no overhead for requests that lie beside one another, so that
 * those of a sequential job are none. */
void disk_run_contiguous(struct disk_run *run, const struct disk_job *job, bool is_rotational);
/* Run jobs and fill runs, about (who and what) and notes. 0 or -errno with text. */
int disk_runs_measure(const struct disk_live *live, struct disk_runs *runs,
		      struct trace_about *about, struct error_list *notes, struct error *error);
/* Take away what time on CPUs explains; busy_cpus is parallel to the runs. */
int disk_runs_remove_cpu(struct disk_runs *runs, const double *busy_cpus, double *watts_per_cpu,
			 struct error *error);

/* disk-show.c */
struct disk_result {
	const struct disk_fit *fit;
	size_t rows;
	bool emulated;
};
void disk_show_text(const struct disk_result *result, struct text *out);
int disk_show_json(const struct disk_result *result, struct text *out, struct error *error);

/* disk-weights.c */
struct disk_weights {
	const struct disk_fit *fit;
	const struct trace_about *about;
	const char *name, *model; /* NULL = not stated */
	int rotational;           /* 0, 1 or MATCH_ANY */
	const char *source, *command;
	size_t rows;
};
/* 0 and *weights, owned by the caller; -EINVAL with text; -ENOMEM. */
int disk_weights_make(const struct disk_weights *make, struct weights **weights,
		      struct error *error);
/* Does this scope hold the machine, too? Then the disk's idle power cannot be seen. */
bool disk_scope_is_machine(const struct trace_about *about);

#endif
