/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event line: around the text of the contract, so that it is that text. */
#include "wire/protocol-internal.h"

#include <errno.h>

#include "wire/snapshot-shape.h"
#include "wire/wire.h"

/* --- about ----------------------------------------------------------------- */

enum { NOTES_MAX = 10000 };

static const char *verdict_word_name(unsigned value)
{
	return verdict_name(value);
}
static const struct field_word verdict_word = { verdict_word_name, verdict_parse };

#define TEXT(member_, type_)                                                                       \
	{                                                                                          \
		SHAPE_AT(#member_, protocol_about, member_, type_)                                 \
	}

static const struct shape_member about_members[] = {
	TEXT(hostname, NAME),
	TEXT(version, NAME),
	TEXT(weights_why, NAME),
	TEXT(counting, TEXT),
	TEXT(frequency, TEXT),
	TEXT(service_times, TEXT),
	TEXT(why_not_events, TEXT),
	{ SHAPE_AT("verdict", protocol_about, verdict, WORD), .word = &verdict_word },
	TEXT(interval_s, FIGURE),
	{ SHAPE_LIST_AT("notes", protocol_about, notes, note_count, TEXTS), .max = NOTES_MAX },
};
const struct shape protocol_about_shape = SHAPE_OF(about_members);

void protocol_about_clear(struct protocol_about *about)
{
	shape_clear(&protocol_about_shape, about, sizeof *about);
}

/* --- the line -------------------------------------------------------------- */

/* `bytes` instead of the line's end, which is the last byte. */
static void go_on(struct text *out, const char *bytes)
{
	out->bytes[--out->length] = '\0';
	text_add(out, bytes);
}

static int put_more(const struct snapshot *snapshot, const struct protocol_about *about,
		    struct text *out, struct error *error)
{
	struct build build = { .error = error };
	json_t *more = json_object(), *about_object = json_object();

	shape_put(&build, about_object, &protocol_about_shape, about);
	build_put(&build, more, "about", about_object);
	shape_put(&build, more, &snapshot_more_shape, snapshot);
	return build_line(&build, more, SNAPSHOT_DIGITS, out);
}

int protocol_put_snapshot(const struct snapshot *snapshot, const struct protocol_about *about,
			  struct text *out, struct error *error)
{
	size_t before = out->length;
	int result;

	text_addf(out, "{\"format\":%d,\"event\":\"snapshot\",\"snapshot\":", PROTOCOL_FORMAT);
	result = snapshot_json(snapshot, out, error);
	if (!result) {
		go_on(out, ",\"more\":");
		result = put_more(snapshot, about, out, error);
	}
	if (!result)
		go_on(out, "}\n");
	if (!result && out->failed)
		result = error_setf(error, ENOMEM, "out of memory");
	if (result && out->bytes) {
		out->length = before;
		out->bytes[before] = '\0';
	}
	return result;
}
