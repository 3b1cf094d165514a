/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, refusals, limits of descriptors, CPUs that come and go. */
#include "probe/perf.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "probe/packages.h"
#include "probe/perf-events.h"
#include "probe/perf-pmu.h"
#include "tests/unit/perf-scene.h"

/* --- names --------------------------------------------------------------------------------- */

static void test_stand_in(void)
{
	static const char *const names[] = { "nocpu::INST_RETIRED:ANY_P", "perf::TASK-CLOCK",
					     "nocpu::cpu_clk_unhalted:thread" };
	struct error error = { "" };
	struct perf_set set;

	UNIT_EQUAL_I64(0, perf_set_resolve(&set, names, 3, &error));
	UNIT_EQUAL_U64(3, set.count);
	UNIT_EQUAL_TEXT(names[0], set.names[0]);
	UNIT_EQUAL_U64(PERF_TYPE_HARDWARE, set.codes[0].type);
	UNIT_EQUAL_U64(PERF_COUNT_HW_INSTRUCTIONS, set.codes[0].config);
	UNIT_EQUAL_U64(PERF_TYPE_SOFTWARE, set.codes[1].type);
	UNIT_EQUAL_U64(PERF_COUNT_HW_CPU_CYCLES, set.codes[2].config);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, set.quality);
	UNIT_CONTAINS("perf::INSTRUCTIONS stands in for nocpu::INST_RETIRED:ANY_P", set.note);
	UNIT_CONTAINS("perf::CPU-CYCLES stands in for nocpu::cpu_clk_unhalted:thread", set.note);
	UNIT_CONTAINS("estimates", set.note);
	UNIT_TRUE(!strstr(set.note, "TASK-CLOCK"));
}

static void test_known_names(void)
{
	static const char *const names[] = { "perf::INSTRUCTIONS", "perf::INSTRUCTIONS:u",
					     "perf::PAGE-FAULTS" };
	struct error error = { "" };
	struct perf_set set;

	UNIT_EQUAL_I64(0, perf_set_resolve(&set, names, 3, &error));
	UNIT_EQUAL_U64(0, set.quality);
	UNIT_EQUAL_TEXT("", set.note);
	UNIT_TRUE(!set.codes[0].exclude_user && !set.codes[0].exclude_kernel);
	UNIT_TRUE(!set.codes[1].exclude_user && set.codes[1].exclude_kernel);
	UNIT_TRUE(set.codes[0].must_count);
	UNIT_TRUE(!set.codes[2].must_count);
}

/* What every program does, under whatever name; what some programs never do. */
static void test_common_events(void)
{
	static const char *const names[] = { "nocpu::INST_RETIRED:ANY_P:u",
					     "perf::CPU-CYCLES",
					     "perf::BRANCHES:k",
					     "perf::TASK-CLOCK",
					     "perf::CACHE-MISSES",
					     "perf::STALLED-CYCLES-BACKEND",
					     "perf::CPU-MIGRATIONS" };
	enum { COMMON = 4, ALL = sizeof names / sizeof *names };
	struct error error = { "" };
	struct perf_set set;

	UNIT_EQUAL_I64(0, perf_set_resolve(&set, names, ALL, &error));
	for (unsigned i = 0; i < ALL; i++)
		UNIT_EQUAL_U64(i < COMMON, set.codes[i].must_count);
}

/* Speculative instructions, sub-events, bus cycles and cycles that retire some: something else. */
static void test_no_stand_in(void)
{
	static const char *const names[] = { "nocpu::INST_SPEC",
					     "nocpu::INST_RETIRED:X87",
					     "nocpu::INST_RETIRED:ANY_P:C=1:I",
					     "nocpu::CPU_CLK_UNHALTED:CORE_P:E",
					     "nocpu::CPU_CLK_UNHALTED:REF_XCLK",
					     "nocpu::FOO",
					     "FOO",
					     "",
					     "::",
					     "nocpu::*" };
	struct perf_set set;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct error error = { "" };

		UNIT_EQUAL_I64(-ENOENT, perf_set_resolve(&set, &names[i], 1, &error));
		UNIT_CONTAINS(names[i], error.text);
		UNIT_CONTAINS("libpfm4 does not know it", error.text);
	}
}

static void test_bad_sets(void)
{
	const char *names[SAMPLE_EVENTS_MAX];
	char endless[EVENT_NAME_BYTES + 8];
	struct error error = { "" };
	struct perf_set set;

	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		names[i] = "perf::TASK-CLOCK";
	UNIT_EQUAL_I64(-EINVAL, perf_set_resolve(&set, names, 0, &error));
	UNIT_EQUAL_I64(-EINVAL, perf_set_resolve(&set, names, SAMPLE_EVENTS_MAX, &error));
	UNIT_CONTAINS("1 to 7", error.text);
	UNIT_EQUAL_I64(0, perf_set_resolve(&set, names, SAMPLE_EVENTS_MAX - 1, &error));
	memset(endless, 'x', sizeof endless);
	endless[sizeof endless - 1] = '\0';
	names[0] = endless;
	UNIT_EQUAL_I64(-EINVAL, perf_set_resolve(&set, names, 1, &error));
	UNIT_CONTAINS("bytes", error.text);
}

/* --- what the CPU says that it has --------------------------------------------------------- */

static struct perf_code raw(uint64_t number)
{
	return (struct perf_code){ .type = PERF_TYPE_RAW, .config = number };
}

static void test_pmu_lists(void)
{
	enum { INSTRUCTIONS = 0x08, CACHE = 0x04, CHAIN = 0x1e, BEYOND = 0x40, PMU_TYPE = 8 };
	const struct perf_code software = { .type = PERF_TYPE_SOFTWARE, .config = CACHE },
			       generic = { .type = PERF_TYPE_HARDWARE, .config = CACHE },
			       of_pmu = { .type = PMU_TYPE, .config = CACHE },
			       of_other = { .type = PMU_TYPE + 1, .config = CACHE };
	const struct perf_code cache = raw(CACHE), instructions = raw(INSTRUCTIONS),
			       chain = raw(CHAIN), beyond = raw(BEYOND);
	struct error error = { "" };
	struct rootfs root;
	char path[512];

	unit_write_file("arm/sys/bus/event_source/devices/armv8_pmuv3_0/type", "8\n");
	unit_write_file("arm/sys/bus/event_source/devices/armv8_pmuv3_0/events/inst_retired",
			"event=0x0008\n");
	unit_write_file("arm/sys/bus/event_source/devices/armv8_pmuv3_0/events/chain",
			"event=0x1e\n");
	unit_write_file("arm/sys/bus/event_source/devices/other/type", "9\n");
	unit_write_file("arm/sys/bus/event_source/devices/other/events/x", "event=0x04\n");
	snprintf(path, sizeof path, "%s/arm", unit_folder());
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, &error));
	UNIT_TRUE(perf_pmu_lacks(&root, &cache));
	UNIT_TRUE(perf_pmu_lacks(&root, &of_pmu));
	UNIT_TRUE(!perf_pmu_lacks(&root, &instructions));
	UNIT_TRUE(!perf_pmu_lacks(&root, &chain));
	UNIT_TRUE(!perf_pmu_lacks(&root, &beyond));
	UNIT_TRUE(!perf_pmu_lacks(&root, &of_other));
	UNIT_TRUE(!perf_pmu_lacks(&root, &software));
	UNIT_TRUE(!perf_pmu_lacks(&root, &generic));
	/* A second PMU that has it; a machine that says nothing. */
	unit_write_file("arm/sys/bus/event_source/devices/armv8_pmuv3_1/type", "10\n");
	unit_write_file("arm/sys/bus/event_source/devices/armv8_pmuv3_1/events/l1d_cache",
			"event=0x0004\n");
	UNIT_TRUE(!perf_pmu_lacks(&root, &cache));
	UNIT_TRUE(perf_pmu_lacks(&root, &of_pmu));
	rootfs_close(&root);
	UNIT_EQUAL_I64(0, rootfs_open(&root, unit_folder(), &error));
	UNIT_TRUE(!perf_pmu_lacks(&root, &cache));
	rootfs_close(&root);
}

enum { SKIPPED = 77 };

/* --- opening ------------------------------------------------------------------------------- */

static bool machine_counts_instructions(void)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_HARDWARE,
					      .config = PERF_COUNT_HW_INSTRUCTIONS,
					      .size = sizeof attributes };
	int fd = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != ENOENT;
}

static void test_no_pmu(void)
{
	static const char *const names[] = { "perf::TASK-CLOCK", "perf::INSTRUCTIONS" };
	unsigned descriptors = unit_count_descriptors();
	struct error error = { "" };
	struct rootfs root;
	struct perf *perf;

	if (!scene_is_possible())
		return;
	if (machine_counts_instructions()) {
		fprintf(stderr, "(skipped: this machine has hardware counters) ");
		return;
	}
	rootfs_open(&root, NULL, &error);
	UNIT_EQUAL_I64(-ENODEV, perf_open(&perf, &root, names, 2, &error));
	UNIT_TRUE(perf == NULL);
	UNIT_CONTAINS("event perf::INSTRUCTIONS: ", error.text);
	UNIT_CONTAINS("no hardware counters", error.text);
	rootfs_close(&root);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

/* Page faults that need a disk, moves to other CPUs: none in a short loop, and nothing wrong. */
static void test_rare_events(void)
{
	static const char *const names[] = { "perf::CPU-MIGRATIONS", "perf::MAJOR-FAULTS",
					     "perf::MINOR-FAULTS" };
	struct error error = { "" };
	struct event_set events;
	struct rootfs root;
	struct perf *perf;

	if (!scene_is_possible())
		return;
	rootfs_open(&root, NULL, &error);
	UNIT_EQUAL_I64(0, perf_open(&perf, &root, names, 3, &error));
	UNIT_EQUAL_TEXT("", error.text);
	if (perf) {
		perf_events(perf, &events);
		UNIT_EQUAL_U64(4, events.count);
		UNIT_EQUAL_I64(CPU_SOURCE_PERF, events.source);
		UNIT_EQUAL_TEXT("perf::MAJOR-FAULTS", events.names[1]);
		UNIT_EQUAL_TEXT(CPUTIME_EVENT, events.names[3]);
		UNIT_CONTAINS("perf groups of 3 events on ", perf_total_source(perf));
		UNIT_TRUE(perf_note(perf) == NULL);
	}
	perf_close(perf);
	rootfs_close(&root);
}

/* What someone without rights is told: 0, or which rights are missing. */
static void test_rights(void)
{
	struct error error = { "" };
	struct rootfs root;
	struct perf *perf;
	int ends[2], result, status;
	pid_t pid;

	if (!scene_is_possible() || pipe(ends))
		return;
	pid = fork();
	if (pid == 0) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(SKIPPED);
		rootfs_open(&root, NULL, &error);
		result = perf_open(&perf, &root, scene_events, SCENE_EVENTS, &error);
		if (write(ends[1], &error, sizeof error) != sizeof error)
			_exit(1);
		perf_close(perf);
		rootfs_close(&root);
		_exit(result == -EACCES ? 2 : result ? 3 : 0);
	}
	close(ends[1]);
	result = read(ends[0], &error, sizeof error) == sizeof error ? 0 : 1;
	close(ends[0]);
	UNIT_EQUAL_I64(pid, waitpid(pid, &status, 0));
	if (result || WEXITSTATUS(status) == 0) {
		fprintf(stderr, "(skipped: everyone may count here, or we are not root) ");
		return;
	}
	UNIT_EQUAL_I64(2, WEXITSTATUS(status));
	UNIT_CONTAINS("event perf::TASK-CLOCK: not allowed", error.text);
	UNIT_CONTAINS("CAP_PERFMON", error.text);
	UNIT_CONTAINS("kernel.perf_event_paranoid", error.text);
}

static void test_unfollowed(void)
{
	struct scene scene;

	if (!scene_is_possible())
		return;
	scene_open(&scene, NULL, 0);
	UNIT_EQUAL_I64(0, sample_prepare(&scene.sample, &scene.topology));
	UNIT_EQUAL_I64(-EINVAL, perf_read_parts(scene.perf, &scene.topology, &scene.sample));
	scene_follow(&scene, 0);
	scene.topology.generation++;
	UNIT_EQUAL_I64(-EINVAL, perf_read_parts(scene.perf, &scene.topology, &scene.sample));
	scene_close(&scene);
}

static void test_descriptors_given_back(void)
{
	unsigned descriptors = unit_count_descriptors();
	struct child child;
	struct scene scene;

	if (!scene_is_possible())
		return;
	child_start(&child);
	scene_open(&scene, NULL, child.pid);
	scene.threads[0] = make_thread(child.pid, THREAD_VCPU);
	scene_follow(&scene, 1);
	scene_follow(&scene, 0);
	scene_follow(&scene, 1);
	scene.topology.domain_count = 0;
	scene_follow(&scene, 0);
	scene_close(&scene);
	child_end(&child);
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

/* --- the limit of descriptors -------------------------------------------------------------- */

enum { CROWD = 60, VCPUS = 12 };

static void *wait_for_ever(void *argument)
{
	pid_t *tid = argument;

	__atomic_store_n(tid, gettid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
	return NULL;
}

/* What a process with few descriptors finds; it tells through a pipe. */
struct crowded {
	unsigned vcpus, helpers; /* with a counter */
	unsigned total_quality, second_quality;
	unsigned late_vcpus; /* that came when there was nothing left */
	char note[256];
};

static unsigned count_known(const struct scene *scene, size_t from, size_t to)
{
	unsigned known = 0;

	for (size_t i = from; i < to; i++)
		known += scene->sample.domains[0].threads[i].at_ns > 0;
	return known;
}

/* The first threads are helpers, the last ones vCPUs: not by their place do these come first. */
static void read_crowd(struct scene *scene, struct crowded *told)
{
	const char *note;

	for (size_t i = 0; i < CROWD - VCPUS; i++)
		scene->threads[i].sampled = true;
	scene_follow(scene, CROWD - VCPUS);
	scene_follow(scene, CROWD);
	scene_read(scene);
	told->late_vcpus = count_known(scene, CROWD - VCPUS, CROWD);
	scene_follow(scene, 0);
	scene_follow(scene, CROWD);
	told->second_quality = scene_read(scene)->total.quality;
	told->vcpus = count_known(scene, CROWD - VCPUS, CROWD);
	told->helpers = count_known(scene, 0, CROWD - VCPUS);
	for (size_t i = 0; i < CROWD - VCPUS; i++)
		scene->threads[i].sampled = false;
	scene_follow(scene, CROWD);
	told->total_quality = scene_read(scene)->total.quality;
	note = perf_note(scene->perf);
	snprintf(told->note, sizeof told->note, "%s", note ? note : "");
}

static void run_crowd(int out)
{
	static pid_t tids[CROWD];
	struct crowded told = { 0 };
	struct rlimit limit;
	struct scene scene;

	for (size_t i = 0; i < CROWD; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, wait_for_ever, &tids[i]))
			_exit(1);
		while (!__atomic_load_n(&tids[i], __ATOMIC_ACQUIRE))
			sched_yield();
	}
	/* A quarter is left to others. Two events for each CPU, for some helpers and the vCPUs. */
	limit.rlim_cur =
		(rlim_t)(unit_count_descriptors() + 2 * (unsigned)sysconf(_SC_NPROCESSORS_CONF) +
			 2 * 30 + 2 * VCPUS) *
		4 / 3;
	limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(SKIPPED);
	scene_open(&scene, unit_folder(), getpid());
	for (size_t i = 0; i < CROWD; i++)
		scene.threads[i] =
			make_thread(tids[i], i < CROWD - VCPUS ? THREAD_EMULATOR : THREAD_VCPU);
	read_crowd(&scene, &told);
	scene_close(&scene);
	if (write(out, &told, sizeof told) != sizeof told)
		_exit(1);
	_exit(0);
}

static void write_online(const char *list)
{
	unit_write_file(&PACKAGES_ONLINE[1], list);
}

static void test_limit(void)
{
	struct crowded told = { 0 };
	int ends[2], status;
	ssize_t length;
	pid_t pid;

	if (!scene_is_possible() || pipe(ends))
		return;
	write_online("0\n");
	pid = fork();
	if (pid == 0)
		run_crowd(ends[1]);
	close(ends[1]);
	length = read(ends[0], &told, sizeof told);
	close(ends[0]);
	UNIT_EQUAL_I64(pid, waitpid(pid, &status, 0));
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) { /* valgrind does that */
		fprintf(stderr, "(skipped: the limit of descriptors cannot be set) ");
		return;
	}
	UNIT_EQUAL_I64(sizeof told, length);
	UNIT_EQUAL_U64(VCPUS, told.late_vcpus);
	UNIT_EQUAL_U64(VCPUS, told.vcpus);
	UNIT_TRUE(told.helpers > 0 && told.helpers < CROWD - VCPUS);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, told.total_quality);
	UNIT_EQUAL_U64(QUALITY_MISSING, told.second_quality);
	UNIT_CONTAINS("threads have no counter", told.note);
	UNIT_TRUE(!strpbrk(told.note, "0123456789"));
	UNIT_CONTAINS("RLIMIT_NOFILE", told.note);
}

/* --- CPUs that come and go ----------------------------------------------------------------- */

static void read_packages(struct scene *scene, const char *online, uint64_t clock[2])
{
	struct error error = { "" };

	write_online(online);
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, perf_read_total(scene->perf, &scene->sample, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(2, scene->sample.package_count);
	for (unsigned i = 0; i < 2; i++) {
		clock[i] = scene->sample.packages[i].total.count[CLOCK];
		UNIT_TRUE(scene->sample.packages[i].total.at_ns > 0);
		UNIT_EQUAL_U64(0, scene->sample.packages[i].total.count[ON_CPU]);
		UNIT_EQUAL_U64(0, scene->sample.packages[i].total.quality & QUALITY_MISSING);
	}
}

static void test_hot_plug(void)
{
	uint64_t first[2], gone[2], still[2], back[2], last[2];
	struct scene scene;

	if (!scene_is_possible())
		return;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr, "(skipped: one CPU) ");
		return;
	}
	unit_write_file("sys/devices/system/cpu/cpu0/topology/physical_package_id", "4\n");
	unit_write_file("sys/devices/system/cpu/cpu1/topology/physical_package_id", "2\n");
	write_online("0-1\n");
	scene_open(&scene, unit_folder(), 0);
	UNIT_EQUAL_TEXT("perf groups of 2 events on 2 CPUs", perf_total_source(scene.perf));
	read_packages(&scene, "0-1\n", first);
	UNIT_TRUE(first[0] > 0 && first[1] > 0);
	read_packages(&scene, "0\n", gone);
	UNIT_EQUAL_TEXT("perf groups of 2 events on 1 CPU", perf_total_source(scene.perf));
	read_packages(&scene, "0\n", still);
	UNIT_TRUE(gone[0] >= first[0]);
	UNIT_EQUAL_U64(gone[0], still[0]);
	UNIT_TRUE(still[1] > gone[1] && gone[1] > first[1]);
	read_packages(&scene, "0-1\n", back);
	UNIT_EQUAL_U64(QUALITY_GAP, scene.sample.packages[0].total.quality);
	UNIT_EQUAL_U64(still[0], back[0]);
	read_packages(&scene, "0-1\n", last);
	UNIT_EQUAL_U64(0, scene.sample.packages[0].total.quality);
	UNIT_TRUE(last[0] > back[0]);
	scene_close(&scene);
}

/* A list that cannot be read is no totals, not totals of zero, and not the end. */
static void test_no_list(void)
{
	struct error error = { "" };
	uint64_t clock[2];
	struct scene scene;

	if (!scene_is_possible() || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	write_online("0-1\n");
	scene_open(&scene, unit_folder(), 0);
	read_packages(&scene, "0-1\n", clock);
	write_online("nonsense\n");
	UNIT_EQUAL_I64(0, perf_read_total(scene.perf, &scene.sample, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_CONTAINS(PACKAGES_ONLINE, perf_note(scene.perf));
	check_missing(&scene.sample.packages[0].total);
	check_missing(&scene.sample.packages[1].total);
	read_packages(&scene, "0-1\n", clock);
	UNIT_TRUE(perf_note(scene.perf) == NULL);
	scene_close(&scene);
}

int main(void)
{
	return UNIT_RUN("probe-perf",
			{ "a generic event stands in, and it is said", test_stand_in },
			{ "names that libpfm4 knows need no stand-in", test_known_names },
			{ "nothing stands in for what counts otherwise", test_no_stand_in },
			{ "sets beyond the bounds are refused", test_bad_sets },
			{ "what every program does must count", test_common_events },
			{ "an Arm CPU's list says which events it lacks", test_pmu_lists },
			{ "a machine without a PMU is told so", test_no_pmu },
			{ "events that need not happen are not refused", test_rare_events },
			{ "who has no rights is told which", test_rights },
			{ "a topology that is not followed is refused", test_unfollowed },
			{ "descriptors are given back", test_descriptors_given_back },
			{ "vCPUs come first when descriptors run out", test_limit },
			{ "a package keeps its counts when its CPUs leave", test_hot_plug },
			{ "totals without a list of CPUs are missing", test_no_list });
}
