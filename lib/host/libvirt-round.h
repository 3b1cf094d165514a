/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-round.h - inside this room: one round of calls, which asks libvirt
 * for all active domains, their definitions where needed, and statistics.
 */
#ifndef VMENERGY_HOST_LIBVIRT_ROUND_H
#define VMENERGY_HOST_LIBVIRT_ROUND_H

#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt-board.h"

/* A connection and what is known through it; the calling thread's alone. */
struct libvirt_reader {
	struct board_hand *hand;
	struct _virConnect *connection; /* libvirt's virConnectPtr; NULL = none */
	char *uri;                      /* of the connection, or of the last one */
	unsigned way;                   /* how this driver is asked; 0 = try the best first */
	uint64_t round;                 /* number of the running round */
	struct libvirt_known_list known;
};

/*
 * Bring reader->known up to date; what the round listed has seen == round.
 * vcpus: count them, too. The number of domains, or -1 with libvirt's error.
 */
int libvirt_read_round(struct libvirt_reader *reader, bool vcpus);

#endif
