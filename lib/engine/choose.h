/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * choose.h - which weights files serve on this machine, and why.
 *
 * Folders, in order: each of $VMENERGY_WEIGHTS (colons between them),
 * weights/ beside the build tree that the program runs from, the installed
 * data directory. `auto` takes, from the first folder that has a fitting CPU
 * file, the one that fits best; a file of the same name in a later folder is
 * not looked at. Files of disks are candidates all together, so are those of network cards.
 */
#ifndef VMENERGY_ENGINE_CHOOSE_H
#define VMENERGY_ENGINE_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "model/sample.h"
#include "model/topology.h"
#include "model/weights.h"
#include "wire/recording.h"

struct weights_request {
	const char *spec; /* NULL or "auto"; or a path; or a file's name without a '/', with or
			     without ".weights", in one of the folders */
	const struct cpu_identity *cpu;
	enum cpu_source source;
	bool or_time; /* where nothing prices `source`: what prices time on a CPU */
};

struct weights_choice {
	enum cpu_source source; /* that `cpu` prices */
	struct weights *cpu;
	char *why; /* one sentence: the CPU file and the reason */
	struct weights **disks;
	size_t disk_count;
	struct weights **nics;
	size_t nic_count;
	/* The same files as read, for recordings. */
	struct recording_file cpu_file;
	struct recording_file *disk_files; /* parallel to disks */
	struct recording_file *nic_files;  /* parallel to nics */
};

/*
 * 0; -ENOENT (nothing serves: text names the folders, or what the file lacks),
 * -EINVAL (the file that was asked for has errors: all of them are in
 * `warnings`), another -errno with text. Files with errors are otherwise
 * listed in `warnings` and passed over. *choice is clear after a failure. With
 * or_time and another source than was asked for, `error` says why.
 */
int weights_choose(const struct weights_request *request, struct weights_choice *choice,
		   struct error_list *warnings, struct error *error);

/*
 * The choice of a recording, made again from its texts; no file is read.
 * -EINVAL: a text does not parse, all errors in `errors`; -ENOMEM.
 */
int weights_choice_from_texts(const struct recording_header *header, struct weights_choice *choice,
			      struct error_list *errors, struct error *error);

/* The best file for a disk, or NULL; `why` (may be NULL) gets, appended, "FILE: reason". */
const struct weights *weights_choice_disk(const struct weights_choice *choice,
					  const struct disk *disk, struct text *why);

/* Made from an emulated machine or meter, as what calibrate makes of them says; such files are used
 * (by name), are estimates, and `why` and `warnings` begin with that. */
bool weights_is_emulated(const struct weights *weights);

void weights_choice_free(struct weights_choice *choice); /* what it owns, and clears it */

#endif
