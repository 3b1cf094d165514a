/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-disk.c - the energy of the leaves, and who is charged for it
 * (model.md 3).
 *
 *     active(leaf) = (P_active - P_idle) * min(period, sum of time)
 *     active(v)    = active(leaf) * its time / sum of time
 *
 * On a rotating leaf whose requests were followed, the time with a request in
 * the device is a bound, too, and the overhead applies to the seeks that were
 * counted. Nobody knows whose they were: a request seeks once at most, and small
 * ones are taken to have done so before the streams that they interrupt.
 *
 * Claims (account-claim.c) cannot exceed what the leaf did, in either direction,
 * in bytes or in requests: they are scaled down together. What they leave over
 * is kept.
 *
 * A vDISK's reading that comes late finds its joules already kept. While one is
 * awaited, each leaf remembers what it kept (unexplained_j, for unexplained_s of
 * request time); late requests take their time's worth of that, and no more.
 * They move `_j` only.
 */
#include "model/account-internal.h"

/*
 * On rotating disks the overhead (seek and turn) is for non-contiguous requests,
 * and block counters do not tell which those are. Requests of this size and
 * above are taken for a stream: it is the kernel's default read-ahead window, up
 * to which contiguous requests are gathered.
 */
#define STREAM_BYTES 131072.0

static const struct disk_direction *direction_of(const struct account_disk *disk, int direction)
{
	const struct disk_constants *constants = &disk->weights->disk;

	return direction == READ ? &constants->read : &constants->write;
}

/* Where only bytes are known, requests are as large as the leaf's own. */
static double requests_of(const struct account_disk *disk, int direction, struct amount amount)
{
	const struct amount *leaf = &disk->delta.amount[direction];

	if (!isnan(amount.requests))
		return amount.requests;
	return leaf->bytes > 0 ? amount.bytes * known(leaf->requests) / leaf->bytes : 0;
}

static int size_of(double requests, double bytes)
{
	return bytes >= requests * STREAM_BYTES ? SIZE_STREAM : SIZE_SMALL;
}

double account_io_seconds(const struct account_disk *disk, int direction, struct amount amount)
{
	const struct disk_direction *constants;
	double requests;

	if (!disk->weights)
		return 0;
	constants = direction_of(disk, direction);
	requests = requests_of(disk, direction, amount);
	return requests * disk->seek_part[direction][size_of(requests, amount.bytes)] *
		       constants->overhead_s +
	       amount.bytes / constants->rate_bytes_s;
}

static unsigned unpriced(const struct account_disk *disk)
{
	return disk->weights || disk->out_of_scope ? 0 : QUALITY_MISSING;
}

unsigned account_leaf_quality(const struct account_disk *disk)
{
	return disk->quality | disk->mark | disk->delta.quality | unpriced(disk);
}

/* --- seeks -------------------------------------------------------------------------------- */

/* A disk that does not turn has the overhead with each request. */
static bool knows_seeks(const struct account_disk *disk)
{
	return disk->rotational && disk->delta.known && disk->service.known;
}

static void guess_seeks(struct account_disk *disk)
{
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		disk->seek_part[dir][SIZE_SMALL] = 1;
		disk->seek_part[dir][SIZE_STREAM] = disk->rotational ? 0 : 1;
	}
}

/*
 * The parts sum up to exactly the seeks. More of them than requests: the two were
 * read a moment apart.
 */
static void deal_seeks(struct account_disk *disk)
{
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		double seeks = disk->service.seeks[dir], *part = disk->seek_part[dir];
		double small = disk->sized[dir][SIZE_SMALL], stream = disk->sized[dir][SIZE_STREAM];

		if (seeks >= small + stream) {
			part[SIZE_SMALL] = part[SIZE_STREAM] =
				small + stream > 0 ? seeks / (small + stream) : 0;
			continue;
		}
		part[SIZE_SMALL] = small > 0 ? fmin(1, seeks / small) : 0;
		part[SIZE_STREAM] = stream > 0 ? fmax(0, seeks - small) / stream : 0;
	}
}

/* --- leaves ------------------------------------------------------------------------------- */

void account_leaves(struct account *account, const struct sample *sample)
{
	for (size_t i = 0; i < account->disk_count; i++) {
		struct account_disk *disk = account->disks[i];

		account_service_delta(&disk->service, &disk->previous, &sample->disks[i]);
		account_io_delta(&disk->delta, &disk->previous, &sample->disks[i], &account->tick);
		if (!knows_seeks(disk))
			guess_seeks(disk);
		disk->awaits = false;
		disk->idle_j = NAN;
		if (disk->weights)
			disk->idle_j = disk->weights->disk.idle_w * account->tick.seconds;
		account->tick.quality |= disk->weights ? disk->delta.quality : unpriced(disk);
	}
}

typedef void claim_visitor(struct account_claim *claim);

static void each_claim(struct account *account, claim_visitor *visit)
{
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->claim_count; k++)
			visit(&account->bound[i]->claims[k]);
}

/* --- debts: device writes without an issuer ----------------------------------------------- */

static double owed(const struct account_claim *claim)
{
	return (claim->vdisk->debt_bytes[0] + claim->vdisk->debt_bytes[1]) * claim->share[WRITE] *
	       claim->vdisk->copies;
}

static void sum_debts(struct account_claim *claim)
{
	claim->disk->claimed[WRITE].bytes += claim->amount[WRITE].bytes;
	claim->disk->debt_bytes += owed(claim);
}

static void pay_debts(struct account_claim *claim)
{
	const struct account_disk *disk = claim->disk;
	double issuerless = disk->delta.amount[WRITE].bytes - disk->claimed[WRITE].bytes;
	double bytes;

	if (!disk->delta.known || disk->debt_bytes <= 0 || issuerless <= 0)
		return;
	bytes = owed(claim) * fmin(1, issuerless / disk->debt_bytes);
	if (bytes <= 0)
		return;
	claim->amount[WRITE].requests = requests_of(disk, WRITE, claim->amount[WRITE]) +
					requests_of(disk, WRITE, (struct amount){ bytes, NAN });
	claim->amount[WRITE].bytes += bytes;
	claim->paid_bytes = bytes / claim->vdisk->copies;
	claim->known = true;
}

/* Only now: a vDISK on several leaves pays each of them from the same debt. */
static void settle_debts(struct account_claim *claim)
{
	account_pay_debt(claim->vdisk, claim->paid_bytes);
	claim->paid_bytes = 0;
}

static void clear_sums(struct account *account)
{
	for (size_t i = 0; i < account->disk_count; i++) {
		struct account_disk *disk = account->disks[i];

		disk->debt_bytes = disk->late_s = disk->time_s = disk->charged_idle_j = 0;
		disk->charged = (struct charge){ 0, 0 };
		disk->vdisks = 0;
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			disk->claimed[dir] = (struct amount){ 0, 0 };
			disk->sized[dir][SIZE_SMALL] = disk->sized[dir][SIZE_STREAM] = 0;
		}
	}
}

/* --- claims within what the leaf did ------------------------------------------------------- */

static void sum_claims(struct account_claim *claim)
{
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		struct amount *sum = &claim->disk->claimed[dir];

		claim->amount[dir].requests = requests_of(claim->disk, dir, claim->amount[dir]);
		sum->bytes += claim->amount[dir].bytes;
		sum->requests += claim->amount[dir].requests;
	}
}

static double within(double claimed, double done)
{
	return claimed > done ? done / claimed : 1;
}

static void bound_claims(struct account_claim *claim)
{
	struct account_disk *disk = claim->disk;

	for (int dir = 0; dir < DIRECTIONS; dir++) {
		struct amount *amount = &claim->amount[dir];

		amount->bytes *= within(disk->claimed[dir].bytes, disk->delta.amount[dir].bytes);
		amount->requests *= within(disk->claimed[dir].requests,
					   known(disk->delta.amount[dir].requests));
		disk->sized[dir][size_of(amount->requests, amount->bytes)] += amount->requests;
	}
}

/* What no claim explains. */
static struct amount rest_of(const struct account_disk *disk, int direction)
{
	const struct amount *done = &disk->delta.amount[direction];
	const struct amount *claimed = &disk->claimed[direction];

	return (struct amount){ fmax(0, done->bytes - claimed->bytes),
				fmax(0, known(done->requests) - claimed->requests) };
}

static void leaf_seeks(struct account_disk *disk)
{
	disk->mark = 0;
	if (!disk->delta.known || !disk->weights || !disk->rotational)
		return;
	for (int dir = 0; dir < DIRECTIONS; dir++) {
		struct amount rest = rest_of(disk, dir);

		disk->sized[dir][size_of(rest.requests, rest.bytes)] += rest.requests;
		if (!knows_seeks(disk) && known(disk->delta.amount[dir].requests) > 0 &&
		    direction_of(disk, dir)->overhead_s > 0)
			disk->mark = QUALITY_ESTIMATE;
	}
	if (knows_seeks(disk))
		deal_seeks(disk);
}

static void sum_times(struct account_claim *claim)
{
	for (int dir = 0; dir < DIRECTIONS; dir++)
		claim->disk->time_s += account_io_seconds(claim->disk, dir, claim->amount[dir]);
}

static void leaf_energy(struct account_disk *disk)
{
	double joules, watts, active_s;

	disk->active = CHARGE_UNKNOWN;
	if (!disk->delta.known || !disk->weights)
		return;
	for (int dir = 0; dir < DIRECTIONS; dir++)
		disk->time_s += account_io_seconds(disk, dir, rest_of(disk, dir));
	active_s = fmin(disk->delta.seconds, disk->time_s);
	if (knows_seeks(disk))
		active_s = fmin(active_s, disk->service.busy_s);
	watts = disk->weights->disk.active_w - disk->weights->disk.idle_w;
	joules = watts * active_s;
	disk->active.now_j = joules * disk->delta.on_time;
	disk->active.late_j = joules - disk->active.now_j;
}

/* --- charges ------------------------------------------------------------------------------ */

static void charge_active(struct account_claim *claim)
{
	struct account_disk *disk = claim->disk;
	double watts, seconds = 0, part = 0;
	struct charge charge;

	claim->charged_s = NAN;
	if (isnan(disk->active.now_j) || !claim->known)
		return;
	for (int dir = 0; dir < DIRECTIONS; dir++)
		seconds += account_io_seconds(disk, dir, claim->amount[dir]);
	if (disk->time_s > 0)
		part = seconds / disk->time_s;
	charge = charge_scale(disk->active, part);
	disk->charged = charge_sum(disk->charged, charge);
	claim->vdisk->active = charge_sum(claim->vdisk->active, charge);
	watts = disk->weights->disk.active_w - disk->weights->disk.idle_w;
	claim->charged_s = watts > 0 ? charge.now_j / watts : 0;
}

static void sum_late(struct account_claim *claim)
{
	claim->disk->late_s += claim->late_s;
}

static void charge_late(struct account_claim *claim)
{
	const struct account_disk *disk = claim->disk;
	double seconds = claim->late_s * within(disk->late_s, disk->unexplained_s);

	if (seconds > 0)
		claim->vdisk->active.late_j += seconds * disk->unexplained_j / disk->unexplained_s;
}

/* What a leaf keeps now may be asked for by a reading that is still to come. */
static void remember_unexplained(struct account_disk *disk)
{
	double paid = disk->unexplained_s > 0 ? fmin(1, disk->late_s / disk->unexplained_s) : 0;
	double kept_j = fmax(0, charge_total(disk->active) - charge_total(disk->charged));
	double energy_j = charge_total(disk->active);

	disk->unexplained_j *= 1 - paid;
	disk->unexplained_s *= 1 - paid;
	if (!disk->awaits)
		disk->unexplained_j = disk->unexplained_s = 0;
	else if (energy_j > 0) {
		disk->unexplained_j += kept_j;
		disk->unexplained_s += disk->time_s * kept_j / energy_j;
	}
}

static void charge_idle(struct account_claim *claim)
{
	double idle_j = claim->disk->idle_j * claim->idle_part;

	if (isnan(idle_j))
		return;
	claim->disk->charged_idle_j += idle_j;
	claim->vdisk->idle_j = known(claim->vdisk->idle_j) + idle_j;
}

/* A vDISK without a leaf here costs no disk energy here; one that was not resolved, nobody knows.
 */
static void clear_vdisks(struct account_domain *domain)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct account_vdisk *vdisk = domain->vdisks[i];
		bool unknown = vdisk->leaf_count > 0 || vdisk->unresolved;

		vdisk->idle_j = unknown ? NAN : 0;
		vdisk->active = unknown ? CHARGE_UNKNOWN : (struct charge){ 0, 0 };
		vdisk->service_idle_j = vdisk->service_active_j = 0;
	}
}

static void sum_domain(struct account_domain *domain)
{
	struct domain_tick *tick = &domain->tick;

	tick->disk = domain->vdisk_count > 0 ? CHARGE_UNKNOWN : (struct charge){ 0, 0 };
	tick->disk_idle_j = domain->vdisk_count > 0 ? NAN : 0;
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct account_vdisk *vdisk = domain->vdisks[i];

		tick->disk = charge_sum(tick->disk, vdisk->active);
		if (!isnan(vdisk->idle_j))
			tick->disk_idle_j = known(tick->disk_idle_j) + vdisk->idle_j;
		tick->quality |= vdisk->unresolved ? QUALITY_MISSING : 0;
	}
	for (size_t i = 0; i < domain->claim_count; i++) {
		const struct account_claim *claim = &domain->claims[i];

		claim->disk->vdisks += domain->state != DOMAIN_ENDED;
		tick->quality |= claim->disk->quality | unpriced(claim->disk);
		if (claim->charged_s > 0)
			tick->quality |= claim->disk->mark;
	}
}

void account_disk(struct account *account)
{
	clear_sums(account);
	for (size_t i = 0; i < account->bound_count; i++)
		clear_vdisks(account->bound[i]);
	each_claim(account, sum_debts);
	each_claim(account, pay_debts);
	each_claim(account, settle_debts);
	clear_sums(account);
	each_claim(account, sum_claims);
	each_claim(account, bound_claims);
	for (size_t i = 0; i < account->disk_count; i++)
		leaf_seeks(account->disks[i]);
	each_claim(account, sum_times);
	for (size_t i = 0; i < account->disk_count; i++) {
		leaf_energy(account->disks[i]);
		account->tick.quality |= account->disks[i]->mark;
	}
	each_claim(account, charge_active);
	each_claim(account, sum_late);
	each_claim(account, charge_late);
	for (size_t i = 0; i < account->disk_count; i++)
		remember_unexplained(account->disks[i]);
	each_claim(account, charge_idle);
	for (size_t i = 0; i < account->bound_count; i++)
		sum_domain(account->bound[i]);
}
