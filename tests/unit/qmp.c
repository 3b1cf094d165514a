/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real QEMU that stands still (-S), and peers that follow a script, for the faults. */
#include "host/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define SAY_GREETING ">{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define UUID "6f1e0a6c-0001-4000-8000-000000000001"

static const char *in_folder(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", unit_folder(), name);
	return path;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	return address;
}

/* --- peers that follow a script ---------------------------------------------- */

/*
 * Steps: "<" takes a line from the client, ">TEXT" sends, "/TEXT" sends byte
 * by byte; the end of the steps waits until the client has gone, "." closes.
 */
struct peer {
	const char *const *steps;
	int listener;
	pthread_t thread;
	const char *path;
	char heard[512]; /* all lines taken */
};

static bool take_line(int fd, char *heard, size_t size)
{
	size_t length = strlen(heard);
	char byte = 0;

	while (byte != '\n') {
		if (read(fd, &byte, 1) != 1)
			return false;
		if (length + 1 < size)
			heard[length++] = byte;
	}
	return true;
}

static bool send_text(int fd, const char *text, size_t piece)
{
	size_t length = strlen(text);

	for (size_t at = 0, part; at < length; at += part) {
		part = length - at < piece ? length - at : piece;
		if (send(fd, text + at, part, MSG_NOSIGNAL) != (ssize_t)part)
			return false;
	}
	return true;
}

static void *follow_script(void *argument)
{
	struct peer *peer = argument;
	int fd = accept(peer->listener, NULL, NULL);
	bool going = true;
	const char *const *step;
	char byte;

	for (step = peer->steps; going && *step && **step != '.'; step++) {
		if (**step == '<')
			going = take_line(fd, peer->heard, sizeof peer->heard);
		else
			going = send_text(fd, *step + 1, **step == '/' ? 1 : 1 << 30);
	}
	while (going && !*step && read(fd, &byte, 1) > 0)
		;
	close(fd);
	return NULL;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) ||
	    listen(fd, 1)) {
		perror(path);
		abort();
	}
	return fd;
}

static void peer_start(struct peer *peer, const char *const *steps)
{
	*peer = (struct peer){ .steps = steps, .path = in_folder("peer.sock") };
	peer->listener = listen_at(peer->path);
	if (pthread_create(&peer->thread, NULL, follow_script, peer))
		abort();
}

static void peer_end(struct peer *peer)
{
	pthread_join(peer->thread, NULL);
	close(peer->listener);
}

#define START(...) ((const char *const[]){ SAY_GREETING, "<", __VA_ARGS__, NULL })
#define READY ">{\"return\": {}, \"id\": 1}\r\n", "<", ">{\"return\": {}, \"id\": 2}\r\n"

/* What opening says to a peer of this script. */
static void expect_refusal(const char *const *steps, int expected, const char *text)
{
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;

	peer_start(&peer, steps);
	UNIT_EQUAL_I64(expected, qmp_open(&qmp, peer.path, &error));
	UNIT_CONTAINS(text, error.text);
	UNIT_CONTAINS("peer.sock: ", error.text);
	UNIT_TRUE(!qmp);
	qmp_close(qmp);
	peer_end(&peer);
}

static void test_handshake(void)
{
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;

	peer_start(&peer, START("/{\"event\": \"RESUME\", \"data\": {\"id\": 1}}\r\n",
				"/{\"return\": {}, \"id\": 1}\r\n", "<",
				"/{\"return\": {\"UUID\": \"" UUID "\"}, \"id\": 2}\r\n"));
	UNIT_EQUAL_I64(0, qmp_open(&qmp, peer.path, &error));
	UNIT_EQUAL_TEXT("", error.text);
	if (qmp) {
		UNIT_EQUAL_TEXT(UUID, qmp_uuid(qmp));
		UNIT_EQUAL_I64(getpid(), qmp_peer_pid(qmp));
	}
	qmp_close(qmp);
	peer_end(&peer);
	UNIT_EQUAL_TEXT("{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
			"{\"execute\":\"query-uuid\",\"id\":2}\n",
			peer.heard);
}

/* Somebody else's monitor hears nothing, and may have a client that would be disturbed. */
static void test_of_another_process(void)
{
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;

	peer_start(&peer, START(READY));
	UNIT_EQUAL_I64(-ESRCH, qmp_open_of(&qmp, peer.path, getpid() + 1, &error));
	UNIT_CONTAINS("peer.sock: belongs to process ", error.text);
	UNIT_TRUE(!qmp);
	peer_end(&peer);
	UNIT_EQUAL_TEXT("", peer.heard);
	peer_start(&peer, START(READY));
	UNIT_EQUAL_I64(0, qmp_open_of(&qmp, peer.path, getpid(), &error));
	qmp_close(qmp);
	peer_end(&peer);
}

static void test_no_uuid(void)
{
	static const char *const answers[] = {
		">{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}, \"id\": 2}\n",
		">{\"return\": {}, \"id\": 2}\n",
		">{\"return\": {\"UUID\": 7}, \"id\": 2}\n",
		">{\"id\": 2, \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}\n",
	};

	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct error error = { "" };
		struct peer peer;
		struct qmp *qmp;

		peer_start(&peer, START(">{\"return\": {}, \"id\": 1}\n", "<", answers[i]));
		UNIT_EQUAL_I64(0, qmp_open(&qmp, peer.path, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_TEXT(NULL, qmp ? qmp_uuid(qmp) : "");
		qmp_close(qmp);
		peer_end(&peer);
	}
}

static void test_refusals(void)
{
	static const char *const silent[] = { NULL }, *const closing[] = { ".", NULL };
	static const char *const shell[] = { ">QEMU 7.2.22 monitor - type 'help'\r\n(qemu) ",
					     NULL };
	static const char *const other[] = { ">{\"hello\": 1}\n", NULL };
	static const char *const half[] = { ">{\"QMP\": {", NULL };
	static const char *const crooked[] = { ">{\"QMP\": {]}\n", NULL };

	expect_refusal(silent, -ETIMEDOUT, "the monitor is in use by another client");
	expect_refusal(half, -ETIMEDOUT, "no greeting in time");
	expect_refusal(closing, -ECONNRESET, "closed the connection");
	expect_refusal(shell, -EPROTO, "not QMP");
	expect_refusal(other, -EPROTO, "not QMP");
	expect_refusal(crooked, -EPROTO, "not QMP");
	expect_refusal(START("."), -ECONNRESET, "closed the connection");
	expect_refusal(START(">{\"id\": 1, \"error\": {\"desc\": \"go away\"}}\n"), -EREMOTEIO,
		       "QMP qmp_capabilities: go away");
	expect_refusal(START(">{\"id\": 1}\n"), -EREMOTEIO, "neither an answer nor an error");
	expect_refusal(START(">{\"id\": 99, \"return\": {}}\n"), -ETIMEDOUT, "no answer");
}

static void test_nobody_there(void)
{
	struct error error = { "" };
	char path[200];
	struct qmp *qmp;

	UNIT_EQUAL_I64(-ENOENT, qmp_open(&qmp, in_folder("none.sock"), &error));
	UNIT_CONTAINS("none.sock: No such file", error.text);
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = '\0';
	UNIT_EQUAL_I64(-ENAMETOOLONG, qmp_open(&qmp, path, &error));
}

static void test_full_queue(void)
{
	const char *path = in_folder("queue.sock");
	struct sockaddr_un address = address_of(path);
	int listener = listen_at(path), waiting[16];
	struct error error = { "" };
	struct qmp *qmp;
	size_t count = 0;

	for (; count < 16; count++) {
		waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (connect(waiting[count], (const struct sockaddr *)&address, sizeof address)) {
			close(waiting[count]);
			break;
		}
	}
	UNIT_EQUAL_I64(-EBUSY, qmp_open(&qmp, path, &error));
	UNIT_CONTAINS("in use by another client", error.text);
	while (count > 0)
		close(waiting[--count]);
	close(listener);
}

/* An answer of many pieces, over several lines, with a brace and a quote inside a name. */
static void test_long_answer(void)
{
	enum { COUNT = 1000 };
	char *text = malloc((size_t)COUNT * 256), *end = text;
	const struct qmp_block *blocks = NULL;
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;

	end += sprintf(end, ">{\"return\": [\n");
	for (int i = 0; i < COUNT; i++)
		end += sprintf(end,
			       "%s  {\"device\": \"d}]\\\"%d\", \"stats\": {\"rd_bytes\": %d,\n"
			       "\"wr_bytes\": 2, \"rd_operations\": 3, \"wr_operations\": 4,\n"
			       "\"flush_operations\": 5, \"unmap_operations\": 6,\n"
			       "\"unmap_bytes\": 7}}",
			       i ? ",\n" : "", i, i * 512);
	sprintf(end, "], \"id\": 3}\n{\"event\": \"STOP\"}\n");
	UNIT_TRUE(strlen(text) > 64 << 10);
	peer_start(&peer, START(READY, "<", text));
	UNIT_EQUAL_I64(0, qmp_open(&qmp, peer.path, &error));
	UNIT_EQUAL_I64(COUNT, qmp_blockstats(qmp, &blocks, &error));
	UNIT_EQUAL_TEXT("d}]\"999", blocks[COUNT - 1].name);
	UNIT_EQUAL_U64(999 * 512, blocks[COUNT - 1].io.read_bytes);
	/* Flushes and discards are writes, and bytes of none. */
	UNIT_EQUAL_U64(3, blocks[COUNT - 1].io.read_requests);
	UNIT_EQUAL_U64(4 + 5 + 6, blocks[COUNT - 1].io.write_requests);
	UNIT_EQUAL_U64(2, blocks[COUNT - 1].io.write_bytes);
	qmp_close(qmp);
	peer_end(&peer);
	free(text);
}

static void test_incomplete_figures(void)
{
	const struct qmp_block *blocks = NULL;
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;

	peer_start(&peer,
		   START(READY, "<",
			 ">{\"return\": [{\"device\": \"a\", \"stats\": {\"rd_bytes\": 1}},"
			 "{\"device\": \"b\", \"stats\": {\"rd_bytes\": 1, \"wr_bytes\": -2}},"
			 "{\"device\": \"c\", \"stats\": {\"rd_bytes\": 1, \"wr_bytes\": 2}},"
			 "{}], \"id\": 3}\n"));
	UNIT_EQUAL_I64(0, qmp_open(&qmp, peer.path, &error));
	UNIT_EQUAL_I64(4, qmp_blockstats(qmp, &blocks, &error));
	for (int i = 0; i < 4; i++) {
		UNIT_EQUAL_U64(i == 2, blocks[i].io.at_ns != 0);
		UNIT_EQUAL_U64(i == 2 ? 0 : QUALITY_MISSING, blocks[i].io.quality);
		UNIT_TRUE(!blocks[i].io.has_requests);
	}
	qmp_close(qmp);
	peer_end(&peer);
}

static void test_late_answer(void)
{
	const struct qmp_block *blocks = NULL;
	struct error error = { "" };
	struct peer peer;
	struct qmp *qmp;
	pid_t tid = 1;

	peer_start(&peer, START(READY, "<", "<", ">{\"return\": [{}, {}], \"id\": 3}\n",
				">{\"return\": [{}], \"id\": 4}\n", "<", ">nonsense\n"));
	UNIT_EQUAL_I64(0, qmp_open(&qmp, peer.path, &error));
	UNIT_EQUAL_I64(-ETIMEDOUT, qmp_blockstats(qmp, &blocks, &error));
	UNIT_CONTAINS("QMP query-blockstats: no answer in time", error.text);
	UNIT_EQUAL_I64(1, qmp_blockstats(qmp, &blocks, &error));
	UNIT_EQUAL_I64(-EPROTO, qmp_blockstats(qmp, &blocks, &error));
	UNIT_EQUAL_I64(-ENOTCONN, qmp_blockstats(qmp, &blocks, &error));
	UNIT_EQUAL_I64(-ENOTCONN, qmp_vcpu_tids(qmp, &tid, 1, &error));
	UNIT_EQUAL_I64(0, tid);
	qmp_close(qmp);
	peer_end(&peer);
}

/* --- a real QEMU -------------------------------------------------------------- */

static pid_t start_qemu(void)
{
	char monitor[200], second[200], file[200], node[200];
	pid_t pid;

	snprintf(monitor, sizeof monitor, "unix:%s,server=on,wait=off", in_folder("qemu.sock"));
	snprintf(second, sizeof second, "unix:%s,server=on,wait=off", in_folder("second.sock"));
	unit_write_file("d0.raw", "");
	unit_write_file("n0.raw", "");
	UNIT_TRUE(!truncate(in_folder("d0.raw"), 1 << 20) &&
		  !truncate(in_folder("n0.raw"), 1 << 20));
	snprintf(file, sizeof file, "file=%s,if=none,id=d0,format=raw", in_folder("d0.raw"));
	snprintf(node, sizeof node, "driver=file,filename=%s,node-name=n0", in_folder("n0.raw"));
	pid = fork();
	if (pid == 0) {
		execlp("qemu-system-x86_64", "qemu-system-x86_64", "-S", "-nodefaults", "-display",
		       "none", "-machine", "pc,accel=tcg", "-smp", "2", "-m", "16", "-uuid", UUID,
		       "-qmp", monitor, "-qmp-pretty", second, "-drive", file, "-device",
		       "virtio-blk-pci,drive=d0", "-blockdev", node, "-device",
		       "virtio-blk-pci,drive=n0,id=vd0", "-blockdev", "driver=null-co,node-name=n1",
		       "-device", "virtio-blk-pci,drive=n1", NULL);
		_exit(127);
	}
	return pid;
}

static void stop_qemu(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Retries while QEMU starts. */
static struct qmp *open_when_ready(const char *path, pid_t pid)
{
	struct error error = { "" };
	struct qmp *qmp = NULL;
	int result;

	for (int i = 0; i < 600; i++) {
		result = qmp_open(&qmp, path, &error);
		if ((result != -ENOENT && result != -ECONNREFUSED) ||
		    waitpid(pid, NULL, WNOHANG) != 0)
			break;
		usleep(50000);
	}
	UNIT_EQUAL_TEXT("", qmp ? "" : error.text);
	return qmp;
}

/* Let QEMU itself read and write, through the human monitor of the second socket. */
static void do_io(void)
{
	static const char commands[] =
		"{\"execute\": \"qmp_capabilities\"}\n"
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
		"\"qemu-io d0 \\\"aio_read -q 0 64k\\\"\"}}\n"
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
		"\"qemu-io "
		"-d /machine/peripheral/vd0/virtio-backend \\\"aio_write -q 0 8k\\\"\"}}\n"
		/* Both may take their time. */
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
		"\"qemu-io d0 aio_flush\"}}\n"
		"{\"execute\": \"query-status\", \"id\": \"the last\"}\n";
	struct sockaddr_un address = address_of(in_folder("second.sock"));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char heard[4096] = "";

	UNIT_TRUE(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
		  send_text(fd, commands, sizeof commands));
	while (!strstr(heard, "the last") && strlen(heard) + 256 < sizeof heard)
		if (!take_line(fd, heard, sizeof heard))
			break;
	UNIT_CONTAINS("the last", heard);
	close(fd);
}

static void expect_blocks(struct qmp *qmp, uint64_t read_bytes, uint64_t write_bytes)
{
	static const char *const names[] = { "d0", "vd0", "n1" };
	const struct qmp_block *blocks = NULL;
	struct error error = { "" };
	long count = qmp_blockstats(qmp, &blocks, &error);

	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(3, count);
	for (int i = 0; i < count && i < 3; i++) {
		const struct io_reading *io = &blocks[i].io;

		UNIT_EQUAL_TEXT(names[i], blocks[i].name);
		UNIT_TRUE(io->at_ns > 0 && io->has_requests);
		UNIT_EQUAL_U64(i == 0 ? read_bytes : 0, io->read_bytes);
		UNIT_EQUAL_U64(i == 0 && read_bytes > 0, io->read_requests);
		UNIT_EQUAL_U64(i == 1 ? write_bytes : 0, io->write_bytes);
		/* The first is told to flush, too. */
		UNIT_EQUAL_U64(i == 2 ? 0 : read_bytes > 0, io->write_requests);
	}
	if (count == 3)
		UNIT_EQUAL_TEXT("n0", blocks[1].node);
}

static void expect_vcpus(struct qmp *qmp, pid_t pid)
{
	char path[64];
	pid_t tids[3] = { 1, 1, 1 }, first, second;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, qmp_vcpu_tids(qmp, tids, 3, &error));
	first = tids[0];
	second = tids[1];
	UNIT_TRUE(first != second && first != pid);
	snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)first);
	UNIT_TRUE(access(path, F_OK) == 0);
	snprintf(path, sizeof path, "/proc/%d/task/%d", (int)pid, (int)second);
	UNIT_TRUE(access(path, F_OK) == 0);
	UNIT_EQUAL_I64(0, tids[2]);
}

/* By drive, by device and by node; what was set reads back whole. */
static void expect_throttles(struct qmp *qmp)
{
	static const char *const names[] = { "d0", "vd0", "n1" };
	const struct io_throttle none = { { 0 } };
	struct io_throttle wanted = none, read;
	struct error error = { "" };

	wanted.limits[IO_LIMIT_READ_BYTES_S] = 4000000;
	wanted.limits[IO_LIMIT_READ_BYTES_MAX] = 5000000;
	wanted.limits[IO_LIMIT_WRITE_BYTES_S] = 3000000;
	wanted.limits[IO_LIMIT_TOTAL_REQUESTS_S] = 90;
	wanted.limits[IO_LIMIT_TOTAL_REQUESTS_MAX] = 100;
	wanted.limits[IO_LIMIT_REQUEST_BYTES] = 4096;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		UNIT_EQUAL_I64(0, qmp_get_throttle(qmp, names[i], &read, &error));
		UNIT_TRUE(memcmp(&none, &read, sizeof read) == 0);
		UNIT_EQUAL_I64(0, qmp_set_throttle(qmp, names[i], &wanted, &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_I64(0, qmp_get_throttle(qmp, names[i], &read, &error));
		for (unsigned limit = 0; limit < IO_LIMIT_COUNT; limit++)
			UNIT_EQUAL_U64(wanted.limits[limit], read.limits[limit]);
		UNIT_EQUAL_I64(0, qmp_set_throttle(qmp, names[i], &none, &error));
	}
	wanted.limits[IO_LIMIT_TOTAL_BYTES_S] = 1;
	UNIT_EQUAL_I64(-EREMOTEIO, qmp_set_throttle(qmp, "d0", &wanted, &error));
	UNIT_CONTAINS("block_set_io_throttle: ", error.text);
	UNIT_EQUAL_I64(-ENODEV, qmp_get_throttle(qmp, "d1", &read, &error));
}

static void test_real_qemu(void)
{
	struct error error = { "" };
	struct qmp *qmp, *another;
	pid_t pid;

	if (system("command -v qemu-system-x86_64 >/dev/null")) { /* NOLINT(cert-env33-c) */
		printf(" (skipped: no qemu-system-x86_64) ");
		return;
	}
	pid = start_qemu();
	qmp = open_when_ready(in_folder("qemu.sock"), pid);
	if (qmp) {
		UNIT_EQUAL_I64(pid, qmp_peer_pid(qmp));
		UNIT_EQUAL_TEXT(UUID, qmp_uuid(qmp));
		expect_blocks(qmp, 0, 0);
		do_io();
		expect_blocks(qmp, 64 << 10, 8 << 10);
		expect_vcpus(qmp, pid);
		expect_throttles(qmp);
		UNIT_EQUAL_I64(-ETIMEDOUT, qmp_open(&another, in_folder("qemu.sock"), &error));
		UNIT_CONTAINS("in use by another client", error.text);
		expect_blocks(qmp, 64 << 10, 8 << 10); /* and did not disturb the first */
		qmp_close(qmp);
		qmp = open_when_ready(in_folder("second.sock"), pid); /* pretty-printed */
	}
	if (qmp) {
		const struct qmp_block *blocks;

		expect_blocks(qmp, 64 << 10, 8 << 10);
		stop_qemu(pid);
		UNIT_EQUAL_I64(-ECONNRESET, qmp_blockstats(qmp, &blocks, &error));
	} else {
		stop_qemu(pid);
	}
	qmp_close(qmp);
}

int main(void)
{
	return UNIT_RUN(
		"qmp",
		{ "handshake byte by byte, an event between, learns uuid and peer",
		  test_handshake },
		{ "with the monitor of another process not a word is exchanged",
		  test_of_another_process },
		{ "no uuid is none", test_no_uuid },
		{ "a peer that is silent, closes or speaks otherwise is refused", test_refusals },
		{ "a socket that is not there is named", test_nobody_there },
		{ "a full queue means in use", test_full_queue },
		{ "an answer of many kilobytes and lines is read", test_long_answer },
		{ "an absent figure is missing, not zero", test_incomplete_figures },
		{ "an answer after its time is not taken for the next", test_late_answer },
		{ "a real QEMU: statistics, threads, throttles, its one client", test_real_qemu });
}
