/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine that the test runs on, against what lsblk, losetup and dmsetup say of it. */
#include "host/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { IMAGE_BYTES = 8 << 20 };

static char folder[64];
static const struct rootfs real = { .prefix = (char[]){ "" } };

/* First line of a command's output; false = it failed or said nothing. */
static bool __attribute__((format(printf, 3, 4)))
ask(char *answer, size_t size, const char *format, ...)
{
	char command[1024];
	va_list arguments;
	bool answered;
	FILE *pipe;

	va_start(arguments, format);
	vsnprintf(command, sizeof command, format, arguments);
	va_end(arguments);
	pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a fixed command line of a test */
	answered = pipe && fgets(answer, (int)size, pipe);
	if (answered)
		answer[strcspn(answer, "\n")] = '\0';
	return pipe && pclose(pipe) == 0 && answered;
}

static void skip(const char *what)
{
	printf(" (skipped: %s) ", what);
}

static const char *make_image(const char *name)
{
	static char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	UNIT_TRUE(fd >= 0 && ftruncate(fd, IMAGE_BYTES) == 0);
	if (fd >= 0)
		close(fd);
	return path;
}

/* The disks below the device that holds `folder`, as lsblk names them, sorted, with blanks. */
static bool expected_leaves(char *leaves, size_t size)
{
	return ask(leaves, size,
		   "d=$(findmnt -no MAJ:MIN -T %s) && case $d in 0:*) exit 1;; esac && "
		   "lsblk -snro NAME,TYPE /dev/$(basename $(readlink /sys/dev/block/$d)) | "
		   "awk '$2==\"disk\" {print $1}' | sort -u | tr '\\n' ' '",
		   folder);
}

struct answer {
	struct vdisk vdisk;
	struct disk_list disks;
	char leaves[256];
};

static struct answer resolve(const char *path, pid_t pid)
{
	struct answer answer = { .vdisk.source = strdup(path) };

	UNIT_EQUAL_I64(0, storage_resolve(&real, pid, &answer.vdisk, &answer.disks));
	for (size_t i = 0; i < answer.vdisk.leaf_count; i++) {
		strcat(answer.leaves, answer.disks.items[answer.vdisk.leaves[i]].name);
		strcat(answer.leaves, " ");
	}
	return answer;
}

static void answer_clear(struct answer *answer)
{
	vdisk_clear(&answer->vdisk);
	disk_list_clear(&answer->disks);
}

static void expect_folders_disk(const char *path, pid_t pid)
{
	char expected[256];
	struct answer answer;

	if (!expected_leaves(expected, sizeof expected)) {
		skip("lsblk names no disk below the test's folder");
		return;
	}
	answer = resolve(path, pid);
	UNIT_EQUAL_TEXT(expected, answer.leaves);
	UNIT_EQUAL_TEXT(NULL, answer.vdisk.reason);
	UNIT_EQUAL_TEXT("local", vdisk_backing_name(answer.vdisk.backing));
	answer_clear(&answer);
}

static void test_file(void)
{
	expect_folders_disk(make_image("file.img"), 0);
	expect_folders_disk(make_image("file.img"), getpid());
}

static void test_symbolic_link(void)
{
	char link[128];

	snprintf(link, sizeof link, "%s/link", folder);
	UNIT_EQUAL_I64(0, symlink(make_image("file.img"), link));
	expect_folders_disk(link, 0);
}

/* The mount that holds the file counts, not the one that holds the link. */
static void test_link_into_memory(void)
{
	char type[32], link[128], target[64];
	struct answer answer;
	int fd;

	snprintf(target, sizeof target, "/dev/shm/vmenergy-unit-%d", (int)getpid());
	if (!ask(type, sizeof type, "findmnt -no FSTYPE -T /dev/shm") ||
	    strcmp(type, "tmpfs") != 0 ||
	    (fd = open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)) < 0) {
		skip("no tmpfs at /dev/shm");
		return;
	}
	close(fd);
	snprintf(link, sizeof link, "%s/memory-link", folder);
	UNIT_EQUAL_I64(0, symlink(target, link));
	answer = resolve(link, 0);
	UNIT_EQUAL_TEXT("unknown", vdisk_backing_name(answer.vdisk.backing));
	UNIT_CONTAINS("in memory, no disk is here", answer.vdisk.reason);
	answer_clear(&answer);
	unlink(target);
}

static void test_missing(void)
{
	char path[128];
	struct answer answer;

	snprintf(path, sizeof path, "%s/missing.img", folder);
	answer = resolve(path, 0);
	UNIT_EQUAL_TEXT("unknown", vdisk_backing_name(answer.vdisk.backing));
	UNIT_CONTAINS("missing.img: No such file", answer.vdisk.reason);
	answer_clear(&answer);
	answer = resolve("/dev/null", 0);
	UNIT_EQUAL_TEXT("unknown", vdisk_backing_name(answer.vdisk.backing));
	UNIT_CONTAINS("neither a file nor a block device", answer.vdisk.reason);
	answer_clear(&answer);
}

static void test_loop(void)
{
	char device[64], answer[64];
	const char *image = make_image("loop (deleted)"); /* the very name that looks gone */

	if (geteuid() != 0 || !ask(device, sizeof device, "losetup -f --show '%s' 2>&1", image)) {
		skip("no loop device");
		return;
	}
	expect_folders_disk(device, 0);
	UNIT_TRUE(ask(answer, sizeof answer, "losetup -d %s && echo ok", device));
}

static void test_device_mapper(void)
{
	char device[64], name[64], answer[64];

	snprintf(name, sizeof name, "vmenergy-unit-%d", (int)getpid());
	if (geteuid() != 0 || !ask(device, sizeof device, "losetup -f --show '%s' 2>/dev/null",
				   make_image("mapped.img"))) {
		skip("no loop device");
		return;
	}
	if (ask(answer, sizeof answer,
		"echo '0 8192 linear %s 0' | dmsetup create --noudevsync %s 2>/dev/null && echo ok",
		device, name)) {
		char path[128];

		snprintf(path, sizeof path, "/dev/mapper/%s", name);
		expect_folders_disk(path, 0);
		UNIT_TRUE(ask(answer, sizeof answer,
			      "dmsetup remove --noudevsync %s >/dev/null && echo ok", name));
	} else {
		skip("no device mapper");
	}
	UNIT_TRUE(ask(answer, sizeof answer, "losetup -d %s && echo ok", device));
}

/* A process that prepares its view of the files, then waits to be killed. 0 = not possible. */
static pid_t start_viewer(bool (*prepare)(void))
{
	int ready[2];
	char said = 'n';
	pid_t pid;

	if (pipe(ready))
		abort();
	pid = fork();
	if (pid == 0) {
		said = prepare() ? 'y' : 'n';
		if (write(ready[1], &said, 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &said, 1) != 1)
		said = 'n';
	close(ready[0]);
	if (pid > 0 && said == 'n') {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = 0;
	}
	return pid;
}

static void stop_viewer(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The folder is a tmpfs to it, with an image of the same name. */
static bool hide_folder(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=16m"))
		return false;
	make_image("file.img");
	return true;
}

static void test_other_mounts(void)
{
	pid_t pid = start_viewer(hide_folder);
	struct answer answer;

	if (pid <= 0) {
		skip("no mount namespaces");
		return;
	}
	expect_folders_disk(make_image("file.img"), 0);
	answer = resolve(make_image("file.img"), pid);
	UNIT_EQUAL_TEXT("", answer.leaves);
	UNIT_CONTAINS("in memory", answer.vdisk.reason);
	answer_clear(&answer);
	stop_viewer(pid);
}

static bool change_root(void)
{
	return chroot(folder) == 0;
}

/* A link to "/file.img" means another file inside of a root than outside. */
static void test_other_root(void)
{
	pid_t pid = start_viewer(change_root);
	char link[128];

	if (pid <= 0) {
		skip("chroot is not allowed");
		return;
	}
	if (syscall(SYS_openat2, -1, NULL, NULL, 0) < 0 && errno == ENOSYS) {
		skip("no openat2"); /* a kernel before 5.6, or valgrind */
		stop_viewer(pid);
		return;
	}
	make_image("file.img");
	snprintf(link, sizeof link, "%s/inner-link", folder);
	UNIT_EQUAL_I64(0, symlink("/file.img", link));
	expect_folders_disk("/inner-link", pid);
	stop_viewer(pid);
}

/* The reason that somebody without rights gets, "" for none. */
static void reason_for_nobody(pid_t pid, char *reason, size_t size)
{
	const char *path = make_image("file.img");
	int said[2];
	pid_t child;
	ssize_t length;

	if (pipe(said))
		abort();
	child = fork();
	if (child == 0) {
		struct answer answer;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		answer = resolve(path, pid);
		if (answer.vdisk.reason &&
		    write(said[1], answer.vdisk.reason, strlen(answer.vdisk.reason)) < 0)
			_exit(1);
		_exit(0);
	}
	close(said[1]);
	length = read(said[0], reason, size - 1);
	reason[length > 0 ? length : 0] = '\0';
	close(said[0]);
	waitpid(child, NULL, 0);
}

static void test_without_rights(void)
{
	pid_t pid = start_viewer(hide_folder);
	char reason[512], leaves[256];

	if (pid <= 0) {
		skip("no mount namespaces");
		return;
	}
	if (geteuid() != 0 || !expected_leaves(leaves, sizeof leaves)) {
		skip("not root, or lsblk names no disk below the test's folder");
		stop_viewer(pid);
		return;
	}
	chmod(folder, 0711);
	reason_for_nobody(getpid(), reason, sizeof reason);
	UNIT_EQUAL_TEXT("", reason);
	reason_for_nobody(pid, reason, sizeof reason);
	UNIT_CONTAINS("guessed: the path as we see it", reason);
	chmod(folder, 0700);
	reason_for_nobody(getpid(), reason, sizeof reason);
	UNIT_CONTAINS("guessed by its mount point", reason);
	UNIT_CONTAINS("Permission denied", reason);
	stop_viewer(pid);
}

static void test_all_leaves(void)
{
	struct disk_list disks = { 0 };
	char expected[1024], names[1024] = "";

	if (!ask(expected, sizeof expected,
		 "lsblk -dbnro NAME,TYPE,SIZE -e 1,2,7,11,43,230 2>/dev/null | "
		 "awk '$2==\"disk\" && $3>0 && $1 !~ "
		 "/^(zram|nbd|rbd|md|dm-|drbd|bcache|ublkb|mmcblk.*boot)/ {print $1}' | "
		 "LC_ALL=C sort | tr '\\n' ' '")) {
		skip("lsblk names no disk");
		return;
	}
	UNIT_EQUAL_I64(0, storage_leaves(&real, &disks));
	for (size_t i = 0; i < disks.count; i++) {
		strcat(names, disks.items[i].name);
		strcat(names, " ");
		UNIT_TRUE(disks.items[i].size_bytes > 0);
	}
	UNIT_EQUAL_TEXT(expected, names);
	disk_list_clear(&disks);
}

static void remove_folder(void)
{
	char answer[8];

	ask(answer, sizeof answer, "rm -rf '%s' && echo ok", folder);
}

int main(void)
{
	strcpy(folder, "/var/tmp/vmenergy-unit.XXXXXX");
	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	atexit(remove_folder);
	return UNIT_RUN("storage-real", { "a file lies where lsblk says", test_file },
			{ "a symbolic link is followed", test_symbolic_link },
			{ "a symbolic link into memory leads to no disk", test_link_into_memory },
			{ "what is missing or no disk is unknown", test_missing },
			{ "a loop device leads to its file's disk", test_loop },
			{ "a mapped device leads to the same disk", test_device_mapper },
			{ "a path counts as the process's mounts have it", test_other_mounts },
			{ "without rights our own view serves, and says when it is a guess",
			  test_without_rights },
			{ "links are followed in the process's root", test_other_root },
			{ "all leaves are the disks that lsblk lists", test_all_leaves });
}
