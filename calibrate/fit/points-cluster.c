/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/fit/points-cluster.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A histogram of the logarithm, so that a window is as many bins wide everywhere. */
enum { WINDOW_BINS = 40 };
enum { UNOWNED = POINT_NONE };

struct histogram {
	double low_hz, bin; /* the lowest frequency; a bin's width, of the logarithm */
	size_t count;
	size_t *rows;         /* of each bin */
	unsigned char *owner; /* window of each bin, or UNOWNED */
};

static size_t bin_of(const struct histogram *histogram, double hz)
{
	return (size_t)(log(hz / histogram->low_hz) / histogram->bin);
}

static int histogram_make(struct histogram *histogram, const double *hz, size_t rows,
			  const unsigned char *of_row)
{
	double low = INFINITY, high = 0;

	for (size_t i = 0; i < rows; i++)
		if (of_row[i] != POINT_NONE) {
			low = fmin(low, hz[i]);
			high = fmax(high, hz[i]);
		}
	*histogram = (struct histogram){
		.low_hz = low,
		.bin = log((1 + WEIGHTS_FREQUENCY_TOLERANCE) / (1 - WEIGHTS_FREQUENCY_TOLERANCE)) /
		       WINDOW_BINS,
	};
	histogram->count = high > 0 ? bin_of(histogram, high) + 1 : 0;
	histogram->rows = calloc(histogram->count + 1, sizeof *histogram->rows);
	histogram->owner = malloc(histogram->count + 1);
	if (!histogram->rows || !histogram->owner)
		return -ENOMEM;
	memset(histogram->owner, UNOWNED, histogram->count + 1);
	for (size_t i = 0; i < rows; i++)
		if (of_row[i] != POINT_NONE)
			histogram->rows[bin_of(histogram, hz[i])]++;
	return 0;
}

/* The fullest window of bins that nobody owns, ending at *end (inside); its rows. */
static size_t fullest(const struct histogram *histogram, size_t *end)
{
	size_t best = 0, sum = 0, width = 0;

	for (size_t i = 0; i < histogram->count; i++) {
		if (histogram->owner[i] != UNOWNED) {
			sum = width = 0;
			continue;
		}
		sum += histogram->rows[i];
		if (width == WINDOW_BINS)
			sum -= histogram->rows[i - WINDOW_BINS];
		else
			width++;
		if (sum > best) {
			best = sum;
			*end = i;
		}
	}
	return best;
}

static void own(struct histogram *histogram, size_t end, unsigned char window)
{
	for (size_t i = end + 1; i-- > 0 && end - i < WINDOW_BINS;) {
		if (histogram->owner[i] != UNOWNED)
			break;
		histogram->owner[i] = window;
	}
}

/* Windows were found by size: number them by frequency. */
static void order_owners(struct histogram *histogram)
{
	unsigned char names[UNOWNED], next = 0;

	memset(names, UNOWNED, sizeof names);
	for (size_t i = 0; i < histogram->count; i++) {
		unsigned char *owner = &histogram->owner[i];

		if (*owner == UNOWNED)
			continue;
		if (names[*owner] == UNOWNED)
			names[*owner] = next++;
		*owner = names[*owner];
	}
}

int points_cluster(const double *frequency_hz, size_t rows, unsigned char *of_row, unsigned *count)
{
	struct histogram histogram;
	int result = histogram_make(&histogram, frequency_hz, rows, of_row);
	size_t end = 0;

	*count = 0;
	while (result == 0 && fullest(&histogram, &end) > 0) {
		if (*count == WEIGHTS_POINTS_MAX)
			result = -ERANGE;
		else
			own(&histogram, end, (unsigned char)(*count)++);
	}
	if (result == 0) {
		order_owners(&histogram);
		for (size_t i = 0; i < rows; i++)
			if (of_row[i] != POINT_NONE)
				of_row[i] = histogram.owner[bin_of(&histogram, frequency_hz[i])];
	}
	free(histogram.rows);
	free(histogram.owner);
	return result;
}
