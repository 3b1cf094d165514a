/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/trace-about.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "model/weights-fields.h"
#include "model/words.h"

enum { ABOUT_FORMAT = 1, ABOUT_FIELDS_MAX = 32 };

/* What the tables of fields can lead to: a word and an amount that may be absent, as 0. */
struct draft {
	struct trace_about about;
	int scope; /* 1 + enum scope */
	double tsc_hz;
};

static int scope_word_parse(const char *word)
{
	int scope = scope_parse(word);

	return scope < 0 ? scope : scope + 1;
}

static const char *scope_word(int scope)
{
	return scope_name((enum scope)(scope - 1));
}

#define TEXT(s, k, member)                                                                         \
	{                                                                                          \
		.section = s, .key = k, .type = FIELD_TEXT,                                        \
		.offset = offsetof(struct draft, about.member),                                    \
	}
#define WHOLE(k, member, low, high)                                                                \
	{                                                                                          \
		.section = "machine", .key = k, .type = FIELD_UNSIGNED,                            \
		.offset = offsetof(struct draft, about.member), .min = low, .max = high            \
	}
#define AMOUNT(s, k, member, what, high)                                                           \
	{                                                                                          \
		.section = s, .key = k, .type = FIELD_AMOUNT,                                      \
		.offset = offsetof(struct draft, about.member), .amount = what, .max = high        \
	}

/* In the order of the file. */
static const struct field about_fields[] = {
	{ .section = "trace",
	  .key = "emulated",
	  .type = FIELD_FLAG,
	  .offset = offsetof(struct draft, about.emulated) },
	TEXT("machine", "vendor", cpu.vendor),
	TEXT("machine", "model-name", cpu.model_name),
	WHOLE("family", cpu.family, 0, 65535),
	WHOLE("model", cpu.model, 0, 65535),
	WHOLE("stepping", cpu.stepping, 0, 65535),
	WHOLE("cpus", cpu.cpus, 1, 65536),
	WHOLE("cores", cpu.cores, 1, 65536),
	WHOLE("chips", cpu.chips, 1, 256),
	{ .section = "machine",
	  .key = "tsc",
	  .type = FIELD_AMOUNT,
	  .zero_is_absent = true,
	  .offset = offsetof(struct draft, tsc_hz),
	  .amount = AMOUNT_FREQUENCY,
	  .min = 1e6,
	  .max = 20e9 },
	TEXT("machine", "pmu", pmu),
	TEXT("machine", "kernel", kernel),
	TEXT("meter", "name", meter),
	{ .section = "meter",
	  .key = "scope",
	  .type = FIELD_WORD,
	  .offset = offsetof(struct draft, scope),
	  .word_parse = scope_word_parse,
	  .word_name = scope_word,
	  .words = "wall, dc, package, package+dram or rail" },
	AMOUNT("meter", "lag", meter_lag_s, AMOUNT_TIME, 3600),
	AMOUNT("meter", "window", meter_window_s, AMOUNT_TIME, 3600),
	AMOUNT("meter", "resolution", meter_resolution_w, AMOUNT_POWER, 1e5),
	AMOUNT("disks-in-base", "power", disks_idle_w, AMOUNT_POWER, 1e5),
	TEXT("disks-in-base", "note", disks_note),
	TEXT("provenance", "date", date),
	TEXT("provenance", "command", command),
	TEXT("provenance", "probe", probe),
};
_Static_assert(WORDS_COUNT(about_fields) <= ABOUT_FIELDS_MAX, "lines of all fields");

struct parser {
	struct draft draft;
	const char *path;
	unsigned format_line;
	unsigned lines[ABOUT_FIELDS_MAX]; /* that gave the fields; 0 = none did */
	bool out_of_memory;
};

/* --- reading --------------------------------------------------------------------------------- */

/* A key may be given once: remembers its line. */
static bool is_repeated(unsigned *line, const struct ini_entry *entry, struct error_list *errors)
{
	if (*line) {
		ini_errorf(errors, entry, "%s: is given twice, first in line %u", entry->key,
			   *line);
		return true;
	}
	*line = entry->line;
	return false;
}

static int parse_format(struct parser *parser, const struct ini_entry *entry,
			struct error_list *errors)
{
	uint64_t format;

	if (is_repeated(&parser->format_line, entry, errors))
		return -EINVAL;
	if (number_parse_u64(entry->value, &format) || format != ABOUT_FORMAT)
		return ini_errorf(errors, entry, "format %s: must be %d", entry->value,
				  ABOUT_FORMAT);
	return 0;
}

static int parse_entry(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	struct parser *parser = context;
	bool is_known = strcmp(entry->section, "trace") == 0;
	int result;

	if (is_known && strcmp(entry->key, "format") == 0)
		return parse_format(parser, entry, errors);
	for (size_t i = 0; i < WORDS_COUNT(about_fields); i++) {
		if (strcmp(entry->section, about_fields[i].section) != 0)
			continue;
		is_known = true;
		if (strcmp(entry->key, about_fields[i].key) != 0)
			continue;
		if (is_repeated(&parser->lines[i], entry, errors))
			return -EINVAL;
		result = field_parse(&about_fields[i], &parser->draft, entry, errors);
		parser->out_of_memory |= result == -ENOMEM;
		return result;
	}
	if (!is_known)
		return ini_errorf(errors, entry, "[%s]: unknown section", entry->section);
	return ini_errorf(errors, entry, "[%s] %s: unknown key", entry->section, entry->key);
}

/* Strings of an identity are never NULL. */
static int take_cpu(struct trace_about *about)
{
	struct cpu_identity *cpu = &about->cpu;

	about->has_cpu = cpu->vendor || cpu->model_name || cpu->family || cpu->model ||
			 cpu->stepping || cpu->cpus || cpu->cores || cpu->chips || cpu->tsc_hz;
	if (!about->has_cpu)
		return 0;
	if (!cpu->vendor)
		cpu->vendor = strdup("");
	if (!cpu->model_name)
		cpu->model_name = strdup("");
	return cpu->vendor && cpu->model_name ? 0 : -ENOMEM;
}

static int parse_all(struct parser *parser, const char *text, size_t length,
		     struct error_list *errors)
{
	struct trace_about *about = &parser->draft.about;
	size_t before = errors->count + errors->dropped;

	ini_parse_text(parser->path, text, length, parse_entry, parser, errors);
	if (!parser->format_line)
		error_list_addf(errors, "%s:1: [trace] format: is missing", parser->path);
	about->has_scope = parser->draft.scope > 0;
	if (about->has_scope)
		about->scope = (enum scope)(parser->draft.scope - 1);
	about->cpu.tsc_hz = (uint64_t)parser->draft.tsc_hz;
	if (parser->out_of_memory || take_cpu(about))
		return -ENOMEM;
	return errors->count + errors->dropped == before ? 0 : -EINVAL;
}

void trace_about_init(struct trace_about *about)
{
	*about = (struct trace_about){
		.meter_lag_s = NAN,
		.meter_window_s = NAN,
		.meter_resolution_w = NAN,
		.disks_idle_w = NAN,
	};
}

int trace_about_parse(const char *path, const char *text, size_t length, struct trace_about *about,
		      struct error_list *errors)
{
	struct parser parser = { .path = path };
	int result;

	trace_about_init(&parser.draft.about);
	result = parse_all(&parser, text, length, errors);
	if (result) {
		trace_about_clear(&parser.draft.about);
		return result;
	}
	*about = parser.draft.about;
	return 0;
}

void trace_about_clear(struct trace_about *about)
{
	cpu_identity_clear(&about->cpu);
	free(about->pmu);
	free(about->probe);
	free(about->kernel);
	free(about->date);
	free(about->command);
	free(about->meter);
	free(about->disks_note);
	trace_about_init(about);
}

/* --- writing --------------------------------------------------------------------------------- */

void trace_about_print(const struct trace_about *about, struct text *out)
{
	const struct draft draft = {
		.about = *about,
		.scope = about->has_scope ? (int)about->scope + 1 : 0,
		.tsc_hz = (double)about->cpu.tsc_hz,
	};
	const char *section = "trace";

	text_addf(out, "[trace]\nformat = %d\n", ABOUT_FORMAT);
	for (size_t i = 0; i < WORDS_COUNT(about_fields); i++) {
		struct text line = { 0 };

		field_print(&about_fields[i], &draft, &line);
		if (line.length && strcmp(section, about_fields[i].section) != 0) {
			section = about_fields[i].section;
			text_addf(out, "\n[%s]\n", section);
		}
		if (line.length)
			text_add_bytes(out, line.bytes, line.length);
		out->failed |= line.failed;
		text_free(&line);
	}
}
