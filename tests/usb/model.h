/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * model.h - USB power meters as a program on the bus sees them: descriptors, and
 * what goes in and out of their endpoints. Written from the makers' documents, not
 * from our drivers; stateful, and apart from how they are shown to a program
 * (bus.h).
 *
 * Calls return bytes, or a negative errno as a USB device means it: -EPIPE a
 * stall, -EAGAIN nothing to send yet.
 */
#ifndef VMENERGY_TESTS_USB_MODEL_H
#define VMENERGY_TESTS_USB_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/usb/power.h"

enum { MODEL_INTERFACES_MAX = 4, MODEL_SERIAL_BYTES = 32 };

enum fault_kind {
	FAULT_NONE,
	FAULT_BAD_SUM,   /* one bit of every fifth figure's frame is wrong where the meter's
			    sum, tag or digits are */
	FAULT_HALF,      /* every fifth one ends in its middle */
	FAULT_GARBAGE,   /* every fifth one is noise */
	FAULT_UNPLUG,    /* the bus does this one */
	FAULT_FROZEN,    /* always the first figure that is not zero */
	FAULT_OVERRANGE, /* every fifth one is more than the meter can measure */
};

struct model_fault {
	enum fault_kind kind;
	double unplug_s, back_s; /* FAULT_UNPLUG: real seconds after the first figure; NaN */
};

/* A setup packet, as USB 2.0 table 9-2 has it. */
struct model_setup {
	uint8_t type, request;
	uint16_t value, index, length;
};

/* What a device has to say, until somebody takes it. */
struct model_queue {
	uint8_t bytes[4096];
	size_t count;
};

struct model;

struct model_kind {
	const char *name;
	uint16_t vendor, product, version; /* version: bcdDevice */
	uint8_t device_class[3];           /* class, subclass, protocol */
	unsigned speed_mbps;
	const char *maker_text, *product_text, *serial;
	const uint8_t *configuration;
	size_t configuration_bytes;
	const char *kernel_drivers[MODEL_INTERFACES_MAX]; /* that hold it before we come */
	const uint8_t *report;                            /* HID; NULL = none */
	size_t report_bytes;
	size_t state_bytes;
	/* start: after power-up. control: class and vendor requests. */
	void (*start)(struct model *model);
	int (*control)(struct model *model, const struct model_setup *setup, uint8_t *data);
	int (*out)(struct model *model, uint8_t endpoint, const uint8_t *bytes, size_t length);
	int (*in)(struct model *model, uint8_t endpoint, uint8_t *bytes, size_t size);
};

struct model {
	const struct model_kind *kind;
	struct power *power;
	struct model_fault fault;
	char serial[MODEL_SERIAL_BYTES];
	uint64_t frames; /* of figures, for the faults */
	uint64_t random;
	double first_w; /* FAULT_FROZEN; NaN = none yet */
	void *state;    /* of the kind */
};

extern const struct model_kind model_wattsup, model_wt310e, model_mcp39f511n, model_fnb58;

/* serial NULL = the kind's own. Aborts without memory. */
struct model *model_new(const struct model_kind *kind, const char *serial,
			const struct power_settings *settings, const struct model_fault *fault);
void model_free(struct model *model);
void model_restart(struct model *model); /* plugged in again */

/* Endpoint 0: the standard requests here, the rest by the kind. `data`: 4096 bytes. */
int model_control(struct model *model, const struct model_setup *setup, uint8_t *data);
/* The 18 bytes of the device descriptor. */
void model_device_descriptor(const struct model *model, uint8_t descriptor[18]);

/* For the kinds. A figure, with the fault of staying the same. */
double model_measure_w(struct model *model, const struct power_view *view, uint64_t index);
/* Is the figure that is about to be sent out of range? */
bool model_overrange(const struct model *model);
/* Spoil a figure's frame as the fault asks; returns its length. `weak`: offset of the byte
 * that a wrong sum shows in. Counts frames: call once for each. */
size_t model_spoil(struct model *model, uint8_t *frame, size_t length, size_t weak);

void queue_put(struct model_queue *queue, const void *bytes, size_t length); /* all or none */
size_t queue_take(struct model_queue *queue, uint8_t *bytes, size_t size);

#endif
