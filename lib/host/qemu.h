/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qemu.h - QEMU processes as /proc shows them.
 */
#ifndef VMENERGY_HOST_QEMU_H
#define VMENERGY_HOST_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/topology.h"

struct qemu_drive {   /* one disk of the command line */
	char *name;   /* "vda" style where it can be told, else the drive's id */
	char *id;     /* drive id or node-name; for QMP */
	char *source; /* path (made absolute with the process's cwd where readable) or URL; "" */
	bool direct;
	int iothread; /* index of its iothread in command-line order; -1 = none */
};

struct qemu_process {
	pid_t pid;
	uint64_t start_ticks;
	char *name;     /* -name [guest=]NAME; without one "qemu-PID" */
	char *uuid;     /* -uuid; NULL */
	unsigned vcpus; /* -smp; 0 = not stated */
	bool stopped;   /* -S, or the process is stopped by a signal */
	struct qemu_drive *drives;
	size_t drive_count;
	char **iothreads; /* ids, in command-line order */
	size_t iothread_count;
	char *reason; /* what could not be read */
};

struct qemu_list {
	struct qemu_process *items;
	size_t count, capacity;
};
void qemu_list_clear(struct qemu_list *list);

/* All QEMU system emulators: found by the name of their executable (comm and argv[0] where
 * the link is not readable): qemu-system-*, qemu-kvm, kvm, and wrappers around them. */
int qemu_scan(const struct rootfs *root, struct qemu_list *list, struct error *error);

/* Pure: parse a NUL-separated command line. false = not a QEMU system emulator. */
bool qemu_parse_cmdline(const char *cmdline, size_t length, struct qemu_process *process);

/*
 * Threads of `pid` classified by comm and, where the names do not tell, by
 * their vcpuN cgroup; plus vhost and KVM kernel workers that work for it.
 * Fills domain->{threads, thread_count} and, if vCPUs cannot be told apart
 * from the rest, domain->reason. 0 or -errno (-ESRCH: gone).
 */
int qemu_threads(const struct rootfs *root, struct domain *domain, struct error *error);

#endif
