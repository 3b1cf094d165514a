/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-internal.h - what the files of enforce share. For enforce*.c alone.
 *
 *   enforce.c          the tick, the control period
 *   enforce-follow.c   domains come and go, and become others under the same name
 *   enforce-sums.c     what they used since the last decision
 *   enforce-rules.c    which limits hold for whom; caps by hand
 *   enforce-input.c    all of that as the policy's input
 *   enforce-service.c  vDISKs that another process serves: what it spends, where it is limited
 *   enforce-budgets.c  budgets that outlive those who have them; owners
 *   enforce-want.c     allotments as values of knobs
 *   enforce-knobs.c    the life of a knob that is taken over, until it is given back
 *   enforce-answers.c  what came of verbs; somebody else's writes
 *   enforce-queue.c    verbs that wait, and those under way
 *   enforce-say.c      sentences
 *   enforce-fill.c     what readers of the snapshot see
 */
#ifndef VMENERGY_VMENERGYD_ENFORCE_INTERNAL_H
#define VMENERGY_VMENERGYD_ENFORCE_INTERNAL_H

#include <math.h>
#include <stdio.h>

#include "vmenergyd/enforce.h"
#include "vmenergyd/policy/bandwidth.h"

#define ENFORCE_NS 1e9
/* A domain that is not seen is not gone: libvirtd may be starting again. */
#define ENFORCE_ABSENT_NS (60 * UINT64_C(1000000000))

struct enforce_domain;

enum knob_phase {
	PHASE_NONE,    /* nothing is under way */
	PHASE_TAKE,    /* GET of the original */
	PHASE_LOOK,    /* GET of what is in force: after a restart, or a write that failed */
	PHASE_CHECK,   /* GET: it seems that somebody has changed it */
	PHASE_SET,     /* SET of `asked` */
	PHASE_LEAVE,   /* GET: is it still as we wrote it? Then the original goes back */
	PHASE_RESTORE, /* SET of the original */
};

struct enforce_knob {
	struct enforce_domain *domain;
	enum knob knob;
	char vdisk[64];
	/* The domain had another manager when it was taken over, or the vDISK is not there any
	 * more: it is given back as it was, and nothing else is done with it. */
	bool is_former;
	/* Of KNOB_DISK, until then: as it was addressed last. Its service's pid is that whose limit
	 * it is, if it is not the domain's own. */
	struct target former;
	enum knob_phase phase;
	uint64_t seq; /* of the verb under way */
	bool is_sent;
	uint64_t sent_ns;
	bool has_wanted;
	struct knob_value wanted; /* by the last decision */
	bool leaving;             /* the original is to be put back, and the knob given up */
	bool taken;               /* `original` is known and in the state */
	bool virgin;              /* never written by us */
	bool unsaved;             /* the state on disk does not know the write that waits */
	bool has_new_original;    /* nor what somebody else wrote, which it is to go over */
	bool unsure;              /* `written` or `before` is in force */
	/* Of a run that was killed, or of another manager: what is in force may be a later write
	 * of ours that nobody has put down. */
	bool left_over;
	bool lowers; /* the write under way does not loosen */
	struct knob_value original, asked, current /* in force, read back */, written, before;
	unsigned failures;
	uint64_t retry_ns;
	bool said_failed, said_unread, said_failsafe;
	uint64_t changed_tick; /* of the last write: readings may still be older */
	uint64_t checked_ns;
	/* A reading that does not show this knob (libvirt may limit elsewhere than it was read). */
	bool has_blind;
	struct cpu_limit blind;
	bool has_foreign;
	struct knob_value foreign; /* what somebody else wrote last */
};
struct enforce_knobs {
	struct enforce_knob **items; /* owned */
	size_t count, capacity;
};

struct enforce_disk {
	char name[64];
	struct { /* of the topology: see struct target */
		unsigned major, minor;
	} leaves[TARGET_LEAVES];
	unsigned leaf_count;
	double span_w; /* NaN = no constants */
	struct disk_direction read, write;
	double active_j, read_bytes, write_bytes, requests; /* since the last decision */
	bool is_served;                /* by another process than the domain's */
	bool past_qemu;                /* and the domain's has no hand in its requests */
	struct target_service service; /* that can be limited; pid 0 = none can */
	const char *why_not;           /* why none can, a literal; NULL */
	unsigned unlimited;            /* decisions in a row, up to when it is said */
	bool said_why_not;
	double service_j;               /* since the last decision: spent on its behalf */
	double request_cost, byte_cost; /* J, of late; NaN = not known */
};
struct enforce_disks {
	struct enforce_disk *items;
	size_t count, capacity;
};

struct enforce_sums { /* since the last decision */
	double seconds, cpu_s, outside_j, cpu_idle_j, service_idle_j, disk_idle_j;
	double net_j; /* active, of network cards: no quota holds it */
	double cpu_active_j, service_active_j, disk_active_j; /* account's totals when it began */
	double cpu_now_j, service_now_j, disk_now_j;          /* and at the last tick */
	bool begun, whole; /* whole: no tick of it was without figures */
};

struct enforce_bandwidth { /* since the last decision */
	bool has_base;
	uint64_t periods, throttled; /* when it began */
	bool has_now;
	uint64_t periods_now, throttled_now;
	bool has_usage_base, has_usage_now;
	uint64_t usage_ns, usage_now_ns;
	double largest_cpus; /* quota in force; NaN = not read */
};

struct enforce_voice { /* what was said last */
	bool held, infeasible;
	uint64_t held_ns, infeasible_ns; /* when it last was so */
};

struct enforce_domain {
	char *id, *name, *uuid, *owner; /* owner: who pays, by the rules; NULL = nobody */
	char *host_owner;               /* as the topology says */
	size_t state_at;                /* where it was in the state last */
	uint64_t seen_ns;
	bool ended, is_client; /* is_client: a service works for it */
	bool awaits_libvirt;   /* a QEMU of a libvirt that does not answer: known by its process */
	bool has_target;
	struct target target;
	uint64_t cgroup_inode;
	uint64_t rules; /* generation of the rules that the following were made by; 0 = none */
	struct limits limits, owner_limits;
	bool has_limit, owner_has_limit;
	bool stale_before; /* the last tick had no figures: late joules come */
	struct enforce_sums sums;
	struct enforce_bandwidth bandwidth;
	struct enforce_disks disks;
	uint64_t disks_generation; /* of the topology that leaves were found in */
	double highest_w_per_cpu;  /* NaN = never seen busy */
	struct enforce_knobs knobs;
	bool had_state;
	size_t decided; /* row of the last decision; SIZE_MAX = not in it */
	struct enforce_voice voice;
};
struct enforce_domains {
	struct enforce_domain **items; /* owned, ascending by id */
	size_t count, capacity;
};
/* Who stood in each row of an array of the last tick: nearly always the same now. */
struct enforce_rows {
	struct enforce_domain **items;
	size_t count, capacity;
};

struct enforce_host_sums { /* watt-seconds since the last decision */
	double seconds, idle_j, disk_j, kept_j, total_j;
	double metered_w, modelled_w; /* sums of meter_count figures */
	unsigned meter_count;
	bool whole;
	double temperature_c; /* the last known; NaN */
};

struct enforce_flight {
	uint64_t seq;
	struct enforce_knob *knob;
};

/* Arrays of the last decision, used again. */
struct enforce_decision {
	struct policy_domain *domains;
	struct enforce_domain **rows;
	const char **ids;
	size_t count, capacity;
	struct policy_disk *disks;
	size_t disk_capacity;
	struct {
		struct policy_owner *items;
		size_t count, capacity;
	} owners;
	bool made;
	struct policy_output output;
};

struct enforce {
	struct enforce_options options;
	const struct config *config;
	struct state *state;
	struct policy *policy;
	enforce_say *say;
	void *context;
	double control_interval_s;
	uint64_t now_ns, tick, due_ns, period_begin_ns, begun_ns;
	bool was_away_told, save_asked;
	uint64_t saved_ns; /* when intents were last put on disk */
	double realtime_s;
	bool has_snapshot;
	uint64_t snapshot_seq, snapshot_epoch;
	uint64_t rules; /* changes whenever they do */
	struct enforce_domains domains;
	struct enforce_rows by_snapshot, by_reading, by_topology;
	struct enforce_host_sums host;
	struct enforce_decision decision;
	double highest_w_per_cpu; /* of all domains; NaN */
	double default_w_per_cpu; /* by the weights; NaN */
	struct {
		struct verb *items;
		size_t count, capacity;
	} queue;
	struct {
		struct enforce_flight *items; /* ascending by seq; queued ones, too */
		size_t count, capacity;
	} flights;
	uint64_t seq;
	uint64_t wrote_ns;      /* the last write that took effect */
	unsigned raises_waited; /* decisions in a row */
	struct enforce_counts counts;
	bool restoring, refusing;
	struct enforce_voice voice;
};

/* --- enforce-follow.c */
int enforce_follow(struct enforce *enforce, const struct enforce_input *input);
/* 0 or -ENOMEM. */
int enforce_drop_gone(struct enforce *enforce);
/* A new one; NULL: no memory. */
struct enforce_domain *enforce_domain_add(struct enforce *enforce, const char *id);
struct enforce_domain *enforce_find(const struct enforce *enforce, const char *id);
/* Who stands in `row`; NULL: nobody that is followed. */
struct enforce_domain *enforce_row(const struct enforce *enforce, const struct enforce_rows *rows,
				   size_t row, const char *id);
int enforce_open_rows(struct enforce_rows *rows, size_t count);
void enforce_domain_free(struct enforce_domain *domain);
/* Its entry in the state; made if there is none. NULL: no memory. */
struct state_domain *enforce_state(struct enforce *enforce, struct enforce_domain *domain);

/* --- enforce-sums.c */
void enforce_add_domain(struct enforce_domain *domain, const struct snapshot_domain *row,
			double seconds);
void enforce_add_reading(struct enforce_domain *domain, const struct enforce_reading *reading);
void enforce_add_host(struct enforce *enforce, const struct enforce_input *input, double seconds);
void enforce_add_meter(struct enforce *enforce, const struct enforce_input *input);
/* Of the period: CPU-seconds (NaN = unknown); periods of the quota that ended with it used up. */
double enforce_cpu_s(const struct enforce_domain *domain);
double enforce_throttled_part(const struct enforce_domain *domain);
void enforce_begin_period(struct enforce *enforce);
/* Find leaves and constants of its vDISKs, and who serves them; it has this index in the
 * topology. */
void enforce_find_leaves(const struct enforce *enforce, struct enforce_domain *domain,
			 const struct enforce_input *input, size_t index);

/* --- enforce-rules.c */
/* Its own, without what takes a limit of the file away. */
struct limits enforce_domain_limits(const struct enforce *enforce, const char *id, const char *name,
				    const char *uuid);
struct limits enforce_owner_limits(const struct enforce *enforce, const char *owner);
void enforce_refresh_rules(struct enforce *enforce, struct enforce_domain *domain);
double enforce_host_cap_w(const struct enforce *enforce); /* NaN = none */
bool enforce_host_has_limit(const struct enforce *enforce);
bool enforce_is_limited(const struct enforce *enforce, const struct enforce_domain *domain);
/* Who is not seen now, or not in the last decision, is not free for that. */
enum enforce_standing { STANDING_UNKNOWN, STANDING_FREE, STANDING_LIMITED };
enum enforce_standing enforce_standing(const struct enforce *enforce,
				       const struct enforce_domain *domain);

/* --- enforce-input.c */
int enforce_decide(struct enforce *enforce, const struct enforce_input *input, struct error *error);
bool enforce_can_hold_cpu(const struct enforce *enforce, const struct enforce_domain *domain);
/* By what a vDISK is limited. */
enum disk_way {
	WAY_SERVICE, /* where another process serves it */
	WAY_QEMU,    /* by its QEMU, through libvirt or its monitor */
	WAY_CGROUP,  /* of its QEMU */
	WAY_NONE,    /* its QEMU has no hand in it */
};
enum disk_way enforce_disk_way(const struct enforce_domain *domain,
			       const struct enforce_disk *disk);
/* Where a limit is that of a device, or of several vDISKs at their service, the first of those
 * that share it stands for all. */
size_t enforce_disk_leader(const struct enforce_domain *domain, size_t disk);
bool enforce_can_hold_disk(const struct enforce *enforce, const struct enforce_domain *domain,
			   const struct enforce_disk *disk);

/* --- enforce-service.c */
/* Which of its vDISKs other processes serve, and how these can be limited. */
void enforce_find_services(const struct enforce_input *input, struct enforce_domain *domain,
			   size_t index);
bool enforce_same_service(const struct target_service *a, const struct target_service *b);
/* After a period: what the services' work for it costs. */
void enforce_note_costs(struct enforce_disk *disk);
/* What it costs with its services' work, as the policy sees a disk. */
void enforce_price_disk(const struct enforce *enforce, const struct enforce_disk *disk,
			double seconds, struct policy_disk *into);
/* Limits at services go with them, and stay when the domain goes. */
void enforce_follow_services(struct enforce *enforce, struct enforce_domain *domain);
/* The domain is gone: is something of it in force at a service yet? It is being given back. */
bool enforce_leaves_services(struct enforce *enforce, struct enforce_domain *domain);
/* Of the state, and not met: whose limits at services are given back. 0 or -ENOMEM. */
int enforce_meet_gone(struct enforce *enforce, const struct state_domain *state);
/* Another knob's limit is in force at the same place. */
bool enforce_is_taken_there(const struct enforce *enforce, const struct enforce_knob *knob);
bool enforce_service_lives(const struct enforce *enforce, const struct target_service *service);
void enforce_say_services(struct enforce *enforce, struct enforce_domain *domain);

/* --- enforce-budgets.c */
/* As the state has them. 0 or -ENOMEM. */
int enforce_budgets_adopt(struct enforce *enforce);
/* The domain is no more; what is left of its budget is kept if it can be known again. */
void enforce_budget_keep(struct enforce *enforce, const char *id, const char *name,
			 const char *uuid);
/* Into the decision, with what was kept of its budget and of its owner's. 0 or -ENOMEM. */
int enforce_budgets_take_up(struct enforce *enforce, const struct enforce_domain *domain);
/* After the decision: owners' are noted; those of who is not in it fill up. */
void enforce_budgets_follow(struct enforce *enforce);

/* --- enforce-want.c */
/* What the last decision asks of each knob of the domain. 0 or -ENOMEM. */
int enforce_want(struct enforce *enforce, struct enforce_domain *domain);
void enforce_remember(struct enforce *enforce, struct enforce_domain *domain);

/* --- enforce-knobs.c */
struct enforce_knob *enforce_knob(const struct enforce_domain *domain, enum knob knob,
				  const char *vdisk);
/* Want a value of a knob, which is made if need be. */
int enforce_knob_want(struct enforce_domain *domain, const struct knob_value *value,
		      const char *vdisk);
/* Those of the state; `now`: where the domain is now. */
int enforce_knobs_adopt(struct enforce *enforce, struct enforce_domain *domain,
			const struct target *now);
/* The domain has another manager from now on: what was taken over goes back through the old one. */
void enforce_knobs_hand_over(struct enforce_domain *domain, const struct target *now);
bool enforce_knob_loosens(const struct knob_value *value, const struct knob_value *in_force);
/* false: there is no room for it. */
bool enforce_knob_store(struct enforce *enforce, const struct enforce_knob *knob);
int enforce_knob_write(struct enforce *enforce, struct enforce_knob *knob, enum knob_phase phase,
		       const struct knob_value *value);
/* Its limit is that of another vDISK from now on. */
void enforce_knob_rename(struct enforce *enforce, struct enforce_knob *knob, const char *vdisk);
/* As if it had never been taken over. */
void enforce_knob_untake(struct enforce *enforce, struct enforce_knob *knob);
void enforce_knob_drop(struct enforce *enforce, struct enforce_knob *knob); /* of the state, too */
void enforce_knobs_forget(struct enforce *enforce, struct enforce_domain *domain, bool place_too);
/* Next step, if one is due. `raises`: those that loosen, too. 0 or -ENOMEM. */
int enforce_knob_step(struct enforce *enforce, struct enforce_knob *knob, bool raises);
void enforce_knob_watch(struct enforce *enforce, struct enforce_knob *knob,
			const struct enforce_reading *reading);
bool enforce_knob_is_unchanged(const struct enforce_knob *knob);

/* --- enforce-answers.c */
void enforce_knob_failed(struct enforce *enforce, struct enforce_knob *knob,
			 const struct applied *applied);

/* --- enforce-queue.c */
/* Devices that a limit of this vDISK limits, its own and of those that it leads. */
void enforce_disk_leaves(const struct enforce_domain *domain, const char *vdisk,
			 struct target *target);
/* What a verb of this knob is meant for. */
void enforce_fill_target(const struct enforce_knob *knob, struct target *target);
int enforce_queue(struct enforce *enforce, struct enforce_knob *knob, enum knob_phase phase,
		  const struct knob_value *value);
struct enforce_knob *enforce_queue_take(struct enforce *enforce, uint64_t seq);
/* Its verb is not sent any more, or its answer not waited for. */
void enforce_queue_forget(struct enforce *enforce, struct enforce_knob *knob);
struct verb *enforce_queue_find(struct enforce *enforce, uint64_t seq);

/* --- enforce-say.c */
void enforce_sayf(const struct enforce *enforce, bool is_warning, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "the CPU limit of web1", "the disk limit of web1 vda" */
const char *enforce_knob_text(const struct enforce_knob *knob, char *text, size_t size);
void enforce_say_decision(struct enforce *enforce);

#endif
