/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pace.h - when a meter that must be asked is asked again. For lib/meter alone. */
#ifndef VMENERGY_METER_PACE_H
#define VMENERGY_METER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Until that moment of CLOCK_MONOTONIC, or a signal: whoever called looks what it was. */
void meter_sleep_until(uint64_t time_ns);

struct meter_pace {
	uint64_t interval_ns, next_ns;
};
void meter_pace_start(struct meter_pace *pace, double interval_s);
/* Wait until it is due, or the deadline. true: it was, and the next one is fixed: no
 * bursts after a delay. */
bool meter_pace_wait(struct meter_pace *pace, uint64_t deadline_ns);

/*
 * "WHAT@INTERVAL", "WHAT", "@INTERVAL" or NULL: WHAT into `what`, and how often the
 * meter is asked. -EINVAL with text.
 */
struct meter_pace_bounds {
	double least_s, most_s, default_s;
};
int meter_pace_parse(const char *address, const struct meter_pace_bounds *bounds, char *what,
		     size_t size, double *interval_s, struct error *error);

#endif
