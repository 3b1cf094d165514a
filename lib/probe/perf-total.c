/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf-total.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/* A package keeps its place when others leave; those that are too many share the last. */
static unsigned slot_of(struct perf_total *total, unsigned package_id)
{
	unsigned slot = 0;

	while (slot < total->package_count && total->package_ids[slot] != package_id)
		slot++;
	if (slot == SAMPLE_PACKAGES_MAX)
		return SAMPLE_PACKAGES_MAX - 1;
	if (slot == total->package_count)
		total->package_ids[total->package_count++] = package_id;
	return slot;
}

static int open_failed(struct error *error, int result)
{
	if (result == -EMFILE)
		return error_setf(error, EMFILE,
				  "per-CPU totals: file descriptors ran out (RLIMIT_NOFILE)");
	return error_setf(error, -result, "per-CPU totals: %s", strerrordesc_np(-result));
}

static int follow(struct perf_total *total, struct error *error)
{
	struct perf_context *context = total->context;
	int result = packages_read(&context->packages, context->files.root, error);

	if (result)
		return result;
	/* In the order of the kernel's ids, which is not that of the CPUs. */
	for (unsigned p = 0; p < context->packages.package_count; p++)
		for (size_t i = 0; i < context->packages.cpu_count; i++)
			if (context->packages.cpus[i].package == p)
				slot_of(total, context->packages.cpus[i].package_id);
	result = perf_cpus_follow(&total->cpus, context, PERF_ALL_TASKS);
	if (result)
		return open_failed(error, result);
	for (size_t i = 0; i < total->cpus.count; i++)
		total->cpus.items[i].slot = slot_of(total, total->cpus.items[i].package_id);
	snprintf(total->phrase, sizeof total->phrase, "perf groups of %u event%s on %zu CPU%s",
		 context->set.count, context->set.count == 1 ? "" : "s",
		 context->packages.cpu_count, context->packages.cpu_count == 1 ? "" : "s");
	return 0;
}

int perf_total_open(struct perf_total *total, struct perf_context *context, struct error *error)
{
	int result;

	*total = (struct perf_total){ .context = context };
	result = kept_open(&context->files, &total->online, "%s", PACKAGES_ONLINE);
	if (result)
		return error_setf(error, -result, "%s: %s", PACKAGES_ONLINE,
				  strerrordesc_np(-result));
	result = perf_total_refresh(total, error);
	return result < 0 ? result : 0;
}

void perf_total_close(struct perf_total *total)
{
	perf_cpus_clear(&total->cpus);
	kept_close(&total->online);
	free(total->buffer.bytes);
	free(total->online_text);
	*total = (struct perf_total){ 0 };
}

/* Have it followed again, whatever the kernel's list says. */
static void forget_list(struct perf_total *total)
{
	free(total->online_text);
	total->online_text = NULL;
}

void perf_total_reopen(struct perf_total *total)
{
	perf_cpus_stop(&total->cpus);
	forget_list(total);
}

int perf_total_refresh(struct perf_total *total, struct error *error)
{
	long length = kept_read_all(&total->context->files, &total->online, &total->buffer);
	bool lost = !total->online_text;
	int result;

	if (length < 0)
		return error_setf(error, (int)-length, "%s: %s", PACKAGES_ONLINE,
				  strerrordesc_np((int)-length));
	if (!lost && strcmp(total->online_text, total->buffer.bytes) == 0)
		return PERF_CPUS_SAME;
	result = follow(total, error);
	if (result) {
		forget_list(total);
		return result;
	}
	if (text_replace(&total->online_text, total->buffer.bytes))
		return error_setf(error, ENOMEM, "out of memory");
	return lost ? PERF_CPUS_LOST : PERF_CPUS_CHANGED;
}

void perf_total_missing(const struct perf_total *total, struct sample *sample)
{
	sample->package_count = total->package_count;
	for (unsigned slot = 0; slot < total->package_count; slot++)
		sample->packages[slot].total = (struct cpu_reading){
			.quality = QUALITY_MISSING | total->context->set.quality,
		};
}

int perf_total_read(struct perf_total *total, struct sample *sample, struct error *error)
{
	const struct perf_set *set = &total->context->set;
	unsigned all = 0;

	sample->package_count = total->package_count;
	for (unsigned slot = 0; slot < total->package_count; slot++) {
		struct cpu_reading *reading = &sample->packages[slot].total;

		*reading = (struct cpu_reading){ 0 };
		reading->quality =
			perf_cpus_read(&total->cpus, slot, reading->count) | set->quality;
		reading->count[set->count] = 0; /* a CPU is never off itself: no on-CPU time */
		reading->at_ns = clock_now_ns();
		all |= reading->quality;
	}
	/* A group that found no counters free comes back by itself. */
	if (total->cpus.has_dead)
		forget_list(total);
	if (!(all & QUALITY_MISSING))
		return 0;
	return error_setf(error, EIO, "per-CPU totals: some CPUs cannot be read");
}
