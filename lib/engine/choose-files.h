/* SPDX-License-Identifier: GPL-3.0-or-later */
/* choose-files.h - the folders of weights files, and what was read from them. For choose.c. */
#ifndef VMENERGY_ENGINE_CHOOSE_FILES_H
#define VMENERGY_ENGINE_CHOOSE_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "model/weights.h"
#include "wire/recording.h"

#define WEIGHTS_SUFFIX ".weights"

/* A file that was read. */
struct weights_file {
	struct weights *weights; /* NULL once taken */
	struct recording_file file;
	size_t folder; /* index of the folder it came from */
};

struct weights_files {
	struct {
		char **items;
		size_t count, capacity;
	} folders;
	struct weights_file *items;
	size_t count, capacity;
	struct error_list *warnings; /* borrowed */
};

/* The folders of choose.h, in their order. 0 or -ENOMEM. */
int weights_files_find_folders(struct weights_files *files);
/* "A:B:C" */
void weights_files_name_folders(const struct weights_files *files, struct text *text);

/* All *.weights of a folder in the order of their names; what cannot be read or
 * has errors goes to the warnings. A folder that is not there is empty. 0 or -ENOMEM. */
int weights_files_load_folder(struct weights_files *files, size_t folder);
/* Read and parse one file: 0, -EINVAL having told the warnings, or another -errno. */
int weights_files_load(struct weights_files *files, const char *path, size_t folder);

void weights_files_clear(struct weights_files *files);

bool weights_files_is_name(const char *name);
const char *weights_files_base_name(const char *path);
void weights_files_forget(struct recording_file *file); /* free path and text */

#endif
