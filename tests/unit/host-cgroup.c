/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/cgroup.h"
#include "tests/unit/proc-fixture.h"

static double weight_of(const struct rootfs *root, const char *cgroup)
{
	struct cgroup_mounts mounts;

	cgroup_find_mounts(root, &mounts);
	return cgroup_cpu_weight(root, &mounts, cgroup);
}

static void expect_cgroup(const struct rootfs *root, pid_t pid, const char *expected)
{
	struct cgroup_mounts mounts;
	char *found;

	cgroup_find_mounts(root, &mounts);
	found = cgroup_exclusive(root, &mounts, pid);

	UNIT_EQUAL_TEXT(expected, found);
	free(found);
}

#define V2_SCOPE "/machine.slice/machine-qemu\\x2d1\\x2dweb1.scope"

static void test_libvirt_v2(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = "0::" V2_SCOPE "/libvirt/emulator\n" };
	struct rootfs root;

	fixture_begin("libvirt-v2", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", "0::" V2_SCOPE "/libvirt/vcpu0\n");
	fixture_thread(&vm, 102, "CPU 1/KVM", "0::" V2_SCOPE "/libvirt/vcpu1\n");
	fixture_write("100\n", "/sys/fs/cgroup%s/libvirt/cgroup.procs", V2_SCOPE);
	fixture_write("250\n", "/sys/fs/cgroup%s/cpu.weight", V2_SCOPE);
	expect_cgroup(&root, 100, V2_SCOPE);
	UNIT_EQUAL_DOUBLE(250, weight_of(&root, V2_SCOPE), 0);
	/* libvirt puts what works for the domain (swtpm) beside it. */
	fixture_write("100\n555\n", "/sys/fs/cgroup%s/libvirt/cgroup.procs", V2_SCOPE);
	fixture_process(&(struct fixture_process){ .pid = 555, .comm = "swtpm" });
	expect_cgroup(&root, 100, V2_SCOPE);
	rootfs_close(&root);
}

#define V1_FOLDER "/machine/qemu-1-web1.libvirt-qemu"
#define V1_LINES(folder) "4:memory:/x\n3:cpu,cpuacct:" folder "\n0::/y\n"

static void test_libvirt_v1(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = V1_LINES(V1_FOLDER "/emulator") };
	struct rootfs root;

	fixture_begin("libvirt-v1", &root);
	fixture_mounts("hybrid");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", V1_LINES(V1_FOLDER "/vcpu0"));
	fixture_write("2048\n", "/sys/fs/cgroup/cpu,cpuacct%s/cpu.shares", V1_FOLDER);
	expect_cgroup(&root, 100, V1_FOLDER);
	UNIT_EQUAL_DOUBLE(200, weight_of(&root, V1_FOLDER), 0);
	rootfs_close(&root);
}

/* libvirt on a host where cpuacct is a hierarchy of its own that it leaves alone. */
static void test_hybrid(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = "3:cpu,cpuacct:/\n0::" V1_FOLDER "/emulator\n" };
	struct rootfs root;
	char *path;

	fixture_begin("hybrid", &root);
	fixture_mounts("hybrid");
	fixture_process(&vm);
	expect_cgroup(&root, 100, V1_FOLDER);
	path = cgroup_of_thread(&root, 100, 100);
	UNIT_EQUAL_TEXT(V1_FOLDER "/emulator", path);
	free(path);
	/* An empty folder of that name in cpuacct would be read in its stead. */
	fixture_write("", "/sys/fs/cgroup/cpu,cpuacct%s/cgroup.procs", V1_FOLDER);
	expect_cgroup(&root, 100, NULL);
	rootfs_close(&root);
}

static void test_proxmox(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "/usr/bin/kvm|-id|100|",
				      .cgroup = "0::/qemu.slice/100.scope\n" };
	struct rootfs root;

	fixture_begin("proxmox", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_write("100\n201\n", "/sys/fs/cgroup/qemu.slice/100.scope/cgroup.procs");
	fixture_process(&(struct fixture_process){
		.pid = 201, .comm = "vhost-100", .kernel = true, .parent = 2 });
	expect_cgroup(&root, 100, "/qemu.slice/100.scope");
	UNIT_EQUAL_DOUBLE(100, weight_of(&root, "/qemu.slice/100.scope"), 0);
	/* The worker of another VM does not belong there. */
	fixture_process(&(struct fixture_process){
		.pid = 201, .comm = "vhost-101", .kernel = true, .parent = 2 });
	expect_cgroup(&root, 100, NULL);
	rootfs_close(&root);
}

static void test_shared(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = "0::/user.slice/session-1.scope\n" };
	struct rootfs root;

	fixture_begin("shared", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_process(&(struct fixture_process){ .pid = 50, .cmdline = "bash|", .comm = "bash" });
	fixture_write("50\n100\n", "/sys/fs/cgroup/user.slice/session-1.scope/cgroup.procs");
	expect_cgroup(&root, 100, NULL);
	/* A child of its own (a script) is no stranger; one below counts as well. */
	fixture_write("100\n60\n", "/sys/fs/cgroup/user.slice/session-1.scope/cgroup.procs");
	fixture_process(&(struct fixture_process){ .pid = 60, .parent = 100, .comm = "qemu-ifup" });
	expect_cgroup(&root, 100, "/user.slice/session-1.scope");
	fixture_write("50\n", "/sys/fs/cgroup/user.slice/session-1.scope/below/cgroup.procs");
	expect_cgroup(&root, 100, NULL);
	/* It ended since the list was read. */
	fixture_write("51\n", "/sys/fs/cgroup/user.slice/session-1.scope/below/cgroup.procs");
	expect_cgroup(&root, 100, "/user.slice/session-1.scope");
	rootfs_close(&root);
}

static void test_root(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|", .cgroup = "0::/\n" };
	struct rootfs root;

	fixture_begin("root", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_write("100\n", "/sys/fs/cgroup/cgroup.procs");
	expect_cgroup(&root, 100, NULL);
	expect_cgroup(&root, 4711, NULL);
	fixture_write("0::/../other\n", "/proc/100/task/100/cgroup");
	expect_cgroup(&root, 100, NULL);
	fixture_write("0::/gone.scope (deleted)\n", "/proc/100/task/100/cgroup");
	expect_cgroup(&root, 100, NULL);
	UNIT_EQUAL_DOUBLE(100, weight_of(&root, "/not/there"), 0);
	rootfs_close(&root);
}

static void test_no_cgroups(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|", .cgroup = "0::/a\n" };
	struct rootfs root;

	fixture_begin("none", &root);
	fixture_process(&vm);
	expect_cgroup(&root, 100, NULL);
	rootfs_close(&root);
}

/* v1: a shell moved one thread into a folder of its own; the parent of both holds all. */
static void test_moved_thread(void)
{
	struct fixture_process vm = { .pid = 100,
				      .cmdline = "kvm|",
				      .cgroup = "3:cpu,cpuacct:/lab/a\n" };
	struct rootfs root;

	fixture_begin("moved", &root);
	fixture_mounts("v1");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/TCG", "3:cpu,cpuacct:/lab/a/vcpu0\n");
	fixture_write("100\n", "/sys/fs/cgroup/cpu,cpuacct/lab/a/cgroup.procs");
	fixture_write("100\n", "/sys/fs/cgroup/cpu,cpuacct/lab/a/vcpu0/cgroup.procs");
	expect_cgroup(&root, 100, "/lab/a");
	fixture_thread(&vm, 102, "CPU 1/TCG", "3:cpu,cpuacct:/lab/b\n");
	fixture_write("100\n", "/sys/fs/cgroup/cpu,cpuacct/lab/b/cgroup.procs");
	expect_cgroup(&root, 100, "/lab");
	fixture_thread(&vm, 103, "CPU 2/TCG", "3:cpu,cpuacct:/\n");
	expect_cgroup(&root, 100, NULL);
	rootfs_close(&root);
}

static void test_within(void)
{
	UNIT_TRUE(cgroup_is_within("/a/b", "/a/b"));
	UNIT_TRUE(cgroup_is_within("/a/b/c", "/a/b"));
	UNIT_TRUE(!cgroup_is_within("/a/bc", "/a/b"));
	UNIT_TRUE(!cgroup_is_within("/a", "/a/b"));
}

int main(void)
{
	return UNIT_RUN("host-cgroup", { "libvirt on v2: the machine's scope", test_libvirt_v2 },
			{ "libvirt on v1: the machine's folder, by cpuacct", test_libvirt_v1 },
			{ "a mixed host: v2, where cpuacct has nothing", test_hybrid },
			{ "Proxmox: the VM's scope, kernel workers included", test_proxmox },
			{ "a cgroup shared with others is none", test_shared },
			{ "the root and foreign paths are none", test_root },
			{ "a machine without cgroups has none", test_no_cgroups },
			{ "the smallest cgroup holds all threads", test_moved_thread },
			{ "a path is within its cgroup by whole names", test_within });
}
