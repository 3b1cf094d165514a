/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/disk-runs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"

void disk_runs_clear(struct disk_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		free((char *)(uintptr_t)runs->items[i].workload);
	free(runs->items);
	memset(runs, 0, sizeof *runs);
}

int disk_runs_add(struct disk_runs *runs, const struct disk_run *run)
{
	char *name = NULL;
	struct disk_run *added;

	if (text_replace(&name, run->workload))
		return -ENOMEM;
	added = MEMORY_APPEND(runs);
	if (!added) {
		free(name);
		return -ENOMEM;
	}
	*added = *run;
	added->workload = name;
	return 0;
}

/* Columns that a trace may have. */
enum word { READS, READ_BYTES, WRITES, WRITE_BYTES, READ_MIB, WRITE_MIB, REQUEST_KIB, BUSY, WORDS };

static const struct {
	const char *name;
	bool is_count; /* a trace with intervals has counts of it, and rates in memory */
} words[WORDS] = {
	[READS] = { "reads", true },
	[READ_BYTES] = { "read_bytes", true },
	[WRITES] = { "writes", true },
	[WRITE_BYTES] = { "write_bytes", true },
	[READ_MIB] = { "read_mib_s", false },
	[WRITE_MIB] = { "write_mib_s", false },
	[REQUEST_KIB] = { DISK_REQUEST_COLUMN, false },
	[BUSY] = { "busy", false },
};

struct reader {
	const struct trace *trace;
	bool sizes_are_groups; /* the groups are what the column request_kib had */
	int columns[WORDS];    /* -1 = the trace has none */
};

/* NaN where there is no such column. */
static double value(const struct reader *reader, size_t row, enum word word)
{
	const struct trace *trace = reader->trace;
	double number;

	if (reader->columns[word] < 0)
		return NAN;
	number = trace->events[row * trace->event_count + (unsigned)reader->columns[word]];
	return trace->interval_s && !words[word].is_count ? number * trace->interval_s[row]
							  : number;
}

static void find_columns(struct reader *reader)
{
	for (int word = 0; word < WORDS; word++) {
		reader->columns[word] = -1;
		for (unsigned i = 0; i < reader->trace->event_count; i++)
			if (strcmp(reader->trace->event_names[i], words[word].name) == 0)
				reader->columns[word] = (int)i;
	}
}

static double request_kib(const struct reader *reader, size_t row)
{
	const struct trace *trace = reader->trace;
	double kib;

	if (!reader->sizes_are_groups || !trace->has_groups)
		return value(reader, row, REQUEST_KIB);
	return number_parse_double(trace->group_names[trace->group[row]], &kib) ? NAN : kib;
}

/* One direction's bytes and requests, as far as they are there or follow. */
static void take_direction(const struct reader *reader, size_t row, const enum word from[3],
			   double *requests, double *bytes)
{
	double mib = value(reader, row, from[2]), kib = request_kib(reader, row);

	*bytes = value(reader, row, from[1]);
	if (isnan(*bytes))
		*bytes = isnan(mib) ? 0 : mib * 1048576;
	*requests = value(reader, row, from[0]);
	if (isnan(*requests))
		*requests = kib > 0 ? *bytes / (kib * 1024) : 0;
}

int disk_runs_of_trace(const struct trace *trace, bool sizes_are_groups, struct disk_runs *runs,
		       struct error *error)
{
	static const enum word reads[] = { READS, READ_BYTES, READ_MIB };
	static const enum word writes[] = { WRITES, WRITE_BYTES, WRITE_MIB };
	struct reader reader = { .trace = trace, .sizes_are_groups = sizes_are_groups };
	bool any = false;

	find_columns(&reader);
	for (int word = 0; word < REQUEST_KIB; word++)
		any = any || reader.columns[word] >= 0;
	if (trace->is_energy)
		return error_setf(error, EINVAL, "joules without an interval say nothing of power");
	if (!any)
		return error_setf(error, EINVAL,
				  "none of the columns reads, read_bytes, read_mib_s, writes, "
				  "write_bytes, write_mib_s is there");
	for (size_t i = 0; i < trace->row_count; i++) {
		struct disk_run run = {
			.power_w = trace->power[i],
			.busy = value(&reader, i, BUSY),
			.workload = trace->has_groups ? trace->group_names[trace->group[i]] : NULL,
		};

		take_direction(&reader, i, reads, &run.reads, &run.read_bytes);
		take_direction(&reader, i, writes, &run.writes, &run.write_bytes);
		if (disk_runs_add(runs, &run))
			return error_setf(error, ENOMEM, "out of memory");
	}
	return 0;
}
