/* SPDX-License-Identifier: GPL-3.0-or-later */
/* screen-terminfo.h - what terminfo says of the terminal; apart, for <term.h> takes common words.
 */
#ifndef VMENERGY_VMETOP_SCREEN_TERMINFO_H
#define VMENERGY_VMETOP_SCREEN_TERMINFO_H

#include <stdbool.h>

#include "base/text.h"

/* Is a terminal of this name described, and can its cursor be placed? */
bool terminfo_is_usable(const char *name);
/* Of the opened one: what makes it as it was before: colours, cursor, keys, screen, mouse. */
void terminfo_add_restore(struct text *sequence);
/* Keys that terminals send otherwise than their description says. */
void terminfo_define_keys(void);

#endif
