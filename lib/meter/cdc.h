/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cdc.h - a serial line of the CDC-ACM kind (USB CDC PSTN 1.2, 6.3), without the kernel's driver.
 */
#ifndef VMENERGY_METER_CDC_H
#define VMENERGY_METER_CDC_H

#include "meter/usb.h"

enum { CDC_CLASS_CONTROL = 0x02, CDC_CLASS_DATA = 0x0a };

/* 8N1 at `baud`, DTR and RTS on. 0 or -errno. */
int cdc_open_line(struct usb_link *link, uint32_t baud, struct error *error);

#endif
