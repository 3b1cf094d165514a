/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/proc.h"
#include "base/text.h"
#include "host/qemu.h"
#include "host/service.h"

/* Anybody can write a command line, of megabytes: so much of it is read, some hundreds of exports.
 */
enum { CMDLINE_MAX = 256 << 10 };
/* A daemon makes its threads while it starts. */
#define YOUNG_NS UINT64_C(5000000000)

struct rule {
	char *name, *match;
	double idle_units;
};

struct entry {
	struct service_process process;
	char *cmdline; /* with its NULs; NULL = not shown to us, found by its socket */
	size_t length;
	pid_t parent;
	uint64_t first_ns; /* 0 = not listed yet */
};

struct service_watch {
	const struct rootfs *root;
	struct rule *rules;
	size_t rule_count;
	struct entry **items; /* ascending by pid */
	size_t count, capacity;
};

/* --- opening ---------------------------------------------------------------- */

static void entry_free(struct entry *entry)
{
	service_process_clear(&entry->process);
	free(entry->cmdline);
	free(entry);
}

void service_watch_close(struct service_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->count; i++)
		entry_free(watch->items[i]);
	for (size_t i = 0; i < watch->rule_count; i++) {
		free(watch->rules[i].name);
		free(watch->rules[i].match);
	}
	free(watch->rules);
	free(watch->items);
	free(watch);
}

static int copy_rules(struct service_watch *watch, const struct host_options *options)
{
	watch->rules = calloc(options->service_count + 1, sizeof *watch->rules);
	if (!watch->rules)
		return -ENOMEM;
	for (size_t i = 0; i < options->service_count; i++) {
		const struct host_service_rule *from = &options->services[i];
		struct rule *to = &watch->rules[watch->rule_count++];

		to->name = strdup(from->name);
		to->match = strdup(from->match);
		to->idle_units = from->idle_units;
		if (!to->name || !to->match)
			return -ENOMEM;
	}
	return 0;
}

int service_watch_open(struct service_watch **out, const struct rootfs *root,
		       const struct host_options *options, struct error *error)
{
	struct service_watch *watch = calloc(1, sizeof *watch);

	*out = NULL;
	if (!watch || copy_rules(watch, options)) {
		service_watch_close(watch);
		return error_setf(error, ENOMEM, "out of memory for the services");
	}
	watch->root = root;
	*out = watch;
	return 0;
}

/* --- entries ---------------------------------------------------------------- */

/* Where that pid is, or would be. */
static size_t place_of(const struct service_watch *watch, pid_t pid)
{
	size_t place = 0;

	while (place < watch->count && watch->items[place]->process.pid < pid)
		place++;
	return place;
}

static struct entry *find(const struct service_watch *watch, pid_t pid)
{
	size_t place = place_of(watch, pid);

	return place < watch->count && watch->items[place]->process.pid == pid ? watch->items[place]
									       : NULL;
}

static void drop(struct service_watch *watch, pid_t pid)
{
	size_t place = place_of(watch, pid);

	if (!find(watch, pid))
		return;
	entry_free(watch->items[place]);
	watch->count--;
	memmove(&watch->items[place], &watch->items[place + 1],
		(watch->count - place) * sizeof(*watch->items));
}

static struct entry *add(struct service_watch *watch, pid_t pid)
{
	size_t place = place_of(watch, pid);
	struct entry *entry = calloc(1, sizeof *entry);

	if (!entry || !MEMORY_APPEND(watch)) {
		free(entry);
		return NULL;
	}
	memmove(&watch->items[place + 1], &watch->items[place],
		(watch->count - 1 - place) * sizeof(*watch->items));
	watch->items[place] = entry;
	entry->process.pid = pid;
	return entry;
}

static bool is_dead(const struct rootfs *root, const struct entry *entry)
{
	pid_t pid = entry->process.pid;
	struct proc_stat stat;

	return proc_read_stat(root, pid, 0, &stat) || stat.state == 'Z' || stat.state == 'X' ||
	       stat.start_ticks != entry->process.start_ticks;
}

/* --- recognising ------------------------------------------------------------ */

static void join_arguments(char *text, size_t length)
{
	for (size_t i = 0; i + 1 < length; i++)
		if (!text[i])
			text[i] = ' ';
}

/* The first rule that names it; NULL = none. */
static const struct rule *find_rule(const struct service_watch *watch, pid_t pid,
				    const char *cmdline, size_t length)
{
	const struct rule *found = NULL;
	struct proc_stat stat;
	char *joined;

	if (!watch->rule_count || proc_read_stat(watch->root, pid, 0, &stat))
		return NULL;
	joined = malloc(length + 1);
	if (!joined)
		return NULL;
	memcpy(joined, cmdline, length);
	joined[length] = '\0';
	join_arguments(joined, length);
	for (size_t i = 0; i < watch->rule_count && !found; i++)
		if (text_matches(watch->rules[i].match, stat.comm) ||
		    text_matches(watch->rules[i].match, joined))
			found = &watch->rules[i];
	free(joined);
	return found;
}

static int apply_rule(const struct rule *rule, struct service_process *process)
{
	if (!rule)
		return 0;
	process->idle_units = rule->idle_units;
	return text_replace(&process->name, rule->name);
}

/* By its program, or by the configuration alone. -ENOENT: neither. */
static int parse(const struct service_watch *watch, pid_t pid, const char *cmdline, size_t length,
		 struct service_process *process)
{
	const struct rule *rule = find_rule(watch, pid, cmdline, length);
	int result = service_parse_cmdline(cmdline, length, process);

	if (result == -ENOENT && rule) {
		*process =
			(struct service_process){ .kind = SERVICE_CONFIGURED, .monitor_after = -1 };
		result = 0;
	}
	if (!result)
		result = apply_rule(rule, process);
	if (result)
		service_process_clear(process);
	return result;
}

/* Takes the command line. 0, -ENOENT, -ENOMEM. */
static int adopt(struct service_watch *watch, pid_t pid, char *cmdline, size_t length)
{
	struct service_process process;
	struct proc_stat stat;
	struct entry *entry;
	int result = parse(watch, pid, cmdline, length, &process);

	if (!result && (proc_read_stat(watch->root, pid, 0, &stat) || stat.state == 'Z'))
		result = -ENOENT;
	entry = result ? NULL : add(watch, pid);
	if (!entry) {
		service_process_clear(&process);
		free(cmdline);
		return result ? result : -ENOMEM;
	}
	entry->process = process;
	entry->process.pid = pid;
	entry->process.start_ticks = stat.start_ticks;
	entry->parent = stat.parent;
	entry->cmdline = cmdline;
	entry->length = length;
	return 0;
}

/* Whole command lines are read of those only that may be ours. */
static bool may_be_ours(const struct service_watch *watch, const char *cmdline)
{
	return watch->rule_count > 0 || service_is_program(cmdline);
}

static int look(void *context, pid_t pid, const char *beginning, bool *ours)
{
	struct service_watch *watch = context;
	const struct entry *known = find(watch, pid);
	char *cmdline = NULL;
	long length;
	int result;

	*ours = false;
	if (!known && !may_be_ours(watch, beginning))
		return 0;
	length = rootfs_read_allf(watch->root, &cmdline, "/proc/%d/cmdline", pid);
	if (length <= 0) {
		free(cmdline);
		return 0;
	}
	length = length < CMDLINE_MAX ? length : CMDLINE_MAX;
	if (known && (!known->cmdline || (known->length == (size_t)length &&
					  memcmp(known->cmdline, cmdline, (size_t)length) == 0))) {
		*ours = true;
		free(cmdline);
		return 0;
	}
	drop(watch, pid);
	result = adopt(watch, pid, cmdline, (size_t)length);
	*ours = result == 0;
	return result == -ENOENT ? 0 : result ? result : 1;
}

static void gone(void *context, pid_t pid)
{
	drop(context, pid);
}

struct qemu_others service_watch_others(struct service_watch *watch)
{
	return (struct qemu_others){ .context = watch, .look = look, .gone = gone };
}

int service_watch_add(struct service_watch *watch, pid_t pid, const char *path)
{
	struct service_process process = { .pid = pid, .idle_units = 1, .monitor_after = -1 };
	struct service_export *export;
	struct entry *entry = find(watch, pid);
	struct proc_stat stat;

	if (proc_read_stat(watch->root, pid, 0, &stat))
		return -ESRCH;
	if (!entry) {
		entry = add(watch, pid);
		if (!entry)
			return -ENOMEM;
		process.start_ticks = stat.start_ticks;
		process.kind = SERVICE_BACKEND;
		entry->process = process;
		entry->parent = stat.parent;
	}
	if (!entry->process.name && text_replace(&entry->process.name, stat.comm))
		return -ENOMEM;
	for (size_t i = 0; i < entry->process.exports.count; i++)
		if (strcmp(entry->process.exports.items[i].address.place, path) == 0)
			return 0;
	export = service_add_export(&entry->process);
	return export ? text_replace(&export->address.place, path) : -ENOMEM;
}

/* --- monitors --------------------------------------------------------------- */

pid_t service_watch_find_monitor(const struct service_watch *watch, const char *path)
{
	for (size_t i = 0; watch && i < watch->count; i++) {
		const struct service_process *process = &watch->items[i]->process;

		if (process->monitor && strcmp(process->monitor, path) == 0 &&
		    !is_dead(watch->root, watch->items[i]) &&
		    service_may_listen(watch->root, process->pid, path))
			return process->pid;
	}
	return 0;
}

bool service_watch_is_daemon(const struct service_watch *watch, pid_t pid)
{
	const struct entry *entry = watch ? find(watch, pid) : NULL;

	return entry && entry->process.kind == SERVICE_STORAGE_DAEMON;
}

/* --- all -------------------------------------------------------------------- */

bool service_watch_changed(const struct service_watch *watch, uint64_t now_ns)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct entry *entry = watch->items[i];

		if (is_dead(watch->root, entry) || !entry->first_ns ||
		    (now_ns - entry->first_ns < YOUNG_NS &&
		     !service_threads_known(&entry->process)))
			return true;
	}
	return false;
}

/* Its child does the work. */
static bool has_twin(const struct service_watch *watch, const struct entry *parent)
{
	for (size_t i = 0; i < watch->count; i++) {
		const struct entry *entry = watch->items[i];

		if (entry->parent == parent->process.pid && entry->cmdline && parent->cmdline &&
		    entry->length == parent->length &&
		    memcmp(entry->cmdline, parent->cmdline, entry->length) == 0)
			return true;
	}
	return false;
}

int service_watch_list(struct service_watch *watch, uint64_t now_ns, struct service_list *list)
{
	for (size_t i = watch->count; i-- > 0;)
		if (is_dead(watch->root, watch->items[i]))
			drop(watch, watch->items[i]->process.pid);
	list->count = 0;
	for (size_t i = 0; i < watch->count; i++) {
		struct entry *entry = watch->items[i];
		struct service_process **added;

		entry->first_ns = entry->first_ns ? entry->first_ns : now_ns;
		if (has_twin(watch, entry))
			continue;
		added = MEMORY_APPEND(list);
		if (!added)
			return -ENOMEM;
		*added = &entry->process;
	}
	return 0;
}
