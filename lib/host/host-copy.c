/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A discovery copies a domain from the last topology instead of reading it
 * again when all that could cheaply tell of a change says there is none:
 *
 * - its process is the same (pid and start), known for 5 s, with the command
 *   line that was parsed then;
 * - it has as many threads as were read (a thread that comes for another that
 *   went hides: a vCPU pulled and plugged within one tick), and the same kernel
 *   threads work for it;
 * - /proc/PID/cgroup is the same, looked at in turns, 64 processes at a time;
 * - it is libvirt's or not, as before, and libvirt says the same of it, and is
 *   itself as connected, as before; no monitor of ours spoke or speaks with it;
 * - the machine has the same disks and network cards.
 *
 * What gives no such sign is seen by the discovery that reads everything
 * (host.c: it comes regularly, and first): a path that now leads elsewhere, a
 * logical volume or RAID with other disks below, the ports of a bridge, mounts, a cgroup's weight
 * and who else is in it, the user of a process and users' names. Whether a process is stopped is
 * asked, in turns, of the copied ones, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/host-internal.h"
#include "host/libvirt-view.h"

/* --- what may be copied ---------------------------------------------------- */

void host_doubt(const struct host_merge *merge)
{
	struct host *host = merge->host;

	for (size_t i = 0; i < host->marks.count; i++) {
		struct host_mark *mark = &host->marks.items[i];

		mark->kept = false;
		if (merge->whole)
			continue;
		mark->doubted = mark->doubted || host_mark_is_young(mark, merge->now_ns) ||
				host_mark_moved(host, mark) ||
				host_read_links(host, mark) != mark->read_links;
		if (mark->doubted)
			qemu_watch_doubt(host->watch, mark->pid);
	}
}

static bool is_same_libvirt(const struct libvirt_view *a, const struct libvirt_view *b)
{
	if (!a || !b)
		return a == b;
	return a->lost_ns == b->lost_ns && text_equal(a->trouble, b->trouble) &&
	       text_equal(a->uri, b->uri);
}

static uint64_t sum_disks(const struct disk_list *disks)
{
	uint64_t sum = HASH_START;

	for (size_t i = 0; i < disks->count; i++) {
		const struct disk *disk = &disks->items[i];
		const uint64_t numbers[] = { disk->major, disk->minor, disk->rotational,
					     disk->size_bytes };

		sum = hash_bytes(sum, disk->name, strlen(disk->name) + 1);
		sum = hash_bytes(sum, disk->model, strlen(disk->model) + 1);
		sum = hash_bytes(sum, numbers, sizeof numbers);
	}
	return sum;
}

static int compare_owners(const void *first, const void *second)
{
	const struct qemu_worker *a = *(const struct qemu_worker *const *)first;
	const struct qemu_worker *b = *(const struct qemu_worker *const *)second;

	return (a->owner > b->owner) - (a->owner < b->owner);
}

static int sort_workers(struct host_merge *merge)
{
	const struct qemu_workers *workers = qemu_watch_workers(merge->host->watch);

	merge->workers.items = calloc(workers->count + 1, sizeof *merge->workers.items);
	if (!merge->workers.items)
		return -ENOMEM;
	merge->workers.count = workers->count;
	for (size_t i = 0; i < workers->count; i++)
		merge->workers.items[i] = &workers->items[i];
	qsort(merge->workers.items, workers->count, sizeof *merge->workers.items, compare_owners);
	return 0;
}

int host_prepare_copies(struct host_merge *merge)
{
	struct host *host = merge->host;
	uint64_t leaves = sum_disks(&merge->disks) ^ nic_list_sum(&merge->nics);

	merge->whole = merge->whole || leaves != host->leaves ||
		       !is_same_libvirt(merge->before, merge->view);
	host->leaves = leaves;
	return sort_workers(merge);
}

/* --- is it as it was? ------------------------------------------------------ */

static int compare_uuids(const void *first, const void *second)
{
	const struct libvirt_domain *a = first, *b = second;

	return strcmp(a->uuid, b->uuid);
}

static bool is_same_known(const struct host_merge *merge, const struct libvirt_domain *known,
			  const struct domain *domain)
{
	const struct libvirt_domain *before;

	if (!known)
		return domain->manager != DOMAIN_LIBVIRT;
	if (!merge->before || !merge->before->domain_count || domain->manager != DOMAIN_LIBVIRT ||
	    !text_equal(domain->uuid, known->uuid))
		return false;
	before = bsearch(known, merge->before->domains, merge->before->domain_count, sizeof *before,
			 compare_uuids);
	return before && libvirt_domain_equal(before, known);
}

static bool has_thread(const struct domain *domain, const struct qemu_worker *worker)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].tid == worker->tid)
			return domain->threads[i].start_ticks == worker->start_ticks;
	return false;
}

/* The first worker of an owner who is not below this one. */
static size_t first_worker(const struct host_owned *workers, pid_t owner)
{
	size_t low = 0, high = workers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (workers->items[middle]->owner < owner)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_same_workers(const struct host_merge *merge, const struct domain *domain,
			     size_t expected)
{
	const struct host_owned *workers = &merge->workers;
	size_t count = 0;

	for (size_t i = 0; i < domain->thread_count; i++) {
		pid_t tid = domain->threads[i].tid;

		for (size_t k = first_worker(workers, tid);
		     k < workers->count && workers->items[k]->owner == tid; k++) {
			if (!qemu_worker_is_of(workers->items[k], &domain->threads[i]))
				continue;
			if (!has_thread(domain, workers->items[k]))
				return false;
			count++;
		}
	}
	return count == expected;
}

const struct domain *host_find_unchanged(struct host_merge *merge,
					 const struct libvirt_domain *known,
					 const struct qemu_process *process)
{
	struct host *host = merge->host;
	const struct domain *domain;
	struct host_mark *mark;

	if (merge->whole || !process)
		return NULL;
	mark = host_find_mark(&host->marks, process->pid, process->start_ticks);
	if (!mark || mark->doubted || mark->monitored || mark->reading != process->reading)
		return NULL;
	domain = &host->last->domains[mark->domain];
	if (!is_same_known(merge, known, domain) || host_find_monitor(host, domain) ||
	    !has_same_workers(merge, domain, mark->workers))
		return NULL;
	mark->kept = true;
	return domain;
}

/* --- copying --------------------------------------------------------------- */

/* The leaf of an older topology in this one's list; it may be unplugged meanwhile. */
static int carry_leaf(struct host_merge *merge, const struct disk *disk, size_t *index)
{
	struct disk *added;

	for (*index = 0; *index < merge->disks.count; (*index)++)
		if (strcmp(merge->disks.items[*index].name, disk->name) == 0)
			return 0;
	added = MEMORY_APPEND(&merge->disks);
	if (!added)
		return -ENOMEM;
	*added = *disk;
	added->name = strdup(disk->name);
	added->model = strdup(disk->model);
	return added->name && added->model ? 0 : -ENOMEM;
}

static int copy_vdisk(struct host_merge *merge, const struct vdisk *from, struct vdisk *to)
{
	const struct topology *last = merge->host->last;
	int result = host_copy_text(&to->name, from->name);

	to->backing = from->backing;
	to->direct = from->direct;
	to->write_copies = from->write_copies;
	to->leaves = calloc(from->leaf_count + 1, sizeof *to->leaves);
	if (!result)
		result = host_copy_text(&to->source, from->source);
	if (!result)
		result = host_copy_text(&to->reason, from->reason);
	if (!to->leaves)
		result = -ENOMEM;
	for (size_t i = 0; i < from->leaf_count && !result; i++) {
		result = carry_leaf(merge, &last->disks[from->leaves[i]], &to->leaves[i]);
		to->leaf_count++;
	}
	return result;
}

int host_copy_vdisks(struct host_merge *merge, const struct domain *from, struct domain *to)
{
	int result = 0;

	to->vdisks = calloc(from->vdisk_count + 1, sizeof *to->vdisks);
	if (!to->vdisks)
		return -ENOMEM;
	for (size_t i = 0; i < from->vdisk_count && !result; i++) {
		to->vdisk_count++;
		result = copy_vdisk(merge, &from->vdisks[i], &to->vdisks[i]);
	}
	return result;
}

int host_copy_names(const struct domain *from, struct domain *to)
{
	return host_copy_text(&to->name, from->name) || host_copy_text(&to->uuid, from->uuid) ||
			       host_copy_text(&to->owner, from->owner) ||
			       host_copy_text(&to->connection, from->connection)
		       ? -ENOMEM
		       : 0;
}

int host_copy_domain(struct host_merge *merge, const struct domain *from, struct domain *to)
{
	size_t bytes = from->thread_count * sizeof *to->threads;

	to->manager = from->manager;
	to->pid = from->pid;
	to->start_ticks = from->start_ticks;
	to->start_ns = from->start_ns;
	to->vcpus = from->vcpus;
	to->cpu_weight = from->cpu_weight;
	to->threads = malloc(bytes + 1);
	if (!to->threads)
		return -ENOMEM;
	memcpy(to->threads, from->threads, bytes);
	to->thread_count = from->thread_count;
	if (host_copy_names(from, to) || host_copy_text(&to->reason, from->reason) ||
	    host_copy_text(&to->cgroup, from->cgroup))
		return -ENOMEM;
	if (nic_copy(merge->host->last, from, to, &merge->nics))
		return -ENOMEM;
	return host_copy_vdisks(merge, from, to);
}
