/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/rapl-perf-code.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"

enum { CPU_MAX = 1 << 20 };

int rapl_perf_parse_event(const char *text, uint64_t *config)
{
	static const char key[] = "event=0x";
	size_t length = strlen(key), digits;

	if (strncmp(text, key, length) != 0)
		return -EINVAL;
	digits = strspn(text + length, "0123456789abcdefABCDEF");
	if (digits == 0 || digits > 16 || (text[length + digits] && text[length + digits] != '\n'))
		return -EINVAL;
	*config = strtoull(text + length, NULL, 16);
	return 0;
}

int rapl_perf_parse_scale(const char *text, double *scale_j)
{
	char number[64];
	int result;

	snprintf(number, sizeof number, "%.*s", (int)strcspn(text, "\n"), text);
	result = number_parse_double(number, scale_j);
	if (!result && !(*scale_j > 0))
		result = -ERANGE;
	return result;
}

static int parse_range(const char **text, uint64_t *first, uint64_t *last)
{
	int result = number_scan_u64(text, first);

	*last = *first;
	if (!result && **text == '-') {
		(*text)++;
		result = number_scan_u64(text, last);
	}
	if (!result && (*last < *first || *last > CPU_MAX))
		result = -EINVAL;
	return result;
}

int rapl_perf_parse_cpus(const char *text, struct rapl_perf_cpus *cpus)
{
	uint64_t first, last;
	int result;

	cpus->count = 0;
	for (;; text++) {
		result = parse_range(&text, &first, &last);
		if (result)
			return result;
		for (; first <= last; first++) {
			if (cpus->count == RAPL_PERF_CPUS_MAX)
				return -E2BIG;
			cpus->cpus[cpus->count++] = (int)first;
		}
		if (*text != ',')
			break;
	}
	return *text && *text != '\n' ? -EINVAL : 0;
}
