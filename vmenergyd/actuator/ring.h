/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ring.h - inside this room: what is remembered of only so many things,
 * { T *items; size_t count, capacity, oldest; }. */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_RING_H
#define VMENERGY_VMENERGYD_ACTUATOR_RING_H

#include "base/memory.h"

/* One more: a pointer to it, zeroed, or NULL when out of memory. When there are `most` already, the
 * oldest gives way. */
#define RING_ADD(ring, most)                                                                       \
	({                                                                                         \
		__typeof__((ring)->items) added_;                                                  \
		if ((ring)->count < (most)) {                                                      \
			added_ = MEMORY_APPEND(ring);                                              \
		} else {                                                                           \
			added_ = &(ring)->items[(ring)->oldest];                                   \
			(ring)->oldest = ((ring)->oldest + 1) % (ring)->count;                     \
			__builtin_memset(added_, 0, sizeof *added_);                               \
		}                                                                                  \
		added_;                                                                            \
	})

#endif
