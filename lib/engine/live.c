/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "host/host.h"
#include "probe/block.h"
#include "probe/cputime.h"

enum { PATIENCE_MAX_MS = 250 };

struct live {
	struct rootfs root;
	struct host *host;
	struct cputime *cputime;
	struct block *block;
	struct topology *topology; /* one reference; NULL before the first discovery */
	uint64_t patience_ns;
	uint64_t seq;
};

/* A quarter of the tick, so that a slow libvirtd costs figures, never ticks. */
static uint64_t patience(uint64_t interval_ns)
{
	uint64_t most = (uint64_t)PATIENCE_MAX_MS * 1000000u;

	return interval_ns / 4 < most ? interval_ns / 4 : most;
}

int live_open(struct live **out, const struct live_options *options, struct error *error)
{
	struct live *live = calloc(1, sizeof *live);
	struct host_options host = {
		.uri = options->uri,
		.without_libvirt = options->without_libvirt,
		.qmp_sockets = options->qmp_sockets,
		.qmp_count = options->qmp_count,
	};
	int result;

	if (!live)
		return error_setf(error, ENOMEM, "out of memory");
	live->patience_ns = patience(options->interval_ns);
	host.root = &live->root;
	result = rootfs_open(&live->root, options->root, error);
	if (!result)
		result = cputime_open(&live->cputime, &live->root, error);
	if (!result)
		result = block_open(&live->block, &live->root, error);
	if (!result)
		result = host_open(&live->host, &host, error);
	if (result) {
		live_close(live);
		return result;
	}
	*out = live;
	return 0;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->host)
		host_close(live->host);
	if (live->block)
		block_close(live->block);
	if (live->cputime)
		cputime_close(live->cputime);
	if (live->topology)
		topology_unref(live->topology);
	rootfs_close(&live->root);
	free(live);
}

void live_events(const struct live *live, struct event_set *events)
{
	(void)live;
	cputime_events(events);
}

const char *live_total_source(const struct live *live)
{
	return cputime_total_source(live->cputime);
}

const char *live_note(const struct live *live)
{
	return cputime_note(live->cputime);
}

/* Let the probes open what is new and close what is gone. */
static int follow(struct live *live, struct error *error)
{
	int result = cputime_follow(live->cputime, live->topology);

	if (!result)
		result = block_follow(live->block, live->topology);
	if (result)
		return error_setf(error, -result, "out of memory while following the domains");
	return 0;
}

int live_discover(struct live *live, const struct topology **topology, struct error *error)
{
	struct topology *found = NULL;
	bool first = !live->topology;
	int result;

	*topology = live->topology;
	if (!first && !host_changed(live->host))
		return 0;
	result = host_discover(live->host, &found, error);
	if (result)
		return result;
	if (!first && found->generation == live->topology->generation) {
		topology_unref(found);
		return 0;
	}
	if (!first)
		topology_unref(live->topology);
	live->topology = found;
	*topology = found;
	return follow(live, error);
}

/*
 * libvirt's statistics are asked for first and awaited before the CPU
 * counters, so that a wait does not lie between the threads and their total.
 */
int live_sample(struct live *live, const struct topology *topology, struct sample *sample,
		struct error *error)
{
	int result = sample_prepare(sample, topology);

	if (result)
		return error_setf(error, -result, "out of memory for a sample");
	sample->seq = live->seq++;
	sample->generation = topology->generation;
	sample->begin_ns = clock_now_ns();
	host_request_stats(live->host);
	result = block_read_issued(live->block, topology, sample);
	if (!result)
		result = host_read_vdisks(live->host, topology, sample, live->patience_ns);
	if (!result)
		result = block_read_leaves(live->block, topology, sample);
	if (!result)
		result = cputime_read_parts(live->cputime, topology, sample);
	if (result)
		return error_setf(error, -result, "counters cannot be read: %s",
				  strerrordesc_np(-result));
	result = cputime_read_total(live->cputime, sample, error);
	sample->end_ns = clock_now_ns();
	sample->realtime_ns = clock_read_ns(CLOCK_REALTIME);
	return result;
}
