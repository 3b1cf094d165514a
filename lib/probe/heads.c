/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/heads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cgroupfs.h"
#include "base/memory.h"
#include "base/proc.h"
#include "probe/beside.h"
#include "probe/cputime-total.h"
#include "probe/head-name.h"
#include "probe/head-table.h"
#include "probe/service-cgroups.h"

enum {
	YOUNG_READINGS = 8,     /* in which a process may still become what it is meant to be */
	NAME_READINGS = 64,     /* in one of so many any other's name is looked at */
	TICKS_PER_SECOND = 100, /* of field 22: USER_HZ */
};

struct head_process {
	pid_t pid;
	uint64_t inode, start_ticks;
	clockid_t clock;
	uint64_t last_ns;
	size_t hint;
	unsigned readings;
	bool is_kernel, changes_name;
	bool is_out;  /* of a domain, of a service, or ourselves */
	bool is_base; /* what it used so far is not to be charged */
	char name[HEAD_NAME_BYTES];
};

struct processes { /* ascending by pid */
	struct head_process *items;
	size_t count, capacity;
};

struct heads {
	const struct rootfs *root;
	bool by_time;
	struct head_table table;
	struct proc_ids ids;
	struct processes now, next;
	struct {
		pid_t *items;
		size_t count, capacity;
	} out; /* ascending: whom is_out is for */
	struct exits exits;
	struct cgroup_mounts mounts;
	struct kept_files files;
	struct cputime_total total;
	bool has_total;
	uint64_t listed_ticks; /* when the last list was begun, as field 22 counts; 0 = never */
	unsigned round;
	char note[sizeof(struct error) + 64];
};

/* --- opening ------------------------------------------------------------------------------- */

static void open_total(struct heads *heads)
{
	struct error ignored;

	kept_files_init(&heads->files, heads->root);
	heads->has_total =
		cputime_total_open(&heads->total, &heads->files, &heads->mounts, &ignored) == 0;
}

static void open_exits(struct heads *heads, struct exits *opened)
{
	struct error why = { "" };

	if (opened && opened->is_open) {
		heads->exits = *opened;
		*opened = (struct exits){ 0 };
	} else if (exits_open(&heads->exits, heads->root, &why)) {
		snprintf(heads->note, sizeof heads->note,
			 "what ends between two readings has no name among kept (%s)", why.text);
	}
}

int heads_open(struct heads **out, const struct rootfs *root, bool by_time, struct exits *exits,
	       struct error *error)
{
	struct heads *heads;

	*out = NULL;
	if (!rootfs_is_real(root))
		return error_setf(error, EOPNOTSUPP,
				  "processes of another root are not run by this machine");
	heads = calloc(1, sizeof *heads);
	if (!heads)
		return error_setf(error, ENOMEM, "out of memory");
	heads->root = root;
	heads->by_time = by_time;
	cgroup_find_mounts(root, &heads->mounts);
	open_exits(heads, exits);
	if (by_time)
		open_total(heads);
	*out = heads;
	return 0;
}

void heads_close(struct heads *heads)
{
	if (!heads)
		return;
	exits_close(&heads->exits);
	cputime_total_close(&heads->total);
	proc_ids_clear(&heads->ids);
	free(heads->now.items);
	free(heads->next.items);
	free(heads->out.items);
	free(heads);
}

const char *heads_note(const struct heads *heads)
{
	return heads->note[0] ? heads->note : NULL;
}

/* --- who is left out ----------------------------------------------------------------------- */

static int compare_pids(const void *first, const void *second)
{
	const pid_t *a = first, *b = second;

	return (*a > *b) - (*a < *b);
}

static bool is_left_out(const struct heads *heads, pid_t pid)
{
	return heads->out.count && bsearch(&pid, heads->out.items, heads->out.count,
					   sizeof *heads->out.items, compare_pids);
}

static int leave_out(struct heads *heads, pid_t pid)
{
	pid_t *item = MEMORY_APPEND(&heads->out);

	if (!item)
		return -ENOMEM;
	*item = pid;
	return 0;
}

/* Kernel workers may stand apart from the process that they work for. */
static int leave_out_all(struct heads *heads, pid_t pid, const struct thread *threads, size_t count)
{
	int result = leave_out(heads, pid);

	for (size_t i = 0; i < count && !result; i++)
		if (threads[i].role == THREAD_VHOST || threads[i].role == THREAD_KVM)
			result = leave_out(heads, threads[i].tid);
	return result;
}

/* Who works for a domain beside it is in its total, if that is its cgroup's. */
static int leave_out_beside(struct heads *heads, const struct topology *topology,
			    const struct service_cgroups *services, size_t domain)
{
	struct beside beside = { 0 };
	int result = 0;

	if (service_cgroups_free_of(services, &topology->domains[domain]))
		result = beside_find(heads->root, &heads->mounts, topology, domain, &beside);
	for (size_t i = 0; i < beside.count && !result; i++)
		result = leave_out(heads, beside.items[i].pid);
	beside_clear(&beside);
	return result;
}

static int leave_out_domains(struct heads *heads, const struct topology *topology)
{
	struct service_cgroups services;
	int result = service_cgroups_find(&services, heads->root, topology);

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		const struct domain *domain = &topology->domains[i];

		result = leave_out_all(heads, domain->pid, domain->threads, domain->thread_count);
		if (!result)
			result = leave_out_beside(heads, topology, &services, i);
	}
	service_cgroups_clear(&services);
	return result;
}

/* Who comes back begins anew: what it used meanwhile was another's. */
static void mark_processes(struct heads *heads)
{
	for (size_t i = 0; i < heads->now.count; i++) {
		struct head_process *process = &heads->now.items[i];
		bool was_out = process->is_out;

		process->is_out = is_left_out(heads, process->pid);
		process->is_base |= was_out && !process->is_out;
	}
}

int heads_follow(struct heads *heads, const struct topology *topology)
{
	int result;

	heads->out.count = 0;
	result = leave_out(heads, getpid());
	if (!result)
		result = leave_out_domains(heads, topology);
	for (size_t i = 0; i < topology->service_count && !result; i++)
		result = leave_out_all(heads, topology->services[i].pid,
				       topology->services[i].threads,
				       topology->services[i].thread_count);
	if (result)
		return result;
	qsort(heads->out.items, heads->out.count, sizeof *heads->out.items, compare_pids);
	mark_processes(heads);
	return 0;
}

/* --- reading ------------------------------------------------------------------------------- */

static void charge(struct heads *heads, struct head_process *process, uint64_t total_ns)
{
	uint64_t count[SAMPLE_EVENTS_MAX] = { 0 };

	if (total_ns > process->last_ns && !process->is_base && !process->is_out)
		count[0] = total_ns - process->last_ns;
	if (total_ns > process->last_ns || process->is_base)
		process->last_ns = total_ns;
	process->is_base = false;
	if (count[0])
		head_table_add(&heads->table, process->name, count, &process->hint);
}

/* A worker's name says whom it serves; any process may become another by execve(2). */
static void refresh_name(struct heads *heads, struct head_process *process)
{
	char comm[64];
	long length;

	if (!process->changes_name && process->readings > YOUNG_READINGS &&
	    (heads->round + (unsigned)process->pid) % NAME_READINGS)
		return;
	length = rootfs_readf(heads->root, comm, sizeof comm, "/proc/%d/comm", (int)process->pid);
	if (length <= 0)
		return;
	comm[strcspn(comm, "\n")] = '\0';
	head_name(comm, process->is_kernel, process->name);
}

static void read_process(struct heads *heads, struct head_process *process)
{
	struct timespec time;
	uint64_t total_ns;

	if (process->is_out || clock_gettime(process->clock, &time))
		return;
	total_ns = clock_timespec_ns(&time);
	process->readings += process->readings <= YOUNG_READINGS;
	if (total_ns > process->last_ns && !process->is_base)
		refresh_name(heads, process);
	charge(heads, process, total_ns);
}

/* --- the list ------------------------------------------------------------------------------ */

static uint64_t ticks_now(void)
{
	return clock_read_ns(CLOCK_BOOTTIME) / (1000000000 / TICKS_PER_SECOND);
}

/*
 * `known` has the same number: the kernel may give an inode anew, too, and then it is
 * still the same process. One that is new has used all it has since the last list.
 */
static bool look_at(struct heads *heads, const struct proc_id *id, const struct head_process *known,
		    struct head_process *process)
{
	struct proc_stat stat;

	if (proc_read_stat(heads->root, id->id, 0, &stat) ||
	    clock_getcpuclockid(id->id, &process->clock))
		return false;
	if (known && known->start_ticks == stat.start_ticks) {
		*process = *known;
		process->inode = id->inode;
		return true;
	}
	process->pid = id->id;
	process->inode = id->inode;
	process->start_ticks = stat.start_ticks;
	process->is_kernel = stat.kernel_thread;
	process->changes_name = head_name_changes(stat.comm, stat.kernel_thread);
	process->is_out = is_left_out(heads, id->id);
	process->is_base = !heads->listed_ticks || stat.start_ticks + 1 < heads->listed_ticks;
	head_name(stat.comm, stat.kernel_thread, process->name);
	return true;
}

static int take_over(struct heads *heads, const struct proc_id *id,
		     const struct head_process *known)
{
	struct head_process fresh = { 0 };
	struct head_process *process;

	if (known && known->inode == id->inode)
		fresh = *known;
	else if (!look_at(heads, id, known, &fresh))
		return 0; /* ended meanwhile */
	process = MEMORY_APPEND(&heads->next);
	if (!process)
		return -ENOMEM;
	*process = fresh;
	read_process(heads, process);
	return 0;
}

/* Who is not in the list any more stays until the kernel's word on it has been heard. */
static int keep_ended(struct heads *heads, const struct head_process *process)
{
	struct head_process *kept = MEMORY_APPEND(&heads->next);

	if (!kept)
		return -ENOMEM;
	*kept = *process;
	kept->inode = 0;
	return 0;
}

static int read_list(struct heads *heads)
{
	const struct head_process *known = heads->now.items;
	const struct head_process *end = known + heads->now.count;
	int result = proc_read_ids(heads->root, 0, NULL, &heads->ids);

	heads->next.count = 0;
	for (size_t i = 0; i < heads->ids.count && !result; i++) {
		const struct proc_id *id = &heads->ids.items[i];

		for (; known < end && known->pid < id->id && !result; known++)
			result = keep_ended(heads, known);
		if (!result)
			result = take_over(heads, id,
					   known < end && known->pid == id->id ? known : NULL);
		known += known < end && known->pid == id->id;
	}
	for (; known < end && !result; known++)
		result = keep_ended(heads, known);
	return result;
}

/* --- the ends ------------------------------------------------------------------------------ */

static int compare_process(const void *key, const void *item)
{
	const struct head_process *process = item;

	return compare_pids(key, &process->pid);
}

/* Began and ended since the last list. */
static void hear_unknown(struct heads *heads, const struct process_exit *exit)
{
	struct head_process process = { .pid = exit->pid };

	if (exit->may_be_thread || is_left_out(heads, exit->pid))
		return;
	head_name(exit->comm, exit->is_kernel, process.name);
	charge(heads, &process, exit->ns);
}

static void hear(void *context, const struct process_exit *exit)
{
	struct heads *heads = context;
	struct head_process *process = NULL;

	if (heads->next.count)
		process = bsearch(&exit->pid, heads->next.items, heads->next.count,
				  sizeof *heads->next.items, compare_process);
	if (!heads->listed_ticks)
		return; /* of the time before */
	if (!process) {
		hear_unknown(heads, exit);
		return;
	}
	if (!exit->had_threads && process->readings <= YOUNG_READINGS)
		head_name(exit->comm, exit->is_kernel, process->name);
	charge(heads, process, exit->ns);
}

static void forget_ended(struct processes *processes)
{
	size_t count = 0;

	for (size_t i = 0; i < processes->count; i++)
		if (processes->items[i].inode)
			processes->items[count++] = processes->items[i];
	processes->count = count;
}

/* --- all of it ----------------------------------------------------------------------------- */

static void note_lost(struct heads *heads)
{
	if (heads->exits.lost)
		snprintf(heads->note, sizeof heads->note,
			 "more processes ended between two readings than the kernel could tell "
			 "of: some have no name among kept");
}

static void read_total(struct heads *heads, struct sample *sample)
{
	struct error ignored;

	if (!heads->has_total ||
	    cputime_total_read(&heads->total, &sample->on_cpu.count[0], &ignored)) {
		sample->on_cpu.quality = QUALITY_MISSING;
		return;
	}
	sample->on_cpu.at_ns = clock_now_ns();
	sample->on_cpu.quality = QUALITY_ESTIMATE;
}

int heads_read(struct heads *heads, struct sample *sample)
{
	struct head_stamp stamp = { .quality = QUALITY_ESTIMATE, .by_time = heads->by_time };
	struct processes old = heads->now;
	uint64_t begun_ticks = ticks_now();
	int result;

	heads->round++;
	head_table_begin(&heads->table);
	result = read_list(heads);
	if (result)
		return result;
	exits_read(&heads->exits, hear, heads);
	note_lost(heads);
	forget_ended(&heads->next);
	heads->now = heads->next;
	heads->next = old;
	heads->listed_ticks = begun_ticks;
	stamp.at_ns = clock_now_ns();
	if (heads->by_time)
		read_total(heads, sample);
	return head_table_put(&heads->table, &stamp, sample);
}
