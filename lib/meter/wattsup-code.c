/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/wattsup-code.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/numbers.h"

enum { FIELD_W, FIELD_V, FIELD_A, FIELD_PF = 13, RECORD_FIELDS = 18, VERSION_FIELDS = 8 };
enum { FIELDS_MAX = 32, HEAD_FIELDS = 3 };

/* Power beyond volts times amperes cannot be; the meter rounds each, and takes them over
 * one second of a load that may change. */
#define APPARENT_MARGIN 1.05
#define FACTOR_MARGIN 0.10
#define ROUNDING_W 2.0
#define CURRENT_MAX_A 20 /* 15 A, in one version 20 A */

/* "C,S,N,..." cut into its fields. */
struct packet {
	const char *fields[FIELDS_MAX];
	size_t count; /* FIELDS_MAX + 1: too many */
};

static void cut(struct packet *packet, char *text)
{
	packet->count = 0;
	for (char *next = text; next;) {
		char *field = next;

		next = strchr(field, ',');
		if (next)
			*next++ = '\0';
		if (packet->count++ < FIELDS_MAX)
			packet->fields[packet->count - 1] = field;
	}
}

static bool is_well_formed(const struct packet *packet)
{
	uint64_t count;

	return packet->count >= HEAD_FIELDS && packet->count <= FIELDS_MAX &&
	       strlen(packet->fields[0]) == 1 && strlen(packet->fields[1]) == 1 &&
	       number_parse_u64(packet->fields[2], &count) == 0 &&
	       count == packet->count - HEAD_FIELDS;
}

/* NaN = not logged. false: neither a number nor that. */
static bool parse_field(const char *text, double scale, double *value)
{
	uint64_t digits;

	*value = NAN;
	if (strcmp(text, "_") == 0)
		return true;
	if (strlen(text) > 9 || number_parse_u64(text, &digits) != 0)
		return false;
	*value = (double)digits * scale;
	return true;
}

/* With a field not logged, comparisons with NaN are false: no contradiction. */
static bool contradicts(double power_w, double apparent_va, double factor)
{
	return power_w > apparent_va * APPARENT_MARGIN + ROUNDING_W ||
	       fabs(power_w - apparent_va * factor) > apparent_va * FACTOR_MARGIN + ROUNDING_W;
}

static enum wattsup_kind decode_record(const struct packet *packet, struct wattsup_event *event)
{
	static const double scales[RECORD_FIELDS] = {
		[FIELD_W] = 0.1,
		[FIELD_V] = 0.1,
		[FIELD_A] = 0.001,
		[FIELD_PF] = 0.01,
	};
	double values[RECORD_FIELDS];

	if (packet->count != HEAD_FIELDS + RECORD_FIELDS)
		return WATTSUP_DAMAGED;
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		if (!parse_field(packet->fields[HEAD_FIELDS + i], scales[i], &values[i]))
			return WATTSUP_DAMAGED;
	if (contradicts(values[FIELD_W], values[FIELD_V] * values[FIELD_A], values[FIELD_PF]))
		return WATTSUP_DAMAGED;
	if (values[FIELD_A] > CURRENT_MAX_A)
		return WATTSUP_OVERRANGE;
	event->power_w = values[FIELD_W];
	return WATTSUP_RECORD;
}

/* model, memory, hardware major and minor, firmware major and minor, date, checksum */
static enum wattsup_kind decode_version(const struct packet *packet, struct wattsup_event *event)
{
	static const char *const models[] = { "Standard", "PRO", "ES", ".Net", "Blind module" };
	uint64_t model, major, minor;

	if (packet->count != HEAD_FIELDS + VERSION_FIELDS ||
	    number_parse_u64(packet->fields[HEAD_FIELDS], &model) != 0 ||
	    number_parse_u64(packet->fields[HEAD_FIELDS + 4], &major) != 0 ||
	    number_parse_u64(packet->fields[HEAD_FIELDS + 5], &minor) != 0)
		return WATTSUP_DAMAGED;
	if (model < sizeof models / sizeof models[0])
		event->model = models[model];
	event->firmware_major = (unsigned)major;
	event->firmware_minor = (unsigned)minor;
	return WATTSUP_VERSION;
}

static enum wattsup_kind decode(char *text, struct wattsup_event *event)
{
	struct packet packet;

	cut(&packet, text);
	if (!is_well_formed(&packet))
		return WATTSUP_DAMAGED;
	switch (packet.fields[0][0]) {
	case 'd':
		return decode_record(&packet, event);
	case 'v':
		return decode_version(&packet, event);
	default:
		return WATTSUP_OTHER;
	}
}

static enum wattsup_kind begin(struct wattsup_parser *parser, enum wattsup_kind kind)
{
	parser->place = WATTSUP_INSIDE;
	parser->length = 0;
	return kind;
}

static enum wattsup_kind take(struct wattsup_parser *parser, char c, struct wattsup_event *event)
{
	if (c == '#') /* in the midst of a packet: that one lost its end */
		return begin(parser,
			     parser->place == WATTSUP_INSIDE ? WATTSUP_DAMAGED : WATTSUP_NONE);
	if (parser->place == WATTSUP_LOST)
		return WATTSUP_NONE;
	if (parser->place == WATTSUP_OUTSIDE && (c == '\r' || c == '\n' || c == ' '))
		return WATTSUP_NONE;
	if (parser->place == WATTSUP_INSIDE && c == ';') {
		parser->place = WATTSUP_OUTSIDE;
		parser->packet[parser->length] = '\0';
		return decode(parser->packet, event);
	}
	if (parser->place == WATTSUP_OUTSIDE || c < ' ' || c > '~' ||
	    parser->length == WATTSUP_PACKET_MAX) {
		parser->place = WATTSUP_LOST;
		return WATTSUP_DAMAGED;
	}
	parser->packet[parser->length++] = c;
	return WATTSUP_NONE;
}

size_t wattsup_feed(struct wattsup_parser *parser, const uint8_t *bytes, size_t length,
		    struct wattsup_event *event)
{
	*event = (struct wattsup_event){ .power_w = NAN, .model = "" };
	for (size_t i = 0; i < length; i++) {
		event->kind = take(parser, (char)bytes[i], event);
		if (event->kind != WATTSUP_NONE)
			return i + 1;
	}
	return length;
}
