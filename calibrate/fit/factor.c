/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/factor.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/fit/factor-internal.h"

/* Rows per decomposition: they stay in the cache, and the triangle above costs little. */
enum { BLOCK_ROWS = 256, STRETCH_ROWS = 32768 };

static size_t cells(unsigned columns)
{
	return (size_t)columns * columns;
}

int factor_reset(struct factor *factor, unsigned columns)
{
	if (factor->columns != columns || !factor->r) {
		double *r = calloc(cells(columns), sizeof *r);

		if (!r)
			return -ENOMEM;
		free(factor->r);
		factor->r = r;
		factor->columns = columns;
	}
	memset(factor->r, 0, cells(columns) * sizeof *factor->r);
	factor->rows = 0;
	return 0;
}

void factor_clear(struct factor *factor)
{
	free(factor->r);
	*factor = (struct factor){ 0 };
}

/* The triangle on top of a decomposed matrix of as many columns. */
static void take_triangle(struct factor *factor, const double *decomposed)
{
	unsigned columns = factor->columns;

	for (unsigned i = 0; i < columns; i++)
		memcpy(factor->r + (size_t)i * columns + i, decomposed + (size_t)i * columns + i,
		       (columns - i) * sizeof(double));
}

void factor_absorb(struct factor *factor, double *block, size_t row_count, double *tau)
{
	gsl_matrix_view matrix =
		gsl_matrix_view_array(block, factor->columns + row_count, factor->columns);
	gsl_vector_view vector = gsl_vector_view_array(tau, factor->columns);

	memcpy(block, factor->r, cells(factor->columns) * sizeof *block);
	gsl_linalg_QR_decomp(&matrix.matrix, &vector.vector);
	take_triangle(factor, block);
}

/* into += other. `room` has place for two triangles. */
static void merge(struct factor *into, const struct factor *other, double *room)
{
	unsigned columns = into->columns;
	gsl_matrix_view upper = gsl_matrix_view_array(into->r, columns, columns);
	gsl_matrix_view lower = gsl_matrix_view_array(room, columns, columns);
	gsl_matrix_view t = gsl_matrix_view_array(room + cells(columns), columns, columns);

	if (other->rows <= 0 || !other->r)
		return;
	memcpy(room, other->r, cells(columns) * sizeof *room);
	gsl_linalg_QR_UU_decomp(&upper.matrix, &lower.matrix, &t.matrix);
	into->rows += other->rows;
}

/* --- rows -------------------------------------------------------------------- */

static double weight_of(const struct factor_source *source, size_t row)
{
	if (source->rows.row_used && !source->rows.row_used[row])
		return 0;
	return source->rows.row_weights ? source->rows.row_weights[row] : 1;
}

/* What making a set of triangles needs for a while. */
struct build {
	const struct factor_source *source;
	size_t *starts; /* group_count + 1, into order */
	size_t *order;  /* rows of a stretch that count, group after group */
	double *block, *tau;
};

static void sort_stretch(struct build *build, size_t begin, size_t end)
{
	const struct factor_source *source = build->source;
	size_t *starts = build->starts;

	memset(starts, 0, (source->group_count + 1) * sizeof *starts);
	for (size_t row = begin; row < end; row++)
		if (weight_of(source, row) > 0)
			starts[source->group[row] + 1]++;
	for (size_t g = 0; g < source->group_count; g++)
		starts[g + 1] += starts[g];
	for (size_t row = begin; row < end; row++)
		if (weight_of(source, row) > 0)
			build->order[starts[source->group[row]]++] = row;
	memmove(starts + 1, starts, source->group_count * sizeof *starts);
	starts[0] = 0;
}

static void find_scale(const struct build *build, double *scale)
{
	const struct factor_source *source = build->source;
	unsigned columns = source->columns;

	for (size_t row = 0; row < source->row_count; row++) {
		if (weight_of(source, row) <= 0)
			continue;
		source->fill(source->context, row, build->block);
		for (unsigned c = 0; c < columns; c++)
			if (fabs(build->block[c]) > scale[c])
				scale[c] = fabs(build->block[c]);
	}
	for (unsigned c = 0; c < columns; c++)
		if (scale[c] <= 0 || c == columns - 1)
			scale[c] = 1;
}

static void fill_row(const struct factor_source *source, const double *scale, size_t row,
		     double *into)
{
	double root = sqrt(weight_of(source, row));

	source->fill(source->context, row, into);
	for (unsigned c = 0; c < source->columns; c++)
		into[c] *= root / scale[c];
}

static void add_group(const struct build *build, const double *scale, size_t group,
		      struct factor *factor)
{
	unsigned columns = build->source->columns;
	double *rows = build->block + cells(columns);
	size_t held = 0;

	for (size_t i = build->starts[group]; i < build->starts[group + 1]; i++) {
		fill_row(build->source, scale, build->order[i], rows + held++ * columns);
		factor->rows += weight_of(build->source, build->order[i]);
		if (held == BLOCK_ROWS || i + 1 == build->starts[group + 1]) {
			factor_absorb(factor, build->block, held, build->tau);
			held = 0;
		}
	}
}

/* A stretch of rows after the other, so that each is in the cache when its groups are. */
static void add_rows(struct build *build, struct factors *factors)
{
	size_t rows = build->source->row_count;

	for (size_t begin = 0; begin < rows; begin += STRETCH_ROWS) {
		size_t end = begin + STRETCH_ROWS < rows ? begin + STRETCH_ROWS : rows;

		sort_stretch(build, begin, end);
		for (size_t g = 0; g < factors->group_count; g++)
			add_group(build, factors->scale, g, &factors->groups[g]);
	}
}

static void build_clear(struct build *build)
{
	free(build->starts);
	free(build->order);
	free(build->block);
	free(build->tau);
}

static int build_make(struct build *build, const struct factor_source *source)
{
	unsigned columns = source->columns;

	*build = (struct build){
		.source = source,
		.starts = calloc(source->group_count + 2, sizeof *build->starts),
		.order = calloc(STRETCH_ROWS, sizeof *build->order),
		/* Two triangles at least: merge() needs them. */
		.block = calloc((size_t)(2 * columns + BLOCK_ROWS) * columns, sizeof *build->block),
		.tau = calloc(columns, sizeof *build->tau),
	};
	return build->starts && build->order && build->block && build->tau ? 0 : -ENOMEM;
}

/* --- groups ------------------------------------------------------------------ */

/*
 * Node i of the tree is the sum of 2i and 2i + 1, the groups are the last half:
 * what all but one make is the sum of the few neighbours on the way to the root.
 */
static size_t tree_nodes(size_t group_count)
{
	return group_count ? 2 * group_count : 2;
}

static int tree_make(struct factors *factors, size_t group_count, unsigned columns)
{
	factors->scale = calloc(columns, sizeof *factors->scale);
	factors->tree = calloc(tree_nodes(group_count), sizeof *factors->tree);
	if (!factors->scale || !factors->tree)
		return -ENOMEM;
	factors->group_count = group_count;
	factors->groups = factors->tree + group_count;
	for (size_t i = 1; i < tree_nodes(group_count); i++)
		if (factor_reset(&factors->tree[i], columns))
			return -ENOMEM;
	return 0;
}

int factors_build(struct factors *factors, const struct factor_source *source)
{
	struct build build;
	int result = build_make(&build, source);

	/* Our matrices are our own memory, so that only a mistake of ours could raise one. */
	gsl_set_error_handler_off();
	*factors = (struct factors){ 0 };
	if (result == 0)
		result = tree_make(factors, source->group_count, source->columns);
	if (result)
		goto out;
	find_scale(&build, factors->scale);
	add_rows(&build, factors);
	for (size_t i = source->group_count; i-- > 1;) {
		merge(&factors->tree[i], &factors->tree[2 * i], build.block);
		merge(&factors->tree[i], &factors->tree[2 * i + 1], build.block);
	}
out:
	build_clear(&build);
	if (result)
		factors_clear(factors);
	return result;
}

static void fill_trace(const void *context, size_t row, double *into)
{
	const struct trace *trace = context;
	unsigned n = trace->event_count;

	into[0] = 1;
	memcpy(into + 1, trace->events + row * n, n * sizeof *into);
	into[n + 1] = trace->power[row];
}

int factors_make(struct factors *factors, const struct trace *trace, const struct factor_rows *rows)
{
	struct factor_source source = {
		.columns = trace->event_count + 2,
		.row_count = trace->row_count,
		.group_count = trace->group_count,
		.group = trace->group,
		.rows = rows ? *rows : (struct factor_rows){ 0 },
		.fill = fill_trace,
		.context = trace,
	};

	return factors_build(factors, &source);
}

void factors_clear(struct factors *factors)
{
	for (size_t i = 0; factors->tree && i < tree_nodes(factors->group_count); i++)
		factor_clear(&factors->tree[i]);
	free(factors->tree);
	free(factors->scale);
	*factors = (struct factors){ 0 };
}

static int copy(const struct factor *from, struct factor *to)
{
	if (factor_reset(to, from->columns))
		return -ENOMEM;
	memcpy(to->r, from->r, cells(from->columns) * sizeof *to->r);
	to->rows = from->rows;
	return 0;
}

int factors_without(const struct factors *factors, long group, struct factor *out)
{
	unsigned columns = factors->tree[1].columns;
	double *room;

	if (group == FACTOR_ALL_GROUPS)
		return copy(&factors->tree[1], out);
	room = calloc(2 * cells(columns), sizeof *room);
	if (!room || factor_reset(out, columns)) {
		free(room);
		return -ENOMEM;
	}
	for (size_t i = (size_t)group + factors->group_count; i > 1; i /= 2)
		merge(out, &factors->tree[i ^ 1], room);
	free(room);
	return 0;
}

int factor_pick(const struct factor *factor, const unsigned *columns, unsigned count,
		struct factor *out)
{
	unsigned all = factor->columns;
	double *matrix = calloc((size_t)all * count + count, sizeof *matrix);
	gsl_matrix_view view;
	gsl_vector_view tau;

	if (!matrix || factor_reset(out, count)) {
		free(matrix);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < all; i++)
		for (unsigned c = 0; c < count; c++)
			matrix[(size_t)i * count + c] = factor_at(factor, i, columns[c]);
	view = gsl_matrix_view_array(matrix, all, count);
	tau = gsl_vector_view_array(matrix + (size_t)all * count, count);
	gsl_linalg_QR_decomp(&view.matrix, &tau.vector);
	take_triangle(out, matrix);
	out->rows = factor->rows;
	free(matrix);
	return 0;
}
