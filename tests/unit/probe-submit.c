/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests of this kernel, counted: skipped where tracefs, a right or a disk is missing.
 *
 * no valgrind: it takes counts that the kernel writes for unset
 */
#include "probe/submit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/storage.h"
#include "tests/unit/unit.h"

enum { BLOCK_BYTES = 16384, BLOCKS = 64 };

/* A file on a disk, past the page cache. */
static struct {
	struct rootfs root;
	int id, fd;
	struct submit_of of; /* of this thread */
	void *block;
	const char *missing; /* why nothing can be tried */
} scene;

static const char *prepare(void)
{
	char path[256];
	struct error error = { "" };
	bool written = true;

	if (rootfs_open(&scene.root, NULL, &error) ||
	    posix_memalign(&scene.block, 4096, BLOCK_BYTES))
		abort();
	memset(scene.block, 0x5a, BLOCK_BYTES);
	scene.id = submit_find(&scene.root, &error);
	if (scene.id < 0) {
		UNIT_TRUE(error.text[0] != '\0');
		return "no tracepoint";
	}
	snprintf(path, sizeof path, "%s/blocks", unit_folder());
	scene.fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (scene.fd < 0 || !storage_asked(&scene.root, 0, path, &scene.of.major, &scene.of.minor))
		return "no disk below the folder";
	for (int i = 0; i < BLOCKS; i++)
		written &= pwrite(scene.fd, scene.block, BLOCK_BYTES, (off_t)i * BLOCK_BYTES) ==
			   BLOCK_BYTES;
	if (!written || fsync(scene.fd))
		abort();
	scene.of.pid = getpid();
	scene.of.tid = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static bool is_skipped(void)
{
	if (scene.missing)
		printf(" (skipped: %s) ", scene.missing);
	return scene.missing;
}

static void move_blocks(int reads, int writes)
{
	for (int i = 0; i < reads; i++)
		UNIT_EQUAL_I64(BLOCK_BYTES, pread(scene.fd, scene.block, BLOCK_BYTES,
						  (off_t)(i % BLOCKS) * BLOCK_BYTES));
	for (int i = 0; i < writes; i++)
		UNIT_EQUAL_I64(BLOCK_BYTES, pwrite(scene.fd, scene.block, BLOCK_BYTES,
						   (off_t)(i % BLOCKS) * BLOCK_BYTES));
}

static void *move_some(void *context)
{
	const int *moves = context;

	move_blocks(moves[0], moves[1]);
	return NULL;
}

static void move_in_thread(int reads, int writes)
{
	int moves[2] = { reads, writes };
	pthread_t thread;

	if (pthread_create(&thread, NULL, move_some, moves))
		abort();
	pthread_join(thread, NULL);
}

static void open_of(struct submit *submit, struct submit_of of)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0, submit_open(submit, &scene.root, scene.id, &of, &error));
	UNIT_EQUAL_TEXT("", error.text);
}

static void expect(uint64_t reads, uint64_t writes, const struct submit *submit)
{
	uint64_t counts[SUBMIT_DIRECTIONS];

	UNIT_EQUAL_I64(0, submit_read(submit, counts));
	UNIT_EQUAL_U64(reads, counts[SUBMIT_READ]);
	UNIT_EQUAL_U64(writes, counts[SUBMIT_WRITE]);
}

static void test_thread(void)
{
	unsigned before = unit_count_descriptors();
	struct submit submit;

	if (is_skipped())
		return;
	open_of(&submit, scene.of);
	expect(0, 0, &submit);
	move_blocks(100, 30);
	expect(100, 30, &submit);
	move_blocks(1, 0);
	expect(101, 30, &submit);
	submit_close(&submit);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

static void test_workers(void)
{
	struct submit submit;

	if (is_skipped())
		return;
	open_of(&submit, scene.of);
	move_in_thread(20, 10);
	move_blocks(5, 0);
	expect(25, 10, &submit);
	submit_close(&submit);
}

static void test_device(void)
{
	struct submit_of of = scene.of;
	struct submit submit;

	if (is_skipped())
		return;
	of.minor++;
	open_of(&submit, of);
	move_blocks(10, 10);
	expect(0, 0, &submit);
	submit_close(&submit);
}

/* One byte to the other side: go on. */
static void wait_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		abort();
}

static void *move_when_told(void *context)
{
	const int *pipe = context;

	wait_byte(pipe[0]);
	move_blocks(40, 20);
	return NULL;
}

/* Those that were there, those that came, and those that have ended since. */
static void test_process(void)
{
	struct submit_of of = scene.of;
	struct submit submit;
	pthread_t thread;
	int ends[2];

	if (is_skipped())
		return;
	if (pipe2(ends, O_CLOEXEC) || pthread_create(&thread, NULL, move_when_told, ends))
		abort();
	of.tid = 0;
	open_of(&submit, of);
	if (write(ends[1], "", 1) != 1)
		abort();
	pthread_join(thread, NULL);
	move_in_thread(3, 2);
	move_blocks(2, 1);
	expect(45, 23, &submit);
	submit_close(&submit);
	close(ends[0]);
	close(ends[1]);
}

/* What the disk is told besides transfers is a write; where it has no cache there is no flush. */
static void test_flush(void)
{
	uint64_t counts[SUBMIT_DIRECTIONS];
	struct submit submit;

	if (is_skipped())
		return;
	open_of(&submit, scene.of);
	move_blocks(0, 1);
	UNIT_EQUAL_I64(0, fdatasync(scene.fd));
	UNIT_EQUAL_I64(0, submit_read(&submit, counts));
	UNIT_EQUAL_U64(0, counts[SUBMIT_READ]);
	UNIT_TRUE(counts[SUBMIT_WRITE] >= 1);
	submit_close(&submit);
}

static void test_nobody(void)
{
	struct error error = { "" };
	struct submit_of of = { .pid = 0x7fffffff, .tid = 0x7fffffff, .major = 1 };
	struct submit submit;
	struct rootfs other;

	if (!is_skipped()) {
		UNIT_EQUAL_I64(-ESRCH, submit_open(&submit, &scene.root, scene.id, &of, &error));
		UNIT_TRUE(error.text[0] != '\0');
		of.tid = 0;
		UNIT_EQUAL_I64(-ESRCH, submit_open(&submit, &scene.root, scene.id, &of, &error));
		UNIT_EQUAL_U64(0, submit.count);
	}
	UNIT_EQUAL_I64(0, rootfs_open(&other, unit_folder(), &error));
	UNIT_EQUAL_I64(-EOPNOTSUPP, submit_find(&other, &error));
	rootfs_close(&other);
}

int main(void)
{
	int status;

	scene.fd = -1;
	scene.missing = prepare();
	status =
		UNIT_RUN("probe-submit",
			 { "each request of a thread counts, reads and writes apart", test_thread },
			 { "workers that it makes count with it", test_workers },
			 { "requests to another device do not count", test_device },
			 { "of a process all threads count", test_process },
			 { "a flush is a write", test_flush },
			 { "there is a reason when nobody can be followed", test_nobody });
	if (scene.fd >= 0)
		close(scene.fd);
	free(scene.block);
	rootfs_close(&scene.root);
	return status;
}
