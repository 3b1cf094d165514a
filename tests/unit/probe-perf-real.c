/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real threads, counted by software events, against what they say of
 * themselves. A child's clocks are asked for before and after each reading, so
 * that they bound it, however long anything takes.
 */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/cgroupfs.h"
#include "tests/unit/perf-scene.h"

/* perf's clock has interrupts and stolen time in it, a thread's own has not. */
static uint64_t below(uint64_t ns)
{
	return ns - ns / 20;
}

static uint64_t above(uint64_t ns)
{
	return ns + ns / 20 + 10000000;
}

static void test_thread(void)
{
	struct cpu_reading first, second;
	struct used before, start, end, after;
	struct child child;
	struct scene scene;

	if (!scene_is_possible())
		return;
	child_start(&child);
	scene_open(&scene, NULL, child.pid);
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene_follow(&scene, 1);
	before = child.used;
	first = scene_read(&scene)->threads[0];
	start = child_do(&child, ' ');
	child_do(&child, 'b');
	end = child_do(&child, 'n');
	second = scene_read(&scene)->threads[0];
	after = child_do(&child, ' ');
	check_known(&first);
	check_known(&second);
	UNIT_TRUE(second.at_ns > first.at_ns);
	check_between(below(end.thread_ns - start.thread_ns),
		      above(after.thread_ns - before.thread_ns),
		      second.count[CLOCK] - first.count[CLOCK], "task clock");
	check_between(below(end.thread_ns - start.thread_ns),
		      above(after.thread_ns - before.thread_ns),
		      second.count[ON_CPU] - first.count[ON_CPU], "on-CPU time");
	check_between(end.switches - start.switches, after.switches - before.switches,
		      second.count[SWITCHES] - first.count[SWITCHES], "context switches");
	scene_close(&scene);
	child_end(&child);
}

static void test_sum(void)
{
	struct domain_reading *reading;
	struct child child;
	struct scene scene;
	uint64_t helper_ns, total_ns;

	if (!scene_is_possible())
		return;
	child_start(&child);
	child_do(&child, 'h');
	scene_open(&scene, NULL, child.pid);
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene.threads[1] = make_thread(child.used.helper, THREAD_WORKER);
	scene_follow(&scene, 2);
	child_do(&child, 'b');
	child_do(&child, 'e');
	reading = scene_read(&scene);
	UNIT_EQUAL_I64(TOTAL_PROCESS, reading->total_source);
	check_known(&reading->total);
	UNIT_EQUAL_U64(0, reading->threads[1].at_ns);
	helper_ns = reading->total.count[CLOCK] - reading->threads[0].count[CLOCK];
	total_ns = reading->total.count[CLOCK];
	check_between(below(BURN_NS), above(BURN_NS) * 2, helper_ns, "the ended helper");
	scene_follow(&scene, 1);
	reading = scene_read(&scene);
	check_known(&reading->total);
	UNIT_EQUAL_U64(helper_ns, reading->total.count[CLOCK] - reading->threads[0].count[CLOCK]);
	UNIT_TRUE(reading->total.count[CLOCK] >= total_ns);
	scene_close(&scene);
	child_end(&child);
}

static void test_vanished(void)
{
	struct domain_reading *reading;
	struct cpu_reading last, total;
	struct child child;
	struct scene scene;

	if (!scene_is_possible())
		return;
	child_start(&child);
	scene_open(&scene, NULL, child.pid);
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene_follow(&scene, 1);
	child_do(&child, 'b');
	last = scene_read(&scene)->threads[0];
	child_end(&child);
	reading = scene_read(&scene);
	check_known(&reading->threads[0]);
	UNIT_TRUE(reading->threads[0].count[CLOCK] >= last.count[CLOCK]);
	UNIT_EQUAL_U64(reading->threads[0].count[CLOCK], reading->total.count[CLOCK]);
	/* The same number, a different thread: what is known belongs to the old one. */
	scene.threads[0].start_ticks = 1;
	scene_follow(&scene, 1);
	total = reading->total;
	reading = scene_read(&scene);
	check_missing(&reading->threads[0]);
	check_known(&reading->total);
	UNIT_EQUAL_U64(total.count[CLOCK], reading->total.count[CLOCK]);
	/* As the last row of a domain that ended. */
	scene_follow(&scene, 0);
	reading = scene_read(&scene);
	check_known(&reading->total);
	UNIT_EQUAL_I64(TOTAL_PROCESS, reading->total_source);
	UNIT_EQUAL_U64(total.count[CLOCK], reading->total.count[CLOCK]);
	scene_close(&scene);
}

/* A live thread under a number that discovery saw another thread with. */
static void test_reused(void)
{
	struct domain_reading *reading;
	struct child child;
	struct scene scene;

	if (!scene_is_possible())
		return;
	child_start(&child);
	child_do(&child, 'h');
	scene_open(&scene, NULL, child.pid);
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene.threads[1] = make_thread(child.used.helper, THREAD_VCPU);
	scene.threads[1].start_ticks = 1;
	scene_follow(&scene, 2);
	child_do(&child, 'e');
	reading = scene_read(&scene);
	check_known(&reading->threads[0]);
	check_missing(&reading->threads[1]);
	check_known(&reading->total);
	UNIT_EQUAL_U64(reading->threads[0].count[CLOCK], reading->total.count[CLOCK]);
	UNIT_TRUE(perf_note(scene.perf) == NULL);
	scene_close(&scene);
	child_end(&child);
}

/* Beside the domain. */
static void follow_service(struct scene *scene, pid_t pid, struct thread *threads, size_t count)
{
	scene->service = (struct service){
		.id = none, .name = none, .pid = pid, .threads = threads, .thread_count = count
	};
	scene->topology.services = &scene->service;
	scene->topology.service_count = 1;
	scene_follow(scene, 0);
}

static void test_service_and_own(void)
{
	struct thread thread;
	struct child child;
	struct scene scene;
	struct cpu_reading own;
	uint64_t service_ns;

	if (!scene_is_possible())
		return;
	child_start(&child);
	scene_open(&scene, NULL, 0);
	thread = make_thread(child.pid, THREAD_EMULATOR);
	follow_service(&scene, child.pid, &thread, 1);
	check_missing(&scene_read(&scene)->total);
	UNIT_EQUAL_I64(TOTAL_NONE, scene.sample.domains[0].total_source);
	check_known(&scene.sample.services[0].total);
	service_ns = scene.sample.services[0].total.count[CLOCK];
	own = scene.sample.own;
	check_known(&own);
	child_do(&child, 'b');
	burn(NULL);
	scene_read(&scene);
	check_between(below(BURN_NS), above(2 * BURN_NS),
		      scene.sample.services[0].total.count[CLOCK] - service_ns, "the service");
	check_between(below(BURN_NS), above(10 * BURN_NS),
		      scene.sample.own.count[CLOCK] - own.count[CLOCK], "ourselves");
	scene_close(&scene);
	child_end(&child);
}

/* By the order that the kernel lists them in, and discovery does not. */
static void test_service_threads(void)
{
	struct service_reading *reading;
	struct thread threads[2];
	struct cpu_reading before;
	struct child child;
	struct scene scene;
	uint64_t service_ns;

	if (!scene_is_possible())
		return;
	child_start(&child);
	child_do(&child, 'h');
	scene_open(&scene, NULL, 0);
	threads[0] = make_thread(child.used.helper, THREAD_IOTHREAD);
	threads[1] = make_thread(child.pid, THREAD_EMULATOR);
	threads[0].sampled = true;
	follow_service(&scene, child.pid, threads, 2);
	scene_read(&scene);
	reading = scene.sample.services;
	check_known(&reading->threads[0]);
	UNIT_EQUAL_U64(0, reading->threads[1].at_ns);
	before = reading->threads[0];
	service_ns = reading->total.count[CLOCK];
	child_do(&child, 'b'); /* the other one computes */
	scene_read(&scene);
	reading = scene.sample.services;
	check_known(&reading->threads[0]);
	check_between(0, above(0), reading->threads[0].count[CLOCK] - before.count[CLOCK],
		      "the thread that waits");
	check_between(below(BURN_NS), above(2 * BURN_NS), reading->total.count[CLOCK] - service_ns,
		      "the service");
	scene_close(&scene);
	child_end(&child);
}

/* Workers of a service's pool come and go between two topologies. */
static void test_service_workers(void)
{
	struct thread thread;
	struct child child;
	struct scene scene;
	uint64_t before_ns, ended_ns;

	if (!scene_is_possible())
		return;
	child_start(&child);
	scene_open(&scene, NULL, 0);
	thread = make_thread(child.pid, THREAD_EMULATOR);
	follow_service(&scene, child.pid, &thread, 1);
	child_do(&child, 'h');
	scene_read(&scene);
	check_known(&scene.sample.services[0].total);
	before_ns = scene.sample.services[0].total.count[CLOCK];
	child_do(&child, 'e'); /* it computes, and ends */
	scene_read(&scene);
	ended_ns = scene.sample.services[0].total.count[CLOCK];
	check_between(below(BURN_NS), above(2 * BURN_NS), ended_ns - before_ns, "the worker");
	scene_read(&scene);
	UNIT_TRUE(scene.sample.services[0].total.count[CLOCK] >= ended_ns);
	scene_close(&scene);
	child_end(&child);
}

/* A thread of ours that began after the topology was followed. */
static void test_own_threads(void)
{
	struct helper helper = { 0 };
	struct scene scene;
	uint64_t before_ns;

	if (!scene_is_possible())
		return;
	scene_open(&scene, NULL, 0);
	scene_follow(&scene, 0);
	scene_read(&scene);
	obey('h', &helper);
	scene_read(&scene);
	before_ns = scene.sample.own.count[CLOCK];
	obey('e', &helper);
	scene_read(&scene);
	check_known(&scene.sample.own);
	check_between(below(BURN_NS), above(10 * BURN_NS),
		      scene.sample.own.count[CLOCK] - before_ns, "our thread");
	scene_close(&scene);
}

/* --- cgroups ------------------------------------------------------------------------------- */

static bool can_count_cgroup(const char *path)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_SOFTWARE,
					      .config = PERF_COUNT_SW_TASK_CLOCK,
					      .size = sizeof attributes };
	int folder = open(path, O_RDONLY | O_DIRECTORY);
	int fd =
		(int)syscall(SYS_perf_event_open, &attributes, folder, 0, -1, PERF_FLAG_PID_CGROUP);

	if (fd >= 0)
		close(fd);
	if (folder >= 0)
		close(folder);
	return fd >= 0;
}

/* A cgroup v2 folder of our own, its path and its name below the mount; or says why not. */
static bool make_cgroup(char path[256], const char **name)
{
	struct error error = { "" };
	struct cgroup_mounts mounts;
	struct rootfs root;

	rootfs_open(&root, NULL, &error);
	cgroup_find_mounts(&root, &mounts);
	rootfs_close(&root);
	snprintf(path, 256, "%s/vmenergy-test-%d", mounts.v2, (int)getpid());
	*name = path + strlen(mounts.v2);
	if (!mounts.v2[0] || mkdir(path, 0755)) {
		fprintf(stderr, "(skipped: no cgroup v2 hierarchy that we may write) ");
		return false;
	}
	if (can_count_cgroup(path))
		return true;
	rmdir(path);
	fprintf(stderr, "(skipped: perf cannot follow cgroup v2 here) ");
	return false;
}

static void enter_cgroup(const char *path, pid_t pid)
{
	char file[300];
	FILE *stream;

	snprintf(file, sizeof file, "%s/cgroup.procs", path);
	stream = fopen(file, "w");
	if (!stream || fprintf(stream, "%d\n", (int)pid) < 0 || fclose(stream))
		abort();
}

/* A child alone in a cgroup, and a domain of it. */
struct in_cgroup {
	char path[256];
	const char *name;
	struct child child;
	struct scene scene;
};

static bool in_cgroup_open(struct in_cgroup *in)
{
	if (!scene_is_possible() || !make_cgroup(in->path, &in->name))
		return false;
	child_start(&in->child);
	scene_open(&in->scene, NULL, in->child.pid);
	in->scene.domain.cgroup = unit_literal(in->name);
	in->scene.threads[0] = make_thread(in->child.pid, THREAD_VCPU);
	return true;
}

static struct domain_reading in_cgroup_read(struct in_cgroup *in, enum total_source source)
{
	struct domain_reading reading = *scene_read(&in->scene);

	check_known(&reading.total);
	UNIT_EQUAL_I64(source, reading.total_source);
	return reading;
}

static void in_cgroup_close(struct in_cgroup *in)
{
	scene_close(&in->scene);
	child_end(&in->child);
	UNIT_EQUAL_I64(0, rmdir(in->path));
}

static void test_cgroup(void)
{
	struct used before, after;
	struct cpu_reading first, second, thread;
	struct in_cgroup in;
	uint64_t used_ns;

	if (!in_cgroup_open(&in))
		return;
	/* The folder is there, but the process is not in it. */
	scene_follow(&in.scene, 1);
	in_cgroup_read(&in, TOTAL_PROCESS);
	enter_cgroup(in.path, in.child.pid);
	scene_follow(&in.scene, 1);
	child_do(&in.child, ' ');
	first = in_cgroup_read(&in, TOTAL_CGROUP).total;
	thread = in.scene.sample.domains[0].threads[0];
	before = child_do(&in.child, 'b');
	/* A thread that discovery never saw. */
	child_do(&in.child, 'h');
	after = child_do(&in.child, 'e');
	second = in_cgroup_read(&in, TOTAL_CGROUP).total;
	used_ns = after.process_ns - before.process_ns + BURN_NS;
	UNIT_TRUE(used_ns >= 2 * BURN_NS);
	check_between(below(used_ns), above(after.process_ns),
		      second.count[CLOCK] - first.count[CLOCK], "task clock of the cgroup");
	check_between(below(used_ns), above(after.process_ns),
		      second.count[ON_CPU] - first.count[ON_CPU], "on-CPU time of the cgroup");
	UNIT_TRUE(second.count[SWITCHES] - first.count[SWITCHES] >
		  in.scene.sample.domains[0].threads[0].count[SWITCHES] - thread.count[SWITCHES]);
	in_cgroup_close(&in);
}

/* A kernel worker may be a task of its own, and in no cgroup. One that is inside counts once. */
static void test_worker(void)
{
	uint64_t first_ns, second_ns;
	struct child worker;
	struct in_cgroup in;

	if (!in_cgroup_open(&in))
		return;
	child_start(&worker);
	enter_cgroup(in.path, in.child.pid);
	in.scene.threads[1] = make_thread(worker.pid, THREAD_VHOST);
	scene_follow(&in.scene, 2);
	first_ns = in_cgroup_read(&in, TOTAL_CGROUP).total.count[CLOCK];
	child_do(&worker, 'b');
	second_ns = in_cgroup_read(&in, TOTAL_CGROUP).total.count[CLOCK];
	check_between(below(BURN_NS), above(BURN_NS), second_ns - first_ns, "a worker outside");
	child_end(&worker);
	scene_follow(&in.scene, 1);
	first_ns = in_cgroup_read(&in, TOTAL_CGROUP).total.count[CLOCK];
	UNIT_TRUE(first_ns >= second_ns);
	child_start(&worker);
	enter_cgroup(in.path, worker.pid);
	in.scene.threads[1] = make_thread(worker.pid, THREAD_VHOST);
	scene_follow(&in.scene, 2);
	child_do(&worker, 'b');
	second_ns = in_cgroup_read(&in, TOTAL_CGROUP).total.count[CLOCK];
	check_between(below(BURN_NS), above(BURN_NS), second_ns - first_ns, "a worker inside");
	child_end(&worker);
	in_cgroup_close(&in);
}

/* --- descriptors for vCPUs, not for cgroups ------------------------------------------------ */

enum { SEATS = 16, SKIPPED = 77 };

static void *wait_for_ever(void *argument)
{
	__atomic_store_n((pid_t *)argument, gettid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return argument;
}

/* As many descriptors as all vCPUs need when nobody else has any; a quarter is left to others. */
static bool limit_descriptors(void)
{
	enum { PROBE_FILES = 2 };
	int next = dup(STDERR_FILENO);
	unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	rlim_t limit =
		((rlim_t)next + PROBE_FILES + SCENE_EVENTS * (rlim_t)(cpus + SEATS)) * 4 / 3 + 1;
	const struct rlimit limits = { .rlim_cur = limit, .rlim_max = limit };

	close(next);
	return setrlimit(RLIMIT_NOFILE, &limits) == 0;
}

/* What it finds: exit status, 0 = all as it should be. */
static int fill_seats(const char *path, const char *name)
{
	static pid_t tids[SEATS];
	struct scene scene;
	unsigned known = 0;

	enter_cgroup(path, getpid());
	for (size_t i = 0; i < SEATS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, wait_for_ever, &tids[i]))
			return SKIPPED;
		while (!__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE))
			sched_yield();
	}
	if (!limit_descriptors())
		return SKIPPED;
	scene_open(&scene, NULL, getpid());
	scene.domain.cgroup = unit_literal(name);
	for (size_t i = 0; i < SEATS; i++)
		scene.threads[i] = make_thread(tids[i], THREAD_VCPU);
	scene_follow(&scene, 1);
	if (scene_read(&scene)->total_source != TOTAL_CGROUP)
		return 1;
	scene_follow(&scene, SEATS);
	scene_read(&scene);
	for (size_t i = 0; i < SEATS; i++)
		known += scene.sample.domains[0].threads[i].at_ns > 0;
	fprintf(stderr, "(%u of %d vCPUs) ", known, SEATS);
	if (known != SEATS)
		return 2;
	if (scene.sample.domains[0].total_source != TOTAL_PROCESS)
		return 3;
	scene_close(&scene);
	return 0;
}

static void test_cgroup_yields(void)
{
	const char *name;
	char path[256];
	int status;
	pid_t pid;

	if (!scene_is_possible() || !make_cgroup(path, &name))
		return;
	pid = fork();
	if (pid == 0)
		_exit(fill_seats(path, name));
	UNIT_EQUAL_I64(pid, waitpid(pid, &status, 0));
	UNIT_EQUAL_I64(0, rmdir(path));
	UNIT_TRUE(WIFEXITED(status));
	if (WEXITSTATUS(status) == SKIPPED) /* valgrind does that */
		fprintf(stderr, "(skipped: the limit of descriptors cannot be set) ");
	else
		UNIT_EQUAL_I64(0, WEXITSTATUS(status));
}

int main(void)
{
	return UNIT_RUN("probe-perf-real",
			{ "a thread's counts are what it says of itself", test_thread },
			{ "a total is the sum of threads, ended ones too", test_sum },
			{ "an ended thread's last counts are read", test_vanished },
			{ "another thread under a known number is not counted", test_reused },
			{ "a service and we ourselves are counted", test_service_and_own },
			{ "a service's threads are counted by themselves", test_service_threads },
			{ "a service's workers are counted, and stay so", test_service_workers },
			{ "our own new threads are counted", test_own_threads },
			{ "a cgroup's total has threads that nobody saw", test_cgroup },
			{ "a worker outside of the cgroup is added to its total", test_worker },
			{ "a cgroup's total yields its descriptors to vCPUs", test_cgroup_yields });
}
