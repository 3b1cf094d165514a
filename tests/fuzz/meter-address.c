/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as what follows a driver's name, and as what the kernel says of an event. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "meter/emulated-code.h"
#include "meter/pace.h"
#include "meter/rapl-perf-code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_emulated(const char *text)
{
	static struct emulated_settings settings;
	struct error error = { "" };
	int result = emulated_parse(text, &settings, &error);

	if ((result != 0) != (error.text[0] != '\0'))
		abort();
	if (!result && !(settings.path[0] && settings.noise >= 0 && settings.noise <= 0.5 &&
			 settings.lag_s >= 0 && settings.window_s > 0))
		abort();
}

static void check_pace(const char *text)
{
	static const struct meter_pace_bounds bounds = { 0.1, 1, 0.25 };
	struct error error = { "" };
	char what[16];
	double interval_s;
	int result = meter_pace_parse(text, &bounds, what, sizeof what, &interval_s, &error);

	if (!result && !(interval_s >= 0.1 && interval_s <= 1 && strlen(what) < sizeof what))
		abort();
	if ((result != 0) != (error.text[0] != '\0'))
		abort();
}

static void check_event(const char *text)
{
	struct rapl_perf_cpus cpus;
	uint64_t config;
	double scale;

	rapl_perf_parse_event(text, &config);
	if (rapl_perf_parse_scale(text, &scale) == 0 && !(scale > 0))
		abort();
	if (rapl_perf_parse_cpus(text, &cpus) == 0 &&
	    (cpus.count == 0 || cpus.count > RAPL_PERF_CPUS_MAX))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_emulated(text);
	check_pace(text);
	check_event(text);
	free(text);
	return 0;
}
