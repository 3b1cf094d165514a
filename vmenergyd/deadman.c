/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/deadman.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "base/units.h"
#include "vmenergyd/helper.h"
#include "vmenergyd/policy/bandwidth.h"
#include "vmenergyd/state.h"

#define STATE_DIRECTORY "/var/lib/vmenergyd"
#define HEARTBEAT "/run/vmenergyd/alive"
#define AFTER_S 60.0
#define AFTER_MIN_S 1.0
#define AFTER_MAX_S 86400.0
#define NS_PER_S 1e9

struct deadman {
	const char *state_directory, *heartbeat, *root;
	double after_s;
	struct rootfs rootfs;
	struct actuator_room room;
	struct state state;
	unsigned installed, failed;
};

/* --- command line ------------------------------------------------------------------------- */

enum { OPTION_STATE_DIRECTORY = 256, OPTION_HEARTBEAT, OPTION_AFTER, OPTION_ROOT };

static const struct argp_option options[] = {
	{ "state-directory", OPTION_STATE_DIRECTORY, "DIR", 0,
	  "where the daemon keeps its state (default " STATE_DIRECTORY ")", 0 },
	{ "heartbeat", OPTION_HEARTBEAT, "FILE", 0,
	  "what the daemon touches while it is well (default " HEARTBEAT ")", 0 },
	{ "after", OPTION_AFTER, "TIME", 0, "how long it must have been silent (default 60s)", 0 },
	{ "root", OPTION_ROOT, "DIR", 0, "folder that stands before /proc and /sys", 0 },
	{ 0 },
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct deadman *deadman = state->input;
	struct error error = { "" };

	switch (key) {
	case OPTION_STATE_DIRECTORY:
		deadman->state_directory = argument;
		return 0;
	case OPTION_HEARTBEAT:
		deadman->heartbeat = argument;
		return 0;
	case OPTION_AFTER:
		if (unit_parse(QUANTITY_TIME, argument, AFTER_MIN_S, AFTER_MAX_S, &deadman->after_s,
			       &error))
			argp_error(state, "--after: %s", error.text);
		return 0;
	case OPTION_ROOT:
		deadman->root = argument;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "%s: takes no arguments", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- is it dead? -------------------------------------------------------------------------- */

/*
 * File times are of the wall clock. A step of it, either way, makes a file that
 * is touched each second look old for a second only.
 */
static double silent_s(const struct deadman *deadman)
{
	double now_s = (double)clock_read_ns(CLOCK_REALTIME) / NS_PER_S;
	struct stat status;

	if (stat(deadman->heartbeat, &status) == 0)
		return fabs(now_s - (double)clock_timespec_ns(&status.st_mtim) / NS_PER_S);
	if (isnan(deadman->state.saved_s))
		return INFINITY;
	return fabs(now_s - deadman->state.saved_s);
}

/* --- limits ------------------------------------------------------------------------------- */

static double cpus_of(const struct knob_value *value)
{
	const struct bandwidth bandwidth = { value->cpu.quota_us, value->cpu.period_us };

	return value->cpu.quota_us < 0 ? INFINITY : bandwidth_cpus(&bandwidth);
}

static bool is_same_process(const struct deadman *deadman, const struct target *target)
{
	struct proc_stat stat;

	if (target->pid == 0) /* libvirt's UUID alone tells it */
		return target->uuid[0] != '\0';
	return proc_read_stat(&deadman->rootfs, target->pid, 0, &stat) == 0 &&
	       stat.start_ticks == target->start_ticks;
}

static int perform(struct deadman *deadman, const struct state_domain *domain, enum verb_kind kind,
		   struct applied *applied)
{
	const struct verb verb = {
		.kind = kind,
		.target = domain->target,
		.value = domain->worst_case_cpu,
	};

	verb_perform(&deadman->room, &verb, applied);
	if (applied->result == -ENOENT || applied->result == -ESRCH)
		return applied->result; /* it ended meanwhile */
	if (applied->result) {
		log_error("%s: CPU limit cannot be %s: %s", domain->target.name,
			  kind == VERB_SET ? "written" : "read", applied->error.text);
		deadman->failed++;
	}
	return applied->result;
}

/* Is there something to do for the domain? What is in force then goes to *in_force. */
static bool needs_limit(struct deadman *deadman, const struct state_domain *domain,
			struct knob_value *in_force)
{
	struct applied applied;

	if (!domain->has_worst_case || !is_same_process(deadman, &domain->target) ||
	    perform(deadman, domain, VERB_GET, &applied))
		return false;
	*in_force = applied.value;
	return cpus_of(&domain->worst_case_cpu) < cpus_of(in_force);
}

/* An original that the daemon never had to take over is put down before it is lost. */
static bool keep_original(struct deadman *deadman, struct state_domain *domain,
			  const struct knob_value *in_force)
{
	struct error error = { "" };
	struct state_knob *knob;

	if (state_knob(domain, KNOB_CPU, ""))
		return true;
	knob = state_knob_add(domain, KNOB_CPU, "");
	if (!knob)
		return false;
	knob->original = knob->before = *in_force;
	knob->written = domain->worst_case_cpu;
	if (state_save(deadman->state_directory, &deadman->state, &error) == 0)
		return true;
	log_error("%s: gets no CPU limit, since its own could not be noted: %s",
		  domain->target.name, error.text);
	state_knob_remove(domain, KNOB_CPU, "");
	deadman->failed++;
	return false;
}

static void install(struct deadman *deadman, struct state_domain *domain)
{
	struct knob_value in_force;
	struct applied applied;

	if (!needs_limit(deadman, domain, &in_force) ||
	    !keep_original(deadman, domain, &in_force) ||
	    perform(deadman, domain, VERB_SET, &applied))
		return;
	deadman->installed++;
	log_warning("%s: held to %.3g CPUs, which keeps its cap even at its dearest",
		    domain->target.name, cpus_of(&applied.value));
}

static int install_all(struct deadman *deadman, struct error *error)
{
	int result = rootfs_open(&deadman->rootfs, deadman->root, error);

	if (result)
		return result;
	result = actuator_room_open(&deadman->room, &deadman->rootfs, false, error);
	for (size_t i = 0; i < deadman->state.domain_count && !result; i++)
		install(deadman, &deadman->state.domains[i]);
	if (!result)
		actuator_room_close(&deadman->room);
	rootfs_close(&deadman->rootfs);
	return result;
}

static int run(struct deadman *deadman, struct error *error)
{
	int result = state_load(deadman->state_directory, &deadman->state, error);
	double seconds;

	if (result == -ENOENT)
		return 0; /* never ran: there is nothing to hold */
	if (result)
		return result;
	seconds = silent_s(deadman);
	if (deadman->state.clean || seconds <= deadman->after_s)
		return 0;
	result = install_all(deadman, error);
	if (deadman->installed > 0)
		log_warning("the daemon has been silent for %.0f s: %u domain%s held to what keeps "
			    "its cap",
			    seconds, deadman->installed, deadman->installed == 1 ? "" : "s");
	return result;
}

int deadman_main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.doc = "Limit the domains of a vmenergyd that has died to what keeps their caps "
		       "without it.",
	};
	struct deadman deadman = { .state_directory = STATE_DIRECTORY,
				   .heartbeat = HEARTBEAT,
				   .after_s = AFTER_S };
	struct error error = { "" };
	int result;

	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, &deadman))
		return 2;
	log_open("vmenergyd deadman", LOG_LEVEL_WARNING);
	state_init(&deadman.state);
	result = run(&deadman, &error);
	if (result)
		log_error("%s", error.text);
	state_clear(&deadman.state);
	return result || deadman.failed > 0 ? 1 : 0;
}
