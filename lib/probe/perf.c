/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/perf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "probe/perf-follow.h"
#include "probe/perf-total.h"
#include "probe/perf-trial.h"

struct perf {
	struct perf_context context;
	struct perf_total total;
	struct perf_followed followed;
	int own_tasks; /* /proc/self/task: its link count tells of new threads; -1 = none */
	nlink_t own_links;
	struct error problem; /* of the last totals; "" = none */
	struct text note;
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

/* What follows "; " in a list of remarks. */
static struct text *next_remark(struct text *note)
{
	if (note->length)
		text_add(note, "; ");
	return note;
}

static void note_threads(struct text *note, const struct perf_followed *followed)
{
	if (followed->without_descriptor)
		text_add(next_remark(note),
			 "some threads have no counter: file descriptors ran out (RLIMIT_NOFILE); "
			 "their domains say so");
	else if (followed->refused)
		text_addf(next_remark(note),
			  "some threads have no counter: %s; their domains say so",
			  strerrordesc_np(followed->refusal));
}

static void write_note(struct perf *perf)
{
	const struct perf_set *set = &perf->context.set;
	struct text *note = &perf->note;

	text_reset(note);
	text_add(note, set->note);
	for (unsigned i = 0; i < set->count; i++)
		if (perf->context.is_silent[i])
			text_addf(next_remark(note),
				  "event %s has not counted anything yet: it is rare, or this CPU "
				  "does not have it",
				  set->names[i]);
	note_threads(note, &perf->followed);
	if (perf->problem.text[0])
		text_add(next_remark(note), perf->problem.text);
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
	text_free(&perf->note);
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
	return perf->note.length ? perf->note.bytes : NULL;
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
	if (result)
		return result;
	perf->own_links = status.st_nlink;
	write_note(perf);
	return 0;
}

int perf_read_parts(struct perf *perf, const struct topology *topology, struct sample *sample)
{
	struct perf_followed *followed = &perf->followed;
	const struct perf_set *set = &perf->context.set;
	struct perf_process *process;
	enum total_source ignored;
	int result;

	if (!followed->items || followed->generation != topology->generation ||
	    followed->domain_count != topology->domain_count ||
	    followed->service_count != topology->service_count)
		return -EINVAL;
	result = follow_own_threads(perf);
	if (!result)
		result = perf_followed_update_services(followed, &perf->context);
	if (result < 0)
		return result;
	if (result > 0)
		write_note(perf);
	process = followed->items;
	for (size_t i = 0; i < followed->domain_count; i++, process++)
		perf_process_read(process, set, sample->domains[i].threads,
				  &sample->domains[i].total, &sample->domains[i].total_source);
	for (size_t i = 0; i < followed->service_count; i++, process++) {
		const struct service *service = &topology->services[i];

		perf_process_read(process, set, NULL, &sample->services[i].total, &ignored);
		perf_process_put_threads(process, set, service->threads, service->thread_count,
					 sample->services[i].threads);
	}
	perf_process_read(process, set, NULL, &sample->own, &ignored);
	return 0;
}

static int read_total(struct perf *perf, struct sample *sample, struct error *error)
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

/* Has an event that the trial did not see been heard of since? */
static bool listen_to(struct perf_context *context, const struct sample *sample)
{
	bool heard = false;

	for (unsigned i = 0; i < context->set.count; i++)
		for (unsigned p = 0; context->is_silent[i] && p < sample->package_count; p++)
			if (sample->packages[p].total.count[i] > 0) {
				context->is_silent[i] = false;
				heard = true;
			}
	return heard;
}

int perf_read_total(struct perf *perf, struct sample *sample, struct error *error)
{
	struct error problem = { "" };
	bool changed;

	if (read_total(perf, sample, &problem) == -ENOMEM)
		return error_setf(error, ENOMEM, "out of memory");
	changed = strcmp(problem.text, perf->problem.text) != 0;
	perf->problem = problem;
	if (listen_to(&perf->context, sample) || changed)
		write_note(perf);
	return 0;
}
