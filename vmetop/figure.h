/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * figure.h - how numbers and names look in tables. Pure.
 *
 * Power is always in W: two decimals, one from 1000, none from 10000; a trace
 * is "<.01"; unknown is "-", never 0. A flag hugs the number: '~' estimate,
 * '*' held, '>' part missing, none = measured.
 */
#ifndef VMENERGY_VMETOP_FIGURE_H
#define VMENERGY_VMETOP_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

enum { FIGURE_BYTES = 32 };
enum energy_unit { ENERGY_JOULE, ENERGY_WATT_HOUR };

/* The flag of a set of quality bits (model/sample.h); 0 = measured. */
char figure_flag(unsigned quality);

void figure_power(double watts, char flag, char text[FIGURE_BYTES]);
/* Four digits with an SI prefix: "812.4kJ", "1.000kJ", "0.250Wh". */
void figure_energy(double joules, enum energy_unit unit, char flag, char text[FIGURE_BYTES]);
void figure_percent(double percent, char text[FIGURE_BYTES]);       /* "99.8", "-" */
void figure_whole_percent(double percent, char text[FIGURE_BYTES]); /* "100", "-" */
void figure_frequency(double hz, char text[FIGURE_BYTES]);          /* "2.40GHz", "-" */
void figure_count(double number, char text[FIGURE_BYTES]);          /* "950", "12.4k", "-" */
void figure_bytes(double bytes_per_s, char text[FIGURE_BYTES]);     /* "57.0M", "-" */

/* "2026-11-23 12:04:31Z": UTC, so that a replay reads the same everywhere. */
void figure_time(double unix_s, char text[FIGURE_BYTES]);

/*
 * Copy a name so that it fills at most `columns` terminal cells (wcwidth(3)
 * in the current locale): control characters replaced, cut in the middle with
 * "..". Returns the cells used.
 */
int figure_name(const char *name, int columns, char *text, size_t size);

enum cut { CUT_MIDDLE, CUT_MIDDLE_UNICODE, CUT_END };
/* The same with a choice: the mark as one cell in Unicode; or the end cut off without one. */
int figure_cut(const char *name, int columns, enum cut cut, char *text, size_t size);
int figure_cells(const char *text); /* that it fills, uncut */

#endif
