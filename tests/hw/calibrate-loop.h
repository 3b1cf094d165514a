/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calibrate-loop.h - "loop N", a program of the guest: N rounds of load_burn(), and its end. */
#ifndef VMENERGY_TESTS_HW_CALIBRATE_LOOP_H
#define VMENERGY_TESTS_HW_CALIBRATE_LOOP_H

#include <stdbool.h>

bool calibrate_loop_is_called(const char *name);
int calibrate_loop_run(int argc, char **argv); /* exit status */

#endif
