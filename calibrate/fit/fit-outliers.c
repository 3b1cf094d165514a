/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that a robust fit left out may be left out of its errors as long as they are few:
 * a meter lies now and then. Many of them, or a workload that vanishes, are what the
 * events do not explain, and errors without them would flatter the fit.
 */
#include <errno.h>
#include <stdlib.h>

#include "calibrate/fit/fit-internal.h"

/* Above this part of the rows all of them count in the errors; */
#define OUTLIERS_MAX 0.05
/* above this one the verdict is usable at best. */
#define OUTLIERS_MANY 0.1
/* A workload that loses this many of its rows is not mismeasured but not understood. */
#define GROUP_OUTLIERS_MAX 0.5
enum { GROUP_LOST_MIN = 3 };

static bool exceeds(const struct fit *fit, double part)
{
	return (double)fit->outliers > part * (double)fit->rows;
}

bool outliers_many(const struct fit *fit)
{
	return exceeds(fit, OUTLIERS_MANY);
}

/* Did it lose its rows? One or two of them may be lies all the same. */
static bool is_lost(size_t rows, size_t used)
{
	return rows - used >= GROUP_LOST_MIN &&
	       (double)(rows - used) > GROUP_OUTLIERS_MAX * (double)rows;
}

static void say_lost(struct fit *fit, size_t first, size_t lost)
{
	error_list_addf(&fit->warnings,
			"outliers: %s%s lost more than half of the rows, which is no lie of the"
			" meter but work that the events do not explain",
			fit->group_names[first], lost > 1 ? " and other workloads" : "");
}

int outliers_find(struct work *work)
{
	struct fit *fit = work->fit;
	size_t *rows, *used, lost = 0, first = 0;

	if (fit->outliers == 0)
		return 0;
	rows = calloc(2 * fit->group_count, sizeof *rows);
	if (!rows)
		return -ENOMEM;
	used = rows + fit->group_count;
	for (size_t row = 0; row < fit->rows; row++) {
		rows[work->trace->group[row]] += work_part(work, row) != NULL;
		used[work->trace->group[row]] += fit->row_used[row];
	}
	for (size_t g = 0; g < fit->group_count; g++)
		if (is_lost(rows[g], used[g]) && lost++ == 0)
			first = g;
	free(rows);
	if (lost > 0)
		say_lost(fit, first, lost);
	fit->counts_outliers = lost > 0 || exceeds(fit, OUTLIERS_MAX);
	return 0;
}
