/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * daemon.h - what vmenergyd holds while it runs, and what it does when its loop
 * (main.c) calls. Nothing here waits, but for daemon_stop().
 */
#ifndef VMENERGY_VMENERGYD_DAEMON_H
#define VMENERGY_VMENERGYD_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "engine/accounting.h"
#include "engine/metering.h"
#include "model/snapshot.h"
#include "probe/heads-exits.h"
#include "vmenergyd/config.h"
#include "vmenergyd/control/server.h"
#include "vmenergyd/daemon-trouble.h"
#include "vmenergyd/enforce.h"
#include "vmenergyd/helper.h"
#include "vmenergyd/monitors.h"
#include "vmenergyd/options.h"
#include "vmenergyd/places.h"
#include "vmenergyd/state.h"
#include "wire/protocol.h"

/* What can be wrong while all goes on: each is logged when it comes, changes and goes. */
enum trouble {
	TROUBLE_RIGHTS,
	TROUBLE_STATE,
	TROUBLE_ACCOUNT,
	TROUBLE_METER,
	TROUBLE_PLACES,
	TROUBLE_ENFORCE,
	TROUBLE_TEMPERATURE,
	TROUBLE_ALIVE,
};
enum { TROUBLE_COUNT = 8 };

struct daemon { /* zero, then daemon_open_*() in their order in main.c */
	const struct daemon_options *options;
	/* What it was opened with, and what is in force now: the same until a reload. */
	struct config *started, *config;
	struct rootfs root;
	bool may_limit;        /* false: accounts only */
	struct helper *helper; /* NULL without may_limit, as places and enforce */
	bool has_lock;         /* on the folder of the state: `lock` */
	bool has_read;         /* what stood there at the start */
	int lock;
	struct state state;
	struct text saved;      /* as state.json has it now */
	uint64_t save_tried_ns; /* 0 = not yet */
	struct exits exits;     /* open from before rights are given up until somebody wants it */
	struct accounting accounting;
	struct metering *metering;
	bool meter_said; /* that it is open */
	bool start_said;
	size_t left_over; /* knobs of the run before, until they are spoken of */
	struct monitors monitors;
	struct places *places;
	struct enforce *enforce;
	struct server *server;
	struct snapshot snapshot; /* of the last tick that gave figures */
	uint64_t sampled_ns;      /* end of the last sample; 0 = none yet */
	uint64_t well_ns;         /* when a tick last did all that it should */
	uint64_t measured_ns;     /* when one last gave figures */
	uint64_t answers;         /* of the helper */
	struct text status_tail;  /* of this tick's answer to status, behind its id; "" = none */
	struct protocol_about about;
	size_t note_capacity; /* of about.notes */
	struct text line;     /* that is published */
	struct daemon_trouble troubles[TROUBLE_COUNT];
	struct daemon_silence libvirt;
	double since_s; /* UNIX, UTC */
};

/* What config_load() cannot know: names of groups that are not there, with file and line, put
 * among the errors that were found before. 0 or -EINVAL. */
int daemon_check_config(const struct config *config, struct error_list *errors);

/* The steps of a start, each 0 or -errno with text; daemon_close() undoes what was done. */
int daemon_open_helper(struct daemon *daemon, struct error *error);
int daemon_open_rights(struct daemon *daemon, struct error *error);
int daemon_open_state(struct daemon *daemon, struct error *error);
int daemon_open_accounting(struct daemon *daemon, struct error *error);
int daemon_open_meter(struct daemon *daemon, struct error *error);
int daemon_open_enforce(struct daemon *daemon, struct error *error);
int daemon_open_server(struct daemon *daemon, struct error *error);
void daemon_close(struct daemon *daemon);

/* Each 0, or -errno with text: the daemon cannot go on. */
int daemon_tick(struct daemon *daemon, struct error *error);
int daemon_take_results(struct daemon *daemon, struct error *error); /* of the helper */

enum { DAEMON_BEAT_S = 5 };
/* Every DAEMON_BEAT_S: the file that the dead man looks at, and what is to be said late. Is all
 * well? It is not where that file cannot be written: the dead man would take the daemon for dead.
 */
bool daemon_beat(struct daemon *daemon);
/* "12 VMs, 3 limited; 143.2 W" */
void daemon_summary(const struct daemon *daemon, char *text, size_t size);

/*
 * Read the configuration again: all of it is in force from the next tick, or none.
 * `by`: who wants it. `restart` (may be NULL) gets the names of what waits for a restart.
 */
int daemon_reload(struct daemon *daemon, const char *by, struct text *restart, struct error *error);

/* Put the originals back, waiting for it while answers come, up to 45 s. 0, or -errno with text:
 * limits are left. */
int daemon_stop(struct daemon *daemon, struct error *error);

/* --- between the daemon's own files ---------------------------------------------------- */

/* text NULL: it is over. */
void daemon_set_trouble(struct daemon *daemon, enum trouble which, const char *text);
/* What could not be seen: kept for who attaches, and logged once. */
void daemon_note(void *daemon, const char *note);
/* Does libvirt answer? Said when it has not for 2 s, and when it does again. */
void daemon_hear_libvirt(struct daemon *daemon);
/* Nobody else writes the state from now on. 0, also if that was so; -EBUSY: somebody else does. */
int daemon_lock_state(struct daemon *daemon, struct error *error);
/* Write the state now, or within 10 s of the last attempt that failed, not. */
int daemon_save(struct daemon *daemon);
/* Write it if it has changed, and 10 s are over. */
void daemon_save_if_due(struct daemon *daemon);
/* Hand the verbs that wait to the helper. 0 or -errno with text: it is dead. */
int daemon_send(struct daemon *daemon, struct error *error);
/* Does the process that started then still run? What cannot be seen does. (enforce_options.lives)
 */
bool daemon_lives(const void *daemon, pid_t pid, uint64_t start_ticks);
/* Limits that the configuration states and that cannot be held here: said as trouble. */
void daemon_check_limits(struct daemon *daemon);

/* What the log says once each: */
void daemon_say_start(struct daemon *daemon);                          /* what is there */
void daemon_say_adopted(struct daemon *daemon);                        /* at the first decision */
void daemon_say_write(struct daemon *daemon, const struct verb *verb); /* -v alone */
/* Knobs that are taken over; and those of processes that still run which are not as they were. */
size_t daemon_count_knobs(const struct state *state);
size_t daemon_count_changed(const struct daemon *daemon);
/* At the end: so many were changed before; and others have changed some since. */
void daemon_say_restored(const struct daemon *daemon, size_t changed, uint64_t by_others);

/* server_handler */
int daemon_answer(void *daemon, const struct peer *peer, const struct protocol_request *request,
		  struct text *answer, struct error *error);
int daemon_put_status(struct daemon *daemon, int64_t id, struct text *answer, struct error *error);

#endif
