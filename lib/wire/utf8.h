/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8.h - domain names are any bytes; JSON and CSV readers want UTF-8. */
#ifndef VMENERGY_WIRE_UTF8_H
#define VMENERGY_WIRE_UTF8_H

#include <stdbool.h>

#include "base/text.h"

/* Well-formed by RFC 3629: shortest forms, no surrogates, nothing above U+10FFFF? */
bool utf8_valid(const char *string);

/* Append `string`, each byte that belongs to no valid sequence replaced by U+FFFD. */
void utf8_add(struct text *out, const char *string);

#endif
