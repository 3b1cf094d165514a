/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html.h - text that is safe inside a page: for calibrate/report alone. */
#ifndef VMENERGY_CALIBRATE_REPORT_HTML_H
#define VMENERGY_CALIBRATE_REPORT_HTML_H

#include "base/text.h"

/* Escaped for content and for attributes in double quotes; control characters become '?'. */
void html_text(struct text *html, const char *string);
/* "<TAG>text</TAG>", escaped. */
void html_element(struct text *html, const char *tag, const char *string);
/* A table's cell: printf's text, escaped; right-aligned when is_number. */
void html_cell(struct text *html, bool is_number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void html_base64(struct text *html, const char *bytes, size_t length);

#endif
