/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of qemu-storage-daemon(1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/service-cmdline.h"

static const struct service_option daemon_options[] = {
	{ 0, "blockdev", WORD_BLOCKDEV, true },     { 0, "chardev", WORD_CHARDEV, true },
	{ 0, "export", WORD_EXPORT, true },         { 0, "monitor", WORD_MONITOR, true },
	{ 0, "nbd-server", WORD_NBD_SERVER, true }, { 0, "object", WORD_OBJECT, true },
	{ 0, "pidfile", WORD_NONE, true },          { 'T', "trace", WORD_NONE, true },
};

/* Which element an option makes, and the key of a bare first value. */
static const struct {
	enum service_word word;
	enum qemu_element_kind kind;
	const char *implied;
} element_kinds[] = {
	{ WORD_BLOCKDEV, QEMU_BLOCKDEV, "driver" }, { WORD_CHARDEV, QEMU_CHARDEV, "backend" },
	{ WORD_EXPORT, QEMU_EXPORT, "type" },       { WORD_MONITOR, QEMU_MONITOR, "chardev" },
	{ WORD_OBJECT, QEMU_OBJECT, "qom-type" },   { WORD_NBD_SERVER, QEMU_NBD_SERVER, NULL },
};

/*
 * Anybody can write a command line, and each export is looked up among all options, down a chain of
 * nodes: more than these are as if they were not there.
 */
enum { EXPORTS_MAX = 512, OPTIONS_MAX = 8192 };

struct reading {
	struct qemu_elements elements;
	size_t options; /* of all elements */
};

/* The last one, unless it is too much. */
static void bound_element(struct reading *reading)
{
	struct qemu_elements *elements = &reading->elements;
	struct qemu_options *options = &elements->items[elements->count - 1].options;

	if (options->count > OPTIONS_MAX - reading->options) {
		qemu_options_clear(options);
		elements->count--;
	} else {
		reading->options += options->count;
	}
}

static int add_element(struct reading *reading, enum service_word word, const char *argument)
{
	size_t kind = 0, kinds = sizeof element_kinds / sizeof *element_kinds;
	struct qemu_element *element;
	int result;

	while (kind < kinds && element_kinds[kind].word != word)
		kind++;
	if (kind == kinds)
		return 0;
	element = MEMORY_APPEND(&reading->elements);
	if (!element)
		return -ENOMEM;
	element->kind = element_kinds[kind].kind;
	result = qemu_options_parse(&element->options, argument, element_kinds[kind].implied);
	bound_element(reading);
	return result == -ENOMEM ? result : 0; /* broken JSON: as if it were not there */
}

static int add_iothread(struct service_process *process, const struct qemu_options *object)
{
	const char *type = qemu_options_get(object, "", "qom-type");
	const char *id = qemu_options_get(object, "", "id");
	char **added;

	if (!type || !id || strcmp(type, "iothread") != 0)
		return 0;
	added = MEMORY_APPEND(&process->iothreads);
	if (!added)
		return -ENOMEM;
	*added = strdup(id);
	return *added ? 0 : -ENOMEM;
}

/*
 * QEMU's monitor_use_io_thread(): QMP, on a character device that can change its context. Its
 * options; NULL = it is none.
 */
static const struct qemu_options *find_monitor_socket(const struct qemu_elements *elements,
						      const struct qemu_options *monitor)
{
	const char *mode = qemu_options_get(monitor, "", "mode");
	const char *id = qemu_options_get(monitor, "", "chardev"), *backend;
	const struct qemu_options *chardev =
		id ? qemu_element_find(elements, QEMU_CHARDEV, "id", id) : NULL;

	backend = chardev ? qemu_options_get(chardev, "", "backend") : NULL;
	return backend && strcmp(backend, "socket") == 0 && (!mode || strcmp(mode, "control") == 0)
		       ? chardev
		       : NULL;
}

static int note_monitor(struct service_process *process, const struct qemu_options *socket)
{
	if (!socket || process->monitor_after >= 0)
		return 0;
	process->monitor_after = (int)process->iothreads.count;
	return service_copy(&process->monitor, qemu_options_get(socket, "", "path"));
}

/* In the order of the command line, as the daemon makes them. */
static int find_threads(const struct qemu_elements *elements, struct service_process *process)
{
	int result = 0;

	for (size_t i = 0; i < elements->count && !result; i++) {
		const struct qemu_element *element = &elements->items[i];

		if (element->kind == QEMU_OBJECT)
			result = add_iothread(process, &element->options);
		else if (element->kind == QEMU_MONITOR)
			result = note_monitor(process,
					      find_monitor_socket(elements, &element->options));
	}
	return result;
}

static int find_iothread(const struct service_process *process, const char *id)
{
	for (size_t i = 0; id && i < process->iothreads.count; i++)
		if (strcmp(process->iothreads.items[i], id) == 0)
			return (int)i;
	return SERVICE_MAIN_LOOP;
}

/* "addr.type=unix,addr.path=P", "addr.type=inet,addr.host=H,addr.port=N"; a descriptor that was
 * passed has no place. */
static int set_address(struct service_address *address, const struct qemu_options *options)
{
	const char *path = qemu_options_get(options, "", "addr.path");
	const char *host = qemu_options_get(options, "", "addr.host");
	const char *port = qemu_options_get(options, "", "addr.port");

	address->door = !path && port ? SERVICE_TCP : SERVICE_UNIX;
	if (address->door == SERVICE_TCP)
		return service_copy(&address->place, host) || service_copy(&address->port, port)
			       ? -ENOMEM
			       : 0;
	return service_copy(&address->place, path);
}

/* The door of an export by its type; false: nobody comes in by it. */
static int find_door(const struct qemu_elements *elements, const struct qemu_options *options,
		     const char *type, struct service_address *address)
{
	const char *name = qemu_options_get(options, "", "name");
	const char *mountpoint = qemu_options_get(options, "", "mountpoint");

	if (strcmp(type, "fuse") == 0) {
		address->door = SERVICE_FILE;
		return service_copy(&address->place, mountpoint);
	}
	if (strcmp(type, "nbd") != 0)
		return set_address(address, options);
	if (!name)
		name = qemu_options_get(options, "", "node-name");
	for (size_t i = 0; i < elements->count; i++)
		if (elements->items[i].kind == QEMU_NBD_SERVER &&
		    set_address(address, &elements->items[i].options))
			return -ENOMEM;
	return service_copy(&address->export, name);
}

static int add_daemon_export(const struct qemu_elements *elements,
			     const struct qemu_options *options, struct service_process *process)
{
	const char *type = qemu_options_get(options, "", "type");
	const char *node = qemu_options_get(options, "", "node-name");
	struct service_export *export = type ? service_add_export(process) : NULL;
	struct qemu_medium medium = { 0 };
	int result;

	if (!type)
		return 0;
	if (!export)
		return -ENOMEM;
	export->iothread = find_iothread(process, qemu_options_get(options, "", "iothread"));
	result = service_copy(&export->id, qemu_options_get(options, "", "id"));
	if (!result)
		result = find_door(elements, options, type, &export->address);
	if (!result && node && qemu_find_named_medium(elements, node, &medium))
		result = service_set_medium(export, &medium);
	text_free(&medium.source);
	return result;
}

int service_parse_daemon(struct service_words *words, struct service_process *process)
{
	struct reading reading = { 0 };
	const struct qemu_elements *elements = &reading.elements;
	const char *value;
	enum service_word word;
	int result = 0;

	words->options = daemon_options;
	words->option_count = sizeof daemon_options / sizeof *daemon_options;
	while (!result && service_next_word(words, &word, &value))
		result = add_element(&reading, word, value);
	if (!result)
		result = find_threads(elements, process);
	for (size_t i = 0; i < elements->count && process->exports.count < EXPORTS_MAX && !result;
	     i++)
		if (elements->items[i].kind == QEMU_EXPORT)
			result = add_daemon_export(elements, &elements->items[i].options, process);
	qemu_elements_clear(&reading.elements);
	return result;
}
