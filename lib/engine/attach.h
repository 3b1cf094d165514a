/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * attach.h - a client of vmenergyd's control socket.
 */
#ifndef VMENERGY_ENGINE_ATTACH_H
#define VMENERGY_ENGINE_ATTACH_H

#include <stdint.h>

#include "base/error.h"
#include "wire/protocol.h"

#define ATTACH_SOCKET "/run/vmenergyd/control" /* or $VMENERGY_SOCKET */

const char *attach_default_path(void);

struct attach;

/* `path` NULL = the default. 0; -ENOENT, -ECONNREFUSED (no daemon), -EACCES (which group may), with
 * text. */
int attach_open(struct attach **attach, const char *path, struct error *error);
/* The same without waiting (-ETIMEDOUT: it takes nobody now), and in a hurry. */
int attach_open_at_once(struct attach **attach, const char *path, struct error *error);
/* From now on a request waits 100 ms at most to be taken, instead of 5 s. */
void attach_hurry(struct attach *attach);
void attach_close(struct attach *attach);
int attach_fd(const struct attach *attach);

/* Send a request (id is chosen here and returned in request->id). 0; -ECONNRESET: the daemon has
 * gone (a line that says why may be there to be received); -ETIMEDOUT; -EINVAL; -ENOMEM. */
int attach_send(struct attach *attach, struct protocol_request *request, struct error *error);
/*
 * The next message, waiting until deadline_ns (CLOCK_MONOTONIC; 0 = not at all). 1 = there is one
 * (to be cleared); 0 = none yet (a signal ends the waiting, too); -ECONNRESET: the daemon has gone;
 * -EPROTO with text. What comes without end and is no message holds it up to 100 ms beyond the
 * deadline. A snapshot fills *snapshot. Lines of up to 64 MiB. Several may wait behind one
 * readable descriptor: call until 0.
 */
int attach_receive(struct attach *attach, uint64_t deadline_ns, struct protocol_message *message,
		   struct snapshot *snapshot, struct error *error);
/* Send, and wait 5 s for its answer, which is to be cleared (snapshots meanwhile are dropped). A
 * refusal is -EPERM, with its text; -ETIMEDOUT. */
int attach_ask(struct attach *attach, struct protocol_request *request,
	       struct protocol_message *answer, struct error *error);

#endif
