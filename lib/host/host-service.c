/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host-service.c - the services of a topology, and who is attached to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "host/host-internal.h"
#include "model/graph.h"

struct attachment_list {
	struct attachment *items;
	size_t count, capacity;
	size_t *exports; /* parallel: index in the provider, or EXPORTS_SEVERAL */
	size_t export_capacity;
};

#define EXPORTS_SEVERAL SIZE_MAX

/* --- services --------------------------------------------------------------- */

static int make_service(struct host_merge *merge, struct service_process *process,
			struct service *service)
{
	struct text id = { 0 };
	int result;

	text_addf(&id, "service:%d:%llu", (int)process->pid,
		  (unsigned long long)process->start_ticks);
	service->id = id.bytes;
	service->pid = process->pid;
	service->start_ticks = process->start_ticks;
	service->idle_units = process->idle_units;
	result = id.failed ? -ENOMEM : host_copy_text(&service->name, process->name);
	if (!result)
		result = service_read_threads(merge->host->root, process, service);
	return result == -ESRCH ? 0 : result; /* it ends just now */
}

static int make_services(struct host_merge *merge, struct topology *topology)
{
	int result = 0;

	topology->services = calloc(merge->services.count + 1, sizeof *topology->services);
	if (!topology->services)
		return -ENOMEM;
	for (size_t i = 0; i < merge->services.count && !result; i++)
		result = make_service(merge, merge->services.items[i],
				      &topology->services[topology->service_count++]);
	return result;
}

/* --- attachments ------------------------------------------------------------ */

static int add_attachment(struct attachment_list *list, struct attachment attachment, size_t export)
{
	size_t *exports = memory_grow(list->exports, &list->export_capacity, list->count + 1,
				      sizeof *exports);
	struct attachment *added;

	if (!exports)
		return -ENOMEM;
	list->exports = exports;
	added = MEMORY_APPEND(list);
	if (!added)
		return -ENOMEM;
	*added = attachment;
	list->exports[list->count - 1] = export;
	return 0;
}

static bool find_provider(const struct host_merge *merge, const struct host_link *link,
			  size_t *provider)
{
	const struct service_list *services = &merge->services;

	for (*provider = 0; *provider < services->count; (*provider)++)
		if (services->items[*provider]->pid == link->provider &&
		    services->items[*provider]->start_ticks == link->provider_start)
			return true;
	return false;
}

static int attach_vdisks(const struct host_merge *merge, const struct topology *topology,
			 struct attachment_list *list)
{
	int result = 0;

	for (size_t i = 0; i < topology->domain_count && !result; i++)
		for (size_t k = 0; k < merge->links.count && !result; k++) {
			const struct host_link *link = &merge->links.items[k];
			struct attachment attachment = { .kind = CLIENT_VDISK, .domain = i };

			if (strcmp(link->domain, topology->domains[i].id) != 0 ||
			    !find_provider(merge, link, &attachment.provider))
				continue;
			attachment.vdisk = link->vdisk;
			result = add_attachment(list, attachment, link->export);
		}
	return result;
}

/* One attachment for all that a service uses of another. */
static int attach_service(struct attachment_list *list, size_t client, struct host_export at)
{
	const struct attachment attachment = { .kind = CLIENT_SERVICE,
					       .client = client,
					       .provider = at.provider };

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].kind == CLIENT_SERVICE && list->items[i].client == client &&
		    list->items[i].provider == at.provider) {
			if (list->exports[i] != at.export)
				list->exports[i] = EXPORTS_SEVERAL;
			return 0;
		}
	return add_attachment(list, attachment, at.export);
}

static int attach_services(const struct host_merge *merge, struct attachment_list *list)
{
	int result = 0;

	for (size_t i = 0; i < merge->services.count; i++) {
		const struct service_process *client = merge->services.items[i];

		for (size_t k = 0; k < client->exports.count && !result; k++) {
			struct service_address address;
			struct host_export at;

			result = service_address_parse(client->exports.items[k].source, &address);
			if (!result && host_find_export(merge, client->pid, &address, &at))
				result = attach_service(list, i, at);
			service_address_clear(&address);
			result = result == -ENOENT ? 0 : result;
		}
	}
	return result;
}

/* --- circles ---------------------------------------------------------------- */

/* "NAME (PID)": several have the same program. */
static char **name_services(const struct topology *topology)
{
	char **names = calloc(topology->service_count + 1, sizeof *names);

	for (size_t i = 0; names && i < topology->service_count; i++) {
		const struct service *service = &topology->services[i];
		struct text name = { 0 };

		text_addf(&name, "%s (%d)", service->name, (int)service->pid);
		names[i] = name.bytes;
	}
	return names;
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
		free(names[i]);
	free(names);
}

static void drop_attachment(struct attachment_list *list, size_t index)
{
	list->count--;
	memmove(&list->items[index], &list->items[index + 1],
		(list->count - index) * sizeof(*list->items));
	memmove(&list->exports[index], &list->exports[index + 1],
		(list->count - index) * sizeof(*list->exports));
}

/* The account cannot settle a circle: what closes one is left out, and said. */
static int open_circles(struct host_merge *merge, const struct topology *topology,
			struct attachment_list *list)
{
	size_t nodes = topology->service_count, count = 0;
	struct graph_edge *edges = calloc(list->count + 1, sizeof *edges);
	size_t *order = calloc(nodes + 1, sizeof *order);
	char **names = name_services(topology);
	int result = edges && order && names ? 0 : -ENOMEM;

	for (size_t i = 0; i < nodes && !result; i++)
		result = names[i] ? 0 : -ENOMEM;
	for (size_t i = 0; i < list->count && !result; i++) {
		struct error error = { 0 };

		if (list->items[i].kind != CLIENT_SERVICE)
			continue;
		edges[count++] =
			(struct graph_edge){ list->items[i].client, list->items[i].provider };
		result =
			graph_order((const char *const *)names, nodes, edges, count, order, &error);
		if (result != -EINVAL)
			continue;
		count--;
		drop_attachment(list, i--);
		result = host_add_textf(&merge->notes, "%s", error.text);
	}
	free_names(names, nodes);
	free(order);
	free(edges);
	return result;
}

/* --- threads of attachments --------------------------------------------------- */

static unsigned count_clients(const struct attachment_list *list, size_t provider, size_t export)
{
	unsigned count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].provider == provider &&
			 (list->exports[i] == export || list->exports[i] == EXPORTS_SEVERAL);
	return count;
}

static unsigned count_served(const struct service_process *service, int iothread)
{
	unsigned count = 0;

	for (size_t i = 0; i < service->exports.count; i++)
		count += service->exports.items[i].iothread == iothread;
	return count;
}

/*
 * A thread's /proc/PID/task/TID/io are the attachment's bytes where it serves one export, that
 * export has one client, and it hands in the requests itself (aio=native or io_uring), past the
 * page cache. (query-blockstats tells nothing of exports: QEMU keeps such figures for devices
 * of a machine.)
 */
static pid_t find_thread(const struct host_merge *merge, const struct attachment_list *list,
			 size_t index)
{
	size_t provider = list->items[index].provider, number = list->exports[index];
	const struct service_process *service = merge->services.items[provider];
	const struct service_export *export;

	if (number >= service->exports.count)
		return 0;
	export = &service->exports.items[number];
	if (!export->submits || !export->direct || count_clients(list, provider, number) != 1 ||
	    count_served(service, export->iothread) != 1)
		return 0;
	if (export->iothread == SERVICE_MAIN_LOOP)
		return service->pid;
	return service->tids ? service->tids[export->iothread] : 0;
}

/* --- all -------------------------------------------------------------------- */

int host_put_services(struct host_merge *merge, struct topology *topology)
{
	struct attachment_list list = { 0 };
	int result = make_services(merge, topology);

	if (!result)
		result = attach_vdisks(merge, topology, &list);
	if (!result)
		result = attach_services(merge, &list);
	if (!result)
		result = open_circles(merge, topology, &list);
	for (size_t i = 0; i < list.count && !result; i++)
		list.items[i].tid = find_thread(merge, &list, i);
	topology->attachments = list.items;
	topology->attachment_count = list.count;
	free(list.exports);
	return result;
}
