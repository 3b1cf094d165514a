/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hold.h - when a setting that is in force is worth writing again. Each write
 * of a CPU quota leaks about one free quota, so a value is held until the means since it
 * was written are off by more than chance: the feedback that absorbs the
 * mechanism's own inaccuracy and the curvature of the plant, and writes rarely.
 */
#ifndef VMENERGY_VMENERGYD_POLICY_HOLD_H
#define VMENERGY_VMENERGYD_POLICY_HOLD_H

#include <stdbool.h>

enum { HOLD_RING = 64 };
#define HOLD_WRITES_PER_S (4.0 / 60) /* of a setting, in the long run */
#define HOLD_WRITES_MAX 5.0          /* that may be saved up */

struct hold {
	double setting;   /* in force; INFINITY = none */
	double aim_w;     /* what it ought to give, smoothed */
	double written_w; /* aim_w when the setting was written; NaN = not known */
	double age_s;     /* since the last write */
	double writes;
	double noise;            /* of samples: standard deviation, a fraction */
	double quantum;          /* what is counted whole, part of a sample; 0 */
	double watts[HOLD_RING]; /* while it was in force and used up */
	unsigned count, next;
	unsigned full; /* of the last of them: while it was used up throughout */
};

void hold_reset(struct hold *hold);
/* Time passes; what the setting ought to give now. */
void hold_aim(struct hold *hold, double target_w, double dt_s);
/* A mean of a period with the setting in force; is_full: used up from begin to end, so that
 * nothing else made it so little. */
void hold_sample(struct hold *hold, double watts, bool is_full);
/* Somebody asked for something else: that one is not to wait for. */
void hold_asked(struct hold *hold);
/* What was sampled so far. */
void hold_forget(struct hold *hold);
/* Aim over what it gives, less 1; 0 = not off by more than chance (or nothing is known). */
double hold_error(const struct hold *hold);
/* May it be written, for a change by that fraction? Large ones always may; others as the minute's
 * budget of writes allows, small ones after rest_s. */
bool hold_may_write(const struct hold *hold, double change, double rest_s);
/* `wanted`: what would meet the aim, where the setting may not go there at once. */
void hold_written(struct hold *hold, double setting, double wanted);

#endif
