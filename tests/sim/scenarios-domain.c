/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios-domain.c - caps, budgets and disk limits of domains, judged on the account's watts. */
#include "tests/sim/scenario.h"

#include <math.h>

#define FULL_W 24.0 /* of a domain's two CPUs */
#define CONTENDED_CPU_W 6.0
#define CONTENDED_W 3.2 /* that neighbours leave to one that spins */

const struct sim_target sim_targets_always[] = {
	{ METRIC_ACCOUNT, -INFINITY, 1, WORST },
	{ METRIC_UNCHANGED, 0, 0, WORST },
	{ METRIC_UNRESTORED, 0, 0, WORST },
	{ METRIC_ERRORS, 0, 0, WORST },
	TARGETS_END,
};

static const struct sim_target targets_nominal[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_OVERSHOOT, TARGET_MEAN10,
	TARGET_WRITES, TARGET_WORK,     TARGETS_END,
};

/* --- steady caps --------------------------------------------------------------------------- */

static void prepare_nominal(struct sim_run *run)
{
	sim_setup(run, 3);
	sim_limit_domain(run, "web1")->cap_w = 0.6 * FULL_W;
	sim_judge_domains(run, 0, 1, 0.6 * FULL_W);
}

static void prepare_half(struct sim_run *run)
{
	sim_setup(run, 3);
	sim_limit_domain(run, "web*")->cap_w = FULL_W / 2;
	sim_judge_domains(run, 0, 3, FULL_W / 2);
}

/* The same where the machine has cgroup v2. */
static void use_v2(struct sim_run *run)
{
	run->plant.is_v2 = true;
	for (size_t i = 0; i < run->plant.domain_count; i++)
		run->plant.domains[i].group.shares = 100;
}

static void prepare_v2(struct sim_run *run)
{
	prepare_half(run);
	use_v2(run);
}

static void prepare_low(struct sim_run *run)
{
	double cap_w = sim_uniform(&run->random, 0.08, 0.15) * FULL_W;

	sim_setup(run, 2);
	sim_limit_domain(run, "web1")->cap_w = cap_w;
	sim_judge_domains(run, 0, 1, cap_w);
}

static void prepare_cpu_cap(struct sim_run *run)
{
	sim_setup(run, 2);
	sim_limit_domain(run, "web1")->cpu_cap_w = 10;
	sim_judge_domains(run, 0, 1, 10);
}

/* Its part of the idle power: of two domains with two CPUs each, half. */
static void prepare_cap_total(struct sim_run *run)
{
	sim_setup(run, 2);
	sim_limit_domain(run, "web1")->cap_total_w = run->plant.idle_w / 2 + 14;
	sim_judge_domains(run, 0, 1, 14);
}

/* Prices of events: what a CPU-second costs changes with what runs. */
static void set_mix(struct sim_run *run, double misses)
{
	const struct sim_prices *prices = &run->prices;

	for (size_t i = 0; i < run->plant.domain_count; i++) {
		struct sim_domain *domain = &run->plant.domains[i];

		domain->rates[0] = 2e9;
		domain->rates[1] = misses;
		domain->model_w = (domain->rates[0] * prices->event_nj[0] +
				   domain->rates[1] * prices->event_nj[1]) *
				  1e-9;
	}
}

static void prepare_events(struct sim_run *run)
{
	sim_setup(run, 3);
	run->prices.counts = true;
	run->prices.event_nj[0] = 4;
	run->prices.event_nj[1] = 200;
	run->plant.kept_rates[0] = 2e9;
	run->plant.kept_rates[1] = 20e6;
	set_mix(run, 20e6);
	sim_limit_domain(run, "web*")->cap_w = 12;
	sim_judge_domains(run, 0, 3, 12);
	run->judge.from_s = 25;
}

static void change_mix(struct sim_run *run, unsigned second)
{
	if (second == 15)
		set_mix(run, 10e6);
	if (second == 25)
		set_mix(run, 20e6 + 1e6 * (double)(run->seed % 10));
}

/* --- demand -------------------------------------------------------------------------------- */

static void prepare_step(struct sim_run *run)
{
	sim_setup(run, 2);
	run->plant.domains[0].demand.pattern = DEMAND_STEP;
	run->plant.domains[0].demand.low_cpus = 0.2;
	run->plant.domains[0].demand.at_s = 30 + sim_uniform(&run->random, 0, 1);
	sim_limit_domain(run, "web1")->cap_w = 12;
	sim_judge_domains(run, 0, 1, 12);
	run->judge.from_s = 31;
}

static void prepare_burst(struct sim_run *run)
{
	struct sim_demand *demand;

	sim_setup(run, 2);
	demand = &run->plant.domains[0].demand;
	demand->pattern = DEMAND_BURSTS;
	demand->low_cpus = 0.1;
	demand->on_s = demand->off_s = 5;
	sim_limit_domain(run, "web1")->cap_w = 12;
	sim_judge_domains(run, 0, 1, 12);
}

static void prepare_duty(struct sim_run *run)
{
	struct sim_demand *demand;

	sim_setup(run, 2);
	demand = &run->plant.domains[0].demand;
	demand->pattern = DEMAND_DUTY;
	demand->on_s = sim_uniform(&run->random, 0.15, 0.25);
	demand->off_s = 0.3;
	sim_limit_domain(run, "web1")->cap_w = 6;
	sim_judge_domains(run, 0, 1, 6);
}

/* A tenth of two CPUs: with 5 ms for each a period is 50 ms or longer, and a second has 20 of
 * them or fewer, one more or less. */
static const struct sim_target targets_low[] = {
	{ METRIC_STEADY, -4, 0.5, WORST },
	{ METRIC_OVERSHOOT, -INFINITY, 25, WORST },
	{ METRIC_MEAN10, -INFINITY, 5, WORST },
	TARGET_WRITES,
	TARGETS_END,
};

/* What runs changes: a second of it is over before anybody knows. */
static const struct sim_target targets_events[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_OVERSHOOT, TARGET_WRITES, TARGET_WORK, TARGETS_END,
};

static const struct sim_target targets_burst[] = {
	TARGET_BURST,
	TARGET_MEAN10,
	TARGET_WRITES,
	TARGETS_END,
};

static const struct sim_target targets_step[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_BURST, TARGET_MEAN10, TARGET_WRITES, TARGETS_END,
};

/* A quota evens out what comes so often: such bursts cannot fill what a cap leaves. */
static const struct sim_target targets_duty[] = {
	{ METRIC_STEADY, -65, 0.5, WORST },
	{ METRIC_BELOW, -INFINITY, 3, WORST },
	TARGET_MEAN10,
	TARGET_WRITES,
	TARGETS_END,
};

/* --- owners and budgets -------------------------------------------------------------------- */

static void prepare_owner(struct sim_run *run)
{
	sim_setup(run, 3);
	sim_limit_owner(run, "acme", "web*")->cap_w = 30;
	sim_judge_domains(run, 0, 3, 30);
	run->judge.what = JUDGE_SUM;
	for (size_t i = 0; i < 3; i++)
		run->judge.share[i] = 1;
}

static const struct sim_target targets_owner[] = {
	TARGET_STEADY,
	TARGET_SETTLING,
	TARGET_OVERSHOOT,
	TARGET_MEAN10,
	{ METRIC_JAIN, 0.99, 1.0001, WORST },
	TARGET_WORK,
	TARGET_WRITES,
	TARGETS_END,
};

static void prepare_budget(struct sim_run *run)
{
	struct sim_demand *demand;
	struct limits *limits;

	sim_setup(run, 2);
	demand = &run->plant.domains[0].demand;
	demand->pattern = DEMAND_BURSTS;
	demand->low_cpus = 0.3;
	demand->on_s = 12;
	demand->off_s = 3;
	limits = sim_limit_domain(run, "web1");
	limits->budget_j = 600;
	limits->budget_period_s = 60;
	limits->burst_j = 60;
	sim_judge_domains(run, 0, 1, 10);
	run->judge.window_s = 60;
	run->judge.allowed_j = 600;
	run->judge.burst_j = 60;
}

static const struct sim_target targets_budget[] = {
	{ METRIC_BUDGET, -INFINITY, 1, WORST },
	{ METRIC_SPENT, 90, 106, WORST },
	TARGETS_END,
};

/* --- disks --------------------------------------------------------------------------------- */

static void use_disk(struct sim_run *run, size_t index, double requests_s)
{
	struct sim_domain *domain = &run->plant.domains[index];

	domain->has_disk = true;
	domain->read = (struct sim_stream){ .requests_s = requests_s * 0.7, .bytes = 65536 };
	domain->write = (struct sim_stream){ .requests_s = requests_s * 0.3, .bytes = 32768 };
}

static void use_requests(struct sim_domain *domain, double requests_s)
{
	domain->read.requests_s = requests_s * 0.7;
	domain->write.requests_s = requests_s * 0.3;
}

/* The disk takes about 2500 requests/s; the other domain asks for little of it. */
static void prepare_disk_cap(struct sim_run *run)
{
	sim_setup(run, 2);
	use_disk(run, 0, sim_uniform(&run->random, 1700, 2200));
	use_disk(run, 1, 100);
	run->plant.domains[0].demand.high_cpus = 0.4;
	sim_limit_domain(run, "web1")->disk_cap_w = 2;
	sim_judge_domains(run, 0, 1, 2);
	run->judge.what = JUDGE_DISKS;
}

static void prepare_disk_cap_v2(struct sim_run *run)
{
	prepare_disk_cap(run);
	use_v2(run);
}

/* A storage daemon serves both, and deciphers: 1 ms of a CPU for a request. Nearly all that web1
 * takes is spent for it there. */
static void prepare_served(struct sim_run *run)
{
	sim_setup(run, 2);
	run->plant.service_request_s = 1e-3;
	use_disk(run, 0, sim_uniform(&run->random, 800, 1000));
	use_disk(run, 1, sim_uniform(&run->random, 200, 300));
	for (size_t i = 0; i < 2; i++) {
		run->plant.domains[i].is_served = true;
		run->plant.domains[i].demand.high_cpus = 0.1;
	}
	sim_limit_domain(run, "web1")->cap_w = 7;
	sim_judge_domains(run, 0, 1, 7);
}

/* The same, with an eye on the other. */
static void prepare_beside(struct sim_run *run)
{
	prepare_served(run);
	sim_judge_domains(run, 1, 1, 1e3);
}

/* It serves one alone. */
static void prepare_dearer(struct sim_run *run)
{
	prepare_served(run);
	run->plant.domains[1].has_disk = run->plant.domains[1].is_served = false;
}

/* Another kind of work. */
static void make_dearer(struct sim_run *run, unsigned second)
{
	if (second == 25)
		run->plant.service_request_s = 2e-3;
}

/* 24 W of CPU and 5 W of disk want to live under one cap. */
static void prepare_divided(struct sim_run *run)
{
	sim_setup(run, 2);
	use_disk(run, 0, sim_uniform(&run->random, 1700, 2200));
	sim_limit_domain(run, "web1")->cap_w = 14;
	sim_judge_domains(run, 0, 1, 14);
}

/* The disk is always short of what it wants; the CPU is at times. */
static void prepare_divided_bursts(struct sim_run *run)
{
	struct sim_demand *demand;

	prepare_divided(run);
	demand = &run->plant.domains[0].demand;
	demand->pattern = DEMAND_BURSTS;
	run->plant.domains[0].vcpus = 1;
	demand->high_cpus = 1;
	demand->low_cpus = 0.1;
	demand->on_s = demand->off_s = 5;
	sim_limit_domain(run, "web1")->cap_w = 4;
	sim_judge_domains(run, 0, 1, 4);
}

/* --- contended ----------------------------------------------------------------------------- */

/* Two CPUs at 6 W: web1 and web2 spin, each on a CPU of its own, their neighbours come and go.
 * What is left to each is about what its cap is. */
static void prepare_contended(struct sim_run *run, double cap_w)
{
	sim_setup(run, 4);
	run->plant.cpus = 2;
	run->prices.cpu_w = run->plant.kept_model_w = CONTENDED_CPU_W;
	for (size_t i = 0; i < 4; i++) {
		struct sim_domain *domain = &run->plant.domains[i];
		struct sim_demand *demand = &domain->demand;

		domain->vcpus = 1;
		domain->model_w = CONTENDED_CPU_W;
		demand->high_cpus = 1;
		if (i < 2)
			continue;
		demand->pattern = DEMAND_BURSTS;
		demand->low_cpus = 0.3;
		demand->on_s = 1.5;
		demand->off_s = 0.5;
	}
	for (size_t i = 0; i < 2; i++)
		use_disk(run, i, 0);
	sim_limit_domain(run, "web1")->cap_w = cap_w;
	sim_limit_domain(run, "web2")->cap_w = cap_w;
	sim_judge_domains(run, 0, 2, cap_w);
}

static void prepare_near(struct sim_run *run)
{
	prepare_contended(run, sim_uniform(&run->random, 0.9, 1.1) * CONTENDED_W);
}

static void prepare_near_owner(struct sim_run *run)
{
	double cap_w = 2 * sim_uniform(&run->random, 0.9, 1.1) * CONTENDED_W;

	prepare_contended(run, NAN);
	sim_limit_owner(run, "acme", "web1")->cap_w = cap_w;
	sim_limit_owner(run, "acme", "web2")->cap_w = cap_w;
	sim_judge_domains(run, 0, 2, cap_w);
	run->judge.what = JUDGE_SUM;
}

static void prepare_firm(struct sim_run *run)
{
	prepare_contended(run, 0.4 * CONTENDED_W);
}

/* A disk that did nothing reads or writes for some seconds, once a minute. */
static void work_at_times(struct sim_run *run, unsigned second)
{
	struct sim_domain *domain = &run->plant.domains[0];
	unsigned phase = (second + (unsigned)(run->seed % 60)) % 60;

	if (phase == 0)
		use_requests(domain, 400 + 100 * (double)(run->seed % 7));
	if (phase == 2 + (unsigned)(run->seed % 5))
		use_requests(domain, 0);
}

/* The same, and little all the time: a log. */
static void write_log(struct sim_run *run, unsigned second)
{
	use_requests(&run->plant.domains[0], second % 5 == 0 ? 20 : 2);
	use_requests(&run->plant.domains[1], second % 3 == 0 ? 10 : 1);
}

/*
 * What neighbours leave a domain may be less than its cap, which then has no say in how much that
 * is: instead of a mean not below the cap, nothing may be withheld of what it would get free. That
 * changes within seconds, and a quota's periods do not make up for one another: 3 % of work
 * conservation, and one for that.
 */
static const struct sim_target targets_near[] = {
	{ METRIC_STEADY, -INFINITY, 0.5, WORST },
	{ METRIC_WITHHELD, -INFINITY, 4, WORST },
	TARGET_BURST,
	TARGET_MEAN10,
	TARGET_WRITES,
	TARGETS_END,
};

static const struct sim_target targets_near_owner[] = {
	{ METRIC_STEADY, -15, 0.5, WORST }, TARGET_BURST, TARGET_MEAN10, TARGET_WRITES, TARGETS_END,
};

/* Of a minute, a burst is followed by some seconds in which the disk's part is kept for it: the
 * writes allow no more than one way and back for each. */
static const struct sim_target targets_near_bursts[] = {
	{ METRIC_STEADY, -INFINITY, 0.5, WORST },
	{ METRIC_WITHHELD, -INFINITY, 15, WORST },
	TARGET_BURST,
	TARGET_MEAN10,
	TARGET_WRITES,
	TARGETS_END,
};

static const struct sim_target targets_firm[] = {
	TARGET_STEADY, TARGET_BURST, TARGET_MEAN10, TARGET_WRITES, TARGETS_END,
};

static const struct sim_target targets_disk[] = {
	{ METRIC_STEADY, -5, 2, WORST },
	{ METRIC_BELOW, -INFINITY, 8, WORST },
	{ METRIC_OVERSHOOT, -INFINITY, 5, WORST },
	TARGET_WRITES,
	TARGETS_END,
};

static const struct sim_target targets_served[] = {
	TARGET_STEADY,    { METRIC_SETTLING, -INFINITY, 8, P95 },
	TARGET_OVERSHOOT, TARGET_MEAN10,
	TARGET_WRITES,    TARGETS_END,
};

static const struct sim_target targets_dearer[] = {
	TARGET_STEADY,
	TARGET_OVERSHOOT,
	TARGET_WRITES,
	TARGETS_END,
};

static const struct sim_target targets_beside[] = {
	{ METRIC_WITHHELD, -INFINITY, 1, WORST },
	TARGETS_END,
};

/* Two mechanisms settle at once: as with a slope that was wrong. */
static const struct sim_target targets_divided[] = {
	TARGET_STEADY,    { METRIC_SETTLING, -INFINITY, 8, P95 },
	TARGET_OVERSHOOT, TARGET_MEAN10,
	TARGET_WRITES,    TARGETS_END,
};

/* Nothing here is steady, a dozen bursts in each minute: the mean is theirs, and as many writes
 * are allowed as there are ends of them at the most. */
static const struct sim_target targets_divided_bursts[] = {
	{ METRIC_STEADY, -20, 0.5, WORST },      TARGET_BURST, TARGET_MEAN10,
	{ METRIC_WRITES, -INFINITY, 12, WORST }, TARGETS_END,
};

const struct sim_scenario sim_scenarios_domain[] = {
	{ "nominal", "one of three domains has a cap", 100, true, prepare_nominal, NULL,
	  targets_nominal },
	{ "half", "all are held at half of their active power", 100, true, prepare_half, NULL,
	  targets_nominal },
	{ "half-v2", "the same on cgroup v2", 100, true, prepare_v2, NULL, targets_nominal },
	{ "low", "a tenth of its power is left", 100, true, prepare_low, NULL, targets_low },
	{ "cpu-cap", "a cap of the CPU alone", 100, true, prepare_cpu_cap, NULL, targets_nominal },
	{ "cap-total", "a cap with the idle share in it", 100, true, prepare_cap_total, NULL,
	  targets_nominal },
	{ "events", "watts per CPU-second change by phases", 100, true, prepare_events, change_mix,
	  targets_events },
	{ "step", "demand rises under a cap", 100, true, prepare_step, NULL, targets_step },
	{ "burst", "demand comes in bursts", 100, true, prepare_burst, NULL, targets_burst },
	{ "duty", "demand comes twice a second", 100, true, prepare_duty, NULL, targets_duty },
	{ "owner", "three domains of one owner", 100, true, prepare_owner, NULL, targets_owner },
	{ "budget", "600 J a minute and a burst of 60 J", 310, true, prepare_budget, NULL,
	  targets_budget },
	{ "disk-cap", "a cap of the disk alone", 100, true, prepare_disk_cap, NULL, targets_disk },
	{ "disk-cap-v2", "the same on cgroup v2", 100, true, prepare_disk_cap_v2, NULL,
	  targets_disk },
	{ "served", "a cap of what a storage daemon does for it", 100, true, prepare_served, NULL,
	  targets_served },
	{ "served-dearer", "and that becomes twice as much", 100, true, prepare_dearer, make_dearer,
	  targets_dearer },
	{ "served-beside", "and what the daemon's other client has of it", 100, false,
	  prepare_beside, NULL, targets_beside },
	{ "divided", "a cap between CPU and disk", 100, true, prepare_divided, NULL,
	  targets_divided },
	{ "divided-bursts", "and the CPU's demand comes in bursts", 130, true,
	  prepare_divided_bursts, NULL, targets_divided_bursts },
	{ "near", "two get about what their caps are, their disks idle", 100, true, prepare_near,
	  NULL, targets_near },
	{ "near-owner", "and the cap is their owner's", 130, true, prepare_near_owner, NULL,
	  targets_near_owner },
	{ "near-bursts", "and one's disk works at times", 130, true, prepare_near, work_at_times,
	  targets_near_bursts },
	{ "near-log", "and both write a log", 130, true, prepare_near, write_log, targets_near },
	{ "firm", "and with caps well below, a log", 130, true, prepare_firm, write_log,
	  targets_firm },
	{ NULL, NULL, 0, false, NULL, NULL, NULL },
};
