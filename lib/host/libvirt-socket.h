/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-socket.h - inside this room: what the sockets of a local libvirtd
 * (or of the newer virtqemud) tell without libvirt.
 */
#ifndef VMENERGY_HOST_LIBVIRT_SOCKET_H
#define VMENERGY_HOST_LIBVIRT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Does a session daemon of this user listen? Connecting to qemu:///session
 * would start one, which somebody who only looks must not do.
 */
bool libvirt_session_runs(void);

/* The group that may talk to the system daemon. Returns group. */
const char *libvirt_system_group(char *group, size_t size);

#endif
