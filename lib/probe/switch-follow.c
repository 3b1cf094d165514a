/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void add(uint64_t *to, const uint64_t *count)
{
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		to[i] += count[i];
}

/* --- following ----------------------------------------------------------------------------- */

/* Both keep their order by and large: look at `hint` first, then around. */
static struct switch_party *find_party(const struct switch_followed *old, size_t hint,
				       const struct switch_party *wanted)
{
	for (size_t i = 0; i < old->count; i++) {
		struct switch_party *party = &old->items[(hint + i) % old->count];

		if (party->pid > 0 && party->pid == wanted->pid &&
		    party->start_ticks == wanted->start_ticks)
			return party;
	}
	return NULL;
}

static struct switch_member *find_member(struct switch_party *old, size_t hint,
					 const struct switch_member *wanted)
{
	for (size_t i = 0; old && i < old->member_count; i++) {
		struct switch_member *member = &old->members[(hint + i) % old->member_count];

		if (member->tid == wanted->tid && member->start_ticks == wanted->start_ticks)
			return member;
	}
	return NULL;
}

static struct switch_member member_of(const struct thread *thread)
{
	return (struct switch_member){
		.tid = thread->tid,
		.start_ticks = thread->start_ticks,
		.is_sampled = thread->sampled,
		.is_worker = thread->role == THREAD_VHOST || thread->role == THREAD_KVM,
	};
}

/* Who is in a party: threads as discovery has them, and processes beside. */
struct wanted {
	const struct thread *threads;
	size_t thread_count;
	struct beside beside; /* borrowed */
};

static struct switch_member member_beside(const struct besider *besider)
{
	return (struct switch_member){
		.tid = besider->pid,
		.start_ticks = besider->start_ticks,
		.is_beside = true,
	};
}

static int follow_members(struct switch_party *party, struct switch_party *old,
			  const struct wanted *all)
{
	size_t count = all->thread_count + all->beside.count;

	party->members = calloc(count + 1, sizeof *party->members);
	if (!party->members)
		return -ENOMEM;
	party->member_count = count;
	for (size_t i = 0; i < count; i++) {
		struct switch_member wanted =
			i < all->thread_count
				? member_of(&all->threads[i])
				: member_beside(&all->beside.items[i - all->thread_count]);
		struct switch_member *known = find_member(old, i, &wanted);

		if (known) {
			wanted.is_apart = known->is_apart;
			wanted.is_based = known->is_based;
			memcpy(wanted.base, known->base, sizeof wanted.base);
			memcpy(wanted.count, known->count, sizeof wanted.count);
			*known = (struct switch_member){ 0 };
		}
		party->members[i] = wanted;
	}
	return 0;
}

/* What the party had that is not among its threads any more. */
static void inherit(struct switch_party *party, struct switch_party *old)
{
	memcpy(party->count, old->count, sizeof party->count);
	memcpy(party->apart, old->apart, sizeof party->apart);
	for (size_t i = 0; i < old->member_count; i++)
		if (old->members[i].is_apart)
			add(party->apart, old->members[i].count);
	free(old->members);
	old->members = NULL;
	old->member_count = 0;
	old->pid = 0; /* it is found no more */
}

static int follow_party(struct switch_followed *new, struct switch_followed *old,
			const struct switch_party *wanted, const struct wanted *members)
{
	struct switch_party *known = find_party(old, new->count, wanted);
	struct switch_party *party = &new->items[new->count++];
	int result;

	*party = *wanted;
	result = follow_members(party, known, members);
	if (!result && known)
		inherit(party, known);
	return result;
}

void switch_followed_clear(struct switch_followed *followed)
{
	for (size_t i = 0; i < followed->count; i++)
		free(followed->items[i].members);
	free(followed->items);
	*followed = (struct switch_followed){ 0 };
}

int switch_followed_update(struct switch_followed *followed, const struct topology *topology,
			   const struct beside *beside)
{
	const struct switch_party own = { .pid = getpid() };
	const struct wanted nobody = { 0 };
	struct switch_followed new = {
		.domain_count = topology->domain_count,
		.service_count = topology->service_count,
		.generation = topology->generation,
	};
	int result = 0;

	new.items = calloc(new.domain_count + new.service_count + 1, sizeof *new.items);
	if (!new.items)
		return -ENOMEM;
	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		const struct domain *domain = &topology->domains[i];
		struct wanted members = { domain->threads, domain->thread_count, { 0 } };

		if (beside)
			members.beside = beside[i];
		result = follow_party(&new, followed,
				      &(struct switch_party){ .pid = domain->pid,
							      .start_ticks = domain->start_ticks },
				      &members);
	}
	for (size_t i = 0; i < topology->service_count && !result; i++) {
		const struct service *service = &topology->services[i];
		const struct wanted members = { service->threads, service->thread_count, { 0 } };

		result = follow_party(&new, followed,
				      &(struct switch_party){ .pid = service->pid,
							      .start_ticks = service->start_ticks },
				      &members);
	}
	if (!result)
		result = follow_party(&new, followed, &own, &nobody);
	switch_followed_clear(followed);
	if (result)
		switch_followed_clear(&new);
	else
		*followed = new;
	return result;
}

/* --- reading ------------------------------------------------------------------------------- */

static void put(struct cpu_reading *reading, const uint64_t *count, uint64_t at_ns,
		unsigned quality)
{
	*reading = (struct cpu_reading){ .quality = quality };
	if (quality & QUALITY_MISSING)
		return;
	reading->at_ns = at_ns;
	memcpy(reading->count, count, sizeof reading->count);
}

static void read_beside(struct switch_member *member, const struct switch_books *books)
{
	const struct switch_process *process =
		switch_books_process(books, member->tid, member->start_ticks);

	member->is_apart = true;
	if (!process)
		return;
	if (!member->is_based)
		memcpy(member->base, process->told, sizeof member->base);
	member->is_based = true;
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		member->count[i] = process->count[i] - member->base[i];
}

static void read_member(struct switch_member *member, const struct switch_party *party,
			const struct switch_books *books)
{
	const struct switch_thread *thread;

	if (member->is_beside) {
		read_beside(member, books);
		return;
	}
	thread = switch_books_thread(books, member->tid, member->start_ticks);
	if (!thread)
		return;
	member->is_apart = member->is_worker && thread->tgid != party->pid;
	memcpy(member->count, thread->count, sizeof member->count);
}

/* threads: parallel to the members, or NULL. Returns the source of the total. */
static enum total_source read_party(struct switch_party *party, const struct switch_books *books,
				    unsigned quality, struct cpu_reading *threads,
				    struct cpu_reading *total)
{
	const struct switch_process *process =
		switch_books_process(books, party->pid, party->start_ticks);
	uint64_t sum[SWITCH_COUNTS];

	if (process)
		memcpy(party->count, process->count, sizeof party->count);
	memcpy(sum, party->count, sizeof sum);
	add(sum, party->apart);
	for (size_t i = 0; i < party->member_count; i++) {
		struct switch_member *member = &party->members[i];

		read_member(member, party, books);
		if (member->is_apart)
			add(sum, member->count);
		if (threads && member->is_sampled)
			put(&threads[i], member->count, books->at_ns, quality);
	}
	put(total, sum, books->at_ns, party->pid > 0 ? quality : quality | QUALITY_MISSING);
	return party->pid > 0 ? TOTAL_PROCESS : TOTAL_NONE;
}

int switch_followed_read(struct switch_followed *followed, const struct switch_books *books,
			 unsigned quality, const struct topology *topology, struct sample *sample)
{
	struct switch_party *party = followed->items;

	if (!party || followed->generation != topology->generation ||
	    followed->domain_count != topology->domain_count ||
	    followed->service_count != topology->service_count)
		return -EINVAL;
	for (size_t i = 0; i < followed->domain_count; i++)
		sample->domains[i].total_source =
			read_party(party++, books, quality, sample->domains[i].threads,
				   &sample->domains[i].total);
	for (size_t i = 0; i < followed->service_count; i++)
		read_party(party++, books, quality, sample->services[i].threads,
			   &sample->services[i].total);
	read_party(party, books, quality, NULL, &sample->own);
	return 0;
}
