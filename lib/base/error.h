/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * error.h - errors as values.
 *
 * A function that can fail returns 0 or a negative errno and, where a caller
 * may want to tell a person, fills a caller-owned `struct error`. Nothing in
 * lib/ prints an error or exits; only main.c does.
 *
 * A parser that lists every mistake of a file collects them in a
 * `struct error_list`; each entry reads "FILE:LINE: what is wrong: bounds".
 */
#ifndef VMENERGY_BASE_ERROR_H
#define VMENERGY_BASE_ERROR_H

#include <stddef.h>

enum { ERROR_TEXT_BYTES = 512 };

struct error {
	char text[ERROR_TEXT_BYTES]; /* always NUL-terminated; "" = no error */
};

/* Fill *error (which may be NULL) and return -errnum. Overlong text is cut. */
int error_setf(struct error *error, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "PREFIX: " before the text that is already there; returns result. */
int error_prefixf(struct error *error, int result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct error_list {
	char **texts; /* owned */
	size_t count;
	size_t dropped; /* mistakes beyond ERROR_LIST_MAX, counted only */
};

enum { ERROR_LIST_MAX = 200 };

/* Append one formatted entry. Out of memory counts it as dropped. */
void error_list_addf(struct error_list *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void error_list_clear(struct error_list *list);

#endif
