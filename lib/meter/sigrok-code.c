/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/sigrok-code.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *key;
	size_t offset, size;
} keys[] = {
#define KEY(text, field)                                                                           \
	{                                                                                          \
		text, offsetof(struct sigrok_address, field),                                      \
			sizeof(((struct sigrok_address *)0)->field)                                \
	}
	KEY("conn=", connection),
	KEY("serialcomm=", serialcomm),
	KEY("channel=", channel),
#undef KEY
};

/* Between the colons. */
static int parse_part(const char *part, size_t length, struct sigrok_address *address,
		      struct error *error)
{
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		size_t key = strlen(keys[i].key);

		if (length <= key || strncmp(part, keys[i].key, key) != 0)
			continue;
		if (length - key >= keys[i].size)
			return error_setf(error, EINVAL, "sigrok: %.*s: too long", (int)length,
					  part);
		snprintf((char *)address + keys[i].offset, keys[i].size, "%.*s",
			 (int)(length - key), part + key);
		return 0;
	}
	return error_setf(error, EINVAL,
			  "sigrok: \"%.*s\": must be conn=PORT, serialcomm=SPEED/8n1 or "
			  "channel=NAME",
			  (int)length, part);
}

int sigrok_parse_address(const char *text, struct sigrok_address *address, struct error *error)
{
	size_t length = strcspn(text, ":");
	int result = 0;

	*address = (struct sigrok_address){ 0 };
	if (length == 0 || length >= sizeof address->driver)
		return error_setf(error, EINVAL,
				  "sigrok: which driver? For example sigrok:uni-t-ut61e:conn=PORT");
	memcpy(address->driver, text, length);
	while (result == 0 && text[length]) {
		text += length + 1;
		length = strcspn(text, ":");
		result = parse_part(text, length, address, error);
	}
	return result;
}

void sigrok_frame_begin(struct sigrok_collector *collector)
{
	collector->in_frame = true;
	collector->has_voltage = collector->has_current = false;
}

void sigrok_frame_end(struct sigrok_collector *collector)
{
	collector->in_frame = false;
	collector->has_voltage = collector->has_current = false;
}

static bool one_instant(const struct sigrok_collector *collector)
{
	uint64_t a = collector->voltage_ns, b = collector->current_ns;

	if (!collector->has_voltage || !collector->has_current)
		return false;
	return collector->in_frame ||
	       (a < b ? b - a : a - b) <= SIGROK_INSTANT_MS * (uint64_t)1000000;
}

bool sigrok_collect(struct sigrok_collector *collector, enum sigrok_quantity quantity,
		    bool alternating, double value, uint64_t time_ns, double *power_w)
{
	switch (quantity) {
	case SIGROK_POWER_W:
		collector->has_power = true;
		*power_w = value;
		return true;
	case SIGROK_VOLTAGE_V:
		collector->has_voltage = !alternating;
		collector->voltage_v = value;
		collector->voltage_ns = time_ns;
		break;
	case SIGROK_CURRENT_A:
		collector->has_current = !alternating;
		collector->current_a = value;
		collector->current_ns = time_ns;
		break;
	default:
		return false;
	}
	if (collector->has_power || !one_instant(collector))
		return false;
	/* Overload stays overload, also beside a zero. */
	*power_w = isinf(collector->voltage_v) || isinf(collector->current_a)
			   ? (double)INFINITY
			   : collector->voltage_v * collector->current_a;
	/* Each serves once. */
	collector->has_voltage = collector->has_current = false;
	return true;
}
