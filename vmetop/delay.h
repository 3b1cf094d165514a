/* SPDX-License-Identifier: GPL-3.0-or-later */
/* delay.h - the length of a tick as people write it. Pure. */
#ifndef VMENERGY_VMETOP_DELAY_H
#define VMENERGY_VMETOP_DELAY_H

#include "base/error.h"

/* "2", "0.5" (seconds, as top's and virt-top's) or "250ms"; 10 ms..60 s. 0, -EINVAL or -ERANGE
 * with the bounds in the text. */
int delay_parse(const char *text, double *seconds, struct error *error);

#endif
