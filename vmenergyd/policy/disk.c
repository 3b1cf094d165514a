/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watts to bytes and requests per second of each vDISK, by the constants of
 * model.md 3: a request of a direction costs span (overhead + size / rate).
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define LEAST_BYTES_S 65536.0
#define LEAST_REQUESTS_S 1.0
#define TYPICAL_BYTES 65536.0 /* of a request, before one was seen */
#define OTHER_PART 0.1        /* for a direction that is not used now, on top */
#define FASTER 1.6            /* how far feedback may go from the constants */
#define SLOWER 0.6
#define MIX_MOVED 0.15
#define SIZE_MOVED 1.3
#define IDLE_DOWN 0.13
#define IDLE_UP 0.15
#define DEADBAND 0.1
#define NEARLY_USED 0.7
#define REST_S 20.0
#define WHOLE 0.999
#define WHOLE_YET 0.9 /* of what is not limited now */
#define STRETCH_S 15.0
#define HELD_FOR_S 10.0

enum { READ, WRITE };

static const struct policy_disk_allotment unlimited = { INFINITY, INFINITY, INFINITY, INFINITY,
							INFINITY };

bool disk_is_held_here(const struct policy_disk *disk)
{
	return disk->controllable && disk->span_w > 0 && isfinite(disk->span_w);
}

static double request_s(const struct disk_direction *direction, double bytes)
{
	return direction->overhead_s + bytes / direction->rate_bytes_s;
}

static double size_of(const struct disk_slot *slot, int direction)
{
	return first_known(slot->request_bytes[direction],
			   first_known(slot->request_bytes[1 - direction], TYPICAL_BYTES));
}

double disk_recent_w(const struct disk_slot *slot)
{
	return fmax(slot->peak_w[0], slot->peak_w[1]);
}

void disk_follow(struct disk_slot *slot, const struct policy_disk *disk, double dt_s)
{
	double watts = fmin(first_known(disk->active_w, 0), disk->span_w);

	slot->held_s = disk->held ? HELD_FOR_S : fmax(0, slot->held_s - dt_s);
	slot->stretch_s += dt_s;
	if (slot->stretch_s > STRETCH_S) {
		slot->peak_w[1] = slot->peak_w[0];
		slot->peak_w[0] = slot->stretch_s = 0;
	}
	slot->peak_w[0] = fmax(slot->peak_w[0], watts);
}

double disk_floor_w(const struct row *row)
{
	double sum = 0;

	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		double bytes_s = LEAST_BYTES_S;

		if (!disk_is_held_here(disk))
			continue;
		if (i < row->slot->disk_count)
			bytes_s = fmax(bytes_s, row->slot->disks[i].largest_bytes);
		sum += disk->span_w * fmin(1, request_s(&disk->read, bytes_s));
	}
	return sum;
}

static void learn_size(struct disk_slot *slot, int direction, double bytes_s, double requests_s)
{
	double *mean = &slot->request_bytes[direction], bytes = bytes_s / requests_s;

	if (!(requests_s >= 1) || !isfinite(bytes))
		return;
	*mean = isnan(*mean) ? bytes : *mean + 0.3 * (bytes - *mean);
	slot->largest_bytes = fmax(slot->largest_bytes, bytes);
}

static void learn_mix(struct disk_slot *slot, const struct policy_disk *disk)
{
	double read_s = disk->read_requests_s * disk->read.overhead_s +
			disk->read_bytes_s / disk->read.rate_bytes_s;
	double write_s = disk->write_requests_s * disk->write.overhead_s +
			 disk->write_bytes_s / disk->write.rate_bytes_s;
	double part = read_s / (read_s + write_s);

	learn_size(slot, READ, disk->read_bytes_s, disk->read_requests_s);
	learn_size(slot, WRITE, disk->write_bytes_s, disk->write_requests_s);
	if (!isnan(part))
		slot->read_part = isnan(slot->read_part)
					  ? part
					  : slot->read_part + 0.3 * (part - slot->read_part);
}

static void rates(const struct disk_slot *slot, const struct policy_disk *disk, int direction,
		  double watts, double *bytes_s, double *requests_s)
{
	const struct disk_direction *constants = direction == READ ? &disk->read : &disk->write;
	double bytes = size_of(slot, direction), cost_s = request_s(constants, bytes);

	*requests_s = fmax(watts / (disk->span_w * cost_s), LEAST_REQUESTS_S);
	/* At this size both bind alike: no other size can cost more. */
	*bytes_s = fmax(fmax(*requests_s * bytes, LEAST_BYTES_S), slot->largest_bytes);
}

static double mean_size(const struct disk_slot *slot)
{
	return slot->written_part * size_of(slot, READ) +
	       (1 - slot->written_part) * size_of(slot, WRITE);
}

static void write_limits(struct disk_slot *slot, const struct policy_disk *disk, double watts)
{
	struct policy_disk_allotment *force = &slot->in_force;
	double part = first_known(slot->read_part, 0.5);

	hold_written(&slot->hold, watts, watts);
	slot->written_part = part;
	slot->written_bytes = mean_size(slot);
	rates(slot, disk, READ, watts * fmax(part, OTHER_PART), &force->read_bytes_s,
	      &force->read_requests_s);
	rates(slot, disk, WRITE, watts * fmax(1 - part, OTHER_PART), &force->write_bytes_s,
	      &force->write_requests_s);
}

static bool mix_moved(const struct disk_slot *slot)
{
	double ratio = mean_size(slot) / slot->written_bytes;

	return fabs(slot->read_part - slot->written_part) > MIX_MOVED || ratio > SIZE_MOVED ||
	       ratio * SIZE_MOVED < 1;
}

/* While its limit is reached: by what came of it. */
static double used_up(const struct decision *decision, struct disk_slot *slot,
		      const struct policy_disk *disk, double watts)
{
	/* The first period after a write is one of two limits. */
	if (slot->hold.age_s > 1.5 * decision->dt_s && disk->active_w > 0)
		hold_sample(&slot->hold, disk->active_w);
	watts = fmin(fmax(slot->hold.setting * (1 + hold_error(&slot->hold)), SLOWER * watts),
		     FASTER * watts);
	return fmin(watts, FASTER * disk->span_w);
}

/* While it is not, only what it could use too much of counts, and what it may soon be in need of.
 */
static double unused(struct disk_slot *slot, const struct policy_disk *disk, double watts)
{
	double change = watts / slot->hold.setting - 1;
	bool is_near = disk->active_w > NEARLY_USED * slot->hold.setting;

	slot->hold.count = slot->hold.next = 0;
	return change < -IDLE_DOWN || (change > IDLE_UP && is_near) ? watts : slot->hold.setting;
}

static bool may_write(const struct disk_slot *slot, const struct policy_disk *disk, double setting,
		      double watts)
{
	double change = setting / slot->hold.setting - 1;
	bool is_over = disk->active_w > (1 + DEADBAND) * watts;

	if (change < 0 && is_over)
		return hold_may_write(&slot->hold, change, 0);
	if (slot->hold.age_s >= REST_S)
		return true;
	return disk->held && hold_may_write(&slot->hold, change, REST_S);
}

static void regulate(const struct decision *decision, struct disk_slot *slot,
		     const struct policy_disk *disk, double watts)
{
	struct hold *hold = &slot->hold;
	double setting, change;

	watts = fmax(watts, 1e-3 * disk->span_w);
	hold_aim(hold, watts, decision->dt_s);
	slot->in_force.active_w = watts;
	if (isinf(hold->setting)) {
		write_limits(slot, disk, watts);
		return;
	}
	setting = disk->held ? used_up(decision, slot, disk, watts) : unused(slot, disk, watts);
	change = setting / hold->setting - 1;
	if (fabs(change) < 1e-3 && !(disk->held && mix_moved(slot)))
		return;
	if (may_write(slot, disk, setting, watts))
		write_limits(slot, disk, setting);
}

/* What each of a domain's disks may use; claims are parallel to them. */
static void divide(struct policy *policy, const struct row *row)
{
	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		const struct disk_slot *slot = &row->slot->disks[i];
		double use_w = disk_recent_w(slot);

		policy->claims[i] = (struct water_claim){ .share = 1 };
		if (disk_is_held_here(disk))
			policy->claims[i] = (struct water_claim){
				.share = 1,
				.use = use_w,
				.next = fmin(disk->span_w, 1.3 * use_w + 0.1 * disk->span_w),
				.most = disk->span_w,
				.wants_more = slot->held_s > 0,
			};
	}
	water_allow(policy->claims, policy->water, row->in->disk_count, row->disk_allot_w);
}

/* So much that it needs no limit; what goes without one does not get one for a little less. */
static bool is_whole(const struct disk_slot *slot, const struct policy_disk *disk, double watts)
{
	return watts >= (isinf(slot->hold.setting) ? WHOLE_YET : WHOLE) * disk->span_w;
}

void disk_row(const struct decision *decision, struct row *row)
{
	bool limited = isfinite(row->disk_allot_w);

	if (limited && row->in->fresh)
		divide(decision->policy, row);
	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		struct disk_slot *slot = &row->slot->disks[i];
		double watts = decision->policy->claims[i].given;

		if (row->in->fresh)
			learn_mix(slot, disk);
		if (!limited || !disk_is_held_here(disk) ||
		    (row->in->fresh && is_whole(slot, disk, watts))) {
			hold_reset(&slot->hold);
			slot->in_force = unlimited;
		} else if (row->in->fresh)
			regulate(decision, slot, disk, watts);
		else if (isinf(slot->hold.setting))
			slot->in_force = unlimited;
		row->out->disks[i] = slot->in_force;
	}
}
