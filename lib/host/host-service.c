/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host-service.c - the services of a topology, and who is attached to them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "host/host-internal.h"
#include "host/qemu-cmdline.h"
#include "model/graph.h"

struct use { /* an export of a service over an export of another */
	size_t client;
	size_t export; /* of the client */
	struct host_export at;
};

struct served { /* a vDISK's part in its provider */
	size_t export;
	bool indirect; /* through a service that has it from there */
};

struct attachment_list {
	struct attachment *items;
	size_t count, capacity;
	struct {
		struct served *items; /* parallel to the attachments of vDISKs, which come first */
		size_t count, capacity;
	} served;
	struct {
		struct use *items;
		size_t count, capacity;
	} uses;
};

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

static int add_attachment(struct attachment_list *list, struct attachment attachment)
{
	struct attachment *added = MEMORY_APPEND(list);

	if (added)
		*added = attachment;
	return added ? 0 : -ENOMEM;
}

static int attach_vdisk(struct attachment_list *list, struct attachment attachment,
			struct served served)
{
	struct served *added = MEMORY_APPEND(&list->served);

	if (!added)
		return -ENOMEM;
	*added = served;
	return add_attachment(list, attachment);
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
			result = attach_vdisk(list, attachment,
					      (struct served){ link->export, false });
		}
	return result;
}

static int find_uses(const struct host_merge *merge, struct attachment_list *list)
{
	int result = 0;

	for (size_t i = 0; i < merge->services.count; i++) {
		const struct service_process *client = merge->services.items[i];

		for (size_t k = 0; k < client->exports.count && !result; k++) {
			struct service_address address;
			struct use use = { .client = i, .export = k }, *added;

			result = service_address_parse(client->exports.items[k].source, &address);
			if (!result)
				result = host_find_export(merge, client->pid, &address, &use.at);
			if (result > 0) {
				added = MEMORY_APPEND(&list->uses);
				result = added ? 0 : -ENOMEM;
				if (added)
					*added = use;
			}
			service_address_clear(&address);
			result = result == -ENOENT ? 0 : result;
		}
	}
	return result;
}

static bool is_at(struct host_export a, struct host_export b)
{
	return a.provider == b.provider && a.export == b.export;
}

static struct host_export own_export(const struct use *use)
{
	return (struct host_export){ use->client, use->export };
}

/* What that export is over, if it is another service's. */
static bool find_next(const struct attachment_list *list, struct host_export *at)
{
	for (size_t i = 0; i < list->uses.count; i++)
		if (is_at(own_export(&list->uses.items[i]), *at)) {
			*at = list->uses.items[i].at;
			return true;
		}
	return false;
}

static bool is_used_by_service(const struct attachment_list *list, struct host_export at)
{
	for (size_t i = 0; i < list->uses.count; i++)
		if (is_at(list->uses.items[i].at, at))
			return true;
	return false;
}

/*
 * Does the client have all that it serves from that provider? Then what it is charged goes on
 * to its own clients as its own work does. Else only those pay who are served from there: their
 * vDISKs are attached to the provider themselves.
 */
static bool is_whole(const struct attachment_list *list, size_t client, size_t provider)
{
	for (size_t i = 0; i < list->served.count; i++) {
		struct host_export at = { client, list->served.items[i].export };

		if (list->items[i].provider == client &&
		    (!find_next(list, &at) || at.provider != provider))
			return false;
	}
	return true;
}

/* The list grows while it is walked: a chain may be long. */
static int attach_through(struct attachment_list *list)
{
	int result = 0;

	for (size_t i = 0; i < list->served.count && !result; i++) {
		struct attachment attachment = list->items[i];
		struct host_export at = { attachment.provider, list->served.items[i].export };
		bool known = false;

		if (!find_next(list, &at) || is_whole(list, attachment.provider, at.provider))
			continue;
		attachment.provider = at.provider;
		for (size_t k = 0; k < list->served.count; k++)
			known = known || (list->items[k].provider == at.provider &&
					  list->items[k].domain == attachment.domain &&
					  list->items[k].vdisk == attachment.vdisk);
		if (!known)
			result = attach_vdisk(list, attachment, (struct served){ at.export, true });
	}
	return result;
}

/* One attachment for all that a service uses of another. */
static int attach_services(struct attachment_list *list)
{
	int result = 0;

	for (size_t i = 0; i < list->uses.count && !result; i++) {
		const struct use *use = &list->uses.items[i];
		const struct attachment attachment = { .kind = CLIENT_SERVICE,
						       .client = use->client,
						       .provider = use->at.provider };
		bool known = false;

		for (size_t k = list->served.count; k < list->count; k++)
			known = known || (list->items[k].client == use->client &&
					  list->items[k].provider == use->at.provider);
		if (!known && (is_whole(list, use->client, use->at.provider) ||
			       is_used_by_service(list, own_export(use))))
			result = add_attachment(list, attachment);
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

/* --- who hands in for attachments --------------------------------------------------- */

static unsigned count_clients(const struct attachment_list *list, struct host_export at)
{
	unsigned count = 0;

	for (size_t i = 0; i < list->served.count; i++)
		count += !list->served.items[i].indirect &&
			 is_at((struct host_export){ list->items[i].provider,
						     list->served.items[i].export },
			       at);
	for (size_t i = 0; i < list->uses.count; i++)
		count += is_at(list->uses.items[i].at, at);
	return count;
}

/* The export of another service that is over this one; false: none is. */
static bool find_user(const struct attachment_list *list, struct host_export *at)
{
	for (size_t i = 0; i < list->uses.count; i++)
		if (is_at(list->uses.items[i].at, *at)) {
			*at = own_export(&list->uses.items[i]);
			return true;
		}
	return false;
}

/* One client, and where that is a service which has more providers than this: one of that,
 * up to the vDISK. */
static bool serves_alone(const struct attachment_list *list, enum client_kind kind,
			 struct host_export at)
{
	for (size_t steps = 0; steps <= list->uses.count; steps++) {
		if (count_clients(list, at) != 1)
			return false;
		if (kind == CLIENT_SERVICE || !find_user(list, &at))
			return true;
	}
	return false;
}

static unsigned count_served(const struct service_process *service, int iothread)
{
	unsigned count = 0;

	for (size_t i = 0; i < service->exports.count; i++)
		count += service->exports.items[i].iothread == iothread;
	return count;
}

/* The export that is the whole of an attachment; false: there are several. */
static bool find_only_export(const struct attachment_list *list, size_t index,
			     struct host_export *at)
{
	const struct attachment *attachment = &list->items[index];
	unsigned count = 0;

	if (attachment->kind == CLIENT_VDISK) {
		*at = (struct host_export){ attachment->provider,
					    list->served.items[index].export };
		return true;
	}
	for (size_t i = 0; i < list->uses.count; i++)
		if (list->uses.items[i].client == attachment->client &&
		    list->uses.items[i].at.provider == attachment->provider) {
			*at = list->uses.items[i].at;
			count++;
		}
	return count == 1;
}

/*
 * Where a process serves one export alone, all that it reads and writes is for that, by whatever
 * threads, through the page cache or not.
 */
static bool takes_process(const struct service_process *service)
{
	return service->exports.count == 1 &&
	       (service->kind == SERVICE_STORAGE_DAEMON || service->kind == SERVICE_QEMU_NBD);
}

/*
 * Else a thread, if it serves that export alone and hands in the requests itself (aio=native or
 * io_uring), past the page cache: workers of a pool work for any export, and what the page cache
 * gives from memory is work for a client that no counter of the thread's shows.
 */
static pid_t thread_of(const struct service_process *service, const struct service_export *export)
{
	if (!export->submits || !export->direct || count_served(service, export->iothread) != 1)
		return 0;
	if (export->iothread == SERVICE_MAIN_LOOP)
		return service->pid;
	return service->tids ? service->tids[export->iothread] : 0;
}

static bool find_device(const struct host_merge *merge, const struct service_process *service,
			const struct service_export *export, struct attachment *attachment)
{
	char *path = qemu_find_path(merge->host->root, service->pid, export->source);
	bool found = storage_asked(merge->host->root, service->pid, path ? path : export->source,
				   &attachment->major, &attachment->minor);

	free(path);
	return found;
}

/* The export at the end of a chain of services, if each has one client; false: one has others. */
static bool find_last(const struct host_merge *merge, const struct attachment_list *list,
		      size_t index, struct host_export *at)
{
	size_t steps = 0;

	if (!find_only_export(list, index, at) || !serves_alone(list, list->items[index].kind, *at))
		return false;
	do
		if (count_clients(list, *at) != 1 || steps++ > merge->services.count)
			return false;
	while (find_next(list, at));
	return true;
}

/*
 * Whose bytes and requests are the attachment's: known where an export has one client. It is the
 * last of a chain of services who hands in. (query-blockstats tells nothing of exports: QEMU has
 * such figures of a machine's devices. 7.2's daemon answers with an empty list and, asked
 * with query-nodes, with zeros.)
 */
static int find_submitter(const struct host_merge *merge, const struct attachment_list *list,
			  size_t index, struct host_files *files)
{
	struct attachment *attachment = &list->items[index];
	const struct service_process *service;
	const struct service_export *export;
	struct host_export at;

	if (!find_last(merge, list, index, &at))
		return 0;
	service = merge->services.items[at.provider];
	export = &service->exports.items[at.export];
	if (!find_device(merge, service, export, attachment) || !takes_process(service))
		attachment->tid = thread_of(service, export);
	if (attachment->tid || (attachment->major && takes_process(service)))
		attachment->pid = service->pid;
	if (!export->direct) /* what goes there is the page cache's */
		attachment->major = attachment->minor = 0;
	return attachment->pid ? 0 : host_find_file(merge, files, at, &attachment->file);
}

/* --- who works for one attachment alone --------------------------------------------- */

/* The I/O thread of an export that no other export has. Does it hand in the requests itself, or
 * send them on to another service, then no worker does a part of it. */
static void find_own_thread(const struct host_merge *merge, const struct attachment_list *list,
			    size_t index, const struct topology *topology)
{
	struct attachment *attachment = &list->items[index];
	const struct service_process *service = merge->services.items[attachment->provider];
	const struct service *provider = &topology->services[attachment->provider];
	const struct service_export *export;
	struct host_export at;

	if (!find_only_export(list, index, &at) || !serves_alone(list, attachment->kind, at) ||
	    (attachment->kind == CLIENT_SERVICE &&
	     !is_whole(list, attachment->client, attachment->provider)))
		return;
	export = &service->exports.items[at.export];
	if (export->iothread == SERVICE_MAIN_LOOP || !service->tids ||
	    count_served(service, export->iothread) != 1)
		return;
	for (size_t i = 0; i < provider->thread_count; i++)
		if (provider->threads[i].role == THREAD_IOTHREAD &&
		    provider->threads[i].tid == service->tids[export->iothread])
			attachment->own_thread = (unsigned)i + 1;
	attachment->own_alone = attachment->own_thread > 0 &&
				((export->submits && export->direct) || find_next(list, &at));
}

/* --- throttle groups of attachments ------------------------------------------- */

/* Is it one vDISK of this domain, and no other client that is known, that comes in there? */
static bool serves_domain_alone(const struct attachment_list *list, struct host_export at,
				size_t domain)
{
	for (size_t i = 0; i < list->served.count; i++)
		if (!list->served.items[i].indirect && list->items[i].domain == domain &&
		    is_at((struct host_export){ list->items[i].provider,
						list->served.items[i].export },
			  at))
			return count_clients(list, at) == 1;
	return false;
}

/* What limits of a group hold back is all that passes it: where one has more groups than one, that
 * may be any of them. */
static bool is_for_others(const struct host_merge *merge, const struct attachment_list *list,
			  size_t index, const char *group)
{
	size_t provider = list->items[index].provider;
	const struct service_exports *exports = &merge->services.items[provider]->exports;

	for (size_t i = 0; i < exports->count; i++)
		if ((exports->items[i].more_groups ||
		     text_equal(exports->items[i].throttle_group, group)) &&
		    !serves_domain_alone(list, (struct host_export){ provider, i },
					 list->items[index].domain))
			return true;
	return false;
}

static void find_throttle(const struct host_merge *merge, const struct attachment_list *list,
			  size_t index)
{
	struct attachment *attachment = &list->items[index];
	struct attachment_throttle *throttle = &attachment->throttle;
	const struct service_process *service = merge->services.items[attachment->provider];
	const char *group;

	if (attachment->kind != CLIENT_VDISK || list->served.items[index].indirect ||
	    service->kind != SERVICE_STORAGE_DAEMON)
		return;
	group = service->exports.items[list->served.items[index].export].throttle_group;
	throttle->pid = service->pid;
	throttle->start_ticks = service->start_ticks;
	if (!group || strlen(group) >= sizeof throttle->group)
		return;
	strcpy(throttle->group, group);
	throttle->for_others = is_for_others(merge, list, index, group);
}

/* --- all -------------------------------------------------------------------- */

int host_put_services(struct host_merge *merge, struct topology *topology)
{
	struct attachment_list list = { 0 };
	struct host_files files = { 0 };
	int result = make_services(merge, topology);

	if (!result)
		result = find_uses(merge, &list);
	if (!result)
		result = attach_vdisks(merge, topology, &list);
	if (!result)
		result = attach_through(&list);
	if (!result)
		result = attach_services(&list);
	if (!result)
		result = open_circles(merge, topology, &list);
	for (size_t i = 0; i < list.count && !result; i++) {
		result = find_submitter(merge, &list, i, &files);
		find_own_thread(merge, &list, i, topology);
		find_throttle(merge, &list, i);
	}
	topology->attachments = list.items;
	topology->attachment_count = list.count;
	free(list.served.items);
	free(list.uses.items);
	host_clear_files(&files);
	return result;
}
