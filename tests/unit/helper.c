/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real child, on a tree of files that stands in for /proc and cgroups, and a libvirtd that
 * takes connections and never says a word. */
#include "vmenergyd/helper.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "tests/unit/unit.h"

#define QUOTA "root/cg/cpu/vm/cpu.cfs_quota_us"
enum { LONG_MS = 60000 }; /* never waited for, unless something is broken */

static void make_tree(void)
{
	unit_write_file("root/proc/self/mountinfo", "1 1 0:1 / /cg/cpu rw - cgroup x rw,cpu\n"
						    "2 1 0:2 / /cg/blkio rw - cgroup x rw,blkio\n");
	unit_write_file("root/proc/7/stat", "7 (qemu) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 99\n");
	unit_write_file("root/proc/7/cgroup", "2:blkio:/vm\n1:cpu:/vm\n");
	unit_write_file("root/proc/7/cmdline", "qemu-system-x86_64");
	unit_write_file("root/cg/cpu/vm/cgroup.procs", "7\n");
	unit_write_file(QUOTA, "-1\n");
	unit_write_file("root/cg/cpu/vm/cpu.cfs_period_us", "100000\n");
	unit_write_file("root/cg/cpu/vm/cpu.shares", "1024\n");
}

static const char *tree(void)
{
	static char path[256];

	snprintf(path, sizeof path, "%s/root", unit_folder());
	return path;
}

static int64_t quota_in_tree(void)
{
	struct rootfs root = { .prefix = unit_literal(unit_folder()) };
	long long quota = 0;
	char text[64];

	UNIT_TRUE(rootfs_readf(&root, text, sizeof text, "/" QUOTA) > 0 &&
		  sscanf(text, "%lld", &quota) == 1);
	return quota;
}

static struct verb a_verb(uint64_t seq, int64_t quota_us)
{
	return (struct verb){ .seq = seq,
			      .kind = VERB_SET,
			      .target = { .manager = DOMAIN_QEMU,
					  .id = "qemu:7:99",
					  .name = "vm",
					  .pid = 7,
					  .start_ticks = 99,
					  .vcpus = 1,
					  .cpu_cgroup = "/vm",
					  .io_cgroup = "/vm" },
			      .value = { .knob = KNOB_CPU, .cpu = { quota_us, 20000 } } };
}

static struct helper *start(double patience_s)
{
	const struct helper_options options = { .root = tree(), .libvirt_patience_s = patience_s };
	struct helper *helper = NULL;
	struct error error = { "" };

	make_tree();
	UNIT_EQUAL_I64(0, helper_start(&helper, &options, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return helper;
}

static pid_t child_of_ours(void)
{
	struct rootfs real = { .prefix = unit_literal("") };
	struct proc_ids ids = { 0 };
	struct proc_stat stat;
	pid_t child = 0;

	UNIT_EQUAL_I64(0, proc_read_ids(&real, 0, NULL, &ids));
	for (size_t i = 0; i < ids.count && !child; i++)
		if (proc_read_stat(&real, ids.items[i].id, 0, &stat) == 0 &&
		    stat.parent == getpid())
			child = ids.items[i].id;
	proc_ids_clear(&ids);
	if (!child) /* kill(0) would be for all of us */
		abort();
	return child;
}

/* The next result, or what helper_receive() says instead. */
static int receive(struct helper *helper, struct applied *applied)
{
	struct pollfd wanted = { .fd = helper_fd(helper), .events = POLLIN };

	*applied = (struct applied){ 0 };
	if (poll(&wanted, 1, LONG_MS) <= 0)
		return -ETIMEDOUT;
	return helper_receive(helper, applied);
}

static void expect(struct helper *helper, uint64_t seq, int result, const char *text)
{
	struct applied applied;

	UNIT_EQUAL_I64(1, receive(helper, &applied));
	UNIT_EQUAL_U64(seq, applied.seq);
	UNIT_EQUAL_I64(result, applied.result);
	UNIT_CONTAINS(text, applied.error.text);
}

static void test_writes_and_reads_back(void)
{
	struct helper *helper = start(0);
	struct verb verb = a_verb(41, 5000);
	struct proc_stat stat = { .comm = "" };
	struct rootfs real = { .prefix = unit_literal("") };
	struct applied applied;

	UNIT_EQUAL_I64(0, helper_receive(helper, &applied));
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	UNIT_EQUAL_I64(1, receive(helper, &applied));
	UNIT_EQUAL_U64(41, applied.seq);
	UNIT_EQUAL_I64(0, applied.result);
	UNIT_EQUAL_TEXT("cgroup", applied.actuator);
	UNIT_TRUE(!applied.by_failsafe && knob_value_equal(&verb.value, &applied.value));
	UNIT_EQUAL_I64(5000, quota_in_tree());
	UNIT_EQUAL_I64(0, proc_read_stat(&real, child_of_ours(), 0, &stat));
	UNIT_EQUAL_TEXT("vmenergyd-write", stat.comm);
	/* What ends the daemon does not end it. */
	kill(child_of_ours(), SIGTERM);
	kill(child_of_ours(), SIGINT);
	verb = a_verb(42, -1);
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 42, 0, "");
	helper_stop(helper);
	UNIT_EQUAL_I64(-1, quota_in_tree());
}

static void test_another_process(void)
{
	struct helper *helper = start(0);
	struct verb verb = a_verb(1, 5000);

	verb.target.start_ticks = 98;
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 1, -ESRCH, "another one by now");
	verb = a_verb(2, 5000);
	verb.target.pid = 8;
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 2, -ESRCH, "is gone");
	unit_write_file("root/proc/7/cgroup", "2:blkio:/vm\n1:cpu:/elsewhere\n");
	verb = a_verb(3, 5000);
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 3, -ESTALE, "does not hold process 7");
	UNIT_EQUAL_I64(-1, quota_in_tree());
	helper_stop(helper);
}

/* Nothing listens at either path: only the one that is ours is tried at all. */
static void test_monitors(void)
{
	const char *const ours = "/run/ours.qmp";
	const struct helper_options options = { .root = tree(), .monitors = { &ours, 1 } };
	struct verb verb = a_verb(1, 0);
	struct helper *helper;

	make_tree();
	UNIT_EQUAL_I64(0, helper_start(&helper, &options, NULL));
	verb.value = (struct knob_value){ .knob = KNOB_DISK, .disk.read_bytes_s = 7 };
	strcpy(verb.target.vdisk, "vda");
	snprintf(verb.target.qmp_socket, TARGET_TEXT, "%s/libvirt.qmp", unit_folder());
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 1, -EPERM, "vm: no qmp-socket of the configuration is ");
	strcpy(verb.target.qmp_socket, ours);
	verb.seq = 2;
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 2, -ENOENT, "/run/ours.qmp: No such file");
	helper_stop(helper);
}

static void test_garbage(void)
{
	struct helper *helper = start(0);
	char bytes[sizeof(struct verb) + 1];
	const size_t sizes[] = { 0, 1, 8, 100, sizeof bytes - 2, sizeof bytes };
	uint64_t seed = 77;
	struct applied applied;
	struct verb verb = a_verb(9, 7000);

	printf("seed %llu\n", (unsigned long long)seed);
	memset(bytes, 0xee, sizeof bytes);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		UNIT_EQUAL_I64((long)sizes[i], send(helper_fd(helper), bytes, sizes[i], 0));
		UNIT_EQUAL_I64(1, receive(helper, &applied));
		UNIT_EQUAL_I64(-EINVAL, applied.result);
		UNIT_CONTAINS("another size", applied.error.text);
	}
	for (unsigned i = 0; i < unit_rounds(200); i++) {
		for (size_t at = 0; at < sizeof verb; at++)
			bytes[at] = (char)unit_random(&seed);
		UNIT_EQUAL_I64(sizeof verb, send(helper_fd(helper), bytes, sizeof verb, 0));
		UNIT_EQUAL_I64(1, receive(helper, &applied));
		UNIT_TRUE(applied.result < 0);
	}
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	expect(helper, 9, 0, "");
	helper_stop(helper);
}

/* The queue of what it has not taken is bounded: it says so at once. */
static void test_never_blocks(void)
{
	struct helper *helper = start(0);
	struct verb verb = a_verb(0, 5000);
	unsigned sent = 0, received = 0;
	struct applied applied;
	int result = 0;

	kill(child_of_ours(), SIGSTOP);
	for (; sent < 100000 && !result; sent += !result) {
		verb.seq = sent;
		result = helper_send(helper, &verb);
	}
	UNIT_EQUAL_I64(-EAGAIN, result);
	kill(child_of_ours(), SIGCONT);
	for (; received < sent && receive(helper, &applied) == 1; received++)
		UNIT_EQUAL_U64(received, applied.seq);
	UNIT_EQUAL_U64(sent, received);
	helper_stop(helper);
}

static void test_child_killed(void)
{
	struct helper *helper = start(0);
	struct verb verb = a_verb(1, 5000);
	struct applied applied;

	kill(child_of_ours(), SIGKILL);
	UNIT_EQUAL_I64(-EPIPE, receive(helper, &applied));
	UNIT_EQUAL_I64(-EPIPE, helper_send(helper, &verb));
	helper_stop(helper);
}

/* A daemon that is killed: its child ends by itself, and what it wrote stays. */
static void test_daemon_killed(void)
{
	struct applied applied;
	int status = -1, pipes[2];
	pid_t child = 0;

	UNIT_EQUAL_I64(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	UNIT_EQUAL_I64(0, pipe(pipes));
	make_tree();
	pid_t daemon = fork();

	if (daemon == 0) {
		struct helper *helper = start(0);
		struct verb verb = a_verb(1, 6000);

		child = child_of_ours();
		if (helper_send(helper, &verb) || receive(helper, &applied) != 1 ||
		    write(pipes[1], &child, sizeof child) != sizeof child)
			_exit(1);
		pause();
		_exit(1);
	}
	close(pipes[1]);
	UNIT_EQUAL_I64(sizeof child, read(pipes[0], &child, sizeof child));
	close(pipes[0]);
	kill(daemon, SIGKILL);
	UNIT_EQUAL_I64(daemon, waitpid(daemon, NULL, 0));
	UNIT_EQUAL_I64(child, waitpid(child, &status, 0));
	UNIT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	UNIT_EQUAL_I64(6000, quota_in_tree());
	prctl(PR_SET_CHILD_SUBREAPER, 0);
}

/* --- rights ------------------------------------------------------------------- */

/* From here on, capset(2) fails: its caller keeps the rights that it has. */
static int forbid_capset(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_capset, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof steps / sizeof *steps, steps };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a process of its own. Its status: 0 = the child served, 1 = it ended, 77 = cannot be tried. */
static int try_with_all_rights(bool dry_run)
{
	const struct helper_options options = { .root = tree(), .dry_run = dry_run };
	struct verb verb = a_verb(1, 5000);
	struct applied applied;
	struct helper *helper;
	struct error error;
	int status = 0;
	pid_t tester = fork();

	if (tester == 0) {
		if (geteuid() != 0 || forbid_capset())
			_exit(77);
		if (helper_start(&helper, &options, &error))
			_exit(2);
		helper_send(helper, &verb);
		_exit(receive(helper, &applied) == 1 ? 0 : 1);
	}
	UNIT_EQUAL_I64(tester, waitpid(tester, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_rights_that_stay(void)
{
	int status;

	make_tree();
	status = try_with_all_rights(false);
	if (status == 77) {
		printf("skipped: needs root, and seccomp\n");
		return;
	}
	UNIT_EQUAL_I64(1, status);
	UNIT_EQUAL_I64(0, try_with_all_rights(true));
}

static void test_no_new_rights(void)
{
	struct helper *helper;
	struct applied applied;
	struct verb verb = a_verb(1, 5000);
	char path[64], line[128];
	bool is_said = false;
	FILE *file;

	make_tree();
	helper = start(0);
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
	UNIT_EQUAL_I64(1, receive(helper, &applied));
	snprintf(path, sizeof path, "/proc/%d/status", (int)child_of_ours());
	file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		is_said |= strcmp(line, "NoNewPrivs:\t1\n") == 0;
	if (file)
		fclose(file);
	UNIT_TRUE(is_said);
	helper_stop(helper);
}

/* --- libvirt ------------------------------------------------------------------ */

static int silent_libvirtd(struct verb *verb)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/silent", unit_folder());
	unlink(address.sun_path);
	UNIT_EQUAL_I64(0, bind(fd, (const struct sockaddr *)&address, sizeof address));
	UNIT_EQUAL_I64(0, listen(fd, 8));
	verb->target.manager = DOMAIN_LIBVIRT;
	strcpy(verb->target.id, "6f1e0a6c-0001-4000-8000-000000000001");
	strcpy(verb->target.uuid, verb->target.id);
	snprintf(verb->target.uri, sizeof verb->target.uri, "qemu+unix:///system?socket=%s",
		 address.sun_path);
	return fd;
}

static void send_cpu(struct helper *helper, struct verb verb, uint64_t seq, int64_t quota_us)
{
	verb.seq = seq;
	verb.value.cpu.quota_us = quota_us;
	UNIT_EQUAL_I64(0, helper_send(helper, &verb));
}

static void expect_failsafe(struct helper *helper, uint64_t seq, int64_t quota_us)
{
	struct applied applied;

	UNIT_EQUAL_I64(1, receive(helper, &applied));
	UNIT_EQUAL_U64(seq, applied.seq);
	UNIT_EQUAL_I64(0, applied.result);
	UNIT_TRUE(applied.by_failsafe);
	UNIT_EQUAL_TEXT("cgroup", applied.actuator);
	UNIT_EQUAL_I64(quota_us, applied.value.cpu.quota_us);
}

static struct verb a_disk_verb(struct verb verb, uint64_t seq)
{
	verb.seq = seq;
	verb.value = (struct knob_value){ .knob = KNOB_DISK, .disk.read_bytes_s = 7 };
	strcpy(verb.target.vdisk, "vda");
	return verb;
}

/* 1 hangs, 2 waits and is replaced by 3, 4 is another's and goes at once. */
static void test_nobody_waits_for_libvirtd(void)
{
	struct helper *helper = start(LONG_MS);
	struct verb verb = a_verb(0, 0);
	int listener = silent_libvirtd(&verb);
	struct pollfd connected = { .fd = listener, .events = POLLIN };

	send_cpu(helper, verb, 1, 3000);
	/* Until it has connected, the first might still wait and be replaced itself. */
	UNIT_EQUAL_I64(1, poll(&connected, 1, LONG_MS));
	send_cpu(helper, verb, 2, 4000);
	send_cpu(helper, verb, 3, 5000);
	expect(helper, 2, -ECANCELED, "a newer setting replaces it");
	send_cpu(helper, a_verb(0, 0), 4, 2000);
	expect(helper, 4, 0, "");
	UNIT_EQUAL_I64(2000, quota_in_tree());
	kill(child_of_ours(), SIGKILL);
	helper_stop(helper);
	close(listener);
}

static void test_failsafe(void)
{
	struct helper *helper = start(0.2);
	struct verb verb = a_verb(0, 0), disk;
	int listener = silent_libvirtd(&verb);

	send_cpu(helper, verb, 1, 3000);
	expect_failsafe(helper, 1, 3000);
	UNIT_EQUAL_I64(3000, quota_in_tree());
	disk = a_disk_verb(verb, 2);
	UNIT_EQUAL_I64(0, helper_send(helper, &disk));
	expect(helper, 2, -ETIMEDOUT, "libvirt has not answered for 0.2 s");
	/* In the order in which they came, the last one stays. */
	send_cpu(helper, verb, 3, 4000);
	send_cpu(helper, verb, 4, 5000);
	expect_failsafe(helper, 3, 4000);
	expect_failsafe(helper, 4, 5000);
	/* What is not in a cgroup of its own cannot be held so. */
	verb.target.cpu_cgroup[0] = '\0';
	send_cpu(helper, verb, 5, 6000);
	expect(helper, 5, -ETIMEDOUT, "libvirt has not answered");
	helper_stop(helper);
	UNIT_EQUAL_I64(5000, quota_in_tree());
	close(listener);
}

int main(void)
{
	return UNIT_RUN(
		"helper",
		{ "the child writes, reads back, and heeds no signal of the daemon's",
		  test_writes_and_reads_back },
		{ "a process or a cgroup that is another one by now is left alone",
		  test_another_process },
		{ "monitors that the configuration does not name are not opened", test_monitors },
		{ "packets that are no verbs are refused, and it goes on", test_garbage },
		{ "sending never blocks, and nothing is lost", test_never_blocks },
		{ "a killed child is noticed", test_child_killed },
		{ "a killed daemon leaves its limits, and no child", test_daemon_killed },
		{ "a child that cannot give up its rights ends, but in a dry run",
		  test_rights_that_stay },
		{ "the child cannot gain rights", test_no_new_rights },
		{ "a silent libvirtd delays nobody, and newer replaces older",
		  test_nobody_waits_for_libvirtd },
		{ "what a silent libvirtd does not do is done in the cgroup", test_failsafe });
}
