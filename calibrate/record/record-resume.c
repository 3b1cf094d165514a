/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/record/recorder.h"

static int differ(const char *what, const char *before, const char *now, struct error *error)
{
	return error_setf(error, EINVAL, "%s was \"%s\" and is \"%s\"", what, before ? before : "",
			  now ? now : "");
}

static int compare_texts(const struct session *before, const struct session *now,
			 struct error *error)
{
	const struct {
		const char *what, *before, *now;
	} texts[] = {
		{ "CPU", before->about.cpu.model_name, now->about.cpu.model_name },
		{ "kind of counters", before->about.probe, now->about.probe },
		{ "meter", before->meter.driver, now->meter.driver },
		{ "meter's model", before->meter.model, now->meter.model },
		{ "meter's serial number", before->meter.serial, now->meter.serial },
		{ "disk", before->disk, now->disk },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (!text_equal(texts[i].before, texts[i].now))
			return differ(texts[i].what, texts[i].before, texts[i].now, error);
	return 0;
}

static int compare_passes(const struct session *before, const struct session *now,
			  struct error *error)
{
	if (before->passes.count != now->passes.count)
		return error_setf(error, EINVAL,
				  "events were counted in %zu passes, and are in %zu",
				  before->passes.count, now->passes.count);
	for (size_t p = 0; p < now->passes.count; p++) {
		const struct session_pass *a = &before->passes.items[p];
		const struct session_pass *b = &now->passes.items[p];

		if (a->event_count != b->event_count)
			return error_setf(error, EINVAL, "pass %zu had %u events, and has %u",
					  p + 1, a->event_count, b->event_count);
		for (unsigned e = 0; e < a->event_count; e++)
			if (strcmp(a->names[e], b->names[e]) != 0)
				return differ("an event", a->names[e], b->names[e], error);
	}
	return 0;
}

int record_compare(const struct session *before, const struct session *now, struct error *error)
{
	int result = compare_texts(before, now, error);

	if (result)
		return result;
	if (before->about.has_cpu && now->about.has_cpu &&
	    before->about.cpu.cpus != now->about.cpu.cpus)
		return error_setf(error, EINVAL, "there were %u CPUs, and there are %u",
				  before->about.cpu.cpus, now->about.cpu.cpus);
	return compare_passes(before, now, error);
}

static bool is_same(const struct session_phase *phase, const struct suite_phase *plan)
{
	return phase->pass == plan->pass && phase->threads == plan->run.threads &&
	       phase->frequency_hz == plan->frequency_hz && phase->continues == plan->continues &&
	       strcmp(phase->workload, recorder_group(plan)) == 0 &&
	       strcmp(phase->variant, plan->variant) == 0;
}

/* Phases from `first` on that are one run. */
static size_t count_run(const struct session *session, size_t first)
{
	size_t count = 1;

	while (first + count < session->phases.count &&
	       session->phases.items[first + count].continues)
		count++;
	return count;
}

static bool are_same(const struct session_phase *phases, const struct suite *suite, size_t first,
		     size_t count)
{
	if (suite_count_run(suite, first) != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!phases[i].complete || !is_same(&phases[i], &suite->items[first + i]))
			return false;
	return true;
}

/* The same is run several times: each run in the file stands for one in the suite. */
static bool match_one(const struct session_phase *phases, size_t count, const struct suite *suite,
		      bool *is_done)
{
	for (size_t i = 0; i < suite->count; i += suite_count_run(suite, i))
		if (!is_done[i] && are_same(phases, suite, i, count)) {
			memset(is_done + i, true, count * sizeof *is_done);
			return true;
		}
	return false;
}

/* Is it the beginning of one in the suite? */
static bool is_cut(const struct session_phase *phases, size_t count, const struct suite *suite)
{
	for (size_t i = 0; i < suite->count; i += suite_count_run(suite, i)) {
		size_t same = 0;

		while (same < count && same < suite_count_run(suite, i) &&
		       is_same(&phases[same], &suite->items[i + same]))
			same++;
		if (same == count && count < suite_count_run(suite, i))
			return true;
	}
	return false;
}

static void drop_from(struct session *session, size_t phase)
{
	session->phases.count = phase;
	while (session->samples.count &&
	       session->samples.items[session->samples.count - 1].phase >= phase)
		session->samples.count--;
}

int record_match(struct session *session, const struct suite *suite, bool *is_done,
		 struct error *error)
{
	for (size_t i = 0, count; i < session->phases.count; i += count) {
		const struct session_phase *phase = &session->phases.items[i];

		count = count_run(session, i);
		if (match_one(phase, count, suite, is_done))
			continue;
		if (i + count < session->phases.count || !is_cut(phase, count, suite))
			return error_setf(
				error, EINVAL,
				"it has a run of %s (%s) that is not among those that were "
				"asked for now: the same options resume it",
				phase->workload, phase->variant[0] ? phase->variant : "no threads");
		drop_from(session, i);
	}
	return 0;
}
