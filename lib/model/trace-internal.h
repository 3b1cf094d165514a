/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace-internal.h - shared by lib/model/trace*.c alone. */
#ifndef VMENERGY_MODEL_TRACE_INTERNAL_H
#define VMENERGY_MODEL_TRACE_INTERNAL_H

#include "base/csv-read.h"
#include "model/trace.h"

#define TRACE_POWER_NAME "power_w"
#define TRACE_ENERGY_NAME "energy_j"
#define TRACE_GROUP_NAME "workload"
#define TRACE_INTERVAL_NAME "interval_s"

enum {
	TRACE_COLUMNS_MAX = 4096,
	TRACE_GROUPS_MAX = 10000,
	TRACE_BLOCKS = 10, /* groups of a trace that has none */
	TRACE_SHOWN_BYTES = 48,
};

/* A column that is known by name, beside power and workload. */
struct trace_known {
	const char *name;
	size_t offset; /* of its double * in struct trace */
	double above;  /* values are */
	bool may_be_text;
};
enum { TRACE_KNOWN_COUNT = 5 };
extern const struct trace_known trace_known[TRACE_KNOWN_COUNT];

static inline double **trace_known_values(struct trace *trace, size_t known)
{
	return (double **)(void *)((char *)trace + trace_known[known].offset);
}

/* Does a column of this name hold joules? Its name ends in "_j". */
bool trace_is_energy_name(const char *name);

/* --- groups: names to indexes -------------------------------------------------------------- */

struct trace_groups {
	char **names; /* owned until they are given to a trace */
	size_t count, capacity;
	uint32_t *slots; /* 1 + index of the group whose hash leads there; 0 = free */
	size_t slot_count;
	uint32_t last; /* rows of a group stand together */
};

/* Its index, a new one where it is; -E2BIG, -ENOMEM. */
long trace_groups_find(struct trace_groups *groups, const struct csv_field *name);
void trace_groups_clear(struct trace_groups *groups);

/* --- reading --------------------------------------------------------------------------------- */

enum column_role { COLUMN_ASIDE, COLUMN_POWER, COLUMN_EVENT, COLUMN_KNOWN, COLUMN_GROUP };

struct column {
	char name[EVENT_NAME_BYTES]; /* cut where it is longer */
	enum column_role role;
	unsigned index; /* of the event, or of the known column */
	size_t name_length;
};

struct trace_reader {
	const char *path;
	const struct trace_request *request;
	struct csv_reader csv;
	struct csv_field *fields; /* column_count, of the row that was read last */
	struct column *columns;
	size_t column_count;
	long power, group, interval; /* indexes of columns; -1 = none */
	struct trace *trace;
	struct trace_groups groups;
	bool out_of_memory;
	size_t without_value, without_power; /* rows that were dropped: absent, not above zero */
	struct error_list *errors, *warnings;
};

/* "PATH:LINE: " + text among the errors; the line is that of the row. */
void trace_complain(struct trace_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* For a message: cut, and harmless to a terminal. Returns target. */
const char *trace_show_field(const struct csv_field *field, char target[TRACE_SHOWN_BYTES]);

enum value { VALUE_NUMBER, VALUE_ABSENT, VALUE_TEXT };
enum value trace_read_value(const struct csv_field *field, double *value);

/* Read the header and say what each column is. 0, -EINVAL having told errors, -ENOMEM. */
int trace_read_header(struct trace_reader *reader);
/* Read the rows into reader->trace. The same. */
int trace_read_rows(struct trace_reader *reader);

#endif
