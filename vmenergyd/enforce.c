/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A tick that comes this much of the period early still ends it. */
#define EARLY 0.1
/* Less than what the dead man waits for a sign of life; of several ticks, where they are long. */
#define HUNG_NS (30 * UINT64_C(1000000000))
#define HUNG_TICKS 1.5

/* --- opening ------------------------------------------------------------------------------ */

/* Of the highest operating point: the dearest. */
static double default_w_per_cpu(const struct weights *cpu)
{
	return cpu->point_count > 0 ? cpu->points[cpu->point_count - 1].on_cpu.nj : NAN;
}

static int remember_all(struct enforce *enforce)
{
	int result = 0;

	policy_remember_host(enforce->policy, &enforce->state->host);
	for (size_t i = 0; i < enforce->state->domain_count && !result; i++)
		result = policy_remember(enforce->policy, enforce->state->domains[i].id,
					 &enforce->state->domains[i].memory);
	return result ? result : enforce_budgets_adopt(enforce);
}

int enforce_open(struct enforce **out, const struct enforce_options *options,
		 const struct config *config, struct state *state, enforce_say *say, void *context,
		 struct error *error)
{
	struct enforce *enforce = calloc(1, sizeof *enforce);
	int result;

	if (!enforce)
		return error_setf(error, ENOMEM, "out of memory");
	enforce->options = *options;
	enforce->state = state;
	enforce->say = say;
	enforce->context = context;
	enforce->host.temperature_c = enforce->highest_w_per_cpu = NAN;
	enforce->host.whole = true;
	enforce_set_config(enforce, config, options->control_interval_s);
	result = policy_open(&enforce->policy, error);
	if (!result && remember_all(enforce))
		result = error_setf(error, ENOMEM, "out of memory");
	if (result) {
		enforce_close(enforce);
		return result;
	}
	enforce->default_w_per_cpu = default_w_per_cpu(options->cpu);
	if (!isnan(enforce->default_w_per_cpu))
		policy_set_default_watts_per_cpu(enforce->policy, enforce->default_w_per_cpu);
	state->clean = false;
	*out = enforce;
	return 0;
}

void enforce_close(struct enforce *enforce)
{
	if (!enforce)
		return;
	for (size_t i = 0; i < enforce->domains.count; i++)
		enforce_domain_free(enforce->domains.items[i]);
	free(enforce->domains.items);
	free(enforce->by_snapshot.items);
	free(enforce->by_reading.items);
	free(enforce->by_topology.items);
	free(enforce->decision.domains);
	free(enforce->decision.rows);
	free(enforce->decision.ids);
	free(enforce->decision.disks);
	free(enforce->decision.owners.items);
	free(enforce->queue.items);
	free(enforce->flights.items);
	if (enforce->policy)
		policy_close(enforce->policy);
	free(enforce);
}

/* --- the tick ----------------------------------------------------------------------------- */

static uint64_t interval_ns(const struct enforce *enforce, double part)
{
	return (uint64_t)(enforce->control_interval_s * part * ENFORCE_NS);
}

/* On a grid, so that jitter of ticks does not lengthen periods. The first decision is made with
 * what the first tick has: nobody is to wait for a cap. */
static bool is_due(struct enforce *enforce, double tick_s)
{
	if (enforce->begun_ns == 0) {
		enforce->begun_ns = enforce->now_ns;
		enforce->due_ns = enforce->now_ns + interval_ns(enforce, 1);
		enforce->period_begin_ns = enforce->now_ns - (uint64_t)(tick_s * ENFORCE_NS);
		return true;
	}
	if (enforce->now_ns + interval_ns(enforce, EARLY) < enforce->due_ns)
		return false;
	enforce->due_ns += interval_ns(enforce, 1);
	if (enforce->due_ns < enforce->now_ns + interval_ns(enforce, 1 - EARLY))
		enforce->due_ns = enforce->now_ns + interval_ns(enforce, 1);
	return true;
}

/* Its process shows that it is libvirt's before libvirt says so: by what is told of it, or by the
 * cgroup that libvirt or systemd-machined made for it. */
static bool awaits_libvirt(const struct enforce_domain *domain, const struct domain *of)
{
	const char *cgroup = domain->target.cpu_cgroup;

	if (of->manager == DOMAIN_LIBVIRT)
		return false;
	return (of->reason && strstr(of->reason, "libvirt: ")) || strstr(cgroup, ".libvirt-qemu") ||
	       strstr(cgroup, "/machine-qemu");
}

static int prepare(struct enforce *enforce, const struct enforce_input *input)
{
	const struct topology *topology = input->topology;
	int result = enforce_open_rows(&enforce->by_topology, topology->domain_count);

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		struct enforce_domain *domain =
			enforce_row(enforce, &enforce->by_topology, i, topology->domains[i].id);

		enforce->by_topology.items[i] = domain;
		if (!domain)
			continue;
		domain->awaits_libvirt = awaits_libvirt(domain, &topology->domains[i]);
		enforce_refresh_rules(enforce, domain);
		if (enforce_is_limited(enforce, domain))
			enforce_find_leaves(enforce, domain, input, i);
		else if (topology->attachment_count > 0) /* what its services cost is learnt */
			enforce_find_services(input, domain, i);
	}
	return result;
}

/* Lower first: limits of one parent must never sum to more than before. */
static int step_all(struct enforce *enforce, bool raises)
{
	int result = 0;

	for (size_t i = 0; i < enforce->domains.count; i++) {
		struct enforce_domain *domain = enforce->domains.items[i];

		for (size_t k = domain->knobs.count; k-- > 0 && !result;) {
			if (!raises && enforce_knob_is_unchanged(domain->knobs.items[k]) &&
			    domain->knobs.items[k]->phase == PHASE_NONE)
				enforce->counts.unchanged_left_out++;
			result = enforce_knob_step(enforce, domain->knobs.items[k], raises);
		}
	}
	return result;
}

/*
 * A knob that is taken over is lowered when its original has been read, and a write that was sent
 * may still be under way: under a limit of several domains, raises wait for those that pay for
 * them. What is queued now and lowers goes out before what raises. Not for ever: who is slow must
 * not keep all others down.
 */
static bool raises_wait(struct enforce *enforce)
{
	const unsigned patience = 2;
	bool wait = false;

	for (size_t i = 0; i < enforce->flights.count; i++) {
		const struct enforce_knob *knob = enforce->flights.items[i].knob;

		wait |= knob->phase == PHASE_TAKE || knob->phase == PHASE_LOOK ||
			(knob->phase == PHASE_SET && knob->is_sent && knob->lowers);
	}
	wait = wait && (enforce_host_has_limit(enforce) || enforce->decision.owners.count > 0);
	enforce->raises_waited = wait ? enforce->raises_waited + 1 : 0;
	return wait && enforce->raises_waited <= patience;
}

static int act(struct enforce *enforce)
{
	int result = 0;

	for (size_t i = 0; i < enforce->domains.count && !result; i++) {
		result = enforce_want(enforce, enforce->domains.items[i]);
		if (enforce_is_limited(enforce, enforce->domains.items[i]))
			enforce_say_services(enforce, enforce->domains.items[i]);
	}
	if (!result)
		result = step_all(enforce, false);
	if (!result && !raises_wait(enforce))
		result = step_all(enforce, true);
	for (size_t i = 0; i < enforce->domains.count; i++)
		enforce_remember(enforce, enforce->domains.items[i]);
	enforce_budgets_follow(enforce);
	enforce->state->host = policy_recall_host(enforce->policy);
	return result;
}

/* Where nothing is limited, too: what is remembered of budgets and windows goes on with the time.
 */
static int decide(struct enforce *enforce, const struct enforce_input *input, struct error *error)
{
	int result;

	enforce->decision.made = false;
	enforce->decision.count = enforce->decision.owners.count = 0;
	result = enforce_drop_gone(enforce);
	if (!result)
		result = prepare(enforce, input);
	if (result)
		return error_setf(error, -result, "out of memory for a decision");
	result = enforce_decide(enforce, input, error);
	if (result)
		return result;
	result = act(enforce);
	if (result)
		return error_setf(error, -result, "out of memory for a decision");
	enforce->counts.decisions++;
	enforce_say_decision(enforce);
	return 1;
}

/* What the last run knew is as old as its last save: budgets went on being used. */
static void tell_away(struct enforce *enforce)
{
	double seconds = enforce->realtime_s - enforce->state->saved_s;

	if (!enforce->was_away_told && enforce->state->saved_s > 0 && seconds > 0)
		policy_was_away(enforce->policy, seconds);
	enforce->was_away_told = true;
}

/* Whoever was stopped for so long may have been taken for dead: limits of CPUs may be the dead
 * man's, by a file that is older than what is known here. */
static void doubt_cpus(struct enforce *enforce, uint64_t now_ns)
{
	const uint64_t least_ns = (uint64_t)(HUNG_TICKS * enforce->config->interval_s * ENFORCE_NS);

	if (enforce->now_ns == 0 || now_ns <= enforce->now_ns + HUNG_NS ||
	    now_ns <= enforce->now_ns + least_ns)
		return;
	for (size_t i = 0; i < enforce->domains.count; i++) {
		const struct enforce_knobs *knobs = &enforce->domains.items[i]->knobs;

		for (size_t k = 0; k < knobs->count; k++)
			if (knobs->items[k]->knob == KNOB_CPU && knobs->items[k]->taken)
				knobs->items[k]->unsure = knobs->items[k]->left_over = true;
	}
}

int enforce_tick(struct enforce *enforce, const struct enforce_input *input, struct error *error)
{
	int result;

	doubt_cpus(enforce, input->now_ns);
	enforce->now_ns = input->now_ns;
	enforce->realtime_s = input->snapshot->time_s;
	enforce->tick++;
	tell_away(enforce);
	enforce_add_meter(enforce, input);
	result = enforce_follow(enforce, input);
	if (result)
		return error_setf(error, -result, "out of memory while following the domains");
	if (enforce->restoring) {
		enforce_restore(enforce);
		return 0;
	}
	if (!is_due(enforce, input->snapshot->interval_s))
		return 0;
	result = decide(enforce, input, error);
	enforce_begin_period(enforce);
	return result;
}

/* --- the end ------------------------------------------------------------------------------ */

static bool is_all_back(const struct enforce *enforce)
{
	for (size_t i = 0; i < enforce->state->domain_count; i++)
		if (enforce->state->domains[i].knob_count > 0)
			return false;
	return true;
}

/* What was refused before is tried all the same. */
static void forget_failures(struct enforce *enforce)
{
	for (size_t i = 0; i < enforce->domains.count; i++)
		for (size_t k = 0; k < enforce->domains.items[i]->knobs.count; k++)
			enforce->domains.items[i]->knobs.items[k]->failures = 0;
}

void enforce_restore(struct enforce *enforce)
{
	if (!enforce->restoring)
		forget_failures(enforce);
	enforce->restoring = true;
	for (size_t i = 0; i < enforce->domains.count; i++) {
		struct enforce_knobs *knobs = &enforce->domains.items[i]->knobs;

		for (size_t k = knobs->count; k-- > 0;) {
			knobs->items[k]->leaving = true;
			(void)enforce_knob_step(enforce, knobs->items[k], true);
		}
	}
	enforce->state->clean = is_all_back(enforce);
}

bool enforce_is_idle(const struct enforce *enforce)
{
	return enforce->flights.count == 0;
}

struct enforce_counts enforce_counts(const struct enforce *enforce)
{
	return enforce->counts;
}

const struct policy_output *enforce_output(const struct enforce *enforce, const char *const **ids)
{
	if (!enforce->decision.made)
		return NULL;
	*ids = enforce->decision.ids;
	return &enforce->decision.output;
}
