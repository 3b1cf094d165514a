/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/session.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv-read.h"
#include "base/memory.h"
#include "base/numbers.h"

enum { SAMPLE_FIELDS = 10, FIELDS_MAX = SAMPLE_FIELDS + SESSION_EVENTS_MAX };

/* Kinds of lines come in this order; within a session, phases and readings alternate. */
enum stage { STAGE_START, STAGE_ABOUT, STAGE_METER, STAGE_PASSES, STAGE_PHASES };

struct reader {
	const char *path;
	size_t line;
	struct session *session;
	struct error *error;
	struct text about;
	enum stage stage;
	bool in_phase;
	/* What was there before the phase that is open. */
	size_t samples_before, readings_before;
	uint64_t last_sample_ns; /* of the phase */
	struct text values;      /* of the line, each with its NUL */
	unsigned count;
	const char *fields[FIELDS_MAX];
};

static int __attribute__((format(printf, 2, 3))) bad(struct reader *reader, const char *format, ...)
{
	struct error what;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what.text, sizeof what.text, format, arguments);
	va_end(arguments);
	return error_setf(reader->error, EINVAL, "%s:%zu: %s", reader->path, reader->line,
			  what.text);
}

static int no_memory(struct reader *reader)
{
	return error_setf(reader->error, ENOMEM, "%s: out of memory", reader->path);
}

/* --- values -------------------------------------------------------------------------------- */

static int take_u64(struct reader *reader, unsigned field, uint64_t max, uint64_t *value)
{
	if (number_parse_u64(reader->fields[field], value) || *value > max)
		return bad(reader, "value %u: '%.40s': must be a whole number up to %llu", field,
			   reader->fields[field], (unsigned long long)max);
	return 0;
}

static int take_unsigned(struct reader *reader, unsigned field, unsigned max, unsigned *value)
{
	uint64_t number;
	int result = take_u64(reader, field, max, &number);

	if (!result)
		*value = (unsigned)number;
	return result;
}

/* Empty = unknown. */
static int take_double(struct reader *reader, unsigned field, double *value)
{
	*value = NAN;
	if (!reader->fields[field][0] || number_parse_double(reader->fields[field], value) == 0)
		return 0;
	return bad(reader, "value %u: '%.40s': must be a number, or nothing", field,
		   reader->fields[field]);
}

static int take_text(struct reader *reader, unsigned field, char *text, size_t size)
{
	if (strlen(reader->fields[field]) >= size)
		return bad(reader, "value %u: has more than %zu bytes", field, size - 1);
	strcpy(text, reader->fields[field]);
	return 0;
}

/* --- lines of the head ----------------------------------------------------------------------- */

static int read_format(struct reader *reader)
{
	uint64_t format;

	if (number_parse_u64(reader->fields[1], &format) || format != SESSION_FORMAT)
		return bad(reader, "format %.20s: only %d is known", reader->fields[1],
			   SESSION_FORMAT);
	return 0;
}

static int read_about(struct reader *reader)
{
	text_add(&reader->about, reader->fields[1]);
	text_add(&reader->about, "\n");
	return reader->about.failed ? no_memory(reader) : 0;
}

/* The lines before are the whole of it. */
static int finish_about(struct reader *reader)
{
	const char *text = reader->about.bytes ? reader->about.bytes : "";
	struct error_list errors = { 0 };
	int result = trace_about_parse("about", text, reader->about.length, &reader->session->about,
				       &errors);

	if (result)
		result = bad(reader, "%s", errors.count ? errors.texts[0] : "about: not readable");
	error_list_clear(&errors);
	return result;
}

static int read_scope(struct reader *reader, const char *word, struct meter_about *meter)
{
	int scope = scope_parse(word);

	meter->has_scope = word[0] != '\0';
	if (meter->has_scope && scope < 0)
		return bad(reader, "scope '%.40s': no such scope", word);
	meter->scope = meter->has_scope ? (enum scope)scope : SCOPE_WALL;
	return 0;
}

static int read_meter(struct reader *reader)
{
	struct meter_about *meter = &reader->session->meter;
	const struct {
		char *text;
		size_t size;
	} texts[] = {
		{ meter->driver, sizeof meter->driver },
		{ meter->address, sizeof meter->address },
		{ meter->model, sizeof meter->model },
		{ meter->serial, sizeof meter->serial },
		{ meter->measures, sizeof meter->measures },
		{ meter->worth, sizeof meter->worth },
	};
	double *figures[] = { &meter->range_w, &meter->resolution_w, &meter->accuracy_percent,
			      &meter->interval_s, &meter->window_s };
	unsigned field = 1, emulated = 0;
	int result = finish_about(reader);

	for (size_t i = 0; i < sizeof texts / sizeof *texts && !result; i++)
		result = take_text(reader, field++, texts[i].text, texts[i].size);
	if (!result)
		result = read_scope(reader, reader->fields[field++], meter);
	for (size_t i = 0; i < sizeof figures / sizeof *figures && !result; i++)
		result = take_double(reader, field++, figures[i]);
	if (!result)
		result = take_unsigned(reader, field, 1, &emulated);
	meter->emulated = emulated != 0;
	meter->speed = 1; /* a session has one clock */
	return result;
}

static int read_disk(struct reader *reader)
{
	if (reader->session->disk[0] || !reader->fields[1][0])
		return bad(reader, "a session has one disk");
	return take_text(reader, 1, reader->session->disk, sizeof reader->session->disk);
}

static int read_pass(struct reader *reader)
{
	struct session_pass *pass = MEMORY_APPEND(&reader->session->passes);
	int result = 0;

	if (!pass)
		return no_memory(reader);
	pass->event_count = reader->count - 1;
	for (unsigned i = 0; i < pass->event_count && !result; i++)
		result = take_text(reader, i + 1, pass->names[i], sizeof pass->names[i]);
	return result;
}

/* --- lines of a phase --------------------------------------------------------------------------
 */

static uint64_t end_of_last_phase(const struct session *session)
{
	return session->phases.count ? session->phases.items[session->phases.count - 1].end_ns : 0;
}

/* What continues a phase is run as that was. */
static int read_continues(struct reader *reader, struct session_phase *phase)
{
	const struct session_phase *before = phase - 1;
	unsigned continues = 0;
	int result = take_unsigned(reader, 7, 1, &continues);

	if (result || !continues)
		return result;
	phase->continues = true;
	if (reader->session->phases.count < 2 || phase->threads != before->threads ||
	    phase->frequency_hz != before->frequency_hz ||
	    strcmp(phase->workload, before->workload) != 0 ||
	    strcmp(phase->variant, before->variant) != 0)
		return bad(reader, "it does not continue the phase before, which is another");
	return 0;
}

static int read_phase(struct reader *reader)
{
	struct session *session = reader->session;
	uint64_t after_ns = end_of_last_phase(session);
	struct session_phase *phase;
	int result;

	if (reader->in_phase || !session->passes.count)
		return bad(reader, "a phase cannot begin here");
	reader->samples_before = session->samples.count;
	reader->readings_before = session->readings.count;
	phase = MEMORY_APPEND(&session->phases);
	if (!phase)
		return no_memory(reader);
	reader->in_phase = true;
	result = take_text(reader, 1, phase->workload, sizeof phase->workload);
	if (!result)
		result = take_text(reader, 2, phase->variant, sizeof phase->variant);
	if (!result)
		result =
			take_unsigned(reader, 3, (unsigned)session->passes.count - 1, &phase->pass);
	if (!result)
		result = take_unsigned(reader, 4, UINT32_MAX, &phase->threads);
	if (!result)
		result = take_u64(reader, 5, UINT64_MAX, &phase->frequency_hz);
	if (!result)
		result = take_u64(reader, 6, UINT64_MAX, &phase->begin_ns);
	if (!result && phase->begin_ns < after_ns)
		result = bad(reader, "a phase begins before the end of the one before");
	if (!result)
		result = read_continues(reader, phase);
	reader->last_sample_ns = phase->begin_ns;
	return result;
}

static struct session_phase *open_phase(struct reader *reader)
{
	return &reader->session->phases.items[reader->session->phases.count - 1];
}

static int read_sample_values(struct reader *reader, struct session_sample *sample)
{
	uint64_t *disk[] = { &sample->disk_read_bytes, &sample->disk_write_bytes,
			     &sample->disk_reads, &sample->disk_writes };
	unsigned events = reader->count - SAMPLE_FIELDS;
	int result = take_u64(reader, 1, UINT64_MAX, &sample->time_ns);

	if (!result)
		result = take_u64(reader, 2, UINT64_MAX, &sample->busy_ns);
	if (!result)
		result = take_unsigned(reader, 3, (1u << QUALITY_COUNT) - 1, &sample->quality);
	if (!result)
		result = take_double(reader, 4, &sample->frequency_hz);
	if (!result)
		result = take_double(reader, 5, &sample->temperature_c);
	for (unsigned i = 0; i < 4 && !result; i++)
		result = take_u64(reader, 6 + i, UINT64_MAX, disk[i]);
	for (unsigned e = 0; e < events && !result; e++)
		result = take_u64(reader, SAMPLE_FIELDS + e, UINT64_MAX, &sample->count[e]);
	return result;
}

static int read_sample(struct reader *reader)
{
	struct session *session = reader->session;
	struct session_sample *sample;
	unsigned events;
	int result;

	if (!reader->in_phase)
		return bad(reader, "a sample stands in a phase");
	events = session->passes.items[open_phase(reader)->pass].event_count;
	if (reader->count != SAMPLE_FIELDS + events)
		return bad(reader, "a sample of this pass has %u counts", events);
	sample = MEMORY_APPEND(&session->samples);
	if (!sample)
		return no_memory(reader);
	sample->phase = session->phases.count - 1;
	result = read_sample_values(reader, sample);
	if (!result && sample->time_ns < reader->last_sample_ns)
		result = bad(reader, "times must ascend");
	reader->last_sample_ns = sample->time_ns;
	return result;
}

static int read_reading(struct reader *reader)
{
	struct session *session = reader->session;
	struct meter_reading *reading = MEMORY_APPEND(&session->readings);
	int result;

	if (!reading)
		return no_memory(reader);
	result = take_u64(reader, 1, UINT64_MAX - 1, &reading->time_ns);
	if (!result)
		result = take_double(reader, 2, &reading->power_w);
	if (!result)
		result = take_double(reader, 3, &reading->energy_j);
	if (!result)
		result = take_unsigned(reader, 4, (1u << METER_FLAGS) - 1, &reading->flags);
	if (!result && session->readings.count > 1 && reading->time_ns < reading[-1].time_ns)
		result = bad(reader, "times must ascend");
	return result;
}

static int read_end(struct reader *reader)
{
	struct session_phase *phase;
	int result;

	if (!reader->in_phase)
		return bad(reader, "no phase to end");
	phase = open_phase(reader);
	result = take_u64(reader, 1, UINT64_MAX, &phase->end_ns);
	if (!result && (phase->end_ns < phase->begin_ns || phase->end_ns < reader->last_sample_ns))
		result = bad(reader, "a phase ends before its last sample");
	phase->complete = true;
	reader->in_phase = false;
	return result;
}

/* --- the file ----------------------------------------------------------------------------------
 */

static const struct kind {
	char letter;
	enum stage first, last; /* that it may follow */
	enum stage stage;       /* that it leads to */
	unsigned fields_min, fields_max;
	int (*read)(struct reader *reader);
} kinds[] = {
	{ 'f', STAGE_START, STAGE_START, STAGE_ABOUT, 2, 2, read_format },
	{ 'a', STAGE_ABOUT, STAGE_ABOUT, STAGE_ABOUT, 2, 2, read_about },
	{ 'm', STAGE_ABOUT, STAGE_ABOUT, STAGE_METER, 14, 14, read_meter },
	{ 'd', STAGE_METER, STAGE_METER, STAGE_METER, 2, 2, read_disk },
	{ 'p', STAGE_METER, STAGE_PASSES, STAGE_PASSES, 1, 1 + SESSION_EVENTS_MAX, read_pass },
	{ 'w', STAGE_PASSES, STAGE_PHASES, STAGE_PHASES, 8, 8, read_phase },
	{ 's', STAGE_PHASES, STAGE_PHASES, STAGE_PHASES, SAMPLE_FIELDS, FIELDS_MAX, read_sample },
	{ 'r', STAGE_METER, STAGE_PHASES, STAGE_PHASES, 5, 5, read_reading },
	{ 'e', STAGE_PHASES, STAGE_PHASES, STAGE_PHASES, 2, 2, read_end },
};

static int read_line(struct reader *reader)
{
	const char *letter = reader->fields[0];

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const struct kind *kind = &kinds[i];

		if (kind->letter != letter[0] || letter[1])
			continue;
		if (reader->stage < kind->first || reader->stage > kind->last)
			return bad(reader, "a line '%c' cannot stand here", kind->letter);
		if (reader->count < kind->fields_min || reader->count > kind->fields_max)
			return bad(reader, "a line '%c' has %u to %u values, not %u", kind->letter,
				   kind->fields_min - 1, kind->fields_max - 1, reader->count - 1);
		reader->stage = kind->stage;
		return kind->read(reader);
	}
	return bad(reader, "'%.20s': no such kind of line", letter);
}

/* Copy the fields, so that each is a string. */
static int take_fields(struct reader *reader, const struct csv_field *fields, size_t count)
{
	size_t starts[FIELDS_MAX];

	if (count > FIELDS_MAX)
		return bad(reader, "more than %d values", FIELDS_MAX - 1);
	text_reset(&reader->values);
	for (size_t i = 0; i < count; i++) {
		starts[i] = reader->values.length;
		text_add_bytes(&reader->values, fields[i].bytes, fields[i].length);
		text_add_bytes(&reader->values, "", 1);
	}
	if (reader->values.failed)
		return no_memory(reader);
	for (size_t i = 0; i < count; i++) {
		char *value = reader->values.bytes + starts[i];

		if (fields[i].escaped)
			csv_field_copy(&fields[i], value, fields[i].length + 1);
		reader->fields[i] = value;
	}
	reader->count = (unsigned)count;
	return 0;
}

static int read_lines(struct reader *reader, const char *text, size_t length)
{
	struct csv_field fields[FIELDS_MAX];
	struct csv_reader rows;
	const char *reason;
	size_t count;
	int result;

	csv_reader_open(&rows, text, length);
	do {
		result = csv_read_row(&rows, fields, FIELDS_MAX, &count, &reason);
		reader->line = rows.line;
		if (result < 0)
			return bad(reader, "%s", reason);
		if (result > 0 && (result = take_fields(reader, fields, count)) == 0)
			result = read_line(reader) ?: 1;
	} while (result > 0);
	return result;
}

/* A phase that was cut short did not happen. */
static void drop_open_phase(struct reader *reader)
{
	if (!reader->in_phase)
		return;
	reader->session->phases.count--;
	reader->session->samples.count = reader->samples_before;
	reader->session->readings.count = reader->readings_before;
}

int session_parse(const char *path, const char *text, size_t length, struct session *session,
		  struct error *error)
{
	struct reader reader = { .path = path, .session = session, .error = error };
	const char *end = length ? memrchr(text, '\n', length) : NULL;
	int result;

	*session = (struct session){ 0 };
	result = read_lines(&reader, text, end ? (size_t)(end - text) + 1 : 0);
	if (!result && reader.stage < STAGE_METER)
		result = bad(&reader, "not a session, or its head is not whole");
	drop_open_phase(&reader);
	text_free(&reader.about);
	text_free(&reader.values);
	if (result)
		session_clear(session);
	return result;
}
