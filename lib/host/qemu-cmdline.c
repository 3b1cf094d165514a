/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/qemu-cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"

/* --- which program --------------------------------------------------------- */

static bool ends_with(const char *name, size_t length, const char *end)
{
	size_t n = strlen(end);

	return length > n && memcmp(name + length - n, end, n) == 0;
}

void qemu_bare_name(const char **name, size_t *length)
{
	static const char *const ends[] = { " (deleted)", "-wrapped", "-unwrapped",
					    ".real",      ".bin",     ".orig" };
	const char *slash = strrchr(*name, '/');

	if (slash)
		*name = slash + 1;
	while (**name == '.')
		(*name)++;
	*length = strlen(*name);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends_with(*name, *length, ends[i]))
			*length -= strlen(ends[i]);
}

bool qemu_is_emulator(const char *path)
{
	static const char *const beginnings[] = { "qemu-system-", "qemu-kvm" };
	static const char *const names[] = { "kvm", "kvm-spice", "qemu" };
	size_t length;

	qemu_bare_name(&path, &length);
	for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
		if (strncmp(path, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (length == strlen(names[i]) && strncmp(path, names[i], length) == 0)
			return true;
	return false;
}

/* --- cutting --------------------------------------------------------------- */

/* Options that say something. `preset` goes before the argument: -hda FILE is -drive index=0. */
static const struct interesting {
	const char *name;
	enum qemu_element_kind kind;
	const char *implied; /* key of a first bare value */
	const char *preset;
	bool whole; /* the argument is one value, commas and all */
} interesting[] = {
	{ "name", QEMU_NAME, "guest", NULL, false },
	{ "uuid", QEMU_UUID, "uuid", NULL, true },
	{ "smp", QEMU_SMP, "cpus", NULL, false },
	{ "machine", QEMU_MACHINE, "type", NULL, false },
	{ "M", QEMU_MACHINE, "type", NULL, false },
	{ "smbios", QEMU_SMBIOS, NULL, NULL, false },
	{ "drive", QEMU_DRIVE, NULL, NULL, false },
	{ "blockdev", QEMU_BLOCKDEV, "driver", NULL, false },
	{ "device", QEMU_DEVICE, "driver", NULL, false },
	{ "object", QEMU_OBJECT, "qom-type", NULL, false },
	{ "chardev", QEMU_CHARDEV, "backend", NULL, false },
	{ "hda", QEMU_DRIVE, "file", "index=0", true },
	{ "hdb", QEMU_DRIVE, "file", "index=1", true },
	{ "hdc", QEMU_DRIVE, "file", "index=2", true },
	{ "hdd", QEMU_DRIVE, "file", "index=3", true },
	{ "cdrom", QEMU_DRIVE, "file", "index=2,media=cdrom", true },
	{ "fda", QEMU_DRIVE, "file", "index=0,if=floppy", true },
	{ "fdb", QEMU_DRIVE, "file", "index=1,if=floppy", true },
	{ "sd", QEMU_DRIVE, "file", "index=0,if=sd", true },
};

static const struct interesting first_disk = { "", QEMU_DRIVE, "file", "index=0", true };
static const struct interesting daemonize = { "daemonize", QEMU_DAEMONIZE, NULL, NULL, false };

/* Options that take no argument (qemu-options.hx of QEMU 2.0 to 9.1): what follows is an option. */
static const char *const flags[] = {
	"S",
	"alt-grab",
	"async-teardown",
	"ctrl-grab",
	"curses",
	"enable-fips",
	"enable-kvm",
	"enable-sync-profile",
	"full-screen",
	"h",
	"help",
	"jitdump",
	"localtime",
	"mem-prealloc",
	"no-acpi",
	"no-fd-bootchk",
	"no-frame",
	"no-hpet",
	"no-kvm",
	"no-kvm-irqchip",
	"no-kvm-pit",
	"no-kvm-pit-reinjection",
	"no-quit",
	"no-reboot",
	"no-shutdown",
	"no-user-config",
	"nodefaults",
	"nodefconfig",
	"nographic",
	"old-param",
	"one-insn-per-tb",
	"only-migratable",
	"perfmap",
	"portrait",
	"preconfig",
	"s",
	"sdl",
	"semihosting",
	"show-cursor",
	"singlestep",
	"snapshot",
	"tdf",
	"usb",
	"version",
	"win2k-hack",
	"xen-attach",
	"xen-create",
	"xen-domid-restrict",
};

struct arguments { /* NUL-separated; the text ends with a NUL */
	const char *next, *end;
};

static const char *take_argument(struct arguments *arguments)
{
	const char *argument = arguments->next;

	if (argument >= arguments->end)
		return NULL;
	arguments->next = argument + strlen(argument) + 1;
	return argument;
}

/* Options whose argument is a person's own text, which may begin with a dash. */
static const char *const texts[] = { "append", "loadvm", "prom-env" };

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}
#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof *(names))

static const struct interesting *find_interesting(const char *name)
{
	for (size_t i = 0; i < sizeof interesting / sizeof *interesting; i++)
		if (strcmp(name, interesting[i].name) == 0)
			return &interesting[i];
	return NULL;
}

static int add_element(struct qemu_elements *elements, const struct interesting *option,
		       const char *argument)
{
	struct qemu_element *element = MEMORY_APPEND(elements);
	int result = 0;

	if (!element)
		return -ENOMEM;
	element->kind = option->kind;
	if (option->preset)
		result = qemu_options_parse(&element->options, option->preset, NULL);
	if (!result && option->whole)
		result = qemu_options_add(&element->options, option->implied, argument);
	else if (!result)
		result = qemu_options_parse(&element->options, argument, option->implied);
	return result == -ENOMEM ? result : 0; /* broken JSON: as if it were not there */
}

/*
 * An argument is an option only where one can stand: the kernel command line
 * of -append may well read "-name x". An option that is not known here takes
 * the next argument unless that looks like an option.
 */
static int cut_one(struct arguments *arguments, const char *argument,
		   struct qemu_elements *elements)
{
	const struct interesting *option;
	const char *value;

	if (*argument != '-')
		return add_element(elements, &first_disk, argument);
	argument += argument[1] == '-' ? 2 : 1;
	option = find_interesting(argument);
	if (strcmp(argument, daemonize.name) == 0)
		return add_element(elements, &daemonize, "");
	if (IS_AMONG(argument, flags))
		return 0;
	if (!option && !IS_AMONG(argument, texts) && arguments->next < arguments->end &&
	    *arguments->next == '-')
		return 0;
	value = take_argument(arguments);
	return option && value ? add_element(elements, option, value) : 0;
}

void qemu_elements_clear(struct qemu_elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		qemu_options_clear(&elements->items[i].options);
	free(elements->items);
	*elements = (struct qemu_elements){ 0 };
}

const struct qemu_options *qemu_element_find(const struct qemu_elements *elements,
					     enum qemu_element_kind kind, const char *key,
					     const char *value)
{
	for (size_t i = 0; i < elements->count; i++) {
		const struct qemu_options *options = &elements->items[i].options;
		const char *found = qemu_options_get(options, "", key);

		if (elements->items[i].kind == kind && found && strcmp(found, value) == 0)
			return options;
	}
	return NULL;
}

/* --- meaning --------------------------------------------------------------- */

static int replace(char **target, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*target);
	*target = copy;
	return 0;
}

/* Lower case, as libvirt writes it; anything that is not a UUID is left alone. */
static int set_uuid(struct qemu_process *process, const char *value)
{
	enum { UUID_LENGTH = 36 };
	int result;

	if (strlen(value) != UUID_LENGTH || strspn(value, "0123456789abcdefABCDEF-") != UUID_LENGTH)
		return 0;
	result = replace(&process->uuid, value);
	for (char *byte = process->uuid; !result && *byte; byte++)
		*byte = (char)tolower((unsigned char)*byte);
	return result;
}

/* 0 = not given; numbers that no machine has count as not given. */
static unsigned small_number(const struct qemu_options *options, const char *key)
{
	const char *text = qemu_options_get(options, "", key);
	uint64_t value;

	if (!text || number_parse_u64(text, &value) || value > USHRT_MAX)
		return 0;
	return (unsigned)value;
}

/* Counts not given are 1; maxcpus is the number only when nothing else is said. */
static unsigned smp_vcpus(const struct qemu_options *options)
{
	static const char *const levels[] = { "drawers",  "books",   "sockets", "dies",
					      "clusters", "modules", "cores",   "threads" };
	unsigned cpus = small_number(options, "cpus");
	uint64_t product = 1;
	bool stated = false;

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		unsigned count = small_number(options, levels[i]);

		stated = stated || count;
		if (count && product <= USHRT_MAX)
			product *= count;
	}
	if (cpus)
		return cpus;
	if (stated && product <= USHRT_MAX)
		return (unsigned)product;
	return small_number(options, "maxcpus");
}

/* Names that only libvirt gives: its monitor, and the key that encrypts its secrets. */
static bool is_libvirts(const struct qemu_element *element)
{
	const char *id = qemu_options_get(&element->options, "", "id");

	return id && ((element->kind == QEMU_CHARDEV && strcmp(id, "charmonitor") == 0) ||
		      (element->kind == QEMU_OBJECT && strcmp(id, "masterKey0") == 0));
}

static int set_from_element(struct qemu_process *process, const struct qemu_element *element)
{
	const struct qemu_options *options = &element->options;
	const char *name = qemu_options_get(options, "", "guest");
	const char *uuid = qemu_options_get(options, "", "uuid");
	unsigned vcpus;

	process->libvirt = process->libvirt || is_libvirts(element);
	switch (element->kind) {
	case QEMU_NAME:
		return name && *name ? replace(&process->name, name) : 0;
	case QEMU_UUID:
	case QEMU_SMBIOS:
		return uuid ? set_uuid(process, uuid) : 0;
	case QEMU_SMP:
		vcpus = smp_vcpus(options);
		process->vcpus = vcpus ? vcpus : process->vcpus;
		return 0;
	case QEMU_DAEMONIZE:
		process->daemonizes = true;
		return 0;
	case QEMU_MACHINE:
	case QEMU_DRIVE:
	case QEMU_BLOCKDEV:
	case QEMU_DEVICE:
	case QEMU_OBJECT:
	case QEMU_CHARDEV:
	case QEMU_EXPORT:
	case QEMU_NBD_SERVER:
	case QEMU_MONITOR:
		break;
	}
	return 0;
}

/* libvirt asks a QEMU without a machine what it can do: that is no VM. */
static bool has_machine(const struct qemu_elements *elements)
{
	return !qemu_element_find(elements, QEMU_MACHINE, "type", "none");
}

static int parse_terminated(const char *text, size_t length, struct qemu_process *process)
{
	struct arguments arguments = { text, text + length };
	struct qemu_elements elements = { 0 };
	const char *program = take_argument(&arguments), *argument;
	int result = 0;

	while (!result && (argument = take_argument(&arguments)))
		result = cut_one(&arguments, argument, &elements);
	if (!result && !has_machine(&elements))
		result = -ENOENT;
	for (size_t i = 0; i < elements.count && !result; i++)
		result = set_from_element(process, &elements.items[i]);
	if (!result)
		result = qemu_parse_drives(&elements, program, process);
	qemu_elements_clear(&elements);
	return result;
}

bool qemu_parse_arguments(const char *cmdline, size_t length, struct qemu_process *process)
{
	char *text;
	int result;

	*process = (struct qemu_process){ 0 };
	if (length == 0)
		return false;
	text = malloc(length + 1);
	if (!text)
		return false;
	memcpy(text, cmdline, length);
	text[length] = '\0';
	/* A last argument that the kernel cut short has no NUL of its own. */
	result = parse_terminated(text, text[length - 1] ? length + 1 : length, process);
	free(text);
	if (result)
		qemu_process_clear(process);
	return result == 0;
}

bool qemu_parse_cmdline(const char *cmdline, size_t length, struct qemu_process *process)
{
	char program[PATH_MAX];
	size_t most = length < sizeof program ? length : sizeof program - 1;

	*process = (struct qemu_process){ 0 };
	memcpy(program, cmdline, most);
	program[most] = '\0';
	return qemu_is_emulator(program) && qemu_parse_arguments(cmdline, length, process);
}

void qemu_process_clear(struct qemu_process *process)
{
	for (size_t i = 0; i < process->drive_count; i++) {
		free(process->drives[i].name);
		free(process->drives[i].id);
		free(process->drives[i].device);
		free(process->drives[i].source);
	}
	for (size_t i = 0; i < process->iothread_count; i++)
		free(process->iothreads[i]);
	free(process->drives);
	free(process->iothreads);
	free(process->name);
	free(process->uuid);
	free(process->reason);
	*process = (struct qemu_process){ 0 };
}

void qemu_list_clear(struct qemu_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		qemu_process_clear(&list->items[i]);
	free(list->items);
	*list = (struct qemu_list){ 0 };
}
