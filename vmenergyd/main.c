/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vmenergyd - accounts the energy of virtual machines all day, and holds their caps. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "vmenergyd/ctl.h"
#include "vmenergyd/daemon.h"
#include "vmenergyd/deadman.h"
#include "vmenergyd/options.h"

#ifdef VMENERGY_BPF
#define BPF_WORD "yes"
#else
#define BPF_WORD "no"
#endif
const char *argp_program_version = "vmenergyd " VMENERGY_VERSION "\n"
				   "counting: perf (libpfm4), cputime, switch; BPF: " BPF_WORD;
const char *argp_program_bug_address = NULL;

/* --- the loop ------------------------------------------------------------------------------ */

struct loop {
	sd_event *event;
	sd_event_source *tick, *beat;
	struct daemon *daemon;
};

/* The daemon cannot go on: limits stay, and the service manager starts it again. */
static int fail(struct loop *loop, const struct error *error)
{
	log_error("%s", error->text);
	return sd_event_exit(loop->event, 1);
}

/* Each tick moves the next one, and so may a reload. */
static int await_tick(struct loop *loop)
{
	return sd_event_source_set_time(loop->tick, loop->daemon->accounting.pace.due_ns / 1000);
}

static int on_tick(sd_event_source *source, uint64_t due_us, void *context)
{
	struct loop *loop = context;
	struct error error = { "" };

	(void)source;
	(void)due_us;
	return daemon_tick(loop->daemon, &error) ? fail(loop, &error) : await_tick(loop);
}

static int on_helper(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct loop *loop = context;
	struct error error = { "" };

	(void)source;
	(void)fd;
	(void)events;
	return daemon_take_results(loop->daemon, &error) ? fail(loop, &error) : 0;
}

static int on_server(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct loop *loop = context;

	(void)source;
	(void)fd;
	(void)events;
	server_serve(loop->daemon->server);
	return await_tick(loop);
}

static int on_beat(sd_event_source *source, uint64_t due_us, void *context)
{
	struct loop *loop = context;
	char summary[128];

	if (daemon_beat(loop->daemon)) {
		daemon_summary(loop->daemon, summary, sizeof summary);
		sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s", summary);
	}
	return sd_event_source_set_time(source, due_us + DAEMON_BEAT_S * 1000000ull);
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct loop *loop = context;
	struct error error = { "" };
	uint64_t now_us;

	(void)source;
	(void)info;
	sd_event_now(loop->event, CLOCK_MONOTONIC, &now_us);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now_us);
	daemon_reload(loop->daemon, "SIGHUP", NULL, &error);
	sd_notify(0, "READY=1");
	return await_tick(loop);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	struct loop *loop = context;

	(void)source;
	(void)info;
	return sd_event_exit(loop->event, 0);
}

static int add_signals(struct loop *loop)
{
	int result = sd_event_add_signal(loop->event, NULL, SIGTERM, on_stop, loop);

	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGINT, on_stop, loop);
	if (result >= 0)
		result = sd_event_add_signal(loop->event, NULL, SIGHUP, on_reload, loop);
	return result;
}

static int add_sources(struct loop *loop)
{
	struct daemon *daemon = loop->daemon;
	uint64_t tick_us = daemon->accounting.pace.due_ns / 1000;
	int result = add_signals(loop);

	if (result >= 0)
		result = sd_event_add_time(loop->event, &loop->tick, CLOCK_MONOTONIC, tick_us, 1,
					   on_tick, loop);
	if (result >= 0)
		result = sd_event_source_set_enabled(loop->tick, SD_EVENT_ON);
	/* Whoever talks to us does not hold up what holds limits. */
	if (result >= 0)
		result = sd_event_source_set_priority(loop->tick, SD_EVENT_PRIORITY_IMPORTANT);
	if (result >= 0)
		result = sd_event_add_time(loop->event, &loop->beat, CLOCK_MONOTONIC, tick_us, 0,
					   on_beat, loop);
	if (result >= 0)
		result = sd_event_source_set_enabled(loop->beat, SD_EVENT_ON);
	if (result >= 0 && daemon->helper)
		result = sd_event_add_io(loop->event, NULL, helper_fd(daemon->helper), EPOLLIN,
					 on_helper, loop);
	if (result >= 0)
		result = sd_event_add_io(loop->event, NULL, server_fd(daemon->server), EPOLLIN,
					 on_server, loop);
	return result;
}

/* Until SIGTERM, SIGINT (0) or what the daemon cannot go on after (1). */
static int run_loop(struct daemon *daemon)
{
	struct loop loop = { .daemon = daemon };
	int result = sd_event_new(&loop.event);

	if (result >= 0)
		result = add_sources(&loop);
	if (result >= 0) {
		sd_notify(0, "READY=1");
		result = sd_event_loop(loop.event);
	}
	if (result < 0)
		log_error("event loop: %s", strerror(-result));
	sd_event_source_unref(loop.tick);
	sd_event_source_unref(loop.beat);
	sd_event_unref(loop.event);
	return result;
}

/* --- start and stop ------------------------------------------------------------------------ */

/* Threads inherit this: the loop alone takes signals. The helper does not. */
static int block_signals(struct daemon *daemon, struct error *error)
{
	sigset_t signals;

	(void)daemon;
	(void)error;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int (*const steps[])(struct daemon *daemon, struct error *error) = {
	daemon_open_helper, /* forks: before any thread */
	daemon_open_rights, /* of this process: before any thread */
	block_signals,      daemon_open_state,   daemon_open_accounting,
	daemon_open_meter,  daemon_open_enforce, daemon_open_server,
};

static int open_all(struct daemon *daemon, struct error *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < sizeof steps / sizeof *steps; i++)
		result = steps[i](daemon, error);
	return result;
}

static int run(const struct daemon_options *options, struct config *config)
{
	struct daemon daemon = { .options = options, .started = config, .config = config };
	struct error error = { "" };
	int status = 1;

	if (open_all(&daemon, &error))
		log_error("%s", error.text);
	else
		status = run_loop(&daemon) ? 1 : 0;
	if (!status) {
		sd_notify(0, "STOPPING=1");
		status = daemon_stop(&daemon, &error) ? 1 : 0;
		if (status)
			log_error("%s", error.text);
	}
	daemon_close(&daemon);
	return status;
}

/* A group that is not there is an error for --check alone, but is said with others. */
static int read_config(const struct daemon_options *options, struct config *config)
{
	struct error_list errors = { 0 };
	int result = daemon_options_load(options, config, &errors);

	if (result || options->check) {
		int more = daemon_check_config(config, &errors);

		result = result ? result : more;
	}
	for (size_t i = 0; i < errors.count; i++)
		log_error("%s", errors.texts[i]);
	error_list_clear(&errors);
	return result;
}

static int run_daemon(int argc, char **argv)
{
	struct daemon_options options;
	struct config config = { 0 };
	int status;

	daemon_options_parse(&options, argc, argv);
	log_open("vmenergyd", options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	status = read_config(&options, &config) ? 1 : 0;
	if (!status && options.check)
		puts("ok");
	else if (!status)
		status = run(&options, &config);
	config_clear(&config);
	return status;
}

/* The other programs that live under this name. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "ctl", ctl_main },
	{ "deadman", deadman_main },
};

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	log_open("vmenergyd", LOG_LEVEL_INFO);
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return run_daemon(argc, argv);
}
