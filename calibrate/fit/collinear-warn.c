/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which events follow which others so closely that their weights cannot be told apart.
 */
#include <errno.h>
#include <math.h>

#include "base/text.h"
#include "calibrate/fit/fit-internal.h"

#define VIF_MAX 30
enum { FOLLOWED_MAX = 3 };

struct follow {
	struct solver solver;
	unsigned column;
	unsigned followed[FOLLOWED_MAX], count;
	double left; /* squares that those followed do not explain */
};

static double explain(struct follow *follow, unsigned more)
{
	struct solver *solver = &follow->solver;

	solver->count = 0;
	solver->set[solver->count++] = 0;
	for (unsigned i = 0; i < follow->count; i++)
		solver->set[solver->count++] = follow->followed[i];
	if (more != 0)
		solver->set[solver->count++] = more;
	solver_solve(solver, follow->column);
	return solver->residual;
}

/* The event that leaves least unexplained, then the next beside it, until enough. */
static void find_followed(struct follow *follow)
{
	unsigned weights = follow->solver.factor->columns - 1;
	double enough = explain(follow, 0) / VIF_MAX;

	while (follow->count < FOLLOWED_MAX && follow->left > enough) {
		unsigned best = 0;

		for (unsigned c = 1; c < weights; c++) {
			double left = c == follow->column ? INFINITY : explain(follow, c);

			if (left < follow->left) {
				follow->left = left;
				best = c;
			}
		}
		if (best == 0)
			break;
		follow->followed[follow->count++] = best;
	}
	if (follow->left > enough)
		follow->count = 0;
}

static void warn(struct fit *fit, const struct follow *follow, double vif)
{
	const char *name = fit->event_names[follow->column - 1];
	struct text list = { 0 };

	for (unsigned i = 0; i < follow->count; i++)
		text_addf(&list, "%s%s",
			  i == 0                  ? ""
			  : i + 1 < follow->count ? ", "
						  : " and ",
			  fit->event_names[follow->followed[i] - 1]);
	if (follow->count == 0)
		text_add(&list, "a sum of several others");
	if (isinf(vif))
		error_list_addf(&fit->warnings,
				"collinear: %s follows %s exactly, so that their weights cannot be"
				" told apart",
				name, list.bytes ? list.bytes : "");
	else
		error_list_addf(&fit->warnings,
				"collinear: %s follows %s (variance inflation %.0f), so that their"
				" weights can hardly be told apart",
				name, list.bytes ? list.bytes : "", vif);
	text_free(&list);
}

static int warn_event(const struct work *work, unsigned event, unsigned worst)
{
	const struct part *part = &work->parts[work->points.separate ? worst : 0];
	const struct fit_weight *weight = &work->fit->points[worst].weights[event];
	struct follow follow = { .column = event + 1, .left = INFINITY };

	if (solver_make(&follow.solver, &part->factors.tree[1]))
		return -ENOMEM;
	find_followed(&follow);
	warn(work->fit, &follow, weight->vif);
	solver_clear(&follow.solver);
	return 0;
}

int collinear_warn(const struct work *work)
{
	const struct fit *fit = work->fit;

	for (unsigned e = 0; e < fit->event_count; e++) {
		double vif = VIF_MAX;
		unsigned worst = fit->point_count;

		for (unsigned p = 0; p < fit->point_count; p++) {
			const struct fit_weight *weight = &fit->points[p].weights[e];

			if (weight->vif > vif && weight->max_rate > weight->min_rate) {
				vif = weight->vif;
				worst = p;
			}
		}
		if (worst < fit->point_count && warn_event(work, e, worst))
			return -ENOMEM;
	}
	return 0;
}
