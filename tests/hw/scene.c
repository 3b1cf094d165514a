/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hw/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/proc.h"
#include "tests/hw/check.h"

static char empty[] = "", vendor[] = "ARM";

void scene_open(struct scene *scene, const char *const *events, unsigned count)
{
	struct error error = { "" };

	*scene = (struct scene){ 0 };
	scene->topology.cpu = (struct cpu_identity){
		.vendor = vendor, .model_name = empty, .cpus = 1, .chips = 1
	};
	scene->topology.domains = scene->domains;
	if (rootfs_open(&scene->root, NULL, &error) ||
	    perf_open(&scene->perf, &scene->root, events, count, &error))
		check_die("opening the probe", error.text);
	perf_events(scene->perf, &scene->set);
}

void scene_open_one(struct scene *scene, const char *event)
{
	scene_open(scene, &event, 1);
}

static uint64_t start_of(struct scene *scene, pid_t pid, pid_t tid)
{
	struct proc_stat stat;

	if (proc_read_stat(&scene->root, pid, tid, &stat))
		check_die("worker", "has no /proc/PID/stat");
	return stat.start_ticks;
}

void scene_add(struct scene *scene, const struct worker *worker, const char *cgroup)
{
	size_t index = scene->topology.domain_count++;
	struct domain *domain = &scene->domains[index];
	char id[32];

	snprintf(id, sizeof id, "worker-%d", worker->pid);
	*domain = (struct domain){ .id = strdup(id), .name = empty, .vcpus = worker->thread_count };
	domain->pid = worker->pid;
	domain->start_ticks = start_of(scene, worker->pid, 0);
	domain->cgroup = cgroup ? strdup(cgroup) : NULL;
	domain->cpu_weight = 100;
	domain->threads = scene->threads[index];
	domain->thread_count = worker->thread_count;
	for (unsigned i = 0; i < worker->thread_count; i++)
		domain->threads[i] = (struct thread){
			.tid = worker->tids[i],
			.start_ticks = start_of(scene, worker->pid, worker->tids[i]),
			.role = THREAD_VCPU,
			.vcpu = (int)i,
			.vdisk = VDISK_NONE,
			.sampled = true,
		};
}

void scene_follow(struct scene *scene)
{
	scene->topology.generation++;
	if (perf_follow(scene->perf, &scene->topology))
		check_die("perf_follow", "failed");
}

void scene_read(struct scene *scene)
{
	struct sample oldest = scene->earlier;
	struct error error = { "" };

	scene->earlier = scene->before;
	scene->before = scene->now;
	scene->now = oldest;
	scene->now.seq = scene->before.seq + 1;
	scene->now.begin_ns = clock_now_ns();
	if (sample_prepare(&scene->now, &scene->topology) ||
	    perf_read_parts(scene->perf, &scene->topology, &scene->now) ||
	    perf_read_total(scene->perf, &scene->now, &error))
		check_die("reading the probe", error.text);
	scene->now.end_ns = clock_now_ns();
	scene->now.realtime_ns = clock_read_ns(CLOCK_REALTIME);
}

void scene_close(struct scene *scene)
{
	for (size_t i = 0; i < scene->topology.domain_count; i++) {
		free(scene->domains[i].id);
		free(scene->domains[i].cgroup);
	}
	sample_clear(&scene->earlier);
	sample_clear(&scene->before);
	sample_clear(&scene->now);
	perf_close(scene->perf);
	rootfs_close(&scene->root);
}

/* --- counts ---------------------------------------------------------------- */

/* One CPU is one package. */
static const struct cpu_reading *find(const struct sample *sample, struct part part)
{
	switch (part.kind) {
	case PART_KIND_THREAD:
		return &sample->domains[part.domain].threads[part.thread];
	case PART_KIND_DOMAIN:
		return &sample->domains[part.domain].total;
	case PART_KIND_OWN:
		return &sample->own;
	case PART_KIND_MACHINE:
		break;
	}
	return &sample->packages[0].total;
}

static uint64_t read_count(const struct sample *sample, struct part part, unsigned event)
{
	const struct cpu_reading *reading = find(sample, part);

	if (!reading->at_ns || (reading->quality & QUALITY_MISSING))
		check_die("reading", "it is missing");
	return reading->count[event];
}

const struct cpu_reading *scene_reading(const struct scene *scene, struct part part)
{
	return find(&scene->now, part);
}

uint64_t scene_count(const struct scene *scene, struct part part, unsigned event)
{
	return read_count(&scene->now, part, event) - read_count(&scene->before, part, event);
}

uint64_t scene_loops(const struct scene *scene, struct part part, unsigned event)
{
	return scene_count(scene, part, event) -
	       (read_count(&scene->before, part, event) - read_count(&scene->earlier, part, event));
}

/* The first orders also set up what later ones find: stacks of threads and such. */
void scene_measure(struct scene *scene, scene_orders orders, struct worker *workers, uint64_t loops)
{
	orders(workers, 0);
	scene_read(scene);
	orders(workers, 0);
	scene_read(scene);
	orders(workers, loops);
	scene_read(scene);
}
