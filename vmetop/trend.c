/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "vmetop/page.h"

enum { STEPS = 8 };
static const char *const blocks[STEPS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const signs[STEPS] = { "_", ".", ":", "-", "=", "+", "*", "#" };
/* As all blocks in UTF-8. */
enum { BLOCK_BYTES = 3, CELLS_MAX = (TREND_TEXT_BYTES - 1) / BLOCK_BYTES };

static double highest(const double *watts, size_t cells)
{
	double most = 0;

	for (size_t i = 0; i < cells; i++)
		most = fmax(most, watts[i]);
	return most;
}

/* Zero is the lowest step, a blank is not known. */
static int step_of(double watts, double scale_w)
{
	double step = scale_w > 0 ? ceil(watts / scale_w * STEPS) - 1 : 0;

	return (int)fmin(fmax(step, 0), STEPS - 1);
}

void trend_text(const double *watts, size_t cells, double scale_w, bool unicode,
		char text[TREND_TEXT_BYTES])
{
	const char *const *steps = unicode ? blocks : signs;

	if (cells > CELLS_MAX) {
		watts += cells - CELLS_MAX;
		cells = CELLS_MAX;
	}
	if (!(scale_w > 0))
		scale_w = highest(watts, cells);
	for (size_t i = 0; i < cells; i++) {
		const char *sign = isnan(watts[i]) ? " " : steps[step_of(watts[i], scale_w)];

		strcpy(text, sign);
		text += strlen(sign);
	}
	*text = '\0';
}
