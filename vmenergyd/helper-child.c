/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child's main thread: it never waits for anybody but the daemon. */
#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rootfs.h"
#include "base/text.h"
#include "vmenergyd/helper-internal.h"
#include "vmenergyd/helper.h"

#define PATIENCE_S 10.0
enum { WORKERS_MAX = 4 };

struct child {
	int fd, wake_fd;
	struct rootfs root;
	struct actuator_room room;
	uint64_t patience_ns;
	struct text log;
	struct {
		const struct actuator *actuator;
		struct worker *worker;
	} workers[WORKERS_MAX];
	unsigned worker_count;
};

/* --- rights -------------------------------------------------------------------- */

/*
 * Of root's rights: sockets of QEMUs that run as other users (DAC_OVERRIDE), processes under
 * hidepid (SYS_PTRACE), moving a process where cpuset is delegated, too (SYS_NICE).
 */
static bool is_needed(unsigned capability)
{
	return capability == CAP_DAC_OVERRIDE || capability == CAP_SYS_PTRACE ||
	       capability == CAP_SYS_NICE;
}

/* Of this process, which capng_get_caps_process() has read: are there none but needed ones? */
static bool has_needed_only(void)
{
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (!is_needed(i) && capng_have_capability(CAPNG_PERMITTED, i) == 1)
			return false;
	return true;
}

/* 0 or -EPERM. */
static int drop_rights(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || capng_get_caps_process())
		return -EPERM;
	if (has_needed_only())
		return 0;
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (!is_needed(i))
			capng_update(CAPNG_DROP,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE, i);
	if (capng_apply(CAPNG_SELECT_CAPS) || capng_get_caps_process() || !has_needed_only())
		return -EPERM;
	return 0;
}

/* --- verbs --------------------------------------------------------------------- */

/* Waits while the daemon takes nothing: it then has no new verbs either. */
static void send_answer(void *context, const struct applied *applied)
{
	const struct child *child = context;
	ssize_t sent;

	do
		sent = send(child->fd, applied, sizeof *applied, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
}

static void refuse(struct child *child, uint64_t seq, int result, const char *text)
{
	struct applied applied = { .seq = seq, .result = result };

	error_setf(&applied.error, -result, "%s", text);
	send_answer(child, &applied);
}

/* NULL: there is none and none can be started. */
static struct worker *worker_of(struct child *child, const struct actuator *actuator)
{
	const struct worker_options options = { .actuator = actuator,
						.room = &child->room,
						.patience_ns = child->patience_ns,
						.wake_fd = child->wake_fd,
						.answer = send_answer,
						.context = child };
	unsigned i = 0;

	while (i < child->worker_count && child->workers[i].actuator != actuator)
		i++;
	if (i < child->worker_count)
		return child->workers[i].worker;
	if (i == WORKERS_MAX || worker_start(&child->workers[i].worker, &options))
		return NULL;
	child->workers[i].actuator = actuator;
	child->worker_count++;
	return child->workers[i].worker;
}

static void perform(struct child *child, const struct verb *verb)
{
	const struct actuator *actuator = NULL;
	struct applied applied = { .seq = verb->seq };
	struct worker *worker;

	if (verb_check(verb, &applied.error) == 0)
		actuator = actuator_for(&child->room, &verb->target, verb->value.knob, NULL);
	if (!actuator || !actuator->may_block) {
		verb_perform(&child->room, verb, &applied);
		send_answer(child, &applied);
		return;
	}
	worker = worker_of(child, actuator);
	if (worker)
		worker_add(worker, verb);
	else
		refuse(child, verb->seq, -ENOMEM, "no thread for it");
}

static void say(struct child *child)
{
	if (child->log.length > 0)
		log_info("dry run: %.*s", (int)strcspn(child->log.bytes, "\n"), child->log.bytes);
	text_reset(&child->log);
}

/* An empty packet reads like the end. */
static bool has_ended(int fd)
{
	struct pollfd wanted = { .fd = fd };

	return poll(&wanted, 1, 0) > 0 && (wanted.revents & (POLLHUP | POLLERR));
}

/* One packet; false = there will be no more. */
static bool take_packet(struct child *child)
{
	struct verb verb;
	ssize_t length;

	memset(&verb, 0, sizeof verb);
	length = recv(child->fd, &verb, sizeof verb, MSG_TRUNC | MSG_DONTWAIT);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR;
	if (length == 0 && has_ended(child->fd))
		return false;
	if ((size_t)length == sizeof verb)
		perform(child, &verb);
	else
		refuse(child, verb.seq, -EINVAL, "a packet of another size than that of a verb");
	say(child);
	return true;
}

/* --- the loop ------------------------------------------------------------------ */

static int poll_limit_ms(struct child *child)
{
	uint64_t due = UINT64_MAX, now = clock_now_ns();

	for (unsigned i = 0; i < child->worker_count; i++) {
		uint64_t other = worker_due_ns(child->workers[i].worker);

		due = other < due ? other : due;
	}
	if (due == UINT64_MAX)
		return -1;
	return due > now ? (int)((due - now) / 1000000 + 1) : 0;
}

static bool is_idle(struct child *child)
{
	for (unsigned i = 0; i < child->worker_count; i++)
		if (!worker_is_idle(child->workers[i].worker))
			return false;
	return true;
}

/* When the daemon has gone, what it had asked for is still done: patience ends that, too. */
static void serve(struct child *child)
{
	struct pollfd wanted[2] = { { .fd = child->wake_fd, .events = POLLIN },
				    { .fd = child->fd, .events = POLLIN } };
	nfds_t count = 2;
	uint64_t woken;

	while (count == 2 || !is_idle(child)) {
		if (poll(wanted, count, poll_limit_ms(child)) < 0 && errno != EINTR)
			return;
		if (read(child->wake_fd, &woken, sizeof woken) < 0 && errno != EAGAIN)
			return;
		if (count == 2 && wanted[1].revents && !take_packet(child))
			count = 1;
		for (unsigned i = 0; i < child->worker_count; i++)
			worker_serve(child->workers[i].worker, clock_now_ns());
	}
}

int helper_child(int fd, const struct helper_options *options)
{
	double patience_s =
		options->libvirt_patience_s > 0 ? options->libvirt_patience_s : PATIENCE_S;
	/* Never freed: workers may still use it when the process ends. */
	static struct child child;
	struct error error = { "" };

	child.fd = fd;
	child.patience_ns = (uint64_t)(patience_s * 1e9);
	if (drop_rights()) {
		log_error("privileged child: cannot give up the rights that it does not need%s",
			  options->dry_run ? "" : ": it ends");
		if (!options->dry_run)
			return 1;
	}
	child.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (child.wake_fd < 0 || rootfs_open(&child.root, options->root, &error) ||
	    actuator_room_open(&child.room, &child.root, options->dry_run, &error)) {
		log_error("privileged child: %s", *error.text ? error.text : strerror(errno));
		return 1;
	}
	child.room.log = &child.log;
	child.room.monitors = options->monitors;
	serve(&child);
	return 0;
}
