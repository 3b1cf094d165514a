/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host-internal.h - between the files of this room's door: the session
 * (host.c), what has changed (host-change.c) since processes were marked
 * (host-marks.c), one discovery (host-merge.c), one domain (host-domain.c), one
 * that is as it was (host-copy.c), the ended ones (host-ended.c) and statistics
 * (host-stats.c).
 */
#ifndef VMENERGY_HOST_INTERNAL_H
#define VMENERGY_HOST_INTERNAL_H

#include "base/cgroupfs.h"
#include "host/host.h"
#include "host/libvirt.h"
#include "host/nic.h"
#include "host/qemu.h"
#include "host/qmp.h"
#include "host/service.h"
#include "host/storage.h"

struct host_monitor { /* a QMP socket that is ours */
	char *path;
	struct qmp *qmp; /* NULL = not connected */
	uint64_t tried_ns;
	/* One that did not answer in time is left alone for a growing time. */
	uint64_t rest_ns, rest_until_ns; /* 0 = it answers */
	pid_t spare_of; /* of this QEMU we have another one: let go for others; 0 = not so */
	struct error trouble;
};

/* What a process looked like when its domain was discovered: cheap to compare. */
struct host_mark {
	pid_t pid;
	uint64_t start_ticks;
	size_t domain;       /* its index in the topology */
	uint64_t first_ns;   /* when it was first discovered */
	uint64_t read_links; /* that /proc/PID/task had when it was read: 2 + threads */
	uint64_t links;      /* the same, as of the last look that found no news */
	uint64_t placement;  /* of /proc/PID/cgroup */
	uint64_t reading;    /* of its command line */
	size_t workers;      /* of its threads, those outside of the process */
	int threads_fd;      /* /proc/PID/task; -1 = opened for each look */
	bool monitored;      /* a monitor of ours spoke with it */
	bool doubted;        /* it does not look as it did */
	bool kept;           /* the domain was copied: so is this */
};

struct host_marks {
	struct host_mark *items; /* ascending by pid */
	size_t count;
};

struct host_texts {
	char **items;
	size_t count, capacity;
};

/* A vDISK that a service serves. */
struct host_link {
	char *domain; /* its id; owned */
	size_t vdisk; /* index in the domain */
	pid_t provider;
	uint64_t provider_start;
	size_t export; /* index in the provider */
};

struct host_links {
	struct host_link *items;
	size_t count, capacity;
};

struct host {
	const struct rootfs *root;
	bool without_libvirt;
	struct libvirt *libvirt; /* NULL: not asked */
	struct qemu_watch *watch;
	struct service_watch *services;
	struct host_links links; /* of `last` */
	struct host_monitor *monitors;
	size_t monitor_count;
	/* What all of them may hold up a tick: in each, and what is left of it in this one. */
	uint64_t monitor_budget_ns, monitor_left_ns;
	struct cpu_identity cpu;
	struct topology *last;           /* NULL before the first discovery */
	const struct libvirt_view *view; /* that `last` was made from; NULL = none */
	struct host_marks marks;         /* of the processes of `last` */
	size_t placed;                   /* the mark whose placement is looked at next */
	struct host_texts dead; /* UUIDs that the view still names, though their process is gone */
	uint64_t generation;
	uint64_t whole_ns, whole_cost_ns; /* when all was read anew, and what it took */
	bool must_read_all;               /* the last discovery failed on its way */
	uint64_t leaves; /* sum of the disks and cards that sysfs lists, as of `last` */
	/* Listing all processes may take 1/list_share of one CPU; 0 = any. */
	unsigned list_share;
	uint64_t listed_ns, list_cost_ns; /* when last, and what it took */
	bool changed;                     /* something happened that no discovery has seen yet */
	uint64_t request;                 /* the round of statistics that was asked for last */
	uint64_t heard_ns;                /* the latest that libvirt has answered; 0 = none */
};

/* host_discover() from the processes and this view, which it takes over; NULL = none. */
int host_discover_with(struct host *host, const struct libvirt_view *view,
		       struct topology **topology, struct error *error);

/* --- host-change.c --- */
bool host_processes_changed(struct host *host, uint64_t now_ns);
bool host_view_changed(struct host *host);

/* --- host-marks.c --- */
/* Take the marks of a new topology's processes. 0 or -ENOMEM. */
int host_take_marks(struct host *host, const struct topology *topology, uint64_t now_ns);
void host_clear_marks(struct host_marks *marks);
/* The mark of that very process; NULL = none. */
struct host_mark *host_find_mark(const struct host_marks *marks, pid_t pid, uint64_t start_ticks);
/* What /proc/PID/task has now; 0 = gone. */
uint64_t host_read_links(const struct host *host, const struct host_mark *mark);
enum { HOST_PLACEMENTS_A_TICK = 64 };
/* Is it elsewhere than it was? Few are looked at each time, in turns. */
bool host_mark_moved(const struct host *host, const struct host_mark *mark);
/* Threads name themselves soon after they are made, or never. */
bool host_mark_is_young(const struct host_mark *mark, uint64_t now_ns);
/* Kernel threads are processes of their own. */
bool host_is_outside(const struct host *host, const struct thread *thread);

/* --- host-merge.c --- */
struct host_user {
	uid_t uid;
	char *name; /* NULL = unknown */
};
struct host_users {
	struct host_user *items;
	size_t count, capacity;
};

struct host_owned {
	const struct qemu_worker **items; /* ascending by owner */
	size_t count;
};

struct host_merge { /* one discovery in the making */
	struct host *host;
	uint64_t now_ns;
	const struct libvirt_view *view;   /* NULL = none */
	const struct libvirt_view *before; /* that the last topology was made from; NULL = none */
	bool whole;                        /* read all domains anew */
	bool remote;                       /* the view tells of another machine */
	char lost[64]; /* "14:03 UTC": since when the view is old; "" = it is not */
	struct cgroup_mounts mounts;
	struct disk_list disks;
	struct nic_list nics;
	struct service_list services;
	bool has_files; /* one of them has an export that is a path */
	struct host_links links;
	struct service_peers *peers; /* NULL = not asked for yet */
	struct host_texts notes, dead;
	struct host_users users;   /* asked so far */
	struct host_owned workers; /* of all domains */
	bool *seen;                /* of the last topology's domains: has this one it, too? */
};

struct host_domains {
	struct domain *items;
	size_t count, capacity;
};

/* A fresh topology (generation not set) from what is known now; host, now_ns, view, before and
 * whole are set in `merge`. 0 or -errno. */
int host_merge(struct host_merge *merge, struct topology **topology, struct error *error);

/* --- host-copy.c --- */
/* Before the processes are looked at: doubt the domains that do not look as they did. */
void host_doubt(const struct host_merge *merge);
/* Once the disks are listed: may nothing be copied? Sets merge->whole. 0 or -ENOMEM. */
int host_prepare_copies(struct host_merge *merge);
/* The domain of the last topology that these two still make; NULL: read it. */
const struct domain *host_find_unchanged(struct host_merge *merge,
					 const struct libvirt_domain *known,
					 const struct qemu_process *process);
/* Into cleared structs. 0 or -ENOMEM, then what was copied is in `to`. */
int host_copy_domain(struct host_merge *merge, const struct domain *from, struct domain *to);
int host_copy_names(const struct domain *from, struct domain *to);
int host_copy_vdisks(struct host_merge *merge, const struct domain *from, struct domain *to);

/* --- host-ended.c --- */
/* A last row for each domain of the last topology that is not among these. 0 or -ENOMEM. */
int host_add_ended(struct host_merge *merge, struct host_domains *domains);

/* --- host-link.c --- */
/* Find the services, which of the vDISKs each of them serves, and on what leaves. 0 or -ENOMEM. */
int host_link_services(struct host_merge *merge, struct host_domains *domains);
void host_clear_links(struct host_links *links);
struct host_export {
	size_t provider, export; /* indexes */
};
/* Which export of which service of merge->services does that address lead to? 1 = this one (else
 * *found stays), 0 = none, or -ENOMEM. Locates the address. */
int host_find_export(const struct host_merge *merge, pid_t client, struct service_address *address,
		     struct host_export *found);

/* --- host-file.c --- */
/* Open files of services, each service's looked at when first asked for. Start from {0}. */
struct host_files {
	struct attachment_file **items; /* by service, then by export; NULL = not looked at */
	size_t count;
};
/* The file that is this export's alone, pid 0 = there is none. 0 or -ENOMEM. */
int host_find_file(const struct host_merge *merge, struct host_files *files, struct host_export at,
		   struct attachment_file *file);
void host_clear_files(struct host_files *files);

/* --- host-service.c --- */
/* Fill services and attachments, once the domains have their order. 0 or -ENOMEM. */
int host_put_services(struct host_merge *merge, struct topology *topology);

/* --- host-domain.c --- */
/* Either side may be NULL. 0, -ENOMEM, or -ESRCH: it went away meanwhile. */
int host_make_domain(struct host_merge *merge, const struct libvirt_domain *known,
		     const struct qemu_process *process, struct domain *domain,
		     struct error *error);
/* *target, whatever it held, becomes a copy (NULL stays NULL). 0 or -ENOMEM. */
int host_copy_text(char **target, const char *text);
/* Add a text, once. 0 or -ENOMEM. */
int host_add_textf(struct host_texts *texts, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void host_clear_texts(struct host_texts *texts);
void host_clear_users(struct host_users *users);

/* --- host-stats.c --- */
int host_open_monitors(struct host *host, const struct host_options *options);
void host_close_monitors(struct host *host);
/* Try those again that are not connected; is any due? */
bool host_monitors_due(const struct host *host, uint64_t now_ns);
void host_try_monitors(struct host *host, uint64_t now_ns);
struct host_monitor *host_find_monitor(struct host *host, const struct domain *domain);
/* Ask one of them something: false = not now. What came of it is told to the second, true =
 * the monitor is still there. */
bool host_monitor_begin(struct host *host, struct host_monitor *monitor, uint64_t *begun_ns);
bool host_monitor_end(struct host *host, struct host_monitor *monitor, uint64_t begun_ns,
		      int result);

#endif
