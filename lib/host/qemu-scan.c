/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/proc.h"
#include "host/qemu-cmdline.h"

/*
 * A process is read again while it is young, as a fork becomes a VM only when
 * it calls exec; after that now and then, for those that wait before exec.
 */
#define YOUNG_NS UINT64_C(10000000000)
#define ROUND_NS UINT64_C(30000000000)

enum { FOLLOWED_A_GLANCE = 64 };

enum kind { KIND_UNREAD, KIND_OTHER, KIND_KERNEL, KIND_WORKER, KIND_EMULATOR, KIND_OTHERS };

struct entry {
	struct proc_id id;
	enum kind kind;
	uint64_t first_ns;
};

struct entries {
	struct entry *items; /* ascending by pid */
	size_t count, capacity;
};

struct emulator {
	struct qemu_process process;
	char *cmdline;
	size_t length;
	pid_t parent;
	unsigned threads;
	bool twin;    /* another process is the same VM */
	bool hidden;  /* the same, as of the last look */
	bool doubted; /* to be asked, whosever turn it is */
};

struct emulators {
	struct emulator *items;
	size_t count, capacity;
};

struct qemu_watch {
	const struct rootfs *root;
	struct proc_ids ids;
	struct entries entries, before;
	struct emulators emulators;
	struct qemu_workers workers;
	struct qemu_list list; /* what is not hidden; strings belong to `emulators` */
	uint64_t looked_ns;
	size_t round;      /* where the slow round has come to */
	uint64_t readings; /* command lines that were parsed so far */
	size_t turn;       /* emulators[turn - 1] is followed next; 0 = the last one */
	bool changed, blind;
	struct qemu_others others;
};

/* --- processes ------------------------------------------------------------- */

static void emulator_clear(struct emulator *emulator)
{
	qemu_process_clear(&emulator->process);
	free(emulator->cmdline);
}

static struct emulator *find_emulator(struct qemu_watch *watch, pid_t pid)
{
	for (size_t i = 0; i < watch->emulators.count; i++)
		if (watch->emulators.items[i].process.pid == pid)
			return &watch->emulators.items[i];
	return NULL;
}

static void forget(struct qemu_watch *watch, const struct entry *entry)
{
	struct emulator *emulator = find_emulator(watch, entry->id.id);
	struct qemu_workers *workers = &watch->workers;

	if (entry->kind == KIND_EMULATOR && emulator) {
		emulator_clear(emulator);
		*emulator = watch->emulators.items[--watch->emulators.count];
		watch->changed = true;
	}
	for (size_t i = 0; entry->kind == KIND_WORKER && i < workers->count; i++)
		if (workers->items[i].tid == entry->id.id) {
			memmove(&workers->items[i], &workers->items[i + 1],
				(workers->count - i - 1) * sizeof *workers->items);
			workers->count--;
			watch->changed = true;
		}
	if (entry->kind == KIND_OTHERS) {
		watch->others.gone(watch->others.context, entry->id.id);
		watch->changed = true;
	}
}

/* 0, -ENOMEM, or -ENOENT: no VM after all. Takes `cmdline`. */
static int adopt(struct qemu_watch *watch, pid_t pid, char *cmdline, size_t length)
{
	struct emulator *added, emulator = { .cmdline = cmdline, .length = length };
	struct proc_stat stat;
	char name[32];
	int result = -ENOENT;

	if (proc_read_stat(watch->root, pid, pid, &stat) == 0 && stat.state != 'Z' &&
	    qemu_parse_arguments(cmdline, length, &emulator.process)) {
		emulator.process.pid = pid;
		emulator.process.start_ticks = stat.start_ticks;
		emulator.process.reading = ++watch->readings;
		emulator.parent = stat.parent;
		emulator.threads = stat.threads;
		snprintf(name, sizeof name, "qemu-%d", pid);
		if (!emulator.process.name)
			emulator.process.name = strdup(name);
		result = emulator.process.name ? qemu_make_absolute(watch->root, &emulator.process)
					       : -ENOMEM;
	}
	added = result ? NULL : MEMORY_APPEND(&watch->emulators);
	if (added) {
		*added = emulator;
		watch->changed = true;
		return 0;
	}
	emulator_clear(&emulator);
	return result ? result : -ENOMEM;
}

/* Read a process that looks like an emulator, unless this very command line was read before. */
static int read_emulator(struct qemu_watch *watch, struct entry *entry)
{
	struct emulator *known = find_emulator(watch, entry->id.id);
	char *cmdline;
	long length = rootfs_read_allf(watch->root, &cmdline, "/proc/%d/cmdline", entry->id.id);
	int result;

	if (length < 0)
		return 0;
	if (known && known->length == (size_t)length &&
	    memcmp(known->cmdline, cmdline, (size_t)length) == 0) {
		free(cmdline);
		return 0;
	}
	forget(watch, entry);
	entry->kind = KIND_OTHER;
	result = adopt(watch, entry->id.id, cmdline, (size_t)length);
	if (!result)
		entry->kind = KIND_EMULATOR;
	return result == -ENOENT ? 0 : result;
}

/* Without a command line: a kernel thread, a zombie, or a process in the middle of exec. */
static int read_nameless(struct qemu_watch *watch, struct entry *entry)
{
	struct qemu_worker worker, *added;
	struct proc_stat stat;

	forget(watch, entry);
	entry->kind = KIND_OTHER;
	if (proc_read_stat(watch->root, entry->id.id, 0, &stat) || !stat.kernel_thread)
		return 0;
	entry->kind = KIND_KERNEL;
	if (!qemu_worker_from_stat(&stat, entry->id.id, &worker))
		return 0;
	added = MEMORY_APPEND(&watch->workers);
	if (!added)
		return -ENOMEM;
	*added = worker;
	entry->kind = KIND_WORKER;
	watch->changed = true;
	return 0;
}

static int read_other(struct qemu_watch *watch, struct entry *entry, const char *cmdline)
{
	const struct qemu_others *others = &watch->others;
	bool theirs = false;
	int news = 0;

	if (entry->kind != KIND_OTHERS)
		forget(watch, entry);
	if (others->look)
		news = others->look(others->context, entry->id.id, cmdline, &theirs);
	watch->changed = watch->changed || news || (entry->kind == KIND_OTHERS && !theirs);
	entry->kind = theirs ? KIND_OTHERS : KIND_OTHER;
	return news < 0 ? news : 0;
}

static int read_entry(struct qemu_watch *watch, struct entry *entry)
{
	char cmdline[PATH_MAX + 2];
	long length = rootfs_readf(watch->root, cmdline, sizeof cmdline, "/proc/%d/cmdline",
				   entry->id.id);

	if (length == -E2BIG)
		length = (long)sizeof cmdline - 1;
	if (length <= 0)
		return read_nameless(watch, entry);
	if (qemu_is_process(watch->root, entry->id.id, cmdline, length))
		return read_emulator(watch, entry);
	return read_other(watch, entry, cmdline);
}

/* --- one look -------------------------------------------------------------- */

/* Carry over what is known: both lists ascend. Others are new, or gone. */
static int match_entries(struct qemu_watch *watch, uint64_t now_ns)
{
	struct entries old = watch->entries;
	size_t k = 0;

	watch->entries = watch->before;
	watch->before = old;
	watch->entries.count = 0;
	for (size_t i = 0; i < watch->ids.count; i++) {
		const struct proc_id *id = &watch->ids.items[i];
		struct entry *entry = MEMORY_APPEND(&watch->entries);

		if (!entry)
			return -ENOMEM;
		for (; k < old.count && old.items[k].id.id < id->id; k++)
			forget(watch, &old.items[k]);
		*entry = (struct entry){ .id = *id, .first_ns = now_ns };
		if (k == old.count || old.items[k].id.id != id->id)
			continue;
		if (old.items[k].id.inode == id->inode)
			*entry = old.items[k];
		else
			forget(watch, &old.items[k]);
		k++;
	}
	for (; k < old.count; k++)
		forget(watch, &old.items[k]);
	return 0;
}

static bool is_in_round(size_t index, size_t first, size_t count, size_t all)
{
	return (index >= first ? index - first : index + all - first) < count;
}

static int read_entries(struct qemu_watch *watch, uint64_t now_ns)
{
	size_t all = watch->entries.count;
	uint64_t past = now_ns - watch->looked_ns;
	size_t again = past >= ROUND_NS ? all : (size_t)(all * past / ROUND_NS) + 1;
	size_t first = watch->round < all ? watch->round : 0;
	int result = 0;

	for (size_t i = 0; i < all && !result; i++) {
		struct entry *entry = &watch->entries.items[i];
		bool settled = entry->kind == KIND_KERNEL || entry->kind == KIND_WORKER;
		bool young = now_ns - entry->first_ns < YOUNG_NS;

		if (entry->kind == KIND_UNREAD ||
		    (!settled && (young || is_in_round(i, first, again, all))))
			result = read_entry(watch, entry);
	}
	watch->round = all ? (first + again) % all : 0;
	return result;
}

static int compare_entries(const void *first, const void *second)
{
	const struct entry *a = first, *b = second;

	return (a->id.id > b->id.id) - (a->id.id < b->id.id);
}

static struct entry *find_entry(const struct qemu_watch *watch, pid_t pid)
{
	struct entry key = { .id.id = pid };

	if (!watch->entries.count)
		return NULL;
	return bsearch(&key, watch->entries.items, watch->entries.count, sizeof key,
		       compare_entries);
}

/* State and threads of an emulator; if it died, or its id is another's now, it goes. */
static void follow_emulator(struct qemu_watch *watch, struct emulator *emulator)
{
	pid_t pid = emulator->process.pid;
	struct entry *entry;
	struct proc_stat stat;
	bool stopped;

	if (proc_read_stat(watch->root, pid, pid, &stat) || stat.state == 'Z' ||
	    stat.state == 'X' || stat.start_ticks != emulator->process.start_ticks) {
		entry = find_entry(watch, pid);
		if (entry) {
			forget(watch, entry);
			read_entry(watch, entry);
		}
		return;
	}
	stopped = stat.state == 'T' || stat.state == 't';
	watch->changed = watch->changed || stopped != emulator->process.stopped;
	emulator->process.stopped = stopped;
	emulator->parent = stat.parent;
	emulator->threads = stat.threads;
}

/* The doubted ones, and at most so many others, going on where the last time ended;
 * backwards, as some may go. */
static void follow_emulators(struct qemu_watch *watch, size_t most)
{
	for (size_t i = watch->emulators.count; i-- > 0;)
		if (watch->emulators.items[i].doubted) {
			watch->emulators.items[i].doubted = false;
			follow_emulator(watch, &watch->emulators.items[i]);
		}
	for (size_t i = watch->emulators.count; i-- > 0 && most > 0; most--) {
		if (watch->turn == 0 || watch->turn > watch->emulators.count)
			watch->turn = watch->emulators.count;
		follow_emulator(watch, &watch->emulators.items[--watch->turn]);
	}
}

/*
 * A fork shows its parent's command line until it calls exec. With -daemonize
 * the child is the VM and its parent, with a main and an RCU thread, waits;
 * otherwise the child is about to become a script or a helper.
 */
static void compare_with_parent(struct qemu_watch *watch, struct emulator *child)
{
	const struct entry *entry = find_entry(watch, child->parent);
	struct emulator *parent =
		entry && entry->kind == KIND_EMULATOR ? find_emulator(watch, child->parent) : NULL;

	if (!parent || parent == child || parent->length != child->length ||
	    memcmp(parent->cmdline, child->cmdline, child->length) != 0)
		return;
	if (parent->process.daemonizes && parent->threads <= 2)
		parent->twin = true;
	else
		child->twin = true;
}

static void find_twins(struct qemu_watch *watch)
{
	struct emulators *emulators = &watch->emulators;

	for (size_t i = 0; i < emulators->count; i++)
		emulators->items[i].twin = false;
	for (size_t i = 0; i < emulators->count; i++)
		compare_with_parent(watch, &emulators->items[i]);
	for (size_t i = 0; i < emulators->count; i++) {
		struct emulator *emulator = &emulators->items[i];

		watch->changed = watch->changed || emulator->twin != emulator->hidden;
		emulator->hidden = emulator->twin;
	}
}

static int compare_processes(const void *first, const void *second)
{
	const struct qemu_process *a = first, *b = second;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static int list_visible(struct qemu_watch *watch)
{
	find_twins(watch);
	watch->list.count = 0;
	for (size_t i = 0; i < watch->emulators.count; i++) {
		struct emulator *emulator = &watch->emulators.items[i];
		struct qemu_process *process;

		if (emulator->hidden)
			continue;
		process = MEMORY_APPEND(&watch->list);
		if (!process)
			return -ENOMEM;
		*process = emulator->process;
	}
	if (watch->list.count)
		qsort(watch->list.items, watch->list.count, sizeof *watch->list.items,
		      compare_processes);
	return 0;
}

/* proc(5), hidepid: 2 leaves the names out, 1 refuses what is behind them. */
static bool is_blind(const struct qemu_watch *watch)
{
	struct proc_stat stat;
	int result;

	if (!rootfs_is_real(watch->root))
		return false;
	result = proc_read_stat(watch->root, 1, 0, &stat);
	return result == -ESRCH || result == -EPERM || result == -EACCES;
}

static int look(struct qemu_watch *watch, uint64_t now_ns, size_t most, struct error *error)
{
	int result = proc_read_ids(watch->root, 0, NULL, &watch->ids);

	if (result)
		return error_setf(error, -result, "/proc: %s", strerrordesc_np(-result));
	watch->changed = false;
	result = match_entries(watch, now_ns);
	if (!result)
		result = read_entries(watch, now_ns);
	if (!result) {
		follow_emulators(watch, most);
		result = list_visible(watch);
	}
	if (result)
		return error_setf(error, -result, "out of memory for the processes");
	watch->blind = is_blind(watch);
	watch->looked_ns = now_ns;
	return watch->changed;
}

int qemu_watch_look(struct qemu_watch *watch, uint64_t now_ns, struct error *error)
{
	return look(watch, now_ns, SIZE_MAX, error);
}

int qemu_watch_glance(struct qemu_watch *watch, uint64_t now_ns, struct error *error)
{
	return look(watch, now_ns, FOLLOWED_A_GLANCE, error);
}

const struct qemu_list *qemu_watch_list(const struct qemu_watch *watch)
{
	return &watch->list;
}

const struct qemu_process *qemu_watch_find(const struct qemu_watch *watch, pid_t pid)
{
	const struct qemu_process key = { .pid = pid };

	if (!watch->list.count)
		return NULL;
	return bsearch(&key, watch->list.items, watch->list.count, sizeof key, compare_processes);
}

void qemu_watch_doubt(struct qemu_watch *watch, pid_t pid)
{
	struct emulator *emulator = find_emulator(watch, pid);

	if (emulator)
		emulator->doubted = true;
}

const struct qemu_workers *qemu_watch_workers(const struct qemu_watch *watch)
{
	return &watch->workers;
}

bool qemu_watch_is_blind(const struct qemu_watch *watch)
{
	return watch->blind;
}

void qemu_watch_show(struct qemu_watch *watch, const struct qemu_others *others)
{
	watch->others = *others;
}

int qemu_watch_open(struct qemu_watch **watch, const struct rootfs *root, struct error *error)
{
	*watch = calloc(1, sizeof **watch);
	if (!*watch)
		return error_setf(error, ENOMEM, "out of memory for the processes");
	(*watch)->root = root;
	return 0;
}

void qemu_watch_close(struct qemu_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->emulators.count; i++)
		emulator_clear(&watch->emulators.items[i]);
	proc_ids_clear(&watch->ids);
	free(watch->emulators.items);
	free(watch->entries.items);
	free(watch->before.items);
	free(watch->workers.items);
	free(watch->list.items);
	free(watch);
}

/* The strings go over to the caller's list. */
static void hand_over(struct qemu_watch *watch, struct qemu_list *list)
{
	*list = watch->list;
	watch->list = (struct qemu_list){ 0 };
	for (size_t i = 0; i < watch->emulators.count; i++)
		if (!watch->emulators.items[i].hidden)
			watch->emulators.items[i].process = (struct qemu_process){ 0 };
}

int qemu_scan(const struct rootfs *root, struct qemu_list *list, struct error *error)
{
	struct qemu_watch *watch;
	int result = qemu_watch_open(&watch, root, error);

	*list = (struct qemu_list){ 0 };
	if (result)
		return result;
	result = qemu_watch_look(watch, 0, error);
	if (result >= 0)
		hand_over(watch, list);
	qemu_watch_close(watch);
	return result < 0 ? result : 0;
}
