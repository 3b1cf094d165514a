/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gnuplot.h - a script in, a picture out: for calibrate/report alone. */
#ifndef VMENERGY_CALIBRATE_REPORT_GNUPLOT_H
#define VMENERGY_CALIBRATE_REPORT_GNUPLOT_H

#include "base/error.h"
#include "base/text.h"

/*
 * Run gnuplot on a script that writes to its standard output. 0 and the picture appended
 * to `out`; -ENOENT: not installed; -EIO: it complained (text has what it said first).
 */
int gnuplot_run(const struct text *script, struct text *out, struct error *error);

#endif
