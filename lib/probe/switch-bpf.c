/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * switch-bpf.c - switches followed inside the kernel by bpf/switch.bpf.c. A reading
 * runs one program on each CPU, and then reads what stands still.
 */
#ifdef VMENERGY_BPF
#pragma GCC diagnostic push /* bpftool's code is not held to our warnings */
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <switch.skel.h>
#pragma GCC diagnostic pop
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "probe/bpf-kernel.h"
#include "probe/switch-driver.h"

enum {
	BATCH = 1024,
	/* Entries are made before they are needed: four times as many as there are now. */
	TASKS_MIN = 4096,
	TASKS_MAX = 1 << 16,
	TASKS_FACTOR = 4,
	/* With half of them taken there are to be twice as many. */
	TASKS_LIMIT = 1 << 20,
	CROWDED_PART = 2,
	FOLDS_PART = 2,
};
/* They are told apart by 32 bits: long before these end (at 10 ms after 248 days) all begins anew.
 */
#define EPOCHS_MAX (UINT32_C(1) << 31)

struct doomed {
	uint64_t *items; /* addresses of tasks that ended while they were read */
	size_t count, capacity;
};

struct bpf_state {
	struct switch_scope *scope;
	struct switch_bpf *skeleton;
	unsigned most_tasks, tasks; /* in its map: room, and how many at the last reading */
	uint64_t switches, unread;  /* of skeletons before this one */
	bool no_room;               /* for some task, in the last reading */
	int numbers;                /* of CPUs: what per-CPU values are arrays of */
	struct switch_cpu *cpus, *before;
	struct doomed doomed;
	bool begun; /* else this reading is where the next one counts from */
	/* For a batch. */
	uint64_t keys[BATCH];
	union {
		struct switch_task tasks[BATCH];
		struct switch_fold folds[BATCH];
	} values;
};

/* --- opening ------------------------------------------------------------------------------- */

/* bpf_test_run on a chosen CPU, and the current task with its type: 5.11. */
static const struct bpf_point points[] = { { "sched_switch", 3, 4, "Linux 5.11" } };

static void bpf_close(void *opened)
{
	struct bpf_state *state = opened;

	if (!state)
		return;
	switch_bpf__destroy(state->skeleton);
	free(state->cpus);
	free(state->before);
	free(state->doomed.items);
	free(state);
}

/* The fourth word of loadavg: "running/all". */
static unsigned choose_tasks(const struct rootfs *root)
{
	unsigned tasks = 0, most = TASKS_MIN;
	char text[128];

	if (rootfs_readf(root, text, sizeof text, "/proc/loadavg") > 0 && strchr(text, '/'))
		tasks = (unsigned)strtoul(strchr(text, '/') + 1, NULL, 10);
	while (most < TASKS_MAX && most < TASKS_FACTOR * tasks)
		most *= 2;
	return most;
}

static int load(const struct bpf_state *state, struct switch_bpf *skeleton)
{
	unsigned events = state->scope->context.set.count, tasks = state->most_tasks;
	int result;

	skeleton->rodata->events = events;
	skeleton->rodata->cpu_numbers = (unsigned)state->numbers;
	result = bpf_map__set_max_entries(skeleton->maps.counters,
					  (events ? events : 1) * (unsigned)state->numbers);
	if (!result)
		result = bpf_map__set_max_entries(skeleton->maps.tasks, tasks);
	if (!result)
		result = bpf_map__set_max_entries(skeleton->maps.folds_0, tasks / FOLDS_PART);
	if (!result)
		result = bpf_map__set_max_entries(skeleton->maps.folds_1, tasks / FOLDS_PART);
	return result ? result : switch_bpf__load(skeleton);
}

/* The kernel holds the events from here on, wherever they are on line. */
static int give_counters(const struct bpf_state *state, const struct switch_bpf *skeleton)
{
	const struct perf_cpus *cpus = &state->scope->total.cpus;
	int map = bpf_map__fd(skeleton->maps.counters);

	for (size_t i = 0; i < cpus->count; i++) {
		const struct perf_cpu *cpu = &cpus->items[i];

		for (unsigned e = 0; cpu->group.is_open && e < cpu->group.events; e++) {
			uint32_t key = e * (unsigned)state->numbers + cpu->cpu;

			if (bpf_map_update_elem(map, &key, &cpu->group.fds[e], BPF_ANY))
				return -errno;
		}
	}
	return 0;
}

/* Attached, it waits for the first epoch. */
static int open_skeleton(const struct bpf_state *state, struct switch_bpf **skeleton)
{
	int result;

	*skeleton = switch_bpf__open();
	if (!*skeleton)
		return -errno;
	result = load(state, *skeleton);
	if (!result)
		result = give_counters(state, *skeleton);
	if (!result)
		result = switch_bpf__attach(*skeleton);
	if (result) {
		switch_bpf__destroy(*skeleton);
		*skeleton = NULL;
	}
	return result;
}

static int open_parts(struct bpf_state *state)
{
	const struct switch_scope *scope = state->scope;

	state->most_tasks = scope->most_tasks    ? scope->most_tasks
			    : scope->first_tasks ? scope->first_tasks
						 : choose_tasks(scope->context.files.root);
	state->numbers = libbpf_num_possible_cpus();
	if (state->numbers < 0)
		return state->numbers;
	state->cpus = calloc((size_t)state->numbers, sizeof *state->cpus);
	state->before = calloc((size_t)state->numbers, sizeof *state->before);
	if (!state->cpus || !state->before)
		return -ENOMEM;
	return open_skeleton(state, &state->skeleton);
}

static int bpf_open(void **opened, struct switch_scope *scope, struct error *error)
{
	const struct rootfs *root = scope->context.files.root;
	struct bpf_state *state;
	int result;

	result = bpf_kernel_check(root, points, sizeof points / sizeof *points, error);
	if (result)
		return result;
	state = calloc(1, sizeof *state);
	if (!state)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	state->scope = scope;
	result = open_parts(state);
	if (result) {
		bpf_close(state);
		return bpf_kernel_explain(root, result, error);
	}
	*opened = state;
	return 0;
}

static int bpf_follow(void *opened, struct error *error)
{
	const struct bpf_state *state = opened;
	int result = give_counters(state, state->skeleton);

	return result ? error_setf(error, -result, "counters of a CPU that came: %s",
				   strerror(-result))
		      : 0;
}

/* --- an epoch ends ------------------------------------------------------------------------- */

/* A CPU that is not on line any more has nothing to add. */
static int pass_cpu(const struct bpf_state *state, unsigned cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);
	int result =
		bpf_prog_test_run_opts(bpf_program__fd(state->skeleton->progs.on_epoch), &options);

	return result == -ENXIO ? 0 : result;
}

/* Into the next one, on all CPUs. 0 or -errno. */
static int pass(struct bpf_state *state, uint32_t *epoch)
{
	const struct packages *packages = &state->scope->context.packages;
	struct switch_bpf__bss *shared = state->skeleton->bss;
	uint32_t next = shared->epoch + 1;
	int result = 0;

	shared->reading = next;
	shared->epoch = next;
	for (size_t i = 0; i < packages->cpu_count && !result; i++)
		result = pass_cpu(state, packages->cpus[i].cpu);
	*epoch = next;
	return result;
}

/* --- reading ------------------------------------------------------------------------------- */

static void subtract(uint64_t *delta, const uint64_t *now, const uint64_t *before)
{
	for (unsigned i = 0; i < SWITCH_COUNTS; i++)
		delta[i] = now[i] - before[i];
}

/*
 * A CPU that went off line has not passed: what it had charged until then stands in
 * its total and on the side that is read, unless that was read before.
 */
static int read_cpu(struct bpf_state *state, unsigned number, uint32_t epoch,
		    struct switch_books *books)
{
	const struct switch_cpu *now = &state->cpus[number], *before = &state->before[number];
	uint32_t side = epoch & 1;
	bool passed = now->epoch == epoch + 1;
	uint64_t delta[SWITCH_COUNTS];

	state->no_room |= now->no_room != before->no_room;
	if (now->no_room != before->no_room || now->unread != before->unread ||
	    now->starts != before->starts)
		books->quality |= QUALITY_GAP;
	if (now->starts != before->starts || (!passed && now->epoch != epoch))
		return 0;
	subtract(delta, passed ? now->at[side] : now->total, before->total);
	for (unsigned head = 0; head < SWITCH_HEADS; head++)
		switch_books_add(books, (enum switch_head)head, number, now->heads[head][side]);
	return switch_books_total(books, number, delta);
}

static int read_cpus(struct bpf_state *state, uint32_t epoch, struct switch_books *books)
{
	uint32_t only = 0;
	int result = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(state->skeleton->maps.cpus), &only, state->cpus))
		return -errno;
	for (unsigned i = 0; i < (unsigned)state->numbers && !result; i++) {
		if (state->begun)
			result = read_cpu(state, i, epoch, books);
		/* What was charged since belongs to the next reading. */
		if (state->cpus[i].epoch == epoch + 1)
			memcpy(state->cpus[i].total, state->cpus[i].at[epoch & 1],
			       sizeof state->cpus[i].total);
		state->before[i] = state->cpus[i];
	}
	return result;
}

static void read_task(struct bpf_state *state, uint64_t key, const struct switch_task *task,
		      uint32_t epoch, struct switch_books *books)
{
	static const uint64_t nothing[SWITCH_COUNTS];
	bool has_run = task->epoch[epoch & 1] == epoch && state->begun;
	uint64_t *doomed;

	if (task->born > epoch)
		return;
	if (has_run || !task->dead)
		switch_books_charge(books, &task->identity,
				    has_run ? task->count[epoch & 1] : nothing);
	if (!task->dead)
		return;
	doomed = MEMORY_APPEND(&state->doomed);
	if (doomed) /* else next time */
		*doomed = key;
}

/* The next part of a map into state->values. true: there is more. -errno in *result. */
static bool next_batch(struct bpf_state *state, int map, uint32_t *cursor, bool begun,
		       uint32_t *count, int *result)
{
	*count = BATCH;
	*result = bpf_map_lookup_batch(map, begun ? cursor : NULL, cursor, state->keys,
				       &state->values, count, NULL);
	if (*result != -ENOENT)
		return *result == 0;
	*result = 0;
	return false;
}

static int read_tasks(struct bpf_state *state, uint32_t epoch, struct switch_books *books)
{
	int map = bpf_map__fd(state->skeleton->maps.tasks), result;
	uint32_t cursor = 0, count;
	bool begun = false, more;

	state->doomed.count = 0;
	state->tasks = 0;
	do {
		more = next_batch(state, map, &cursor, begun, &count, &result);
		begun = true;
		state->tasks += count;
		for (uint32_t i = 0; i < count && !result; i++)
			read_task(state, state->keys[i], &state->values.tasks[i], epoch, books);
	} while (more);
	/* None of them can be another's before the reading is over. */
	for (size_t i = 0; i < state->doomed.count; i++)
		bpf_map_delete_elem(map, &state->doomed.items[i]);
	return result;
}

/* Nobody else writes to this side: it is emptied for the next epoch but one. */
static int read_folds(struct bpf_state *state, uint32_t epoch, struct switch_books *books)
{
	int map = bpf_map__fd(epoch & 1 ? state->skeleton->maps.folds_1
					: state->skeleton->maps.folds_0);
	uint32_t cursor = 0, count;
	bool more;
	int result;

	do {
		more = next_batch(state, map, &cursor, false, &count, &result);
		for (uint32_t i = 0; i < count && !result; i++) {
			const struct switch_fold *fold = &state->values.folds[i];

			if (state->begun && fold->identity.tgid)
				switch_books_fold(books, &fold->identity, fold->count);
			else if (state->begun)
				switch_books_end_name(books, &fold->identity, fold->count);
			bpf_map_delete_elem(map, &state->keys[i]);
		}
	} while (more);
	return result;
}

static void count_calls(const struct bpf_state *state, uint64_t *switches, uint64_t *unread)
{
	*switches = state->switches;
	*unread = state->unread;
	for (int i = 0; i < state->numbers; i++) {
		*switches += state->cpus[i].switches;
		*unread += state->cpus[i].unread;
	}
}

/* --- more room ----------------------------------------------------------------------------- */

/* NULL: there is room enough, or no more to be had. */
static struct switch_bpf *open_larger(struct bpf_state *state)
{
	struct switch_bpf *larger = NULL;

	if (state->skeleton->bss->epoch >= EPOCHS_MAX && !open_skeleton(state, &larger))
		return larger;
	if (state->scope->most_tasks || state->most_tasks >= TASKS_LIMIT ||
	    state->tasks <= state->most_tasks / CROWDED_PART)
		return NULL;
	state->most_tasks *= 2;
	if (open_skeleton(state, &larger))
		state->most_tasks = TASKS_LIMIT; /* and that was the last try */
	return larger;
}

static void replace(struct bpf_state *state, struct switch_bpf *larger)
{
	count_calls(state, &state->switches, &state->unread);
	switch_bpf__destroy(state->skeleton);
	state->skeleton = larger;
	memset(state->cpus, 0, (size_t)state->numbers * sizeof *state->cpus);
	memset(state->before, 0, (size_t)state->numbers * sizeof *state->before);
	state->tasks = 0;
	state->begun = false;
}

/* --- the reading --------------------------------------------------------------------------- */

static int read_all(struct bpf_state *state, struct switch_books *books, uint64_t *at_ns)
{
	uint32_t epoch;
	int result = pass(state, &epoch);

	*at_ns = clock_now_ns();
	if (!state->begun && epoch > 1)
		books->quality |= QUALITY_GAP;
	if (!result)
		result = read_cpus(state, epoch - 1, books);
	if (!result)
		result = read_tasks(state, epoch - 1, books);
	if (!result)
		result = read_folds(state, epoch - 1, books);
	state->skeleton->bss->reading = 0;
	state->begun = !result;
	return result;
}

/* A larger one begins when the reading has ended: what passed meanwhile is lost. */
static int bpf_read(void *opened, struct switch_books *books, uint64_t *at_ns, struct error *error)
{
	struct bpf_state *state = opened;
	struct switch_bpf *larger = open_larger(state);
	int result;

	state->no_room = false;
	result = read_all(state, books, at_ns);
	if (larger) {
		books->quality |= QUALITY_GAP;
		replace(state, larger);
		if (!result)
			result = read_all(state, books, at_ns);
	}
	if (!result && state->no_room && !error->text[0])
		error_setf(error, ENOSPC,
			   "more tasks than there is room for: some are in no total");
	return result ? error_setf(error, -result, "switches by BPF: %s", strerror(-result)) : 0;
}

static void bpf_tell(void *opened, uint64_t *switches, uint64_t *unread)
{
	count_calls(opened, switches, unread);
}

const struct switch_driver switch_by_bpf = {
	.name = "BPF",
	.uses_groups = true,
	.sees_running = true,
	.open = bpf_open,
	.close = bpf_close,
	.follow = bpf_follow,
	.read = bpf_read,
	.tell = bpf_tell,
};
#endif
