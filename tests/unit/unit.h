/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * unit.h - what every unit test file needs: one suite per file, run by CUnit.
 *
 *     static void test_x(void) { UNIT_EQUAL_DOUBLE(1.0, f(), 1e-9); }
 *     int main(void) { return UNIT_RUN("name", { "x does y", test_x }); }
 */
#ifndef VMENERGY_TESTS_UNIT_H
#define VMENERGY_TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <stdint.h>
#include <stdio.h>

/* Like CU_ASSERT, but a failure prints the values. Evaluate arguments once. */
#define UNIT_EQUAL_U64(expected, actual)                                                           \
	unit_equal_u64((uint64_t)(expected), (uint64_t)(actual), #actual, __FILE__, __LINE__)
#define UNIT_EQUAL_I64(expected, actual)                                                           \
	unit_equal_i64((int64_t)(expected), (int64_t)(actual), #actual, __FILE__, __LINE__)
/* |expected - actual| <= tolerance * max(1, |expected|); NaN equals NaN. */
#define UNIT_EQUAL_DOUBLE(expected, actual, tolerance)                                             \
	unit_equal_double(expected, actual, tolerance, #actual, __FILE__, __LINE__)
#define UNIT_EQUAL_TEXT(expected, actual)                                                          \
	unit_equal_text(expected, actual, #actual, __FILE__, __LINE__)
#define UNIT_CONTAINS(needle, haystack)                                                            \
	unit_contains(needle, haystack, #haystack, __FILE__, __LINE__)
#define UNIT_TRUE(condition) unit_true(condition, #condition, __FILE__, __LINE__)

void unit_equal_u64(uint64_t expected, uint64_t actual, const char *what, const char *file,
		    unsigned line);
void unit_equal_i64(int64_t expected, int64_t actual, const char *what, const char *file,
		    unsigned line);
void unit_equal_double(double expected, double actual, double tolerance, const char *what,
		       const char *file, unsigned line);
void unit_equal_text(const char *expected, const char *actual, const char *what, const char *file,
		     unsigned line);
void unit_contains(const char *needle, const char *haystack, const char *what, const char *file,
		   unsigned line);
void unit_true(int condition, const char *what, const char *file, unsigned line);

/* Seeded pseudo-random numbers (splitmix64): a failing property test prints its seed. */
uint64_t unit_random(uint64_t *state);
double unit_random_double(uint64_t *state, double low, double high);
/* How often a property is tried: `rounds`, or $UNIT_ROUNDS_PERCENT of them (under valgrind,
 * which is thirty times slower), at least one. */
unsigned unit_rounds(unsigned rounds);

/* A literal for a field that usually owns its string; not to be freed or written. */
char *unit_literal(const char *literal);

/* A folder that is removed when the program ends; the same one each call. */
const char *unit_folder(void);
/* Write text to FOLDER/path, making the folders between. Aborts on failure. */
void unit_write_file(const char *path, const char *text);
/* Open descriptors of this process, and a constant: for comparing. */
unsigned unit_count_descriptors(void);

struct unit_test {
	const char *name;
	void (*run)(void);
};
#define UNIT_RUN(suite, ...)                                                                       \
	unit_run(suite, (const struct unit_test[]){ __VA_ARGS__, { NULL, NULL } })
int unit_run(const char *suite, const struct unit_test *tests); /* exit status */

#endif
