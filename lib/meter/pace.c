/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/pace.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"

void meter_sleep_until(uint64_t time_ns)
{
	struct timespec time = {
		.tv_sec = (time_t)(time_ns / 1000000000u),
		.tv_nsec = (long)(time_ns % 1000000000u),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

void meter_pace_start(struct meter_pace *pace, double interval_s)
{
	pace->interval_ns = (uint64_t)(interval_s * 1e9);
	pace->next_ns = clock_now_ns() + pace->interval_ns;
}

bool meter_pace_wait(struct meter_pace *pace, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns < pace->next_ns) {
		meter_sleep_until(deadline_ns < pace->next_ns ? deadline_ns : pace->next_ns);
		now_ns = clock_now_ns();
	}
	if (now_ns < pace->next_ns)
		return false;
	pace->next_ns += pace->interval_ns;
	if (pace->next_ns < now_ns)
		pace->next_ns = now_ns + pace->interval_ns;
	return true;
}

int meter_pace_parse(const char *address, const struct meter_pace_bounds *bounds, char *what,
		     size_t size, double *interval_s, struct error *error)
{
	size_t length = address ? strcspn(address, "@") : 0;
	int result;

	*interval_s = bounds->default_s;
	what[0] = '\0';
	if (!address)
		return 0;
	if (length >= size)
		return error_setf(error, EINVAL, "%s: too long", address);
	memcpy(what, address, length);
	what[length] = '\0';
	if (!address[length])
		return 0;
	result = unit_parse(QUANTITY_TIME, address + length + 1, bounds->least_s, bounds->most_s,
			    interval_s, error);
	return result ? error_prefixf(error, result, "interval") : 0;
}
