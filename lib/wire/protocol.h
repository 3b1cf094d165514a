/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * protocol.h - the lines of vmenergyd's control socket: one JSON object each,
 * versioned. Pure: buffers in, buffers out. vmenergyd-protocol(7).
 *
 *   -> {"format":1,"id":7,"do":"cap","domain":"web1","cap_w":20}
 *   <- {"format":1,"id":7,"ok":true}
 *   <- {"format":1,"id":7,"ok":false,"error":"no domain is called 'web1'"}
 *   <- {"format":1,"event":"snapshot","snapshot":{...the contract...},"more":{...}}
 */
#ifndef VMENERGY_WIRE_PROTOCOL_H
#define VMENERGY_WIRE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"
#include "model/snapshot.h"
#include "model/weights.h"

enum { PROTOCOL_FORMAT = 1, PROTOCOL_LINE_MAX = 64 * 1024 /* of a request */ };

enum protocol_verb {
	PROTOCOL_STATUS,
	PROTOCOL_SUBSCRIBE,
	PROTOCOL_UNSUBSCRIBE,
	PROTOCOL_CAP,   /* set; a null member takes that limit away */
	PROTOCOL_CLEAR, /* as the configuration says again */
	PROTOCOL_RELOAD,
};
enum { PROTOCOL_VERBS = 6 };
const char *protocol_verb_name(enum protocol_verb verb); /* "status" ... */
bool protocol_verb_changes(enum protocol_verb verb);

struct protocol_request {
	int64_t id; /* chosen by the client; -1 = none */
	enum protocol_verb verb;
	char *domain; /* name, UUID or id; NULL = the host (cap, clear), which has cap_w alone */
	/* NaN = not mentioned, INFINITY = null: no limit. */
	double cap_w, cap_total_w, cpu_cap_w, disk_cap_w;
};
struct protocol_request protocol_request_of(enum protocol_verb verb); /* nothing mentioned */
void protocol_request_clear(struct protocol_request *request);

/*
 * 0; -EINVAL with what is wrong ("cap_w: must be null or 0..1e+09"); -ENOMEM. After a failure
 * request->id is set if it could be read, and nothing is to be cleared. A member that the request
 * does not have is an error: a limit that is not understood must not be passed over.
 */
int protocol_parse_request(const char *line, size_t length, struct protocol_request *request,
			   struct error *error);
int protocol_put_request(const struct protocol_request *request, struct text *out,
			 struct error *error);

/* A whole answer line. `members` (an object) may be NULL; the reference is taken. */
int protocol_put_answer(int64_t id, json_t *members, struct text *out, struct error *error);
int protocol_put_refusal(int64_t id, const char *why, struct text *out); /* 0 or -ENOMEM */

/* --- status ------------------------------------------------------------------------------- */

/* All texts are owned; NULL = none. Watts: NaN = not known, or no such limit. */
struct protocol_words { /* start from {0} */
	char **items;
	size_t count, capacity;
};
int protocol_words_add(struct protocol_words *words, const char *word); /* a copy; or -ENOMEM */

struct protocol_status_domain { /* one that has a limit, or is held back */
	char *id, *name;        /* never NULL */
	double cap_w, cap_total_w, cpu_cap_w, disk_cap_w; /* as asked for */
	double limit_w;                     /* of active and service power, all policies together */
	double used_w;                      /* active and service power over the last period */
	double headroom_w;                  /* limit less used */
	double infeasible_w;                /* by which it cannot be met; 0 = it can */
	double throttle_cpu, throttle_disk; /* part of the demand that is withheld, 0..1 */
	struct protocol_words held_by;      /* "cap" "budget" ...: what limits it now */
	char *override_by; /* who set limits by hand: "uid 0 (root), ..."; NULL = nobody */
};

struct protocol_status_host {
	double cap_w;   /* as asked for */
	double limit_w; /* the tightest of cap, peak and temperature */
	double used_w;  /* total power */
	double headroom_w, infeasible_w;
	double temperature_c;
	struct protocol_words held_by;
	char *override_by;
};

struct protocol_status {
	char *version;  /* never NULL */
	char *hostname; /* never NULL */
	double since_s; /* UNIX seconds, UTC: start of the daemon */
	double interval_s, control_interval_s;
	bool dry_run;
	char *source;  /* "perf" "cputime" ...; never NULL */
	char *weights; /* FILE */
	char *meter;
	uint64_t decisions, writes, unchanged_left_out, refused, foreign_changes; /* enforce.h */
	uint64_t clients, dropped;                                                /* server.h */
	struct protocol_status_host host;
	struct {
		struct protocol_status_domain *items;
		size_t count, capacity;
	} domains;
	struct protocol_words trouble; /* sentences; none = all is well */
};
/* All figures NaN, nothing else. */
void protocol_status_init(struct protocol_status *status);
void protocol_status_clear(struct protocol_status *status);
/* One more domain, its figures NaN; its id and name are the caller's to fill. NULL: no memory. */
struct protocol_status_domain *protocol_status_add(struct protocol_status *status);
/* The whole line that answers PROTOCOL_STATUS. */
int protocol_put_status(int64_t id, const struct protocol_status *status, struct text *out,
			struct error *error);

/* --- snapshots ---------------------------------------------------------------------------- */

/* What a daemon says of itself to who attaches: the head of vmetop's views. Texts are owned. */
struct protocol_about {
	char *hostname, *version, *weights_why;                      /* never NULL */
	char *counting, *frequency, *service_times, *why_not_events; /* NULL = none */
	enum verdict verdict;
	double interval_s;
	char **notes;
	size_t note_count;
};
void protocol_about_clear(struct protocol_about *about);

/*
 * The event line of a snapshot: the contract's object, and in "more" what vmetop
 * shows besides (packages, disks, joules of the host, CPU percent and reasons of domains and
 * vDISKs, missed ticks), with `about`. 0; -EINVAL (a counter above 2^63-1); -ENOMEM; `out` is then
 * as it was.
 */
int protocol_put_snapshot(const struct snapshot *snapshot, const struct protocol_about *about,
			  struct text *out, struct error *error);

/* --- what a client receives --------------------------------------------------------------- */

enum protocol_kind {
	PROTOCOL_ANSWER,
	PROTOCOL_REFUSAL,
	PROTOCOL_SNAPSHOT,
	PROTOCOL_OTHER, /* an event that this version does not know: to be passed over */
};
struct protocol_message {
	enum protocol_kind kind;
	int64_t id;     /* of an answer or refusal; -1 = none */
	json_t *answer; /* the whole object; a reference; NULL otherwise */
	char *refusal;
	struct protocol_about about; /* of a snapshot */
};
void protocol_message_clear(struct protocol_message *message);

/*
 * A snapshot is read into *snapshot (emptied first, its memory used again; empty if it was wrong)
 * so that putting it again gives the same line; what is no snapshot leaves it alone. Unknown
 * members are passed over. 0, -EINVAL with text, -ENOMEM; after a failure nothing of *message is to
 * be cleared.
 */
int protocol_parse_message(const char *line, size_t length, struct protocol_message *message,
			   struct snapshot *snapshot, struct error *error);

/* The status in an answer. 0, -EINVAL with text, -ENOMEM. */
int protocol_parse_status(const struct protocol_message *message, struct protocol_status *status,
			  struct error *error);

#endif
