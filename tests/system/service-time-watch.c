/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-watch DEVICE PATTERN [SEED] - do requests on a block device, with
 * every way to follow them attached side by side, for tests/system/service-time.
 *
 *     sequential random mixed large flush discard    one request after the other
 *     overlap                                        four processes at once
 *     contract                                       lib/probe/service-time itself
 *
 * One line per way: what it counted, and by how much the busy time exceeded the
 * time between two readings at most (0, or it is wrong). Then what the pattern
 * and, for requests and bytes, the kernel's statistics say.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "probe/service-time-driver.h"
#include "probe/service-time.h"

enum {
	BLOCK = 4096,
	BLOCKS = 8192, /* of the device that are used */
	REQUESTS = 2000,
	LARGE = 1 << 20,
	PROCESSES = 4,
};

static char buffer[LARGE] __attribute__((aligned(BLOCK)));

struct expected {
	uint64_t arm, seeks[2]; /* read, write */
};

struct target {
	const char *path;
	int fd;
	dev_t device;
	uint64_t seed;
	struct expected expected;
};

static void die(const char *what)
{
	fprintf(stderr, "service-time-watch: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* splitmix64 */
static uint64_t random_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* --- patterns ------------------------------------------------------------------ */

static void move(struct target *target, bool write, uint64_t at, size_t bytes)
{
	ssize_t done = write ? pwrite(target->fd, buffer, bytes, (off_t)at)
			     : pread(target->fd, buffer, bytes, (off_t)at);

	if (done != (ssize_t)bytes)
		die(target->path);
	if (target->expected.arm != at)
		target->expected.seeks[write]++;
	target->expected.arm = at + bytes;
}

static void sequential(struct target *target)
{
	for (uint64_t i = 0; i < REQUESTS; i++)
		move(target, false, (i + 5) * BLOCK, BLOCK);
}

static void at_random(struct target *target)
{
	for (uint64_t i = 0; i < REQUESTS; i++)
		move(target, false, random_number(&target->seed) % BLOCKS * BLOCK, BLOCK);
}

/* Half of them go on where the one before ended. */
static void mixed(struct target *target)
{
	uint64_t at = 0;

	for (uint64_t i = 0; i < REQUESTS; i++) {
		uint64_t choice = random_number(&target->seed);

		if (choice & 1 || at >= BLOCKS)
			at = (choice >> 8) % BLOCKS;
		move(target, choice & 2, at++ * BLOCK, BLOCK);
	}
}

/* Each is cut into several requests, which lie side by side. */
static void large(struct target *target)
{
	for (uint64_t i = 0; i < 20; i++)
		move(target, i & 1, i * 3 % 16 * LARGE, LARGE);
}

/* Between the flushes a write, or there would be nothing to flush; it goes on behind the last. */
static void flush(struct target *target)
{
	for (uint64_t i = 0; i < 200; i++) {
		move(target, true, i * BLOCK, BLOCK);
		if (fdatasync(target->fd))
			die("fdatasync");
	}
}

static void discard(struct target *target)
{
	for (uint64_t i = 0; i < 200; i++) {
		uint64_t range[2] = { (i * 7 % BLOCKS) * BLOCK, BLOCK };

		if (ioctl(target->fd, BLKDISCARD, range))
			die("BLKDISCARD");
	}
}

static void overlap(struct target *target)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		pid_t child = fork();

		if (child < 0)
			die("fork");
		target->seed += child ? 0 : i * 1000003;
		if (child == 0) {
			at_random(target);
			_exit(0);
		}
	}
}

static const struct pattern {
	const char *name;
	void (*run)(struct target *target);
} patterns[] = {
	{ "sequential", sequential }, { "random", at_random }, { "mixed", mixed },
	{ "large", large },           { "flush", flush },      { "discard", discard },
	{ "overlap", overlap },
};

/* --- ways ------------------------------------------------------------------------ */

static struct way {
	const struct service_driver *driver;
	void *state; /* NULL = not to be had */
	struct disk_service service;
	uint64_t before_ns, busy_ns, excess_ns, readings, gaps;
} ways[] = {
#ifdef VMENERGY_BPF
	{ .driver = &service_time_bpf },
#endif
	{ .driver = &service_time_trace },
};
enum { WAYS = sizeof ways / sizeof ways[0] };

static void open_way(struct way *way, const struct rootfs *root, dev_t device)
{
	struct error error;

	if (way->driver->open(&way->state, root, &error)) {
		printf("%s: none: %s\n", way->driver->name, error.text);
		way->state = NULL;
		return;
	}
	way->service.device = disk_service_device(major(device), minor(device));
	if (way->driver->follow(way->state, &way->service, 1))
		die("follow");
}

/* Between two readings no disk is busy for longer than there is time. */
static void read_way(struct way *way)
{
	uint64_t before_ns = clock_now_ns(), after_ns, busy_ns;

	if (!way->state)
		return;
	way->driver->read(way->state, &way->service, 1);
	after_ns = clock_now_ns();
	busy_ns = way->service.busy_ns;
	if (way->readings++ > 0 && busy_ns > way->busy_ns &&
	    busy_ns - way->busy_ns > after_ns - way->before_ns + way->excess_ns)
		way->excess_ns = busy_ns - way->busy_ns - (after_ns - way->before_ns);
	way->before_ns = before_ns;
	way->busy_ns = busy_ns;
	way->gaps += way->service.gap || !way->service.known;
}

static void print_way(const struct way *way, uint64_t wall_ns)
{
	if (!way->state)
		return;
	printf("%s: read_seeks=%" PRIu64 " write_seeks=%" PRIu64 " bytes=%" PRIu64
	       " busy_us=%" PRIu64 " wall_us=%" PRIu64 " excess_ns=%" PRIu64 " readings=%" PRIu64
	       " gaps=%" PRIu64 "\n",
	       way->driver->name, way->service.read_seeks, way->service.write_seeks,
	       way->service.bytes, way->service.busy_ns / 1000, wall_ns / 1000, way->excess_ns,
	       way->readings, way->gaps);
	way->driver->close(way->state);
}

/* --- running ----------------------------------------------------------------------- */

static void read_ways(void)
{
	for (size_t i = 0; i < WAYS; i++)
		read_way(&ways[i]);
}

struct statistics {
	uint64_t requests, bytes; /* read and written */
};

/* Documentation/block/stat.rst */
static struct statistics read_statistics(const struct rootfs *root, dev_t device)
{
	uint64_t fields[7];
	const char *at;
	char text[512];

	if (rootfs_readf(root, text, sizeof text, "/sys/dev/block/%u:%u/stat", major(device),
			 minor(device)) < 0)
		die("stat");
	at = text;
	for (size_t i = 0; i < 7; i++)
		if (number_scan_u64(&at, &fields[i]))
			die("stat");
	return (struct statistics){ fields[0] + fields[4],
				    (fields[2] + fields[6]) * DISK_SECTOR_BYTES };
}

static int run(struct target *target, const struct pattern *pattern, const struct rootfs *root)
{
	struct statistics now, before = read_statistics(root, target->device);
	uint64_t begin_ns = clock_now_ns();
	int status = 0, failed = 0;

	target->expected.arm = UINT64_MAX;
	for (size_t i = 0; i < WAYS; i++)
		open_way(&ways[i], root, target->device);
	read_ways();
	pattern->run(target);
	while (waitpid(-1, &status, WNOHANG) >= 0) {
		read_ways();
		failed |= status;
		status = 0;
		poll(NULL, 0, 5);
	}
	read_ways();
	for (size_t i = 0; i < WAYS; i++)
		print_way(&ways[i], clock_now_ns() - begin_ns);
	now = read_statistics(root, target->device);
	printf("expected: read_seeks=%" PRIu64 " write_seeks=%" PRIu64 " bytes=%" PRIu64
	       " requests=%" PRIu64 "\n",
	       target->expected.seeks[0], target->expected.seeks[1], now.bytes - before.bytes,
	       now.requests - before.requests);
	return failed ? 1 : 0;
}

/* --- the module as programs use it ---------------------------------------------------- */

static unsigned count_descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void follow_and_print(struct service_time *service_time, struct topology *topology,
			     struct target *target)
{
	struct sample sample = { 0 };
	struct io_reading *io;

	topology->generation++;
	if (service_time_follow(service_time, topology) || sample_prepare(&sample, topology))
		die("follow");
	at_random(target);
	io = &sample.disks[0];
	io->at_ns = clock_now_ns();
	if (service_time_read(service_time, topology, &sample))
		die("read");
	printf("rotational=%d source=(%s) note=(%s) has_service=%d seeks=%d busy=%d "
	       "descriptors=%u\n",
	       topology->disks[0].rotational, service_time_source(service_time) ?: "",
	       service_time_note(service_time) ?: "", io->has_service, io->read_seeks > 0,
	       io->busy_ns > 0, count_descriptors());
	sample_clear(&sample);
}

static int contract(struct target *target, const struct rootfs *root)
{
	static char name[] = "disk", model[] = "";
	struct disk disk = { .name = name, .model = model };
	struct topology topology = { .disks = &disk, .disk_count = 1 };
	struct service_time *service_time;
	struct error error;

	disk.major = major(target->device);
	disk.minor = minor(target->device);
	if (service_time_open(&service_time, root, &error)) {
		fprintf(stderr, "service-time-watch: %s\n", error.text);
		return 1;
	}
	for (int i = 0; i < 3; i++) {
		disk.rotational = i == 1;
		follow_and_print(service_time, &topology, target);
	}
	service_time_close(service_time);
	return 0;
}

static int do_pattern(struct target *target, const char *name, const struct rootfs *root)
{
	if (strcmp(name, "contract") == 0)
		return contract(target, root);
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (strcmp(name, patterns[i].name) == 0)
			return run(target, &patterns[i], root);
	return 2;
}

int main(int argc, char **argv)
{
	struct target target = { .path = argc > 1 ? argv[1] : "" };
	struct rootfs root;
	struct stat status;
	struct error error;
	int result;

	if (argc < 3)
		return 2;
	target.seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
	target.fd = open(target.path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (target.fd < 0 || fstat(target.fd, &status))
		die(target.path);
	target.device = status.st_rdev;
	if (rootfs_open(&root, NULL, &error))
		die("/");
	result = do_pattern(&target, argv[2], &root);
	rootfs_close(&root);
	close(target.fd);
	return result;
}
