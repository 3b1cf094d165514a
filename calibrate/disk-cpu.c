/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk at work keeps CPUs at work. Where the meter sees both, their time is one
 * column more of the fit, whose part is then taken away.
 */
#include "calibrate/disk-runs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/factor.h"

enum { COLUMNS = 5 }; /* busy CPUs last: of what a disk's columns explain as well, they get none */

static struct trace *make_trace(const struct disk_runs *runs, const double *busy_cpus)
{
	struct trace *trace = trace_new(runs->count, COLUMNS);

	if (!trace)
		return NULL;
	trace->row_count = runs->count;
	trace->group_names = calloc(1, sizeof *trace->group_names);
	if (!trace->group_names) {
		trace_free(trace);
		return NULL;
	}
	trace->group_count = 1;
	for (size_t i = 0; i < runs->count; i++) {
		const struct disk_run *run = &runs->items[i];
		const double columns[COLUMNS] = { run->reads, run->read_bytes, run->writes,
						  run->write_bytes, busy_cpus[i] };

		memcpy(trace->events + i * COLUMNS, columns, sizeof columns);
		trace->power[i] = run->power_w;
	}
	return trace;
}

int disk_runs_remove_cpu(struct disk_runs *runs, const double *busy_cpus, double *watts_per_cpu,
			 struct error *error)
{
	struct trace *trace = make_trace(runs, busy_cpus);
	struct factors factors = { 0 };
	double x[COLUMNS + 1] = { 0 };
	int result = trace ? factors_make(&factors, trace, NULL) : -ENOMEM;

	if (!result)
		result = factor_solve(&factors.groups[0], FIT_NNLS, 0, x);
	if (!result) {
		*watts_per_cpu = x[COLUMNS] / factors.scale[COLUMNS];
		for (size_t i = 0; i < runs->count; i++)
			runs->items[i].power_w -= *watts_per_cpu * busy_cpus[i];
	}
	factors_clear(&factors);
	trace_free(trace);
	return result ? error_setf(error, -result, "%s", strerror(-result)) : 0;
}
