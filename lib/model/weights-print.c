/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "model/weights-fields.h"

/* "[title]" and the body, if there is a body; a blank line between sections. */
static void print_section(const char *title, const struct text *body, struct text *out)
{
	if (!body->length)
		return;
	text_addf(out, "%s[%s]\n", out->length ? "\n" : "", title);
	text_add_bytes(out, body->bytes, body->length);
	out->failed |= body->failed;
}

static void print_plain(const struct weights *weights, const char *section, struct text *body,
			struct text *out)
{
	text_reset(body);
	if (strcmp(section, "weights") == 0)
		text_addf(body, "format = %d\n", WEIGHTS_FORMAT);
	for (size_t i = 0; i < weights_field_count; i++)
		if (strcmp(weights_fields[i].section, section) == 0 &&
		    weights_fields[i].kinds & (1u << weights->kind))
			field_print(&weights_fields[i], weights, body);
	print_section(section, body, out);
}

/* As many numbers to a line as the reader takes; `head` is repeated on each. */
static void print_series(const char *head, enum amount amount, const double *values, unsigned count,
			 struct text *out)
{
	struct text number = { 0 };
	size_t begun = 0;

	for (unsigned i = 0; values && i < count; i++) {
		text_reset(&number);
		amount_print(amount, values[i], &number);
		if (begun && out->length - begun + 1 + number.length > INI_LINE_MAX_BYTES) {
			text_add(out, "\n");
			begun = 0;
		}
		if (!begun) {
			begun = out->length;
			text_add(out, head);
		}
		text_addf(out, " %s", number.bytes ? number.bytes : "");
	}
	if (begun)
		text_add(out, "\n");
	out->failed |= number.failed;
	text_free(&number);
}

static void print_weight(const struct weight *weight, struct text *out)
{
	text_add(out, "weight = ");
	estimate_print(AMOUNT_NANOJOULE, weight->nj, weight->se_nj, out);
	text_addf(out, " %s\n", weight->event);
}

static void print_point(const struct weights *weights, const struct operating_point *point,
			struct text *body, struct text *out)
{
	char title[80] = "point", head[EVENT_NAME_BYTES + 32];

	text_reset(body);
	if (point->frequency_hz > 0) {
		strcpy(title, "point ");
		unit_format(QUANTITY_FREQUENCY, point->frequency_hz, title + strlen(title), 64);
	}
	for (size_t i = 0; i < point_field_count; i++)
		field_print(&point_fields[i], point, body);
	for (unsigned i = 0; i < point->weight_count; i++)
		print_weight(&point->weights[i], body);
	print_series("base-replicates =", AMOUNT_POWER, point->base_replicates_w,
		     weights->replicate_count, body);
	print_series("on-cpu-replicates =", AMOUNT_POWER, point->on_cpu.replicates_nj,
		     weights->replicate_count, body);
	for (unsigned i = 0; i < point->weight_count; i++) {
		strcpy(head, "weight-replicates = ");
		strcat(head, point->weights[i].event);
		print_series(head, AMOUNT_NANOJOULE, point->weights[i].replicates_nj,
			     weights->replicate_count, body);
	}
	print_section(title, body, out);
}

void weights_print(const struct weights *weights, struct text *out)
{
	struct text body = { 0 };
	const char *section = "";

	for (size_t i = 0; i < weights_field_count; i++) {
		if (strcmp(section, weights_fields[i].section) == 0)
			continue;
		section = weights_fields[i].section;
		/* The points stand between the machine and what is in their base. */
		if (strcmp(section, "disks-in-base") == 0)
			for (unsigned k = 0; k < weights->point_count; k++)
				print_point(weights, &weights->points[k], &body, out);
		print_plain(weights, section, &body, out);
	}
	out->failed |= body.failed;
	text_free(&body);
}
