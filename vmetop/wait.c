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

	for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++) {
		sigaction(stop_signals[i], NULL, &before);
		if (before.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

bool wait_is_over(void)
{
	return stopped;
}

/* Signals are let in by ppoll() alone: one that comes after the look at `stopped` ends it. */
bool wait_until(uint64_t due_ns)
{
	sigset_t block, before;
	uint64_t now_ns;

	sigemptyset(&block);
	for (size_t i = 0; i < sizeof stop_signals / sizeof *stop_signals; i++)
		sigaddset(&block, stop_signals[i]);
	sigprocmask(SIG_BLOCK, &block, &before);
	while (!stopped && (now_ns = clock_now_ns()) < due_ns) {
		struct timespec left = { .tv_sec = (time_t)((due_ns - now_ns) / 1000000000u),
					 .tv_nsec = (long)((due_ns - now_ns) % 1000000000u) };

		ppoll(NULL, 0, &left, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return !stopped;
}
