/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/regress.h"

#include <math.h>
#include <string.h>

/* Two loads are one when their rates differ by no more than this part of their sum. */
#define SAME_LOAD 0.15
/* Evidence of a load, in seconds: less than this is none, and more than this is not kept. */
#define EVIDENCE_MIN_S 0.01
#define EVIDENCE_MAX_S 60.0
/* Of evidence that nothing new displaces: machines and programs change, too. */
#define AGE_HALF_LIFE_S 3600.0
/* What is held on to moves with what is learned in this time. */
#define PRIOR_HALF_LIFE_S 60.0
/* A batch that cost this much more than its load does is another's work: it counts less, but
 * never less than the other one says. */
#define OUTLIER 1.5
#define OUTLIER_WEIGHT 0.0625
/* Power below this part of the highest is not held to its own relative error. */
#define POWER_FLOOR 0.02
/* A pivot of the scaled equations below this is rounding. */
#define SINGULAR 1e-12
/* Batches after which a cost is more than a guess. */
enum { LEARNED_BATCHES = 4 };
/* A well known load that costs what was expected is looked at in one batch of so many. */
enum { SETTLED_BATCHES = 64, SETTLED_LOOK = 8 };
#define SETTLED_ERROR 0.1

enum { SUBSETS = 1 << REGRESS_COLUMNS };

/*
 * Strength of the ridge, as seconds of evidence. A prior that may be wrong by all of itself, held
 * against seconds that are wrong by 5 %, weighs 0.05^2 of one; those that requests are to be
 * preferred to weigh more.
 */
static const double ridge_s[REGRESS_COLUMNS] = {
	[REGRESS_REQUESTS] = 0.0025, [REGRESS_BYTES] = 0.25, [REGRESS_SECONDS] = 0.025
};

static double sum_product(const double a[REGRESS_COLUMNS], const double b[REGRESS_COLUMNS])
{
	double sum = 0;

	for (int i = 0; i < REGRESS_COLUMNS; i++)
		sum += a[i] * b[i];
	return sum;
}

/* --- loads -------------------------------------------------------------------------------- */

static double apart(double a, double b)
{
	return a + b > 0 ? fabs(a - b) / (a + b) : 0;
}

/* 0 .. 1, by their rates; nothing and something are 1 apart. */
static double distance(const struct regress_load *a, const struct regress_load *b)
{
	double a_s = a->x[REGRESS_SECONDS], b_s = b->x[REGRESS_SECONDS];

	return fmax(apart(a->x[REGRESS_REQUESTS] * b_s, b->x[REGRESS_REQUESTS] * a_s),
		    apart(a->x[REGRESS_BYTES] * b_s, b->x[REGRESS_BYTES] * a_s));
}

static void load_add(struct regress_load *load, const struct regress_load *other, double factor)
{
	for (int i = 0; i < REGRESS_COLUMNS; i++)
		load->x[i] += other->x[i] * factor;
	load->joules += other->joules * factor;
}

static void remove_load(struct regress *regress, unsigned index)
{
	regress->loads[index] = regress->loads[--regress->load_count];
}

/* Seconds of a batch that tell something new: none where its load is as well known as can be. */
static double news_s(const struct regress_load *load, double seconds)
{
	return load ? seconds * fmax(0, 1 - load->x[REGRESS_SECONDS] / EVIDENCE_MAX_S) : seconds;
}

static void forget(struct regress *regress, double news, double seconds)
{
	double remember = exp2(-news / REGRESS_HALF_LIFE_S - seconds / AGE_HALF_LIFE_S);

	for (unsigned i = regress->load_count; i-- > 0;) {
		struct regress_load *load = &regress->loads[i];

		load_add(load, load, remember - 1);
		if (load->x[REGRESS_SECONDS] < EVIDENCE_MIN_S)
			remove_load(regress, i);
	}
}

/* The two that are most alike become one. */
static void make_room(struct regress *regress)
{
	unsigned one = 0, other = 1;
	double least = INFINITY;

	for (unsigned i = 0; i < regress->load_count; i++)
		for (unsigned k = i + 1; k < regress->load_count; k++) {
			double d = distance(&regress->loads[i], &regress->loads[k]);

			if (d < least) {
				least = d;
				one = i;
				other = k;
			}
		}
	load_add(&regress->loads[one], &regress->loads[other], 1);
	remove_load(regress, other);
}

/* Weight of a batch in its load. */
static double trust(const struct regress_load *load, const struct regress_load *batch)
{
	double mean = load->joules * batch->x[REGRESS_SECONDS];
	double now = batch->joules * load->x[REGRESS_SECONDS];

	if (mean <= 0 || now <= OUTLIER * mean)
		return 1;
	return fmax(OUTLIER_WEIGHT, mean / now * (mean / now));
}

static bool is_same(double a, double b)
{
	return fabs(a - b) <= SAME_LOAD * (a + b);
}

static struct regress_load *find_load(struct regress *regress, const struct regress_load *batch)
{
	double seconds = batch->x[REGRESS_SECONDS];

	for (unsigned i = 0; i < regress->load_count; i++) {
		struct regress_load *load = &regress->loads[i];
		double per_batch = seconds / load->x[REGRESS_SECONDS];

		if (is_same(load->x[REGRESS_REQUESTS] * per_batch, batch->x[REGRESS_REQUESTS]) &&
		    is_same(load->x[REGRESS_BYTES] * per_batch, batch->x[REGRESS_BYTES]))
			return load;
	}
	return NULL;
}

static void remember(struct regress *regress, const struct regress_load *batch)
{
	double seconds = batch->x[REGRESS_SECONDS], excess_s;
	struct regress_load *load;

	forget(regress, news_s(find_load(regress, batch), seconds), seconds);
	load = find_load(regress, batch);
	if (!load) {
		if (regress->load_count == REGRESS_LOADS)
			make_room(regress);
		regress->loads[regress->load_count++] = *batch;
		return;
	}
	excess_s = load->x[REGRESS_SECONDS] + seconds - EVIDENCE_MAX_S;
	if (excess_s > 0)
		load_add(load, load, -fmin(1, excess_s / load->x[REGRESS_SECONDS]));
	load_add(load, batch, trust(load, batch));
}

/* --- least squares ------------------------------------------------------------------------ */

struct normal { /* equations of all columns: a * cost = b */
	double a[REGRESS_COLUMNS][REGRESS_COLUMNS], b[REGRESS_COLUMNS];
};

static double highest_w(const struct regress *regress)
{
	double highest = 0;

	for (unsigned i = 0; i < regress->load_count; i++)
		highest = fmax(highest,
			       regress->loads[i].joules / regress->loads[i].x[REGRESS_SECONDS]);
	return highest;
}

/*
 * Squares of (joules - x cost) / joules, each load weighted by its seconds. Where
 * more was expected than measured, the expected stands below: a reading that came
 * apart from its energy must not weigh like a perfect one.
 */
static double weigh_loads(const struct regress *regress, struct normal *normal)
{
	double floor_w = POWER_FLOOR * highest_w(regress), evidence_s = 0;

	*normal = (struct normal){ 0 };
	for (unsigned n = 0; n < regress->load_count && floor_w > 0; n++) {
		const struct regress_load *load = &regress->loads[n];
		double seconds = load->x[REGRESS_SECONDS];
		double most_j = fmax(load->joules, sum_product(load->x, regress->target));
		double weight = seconds / pow(fmax(most_j, floor_w * seconds), 2);

		evidence_s += seconds;
		for (int i = 0; i < REGRESS_COLUMNS; i++) {
			normal->b[i] += weight * load->x[i] * load->joules;
			for (int k = 0; k < REGRESS_COLUMNS; k++)
				normal->a[i][k] += weight * load->x[i] * load->x[k];
		}
	}
	return evidence_s;
}

/* The prior holds by its proportions: prices change with the frequency, for all of it. */
static double fit_prior(const struct regress *regress, const struct normal *normal)
{
	double energy = sum_product(regress->prior, normal->b), squares = 0;

	for (int i = 0; i < REGRESS_COLUMNS; i++)
		squares += regress->prior[i] * sum_product(normal->a[i], regress->prior);
	return energy > 0 && squares > 0 ? energy / squares : 1;
}

static void add_ridge(const struct regress *regress, struct normal *normal, double evidence_s)
{
	double factor = fit_prior(regress, normal);

	for (int i = 0; i < REGRESS_COLUMNS; i++) {
		double strength = normal->a[i][i] * ridge_s[i] / evidence_s;

		normal->a[i][i] += strength;
		normal->b[i] += strength * factor * regress->prior[i];
	}
}

struct equations {
	int n, index[REGRESS_COLUMNS]; /* columns in use */
	double a[REGRESS_COLUMNS][REGRESS_COLUMNS + 1];
};

/* Those of `columns`, each scaled to one; false: a column is empty. */
static bool scale_equations(const struct normal *normal, unsigned columns, struct equations *e)
{
	double scale[REGRESS_COLUMNS] = { 0 };

	e->n = 0;
	for (int i = 0; i < REGRESS_COLUMNS; i++)
		if (columns & 1u << i) {
			if (normal->a[i][i] <= 0)
				return false;
			scale[e->n] = 1 / sqrt(normal->a[i][i]);
			e->index[e->n++] = i;
		}
	for (int i = 0; i < e->n; i++) {
		for (int k = 0; k < e->n; k++)
			e->a[i][k] = normal->a[e->index[i]][e->index[k]] * scale[i] * scale[k];
		e->a[i][e->n] = normal->b[e->index[i]] * scale[i];
	}
	return true;
}

/* Gaussian elimination; the matrix is positive definite unless singular (false). */
static bool eliminate(struct equations *e)
{
	for (int i = 0; i < e->n; i++) {
		if (e->a[i][i] < SINGULAR)
			return false;
		for (int k = i + 1; k < e->n; k++) {
			double factor = e->a[k][i] / e->a[i][i];

			for (int j = i; j <= e->n; j++)
				e->a[k][j] -= factor * e->a[i][j];
		}
	}
	for (int i = e->n - 1; i >= 0; i--) {
		for (int j = i + 1; j < e->n; j++)
			e->a[i][e->n] -= e->a[i][j] * e->a[j][e->n];
		e->a[i][e->n] /= e->a[i][i];
	}
	return true;
}

/* False: singular, or a cost would be negative. */
static bool solve_subset(const struct normal *normal, unsigned columns, double x[REGRESS_COLUMNS])
{
	struct equations e;

	if (!scale_equations(normal, columns, &e) || !eliminate(&e))
		return false;
	memset(x, 0, REGRESS_COLUMNS * sizeof *x);
	for (int i = 0; i < e.n; i++) {
		int column = e.index[i];

		if (!(e.a[i][e.n] >= 0))
			return false;
		x[column] = e.a[i][e.n] / sqrt(normal->a[column][column]);
	}
	return true;
}

/* Non-negative least squares over so few columns: the best of all feasible subsets. */
static bool solve(const struct normal *normal, double best[REGRESS_COLUMNS])
{
	double most = 0;

	for (unsigned subset = 1; subset < SUBSETS; subset++) {
		double x[REGRESS_COLUMNS], explained;

		if (!solve_subset(normal, subset, x))
			continue;
		/* At a subset's minimum the squares are less by this than with no cost. */
		explained = sum_product(x, normal->b);
		if (explained <= most)
			continue;
		most = explained;
		memcpy(best, x, sizeof x);
	}
	return most > 0;
}

/* --- steps -------------------------------------------------------------------------------- */

/* How far apart two costs divide the energy of a load, 0 .. 1. */
static double division_apart(const struct regress_load *load, const double a[REGRESS_COLUMNS],
			     const double b[REGRESS_COLUMNS])
{
	double a_j = sum_product(load->x, a), b_j = sum_product(load->x, b), sum = 0;

	if (a_j <= 0 || b_j <= 0)
		return 0;
	for (int i = 0; i < REGRESS_COLUMNS; i++)
		sum += fabs(load->x[i] * a[i] / a_j - load->x[i] * b[i] / b_j);
	return sum / 2;
}

static bool is_near(const struct regress *regress, const double cost[REGRESS_COLUMNS])
{
	for (unsigned i = 0; i < regress->load_count; i++)
		if (division_apart(&regress->loads[i], regress->cost, cost) > REGRESS_STEP)
			return false;
	return true;
}

/*
 * Towards the target, as far as every load's division allows. Sizes are the target's at once,
 * by the load of this batch: they do not change how energy is divided.
 */
static void step(struct regress *regress, const struct regress_load *batch)
{
	double target_j = sum_product(batch->x, regress->target);
	double cost_j = sum_product(batch->x, regress->cost);
	double scale = target_j > 0 && cost_j > 0 ? target_j / cost_j : 1;
	double next[REGRESS_COLUMNS], part = 1;

	if (memcmp(regress->cost, regress->target, sizeof next) == 0)
		return;
	memcpy(next, regress->target, sizeof next);
	while (!is_near(regress, next)) {
		part *= 0.7;
		for (int i = 0; i < REGRESS_COLUMNS; i++)
			next[i] = regress->cost[i] * scale * (1 - part) + regress->target[i] * part;
	}
	memcpy(regress->cost, next, sizeof next);
}

/* --- learning ----------------------------------------------------------------------------- */

/* The first work that is seen is all of what the base does not explain. */
static void begin(struct regress *regress, const struct regress_load *batch)
{
	int work = regress->counted ? REGRESS_REQUESTS : REGRESS_BYTES;
	double base_j = regress->cost[REGRESS_SECONDS] * batch->x[REGRESS_SECONDS];

	if (batch->x[work] > 0 && regress->prior[work] <= 0 && batch->joules > base_j)
		regress->cost[work] = (batch->joules - base_j) / batch->x[work];
	else if (batch->x[work] <= 0 && regress->batches == 0)
		regress->cost[REGRESS_SECONDS] = batch->joules / batch->x[REGRESS_SECONDS];
	else
		return;
	memcpy(regress->prior, regress->cost, sizeof regress->prior);
	memcpy(regress->target, regress->cost, sizeof regress->target);
}

static bool is_settled(const struct regress *regress, const struct regress_load *batch)
{
	double expected_j = sum_product(batch->x, regress->target);

	return regress->batches > SETTLED_BATCHES && regress->batches % SETTLED_LOOK != 0 &&
	       fabs(batch->joules - expected_j) < SETTLED_ERROR * expected_j;
}

static void solve_anew(struct regress *regress, double seconds)
{
	double follow = 1 - exp2(-seconds / PRIOR_HALF_LIFE_S);
	struct normal normal;
	double evidence_s = weigh_loads(regress, &normal), factor;

	if (evidence_s <= 0)
		return;
	factor = fit_prior(regress, &normal);
	add_ridge(regress, &normal, evidence_s);
	if (!solve(&normal, regress->target))
		return;
	for (int i = 0; i < REGRESS_COLUMNS; i++) {
		double *prior = &regress->prior[i];

		*prior = *prior * factor * (1 - follow) + regress->target[i] * follow;
	}
}

static void learn(struct regress *regress, const struct regress_load *batch)
{
	const bool settled = is_settled(regress, batch);

	remember(regress, batch);
	regress->batches++;
	if (!settled)
		solve_anew(regress, batch->x[REGRESS_SECONDS]);
	step(regress, batch);
}

void regress_add(struct regress *regress, const double x[REGRESS_COLUMNS], double joules)
{
	struct regress_load *batch = &regress->batch, whole;
	const struct regress_load row = { { x[0], x[1], x[2] }, joules };

	if (!(x[REGRESS_SECONDS] > 0) || !(joules >= 0))
		return;
	if (x[REGRESS_BYTES] > 0 && x[REGRESS_REQUESTS] <= 0) {
		if (regress->counted)
			return;
		regress->uncounted = true;
	}
	if (x[REGRESS_REQUESTS] > 0 && regress->uncounted)
		*regress = (struct regress){ 0 };
	regress->counted |= x[REGRESS_REQUESTS] > 0;
	load_add(batch, &row, 1);
	begin(regress, batch);
	if (batch->x[REGRESS_REQUESTS] < REGRESS_BATCH_REQUESTS &&
	    batch->x[REGRESS_SECONDS] < REGRESS_BATCH_S)
		return;
	whole = *batch;
	*batch = (struct regress_load){ 0 };
	learn(regress, &whole);
}

bool regress_has_learned(const struct regress *regress)
{
	return regress->batches >= LEARNED_BATCHES;
}

struct regress_cost regress_cost(const struct regress *regress)
{
	double work = regress->cost[REGRESS_REQUESTS] + regress->cost[REGRESS_BYTES];

	if (work + regress->cost[REGRESS_SECONDS] <= 0)
		return (struct regress_cost){ !regress->uncounted, regress->uncounted, 0 };
	return (struct regress_cost){ regress->cost[REGRESS_REQUESTS], regress->cost[REGRESS_BYTES],
				      regress->cost[REGRESS_SECONDS] };
}

double regress_request_bytes(const struct regress *regress)
{
	double requests = regress->batch.x[REGRESS_REQUESTS];
	double bytes = requests > 0 ? regress->batch.x[REGRESS_BYTES] : 0;

	for (unsigned i = 0; i < regress->load_count; i++) {
		const struct regress_load *load = &regress->loads[i];

		requests += load->x[REGRESS_REQUESTS];
		bytes += load->x[REGRESS_REQUESTS] > 0 ? load->x[REGRESS_BYTES] : 0;
	}
	return requests > 0 ? bytes / requests : 0;
}
