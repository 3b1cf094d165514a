/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "host/libvirt-quota.h"
#include "vmenergyd/actuator/guard.h"
#include "vmenergyd/helper-internal.h"
#include "vmenergyd/helper.h"

/* --- is it a verb? ------------------------------------------------------------- */

#define ENDS(text) (memchr(text, '\0', sizeof(text)) != NULL)

static bool texts_end(const struct target *target)
{
	return ENDS(target->id) && ENDS(target->name) && ENDS(target->uuid) && ENDS(target->uri) &&
	       ENDS(target->cpu_cgroup) && ENDS(target->io_cgroup) && ENDS(target->qmp_socket) &&
	       ENDS(target->vdisk) && ENDS(target->service.group) &&
	       ENDS(target->service.qmp_socket);
}

/* A URI can name a command to run or a host to reach: only local sockets are taken. */
static bool is_local_uri(const char *uri)
{
	size_t scheme = strspn(uri, "abcdefghijklmnopqrstuvwxyz");
	const char *rest = uri + scheme, *query = strchr(uri, '?');

	if (!*uri)
		return true;
	if (strncmp(rest, "+unix", 5) == 0)
		rest += 5;
	return scheme > 0 && strncmp(rest, ":///", 4) == 0 &&
	       (!query || (strncmp(query, "?socket=", 8) == 0 && !strchr(query, '&') &&
			   !strchr(query + 1, '?')));
}

static int check_target(const struct target *target, struct error *error)
{
	struct knob_value place = { .knob = KNOB_PLACE };

	if (!texts_end(target))
		return error_setf(error, EINVAL, "verb: a text has no end");
	if (target->manager != DOMAIN_LIBVIRT && target->manager != DOMAIN_QEMU)
		return error_setf(error, EINVAL, "verb: no manager has number %d",
				  (int)target->manager);
	if (!is_local_uri(target->uri))
		return error_setf(error, EINVAL, "verb: %s is no local libvirt", target->uri);
	if (target->leaf_count > TARGET_LEAVES)
		return error_setf(error, EINVAL, "verb: %u leaves: must be at most %d",
				  target->leaf_count, TARGET_LEAVES);
	if (target->vcpus > LIBVIRT_VCPUS_MAX)
		return error_setf(error, EINVAL, "verb: %u vCPUs: must be at most %d",
				  target->vcpus, LIBVIRT_VCPUS_MAX);
	/* libvirt finds its domains by UUID alone. */
	if (target->pid < 0 || (target->pid == 0 && target->manager != DOMAIN_LIBVIRT))
		return error_setf(error, EINVAL, "verb: %d is no process", (int)target->pid);
	if (target->service.pid < 0 || target->service.tid < 0)
		return error_setf(
			error, EINVAL, "verb: %d is no process",
			(int)(target->service.pid < 0 ? target->service.pid : target->service.tid));
	if (strcmp(target->cpu_cgroup, "/") == 0 || strcmp(target->io_cgroup, "/") == 0)
		return error_setf(error, EINVAL, "verb: the cgroup of all processes");
	memcpy(place.place.cpu_cgroup, target->cpu_cgroup, sizeof place.place.cpu_cgroup);
	memcpy(place.place.io_cgroup, target->io_cgroup, sizeof place.place.io_cgroup);
	return knob_value_check(&place, error);
}

int verb_check(const struct verb *verb, struct error *error)
{
	int result;

	if (verb->kind != VERB_GET && verb->kind != VERB_SET)
		return error_setf(error, EINVAL, "verb: no kind has number %d", (int)verb->kind);
	if ((unsigned)verb->value.knob >= KNOB_COUNT)
		return error_setf(error, ERANGE, "verb: no knob has number %d",
				  (int)verb->value.knob);
	result = check_target(&verb->target, error);
	if (!result && verb->kind == VERB_SET)
		result = knob_value_check(&verb->value, error);
	return result;
}

/* --- do it --------------------------------------------------------------------- */

enum { TRIES = 5, PAUSE_NS = 20000000 };

/* What is busy is tried again, for a tenth of a second in all. */
static int set_patiently(struct actuator_room *room, const struct actuator *actuator,
			 const struct verb *verb, struct error *error)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int result = actuator->set(room, &verb->target, &verb->value, error);

	for (unsigned i = 1; i < TRIES && result == -EBUSY; i++) {
		nanosleep(&pause, NULL);
		result = actuator->set(room, &verb->target, &verb->value, error);
	}
	return result;
}

/* As the actuator would read it back. */
static bool is_in_force(const struct knob_value *now, const struct knob_value *wanted)
{
	struct knob_value usable = *wanted;

	if (usable.knob == KNOB_DISK)
		usable.disk = disk_limit_usable(&wanted->disk);
	if (usable.knob == KNOB_CPU && (wanted->burst_us > now->burst_us || now->must_renew))
		return false;
	if (usable.knob == KNOB_PLACE) { /* "" = leave it */
		if (!*usable.place.cpu_cgroup)
			memcpy(usable.place.cpu_cgroup, now->place.cpu_cgroup, TARGET_TEXT);
		if (!*usable.place.io_cgroup)
			memcpy(usable.place.io_cgroup, now->place.io_cgroup, TARGET_TEXT);
	}
	return knob_value_equal(now, &usable);
}

static int set_and_read(struct actuator_room *room, const struct actuator *actuator,
			const struct verb *verb, struct applied *applied)
{
	int result;

	/* Each write of a limit, an unchanged one too, gives a quota for free. */
	if (actuator->get(room, &verb->target, &applied->value, NULL) == 0 &&
	    is_in_force(&applied->value, &verb->value))
		return 0;
	result = set_patiently(room, actuator, verb, &applied->error);
	if (result)
		return result;
	applied->value = (struct knob_value){ .knob = verb->value.knob };
	return actuator->get(room, &verb->target, &applied->value, &applied->error);
}

static bool begin(struct actuator_room *room, const struct actuator *actuator,
		  const struct verb *verb, struct applied *applied)
{
	*applied = (struct applied){ .seq = verb->seq, .value.knob = verb->value.knob };
	snprintf(applied->actuator, sizeof applied->actuator, "%s", actuator->name);
	if (!room->dry_run)
		applied->result = guard_check(room, actuator, verb, &applied->error);
	return applied->result == 0;
}

void verb_do(struct actuator_room *room, const struct actuator *actuator, const struct verb *verb,
	     struct applied *applied)
{
	if (!begin(room, actuator, verb, applied))
		return;
	if (verb->kind == VERB_SET)
		applied->result = set_and_read(room, actuator, verb, applied);
	else
		applied->result =
			actuator->get(room, &verb->target, &applied->value, &applied->error);
	if (!applied->result)
		applied->error.text[0] = '\0';
}

int verb_write(struct actuator_room *room, const struct actuator *actuator, const struct verb *verb)
{
	struct applied applied;

	if (begin(room, actuator, verb, &applied))
		applied.result = set_patiently(room, actuator, verb, &applied.error);
	return applied.result;
}

void verb_perform(struct actuator_room *room, const struct verb *verb, struct applied *applied)
{
	const struct actuator *actuator = NULL;

	*applied = (struct applied){ .seq = verb->seq, .value.knob = verb->value.knob };
	applied->result = verb_check(verb, &applied->error);
	if (applied->result)
		return;
	actuator = actuator_for(room, &verb->target, verb->value.knob, &applied->error);
	if (actuator)
		verb_do(room, actuator, verb, applied);
	else
		applied->result = -EOPNOTSUPP;
	if (applied->result == -EAGAIN) /* is said of a full queue alone */
		applied->result = -EBUSY;
}
