/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service.h - processes that work for several VMs: storage daemons, network
 * block servers, virtiofsd, other vhost-user back ends, and what the
 * configuration names.
 */
#ifndef VMENERGY_HOST_SERVICE_H
#define VMENERGY_HOST_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "host/host.h"
#include "model/topology.h"

/* --- where clients come in --------------------------------------------------- */

/* Of the NBD protocol, by IANA: where a server listens that is told no port. */
#define SERVICE_NBD_PORT "10809"

enum service_door {
	SERVICE_UNIX, /* a socket of that path: NBD or vhost-user */
	SERVICE_TCP,  /* NBD */
	SERVICE_FILE, /* a path that shows the export: FUSE, /dev/nbd0 */
};

struct service_address { /* start from {0} */
	enum service_door door;
	char *place;  /* path, or host; "" = any host */
	char *port;   /* of SERVICE_TCP alone */
	char *export; /* its name on an NBD server; NULL = not told */
	/* By service_locate(), as the process sees it: */
	char *path; /* absolute; NULL = not looked at */
	bool found; /* there is something under it: */
	uint64_t device, inode;
	uid_t owner;
	char network[32]; /* namespace; "" = not known */
};
void service_address_clear(struct service_address *address);

/*
 * Pure: where the source of a vDISK or of a block node leads, as QEMU or libvirt write it
 * ("vhost-user:PATH", "nbd+unix:///EXPORT?socket=PATH", "nbd:unix:PATH:exportname=EXPORT",
 * "nbd://HOST:PORT/EXPORT", "nbd:HOST:PORT", a path). 0, -ENOENT: to no service of this machine,
 * whatever runs; or -ENOMEM.
 */
int service_address_parse(const char *source, struct service_address *address);

/* --- what a service says of itself ------------------------------------------- */

enum service_kind {
	SERVICE_STORAGE_DAEMON, /* qemu-storage-daemon */
	SERVICE_QEMU_NBD,
	SERVICE_VIRTIOFSD,
	SERVICE_BACKEND,    /* another vhost-user back end, found by its socket */
	SERVICE_CONFIGURED, /* by a pattern */
};

enum { SERVICE_MAIN_LOOP = -1 };

struct service_export {
	struct service_address address;
	char *id;             /* "" = it has none */
	char *source;         /* path or URL of what is behind it; "" = not known */
	char *throttle_group; /* the first on its way; NULL = none */
	bool more_groups;     /* are behind it */
	bool direct;          /* O_DIRECT */
	bool image;           /* behind it is, or may be, the format of an image */
	bool submits;         /* the serving thread hands in the requests itself */
	int iothread;         /* index into iothreads, or SERVICE_MAIN_LOOP */
};

struct service_exports {
	struct service_export *items;
	size_t count, capacity;
};

struct service_ids {
	char **items;
	size_t count, capacity;
};

struct service_process {
	pid_t pid;
	uint64_t start_ticks;
	enum service_kind kind;
	char *name;        /* of its program, or as it was configured */
	double idle_units; /* 1 unless configured */
	struct service_exports exports;
	struct service_ids iothreads; /* in the order of the command line */
	/* A monitor on a socket has an I/O thread, made when this many of iothreads are there;
	 * -1 = no such monitor. */
	int monitor_after;
	char *monitor; /* path of its first monitor's socket, as it calls it; NULL = none */
	pid_t *tids;   /* parallel to iothreads, by service_read_threads(); 0 = not known (yet) */
};
void service_process_clear(struct service_process *process);

/* Pure: is a known kind of service the program of this command line? */
bool service_is_program(const char *path);

/* Does that process run qemu-storage-daemon, by its command line or its program? */
bool service_is_storage_daemon(const struct rootfs *root, pid_t pid);

/* One more export, served by the main loop; NULL when out of memory. */
struct service_export *service_add_export(struct service_process *process);

/*
 * Pure: a NUL-separated command line of a known kind of service. 0, -ENOENT: not one (then
 * `process` is cleared), or -ENOMEM.
 */
int service_parse_cmdline(const char *cmdline, size_t length, struct service_process *process);

/* --- its threads ---------------------------------------------------------------- */

struct service_task { /* one thread, as /proc shows it */
	pid_t tid;
	uint64_t start_ticks;
	char name[32];
	bool waits_on_lock; /* asleep in a futex: the RCU thread, an idle worker of a pool */
};

/*
 * Pure: which of the tasks (they get sorted) serve process->iothreads; tids is parallel to those.
 * False = they cannot be told apart, and all are 0.
 */
bool service_match_iothreads(const struct service_process *process, struct service_task *tasks,
			     size_t count, pid_t *tids);

/*
 * Fill process->tids, and service->threads with those that last: the main thread, and the I/O
 * threads that were matched. 0, -ESRCH or -ENOMEM.
 */
int service_read_threads(const struct rootfs *root, struct service_process *process,
			 struct service *service);
/* Was each I/O thread of the command line found? */
bool service_threads_known(const struct service_process *process);

/* --- all of them ----------------------------------------------------------------- */

struct service_watch;
struct qemu_others;

/* The rules are copied. 0 or -errno. */
int service_watch_open(struct service_watch **watch, const struct rootfs *root,
		       const struct host_options *options, struct error *error);
void service_watch_close(struct service_watch *watch);
/* The storage daemon whose command line says that its monitor listens there, and whose socket that
 * can be; 0 = none. Without a watch (NULL) none is known. */
pid_t service_watch_find_monitor(const struct service_watch *watch, const char *path);
bool service_watch_is_daemon(const struct service_watch *watch, pid_t pid);
/* What a watch over all processes shall show us. */
struct qemu_others service_watch_others(struct service_watch *watch);

/* Has one ended, or has a young one perhaps made more threads since it was read? */
bool service_watch_changed(const struct service_watch *watch, uint64_t now_ns);

/* A vhost-user back end that serves a socket which its client calls so. 0, -ESRCH or -ENOMEM. */
int service_watch_add(struct service_watch *watch, pid_t pid, const char *path);

struct service_list {
	struct service_process **items;
	size_t count, capacity;
};
/*
 * Those that run, ascending by pid; the pointers are valid until processes are looked at again
 * or one is added. A parent that waits for a child of the same command line (virtiofsd in its
 * sandbox) is left out. 0 or -ENOMEM; free list->items.
 */
int service_watch_list(struct service_watch *watch, uint64_t now_ns, struct service_list *list);

/* --- sockets ---------------------------------------------------------------------- */

/* See what there is at the address, through the eyes of that process. 0 or -ENOMEM. */
int service_locate(const struct rootfs *root, pid_t pid, struct service_address *address);

/* Do the two doors, both of them located, lead to the same, whatever either side calls it? */
bool service_same_door(const struct rootfs *root, const struct service_address *server,
		       const struct service_address *client);

/*
 * Anybody can write any address into a command line. Is what is there (the address is located)
 * that process's user's, or is that root?
 */
bool service_may_serve(const struct rootfs *root, pid_t pid, const struct service_address *address);
/* The same of a socket in our own eyes, which is no other one in that process's. */
bool service_may_listen(const struct rootfs *root, pid_t pid, const char *path);

/*
 * Who is connected with whom over unix sockets, and who listens: for paths that tell nothing
 * (a descriptor that was passed, a socket that was renamed). Asked of the kernel by sock_diag(7).
 */
struct service_peers;
int service_peers_open(struct service_peers **peers, const struct rootfs *root);
void service_peers_close(struct service_peers *peers);
/* Is a socket of the client connected with one of the server (bound to that path, if any)? */
bool service_peers_joined(struct service_peers *peers, pid_t client, pid_t server,
			  const char *path);
/* The process that listens at, or has accepted from, a socket of that path; 0 = none. */
pid_t service_peers_owner(struct service_peers *peers, pid_t client, const char *path);

#endif
