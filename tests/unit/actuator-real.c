/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's own cgroup v1, with processes of our own in it. Needs root. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "tests/unit/unit.h"
#include "vmenergyd/helper.h"

static struct rootfs root = { .prefix = NULL };
static struct actuator_room room;
static const char QEMU[] = "qemu-system-x86_64";

/* May cgroups be made here? Says what is missing otherwise. */
static bool can_run(void)
{
	struct error error;

	if (!root.prefix && rootfs_open(&root, NULL, &error) == 0)
		actuator_room_open(&room, &root, false, &error);
	if (geteuid() != 0)
		printf("skipped: needs root\n");
	else if (!*room.mounts.cpu || access(room.mounts.cpu, W_OK) || !*room.mounts.blkio)
		printf("skipped: needs cgroup v1 with cpu and blkio\n");
	else
		return true;
	return false;
}

static void *wait_for_ever(void *unused)
{
	pause();
	return unused;
}

/* What start_process() starts: two threads, one of which may spin. */
static int be_process(volatile bool spins)
{
	pthread_t thread;

	pthread_create(&thread, NULL, wait_for_ever, NULL);
	while (spins)
		;
	pause();
	return 0;
}

static bool is_process(char *const *arguments)
{
	return strcmp(arguments[0], QEMU) == 0;
}

/* This program under a name by which it counts as a VM. */
static void become_process(bool spins)
{
	char *const arguments[] = { unit_literal(QEMU), unit_literal(spins ? "spin" : "sleep"),
				    NULL };
	char path[512];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);

	if (length > 0) {
		path[length] = '\0';
		execv(path, arguments);
	}
	_exit(1);
}

static struct target start_process(bool spins)
{
	struct target target = { .manager = DOMAIN_QEMU, .name = "unit", .vcpus = 1 };
	struct proc_stat stat = { .start_ticks = 0 };

	target.pid = fork();
	if (target.pid == 0)
		become_process(spins);
	do
		UNIT_EQUAL_I64(0, proc_read_stat(&root, target.pid, 0, &stat));
	while (stat.threads < 2);
	target.start_ticks = stat.start_ticks;
	snprintf(target.id, sizeof target.id, "qemu:%d", (int)target.pid);
	return target;
}

static void end_process(const struct target *target)
{
	kill(target->pid, SIGKILL);
	waitpid(target->pid, NULL, 0);
}

static struct applied perform(const struct target *target, enum verb_kind kind,
			      const struct knob_value *value)
{
	const struct verb verb = { .kind = kind, .target = *target, .value = *value };
	struct applied applied;

	verb_perform(&room, &verb, &applied);
	return applied;
}

/* Where the process is now. */
static struct knob_value place_of(const struct target *target)
{
	const struct knob_value place = { .knob = KNOB_PLACE };
	struct applied applied = perform(target, VERB_GET, &place);

	UNIT_EQUAL_TEXT("", applied.error.text);
	return applied.value;
}

static struct knob_value our_place(const struct target *target)
{
	struct knob_value place = { .knob = KNOB_PLACE };

	snprintf(place.place.cpu_cgroup, TARGET_TEXT, "/vmenergy/unit-%d/deep", (int)target->pid);
	strcpy(place.place.io_cgroup, place.place.cpu_cgroup);
	return place;
}

static bool folder_exists(const char *mount, const char *path)
{
	char full[512];

	snprintf(full, sizeof full, "%s%s", mount, path);
	return access(full, F_OK) == 0;
}

/* Outside of ours nothing is made. */
static void expect_refusals(const struct target *target)
{
	struct knob_value elsewhere = { .knob = KNOB_PLACE };
	const char *mount = *room.mounts.cpu ? room.mounts.cpu : room.mounts.v2;

	strcpy(elsewhere.place.cpu_cgroup, "/vmenergy-unit-none");
	UNIT_EQUAL_I64(-EPERM, perform(target, VERB_SET, &elsewhere).result);
	UNIT_TRUE(!folder_exists(mount, "/vmenergy-unit-none"));
	strcpy(elsewhere.place.cpu_cgroup, "/vmenergy/../etc");
	UNIT_EQUAL_I64(-ERANGE, perform(target, VERB_SET, &elsewhere).result);
}

/* As a VM leaves it that has ended in its place. */
static void make_stale(const char *mount, const char *stale)
{
	char path[512];

	snprintf(path, sizeof path, "%s/vmenergy", mount);
	mkdir(path, 0755);
	snprintf(path, sizeof path, "%s%s", mount, stale);
	UNIT_TRUE(mkdir(path, 0755) == 0 || errno == EEXIST);
}

static void place_and_back(const char *cpu_controller, const char *const mounts[2])
{
	static const char stale[] = "/vmenergy/unit-stale";
	struct target target = start_process(false);
	struct knob_value original = place_of(&target), wanted = our_place(&target);
	struct applied applied;
	char parent[64];

	make_stale(mounts[0], stale);
	applied = perform(&target, VERB_SET, &wanted);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_TRUE(knob_value_equal(&wanted, &applied.value));
	UNIT_TRUE(!folder_exists(mounts[0], stale));
	UNIT_TRUE(cgroup_holds(&root, cpu_controller, wanted.place.cpu_cgroup, target.pid));
	expect_refusals(&target);
	UNIT_TRUE(cgroup_holds(&root, cpu_controller, wanted.place.cpu_cgroup, target.pid));
	applied = perform(&target, VERB_SET, &original);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_TRUE(knob_value_equal(&original, &applied.value));
	snprintf(parent, sizeof parent, "/vmenergy/unit-%d", (int)target.pid);
	for (unsigned i = 0; i < 2; i++)
		UNIT_TRUE(!folder_exists(mounts[i], parent));
	end_process(&target);
}

static void test_place_v1(void)
{
	if (can_run())
		place_and_back("cpu", (const char *const[]){ room.mounts.cpu, room.mounts.blkio });
}

/* Moving needs no controller: a hierarchy without any will do. */
static void test_place_v2(void)
{
	struct knob_value apart = { .knob = KNOB_PLACE };
	struct cgroup_mounts before;
	struct applied applied;
	struct target target;

	if (!can_run())
		return;
	if (!*room.mounts.v2) {
		printf("skipped: needs a cgroup v2 mount\n");
		return;
	}
	before = room.mounts;
	room.mounts = (struct cgroup_mounts){ .v2_cpu = true, .v2_io = true };
	strcpy(room.mounts.v2, before.v2);
	place_and_back(NULL, (const char *const[]){ room.mounts.v2, room.mounts.v2 });
	target = start_process(false);
	strcpy(apart.place.cpu_cgroup, "/vmenergy/a");
	strcpy(apart.place.io_cgroup, "/vmenergy/b");
	applied = perform(&target, VERB_SET, &apart);
	UNIT_EQUAL_I64(-EINVAL, applied.result);
	UNIT_CONTAINS("one place for both", applied.error.text);
	end_process(&target);
	room.mounts = before;
}

static double cpu_seconds(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		return 0;
	return (double)clock_read_ns(clock) * 1e-9;
}

/* Whatever else the machine does, a process cannot get more than its quota. */
static void expect_at_most(const struct target *target, double cpus)
{
	const struct timespec pause = { .tv_nsec = 400000000 };
	double begin = cpu_seconds(target->pid), from = (double)clock_now_ns() * 1e-9, used, time;

	nanosleep(&pause, NULL);
	used = cpu_seconds(target->pid) - begin;
	time = (double)clock_now_ns() * 1e-9 - from;
	printf("%.1f ms of CPU in %.1f ms\n", used * 1e3, time * 1e3);
	UNIT_TRUE(used > 0 && used <= cpus * 1.25 * time + 0.04);
}

static void remove_folders(const struct target *target)
{
	const char *const mounts[] = { room.mounts.cpu, room.mounts.blkio };
	char path[512];

	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/vmenergy/unit-%d/deep", mounts[i],
			 (int)target->pid);
		for (unsigned up = 0; up < 3; up++, *strrchr(path, '/') = '\0')
			rmdir(path);
	}
}

static void test_quota(void)
{
	struct knob_value cpu = { .knob = KNOB_CPU, .cpu = { 5000, 20000 } }, place;
	struct target target;
	struct applied applied;

	if (!can_run())
		return;
	target = start_process(true);
	place = our_place(&target);
	UNIT_EQUAL_I64(0, perform(&target, VERB_SET, &place).result);
	strcpy(target.cpu_cgroup, place.place.cpu_cgroup);
	applied = perform(&target, VERB_SET, &cpu);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_TRUE(knob_value_equal(&cpu, &applied.value));
	expect_at_most(&target, 0.25);
	/* The kernel's own refusal, put in words: the one above allows less. */
	*strrchr(target.cpu_cgroup, '/') = '\0';
	UNIT_EQUAL_I64(0, perform(&target, VERB_SET, &cpu).result);
	strcpy(target.cpu_cgroup, place.place.cpu_cgroup);
	cpu.cpu.quota_us = 6000;
	applied = perform(&target, VERB_SET, &cpu);
	UNIT_EQUAL_I64(-EINVAL, applied.result);
	UNIT_CONTAINS("allows above it: 5000/20000 us", applied.error.text);
	/* And the other way round: what is below has more. */
	*strrchr(target.cpu_cgroup, '/') = '\0';
	cpu.cpu.quota_us = 4000;
	applied = perform(&target, VERB_SET, &cpu);
	UNIT_EQUAL_I64(-EINVAL, applied.result);
	UNIT_CONTAINS("a cgroup below it has a larger part", applied.error.text);
	end_process(&target);
	remove_folders(&target);
}

static void test_shares(void)
{
	struct knob_value shares = { .knob = KNOB_SHARES, .shares = 250 }, place;
	struct target target;
	struct applied applied;

	if (!can_run())
		return;
	target = start_process(false);
	place = our_place(&target);
	UNIT_EQUAL_I64(0, perform(&target, VERB_SET, &place).result);
	strcpy(target.cpu_cgroup, place.place.cpu_cgroup);
	applied = perform(&target, VERB_GET, &shares);
	UNIT_EQUAL_U64(100, applied.value.shares);
	applied = perform(&target, VERB_SET, &shares);
	UNIT_EQUAL_TEXT("", applied.error.text);
	UNIT_EQUAL_U64(250, applied.value.shares);
	end_process(&target);
	remove_folders(&target);
}

int main(int count, char **arguments)
{
	int status;

	if (count == 2 && is_process(arguments))
		return be_process(strcmp(arguments[1], "spin") == 0);
	status = UNIT_RUN("actuator-real",
			  { "v1: a process gets a place of its own and goes back", test_place_v1 },
			  { "v2: a process gets a place of its own and goes back", test_place_v2 },
			  { "a quota holds a busy process; refusals are explained", test_quota },
			  { "shares are set and read back", test_shares });

	if (root.prefix)
		actuator_room_close(&room);
	rootfs_close(&root);
	return status;
}
