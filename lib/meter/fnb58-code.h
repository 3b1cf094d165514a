/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fnb58-code.h - frames of FNIRSI FNB58 and FNB48S USB meters. Pure.
 *
 * After the protocol that M. Baryluk found out (fnirsi-usb-power-data-logger): reports of
 * 64 bytes, aa, kind, 61 bytes, CRC-8 (polynomial 0x39, start 0x42) over bytes 1..62.
 * Kind 04 holds four samples of 15 bytes, taken 10 ms apart: voltage and current, u32
 * little-endian in units of 1e-5, the data lines, the temperature.
 */
#ifndef VMENERGY_METER_FNB58_CODE_H
#define VMENERGY_METER_FNB58_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FNB58_FRAME_BYTES = 64, FNB58_SAMPLES = 4, FNB58_WINDOW_SAMPLES = 10 };
#define FNB58_SAMPLE_S 0.01

enum fnb58_command { FNB58_HELLO = 0x81, FNB58_START = 0x82, FNB58_KEEP_ALIVE = 0x83 };
void fnb58_command(enum fnb58_command command, uint8_t frame[FNB58_FRAME_BYTES]);

enum fnb58_kind {
	FNB58_OTHER, /* whole, but no measurement */
	FNB58_DATA,
	FNB58_OVERRANGE, /* more volts or amperes than it is made for */
	FNB58_DAMAGED,   /* not 64 bytes, or a wrong sum */
};
enum fnb58_kind fnb58_decode(const uint8_t *bytes, size_t length, double power_w[FNB58_SAMPLES]);

/* Means over ten samples, 0.1 s. Start from {0}; to {0} again when samples were lost. */
struct fnb58_mean {
	double sum_w;
	unsigned count;
};
/* Add the samples of one frame: true when a mean is complete. */
bool fnb58_mean_add(struct fnb58_mean *mean, const double power_w[FNB58_SAMPLES], double *mean_w);

#endif
