/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setup-about.h - provenance: what a session says of machine, meter and counters. */
#ifndef VMENERGY_CALIBRATE_SETUP_ABOUT_H
#define VMENERGY_CALIBRATE_SETUP_ABOUT_H

#include "calibrate/setup.h"

/* Fill session->about and session->meter, and setup->warnings. 0 or -errno with text. */
int setup_describe(struct setup *setup, const struct setup_options *options,
		   struct session *session, struct error *error);

#endif
