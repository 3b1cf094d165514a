/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time.h - when disks are at work: requests followed from issue to
 * completion, by BPF, else by tracepoints, else not at all.
 *
 * Only rotating leaves are followed. Per leaf: the time with at least one
 * request in the device, which bounds the time that the model makes from sizes
 * and rates (model.md 3), and the requests that were not contiguous with the one
 * before, to which alone the model's overhead applies there.
 */
#ifndef VMENERGY_PROBE_SERVICE_TIME_H
#define VMENERGY_PROBE_SERVICE_TIME_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct service_time;

/* Cheap: nothing is attached before there is a rotating leaf to follow. 0 or -ENOMEM. */
int service_time_open(struct service_time **service_time, const struct rootfs *root,
		      struct error *error);
void service_time_close(struct service_time *service_time);

/* Attach to what is new, and detach when nothing is left. 0 or -ENOMEM. */
int service_time_follow(struct service_time *service_time, const struct topology *topology);

/*
 * Fill busy_ns, *_seeks and has_service of sample->disks that are followed. After
 * block_read_leaves(): a few requests may have completed, and some microseconds
 * passed, since at_ns. Where events were missed there is QUALITY_GAP and no
 * has_service; where a single completion was, busy_ns is too long, never too
 * short. A way that turns out to hear of too little is given up for good (the
 * note says so). 0, or -EINVAL: another topology than is followed.
 */
int service_time_read(struct service_time *service_time, const struct topology *topology,
		      struct sample *sample);

/* "BPF", "tracepoints" or NULL (nothing is followed), and why not better: a sentence or NULL. */
const char *service_time_source(const struct service_time *service_time);
const char *service_time_note(const struct service_time *service_time);

#endif
