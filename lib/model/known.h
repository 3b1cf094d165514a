/* SPDX-License-Identifier: GPL-3.0-or-later */
/* known.h - figures that may be absent (NaN), in sums: what is not known adds nothing. */
#ifndef VMENERGY_MODEL_KNOWN_H
#define VMENERGY_MODEL_KNOWN_H

#include <math.h>

static inline double known(double value)
{
	return isnan(value) ? 0 : value;
}

#endif
