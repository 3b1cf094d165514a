/* SPDX-License-Identifier: GPL-3.0-or-later */
/* deadman-ask.c - a libvirtd that is stopped takes a call and never answers: not in our process. */
#include "vmenergyd/deadman-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "vmenergyd/helper.h"

#define MS_NS UINT64_C(1000000)

/* In order: the n-th answer is the n-th verb's. */
static void serve(struct deadman *deadman, const struct verb *verbs, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		struct applied applied;
		const char *bytes = (const char *)&applied;

		memset(&applied, 0, sizeof applied);
		verb_perform(&deadman->room, &verbs[i], &applied);
		for (size_t done = 0; done < sizeof applied;) {
			ssize_t length = write(fd, bytes + done, sizeof applied - done);

			if (length < 0 && errno != EINTR)
				return;
			done += length > 0 ? (size_t)length : 0;
		}
	}
}

/* false: patience ended, or the other end did. */
static bool read_one(int fd, struct applied *applied, uint64_t end_ns)
{
	char *bytes = (char *)applied;

	for (size_t done = 0; done < sizeof *applied;) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		uint64_t now_ns = clock_now_ns();
		ssize_t length;

		if (now_ns >= end_ns)
			return false;
		if (poll(&ready, 1, (int)((end_ns - now_ns) / MS_NS) + 1) <= 0)
			continue;
		length = read(fd, bytes + done, sizeof *applied - done);
		if (length == 0 || (length < 0 && errno != EINTR))
			return false;
		done += length > 0 ? (size_t)length : 0;
	}
	return true;
}

static void set_unanswered(const struct verb *verb, struct applied *applied)
{
	*applied = (struct applied){ .result = -ETIMEDOUT, .value.knob = verb->value.knob };
	error_setf(&applied->error, ETIMEDOUT, "libvirt does not answer");
}

void deadman_ask(struct deadman *deadman, const struct verb *verbs, struct applied *applied,
		 size_t count, uint64_t end_ns)
{
	int ends[2];
	size_t answered = 0;
	pid_t child;

	for (size_t i = 0; i < count; i++)
		set_unanswered(&verbs[i], &applied[i]);
	if (count == 0 || pipe2(ends, O_CLOEXEC))
		return;
	child = fork();
	if (child == 0) {
		close(ends[0]);
		serve(deadman, verbs, count, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (child > 0 && answered < count && read_one(ends[0], &applied[answered], end_ns))
		answered++;
	if (answered < count)
		set_unanswered(&verbs[answered], &applied[answered]);
	close(ends[0]);
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}
