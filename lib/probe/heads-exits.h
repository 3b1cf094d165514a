/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * heads-exits.h - what processes had used when they ended, as the kernel tells
 * it (taskstats, Documentation/accounting/taskstats.rst): so are those known
 * that began and ended between two readings. To open it takes CAP_NET_ADMIN in the
 * machine's own namespaces, to read it nothing. What the kernel does for a process behind its
 * message (to free its memory, mostly) is not in it.
 */
#ifndef VMENERGY_PROBE_HEADS_EXITS_H
#define VMENERGY_PROBE_HEADS_EXITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rootfs.h"

struct process_exit {
	pid_t pid;
	uint64_t ns;   /* on CPUs, of all its threads */
	char comm[32]; /* of the thread that ended last */
	bool is_kernel;
	bool had_threads;   /* beside its first */
	bool may_be_thread; /* an old kernel does not say whether the process has ended */
};
typedef void exit_heard(void *context, const struct process_exit *exit);

struct exits { /* {0} = closed */
	bool is_open;
	int socket;
	uint16_t family;
	bool lost; /* in the last reading: more came than there was room for */
};

/* 0 or -errno with text. */
int exits_open(struct exits *exits, const struct rootfs *root, struct error *error);
void exits_close(struct exits *exits);
/* All since the last call. */
void exits_read(struct exits *exits, exit_heard *heard, void *context);

/* Pure: one datagram of that family. */
void exits_parse(const void *bytes, size_t length, uint16_t family, exit_heard *heard,
		 void *context);

#endif
