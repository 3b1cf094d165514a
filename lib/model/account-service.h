/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-service.h - services, who they work for, and by which ways. A part of
 * account-internal.h, which alone includes it.
 */
#ifndef VMENERGY_MODEL_ACCOUNT_SERVICE_H
#define VMENERGY_MODEL_ACCOUNT_SERVICE_H

struct account_edge {                   /* an attachment */
	struct account_domain *domain;  /* CLIENT_VDISK */
	struct account_vdisk *vdisk;    /* CLIENT_VDISK */
	struct account_service *client; /* CLIENT_SERVICE */
	struct account_use *use;
	size_t attachment;   /* index into topology and sample */
	unsigned own_thread; /* this and the next: as in struct attachment */
	bool own_alone;
	/* of this tick */
	struct load own;          /* what its own thread spent, as far as it was read by itself */
	bool own_on_time, pooled; /* all of that is of this tick; it shares the rest, too */
	struct account_work work;
	bool uncounted; /* its bytes are known, its requests are not */
	bool unread;    /* nothing is known but how it was before, or how others are */
	bool sure;      /* all of it was read, and it is of this tick */
	double cost[WORKS];
};

struct account_reach { /* a vDISK that a service works for, directly or through services */
	struct account_domain *domain;
	struct account_vdisk *vdisk;
	double part;
	bool first; /* the first one of its domain */
};

struct account_service {
	char *id, *name;
	pid_t pid;
	uint64_t start_ticks;
	double idle_units;
	struct cpu_reading previous;
	struct regress regress; /* all of its work */
	struct regress pool;    /* of the rest, where clients have threads of their own: */
	bool has_own;
	struct account_use *uses; /* of other services */
	struct account_edge *edges;
	size_t edge_count;
	struct account_reach *reach;
	size_t reach_count;
	double waiting_s; /* since its energy was last read */
	/* of this tick */
	struct cpu_delta delta;
	struct load own; /* what it spent */
	/* What services that it uses spent on its behalf, on requests and on bytes. */
	struct load inherited[WORKS];
	double idle_part;
};

#endif
