/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account.h - the law of the account: who is charged which joule.
 *
 * Pure: topology and sample in, snapshot out; no clock, file or log. Keeps the
 * previous readings and the totals since it was opened.
 */
#ifndef VMENERGY_MODEL_ACCOUNT_H
#define VMENERGY_MODEL_ACCOUNT_H

#include <stddef.h>

#include "base/error.h"
#include "model/sample.h"
#include "model/snapshot.h"
#include "model/topology.h"
#include "model/weights.h"

struct account_options {
	const struct weights *cpu;          /* borrowed; outlives the account */
	const struct weights *const *disks; /* candidates; the best match is taken per leaf */
	size_t disk_count;
	const struct weights *const *nics; /* the same for network cards */
	size_t nic_count;
	struct event_set events;
	enum idle_policy idle_policy;
	const char *own_name; /* name of our own process among kept; NULL: not shown apart */
	/* An ended domain stays listed for this long, then moves to the aggregate row "ended". */
	double ended_keep_s; /* 0 = 600 */
};

struct account;

/* 0, or -EINVAL (weights that cannot price these events) / -ENOMEM with text. */
int account_open(struct account **account, const struct account_options *options,
		 struct error *error);
void account_close(struct account *account);

/*
 * Charge the tick that `sample` closes. *snapshot is emptied first, with its
 * memory used again, and owned by the caller. Returns
 *   0        done
 *   -EAGAIN  the first sample: a baseline, no figures yet (snapshot stays empty)
 *   -EINVAL  the sample does not fit its topology, time did not advance, or
 *            services use each other in a circle (the text names the path): the
 *            sample was not used
 *   -EPROTO  conservation is violated (a defect; text says by how much)
 *   -ENOMEM
 *
 * What could not be read in this tick is NaN in `_w` and with kept meanwhile;
 * total_w and kept_w are sums of what was charged, so that they always add up.
 */
int account_tick(struct account *account, const struct topology *topology,
		 const struct sample *sample, struct snapshot *snapshot, struct error *error);

/*
 * Check model.md 5 on a snapshot (used at each tick in tests and debug builds,
 * by account_tick itself): 0, or -EPROTO with text. `tolerance` is relative to
 * the host's figure (1e-9 for joules).
 */
int account_check(const struct snapshot *snapshot, double tolerance, struct error *error);

#endif
