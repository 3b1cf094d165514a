/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-owners.c - owners: their limits hold for all of their domains together,
 * and what is left of a budget outlives domains and daemon.
 */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* --- the policy's memory ------------------------------------------------------------------ */

/* false: no memory. */
static bool put_id(struct text *id, const char *name)
{
	text_reset(id);
	text_addf(id, POLICY_OWNER_PREFIX "%s", name);
	return !id->failed;
}

int enforce_owners_adopt(struct enforce *enforce)
{
	const struct state *state = enforce->state;
	struct text id = { 0 };
	int result = 0;

	for (size_t i = 0; i < state->owner_count && !result; i++) {
		const struct policy_memory memory = { state->owners[i].bucket_j, INFINITY, NAN };

		result = put_id(&id, state->owners[i].name)
				 ? policy_remember(enforce->policy, id.bytes, &memory)
				 : -ENOMEM;
	}
	text_free(&id);
	return result;
}

/* What the state cannot hold begins anew with the daemon. */
static void remember(struct enforce *enforce, const char *name, struct text *id)
{
	struct policy_memory memory;
	struct state_owner *owner;

	if (!put_id(id, name) || !policy_recall(enforce->policy, id->bytes, &memory) ||
	    isnan(memory.bucket_j))
		return;
	owner = state_owner(enforce->state, name);
	if (!owner)
		owner = state_owner_add(enforce->state, name);
	if (!owner)
		return;
	owner->bucket_j = memory.bucket_j;
	/* A bucket says nothing without its time, even where it stays full. */
	enforce->state->saved_s = enforce->realtime_s;
}

/* Those whose budget the rules have taken away. */
static void forget_free(struct enforce *enforce, struct text *id)
{
	struct state *state = enforce->state;

	if (enforce->owners_rules == enforce->rules)
		return;
	for (size_t i = state->owner_count; i-- > 0;) {
		const char *name = state->owners[i].name;

		if (!isnan(config_owner_limits(enforce->config, name).budget_j))
			continue;
		if (put_id(id, name))
			policy_forget(enforce->policy, id->bytes);
		state_owner_remove(state, name);
	}
	enforce->owners_rules = enforce->rules;
}

void enforce_owners_remember(struct enforce *enforce)
{
	const struct enforce_decision *decision = &enforce->decision;
	struct text id = { 0 };

	for (size_t i = 0; decision->made && i < decision->owners.count; i++)
		if (isfinite(decision->owners.items[i].limits.budget_j))
			remember(enforce, decision->owners.items[i].name, &id);
	forget_free(enforce, &id);
	text_free(&id);
}

/* --- the decision ------------------------------------------------------------------------- */

static bool is_added(const struct enforce_decision *decision, const char *name)
{
	for (size_t i = 0; i < decision->owners.count; i++)
		if (strcmp(decision->owners.items[i].name, name) == 0)
			return true;
	return false;
}

static int add(struct enforce_decision *decision, const char *name, const struct limits *limits)
{
	struct policy_owner *owner;

	if (is_added(decision, name))
		return 0;
	owner = MEMORY_APPEND(&decision->owners);
	if (!owner)
		return -ENOMEM;
	*owner = (struct policy_owner){ name, *limits };
	return 0;
}

int enforce_owner_add(struct enforce_decision *decision, const struct enforce_domain *domain)
{
	return domain->owner_has_limit ? add(decision, domain->owner, &domain->owner_limits) : 0;
}

/* Their budgets fill up again. */
int enforce_owners_add_absent(struct enforce *enforce)
{
	const struct state *state = enforce->state;
	int result = 0;

	for (size_t i = 0; i < state->owner_count && !result; i++) {
		const char *name = state->owners[i].name;
		struct limits limits = config_owner_limits(enforce->config, name);

		if (isfinite(limits.budget_j))
			result = add(&enforce->decision, name, &limits);
	}
	return result;
}
