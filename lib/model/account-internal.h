/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-internal.h - what the rooms of the account share.
 *
 * A tick runs through them in this order (account.c):
 *
 *   memory   what was read before, by id: domains, leaves, services
 *   cpu      host total, then each domain's cpu and own helpers
 *   idle     who existed when, and so who shares the idle power
 *   disk     claim: who asked which leaf for what; then each leaf's energy
 *   service  what a domain's own helpers spent on its vDISKs; demand: who asked
 *            which service for what; what those spent, on to their vDISKs
 *   nic      the same as disk for network cards and vNICs
 *   close    kept is what remains; totals move on
 *   kept     which of the host's tasks used it
 *   snapshot, check
 */
#ifndef VMENERGY_MODEL_ACCOUNT_INTERNAL_H
#define VMENERGY_MODEL_ACCOUNT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/account.h"
#include "model/known.h"
#include "model/regress.h"

enum { READ, WRITE, DIRECTIONS };
enum { RECEIVE, TRANSMIT }; /* likewise */

/* Words that hold for a total for ever once a part of it was made so. */
enum { ACCOUNT_MADE_FROM = QUALITY_ESTIMATE | QUALITY_MULTIPLEXED | QUALITY_EXTRAPOLATED };

/* What is made with a guess, and no more than this part of the whole, is no estimate. */
#define ACCOUNT_GUESS_MAX 0.01

/* Kept below this part of its head marks the tick (model.md 5). */
#define ACCOUNT_SKEW 0.005

/*
 * Joules of one tick. `now_j` fell into the tick and makes its watts; `late_j`
 * belongs to earlier ticks, was kept then, and only moves the totals. now_j
 * NaN: not known in this tick.
 */
struct charge {
	double now_j, late_j;
};
#define CHARGE_UNKNOWN ((struct charge){ NAN, 0 })

static inline double charge_total(struct charge charge)
{
	return known(charge.now_j) + charge.late_j;
}

/* The sum of what is known; unknown only when neither is. */
static inline struct charge charge_sum(struct charge a, struct charge b)
{
	bool none = isnan(a.now_j) && isnan(b.now_j);

	return (struct charge){ none ? NAN : known(a.now_j) + known(b.now_j), a.late_j + b.late_j };
}

static inline struct charge charge_scale(struct charge charge, double factor)
{
	return (struct charge){ charge.now_j * factor, charge.late_j * factor };
}

/* What to scale joules by that were read at another moment than all, and cannot be more. */
static inline double charge_fit(double part_j, double all_j)
{
	return part_j > all_j ? fmax(0, all_j) / part_j : 1;
}

/* A charge with the events behind its now_j, which carry the uncertainty of the prices. */
struct load {
	struct charge charge;
	double count[SAMPLE_EVENTS_MAX];
};
void account_load_add(struct load *load, const struct load *other, double factor);

/* What a tick accounts for. Readings made since begin_ns are its own. */
struct tick {
	uint64_t begin_ns;       /* begin of the previous sample */
	uint64_t from_ns, to_ns; /* end of the previous sample, end of this one */
	double seconds;
	bool first; /* a baseline: nothing can be charged */
	unsigned quality;
};

/* --- differences (account-delta.c) ------------------------------------------------------- */

struct cpu_delta {
	bool known;
	double count[SAMPLE_EVENTS_MAX];
	double on_time; /* the part of it, 0..1, that fell into the tick */
	unsigned quality;
};

struct amount { /* of one direction */
	double bytes;
	double requests; /* NaN: unknown */
};

struct io_delta {
	bool known;
	struct amount amount[DIRECTIONS];
	double on_time, seconds;
	unsigned quality;
};

struct net_delta {
	bool known;
	double bytes[DIRECTIONS], packets[DIRECTIONS];
	double on_time, seconds;
	unsigned quality;
};

struct service_delta { /* of a leaf, over the same time */
	bool known;    /* its requests were followed in all of it */
	double busy_s, seeks[DIRECTIONS];
};

/*
 * *now - *previous, then *previous = *now. Not known, with the reason in
 * quality: MISSING (previous stays: the delta comes later), STALE (nothing new
 * yet), GAP (a baseline: first sight, or a counter that began again).
 */
void account_cpu_delta(struct cpu_delta *delta, struct cpu_reading *previous,
		       const struct cpu_reading *now, unsigned events, const struct tick *tick);
void account_io_delta(struct io_delta *delta, struct io_reading *previous,
		      const struct io_reading *now, const struct tick *tick);
void account_net_delta(struct net_delta *delta, struct net_reading *previous,
		       const struct net_reading *now, const struct tick *tick);
/* Before account_io_delta(), which makes *now the previous one. */
void account_service_delta(struct service_delta *delta, const struct io_reading *previous,
			   const struct io_reading *now);

/* Would account_cpu_delta() have something new to read? */
bool account_cpu_is_new(const struct cpu_reading *previous, const struct cpu_reading *now);

/* --- sharing over time (account-idle.c) -------------------------------------------------- */

struct span { /* somebody with `units`, there from from_ns to to_ns */
	double units;
	uint64_t from_ns, to_ns;
	double part; /* out: of the whole tick's energy, 0..1 */
};

struct span_event { /* working memory of account_share() */
	uint64_t at_ns;
	size_t span;
	bool begins;
};

/* At each moment constant power is shared in proportion to the units then there. */
void account_share(struct span *spans, size_t count, struct span_event *events,
		   const struct tick *tick);

/* --- memory (account-memory.c) ----------------------------------------------------------- */

struct energy {
	double idle_j, active_j;
};

/* What a domain's own thread works for, as far as its energy is known by itself. */
enum account_helper {
	HELPER_POOL,  /* not read by itself, or it does a bit of all */
	HELPER_IO,    /* vDISKs, several of them */
	HELPER_VDISK, /* one vDISK */
	HELPER_OTHER, /* no vDISK */
};

struct account_thread {
	pid_t tid;
	uint64_t start_ticks;
	int vdisk; /* that it alone serves, or VDISK_NONE */
	enum account_helper helper;
	bool vhost; /* a kernel worker of its vNICs */
	struct cpu_reading previous;
	/* of this tick */
	struct charge active;
	double on_cpu_ns;  /* NaN: unknown */
	bool inside_total; /* its work is known from the domain's total, too */
};

enum { BY_REQUEST, BY_BYTE, WORKS };

struct account_work { /* that was asked for */
	double amount[WORKS];
};

/* The provider's thread that works for one attachment alone. */
struct account_own {
	pid_t tid; /* 0: there is none */
	uint64_t start_ticks;
	struct cpu_reading previous;
	double waiting_j; /* while the provider's energy is not read */
};

/* One attachment as its client sees it. */
struct account_use {
	struct account_use *next;
	char *provider; /* service id */
	bool bound;     /* in the present topology */
	struct io_reading previous;
	struct account_work rate;    /* per second, when it was last known */
	uint64_t seen_ns;            /* then; 0: never */
	struct account_work counted; /* requests, with their bytes; the older parts count less */
	struct account_work waiting; /* while the provider's energy is not read */
	struct account_own own;
	/* of this tick */
	struct io_delta delta;
};

/* Requests, by the mean size of those that came together: below STREAM_BYTES, and from there. */
enum { SIZE_SMALL, SIZE_STREAM, SIZES };

struct account_disk { /* a leaf */
	char *name;
	unsigned major, minor;
	bool rotational;
	const struct weights *weights; /* NULL: nobody knows its watts */
	bool out_of_scope; /* its watts are known, and not to be added here (model.md 1) */
	unsigned quality;  /* of those watts */
	struct io_reading previous;
	struct energy total;
	unsigned made_from;                  /* how its total came about */
	double unexplained_j, unexplained_s; /* kept while a vDISK's reading was late */
	/* of this tick */
	struct io_delta delta;
	struct service_delta service;
	unsigned mark; /* ESTIMATE: its seeks are a guess */
	size_t vdisks; /* that lead here */
	struct amount claimed[DIRECTIONS];
	double sized[DIRECTIONS][SIZES];     /* requests of that size */
	double seek_part[DIRECTIONS][SIZES]; /* of them, those that pay the overhead */
	double debt_bytes, late_s;           /* of all vDISKs on it */
	double time_s;                       /* sum over its physical requests */
	struct charge active;
	struct charge charged; /* to vDISKs, of active */
	double idle_j, charged_idle_j;
	bool awaits; /* a vDISK on it has not been read */
};

struct account_vdisk {
	char *name;
	bool direct, attached, unresolved;
	bool pooled; /* its domain's helpers serve it, and not one of them alone */
	size_t leaf_count;
	double copies; /* written to its leaves, for one written to it; 1 or more */
	struct io_reading previous;
	double debt_bytes[2]; /* written to the page cache, not yet to a leaf: older, newer */
	struct account_use *uses;
	/* of this tick */
	struct io_delta delta;
	double idle_j; /* NaN: no leaf of it has known watts */
	struct charge active;
	double service_idle_j, service_active_j;
	unsigned mark; /* account-attach.c */
};

/* One vDISK on one leaf. */
struct account_claim {
	struct account_vdisk *vdisk;
	struct account_disk *disk;
	/* of this tick */
	bool known;
	double share[DIRECTIONS]; /* of the vDISK's traffic, when it lies on several leaves */
	struct amount amount[DIRECTIONS];
	double late_s;
	double paid_bytes; /* of debt */
	double idle_part;  /* of the leaf's idle energy */
	double charged_s;  /* time that active energy was charged for */
};

struct account_nic { /* a network card */
	char *name;
	const struct weights *weights; /* NULL: nobody knows its watts */
	unsigned quality;              /* of those watts */
	bool up;
	struct net_reading previous;
	/* of this tick */
	struct net_delta delta;
	double claimed[DIRECTIONS]; /* bytes */
	struct charge active;
	struct charge charged; /* to vNICs, of active */
	double idle_j, charged_idle_j;
};

struct account_vnic {
	char *name;
	size_t leaf_count;
	struct net_reading previous;
	/* of this tick */
	struct net_delta delta;
	double idle_j; /* NaN: no leaf of it has known watts */
	struct charge active;
	double service_active_j; /* a memo, of its domain's service */
};

/* One vNIC on one network card. */
struct account_port {
	struct account_vnic *vnic;
	struct account_nic *nic;
	/* of this tick */
	double bytes[DIRECTIONS];
	double idle_part; /* of the card's idle energy */
};

struct account_issued {
	const struct account_disk *disk; /* NULL: any */
	struct io_reading previous;
	struct io_delta delta;
};

struct domain_tick {
	unsigned quality;
	bool guessed;                          /* services divided what they spent by a guess */
	struct charge cpu, disk, service, net; /* active */
	double cpu_idle_j, disk_idle_j, service_idle_j, net_idle_j;
	double idle_part;        /* of cpu_idle */
	double service_part;     /* of cpu_idle, by way of services */
	struct load load;        /* events behind cpu and service */
	double helpers_j;        /* own helpers' now_j; NaN: unknown */
	double on_cpu_ns;        /* of all its tasks; NaN: unknown */
	uint64_t from_ns, to_ns; /* the part of the tick that it existed; from == to: none */
};

struct account_domain {
	char *id, *name, *uuid, *owner, *reason;
	enum domain_state state;
	bool bound;  /* in the present topology */
	bool fresh;  /* this process is seen for the first time */
	bool folded; /* its joules are in the aggregate: not listed any more */
	pid_t pid;
	uint64_t start_ticks, start_ns, end_ns;
	uint64_t born_ns;  /* start within the session, when counters stood at zero; 0: earlier */
	uint64_t ended_ns; /* when we saw that it had ended; 0: not ended */
	double vcpus, cpu_weight;
	bool has_vcpu; /* a thread is known to run guest code */
	bool only_vcpus;
	enum total_source total_source;
	struct cpu_reading total;
	double unmatched_j; /* charged to vCPUs, not yet seen in the total */
	struct account_thread *threads;
	size_t thread_count;
	struct account_vdisk **vdisks;
	size_t vdisk_count;
	struct account_claim *claims;
	size_t claim_count;
	struct account_vnic **vnics;
	size_t vnic_count;
	struct account_port *ports;
	size_t port_count;
	struct {
		struct account_issued *items;
		size_t count;
	} issued;
	bool per_leaf;           /* it is known what it issues on each leaf */
	struct regress *helpers; /* what they spend on pooled vDISKs; NULL: it has none */
	struct energy cpu, disk, service, net;
	uint64_t discovered_ns; /* when it was last seen by discovery */
	unsigned mark;          /* account-attach.c */
	unsigned rebased;       /* GAP, until the next tick has said so */
	unsigned made_from;     /* how its totals came about: ACCOUNT_MADE_FROM of all ticks */
	double guessed_j;       /* of service: of ticks in which a part of it was a guess */
	struct domain_tick tick;
};

/* One guess does not mark totals for ever: only as long as it is more than a little of them. */
static inline unsigned domain_made_from(const struct account_domain *domain)
{
	bool guessed = domain->guessed_j > ACCOUNT_GUESS_MAX * domain->service.active_j;

	return domain->made_from | (guessed ? (unsigned)QUALITY_ESTIMATE : 0);
}

/* It ended in an earlier tick: whatever is still read of it, it is charged nothing more. */
static inline bool domain_is_over(const struct account_domain *domain, const struct tick *tick)
{
	return domain->state == DOMAIN_ENDED && domain->ended_ns < tick->to_ns;
}

#include "model/account-service.h"

struct package {
	struct cpu_reading previous;
	struct cpu_delta delta;
	double frequency_hz; /* when it was last known; 0 = never */
	/* of this tick */
	double priced_hz; /* the operating point; 0 = unknown */
	double event_j[SAMPLE_EVENTS_MAX];
	unsigned quality; /* of these prices */
	struct charge active;
};

/* Of the host's own tasks, by name (account-kept.c). */
struct account_head {
	char name[HEAD_NAME_BYTES];
	struct cpu_reading previous;
	/* of this tick */
	bool by_time;
	double on_cpu_ns; /* where by_time */
	double active_j;
};

enum head_state {
	HEAD_BASELINE, /* totals begin here: nothing can be charged */
	HEAD_LATE,     /* not read: everything under it waits */
	HEAD_KNOWN,
};

struct prices { /* of this tick, the same for every thread of the host */
	double event_j[SAMPLE_EVENTS_MAX];
	double idle_w;
	unsigned quality;
	double package_part[SAMPLE_PACKAGES_MAX][SAMPLE_EVENTS_MAX];
};

/* Covariance of {event prices in J, idle_w}: jackknife or standard errors. */
enum { PRICED = SAMPLE_EVENTS_MAX + 1 };
struct covariance {
	bool known;
	double sigma[PRICED][PRICED];
	double quantile; /* of 95 %, two-sided */
};

struct account_sums { /* of all domains, or of what is kept */
	struct charge cpu, disk, net;
	double cpu_idle_j, disk_idle_j, net_idle_j;
};

struct account {
	struct account_options options;
	int cputime_event;         /* index of CPUTIME_EVENT, or -1 */
	struct weights *replicate; /* a copy to price replicates with; NULL: there are none */
	/* the previous sample */
	bool started, is_bound;
	uint64_t generation, begin_ns, end_ns, tsc_ticks, since_realtime_ns;
	uint64_t counted_from_ns; /* totals are gapless since then */
	struct package packages[SAMPLE_PACKAGES_MAX];
	unsigned package_count;
	struct cpu_reading own_previous;
	/* memory */
	struct {
		struct account_domain **items; /* sorted by id */
		size_t count, capacity;
	} domains;
	struct account_domain **bound; /* parallel to topology.domains */
	size_t bound_count;
	struct account_disk **disks; /* parallel to topology.disks */
	size_t disk_count;
	struct account_nic **nics; /* parallel to topology.nics */
	size_t nic_count;
	struct account_service **services; /* parallel to topology.services */
	size_t service_count;
	size_t *order; /* of services: providers first */
	struct span *spans;
	struct span_event *span_events;
	size_t span_count;
	uint64_t debt_turn_ns;
	/* totals */
	struct energy host_cpu, host_disk, host_net, kept_cpu, kept_disk, kept_net;
	struct {
		size_t count;
		struct energy cpu, disk, service, net;
		unsigned made_from;
	} folded; /* domains that ended long ago */
	struct {
		struct energy energy;
		unsigned made_from;
	} gone; /* leaves that are no longer there */
	/* of this tick */
	struct tick tick;
	enum head_state head_state;
	struct charge head; /* the host's active CPU energy */
	double head_idle_j;
	struct prices prices;
	struct covariance covariance;
	struct charge own;
	struct charge disk_head;
	double disk_idle_j;
	struct charge net_head;
	double net_idle_j;
	struct account_sums kept;
	struct account_heads {
		struct account_head items[SAMPLE_HEADS_MAX], next[SAMPLE_HEADS_MAX];
		size_t count;
		bool were_read; /* in the sample before */
		struct cpu_reading on_cpu_previous;
		double on_cpu_ns; /* of all tasks, in this tick; NaN: unknown */
		double owed_j;    /* used by heads, and more than was kept so far */
		uint64_t ticks;
	} heads;
};

/* Bring memory in line with a topology that is new. 0, -EINVAL (cycle) or -ENOMEM. */
int account_bind(struct account *account, const struct topology *topology, struct error *error);
void account_forget_cpu(struct account *account);
void account_fold_ended(struct account *account);
void account_memory_clear(struct account *account);
int account_domain_update(struct account *account, struct account_domain *domain,
			  const struct domain *now, uint64_t discovered_ns);
void account_domain_release(struct account_domain *domain);
struct account_domain *account_domain_new(const char *id);
void account_domain_free(struct account_domain *domain);
int account_bind_services(struct account *account, const struct topology *topology,
			  struct error *error);
/* account-nic-bind.c. 0 or -ENOMEM. */
int account_bind_nics(struct account *account, const struct topology *topology);
void account_nics_clear(struct account *account);
int account_domain_update_nics(const struct account *account, struct account_domain *domain,
			       const struct domain *now);
void account_domain_release_nics(struct account_domain *domain);
/*
 * model.md 1: figures of different scopes are not added. What the data sheet
 * says (DC) may stand in a wall account, as an estimate.
 */
bool account_same_scope(enum scope cpu, enum scope device, unsigned *quality);
void account_service_free(struct account_service *service);
void account_uses_free(struct account_use *use);

/* --- the rooms of a tick ------------------------------------------------------------------ */

int account_price(struct account *account, const struct topology *topology,
		  const struct sample *sample, struct error *error);
void account_cpu(struct account *account, const struct topology *topology,
		 const struct sample *sample);
struct load account_load(const struct account *account, const struct cpu_delta *delta);

void account_idle(struct account *account, const struct topology *topology,
		  const struct sample *sample);

/* model.md 3: `requests` of `bytes` together on one leaf. */
double account_io_seconds(const struct account_disk *disk, int direction, struct amount amount);
unsigned account_leaf_quality(const struct account_disk *disk); /* of this tick's watts */
void account_leaves(struct account *account, const struct sample *sample);
/* Remember who issues to which leaf from this sample on. 0 or -ENOMEM. */
int account_expect_issued(struct account *account, const struct sample *sample);
void account_claims(struct account *account, const struct sample *sample);
void account_pay_debt(struct account_vdisk *vdisk, double bytes);
void account_disk(struct account *account);

/* After account_services(): the memo of vNICs is what vDISKs leave of a domain's helpers. */
void account_net(struct account *account, const struct sample *sample);
double account_nic_variance(const struct account *account, const struct account_domain *domain);

void account_attachments(struct account *account, const struct sample *sample);
void account_services(struct account *account);
/* What clients asked of a service; that of its users is known already. */
void account_demand(struct account_service *service, const struct tick *tick);

enum account_helper account_helper_of(const struct thread *thread);
/* Which vDISKs share which helpers. 0 or -ENOMEM. */
int account_helpers_bind(struct account_domain *domain);
/* After account_disk(): the helpers' energy as a memo of the vDISKs that they worked for. */
void account_helpers(struct account_domain *domain, const struct tick *tick);

void account_heads(struct account *account, const struct sample *sample);
void account_forget_heads(struct account *account);

int account_covariance_open(struct account *account);
void account_covariance_close(struct account *account);
int account_covariance(struct account *account, const struct topology *topology,
		       struct error *error);
double account_error_j(const struct account *account, const struct account_domain *domain);

int account_snapshot(const struct account *account, const struct topology *topology,
		     const struct sample *sample, struct snapshot *snapshot);

#endif
