/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/attach.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
	PATIENCE_S = 5, /* for a connection, a request to be taken, an answer */
	READ_BYTES = 256 << 10,
	LINE_BYTES_MAX = 64 << 20,
};

/* What is there is taken in any case, but not for longer than this beyond the deadline. */
#define SLICE_NS UINT64_C(100000000)
#define HURRY_NS UINT64_C(100000000)

struct attach {
	int fd;
	uint64_t patience_ns; /* for a request to be taken */
	int64_t last_id;
	char *input;
	/* Lines before `begin` are done with; up to `scanned` no line ends. */
	size_t begin, scanned, length, capacity;
	struct text output;
};

#define PATIENCE_NS (PATIENCE_S * UINT64_C(1000000000))

const char *attach_default_path(void)
{
	const char *path = getenv("VMENERGY_SOCKET");

	return path && *path ? path : ATTACH_SOCKET;
}

/* --- opening ------------------------------------------------------------------------------- */

/* Who may, as the socket's mode says. */
static int no_right(const char *path, struct error *error)
{
	const struct group *group;
	struct stat about;

	if (stat(path, &about))
		return error_setf(error, EACCES, "%s: permission denied", path);
	if (!(about.st_mode & S_IWGRP))
		return error_setf(error, EACCES, "%s: only user %u may connect", path,
				  (unsigned)about.st_uid);
	group = getgrgid(about.st_gid);
	if (!group)
		return error_setf(error, EACCES, "%s: you are not in group %u", path,
				  (unsigned)about.st_gid);
	return error_setf(error, EACCES, "%s: you are not in group %s", path, group->gr_name);
}

static int not_connected(const char *path, int errnum, struct error *error)
{
	switch (errnum) {
	case EACCES:
	case EPERM:
		return no_right(path, error);
	case ENOENT:
		return error_setf(error, ENOENT, "no vmenergyd runs here (%s: %s)", path,
				  strerror(errnum));
	case ECONNREFUSED:
		return error_setf(error, ECONNREFUSED, "no vmenergyd listens at %s", path);
	case EAGAIN:
		return error_setf(error, ETIMEDOUT, "%s: vmenergyd does not answer", path);
	default:
		return error_setf(error, errnum, "%s: %s", path, strerror(errnum));
	}
}

static int connect_to(int fd, const char *path, struct error *error)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);

	if (length >= sizeof address.sun_path)
		return error_setf(error, ENAMETOOLONG, "%s: at most %zu bytes", path,
				  sizeof address.sun_path - 1);
	memcpy(address.sun_path, path, length);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address))
		return not_connected(path, errno, error);
	return 0;
}

static int open_with(struct attach **out, const char *path, int flags, struct error *error)
{
	struct attach *attach = calloc(1, sizeof *attach);
	int result;

	if (!attach)
		return error_setf(error, ENOMEM, "out of memory");
	attach->patience_ns = PATIENCE_NS;
	attach->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (attach->fd < 0)
		result = error_setf(error, errno, "socket: %s", strerror(errno));
	else
		result = connect_to(attach->fd, path ? path : attach_default_path(), error);
	if (result) {
		attach_close(attach);
		return result;
	}
	*out = attach;
	return 0;
}

int attach_open(struct attach **out, const char *path, struct error *error)
{
	return open_with(out, path, 0, error);
}

/* A local connection is there at once, or EAGAIN: the queue is full (unix(7)). */
int attach_open_at_once(struct attach **out, const char *path, struct error *error)
{
	int result = open_with(out, path, SOCK_NONBLOCK, error);

	if (!result)
		attach_hurry(*out);
	return result;
}

void attach_hurry(struct attach *attach)
{
	attach->patience_ns = HURRY_NS;
}

void attach_close(struct attach *attach)
{
	if (!attach)
		return;
	if (attach->fd >= 0)
		close(attach->fd);
	free(attach->input);
	text_free(&attach->output);
	free(attach);
}

int attach_fd(const struct attach *attach)
{
	return attach->fd;
}

/* --- waiting ------------------------------------------------------------------------------- */

/* 1 = ready; 0 = not yet, or a signal came. */
static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd wanted = { .fd = fd, .events = events };
	uint64_t now = clock_now_ns();
	uint64_t left_ms = now < deadline_ns ? (deadline_ns - now + 999999) / 1000000 : 0;

	return poll(&wanted, 1, left_ms < 3600000 ? (int)left_ms : 3600000) > 0;
}

static int gone(struct error *error)
{
	return error_setf(error, ECONNRESET, "vmenergyd has closed the connection");
}

/* --- sending ------------------------------------------------------------------------------- */

static int send_all(struct attach *attach, struct error *error)
{
	const char *bytes = attach->output.bytes;
	size_t left = attach->output.length;
	uint64_t deadline = clock_now_ns() + attach->patience_ns;

	while (left > 0) {
		ssize_t sent = send(attach->fd, bytes, left, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent >= 0) {
			bytes += sent;
			left -= (size_t)sent;
		} else if (errno != EAGAIN && errno != EINTR) {
			return gone(error);
		} else if (clock_now_ns() >= deadline) {
			if (left < attach->output.length) /* half a request: there is no way on */
				shutdown(attach->fd, SHUT_RDWR);
			return error_setf(error, ETIMEDOUT, "vmenergyd takes no requests");
		} else {
			wait_for(attach->fd, POLLOUT, deadline);
		}
	}
	return 0;
}

int attach_send(struct attach *attach, struct protocol_request *request, struct error *error)
{
	int result;

	request->id = ++attach->last_id;
	text_reset(&attach->output);
	result = protocol_put_request(request, &attach->output, error);
	return result ? result : send_all(attach, error);
}

/* --- receiving ----------------------------------------------------------------------------- */

/* Length of the line that begins the input, its end included; 0 = not all there. */
static size_t find_line(struct attach *attach)
{
	char *end = NULL;

	if (attach->scanned < attach->length)
		end = memchr(attach->input + attach->scanned, '\n',
			     attach->length - attach->scanned);
	attach->scanned = end ? (size_t)(end - attach->input) : attach->length;
	return end ? attach->scanned + 1 - attach->begin : 0;
}

/* Room behind the input, what is done with thrown away. */
static int make_room(struct attach *attach, struct error *error)
{
	char *grown;

	if (attach->begin > 0) {
		memmove(attach->input, attach->input + attach->begin,
			attach->length - attach->begin);
		attach->length -= attach->begin;
		attach->scanned -= attach->begin;
		attach->begin = 0;
	}
	if (attach->length >= LINE_BYTES_MAX)
		return error_setf(error, EPROTO, "a line of more than %d bytes", LINE_BYTES_MAX);
	grown = memory_grow(attach->input, &attach->capacity, attach->length + READ_BYTES, 1);
	if (!grown)
		return error_setf(error, ENOMEM, "out of memory");
	attach->input = grown;
	return 0;
}

/* 1 = there is more; 0 = nothing yet. */
static int read_more(struct attach *attach, struct error *error)
{
	ssize_t got;
	int result = make_room(attach, error);

	if (result)
		return result;
	got = recv(attach->fd, attach->input + attach->length, attach->capacity - attach->length,
		   MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return gone(error);
	attach->length += (size_t)got;
	return 1;
}

/* The line at the start; 1 = a message, 0 = one to be passed over. */
static int take_line(struct attach *attach, size_t length, struct protocol_message *message,
		     struct snapshot *snapshot, struct error *error)
{
	int result = protocol_parse_message(attach->input + attach->begin, length, message,
					    snapshot, error);

	attach->begin += length;
	attach->scanned = attach->begin;
	if (result == -EINVAL)
		return error_prefixf(error, -EPROTO, "vmenergyd says what is not understood");
	if (result)
		return result;
	if (message->kind != PROTOCOL_OTHER)
		return 1;
	protocol_message_clear(message);
	return 0;
}

int attach_receive(struct attach *attach, uint64_t deadline_ns, struct protocol_message *message,
		   struct snapshot *snapshot, struct error *error)
{
	uint64_t begun_ns = clock_now_ns();

	for (;;) {
		size_t length = find_line(attach);
		int result;

		if (length > 0)
			result = take_line(attach, length, message, snapshot, error);
		else
			result = read_more(attach, error);
		if (result < 0 || (length > 0 && result > 0))
			return result;
		if (length > 0)
			continue;
		/* Lines that are passed over, and pieces of one, may come for ever. */
		if (clock_now_ns() >= begun_ns + SLICE_NS && clock_now_ns() >= deadline_ns)
			return 0;
		if (result == 0 && !wait_for(attach->fd, POLLIN, deadline_ns))
			return 0;
	}
}

/* --- asking -------------------------------------------------------------------------------- */

/* 1 = *answer is the one; 0 = it was none, and is cleared. Who is turned away is told
 * without a number. */
static int judge(const struct protocol_request *request, struct protocol_message *answer,
		 struct error *error)
{
	bool is_ours = answer->id == request->id;
	int result = 0;

	if (answer->kind == PROTOCOL_ANSWER && is_ours)
		return 1;
	if (answer->kind == PROTOCOL_REFUSAL && (is_ours || answer->id < 0))
		result = error_setf(error, EPERM, "%s", answer->refusal);
	protocol_message_clear(answer);
	return result;
}

int attach_ask(struct attach *attach, struct protocol_request *request,
	       struct protocol_message *answer, struct error *error)
{
	uint64_t deadline = clock_now_ns() + PATIENCE_NS;
	struct snapshot dropped = { 0 };
	int result = attach_send(attach, request, error);

	if (result == -ECONNRESET) /* why may be there to be read */
		result = 0;
	while (!result) {
		result = attach_receive(attach, deadline, answer, &dropped, error);
		if (result > 0)
			result = judge(request, answer, error);
		else if (result == 0 && clock_now_ns() >= deadline)
			result = error_setf(error, ETIMEDOUT, "vmenergyd does not answer");
	}
	snapshot_clear(&dropped);
	return result < 0 ? result : 0;
}
