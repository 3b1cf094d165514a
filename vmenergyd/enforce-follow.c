/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-follow.c - domains come and go, and others come under the same name. */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- who is who --------------------------------------------------------------------------- */

/* Where it stands, or would stand. */
static size_t search(const struct enforce_domains *domains, const char *id, bool *found)
{
	size_t low = 0, high = domains->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(domains->items[middle]->id, id);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct enforce_domain *enforce_find(const struct enforce *enforce, const char *id)
{
	bool found;
	size_t at = search(&enforce->domains, id, &found);

	return found ? enforce->domains.items[at] : NULL;
}

struct enforce_domain *enforce_row(const struct enforce *enforce, const struct enforce_rows *rows,
				   size_t row, const char *id)
{
	struct enforce_domain *before = row < rows->count ? rows->items[row] : NULL;

	return before && strcmp(before->id, id) == 0 ? before : enforce_find(enforce, id);
}

/* Rows of an array that is about to be walked. */
int enforce_open_rows(struct enforce_rows *rows, size_t count)
{
	struct enforce_domain **grown =
		memory_grow(rows->items, &rows->capacity, count, sizeof(*rows->items));

	if (!grown)
		return -ENOMEM;
	rows->items = grown;
	for (size_t i = rows->count; i < count; i++)
		rows->items[i] = NULL;
	rows->count = count;
	return 0;
}

void enforce_domain_free(struct enforce_domain *domain)
{
	for (size_t i = 0; i < domain->knobs.count; i++)
		free(domain->knobs.items[i]);
	free(domain->knobs.items);
	free(domain->disks.items);
	free(domain->id);
	free(domain->name);
	free(domain->uuid);
	free(domain->owner);
	free(domain->host_owner);
	free(domain);
}

static struct enforce_domain *domain_new(const struct enforce *enforce, const char *id)
{
	struct enforce_domain *domain = calloc(1, sizeof *domain);

	if (!domain || text_replace(&domain->id, id)) {
		free(domain);
		return NULL;
	}
	domain->seen_ns = enforce->now_ns;
	domain->highest_w_per_cpu = NAN;
	domain->bandwidth.largest_cpus = NAN;
	domain->decided = SIZE_MAX;
	domain->limits = domain->owner_limits = limits_none();
	return domain;
}

struct enforce_domain *enforce_domain_add(struct enforce *enforce, const char *id)
{
	struct enforce_domains *domains = &enforce->domains;
	struct enforce_domain *domain, **items;
	bool found;
	size_t at = search(domains, id, &found);

	if (found)
		return domains->items[at];
	domain = domain_new(enforce, id);
	if (!domain || !MEMORY_APPEND(domains)) {
		if (domain)
			enforce_domain_free(domain);
		return NULL;
	}
	items = domains->items;
	memmove(items + at + 1, items + at, (domains->count - 1 - at) * sizeof *items);
	items[at] = domain;
	return domain;
}

struct state_domain *enforce_state(struct enforce *enforce, struct enforce_domain *domain)
{
	struct state *state = enforce->state;
	struct state_domain *found;

	if (domain->state_at < state->domain_count &&
	    strcmp(state->domains[domain->state_at].id, domain->id) == 0)
		return &state->domains[domain->state_at];
	found = state_domain(state, domain->id);
	if (!found)
		found = state_domain_add(state, domain->id);
	if (found)
		domain->state_at = (size_t)(found - state->domains);
	return found;
}

/* --- the same one? ------------------------------------------------------------------------ */

static bool is_same_process(const struct target *a, const struct target *b)
{
	return a->pid == b->pid && a->start_ticks == b->start_ticks;
}

static bool is_same_cgroup(uint64_t a, uint64_t b)
{
	return a == 0 || b == 0 || a == b;
}

/* What the old one had left in its quota is not in force for the new one. */
static void forget_quota(struct enforce *enforce, const struct enforce_domain *domain)
{
	struct policy_memory memory;

	if (!policy_recall(enforce->policy, domain->id, &memory))
		return;
	memory.cpus = INFINITY;
	(void)policy_remember(enforce->policy, domain->id, &memory);
}

/* Limits at services do not go with the domain's process. */
static void forget_knobs(struct state_domain *state, bool place_too)
{
	for (size_t i = state->knob_count; i-- > 0;)
		if (!state->knobs[i].service.pid &&
		    (place_too || state->knobs[i].knob != KNOB_PLACE))
			state->knobs[i] = state->knobs[--state->knob_count];
}

/* Found for the first time: was it there when the state was saved? */
static int meet(struct enforce *enforce, struct enforce_domain *domain,
		const struct enforce_reading *reading)
{
	struct state_domain *state = state_domain(enforce->state, domain->id);

	domain->had_state = state != NULL;
	if (!state || (state->knob_count == 0 && state->target.pid == 0))
		return 0;
	if (!is_same_process(&state->target, &reading->target)) {
		forget_knobs(state, true);
		state->has_worst_case = false;
		forget_quota(enforce, domain);
	} else if (state->target.manager == reading->target.manager &&
		   !is_same_cgroup(state->cgroup_inode, reading->cgroup_inode)) {
		forget_knobs(state, false);
	}
	return enforce_knobs_adopt(enforce, domain, &reading->target);
}

static void note_change(struct enforce *enforce, struct enforce_domain *domain,
			const struct enforce_reading *reading)
{
	if (!is_same_process(&domain->target, &reading->target)) {
		enforce_knobs_forget(enforce, domain, true);
		forget_quota(enforce, domain);
		domain->bandwidth = (struct enforce_bandwidth){ .largest_cpus = NAN };
		domain->sums.begun = false;
	} else if (domain->target.manager != reading->target.manager) {
		enforce_knobs_hand_over(domain, &reading->target);
	} else if (!is_same_cgroup(domain->cgroup_inode, reading->cgroup_inode)) {
		enforce_knobs_forget(enforce, domain, false);
		forget_quota(enforce, domain);
	}
}

static int take_reading(struct enforce *enforce, struct enforce_domain *domain,
			const struct enforce_reading *reading)
{
	int result = 0;

	if (!domain->has_target)
		result = meet(enforce, domain, reading);
	else
		note_change(enforce, domain, reading);
	/* Counters of another cgroup do not go on where the old one's ended. */
	if (domain->cgroup_inode != reading->cgroup_inode)
		domain->bandwidth.has_base = domain->bandwidth.has_usage_base = false;
	domain->has_target = true;
	domain->target = reading->target;
	snprintf(domain->target.id, sizeof domain->target.id, "%s", domain->id);
	domain->cgroup_inode = reading->cgroup_inode;
	enforce_add_reading(domain, reading);
	return result;
}

static int watch_knobs(struct enforce *enforce, const struct enforce_domain *domain,
		       const struct enforce_reading *reading)
{
	int result = 0;

	for (size_t i = domain->knobs.count; i-- > 0 && !result;) {
		struct enforce_knob *knob = domain->knobs.items[i];

		if (knob->unsure && knob->phase == PHASE_NONE)
			result = enforce_knob_step(enforce, knob, false);
		else
			enforce_knob_watch(enforce, knob, reading);
	}
	return result;
}

/* --- a tick ------------------------------------------------------------------------------- */

static int follow_snapshot(struct enforce *enforce, const struct snapshot *snapshot, bool is_new)
{
	int result = enforce_open_rows(&enforce->by_snapshot, snapshot->domain_count);

	for (size_t i = 0; i < snapshot->domain_count && !result; i++) {
		const struct snapshot_domain *row = &snapshot->domains[i];
		struct enforce_domain *domain =
			enforce_row(enforce, &enforce->by_snapshot, i, row->id);

		if (!domain && row->state != DOMAIN_ENDED)
			domain = enforce_domain_add(enforce, row->id);
		if (!domain && row->state != DOMAIN_ENDED)
			return -ENOMEM;
		enforce->by_snapshot.items[i] = domain;
		if (!domain)
			continue;
		domain->ended = row->state == DOMAIN_ENDED;
		domain->is_client = false;
		domain->seen_ns = enforce->now_ns;
		if (!text_equal(domain->name, row->name) || !text_equal(domain->uuid, row->uuid) ||
		    !text_equal(domain->host_owner, row->owner)) {
			domain->rules = 0;
			result = text_replace(&domain->name, row->name);
			if (!result)
				result = text_replace(&domain->uuid, row->uuid);
			if (!result)
				result = text_replace(&domain->host_owner, row->owner);
		}
	}
	for (size_t i = 0; i < snapshot->service_count && is_new; i++)
		for (size_t k = 0; k < snapshot->services[i].client_count; k++) {
			struct enforce_domain *client =
				enforce_find(enforce, snapshot->services[i].clients[k]);

			if (client)
				client->is_client = true;
		}
	return result;
}

static void add_snapshot(struct enforce *enforce, const struct enforce_input *input)
{
	const struct snapshot *snapshot = input->snapshot;

	for (size_t i = 0; i < snapshot->domain_count; i++)
		if (enforce->by_snapshot.items[i])
			enforce_add_domain(enforce->by_snapshot.items[i], &snapshot->domains[i],
					   snapshot->interval_s);
	enforce_add_host(enforce, input, snapshot->interval_s);
}

static int follow_readings(struct enforce *enforce, const struct enforce_input *input)
{
	int result = enforce_open_rows(&enforce->by_reading, input->reading_count);

	for (size_t i = 0; i < input->reading_count && !result; i++) {
		const struct enforce_reading *reading = &input->readings[i];
		struct enforce_domain *domain =
			enforce_row(enforce, &enforce->by_reading, i, reading->id);

		enforce->by_reading.items[i] = domain;
		if (domain && !domain->ended)
			result = take_reading(enforce, domain, reading);
	}
	return result;
}

/* What was taken over, by a run before this one too, is found again: a disk's limit may be that
 * of its devices. */
static int watch_all(struct enforce *enforce, const struct enforce_input *input)
{
	const struct topology *topology = input->topology;
	int result = 0;

	for (size_t i = 0; i < topology->domain_count; i++) {
		struct enforce_domain *domain =
			enforce_row(enforce, &enforce->by_topology, i, topology->domains[i].id);

		if (domain && domain->knobs.count > 0)
			enforce_find_leaves(enforce, domain, input, i);
	}
	for (size_t i = 0; i < enforce->domains.count; i++)
		enforce_follow_services(enforce, enforce->domains.items[i]);
	for (size_t i = 0; i < input->reading_count && !result; i++) {
		const struct enforce_domain *domain = enforce->by_reading.items[i];

		if (domain && !domain->ended)
			result = watch_knobs(enforce, domain, &input->readings[i]);
	}
	return result;
}

int enforce_follow(struct enforce *enforce, const struct enforce_input *input)
{
	const struct snapshot *snapshot = input->snapshot;
	bool is_new = !enforce->has_snapshot || snapshot->seq != enforce->snapshot_seq ||
		      snapshot->epoch != enforce->snapshot_epoch;
	int result;

	if (enforce->has_snapshot && snapshot->epoch != enforce->snapshot_epoch)
		for (size_t i = 0; i < enforce->domains.count; i++)
			enforce->domains.items[i]->sums.begun = false;
	enforce->has_snapshot = true;
	enforce->snapshot_seq = snapshot->seq;
	enforce->snapshot_epoch = snapshot->epoch;
	result = follow_snapshot(enforce, snapshot, is_new);
	if (!result)
		result = follow_readings(enforce, input);
	if (!result && is_new)
		add_snapshot(enforce, input);
	return result ? result : watch_all(enforce, input);
}

/* Not seen, but there: who lists domains may be starting again, or have lost its rights. */
static bool lives(const struct enforce *enforce, const struct target *target)
{
	const struct enforce_options *options = &enforce->options;

	return options->lives && target->pid > 0 &&
	       options->lives(options->lives_context, target->pid, target->start_ticks);
}

static bool is_gone(const struct enforce *enforce, const struct enforce_domain *domain)
{
	return domain->ended || (enforce->now_ns > domain->seen_ns + ENFORCE_ABSENT_NS &&
				 !lives(enforce, &domain->target));
}

/* Nothing is to be put back where nothing is. A cap by hand stays for the next run of a domain
 * that can be known again. */
static void drop(struct enforce *enforce, struct enforce_domain *domain)
{
	for (size_t i = domain->knobs.count; i-- > 0;)
		enforce_knob_drop(enforce, domain->knobs.items[i]);
	state_domain_remove(enforce->state, domain->id);
	enforce_budget_keep(enforce, domain->id, domain->name, domain->uuid);
	if (!domain->uuid)
		state_override_remove(enforce->state, domain->id);
	policy_forget(enforce->policy, domain->id);
	enforce_domain_free(domain);
}

static void clear_rows(struct enforce_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		rows->items[i] = NULL;
}

/* Of the state file: never met since the start. */
static int drop_unmet(struct enforce *enforce)
{
	int result = 0;

	if (enforce->now_ns < enforce->begun_ns + ENFORCE_ABSENT_NS)
		return 0;
	for (size_t i = enforce->state->domain_count; i-- > 0 && !result;) {
		const char *id = enforce->state->domains[i].id;
		const struct target *target = &enforce->state->domains[i].target;

		if (enforce_find(enforce, id) || lives(enforce, target))
			continue;
		result = enforce_meet_gone(enforce, &enforce->state->domains[i]);
		if (result || enforce_find(enforce, id))
			continue;
		enforce_budget_keep(enforce, id, target->name, target->uuid);
		policy_forget(enforce->policy, id);
		state_domain_remove(enforce->state, id);
	}
	return result;
}

int enforce_drop_gone(struct enforce *enforce)
{
	struct enforce_domains *domains = &enforce->domains;
	size_t kept = 0;

	for (size_t i = 0; i < domains->count; i++) {
		if (is_gone(enforce, domains->items[i]) &&
		    !enforce_leaves_services(enforce, domains->items[i]))
			drop(enforce, domains->items[i]);
		else
			domains->items[kept++] = domains->items[i];
	}
	if (kept < domains->count) {
		clear_rows(&enforce->by_snapshot);
		clear_rows(&enforce->by_reading);
		clear_rows(&enforce->by_topology);
	}
	domains->count = kept;
	return drop_unmet(enforce);
}
