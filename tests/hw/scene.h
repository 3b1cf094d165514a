/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scene.h - workers as domains of a topology made by hand, and the perf probe
 * that follows them.
 */
#ifndef VMENERGY_TESTS_HW_SCENE_H
#define VMENERGY_TESTS_HW_SCENE_H

#include "probe/perf.h"
#include "tests/hw/load.h"

enum { SCENE_DOMAINS_MAX = 2 };

struct scene {
	struct rootfs root;
	struct perf *perf;
	struct event_set set;
	struct topology topology;
	struct domain domains[SCENE_DOMAINS_MAX];
	struct thread threads[SCENE_DOMAINS_MAX][LOAD_THREADS_MAX];
	struct sample earlier, before, now; /* the last three readings */
};

/* Count these events; the run ends if that fails. */
void scene_open(struct scene *scene, const char *const *events, unsigned count);
/* The same for a case with one event. */
void scene_open_one(struct scene *scene, const char *event);
/* A worker is the next domain, its threads vCPUs. `cgroup` holds it alone, or NULL. */
void scene_add(struct scene *scene, const struct worker *worker, const char *cgroup);
void scene_follow(struct scene *scene);
void scene_read(struct scene *scene);
void scene_close(struct scene *scene);

/* Whose count. */
enum part_kind { PART_KIND_THREAD, PART_KIND_DOMAIN, PART_KIND_OWN, PART_KIND_MACHINE };
struct part {
	enum part_kind kind;
	size_t domain, thread;
};
#define PART_THREAD(domain, thread) ((struct part){ PART_KIND_THREAD, domain, thread })
#define PART_DOMAIN(domain) ((struct part){ PART_KIND_DOMAIN, domain, 0 })
#define PART_OWN ((struct part){ PART_KIND_OWN, 0, 0 })
#define PART_MACHINE ((struct part){ PART_KIND_MACHINE, 0, 0 })

/* The newest reading. */
const struct cpu_reading *scene_reading(const struct scene *scene, struct part part);
/* Of event `event`, between the last two readings. */
uint64_t scene_count(const struct scene *scene, struct part part, unsigned event);

/*
 * Orders whose loops are multiples of `loops`. scene_measure() gives them with
 * none, for what orders cost by themselves, and then with `loops`;
 * scene_loops() is the difference: the loops alone.
 */
typedef void (*scene_orders)(struct worker *workers, uint64_t loops);
void scene_measure(struct scene *scene, scene_orders orders, struct worker *workers,
		   uint64_t loops);
uint64_t scene_loops(const struct scene *scene, struct part part, unsigned event);

#endif
