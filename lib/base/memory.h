/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * memory.h - growing arrays: { T *items; size_t count; size_t capacity; }.
 */
#ifndef VMENERGY_BASE_MEMORY_H
#define VMENERGY_BASE_MEMORY_H

#include <stddef.h>

/*
 * Room for `need` items of `item_bytes`: returns the (possibly moved) array,
 * its new part zeroed, and sets *capacity; NULL when out of memory, with the
 * old array untouched.
 */
void *memory_grow(void *items, size_t *capacity, size_t need, size_t item_bytes);

/* Count one more item: a pointer to it, zeroed (also where the array had been emptied and is
 * filled again), or NULL when out of memory. */
#define MEMORY_APPEND(array)                                                                       \
	({                                                                                         \
		__typeof__((array)->items) grown_ =                                                \
			memory_grow((array)->items, &(array)->capacity, (array)->count + 1,        \
				    sizeof *(array)->items);                                       \
		if (grown_) {                                                                      \
			(array)->items = grown_;                                                   \
			grown_ += (array)->count++;                                                \
			__builtin_memset(grown_, 0, sizeof *grown_);                               \
		}                                                                                  \
		grown_;                                                                            \
	})

#endif
