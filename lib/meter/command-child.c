/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/command-child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* In the child, after fork(2): only what is safe there. */
static __attribute__((noreturn)) void run(const char *command, int output, int trace, pid_t parent)
{
	sigset_t none;
	int nothing;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(trace, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int command_start(struct command_child *child, const char *command, struct error *error)
{
	int output[2] = { -1, -1 }, trace[2] = { -1, -1 };
	pid_t parent = getpid(), pid = -1;
	int result = 0;

	*child = (struct command_child){ .output = -1, .trace = -1 };
	if (!pipe2(output, O_CLOEXEC) && !pipe2(trace, O_CLOEXEC))
		pid = fork();
	if (pid == 0)
		run(command, output[1], trace[1], parent);
	if (pid < 0) {
		result = error_setf(error, errno, "cannot run it: %s", strerror(errno));
		close_end(&output[0]);
		close_end(&trace[0]);
	} else {
		/* As in the child: whichever is first, it is done before a kill(-pid). */
		setpgid(pid, pid);
		*child = (struct command_child){ .pid = pid,
						 .output = output[0],
						 .trace = trace[0] };
		fcntl(child->output, F_SETFL, O_NONBLOCK);
		fcntl(child->trace, F_SETFL, O_NONBLOCK);
	}
	close_end(&output[1]);
	close_end(&trace[1]);
	return result;
}

static void keep_last_line(struct command_child *child, char *bytes)
{
	size_t length = strlen(bytes);
	char *line;

	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		bytes[--length] = '\0';
	line = strrchr(bytes, '\n');
	line = line ? line + 1 : bytes;
	if (*line)
		text_printable(line, child->complaint, sizeof child->complaint);
}

void command_listen(struct command_child *child)
{
	char bytes[1024];
	ssize_t got = -1;

	/* Bounded: a program may write faster than this reads. */
	for (unsigned i = 0; i < 64 && child->trace >= 0; i++) {
		got = read(child->trace, bytes, sizeof bytes - 1);
		if (got <= 0)
			break;
		bytes[got] = '\0';
		keep_last_line(child, bytes);
	}
	if (got == 0)
		close_end(&child->trace);
}

/* true: it has ended by itself (and is not reaped yet). */
static bool wait_end(pid_t pid, unsigned patience_ms)
{
	struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int ready;

	if (end.fd < 0)
		return false;
	ready = poll(&end, 1, (int)patience_ms);
	close(end.fd);
	return ready > 0;
}

int command_stop(struct command_child *child, unsigned patience_ms)
{
	int status = 0;

	if (child->pid > 0) {
		wait_end(child->pid, patience_ms);
		/* What it has left behind in its group goes, too; the zombie keeps the id ours. */
		kill(-child->pid, SIGKILL);
		while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
			;
		child->pid = 0;
	}
	command_listen(child);
	close_end(&child->output);
	close_end(&child->trace);
	return status;
}
