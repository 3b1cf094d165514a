/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "calibrate/meters.h"
#include "meter/driver.h"

const struct meter_driver *const calibrate_meters[] = { &meter_sigrok, &meter_ipmi, NULL };

enum { COLUMNS = 8, CELL_BYTES = METER_TEXT_BYTES, LINE_CELLS = 90 };

typedef char row_cells[COLUMNS][CELL_BYTES];

/* A sentence, indented, in lines of about LINE_CELLS. */
static void put_sentence(struct text *out, const char *sentence)
{
	size_t column = 0, length;

	for (const char *word = sentence; *word; word += length + strspn(word + length, " ")) {
		length = strcspn(word, " ");
		if (column > 0 && column + 1 + length > LINE_CELLS) {
			text_add(out, "\n");
			column = 0;
		}
		text_add(out, column > 0 ? " " : "    ");
		text_add_bytes(out, word, length);
		column += 1 + length;
	}
	text_add(out, "\n");
}

static void put_figure(char cell[CELL_BYTES], double value, const char *unit)
{
	if (isnan(value))
		strcpy(cell, "-");
	else
		snprintf(cell, CELL_BYTES, "%.4g %s", value, unit);
}

static void put_text(char cell[CELL_BYTES], const char *text)
{
	text_printable(text[0] ? text : "-", cell, CELL_BYTES);
}

static void fill(const struct meter_about *about, row_cells cells)
{
	put_text(cells[0], about->address);
	put_text(cells[1], about->has_scope ? scope_name(about->scope) : "");
	put_text(cells[2], about->model);
	put_text(cells[3], about->serial);
	put_figure(cells[4], about->range_w, "W");
	put_figure(cells[5], about->resolution_w, "W");
	put_figure(cells[6], about->interval_s, "s");
	put_text(cells[7], about->measures);
}

static const char *const heads[COLUMNS] = { "METER", "SCOPE", "MODEL", "SERIAL",
					    "RANGE", "STEP",  "EVERY", "MEASURES" };

static void measure(const struct meter_list *list, int widths[COLUMNS])
{
	row_cells cells;

	for (unsigned c = 0; c < COLUMNS; c++)
		widths[c] = (int)strlen(heads[c]);
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].missing[0])
			continue;
		fill(&list->items[i], cells);
		for (unsigned c = 0; c < COLUMNS; c++)
			if ((int)strlen(cells[c]) > widths[c])
				widths[c] = (int)strlen(cells[c]);
	}
}

static void print_table(const struct meter_list *list, struct text *out)
{
	int widths[COLUMNS];
	row_cells cells;

	measure(list, widths);
	for (unsigned c = 0; c < COLUMNS; c++)
		text_addf(out, "%-*s%s", c + 1 < COLUMNS ? widths[c] : 0, heads[c],
			  c + 1 < COLUMNS ? "  " : "\n");
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].missing[0])
			continue;
		fill(&list->items[i], cells);
		for (unsigned c = 0; c < COLUMNS; c++)
			text_addf(out, "%-*s%s", c + 1 < COLUMNS ? widths[c] : 0, cells[c],
				  c + 1 < COLUMNS ? "  " : "\n");
		put_sentence(out, list->items[i].worth);
	}
}

static void print_unusable(const struct meter_list *list, struct text *out)
{
	char address[METER_TEXT_BYTES], reason[256];

	text_add(out, "\nFound, but cannot be used:\n");
	for (size_t i = 0; i < list->count; i++) {
		const struct meter_about *about = &list->items[i];

		if (!about->missing[0])
			continue;
		text_addf(out, "  %s\n", text_printable(about->address, address, sizeof address));
		put_sentence(out, text_printable(about->missing, reason, sizeof reason));
	}
}

static void print_absences(const struct meter_absences *absences, struct text *out)
{
	text_add(out, "\nKinds of which nothing is here:\n");
	for (size_t i = 0; i < absences->count; i++) {
		const struct meter_absence *absence = &absences->items[i];
		const char *address = absence->kind.address;
		char reason[ERROR_TEXT_BYTES];

		text_addf(out, "  %s%s%s\n", absence->kind.name, address ? ":" : "",
			  address ? address : "");
		put_sentence(out, absence->kind.sentence);
		if (absence->reason.text[0])
			put_sentence(out,
				     text_printable(absence->reason.text, reason, sizeof reason));
	}
}

static const char without[] = "Without a meter vmetop prices time on CPUs by published figures of "
			      "such CPUs: an estimate.\n"
			      "A program that prints watts is a meter, too (-m command:PROGRAM), "
			      "and calibrate fit takes\n"
			      "a trace that was recorded with any other.\n";

void meters_print_text(const struct meters_found *found, struct text *out)
{
	size_t usable = 0;

	for (size_t i = 0; i < found->list.count; i++)
		usable += !found->list.items[i].missing[0];
	if (usable > 0)
		print_table(&found->list, out);
	else
		text_addf(out, "No meter %s.\n",
			  found->list.count > 0 ? "can be used" : "was found");
	if (found->best)
		text_addf(out, "\n-m auto takes %s.\n", found->best->address);
	else if (usable > 0)
		text_add(out, "\n-m auto takes none of these: they are parts of the machine.\n");
	if (!found->best)
		text_add(out, without);
	if (usable < found->list.count)
		print_unusable(&found->list, out);
	if (found->absences.count > 0)
		print_absences(&found->absences, out);
}
