/* SPDX-License-Identifier: GPL-3.0-or-later */
/* thermal-rows.h - power and temperature over time: of a trace, or of a run of one's own. */
#ifndef VMENERGY_CALIBRATE_THERMAL_ROWS_H
#define VMENERGY_CALIBRATE_THERMAL_ROWS_H

#include "calibrate/fit/thermal.h"
#include "calibrate/record/session.h"
#include "calibrate/workload/suite.h"
#include "model/trace.h"

struct thermal_rows {
	struct thermal_row *items; /* owned */
	size_t count, capacity;
};

/* Of a trace with timestamps and temperatures; rows that lack a time are left out. -EINVAL with
 * text, -ENOMEM. */
int thermal_rows_of_trace(const struct trace *trace, struct thermal_rows *rows,
			  struct error *error);
/* Each reading of the meter, with the temperature at that time. */
int thermal_rows_of_session(const struct session *session, struct thermal_rows *rows,
			    struct error *error);
/* The rows as a trace. 0 or -ENOMEM. */
int thermal_rows_to_trace(const struct thermal_rows *rows, struct trace **trace);
void thermal_rows_clear(struct thermal_rows *rows);

/* Full load, then idle, half of the time each. 0, -EINVAL: no such workload, -ENOMEM. */
int thermal_suite(const struct suite_machine *machine, const char *workload, double minutes,
		  struct suite *suite, struct error *error);

#endif
