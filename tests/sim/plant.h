/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plant.h - a simulated host with virtual machines, in steps of 10 ms:
 *
 *     P = idle + sum k_i(t) u_i^alpha + kept + disk + c (T - T0)
 *     dT/dt = (P R - (T - Ta)) / (R C)
 *
 * k_i is what the account takes for it (model_w) times an error of its own
 * (ratio). Domains contend for the CPUs by their shares, are held by their
 * cgroups' bandwidth (group.h) and by throttles of one disk.
 */
#ifndef VMENERGY_TESTS_SIM_PLANT_H
#define VMENERGY_TESTS_SIM_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/sim/demand.h"
#include "tests/sim/group.h"
#include "tests/sim/random.h"

enum {
	SIM_DOMAINS_MAX = 16,
	SIM_STEP_US = 10000,
	SIM_EVENTS = 2,
	SIM_RING = 2048, /* steps of power that meters can look back at */
};
#define SIM_SECOND_NS UINT64_C(1000000000)

/* One direction of a disk: what a guest asks for, what its cgroup lets through. */
struct sim_stream {
	double requests_s, bytes; /* wanted; per request */
	uint64_t bytes_s, iops;   /* limits; 0 = none */
	double done_requests, done_bytes;
};

struct sim_domain {
	bool is_present;
	char id[40], name[32], cgroup[64];
	pid_t pid;
	uint64_t inode;
	unsigned vcpus;
	struct sim_demand demand;
	double helpers; /* part of its CPU time that helper threads use */
	/* Truth over model; per vCPU, it turns down as they are used: vcpus (u / vcpus)^alpha. */
	double ratio;
	/* Events per CPU-second: their prices make model_w. */
	double rates[SIM_EVENTS];
	double model_w; /* watts per CPU by the account */
	struct sim_group group;
	bool has_disk;
	bool is_served; /* its disk, by the storage daemon (service.h) */
	bool has_lost;  /* a write: its writer takes the files for other than they are */
	struct sim_stream read, write;
	/* Cumulative. */
	double cpu_us, events[SIM_EVENTS];
	double true_j;  /* of its CPU and disk */
	double model_j; /* the same by the account */
	double disk_j;
	double free_j;      /* that the account would show if no limit held anybody */
	double smooth_cpus; /* that power follows */
};

struct sim_disk {
	double idle_w, span_w, overhead_s, bytes_s;
	struct sim_stream read, write; /* of all */
};

/* How writes go wrong. */
struct sim_faults {
	double busy, lost;  /* parts of all writes */
	unsigned delay_max; /* periods until a quota takes effect, at most */
	/* Die at this write (1 = the first, 0 = never): it and all later ones do nothing. */
	uint64_t die_at;
	bool has_died;
};

struct sim_counts { /* what the plant saw written */
	uint64_t writes, unchanged, refused;
};

struct sim_plant {
	uint64_t now_us;
	double realtime_s; /* UNIX, at now_us = 0; steps of that clock are added */
	bool is_v2, ignores_limits;
	unsigned cpus;
	double idle_w, alpha;
	double leak_w_k, t0_c, ambient_c, r_k_w, c_j_k, temperature_c;
	struct sim_disk disk;
	struct sim_domain domains[SIM_DOMAINS_MAX];
	size_t domain_count;
	/* The host's own work. */
	struct sim_demand kept_demand;
	double kept_model_w, kept_ratio, kept_rates[SIM_EVENTS];
	double kept_cpu_us, kept_events[SIM_EVENTS];
	double service_request_s; /* CPU time of the storage daemon; 0 = there is none */
	double service_cpu_us;
	struct sim_faults faults;
	struct sim_random fault_random;
	struct sim_counts counts[SIM_DOMAINS_MAX];
	uint64_t write_count;
	double energy_j, controlled_j; /* of all; of what domains' CPUs and disks add */
	double power_w;
	double ring_j[SIM_RING]; /* energy_j at the end of each step */
};

double sim_plant_seconds(const struct sim_plant *plant);
void sim_plant_step(struct sim_plant *plant);
/* True energy up to that moment, which lies in the last SIM_RING steps. */
double sim_plant_energy_at(const struct sim_plant *plant, double at_s);

#endif
