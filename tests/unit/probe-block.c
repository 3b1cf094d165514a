/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/block.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { SDA, SDB, DISKS };

static char none[] = "";
static char group_a[] = "/machine/a";

/* Two disks and one domain, whose vDISK leads to the first of them. */
struct scene {
	struct rootfs root;
	struct block *block;
	struct topology topology;
	struct disk disks[DISKS];
	struct domain domain;
	struct vdisk vdisk;
	size_t leaf;
	struct sample sample;
};

static void scene_open(struct scene *scene, const char *folder)
{
	struct error error = { "" };
	char path[512];

	*scene = (struct scene){ 0 };
	snprintf(path, sizeof path, "%s/%s", unit_folder(), folder ? folder : "");
	if (rootfs_open(&scene->root, folder ? path : NULL, &error) ||
	    block_open(&scene->block, &scene->root, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	scene->disks[SDA] = (struct disk){ .name = none, .model = none, .major = 8, .minor = 0 };
	scene->disks[SDB] = (struct disk){ .name = none, .model = none, .major = 8, .minor = 16 };
	scene->topology.disks = scene->disks;
	scene->topology.disk_count = DISKS;
	scene->vdisk = (struct vdisk){ .name = none, .source = none, .leaves = &scene->leaf };
	scene->vdisk.leaf_count = 1;
	scene->domain = (struct domain){ .id = none, .name = none, .pid = 100 };
	scene->domain.cgroup = group_a;
	scene->domain.vdisks = &scene->vdisk;
	scene->domain.vdisk_count = 1;
	scene->topology.domains = &scene->domain;
	scene->topology.domain_count = 1;
}

static void scene_follow(struct scene *scene)
{
	scene->topology.generation++;
	UNIT_EQUAL_I64(0, block_follow(scene->block, &scene->topology));
}

static void scene_read(struct scene *scene)
{
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, block_read_issued(scene->block, &scene->topology, &scene->sample));
	UNIT_EQUAL_I64(0, block_read_leaves(scene->block, &scene->topology, &scene->sample));
}

static void scene_close(struct scene *scene)
{
	sample_clear(&scene->sample);
	block_close(scene->block);
	rootfs_close(&scene->root);
}

static void check_io(const struct io_reading *expected, const struct io_reading *io)
{
	UNIT_TRUE(io->at_ns > 0);
	UNIT_EQUAL_U64(0, io->quality);
	UNIT_EQUAL_U64(expected->has_requests, io->has_requests);
	UNIT_EQUAL_U64(expected->read_bytes, io->read_bytes);
	UNIT_EQUAL_U64(expected->write_bytes, io->write_bytes);
	UNIT_EQUAL_U64(expected->read_requests, io->read_requests);
	UNIT_EQUAL_U64(expected->write_requests, io->write_requests);
}

static void check_issued(const struct scene *scene, size_t index, int disk,
			 struct io_reading expected)
{
	expected.has_requests = disk != ISSUED_ANY_DISK;
	if (index >= scene->sample.issued_count) {
		fprintf(stderr, "\nonly %zu entries\n", scene->sample.issued_count);
		UNIT_TRUE(0);
		return;
	}
	UNIT_EQUAL_U64(0, scene->sample.issued[index].domain);
	UNIT_EQUAL_I64(disk, scene->sample.issued[index].disk);
	check_io(&expected, &scene->sample.issued[index].io);
}

static void write_common(void)
{
	unit_write_file("b/sys/dev/block/8:0/stat",
			" 100 1 2000 3 400 5 6000 7 0 8 9 10 11 12 13 14 15\n");
	unit_write_file("b/proc/100/io",
			"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\n"
			"write_bytes: 8192\ncancelled_write_bytes: 77\n");
}

/* v1, with the names that this kernel has; `counted` is what the root says. */
static void write_v1(const char *form, const char *counted, const char *bytes, const char *requests)
{
	char path[256];

	write_common();
	unit_write_file("b/proc/self/mountinfo",
			"38 31 0:35 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n");
	snprintf(path, sizeof path, "b/sys/fs/cgroup/blkio/blkio.throttle.io_service_bytes%s",
		 form);
	unit_write_file(path, counted);
	snprintf(path, sizeof path, "b/sys/fs/cgroup/blkio/blkio.throttle.io_serviced%s", form);
	unit_write_file(path, counted);
	snprintf(path, sizeof path,
		 "b/sys/fs/cgroup/blkio/machine/a/blkio.throttle.io_service_bytes%s", form);
	unit_write_file(path, bytes);
	snprintf(path, sizeof path, "b/sys/fs/cgroup/blkio/machine/a/blkio.throttle.io_serviced%s",
		 form);
	unit_write_file(path, requests);
}

static void remove_group_file(const char *name)
{
	char full[512];

	snprintf(full, sizeof full, "%s/b/sys/fs/cgroup/blkio/%s", unit_folder(), name);
	if (remove(full))
		perror(full);
}

static void remove_v1(const char *form)
{
	static const char *const stems[] = { "blkio.throttle.io_service_bytes",
					     "blkio.throttle.io_serviced",
					     "machine/a/blkio.throttle.io_service_bytes",
					     "machine/a/blkio.throttle.io_serviced" };
	char name[256];

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%s%s", stems[i], form);
		remove_group_file(name);
	}
}

#define BOTH_COUNTED "8:0 Read 9\n8:0 Total 9\n8:16 Read 9\n8:16 Total 9\nTotal 18\n"

static void test_v1_names_leaves_alone(void)
{
	struct scene scene;

	/* 252:0 is a dm device above 8:16. */
	write_v1("_recursive", BOTH_COUNTED,
		 "8:16 Read 1000\n8:16 Write 500\n8:16 Sync 1500\n8:16 Async 0\n"
		 "8:16 Discard 7\n8:16 Total 1507\n252:0 Read 1000\n252:0 Write 500\nTotal 3007\n",
		 "8:16 Read 10\n8:16 Write 5\n8:16 Discard 2\n8:16 Total 17\nTotal 17\n");
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(2, scene.sample.issued_count);
	check_issued(&scene, 0, SDA, (struct io_reading){ 0 });
	/* Discards are requests, and no bytes. */
	check_issued(&scene, 1, SDB,
		     (struct io_reading){ .read_bytes = 1000,
					  .write_bytes = 500,
					  .read_requests = 10,
					  .write_requests = 7 });
	scene_close(&scene);
	remove_v1("_recursive");
}

static void test_v1_without_the_recursive_form(void)
{
	struct scene scene;

	write_v1("", BOTH_COUNTED, "8:0 Read 3\n8:0 Write 0\nTotal 3\n", "8:0 Read 1\nTotal 1\n");
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(1, scene.sample.issued_count);
	check_issued(&scene, 0, SDA, (struct io_reading){ .read_bytes = 3, .read_requests = 1 });
	scene_close(&scene);
	remove_v1("");
}

/* Nobody throttled the disk yet: that the group does not name it says nothing. */
static void test_v1_that_does_not_count_is_no_zero(void)
{
	const struct io_reading process = { .read_bytes = 4096, .write_bytes = 8192 };
	struct scene scene;

	write_v1("_recursive", "8:16 Read 9\nTotal 9\n", "Total 0\n", "Total 0\n");
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(1, scene.sample.issued_count);
	check_issued(&scene, 0, ISSUED_ANY_DISK, process);
	/* Somebody does. */
	unit_write_file("b/sys/fs/cgroup/blkio/blkio.throttle.io_service_bytes_recursive",
			BOTH_COUNTED);
	scene_read(&scene);
	UNIT_EQUAL_U64(1, scene.sample.issued_count);
	check_issued(&scene, 0, SDA, (struct io_reading){ 0 });
	scene_close(&scene);
	remove_v1("_recursive");
}

/* Neither told by the group nor readable: no entry, and no zero. */
static void test_unreadable_domain_has_no_entry(void)
{
	struct scene scene;

	write_v1("_recursive", BOTH_COUNTED, "Total 0\n", "Total 0\n");
	scene_open(&scene, "b");
	scene.domain.cgroup = NULL;
	scene.domain.pid = 101;
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(0, scene.sample.issued_count);
	scene.domain.cgroup = (char[]){ "/machine/none" };
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(0, scene.sample.issued_count);
	scene_close(&scene);
	remove_v1("_recursive");
}

static void test_process_where_there_is_no_group(void)
{
	struct scene scene;

	write_common();
	unit_write_file("b/proc/self/mountinfo", "");
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(1, scene.sample.issued_count);
	check_issued(&scene, 0, ISSUED_ANY_DISK,
		     (struct io_reading){ .read_bytes = 4096, .write_bytes = 8192 });
	unit_write_file("b/proc/100/io", "rchar: 1\nread_bytes: x\nwrite_bytes: 5\n");
	scene_read(&scene);
	UNIT_EQUAL_U64(0, scene.sample.issued_count);
	scene_close(&scene);
}

static void test_v2(void)
{
	struct scene scene;

	write_common();
	unit_write_file("b/proc/self/mountinfo",
			"35 22 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	unit_write_file(
		"b/sys/fs/cgroup/machine/a/io.stat",
		"252:0 rbytes=9 wbytes=9 rios=9 wios=9 dbytes=0 dios=0\n"
		"8:16 rbytes=4096 wbytes=18446744073709551615 rios=1 wios=4 dbytes=3 dios=1 "
		"cost.usage=7\n"
		"7:0 \nbroken\n8:x rbytes=1\n");
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	UNIT_EQUAL_U64(2, scene.sample.issued_count);
	check_issued(&scene, 0, SDA, (struct io_reading){ 0 });
	check_issued(&scene, 1, SDB,
		     (struct io_reading){ .read_bytes = 4096,
					  .write_bytes = UINT64_MAX,
					  .read_requests = 1,
					  .write_requests = 5 });
	scene_close(&scene);
}

static void test_leaves(void)
{
	const struct io_reading expected = { .has_requests = true,
					     .read_requests = 100,
					     .read_bytes = UINT64_C(2000) * 512,
					     .write_requests = 400 + 10,
					     .write_bytes = UINT64_C(6000) * 512 };
	struct io_reading older = expected;
	struct scene scene;

	write_common();
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene_read(&scene);
	check_io(&expected, &scene.sample.disks[SDA]);
	UNIT_EQUAL_U64(QUALITY_MISSING, scene.sample.disks[SDB].quality);
	UNIT_EQUAL_U64(0, scene.sample.disks[SDB].at_ns);
	/* Before discards and flushes were counted. */
	unit_write_file("b/sys/dev/block/8:0/stat", " 100 1 2000 3 400 5 6000 7 0 8 9\n");
	scene_read(&scene);
	older.write_requests = 400;
	check_io(&older, &scene.sample.disks[SDA]);
	unit_write_file("b/sys/dev/block/8:0/stat", "1 2 3\n");
	scene_read(&scene);
	UNIT_EQUAL_U64(QUALITY_MISSING, scene.sample.disks[SDA].quality);
	scene_close(&scene);
}

static void test_reading_needs_the_followed_topology(void)
{
	struct scene scene;

	write_common();
	scene_open(&scene, "b");
	scene_follow(&scene);
	scene.topology.generation++;
	UNIT_EQUAL_I64(0, sample_prepare(&scene.sample, &scene.topology));
	UNIT_EQUAL_I64(-EINVAL, block_read_issued(scene.block, &scene.topology, &scene.sample));
	UNIT_EQUAL_I64(-EINVAL, block_read_leaves(scene.block, &scene.topology, &scene.sample));
	scene_close(&scene);
}

static void test_no_descriptor_leaks(void)
{
	unsigned before = unit_count_descriptors();
	struct scene scene;

	write_v1("_recursive", BOTH_COUNTED, "Total 0\n", "Total 0\n");
	scene_open(&scene, "b");
	for (unsigned i = 0; i < 2000; i++) {
		scene.domain.start_ticks = i / 3;
		scene.domain.cgroup = i % 5 ? group_a : NULL;
		scene.topology.domain_count = i % 7 ? 1 : 0;
		scene.topology.disk_count = i % 3;
		scene.vdisk.leaf_count = i % 3 ? 1 : 0;
		scene_follow(&scene);
		if (i % 50 == 0)
			scene_read(&scene);
	}
	UNIT_TRUE(unit_count_descriptors() < before + 10);
	scene_close(&scene);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
	remove_v1("_recursive");
}

/* --- this machine ---------------------------------------------------------- */

/* The whole disk that holds the working folder, as far as sysfs tells. */
static bool find_real_disk(struct disk *disk)
{
	char path[PATH_MAX];
	struct stat status;

	if (stat(unit_folder(), &status))
		return false;
	disk->major = major(status.st_dev);
	disk->minor = minor(status.st_dev);
	snprintf(path, sizeof path, "/sys/dev/block/%u:%u/stat", disk->major, disk->minor);
	return access(path, R_OK) == 0;
}

enum { WRITTEN_BYTES = 4 << 20 };

/* Write past the page cache; false where the file system cannot. */
static bool write_directly(void)
{
	char path[512], *bytes = NULL;
	ssize_t written = -1;
	int fd;

	snprintf(path, sizeof path, "%s/direct", unit_folder());
	fd = open(path, O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	if (fd >= 0 && !posix_memalign((void **)&bytes, 4096, WRITTEN_BYTES)) {
		memset(bytes, 'x', WRITTEN_BYTES);
		written = write(fd, bytes, WRITTEN_BYTES);
	}
	free(bytes);
	if (fd >= 0)
		close(fd);
	return written == WRITTEN_BYTES;
}

static void test_real_disk(void)
{
	struct io_reading leaf, issued = { 0 };
	struct scene scene;

	scene_open(&scene, NULL);
	if (!find_real_disk(&scene.disks[SDA])) {
		fprintf(stderr, "(skipped: %s is on no disk of /sys/dev/block) ", unit_folder());
		scene_close(&scene);
		return;
	}
	scene.topology.disk_count = 1;
	scene.domain.pid = getpid();
	scene.domain.cgroup = NULL;
	scene_follow(&scene);
	scene_read(&scene);
	leaf = scene.sample.disks[SDA];
	if (scene.sample.issued_count)
		issued = scene.sample.issued[0].io;
	if (!write_directly()) {
		fprintf(stderr, "(skipped: no O_DIRECT in %s) ", unit_folder());
	} else {
		scene_read(&scene);
		UNIT_TRUE(scene.sample.disks[SDA].write_bytes - leaf.write_bytes >= WRITTEN_BYTES);
		UNIT_TRUE(scene.sample.disks[SDA].write_requests > leaf.write_requests);
		UNIT_EQUAL_U64(1, scene.sample.issued_count);
		UNIT_EQUAL_I64(ISSUED_ANY_DISK, scene.sample.issued[0].disk);
		issued.write_bytes = scene.sample.issued[0].io.write_bytes - issued.write_bytes;
		/* The file system's own blocks may be written in our name, too. */
		UNIT_TRUE(issued.write_bytes >= WRITTEN_BYTES);
		UNIT_TRUE(issued.write_bytes <= WRITTEN_BYTES + WRITTEN_BYTES / 16);
	}
	scene_close(&scene);
}

/* First line of what a command says. */
static bool ask(char *answer, size_t size, const char *command)
{
	FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a fixed command of a test */
	bool answered = pipe && fgets(answer, (int)size, pipe);

	if (answered)
		answer[strcspn(answer, "\n")] = '\0';
	return pipe && pclose(pipe) == 0 && answered;
}

/* Requests of the disk since `before`, when all that was asked has been counted. */
static uint64_t writes_since(struct scene *scene, uint64_t before, uint64_t expected)
{
	uint64_t writes = 0;

	for (int i = 0; i < 200 && writes < expected; i++) {
		usleep(1000);
		scene_read(scene);
		writes = scene->sample.disks[SDA].write_requests - before;
	}
	return writes;
}

enum { BLOCK = 4096, TIMES = 5 };

static void try_disk(struct scene *scene, int fd)
{
	uint64_t range[2] = { 0, BLOCK }, before_requests, before_bytes;
	uint64_t requests = 0;
	char *bytes = NULL;

	if (posix_memalign((void **)&bytes, BLOCK, BLOCK))
		abort();
	memset(bytes, 'x', BLOCK);
	scene_read(scene);
	before_requests = scene->sample.disks[SDA].write_requests;
	before_bytes = scene->sample.disks[SDA].write_bytes;
	for (int i = 0; i < TIMES; i++) {
		UNIT_EQUAL_I64(BLOCK, pwrite(fd, bytes, BLOCK, 0));
		UNIT_EQUAL_I64(0, fdatasync(fd));
		/* Not every file system below can punch holes. */
		requests += ioctl(fd, BLKDISCARD, range) == 0 ? 3 : 2;
	}
	UNIT_EQUAL_U64(requests, writes_since(scene, before_requests, requests));
	UNIT_EQUAL_U64(TIMES * BLOCK, scene->sample.disks[SDA].write_bytes - before_bytes);
	free(bytes);
}

/* Each is one request: a write, a flush that is asked for alone, a discard. */
static void test_real_flushes(void)
{
	char command[512], device[64] = "";
	struct scene scene;
	struct stat status;
	int fd = -1;

	unit_write_file("loop.img", "");
	snprintf(command, sizeof command,
		 "truncate -s 1M %s/loop.img && PATH=$PATH:/sbin:/usr/sbin losetup --find --show "
		 "%s/loop.img 2>/dev/null",
		 unit_folder(), unit_folder());
	if (!ask(device, sizeof device, command)) {
		fprintf(stderr, "(skipped: no loop device to be had) ");
		return;
	}
	fd = open(device, O_RDWR | O_DIRECT | O_EXCL | O_CLOEXEC);
	/* It goes when it is closed. */
	snprintf(command, sizeof command, "PATH=$PATH:/sbin:/usr/sbin losetup -d %s; echo gone",
		 device);
	UNIT_TRUE(ask(device, sizeof device, command));
	if (fd < 0 || fstat(fd, &status))
		abort();
	scene_open(&scene, NULL);
	scene.topology.disk_count = 1;
	scene.disks[SDA].major = major(status.st_rdev);
	scene.disks[SDA].minor = minor(status.st_rdev);
	scene_follow(&scene);
	try_disk(&scene, fd);
	scene_close(&scene);
	close(fd);
}

int main(void)
{
	return UNIT_RUN(
		"probe-block",
		{ "v1: leaves are named, what lies above them is not", test_v1_names_leaves_alone },
		{ "v1: the form that is not recursive serves too",
		  test_v1_without_the_recursive_form },
		{ "v1: a disk that is not counted is no zero",
		  test_v1_that_does_not_count_is_no_zero },
		{ "a domain that cannot be read has no entry",
		  test_unreadable_domain_has_no_entry },
		{ "the process serves where there is no group",
		  test_process_where_there_is_no_group },
		{ "v2: io.stat is read, absent leaves stand at zero", test_v2 },
		{ "leaves are read, discards are writes, absent ones are missing", test_leaves },
		{ "a real loop device counts flushes and discards once", test_real_flushes },
		{ "reading needs the topology that is followed",
		  test_reading_needs_the_followed_topology },
		{ "descriptors do not leak over generations", test_no_descriptor_leaks },
		{ "a real disk counts what we write", test_real_disk });
}
