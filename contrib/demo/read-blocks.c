/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * read-blocks DISK BYTES SECONDS [RATE]
 *
 * A guest's program: reads DISK one block after the other, past its page cache
 * (busybox's dd cannot below a page), in requests of BYTES, at most RATE of them in
 * a second. It waits for each, so they are never merged, and begins again at the
 * end of the disk. Says "guest: read REQUESTS requests, BYTES bytes".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { NS = 1000000000 };

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS + now.tv_nsec;
}

static void wait_until(int64_t at_ns)
{
	struct timespec at = { .tv_sec = at_ns / NS, .tv_nsec = at_ns % NS };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static int fail(const char *what)
{
	printf("guest: failed %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	size_t bytes = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
	int64_t span_ns = argc > 3 ? (int64_t)(strtod(argv[3], NULL) * NS) : 0;
	double rate = argc > 4 ? strtod(argv[4], NULL) : 0;
	int64_t begin_ns = now_ns(), end;
	unsigned long requests = 0;
	off_t at = 0;
	void *block;
	int file;

	if (!bytes || posix_memalign(&block, 4096, bytes) != 0)
		return 2;
	file = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
	end = file < 0 ? -1 : lseek(file, 0, SEEK_END) / (off_t)bytes * (off_t)bytes;
	if (end <= 0)
		return fail(argv[1]);
	while (now_ns() - begin_ns < span_ns) {
		if (pread(file, block, bytes, at) != (ssize_t)bytes)
			return fail("read");
		requests++;
		at = (at + (off_t)bytes) % end;
		if (rate > 0)
			wait_until(begin_ns + (int64_t)((double)requests / rate * NS));
	}
	printf("guest: read %lu requests, %zu bytes\n", requests, requests * bytes);
	return 0;
}
