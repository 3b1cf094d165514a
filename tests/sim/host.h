/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host.h - what the engine would find on the plant's host: topology, counters,
 * cgroups. The account that is made from them is the real one.
 */
#ifndef VMENERGY_TESTS_SIM_HOST_H
#define VMENERGY_TESTS_SIM_HOST_H

#include "model/account.h"
#include "tests/sim/plant.h"
#include "vmenergyd/enforce.h"

enum { SIM_VCPUS_MAX = 8, SIM_FIRST_PID = 1000 };

/* Of the process `pid`. */
static inline uint64_t sim_start_ticks(pid_t pid)
{
	return (uint64_t)pid * 7;
}

/* What the plant's hardware costs by the books. */
struct sim_weights {
	struct weights cpu, disk;
	const struct weights *disks[1];
	struct operating_point point;
	struct event_set events;
};
/* From the plant's idle_w, model_w of a CPU and disk; `counts`: by events, else by CPU time. */
struct sim_prices {
	bool counts;
	double idle_w, cpu_w;
	double event_nj[SIM_EVENTS];
	double energy_error_percent; /* NaN = not stated */
};
void sim_weights_make(struct sim_weights *weights, const struct sim_prices *prices,
		      const struct sim_plant *plant);

/* One life of the daemon's accounting. */
struct sim_host {
	struct sim_plant *plant; /* borrowed */
	const struct sim_weights *weights;
	struct account *account;
	struct topology *topology;
	struct sample sample;
	struct snapshot snapshot;
	uint64_t shape; /* of the plant when the topology was made */
	uint64_t generation, seq;
	struct {
		pid_t pid;
		double last_us, thread_us[SIM_VCPUS_MAX + 1];
		double last_events[SIM_EVENTS], thread_events[SIM_VCPUS_MAX + 1][SIM_EVENTS];
	} domains[SIM_DOMAINS_MAX];
	struct cpu_reading gone; /* what ran in processes that are no more */
	struct enforce_reading readings[SIM_DOMAINS_MAX];
	size_t reading_count;
};

int sim_host_open(struct sim_host *host, struct sim_plant *plant, const struct sim_weights *weights,
		  struct error *error);
void sim_host_close(struct sim_host *host);
/* As account_tick(), and the readings of that moment. */
int sim_host_tick(struct sim_host *host, struct error *error);

#endif
