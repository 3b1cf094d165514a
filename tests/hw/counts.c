/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Known loops are counted, whoever runs them. */
#include <stdio.h>

#include "tests/hw/cases.h"
#include "tests/hw/check.h"
#include "tests/hw/scene.h"

#define LOOPS (5 * MILLION)
#define INSTRUCTIONS_OF(loops) (LOAD_INSTRUCTIONS_PER_LOOP * (loops))

static void check_loops(const char *what, uint64_t loops, const struct scene *scene,
			struct part part)
{
	check_count(what, INSTRUCTIONS_OF(loops), scene_loops(scene, part, 0));
}

/* Workers of a thread each: domains 0 and 1. */
static void open_two(struct scene *scene, struct worker *workers)
{
	for (unsigned i = 0; i < 2; i++) {
		worker_start(&workers[i], 1, NULL);
		scene_add(scene, &workers[i], NULL);
	}
	scene_follow(scene);
}

static void close_all(struct scene *scene, struct worker *workers, unsigned count)
{
	scene_close(scene);
	while (count-- > 0)
		worker_end(&workers[count]);
}

/* --- two tasks -------------------------------------------------------------------- */

enum { SWITCHES_MIN = 25 };
static uint64_t interruptions; /* of the last orders */

static void order_two(struct worker *workers, uint64_t loops)
{
	worker_order(&workers[0], 0, LOAD_HERE, loops);
	worker_order(&workers[1], 0, LOAD_HERE, 3 * loops);
	interruptions = worker_wait(&workers[0], 0);
	interruptions += worker_wait(&workers[1], 0);
}

/* They take turns on the only CPU: each has its own count, switches or not. */
void case_two_tasks(void)
{
	const uint64_t loops = 7 * LOOPS;
	struct worker workers[2];
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	open_two(&scene, workers);
	scene_measure(&scene, order_two, workers, loops);
	check_at_least("switches between the tasks", SWITCHES_MIN, interruptions);
	check_loops("one task", loops, &scene, PART_THREAD(0, 0));
	check_loops("the other", 3 * loops, &scene, PART_THREAD(1, 0));
	check_loops("total of the one", loops, &scene, PART_DOMAIN(0));
	check_loops("total of the other", 3 * loops, &scene, PART_DOMAIN(1));
	close_all(&scene, workers, 2);
}

/* --- a thread group ----------------------------------------------------------------- */

static void order_threads(struct worker *worker, uint64_t loops)
{
	for (unsigned i = 0; i < worker->thread_count; i++)
		worker_order(worker, i, LOAD_HERE, (i + 1) * loops);
	for (unsigned i = 0; i < worker->thread_count; i++)
		worker_wait(worker, i);
}

/* A process with four threads. */
void case_thread_group(void)
{
	struct worker worker;
	struct scene scene;
	char what[32];

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 4, NULL);
	scene_add(&scene, &worker, NULL);
	scene_follow(&scene);
	scene_measure(&scene, order_threads, &worker, LOOPS);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(what, sizeof what, "thread %u", i);
		check_loops(what, (i + 1) * LOOPS, &scene, PART_THREAD(0, i));
	}
	check_loops("the process", 10 * LOOPS, &scene, PART_DOMAIN(0));
	close_all(&scene, &worker, 1);
}

/* Threads that were known stay in the total of their process, read or not before they ended. */
void case_ended_threads(void)
{
	const uint64_t loops = 4 * LOOPS; /* much more than a thread needs for its end */
	struct worker worker;
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 3, NULL);
	scene_add(&scene, &worker, NULL);
	scene_follow(&scene);
	scene_read(&scene);
	worker_burn(&worker, 2, LOAD_AND_END, loops);
	scene_read(&scene);
	check_count("a thread ended, still listed", INSTRUCTIONS_OF(loops),
		    scene_count(&scene, PART_DOMAIN(0), 0));
	worker_burn(&worker, 0, LOAD_HERE, loops);
	worker_burn(&worker, 1, LOAD_AND_END, loops);
	scene.domains[0].thread_count = 1;
	scene_follow(&scene);
	scene_read(&scene);
	check_count("another, no longer listed", 2 * INSTRUCTIONS_OF(loops),
		    scene_count(&scene, PART_DOMAIN(0), 0));
	close_all(&scene, &worker, 1);
}

/* --- a cgroup -------------------------------------------------------------------------- */

/* Worker 0 inside, with a child and a thread that nobody lists; worker 1 outside. */
static void order_cgroup(struct worker *workers, uint64_t loops)
{
	worker_order(&workers[1], 0, LOAD_HERE, 5 * loops);
	worker_order(&workers[0], 0, LOAD_HERE, loops);
	worker_order(&workers[0], 1, LOAD_HERE, 2 * loops);
	worker_wait(&workers[0], 0);
	worker_wait(&workers[0], 1);
	worker_burn(&workers[0], 0, LOAD_IN_CHILD, 3 * loops);
	worker_burn(&workers[0], 1, LOAD_IN_THREAD, 4 * loops);
	worker_wait(&workers[1], 0);
}

/* Counted is who is inside, also short-lived children. */
void case_cgroup(void)
{
	struct worker workers[2];
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&workers[0], 2, "/inside");
	worker_start(&workers[1], 1, NULL);
	scene_add(&scene, &workers[0], "/inside");
	scene_follow(&scene);
	scene_measure(&scene, order_cgroup, workers, LOOPS);
	check_equal("a total of the cgroup", TOTAL_CGROUP, scene.now.domains[0].total_source);
	check_loops("first thread", LOOPS, &scene, PART_THREAD(0, 0));
	check_loops("second thread", 2 * LOOPS, &scene, PART_THREAD(0, 1));
	check_loops("the cgroup", 10 * LOOPS, &scene, PART_DOMAIN(0));
	close_all(&scene, workers, 2);
}

/* Counted from when it was first followed: the first reading has it all, and not scaled. */
void case_newborn(void)
{
	const uint64_t loops = 10 * LOOPS; /* much more than taking the order */
	struct worker worker;
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 1, "/newborn");
	scene_add(&scene, &worker, "/newborn");
	scene_follow(&scene);
	worker_burn(&worker, 0, LOAD_HERE, loops);
	scene_read(&scene);
	check_count("its thread", INSTRUCTIONS_OF(loops),
		    scene_reading(&scene, PART_THREAD(0, 0))->count[0]);
	check_count("its cgroup", INSTRUCTIONS_OF(loops),
		    scene_reading(&scene, PART_DOMAIN(0))->count[0]);
	check_equal("quality", 0, scene_reading(&scene, PART_DOMAIN(0))->quality);
	close_all(&scene, &worker, 1);
}

/* We are in it and on the CPU while it is opened: time before that is none of its counts'. */
void case_busy_cgroup(void)
{
	struct worker worker;
	struct scene scene;
	uint64_t parts;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 1, "/busy");
	load_join_cgroup("/busy");
	scene_add(&scene, &worker, "/busy");
	scene_follow(&scene);
	worker_burn(&worker, 0, LOAD_HERE, 10 * LOOPS);
	scene_read(&scene);
	load_join_cgroup("");
	parts = scene_reading(&scene, PART_THREAD(0, 0))->count[0] +
		scene_reading(&scene, PART_OWN)->count[0];
	check_equal("quality", 0, scene_reading(&scene, PART_DOMAIN(0))->quality);
	check_near("the cgroup, and we in it", (double)parts,
		   (double)scene_reading(&scene, PART_DOMAIN(0))->count[0], 1e-3);
	close_all(&scene, &worker, 1);
}

/* --- the whole CPU ------------------------------------------------------------------------ */

static uint64_t sum_of_parts(const struct scene *scene, unsigned event)
{
	return scene_count(scene, PART_DOMAIN(0), event) +
	       scene_count(scene, PART_DOMAIN(1), event) + scene_count(scene, PART_OWN, event);
}

/* What the CPU did is what the workers and we ourselves did; and the kernel, where it counts. */
void case_conservation(void)
{
	static const char *const events[] = { INSTRUCTIONS_USER, INSTRUCTIONS };
	uint64_t programs, all, machine;
	struct worker workers[2];
	struct scene scene;

	scene_open(&scene, events, 2);
	open_two(&scene, workers);
	scene_read(&scene);
	order_two(workers, 2 * LOOPS);
	scene_read(&scene);
	programs = sum_of_parts(&scene, 0);
	all = sum_of_parts(&scene, 1);
	machine = scene_count(&scene, PART_MACHINE, 1);
	check_count("programs of the CPU", programs, scene_count(&scene, PART_MACHINE, 0));
	check_at_least("programs with what the kernel did for them", programs, all);
	check_at_least("the CPU with the kernel", all, machine);
	/* The rest are switches and interrupts; the idle loop sleeps. */
	check_near("the CPU is hardly more than its tasks", (double)all, (double)machine, 1e-2);
	close_all(&scene, workers, 2);
}

/*
 * Two emulated CPUs count on a common clock: what a loop counts is not known there.
 * But what threads, cgroup and machine say of it must agree, over both CPUs.
 */
void case_two_cpus(void)
{
	struct worker workers[2];
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	check_contains("CPUs", "on 2 CPUs", perf_total_source(scene.perf));
	worker_start(&workers[0], 2, "/both");
	worker_start(&workers[1], 1, NULL);
	scene_add(&scene, &workers[0], "/both");
	scene_add(&scene, &workers[1], NULL);
	scene_follow(&scene);
	scene_read(&scene);
	order_threads(&workers[0], 2 * LOOPS);
	order_two(workers, LOOPS);
	scene_read(&scene);
	check_at_least("the first thread", INSTRUCTIONS_OF(3 * LOOPS),
		       scene_count(&scene, PART_THREAD(0, 0), 0));
	check_count("the cgroup",
		    scene_count(&scene, PART_THREAD(0, 0), 0) +
			    scene_count(&scene, PART_THREAD(0, 1), 0),
		    scene_count(&scene, PART_DOMAIN(0), 0));
	check_count("the machine", sum_of_parts(&scene, 0), scene_count(&scene, PART_MACHINE, 0));
	close_all(&scene, workers, 2);
}

/* --- time_running = 0 ------------------------------------------------------------------------ */

/* Never on a CPU since it was opened: neither was its count, and that is no gap. */
void case_asleep(void)
{
	const struct part thread = PART_THREAD(0, 0);
	struct worker worker;
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	worker_start(&worker, 1, NULL);
	scene_add(&scene, &worker, NULL);
	scene_follow(&scene);
	scene_read(&scene);
	scene_read(&scene);
	check_equal("a sleeping thread", 0, (long long)scene_count(&scene, thread, 0));
	check_equal("its time on a CPU", 0, (long long)scene_count(&scene, thread, 1));
	check_equal("nothing is wrong with it", 0, scene_reading(&scene, thread)->quality);
	scene_measure(&scene, order_threads, &worker, LOOPS);
	check_loops("once it is awake", LOOPS, &scene, thread);
	close_all(&scene, &worker, 1);
}
