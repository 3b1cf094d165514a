/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scenarios-host.c - caps of the whole host, judged on the plant's watts. */
#include "tests/sim/scenario.h"

#include <math.h>

/* A cap that leaves so much for domains; what idles and what is kept takes the rest. */
static void cap_host(struct sim_run *run, double left_w)
{
	sim_judge_host(run, run->plant.idle_w + run->plant.disk.idle_w + 2 + left_w);
}

static void prepare_host(struct sim_run *run)
{
	sim_setup(run, 3);
	sim_use_meter(run, 0.005);
	cap_host(run, 45);
}

/* The weights say how wrong they are, and are so. */
static void prepare_no_meter(struct sim_run *run)
{
	sim_setup(run, 3);
	run->prices.energy_error_percent = 5;
	for (size_t i = 0; i < 3; i++)
		run->plant.domains[i].ratio = sim_uniform(&run->random, 0.9, 1.1);
	cap_host(run, 45);
}

static void prepare_lagged(struct sim_run *run)
{
	struct sim_meter_options *options = &run->meter_options;

	prepare_host(run);
	options->lag_s = sim_uniform(&run->random, 1.5, 2.5);
	options->window_s = sim_uniform(&run->random, 1.8, 2.2);
	options->known_lag_s = options->known_window_s = 2;
}

static void prepare_noise(struct sim_run *run)
{
	prepare_host(run);
	run->meter_options.noise = 0.02;
}

static void prepare_rapl(struct sim_run *run)
{
	prepare_host(run);
	run->meter_options.kind = METER_RAPL;
}

/* What runs changes, and weights that were right are wrong by as much as 30 %. */
static void change_slope(struct sim_run *run, unsigned second)
{
	double error = run->seed % 2 ? 0.3 : -0.3;

	if (second != 30)
		return;
	error *= 0.7 + 0.3 * (double)(run->seed % 5) / 4;
	for (size_t i = 0; i < run->plant.domain_count; i++)
		run->plant.domains[i].ratio = 1 + error;
}

static void prepare_slope(struct sim_run *run)
{
	prepare_host(run);
	run->judge.from_s = 30;
}

static void prepare_concave(struct sim_run *run)
{
	prepare_host(run);
	run->plant.alpha = sim_uniform(&run->random, 0.7, 0.85);
}

static void prepare_loaded(struct sim_run *run)
{
	prepare_host(run);
	run->plant.kept_ratio = sim_uniform(&run->random, 0.9, 1.1);
	run->plant.kept_demand.low_cpus = 1;
	run->plant.kept_demand.high_cpus = 2;
	run->plant.kept_demand.on_s = run->plant.kept_demand.off_s = 10;
	cap_host(run, 55);
}

/* A build or a backup: now and then nothing is left, and then all of it again. */
static void prepare_crowded(struct sim_run *run)
{
	prepare_loaded(run);
	run->plant.kept_demand.low_cpus = 0;
	run->plant.kept_demand.high_cpus = 4.2;
	run->plant.kept_demand.on_s = 5 + (double)(run->seed % 4);
	run->plant.kept_demand.off_s = 12;
	cap_host(run, 50);
}

/* Timers, logs, backups of the host: little work, that comes and goes. */
static void prepare_restless(struct sim_run *run)
{
	prepare_host(run);
	run->plant.kept_demand.high_cpus = 0.25;
}

static void prepare_burst(struct sim_run *run)
{
	prepare_host(run);
	for (size_t i = 0; i < 3; i++) {
		struct sim_demand *demand = &run->plant.domains[i].demand;

		demand->pattern = DEMAND_BURSTS;
		demand->low_cpus = 0.2;
		demand->on_s = demand->off_s = 6;
	}
	cap_host(run, 30);
}

static void prepare_step(struct sim_run *run)
{
	prepare_host(run);
	for (size_t i = 0; i < 3; i++) {
		run->plant.domains[i].demand.pattern = DEMAND_STEP;
		run->plant.domains[i].demand.low_cpus = 0.3;
		run->plant.domains[i].demand.at_s = 30;
	}
	run->judge.from_s = 30;
}

static const struct sim_target targets_host[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_OVERSHOOT, TARGET_MEAN10,
	TARGET_WRITES, TARGET_WORK,     TARGETS_END,
};
/* A margin of 5 % at least, and an error of as much. */
static const struct sim_target targets_no_meter[] = {
	{ METRIC_STEADY, -12, 0.5, WORST },
	TARGET_OVERSHOOT,
	TARGET_MEAN10,
	TARGET_WRITES,
	TARGETS_END,
};
static const struct sim_target targets_restless[] = {
	TARGET_STEADY, TARGET_OVERSHOOT, TARGET_MEAN10, TARGET_WRITES, TARGET_WORK, TARGETS_END,
};
static const struct sim_target targets_noise[] = {
	TARGET_STEADY,   { METRIC_RMS, -INFINITY, 1, WORST },
	TARGET_SETTLING, TARGET_OVERSHOOT,
	TARGET_MEAN10,   TARGET_WRITES,
	TARGET_WORK,     TARGETS_END,
};
static const struct sim_target targets_slope[] = {
	TARGET_STEADY,    { METRIC_SETTLING, -INFINITY, 8, P95 },
	TARGET_OVERSHOOT, TARGET_WRITES,
	TARGET_WORK,      TARGETS_END,
};
static const struct sim_target targets_concave[] = {
	TARGET_STEADY, { METRIC_SETTLING, -INFINITY, 15, WORST }, TARGET_OVERSHOOT, TARGET_WRITES,
	TARGETS_END,
};
/* What others do is not to be controlled: it shows until the next decision. */
static const struct sim_target targets_loaded[] = {
	{ METRIC_STEADY, -5, 0.5, WORST },
	TARGET_BURST,
	TARGET_MEAN10,
	TARGETS_END,
};
/* That work breaks the cap for as long as a decision takes; what counts is how soon all is used
 * again: four steps of a quota, of twelve seconds. */
static const struct sim_target targets_crowded[] = {
	{ METRIC_WORK, 85, INFINITY, WORST },
	{ METRIC_MEAN10, -INFINITY, 10, WORST },
	TARGETS_END,
};
static const struct sim_target targets_burst[] = {
	TARGET_BURST,
	TARGET_MEAN10,
	TARGETS_END,
};
static const struct sim_target targets_step[] = {
	TARGET_STEADY, { METRIC_BELOW, -INFINITY, 3, WORST },
	TARGET_BURST,  TARGET_MEAN10,
	TARGET_WRITES, TARGETS_END,
};

/* --- who gets how much --------------------------------------------------------------------- */

static void share_out(struct sim_run *run, size_t index, const char *name, double share)
{
	sim_limit_domain(run, name)->share = share;
	run->judge.share[index] = share;
}

static void prepare_many(struct sim_run *run)
{
	sim_setup(run, 12);
	run->plant.cpus = 24;
	sim_use_meter(run, 0.01);
	for (size_t i = 0; i < 12; i++)
		share_out(run, i, run->plant.domains[i].name,
			  round(sim_uniform(&run->random, 100, 220)));
	cap_host(run, 0.4 * 24 * 12);
}

static void prepare_shares(struct sim_run *run)
{
	sim_setup(run, 3);
	run->plant.cpus = 16;
	sim_use_meter(run, 0.01);
	for (size_t i = 0; i < 3; i++)
		run->plant.domains[i].vcpus = 4;
	for (size_t i = 0; i < 3; i++)
		run->plant.domains[i].demand.high_cpus = 4;
	share_out(run, 0, "web1", 100);
	share_out(run, 1, "web2", 100);
	share_out(run, 2, "web3", 200);
	cap_host(run, 60);
}

/* One of three wants little: the others share what it leaves. */
static void prepare_work(struct sim_run *run)
{
	prepare_host(run);
	run->plant.domains[0].demand.high_cpus = 0.3;
	run->judge.share[1] = run->judge.share[2] = 1;
}

static const struct sim_target targets_shares[] = {
	TARGET_STEADY, TARGET_SETTLING, TARGET_OVERSHOOT, { METRIC_JAIN, 0.99, 1.0001, WORST },
	TARGET_WORK,   TARGET_WRITES,   TARGETS_END,
};

/* --- heat and contracts -------------------------------------------------------------------- */

static void prepare_thermal(struct sim_run *run)
{
	prepare_host(run);
	run->plant.c_j_k = 100;
	run->plant.idle_w = run->prices.idle_w = 100;
	run->config.cap_w = NAN;
	run->config.temperature_c = 53;
	run->judge.temperature_c = 53;
	run->judge.cap_w = (53 - run->plant.ambient_c) / run->plant.r_k_w;
}

/* Sensors show whole degrees, rounded down. */
static const struct sim_target targets_thermal[] = {
	{ METRIC_HEAT, -2, 1, WORST },
	TARGET_WRITES,
	TARGETS_END,
};

static void prepare_peak(struct sim_run *run)
{
	prepare_host(run);
	run->config.peak_w = run->judge.cap_w;
	run->config.peak_window_s = run->judge.window_s = 60;
	run->config.cap_w = NAN;
}

static const struct sim_target targets_peak[] = {
	{ METRIC_PEAK, -5, 1, WORST },
	TARGETS_END,
};

/* --- what cannot be ------------------------------------------------------------------------ */

static void prepare_infeasible(struct sim_run *run)
{
	prepare_host(run);
	sim_limit_domain(run, "web*")->floor_w = 8;
	run->judge.floor_w = 8;
	cap_host(run, 12);
}

static void prepare_idle_infeasible(struct sim_run *run)
{
	sim_setup(run, 2);
	sim_limit_domain(run, "web1")->cap_total_w = run->plant.idle_w / 2 - 10;
	sim_judge_domains(run, 0, 1, 1);
}

static const struct sim_target targets_infeasible[] = {
	{ METRIC_INFEASIBLE, -INFINITY, 2, WORST },
	{ METRIC_FLOOR, 95, 110, WORST },
	TARGET_WRITES,
	TARGETS_END,
};
static const struct sim_target targets_idle_infeasible[] = {
	{ METRIC_INFEASIBLE, -INFINITY, 2, WORST },
	TARGET_WRITES,
	TARGETS_END,
};

const struct sim_scenario sim_scenarios_host[] = {
	{ "host", "a cap of the host, a good meter", 100, true, prepare_host, NULL, targets_host },
	{ "no-meter", "weights alone, 5 % wrong", 100, true, prepare_no_meter, NULL,
	  targets_no_meter },
	{ "lagged-meter", "2 s late, over 2 s", 100, true, prepare_lagged, NULL, targets_host },
	{ "noise", "the meter has 2 % of it", 100, true, prepare_noise, NULL, targets_noise },
	{ "rapl", "an energy counter that wraps", 100, true, prepare_rapl, NULL, targets_host },
	{ "slope", "weights become 30 % wrong", 100, true, prepare_slope, change_slope,
	  targets_slope },
	{ "concave", "power rises ever less", 100, true, prepare_concave, NULL, targets_concave },
	{ "restless", "the host does little things", 100, true, prepare_restless, NULL,
	  targets_restless },
	{ "loaded", "the host has work of its own", 130, true, prepare_loaded, NULL,
	  targets_loaded },
	{ "crowded", "at times by so much that nothing is left", 130, true, prepare_crowded, NULL,
	  targets_crowded },
	{ "host-step", "all wake up at once", 100, true, prepare_step, NULL, targets_step },
	{ "host-burst", "all come in bursts", 130, true, prepare_burst, NULL, targets_burst },
	{ "many", "twelve domains with shares", 100, true, prepare_many, NULL, targets_shares },
	{ "shares", "1 : 1 : 2", 100, true, prepare_shares, NULL, targets_shares },
	{ "work", "who wants little leaves it to others", 100, true, prepare_work, NULL,
	  targets_shares },
	{ "thermal", "53 C", 160, true, prepare_thermal, NULL, targets_thermal },
	{ "peak", "means of minutes of the wall clock", 260, true, prepare_peak, NULL,
	  targets_peak },
	{ "infeasible", "floors above the cap", 100, true, prepare_infeasible, NULL,
	  targets_infeasible },
	{ "idle-infeasible", "its idle share is above the cap", 100, false, prepare_idle_infeasible,
	  NULL, targets_idle_infeasible },
	{ NULL, NULL, 0, false, NULL, NULL, NULL },
};
