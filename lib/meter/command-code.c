/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/command-code.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/numbers.h"

/* Not isalnum(3), which asks the locale. */
static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (is_word(text[length]))
		length++;
	return length;
}

/* Behind a number: 0 = something else than a unit of power. */
static double unit_factor(const char *text)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = { { "W", 1 },    { "mW", 1e-3 }, { "kW", 1e3 },  { "uW", 1e-6 },
		      { "Watt", 1 }, { "watt", 1 },  { "Watts", 1 }, { "watts", 1 } };
	size_t length = word_length(text);

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strlen(units[i].unit) == length && memcmp(units[i].unit, text, length) == 0)
			return units[i].factor;
	return 0;
}

struct figure {
	double power_w;
	bool has_unit;
};

/* The number at `text`, a word's begin. Bytes, 0 = none is there. */
static size_t parse_number(const char *text, struct figure *figure)
{
	size_t length = number_length(text), blanks;
	char number[64];
	double factor;

	if (length == 0 || length >= sizeof number)
		return 0;
	blanks = strspn(text + length, " \t");
	factor = unit_factor(text + length + blanks);
	if (is_word(text[length]) && factor == 0)
		return 0;
	memcpy(number, text, length);
	number[length] = '\0';
	figure->has_unit = factor != 0;
	if (number_parse_double(number, &figure->power_w))
		figure->power_w = NAN;
	else if (figure->has_unit)
		figure->power_w *= factor;
	return length;
}

static bool is_no_number(const char *text)
{
	static const char *const words[] = { "nan", "inf", "infinity" };
	size_t length = word_length(text);

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strlen(words[i]) == length && strncasecmp(words[i], text, length) == 0)
			return true;
	return false;
}

/* What begins at `text`; bytes to go on behind, at least 1. */
static size_t parse_at(const char *text, struct figure *figure, bool *found)
{
	size_t length = parse_number(text, figure);

	*found = length > 0;
	if (*found)
		return length;
	length = word_length(text);
	if (is_no_number(text)) {
		*found = true;
		*figure = (struct figure){
			.power_w = NAN,
			.has_unit = unit_factor(text + length + strspn(text + length, " \t")) != 0
		};
	}
	return length > 0 ? length : 1;
}

double command_parse_line(const char *line)
{
	struct figure best = { .power_w = NAN }, figure;
	bool found;

	for (const char *at = line; *at;) {
		at += parse_at(at, &figure, &found);
		if (found && figure.has_unit >= best.has_unit)
			best = figure;
	}
	return isfinite(best.power_w) ? best.power_w : NAN;
}

static bool end_line(struct command_buffer *buffer, double *power_w)
{
	bool is_blank;

	buffer->line[buffer->length] = '\0';
	is_blank = buffer->line[strspn(buffer->line, " \t\r")] == '\0';
	*power_w = buffer->is_overlong ? NAN : command_parse_line(buffer->line);
	is_blank &= !buffer->is_overlong;
	buffer->length = 0;
	buffer->is_overlong = false;
	return !is_blank;
}

bool command_take(struct command_buffer *buffer, const char **bytes, size_t *count, double *power_w)
{
	while (*count > 0) {
		char byte = *(*bytes)++;

		(*count)--;
		if (byte == '\n') {
			if (end_line(buffer, power_w))
				return true;
		} else if (buffer->length < COMMAND_LINE_BYTES) {
			/* A NUL would hide what follows it. */
			buffer->line[buffer->length++] = (char)(byte ? byte : '?');
		} else {
			buffer->is_overlong = true;
		}
	}
	return false;
}

bool command_take_rest(struct command_buffer *buffer, double *power_w)
{
	return end_line(buffer, power_w);
}
