/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model.md 6: good, usable or poor, by errors on workloads that the fit has not
 * seen; and what caps it.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/fit-internal.h"
#include "calibrate/fit/verdict.h"

/* A bend of this part of the range charges the busy too little and the others too much. */
#define CURVATURE_MAX 0.1
/* Of less it is said, where it explains most of what the line leaves. */
#define CURVATURE_WORTH 0.05

static void at_most(struct work *work, enum verdict verdict)
{
	if (work->fit->verdict < verdict)
		work->fit->verdict = verdict;
}

static size_t groups_seen(const struct fit *fit)
{
	size_t groups = 0;

	for (size_t g = 0; g < fit->group_count; g++)
		groups += fit->groups[g].rows > 0;
	return groups;
}

/* --- held-out errors ------------------------------------------------------------- */

static void judge_errors(struct work *work)
{
	struct fit *fit = work->fit;

	fit->verdict = verdict_of(fit->lowo.mape_percent, fit->worst_mape_percent);
	if (fit->lowo.mape_percent > VERDICT_GOOD_POOLED_PERCENT)
		error_list_addf(&fit->warnings,
				"workloads that the fit has not seen are %.1f %% off (good: up to"
				" %.0f %%)",
				fit->lowo.mape_percent, VERDICT_GOOD_POOLED_PERCENT);
	if (fit->worst_mape_percent > VERDICT_GOOD_WORST_PERCENT)
		error_list_addf(&fit->warnings,
				"worst workload: %s is %.1f %% off when it is held out, %+.1f %% in"
				" sum (good: up to %.0f %%)",
				fit->group_names[fit->worst_group], fit->worst_mape_percent,
				fit->groups[fit->worst_group].bias_percent,
				VERDICT_GOOD_WORST_PERCENT);
}

static void judge_groups(struct work *work)
{
	struct fit *fit = work->fit;
	size_t groups = groups_seen(fit);

	if (!fit->has_groups)
		error_list_addf(&fit->warnings,
				"the trace names no workloads: blocks of consecutive rows were held"
				" out instead, which flatters a fit");
	if (groups < 2)
		error_list_addf(&fit->warnings,
				"too few workloads: with one alone nothing can be held out, so that"
				" nothing shows how good the weights are");
	else if (groups < UNCERTAINTY_GROUPS_MIN)
		error_list_addf(&fit->warnings,
				"too few workloads: %zu show little of how good the weights are, so"
				" that they are usable at best",
				groups);
	if (groups < UNCERTAINTY_GROUPS_MIN) {
		at_most(work, VERDICT_USABLE);
		error_list_addf(
			&fit->warnings,
			"standard errors are unknown: %zu workloads, at least %d are needed",
			groups, UNCERTAINTY_GROUPS_MIN);
	}
	if (groups > WEIGHTS_REPLICATES_MAX)
		error_list_addf(&fit->warnings,
				"no replicates: %zu workloads are more than the %d that a weights"
				" file holds",
				groups, WEIGHTS_REPLICATES_MAX);
	else if (fit->replicate_count == 0 && groups >= UNCERTAINTY_GROUPS_MIN)
		error_list_addf(&fit->warnings,
				"no replicates: the operating points were measured with different"
				" workloads, or with fewer than %d",
				UNCERTAINTY_GROUPS_MIN);
}

/* Used rows of a part without the workload that has most of them; `room`: for each group. */
static size_t rows_held_in(const struct work *work, const struct part *part, size_t *room)
{
	size_t rows = 0, most = 0;

	memset(room, 0, work->fit->group_count * sizeof *room);
	for (size_t row = 0; row < work->fit->rows; row++) {
		size_t *here = &room[work->trace->group[row]];

		if (!work->fit->row_used[row] || work_part(work, row) != part)
			continue;
		rows++;
		most = ++*here > most ? *here : most;
	}
	return rows - most;
}

/* Rows that are no more than the weights to find are met by any power. */
static int judge_rows(struct work *work)
{
	size_t *room = calloc(work->fit->group_count, sizeof *room), least = SIZE_MAX;
	struct fit *fit = work->fit;

	if (!room)
		return -ENOMEM;
	for (unsigned p = 0; p < work->part_count && least > work_weights(work); p++)
		if (work->parts[p].groups >= 2)
			least = rows_held_in(work, &work->parts[p], room);
	free(room);
	if (least > work_weights(work))
		return 0;
	at_most(work, VERDICT_POOR);
	error_list_addf(&fit->warnings,
			"too few rows: with a workload held out %zu are left to find %u weights,"
			" which proves nothing",
			least, work_weights(work));
	return 0;
}

/* Is so little of the variance explained that no event can be charged for it? */
bool verdict_unexplained(double r2, const char *what, struct error_list *warnings)
{
	if (r2 >= VERDICT_EXPLAINED_MIN)
		return false;
	if (isnan(r2))
		error_list_addf(warnings,
				"unexplained: the power never changes, so that nothing shows what"
				" events cost");
	else
		error_list_addf(
			warnings,
			"unexplained: the events do not explain the power (%sR2 %.2f, at least"
			" %.1f)",
			what, r2, VERDICT_EXPLAINED_MIN);
	return true;
}

static void judge_explained(struct work *work)
{
	struct fit *fit = work->fit;
	bool unexplained = groups_seen(fit) < 2
				   ? !(fit->lowo.r2 >= VERDICT_EXPLAINED_MIN)
				   : verdict_unexplained(fit->lowo.r2, "held-out ", &fit->warnings);

	if (unexplained)
		at_most(work, VERDICT_POOR);
}

static int judge_curvature(struct work *work)
{
	struct fit *fit = work->fit;
	struct bend bend;

	if (curvature_find(work, &bend))
		return -ENOMEM;
	if (!(fit->lowo.r2 >= VERDICT_EXPLAINED_MIN))
		return 0; /* nothing that could be curved */
	if (bend.significant && fit->curvature > CURVATURE_MAX) {
		at_most(work, VERDICT_USABLE);
		error_list_addf(&fit->warnings,
				"curved: power is no straight line over the predictions, a bend"
				" spans %.0f %% of their range",
				fit->curvature * 100);
	} else if (bend.explains && fit->curvature > CURVATURE_WORTH) {
		error_list_addf(&fit->warnings,
				"slightly curved: a bend of the power over the predictions spans"
				" %.0f %% of their range, and explains most of the errors",
				fit->curvature * 100);
	}
	return 0;
}

static void judge_outliers(struct work *work)
{
	struct fit *fit = work->fit;
	bool many = outliers_many(fit);

	if (fit->outliers == 0)
		return;
	if (many)
		at_most(work, VERDICT_USABLE);
	error_list_addf(&fit->warnings,
			"outliers: %zu of %zu rows (%.1f %%) were given no weight%s%s",
			fit->outliers, fit->rows, (double)fit->outliers / (double)fit->rows * 100,
			many ? "; that is too many for a meter that errs now and then" : "",
			fit->counts_outliers ? "; all rows count in the errors"
					     : ", and count in no error");
}

static void warn_no_power(const struct work *work)
{
	struct fit *fit = work->fit;
	size_t rows = 0;

	for (size_t row = 0; row < fit->rows; row++)
		rows += fit->row_used[row] && work->trace->power[row] == 0;
	if (rows > 0)
		error_list_addf(&fit->warnings,
				"%zu of %zu rows have a power of zero and are in no percentage",
				rows, fit->rows);
}

int verdict_find(struct work *work)
{
	int result;

	judge_errors(work);
	judge_explained(work);
	judge_groups(work);
	result = judge_rows(work);
	if (result == 0)
		result = judge_curvature(work);
	judge_outliers(work);
	warn_no_power(work);
	verdict_warn_weights(work);
	if (result == 0)
		result = collinear_warn(work);
	return result ? result : verdict_warn_range(work);
}
