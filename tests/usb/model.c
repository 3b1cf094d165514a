/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/usb/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPOILED_FRAME = 5 };

/* USB 2.0, 9.4: request codes and descriptor types. */
enum {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	GET_DESCRIPTOR = 6,
	GET_CONFIGURATION = 8,
	SET_CONFIGURATION = 9,
	GET_INTERFACE = 10,
	SET_INTERFACE = 11,
};
enum { TYPE_DEVICE = 1, TYPE_CONFIGURATION = 2, TYPE_STRING = 3, TYPE_HID_REPORT = 0x22 };
enum { REQUEST_KIND = 0x60, LANGUAGE_ENGLISH = 0x0409 };

void model_restart(struct model *model)
{
	memset(model->state, 0, model->kind->state_bytes);
	if (model->kind->start)
		model->kind->start(model);
}

struct model *model_new(const struct model_kind *kind, const char *serial,
			const struct power_settings *settings, const struct model_fault *fault)
{
	struct model *model = calloc(1, sizeof *model);

	if (!model)
		abort();
	model->kind = kind;
	model->power = power_new(settings);
	model->fault = *fault;
	model->random = settings->seed;
	model->first_w = NAN;
	snprintf(model->serial, sizeof model->serial, "%s", serial ? serial : kind->serial);
	model->state = malloc(kind->state_bytes);
	if (!model->state)
		abort();
	model_restart(model);
	return model;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	power_free(model->power);
	free(model->state);
	free(model);
}

void model_device_descriptor(const struct model *model, uint8_t descriptor[18])
{
	const struct model_kind *kind = model->kind;
	const uint8_t bytes[18] = {
		18,
		TYPE_DEVICE,
		0x00,
		0x02, /* USB 2.0 */
		kind->device_class[0],
		kind->device_class[1],
		kind->device_class[2],
		64,
		(uint8_t)kind->vendor,
		(uint8_t)(kind->vendor >> 8),
		(uint8_t)kind->product,
		(uint8_t)(kind->product >> 8),
		(uint8_t)kind->version,
		(uint8_t)(kind->version >> 8),
		1, /* strings: maker, product, serial number */
		2,
		3,
		1,
	};

	memcpy(descriptor, bytes, sizeof bytes);
}

static int string_descriptor(const struct model *model, unsigned index, uint8_t *data)
{
	const char *texts[] = { model->kind->maker_text, model->kind->product_text, model->serial };
	size_t length;

	data[1] = TYPE_STRING;
	if (index == 0) {
		data[0] = 4;
		data[2] = LANGUAGE_ENGLISH & 0xff;
		data[3] = LANGUAGE_ENGLISH >> 8;
		return 4;
	}
	if (index > sizeof texts / sizeof *texts)
		return -EPIPE;
	length = strlen(texts[index - 1]);
	for (size_t i = 0; i < length; i++) { /* UTF-16, little end first */
		data[2 + 2 * i] = (uint8_t)texts[index - 1][i];
		data[3 + 2 * i] = 0;
	}
	return data[0] = (uint8_t)(2 + 2 * length);
}

static int descriptor(const struct model *model, const struct model_setup *setup, uint8_t *data)
{
	const struct model_kind *kind = model->kind;

	switch (setup->value >> 8) {
	case TYPE_DEVICE:
		model_device_descriptor(model, data);
		return 18;
	case TYPE_CONFIGURATION:
		memcpy(data, kind->configuration, kind->configuration_bytes);
		return (int)kind->configuration_bytes;
	case TYPE_STRING:
		return string_descriptor(model, setup->value & 0xff, data);
	case TYPE_HID_REPORT:
		if (!kind->report)
			return -EPIPE;
		memcpy(data, kind->report, kind->report_bytes);
		return (int)kind->report_bytes;
	default:
		return -EPIPE;
	}
}

static int standard(const struct model *model, const struct model_setup *setup, uint8_t *data)
{
	switch (setup->request) {
	case GET_DESCRIPTOR:
		return descriptor(model, setup, data);
	case GET_STATUS:
		data[0] = data[1] = 0;
		return 2;
	case GET_CONFIGURATION:
		data[0] = 1;
		return 1;
	case GET_INTERFACE:
		data[0] = 0;
		return 1;
	case CLEAR_FEATURE:
	case SET_FEATURE:
	case SET_CONFIGURATION:
	case SET_INTERFACE:
		return 0;
	default:
		return -EPIPE;
	}
}

int model_control(struct model *model, const struct model_setup *setup, uint8_t *data)
{
	int length;

	if ((setup->type & REQUEST_KIND) == 0)
		length = standard(model, setup, data);
	else
		length = model->kind->control ? model->kind->control(model, setup, data) : -EPIPE;
	return length > setup->length ? setup->length : length;
}

double model_measure_w(struct model *model, const struct power_view *view, uint64_t index)
{
	double power_w = power_measure_w(model->power, view, index);

	if (model->fault.kind != FAULT_FROZEN)
		return power_w;
	if (!(model->first_w > 0)) /* NaN or zero */
		model->first_w = power_w;
	return model->first_w;
}

/* Of the frame that comes next. */
static bool spoiled(const struct model *model, enum fault_kind kind)
{
	return model->fault.kind == kind && (model->frames + 1) % SPOILED_FRAME == 0;
}

bool model_overrange(const struct model *model)
{
	return spoiled(model, FAULT_OVERRANGE);
}

size_t model_spoil(struct model *model, uint8_t *frame, size_t length, size_t weak)
{
	if (spoiled(model, FAULT_BAD_SUM))
		frame[weak] ^= 0x10;
	if (spoiled(model, FAULT_HALF))
		length /= 2;
	if (spoiled(model, FAULT_GARBAGE))
		for (size_t i = 0; i < length; i++)
			frame[i] = (uint8_t)power_random(&model->random);
	model->frames++;
	return length;
}

void queue_put(struct model_queue *queue, const void *bytes, size_t length)
{
	if (length > sizeof queue->bytes - queue->count)
		return;
	memcpy(queue->bytes + queue->count, bytes, length);
	queue->count += length;
}

size_t queue_take(struct model_queue *queue, uint8_t *bytes, size_t size)
{
	size_t length = size < queue->count ? size : queue->count;

	memcpy(bytes, queue->bytes, length);
	queue->count -= length;
	memmove(queue->bytes, queue->bytes + length, queue->count);
	return length;
}
