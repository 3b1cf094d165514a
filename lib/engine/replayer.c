/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/recorder.h"

struct replayer {
	FILE *file;
	char *path;
	char *text; /* getline(3) */
	size_t capacity;
	unsigned long line_number;
	struct recording_header header;
	const struct topology *topology; /* one reference */
	struct recording_line line;      /* holds the sample last returned */
	bool cut;
};

/* 0: a line was parsed; 1: the end; or -errno. */
static int read_line(struct replayer *replayer, struct error *error)
{
	ssize_t length;
	int result;

	recording_line_clear(&replayer->line);
	errno = 0;
	length = getline(&replayer->text, &replayer->capacity, replayer->file);
	if (length < 0) {
		if (ferror(replayer->file))
			return error_setf(error, errno, "%s: %s", replayer->path, strerror(errno));
		return 1;
	}
	replayer->line_number++;
	if (replayer->text[length - 1] != '\n') {
		replayer->cut = true;
		return 1;
	}
	result = recording_parse(replayer->text, (size_t)length - 1, replayer->topology,
				 &replayer->line, error);
	return !result ? 0
		       : error_prefixf(error, result, "%s:%lu", replayer->path,
				       replayer->line_number);
}

static int read_header(struct replayer *replayer, struct error *error)
{
	int result = read_line(replayer, error);

	if (result < 0)
		return error_prefixf(error, result, "not a recording");
	if (result > 0 || replayer->line.kind != RECORDING_HEADER)
		return error_setf(error, EINVAL,
				  "%s:1: not a recording: the first line must be a header",
				  replayer->path);
	replayer->header = replayer->line.header;
	replayer->line.header = (struct recording_header){ 0 };
	return 0;
}

int replayer_open(struct replayer **out, const char *path, struct error *error)
{
	struct replayer *replayer = calloc(1, sizeof *replayer);
	int result;

	if (!replayer || !(replayer->path = strdup(path))) {
		free(replayer);
		return error_setf(error, ENOMEM, "out of memory");
	}
	replayer->file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (replayer->file)
		result = read_header(replayer, error);
	else
		result = error_setf(error, errno, "%s: %s", path, strerror(errno));
	if (result) {
		replayer_close(replayer);
		return result;
	}
	*out = replayer;
	return 0;
}

void replayer_close(struct replayer *replayer)
{
	if (!replayer)
		return;
	recording_line_clear(&replayer->line);
	recording_header_clear(&replayer->header);
	if (replayer->topology)
		topology_unref(replayer->topology);
	if (replayer->file && replayer->file != stdin)
		fclose(replayer->file);
	free(replayer->text);
	free(replayer->path);
	free(replayer);
}

const struct recording_header *replayer_header(const struct replayer *replayer)
{
	return &replayer->header;
}

/* Readers tell topologies apart by their generation, so two in a row may not share one. */
static int take_topology(struct replayer *replayer, struct error *error)
{
	uint64_t generation = replayer->line.topology->generation;

	if (replayer->topology && replayer->topology->generation == generation)
		return error_setf(
			error, EINVAL, "%s:%lu: topology.generation: must not be %llu again",
			replayer->path, replayer->line_number, (unsigned long long)generation);
	if (replayer->topology)
		topology_unref(replayer->topology);
	replayer->topology = replayer->line.topology;
	replayer->line.topology = NULL;
	return 0;
}

int replayer_next(struct replayer *replayer, const struct topology **topology,
		  const struct sample **sample, struct error *error)
{
	int result;

	while (!(result = read_line(replayer, error))) {
		switch (replayer->line.kind) {
		case RECORDING_HEADER:
			return error_setf(error, EINVAL, "%s:%lu: a second header", replayer->path,
					  replayer->line_number);
		case RECORDING_TOPOLOGY:
			result = take_topology(replayer, error);
			if (result)
				return result;
			break;
		case RECORDING_SAMPLE:
			*topology = replayer->topology;
			*sample = &replayer->line.sample;
			return 0;
		}
	}
	return result;
}

int replayer_was_cut(const struct replayer *replayer)
{
	return replayer->cut;
}
