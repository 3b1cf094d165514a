/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/hw/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned failures;

static const char *verdict(bool passed)
{
	failures += !passed;
	return passed ? "ok    " : "FAILED";
}

void check_near(const char *what, double expected, double got, double tolerance)
{
	bool passed = fabs(got - expected) <= tolerance * fabs(expected);

	printf("%s %s: expected %.12g got %.12g (%+.2e, allowed %.0e)\n", verdict(passed), what,
	       expected, got, (got - expected) / expected, tolerance);
}

void check_count(const char *what, uint64_t expected, uint64_t got)
{
	int64_t off = (int64_t)(got - expected);
	double allowed = CHECK_EXACT * (double)expected;
	bool passed = fabs((double)off) <= fmax(allowed, CHECK_SLACK);

	printf("%s %s: expected %llu got %llu (%+lld)\n", verdict(passed), what,
	       (unsigned long long)expected, (unsigned long long)got, (long long)off);
}

void check_equal(const char *what, long long expected, long long got)
{
	printf("%s %s: expected %lld got %lld\n", verdict(expected == got), what, expected, got);
}

void check_at_least(const char *what, uint64_t least, uint64_t got)
{
	printf("%s %s: expected at least %llu got %llu\n", verdict(got >= least), what,
	       (unsigned long long)least, (unsigned long long)got);
}

void check_contains(const char *what, const char *needle, const char *got)
{
	printf("%s %s: expected \"%s\" in \"%s\"\n", verdict(got && strstr(got, needle)), what,
	       needle, got ? got : "(nothing)");
}

unsigned check_failures(void)
{
	return failures;
}

void check_die(const char *what, const char *why)
{
	printf("FAILED %s: %s\n", what, why);
	fflush(stdout);
	exit(1);
}
