/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/wait.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"

static const int stop_signals[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

void wait_open(void)
{
	/* No SA_RESTART: a call that waits shall end. */
	struct sigaction action = { .sa_handler = stop }, before;
	sigset_t resize;

	for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
		sigaction(stop_signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
	/* A new size of the terminal is taken while we wait, too, or one that comes in the middle
	 * of a draw would be forgotten. Threads inherit it: none of them takes it from us. */
	sigemptyset(&resize);
	sigaddset(&resize, SIGWINCH);
	sigprocmask(SIG_BLOCK, &resize, NULL);
}

bool wait_is_over(void)
{
	return stopped;
}

static struct timespec time_left(uint64_t due_ns)
{
	uint64_t now_ns = clock_now_ns(), left_ns = due_ns > now_ns ? due_ns - now_ns : 0;

	return (struct timespec){ .tv_sec = (time_t)(left_ns / 1000000000u),
				  .tv_nsec = (long)(left_ns % 1000000000u) };
}

/* Signals are let in by ppoll() alone: one that comes after the look at `stopped` ends it. */
enum wait_end wait_until(uint64_t due_ns, int input, int source)
{
	struct pollfd files[] = { { .fd = input, .events = POLLIN },
				  { .fd = source, .events = POLLIN } };
	struct timespec left;
	sigset_t block, before, waiting;
	int ready = 0;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
		sigaddset(&block, stop_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	waiting = before;
	sigdelset(&waiting, SIGWINCH);
	if (!stopped) {
		left = time_left(due_ns);
		ready = ppoll(files, 2, due_ns == WAIT_FOR_EVER ? NULL : &left, &waiting);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (stopped)
		return WAIT_OVER;
	if (ready == 0)
		return WAIT_DUE;
	return ready > 0 && !files[0].revents ? WAIT_READY : WAIT_INPUT;
}
