/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * switch.bpf.c - at each context switch, charge what the CPU's counters have
 * moved on by to the task that ran.
 *
 * Nothing is lost: what the CPU's own books (cpus) grow by goes, to the unit, to
 * a task, to those that ended, or to a head of what has no task. A task runs on
 * one CPU at a time, which alone writes to its entry: no lock, no atomic addition,
 * but for threads of a process that end at the same time.
 *
 * Interrupts are not told apart: their borders are two more readings of the counters
 * for each of them. Measured with messages over the loopback device, a switch and a
 * softirq each: 0.27 us a message for the log with one event, 0.67 us with the borders.
 * So they are with the task that they hit.
 */
#include <stdbool.h>

#include "probe/bpf/switch.h"
#include "probe/bpf/types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* Of include/uapi/linux/bpf.h, which wants the headers of a machine. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1 };
struct bpf_perf_event_value {
	__u64 counter, enabled, running;
};

/* Of include/linux/sched.h. */
enum { TASK_DEAD = 0x80, PF_KTHREAD = 0x200000 };

#define KERNEL_ADDRESS (1ull << 63) /* has this bit */

#define RELOCATED __attribute__((preserve_access_index))

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live; /* threads that have not begun to exit */
} RELOCATED;

struct sched_entity {
	__u64 sum_exec_runtime;
} RELOCATED;

struct task_struct {
	unsigned int __state; /* since 5.14 */
	unsigned int flags;
	struct sched_entity se;
	unsigned long nvcsw, nivcsw; /* switches, this one included */
	int pid, tgid;
	__u64 start_boottime; /* since 5.5 */
	struct task_struct *group_leader;
	struct signal_struct *signal;
	char comm[SWITCH_COMM_BYTES];
} RELOCATED;

struct task_struct___before_5_14 {
	volatile long state;
} RELOCATED;

/* Set before loading. */
const volatile __u32 events = 0;
const volatile __u32 cpu_numbers = 1;

/* Set by the reader. */
volatile __u32 epoch = 0;   /* that CPUs are to pass into */
volatile __u32 reading = 0; /* the same, as long as the one before is being read; else 0 */

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32)); /* event * cpu_numbers + CPU */
	__uint(value_size, sizeof(__u32));
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct switch_cpu);
} cpus SEC(".maps");

/* Sizes are those of the machine: set before loading. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct switch_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct switch_fold);
} folds_0 SEC(".maps"), folds_1 SEC(".maps");

/* --- counts ------------------------------------------------------------------ */

/* Constant loops: what lies beyond `events` is removed when the program is loaded. */
#define FOR_COUNTS(i) _Pragma("unroll") for (__u32 i = 0; i < SWITCH_COUNTS; i++) if (i <= events)

static __always_inline void add(__u64 *to, const __u64 *delta)
{
	FOR_COUNTS(i)
	{
		to[i] += delta[i];
	}
}

static __always_inline void set(__u64 *to, const __u64 *from)
{
	FOR_COUNTS(i)
	{
		to[i] = from[i];
	}
}

static __always_inline void clear(__u64 *counts)
{
	FOR_COUNTS(i)
	{
		counts[i] = 0;
	}
}

/* A counter below what it was is another one: it counts from here. */
static __always_inline __u64 advance(__u64 *last, __u64 now)
{
	__u64 delta = now > *last ? now - *last : 0;

	*last = now;
	return delta;
}

/* What has passed on this CPU since it was last asked. What cannot be read stays for the
 * next time. */
static __always_inline void measure(struct switch_cpu *cpu, __u64 *delta)
{
	__u32 number = bpf_get_smp_processor_id();
	__u64 now_ns = bpf_ktime_get_ns();

#pragma unroll
	for (__u32 i = 0; i < SWITCH_EVENTS_MAX; i++) {
		struct bpf_perf_event_value value;

		if (i >= events)
			break;
		delta[i] = 0;
		if (bpf_perf_event_read_value(&counters, i * cpu_numbers + number, &value,
					      sizeof value))
			cpu->unread++;
		else
			delta[i] = advance(&cpu->last[i], value.counter);
	}
	delta[events & SWITCH_EVENTS_MAX] = advance(&cpu->last[events & SWITCH_EVENTS_MAX], now_ns);
}

/* --- tasks ------------------------------------------------------------------- */

static __always_inline bool is_dead(struct task_struct *task)
{
	struct task_struct___before_5_14 *old = (void *)task;

	if (bpf_core_field_exists(old->state))
		return old->state == TASK_DEAD;
	return task->__state == TASK_DEAD;
}

static __always_inline void identify(struct switch_identity *identity, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;

	identity->process = (__u64)task->signal;
	identity->start_ns = task->start_boottime;
	identity->process_start_ns = leader->start_boottime;
	identity->tid = (__u32)task->pid;
	identity->tgid = (__u32)task->tgid;
	identity->is_kernel = (task->flags & PF_KTHREAD) != 0;
	bpf_probe_read_kernel(identity->comm, sizeof identity->comm, leader->comm);
}

static __always_inline void begin_task(struct switch_task *entry, const struct switch_cpu *cpu)
{
	entry->epoch[0] = entry->epoch[1] = 0;
	entry->born = cpu->epoch;
	entry->dead = 0;
	entry->runtime_ns = entry->ahead_ns = 0;
}

/* The task's entry; NULL: what it used cannot be kept apart. */
static __always_inline struct switch_task *find(struct switch_cpu *cpu, struct task_struct *task)
{
	__u64 key = (__u64)task;
	struct switch_task *entry = bpf_map_lookup_elem(&tasks, &key);
	struct switch_task new = { 0 };

	if (entry && !entry->dead)
		return entry;
	/* Another task is at the address of one that ended, and is left to the reader. */
	if (entry && reading)
		return NULL;
	if (entry) {
		begin_task(entry, cpu);
		return entry;
	}
	begin_task(&new, cpu);
	bpf_map_update_elem(&tasks, &key, &new, BPF_NOEXIST);
	entry = bpf_map_lookup_elem(&tasks, &key);
	if (!entry)
		cpu->no_room++;
	return entry;
}

/* --- tasks that end ---------------------------------------------------------- */

static __always_inline struct switch_fold *find_fold(void *folds,
						     const struct switch_identity *identity)
{
	struct switch_fold *fold = bpf_map_lookup_elem(folds, &identity->process);
	struct switch_fold new = { 0 };

	if (fold)
		return fold;
	new.identity = *identity;
	bpf_map_update_elem(folds, &identity->process, &new, BPF_NOEXIST);
	return bpf_map_lookup_elem(folds, &identity->process);
}

/* Of it nothing is left but the name, as it is by now; the key is made from that. */
static __always_inline void take_name(struct switch_identity *identity, struct task_struct *task)
{
	__u64 half[SWITCH_COMM_BYTES / sizeof(__u64)];

	if (task->pid == task->tgid)
		bpf_probe_read_kernel(identity->comm, sizeof identity->comm, task->comm);
	__builtin_memcpy(half, identity->comm, sizeof half);
	identity->process = (half[0] * 31 + half[1]) & ~KERNEL_ADDRESS;
	identity->start_ns = identity->process_start_ns = 0;
	identity->tid = identity->tgid = 0;
}

static __always_inline void fold(struct switch_cpu *cpu, struct task_struct *task,
				 struct switch_task *entry)
{
	struct switch_identity identity = entry->identity;
	/* A thread that is new says nothing of its process: the first one does. */
	bool is_name = task->signal->live.counter == 0 && entry->born == cpu->epoch &&
		       identity.start_ns == identity.process_start_ns;
	__u32 side = cpu->epoch & 1;
	const __u64 *count = entry->count[side];
	struct switch_fold *fold;

	if (is_name)
		take_name(&identity, task);
	fold = side ? find_fold(&folds_1, &identity) : find_fold(&folds_0, &identity);
	if (!fold && is_name) {
		add(cpu->heads[SWITCH_ENDED][side], count);
		return;
	}
	if (!fold) {
		cpu->no_room++;
		add(cpu->heads[SWITCH_UNLISTED][side], count);
		return;
	}
	FOR_COUNTS(i)
	{
		__sync_fetch_and_add(&fold->count[i], count[i]);
	}
}

/* The last switch of this task, which was charged for it. */
static __always_inline void end(struct switch_cpu *cpu, struct task_struct *task,
				struct switch_task *entry)
{
	__u64 key = (__u64)task;

	fold(cpu, task, entry);
	if (reading == cpu->epoch) {
		entry->epoch[cpu->epoch & 1] = 0;
		entry->dead = 1;
	} else {
		bpf_map_delete_elem(&tasks, &key);
	}
}

/* --- switches and epochs ----------------------------------------------------- */

/*
 * Time on the CPU, where `passed_ns` have passed. The kernel's books begin when the
 * task is woken, so that the way out of idle is its own, and leave out what a
 * hypervisor took; they are up to date when it leaves. What it had before it was
 * first seen to leave is not known, unless it is its first time.
 */
static __always_inline __u64 settle(struct switch_task *entry, struct task_struct *task,
				    __u64 passed_ns, bool leaves)
{
	bool is_known = entry->runtime_ns || task->nvcsw + task->nivcsw == 1;
	__u64 ran_ns = task->se.sum_exec_runtime - entry->runtime_ns;

	if (!leaves) {
		entry->ahead_ns += passed_ns;
		return passed_ns;
	}
	entry->runtime_ns = task->se.sum_exec_runtime;
	if (!is_known) {
		entry->ahead_ns = 0;
		return passed_ns;
	}
	if (ran_ns < entry->ahead_ns) {
		entry->ahead_ns -= ran_ns;
		return 0;
	}
	ran_ns -= entry->ahead_ns;
	entry->ahead_ns = 0;
	return ran_ns;
}

static __always_inline void charge_head(struct switch_cpu *cpu, enum switch_head head,
					const __u64 *delta)
{
	add(cpu->total, delta);
	add(cpu->heads[head][cpu->epoch & 1], delta);
}

static __always_inline void charge(struct switch_cpu *cpu, struct task_struct *task, bool leaves,
				   bool ends)
{
	__u32 side = cpu->epoch & 1;
	__u64 delta[SWITCH_COUNTS];
	struct switch_task *entry;

	measure(cpu, delta);
	if (task->pid == 0) {
		charge_head(cpu, SWITCH_IDLE, delta);
		return;
	}
	entry = find(cpu, task);
	if (!entry) {
		charge_head(cpu, SWITCH_UNLISTED, delta);
		return;
	}
	delta[events & SWITCH_EVENTS_MAX] =
		settle(entry, task, delta[events & SWITCH_EVENTS_MAX], leaves);
	add(cpu->total, delta);
	if (entry->epoch[side] == cpu->epoch) {
		add(entry->count[side], delta);
	} else {
		set(entry->count[side], delta);
		entry->epoch[side] = cpu->epoch;
		/* exec may change all of it. The leader of a thread that ended may be gone. */
		if (!ends || entry->born == cpu->epoch)
			identify(&entry->identity, task);
	}
	if (ends)
		end(cpu, task, entry);
}

static __always_inline struct switch_cpu *this_cpu(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&cpus, &only);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev)
{
	struct switch_cpu *cpu = this_cpu();

	/* A CPU that came, or came back, begins with the next epoch. */
	if (!cpu || (cpu->epoch != epoch && !(reading && cpu->epoch + 1 == epoch)) || !cpu->epoch)
		return 0;
	cpu->switches++;
	charge(cpu, prev, true, is_dead(prev));
	return 0;
}

static __always_inline void start(struct switch_cpu *cpu)
{
	__u64 ignored[SWITCH_COUNTS];

	FOR_COUNTS(i)
	{
		cpu->last[i] = ~0ull;
	}
	measure(cpu, ignored);
	cpu->starts++;
}

/* Of no tracepoint, so that it is attached to none: the reader has it run on each CPU. */
SEC("raw_tp")
int on_epoch(void *context)
{
	struct switch_cpu *cpu = this_cpu();
	__u32 next = epoch & 1;

	if (!cpu || cpu->epoch == epoch)
		return 0;
	if (!cpu->epoch || cpu->epoch + 1 != epoch)
		start(cpu);
	else
		charge(cpu, bpf_get_current_task_btf(), false, false);
	set(cpu->at[!next], cpu->total);
#pragma unroll
	for (int head = 0; head < SWITCH_HEADS; head++)
		clear(cpu->heads[head][next]);
	cpu->epoch = epoch;
	return 0;
}

char switch_license[] SEC("license") = "GPL";
