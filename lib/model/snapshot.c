/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "model/words.h"

static const char *const idle_policy_words[] = {
	[IDLE_VCPU] = "vcpu",
	[IDLE_EQUAL] = "equal",
	[IDLE_SHARE] = "share",
	[IDLE_HOST] = "host",
};

const char *idle_policy_name(enum idle_policy policy)
{
	return words_name(idle_policy_words, WORDS_COUNT(idle_policy_words), policy);
}

int idle_policy_parse(const char *word)
{
	return words_parse(idle_policy_words, WORDS_COUNT(idle_policy_words), word);
}

static void domain_clear_rows(struct snapshot_domain *domain)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		free(domain->vdisks[i].name);
		free(domain->vdisks[i].disk);
		free(domain->vdisks[i].reason);
	}
	free(domain->vdisks);
	free(domain->vcpus);
	free(domain->id);
	free(domain->name);
	free(domain->uuid);
	free(domain->owner);
	free(domain->reason);
}

static void service_clear_rows(struct snapshot_service *service)
{
	for (size_t i = 0; i < service->client_count; i++)
		free(service->clients[i]);
	free(service->clients);
	free(service->name);
}

void snapshot_clear(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->domain_count; i++)
		domain_clear_rows(&snapshot->domains[i]);
	for (size_t i = 0; i < snapshot->service_count; i++)
		service_clear_rows(&snapshot->services[i]);
	for (size_t i = 0; i < snapshot->kept_count; i++)
		free(snapshot->kept[i].name);
	for (size_t i = 0; i < snapshot->disk_count; i++) {
		free(snapshot->disks[i].name);
		free(snapshot->disks[i].model);
		free(snapshot->disks[i].weights);
	}
	free(snapshot->domains);
	free(snapshot->services);
	free(snapshot->kept);
	free(snapshot->packages);
	free(snapshot->disks);
	free(snapshot->source.weights);
	free(snapshot->source.meter);
	free(snapshot->host.residual_reason);
	memset(snapshot, 0, sizeof *snapshot);
}
