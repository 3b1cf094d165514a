/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-hardware.c - the same joules by the hardware that used them: packages
 * and leaves, as every reader sees them; and vNICs.
 */
#include "model/account-snapshot.h"

static double or_unknown(uint64_t value)
{
	return value > 0 ? (double)value : NAN;
}

static void put_packages(struct copies *copies, const struct sample *sample,
			 struct snapshot *snapshot)
{
	const struct account *account = copies->account;

	snapshot->packages =
		copies_rows(copies, account->package_count, sizeof(*snapshot->packages));
	for (unsigned i = 0; i < account->package_count && snapshot->packages; i++) {
		const struct package_reading *reading = &sample->packages[i];

		snapshot->packages[snapshot->package_count++] = (struct snapshot_package){
			.active_w = account->packages[i].active.now_j / copies->seconds,
			.frequency_hz = or_unknown(reading->frequency_hz),
			.temperature_c = reading->temperature_c,
			.quality = account->packages[i].quality,
		};
		snapshot->host.temperature_c =
			fmax(snapshot->host.temperature_c, reading->temperature_c);
	}
}

/* Of the tick: a reading that came late is spread over all of its time. */
static void put_traffic(const struct account_disk *disk, struct snapshot_disk *row)
{
	const struct io_delta *delta = &disk->delta;

	row->read_bytes = row->write_bytes = row->requests = row->busy_percent = NAN;
	if (!delta->known)
		return;
	row->read_bytes = round(delta->amount[READ].bytes * delta->on_time);
	row->write_bytes = round(delta->amount[WRITE].bytes * delta->on_time);
	row->requests = round((delta->amount[READ].requests + delta->amount[WRITE].requests) *
			      delta->on_time);
	if (disk->service.known)
		row->busy_percent = disk->service.busy_s / delta->seconds * 100;
}

static void put_disk(struct copies *copies, const struct account_disk *disk, const struct disk *of,
		     struct snapshot_disk *row)
{
	row->name = copies_text(copies, of->name);
	row->model = copies_text(copies, of->model);
	row->weights = disk->weights ? copies_file_name(copies, disk->weights) : NULL;
	row->idle_w = disk->idle_j / copies->seconds;
	row->active_w = disk->active.now_j / copies->seconds;
	row->idle_j = disk->total.idle_j;
	row->active_j = disk->total.active_j;
	row->vdisks = disk->vdisks;
	row->quality = account_leaf_quality(disk) | disk->made_from;
	put_traffic(disk, row);
}

/* The joules of leaves that are gone stay in the account. */
static void put_gone(struct copies *copies, struct snapshot_disk *row)
{
	const struct account *account = copies->account;

	*row = (struct snapshot_disk){
		.name = copies_text(copies, "(gone)"),
		.model = copies_text(copies, ""),
		.idle_j = account->gone.energy.idle_j,
		.active_j = account->gone.energy.active_j,
		.read_bytes = NAN,
		.write_bytes = NAN,
		.requests = NAN,
		.busy_percent = NAN,
		.quality = account->gone.made_from,
	};
}

static void put_disks(struct copies *copies, const struct topology *topology,
		      struct snapshot *snapshot)
{
	const struct account *account = copies->account;

	snapshot->disks = copies_rows(copies, account->disk_count + 1, sizeof(*snapshot->disks));
	if (!snapshot->disks)
		return;
	for (size_t i = 0; i < account->disk_count; i++)
		put_disk(copies, account->disks[i], &topology->disks[i],
			 &snapshot->disks[snapshot->disk_count++]);
	if (account->gone.energy.idle_j > 0 || account->gone.energy.active_j > 0)
		put_gone(copies, &snapshot->disks[snapshot->disk_count++]);
}

void account_put_hardware(struct copies *copies, const struct topology *topology,
			  const struct sample *sample, struct snapshot *snapshot)
{
	put_packages(copies, sample, snapshot);
	put_disks(copies, topology, snapshot);
}

/* --- vNICs -------------------------------------------------------------------------------- */

static const char *card_name(const struct account *account, size_t index)
{
	return account->nics[index]->name;
}

static void put_vnic(struct copies *copies, const struct account_vnic *vnic, const struct vnic *of,
		     struct snapshot_vnic *row)
{
	const struct net_delta *delta = &vnic->delta;
	double on_time = delta->known ? delta->on_time : NAN;

	*row = (struct snapshot_vnic){
		.name = copies_text(copies, vnic->name),
		.nic = copies_leaves(copies, of->leaves, of->leaf_count, card_name),
		.reason = copies_text(copies, of->reason),
		.idle_w = vnic->idle_j / copies->seconds,
		.active_w = vnic->active.now_j / copies->seconds,
		.service_active_w = vnic->service_active_j / copies->seconds,
		.rx_bytes = round(delta->bytes[RECEIVE] * on_time),
		.tx_bytes = round(delta->bytes[TRANSMIT] * on_time),
		.packets = round((delta->packets[RECEIVE] + delta->packets[TRANSMIT]) * on_time),
	};
}

void account_put_vnics(struct copies *copies, const struct account_domain *domain,
		       const struct domain *of, struct snapshot_domain *row)
{
	if (of->vnic_count == 0)
		return;
	row->vnics = copies_rows(copies, of->vnic_count, sizeof *row->vnics);
	for (size_t i = 0; i < of->vnic_count && row->vnics; i++)
		put_vnic(copies, domain->vnics[i], &of->vnics[i], &row->vnics[row->vnic_count++]);
}
