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
	       phase->frequency_hz == plan->frequency_hz &&
	       strcmp(phase->workload, recorder_group(plan)) == 0 &&
	       strcmp(phase->variant, plan->variant) == 0;
}

/* The same is run several times: each run in the file stands for one in the suite. */
static bool match_one(const struct session_phase *phase, const struct suite *suite, bool *is_done)
{
	for (size_t i = 0; i < suite->count; i++)
		if (!is_done[i] && is_same(phase, &suite->items[i])) {
			is_done[i] = true;
			return true;
		}
	return false;
}

int record_match(const struct session *session, const struct suite *suite, bool *is_done,
		 struct error *error)
{
	for (size_t i = 0; i < session->phases.count; i++) {
		const struct session_phase *phase = &session->phases.items[i];

		if (phase->complete && !match_one(phase, suite, is_done))
			return error_setf(
				error, EINVAL,
				"it has a run of %s (%s) that is not among those that were "
				"asked for now: the same options resume it",
				phase->workload, phase->variant[0] ? phase->variant : "no threads");
	}
	return 0;
}
