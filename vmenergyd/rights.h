/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rights.h - what the daemon's own process keeps of root's rights, once the
 * helper is forked: enough to read and to count, nothing to write with that its user id does not
 * give. Before any thread.
 */
#ifndef VMENERGY_VMENERGYD_RIGHTS_H
#define VMENERGY_VMENERGYD_RIGHTS_H

#include <stdbool.h>

#include "base/error.h"

struct rights_needs {
	bool qmp_sockets; /* monitors that belong to QEMU's user are connected to */
	bool groups;      /* the socket is given to a group */
};

/* 0, or -errno with text: rights may be left that were to be given up. */
int rights_drop(const struct rights_needs *needs, struct error *error);

#endif
