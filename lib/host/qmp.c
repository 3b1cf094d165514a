/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host/qmp-call.h"
#include "base/clock.h"
#include "base/memory.h"

#define PATIENCE_NS UINT64_C(1000000000) /* for a whole call, unless another is set */

enum {
	READ_BYTES = 64 << 10,
	MESSAGE_BYTES_MAX = 16 << 20,
	UUID_BYTES = 37,
};

/* Finds the end of a JSON object, whatever line breaks it has ("pretty=on"). */
struct scanner {
	size_t at; /* bytes looked at */
	unsigned depth;
	bool in_string, escaped;
};

struct block_list {
	struct qmp_block *items;
	size_t count, capacity;
};

struct qmp {
	int fd; /* -1: broken, nothing more comes */
	pid_t peer;
	uint64_t patience_ns;
	char uuid[UUID_BYTES]; /* "" = none */
	json_int_t last_id;
	char *input; /* received and not yet used */
	size_t length, capacity;
	struct scanner scanner;
	struct block_list blocks;
};

static uint64_t deadline_ns(const struct qmp *qmp)
{
	return clock_now_ns() + qmp->patience_ns;
}

static int broken(struct qmp *qmp, int result)
{
	close(qmp->fd);
	qmp->fd = -1;
	return result;
}

/* 0, -ETIMEDOUT or -errno. */
static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd wanted = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now = clock_now_ns();
		int left_ms = now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
		int ready = poll(&wanted, 1, left_ms);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready == 0)
			return -ETIMEDOUT;
	}
}

static int send_all(struct qmp *qmp, const char *bytes, size_t length, uint64_t deadline)
{
	while (length > 0) {
		ssize_t sent = send(qmp->fd, bytes, length, MSG_NOSIGNAL);
		int result = 0;

		if (sent < 0 && errno == EAGAIN)
			result = wait_for(qmp->fd, POLLOUT, deadline);
		else if (sent < 0 && errno != EINTR)
			result = -ECONNRESET;
		if (result) /* half a command may be out: there is no way on */
			return broken(qmp, result);
		if (sent > 0) {
			bytes += sent;
			length -= (size_t)sent;
		}
	}
	return 0;
}

/* Length of the object at the start of the input, 0 = not all there yet. */
static size_t scan(struct qmp *qmp)
{
	struct scanner *scanner = &qmp->scanner;

	while (scanner->at < qmp->length) {
		char byte = qmp->input[scanner->at++];

		if (scanner->in_string) {
			if (scanner->escaped)
				scanner->escaped = false;
			else if (byte == '\\')
				scanner->escaped = true;
			else if (byte == '"')
				scanner->in_string = false;
		} else if (byte == '"') {
			scanner->in_string = true;
		} else if (byte == '{' || byte == '[') {
			scanner->depth++;
		} else if ((byte == '}' || byte == ']') && scanner->depth > 0) {
			if (--scanner->depth == 0)
				return scanner->at;
		}
	}
	return 0;
}

static void drop_input(struct qmp *qmp, size_t length)
{
	memmove(qmp->input, qmp->input + length, qmp->length - length);
	qmp->length -= length;
	qmp->scanner = (struct scanner){ 0 };
}

/* Objects are parted by line ends and blanks. */
static void drop_blanks(struct qmp *qmp)
{
	size_t blanks = 0;

	if (qmp->scanner.at > 0)
		return;
	while (blanks < qmp->length && strchr(" \t\r\n", qmp->input[blanks]))
		blanks++;
	if (blanks > 0)
		drop_input(qmp, blanks);
}

static int read_more(struct qmp *qmp, uint64_t deadline)
{
	char *grown;
	ssize_t got;
	int result;

	if (qmp->length >= MESSAGE_BYTES_MAX)
		return broken(qmp, -EPROTO);
	grown = memory_grow(qmp->input, &qmp->capacity, qmp->length + READ_BYTES, 1);
	if (!grown)
		return -ENOMEM;
	qmp->input = grown;
	result = wait_for(qmp->fd, POLLIN, deadline);
	if (result)
		return result;
	got = recv(qmp->fd, qmp->input + qmp->length, READ_BYTES, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return broken(qmp, -ECONNRESET);
	qmp->length += (size_t)got;
	return 0;
}

/* The next object, owned by the caller. */
static int receive(struct qmp *qmp, json_t **object, uint64_t deadline)
{
	size_t length;
	int result;

	for (;;) {
		drop_blanks(qmp);
		if (qmp->length > 0 && qmp->input[0] != '{')
			return broken(qmp, -EPROTO);
		length = scan(qmp);
		if (length > 0)
			break;
		result = read_more(qmp, deadline);
		if (result)
			return result;
	}
	*object = json_loadb(qmp->input, length, 0, NULL);
	drop_input(qmp, length);
	return *object ? 0 : broken(qmp, -EPROTO);
}

/* Answers carry our number; events, and answers that came after their call had ended, do not. */
static int receive_answer(struct qmp *qmp, json_t **answer, uint64_t deadline)
{
	for (;;) {
		json_t *object, *id;
		int result = receive(qmp, &object, deadline);

		if (result)
			return result;
		id = json_object_get(object, "id");
		if (id && json_integer_value(id) == qmp->last_id) {
			*answer = object;
			return 0;
		}
		json_decref(object);
	}
}

static const char *describe(int result)
{
	switch (result) {
	case -ETIMEDOUT:
		return "no answer in time";
	case -EPROTO:
		return "what came is not QMP";
	case -ECONNRESET:
		return "QEMU closed the connection";
	default:
		return strerror(-result);
	}
}

/* One line; to be freed. NULL when out of memory. */
static char *print_command(struct qmp *qmp, const char *command, json_t *arguments)
{
	json_t *object = json_pack("{s:s, s:o*, s:I}", "execute", command, "arguments", arguments,
				   "id", ++qmp->last_id);
	char *text = json_dumps(object, JSON_COMPACT);
	size_t length = text ? strlen(text) : 0;
	char *line = text ? realloc(text, length + 2) : NULL;

	json_decref(object);
	if (line)
		memcpy(line + length, "\n", 2);
	else
		free(text);
	return line;
}

/* The "return" of a command, owned by the caller. */
static int execute_with(struct qmp *qmp, const char *command, json_t *arguments, json_t **value,
			uint64_t deadline, struct error *error)
{
	json_t *answer = NULL;
	const char *refusal;
	char *line;
	int result;

	if (qmp->fd < 0) {
		json_decref(arguments);
		return error_setf(error, ENOTCONN, "QMP: the monitor is gone");
	}
	line = print_command(qmp, command, arguments);
	result = line ? send_all(qmp, line, strlen(line), deadline) : -ENOMEM;
	free(line);
	if (!result)
		result = receive_answer(qmp, &answer, deadline);
	if (result)
		return error_setf(error, -result, "QMP %s: %s", command, describe(result));
	*value = json_incref(json_object_get(answer, "return"));
	if (!*value) {
		refusal = json_string_value(
			json_object_get(json_object_get(answer, "error"), "desc"));
		result = error_setf(error, EREMOTEIO, "QMP %s: %s", command,
				    refusal ? refusal : "neither an answer nor an error");
	}
	json_decref(answer);
	return result;
}

static int execute(struct qmp *qmp, const char *command, json_t **value, uint64_t deadline,
		   struct error *error)
{
	return execute_with(qmp, command, NULL, value, deadline, error);
}

int qmp_call(struct qmp *qmp, const char *command, json_t *arguments, json_t **value,
	     struct error *error)
{
	return execute_with(qmp, command, arguments, value, deadline_ns(qmp), error);
}

static int connect_to(struct qmp *qmp, const char *path, struct error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t length = sizeof peer;

	if (strlen(path) >= sizeof address.sun_path)
		return error_setf(error, ENAMETOOLONG, "the path is too long for a socket");
	strcpy(address.sun_path, path);
	qmp->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (qmp->fd < 0)
		return error_setf(error, errno, "socket: %s", strerror(errno));
	if (connect(qmp->fd, (const struct sockaddr *)&address, sizeof address)) {
		if (errno == EAGAIN) /* the queue of those who wait is full */
			return error_setf(error, EBUSY, "the monitor is in use by another client");
		return error_setf(error, errno, "%s", strerror(errno));
	}
	if (getsockopt(qmp->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
		qmp->peer = peer.pid;
	return 0;
}

static int greet(struct qmp *qmp, uint64_t deadline, struct error *error)
{
	json_t *greeting = NULL;
	int result = receive(qmp, &greeting, deadline);

	if (!result && !json_object_get(greeting, "QMP"))
		result = -EPROTO;
	json_decref(greeting);
	if (result == -ETIMEDOUT)
		return error_setf(error, ETIMEDOUT,
				  "no greeting in time: the monitor is in use by another "
				  "client, or QEMU does not answer");
	return result ? error_setf(error, -result, "%s", describe(result)) : 0;
}

static int learn(struct qmp *qmp, uint64_t deadline, struct error *error)
{
	static const char none[] = "00000000-0000-0000-0000-000000000000";
	json_t *value = NULL;
	const char *uuid;
	int result = execute(qmp, "qmp_capabilities", &value, deadline, error);

	if (result)
		return result;
	json_decref(value);
	result = execute(qmp, "query-uuid", &value, deadline, error);
	if (result == -EREMOTEIO) /* it need not know */
		return error_setf(error, 0, "%s", "");
	if (result)
		return result;
	uuid = json_string_value(json_object_get(value, "UUID"));
	if (uuid && strlen(uuid) < UUID_BYTES && strcmp(uuid, none) != 0)
		strcpy(qmp->uuid, uuid);
	json_decref(value);
	return 0;
}

/* Some other's monitor must not be disturbed. `peer` 0 = anybody's. */
static int check_peer(const struct qmp *qmp, pid_t peer, struct error *error)
{
	if (!peer || qmp->peer == peer)
		return 0;
	return error_setf(error, ESRCH, "belongs to process %d, not to %d", (int)qmp->peer,
			  (int)peer);
}

struct monitor {
	const char *path;
	pid_t peer;
	uint64_t patience_ns;
};

static int open_monitor(struct qmp **opened, const struct monitor *monitor, struct error *error)
{
	struct qmp *qmp = calloc(1, sizeof *qmp);
	uint64_t deadline;
	int result;

	*opened = NULL;
	if (!qmp)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	qmp->fd = -1;
	qmp->patience_ns = monitor->patience_ns;
	deadline = deadline_ns(qmp);
	result = connect_to(qmp, monitor->path, error);
	if (!result)
		result = check_peer(qmp, monitor->peer, error);
	if (!result)
		result = greet(qmp, deadline, error);
	if (!result)
		result = learn(qmp, deadline, error);
	if (result) {
		qmp_close(qmp);
		return error_prefixf(error, result, "%s", monitor->path);
	}
	*opened = qmp;
	return 0;
}

int qmp_open(struct qmp **opened, const char *path, struct error *error)
{
	return open_monitor(opened, &(struct monitor){ path, 0, PATIENCE_NS }, error);
}

int qmp_open_within(struct qmp **opened, const char *path, uint64_t patience_ns,
		    struct error *error)
{
	return open_monitor(opened, &(struct monitor){ path, 0, patience_ns }, error);
}

int qmp_open_of(struct qmp **opened, const char *path, pid_t peer, struct error *error)
{
	return open_monitor(opened, &(struct monitor){ path, peer, PATIENCE_NS }, error);
}

void qmp_set_patience(struct qmp *qmp, uint64_t patience_ns)
{
	qmp->patience_ns = patience_ns;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	if (qmp->fd >= 0)
		close(qmp->fd);
	free(qmp->input);
	free(qmp->blocks.items);
	free(qmp);
}

pid_t qmp_peer_pid(const struct qmp *qmp)
{
	return qmp->peer;
}

const char *qmp_uuid(const struct qmp *qmp)
{
	return qmp->uuid[0] ? qmp->uuid : NULL;
}

bool qmp_get_count(const json_t *object, const char *key, uint64_t *count)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*count = (uint64_t)json_integer_value(value);
	return true;
}

const char *qmp_get_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* "/machine/peripheral/NAME/virtio-backend" is the device NAME; one without an id has none. */
static void device_id(const char *path, char name[64])
{
	static const char peripheral[] = "/machine/peripheral/";
	size_t length = sizeof peripheral - 1;

	if (strncmp(path, peripheral, length) == 0)
		snprintf(name, 64, "%.*s", (int)strcspn(path + length, "/"), path + length);
	else if (path[0] != '/')
		snprintf(name, 64, "%s", path);
}

const char *qmp_block_name(const json_t *entry, char name[64])
{
	snprintf(name, 64, "%s", qmp_get_text(entry, "device"));
	if (!name[0])
		device_id(qmp_get_text(entry, "qdev"), name);
	return name;
}

static void read_block(const json_t *entry, uint64_t at_ns, struct qmp_block *block)
{
	/* Writes without bytes (model.md 3: a request's overhead): flushes and discards. */
	static const char *const bare_writes[] = { "flush_operations", "unmap_operations" };
	const json_t *stats = json_object_get(entry, "stats");
	struct io_reading *io = &block->io;
	uint64_t count;

	snprintf(block->node, sizeof block->node, "%s", qmp_get_text(entry, "node-name"));
	if (!*qmp_block_name(entry, block->name))
		memcpy(block->name, block->node, sizeof block->name);
	if (qmp_get_count(stats, "rd_bytes", &io->read_bytes) &&
	    qmp_get_count(stats, "wr_bytes", &io->write_bytes))
		io->at_ns = at_ns;
	else
		io->quality = QUALITY_MISSING;
	io->has_requests = qmp_get_count(stats, "rd_operations", &io->read_requests) &&
			   qmp_get_count(stats, "wr_operations", &io->write_requests);
	for (size_t i = 0; i < sizeof bare_writes / sizeof bare_writes[0]; i++)
		if (qmp_get_count(stats, bare_writes[i], &count))
			io->write_requests += count;
}

long qmp_blockstats(struct qmp *qmp, const struct qmp_block **blocks, struct error *error)
{
	json_t *list = NULL, *entry;
	struct qmp_block *block;
	size_t index;
	int result = execute(qmp, "query-blockstats", &list, deadline_ns(qmp), error);

	if (result)
		return result;
	qmp->blocks.count = 0;
	json_array_foreach(list, index, entry)
	{
		block = MEMORY_APPEND(&qmp->blocks);
		if (!block) {
			result = error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
			break;
		}
		*block = (struct qmp_block){ 0 };
		read_block(entry, clock_now_ns(), block);
	}
	json_decref(list);
	*blocks = qmp->blocks.items;
	return result ? result : (long)qmp->blocks.count;
}

int qmp_vcpu_tids(struct qmp *qmp, pid_t *tids, size_t count, struct error *error)
{
	json_t *list = NULL, *entry;
	uint64_t number, tid;
	size_t at;
	int result = execute(qmp, "query-cpus-fast", &list, deadline_ns(qmp), error);

	memset(tids, 0, count * sizeof *tids);
	json_array_foreach(list, at, entry)
	{
		if (qmp_get_count(entry, "cpu-index", &number) && number < count &&
		    qmp_get_count(entry, "thread-id", &tid))
			tids[number] = (pid_t)tid;
	}
	json_decref(list);
	return result;
}
