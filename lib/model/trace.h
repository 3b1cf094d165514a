/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * trace.h - calibration data: vmenergy.trace(5).
 *
 * CSV with a header. One column is the power (`power_w`), or the energy of the
 * row (`energy_j`); `workload` names the group that is held out as a whole;
 * `timestamp`, `interval_s`, `frequency_hz`, `voltage_v` and `temperature_c` are
 * known; every other column is an event: a rate per second, or with an interval
 * a count. Beside a trace FILE, FILE.about says which machine and meter it is of
 * (trace-about.h).
 */
#ifndef VMENERGY_MODEL_TRACE_H
#define VMENERGY_MODEL_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "model/sample.h"

enum { TRACE_EVENTS_MAX = 64 };

/* How a file is to be read. Zero: the names of vmenergy.trace(5). */
struct trace_request {
	const char *power_column;  /* NULL: power_w, else energy_j */
	const char *group_column;  /* NULL: workload; no such column: see has_groups */
	const char *const *events; /* NULL: every column that is nothing else */
	unsigned event_count;
	/* Power over time is all that is wanted: no column is an event, whatever it holds. */
	bool without_events;
	double interval_s; /* > 0: events are counts of so many seconds */
};

/*
 * Rows as columns. A known column that the file lacks is NULL; an absent value
 * in it is NaN. Power and events are never absent: such rows are dropped and counted.
 */
struct trace {
	size_t row_count;
	/* Joules per row instead of watts, and counts instead of rates: `energy_j` without
	 * an interval. */
	bool is_energy;
	char power_column[EVENT_NAME_BYTES]; /* as the file has it */
	double *power;                       /* W (is_energy: J per row) */
	unsigned event_count;
	char (*event_names)[EVENT_NAME_BYTES];
	double *events;  /* row_count x event_count, row after row: per second (is_energy: per row)
			  */
	bool has_groups; /* false: ten blocks of consecutive rows serve as groups */
	size_t group_count;
	char **group_names;
	uint32_t *group; /* of each row */
	double *timestamp_s, *interval_s, *frequency_hz, *voltage_v, *temperature_c;
	size_t dropped_rows; /* without power or without an event's value */
};

/*
 * `text` is the file (length bytes, NUL behind them); `path` stands in messages.
 * 0 and *trace (owned by the caller); -EINVAL with every error, "PATH:LINE: ...",
 * in `errors`; -ENOMEM. `warnings`: columns that were left aside, dropped rows.
 * Linear in bytes.
 */
int trace_parse(const char *path, const char *text, size_t length,
		const struct trace_request *request, struct trace **trace,
		struct error_list *errors, struct error_list *warnings);
void trace_free(struct trace *trace);

/* The file again: known columns that are there, `interval_s` and counts if it has intervals. */
void trace_print(const struct trace *trace, struct text *out);

/* An empty trace with room for `rows` rows, every known column included; NULL: no memory.
 * The writer fills what it has and frees (and sets to NULL) the columns that it lacks. */
struct trace *trace_new(size_t rows, unsigned events);

#endif
