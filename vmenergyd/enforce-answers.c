/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-answers.c - what came of verbs; and what somebody else wrote meanwhile. */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { RETRY_FIRST_S = 1, RETRY_MOST_S = 60 };
/* So that a decision a second later, if a little early, is not missed. */
#define RETRY_EARLY_NS UINT64_C(100000000)

static bool is_write(enum knob_phase phase)
{
	return phase == PHASE_SET || phase == PHASE_RESTORE;
}

/* Ever more seldom. */
static void back_off(struct enforce *enforce, struct enforce_knob *knob)
{
	unsigned doublings = knob->failures < 6 ? knob->failures : 6;
	unsigned wait_s = (unsigned)RETRY_FIRST_S << doublings;

	knob->failures++;
	knob->retry_ns =
		enforce->now_ns - RETRY_EARLY_NS +
		(uint64_t)(wait_s < RETRY_MOST_S ? wait_s : RETRY_MOST_S) * UINT64_C(1000000000);
}

/* It has ended, the helper has, or too many wait there. */
static bool is_nothing_wrong(int result)
{
	return result == -ENOENT || result == -ESRCH || result == -EPIPE || result == -EAGAIN ||
	       result == -ECANCELED;
}

/* Once, until it goes well again: nobody wants to read it each second. */
void enforce_knob_failed(struct enforce *enforce, struct enforce_knob *knob,
			 const struct applied *applied)
{
	bool was_write = is_write(knob->phase);
	bool is_quiet = is_nothing_wrong(applied->result);
	bool *said = was_write ? &knob->said_failed : &knob->said_unread;
	char text[512];

	knob->phase = PHASE_NONE;
	knob->is_sent = false;
	back_off(enforce, knob);
	enforce->counts.refused += was_write && !is_quiet;
	knob->unsure |= was_write;
	if (!*said && !is_quiet) {
		enforce_sayf(enforce, true, "%s cannot be %s: %s; tried again",
			     enforce_knob_text(knob, text, sizeof text),
			     was_write ? "written" : "read",
			     applied->error.text[0] ? applied->error.text
						    : strerrordesc_np(-applied->result));
		*said = true;
	}
	if (enforce->restoring)
		(void)enforce_knob_step(enforce, knob, true);
}

static bool is_about_cpu(const struct cpu_limit *value, const struct cpu_limit *intent)
{
	const struct bandwidth a = { value->quota_us, value->period_us },
			       b = { intent->quota_us, intent->period_us };
	const double rounding = 0.01;

	return a.quota_us >= 0 && b.quota_us >= 0 && a.period_us == b.period_us &&
	       fabs(bandwidth_cpus(&a) - bandwidth_cpus(&b)) <= rounding * bandwidth_cpus(&b);
}

/* "" = left as it was. */
static bool is_about_path(const char *value, const char *intent)
{
	return intent[0] == '\0' || strcmp(value, intent) == 0;
}

/* An intent and what is read back may differ by what a mechanism rounds or completes. */
static bool is_about(const struct knob_value *value, const struct knob_value *intent)
{
	struct knob_value usable = *intent;

	if (knob_value_equal(value, intent))
		return true;
	switch (value->knob) {
	case KNOB_CPU:
		return is_about_cpu(&value->cpu, &intent->cpu);
	case KNOB_SHARES:
		return fabs((double)value->shares - (double)intent->shares) <= 1;
	case KNOB_DISK:
		usable.disk = disk_limit_usable(&intent->disk);
		return knob_value_equal(value, &usable);
	case KNOB_PLACE:
		return is_about_path(value->place.cpu_cgroup, intent->place.cpu_cgroup) &&
		       is_about_path(value->place.io_cgroup, intent->place.io_cgroup);
	}
	return false;
}

/* Number by number. */
static bool is_disk_between(const struct disk_limit *value, const struct disk_limit *a,
			    const struct disk_limit *b)
{
	const struct disk_limit ends[] = { disk_limit_usable(a), disk_limit_usable(b) };
	uint64_t now[sizeof *value / sizeof(uint64_t)], one[COUNT_OF(now)], other[COUNT_OF(now)];

	memcpy(now, value, sizeof now);
	memcpy(one, &ends[0], sizeof one);
	memcpy(other, &ends[1], sizeof other);
	for (size_t i = 0; i < COUNT_OF(now); i++)
		if (now[i] != one[i] && now[i] != other[i])
			return false;
	return true;
}

/*
 * The one, the other, or a mixture: some mechanisms keep a value in several files, and who wrote
 * them may have died in between.
 */
static bool is_between(const struct knob_value *value, const struct knob_value *a,
		       const struct knob_value *b)
{
	struct knob_value ab = *a, ba = *b;

	if (is_about(value, a) || is_about(value, b))
		return true;
	switch (value->knob) {
	case KNOB_CPU:
		ab.cpu.period_us = b->cpu.period_us;
		ba.cpu.period_us = a->cpu.period_us;
		break;
	case KNOB_SHARES:
		break;
	case KNOB_DISK:
		return is_disk_between(&value->disk, &a->disk, &b->disk);
	case KNOB_PLACE:
		strcpy(ab.place.io_cgroup, b->place.io_cgroup);
		strcpy(ba.place.io_cgroup, a->place.io_cgroup);
		break;
	}
	return is_about(value, &ab) || is_about(value, &ba);
}

/* What the dead man, who is of our house, may have installed; NULL = nothing. */
static const struct knob_value *worst_case(const struct enforce *enforce,
					   const struct enforce_knob *knob)
{
	const struct state_domain *domain = state_domain(enforce->state, knob->domain->id);

	return knob->knob == KNOB_CPU && domain && domain->has_worst_case ? &domain->worst_case_cpu
									  : NULL;
}

/*
 * Of later writes of a run that was killed nothing may be on disk, if that was full: but each was
 * at least as tight as the original. So must not be what is taken for an original now.
 */
static bool may_be_left_over(const struct enforce_knob *knob, const struct knob_value *value)
{
	if (!knob->left_over)
		return false;
	if (knob->knob == KNOB_CPU || knob->knob == KNOB_DISK)
		return !enforce_knob_loosens(value, &knob->original);
	return knob->has_wanted && is_about(value, &knob->wanted);
}

static bool is_ours(const struct enforce *enforce, const struct enforce_knob *knob,
		    const struct knob_value *value)
{
	const struct knob_value *worst = worst_case(enforce, knob);

	if ((worst && is_about(value, worst)) || may_be_left_over(knob, value))
		return true;
	if (!knob->unsure)
		return knob_value_equal(value, &knob->current);
	return is_between(value, &knob->written, &knob->before) ||
	       (worst && is_between(value, &knob->written, worst)) ||
	       (worst && is_between(value, &knob->before, worst));
}

/* In force for certain, and known as ours. */
static void settle(struct enforce *enforce, struct enforce_knob *knob,
		   const struct knob_value *asked, const struct knob_value *value)
{
	knob->asked = *asked;
	knob->current = knob->written = knob->before = *value;
	knob->unsure = knob->left_over = false;
	(void)enforce_knob_store(enforce, knob); /* has its place since it was taken */
}

static void say_foreign(const struct enforce *enforce, const struct enforce_knob *knob,
			const struct knob_value *value)
{
	struct text was = { 0 }, now = { 0 };
	char text[512];

	knob_value_print(&knob->current, &was);
	knob_value_print(value, &now);
	if (!was.failed && !now.failed)
		enforce_sayf(enforce, true, "somebody else changed %s from %s to %s",
			     enforce_knob_text(knob, text, sizeof text), was.bytes, now.bytes);
	text_free(&was);
	text_free(&now);
}

/*
 * Their value is what goes back in the end, and the bound until then. What is
 * wanted now is compared with it at the next decision.
 */
static void foreign(struct enforce *enforce, struct enforce_knob *knob,
		    const struct knob_value *value)
{
	/* Lower than the original's by our doing, not by theirs. */
	bool is_our_burst = knob->knob == KNOB_CPU && value->burst_us == knob->current.burst_us;
	uint64_t burst_us = knob->original.burst_us;

	enforce->counts.foreign_changes++;
	if (!knob->has_foreign || !knob_value_equal(&knob->foreign, value))
		say_foreign(enforce, knob, value);
	knob->has_foreign = knob->has_new_original = true;
	knob->foreign = knob->original = *value;
	if (is_our_burst)
		knob->original.burst_us = burst_us;
	settle(enforce, knob, value, value);
}

/* --- by phase ----------------------------------------------------------------------------- */

static int took(struct enforce *enforce, struct enforce_knob *knob, const struct knob_value *value)
{
	static const struct cpu_limit none = { -1, 100000 };
	const struct knob_value *worst = worst_case(enforce, knob);

	knob->original = *value;
	/* The dead man's is nobody's original; what he found was looser, and he could not put it
	 * down, for we lived. */
	if (worst && is_about(value, worst))
		knob->original.cpu = none;
	if (!enforce_knob_store(enforce, knob)) {
		back_off(enforce, knob);
		return 0;
	}
	knob->taken = knob->virgin = true;
	enforce->state->clean = false;
	settle(enforce, knob, value, value);
	return enforce_knob_step(enforce, knob, true);
}

static int looked(struct enforce *enforce, struct enforce_knob *knob,
		  const struct knob_value *value)
{
	if (!is_ours(enforce, knob, value)) {
		foreign(enforce, knob, value);
		return 0;
	}
	settle(enforce, knob, value, value);
	return enforce_knob_step(enforce, knob, true);
}

static int checked(struct enforce *enforce, struct enforce_knob *knob,
		   const struct knob_value *value)
{
	knob->checked_ns = enforce->now_ns;
	if (!is_ours(enforce, knob, value))
		foreign(enforce, knob, value);
	else if (knob_value_equal(value, &knob->current))
		knob->has_blind = true;
	else
		settle(enforce, knob, value, value);
	return 0;
}

static void note_write(struct enforce *enforce, struct enforce_knob *knob)
{
	enforce->wrote_ns = enforce->now_ns;
	knob->changed_tick = enforce->tick;
	knob->checked_ns = enforce->now_ns;
}

static int wrote(struct enforce *enforce, struct enforce_knob *knob, const struct knob_value *value)
{
	struct knob_value asked = knob->written;

	enforce->counts.writes++;
	note_write(enforce, knob);
	settle(enforce, knob, &asked, value);
	return enforce_knob_step(enforce, knob, true);
}

/* Taken without a word, but it is not what is in force. What is, is known, and written over when
 * the time has come. */
static void deviated(struct enforce *enforce, struct enforce_knob *knob,
		     const struct knob_value *value)
{
	struct text asked = { 0 }, now = { 0 };
	char text[512];

	knob_value_print(&knob->written, &asked);
	knob_value_print(value, &now);
	if (!knob->said_failed && !asked.failed && !now.failed)
		enforce_sayf(enforce, true, "%s was written as %s, but is %s; tried again",
			     enforce_knob_text(knob, text, sizeof text), asked.bytes, now.bytes);
	knob->said_failed = true;
	text_free(&asked);
	text_free(&now);
	enforce->counts.refused++;
	note_write(enforce, knob);
	settle(enforce, knob, value, value);
	back_off(enforce, knob);
}

static int left(struct enforce *enforce, struct enforce_knob *knob, const struct knob_value *value)
{
	if (!knob->leaving)
		return looked(enforce, knob, value);
	if (!is_ours(enforce, knob, value)) {
		foreign(enforce, knob, value);
	} else if (!knob_value_equal(value, &knob->original)) {
		knob->current = *value;
		return enforce_knob_write(enforce, knob, PHASE_RESTORE, &knob->original);
	}
	enforce_knob_drop(enforce, knob);
	return 0;
}

static int restored(struct enforce *enforce, struct enforce_knob *knob,
		    const struct knob_value *value)
{
	if (!knob->leaving)
		return wrote(enforce, knob, value);
	enforce->counts.writes++;
	enforce_knob_drop(enforce, knob);
	return 0;
}

static int (*const answers[])(struct enforce *enforce, struct enforce_knob *knob,
			      const struct knob_value *value) = {
	[PHASE_TAKE] = took, [PHASE_LOOK] = looked, [PHASE_CHECK] = checked,
	[PHASE_SET] = wrote, [PHASE_LEAVE] = left,  [PHASE_RESTORE] = restored,
};

static void say_success(struct enforce *enforce, struct enforce_knob *knob,
			const struct applied *applied)
{
	bool was_write = is_write(knob->phase);
	bool *said = was_write ? &knob->said_failed : &knob->said_unread;
	char text[512];

	if (*said)
		enforce_sayf(enforce, false, "%s can be %s again",
			     enforce_knob_text(knob, text, sizeof text),
			     was_write ? "written" : "read");
	*said = false;
	/* That it can be read does not say that it can be written. */
	if (!knob->said_failed)
		knob->failures = 0;
	if (!was_write)
		return;
	if (applied->by_failsafe && !knob->said_failsafe)
		enforce_sayf(enforce, true, "libvirt does not answer: %s is written to its cgroup",
			     enforce_knob_text(knob, text, sizeof text));
	knob->said_failsafe = applied->by_failsafe;
}

static void answered(struct enforce *enforce, struct enforce_knob *knob,
		     const struct applied *applied)
{
	enum knob_phase phase = knob->phase;
	bool deviates = is_write(phase) && !is_about(&applied->value, &knob->written);

	if (!deviates)
		say_success(enforce, knob, applied);
	knob->phase = PHASE_NONE;
	knob->is_sent = false;
	if (deviates)
		deviated(enforce, knob, &applied->value);
	else
		(void)answers[phase](enforce, knob, &applied->value); /* no memory: retried */
}

void enforce_applied(struct enforce *enforce, const struct applied *applied)
{
	struct enforce_knob *knob = enforce_queue_take(enforce, applied->seq);

	if (!knob) /* of a domain that has gone meanwhile, or long after its time */
		return;
	if (applied->result)
		enforce_knob_failed(enforce, knob, applied);
	else
		answered(enforce, knob, applied);
	if (enforce->restoring)
		enforce_restore(enforce);
}
