/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client of the control socket, against a server in another thread and peers by hand. */
#include "engine/attach.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "tests/unit/control-scene.h"
#include "tests/unit/protocol-scene.h"

static struct handled handled;

static uint64_t in_seconds(unsigned seconds)
{
	return clock_now_ns() + seconds * UINT64_C(1000000000);
}

/* --- a server that serves ---------------------------------------------------------- */

struct daemon {
	struct server *server;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint publish; /* lines that are still to be published */
	struct text line;
};

static void *serve(void *context)
{
	struct daemon *daemon = context;

	while (!daemon->stop) {
		struct pollfd ready = { .fd = server_fd(daemon->server), .events = POLLIN };

		if (poll(&ready, 1, 5) > 0)
			server_serve(daemon->server);
		if (daemon->publish > 0 && server_has_subscribers(daemon->server)) {
			server_publish(daemon->server, &daemon->line);
			daemon->publish--;
		}
	}
	return NULL;
}

static void start(struct daemon *daemon)
{
	daemon->server = scene_open(&handled, NULL, NULL);
	daemon->stop = false;
	if (pthread_create(&daemon->thread, NULL, serve, daemon))
		abort();
}

static void stop(struct daemon *daemon)
{
	daemon->stop = true;
	pthread_join(daemon->thread, NULL);
	server_close(daemon->server);
	text_free(&daemon->line);
}

static struct attach *attach(void)
{
	struct attach *attach = NULL;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, attach_open(&attach, scene_path(), &error));
	UNIT_EQUAL_TEXT("", error.text);
	if (!attach)
		abort();
	return attach;
}

/* --- asking ------------------------------------------------------------------------ */

static void test_ask(void)
{
	struct daemon daemon = { 0 };
	struct protocol_request request = protocol_request_of(PROTOCOL_STATUS);
	struct protocol_message answer;
	struct attach *client;
	struct error error = { "" };

	start(&daemon);
	client = attach();
	for (int64_t i = 1; i <= 3; i++) {
		UNIT_EQUAL_I64(0, attach_ask(client, &request, &answer, &error));
		UNIT_EQUAL_I64(i, request.id);
		UNIT_EQUAL_I64(i, json_integer_value(json_object_get(answer.answer, "n")));
		protocol_message_clear(&answer);
	}
	request = protocol_request_of(PROTOCOL_CLEAR);
	request.domain = unit_literal("web1");
	UNIT_EQUAL_I64(-EPERM, attach_ask(client, &request, &answer, &error));
	UNIT_EQUAL_TEXT("no domain is called 'web1'", error.text);
	UNIT_EQUAL_TEXT("web1", handled.domain);
	attach_close(client);
	stop(&daemon);
}

static void test_snapshots(void)
{
	struct daemon daemon = { 0 };
	struct snapshot made = { 0 }, read = { 0 };
	struct scene scene = { .seed = 21, .snapshot = &made, .most = 30 };
	struct protocol_about about = { .hostname = unit_literal("h"),
					.version = unit_literal("1"),
					.weights_why = unit_literal("w"),
					.interval_s = 1 };
	struct protocol_request request = protocol_request_of(PROTOCOL_SUBSCRIBE);
	struct protocol_message message;
	struct attach *client;
	struct error error = { "" };

	scene_fill(&scene);
	UNIT_EQUAL_I64(0, protocol_put_snapshot(&made, &about, &daemon.line, &error));
	start(&daemon);
	client = attach();
	UNIT_EQUAL_I64(0, attach_receive(client, 0, &message, &read, &error));
	UNIT_EQUAL_I64(0, attach_ask(client, &request, &message, &error));
	protocol_message_clear(&message);
	daemon.publish = 3;
	for (unsigned i = 0; i < 3; i++) {
		snapshot_reset(&read);
		UNIT_EQUAL_I64(1, attach_receive(client, in_seconds(60), &message, &read, &error));
		UNIT_EQUAL_I64(PROTOCOL_SNAPSHOT, message.kind);
		UNIT_TRUE(scene_same_snapshot(&made, &read));
		UNIT_EQUAL_TEXT("h", message.about.hostname);
		protocol_message_clear(&message);
	}
	UNIT_EQUAL_I64(0, attach_receive(client, 0, &message, &read, &error));
	/* Answers are found among snapshots. */
	daemon.publish = 5;
	request = protocol_request_of(PROTOCOL_STATUS);
	for (unsigned i = 0; i < 5; i++) {
		UNIT_EQUAL_I64(0, attach_ask(client, &request, &message, &error));
		protocol_message_clear(&message);
	}
	attach_close(client);
	snapshot_clear(&made);
	snapshot_clear(&read);
	stop(&daemon);
}

static void test_gone_and_back(void)
{
	struct daemon daemon = { 0 };
	struct protocol_request request = protocol_request_of(PROTOCOL_SUBSCRIBE);
	struct protocol_message message;
	struct snapshot read = { 0 };
	struct attach *client, *none;
	struct error error = { "" };

	start(&daemon);
	client = attach();
	UNIT_EQUAL_I64(0, attach_ask(client, &request, &message, &error));
	protocol_message_clear(&message);
	stop(&daemon);
	UNIT_EQUAL_I64(-ECONNRESET,
		       attach_receive(client, in_seconds(60), &message, &read, &error));
	UNIT_EQUAL_TEXT("vmenergyd has closed the connection", error.text);
	UNIT_EQUAL_I64(-ECONNRESET, attach_ask(client, &request, &message, &error));
	attach_close(client);
	UNIT_EQUAL_I64(-ENOENT, attach_open(&none, scene_path(), &error));
	start(&daemon);
	client = attach();
	UNIT_EQUAL_I64(0, attach_ask(client, &request, &message, &error));
	protocol_message_clear(&message);
	attach_close(client);
	stop(&daemon);
	snapshot_clear(&read);
}

/* --- opening ----------------------------------------------------------------------- */

static void test_nobody_there(void)
{
	struct attach *client;
	struct error error = { "" };
	char path[200];
	int listener;

	UNIT_EQUAL_I64(-ENOENT, attach_open(&client, "/nowhere/at/all", &error));
	UNIT_EQUAL_TEXT("no vmenergyd runs here (/nowhere/at/all: No such file or directory)",
			error.text);
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	UNIT_EQUAL_I64(-ENAMETOOLONG, attach_open(&client, path, &error));
	/* Left by one that was killed. */
	listener = scene_listen(1);
	close(listener);
	UNIT_EQUAL_I64(-ECONNREFUSED, attach_open(&client, scene_path(), &error));
	UNIT_CONTAINS("no vmenergyd listens at ", error.text);
	UNIT_EQUAL_I64(0, unlink(scene_path()));
}

static void test_path_of_environment(void)
{
	UNIT_EQUAL_I64(0, unsetenv("VMENERGY_SOCKET"));
	UNIT_EQUAL_TEXT("/run/vmenergyd/control", attach_default_path());
	UNIT_EQUAL_I64(0, setenv("VMENERGY_SOCKET", "", 1));
	UNIT_EQUAL_TEXT("/run/vmenergyd/control", attach_default_path());
	UNIT_EQUAL_I64(0, setenv("VMENERGY_SOCKET", "/tmp/x", 1));
	UNIT_EQUAL_TEXT("/tmp/x", attach_default_path());
	UNIT_EQUAL_I64(0, unsetenv("VMENERGY_SOCKET"));
}

/* --- a peer that says what it likes -------------------------------------------------- */

/* Lines that are there before anything is asked. */
static int say_first(const char *text, struct attach **client)
{
	int listener = scene_listen(1), peer;

	*client = attach();
	peer = accept(listener, NULL, NULL);
	scene_say(peer, text, strlen(text));
	close(listener);
	UNIT_EQUAL_I64(0, unlink(scene_path()));
	return peer;
}

static void test_turned_away(void)
{
	struct protocol_request request = protocol_request_of(PROTOCOL_STATUS);
	struct protocol_message message;
	struct attach *client;
	struct error error = { "" };
	int peer = say_first("{\"format\":1,\"ok\":false,\"error\":\"all places are taken\"}\n",
			     &client);

	close(peer);
	UNIT_EQUAL_I64(-EPERM, attach_ask(client, &request, &message, &error));
	UNIT_EQUAL_TEXT("all places are taken", error.text);
	attach_close(client);
}

static void test_not_understood(void)
{
	struct protocol_message message;
	struct snapshot read = { 0 };
	struct attach *client;
	struct error error = { "" };
	int peer = say_first("{\"format\":1,\"event\":\"eclipse\"}\nrubbish\n"
			     "{\"format\":1,\"id\":1,\"ok\":true}\n{\"half",
			     &client);

	UNIT_EQUAL_I64(-EPROTO, attach_receive(client, 0, &message, &read, &error));
	UNIT_CONTAINS("vmenergyd says what is not understood: not a line of JSON", error.text);
	UNIT_EQUAL_I64(1, attach_receive(client, 0, &message, &read, &error));
	UNIT_EQUAL_I64(PROTOCOL_ANSWER, message.kind);
	protocol_message_clear(&message);
	UNIT_EQUAL_I64(0, attach_receive(client, 0, &message, &read, &error));
	close(peer);
	UNIT_EQUAL_I64(-ECONNRESET, attach_receive(client, 0, &message, &read, &error));
	attach_close(client);
}

/* Whatever pieces it comes in. */
static void test_pieces(void)
{
	const char *line = "{\"format\":1,\"id\":1,\"ok\":true}\n";
	struct protocol_message message;
	struct snapshot read = { 0 };
	struct attach *client;
	struct error error = { "" };
	int peer = say_first("", &client);

	for (size_t i = 0; line[i]; i++) {
		UNIT_EQUAL_I64(0, attach_receive(client, 0, &message, &read, &error));
		scene_say(peer, line + i, 1);
	}
	UNIT_EQUAL_I64(1, attach_receive(client, 0, &message, &read, &error));
	protocol_message_clear(&message);
	close(peer);
	attach_close(client);
}

/* Whoever does not take us is not waited for. */
static void test_at_once(void)
{
	struct attach *client = NULL;
	struct error error = { "" };
	int listener = scene_listen(0), first = scene_connect(), result;

	UNIT_TRUE(first >= 0);
	result = attach_open_at_once(&client, scene_path(), &error);
	UNIT_EQUAL_I64(-ETIMEDOUT, result);
	UNIT_CONTAINS("does not answer", error.text);
	close(first);
	close(listener);
	unlink(scene_path());
}

static void *chatter(void *context)
{
	const char *line = "{\"format\":1,\"event\":\"eclipse\"}\n";
	const int *peer = context;

	while (send(*peer, line, strlen(line), MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

/* Lines without end that are for nobody. */
static void test_chatter(void)
{
	struct protocol_message message;
	struct snapshot read = { 0 };
	struct attach *client;
	struct error error = { "" };
	int peer = say_first("", &client);
	pthread_t thread;

	if (pthread_create(&thread, NULL, chatter, &peer))
		abort();
	UNIT_EQUAL_I64(0, attach_receive(client, in_seconds(0), &message, &read, &error));
	attach_close(client);
	pthread_join(thread, NULL);
	close(peer);
}

int main(void)
{
	unsigned before = unit_count_descriptors();
	int result =
		UNIT_RUN("attach", { "a request has its answer, a refusal its text", test_ask },
			 { "snapshots arrive whole, answers among them", test_snapshots },
			 { "a daemon may go and come back", test_gone_and_back },
			 { "without a daemon that is said", test_nobody_there },
			 { "$VMENERGY_SOCKET names another socket", test_path_of_environment },
			 { "why one was turned away is heard", test_turned_away },
			 { "what is not understood is said, and passed over", test_not_understood },
			 { "a line comes in any pieces", test_pieces },
			 { "who takes nobody is not waited for", test_at_once },
			 { "talk without end is not listened to for ever", test_chatter });

	if (unit_count_descriptors() != before) {
		fprintf(stderr, "descriptors: %u before, %u after\n", before,
			unit_count_descriptors());
		return 1;
	}
	return result;
}
