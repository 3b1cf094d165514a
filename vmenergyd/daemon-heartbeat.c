/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/daemon-heartbeat.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define NS_PER_S 1e9
enum { BOOT_BYTES = 64 };

char *heartbeat_path(const char *socket)
{
	const char *slash = strrchr(socket, '/');
	char *path;

	if (asprintf(&path, "%.*salive", slash ? (int)(slash - socket) + 1 : 0, socket) < 0)
		return NULL;
	return path;
}

/* "-" = the kernel does not say. The clock is of the real machine, and so is this. */
static void read_boot(char boot[BOOT_BYTES])
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || fscanf(file, "%63s", boot) != 1)
		strcpy(boot, "-");
	if (file)
		fclose(file);
}

int heartbeat_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	char line[128], boot[BOOT_BYTES];
	int length, result = 0;

	read_boot(boot);
	length = snprintf(line, sizeof line, "%" PRIu64 " %s\n", clock_read_ns(CLOCK_MONOTONIC),
			  boot);
	/* Written over: who reads meanwhile finds no empty file. */
	if (fd < 0 || pwrite(fd, line, (size_t)length, 0) != length || ftruncate(fd, length))
		result = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	return result;
}

/* CLOCK_MONOTONIC in ns, and which boot's; 0 = the line does not say. */
static uint64_t read_line(const char *path, char boot[BOOT_BYTES])
{
	FILE *file = fopen(path, "re");
	uint64_t then_ns = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%20" SCNu64 " %63s", &then_ns, boot) != 2)
		then_ns = 0;
	fclose(file);
	return then_ns;
}

double heartbeat_age_s(const char *path)
{
	char then_boot[BOOT_BYTES], boot[BOOT_BYTES];
	uint64_t then_ns = read_line(path, then_boot), now_ns = clock_read_ns(CLOCK_MONOTONIC);
	double now_s = (double)clock_read_ns(CLOCK_REALTIME) / NS_PER_S;
	struct stat status;

	read_boot(boot);
	if (then_ns > 0 && strcmp(then_boot, boot) != 0)
		return INFINITY;
	if (then_ns > 0 && then_ns <= now_ns)
		return (double)(now_ns - then_ns) / NS_PER_S;
	if (stat(path, &status) == 0)
		return fabs(now_s - (double)clock_timespec_ns(&status.st_mtim) / NS_PER_S);
	return NAN;
}
