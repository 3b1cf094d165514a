/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipmi-code.h - the command Get Power Reading of the Data Center Manageability
 * Interface, DCMI 1.5, 6.6.1. Pure.
 */
#ifndef VMENERGY_METER_IPMI_CODE_H
#define VMENERGY_METER_IPMI_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	IPMI_NET_FN_GROUP = 0x2c, /* requests of a group extension */
	IPMI_REQUEST_BYTES = 5,
	IPMI_RESPONSE_BYTES = 20,
};

/* Command and data: system power statistics. */
extern const uint8_t ipmi_power_request[IPMI_REQUEST_BYTES];

struct ipmi_power {
	bool is_measuring; /* else the figures mean nothing */
	unsigned current_w, least_w, most_w, average_w;
	double period_s; /* of least, most and average */
};

/*
 * A response, command and completion code first. 0; -EOPNOTSUPP (the controller does not know
 * the command), -EAGAIN (busy), -EIO (another completion code), -EBADMSG (no such response),
 * with text.
 */
int ipmi_decode_power(const uint8_t *bytes, size_t length, struct ipmi_power *power,
		      struct error *error);

#endif
