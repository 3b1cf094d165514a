/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * deadman-limits.c - plain QEMUs first, for their cgroups answer at once; then libvirt's through
 * libvirt, for as long as there is patience; then the rest of those in their cgroups.
 */
#include "vmenergyd/deadman-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "vmenergyd/helper-internal.h"
#include "vmenergyd/helper.h"

#define NS_PER_S 1e9

static bool is_same_process(const struct deadman *deadman, const struct target *target)
{
	struct proc_stat stat;

	if (target->pid == 0) /* libvirt's UUID alone tells it */
		return target->uuid[0] != '\0';
	return proc_read_stat(&deadman->rootfs, target->pid, 0, &stat) == 0 &&
	       stat.start_ticks == target->start_ticks;
}

static struct verb verb_for(const struct state_domain *domain, enum verb_kind kind)
{
	return (struct verb){
		.kind = kind,
		.target = domain->target,
		.value = domain->worst_case_cpu,
	};
}

/* false: said; or it ended meanwhile, which is nothing to say. */
static bool is_done(struct deadman *deadman, const struct state_domain *domain, enum verb_kind kind,
		    const struct applied *applied)
{
	if (applied->result == -ENOENT || applied->result == -ESRCH)
		return false;
	if (applied->result) {
		log_error("%s: CPU limit cannot be %s: %s", domain->target.name,
			  kind == VERB_SET ? "written" : "read", applied->error.text);
		deadman->failed++;
	}
	return applied->result == 0;
}

static void say_held(struct deadman *deadman, const struct state_domain *domain,
		     const struct applied *applied)
{
	deadman->installed++;
	log_warning("%s: held to %.3g CPUs, which keeps its cap even at its dearest",
		    domain->target.name, state_cpus(&applied->value.cpu));
}

/*
 * An original that the daemon never had to take over is put down before it is lost. While a daemon
 * holds the state, it knows a worst case where it meets one, and takes it for nobody's original.
 */
static bool keep_original(struct deadman *deadman, struct state_domain *domain,
			  const struct knob_value *in_force)
{
	struct error error = { "" };
	struct state_knob *knob;

	if (!deadman->may_note || state_knob(domain, KNOB_CPU, ""))
		return true;
	knob = state_knob_add(domain, KNOB_CPU, "");
	if (knob) {
		knob->original = knob->before = *in_force;
		knob->written = domain->worst_case_cpu;
		if (state_save(deadman->state_directory, &deadman->state, &error) == 0)
			return true;
		state_knob_remove(domain, KNOB_CPU, "");
	}
	log_error("%s: gets no CPU limit, since its own could not be noted: %s",
		  domain->target.name, error.text);
	deadman->failed++;
	return false;
}

/* Is there something to do for it, and may it be done? */
static bool needs_limit(struct deadman *deadman, struct state_domain *domain,
			const struct applied *now)
{
	return is_done(deadman, domain, VERB_GET, now) &&
	       state_cpus(&domain->worst_case_cpu.cpu) < state_cpus(&now->value.cpu) &&
	       keep_original(deadman, domain, &now->value);
}

/* Through the cgroup, libvirt's domains too: that is where libvirt would write it. */
static void install_directly(struct deadman *deadman, struct state_domain *domain)
{
	struct verb get = verb_for(domain, VERB_GET), set = verb_for(domain, VERB_SET);
	struct applied applied;

	verb_do(&deadman->room, &actuator_cgroup, &get, &applied);
	if (!needs_limit(deadman, domain, &applied))
		return;
	verb_do(&deadman->room, &actuator_cgroup, &set, &applied);
	if (is_done(deadman, domain, VERB_SET, &applied))
		say_held(deadman, domain, &applied);
}

/* --- libvirt's ---------------------------------------------------------------------------- */

struct round { /* domains that libvirt is asked about, parallel */
	struct state_domain **domains;
	struct verb *verbs;
	struct applied *applied;
	size_t count;
};

static bool is_failsafe(const struct state_domain *domain, const struct applied *applied)
{
	return applied->result && applied->result != -ENOENT && applied->result != -ESRCH &&
	       domain->target.pid > 0 && domain->target.cpu_cgroup[0];
}

/* What libvirt says is in force; those that need a limit are what is left of the round. */
static void read_round(struct deadman *deadman, struct round *round, uint64_t end_ns)
{
	size_t kept = 0;

	for (size_t i = 0; i < round->count; i++)
		round->verbs[i] = verb_for(round->domains[i], VERB_GET);
	deadman_ask(deadman, round->verbs, round->applied, round->count, end_ns);
	for (size_t i = 0; i < round->count; i++) {
		struct state_domain *domain = round->domains[i];

		if (is_failsafe(domain, &round->applied[i]))
			install_directly(deadman, domain);
		else if (needs_limit(deadman, domain, &round->applied[i]))
			round->domains[kept++] = domain;
	}
	round->count = kept;
}

static void write_round(struct deadman *deadman, struct round *round, uint64_t end_ns)
{
	for (size_t i = 0; i < round->count; i++)
		round->verbs[i] = verb_for(round->domains[i], VERB_SET);
	deadman_ask(deadman, round->verbs, round->applied, round->count, end_ns);
	for (size_t i = 0; i < round->count; i++) {
		struct state_domain *domain = round->domains[i];

		if (is_failsafe(domain, &round->applied[i]))
			install_directly(deadman, domain);
		else if (is_done(deadman, domain, VERB_SET, &round->applied[i]))
			say_held(deadman, domain, &round->applied[i]);
	}
}

static int install_libvirts(struct deadman *deadman, struct error *error)
{
	uint64_t end_ns = clock_now_ns() + (uint64_t)(deadman->patience_s * NS_PER_S);
	size_t most = deadman->state.domain_count + 1;
	struct round round = {
		.domains = calloc(most, sizeof(struct state_domain *)),
		.verbs = calloc(most, sizeof *round.verbs),
		.applied = calloc(most, sizeof *round.applied),
	};
	int result = 0;

	if (!round.domains || !round.verbs || !round.applied) {
		result = error_setf(error, ENOMEM, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < deadman->state.domain_count; i++) {
		struct state_domain *domain = &deadman->state.domains[i];

		if (domain->has_worst_case && domain->target.manager == DOMAIN_LIBVIRT &&
		    is_same_process(deadman, &domain->target))
			round.domains[round.count++] = domain;
	}
	read_round(deadman, &round, end_ns);
	write_round(deadman, &round, end_ns);
out:
	free(round.domains);
	free(round.verbs);
	free(round.applied);
	return result;
}

/* --- all ---------------------------------------------------------------------------------- */

static void install_plain(struct deadman *deadman)
{
	for (size_t i = 0; i < deadman->state.domain_count; i++) {
		struct state_domain *domain = &deadman->state.domains[i];

		if (domain->has_worst_case && domain->target.manager != DOMAIN_LIBVIRT &&
		    domain->target.cpu_cgroup[0] && is_same_process(deadman, &domain->target))
			install_directly(deadman, domain);
	}
}

int deadman_install(struct deadman *deadman, struct error *error)
{
	int result = rootfs_open(&deadman->rootfs, deadman->root, error);

	if (result)
		return result;
	result = actuator_room_open(&deadman->room, &deadman->rootfs, false, error);
	if (!result) {
		install_plain(deadman);
		result = install_libvirts(deadman, error);
		actuator_room_close(&deadman->room);
	}
	rootfs_close(&deadman->rootfs);
	return result;
}
