/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-knobs.c - the life of a knob: its original is read and put on disk
 * before it is first written; it is written when another value is wanted, never
 * looser than the original; in the end the original goes back.
 */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { ANSWER_S = 30, CHECK_S = 60, LEAVE_TRIES = 3 };
#define SECONDS_NS(seconds) ((uint64_t)(seconds)*UINT64_C(1000000000))

/* --- values ------------------------------------------------------------------------------- */

/* 0 = unlimited. */
static uint64_t tighter(uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0)
		return a > b ? a : b;
	return a < b ? a : b;
}

/* QEMU takes a total, or reads and writes apart, not both: an original's total stays one. */
static void bound(uint64_t *total, uint64_t *reads, uint64_t *writes, const uint64_t wanted[2])
{
	if (*total == 0) {
		*reads = tighter(*reads, wanted[0]);
		*writes = tighter(*writes, wanted[1]);
	} else if (wanted[0] > 0 && wanted[1] > 0) {
		*total = tighter(*total, wanted[0] + wanted[1]);
	}
}

/* What is to be in force: what is wanted, and never looser than the original. */
static struct knob_value effective(const struct enforce_knob *knob)
{
	const struct disk_limit *disk = &knob->wanted.disk;
	const uint64_t bytes[2] = { disk->read_bytes_s, disk->write_bytes_s },
		       requests[2] = { disk->read_requests_s, disk->write_requests_s };
	struct knob_value value = knob->original;

	switch (knob->knob) {
	case KNOB_CPU:
		if (state_cpus(&knob->wanted.cpu) < state_cpus(&value.cpu))
			value = knob->wanted;
		break;
	case KNOB_DISK:
		bound(&value.disk.total_bytes_s, &value.disk.read_bytes_s,
		      &value.disk.write_bytes_s, bytes);
		bound(&value.disk.total_requests_s, &value.disk.read_requests_s,
		      &value.disk.write_requests_s, requests);
		break;
	case KNOB_SHARES:
		value = knob->wanted;
		break;
	case KNOB_PLACE:
		value = knob->wanted;
		/* Who stands nowhere: no hierarchy has the controller. The CPU is held all the
		 * same. */
		if (knob->original.place.cpu_cgroup[0] && !knob->original.place.io_cgroup[0])
			value.place.io_cgroup[0] = '\0';
		break;
	}
	return value;
}

static bool is_looser(uint64_t now, uint64_t than)
{
	return than > 0 && (now == 0 || now > than);
}

bool enforce_knob_loosens(const struct knob_value *value, const struct knob_value *in_force)
{
	const struct disk_limit *now = &value->disk, *than = &in_force->disk;

	if (value->knob == KNOB_CPU)
		return state_cpus(&value->cpu) > state_cpus(&in_force->cpu);
	if (value->knob != KNOB_DISK)
		return false;
	return is_looser(now->read_bytes_s, than->read_bytes_s) ||
	       is_looser(now->write_bytes_s, than->write_bytes_s) ||
	       is_looser(now->read_requests_s, than->read_requests_s) ||
	       is_looser(now->write_requests_s, than->write_requests_s) ||
	       is_looser(now->total_bytes_s, than->total_bytes_s) ||
	       is_looser(now->total_requests_s, than->total_requests_s);
}

/* --- coming and going --------------------------------------------------------------------- */

struct enforce_knob *enforce_knob(const struct enforce_domain *domain, enum knob knob,
				  const char *vdisk)
{
	for (size_t i = 0; i < domain->knobs.count; i++)
		if (domain->knobs.items[i]->knob == knob &&
		    strcmp(domain->knobs.items[i]->vdisk, vdisk) == 0)
			return domain->knobs.items[i];
	return NULL;
}

static struct enforce_knob *knob_add(struct enforce_domain *domain, enum knob kind,
				     const char *vdisk)
{
	struct enforce_knob *knob = calloc(1, sizeof *knob), **place;

	place = knob ? MEMORY_APPEND(&domain->knobs) : NULL;
	if (!place) {
		free(knob);
		return NULL;
	}
	*place = knob;
	knob->domain = domain;
	knob->knob = kind;
	snprintf(knob->vdisk, sizeof knob->vdisk, "%s", vdisk);
	return knob;
}

int enforce_knob_want(struct enforce_domain *domain, const struct knob_value *value,
		      const char *vdisk)
{
	struct enforce_knob *knob = enforce_knob(domain, value->knob, vdisk);

	if (!knob)
		knob = knob_add(domain, value->knob, vdisk);
	if (!knob)
		return -ENOMEM;
	if (knob->is_former) /* its original goes back first */
		return 0;
	knob->wanted = *value;
	knob->has_wanted = true;
	knob->leaving = false;
	return 0;
}

static bool is_same_quota(const struct target *a, const struct target *b)
{
	return a->cpu_cgroup[0] && strcmp(a->cpu_cgroup, b->cpu_cgroup) == 0;
}

/*
 * libvirt limits the CPU in the domain's cgroup, where we do without libvirt: that is one and the
 * same quota, told by somebody else. A disk's limits are not.
 */
static void hand_over(struct enforce_knob *knob, const struct target *before,
		      const struct target *now)
{
	if (knob->is_former || knob->former.service.pid > 0)
		return;
	knob->unsure = knob->left_over = true;
	if ((knob->knob == KNOB_CPU || knob->knob == KNOB_SHARES) && is_same_quota(before, now))
		return;
	knob->is_former = knob->leaving = true;
	knob->has_wanted = false;
	knob->former = *before;
}

void enforce_knobs_hand_over(struct enforce_domain *domain, const struct target *now)
{
	struct target before = domain->target;

	for (size_t i = 0; i < domain->knobs.count; i++) {
		struct enforce_knob *knob = domain->knobs.items[i];

		/* With its leaves, which are those of the old manager still. */
		if (!knob->is_former)
			enforce_fill_target(knob, &before);
		hand_over(knob, &before, now);
	}
}

/* What it is addressed by, as far as that is known. */
static void adopt_service(struct enforce_knob *knob, const struct target *now,
			  const struct target_service *service)
{
	knob->former = *now;
	knob->former.service = *service;
	strcpy(knob->former.vdisk, knob->vdisk);
}

int enforce_knobs_adopt(struct enforce *enforce, struct enforce_domain *domain,
			const struct target *now)
{
	struct state_domain *state = enforce_state(enforce, domain);
	struct target before;

	for (size_t i = 0; state && i < state->knob_count; i++) {
		const struct state_knob *from = &state->knobs[i];
		struct enforce_knob *knob = knob_add(domain, from->knob, from->vdisk);

		if (!knob)
			return -ENOMEM;
		knob->taken = knob->unsure = knob->left_over = true;
		knob->original = from->original;
		knob->written = knob->asked = knob->current = from->written;
		knob->before = from->before;
		if (from->service.pid)
			adopt_service(knob, now, &from->service);
		before = state->target;
		before.manager = from->has_manager ? from->manager : before.manager;
		if (before.manager != now->manager)
			hand_over(knob, &before, now);
	}
	return state ? 0 : -ENOMEM;
}

bool enforce_knob_store(struct enforce *enforce, const struct enforce_knob *knob)
{
	struct state_domain *domain = enforce_state(enforce, knob->domain);
	struct state_knob *into = domain ? state_knob(domain, knob->knob, knob->vdisk) : NULL;

	if (domain && !into)
		into = state_knob_add(domain, knob->knob, knob->vdisk);
	if (!into)
		return false;
	into->has_manager = true;
	into->manager = (knob->is_former ? &knob->former : &knob->domain->target)->manager;
	into->original = knob->original;
	into->written = knob->written;
	into->before = knob->before;
	into->service = knob->former.service;
	return true;
}

static void forget_stored(struct enforce *enforce, const struct enforce_knob *knob)
{
	struct state_domain *domain = state_domain(enforce->state, knob->domain->id);

	if (domain)
		state_knob_remove(domain, knob->knob, knob->vdisk);
}

void enforce_knob_rename(struct enforce *enforce, struct enforce_knob *knob, const char *vdisk)
{
	forget_stored(enforce, knob);
	snprintf(knob->vdisk, sizeof knob->vdisk, "%s", vdisk);
	(void)enforce_knob_store(enforce, knob); /* takes the place of the old name */
}

void enforce_knob_untake(struct enforce *enforce, struct enforce_knob *knob)
{
	enforce_queue_forget(enforce, knob);
	forget_stored(enforce, knob);
	knob->taken = knob->virgin = knob->unsaved = false;
}

void enforce_knob_drop(struct enforce *enforce, struct enforce_knob *knob)
{
	struct enforce_knobs *knobs = &knob->domain->knobs;

	enforce_knob_untake(enforce, knob);
	for (size_t i = 0; i < knobs->count; i++)
		if (knobs->items[i] == knob)
			knobs->items[i] = knobs->items[--knobs->count];
	free(knob);
}

/* What is in force at a service stays: that has not changed. */
void enforce_knobs_forget(struct enforce *enforce, struct enforce_domain *domain, bool place_too)
{
	for (size_t i = domain->knobs.count; i-- > 0;) {
		struct enforce_knob *knob = domain->knobs.items[i];

		if ((place_too || knob->knob != KNOB_PLACE) && !knob->former.service.pid)
			enforce_knob_drop(enforce, knob);
	}
}

/* --- steps -------------------------------------------------------------------------------- */

int enforce_knob_write(struct enforce *enforce, struct enforce_knob *knob, enum knob_phase phase,
		       const struct knob_value *value)
{
	knob->before = knob->current;
	knob->written = *value;
	knob->lowers = !enforce_knob_loosens(value, &knob->current);
	knob->unsaved = true;
	(void)enforce_knob_store(enforce, knob);
	return enforce_queue(enforce, knob, phase, value);
}

/* A value that was not sent is replaced; if none is needed any more, it is not sent at all. */
static int renew(struct enforce *enforce, struct enforce_knob *knob)
{
	struct knob_value value = effective(knob);
	struct verb *verb;

	if (knob->phase != PHASE_SET || knob->is_sent)
		return 0;
	if (knob->leaving || knob_value_equal(&value, &knob->asked)) {
		enforce_queue_forget(enforce, knob);
		knob->written = knob->before;
	} else if (!knob_value_equal(&value, &knob->written)) {
		verb = enforce_queue_find(enforce, knob->seq);
		verb->value = knob->written = value;
	} else {
		return 0;
	}
	knob->unsaved = true;
	(void)enforce_knob_store(enforce, knob);
	return 0;
}

/* A cgroup is left by its process last, when nothing else of it is limited. */
static bool is_last(const struct enforce_knob *knob)
{
	for (size_t i = 0; i < knob->domain->knobs.count; i++) {
		const struct enforce_knob *other = knob->domain->knobs.items[i];

		if (other != knob && other->taken && other->failures < LEAVE_TRIES)
			return false;
	}
	return true;
}

static int leave(struct enforce *enforce, struct enforce_knob *knob)
{
	if (!knob->taken || (knob->former.service.pid > 0 &&
			     !enforce_service_lives(enforce, &knob->former.service))) {
		enforce_knob_drop(enforce, knob);
		return 0;
	}
	if (knob->knob == KNOB_PLACE && !is_last(knob))
		return 0;
	if (enforce->restoring && knob->failures >= LEAVE_TRIES)
		return 0;
	return enforce_queue(enforce, knob, PHASE_LEAVE, NULL);
}

int enforce_knob_step(struct enforce *enforce, struct enforce_knob *knob, bool raises)
{
	struct knob_value value;

	if (knob->phase != PHASE_NONE) {
		int result = renew(enforce, knob);

		if (result || knob->phase != PHASE_NONE)
			return result;
	}
	if (!knob->domain->has_target || (enforce->now_ns < knob->retry_ns && !enforce->restoring))
		return 0;
	if (knob->leaving)
		return leave(enforce, knob);
	if (!knob->taken)
		return knob->has_wanted && !enforce_is_taken_there(enforce, knob)
			       ? enforce_queue(enforce, knob, PHASE_TAKE, NULL)
			       : 0;
	if (knob->unsure)
		return enforce_queue(enforce, knob, PHASE_LOOK, NULL);
	if (!knob->has_wanted || enforce_knob_is_unchanged(knob))
		return 0;
	value = effective(knob);
	if (!raises && enforce_knob_loosens(&value, &knob->asked))
		return 0;
	return enforce_knob_write(enforce, knob, PHASE_SET, &value);
}

bool enforce_knob_is_unchanged(const struct enforce_knob *knob)
{
	struct knob_value value;

	if (!knob->taken || !knob->has_wanted || knob->leaving)
		return false;
	value = effective(knob);
	return knob_value_equal(&value, &knob->asked);
}

/* --- between decisions -------------------------------------------------------------------- */

static bool same_limit(const struct cpu_limit *a, const struct cpu_limit *b)
{
	return a->quota_us < 0 ? b->quota_us < 0
			       : a->quota_us == b->quota_us && a->period_us == b->period_us;
}

/* Does what was read in this tick contradict what we wrote? */
static bool contradicts(const struct enforce *enforce, struct enforce_knob *knob,
			const struct enforce_reading *reading)
{
	if (knob->knob != KNOB_CPU || !reading || !reading->has_bandwidth ||
	    enforce->tick <= knob->changed_tick + 1 || enforce->config->dry_run)
		return false;
	if (same_limit(&reading->in_force, &knob->current.cpu)) {
		knob->has_blind = false;
		return false;
	}
	return !knob->has_blind || !same_limit(&reading->in_force, &knob->blind);
}

/* What no reading shows is asked for now and then. */
static bool is_due(const struct enforce *enforce, const struct enforce_knob *knob)
{
	return knob->knob != KNOB_CPU && enforce->now_ns > knob->checked_ns + SECONDS_NS(CHECK_S);
}

void enforce_knob_watch(struct enforce *enforce, struct enforce_knob *knob,
			const struct enforce_reading *reading)
{
	struct applied silent = { .seq = knob->seq, .result = -ETIMEDOUT };

	if (knob->phase != PHASE_NONE) {
		if (!knob->is_sent || enforce->now_ns < knob->sent_ns + SECONDS_NS(ANSWER_S))
			return;
		error_setf(&silent.error, ETIMEDOUT, "no answer for %d s", ANSWER_S);
		enforce_queue_take(enforce, knob->seq);
		enforce_knob_failed(enforce, knob, &silent);
		return;
	}
	if (!knob->taken || knob->unsure || knob->is_former || enforce->now_ns < knob->retry_ns)
		return;
	if (!contradicts(enforce, knob, reading) && !is_due(enforce, knob))
		return;
	if (reading)
		knob->blind = reading->in_force;
	(void)enforce_queue(enforce, knob, PHASE_CHECK, NULL); /* no memory: in a later tick */
}
