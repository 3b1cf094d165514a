/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/rootfs.h"
#include "engine/cpu-counter.h"
#include "host/host.h"
#include "probe/attachment.h"
#include "probe/block.h"
#include "probe/freq.h"
#include "probe/nic.h"
#include "probe/service-time.h"

enum { PATIENCE_MAX_MS = 250 };

struct live {
	struct rootfs root;
	struct host *host;
	struct cpu_counter cpu;
	struct exits *exits; /* borrowed */
	struct freq *freq;
	struct block *block;
	struct attachment_probe *attachments;
	struct nic_probe *nics;
	struct service_time *service_time;
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
		.services = options->services,
		.service_count = options->service_count,
	};
	int result;

	if (!live)
		return error_setf(error, ENOMEM, "out of memory");
	live->patience_ns = patience(options->interval_ns);
	live->exits = options->exits;
	host.root = &live->root;
	result = rootfs_open(&live->root, options->root, error);
	if (!result)
		result = block_open(&live->block, &live->root, error);
	if (!result && attachment_probe_open(&live->attachments, &live->root))
		result = error_setf(error, ENOMEM, "out of memory");
	if (!result && nic_probe_open(&live->nics, &live->root))
		result = error_setf(error, ENOMEM, "out of memory");
	if (!result)
		result = service_time_open(&live->service_time, &live->root, error);
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
	if (live->service_time)
		service_time_close(live->service_time);
	attachment_probe_close(live->attachments);
	nic_probe_close(live->nics);
	if (live->block)
		block_close(live->block);
	if (live->freq)
		freq_close(live->freq);
	cpu_counter_close(&live->cpu);
	if (live->topology)
		topology_unref(live->topology);
	rootfs_close(&live->root);
	free(live);
}

uint64_t live_libvirt_heard_ns(const struct live *live)
{
	return host_libvirt_heard_ns(live->host);
}

size_t live_spare_monitors(const struct live *live, struct host_spare *spares, size_t most)
{
	return host_spare_monitors(live->host, spares, most);
}

void live_set_interval(struct live *live, uint64_t interval_ns)
{
	live->patience_ns = patience(interval_ns);
}

bool live_is_here(const struct live *live)
{
	return rootfs_is_real(&live->root);
}

static int follow_cpu(struct live *live, struct error *error)
{
	int result = cpu_counter_follow(&live->cpu, live->topology);

	return result ? error_setf(error, -result, "out of memory while following the domains") : 0;
}

int live_count(struct live *live, const struct live_counting *counting, struct error *error)
{
	struct cpu_counter_request cpu = counting->cpu;
	int result;

	cpu.exits = live->exits;
	if (cpu.source != CPU_SOURCE_CPUTIME && !live_is_here(live))
		return error_setf(error, ENOTSUP,
				  "event counters are this machine's, not those of another root");
	result = cpu_counter_open(&live->cpu, &cpu, &live->root, error);
	if (!result)
		result = follow_cpu(live, error);
	if (!result)
		result = freq_open(&live->freq, &live->root, live->topology->cpu.tsc_hz,
				   counting->with_frequency, error);
	if (result)
		cpu_counter_close(&live->cpu);
	return result;
}

void live_events(const struct live *live, struct event_set *events)
{
	cpu_counter_events(&live->cpu, events);
}

const char *live_total_source(const struct live *live)
{
	return cpu_counter_phrase(&live->cpu);
}

const char *live_frequency_source(const struct live *live)
{
	return freq_source(live->freq);
}

const char *live_service_time_source(const struct live *live)
{
	return service_time_source(live->service_time);
}

const char *live_note(const struct live *live, unsigned index)
{
	switch (index) {
	case 0:
		return cpu_counter_note(&live->cpu);
	case 1:
		return service_time_note(live->service_time);
	case 2:
		return attachment_probe_note(live->attachments);
	default:
		return NULL;
	}
}

/* Let the probes open what is new and close what is gone. */
static int follow(struct live *live, struct error *error)
{
	int result = block_follow(live->block, live->topology);

	if (!result)
		result = attachment_probe_follow(live->attachments, live->topology);
	if (!result)
		result = nic_probe_follow(live->nics, live->topology);
	if (!result)
		result = service_time_follow(live->service_time, live->topology);
	if (result)
		return error_setf(error, -result, "out of memory while following the domains");
	return live->cpu.driver ? follow_cpu(live, error) : 0;
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
		result = attachment_probe_read(live->attachments, topology, sample);
	if (!result)
		result = block_read_leaves(live->block, topology, sample);
	if (!result)
		result = nic_probe_read(live->nics, sample);
	if (!result)
		result = service_time_read(live->service_time, topology, sample);
	if (!result)
		result = cpu_counter_read_parts(&live->cpu, topology, sample);
	if (result)
		return error_setf(error, -result, "counters cannot be read: %s",
				  strerrordesc_np(-result));
	result = cpu_counter_read_total(&live->cpu, sample, error);
	if (!result)
		freq_read(live->freq, sample);
	sample->end_ns = clock_now_ns();
	sample->realtime_ns = clock_read_ns(CLOCK_REALTIME);
	return result;
}
