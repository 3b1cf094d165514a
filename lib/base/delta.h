/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * delta.h - the one function that makes counter differences.
 */
#ifndef VMENERGY_BASE_DELTA_H
#define VMENERGY_BASE_DELTA_H

#include <stdbool.h>
#include <stdint.h>

struct counter_delta {
	uint64_t value; /* 0 when reset */
	bool wrapped;   /* the counter passed 2^width once; value is right    */
	bool reset;     /* it went backwards and cannot have wrapped          */
};

/*
 * now - prev of a counter that is `width` bits wide (1..64). A counter that
 * went backwards has wrapped if width < 64 and the wrapped difference is under
 * half of its range; otherwise it was reset.
 */
struct counter_delta counter_delta(uint64_t prev, uint64_t now, unsigned width);

#endif
