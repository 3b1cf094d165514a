/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit-text.h - a fit as tables for a terminal: 80 columns, no colour. */
#ifndef VMENERGY_CALIBRATE_FIT_TEXT_H
#define VMENERGY_CALIBRATE_FIT_TEXT_H

#include "base/text.h"
#include "calibrate/fit-input.h"

void fit_text(const struct fit_input *input, const struct fits *fits, struct text *out);

/* Parts that other tables use: a figure right-aligned, "-" where it is missing. */
void fit_text_number(struct text *out, int width, double value, int digits);
/* A name left-aligned, cut with "~" where it is too long, harmless to a terminal. */
void fit_text_name(struct text *out, int width, const char *name);
/* "* sentence", broken into lines of 80 columns. */
void fit_text_note(struct text *out, const char *sentence);
void fit_text_notes(struct text *out, const struct error_list *list);

#endif
