/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * config.h - vmenergyd.conf(5) and its drop-ins.
 */
#ifndef VMENERGY_VMENERGYD_CONFIG_H
#define VMENERGY_VMENERGYD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "model/snapshot.h"
#include "vmenergyd/policy/policy.h"

/* [domain PATTERN] (of names and UUIDs), [owner PATTERN] or [service NAME]. */
struct config_section {
	char *pattern; /* of [service]: its name */
	/* [domain]: who pays, over what libvirt says; NULL = not set; "" = as libvirt says */
	char *owner;
	/* NaN = not set here; INFINITY = `none`: takes away what an earlier section set */
	struct limits limits;
	/* [service]: a pattern on its thread's name or command line; NULL = not set, an error */
	char *match;
	double idle_units; /* default 1 */
	const char *path;  /* where it stands, for messages; one of config.files */
	unsigned line;     /* of its first key */
};
struct config_sections {
	struct config_section *items;
	size_t count, capacity;
};
struct config_strings {
	char **items;
	size_t count, capacity;
};
/* Where a key of [daemon] or [host] was set last; line 0 = nowhere. */
struct config_origin {
	const char *path; /* one of config.files */
	unsigned line;
};
enum { CONFIG_KEYS_MAX = 24 };

/* Owned texts; NULL = not set. What cannot change in a running daemon is marked: restart. */
struct config {
	/* [daemon] */
	double interval_s;                 /* 10 ms .. 60 s; default 1 s */
	double control_interval_s;         /* >= 1 s and >= interval; default the least such */
	char *weights;                     /* NULL = auto; restart */
	int cpu_source;                    /* enum cpu_source or -1 = auto; restart */
	enum idle_policy idle_policy;      /* restart */
	char *meter;                       /* NULL = none; restart */
	char *libvirt;                     /* URI; NULL = the usual ones; restart */
	bool without_libvirt;              /* libvirt = none; restart */
	struct config_strings qmp_sockets; /* restart */
	char *state_directory;             /* default /var/lib/vmenergyd; restart */
	char *socket;                      /* default /run/vmenergyd/control; restart */
	char *read_group;                  /* default "vmenergy" (where there is one) */
	char *change_group;                /* NULL = root alone */
	bool dry_run;                      /* restart */
	bool move_processes; /* plain QEMU that shares its cgroup is moved to one of its own;
				default yes */
	/* [host] */
	double cap_w, peak_w, peak_window_s, temperature_c; /* NaN = not set */
	/* in file order; a later section's keys win over an earlier one's */
	struct config_sections domains, owners;
	struct config_sections services; /* restart */
	struct config_strings files;     /* that were read, for messages */
	struct config_origin origins[CONFIG_KEYS_MAX];
};

/* Defaults. *config is written over: clear it before where it holds something. */
void config_init(struct config *config);
void config_clear(struct config *config); /* empty: only config_init() may follow */

/*
 * PATH, then PATH.d/ *.conf by name (bytewise), checked as a whole. Takes a *config that
 * holds nothing. All errors of all files go to `errors` ("FILE:LINE: ..."). 0; -EINVAL;
 * -ENOENT (`path` is not there: only an error if must_exist); -ENOMEM. *config is clear
 * after a failure. Errors are sorted by file and line.
 */
int config_load(const char *path, bool must_exist, struct config *config,
		struct error_list *errors);
/* The same, but after a failure *config holds what was right, for more checks alone: clear it. */
int config_read(const char *path, bool must_exist, struct config *config,
		struct error_list *errors);
/* By file and line, each once. */
void config_sort_errors(struct error_list *errors);
/*
 * Pure: one text over what stands in `config` already. Checks that span keys come with
 * config_check(). 0; -EINVAL with *config as it was; -ENOMEM with *config clear.
 */
int config_parse(const char *path, const char *text, size_t length, struct config *config,
		 struct error_list *errors);
/* 0, or -EINVAL where keys contradict each other. */
int config_check(const struct config *config, struct error_list *errors);

/* What the file says of a domain: the sections that match its name or UUID, in order. NaN = not
 * set, or taken away. */
struct limits config_domain_limits(const struct config *config, const char *name, const char *uuid);
/* Of the whole host: one that was set by hand (NaN = none was), else what the file says. INFINITY,
 * NaN: none. */
double config_host_cap_w(const struct config *config, double by_hand_w);
/* NULL = as libvirt says. uuid may be NULL, and so may an owner below. */
const char *config_domain_owner(const struct config *config, const char *name, const char *uuid);
struct limits config_owner_limits(const struct config *config, const char *owner);

/* Where a key of [daemon] was set last. */
struct config_origin config_origin(const struct config *config, const char *key);

/* Names of settings that differ and need a restart, joined by ", "; "" = none. Appended. */
void config_needs_restart(const struct config *now, const struct config *next, struct text *out);

#endif
