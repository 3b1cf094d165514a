/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * state-json.h - pieces of the state file that are read and printed by tables.
 * For state*.c alone.
 */
#ifndef VMENERGY_VMENERGYD_STATE_JSON_H
#define VMENERGY_VMENERGYD_STATE_JSON_H

#include "vmenergyd/state.h"
#include "wire/build.h"
#include "wire/node.h"

enum {
	REAL_SPARSE = 1 << 0, /* NaN is left out */
	REAL_SIGNED = 1 << 1, /* else what is below 0 is written as 0, and refused in a file */
};

/* A double of a struct: a number, null (NaN) or "inf". */
struct state_real {
	const char *key;
	size_t offset;
	unsigned flags;
};
struct state_reals {
	const struct state_real *items;
	size_t count;
};
extern const struct state_reals state_reals_state, state_reals_host, state_reals_memory,
	state_reals_limits, state_reals_override, state_reals_budget;

void state_put_reals(struct build *build, json_t *object, const struct state_reals *table,
		     const void *record);
int state_parse_reals(const struct node *object, const struct state_reals *table, void *record);

json_t *state_target_value(struct build *build, const struct target *target);
int state_parse_target(const struct node *node, struct target *target);
json_t *state_service_value(struct build *build, const struct target_service *service);
int state_parse_service(const struct node *node, struct target_service *service);
/* value->knob says what it is, and is set before. */
json_t *state_knob_value(struct build *build, const struct knob_value *value);
int state_parse_knob_value(const struct node *node, struct knob_value *value);
/* The words of enum knob. */
json_t *state_knob_word(enum knob knob);
int state_parse_knob_word(const struct node *node, enum knob *knob);

#endif
