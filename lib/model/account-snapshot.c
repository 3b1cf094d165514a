/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-snapshot.c - the account of a tick as every reader sees it.
 */
#include "model/account-snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

char *copies_text(struct copies *copies, const char *text)
{
	size_t bytes = text ? strlen(text) + 1 : 0;
	char *fresh = text ? copies_rows(copies, bytes, 1) : NULL;

	return fresh ? memcpy(fresh, text, bytes) : NULL;
}

void *copies_rows(struct copies *copies, size_t count, size_t bytes)
{
	size_t all;
	void *fresh = __builtin_mul_overflow(count, bytes, &all)
			      ? NULL
			      : snapshot_take(copies->snapshot, all);

	if (!fresh)
		copies->failed = true;
	return fresh;
}

char *copies_file_name(struct copies *copies, const struct weights *weights)
{
	const char *path = weights->path ? weights->path : "";
	const char *slash = strrchr(path, '/');

	return copies_text(copies, slash ? slash + 1 : path);
}

/* --- domains ------------------------------------------------------------------------------ */

static struct account_power power(const struct copies *copies, double idle_j, double active_j,
				  const struct energy *total)
{
	return (struct account_power){ .idle_w = idle_j / copies->seconds,
				       .active_w = active_j / copies->seconds,
				       .idle_j = total->idle_j,
				       .active_j = total->active_j };
}

static void clear_control(struct snapshot_domain *row)
{
	row->control = (struct snapshot_control){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
	row->throttle_cpu = row->throttle_disk = NAN;
}

static void put_energies(const struct copies *copies, const struct account_domain *domain,
			 struct snapshot_domain *row)
{
	const struct domain_tick *tick = &domain->tick;

	row->cpu = power(copies, tick->cpu_idle_j, tick->cpu.now_j, &domain->cpu);
	row->disk = power(copies, tick->disk_idle_j, tick->disk.now_j, &domain->disk);
	row->service = power(copies, tick->service_idle_j, tick->service.now_j, &domain->service);
	row->net = power(copies, tick->net_idle_j, tick->net.now_j, &domain->net);
}

static void put_totals(struct snapshot_domain *row)
{
	row->total_w = known(row->cpu.idle_w) + known(row->cpu.active_w) + known(row->disk.idle_w) +
		       known(row->disk.active_w) + known(row->service.idle_w) +
		       known(row->service.active_w) + known(row->net.idle_w) +
		       known(row->net.active_w);
	row->total_j = row->cpu.idle_j + row->cpu.active_j + row->disk.idle_j + row->disk.active_j +
		       row->service.idle_j + row->service.active_j + row->net.idle_j +
		       row->net.active_j;
}

static double percent(const struct copies *copies, double on_cpu_ns)
{
	return on_cpu_ns / (copies->seconds * 1e9) * 100;
}

static void put_vcpus(struct copies *copies, const struct account_domain *domain,
		      const struct domain *of, struct snapshot_domain *row)
{
	row->vcpus = copies_rows(copies, of->thread_count, sizeof *row->vcpus);
	for (size_t i = 0; i < of->thread_count && row->vcpus; i++) {
		const struct account_thread *thread = &domain->threads[i];

		if (of->threads[i].role != THREAD_VCPU)
			continue;
		row->vcpus[row->vcpu_count++] = (struct snapshot_vcpu){
			.id = of->threads[i].vcpu,
			.tid = thread->tid,
			.active_w = thread->active.now_j / copies->seconds,
			.cpu_percent = percent(copies, thread->on_cpu_ns),
		};
	}
}

char *copies_leaves(struct copies *copies, const size_t *leaves, size_t count, leaf_name *name)
{
	struct text names = { 0 };
	char *copy = NULL;

	if (count == 0)
		return NULL;
	if (count == 1) /* no need to print: nearly always, and for each tick */
		return copies_text(copies, name(copies->account, leaves[0]));
	for (size_t i = 0; i < count; i++)
		text_addf(&names, "%s%s", i > 0 ? "," : "", name(copies->account, leaves[i]));
	if (names.failed)
		copies->failed = true;
	else
		copy = copies_text(copies, names.bytes);
	text_free(&names);
	return copy;
}

static const char *disk_name(const struct account *account, size_t index)
{
	return account->disks[index]->name;
}

/* Is what reached the leaves what the guest asked of this vDISK, and of no other? */
static bool is_told_by_leaves(const struct account_domain *domain,
			      const struct account_vdisk *vdisk)
{
	size_t local = 0;

	for (size_t i = 0; i < domain->vdisk_count; i++)
		local += domain->vdisks[i]->leaf_count > 0;
	return vdisk->direct && local == 1;
}

/*
 * What the guest asked for; where nobody counted that, what is claimed for it on
 * the leaves if that is the same. Requests are told by cgroups only.
 */
static void put_traffic(const struct account_domain *domain, const struct account_vdisk *vdisk,
			struct snapshot_vdisk *row)
{
	struct amount sum[DIRECTIONS] = { { NAN, NAN }, { NAN, NAN } };
	bool by_leaves = !vdisk->delta.known && is_told_by_leaves(domain, vdisk);

	for (int dir = 0; dir < DIRECTIONS && vdisk->delta.known; dir++) {
		sum[dir].bytes = vdisk->delta.amount[dir].bytes * vdisk->delta.on_time;
		sum[dir].requests = vdisk->delta.amount[dir].requests * vdisk->delta.on_time;
	}
	for (size_t i = 0; i < domain->claim_count && by_leaves; i++)
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			const struct account_claim *claim = &domain->claims[i];
			double copies = dir == WRITE ? vdisk->copies : 1;

			if (claim->vdisk != vdisk || !claim->known)
				continue;
			sum[dir].bytes = known(sum[dir].bytes) + claim->amount[dir].bytes / copies;
			if (domain->per_leaf)
				sum[dir].requests = known(sum[dir].requests) +
						    claim->amount[dir].requests / copies;
		}
	row->read_bytes = round(sum[READ].bytes);
	row->write_bytes = round(sum[WRITE].bytes);
	row->requests = round(sum[READ].requests + sum[WRITE].requests);
}

static void put_vdisks(struct copies *copies, const struct account_domain *domain,
		       const struct domain *of, struct snapshot_domain *row)
{
	row->vdisks = copies_rows(copies, of->vdisk_count, sizeof *row->vdisks);
	for (size_t i = 0; i < of->vdisk_count && row->vdisks; i++) {
		const struct account_vdisk *vdisk = domain->vdisks[i];
		struct snapshot_vdisk *to = &row->vdisks[row->vdisk_count++];

		to->name = copies_text(copies, vdisk->name);
		to->disk = copies_leaves(copies, of->vdisks[i].leaves, of->vdisks[i].leaf_count,
					 disk_name);
		to->reason = copies_text(copies, of->vdisks[i].reason);
		to->idle_w = vdisk->idle_j / copies->seconds;
		to->active_w = vdisk->active.now_j / copies->seconds;
		to->service_idle_w = vdisk->service_idle_j / copies->seconds;
		to->service_active_w = vdisk->service_active_j / copies->seconds;
		put_traffic(domain, vdisk, to);
	}
}

static void put_domain(struct copies *copies, const struct account_domain *domain,
		       struct snapshot_domain *row)
{
	clear_control(row);
	row->id = copies_text(copies, domain->id);
	row->name = copies_text(copies, domain->name);
	row->uuid = copies_text(copies, domain->uuid);
	row->owner = copies_text(copies, domain->owner);
	row->reason = copies_text(copies, domain->reason);
	row->state = domain->state;
	row->quality = domain->tick.quality | domain_made_from(domain);
	put_energies(copies, domain, row);
	put_totals(row);
	row->cpu_percent = percent(copies, domain->tick.on_cpu_ns);
	row->error_w =
		domain->bound ? account_error_j(copies->account, domain) / copies->seconds : 0;
}

/* The row of those that ended long ago: their joules stay in the account. */
static void put_folded(struct copies *copies, struct snapshot_domain *row)
{
	const struct account *account = copies->account;
	const double minutes = account->options.ended_keep_s / 60;
	char reason[96];

	snprintf(reason, sizeof reason, "%zu domain%s that ended more than %.3g min ago",
		 account->folded.count, account->folded.count == 1 ? "" : "s", minutes);
	clear_control(row);
	row->id = copies_text(copies, "ended");
	row->name = copies_text(copies, "(ended)");
	row->reason = copies_text(copies, reason);
	row->state = DOMAIN_ENDED;
	row->quality = account->folded.made_from;
	row->cpu = power(copies, 0, 0, &account->folded.cpu);
	row->disk = power(copies, 0, 0, &account->folded.disk);
	row->service = power(copies, 0, 0, &account->folded.service);
	row->net = power(copies, 0, 0, &account->folded.net);
	put_totals(row);
}

static void put_domains(struct copies *copies, const struct topology *topology,
			struct snapshot *snapshot)
{
	const struct account *account = copies->account;

	snapshot->domains =
		copies_rows(copies, account->domains.count + 1, sizeof *snapshot->domains);
	if (!snapshot->domains)
		return;
	for (size_t i = 0; i < account->bound_count; i++) {
		const struct account_domain *domain = account->bound[i];
		struct snapshot_domain *row;

		if (domain->folded)
			continue;
		row = &snapshot->domains[snapshot->domain_count++];
		put_domain(copies, domain, row);
		put_vcpus(copies, domain, &topology->domains[i], row);
		put_vdisks(copies, domain, &topology->domains[i], row);
		account_put_vnics(copies, domain, &topology->domains[i], row);
	}
	for (size_t i = 0; i < account->domains.count; i++)
		if (!account->domains.items[i]->bound)
			put_domain(copies, account->domains.items[i],
				   &snapshot->domains[snapshot->domain_count++]);
	if (account->folded.count > 0)
		put_folded(copies, &snapshot->domains[snapshot->domain_count++]);
}

/* --- services ----------------------------------------------------------------------------- */

static void put_clients(struct copies *copies, const struct account_service *service,
			struct snapshot_service *row)
{
	row->clients = copies_rows(copies, service->reach_count, sizeof *row->clients);
	for (size_t i = 0; i < service->reach_count && row->clients; i++)
		if (service->reach[i].first)
			row->clients[row->client_count++] =
				copies_text(copies, service->reach[i].domain->id);
}

static struct regress_cost learned_cost(const struct account_service *service)
{
	if (!regress_has_learned(&service->regress))
		return (struct regress_cost){ NAN, NAN, NAN };
	return regress_cost(&service->regress);
}

static void put_services(struct copies *copies, struct snapshot *snapshot)
{
	const struct account *account = copies->account;

	snapshot->services =
		copies_rows(copies, account->service_count, sizeof *snapshot->services);
	for (size_t i = 0; i < account->service_count && snapshot->services; i++) {
		const struct account_service *service = account->services[i];
		struct snapshot_service *row = &snapshot->services[snapshot->service_count++];
		const struct regress_cost cost = learned_cost(service);

		row->name = copies_text(copies, service->name);
		row->pid = service->pid;
		row->idle_w = account->head_idle_j * service->idle_part / copies->seconds;
		row->active_w = service->own.charge.now_j / copies->seconds;
		row->request_j = cost.request_j;
		row->byte_j = cost.byte_j;
		row->base_w = cost.base_w;
		put_clients(copies, service, row);
	}
}

/* --- the host ----------------------------------------------------------------------------- */

static void put_host(struct copies *copies, struct snapshot_host *host)
{
	const struct account *account = copies->account;
	const struct account_sums *kept = &account->kept;

	host->cpu_idle_w = account->head_idle_j / copies->seconds;
	host->cpu_active_w = account->head.now_j / copies->seconds;
	host->disk_idle_w = account->disk_idle_j / copies->seconds;
	host->disk_active_w = account->disk_head.now_j / copies->seconds;
	host->net_idle_w = account->net_idle_j / copies->seconds;
	host->net_active_w = account->net_head.now_j / copies->seconds;
	host->total_w = host->cpu_idle_w + known(host->cpu_active_w) + known(host->disk_idle_w) +
			known(host->disk_active_w) + known(host->net_idle_w) +
			known(host->net_active_w);
	host->cpu_idle_j = account->host_cpu.idle_j;
	host->cpu_active_j = account->host_cpu.active_j;
	host->disk_idle_j = account->host_disk.idle_j;
	host->disk_active_j = account->host_disk.active_j;
	host->net_idle_j = account->host_net.idle_j;
	host->net_active_j = account->host_net.active_j;
	host->total_j = host->cpu_idle_j + host->cpu_active_j + host->disk_idle_j +
			host->disk_active_j + host->net_idle_j + host->net_active_j;
	host->kept_w =
		(kept->cpu_idle_j + known(kept->cpu.now_j) + known(kept->disk_idle_j) +
		 known(kept->disk.now_j) + known(kept->net_idle_j) + known(kept->net.now_j)) /
		copies->seconds;
	host->kept_j = account->kept_cpu.idle_j + account->kept_cpu.active_j +
		       account->kept_disk.idle_j + account->kept_disk.active_j +
		       account->kept_net.idle_j + account->kept_net.active_j;
	host->metered_w = host->residual_w = host->cap_w = host->temperature_c = NAN;
	host->residual_reason = copies_text(copies, "no meter");
	host->quality = account->tick.quality;
}

static void put_source(struct copies *copies, struct snapshot_source *source)
{
	const struct account *account = copies->account;
	const struct weights *weights = account->options.cpu;
	bool estimate = event_set_is_time(&account->options.events) ||
			account->prices.quality & QUALITY_ESTIMATE;

	source->cpu = account->options.events.source;
	source->standing = estimate ? STANDING_ESTIMATE : weights->standing;
	source->weights = copies_file_name(copies, weights);
	source->scope = weights->scope;
}

int account_snapshot(const struct account *account, const struct topology *topology,
		     const struct sample *sample, struct snapshot *snapshot)
{
	struct copies copies = { account, snapshot, account->tick.seconds, false };

	snapshot->seq = sample->seq;
	snapshot->epoch = 1;
	snapshot->time_s = (double)sample->realtime_ns * 1e-9;
	snapshot->interval_s = account->tick.seconds;
	snapshot->since_s = (double)account->since_realtime_ns * 1e-9;
	snapshot->idle_policy = account->options.idle_policy;
	snapshot->missed_ticks = sample->missed_ticks;
	put_source(&copies, &snapshot->source);
	put_host(&copies, &snapshot->host);
	account_put_hardware(&copies, topology, sample, snapshot);
	account_put_kept(&copies, snapshot);
	put_domains(&copies, topology, snapshot);
	put_services(&copies, snapshot);
	return copies.failed ? -ENOMEM : 0;
}
