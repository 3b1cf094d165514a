/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "model/weights-fields.h"

struct check {
	const struct weights *weights;
	const struct weights_lines *lines;
	struct error_list *errors;
	size_t count;
};

/* "PATH:LINE: text"; line 0 (nothing to point at) becomes the file's first. */
#define complain(check, at_line, ...)                                                              \
	do {                                                                                       \
		struct ini_entry entry_ = { .path = (check)->lines->path,                          \
					    .line = (at_line) ? (at_line) : 1 };                   \
		ini_errorf((check)->errors, &entry_, __VA_ARGS__);                                 \
		(check)->count++;                                                                  \
	} while (0)

/* The line of the first key that was given in a section; 0 = none was. */
static unsigned section_line(const struct check *check, const char *section)
{
	unsigned first = strcmp(section, "weights") == 0 ? check->lines->format : 0;

	for (size_t i = 0; i < weights_field_count; i++) {
		unsigned line = check->lines->field[i];

		if (line && (!first || line < first) &&
		    strcmp(weights_fields[i].section, section) == 0)
			first = line;
	}
	return first;
}

/* The line of one key; 0 = not given. */
static unsigned key_line(const struct check *check, const char *section, const char *key)
{
	for (size_t i = 0; i < weights_field_count; i++)
		if (strcmp(weights_fields[i].section, section) == 0 &&
		    strcmp(weights_fields[i].key, key) == 0)
			return check->lines->field[i];
	return 0;
}

static const char *kind_of(const struct check *check)
{
	static const char *const kinds[] = {
		[WEIGHTS_CPU] = "cpu",
		[WEIGHTS_DISK] = "disk",
		[WEIGHTS_NIC] = "nic",
	};

	return kinds[check->weights->kind];
}

static void check_presence(struct check *check)
{
	const char *kind = kind_of(check);

	if (!check->lines->format)
		complain(check, section_line(check, "weights"), "[weights] format: is missing");
	for (size_t i = 0; i < weights_field_count; i++) {
		const struct field *field = &weights_fields[i];
		unsigned line = check->lines->field[i];
		bool fits = field->kinds & (1u << check->weights->kind);

		if (line && !fits)
			complain(check, line, "[%s] %s: is not for kind %s", field->section,
				 field->key, kind);
		if (!line && fits && field->required)
			complain(check, section_line(check, field->section), "[%s] %s: is missing",
				 field->section, field->key);
	}
}

static void check_machine(struct check *check)
{
	const struct weights *weights = check->weights;
	unsigned cpus = key_line(check, "machine", "cpus");
	unsigned chips = key_line(check, "machine", "chips");
	unsigned power = key_line(check, "disks-in-base", "power");
	unsigned nics = key_line(check, "nics-in-base", "power");
	unsigned note = key_line(check, "disks-in-base", "note");

	if (weights->per_cpu) {
		/* What scales with the machine has no size of its own. */
		if (cpus || chips)
			complain(check, cpus ? cpus : chips,
				 "[machine]: cpus and chips do not go with per-cpu");
		if (power)
			complain(check, power, "[disks-in-base]: does not go with per-cpu");
		if (nics)
			complain(check, nics, "[nics-in-base]: does not go with per-cpu");
	} else if (!cpus || !chips) {
		complain(check, section_line(check, "machine"), "[machine] %s: is missing",
			 cpus ? "chips" : "cpus");
	} else if (weights->cpus && weights->chips && weights->cpus % weights->chips) {
		complain(check, chips, "chips %u: must divide cpus %u", weights->chips,
			 weights->cpus);
	}
	if (note && weights->disks_idle_w == 0)
		complain(check, note, "[disks-in-base] note: goes with power above 0W");
}

static void check_thermal(struct check *check)
{
	const struct weights *weights = check->weights;
	int given = !isnan(weights->thermal_c1) + !isnan(weights->thermal_c2) +
		    !isnan(weights->thermal_t0_c);

	if (given != 0 && given != 3)
		complain(check, section_line(check, "thermal"),
			 "[thermal]: c1-kelvin-per-joule, c2-per-second and t0 go together");
}

static bool same_events(const struct operating_point *a, const struct operating_point *b)
{
	if (a->weight_count != b->weight_count)
		return false;
	for (unsigned i = 0; i < a->weight_count; i++)
		if (strcmp(a->weights[i].event, b->weights[i].event) != 0)
			return false;
	return true;
}

static void check_replicates(struct check *check, const struct operating_point *point,
			     unsigned line)
{
	bool complete = point->base_replicates_w != NULL;

	for (unsigned i = 0; i < point->weight_count; i++)
		complete = complete && point->weights[i].replicates_nj;
	if (check->lines->clean && check->weights->replicate_count && !complete)
		complain(check, line, "[point]: replicates of base and every weight go together");
}

static void check_point(struct check *check, unsigned index)
{
	const struct operating_point *first = &check->weights->points[0];
	const struct operating_point *point = &check->weights->points[index];
	const struct point_lines *lines = &check->lines->points[index];

	for (size_t i = 0; i < point_field_count; i++)
		if (point_fields[i].required && !lines->field[i])
			complain(check, lines->header, "[point] %s: is missing",
				 point_fields[i].key);
	if (point->weight_count == 0 && isnan(point->on_cpu.nj))
		complain(check, lines->header, "[point]: must have a weight or on-cpu");
	if (check->lines->clean && !same_events(first, point))
		complain(check, lines->header,
			 "[point]: must have the weights of the first point, in its order");
	if (isnan(first->on_cpu.nj) != isnan(point->on_cpu.nj))
		complain(check, lines->header, "[point] on-cpu: must be in every point or in none");
	if (point->base_w < check->weights->disks_idle_w)
		complain(check, lines->header, "[point] base %gW: must be at least the disks' %gW",
			 point->base_w, check->weights->disks_idle_w);
	else if (point->base_w < check->weights->disks_idle_w + check->weights->nics_idle_w)
		complain(check, lines->header,
			 "[point] base %gW: must be at least the disks' and network cards' %gW",
			 point->base_w, check->weights->disks_idle_w + check->weights->nics_idle_w);
	check_replicates(check, point, lines->header);
}

static void check_points(struct check *check)
{
	const struct weights *weights = check->weights;

	if (weights->point_count == 0)
		complain(check, 1, "[point]: is missing");
	for (unsigned i = 0; i < weights->point_count; i++) {
		check_point(check, i);
		if (weights->point_count > 1 && weights->points[i].frequency_hz == 0)
			complain(check, check->lines->points[i].header,
				 "[point]: must name its frequency where there are several");
		else if (i > 0 &&
			 weights->points[i].frequency_hz <= weights->points[i - 1].frequency_hz)
			complain(check, check->lines->points[i].header,
				 "[point]: frequencies must ascend");
	}
}

static void check_disk(struct check *check)
{
	const struct disk_constants *disk = &check->weights->disk;
	unsigned line = key_line(check, "disk", "active");

	if (line && disk->active_w < disk->idle_w)
		complain(check, line, "active %gW: must be at least idle %gW", disk->active_w,
			 disk->idle_w);
}

static void check_no_points(struct check *check)
{
	if (check->weights->point_count > 0)
		complain(check, check->lines->points[0].header, "[point]: is not for kind %s",
			 kind_of(check));
}

size_t weights_check(const struct weights *weights, const struct weights_lines *lines,
		     struct error_list *errors)
{
	struct check check = { .weights = weights, .lines = lines, .errors = errors };

	check_presence(&check);
	if (weights->kind == WEIGHTS_DISK)
		check_disk(&check);
	if (weights->kind != WEIGHTS_CPU) {
		check_no_points(&check);
		return check.count;
	}
	check_machine(&check);
	check_thermal(&check);
	check_points(&check);
	return check.count;
}
