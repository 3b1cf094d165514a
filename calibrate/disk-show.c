/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a fit of a disk has found, for a reader and for a program. */
#include <math.h>

#include "calibrate/disk-runs.h"
#include "wire/build.h"

static void print_direction(const char *word, const struct disk_direction *direction, bool has,
			    struct text *out)
{
	text_addf(out, "%-14s %.2f us a request, %.1f MB/s%s\n", word, 1e6 * direction->overhead_s,
		  1e-6 * direction->rate_bytes_s, has ? "" : " (copied)");
}

/* The error is left out where it is not known. */
static void print_power(const char *word, double watts, double error_w, struct text *out)
{
	text_addf(out, "%-14s %.3f", word, watts);
	if (isfinite(error_w))
		text_addf(out, " +-%.2g", error_w);
	text_add(out, " W\n");
}

void disk_show_text(const struct disk_result *result, struct text *out)
{
	const struct disk_fit *fit = result->fit;
	const struct disk_constants *constants = &fit->constants;

	if (result->emulated)
		text_add(out, "EMULATED: no physical disk or meter\n");
	text_addf(out,
		  "verdict        %s: held-out error %.1f %%, %.0f %% of the power above idle "
		  "explained, %zu rows\n",
		  verdict_name(fit->verdict), fit->lowo_mape_percent, 100 * fmax(fit->r2, 0),
		  result->rows);
	print_power("idle", constants->idle_w, constants->idle_se_w, out);
	print_power("active", constants->active_w, constants->active_se_w, out);
	print_direction("read", &constants->read, fit->has_read, out);
	print_direction("write", &constants->write, fit->has_write, out);
}

static void put_direction(struct build *build, json_t *root, const char *key,
			  const struct disk_direction *direction, bool has)
{
	json_t *object = json_object();

	build_put(build, object, "overhead_s", build_real(direction->overhead_s));
	build_put(build, object, "rate_bytes_s", build_real(direction->rate_bytes_s));
	build_put(build, object, "measured", json_boolean(has));
	build_put(build, root, key, object);
}

int disk_show_json(const struct disk_result *result, struct text *out, struct error *error)
{
	const struct disk_fit *fit = result->fit;
	const struct {
		const char *key;
		double value;
	} figures[] = {
		{ "idle_w", fit->constants.idle_w },
		{ "idle_error_w", fit->constants.idle_se_w },
		{ "active_w", fit->constants.active_w },
		{ "active_error_w", fit->constants.active_se_w },
		{ "r2_above_idle", fit->r2 },
		{ "mape", fit->mape_percent },
		{ "lowo_mape", fit->lowo_mape_percent },
	};
	struct build build = { .error = error };
	json_t *root = json_object(), *warnings = json_array();

	build_put(&build, root, "rows", build_u64(&build, "rows", result->rows));
	build_put(&build, root, "emulated", json_boolean(result->emulated));
	build_put(&build, root, "verdict", build_text(verdict_name(fit->verdict)));
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		build_put(&build, root, figures[i].key, build_real(figures[i].value));
	put_direction(&build, root, "read", &fit->constants.read, fit->has_read);
	put_direction(&build, root, "write", &fit->constants.write, fit->has_write);
	for (size_t i = 0; i < fit->warnings.count; i++)
		build_append(&build, warnings, build_text(fit->warnings.texts[i]));
	build_put(&build, root, "warnings", warnings);
	return build_line(&build, root, 10, out);
}
