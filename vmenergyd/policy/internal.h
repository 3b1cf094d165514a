/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * internal.h - what the files of policy/ share. A decision works on one row
 * per domain; each policy narrows it in turn:
 *
 *   demand -> caps, budget -> owner -> divide -> host -> quota, disk
 */
#ifndef VMENERGY_VMENERGYD_POLICY_INTERNAL_H
#define VMENERGY_VMENERGYD_POLICY_INTERNAL_H

#include "vmenergyd/policy/hold.h"
#include "vmenergyd/policy/policy.h"
#include "vmenergyd/policy/water.h"

/* Of a limit: what one may begin with before others make room; a burst may be 15 % over. */
#define ROOM 0.1
#define DEFICIT_LEAST_W 1e-3 /* less is a matter of rounding */
/* What quotas of periods of 20 ms and more gave, measured: -1.3 to +4.6 % more than they say. */
#define TRIM_FIRST (1 / 1.016)

/* What was used of late: as long ago as timers of file systems and the like come again. */
struct recent {
	struct stretch {
		double peak_w;
		bool held; /* a limit was reached */
	} stretches[2];    /* of time: this one and the one before */
	double stretch_s;  /* of this one */
};
void recent_follow(struct recent *recent, double watts, bool held, double dt_s);
double recent_peak_w(const struct recent *recent);
bool recent_held(const struct recent *recent);

/* What a disk is asked for. */
struct disk_mix {
	double request_bytes[2]; /* mean of a request, read and write; NaN = never seen */
	double read_part;        /* of the busy time; NaN */
	bool counts;             /* requests, not bytes alone */
	bool was_counted;        /* at least once: a period without says nothing */
};

/* What a request costs: span (overhead + size / rate). */
struct disk_costs {
	double span_w;
	struct disk_direction directions[2]; /* read, write */
};

/* One vDISK, from decision to decision. */
struct disk_slot {
	struct hold hold;             /* the setting: watts of energy-equivalent busy time */
	struct disk_mix mix, written; /* now; that the limits in force were made for */
	struct disk_costs costs;      /* that they were made by; span 0 = none yet */
	double largest_bytes;         /* of a request */
	struct policy_disk_allotment in_force;
	double mean_w;
	struct recent recent;
};

/* What is remembered of a domain (of an owner: its bucket alone). */
struct slot {
	char *id;
	uint64_t seen_ns; /* of the last decision with it */
	double k;         /* W per CPU; NaN = unknown */
	/* Last known; NaN. What limits of its disks hold of services counts as the disks'. */
	double cpus, inside_w, outside_w, disk_w, idle_w;
	double leaf_mean_w, driver_mean_w; /* of those disks, of late; NaN */
	double wanted_cpus;                /* used when it was free; NaN */
	unsigned strained;                 /* decisions that it counts as throttled for yet */
	double bucket_j;                   /* NaN = full */
	double away_s;                     /* not charged yet: nobody looked */
	double trim;                       /* quota over the CPUs that it gave */
	bool was_seen;                     /* in a decision before */
	double asked_w[4];                 /* its own caps then; NaN */
	double free_s;                     /* without any need of its quota */
	double last_quota;                 /* that the last figures were made under; NaN */
	double last_part;                  /* of the periods that were throttled then; NaN */
	struct hold hold;                  /* the quota */
	struct recent recent;              /* of the CPU */
	struct recent full;                /* held: its quota was used up, and no more by fits */
	double cpu_mean_w;                 /* of about ten seconds; NaN */
	double reserved_w;                 /* of its limit, for its disks */
	struct disk_slot *disks;
	size_t disk_count;
};

/* One domain in one decision. Watts of the account. */
struct row {
	const struct policy_domain *in;
	struct policy_allotment *out;
	struct slot *slot;
	size_t owner;   /* index; SIZE_MAX = none */
	bool known;     /* fresh, or was once */
	bool limited;   /* has limits, of its own, of its owner's or of the host's */
	bool throttled; /* reached its quota */
	bool wants_more;
	bool disk_held;       /* a limit of a disk was reached */
	bool disk_wants_more; /* or was, a short while ago */
	double k, share, host_share;
	double idle_w, inside_w, outside_w, disk_w, disk_fixed_w;
	double cpu_floor_w, disk_floor_w; /* what the mechanisms leave at the least */
	double cpu_next_w, cpu_most_w;    /* may grow to; could ever use */
	double disk_peak_w, disk_mean_w;  /* of late */
	double disk_most_w;               /* could ever use */
	double disk_factor;               /* watts of its disks with services, over those without */
	double limit_w, cpu_w, disk_allot_w; /* results; INFINITY */
	unsigned limit_by, cpu_by, disk_by;  /* policy_reason that made them */
	double deficit_w;                    /* its part of its owner's */
};

struct host_memory {
	double slope; /* K */
	double margin;
	double noise; /* EWMA of |innovation| */
	double last_inn, bias;
	double noise_w, last_left_w; /* of the meter; 0 = not known yet */
	unsigned skipped;
	unsigned updates; /* since something large happened */
	bool ever_fresh;
	double age_s;        /* since a meter's figure */
	double intervals[3]; /* between the last of them, s */
	double others_w;     /* last known: idle, disks, services, kept */
	double power_w;      /* last known */
	unsigned over;       /* decisions in a row beyond 1.05 cap */
	double temperature_c;
	double realtime_s;
	double peak_used_j, peak_start_s;
};

struct policy {
	double default_k;
	uint64_t last_ns;
	struct slot **table; /* open addressing; a power of two */
	size_t table_size, slot_count;
	struct host_memory host;
	/* of the last decision */
	struct row *rows;
	struct policy_allotment *allotments;
	struct policy_disk_allotment *disks;
	size_t row_capacity, allotment_capacity, disk_capacity;
	struct water *water;
	struct water_claim *claims;
	size_t water_capacity, claim_capacity;
	size_t *members; /* rows by owner */
	size_t member_capacity;
};

/* All that a policy needs of the decision. */
struct decision {
	struct policy *policy;
	const struct policy_input *in;
	struct policy_output *out;
	double dt_s; /* since the last decision */
	bool first;
	size_t count;
};

#define OWNER_NONE SIZE_MAX

/* slots.c */
struct slot *slot_find(const struct policy *policy, const char *id);
struct slot *slot_add(struct policy *policy, const char *id); /* NULL = no memory */
void slot_remove(struct policy *policy, const char *id);
void slots_free(struct policy *policy);
int slot_disks(struct slot *slot, size_t count); /* room for them; -ENOMEM */
struct slot *slot_of_owner(struct policy *policy, const char *name);

double first_known(double value, double otherwise); /* value unless NaN */
/* Takes the lower of both, and says who made it. */
void narrow(double *limit_w, unsigned *by, double to_w, unsigned reason);

void demand_row(const struct decision *decision, struct row *row);
double demand_cpus_most(const struct row *row);

void caps_row(const struct decision *decision, struct row *row);
/* Fills the bucket and takes what was used (NaN = not known yet); the power that it leaves;
 * INFINITY = no budget. */
double budget_limit_w(const struct limits *limits, struct slot *slot, double used_w,
		      const struct decision *decision);
double row_used_w(const struct row *row);
bool limits_hold_anything(const struct limits *limits);
void owner_apply(struct decision *decision);
void owner_shares(struct decision *decision);
void divide_row(struct row *row);
void host_apply(struct decision *decision);
bool host_is_limited(const struct policy_host *host);
/* K and m from the meter. */
void slope_update(struct decision *decision);
double peak_cap_w(const struct decision *decision, double power_w);
double thermal_cap_w(const struct decision *decision, double power_w);
void quota_row(const struct decision *decision, struct row *row);
void disk_row(const struct decision *decision, struct row *row);
/* Can be limited, and its constants are known. */
bool disk_is_held_here(const struct policy_disk *disk);
/* What it was seen to do. */
void disk_follow(struct disk_slot *slot, const struct policy_disk *disk, double dt_s);
/* What the floors of a row's disks cost. */
double disk_floor_w(const struct row *row);
void report_row(struct row *row);

#endif
