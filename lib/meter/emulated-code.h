/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulated-code.h - the address of an emulated meter, and its noise. Pure. */
#ifndef VMENERGY_METER_EMULATED_CODE_H
#define VMENERGY_METER_EMULATED_CODE_H

#include <limits.h>
#include <stdint.h>

#include "base/error.h"

/*
 * "FILE[?OPTION&OPTION...]": noise=PERCENT (standard deviation, of the value), lag=TIME (that
 * a reading is behind what it measures), window=TIME (that it is a mean over; also
 * how often one comes; default 1 s), seed=N (of the noise; default 1).
 */
struct emulated_settings {
	char path[PATH_MAX];
	double noise, lag_s, window_s;
	uint64_t seed;
};
int emulated_parse(const char *address, struct emulated_settings *settings, struct error *error);

/* A number of the standard normal distribution; moves *state on. */
double emulated_normal(uint64_t *state);

#endif
