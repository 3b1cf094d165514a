/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usb.h - libusb for the drivers of meters on USB: find by kind and address, take from
 * the kernel's driver and give back, transfer with deadlines, errors as sentences.
 *
 * Listing opens and sends nothing: names come from sysfs, as behind a common serial chip
 * there may be anything. One libusb context is shared; calls come from one thread.
 */
#ifndef VMENERGY_METER_USB_H
#define VMENERGY_METER_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "meter/driver.h"

struct usb_about {
	uint16_t vendor, product;
	char node[40]; /* /dev/bus/usb/001/004 */
	char port[32]; /* as sysfs names it: 1-4.2 */
	char maker[64], name[64], serial[64];
};

struct usb_id {
	uint16_t vendor, product;
};

/* What a driver looks for. */
struct usb_kind {
	const struct usb_id *ids; /* ends with vendor 0; NULL: any device that has the interface */
	uint8_t class, subclass;  /* of the interface that carries the data; subclass 0 = any */
	uint8_t control_class;    /* of an interface that belongs to it (CDC); 0 = none */
	/* Fill in what the kind knows of such a meter; `missing` where it must not be taken
	 * without having been named. */
	void (*describe)(struct meter_about *about, const struct usb_about *usb);
};

/* Append what is attached. 0 or -ENOMEM. */
int usb_list(const struct meter_driver *driver, const struct usb_kind *kind,
	     struct meter_list *list);

struct usb_link;

/*
 * address: a serial number or a port ("1-4.2"); NULL or "" = the first that can be
 * opened. Fills *about but for what only the meter itself can say. -EACCES names the node.
 */
int usb_open(struct usb_link **link, const struct usb_kind *kind, const char *address,
	     struct meter_about *about, struct error *error);
void usb_close(struct usb_link *link); /* NULL is allowed */

/*
 * open() of a driver whose state is `bytes` of zeroes but for its first member, a struct usb_link *
 * that is open by the time of begin(): there it speaks with the meter and learns what *about
 * still lacks. Where that fails everything is freed.
 */
struct usb_state {
	const struct usb_kind *kind;
	size_t bytes;
	int (*begin)(void *state, struct meter_about *about, struct error *error);
};
int usb_open_state(void **state, const struct usb_state *what, const char *address,
		   struct meter_about *about, struct error *error);

/* Of the IN endpoint: a transfer should ask for a multiple of it. */
size_t usb_packet_bytes(const struct usb_link *link);
uint8_t usb_in_endpoint(const struct usb_link *link);
uint8_t usb_interface(const struct usb_link *link);
uint8_t usb_control_interface(const struct usb_link *link);

/*
 * Bytes that came, 0 = none before the deadline, or -errno with text (-ENODEV =
 * unplugged). Past the deadline it still looks once, for a millisecond.
 */
int usb_read(struct usb_link *link, uint8_t *bytes, size_t size, uint64_t deadline_ns,
	     struct error *error);
/* All of it: 0, or -ETIMEDOUT, or another -errno. */
int usb_write(struct usb_link *link, const uint8_t *bytes, size_t length, uint64_t deadline_ns,
	      struct error *error);
/* Read and drop what is still on its way, until nothing comes for 20 ms. */
int usb_drain(struct usb_link *link, struct error *error);

struct usb_request {
	uint8_t type, request; /* bmRequestType, bRequest */
	uint16_t value, index;
};
/* Length transferred, or -errno with text. Bounded by 200 ms. */
int usb_control(struct usb_link *link, const struct usb_request *request, uint8_t *bytes,
		uint16_t length, struct error *error);
void usb_clear_halts(struct usb_link *link);

#endif
