/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/ipmi-code.h"

#include <errno.h>

enum {
	COMMAND = 0x02,     /* Get Power Reading */
	GROUP = 0xdc,       /* DCMI */
	STATISTICS = 0x01,  /* mode: system power statistics */
	MEASURING = 1 << 6, /* of the reading state */
	/* Completion codes, IPMI 2.0, table 5-2. */
	NODE_BUSY = 0xc0,
	INVALID_COMMAND = 0xc1,
	INVALID_DATA = 0xcc,
};

const uint8_t ipmi_power_request[IPMI_REQUEST_BYTES] = { COMMAND, GROUP, STATISTICS, 0, 0 };

static unsigned u16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t u32(const uint8_t *bytes)
{
	return u16(bytes) | (uint32_t)u16(bytes + 2) << 16;
}

static int fail_completion(unsigned code, struct error *error)
{
	if (code == INVALID_COMMAND || code == INVALID_DATA)
		return error_setf(error, EOPNOTSUPP,
				  "the controller has no DCMI power reading (completion 0x%02x)",
				  code);
	return error_setf(error, code == NODE_BUSY ? EAGAIN : EIO,
			  "the controller answers with completion code 0x%02x", code);
}

int ipmi_decode_power(const uint8_t *bytes, size_t length, struct ipmi_power *power,
		      struct error *error)
{
	*power = (struct ipmi_power){ 0 };
	if (length < 2 || bytes[0] != COMMAND)
		return error_setf(error, EBADMSG, "no answer to Get Power Reading: %zu bytes",
				  length);
	if (bytes[1])
		return fail_completion(bytes[1], error);
	if (length < IPMI_RESPONSE_BYTES || bytes[2] != GROUP)
		return error_setf(error, EBADMSG, "a power reading of %zu bytes, must be %d",
				  length, IPMI_RESPONSE_BYTES);
	*power = (struct ipmi_power){
		.current_w = u16(bytes + 3),
		.least_w = u16(bytes + 5),
		.most_w = u16(bytes + 7),
		.average_w = u16(bytes + 9),
		/* bytes 11 to 14: the controller's time of day */
		.period_s = u32(bytes + 15) * 1e-3,
		.is_measuring = bytes[19] & MEASURING,
	};
	return 0;
}
