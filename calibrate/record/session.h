/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * session.h - what a recording of workloads is made of, raw: phases, samples of
 * the counters and readings of the meter, each with its own time on one clock.
 * A trace is made from it by align.h, which knows the meter's lag.
 *
 * On disk an append-only file of CSV lines, flushed phase by phase: what was
 * complete when a recording was cut short is kept, and the rest recorded later.
 */
#ifndef VMENERGY_CALIBRATE_RECORD_SESSION_H
#define VMENERGY_CALIBRATE_RECORD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "meter/meter.h"
#include "model/sample.h"
#include "model/trace-about.h"

enum { SESSION_FORMAT = 1, SESSION_EVENTS_MAX = 32, SESSION_NAME_BYTES = 48 };

/* A set of events that is counted at one time. */
struct session_pass {
	unsigned event_count;
	char names[SESSION_EVENTS_MAX][EVENT_NAME_BYTES];
};

struct session_phase {
	char workload[SESSION_NAME_BYTES]; /* the group: what is held out as a whole */
	char variant[SESSION_NAME_BYTES];  /* "4 threads, spread"; "" = none */
	unsigned pass;                     /* index into passes */
	unsigned threads;
	uint64_t frequency_hz;     /* that was set; 0 = as the governor has it */
	uint64_t begin_ns, end_ns; /* of the workload, warm-up included */
	bool continues; /* the phase before: its workload went on, only the pass is another */
	bool complete;
};

/* Cumulative, all CPUs together; the events of the phase that it lies in. */
struct session_sample {
	uint64_t time_ns;
	size_t phase;
	uint64_t busy_ns; /* time that CPUs were not idle */
	uint64_t count[SESSION_EVENTS_MAX];
	double frequency_hz, temperature_c;                                  /* NaN = unknown */
	uint64_t disk_read_bytes, disk_write_bytes, disk_reads, disk_writes; /* of the disk that is
										calibrated */
	unsigned quality; /* QUALITY_* of the counters */
};

struct session {
	struct trace_about about;
	struct meter_about meter;
	char disk[64]; /* "sda": the disk that is calibrated; "" = none */
	struct {
		struct session_pass *items;
		size_t count, capacity;
	} passes;
	struct {
		struct session_phase *items;
		size_t count, capacity;
	} phases;
	struct {
		struct session_sample *items;
		size_t count, capacity;
	} samples;
	struct {
		struct meter_reading *items;
		size_t count, capacity;
	} readings;
};

void session_clear(struct session *session);

/*
 * The file's parts, a letter and then the values in each line:
 *     f,FORMAT   a,LINE OF ABOUT   m,METER...   d,DISK   p,EVENTS OF A PASS...
 *     w,WORKLOAD,VARIANT,PASS,THREADS,FREQUENCY_HZ,BEGIN_NS,CONTINUES     a phase begins; 1: it
 *       continues the one before
 *     s,TIME_NS,BUSY_NS,QUALITY,FREQUENCY_HZ,TEMPERATURE_C,READ_BYTES,WRITE_BYTES,READS,WRITES,
 *       COUNTS...
 *     r,TIME_NS,POWER_W,ENERGY_J,FLAGS
 *     e,END_NS                                                            and was complete
 * An empty value is an unknown one.
 */
void session_print_head(const struct session *session, struct text *out); /* about, meter, passes */
/* A phase with its samples and the readings in [begin_ns, end_ns). */
void session_print_phase(const struct session *session, size_t phase, struct text *out);
/* Readings in [from_ns, to_ns): what came between phases, and after the last one. */
void session_print_readings(const struct session *session, uint64_t from_ns, uint64_t to_ns,
			    struct text *out);
/* All of it; phases that are not complete are left out. */
void session_print(const struct session *session, struct text *out);
/* Strict but for the last lines: an incomplete phase is left out. -EINVAL with text, -ENOMEM. */
int session_parse(const char *path, const char *text, size_t length, struct session *session,
		  struct error *error);

#endif
