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
	char *device; /* id of the device that shows it to the guest; for QMP; NULL */
	char *source; /* path (made absolute with the process's cwd where readable) or URL; "" */
	bool direct;
	int iothread; /* index of its iothread in command-line order; -1 = none */
};

struct qemu_process {
	pid_t pid;
	uint64_t start_ticks;
	char *name;      /* -name [guest=]NAME; without one "qemu-PID" (by qemu_scan) */
	char *uuid;      /* -uuid, or the one of -smbios type=1; lower case; NULL */
	unsigned vcpus;  /* -smp; 0 = not stated */
	bool stopped;    /* by a signal (-S says nothing about now: it may have been continued) */
	bool daemonizes; /* -daemonize: forks once while it starts */
	bool libvirt;    /* written by libvirt, as its own object names tell */
	struct qemu_drive *drives;
	size_t drive_count;
	char **iothreads; /* ids, in command-line order */
	size_t iothread_count;
	char *reason;     /* what could not be read */
	uint64_t reading; /* by a watch: number of the reading that gave all this; from 1 */
};
void qemu_process_clear(struct qemu_process *process);

struct qemu_list {
	struct qemu_process *items;
	size_t count, capacity;
};
void qemu_list_clear(struct qemu_list *list);

/* All QEMU system emulators: found by the name of their executable (comm and argv[0] where
 * the link is not readable): qemu-system-*, qemu-kvm, kvm, and wrappers around them. */
int qemu_scan(const struct rootfs *root, struct qemu_list *list, struct error *error);

/* Pure: parse a NUL-separated command line. false = not a QEMU system emulator that runs a
 * machine (a tool, or a start that only asks for capabilities), or out of memory. */
bool qemu_parse_cmdline(const char *cmdline, size_t length, struct qemu_process *process);

/* Pure: does this path or name (of 15 bytes, as comm cuts it, or more) name one? */
bool qemu_is_emulator(const char *path);

/* Is this process one, as qemu_scan() tells? */
bool qemu_is_running(const struct rootfs *root, pid_t pid);

/*
 * Threads of `pid` classified by comm and, where the names do not tell, by
 * their vcpuN cgroup; plus vhost and KVM kernel workers that work for it.
 * Fills domain->{threads, thread_count} and, if vCPUs cannot be told apart
 * from the rest, domain->reason. 0 or -errno (-ESRCH: gone).
 *
 * `sampled` is set for vCPUs, I/O threads, and kernel workers whose time is in
 * no total of the domain: those outside of both its process and domain->cgroup.
 */
int qemu_threads(const struct rootfs *root, struct domain *domain, struct error *error);

/* A kernel thread that works for a VM: "vhost-PID", "kvm-pit/PID" ... */
struct qemu_worker {
	pid_t tid;
	/* Process, or that thread of it which asked for the worker; it may be gone, and
	 * another have its number. */
	pid_t owner;
	enum thread_role role;
	uint64_t start_ticks;
	char name[32];
};
struct qemu_workers {
	struct qemu_worker *items; /* ascending by tid */
	size_t count, capacity;
};
/* Pure: role and owner (0 = the name is cut short) from a kernel thread's name. */
bool qemu_worker_parse(const char *comm, enum thread_role *role, pid_t *owner);
/* Pure: is it this thread that asked for it? */
bool qemu_worker_is_of(const struct qemu_worker *worker, const struct thread *owner);
struct proc_stat;
bool qemu_worker_from_stat(const struct proc_stat *stat, pid_t tid, struct qemu_worker *worker);

/* The two halves of qemu_threads(), for a caller that knows the workers (one look at /proc
 * serves all domains) and may know vCPUs by other means: collect, then conclude. */
int qemu_threads_collect(const struct rootfs *root, const struct qemu_workers *workers,
			 struct domain *domain, struct error *error);
int qemu_threads_conclude(struct domain *domain); /* 0 or -ENOMEM */
bool qemu_threads_have_vcpu(const struct domain *domain);
/* A thread has its maker's name at first: true when all have a name of their own. */
bool qemu_threads_named(const struct domain *domain);

/* A pool worker by its name, which comes and goes? */
bool qemu_thread_is_transient(const char *comm);

/* Add a sentence to a reason: "first; second". 0 or -ENOMEM. */
int qemu_add_reason(char **reason, const char *sentence);

/*
 * A standing look at the processes of the machine. Remembers which are no
 * QEMU, so that a busy host's thousands are not read again and again, and
 * looks twice at young ones: a fork becomes a VM only when it calls exec.
 */
struct qemu_watch;
int qemu_watch_open(struct qemu_watch **watch, const struct rootfs *root, struct error *error);
void qemu_watch_close(struct qemu_watch *watch);

/*
 * Who is shown the processes that are no VM, whenever one is read: when it is young, and now and
 * then. Returns 1 when it is one of theirs and news, or -ENOMEM; *theirs: tell them when it ends.
 */
struct qemu_others {
	void *context;
	/* The command line may be cut short; it is never empty. */
	int (*look)(void *context, pid_t pid, const char *cmdline, bool *theirs);
	void (*gone)(void *context, pid_t pid);
};
void qemu_watch_show(struct qemu_watch *watch, const struct qemu_others *others);

/*
 * One listing of /proc. Returns 1 when a VM process, one of its kernel workers or one of the
 * others' came or went since the last look, 0 when not, or -errno.
 */
int qemu_watch_look(struct qemu_watch *watch, uint64_t now_ns, struct error *error);
/* The same, but known VMs are asked in turns whether they were stopped: for
 * each tick. */
int qemu_watch_glance(struct qemu_watch *watch, uint64_t now_ns, struct error *error);
/* Ask this VM at the next look, whosever turn it is. */
void qemu_watch_doubt(struct qemu_watch *watch, pid_t pid);
/* As of the last look; owned by the watch, valid until the next one. Ascending by pid. */
const struct qemu_list *qemu_watch_list(const struct qemu_watch *watch);
const struct qemu_process *qemu_watch_find(const struct qemu_watch *watch, pid_t pid); /* or NULL */
const struct qemu_workers *qemu_watch_workers(const struct qemu_watch *watch);
/* Does /proc hide the processes of other users from us (hidepid)? */
bool qemu_watch_is_blind(const struct qemu_watch *watch);

#endif
