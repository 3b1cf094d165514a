/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One tick: account, compare with the meter, decide, act, publish. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "vmenergyd/daemon.h"

/* 1 = there are figures; 0 = none in this tick; -errno: it cannot be done at all now. */
static int account(struct daemon *daemon)
{
	struct error error = { "" };
	int result = accounting_tick(&daemon->accounting, &daemon->snapshot, &error);

	accounting_notes(&daemon->accounting, daemon_note, daemon);
	daemon_hear_libvirt(daemon);
	if (text_replace(&daemon->about.service_times,
			 live_service_time_source(daemon->accounting.live)))
		return -ENOMEM;
	daemon_set_trouble(daemon, TROUBLE_ACCOUNT,
			   result && result != -EAGAIN ? error.text : NULL);
	if (result == -EAGAIN || result == -EINVAL)
		return 0;
	return result ? result : 1;
}

static void say_meter(struct daemon *daemon)
{
	const struct meter_about *about = metering_about(daemon->metering);

	if (about && !daemon->meter_said)
		log_info("meter %s", about->address);
	daemon->meter_said = about != NULL;
}

static struct metering_match compare(struct daemon *daemon, bool has_figures)
{
	struct metering_match match = { .metered_w = NAN, .modelled_w = NAN, .age_s = INFINITY };
	const struct sample *sample = &daemon->accounting.sample;
	enum scope scope = daemon->accounting.counting.choice.cpu->scope;

	if (!daemon->metering)
		return match;
	say_meter(daemon);
	if (daemon->sampled_ns)
		metering_add_model(daemon->metering, daemon->sampled_ns, sample->end_ns,
				   has_figures ? metering_host_w(scope, &daemon->snapshot) : NAN);
	match = metering_match(daemon->metering, clock_now_ns());
	daemon_set_trouble(daemon, TROUBLE_METER, match.trouble);
	if (has_figures && metering_fill(daemon->metering, &match, &daemon->snapshot))
		match.trouble = "out of memory";
	return match;
}

/* Which monitors are for limits. */
static int find_monitors(struct daemon *daemon)
{
	struct monitors *monitors = &daemon->monitors;

	if (!monitors_refresh(monitors, daemon->accounting.live))
		return 0;
	return places_set_qmp(daemon->places, monitors->limits, monitors->limit_count);
}

static int decide(struct daemon *daemon, const struct metering_match *match)
{
	struct enforce_input input = {
		.now_ns = daemon->accounting.sample.end_ns,
		.topology = daemon->accounting.topology,
		.snapshot = &daemon->snapshot,
		.metered_w = match->metered_w,
		.modelled_w = match->modelled_w,
	};
	struct error error = { "" };
	int result = find_monitors(daemon);

	if (!result)
		result = places_read(daemon->places, input.topology, &input.readings,
				     &input.reading_count, &error);

	input.sockets = daemon->monitors.limits;
	input.socket_count = daemon->monitors.limit_count;
	input.holds_threads = daemon->config->move_processes && places_hold_threads(daemon->places);
	/* Without readings nothing is known of what is in force: it stays. */
	daemon_set_trouble(daemon, TROUBLE_PLACES, result ? error.text : NULL);
	if (result)
		return result;
	daemon_say_adopted(daemon);
	result = enforce_tick(daemon->enforce, &input, &error);
	daemon_set_trouble(daemon, TROUBLE_ENFORCE, result < 0 ? error.text : NULL);
	return result < 0 ? result : 0;
}

/* Who pays, where nothing is limited; else enforce_fill() says so. */
static void fill_owners(const struct config *config, struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		struct snapshot_domain *row = &snapshot->domains[i];
		const char *owner = config_domain_owner(config, row->name, row->uuid);

		if (owner)
			snapshot_replace_text(snapshot, &row->owner, owner);
	}
}

static void publish(struct daemon *daemon)
{
	struct error error = { "" };

	if (!server_has_subscribers(daemon->server))
		return;
	text_reset(&daemon->line);
	daemon->about.interval_s = daemon->config->interval_s;
	if (protocol_put_snapshot(&daemon->snapshot, &daemon->about, &daemon->line, &error))
		log_warning("%s", error.text);
	else
		server_publish(daemon->server, &daemon->line);
}

int daemon_tick(struct daemon *daemon, struct error *error)
{
	int figures = account(daemon), result = 0;
	struct metering_match match;

	if (figures < 0)
		return 0; /* said; when it lasts, the beat ends */
	daemon_say_start(daemon);
	daemon->status_tail.length = 0;
	if (figures)
		daemon->measured_ns = clock_now_ns();
	match = compare(daemon, figures);
	daemon->sampled_ns = daemon->accounting.sample.end_ns;
	/* Without figures nothing is learnt, but time goes on. */
	if (daemon->enforce && daemon->snapshot.epoch) {
		result = decide(daemon, &match);
		daemon_save_if_due(daemon);
		if (daemon_send(daemon, error))
			return -EPIPE;
		enforce_fill(daemon->enforce, &daemon->snapshot);
	}
	if (!daemon->enforce)
		fill_owners(daemon->config, &daemon->snapshot);
	if (figures)
		publish(daemon);
	if (!result)
		daemon->well_ns = clock_now_ns();
	return 0;
}

int daemon_send(struct daemon *daemon, struct error *error)
{
	bool needs_state;
	size_t count, sent = 0;
	const struct verb *verbs = enforce_verbs(daemon->enforce, &count, &needs_state);
	int result = 0;

	if (count && needs_state && daemon_save(daemon)) {
		enforce_refuse_new(daemon->enforce, daemon->troubles[TROUBLE_STATE].text);
		verbs = enforce_verbs(daemon->enforce, &count, &needs_state);
	}
	while (!result && sent < count) {
		result = helper_send(daemon->helper, &verbs[sent]);
		if (!result)
			daemon_say_write(daemon, &verbs[sent++]);
	}
	enforce_sent(daemon->enforce, sent);
	if (!result || result == -EAGAIN)
		return 0;
	return error_setf(error, -result, "the helper has ended: limits stay as they are");
}

int daemon_take_results(struct daemon *daemon, struct error *error)
{
	struct applied applied;
	int result;

	while ((result = helper_receive(daemon->helper, &applied)) > 0) {
		if (applied.result)
			log_debug("%s: %s", applied.actuator[0] ? applied.actuator : "helper",
				  applied.error.text);
		enforce_applied(daemon->enforce, &applied);
		daemon->answers++;
		if (!applied.result && applied.value.knob == KNOB_PLACE)
			places_look_again(daemon->places);
		if (applied.result == -ESTALE)
			places_doubt(daemon->places);
	}
	daemon->status_tail.length = 0;
	if (result < 0)
		return error_setf(error, -result, "the helper has ended: limits stay as they are");
	return daemon_send(daemon, error);
}

void daemon_summary(const struct daemon *daemon, char *text, size_t size)
{
	const struct snapshot *snapshot = &daemon->snapshot;
	size_t running = 0, limited = 0;

	for (size_t i = 0; i < snapshot->domain_count; i++) {
		if (snapshot->domains[i].state != DOMAIN_ENDED)
			running++;
		if (!isnan(snapshot->domains[i].control.headroom_w))
			limited++;
	}
	snprintf(text, size, "%zu VMs, %zu limited; %.1f W", running, limited,
		 snapshot->seq ? snapshot->host.total_w : NAN);
}
