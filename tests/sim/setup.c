/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setup.c - the host that scenarios start from. */
#include "tests/sim/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define IDLE_W 100.0
#define CPU_W 12.0
#define STEADY_S 60.0

static void setup_plant(struct sim_run *run)
{
	struct sim_plant *plant = &run->plant;

	plant->realtime_s = floor(1.7e9 + sim_uniform(&run->random, 0, 1e6));
	plant->cpus = 8;
	plant->idle_w = IDLE_W * sim_uniform(&run->random, 0.9, 1.1);
	plant->alpha = 1;
	plant->leak_w_k = 0.05;
	plant->ambient_c = 25;
	plant->t0_c = plant->temperature_c = 45;
	plant->r_k_w = 0.2;
	plant->c_j_k = 150;
	plant->disk =
		(struct sim_disk){ .idle_w = 4, .span_w = 6, .overhead_s = 1e-4, .bytes_s = 200e6 };
	plant->faults.delay_max = 3;
	plant->fault_random = sim_random_stream(run->seed, 0x6661756c74);
	plant->kept_demand = (struct sim_demand){
		.pattern = DEMAND_BURSTS,
		.low_cpus = 0.05,
		.high_cpus = 0.15,
		.on_s = 2,
		.off_s = 6,
		.random = sim_random_stream(run->seed, 0x6b657074),
	};
	plant->kept_model_w = CPU_W;
	plant->kept_ratio = 1;
}

static void setup_domain(struct sim_run *run, size_t index)
{
	struct sim_domain *domain = &run->plant.domains[index];

	*domain = (struct sim_domain){ .vcpus = 2,
				       .helpers = sim_uniform(&run->random, 0.01, 0.08),
				       .ratio = 1,
				       .model_w = CPU_W };
	snprintf(domain->id, sizeof domain->id, "00000000-0000-0000-0000-%012u",
		 (unsigned)index + 1);
	snprintf(domain->name, sizeof domain->name, "web%zu", index + 1);
	domain->demand =
		(struct sim_demand){ .pattern = DEMAND_STEADY,
				     .high_cpus = 2,
				     .random = sim_random_stream(run->seed, 1000 + index) };
	sim_domain_begin(run, index);
}

void sim_setup(struct sim_run *run, size_t count)
{
	run->next_pid = SIM_FIRST_PID;
	run->prices = (struct sim_prices){ .cpu_w = CPU_W, .energy_error_percent = NAN };
	setup_plant(run);
	run->prices.idle_w = run->plant.idle_w;
	run->plant.domain_count = count;
	for (size_t i = 0; i < count; i++)
		setup_domain(run, i);
	run->judge = (struct sim_judge){ .from_s = SIM_EVENT_S + 1, /* decided by then */
					 .floor_w = NAN,
					 .temperature_c = NAN,
					 .lost_from_s = NAN,
					 .lost_to_s = NAN };
	run->judge.steady_to_s = run->scenario->seconds;
	run->judge.steady_from_s = run->judge.steady_to_s - STEADY_S;
}

void sim_domain_begin(struct sim_run *run, size_t index)
{
	struct sim_domain *domain = &run->plant.domains[index];

	domain->is_present = true;
	domain->pid = run->next_pid++;
	domain->inode = (uint64_t)domain->pid + 100000;
	snprintf(domain->cgroup, sizeof domain->cgroup, "/machine/vm-%d", (int)domain->pid);
	sim_group_init(&domain->group, sim_uniform(&run->random, 0, 1));
	domain->group.shares = run->plant.is_v2 ? 100 : 1024;
	domain->read.bytes_s = domain->read.iops = 0;
	domain->write.bytes_s = domain->write.iops = 0;
	run->originals[index] = sim_files_limits(domain);
}

void sim_domain_end(struct sim_run *run, size_t index)
{
	run->plant.domains[index].is_present = false;
}

/* --- limits -------------------------------------------------------------------------------- */

static char config_path[] = "simulated.conf"; /* sections only point to it */

static struct limits *add_section(struct config_sections *sections, const char *pattern,
				  const char *owner)
{
	struct config_section *section = MEMORY_APPEND(sections);

	if (!section)
		abort();
	section->pattern = strdup(pattern);
	section->owner = owner ? strdup(owner) : NULL;
	section->path = config_path;
	section->limits = limits_none();
	return &section->limits;
}

struct limits *sim_limit_domain(struct sim_run *run, const char *pattern)
{
	return add_section(&run->config.domains, pattern, NULL);
}

struct limits *sim_limit_owner(struct sim_run *run, const char *owner, const char *pattern)
{
	add_section(&run->config.domains, pattern, owner);
	return add_section(&run->config.owners, owner, NULL);
}

void sim_judge_domains(struct sim_run *run, size_t first, size_t count, double cap_w)
{
	run->judge.what = JUDGE_DOMAINS;
	run->judge.first = first;
	run->judge.count = count;
	run->judge.cap_w = cap_w;
}

void sim_judge_host(struct sim_run *run, double cap_w)
{
	run->config.cap_w = cap_w;
	run->judge.what = JUDGE_HOST;
	run->judge.cap_w = cap_w;
}

void sim_use_meter(struct sim_run *run, double noise)
{
	run->meter_options = (struct sim_meter_options){ .kind = METER_WALL,
							 .interval_s = 1,
							 .jitter_s = 0.05,
							 .noise = noise,
							 .window_s = 1,
							 .known_window_s = 1 };
}

double sim_free_host_w(const struct sim_run *run)
{
	const struct sim_plant *plant = &run->plant;
	double watts = plant->idle_w + plant->disk.idle_w;

	for (size_t i = 0; i < plant->domain_count; i++)
		watts += plant->domains[i].model_w * plant->domains[i].ratio *
			 fmin(plant->domains[i].demand.high_cpus, plant->domains[i].vcpus);
	return watts;
}
