/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Below saturation only products are seen: watts per request a second is
 * P_delta * t, watts per byte a second P_delta / rate. P_delta = P_active - P_idle
 * itself shows where the device can do no more: the sum of times is one there. So
 *
 *     P = P_idle + a_r reads + b_r read_bytes + a_w writes + b_w write_bytes
 *
 * is fitted with coefficients >= 0, P_delta is the most that the fit gives above
 * P_idle for any saturated workload, t = a / P_delta and rate = P_delta / b.
 */
#include "calibrate/fit/disk.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 4 };
enum { BLOCKS = 10 };                /* that are held out where runs have no names */
static const double rate_max = 1e12; /* B/s: what weights files hold; bytes that cost nothing */
static const double saturated_busy = 0.9;
static const double r2_min = 0.5;
static const double drift_max = 0.2; /* of the dynamic power, within a workload */
/* Without an idle run: how far down runs must reach for the rest to be extrapolated. */
static const double near_idle = 0.25;

struct column {
	const char *name;
	size_t offset;
	bool is_write, is_bytes;
};

static const struct column columns[COLUMNS] = {
	{ "reads", offsetof(struct disk_run, reads), false, false },
	{ "read_bytes", offsetof(struct disk_run, read_bytes), false, true },
	{ "writes", offsetof(struct disk_run, writes), true, false },
	{ "write_bytes", offsetof(struct disk_run, write_bytes), true, true },
};

struct work {
	const struct disk_run *runs;
	size_t count;
	struct trace *trace;
	struct fit *fit;
	/* Which columns the trace has: the others are zero in all runs. */
	unsigned used[COLUMNS], used_count;
	struct disk_fit *out;
	double delta_w;
	size_t top; /* group that P_delta is of */
};

static double value(const struct disk_run *run, unsigned column)
{
	return *(const double *)(const void *)((const char *)run + columns[column].offset);
}

static bool is_idle(const struct disk_run *run)
{
	return run->reads == 0 && run->writes == 0 && run->read_bytes == 0 && run->write_bytes == 0;
}

/* --- runs as a trace ------------------------------------------------------------------------- */

static int check_runs(const struct work *work, struct error *error)
{
	bool any = false;

	for (size_t i = 0; i < work->count; i++) {
		const struct disk_run *run = &work->runs[i];

		if (!isfinite(run->power_w))
			return error_setf(error, EINVAL, "run %zu has no power", i + 1);
		for (unsigned k = 0; k < COLUMNS; k++)
			if (!(value(run, k) >= 0) || isinf(value(run, k)))
				return error_setf(error, EINVAL, "run %zu: %s are %g a second",
						  i + 1, columns[k].name, value(run, k));
		any = any || !is_idle(run);
	}
	if (!any)
		return error_setf(error, EINVAL, "nothing was read or written in any run");
	return 0;
}

static int name_group(struct trace *trace, const struct disk_run *run, size_t row, size_t count)
{
	char **names;

	if (!run->workload) {
		trace->group[row] = (uint32_t)(row * BLOCKS / count);
		trace->group_count = trace->group[row] + 1;
		return 0;
	}
	trace->has_groups = true;
	for (size_t i = 0; i < trace->group_count; i++)
		if (strcmp(trace->group_names[i], run->workload) == 0) {
			trace->group[row] = (uint32_t)i;
			return 0;
		}
	names = reallocarray(trace->group_names, trace->group_count + 1, sizeof *names);
	if (!names)
		return -ENOMEM;
	trace->group_names = names;
	names[trace->group_count] = strdup(run->workload);
	if (!names[trace->group_count])
		return -ENOMEM;
	trace->group[row] = (uint32_t)trace->group_count++;
	return 0;
}

/* Blocks have no names; a trace's groups do. */
static int name_blocks(struct trace *trace)
{
	if (trace->has_groups)
		return 0;
	trace->group_names = calloc(trace->group_count, sizeof *trace->group_names);
	for (size_t i = 0; trace->group_names && i < trace->group_count; i++)
		if (asprintf(&trace->group_names[i], "block %zu", i + 1) < 0) {
			trace->group_count = i;
			return -ENOMEM;
		}
	return trace->group_names ? 0 : -ENOMEM;
}

static void drop_known(struct trace *trace)
{
	double **known[] = { &trace->timestamp_s, &trace->interval_s, &trace->frequency_hz,
			     &trace->voltage_v, &trace->temperature_c };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		free(*known[i]);
		*known[i] = NULL;
	}
}

static int make_trace(struct work *work)
{
	struct trace *trace;
	int result = 0;

	for (unsigned k = 0; k < COLUMNS; k++)
		for (size_t i = 0; i < work->count; i++)
			if (value(&work->runs[i], k) > 0) {
				work->used[work->used_count++] = k;
				break;
			}
	trace = work->trace = trace_new(work->count, work->used_count);
	if (!trace)
		return -ENOMEM;
	drop_known(trace);
	strcpy(trace->power_column, "power_w");
	trace->row_count = work->count;
	for (unsigned k = 0; k < work->used_count; k++)
		strcpy(trace->event_names[k], columns[work->used[k]].name);
	for (size_t i = 0; i < work->count && !result; i++) {
		trace->power[i] = work->runs[i].power_w;
		for (unsigned k = 0; k < work->used_count; k++)
			trace->events[i * work->used_count + k] =
				value(&work->runs[i], work->used[k]);
		result = name_group(trace, &work->runs[i], i, work->count);
	}
	return result ? result : name_blocks(trace);
}

/* --- power at saturation ------------------------------------------------------------------------
 */

/* Means over one workload. */
struct means {
	double rows, dynamic_w, busy; /* busy NaN = unknown */
};

static struct means group_means(const struct work *work, size_t group)
{
	struct means means = { 0 };
	double known = 0;

	for (size_t i = 0; i < work->count; i++) {
		if (work->trace->group[i] != group || is_idle(&work->runs[i]))
			continue;
		means.rows++;
		means.dynamic_w += work->fit->predicted[i] - work->fit->points[0].base;
		if (isfinite(work->runs[i].busy)) {
			means.busy += work->runs[i].busy;
			known++;
		}
	}
	means.dynamic_w /= means.rows;
	means.busy = known > 0 ? means.busy / known : NAN;
	return means;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Runs without names: what 99 % of them stay below, so that none decides alone. */
static int find_unnamed_delta(struct work *work)
{
	double *dynamic = malloc(work->count * sizeof *dynamic);

	if (!dynamic)
		return -ENOMEM;
	for (size_t i = 0; i < work->count; i++)
		dynamic[i] = work->fit->predicted[i] - work->fit->points[0].base;
	qsort(dynamic, work->count, sizeof *dynamic, compare);
	work->delta_w = dynamic[(work->count - 1) * 99 / 100];
	free(dynamic);
	return 0;
}

/* The most that a saturated workload takes; of any, where none is known to be saturated. */
static int find_delta(struct work *work)
{
	double busiest = NAN;
	bool saturated = false;

	if (!work->trace->has_groups)
		return find_unnamed_delta(work);
	work->top = work->trace->group_count;
	for (size_t group = 0; group < work->trace->group_count; group++) {
		struct means means = group_means(work, group);
		bool full = isnan(means.busy) || means.busy >= saturated_busy;

		if (means.rows == 0)
			continue;
		busiest = fmax(busiest, means.busy);
		if (work->top < work->trace->group_count &&
		    (full < saturated || (full == saturated && means.dynamic_w <= work->delta_w)))
			continue;
		saturated = full;
		work->delta_w = means.dynamic_w;
		work->top = group;
	}
	if (!saturated)
		error_list_addf(&work->out->warnings,
				"no workload kept the disk busy (%.0f %% at most): its power at "
				"saturation may be higher than %.2f W above idle",
				100 * busiest, work->delta_w);
	return 0;
}

/* P_active by the fit that did not see one workload. */
static double replicate_active_w(const struct work *work, unsigned replicate)
{
	const struct fit_point *point = &work->fit->points[0];
	double active_w = point->base_replicates[replicate], rows = 0, dynamic_w = 0;

	for (size_t i = 0; i < work->count; i++) {
		if (work->trace->group[i] != work->top || is_idle(&work->runs[i]))
			continue;
		rows++;
		for (unsigned k = 0; k < work->used_count; k++)
			dynamic_w += point->weights[k].replicates[replicate] *
				     work->trace->events[i * work->used_count + k];
	}
	return active_w + dynamic_w / rows;
}

/* model.md 6: jackknife over whole workloads. */
static double active_error_w(const struct work *work)
{
	unsigned count = work->fit->replicate_count;
	double mean = 0, squares = 0;

	if (count < 2 || !work->trace->has_groups || !work->fit->points[0].base_replicates)
		return NAN;
	for (unsigned i = 0; i < count; i++) {
		double delta = replicate_active_w(work, i) - mean;

		mean += delta / (i + 1);
		squares += delta * (replicate_active_w(work, i) - mean);
	}
	return sqrt(squares * (count - 1) / count);
}

/* --- constants ----------------------------------------------------------------------------------
 */

static void set_direction(const struct work *work, bool is_write, struct disk_direction *direction,
			  bool *has)
{
	double per_request = 0, per_byte = 0;

	*has = false;
	for (unsigned k = 0; k < work->used_count; k++) {
		const struct column *column = &columns[work->used[k]];

		if (column->is_write != is_write)
			continue;
		*has = true;
		*(column->is_bytes ? &per_byte : &per_request) =
			work->fit->points[0].weights[k].joules;
	}
	if (*has && per_request == 0 && per_byte == 0)
		error_list_addf(&work->out->warnings, "%s take no power above idle",
				is_write ? "writes" : "reads");
	direction->overhead_s = work->delta_w > 0 ? per_request / work->delta_w : 0;
	direction->rate_bytes_s =
		per_byte > 0 ? fmin(work->delta_w / per_byte, rate_max) : rate_max;
}

static void set_constants(struct work *work)
{
	struct disk_fit *out = work->out;
	const struct fit_point *point = &work->fit->points[0];

	out->constants.idle_w = point->base;
	out->constants.idle_se_w = point->base_se;
	out->constants.active_w = point->base + work->delta_w;
	out->constants.active_se_w = active_error_w(work);
	set_direction(work, false, &out->constants.read, &out->has_read);
	set_direction(work, true, &out->constants.write, &out->has_write);
	if (!out->has_read)
		out->constants.read = out->constants.write;
	if (!out->has_write)
		out->constants.write = out->constants.read;
	if (!out->has_read || !out->has_write)
		error_list_addf(&out->warnings, "nothing was %s: taken to cost what %s cost",
				out->has_read ? "written" : "read",
				out->has_read ? "reads" : "writes");
}

/* --- how good */

/* Part of the squared power above idle that throughput explains. */
static double explained(const struct work *work)
{
	double left = 0, all = 0;

	for (size_t i = 0; i < work->count; i++) {
		if (is_idle(&work->runs[i]))
			continue;
		left += pow(work->runs[i].power_w - work->fit->predicted[i], 2);
		all += pow(work->runs[i].power_w - work->fit->points[0].base, 2);
	}
	return all > 0 ? 1 - left / all : 0;
}

/* Mean residual of the second half of a workload's runs less that of the first; its error. */
struct drift {
	double change_w, error_w;
	size_t rows;
};

static struct drift find_drift(const struct work *work, size_t group)
{
	struct drift drift = { 0 };
	double sum[2] = { 0 }, squares[2] = { 0 }, rows[2] = { 0 };
	size_t seen = 0;

	for (size_t i = 0; i < work->count; i++)
		drift.rows += work->trace->group[i] == group;
	for (size_t i = 0; i < work->count; i++) {
		double residual = work->runs[i].power_w - work->fit->predicted[i];
		int half = seen >= drift.rows / 2;

		if (work->trace->group[i] != group)
			continue;
		seen++;
		sum[half] += residual;
		squares[half] += residual * residual;
		rows[half]++;
	}
	for (int half = 0; half < 2; half++) {
		double mean = sum[half] / rows[half];

		drift.change_w += half ? mean : -mean;
		drift.error_w += (squares[half] / rows[half] - mean * mean) / rows[half];
	}
	drift.error_w = sqrt(fmax(drift.error_w, 0));
	return drift;
}

static bool warn_of_drift(const struct work *work)
{
	enum { ROWS_MIN = 6 };
	bool drifts = false;

	for (size_t group = 0; work->trace->has_groups && group < work->trace->group_count;
	     group++) {
		struct means means = group_means(work, group);
		struct drift drift = find_drift(work, group);

		if (drift.rows < ROWS_MIN || !(means.dynamic_w > 0) ||
		    fabs(drift.change_w) < drift_max * means.dynamic_w ||
		    fabs(drift.change_w) < 3 * drift.error_w)
			continue;
		drifts = true;
		error_list_addf(&work->out->warnings,
				"%s: power drifts by %+.2f W (%+.0f %% of what it takes above "
				"idle) that throughput does not explain: garbage collection, or a "
				"cache that filled",
				work->trace->group_names[group], drift.change_w,
				100 * drift.change_w / means.dynamic_w);
	}
	return drifts;
}

/* Of what is taken above idle, and of the changes of power where they were held out: few idle
 * runs hide in the former that the rest is no matter of throughput. */
static bool warn_of_unexplained(const struct work *work)
{
	double r2 = work->out->r2, held_out = work->fit->lowo.r2;

	if (r2 < r2_min)
		error_list_addf(&work->out->warnings,
				"throughput does not explain the disk's power: %.0f %% of what it "
				"takes above idle",
				100 * fmax(r2, 0));
	else if (held_out < r2_min)
		error_list_addf(&work->out->warnings,
				"throughput does not explain the disk's power: %.0f %% of its "
				"changes in runs that the fit did not see",
				100 * fmax(held_out, 0));
	return r2 < r2_min || held_out < r2_min;
}

/* What makes a fit poor comes first among its warnings. */
static void judge(const struct work *work)
{
	struct disk_fit *out = work->out;
	bool is_unexplained, drifts;

	out->r2 = explained(work);
	out->mape_percent = work->fit->in_sample.mape_percent;
	out->lowo_mape_percent = work->fit->lowo.mape_percent;
	is_unexplained = warn_of_unexplained(work);
	drifts = warn_of_drift(work);
	out->verdict = is_unexplained || drifts ? VERDICT_POOR : work->fit->verdict;
	for (size_t i = 0; i < work->fit->warnings.count; i++)
		error_list_addf(&out->warnings, "%s", work->fit->warnings.texts[i]);
}

/* Runs that reach down to idle nearly stand in for one that is. */
static int check_idle(const struct work *work, struct error *error)
{
	double least_w = INFINITY;

	for (size_t i = 0; i < work->count; i++) {
		if (is_idle(&work->runs[i]))
			return 0;
		least_w = fmin(least_w, work->fit->predicted[i] - work->fit->points[0].base);
	}
	if (least_w > near_idle * work->delta_w)
		return error_setf(error, EINVAL,
				  "there is no idle run, nor one that comes near: idle power "
				  "cannot be told");
	error_list_addf(&work->out->warnings,
			"there is no idle run: idle power is extrapolated from light load");
	return 0;
}

static int solve(struct work *work, struct error *error)
{
	const struct fit_options options = { .method = FIT_NNLS,
					     .frequency = FIT_FREQUENCY_IGNORE };
	int result = make_trace(work);

	if (!result) {
		result = fit_solve(work->trace, &options, &work->fit, error);
		if (result)
			return result;
		judge(work);
		result = find_delta(work);
	}
	if (result)
		return error_setf(error, -result, "%s", strerror(-result));
	result = check_idle(work, error);
	if (result)
		return result;
	set_constants(work);
	return 0;
}

int disk_fit_solve(const struct disk_run *runs, size_t count, struct disk_fit *fit,
		   struct error *error)
{
	struct work work = { .runs = runs, .count = count, .out = fit };
	int result;

	memset(fit, 0, sizeof *fit);
	result = check_runs(&work, error);
	if (!result)
		result = solve(&work, error);
	trace_free(work.trace);
	fit_free(work.fit);
	if (result)
		disk_fit_clear(fit);
	return result;
}

void disk_fit_clear(struct disk_fit *fit)
{
	error_list_clear(&fit->warnings);
}
