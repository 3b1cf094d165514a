/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * points-cluster.h - frequencies that jitter about a few values, in linear time.
 */
#ifndef VMENERGY_CALIBRATE_FIT_POINTS_CLUSTER_H
#define VMENERGY_CALIBRATE_FIT_POINTS_CLUSTER_H

#include <stddef.h>

#include "calibrate/fit/points.h"

/*
 * Windows of WEIGHTS_FREQUENCY_TOLERANCE to either side, the fullest first, over
 * the rows that of_row does not hold POINT_NONE for; of_row gets the window of each, ascending.
 * 0 and *count, -ERANGE (more than WEIGHTS_POINTS_MAX), -ENOMEM.
 */
int points_cluster(const double *frequency_hz, size_t rows, unsigned char *of_row, unsigned *count);

#endif
