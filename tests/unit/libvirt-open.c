/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The threads of lib/host/libvirt.c, against libvirt's own test driver (which
 * needs no daemon), and against sockets that refuse or never answer.
 */
#include <dirent.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/libvirt-board.h"
#include "host/libvirt-socket.h"
#include "tests/unit/unit.h"
#include "base/clock.h"

#define LONG_NS UINT64_C(60000000000) /* never waited for, unless something is broken */

static struct libvirt *opened(const char *uri)
{
	struct libvirt *libvirt;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, libvirt_open(&libvirt, uri, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return libvirt;
}

/* The first view with trouble that holds `part`; fails after a minute. */
static const struct libvirt_view *wait_trouble(struct libvirt *libvirt, const char *part)
{
	struct pollfd fd = { .fd = libvirt_event_fd(libvirt), .events = POLLIN };

	for (unsigned i = 0; i < 600; i++) {
		const struct libvirt_view *view = libvirt_view(libvirt);

		if (view && view->trouble && strstr(view->trouble, part))
			return view;
		libvirt_view_unref(view);
		poll(&fd, 1, 100);
	}
	UNIT_CONTAINS(part, "no such trouble within a minute");
	return NULL;
}

static void test_driver_without_daemon(void)
{
	struct libvirt *libvirt = opened("test:///default");
	const struct libvirt_view *view;

	for (unsigned i = 0; i < 3; i++)
		UNIT_TRUE(libvirt_wait(libvirt, libvirt_request(libvirt), LONG_NS));
	view = libvirt_view(libvirt);
	UNIT_EQUAL_TEXT("test:///default", view->uri);
	UNIT_TRUE(view->trouble == NULL);
	UNIT_EQUAL_U64(0, view->lost_ns);
	UNIT_EQUAL_U64(3, view->stats_seq);
	UNIT_EQUAL_U64(1, view->domain_count);
	UNIT_EQUAL_TEXT("test", view->domains[0].name);
	UNIT_EQUAL_TEXT("6695eb01-f6a4-8304-79aa-97f2502e193f", view->domains[0].uuid);
	UNIT_EQUAL_U64(2, view->domains[0].vcpus);
	UNIT_EQUAL_I64(DOMAIN_RUNNING, view->domains[0].state);
	libvirt_view_unref(view);
	libvirt_close(libvirt);
}

static void test_two_at_once(void)
{
	struct libvirt *a = opened("test:///default"), *b = opened("test:///default");
	const struct libvirt_view *view;

	UNIT_TRUE(libvirt_wait(a, libvirt_request(a), LONG_NS));
	UNIT_TRUE(libvirt_wait(b, libvirt_request(b), LONG_NS));
	libvirt_close(a);
	UNIT_TRUE(libvirt_wait(b, libvirt_request(b), LONG_NS));
	view = libvirt_view(b);
	libvirt_close(b);
	UNIT_EQUAL_TEXT("test", view->domains[0].name); /* outlives the close */
	libvirt_view_unref(view);
}

static void test_closed_at_once(void)
{
	for (unsigned i = 0; i < 20; i++)
		libvirt_close(opened("test:///default"));
	libvirt_close(NULL);
}

static void test_no_such_driver(void)
{
	struct libvirt *libvirt = opened("nonsense:///");
	const struct libvirt_view *view = wait_trouble(libvirt, "nonsense:///: cannot connect: ");

	UNIT_EQUAL_U64(0, view->domain_count);
	UNIT_TRUE(view->lost_ns > 0);
	UNIT_TRUE(!libvirt_wait(libvirt, libvirt_request(libvirt), LONG_NS));
	libvirt_view_unref(view);
	libvirt_close(libvirt);
}

static int listen_at(char *path, size_t size, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, size, "%s/%s", unit_folder(), name);
	snprintf(address.sun_path, sizeof address.sun_path, "%.100s", path);
	UNIT_EQUAL_I64(0, bind(fd, (struct sockaddr *)&address, sizeof address));
	UNIT_EQUAL_I64(0, listen(fd, 5));
	return fd;
}

static unsigned count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned count = 0;

	while (tasks && readdir(tasks))
		count++;
	if (tasks)
		closedir(tasks);
	return count;
}

/* As a stopped libvirtd: the kernel accepts, and nobody reads. */
static void test_silent_daemon(void)
{
	char path[108], uri[160];
	int listener = listen_at(path, sizeof path, "silent"), accepted;
	unsigned threads = count_threads();
	const struct libvirt_view *view;
	struct libvirt *libvirt;
	uint64_t begin;

	snprintf(uri, sizeof uri, "qemu+unix:///system?socket=%s", path);
	libvirt = opened(uri);
	view = wait_trouble(libvirt, ": does not answer for over 2 s");
	UNIT_EQUAL_TEXT(uri, view->uri);
	UNIT_TRUE(view->lost_ns > 0);
	libvirt_view_unref(view);
	UNIT_TRUE(!libvirt_wait(libvirt, libvirt_request(libvirt), LONG_NS));
	begin = clock_now_ns();
	libvirt_close(libvirt);
	UNIT_TRUE(clock_now_ns() - begin < LONG_NS / 2); /* 1 s, where the machine has time */
	/* The threads were left behind; once the daemon is gone they end, and free all. */
	UNIT_TRUE(count_threads() > threads);
	accepted = accept(listener, NULL, NULL);
	close(listener);
	close(accepted);
	for (unsigned i = 0; i < 600 && count_threads() > threads; i++)
		poll(NULL, 0, 100);
	UNIT_EQUAL_U64(threads, count_threads());
}

static void test_absent_daemon(void)
{
	char uri[160];
	const struct libvirt_view *view;
	struct libvirt *libvirt;

	snprintf(uri, sizeof uri, "qemu+unix:///system?socket=%s/absent", unit_folder());
	libvirt = opened(uri);
	view = wait_trouble(libvirt, "No such file or directory");
	libvirt_view_unref(view);
	libvirt_close(libvirt);
}

static void test_session_is_not_started(void)
{
	char path[108];
	int listener;

	setenv("XDG_RUNTIME_DIR", unit_folder(), 1);
	UNIT_TRUE(!libvirt_session_runs());
	unit_write_file("libvirt/libvirt-sock", ""); /* a leftover */
	UNIT_TRUE(!libvirt_session_runs());
	listener = listen_at(path, sizeof path, "libvirt/virtqemud-sock");
	UNIT_TRUE(libvirt_session_runs());
	close(listener);
	UNIT_TRUE(!libvirt_session_runs());
}

static void test_group_has_a_name(void)
{
	char group[64];

	UNIT_EQUAL_TEXT(group, libvirt_system_group(group, sizeof group));
	UNIT_TRUE(group[0] != '\0');
}

int main(void)
{
	return UNIT_RUN(
		"libvirt-open",
		{ "libvirt's test driver gives its domain", test_driver_without_daemon },
		{ "two share the event loop, and a view outlives its room", test_two_at_once },
		{ "closing at once is safe", test_closed_at_once },
		{ "an unknown driver is trouble", test_no_such_driver },
		{ "an absent daemon is trouble", test_absent_daemon },
		{ "a silent daemon is trouble, and holds nobody", test_silent_daemon },
		{ "a session daemon counts only while it listens", test_session_is_not_started },
		{ "a refusal can name a group", test_group_has_a_name });
}
