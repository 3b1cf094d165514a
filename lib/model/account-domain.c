/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-domain.c - the memory of one domain, brought in line with what
 * discovery says of it.
 *
 * Baselines: what was there before the account looked begins with a baseline
 * and a gap. What started since then began with all counters at zero at a known
 * time; that is its previous reading, so its first delta is whole, and late
 * where it was found late.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Start times in /proc/PID/stat are in units of 1 / USER_HZ, 100 on every Linux ABI we build for.
 */
#define START_TICK_NS 10000000

struct account_domain *account_domain_new(const char *id)
{
	struct account_domain *domain = calloc(1, sizeof *domain);

	if (!domain)
		return NULL;
	domain->id = strdup(id);
	if (!domain->id) {
		free(domain);
		return NULL;
	}
	return domain;
}

static void vdisk_free(struct account_vdisk *vdisk)
{
	if (!vdisk)
		return;
	account_uses_free(vdisk->uses);
	free(vdisk->name);
	free(vdisk);
}

static void vdisks_free(struct account_vdisk **vdisks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		vdisk_free(vdisks[i]);
	free(vdisks);
}

void account_domain_free(struct account_domain *domain)
{
	if (!domain)
		return;
	vdisks_free(domain->vdisks, domain->vdisk_count);
	account_domain_release_nics(domain);
	free(domain->threads);
	free(domain->claims);
	free(domain->issued.items);
	free(domain->helpers);
	free(domain->id);
	free(domain->name);
	free(domain->uuid);
	free(domain->owner);
	free(domain->reason);
	free(domain);
}

static int copy_texts(struct account_domain *domain, const struct domain *now)
{
	int result = text_replace(&domain->name, now->name);

	if (result == 0)
		result = text_replace(&domain->uuid, now->uuid);
	if (result == 0)
		result = text_replace(&domain->owner, now->owner);
	if (result == 0)
		result = text_replace(&domain->reason, now->reason);
	return result;
}

/*
 * What began after this can be charged from its beginning on: the host's total
 * covers it, and it was not there when discovery looked last.
 */
static uint64_t watched_since_ns(const struct account *account, const struct account_domain *domain)
{
	if (!account->started)
		return UINT64_MAX;
	return domain->discovered_ns > account->counted_from_ns ? domain->discovered_ns
								: account->counted_from_ns;
}

/* When a thread began, if that was watched; 0: earlier, or not known. */
static uint64_t thread_born_ns(const struct domain *domain, const struct thread *thread,
			       uint64_t since_ns)
{
	uint64_t born_ns = domain->start_ns;

	if (born_ns == 0 || thread->start_ticks < domain->start_ticks)
		return 0;
	born_ns += (thread->start_ticks - domain->start_ticks) * START_TICK_NS;
	return born_ns > since_ns ? born_ns : 0;
}

static const struct account_thread *find_thread(const struct account_domain *domain, size_t hint,
						const struct thread *thread)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		const struct account_thread *other =
			&domain->threads[(hint + i) % domain->thread_count];

		if (other->tid == thread->tid && other->start_ticks == thread->start_ticks)
			return other;
	}
	return NULL;
}

static int update_threads(struct account *account, struct account_domain *domain,
			  const struct domain *now)
{
	struct account_thread *threads = calloc(now->thread_count + 1, sizeof *threads);
	uint64_t since_ns = watched_since_ns(account, domain);

	if (!threads)
		return -ENOMEM;
	domain->has_vcpu = false;
	domain->only_vcpus = true;
	for (size_t i = 0; i < now->thread_count; i++) {
		const struct account_thread *old = find_thread(domain, i, &now->threads[i]);

		if (old)
			threads[i] = *old;
		else
			threads[i].previous.at_ns = thread_born_ns(now, &now->threads[i], since_ns);
		threads[i].tid = now->threads[i].tid;
		threads[i].start_ticks = now->threads[i].start_ticks;
		threads[i].vdisk =
			now->threads[i].role == THREAD_VCPU ? VDISK_NONE : now->threads[i].vdisk;
		threads[i].helper = account_helper_of(&now->threads[i]);
		threads[i].vhost =
			now->threads[i].role == THREAD_VHOST && threads[i].vdisk == VDISK_NONE;
		domain->has_vcpu |= now->threads[i].role == THREAD_VCPU;
		domain->only_vcpus &= now->threads[i].role == THREAD_VCPU;
	}
	free(domain->threads);
	domain->threads = threads;
	domain->thread_count = now->thread_count;
	return 0;
}

static struct account_vdisk *vdisk_new(const struct vdisk *of, uint64_t born_ns)
{
	struct account_vdisk *vdisk = calloc(1, sizeof *vdisk);

	if (!vdisk)
		return NULL;
	vdisk->name = strdup(of->name);
	if (!vdisk->name) {
		free(vdisk);
		return NULL;
	}
	vdisk->previous.at_ns = born_ns;
	vdisk->previous.has_requests = true;
	return vdisk;
}

/* The old entry of that name, moved out of its place; NULL: none. */
static struct account_vdisk *take_vdisk(struct account_domain *domain, const char *name)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct account_vdisk *vdisk = domain->vdisks[i];

		if (vdisk && strcmp(vdisk->name, name) == 0) {
			domain->vdisks[i] = NULL;
			return vdisk;
		}
	}
	return NULL;
}

/* A vDISK that a known domain got later may have come with old counters: a baseline. */
static int update_vdisks(struct account_domain *domain, const struct domain *now, bool fresh)
{
	struct account_vdisk **vdisks = calloc(now->vdisk_count + 1, sizeof(*vdisks));

	if (!vdisks)
		return -ENOMEM;
	for (size_t i = 0; i < now->vdisk_count; i++) {
		vdisks[i] = take_vdisk(domain, now->vdisks[i].name);
		if (!vdisks[i])
			vdisks[i] = vdisk_new(&now->vdisks[i], fresh ? domain->born_ns : 0);
		if (!vdisks[i]) {
			vdisks_free(vdisks, i);
			return -ENOMEM;
		}
		vdisks[i]->direct = now->vdisks[i].direct;
		vdisks[i]->copies = fmax(1, now->vdisks[i].write_copies);
		vdisks[i]->unresolved = now->vdisks[i].backing == VDISK_UNKNOWN;
		vdisks[i]->leaf_count = now->vdisks[i].leaf_count;
	}
	vdisks_free(domain->vdisks, domain->vdisk_count);
	domain->vdisks = vdisks;
	domain->vdisk_count = now->vdisk_count;
	return 0;
}

static int update_claims(const struct account *account, struct account_domain *domain,
			 const struct domain *now)
{
	struct account_claim *claims;
	size_t count = 0;

	for (size_t i = 0; i < now->vdisk_count; i++)
		count += now->vdisks[i].leaf_count;
	claims = calloc(count + 1, sizeof *claims);
	if (!claims)
		return -ENOMEM;
	free(domain->claims);
	domain->claims = claims;
	domain->claim_count = count;
	for (size_t i = 0; i < now->vdisk_count; i++)
		for (size_t k = 0; k < now->vdisks[i].leaf_count; k++) {
			claims->vdisk = domain->vdisks[i];
			claims->disk = account->disks[now->vdisks[i].leaves[k]];
			claims++;
		}
	return 0;
}

/* Its counters are not ours any more; the joules stay. */
void account_domain_release(struct account_domain *domain)
{
	free(domain->threads);
	free(domain->claims);
	free(domain->helpers);
	domain->threads = NULL;
	domain->claims = NULL;
	domain->helpers = NULL;
	domain->total = (struct cpu_reading){ 0 };
	domain->unmatched_j = 0;
	domain->thread_count = 0;
	domain->issued.count = 0;
	domain->per_leaf = false;
	vdisks_free(domain->vdisks, domain->vdisk_count);
	domain->vdisks = NULL;
	domain->vdisk_count = 0;
	domain->claim_count = 0;
	account_domain_release_nics(domain);
}

/* First sight of a process: from its birth, or from now on with a gap. */
static void begin_process(const struct account *account, struct account_domain *domain,
			  const struct domain *now)
{
	bool known_before = domain->name != NULL;

	account_domain_release(domain);
	domain->born_ns = 0;
	if (now->start_ns > watched_since_ns(account, domain))
		domain->born_ns = now->start_ns;
	domain->total.at_ns = domain->born_ns;
	domain->total_source = TOTAL_NONE;
	domain->fresh = true;
	if (known_before || domain->born_ns == 0)
		domain->rebased |= QUALITY_GAP;
}

static void update_state(const struct account *account, struct account_domain *domain,
			 const struct domain *now)
{
	domain->state = now->state;
	domain->pid = now->pid;
	domain->start_ticks = now->start_ticks;
	domain->start_ns = now->start_ns;
	domain->end_ns = now->end_ns;
	domain->vcpus = now->vcpus > 0 ? now->vcpus : 1;
	domain->cpu_weight = now->cpu_weight;
	if (now->state != DOMAIN_ENDED) {
		domain->ended_ns = 0;
		domain->folded = false;
	} else if (domain->ended_ns == 0) {
		domain->ended_ns = account->tick.to_ns;
	}
}

int account_domain_update(struct account *account, struct account_domain *domain,
			  const struct domain *now, uint64_t discovered_ns)
{
	bool back = domain->ended_ns > 0 && now->state != DOMAIN_ENDED;
	bool fresh = !domain->name || back || domain->pid != now->pid ||
		     domain->start_ticks != now->start_ticks;
	int result;

	if (fresh)
		begin_process(account, domain, now);
	update_state(account, domain, now);
	result = update_threads(account, domain, now);
	if (result == 0)
		result = update_vdisks(domain, now, fresh);
	if (result == 0)
		result = update_claims(account, domain, now);
	if (result == 0)
		result = account_domain_update_nics(account, domain, now);
	if (result == 0)
		result = copy_texts(domain, now);
	domain->discovered_ns = discovered_ns;
	return result;
}
