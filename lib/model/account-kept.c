/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-kept.c - kept, by name: heads are memos inside it.
 *
 * A head's counts are priced like any thread's. Where only its time is known
 * beside events, it has the part of what is still kept that its time is of the
 * time that is kept: an estimate. What no head used is "other".
 *
 * Heads are read a little before the total, and so may exceed what is kept in a
 * tick: the rest stays owed to them and is settled from the next ticks', so that
 * their sum is true over time and kept is theirs and other's in each tick.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/account-snapshot.h"

/* Rounding of the first few readings is large beside what was used by then. */
enum { SETTLED_TICKS = 16 };

/* --- reading ------------------------------------------------------------------------------ */

/* Heads keep their order by and large: look at `hint` first, then around. */
static const struct account_head *find_head(const struct account_heads *heads, size_t hint,
					    const char *name)
{
	for (size_t i = 0; i < heads->count; i++) {
		const struct account_head *head = &heads->items[(hint + i) % heads->count];

		if (strcmp(head->name, name) == 0)
			return head;
	}
	return NULL;
}

/* One that is new counts from 0, unless nobody looked before. */
static struct account_head new_head(const struct account *account, const char *name)
{
	struct account_head head = { .active_j = 0 };

	snprintf(head.name, sizeof head.name, "%.*s", HEAD_NAME_BYTES - 1, name);
	if (account->heads.were_read)
		head.previous.at_ns = account->tick.begin_ns;
	return head;
}

static void read_head(struct account *account, struct account_head *head,
		      const struct head_reading *now)
{
	unsigned events = now->by_time ? 1 : account->options.events.count;
	struct cpu_delta delta;

	head->by_time = now->by_time;
	head->on_cpu_ns = head->active_j = 0;
	account_cpu_delta(&delta, &head->previous, &now->cpu, events, &account->tick);
	if (!delta.known)
		return;
	if (head->by_time)
		head->on_cpu_ns = delta.count[0] * delta.on_time;
	else
		head->active_j = account_load(account, &delta).charge.now_j;
}

static void read_heads(struct account *account, const struct sample *sample)
{
	struct account_heads *heads = &account->heads;
	struct cpu_delta delta;

	for (size_t i = 0; i < sample->head_count; i++) {
		const struct head_reading *reading = &sample->heads[i];
		const struct account_head *before = find_head(heads, i, reading->name);

		heads->next[i] = before ? *before : new_head(account, reading->name);
		read_head(account, &heads->next[i], reading);
	}
	memcpy(heads->items, heads->next, sizeof heads->items);
	heads->count = sample->head_count;
	account_cpu_delta(&delta, &heads->on_cpu_previous, &sample->on_cpu, 1, &account->tick);
	heads->on_cpu_ns = delta.known ? delta.count[0] * delta.on_time : NAN;
	heads->were_read = sample->head_count > 0;
}

void account_forget_heads(struct account *account)
{
	account->heads.count = 0;
	account->heads.were_read = false;
	account->heads.on_cpu_previous = (struct cpu_reading){ 0 };
	account->heads.owed_j = 0;
}

/* --- sharing ------------------------------------------------------------------------------ */

/* It works for no domain: what it has is kept. */
static bool is_kept(const struct account_service *service)
{
	return service->reach_count == 0;
}

static double kept_by_name_j(const struct account *account)
{
	double sum = known(account->own.now_j);

	for (size_t i = 0; i < account->service_count; i++)
		if (is_kept(account->services[i]))
			sum += known(account->services[i]->own.charge.now_j);
	return sum;
}

/* Of the time that all tasks used: what is nobody's but the host's. */
static double kept_ns(const struct account *account)
{
	double rest = account->heads.on_cpu_ns;
	int event = account->cputime_event;

	for (size_t i = 0; i < account->bound_count; i++)
		rest -= known(account->bound[i]->tick.on_cpu_ns);
	for (size_t i = 0; i < account->service_count && event >= 0; i++)
		rest -= account->services[i]->own.count[event];
	return rest;
}

/* pool_j is what the time of heads, and of nobody, has used. */
static void share_by_time(struct account *account, double pool_j)
{
	struct account_heads *heads = &account->heads;
	double sum_ns = 0, of_ns;

	for (size_t i = 0; i < heads->count; i++)
		sum_ns += heads->items[i].by_time ? heads->items[i].on_cpu_ns : 0;
	of_ns = fmax(known(kept_ns(account)), sum_ns);
	for (size_t i = 0; i < heads->count && of_ns > 0; i++)
		if (heads->items[i].by_time)
			heads->items[i].active_j =
				fmax(0, pool_j) * heads->items[i].on_cpu_ns / of_ns;
}

static double sum_heads(const struct account_heads *heads)
{
	double sum_j = 0;

	for (size_t i = 0; i < heads->count; i++)
		sum_j += heads->items[i].active_j;
	return sum_j;
}

/* What is owed beyond rounding says that somebody was counted twice. */
static void settle(struct account *account, double pool_j)
{
	struct account_heads *heads = &account->heads;
	double sum_j = sum_heads(heads);
	double shown_j = fmin(sum_j + fmin(heads->owed_j, sum_j), fmax(pool_j, 0));

	for (size_t i = 0; i < heads->count && sum_j > 0; i++)
		heads->items[i].active_j *= shown_j / sum_j;
	heads->owed_j += sum_j - shown_j;
	if (++heads->ticks >= SETTLED_TICKS &&
	    heads->owed_j > ACCOUNT_SKEW * account->host_cpu.active_j)
		account->tick.quality |= QUALITY_SKEW;
}

void account_heads(struct account *account, const struct sample *sample)
{
	struct account_heads *heads = &account->heads;
	double pool_j = known(account->kept.cpu.now_j) - kept_by_name_j(account);

	for (size_t i = 0; i < heads->count; i++)
		heads->items[i].active_j = heads->items[i].on_cpu_ns = 0;
	if (account->head_state == HEAD_LATE) /* as all that is a part of it */
		return;
	read_heads(account, sample);
	if (account->tick.first)
		return;
	share_by_time(account, pool_j - sum_heads(heads));
	settle(account, pool_j);
}

/* --- showing ------------------------------------------------------------------------------ */

/* A difference that is nothing but rounding is zero. */
static double rest_w(const struct copies *copies, double joules)
{
	const struct account *account = copies->account;
	double host_j = account->head_idle_j + known(account->head.now_j) +
			known(account->disk_idle_j) + known(account->disk_head.now_j) +
			known(account->net_idle_j) + known(account->net_head.now_j);

	return fabs(joules) < 1e-12 * host_j ? 0 : joules / copies->seconds;
}

static void put_entry(struct copies *copies, const char *name, double idle_j, double active_j)
{
	struct snapshot *snapshot = copies->snapshot;
	struct snapshot_kept *row = &snapshot->kept[snapshot->kept_count++];

	row->name = copies_text(copies, name);
	row->idle_w = rest_w(copies, idle_j);
	row->active_w = rest_w(copies, active_j);
}

/* A device that nothing was kept of is left out. */
static void put_device(struct copies *copies, const char *kind, const char *device, double idle_j,
		       double active_j)
{
	char name[128];

	if (rest_w(copies, known(idle_j)) == 0 && rest_w(copies, known(active_j)) == 0)
		return;
	snprintf(name, sizeof name, "%s %s", kind, device);
	put_entry(copies, name, idle_j, active_j);
}

static void put_devices(struct copies *copies)
{
	const struct account *account = copies->account;

	for (size_t i = 0; i < account->disk_count; i++) {
		const struct account_disk *disk = account->disks[i];

		put_device(copies, "disk", disk->name, disk->idle_j - disk->charged_idle_j,
			   disk->active.now_j - known(disk->charged.now_j));
	}
	for (size_t i = 0; i < account->nic_count; i++) {
		const struct account_nic *nic = account->nics[i];

		put_device(copies, "nic", nic->name, nic->idle_j - nic->charged_idle_j,
			   nic->active.now_j - known(nic->charged.now_j));
	}
}

static int by_energy(const void *first, const void *second)
{
	const struct account_head *const *a = first, *const *b = second;

	if ((*a)->active_j != (*b)->active_j)
		return (*a)->active_j < (*b)->active_j ? 1 : -1;
	return strcmp((*a)->name, (*b)->name);
}

/* Anybody may call a process as we call a device. */
static bool is_like_a_device(const char *name)
{
	return strncmp(name, "disk ", 5) == 0 || strncmp(name, "nic ", 4) == 0;
}

/* Does another row have the name? Another process of our name is not ourselves. */
static bool is_taken(const struct account *account, const char *name)
{
	const char *own_name = account->options.own_name;
	bool taken = (own_name && strcmp(own_name, name) == 0) || strcmp(name, "other") == 0;

	for (size_t i = 0; i < account->service_count && !taken; i++)
		taken = is_kept(account->services[i]) &&
			strcmp(account->services[i]->name, name) == 0;
	return taken;
}

static void put_head(struct copies *copies, const struct account_head *head)
{
	char name[HEAD_NAME_BYTES + 24];

	snprintf(name, sizeof name, "%s%s%s", is_like_a_device(head->name) ? "process " : "",
		 head->name, is_taken(copies->account, head->name) ? " (others)" : "");
	put_entry(copies, name, 0, head->active_j);
}

/* The largest first; who used nothing in this tick is left out. Returns the sum. */
static double put_heads(struct copies *copies)
{
	const struct account_heads *heads = &copies->account->heads;
	const struct account_head *sorted[SAMPLE_HEADS_MAX] = { NULL };
	double sum_j = 0;
	size_t count = 0;

	for (size_t i = 0; i < heads->count; i++)
		if (heads->items[i].active_j > 0)
			sorted[count++] = &heads->items[i];
	qsort(sorted, count, sizeof *sorted, by_energy);
	for (size_t i = 0; i < count; i++) {
		put_head(copies, sorted[i]);
		sum_j += sorted[i]->active_j;
	}
	return sum_j;
}

/* Returns the idle energy that is theirs. */
static double put_services(struct copies *copies)
{
	const struct account *account = copies->account;
	double sum_j = 0;

	for (size_t i = 0; i < account->service_count; i++) {
		const struct account_service *service = account->services[i];
		double idle_j = account->head_idle_j * service->idle_part;

		if (!is_kept(service))
			continue;
		put_entry(copies, service->name, idle_j, known(service->own.charge.now_j));
		sum_j += idle_j;
	}
	return sum_j;
}

void account_put_kept(struct copies *copies, struct snapshot *snapshot)
{
	const struct account *account = copies->account;
	double own_j = known(account->own.now_j), named_j = kept_by_name_j(account);
	size_t most = account->disk_count + account->nic_count + account->service_count +
		      account->heads.count + 2;
	double idle_j = account->kept.cpu_idle_j;

	snapshot->kept = copies_rows(copies, most, sizeof *snapshot->kept);
	if (!snapshot->kept)
		return;
	if (own_j > 0)
		put_entry(copies, account->options.own_name, 0, own_j);
	idle_j -= put_services(copies);
	named_j += put_heads(copies);
	put_entry(copies, "other", idle_j, account->kept.cpu.now_j - named_j);
	put_devices(copies);
}
