/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-queue.c - verbs that wait to be sent, and those whose answer is awaited. */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* A second, if a little early. */
#define SAVE_LEAST_NS UINT64_C(900000000)

/* Devices that the knob of a vDISK limits: of all that share one with it, where the limit is
 * their cgroup's. */
static void add_leaves(const struct enforce_disk *disk, struct target *target)
{
	for (unsigned i = 0; i < disk->leaf_count && target->leaf_count < TARGET_LEAVES; i++) {
		bool known = false;

		for (unsigned k = 0; k < target->leaf_count; k++)
			known |= target->leaves[k].major == disk->leaves[i].major &&
				 target->leaves[k].minor == disk->leaves[i].minor;
		if (known)
			continue;
		target->leaves[target->leaf_count].major = disk->leaves[i].major;
		target->leaves[target->leaf_count++].minor = disk->leaves[i].minor;
	}
}

void enforce_disk_leaves(const struct enforce_domain *domain, const char *vdisk,
			 struct target *target)
{
	target->leaf_count = 0;
	for (size_t i = 0; i < domain->disks.count; i++) {
		size_t leader = enforce_disk_leader(domain, i);

		if (strcmp(domain->disks.items[leader].name, vdisk) == 0)
			add_leaves(&domain->disks.items[i], target);
	}
}

/* As it is served now; as it was, while its service is not seen. */
static void fill_service(const struct enforce_knob *knob, struct target *target)
{
	const struct enforce_disks *disks = &knob->domain->disks;

	if (knob->is_former)
		return;
	target->service = knob->former.service;
	for (size_t i = 0; i < disks->count; i++)
		if (strcmp(disks->items[i].name, knob->vdisk) == 0 &&
		    disks->items[i].service.pid > 0)
			target->service = disks->items[i].service;
}

void enforce_fill_target(const struct enforce_knob *knob, struct target *target)
{
	const struct enforce_domain *domain = knob->domain;

	*target = knob->is_former ? knob->former : domain->target;
	strcpy(target->vdisk, knob->vdisk);
	if (knob->knob != KNOB_DISK || (knob->is_former && target->leaf_count > 0))
		return;
	enforce_disk_leaves(domain, knob->vdisk, target);
	fill_service(knob, target);
	/* It was unplugged a moment ago. */
	if (target->leaf_count > 0)
		return;
	memcpy(target->leaves, knob->former.leaves, sizeof target->leaves);
	target->leaf_count = knob->former.leaf_count;
}

int enforce_queue(struct enforce *enforce, struct enforce_knob *knob, enum knob_phase phase,
		  const struct knob_value *value)
{
	struct verb *verb;
	struct enforce_flight *flight = MEMORY_APPEND(&enforce->flights);

	if (!flight)
		return -ENOMEM;
	verb = MEMORY_APPEND(&enforce->queue);
	if (!verb) {
		enforce->flights.count--;
		return -ENOMEM;
	}
	knob->phase = phase;
	knob->seq = ++enforce->seq;
	knob->is_sent = false;
	*flight = (struct enforce_flight){ knob->seq, knob };
	verb->seq = knob->seq;
	verb->kind = phase == PHASE_SET || phase == PHASE_RESTORE ? VERB_SET : VERB_GET;
	verb->value.knob = knob->knob;
	if (value)
		verb->value = *value;
	enforce_fill_target(knob, &verb->target);
	if (knob->knob == KNOB_DISK && !knob->is_former)
		knob->former = verb->target;
	return 0;
}

/* Index of the flight, or of where it would stand. */
static size_t search(const struct enforce *enforce, uint64_t seq)
{
	size_t low = 0, high = enforce->flights.count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (enforce->flights.items[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct enforce_knob *enforce_queue_take(struct enforce *enforce, uint64_t seq)
{
	size_t at = search(enforce, seq);
	struct enforce_flight *items = enforce->flights.items;
	struct enforce_knob *knob;

	if (at == enforce->flights.count || items[at].seq != seq)
		return NULL;
	knob = items[at].knob;
	memmove(items + at, items + at + 1, (--enforce->flights.count - at) * sizeof *items);
	return knob;
}

struct verb *enforce_queue_find(struct enforce *enforce, uint64_t seq)
{
	for (size_t i = 0; i < enforce->queue.count; i++)
		if (enforce->queue.items[i].seq == seq)
			return &enforce->queue.items[i];
	return NULL;
}

void enforce_queue_forget(struct enforce *enforce, struct enforce_knob *knob)
{
	struct verb *verb;
	size_t behind;

	if (knob->phase == PHASE_NONE)
		return;
	enforce_queue_take(enforce, knob->seq);
	verb = knob->is_sent ? NULL : enforce_queue_find(enforce, knob->seq);
	if (verb) {
		behind = (size_t)(enforce->queue.items + enforce->queue.count - (verb + 1));
		memmove(verb, verb + 1, behind * sizeof *verb);
		enforce->queue.count--;
	}
	knob->phase = PHASE_NONE;
	knob->is_sent = false;
}

/*
 * Without an original on disk nothing is written. Of later writes, those of a second may share one
 * save: should a kill hide what they wrote, it is known as ours by being tighter than the original.
 */
static bool must_be_saved(const struct enforce *enforce, const struct enforce_knob *knob)
{
	return knob->unsaved && (knob->virgin || knob->has_new_original ||
				 enforce->now_ns >= enforce->saved_ns + SAVE_LEAST_NS);
}

const struct verb *enforce_verbs(struct enforce *enforce, size_t *count, bool *needs_state)
{
	*needs_state = false;
	for (size_t i = 0; i < enforce->queue.count && !*needs_state; i++) {
		const struct verb *verb = &enforce->queue.items[i];
		size_t at = search(enforce, verb->seq);

		*needs_state = verb->kind == VERB_SET &&
			       must_be_saved(enforce, enforce->flights.items[at].knob);
	}
	enforce->save_asked = *needs_state;
	*count = enforce->queue.count;
	return enforce->queue.items;
}

void enforce_sent(struct enforce *enforce, size_t count)
{
	struct verb *items = enforce->queue.items;

	count = count < enforce->queue.count ? count : enforce->queue.count;
	if (enforce->save_asked && count > 0)
		enforce->saved_ns = enforce->now_ns;
	enforce->save_asked = false;
	for (size_t i = 0; i < count; i++) {
		struct enforce_knob *knob =
			enforce->flights.items[search(enforce, items[i].seq)].knob;

		knob->is_sent = true;
		knob->sent_ns = enforce->now_ns;
		if (items[i].kind == VERB_SET) {
			enforce->refusing = enforce->refusing && !knob->virgin;
			knob->virgin = knob->unsaved = knob->has_new_original = false;
		}
	}
	if (count == 0)
		return;
	enforce->queue.count -= count;
	memmove(items, items + count, enforce->queue.count * sizeof *items);
}

void enforce_refuse_new(struct enforce *enforce, const char *why)
{
	const uint64_t patience_ns = 10 * UINT64_C(1000000000);

	enforce->save_asked = false;
	for (size_t i = enforce->queue.count; i-- > 0;) {
		const struct verb *verb = &enforce->queue.items[i];
		struct enforce_knob *knob = enforce->flights.items[search(enforce, verb->seq)].knob;

		if (verb->kind != VERB_SET || !knob->virgin || !knob->unsaved)
			continue;
		enforce_knob_untake(enforce, knob);
		knob->retry_ns = enforce->now_ns + patience_ns;
		if (!enforce->refusing)
			enforce_sayf(enforce, true, "no new limits are taken up: %s", why);
		enforce->refusing = true;
	}
}
