/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/switch-heads.h"

#include <errno.h>
#include <string.h>

#include "probe/head-name.h"

#define IDLE_NAME "kernel idle"

/* --- who is no head ------------------------------------------------------------------------ */

static void leave_out(struct switch_books *books, pid_t pid)
{
	size_t place = switch_index_find(&books->by_tgid, pid);

	if (place)
		books->processes.items[place - 1].round_out = books->round;
}

/* The numbers are those of this topology: who else has one by now is not known yet, either. */
static void leave_out_followed(struct switch_books *books, const struct switch_followed *followed)
{
	for (size_t i = 0; i < followed->count; i++) {
		const struct switch_party *party = &followed->items[i];

		leave_out(books, party->pid);
		for (size_t k = 0; k < party->member_count; k++)
			if (party->members[k].is_apart)
				leave_out(books, party->members[k].tid);
	}
}

/* --- charging ------------------------------------------------------------------------------ */

/* The log has a worker's plain name; the work queue that it is at stands in /proc. */
static void name_worker(const struct rootfs *root, struct switch_process *process)
{
	char comm[64];
	long length = rootfs_readf(root, comm, sizeof comm, "/proc/%d/comm", (int)process->tgid);

	if (length <= 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	head_name(comm, true, process->name);
}

static void refresh_name(const struct rootfs *root, struct switch_process *process)
{
	if (!process->name[0] || strcmp(process->named, process->comm) != 0) {
		memcpy(process->named, process->comm, sizeof process->named);
		head_name(process->comm, process->is_kernel, process->name);
	}
	if (head_name_changes(process->comm, process->is_kernel))
		name_worker(root, process);
}

/* One that ended before anyone could look has no name. */
static void charge(struct switch_books *books, struct switch_process *process,
		   const struct rootfs *root)
{
	uint64_t delta[SWITCH_COUNTS], any = 0;

	for (unsigned i = 0; i < SWITCH_COUNTS; i++) {
		delta[i] = process->count[i] - process->told[i];
		any |= delta[i];
	}
	memcpy(process->told, process->count, sizeof process->told);
	if (!any || process->round_out == books->round || !process->comm[0])
		return;
	refresh_name(root, process);
	head_table_add(&books->by_name, process->name, delta, &process->hint);
}

void switch_heads_charge(struct switch_books *books, const struct switch_followed *followed,
			 const struct rootfs *root)
{
	leave_out_followed(books, followed);
	for (size_t i = 0; i < books->processes.count; i++)
		charge(books, &books->processes.items[i], root);
}

/* --- telling ------------------------------------------------------------------------------- */

int switch_heads_put(const struct switch_books *books, unsigned quality, unsigned time,
		     struct sample *sample)
{
	const struct head_stamp stamp = { .at_ns = books->at_ns, .quality = quality };
	int result = books->at_ns ? head_table_put(&books->by_name, &stamp, sample) : 0;
	struct head_reading *idle;

	if (result || !books->at_ns)
		return result;
	idle = sample_add_head(sample);
	if (!idle)
		return -ENOMEM;
	strcpy(idle->name, IDLE_NAME);
	idle->cpu.at_ns = books->at_ns;
	idle->cpu.quality = quality;
	memcpy(idle->cpu.count, books->heads[SWITCH_IDLE], sizeof idle->cpu.count);
	idle->cpu.count[time] = 0;
	return 0;
}
