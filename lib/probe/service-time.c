/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "probe/service-time-driver.h"

static const struct service_driver *const drivers[] = {
#ifdef VMENERGY_BPF
	&service_time_bpf,
#endif
	&service_time_trace,
};
enum { DRIVER_COUNT = sizeof drivers / sizeof drivers[0] };

/* Of each rotating leaf. */
struct followed_disk {
	size_t index;     /* in topology.disks */
	uint64_t busy_ns; /* as last told: it never goes back */
	struct service_window window;
};

struct service_time {
	const struct rootfs *root;           /* borrowed */
	const struct service_driver *driver; /* NULL = nothing is attached */
	void *state;
	bool tried;       /* to attach: not again at each topology */
	struct text note; /* why not better */
	uint64_t generation;
	bool follows; /* a topology */
	struct followed_disk *disks;
	struct disk_service *services; /* parallel to disks */
	size_t count;
};

int service_time_open(struct service_time **service_time, const struct rootfs *root,
		      struct error *error)
{
	*service_time = calloc(1, sizeof **service_time);
	if (!*service_time)
		return error_setf(error, ENOMEM, "no memory for the service times of disks");
	(*service_time)->root = root;
	return 0;
}

static void close_driver(struct service_time *service_time)
{
	if (service_time->driver)
		service_time->driver->close(service_time->state);
	service_time->driver = NULL;
	service_time->state = NULL;
}

/* Nothing to follow: next time everything is tried anew. */
static void detach(struct service_time *service_time)
{
	close_driver(service_time);
	service_time->tried = false;
	text_reset(&service_time->note);
}

static void forget_disks(struct service_time *service_time)
{
	free(service_time->disks);
	free(service_time->services);
	service_time->disks = NULL;
	service_time->services = NULL;
	service_time->count = 0;
	service_time->follows = false;
}

void service_time_close(struct service_time *service_time)
{
	if (!service_time)
		return;
	detach(service_time);
	forget_disks(service_time);
	text_free(&service_time->note);
	free(service_time);
}

/* --- choosing a way ---------------------------------------------------------- */

static void add_reason(struct text *note, const char *name, const char *reason)
{
	text_addf(note, "%s%s: %s",
		  note->length > 0 ? "; " : "requests of disks are not followed by ", name, reason);
}

static void attach(struct service_time *service_time)
{
	struct error error;

	if (service_time->driver || service_time->tried)
		return;
	service_time->tried = true;
	text_reset(&service_time->note);
#ifndef VMENERGY_BPF
	add_reason(&service_time->note, "BPF", "built without it");
#endif
	for (size_t i = 0; i < DRIVER_COUNT && !service_time->driver; i++) {
		if (drivers[i]->open(&service_time->state, service_time->root, &error))
			add_reason(&service_time->note, drivers[i]->name, error.text);
		else
			service_time->driver = drivers[i];
	}
}

/* --- following --------------------------------------------------------------- */

static struct followed_disk known_disk(const struct service_time *service_time, uint32_t device)
{
	for (size_t i = 0; i < service_time->count; i++)
		if (service_time->services[i].device == device)
			return service_time->disks[i];
	return (struct followed_disk){ 0 };
}

/* The rotating leaves of a topology take the place of those of the one before. */
static int take_disks(struct service_time *service_time, const struct topology *topology)
{
	struct followed_disk *disks = calloc(topology->disk_count + 1, sizeof *disks);
	struct disk_service *services = calloc(topology->disk_count + 1, sizeof *services);
	size_t count = 0;

	if (!disks || !services) {
		free(disks);
		free(services);
		return -ENOMEM;
	}
	for (size_t i = 0; i < topology->disk_count; i++) {
		const struct disk *disk = &topology->disks[i];
		uint32_t device = disk_service_device(disk->major, disk->minor);

		if (!disk->rotational)
			continue;
		services[count].device = device;
		disks[count] = known_disk(service_time, device);
		disks[count++].index = i;
	}
	forget_disks(service_time);
	service_time->disks = disks;
	service_time->services = services;
	service_time->count = count;
	return 0;
}

int service_time_follow(struct service_time *service_time, const struct topology *topology)
{
	int result = take_disks(service_time, topology);

	if (result)
		return result;
	if (service_time->count == 0)
		detach(service_time);
	else
		attach(service_time);
	if (service_time->driver)
		result = service_time->driver->follow(service_time->state, service_time->services,
						      service_time->count);
	service_time->generation = topology->generation;
	service_time->follows = !result;
	return result;
}

/* --- reading ----------------------------------------------------------------- */

/*
 * The time of a request in flight is added up to now; its completion may bear
 * the stamp of a moment before, taken on another CPU.
 */
static uint64_t never_back(struct followed_disk *disk, uint64_t busy_ns)
{
	if (busy_ns > disk->busy_ns)
		disk->busy_ns = busy_ns;
	return disk->busy_ns;
}

bool service_window_is_deaf(struct service_window *window, uint64_t kernel_bytes,
			    uint64_t followed_bytes, bool gap)
{
	uint64_t expected = kernel_bytes - window->kernel_bytes;
	uint64_t followed = followed_bytes - window->followed_bytes;

	if (window->begun && !gap && kernel_bytes >= window->kernel_bytes) {
		if (expected > followed &&
		    expected - followed > SERVICE_SLACK_BYTES + expected / SERVICE_SHARE)
			return true;
		if (expected < SERVICE_WINDOW_BYTES)
			return false;
	}
	*window = (struct service_window){ true, kernel_bytes, followed_bytes };
	return false;
}

static bool is_deaf(struct followed_disk *disk, const struct disk_service *service,
		    const struct io_reading *io)
{
	return service->known && io->at_ns > 0 &&
	       service_window_is_deaf(&disk->window, io->read_bytes + io->write_bytes,
				      service->bytes, service->gap);
}

/* From here on nothing is followed: no figure is better than a wrong one. */
static void abandon(struct service_time *service_time)
{
	const char *name = service_time->driver->name;

	close_driver(service_time);
	add_reason(&service_time->note, name, "this kernel does not tell of all requests");
}

static void fill(struct followed_disk *disk, const struct disk_service *service,
		 struct io_reading *io)
{
	if (!service->known || io->at_ns == 0)
		return;
	io->busy_ns = never_back(disk, service->busy_ns);
	io->read_seeks = service->read_seeks;
	io->write_seeks = service->write_seeks;
	io->has_service = !service->gap;
	if (service->gap)
		io->quality |= QUALITY_GAP;
}

int service_time_read(struct service_time *service_time, const struct topology *topology,
		      struct sample *sample)
{
	if (!service_time->follows || service_time->generation != topology->generation ||
	    sample->disk_count != topology->disk_count)
		return -EINVAL;
	if (!service_time->driver)
		return 0;
	service_time->driver->read(service_time->state, service_time->services,
				   service_time->count);
	for (size_t i = 0; i < service_time->count; i++) {
		if (is_deaf(&service_time->disks[i], &service_time->services[i],
			    &sample->disks[service_time->disks[i].index])) {
			abandon(service_time);
			return 0;
		}
	}
	for (size_t i = 0; i < service_time->count; i++)
		fill(&service_time->disks[i], &service_time->services[i],
		     &sample->disks[service_time->disks[i].index]);
	return 0;
}

const char *service_time_source(const struct service_time *service_time)
{
	return service_time->driver ? service_time->driver->name : NULL;
}

const char *service_time_note(const struct service_time *service_time)
{
	return service_time->note.length > 0 ? service_time->note.bytes : NULL;
}
