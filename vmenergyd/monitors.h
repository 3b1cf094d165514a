/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * monitors.h - which of the configured QMP sockets is for what. A monitor serves
 * one client: of those of one QEMU, the first is the account's, which stays connected, and the
 * second is for limits.
 */
#ifndef VMENERGY_VMENERGYD_MONITORS_H
#define VMENERGY_VMENERGYD_MONITORS_H

#include "base/error.h"
#include "vmenergyd/config.h"
#include "vmenergyd/places.h"

struct monitors {             /* start from {0}; paths are the configuration's */
	const char **account; /* for the account */
	size_t account_count;
	struct place_socket *limits; /* for limits; pid 0: nobody listens */
	size_t limit_count;
};

/* Ask who listens, without waiting. A QEMU that is not there yet has all its sockets for the
 * account. 0 or -ENOMEM with text. */
int monitors_open(struct monitors *monitors, const struct config_strings *sockets,
		  struct error *error);
void monitors_close(struct monitors *monitors);
/* Ask again, for `limits`: processes come and go. */
void monitors_refresh(struct monitors *monitors);

#endif
