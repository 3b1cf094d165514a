/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/recorder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct recorder {
	FILE *file;
	char *path;
	struct text line;
	const struct topology *topology; /* last written; one reference */
};

/* A tick is written at once: a kill can cut at most the last line. */
static int write_line(struct recorder *recorder, struct error *error)
{
	size_t length = recorder->line.length;

	if (fwrite(recorder->line.bytes, 1, length, recorder->file) == length &&
	    fflush(recorder->file) == 0)
		return 0;
	return error_setf(error, errno, "%s: %s", recorder->path, strerror(errno));
}

int recorder_open(struct recorder **out, const char *path, const struct recording_header *header,
		  struct error *error)
{
	struct recorder *recorder = calloc(1, sizeof *recorder);
	int result;

	if (!recorder || !(recorder->path = strdup(path))) {
		free(recorder);
		return error_setf(error, ENOMEM, "out of memory");
	}
	recorder->file = fopen(path, "we");
	if (!recorder->file) {
		result = error_setf(error, errno, "%s: %s", path, strerror(errno));
		recorder_close(recorder, NULL);
		return result;
	}
	result = recording_put_header(header, &recorder->line, error);
	if (!result)
		result = write_line(recorder, error);
	if (result) {
		recorder_close(recorder, NULL);
		return result;
	}
	*out = recorder;
	return 0;
}

/* The topology is on disk: later samples of its generation need none. */
static void remember_topology(struct recorder *recorder, const struct topology *topology)
{
	if (recorder->topology)
		topology_unref(recorder->topology);
	recorder->topology = topology_ref(topology);
}

int recorder_put(struct recorder *recorder, const struct topology *topology,
		 const struct sample *sample, struct error *error)
{
	bool fresh = !recorder->topology || recorder->topology->generation != topology->generation;
	int result = 0;

	text_reset(&recorder->line);
	if (fresh)
		result = recording_put_topology(topology, &recorder->line, error);
	if (!result)
		result = recording_put_sample(sample, topology, &recorder->line, error);
	if (!result)
		result = write_line(recorder, error);
	if (!result && fresh)
		remember_topology(recorder, topology);
	return result;
}

int recorder_close(struct recorder *recorder, struct error *error)
{
	int result = 0;

	if (!recorder)
		return 0;
	if (recorder->file && fclose(recorder->file))
		result = error_setf(error, errno, "%s: %s", recorder->path, strerror(errno));
	if (recorder->topology)
		topology_unref(recorder->topology);
	text_free(&recorder->line);
	free(recorder->path);
	free(recorder);
	return result;
}
