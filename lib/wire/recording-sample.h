/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording-sample.h - the sample's part of recording_parse(); private to wire/. */
#ifndef VMENERGY_WIRE_RECORDING_SAMPLE_H
#define VMENERGY_WIRE_RECORDING_SAMPLE_H

#include "wire/node.h"
#include "wire/recording.h"

int recording_parse_sample(const struct node *root, const struct topology *topology,
			   struct recording_line *line);

#endif
