/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/policy.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "vmenergyd/policy/internal.h"

#define DEFAULT_WATTS_PER_CPU 10.0

static const struct policy_disk_allotment free_disk = { INFINITY, INFINITY, INFINITY, INFINITY,
							INFINITY };

int policy_open(struct policy **out, struct error *error)
{
	struct policy *policy = calloc(1, sizeof *policy);

	if (!policy)
		return error_setf(error, ENOMEM, "out of memory");
	policy->default_k = DEFAULT_WATTS_PER_CPU;
	policy->host = (struct host_memory){
		.slope = 1,
		.others_w = NAN,
		.power_w = NAN,
		.temperature_c = NAN,
		.peak_start_s = NAN,
	};
	*out = policy;
	return 0;
}

void policy_close(struct policy *policy)
{
	if (!policy)
		return;
	slots_free(policy);
	free(policy->rows);
	free(policy->allotments);
	free(policy->disks);
	free(policy->water);
	free(policy->claims);
	free(policy->members);
	free(policy);
}

static bool grow(void *array, size_t *capacity, size_t need, size_t bytes)
{
	void *items;

	memcpy(&items, array, sizeof items);
	items = memory_grow(items, capacity, need ? need : 1, bytes);
	if (items)
		memcpy(array, &items, sizeof items);
	return items;
}

/* Room for all of the decision; scratch serves a domain's disks, too. */
static bool make_room(struct policy *policy, const struct policy_input *in)
{
	size_t disks = 0, most = in->domain_count;

	for (size_t i = 0; i < in->domain_count; i++) {
		disks += in->domains[i].disk_count;
		most = in->domains[i].disk_count > most ? in->domains[i].disk_count : most;
	}
	return grow(&policy->rows, &policy->row_capacity, in->domain_count, sizeof *policy->rows) &&
	       grow(&policy->allotments, &policy->allotment_capacity, in->domain_count,
		    sizeof *policy->allotments) &&
	       grow(&policy->disks, &policy->disk_capacity, disks, sizeof *policy->disks) &&
	       grow(&policy->water, &policy->water_capacity, most, sizeof *policy->water) &&
	       grow(&policy->claims, &policy->claim_capacity, most, sizeof *policy->claims) &&
	       grow(&policy->members, &policy->member_capacity, most, sizeof *policy->members);
}

/* All as if there were no limits. */
static void set_free(struct decision *decision)
{
	struct policy *policy = decision->policy;
	size_t disk = 0;

	for (size_t i = 0; i < decision->count; i++) {
		size_t count = decision->in->domains[i].disk_count;

		policy->allotments[i] = (struct policy_allotment){
			.limit_w = INFINITY,
			.cpu_w = INFINITY,
			.cpus = INFINITY,
			.disks = policy->disks + disk,
			.headroom_w = NAN,
			.infeasible_w = NAN,
			.throttle_cpu = NAN,
			.throttle_disk = NAN,
			.budget_left_j = NAN,
		};
		for (size_t d = 0; d < count; d++)
			policy->disks[disk + d] = free_disk;
		disk += count;
	}
	decision->out->host = (struct policy_host_allotment){
		.cap_w = INFINITY,
		.controllable_w = INFINITY,
		.headroom_w = NAN,
		.margin_w = NAN,
		.slope = policy->host.slope,
		.margin = policy->host.margin,
	};
	decision->out->domains = policy->allotments;
	decision->out->domain_count = decision->count;
}

static size_t find_owner(const struct policy_input *in, const char *name, size_t hint)
{
	if (!name)
		return OWNER_NONE;
	if (hint < in->owner_count && strcmp(in->owners[hint].name, name) == 0)
		return hint;
	for (size_t i = 0; i < in->owner_count; i++)
		if (strcmp(in->owners[i].name, name) == 0)
			return i;
	return OWNER_NONE;
}

/* Writes are spared where nothing changes; what somebody sets is followed at once. */
static void see_asked(struct slot *slot, const struct limits *limits)
{
	const double asked_w[] = { limits->cap_w, limits->cap_total_w, limits->cpu_cap_w,
				   limits->disk_cap_w };
	bool moved = false;

	for (size_t i = 0; i < sizeof asked_w / sizeof *asked_w; i++) {
		moved |= !(asked_w[i] == slot->asked_w[i] ||
			   (isnan(asked_w[i]) && isnan(slot->asked_w[i])));
		slot->asked_w[i] = asked_w[i];
	}
	if (!moved)
		return;
	hold_asked(&slot->hold);
	for (size_t i = 0; i < slot->disk_count; i++)
		hold_asked(&slot->disks[i].hold);
}

static int begin_row(struct decision *decision, size_t i)
{
	const struct policy_domain *domain = &decision->in->domains[i];
	struct row *row = &decision->policy->rows[i];
	size_t hint = i > 0 ? row[-1].owner : 0;

	*row = (struct row){ .in = domain, .out = &decision->policy->allotments[i] };
	row->slot = slot_add(decision->policy, domain->id);
	if (!row->slot || slot_disks(row->slot, domain->disk_count))
		return -ENOMEM;
	see_asked(row->slot, &domain->limits);
	row->owner = find_owner(decision->in, domain->owner, hint);
	demand_row(decision, row);
	row->host_share = row->share;
	caps_row(decision, row);
	row->limited =
		limits_hold_anything(&domain->limits) || host_is_limited(&decision->in->host);
	if (row->owner != OWNER_NONE)
		row->limited |= limits_hold_anything(&decision->in->owners[row->owner].limits);
	row->slot->was_seen = true;
	return 0;
}

static int decide(struct decision *decision)
{
	struct policy *policy = decision->policy;

	for (size_t i = 0; i < decision->count; i++)
		if (begin_row(decision, i))
			return -ENOMEM;
	owner_apply(decision);
	owner_shares(decision);
	for (size_t i = 0; i < decision->count; i++)
		divide_row(&policy->rows[i]);
	host_apply(decision);
	for (size_t i = 0; i < decision->count; i++) {
		quota_row(decision, &policy->rows[i]);
		disk_row(decision, &policy->rows[i]);
		report_row(&policy->rows[i]);
	}
	return 0;
}

int policy_decide(struct policy *policy, const struct policy_input *in,
		  struct policy_output *output, struct error *error)
{
	struct decision decision = {
		.policy = policy,
		.in = in,
		.out = output,
		.first = policy->last_ns == 0,
		.count = in->domain_count,
	};

	if (in->now_ns <= policy->last_ns)
		return error_setf(error, EINVAL, "the time did not advance");
	decision.dt_s =
		decision.first ? in->period_s : (double)(in->now_ns - policy->last_ns) * 1e-9;
	if (!make_room(policy, in))
		return error_setf(error, ENOMEM, "out of memory");
	set_free(&decision);
	policy->last_ns = in->now_ns;
	if (decide(&decision))
		return error_setf(error, ENOMEM, "out of memory");
	return 0;
}

void policy_set_default_watts_per_cpu(struct policy *policy, double watts)
{
	if (watts > 0 && isfinite(watts))
		policy->default_k = watts;
}

bool policy_recall(const struct policy *policy, const char *id, struct policy_memory *memory)
{
	const struct slot *slot = slot_find(policy, id);

	*memory = (struct policy_memory){ NAN, INFINITY, NAN };
	if (!slot)
		return false;
	*memory = (struct policy_memory){ slot->bucket_j, slot->hold.setting, slot->k };
	return true;
}

int policy_remember(struct policy *policy, const char *id, const struct policy_memory *memory)
{
	struct slot *slot = slot_add(policy, id);

	if (!slot)
		return -ENOMEM;
	slot->bucket_j = memory->bucket_j;
	/* What was learnt of the quota was of the one before, maybe of another cgroup. */
	hold_reset(&slot->hold);
	slot->trim = TRIM_FIRST;
	slot->last_quota = slot->last_part = NAN;
	slot->hold.setting = memory->cpus > 0 ? memory->cpus : INFINITY;
	slot->k = memory->watts_per_cpu > 0 ? memory->watts_per_cpu : NAN;
	slot->was_seen = false;
	return 0;
}

void policy_forget(struct policy *policy, const char *id)
{
	slot_remove(policy, id);
}

void policy_was_away(struct policy *policy, double seconds)
{
	for (size_t i = 0; i < policy->table_size; i++)
		if (policy->table[i] && seconds > 0)
			policy->table[i]->away_s = seconds;
}

struct policy_host_memory policy_recall_host(const struct policy *policy)
{
	return (struct policy_host_memory){ policy->host.peak_used_j, policy->host.peak_start_s };
}

void policy_remember_host(struct policy *policy, const struct policy_host_memory *memory)
{
	policy->host.peak_used_j = memory->peak_used_j;
	policy->host.peak_start_s = memory->peak_window_start_s;
}
