/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-fill.c - limits and what they do, into the snapshot for all its readers. */
#include "vmenergyd/enforce-internal.h"

static double or_unknown(double value)
{
	return isfinite(value) ? value : NAN;
}

/* Tickets: of who has some, and of who competes for an owner's or the host's watts. */
static double share_of(const struct enforce *enforce, const struct enforce_domain *domain)
{
	if (!isnan(domain->limits.share))
		return domain->limits.share;
	return domain->owner_has_limit || enforce_host_has_limit(enforce) ? POLICY_SHARE_DEFAULT
									  : NAN;
}

static void fill_limits(const struct enforce *enforce, const struct enforce_domain *domain,
			struct snapshot_control *control)
{
	const struct limits *limits = &domain->limits;

	control->cap_w = or_unknown(limits->cap_w);
	control->cap_total_w = or_unknown(limits->cap_total_w);
	control->cpu_cap_w = or_unknown(limits->cpu_cap_w);
	control->disk_cap_w = or_unknown(limits->disk_cap_w);
	control->floor_w = or_unknown(limits->floor_w);
	control->share = share_of(enforce, domain);
	control->stride = POLICY_STRIDE_1 / control->share;
}

static void fill_reasons(const struct enforce_domain *domain, struct snapshot *snapshot,
			 struct snapshot_domain *row)
{
	char text[192];

	for (size_t i = 0; i < domain->disks.count && i < row->vdisk_count; i++) {
		const struct enforce_disk *disk = &domain->disks.items[i];

		if (!disk->said_why_not || !disk->why_not)
			continue;
		snprintf(text, sizeof text, "its service cannot be limited: %s", disk->why_not);
		snapshot_replace_text(snapshot, &row->vdisks[i].reason, text);
	}
}

static void fill_allotment(const struct enforce *enforce, const struct enforce_domain *domain,
			   struct snapshot_domain *row)
{
	const struct policy_allotment *allotment;

	if (!enforce->decision.made || domain->decided == SIZE_MAX ||
	    !enforce_is_limited(enforce, domain))
		return;
	allotment = &enforce->decision.output.domains[domain->decided];
	row->control.headroom_w = or_unknown(allotment->headroom_w);
	row->control.infeasible_w = or_unknown(allotment->infeasible_w);
	row->throttle_cpu = or_unknown(allotment->throttle_cpu);
	row->throttle_disk = or_unknown(allotment->throttle_disk);
}

void enforce_fill(const struct enforce *enforce, struct snapshot *snapshot)
{
	snapshot->host.cap_w = enforce_host_cap_w(enforce);
	if (enforce->decision.made && isfinite(enforce->decision.output.host.cap_w))
		snapshot->host.cap_w = enforce->decision.output.host.cap_w;
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		struct snapshot_domain *row = &snapshot->domains[i];
		const struct enforce_domain *domain =
			enforce_row(enforce, &enforce->by_snapshot, i, row->id);

		if (!domain || domain->rules == 0)
			continue;
		if (domain->owner)
			snapshot_replace_text(snapshot, &row->owner, domain->owner);
		if (domain->ended)
			continue;
		fill_limits(enforce, domain, &row->control);
		fill_allotment(enforce, domain, row);
		fill_reasons(domain, snapshot, row);
	}
}
