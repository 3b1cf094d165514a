/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/places.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "vmenergyd/places-internal.h"

struct socket_of {
	pid_t pid;
	char path[TARGET_TEXT];
};

struct spot_list {
	struct spot *items;
	size_t count, capacity;
};

struct places {
	struct spot_room room;
	bool has_generation;
	uint64_t generation;
	struct spot_list list; /* parallel to readings */
	struct {
		struct enforce_reading *items;
		size_t count, capacity;
	} readings;
	struct {
		struct socket_of *items;
		size_t count, capacity;
	} sockets;
};

int places_open(struct places **out, const struct rootfs *root, struct error *error)
{
	struct places *places = calloc(1, sizeof *places);

	if (!places)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	places->room.root = root;
	cgroup_find_mounts(root, &places->room.mounts);
	*out = places;
	return 0;
}

static void clear_list(struct spot_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		spot_clear(&list->items[i]);
	free(list->items);
	*list = (struct spot_list){ 0 };
}

void places_close(struct places *places)
{
	if (!places)
		return;
	clear_list(&places->list);
	free(places->readings.items);
	free(places->sockets.items);
	free(places);
}

int places_set_qmp(struct places *places, const struct place_socket *sockets, size_t count)
{
	places->sockets.count = 0;
	places->has_generation = false;
	for (size_t i = 0; i < count; i++) {
		struct socket_of *socket;

		if (strlen(sockets[i].path) >= TARGET_TEXT)
			continue;
		socket = MEMORY_APPEND(&places->sockets);
		if (!socket)
			return -ENOMEM;
		socket->pid = sockets[i].pid;
		strcpy(socket->path, sockets[i].path);
	}
	return 0;
}

bool places_hold_threads(const struct places *places)
{
	bool is_v2;

	return cgroup_resource_mount(&places->room.mounts, CGROUP_IO, &is_v2) && !is_v2;
}

void places_look_again(struct places *places)
{
	for (size_t i = 0; i < places->list.count; i++)
		places->list.items[i].looked_ns = 0;
}

void places_doubt(struct places *places)
{
	for (size_t i = 0; i < places->list.count; i++) {
		struct spot *spot = &places->list.items[i];

		if (!spot->doubted)
			spot->checked_ns = 0;
		spot->doubted = true;
	}
}

/* --- targets -------------------------------------------------------------------------------- */

/* What is cut would name another one: then none. */
static void copy_whole(char *target, size_t size, const char *source)
{
	target[0] = '\0';
	if (source && strlen(source) < size)
		strcpy(target, source);
}

static const char *socket_of(const struct places *places, pid_t pid)
{
	for (size_t i = 0; pid > 0 && i < places->sockets.count; i++)
		if (places->sockets.items[i].pid == pid)
			return places->sockets.items[i].path;
	return NULL;
}

static void fill_target(const struct places *places, const struct domain *domain,
			struct target *target)
{
	*target = (struct target){
		.manager = domain->manager,
		.pid = domain->pid,
		.start_ticks = domain->start_ticks,
		.vcpus = domain->vcpus,
	};
	copy_whole(target->id, sizeof target->id, domain->id);
	snprintf(target->name, sizeof target->name, "%s", domain->name);
	copy_whole(target->uuid, sizeof target->uuid, domain->uuid);
	copy_whole(target->uri, sizeof target->uri, domain->connection);
	copy_whole(target->qmp_socket, sizeof target->qmp_socket, socket_of(places, domain->pid));
}

/* --- a new topology ------------------------------------------------------------------------- */

/* Move the place of this very process out of the old list. */
static bool take_old(struct spot_list *old, size_t hint, const struct domain *domain,
		     struct spot *spot)
{
	/* Domains mostly keep their order: try where it was. */
	for (size_t tried = 0; tried < old->count; tried++) {
		struct spot *item = &old->items[(hint + tried) % old->count];

		if (item->pid != domain->pid || item->start_ticks != domain->start_ticks)
			continue;
		*spot = *item;
		spot_init(item);
		return true;
	}
	return false;
}

/* What is kept is checked at once: the process may have moved. */
static void follow_spot(struct spot_list *old, size_t hint, const struct domain *domain,
			struct spot *spot)
{
	spot_init(spot);
	if (domain->pid > 0 && take_old(old, hint, domain, spot)) {
		spot->checked_ns = 0;
		return;
	}
	spot->pid = domain->pid;
	spot->start_ticks = domain->start_ticks;
}

static int add_domain(struct places *places, struct spot_list *old, const struct domain *domain)
{
	struct enforce_reading *reading = MEMORY_APPEND(&places->readings);
	struct spot *spot = reading ? MEMORY_APPEND(&places->list) : NULL;

	if (!spot)
		return -ENOMEM;
	follow_spot(old, places->list.count - 1, domain, spot);
	fill_target(places, domain, &reading->target);
	return 0;
}

static int follow(struct places *places, const struct topology *topology)
{
	struct spot_list old = places->list;
	int result = 0;

	places->list = (struct spot_list){ 0 };
	places->readings.count = 0;
	for (size_t i = 0; i < topology->domain_count && !result; i++)
		if (topology->domains[i].state != DOMAIN_ENDED)
			result = add_domain(places, &old, &topology->domains[i]);
	clear_list(&old);
	places->generation = topology->generation;
	places->has_generation = !result;
	return result;
}

/* --- a tick --------------------------------------------------------------------------------- */

static void read_one(const struct places *places, struct spot *spot,
		     struct enforce_reading *reading, uint64_t now_ns)
{
	if (spot_must_look(&places->room, spot, now_ns))
		spot_look(&places->room, spot, now_ns);
	reading->id = reading->target.id;
	reading->has_bandwidth = reading->has_usage = false;
	reading->periods = reading->throttled = 0;
	spot_read(spot, reading);
	reading->cgroup_inode = spot->inode;
	memcpy(reading->target.cpu_cgroup, spot->cpu_cgroup, sizeof spot->cpu_cgroup);
	memcpy(reading->target.io_cgroup, spot->io_cgroup, sizeof spot->io_cgroup);
}

int places_read(struct places *places, const struct topology *topology,
		const struct enforce_reading **readings, size_t *count, struct error *error)
{
	bool is_new = !places->has_generation || places->generation != topology->generation;
	uint64_t now_ns = clock_now_ns();

	if (is_new && follow(places, topology))
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < places->readings.count; i++)
		read_one(places, &places->list.items[i], &places->readings.items[i], now_ns);
	*readings = places->readings.items;
	*count = places->readings.count;
	return 0;
}
