/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account.c - a tick: read what is new, charge it, close the books.
 *
 * A charge that is not known in a tick (a reading missing or stale) is NaN in
 * `_w`; its joules are with kept meanwhile. total_w and kept_w are sums of what
 * was charged, so they are conserved in every tick; `quality` says that
 * something is missing.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ENDED_KEEP_S 600.0
#define CHECK_TOLERANCE 1e-9

int account_open(struct account **account, const struct account_options *options,
		 struct error *error)
{
	struct account *fresh;
	struct price price;
	int result;

	*account = NULL;
	if (options->events.count > SAMPLE_EVENTS_MAX)
		return error_setf(error, EINVAL, "%u events: at most %d can be accounted",
				  options->events.count, SAMPLE_EVENTS_MAX);
	result = weights_price(options->cpu, &options->events, 1, 0, &price, error);
	if (result)
		return result == -ENOMEM ? result : -EINVAL;
	fresh = calloc(1, sizeof *fresh);
	if (!fresh)
		return error_setf(error, ENOMEM, "out of memory");
	fresh->options = *options;
	if (fresh->options.ended_keep_s <= 0)
		fresh->options.ended_keep_s = ENDED_KEEP_S;
	fresh->cputime_event = -1;
	for (unsigned i = 0; i < options->events.count; i++)
		if (strcmp(options->events.names[i], CPUTIME_EVENT) == 0)
			fresh->cputime_event = (int)i;
	result = account_covariance_open(fresh);
	if (result) {
		account_close(fresh);
		return error_setf(error, ENOMEM, "out of memory");
	}
	*account = fresh;
	return 0;
}

void account_close(struct account *account)
{
	if (!account)
		return;
	account_memory_clear(account);
	account_covariance_close(account);
	free(account);
}

/* --- does the sample fit? ----------------------------------------------------------------- */

static int check_arrays(const struct topology *topology, const struct sample *sample,
			struct error *error)
{
	if (sample->generation != topology->generation)
		return error_setf(error, EINVAL, "sample of generation %llu, topology of %llu",
				  (unsigned long long)sample->generation,
				  (unsigned long long)topology->generation);
	if (sample->domain_count != topology->domain_count ||
	    sample->service_count != topology->service_count ||
	    sample->disk_count != topology->disk_count ||
	    sample->attachment_count != topology->attachment_count ||
	    sample->nic_count != topology->nic_count)
		return error_setf(error, EINVAL, "sample and topology differ in size");
	if (sample->package_count > SAMPLE_PACKAGES_MAX)
		return error_setf(error, EINVAL, "%u packages: at most %d", sample->package_count,
				  SAMPLE_PACKAGES_MAX);
	if (sample->head_count > SAMPLE_HEADS_MAX)
		return error_setf(error, EINVAL, "%zu heads: at most %d", sample->head_count,
				  SAMPLE_HEADS_MAX);
	for (size_t i = 0; i < sample->issued_count; i++)
		if (sample->issued[i].domain >= topology->domain_count ||
		    sample->issued[i].disk < ISSUED_ANY_DISK ||
		    sample->issued[i].disk >= (int)topology->disk_count)
			return error_setf(error, EINVAL, "issued[%zu] is out of bounds", i);
	return 0;
}

static int check_sample(const struct account *account, const struct topology *topology,
			const struct sample *sample, struct error *error)
{
	int result = check_arrays(topology, sample, error);

	if (result)
		return result;
	if (account->started && sample->end_ns <= account->end_ns)
		return error_setf(error, EINVAL, "time did not advance: %llu ns after %llu ns",
				  (unsigned long long)sample->end_ns,
				  (unsigned long long)account->end_ns);
	if (!account->is_bound || account->generation != topology->generation)
		return topology_check(topology, error);
	return 0;
}

/* --- the books ---------------------------------------------------------------------------- */

static void book(struct energy *energy, double idle_j, struct charge active)
{
	energy->idle_j += known(idle_j);
	energy->active_j += charge_total(active);
}

/* What ended cannot be read any more: in the tick of its end that is a gap, later it is zero. */
static void settle_ended(struct account_domain *domain, const struct tick *tick)
{
	const unsigned unread = QUALITY_MISSING | QUALITY_STALE;
	const struct charge nothing = { 0, 0 };
	struct domain_tick *of = &domain->tick;

	if (domain->state != DOMAIN_ENDED)
		return;
	if (!domain_is_over(domain, tick)) {
		of->quality |= of->quality & unread ? QUALITY_GAP : 0;
	} else {
		of->cpu = charge_sum(of->cpu, nothing);
		of->disk = charge_sum(of->disk, nothing);
		of->service = charge_sum(of->service, nothing);
		of->net = charge_sum(of->net, nothing);
		of->disk_idle_j = known(of->disk_idle_j);
		for (size_t i = 0; i < domain->vdisk_count; i++)
			domain->vdisks[i]->active = charge_sum(domain->vdisks[i]->active, nothing);
	}
	of->quality &= ~unread;
}

static void book_domain(struct account *account, struct account_domain *domain,
			struct account_sums *sums)
{
	struct domain_tick *tick = &domain->tick;

	settle_ended(domain, &account->tick);
	tick->quality |= domain->rebased;
	if (!domain_is_over(domain, &account->tick))
		tick->quality |= account->prices.quality;
	domain->rebased = 0;
	domain->made_from |= tick->quality & ACCOUNT_MADE_FROM;
	if (tick->guessed) {
		domain->guessed_j += charge_total(tick->service);
		tick->quality |= QUALITY_ESTIMATE;
	}
	book(&domain->cpu, tick->cpu_idle_j, tick->cpu);
	book(&domain->disk, tick->disk_idle_j, tick->disk);
	book(&domain->service, tick->service_idle_j, tick->service);
	book(&domain->net, tick->net_idle_j, tick->net);
	sums->cpu = charge_sum(sums->cpu, charge_sum(tick->cpu, tick->service));
	sums->disk = charge_sum(sums->disk, tick->disk);
	sums->net = charge_sum(sums->net, tick->net);
	sums->net_idle_j += known(tick->net_idle_j);
	sums->cpu_idle_j += tick->cpu_idle_j + tick->service_idle_j;
	sums->disk_idle_j += known(tick->disk_idle_j);
	account->tick.quality |= tick->quality;
}

static struct charge charge_less(struct charge head, struct charge parts)
{
	return (struct charge){ head.now_j - known(parts.now_j), head.late_j - parts.late_j };
}

/* Kept is the rest, and never clamped: far below zero it says that parts were counted twice. */
static void book_kept(struct account *account, const struct account_sums *sums)
{
	struct account_sums *kept = &account->kept;

	*kept = (struct account_sums){ charge_less(account->head, sums->cpu),
				       charge_less(account->disk_head, sums->disk),
				       charge_less(account->net_head, sums->net),
				       account->head_idle_j - sums->cpu_idle_j,
				       account->disk_idle_j - sums->disk_idle_j,
				       account->net_idle_j - sums->net_idle_j };
	book(&account->kept_cpu, kept->cpu_idle_j, charge_less(account->head, sums->cpu));
	book(&account->kept_disk, kept->disk_idle_j, charge_less(account->disk_head, sums->disk));
	book(&account->kept_net, kept->net_idle_j, kept->net);
	if (kept->cpu.now_j < -ACCOUNT_SKEW * account->head.now_j ||
	    kept->disk.now_j < -ACCOUNT_SKEW * account->disk_head.now_j)
		account->tick.quality |= QUALITY_SKEW;
}

static void sum_leaves(struct account *account)
{
	bool none = account->disk_count > 0;

	account->disk_head = none ? CHARGE_UNKNOWN : (struct charge){ 0, 0 };
	account->disk_idle_j = none ? NAN : 0;
	for (size_t i = 0; i < account->disk_count; i++) {
		struct account_disk *disk = account->disks[i];

		book(&disk->total, disk->idle_j, disk->active);
		disk->made_from |= account_leaf_quality(disk) & ACCOUNT_MADE_FROM;
		account->disk_head = charge_sum(account->disk_head, disk->active);
		if (!isnan(disk->idle_j))
			account->disk_idle_j = known(account->disk_idle_j) + disk->idle_j;
	}
}

static void close_books(struct account *account)
{
	struct account_sums sums = { 0 };

	sum_leaves(account);
	for (size_t i = 0; i < account->bound_count; i++)
		book_domain(account, account->bound[i], &sums);
	book(&account->host_cpu, account->head_idle_j, account->head);
	book(&account->host_disk, account->disk_idle_j, account->disk_head);
	book(&account->host_net, account->net_idle_j, account->net_head);
	book_kept(account, &sums);
	account_fold_ended(account);
}

/* --- a tick ------------------------------------------------------------------------------- */

static void begin_tick(struct account *account, const struct sample *sample)
{
	account->tick = (struct tick){ .begin_ns = account->begin_ns,
				       .from_ns = account->end_ns,
				       .to_ns = sample->end_ns,
				       .quality = sample->quality,
				       .first = !account->started };
	if (account->tick.first)
		account->tick.begin_ns = account->tick.from_ns = sample->end_ns;
	account->tick.seconds = (double)(account->tick.to_ns - account->tick.from_ns) * 1e-9;
}

static void clear_tick(struct account *account)
{
	for (size_t i = 0; i < account->domains.count; i++)
		account->domains.items[i]->tick = (struct domain_tick){ 0 };
}

static void charge_tick(struct account *account, const struct topology *topology,
			const struct sample *sample)
{
	account_cpu(account, topology, sample);
	account_idle(account, topology, sample);
	account_leaves(account, sample);
	account_attachments(account, sample);
	account_claims(account, sample);
	account_disk(account);
	account_services(account);
	account_net(account, sample);
}

static void end_tick(struct account *account, const struct sample *sample)
{
	account->begin_ns = sample->begin_ns;
	account->end_ns = sample->end_ns;
	account->tsc_ticks = sample->tsc_ticks;
	if (account->started)
		return;
	account->started = true;
	account->since_realtime_ns = sample->realtime_ns;
	account->counted_from_ns = sample->end_ns;
	account->debt_turn_ns = sample->end_ns;
	for (size_t i = 0; i < account->domains.count; i++)
		account->domains.items[i]->rebased = 0;
}

int account_tick(struct account *account, const struct topology *topology,
		 const struct sample *sample, struct snapshot *snapshot, struct error *error)
{
	int result;

	snapshot_reset(snapshot);
	result = check_sample(account, topology, sample, error);
	if (result)
		return result;
	begin_tick(account, sample);
	result = account_bind(account, topology, error);
	if (result)
		return result;
	if (account_expect_issued(account, sample))
		return error_setf(error, ENOMEM, "out of memory");
	clear_tick(account);
	result = account_price(account, topology, sample, error);
	if (result == 0)
		result = account_covariance(account, topology, error);
	if (result)
		return result;
	charge_tick(account, topology, sample);
	if (!account->tick.first)
		close_books(account);
	account_heads(account, sample);
	end_tick(account, sample);
	if (account->tick.first)
		return -EAGAIN;
	if (account_snapshot(account, topology, sample, snapshot)) {
		snapshot_clear(snapshot);
		return error_setf(error, ENOMEM, "out of memory");
	}
	return account_check(snapshot, CHECK_TOLERANCE, error);
}
