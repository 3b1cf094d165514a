/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-budgets.c - what is left of a budget outlives the domain, the domains of
 * an owner, and the daemon. The policy has it while its domain or a domain of its
 * owner runs; the state keeps and fills it while none does, until it is full.
 */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"

/* false: no memory. */
static bool put_owner_id(struct text *id, const char *name)
{
	text_reset(id);
	text_addf(id, POLICY_OWNER_PREFIX "%s", name);
	return !id->failed;
}

static int to_policy(struct enforce *enforce, const struct state_budget *budget)
{
	const struct policy_memory memory = { budget->bucket_j, INFINITY, NAN };

	return policy_remember(enforce->policy, budget->id, &memory);
}

int enforce_budgets_adopt(struct enforce *enforce)
{
	int result = 0;

	for (size_t i = 0; i < enforce->state->budget_count && !result; i++)
		result = to_policy(enforce, &enforce->state->budgets[i]);
	return result;
}

/* --- those of whom something runs --------------------------------------------------------- */

/* What the policy has, if anything, is newer: of owners, and of the time without a daemon. */
static int take_up(struct enforce *enforce, const char *id)
{
	const struct state_budget *budget = state_budget(enforce->state, id);
	struct policy_memory memory;

	if (!budget || policy_recall(enforce->policy, id, &memory))
		return 0;
	return to_policy(enforce, budget);
}

static bool is_added(const struct enforce_decision *decision, const char *owner)
{
	for (size_t i = 0; i < decision->owners.count; i++)
		if (strcmp(decision->owners.items[i].name, owner) == 0)
			return true;
	return false;
}

static int add_owner(struct enforce *enforce, const struct enforce_domain *domain)
{
	struct enforce_decision *decision = &enforce->decision;
	struct policy_owner *owner;
	struct text id = { 0 };
	int result;

	if (!domain->owner_has_limit || is_added(decision, domain->owner))
		return 0;
	owner = MEMORY_APPEND(&decision->owners);
	if (!owner)
		return -ENOMEM;
	*owner = (struct policy_owner){ domain->owner, domain->owner_limits };
	result = put_owner_id(&id, domain->owner) ? take_up(enforce, id.bytes) : -ENOMEM;
	text_free(&id);
	return result;
}

int enforce_budgets_take_up(struct enforce *enforce, const struct enforce_domain *domain)
{
	int result = take_up(enforce, domain->id);

	if (!result)
		state_budget_remove(enforce->state, domain->id);
	return result ? result : add_owner(enforce, domain);
}

/* What the state cannot hold begins anew. */
static void note(struct enforce *enforce, const char *id, const char *name)
{
	struct policy_memory memory;
	struct state_budget *budget;

	if (!policy_recall(enforce->policy, id, &memory) || isnan(memory.bucket_j))
		return;
	budget = state_budget(enforce->state, id);
	if (!budget)
		budget = state_budget_add(enforce->state, id, name);
	if (!budget)
		return;
	budget->bucket_j = memory.bucket_j;
	budget->filled_ns = enforce->now_ns;
	/* A bucket says nothing without its time, even where it stays full. */
	enforce->state->saved_s = enforce->realtime_s;
}

/* Any other id has the process in it. */
void enforce_budget_keep(struct enforce *enforce, const char *id, const char *name,
			 const char *uuid)
{
	if (text_equal(id, uuid))
		note(enforce, id, name);
}

/* --- those of whom nothing runs ----------------------------------------------------------- */

static void refresh_rules(const struct enforce *enforce, struct state_budget *budget)
{
	const size_t prefix = strlen(POLICY_OWNER_PREFIX);
	struct limits limits;

	if (budget->rules == enforce->rules)
		return;
	if (strncmp(budget->id, POLICY_OWNER_PREFIX, prefix) == 0)
		limits = enforce_owner_limits(enforce, budget->id + prefix);
	else
		limits = enforce_domain_limits(enforce, budget->id,
					       budget->name ? budget->name : "", budget->id);
	budget->rules = enforce->rules;
	budget->rate_w = limits.budget_j / limits.budget_period_s;
	budget->burst_j = limits_burst_j(&limits);
}

/* false: there is nothing to keep. Of the last run's, the policy still has the time without a
 * daemon to charge: who is to come back from it has come. */
static bool fill(struct enforce *enforce, struct state_budget *budget)
{
	refresh_rules(enforce, budget);
	if (isnan(budget->rate_w))
		return false;
	if (budget->filled_ns == enforce->now_ns)
		return true;
	if (budget->filled_ns == 0) {
		if (enforce->now_ns < enforce->begun_ns + ENFORCE_ABSENT_NS)
			return true;
		budget->filled_ns = enforce->now_ns;
	}
	policy_forget(enforce->policy, budget->id);
	budget->bucket_j +=
		budget->rate_w * (double)(enforce->now_ns - budget->filled_ns) / ENFORCE_NS;
	budget->filled_ns = enforce->now_ns;
	enforce->state->saved_s = enforce->realtime_s;
	return budget->bucket_j < budget->burst_j;
}

void enforce_budgets_follow(struct enforce *enforce)
{
	const struct enforce_decision *decision = &enforce->decision;
	struct state *state = enforce->state;
	struct text id = { 0 };

	for (size_t i = 0; decision->made && i < decision->owners.count; i++)
		if (isfinite(decision->owners.items[i].limits.budget_j) &&
		    put_owner_id(&id, decision->owners.items[i].name))
			note(enforce, id.bytes, NULL);
	text_free(&id);
	for (size_t i = state->budget_count; i-- > 0;)
		if (!fill(enforce, &state->budgets[i])) {
			policy_forget(enforce->policy, state->budgets[i].id);
			state_budget_remove(state, state->budgets[i].id);
		}
}
