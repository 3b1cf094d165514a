/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/control/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum { INPUT_BYTES = PROTOCOL_LINE_MAX + 1 /* its end */ };

/* --- lines that are shared ----------------------------------------------------------------- */

struct line *line_new(const struct text *text, bool is_snapshot, size_t *held)
{
	struct line *line = text->failed ? NULL : malloc(sizeof *line + text->length);

	if (!line)
		return NULL;
	*line = (struct line){
		.references = 1, .held = held, .is_snapshot = is_snapshot, .length = text->length
	};
	if (text->length > 0)
		memcpy(line->bytes, text->bytes, text->length);
	*held += line->length;
	return line;
}

void line_unref(struct line *line)
{
	if (!line || --line->references > 0)
		return;
	*line->held -= line->length;
	free(line);
}

/* --- life ---------------------------------------------------------------------------------- */

struct client *client_new(int fd, const struct peer *peer)
{
	struct client *client = calloc(1, sizeof *client);

	if (client)
		client->input = malloc(INPUT_BYTES);
	if (!client || !client->input) {
		free(client);
		close(fd);
		return NULL;
	}
	client->fd = fd;
	client->peer = *peer;
	return client;
}

void client_free(struct client *client)
{
	client_drop(client);
	free(client->waiting.items);
	free(client->input);
	close(client->fd);
	free(client);
}

/* --- what comes ---------------------------------------------------------------------------- */

/* Each byte is looked at once. */
static void scan(struct client *client)
{
	const char *end =
		memchr(client->input + client->scanned, '\n', client->end - client->scanned);

	client->scanned = end ? (size_t)(end - client->input) : client->end;
}

static bool has_end(const struct client *client)
{
	return client->scanned < client->end;
}

bool client_has_line(const struct client *client)
{
	return !client->closing && has_end(client);
}

void client_read(struct client *client)
{
	ssize_t got;

	memmove(client->input, client->input + client->begin, client->end - client->begin);
	client->end -= client->begin;
	client->scanned -= client->begin;
	client->begin = 0;
	got = recv(client->fd, client->input + client->end, INPUT_BYTES - client->end,
		   MSG_DONTWAIT);
	if (got > 0)
		client->end += (size_t)got;
	else if (got == 0)
		client->input_ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		client->gone = true;
	scan(client);
}

/* All up to the end of the line, or what is there of it. */
static void use_line(struct client *client)
{
	client->begin = client->scanned = client->scanned + has_end(client);
	scan(client);
}

int client_take_line(struct client *client, const char **line, size_t *length)
{
	if (client->skipping) {
		client->skipping = !has_end(client);
		use_line(client);
	}
	if (client_has_line(client)) {
		*line = client->input + client->begin;
		*length = client->scanned - client->begin;
		use_line(client);
		return 1;
	}
	if (client->closing || client->end - client->begin < INPUT_BYTES)
		return 0;
	use_line(client);
	client->skipping = true;
	return -E2BIG;
}

/* --- what waits ---------------------------------------------------------------------------- */

bool client_is_waiting(const struct client *client)
{
	return client->first < client->waiting.count;
}

/* Moved down only when half of the list is done with: what waits may be many short answers. */
static void take_off_first(struct client *client)
{
	struct line *line = client->waiting.items[client->first++];
	size_t left = client->waiting.count - client->first;

	client->waiting_bytes -= line->length;
	client->waiting_snapshots -= line->is_snapshot;
	client->sent = 0;
	line_unref(line);
	if (client->first < left)
		return;
	memmove(client->waiting.items, client->waiting.items + client->first,
		left * sizeof *client->waiting.items);
	client->waiting.count = left;
	client->first = 0;
}

void client_flush(struct client *client)
{
	while (client_is_waiting(client) && !client->gone) {
		const struct line *line = client->waiting.items[client->first];
		ssize_t sent = send(client->fd, line->bytes + client->sent,
				    line->length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0 && errno != EINTR)
			client->gone = true;
		if (sent > 0)
			client->sent += (size_t)sent;
		if (client->sent == line->length)
			take_off_first(client);
	}
}

void client_drop(struct client *client)
{
	for (size_t i = client->first; i < client->waiting.count; i++)
		line_unref(client->waiting.items[i]);
	client->waiting.count = client->first = 0;
	client->sent = client->waiting_bytes = 0;
	client->waiting_snapshots = 0;
	client->gone = true;
}

/* A snapshot may be larger than all that may wait: one alone is let through. */
static bool is_too_much(const struct client *client, const struct line *line)
{
	size_t bytes = client->waiting_bytes;

	if (line->is_snapshot && client->waiting_snapshots == 0)
		return bytes > SERVER_WAITING_BYTES;
	if (line->is_snapshot && client->waiting_snapshots >= SERVER_WAITING_SNAPSHOTS)
		return true;
	return bytes + line->length > SERVER_WAITING_BYTES;
}

bool client_put(struct client *client, struct line *line)
{
	struct line **place;

	if (client->gone)
		return true;
	client_flush(client);
	place = is_too_much(client, line) ? NULL : MEMORY_APPEND(&client->waiting);
	if (!place) {
		client_drop(client);
		return false;
	}
	line->references++;
	*place = line;
	client->waiting_bytes += line->length;
	client->waiting_snapshots += line->is_snapshot;
	client_flush(client);
	return true;
}

uint32_t client_wants(const struct client *client)
{
	bool listens = !client->closing && !client->input_ended && !client_has_line(client);

	return (listens ? (uint32_t)EPOLLIN : 0) |
	       (client_is_waiting(client) ? (uint32_t)EPOLLOUT : 0);
}
