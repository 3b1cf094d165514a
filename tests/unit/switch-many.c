/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many tasks in the switch log of this kernel: skipped where that is closed.
 *
 * no valgrind: it does not know bpf(2), and takes what the kernel writes for unset
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/proc.h"
#include "tests/unit/switch-scene.h"

enum { THREADS_MAX = 1500, STACK_BYTES = 256 << 10, NAP_US = 50000 };

/* --- a crowd ------------------------------------------------------------------------------- */

/*
 * Shared with the process that has the threads. That is born under the log, but of a nursery
 * that is there before: a way may have a thread of its own, and what that holds of the
 * allocator's locks, a child of ours would wait for for ever.
 */
struct crowd {
	unsigned count;
	volatile pid_t pid, tids[THREADS_MAX];
	volatile bool starts, stops;
};

static struct crowd *crowd;
static pid_t nursery_pid;

static _Noreturn void *doze(void *place)
{
	*(volatile pid_t *)place = gettid();
	while (!crowd->stops)
		usleep(NAP_US);
	for (;;)
		pause();
}

static _Noreturn void be_crowd(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned i = 0; i < crowd->count; i++)
		if (pthread_create(&thread, &attributes, doze, (void *)(uintptr_t)&crowd->tids[i]))
			_exit(1);
	for (;;)
		pause();
}

static bool is_complete(void)
{
	for (unsigned i = 0; i < crowd->count; i++)
		if (!crowd->tids[i])
			return false;
	return crowd->pid > 0;
}

static _Noreturn void be_nursery(void)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!crowd->starts)
		usleep(1000);
	pid = fork();
	if (pid == 0)
		be_crowd();
	if (pid < 0)
		_exit(1);
	crowd->pid = pid;
	waitpid(pid, NULL, 0);
	crowd->pid = 0;
	_exit(0);
}

/* Before the log is opened. */
static void crowd_prepare(unsigned count)
{
	crowd = mmap(NULL, sizeof *crowd, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (crowd == MAP_FAILED)
		abort();
	*crowd = (struct crowd){ .count = count };
	nursery_pid = fork();
	if (nursery_pid == 0)
		be_nursery();
}

static void crowd_end(void)
{
	kill(crowd->pid > 0 ? crowd->pid : nursery_pid, SIGKILL);
	waitpid(nursery_pid, NULL, 0);
	munmap(crowd, sizeof *crowd);
}

/* Returns when all are there; false: the machine does not allow so many. */
static bool crowd_start(void)
{
	siginfo_t ended = { 0 };

	crowd->starts = true;
	while (!is_complete()) {
		usleep(10000);
		waitid(P_PID, (id_t)nursery_pid, &ended, WEXITED | WNOHANG | WNOWAIT);
		if (ended.si_pid == 0)
			continue;
		fprintf(stderr, "(skipped: no room for %u threads) ", crowd->count);
		return false;
	}
	return true;
}

static uint64_t on_cpu_ns(pid_t tid)
{
	char path[64], text[64] = "";
	unsigned long long ns = 0;
	int file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)crowd->pid, (int)tid);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, text, sizeof text - 1) < 0 || sscanf(text, "%llu", &ns) != 1)
		abort();
	close(file);
	return ns;
}

/* Until none of them has run any more. */
static void crowd_stop(void)
{
	uint64_t before_ns, now_ns = 0;

	crowd->stops = true;
	do {
		before_ns = now_ns;
		usleep(50000);
		now_ns = 0;
		for (unsigned i = 0; i < crowd->count; i++)
			now_ns += on_cpu_ns(crowd->tids[i]);
	} while (now_ns != before_ns);
}

static void follow_crowd(struct log *log, struct thread *threads)
{
	for (unsigned i = 0; i < crowd->count; i++)
		threads[i] = make_thread(crowd->tids[i], THREAD_VCPU);
	log->domain.threads = threads;
	log_follow(log, crowd->pid, crowd->count);
}

/* --- tests --------------------------------------------------------------------------------- */

/* Each of them that was born under the log has what the kernel says of it, and so has their sum. */
static void check_crowd(struct log *log, bool is_exact)
{
	const struct domain_reading *domain = &log->sample.domains[0];
	uint64_t sum_ns = on_cpu_ns(crowd->pid), found_ns = 0;
	unsigned wrong = 0;

	for (unsigned i = 0; i < crowd->count; i++) {
		uint64_t expected_ns = on_cpu_ns(crowd->tids[i]);

		sum_ns += expected_ns;
		found_ns += domain->threads[i].count[0];
		wrong += domain->threads[i].count[0] != expected_ns;
	}
	UNIT_TRUE(found_ns > 0 && found_ns <= domain->total.count[0]);
	if (!is_exact)
		return;
	UNIT_EQUAL_U64(0, wrong);
	UNIT_EQUAL_U64(sum_ns, domain->total.count[0]);
}

static void test_many(void)
{
	static struct thread threads[THREADS_MAX];
	struct log log;
	bool is_exact;

	for (unsigned i = 0; i < WAYS; i++) {
		crowd_prepare(unit_rounds(THREADS_MAX));
		if (!log_open(&log, ways[i], 0)) {
			crowd_end();
			continue;
		}
		if (crowd_start()) {
			follow_crowd(&log, threads);
			is_exact = ways[i]->sees_running;
			for (unsigned k = 0; k < 5; k++) {
				usleep(NAP_US);
				log_read(&log);
				check_sums(&log);
				is_exact = is_exact && is_whole(&log);
			}
			crowd_stop();
			log_read(&log);
			check_sums(&log);
			check_crowd(&log, is_exact && is_whole(&log));
		}
		crowd_end();
		log_close(&log);
	}
}

/* The host has more of them than when the log was opened: it makes room before that is full. */
static void check_growth(struct log *log)
{
	enum { READINGS = 12 };
	uint64_t unlisted = 0, switches = 0;
	unsigned gaps = 0;

	for (unsigned k = 0; k < READINGS; k++) {
		usleep(NAP_US);
		unlisted = of_kind(log, SWITCH_OF_UNLISTED, CLOCK);
		log_read(log);
		check_sums(log);
		UNIT_TRUE(switch_count(log->probe) >= switches);
		switches = switch_count(log->probe);
		gaps += log->tasks.quality & QUALITY_GAP ? 1 : 0;
	}
	UNIT_TRUE(gaps > 0 && gaps < READINGS);
	UNIT_TRUE(!(log->tasks.quality & QUALITY_GAP));
	UNIT_EQUAL_U64(unlisted, of_kind(log, SWITCH_OF_UNLISTED, CLOCK));
	for (unsigned k = 0; k < crowd->count; k++)
		UNIT_TRUE(log->sample.domains[0].threads[k].count[CLOCK] > 0);
}

/* Only a way inside the kernel has its room laid out beforehand. */
static void test_growth(void)
{
	enum { FIRST = 64, LATER = 400 };
	static struct thread threads[LATER];
	struct log log;

	for (unsigned i = 0; i < WAYS; i++) {
		const struct switch_request request = { .events = scene_events,
							.count = SCENE_EVENTS,
							.driver = ways[i],
							.first_tasks = FIRST };

		if (!ways[i]->sees_running)
			continue;
		crowd_prepare(LATER);
		if (!log_open_as(&log, &request)) {
			crowd_end();
			continue;
		}
		if (crowd_start()) {
			follow_crowd(&log, threads);
			check_growth(&log);
		}
		crowd_end();
		log_close(&log);
	}
}

int main(void)
{
	return UNIT_RUN(
		"switch-many", { "more tasks than there was room for find some", test_growth },
		{ "of thousands of threads each has its own, and none is lost", test_many });
}
