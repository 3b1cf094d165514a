/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { CPUS_MAX = 8192, FIRST_FREE = 3 /* descriptor behind the standard ones */ };

static void fail(int descriptor, const char *what, int errnum) __attribute__((noreturn));
static void fail(int descriptor, const char *what, int errnum)
{
	dprintf(descriptor, "%s: %s\n", what, strerrordesc_np(errnum));
	_exit(1);
}

/* Die with the parent; the second look is for one that died before the first. */
static void follow_parent(const struct child *child)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != child->parent)
		_exit(1);
}

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Nothing stays open but what is ours: meters and counters belong to the parent alone. */
static int take_descriptors(const struct child *child)
{
	int ready = fcntl(child->ready, F_DUPFD_CLOEXEC, FIRST_FREE);
	int output = fcntl(child->output, F_DUPFD_CLOEXEC, FIRST_FREE);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (ready < 0 || output < 0 || null < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0)
		fail(child->ready, "descriptors", errno);
	if (null != STDIN_FILENO && dup2(null, STDIN_FILENO) < 0)
		fail(ready, "descriptors", errno);
	if (ready > FIRST_FREE)
		close_range(FIRST_FREE, (unsigned)ready - 1, 0);
	close_range((unsigned)ready + 1, UINT_MAX, 0);
	return ready;
}

static void pin(int cpu, int ready)
{
	cpu_set_t mask[CPUS_MAX / CPU_SETSIZE];

	memset(mask, 0, sizeof mask);
	CPU_SET_S((size_t)cpu, sizeof mask, mask);
	if (sched_setaffinity(0, sizeof mask, mask))
		fail(ready, "cannot be pinned to its CPU", errno);
}

void child_run(const struct child *child)
{
	/* Nobody sets it: who wants it to end kills it. */
	volatile const bool stop = false;
	int ready, result;

	setpgid(0, 0);
	follow_parent(child);
	reset_signals();
	ready = take_descriptors(child);
	if (child->cpu >= 0)
		pin(child->cpu, ready);
	prctl(PR_SET_NAME, child->name);
	if (!child->kernel) {
		execv(child->path, child->arguments);
		fail(ready, child->path, errno);
	}
	close(ready);
	result = child->kernel(&stop, child->bytes);
	fail(STDERR_FILENO, "memory", -result);
}
