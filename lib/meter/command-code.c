/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/command-code.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/numbers.h"

/* No machine draws that much: such a number is a time or a counter. */
#define MOST_W 1e6
#define DIGITS "0123456789"
#define BLANKS " \t\r"
enum { TIME_DIGITS = 9, GROUP_DIGITS = 3 };

/* Not isalnum(3) and its like, which ask the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(char c)
{
	return is_digit(c) || is_letter(c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (is_word(text[length]))
		length++;
	return length;
}

static bool is_one_of(const char *word, size_t length, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == length && strncasecmp(words[i], word, length) == 0)
			return true;
	return false;
}

static double value_of(const char *text, size_t length)
{
	char number[64];
	double value;

	if (length >= sizeof number)
		return NAN;
	memcpy(number, text, length);
	number[length] = '\0';
	return number_parse_double(number, &value) == 0 ? value : NAN;
}

/* --- a figure with its unit ----------------------------------------------------- */

/* Behind a number: 0 = something else than a unit of power. */
static double unit_factor(const char *text, size_t length)
{
	static const struct {
		const char *unit;
		double factor;
	} units[] = { { "W", 1 }, { "mW", 1e-3 }, { "kW", 1e3 } };
	static const char *const words[] = { "watt", "watts" };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strlen(units[i].unit) == length && memcmp(units[i].unit, text, length) == 0)
			return units[i].factor;
	return is_one_of(text, length, words, sizeof words / sizeof words[0]) ? 1 : 0;
}

/* "1 234 W": the number at `at`, behind one blank, continues the digits before it. Not behind
 * "12:00:01" or "2026-11-23", nor "pdu3". */
static bool continues_group(const char *line, const char *at)
{
	const char *begin = at - 1, *end = begin;

	if (strspn(at, DIGITS) != GROUP_DIGITS)
		return false;
	while (begin > line && is_digit(begin[-1]))
		begin--;
	if (begin == end || end - begin > GROUP_DIGITS)
		return false;
	if (begin == line)
		return true;
	return !is_word(begin[-1]) &&
	       !(begin - line >= 2 && strchr(":-./", begin[-1]) && is_digit(begin[-2]));
}

/* "- 12 W", "< 12 W" */
static bool is_behind_sign(const char *line, const char *at)
{
	while (at > line && is_blank(at[-1]))
		at--;
	return at > line && strchr("-+<>~", at[-1]);
}

/* Does the number at `at` begin there, or is it a part of something? */
static bool begins_free(const char *line, const char *at)
{
	bool is_behind_digit;

	if (at > line && at[-1] == '+')
		at--;
	if (at == line)
		return true;
	is_behind_digit = at - line >= 2 && is_digit(at[-2]);
	if (at[-1] == ':' || at[-1] == ',') /* a time; a decimal comma */
		return !is_behind_digit;
	if (is_blank(at[-1]))
		return !is_behind_sign(line, at) && !continues_group(line, at);
	return at[-1] == '=' || at[-1] == ';';
}

/* Bytes of the number at `at`, or of a word that says there is none; 0 = neither. */
static size_t parse_number(const char *at, double *value)
{
	static const char *const none[] = { "nan", "inf", "infinity" };
	size_t length = number_length(at);

	*value = value_of(at, length);
	if (length > 0)
		return length;
	length = word_length(at);
	return is_one_of(at, length, none, sizeof none / sizeof none[0]) ? length : 0;
}

/* Numbers with a unit of power; *power_w is the last one's, NaN if there is something about it. */
static unsigned find_figures(const char *line, double *power_w)
{
	unsigned count = 0;

	for (const char *at = line; *at;) {
		double value, factor;
		size_t length = parse_number(at, &value), unit_length;
		const char *unit;

		if (length == 0) {
			at += word_length(at) ?: 1;
			continue;
		}
		unit = at + length + strspn(at + length, BLANKS);
		unit_length = word_length(unit);
		factor = unit_factor(unit, unit_length);
		if (factor > 0) {
			bool is_sure =
				begins_free(line, at) && strchr(BLANKS ",;", unit[unit_length]);

			count++;
			*power_w = is_sure ? value * factor : NAN;
		}
		at += length;
	}
	return count;
}

/* --- a number with nothing behind it ---------------------------------------------- */

static bool tells_error(const char *label, size_t length)
{
	static const char *const words[] = { "err", "fail", "code", "status", "time" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		for (size_t at = 0; at + strlen(words[i]) <= length; at++)
			if (strncasecmp(label + at, words[i], strlen(words[i])) == 0)
				return true;
	return false;
}

/* "V = 230 P": another number has been given a name before; "12:00:01" has not. */
static bool names_number(const char *label, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *next = label + i + 1;

		if (label[i] != '=' && label[i] != ':')
			continue;
		if (i > 0 && label[i] == ':' && is_digit(label[i - 1]) && is_digit(*next))
			continue;
		if (number_length(next + strspn(next, BLANKS)) > 0)
			return true;
	}
	return false;
}

/* Before the separator at label[length]. */
static bool is_label(const char *label, size_t length)
{
	bool has_letter = false, has_blank = false, has_colon = false;

	for (size_t i = 0; i < length; i++) {
		if (label[i] == ',')
			return false;
		has_letter |= is_letter(label[i]) || (unsigned char)label[i] >= 0x80;
		has_blank |= is_blank(label[i]);
		has_colon |= label[i] == ':';
	}
	if (!has_letter || tells_error(label, length) || names_number(label, length))
		return false;
	/* Without a blank behind it a colon also stands in times and addresses. */
	if (label[length] == ':' && !is_blank(label[length + 1]))
		return !has_blank && !has_colon && !is_digit(label[length - 1]);
	return true;
}

static double parse_bare(const char *line)
{
	const char *number, *separator = NULL;
	size_t length;

	line += strspn(line, BLANKS);
	for (const char *at = line; *at; at++)
		if (*at == '=' || *at == ':')
			separator = at;
	if (separator && !is_label(line, (size_t)(separator - line)))
		return NAN;
	number = separator ? separator + 1 : line;
	number += strspn(number, BLANKS);
	number += *number == '+' && number[1] != '-';
	length = number_length(number);
	if (number[length + strspn(number + length, BLANKS)])
		return NAN;
	return value_of(number, length);
}

/* --- lines -------------------------------------------------------------------------- */

static bool has_controls(const char *line)
{
	for (; *line; line++)
		if (((unsigned char)*line < ' ' && !is_blank(*line)) || *line == 0x7f)
			return true;
	return false;
}

/* Behind "1700000000.5,": no decimal comma has so many digits before it. */
static const char *skip_time(const char *line)
{
	size_t length = strspn(line, DIGITS);

	if (length < TIME_DIGITS)
		return line;
	if (line[length] == '.')
		length += 1 + strspn(line + length + 1, DIGITS);
	return line[length] == ',' && !strchr(line + length + 1, ',') ? line + length + 1 : line;
}

double command_parse_line(const char *line)
{
	double power_w = NAN;
	unsigned count;

	if (has_controls(line))
		return NAN;
	line = skip_time(line);
	count = find_figures(line, &power_w);
	if (count == 0)
		power_w = parse_bare(line);
	return count <= 1 && fabs(power_w) <= MOST_W ? power_w : NAN;
}

static bool end_line(struct command_buffer *buffer, double *power_w)
{
	bool is_empty;

	buffer->line[buffer->length] = '\0';
	is_empty = buffer->line[strspn(buffer->line, " \t\r")] == '\0';
	*power_w = buffer->is_overlong ? NAN : command_parse_line(buffer->line);
	is_empty &= !buffer->is_overlong;
	buffer->length = 0;
	buffer->is_overlong = false;
	return !is_empty;
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
			/* A NUL would hide what follows it: another control character. */
			buffer->line[buffer->length++] = (char)(byte ? byte : '\1');
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
