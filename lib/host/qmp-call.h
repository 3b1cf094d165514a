/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qmp-call.h - inside this room: one command to a monitor, and what answers are made of. */
#ifndef VMENERGY_HOST_QMP_CALL_H
#define VMENERGY_HOST_QMP_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/qmp.h"

/* The "return" of a command, owned by the caller; arguments (taken over) may be NULL. Ends after
 * 1 s. -EREMOTEIO: QEMU refused, *error has its words. */
int qmp_call(struct qmp *qmp, const char *command, json_t *arguments, json_t **value,
	     struct error *error);

/* A count that is there and cannot be negative. */
bool qmp_get_count(const json_t *object, const char *key, uint64_t *count);
/* "" = none */
const char *qmp_get_text(const json_t *object, const char *key);

/* What an entry of query-block or query-blockstats is called: its drive, else the device's id, else
 * "". Returns name. */
const char *qmp_block_name(const json_t *entry, char name[64]);

#endif
