/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * workload-disk.h - what a disk is made to do: fio past the page cache, on a file
 * of our own (or reads of a block device that was named outright). Nothing is ever written to
 * anything but a regular file that disk_create_target() made.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_WORKLOAD_DISK_H
#define VMENERGY_CALIBRATE_WORKLOAD_WORKLOAD_DISK_H

#include <limits.h>

#include "calibrate/workload/program.h"
#include "calibrate/workload/workload.h"

struct disk_job {
	const char *name;    /* the group that is held out: "randread-4KiB"; "idle" */
	const char *pattern; /* of fio: "randread"; NULL = idle */
	unsigned block_bytes;
	bool writes;
};

/* All, idle first. */
const struct disk_job *disk_job_table(size_t *count);
const struct disk_job *disk_job_find(const char *name);

/* What the jobs run as; not in workload_table(). */
extern const struct workload workload_disk;

/*
 * Can the job run on this target? 0; -EINVAL or -errno with text: the device cannot do blocks so
 * small, the file system no direct I/O, the target is not a file of ours and would be written.
 */
int disk_job_check(const struct disk_job *job, const char *target, struct error *error);

/*
 * A file of random bytes in `folder`, on the disk that is measured: "calibrate-disk-XXXXXX". On
 * failure nothing is left. 0 or -errno with text.
 */
int disk_create_target(const char *folder, uint64_t bytes, char path[PATH_MAX],
		       struct error *error);
/* Remove such a file; others are left alone (-EINVAL). */
int disk_remove_target(const char *path);

/* For fio, from its name on. disk_job_check() comes first. -ENOMEM or -errno of the target. */
int disk_job_arguments(const struct disk_job *job, const char *target,
		       struct program_arguments *arguments);

#endif
