/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * snapshot.h - the account of one tick: what every reader (screen, JSON,
 * ledger, metrics) sees. Field names are those of the JSON contract.
 *
 * `_w` are means over the tick, `_j` totals since `since_s`. A missing figure
 * is NaN. Energies of vdisks and services are memo items: already inside
 * domains or kept.
 *
 *   domain.total_w = cpu + disk + service + net, idle and active
 *   host.total_w   = sum of domains' total_w + kept_w
 *                  = cpu_idle_w + cpu_active_w + disk_idle_w + disk_active_w
 *                    + net_idle_w + net_active_w
 *
 * Packages add up to host.cpu_active_w; disks to host.disk_idle and disk_active,
 * in `_w` and in `_j`.
 */
#ifndef VMENERGY_MODEL_SNAPSHOT_H
#define VMENERGY_MODEL_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "model/sample.h"
#include "model/topology.h"
#include "model/weights.h"

enum idle_policy { IDLE_VCPU, IDLE_EQUAL, IDLE_SHARE, IDLE_HOST };
enum { IDLE_POLICY_COUNT = 4 };
const char *idle_policy_name(enum idle_policy policy);
int idle_policy_parse(const char *word); /* or -1 */

struct account_power { /* one resource of one domain */
	double idle_w, active_w;
	double idle_j, active_j;
};

struct snapshot_vcpu {
	int id; /* VCPU_ALL when one thread runs all of them */
	pid_t tid;
	double active_w;
	double cpu_percent; /* 100 = one CPU all the time */
};

struct snapshot_vdisk {
	char *name;
	char *disk; /* leaf names joined by ','; NULL = none here */
	char *reason;
	double idle_w, active_w;
	double service_idle_w, service_active_w;
	double read_bytes, write_bytes, requests; /* in the tick; NaN = unknown */
};

struct snapshot_vnic {
	char *name;
	char *nic; /* leaf names joined by ','; NULL = none here */
	char *reason;
	double idle_w, active_w;
	double service_active_w;            /* of vhost workers; inside the domain's service */
	double rx_bytes, tx_bytes, packets; /* in the tick, as the guest sees them; NaN = unknown */
};

struct snapshot_control { /* watts; NaN = not set */
	double cap_w, cap_total_w, cpu_cap_w, disk_cap_w, floor_w, share, stride, headroom_w,
		infeasible_w;
};

struct snapshot_domain {
	char *id, *name, *uuid, *owner, *reason; /* uuid, owner, reason may be NULL */
	enum domain_state state;
	unsigned quality;
	struct account_power cpu, disk, service, net;
	double total_w, total_j;
	double error_w;     /* half-width of the 95 % interval of total_w; NaN = unknown */
	double cpu_percent; /* of all its tasks, 100 = one CPU; for tables, not in the contract */
	struct snapshot_control control;
	double throttle_cpu, throttle_disk; /* fraction withheld; NaN = not known */
	struct snapshot_vcpu *vcpus;
	size_t vcpu_count;
	struct snapshot_vdisk *vdisks;
	size_t vdisk_count;
	struct snapshot_vnic *vnics;
	size_t vnic_count;
};

struct snapshot_kept {
	char *name;
	double idle_w, active_w;
};

struct snapshot_service {
	char *name;
	pid_t pid;
	double idle_w, active_w;
	char **clients; /* domain ids */
	size_t client_count;
	double request_j, byte_j, base_w; /* what its work costs (regress.h); NaN = not learned */
};

struct snapshot_package { /* or the machine, where the source cannot tell them apart */
	double active_w;
	double frequency_hz;  /* NaN = unknown */
	double temperature_c; /* NaN = unknown */
	unsigned quality;     /* EXTRAPOLATED: outside the calibrated frequencies */
};

/* A physical leaf; or "(gone)": the joules of those that are not there any more. */
struct snapshot_disk {
	char *name, *model; /* "" = unknown */
	char *weights;      /* what its constants are from; NULL = none: no watts */
	double idle_w, active_w, idle_j, active_j;
	double read_bytes, write_bytes, requests; /* in the tick; NaN = unknown */
	double busy_percent;                      /* of the tick; NaN = unknown */
	size_t vdisks;                            /* that lead here */
	unsigned quality;
};

struct snapshot_source {
	enum cpu_source cpu;
	enum standing standing;
	char *weights; /* file name as chosen */
	enum scope scope;
	char *meter; /* NULL = none */
};

struct snapshot_host {
	double total_w, total_j;
	double cpu_idle_w, cpu_active_w, disk_idle_w, disk_active_w;
	double cpu_idle_j, cpu_active_j, disk_idle_j, disk_active_j; /* for tests and the ledger */
	double net_idle_w, net_active_w; /* of network cards whose constants are known */
	double net_idle_j, net_active_j;
	double kept_w, kept_j;
	double metered_w, residual_w;
	char *residual_reason; /* why residual_w is NaN */
	double cap_w, temperature_c;
	unsigned quality;
};

struct snapshot {
	uint64_t seq;   /* of the sample it closes */
	uint64_t epoch; /* starts at 1; a new one means that `_j` began again at 0 */
	double time_s;  /* UNIX seconds, UTC, end of the tick */
	double interval_s;
	double since_s; /* UNIX seconds, UTC */
	enum idle_policy idle_policy;
	struct snapshot_source source;
	struct snapshot_host host;
	struct snapshot_kept *kept;
	size_t kept_count;
	struct snapshot_domain *domains;
	size_t domain_count;
	struct snapshot_service *services;
	size_t service_count;
	struct snapshot_package *packages;
	size_t package_count;
	struct snapshot_disk *disks;
	size_t disk_count;
	uint64_t missed_ticks;         /* cumulative */
	struct snapshot_block *memory; /* that all of the above lies in; of snapshot_take() */
};

/*
 * For who fills a snapshot: zeroed memory, there until the snapshot is emptied or
 * cleared; nothing is freed one by one. NULL: out of memory.
 */
void *snapshot_take(struct snapshot *snapshot, size_t bytes);
/* Another text in place of one of the snapshot's; without memory the old one stays. */
void snapshot_replace_text(struct snapshot *snapshot, char **text, const char *with);
void snapshot_reset(struct snapshot *snapshot); /* empties it; its memory is used again */
void snapshot_clear(struct snapshot *snapshot); /* releases all; ready for reuse */

#endif
