/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of a start, and their reverse. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "vmenergyd/daemon-heartbeat.h"
#include "vmenergyd/daemon.h"
#include "vmenergyd/rights.h"

#define ACCOUNTS_ONLY "not run by root: it accounts, and holds no limit"

/* Of the control socket, before the loop looks at the tick again. */
#define TURN_NS UINT64_C(4000000)

/* For a dead man to be done: twice what he gives libvirt. */
#define LOCK_PATIENCE_NS UINT64_C(10000000000)

static uint64_t interval_ns(const struct config *config)
{
	return (uint64_t)(config->interval_s * 1e9);
}

/* Another user's dry run and another root's need no rights: nothing is written. */
int daemon_open_helper(struct daemon *daemon, struct error *error)
{
	const struct config_strings *sockets = &daemon->config->qmp_sockets;
	const struct helper_options helper = {
		.root = daemon->options->root,
		.dry_run = daemon->config->dry_run,
		.monitors = { (const char *const *)sockets->items, sockets->count },
	};
	int result = rootfs_open(&daemon->root, daemon->options->root, error);

	daemon->since_s = (double)time(NULL);
	daemon->may_limit = geteuid() == 0 || daemon->config->dry_run;
	if (!daemon->may_limit)
		daemon_set_trouble(daemon, TROUBLE_RIGHTS, ACCOUNTS_ONLY);
	if (result || !daemon->may_limit)
		return result;
	if (daemon->config->dry_run)
		log_info("dry run: limits are decided, none is written");
	return helper_start(&daemon->helper, &helper, error);
}

/* The log of switches knows it by itself; who does without it says why. */
static void open_exits(struct daemon *daemon)
{
	struct error ignored;

	if (daemon->config->cpu_source != CPU_SOURCE_SWITCH && rootfs_is_real(&daemon->root))
		exits_open(&daemon->exits, &daemon->root, &ignored);
}

/* In a dry run more rights do no harm. */
int daemon_open_rights(struct daemon *daemon, struct error *error)
{
	const struct config *config = daemon->config;
	const struct rights_needs needs = { .qmp_sockets = config->qmp_sockets.count > 0,
					    .groups = config->read_group || config->change_group };
	int result;

	open_exits(daemon);
	result = geteuid() == 0 ? rights_drop(&needs, error) : 0;
	if (!result || !config->dry_run)
		return result;
	log_warning("%s", error->text);
	return 0;
}

/* Is it a daemon that holds the state? Else a dead man does, until libvirt has answered him. */
static bool is_daemon_alive(const struct daemon *daemon)
{
	char *path = heartbeat_path(daemon->started->socket);
	double age_s = path ? heartbeat_age_s(path) : NAN;

	free(path);
	return age_s <= 3 * DAEMON_BEAT_S;
}

/* Two daemons that write one state would lose each other's originals. */
static int take_state(struct daemon *daemon, struct error *error)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };
	uint64_t end_ns = clock_now_ns() + LOCK_PATIENCE_NS;
	int result;

	while ((result = daemon_lock_state(daemon, error)) == -EBUSY && !is_daemon_alive(daemon) &&
	       clock_now_ns() < end_ns)
		nanosleep(&pause, NULL);
	if (!result || result == -EBUSY)
		return result;
	daemon_set_trouble(daemon, TROUBLE_STATE, error->text);
	return 0;
}

/*
 * A file that does not parse is kept aside by state_load(); one that is there and cannot be read
 * must not be written over. Where there is no folder, nothing new is limited.
 */
int daemon_open_state(struct daemon *daemon, struct error *error)
{
	const char *folder = daemon->config->state_directory;
	int result;

	state_init(&daemon->state);
	if (!daemon->may_limit)
		return 0;
	result = daemon->config->dry_run ? 0 : take_state(daemon, error);
	if (result)
		return result;
	result = (daemon->config->dry_run ? state_read : state_load)(folder, &daemon->state, error);
	daemon->has_read = result == 0 || result == -EINVAL;
	if (result == -EINVAL)
		daemon_set_trouble(daemon, TROUBLE_STATE, error->text);
	else if (result && result != -ENOENT)
		return result;
	daemon->left_over = daemon_count_knobs(&daemon->state);
	daemon->state.clean = false;
	return 0;
}

static int fill_about(struct daemon *daemon, struct error *error)
{
	const struct accounting *accounting = &daemon->accounting;
	const struct counting *counting = &accounting->counting;
	struct protocol_about *about = &daemon->about;
	const char *why_not = counting->why_not_events.text;
	int failed = text_replace(&about->hostname, accounting->machine.nodename);

	failed |= text_replace(&about->version, VMENERGY_VERSION);
	failed |= text_replace(&about->weights_why, counting->choice.why);
	failed |= text_replace(&about->counting, live_total_source(accounting->live));
	failed |= text_replace(&about->frequency, live_frequency_source(accounting->live));
	failed |= text_replace(&about->why_not_events, *why_not ? why_not : NULL);
	about->verdict = counting->choice.cpu->verdict;
	about->interval_s = daemon->config->interval_s;
	return failed ? error_setf(error, ENOMEM, "out of memory") : 0;
}

/* Borrowed from the configuration. NULL = out of memory. */
static struct host_service_rule *list_rules(const struct config_sections *services)
{
	struct host_service_rule *rules = calloc(services->count + 1, sizeof *rules);

	for (size_t i = 0; rules && i < services->count; i++)
		rules[i] = (struct host_service_rule){
			.name = services->items[i].pattern,
			.match = services->items[i].match,
			.idle_units = services->items[i].idle_units,
		};
	return rules;
}

int daemon_open_accounting(struct daemon *daemon, struct error *error)
{
	const struct config *config = daemon->config;
	struct accounting_options options = {
		.live = {
			.root = daemon->options->root,
			.uri = config->libvirt,
			.without_libvirt = config->without_libvirt,
			.interval_ns = interval_ns(config),
			.exits = &daemon->exits,
		},
		.cpu_source = config->cpu_source,
		.weights = config->weights,
		.idle_policy = config->idle_policy,
		.own_name = "vmenergyd",
	};
	const struct error_list *warnings = &daemon->accounting.counting.warnings;
	struct host_service_rule *rules = list_rules(&config->services);
	int result = monitors_open(&daemon->monitors, config->qmp_sockets.count, error);

	if (!rules && !result)
		result = error_setf(error, ENOMEM, "out of memory");
	options.live.services = rules;
	options.live.service_count = rules ? config->services.count : 0;
	options.live.qmp_sockets = (const char *const *)config->qmp_sockets.items;
	options.live.qmp_count = config->qmp_sockets.count;
	if (!result)
		result = accounting_open(&daemon->accounting, &options, error);
	free(rules); /* the host has its own */
	exits_close(&daemon->exits);
	for (size_t i = 0; i < warnings->count; i++)
		daemon_note(daemon, warnings->texts[i]);
	if (result)
		return result;
	daemon->well_ns = daemon->measured_ns = clock_now_ns();
	log_info("weights %s", daemon->accounting.counting.choice.why);
	return fill_about(daemon, error);
}

int daemon_open_meter(struct daemon *daemon, struct error *error)
{
	const struct weights *cpu = daemon->accounting.counting.choice.cpu;
	const struct metering_options options = {
		.spec = daemon->started->meter,
		.place = { .root = &daemon->root },
		.scope = cpu->scope,
		.lag_s = cpu->meter_lag_s,
		.window_s = cpu->meter_window_s,
	};

	return options.spec ? metering_open(&daemon->metering, &options, error) : 0;
}

static void say(void *context, bool is_warning, const char *sentence)
{
	(void)context;
	log_at(is_warning ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s", sentence);
}

static bool lives(void *context, pid_t pid, uint64_t start_ticks)
{
	return daemon_lives(context, pid, start_ticks);
}

int daemon_open_enforce(struct daemon *daemon, struct error *error)
{
	const struct weights_choice *choice = &daemon->accounting.counting.choice;
	const struct enforce_options options = {
		.lives = lives,
		.lives_context = daemon,
		.cpu = choice->cpu,
		.disks = (const struct weights *const *)choice->disks,
		.disk_count = choice->disk_count,
		.has_meter = daemon->config->meter != NULL,
		.control_interval_s = daemon->config->control_interval_s,
	};
	int result;

	if (!daemon->may_limit)
		return 0;
	daemon_check_limits(daemon);
	result = places_open(&daemon->places, &daemon->root, error);
	if (result)
		return result;
	return enforce_open(&daemon->enforce, &options, daemon->config, &daemon->state, say, NULL,
			    error);
}

/* A directory service may know them later: only --check calls it an error. */
static void warn_of_config(const struct config *config)
{
	struct error_list errors = { 0 };

	daemon_check_config(config, &errors);
	for (size_t i = 0; i < errors.count; i++)
		log_warning("%s", errors.texts[i]);
	error_list_clear(&errors);
}

int daemon_open_server(struct daemon *daemon, struct error *error)
{
	const struct config *config = daemon->config;
	const struct server_options options = {
		.path = config->socket,
		.read_group = config->read_group,
		.change_group = config->change_group,
		.handle = daemon_answer,
		.context = daemon,
		.turn_ns = TURN_NS,
	};

	warn_of_config(config);
	return server_open(&daemon->server, &options, error);
}

void daemon_close(struct daemon *daemon)
{
	server_close(daemon->server);
	enforce_close(daemon->enforce);
	places_close(daemon->places);
	metering_close(daemon->metering);
	accounting_close(&daemon->accounting, NULL);
	exits_close(&daemon->exits);
	monitors_close(&daemon->monitors);
	if (daemon->helper)
		helper_stop(daemon->helper);
	state_clear(&daemon->state);
	if (daemon->has_lock)
		state_unlock(daemon->lock);
	snapshot_clear(&daemon->snapshot);
	protocol_about_clear(&daemon->about);
	text_free(&daemon->line);
	text_free(&daemon->saved);
	text_free(&daemon->status_tail);
	for (unsigned i = 0; i < TROUBLE_COUNT; i++)
		free(daemon->troubles[i].text);
	free(daemon->libvirt.text);
	rootfs_close(&daemon->root);
	if (daemon->config != daemon->started) {
		config_clear(daemon->config);
		free(daemon->config);
	}
	*daemon = (struct daemon){ .options = daemon->options, .started = daemon->started };
}
