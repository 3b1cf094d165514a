/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-check.h - hold the account against counts that it did not make
 * (model.md 5): a balance alone cannot find a thread counted twice or never.
 */
#ifndef VMENERGY_MODEL_ACCOUNT_CHECK_H
#define VMENERGY_MODEL_ACCOUNT_CHECK_H

#include <stddef.h>

#include "model/account.h"

/* Relative: a domain's cpu and service against its cgroup; kept against the sum over other tasks.
 */
#define ACCOUNT_TRUTH_DOMAIN 0.01
#define ACCOUNT_TRUTH_KEPT 0.05

/* Both sides of a pair in the same unit (CPU time, joules or watts), over the same time. */
struct account_truth_domain {
	const char *id;
	double accounted;   /* cpu.active + own helpers */
	double independent; /* the domain's cgroup */
};

struct account_truth {
	const struct account_truth_domain *domains;
	size_t domain_count;
	double kept_accounted;   /* kept.cpu_active */
	double kept_independent; /* sum over all tasks that belong to no domain */
};

/* 0, or -EPROTO naming the first pair that is too far apart. */
int account_compare(const struct account_truth *truth, struct error *error);

#endif
