/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/host-internal.h"

/* --- joining --------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Two processes may have one UUID (a copied command line, a migration to the same host): the
 * one that libvirt wrote under this name is libvirt's. */
static unsigned likeness(const struct libvirt_domain *known, const struct qemu_process *process)
{
	if (!same_text(known->uuid, process->uuid))
		return 0;
	return 1 + same_text(known->name, process->name) + 2u * process->libvirt;
}

struct numbered_uuid {
	const char *uuid;
	size_t process; /* its index in the list */
};

static int compare_uuids(const void *first, const void *second)
{
	const struct numbered_uuid *a = first, *b = second;
	int order = strcmp(a->uuid, b->uuid);

	return order ? order : (a->process > b->process) - (a->process < b->process);
}

struct join {
	const struct qemu_list *processes;
	bool *taken;
	struct numbered_uuid *uuids; /* ascending */
	size_t uuid_count;
};

static void join_clear(struct join *join)
{
	free(join->taken);
	free(join->uuids);
}

static int join_begin(struct join *join, const struct qemu_list *processes)
{
	*join = (struct join){ .processes = processes };
	join->taken = calloc(processes->count + 1, sizeof *join->taken);
	join->uuids = calloc(processes->count + 1, sizeof *join->uuids);
	if (!join->taken || !join->uuids) {
		join_clear(join);
		return -ENOMEM;
	}
	for (size_t i = 0; i < processes->count; i++)
		if (processes->items[i].uuid)
			join->uuids[join->uuid_count++] =
				(struct numbered_uuid){ processes->items[i].uuid, i };
	qsort(join->uuids, join->uuid_count, sizeof *join->uuids, compare_uuids);
	return 0;
}

static size_t first_of_uuid(const struct join *join, const char *uuid)
{
	size_t low = 0, high = join->uuid_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(join->uuids[middle].uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct qemu_process *find_process(struct join *join,
					       const struct libvirt_domain *known)
{
	size_t best = join->processes->count;
	unsigned most = 0;

	for (size_t i = first_of_uuid(join, known->uuid); i < join->uuid_count; i++) {
		size_t process = join->uuids[i].process;
		unsigned like = likeness(known, &join->processes->items[process]);

		if (!like)
			break;
		if (!join->taken[process] && like > most) {
			most = like;
			best = process;
		}
	}
	if (best == join->processes->count)
		return NULL;
	join->taken[best] = true;
	return &join->processes->items[best];
}

static bool is_among(const struct host_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return false;
}

/*
 * libvirt may still name a domain whose process we saw and now is gone: for
 * ever, if it was lost before the domain ended.
 */
static bool has_died(const struct host *host, const struct libvirt_domain *known)
{
	const struct topology *last = host->last;

	for (size_t i = 0; last && i < last->domain_count; i++)
		if (last->domains[i].pid && last->domains[i].manager == DOMAIN_LIBVIRT &&
		    same_text(last->domains[i].uuid, known->uuid))
			return true;
	return is_among(&host->dead, known->uuid);
}

static int add_domain(struct host_merge *merge, const struct libvirt_domain *known,
		      const struct qemu_process *process, struct host_domains *list,
		      struct error *error)
{
	struct domain domain, *added;
	int result = host_make_domain(merge, known, process, &domain, error);

	if (result)
		return result == -ESRCH ? 0 : result;
	added = MEMORY_APPEND(list);
	if (!added) {
		domain_clear(&domain);
		return -ENOMEM;
	}
	*added = domain;
	return 0;
}

static int join_all(struct host_merge *merge, struct host_domains *list, struct error *error)
{
	const struct qemu_list *processes = qemu_watch_list(merge->host->watch);
	struct join join;
	int result = join_begin(&join, processes);

	if (result)
		return result;
	for (size_t i = 0; merge->view && i < merge->view->domain_count && !result; i++) {
		const struct libvirt_domain *known = &merge->view->domains[i];
		const struct qemu_process *process =
			merge->remote ? NULL : find_process(&join, known);

		if (process || !has_died(merge->host, known))
			result = add_domain(merge, known, process, list, error);
		else
			result = host_add_textf(&merge->dead, "%s", known->uuid);
	}
	for (size_t i = 0; i < processes->count && !result; i++)
		if (!join.taken[i])
			result = add_domain(merge, NULL, &processes->items[i], list, error);
	join_clear(&join);
	return result;
}

/* --- ids ------------------------------------------------------------------- */

static const char *id_before(const struct host_merge *merge, const struct domain *domain)
{
	const struct host_mark *mark =
		host_find_mark(&merge->host->marks, domain->pid, domain->start_ticks);

	if (!mark)
		return NULL;
	merge->seen[mark->domain] = true;
	return merge->host->last->domains[mark->domain].id;
}

static bool shares_uuid(const struct host_domains *list, const struct domain *domain)
{
	for (size_t i = 0; i < list->count; i++)
		if (&list->items[i] != domain && same_text(list->items[i].uuid, domain->uuid))
			return true;
	return false;
}

/* A run keeps its id, whoever comes or goes beside it. */
static int set_ids(const struct host_merge *merge, struct host_domains *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct domain *domain = &list->items[i];
		const char *before = id_before(merge, domain);
		struct text id = { 0 };

		if (before)
			text_add(&id, before);
		else if (!domain->uuid)
			text_addf(&id, "qemu:%d:%llu", domain->pid,
				  (unsigned long long)domain->start_ticks);
		else if (shares_uuid(list, domain))
			text_addf(&id, "%s@%d", domain->uuid, domain->pid);
		else
			text_add(&id, domain->uuid);
		if (id.failed) {
			text_free(&id);
			return -ENOMEM;
		}
		domain->id = id.bytes;
	}
	return 0;
}

/* --- disks ----------------------------------------------------------------- */

struct numbered_disk {
	struct disk disk;
	size_t before;
};

static int compare_disks(const void *first, const void *second)
{
	const struct numbered_disk *a = first, *b = second;

	return strverscmp(a->disk.name, b->disk.name);
}

static int compare_indexes(const void *first, const void *second)
{
	const size_t *a = first, *b = second;

	return (*a > *b) - (*a < *b);
}

static void renumber(struct domain *domain, const size_t *numbers)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct vdisk *vdisk = &domain->vdisks[i];

		for (size_t k = 0; k < vdisk->leaf_count; k++)
			vdisk->leaves[k] = numbers[vdisk->leaves[k]];
		if (vdisk->leaf_count)
			qsort(vdisk->leaves, vdisk->leaf_count, sizeof *vdisk->leaves,
			      compare_indexes);
	}
}

/* By name, so that the order does not depend on which VM was met first. */
static int sort_disks(struct disk_list *disks, struct host_domains *domains)
{
	struct numbered_disk *sorted = calloc(disks->count + 1, sizeof *sorted);
	size_t *numbers = calloc(disks->count + 1, sizeof *numbers);

	if (!sorted || !numbers) {
		free(sorted);
		free(numbers);
		return -ENOMEM;
	}
	for (size_t i = 0; i < disks->count; i++)
		sorted[i] = (struct numbered_disk){ disks->items[i], i };
	qsort(sorted, disks->count, sizeof *sorted, compare_disks);
	for (size_t i = 0; i < disks->count; i++) {
		disks->items[i] = sorted[i].disk;
		numbers[sorted[i].before] = i;
	}
	for (size_t i = 0; i < domains->count; i++)
		renumber(&domains->items[i], numbers);
	free(sorted);
	free(numbers);
	return 0;
}

/* --- notes ----------------------------------------------------------------- */

static bool is_refused(const char *trouble)
{
	static const char *const words[] = { "ermission denied", "uthentication", "ccess denied",
					     "olkit" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strstr(trouble, words[i]))
			return true;
	return false;
}

static int add_notes(struct host_merge *merge)
{
	struct host *host = merge->host;
	int result = 0;

	if (host->libvirt && !merge->view)
		result = host_add_textf(&merge->notes, "libvirt: has not answered yet");
	if (merge->view && merge->view->trouble)
		result = host_add_textf(&merge->notes, "libvirt: %s%s%s%s", merge->view->trouble,
					*merge->lost ? "; known as of " : "", merge->lost,
					is_refused(merge->view->trouble)
						? " (root and the group libvirt may ask it)"
						: "");
	if (!result && qemu_watch_is_blind(host->watch))
		result = host_add_textf(&merge->notes,
					"/proc shows only this user's processes (hidepid): VMs of "
					"others are seen by root or with CAP_SYS_PTRACE");
	for (size_t i = 0; i < host->monitor_count && !result; i++)
		if (!host->monitors[i].spare_of &&
		    (!host->monitors[i].qmp || host->monitors[i].rest_ns))
			result = host_add_textf(&merge->notes, "%s: %s", host->monitors[i].path,
						host->monitors[i].trouble.text);
	return result;
}

/* --- all ------------------------------------------------------------------- */

/* DRIVER[+TRANSPORT]://[USER@][HOST][:PORT]/...: with a host it is (or may be) another one. */
static bool is_remote(const char *uri)
{
	const char *start = uri ? strstr(uri, "://") : NULL, *at;
	size_t length;

	if (!start)
		return false;
	start += strlen("://");
	length = strcspn(start, "/?");
	at = memchr(start, '@', length);
	if (at) {
		length -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	return length > 0 && strncmp(start, "localhost", strlen("localhost")) != 0;
}

/* The clock time of a past moment; to the minute, so that it reads the same when asked again. */
static void clock_text(uint64_t moment_ns, char *text, size_t size)
{
	struct timespec now;
	struct tm parts;
	time_t then;

	clock_gettime(CLOCK_REALTIME, &now);
	then = (time_t)(((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec -
			 (clock_now_ns() - moment_ns)) /
			1000000000u);
	if (gmtime_r(&then, &parts))
		strftime(text, size, "%H:%M UTC", &parts);
}

static int compare_domains(const void *first, const void *second)
{
	const struct domain *a = first, *b = second;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->id, b->id);
}

static int merge_all(struct host_merge *merge, struct host_domains *domains, struct error *error)
{
	int result = storage_leaves(merge->host->root, &merge->disks);

	if (!result)
		result = nic_leaves(merge->host->root, &merge->nics);
	if (!result)
		result = host_prepare_copies(merge);
	if (!result)
		result = join_all(merge, domains, error);
	if (!result)
		result = set_ids(merge, domains);
	if (!result)
		result = host_add_ended(merge, domains);
	if (!result)
		result = host_link_services(merge, domains);
	if (!result)
		result = sort_disks(&merge->disks, domains);
	if (!result && domains->count)
		qsort(domains->items, domains->count, sizeof *domains->items, compare_domains);
	if (!result)
		result = add_notes(merge);
	return result;
}

static int copy_cpu(const struct cpu_identity *from, struct cpu_identity *to)
{
	cpu_identity_clear(to);
	*to = *from;
	to->vendor = strdup(from->vendor);
	to->model_name = strdup(from->model_name);
	return to->vendor && to->model_name ? 0 : -ENOMEM;
}

static int merge_begin(struct host_merge *merge, struct topology *topology)
{
	const struct host *host = merge->host;

	cgroup_find_mounts(host->root, &merge->mounts);
	merge->remote = merge->view && is_remote(merge->view->uri);
	if (merge->view && merge->view->domain_count && merge->view->lost_ns)
		clock_text(merge->view->lost_ns, merge->lost, sizeof merge->lost);
	merge->seen = calloc(host->last ? host->last->domain_count + 1 : 1, sizeof *merge->seen);
	return merge->seen ? copy_cpu(&host->cpu, &topology->cpu) : -ENOMEM;
}

/* What is of no use once the topology is made. */
static void merge_end(struct host_merge *merge)
{
	free(merge->disks.view.mounts);
	nic_list_forget_masters(&merge->nics);
	free(merge->workers.items);
	free(merge->seen);
	free(merge->services.items);
	service_peers_close(merge->peers);
	host_clear_links(&merge->links);
	host_clear_users(&merge->users);
	host_clear_texts(&merge->dead);
}

int host_merge(struct host_merge *merge, struct topology **out, struct error *error)
{
	struct topology *topology = topology_new();
	struct host_domains domains = { 0 };
	int result;

	if (!topology)
		return error_setf(error, ENOMEM, "out of memory");
	result = merge_begin(merge, topology);
	if (!result)
		result = merge_all(merge, &domains, error);
	topology->discovered_ns = merge->now_ns;
	topology->domains = domains.items;
	topology->domain_count = domains.count;
	topology->disks = merge->disks.items;
	topology->disk_count = merge->disks.count;
	topology->nics = merge->nics.items;
	topology->nic_count = merge->nics.count;
	if (!result)
		result = host_put_services(merge, topology);
	topology->notes = merge->notes.items;
	topology->note_count = merge->notes.count;
	if (result) {
		topology_unref(topology);
		topology = NULL;
		result = error_setf(error, -result, "%s", strerrordesc_np(-result));
	} else {
		host_clear_texts(&merge->host->dead);
		merge->host->dead = merge->dead;
		merge->dead = (struct host_texts){ 0 };
		host_clear_links(&merge->host->links);
		merge->host->links = merge->links;
		merge->links = (struct host_links){ 0 };
	}
	merge_end(merge);
	*out = topology;
	return result;
}
