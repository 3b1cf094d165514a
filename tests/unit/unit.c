/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <CUnit/Basic.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void report(bool passed, const char *file, unsigned line, const char *text)
{
	if (!passed)
		fprintf(stderr, "\n%s:%u: %s\n", file, line, text);
	CU_assertImplementation(passed, line, text, file, "", CU_FALSE);
}

void unit_true(int condition, const char *what, const char *file, unsigned line)
{
	report(condition, file, line, what);
}

void unit_equal_u64(uint64_t expected, uint64_t actual, const char *what, const char *file,
		    unsigned line)
{
	char text[256];

	snprintf(text, sizeof text, "%s: expected %llu, got %llu", what,
		 (unsigned long long)expected, (unsigned long long)actual);
	report(expected == actual, file, line, text);
}

void unit_equal_i64(int64_t expected, int64_t actual, const char *what, const char *file,
		    unsigned line)
{
	char text[256];

	snprintf(text, sizeof text, "%s: expected %lld, got %lld", what, (long long)expected,
		 (long long)actual);
	report(expected == actual, file, line, text);
}

void unit_equal_double(double expected, double actual, double tolerance, const char *what,
		       const char *file, unsigned line)
{
	char text[256];
	bool equal = (isnan(expected) && isnan(actual)) ||
		     fabs(expected - actual) <= tolerance * fmax(1.0, fabs(expected));

	snprintf(text, sizeof text, "%s: expected %.17g, got %.17g", what, expected, actual);
	report(equal, file, line, text);
}

void unit_equal_text(const char *expected, const char *actual, const char *what, const char *file,
		     unsigned line)
{
	char text[4096];
	bool equal = expected == actual || (expected && actual && strcmp(expected, actual) == 0);

	snprintf(text, sizeof text, "%s:\n  expected \"%s\"\n  got      \"%s\"", what,
		 expected ? expected : "(null)", actual ? actual : "(null)");
	report(equal, file, line, text);
}

void unit_contains(const char *needle, const char *haystack, const char *what, const char *file,
		   unsigned line)
{
	char text[4096];

	snprintf(text, sizeof text, "%s: \"%s\" does not contain \"%s\"", what,
		 haystack ? haystack : "(null)", needle);
	report(haystack && strstr(haystack, needle), file, line, text);
}

uint64_t unit_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

double unit_random_double(uint64_t *state, double low, double high)
{
	return low + (high - low) * ((double)(unit_random(state) >> 11) * 0x1p-53);
}

unsigned unit_rounds(unsigned rounds)
{
	const char *percent = getenv("UNIT_ROUNDS_PERCENT");
	unsigned long part = percent ? rounds * strtoul(percent, NULL, 10) / 100 : rounds;

	return part > 0 ? (unsigned)part : 1;
}

char *unit_literal(const char *literal)
{
	return (char *)(uintptr_t)literal;
}

static char folder[64];

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static void remove_folder(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *unit_folder(void)
{
	if (!folder[0]) {
		strcpy(folder, "/tmp/vmenergy-unit.XXXXXX");
		if (!mkdtemp(folder)) {
			perror("mkdtemp");
			abort();
		}
		atexit(remove_folder);
	}
	return folder;
}

void unit_write_file(const char *path, const char *text)
{
	char full[4096];
	FILE *file;

	snprintf(full, sizeof full, "%s/%s", unit_folder(), path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0755) && errno != EEXIST)
			abort();
		*slash = '/';
	}
	file = fopen(full, "w");
	if (!file || fputs(text, file) == EOF || fclose(file)) {
		perror(full);
		abort();
	}
}

unsigned unit_count_descriptors(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	unsigned count = 0;

	if (!descriptors) {
		perror("/proc/self/fd");
		abort();
	}
	while (readdir(descriptors))
		count++;
	closedir(descriptors);
	return count;
}

int unit_run(const char *suite_name, const struct unit_test *tests)
{
	CU_pSuite suite;
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (const struct unit_test *test = tests; suite && test->name; test++)
		if (!CU_add_test(suite, test->name, test->run))
			return 1;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed() + (CU_get_number_of_tests_run() == 0);
	CU_cleanup_registry();
	return failed ? 1 : 0;
}
