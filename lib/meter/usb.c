/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/usb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/usb-find.h"

#define RULES "contrib/60-vmenergy-meters.rules"
#define MILLISECOND_NS UINT64_C(1000000)
#define DRAIN_NS (20 * MILLISECOND_NS)
enum { CONTROL_MS = 200, TIMEOUT_MAX_MS = 60000, DRAIN_ROUNDS = 64 };

struct usb_link {
	libusb_device_handle *handle;
	struct usb_plan plan;
	char node[40];
};

/* --- the shared context ------------------------------------------------------- */

static libusb_context *context;
static unsigned context_users;

static int context_take(void)
{
	int code = context_users == 0 ? libusb_init(&context) : 0;

	if (code == 0)
		context_users++;
	return code;
}

static void context_give(void)
{
	if (--context_users == 0) {
		libusb_exit(context);
		context = NULL;
	}
}

/* --- errors --------------------------------------------------------------------- */

static int fail(const char *node, int code, const char *what, struct error *error)
{
	static const struct {
		int code, errnum;
		const char *sentence;
	} faults[] = {
		{ LIBUSB_ERROR_ACCESS, EACCES,
		  "permission denied: be root, or install the udev rule " RULES },
		{ LIBUSB_ERROR_NO_DEVICE, ENODEV, "it was unplugged" },
		{ LIBUSB_ERROR_BUSY, EBUSY, "another program uses it" },
		{ LIBUSB_ERROR_TIMEOUT, ETIMEDOUT, "no answer in time" },
		{ LIBUSB_ERROR_PIPE, EPIPE, "the device refused" },
		{ LIBUSB_ERROR_OVERFLOW, EOVERFLOW, "the device sent more than was asked for" },
		{ LIBUSB_ERROR_NO_MEM, ENOMEM, "out of memory" },
	};

	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (faults[i].code == code)
			return error_setf(error, faults[i].errnum, "%s: cannot %s: %s", node, what,
					  faults[i].sentence);
	return error_setf(error, EIO, "%s: cannot %s: %s", node, what, libusb_strerror(code));
}

static void fill_about(struct meter_about *about, const struct usb_kind *kind,
		       const struct usb_about *usb, libusb_device **devices)
{
	usb_name_address(about, kind, usb, devices);
	snprintf(about->serial, sizeof about->serial, "%s", usb->serial);
	snprintf(about->model, sizeof about->model, "%.47s%s%.47s", usb->maker,
		 usb->maker[0] && usb->name[0] ? " " : "", usb->name);
	kind->describe(about, usb);
}

/* --- listing ---------------------------------------------------------------------- */

int usb_list(const struct meter_driver *driver, const struct usb_kind *kind,
	     struct meter_list *list)
{
	libusb_device **devices = NULL;
	int result = 0;

	if (context_take() != 0)
		return 0;
	if (libusb_get_device_list(context, &devices) < 0)
		devices = NULL;
	for (size_t i = 0; devices && devices[i] && !result; i++) {
		struct meter_about *about;
		struct usb_about usb;
		struct usb_plan plan;

		if (!usb_identify(&usb, &plan, kind, devices[i]))
			continue;
		about = meter_list_add(list, driver);
		if (!about) {
			result = -ENOMEM;
			break;
		}
		fill_about(about, kind, &usb, devices);
		if (access(usb.node, R_OK | W_OK) != 0)
			snprintf(about->missing, sizeof about->missing,
				 "%s on %s: be root, or install the udev rule " RULES,
				 errno == EACCES ? "permission denied" : strerror(errno), usb.node);
	}
	if (devices)
		libusb_free_device_list(devices, 1);
	context_give();
	return result;
}

/* --- opening ---------------------------------------------------------------------- */

static int claim(struct usb_link *link, struct error *error)
{
	const int interfaces[] = { link->plan.control_interface, link->plan.interface };
	int code;

	/* The kernel's driver (ftdi_sio, usbhid, usbtmc, cdc_acm) gets it back on release. */
	libusb_set_auto_detach_kernel_driver(link->handle, 1);
	for (unsigned i = 0; i < 2; i++) {
		if (interfaces[i] == USB_NO_INTERFACE)
			continue;
		code = libusb_claim_interface(link->handle, interfaces[i]);
		if (code == 0)
			continue;
		if (i == 1 && interfaces[0] != USB_NO_INTERFACE)
			libusb_release_interface(link->handle, interfaces[0]);
		return fail(link->node, code, "claim it", error);
	}
	return 0;
}

static int open_device(struct usb_link **link, libusb_device *device, const struct usb_plan *plan,
		       const struct usb_about *usb, struct error *error)
{
	struct usb_link *opened = calloc(1, sizeof *opened);
	int code, result;

	if (!opened)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	opened->plan = *plan;
	memcpy(opened->node, usb->node, sizeof opened->node);
	code = libusb_open(device, &opened->handle);
	result = code == 0 ? claim(opened, error) : fail(usb->node, code, "open it", error);
	if (result) {
		if (opened->handle)
			libusb_close(opened->handle);
		free(opened);
		return result;
	}
	*link = opened;
	return 0;
}

static bool is_wanted(const struct usb_about *usb, const char *address)
{
	return !address || !*address || strcmp(usb->serial, address) == 0 ||
	       strcmp(usb->port, address) == 0;
}

/* The first that can be opened; if none can, why the first could not. */
static int open_one_of(struct usb_link **link, libusb_device **devices, const struct usb_kind *kind,
		       const char *address, struct usb_about *found, struct error *error)
{
	struct error later = { "" };
	struct usb_about usb;
	struct usb_plan plan;
	int first = 0;

	for (size_t i = 0; devices[i]; i++) {
		int result;

		if (!usb_identify(&usb, &plan, kind, devices[i]) || !is_wanted(&usb, address))
			continue;
		result = open_device(link, devices[i], &plan, &usb, first ? &later : error);
		if (result == 0) {
			*found = usb;
			return 0;
		}
		if (!first)
			first = result;
	}
	if (first)
		return first;
	if (address && *address)
		return error_setf(error, ENODEV, "not found on USB: serial number or port \"%s\"",
				  address);
	return error_setf(error, ENODEV, "none found on USB");
}

int usb_open(struct usb_link **link, const struct usb_kind *kind, const char *address,
	     struct meter_about *about, struct error *error)
{
	libusb_device **devices = NULL;
	struct usb_about usb = { 0 };
	int code = context_take(), result;
	ssize_t count;

	*link = NULL;
	if (code != 0)
		return error_setf(error, ENODEV, "no USB on this machine: %s",
				  libusb_strerror(code));
	count = libusb_get_device_list(context, &devices);
	if (count < 0) {
		result = error_setf(error, EIO, "cannot list USB devices: %s",
				    libusb_strerror((int)count));
		goto out;
	}
	result = open_one_of(link, devices, kind, address, &usb, error);
	if (!result) {
		fill_about(about, kind, &usb, devices);
		about->missing[0] = '\0';
	}
	libusb_free_device_list(devices, 1);
out:
	if (result)
		context_give();
	return result;
}

void usb_close(struct usb_link *link)
{
	if (!link)
		return;
	libusb_release_interface(link->handle, link->plan.interface);
	if (link->plan.control_interface != USB_NO_INTERFACE)
		libusb_release_interface(link->handle, link->plan.control_interface);
	libusb_close(link->handle);
	free(link);
	context_give();
}

int usb_open_state(void **state, const struct usb_state *what, const char *address,
		   struct meter_about *about, struct error *error)
{
	struct usb_link **link = calloc(1, what->bytes);
	int result;

	if (!link)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	result = usb_open(link, what->kind, address, about, error);
	if (!result)
		result = what->begin(link, about, error);
	if (result) {
		usb_close(*link);
		free(link);
		return result;
	}
	*state = link;
	return 0;
}

size_t usb_packet_bytes(const struct usb_link *link)
{
	return link->plan.packet_bytes;
}

uint8_t usb_in_endpoint(const struct usb_link *link)
{
	return link->plan.in;
}

uint8_t usb_interface(const struct usb_link *link)
{
	return (uint8_t)link->plan.interface;
}

uint8_t usb_control_interface(const struct usb_link *link)
{
	return (uint8_t)link->plan.control_interface;
}

/* --- transfers --------------------------------------------------------------------- */

/* Rounded down, so as not to be late; libusb takes 0 for "for ever". */
static unsigned timeout_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t left_ms = deadline_ns > now_ns ? (deadline_ns - now_ns) / MILLISECOND_NS : 0;

	if (left_ms < 1)
		return 1;
	return left_ms > TIMEOUT_MAX_MS ? TIMEOUT_MAX_MS : (unsigned)left_ms;
}

static int transfer(struct usb_link *link, uint8_t endpoint, uint8_t *bytes, int length,
		    uint64_t deadline_ns, int *done)
{
	unsigned ms = timeout_ms(deadline_ns);

	*done = 0;
	return link->plan.interrupt
		       ? libusb_interrupt_transfer(link->handle, endpoint, bytes, length, done, ms)
		       : libusb_bulk_transfer(link->handle, endpoint, bytes, length, done, ms);
}

int usb_read(struct usb_link *link, uint8_t *bytes, size_t size, uint64_t deadline_ns,
	     struct error *error)
{
	int done, code = transfer(link, link->plan.in, bytes, (int)size, deadline_ns, &done);

	if (code == 0 || code == LIBUSB_ERROR_TIMEOUT)
		return done;
	if (code == LIBUSB_ERROR_PIPE)
		libusb_clear_halt(link->handle, link->plan.in);
	return fail(link->node, code, "read from it", error);
}

int usb_write(struct usb_link *link, const uint8_t *bytes, size_t length, uint64_t deadline_ns,
	      struct error *error)
{
	uint8_t copy[1100]; /* libusb's transfers take what they might write to */
	int done, code;

	if (length > sizeof copy)
		return error_setf(error, EMSGSIZE, "%s: a message of %zu bytes is too long",
				  link->node, length);
	memcpy(copy, bytes, length);
	code = transfer(link, link->plan.out, copy, (int)length, deadline_ns, &done);
	if (code == 0 && done != (int)length)
		code = LIBUSB_ERROR_TIMEOUT;
	if (code == LIBUSB_ERROR_PIPE)
		libusb_clear_halt(link->handle, link->plan.out);
	return code == 0 ? 0 : fail(link->node, code, "write to it", error);
}

int usb_drain(struct usb_link *link, struct error *error)
{
	uint8_t bytes[512];
	int result = 1;

	for (unsigned i = 0; i < DRAIN_ROUNDS && result > 0; i++)
		result = usb_read(link, bytes, sizeof bytes, clock_now_ns() + DRAIN_NS, error);
	return result < 0 ? result : 0;
}

int usb_control(struct usb_link *link, const struct usb_request *request, uint8_t *bytes,
		uint16_t length, struct error *error)
{
	int code =
		libusb_control_transfer(link->handle, request->type, request->request,
					request->value, request->index, bytes, length, CONTROL_MS);

	return code >= 0 ? code : fail(link->node, code, "set it up", error);
}

void usb_clear_halts(struct usb_link *link)
{
	libusb_clear_halt(link->handle, link->plan.out);
	libusb_clear_halt(link->handle, link->plan.in);
}
