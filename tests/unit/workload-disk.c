/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calibrate/workload/workload-disk.h"

static void test_table(void)
{
	size_t count, writes = 0;
	const struct disk_job *table = disk_job_table(&count);

	UNIT_EQUAL_TEXT("idle", table[0].name);
	UNIT_EQUAL_U64(1 + 4 * 7, count);
	for (size_t i = 0; i < count; i++) {
		UNIT_TRUE(disk_job_find(table[i].name) == &table[i]);
		UNIT_TRUE(table[i].writes ==
			  (table[i].pattern && strstr(table[i].pattern, "write") != NULL));
		writes += table[i].writes;
	}
	UNIT_EQUAL_U64(14, writes);
	UNIT_EQUAL_U64(512, disk_job_find("randread-512B")->block_bytes);
	UNIT_EQUAL_U64(1 << 20, disk_job_find("write-1MiB")->block_bytes);
	UNIT_TRUE(disk_job_find("erase") == NULL);
}

static bool has_word(const struct program_arguments *arguments, const char *word)
{
	for (unsigned i = 0; i < arguments->count; i++)
		if (strcmp(arguments->words[i], word) == 0)
			return true;
	return false;
}

static void test_arguments(void)
{
	struct program_arguments arguments = { 0 };
	char path[512], word[600];

	unit_write_file("calibrate-disk-a:b", "12345");
	snprintf(path, sizeof path, "%s/calibrate-disk-a:b", unit_folder());
	snprintf(word, sizeof word, "--filename=%s/calibrate-disk-a\\:b", unit_folder());
	UNIT_EQUAL_I64(0, disk_job_arguments(disk_job_find("randread-4KiB"), path, &arguments));
	UNIT_EQUAL_TEXT("fio", arguments.words[0]);
	UNIT_TRUE(arguments.words[arguments.count] == NULL);
	UNIT_TRUE(has_word(&arguments, "--rw=randread"));
	UNIT_TRUE(has_word(&arguments, "--bs=4096"));
	UNIT_TRUE(has_word(&arguments, "--direct=1"));
	UNIT_TRUE(has_word(&arguments, "--size=5"));
	UNIT_TRUE(has_word(&arguments, "--readonly"));
	UNIT_TRUE(has_word(&arguments, word));
	program_clear(&arguments);
	UNIT_EQUAL_I64(0, disk_job_arguments(disk_job_find("write-4KiB"), path, &arguments));
	UNIT_TRUE(!has_word(&arguments, "--readonly"));
	program_clear(&arguments);
	UNIT_EQUAL_I64(-ENOENT,
		       disk_job_arguments(disk_job_find("write-4KiB"), "/nowhere", &arguments));
	program_clear(&arguments);
}

static int check(const char *job, const char *target, struct error *error)
{
	error->text[0] = '\0';
	return disk_job_check(disk_job_find(job), target, error);
}

/* A stranger's file, whatever is in it, and a link to it under our name. */
static void test_strangers_are_not_written(void)
{
	struct error error;
	char path[512], link[512];
	char text[20000];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	unit_write_file("precious", text);
	snprintf(path, sizeof path, "%s/precious", unit_folder());
	snprintf(link, sizeof link, "%s/calibrate-disk-link", unit_folder());
	UNIT_EQUAL_I64(0, symlink(path, link));
	UNIT_TRUE(check("write-4KiB", path, &error) < 0);
	UNIT_CONTAINS("precious: ", error.text);
	UNIT_TRUE(check("write-4KiB", link, &error) < 0);
	unlink(link);
	UNIT_EQUAL_I64(0, linkat(-1, path, -1, link, 0));
	UNIT_TRUE(check("randwrite-4KiB", link, &error) < 0);
	UNIT_EQUAL_I64(-EINVAL, disk_remove_target(path));
	UNIT_TRUE(check("read-4KiB", unit_folder(), &error) < 0);
	UNIT_TRUE(check("write-4KiB", "/dev/null", &error) < 0);
	UNIT_TRUE(check("read-4KiB", "/nowhere", &error) == -ENOENT);
	UNIT_EQUAL_I64(0, check("idle", path, &error));
	unlink(link);
}

static void test_own_file(void)
{
	struct error error = { "" };
	char path[PATH_MAX];
	struct stat status;

	UNIT_EQUAL_I64(0, disk_create_target(unit_folder(), 3000000, path, &error));
	UNIT_EQUAL_I64(0, stat(path, &status));
	UNIT_EQUAL_I64(3000000, status.st_size);
	UNIT_TRUE(status.st_blocks * 512 >= 3000000);
	/* The folder may lie on a file system that has no direct I/O: then it is that which is
	 * told. */
	if (check("write-1MiB", path, &error))
		UNIT_CONTAINS("direct I/O", error.text);
	UNIT_EQUAL_I64(0, truncate(path, 4096));
	if (check("read-4KiB", path, &error) == -EINVAL && !strstr(error.text, "direct I/O"))
		UNIT_CONTAINS("smaller than two blocks of 4096 bytes", error.text);
	UNIT_EQUAL_I64(0, disk_remove_target(path));
	UNIT_TRUE(stat(path, &status) != 0);
	UNIT_EQUAL_I64(-ENOENT, disk_remove_target(path));
	UNIT_EQUAL_I64(-ENOENT, disk_create_target("/nowhere", 1, path, &error));
}

static void test_start_needs_a_job(void)
{
	struct workload_run run = { .workload = &workload_disk, .disk_job = "erase" };
	struct workload_process *process = NULL;
	struct error error = { "" };
	struct rootfs root;

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, NULL));
	UNIT_EQUAL_I64(-EINVAL, workload_start(&process, &run, &root, &error));
	UNIT_CONTAINS("erase: no such job", error.text);
	run.disk_job = "read-4KiB";
	UNIT_EQUAL_I64(-EINVAL, workload_start(&process, &run, &root, &error));
	run.disk_job = "idle";
	UNIT_EQUAL_I64(0, workload_start(&process, &run, &root, &error));
	UNIT_EQUAL_I64(0, workload_check(process, &error));
	workload_stop(process);
	workload_stop(NULL);
	run = (struct workload_run){ .workload = workload_find("integer"), .threads = 1 << 20 };
	UNIT_EQUAL_I64(-EINVAL, workload_start(&process, &run, &root, &error));
	UNIT_CONTAINS("integer: 1048576 threads, there are", error.text);
	UNIT_TRUE(process == NULL);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("workload-disk",
			{ "jobs of all sizes, patterns and directions", test_table },
			{ "fio gets the job, the file and its size", test_arguments },
			{ "files of strangers, links and devices are not written",
			  test_strangers_are_not_written },
			{ "a file of our own is made in full and removed", test_own_file },
			{ "a workload that cannot start says why", test_start_needs_a_job });
}
