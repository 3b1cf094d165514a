/* SPDX-License-Identifier: GPL-3.0-or-later */
/* relay.h - two who wake each other on one CPU, by bytes through pipes. */
#ifndef VMENERGY_TESTS_RELAY_H
#define VMENERGY_TESTS_RELAY_H

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* And who is started from here on. */
static inline void relay_stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned)sched_getcpu(), &cpus);
	sched_setaffinity(0, sizeof cpus, &cpus);
}

static inline void relay_pass(int fd)
{
	if (write(fd, "", 1) != 1)
		abort();
}

static inline void relay_take(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		abort();
}

#endif
