/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recorded folders of cgroup v1 and v2 machines. */
#include "probe/cputime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/cputime-scene.h"

enum { SKIPPED = 77 };

static void write_v1(const char *usage)
{
	unit_write_file("v1/proc/self/mountinfo",
			"32 31 0:29 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
			"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	unit_write_file("v1/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "100 20 0 3 \n");
	unit_write_file("v1/sys/fs/cgroup/cpuacct/machine/a/cpuacct.usage", usage);
	unit_write_file("v1/proc/100/task/101/schedstat", "1000 5 7\n");
	unit_write_file("v1/proc/100/task/102/schedstat", "2000 5 7\n");
}

static void test_v1(void)
{
	struct domain_reading *reading;
	struct event_set events;
	struct scene scene;

	write_v1("5000\n");
	scene_open(&scene, "v1");
	cputime_events(&events);
	UNIT_EQUAL_U64(1, events.count);
	UNIT_EQUAL_TEXT(CPUTIME_EVENT, events.names[0]);
	UNIT_CONTAINS("usage_percpu", cputime_total_source(scene.cputime));
	UNIT_TRUE(cputime_note(scene.cputime) == NULL);
	scene.domain.cgroup = (char[]){ "/machine/a" };
	scene.threads[0] = make_thread(101, THREAD_VCPU);
	scene.threads[1] = make_thread(102, THREAD_IOTHREAD);
	scene.threads[2] = make_thread(103, THREAD_VCPU); /* not there */
	scene.threads[3] = make_thread(102, THREAD_WORKER);
	scene.threads[3].sampled = false;
	scene_follow(&scene, 4);
	reading = scene_read(&scene);
	check_count(1000, &reading->threads[0]);
	check_count(2000, &reading->threads[1]);
	check_missing(&reading->threads[2]);
	UNIT_EQUAL_U64(0, reading->threads[3].at_ns);
	UNIT_EQUAL_U64(0, reading->threads[3].quality);
	UNIT_EQUAL_I64(TOTAL_CGROUP, reading->total_source);
	check_count(5000, &reading->total);
	UNIT_EQUAL_U64(123, scene_total(&scene));
	unit_write_file("v1/proc/100/task/101/schedstat", "1500 6 8\n");
	unit_write_file("v1/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "200 20 0 3 \n");
	reading = scene_read(&scene);
	check_count(1500, &reading->threads[0]);
	UNIT_EQUAL_U64(223, scene_total(&scene));
	UNIT_TRUE(scene.sample.packages[0].total.at_ns >= reading->total.at_ns);
	scene_close(&scene);
}

/* Through a topology that has one thread more, before the service's. */
static void test_threads_of_a_service(void)
{
	struct thread threads[] = { make_thread(300, THREAD_EMULATOR),
				    make_thread(301, THREAD_IOTHREAD),
				    make_thread(302, THREAD_IOTHREAD) };
	struct scene scene;

	write_v1("5000\n");
	unit_write_file("v1/proc/300/task/300/schedstat", "10 1 1\n");
	unit_write_file("v1/proc/300/task/301/schedstat", "600 1 1\n");
	threads[0].sampled = false;
	scene_open(&scene, "v1");
	scene.threads[0] = make_thread(101, THREAD_VCPU);
	scene.threads[1] = make_thread(102, THREAD_IOTHREAD);
	scene.service = (struct service){ .id = none, .name = none, .pid = 300 };
	scene.service.threads = threads;
	scene.service.thread_count = 3;
	scene.topology.services = &scene.service;
	scene.topology.service_count = 1;
	for (size_t count = 1; count <= 2; count++) {
		struct service_reading *reading;

		scene_follow(&scene, count);
		check_count(1000, &scene_read(&scene)->threads[0]);
		reading = scene.sample.services;
		UNIT_EQUAL_U64(0, reading->threads[0].at_ns); /* not sampled */
		check_count(600, &reading->threads[1]);
		check_missing(&reading->threads[2]); /* not there */
	}
	scene_close(&scene);
}

static void test_reading_needs_the_followed_topology(void)
{
	struct scene scene;

	write_v1("5000\n");
	scene_open(&scene, "v1");
	scene_follow(&scene, 0);
	scene.topology.generation++;
	UNIT_EQUAL_I64(0, sample_prepare(&scene.sample, &scene.topology));
	UNIT_EQUAL_I64(-EINVAL, cputime_read_parts(scene.cputime, &scene.topology, &scene.sample));
	scene_close(&scene);
}

static void test_broken_numbers_are_missing(void)
{
	struct domain_reading *reading;
	struct scene scene;

	write_v1("many\n");
	unit_write_file("v1/proc/100/task/101/schedstat", "\n");
	scene_open(&scene, "v1");
	scene.domain.cgroup = (char[]){ "/machine/a" };
	scene.threads[0] = make_thread(101, THREAD_VCPU);
	scene_follow(&scene, 1);
	reading = scene_read(&scene);
	check_missing(&reading->threads[0]);
	check_missing(&reading->total);
	UNIT_EQUAL_I64(TOTAL_NONE, reading->total_source);
	scene_close(&scene);
}

/* vhost-100 stands in the root, kvm-pit in the domain's cgroup, and both outside the process. */
static void test_workers_count_once(void)
{
	struct domain_reading *reading;
	struct scene scene;

	write_v1("5000\n");
	unit_write_file("v1/proc/200/schedstat", "70 1 1\n");
	unit_write_file("v1/proc/200/cgroup", "7:blkio:/machine/a\n2:cpuacct:/\n0::/machine/a\n");
	unit_write_file("v1/proc/201/schedstat", "900 1 1\n");
	unit_write_file("v1/proc/201/cgroup", "2:cpu,cpuacct:/machine/a/emulator\n0::/\n");
	unit_write_file("v1/proc/202/schedstat", "8 1 1\n");
	unit_write_file("v1/proc/202/cgroup", "2:cpuacct:/machine/abc\n");
	scene_open(&scene, "v1");
	scene.domain.cgroup = (char[]){ "/machine/a" };
	scene.threads[0] = make_thread(200, THREAD_VHOST);
	scene.threads[1] = make_thread(201, THREAD_KVM);
	scene.threads[2] = make_thread(202, THREAD_KVM);
	scene.threads[2].sampled = false;
	scene_follow(&scene, 3);
	reading = scene_read(&scene);
	check_count(70, &reading->threads[0]);
	check_count(900, &reading->threads[1]);
	UNIT_EQUAL_U64(0, reading->threads[2].at_ns);
	check_count(5000 + 70 + 8, &reading->total);
	/* What ended stays; what comes is added. */
	unit_write_file("v1/proc/200/schedstat", "80 1 1\n");
	check_count(5000 + 80 + 8, &scene_read(&scene)->total);
	scene.threads[0] = scene.threads[2];
	scene_follow(&scene, 1);
	check_count(5000 + 80 + 8, &scene_read(&scene)->total);
	scene.threads[1] = make_thread(200, THREAD_VHOST);
	scene.threads[1].start_ticks = 10;
	unit_write_file("v1/proc/200/schedstat", "5 1 1\n");
	scene_follow(&scene, 2);
	check_count(5000 + 80 + 8 + 5, &scene_read(&scene)->total);
	scene_close(&scene);
}

/* The cgroup becomes known later: nothing may count twice from then on. */
static void test_workers_are_placed_again(void)
{
	struct scene scene;

	write_v1("5000\n");
	unit_write_file("v1/proc/201/schedstat", "900 1 1\n");
	unit_write_file("v1/proc/201/cgroup", "2:cpuacct:/machine/a\n");
	scene_open(&scene, "v1");
	scene.threads[0] = make_thread(201, THREAD_VHOST);
	scene_follow(&scene, 1);
	check_missing(&scene_read(&scene)->total);
	scene.domain.cgroup = (char[]){ "/machine/a" };
	scene_follow(&scene, 1);
	check_count(5000, &scene_read(&scene)->total);
	scene_close(&scene);
}

/* A virtiofsd that libvirt put there has its own total: the cgroup's would have it once more. */
static void test_a_service_in_the_cgroup_counts_once(void)
{
	struct domain_reading *reading;
	struct scene scene;

	write_v1("5000\n");
	unit_write_file("v1/proc/300/cgroup", "2:cpuacct:/machine/a/emulator\n0::/\n");
	scene_open(&scene, "v1");
	scene.domain.cgroup = (char[]){ "/machine/a" };
	scene.service = (struct service){ .id = none, .name = none, .pid = 300 };
	scene.topology.services = &scene.service;
	scene_follow(&scene, 0);
	check_count(5000, &scene_read(&scene)->total);
	scene.topology.service_count = 1;
	scene_follow(&scene, 0);
	reading = scene_read(&scene);
	UNIT_TRUE(reading->total_source != TOTAL_CGROUP);
	check_missing(&reading->total); /* nobody's clock runs in a recorded folder */
	unit_write_file("v1/proc/300/cgroup", "2:cpuacct:/machine/ab\n0::/machine/a\n");
	scene_follow(&scene, 0);
	UNIT_TRUE(scene_read(&scene)->total_source != TOTAL_CGROUP);
	unit_write_file("v1/proc/300/cgroup", "2:cpuacct:/machine/ab\n0::/system/x\n");
	scene_follow(&scene, 0);
	check_count(5000, &scene_read(&scene)->total);
	scene_close(&scene);
}

static void write_v2(void)
{
	unit_write_file("v2/proc/self/mountinfo",
			"35 22 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	unit_write_file("v2/sys/fs/cgroup/cgroup.controllers", "cpu io\n");
	unit_write_file("v2/sys/fs/cgroup/cpu.stat", "usage_usec 999999\n");
	unit_write_file("v2/sys/fs/cgroup/cgroup.threads", "2\n3\n");
	unit_write_file("v2/sys/fs/cgroup/system.slice/cpu.stat",
			"usage_usec 30\nuser_usec 20\nsystem_usec 10\n");
	unit_write_file("v2/sys/fs/cgroup/machine.slice/cpu.stat",
			"user_usec 1\nusage_usec 500\nsystem_usec 10\n");
	unit_write_file("v2/sys/fs/cgroup/machine.slice/x.scope/cpu.stat", "usage_usec 400\n");
	unit_write_file("v2/proc/2/schedstat", "7 1 1\n");
	unit_write_file("v2/proc/3/schedstat", "8 1 1\n");
}

static void test_v2(void)
{
	struct domain_reading *reading;
	struct scene scene;

	write_v2();
	scene_open(&scene, "v2");
	UNIT_CONTAINS("v2", cputime_total_source(scene.cputime));
	scene.domain.cgroup = (char[]){ "/machine.slice/x.scope" };
	scene_follow(&scene, 0);
	reading = scene_read(&scene);
	UNIT_EQUAL_I64(TOTAL_CGROUP, reading->total_source);
	check_count(400000, &reading->total);
	UNIT_EQUAL_U64(530000 + 15, scene_total(&scene));
	UNIT_TRUE(cputime_note(scene.cputime) == NULL);
	scene_close(&scene);
}

static void test_v2_user_tasks_in_the_root_are_told(void)
{
	struct scene scene;
	char path[512];

	write_v2();
	unit_write_file("v2/sys/fs/cgroup/cgroup.threads", "2\n3\n6\n");
	unit_write_file("v2/proc/6/schedstat", "1 1 1\n");
	snprintf(path, sizeof path, "%s/v2/proc/6/exe", unit_folder());
	UNIT_EQUAL_I64(0, symlink("/usr/bin/make", path));
	scene_open(&scene, "v2");
	UNIT_EQUAL_U64(530000 + 16, scene_total(&scene));
	UNIT_CONTAINS("short-lived", cputime_note(scene.cputime));
	scene_close(&scene);
}

static void remove_file(const char *path)
{
	char full[512];

	snprintf(full, sizeof full, "%s/%s", unit_folder(), path);
	if (remove(full))
		perror(full);
}

static void test_v2_total_keeps_what_ended(void)
{
	struct scene scene;

	write_v2();
	scene_open(&scene, "v2");
	UNIT_EQUAL_U64(530000 + 15, scene_total(&scene));
	unit_write_file("v2/sys/fs/cgroup/cgroup.threads", "3\n4\n");
	unit_write_file("v2/proc/4/schedstat", "100 1 1\n"); /* new */
	UNIT_EQUAL_U64(530000 + 15 + 100, scene_total(&scene));
	remove_file("v2/sys/fs/cgroup/system.slice/cpu.stat");
	remove_file("v2/sys/fs/cgroup/system.slice");
	UNIT_EQUAL_U64(530000 + 15 + 100, scene_total(&scene));
	unit_write_file("v2/sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 1\n");
	UNIT_EQUAL_U64(531000 + 15 + 100, scene_total(&scene));
	UNIT_EQUAL_U64(531000 + 15 + 100, scene_total(&scene));
	/* The id is another thread's now. */
	unit_write_file("v2/proc/4/schedstat", "20 1 1\n");
	UNIT_EQUAL_U64(531000 + 15 + 120, scene_total(&scene));
	scene_close(&scene);
	remove_file("v2/sys/fs/cgroup/user.slice/cpu.stat");
	remove_file("v2/sys/fs/cgroup/user.slice");
}

/* An hour of CPU time did not pass since the last reading: its old group has counted it. */
static void test_v2_total_does_not_count_moved_tasks_twice(void)
{
	struct scene scene;

	write_v2();
	scene_open(&scene, "v2");
	UNIT_EQUAL_U64(530000 + 15, scene_total(&scene));
	unit_write_file("v2/sys/fs/cgroup/cgroup.threads", "2\n3\n5\n");
	unit_write_file("v2/proc/5/schedstat", "3600000000000 1 1\n");
	UNIT_EQUAL_U64(530000 + 15, scene_total(&scene));
	unit_write_file("v2/proc/5/schedstat", "3600000000050 1 1\n");
	UNIT_EQUAL_U64(530000 + 15 + 50, scene_total(&scene));
	scene_close(&scene);
}

/* For a moment: it is absent, and it is said; then it counts on. */
static void test_unreadable_total(void)
{
	struct error error = { "" };
	struct scene scene;

	write_v1("5000\n");
	scene_open(&scene, "v1");
	UNIT_EQUAL_U64(123, scene_total(&scene));
	UNIT_TRUE(cputime_note(scene.cputime) == NULL);
	unit_write_file("v1/sys/fs/cgroup/cpuacct/cpuacct.usage_percpu", "nonsense\n");
	UNIT_EQUAL_I64(0, sample_prepare(&scene.sample, &scene.topology));
	UNIT_EQUAL_I64(0, cputime_read_total(scene.cputime, &scene.sample, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(1, scene.sample.package_count);
	UNIT_TRUE(scene.sample.packages[0].total.quality & QUALITY_MISSING);
	UNIT_EQUAL_U64(0, scene.sample.packages[0].total.at_ns);
	UNIT_CONTAINS("usage_percpu", cputime_note(scene.cputime));
	write_v1("5000\n");
	UNIT_EQUAL_U64(123, scene_total(&scene));
	UNIT_TRUE(cputime_note(scene.cputime) == NULL);
	scene_close(&scene);
}

static void test_no_total_is_an_error(void)
{
	struct cputime *cputime;
	struct error error;
	struct rootfs root;
	char path[512];

	unit_write_file("v0/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	snprintf(path, sizeof path, "%s/v0", unit_folder());
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, &error));
	UNIT_EQUAL_I64(-ENOTSUP, cputime_open(&cputime, &root, &error));
	UNIT_CONTAINS("neither cgroup v1 cpuacct nor cgroup v2", error.text);
	UNIT_TRUE(cputime == NULL);
	rootfs_close(&root);
}

static void test_no_descriptor_leaks(void)
{
	unsigned before = unit_count_descriptors();
	struct scene scene;

	write_v1("5000\n");
	unit_write_file("v1/proc/200/schedstat", "70 1 1\n");
	scene_open(&scene, "v1");
	scene.threads[0] = make_thread(101, THREAD_VCPU);
	scene.threads[1] = make_thread(102, THREAD_VCPU);
	scene.threads[2] = make_thread(200, THREAD_VHOST);
	scene.domain.cgroup = (char[]){ "/machine/a" };
	for (unsigned i = 0; i < 3000; i++) {
		scene.threads[i % 3].start_ticks = i; /* another thread under the same id */
		scene.domain.start_ticks = i / 100;
		scene_follow(&scene, i % 4);
		if (i % 50 == 0)
			scene_read(&scene);
	}
	UNIT_TRUE(unit_count_descriptors() < before + 10);
	scene_close(&scene);
	UNIT_EQUAL_U64(before, unit_count_descriptors());
}

/* With so few descriptors that none can be kept. Exit status. */
static int read_with_few_descriptors(void)
{
	const struct rlimit few = { .rlim_cur = 8, .rlim_max = 8 };
	unsigned failures = CU_get_number_of_failures();
	struct domain_reading *reading;
	struct scene scene;
	int failed;

	if (setrlimit(RLIMIT_NOFILE, &few))
		return SKIPPED;
	scene_open(&scene, "v1");
	scene.domain.cgroup = (char[]){ "/machine/a" };
	for (size_t i = 0; i < 4; i++)
		scene.threads[i] = make_thread(i % 2 ? 102 : 101, THREAD_VCPU);
	scene_follow(&scene, 4);
	reading = scene_read(&scene);
	failed = reading->threads[0].count[0] != 1000 || reading->threads[3].count[0] != 2000 ||
		 reading->total.count[0] != 5000 || scene_total(&scene) != 123 ||
		 !cputime_note(scene.cputime) || CU_get_number_of_failures() > failures;
	scene_close(&scene);
	return failed;
}

static void test_files_are_opened_for_each_reading_where_descriptors_run_out(void)
{
	int status = -1;
	pid_t child;

	write_v1("5000\n");
	child = fork();
	if (child == 0)
		_exit(read_with_few_descriptors());
	waitpid(child, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		fprintf(stderr, "(skipped: RLIMIT_NOFILE cannot be lowered here) ");
	else
		UNIT_EQUAL_I64(0, status);
}

int main(void)
{
	return UNIT_RUN(
		"probe-cputime", { "v1: threads, cgroup and machine are read", test_v1 },
		{ "the threads of a service are read by themselves", test_threads_of_a_service },
		{ "reading needs the topology that is followed",
		  test_reading_needs_the_followed_topology },
		{ "broken numbers are missing", test_broken_numbers_are_missing },
		{ "kernel workers count once, and stay when they end", test_workers_count_once },
		{ "workers are placed again when the cgroup gets known",
		  test_workers_are_placed_again },
		{ "a service in a domain's cgroup counts once",
		  test_a_service_in_the_cgroup_counts_once },
		{ "v2: cgroup and machine are read", test_v2 },
		{ "v2: the machine's total keeps what ended", test_v2_total_keeps_what_ended },
		{ "v2: moved tasks do not count twice",
		  test_v2_total_does_not_count_moved_tasks_twice },
		{ "v2: user tasks in the root are told", test_v2_user_tasks_in_the_root_are_told },
		{ "a total that cannot be read is missing, and comes back", test_unreadable_total },
		{ "no total at all is an error", test_no_total_is_an_error },
		{ "descriptors do not leak over generations", test_no_descriptor_leaks },
		{ "files are opened for each reading where descriptors run out",
		  test_files_are_opened_for_each_reading_where_descriptors_run_out });
}
