/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recording.h - vmenergy.recording(5): JSON Lines of what a host's counters
 * said, so that an account can be made again anywhere. Pure: one line at a time.
 *
 * A header, a topology before the first sample and whenever it changes, a
 * sample per tick with raw counters. Reading ignores unknown fields of known
 * records ("later versions only add optional fields") and rejects the rest
 * with the reason; numbers are checked against their bounds.
 */
#ifndef VMENERGY_WIRE_RECORDING_H
#define VMENERGY_WIRE_RECORDING_H

#include "base/error.h"
#include "base/text.h"
#include "model/sample.h"
#include "model/snapshot.h"
#include "model/topology.h"

enum { RECORDING_FORMAT = 1 };

struct recording_file { /* a weights file as it was used */
	char *path, *text;
};

struct recording_header {
	char *program; /* "vmetop 0.1.0" */
	char *hostname;
	char *kernel;      /* uname -r */
	double started_s;  /* UNIX seconds UTC */
	double interval_s; /* as asked for */
	enum idle_policy idle_policy;
	struct event_set events;
	struct recording_file cpu_weights;
	char *cpu_weights_why;               /* the sentence of the choice */
	struct recording_file *disk_weights; /* owned */
	size_t disk_weights_count;
	struct recording_file *nic_weights; /* owned */
	size_t nic_weights_count;
};
void recording_header_clear(struct recording_header *header);

/* Each appends exactly one line with "\n". 0, -ENOMEM, or -EINVAL (a counter above 2^63-1). */
int recording_put_header(const struct recording_header *header, struct text *out,
			 struct error *error);
int recording_put_topology(const struct topology *topology, struct text *out, struct error *error);
int recording_put_sample(const struct sample *sample, const struct topology *topology,
			 struct text *out, struct error *error);

enum recording_kind { RECORDING_HEADER, RECORDING_TOPOLOGY, RECORDING_SAMPLE };

struct recording_line {
	enum recording_kind kind;
	struct recording_header header; /* kind HEADER */
	struct topology *topology;      /* kind TOPOLOGY; one reference */
	struct sample sample;           /* kind SAMPLE */
};
void recording_line_clear(struct recording_line *line);

/*
 * Parse one line. `topology` is the latest one (NULL before the first): a
 * sample must fit it. 0, -EINVAL with "what: bounds" (the caller puts
 * FILE:LINE before it), or -ENOMEM.
 */
int recording_parse(const char *text, size_t length, const struct topology *topology,
		    struct recording_line *line, struct error *error);

#endif
