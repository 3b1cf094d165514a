/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server.h - the control socket: vmenergyd-protocol(7). Anyone in the reading
 * group subscribes, root or the changing group changes. One descriptor (an epoll
 * set of the listener and all clients) for the daemon's loop.
 *
 * A client that does not read is dropped when more waits for it than SERVER_WAITING_SNAPSHOTS or
 * SERVER_WAITING_BYTES (one snapshot may always wait, however large); it is never waited for. Where
 * more than SERVER_HELD_BYTES waits for all of them together, the user for whom most of it waits
 * loses the client that reads least. Lines over PROTOCOL_LINE_MAX and garbage get an error each,
 * and the connection is closed after SERVER_BAD_LINES of them in a row.
 *
 * What a user gives cause to log is limited (complaints.h).
 *
 * Where all places are taken, whoever has been silent longest and does not subscribe makes room.
 * SERVER_KEPT_PLACES are for those who may change limits.
 */
#ifndef VMENERGY_VMENERGYD_CONTROL_SERVER_H
#define VMENERGY_VMENERGYD_CONTROL_SERVER_H

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"
#include "wire/protocol.h"

enum {
	SERVER_CLIENTS = 64,
	SERVER_KEPT_PLACES = 4,
	SERVER_WAITING_BYTES = 4 << 20,
	SERVER_HELD_BYTES = 32 << 20,
	SERVER_WAITING_SNAPSHOTS = 8,
	SERVER_BAD_LINES = 100,
};

struct peer { /* SO_PEERCRED and SO_PEERGROUPS, as it connected */
	pid_t pid;
	uid_t uid;
	gid_t gid;
	/* "uid 1000 (ann), pid 4711 (vmetop)" for the log; printable. Of who may not change:
	 * "" until there is something to log. */
	char who[96];
	bool may_change;
};

/*
 * A request that passed its checks (subscribe and unsubscribe are answered by the server itself; a
 * change comes only from who may). May append a whole answer line to `answer`
 * (protocol_put_status(), protocol_put_answer()): nothing there and 0 is answered by a plain
 * "ok"; -errno with text by a refusal. It may publish.
 */
typedef int server_handler(void *context, const struct peer *peer,
			   const struct protocol_request *request, struct text *answer,
			   struct error *error);

struct server_options {
	const char *path;         /* an old socket that nobody listens on is replaced */
	const char *read_group;   /* NULL or not there: root alone (and our own user) */
	const char *change_group; /* NULL: the same; who may change may read */
	server_handler *handle;
	void *context;
	/* After so long the daemon has its turn again, whatever is left; 0 = not looked at. */
	uint64_t turn_ns;
};

struct server;

/* 0; -EADDRINUSE: somebody listens at the path; -errno with text. */
int server_open(struct server **server, const struct server_options *options, struct error *error);
void server_close(struct server *server); /* removes the socket that it made; NULL is fine */
int server_fd(const struct server *server);
/* Do what there is to do, without waiting: a turn of it. What is left makes server_fd() readable.
 */
void server_serve(struct server *server);
/* Now and then: say how many lines of the log were left out. */
void server_sum_up(struct server *server);
bool server_has_subscribers(const struct server *server);
/* One line for all subscribers: serialised once. */
void server_publish(struct server *server, const struct text *line);
size_t server_client_count(const struct server *server);
/* In memory for clients to take; a line that several wait for counts once. */
size_t server_held_bytes(const struct server *server);
uint64_t server_dropped(const struct server *server); /* slow readers, cumulative */

#endif
