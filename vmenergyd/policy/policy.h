/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * policy.h - how much power each domain may use, and what that means for its
 * CPU bandwidth and its disks. Pure: structs in, structs out; the time is an
 * argument. Knows no mechanism: a quota is "CPUs", a disk limit bytes per second.
 *
 * All policies see the same input and narrow the same allotment, one file each:
 * caps, owners, host, budget, peak, thermal. The law is model.md 7.
 *
 * NaN = not set, or not known; INFINITY = no limit.
 */
#ifndef VMENERGY_VMENERGYD_POLICY_POLICY_H
#define VMENERGY_VMENERGYD_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/thermal.h"
#include "model/weights.h"

#define POLICY_SHARE_DEFAULT 100.0
/* Tickets as in stride scheduling (Waldspurger, Weihl 1995): stride = POLICY_STRIDE_1 / share. */
#define POLICY_STRIDE_1 1048576.0

/* What an operator asks for, of a domain or of an owner. NaN = not set. */
struct limits {
	double cap_w;       /* active and service power */
	double cap_total_w; /* the idle share included */
	double cpu_cap_w;   /* active power of the CPU, of helpers too */
	double disk_cap_w;  /* active power of the disks, without that of services */
	double floor_w;     /* never trimmed below it by an owner's or the host's cap */
	double share;       /* proportion under contention */
	double budget_j;    /* active and service energy per budget_period_s */
	double budget_period_s;
	double burst_j; /* that may be saved up; NaN = a tenth of budget_j */
};
struct limits limits_none(void);
/* Each of `over` that is set, over what `limits` says. */
void limits_override(struct limits *limits, const struct limits *over);
/* What may be saved up, where it is not said, too; NaN = there is no budget. */
double limits_burst_j(const struct limits *limits);

/* Which of a host's limits; also bits of policy_allotment.held_by. */
enum policy_reason {
	HELD_BY_CAP = 1 << 0,
	HELD_BY_CAP_TOTAL = 1 << 1,
	HELD_BY_CPU_CAP = 1 << 2,
	HELD_BY_DISK_CAP = 1 << 3,
	HELD_BY_BUDGET = 1 << 4,
	HELD_BY_OWNER = 1 << 5,
	HELD_BY_HOST = 1 << 6,
	HELD_BY_PEAK = 1 << 7,    /* the host's mean over the billing window */
	HELD_BY_THERMAL = 1 << 8, /* the host's temperature */
};
enum { HELD_BY_COUNT = 9 };
const char *policy_reason_name(unsigned index); /* "cap" "cap-total" ...; 0 .. HELD_BY_COUNT - 1 */

/* Decided, no field is 0: INFINITY = unlimited. */
struct policy_disk_allotment {
	double active_w; /* NaN: limits of an earlier run go on */
	double read_bytes_s, write_bytes_s, read_requests_s, write_requests_s;
};

/* One vDISK over the control period. */
struct policy_disk {
	bool controllable;
	double active_w; /* of the leaf, and of services on its behalf; NaN = unknown */
	double driver_w; /* of active_w, that of services */
	double read_bytes_s, write_bytes_s;       /* NaN = unknown */
	double read_requests_s, write_requests_s; /* NaN = unknown */
	/* Of the leaf (of the costliest, where there are several), with the services' cost of a
	 * request and of a byte in them; span NaN = no constants. */
	double span_w; /* P_active - P_idle, and the most of services */
	struct disk_direction read, write;
	bool held; /* its limit was reached in the period: it wanted more */
	/* Its part of a limit that somebody of our house has put in force, maybe in an earlier run;
	 * active_w is not looked at. 0 = none. */
	struct policy_disk_allotment in_force;
};

/* One domain over the control period: means, in watts of the account. */
struct policy_domain {
	const char *id;    /* what is remembered is remembered by it */
	const char *owner; /* NULL = none */
	struct limits limits;
	bool fresh;            /* figures are of this period; else only what is remembered counts */
	bool cpu_controllable; /* an actuator can hold its CPU */
	double cpu_idle_w, disk_idle_w, service_idle_w; /* NaN = unknown */
	double inside_w;  /* active, of exactly the tasks under its CPU quota: vCPUs and helpers */
	double outside_w; /* active, of others on its behalf: shared services, driver_w included */
	double disk_active_w;
	double cpus;    /* u: CPU-seconds per second of the tasks under the quota; NaN */
	unsigned vcpus; /* the most CPUs that it can use, helpers aside */
	/* Of the quota: periods that ended with it used up, of all in the time; NaN = unknown. */
	double throttled_part;
	double quota_cpus; /* the largest in force while the figures were made; INFINITY */
	const struct policy_disk *disks;
	size_t disk_count;
};

struct policy_owner {
	const char *name;
	struct limits limits; /* cap_w, share, budget_j */
};

struct policy_host {
	double cap_w; /* in the scope of the weights */
	double peak_w, peak_window_s;
	double temperature_limit_c, temperature_c;
	struct thermal thermal; /* c1 NaN = no constants: the limit is not enforced and said so */
	double share_floor_w;   /* unused where NaN; the least that a domain without a floor gets */
	/* The modelled host over the period (model.md 7). */
	double idle_w;        /* cpu idle, all of it */
	double disk_w;        /* idle and active */
	double service_w;     /* active, of shared services */
	double kept_active_w; /* CPU of the host itself */
	double total_w;       /* P_hat: their sum with the domains' */
	/* A meter's mean, and P_hat over the same time after the meter's lag and window; NaN where
	 * the meter had nothing new. */
	double metered_w, modelled_w;
	bool has_meter;      /* one is configured (and may be silent) */
	double energy_error; /* of the weights, validated, a fraction; NaN = not stated */
	bool in_flight;      /* a limit was written that the figures do not show yet */
};

struct policy_input {
	uint64_t now_ns;   /* CLOCK_MONOTONIC, end of the period */
	double realtime_s; /* UNIX, UTC: billing windows lie on the wall clock */
	double period_s;   /* that the figures are means over */
	struct policy_host host;
	const struct policy_owner *owners;
	size_t owner_count;
	const struct policy_domain *domains;
	size_t domain_count;
};

struct policy_allotment { /* parallel to policy_input.domains */
	double limit_w;   /* of active and service power, all policies together; INFINITY */
	double cpu_w;     /* its part for the CPU; INFINITY */
	/* The quota that is to be in force, deadband and ramp applied: written only where it
	 * differs from the last. INFINITY = none. */
	double cpus;
	bool urgent; /* lower it now, whatever the pace of writes */
	struct policy_disk_allotment
		*disks; /* parallel to the domain's; valid until the next call */
	unsigned
		held_by; /* policy_reason bits: what limits it now (0: nothing, or it wants less) */
	double headroom_w;   /* limit less what it uses; NaN without a limit */
	double infeasible_w; /* its limits cannot be met by this much; 0 = they can; NaN = no limit
			      */
	double throttle_cpu, throttle_disk; /* part of the demand withheld, 0..1; NaN = no limit */
	double budget_left_j;               /* in the bucket; NaN = no budget */
};

struct policy_host_allotment {
	double cap_w;          /* the tightest of cap, peak, thermal; INFINITY */
	unsigned held_by;      /* which */
	double controllable_w; /* B: what all domains' CPUs together may use; INFINITY */
	double infeasible_w;   /* deficit with every floor applied; 0 */
	double headroom_w; /* cap_w less the margin, less what the host uses; NaN without a cap */
	double slope;      /* K */
	double margin;     /* m, a fraction */
	double margin_w;   /* of cap_w, that is kept free; NaN without a cap */
};

struct policy_output {
	struct policy_host_allotment host;
	struct policy_allotment *domains; /* the policy's; valid until the next call */
	size_t domain_count;
};

/* What outlives a restart. */
struct policy_memory {
	double bucket_j;      /* NaN = full */
	double cpus;          /* the quota that is in force: INFINITY */
	double watts_per_cpu; /* k; NaN = unknown */
};
struct policy_host_memory {
	double peak_used_j;         /* in the window that peak_window_start_s begins */
	double peak_window_start_s; /* UNIX; NaN = none */
};

struct policy;

/* The least that a CPU quota is made: 2 % of each vCPU. A cap below its power is infeasible. */
double policy_least_cpus(unsigned vcpus);

int policy_open(struct policy **policy, struct error *error); /* 0 or -ENOMEM */
void policy_close(struct policy *policy);

/* Once per control period. 0; -EINVAL (time did not advance); -ENOMEM. */
int policy_decide(struct policy *policy, const struct policy_input *input,
		  struct policy_output *output, struct error *error);

/* Watts per CPU-second per second to assume of a domain that was never seen busy. */
void policy_set_default_watts_per_cpu(struct policy *policy, double watts);

/* An owner's budget is remembered under this and its name. */
#define POLICY_OWNER_PREFIX "owner:"

/* For the state file. recall: false = nothing is known of it. */
bool policy_recall(const struct policy *policy, const char *id, struct policy_memory *memory);
int policy_remember(struct policy *policy, const char *id, const struct policy_memory *memory);
void policy_forget(struct policy *policy, const char *id);
/* All that is remembered so far is so old: budgets are charged for that time, at the cap, at the
 * quota that stayed in force or at the first power that is seen. */
void policy_was_away(struct policy *policy, double seconds);
struct policy_host_memory policy_recall_host(const struct policy *policy);
void policy_remember_host(struct policy *policy, const struct policy_host_memory *memory);

#endif
