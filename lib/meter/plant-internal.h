/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plant-internal.h - the parts of a plant: its file, its truth, its course. For plant*.c alone.
 */
#ifndef VMENERGY_METER_PLANT_INTERNAL_H
#define VMENERGY_METER_PLANT_INTERNAL_H

#include <pthread.h>

#include "meter/plant.h"
#include "model/thermal.h"

enum {
	PLANT_CHANGES_MAX = 8192,
	PLANT_CPUS_MAX = 4096,
	PLANT_WORKLOAD_BYTES = 48,
};

/* From time_ns on. Never changed once it is counted in. */
struct plant_change {
	uint64_t time_ns;
	uint32_t threads;
	uint32_t spare;
	char workload[PLANT_WORKLOAD_BYTES];
};

/* The mapped file. Later versions take another number. */
struct plant_file {
	uint64_t magic; /* stored last, with release: the rest is complete */
	uint64_t seed;
	uint64_t created_ns; /* CLOCK_MONOTONIC */
	double speed;
	uint32_t version;
	uint32_t cpus;
	uint32_t change_count; /* entries that are whole: release and acquire */
	uint32_t spare;
	struct plant_change changes[PLANT_CHANGES_MAX];
};

/* Mean events per nanosecond of all CPUs, and CPUs that are busy. */
struct plant_rates {
	double per_ns[PLANT_EVENTS_MAX];
	double busy;
};

struct plant_truth {
	uint64_t seed;
	unsigned cpus;
	double base_w;
	double weight_j[PLANT_EVENTS_MAX];
	struct thermal thermal; /* of all power, base included */
};

/* What has come together since creation. */
struct plant_total {
	double count[PLANT_EVENTS_MAX];
	double busy_ns;
	double temperature_c;
};

/* What a process knows of the course so far: made from the file's changes alone. */
struct plant_course {
	pthread_mutex_t lock;
	uint32_t known;            /* changes that `rates` and `marks` have seen */
	struct plant_rates idle;   /* before the first change */
	struct plant_rates *rates; /* of each change, PLANT_CHANGES_MAX */
	struct {                   /* totals at every PLANT_MARK_NS */
		struct plant_total *items;
		size_t count, capacity;
	} marks;
};

struct plant {
	struct plant_file *file;
	bool writable;
	struct plant_truth truth;
	struct plant_course *course;
};

/* plant-truth.c: what follows from the seed. */
unsigned plant_truth_events(void);
const char *plant_truth_name(unsigned event);
void plant_truth_make(struct plant_truth *truth, uint64_t seed, unsigned cpus);
void plant_truth_rates(const struct plant_truth *truth, const char *workload, unsigned threads,
		       struct plant_rates *rates);
double plant_truth_dynamic_w(const struct plant_truth *truth, const double *per_ns);
/* Flicker and drift of an event's rate in the tenth of a second that has this number: near 1. */
double plant_truth_flicker(const struct plant_truth *truth, unsigned event, uint64_t tenth);

/* plant-course.c: rates added up over time. */
struct plant_course *plant_course_new(const struct plant_truth *truth); /* NULL: no memory */
void plant_course_free(struct plant_course *course);
void plant_course_total(const struct plant *plant, uint64_t time_ns, struct plant_total *total);

#endif
