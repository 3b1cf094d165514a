/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the privileged child refuses, on a tree that stands in for /proc and cgroups. */
#include "vmenergyd/actuator/guard.h"

#include "tests/unit/proc-fixture.h"

enum { VM = 100, OTHER = 200 };
#define SCOPE "/qemu.slice/100.scope"

static struct rootfs root;
static struct actuator_room room;
static struct error error;

static void put(pid_t pid, const char *cmdline, const char *cgroup)
{
	char text[256];

	snprintf(text, sizeof text, "0::%s\n", cgroup);
	fixture_process(&(struct fixture_process){
		.pid = pid, .cmdline = cmdline, .cgroup = text, .comm = "x" });
}

static void begin(const char *name)
{
	fixture_begin(name, &root);
	fixture_mounts("v2");
	put(1, "/sbin/init|", "/init.scope");
	put(OTHER, "sshd|", "/system.slice/ssh.service");
	put(VM, "qemu-system-x86_64|", SCOPE);
	fixture_write("100\n", "/sys/fs/cgroup%s/cgroup.procs", SCOPE);
	fixture_write("", "/sys/fs/cgroup/qemu.slice/cgroup.procs");
	fixture_write("300\n", "/sys/fs/cgroup/qemu.slice/300.scope/cgroup.procs");
	put(300, "qemu-system-x86_64|", "/qemu.slice/300.scope");
	fixture_write("200\n", "/sys/fs/cgroup/system.slice/ssh.service/cgroup.procs");
	UNIT_EQUAL_I64(0, actuator_room_open(&room, &root, false, &error));
}

static void end(void)
{
	actuator_room_close(&room);
	rootfs_close(&root);
}

static struct verb a_verb(pid_t pid, enum knob knob, const char *cgroup)
{
	struct verb verb = { .kind = VERB_SET,
			     .target = { .manager = DOMAIN_QEMU,
					 .name = "web",
					 .pid = pid,
					 .start_ticks = 1000 },
			     .value.knob = knob };

	snprintf(verb.target.cpu_cgroup, TARGET_TEXT, "%s", cgroup);
	snprintf(verb.target.io_cgroup, TARGET_TEXT, "%s", cgroup);
	return verb;
}

static void expect_of(const struct actuator *actuator, const struct verb *verb, int result,
		      const char *text)
{
	error.text[0] = '\0';
	UNIT_EQUAL_I64(result, guard_check(&room, actuator, verb, &error));
	UNIT_CONTAINS(text, error.text);
}

static void expect(pid_t pid, enum knob knob, const char *cgroup, int result, const char *text)
{
	const struct verb verb = a_verb(pid, knob, cgroup);

	expect_of(&actuator_cgroup, &verb, result, text);
}

static void test_cgroups(void)
{
	begin("cgroups");
	for (int knob = KNOB_CPU; knob <= KNOB_DISK; knob++) {
		expect(VM, (enum knob)knob, SCOPE, 0, "");
		expect(VM, (enum knob)knob, "/qemu.slice", -ESTALE,
		       "holds others than process 100");
		expect(VM, (enum knob)knob, "/system.slice", -ESTALE, "does not hold process 100");
	}
	/* A script of its own is no other. */
	fixture_process(&(struct fixture_process){ .pid = 101, .comm = "bridge", .parent = VM });
	fixture_write("100\n101\n", "/sys/fs/cgroup%s/cgroup.procs", SCOPE);
	actuator_room_close(&room);
	UNIT_EQUAL_I64(0, actuator_room_open(&room, &root, false, &error));
	expect(VM, KNOB_CPU, SCOPE, 0, "");
	/* It is there no more, whatever was known. */
	put(VM, "qemu-system-x86_64|", "/elsewhere");
	expect(VM, KNOB_CPU, SCOPE, -ESTALE, "does not hold process 100");
	end();
}

static void test_processes(void)
{
	struct verb verb;

	begin("processes");
	expect(OTHER, KNOB_CPU, "/system.slice/ssh.service", -EPERM, "process 200 is no QEMU");
	expect(OTHER, KNOB_PLACE, "", -EPERM, "process 200 is no QEMU");
	expect(1, KNOB_PLACE, "", -EPERM, "process 1 is no QEMU");
	verb = a_verb(OTHER, KNOB_DISK, "");
	expect_of(&actuator_qmp, &verb, -EPERM, "process 200 is no QEMU");
	/* What is written past libvirt is no exception; libvirt itself knows better. */
	verb = a_verb(OTHER, KNOB_CPU, "/system.slice/ssh.service");
	verb.target.manager = DOMAIN_LIBVIRT;
	expect_of(&actuator_cgroup, &verb, -EPERM, "process 200 is no QEMU");
	expect_of(&actuator_libvirt, &verb, 0, "");
	verb = a_verb(VM, KNOB_CPU, SCOPE);
	verb.target.start_ticks = 999;
	expect_of(&actuator_cgroup, &verb, -ESRCH, "another one by now");
	/* A young process becomes one when it calls exec. */
	put(OTHER, "kvm|", "/system.slice/ssh.service");
	expect(OTHER, KNOB_CPU, "/system.slice/ssh.service", 0, "");
	end();
}

static void expect_move(const char *to, int result)
{
	struct verb verb = a_verb(VM, KNOB_PLACE, "");

	strcpy(verb.value.place.cpu_cgroup, to);
	strcpy(verb.value.place.io_cgroup, to);
	expect_of(&actuator_cgroup, &verb, result, result ? "is none of ours" : "");
}

static void test_places(void)
{
	begin("places");
	expect_move("/vmenergy/100", 0);
	expect_move("/vmenergy", -EPERM);
	expect_move("/vmenergyx", -EPERM);
	expect_move("/system.slice/ssh.service", -EPERM);
	expect_move("/", -EPERM);
	expect_move(SCOPE, 0);
	put(VM, "qemu-system-x86_64|", "/vmenergy/100");
	expect_move("/system.slice", -EPERM);
	expect_move(SCOPE, 0);
	/* Somebody else has moved it: that is where it goes back to. */
	put(VM, "qemu-system-x86_64|", "/theirs");
	expect_move("/vmenergy/100", 0);
	put(VM, "qemu-system-x86_64|", "/vmenergy/100");
	expect_move("/theirs", 0);
	expect_move(SCOPE, -EPERM);
	end();
}

/* Who serves a VM's disk is limited for its sake, be it there or not; and nobody else. */
static void test_services(void)
{
	static const char *const monitors[] = { "/run/ours" };
	struct verb verb = a_verb(VM, KNOB_DISK, "");

	begin("services");
	room.monitors = (struct monitor_list){ monitors, 1 };
	put(400, "qemu-storage-daemon|", "/system.slice/storage.service");
	fixture_thread(&(struct fixture_process){ .pid = 400 }, 401, "IO x", NULL);
	verb.target.service = (struct target_service){ .pid = 400, .start_ticks = 1000 };
	strcpy(verb.target.service.group, "g");
	strcpy(verb.target.service.qmp_socket, "/run/ours");
	expect_of(&actuator_service, &verb, 0, "");
	verb.target.pid = 999; /* it has ended */
	expect_of(&actuator_service, &verb, 0, "");
	strcpy(verb.target.service.qmp_socket, "/run/theirs");
	expect_of(&actuator_service, &verb, -EPERM, "no qmp-socket of the configuration");
	verb.target.service.group[0] = '\0';
	verb.target.service.tid = 401;
	expect_of(&actuator_service, &verb, 0, "");
	verb.target.service.tid = 400;
	expect_of(&actuator_service, &verb, -ESRCH, "no thread 400 of its own");
	verb.target.service.tid = OTHER;
	expect_of(&actuator_service, &verb, -ESRCH, "no thread 200 of its own");
	verb.target.service = (struct target_service){ .pid = OTHER, .start_ticks = 1000 };
	expect_of(&actuator_service, &verb, -EPERM, "process 200 is no storage daemon");
	verb.target.service.start_ticks = 1;
	expect_of(&actuator_service, &verb, -ESRCH, "another one by now");
	end();
}

static void test_restart(void)
{
	begin("restart");
	put(VM, "qemu-system-x86_64|", "/vmenergy/100");
	expect_move(SCOPE, 0);
	put(VM, "qemu-system-x86_64|", SCOPE);
	expect_move("/system.slice", -EPERM);
	end();
}

int main(void)
{
	return UNIT_RUN(
		"guard",
		{ "a cgroup that holds others, or not the VM, is not written", test_cgroups },
		{ "processes that are no QEMU are let alone", test_processes },
		{ "a VM goes to a place of ours and back, nowhere else", test_places },
		{ "a storage daemon is limited, and no other process", test_services },
		{ "after a restart it may go back where its daemon says", test_restart });
}
