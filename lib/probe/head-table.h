/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * head-table.h - what the host's tasks used, by name: cumulative, and bounded
 * however many names come and go. When it is full, a name makes room that was
 * the least busy lately; what finds no room is under HEAD_OTHER_PROCESSES.
 */
#ifndef VMENERGY_PROBE_HEAD_TABLE_H
#define VMENERGY_PROBE_HEAD_TABLE_H

#include "model/sample.h"

enum { HEAD_TABLE_MAX = 48 };

struct head {
	char name[HEAD_NAME_BYTES];
	uint64_t count[SAMPLE_EVENTS_MAX];
	uint64_t lately; /* of count[rank], a half of what it was a reading ago */
	unsigned round;  /* in which something was added last */
};

struct head_table { /* {0} = empty */
	struct head items[HEAD_TABLE_MAX];
	size_t count;
	unsigned rank; /* index of the count that says who is busy */
	unsigned round;
};

/* A reading begins; from the first one on HEAD_OTHER_PROCESSES is there. */
void head_table_begin(struct head_table *table);
/* `hint`: where the name was the last time; is brought up to date. May be NULL. */
void head_table_add(struct head_table *table, const char *name, const uint64_t *count,
		    size_t *hint);

struct head_stamp {
	uint64_t at_ns;
	unsigned quality;
	bool by_time;
};
/* All of it into sample->heads. 0 or -ENOMEM. */
int head_table_put(const struct head_table *table, const struct head_stamp *stamp,
		   struct sample *sample);

#endif
