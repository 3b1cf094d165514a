/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qemu-cmdline.h - a QEMU command line cut into those options that say
 * something about the VM; between qemu-cmdline.c and qemu-drives.c.
 */
#ifndef VMENERGY_HOST_QEMU_CMDLINE_H
#define VMENERGY_HOST_QEMU_CMDLINE_H

#include "base/text.h"
#include "host/qemu-options.h"
#include "host/qemu.h"

enum qemu_element_kind {
	QEMU_NAME,
	QEMU_UUID,
	QEMU_SMP,
	QEMU_MACHINE,
	QEMU_SMBIOS,
	QEMU_DRIVE,
	QEMU_BLOCKDEV,
	QEMU_DEVICE,
	QEMU_OBJECT,
	QEMU_CHARDEV,
	QEMU_DAEMONIZE,
	/* Of qemu-storage-daemon alone. */
	QEMU_EXPORT,
	QEMU_NBD_SERVER,
	QEMU_MONITOR,
};

struct qemu_element {
	enum qemu_element_kind kind;
	struct qemu_options options;
};

struct qemu_elements {
	struct qemu_element *items;
	size_t count, capacity;
};

void qemu_elements_clear(struct qemu_elements *elements);

/* The options of the first element of a kind whose KEY is VALUE; NULL = none. */
const struct qemu_options *qemu_element_find(const struct qemu_elements *elements,
					     enum qemu_element_kind kind, const char *key,
					     const char *value);

/* Where a disk's data is: start from {0}; source is freed by the caller. */
struct qemu_medium {
	struct text source; /* path or URL; empty = none */
	bool direct;
	bool submits; /* the thread that serves it hands in the requests, not workers of a pool */
	bool image;   /* a format is on the way: qcow2 and such */
	const char *throttle_group; /* the first that its requests pass; NULL = none */
	bool more_groups;           /* behind that */
};
/* Of a -drive, down its chain of nodes. */
void qemu_find_drive_medium(const struct qemu_elements *elements, const struct qemu_options *drive,
			    struct qemu_medium *medium);
/* Of the block node of that name; false = there is none. */
bool qemu_find_named_medium(const struct qemu_elements *elements, const char *name,
			    struct qemu_medium *medium);

/* Is this process, whose command line begins so, a QEMU system emulator? */
bool qemu_is_process(const struct rootfs *root, pid_t pid, const char *cmdline, long length);
/* Make its relative disk paths absolute, or say in its reason why not. 0 or -ENOMEM. */
int qemu_make_absolute(const struct rootfs *root, struct qemu_process *process);

/* "/nix/.../.qemu-kvm-wrapped (deleted)" is qemu-kvm: the name without what others put on it. */
void qemu_bare_name(const char **name, size_t *length);

/* The same of one source, or of an URL as it is; owned by the caller, NULL = not to be told. */
char *qemu_find_path(const struct rootfs *root, pid_t pid, const char *source);

/* qemu_parse_cmdline() of a process that is known to be an emulator, whatever argv[0] says. */
bool qemu_parse_arguments(const char *cmdline, size_t length, struct qemu_process *process);

/* Fill process->{drives, iothreads}. `program` tells the target architecture. 0 or -ENOMEM. */
int qemu_parse_drives(const struct qemu_elements *elements, const char *program,
		      struct qemu_process *process);

#endif
