/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pzem-code.h - what a Peacefair PZEM-004T v3 is asked and answers: Modbus RTU,
 * after "PZEM-004T V3.0 User Manual" (Peacefair), 2.2 to 2.6, and "Modbus over Serial Line"
 * V1.02, 2.5.1. Pure. Not the older PZEM-004T (seven bytes, no Modbus).
 */
#ifndef VMENERGY_METER_PZEM_CODE_H
#define VMENERGY_METER_PZEM_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PZEM_REQUEST_BYTES = 8,
	PZEM_REPLY_BYTES = 25,
	PZEM_ANY = 0xf8, /* whoever is alone on the line; a module may answer as itself */
	PZEM_ADDRESS_MAX = 0xf7,
};

struct pzem_values {
	double voltage_v, current_a, power_w, frequency_hz, power_factor;
	uint64_t energy_wh;
	bool alarm; /* above the threshold that was set in the module */
};

enum pzem_result {
	PZEM_MORE,    /* so far so good */
	PZEM_VALUES,  /* a reply */
	PZEM_DAMAGED, /* a wrong sum, or no reply at all */
	PZEM_REFUSED, /* an exception reply: code in *refusal */
};

uint16_t pzem_crc(const uint8_t *bytes, size_t length); /* Modbus CRC-16 */
void pzem_request(uint8_t address, uint8_t request[PZEM_REQUEST_BYTES]);

/*
 * All that came since the request, which may stand before it (an adapter with one
 * wire for both ways hears itself).
 */
enum pzem_result pzem_decode(const uint8_t *bytes, size_t length, uint8_t address,
			     struct pzem_values *values, uint8_t *refusal);

/* "illegal function" ... of an exception reply. */
const char *pzem_refusal_text(uint8_t refusal);

#endif
