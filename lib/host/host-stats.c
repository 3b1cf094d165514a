/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/host-internal.h"

#define RETRY_NS UINT64_C(2000000000)

/* --- monitors of ours ------------------------------------------------------ */

int host_open_monitors(struct host *host, const struct host_options *options)
{
	host->monitors = calloc(options->qmp_count + 1, sizeof *host->monitors);
	if (!host->monitors)
		return -ENOMEM;
	for (size_t i = 0; i < options->qmp_count; i++) {
		host->monitors[i].path = strdup(options->qmp_sockets[i]);
		if (!host->monitors[i].path)
			return -ENOMEM;
		host->monitor_count++;
	}
	return 0;
}

void host_close_monitors(struct host *host)
{
	for (size_t i = 0; i < host->monitor_count; i++) {
		if (host->monitors[i].qmp)
			qmp_close(host->monitors[i].qmp);
		free(host->monitors[i].path);
	}
	free(host->monitors);
}

static bool is_due(const struct host_monitor *monitor, uint64_t now_ns)
{
	return !monitor->qmp && (!monitor->tried_ns || now_ns - monitor->tried_ns >= RETRY_NS);
}

bool host_monitors_due(const struct host *host, uint64_t now_ns)
{
	for (size_t i = 0; i < host->monitor_count; i++)
		if (is_due(&host->monitors[i], now_ns))
			return true;
	return false;
}

void host_try_monitors(struct host *host, uint64_t now_ns)
{
	for (size_t i = 0; i < host->monitor_count; i++) {
		struct host_monitor *monitor = &host->monitors[i];

		if (!is_due(monitor, now_ns))
			continue;
		monitor->tried_ns = now_ns;
		if (qmp_open(&monitor->qmp, monitor->path, &monitor->trouble))
			monitor->qmp = NULL;
	}
}

struct host_monitor *host_find_monitor(struct host *host, const struct domain *domain)
{
	for (size_t i = 0; i < host->monitor_count; i++) {
		struct host_monitor *monitor = &host->monitors[i];
		pid_t pid = monitor->qmp ? qmp_peer_pid(monitor->qmp) : 0;
		const char *uuid = monitor->qmp ? qmp_uuid(monitor->qmp) : NULL;

		if (pid ? pid == domain->pid
			: uuid && domain->uuid && strcmp(uuid, domain->uuid) == 0)
			return monitor;
	}
	return NULL;
}

/* --- libvirt's statistics -------------------------------------------------- */

void host_request_stats(struct host *host)
{
	if (host->libvirt)
		host->request = libvirt_request(host->libvirt);
}

static const struct libvirt_domain *find_known(const struct libvirt_view *view, const char *uuid)
{
	for (size_t i = 0; view && uuid && i < view->domain_count; i++)
		if (strcmp(view->domains[i].uuid, uuid) == 0)
			return &view->domains[i];
	return NULL;
}

static const struct libvirt_disk *find_disk(const struct libvirt_domain *known, const char *target)
{
	for (size_t i = 0; known && i < known->disk_count; i++)
		if (strcmp(known->disks[i].target, target) == 0)
			return &known->disks[i];
	return NULL;
}

/* QEMU does not see the requests that another process serves. */
static bool has_statistics(const struct vdisk *vdisk)
{
	return vdisk->backing != VDISK_EMPTY &&
	       strncmp(vdisk->source, "vhost-user:", strlen("vhost-user:")) != 0;
}

static void read_libvirt(const struct libvirt_view *view, bool fresh, const struct domain *domain,
			 struct domain_reading *reading)
{
	const struct libvirt_domain *known = find_known(view, domain->uuid);

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct libvirt_disk *disk = find_disk(known, domain->vdisks[i].name);
		struct io_reading *io = &reading->vdisks[i];

		if (disk && disk->io.at_ns) {
			*io = disk->io;
			io->quality |= fresh ? 0 : QUALITY_STALE;
		} else if (has_statistics(&domain->vdisks[i])) {
			io->quality |= QUALITY_MISSING;
		}
	}
}

/* --- QMP ------------------------------------------------------------------- */

static const struct qemu_process *find_process(const struct host *host, const struct domain *domain)
{
	const struct qemu_process *process = qemu_watch_find(host->watch, domain->pid);

	return process && process->start_ticks == domain->start_ticks ? process : NULL;
}

static bool is_block_of(const struct qmp_block *block, const struct qemu_drive *drive)
{
	const char *names[] = { drive->id, drive->device };

	for (size_t i = 0; i < 2; i++)
		if (names[i] && *names[i] &&
		    (strcmp(names[i], block->name) == 0 || strcmp(names[i], block->node) == 0))
			return true;
	return false;
}

/* A plain process's vDISKs are its drives, in the same order. */
static void read_monitor(struct host *host, struct host_monitor *monitor,
			 const struct domain *domain, struct domain_reading *reading)
{
	const struct qemu_process *process = find_process(host, domain);
	const struct qmp_block *blocks = NULL;
	long count = qmp_blockstats(monitor->qmp, &blocks, &monitor->trouble);

	if (count < 0 && count != -ETIMEDOUT) {
		qmp_close(monitor->qmp);
		monitor->qmp = NULL;
		host->changed = true;
	}
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct io_reading *io = &reading->vdisks[i];

		for (long k = 0; k < count && process && i < process->drive_count; k++)
			if (is_block_of(&blocks[k], &process->drives[i]))
				*io = blocks[k].io;
		if (!io->at_ns && has_statistics(&domain->vdisks[i]))
			io->quality |= QUALITY_MISSING;
	}
}

int host_read_vdisks(struct host *host, const struct topology *topology, struct sample *sample,
		     uint64_t patience_ns)
{
	const struct libvirt_view *view = NULL;
	bool fresh = false;

	if (host->libvirt) {
		libvirt_wait(host->libvirt, host->request, patience_ns);
		view = libvirt_view(host->libvirt);
		fresh = view && view->stats_seq >= host->request;
	}
	for (size_t i = 0; i < topology->domain_count && i < sample->domain_count; i++) {
		const struct domain *domain = &topology->domains[i];
		struct host_monitor *monitor = host_find_monitor(host, domain);

		if (domain->state == DOMAIN_ENDED)
			continue;
		if (domain->manager == DOMAIN_LIBVIRT)
			read_libvirt(view, fresh, domain, &sample->domains[i]);
		else if (monitor)
			read_monitor(host, monitor, domain, &sample->domains[i]);
	}
	if (view)
		libvirt_view_unref(view);
	return 0;
}
