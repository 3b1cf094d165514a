/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-want.c - allotments as values of knobs; what the next run must know of them. */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#define SHARES_MOST 10000.0
#define FOLDER "/vmenergy/"
#define BYTES_MOST 1e15   /* QEMU takes no more */
#define REQUESTS_MOST 4e9 /* 32 bits in blkio and io.max */

/* --- CPU ---------------------------------------------------------------------------------- */

static struct knob_value cpu_value(const struct enforce_domain *domain, double cpus)
{
	struct bandwidth bandwidth = bandwidth_from_cpus(cpus, domain->target.vcpus);

	return (struct knob_value){ .knob = KNOB_CPU,
				    .cpu = { bandwidth.quota_us, bandwidth.period_us } };
}

/* Where a cgroup is needed and there is none yet, KNOB_PLACE comes first. */
static bool has_place(const struct enforce_domain *domain)
{
	return domain->target.manager == DOMAIN_LIBVIRT || domain->target.cpu_cgroup[0];
}

static int want_cpu(struct enforce_domain *domain, const struct policy_allotment *allotment)
{
	struct knob_value value = cpu_value(domain, allotment->cpus);

	/* Without a quota, too: then the original is known by the time that one is needed. */
	if (!has_place(domain))
		return 0;
	return enforce_knob_want(domain, &value, "");
}

static int want_shares(struct enforce_domain *domain)
{
	double share = fmin(SHARES_MOST, fmax(1, round(domain->limits.share)));
	struct knob_value value = { .knob = KNOB_SHARES };
	struct enforce_knob *knob = enforce_knob(domain, KNOB_SHARES, "");

	if (isnan(domain->limits.share)) {
		if (knob)
			knob->leaving = true;
		return 0;
	}
	if (!has_place(domain))
		return 0;
	value.shares = (uint64_t)share;
	return enforce_knob_want(domain, &value, "");
}

/* --- disks -------------------------------------------------------------------------------- */

/* 0 is no limit, and so is what no disk comes near to (actuators may take no more); what is less
 * than one byte is one. Parts of a whole may sum to a hair less. */
static uint64_t whole_rate(double rate, double most)
{
	const double hair = 1e-12;

	return rate > most ? 0 : (uint64_t)fmax(1, floor(rate * (1 + hair)));
}

static void add_rates(struct policy_disk_allotment *sum, const struct policy_disk_allotment *more)
{
	sum->read_bytes_s += more->read_bytes_s;
	sum->write_bytes_s += more->write_bytes_s;
	sum->read_requests_s += more->read_requests_s;
	sum->write_requests_s += more->write_requests_s;
}

static struct knob_value disk_value(const struct enforce_domain *domain,
				    const struct policy_allotment *allotment, size_t leader)
{
	/* The cgroup of a thread counts anew what the block layer cuts: bytes alone hold there. */
	bool bytes_only = domain->disks.items[leader].service.tid > 0;
	double requests_most = bytes_only ? 0 : REQUESTS_MOST;
	struct policy_disk_allotment sum = { 0 };

	for (size_t i = leader; i < domain->disks.count; i++)
		if (enforce_disk_leader(domain, i) == leader)
			add_rates(&sum, &allotment->disks[i]);
	return (struct knob_value){
		.knob = KNOB_DISK,
		.disk = { .read_bytes_s = whole_rate(sum.read_bytes_s, BYTES_MOST),
			  .write_bytes_s = whole_rate(sum.write_bytes_s, BYTES_MOST),
			  .read_requests_s = whole_rate(sum.read_requests_s, requests_most),
			  .write_requests_s = whole_rate(sum.write_requests_s, requests_most) },
	};
}

static bool limits_disk(const struct disk_limit *limit)
{
	return limit->read_bytes_s > 0 || limit->write_bytes_s > 0 || limit->read_requests_s > 0 ||
	       limit->write_requests_s > 0;
}

static bool has_leaf(const struct target *target, unsigned major, unsigned minor)
{
	for (unsigned i = 0; i < target->leaf_count; i++)
		if (target->leaves[i].major == major && target->leaves[i].minor == minor)
			return true;
	return false;
}

/* What is in force on one of its devices is ours, of a vDISK that was unplugged: no original. */
static bool is_given_back(const struct enforce_domain *domain, const char *vdisk)
{
	struct target now = { .leaf_count = 0 };

	enforce_disk_leaves(domain, vdisk, &now);
	for (size_t i = 0; i < domain->knobs.count; i++) {
		const struct enforce_knob *knob = domain->knobs.items[i];

		for (unsigned k = 0; k < now.leaf_count; k++)
			if (knob->knob == KNOB_DISK && knob->is_former &&
			    has_leaf(&knob->former, now.leaves[k].major, now.leaves[k].minor))
				return true;
	}
	return false;
}

static bool is_ready(const struct enforce_domain *domain, const struct enforce_disk *disk)
{
	enum disk_way way = enforce_disk_way(domain, disk);

	if (way == WAY_SERVICE)
		return true;
	/* It is given a cgroup first. */
	if (way == WAY_CGROUP && !domain->target.io_cgroup[0])
		return false;
	/* libvirt would not know of what is written past it. */
	return !domain->awaits_libvirt && !is_given_back(domain, disk->name);
}

static int want_disks(const struct enforce *enforce, struct enforce_domain *domain,
		      const struct policy_allotment *allotment)
{
	int result = 0;

	for (size_t i = 0; i < domain->disks.count && !result; i++) {
		const struct enforce_disk *disk = &domain->disks.items[i];
		struct knob_value value;

		if (enforce_disk_leader(domain, i) != i ||
		    !enforce_can_hold_disk(enforce, domain, disk))
			continue;
		if (!is_ready(domain, disk))
			continue;
		value = disk_value(domain, allotment, i);
		if (limits_disk(&value.disk) || enforce_knob(domain, KNOB_DISK, disk->name))
			result = enforce_knob_want(domain, &value, disk->name);
	}
	return result;
}

/* --- a cgroup of its own ------------------------------------------------------------------ */

static void put_folder(const struct enforce_domain *domain, char path[TARGET_TEXT])
{
	size_t used = strlen(FOLDER);

	strcpy(path, FOLDER);
	for (const char *c = domain->id; *c && used < TARGET_TEXT - 1; c++, used++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '0' && *c <= '9') || *c == '-';

		path[used] = *c;
		if (!plain)
			path[used] = '_';
	}
	path[used] = '\0';
}

static int want_place(const struct enforce *enforce, struct enforce_domain *domain)
{
	struct knob_value value = { .knob = KNOB_PLACE };
	const struct target *target = &domain->target;
	struct enforce_knob *knob = enforce_knob(domain, KNOB_PLACE, "");

	if (target->manager == DOMAIN_LIBVIRT || domain->awaits_libvirt ||
	    !enforce->config->move_processes)
		return 0;
	if (target->cpu_cgroup[0]) {
		if (knob && !knob->is_former)
			knob->leaving = false;
		return 0;
	}
	put_folder(domain, value.place.cpu_cgroup);
	if (!target->io_cgroup[0])
		put_folder(domain, value.place.io_cgroup);
	return enforce_knob_want(domain, &value, "");
}

/* --- all of a domain ---------------------------------------------------------------------- */

static void let_go(struct enforce_domain *domain)
{
	for (size_t i = 0; i < domain->knobs.count; i++) {
		struct enforce_knob *knob = domain->knobs.items[i];

		if (!knob->is_former && !isnan(domain->limits.share) &&
		    (knob->knob == KNOB_SHARES || knob->knob == KNOB_PLACE))
			continue;
		knob->has_wanted = false;
		knob->leaving = true;
	}
}

static const struct enforce_disk *disk_called(const struct enforce_domain *domain, const char *name)
{
	for (size_t i = 0; i < domain->disks.count; i++)
		if (strcmp(domain->disks.items[i].name, name) == 0)
			return &domain->disks.items[i];
	return NULL;
}

static bool limits_all_of(const struct enforce_domain *domain, const char *vdisk,
			  const struct target *devices)
{
	struct target now = { .leaf_count = 0 };

	enforce_disk_leaves(domain, vdisk, &now);
	for (unsigned i = 0; i < devices->leaf_count; i++)
		if (!has_leaf(&now, devices->leaves[i].major, devices->leaves[i].minor))
			return false;
	return true;
}

/*
 * A limit of a cgroup stays on its device, whatever becomes of the vDISK. Another vDISK on that
 * device goes on with it, or the original goes back.
 */
static void follow_device(struct enforce *enforce, struct enforce_domain *domain,
			  struct enforce_knob *knob)
{
	const struct enforce_disk *disk = disk_called(domain, knob->vdisk);

	/* Where it lies now is not known yet, or there as before. */
	if (disk && (disk->leaf_count == 0 || limits_all_of(domain, knob->vdisk, &knob->former)))
		return;
	for (size_t i = 0; i < domain->disks.count; i++) {
		const char *name = domain->disks.items[i].name;

		if (enforce_knob(domain, KNOB_DISK, name) ||
		    !limits_all_of(domain, name, &knob->former))
			continue;
		enforce_knob_rename(enforce, knob, name);
		return;
	}
	knob->is_former = knob->leaving = true;
	knob->has_wanted = false;
}

/* A service's limit stays, too. */
static void follow_export(const struct enforce_domain *domain, struct enforce_knob *knob)
{
	if (disk_called(domain, knob->vdisk))
		return;
	knob->is_former = knob->leaving = true;
	knob->has_wanted = false;
}

/* Limits of vDISKs that were unplugged: QEMU's are gone with them. */
static void follow_unplugged(struct enforce *enforce, struct enforce_domain *domain)
{
	bool by_cgroup = domain->target.manager != DOMAIN_LIBVIRT && !domain->target.qmp_socket[0];

	for (size_t i = domain->knobs.count; i-- > 0;) {
		struct enforce_knob *knob = domain->knobs.items[i];

		if (knob->knob != KNOB_DISK || knob->is_former)
			continue;
		if (knob->taken && knob->former.service.pid > 0)
			follow_export(domain, knob);
		else if (by_cgroup && knob->taken && knob->former.leaf_count > 0)
			follow_device(enforce, domain, knob);
		else if (!disk_called(domain, knob->vdisk))
			enforce_knob_drop(enforce, knob);
	}
}

int enforce_want(struct enforce *enforce, struct enforce_domain *domain)
{
	const struct policy_allotment *allotment;
	enum enforce_standing standing = enforce_standing(enforce, domain);
	int result = 0;

	if (!domain->has_target || domain->ended || standing == STANDING_UNKNOWN)
		return 0;
	follow_unplugged(enforce, domain);
	if (standing == STANDING_FREE) {
		let_go(domain);
		if (!isnan(domain->limits.share))
			result = want_place(enforce, domain);
		return result ? result : want_shares(domain);
	}
	allotment = &enforce->decision.output.domains[domain->decided];
	result = want_place(enforce, domain);
	if (!result)
		result = want_cpu(domain, allotment);
	if (!result)
		result = want_shares(domain);
	return result ? result : want_disks(enforce, domain, allotment);
}

/* --- what is remembered ------------------------------------------------------------------- */

/* The quota that holds the domain's part even at the dearest CPU time that was seen. */
static void note_worst_case(const struct enforce *enforce, const struct enforce_domain *domain,
			    struct state_domain *state)
{
	const struct policy_allotment *allotment =
		&enforce->decision.output.domains[domain->decided];
	double watts = fmax(allotment->cpu_w, domain->limits.floor_w); /* NaN: no floor */
	double watts_per_cpu = fmax(domain->highest_w_per_cpu, state->memory.watts_per_cpu);
	const struct enforce_knob *knob = enforce_knob(domain, KNOB_CPU, "");

	/* Until the original is read: the dead man may have installed the old one. */
	if (state->has_worst_case && knob && !knob->taken)
		return;
	state->has_worst_case = isfinite(watts) && watts_per_cpu > 0;
	if (state->has_worst_case)
		state->worst_case_cpu = cpu_value(domain, watts / watts_per_cpu);
}

void enforce_remember(struct enforce *enforce, struct enforce_domain *domain)
{
	enum enforce_standing standing = enforce_standing(enforce, domain);
	struct state_domain *state;

	if (standing == STANDING_UNKNOWN)
		return;
	if (standing == STANDING_FREE && domain->knobs.count == 0) {
		if (domain->had_state)
			state_domain_remove(enforce->state, domain->id);
		domain->had_state = false;
		return;
	}
	state = enforce_state(enforce, domain);
	if (!state)
		return;
	domain->had_state = true;
	if (domain->has_target) {
		state->target = domain->target;
		state->cgroup_inode = domain->cgroup_inode;
	}
	if (standing == STANDING_FREE) {
		state->has_worst_case = false;
		return;
	}
	(void)policy_recall(enforce->policy, domain->id, &state->memory);
	/* A bucket says nothing without its time, even where it stays full. */
	if (!isnan(state->memory.bucket_j))
		enforce->state->saved_s = enforce->realtime_s;
	note_worst_case(enforce, domain, state);
}
