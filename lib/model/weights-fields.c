/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights-fields.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "base/units.h"

/* --- amounts -------------------------------------------------------------------------------- */

/*
 * Where the struct's unit is not the base unit of base/units.h, the number is
 * read and written in `suffix` directly: through the base unit it would not
 * come back the same.
 */
static const struct {
	enum quantity quantity;
	const char *suffix;
	double per_base;
} amounts[] = {
	[AMOUNT_NUMBER] = { QUANTITY_NUMBER, NULL, 1 },
	[AMOUNT_POWER] = { QUANTITY_POWER, NULL, 1 },
	[AMOUNT_NANOJOULE] = { QUANTITY_ENERGY, "nJ", 1e9 },
	[AMOUNT_TIME] = { QUANTITY_TIME, NULL, 1 },
	[AMOUNT_FREQUENCY] = { QUANTITY_FREQUENCY, NULL, 1 },
	[AMOUNT_RATE] = { QUANTITY_RATE, NULL, 1 },
	[AMOUNT_TEMPERATURE] = { QUANTITY_TEMPERATURE, NULL, 1 },
	[AMOUNT_VOLTAGE] = { QUANTITY_VOLTAGE, NULL, 1 },
	[AMOUNT_PERCENT] = { QUANTITY_PERCENT, "%", 100 },
};

/* The number before `suffix`, exactly; false where the text has another unit. */
static bool parse_before(const char *text, const char *suffix, double *value)
{
	char number[INI_LINE_MAX_BYTES + 2];
	size_t length = strlen(text), tail = strlen(suffix);

	if (length <= tail || length - tail >= sizeof number ||
	    strcmp(text + length - tail, suffix) != 0)
		return false;
	length -= tail;
	if (text[length - 1] == ' ')
		length--;
	memcpy(number, text, length);
	number[length] = '\0';
	return number_parse_double(number, value) == 0;
}

int amount_parse(const struct field *field, const struct ini_entry *entry, const char *text,
		 double *value, struct error_list *errors)
{
	struct error error = { "" };
	double scale = amounts[field->amount].per_base;
	const char *suffix = amounts[field->amount].suffix;
	double parsed;

	if (unit_parse(amounts[field->amount].quantity, text, field->min / scale,
		       field->max / scale, &parsed, &error))
		return ini_errorf(errors, entry, "%s %s", entry->key, error.text);
	if (!suffix || !parse_before(text, suffix, value))
		*value = parsed * scale;
	*value += 0.0; /* -0 is 0 */
	return 0;
}

void amount_print(enum amount amount, double value, struct text *out)
{
	char text[64];

	if (amounts[amount].suffix) {
		text_add(out, number_format_double(value, text));
		text_add(out, amounts[amount].suffix);
	} else {
		text_add(out, unit_format(amounts[amount].quantity, value, text, sizeof text));
	}
}

int estimate_parse(const struct field *field, const struct ini_entry *entry, const char *text,
		   double *value, double *error, struct error_list *errors)
{
	char head[INI_LINE_MAX_BYTES + 2];
	const char *sign = strstr(text, " +-");
	size_t length = sign ? (size_t)(sign - text) : strlen(text);
	struct field bounds = *field;

	*error = NAN;
	if (length >= sizeof head)
		return ini_errorf(errors, entry, "%s: is too long", entry->key);
	while (length > 0 && text[length - 1] == ' ')
		length--;
	memcpy(head, text, length);
	head[length] = '\0';
	if (amount_parse(field, entry, head, value, errors))
		return -EINVAL;
	bounds.min = 0;
	return sign ? amount_parse(&bounds, entry, sign + 3, error, errors) : 0;
}

void estimate_print(enum amount amount, double value, double error, struct text *out)
{
	amount_print(amount, value, out);
	if (!isnan(error)) {
		text_add(out, " +-");
		amount_print(amount, error, out);
	}
}

/* --- fields --------------------------------------------------------------------------------- */

static int parse_text(char **target, const struct ini_entry *entry, struct error_list *errors)
{
	char printable[2 * INI_LINE_MAX_BYTES];

	if (!entry->value[0])
		return ini_errorf(errors, entry, "%s: is empty", entry->key);
	if (strcmp(text_printable(entry->value, printable, sizeof printable), entry->value) != 0)
		return ini_errorf(errors, entry, "%s: must be printable UTF-8", entry->key);
	*target = strdup(entry->value);
	if (*target)
		return 0;
	ini_errorf(errors, entry, "%s: out of memory", entry->key);
	return -ENOMEM;
}

static int parse_yes_no(const struct ini_entry *entry, bool *value, struct error_list *errors)
{
	*value = strcmp(entry->value, "yes") == 0;
	if (*value || strcmp(entry->value, "no") == 0)
		return 0;
	return ini_errorf(errors, entry, "%s %s: must be yes or no", entry->key, entry->value);
}

static int parse_word(const struct field *field, int *target, const struct ini_entry *entry,
		      struct error_list *errors)
{
	int value = field->word_parse(entry->value);

	if (value < 0)
		return ini_errorf(errors, entry, "%s %s: must be %s", entry->key, entry->value,
				  field->words);
	*target = value;
	return 0;
}

static int parse_whole(const struct field *field, void *target, const struct ini_entry *entry,
		       struct error_list *errors)
{
	uint64_t value;

	if (number_parse_u64(entry->value, &value) || (double)value < field->min ||
	    (double)value > field->max)
		return ini_errorf(errors, entry, "%s %s: must be %.0f..%.0f", entry->key,
				  entry->value, field->min, field->max);
	if (field->type == FIELD_INT)
		*(int *)target = (int)value;
	else if (field->type == FIELD_UNSIGNED)
		*(unsigned *)target = (unsigned)value;
	else
		*(uint64_t *)target = value;
	return 0;
}

int field_parse(const struct field *field, void *base, const struct ini_entry *entry,
		struct error_list *errors)
{
	void *target = (char *)base + field->offset;
	bool flag = false;
	int result;

	switch (field->type) {
	case FIELD_TEXT:
		return parse_text(target, entry, errors);
	case FIELD_WORD:
		return parse_word(field, target, entry, errors);
	case FIELD_FLAG:
		return parse_yes_no(entry, target, errors);
	case FIELD_CHOICE:
		result = parse_yes_no(entry, &flag, errors);
		*(int *)target = result ? MATCH_ANY : flag;
		return result;
	case FIELD_INT:
	case FIELD_UNSIGNED:
	case FIELD_U64:
		return parse_whole(field, target, entry, errors);
	case FIELD_AMOUNT:
		break;
	}
	if (!field->has_error)
		return amount_parse(field, entry, entry->value, target, errors);
	return estimate_parse(field, entry, entry->value, target,
			      (double *)(void *)((char *)base + field->error_offset), errors);
}

/*
 * As much of a text as one line holds and reads back: whole UTF-8 characters,
 * no blanks at the ends, and no " ;", which would begin a comment.
 */
static void print_line_of_text(const char *key, const char *value, struct text *out)
{
	char clean[INI_LINE_MAX_BYTES + 1];
	size_t room = INI_LINE_MAX_BYTES - strlen(key) - strlen(" = ");
	size_t length;

	while (*value == ' ')
		value++;
	text_printable(value, clean, sizeof clean);
	for (char *mark = strchr(clean, ';'); mark; mark = strchr(mark + 1, ';'))
		if (mark == clean || mark[-1] == ' ')
			*mark = ',';
	length = strlen(clean);
	if (length > room) {
		length = room;
		while (length > 0 && ((unsigned char)clean[length] & 0xc0) == 0x80)
			length--;
	}
	while (length > 0 && clean[length - 1] == ' ')
		length--;
	clean[length] = '\0';
	if (length > 0)
		text_addf(out, "%s = %s\n", key, clean);
}

static void print_amount(const struct field *field, const void *base, struct text *out)
{
	double value = *(const double *)(const void *)((const char *)base + field->offset);
	double error = NAN;

	if (isnan(value) || (field->zero_is_absent && value == 0))
		return;
	if (field->has_error)
		error = *(const double *)(const void *)((const char *)base + field->error_offset);
	text_addf(out, "%s = ", field->key);
	estimate_print(field->amount, value, error, out);
	text_add(out, "\n");
}

static void print_yes_no(const char *key, int value, struct text *out)
{
	text_addf(out, "%s = %s\n", key, value ? "yes" : "no");
}

void field_print(const struct field *field, const void *base, struct text *out)
{
	const void *at = (const char *)base + field->offset;

	if (field->type == FIELD_TEXT && *(char *const *)at)
		print_line_of_text(field->key, *(char *const *)at, out);
	if (field->type == FIELD_WORD && (field->required || *(const int *)at != 0))
		text_addf(out, "%s = %s\n", field->key, field->word_name(*(const int *)at));
	if (field->type == FIELD_FLAG && *(const bool *)at)
		print_yes_no(field->key, 1, out);
	if (field->type == FIELD_CHOICE && *(const int *)at != MATCH_ANY)
		print_yes_no(field->key, *(const int *)at, out);
	if (field->type == FIELD_INT && *(const int *)at != MATCH_ANY)
		text_addf(out, "%s = %d\n", field->key, *(const int *)at);
	if (field->type == FIELD_UNSIGNED && *(const unsigned *)at)
		text_addf(out, "%s = %u\n", field->key, *(const unsigned *)at);
	if (field->type == FIELD_U64 && *(const uint64_t *)at)
		text_addf(out, "%s = %llu\n", field->key,
			  (unsigned long long)*(const uint64_t *)at);
	if (field->type == FIELD_AMOUNT)
		print_amount(field, base, out);
}
