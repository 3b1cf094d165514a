/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/record/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

void session_clear(struct session *session)
{
	trace_about_clear(&session->about);
	free(session->passes.items);
	free(session->phases.items);
	free(session->samples.items);
	free(session->readings.items);
	*session = (struct session){ 0 };
	trace_about_init(&session->about);
}

/* A line is a line: what a meter says of itself may hold anything. */
static void put_printable(struct text *out, const char *source)
{
	char text[sizeof((struct meter_about *)NULL)->worth];

	csv_text(out, text_printable(source, text, sizeof text));
}

static void put_about(const struct trace_about *about, struct text *out)
{
	struct text lines = { 0 };

	trace_about_print(about, &lines);
	for (char *line = lines.bytes; line && *line;) {
		char *end = strchrnul(line, '\n');
		bool last = !*end;

		*end = '\0';
		csv_text(out, "a");
		csv_text(out, line);
		csv_end(out);
		line = last ? end : end + 1;
	}
	out->failed |= lines.failed;
	text_free(&lines);
}

static void put_meter(const struct meter_about *meter, struct text *out)
{
	csv_text(out, "m");
	put_printable(out, meter->driver);
	put_printable(out, meter->address);
	put_printable(out, meter->model);
	put_printable(out, meter->serial);
	put_printable(out, meter->measures);
	put_printable(out, meter->worth);
	csv_text(out, meter->has_scope ? scope_name(meter->scope) : "");
	csv_double(out, meter->range_w);
	csv_double(out, meter->resolution_w);
	csv_double(out, meter->accuracy_percent);
	csv_double(out, meter->interval_s);
	csv_double(out, meter->window_s);
	csv_u64(out, meter->emulated);
	csv_end(out);
}

void session_print_head(const struct session *session, struct text *out)
{
	csv_text(out, "f");
	csv_u64(out, SESSION_FORMAT);
	csv_end(out);
	put_about(&session->about, out);
	put_meter(&session->meter, out);
	if (session->disk[0]) {
		csv_text(out, "d");
		put_printable(out, session->disk);
		csv_end(out);
	}
	for (size_t i = 0; i < session->passes.count; i++) {
		const struct session_pass *pass = &session->passes.items[i];

		csv_text(out, "p");
		for (unsigned e = 0; e < pass->event_count; e++)
			put_printable(out, pass->names[e]);
		csv_end(out);
	}
}

static void put_sample(const struct session_sample *sample, unsigned events, struct text *out)
{
	csv_text(out, "s");
	csv_u64(out, sample->time_ns);
	csv_u64(out, sample->busy_ns);
	csv_u64(out, sample->quality);
	csv_double(out, sample->frequency_hz);
	csv_double(out, sample->temperature_c);
	csv_u64(out, sample->disk_read_bytes);
	csv_u64(out, sample->disk_write_bytes);
	csv_u64(out, sample->disk_reads);
	csv_u64(out, sample->disk_writes);
	for (unsigned e = 0; e < events; e++)
		csv_u64(out, sample->count[e]);
	csv_end(out);
}

/* The first one that is not before `time_ns`: they ascend. */
static size_t find_reading(const struct session *session, uint64_t time_ns)
{
	size_t low = 0, high = session->readings.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (session->readings.items[middle].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void session_print_readings(const struct session *session, uint64_t from_ns, uint64_t to_ns,
			    struct text *out)
{
	for (size_t i = find_reading(session, from_ns); i < session->readings.count; i++) {
		const struct meter_reading *reading = &session->readings.items[i];

		if (reading->time_ns >= to_ns)
			return;
		csv_text(out, "r");
		csv_u64(out, reading->time_ns);
		csv_double(out, reading->power_w);
		csv_double(out, reading->energy_j);
		csv_u64(out, reading->flags);
		csv_end(out);
	}
}

/* Of the samples, which stand phase after phase. */
static size_t find_sample(const struct session *session, size_t phase)
{
	size_t low = 0, high = session->samples.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (session->samples.items[middle].phase < phase)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void session_print_phase(const struct session *session, size_t phase, struct text *out)
{
	const struct session_phase *it = &session->phases.items[phase];
	unsigned events = session->passes.items[it->pass].event_count;

	csv_text(out, "w");
	put_printable(out, it->workload);
	put_printable(out, it->variant);
	csv_u64(out, it->pass);
	csv_u64(out, it->threads);
	csv_u64(out, it->frequency_hz);
	csv_u64(out, it->begin_ns);
	csv_u64(out, it->continues);
	csv_end(out);
	for (size_t i = find_sample(session, phase);
	     i < session->samples.count && session->samples.items[i].phase == phase; i++)
		put_sample(&session->samples.items[i], events, out);
	session_print_readings(session, it->begin_ns, it->end_ns, out);
	csv_text(out, "e");
	csv_u64(out, it->end_ns);
	csv_end(out);
}

void session_print(const struct session *session, struct text *out)
{
	uint64_t done_ns = 0;

	session_print_head(session, out);
	for (size_t i = 0; i < session->phases.count; i++) {
		const struct session_phase *phase = &session->phases.items[i];

		if (!phase->complete)
			continue;
		session_print_readings(session, done_ns, phase->begin_ns, out);
		session_print_phase(session, i, out);
		done_ns = phase->end_ns;
	}
	session_print_readings(session, done_ns, UINT64_MAX, out);
}
