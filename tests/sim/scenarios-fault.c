/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios-fault.c - the daemon dies, writes and meters fail. */
#include "tests/sim/scenario.h"

#include <math.h>

#define CAP_W 12.0
#define DEATHS 24 /* different writes to die at */
#define LATEST_DEATH_S 70

static void set_model(struct sim_run *run, size_t index, double cpu_w)
{
	struct sim_domain *domain = &run->plant.domains[index];

	domain->rates[0] = cpu_w / run->prices.event_nj[0] * 1e9;
	domain->model_w = cpu_w;
}

/* --- death --------------------------------------------------------------------------------- */

static void prepare_killed(struct sim_run *run)
{
	sim_setup(run, 3);
	run->prices.counts = true;
	run->prices.event_nj[0] = 4;
	run->plant.kept_rates[0] = 3e9;
	for (size_t i = 0; i < 3; i++)
		set_model(run, i, 12);
	sim_files_write_foreign(&run->plant, &run->plant.domains[1], 190000, 100000);
	sim_limit_domain(run, "web*")->cap_w = CAP_W;
	sim_judge_domains(run, 0, 3, CAP_W);
	run->plant.faults.die_at = 1 + run->seed % DEATHS;
	run->restart_after_s = 2;
}

/* What a CPU-second costs changes, and quotas with it, until the daemon has died. */
static void keep_writing(struct sim_run *run, unsigned second)
{
	struct sim_faults *faults = &run->plant.faults;

	if (second == LATEST_DEATH_S && isnan(run->died_s))
		faults->has_died = true;
	if (isnan(run->died_s) && !faults->has_died && second % 6 == 0)
		set_model(run, second / 6 % 3, sim_uniform(&run->random, 9, 16));
}

static const struct sim_target targets_killed[] = {
	{ METRIC_RECONCILED, -INFINITY, 5, WORST },
	{ METRIC_LOOSENED, 0, 0, WORST },
	TARGET_STEADY,
	TARGET_WRITES,
	TARGETS_END,
};

/* --- writes -------------------------------------------------------------------------------- */

static void prepare_busy(struct sim_run *run)
{
	sim_setup(run, 3);
	run->plant.faults.busy = 0.15;
	run->plant.faults.lost = 0.1;
	sim_limit_domain(run, "web*")->cap_w = CAP_W;
	sim_judge_domains(run, 0, 3, CAP_W);
}

static void prepare_late(struct sim_run *run)
{
	sim_setup(run, 3);
	run->daemon.is_late = true;
	sim_limit_domain(run, "web*")->cap_w = CAP_W;
	sim_judge_domains(run, 0, 3, CAP_W);
}

/* Each try can fail once more: as with a slope that was wrong. */
static const struct sim_target targets_busy[] = {
	TARGET_STEADY, { METRIC_SETTLING, -INFINITY, 8, P95 }, TARGET_OVERSHOOT, TARGET_WRITES,
	TARGETS_END,
};
/* A second for each answer: the original, the quota. */
static const struct sim_target targets_late[] = {
	TARGET_STEADY, { METRIC_SETTLING, -INFINITY, 5, WORST }, TARGET_OVERSHOOT, TARGET_WRITES,
	TARGETS_END,
};

/* --- meters -------------------------------------------------------------------------------- */

static void prepare_meter(struct sim_run *run, enum sim_trouble trouble, double from_s, double to_s)
{
	sim_setup(run, 3);
	sim_use_meter(run, 0.005);
	sim_judge_host(run, run->plant.idle_w + run->plant.disk.idle_w + 47);
	for (size_t i = 0; i < 3; i++)
		run->plant.domains[i].ratio = sim_uniform(&run->random, 0.8, 1.2);
	run->meter_options.trouble = trouble;
	run->meter_options.trouble_from_s = run->judge.lost_from_s = from_s;
	run->meter_options.trouble_to_s = run->judge.lost_to_s = to_s;
}

static void prepare_stale(struct sim_run *run)
{
	prepare_meter(run, TROUBLE_STALE, 40, 60);
}

static void prepare_nan(struct sim_run *run)
{
	prepare_meter(run, TROUBLE_NAN, 40, 60);
	run->meter_options.nan_part = 0.1;
}

static void prepare_frozen(struct sim_run *run)
{
	prepare_meter(run, TROUBLE_FROZEN, 40, 100);
}

#define TARGETS_METER(careful)                                                                     \
	{ METRIC_CAREFUL, -INFINITY, careful, WORST }, { METRIC_BLIND, -INFINITY, 2, WORST },      \
		{ METRIC_RECOVERY, -INFINITY, 25.1, WORST }, TARGET_STEADY, TARGET_OVERSHOOT,      \
		TARGETS_END

static const struct sim_target targets_stale[] = { TARGETS_METER(4) };
/* One or two in ten are missing before, too: the margin has grown and shrunk. */
static const struct sim_target targets_nan[] = {
	{ METRIC_CAREFUL, -INFINITY, 5, WORST },
	{ METRIC_BLIND, -INFINITY, 2, WORST },
	{ METRIC_RECOVERY, -INFINITY, 25.1, WORST },
	/* Three in a row may be missing in this minute, too: then it is care that is right. */
	{ METRIC_STEADY, -2, 0.5, P95 },
	TARGET_OVERSHOOT,
	TARGETS_END,
};
/* Twenty equal readings are needed to tell. */
static const struct sim_target targets_frozen[] = { TARGETS_METER(25) };

const struct sim_scenario sim_scenarios_fault[] = {
	{ "killed", "killed at a write, started again 2 s later", 140, true, prepare_killed,
	  keep_writing, targets_killed },
	{ "busy", "writes are refused and get lost", 100, true, prepare_busy, NULL, targets_busy },
	{ "late", "answers come a second late", 100, true, prepare_late, NULL, targets_late },
	{ "stale-meter", "no readings for 20 s", 160, true, prepare_stale, NULL, targets_stale },
	{ "nan-meter", "readings without a figure", 160, true, prepare_nan, NULL, targets_nan },
	{ "frozen-meter", "the same reading for a minute", 200, true, prepare_frozen, NULL,
	  targets_frozen },
	{ NULL, NULL, 0, false, NULL, NULL, NULL },
};
