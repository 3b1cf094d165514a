/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/qemu.h"
#include "tests/unit/proc-fixture.h"

static struct qemu_watch *open_watch(const struct rootfs *root)
{
	struct qemu_watch *watch;

	if (qemu_watch_open(&watch, root, NULL))
		abort();
	return watch;
}

/* "PID NAME" of each VM, joined by blanks. */
static void expect_list(const char *expected, const struct qemu_list *list)
{
	char found[1024] = "";

	for (size_t i = 0; i < list->count; i++)
		snprintf(found + strlen(found), sizeof found - strlen(found), "%s%d %s",
			 i ? " " : "", list->items[i].pid, list->items[i].name);
	UNIT_EQUAL_TEXT(expected, found);
}

static void expect_scan(const struct rootfs *root, const char *expected)
{
	struct qemu_list list;
	struct error error = { 0 };

	UNIT_EQUAL_I64(0, qemu_scan(root, &list, &error));
	expect_list(expected, &list);
	qemu_list_clear(&list);
}

#define VM(number, ...) fixture_process(&(struct fixture_process){ .pid = number, __VA_ARGS__ })

static void test_distributions(void)
{
	struct rootfs root;

	fixture_begin("distributions", &root);
	VM(1, .cmdline = "/sbin/init|", .exe = "/usr/lib/systemd/systemd", .comm = "systemd");
	VM(2, .comm = "kthreadd", .kernel = true);
	VM(10, .cmdline = "/usr/bin/qemu-system-x86_64|-name|guest=debian,debug-threads=on|",
	   .exe = "/usr/bin/qemu-system-x86_64");
	VM(11, .cmdline = "/usr/bin/kvm|-id|100|-name|proxmox,debug-threads=on|",
	   .exe = "/usr/bin/qemu-system-x86_64", .comm = "kvm");
	VM(12, .cmdline = "/usr/libexec/qemu-kvm|-name|guest=rhel|", .comm = "qemu-kvm");
	VM(13, .cmdline = "/usr/bin/kvm|-name|upgraded|",
	   .exe = "/usr/bin/qemu-system-x86_64 (deleted)");
	VM(14, .cmdline = "web1|-name|renamed|", .exe = "/opt/bin/qemu-system-aarch64");
	VM(15, .cmdline = "web1|-name|unreadable|", .comm = "qemu-system-x86");
	VM(16, .cmdline = "/nix/store/x/bin/qemu-kvm|-name|nix|",
	   .exe = "/nix/store/x/bin/.qemu-system-x86_64-wrapped", .comm = ".qemu-system-x8");
	VM(17, .cmdline = "qemu-system-x86_64|-m|64|", .comm = "anything");
	expect_scan(&root, "10 debian 11 proxmox 12 rhel 13 upgraded 14 renamed 15 unreadable "
			   "16 nix 17 qemu-17");
	rootfs_close(&root);
}

static void test_others(void)
{
	struct rootfs root;

	fixture_begin("others", &root);
	VM(20, .cmdline = "qemu-storage-daemon|--blockdev|x|", .comm = "qemu-storage-da",
	   .exe = "/usr/bin/qemu-storage-daemon");
	VM(21, .cmdline = "/usr/bin/qemu-nbd|-c|/dev/nbd0|x|", .exe = "/usr/bin/qemu-nbd");
	VM(22, .cmdline = "/bin/sh|/usr/bin/kvm|-name|script|", .comm = "kvm");
	VM(23, .cmdline = "/bin/bash|/usr/local/bin/qemu-system-x86_64|-name|wrapper|",
	   .comm = "qemu-system-x86", .exe = "/usr/bin/bash");
	VM(24, .cmdline = "sudo|qemu-system-x86_64|-name|sudo|", .exe = "/usr/bin/sudo");
	VM(25, .cmdline = "vi|/etc/qemu-kvm|", .comm = "vi", .exe = "/usr/bin/vi");
	VM(26, .state = 'Z'); /* a zombie has no command line */
	VM(27, .cmdline = "grep|qemu-system-x86_64|", .comm = "grep");
	VM(28, .cmdline = "/usr/libexec/virtiofsd|--fd=3|", .comm = "virtiofsd");
	VM(29, .cmdline = "/usr/bin/qemu-system-x86_64|-machine|none|-daemonize|");
	expect_scan(&root, "");
	rootfs_close(&root);
}

static void test_names(void)
{
	char arguments[400], name[201];
	struct qemu_list list;
	struct rootfs root;

	fixture_begin("scan-names", &root);
	memset(name, 'x', 200);
	name[200] = '\0';
	snprintf(arguments, sizeof arguments, "kvm|-name|guest=%s|", name);
	VM(30, .cmdline = "kvm|-name|guest=a b %n\n,,c|");
	VM(31, .cmdline = arguments);
	UNIT_EQUAL_I64(0, qemu_scan(&root, &list, NULL));
	UNIT_EQUAL_U64(2, list.count);
	UNIT_EQUAL_TEXT("a b %n\n,c", list.items[0].name);
	UNIT_EQUAL_TEXT(name, list.items[1].name);
	qemu_list_clear(&list);
	rootfs_close(&root);
}

static void test_paths(void)
{
	struct qemu_list list;
	struct rootfs root;

	fixture_begin("paths", &root);
	VM(40, .cmdline = "kvm|-hda|d.img|-hdb|/abs.img|-drive|if=virtio,file=nbd:h:1|",
	   .cwd = "/home/me");
	VM(41, .cmdline = "kvm|-hda|d.img|");
	VM(42, .cmdline = "kvm|-hda|img/d.img|-daemonize|", .cwd = "/");
	fixture_write("", "/proc/42/fd/0");
	fixture_link("/dev/null", "/proc/42/fd/3");
	fixture_link("/home/me/img/d.img", "/proc/42/fd/9");
	VM(43, .cmdline = "kvm|-hda|d.img|", .cwd = "/");
	UNIT_EQUAL_I64(0, qemu_scan(&root, &list, NULL));
	UNIT_EQUAL_U64(4, list.count);
	UNIT_EQUAL_TEXT("/home/me/d.img", list.items[0].drives[0].source);
	UNIT_EQUAL_TEXT("/abs.img", list.items[0].drives[1].source);
	UNIT_EQUAL_TEXT("nbd:h:1", list.items[0].drives[2].source);
	UNIT_EQUAL_TEXT(NULL, list.items[0].reason);
	UNIT_EQUAL_TEXT("d.img", list.items[1].drives[0].source);
	UNIT_CONTAINS("CAP_SYS_PTRACE", list.items[1].reason);
	UNIT_EQUAL_TEXT("/home/me/img/d.img", list.items[2].drives[0].source);
	UNIT_EQUAL_TEXT("/d.img", list.items[3].drives[0].source);
	qemu_list_clear(&list);
	rootfs_close(&root);
}

static int look(struct qemu_watch *watch, double seconds)
{
	return qemu_watch_look(watch, (uint64_t)(seconds * 1e9), NULL);
}

static void test_comes_and_goes(void)
{
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("comes", &root);
	VM(50, .cmdline = "kvm|-name|a|");
	watch = open_watch(&root);
	UNIT_EQUAL_I64(1, look(watch, 1));
	expect_list("50 a", qemu_watch_list(watch));
	UNIT_EQUAL_I64(0, look(watch, 2));
	VM(51, .cmdline = "bash|", .comm = "bash");
	UNIT_EQUAL_I64(0, look(watch, 3));
	VM(9, .cmdline = "kvm|-name|b|");
	UNIT_EQUAL_I64(1, look(watch, 4));
	expect_list("9 b 50 a", qemu_watch_list(watch));
	fixture_remove("/proc/50");
	UNIT_EQUAL_I64(1, look(watch, 5));
	expect_list("9 b", qemu_watch_list(watch));
	/* Stopped by a signal, continued, then a zombie that nobody has waited for. */
	VM(9, .cmdline = "kvm|-name|b|", .state = 'T');
	UNIT_EQUAL_I64(1, look(watch, 6));
	UNIT_TRUE(qemu_watch_list(watch)->items[0].stopped);
	VM(9, .cmdline = "kvm|-name|b|");
	UNIT_EQUAL_I64(1, look(watch, 7));
	VM(9, .state = 'Z');
	UNIT_EQUAL_I64(1, look(watch, 8));
	expect_list("", qemu_watch_list(watch));
	UNIT_EQUAL_I64(0, look(watch, 9));
	qemu_watch_close(watch);
	rootfs_close(&root);
}

static void test_reused_pid(void)
{
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("reused", &root);
	VM(60, .cmdline = "kvm|-name|a|", .start = 500);
	watch = open_watch(&root);
	look(watch, 1);
	VM(60, .cmdline = "kvm|-name|b|", .start = 900);
	UNIT_EQUAL_I64(1, look(watch, 60));
	expect_list("60 b", qemu_watch_list(watch));
	UNIT_EQUAL_U64(900, qemu_watch_list(watch)->items[0].start_ticks);
	VM(60, .cmdline = "bash|", .comm = "bash", .start = 1500);
	UNIT_EQUAL_I64(1, look(watch, 61));
	expect_list("", qemu_watch_list(watch));
	qemu_watch_close(watch);
	rootfs_close(&root);
}

/* libvirtd forks, prepares, then calls exec: the id and the start stay. */
static void test_exec_after_fork(void)
{
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("exec", &root);
	VM(70, .cmdline = "/usr/sbin/libvirtd|", .comm = "rpc-worker");
	VM(71, .cmdline = "sh|-c|sleep 100; exec kvm -name slow|", .comm = "sh");
	watch = open_watch(&root);
	look(watch, 1);
	expect_list("", qemu_watch_list(watch));
	VM(70, .cmdline = "kvm|-name|fresh|");
	UNIT_EQUAL_I64(1, look(watch, 2));
	expect_list("70 fresh", qemu_watch_list(watch));
	look(watch, 100);
	VM(71, .cmdline = "kvm|-name|slow|");
	for (unsigned second = 101; second <= 131; second++)
		look(watch, second);
	expect_list("70 fresh 71 slow", qemu_watch_list(watch));
	qemu_watch_close(watch);
	rootfs_close(&root);
}

/* What is settled is not read again: its command line may even be gone. */
static void test_cache(void)
{
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("cache", &root);
	for (pid_t pid = 1000; pid < 1200; pid++)
		VM(pid, .cmdline = "sleep|1|", .comm = "sleep");
	watch = open_watch(&root);
	look(watch, 1);
	look(watch, 60); /* all are old now, and were read in the round */
	for (pid_t pid = 1000; pid < 1200; pid++)
		fixture_cmdline(pid, "kvm|-name|x|");
	look(watch, 60.1); /* of 200 in 30 s: one or two */
	UNIT_TRUE(qemu_watch_list(watch)->count <= 2);
	qemu_watch_close(watch);
	rootfs_close(&root);
}

static void test_daemonize(void)
{
	const char *cmdline = "kvm|-name|d|-daemonize|";
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("daemonize", &root);
	VM(80, .cmdline = cmdline, .threads = 2);
	watch = open_watch(&root);
	look(watch, 1);
	expect_list("80 d", qemu_watch_list(watch));
	VM(81, .cmdline = cmdline, .parent = 80, .threads = 5);
	UNIT_EQUAL_I64(1, look(watch, 2));
	expect_list("81 d", qemu_watch_list(watch));
	fixture_remove("/proc/80");
	VM(81, .cmdline = cmdline, .parent = 1, .threads = 5);
	look(watch, 3);
	expect_list("81 d", qemu_watch_list(watch));
	/* Later it forks for a helper, which has its command line until it calls exec. */
	VM(82, .cmdline = cmdline, .parent = 81, .threads = 1);
	UNIT_EQUAL_I64(1, look(watch, 4));
	expect_list("81 d", qemu_watch_list(watch));
	VM(82, .cmdline = "qemu-bridge-helper|", .parent = 81, .comm = "qemu-bridge-hel");
	look(watch, 5);
	expect_list("81 d", qemu_watch_list(watch));
	qemu_watch_close(watch);
	rootfs_close(&root);
}

/* Two VMs may well have one command line, as long as neither made the other. */
static void test_equal_twins(void)
{
	struct rootfs root;

	fixture_begin("twins", &root);
	VM(90, .cmdline = "kvm|-name|same|-snapshot|", .threads = 4);
	VM(91, .cmdline = "kvm|-name|same|-snapshot|", .threads = 4);
	VM(92, .cmdline = "kvm|-name|same|-snapshot|", .threads = 1, .parent = 91);
	expect_scan(&root, "90 same 91 same");
	rootfs_close(&root);
}

static void test_workers(void)
{
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("watch-workers", &root);
	VM(95, .cmdline = "kvm|-name|a|");
	watch = open_watch(&root);
	look(watch, 1);
	VM(96, .comm = "vhost-95", .kernel = true, .parent = 2);
	VM(97, .comm = "kworker/0:1", .kernel = true, .parent = 2);
	UNIT_EQUAL_I64(1, look(watch, 2));
	UNIT_EQUAL_U64(1, qemu_watch_workers(watch)->count);
	UNIT_EQUAL_I64(96, qemu_watch_workers(watch)->items[0].tid);
	UNIT_EQUAL_I64(95, qemu_watch_workers(watch)->items[0].owner);
	UNIT_EQUAL_I64(0, look(watch, 3));
	fixture_remove("/proc/96");
	UNIT_EQUAL_I64(1, look(watch, 4));
	UNIT_EQUAL_U64(0, qemu_watch_workers(watch)->count);
	qemu_watch_close(watch);
	rootfs_close(&root);
}

/* Young processes appear, change and vanish at random: the list is that of a fresh scan. */
static void test_churn(void)
{
	const uint64_t seed = 4711;
	uint64_t state = seed;
	struct qemu_watch *watch;
	struct rootfs root;

	fixture_begin("churn", &root);
	watch = open_watch(&root);
	for (unsigned round = 0; round < 200; round++) {
		pid_t pid = (pid_t)(100 + unit_random(&state) % 12);
		char arguments[64], expected[1024] = "";
		struct qemu_list list;

		snprintf(arguments, sizeof arguments, "%s|-name|n%u|",
			 unit_random(&state) % 2 ? "kvm" : "bash", round);
		if (unit_random(&state) % 3)
			VM(pid, .cmdline = arguments, .comm = "x", .start = round + 1);
		else
			fixture_remove("/proc/%d", pid);
		look(watch, 1 + round * 0.04);
		UNIT_EQUAL_I64(0, qemu_scan(&root, &list, NULL));
		for (size_t i = 0; i < list.count; i++)
			snprintf(expected + strlen(expected), sizeof expected - strlen(expected),
				 "%s%d %s", i ? " " : "", list.items[i].pid, list.items[i].name);
		expect_list(expected, qemu_watch_list(watch));
		qemu_list_clear(&list);
	}
	qemu_watch_close(watch);
	rootfs_close(&root);
}

static void test_no_proc(void)
{
	struct rootfs root;
	struct qemu_list list;
	struct error error = { 0 };

	fixture_begin("no-proc", &root);
	fixture_remove("/proc");
	UNIT_EQUAL_I64(-ENOENT, qemu_scan(&root, &list, &error));
	UNIT_CONTAINS("/proc", error.text);
	qemu_list_clear(&list);
	rootfs_close(&root);
}

int main(void)
{
	return UNIT_RUN("qemu-scan", { "every distribution's QEMU is found", test_distributions },
			{ "tools, scripts and zombies are no VMs", test_others },
			{ "any name is a name", test_names },
			{ "relative paths are resolved, or a reason given", test_paths },
			{ "what comes, stops and goes is news", test_comes_and_goes },
			{ "a reused id is another VM", test_reused_pid },
			{ "a fork that calls exec later is found", test_exec_after_fork },
			{ "settled processes are not read again", test_cache },
			{ "-daemonize and forks show one VM", test_daemonize },
			{ "two VMs of one command line are two", test_equal_twins },
			{ "kernel workers are watched", test_workers },
			{ "after any churn the list is true (seed 4711)", test_churn },
			{ "a machine without /proc is an error", test_no_proc });
}
