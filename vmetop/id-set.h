/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id-set.h - a small set of strings: which domains are open in the tree. */
#ifndef VMENERGY_VMETOP_ID_SET_H
#define VMENERGY_VMETOP_ID_SET_H

#include <stdbool.h>
#include <stddef.h>

struct id_set {       /* start from {0} */
	char **items; /* owned */
	size_t count, capacity;
};

bool id_set_has(const struct id_set *set, const char *id);
int id_set_add(struct id_set *set, const char *id); /* 0 or -ENOMEM */
void id_set_remove(struct id_set *set, const char *id);
void id_set_clear(struct id_set *set);

#endif
