/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host-link.c - which vDISK is an export of which service, and which leaves are
 * behind it.
 *
 * First by what both command lines say of the door (service_same_place). Where
 * that tells nothing, by who is connected with whom: asked when all is read
 * anew, and remembered until the next time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "host/host-internal.h"
#include "host/qemu-cmdline.h"

enum { SERVICE_DEPTH_MAX = 8 };

void host_clear_links(struct host_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		free(links->items[i].domain);
	free(links->items);
	*links = (struct host_links){ 0 };
}

static int add_link(struct host_merge *merge, const struct domain *domain, size_t vdisk,
		    struct host_export to)
{
	const struct service_process *provider = merge->services.items[to.provider];
	struct host_link *link = MEMORY_APPEND(&merge->links);

	if (!link)
		return -ENOMEM;
	*link = (struct host_link){ .vdisk = vdisk,
				    .provider = provider->pid,
				    .provider_start = provider->start_ticks,
				    .export = to.export };
	return host_copy_text(&link->domain, domain->id);
}

/* Where each of them is to be found now: sockets come and go. */
static int list_services(struct host_merge *merge)
{
	int result = service_watch_list(merge->host->services, merge->now_ns, &merge->services);

	for (size_t i = 0; i < merge->services.count; i++) {
		const struct service_process *service = merge->services.items[i];

		for (size_t k = 0; k < service->exports.count && !result; k++)
			result = service_locate(merge->host->root, service->pid,
						&service->exports.items[k].address);
	}
	return result;
}

/* --- finding the export ----------------------------------------------------- */

/* The first export of that service by that door; false: it has none. */
static bool find_door(const struct host_merge *merge, size_t service,
		      const struct service_address *address, size_t *export)
{
	const struct service_exports *exports = &merge->services.items[service]->exports;

	for (*export = 0; *export < exports->count; (*export)++)
		if (service_same_door(merge->host->root, &exports->items[*export].address, address))
			return true;
	return false;
}

static bool may_serve(const struct host_merge *merge, size_t service,
		      const struct service_address *address)
{
	return service_may_serve(merge->host->root, merge->services.items[service]->pid, address);
}

/* Of several who say that it is theirs, the first whose it can be, so that nobody has his work
 * charged to another's domain. */
int host_find_export(const struct host_merge *merge, pid_t client, struct service_address *address,
		     struct host_export *found)
{
	int result = service_locate(merge->host->root, client, address);
	size_t export;

	if (result)
		return result;
	for (size_t i = 0; i < merge->services.count; i++) {
		if (!find_door(merge, i, address, &export))
			continue;
		if (result && may_serve(merge, found->provider, address))
			break;
		if (!result || may_serve(merge, i, address))
			*found = (struct host_export){ i, export };
		result = 1;
	}
	return result;
}

/* The same vDISK's export as of the last discovery, if it is still there. */
static bool find_remembered(const struct host_merge *merge, const struct domain *domain,
			    size_t vdisk, struct host_export *found)
{
	const struct host_links *links = &merge->host->links;

	for (size_t i = 0; i < links->count; i++) {
		const struct host_link *link = &links->items[i];

		if (link->vdisk != vdisk || strcmp(link->domain, domain->id) != 0)
			continue;
		for (size_t k = 0; k < merge->services.count; k++) {
			const struct service_process *service = merge->services.items[k];

			*found = (struct host_export){ k, link->export };
			if (service->pid == link->provider &&
			    service->start_ticks == link->provider_start &&
			    link->export < service->exports.count)
				return true;
		}
	}
	return false;
}

static bool is_linked(const struct host_merge *merge, pid_t provider, size_t export)
{
	for (size_t i = 0; i < merge->links.count; i++)
		if (merge->links.items[i].provider == provider &&
		    merge->links.items[i].export == export)
			return true;
	return false;
}

/* An export of a service that the client is connected with; a vhost-user one has one client. */
static bool find_connected(struct host_merge *merge, pid_t client,
			   const struct service_address *address, struct host_export *found)
{
	for (size_t i = 0; i < merge->services.count; i++) {
		const struct service_process *service = merge->services.items[i];

		for (size_t k = 0; k < service->exports.count; k++) {
			const struct service_address *theirs = &service->exports.items[k].address;

			if (theirs->door != SERVICE_UNIX ||
			    !text_equal(theirs->export, address->export) ||
			    (!theirs->export && is_linked(merge, service->pid, k)) ||
			    !service_peers_joined(merge->peers, client, service->pid,
						  theirs->place))
				continue;
			*found = (struct host_export){ i, k };
			return true;
		}
	}
	return false;
}

/* Does its command line say which exports it has? */
static bool is_told(const struct host_merge *merge, pid_t pid)
{
	for (size_t i = 0; i < merge->services.count; i++)
		if (merge->services.items[i]->pid == pid)
			return merge->services.items[i]->kind < SERVICE_BACKEND;
	return false;
}

/* The export of that process that was noted under the client's name for it. */
static bool find_of(const struct host_merge *merge, pid_t owner, const char *place,
		    struct host_export *found)
{
	for (size_t i = 0; i < merge->services.count; i++) {
		const struct service_process *service = merge->services.items[i];

		for (size_t k = 0; service->pid == owner && k < service->exports.count; k++)
			if (strcmp(service->exports.items[k].address.place, place) == 0) {
				*found = (struct host_export){ i, k };
				return true;
			}
	}
	return false;
}

/* Who listens there is a service, whatever its program is called. 1 = found, 0 or -ENOMEM. */
static int adopt_owner(struct host_merge *merge, pid_t client, struct service_address *address,
		       struct host_export *found)
{
	struct host *host = merge->host;
	pid_t owner = service_peers_owner(merge->peers, client, address->place);
	int result;

	if (!owner || owner == client || qemu_watch_find(host->watch, owner) ||
	    is_told(merge, owner))
		return 0;
	result = service_watch_add(host->services, owner, address->place);
	if (!result)
		result = list_services(merge);
	if (result)
		return result == -ESRCH ? 0 : result;
	return find_of(merge, owner, address->place, found);
}

/* 1 = found, 0, or -ENOMEM. */
static int ask_peers(struct host_merge *merge, pid_t client, struct service_address *address,
		     struct host_export *found)
{
	int result;

	if (address->door != SERVICE_UNIX || !rootfs_is_real(merge->host->root))
		return 0;
	if (!merge->peers && service_peers_open(&merge->peers, merge->host->root))
		return -ENOMEM;
	result = adopt_owner(merge, client, address, found);
	return result ? result : find_connected(merge, client, address, found);
}

/* 1 = found, 0, or -ENOMEM. */
static int find_otherwise(struct host_merge *merge, const struct domain *domain, size_t vdisk,
			  struct service_address *address, struct host_export *found)
{
	/* Of an ended one the process is gone: what was, was. */
	return merge->whole && domain->state != DOMAIN_ENDED
		       ? ask_peers(merge, domain->pid, address, found)
		       : find_remembered(merge, domain, vdisk, found);
}

/* --- what is behind it ------------------------------------------------------ */

static const struct service_export *export_at(const struct host_merge *merge, struct host_export at)
{
	return &merge->services.items[at.provider]->exports.items[at.export];
}

/* Through services that use services, to the last one. 0 or -ENOMEM. */
static int follow(const struct host_merge *merge, struct host_export *at)
{
	int result = 1;

	for (unsigned depth = 0; depth < SERVICE_DEPTH_MAX && result > 0; depth++) {
		struct service_address address;

		result = service_address_parse(export_at(merge, *at)->source, &address);
		if (!result)
			result = host_find_export(merge, merge->services.items[at->provider]->pid,
						  &address, at);
		service_address_clear(&address);
	}
	return result == -ENOMEM ? result : 0;
}

/* Leaves and all of what the last service opens; the vDISK's own source stays. */
static int serve(struct host_merge *merge, struct host_export at, struct vdisk *vdisk)
{
	int result = follow(merge, &at);
	const struct service_process *service = merge->services.items[at.provider];
	const struct service_export *export = export_at(merge, at);
	/* virtiofsd's sandbox has its folder for a root. */
	pid_t pid = service->kind == SERVICE_VIRTIOFSD ? 0 : service->pid;
	struct vdisk behind = { 0 };

	if (result)
		return result;
	if (!*export->source)
		return text_replace(&vdisk->reason, "its service does not say what is behind it");
	behind.source = qemu_find_path(merge->host->root, service->pid, export->source);
	if (!behind.source)
		result = host_copy_text(&behind.source, export->source);
	if (!result)
		result = storage_resolve(merge->host->root, pid, &behind, &merge->disks);
	if (!result) {
		free(vdisk->leaves);
		free(vdisk->reason);
		vdisk->leaves = behind.leaves;
		vdisk->leaf_count = behind.leaf_count;
		vdisk->reason = behind.reason;
		vdisk->backing = behind.backing;
		vdisk->direct = export->direct;
		vdisk->write_copies = behind.write_copies;
		behind.leaves = NULL;
		behind.reason = NULL;
	}
	vdisk_clear(&behind);
	return result;
}

/* Its service is gone: what a copy still has of it goes, too. */
static int unserve(struct host_merge *merge, const struct domain *domain,
		   const struct service_address *address, struct vdisk *vdisk)
{
	if (address->door == SERVICE_FILE || !vdisk->leaf_count || domain->state == DOMAIN_ENDED)
		return 0;
	return storage_resolve(merge->host->root, domain->pid, vdisk, &merge->disks);
}

/* --- all -------------------------------------------------------------------- */

static bool has_files(const struct service_list *services)
{
	for (size_t i = 0; i < services->count; i++)
		for (size_t k = 0; k < services->items[i]->exports.count; k++)
			if (services->items[i]->exports.items[k].address.door == SERVICE_FILE)
				return true;
	return false;
}

/* First all that names tell, then what is left over. */
enum pass { PASS_NAMES, PASS_REST };

static bool has_link(const struct host_merge *merge, const struct domain *domain, size_t vdisk)
{
	for (size_t i = 0; i < merge->links.count; i++)
		if (merge->links.items[i].vdisk == vdisk &&
		    strcmp(merge->links.items[i].domain, domain->id) == 0)
			return true;
	return false;
}

static int link_to(struct host_merge *merge, struct domain *domain, size_t index,
		   struct host_export found)
{
	int result = add_link(merge, domain, index, found);

	return result || domain->state == DOMAIN_ENDED
		       ? result
		       : serve(merge, found, &domain->vdisks[index]);
}

static int link_vdisk(struct host_merge *merge, struct domain *domain, size_t index, enum pass pass)
{
	struct service_address address;
	struct host_export found = { 0 };
	int result = service_address_parse(domain->vdisks[index].source, &address);

	if (result)
		return result == -ENOENT ? 0 : result;
	if (address.door == SERVICE_FILE && !merge->has_files)
		goto out;
	if (pass == PASS_NAMES)
		result = domain->state == DOMAIN_ENDED
				 ? 0
				 : host_find_export(merge, domain->pid, &address, &found);
	else if (has_link(merge, domain, index))
		goto out;
	else
		result = find_otherwise(merge, domain, index, &address, &found);
	if (result > 0)
		result = link_to(merge, domain, index, found);
	else if (!result && pass == PASS_REST)
		result = unserve(merge, domain, &address, &domain->vdisks[index]);
out:
	service_address_clear(&address);
	return result;
}

static int link_all(struct host_merge *merge, struct host_domains *domains, enum pass pass)
{
	int result = 0;

	for (size_t i = 0; i < domains->count && !result; i++)
		for (size_t k = 0; k < domains->items[i].vdisk_count && !result; k++)
			if (domains->items[i].pid)
				result = link_vdisk(merge, &domains->items[i], k, pass);
	return result;
}

/* Whichever pass found it: the order says nothing. */
static int compare_links(const void *first, const void *second)
{
	const struct host_link *a = first, *b = second;
	int order = strcmp(a->domain, b->domain);

	return order ? order : (a->vdisk > b->vdisk) - (a->vdisk < b->vdisk);
}

int host_link_services(struct host_merge *merge, struct host_domains *domains)
{
	int result = list_services(merge);

	merge->has_files = has_files(&merge->services);
	if (!result)
		result = link_all(merge, domains, PASS_NAMES);
	if (!result)
		result = link_all(merge, domains, PASS_REST);
	if (merge->links.count)
		qsort(merge->links.items, merge->links.count, sizeof *merge->links.items,
		      compare_links);
	return result;
}
