/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - FNV-1a of 64 bits (Fowler, Noll, Vo): for tables, and to see that a text has changed;
 * anybody can make two texts with the same one. Pure. */
#ifndef VMENERGY_BASE_HASH_H
#define VMENERGY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* Of what `hash` stands for (HASH_START: nothing), with these bytes behind it. */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);
uint64_t hash_text(const char *text);

#endif
