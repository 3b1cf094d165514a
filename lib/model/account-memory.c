/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-memory.c - what is remembered from tick to tick, by identity and not
 * by position: a topology may list the same domains in any order.
 */
#include "model/account-internal.h"
#include "model/account-own-thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* An account lists at most so many ended domains; the oldest move to the aggregate first. */
enum { ENDED_LISTED_MAX = 1024 };

static int compare_ids(const void *left, const void *right)
{
	const struct account_domain *const *a = left, *const *b = right;

	return strcmp((*a)->id, (*b)->id);
}

static void sort_domains(struct account *account)
{
	if (account->domains.count > 1)
		qsort(account->domains.items, account->domains.count,
		      sizeof(*account->domains.items), compare_ids);
}

static struct account_domain *find_domain(const struct account *account, size_t count,
					  const char *id)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(account->domains.items[middle]->id, id);

		if (order == 0)
			return account->domains.items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int bind_domains(struct account *account, const struct topology *topology)
{
	size_t remembered = account->domains.count;
	struct account_domain **bound =
		reallocarray(account->bound, topology->domain_count + 1, sizeof(*bound));

	if (!bound)
		return -ENOMEM;
	account->bound = bound;
	for (size_t i = 0; i < topology->domain_count; i++) {
		const char *id = topology->domains[i].id;
		struct account_domain **item;

		bound[i] = find_domain(account, remembered, id);
		if (!bound[i]) {
			bound[i] = account_domain_new(id);
			item = bound[i] ? MEMORY_APPEND(&account->domains) : NULL;
			if (!item) {
				account_domain_free(bound[i]);
				return -ENOMEM;
			}
			*item = bound[i];
		}
		bound[i]->bound = true;
		account->bound_count = i + 1;
	}
	return 0;
}

/* Those that are no longer there have ended, now at the latest. */
static void end_unbound(struct account *account)
{
	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];

		if (domain->bound)
			continue;
		account_domain_release(domain);
		domain->state = DOMAIN_ENDED;
		if (domain->ended_ns == 0)
			domain->ended_ns = account->tick.to_ns;
	}
}

static bool same_disk(const struct account_disk *a, const struct disk *b)
{
	return a->major == b->major && a->minor == b->minor && strcmp(a->name, b->name) == 0;
}

static void disk_free(struct account_disk *disk)
{
	free(disk->name);
	free(disk);
}

bool account_same_scope(enum scope cpu, enum scope device, unsigned *quality)
{
	if (cpu == SCOPE_WALL && device == SCOPE_DC)
		*quality |= QUALITY_ESTIMATE;
	else if (cpu != device)
		return false;
	return true;
}

static void choose_weights(const struct account *account, struct account_disk *disk,
			   const struct disk *of)
{
	unsigned best = 0;

	for (size_t i = 0; i < account->options.disk_count; i++) {
		const struct weights *weights = account->options.disks[i];
		unsigned fit = weights_match_disk(weights, of, NULL), quality = 0;

		if (fit <= best)
			continue;
		if (!account_same_scope(account->options.cpu->scope, weights->scope, &quality)) {
			disk->out_of_scope = true;
			continue;
		}
		best = fit;
		if (weights->guess || weights->standing == STANDING_ESTIMATE)
			quality |= QUALITY_ESTIMATE;
		disk->weights = weights;
		disk->quality = quality;
	}
	disk->out_of_scope &= !disk->weights;
}

static struct account_disk *disk_new(const struct account *account, const struct disk *of)
{
	struct account_disk *disk = calloc(1, sizeof *disk);

	if (!disk)
		return NULL;
	disk->name = strdup(of->name);
	if (!disk->name) {
		free(disk);
		return NULL;
	}
	disk->major = of->major;
	disk->minor = of->minor;
	disk->rotational = of->rotational;
	choose_weights(account, disk, of);
	return disk;
}

static void move_energy(struct energy *to, struct energy *from)
{
	to->idle_j += from->idle_j;
	to->active_j += from->active_j;
	*from = (struct energy){ 0 };
}

/* Issued readings name leaves: forget those of leaves that are gone. */
static void forget_issued(struct account *account, const struct account_disk *gone)
{
	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];
		size_t left = 0;

		for (size_t k = 0; k < domain->issued.count; k++)
			if (domain->issued.items[k].disk != gone)
				domain->issued.items[left++] = domain->issued.items[k];
		domain->issued.count = left;
	}
}

static void drop_disks(struct account *account, struct account_disk **disks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!disks[i])
			continue;
		forget_issued(account, disks[i]);
		account->gone.made_from |= disks[i]->made_from;
		move_energy(&account->gone.energy, &disks[i]->total);
		disk_free(disks[i]);
	}
	free(disks);
}

static int bind_disks(struct account *account, const struct topology *topology)
{
	struct account_disk **disks = calloc(topology->disk_count + 1, sizeof(*disks));

	if (!disks)
		return -ENOMEM;
	for (size_t i = 0; i < topology->disk_count; i++) {
		for (size_t k = 0; k < account->disk_count && !disks[i]; k++)
			if (account->disks[k] &&
			    same_disk(account->disks[k], &topology->disks[i])) {
				disks[i] = account->disks[k];
				account->disks[k] = NULL;
			}
		if (!disks[i])
			disks[i] = disk_new(account, &topology->disks[i]);
		if (!disks[i]) {
			drop_disks(account, disks, i);
			return -ENOMEM;
		}
	}
	drop_disks(account, account->disks, account->disk_count);
	account->disks = disks;
	account->disk_count = topology->disk_count;
	return 0;
}

static int size_spans(struct account *account)
{
	size_t need = account->bound_count + account->service_count + 1, claims = 0, reach = 0;
	size_t ports = 0;
	struct span *spans;
	struct span_event *events;

	for (size_t i = 0; i < account->bound_count; i++)
		claims += account->bound[i]->claim_count;
	for (size_t i = 0; i < account->bound_count; i++)
		ports += account->bound[i]->port_count;
	for (size_t i = 0; i < account->service_count; i++)
		if (account->services[i]->reach_count > reach)
			reach = account->services[i]->reach_count;
	need += claims + ports + reach;
	spans = reallocarray(account->spans, need, sizeof *spans);
	if (!spans)
		return -ENOMEM;
	account->spans = spans;
	events = reallocarray(account->span_events, 2 * need, sizeof *events);
	if (!events)
		return -ENOMEM;
	account->span_events = events;
	return 0;
}

int account_bind(struct account *account, const struct topology *topology, struct error *error)
{
	int result;

	if (account->is_bound && account->generation == topology->generation)
		return 0;
	account->is_bound = false;
	account->bound_count = 0;
	for (size_t i = 0; i < account->domains.count; i++)
		account->domains.items[i]->bound = false;
	result = bind_domains(account, topology);
	sort_domains(account);
	if (result == 0)
		result = bind_disks(account, topology);
	if (result == 0)
		result = account_bind_nics(account, topology);
	for (size_t i = 0; result == 0 && i < topology->domain_count; i++)
		result = account_domain_update(account, account->bound[i], &topology->domains[i],
					       topology->discovered_ns);
	if (result == 0)
		result = account_bind_services(account, topology, error);
	if (result == 0)
		result = size_spans(account);
	if (result)
		return result == -ENOMEM ? error_setf(error, ENOMEM, "out of memory") : result;
	end_unbound(account);
	account->generation = topology->generation;
	account->is_bound = true;
	return 0;
}

/* The host's total began again: nothing under it may be older. */
void account_forget_cpu(struct account *account)
{
	account->own_previous = (struct cpu_reading){ 0 };
	account_forget_heads(account);
	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];

		domain->total = (struct cpu_reading){ 0 };
		domain->unmatched_j = 0;
		for (size_t k = 0; k < domain->thread_count; k++)
			domain->threads[k].previous = (struct cpu_reading){ 0 };
	}
	for (size_t i = 0; i < account->service_count; i++) {
		account->services[i]->previous = (struct cpu_reading){ 0 };
		account_own_forget(account->services[i]);
	}
	account->counted_from_ns = account->tick.to_ns;
}

static void fold(struct account *account, struct account_domain *domain)
{
	account->folded.count++;
	account->folded.made_from |= domain_made_from(domain);
	move_energy(&account->folded.cpu, &domain->cpu);
	move_energy(&account->folded.disk, &domain->disk);
	move_energy(&account->folded.service, &domain->service);
	move_energy(&account->folded.net, &domain->net);
	domain->guessed_j = 0;
	domain->folded = true;
}

static bool is_listed_ended(const struct account_domain *domain)
{
	return domain->state == DOMAIN_ENDED && !domain->folded;
}

static void fold_oldest(struct account *account)
{
	struct account_domain *oldest = NULL;

	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];

		if (is_listed_ended(domain) && (!oldest || domain->ended_ns < oldest->ended_ns))
			oldest = domain;
	}
	if (oldest)
		fold(account, oldest);
}

void account_fold_ended(struct account *account)
{
	double keep_ns = account->options.ended_keep_s * 1e9;
	size_t listed = 0, left = 0;

	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];

		if (!is_listed_ended(domain))
			continue;
		if ((double)(account->tick.to_ns - domain->ended_ns) > keep_ns)
			fold(account, domain);
		else
			listed++;
	}
	for (; listed > ENDED_LISTED_MAX; listed--)
		fold_oldest(account);
	for (size_t i = 0; i < account->domains.count; i++) {
		struct account_domain *domain = account->domains.items[i];

		if (domain->folded && !domain->bound)
			account_domain_free(domain);
		else
			account->domains.items[left++] = domain;
	}
	account->domains.count = left;
}

void account_memory_clear(struct account *account)
{
	drop_disks(account, account->disks, account->disk_count);
	account_nics_clear(account);
	for (size_t i = 0; i < account->domains.count; i++)
		account_domain_free(account->domains.items[i]);
	free(account->domains.items);
	free(account->bound);
	for (size_t i = 0; i < account->service_count; i++)
		account_service_free(account->services[i]);
	free(account->services);
	free(account->order);
	free(account->spans);
	free(account->span_events);
}
