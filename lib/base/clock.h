/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.h - the time, in nanoseconds. Not for pure rooms: there it is an argument. */
#ifndef VMENERGY_BASE_CLOCK_H
#define VMENERGY_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_timespec_ns(const struct timespec *time);
/* clock_gettime(2) of a clock that is always there. */
uint64_t clock_read_ns(clockid_t clock);
/* CLOCK_MONOTONIC: what every *_ns of a moment means unless it says otherwise. */
uint64_t clock_now_ns(void);

#endif
