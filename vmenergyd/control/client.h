/* SPDX-License-Identifier: GPL-3.0-or-later */
/* client.h - one connection: the lines that come, and those that wait to be taken. */
#ifndef VMENERGY_VMENERGYD_CONTROL_CLIENT_H
#define VMENERGY_VMENERGYD_CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "vmenergyd/control/server.h"

/* A line that waits: a snapshot is shared by all who wait for it. */
struct line {
	unsigned references;
	size_t *held; /* the bytes of all lines that there are */
	bool is_snapshot;
	size_t length;
	char bytes[];
};
/* One reference; or NULL. `held` outlives it. */
struct line *line_new(const struct text *text, bool is_snapshot, size_t *held);
void line_unref(struct line *line);

struct client {
	int fd;
	struct peer peer;
	bool subscribed;
	bool input_ended;   /* it says no more */
	bool closing;       /* we listen no more; what waits is still sent */
	bool gone;          /* to be freed */
	bool was_refused;   /* said once */
	unsigned bad_lines; /* in a row */
	uint64_t last_line; /* when it last said something, in lines of all clients */
	uint32_t events;    /* that epoll looks for */
	/* What came: input[begin .. end) is not yet used; no line ends before `scanned`, and one
	 * there unless that is the end. */
	char *input;
	size_t begin, scanned, end;
	bool skipping; /* the rest of a line that is too long */
	/* What waits: items[first .. count), `sent` bytes of the first are out. */
	struct {
		struct line **items;
		size_t count, capacity;
	} waiting;
	size_t first;
	size_t sent, waiting_bytes;
	unsigned waiting_snapshots;
};

/* Takes fd, also on failure (NULL: out of memory). */
struct client *client_new(int fd, const struct peer *peer);
void client_free(struct client *client);

/* Read what is there, as far as there is room. */
void client_read(struct client *client);
/* The next whole line without its end, good until the next read: 1; 0 = none; -E2BIG: one that was
 * too long. */
int client_take_line(struct client *client, const char **line, size_t *length);
bool client_has_line(const struct client *client);

/* Append a line (a reference of its own is taken) and send what can be sent. False: more waits than
 * may, or there is no memory; the client is gone then. */
bool client_put(struct client *client, struct line *line);
void client_flush(struct client *client);
/* It is gone, and nothing waits for it any more. */
void client_drop(struct client *client);

bool client_is_waiting(const struct client *client); /* is there more to be sent? */

/* What epoll is to look for. */
uint32_t client_wants(const struct client *client);

#endif
