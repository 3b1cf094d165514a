/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.h - RFC 4180 rows, written into a text buffer. */
#ifndef VMENERGY_BASE_CSV_H
#define VMENERGY_BASE_CSV_H

#include "base/text.h"

/* Append one field: a comma first unless it is the row's first, quoted where needed. */
void csv_text(struct text *row, const char *field);
/* Shortest round-trip decimal; NaN (a missing figure) gives an empty field. */
void csv_double(struct text *row, double value);
void csv_u64(struct text *row, unsigned long long value);
void csv_end(struct text *row); /* "\n" */

#endif
