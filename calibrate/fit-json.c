/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit-json.h"

#include <math.h>

#include "calibrate/weights-make.h"
#include "wire/utf8.h"

/* A name from a file as a key. */
static void put_named(struct build *build, json_t *object, const char *name, json_t *value)
{
	struct text key = { 0 };

	utf8_add(&key, name);
	if (key.failed || !key.bytes) {
		json_decref(value);
		value = NULL;
	}
	build_put(build, object, key.bytes ? key.bytes : "", value);
	text_free(&key);
}

static void put_real(struct build *build, json_t *object, const char *key, double value)
{
	build_put(build, object, key, build_real(value));
}

static const char *base_key(const struct fit *fit)
{
	return fit->is_energy ? "base_j" : "base_w";
}

/* --- weights --------------------------------------------------------------------------------- */

/* {EVENT: number, ...}, the number at `offset` of each weight. */
static void put_each(struct build *build, json_t *object, const struct fit *fit,
		     const struct fit_point *point, size_t offset)
{
	for (unsigned i = 0; i < fit->event_count; i++) {
		const char *weight = (const char *)&point->weights[i];

		put_named(build, object, fit->event_names[i],
			  build_real(*(const double *)(const void *)(weight + offset)));
	}
}

static void put_ranges(struct build *build, json_t *object, const struct fit *fit,
		       const struct fit_point *point)
{
	json_t *ranges = json_object();

	for (unsigned i = 0; i < fit->event_count; i++) {
		json_t *range = json_array();

		build_append(build, range, build_real(point->weights[i].min_rate));
		build_append(build, range, build_real(point->weights[i].max_rate));
		put_named(build, ranges, fit->event_names[i], range);
	}
	build_put(build, object, "ranges", ranges);
}

static void put_point(struct build *build, json_t *object, const struct fit *fit,
		      const struct fit_point *point)
{
	static const struct {
		const char *key;
		size_t offset;
	} tables[] = { { "upper", offsetof(struct fit_weight, upper) },
		       { "vif", offsetof(struct fit_weight, vif) },
		       { "share", offsetof(struct fit_weight, share) } };
	json_t *weights = json_object(), *errors = json_object();

	put_real(build, weights, base_key(fit), point->base);
	put_each(build, weights, fit, point, offsetof(struct fit_weight, joules));
	build_put(build, object, "weights", weights);
	put_real(build, errors, base_key(fit), point->base_se);
	put_each(build, errors, fit, point, offsetof(struct fit_weight, se));
	build_put(build, object, "se", errors);
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		json_t *table = json_object();

		put_each(build, table, fit, point, tables[i].offset);
		build_put(build, object, tables[i].key, table);
	}
	put_ranges(build, object, fit, point);
}

static void put_points(struct build *build, json_t *root, const struct fit *fit)
{
	json_t *points = json_array();

	for (unsigned i = 0; i < fit->point_count; i++) {
		json_t *point = json_object();

		put_real(build, point, "frequency_hz", fit->points[i].frequency_hz);
		put_real(build, point, "voltage_v", fit->points[i].voltage_v);
		build_put(build, point, "rows", build_u64(build, "rows", fit->points[i].rows));
		put_point(build, point, fit, &fit->points[i]);
		build_append(build, points, point);
	}
	build_put(build, root, "points", points);
}

/* --- errors ---------------------------------------------------------------------------------- */

static json_t *make_errors(struct build *build, const struct fit_errors *errors)
{
	json_t *object = json_object();

	put_real(build, object, "mape", errors->mape_percent);
	put_real(build, object, "rmse", errors->rmse);
	put_real(build, object, "r2", errors->r2);
	return object;
}

void fit_json_put_errors(struct build *build, json_t *object, const char *key,
			 const struct fit_errors *errors)
{
	build_put(build, object, key, make_errors(build, errors));
}

static void put_lowo(struct build *build, json_t *root, const struct fit *fit)
{
	json_t *lowo = make_errors(build, &fit->lowo);
	bool has_worst = fit->worst_group < fit->group_count && isfinite(fit->worst_mape_percent);

	put_real(build, lowo, "dynamic_mape", fit->lowo_dynamic_mape_percent);
	put_real(build, lowo, "energy_error", fit->lowo_energy_error_percent);
	put_real(build, lowo, "mean_group_mape", fit->lowo_mean_group_mape_percent);
	build_put(build, lowo, "worst_group",
		  build_text(has_worst ? fit->group_names[fit->worst_group] : NULL));
	put_real(build, lowo, "worst_mape", fit->worst_mape_percent);
	build_put(build, root, "lowo", lowo);
}

static void put_workloads(struct build *build, json_t *root, const struct fit *fit)
{
	json_t *workloads = json_array();

	for (size_t i = 0; i < fit->group_count; i++) {
		const struct fit_group *group = &fit->groups[i];
		json_t *workload = json_object();

		build_put(build, workload, "name", build_text(fit->group_names[i]));
		build_put(build, workload, "rows", build_u64(build, "rows", group->rows));
		put_real(build, workload, "mape", group->mape_percent);
		put_real(build, workload, "bias", group->bias_percent);
		build_append(build, workloads, workload);
	}
	build_put(build, root, "workloads", workloads);
}

void fit_json_append_texts(struct build *build, json_t *array, const struct error_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		build_append(build, array, build_text(list->texts[i]));
}

/* --- the whole ------------------------------------------------------------------------------- */

static void put_stand_in(struct build *build, json_t *root, const struct fits *fits)
{
	const struct fit *fit = fits->on_cpu;
	const struct fit_point *point = &fit->points[fit->point_count - 1];
	json_t *object = json_object();

	put_real(build, object, "w", point->weights[0].joules * 1e9);
	put_real(build, object, "se", point->weights[0].se * 1e9);
	put_real(build, object, base_key(fit), point->base);
	put_real(build, object, "written_w", weights_make_on_cpu_w(fits->events, fit));
	build_put(build, object, "verdict", build_text(verdict_name(fit->verdict)));
	put_lowo(build, object, fit);
	build_put(build, root, "on_cpu", object);
}

/* `left_aside`: rows of the trace that no fit took in. */
static void put_head(struct build *build, json_t *root, const struct fit_input *input,
		     size_t left_aside)
{
	const struct trace *trace = input->trace;

	build_put(build, root, "rows", build_u64(build, "rows", trace->row_count - left_aside));
	build_put(build, root, "dropped_rows",
		  build_u64(build, "rows", trace->dropped_rows + left_aside));
	build_put(build, root, "groups", build_u64(build, "groups", trace->group_count));
	build_put(build, root, "has_groups", json_boolean(trace->has_groups));
	build_put(build, root, "power_column", build_text(trace->power_column));
	build_put(build, root, "emulated",
		  input->has_about ? json_boolean(input->about.emulated) : json_null());
}

static void put_fit(struct build *build, json_t *root, const struct fit *fit)
{
	const struct fit_point *highest = &fit->points[fit->point_count - 1];

	build_put(build, root, "method", build_text(fit_method_name(fit->method)));
	put_real(build, root, "ridge_lambda", fit->ridge_lambda);
	build_put(build, root, "robust", json_boolean(fit->robust));
	build_put(build, root, "outliers", build_u64(build, "outliers", fit->outliers));
	build_put(build, root, "verdict", build_text(verdict_name(fit->verdict)));
	put_point(build, root, fit, highest);
	if (fit->point_count > 1)
		put_points(build, root, fit);
	fit_json_put_errors(build, root, "in_sample", &fit->in_sample);
	put_lowo(build, root, fit);
	put_real(build, root, "curvature", fit->curvature);
	put_workloads(build, root, fit);
}

int fit_json(const struct fit_input *input, const struct fits *fits, struct text *out,
	     struct error *error)
{
	const struct fit *fit = fits_main(fits);
	struct build build = { .error = error };
	json_t *root = json_object(), *warnings = json_array();

	put_head(&build, root, input, fit->left_aside);
	put_fit(&build, root, fit);
	if (fits->events && fits->on_cpu)
		put_stand_in(&build, root, fits);
	fit_json_append_texts(&build, warnings, &input->warnings);
	fit_json_append_texts(&build, warnings, &fit->warnings);
	if (fit->point_count > 1)
		build_append(&build, warnings,
			     build_text("several operating points: `weights` are those of the "
					"highest frequency, `points` has all"));
	build_put(&build, root, "warnings", warnings);
	return build_line(&build, root, FIT_JSON_DIGITS, out);
}

int fit_json_refused(const struct fit_input *input, const struct fit_options *options,
		     const char *reason, struct text *out, struct error *error)
{
	static const struct fit none = { .in_sample = { NAN, NAN, NAN },
					 .lowo = { NAN, NAN, NAN },
					 .lowo_dynamic_mape_percent = NAN,
					 .lowo_energy_error_percent = NAN,
					 .lowo_mean_group_mape_percent = NAN,
					 .worst_mape_percent = NAN };
	struct build build = { .error = error };
	json_t *root = json_object(), *warnings = json_array();

	put_head(&build, root, input, 0);
	build_put(&build, root, "method", build_text(fit_method_name(options->method)));
	build_put(&build, root, "verdict", build_text(verdict_name(VERDICT_POOR)));
	build_put(&build, root, "weights", json_null());
	fit_json_put_errors(&build, root, "in_sample", &none.in_sample);
	put_lowo(&build, root, &none);
	build_append(&build, warnings, build_text(reason));
	fit_json_append_texts(&build, warnings, &input->warnings);
	build_put(&build, root, "warnings", warnings);
	return build_line(&build, root, FIT_JSON_DIGITS, out);
}
