/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time-follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

char follow_operation(const char *rwbs)
{
	if (rwbs[0] == 'F' && rwbs[1] && strchr("RWDFZN", rwbs[1]))
		return rwbs[1];
	return rwbs[0];
}

/* --- which disks --------------------------------------------------------------- */

static struct follow_disk *find_disk(const struct follow *follow, uint32_t device)
{
	for (size_t i = 0; i < follow->count; i++)
		if (follow->disks[i].device == device)
			return &follow->disks[i];
	return NULL;
}

void follow_clear(struct follow *follow)
{
	for (size_t i = 0; i < follow->count; i++)
		free(follow->disks[i].flights.items);
	free(follow->disks);
	*follow = (struct follow){ 0 };
}

int follow_set(struct follow *follow, const struct disk_service *services, size_t count,
	       uint64_t now_ns)
{
	struct follow_disk *disks = calloc(count + 1, sizeof *disks);
	struct follow_disk *known;

	if (!disks)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		known = find_disk(follow, services[i].device);
		if (known) {
			disks[i] = *known;
			known->flights = (struct follow_flights){ 0 };
		} else {
			disks[i].device = services[i].device;
			leaf_start(&disks[i].leaf, now_ns);
		}
	}
	follow_clear(follow);
	follow->disks = disks;
	follow->count = count;
	return 0;
}

/* --- events -------------------------------------------------------------------- */

static uint32_t kind_of(const struct follow_event *event)
{
	if (event->sectors == 0)
		return LEAF_OTHER;
	switch (event->operation) {
	case 'R':
		return LEAF_READ;
	case 'W':
	case 'Z': /* appends to a zone; the other operations of zones have no data */
	case 'N': /* zeroes, which had no letter before Linux 6.16; so have commands, without
		     sectors */
		return LEAF_WRITE;
	default:
		return LEAF_OTHER;
	}
}

static void issue(struct follow_disk *disk, const struct follow_event *event)
{
	struct follow_flights *flights = &disk->flights;
	struct follow_flight *flight;
	const struct leaf_request request = {
		.sector = event->sector,
		.sectors = event->sectors,
		.kind = kind_of(event),
	};

	flight = flights->count < FOLLOW_FLIGHTS_MAX ? MEMORY_APPEND(flights) : NULL;
	if (!flight) {
		disk->leaf.missed++;
		return;
	}
	flight->sector = event->sector;
	flight->sectors = event->sectors;
	flight->has_data = event->sectors > 0;
	flight->operation = event->operation;
	leaf_issue(&disk->leaf, &flight->flight, &request, event->time_ns);
}

/* A command completes with its bytes, but was issued without sectors. */
static struct follow_flight *find_flight(const struct follow_flights *flights,
					 const struct follow_event *event)
{
	struct follow_flight *without = NULL;

	for (size_t i = 0; i < flights->count; i++) {
		struct follow_flight *flight = &flights->items[i];

		if (flight->operation != event->operation)
			continue;
		if (flight->has_data && event->sectors > 0 && flight->sector == event->sector)
			return flight;
		if (!flight->has_data && !without)
			without = flight;
	}
	return without;
}

static void drop(struct follow_flights *flights, const struct follow_flight *flight)
{
	size_t index = (size_t)(flight - flights->items);

	flights->count--;
	memmove(&flights->items[index], &flights->items[index + 1],
		(flights->count - index) * sizeof *flights->items);
}

static void leave(struct follow_disk *disk, const struct follow_event *event)
{
	struct follow_flight *flight = find_flight(&disk->flights, event);

	if (!flight)
		return;
	if (event->what == FOLLOW_REQUEUE) {
		leaf_requeue(&disk->leaf, &flight->flight, event->time_ns);
	} else if (flight->has_data && event->sectors < flight->sectors) {
		flight->sector += event->sectors;
		flight->sectors -= event->sectors;
		return;
	} else {
		leaf_complete(&disk->leaf, &flight->flight, event->time_ns);
	}
	drop(&disk->flights, flight);
}

void follow_feed(struct follow *follow, const struct follow_event *event)
{
	struct follow_disk *disk = find_disk(follow, event->device);

	if (!disk)
		return;
	if (event->what == FOLLOW_ISSUE)
		issue(disk, event);
	else
		leave(disk, event);
}

void follow_lose(struct follow *follow, uint64_t now_ns)
{
	for (size_t i = 0; i < follow->count; i++) {
		leaf_forget(&follow->disks[i].leaf, now_ns);
		follow->disks[i].flights.count = 0;
		follow->disks[i].gap = true;
	}
}

/* --- reading ------------------------------------------------------------------- */

static void drop_lost(struct follow_disk *disk, uint64_t now_ns)
{
	struct follow_flights *flights = &disk->flights;

	if (!leaf_may_have_lost(&disk->leaf, now_ns))
		return;
	while (flights->count > 0 && leaf_is_lost(flights->items[0].flight.issued_ns, now_ns)) {
		leaf_requeue(&disk->leaf, &flights->items[0].flight, now_ns);
		drop(flights, &flights->items[0]);
		disk->gap = true;
	}
}

static void read_disk(struct follow_disk *disk, struct disk_service *service, uint64_t now_ns)
{
	drop_lost(disk, now_ns);
	*service = (struct disk_service){
		.device = disk->device,
		.known = true,
		.gap = disk->gap || disk->leaf.missed != disk->missed,
		.busy_ns = leaf_busy_ns(&disk->leaf, now_ns),
		.read_seeks = disk->leaf.read_seeks,
		.write_seeks = disk->leaf.write_seeks,
		.bytes = disk->leaf.sectors * DISK_SECTOR_BYTES,
	};
	disk->missed = disk->leaf.missed;
	disk->gap = false;
}

void follow_read(struct follow *follow, struct disk_service *services, size_t count,
		 uint64_t now_ns)
{
	for (size_t i = 0; i < count && i < follow->count; i++)
		read_disk(&follow->disks[i], &services[i], now_ns);
}
