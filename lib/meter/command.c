/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * command: any program that prints watts, a reading per line (a script around
 * snmpget, a PDU's client, a logger of a meter that is not known here).
 *
 * A program that ends well after it has given readings is run again, a second
 * after it was begun: one that gives a single reading needs no loop of its own.
 * Any other end is a broken link. Readings carry the time at which they are
 * read here: whoever opens a meter reads it all the time.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/command-child.h"
#include "meter/command-code.h"
#include "meter/driver.h"
#include "meter/pace.h"

#define AGAIN_NS UINT64_C(1000000000)
enum { PATIENCE_MS = 500 };

struct command {
	char *line; /* for the shell; owned */
	struct command_child child;
	uint64_t started_ns;
	bool has_given; /* a line with a figure since then */
	struct command_buffer buffer;
	char chunk[512];
	const char *next; /* not yet taken of it */
	size_t left;
};

static void command_close(void *opened)
{
	struct command *command = opened;

	command_stop(&command->child, 0);
	free(command->line);
	free(command);
}

static int start(struct command *command, struct error *error)
{
	command->started_ns = clock_now_ns();
	command->has_given = false;
	command->left = 0;
	return command_start(&command->child, command->line, error);
}

static int command_open(void **state, const char *address, const struct meter_place *place,
			struct meter_about *about, struct error *error)
{
	struct command *command;
	int result;

	(void)place;
	if (!address || !*address)
		return error_setf(error, EINVAL, "which program? command:PROGRAM ARGUMENTS");
	command = calloc(1, sizeof *command);
	if (!command || !(command->line = strdup(address))) {
		free(command);
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	}
	result = start(command, error);
	if (result) {
		command_close(command);
		return result;
	}
	snprintf(about->address, sizeof about->address, "command:%s", address);
	snprintf(about->model, sizeof about->model, "output of a program");
	snprintf(about->measures, sizeof about->measures, "what the program says");
	snprintf(about->worth, sizeof about->worth,
		 "as good as what the program reads, and how old it is when it is printed");
	*state = command;
	return 0;
}

static int give(struct command *command, double power_w, struct meter_reading *reading)
{
	if (isnan(power_w)) {
		*reading = meter_reading_none(METER_DAMAGED);
	} else {
		*reading = meter_reading_of(power_w);
		command->has_given = true;
	}
	return 1;
}

static int fail_ended(const struct command *command, int status, struct error *error)
{
	const char *complaint = command->child.complaint;
	char how[64];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof how, "was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
	else
		snprintf(how, sizeof how, "ended without a reading");
	return error_setf(error, ENODEV, "the program %s%s%s", how, *complaint ? ": " : "",
			  complaint);
}

/* Its output is closed. 1 = a last reading, 0 = it is run again later, -ENODEV. */
static int end(struct command *command, struct meter_reading *reading, struct error *error)
{
	int status = command_stop(&command->child, PATIENCE_MS), result = 0;
	double power_w;

	if (command_take_rest(&command->buffer, &power_w))
		result = give(command, power_w, reading);
	return status == 0 && command->has_given ? result : fail_ended(command, status, error);
}

/* Wait for bytes. 1 = some, or the end; 0 = none until the deadline. */
static int wait_bytes(struct command *command, uint64_t deadline_ns)
{
	struct pollfd ends[] = {
		{ .fd = command->child.output, .events = POLLIN },
		{ .fd = command->child.trace, .events = POLLIN },
	};
	uint64_t now_ns = clock_now_ns();
	uint64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
	struct timespec wait = {
		.tv_sec = (time_t)(wait_ns / 1000000000u),
		.tv_nsec = (long)(wait_ns % 1000000000u),
	};
	int ready = ppoll(ends, 2, &wait, NULL);

	if (ready < 0)
		return errno == EINTR ? -EINTR : -EIO;
	if (ends[1].revents)
		command_listen(&command->child);
	return ready > 0 ? 1 : 0;
}

/* 1 = the chunk has bytes, 0 = nothing there yet, -EPIPE = the output was closed. */
static int fill(struct command *command)
{
	ssize_t got = read(command->child.output, command->chunk, sizeof command->chunk);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (got == 0)
		return -EPIPE;
	command->next = command->chunk;
	command->left = (size_t)got;
	return 1;
}

static int wait_start(struct command *command, uint64_t deadline_ns, struct error *error)
{
	uint64_t due_ns = command->started_ns + AGAIN_NS;

	meter_sleep_until(deadline_ns < due_ns ? deadline_ns : due_ns);
	if (clock_now_ns() < due_ns)
		return 0;
	return start(command, error) ?: 1;
}

static int command_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
			struct error *error)
{
	struct command *command = opened;
	bool is_late = false;
	double power_w;
	int result;

	for (;;) {
		if (command_take(&command->buffer, &command->next, &command->left, &power_w))
			return give(command, power_w, reading);
		/* Bytes without a line end may come for ever. */
		if (is_late)
			return 0;
		is_late = clock_now_ns() >= deadline_ns;
		result = command->child.pid > 0 ? wait_bytes(command, deadline_ns)
						: wait_start(command, deadline_ns, error);
		if (result <= 0)
			return result;
		if (fill(command) != -EPIPE)
			continue;
		result = end(command, reading, error);
		if (result)
			return result;
	}
}

const struct meter_driver meter_command = {
	.name = "command",
	.sentence = "any program that prints watts, a reading per line",
	.address = "PROGRAM ARGUMENTS, for /bin/sh",
	.open = command_open,
	.read = command_read,
	.close = command_close,
	.by_choice_only = true,
};
