/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshot contract, format 1: keys, their order and nesting are fixed. */
#include "wire/snapshot-shape.h"

#include "model/snapshot.h"

/* --- words ----------------------------------------------------------------- */

FIELD_WORD(idle_policy);
FIELD_WORD(cpu_source);
FIELD_WORD(standing);
FIELD_WORD(scope);
FIELD_WORD(domain_state);
static const struct field_word quality_word = { quality_name, quality_parse };

/* --- bounds: against lines that were made to hurt, far above any host -------- */

enum { DOMAINS_MAX = 100000, PARTS_MAX = 10000 /* of a domain, or of the host */ };

/* --- members --------------------------------------------------------------- */

/* clang-format off */
#define NAMED(type_, key_, struct_, member_) { SHAPE_AT(key_, struct_, member_, type_) }
#define FIGURE(struct_, member_) NAMED(FIGURE, #member_, struct_, member_)
#define COUNT(struct_, member_) NAMED(COUNT, #member_, struct_, member_)
#define NAME(struct_, member_) NAMED(NAME, #member_, struct_, member_)
#define TEXT(struct_, member_) NAMED(TEXT, #member_, struct_, member_)
#define WORDED(struct_, member_, word_) \
	{ SHAPE_AT(#member_, struct_, member_, WORD), .word = &(word_) }
#define QUALITY(struct_) { SHAPE_AT("quality", struct_, quality, BITS), .max = QUALITY_COUNT, \
			   .word = &quality_word }
#define OBJECT(key_, struct_, member_, shape_) \
	{ SHAPE_AT(key_, struct_, member_, OBJECT), .shape = &(shape_) }
#define LIST(key_, struct_, items_, count_, max_, shape_) \
	{ SHAPE_LIST_AT(key_, struct_, items_, count_, LIST), .max = (max_), .shape = &(shape_) }
#define BESIDE(key_, struct_, items_, count_, shape_) \
	{ SHAPE_LIST_AT(key_, struct_, items_, count_, BESIDE), .shape = &(shape_) }
/* clang-format on */

static const struct shape_member source_members[] = {
	WORDED(snapshot_source, cpu, cpu_source_word),
	WORDED(snapshot_source, standing, standing_word),
	TEXT(snapshot_source, weights),
	WORDED(snapshot_source, scope, scope_word),
	TEXT(snapshot_source, meter),
};
static const struct shape source_shape = SHAPE_OF(source_members);

static const struct shape_member kept_members[] = {
	NAME(snapshot_kept, name),
	FIGURE(snapshot_kept, idle_w),
	FIGURE(snapshot_kept, active_w),
};
static const struct shape kept_shape = SHAPE_OF(kept_members);

/* Offsets from the snapshot: what the host kept stands in the middle. */
static const struct shape_member host_members[] = {
	NAMED(FIGURE, "total_w", snapshot, host.total_w),
	NAMED(FIGURE, "total_j", snapshot, host.total_j),
	NAMED(FIGURE, "cpu_idle_w", snapshot, host.cpu_idle_w),
	NAMED(FIGURE, "cpu_active_w", snapshot, host.cpu_active_w),
	NAMED(FIGURE, "disk_idle_w", snapshot, host.disk_idle_w),
	NAMED(FIGURE, "disk_active_w", snapshot, host.disk_active_w),
	NAMED(FIGURE, "net_idle_w", snapshot, host.net_idle_w),
	NAMED(FIGURE, "net_active_w", snapshot, host.net_active_w),
	NAMED(FIGURE, "kept_w", snapshot, host.kept_w),
	LIST("kept", snapshot, kept, kept_count, PARTS_MAX, kept_shape),
	NAMED(FIGURE, "metered_w", snapshot, host.metered_w),
	NAMED(FIGURE, "residual_w", snapshot, host.residual_w),
	NAMED(TEXT, "residual_reason", snapshot, host.residual_reason),
	NAMED(FIGURE, "cap_w", snapshot, host.cap_w),
	NAMED(FIGURE, "temperature_c", snapshot, host.temperature_c),
	{ SHAPE_AT("quality", snapshot, host.quality, BITS), .max = QUALITY_COUNT,
	  .word = &quality_word },
};
static const struct shape host_shape = SHAPE_OF(host_members);

static const struct shape_member power_members[] = {
	FIGURE(account_power, idle_w),
	FIGURE(account_power, active_w),
	FIGURE(account_power, idle_j),
	FIGURE(account_power, active_j),
};
static const struct shape power_shape = SHAPE_OF(power_members);

static const struct shape_member control_members[] = {
	FIGURE(snapshot_control, cap_w),        FIGURE(snapshot_control, cap_total_w),
	FIGURE(snapshot_control, cpu_cap_w),    FIGURE(snapshot_control, disk_cap_w),
	FIGURE(snapshot_control, floor_w),      FIGURE(snapshot_control, share),
	FIGURE(snapshot_control, stride),       FIGURE(snapshot_control, headroom_w),
	FIGURE(snapshot_control, infeasible_w),
};
static const struct shape control_shape = SHAPE_OF(control_members);

static const struct shape_member throttle_members[] = {
	NAMED(FIGURE, "cpu", snapshot_domain, throttle_cpu),
	NAMED(FIGURE, "disk", snapshot_domain, throttle_disk),
};
static const struct shape throttle_shape = SHAPE_OF(throttle_members);

static const struct shape_member vcpu_members[] = {
	NAMED(VCPU, "id", snapshot_vcpu, id),
	NAMED(ID, "tid", snapshot_vcpu, tid),
	FIGURE(snapshot_vcpu, active_w),
	FIGURE(snapshot_vcpu, cpu_percent),
};
static const struct shape vcpu_shape = SHAPE_OF(vcpu_members);

static const struct shape_member vdisk_members[] = {
	NAME(snapshot_vdisk, name),
	TEXT(snapshot_vdisk, disk),
	FIGURE(snapshot_vdisk, idle_w),
	FIGURE(snapshot_vdisk, active_w),
	FIGURE(snapshot_vdisk, service_idle_w),
	FIGURE(snapshot_vdisk, service_active_w),
	COUNT(snapshot_vdisk, read_bytes),
	COUNT(snapshot_vdisk, write_bytes),
	COUNT(snapshot_vdisk, requests),
};
static const struct shape vdisk_shape = SHAPE_OF(vdisk_members);

static const struct shape_member vnic_members[] = {
	NAME(snapshot_vnic, name),
	TEXT(snapshot_vnic, nic),
	FIGURE(snapshot_vnic, idle_w),
	FIGURE(snapshot_vnic, active_w),
	FIGURE(snapshot_vnic, service_active_w),
	COUNT(snapshot_vnic, rx_bytes),
	COUNT(snapshot_vnic, tx_bytes),
	COUNT(snapshot_vnic, packets),
};
static const struct shape vnic_shape = SHAPE_OF(vnic_members);

/* Of the whole struct, for members that stand in an object of their own in the contract alone. */
#define INSIDE(key_, shape_)                                                                       \
	{                                                                                          \
		.key = (key_), .type = SHAPE_OBJECT, .offset = 0, .shape = &(shape_)               \
	}

static const struct shape_member domain_members[] = {
	NAME(snapshot_domain, id),
	NAME(snapshot_domain, name),
	TEXT(snapshot_domain, uuid),
	TEXT(snapshot_domain, owner),
	WORDED(snapshot_domain, state, domain_state_word),
	TEXT(snapshot_domain, reason),
	QUALITY(snapshot_domain),
	OBJECT("cpu", snapshot_domain, cpu, power_shape),
	OBJECT("disk", snapshot_domain, disk, power_shape),
	OBJECT("service", snapshot_domain, service, power_shape),
	{ SHAPE_AT("net", snapshot_domain, net, OBJECT), .shape = &power_shape, .optional = true },
	FIGURE(snapshot_domain, total_w),
	FIGURE(snapshot_domain, total_j),
	FIGURE(snapshot_domain, error_w),
	OBJECT("control", snapshot_domain, control, control_shape),
	INSIDE("throttle", throttle_shape),
	LIST("vcpus", snapshot_domain, vcpus, vcpu_count, PARTS_MAX, vcpu_shape),
	LIST("vdisks", snapshot_domain, vdisks, vdisk_count, PARTS_MAX, vdisk_shape),
	{ SHAPE_LIST_AT("vnics", snapshot_domain, vnics, vnic_count, LIST), .max = PARTS_MAX,
	  .shape = &vnic_shape, .optional = true },
};
static const struct shape domain_shape = SHAPE_OF(domain_members);

static const struct shape_member service_members[] = {
	NAME(snapshot_service, name),
	NAMED(ID, "pid", snapshot_service, pid),
	FIGURE(snapshot_service, idle_w),
	FIGURE(snapshot_service, active_w),
	{ SHAPE_LIST_AT("clients", snapshot_service, clients, client_count, TEXTS),
	  .max = DOMAINS_MAX },
	FIGURE(snapshot_service, request_j),
	FIGURE(snapshot_service, byte_j),
	FIGURE(snapshot_service, base_w),
};
static const struct shape service_shape = SHAPE_OF(service_members);

static const struct shape_member snapshot_members[] = {
	NAMED(U64, "seq", snapshot, seq),
	NAMED(U64, "epoch", snapshot, epoch),
	NAMED(FIGURE, "time", snapshot, time_s),
	NAMED(FIGURE, "interval_s", snapshot, interval_s),
	NAMED(FIGURE, "since", snapshot, since_s),
	WORDED(snapshot, idle_policy, idle_policy_word),
	OBJECT("source", snapshot, source, source_shape),
	INSIDE("host", host_shape),
	LIST("domains", snapshot, domains, domain_count, DOMAINS_MAX, domain_shape),
	LIST("services", snapshot, services, service_count, PARTS_MAX, service_shape),
};
const struct shape snapshot_shape = SHAPE_OF(snapshot_members);

/* --- more ------------------------------------------------------------------ */

static const struct shape_member more_host_members[] = {
	FIGURE(snapshot_host, cpu_idle_j),  FIGURE(snapshot_host, cpu_active_j),
	FIGURE(snapshot_host, disk_idle_j), FIGURE(snapshot_host, disk_active_j),
	FIGURE(snapshot_host, net_idle_j),  FIGURE(snapshot_host, net_active_j),
	FIGURE(snapshot_host, kept_j),
};
static const struct shape more_host_shape = SHAPE_OF(more_host_members);

static const struct shape_member package_members[] = {
	FIGURE(snapshot_package, active_w),
	FIGURE(snapshot_package, frequency_hz),
	FIGURE(snapshot_package, temperature_c),
	QUALITY(snapshot_package),
};
static const struct shape package_shape = SHAPE_OF(package_members);

static const struct shape_member disk_members[] = {
	NAME(snapshot_disk, name),
	NAME(snapshot_disk, model),
	TEXT(snapshot_disk, weights),
	FIGURE(snapshot_disk, idle_w),
	FIGURE(snapshot_disk, active_w),
	FIGURE(snapshot_disk, idle_j),
	FIGURE(snapshot_disk, active_j),
	COUNT(snapshot_disk, read_bytes),
	COUNT(snapshot_disk, write_bytes),
	COUNT(snapshot_disk, requests),
	FIGURE(snapshot_disk, busy_percent),
	NAMED(SIZE, "vdisks", snapshot_disk, vdisks),
	QUALITY(snapshot_disk),
};
static const struct shape disk_shape = SHAPE_OF(disk_members);

static const struct shape_member more_vdisk_members[] = { TEXT(snapshot_vdisk, reason) };
static const struct shape more_vdisk_shape = SHAPE_OF(more_vdisk_members);

static const struct shape_member more_vnic_members[] = { TEXT(snapshot_vnic, reason) };
static const struct shape more_vnic_shape = SHAPE_OF(more_vnic_members);

static const struct shape_member more_domain_members[] = {
	FIGURE(snapshot_domain, cpu_percent),
	BESIDE("vdisks", snapshot_domain, vdisks, vdisk_count, more_vdisk_shape),
	{ SHAPE_LIST_AT("vnics", snapshot_domain, vnics, vnic_count, BESIDE),
	  .shape = &more_vnic_shape, .optional = true },
};
static const struct shape more_domain_shape = SHAPE_OF(more_domain_members);

static const struct shape_member more_members[] = {
	NAMED(U64, "missed_ticks", snapshot, missed_ticks),
	OBJECT("host", snapshot, host, more_host_shape),
	LIST("packages", snapshot, packages, package_count, PARTS_MAX, package_shape),
	LIST("disks", snapshot, disks, disk_count, PARTS_MAX, disk_shape),
	BESIDE("domains", snapshot, domains, domain_count, more_domain_shape),
};
const struct shape snapshot_more_shape = SHAPE_OF(more_members);
