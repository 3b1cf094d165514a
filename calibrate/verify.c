/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/verify.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/verdict.h"

/* What one operating frequency makes of the trace's columns. */
struct prices {
	double frequency_hz; /* that these are for */
	double base_w, base_se_w;
	unsigned quality;
	double joules[TRACE_EVENTS_MAX], se[TRACE_EVENTS_MAX]; /* parallel to the trace's events */
};

/* Sums over the rows of a workload. */
struct sums {
	double error, measured, predicted, se_w; /* sums */
	double *rates;                           /* event_count */
};

struct work {
	const struct weights *weights;
	const struct trace *trace;
	const struct verify_request *request;
	struct verification *out;
	struct prices prices;
	struct sums *sums;               /* group_count */
	double *rates;                   /* group_count x event_count */
	int columns[WEIGHTS_EVENTS_MAX]; /* of the file's events, or -1 */
	struct error *error;
};

/* --- prices ---------------------------------------------------------------------------------- */

/*
 * weights_price() takes as many events as a program counts at one time, and a file may
 * have more: it is asked for a part of the file's weights at a time.
 */
static int price_part(struct work *work, unsigned begin, double frequency_hz, struct price *price)
{
	const struct weights *weights = work->weights;
	struct operating_point *points = calloc(weights->point_count, sizeof *points);
	struct event_set events = { .source = work->request->source };
	struct weights part = *weights;
	int result;

	if (!points)
		return error_setf(work->error, ENOMEM, "out of memory");
	part.points = points;
	events.count = weights->points[0].weight_count - begin;
	if (events.count > SAMPLE_EVENTS_MAX)
		events.count = SAMPLE_EVENTS_MAX;
	for (unsigned i = 0; i < events.count; i++)
		strcpy(events.names[i], weights->points[0].weights[begin + i].event);
	for (unsigned i = 0; i < weights->point_count; i++) {
		points[i] = weights->points[i];
		points[i].weight_count = events.count;
		memmove(points[i].weights, points[i].weights + begin,
			events.count * sizeof *points[i].weights);
	}
	result = weights_price(&part, &events, work->request->cpus, frequency_hz, price,
			       work->error);
	free(points);
	return result;
}

static void take_price(struct work *work, const struct price *price)
{
	bool has_disks = !isnan(work->request->disks_idle_w);

	work->prices.quality = price->quality;
	work->prices.base_w = price->idle_w + (has_disks ? work->request->disks_idle_w
							 : work->weights->disks_idle_w);
	work->prices.base_se_w = price->idle_se_w;
}

static int price_events(struct work *work, double frequency_hz)
{
	unsigned count = work->weights->points[0].weight_count;
	struct price price = { 0 };

	if (count == 0)
		return error_setf(work->error, ENOENT, "%s: has no weights for events",
				  work->weights->path);
	for (unsigned begin = 0; begin < count; begin += SAMPLE_EVENTS_MAX) {
		int result = price_part(work, begin, frequency_hz, &price);

		if (result)
			return result;
		take_price(work, &price);
		for (unsigned i = 0; i < SAMPLE_EVENTS_MAX && begin + i < count; i++) {
			work->prices.joules[work->columns[begin + i]] = price.event_nj[i] * 1e-9;
			work->prices.se[work->columns[begin + i]] = price.event_se_nj[i] * 1e-9;
		}
	}
	return 0;
}

static int price_time(struct work *work, double frequency_hz)
{
	const struct event_set events = { CPU_SOURCE_CPUTIME, 1, { CPUTIME_EVENT } };
	struct price price = { 0 };
	int result = weights_price(work->weights, &events, work->request->cpus, frequency_hz,
				   &price, work->error);

	if (result)
		return result;
	take_price(work, &price);
	work->prices.joules[work->columns[0]] = price.event_nj[0] * 1e-9;
	work->prices.se[work->columns[0]] = price.event_se_nj[0] * 1e-9;
	return 0;
}

/* Rows of one frequency stand together: few prices are made. */
static int set_prices(struct work *work, double frequency_hz)
{
	if (work->prices.frequency_hz == frequency_hz)
		return 0;
	work->prices.frequency_hz = frequency_hz;
	return work->request->source == CPU_SOURCE_CPUTIME ? price_time(work, frequency_hz)
							   : price_events(work, frequency_hz);
}

static int find_column(const struct trace *trace, const char *event)
{
	for (unsigned i = 0; i < trace->event_count; i++)
		if (strcmp(trace->event_names[i], event) == 0)
			return (int)i;
	return -1;
}

static int find_columns(struct work *work)
{
	const struct operating_point *point = &work->weights->points[0];
	bool time = work->request->source == CPU_SOURCE_CPUTIME;
	unsigned count = time ? 1 : point->weight_count;

	for (unsigned i = 0; i < count; i++) {
		const char *event = time ? CPUTIME_EVENT : point->weights[i].event;

		work->columns[i] = find_column(work->trace, event);
		if (work->columns[i] < 0)
			return error_setf(work->error, ENOENT, "the trace does not count %s",
					  event);
	}
	return 0;
}

/* --- rows ------------------------------------------------------------------------------------ */

static double predict(const struct work *work, const double *rates, double *variance_w2)
{
	const struct prices *prices = &work->prices;
	double power_w = prices->base_w;

	*variance_w2 = prices->base_se_w * prices->base_se_w;
	for (unsigned i = 0; i < work->trace->event_count; i++) {
		power_w += prices->joules[i] * rates[i];
		*variance_w2 += prices->se[i] * rates[i] * prices->se[i] * rates[i];
	}
	return power_w;
}

struct totals {
	double error, squares, measured, measured_squares, predicted;
};

static int add_row(struct work *work, size_t row, struct totals *totals)
{
	const struct trace *trace = work->trace;
	const double *rates = trace->events + row * trace->event_count;
	double frequency_hz = trace->frequency_hz ? trace->frequency_hz[row] : 0;
	double measured = trace->power[row], predicted, variance_w2;
	struct sums *sums = &work->sums[trace->group[row]];
	int result = set_prices(work, isnan(frequency_hz) ? 0 : frequency_hz);

	if (result)
		return result;
	predicted = predict(work, rates, &variance_w2);
	work->out->extrapolated += (work->prices.quality & QUALITY_EXTRAPOLATED) != 0;
	totals->error += fabs(predicted - measured) / measured;
	totals->squares += (predicted - measured) * (predicted - measured);
	totals->measured += measured;
	totals->measured_squares += measured * measured;
	totals->predicted += predicted;
	sums->error += fabs(predicted - measured) / measured;
	sums->measured += measured;
	sums->predicted += predicted;
	/* One set of weights errs alike in all rows: errors of means add, not their squares. */
	sums->se_w += sqrt(variance_w2);
	for (unsigned i = 0; i < trace->event_count; i++)
		sums->rates[i] += rates[i];
	work->out->groups[trace->group[row]].rows++;
	return 0;
}

static void finish_totals(struct work *work, const struct totals *totals)
{
	struct verification *out = work->out;
	double rows = (double)work->trace->row_count;
	double mean = totals->measured / rows;
	double spread = totals->measured_squares - rows * mean * mean;

	out->errors.mape_percent = totals->error / rows * 100;
	out->errors.rmse = sqrt(totals->squares / rows);
	out->errors.r2 = spread > 0 ? 1 - totals->squares / spread : NAN;
	out->energy_error_percent = (totals->predicted / totals->measured - 1) * 100;
}

/* --- workloads ------------------------------------------------------------------------------- */

/* Do the file's replicates say how well this workload's mean is known? */
static bool has_replicates(const struct work *work)
{
	return work->weights->replicate_count > 1 && work->weights->point_count == 1 &&
	       work->request->source != CPU_SOURCE_CPUTIME;
}

/* Mean power of a workload by one of the jackknife's fits. */
static double replicate_power(const struct work *work, const struct sums *sums, double rows,
			      unsigned replicate)
{
	const struct operating_point *point = &work->weights->points[0];
	double power_w = point->base_replicates_w[replicate];

	for (unsigned i = 0; i < point->weight_count; i++)
		power_w += point->weights[i].replicates_nj[replicate] * 1e-9 *
			   sums->rates[work->columns[i]] / rows;
	return power_w;
}

/* model.md 6: jackknife of the mean power, base and weights moving together. */
static double jackknife_se(const struct work *work, const struct sums *sums, double rows)
{
	unsigned count = work->weights->replicate_count;
	double mean = 0, squares = 0;

	for (unsigned k = 0; k < count; k++)
		mean += replicate_power(work, sums, rows, k) / count;
	for (unsigned k = 0; k < count; k++) {
		double difference = replicate_power(work, sums, rows, k) - mean;

		squares += difference * difference;
	}
	return sqrt(squares * (count - 1) / count);
}

static void finish_groups(struct work *work)
{
	struct verification *out = work->out;
	size_t inside = 0, known = 0;

	out->worst_percent = NAN;
	for (size_t i = 0; i < out->group_count; i++) {
		struct verify_group *group = &out->groups[i];
		const struct sums *sums = &work->sums[i];
		double rows = (double)group->rows;

		group->mape_percent = sums->error / rows * 100;
		group->bias_percent = (sums->predicted / sums->measured - 1) * 100;
		group->measured_w = sums->measured / rows;
		group->predicted_w = sums->predicted / rows;
		group->se_w =
			has_replicates(work) ? jackknife_se(work, sums, rows) : sums->se_w / rows;
		if (!(group->mape_percent <= out->worst_percent)) {
			out->worst_percent = group->mape_percent;
			out->worst_group = i;
		}
		known += isnan(group->se_w) ? 0 : 1;
		inside += fabs(group->predicted_w - group->measured_w) <= 2 * group->se_w;
	}
	out->coverage = known == out->group_count ? (double)inside / (double)known : NAN;
}

static void judge(struct verification *out)
{
	out->verdict = verdict_of(out->errors.mape_percent, out->worst_percent);
	if (verdict_unexplained(out->errors.r2, "", &out->warnings))
		out->verdict = VERDICT_POOR;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int make_room(struct work *work)
{
	size_t groups = work->trace->group_count, events = work->trace->event_count;

	work->sums = calloc(groups, sizeof *work->sums);
	work->rates = calloc(groups * events, sizeof *work->rates);
	work->out->groups = calloc(groups, sizeof *work->out->groups);
	if (!work->sums || !work->rates || !work->out->groups)
		return error_setf(work->error, ENOMEM, "out of memory");
	work->out->group_count = groups;
	for (size_t i = 0; i < groups; i++)
		work->sums[i].rates = work->rates + i * events;
	return 0;
}

static int check(const struct work *work)
{
	if (work->trace->is_energy)
		return error_setf(work->error, EINVAL,
				  "joules per row give no watts: a column interval_s, or "
				  "--interval, is needed");
	if (work->weights->kind != WEIGHTS_CPU)
		return error_setf(work->error, EINVAL, "the weights are not for a CPU");
	if (work->weights->per_cpu && !work->request->cpus)
		return error_setf(work->error, EINVAL,
				  "the weights are per CPU: --cpus N says how many there are");
	return 0;
}

int verify(const struct weights *weights, const struct trace *trace,
	   const struct verify_request *request, struct verification *verification,
	   struct error *error)
{
	struct work work = { .weights = weights,
			     .trace = trace,
			     .request = request,
			     .out = verification,
			     .prices = { .frequency_hz = -1 },
			     .error = error };
	struct totals totals = { 0 };
	int result;

	*verification = (struct verification){ .groups = NULL };
	result = check(&work);
	result = result ? result : find_columns(&work);
	result = result ? result : make_room(&work);
	for (size_t row = 0; row < trace->row_count && !result; row++)
		result = add_row(&work, row, &totals);
	if (!result) {
		finish_totals(&work, &totals);
		finish_groups(&work);
		judge(verification);
	}
	free(work.sums);
	free(work.rates);
	if (result)
		verification_clear(verification);
	return result;
}

void verification_clear(struct verification *verification)
{
	free(verification->groups);
	error_list_clear(&verification->warnings);
	*verification = (struct verification){ .groups = NULL };
}
