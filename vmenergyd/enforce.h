/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce.h - from a snapshot to the writes that hold the limits. The one
 * place where account, rules, policy and actuators meet; does no I/O itself:
 * the time and all readings come in, verbs go out, so that the simulation runs
 * exactly this.
 *
 *   enforce_tick()     snapshot in, each tick; decides once per control period
 *   enforce_verbs()    what is to be sent; originals first (GET), then SET
 *   enforce_applied()  what came of it
 *   enforce_fill()     caps, headroom, throttling into the snapshot for its readers
 */
#ifndef VMENERGY_VMENERGYD_ENFORCE_H
#define VMENERGY_VMENERGYD_ENFORCE_H

#include "base/error.h"
#include "base/text.h"
#include "model/snapshot.h"
#include "model/topology.h"
#include "vmenergyd/actuator/verb.h"
#include "vmenergyd/config.h"
#include "vmenergyd/policy/policy.h"
#include "vmenergyd/state.h"

/* Of one domain, beside the account: read by the caller at each tick (places.h). */
struct enforce_reading {
	const char *id;
	/* Without vdisk and leaves; cgroups "" = cannot be held there. Its id is not looked at. */
	struct target target;
	uint64_t cgroup_inode; /* 0 = unknown */
	bool has_bandwidth;
	uint64_t periods, throttled; /* cumulative, as cpu.stat has them */
	struct cpu_limit in_force;   /* quota_us -1 = none */
	/* CPU time of the tasks under the quota, cumulative: for accounts that count events and
	 * not time. */
	bool has_usage;
	uint64_t usage_ns;
};

/* A QMP socket that limits may be set by: of a QEMU or a storage daemon. */
struct place_socket {
	pid_t pid;
	const char *path;
};

struct enforce_input {
	uint64_t now_ns; /* CLOCK_MONOTONIC, end of the tick */
	const struct topology *topology;
	/* Without control figures; the one of the last tick again (same seq) where this one had
	 * none. */
	const struct snapshot *snapshot;
	const struct enforce_reading *readings;
	size_t reading_count;
	/* Of storage daemons, among others. */
	const struct place_socket *sockets;
	size_t socket_count;
	bool holds_threads;           /* single threads' I/O can be limited, and may be */
	double metered_w, modelled_w; /* as policy_host has them; NaN = nothing new */
};

struct enforce_options {
	const struct weights *cpu;          /* borrowed */
	const struct weights *const *disks; /* borrowed */
	size_t disk_count;
	bool has_meter;
	double control_interval_s; /* >= 1 */
	/* Does the process still live? What is not seen for a while but lives is not given up.
	 * NULL = nobody can tell. */
	bool (*lives)(void *context, pid_t pid, uint64_t start_ticks);
	void *lives_context;
};

/* A line for the log: transitions alone (held, free, infeasible, refused, changed by somebody). */
typedef void enforce_say(void *context, bool is_warning, const char *sentence);

struct enforce;

/* `config` and `state` are borrowed and outlive it; state is changed by it. */
int enforce_open(struct enforce **enforce, const struct enforce_options *options,
		 const struct config *config, struct state *state, enforce_say *say, void *context,
		 struct error *error);
void enforce_close(struct enforce *enforce);
/* Rules have changed (reload): in force from the next decision. */
void enforce_set_config(struct enforce *enforce, const struct config *config,
			double control_interval_s);

/* 1 = a decision was made; 0 = not due yet; -errno with text. */
int enforce_tick(struct enforce *enforce, const struct enforce_input *input, struct error *error);

/*
 * Verbs that wait to be sent, oldest first; the caller sends and then takes
 * off what was sent. `needs_state`: the state must be on disk before (each time that a knob is
 * taken over, or what somebody else wrote is to be written over; at most once a second for others).
 * If it cannot be, enforce_refuse_new() drops what would take over a knob; limits that are in force
 * go on being regulated, and what somebody else wrote would not outlive a kill.
 */
const struct verb *enforce_verbs(struct enforce *enforce, size_t *count, bool *needs_state);
void enforce_sent(struct enforce *enforce, size_t count);
void enforce_refuse_new(struct enforce *enforce, const char *why);
void enforce_applied(struct enforce *enforce, const struct applied *applied);

/* Control and throttle figures of the last decision, host.cap_w too. */
void enforce_fill(const struct enforce *enforce, struct snapshot *snapshot);

/*
 * Caps by hand, over what the file says: `limits` with NaN where nothing changes; INFINITY takes
 * a limit away. Persisted in state. 0 or -ENOENT (no such domain; name, UUID or id) / -EEXIST (a
 * name that several have) / -EINVAL with text.
 */
int enforce_set_limits(struct enforce *enforce, const struct topology *topology, const char *domain,
		       const struct limits *limits, const char *by, struct error *error);
int enforce_clear_limits(struct enforce *enforce, const struct topology *topology,
			 const char *domain, const char *by,
			 struct error *error); /* as the file says */
void enforce_set_host_cap(struct enforce *enforce, double cap_w,
			  const char *by); /* NaN = as the file */

/* Put back every original that is still as we wrote it, instead of deciding: go on sending verbs
 * and taking answers until enforce_is_idle(); then state.clean says whether all are back. */
void enforce_restore(struct enforce *enforce);
/* All sent and answered? */
bool enforce_is_idle(const struct enforce *enforce);

struct enforce_counts { /* since the start */
	uint64_t decisions, writes, unchanged_left_out, refused, foreign_changes;
};
struct enforce_counts enforce_counts(const struct enforce *enforce);
/* The last decision, for status; NULL before the first. Domains parallel to `ids`. */
const struct policy_output *enforce_output(const struct enforce *enforce, const char *const **ids);

#endif
