/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cgroupfs.h"
#include "base/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static void open_fixture(struct rootfs *root, const char *name)
{
	char path[PATH_MAX];
	struct error error;

	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	if (rootfs_open(root, path, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
}

static void test_prefix_stands_before_paths(void)
{
	struct rootfs root;
	unsigned long long value = 0;
	char text[16];

	unit_write_file("r1/sys/x/size", "4096\n");
	unit_write_file("r1/sys/x/bad", "-1\n");
	open_fixture(&root, "r1//");
	UNIT_TRUE(!rootfs_is_real(&root));
	UNIT_TRUE(root.prefix[strlen(root.prefix) - 1] == '1');
	UNIT_EQUAL_I64(0, rootfs_read_u64f(&root, &value, "/sys/%s/size", "x"));
	UNIT_EQUAL_U64(4096, value);
	UNIT_EQUAL_I64(-EINVAL, rootfs_read_u64f(&root, &value, "/sys/x/bad"));
	UNIT_EQUAL_I64(-ENOENT, rootfs_read_u64f(&root, &value, "/sys/x/none"));
	UNIT_EQUAL_U64(4096, value);
	UNIT_EQUAL_I64(5, rootfs_readf(&root, text, sizeof text, "/sys/x/size"));
	UNIT_EQUAL_TEXT("4096\n", text);
	UNIT_EQUAL_I64(-ENOENT, rootfs_readf(&root, text, sizeof text, "/sys/x/none"));
	UNIT_EQUAL_TEXT("", text);
	rootfs_close(&root);
}

static void test_real_root(void)
{
	struct rootfs root;
	struct error error;
	char text[256];

	UNIT_EQUAL_I64(0, rootfs_open(&root, NULL, &error));
	UNIT_TRUE(rootfs_is_real(&root));
	UNIT_TRUE(rootfs_readf(&root, text, sizeof text, "/proc/self/comm") > 0);
	rootfs_close(&root);
	UNIT_EQUAL_I64(0, rootfs_open(&root, "/", &error));
	UNIT_TRUE(rootfs_is_real(&root));
	rootfs_close(&root);
}

static void test_bad_root_is_named(void)
{
	struct rootfs root;
	struct error error;

	UNIT_EQUAL_I64(-ENOENT, rootfs_open(&root, "/nonexistent/x", &error));
	UNIT_CONTAINS("/nonexistent/x: No such file", error.text);
	UNIT_EQUAL_I64(-ENOTDIR, rootfs_open(&root, "/proc/self/comm", &error));
	UNIT_CONTAINS("/proc/self/comm: Not a directory", error.text);
}

static void test_too_small_a_buffer_is_told(void)
{
	struct rootfs root;
	char text[5], *all = NULL, *empty = NULL, big[10001];

	unit_write_file("r2/exact", "abcd");
	unit_write_file("r2/over", "abcde");
	memset(big, 'y', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	unit_write_file("r2/big", big);
	unit_write_file("r2/empty", "");
	open_fixture(&root, "r2");
	UNIT_EQUAL_I64(4, rootfs_readf(&root, text, sizeof text, "/exact"));
	UNIT_EQUAL_I64(-E2BIG, rootfs_readf(&root, text, sizeof text, "/over"));
	UNIT_EQUAL_TEXT("abcd", text);
	UNIT_EQUAL_I64(10000, rootfs_read_allf(&root, &all, "/big"));
	UNIT_EQUAL_TEXT(big, all);
	free(all);
	UNIT_EQUAL_I64(0, rootfs_read_allf(&root, &empty, "/empty"));
	UNIT_EQUAL_TEXT("", empty);
	free(empty);
	UNIT_EQUAL_I64(-ENOENT, rootfs_read_allf(&root, &all, "/none"));
	UNIT_TRUE(all == NULL);
	rootfs_close(&root);
}

static void test_overlong_paths(void)
{
	struct rootfs root;
	char path[PATH_MAX + 1], text[8];

	memset(path, 'p', PATH_MAX);
	path[PATH_MAX] = '\0';
	open_fixture(&root, ".");
	UNIT_EQUAL_I64(-ENAMETOOLONG, rootfs_openf(&root, O_RDONLY, "/%s", path));
	UNIT_EQUAL_I64(-ENAMETOOLONG, rootfs_linkf(&root, text, sizeof text, "/%s", path));
	rootfs_close(&root);
}

static void test_links(void)
{
	char path[PATH_MAX], text[16];
	struct rootfs root;

	unit_write_file("r3/file", "");
	snprintf(path, sizeof path, "%s/r3/link", unit_folder());
	UNIT_EQUAL_I64(0, symlink("../../block/sda", path));
	open_fixture(&root, "r3");
	UNIT_EQUAL_I64(15, rootfs_linkf(&root, text, sizeof text, "/link"));
	UNIT_EQUAL_TEXT("../../block/sda", text);
	UNIT_EQUAL_I64(-E2BIG, rootfs_linkf(&root, text, 15, "/link"));
	UNIT_EQUAL_I64(-EINVAL, rootfs_linkf(&root, text, sizeof text, "/file"));
	rootfs_close(&root);
}

static void test_pread_starts_over(void)
{
	struct rootfs root;
	char text[16];
	int fd;

	unit_write_file("r4/stat", "1 2 3\n");
	open_fixture(&root, "r4");
	fd = rootfs_openf(&root, O_RDONLY, "/stat");
	UNIT_TRUE(fd >= 0);
	UNIT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	UNIT_EQUAL_I64(6, rootfs_pread(fd, text, sizeof text));
	UNIT_EQUAL_I64(6, rootfs_pread(fd, text, sizeof text));
	UNIT_EQUAL_TEXT("1 2 3\n", text);
	close(fd);
	UNIT_EQUAL_I64(-EBADF, rootfs_pread(-1, text, sizeof text));
	rootfs_close(&root);
}

static void find(const char *name, struct cgroup_mounts *mounts)
{
	struct rootfs root;

	open_fixture(&root, name);
	cgroup_find_mounts(&root, mounts);
	rootfs_close(&root);
}

static void test_cgroup_v1(void)
{
	struct cgroup_mounts mounts;

	unit_write_file("c1/proc/self/mountinfo",
			"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			"31 22 0:28 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755\n"
			"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 master:3 - cgroup "
			"cgroup rw,cpu,cpuacct\n"
			"33 31 0:30 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
			"34 31 0:31 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n");
	find("c1", &mounts);
	UNIT_EQUAL_TEXT("", mounts.v2);
	UNIT_TRUE(!mounts.v2_cpu && !mounts.v2_io);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup/cpu,cpuacct", mounts.cpu);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup/cpu,cpuacct", mounts.cpuacct);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup/blkio", mounts.blkio);
}

static void test_cgroup_v2(void)
{
	struct cgroup_mounts mounts;

	unit_write_file("c2/proc/self/mountinfo",
			"35 22 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
	unit_write_file("c2/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	find("c2", &mounts);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup", mounts.v2);
	UNIT_TRUE(mounts.v2_cpu && mounts.v2_io);
	UNIT_EQUAL_TEXT("", mounts.cpu);
	UNIT_EQUAL_TEXT("", mounts.cpuacct);
	UNIT_EQUAL_TEXT("", mounts.blkio);
}

static void test_cgroup_hybrid(void)
{
	struct cgroup_mounts mounts;

	unit_write_file("c3/proc/self/mountinfo",
			"32 31 0:29 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
			"33 31 0:29 / /other/cpuacct rw - cgroup cgroup rw,cpuacct\n"
			"41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 none rw\n");
	unit_write_file("c3/sys/fs/cgroup/uni fied/cgroup.controllers", "cpuset\n");
	find("c3", &mounts);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup/uni fied", mounts.v2);
	UNIT_TRUE(!mounts.v2_cpu && !mounts.v2_io);
	UNIT_EQUAL_TEXT("/sys/fs/cgroup/cpuacct", mounts.cpuacct);
	UNIT_EQUAL_TEXT("", mounts.cpu);
}

static void test_cgroup_absent(void)
{
	struct cgroup_mounts mounts;

	unit_write_file("c4/proc/self/mountinfo",
			"9 1 0:2 /docker/77 /sys/fs/cgroup ro - cgroup2 cgroup2 ro\n"
			"truncated\n1 2 - cgroup\n3 4 0:1 / - \n - \n");
	find("c4", &mounts);
	UNIT_EQUAL_TEXT("", mounts.v2);
	unit_write_file("c5/proc/none", "");
	find("c5", &mounts);
	UNIT_EQUAL_TEXT("", mounts.v2);
	UNIT_EQUAL_TEXT("", mounts.cpuacct);
}

int main(void)
{
	return UNIT_RUN(
		"base-rootfs", { "a prefix stands before paths", test_prefix_stands_before_paths },
		{ "no folder or / is the real root", test_real_root },
		{ "a bad root is named", test_bad_root_is_named },
		{ "too small a buffer is told", test_too_small_a_buffer_is_told },
		{ "overlong paths are refused", test_overlong_paths },
		{ "links are read", test_links }, { "pread starts over", test_pread_starts_over },
		{ "cgroup v1 mounts are found", test_cgroup_v1 },
		{ "cgroup v2 and its controllers are found", test_cgroup_v2 },
		{ "hybrid mounts are told apart", test_cgroup_hybrid },
		{ "partial mounts and broken lines are passed over", test_cgroup_absent });
}
