/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/emulated-code.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/numbers.h"
#include "base/units.h"

static int parse_option(char *option, struct emulated_settings *settings, struct error *error)
{
	const struct {
		const char *name;
		enum quantity quantity;
		double least, most, *value;
	} options[] = {
		{ "noise", QUANTITY_PERCENT, 0, 0.5, &settings->noise },
		{ "lag", QUANTITY_TIME, 0, 60, &settings->lag_s },
		{ "window", QUANTITY_TIME, 0.01, 60, &settings->window_s },
	};
	char *value = strchr(option, '=');

	if (!value)
		return error_setf(error, EINVAL, "\"%s\": must be OPTION=VALUE", option);
	*value++ = '\0';
	if (strcmp(option, "seed") == 0 && number_parse_u64(value, &settings->seed) == 0)
		return 0;
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strcmp(option, options[i].name) == 0) {
			int result = unit_parse(options[i].quantity, value, options[i].least,
						options[i].most, options[i].value, error);

			return result ? error_prefixf(error, result, "%s", option) : 0;
		}
	return error_setf(error, EINVAL,
			  "\"%s=%s\": must be noise=PERCENT, lag=TIME, window=TIME "
			  "or seed=NUMBER",
			  option, value);
}

int emulated_parse(const char *address, struct emulated_settings *settings, struct error *error)
{
	char *option, *rest = NULL;
	char options[256] = "";
	const char *question;
	size_t length;
	int result = 0;

	*settings = (struct emulated_settings){ .window_s = 1, .seed = 1 };
	question = address ? strchr(address, '?') : NULL;
	length = question ? (size_t)(question - address) : address ? strlen(address) : 0;
	if (length == 0)
		return error_setf(error, EINVAL, "which plant? emulated:FILE");
	if (length >= sizeof settings->path || (question && strlen(question) > sizeof options))
		return error_setf(error, EINVAL, "%s: too long", address);
	memcpy(settings->path, address, length);
	if (question)
		snprintf(options, sizeof options, "%s", question + 1);
	for (option = strtok_r(options, "&", &rest); option && !result;
	     option = strtok_r(NULL, "&", &rest))
		result = parse_option(option, settings, error);
	return result;
}

/* splitmix64 (Steele, Lea, Flood 2014), 53 bits of it in (0, 1]. */
static double uniform(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return (double)((z >> 11) + 1) * 0x1p-53;
}

/* Box and Muller 1958. */
double emulated_normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(uniform(state)));

	return radius * cos(2 * M_PI * uniform(state));
}
