/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/control/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "vmenergyd/control/client.h"
#include "vmenergyd/control/complaints.h"
#include "vmenergyd/control/listener.h"
#include "vmenergyd/control/peer.h"

enum {
	REQUESTS_PER_TURN = 16, /* of one client: then the others, and the daemon, have theirs */
	ACCEPTS_PER_TURN = 16,
	/* What epoll tells of, besides the places of clients. */
	OF_LISTENER = SERVER_CLIENTS,
	OF_REST,
	WATCHED,
};

struct server {
	int epoll;
	int rest; /* eventfd: lines that were read are left for the next turn */
	struct listener listener;
	struct peer_rules rules;
	char *change_group;
	server_handler *handle;
	void *context;
	struct client *clients[SERVER_CLIENTS];
	uint64_t lines; /* of all clients */
	uint64_t dropped;
	size_t held; /* bytes of all lines that wait */
	bool serving;
	struct text answer; /* memory that is used again */
	struct complaints complaints;
	uint64_t turn_ns;
	uint64_t end_ns; /* of this turn; 0 = none */
	size_t first;    /* whose turn it is first */
};

/* --- opening ------------------------------------------------------------------------------- */

static int watch(const struct server *server, int fd, uint32_t place, struct error *error)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = place };

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		return error_setf(error, errno, "epoll: %s", strerror(errno));
	return 0;
}

/* A reading group that is not there leaves the socket to who may change. */
static int open_listener(struct server *server, const struct server_options *options,
			 struct error *error)
{
	gid_t group;

	server->rules = (struct peer_rules){ peer_find_group(options->read_group),
					     peer_find_group(options->change_group) };
	group = server->rules.read_group;
	if (group == PEER_NO_GROUP)
		group = server->rules.change_group;
	return listener_make(&server->listener, options->path, group, error);
}

static int open_descriptors(struct server *server, const struct server_options *options,
			    struct error *error)
{
	int result = open_listener(server, options, error);

	if (result)
		return result;
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->rest = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->epoll < 0 || server->rest < 0)
		return error_setf(error, errno, "epoll, eventfd: %s", strerror(errno));
	result = watch(server, server->listener.fd, OF_LISTENER, error);
	return result ? result : watch(server, server->rest, OF_REST, error);
}

int server_open(struct server **out, const struct server_options *options, struct error *error)
{
	struct server *server = calloc(1, sizeof *server);
	int result;

	if (!server)
		return error_setf(error, ENOMEM, "out of memory");
	server->epoll = server->rest = -1;
	server->listener = (struct listener){ .fd = -1, .spare = -1 };
	server->handle = options->handle;
	server->context = options->context;
	server->turn_ns = options->turn_ns;
	result = text_replace(&server->change_group, options->change_group);
	if (result)
		error_setf(error, ENOMEM, "out of memory");
	else
		result = open_descriptors(server, options, error);
	if (result) {
		server_close(server);
		return result;
	}
	*out = server;
	return 0;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (server->clients[i])
			client_free(server->clients[i]);
	listener_close(&server->listener);
	if (server->epoll >= 0)
		close(server->epoll);
	if (server->rest >= 0)
		close(server->rest);
	text_free(&server->answer);
	free(server->change_group);
	free(server);
}

/* --- looking ------------------------------------------------------------------------------- */

int server_fd(const struct server *server)
{
	return server->epoll;
}

bool server_has_subscribers(const struct server *server)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (server->clients[i] && server->clients[i]->subscribed &&
		    !server->clients[i]->gone)
			return true;
	return false;
}

size_t server_client_count(const struct server *server)
{
	size_t count = 0;

	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		count += server->clients[i] && !server->clients[i]->gone;
	return count;
}

size_t server_held_bytes(const struct server *server)
{
	return server->held;
}

uint64_t server_dropped(const struct server *server)
{
	return server->dropped;
}

/* --- after each turn ----------------------------------------------------------------------- */

/* Is everything said that there is to say? */
static bool is_over(const struct client *client)
{
	bool deaf = client->closing || (client->input_ended && !client_has_line(client));

	return client->gone ||
	       (deaf && !client_is_waiting(client) && (client->closing || !client->subscribed));
}

static void release(struct server *server, size_t place)
{
	/* Closing takes it out of the set. */
	client_free(server->clients[place]);
	server->clients[place] = NULL;
}

static void watch_client(struct server *server, size_t place)
{
	struct client *client = server->clients[place];
	struct epoll_event event = { .events = client_wants(client), .data.u32 = (uint32_t)place };

	if (event.events == client->events)
		return;
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, client->fd, &event))
		client->gone = true;
	client->events = event.events;
}

/* Those who are gone are freed here alone, where nobody works with them. */
static void sweep(struct server *server)
{
	bool is_rest = false;

	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		if (server->clients[i] && !is_over(server->clients[i]))
			watch_client(server, i);
		if (server->clients[i] && is_over(server->clients[i]))
			release(server, i);
		is_rest = is_rest || (server->clients[i] && client_has_line(server->clients[i]));
	}
	if (is_rest)
		eventfd_write(server->rest, 1);
}

/* --- what is logged of clients -------------------------------------------------------------- */

static void complain(struct server *server, struct peer *peer, const char *what)
{
	if (!complaints_add(&server->complaints, peer->uid, clock_now_ns()))
		return;
	peer_describe(peer);
	log_warning("%s %s", peer->who, what);
}

void server_sum_up(struct server *server)
{
	unsigned more;
	uid_t uid;

	while ((more = complaints_left_out(&server->complaints, clock_now_ns(), &uid)) > 0)
		log_warning("uid %u: and %u more lines like these", (unsigned)uid, more);
}

/* --- what waits ---------------------------------------------------------------------------- */

static void note_slow(struct server *server, struct client *client)
{
	server->dropped++;
	complain(server, &client->peer, "reads too slowly: dropped");
}

static size_t waiting_for_user(const struct server *server, uid_t uid)
{
	size_t bytes = 0;

	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (server->clients[i] && server->clients[i]->peer.uid == uid)
			bytes += server->clients[i]->waiting_bytes;
	return bytes;
}

/* Of the user for whom most waits: who has most connections pays for them. */
static struct client *find_slowest(const struct server *server)
{
	struct client *slowest = NULL;
	size_t most = 0;

	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct client *client = server->clients[i];
		size_t bytes;

		if (!client || !client_is_waiting(client))
			continue;
		bytes = waiting_for_user(server, client->peer.uid);
		if (!slowest || bytes > most ||
		    (bytes == most && client->peer.uid == slowest->peer.uid &&
		     client->waiting_bytes > slowest->waiting_bytes))
			slowest = client;
		most = bytes > most ? bytes : most;
	}
	return slowest;
}

/* What is just being handed out may be larger than all that may wait. */
static void make_room(struct server *server, const struct line *fresh)
{
	while (server->held - fresh->length > SERVER_HELD_BYTES) {
		struct client *client = find_slowest(server);

		if (!client)
			return;
		client_drop(client);
		note_slow(server, client);
	}
}

/* --- answering ----------------------------------------------------------------------------- */

static void put(struct server *server, struct client *client, const struct text *text)
{
	struct line *line = line_new(text, false, &server->held);

	if (!line)
		client->gone = true;
	else if (!client_put(client, line))
		note_slow(server, client);
	else
		make_room(server, line);
	line_unref(line);
}

static void refuse(struct server *server, struct client *client, int64_t id, const char *why)
{
	text_reset(&server->answer);
	protocol_put_refusal(id, why, &server->answer);
	put(server, client, &server->answer);
}

/* What is no request, SERVER_BAD_LINES times in a row: no more is listened to. */
static void blame(struct server *server, struct client *client, int64_t id, const char *why)
{
	refuse(server, client, id, why);
	if (++client->bad_lines < SERVER_BAD_LINES)
		return;
	complain(server, &client->peer, "sends no requests: closed");
	refuse(server, client, -1, "too many lines in a row were no requests: closing");
	client->closing = true;
}

static void deny(struct server *server, struct client *client,
		 const struct protocol_request *request)
{
	struct error why;

	if (server->rules.change_group == PEER_NO_GROUP)
		error_setf(&why, EPERM, "only root may do that");
	else
		error_setf(&why, EPERM, "only root and group %s may do that", server->change_group);
	if (!client->was_refused) {
		char what[64];

		snprintf(what, sizeof what, "may not: %s", protocol_verb_name(request->verb));
		complain(server, &client->peer, what);
	}
	client->was_refused = true;
	refuse(server, client, request->id, why.text);
}

/* A plain "ok", and to who subscribes, whether to ask for more would be in vain. */
static json_t *members_of_answer(const struct client *client,
				 const struct protocol_request *request)
{
	if (request->verb != PROTOCOL_SUBSCRIBE)
		return NULL;
	return json_pack("{s:b}", "may_change", client->peer.may_change);
}

static int perform(struct server *server, struct client *client,
		   const struct protocol_request *request, struct error *error)
{
	int result = 0;

	text_reset(&server->answer);
	if (request->verb == PROTOCOL_SUBSCRIBE || request->verb == PROTOCOL_UNSUBSCRIBE)
		client->subscribed = request->verb == PROTOCOL_SUBSCRIBE;
	else
		result = server->handle(server->context, &client->peer, request, &server->answer,
					error);
	if (!result && server->answer.length == 0)
		result = protocol_put_answer(request->id, members_of_answer(client, request),
					     &server->answer, error);
	return result;
}

static void answer_line(struct server *server, struct client *client, const char *line,
			size_t length)
{
	struct protocol_request request;
	struct error error = { "" };
	int result = protocol_parse_request(line, length, &request, &error);

	if (result) {
		blame(server, client, request.id, error.text);
		return;
	}
	client->bad_lines = 0;
	client->last_line = ++server->lines;
	if (protocol_verb_changes(request.verb) && !client->peer.may_change) {
		deny(server, client, &request);
	} else {
		result = perform(server, client, &request, &error);
		if (result)
			refuse(server, client, request.id,
			       error.text[0] ? error.text : strerror(-result));
		else
			put(server, client, &server->answer);
	}
	protocol_request_clear(&request);
}

/* --- one client's turn --------------------------------------------------------------------- */

static bool is_turn_over(const struct server *server)
{
	return server->end_ns && clock_now_ns() >= server->end_ns;
}

static void take_turn(struct server *server, struct client *client, uint32_t events)
{
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !client_has_line(client))
		client_read(client);
	for (unsigned i = 0; i < REQUESTS_PER_TURN && !client->gone; i++) {
		const char *line;
		size_t length;
		int result = client_take_line(client, &line, &length);

		if (result == 0)
			break;
		if (result > 0)
			answer_line(server, client, line, length);
		else
			blame(server, client, -1, "the line is too long");
		if (is_turn_over(server))
			break;
	}
	client_flush(client);
	/* Nobody is there any more, and all is heard. */
	if ((events & (EPOLLHUP | EPOLLERR)) && (client->input_ended || client->closing))
		client->gone = true;
}

/* --- who comes ----------------------------------------------------------------------------- */

/* A line at least, if it can be said at once. */
static void turn_away(int fd, const char *why)
{
	struct text line = { 0 };

	if (protocol_put_refusal(-1, why, &line) == 0)
		(void)!send(fd, line.bytes, line.length, MSG_NOSIGNAL | MSG_DONTWAIT);
	text_free(&line);
	close(fd);
}

/* Whoever has been silent longest, for somebody who may as much. */
static void make_place(struct server *server, const struct peer *peer)
{
	struct client *idle = NULL;

	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		struct client *client = server->clients[i];

		if (client && !client->gone && !client->subscribed &&
		    (peer->may_change || !client->peer.may_change) &&
		    (!idle || client->last_line < idle->last_line))
			idle = client;
	}
	if (!idle)
		return;
	log_debug("uid %u, pid %d has been silent longest and makes room", (unsigned)idle->peer.uid,
		  (int)idle->peer.pid);
	idle->gone = true;
	sweep(server);
}

static bool is_full(const struct server *server, const struct peer *peer)
{
	size_t places = peer->may_change ? SERVER_CLIENTS : SERVER_CLIENTS - SERVER_KEPT_PLACES;

	return server_client_count(server) >= places;
}

static void add_client(struct server *server, int fd, const struct peer *peer)
{
	struct client *client = client_new(fd, peer);
	size_t place = 0;

	if (!client)
		return;
	while (server->clients[place]) /* one is free: is_full() said so after a sweep */
		place++;
	server->clients[place] = client;
	client->events = EPOLLIN;
	client->last_line = ++server->lines;
	if (watch(server, fd, (uint32_t)place, NULL))
		release(server, place);
}

static void admit(struct server *server, int fd)
{
	struct error error = { "" };
	struct peer peer;
	int result = peer_identify(fd, &server->rules, &peer, &error);

	if (result) {
		if (result == -EACCES)
			complain(server, &peer, "may not read here");
		else if (complaints_add(&server->complaints, peer.uid, clock_now_ns()))
			log_warning("%s", error.text);
		turn_away(fd, error.text);
		return;
	}
	if (is_full(server, &peer))
		make_place(server, &peer);
	if (is_full(server, &peer))
		turn_away(fd, "all places are taken");
	else
		add_client(server, fd, &peer);
}

/* One at least, in each turn: who waits is let in at last. */
static void accept_all(struct server *server)
{
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = listener_accept(&server->listener);

		if (fd == -ECONNABORTED || fd == -EINTR)
			continue;
		if (fd < 0)
			return;
		admit(server, fd);
		if (is_turn_over(server))
			return;
	}
}

/* --- serving ------------------------------------------------------------------------------- */

/* Whoever has no turn before the time is over is first in the next one. Nobody is forgotten: what
 * epoll saw it sees again, and lines that were read wake us. */
static void take_turns(struct server *server, const uint32_t *seen)
{
	for (size_t i = 0; i < SERVER_CLIENTS; i++) {
		size_t place = (server->first + i) % SERVER_CLIENTS;
		struct client *client = server->clients[place];

		if (!client || (!seen[place] && !client_has_line(client)))
			continue;
		take_turn(server, client, seen[place]);
		if (is_turn_over(server)) {
			server->first = (place + 1) % SERVER_CLIENTS;
			return;
		}
	}
}

void server_serve(struct server *server)
{
	struct epoll_event events[WATCHED];
	uint32_t seen[WATCHED] = { 0 };
	eventfd_t rest;
	int count = epoll_wait(server->epoll, events, WATCHED, 0);

	for (int i = 0; i < count; i++)
		seen[events[i].data.u32] = events[i].events;
	eventfd_read(server->rest, &rest);
	server->end_ns = server->turn_ns ? clock_now_ns() + server->turn_ns : 0;
	server->serving = true;
	take_turns(server, seen);
	server->serving = false;
	sweep(server);
	if (seen[OF_LISTENER])
		accept_all(server);
}

void server_publish(struct server *server, const struct text *text)
{
	struct line *line =
		server_has_subscribers(server) ? line_new(text, true, &server->held) : NULL;

	for (size_t i = 0; i < SERVER_CLIENTS && line; i++) {
		struct client *client = server->clients[i];

		if (!client || !client->subscribed || client->closing)
			continue;
		if (!client_put(client, line))
			note_slow(server, client);
	}
	if (line)
		make_room(server, line);
	line_unref(line);
	if (!server->serving) /* else whoever handles a request may be freed under its feet */
		sweep(server);
}
