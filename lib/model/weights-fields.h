/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * weights-fields.h - the keys of a weights file as tables: one row drives
 * parsing, bounds, "required" and printing. The rows' functions serve trace-about.c
 * too, and whoever makes a weights file starts from weights_set_defaults().
 */
#ifndef VMENERGY_MODEL_WEIGHTS_FIELDS_H
#define VMENERGY_MODEL_WEIGHTS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/ini.h"
#include "base/text.h"
#include "model/weights.h"

enum { WEIGHTS_FORMAT = 1 };

/* What a number means, and the unit in which the structs hold it. */
enum amount {
	AMOUNT_NUMBER,
	AMOUNT_POWER,     /* W */
	AMOUNT_NANOJOULE, /* nJ, always printed in nJ */
	AMOUNT_TIME,      /* s */
	AMOUNT_FREQUENCY, /* Hz */
	AMOUNT_RATE,      /* bytes/s */
	AMOUNT_TEMPERATURE,
	AMOUNT_VOLTAGE,
	AMOUNT_PERCENT, /* 1 = 1 %, always printed in % */
};

enum field_type {
	FIELD_TEXT,     /* char *, NULL = absent */
	FIELD_WORD,     /* enum by way of `word_parse` and `word_name` */
	FIELD_FLAG,     /* bool: yes or no; no = absent */
	FIELD_CHOICE,   /* int: yes or no, MATCH_ANY = absent */
	FIELD_INT,      /* int, MATCH_ANY = absent */
	FIELD_UNSIGNED, /* unsigned, 0 = absent */
	FIELD_U64,      /* uint64_t, 0 = absent */
	FIELD_AMOUNT,   /* double; absent: NaN, or 0 where `zero_is_absent` */
};

enum {
	FOR_CPU = 1 << WEIGHTS_CPU,
	FOR_DISK = 1 << WEIGHTS_DISK,
	FOR_NIC = 1 << WEIGHTS_NIC,
	FOR_ALL = FOR_CPU | FOR_DISK | FOR_NIC,
};

struct field {
	const char *section, *key;
	enum field_type type;
	unsigned kinds;
	bool required;
	bool zero_is_absent;
	bool has_error; /* VALUE may be followed by " +-ERROR" */
	size_t offset, error_offset;
	enum amount amount;
	double min, max; /* in the unit of `amount`, or of the integer */
	int (*word_parse)(const char *word);
	const char *(*word_name)(int value);
	const char *words; /* for messages */
};

enum { WEIGHTS_FIELDS_MAX = 80, POINT_FIELDS_MAX = 8 };
extern const struct field weights_fields[];
extern const size_t weights_field_count; /* offsets into struct weights */
extern const struct field point_fields[];
extern const size_t point_field_count; /* offsets into struct operating_point */

/* Bounds of the repeated keys of a point, which are not in the tables. */
extern const struct field weight_field; /* offsets into struct weight */

/* 0, or -EINVAL / -ENOMEM having told `errors`. */
int field_parse(const struct field *field, void *base, const struct ini_entry *entry,
		struct error_list *errors);
/* "key = value\n", or nothing when absent. */
void field_print(const struct field *field, const void *base, struct text *out);

/* "VALUE" or "VALUE +-ERROR" into *value and *error (NaN when not stated). */
int estimate_parse(const struct field *field, const struct ini_entry *entry, const char *text,
		   double *value, double *error, struct error_list *errors);
void estimate_print(enum amount amount, double value, double error, struct text *out);
int amount_parse(const struct field *field, const struct ini_entry *entry, const char *text,
		 double *value, struct error_list *errors);
void amount_print(enum amount amount, double value, struct text *out);

/* Everything absent, as before the first line of a file. */
void weights_set_defaults(struct weights *weights);
void point_set_defaults(struct operating_point *point);

/* Index of an event's weight, or -1. */
int point_find_weight(const struct operating_point *point, const char *event);

/* Which line gave which field; 0 = none did. What the checks report with. */
struct point_lines {
	unsigned header;
	unsigned field[POINT_FIELDS_MAX];
};
struct weights_lines {
	const char *path;
	unsigned format;
	unsigned field[WEIGHTS_FIELDS_MAX];
	struct point_lines *points; /* parallel to weights.points */
	bool clean;                 /* no line had an error: what is compared was all read */
};
/* What no single line can tell: missing, misplaced, contradicting. Number of errors added. */
size_t weights_check(const struct weights *weights, const struct weights_lines *lines,
		     struct error_list *errors);

#endif
