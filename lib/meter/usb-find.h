/* SPDX-License-Identifier: GPL-3.0-or-later */
/* usb-find.h - which of the attached devices is of a kind, and where its data goes. For usb.c. */
#ifndef VMENERGY_METER_USB_FIND_H
#define VMENERGY_METER_USB_FIND_H

#include <libusb-1.0/libusb.h>

#include "meter/usb.h"

enum { USB_NO_INTERFACE = -1 };

/* Where the data goes in and out of a device. */
struct usb_plan {
	int interface, control_interface; /* the latter USB_NO_INTERFACE */
	uint8_t in, out;
	bool interrupt;
	size_t packet_bytes;
};

/* Is the device of that kind? Then what it is; nothing is opened or sent. */
bool usb_identify(struct usb_about *usb, struct usb_plan *plan, const struct usb_kind *kind,
		  libusb_device *device);

/* DRIVER:SERIAL, or DRIVER:PORT where there is no serial number, or more than one device
 * with the same: makers of cheap meters give all the same. `devices` ends with NULL. */
void usb_name_address(struct meter_about *about, const struct usb_kind *kind,
		      const struct usb_about *usb, libusb_device **devices);

#endif
