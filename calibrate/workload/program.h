/* SPDX-License-Identifier: GPL-3.0-or-later */
/* program.h - programs that are called: where they are, and their arguments. */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_PROGRAM_H
#define VMENERGY_CALIBRATE_WORKLOAD_PROGRAM_H

#include "base/text.h"

enum { PROGRAM_PATH_BYTES = 512, PROGRAM_ARGUMENTS_MAX = 40 };

/* Look through PATH. 0, or -ENOENT. */
int program_find(const char *name, char path[PROGRAM_PATH_BYTES]);

/* Words for execv(3); start from {0}. */
struct program_arguments {
	char *words[PROGRAM_ARGUMENTS_MAX + 1]; /* owned; NULL behind the last */
	unsigned count;
	bool failed; /* out of memory, or too many */
};

void program_add(struct program_arguments *arguments, const char *word);
/* One word from a format. */
void program_addf(struct program_arguments *arguments, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Several, parted by blanks. */
void program_add_words(struct program_arguments *arguments, const char *words);
void program_clear(struct program_arguments *arguments);

#endif
