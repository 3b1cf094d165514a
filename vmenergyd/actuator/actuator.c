/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/actuator/actuator.h"

#include <errno.h>

#include "host/libvirt-write.h"
#include "vmenergyd/actuator/cgroup.h"
#include "vmenergyd/actuator/guard.h"
#include "vmenergyd/actuator/null.h"

/* The first that serves; null only in a dry run. */
static const struct actuator *const table[] = {
	&actuator_null, &actuator_service, &actuator_libvirt, &actuator_qmp, &actuator_cgroup,
};

int actuator_room_open(struct actuator_room *room, const struct rootfs *root, bool dry_run,
		       struct error *error)
{
	(void)error;
	*room = (struct actuator_room){
		.root = root,
		.cgroup = cgroup_io_real(root),
		.dry_run = dry_run,
	};
	cgroup_find_mounts(root, &room->mounts);
	return 0;
}

void actuator_room_close(struct actuator_room *room)
{
	libvirt_write_close(room->libvirt);
	null_memory_free(room->null);
	guard_free(room->guard);
	*room = (struct actuator_room){ 0 };
}

static const char *why_none(const struct actuator_room *room, const struct target *target,
			    enum knob knob)
{
	bool is_libvirt = target->manager == DOMAIN_LIBVIRT;

	if (knob == KNOB_PLACE)
		return is_libvirt         ? "libvirt chooses its cgroup"
		       : target->pid <= 0 ? "it has no process on this host"
					  : "no cgroup hierarchy is mounted";
	if (is_libvirt)
		return *target->uuid ? "which vDISK is not said" : "its UUID is unknown";
	if (knob == KNOB_DISK) {
		if (!target->leaf_count)
			return "it is on no local block device, and there is no QMP socket for it";
		return *cgroup_disk(room).mount ? "no cgroup holds it alone for its disk"
						: "no cgroup hierarchy has the io controller";
	}
	return *cgroup_cpu(room).mount ? "no cgroup holds it alone for its CPU"
				       : "no cgroup hierarchy has the cpu controller";
}

const struct actuator *actuator_for(const struct actuator_room *room, const struct target *target,
				    enum knob knob, struct error *error)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i]->serves(room, target, knob))
			return table[i];
	error_setf(error, EOPNOTSUPP, "%s: %s cannot be limited: %s", target->name, knob_name(knob),
		   why_none(room, target, knob));
	return NULL;
}
