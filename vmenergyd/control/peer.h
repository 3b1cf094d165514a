/* SPDX-License-Identifier: GPL-3.0-or-later */
/* peer.h - who is at the other end of a local socket, and what that one may do. */
#ifndef VMENERGY_VMENERGYD_CONTROL_PEER_H
#define VMENERGY_VMENERGYD_CONTROL_PEER_H

#include <stdbool.h>

#include "vmenergyd/control/server.h"

#define PEER_NO_GROUP ((gid_t)-1)

/* Whom the socket serves besides root and our own user. */
struct peer_rules {
	gid_t read_group, change_group; /* PEER_NO_GROUP = none */
};

/* PEER_NO_GROUP: no such group, or no name. */
gid_t peer_find_group(const char *name);

/* Fill peer->who if that was not yet done: reads files. */
void peer_describe(struct peer *peer);

/* 0; -EACCES with text; -errno. Only who may change is described at once, as it connects. */
int peer_identify(int fd, const struct peer_rules *rules, struct peer *peer, struct error *error);

#endif
