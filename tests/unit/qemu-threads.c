/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/qemu.h"
#include "model/sample.h"
#include "tests/unit/proc-fixture.h"

static const struct thread *find(const struct domain *domain, pid_t tid)
{
	static const struct thread none = { .role = (enum thread_role)99 };

	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].tid == tid)
			return &domain->threads[i];
	return &none;
}

static void expect_role(const struct domain *domain, pid_t tid, enum thread_role role, bool sampled)
{
	const struct thread *thread = find(domain, tid);
	char expected[64], found[64];

	snprintf(expected, sizeof expected, "%d: %s sampled=%d", tid, thread_role_name(role),
		 sampled);
	snprintf(found, sizeof found, "%d: %s sampled=%d", tid,
		 thread->role == (enum thread_role)99 ? "not there"
						      : thread_role_name(thread->role),
		 thread->sampled);
	UNIT_EQUAL_TEXT(expected, found);
}

static void test_names(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|" };
	struct domain domain = { .pid = 100, .start_ticks = 1000 };
	struct error error;
	struct rootfs root;

	fixture_begin("names", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", NULL);
	fixture_thread(&vm, 102, "CPU 11/KVM", NULL);
	fixture_thread(&vm, 103, "IO iothread1", NULL);
	fixture_thread(&vm, 104, "IO mon_iothread", NULL);
	fixture_thread(&vm, 105, "worker", NULL);
	fixture_thread(&vm, 106, "vhost-100", NULL);
	fixture_thread(&vm, 107, "call_rcu", NULL);
	fixture_thread(&vm, 108, "qemu-system-x86", NULL);
	fixture_thread(&vm, 109, "SPICE Worker", NULL);
	fixture_thread(&vm, 110, "a) R 1 (b", NULL);
	fixture_thread(&vm, 111, "iou-wrk-100", NULL);
	fixture_thread(&vm, 112, "CPU x/KVM", NULL);
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, &error));
	UNIT_EQUAL_U64(13, domain.thread_count);
	expect_role(&domain, 100, THREAD_EMULATOR, false);
	expect_role(&domain, 101, THREAD_VCPU, true);
	expect_role(&domain, 102, THREAD_VCPU, true);
	expect_role(&domain, 103, THREAD_IOTHREAD, true);
	expect_role(&domain, 104, THREAD_EMULATOR, false);
	expect_role(&domain, 105, THREAD_WORKER, false);
	expect_role(&domain, 106, THREAD_VHOST, false); /* inside the process's own total */
	expect_role(&domain, 107, THREAD_EMULATOR, false);
	expect_role(&domain, 108, THREAD_EMULATOR, false);
	expect_role(&domain, 111, THREAD_WORKER, false);
	expect_role(&domain, 112, THREAD_EMULATOR, false);
	UNIT_EQUAL_I64(11, find(&domain, 102)->vcpu);
	UNIT_EQUAL_TEXT("a) R 1 (b", find(&domain, 110)->name);
	UNIT_EQUAL_U64(1000, find(&domain, 110)->start_ticks);
	UNIT_EQUAL_TEXT(NULL, domain.reason);
	domain_clear(&domain);
	rootfs_close(&root);
}

static void test_one_thread_for_all(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|" };
	struct domain domain = { .pid = 100 };
	struct rootfs root;

	fixture_begin("single", &root);
	fixture_process(&vm);
	fixture_thread(&vm, 101, "ALL CPUs/TCG", NULL);
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	UNIT_EQUAL_I64(VCPU_ALL, find(&domain, 101)->vcpu);
	expect_role(&domain, 101, THREAD_VCPU, true);
	domain_clear(&domain);
	rootfs_close(&root);
}

static void test_repeated_number(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|" };
	struct domain domain = { .pid = 100 };
	struct rootfs root;

	fixture_begin("repeated", &root);
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", NULL);
	fixture_thread(&vm, 102, "CPU 0/KVM", NULL);
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	expect_role(&domain, 101, THREAD_VCPU, true);
	expect_role(&domain, 102, THREAD_EMULATOR, false);
	UNIT_EQUAL_I64(VCPU_NONE, find(&domain, 102)->vcpu);
	domain_clear(&domain);
	rootfs_close(&root);
}

static void test_unnamed(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|" };
	struct domain domain = { .pid = 100 };
	struct rootfs root;

	fixture_begin("unnamed", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "qemu-system-x86", NULL);
	fixture_thread(&vm, 102, "qemu-system-x86", NULL);
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	UNIT_TRUE(!qemu_threads_have_vcpu(&domain));
	UNIT_TRUE(!qemu_threads_named(&domain));
	UNIT_CONTAINS("debug-threads=on", domain.reason);
	domain_clear(&domain);
	rootfs_close(&root);
}

#define SCOPE "0::/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/"

static void test_unnamed_in_cgroups(void)
{
	struct fixture_process vm = {
		.pid = 100, .cmdline = "kvm|", .comm = "qemu-kvm", .cgroup = SCOPE "emulator\n"
	};
	struct domain domain = { .pid = 100 };
	struct rootfs root;

	fixture_begin("cgroups", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "qemu-kvm", SCOPE "vcpu0\n");
	fixture_thread(&vm, 102, "qemu-kvm", SCOPE "vcpu1\n");
	fixture_thread(&vm, 103, "qemu-kvm", SCOPE "iothread1\n");
	fixture_thread(&vm, 104, "qemu-kvm", SCOPE "emulator\n");
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	expect_role(&domain, 101, THREAD_VCPU, true);
	expect_role(&domain, 102, THREAD_VCPU, true);
	expect_role(&domain, 103, THREAD_IOTHREAD, true);
	expect_role(&domain, 104, THREAD_EMULATOR, false);
	UNIT_EQUAL_I64(1, find(&domain, 102)->vcpu);
	UNIT_EQUAL_TEXT(NULL, domain.reason);
	domain_clear(&domain);
	rootfs_close(&root);
}

static void add_kernel_thread(pid_t tid, const char *comm, const char *cgroup)
{
	fixture_process(&(struct fixture_process){
		.pid = tid, .comm = comm, .kernel = true, .parent = 2, .cgroup = cgroup });
}

static void test_kernel_workers(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|", .cgroup = "0::/vm.scope\n" };
	struct domain domain = { .pid = 100 };
	struct rootfs root;

	fixture_begin("workers", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", NULL);
	add_kernel_thread(200, "vhost-100", "0::/\n");
	add_kernel_thread(201, "vhost-100", "0::/vm.scope\n");
	add_kernel_thread(202, "kvm-pit/100", "0::/\n");
	add_kernel_thread(203, "vhost-999", "0::/\n");
	add_kernel_thread(204, "kvm-nx-lpage-recovery-100", "0::/\n");
	/* Asked for by a thread of the process. */
	add_kernel_thread(205, "vhost-101", "0::/\n");
	/* A process of that name is no kernel thread. */
	fixture_process(&(struct fixture_process){ .pid = 206, .comm = "vhost-100" });

	domain.cgroup = strdup("/vm.scope");
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	UNIT_EQUAL_U64(7, domain.thread_count);
	expect_role(&domain, 200, THREAD_VHOST, true);
	expect_role(&domain, 201, THREAD_VHOST, false);
	expect_role(&domain, 202, THREAD_KVM, true);
	expect_role(&domain, 204, THREAD_KVM, true);
	expect_role(&domain, 205, THREAD_VHOST, true);
	domain_clear(&domain);
	rootfs_close(&root);
}

/* The numbers of a VM that is gone are given again, while a worker of it still ends. */
static void test_workers_of_another(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|", .start = 5000 };
	struct domain domain = { .pid = 100, .start_ticks = 5000 };
	struct rootfs root;

	fixture_begin("another", &root);
	fixture_mounts("v2");
	fixture_process(&vm);
	fixture_thread(&vm, 101, "CPU 0/KVM", NULL);
	fixture_process(&(struct fixture_process){
		.pid = 90, .comm = "vhost-100", .kernel = true, .parent = 2, .start = 4999 });
	fixture_process(&(struct fixture_process){
		.pid = 200, .comm = "vhost-100", .kernel = true, .parent = 2, .start = 5000 });
	fixture_process(&(struct fixture_process){
		.pid = 201, .comm = "kvm-pit/101", .kernel = true, .parent = 2, .start = 4000 });
	UNIT_EQUAL_I64(0, qemu_threads(&root, &domain, NULL));
	UNIT_EQUAL_U64(3, domain.thread_count);
	expect_role(&domain, 200, THREAD_VHOST, true);
	domain_clear(&domain);
	rootfs_close(&root);
}

static void test_gone(void)
{
	struct fixture_process vm = { .pid = 100, .cmdline = "kvm|", .start = 77 };
	struct domain domain = { .pid = 100, .start_ticks = 78 };
	struct error error = { 0 };
	struct rootfs root;

	fixture_begin("gone", &root);
	UNIT_EQUAL_I64(-ESRCH, qemu_threads(&root, &domain, &error));
	UNIT_CONTAINS("/proc/100/task", error.text);
	/* Another process has the id now. */
	fixture_process(&vm);
	UNIT_EQUAL_I64(-ESRCH, qemu_threads(&root, &domain, &error));
	domain_clear(&domain);
	rootfs_close(&root);
}

static void test_worker_names(void)
{
	enum thread_role role;
	pid_t owner;

	UNIT_TRUE(qemu_worker_parse("vhost-1234", &role, &owner));
	UNIT_EQUAL_I64(1234, owner);
	UNIT_EQUAL_I64(THREAD_VHOST, role);
	UNIT_TRUE(qemu_worker_parse("kvm-nx-lpage-re", &role, &owner));
	UNIT_EQUAL_I64(0, owner);
	UNIT_EQUAL_I64(THREAD_KVM, role);
	UNIT_TRUE(!qemu_worker_parse("vhost-12x", &role, &owner));
	UNIT_TRUE(!qemu_worker_parse("vhost-", &role, &owner));
	UNIT_TRUE(!qemu_worker_parse("vhost-99999999999999", &role, &owner));
	UNIT_TRUE(!qemu_worker_parse("kvm", &role, &owner));
}

int main(void)
{
	return UNIT_RUN(
		"qemu-threads", { "threads are classified by name (model.md 2)", test_names },
		{ "one thread may run all vCPUs", test_one_thread_for_all },
		{ "no vCPU number is there twice", test_repeated_number },
		{ "nameless threads give a reason", test_unnamed },
		{ "nameless threads are told by libvirt's cgroups", test_unnamed_in_cgroups },
		{ "kernel workers belong to their VM (model.md 2)", test_kernel_workers },
		{ "workers of a process that had the number before are another's",
		  test_workers_of_another },
		{ "a process that is gone says so", test_gone },
		{ "names of kernel workers are parsed whole", test_worker_names });
}
