/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counting.h - what counts the CPU here, and at which prices.
 *
 * Chosen together: an event that no weights file prices is of no use, and
 * neither is a price of an event that cannot be counted here. Events win over
 * time on a CPU wherever both ends are there.
 */
#ifndef VMENERGY_ENGINE_COUNTING_H
#define VMENERGY_ENGINE_COUNTING_H

#include "base/error.h"
#include "engine/choose.h"
#include "engine/live.h"

enum { COUNTING_AUTO = -1 };

struct counting_request {
	int source;          /* enum cpu_source or COUNTING_AUTO */
	const char *weights; /* as weights_request.spec */
};

/*
 * Make `live` count, and say at which prices. `topology` is what live_discover()
 * gave. Errors of weights files go to `warnings`, and there, too, why events
 * are not counted though there are weights for them. 0 or as weights_choose().
 */
int counting_choose(struct live *live, const struct counting_request *request,
		    const struct topology *topology, struct weights_choice *choice,
		    struct error_list *warnings, struct error *error);

#endif
