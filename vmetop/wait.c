/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/wait.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static sigset_t signals;

void wait_open(void)
{
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

uint64_t wait_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

bool wait_until(uint64_t due_ns)
{
	int taken;

	do {
		uint64_t now_ns = wait_now_ns();
		uint64_t left_ns = due_ns > now_ns ? due_ns - now_ns : 0;
		struct timespec left = { .tv_sec = (time_t)(left_ns / 1000000000u),
					 .tv_nsec = (long)(left_ns % 1000000000u) };

		taken = sigtimedwait(&signals, NULL, &left);
	} while (taken < 0 && errno == EINTR);
	return taken < 0;
}
