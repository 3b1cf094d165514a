/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who owns a domain writes: libvirt would not know of what we write past it. */
#include <errno.h>

#include "host/libvirt-write.h"
#include "vmenergyd/actuator/cgroup.h"
#include "vmenergyd/actuator/throttle.h"

static bool serves(const struct actuator_room *room, const struct target *target, enum knob knob)
{
	(void)room;
	if (target->manager != DOMAIN_LIBVIRT || !*target->uuid)
		return false;
	return knob == KNOB_CPU || knob == KNOB_SHARES || (knob == KNOB_DISK && *target->vdisk);
}

static struct libvirt_domain_ref ref_of(const struct target *target)
{
	return (struct libvirt_domain_ref){
		.uri = *target->uri ? target->uri : "qemu:///system",
		.uuid = target->uuid,
		.vcpus = target->vcpus,
	};
}

static int need_connection(struct actuator_room *room, struct error *error)
{
	return room->libvirt ? 0 : libvirt_write_open(&room->libvirt, error);
}

/* Its shares are those of the host's cgroups. */
static bool has_weights(const struct actuator_room *room)
{
	return cgroup_cpu(room).v2;
}

static int get(struct actuator_room *room, const struct target *target, struct knob_value *value,
	       struct error *error)
{
	const struct libvirt_domain_ref ref = ref_of(target);
	struct libvirt_bandwidth cpu;
	struct io_throttle throttle;
	uint64_t shares;
	int result = need_connection(room, error);

	if (result)
		return result;
	switch (value->knob) {
	case KNOB_CPU:
		result = libvirt_write_get_cpu(room->libvirt, &ref, &cpu, error);
		if (result < 0)
			return result;
		value->cpu = (struct cpu_limit){ cpu.quota_us, cpu.period_us };
		value->must_renew = result > 0;
		return 0;
	case KNOB_SHARES:
		result = libvirt_write_get_shares(room->libvirt, &ref, &shares, error);
		if (result)
			return result;
		value->shares = shares;
		value->raw_shares = 0;
		if (!has_weights(room))
			knob_value_from_v1(shares, value);
		return 0;
	case KNOB_DISK:
		result = libvirt_write_get_disk(room->libvirt, &ref, target->vdisk, &throttle,
						error);
		if (!result)
			value->disk = limit_of_throttle(&throttle);
		return result;
	case KNOB_PLACE:
		break;
	}
	return error_setf(error, EINVAL, "libvirt: chooses the cgroup itself");
}

static int set(struct actuator_room *room, const struct target *target,
	       const struct knob_value *value, struct error *error)
{
	const struct libvirt_domain_ref ref = ref_of(target);
	struct libvirt_bandwidth cpu;
	struct io_throttle throttle;
	int result = need_connection(room, error);

	if (result)
		return result;
	switch (value->knob) {
	case KNOB_CPU:
		cpu = (struct libvirt_bandwidth){ value->cpu.quota_us, value->cpu.period_us };
		return libvirt_write_set_cpu(room->libvirt, &ref, &cpu, error);
	case KNOB_SHARES:
		return libvirt_write_set_shares(
			room->libvirt, &ref,
			has_weights(room) ? value->shares : knob_value_to_v1(value), error);
	case KNOB_DISK:
		throttle = throttle_of_limit(&value->disk);
		return libvirt_write_set_disk(room->libvirt, &ref, target->vdisk, &throttle, error);
	case KNOB_PLACE:
		break;
	}
	return error_setf(error, EINVAL, "libvirt: chooses the cgroup itself");
}

const struct actuator actuator_libvirt = {
	.name = "libvirt",
	.serves = serves,
	.get = get,
	.set = set,
	.may_block = true,
};
