/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * text.h - a growing text buffer, and the few string helpers that we share.
 */
#ifndef VMENERGY_BASE_TEXT_H
#define VMENERGY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Start from {0}. bytes is NUL-terminated once anything was added. */
struct text {
	char *bytes;
	size_t length;
	size_t capacity;
	bool failed; /* out of memory: later additions do nothing */
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t length);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_reset(struct text *text); /* length 0, memory kept */
void text_free(struct text *text);

/* Free *target and make it a copy of source (NULL stays NULL). 0, or -ENOMEM with *target kept. */
int text_replace(char **target, const char *source);

/* The same text? NULL equals NULL alone. */
bool text_equal(const char *a, const char *b);

/*
 * Patterns know '*' (any run) and '?' (one byte) only; everything else is
 * literal. Matches the whole string. Linear in the product of lengths at worst.
 */
bool text_matches(const char *pattern, const char *string);

/*
 * Copy, with control characters (C0, DEL, C1) and invalid UTF-8 replaced by
 * '?', so that a name cannot drive a terminal. Returns target.
 */
char *text_printable(const char *source, char *target, size_t size);

#endif
