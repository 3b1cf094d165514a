/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/thermal-rows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int thermal_rows_of_trace(const struct trace *trace, struct thermal_rows *rows, struct error *error)
{
	if (trace->is_energy)
		return error_setf(error, EINVAL, "joules without an interval say nothing of power");
	if (!trace->timestamp_s || !trace->temperature_c)
		return error_setf(error, EINVAL, "there is no column %s of numbers",
				  trace->timestamp_s ? "temperature_c" : "timestamp");
	for (size_t i = 0; i < trace->row_count; i++) {
		struct thermal_row *row;

		if (isnan(trace->timestamp_s[i]))
			continue;
		row = MEMORY_APPEND(rows);
		if (!row)
			return error_setf(error, ENOMEM, "out of memory");
		*row = (struct thermal_row){ trace->timestamp_s[i], trace->power[i],
					     trace->temperature_c[i] };
	}
	return 0;
}

/* Samples and readings each in the order of time: one walk. */
int thermal_rows_of_session(const struct session *session, struct thermal_rows *rows,
			    struct error *error)
{
	const struct session_sample *samples = session->samples.items;
	size_t at = 0;

	for (size_t i = 0; i < session->readings.count; i++) {
		const struct meter_reading *reading = &session->readings.items[i];
		struct thermal_row *row;

		while (at + 1 < session->samples.count &&
		       samples[at + 1].time_ns <= reading->time_ns)
			at++;
		if (at >= session->samples.count || samples[at].time_ns > reading->time_ns ||
		    !isfinite(samples[at].temperature_c) || !isfinite(reading->power_w))
			continue;
		row = MEMORY_APPEND(rows);
		if (!row)
			return error_setf(error, ENOMEM, "out of memory");
		*row = (struct thermal_row){ (double)reading->time_ns * 1e-9, reading->power_w,
					     samples[at].temperature_c };
	}
	if (rows->count == 0)
		return error_setf(error, ENODEV,
				  "no temperature was read: this machine shows no sensor of its "
				  "CPUs");
	return 0;
}

int thermal_rows_to_trace(const struct thermal_rows *rows, struct trace **out)
{
	struct trace *trace = trace_new(rows->count, 0);
	double **without[3];

	*out = trace;
	if (!trace)
		return -ENOMEM;
	without[0] = &trace->interval_s;
	without[1] = &trace->frequency_hz;
	without[2] = &trace->voltage_v;
	for (size_t i = 0; i < 3; i++) {
		free(*without[i]);
		*without[i] = NULL;
	}
	strcpy(trace->power_column, "power_w");
	trace->row_count = rows->count;
	for (size_t i = 0; i < rows->count; i++) {
		trace->timestamp_s[i] = rows->items[i].time_s;
		trace->power[i] = rows->items[i].power_w;
		trace->temperature_c[i] = rows->items[i].temperature_c;
	}
	return 0;
}

void thermal_rows_clear(struct thermal_rows *rows)
{
	free(rows->items);
	memset(rows, 0, sizeof *rows);
}

int thermal_suite(const struct suite_machine *machine, const char *workload, double minutes,
		  struct suite *suite, struct error *error)
{
	const struct workload *load = workload_find(workload);
	const struct suite_phase phases[] = {
		{ .run = { .workload = load, .threads = machine->cpus },
		  .seconds = 30 * minutes,
		  .variant = "heating" },
		{ .run = { .workload = workload_find("idle") },
		  .seconds = 30 * minutes,
		  .variant = "cooling" },
	};

	if (!load || load->kind == WORKLOAD_IDLE)
		return error_setf(error, EINVAL, "workload %s: is not known, or does not heat",
				  workload);
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
		struct suite_phase *phase = MEMORY_APPEND(suite);

		if (!phase)
			return error_setf(error, ENOMEM, "out of memory");
		*phase = phases[i];
		suite->total_s += phase->seconds;
	}
	return 0;
}
