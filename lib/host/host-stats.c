/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "host/host-internal.h"

#define SECOND_NS UINT64_C(1000000000)
#define RETRY_NS (2 * SECOND_NS)
#define REST_MIN_NS (10 * SECOND_NS)
#define REST_MAX_NS (300 * SECOND_NS)
/* Of the first discovery, which no tick waits for. */
#define FIRST_BUDGET_NS (2 * SECOND_NS)
/* One that was given less of the budget is not said to be slow: others were. */
enum { FAIR_SHARE = 8 };

/* --- monitors of ours ------------------------------------------------------ */

int host_open_monitors(struct host *host, const struct host_options *options)
{
	host->monitors = calloc(options->qmp_count + 1, sizeof *host->monitors);
	host->monitor_budget_ns = host->monitor_left_ns = FIRST_BUDGET_NS;
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

/* --- what they may cost: a QEMU that hangs must not hold up the tick ---------- */

/* Half of what is left, so that one that hangs leaves some for the others; 0 = too little. */
static uint64_t patience_now(const struct host *host)
{
	uint64_t half_ns = host->monitor_left_ns / 2;

	return half_ns >= host->monitor_budget_ns / FAIR_SHARE ? half_ns : 0;
}

bool host_monitor_begin(struct host *host, struct host_monitor *monitor, uint64_t *begun_ns)
{
	uint64_t patience_ns = patience_now(host);

	*begun_ns = clock_now_ns();
	if (!monitor->qmp || *begun_ns < monitor->rest_until_ns || !patience_ns)
		return false;
	qmp_set_patience(monitor->qmp, patience_ns);
	return true;
}

static void spend(struct host *host, struct host_monitor *monitor, uint64_t begun_ns, int result)
{
	uint64_t now_ns = clock_now_ns(), spent_ns = now_ns - begun_ns;
	bool rested = monitor->rest_ns;

	host->monitor_left_ns -=
		spent_ns < host->monitor_left_ns ? spent_ns : host->monitor_left_ns;
	if (result == -ETIMEDOUT) {
		monitor->rest_ns = rested ? 2 * monitor->rest_ns : REST_MIN_NS;
		if (monitor->rest_ns > REST_MAX_NS)
			monitor->rest_ns = REST_MAX_NS;
		monitor->rest_until_ns = now_ns + monitor->rest_ns;
	} else {
		monitor->rest_ns = monitor->rest_until_ns = 0;
	}
	/* What is said of it changes. */
	host->changed = host->changed || rested != (monitor->rest_ns != 0);
}

bool host_monitor_end(struct host *host, struct host_monitor *monitor, uint64_t begun_ns,
		      int result)
{
	spend(host, monitor, begun_ns, result);
	if (result != -ECONNRESET && result != -EPROTO && result != -ENOTCONN)
		return true;
	qmp_close(monitor->qmp);
	monitor->qmp = NULL;
	host->changed = true;
	return false;
}

static bool is_due(const struct host_monitor *monitor, uint64_t now_ns)
{
	return !monitor->qmp && !monitor->spare_of && now_ns >= monitor->rest_until_ns &&
	       (!monitor->tried_ns || now_ns - monitor->tried_ns >= RETRY_NS);
}

bool host_monitors_due(const struct host *host, uint64_t now_ns)
{
	for (size_t i = 0; i < host->monitor_count; i++)
		if (is_due(&host->monitors[i], now_ns))
			return true;
	return false;
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* One that is not asked, because it rests or is another's, does not tell that its QEMU has ended.
 */
static void forget_ended(struct host_monitor *monitor)
{
	pid_t pid = monitor->qmp ? qmp_peer_pid(monitor->qmp) : monitor->spare_of;

	if ((!monitor->rest_ns && !monitor->spare_of) || !pid || is_alive(pid))
		return;
	qmp_close(monitor->qmp);
	monitor->qmp = NULL;
	monitor->spare_of = 0;
	monitor->rest_ns = monitor->rest_until_ns = 0;
}

static bool is_second(const struct host *host, const struct host_monitor *monitor)
{
	pid_t pid = qmp_peer_pid(monitor->qmp);

	for (size_t i = 0; pid && i < host->monitor_count; i++) {
		const struct host_monitor *other = &host->monitors[i];

		if (other != monitor && other->qmp && qmp_peer_pid(other->qmp) == pid)
			return true;
	}
	return false;
}

/* A monitor serves one client: of two of one QEMU, the second is let go, and so is that of a
 * storage daemon, which has no figures for us. Where that is known, it is not even disturbed. */
static void try_monitor(struct host *host, struct host_monitor *monitor, uint64_t patience_ns)
{
	uint64_t begun_ns = clock_now_ns();
	int result;

	monitor->spare_of = service_watch_find_monitor(host->services, monitor->path);
	if (monitor->spare_of)
		return;
	result = qmp_open_within(&monitor->qmp, monitor->path, patience_ns, &monitor->trouble);
	spend(host, monitor, begun_ns, result);
	if (result || (!is_second(host, monitor) &&
		       !service_watch_is_daemon(host->services, qmp_peer_pid(monitor->qmp))))
		return;
	monitor->spare_of = qmp_peer_pid(monitor->qmp);
	qmp_close(monitor->qmp);
	monitor->qmp = NULL;
}

void host_try_monitors(struct host *host, uint64_t now_ns)
{
	for (size_t i = 0; i < host->monitor_count; i++) {
		struct host_monitor *monitor = &host->monitors[i];
		uint64_t patience_ns = patience_now(host);

		forget_ended(monitor);
		if (!is_due(monitor, now_ns) || !patience_ns)
			continue;
		monitor->tried_ns = now_ns;
		try_monitor(host, monitor, patience_ns);
	}
}

size_t host_spare_monitors(const struct host *host, struct host_spare *spares, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < host->monitor_count; i++) {
		const struct host_monitor *monitor = &host->monitors[i];

		if (!monitor->spare_of)
			continue;
		if (count < most)
			spares[count] = (struct host_spare){ monitor->spare_of, monitor->path };
		count++;
	}
	return count;
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
	uint64_t begun_ns;
	long count = 0;

	if (host_monitor_begin(host, monitor, &begun_ns)) {
		count = qmp_blockstats(monitor->qmp, &blocks, &monitor->trouble);
		host_monitor_end(host, monitor, begun_ns, count < 0 ? (int)count : 0);
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

uint64_t host_libvirt_heard_ns(const struct host *host)
{
	return host->heard_ns;
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
		if (view && !view->trouble)
			host->heard_ns = view->published_ns;
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
	host->monitor_budget_ns = patience_ns ? patience_ns : FIRST_BUDGET_NS;
	host->monitor_left_ns = host->monitor_budget_ns;
	return 0;
}
