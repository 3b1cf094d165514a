/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-sums.c - what domains and host used since the last decision.
 *
 * Energies are differences of the account's totals, so that no joule is lost
 * to ticks that were missed; what the account has per tick only is summed.
 */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#include "base/delta.h"
#include "base/memory.h"
#include "model/known.h"

enum { COUNTER_BITS = 64 };

/* --- a domain ----------------------------------------------------------------------------- */

/* So that the row itself counts, where it has figures. */
static double before_j(const struct account_power *power, double seconds)
{
	return power->active_j - known(power->active_w) * seconds;
}

/* Joules that come late belong to ticks that it was followed in: before the first there were
 * none. */
static void begin(struct enforce_domain *domain, const struct snapshot_domain *row, double seconds)
{
	domain->sums = (struct enforce_sums){
		.begun = true,
		.cpu_active_j = before_j(&row->cpu, seconds),
		.service_active_j = before_j(&row->service, seconds),
		.disk_active_j = before_j(&row->disk, seconds),
		.whole = true,
	};
	domain->stale_before = false;
}

/* Nothing is known before the first figures: the sums begin with them. */
static bool may_begin(const struct enforce_domain *domain, bool known_now)
{
	return !domain->sums.begun && known_now;
}

/* The same vDISKs as before, or their sums begin again (unknown in this period). */
static void follow_disks(struct enforce_domain *domain, const struct snapshot_domain *row)
{
	struct enforce_disks *disks = &domain->disks;
	bool same = disks->count == row->vdisk_count;

	for (size_t i = 0; i < disks->count && same; i++)
		same = strncmp(disks->items[i].name, row->vdisks[i].name,
			       sizeof disks->items[i].name - 1) == 0;
	if (same)
		return;
	disks->count = 0;
	domain->disks_generation = 0;
	for (size_t i = 0; i < row->vdisk_count; i++) {
		struct enforce_disk *disk = MEMORY_APPEND(disks);

		if (!disk)
			return;
		snprintf(disk->name, sizeof disk->name, "%s", row->vdisks[i].name);
		disk->span_w = disk->request_cost = disk->byte_cost = NAN;
	}
}

/* Until it was looked who serves what: the whole of it. */
static bool is_outside(const struct enforce_domain *domain, const struct enforce_disk *disk)
{
	return disk->is_served || (domain->disks_generation == 0 && domain->is_client);
}

static void add_disks(struct enforce_domain *domain, const struct snapshot_domain *row,
		      double seconds)
{
	follow_disks(domain, row);
	for (size_t i = 0; i < domain->disks.count; i++) {
		struct enforce_disk *disk = &domain->disks.items[i];
		const struct snapshot_vdisk *from = &row->vdisks[i];

		disk->active_j += from->active_w * seconds;
		disk->read_bytes += from->read_bytes;
		disk->write_bytes += from->write_bytes;
		/* A thread's are not all counted once its cgroup holds it back (attachment.c). */
		disk->requests += disk->service.tid ? NAN : from->requests;
		if (!is_outside(domain, disk))
			continue;
		disk->service_j += known(from->service_active_w) * seconds;
		domain->sums.outside_j += known(from->service_active_w) * seconds;
	}
}

void enforce_add_domain(struct enforce_domain *domain, const struct snapshot_domain *row,
			double seconds)
{
	struct enforce_sums *sums = &domain->sums;
	bool known_now = !isnan(row->cpu.active_w) && !(row->quality & QUALITY_GAP);
	double cpu_s = row->cpu_percent / 100 * seconds;

	if (may_begin(domain, known_now))
		begin(domain, row, seconds);
	if (!sums->begun) {
		follow_disks(domain, row);
		return;
	}
	sums->seconds += seconds;
	sums->cpu_s += cpu_s;
	sums->cpu_idle_j += row->cpu.idle_w * seconds;
	sums->service_idle_j += row->service.idle_w * seconds;
	sums->disk_idle_j += (row->disk.idle_w + known(row->net.idle_w)) * seconds;
	sums->net_j += known(row->net.active_w) * seconds;
	sums->whole = sums->whole && known_now && !domain->stale_before;
	domain->stale_before = !known_now;
	sums->cpu_now_j = row->cpu.active_j;
	sums->service_now_j = row->service.active_j;
	sums->disk_now_j = row->disk.active_j;
	add_disks(domain, row, seconds);
}

static void note_quota(struct enforce_bandwidth *bandwidth, const struct cpu_limit *in_force)
{
	struct bandwidth quota = { in_force->quota_us, in_force->period_us };
	double cpus = quota.quota_us < 0 ? INFINITY : bandwidth_cpus(&quota);

	bandwidth->largest_cpus = fmax(bandwidth->largest_cpus, cpus); /* NaN: the other */
}

void enforce_add_reading(struct enforce_domain *domain, const struct enforce_reading *reading)
{
	struct enforce_bandwidth *bandwidth = &domain->bandwidth;

	bandwidth->has_usage_now = reading->has_usage;
	if (reading->has_usage)
		bandwidth->usage_now_ns = reading->usage_ns;
	bandwidth->has_now = reading->has_bandwidth;
	if (!reading->has_bandwidth)
		return;
	note_quota(bandwidth, &reading->in_force);
	bandwidth->periods_now = reading->periods;
	bandwidth->throttled_now = reading->throttled;
}

double enforce_cpu_s(const struct enforce_domain *domain)
{
	const struct enforce_bandwidth *bandwidth = &domain->bandwidth;
	struct counter_delta usage =
		counter_delta(bandwidth->usage_ns, bandwidth->usage_now_ns, COUNTER_BITS);

	if (!isnan(domain->sums.cpu_s))
		return domain->sums.cpu_s;
	if (!bandwidth->has_usage_base || !bandwidth->has_usage_now || usage.reset)
		return NAN;
	return (double)usage.value / ENFORCE_NS;
}

double enforce_throttled_part(const struct enforce_domain *domain)
{
	const struct enforce_bandwidth *bandwidth = &domain->bandwidth;
	struct counter_delta periods =
		counter_delta(bandwidth->periods, bandwidth->periods_now, COUNTER_BITS);
	struct counter_delta throttled =
		counter_delta(bandwidth->throttled, bandwidth->throttled_now, COUNTER_BITS);

	if (!bandwidth->has_base || !bandwidth->has_now || periods.reset || throttled.reset)
		return NAN;
	if (periods.value == 0) /* no quota, or nothing ran */
		return 0;
	return fmin(1, (double)throttled.value / (double)periods.value);
}

/* --- the host ----------------------------------------------------------------------------- */

/* CPU of the host itself: what kept holds beside the disks. */
static double kept_cpu_w(const struct snapshot *snapshot)
{
	double sum = 0;

	for (size_t i = 0; i < snapshot->kept_count; i++)
		if (strncmp(snapshot->kept[i].name, "disk ", 5) != 0)
			sum += known(snapshot->kept[i].active_w);
	return sum;
}

void enforce_add_host(struct enforce *enforce, const struct enforce_input *input, double seconds)
{
	const struct snapshot_host *host = &input->snapshot->host;
	struct enforce_host_sums *sums = &enforce->host;

	sums->seconds += seconds;
	sums->idle_j += (known(host->cpu_idle_w) + known(host->net_idle_w)) * seconds;
	sums->disk_j += (known(host->disk_idle_w) + known(host->disk_active_w)) * seconds;
	sums->kept_j += kept_cpu_w(input->snapshot) * seconds;
	sums->total_j += known(host->total_w) * seconds;
	sums->whole = sums->whole && !isnan(host->cpu_active_w);
	if (!isnan(host->temperature_c))
		sums->temperature_c = host->temperature_c;
}

void enforce_add_meter(struct enforce *enforce, const struct enforce_input *input)
{
	if (isnan(input->metered_w) || isnan(input->modelled_w))
		return;
	enforce->host.metered_w += input->metered_w;
	enforce->host.modelled_w += input->modelled_w;
	enforce->host.meter_count++;
}

static void begin_bandwidth(struct enforce_bandwidth *bandwidth)
{
	bandwidth->has_base = bandwidth->has_now;
	bandwidth->periods = bandwidth->periods_now;
	bandwidth->throttled = bandwidth->throttled_now;
	bandwidth->has_usage_base = bandwidth->has_usage_now;
	bandwidth->usage_ns = bandwidth->usage_now_ns;
	bandwidth->largest_cpus = NAN;
}

void enforce_begin_period(struct enforce *enforce)
{
	enforce->host = (struct enforce_host_sums){ .whole = true,
						    .temperature_c = enforce->host.temperature_c };
	for (size_t i = 0; i < enforce->domains.count; i++) {
		struct enforce_domain *domain = enforce->domains.items[i];
		struct enforce_sums *sums = &domain->sums;

		if (sums->begun && sums->seconds > 0)
			*sums = (struct enforce_sums){ .begun = true,
						       .whole = true,
						       .cpu_active_j = sums->cpu_now_j,
						       .service_active_j = sums->service_now_j,
						       .disk_active_j = sums->disk_now_j };
		begin_bandwidth(&domain->bandwidth);
		for (size_t k = 0; k < domain->disks.count; k++) {
			struct enforce_disk *disk = &domain->disks.items[k];

			disk->active_j = disk->read_bytes = disk->write_bytes = 0;
			disk->requests = disk->service_j = 0;
		}
	}
	enforce->period_begin_ns = enforce->now_ns;
}

/* --- what its disks cost ------------------------------------------------------------------ */

static bool is_in_scope(const struct weights *cpu, const struct weights *disk)
{
	return cpu->scope == disk->scope || (cpu->scope == SCOPE_WALL && disk->scope == SCOPE_DC);
}

static const struct weights *leaf_weights(const struct enforce *enforce, const struct disk *leaf)
{
	const struct weights *best = NULL;
	unsigned best_fit = 0;

	for (size_t i = 0; i < enforce->options.disk_count; i++) {
		const struct weights *weights = enforce->options.disks[i];
		unsigned fit = weights_match_disk(weights, leaf, NULL);

		if (fit > best_fit && is_in_scope(enforce->options.cpu, weights)) {
			best_fit = fit;
			best = weights;
		}
	}
	return best;
}

static void find_leaves(const struct enforce *enforce, struct enforce_disk *disk,
			const struct topology *topology, const struct vdisk *of)
{
	disk->leaf_count = 0;
	disk->span_w = NAN;
	for (size_t i = 0; i < of->leaf_count; i++) {
		const struct disk *leaf = &topology->disks[of->leaves[i]];
		const struct weights *weights = leaf_weights(enforce, leaf);
		double span_w;

		if (i < TARGET_LEAVES) {
			disk->leaves[i].major = leaf->major;
			disk->leaves[i].minor = leaf->minor;
			disk->leaf_count++;
		}
		if (!weights)
			continue;
		span_w = weights->disk.active_w - weights->disk.idle_w;
		if (!(span_w > known(disk->span_w)))
			continue;
		disk->span_w = span_w;
		disk->read = weights->disk.read;
		disk->write = weights->disk.write;
	}
}

void enforce_find_leaves(const struct enforce *enforce, struct enforce_domain *domain,
			 const struct enforce_input *input, size_t index)
{
	const struct topology *topology = input->topology;
	const struct domain *of = &topology->domains[index];

	/* Sockets come and go without a word of the topology's. */
	enforce_find_services(input, domain, index);
	if (domain->disks_generation == topology->generation + 1)
		return;
	for (size_t i = 0; i < domain->disks.count; i++)
		for (size_t k = 0; k < of->vdisk_count; k++)
			if (strncmp(domain->disks.items[i].name, of->vdisks[k].name,
				    sizeof domain->disks.items[i].name - 1) == 0)
				find_leaves(enforce, &domain->disks.items[i], topology,
					    &of->vdisks[k]);
	domain->disks_generation = topology->generation + 1;
}
