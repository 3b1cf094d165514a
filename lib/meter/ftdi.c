/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/ftdi.h"

#include <string.h>

enum { VENDOR_OUT = 0x40, STATUS_BYTES = 2 };
enum { RESET = 0, SET_MODEM = 1, SET_FLOW = 2, SET_BAUD = 3, SET_DATA = 4, SET_LATENCY = 9 };

int ftdi_open_line(struct usb_link *link, struct error *error)
{
	static const struct usb_request requests[] = {
		{ VENDOR_OUT, RESET, 0, 0 },
		{ VENDOR_OUT, SET_BAUD, 26, 0 }, /* 3 MHz / 26 = 115385 baud */
		{ VENDOR_OUT, SET_DATA, 8, 0 },
		{ VENDOR_OUT, SET_FLOW, 0, 0 },
		{ VENDOR_OUT, SET_MODEM, 0x0303, 0 }, /* DTR and RTS: set, on */
		{ VENDOR_OUT, SET_LATENCY, 16, 0 },   /* ms until a short packet is sent */
		{ VENDOR_OUT, RESET, 1, 0 },          /* what the chip has received */
		{ VENDOR_OUT, RESET, 2, 0 },          /* what it has not sent yet */
	};

	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		int result = usb_control(link, &requests[i], NULL, 0, error);

		if (result < 0)
			return result;
	}
	return 0;
}

size_t ftdi_strip(uint8_t *bytes, size_t length, size_t packet_bytes)
{
	size_t kept = 0;

	for (size_t at = 0; at < length; at += packet_bytes) {
		size_t packet = length - at < packet_bytes ? length - at : packet_bytes;

		if (packet <= STATUS_BYTES)
			continue;
		memmove(bytes + kept, bytes + at + STATUS_BYTES, packet - STATUS_BYTES);
		kept += packet - STATUS_BYTES;
	}
	return kept;
}
