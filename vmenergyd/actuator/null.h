/* SPDX-License-Identifier: GPL-3.0-or-later */
/* null.h - inside this room: what actuator-null.c keeps. */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_NULL_H
#define VMENERGY_VMENERGYD_ACTUATOR_NULL_H

struct null_memory;

void null_memory_free(struct null_memory *memory); /* NULL is fine */

#endif
