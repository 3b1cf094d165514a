/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket: its file, its places, and who may do what. */
#include "tests/unit/control-scene.h"

#include <grp.h>
#include <poll.h>
#include <sys/wait.h>

static struct handled handled;

static int try_open(struct server **server, struct error *error)
{
	const struct server_options options = { .path = scene_path(),
						.handle = scene_handle,
						.context = &handled };

	*server = NULL;
	return server_open(server, &options, error);
}

static mode_t mode_of(const char *path)
{
	struct stat about = { 0 };

	UNIT_EQUAL_I64(0, lstat(path, &about));
	return about.st_mode & 07777;
}

/* --- the file -------------------------------------------------------------------- */

static void test_mode(void)
{
	struct server *server = scene_open(&handled, "no-such-group-here", NULL);
	const struct group *group = getgrnam("daemon");
	struct stat about = { 0 };

	UNIT_EQUAL_U64(0600, mode_of(scene_path()));
	server_close(server);
	UNIT_EQUAL_I64(-1, lstat(scene_path(), &about));
	if (geteuid() != 0 || !group)
		return;
	server = scene_open(&handled, "daemon", NULL);
	UNIT_EQUAL_U64(0660, mode_of(scene_path()));
	UNIT_EQUAL_I64(0, lstat(scene_path(), &about));
	UNIT_EQUAL_U64(group->gr_gid, about.st_gid);
	UNIT_EQUAL_U64(0, about.st_uid);
	server_close(server);
}

/* What a daemon that was killed has left. */
static void leave_socket(void)
{
	close(scene_listen(1));
}

static void test_stale(void)
{
	struct server *server;
	int client;

	leave_socket();
	UNIT_EQUAL_I64(-ECONNREFUSED, scene_connect());
	server = scene_open(&handled, NULL, NULL);
	client = scene_join(server);
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, client, STATUS));
	close(client);
	server_close(server);
}

static void test_live(void)
{
	struct server *first = scene_open(&handled, NULL, NULL), *second;
	struct error error = { "" };
	int client;

	UNIT_EQUAL_I64(-EADDRINUSE, try_open(&second, &error));
	UNIT_CONTAINS(scene_path(), error.text);
	UNIT_CONTAINS("another vmenergyd listens there already", error.text);
	UNIT_TRUE(second == NULL);
	server_serve(first);
	client = scene_join(first);
	UNIT_CONTAINS("\"ok\":true", scene_ask(first, client, STATUS));
	close(client);
	server_close(first);
}

static void test_no_socket(void)
{
	struct server *server;
	struct error error = { "" };

	unit_write_file("run/control", "precious");
	UNIT_EQUAL_I64(-EEXIST, try_open(&server, &error));
	UNIT_CONTAINS("is there, and is no socket", error.text);
	UNIT_EQUAL_I64(0, unlink(scene_path()));
}

/* Somebody took the path over: theirs stays. */
static void test_anothers(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);

	UNIT_EQUAL_I64(0, unlink(scene_path()));
	leave_socket();
	server_close(server);
	UNIT_TRUE(mode_of(scene_path()) != 0);
	UNIT_EQUAL_I64(0, unlink(scene_path()));
}

/* --- places ---------------------------------------------------------------------- */

static void test_places(void)
{
	struct server *server = scene_open(&handled, NULL, NULL);
	int clients[SERVER_CLIENTS], late;
	bool ended;

	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		clients[i] = scene_join(server);
	UNIT_EQUAL_U64(SERVER_CLIENTS, server_client_count(server));
	/* All have said something but the third. */
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		if (i != 2)
			scene_ask(server, clients[i], SUBSCRIBE);
	late = scene_join(server);
	scene_hear(clients[2], &ended);
	UNIT_TRUE(ended);
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, late, SUBSCRIBE));
	UNIT_EQUAL_U64(SERVER_CLIENTS, server_client_count(server));
	close(clients[2]);
	/* Whoever subscribes keeps its place. */
	clients[2] = scene_join(server);
	UNIT_CONTAINS("all places are taken", scene_hear(clients[2], &ended));
	UNIT_TRUE(ended);
	UNIT_CONTAINS("\"ok\":true", scene_ask(server, clients[0], STATUS));
	close(late);
	for (size_t i = 0; i < SERVER_CLIENTS; i++)
		close(clients[i]);
	server_serve(server);
	UNIT_EQUAL_U64(0, server_client_count(server));
	server_close(server);
}

/* --- rights ---------------------------------------------------------------------- */

enum { STRANGER = 65534, OTHERS = 64003 };

/* As somebody else: connect, say `text`, and print to `out` what is heard until the end. */
static void be(gid_t gid, gid_t supplementary, const char *text, int out)
{
	bool ended = false;
	int fd;

	if (setgroups(supplementary ? 1 : 0, &supplementary) || setgid(gid) || setuid(STRANGER))
		_exit(1);
	fd = scene_connect();
	if (fd < 0)
		_exit(dprintf(out, "connect: %s", strerrorname_np(-fd)) < 0);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno != EPIPE)
		_exit(3);
	shutdown(fd, SHUT_WR);
	while (!ended) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };

		poll(&ready, 1, -1);
		dprintf(out, "%s", scene_hear(fd, &ended));
	}
	_exit(0);
}

static const char *said_to(struct server *server, gid_t gid, gid_t supplementary, const char *text)
{
	static char heard[4096];
	int out[2], status = -1;
	ssize_t got;
	pid_t child;

	if (pipe2(out, O_CLOEXEC))
		abort();
	child = fork();
	if (child == 0)
		be(gid, supplementary, text, out[1]);
	close(out[1]);
	while (waitpid(child, &status, WNOHANG) == 0) {
		struct pollfd ready = { .fd = server_fd(server), .events = POLLIN };

		if (poll(&ready, 1, 10) > 0)
			server_serve(server);
	}
	UNIT_EQUAL_I64(0, status);
	got = read(out[0], heard, sizeof heard - 1);
	heard[got > 0 ? got : 0] = '\0';
	close(out[0]);
	return heard;
}

/* What the file's mode would refuse must reach the
 * server here. */
static struct server *open_for_all(const char *read_group, const char *change_group)
{
	struct server *server = scene_open(&handled, read_group, change_group);

	UNIT_EQUAL_I64(0, chmod(unit_folder(), 0711));
	UNIT_EQUAL_I64(0, chmod(scene_path(), 0666));
	return server;
}

static gid_t group_id(const char *name)
{
	const struct group *group = getgrnam(name);

	return group ? group->gr_gid : 0;
}

static const char *const reading = "daemon", *const changing = "games";

static bool can_be_others(void)
{
	if (geteuid() == 0 && group_id(reading) && group_id(changing))
		return true;
	printf("skipped: needs root, and the groups %s and %s\n", reading, changing);
	return false;
}

static void test_stranger(void)
{
	struct server *server;

	if (!can_be_others())
		return;
	server = open_for_all(reading, changing);
	UNIT_CONTAINS("may not read here", said_to(server, OTHERS, 0, STATUS));
	UNIT_EQUAL_U64(0, handled.count);
	UNIT_EQUAL_U64(0, server_client_count(server));
	UNIT_EQUAL_I64(0, chmod(scene_path(), 0660));
	UNIT_EQUAL_TEXT("connect: EACCES", said_to(server, OTHERS, 0, STATUS));
	UNIT_CONTAINS("\"ok\":true", said_to(server, OTHERS, group_id(reading), STATUS));
	server_close(server);
}

static void test_reader(void)
{
	struct server *server;

	if (!can_be_others())
		return;
	server = open_for_all(reading, changing);
	UNIT_CONTAINS("\"ok\":true", said_to(server, group_id(reading), 0, STATUS));
	UNIT_TRUE(!handled.may_change);
	UNIT_EQUAL_TEXT("", handled.who); /* no file is read for who only reads */
	UNIT_CONTAINS("\"ok\":true", said_to(server, OTHERS, group_id(reading), STATUS));
	UNIT_EQUAL_U64(2, handled.count);
	UNIT_EQUAL_TEXT(SUBSCRIBED(false) OK(3),
			said_to(server, OTHERS, group_id(reading), SUBSCRIBE UNSUBSCRIBE));
	UNIT_EQUAL_TEXT("{\"format\":1,\"id\":4,\"ok\":false,\"error\":"
			"\"only root and group games may do that\"}\n",
			said_to(server, OTHERS, group_id(reading), CAP));
	UNIT_CONTAINS("only root and group games",
		      said_to(server, group_id(reading), 0, "{\"format\":1,\"do\":\"reload\"}\n"));
	UNIT_EQUAL_U64(2, handled.count);
	server_close(server);
	server = open_for_all(reading, NULL);
	UNIT_CONTAINS("only root may do that", said_to(server, group_id(reading), 0, CAP));
	UNIT_EQUAL_U64(0, handled.count);
	server_close(server);
}

static void test_changer(void)
{
	struct server *server;

	if (!can_be_others())
		return;
	server = open_for_all(reading, changing);
	UNIT_EQUAL_TEXT(OK(4), said_to(server, group_id(changing), 0, CAP));
	UNIT_TRUE(handled.may_change);
	UNIT_CONTAINS("uid 65534 (nobody), pid ", handled.who);
	UNIT_EQUAL_TEXT(OK(4), said_to(server, OTHERS, group_id(changing), CAP));
	UNIT_EQUAL_U64(2, handled.count);
	server_close(server);
}

/* Without the reading group, whoever may change gets the socket. */
static void test_changers_alone(void)
{
	struct server *server;

	if (!can_be_others())
		return;
	server = scene_open(&handled, "no-such-group-here", changing);
	UNIT_EQUAL_U64(0660, mode_of(scene_path()));
	UNIT_EQUAL_TEXT(OK(4), said_to(server, OTHERS, group_id(changing), CAP));
	UNIT_EQUAL_TEXT("connect: EACCES", said_to(server, OTHERS, group_id(reading), CAP));
	server_close(server);
}

int main(void)
{
	unsigned before = unit_count_descriptors();
	int result =
		UNIT_RUN("control-rights", { "the socket is open for its group alone", test_mode },
			 { "a socket that was left is replaced", test_stale },
			 { "a socket that is served is an error that names it", test_live },
			 { "what is no socket is left alone", test_no_socket },
			 { "another's socket is not removed", test_anothers },
			 { "whoever is silent makes room, subscribers stay", test_places },
			 { "a stranger may not even read", test_stranger },
			 { "the reading group reads", test_reader },
			 { "the changing group changes", test_changer },
			 { "without readers the socket is the changers'", test_changers_alone });

	if (unit_count_descriptors() != before) {
		fprintf(stderr, "descriptors: %u before, %u after\n", before,
			unit_count_descriptors());
		return 1;
	}
	return result;
}
