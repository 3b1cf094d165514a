/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state.h - what must outlive the daemon: which limits were there before ours,
 * what we wrote last, budgets, and caps set by hand. One JSON file, replaced as a
 * whole (written beside it, synced, renamed, folder synced): never half a file.
 */
#ifndef VMENERGY_VMENERGYD_STATE_H
#define VMENERGY_VMENERGYD_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "vmenergyd/actuator/actuator.h"
#include "vmenergyd/policy/policy.h"

/* What the file may hold; nothing is added beyond it. */
enum {
	STATE_DOMAINS_MAX = 10000,
	STATE_OVERRIDES_MAX = 10000,
	STATE_BUDGETS_MAX = 20000,
	STATE_KNOBS_MAX = 256, /* of a domain */
	STATE_NAME_MAX = 4096, /* bytes of a name, and of a budget's id */
};

/* A knob that we took over. */
struct state_knob {
	enum knob knob;
	char vdisk[64]; /* of KNOB_DISK */
	/* Who managed the domain then: by whom the original goes back. */
	bool has_manager;
	enum domain_manager manager;
	/* `written` is an intent: on disk before the write is sent. A crash in between leaves
	 * `before`, ours too, in force; a restart must know both. */
	struct knob_value original, written, before;
	/* Of KNOB_DISK: whose limit it is, if not the domain's; it outlives the domain. */
	struct target_service service;
};

struct state_domain {
	char *id;              /* topology's; at most TARGET_TEXT - 1 bytes */
	struct target target;  /* as it was found last; pid, start_ticks tell another run of it */
	uint64_t cgroup_inode; /* of target.cpu_cgroup; 0 = unknown */
	struct policy_memory memory;
	/* The quota that holds its part even at the highest power per CPU-second seen: what the
	 * dead man installs. Limits of disks stay as they are. */
	struct knob_value worst_case_cpu;
	bool has_worst_case;
	struct state_knob *knobs;
	size_t knob_count, knob_capacity;
};

/* A cap set over the socket: over what the file says, until it is cleared. */
struct state_override {
	char *id, *name;
	struct limits limits;
	char *by;       /* "uid 0 (root)", for the reader */
	double since_s; /* UNIX */
};

/* What is left of the budget of an owner, or of a domain that does not run. */
struct state_budget {
	char *id;        /* as the policy remembers it by: an owner's has POLICY_OWNER_PREFIX */
	char *name;      /* of a domain, for the rules; NULL = none */
	double bucket_j; /* as policy_memory has it */
	/* Of who keeps it, and not in the file: 0 in what was read. */
	uint64_t filled_ns, rules;
	double rate_w, burst_j;
};

struct state {
	double saved_s; /* UNIX, UTC */
	bool clean;     /* the daemon stopped and put the originals back */
	struct policy_host_memory host;
	struct state_domain *domains;
	size_t domain_count, domain_capacity;
	struct state_override *overrides;
	size_t override_count, override_capacity;
	struct state_budget *budgets; /* ascending by id */
	size_t budget_count, budget_capacity;
	double host_cap_w; /* set over the socket; NaN = as the file says */
};

/* CPUs that a limit lets through; INFINITY = no limit. */
double state_cpus(const struct cpu_limit *limit);

void state_init(struct state *state);
void state_clear(struct state *state);

struct state_domain *state_domain(struct state *state, const char *id); /* NULL = none */
/* NULL = no memory, an id that is too long, or as many as there may be; so for knobs, overrides
 * and budgets. */
struct state_domain *state_domain_add(struct state *state, const char *id);
void state_domain_remove(struct state *state, const char *id);
struct state_knob *state_knob(struct state_domain *domain, enum knob knob, const char *vdisk);
struct state_knob *state_knob_add(struct state_domain *domain, enum knob knob, const char *vdisk);
void state_knob_remove(struct state_domain *domain, enum knob knob, const char *vdisk);
struct state_override *state_override(struct state *state, const char *id);
struct state_override *state_override_add(struct state *state, const char *id);
void state_override_remove(struct state *state, const char *id);
struct state_budget *state_budget(struct state *state, const char *id);
struct state_budget *state_budget_add(struct state *state, const char *id, const char *name);
void state_budget_remove(struct state *state, const char *id);

/* Pure. 0, -EINVAL with text, -ENOMEM. */
int state_parse(const char *text, size_t length, struct state *state, struct error *error);
int state_print(const struct state *state, struct text *out, struct error *error);

/* DIRECTORY/state.json. -ENOENT: there is none, nor can be (state is as state_init() makes it).
 * -EINVAL: it does not parse. */
int state_read(const char *directory, struct state *state, struct error *error);
/* As state_read(), for the one who will write it: a file that does not parse is kept beside it as
 * state.json.bad, and -EINVAL says so. */
int state_load(const char *directory, struct state *state, struct error *error);
/* What would not be read back is not written (-EINVAL): the old file stays. */
int state_save(const char *directory, const struct state *state, struct error *error);
/* The same; `text` becomes what now stands in the file, or stays as it was. */
int state_save_text(const char *directory, const struct state *state, struct text *text,
		    struct error *error);

/*
 * Who writes the state holds DIRECTORY/lock for as long as it does. A descriptor for
 * state_unlock(); -EBUSY with text: somebody else holds it. A child that is forked meanwhile
 * would hold it, too.
 */
int state_lock(const char *directory, struct error *error);
void state_unlock(int lock);

#endif
