/* SPDX-License-Identifier: GPL-3.0-or-later */
/* protocol-scene.h - random snapshots, and whether two are the same. */
#ifndef VMENERGY_TESTS_PROTOCOL_SCENE_H
#define VMENERGY_TESTS_PROTOCOL_SCENE_H

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "wire/protocol.h"
#include "wire/utf8.h"

struct scene {
	uint64_t seed;
	struct snapshot *snapshot;
	size_t most; /* of each list */
};

static inline uint64_t scene_below(struct scene *scene, uint64_t bound)
{
	return unit_random(&scene->seed) % bound;
}

/* Zero, negative, huge, tiny, whole, or unknown. */
static inline double scene_figure(struct scene *scene)
{
	double value = unit_random_double(&scene->seed, -10, 1000);

	switch (scene_below(scene, 8)) {
	case 0:
		return NAN;
	case 1:
		return 0;
	case 2:
		return value * 1e290;
	case 3:
		return value * 1e-290;
	case 4:
		return trunc(value);
	default:
		return value;
	}
}

/* Any bytes but NUL. */
static inline char *scene_name(struct scene *scene)
{
	size_t length = scene_below(scene, 24);
	char *name = snapshot_take(scene->snapshot, length + 1);

	for (size_t i = 0; i < length; i++)
		name[i] = (char)(scene_below(scene, 4) ? 'a' + scene_below(scene, 26)
						       : 1 + scene_below(scene, 255));
	return name;
}

static inline char *scene_text(struct scene *scene)
{
	return scene_below(scene, 3) ? scene_name(scene) : NULL;
}

static inline unsigned scene_quality(struct scene *scene)
{
	return (unsigned)scene_below(scene, 1u << QUALITY_COUNT);
}

static inline void *scene_list(struct scene *scene, size_t *count, size_t bytes)
{
	*count = scene_below(scene, scene->most + 1);
	return *count ? snapshot_take(scene->snapshot, *count * bytes) : NULL;
}

static inline void scene_vcpus(struct scene *scene, struct snapshot_domain *domain)
{
	domain->vcpus = scene_list(scene, &domain->vcpu_count, sizeof *domain->vcpus);
	for (size_t i = 0; i < domain->vcpu_count; i++)
		domain->vcpus[i] = (struct snapshot_vcpu){
			scene_below(scene, 4) ? (int)scene_below(scene, 1u << 31) : VCPU_ALL,
			(pid_t)scene_below(scene, 1u << 31), scene_figure(scene),
			scene_figure(scene)
		};
}

static inline void scene_vdisks(struct scene *scene, struct snapshot_domain *domain)
{
	domain->vdisks = scene_list(scene, &domain->vdisk_count, sizeof *domain->vdisks);
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct snapshot_vdisk *vdisk = &domain->vdisks[i];

		vdisk->name = scene_name(scene);
		vdisk->disk = scene_text(scene);
		vdisk->reason = scene_text(scene);
		vdisk->idle_w = scene_figure(scene);
		vdisk->active_w = scene_figure(scene);
		vdisk->service_idle_w = scene_figure(scene);
		vdisk->service_active_w = scene_figure(scene);
		vdisk->read_bytes = scene_figure(scene);
		vdisk->write_bytes = scene_figure(scene);
		vdisk->requests = scene_figure(scene);
	}
}

static inline void scene_vnics(struct scene *scene, struct snapshot_domain *domain)
{
	domain->vnics = scene_list(scene, &domain->vnic_count, sizeof *domain->vnics);
	for (size_t i = 0; i < domain->vnic_count; i++)
		domain->vnics[i] = (struct snapshot_vnic){ scene_name(scene),   scene_text(scene),
							   scene_text(scene),   scene_figure(scene),
							   scene_figure(scene), scene_figure(scene),
							   scene_figure(scene), scene_figure(scene),
							   scene_figure(scene) };
}

static inline struct account_power scene_power(struct scene *scene)
{
	return (struct account_power){ scene_figure(scene), scene_figure(scene),
				       scene_figure(scene), scene_figure(scene) };
}

static inline void scene_domain(struct scene *scene, struct snapshot_domain *domain)
{
	domain->id = scene_name(scene);
	domain->name = scene_name(scene);
	domain->uuid = scene_text(scene);
	domain->owner = scene_text(scene);
	domain->reason = scene_text(scene);
	domain->state = (enum domain_state)scene_below(scene, 3);
	domain->quality = scene_quality(scene);
	domain->cpu = scene_power(scene);
	domain->disk = scene_power(scene);
	domain->service = scene_power(scene);
	domain->net = scene_power(scene);
	domain->total_w = scene_figure(scene);
	domain->total_j = scene_figure(scene);
	domain->error_w = scene_figure(scene);
	domain->cpu_percent = scene_figure(scene);
	domain->control = (struct snapshot_control){ scene_figure(scene), scene_figure(scene),
						     scene_figure(scene), scene_figure(scene),
						     scene_figure(scene), scene_figure(scene),
						     scene_figure(scene), scene_figure(scene),
						     scene_figure(scene) };
	domain->throttle_cpu = scene_figure(scene);
	domain->throttle_disk = scene_figure(scene);
	scene_vcpus(scene, domain);
	scene_vdisks(scene, domain);
	scene_vnics(scene, domain);
}

static inline void scene_service(struct scene *scene, struct snapshot_service *service)
{
	service->name = scene_name(scene);
	service->pid = (pid_t)scene_below(scene, 1u << 31);
	service->idle_w = scene_figure(scene);
	service->active_w = scene_figure(scene);
	service->clients = scene_list(scene, &service->client_count, sizeof *service->clients);
	for (size_t i = 0; i < service->client_count; i++)
		service->clients[i] = scene_name(scene);
}

static inline void scene_disk(struct scene *scene, struct snapshot_disk *disk)
{
	disk->name = scene_name(scene);
	disk->model = scene_name(scene);
	disk->weights = scene_text(scene);
	disk->idle_w = scene_figure(scene);
	disk->active_w = scene_figure(scene);
	disk->idle_j = scene_figure(scene);
	disk->active_j = scene_figure(scene);
	disk->read_bytes = scene_figure(scene);
	disk->write_bytes = scene_figure(scene);
	disk->requests = scene_figure(scene);
	disk->busy_percent = scene_figure(scene);
	disk->vdisks = scene_below(scene, INT64_MAX);
	disk->quality = scene_quality(scene);
}

static inline void scene_host(struct scene *scene, struct snapshot_host *host)
{
	*host = (struct snapshot_host){
		scene_figure(scene), scene_figure(scene), scene_figure(scene), scene_figure(scene),
		scene_figure(scene), scene_figure(scene), scene_figure(scene), scene_figure(scene),
		scene_figure(scene), scene_figure(scene), scene_figure(scene), scene_figure(scene),
		scene_figure(scene), scene_figure(scene), scene_figure(scene), scene_figure(scene),
		scene_figure(scene), scene_figure(scene), scene_text(scene),   scene_figure(scene),
		scene_figure(scene), scene_quality(scene)
	};
}

static inline void scene_lists(struct scene *scene)
{
	struct snapshot *s = scene->snapshot;

	s->kept = scene_list(scene, &s->kept_count, sizeof *s->kept);
	for (size_t i = 0; i < s->kept_count; i++)
		s->kept[i] = (struct snapshot_kept){ scene_name(scene), scene_figure(scene),
						     scene_figure(scene) };
	s->domains = scene_list(scene, &s->domain_count, sizeof *s->domains);
	for (size_t i = 0; i < s->domain_count; i++)
		scene_domain(scene, &s->domains[i]);
	s->services = scene_list(scene, &s->service_count, sizeof *s->services);
	for (size_t i = 0; i < s->service_count; i++)
		scene_service(scene, &s->services[i]);
	s->packages = scene_list(scene, &s->package_count, sizeof *s->packages);
	for (size_t i = 0; i < s->package_count; i++)
		s->packages[i] =
			(struct snapshot_package){ scene_figure(scene), scene_figure(scene),
						   scene_figure(scene), scene_quality(scene) };
	s->disks = scene_list(scene, &s->disk_count, sizeof *s->disks);
	for (size_t i = 0; i < s->disk_count; i++)
		scene_disk(scene, &s->disks[i]);
}

/* Fill scene->snapshot, which is emptied first. */
static inline void scene_fill(struct scene *scene)
{
	struct snapshot *s = scene->snapshot;

	snapshot_reset(s);
	s->seq = scene_below(scene, INT64_MAX);
	s->epoch = scene_below(scene, INT64_MAX);
	s->time_s = scene_figure(scene);
	s->interval_s = scene_figure(scene);
	s->since_s = scene_figure(scene);
	s->missed_ticks = scene_below(scene, INT64_MAX);
	s->idle_policy = (enum idle_policy)scene_below(scene, IDLE_POLICY_COUNT);
	s->source =
		(struct snapshot_source){ (enum cpu_source)scene_below(scene, 3),
					  (enum standing)scene_below(scene, 3), scene_text(scene),
					  (enum scope)scene_below(scene, 5), scene_text(scene) };
	scene_host(scene, &s->host);
	scene_lists(scene);
}

/* --- the same? ---------------------------------------------------------------- */

static inline bool scene_same_text(const char *expected, const char *actual)
{
	struct text replaced = { 0 };
	bool same;

	if (!expected || !actual)
		return expected == actual;
	text_add(&replaced, "");
	utf8_add(&replaced, expected);
	same = strcmp(replaced.bytes, actual) == 0;
	text_free(&replaced);
	return same;
}

/* To the 15 digits of a line. */
static inline bool scene_same(double expected, double actual)
{
	if (!isfinite(expected))
		return isnan(actual);
	return fabs(expected - actual) <= 1e-14 * fabs(expected);
}

static inline bool scene_same_power(const struct account_power *a, const struct account_power *b)
{
	return scene_same(a->idle_w, b->idle_w) && scene_same(a->active_w, b->active_w) &&
	       scene_same(a->idle_j, b->idle_j) && scene_same(a->active_j, b->active_j);
}

static inline bool scene_same_control(const struct snapshot_control *a,
				      const struct snapshot_control *b)
{
	return scene_same(a->cap_w, b->cap_w) && scene_same(a->cap_total_w, b->cap_total_w) &&
	       scene_same(a->cpu_cap_w, b->cpu_cap_w) && scene_same(a->disk_cap_w, b->disk_cap_w) &&
	       scene_same(a->floor_w, b->floor_w) && scene_same(a->share, b->share) &&
	       scene_same(a->stride, b->stride) && scene_same(a->headroom_w, b->headroom_w) &&
	       scene_same(a->infeasible_w, b->infeasible_w);
}

static inline bool scene_same_vcpus(const struct snapshot_domain *a,
				    const struct snapshot_domain *b)
{
	bool same = a->vcpu_count == b->vcpu_count;

	for (size_t i = 0; i < a->vcpu_count && same; i++)
		same = a->vcpus[i].id == b->vcpus[i].id && a->vcpus[i].tid == b->vcpus[i].tid &&
		       scene_same(a->vcpus[i].active_w, b->vcpus[i].active_w) &&
		       scene_same(a->vcpus[i].cpu_percent, b->vcpus[i].cpu_percent);
	return same;
}

static inline bool scene_same_vdisk(const struct snapshot_vdisk *a, const struct snapshot_vdisk *b)
{
	return scene_same_text(a->name, b->name) && scene_same_text(a->disk, b->disk) &&
	       scene_same_text(a->reason, b->reason) && scene_same(a->idle_w, b->idle_w) &&
	       scene_same(a->active_w, b->active_w) &&
	       scene_same(a->service_idle_w, b->service_idle_w) &&
	       scene_same(a->service_active_w, b->service_active_w) &&
	       scene_same(a->read_bytes, b->read_bytes) &&
	       scene_same(a->write_bytes, b->write_bytes) && scene_same(a->requests, b->requests);
}

static inline bool scene_same_vnics(const struct snapshot_domain *a,
				    const struct snapshot_domain *b)
{
	bool same = a->vnic_count == b->vnic_count;

	for (size_t i = 0; i < a->vnic_count && same; i++) {
		const struct snapshot_vnic *x = &a->vnics[i], *y = &b->vnics[i];

		same = scene_same_text(x->name, y->name) && scene_same_text(x->nic, y->nic) &&
		       scene_same_text(x->reason, y->reason) && scene_same(x->idle_w, y->idle_w) &&
		       scene_same(x->active_w, y->active_w) &&
		       scene_same(x->service_active_w, y->service_active_w) &&
		       scene_same(x->rx_bytes, y->rx_bytes) &&
		       scene_same(x->tx_bytes, y->tx_bytes) && scene_same(x->packets, y->packets);
	}
	return same;
}

static inline bool scene_same_domain(const struct snapshot_domain *a,
				     const struct snapshot_domain *b)
{
	bool same = scene_same_text(a->id, b->id) && scene_same_text(a->name, b->name) &&
		    scene_same_text(a->uuid, b->uuid) && scene_same_text(a->owner, b->owner) &&
		    scene_same_text(a->reason, b->reason) && a->state == b->state &&
		    a->quality == b->quality && scene_same_power(&a->cpu, &b->cpu) &&
		    scene_same_power(&a->disk, &b->disk) &&
		    scene_same_power(&a->service, &b->service) &&
		    scene_same_power(&a->net, &b->net) && scene_same_vnics(a, b) &&
		    scene_same(a->total_w, b->total_w) && scene_same(a->total_j, b->total_j) &&
		    scene_same(a->error_w, b->error_w) &&
		    scene_same(a->cpu_percent, b->cpu_percent) &&
		    scene_same_control(&a->control, &b->control) &&
		    scene_same(a->throttle_cpu, b->throttle_cpu) &&
		    scene_same(a->throttle_disk, b->throttle_disk) && scene_same_vcpus(a, b) &&
		    a->vdisk_count == b->vdisk_count;

	for (size_t i = 0; i < a->vdisk_count && same; i++)
		same = scene_same_vdisk(&a->vdisks[i], &b->vdisks[i]);
	return same;
}

static inline bool scene_same_service(const struct snapshot_service *a,
				      const struct snapshot_service *b)
{
	bool same = scene_same_text(a->name, b->name) && a->pid == b->pid &&
		    scene_same(a->idle_w, b->idle_w) && scene_same(a->active_w, b->active_w) &&
		    a->client_count == b->client_count;

	for (size_t i = 0; i < a->client_count && same; i++)
		same = scene_same_text(a->clients[i], b->clients[i]);
	return same;
}

static inline bool scene_same_disk(const struct snapshot_disk *a, const struct snapshot_disk *b)
{
	return scene_same_text(a->name, b->name) && scene_same_text(a->model, b->model) &&
	       scene_same_text(a->weights, b->weights) && scene_same(a->idle_w, b->idle_w) &&
	       scene_same(a->active_w, b->active_w) && scene_same(a->idle_j, b->idle_j) &&
	       scene_same(a->active_j, b->active_j) && scene_same(a->read_bytes, b->read_bytes) &&
	       scene_same(a->write_bytes, b->write_bytes) && scene_same(a->requests, b->requests) &&
	       scene_same(a->busy_percent, b->busy_percent) && a->vdisks == b->vdisks &&
	       a->quality == b->quality;
}

static inline bool scene_same_package(const struct snapshot_package *a,
				      const struct snapshot_package *b)
{
	return scene_same(a->active_w, b->active_w) &&
	       scene_same(a->frequency_hz, b->frequency_hz) &&
	       scene_same(a->temperature_c, b->temperature_c) && a->quality == b->quality;
}

static inline bool scene_same_host(const struct snapshot_host *a, const struct snapshot_host *b)
{
	return scene_same(a->total_w, b->total_w) && scene_same(a->total_j, b->total_j) &&
	       scene_same(a->cpu_idle_w, b->cpu_idle_w) &&
	       scene_same(a->cpu_active_w, b->cpu_active_w) &&
	       scene_same(a->disk_idle_w, b->disk_idle_w) &&
	       scene_same(a->disk_active_w, b->disk_active_w) &&
	       scene_same(a->cpu_idle_j, b->cpu_idle_j) &&
	       scene_same(a->cpu_active_j, b->cpu_active_j) &&
	       scene_same(a->disk_idle_j, b->disk_idle_j) &&
	       scene_same(a->disk_active_j, b->disk_active_j) && scene_same(a->kept_w, b->kept_w) &&
	       scene_same(a->net_idle_w, b->net_idle_w) &&
	       scene_same(a->net_active_w, b->net_active_w) &&
	       scene_same(a->net_idle_j, b->net_idle_j) &&
	       scene_same(a->net_active_j, b->net_active_j) && scene_same(a->kept_j, b->kept_j) &&
	       scene_same(a->metered_w, b->metered_w) && scene_same(a->residual_w, b->residual_w) &&
	       scene_same_text(a->residual_reason, b->residual_reason) &&
	       scene_same(a->cap_w, b->cap_w) && scene_same(a->temperature_c, b->temperature_c) &&
	       a->quality == b->quality;
}

static inline bool scene_same_head(const struct snapshot *a, const struct snapshot *b)
{
	return a->seq == b->seq && a->epoch == b->epoch && scene_same(a->time_s, b->time_s) &&
	       scene_same(a->interval_s, b->interval_s) && scene_same(a->since_s, b->since_s) &&
	       a->idle_policy == b->idle_policy && a->source.cpu == b->source.cpu &&
	       a->source.standing == b->source.standing && a->source.scope == b->source.scope &&
	       scene_same_text(a->source.weights, b->source.weights) &&
	       scene_same_text(a->source.meter, b->source.meter) &&
	       a->missed_ticks == b->missed_ticks && a->kept_count == b->kept_count &&
	       a->domain_count == b->domain_count && a->service_count == b->service_count &&
	       a->package_count == b->package_count && a->disk_count == b->disk_count;
}

/* Every field, `expected` as a line would have it. */
static inline bool scene_same_snapshot(const struct snapshot *expected,
				       const struct snapshot *actual)
{
	bool same = scene_same_head(expected, actual) &&
		    scene_same_host(&expected->host, &actual->host);

	for (size_t i = 0; same && i < expected->kept_count; i++)
		same = scene_same_text(expected->kept[i].name, actual->kept[i].name) &&
		       scene_same(expected->kept[i].idle_w, actual->kept[i].idle_w) &&
		       scene_same(expected->kept[i].active_w, actual->kept[i].active_w);
	for (size_t i = 0; same && i < expected->domain_count; i++)
		same = scene_same_domain(&expected->domains[i], &actual->domains[i]);
	for (size_t i = 0; same && i < expected->service_count; i++)
		same = scene_same_service(&expected->services[i], &actual->services[i]);
	for (size_t i = 0; same && i < expected->package_count; i++)
		same = scene_same_package(&expected->packages[i], &actual->packages[i]);
	for (size_t i = 0; same && i < expected->disk_count; i++)
		same = scene_same_disk(&expected->disks[i], &actual->disks[i]);
	return same;
}

#endif
