/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * daemon.h - the loop of vmenergyd around the real account, rules, policy and
 * actuators, on the plant's clock. The state file is a text in memory.
 */
#ifndef VMENERGY_TESTS_SIM_DAEMON_H
#define VMENERGY_TESTS_SIM_DAEMON_H

#include "base/text.h"
#include "tests/sim/files.h"
#include "tests/sim/host.h"
#include "tests/sim/meter.h"
#include "vmenergyd/enforce.h"
#include "vmenergyd/helper.h"

enum { SIM_LATE_MAX = 64 };

struct sim_daemon {
	struct sim_plant *plant; /* borrowed, as all up to `said` */
	struct sim_meter *meter; /* kind METER_NONE: none is configured */
	const struct sim_weights *weights;
	const struct config *config;
	const struct rootfs *root; /* not looked at: the plant brings its own cgroups */
	struct text *said;         /* lines of the log; NULL = nowhere */
	double control_interval_s;
	bool is_late; /* results of writes come a tick later */
	/* Of one life. */
	bool is_alive;
	struct sim_host host;
	struct state state;
	struct enforce *enforce;
	struct actuator_room room;
	struct applied late[SIM_LATE_MAX];
	size_t late_count;
	bool has_figures, has_decided; /* in the last tick */
	double begin_s;                /* of the tick that comes next; NaN = none before */
	/* What outlives it. */
	struct text saved;
	double saved_s;
	unsigned starts;
	unsigned error_count; /* calls that failed as they never should */
	char error[256];      /* the first of them */
};

void sim_daemon_start(struct sim_daemon *daemon);
void sim_daemon_tick(struct sim_daemon *daemon);
/* It dies: nothing more is written, nothing saved. */
void sim_daemon_kill(struct sim_daemon *daemon);
/* It ends as it should: originals are back. */
void sim_daemon_stop(struct sim_daemon *daemon);
void sim_daemon_reload(struct sim_daemon *daemon);
void sim_daemon_free(struct sim_daemon *daemon);

#endif
