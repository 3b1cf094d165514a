/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/workload-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PREFIX "calibrate-disk-"

enum {
	QUEUE_DEPTH = 8,       /* enough to keep a disk at work without the host waiting */
	PIECE_BYTES = 1 << 20, /* that a file is made of */
	ALIGNMENT = 4096,      /* of memory for direct I/O */
};

const struct workload workload_disk = {
	.name = "disk",
	.sentence = "reads and writes of a disk",
	.kind = WORKLOAD_FIO,
};

#define JOBS_OF(size, bytes)                                                                       \
	{ "read-" size, "read", bytes, false }, { "write-" size, "write", bytes, true },           \
		{ "randread-" size, "randread", bytes, false },                                    \
	{                                                                                          \
		"randwrite-" size, "randwrite", bytes, true                                        \
	}

static const struct disk_job jobs[] = {
	{ "idle", NULL, 0, false },   JOBS_OF("512B", 512),       JOBS_OF("1KiB", 1 << 10),
	JOBS_OF("4KiB", 4 << 10),     JOBS_OF("16KiB", 16 << 10), JOBS_OF("64KiB", 64 << 10),
	JOBS_OF("256KiB", 256 << 10), JOBS_OF("1MiB", 1 << 20),
};

const struct disk_job *disk_job_table(size_t *count)
{
	*count = sizeof jobs / sizeof *jobs;
	return jobs;
}

const struct disk_job *disk_job_find(const char *name)
{
	for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
		if (strcmp(jobs[i].name, name) == 0)
			return &jobs[i];
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool has_our_name(const char *path)
{
	return strncmp(base_name(path), FILE_PREFIX, strlen(FILE_PREFIX)) == 0;
}

/* Direct reads of the job's size, as fio does them: the one sure way to know. */
static int try_read(const struct disk_job *job, int fd, const char *target, struct error *error)
{
	void *block = NULL;
	int result = 0;
	ssize_t bytes;

	if (posix_memalign(&block, ALIGNMENT, job->block_bytes))
		return error_setf(error, ENOMEM, "%s: %s", target, strerrordesc_np(ENOMEM));
	bytes = pread(fd, block, job->block_bytes, job->block_bytes);
	if (bytes < 0)
		result = error_setf(error, errno, "%s: cannot read blocks of %u bytes: %s", target,
				    job->block_bytes, strerrordesc_np(errno));
	else if ((size_t)bytes < job->block_bytes)
		result = error_setf(error, EINVAL, "%s: smaller than two blocks of %u bytes",
				    target, job->block_bytes);
	free(block);
	return result;
}

static int check_kind(const struct disk_job *job, const struct stat *status, const char *target,
		      struct error *error)
{
	bool ours = S_ISREG(status->st_mode) && has_our_name(target) &&
		    status->st_uid == geteuid() && status->st_nlink == 1;

	if (!S_ISREG(status->st_mode) && !S_ISBLK(status->st_mode))
		return error_setf(error, EINVAL, "%s: neither a file nor a disk", target);
	if (job->writes && !ours)
		return error_setf(error, EINVAL,
				  "%s: not a file that was made for this, will not be written",
				  target);
	return 0;
}

int disk_job_check(const struct disk_job *job, const char *target, struct error *error)
{
	struct stat status;
	int fd, result;

	if (!job->pattern)
		return 0;
	fd = open(target, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return error_setf(error, errno, "%s: cannot be opened for direct I/O: %s", target,
				  strerrordesc_np(errno));
	result = fstat(fd, &status)
			 ? error_setf(error, errno, "%s: %s", target, strerrordesc_np(errno))
			 : check_kind(job, &status, target, error);
	if (!result)
		result = try_read(job, fd, target, error);
	close(fd);
	return result;
}

/* Random, for some disks see that blocks are zero or alike, and do less. */
static int fill(int fd, uint64_t bytes)
{
	unsigned char *piece = malloc(PIECE_BYTES);
	int result = piece ? 0 : -ENOMEM;

	while (!result && bytes > 0) {
		size_t want = bytes < PIECE_BYTES ? (size_t)bytes : PIECE_BYTES;
		ssize_t made = getrandom(piece, want, 0);
		ssize_t written = made > 0 ? write(fd, piece, (size_t)made) : made;

		if (written < 0 && errno != EINTR)
			result = -errno;
		else if (written > 0)
			bytes -= (uint64_t)written;
	}
	if (!result && fsync(fd))
		result = -errno;
	free(piece);
	return result;
}

int disk_create_target(const char *folder, uint64_t bytes, char path[PATH_MAX], struct error *error)
{
	int fd, result;

	if (snprintf(path, PATH_MAX, "%s/" FILE_PREFIX "XXXXXX", folder) >= PATH_MAX)
		return error_setf(error, ENAMETOOLONG, "%s: %s", folder,
				  strerrordesc_np(ENAMETOOLONG));
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return error_setf(error, errno, "%s: %s", path, strerrordesc_np(errno));
	result = fill(fd, bytes);
	close(fd);
	if (result) {
		error_setf(error, -result, "%s: %s", path, strerrordesc_np(-result));
		unlink(path);
	}
	return result;
}

int disk_remove_target(const char *path)
{
	struct stat status;

	if (lstat(path, &status))
		return -errno;
	if (!S_ISREG(status.st_mode) || !has_our_name(path))
		return -EINVAL;
	return unlink(path) ? -errno : 0;
}

/* A colon would part two names, were it not escaped. */
static void add_filename(struct program_arguments *arguments, const char *target)
{
	struct text word = { 0 };

	text_add(&word, "--filename=");
	for (; *target; target++) {
		if (*target == ':')
			text_add(&word, "\\");
		text_add_bytes(&word, target, 1);
	}
	arguments->failed |= word.failed;
	if (!word.failed)
		program_add(arguments, word.bytes);
	text_free(&word);
}

int disk_job_arguments(const struct disk_job *job, const char *target,
		       struct program_arguments *arguments)
{
	struct stat status;

	if (stat(target, &status))
		return -errno;
	program_add(arguments, "fio");
	program_addf(arguments, "--name=%s", job->name);
	program_addf(arguments, "--rw=%s", job->pattern);
	program_addf(arguments, "--bs=%u", job->block_bytes);
	program_addf(arguments, "--iodepth=%d", QUEUE_DEPTH);
	add_filename(arguments, target);
	program_add_words(arguments, "--ioengine=libaio --direct=1 --thread --time_based "
				     "--runtime=365d --randrepeat=1 --norandommap "
				     "--allow_file_create=0 --eta=never --output-format=terse");
	if (S_ISREG(status.st_mode))
		program_addf(arguments, "--size=%llu", (unsigned long long)status.st_size);
	if (!job->writes)
		program_add(arguments, "--readonly");
	return arguments->failed ? -ENOMEM : 0;
}
