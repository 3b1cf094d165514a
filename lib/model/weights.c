/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights-fields.h"
#include "model/words.h"

static const char *const scope_words[] = {
	[SCOPE_WALL] = "wall",       [SCOPE_DC] = "dc",
	[SCOPE_PACKAGE] = "package", [SCOPE_PACKAGE_DRAM] = "package+dram",
	[SCOPE_RAIL] = "rail",
};

static const char *const standing_words[] = {
	[STANDING_MEASURED] = "measured",
	[STANDING_MODELLED] = "modelled",
	[STANDING_ESTIMATE] = "estimate",
};

static const char *const verdict_words[] = {
	[VERDICT_NONE] = "none",
	[VERDICT_GOOD] = "good",
	[VERDICT_USABLE] = "usable",
	[VERDICT_POOR] = "poor",
};

const char *scope_name(enum scope scope)
{
	return words_name(scope_words, WORDS_COUNT(scope_words), scope);
}

const char *standing_name(enum standing standing)
{
	return words_name(standing_words, WORDS_COUNT(standing_words), standing);
}

const char *verdict_name(enum verdict verdict)
{
	return words_name(verdict_words, WORDS_COUNT(verdict_words), verdict);
}

int scope_parse(const char *word)
{
	return words_parse(scope_words, WORDS_COUNT(scope_words), word);
}

int standing_parse(const char *word)
{
	return words_parse(standing_words, WORDS_COUNT(standing_words), word);
}

int verdict_parse(const char *word)
{
	return words_parse(verdict_words, WORDS_COUNT(verdict_words), word);
}

enum verdict verdict_of(double pooled_mape_percent, double worst_mape_percent)
{
	static const struct {
		enum verdict verdict;
		double pooled_percent, worst_percent;
	} limits[] = { { VERDICT_GOOD, VERDICT_GOOD_POOLED_PERCENT, VERDICT_GOOD_WORST_PERCENT },
		       { VERDICT_USABLE, 10, 20 } };

	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (pooled_mape_percent <= limits[i].pooled_percent &&
		    worst_mape_percent <= limits[i].worst_percent)
			return limits[i].verdict;
	return VERDICT_POOR;
}

void point_set_defaults(struct operating_point *point)
{
	memset(point, 0, sizeof *point);
	point->voltage_v = NAN;
	point->base_w = NAN;
	point->base_se_w = NAN;
	strcpy(point->on_cpu.event, CPUTIME_EVENT);
	point->on_cpu.nj = NAN;
	point->on_cpu.se_nj = NAN;
}

int point_find_weight(const struct operating_point *point, const char *event)
{
	for (unsigned i = 0; i < point->weight_count; i++)
		if (strcmp(point->weights[i].event, event) == 0)
			return (int)i;
	return -1;
}

void weights_set_defaults(struct weights *weights)
{
	memset(weights, 0, sizeof *weights);
	weights->match.family = MATCH_ANY;
	weights->match.model = MATCH_ANY;
	weights->match.stepping = MATCH_ANY;
	weights->match.chips = MATCH_ANY;
	weights->match.cpus = MATCH_ANY;
	weights->match.rotational = MATCH_ANY;
	weights->match.nic_speed = MATCH_ANY;
	for (size_t i = 0; i < weights_field_count; i++) {
		const struct field *field = &weights_fields[i];
		char *base = (char *)weights;

		if (field->type != FIELD_AMOUNT)
			continue;
		if (!field->zero_is_absent)
			*(double *)(void *)(base + field->offset) = NAN;
		if (field->has_error)
			*(double *)(void *)(base + field->error_offset) = NAN;
	}
}

static void point_clear(struct operating_point *point)
{
	free(point->base_replicates_w);
	free(point->on_cpu.replicates_nj);
	for (unsigned i = 0; i < point->weight_count; i++)
		free(point->weights[i].replicates_nj);
}

void weights_free(struct weights *weights)
{
	if (!weights)
		return;
	for (unsigned i = 0; i < weights->point_count; i++)
		point_clear(&weights->points[i]);
	free(weights->points);
	for (size_t i = 0; i < weights_field_count; i++)
		if (weights_fields[i].type == FIELD_TEXT)
			free(*(char **)(void *)((char *)weights + weights_fields[i].offset));
	free(weights->path);
	free(weights);
}
