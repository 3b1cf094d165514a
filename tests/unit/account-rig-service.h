/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account-rig-service.h - services of the simulated host, and who uses them. */
#ifndef VMENERGY_TESTS_ACCOUNT_RIG_SERVICE_H
#define VMENERGY_TESTS_ACCOUNT_RIG_SERVICE_H

#include <stdlib.h>
#include <string.h>

#include "tests/unit/account-rig-types.h"

/* Where in the topology domain `index` of the rig stands; SIZE_MAX: not there. */
static inline size_t rig_place(const struct rig *rig, size_t index)
{
	size_t place = 0;

	if (rig->domains[index].absent)
		return SIZE_MAX;
	for (size_t i = 0; rig->order[i] != index; i++)
		place += !rig->domains[rig->order[i]].absent;
	return place;
}

/* Where in the topology service `index` of the rig stands. */
static inline size_t rig_service_place(const struct rig *rig, size_t index)
{
	size_t place = 0;

	for (size_t i = 0; i < index; i++)
		place += !rig->services[i].absent;
	return place;
}

static inline bool rig_is_listed(const struct rig *rig, const struct attachment *of)
{
	if (rig->services[of->provider].absent)
		return false;
	return of->kind == CLIENT_VDISK ? !rig->domains[of->domain].absent
					: !rig->services[of->client].absent;
}

static inline void rig_list_attachments(const struct rig *rig, struct topology *to)
{
	to->attachments = calloc(rig->attachment_count + 1, sizeof *to->attachments);
	for (size_t i = 0; i < rig->attachment_count; i++) {
		struct attachment of = rig->attachments[i].of;

		if (!rig_is_listed(rig, &of))
			continue;
		of.provider = rig_service_place(rig, of.provider);
		if (of.kind == CLIENT_VDISK)
			of.domain = rig_place(rig, of.domain);
		else
			of.client = rig_service_place(rig, of.client);
		to->attachments[to->attachment_count++] = of;
	}
}

static inline void rig_list_service_threads(const struct rig_service *from, struct service *to)
{
	to->threads = calloc(from->thread_count + 1, sizeof *to->threads);
	to->thread_count = from->thread_count;
	for (size_t i = 0; i < from->thread_count; i++)
		to->threads[i] = (struct thread){ .tid = from->threads[i].tid,
						  .start_ticks = from->threads[i].start_ticks,
						  .role = THREAD_IOTHREAD,
						  .vcpu = VCPU_NONE,
						  .vdisk = VDISK_NONE,
						  .sampled = true };
}

static inline void rig_list_services(const struct rig *rig, struct topology *to)
{
	to->services = calloc(rig->service_count + 1, sizeof *to->services);
	for (size_t i = 0; i < rig->service_count; i++) {
		const struct rig_service *from = &rig->services[i];

		if (from->absent)
			continue;
		to->services[to->service_count++] =
			(struct service){ .id = strdup(from->id),
					  .name = strdup(from->id),
					  .pid = from->pid ? from->pid : 10 + (pid_t)i,
					  .idle_units = from->idle_units };
		rig_list_service_threads(from, &to->services[to->service_count - 1]);
	}
}

#endif
