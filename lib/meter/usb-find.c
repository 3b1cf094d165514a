/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/usb-find.h"

#include <stdio.h>
#include <string.h>

#include "base/rootfs.h"
#include "base/text.h"

static void take_endpoint(struct usb_plan *plan, const struct libusb_endpoint_descriptor *endpoint)
{
	bool is_in = endpoint->bEndpointAddress & LIBUSB_ENDPOINT_IN;
	uint8_t *place = is_in ? &plan->in : &plan->out;

	if (*place)
		return;
	*place = endpoint->bEndpointAddress;
	if (is_in)
		plan->packet_bytes = endpoint->wMaxPacketSize & 0x7ff;
}

/* Bulk where there is a pair, or else interrupt: USBTMC has an interrupt endpoint besides. */
static bool find_endpoints(struct usb_plan *plan,
			   const struct libusb_interface_descriptor *interface)
{
	static const uint8_t types[] = { LIBUSB_TRANSFER_TYPE_BULK,
					 LIBUSB_TRANSFER_TYPE_INTERRUPT };

	for (unsigned t = 0; t < sizeof types; t++) {
		plan->in = plan->out = 0;
		plan->interrupt = types[t] == LIBUSB_TRANSFER_TYPE_INTERRUPT;
		for (unsigned i = 0; i < interface->bNumEndpoints; i++)
			if ((interface->endpoint[i].bmAttributes & 3) == types[t])
				take_endpoint(plan, &interface->endpoint[i]);
		if (plan->in && plan->out && plan->packet_bytes > 0)
			return true;
	}
	return false;
}

static void plan_interface(struct usb_plan *plan, const struct usb_kind *kind,
			   const struct libusb_interface_descriptor *interface)
{
	struct usb_plan tried = *plan;

	if (kind->control_class && interface->bInterfaceClass == kind->control_class &&
	    plan->control_interface == USB_NO_INTERFACE)
		plan->control_interface = interface->bInterfaceNumber;
	if (plan->interface != USB_NO_INTERFACE || interface->bInterfaceClass != kind->class ||
	    (kind->subclass && interface->bInterfaceSubClass != kind->subclass) ||
	    !find_endpoints(&tried, interface))
		return;
	*plan = tried;
	plan->interface = interface->bInterfaceNumber;
}

static bool make_plan(struct usb_plan *plan, const struct usb_kind *kind, libusb_device *device)
{
	struct libusb_config_descriptor *config;

	*plan = (struct usb_plan){ .interface = USB_NO_INTERFACE,
				   .control_interface = USB_NO_INTERFACE };
	if (libusb_get_active_config_descriptor(device, &config) != 0 &&
	    libusb_get_config_descriptor(device, 0, &config) != 0)
		return false;
	for (unsigned i = 0; i < config->bNumInterfaces; i++)
		if (config->interface[i].num_altsetting > 0)
			plan_interface(plan, kind, &config->interface[i].altsetting[0]);
	libusb_free_config_descriptor(config);
	return plan->interface != USB_NO_INTERFACE &&
	       (!kind->control_class || plan->control_interface != USB_NO_INTERFACE);
}

static bool has_id(const struct usb_kind *kind, const struct libusb_device_descriptor *descriptor)
{
	if (!kind->ids)
		return true;
	for (const struct usb_id *id = kind->ids; id->vendor; id++)
		if (id->vendor == descriptor->idVendor && id->product == descriptor->idProduct)
			return true;
	return false;
}

/* What is written on it, as the kernel read it when it was plugged in: needs no right to
 * the device and does not disturb who uses it. */
static void read_sysfs(const char *port, const char *file, char *text, size_t size)
{
	char none[] = "";
	const struct rootfs real = { .prefix = none };
	char raw[256];
	long length =
		rootfs_readf(&real, raw, sizeof raw, "/sys/bus/usb/devices/%s/%s", port, file);

	text[0] = '\0';
	while (length > 0 && strchr(" \t\r\n", raw[length - 1]))
		raw[--length] = '\0';
	if (length > 0)
		text_printable(raw, text, size);
}

static void name_port(struct usb_about *usb, libusb_device *device)
{
	uint8_t ports[8];
	int count = libusb_get_port_numbers(device, ports, sizeof ports);
	size_t length =
		(size_t)snprintf(usb->port, sizeof usb->port, "%u", libusb_get_bus_number(device));

	for (int i = 0; i < count && length < sizeof usb->port; i++)
		length += (size_t)snprintf(usb->port + length, sizeof usb->port - length, "%c%u",
					   i == 0 ? '-' : '.', ports[i]);
}

bool usb_identify(struct usb_about *usb, struct usb_plan *plan, const struct usb_kind *kind,
		  libusb_device *device)
{
	struct libusb_device_descriptor descriptor;

	if (libusb_get_device_descriptor(device, &descriptor) != 0 || !has_id(kind, &descriptor) ||
	    !make_plan(plan, kind, device))
		return false;
	*usb = (struct usb_about){ .vendor = descriptor.idVendor, .product = descriptor.idProduct };
	snprintf(usb->node, sizeof usb->node, "/dev/bus/usb/%03u/%03u",
		 libusb_get_bus_number(device), libusb_get_device_address(device));
	name_port(usb, device);
	read_sysfs(usb->port, "manufacturer", usb->maker, sizeof usb->maker);
	read_sysfs(usb->port, "product", usb->name, sizeof usb->name);
	read_sysfs(usb->port, "serial", usb->serial, sizeof usb->serial);
	return true;
}

static bool is_alone(const struct usb_kind *kind, const struct usb_about *usb,
		     libusb_device **devices)
{
	struct usb_about other;
	struct usb_plan plan;

	for (size_t i = 0; devices[i]; i++)
		if (usb_identify(&other, &plan, kind, devices[i]) &&
		    strcmp(other.serial, usb->serial) == 0 && strcmp(other.port, usb->port) != 0)
			return false;
	return true;
}

void usb_name_address(struct meter_about *about, const struct usb_kind *kind,
		      const struct usb_about *usb, libusb_device **devices)
{
	bool by_serial = usb->serial[0] && is_alone(kind, usb, devices);

	snprintf(about->address, sizeof about->address, "%s:%s", about->driver,
		 by_serial ? usb->serial : usb->port);
}
