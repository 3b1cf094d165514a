/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * read-plant create FILE SEED SPEED   make an emulated machine
 * read-plant truth FILE               its weights: CSV of event and joules per event
 * read-plant watch FILE SECONDS       a line "PLANT n watts" for each so many of its seconds,
 *                                     until killed: for a meter that cannot map the file
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "meter/plant.h"

static int usage(void)
{
	fputs("usage: read-plant create FILE SEED SPEED | truth FILE | watch FILE SECONDS\n",
	      stderr);
	return 2;
}

static int create(char **arguments)
{
	struct plant_settings settings = { 0 };
	struct error error = { "" };
	struct plant *plant;

	if (number_parse_u64(arguments[1], &settings.seed) ||
	    number_parse_double(arguments[2], &settings.speed))
		return usage();
	if (plant_create(&plant, arguments[0], &settings, &error)) {
		fprintf(stderr, "read-plant: %s\n", error.text);
		return 1;
	}
	plant_close(plant);
	return 0;
}

static void print_truth(const struct plant *plant)
{
	char number[NUMBER_TEXT_BYTES];

	printf("event,joules\nbase_w,%s\n", number_format_double(plant_base_w(plant), number));
	for (unsigned i = 0; i < plant_event_count(plant); i++)
		printf("%s,%s\n", plant_event_name(plant, i),
		       number_format_double(plant_weight_j(plant, i), number));
}

/* The plant's own steps, whenever they are printed. */
static void watch(const struct plant *plant, double seconds)
{
	uint64_t step_ns = (uint64_t)(seconds * 1e9), at_ns = plant_time_ns(plant, clock_now_ns());

	for (unsigned long n = 0;; n++) {
		uint64_t now_ns;

		while ((now_ns = plant_time_ns(plant, clock_now_ns())) < at_ns + step_ns) {
			double wait_s =
				(double)(at_ns + step_ns - now_ns) / 1e9 / plant_speed(plant);
			struct timespec wait = { .tv_sec = (time_t)wait_s };

			wait.tv_nsec = (long)((wait_s - (double)wait.tv_sec) * 1e9) + 1000;
			nanosleep(&wait, NULL);
		}
		printf("PLANT %lu %.3f\n", n, plant_power_w(plant, at_ns, at_ns + step_ns));
		fflush(stdout);
		at_ns += step_ns;
	}
}

int main(int argc, char **argv)
{
	struct error error = { "" };
	struct plant *plant;
	double seconds;

	if (argc == 5 && strcmp(argv[1], "create") == 0)
		return create(argv + 2);
	if (argc < 3)
		return usage();
	if (plant_open(&plant, argv[2], &error)) {
		fprintf(stderr, "read-plant: %s\n", error.text);
		return 1;
	}
	if (argc == 3 && strcmp(argv[1], "truth") == 0)
		print_truth(plant);
	else if (argc == 4 && strcmp(argv[1], "watch") == 0 &&
		 number_parse_double(argv[3], &seconds) == 0 && seconds > 0)
		watch(plant, seconds);
	else
		argc = 0;
	plant_close(plant);
	return argc ? 0 : usage();
}
