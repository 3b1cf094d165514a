/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control-scene.h - a control socket in this process, and clients that speak by hand. */
#ifndef VMENERGY_TESTS_CONTROL_SCENE_H
#define VMENERGY_TESTS_CONTROL_SCENE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vmenergyd/control/server.h"

#define STATUS "{\"format\":1,\"id\":1,\"do\":\"status\"}\n"
#define SUBSCRIBE "{\"format\":1,\"id\":2,\"do\":\"subscribe\"}\n"
#define UNSUBSCRIBE "{\"format\":1,\"id\":3,\"do\":\"unsubscribe\"}\n"
#define CAP "{\"format\":1,\"id\":4,\"do\":\"cap\",\"domain\":\"web1\",\"cap_w\":20}\n"
#define RELOAD "{\"format\":1,\"id\":5,\"do\":\"reload\"}\n"
#define SUBSCRIBED(may) "{\"format\":1,\"id\":2,\"ok\":true,\"may_change\":" #may "}\n"
#define OK(id) "{\"format\":1,\"id\":" #id ",\"ok\":true}\n"

static inline const char *scene_path(void)
{
	static char path[sizeof((struct sockaddr_un *)0)->sun_path];

	snprintf(path, sizeof path, "%s/run/control", unit_folder());
	return path;
}

/* What the handler was asked for last, and how often. */
struct handled {
	unsigned count;
	enum protocol_verb verb;
	char domain[64], who[96];
	bool may_change;
};

static inline const char *scene_long_text(void)
{
	static char text[100001];

	memset(text, 'x', sizeof text - 1);
	return text;
}

static inline int scene_handle(void *context, const struct peer *peer,
			       const struct protocol_request *request, struct text *answer,
			       struct error *error)
{
	struct handled *handled = context;

	handled->count++;
	handled->verb = request->verb;
	handled->may_change = peer->may_change;
	snprintf(handled->domain, sizeof handled->domain, "%s",
		 request->domain ? request->domain : "");
	snprintf(handled->who, sizeof handled->who, "%s", peer->who);
	if (request->verb == PROTOCOL_CLEAR)
		return error_setf(error, ENOENT, "no domain is called '%s'", handled->domain);
	if (request->verb == PROTOCOL_STATUS)
		return protocol_put_answer(request->id, json_pack("{s:i}", "n", handled->count),
					   answer, error);
	/* A long answer, as of a host with many domains. */
	if (request->verb == PROTOCOL_RELOAD)
		return protocol_put_answer(
			request->id, json_pack("{s:s}", "text", scene_long_text()), answer, error);
	return 0;
}

static inline struct server *scene_open(struct handled *handled, const char *read_group,
					const char *change_group)
{
	const struct server_options options = {
		.path = scene_path(),
		.read_group = read_group,
		.change_group = change_group,
		.handle = scene_handle,
		.context = handled,
	};
	struct server *server = NULL;
	struct error error = { "" };

	*handled = (struct handled){ 0 };
	UNIT_EQUAL_I64(0, server_open(&server, &options, &error));
	UNIT_EQUAL_TEXT("", error.text);
	if (!server)
		abort();
	return server;
}

static inline struct sockaddr_un scene_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof address.sun_path, "%s", scene_path());
	return address;
}

/* A listener that is no server. */
static inline int scene_listen(int backlog)
{
	const struct sockaddr_un address = scene_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unit_write_file("run/marker", ""); /* makes the folder */
	UNIT_EQUAL_I64(0, bind(fd, (const struct sockaddr *)&address, sizeof address));
	UNIT_EQUAL_I64(0, listen(fd, backlog));
	return fd;
}

static inline int scene_connect(void)
{
	const struct sockaddr_un address = scene_address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&address, sizeof address)) {
		close(fd);
		return -errno;
	}
	return fd;
}

/* A client that the server knows. */
static inline int scene_join(struct server *server)
{
	int fd = scene_connect();

	UNIT_TRUE(fd >= 0);
	server_serve(server);
	return fd;
}

static inline void scene_say(int fd, const char *bytes, size_t length)
{
	UNIT_EQUAL_I64((int64_t)length, send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/* All that is there, as a text; *ended: and then the end. */
static inline const char *scene_hear(int fd, bool *ended)
{
	static char heard[1 << 20];
	size_t length = 0;
	ssize_t got;

	do {
		got = recv(fd, heard + length, sizeof heard - 1 - length, MSG_DONTWAIT);
		length += got > 0 ? (size_t)got : 0;
	} while (got > 0 && length < sizeof heard - 1);
	heard[length] = '\0';
	if (ended)
		*ended = got == 0 || (got < 0 && errno == ECONNRESET);
	return heard;
}

/* Say a text, let the server work, and hear what it answers. */
static inline const char *scene_ask(struct server *server, int fd, const char *text)
{
	scene_say(fd, text, strlen(text));
	server_serve(server);
	return scene_hear(fd, NULL);
}

static inline void scene_publish(struct server *server, const char *bytes)
{
	struct text line = { 0 };

	text_add(&line, bytes);
	server_publish(server, &line);
	text_free(&line);
}

static inline size_t scene_count(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		count++;
	return count;
}

#endif
