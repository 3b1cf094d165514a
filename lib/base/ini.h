/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ini.h - libinih behind a reader that rejects what libinih would cut
 * silently: lines over 190 bytes, section names over 48, leading blanks,
 * `]` inside a section name. Lists every error of a file with its line.
 */
#ifndef VMENERGY_BASE_INI_H
#define VMENERGY_BASE_INI_H

#include <stddef.h>

#include "base/error.h"

enum { INI_LINE_MAX_BYTES = 190, INI_SECTION_MAX_BYTES = 48 };

/*
 * Called for each "key = value" in file order; section is "" before the first
 * one. Returns 0, or a negative errno after having added an entry with
 * ini_errorf() itself; parsing goes on to the next line either way.
 */
struct ini_entry {
	const char *path; /* as it stands in messages */
	unsigned line;
	const char *section;
	const char *key;
	const char *value;
};
typedef int ini_handler(void *context, const struct ini_entry *entry, struct error_list *errors);

/* Add "PATH:LINE: " + text to errors; returns -EINVAL. */
int ini_errorf(struct error_list *errors, const struct ini_entry *entry, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Parse text (NUL-terminated; a NUL inside is an error, so length is given).
 * 0, or -EINVAL when errors were added.
 */
int ini_parse_text(const char *path, const char *text, size_t length, ini_handler *handler,
		   void *context, struct error_list *errors);

#endif
