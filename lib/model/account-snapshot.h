/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account-snapshot.h - how the rooms that fill a snapshot copy into it. */
#ifndef VMENERGY_MODEL_ACCOUNT_SNAPSHOT_H
#define VMENERGY_MODEL_ACCOUNT_SNAPSHOT_H

#include "model/account-internal.h"

/* Copies into the memory of a snapshot; the first one that fails is remembered. */
struct copies {
	const struct account *account;
	struct snapshot *snapshot;
	double seconds;
	bool failed;
};

char *copies_text(struct copies *copies, const char *text); /* NULL stays NULL */
/* The name that a weights file goes by: without its folder. */
char *copies_file_name(struct copies *copies, const struct weights *weights);
void *copies_rows(struct copies *copies, size_t count, size_t bytes);

typedef const char *leaf_name(const struct account *account, size_t index);
/* Names of leaves, joined by ','; NULL: there are none. */
char *copies_leaves(struct copies *copies, const size_t *leaves, size_t count, leaf_name *name);

/* Packages and leaves (account-hardware.c). */
void account_put_hardware(struct copies *copies, const struct topology *topology,
			  const struct sample *sample, struct snapshot *snapshot);
/* A domain's vNICs (the same). */
void account_put_vnics(struct copies *copies, const struct account_domain *domain,
		       const struct domain *of, struct snapshot_domain *row);
/* What is kept, by name (account-kept.c). */
void account_put_kept(struct copies *copies, struct snapshot *snapshot);

#endif
