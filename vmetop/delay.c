/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/delay.h"

#include <errno.h>

#include "base/numbers.h"
#include "base/units.h"

static const double shortest_s = 0.01, longest_s = 60;

int delay_parse(const char *text, double *seconds, struct error *error)
{
	double value;

	if (number_parse_double(text, &value))
		return unit_parse(QUANTITY_TIME, text, shortest_s, longest_s, seconds, error);
	if (value < shortest_s || value > longest_s)
		return error_setf(error, ERANGE, "%s: must be 0.01..60 seconds", text);
	*seconds = value;
	return 0;
}
