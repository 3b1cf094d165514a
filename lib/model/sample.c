/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/sample.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/words.h"

static const char *const quality_words[QUALITY_COUNT] = {
	"estimate", "multiplexed", "skew", "stale", "wrapped", "missing", "gap", "extrapolated",
};

const char *quality_name(unsigned index)
{
	return words_name(quality_words, QUALITY_COUNT, index);
}

int quality_parse(const char *word)
{
	int index = words_parse(quality_words, QUALITY_COUNT, word);

	return index < 0 ? -1 : 1 << index;
}

static const char *const cpu_source_words[] = {
	[CPU_SOURCE_PERF] = "perf",
	[CPU_SOURCE_CPUTIME] = "cputime",
	[CPU_SOURCE_SWITCH] = "switch",
};

const char *cpu_source_name(enum cpu_source source)
{
	return words_name(cpu_source_words, WORDS_COUNT(cpu_source_words), source);
}

int cpu_source_parse(const char *word)
{
	return words_parse(cpu_source_words, WORDS_COUNT(cpu_source_words), word);
}

bool event_set_is_time(const struct event_set *events)
{
	return events->source == CPU_SOURCE_CPUTIME ||
	       (events->count == 1 && strcmp(events->names[0], CPUTIME_EVENT) == 0);
}

/* Room for `count` items, all cleared; NULL when out of memory, with the old array untouched. */
static void *resize(void *items, size_t count, size_t item_bytes)
{
	void *resized = reallocarray(items, count > 0 ? count : 1, item_bytes);

	if (resized)
		memset(resized, 0, count * item_bytes);
	return resized;
}

#define RESIZE(array, count)                                                                       \
	({                                                                                         \
		__typeof__(array) resized_ = resize(array, count, sizeof *(array));                \
		if (resized_)                                                                      \
			(array) = resized_;                                                        \
		resized_ ? 0 : -ENOMEM;                                                            \
	})

static void free_domains_from(struct sample *sample, size_t first)
{
	for (size_t i = first; i < sample->domain_count; i++) {
		free(sample->domains[i].threads);
		free(sample->domains[i].vdisks);
		free(sample->domains[i].vnics);
	}
	if (sample->domain_count > first)
		sample->domain_count = first;
}

static int prepare_domain(struct domain_reading *reading, const struct domain *domain)
{
	reading->total_source = TOTAL_NONE;
	memset(&reading->total, 0, sizeof reading->total);
	if (RESIZE(reading->threads, domain->thread_count) ||
	    RESIZE(reading->vdisks, domain->vdisk_count) ||
	    RESIZE(reading->vnics, domain->vnic_count))
		return -ENOMEM;
	return 0;
}

/* Domains that stay keep their arrays, so that a quiet host's tick allocates nothing. */
static int prepare_domains(struct sample *sample, const struct topology *topology)
{
	struct domain_reading *domains;
	size_t have = sample->domain_count, need = topology->domain_count;

	free_domains_from(sample, need);
	if (need > have) {
		domains = reallocarray(sample->domains, need, sizeof *domains);
		if (!domains)
			return -ENOMEM;
		memset(domains + have, 0, (need - have) * sizeof *domains);
		sample->domains = domains;
		sample->domain_count = need;
	}
	for (size_t i = 0; i < need; i++)
		if (prepare_domain(&sample->domains[i], &topology->domains[i]))
			return -ENOMEM;
	return 0;
}

static void free_services_from(struct sample *sample, size_t first)
{
	for (size_t i = first; i < sample->service_count; i++)
		free(sample->services[i].threads);
	if (sample->service_count > first)
		sample->service_count = first;
}

static int prepare_services(struct sample *sample, const struct topology *topology)
{
	struct service_reading *services;
	size_t have = sample->service_count, need = topology->service_count;

	free_services_from(sample, need);
	if (need > have) {
		services = reallocarray(sample->services, need, sizeof *services);
		if (!services)
			return -ENOMEM;
		memset(services + have, 0, (need - have) * sizeof *services);
		sample->services = services;
		sample->service_count = need;
	}
	for (size_t i = 0; i < need; i++) {
		sample->services[i].total = (struct cpu_reading){ 0 };
		if (RESIZE(sample->services[i].threads, topology->services[i].thread_count))
			return -ENOMEM;
	}
	return 0;
}

static void clear_packages(struct sample *sample)
{
	sample->package_count = 0;
	memset(sample->packages, 0, sizeof sample->packages);
	for (unsigned i = 0; i < SAMPLE_PACKAGES_MAX; i++)
		sample->packages[i].temperature_c = NAN;
}

int sample_prepare(struct sample *sample, const struct topology *topology)
{
	sample->generation = topology->generation;
	sample->begin_ns = sample->end_ns = sample->realtime_ns = 0;
	sample->quality = 0;
	clear_packages(sample);
	memset(&sample->own, 0, sizeof sample->own);
	sample->tsc_ticks = 0;
	sample->issued_count = 0;
	sample->head_count = 0;
	memset(&sample->on_cpu, 0, sizeof sample->on_cpu);
	if (prepare_domains(sample, topology) || prepare_services(sample, topology) ||
	    RESIZE(sample->disks, topology->disk_count) ||
	    RESIZE(sample->attachments, topology->attachment_count) ||
	    RESIZE(sample->nics, topology->nic_count))
		return -ENOMEM;
	sample->nic_count = topology->nic_count;
	sample->disk_count = topology->disk_count;
	sample->attachment_count = topology->attachment_count;
	return 0;
}

void sample_clear(struct sample *sample)
{
	free_domains_from(sample, 0);
	free_services_from(sample, 0);
	free(sample->domains);
	free(sample->services);
	free(sample->disks);
	free(sample->attachments);
	free(sample->nics);
	free(sample->issued);
	free(sample->heads);
	memset(sample, 0, sizeof *sample);
}

struct issued_reading *sample_add_issued(struct sample *sample)
{
	struct issued_reading *issued = memory_grow(sample->issued, &sample->issued_capacity,
						    sample->issued_count + 1, sizeof *issued);

	if (!issued)
		return NULL;
	sample->issued = issued;
	issued += sample->issued_count++;
	memset(issued, 0, sizeof *issued); /* memory of an earlier tick is not clear */
	return issued;
}

struct head_reading *sample_add_head(struct sample *sample)
{
	struct head_reading *head;

	if (sample->head_count >= SAMPLE_HEADS_MAX)
		return NULL;
	head = memory_grow(sample->heads, &sample->head_capacity, sample->head_count + 1,
			   sizeof *head);
	if (!head)
		return NULL;
	sample->heads = head;
	head += sample->head_count++;
	memset(head, 0, sizeof *head);
	return head;
}
