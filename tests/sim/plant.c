/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/plant.h"
#include "tests/sim/service.h"

#include <math.h>

#define STEP_S (SIM_STEP_US * 1e-6)
#define SMOOTH_S 0.2 /* voltage, clock and fans follow the load within that time */

double sim_plant_seconds(const struct sim_plant *plant)
{
	return (double)plant->now_us * 1e-6;
}

double sim_plant_energy_at(const struct sim_plant *plant, double at_s)
{
	double steps = fmax(at_s / STEP_S, 1);
	uint64_t step = (uint64_t)steps;
	double part = steps - (double)step;
	double from_j = plant->ring_j[step % SIM_RING];

	if (step >= plant->now_us / SIM_STEP_US)
		return plant->energy_j;
	return from_j + part * (plant->ring_j[(step + 1) % SIM_RING] - from_j);
}

/* --- CPU ----------------------------------------------------------------------------------- */

/* Who wants what of the CPUs, in us of the step; the host's own work comes last. */
struct contention {
	double want_us[SIM_DOMAINS_MAX + 1], weight[SIM_DOMAINS_MAX + 1];
	double get_us[SIM_DOMAINS_MAX + 1];
	size_t count;
};

/* Fair by weight, nobody more than he wants: give shares out until nothing is left. */
static void contend(struct contention *all, double capacity_us)
{
	bool is_done[SIM_DOMAINS_MAX + 1] = { false };
	double left_us = capacity_us, weights = 0;
	bool again = true;

	for (size_t i = 0; i < all->count; i++)
		weights += all->weight[i];
	while (again) {
		again = false;
		for (size_t i = 0; i < all->count; i++) {
			if (is_done[i] || all->want_us[i] * weights > left_us * all->weight[i])
				continue;
			is_done[i] = again = true;
			all->get_us[i] = all->want_us[i];
			left_us -= all->want_us[i];
			weights -= all->weight[i];
		}
	}
	for (size_t i = 0; i < all->count; i++)
		if (!is_done[i])
			all->get_us[i] = left_us * all->weight[i] / weights;
}

static double shares_weight(const struct sim_plant *plant, const struct sim_domain *domain)
{
	return (double)domain->group.shares / (plant->is_v2 ? 100.0 : 1024.0);
}

static void count_free(struct sim_plant *plant, const struct contention *held, const double *cpus)
{
	struct contention all = *held;
	double sum_us = 0, capacity_us = plant->cpus * (double)SIM_STEP_US;

	for (size_t i = 0; i < all.count; i++) {
		all.want_us[i] = all.get_us[i] = cpus[i] * SIM_STEP_US;
		sum_us += all.want_us[i];
	}
	if (sum_us > capacity_us)
		contend(&all, capacity_us);
	for (size_t i = 0; i < plant->domain_count; i++)
		plant->domains[i].free_j += plant->domains[i].model_w * all.get_us[i] * 1e-6;
}

/* CPU time of each domain in this step, and (last) of the host's own work. */
static void share_cpus(struct sim_plant *plant, double *used_us)
{
	struct contention all = { .count = plant->domain_count + 1 };
	double now_s = sim_plant_seconds(plant), sum_us = 0;
	double cpus[SIM_DOMAINS_MAX + 1], capacity_us = plant->cpus * (double)SIM_STEP_US;
	size_t last = plant->domain_count;

	for (size_t i = 0; i < last; i++) {
		struct sim_domain *domain = &plant->domains[i];
		struct sim_group trial = domain->group;

		cpus[i] = domain->is_present
				  ? fmin(sim_demand_cpus(&domain->demand, now_s), domain->vcpus)
				  : 0;
		all.want_us[i] = plant->ignores_limits ? cpus[i] * SIM_STEP_US
						       : sim_group_run(&trial, plant->now_us,
								       SIM_STEP_US, cpus[i]);
		all.weight[i] = shares_weight(plant, domain);
		sum_us += all.want_us[i];
	}
	cpus[last] = sim_demand_cpus(&plant->kept_demand, now_s);
	all.want_us[last] = cpus[last] * SIM_STEP_US;
	all.weight[last] = 1;
	count_free(plant, &all, cpus);
	if (sum_us + all.want_us[last] > capacity_us)
		contend(&all, capacity_us);
	for (size_t i = 0; i <= last; i++) {
		bool is_less =
			sum_us + all.want_us[last] > capacity_us && all.get_us[i] < all.want_us[i];

		used_us[i] = is_less ? all.get_us[i] : all.want_us[i];
		if (i < last && !plant->ignores_limits)
			used_us[i] =
				sim_group_run(&plant->domains[i].group, plant->now_us, SIM_STEP_US,
					      is_less ? used_us[i] / SIM_STEP_US : cpus[i]);
	}
}

static double domain_cpu_w(const struct sim_plant *plant, struct sim_domain *domain, double cpus)
{
	double watts = domain->model_w * domain->ratio;

	if (plant->alpha >= 1)
		return watts * cpus;
	domain->smooth_cpus += (cpus - domain->smooth_cpus) * STEP_S / SMOOTH_S;
	return watts * domain->vcpus * pow(domain->smooth_cpus / domain->vcpus, plant->alpha);
}

/* Watts of all domains' CPUs. */
static double step_cpus(struct sim_plant *plant, const double *used_us)
{
	double sum_w = 0;

	for (size_t i = 0; i < plant->domain_count; i++) {
		struct sim_domain *domain = &plant->domains[i];
		double cpus = used_us[i] / SIM_STEP_US;
		double watts = domain_cpu_w(plant, domain, cpus);

		domain->cpu_us += used_us[i];
		for (int k = 0; k < SIM_EVENTS; k++)
			domain->events[k] += domain->rates[k] * used_us[i] * 1e-6;
		domain->true_j += watts * STEP_S;
		domain->model_j += domain->model_w * cpus * STEP_S;
		sum_w += watts;
	}
	return sum_w;
}

static double step_kept(struct sim_plant *plant, double used_us)
{
	plant->kept_cpu_us += used_us;
	for (int k = 0; k < SIM_EVENTS; k++)
		plant->kept_events[k] += plant->kept_rates[k] * used_us * 1e-6;
	return plant->kept_model_w * plant->kept_ratio * used_us / SIM_STEP_US;
}

/* --- disk ---------------------------------------------------------------------------------- */

/* Requests that pass the throttle in a step. */
static double passes(const struct sim_plant *plant, const struct sim_stream *stream)
{
	double requests_s = stream->requests_s;

	if (!plant->ignores_limits && stream->iops)
		requests_s = fmin(requests_s, (double)stream->iops);
	if (!plant->ignores_limits && stream->bytes_s)
		requests_s = fmin(requests_s, (double)stream->bytes_s / stream->bytes);
	return requests_s * STEP_S;
}

static double busy_s(const struct sim_disk *disk, const struct sim_stream *stream, double requests)
{
	return requests * (disk->overhead_s + stream->bytes / disk->bytes_s);
}

static void count_requests(struct sim_stream *stream, struct sim_stream *sum, double requests)
{
	stream->done_requests += requests;
	stream->done_bytes += requests * stream->bytes;
	sum->done_requests += requests;
	sum->done_bytes += requests * stream->bytes;
}

/* What a domain would like of the disk, in joules of the step. */
static double wanted_j(const struct sim_plant *plant, const struct sim_domain *domain)
{
	const struct sim_disk *disk = &plant->disk;
	double reads = domain->read.requests_s * STEP_S;
	double writes = domain->write.requests_s * STEP_S;
	double wanted_s = busy_s(disk, &domain->read, reads) + busy_s(disk, &domain->write, writes);
	double driver_s = domain->is_served ? (reads + writes) * plant->service_request_s : 0;

	return disk->span_w * fmin(wanted_s, STEP_S) + plant->kept_model_w * driver_s;
}

/* Watts of the disk beyond idle. */
static double step_disk(struct sim_plant *plant)
{
	double asked_s = 0, scale, sum_w = 0;

	for (size_t i = 0; i < plant->domain_count; i++) {
		struct sim_domain *domain = &plant->domains[i];

		if (domain->is_present && domain->has_disk)
			asked_s +=
				busy_s(&plant->disk, &domain->read, passes(plant, &domain->read)) +
				busy_s(&plant->disk, &domain->write, passes(plant, &domain->write));
	}
	scale = asked_s > STEP_S ? STEP_S / asked_s : 1;
	for (size_t i = 0; i < plant->domain_count; i++) {
		struct sim_domain *domain = &plant->domains[i];
		double reads, writes, watts;

		if (!domain->is_present || !domain->has_disk)
			continue;
		reads = passes(plant, &domain->read) * scale;
		writes = passes(plant, &domain->write) * scale;
		watts = plant->disk.span_w *
			(busy_s(&plant->disk, &domain->read, reads) +
			 busy_s(&plant->disk, &domain->write, writes)) /
			STEP_S;
		count_requests(&domain->read, &plant->disk.read, reads);
		count_requests(&domain->write, &plant->disk.write, writes);
		domain->disk_j += watts * STEP_S;
		if (domain->is_served)
			watts += sim_service_work(plant, reads + writes, STEP_S);
		domain->true_j += watts * STEP_S;
		domain->model_j += watts * STEP_S;
		domain->free_j += wanted_j(plant, domain);
		sum_w += watts;
	}
	return sum_w;
}

void sim_plant_step(struct sim_plant *plant)
{
	double used_us[SIM_DOMAINS_MAX + 1] = { 0 }, controlled_w, kept_w;

	share_cpus(plant, used_us);
	controlled_w = step_cpus(plant, used_us);
	kept_w = step_kept(plant, used_us[plant->domain_count]);
	controlled_w += step_disk(plant);
	plant->power_w = plant->idle_w + plant->disk.idle_w + controlled_w + kept_w +
			 plant->leak_w_k * (plant->temperature_c - plant->t0_c);
	plant->temperature_c +=
		STEP_S *
		(plant->power_w * plant->r_k_w - (plant->temperature_c - plant->ambient_c)) /
		(plant->r_k_w * plant->c_j_k);
	plant->energy_j += plant->power_w * STEP_S;
	plant->controlled_j += controlled_w * STEP_S;
	plant->now_us += SIM_STEP_US;
	plant->ring_j[plant->now_us / SIM_STEP_US % SIM_RING] = plant->energy_j;
}
