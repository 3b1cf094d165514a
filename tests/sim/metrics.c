/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/metrics.h"

#include <math.h>

#define BAND 0.05
#define SECOND_S 1.0
#define MEAN_ROWS 10

/* What is judged in that row; NaN: nothing (the domain is not there). */
static double judged_w(const struct sim_run *run, const struct sim_row *row, size_t item)
{
	const struct sim_judge *judge = &run->judge;
	double sum_w = 0;

	if (judge->what == JUDGE_HOST)
		return row->host_w;
	for (size_t i = 0; i < judge->count; i++) {
		const struct sim_row_domain *domain = &row->domains[judge->first + i];
		double watts = isnan(domain->account_w) ? domain->model_w : domain->account_w;

		if (judge->what == JUDGE_DISKS)
			watts = domain->disk_w;
		if (judge->what != JUDGE_SUM && i == item)
			return domain->is_present ? watts : NAN;
		sum_w += domain->is_present ? watts : 0;
	}
	return sum_w;
}

/* Against the cap; NaN. */
static double excess(const struct sim_run *run, size_t row, size_t item)
{
	return judged_w(run, &run->rows[row], item) / run->judge.cap_w - 1;
}

/* The first row that lies after that moment. */
static size_t row_after(const struct sim_run *run, double at_s)
{
	size_t row = 0;

	while (row < run->row_count && run->rows[row].at_s < at_s + SECOND_S / 2)
		row++;
	return row;
}

static double highest(const struct sim_run *run, double from_s, double to_s, size_t item)
{
	double worst = NAN;

	for (size_t i = row_after(run, from_s); i < row_after(run, to_s); i++)
		worst = fmax(worst, excess(run, i, item));
	return worst * 100;
}

static double steady(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double sum = 0, seconds = 0;

	for (size_t i = begin; i < end; i++) {
		sum += excess(run, i, item) * run->rows[i].seconds;
		seconds += run->rows[i].seconds;
	}
	return sum / seconds * 100;
}

static double rms(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double mean = steady(run, item) / 100, sum = 0;

	for (size_t i = begin; i < end; i++)
		sum += pow(excess(run, i, item) - mean, 2);
	return sqrt(sum / (double)(end - begin)) * 100;
}

static double settle(const struct sim_run *run, double from_s, double low, size_t item)
{
	size_t begin = row_after(run, from_s), end = row_after(run, run->judge.steady_to_s);
	size_t settled = begin;

	for (size_t i = begin; i < end; i++) {
		double over = excess(run, i, item);

		if (over > BAND || over < low)
			settled = i + 1;
	}
	return settled == end ? INFINITY : (double)(settled - begin + 1);
}

static double settling(const struct sim_run *run, size_t item)
{
	return settle(run, run->judge.from_s, -BAND, item);
}

static double below(const struct sim_run *run, size_t item)
{
	return settle(run, run->judge.from_s, -INFINITY, item);
}

static double overshoot(const struct sim_run *run, size_t item)
{
	return highest(run, run->judge.steady_from_s, run->judge.steady_to_s, item);
}

static double burst(const struct sim_run *run, size_t item)
{
	return highest(run, fmax(run->judge.from_s, run->event_s + 3), run->judge.steady_to_s,
		       item);
}

static double mean10(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, fmax(run->judge.from_s, run->event_s + 5));
	size_t end = row_after(run, run->judge.steady_to_s);
	double worst = NAN;

	for (size_t i = begin; i + MEAN_ROWS <= end; i++) {
		double sum = 0;

		for (size_t k = i; k < i + MEAN_ROWS; k++)
			sum += excess(run, k, item);
		worst = fmax(worst, sum / MEAN_ROWS);
	}
	return worst * 100;
}

static double writes(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	uint64_t most = 0;

	(void)item;
	if (begin >= end)
		return NAN;
	for (size_t i = 0; i < run->plant.domain_count; i++) {
		uint64_t count =
			run->rows[end - 1].domains[i].sets - run->rows[begin].domains[i].sets;

		most = count > most ? count : most;
	}
	return (double)most;
}

/* --- between domains ----------------------------------------------------------------------- */

/* Jain, Chiu, Hawe 1984: (sum x)^2 / (n sum x^2). */
static double jain(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double sum = 0, squares = 0;
	unsigned count = 0;

	(void)item;
	for (size_t i = 0; i < run->plant.domain_count; i++) {
		double x = 0;

		if (!(run->judge.share[i] > 0))
			continue;
		for (size_t k = begin; k < end; k++)
			x += run->rows[k].domains[i].model_w / run->judge.share[i];
		sum += x;
		squares += x * x;
		count++;
	}
	return sum * sum / (count * squares);
}

static double work(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double used_w = 0, left_w = 0;

	for (size_t i = begin; i < end; i++) {
		const struct sim_row *row = &run->rows[i];

		if (run->judge.what == JUDGE_HOST) {
			used_w += row->controlled_w;
			left_w += run->judge.cap_w * 0.99 - (row->host_w - row->controlled_w);
		} else {
			used_w += judged_w(run, row, item);
			left_w += run->judge.cap_w;
		}
	}
	return used_w / left_w * 100;
}

/* Of each domain: second by second, as neighbours come and go. */
static double withheld(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double used_w = 0, due_w = 0;

	for (size_t i = begin; i < end; i++) {
		const struct sim_row *row = &run->rows[i];

		used_w += judged_w(run, row, item);
		due_w += fmin(run->judge.cap_w, row->domains[run->judge.first + item].free_w);
	}
	return (1 - used_w / due_w) * 100;
}

static double floors(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.steady_from_s);
	size_t end = row_after(run, run->judge.steady_to_s);
	double least = NAN;

	(void)item;
	for (size_t i = 0; i < run->plant.domain_count; i++) {
		double sum_w = 0;

		for (size_t k = begin; k < end; k++)
			sum_w += run->rows[k].domains[i].model_w;
		least = fmin(least, sum_w / (double)(end - begin) / run->judge.floor_w * 100);
	}
	return least;
}

/* --- over time ----------------------------------------------------------------------------- */

static double budget(const struct sim_run *run, size_t item)
{
	const struct sim_judge *judge = &run->judge;
	size_t length = (size_t)judge->window_s;
	double worst = NAN;

	for (size_t i = row_after(run, judge->from_s); i + length <= run->row_count; i += length) {
		double sum_j = 0;

		for (size_t k = i; k < i + length; k++)
			sum_j += judged_w(run, &run->rows[k], item) * run->rows[k].seconds;
		worst = fmax(worst, (sum_j - judge->burst_j) / judge->allowed_j - 1);
	}
	return worst * 100;
}

static double spent(const struct sim_run *run, size_t item)
{
	const struct sim_judge *judge = &run->judge;
	size_t begin = row_after(run, judge->from_s);
	double sum_j = 0, seconds = 0;

	for (size_t i = begin; i < run->row_count; i++) {
		sum_j += judged_w(run, &run->rows[i], item) * run->rows[i].seconds;
		seconds += run->rows[i].seconds;
	}
	return sum_j / (judge->allowed_j * seconds / judge->window_s) * 100;
}

/* Rows lie across the ends of windows by their jitter: each part counts where it falls. */
static double peak(const struct sim_run *run, size_t item)
{
	const struct sim_judge *judge = &run->judge;
	double window = NAN, sum_j = 0, covered_s = 0, worst = NAN;

	for (size_t i = row_after(run, judge->from_s); i < run->row_count; i++) {
		const struct sim_row *row = &run->rows[i];
		double end_s = row->realtime_s, begin_s = end_s - row->seconds;
		double now = floor(end_s / judge->window_s);
		double before_s = fmin(fmax(now * judge->window_s - begin_s, 0), row->seconds);
		double watts = judged_w(run, row, item);

		sum_j += watts * (isnan(window) || now > window ? before_s : row->seconds);
		covered_s += isnan(window) || now > window ? before_s : row->seconds;
		if (now > window || isnan(window)) {
			if (covered_s > judge->window_s - SECOND_S / 100)
				worst = fmax(worst, sum_j / covered_s / judge->cap_w - 1);
			sum_j = watts * (row->seconds - before_s);
			covered_s = row->seconds - before_s;
			window = now;
		}
	}
	return worst * 100;
}

static double infeasible(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.from_s);

	for (size_t i = begin; i < run->row_count; i++) {
		const struct sim_row *row = &run->rows[i];

		if (run->judge.what == JUDGE_HOST
			    ? row->host_infeasible_w > 0
			    : row->domains[run->judge.first + item].infeasible_w > 0)
			return (double)(i - begin + 1);
	}
	return INFINITY;
}

static double heat(const struct sim_run *run, size_t item)
{
	double worst = NAN;

	(void)item;
	for (size_t i = row_after(run, run->judge.steady_from_s); i < run->row_count; i++)
		worst = fmax(worst, run->rows[i].temperature_c - run->judge.temperature_c);
	return worst;
}

/* --- when things fail ---------------------------------------------------------------------- */

static double careful(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->judge.lost_from_s);
	double before = begin > 0 ? run->rows[begin - 1].margin : NAN;

	(void)item;
	for (size_t i = begin; i < run->row_count; i++)
		if (run->rows[i].margin > before + 0.02)
			return (double)(i - begin + 1);
	return INFINITY;
}

static double blind(const struct sim_run *run, size_t item)
{
	return highest(run, run->judge.lost_from_s + 4, run->judge.lost_to_s, item);
}

/* Of the host's power, and of each domain's CPUs: the law's bound of a rise. */
static double recovery(const struct sim_run *run, size_t item)
{
	double worst = NAN;

	(void)item;
	for (size_t i = row_after(run, run->judge.lost_to_s); i < run->row_count; i++) {
		const struct sim_row *row = &run->rows[i], *before = row - 1;

		worst = fmax(worst, row->host_w / before->host_w - 1);
		for (size_t k = 0; k < run->plant.domain_count; k++)
			worst = fmax(worst,
				     (row->domains[k].quota_cpus - before->domains[k].quota_cpus) /
					     run->plant.domains[k].vcpus);
	}
	return worst * 100;
}

static double reconciled(const struct sim_run *run, size_t item)
{
	return settle(run, run->restarted_s, -INFINITY, item);
}

/* Of all its comings the slowest. */
static double arrived(const struct sim_run *run, size_t item)
{
	const struct sim_judge *judge = &run->judge;
	size_t came = 0, slowest = 0;

	for (size_t i = 1; i < run->row_count; i++) {
		bool was_there = run->rows[i - 1].domains[judge->first + item].is_present;

		if (run->rows[i].domains[judge->first + item].is_present && !was_there)
			came = i;
		if (came && excess(run, i, item) > BAND && i - came + 2 > slowest)
			slowest = i - came + 2;
	}
	return (double)(slowest ? slowest : 1);
}

static double loosened(const struct sim_run *run, size_t item)
{
	size_t begin = row_after(run, run->died_s), end = row_after(run, run->restarted_s);
	unsigned count = 0;

	(void)item;
	if (isnan(run->died_s) || isnan(run->restarted_s))
		return NAN;
	for (size_t i = begin + 1; i < end; i++)
		for (size_t k = 0; k < run->plant.domain_count; k++)
			count += run->rows[i].domains[k].quota_cpus >
				 run->rows[i - 1].domains[k].quota_cpus;
	return count;
}

/* --- of every run -------------------------------------------------------------------------- */

static double account(const struct sim_run *run, size_t item)
{
	double worst = 0;

	(void)item;
	for (size_t i = 1; i < run->row_count; i++)
		for (size_t k = 0; k < run->plant.domain_count; k++) {
			const struct sim_row_domain *domain = &run->rows[i].domains[k];

			/* The tick in which it came has but a part of it. */
			if (isnan(domain->account_w) ||
			    isnan(run->rows[i - 1].domains[k].account_w))
				continue;
			worst = fmax(worst, fabs(domain->account_w - domain->model_w) /
						    fmax(domain->model_w, 1));
		}
	return worst * 100;
}

static double unchanged(const struct sim_run *run, size_t item)
{
	(void)item;
	return (double)run->unchanged;
}

static double unrestored(const struct sim_run *run, size_t item)
{
	(void)item;
	return run->not_restored;
}

static double errors(const struct sim_run *run, size_t item)
{
	(void)item;
	return run->daemon.error_count;
}

static const struct {
	const char *name, *unit;
	bool is_per_domain;
	double (*measure)(const struct sim_run *run, size_t item);
} metrics[METRIC_COUNT] = {
	[METRIC_STEADY] = { "steady error", "%", true, steady },
	[METRIC_RMS] = { "ripple, RMS", "%", true, rms },
	[METRIC_SETTLING] = { "settling", "T", true, settling },
	[METRIC_BELOW] = { "settling below", "T", true, below },
	[METRIC_OVERSHOOT] = { "overshoot", "%", true, overshoot },
	[METRIC_BURST] = { "overshoot in bursts", "%", true, burst },
	[METRIC_MEAN10] = { "mean of 10 s", "%", true, mean10 },
	[METRIC_WRITES] = { "writes a minute", "", false, writes },
	[METRIC_JAIN] = { "Jain's index", "", false, jain },
	[METRIC_WORK] = { "work conservation", "%", false, work },
	[METRIC_WITHHELD] = { "withheld", "%", true, withheld },
	[METRIC_BUDGET] = { "over budget", "%", true, budget },
	[METRIC_SPENT] = { "budget spent", "%", true, spent },
	[METRIC_PEAK] = { "over peak", "%", false, peak },
	[METRIC_INFEASIBLE] = { "reported infeasible", "T", true, infeasible },
	[METRIC_FLOOR] = { "floors kept", "%", false, floors },
	[METRIC_CAREFUL] = { "careful after", "T", false, careful },
	[METRIC_BLIND] = { "over cap, no meter", "%", true, blind },
	[METRIC_RECOVERY] = { "step up on recovery", "%", false, recovery },
	[METRIC_HEAT] = { "over temperature", "K", false, heat },
	[METRIC_RECONCILED] = { "reconciled after", "T", true, reconciled },
	[METRIC_ARRIVED] = { "held after coming", "T", true, arrived },
	[METRIC_LOOSENED] = { "loosened when dead", "", false, loosened },
	[METRIC_ACCOUNT] = { "account off", "%", false, account },
	[METRIC_UNCHANGED] = { "unchanged writes", "", false, unchanged },
	[METRIC_UNRESTORED] = { "not restored", "", false, unrestored },
	[METRIC_ERRORS] = { "errors", "", false, errors },
};

const char *sim_metric_name(enum sim_metric metric)
{
	return metrics[metric].name;
}

const char *sim_metric_unit(enum sim_metric metric)
{
	return metrics[metric].unit;
}

size_t sim_metric_items(const struct sim_run *run, enum sim_metric metric)
{
	bool is_split = run->judge.what == JUDGE_DOMAINS || run->judge.what == JUDGE_DISKS;

	return metrics[metric].is_per_domain && is_split ? run->judge.count : 1;
}

double sim_metric(const struct sim_run *run, enum sim_metric metric, size_t item)
{
	return metrics[metric].measure(run, item);
}
