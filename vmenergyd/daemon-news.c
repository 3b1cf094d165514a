/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the log says of a start, an adoption, writes and a stop: each once. */
#include <math.h>

#include "base/log.h"
#include "vmenergyd/daemon.h"

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* --- the start ----------------------------------------------------------------------------- */

static void add_quantity(struct text *text, const char *what, double value, const char *unit)
{
	if (isfinite(value))
		text_addf(text, "%s%s %g %s", text->length ? ", " : "", what, value, unit);
}

static void add_count(struct text *text, size_t count, const char *what)
{
	if (count)
		text_addf(text, "%s%zu %s", text->length ? ", " : "", count, what);
}

/* "host cap 300 W, 2 [domain], 1 [owner], 1 set by hand" */
static void list_limits(const struct daemon *daemon, struct text *text)
{
	const struct config *config = daemon->config;
	const struct state *state = &daemon->state;

	add_quantity(text, "host cap", config_host_cap_w(config, state->host_cap_w), "W");
	add_quantity(text, "host peak", config->peak_w, "W");
	add_quantity(text, "host temperature", config->temperature_c, "C");
	add_count(text, config->domains.count, "[domain]");
	add_count(text, config->owners.count, "[owner]");
	add_count(text, state->override_count + (isnan(state->host_cap_w) ? 0 : 1), "set by hand");
	if (!text->length)
		text_add(text, "none");
}

static size_t count_running(const struct topology *topology)
{
	size_t count = 0;

	for (size_t i = 0; i < topology->domain_count; i++)
		count += topology->domains[i].state != DOMAIN_ENDED;
	return count;
}

void daemon_say_start(struct daemon *daemon)
{
	const struct accounting *accounting = &daemon->accounting;
	struct text limits = { 0 };
	size_t count;

	if (daemon->start_said || !accounting->topology)
		return;
	daemon->start_said = true;
	if (daemon->may_limit)
		list_limits(daemon, &limits);
	else
		text_add(&limits, "none, accounts only");
	count = count_running(accounting->topology);
	log_info("started, version %s: %zu domain%s, counting by %s, every %g s; limits: %s",
		 VMENERGY_VERSION, count, plural(count),
		 cpu_source_name(accounting->counting.source), daemon->config->interval_s,
		 limits.failed ? "?" : limits.bytes);
	text_free(&limits);
}

/* --- what the run before has left ---------------------------------------------------------- */

size_t daemon_count_knobs(const struct state *state)
{
	size_t knobs = 0;

	for (size_t i = 0; i < state->domain_count; i++)
		knobs += state->domains[i].knob_count;
	return knobs;
}

static bool is_changed(const struct state_knob *knob)
{
	return !knob_value_equal(&knob->original, &knob->written);
}

/* Of processes that still run: the other knobs ended with theirs. */
static size_t count_living(const struct daemon *daemon, bool changed_alone)
{
	size_t knobs = 0;

	for (size_t i = 0; i < daemon->state.domain_count; i++) {
		const struct state_domain *domain = &daemon->state.domains[i];
		const struct target *target = &domain->target;

		if (!domain->knob_count || !daemon_lives(daemon, target->pid, target->start_ticks))
			continue;
		for (size_t k = 0; k < domain->knob_count; k++)
			knobs += !changed_alone || is_changed(&domain->knobs[k]);
	}
	return knobs;
}

size_t daemon_count_changed(const struct daemon *daemon)
{
	return count_living(daemon, true);
}

void daemon_say_adopted(struct daemon *daemon)
{
	size_t left = daemon->left_over, adopted;

	daemon->left_over = 0;
	if (!left || daemon->config->dry_run)
		return;
	adopted = count_living(daemon, false);
	log_info("adopted %zu setting%s of the previous daemon", adopted, plural(adopted));
	if (adopted < left)
		log_info("%zu more of it ended with their domains", left - adopted);
}

/* --- writes -------------------------------------------------------------------------------- */

/* What was in force before is in the state, which is filled before a verb is sent. */
void daemon_say_write(struct daemon *daemon, const struct verb *verb)
{
	const struct target *target = &verb->target;
	struct state_domain *domain;
	const struct state_knob *knob;
	struct text from = { 0 }, to = { 0 };

	/* What a dry run would write is said by its helper. */
	if (!daemon->options->verbose || daemon->config->dry_run || verb->kind != VERB_SET)
		return;
	domain = state_domain(&daemon->state, target->id);
	knob = domain ? state_knob(domain, verb->value.knob, target->vdisk) : NULL;
	if (knob)
		knob_value_print(&knob->before, &from);
	knob_value_print(&verb->value, &to);
	log_debug("%s%s%s: %s %s -> %s", target->name[0] ? target->name : target->id,
		  target->vdisk[0] ? " " : "", target->vdisk, knob_name(verb->value.knob),
		  from.bytes && !from.failed ? from.bytes : "?",
		  to.bytes && !to.failed ? to.bytes : "?");
	text_free(&from);
	text_free(&to);
}

/* --- the end ------------------------------------------------------------------------------- */

void daemon_say_restored(const struct daemon *daemon, size_t changed, uint64_t by_others)
{
	size_t after = daemon_count_changed(daemon);
	size_t gone = changed > after ? changed - after : 0;
	size_t left = by_others < gone ? (size_t)by_others : gone;

	if (daemon->config->dry_run)
		log_info("stopped: nothing was written, nothing is to be restored");
	else
		log_info("stopped: restored %zu setting%s, left %zu changed by others", gone - left,
			 plural(gone - left), left);
}
