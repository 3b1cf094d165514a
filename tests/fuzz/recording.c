/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a recording: no line may crash; what is read is written, and reads as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int put(const struct recording_line *line, const struct topology *topology, struct text *out)
{
	switch (line->kind) {
	case RECORDING_HEADER:
		return recording_put_header(&line->header, out, NULL);
	case RECORDING_TOPOLOGY:
		return recording_put_topology(line->topology, out, NULL);
	case RECORDING_SAMPLE:
		return recording_put_sample(&line->sample, topology, out, NULL);
	}
	return -1;
}

/* put(parse(x)) is a fixed point: its text parses, and prints as itself. */
static void check_fixed_point(const struct recording_line *line, const struct topology *topology)
{
	struct recording_line again;
	struct text first = { 0 }, second = { 0 };

	if (put(line, topology, &first) ||
	    recording_parse(first.bytes, first.length, topology, &again, NULL) ||
	    put(&again, topology, &second) || strcmp(first.bytes, second.bytes) != 0)
		abort();
	if (line->kind == RECORDING_TOPOLOGY && !topology_equal(line->topology, again.topology))
		abort();
	recording_line_clear(&again);
	text_free(&first);
	text_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *end = at + size;
	struct topology *topology = NULL;
	struct error error;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ? newline : end) - at);
		struct recording_line line;

		if (recording_parse(at, length, topology, &line, &error) == 0) {
			check_fixed_point(&line, topology);
			if (line.kind == RECORDING_TOPOLOGY) {
				topology_unref(topology);
				topology = topology_ref(line.topology);
			}
			recording_line_clear(&line);
		}
		at += length + 1;
	}
	topology_unref(topology);
	return 0;
}
