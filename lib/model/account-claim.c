/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-claim.c - which vDISK asked which leaf for what (model.md 3).
 *
 * What the guest asked for (virtual) is not what reached a device (physical):
 *
 *   - Where a domain's physical requests per leaf are known (its cgroup), they
 *     are its claims, dealt to its vDISKs in proportion to their virtual ones.
 *     Reads that the host's page cache served are thereby gone.
 *   - Where only its bytes to any disk are known (/proc/PID/io), they bound the
 *     virtual ones from above. Written bytes count there when a page becomes
 *     dirty, so for buffered vDISKs they bound what the debt grows by.
 *   - Else the virtual figures stand, bounded by what the leaf did at all
 *     (account-disk.c).
 *   - A vDISK without statistics of its own gets what its domain issued and its
 *     other vDISKs do not explain, in equal parts (an estimate).
 *   - A vDISK that a service serves issues nothing itself: it stays virtual.
 *   - Where mirrors or parity are below it, what it writes is multiplied: the
 *     virtual figures, and the debt, when they become claims.
 *
 * Buffered writes are a debt of their vDISK, and become claims only when they
 * reach the leaf: in their domain's own physical writes, or paid by
 * account-disk.c from device writes that have no issuer.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>

/*
 * The kernel writes dirty pages back after dirty_expire_centisecs (30 s by
 * default); what has not come after one to two times this was overwritten in
 * the cache and never will.
 */
#define DEBT_TURN_NS 120000000000u

/* --- readings ----------------------------------------------------------------------------- */

static struct account_disk *disk_at(const struct account *account, int index)
{
	return index == ISSUED_ANY_DISK ? NULL : account->disks[index];
}

static struct account_issued *find_issued(const struct account_domain *domain,
					  const struct account_disk *disk)
{
	for (size_t i = 0; i < domain->issued.count; i++)
		if (domain->issued.items[i].disk == disk)
			return &domain->issued.items[i];
	return NULL;
}

/*
 * A cgroup lists a device from the first request on: a leaf that turns up among
 * others stood at zero until then.
 */
static int add_issued(const struct account *account, struct account_domain *domain,
		      const struct account_disk *disk)
{
	size_t count = domain->issued.count;
	struct account_issued *items = reallocarray(domain->issued.items, count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	items[count] = (struct account_issued){ .disk = disk };
	items[count].previous.has_requests = true;
	items[count].previous.at_ns = domain->born_ns;
	if (disk && domain->per_leaf)
		items[count].previous.at_ns = account->tick.from_ns;
	domain->issued.items = items;
	domain->issued.count++;
	return 0;
}

int account_expect_issued(struct account *account, const struct sample *sample)
{
	int result = 0;

	for (size_t i = 0; i < sample->issued_count && !result; i++) {
		struct account_domain *domain = account->bound[sample->issued[i].domain];
		const struct account_disk *disk = disk_at(account, sample->issued[i].disk);

		if (!find_issued(domain, disk))
			result = add_issued(account, domain, disk);
	}
	return result;
}

static void read_issued(struct account *account, const struct sample *sample)
{
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->issued.count; k++)
			account->bound[i]->issued.items[k].delta = (struct io_delta){ 0 };
	for (size_t i = 0; i < sample->issued_count; i++) {
		const struct issued_reading *reading = &sample->issued[i];
		struct account_issued *item = find_issued(account->bound[reading->domain],
							  disk_at(account, reading->disk));

		account_io_delta(&item->delta, &item->previous, &reading->io, &account->tick);
	}
}

static void read_vdisks(struct account *account, struct account_domain *domain,
			const struct domain_reading *now)
{
	domain->per_leaf = false;
	for (size_t i = 0; i < domain->issued.count; i++)
		domain->per_leaf |=
			domain->issued.items[i].disk && domain->issued.items[i].delta.known;
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct account_vdisk *vdisk = domain->vdisks[i];

		account_io_delta(&vdisk->delta, &vdisk->previous, &now->vdisks[i], &account->tick);
		/* What its service saw of it is as good. */
		if (!vdisk->delta.known && vdisk->uses && vdisk->uses->delta.known)
			vdisk->delta = vdisk->uses->delta;
	}
}

/* --- claims ------------------------------------------------------------------------------- */

static struct amount amount_scale(struct amount amount, double factor)
{
	return (struct amount){ amount.bytes * factor, amount.requests * factor };
}

static bool is_buffered(const struct account_claim *claim, int direction)
{
	return direction == WRITE && !claim->vdisk->direct;
}

/* What reaches all leaves of what is asked of the vDISK, in physical bytes to virtual ones. */
static double copies_of(const struct account_claim *claim, int direction)
{
	return direction == WRITE ? claim->vdisk->copies : 1;
}

/* A vDISK's traffic goes to its leaves as their own physical traffic does. */
static void set_shares(struct account_domain *domain, int direction)
{
	for (size_t i = 0, n; i < domain->claim_count; i += n) {
		struct account_claim *claims = &domain->claims[i];
		double sum = 0;

		n = claims->vdisk->leaf_count;
		for (size_t k = 0; k < n; k++)
			sum += claims[k].disk->delta.amount[direction].bytes;
		for (size_t k = 0; k < n; k++)
			claims[k].share[direction] =
				sum > 0 ? claims[k].disk->delta.amount[direction].bytes / sum
					: 1.0 / (double)n;
	}
}

/* What came late cannot be weighed with its own tick's leaf any more: its time stands for it. */
static void deposit(struct account_claim *claim, int direction, struct amount whole, double on_time)
{
	claim->known |= on_time > 0;
	claim->amount[direction] = amount_scale(whole, on_time);
	if (on_time < 1)
		claim->late_s += account_io_seconds(claim->disk, direction,
						    amount_scale(whole, 1 - on_time));
}

struct issue { /* of one domain, in one direction, on `disk` (NULL: any) */
	const struct account_disk *disk;
	int direction;
	struct amount amount;
	double on_time;
	double wanted;  /* bytes that its vDISKs asked for, as far as that is known */
	double members; /* vDISKs, weighted by their share on the leaf */
	double unknown; /* those without statistics */
};

static bool is_about(const struct issue *issue, const struct account_claim *claim)
{
	return !claim->vdisk->attached && (!issue->disk || claim->disk == issue->disk);
}

/* On a leaf physical bytes; of a process those that it handed in. */
static double wanted(const struct issue *issue, const struct account_claim *claim)
{
	const struct account_vdisk *vdisk = claim->vdisk;
	double share = claim->share[issue->direction];

	if (issue->disk)
		share *= copies_of(claim, issue->direction);
	if (issue->disk && is_buffered(claim, issue->direction))
		return (vdisk->debt_bytes[0] + vdisk->debt_bytes[1]) * share;
	return vdisk->delta.amount[issue->direction].bytes * share;
}

static struct issue issue_of(const struct account_domain *domain, const struct account_issued *of,
			     int direction)
{
	struct issue issue = { .disk = of->disk,
			       .direction = direction,
			       .amount = of->delta.amount[direction],
			       .on_time = of->delta.on_time };

	for (size_t i = 0; i < domain->claim_count; i++) {
		const struct account_claim *claim = &domain->claims[i];

		if (!is_about(&issue, claim))
			continue;
		issue.members += claim->share[direction];
		if (claim->vdisk->delta.known)
			issue.wanted += wanted(&issue, claim);
		else
			issue.unknown += claim->share[direction];
	}
	return issue;
}

/* Of what vDISKs with statistics do not explain, the part of one without. */
static double unexplained(const struct issue *issue, const struct account_claim *claim)
{
	double rest = fmax(0, issue->amount.bytes - issue->wanted);

	return rest > 0 && issue->unknown > 0
		       ? rest * claim->share[issue->direction] / issue->unknown
		       : 0;
}

/* Bytes to any disk: an upper bound. */
static void claim_bounded(struct account_domain *domain, const struct account_issued *any,
			  struct account_claim *claim, int direction)
{
	const struct io_delta *delta = &claim->vdisk->delta;
	struct amount whole = amount_scale(delta->amount[direction], claim->share[direction]);
	double on_time = delta->on_time;

	if (any && !claim->vdisk->attached) {
		const struct issue issue = issue_of(domain, any, direction);

		if (!delta->known) {
			whole = (struct amount){ unexplained(&issue, claim), NAN };
			on_time = issue.on_time;
			domain->tick.quality |= QUALITY_ESTIMATE;
		} else if (issue.wanted > issue.amount.bytes) {
			whole = amount_scale(whole, issue.amount.bytes / issue.wanted);
		}
	} else if (!delta->known) {
		return;
	}
	if (is_buffered(claim, direction)) {
		claim->vdisk->debt_bytes[1] += whole.bytes;
		claim->known |= on_time > 0;
	} else {
		deposit(claim, direction, amount_scale(whole, copies_of(claim, direction)),
			on_time);
	}
}

/* Requests per leaf: these are the claims, and all of them. */
static void claim_physical(struct account_domain *domain, const struct account_issued *of,
			   int direction)
{
	const struct issue issue = issue_of(domain, of, direction);
	bool all_known = issue.unknown <= 0;

	for (size_t i = 0; i < domain->claim_count; i++) {
		struct account_claim *claim = &domain->claims[i];
		double bytes = issue.amount.bytes, part = 0;

		if (!is_about(&issue, claim))
			continue;
		if (!all_known && !claim->vdisk->delta.known)
			part = bytes > 0 ? unexplained(&issue, claim) / bytes : 0;
		else if (issue.wanted > 0)
			part = wanted(&issue, claim) / issue.wanted *
			       (all_known ? 1 : fmin(1, issue.wanted / bytes));
		else if (all_known && issue.members > 0)
			part = claim->share[direction] / issue.members;
		deposit(claim, direction, amount_scale(issue.amount, part), issue.on_time);
	}
	if (!all_known)
		domain->tick.quality |= QUALITY_ESTIMATE;
}

void account_pay_debt(struct account_vdisk *vdisk, double bytes)
{
	double older = fmin(bytes, vdisk->debt_bytes[0]);

	vdisk->debt_bytes[0] -= older;
	vdisk->debt_bytes[1] = fmax(0, vdisk->debt_bytes[1] - (bytes - older));
}

static void pay_from_own_writes(struct account_domain *domain)
{
	for (size_t i = 0; i < domain->claim_count; i++)
		if (is_buffered(&domain->claims[i], WRITE))
			account_pay_debt(domain->claims[i].vdisk,
					 domain->claims[i].amount[WRITE].bytes /
						 domain->claims[i].vdisk->copies);
}

static void grow_debt(struct account_claim *claim)
{
	if (claim->vdisk->delta.known && !claim->vdisk->direct)
		claim->vdisk->debt_bytes[1] +=
			claim->vdisk->delta.amount[WRITE].bytes * claim->share[WRITE];
}

static void claim_all(struct account_domain *domain)
{
	const struct account_issued *any = NULL;

	for (size_t i = 0; i < domain->issued.count; i++)
		if (!domain->issued.items[i].disk && domain->issued.items[i].delta.known)
			any = &domain->issued.items[i];
	for (size_t i = 0; i < domain->claim_count; i++) {
		struct account_claim *claim = &domain->claims[i];

		claim->known = domain->per_leaf && !claim->vdisk->attached;
		claim->late_s = 0;
		for (int dir = 0; dir < DIRECTIONS; dir++) {
			claim->amount[dir] = (struct amount){ 0, 0 };
			if (!claim->known || !domain->per_leaf)
				claim_bounded(domain, any, claim, dir);
		}
		if (domain->per_leaf && !claim->vdisk->attached)
			grow_debt(claim);
	}
	for (size_t i = 0; i < domain->issued.count; i++)
		for (int dir = 0; dir < DIRECTIONS; dir++)
			if (domain->issued.items[i].disk && domain->issued.items[i].delta.known)
				claim_physical(domain, &domain->issued.items[i], dir);
	if (domain->per_leaf)
		pay_from_own_writes(domain);
}

/* A leaf that the domain's cgroup lists, and that could not be read in this tick. */
static bool is_unread(const struct account_domain *domain, const struct account_claim *claim)
{
	if (!domain->per_leaf || claim->vdisk->attached)
		return false;
	for (size_t i = 0; i < domain->issued.count; i++)
		if (domain->issued.items[i].disk == claim->disk)
			return !domain->issued.items[i].delta.known;
	return false;
}

/* What it wrote and has not reached a leaf is the host's now. */
static void clear_claims(struct account_domain *domain)
{
	for (size_t i = 0; i < domain->claim_count; i++) {
		struct account_claim *claim = &domain->claims[i];

		*claim = (struct account_claim){ .vdisk = claim->vdisk,
						 .disk = claim->disk,
						 .idle_part = claim->idle_part };
	}
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct account_vdisk *vdisk = domain->vdisks[i];

		vdisk->delta = (struct io_delta){ 0 };
		vdisk->debt_bytes[0] = vdisk->debt_bytes[1] = 0;
	}
}

static void mark_unknown(struct account_domain *domain)
{
	for (size_t i = 0; i < domain->claim_count; i++) {
		struct account_claim *claim = &domain->claims[i];

		if (is_unread(domain, claim)) {
			claim->known = false;
			domain->tick.quality |= QUALITY_MISSING;
		}
		if (claim->vdisk->delta.known || !claim->known)
			domain->tick.quality |= claim->vdisk->delta.quality;
		if (!claim->known && domain->state != DOMAIN_ENDED)
			claim->disk->awaits = true;
	}
}

static void turn_debts(struct account *account)
{
	if (account->tick.to_ns - account->debt_turn_ns < DEBT_TURN_NS)
		return;
	account->debt_turn_ns = account->tick.to_ns;
	for (size_t i = 0; i < account->bound_count; i++)
		for (size_t k = 0; k < account->bound[i]->vdisk_count; k++) {
			struct account_vdisk *vdisk = account->bound[i]->vdisks[k];

			vdisk->debt_bytes[0] = vdisk->debt_bytes[1];
			vdisk->debt_bytes[1] = 0;
		}
}

void account_claims(struct account *account, const struct sample *sample)
{
	read_issued(account, sample);
	turn_debts(account);
	for (size_t i = 0; i < account->bound_count; i++) {
		struct account_domain *domain = account->bound[i];

		if (domain_is_over(domain, &account->tick)) {
			clear_claims(domain);
			continue;
		}
		read_vdisks(account, domain, &sample->domains[i]);
		for (int dir = 0; dir < DIRECTIONS; dir++)
			set_shares(domain, dir);
		claim_all(domain);
		mark_unknown(domain);
	}
}
