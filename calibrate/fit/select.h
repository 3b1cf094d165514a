/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * select.h - which events to count, when there are more candidates than counters.
 * Forward selection with exchanges up to the limit, by held-out error, with a limit on
 * collinearity; kept are as many as make that error least. Pure.
 */
#ifndef VMENERGY_CALIBRATE_FIT_SELECT_H
#define VMENERGY_CALIBRATE_FIT_SELECT_H

#include "base/error.h"
#include "calibrate/record/session.h"
#include "calibrate/fit/align.h"
#include "model/trace.h"

struct select_limits {
	unsigned events; /* at most so many */
	double vif_max;  /* of each chosen event; 0 = 10 */
	double gain_min; /* an event is worth a counter if held-out RMSE falls by this part; 0 =
			    0.002 */
};

struct select_step {
	unsigned event;   /* index into the trace's events */
	double lowo_rmse; /* W, with it and those before it */
	double vif;       /* the largest among those chosen so far */
};

struct selection {
	unsigned count;
	double none_rmse; /* W, held-out, without any event */
	struct select_step steps[TRACE_EVENTS_MAX];
	struct error_list notes; /* candidates that were left out, and why: never counted, copies */
};

/* 0, -EINVAL (no groups to hold out, no events), -ENOMEM. CPUTIME_EVENT is never chosen: it stands
 * in for all. The caller clears `notes`. */
int select_events(const struct trace *trace, const struct select_limits *limits,
		  struct selection *selection, struct error *error);

/*
 * The trace that selection needs when the candidates were counted in several
 * passes: a row for each (workload, variant, frequency), its power the mean over all passes,
 * each event's rate the mean of the pass (or passes) that counted it. Readings far off the others
 * of their row are left out. Rows that lack an event are dropped.
 */
int select_merge(const struct session *session, const struct align *align, double settle_s,
		 struct trace **trace, struct error *error);

#endif
