/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * run.h - one scenario with one seed: what is set up, what happens meanwhile,
 * and a row of figures for each second of it.
 */
#ifndef VMENERGY_TESTS_SIM_RUN_H
#define VMENERGY_TESTS_SIM_RUN_H

#include "tests/sim/daemon.h"
#include "vmenergyd/config.h"

enum { SIM_SECONDS_MAX = 400 };
/* The daemon starts; limits come into force (unless a scenario has them from the start). */
#define SIM_START_S 5.0
#define SIM_EVENT_S 10.0

/* Means over the second (nearly: the daemon's ticks jitter) that ends at at_s. */
struct sim_row {
	double at_s, realtime_s, seconds;
	double host_w, controlled_w, temperature_c;          /* true */
	double margin, slope, host_cap_w, host_infeasible_w; /* of the last decision; NaN = none */
	bool has_figures;
	struct sim_row_domain {
		bool is_present;
		double true_w, model_w, disk_w, cpus;
		double free_w;     /* that the account would show without any limit */
		double account_w;  /* of the real account; NaN = no figures in this tick */
		double quota_cpus; /* as the file says; INFINITY */
		double limit_w, infeasible_w; /* of the last decision; NaN */
		uint64_t sets;                /* cumulative: moments with writes */
	} domains[SIM_DOMAINS_MAX];
};

enum sim_judged {
	JUDGE_DOMAINS, /* the account's watts of each domain first .. first + count - 1: the worst
			*/
	JUDGE_SUM,     /* their sum */
	JUDGE_DISKS,   /* the account's watts of their disks: the worst */
	JUDGE_HOST,    /* the plant's watts */
};
struct sim_judge {
	enum sim_judged what;
	size_t first, count;
	double cap_w;
	double from_s;                     /* settling counts from here */
	double steady_from_s, steady_to_s; /* 60 s */
	/* What some metrics look at. */
	double window_s, allowed_j, burst_j; /* budgets */
	double floor_w, temperature_c;       /* NaN */
	double lost_from_s, lost_to_s;       /* the meter */
	double share[SIM_DOMAINS_MAX];       /* Jain */
};

struct sim_run;
struct sim_target;
struct sim_scenario {
	const char *name, *about;
	unsigned seconds;
	bool is_cap; /* a plant that ignores limits must fail it */
	void (*prepare)(struct sim_run *run);
	void (*meanwhile)(struct sim_run *run, unsigned second); /* before it begins; NULL */
	const struct sim_target *targets;                        /* up to one without a name */
};

struct sim_run {
	const struct sim_scenario *scenario;
	uint64_t seed;
	struct sim_random random; /* for setting up */
	struct sim_plant plant;
	struct sim_prices prices;
	struct sim_weights weights;
	struct sim_meter_options meter_options;
	struct sim_meter meter;
	struct config config; /* in force from event_s on */
	struct config none;   /* before */
	double event_s;
	struct sim_daemon daemon;
	double restart_after_s;     /* it was killed; 0 = stays dead */
	double died_s, restarted_s; /* the last time; NaN = never */
	struct sim_judge judge;
	struct sim_limits originals[SIM_DOMAINS_MAX]; /* that must be back in the end */
	pid_t next_pid;
	struct sim_row rows[SIM_SECONDS_MAX];
	size_t row_count;
	uint64_t sets[SIM_DOMAINS_MAX];
	unsigned not_restored;
	uint64_t unchanged;
	struct text log;
	bool has_log;
};

/* log: keep sentences and rows as text. */
void sim_run(struct sim_run *run, const struct sim_scenario *scenario, uint64_t seed,
	     const struct rootfs *root, bool ignores_limits);
void sim_run_free(struct sim_run *run);
/* Of all rows, bit for bit: the same seed must give the same. */
uint64_t sim_run_digest(const struct sim_run *run);
void sim_run_print(const struct sim_run *run, struct text *out); /* CSV */

/* For scenarios (setup.c): a host of 8 CPUs, idle at 100 W, 12 W per CPU, with `count` domains
 * web1.. of 2 vCPUs that are always busy; each differs a little by the seed. */
void sim_setup(struct sim_run *run, size_t count);
struct limits *sim_limit_domain(struct sim_run *run, const char *pattern);
struct limits *sim_limit_owner(struct sim_run *run, const char *owner, const char *pattern);
void sim_judge_domains(struct sim_run *run, size_t first, size_t count, double cap_w);
void sim_judge_host(struct sim_run *run, double cap_w);
void sim_use_meter(struct sim_run *run, double noise);
/* A new process, a new cgroup without limits. */
void sim_domain_begin(struct sim_run *run, size_t index);
void sim_domain_end(struct sim_run *run, size_t index);
/* What it would draw if nothing held it, true. */
double sim_free_host_w(const struct sim_run *run);

#endif
