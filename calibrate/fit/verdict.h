/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verdict.h - what a fit and a comparison of weights with a trace are judged by alike. */
#ifndef VMENERGY_CALIBRATE_FIT_VERDICT_H
#define VMENERGY_CALIBRATE_FIT_VERDICT_H

#include <stdbool.h>

#include "base/error.h"

/* Below this part of the variance the events explain too little to be charged for. */
#define VERDICT_EXPLAINED_MIN 0.5

/* Too little: poor, and a sentence. `what`: "" or "held-out ". NaN: the power never changes. */
bool verdict_unexplained(double r2, const char *what, struct error_list *warnings);

#endif
