/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "model/sample.h"

char figure_flag(unsigned quality)
{
	if (quality & QUALITY_STALE)
		return '*';
	if (quality & QUALITY_MISSING)
		return '>';
	return quality & (QUALITY_ESTIMATE | QUALITY_EXTRAPOLATED) ? '~' : '\0';
}

static void with_flag(char flag, const char *number, char text[FIGURE_BYTES])
{
	if (flag)
		snprintf(text, FIGURE_BYTES, "%c%.30s", flag, number);
	else
		snprintf(text, FIGURE_BYTES, "%s", number);
}

/* Decimals such that the *rounded* number obeys the rule: 999.996 is 1000.0. */
static int power_decimals(double watts)
{
	if (fabs(watts) >= 9999.95)
		return 0;
	return fabs(watts) >= 999.995 ? 1 : 2;
}

void figure_power(double watts, char flag, char text[FIGURE_BYTES])
{
	char number[FIGURE_BYTES];

	if (!isfinite(watts)) {
		strcpy(text, "-");
		return;
	}
	if (watts > 0 && watts < 0.005)
		strcpy(number, "<.01");
	else
		snprintf(number, sizeof number, "%.*f", power_decimals(watts),
			 fabs(watts) < 0.005 ? 0.0 : watts);
	with_flag(flag, number, text);
}

/* Four digits: the prefix is promoted after rounding (999.95 becomes 1.000k). */
static void with_prefix(double value, const char *unit, char number[FIGURE_BYTES])
{
	static const char *const prefixes[] = { "n", "u", "m", "", "k", "M", "G", "T", "P" };
	size_t step = 3;
	int decimals;

	while (value != 0 && fabs(value) < 0.09995 && step > 0) {
		value *= 1000;
		step--;
	}
	while (fabs(value) >= 999.95 && step + 1 < sizeof prefixes / sizeof *prefixes) {
		value /= 1000;
		step++;
	}
	decimals = fabs(value) < 9.9995 ? 3 : fabs(value) < 99.995 ? 2 : 1;
	snprintf(number, FIGURE_BYTES, "%.*f%s%s", decimals, value, prefixes[step], unit);
}

void figure_energy(double joules, enum energy_unit unit, char flag, char text[FIGURE_BYTES])
{
	char number[FIGURE_BYTES];

	if (!isfinite(joules)) {
		strcpy(text, "-");
		return;
	}
	if (unit == ENERGY_WATT_HOUR)
		with_prefix(joules / 3600, "Wh", number);
	else
		with_prefix(joules, "J", number);
	with_flag(flag, number, text);
}

void figure_percent(double percent, char text[FIGURE_BYTES])
{
	if (isfinite(percent))
		snprintf(text, FIGURE_BYTES, "%.1f", percent);
	else
		strcpy(text, "-");
}

void figure_bytes(double bytes_per_s, char text[FIGURE_BYTES])
{
	static const char suffixes[] = "BkMGTP";
	size_t step = 0;

	if (!isfinite(bytes_per_s)) {
		strcpy(text, "-");
		return;
	}
	while (bytes_per_s >= 999.95 && suffixes[step + 1]) {
		bytes_per_s /= 1000;
		step++;
	}
	snprintf(text, FIGURE_BYTES, "%.*f%c", step ? 1 : 0, bytes_per_s, suffixes[step]);
}

/* --- names ------------------------------------------------------------------ */

/* One character: its bytes and its cells. What the locale cannot show is one '?'. */
static size_t next_character(const char *text, mbstate_t *state, int *cells)
{
	wchar_t character;
	size_t length = mbrtowc(&character, text, MB_CUR_MAX, state);

	if (length == (size_t)-1 || length == (size_t)-2 || length == 0) {
		*state = (mbstate_t){ 0 };
		*cells = -1;
		return 1;
	}
	*cells = wcwidth(character);
	return length;
}

static int cells_of(const char *text)
{
	mbstate_t state = { 0 };
	int total = 0;

	while (*text) {
		int cells;

		text += next_character(text, &state, &cells);
		total += cells < 0 ? 1 : cells;
	}
	return total;
}

/* Copy the characters that lie in cells [from, to), whole ones only; returns the cells copied. */
static int copy_cells(const char *source, int from, int to, struct text *out)
{
	mbstate_t state = { 0 };
	int at = 0, copied = 0;

	while (*source) {
		int cells;
		size_t length = next_character(source, &state, &cells);
		int width = cells < 0 ? 1 : cells;

		/* A combining mark belongs to the character before it. */
		if (at >= from && at + width <= to && (width > 0 || copied > 0)) {
			if (cells < 0)
				text_add(out, "?");
			else
				text_add_bytes(out, source, length);
			copied += width;
		}
		at += width;
		source += length;
	}
	return copied;
}

int figure_name(const char *name, int columns, char *text, size_t size)
{
	size_t bytes = strlen(name) * 4 + 1;
	char *printable = malloc(bytes);
	struct text out = { 0 };
	int total, used;

	*text = '\0';
	if (!printable)
		return 0;
	total = cells_of(text_printable(name, printable, bytes));
	if (total <= columns) {
		used = copy_cells(printable, 0, total, &out);
	} else {
		int head = (columns - 2 + 1) / 2, tail = (columns - 2) / 2;

		used = copy_cells(printable, 0, head, &out);
		text_add(&out, "..");
		used += 2 + copy_cells(printable, total - tail, total, &out);
	}
	if (!out.failed && out.length < size)
		memcpy(text, out.bytes ? out.bytes : "", out.length + 1);
	else
		used = 0;
	text_free(&out);
	free(printable);
	return used;
}
