/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * metering.h - a power meter beside the account: read by a thread of its own,
 * compared with what the model said at the same time.
 *
 * A meter shows the mean over its window, and later. What the model says of
 * the host is passed through the same lag and window before the two are
 * compared. Figures that are flagged (damaged, frozen, overrange, after a gap) are not used.
 */
#ifndef VMENERGY_ENGINE_METERING_H
#define VMENERGY_ENGINE_METERING_H

#include <stdint.h>

#include "base/error.h"
#include "meter/meter.h"
#include "model/snapshot.h"

struct metering_options {
	const char *spec; /* as meter_open() */
	struct meter_place place;
	/* Of the account. A meter that says another one is not opened; one that cannot
	 * know is taken for this one. */
	enum scope scope;
	/* Of the weights file, in the meter's own clock; NaN = the meter's own window (where that
	 * is not documented: the time between readings), and no lag. */
	double lag_s, window_s;
};

struct metering;

/* Returns at once: the meter is opened by the thread that reads it, again each 10 s until it is
 * there; metering_match() tells what is wrong meanwhile. What `place` points to outlives it. 0 or
 * -errno with text: there is no thread. */
int metering_open(struct metering **metering, const struct metering_options *options,
		  struct error *error);
void metering_close(struct metering *metering); /* waits for an opening that is under way */
const struct meter_about *metering_about(struct metering *metering); /* NULL = not open yet */

struct metering_match {
	/* Mean of the readings that were matched since the last call: new ones whose time the
	 * model has covered by now. NaN = none. */
	double metered_w;
	double modelled_w; /* of the model over the same time, seen through lag and window; NaN */
	double age_s;      /* of the newest good reading; INFINITY = none yet */
	/* Of the meter: why there is nothing; NULL = all well, or not time yet. Until the next
	 * call. */
	const char *trouble;
};

/* What the model says of that which a meter of this scope measures (model.md 5): the whole
 * host, or its CPUs alone; NaN of a rail, as nobody knows what is on it. */
double metering_host_w(enum scope scope, const struct snapshot *snapshot);

/* The model's figure of a tick (NaN = none), then what the meter says of the time before. From one
 * thread. */
void metering_add_model(struct metering *metering, uint64_t begin_ns, uint64_t end_ns,
			double host_w);
struct metering_match metering_match(struct metering *metering, uint64_t now_ns);

/*
 * metered_w, residual_w (metered minus modelled over the same time), residual_reason, source.meter,
 * as model.md 5 has them: without a new reading the figures are NaN, and the reason says
 * why. Before it is open, the reason alone: which meter, and what is wrong. 0 or -ENOMEM.
 */
int metering_fill(const struct metering *metering, const struct metering_match *match,
		  struct snapshot *snapshot);

#endif
