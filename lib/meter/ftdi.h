/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ftdi.h - a serial line behind an FT232 chip, without the kernel's driver.
 *
 * Requests as in FTDI's application notes and libftdi's ftdi.h: vendor requests to the
 * device, index 0 for the chip's only port.
 */
#ifndef VMENERGY_METER_FTDI_H
#define VMENERGY_METER_FTDI_H

#include "meter/usb.h"

/* 115200 baud, 8N1, no flow control, DTR and RTS on, buffers emptied. 0 or -errno. */
int ftdi_open_line(struct usb_link *link, struct error *error);

/*
 * Pure: each packet of a transfer begins with two bytes of line status, which are taken
 * out in place. Returns what is left.
 */
size_t ftdi_strip(uint8_t *bytes, size_t length, size_t packet_bytes);

#endif
