/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "vmenergyd/policy/bandwidth.h"

double state_cpus(const struct cpu_limit *limit)
{
	const struct bandwidth bandwidth = { limit->quota_us, limit->period_us };

	return bandwidth_cpus(&bandwidth);
}

void state_init(struct state *state)
{
	*state = (struct state){
		.host = { .peak_used_j = 0, .peak_window_start_s = NAN },
		.host_cap_w = NAN,
	};
}

static void domain_release(struct state_domain *domain)
{
	free(domain->id);
	free(domain->knobs);
}

static void override_release(struct state_override *override)
{
	free(override->id);
	free(override->name);
	free(override->by);
}

static void budget_release(struct state_budget *budget)
{
	free(budget->id);
	free(budget->name);
}

void state_clear(struct state *state)
{
	for (size_t i = 0; i < state->domain_count; i++)
		domain_release(&state->domains[i]);
	for (size_t i = 0; i < state->override_count; i++)
		override_release(&state->overrides[i]);
	for (size_t i = 0; i < state->budget_count; i++)
		budget_release(&state->budgets[i]);
	free(state->domains);
	free(state->overrides);
	free(state->budgets);
	state_init(state);
}

struct state_domain *state_domain(struct state *state, const char *id)
{
	for (size_t i = 0; i < state->domain_count; i++)
		if (strcmp(state->domains[i].id, id) == 0)
			return &state->domains[i];
	return NULL;
}

/* Room for one more behind `count` items; false: no memory. */
static bool grow(void *items, size_t *capacity, size_t count, size_t bytes)
{
	void *grown, *old;

	memcpy(&old, items, sizeof old);
	grown = memory_grow(old, capacity, count + 1, bytes);
	if (!grown)
		return false;
	memcpy(items, &grown, sizeof grown);
	memset((char *)grown + count * bytes, 0, bytes);
	return true;
}

/* As long as the file may hold it. */
static char *copy_id(const char *id)
{
	return strlen(id) < TARGET_TEXT ? strdup(id) : NULL;
}

struct state_domain *state_domain_add(struct state *state, const char *id)
{
	struct state_domain *domain;
	char *copy = copy_id(id);

	if (!copy || state->domain_count >= STATE_DOMAINS_MAX ||
	    !grow(&state->domains, &state->domain_capacity, state->domain_count,
		  sizeof *state->domains)) {
		free(copy);
		return NULL;
	}
	domain = &state->domains[state->domain_count++];
	domain->id = copy;
	strcpy(domain->target.id, copy);
	domain->memory = (struct policy_memory){ NAN, INFINITY, NAN };
	domain->worst_case_cpu.knob = KNOB_CPU;
	return domain;
}

void state_domain_remove(struct state *state, const char *id)
{
	struct state_domain *domain = state_domain(state, id);

	if (!domain)
		return;
	domain_release(domain);
	*domain = state->domains[--state->domain_count];
}

struct state_knob *state_knob(struct state_domain *domain, enum knob knob, const char *vdisk)
{
	for (size_t i = 0; i < domain->knob_count; i++)
		if (domain->knobs[i].knob == knob && strcmp(domain->knobs[i].vdisk, vdisk) == 0)
			return &domain->knobs[i];
	return NULL;
}

struct state_knob *state_knob_add(struct state_domain *domain, enum knob knob, const char *vdisk)
{
	struct state_knob *added;

	if (strlen(vdisk) >= sizeof added->vdisk || domain->knob_count >= STATE_KNOBS_MAX ||
	    !grow(&domain->knobs, &domain->knob_capacity, domain->knob_count,
		  sizeof *domain->knobs))
		return NULL;
	added = &domain->knobs[domain->knob_count++];
	added->knob = added->original.knob = added->written.knob = added->before.knob = knob;
	strcpy(added->vdisk, vdisk);
	return added;
}

void state_knob_remove(struct state_domain *domain, enum knob knob, const char *vdisk)
{
	struct state_knob *found = state_knob(domain, knob, vdisk);

	if (found)
		*found = domain->knobs[--domain->knob_count];
}

struct state_override *state_override(struct state *state, const char *id)
{
	for (size_t i = 0; i < state->override_count; i++)
		if (strcmp(state->overrides[i].id, id) == 0)
			return &state->overrides[i];
	return NULL;
}

struct state_override *state_override_add(struct state *state, const char *id)
{
	struct state_override *override;
	char *copy = copy_id(id);

	if (!copy || state->override_count >= STATE_OVERRIDES_MAX ||
	    !grow(&state->overrides, &state->override_capacity, state->override_count,
		  sizeof *state->overrides)) {
		free(copy);
		return NULL;
	}
	override = &state->overrides[state->override_count++];
	override->id = copy;
	override->limits = limits_none();
	return override;
}

void state_override_remove(struct state *state, const char *id)
{
	struct state_override *override = state_override(state, id);

	if (!override)
		return;
	override_release(override);
	*override = state->overrides[--state->override_count];
}

/* Where it stands, or would stand. */
static size_t find_budget(const struct state *state, const char *id, bool *found)
{
	size_t low = 0, high = state->budget_count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(state->budgets[middle].id, id);

		*found = order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return *found ? high : low;
}

struct state_budget *state_budget(struct state *state, const char *id)
{
	bool found;
	size_t at = find_budget(state, id, &found);

	return found ? &state->budgets[at] : NULL;
}

struct state_budget *state_budget_add(struct state *state, const char *id, const char *name)
{
	struct state_budget added = { .bucket_j = NAN }, *budget;
	bool found;
	size_t at = find_budget(state, id, &found);

	if (strlen(id) > STATE_NAME_MAX || (name && strlen(name) > STATE_NAME_MAX) ||
	    state->budget_count >= STATE_BUDGETS_MAX)
		return NULL;
	if (text_replace(&added.id, id) || text_replace(&added.name, name) ||
	    !grow(&state->budgets, &state->budget_capacity, state->budget_count,
		  sizeof *state->budgets)) {
		budget_release(&added);
		return NULL;
	}
	budget = &state->budgets[at];
	memmove(budget + 1, budget, (state->budget_count++ - at) * sizeof *budget);
	*budget = added;
	return budget;
}

void state_budget_remove(struct state *state, const char *id)
{
	struct state_budget *budget = state_budget(state, id);
	size_t behind;

	if (!budget)
		return;
	budget_release(budget);
	behind = --state->budget_count - (size_t)(budget - state->budgets);
	memmove(budget, budget + 1, behind * sizeof *budget);
}
