/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * monitors.h - which of the configured QMP sockets are for limits. A monitor serves
 * one client: of those of one QEMU, one is the account's, which stays connected, and the
 * others are for limits. QEMUs come and go, and so do their sockets.
 */
#ifndef VMENERGY_VMENERGYD_MONITORS_H
#define VMENERGY_VMENERGYD_MONITORS_H

#include "base/error.h"
#include "engine/live.h"
#include "vmenergyd/places.h"

struct monitors { /* start from {0} */
	struct place_socket *limits;
	size_t limit_count;
	struct host_spare *spares; /* memory that is used again */
	size_t most;
};

/* `most`: how many sockets are configured. 0 or -ENOMEM with text. */
int monitors_open(struct monitors *monitors, size_t most, struct error *error);
void monitors_close(struct monitors *monitors);
/* What the account has let go by now: true = `limits` are others than before. */
bool monitors_refresh(struct monitors *monitors, const struct live *live);

#endif
