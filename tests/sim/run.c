/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"

/* The daemon's ticks come so much late, at most. */
#define JITTER_STEPS 3

/* --- rows ---------------------------------------------------------------------------------- */

/* Totals when the last row ended. */
struct totals {
	double at_s, energy_j, controlled_j;
	double true_j[SIM_DOMAINS_MAX], model_j[SIM_DOMAINS_MAX], disk_j[SIM_DOMAINS_MAX];
	double cpu_us[SIM_DOMAINS_MAX], free_j[SIM_DOMAINS_MAX];
};

static void take_totals(const struct sim_plant *plant, struct totals *totals)
{
	totals->at_s = sim_plant_seconds(plant);
	totals->energy_j = plant->energy_j;
	totals->controlled_j = plant->controlled_j;
	for (size_t i = 0; i < plant->domain_count; i++) {
		totals->true_j[i] = plant->domains[i].true_j;
		totals->model_j[i] = plant->domains[i].model_j;
		totals->disk_j[i] = plant->domains[i].disk_j;
		totals->cpu_us[i] = plant->domains[i].cpu_us;
		totals->free_j[i] = plant->domains[i].free_j;
	}
}

static double account_w(const struct sim_daemon *daemon, const char *id)
{
	const struct snapshot *snapshot = &daemon->host.snapshot;

	for (size_t i = 0; daemon->has_figures && i < snapshot->domain_count; i++) {
		const struct snapshot_domain *row = &snapshot->domains[i];

		if (strcmp(row->id, id) == 0)
			return row->cpu.active_w + row->service.active_w +
			       (isnan(row->disk.active_w) ? 0 : row->disk.active_w);
	}
	return NAN;
}

static void put_domain(const struct sim_run *run, const struct totals *since, size_t index,
		       struct sim_row *row)
{
	const struct sim_domain *domain = &run->plant.domains[index];
	struct sim_row_domain *to = &row->domains[index];

	*to = (struct sim_row_domain){
		.is_present = domain->is_present,
		.true_w = (domain->true_j - since->true_j[index]) / row->seconds,
		.model_w = (domain->model_j - since->model_j[index]) / row->seconds,
		.disk_w = (domain->disk_j - since->disk_j[index]) / row->seconds,
		.free_w = (domain->free_j - since->free_j[index]) / row->seconds,
		.cpus = (domain->cpu_us - since->cpu_us[index]) * 1e-6 / row->seconds,
		.account_w = account_w(&run->daemon, domain->id),
		.quota_cpus = domain->group.quota_us < 0 ? INFINITY
							 : (double)domain->group.quota_us /
								   (double)domain->group.period_us,
		.limit_w = NAN,
		.infeasible_w = NAN,
		.sets = run->sets[index],
	};
}

static void put_decision(const struct sim_run *run, struct sim_row *row)
{
	const struct policy_output *output = NULL;
	const char *const *ids = NULL;

	row->margin = row->slope = row->host_cap_w = row->host_infeasible_w = NAN;
	if (run->daemon.is_alive)
		output = enforce_output(run->daemon.enforce, &ids);
	if (!output)
		return;
	row->margin = output->host.margin;
	row->slope = output->host.slope;
	row->host_cap_w = output->host.cap_w;
	row->host_infeasible_w = output->host.infeasible_w;
	for (size_t i = 0; i < output->domain_count; i++)
		for (size_t k = 0; k < run->plant.domain_count; k++) {
			if (strcmp(ids[i], run->plant.domains[k].id) != 0)
				continue;
			row->domains[k].limit_w = output->domains[i].limit_w;
			row->domains[k].infeasible_w = output->domains[i].infeasible_w;
		}
}

static void put_row(struct sim_run *run, const struct totals *since)
{
	const struct sim_plant *plant = &run->plant;
	struct sim_row *row = &run->rows[run->row_count++];
	double at_s = sim_plant_seconds(plant), seconds = at_s - since->at_s;

	*row = (struct sim_row){ .at_s = at_s,
				 .realtime_s = plant->realtime_s + at_s,
				 .seconds = seconds,
				 .host_w = (plant->energy_j - since->energy_j) / seconds,
				 .controlled_w =
					 (plant->controlled_j - since->controlled_j) / seconds,
				 .temperature_c = plant->temperature_c,
				 .has_figures = run->daemon.has_figures };
	for (size_t i = 0; i < plant->domain_count; i++)
		put_domain(run, since, i, row);
	put_decision(run, row);
}

static void print_domain(const struct sim_row_domain *domain, struct text *out)
{
	text_addf(out, ",%.4f,%.4f,%.4f,%.4f,%.4f,%.4f,%llu", domain->true_w, domain->model_w,
		  domain->account_w, domain->disk_w, domain->cpus, domain->quota_cpus,
		  (unsigned long long)domain->sets);
}

static void print_row(const struct sim_run *run, const struct sim_row *row, struct text *out)
{
	text_addf(out, "%.2f,%.4f,%.4f,%.3f,%.4f,%.4f,%.4f,%.4f", row->at_s, row->host_w,
		  row->controlled_w, row->temperature_c, row->margin, row->slope, row->host_cap_w,
		  row->host_infeasible_w);
	for (size_t i = 0; i < run->plant.domain_count; i++)
		print_domain(&row->domains[i], out);
	text_add(out, "\n");
}

void sim_run_print(const struct sim_run *run, struct text *out)
{
	text_add(out, "at_s,host_w,controlled_w,temperature_c,margin,slope,host_cap_w,"
		      "host_infeasible_w");
	for (size_t i = 1; i <= run->plant.domain_count; i++)
		text_addf(out,
			  ",true_w_%zu,model_w_%zu,account_w_%zu,disk_w_%zu,cpus_%zu,"
			  "quota_cpus_%zu,sets_%zu",
			  i, i, i, i, i, i, i);
	text_add(out, "\n");
	for (size_t i = 0; i < run->row_count; i++)
		print_row(run, &run->rows[i], out);
}

/* Of the printed rows and sentences. */
uint64_t sim_run_digest(const struct sim_run *run)
{
	struct text text = { 0 };
	uint64_t digest;

	sim_run_print(run, &text);
	text_add_bytes(&text, run->log.bytes ? run->log.bytes : "", run->log.length);
	digest = hash_bytes(HASH_START, text.bytes, text.length);
	text_free(&text);
	return digest;
}

/* --- time ---------------------------------------------------------------------------------- */

/* Writes of one tick to one domain count once: as the reader of the log sees them. */
static void count_sets(struct sim_run *run, const struct sim_counts *before)
{
	for (size_t i = 0; i < run->plant.domain_count; i++)
		run->sets[i] += run->plant.counts[i].writes != before[i].writes;
}

static void live_and_die(struct sim_run *run)
{
	double now_s = sim_plant_seconds(&run->plant);
	struct sim_faults *faults = &run->plant.faults;

	if (run->daemon.starts == 0 && now_s >= SIM_START_S)
		sim_daemon_start(&run->daemon);
	if (faults->has_died && isnan(run->died_s))
		run->died_s = now_s;
	if (faults->has_died && run->restart_after_s > 0 &&
	    now_s >= run->died_s + run->restart_after_s) {
		faults->has_died = false;
		faults->die_at = 0;
		run->restarted_s = now_s;
		sim_daemon_start(&run->daemon);
	}
}

static void step_until(struct sim_run *run, double until_s)
{
	while (sim_plant_seconds(&run->plant) < until_s - SIM_STEP_US * 0.5e-6)
		sim_plant_step(&run->plant);
}

static void run_second(struct sim_run *run, unsigned second, struct totals *since)
{
	struct sim_counts before[SIM_DOMAINS_MAX];
	unsigned late = (unsigned)(sim_random_u64(&run->random) % (JITTER_STEPS + 1));

	memcpy(before, run->plant.counts, sizeof before);
	if (run->scenario->meanwhile)
		run->scenario->meanwhile(run, second);
	live_and_die(run);
	if (second == (unsigned)run->event_s) {
		run->daemon.config = &run->config;
		sim_daemon_reload(&run->daemon);
	}
	step_until(run, second + 1 + late * SIM_STEP_US * 1e-6);
	sim_daemon_tick(&run->daemon);
	count_sets(run, before);
	put_row(run, since);
	take_totals(&run->plant, since);
}

static void finish(struct sim_run *run)
{
	run->plant.faults.busy = run->plant.faults.lost = 0;
	sim_daemon_stop(&run->daemon);
	for (size_t i = 0; i < run->plant.domain_count; i++) {
		struct sim_limits now = sim_files_limits(&run->plant.domains[i]);

		run->unchanged += run->plant.counts[i].unchanged;
		run->not_restored += run->plant.domains[i].is_present &&
				     !sim_limits_equal(&now, &run->originals[i]);
	}
}

void sim_run(struct sim_run *run, const struct sim_scenario *scenario, uint64_t seed,
	     const struct rootfs *root, bool ignores_limits)
{
	struct totals since = { 0 };

	memset(run, 0, sizeof *run);
	run->scenario = scenario;
	run->seed = seed;
	run->random = sim_random_stream(seed, 0x72756e);
	run->event_s = SIM_EVENT_S;
	run->died_s = run->restarted_s = NAN;
	config_init(&run->config);
	config_init(&run->none);
	scenario->prepare(run);
	run->plant.ignores_limits = ignores_limits;
	sim_weights_make(&run->weights, &run->prices, &run->plant);
	sim_meter_open(&run->meter, &run->meter_options, seed);
	for (size_t i = 0; i < run->plant.domain_count; i++)
		run->originals[i] = sim_files_limits(&run->plant.domains[i]);
	run->daemon = (struct sim_daemon){ .plant = &run->plant,
					   .meter = &run->meter,
					   .weights = &run->weights,
					   .config = run->event_s > 0 ? &run->none : &run->config,
					   .root = root,
					   .said = &run->log,
					   .control_interval_s = 1,
					   .is_late = run->daemon.is_late,
					   .begin_s = NAN };
	take_totals(&run->plant, &since);
	for (unsigned second = 0; second < scenario->seconds; second++)
		run_second(run, second, &since);
	finish(run);
}

void sim_run_free(struct sim_run *run)
{
	sim_daemon_free(&run->daemon);
	config_clear(&run->config);
	config_clear(&run->none);
	text_free(&run->log);
}
