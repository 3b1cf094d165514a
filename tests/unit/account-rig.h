/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-rig.h - a simulated host for the tests of the account: its tasks'
 * true counters, from which topology and sample of each tick are made.
 *
 *   machine   4 CPUs, 100 W constant, 10 W per busy CPU (cputime)
 *   nic       3 W idle, 2 nJ per byte received, 5 nJ per byte sent; named eth*
 *   disk      4 W idle, 6 W active, 1 ms + size / 100 MB/s per request
 */
#ifndef VMENERGY_TESTS_ACCOUNT_RIG_H
#define VMENERGY_TESTS_ACCOUNT_RIG_H

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/account-rig-nic.h"
#include "tests/unit/account-rig-service.h"
#include "tests/unit/account-rig-types.h"
#include "tests/unit/unit.h"

#define RIG_SECOND 1000000000ull
#define RIG_BOOT_NS (1000 * RIG_SECOND)
#define RIG_IDLE_W 100.0
#define RIG_CPU_W 10.0
#define RIG_DISK_IDLE_W 4.0
#define RIG_DISK_ACTIVE_W 6.0

/* --- building ----------------------------------------------------------------------------- */

static inline struct rig *rig_new(void)
{
	static char rig_path[] = "/somewhere/rig.weights";
	struct rig *rig = calloc(1, sizeof *rig);

	rig->now_ns = RIG_BOOT_NS;
	rig->next_id = 1000;
	rig->point = (struct operating_point){ .base_w = RIG_IDLE_W,
					       .base_se_w = NAN,
					       .voltage_v = NAN };
	rig->point.on_cpu.nj = RIG_CPU_W;
	rig->point.on_cpu.se_nj = NAN;
	rig->cpu = (struct weights){ .path = rig_path,
				     .kind = WEIGHTS_CPU,
				     .cpus = 4,
				     .chips = 1,
				     .points = &rig->point,
				     .point_count = 1 };
	rig->disk = (struct weights){ .path = rig_path, .kind = WEIGHTS_DISK };
	rig->disk.match.rotational = 0;
	rig->disk.disk = (struct disk_constants){ .idle_w = RIG_DISK_IDLE_W,
						  .active_w = RIG_DISK_ACTIVE_W,
						  .idle_se_w = NAN,
						  .active_se_w = NAN,
						  .read = { 1e-3, 100e6 },
						  .write = { 1e-3, 100e6 } };
	rig->disk_list[0] = &rig->disk;
	rig->nic = (struct weights){ .path = rig_path, .kind = WEIGHTS_NIC };
	rig->nic.match.nic_name = unit_literal("eth*");
	rig->nic.match.nic_speed = MATCH_ANY;
	rig->nic.nic = (struct nic_constants){ .idle_w = 3,
					       .receive_nj = 2,
					       .transmit_nj = 5,
					       .idle_se_w = NAN,
					       .receive_se_nj = NAN,
					       .transmit_se_nj = NAN };
	rig->nic_list[0] = &rig->nic;
	rig->options = (struct account_options){ .cpu = &rig->cpu,
						 .disks = rig->disk_list,
						 .disk_count = 1,
						 .nics = rig->nic_list,
						 .nic_count = 1,
						 .idle_policy = IDLE_VCPU };
	rig->options.events.source = CPU_SOURCE_CPUTIME;
	rig->options.events.count = 1;
	strcpy(rig->options.events.names[0], CPUTIME_EVENT);
	return rig;
}

/* A domain that was there before anyone looked, with its vCPU threads. */
static inline struct rig_domain *rig_domain(struct rig *rig, const char *id, unsigned vcpus)
{
	struct rig_domain *domain = &rig->domains[rig->domain_count];

	*domain = (struct rig_domain){ .vcpus = vcpus, .cpu_weight = 100 };
	rig->order[rig->domain_count] = rig->domain_count;
	rig->domain_count++;
	snprintf(domain->id, sizeof domain->id, "%s", id);
	domain->pid = rig->next_id++;
	domain->start_ticks = 1000;
	for (unsigned i = 0; i < vcpus; i++)
		domain->threads[domain->thread_count++] =
			(struct rig_thread){ .tid = rig->next_id++,
					     .start_ticks = 1000,
					     .role = THREAD_VCPU,
					     .vcpu = (int)i,
					     .vdisk = VDISK_NONE };
	return domain;
}

/* As rig_domain(), but started `ago_s` before now (of the tick that comes next: negative). */
static inline void rig_started(struct rig *rig, struct rig_domain *domain, double after_s)
{
	domain->start_ns = rig->now_ns + (uint64_t)(after_s * 1e9);
	domain->start_ticks = domain->start_ns / 10000000;
	for (size_t i = 0; i < domain->thread_count; i++)
		domain->threads[i].start_ticks = domain->start_ticks;
}

static inline struct rig_thread *rig_thread(struct rig *rig, struct rig_domain *domain,
					    enum thread_role role, int vdisk)
{
	struct rig_thread *thread = &domain->threads[domain->thread_count++];

	*thread = (struct rig_thread){ .tid = rig->next_id++,
				       .start_ticks = domain->start_ticks,
				       .role = role,
				       .vcpu = VCPU_NONE,
				       .vdisk = vdisk };
	return thread;
}

static inline size_t rig_disk(struct rig *rig, const char *name)
{
	snprintf(rig->disks[rig->disk_count].name, 16, "%s", name);
	rig->disks[rig->disk_count].io.io.has_requests = true;
	return rig->disk_count++;
}

static inline struct rig_vdisk *rig_vdisk(struct rig_domain *domain, const char *name, size_t leaf)
{
	struct rig_vdisk *vdisk = &domain->vdisks[domain->vdisk_count++];

	*vdisk = (struct rig_vdisk){ .direct = true, .leaves = { leaf }, .leaf_count = 1 };
	snprintf(vdisk->name, sizeof vdisk->name, "%s", name);
	vdisk->io.io.has_requests = true;
	return vdisk;
}

static inline struct rig_service *rig_service(struct rig *rig, const char *id)
{
	struct rig_service *service = &rig->services[rig->service_count++];

	*service = (struct rig_service){ .idle_units = 1 };
	snprintf(service->id, sizeof service->id, "%s", id);
	return service;
}

static inline struct rig_attachment *rig_attach(struct rig *rig, size_t domain, size_t vdisk,
						size_t provider)
{
	struct rig_attachment *to = &rig->attachments[rig->attachment_count++];

	to->of = (struct attachment){
		.kind = CLIENT_VDISK, .domain = domain, .vdisk = vdisk, .provider = provider
	};
	to->io.io.has_requests = true;
	return to;
}

static inline struct rig_attachment *rig_chain(struct rig *rig, size_t client, size_t provider)
{
	struct rig_attachment *to = &rig->attachments[rig->attachment_count++];

	to->of = (struct attachment){ .kind = CLIENT_SERVICE,
				      .client = client,
				      .provider = provider };
	to->io.io.has_requests = true;
	return to;
}

static inline struct rig_issued *rig_issue(struct rig *rig, size_t domain, int disk)
{
	struct rig_issued *issued = &rig->issued[rig->issued_count++];

	*issued = (struct rig_issued){ .domain = domain, .disk = disk };
	issued->io.io.has_requests = disk != ISSUED_ANY_DISK;
	return issued;
}

/* Domains a, b, ... each with vda, all served by one driver; events are counted. */
static inline struct rig *rig_of_clients(size_t count)
{
	struct rig *rig = rig_new();

	rig->options.events.source = CPU_SOURCE_PERF;
	strcpy(rig->options.events.names[0], "cycles");
	rig->point.weights[0] = (struct weight){ .event = "cycles", .nj = 10, .se_nj = NAN };
	rig->point.weight_count = 1;
	rig->point.on_cpu.nj = NAN;
	rig_disk(rig, "sda");
	for (size_t i = 0; i < count; i++) {
		char id[2] = { (char)('a' + i), 0 };

		rig_vdisk(rig_domain(rig, id, 1), "vda", 0);
		rig_attach(rig, i, 0, 0);
	}
	rig_service(rig, "driver");
	return rig;
}

/* --- working ------------------------------------------------------------------------------ */

static inline void rig_run(struct rig_counter *counter, double cpu_seconds)
{
	counter->count[0] += (uint64_t)llround(cpu_seconds * 1e9);
}

static inline void rig_read(struct rig_io *io, uint64_t requests, uint64_t bytes)
{
	io->io.read_requests += requests;
	io->io.read_bytes += requests * bytes;
}

static inline void rig_write(struct rig_io *io, uint64_t requests, uint64_t bytes)
{
	io->io.write_requests += requests;
	io->io.write_bytes += requests * bytes;
}

/* What following a leaf's requests tells, beside the requests themselves. */
static inline void rig_serve(struct rig_io *io, uint64_t read_seeks, uint64_t write_seeks,
			     double busy_s)
{
	io->io.has_service = true;
	io->io.read_seeks += read_seeks;
	io->io.write_seeks += write_seeks;
	io->io.busy_ns += (uint64_t)llround(busy_s * 1e9);
}

/* A request of a vDISK that reaches its leaf, in full. */
static inline void rig_read_through(struct rig *rig, struct rig_vdisk *vdisk, uint64_t requests,
				    uint64_t bytes)
{
	rig_read(&vdisk->io, requests, bytes);
	rig_read(&rig->disks[vdisk->leaves[0]].io, requests, bytes);
}

/* --- topology and sample ------------------------------------------------------------------ */

/* The thread that stands at `place` of the list; NULL: it is not listed. */
static inline const struct rig_thread *rig_thread_at(const struct rig *rig,
						     const struct rig_domain *domain, size_t place)
{
	size_t index = rig->reversed ? domain->thread_count - 1 - place : place;

	return domain->threads[index].hidden ? NULL : &domain->threads[index];
}

static inline void rig_list_threads(const struct rig *rig, const struct rig_domain *from,
				    struct domain *to)
{
	to->threads = calloc(from->thread_count + 1, sizeof *to->threads);
	for (size_t i = 0; i < from->thread_count; i++) {
		const struct rig_thread *thread = rig_thread_at(rig, from, i);

		if (!thread)
			continue;
		to->threads[to->thread_count++] =
			(struct thread){ .tid = thread->tid,
					 .start_ticks = thread->start_ticks,
					 .role = thread->role,
					 .vcpu = thread->vcpu,
					 .vdisk = thread->vdisk,
					 .sampled = !thread->unsampled };
	}
}

static inline void rig_list_vdisks(const struct rig_domain *from, struct domain *to)
{
	to->vdisks = calloc(from->vdisk_count + 1, sizeof *to->vdisks);
	to->vdisk_count = from->vdisk_count;
	for (size_t i = 0; i < from->vdisk_count; i++) {
		struct vdisk *vdisk = &to->vdisks[i];

		vdisk->name = strdup(from->vdisks[i].name);
		vdisk->source = strdup("");
		vdisk->direct = from->vdisks[i].direct;
		vdisk->write_copies = from->vdisks[i].write_copies;
		vdisk->backing = from->vdisks[i].backing;
		vdisk->leaf_count = from->vdisks[i].leaf_count;
		vdisk->leaves = calloc(vdisk->leaf_count + 1, sizeof *vdisk->leaves);
		memcpy(vdisk->leaves, from->vdisks[i].leaves,
		       vdisk->leaf_count * sizeof *vdisk->leaves);
	}
}

static inline void rig_list_domain(const struct rig *rig, const struct rig_domain *from,
				   struct domain *to)
{
	to->id = strdup(from->id);
	to->name = strdup(from->id);
	to->state = from->state;
	to->pid = from->pid;
	to->start_ticks = from->start_ticks;
	to->start_ns = from->start_ns;
	to->end_ns = from->end_ns;
	to->vcpus = from->vcpus;
	to->cpu_weight = from->cpu_weight;
	rig_list_threads(rig, from, to);
	rig_list_vdisks(from, to);
	rig_list_vnics(from, to);
}

static inline struct topology *rig_list(struct rig *rig)
{
	struct topology *to = topology_new();

	to->generation = ++rig->generation;
	to->discovered_ns = rig->now_ns;
	to->cpu.cpus = 4;
	to->cpu.chips = 1;
	to->domains = calloc(rig->domain_count + 1, sizeof *to->domains);
	for (size_t i = 0; i < rig->domain_count; i++)
		if (!rig->domains[rig->order[i]].absent)
			rig_list_domain(rig, &rig->domains[rig->order[i]],
					&to->domains[to->domain_count++]);
	to->disks = calloc(rig->disk_count + 1, sizeof *to->disks);
	to->disk_count = rig->disk_count;
	for (size_t i = 0; i < rig->disk_count; i++)
		to->disks[i] = (struct disk){ .name = strdup(rig->disks[i].name),
					      .model = strdup(""),
					      .major = 8,
					      .minor = (unsigned)i * 16,
					      .rotational = rig->disks[i].rotational };
	rig_list_services(rig, to);
	rig_list_nics(rig, to);
	rig_list_attachments(rig, to);
	return to;
}

static inline void rig_put_cpu(const struct rig *rig, const struct rig_counter *counter,
			       struct cpu_reading *to)
{
	if (counter->missing) {
		to->quality = QUALITY_MISSING;
		return;
	}
	to->at_ns = counter->at_ns ? counter->at_ns : rig->now_ns;
	memcpy(to->count, counter->count, sizeof to->count);
}

static inline void rig_put_io(const struct rig *rig, const struct rig_io *io, struct io_reading *to)
{
	if (io->missing) {
		to->quality = QUALITY_MISSING;
		return;
	}
	*to = io->io;
	to->at_ns = io->at_ns ? io->at_ns : rig->now_ns;
}

static inline void rig_add(struct rig_counter *sum, const struct rig_counter *counter)
{
	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		sum->count[i] += counter->count[i];
}

static inline struct rig_counter rig_domain_total(const struct rig_domain *domain)
{
	struct rig_counter sum = domain->extra;

	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].twin == 0)
			rig_add(&sum, &domain->threads[i].counter);
	return sum;
}

static inline struct rig_counter rig_service_total(const struct rig_service *service)
{
	struct rig_counter sum = service->counter;

	for (size_t i = 0; i < service->thread_count; i++)
		rig_add(&sum, &service->threads[i].counter);
	return sum;
}

static inline struct rig_counter rig_host_total(const struct rig *rig)
{
	struct rig_counter sum = rig->host;

	rig_add(&sum, &rig->own);
	for (size_t i = 0; i < rig->domain_count; i++) {
		struct rig_counter total = rig_domain_total(&rig->domains[i]);

		rig_add(&sum, &total);
	}
	for (size_t i = 0; i < rig->service_count; i++) {
		struct rig_counter total = rig_service_total(&rig->services[i]);

		rig_add(&sum, &total);
	}
	sum.missing = rig->head_missing;
	return sum;
}

static inline void rig_put_domain(const struct rig *rig, const struct rig_domain *domain,
				  struct domain_reading *to)
{
	struct rig_counter total = rig_domain_total(domain);
	size_t place = 0;

	to->total_source = domain->total_source;
	if (to->total_source != TOTAL_NONE)
		rig_put_cpu(rig, &total, &to->total);
	for (size_t i = 0; i < domain->thread_count; i++) {
		const struct rig_thread *thread = rig_thread_at(rig, domain, i);

		if (!thread)
			continue;
		if (!thread->unsampled)
			rig_put_cpu(rig,
				    thread->twin ? &domain->threads[thread->twin - 1].counter
						 : &thread->counter,
				    &to->threads[place]);
		place++;
	}
	for (size_t i = 0; i < domain->vdisk_count; i++)
		rig_put_io(rig, &domain->vdisks[i].io, &to->vdisks[i]);
	for (size_t i = 0; i < domain->vnic_count; i++)
		rig_put_net(rig, &domain->vnics[i].io, &to->vnics[i]);
}

static inline void rig_put_service(const struct rig *rig, const struct rig_service *service,
				   struct service_reading *to)
{
	struct rig_counter total = rig_service_total(service);

	rig_put_cpu(rig, &total, &to->total);
	for (size_t i = 0; i < service->thread_count; i++)
		rig_put_cpu(rig, &service->threads[i].counter, &to->threads[i]);
}

static inline void rig_put_packages(struct rig *rig)
{
	struct rig_counter total = rig_host_total(rig);
	struct sample *sample = &rig->sample;

	sample->package_count = rig->package_count;
	for (unsigned i = 0; i < rig->package_count; i++) {
		struct package_reading *package = &sample->packages[i];

		rig_put_cpu(rig, &rig->packages[i].counter, &package->total);
		package->frequency_hz = rig->packages[i].frequency_hz;
		if (rig->packages[i].temperature_c > 0)
			package->temperature_c = rig->packages[i].temperature_c;
	}
	if (rig->package_count > 0)
		return;
	sample->package_count = 1;
	rig_put_cpu(rig, &total, &sample->packages[0].total);
}

static inline void rig_put_heads(struct rig *rig)
{
	for (size_t i = 0; i < rig->head_count; i++) {
		struct head_reading *head;

		if (rig->heads[i].absent)
			continue;
		head = sample_add_head(&rig->sample);
		memcpy(head->name, rig->heads[i].name, sizeof head->name);
		head->by_time = rig->heads[i].by_time;
		rig_put_cpu(rig, &rig->heads[i].counter, &head->cpu);
	}
	rig_put_cpu(rig, &rig->on_cpu, &rig->sample.on_cpu);
}

static inline void rig_put_rest(struct rig *rig)
{
	struct sample *sample = &rig->sample;
	size_t place = 0;

	for (size_t i = 0; i < rig->disk_count; i++)
		rig_put_io(rig, &rig->disks[i].io, &sample->disks[i]);
	for (size_t i = 0; i < rig->nic_count; i++)
		rig_put_net(rig, &rig->nics[i].io, &sample->nics[i]);
	for (size_t i = 0; i < rig->service_count; i++)
		if (!rig->services[i].absent)
			rig_put_service(rig, &rig->services[i],
					&sample->services[rig_service_place(rig, i)]);
	for (size_t i = 0; i < rig->attachment_count; i++)
		if (rig_is_listed(rig, &rig->attachments[i].of))
			rig_put_io(rig, &rig->attachments[i].io, &sample->attachments[place++]);
	for (size_t i = 0; i < rig->issued_count; i++) {
		struct issued_reading *issued;

		if (rig->domains[rig->issued[i].domain].absent)
			continue;
		issued = sample_add_issued(sample);
		issued->domain = rig_place(rig, rig->issued[i].domain);
		issued->disk = rig->issued[i].disk;
		rig_put_io(rig, &rig->issued[i].io, &issued->io);
	}
	rig_put_packages(rig);
	rig_put_cpu(rig, &rig->own, &sample->own);
	rig_put_heads(rig);
}

/* What happened in `seconds` has been counted: sample it and account for it. */
static inline int rig_tick(struct rig *rig, double seconds)
{
	struct sample *sample = &rig->sample;

	rig->now_ns += (uint64_t)llround(seconds * 1e9);
	if (!rig->account && account_open(&rig->account, &rig->options, &rig->error))
		return -1;
	if (!rig->same || !rig->topology) {
		topology_unref(rig->topology);
		rig->topology = rig_list(rig);
	}
	sample_prepare(sample, rig->topology);
	sample->seq = rig->seq++;
	sample->generation = rig->topology->generation;
	sample->begin_ns = sample->end_ns = rig->now_ns;
	sample->realtime_ns = rig->now_ns + 1700000000 * RIG_SECOND;
	sample->tsc_ticks = rig->tsc_ticks;
	for (size_t i = 0; i < rig->domain_count; i++)
		if (!rig->domains[i].absent)
			rig_put_domain(rig, &rig->domains[i], &sample->domains[rig_place(rig, i)]);
	rig_put_rest(rig);
	rig->error.text[0] = '\0';
	return account_tick(rig->account, rig->topology, sample, &rig->snapshot, &rig->error);
}

/* Asserts that the tick was accounted for, and says why when it was not. */
#define RIG_TICK(rig, seconds)                                                                     \
	do {                                                                                       \
		int result_ = rig_tick(rig, seconds);                                              \
		UNIT_EQUAL_TEXT("", (rig)->error.text);                                            \
		UNIT_EQUAL_I64(0, result_);                                                        \
	} while (0)
#define RIG_BASELINE(rig) UNIT_EQUAL_I64(-EAGAIN, rig_tick(rig, 1))

static inline const struct snapshot_domain *rig_row(const struct rig *rig, const char *id)
{
	static const struct snapshot_domain none;

	for (size_t i = 0; i < rig->snapshot.domain_count; i++)
		if (strcmp(rig->snapshot.domains[i].id, id) == 0)
			return &rig->snapshot.domains[i];
	return &none;
}

static inline void rig_free(struct rig *rig)
{
	account_close(rig->account);
	snapshot_clear(&rig->snapshot);
	sample_clear(&rig->sample);
	topology_unref(rig->topology);
	free(rig);
}

#endif
