/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording-scene.h - topologies and samples with random contents, for wire-recording.c. */
#ifndef VMENERGY_TESTS_RECORDING_SCENE_H
#define VMENERGY_TESTS_RECORDING_SCENE_H

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "wire/recording.h"

static inline uint64_t below(uint64_t *seed, uint64_t limit)
{
	return unit_random(seed) % limit;
}

static inline uint64_t counter(uint64_t *seed)
{
	return unit_random(seed) >> (1 + below(seed, 63));
}

/* Any bytes but NUL; often none, often plain. */
static inline char *any_text(uint64_t *seed)
{
	size_t length = below(seed, 3) ? below(seed, 24) : 0;
	unsigned first = below(seed, 2) ? 'a' : 1, range = first == 1 ? 255 : 26;
	char *text = calloc(1, length + 1);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)(first + below(seed, range));
	return text;
}

static inline char *text_or_none(uint64_t *seed)
{
	return below(seed, 2) ? any_text(seed) : NULL;
}

static inline char *unique_id(uint64_t *seed, size_t index)
{
	struct text id = { 0 };
	char *tail = any_text(seed);

	text_addf(&id, "%zu:%s", index, tail);
	free(tail);
	return id.bytes;
}

static inline void fill_vdisk(struct vdisk *vdisk, size_t disk_count, uint64_t *seed)
{
	vdisk->name = any_text(seed);
	vdisk->source = any_text(seed);
	vdisk->backing = (enum vdisk_backing)below(seed, VDISK_UNKNOWN + 1);
	vdisk->reason = text_or_none(seed);
	vdisk->direct = below(seed, 2);
	vdisk->write_copies = below(seed, 2) ? unit_random_double(seed, 1, 9) : 0;
	vdisk->leaves = calloc(disk_count + 1, sizeof *vdisk->leaves);
	for (size_t i = 0; i < disk_count; i++)
		if (below(seed, 2))
			vdisk->leaves[vdisk->leaf_count++] = i;
}

static inline void fill_vnic(struct vnic *vnic, size_t nic_count, uint64_t *seed)
{
	vnic->name = any_text(seed);
	vnic->reason = text_or_none(seed);
	vnic->unseen = below(seed, 2);
	vnic->swapped = below(seed, 2);
	vnic->leaves = calloc(nic_count + 1, sizeof *vnic->leaves);
	for (size_t i = 0; i < nic_count; i++)
		if (below(seed, 2))
			vnic->leaves[vnic->leaf_count++] = i;
}

static inline struct thread *any_threads(size_t count, size_t vdisk_count, uint64_t *seed)
{
	struct thread *threads = calloc(count + 1, sizeof *threads);

	for (size_t i = 0; i < count; i++) {
		char *name = any_text(seed);

		threads[i] = (struct thread){
			.tid = (pid_t)(unit_random(seed) & INT_MAX),
			.start_ticks = counter(seed),
			.role = (enum thread_role)below(seed, THREAD_KVM + 1),
			.vcpu = below(seed, 2) ? (int)i : VCPU_ALL + (int)below(seed, 2),
			.vdisk = (int)below(seed, vdisk_count + 1) - 1,
			.sampled = below(seed, 2),
		};
		strncpy(threads[i].name, name, sizeof threads[i].name - 1);
		free(name);
	}
	return threads;
}

static inline void fill_domain(struct domain *domain, size_t index, const struct topology *topology,
			       uint64_t *seed)
{
	domain->id = unique_id(seed, index);
	domain->name = any_text(seed);
	domain->uuid = text_or_none(seed);
	domain->owner = text_or_none(seed);
	domain->state = (enum domain_state)below(seed, DOMAIN_ENDED + 1);
	domain->manager = (enum domain_manager)below(seed, 2);
	domain->reason = text_or_none(seed);
	domain->pid = (pid_t)below(seed, 1 << 22);
	domain->start_ticks = counter(seed);
	domain->start_ns = counter(seed);
	domain->end_ns = below(seed, 2) ? counter(seed) : 0;
	domain->vcpus = (unsigned)below(seed, 257);
	domain->cpu_weight = unit_random_double(seed, 0, 10000);
	domain->cgroup = text_or_none(seed);
	domain->connection = text_or_none(seed);
	domain->vdisk_count = below(seed, 4);
	domain->vdisks = calloc(domain->vdisk_count + 1, sizeof *domain->vdisks);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		fill_vdisk(&domain->vdisks[i], topology->disk_count, seed);
	domain->vnic_count = below(seed, 3);
	domain->vnics = calloc(domain->vnic_count + 1, sizeof *domain->vnics);
	for (size_t i = 0; i < domain->vnic_count; i++)
		fill_vnic(&domain->vnics[i], topology->nic_count, seed);
	domain->thread_count = below(seed, 6);
	domain->threads = any_threads(domain->thread_count, domain->vdisk_count, seed);
}

static inline void fill_services(struct topology *topology, uint64_t *seed)
{
	topology->service_count = below(seed, 3);
	topology->services = calloc(topology->service_count + 1, sizeof *topology->services);
	for (size_t i = 0; i < topology->service_count; i++) {
		struct service *service = &topology->services[i];

		service->id = unique_id(seed, i);
		service->name = any_text(seed);
		service->pid = (pid_t)below(seed, 1 << 22);
		service->start_ticks = counter(seed);
		service->idle_units = unit_random_double(seed, 0, 3);
		service->thread_count = below(seed, 3);
		service->threads = any_threads(service->thread_count, 0, seed);
	}
}

static inline void fill_attachments(struct topology *topology, uint64_t *seed)
{
	topology->attachments = calloc(64, sizeof *topology->attachments);
	if (topology->service_count == 0)
		return;
	for (size_t i = 0; i < topology->domain_count && i < 60; i++)
		if (topology->domains[i].vdisk_count > 0)
			topology->attachments[topology->attachment_count++] =
				(struct attachment){ .kind = CLIENT_VDISK,
						     .domain = i,
						     .vdisk = topology->domains[i].vdisk_count - 1,
						     .provider =
							     below(seed, topology->service_count) };
	topology->attachments[topology->attachment_count++] = (struct attachment){
		.kind = CLIENT_SERVICE, .client = 0, .provider = topology->service_count - 1
	};
	for (size_t i = 0; i < topology->attachment_count; i++) {
		struct attachment *attachment = &topology->attachments[i];
		size_t threads = topology->services[attachment->provider].thread_count;

		attachment->own_thread = (unsigned)below(seed, threads + 1);
		attachment->own_alone = below(seed, 2);
	}
}

static inline void fill_cpu(struct cpu_identity *cpu, uint64_t *seed)
{
	cpu_identity_clear(cpu);
	*cpu = (struct cpu_identity){
		.vendor = any_text(seed),
		.model_name = any_text(seed),
		.family = (unsigned)unit_random(seed),
		.model = (unsigned)below(seed, 256),
		.stepping = (unsigned)below(seed, 16),
		.cpus = (unsigned)below(seed, 512),
		.cores = (unsigned)below(seed, 256),
		.chips = (unsigned)below(seed, 8),
		.tsc_hz = counter(seed),
	};
}

static inline struct topology *any_topology(uint64_t *seed)
{
	struct topology *topology = topology_new();

	topology->generation = counter(seed);
	topology->discovered_ns = counter(seed);
	fill_cpu(&topology->cpu, seed);
	topology->disk_count = below(seed, 4);
	topology->disks = calloc(topology->disk_count + 1, sizeof *topology->disks);
	for (size_t i = 0; i < topology->disk_count; i++)
		topology->disks[i] = (struct disk){ .name = any_text(seed),
						    .model = any_text(seed),
						    .major = (unsigned)below(seed, 260),
						    .minor = (unsigned)below(seed, 256),
						    .rotational = below(seed, 2),
						    .size_bytes = counter(seed) };
	topology->nic_count = below(seed, 3);
	topology->nics = calloc(topology->nic_count + 1, sizeof *topology->nics);
	for (size_t i = 0; i < topology->nic_count; i++)
		topology->nics[i] = (struct nic){ .name = any_text(seed),
						  .driver = any_text(seed),
						  .model = any_text(seed),
						  .speed_mbits = (unsigned)below(seed, 400000),
						  .up = below(seed, 2) };
	topology->domain_count = below(seed, 6);
	topology->domains = calloc(topology->domain_count + 1, sizeof *topology->domains);
	for (size_t i = 0; i < topology->domain_count; i++)
		fill_domain(&topology->domains[i], i, topology, seed);
	fill_services(topology, seed);
	fill_attachments(topology, seed);
	topology->note_count = below(seed, 3);
	topology->notes = calloc(topology->note_count + 1, sizeof *topology->notes);
	for (size_t i = 0; i < topology->note_count; i++)
		topology->notes[i] = any_text(seed);
	return topology;
}

static inline struct cpu_reading any_cpu(uint64_t *seed)
{
	struct cpu_reading reading = { 0 };
	uint64_t events = below(seed, SAMPLE_EVENTS_MAX + 1);

	if (below(seed, 4) == 0)
		return reading;
	reading.at_ns = below(seed, 8) ? counter(seed) : 0;
	reading.quality = (unsigned)below(seed, 256);
	for (uint64_t i = 0; i < events; i++)
		reading.count[i] = below(seed, 4) ? counter(seed) : 0;
	return reading;
}

static inline struct io_reading any_io(uint64_t *seed)
{
	struct io_reading reading = { 0 };

	if (below(seed, 4) == 0)
		return reading;
	reading.at_ns = below(seed, 8) ? counter(seed) : 0;
	reading.quality = (unsigned)below(seed, 256);
	reading.has_requests = below(seed, 2);
	reading.read_bytes = counter(seed);
	reading.write_bytes = counter(seed);
	reading.read_requests = reading.has_requests ? counter(seed) : 0;
	reading.write_requests = reading.has_requests ? counter(seed) : 0;
	reading.has_service = reading.has_requests && below(seed, 2);
	reading.busy_ns = reading.has_service ? counter(seed) : 0;
	reading.read_seeks = reading.has_service ? counter(seed) : 0;
	reading.write_seeks = reading.has_service ? counter(seed) : 0;
	return reading;
}

static inline struct net_reading any_net(uint64_t *seed)
{
	if (below(seed, 4) == 0)
		return (struct net_reading){ 0 };
	return (struct net_reading){ .at_ns = 1 + counter(seed),
				     .quality = (unsigned)below(seed, 256),
				     .rx_bytes = counter(seed),
				     .tx_bytes = counter(seed),
				     .rx_packets = counter(seed),
				     .tx_packets = counter(seed) };
}

static inline void fill_domain_reading(struct domain_reading *reading, const struct domain *domain,
				       uint64_t *seed)
{
	reading->total_source = (enum total_source)below(seed, TOTAL_PROCESS + 1);
	reading->total = any_cpu(seed);
	for (size_t i = 0; i < domain->thread_count; i++)
		reading->threads[i] = any_cpu(seed);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		reading->vdisks[i] = any_io(seed);
	for (size_t i = 0; i < domain->vnic_count; i++)
		reading->vnics[i] = any_net(seed);
}

static inline void fill_issued(struct sample *sample, const struct topology *topology,
			       uint64_t *seed)
{
	for (size_t i = 0; i < topology->domain_count; i++) {
		struct issued_reading *issued = sample_add_issued(sample);

		issued->domain = i;
		issued->disk = (int)below(seed, topology->disk_count + 1) + ISSUED_ANY_DISK;
		issued->io = any_io(seed);
	}
}

static inline void fill_heads(struct sample *sample, uint64_t *seed)
{
	size_t count = below(seed, SAMPLE_HEADS_MAX + 1);

	for (size_t i = 0; i < count; i++) {
		struct head_reading *head = sample_add_head(sample);
		char *name = any_text(seed);

		strncpy(head->name, name, sizeof head->name - 1);
		free(name);
		head->by_time = below(seed, 2);
		head->cpu = any_cpu(seed);
	}
	sample->on_cpu = any_cpu(seed);
	if (!sample->on_cpu.at_ns) /* not read: then nothing of it is */
		sample->on_cpu = (struct cpu_reading){ 0 };
}

static inline void fill_sample(struct sample *sample, const struct topology *topology,
			       uint64_t *seed)
{
	sample_prepare(sample, topology);
	sample->seq = counter(seed);
	sample->begin_ns = counter(seed);
	sample->end_ns = sample->begin_ns + below(seed, 1000000);
	sample->realtime_ns = counter(seed);
	sample->missed_ticks = counter(seed);
	sample->quality = (unsigned)below(seed, 256);
	sample->tsc_ticks = counter(seed);
	sample->own = any_cpu(seed);
	sample->package_count = (unsigned)below(seed, SAMPLE_PACKAGES_MAX + 1);
	for (unsigned i = 0; i < sample->package_count; i++) {
		sample->packages[i].total = any_cpu(seed);
		sample->packages[i].frequency_hz = below(seed, 2) ? counter(seed) : 0;
		if (below(seed, 2))
			sample->packages[i].temperature_c = unit_random_double(seed, -40, 120);
	}
	for (size_t i = 0; i < topology->domain_count; i++)
		fill_domain_reading(&sample->domains[i], &topology->domains[i], seed);
	for (size_t i = 0; i < topology->service_count; i++) {
		sample->services[i].total = any_cpu(seed);
		for (size_t k = 0; k < topology->services[i].thread_count; k++)
			sample->services[i].threads[k] = any_cpu(seed);
	}
	for (size_t i = 0; i < topology->disk_count; i++)
		sample->disks[i] = any_io(seed);
	for (size_t i = 0; i < topology->nic_count; i++)
		sample->nics[i] = any_net(seed);
	for (size_t i = 0; i < topology->attachment_count; i++)
		sample->attachments[i] = any_io(seed);
	fill_issued(sample, topology, seed);
	fill_heads(sample, seed);
}

#endif
