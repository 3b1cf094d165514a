/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.h - one line for each thing that is checked in the guest, with both values. */
#ifndef VMENERGY_TESTS_HW_CHECK_H
#define VMENERGY_TESTS_HW_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Counts agree with the known loop to this part, or to a few instructions. */
#define CHECK_EXACT 1e-5
#define CHECK_SLACK 100

/* |got - expected| <= tolerance * |expected| */
void check_near(const char *what, double expected, double got, double tolerance);
void check_count(const char *what, uint64_t expected, uint64_t got); /* to CHECK_EXACT */
void check_equal(const char *what, long long expected, long long got);
void check_at_least(const char *what, uint64_t least, uint64_t got);
/* `got` may be NULL, which is no text at all. */
void check_contains(const char *what, const char *needle, const char *got);

unsigned check_failures(void);
/* For what the checks rest on: print and leave the guest with failure. */
_Noreturn void check_die(const char *what, const char *why);

#endif
