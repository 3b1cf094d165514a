/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/pzem-code.h"

#include <string.h>

enum { READ_INPUTS = 0x04, EXCEPTION = 0x80, REGISTERS = 10, EXCEPTION_BYTES = 5 };

uint16_t pzem_crc(const uint8_t *bytes, size_t length)
{
	unsigned crc = 0xffff;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
	}
	return (uint16_t)crc;
}

void pzem_request(uint8_t address, uint8_t request[PZEM_REQUEST_BYTES])
{
	const uint8_t bytes[] = { address, READ_INPUTS, 0, 0, 0, REGISTERS };
	uint16_t crc = pzem_crc(bytes, sizeof bytes);

	memcpy(request, bytes, sizeof bytes);
	request[6] = (uint8_t)crc; /* low byte first */
	request[7] = (uint8_t)(crc >> 8);
}

/* A frame's sum is of all before it; with it, the CRC of the whole is 0. */
static bool sum_is_right(const uint8_t *frame, size_t length)
{
	return pzem_crc(frame, length) == 0;
}

/* Registers are big end first, but of two that make one number the low comes first. */
static unsigned register_16(const uint8_t *registers, size_t index)
{
	return (unsigned)registers[2 * index] << 8 | registers[2 * index + 1];
}

static unsigned register_32(const uint8_t *registers, size_t index)
{
	return register_16(registers, index) | register_16(registers, index + 1) << 16;
}

static void read_values(const uint8_t *registers, struct pzem_values *values)
{
	*values = (struct pzem_values){
		.voltage_v = register_16(registers, 0) / 10.0,
		.current_a = register_32(registers, 1) / 1000.0,
		.power_w = register_32(registers, 3) / 10.0,
		.energy_wh = register_32(registers, 5),
		.frequency_hz = register_16(registers, 7) / 10.0,
		.power_factor = register_16(registers, 8) / 100.0,
		.alarm = register_16(registers, 9) == 0xffff,
	};
}

/* Do the bytes, as far as they are there, begin like that? */
static bool begins(const uint8_t *bytes, size_t length, const uint8_t *begin, size_t begin_length)
{
	return memcmp(bytes, begin, length < begin_length ? length : begin_length) == 0;
}

enum pzem_result pzem_decode(const uint8_t *bytes, size_t length, uint8_t address,
			     struct pzem_values *values, uint8_t *refusal)
{
	uint8_t request[PZEM_REQUEST_BYTES];
	size_t need;

	pzem_request(address, request);
	/* A reply's third byte is 20, an exception's second not 4: no reply looks like an echo. */
	if (length >= 3 && begins(bytes, length, request, sizeof request)) {
		if (length <= sizeof request)
			return PZEM_MORE;
		bytes += sizeof request;
		length -= sizeof request;
	}
	if (length >= 1 && bytes[0] != address && address != PZEM_ANY)
		return PZEM_DAMAGED;
	if (length >= 2 && (bytes[1] & ~EXCEPTION) != READ_INPUTS)
		return PZEM_DAMAGED;
	if (length < 3)
		return PZEM_MORE;
	need = bytes[1] & EXCEPTION ? EXCEPTION_BYTES : PZEM_REPLY_BYTES;
	if (need == PZEM_REPLY_BYTES && bytes[2] != 2 * REGISTERS)
		return PZEM_DAMAGED;
	if (length < need)
		return PZEM_MORE;
	if (length > need || !sum_is_right(bytes, need))
		return PZEM_DAMAGED;
	if (need == EXCEPTION_BYTES) {
		*refusal = bytes[2];
		return PZEM_REFUSED;
	}
	read_values(bytes + 3, values);
	return PZEM_VALUES;
}

const char *pzem_refusal_text(uint8_t refusal)
{
	static const char *const texts[] = {
		[1] = "illegal function",
		[2] = "illegal address",
		[3] = "illegal data",
		[4] = "an error of its own",
	};

	return refusal && refusal < sizeof texts / sizeof texts[0] ? texts[refusal]
								   : "an unknown exception";
}
