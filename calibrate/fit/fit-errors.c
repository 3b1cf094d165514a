/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

/* Power this close above the base says nothing of what events cost. */
#define DYNAMIC_PART 0.05

/* Sums over rows; means of none are NaN. */
struct tally {
	size_t rows, percent_rows;
	double percents, squares, power, predicted;
};

static void predict(struct work *work)
{
	struct fit *fit = work->fit;

	for (size_t row = 0; row < fit->rows; row++) {
		const struct part *part = work_part(work, row);
		size_t group = work->trace->group[row];

		fit->predicted[row] = fit->predicted_lowo[row] = NAN;
		if (!part)
			continue;
		fit->predicted[row] = work_predict(work, part->x, row);
		/* A workload whose rows are all outliers was never seen: nothing was held out. */
		fit->predicted_lowo[row] =
			part_has_group(part, group)
				? work_predict(work, part_held_out(work, part, group), row)
				: fit->predicted[row];
	}
}

static void tally_add(struct tally *tally, double power, double predicted)
{
	double error = predicted - power;

	if (isnan(error))
		return;
	tally->rows++;
	tally->squares += error * error;
	tally->power += power;
	tally->predicted += predicted;
	if (power == 0)
		return;
	tally->percents += fabs(error / power) * 100;
	tally->percent_rows++;
}

static double tally_mape(const struct tally *tally)
{
	return tally->percents / (double)tally->percent_rows;
}

static double tally_bias(const struct tally *tally)
{
	return tally->power == 0 ? NAN : (tally->predicted - tally->power) / tally->power * 100;
}

static struct fit_errors errors_of(const struct work *work, const double *predicted,
				   struct tally *tally)
{
	const double *power = work->trace->power;
	struct fit_errors errors = { NAN, NAN, NAN };
	double mean, spread = 0;

	*tally = (struct tally){ 0 };
	for (size_t row = 0; row < work->fit->rows; row++)
		if (work_counts(work, row))
			tally_add(tally, power[row], predicted[row]);
	if (tally->rows == 0)
		return errors;
	mean = tally->power / (double)tally->rows;
	for (size_t row = 0; row < work->fit->rows; row++)
		if (work_counts(work, row) && !isnan(predicted[row]))
			spread += (power[row] - mean) * (power[row] - mean);
	errors.mape_percent = tally_mape(tally);
	errors.rmse = sqrt(tally->squares / (double)tally->rows);
	if (spread > 0)
		errors.r2 = 1 - tally->squares / spread;
	return errors;
}

static double dynamic_mape(const struct work *work)
{
	double percents = 0;
	size_t rows = 0;

	for (size_t row = 0; row < work->fit->rows; row++) {
		double power = work->trace->power[row], predicted = work->fit->predicted_lowo[row];
		const struct part *part = work_part(work, row);
		double base;

		if (!part || !work_counts(work, row) || isnan(predicted))
			continue;
		base = part->x[0];
		if (power - base <= DYNAMIC_PART * fabs(base))
			continue;
		percents += fabs(predicted - power) / (power - base) * 100;
		rows++;
	}
	return percents / (double)rows;
}

static void group_errors(struct work *work, size_t group, struct tally *tally)
{
	struct fit *fit = work->fit;

	fit->groups[group].mape_percent = tally_mape(tally);
	fit->groups[group].bias_percent = tally_bias(tally);
	if (fit->groups[group].mape_percent > fit->worst_mape_percent ||
	    isnan(fit->worst_mape_percent)) {
		fit->worst_mape_percent = fit->groups[group].mape_percent;
		fit->worst_group = group;
	}
}

static int errors_by_group(struct work *work)
{
	struct fit *fit = work->fit;
	struct tally *tallies = calloc(fit->group_count, sizeof *tallies);
	double sum = 0;
	size_t groups = 0;

	if (!tallies)
		return -ENOMEM;
	for (size_t row = 0; row < fit->rows; row++)
		if (work_counts(work, row)) {
			size_t group = work->trace->group[row];

			fit->groups[group].rows += fit->row_used[row];
			tally_add(&tallies[group], work->trace->power[row],
				  fit->predicted_lowo[row]);
		}
	fit->worst_mape_percent = NAN;
	for (size_t g = 0; g < fit->group_count; g++) {
		group_errors(work, g, &tallies[g]);
		if (isnan(fit->groups[g].mape_percent))
			continue;
		sum += fit->groups[g].mape_percent;
		groups++;
	}
	fit->lowo_mean_group_mape_percent = sum / (double)groups;
	free(tallies);
	return 0;
}

int errors_find(struct work *work)
{
	struct fit *fit = work->fit;
	struct tally tally;

	predict(work);
	fit->in_sample = errors_of(work, fit->predicted, &tally);
	fit->lowo = errors_of(work, fit->predicted_lowo, &tally);
	fit->lowo_energy_error_percent = tally_bias(&tally);
	fit->lowo_dynamic_mape_percent = dynamic_mape(work);
	return errors_by_group(work);
}
