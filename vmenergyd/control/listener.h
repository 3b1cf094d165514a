/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listener.h - a listening local socket with the rights of a group. */
#ifndef VMENERGY_VMENERGYD_CONTROL_LISTENER_H
#define VMENERGY_VMENERGYD_CONTROL_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

struct listener {
	int fd;       /* non-blocking */
	int spare;    /* given up for a moment to turn somebody away when descriptors run out */
	char *path;   /* that it made */
	dev_t device; /* of the path when it was made: another's is not removed */
	ino_t inode;
};

/*
 * Make the socket `path`, mode 0660 for `group`, 0600 for PEER_NO_GROUP. What is left of one that
 * nobody listens on is replaced, its folder made. 0; -EADDRINUSE: somebody listens; -errno.
 */
int listener_make(struct listener *listener, const char *path, gid_t group, struct error *error);
void listener_close(struct listener *listener);

/* The next who wants in (non-blocking), or -EAGAIN; -errno otherwise. */
int listener_accept(struct listener *listener);

#endif
