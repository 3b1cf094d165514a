/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/units.h"
#include "model/weights-fields.h"

/* A vector of jackknife replicates, which may take several lines. */
struct series {
	double *items;
	size_t count, capacity;
};

/* A point while its lines are read. */
struct draft {
	struct operating_point point;
	struct series base, on_cpu, weights[WEIGHTS_EVENTS_MAX];
};

struct parser {
	struct weights *weights;
	struct weights_lines lines;
	struct {
		struct draft *items;
		size_t count, capacity;
	} drafts;
	size_t line_capacity; /* of lines.points */
	char section[INI_SECTION_MAX_BYTES + 1];
	bool out_of_memory;
};

static int no_memory(struct parser *parser, const struct ini_entry *entry,
		     struct error_list *errors)
{
	parser->out_of_memory = true;
	ini_errorf(errors, entry, "%s: out of memory", entry->key);
	return -ENOMEM;
}

/* --- [point] -------------------------------------------------------------------------------- */

static bool is_point(const char *section)
{
	return strncmp(section, "point", 5) == 0 && (section[5] == '\0' || section[5] == ' ');
}

/* "[point 2GHz]" or, where there is but one, "[point]". */
static int point_begin(struct parser *parser, const struct ini_entry *entry,
		       struct error_list *errors)
{
	struct point_lines *lines;
	struct draft *draft;
	struct error error = { "" };

	lines = memory_grow(parser->lines.points, &parser->line_capacity, parser->drafts.count + 1,
			    sizeof *lines);
	if (!lines)
		return no_memory(parser, entry, errors);
	parser->lines.points = lines;
	draft = MEMORY_APPEND(&parser->drafts);
	if (!draft)
		return no_memory(parser, entry, errors);
	point_set_defaults(&draft->point);
	memset(&lines[parser->drafts.count - 1], 0, sizeof *lines);
	lines[parser->drafts.count - 1].header = entry->line;
	if (parser->drafts.count == WEIGHTS_POINTS_MAX + 1)
		ini_errorf(errors, entry, "[%s]: at most %d points", entry->section,
			   WEIGHTS_POINTS_MAX);
	if (entry->section[5] && unit_parse(QUANTITY_FREQUENCY, entry->section + 6, 1e6, 20e9,
					    &draft->point.frequency_hz, &error))
		return ini_errorf(errors, entry, "[point]: frequency %s", error.text);
	return 0;
}

/* The event itself if it can be a name, else NULL having told `errors`. */
static const char *check_event(const struct ini_entry *entry, const char *event,
			       struct error_list *errors)
{
	bool clean = (event[0] >= 'a' && event[0] <= 'z') || (event[0] >= 'A' && event[0] <= 'Z');

	for (const char *c = event; *c; c++)
		clean = clean && *c > ' ' && *c < 0x7f;
	if (!clean) {
		ini_errorf(errors, entry, "%s %s: must name an event", entry->key, entry->value);
		return NULL;
	}
	if (strlen(event) >= EVENT_NAME_BYTES) {
		ini_errorf(errors, entry, "%s %s: must have at most %d bytes", entry->key, event,
			   EVENT_NAME_BYTES - 1);
		return NULL;
	}
	return event;
}

/* weight = 1.23nJ +-0.05nJ skl::INST_RETIRED:ANY_P */
static int parse_weight(struct draft *draft, const struct ini_entry *entry,
			struct error_list *errors)
{
	struct operating_point *point = &draft->point;
	const char *blank = strrchr(entry->value, ' ');
	char energy[INI_LINE_MAX_BYTES + 2] = "";
	const char *event = check_event(entry, blank ? blank + 1 : entry->value, errors);
	struct weight weight = { .nj = NAN };
	int result;

	if (!event)
		return -EINVAL;
	if (blank && (size_t)(blank - entry->value) < sizeof energy)
		memcpy(energy, entry->value, (size_t)(blank - entry->value));
	if (!energy[0])
		return ini_errorf(errors, entry, "weight %s: must be ENERGY EVENT", entry->value);
	if (strcmp(event, CPUTIME_EVENT) == 0)
		return ini_errorf(errors, entry, "weight %s: must be given as on-cpu", event);
	if (point_find_weight(point, event) >= 0)
		return ini_errorf(errors, entry, "weight %s: is given twice", event);
	if (point->weight_count == WEIGHTS_EVENTS_MAX)
		return ini_errorf(errors, entry, "weight %s: at most %d events", event,
				  WEIGHTS_EVENTS_MAX);
	result = estimate_parse(&weight_field, entry, energy, &weight.nj, &weight.se_nj, errors);
	/* Known by name even so, lest its replicates seem to lack a weight. */
	strcpy(weight.event, event);
	point->weights[point->weight_count++] = weight;
	return result;
}

/* Blank-separated amounts, appended to the vector. */
static int parse_series(struct parser *parser, struct series *series, const struct field *field,
			const struct ini_entry *entry, const char *list, struct error_list *errors)
{
	char word[64];

	for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
		size_t length = strcspn(list, " ");
		double value, *item;

		if (length >= sizeof word)
			return ini_errorf(errors, entry, "%s: a number is too long", entry->key);
		memcpy(word, list, length);
		word[length] = '\0';
		list += length;
		if (amount_parse(field, entry, word, &value, errors))
			return -EINVAL;
		if (series->count == WEIGHTS_REPLICATES_MAX)
			return ini_errorf(errors, entry, "%s: at most %d replicates", entry->key,
					  WEIGHTS_REPLICATES_MAX);
		item = MEMORY_APPEND(series);
		if (!item)
			return no_memory(parser, entry, errors);
		*item = value;
	}
	return 0;
}

static const struct field power_replicate = {
	.amount = AMOUNT_POWER,
	.min = 0,
	.max = 1e5,
};

/* weight-replicates = EVENT 1.21nJ 1.25nJ ... */
static int parse_weight_replicates(struct parser *parser, struct draft *draft,
				   const struct ini_entry *entry, struct error_list *errors)
{
	size_t length = strcspn(entry->value, " ");
	char event[EVENT_NAME_BYTES] = "";
	int index;

	if (length < sizeof event)
		memcpy(event, entry->value, length);
	index = point_find_weight(&draft->point, event);
	if (index < 0)
		return ini_errorf(errors, entry, "%s %.*s: must follow this event's weight",
				  entry->key, (int)length, entry->value);
	return parse_series(parser, &draft->weights[index], &weight_field, entry,
			    entry->value + length, errors);
}

/* A key that may be given once; remembers its line. */
static int parse_once(const struct field *field, void *base, unsigned *line,
		      const struct ini_entry *entry, struct error_list *errors)
{
	if (*line)
		return ini_errorf(errors, entry, "%s: is given twice, first in line %u", entry->key,
				  *line);
	*line = entry->line;
	return field_parse(field, base, entry, errors);
}

static int parse_point_entry(struct parser *parser, const struct ini_entry *entry,
			     struct error_list *errors)
{
	struct draft *draft;
	struct point_lines *lines;

	if (strcmp(parser->section, entry->section) != 0 && point_begin(parser, entry, errors) &&
	    parser->out_of_memory)
		return -ENOMEM;
	draft = &parser->drafts.items[parser->drafts.count - 1];
	lines = &parser->lines.points[parser->drafts.count - 1];
	for (size_t i = 0; i < point_field_count; i++)
		if (strcmp(entry->key, point_fields[i].key) == 0)
			return parse_once(&point_fields[i], &draft->point, &lines->field[i], entry,
					  errors);
	if (strcmp(entry->key, "weight") == 0)
		return parse_weight(draft, entry, errors);
	if (strcmp(entry->key, "weight-replicates") == 0)
		return parse_weight_replicates(parser, draft, entry, errors);
	if (strcmp(entry->key, "base-replicates") == 0)
		return parse_series(parser, &draft->base, &power_replicate, entry, entry->value,
				    errors);
	if (strcmp(entry->key, "on-cpu-replicates") == 0)
		return parse_series(parser, &draft->on_cpu, &power_replicate, entry, entry->value,
				    errors);
	return ini_errorf(errors, entry, "[%s] %s: unknown key", entry->section, entry->key);
}

/* --- the other sections --------------------------------------------------------------------- */

static int parse_format(struct parser *parser, const struct ini_entry *entry,
			struct error_list *errors)
{
	uint64_t format;

	parser->lines.format = entry->line;
	if (number_parse_u64(entry->value, &format) || format != WEIGHTS_FORMAT)
		return ini_errorf(errors, entry, "format %s: must be %d", entry->value,
				  WEIGHTS_FORMAT);
	return 0;
}

static int parse_plain_entry(struct parser *parser, const struct ini_entry *entry,
			     struct error_list *errors)
{
	bool known_section = false;

	if (strcmp(entry->section, "weights") == 0 && strcmp(entry->key, "format") == 0)
		return parser->lines.format ? ini_errorf(errors, entry,
							 "format: is given twice, first in line %u",
							 parser->lines.format)
					    : parse_format(parser, entry, errors);
	for (size_t i = 0; i < weights_field_count; i++) {
		if (strcmp(entry->section, weights_fields[i].section) != 0)
			continue;
		known_section = true;
		if (strcmp(entry->key, weights_fields[i].key) == 0)
			return parse_once(&weights_fields[i], parser->weights,
					  &parser->lines.field[i], entry, errors);
	}
	if (!known_section)
		return ini_errorf(errors, entry, "[%s]: unknown section", entry->section);
	return ini_errorf(errors, entry, "[%s] %s: unknown key", entry->section, entry->key);
}

static int parse_entry(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	struct parser *parser = context;
	int result = is_point(entry->section) ? parse_point_entry(parser, entry, errors)
					      : parse_plain_entry(parser, entry, errors);

	if (strlen(entry->section) < sizeof parser->section)
		strcpy(parser->section, entry->section);
	parser->out_of_memory |= result == -ENOMEM;
	return result;
}

/* --- the whole file ------------------------------------------------------------------------- */

/* Hand a vector over; all that exist must be equally long. */
static void take_series(struct parser *parser, struct series *series, double **target,
			unsigned line, struct error_list *errors)
{
	struct ini_entry entry = { .path = parser->lines.path, .line = line };
	unsigned *count = &parser->weights->replicate_count;

	if (series->count == 0)
		return;
	if (*count == 0)
		*count = (unsigned)series->count;
	if (*count != series->count)
		ini_errorf(errors, &entry,
			   "[point]: %zu replicates beside %u: must be equally many", series->count,
			   *count);
	*target = series->items;
	*series = (struct series){ NULL, 0, 0 };
}

static void take_draft(struct parser *parser, size_t index, struct error_list *errors)
{
	struct draft *draft = &parser->drafts.items[index];
	struct operating_point *point = &parser->weights->points[index];
	unsigned line = parser->lines.points[index].header;

	take_series(parser, &draft->base, &draft->point.base_replicates_w, line, errors);
	take_series(parser, &draft->on_cpu, &draft->point.on_cpu.replicates_nj, line, errors);
	for (unsigned i = 0; i < draft->point.weight_count; i++)
		take_series(parser, &draft->weights[i], &draft->point.weights[i].replicates_nj,
			    line, errors);
	*point = draft->point;
	parser->weights->point_count++;
}

static int take_drafts(struct parser *parser, struct error_list *errors)
{
	size_t count = parser->drafts.count;

	parser->weights->points = calloc(count ? count : 1, sizeof *parser->weights->points);
	if (!parser->weights->points)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		take_draft(parser, i, errors);
	return 0;
}

static void parser_clear(struct parser *parser)
{
	for (size_t i = 0; i < parser->drafts.count; i++) {
		struct draft *draft = &parser->drafts.items[i];

		free(draft->base.items);
		free(draft->on_cpu.items);
		for (unsigned k = 0; k < WEIGHTS_EVENTS_MAX; k++)
			free(draft->weights[k].items);
	}
	free(parser->drafts.items);
	free(parser->lines.points);
}

static int parse_all(struct parser *parser, const char *text, size_t length,
		     struct error_list *errors)
{
	size_t before = errors->count + errors->dropped;
	const char *path = parser->lines.path;

	parser->weights->path = strdup(path);
	if (!parser->weights->path)
		return -ENOMEM;
	parser->lines.clean = ini_parse_text(path, text, length, parse_entry, parser, errors) == 0;
	if (parser->out_of_memory || take_drafts(parser, errors))
		return -ENOMEM;
	weights_check(parser->weights, &parser->lines, errors);
	return errors->count + errors->dropped == before ? 0 : -EINVAL;
}

int weights_parse(const char *path, const char *text, size_t length, struct weights **weights,
		  struct error_list *errors)
{
	struct parser parser = { .lines = { .path = path } };
	int result = -ENOMEM;

	*weights = NULL;
	parser.weights = malloc(sizeof *parser.weights);
	if (parser.weights) {
		weights_set_defaults(parser.weights);
		result = parse_all(&parser, text, length, errors);
	}
	parser_clear(&parser);
	if (result == 0)
		*weights = parser.weights;
	else
		weights_free(parser.weights);
	return result;
}
