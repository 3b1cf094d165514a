/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mcp39f511n-code.h - the serial protocol and registers of Microchip's MCP39F511N, the
 * dual channel power monitor on the ADM00706 board. Pure.
 *
 * Frames after the data sheet (DS20005473, UART protocol): request a5 LENGTH
 * 41 ADDRESS ADDRESS 4e COUNT SUM (set the address pointer, read), answer 06 LENGTH
 * data SUM; 15 = not understood, 51 = wrong sum. SUM is the low byte of the sum of all bytes
 * before. Numbers are little-endian, active powers two's complement.
 *
 * Units after those who measured with the board (pinpoint, Green Metrics Tool): a step of
 * active power is 10 mW where the range register's power byte is 19, as the board comes, and
 * half of that for each that it is less, as the byte says how far results are shifted right.
 * The chip calculates anew every 2^N cycles of the line.
 */
#ifndef VMENERGY_METER_MCP39F511N_CODE_H
#define VMENERGY_METER_MCP39F511N_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mcp39f511n_register {
	MCP39F511N_LINE_FREQUENCY = 0x0008, /* 2 bytes, mHz */
	MCP39F511N_ACTIVE_POWER = 0x0016,   /* 4 bytes for each channel */
	MCP39F511N_ACCUMULATION = 0x00a8,   /* 2 bytes, N */
	MCP39F511N_RANGE_1 = 0x00ae,        /* 4 bytes: voltage, current, power, - */
	MCP39F511N_RANGE_2 = 0x00be,
};
enum { MCP39F511N_REQUEST_BYTES = 8, MCP39F511N_DATA_MAX = 32, MCP39F511N_CHANNELS = 2 };

void mcp39f511n_request(enum mcp39f511n_register address, uint8_t count,
			uint8_t request[MCP39F511N_REQUEST_BYTES]);

enum mcp39f511n_kind {
	MCP39F511N_NONE,    /* more bytes are needed */
	MCP39F511N_DATA,    /* `count` bytes as asked for */
	MCP39F511N_REFUSED, /* the chip did not understand, or got a wrong sum */
	MCP39F511N_DAMAGED, /* told once for each answer, then it is looked for further on */
};

struct mcp39f511n_parser {
	uint8_t count; /* that were asked for, at most MCP39F511N_DATA_MAX */
	bool is_damaged;
	uint8_t frame[MCP39F511N_DATA_MAX + 3];
	size_t length;
};

/* Before each request: what is left of the answer before is forgotten. */
void mcp39f511n_expect(struct mcp39f511n_parser *parser, uint8_t count);
/* Take bytes until something is complete: returns how many. Data: parser->frame + 2. */
size_t mcp39f511n_feed(struct mcp39f511n_parser *parser, const uint8_t *bytes, size_t length,
		       enum mcp39f511n_kind *kind);
const uint8_t *mcp39f511n_data(const struct mcp39f511n_parser *parser);

uint32_t mcp39f511n_number(const uint8_t *bytes, size_t count); /* count <= 4 */
/* Watts of a step of active power, from a range register; NaN = not one that can be. */
double mcp39f511n_step_w(uint32_t range);
/* The eight bytes of active power; channel 0 = the sum of both. NaN = a register is full:
 * beyond the range. */
double mcp39f511n_power_w(const uint8_t data[8], const double step_w[MCP39F511N_CHANNELS],
			  unsigned channel);
/* Seconds that a value is a mean over; NaN = not registers that can be. */
double mcp39f511n_window_s(uint32_t accumulation, uint32_t line_mhz);

#endif
