/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recorder.h - what the parts of record_run() share. */
#ifndef VMENERGY_CALIBRATE_RECORD_RECORDER_H
#define VMENERGY_CALIBRATE_RECORD_RECORDER_H

#include "calibrate/record/progress.h"
#include "calibrate/record/record.h"
#include "calibrate/workload/frequency.h"
#include "meter/meter-thread.h"

struct recorder {
	const struct record_setup *setup;
	struct session *session;
	struct meter_thread *meter;
	struct meter_readings fresh; /* just taken from the thread */
	struct meter_state state;
	struct progress progress;
	struct frequency_hold *hold; /* NULL = the governor is left alone */
	uint64_t frequency_hz;       /* that is set; 0 = none */
	bool has_pass;
	unsigned pass;     /* that is counted */
	double speed;      /* of the session's clock: a plant's */
	uint64_t shift_ns; /* the session's time less the clock's or the plant's */
	double sample_s;
	uint64_t written_ns; /* readings before are in the file */
	int fd;              /* of the file, or -1 */
	bool *is_done;       /* phases of the suite that the file had */
	double done_s;       /* of the suite */
	const char *what;    /* that is running */
	double power_w;      /* the newest reading */
	bool has_run;        /* anything: not all of it was in the file */
	bool said_busy;      /* that the machine is not idle */
	unsigned failed;     /* phases that were given up */
};

/* --- time (record-time.c); all of it is the session's --- */

uint64_t recorder_now_ns(const struct recorder *recorder);
uint64_t recorder_after_ns(uint64_t time_ns, double seconds);
bool recorder_must_stop(const struct recorder *recorder);
/* 0, or -EINTR. */
int recorder_wait_until(const struct recorder *recorder, uint64_t time_ns);
/* Readings that arrived, into the session. 0 or -ENOMEM. */
int recorder_drain(struct recorder *recorder, struct error *error);
/* Nothing but readings for a while: 0, -EINTR or -ENOMEM. */
int recorder_idle(struct recorder *recorder, double seconds, struct error *error);
void recorder_show(struct recorder *recorder, double phase_done_s);

/* --- phases (record-phase.c) --- */

/* The workload, by the name under which it is held out. */
const char *recorder_group(const struct suite_phase *plan);

/*
 * A phase and the `count` - 1 that continue it: the workload goes on while passes change. 0: they
 * are the session's last phases. Else none is in the session: -EINTR, -ENOMEM, or another -errno
 * with text: the workload ended, the meter was lost, ...
 */
int recorder_run_phases(struct recorder *recorder, const struct suite_phase *plans, size_t count,
			struct error *error);

/* --- the file (record-file.c) --- */

/* Begin it anew, or take up what is there: fills session, is_done, shift_ns, written_ns. */
int recorder_open_file(struct recorder *recorder, struct error *error);
/* The phases from `first` on, and what readings came before them. */
int recorder_keep_phases(struct recorder *recorder, size_t first, struct error *error);
/* Readings after the last phase. */
int recorder_keep_rest(struct recorder *recorder, struct error *error);
void recorder_close_file(struct recorder *recorder);

/* --- taking up an earlier recording (record-resume.c) --- */

/* Do both say the same of machine, meter and events? 0 or -EINVAL with what differs. Pure. */
int record_compare(const struct session *before, const struct session *now, struct error *error);
/*
 * Which phases of the suite the session has; those that continue one another are one. If the last
 * one lacks a part, it is taken out of the session. -EINVAL with text: it has one that the suite
 * has not. Pure.
 */
int record_match(struct session *session, const struct suite *suite, bool *is_done,
		 struct error *error);

#endif
