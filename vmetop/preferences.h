/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * preferences.h - what W keeps of the screen until the next start: an INI file.
 *
 * Order of a start: ui_init(), preferences_load(), what the terminal cannot do,
 * then the command line, so that it beats the file.
 */
#ifndef VMENERGY_VMETOP_PREFERENCES_H
#define VMENERGY_VMETOP_PREFERENCES_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "vmetop/ui.h"

enum { PREFERENCES_FORMAT = 1, PREFERENCES_MAX_BYTES = 65536 };

/*
 * `named`, or without it $XDG_CONFIG_HOME/vmenergy/vmetop.conf, or
 * ~/.config/vmenergy/vmetop.conf. Owned by the caller; NULL: no home, or no memory.
 */
char *preferences_path(const char *named);

/*
 * Apply a file to what stands in `ui`; a key that it does not hold changes nothing. 0, or
 * with nothing applied: -ENOENT (no such file: nothing is listed), -EINVAL (every mistake
 * is listed with its line), or another -errno (listed).
 */
int preferences_load(const char *path, struct ui *ui, struct error_list *errors);
int preferences_parse(const char *path, const char *text, size_t length, struct ui *ui,
		      struct error_list *errors);

/* All keys in one order: parsed and printed again, it is the same text. */
void preferences_print(const struct ui *ui, struct text *out);
/*
 * Written aside, synced, renamed; of the usual path missing folders are made with mode 0700.
 * A file with mistakes is not replaced: -EINVAL.
 */
int preferences_save(const char *path, const struct ui *ui, struct error *error);

#endif
