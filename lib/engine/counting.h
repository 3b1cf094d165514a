/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * counting.h - what counts the CPU here, and at which prices.
 *
 * Chosen together: an event that no weights file prices is of no use, and
 * neither is a price of an event that cannot be counted here. Events win over
 * time on a CPU wherever both ends are there. Of either, the log of switches has
 * all tasks up to one moment; unasked it is taken where the kernel keeps it (BPF).
 * By rings it costs three times as much at each switch, and may lose some: then groups
 * of each thread have the events, and the kernel's own books the time.
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

struct counting { /* start from {0}; counting_clear() releases what it owns */
	struct weights_choice choice;
	enum cpu_source source; /* that counts what `choice` prices */
	/* Why events are not counted though they might have been; "" = they are, or nobody asked.
	 */
	struct error why_not_events;
	/* Why switches are not followed though nobody asked for another source; "" as above. */
	struct error why_not_switches;
	struct error_list warnings; /* errors of weights files, and of events that they price */
};

/*
 * Make `live` count, and say at which prices. `topology` is what live_discover()
 * gave. 0 or as weights_choose(); the text then also says why events would not do.
 */
int counting_choose(struct live *live, const struct counting_request *request,
		    const struct topology *topology, struct counting *counting,
		    struct error *error);
void counting_clear(struct counting *counting);

#endif
