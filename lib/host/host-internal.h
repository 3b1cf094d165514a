/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host-internal.h - between the files of this room's door: the session
 * (host.c), what has changed (host-change.c), one discovery (host-merge.c), one
 * domain (host-domain.c), the ended ones (host-ended.c) and statistics
 * (host-stats.c).
 */
#ifndef VMENERGY_HOST_INTERNAL_H
#define VMENERGY_HOST_INTERNAL_H

#include "base/cgroupfs.h"
#include "host/host.h"
#include "host/libvirt.h"
#include "host/qemu.h"
#include "host/qmp.h"
#include "host/storage.h"

struct host_monitor { /* a QMP socket that is ours */
	char *path;
	struct qmp *qmp; /* NULL = not connected */
	uint64_t tried_ns;
	struct error trouble;
};

/* What a process looked like when its domain was discovered: cheap to compare. */
struct host_mark {
	pid_t pid;
	uint64_t start_ticks;
	uint64_t first_ns;  /* when it was first discovered */
	uint64_t links;     /* that /proc/PID/task then has: 2 + threads */
	uint64_t placement; /* of /proc/PID/cgroup */
	int threads_fd;     /* /proc/PID/task; -1 = opened for each look */
};

struct host_marks {
	struct host_mark *items;
	size_t count, capacity;
};

struct host_texts {
	char **items;
	size_t count, capacity;
};

struct host {
	const struct rootfs *root;
	bool without_libvirt;
	struct libvirt *libvirt; /* NULL: not asked */
	struct qemu_watch *watch;
	struct host_monitor *monitors;
	size_t monitor_count;
	struct cpu_identity cpu;
	struct topology *last;           /* NULL before the first discovery */
	const struct libvirt_view *view; /* that `last` was made from; NULL = none */
	struct host_marks marks;         /* of the processes of `last` */
	size_t placed;                   /* the mark whose placement is looked at next */
	struct host_texts dead; /* UUIDs that the view still names, though their process is gone */
	uint64_t generation;
	uint64_t discovered_ns, discovery_cost_ns; /* when last, and what it took */
	/* Listing all processes may take 1/list_share of one CPU; 0 = any. */
	unsigned list_share;
	uint64_t listed_ns, list_cost_ns; /* when last, and what it took */
	bool changed;                     /* something happened that no discovery has seen yet */
	uint64_t request;                 /* the round of statistics that was asked for last */
};

/* host_discover() from the processes and this view, which it takes over; NULL = none. */
int host_discover_with(struct host *host, const struct libvirt_view *view,
		       struct topology **topology, struct error *error);

/* --- host-change.c --- */
bool host_processes_changed(struct host *host, uint64_t now_ns);
bool host_view_changed(struct host *host);
/* Take the marks of a new topology's processes. 0 or -ENOMEM. */
int host_take_marks(struct host *host, const struct topology *topology, uint64_t now_ns);
void host_clear_marks(struct host_marks *marks);

/* --- host-merge.c --- */
/* A fresh topology (generation not set) from what is known now. 0 or -errno. */
int host_merge(struct host *host, uint64_t now_ns, struct topology **topology, struct error *error);

struct host_merge { /* one discovery in the making */
	struct host *host;
	uint64_t now_ns;
	const struct libvirt_view *view; /* NULL = none */
	bool remote;                     /* the view tells of another machine */
	char lost[64]; /* "14:03 UTC": since when the view is old; "" = it is not */
	struct cgroup_mounts mounts;
	struct disk_list disks;
	struct host_texts notes, dead;
};

struct host_domains {
	struct domain *items;
	size_t count, capacity;
};

/* --- host-ended.c --- */
/* A last row for each domain of the last topology that is not among these. 0 or -ENOMEM. */
int host_add_ended(struct host_merge *merge, struct host_domains *domains);

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

/* --- host-stats.c --- */
int host_open_monitors(struct host *host, const struct host_options *options);
void host_close_monitors(struct host *host);
/* Try those again that are not connected; is any due? */
bool host_monitors_due(const struct host *host, uint64_t now_ns);
void host_try_monitors(struct host *host, uint64_t now_ns);
struct host_monitor *host_find_monitor(struct host *host, const struct domain *domain);

#endif
