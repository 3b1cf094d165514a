/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watts to bytes and requests per second of each vDISK, by the constants of
 * model.md 3: a request of a direction costs span (overhead + size / rate).
 */
#include "vmenergyd/policy/internal.h"

#include <math.h>

#define LEAST_BYTES_S 65536.0 /* far below any time-out of a guest */
#define LEAST_REQUESTS_S 1.0  /* the same */
#define TYPICAL_BYTES 65536.0 /* of a request, before one was seen */
#define EVEN 0.5              /* of reads and writes, before one was seen */
#define OTHER_PART 0.1        /* for a direction that is not used now, on top */
#define FASTER 1.6            /* how far feedback may go from the constants */
#define SLOWER 0.6
#define MIX_MOVED 0.15  /* reads against writes: less is left to feedback */
#define SIZE_MOVED 1.3  /* of requests: the same */
#define COST_MOVED 1.3  /* of a request: the same */
#define IDLE_DOWN 0.13  /* while it is not used up, a limit may be so much more than allotted */
#define IDLE_UP 0.15    /* and so much less */
#define DEADBAND 0.1    /* a rise by less may wait: the CPU takes what a disk leaves */
#define NEARLY_USED 0.7 /* who uses less is in no need of a higher limit */
#define REST_S 20.0     /* three small writes a minute */
#define WHOLE 0.999     /* all of the span but rounding */
#define MEAN_S 10.0     /* a cap holds for means over so long, and longer */

enum { READ, WRITE };

static const struct policy_disk_allotment unlimited = { INFINITY, INFINITY, INFINITY, INFINITY,
							INFINITY };

bool disk_is_held_here(const struct policy_disk *disk)
{
	return disk->controllable && disk->span_w > 0 && isfinite(disk->span_w);
}

static struct disk_costs costs_of(const struct policy_disk *disk)
{
	return (struct disk_costs){ disk->span_w, { disk->read, disk->write } };
}

static double request_s(const struct disk_direction *direction, double bytes)
{
	return direction->overhead_s + bytes / direction->rate_bytes_s;
}

static double size_of(const struct disk_mix *mix, int direction)
{
	return first_known(mix->request_bytes[direction],
			   first_known(mix->request_bytes[1 - direction], TYPICAL_BYTES));
}

void disk_follow(struct disk_slot *slot, const struct policy_disk *disk, double dt_s)
{
	double watts = fmin(first_known(disk->active_w, 0), disk->span_w);

	recent_follow(&slot->recent, watts, disk->held, dt_s);
	slot->mean_w = first_known(slot->mean_w, watts);
	slot->mean_w += (watts - slot->mean_w) * -expm1(-dt_s / MEAN_S);
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
	double *mean = &slot->mix.request_bytes[direction], bytes = bytes_s / requests_s;

	if (!(requests_s >= 1) || !isfinite(bytes))
		return;
	*mean = isnan(*mean) ? bytes : *mean + 0.3 * (bytes - *mean);
	slot->largest_bytes = fmax(slot->largest_bytes, bytes);
}

/* Where requests are not counted, by bytes alone. */
static double busy_s(const struct disk_direction *direction, double requests_s, double bytes_s)
{
	return first_known(requests_s, 0) * direction->overhead_s +
	       bytes_s / direction->rate_bytes_s;
}

static void learn_mix(struct disk_slot *slot, const struct policy_disk *disk)
{
	double read_s = busy_s(&disk->read, disk->read_requests_s, disk->read_bytes_s);
	double write_s = busy_s(&disk->write, disk->write_requests_s, disk->write_bytes_s);
	double part = read_s / (read_s + write_s);

	learn_size(slot, READ, disk->read_bytes_s, disk->read_requests_s);
	learn_size(slot, WRITE, disk->write_bytes_s, disk->write_requests_s);
	slot->mix.read_part = first_known(slot->mix.read_part, part);
	if (!isnan(part))
		slot->mix.read_part += 0.3 * (part - slot->mix.read_part);
	if (!isnan(disk->read_requests_s + disk->write_requests_s))
		slot->mix.counts = true;
	else if (disk->read_bytes_s + disk->write_bytes_s > 0 && !slot->mix.was_counted)
		slot->mix.counts = false;
	slot->mix.was_counted |= disk->read_requests_s + disk->write_requests_s > 0;
}

static void rates(const struct disk_slot *slot, int direction, double watts, double *bytes_s,
		  double *requests_s)
{
	double bytes = size_of(&slot->written, direction);
	double cost_s = request_s(&slot->costs.directions[direction], bytes);

	*requests_s = fmax(watts / (slot->costs.span_w * cost_s), LEAST_REQUESTS_S);
	/* At this size both bind alike: no other size can cost more. */
	*bytes_s = fmax(fmax(*requests_s * bytes, LEAST_BYTES_S), slot->largest_bytes);
	/* Of a size that nobody knows, bytes are all that can be held. */
	if (!slot->written.counts)
		*requests_s = INFINITY;
}

static double or_unlimited(double rate)
{
	return rate > 0 ? rate : INFINITY;
}

static struct policy_disk_allotment found(const struct policy_disk *disk)
{
	const struct policy_disk_allotment *now = &disk->in_force;
	struct policy_disk_allotment out = {
		.active_w = NAN,
		.read_bytes_s = or_unlimited(now->read_bytes_s),
		.write_bytes_s = or_unlimited(now->write_bytes_s),
		.read_requests_s = or_unlimited(now->read_requests_s),
		.write_requests_s = or_unlimited(now->write_requests_s),
	};

	if (isinf(out.read_bytes_s) && isinf(out.write_bytes_s) && isinf(out.read_requests_s) &&
	    isinf(out.write_requests_s))
		out.active_w = INFINITY;
	return out;
}

/* The setting that limits in force amount to, for the mix of now; INFINITY = they let some through
 * without a limit. */
static double setting_of(const struct disk_slot *slot, const struct policy_disk_allotment *limits)
{
	double part = first_known(slot->mix.read_part, EVEN);
	int direction = part >= EVEN ? READ : WRITE;
	double bytes = size_of(&slot->mix, direction), requests_s, cost_s;

	if (isinf(limits->read_bytes_s) || isinf(limits->write_bytes_s) ||
	    (slot->mix.counts &&
	     (isinf(limits->read_requests_s) || isinf(limits->write_requests_s))))
		return INFINITY;
	requests_s = direction == READ
			     ? fmin(limits->read_requests_s, limits->read_bytes_s / bytes)
			     : fmin(limits->write_requests_s, limits->write_bytes_s / bytes);
	cost_s = request_s(&slot->costs.directions[direction], bytes);
	return requests_s * slot->costs.span_w * cost_s / fmax(part, 1 - part);
}

/* Limits of an earlier run, or of when it had other neighbours, go on until what comes of them says
 * otherwise. false: there are none. */
static bool take_up(struct disk_slot *slot, const struct policy_disk *disk)
{
	struct policy_disk_allotment limits = found(disk);
	double setting_w;

	slot->costs = costs_of(disk);
	setting_w = setting_of(slot, &limits);
	if (isinf(setting_w))
		return false;
	slot->in_force = limits;
	slot->written = slot->mix;
	slot->hold.setting = setting_w;
	return true;
}

static double mean_size(const struct disk_mix *mix, double read_part)
{
	return read_part * size_of(mix, READ) + (1 - read_part) * size_of(mix, WRITE);
}

static bool mix_moved(const struct disk_slot *slot)
{
	double now = first_known(slot->mix.read_part, EVEN);
	double then = first_known(slot->written.read_part, EVEN);
	double ratio = mean_size(&slot->mix, then) / mean_size(&slot->written, then);

	if (slot->mix.counts != slot->written.counts)
		return true;
	return fabs(now - then) > MIX_MOVED || ratio > SIZE_MOVED || ratio * SIZE_MOVED < 1;
}

/* Of a request as they are now. */
static double mean_cost_j(const struct disk_slot *slot, const struct disk_costs *costs)
{
	double part = first_known(slot->mix.read_part, EVEN);

	return costs->span_w *
	       (part * request_s(&costs->directions[READ], size_of(&slot->mix, READ)) +
		(1 - part) * request_s(&costs->directions[WRITE], size_of(&slot->mix, WRITE)));
}

/* How much dearer than written a request is: what services spend on it is learnt, and may become
 * something else. */
static double cost_ratio(const struct disk_slot *slot, const struct policy_disk *disk)
{
	struct disk_costs now = costs_of(disk);

	return mean_cost_j(slot, &now) / mean_cost_j(slot, &slot->costs);
}

static bool costs_moved(const struct disk_slot *slot, const struct policy_disk *disk)
{
	double ratio = cost_ratio(slot, disk);

	return ratio > COST_MOVED || ratio * COST_MOVED < 1;
}

/* For the mix and by the costs that they were made for, as long as these are about right: what
 * feedback has found is of those. */
static void write_limits(struct disk_slot *slot, const struct policy_disk *disk, double watts)
{
	struct policy_disk_allotment *force = &slot->in_force;
	double part;

	if (isinf(slot->hold.setting) || mix_moved(slot))
		slot->written = slot->mix;
	if (isinf(slot->hold.setting) || costs_moved(slot, disk))
		slot->costs = costs_of(disk);
	part = first_known(slot->written.read_part, EVEN);
	hold_written(&slot->hold, watts, watts);
	rates(slot, READ, watts * fmax(part, OTHER_PART), &force->read_bytes_s,
	      &force->read_requests_s);
	rates(slot, WRITE, watts * fmax(1 - part, OTHER_PART), &force->write_bytes_s,
	      &force->write_requests_s);
}

/* While its limit is reached: by what came of it. */
static double used_up(const struct decision *decision, struct disk_slot *slot,
		      const struct policy_disk *disk, double watts)
{
	if (costs_moved(slot, disk)) {
		hold_forget(&slot->hold);
		return watts;
	}
	/* The first period after a write is one of two limits. */
	if (slot->hold.age_s > 1.5 * decision->dt_s && disk->active_w > 0)
		hold_sample(&slot->hold, disk->active_w, true);
	watts = fmin(fmax(slot->hold.setting * (1 + hold_error(&slot->hold)), SLOWER * watts),
		     FASTER * watts);
	return fmin(watts, FASTER * disk->span_w);
}

/* While it is not, only what it could use too much of counts, and what it may soon be in need of.
 */
static double unused(struct disk_slot *slot, const struct policy_disk *disk, double watts)
{
	double before_w = first_known(slot->hold.written_w, slot->hold.setting);
	double change = watts / before_w - 1;
	bool is_near = disk->active_w > NEARLY_USED * before_w;

	hold_forget(&slot->hold);
	return change < -IDLE_DOWN || (change > IDLE_UP && is_near) ? watts : slot->hold.setting;
}

static void regulate(const struct decision *decision, struct disk_slot *slot,
		     const struct policy_disk *disk, double watts)
{
	struct hold *hold = &slot->hold;
	double setting, change;

	watts = fmax(watts, 1e-3 * disk->span_w);
	hold_aim(hold, watts, decision->dt_s);
	if (isinf(hold->setting) && !take_up(slot, disk))
		write_limits(slot, disk, watts);
	slot->in_force.active_w = watts;
	if (hold->age_s == 0)
		return;
	setting = disk->held ? used_up(decision, slot, disk, watts) : unused(slot, disk, watts);
	change = setting / hold->setting - 1;
	if (costs_moved(slot, disk)) /* of what is let through */
		change = setting / hold->setting / cost_ratio(slot, disk) - 1;
	if (fabs(change) < 1e-3 && !(disk->held && (mix_moved(slot) || costs_moved(slot, disk))))
		return;
	if (change > 0 && change < DEADBAND && hold->age_s < REST_S)
		return;
	if (hold_may_write(hold, change, REST_S))
		write_limits(slot, disk, setting);
}

/* What each of a domain's disks may use; claims are parallel to them. */
static void divide(struct policy *policy, const struct row *row)
{
	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		const struct disk_slot *slot = &row->slot->disks[i];
		double use_w = recent_peak_w(&slot->recent),
		       most_w = fmin(disk->span_w, row->disk_allot_w);

		policy->claims[i] = (struct water_claim){ .share = 1 };
		if (disk_is_held_here(disk))
			policy->claims[i] = (struct water_claim){
				.share = 1,
				.use = use_w,
				.next = 1.3 * use_w + 0.1 * disk->span_w,
				.most = most_w,
				.wants_more = recent_held(&slot->recent),
			};
	}
	water_allow(policy->claims, policy->water, row->in->disk_count, row->disk_allot_w);
}

/* So much that it needs no limit. */
static bool is_whole(const struct policy_disk *disk, double watts)
{
	return watts >= WHOLE * disk->span_w;
}

/* Of a domain that was not seen yet, it may not be known how much its disks are left. */
static bool may_be_limited(const struct row *row)
{
	return isfinite(row->disk_allot_w) ||
	       (!row->known && isfinite(row->in->limits.cap_total_w));
}

static void set_free(struct disk_slot *slot)
{
	hold_reset(&slot->hold);
	slot->in_force = unlimited;
}

void disk_row(const struct decision *decision, struct row *row)
{
	bool limited = may_be_limited(row), fresh = row->in->fresh;

	if (limited && fresh)
		divide(decision->policy, row);
	for (size_t i = 0; i < row->in->disk_count; i++) {
		const struct policy_disk *disk = &row->in->disks[i];
		struct disk_slot *slot = &row->slot->disks[i];
		double watts = decision->policy->claims[i].given;

		if (fresh)
			learn_mix(slot, disk);
		if (!limited || !disk_is_held_here(disk) || (fresh && is_whole(disk, watts)))
			set_free(slot);
		else if (fresh)
			regulate(decision, slot, disk, watts);
		else if (isinf(slot->hold.setting))
			slot->in_force = found(disk);
		row->out->disks[i] = slot->in_force;
	}
}
