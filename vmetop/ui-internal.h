/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ui-internal.h - between ui.c, ui-keys.c and ui-prompt.c only. */
#ifndef VMENERGY_VMETOP_UI_INTERNAL_H
#define VMENERGY_VMETOP_UI_INTERNAL_H

#include "vmetop/page.h"
#include "vmetop/ui.h"

/* Shown in the footer until the next key, or until the loop has shown it long enough. */
void ui_message(struct ui *ui, bool is_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
size_t ui_row_count(const struct ui *ui, const struct frame *frame);
/* A graph has none: the cursor waits where it was on the page that Esc leads back to. */
bool ui_has_rows(const struct ui *ui);
void ui_sort_by(struct ui *ui, const char *key);
void ui_show_page(struct ui *ui, enum page_number page);
void ui_move_to(struct ui *ui, const struct frame *frame, size_t row);

/* Keys while nothing lies over the page. */
enum ui_request ui_key(struct ui *ui, const struct input *input, const struct frame *frame);

void ui_open_prompt(struct ui *ui, enum prompt prompt);
enum ui_request ui_prompt_key(struct ui *ui, const struct input *input, const struct frame *frame);
/* Go to the next row, after the cursor's (`from_next`) or from it on, whose name holds find_line.
 */
void ui_find(struct ui *ui, const struct frame *frame, bool from_next);

#endif
