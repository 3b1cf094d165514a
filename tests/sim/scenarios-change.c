/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios-change.c - domains, clocks and other people's writes change under a cap. */
#include "tests/sim/scenario.h"

#include <math.h>

#define CAP_W 12.0

static void cap_all(struct sim_run *run, size_t count)
{
	sim_setup(run, count);
	sim_limit_domain(run, "web*")->cap_w = CAP_W;
	sim_judge_domains(run, 0, count, CAP_W);
}

/* --- domains ------------------------------------------------------------------------------- */

static void prepare_churn(struct sim_run *run)
{
	cap_all(run, 5);
	for (size_t i = 2; i < 5; i++)
		sim_domain_end(run, i);
}

static void change_one(struct sim_run *run)
{
	size_t index = 2 + (size_t)(sim_random_u64(&run->random) % 3);

	if (run->plant.domains[index].is_present)
		sim_domain_end(run, index);
	else
		sim_domain_begin(run, index);
}

/* Two stay. */
static void come_and_go(struct sim_run *run, unsigned second)
{
	if (second >= 15 && second % 4 == 0)
		change_one(run);
}

static void come_and_go_slowly(struct sim_run *run, unsigned second)
{
	if (second >= 15 && second % 10 == 0)
		change_one(run);
}

static void prepare_host_churn(struct sim_run *run)
{
	sim_setup(run, 5);
	sim_use_meter(run, 0.005);
	for (size_t i = 2; i < 5; i++) {
		run->plant.domains[i].vcpus = 1;
		sim_domain_end(run, i);
	}
	sim_judge_host(run, run->plant.idle_w + run->plant.disk.idle_w + 35);
}

static void prepare_hotplug(struct sim_run *run)
{
	cap_all(run, 2);
	run->plant.domains[0].demand.high_cpus = SIM_VCPUS_MAX;
	run->judge.count = 1;
}

static void plug(struct sim_run *run, unsigned second)
{
	static const struct {
		unsigned second, vcpus;
	} changes[] = { { 45, 4 }, { 60, 1 }, { 70, 3 }, { 80, 2 } };

	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (changes[i].second == second)
			run->plant.domains[0].vcpus = changes[i].vcpus;
}

static void prepare_migration(struct sim_run *run)
{
	cap_all(run, 2);
	run->judge.count = 1;
	run->judge.steady_from_s = 70;
}

/* Away, and back 20 s later: another process and cgroup, the same UUID. */
static void migrate(struct sim_run *run, unsigned second)
{
	if (second == 40)
		sim_domain_end(run, 0);
	if (second == 60)
		sim_domain_begin(run, 0);
}

/* The guest restarts on the spot: another process under the same name, at once. */
static void reboot(struct sim_run *run, unsigned second)
{
	if (second == 60)
		sim_domain_begin(run, 0);
}

/* A tick to see it, one for its first figures, one that is decided by, one until that shows. */
#define TARGET_ARRIVED                                                                             \
	{                                                                                          \
		METRIC_ARRIVED, -INFINITY, 5, WORST                                                \
	}

static const struct sim_target targets_churn[] = {
	TARGET_ARRIVED,
	TARGETS_END,
};
static const struct sim_target targets_host_churn[] = {
	{ METRIC_STEADY, -8, 0.5, WORST },
	TARGET_BURST,
	TARGET_MEAN10,
	TARGETS_END,
};
/* Another period is two writes on v1, and each leaks. */
static const struct sim_target targets_hotplug[] = {
	TARGET_STEADY, { METRIC_OVERSHOOT, -INFINITY, 10, WORST }, TARGET_MEAN10, TARGET_WRITES,
	TARGETS_END,
};
static const struct sim_target targets_migration[] = {
	TARGET_ARRIVED, TARGET_STEADY, TARGET_OVERSHOOT, TARGET_WRITES, TARGETS_END,
};
static const struct sim_target targets_reboot[] = {
	TARGET_STEADY, { METRIC_BELOW, -INFINITY, 5, WORST }, TARGET_OVERSHOOT, TARGET_WRITES,
	TARGETS_END,
};

static void prepare_reboot(struct sim_run *run)
{
	prepare_migration(run);
	run->judge.from_s = 60;
}

/* --- clocks -------------------------------------------------------------------------------- */

static void prepare_clock(struct sim_run *run)
{
	struct limits *limits;

	sim_setup(run, 2);
	limits = sim_limit_domain(run, "web1");
	limits->cap_w = CAP_W;
	limits->budget_j = 24 * 3600;
	limits->budget_period_s = 3600;
	sim_judge_domains(run, 0, 1, CAP_W);
}

static void step_clock(struct sim_run *run, unsigned second)
{
	if (second == 45)
		run->plant.realtime_s += 3600;
	if (second == 65)
		run->plant.realtime_s -= 86400;
}

/* --- somebody else writes ------------------------------------------------------------------ */

static void write_foreign(struct sim_run *run, int64_t quota_us)
{
	struct sim_domain *domain = &run->plant.domains[0];

	sim_files_write_foreign(&run->plant, domain, quota_us, 100000);
	run->originals[0] = sim_files_limits(domain);
}

static void prepare_foreign_looser(struct sim_run *run)
{
	cap_all(run, 2);
	run->judge.count = 1;
	run->judge.from_s = 40;
	run->judge.steady_from_s = 45;
}

static void write_looser(struct sim_run *run, unsigned second)
{
	if (second == 40)
		write_foreign(run, run->seed % 2 ? 160000 : -1);
}

static void prepare_foreign_tighter(struct sim_run *run)
{
	prepare_foreign_looser(run);
	run->judge.cap_w = CAP_W / 2;
}

static void write_tighter(struct sim_run *run, unsigned second)
{
	if (second == 40)
		write_foreign(run, 50000);
}

/* What an operator had set before us, tighter than the cap. */
static void prepare_original_tighter(struct sim_run *run)
{
	cap_all(run, 2);
	run->judge.count = 1;
	run->judge.cap_w = CAP_W / 2;
	write_foreign(run, 50000);
}

static void prepare_originals(struct sim_run *run)
{
	cap_all(run, 3);
	write_foreign(run, 190000);
	run->plant.domains[1].group.shares = 2048;
}

static const struct sim_target targets_nominal[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_OVERSHOOT, TARGET_MEAN10,
	TARGET_WRITES, TARGET_WORK,     TARGETS_END,
};
/* Seen at a tick, written at the next, and that write leaks. */
static const struct sim_target targets_foreign[] = {
	TARGET_STEADY, { METRIC_SETTLING, -INFINITY, 4, WORST }, TARGET_OVERSHOOT, TARGET_WRITES,
	TARGETS_END,
};
/* The kernel gives up to 4.3 % more of a quota with a period of 100 ms than it says;
 * a second has one more or less of them. */
static const struct sim_target targets_tighter[] = {
	{ METRIC_STEADY, -3, 4.8, WORST },
	{ METRIC_OVERSHOOT, -INFINITY, 15, WORST },
	TARGET_WRITES,
	TARGETS_END,
};

const struct sim_scenario sim_scenarios_change[] = {
	{ "churn", "capped domains come and go", 130, true, prepare_churn, come_and_go,
	  targets_churn },
	{ "host-churn", "domains come and go under a host's cap", 130, true, prepare_host_churn,
	  come_and_go_slowly, targets_host_churn },
	{ "hotplug", "1 to 4 vCPUs", 100, true, prepare_hotplug, plug, targets_hotplug },
	{ "migration", "away for 20 s and back", 130, true, prepare_migration, migrate,
	  targets_migration },
	{ "restart", "another process under the same name", 130, true, prepare_reboot, reboot,
	  targets_reboot },
	{ "clock-jump", "the wall clock jumps an hour on, a day back", 100, true, prepare_clock,
	  step_clock, targets_nominal },
	{ "foreign-looser", "somebody else loosens the quota", 105, true, prepare_foreign_looser,
	  write_looser, targets_foreign },
	{ "foreign-tighter", "somebody else tightens the quota", 105, true, prepare_foreign_tighter,
	  write_tighter, targets_tighter },
	{ "original-tighter", "there was a tighter quota before", 100, true,
	  prepare_original_tighter, NULL, targets_tighter },
	{ "clean-stop", "originals that were no defaults come back", 100, true, prepare_originals,
	  NULL, targets_nominal },
	{ NULL, NULL, 0, false, NULL, NULL, NULL },
};
