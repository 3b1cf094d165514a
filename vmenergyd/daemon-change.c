/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others ask of the daemon: the control socket's requests, reload, stop. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "vmenergyd/daemon.h"

/* Longer than the helper waits for libvirt before it writes a cgroup itself. */
#define QUIET_NS UINT64_C(12000000000)
#define STOP_NS UINT64_C(45000000000)
#define CAP_LEAST_W 1e-3
#define LEFT_LIMITED                                                                               \
	"not all originals are back: what is left stays limited, and the next start takes it over"

static int refuse_errors(const struct error_list *errors, struct error *error)
{
	for (size_t i = 0; i < errors->count; i++)
		log_error("%s", errors->texts[i]);
	if (!errors->count)
		return error_setf(error, EINVAL, "the configuration cannot be read");
	return error_setf(error, EINVAL, "nothing is changed: %s%s", errors->texts[0],
			  errors->count > 1 ? " (and more: see the log)" : "");
}

/* What waits for a restart: the socket has been given to its groups, too. */
static void list_waiting(const struct config *started, const struct config *next,
			 struct text *waiting)
{
	config_needs_restart(started, next, waiting);
	if (!text_equal(started->read_group, next->read_group) ||
	    !text_equal(started->change_group, next->change_group))
		text_addf(waiting, "%sread-group, change-group", waiting->length ? ", " : "");
}

/* The new one is in force, and what it replaces is freed but for what was at the start. */
static void replace_config(struct daemon *daemon, struct config *next)
{
	struct config *before = daemon->config;

	/* What needs a restart stays as it was. */
	next->dry_run = daemon->started->dry_run;
	daemon->config = next;
	daemon->status_tail.length = 0;
	if (daemon->enforce)
		enforce_set_config(daemon->enforce, next, next->control_interval_s);
	daemon_check_limits(daemon);
	if (next->interval_s != before->interval_s)
		accounting_set_interval(&daemon->accounting, next->interval_s);
	if (before != daemon->started) {
		config_clear(before);
		free(before);
	}
}

int daemon_reload(struct daemon *daemon, const char *by, struct text *restart, struct error *error)
{
	struct config *next = calloc(1, sizeof *next);
	struct error_list errors = { 0 };
	struct text waiting = { 0 };
	int result;

	if (!next)
		return error_setf(error, ENOMEM, "out of memory");
	result = daemon_options_load(daemon->options, next, &errors);
	if (result == -ENOMEM) {
		result = error_setf(error, ENOMEM, "out of memory");
	} else if (result) {
		daemon_check_config(next, &errors);
		result = refuse_errors(&errors, error);
	}
	if (result) {
		log_error("reload for %s: %s", by, error->text);
		config_clear(next);
		free(next);
		goto out;
	}
	list_waiting(daemon->started, next, &waiting);
	replace_config(daemon, next);
	log_info("configuration read again for %s", by);
	if (waiting.length) {
		log_warning("these wait for a restart: %s", waiting.bytes);
		if (restart)
			text_add(restart, waiting.bytes);
	}
out:
	error_list_clear(&errors);
	text_free(&waiting);
	return result;
}

/* --- limits by hand ------------------------------------------------------------------------ */

/* As in vmenergyd.conf(5). INFINITY takes a limit away, NaN is none. */
static int check_least(const struct protocol_request *request, struct error *error)
{
	const double caps_w[] = { request->cap_w, request->cap_total_w, request->cpu_cap_w,
				  request->disk_cap_w };

	for (size_t i = 0; i < sizeof caps_w / sizeof *caps_w; i++)
		if (caps_w[i] < CAP_LEAST_W)
			return error_setf(error, EINVAL, "%g W: must be %g W or more", caps_w[i],
					  CAP_LEAST_W);
	return 0;
}

static int set_limits(struct daemon *daemon, const struct peer *peer,
		      const struct protocol_request *request, struct error *error)
{
	struct limits limits = limits_none();

	limits.cap_w = request->cap_w;
	limits.cap_total_w = request->cap_total_w;
	limits.cpu_cap_w = request->cpu_cap_w;
	limits.disk_cap_w = request->disk_cap_w;
	return enforce_set_limits(daemon->enforce, daemon->accounting.topology, request->domain,
				  &limits, peer->who, error);
}

static int change_limits(struct daemon *daemon, const struct peer *peer,
			 const struct protocol_request *request, struct error *error)
{
	bool clear = request->verb == PROTOCOL_CLEAR;

	if (!daemon->enforce)
		return error_setf(error, EPERM, "the daemon is not run by root: it accounts only");
	if (!daemon->accounting.topology)
		return error_setf(error, EAGAIN, "the daemon has just been started");
	if (!clear && check_least(request, error))
		return -EINVAL;
	if (request->domain && clear)
		return enforce_clear_limits(daemon->enforce, daemon->accounting.topology,
					    request->domain, peer->who, error);
	if (request->domain)
		return set_limits(daemon, peer, request, error);
	enforce_set_host_cap(daemon->enforce, clear ? NAN : request->cap_w, peer->who);
	return 0;
}

/* It holds, but would be lost with the daemon: whoever asked for it is told. */
static int answer_not_saved(const struct daemon *daemon, int64_t id, struct text *answer,
			    struct error *error)
{
	const char *why = daemon->troubles[TROUBLE_STATE].text;

	return protocol_put_answer(
		id, json_pack("{s:s}", "not_saved", why ? why : "the state cannot be written"),
		answer, error);
}

/* Who changes what is logged as it is done; who may not, here. */
static int change(struct daemon *daemon, const struct peer *peer,
		  const struct protocol_request *request, struct text *answer, struct error *error)
{
	int result = change_limits(daemon, peer, request, error);

	daemon->status_tail.length = 0;
	if (!result)
		return daemon_save(daemon) ? answer_not_saved(daemon, request->id, answer, error)
					   : 0;
	log_warning("%s of %s is refused to %s: %s", protocol_verb_name(request->verb),
		    request->domain ? request->domain : "the host", peer->who, error->text);
	return result;
}

static int answer_reload(struct daemon *daemon, const struct peer *peer, int64_t id,
			 struct text *answer, struct error *error)
{
	struct text restart = { 0 };
	int result = daemon_reload(daemon, peer->who, &restart, error);

	if (!result && restart.length)
		result = protocol_put_answer(id, json_pack("{s:s}", "restart", restart.bytes),
					     answer, error);
	text_free(&restart);
	return result;
}

int daemon_answer(void *context, const struct peer *peer, const struct protocol_request *request,
		  struct text *answer, struct error *error)
{
	struct daemon *daemon = context;

	switch (request->verb) {
	case PROTOCOL_STATUS:
		return daemon_put_status(daemon, request->id, answer, error);
	case PROTOCOL_CAP:
	case PROTOCOL_CLEAR:
		return change(daemon, peer, request, answer, error);
	case PROTOCOL_RELOAD:
		return answer_reload(daemon, peer, request->id, answer, error);
	default:
		return error_setf(error, ENOTSUP, "%s is not known here",
				  protocol_verb_name(request->verb));
	}
}

/* --- the end ------------------------------------------------------------------------------- */

/* Domains are met in a tick that gives figures: just after a start there was none yet. */
static int meet_domains(struct daemon *daemon, struct error *error)
{
	int result = 0;

	for (int i = 0; i < 2 && !result && !daemon->snapshot.epoch; i++)
		result = daemon_tick(daemon, error);
	return result;
}

static int restore(struct daemon *daemon, struct error *error)
{
	uint64_t begun_ns = clock_now_ns(), heard_ns = begun_ns, answers = daemon->answers;
	int result;

	enforce_restore(daemon->enforce);
	result = meet_domains(daemon, error);
	if (!result)
		result = daemon_send(daemon, error);
	while (!result && !enforce_is_idle(daemon->enforce)) {
		struct pollfd helper = { .fd = helper_fd(daemon->helper), .events = POLLIN };

		if (clock_now_ns() - heard_ns >= QUIET_NS || clock_now_ns() - begun_ns >= STOP_NS)
			return error_setf(error, ETIMEDOUT, "%s", LEFT_LIMITED);
		poll(&helper, 1, 100);
		result = daemon_take_results(daemon, error);
		if (daemon->answers != answers)
			heard_ns = clock_now_ns();
		answers = daemon->answers;
	}
	return result;
}

static bool is_in_force(const struct daemon *daemon, const struct target *target,
			const struct state_knob *knob)
{
	return knob->service.pid
		       ? daemon_lives(daemon, knob->service.pid, knob->service.start_ticks)
		       : daemon_lives(daemon, target->pid, target->start_ticks);
}

/* A limit goes with the process that it held. */
static void forget_ended(struct daemon *daemon)
{
	struct state *state = &daemon->state;

	state->clean = true;
	for (size_t i = state->domain_count; i-- > 0;) {
		const struct state_domain *domain = &state->domains[i];
		bool is_any = false;

		for (size_t k = 0; k < domain->knob_count; k++)
			is_any |= is_in_force(daemon, &domain->target, &domain->knobs[k]);
		if (is_any)
			state->clean = false;
		else if (domain->knob_count > 0)
			state_domain_remove(state, domain->id);
	}
}

int daemon_stop(struct daemon *daemon, struct error *error)
{
	uint64_t foreign;
	size_t changed;
	int result;

	if (!daemon->enforce)
		return 0;
	foreign = enforce_counts(daemon->enforce).foreign_changes;
	changed = daemon_count_changed(daemon);
	result = restore(daemon, error);
	forget_ended(daemon);
	daemon_say_restored(daemon, changed,
			    enforce_counts(daemon->enforce).foreign_changes - foreign);
	daemon->save_tried_ns = 0;
	if (daemon_save(daemon))
		return error_setf(error, EIO, "%s", daemon->troubles[TROUBLE_STATE].text);
	if (!result && !daemon->state.clean && !daemon->config->dry_run)
		return error_setf(error, EBUSY, "%s", LEFT_LIMITED);
	return result;
}
