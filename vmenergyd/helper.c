/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vmenergyd/helper-internal.h"

struct helper {
	int fd;
	pid_t pid;
};

enum { CHILD_FD = 3 }; /* behind the standard three */
static const char child_name[] = "vmenergyd-write";

/* Terminal and service manager signal the whole group: the daemon decides when it is over. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_IGN);
}

static __attribute__((noreturn)) void become_child(int fd, const struct helper_options *options)
{
	prctl(PR_SET_NAME, child_name);
	ignore_signals();
	if (fd != CHILD_FD && dup3(fd, CHILD_FD, O_CLOEXEC) < 0)
		_exit(1);
	if (close_range(CHILD_FD + 1, ~0U, 0))
		_exit(1);
	_exit(helper_child(CHILD_FD, options));
}

int helper_start(struct helper **started, const struct helper_options *options, struct error *error)
{
	struct helper *helper = calloc(1, sizeof *helper);
	int pair[2];

	*started = NULL;
	if (!helper)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		free(helper);
		return error_setf(error, errno, "privileged child: %s", strerror(errno));
	}
	helper->fd = pair[0];
	helper->pid = fork();
	if (helper->pid == 0) {
		free(helper);
		become_child(pair[1], options);
	}
	close(pair[1]);
	if (helper->pid < 0) {
		int number = errno;

		close(pair[0]);
		free(helper);
		return error_setf(error, number, "privileged child: %s", strerror(number));
	}
	*started = helper;
	return 0;
}

int helper_fd(const struct helper *helper)
{
	return helper->fd;
}

static int trouble(void)
{
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? -EAGAIN : -EPIPE;
}

int helper_send(struct helper *helper, const struct verb *verb)
{
	ssize_t sent = send(helper->fd, verb, sizeof *verb, MSG_DONTWAIT | MSG_NOSIGNAL);

	return sent == (ssize_t)sizeof *verb ? 0 : trouble();
}

int helper_receive(struct helper *helper, struct applied *applied)
{
	ssize_t length = recv(helper->fd, applied, sizeof *applied, MSG_DONTWAIT | MSG_TRUNC);

	if (length < 0)
		return trouble() == -EAGAIN ? 0 : -EPIPE;
	if (length != (ssize_t)sizeof *applied)
		return -EPIPE;
	applied->actuator[sizeof applied->actuator - 1] = '\0';
	applied->error.text[sizeof applied->error.text - 1] = '\0';
	return 1;
}

void helper_stop(struct helper *helper)
{
	enum { PATIENCE = 200 };
	const struct timespec pause = { .tv_nsec = 10000000 }; /* 200 of them are 2 s */
	pid_t ended = 0;

	if (!helper)
		return;
	close(helper->fd);
	for (unsigned i = 0; i < PATIENCE && ended == 0; i++) {
		ended = waitpid(helper->pid, NULL, WNOHANG);
		if (ended == 0)
			nanosleep(&pause, NULL);
	}
	if (ended == 0) {
		kill(helper->pid, SIGKILL);
		waitpid(helper->pid, NULL, 0);
	}
	free(helper);
}
