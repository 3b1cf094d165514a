/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.h - a fixed vocabulary: enum <-> the word that stands for it in files and JSON. */
#ifndef VMENERGY_MODEL_WORDS_H
#define VMENERGY_MODEL_WORDS_H

#include <stddef.h>
#include <string.h>

#define WORDS_COUNT(words) (sizeof(words) / sizeof *(words))

/* words[index], or "?" for what no vocabulary has. */
static inline const char *words_name(const char *const *words, size_t count, size_t index)
{
	return index < count ? words[index] : "?";
}

/* Index of `word`, or -1. */
static inline int words_parse(const char *const *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], word) == 0)
			return (int)i;
	return -1;
}

#endif
