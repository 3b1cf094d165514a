/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model.md 6: good, usable or poor, by errors on workloads that the fit has not
 * seen; and what caps it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

/* Below this part of the variance the events explain too little to be charged for. */
#define EXPLAINED_MIN 0.5
/* A bend of this part of the range charges the busy too little and the others too much. */
#define CURVATURE_MAX 0.1
/* So many lies are no longer now and then. */
#define OUTLIERS_MAX 0.1
/* A workload that loses this many of its rows is not mismeasured but not understood. */
#define GROUP_OUTLIERS_MAX 0.5
enum { GROUPS_USABLE_MIN = 3, GROUP_LOST_MIN = 3 };

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
	else if (groups < GROUPS_USABLE_MIN)
		error_list_addf(&fit->warnings,
				"too few workloads: %zu show little of how good the weights are (at"
				" least %d)",
				groups, GROUPS_USABLE_MIN);
	if (groups < GROUPS_USABLE_MIN)
		at_most(work, VERDICT_USABLE);
	if (groups < UNCERTAINTY_GROUPS_MIN)
		error_list_addf(
			&fit->warnings,
			"standard errors are unknown: %zu workloads, at least %d are needed",
			groups, UNCERTAINTY_GROUPS_MIN);
	else if (groups > WEIGHTS_REPLICATES_MAX)
		error_list_addf(&fit->warnings,
				"no replicates: %zu workloads are more than the %d that a weights"
				" file holds",
				groups, WEIGHTS_REPLICATES_MAX);
	else if (fit->replicate_count == 0)
		error_list_addf(&fit->warnings,
				"no replicates: the operating points were measured with different"
				" workloads, or with fewer than %d",
				UNCERTAINTY_GROUPS_MIN);
}

static void judge_explained(struct work *work)
{
	struct fit *fit = work->fit;

	if (fit->lowo.r2 >= EXPLAINED_MIN)
		return;
	at_most(work, VERDICT_POOR);
	if (groups_seen(fit) < 2)
		return;
	if (isnan(fit->lowo.r2))
		error_list_addf(&fit->warnings,
				"unexplained: the power never changes, so that nothing shows what"
				" events cost");
	else
		error_list_addf(
			&fit->warnings,
			"unexplained: the events do not explain the power (held-out R2 %.2f,"
			" at least %.1f)",
			fit->lowo.r2, EXPLAINED_MIN);
}

static int judge_curvature(struct work *work)
{
	struct fit *fit = work->fit;
	bool significant;

	if (curvature_find(work, &significant))
		return -ENOMEM;
	if (!significant || fit->curvature <= CURVATURE_MAX)
		return 0;
	at_most(work, VERDICT_USABLE);
	error_list_addf(&fit->warnings,
			"curved: power is no straight line over the predictions, a square spans"
			" %.0f %% of their range",
			fit->curvature * 100);
	return 0;
}

/* --- outliers -------------------------------------------------------------------- */

/* Did it lose its rows? One or two of them may be lies all the same. */
static bool is_lost(size_t rows, size_t used)
{
	return rows - used >= GROUP_LOST_MIN &&
	       (double)(rows - used) > GROUP_OUTLIERS_MAX * (double)rows;
}

static int judge_lost_groups(struct work *work)
{
	struct fit *fit = work->fit;
	size_t *rows = calloc(fit->group_count, sizeof *rows), lost = 0, first = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t row = 0; row < fit->rows; row++)
		rows[work->trace->group[row]] += work_part(work, row) != NULL;
	for (size_t g = 0; g < fit->group_count; g++)
		if (is_lost(rows[g], fit->groups[g].rows) && lost++ == 0)
			first = g;
	free(rows);
	if (lost == 0)
		return 0;
	at_most(work, VERDICT_USABLE);
	error_list_addf(&fit->warnings,
			"outliers: %s%s lost more than half of the rows, which is no lie of the"
			" meter but work that the events do not explain",
			fit->group_names[first], lost > 1 ? " and other workloads" : "");
	return 0;
}

static int judge_outliers(struct work *work)
{
	struct fit *fit = work->fit;
	double share = (double)fit->outliers / (double)fit->rows;
	bool many = share > OUTLIERS_MAX;

	if (fit->outliers == 0)
		return 0;
	if (many)
		at_most(work, VERDICT_USABLE);
	error_list_addf(&fit->warnings,
			"outliers: %zu of %zu rows (%.1f %%) were given no weight, and count in no"
			" error%s",
			fit->outliers, fit->rows, share * 100,
			many ? "; that is too many for a meter that errs now and then: the errors"
			       " flatter the fit"
			     : "");
	return judge_lost_groups(work);
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
	static int (*const steps[])(struct work *) = {
		judge_curvature,
		judge_outliers,
	};
	int result = 0;

	judge_errors(work);
	judge_explained(work);
	judge_groups(work);
	for (size_t i = 0; result == 0 && i < sizeof steps / sizeof *steps; i++)
		result = steps[i](work);
	warn_no_power(work);
	verdict_warn_weights(work);
	if (result == 0)
		result = collinear_warn(work);
	return result ? result : verdict_warn_range(work);
}
