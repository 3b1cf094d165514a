/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/perf-follow.h"
#include "probe/perf-total.h"
#include "probe/perf-trial.h"

struct perf {
	struct perf_context context;
	struct perf_total total;
	struct perf_followed followed;
	int own_tasks; /* /proc/self/task: its link count tells of new threads; -1 = none */
	nlink_t own_links;
	char note[1024];
};

/* --- opening ------------------------------------------------------------------------------- */

static int open_parts(struct perf *perf, const struct rootfs *root, const char *const *events,
		      unsigned count, struct error *error)
{
	struct perf_context *context = &perf->context;
	int result = perf_set_resolve(&context->set, events, count, error);

	if (result)
		return result;
	kept_files_init(&context->files, root);
	result = perf_trial(context, error);
	if (!result)
		result = perf_total_open(&perf->total, context, error);
	if (!result)
		perf->own_tasks = rootfs_openf(root, O_RDONLY | O_DIRECTORY, "/proc/self/task");
	return result;
}

static void write_note(struct perf *perf)
{
	const struct perf_followed *followed = &perf->followed;
	const char *stand_ins = perf->context.set.note;
	char threads[256] = "";

	if (followed->without_descriptor)
		snprintf(threads, sizeof threads,
			 "%zu threads have no counter: file descriptors ran out (RLIMIT_NOFILE)",
			 followed->without_descriptor);
	else if (followed->refused)
		snprintf(threads, sizeof threads, "%zu threads have no counter: %s",
			 followed->refused, strerrordesc_np(followed->refusal));
	snprintf(perf->note, sizeof perf->note, "%s%s%s", stand_ins,
		 stand_ins[0] && threads[0] ? "; " : "", threads);
}

int perf_open(struct perf **out, const struct rootfs *root, const char *const *events,
	      unsigned count, struct error *error)
{
	struct perf *perf = calloc(1, sizeof *perf);
	int result;

	*out = NULL;
	if (!perf)
		return error_setf(error, ENOMEM, "out of memory");
	perf->own_tasks = -1;
	result = open_parts(perf, root, events, count, error);
	if (result) {
		perf_close(perf);
		return result;
	}
	write_note(perf);
	*out = perf;
	return 0;
}

void perf_close(struct perf *perf)
{
	if (!perf)
		return;
	perf_followed_clear(&perf->followed);
	perf_total_close(&perf->total);
	packages_clear(&perf->context.packages);
	if (perf->own_tasks >= 0)
		close(perf->own_tasks);
	free(perf);
}

void perf_events(const struct perf *perf, struct event_set *events)
{
	const struct perf_set *set = &perf->context.set;

	*events = (struct event_set){ .source = CPU_SOURCE_PERF, .count = set->count + 1 };
	memcpy(events->names, set->names, sizeof set->names);
	strcpy(events->names[set->count], CPUTIME_EVENT);
}

const char *perf_total_source(const struct perf *perf)
{
	return perf->total.phrase;
}

const char *perf_note(const struct perf *perf)
{
	return perf->note[0] ? perf->note : NULL;
}

/* --- following and reading ----------------------------------------------------------------- */

int perf_follow(struct perf *perf, const struct topology *topology)
{
	int result = perf_followed_update(&perf->followed, &perf->context, topology);

	if (!result)
		write_note(perf);
	return result;
}

/* libvirt's worker threads come and go without a new topology. */
static int follow_own_threads(struct perf *perf)
{
	struct stat status;
	int result;

	if (perf->own_tasks < 0 || fstat(perf->own_tasks, &status) ||
	    status.st_nlink == perf->own_links)
		return 0;
	result = perf_followed_update_own(&perf->followed, &perf->context);
	if (!result)
		perf->own_links = status.st_nlink;
	return result;
}

int perf_read_parts(struct perf *perf, const struct topology *topology, struct sample *sample)
{
	struct perf_followed *followed = &perf->followed;
	const struct perf_set *set = &perf->context.set;
	struct perf_process *process = followed->items;
	enum total_source ignored;
	int result;

	if (!process || followed->generation != topology->generation ||
	    followed->domain_count != topology->domain_count ||
	    followed->service_count != topology->service_count)
		return -EINVAL;
	result = follow_own_threads(perf);
	if (result)
		return result;
	for (size_t i = 0; i < followed->domain_count; i++, process++)
		perf_process_read(process, set, sample->domains[i].threads,
				  &sample->domains[i].total, &sample->domains[i].total_source);
	for (size_t i = 0; i < followed->service_count; i++, process++)
		perf_process_read(process, set, NULL, &sample->services[i].total, &ignored);
	perf_process_read(process, set, NULL, &sample->own, &ignored);
	return 0;
}

int perf_read_total(struct perf *perf, struct sample *sample, struct error *error)
{
	int result = perf_total_refresh(&perf->total, error);

	if (result > 0)
		perf_followed_update_cpus(&perf->followed, &perf->context,
					  result == PERF_CPUS_LOST);
	if (result < 0) {
		perf_total_missing(&perf->total, sample);
		return result;
	}
	return perf_total_read(&perf->total, sample, error);
}
