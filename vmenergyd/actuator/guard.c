/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/actuator/guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cgroupfs.h"
#include "base/proc.h"
#include "host/cgroup.h"
#include "host/qemu.h"
#include "host/service.h"
#include "vmenergyd/actuator/cgroup.h"
#include "vmenergyd/actuator/ring.h"

enum { KNOWN_MAX = 8192 };

/* What was seen of a process. */
struct known {
	pid_t pid;
	uint64_t start_ticks;
	bool is_qemu;
	struct place alone;  /* cgroups that held nobody else; "" = none looked at */
	struct place origin; /* where it stood last outside of ours; "" = not seen there */
};

struct guard {
	struct known *items;
	size_t count, capacity, oldest;
};

void guard_free(struct guard *guard)
{
	if (guard)
		free(guard->items);
	free(guard);
}

/* --- what is known ---------------------------------------------------------------- */

static struct known *find(const struct guard *guard, const struct target *target)
{
	for (size_t i = 0; guard && i < guard->count; i++)
		if (guard->items[i].pid == target->pid &&
		    guard->items[i].start_ticks == target->start_ticks)
			return &guard->items[i];
	return NULL;
}

/* NULL: out of memory. */
static struct known *know(struct actuator_room *room, const struct target *target)
{
	struct known *known = find(room->guard, target);

	if (known)
		return known;
	if (!room->guard)
		room->guard = calloc(1, sizeof *room->guard);
	known = room->guard ? RING_ADD(room->guard, KNOWN_MAX) : NULL;
	if (known) {
		known->pid = target->pid;
		known->start_ticks = target->start_ticks;
	}
	return known;
}

/* --- the process ------------------------------------------------------------------ */

static int check_process(const struct actuator_room *room, const struct target *target,
			 struct error *error)
{
	struct proc_stat stat;

	if (proc_read_stat(room->root, target->pid, 0, &stat))
		return error_setf(error, ESRCH, "%s: process %d is gone", target->name,
				  (int)target->pid);
	if (stat.start_ticks != target->start_ticks)
		return error_setf(error, ESRCH, "%s: process %d is another one by now",
				  target->name, (int)target->pid);
	return 0;
}

/* --- cgroups that are written ------------------------------------------------------- */

/* A cgroup of one hierarchy, and the one there that was found to hold nobody else. */
struct claim {
	struct cgroup_at at;
	const char *controller;
	char *alone;
};

static int check_cgroup(const struct actuator_room *room, const struct target *target,
			const struct claim *claim, struct error *error)
{
	const char *path = claim->at.path;

	if (!*path)
		return 0;
	if (!cgroup_holds(room->root, claim->controller, path, target->pid))
		return error_setf(error, ESTALE, "%s: cgroup %s does not hold process %d any more",
				  target->name, path, (int)target->pid);
	if (strcmp(path, claim->alone) == 0)
		return 0;
	if (!cgroup_is_exclusive(room->root, claim->at.mount, path, target->pid))
		return error_setf(error, ESTALE, "%s: cgroup %s holds others than process %d",
				  target->name, path, (int)target->pid);
	strcpy(claim->alone, path);
	return 0;
}

static int check_cgroups(const struct actuator_room *room, const struct target *target,
			 enum knob knob, struct known *known, struct error *error)
{
	struct claim claim = { cgroup_cpu(room), cgroup_cpu_controller(room),
			       known->alone.cpu_cgroup };

	claim.at.path = target->cpu_cgroup;
	if (knob == KNOB_DISK) {
		claim = (struct claim){ cgroup_disk(room), cgroup_disk_controller(room),
					known->alone.io_cgroup };
		claim.at.path = target->io_cgroup;
	}
	return check_cgroup(room, target, &claim, error);
}

/* --- places ------------------------------------------------------------------------- */

static void see_origin(char *origin, const char *now)
{
	if (*now && !cgroup_is_ours(now))
		memcpy(origin, now, TARGET_TEXT);
}

static bool may_go(const char *to, const char *origin)
{
	return !*to || (cgroup_is_ours(to) && to[strlen(CGROUP_OURS)] == '/') || !*origin ||
	       strcmp(to, origin) == 0;
}

static int check_place(const struct actuator_room *room, const struct verb *verb,
		       struct known *known, struct error *error)
{
	const struct target *target = &verb->target;
	const struct place *to = &verb->value.place;
	struct place now;
	int result = cgroup_get_place(room, target, &now, error);
	bool may_cpu, may_io;

	if (result)
		return result;
	see_origin(known->origin.cpu_cgroup, now.cpu_cgroup);
	see_origin(known->origin.io_cgroup, now.io_cgroup);
	if (verb->kind != VERB_SET)
		return 0;
	may_cpu = may_go(to->cpu_cgroup, known->origin.cpu_cgroup);
	may_io = may_go(to->io_cgroup, known->origin.io_cgroup);
	if (may_cpu && may_io)
		return 0;
	return error_setf(error, EPERM, "%s: cgroup %s is none of ours, nor where it came from",
			  target->name, may_cpu ? to->io_cgroup : to->cpu_cgroup);
}

/* --- monitors ----------------------------------------------------------------------- */

/* This process may open what its sender may not. */
static int check_monitor(const struct actuator_room *room, const struct target *target,
			 const char *socket, struct error *error)
{
	for (size_t i = 0; i < room->monitors.count; i++)
		if (strcmp(room->monitors.sockets[i], socket) == 0)
			return 0;
	return error_setf(error, EPERM, "%s: no qmp-socket of the configuration is %s",
			  target->name, socket);
}

/* --- who serves a vDISK ------------------------------------------------------------- */

/* Its I/O threads alone are moved: where the process itself stands is nobody's but its owner's. */
static int check_thread(const struct actuator_room *room, const struct target *target,
			struct error *error)
{
	const struct target_service *service = &target->service;
	struct proc_stat stat;

	if (service->tid != service->pid &&
	    !proc_read_stat(room->root, service->pid, service->tid, &stat))
		return 0;
	return error_setf(error, ESRCH, "%s: process %d has no thread %d of its own for it",
			  target->name, (int)service->pid, (int)service->tid);
}

static int check_service(const struct actuator_room *room, const struct target *target,
			 struct error *error)
{
	const struct target_service *service = &target->service;
	struct target process = *target;
	int result;

	process.pid = service->pid;
	process.start_ticks = service->start_ticks;
	result = check_process(room, &process, error);
	if (!result && !service_is_storage_daemon(room->root, service->pid))
		result = error_setf(error, EPERM, "%s: process %d is no storage daemon",
				    target->name, (int)service->pid);
	if (result)
		return result;
	return *service->group && *service->qmp_socket
		       ? check_monitor(room, target, service->qmp_socket, error)
		       : check_thread(room, target, error);
}

/* --- all of it ---------------------------------------------------------------------- */

/* A simulated plant brings its own cgroups and has no processes. */
static bool is_simulated(const struct actuator_room *room)
{
	return room->cgroup.write != cgroup_io_real(room->root).write;
}

int guard_check(struct actuator_room *room, const struct actuator *actuator,
		const struct verb *verb, struct error *error)
{
	const struct target *target = &verb->target;
	enum knob knob = verb->value.knob;
	struct known *known;
	int result;

	if (is_simulated(room))
		return 0;
	/* The domain may have ended: its limit there has not. */
	if (actuator == &actuator_service)
		return check_service(room, target, error);
	if (target->pid == 0)
		return 0;
	result = check_process(room, target, error);
	/* libvirtd knows its domains itself. */
	if (result || actuator == &actuator_libvirt)
		return result;
	known = know(room, target);
	if (!known)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	known->is_qemu = known->is_qemu || qemu_is_running(room->root, target->pid);
	if (!known->is_qemu)
		return error_setf(error, EPERM, "%s: process %d is no QEMU", target->name,
				  (int)target->pid);
	if (actuator == &actuator_qmp)
		return check_monitor(room, target, target->qmp_socket, error);
	if (actuator != &actuator_cgroup)
		return 0;
	return knob == KNOB_PLACE ? check_place(room, verb, known, error)
				  : check_cgroups(room, target, knob, known, error);
}
