/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits of a vDISK at the process that serves it. Of its throttle group, where we may use its
 * monitor: a connection is made for each request and closed after it, so that others get their
 * turn. Else of the thread that serves it alone: cgroup v1 takes single threads, and blkio limits
 * what they hand in themselves. (The io controller of v2 is not threaded.)
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/qmp.h"
#include "vmenergyd/actuator/cgroup.h"
#include "vmenergyd/actuator/throttle.h"

static bool has_group(const struct target_service *service)
{
	return *service->group && *service->qmp_socket;
}

static bool has_thread(const struct actuator_room *room, const struct target *target)
{
	const struct cgroup_at at = cgroup_disk(room);

	return target->service.tid > 0 && *at.mount && !at.v2;
}

static bool serves(const struct actuator_room *room, const struct target *target, enum knob knob)
{
	return knob == KNOB_DISK && target->service.pid > 0 && *target->vdisk &&
	       (has_group(&target->service) || has_thread(room, target));
}

/* --- throttle groups ---------------------------------------------------------------- */

static int open_monitor(const struct target_service *service, struct qmp **qmp, struct error *error)
{
	int result = qmp_open_of(qmp, service->qmp_socket, service->pid, error);

	return result == -ECONNREFUSED ? -ESRCH : result;
}

static int get_group(const struct target_service *service, struct disk_limit *limit,
		     struct error *error)
{
	struct io_throttle throttle;
	struct qmp *qmp;
	int result = open_monitor(service, &qmp, error);

	if (result)
		return result;
	result = qmp_get_group(qmp, service->group, &throttle, error);
	if (!result)
		*limit = limit_of_throttle(&throttle);
	qmp_close(qmp);
	return result;
}

static int set_group(const struct target_service *service, const struct disk_limit *limit,
		     struct error *error)
{
	const struct io_throttle throttle = throttle_of_limit(limit);
	struct qmp *qmp;
	int result = open_monitor(service, &qmp, error);

	if (result)
		return result;
	result = qmp_set_group(qmp, service->group, &throttle, error);
	qmp_close(qmp);
	return result;
}

/* --- threads ------------------------------------------------------------------------ */

struct thread_places {
	char origin[TARGET_TEXT]; /* where its process stands */
	char now[TARGET_TEXT];
	char ours[TARGET_TEXT]; /* where it stands while it is limited */
};

static int find_places(const struct actuator_room *room, const struct target_service *service,
		       struct thread_places *places, struct error *error)
{
	int result = cgroup_get_disk_place(room, service->pid, places->origin, error);

	snprintf(places->ours, sizeof places->ours, CGROUP_OURS "/thread-%d", (int)service->tid);
	return result ? result : cgroup_get_disk_place(room, service->tid, places->now, error);
}

static int read_limit(const struct actuator_room *room, const struct target *target,
		      const char *path, struct disk_limit *limit, struct error *error)
{
	struct cgroup_at at = cgroup_disk(room);

	at.path = path;
	return cgroup_get_disk(&at, target, limit, error);
}

static int write_limit(const struct actuator_room *room, const struct target *target,
		       const char *path, const struct disk_limit *limit, struct error *error)
{
	struct cgroup_at at = cgroup_disk(room);
	int result;

	at.path = path;
	result = cgroup_make(room, &at, error);
	return result ? result : cgroup_set_disk(&at, target, limit, error);
}

/* `limit`, and no looser than `than` anywhere; 0 = unlimited. The four that blkio knows. */
static struct disk_limit no_looser(struct disk_limit limit, const struct disk_limit *than)
{
	const struct {
		uint64_t *value, bound;
	} pairs[] = {
		{ &limit.read_bytes_s, than->read_bytes_s },
		{ &limit.write_bytes_s, than->write_bytes_s },
		{ &limit.read_requests_s, than->read_requests_s },
		{ &limit.write_requests_s, than->write_requests_s },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (pairs[i].bound && (!*pairs[i].value || *pairs[i].value > pairs[i].bound))
			*pairs[i].value = pairs[i].bound;
	return limit;
}

/*
 * In a place of ours it is limited, and never freer than its process is; where no more is asked
 * for than that has, it goes back. The limit is there before the thread is, which somebody's
 * sweeping may undo: once more then.
 */
static int set_thread(const struct actuator_room *room, const struct target *target,
		      const struct disk_limit *limit, struct error *error)
{
	struct thread_places places;
	struct disk_limit origin, least;
	int result = find_places(room, &target->service, &places, error);

	if (!result && strcmp(places.now, places.origin) != 0 &&
	    strcmp(places.now, places.ours) != 0)
		return error_setf(error, EPERM,
				  "%s: somebody else has put thread %d into cgroup %s",
				  target->name, (int)target->service.tid, places.now);
	if (!result)
		result = read_limit(room, target, places.origin, &origin, error);
	if (result)
		return result;
	least = no_looser(*limit, &origin);
	if (memcmp(&least, &origin, sizeof least) == 0)
		return cgroup_move_thread(room, target->service.tid, places.origin, error);
	if (strcmp(places.now, places.ours) != 0)
		cgroup_sweep(room, &(struct cgroup_at){ .mount = cgroup_disk(room).mount });
	for (unsigned tries = 0; !result && tries < 2; tries++) {
		result = write_limit(room, target, places.ours, &least, error);
		if (!result)
			result = cgroup_move_thread(room, target->service.tid, places.ours, error);
		if (result != -ENOENT)
			break;
		result = tries ? result : 0;
	}
	return result;
}

static int get_thread(const struct actuator_room *room, const struct target *target,
		      struct disk_limit *limit, struct error *error)
{
	struct thread_places places;
	int result = find_places(room, &target->service, &places, error);

	return result ? result : read_limit(room, target, places.now, limit, error);
}

/* --- the table's entry ---------------------------------------------------------------- */

static int get(struct actuator_room *room, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	return has_group(&target->service) ? get_group(&target->service, &value->disk, error)
					   : get_thread(room, target, &value->disk, error);
}

static int set(struct actuator_room *room, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	return has_group(&target->service) ? set_group(&target->service, &value->disk, error)
					   : set_thread(room, target, &value->disk, error);
}

const struct actuator actuator_service = {
	.name = "service",
	.serves = serves,
	.get = get,
	.set = set,
	.may_block = true,
};
