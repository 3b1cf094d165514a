/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define STRETCH_S 5.0 /* two are a little longer than the 5 s of journals */

void recent_follow(struct recent *recent, double watts, bool held, double dt_s)
{
	recent->stretch_s += dt_s;
	if (recent->stretch_s > STRETCH_S) {
		recent->stretches[1] = recent->stretches[0];
		recent->stretches[0] = (struct stretch){ .peak_w = 0 };
		recent->stretch_s = 0;
	}
	recent->stretches[0].peak_w = fmax(recent->stretches[0].peak_w, watts);
	recent->stretches[0].held |= held;
}

double recent_peak_w(const struct recent *recent)
{
	return fmax(recent->stretches[0].peak_w, recent->stretches[1].peak_w);
}

bool recent_held(const struct recent *recent)
{
	return recent->stretches[0].held || recent->stretches[1].held;
}
