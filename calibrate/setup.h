/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * setup.h - what every command that measures has in common: options, the meter,
 * the counters, and what is known of this machine.
 */
#ifndef VMENERGY_CALIBRATE_SETUP_H
#define VMENERGY_CALIBRATE_SETUP_H

#include <argp.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "calibrate/record/counters.h"
#include "calibrate/record/session.h"
#include "calibrate/workload/frequency.h"
#include "calibrate/workload/suite.h"
#include "meter/meter.h"

struct setup_options {           /* start from setup_defaults() */
	const char *meter;       /* -m, --meter SPEC: as meter.h; "auto" */
	const char *counters;    /* --counters SPEC: as counters.h; "auto" */
	const char *events;      /* -e, --events A,B,...; NULL: chosen by data */
	const char *scope;       /* --scope WORD: what the meter measures, where it does not know */
	const char *workloads;   /* -w, --workloads A,B,...; NULL = all */
	const char *frequencies; /* --frequencies LIST | all | governor: default governor */
	double minutes;          /* --minutes M: about how long; 0 = the command's default */
	bool brief;              /* --brief */
	bool scout;              /* to choose events: each workload once (suite.h) */
	uint64_t seed;           /* --seed N: of the order of runs */
	double disks_idle_w;     /* --disks-idle WATTS: of the disks that are powered; NaN */
	const char *root;        /* --root DIR */
	const char *plant;       /* --plant FILE: emulated counters of this plant, and its clock */
	bool quiet;              /* -q: no progress */
};

#define SETUP_PLANT_SPEED 60.0

struct setup_options setup_defaults(void);
/* An argp child: its input is a struct setup_options. */
extern const struct argp setup_argp;

struct setup {
	struct rootfs root;
	struct meter *meter;
	struct counters *counters;
	struct suite_machine machine;
	struct frequencies frequencies; /* what machine.frequencies_hz points to */
	struct error_list warnings;     /* what the user should know before it takes half an hour */
};

/*
 * Open meter and counters and fill session->about and session->meter. `-m emulated`
 * without a plant makes one (a temporary file, SETUP_PLANT_SPEED times as fast as time) and takes
 * its counters too. *setup stays where it is until setup_close(). 0 or -errno with text
 * that says what would help.
 */
int setup_open(struct setup *setup, const struct setup_options *options, struct session *session,
	       struct error *error);
void setup_close(struct setup *setup);

/*
 * Fill session->passes, which is empty: options->events, or those of the machine's events that are
 * worth a selection, as many at a time as count together. None: one pass without events. 0 or
 * -errno with text that names the event.
 */
int setup_passes(struct setup *setup, const struct setup_options *options, struct session *session,
		 struct error *error);
/* What is to be run for this session, in about `minutes` unless the options say how long. */
int setup_suite(const struct setup *setup, const struct setup_options *options, double minutes,
		const struct session *session, struct suite *suite, struct error *error);

#endif
