/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bus.h - models shown as usbfs devices (/dev/bus/usb/001/NNN, with their place in
 * /sys) to programs that run under umockdev's preload library. The ioctls are those
 * of linux/usbdevice_fs.h, in the way libusb uses them.
 */
#ifndef VMENERGY_TESTS_USB_BUS_H
#define VMENERGY_TESTS_USB_BUS_H

#include <stdbool.h>
#include <umockdev.h>

#include "tests/usb/model.h"

struct device;

/*
 * Plug a model into port `port` (1 ...) as device `number` of the bus: sysfs, udev's
 * event and the node. Each time it is plugged in, a new struct device under a new
 * number. The model stays the caller's. Exits with a message on failure.
 */
struct device *device_plug_in(UMockdevTestbed *testbed, struct model *model, unsigned port,
			      unsigned number);
/* As a hand does it, for good: transfers under way end, new ones are refused. */
void device_unplug(struct device *device);
/* Did a program get a figure yet? */
bool device_was_read(struct device *device);
void device_free(struct device *device);

#endif
