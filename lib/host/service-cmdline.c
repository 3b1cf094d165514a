/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-cmdline.c - the command lines of services: which exports they have, by
 * which door, over what. qemu-nbd(8) and virtiofsd(1); qemu-storage-daemon(1) is
 * in service-daemon.c.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "host/service-cmdline.h"

/* --- clearing ---------------------------------------------------------------- */

static void export_clear(struct service_export *export)
{
	service_address_clear(&export->address);
	free(export->id);
	free(export->source);
	free(export->throttle_group);
}

void service_process_clear(struct service_process *process)
{
	for (size_t i = 0; i < process->exports.count; i++)
		export_clear(&process->exports.items[i]);
	for (size_t i = 0; i < process->iothreads.count; i++)
		free(process->iothreads.items[i]);
	free(process->exports.items);
	free(process->iothreads.items);
	free(process->monitor);
	free(process->tids);
	free(process->name);
	*process = (struct service_process){ 0 };
}

int service_copy(char **target, const char *text)
{
	if (!text)
		return 0;
	free(*target);
	*target = strdup(text);
	return *target ? 0 : -ENOMEM;
}

/* --- words of a command line, as getopt_long(3) takes them --------------------------- */

static const char *take(struct service_words *words)
{
	const char *word = words->next;

	if (word >= words->end)
		return NULL;
	words->next = word + strlen(word) + 1;
	return word;
}

static enum service_word take_letter(struct service_words *words, const char **value)
{
	char letter = *words->cluster++;

	*value = NULL;
	for (size_t i = 0; i < words->option_count; i++) {
		const struct service_option *option = &words->options[i];

		if (option->letter != letter)
			continue;
		if (option->takes) {
			*value = *words->cluster ? words->cluster : take(words);
			words->cluster = "";
		}
		return option->takes && !*value ? WORD_NONE : option->word;
	}
	return WORD_NONE;
}

static enum service_word take_name(struct service_words *words, const char *name,
				   const char **value)
{
	size_t length = strcspn(name, "=");

	*value = NULL;
	for (size_t i = 0; i < words->option_count; i++) {
		const struct service_option *option = &words->options[i];

		if (strncmp(option->name, name, length) != 0 || option->name[length])
			continue;
		if (option->takes)
			*value = name[length] ? name + length + 1 : take(words);
		return option->takes && !*value ? WORD_NONE : option->word;
	}
	return WORD_NONE;
}

bool service_next_word(struct service_words *words, enum service_word *word, const char **value)
{
	if (!*words->cluster) {
		const char *text = take(words);

		*value = text;
		*word = WORD_FILE;
		if (!text)
			return false;
		if (text[0] != '-' || !text[1])
			return true;
		if (text[1] == '-') {
			*word = take_name(words, text + 2, value);
			return true;
		}
		words->cluster = text + 1;
	}
	*word = take_letter(words, value);
	return true;
}

/* --- what all have in common --------------------------------------------------- */

struct service_export *service_add_export(struct service_process *process)
{
	struct service_export *export = MEMORY_APPEND(&process->exports);

	if (!export)
		return NULL;
	export->iothread = SERVICE_MAIN_LOOP;
	export->id = strdup("");
	export->source = strdup("");
	export->address.place = strdup("");
	return export->id && export->source && export->address.place ? export : NULL;
}

int service_set_medium(struct service_export *export, const struct qemu_medium *medium)
{
	export->direct = medium->direct;
	export->submits = medium->submits;
	export->image = medium->image;
	export->more_groups = medium->more_groups;
	if (medium->source.failed || service_copy(&export->source, medium->source.bytes))
		return -ENOMEM;
	return service_copy(&export->throttle_group, medium->throttle_group);
}

/* --- qemu-nbd ------------------------------------------------------------------------ */

static const struct service_option nbd_options[] = {
	{ 'k', "socket", WORD_SOCKET, true },
	{ 'p', "port", WORD_PORT, true },
	{ 'b', "bind", WORD_BIND, true },
	{ 'x', "export-name", WORD_NAME, true },
	{ 'c', "connect", WORD_CONNECT, true },
	{ 'n', "nocache", WORD_NOCACHE, false },
	{ 0, "cache", WORD_CACHE, true },
	{ 0, "aio", WORD_AIO, true },
	{ 0, "image-opts", WORD_IMAGE_OPTS, false },
	{ 'D', "description", WORD_NONE, true },
	{ 'e', "shared", WORD_NONE, true },
	{ 'o', "offset", WORD_NONE, true },
	{ 'B', "bitmap", WORD_NONE, true },
	{ 'T', "trace", WORD_NONE, true },
	{ 'f', "format", WORD_NONE, true },
	{ 'l', "load-snapshot", WORD_NONE, true },
	{ 'P', "partition", WORD_NONE, true },
	{ 0, "object", WORD_NONE, true },
	{ 0, "tls-creds", WORD_NONE, true },
	{ 0, "tls-authz", WORD_NONE, true },
	{ 0, "tls-hostname", WORD_NONE, true },
	{ 0, "pid-file", WORD_NONE, true },
	{ 0, "selinux-label", WORD_NONE, true },
	{ 0, "discard", WORD_NONE, true },
	{ 0, "detect-zeroes", WORD_NONE, true },
};

struct nbd_words {
	const char *value[WORD_SUBOPTIONS + 1]; /* by word; the last one given rules */
};

/* A file name, or with --image-opts "driver=...,file.filename=...". */
static int set_nbd_medium(const struct nbd_words *given, struct service_export *export)
{
	const char *cache = given->value[WORD_CACHE], *aio = given->value[WORD_AIO];
	const char *file = given->value[WORD_FILE] ? given->value[WORD_FILE] : "";
	struct qemu_options drive = { 0 };
	struct qemu_elements none = { 0 };
	struct qemu_medium medium = { 0 };
	int result = given->value[WORD_IMAGE_OPTS] ? qemu_options_parse(&drive, file, NULL)
						   : qemu_options_add(&drive, "file", file);

	if (!result && cache)
		result = qemu_options_add(&drive, "cache", cache);
	if (!result && given->value[WORD_NOCACHE])
		result = qemu_options_add(&drive, "cache", "none");
	if (!result) {
		qemu_find_drive_medium(&none, &drive, &medium);
		medium.submits = aio && strcmp(aio, "threads") != 0;
		medium.image = true;          /* it may find one by itself */
		medium.throttle_group = NULL; /* of options that go now */
		result = service_set_medium(export, &medium);
	}
	text_free(&medium.source);
	qemu_options_clear(&drive);
	return result == -EINVAL ? 0 : result;
}

static int set_nbd_address(const struct nbd_words *given, struct service_address *address)
{
	const char *device = given->value[WORD_CONNECT], *path = given->value[WORD_SOCKET];
	const char *port = given->value[WORD_PORT];

	if (service_copy(&address->export, given->value[WORD_NAME]))
		return -ENOMEM;
	if (device) {
		address->door = SERVICE_FILE;
		return service_copy(&address->place, device);
	}
	address->door = path ? SERVICE_UNIX : SERVICE_TCP;
	if (path)
		return service_copy(&address->place, path);
	return service_copy(&address->place, given->value[WORD_BIND]) ||
			       service_copy(&address->port, port ? port : SERVICE_NBD_PORT)
		       ? -ENOMEM
		       : 0;
}

static int parse_nbd(struct service_words *words, struct service_process *process)
{
	struct nbd_words given = { { NULL } };
	struct service_export *export;
	const char *value;
	enum service_word word;

	while (service_next_word(words, &word, &value))
		given.value[word] = value ? value : "";
	if (!given.value[WORD_FILE])
		return -ENOENT; /* it asks for something, or disconnects */
	export = service_add_export(process);
	if (!export || set_nbd_address(&given, &export->address))
		return -ENOMEM;
	return set_nbd_medium(&given, export);
}

/* --- virtiofsd ------------------------------------------------------------------------ */

static const struct service_option virtiofs_options[] = {
	{ 0, "socket-path", WORD_SOCKET, true },
	{ 0, "socket", WORD_SOCKET, true },
	{ 0, "fd", WORD_FD, true },
	{ 0, "shared-dir", WORD_SHARED, true },
	{ 'o', "option", WORD_SUBOPTIONS, true },
};

static int parse_virtiofs(struct service_words *words, struct service_process *process)
{
	struct qemu_options suboptions = { 0 };
	const char *path = NULL, *folder = NULL, *value;
	struct service_export *export;
	enum service_word word;
	int result = 0;

	while (!result && service_next_word(words, &word, &value)) {
		if (word == WORD_SOCKET)
			path = value;
		else if (word == WORD_SHARED)
			folder = value;
		else if (word == WORD_SUBOPTIONS)
			result = qemu_options_parse(&suboptions, value, NULL);
	}
	if (!folder)
		folder = qemu_options_get(&suboptions, "", "source");
	export = result ? NULL : service_add_export(process);
	if (!export || service_copy(&export->address.place, path) ||
	    service_copy(&export->source, folder))
		result = -ENOMEM;
	qemu_options_clear(&suboptions);
	return result;
}

/* --- all -------------------------------------------------------------------------------- */

#define OPTIONS(table) table, sizeof(table) / sizeof *(table)
static const struct program {
	const char *name;
	enum service_kind kind;
	int (*parse)(struct service_words *words, struct service_process *process);
	const struct service_option *options;
	size_t option_count;
} programs[] = {
	{ "qemu-storage-daemon", SERVICE_STORAGE_DAEMON, service_parse_daemon, NULL, 0 },
	{ "qemu-nbd", SERVICE_QEMU_NBD, parse_nbd, OPTIONS(nbd_options) },
	{ "virtiofsd", SERVICE_VIRTIOFSD, parse_virtiofs, OPTIONS(virtiofs_options) },
};

static const struct program *find_program(const char *path)
{
	size_t length;

	qemu_bare_name(&path, &length);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (length == strlen(programs[i].name) &&
		    strncmp(path, programs[i].name, length) == 0)
			return &programs[i];
	return NULL;
}

bool service_is_program(const char *path)
{
	return find_program(path) != NULL;
}

static bool is_daemon(const char *path)
{
	const struct program *program = find_program(path);

	return program && program->kind == SERVICE_STORAGE_DAEMON;
}

bool service_is_storage_daemon(const struct rootfs *root, pid_t pid)
{
	char name[PATH_MAX + 2];
	long length = rootfs_readf(root, name, sizeof name, "/proc/%d/cmdline", pid);

	if ((length > 0 || length == -E2BIG) && is_daemon(name))
		return true;
	return rootfs_linkf(root, name, sizeof name, "/proc/%d/exe", pid) >= 0 && is_daemon(name);
}

static int parse_terminated(const char *text, size_t length, struct service_process *process)
{
	const struct program *program = find_program(text);
	struct service_words words = { .next = text, .end = text + length, .cluster = "" };

	if (!program)
		return -ENOENT;
	take(&words);
	words.options = program->options;
	words.option_count = program->option_count;
	process->kind = program->kind;
	process->idle_units = 1;
	process->monitor_after = -1;
	process->name = strdup(program->name);
	return process->name ? program->parse(&words, process) : -ENOMEM;
}

int service_parse_cmdline(const char *cmdline, size_t length, struct service_process *process)
{
	char *text = malloc(length + 1);
	int result;

	*process = (struct service_process){ 0 };
	if (!text)
		return -ENOMEM;
	memcpy(text, cmdline, length);
	text[length] = '\0';
	/* A last argument that the kernel cut short has no NUL of its own. */
	result = parse_terminated(text, length && !text[length - 1] ? length : length + 1, process);
	free(text);
	if (result)
		service_process_clear(process);
	return result;
}
