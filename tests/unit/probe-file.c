/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What processes ask of files, on this kernel: skipped where BPF is not allowed.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include "probe/file-requests.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { FILES = 2, BYTES = 100 };

static struct {
	struct rootfs root;
	struct file_requests *requests; /* NULL = nothing can be tried */
	struct attachment_file files[FILES];
	int fds[FILES];
} scene;

static void open_scene(void)
{
	struct error error = { "" };
	struct stat status;
	char path[256];

	if (rootfs_open(&scene.root, NULL, &error))
		abort();
	if (file_requests_open(&scene.requests, &scene.root, &error)) {
		UNIT_TRUE(error.text[0] != '\0');
		printf(" (skipped: %s) ", error.text);
		return;
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "%s/file-%d", unit_folder(), i);
		scene.fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (scene.fds[i] < 0 || ftruncate(scene.fds[i], 1 << 20) ||
		    fstat(scene.fds[i], &status))
			abort();
		scene.files[i] = (struct attachment_file){
			.pid = getpid(),
			.major = major(status.st_dev),
			.minor = minor(status.st_dev),
			.inode = status.st_ino,
		};
	}
}

/* Of the first `count` files. */
static bool begin(size_t count)
{
	open_scene();
	if (scene.requests)
		UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, scene.files, count));
	return scene.requests;
}

static void end(void)
{
	for (int i = 0; i < FILES && scene.requests; i++)
		close(scene.fds[i]);
	file_requests_close(scene.requests);
	rootfs_close(&scene.root);
	scene.requests = NULL;
}

/* "READS/BYTES WRITES/BYTES" since the file is watched. */
static void expect(const char *expected, const struct attachment_file *file)
{
	struct io_reading io = { 0 };
	char found[128] = "not watched";

	file_requests_read(scene.requests);
	if (file_requests_find(scene.requests, file, &io)) {
		UNIT_TRUE(io.at_ns > 0 && io.has_requests);
		snprintf(found, sizeof found, "%llu/%llu %llu/%llu",
			 (unsigned long long)io.read_requests, (unsigned long long)io.read_bytes,
			 (unsigned long long)io.write_requests, (unsigned long long)io.write_bytes);
	}
	UNIT_EQUAL_TEXT(expected, found);
}

static void check(bool done)
{
	if (!done) {
		perror("a call");
		abort();
	}
}

static void test_calls(void)
{
	unsigned before = unit_count_descriptors();
	char bytes[BYTES] = { 0 };
	struct iovec parts[2] = { { bytes, 10 }, { bytes, 20 } };
	int fd;

	if (!begin(1))
		return;
	fd = scene.fds[0];
	expect("0/0 0/0", &scene.files[0]);
	check(pread(fd, bytes, BYTES, 0) == BYTES && read(fd, bytes, 1) == 1);
	check(preadv(fd, parts, 2, 0) == 30 && readv(fd, parts, 2) == 30);
	expect("4/161 0/0", &scene.files[0]);
	check(pwrite(fd, bytes, BYTES, 0) == BYTES && write(fd, bytes, 2) == 2);
	check(pwritev(fd, parts, 2, 0) == 30 && pwritev2(fd, parts, 1, 0, 0) == 10);
	expect("4/161 4/142", &scene.files[0]);
	/* What fails asked for nothing, and of a file's end there is as much as there is. */
	check(pread(fd, bytes, BYTES, -1) < 0 && pread(fd, bytes, BYTES, (1 << 20) - 5) == 5);
	expect("5/166 4/142", &scene.files[0]);
	end();
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

static void test_empty(void)
{
	int fd, modes[] = { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
	unsigned done = 0;
	char expected[64];

	if (!begin(1))
		return;
	fd = scene.fds[0];
	check(fsync(fd) == 0 && fdatasync(fd) == 0);
	for (unsigned i = 0; i < 2; i++) /* not each file system has both */
		done += fallocate(fd, modes[i], 0, 4096) == 0;
	check(posix_fallocate(fd, 0, 4096) == 0); /* only makes room */
	snprintf(expected, sizeof expected, "0/0 %u/0", 2 + done);
	expect(expected, &scene.files[0]);
	end();
}

static void test_submit(void)
{
	char bytes[BYTES] = { 0 };
	struct iovec parts[3] = { { bytes, 10 }, { bytes, 20 }, { bytes, 30 } };
	struct iocb blocks[4] = { 0 }, *pointers[4];
	struct io_event events[4];
	aio_context_t context = 0;

	if (!begin(1))
		return;
	for (unsigned i = 0; i < 4; i++) {
		static const uint16_t kinds[] = { IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_PREADV,
						  IOCB_CMD_PWRITEV };

		blocks[i].aio_lio_opcode = kinds[i];
		blocks[i].aio_fildes = (uint32_t)scene.fds[0];
		blocks[i].aio_buf = i < 2 ? (uintptr_t)bytes : (uintptr_t)parts;
		blocks[i].aio_nbytes = i < 2 ? BYTES : 5 - i;
		pointers[i] = &blocks[i];
	}
	if (syscall(SYS_io_setup, 8, &context)) {
		printf(" (skipped: no io_setup(2)) ");
	} else {
		check(syscall(SYS_io_submit, context, 4, pointers) == 4);
		check(syscall(SYS_io_getevents, context, 4, 4, events, NULL) == 4);
		expect("2/160 2/130", &scene.files[0]);
		syscall(SYS_io_destroy, context);
	}
	end();
}

static void *read_some(void *context)
{
	char bytes[BYTES];

	check(pread(*(const int *)context, bytes, BYTES, 0) == BYTES);
	return NULL;
}

/* By whichever thread of the process, and by no other process; of this file, and of no other. */
static void test_whose(void)
{
	pthread_t thread;
	int status;
	pid_t child;

	if (!begin(1))
		return;
	check(!pthread_create(&thread, NULL, read_some, &scene.fds[0]));
	pthread_join(thread, NULL);
	read_some(&scene.fds[1]);
	child = fork();
	if (child == 0) {
		read_some(&scene.fds[0]);
		_exit(0);
	}
	check(waitpid(child, &status, 0) == child && status == 0);
	expect("1/100 0/0", &scene.files[0]);
	expect("not watched", &scene.files[1]);
	end();
}

/* Of another process that is watched, as a service is. */
static void test_another(void)
{
	struct attachment_file file;
	char byte = 0;
	int there[2], back[2];
	pid_t child;

	if (!begin(1))
		return;
	check(pipe(there) == 0 && pipe(back) == 0);
	child = fork();
	if (child == 0) {
		check(read(there[0], &byte, 1) == 1);
		for (int i = 0; i < 40; i++)
			read_some(&scene.fds[0]);
		check(write(back[1], &byte, 1) == 1);
		pause();
	}
	file = scene.files[0];
	file.pid = child;
	UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, &file, 1));
	check(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1);
	expect("40/4000 0/0", &file);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	end();
}

static void test_follow(void)
{
	struct attachment_file twice[2];

	if (!begin(1))
		return;
	read_some(&scene.fds[0]);
	/* One that stays goes on, also where two ask for it; one that is new begins at 0. */
	UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, scene.files, FILES));
	read_some(&scene.fds[0]);
	read_some(&scene.fds[1]);
	expect("2/200 0/0", &scene.files[0]);
	expect("1/100 0/0", &scene.files[1]);
	twice[0] = twice[1] = scene.files[1];
	UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, twice, 2));
	expect("not watched", &scene.files[0]);
	expect("1/100 0/0", &scene.files[1]);
	UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, scene.files, 1));
	expect("0/0 0/0", &scene.files[0]);
	end();
}

static void test_estimate(void)
{
	struct io_reading io;

	if (!begin(0))
		return;
	scene.files[0].is_estimate = true;
	UNIT_EQUAL_I64(0, file_requests_follow(scene.requests, scene.files, FILES));
	for (unsigned i = 0; i < FILES; i++) {
		read_some(&scene.fds[i]);
		file_requests_read(scene.requests);
		UNIT_TRUE(file_requests_find(scene.requests, &scene.files[i], &io));
		UNIT_EQUAL_U64(i == 0 ? QUALITY_ESTIMATE : 0, io.quality);
	}
	/* Nothing more was asked since. */
	UNIT_TRUE(file_requests_find(scene.requests, &scene.files[0], &io));
	UNIT_EQUAL_U64(0, io.quality);
	end();
}

static void test_another_root(void)
{
	struct file_requests *requests = NULL;
	struct error error = { "" };
	struct rootfs root;

	if (rootfs_open(&root, unit_folder(), &error))
		abort();
	UNIT_TRUE(file_requests_open(&requests, &root, &error) < 0);
	UNIT_TRUE(error.text[0] != '\0' && !requests);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("probe-file", { "each call is a request, with its bytes", test_calls },
			{ "flushes and discards are requests without bytes", test_empty },
			{ "what io_submit takes", test_submit },
			{ "a process's file, whichever thread asks", test_whose },
			{ "another process's file", test_another },
			{ "what stays goes on, what is new begins at 0", test_follow },
			{ "what may be the page cache's is marked", test_estimate },
			{ "another root has no kernel", test_another_root });
}
