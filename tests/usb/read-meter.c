/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * read-meter SPEC COUNT [SPEED [SECONDS]]: open a meter as calibrate does and print
 * what it is ("MODEL|SERIAL|ADDRESS"), then COUNT readings ("WATTS FLAG,FLAG"; "-" = no
 * flag), broken links ("lost: WHY", a line each time it starts), and what it is in the end.
 * Exits with 1 if there were not so many within SECONDS (20).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "meter/meter.h"

static void print_about(const struct meter *meter)
{
	const struct meter_about *about = meter_about(meter);

	printf("%s|%s|%s\n", about->model, about->serial, about->address);
}

static void print_reading(const struct meter_reading *reading)
{
	const char *separator = " ";

	if (isnan(reading->power_w)) /* of either sign */
		printf("nan");
	else
		printf("%.4f", reading->power_w);
	for (unsigned i = 0; i < METER_FLAGS; i++) {
		if (!(reading->flags & 1u << i))
			continue;
		printf("%s%s", separator, meter_flag_name(i));
		separator = ",";
	}
	printf("%s\n", reading->flags ? "" : " -");
}

/* How many of `count` readings came before end_ns. */
static unsigned print_readings(struct meter *meter, unsigned count, uint64_t end_ns)
{
	bool lost = false;
	unsigned done = 0;

	while (done < count && clock_now_ns() < end_ns) {
		struct meter_reading reading;
		struct error error = { "" };
		uint64_t deadline_ns = clock_now_ns() + 100000000u;
		int result = meter_read(meter, deadline_ns, &reading, &error);

		if (result < 0 && !lost)
			printf("lost: %s\n", error.text);
		if (result != 0)
			lost = result < 0;
		if (result <= 0)
			continue;
		print_reading(&reading);
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	struct meter_place place = { .speed = argc > 3 ? atof(argv[3]) : 1 };
	double seconds = argc > 4 ? atof(argv[4]) : 20;
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0, done;
	struct error error = { "" };
	struct meter *meter;

	if (count == 0) {
		fprintf(stderr, "usage: read-meter SPEC COUNT [SPEED [SECONDS]]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (meter_open(&meter, argv[1], &place, &error) != 0) {
		fprintf(stderr, "read-meter: %s\n", error.text);
		return 1;
	}
	print_about(meter);
	done = print_readings(meter, count, clock_now_ns() + (uint64_t)(seconds * 1e9));
	print_about(meter);
	meter_close(meter);
	return done == count ? 0 : 1;
}
