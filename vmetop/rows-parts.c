/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands below a domain in the tree. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/known.h"
#include "vmetop/rows-internal.h"

static int add_vcpus(struct rows *rows, const struct snapshot_domain *domain)
{
	for (size_t i = 0; i < domain->vcpu_count; i++) {
		const struct snapshot_vcpu *vcpu = &domain->vcpus[i];
		struct row *row = rows_add(rows, ROW_VCPU, NULL, domain);

		if (!row)
			return -ENOMEM;
		if (vcpu->id == VCPU_ALL)
			strcpy(row->label, "all vcpus");
		else
			snprintf(row->label, sizeof row->label, "vcpu%d", vcpu->id);
		row->total_w = row->active_w = row->cpu_w = vcpu->active_w;
		row->cpu_percent = vcpu->cpu_percent;
	}
	return 0;
}

static int add_vdisks(struct rows *rows, const struct snapshot_domain *domain, double interval_s)
{
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct snapshot_vdisk *vdisk = &domain->vdisks[i];
		struct row *row = rows_add(rows, ROW_VDISK, vdisk->name, domain);

		if (!row)
			return -ENOMEM;
		row->note = vdisk->reason ? vdisk->reason : vdisk->disk;
		row->idle_w = vdisk->idle_w + vdisk->service_idle_w;
		row->disk_w = vdisk->active_w;
		row->service_w = vdisk->service_active_w;
		row->service_idle_w = vdisk->service_idle_w;
		row->active_w = row->disk_w + row->service_w;
		row->total_w = row->idle_w + row->active_w;
		row->read_bytes_s = vdisk->read_bytes / interval_s;
		row->write_bytes_s = vdisk->write_bytes / interval_s;
	}
	return 0;
}

static int add_vnics(struct rows *rows, const struct snapshot_domain *domain, double interval_s)
{
	for (size_t i = 0; i < domain->vnic_count; i++) {
		const struct snapshot_vnic *vnic = &domain->vnics[i];
		struct row *row = rows_add(rows, ROW_VNIC, vnic->name, domain);

		if (!row)
			return -ENOMEM;
		row->note = vnic->reason ? vnic->reason : vnic->nic;
		row->idle_w = vnic->idle_w;
		row->service_w = vnic->service_active_w;
		row->active_w = vnic->active_w + row->service_w;
		row->total_w = row->idle_w + row->active_w;
		row->read_bytes_s = vnic->rx_bytes / interval_s;
		row->write_bytes_s = vnic->tx_bytes / interval_s;
	}
	return 0;
}

/* The figures that parts have in common with their domain. */
static const size_t shared_figures[] = {
	offsetof(struct row, total_w),     offsetof(struct row, idle_w),
	offsetof(struct row, active_w),    offsetof(struct row, cpu_w),
	offsetof(struct row, disk_w),      offsetof(struct row, service_w),
	offsetof(struct row, cpu_percent), offsetof(struct row, service_idle_w),
};

static double figure_of(const struct row *row, size_t offset)
{
	double figure;

	memcpy(&figure, (const char *)row + offset, sizeof figure);
	return figure;
}

static double sum_of(const struct row *parts, size_t count, size_t offset)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += known(figure_of(&parts[i], offset));
	return sum;
}

static int add_rest(struct rows *rows, const struct row *domain, size_t first)
{
	struct row *rest = rows_add(rows, ROW_REST, "other, idle", domain->domain);
	size_t count = rows->count - 1 - first;

	if (!rest)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof shared_figures / sizeof *shared_figures; i++) {
		size_t offset = shared_figures[i];
		double whole = figure_of(domain, offset);
		double left = rows_settled(whole - sum_of(&rows->items[first], count, offset),
					   fmax(fabs(whole), domain->total_w));

		memcpy((char *)rest + offset, &left, sizeof left);
	}
	return 0;
}

int rows_add_parts(struct rows *rows, const struct row *domain, const struct snapshot *snapshot)
{
	size_t first = rows->count;
	int result = add_vcpus(rows, domain->domain);

	if (!result)
		result = add_vdisks(rows, domain->domain, snapshot->interval_s);
	if (!result)
		result = add_vnics(rows, domain->domain, snapshot->interval_s);
	if (!result && rows->count > first)
		result = add_rest(rows, domain, first);
	for (size_t i = first; i < rows->count; i++)
		rows->items[i].host_percent = 100 * rows->items[i].total_w / snapshot->host.total_w;
	return result;
}
