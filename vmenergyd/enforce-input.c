/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-input.c - what was measured, and the rules, as the policy sees them (model.md 7). */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "model/known.h"

/* Less than this part of the period with figures: they do not speak for it. */
#define COVERED_LEAST 0.5
/* A quota that took effect later than this into the period is not yet in its figures. */
#define WRITTEN_LATE 0.25
#define BUSY_CPUS_LEAST 0.05

/* --- what can be held --------------------------------------------------------------------- */

bool enforce_can_hold_cpu(const struct enforce *enforce, const struct enforce_domain *domain)
{
	if (!domain->has_target)
		return false;
	return domain->target.manager == DOMAIN_LIBVIRT || domain->target.cpu_cgroup[0] ||
	       enforce->config->move_processes;
}

static bool shares_leaf(const struct enforce_disk *a, const struct enforce_disk *b)
{
	for (unsigned i = 0; i < a->leaf_count; i++)
		for (unsigned k = 0; k < b->leaf_count; k++)
			if (a->leaves[i].major == b->leaves[k].major &&
			    a->leaves[i].minor == b->leaves[k].minor)
				return true;
	return false;
}

static bool shares_limit(const struct enforce_domain *domain, const struct enforce_disk *a,
			 const struct enforce_disk *b)
{
	enum disk_way way = enforce_disk_way(domain, a);

	if (way != enforce_disk_way(domain, b))
		return false;
	return (way == WAY_CGROUP && shares_leaf(a, b)) ||
	       (way == WAY_SERVICE && enforce_same_service(&a->service, &b->service));
}

size_t enforce_disk_leader(const struct enforce_domain *domain, size_t disk)
{
	const struct enforce_disk *disks = domain->disks.items;

	for (size_t i = 0; i < disk; i++)
		if (shares_limit(domain, &disks[i], &disks[disk]))
			return i;
	return disk;
}

bool enforce_can_hold_disk(const struct enforce *enforce, const struct enforce_domain *domain,
			   const struct enforce_disk *disk)
{
	if (!domain->has_target)
		return false;
	switch (enforce_disk_way(domain, disk)) {
	case WAY_SERVICE:
		return disk->service.group[0] || disk->leaf_count > 0;
	case WAY_QEMU:
		return true;
	case WAY_CGROUP:
		/* One that has a cgroup of its own for its CPU is not moved for its disks' sake. */
		return disk->leaf_count > 0 &&
		       (domain->target.io_cgroup[0] ||
			(enforce->config->move_processes && !domain->target.cpu_cgroup[0]));
	case WAY_NONE:
		break;
	}
	return false;
}

/* --- domains ------------------------------------------------------------------------------ */

/* The account does not tell requests of reads and writes apart: as their bytes are. */
static void split_requests(const struct enforce_disk *disk, double seconds,
			   struct policy_disk *into)
{
	double bytes = disk->read_bytes + disk->write_bytes;
	double reads = bytes > 0 ? disk->read_bytes / bytes : 0.5;

	into->read_bytes_s = disk->read_bytes / seconds;
	into->write_bytes_s = disk->write_bytes / seconds;
	into->read_requests_s = disk->requests / seconds * reads;
	into->write_requests_s = disk->requests / seconds * (1 - reads);
}

/* Within a twentieth of a limit that was in force: it wanted more. */
static bool is_near(double rate, uint64_t limit)
{
	return limit > 0 && rate >= 0.95 * (double)limit;
}

static bool was_held(const struct enforce_domain *domain, size_t at, const struct policy_disk *disk)
{
	const struct enforce_disk *leader = &domain->disks.items[enforce_disk_leader(domain, at)];
	const struct enforce_knob *knob = enforce_knob(domain, KNOB_DISK, leader->name);
	const struct disk_limit *limit;

	if (!knob || !knob->taken)
		return false;
	limit = &knob->current.disk;
	return is_near(disk->read_bytes_s, limit->read_bytes_s) ||
	       is_near(disk->write_bytes_s, limit->write_bytes_s) ||
	       is_near(disk->read_requests_s, limit->read_requests_s) ||
	       is_near(disk->write_requests_s, limit->write_requests_s) ||
	       is_near(disk->read_bytes_s + disk->write_bytes_s, limit->total_bytes_s) ||
	       is_near(disk->read_requests_s + disk->write_requests_s, limit->total_requests_s);
}

/* Of a limit of its own or, where there is none, of half of what reads and writes have together. */
static double part_of(uint64_t own, uint64_t total, unsigned sharers)
{
	return (own > 0 ? (double)own : (double)total / 2) / sharers;
}

/* Who shares a device shares its limit: evenly, as far as is known. */
static struct policy_disk_allotment in_force(const struct enforce_domain *domain, size_t at)
{
	size_t leader = enforce_disk_leader(domain, at);
	const struct enforce_knob *knob =
		enforce_knob(domain, KNOB_DISK, domain->disks.items[leader].name);
	struct disk_limit limit;
	unsigned sharers = 0;

	if (!knob || !knob->taken || knob->is_former)
		return (struct policy_disk_allotment){ 0 };
	limit = knob->asked.disk;
	for (size_t i = leader; i < domain->disks.count; i++)
		sharers += enforce_disk_leader(domain, i) == leader;
	return (struct policy_disk_allotment){
		.read_bytes_s = part_of(limit.read_bytes_s, limit.total_bytes_s, sharers),
		.write_bytes_s = part_of(limit.write_bytes_s, limit.total_bytes_s, sharers),
		.read_requests_s = part_of(limit.read_requests_s, limit.total_requests_s, sharers),
		.write_requests_s =
			part_of(limit.write_requests_s, limit.total_requests_s, sharers),
	};
}

static void put_disks(const struct enforce *enforce, const struct enforce_domain *domain,
		      struct policy_disk *disks)
{
	double seconds = domain->sums.seconds > 0 ? domain->sums.seconds : NAN;

	for (size_t i = 0; i < domain->disks.count; i++) {
		const struct enforce_disk *disk = &domain->disks.items[i];

		disks[i] = (struct policy_disk){
			.controllable = enforce_can_hold_disk(enforce, domain, disk),
			.active_w = disk->active_j / seconds,
			.span_w = disk->span_w,
			.read = disk->read,
			.write = disk->write,
			.in_force = in_force(domain, i),
		};
		split_requests(disk, seconds, &disks[i]);
		enforce_price_disk(enforce, disk, seconds, &disks[i]);
		disks[i].held = was_held(domain, i, &disks[i]);
	}
}

static double quota_cpus(const struct enforce_domain *domain)
{
	const struct enforce_knob *knob = enforce_knob(domain, KNOB_CPU, "");
	struct bandwidth quota;

	if (!isnan(domain->bandwidth.largest_cpus))
		return domain->bandwidth.largest_cpus;
	if (!knob || !knob->taken || knob->current.cpu.quota_us < 0)
		return INFINITY;
	quota.quota_us = knob->current.cpu.quota_us;
	quota.period_us = knob->current.cpu.period_us;
	return bandwidth_cpus(&quota);
}

static bool is_fresh(const struct enforce *enforce, const struct enforce_domain *domain,
		     double elapsed_s)
{
	const struct enforce_sums *sums = &domain->sums;
	double inside_j = sums->cpu_now_j - sums->cpu_active_j;

	return sums->begun && sums->whole && enforce->host.whole && inside_j >= 0 &&
	       sums->seconds > COVERED_LEAST * elapsed_s && !isnan(enforce_cpu_s(domain));
}

static void put_domain(const struct enforce *enforce, struct enforce_domain *domain,
		       double elapsed_s, struct policy_domain *into)
{
	const struct enforce_sums *sums = &domain->sums;
	double seconds = sums->seconds > 0 ? sums->seconds : NAN;
	double service_j = fmax(0, sums->service_now_j - sums->service_active_j);
	double outside_j = fmin(sums->outside_j, service_j);

	*into = (struct policy_domain){
		.id = domain->id,
		.owner = domain->owner_has_limit ? domain->owner : NULL,
		.limits = domain->limits,
		.fresh = is_fresh(enforce, domain, elapsed_s),
		.cpu_controllable = enforce_can_hold_cpu(enforce, domain),
		.cpu_idle_w = sums->cpu_idle_j / seconds,
		.disk_idle_w = sums->disk_idle_j / seconds,
		.service_idle_w = sums->service_idle_j / seconds,
		.inside_w =
			(sums->cpu_now_j - sums->cpu_active_j + service_j - outside_j) / seconds,
		.outside_w = (outside_j + sums->net_j) / seconds,
		.disk_active_w = fmax(0, sums->disk_now_j - sums->disk_active_j) / seconds,
		.cpus = enforce_cpu_s(domain) / seconds,
		.vcpus = domain->target.vcpus > 0 ? domain->target.vcpus : 1,
		.throttled_part = enforce_throttled_part(domain),
		.quota_cpus = quota_cpus(domain),
		.disk_count = domain->disks.count,
	};
}

/* The dearest that its CPU time has been: what a limit that nobody adapts must reckon with. */
static void note_cost(struct enforce *enforce, struct enforce_domain *domain,
		      const struct policy_domain *figures)
{
	double watts_per_cpu = figures->inside_w / figures->cpus;

	if (!figures->fresh || !(figures->cpus >= BUSY_CPUS_LEAST) || !isfinite(watts_per_cpu))
		return;
	domain->highest_w_per_cpu = fmax(domain->highest_w_per_cpu, watts_per_cpu);
	if (watts_per_cpu <= enforce->highest_w_per_cpu)
		return;
	enforce->highest_w_per_cpu = watts_per_cpu;
	if (isnan(enforce->default_w_per_cpu))
		policy_set_default_watts_per_cpu(enforce->policy, watts_per_cpu);
}

/* --- the host ----------------------------------------------------------------------------- */

/* Does a limit wait, or came so late that the figures are mostly of the one before? */
static bool is_in_flight(const struct enforce *enforce)
{
	uint64_t length_ns = enforce->now_ns - enforce->period_begin_ns;
	uint64_t late_ns = enforce->period_begin_ns + (uint64_t)(WRITTEN_LATE * (double)length_ns);

	if (enforce->wrote_ns > late_ns)
		return true;
	for (size_t i = 0; i < enforce->flights.count; i++)
		if (enforce->flights.items[i].knob->phase == PHASE_SET ||
		    enforce->flights.items[i].knob->phase == PHASE_RESTORE)
			return true;
	return false;
}

static struct policy_host host_figures(const struct enforce *enforce)
{
	const struct enforce_host_sums *sums = &enforce->host;
	const struct weights *cpu = enforce->options.cpu;
	const struct config *config = enforce->config;
	double seconds = sums->seconds > 0 ? sums->seconds : NAN;
	double figures = sums->meter_count > 0 ? (double)sums->meter_count : (double)NAN;

	return (struct policy_host){
		.cap_w = enforce_host_cap_w(enforce),
		.peak_w = config->peak_w,
		.peak_window_s = config->peak_window_s,
		.temperature_limit_c = config->temperature_c,
		.temperature_c = sums->temperature_c,
		.thermal = { cpu->thermal_c1, cpu->thermal_c2, cpu->thermal_t0_c },
		.share_floor_w = NAN,
		.idle_w = sums->idle_j / seconds,
		.disk_w = sums->disk_j / seconds,
		.kept_active_w = sums->kept_j / seconds,
		.total_w = sums->total_j / seconds,
		.metered_w = sums->metered_w / figures,
		.modelled_w = sums->modelled_w / figures,
		.has_meter = enforce->options.has_meter,
		.energy_error = cpu->energy_error_percent / 100,
		.in_flight = is_in_flight(enforce),
	};
}

/* --- the decision ------------------------------------------------------------------------- */

static int make_room(struct enforce *enforce)
{
	struct enforce_decision *decision = &enforce->decision;
	size_t count = enforce->domains.count, disks = 0, capacity = decision->capacity;
	void *domains, *rows, *ids, *disk_items;

	for (size_t i = 0; i < count; i++)
		disks += enforce->domains.items[i]->disks.count;
	domains = memory_grow(decision->domains, &capacity, count, sizeof *decision->domains);
	decision->domains = domains ? domains : decision->domains;
	capacity = decision->capacity;
	rows = memory_grow(decision->rows, &capacity, count, sizeof(*decision->rows));
	decision->rows = rows ? rows : decision->rows;
	capacity = decision->capacity;
	ids = memory_grow(decision->ids, &capacity, count, sizeof(*decision->ids));
	decision->ids = ids ? ids : decision->ids;
	disk_items = memory_grow(decision->disks, &decision->disk_capacity, disks,
				 sizeof *decision->disks);
	decision->disks = disk_items ? disk_items : decision->disks;
	if (!domains || !rows || !ids || !disk_items)
		return -ENOMEM;
	decision->capacity = capacity;
	decision->count = decision->owners.count = 0;
	return 0;
}

static int fill(struct enforce *enforce, double elapsed_s, double *outside_w)
{
	struct enforce_decision *decision = &enforce->decision;
	struct policy_disk *disks;
	int result = make_room(enforce);

	disks = decision->disks;
	for (size_t i = 0; i < enforce->domains.count && !result; i++) {
		struct enforce_domain *domain = enforce->domains.items[i];
		struct policy_domain *row = &decision->domains[decision->count];

		domain->decided = SIZE_MAX;
		if (domain->ended)
			continue;
		for (size_t k = 0; k < domain->disks.count; k++)
			enforce_note_costs(&domain->disks.items[k]);
		put_domain(enforce, domain, elapsed_s, row);
		note_cost(enforce, domain, row);
		put_disks(enforce, domain, disks);
		row->disks = disks;
		disks += row->disk_count;
		*outside_w += known(row->outside_w);
		decision->rows[decision->count] = domain;
		decision->ids[decision->count] = domain->id;
		domain->decided = decision->count++;
		result = enforce_budgets_take_up(enforce, domain);
	}
	return result;
}

int enforce_decide(struct enforce *enforce, const struct enforce_input *input, struct error *error)
{
	struct enforce_decision *decision = &enforce->decision;
	double elapsed_s = (double)(enforce->now_ns - enforce->period_begin_ns) / ENFORCE_NS;
	double outside_w = 0;
	struct policy_input policy = {
		.now_ns = enforce->now_ns,
		.realtime_s = input->snapshot->time_s,
		.period_s = enforce->host.seconds > 0 ? enforce->host.seconds : elapsed_s,
		.host = host_figures(enforce),
	};
	int result = fill(enforce, elapsed_s, &outside_w);

	decision->made = false;
	if (result)
		return error_setf(error, ENOMEM, "out of memory for a decision");
	/* What services spent for domains; what they spent for nobody is inside kept. */
	policy.host.service_w = outside_w;
	policy.owners = decision->owners.items;
	policy.owner_count = decision->owners.count;
	policy.domains = decision->domains;
	policy.domain_count = decision->count;
	result = policy_decide(enforce->policy, &policy, &decision->output, error);
	decision->made = result == 0;
	return result;
}
