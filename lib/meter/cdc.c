/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/cdc.h"

enum { CLASS_OUT_INTERFACE = 0x21, SET_LINE_CODING = 0x20, SET_CONTROL_LINE_STATE = 0x22 };

int cdc_open_line(struct usb_link *link, uint32_t baud, struct error *error)
{
	uint16_t interface = usb_control_interface(link);
	const struct usb_request coding = { CLASS_OUT_INTERFACE, SET_LINE_CODING, 0, interface };
	const struct usb_request state = { CLASS_OUT_INTERFACE, SET_CONTROL_LINE_STATE, 3,
					   interface };
	/* dwDTERate, bCharFormat (1 stop bit), bParityType (none), bDataBits */
	uint8_t line[7] = { (uint8_t)baud,
			    (uint8_t)(baud >> 8),
			    (uint8_t)(baud >> 16),
			    (uint8_t)(baud >> 24),
			    0,
			    0,
			    8 };
	int result = usb_control(link, &coding, line, sizeof line, error);

	if (result >= 0)
		result = usb_control(link, &state, NULL, 0, error);
	return result < 0 ? result : 0;
}
