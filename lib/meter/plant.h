/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plant.h - an emulated machine with known weights: event rates that follow from
 * which workload runs, and the power that follows from them, both functions of a
 * seed and the time. What is behind the emulated meter and the emulated counters.
 *
 * The state is a small file that several processes map: whoever runs workloads
 * writes down which begins when; counters read rates from it, a meter (ours, or
 * a USB model in another process) reads watts. Nothing else passes between them.
 * Any thread may ask; one at a time writes changes.
 */
#ifndef VMENERGY_METER_PLANT_H
#define VMENERGY_METER_PLANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/sample.h"

enum { PLANT_EVENTS_MAX = 12 };

struct plant;

struct plant_settings { /* zero fields take the default */
	uint64_t seed;
	double speed;  /* plant seconds per second of CLOCK_MONOTONIC; default 1 */
	unsigned cpus; /* default 8: four cores, two threads each */
};

/* Create the file (exclusive) or map one that exists. 0 or -errno with text. */
int plant_create(struct plant **plant, const char *path, const struct plant_settings *settings,
		 struct error *error);
int plant_open(struct plant **plant, const char *path, struct error *error);
void plant_close(struct plant *plant); /* the file stays */

/* The truth, for whoever judges a calibration. */
unsigned plant_event_count(const struct plant *plant);
const char *plant_event_name(const struct plant *plant, unsigned event); /* "emulated::..." */
double plant_weight_j(const struct plant *plant, unsigned event);        /* 0: a decoy */
double plant_base_w(const struct plant *plant);
double plant_speed(const struct plant *plant);
unsigned plant_cpus(const struct plant *plant);

/* Plant time: ns since creation, `speed` times as fast as CLOCK_MONOTONIC. */
uint64_t plant_time_ns(const struct plant *plant, uint64_t monotonic_ns);

/*
 * From plant time `time_ns` (not before the last one) on, `workload` runs on
 * `threads` hardware threads; threads 0 = idle. The name alone, hashed with the
 * seed, says what it does to the counters. -ENOSPC: too many changes; -EROFS: the file could only
 * be opened for reading; -EINVAL: before the last one; -ENAMETOOLONG.
 */
int plant_run(struct plant *plant, uint64_t time_ns, const char *workload, unsigned threads,
	      struct error *error);

/* Cumulative counts of all CPUs from creation to plant time `time_ns` (rates flicker by a few
 * percent from tenth to tenth of a second and drift within a workload). */
void plant_counts(const struct plant *plant, uint64_t time_ns, uint64_t count[PLANT_EVENTS_MAX],
		  uint64_t *busy_ns);
/* Mean true power of [from_ns, to_ns); NaN of nothing. No noise: that is the meter's. */
double plant_power_w(const struct plant *plant, uint64_t from_ns, uint64_t to_ns);
/* As a sensor has it: whole degrees that follow the power with a time constant of a minute. */
double plant_temperature_c(const struct plant *plant, uint64_t time_ns);

#endif
