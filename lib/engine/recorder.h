/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recorder.h - recordings in files: vmenergy.recording(5), written and read.
 */
#ifndef VMENERGY_ENGINE_RECORDER_H
#define VMENERGY_ENGINE_RECORDER_H

#include "base/error.h"
#include "model/sample.h"
#include "model/topology.h"
#include "wire/recording.h"

struct recorder;

/* Create FILE (truncated if it exists) and write the header. 0 or -errno with text. */
int recorder_open(struct recorder **recorder, const char *path,
		  const struct recording_header *header, struct error *error);
/* Write the topology if it is another one than last time, then the sample. */
int recorder_put(struct recorder *recorder, const struct topology *topology,
		 const struct sample *sample, struct error *error);
/* Close and say whether everything reached the file. */
int recorder_close(struct recorder *recorder, struct error *error);

struct replayer;

/* Open FILE ("-" = standard input) and read its header. Errors read "FILE:LINE: ...". */
int replayer_open(struct replayer **replayer, const char *path, struct error *error);
void replayer_close(struct replayer *replayer);
const struct recording_header *replayer_header(const struct replayer *replayer);

/*
 * The next sample and its topology, both borrowed until the next call.
 * 0, 1 at the end, or -errno with text. A last line that was cut off (the
 * recorder was killed) is the end, and replayer_was_cut() then says so.
 */
int replayer_next(struct replayer *replayer, const struct topology **topology,
		  const struct sample **sample, struct error *error);
int replayer_was_cut(const struct replayer *replayer);

#endif
