/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitors of QEMUs that hang, and what they may cost. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/host-internal.h"
#include "tests/unit/unit.h"

#define SECOND_NS UINT64_C(1000000000)
enum { MONITORS = 8 };

/* A listener that takes everybody into its queue and never says a word. */
static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof address.sun_path)
		abort();
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) ||
	    listen(fd, 4)) {
		perror(path);
		abort();
	}
	return fd;
}

static void test_many_that_hang(void)
{
	char paths[MONITORS][128];
	const char *sockets[MONITORS];
	const struct host_options options = { .qmp_sockets = sockets, .qmp_count = MONITORS };
	struct host host = { 0 };
	int listeners[MONITORS];
	unsigned tried = 0;

	for (size_t i = 0; i < MONITORS; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/hung%zu", unit_folder(), i);
		sockets[i] = paths[i];
		listeners[i] = listen_at(paths[i]);
	}
	UNIT_EQUAL_I64(0, host_open_monitors(&host, &options));
	host.monitor_budget_ns = host.monitor_left_ns = SECOND_NS / 5;
	host_try_monitors(&host, clock_now_ns());
	for (size_t i = 0; i < MONITORS; i++)
		tried += host.monitors[i].tried_ns != 0;
	/* A half, a quarter and an eighth of what all may cost. */
	UNIT_TRUE(tried >= 1 && tried <= 3);
	UNIT_TRUE(host.monitor_left_ns < SECOND_NS / 5);
	UNIT_TRUE(host.monitors[0].rest_ns > 0);
	UNIT_CONTAINS("no greeting in time", host.monitors[0].trouble.text);
	UNIT_EQUAL_U64(0, host.monitors[MONITORS - 1].rest_ns);
	/* Nothing is left in this tick; in the next, others have their turn. */
	host.monitor_left_ns = 0;
	host_try_monitors(&host, clock_now_ns());
	UNIT_EQUAL_U64(0, host.monitors[MONITORS - 1].tried_ns);
	host.monitor_left_ns = host.monitor_budget_ns;
	host_try_monitors(&host, host.monitors[0].tried_ns + 9 * SECOND_NS);
	UNIT_EQUAL_U64(10 * SECOND_NS, host.monitors[0].rest_ns);
	UNIT_TRUE(host.monitors[tried].rest_ns > 0);
	for (size_t i = 0; i < MONITORS; i++)
		close(listeners[i]);
	host_close_monitors(&host);
}

/* Greets, and answers the two questions of who opens it, until nobody comes any more. */
static void *serve(void *context)
{
	static const char *const said[] = { "{\"QMP\": {}}\n", "{\"return\": {}, \"id\": 1}\n",
					    "{\"return\": {}, \"id\": 2}\n" };
	const int *listener = context;
	char heard[256];
	int fd;

	while ((fd = accept(*listener, NULL, NULL)) >= 0) {
		for (size_t i = 0; i < 3; i++)
			if (send(fd, said[i], strlen(said[i]), MSG_NOSIGNAL) < 0 ||
			    read(fd, heard, sizeof heard) <= 0)
				break;
		close(fd);
	}
	return NULL;
}

static void test_two_of_one(void)
{
	char paths[2][128];
	const char *sockets[2] = { paths[0], paths[1] };
	const struct host_options options = { .qmp_sockets = sockets, .qmp_count = 2 };
	struct host_spare spares[2] = { { 0 } };
	struct host host = { 0 };
	pthread_t threads[2];
	int listeners[2];

	for (size_t i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof paths[i], "%s/two%zu", unit_folder(), i);
		listeners[i] = listen_at(paths[i]);
		if (pthread_create(&threads[i], NULL, serve, &listeners[i]))
			abort();
	}
	UNIT_EQUAL_I64(0, host_open_monitors(&host, &options));
	UNIT_EQUAL_U64(0, host_spare_monitors(&host, spares, 2));
	host.monitor_budget_ns = host.monitor_left_ns = 60 * SECOND_NS;
	host_try_monitors(&host, clock_now_ns());
	UNIT_TRUE(host.monitors[0].qmp && !host.monitors[1].qmp);
	UNIT_EQUAL_U64(1, host_spare_monitors(&host, spares, 2));
	UNIT_EQUAL_I64(getpid(), spares[0].pid);
	UNIT_EQUAL_TEXT(paths[1], spares[0].path);
	/* It is left to others for as long as the process lives. */
	UNIT_TRUE(!host_monitors_due(&host, clock_now_ns() + 1000 * SECOND_NS));
	host_close_monitors(&host);
	for (size_t i = 0; i < 2; i++) {
		shutdown(listeners[i], SHUT_RDWR);
		pthread_join(threads[i], NULL);
		close(listeners[i]);
	}
}

static void test_growing_rest(void)
{
	static const uint64_t rests_s[] = { 10, 20, 40, 80, 160, 300, 300 };
	struct host host = { .monitor_budget_ns = SECOND_NS };
	struct host_monitor monitor = { 0 };

	for (size_t i = 0; i < sizeof rests_s / sizeof *rests_s; i++) {
		host.monitor_left_ns = SECOND_NS;
		host.changed = false;
		UNIT_TRUE(host_monitor_end(&host, &monitor, clock_now_ns(), -ETIMEDOUT));
		UNIT_EQUAL_U64(rests_s[i] * SECOND_NS, monitor.rest_ns);
		UNIT_TRUE(monitor.rest_until_ns > clock_now_ns());
		UNIT_EQUAL_U64(i == 0, host.changed); /* said once */
	}
	/* A refusal is an answer. */
	UNIT_TRUE(host_monitor_end(&host, &monitor, clock_now_ns(), -EREMOTEIO));
	UNIT_EQUAL_U64(0, monitor.rest_ns);
	UNIT_TRUE(host.changed);
}

int main(void)
{
	return UNIT_RUN("host-monitors",
			{ "all that hang cost a tick no more than they may", test_many_that_hang },
			{ "of two of one QEMU, one is let go", test_two_of_one },
			{ "one that hangs is left alone, longer each time", test_growing_rest });
}
