/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket: requests, subscriptions, and clients that behave badly. */
#include "tests/unit/control-scene.h"

#include <poll.h>
#include <sys/prctl.h>

static struct handled handled;

/* --- requests ------------------------------------------------------------------- */

static void test_requests(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);

	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":1,\"ok\":true,\"n\":1}\n",
			scene_ask(server, client, STATUS));
	UNIT_EQUAL_TEXT(OK(4), scene_ask(server, client, CAP));
	UNIT_EQUAL_I64(PROTOCOL_CAP, handled.verb);
	UNIT_EQUAL_TEXT("web1", handled.domain);
	UNIT_TRUE(handled.may_change);
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":9,\"ok\":false,\"error\":"
			"\"no domain is called 'x'\"}\n",
			scene_ask(server, client,
				  "{\"format\":1,\"id\":9,\"do\":\"clear\",\"domain\":\"x\"}\n"));
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":9,\"ok\":false,\"error\":"
			"\"do: 'fly' is no word known here\"}\n",
			scene_ask(server, client, "{\"format\":1,\"id\":9,\"do\":\"fly\"}\n"));
	UNIT_EQUAL_U64(1, server_client_count(server));
	close(client);
	server_serve(server);
	UNIT_EQUAL_U64(0, server_client_count(server));
	server_close(server);
}

static void test_who(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);
	char pid[64], program[16] = "";

	scene_ask(server, client, CAP);
	prctl(PR_GET_NAME, program);
	snprintf(pid, sizeof pid, "), pid %d (%s)", (int)getpid(), program);
	UNIT_CONTAINS(pid, handled.who);
	snprintf(pid, sizeof pid, "uid %u (", (unsigned)getuid());
	UNIT_CONTAINS(pid, handled.who);
	close(client);
	server_close(server);
}

/* A request in any pieces, or several in one. */
static void test_pieces(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);

	for (const char *byte = STATUS; *byte; byte++) {
		UNIT_EQUAL_TEXT("", scene_hear(client, NULL));
		scene_say(client, byte, 1);
		server_serve(server);
	}
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":1,\"ok\":true,\"n\":1}\n", scene_hear(client, NULL));
	UNIT_EQUAL_U64(2, scene_count(scene_ask(server, client, STATUS STATUS), "\"ok\":true"));
	close(client);
	server_close(server);
}

static void test_half_closed(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);
	bool ended;

	scene_say(client, STATUS CAP "{\"format\":1,", strlen(STATUS CAP) + 12);
	shutdown(client, SHUT_WR);
	server_serve(server);
	server_serve(server);
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":1,\"ok\":true,\"n\":1}\n" OK(4),
			scene_hear(client, &ended));
	UNIT_TRUE(ended);
	UNIT_EQUAL_U64(2, handled.count);
	UNIT_EQUAL_U64(0, server_client_count(server));
	close(client);

	/* Gone before it was heard: what it asked for is done all the same. */
	client = scene_join(server);
	scene_say(client, CAP, strlen(CAP));
	close(client);
	server_serve(server);
	server_serve(server);
	UNIT_EQUAL_U64(3, handled.count);
	UNIT_EQUAL_U64(0, server_client_count(server));
	server_close(server);
}

/* One client's thousand requests do not hold up another's. */
static void test_turns(void)
{
	enum { REQUESTS = 1000 };
	struct server *server = scene_open(&handled, NULL, NULL);
	int busy = scene_join(server), other = scene_join(server);
	struct text requests = { 0 };
	size_t answered = 0;
	unsigned turns = 0;

	for (unsigned i = 0; i < REQUESTS; i++)
		text_add(&requests, STATUS);
	scene_say(busy, requests.bytes, requests.length);
	text_free(&requests);
	scene_say(other, CAP, strlen(CAP));
	server_serve(server);
	UNIT_EQUAL_TEXT(OK(4), scene_hear(other, NULL));
	while (answered < REQUESTS && turns++ < REQUESTS) {
		struct pollfd ready = { .fd = server_fd(server), .events = POLLIN };

		answered += scene_count(scene_hear(busy, NULL), "\"ok\":true");
		if (poll(&ready, 1, 0) == 1)
			server_serve(server);
	}
	UNIT_EQUAL_U64(REQUESTS, answered);
	UNIT_TRUE(turns > 10);
	close(busy);
	close(other);
	server_close(server);
}

/* --- subscriptions --------------------------------------------------------------- */

static void test_subscription(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int reader = scene_join(server), other = scene_join(server);

	scene_publish(server, "early\n");
	UNIT_TRUE(!server_has_subscribers(server));
	UNIT_EQUAL_TEXT(SUBSCRIBED(true), scene_ask(server, reader, SUBSCRIBE));
	UNIT_TRUE(server_has_subscribers(server));
	scene_publish(server, "one\n");
	scene_publish(server, "two\n");
	UNIT_EQUAL_TEXT("one\ntwo\n", scene_hear(reader, NULL));
	UNIT_EQUAL_TEXT("", scene_hear(other, NULL));
	UNIT_EQUAL_TEXT(OK(3), scene_ask(server, reader, UNSUBSCRIBE));
	UNIT_TRUE(!server_has_subscribers(server));
	scene_publish(server, "late\n");
	UNIT_EQUAL_TEXT("", scene_hear(reader, NULL));
	UNIT_EQUAL_U64(0, handled.count);
	close(reader);
	close(other);
	server_close(server);
}

/* It has said all that it has to say, and goes on listening. */
static void test_half_closed_subscriber(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int reader = scene_join(server);
	bool ended;

	scene_say(reader, SUBSCRIBE, strlen(SUBSCRIBE));
	shutdown(reader, SHUT_WR);
	server_serve(server);
	server_serve(server);
	scene_publish(server, "one\n");
	UNIT_EQUAL_TEXT(SUBSCRIBED(true) "one\n", scene_hear(reader, &ended));
	UNIT_TRUE(!ended);
	close(reader);
	server_serve(server);
	UNIT_EQUAL_U64(0, server_client_count(server));
	server_close(server);
}

static char *large_line(size_t bytes)
{
	char *line = malloc(bytes + 1);

	if (!line)
		abort();
	memset(line, 'x', bytes);
	line[bytes - 1] = '\n';
	line[bytes] = '\0';
	return line;
}

static void test_slow_reader(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int slow = scene_join(server), quick = scene_join(server);
	char *line = large_line(300000);
	size_t published = 0, heard = 0;
	bool ended;

	scene_ask(server, slow, SUBSCRIBE);
	scene_ask(server, quick, SUBSCRIBE);
	while (server_dropped(server) == 0 && published < 100) {
		scene_publish(server, line);
		published++;
		for (unsigned i = 0; i < 10; i++) { /* as often as it takes */
			heard += scene_count(scene_hear(quick, NULL), "\n");
			server_serve(server);
		}
	}
	UNIT_EQUAL_U64(1, server_dropped(server));
	UNIT_EQUAL_U64(published, heard);
	/* Eight wait, and one or so is in the system's hands. */
	UNIT_TRUE(published > SERVER_WAITING_SNAPSHOTS &&
		  published <= SERVER_WAITING_SNAPSHOTS + 3);
	UNIT_EQUAL_U64(1, server_client_count(server));
	scene_hear(slow, &ended);
	UNIT_TRUE(ended);
	free(line);
	close(slow);
	close(quick);
	server_close(server);
}

/* Few, but large ones. */
static void test_slow_reader_of_large_lines(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int slow = scene_join(server);
	char *line = large_line(SERVER_WAITING_BYTES / 2);

	scene_ask(server, slow, SUBSCRIBE);
	scene_publish(server, line);
	scene_publish(server, line);
	UNIT_EQUAL_U64(0, server_dropped(server));
	scene_publish(server, line);
	UNIT_EQUAL_U64(1, server_dropped(server));
	free(line);
	close(slow);
	server_close(server);
}

/* Whatever is asked, the daemon has its turn after each request here; and nobody is forgotten. */
static void test_turns_end(void)
{
	enum { CLIENTS = 3, REQUESTS = 20 };
	const struct server_options options = {
		.path = scene_path(), .handle = scene_handle, .context = &handled, .turn_ns = 1
	};
	size_t heard[CLIENTS] = { 0 };
	struct error error = { "" };
	struct server *server = NULL;
	int fds[CLIENTS];

	handled = (struct handled){ 0 };
	UNIT_EQUAL_I64(0, server_open(&server, &options, &error));
	for (size_t i = 0; i < CLIENTS; i++)
		fds[i] = scene_join(server);
	for (unsigned i = 0; i < CLIENTS * REQUESTS; i++)
		scene_say(fds[i % CLIENTS], STATUS, strlen(STATUS));
	for (unsigned turn = 1; turn <= CLIENTS * REQUESTS; turn++) {
		struct pollfd ready = { .fd = server_fd(server), .events = POLLIN };
		unsigned before = handled.count;

		UNIT_EQUAL_I64(1, poll(&ready, 1, 0));
		server_serve(server);
		UNIT_EQUAL_U64(before + 1, handled.count);
		if (turn % CLIENTS)
			continue;
		for (size_t i = 0; i < CLIENTS; i++) {
			heard[i] += scene_count(scene_hear(fds[i], NULL), "\n");
			UNIT_EQUAL_U64(turn / CLIENTS, heard[i]);
		}
	}
	for (size_t i = 0; i < CLIENTS; i++)
		close(fds[i]);
	server_close(server);
}

/* Those who come have their turns, too: one at least in each. */
static void test_turns_of_comers(void)
{
	enum { COMERS = 8 };
	const struct server_options options = {
		.path = scene_path(), .handle = scene_handle, .context = &handled, .turn_ns = 1
	};
	struct error error = { "" };
	struct server *server = NULL;
	int fds[COMERS];

	UNIT_EQUAL_I64(0, server_open(&server, &options, &error));
	for (size_t i = 0; i < COMERS; i++)
		fds[i] = scene_connect();
	for (size_t i = 0; i < COMERS; i++) {
		server_serve(server);
		UNIT_EQUAL_U64(i + 1, server_client_count(server));
	}
	for (size_t i = 0; i < COMERS; i++)
		close(fds[i]);
	server_close(server);
}

/* A host of any size can be watched: one line alone may be larger than the bound. */
static void test_one_huge_line(void)
{
	enum { BYTES = 3 * SERVER_WAITING_BYTES };
	struct server *server = scene_open(&handled, NULL, NULL);
	int reader = scene_join(server);
	char *line = large_line(BYTES);
	size_t heard = 0;

	scene_ask(server, reader, SUBSCRIBE);
	for (unsigned tick = 1; tick <= 2; tick++) {
		scene_publish(server, line);
		for (unsigned i = 0; i < 1000 && heard < (size_t)tick * BYTES; i++) {
			heard += strlen(scene_hear(reader, NULL));
			server_serve(server);
		}
		UNIT_EQUAL_U64((size_t)tick * BYTES, heard);
	}
	UNIT_EQUAL_U64(0, server_dropped(server));
	free(line);
	close(reader);
	server_close(server);
}

/* Asks and never listens: bounded as well. */
static void test_deaf_asker(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int deaf = scene_join(server);
	unsigned rounds = 0;

	while (server_dropped(server) == 0 && rounds++ < 100) {
		(void)!send(deaf, RELOAD, strlen(RELOAD), MSG_NOSIGNAL | MSG_DONTWAIT);
		server_serve(server);
	}
	UNIT_TRUE(handled.count > SERVER_WAITING_BYTES / 100000 && handled.count < 60);
	UNIT_EQUAL_U64(1, server_dropped(server));
	UNIT_EQUAL_U64(0, server_client_count(server));
	close(deaf);
	server_close(server);
}

/* A crowd that does not listen, each less than a client may: bounded together, and who listens is
 * not among the lost. */
static void test_deaf_crowd(void)
{
	enum { CROWD = 14, BYTES = SERVER_WAITING_BYTES - 400000 };
	struct server *server = scene_open(&handled, NULL, NULL);
	int deaf[CROWD], good = scene_join(server);
	char *line = large_line(BYTES);
	size_t most = 0;

	for (size_t i = 0; i < CROWD; i++) {
		deaf[i] = scene_join(server);
		scene_ask(server, deaf[i], SUBSCRIBE);
		scene_publish(server, line); /* a line of its own: nobody else subscribes */
		scene_say(deaf[i], UNSUBSCRIBE RELOAD, strlen(UNSUBSCRIBE RELOAD));
		server_serve(server);
		most = server_held_bytes(server) > most ? server_held_bytes(server) : most;
	}
	printf("%zu bytes at most, %zu clients of %d left\n", most, server_client_count(server),
	       CROWD + 1);
	UNIT_TRUE(most > SERVER_HELD_BYTES / 2 && most <= SERVER_HELD_BYTES + BYTES);
	UNIT_TRUE(server_held_bytes(server) <= SERVER_HELD_BYTES + 200000);
	UNIT_TRUE(server_client_count(server) > CROWD / 2);
	UNIT_EQUAL_U64(CROWD + 1, server_client_count(server) + server_dropped(server));
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, good, STATUS));
	for (size_t i = 0; i < CROWD; i++)
		close(deaf[i]);
	server_serve(server);
	UNIT_EQUAL_U64(0, server_held_bytes(server));
	free(line);
	close(good);
	server_close(server);
}

/* --- garbage --------------------------------------------------------------------- */

static void test_garbage(void)
{
	enum { LINES = 10000 };
	struct server *server = scene_open(&handled, NULL, NULL);
	int bad = scene_join(server), good = scene_join(server);
	size_t refusals = 0, sent = 0;
	bool ended = false;

	for (unsigned turn = 0; turn < LINES && !ended; turn++) {
		while (sent < LINES && send(bad, "rubbish\n", 8, MSG_NOSIGNAL | MSG_DONTWAIT) == 8)
			sent++;
		server_serve(server);
		refusals += scene_count(scene_hear(bad, &ended), "\"ok\":false");
		if (turn < 20)
			UNIT_CONTAINS("\"ok\":true", scene_ask(server, good, STATUS));
	}
	UNIT_TRUE(ended);
	UNIT_EQUAL_U64(SERVER_BAD_LINES + 1, refusals);
	UNIT_EQUAL_U64(1, server_client_count(server));
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, good, STATUS));
	close(bad);
	close(good);
	server_close(server);
}

/* Now and then a bad line among good ones is forgiven. */
static void test_forgiven(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);

	for (unsigned i = 0; i < 4 * SERVER_BAD_LINES; i++) {
		const char *heard = scene_ask(server, client, i % 50 == 49 ? STATUS : "{}\n");

		UNIT_EQUAL_U64(1, scene_count(heard, "\n"));
	}
	UNIT_EQUAL_U64(1, server_client_count(server));
	close(client);
	server_close(server);
}

static void test_long_lines(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);
	char *line = large_line(PROTOCOL_LINE_MAX);
	size_t errors = 0;

	/* No end in sight: said once. */
	for (unsigned i = 0; i < 10; i++) {
		scene_say(client, line, PROTOCOL_LINE_MAX - 1);
		server_serve(server);
		errors += scene_count(scene_hear(client, NULL), "the line is too long");
	}
	UNIT_EQUAL_U64(1, errors);
	UNIT_EQUAL_TEXT("", scene_ask(server, client, "tail\n"));
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, client, STATUS));

	/* As long as may be. */
	memset(line, ' ', PROTOCOL_LINE_MAX);
	memcpy(line, STATUS, sizeof STATUS - 2); /* not its end */
	scene_say(client, line, PROTOCOL_LINE_MAX);
	server_serve(server);
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, client, "\n"));
	scene_say(client, line, PROTOCOL_LINE_MAX);
	server_serve(server);
	UNIT_CONTAINS("the line is too long", scene_ask(server, client, " \n"));
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, client, STATUS));
	free(line);
	close(client);
	server_close(server);
}

static void test_nuls(void)
{
	static const char lines[] = "\0\0\0\n{\"format\":1,\"do\":\"status\"}\0\n";
	struct server *server = scene_open(&handled, NULL, NULL);
	int client = scene_join(server);

	scene_say(client, lines, sizeof lines - 1);
	server_serve(server);
	UNIT_EQUAL_U64(2, scene_count(scene_hear(client, NULL), "\"ok\":false"));
	UNIT_EQUAL_U64(0, handled.count);
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, client, STATUS));
	close(client);
	server_close(server);
}

static void test_random_bytes(void)
{
	uint64_t seed = 99;
	struct server *server = scene_open(&handled, NULL, NULL);
	int good = scene_join(server);

	for (unsigned round = 0; round < unit_rounds(60); round++) {
		int bad = scene_join(server);
		char bytes[4096];

		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (char)unit_random(&seed);
		for (unsigned i = 0; i < 4; i++) {
			(void)!send(bad, bytes, unit_random(&seed) % sizeof bytes,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
			server_serve(server);
		}
		close(bad);
		UNIT_CONTAINS("\"ok\":true", scene_ask(server, good, STATUS));
	}
	server_serve(server);
	UNIT_EQUAL_U64(1, server_client_count(server));
	close(good);
	server_close(server);
}

/* A descriptor that is always ready would keep the daemon awake. */
static bool is_quiet(struct server *server)
{
	struct pollfd ready = { .fd = server_fd(server), .events = POLLIN };

	for (unsigned i = 0; i < 5 && poll(&ready, 1, 0) > 0; i++)
		server_serve(server);
	return poll(&ready, 1, 0) == 0;
}

static void test_quiet(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int idle, half, deaf, slow;
	char *line = large_line(1000000);

	UNIT_TRUE(is_quiet(server));
	idle = scene_join(server);
	UNIT_TRUE(is_quiet(server));
	half = scene_join(server);
	scene_ask(server, half, "{\"format\":1,");
	UNIT_TRUE(is_quiet(server));
	deaf = scene_join(server);
	scene_say(deaf, SUBSCRIBE, strlen(SUBSCRIBE));
	shutdown(deaf, SHUT_WR);
	UNIT_TRUE(is_quiet(server));
	slow = scene_join(server);
	scene_ask(server, slow, SUBSCRIBE);
	scene_publish(server, line);
	UNIT_TRUE(is_quiet(server));
	UNIT_EQUAL_U64(4, server_client_count(server));
	close(slow);
	close(deaf);
	close(half);
	close(idle);
	UNIT_TRUE(is_quiet(server));
	UNIT_EQUAL_U64(0, server_client_count(server));
	free(line);
	server_close(server);
}

int main(void)
{
	unsigned before = unit_count_descriptors();
	int result = UNIT_RUN(
		"control-server", { "requests are answered with their number", test_requests },
		{ "who asks is known by user, process and program", test_who },
		{ "requests come in any pieces", test_pieces },
		{ "who has said all is answered, half a line is not done", test_half_closed },
		{ "each client has its turn", test_turns },
		{ "a turn ends in time, whatever is left", test_turns_end },
		{ "who comes does not prolong a turn", test_turns_of_comers },
		{ "who subscribes gets each line until it unsubscribes", test_subscription },
		{ "a subscriber may close its side", test_half_closed_subscriber },
		{ "a slow reader is dropped and counted, others get all", test_slow_reader },
		{ "large lines that wait are bounded by bytes", test_slow_reader_of_large_lines },
		{ "one line may be larger than the bound", test_one_huge_line },
		{ "who asks and does not listen is dropped", test_deaf_asker },
		{ "what waits for a crowd is bounded together", test_deaf_crowd },
		{ "10000 lines of garbage: 100 answers, then the end", test_garbage },
		{ "a good line forgives the bad ones", test_forgiven },
		{ "a line that is too long is passed over", test_long_lines },
		{ "NULs are garbage", test_nuls },
		{ "random bytes disturb nobody", test_random_bytes },
		{ "nobody is woken for nothing", test_quiet });

	if (unit_count_descriptors() != before) {
		fprintf(stderr, "descriptors: %u before, %u after\n", before,
			unit_count_descriptors());
		return 1;
	}
	return result;
}
