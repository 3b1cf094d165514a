/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/wire.h"

#include <math.h>

#include "base/csv.h"
#include "wire/utf8.h"

/* clang-format off */
static const char *const columns[] = {
	"time", "seq", "interval_s", "kind", "id", "name", "uuid", "owner", "state",
	"cpu_idle_w", "cpu_active_w", "disk_idle_w", "disk_active_w",
	"service_idle_w", "service_active_w", "total_w", "error_w",
	"cpu_idle_j", "cpu_active_j", "disk_idle_j", "disk_active_j",
	"service_idle_j", "service_active_j", "total_j",
	"cpu_percent", "quality", "reason",
	"net_idle_w", "net_active_w", "net_idle_j", "net_active_j",
};
/* clang-format on */

/* What differs between the three kinds of row; a figure that the kind has not is NaN. */
struct row {
	const char *kind, *id, *name, *uuid, *owner, *state, *reason;
	struct account_power cpu, disk, service, net;
	double total_w, total_j, error_w, cpu_percent;
	unsigned quality;
};

#define NO_POWER                                                                                   \
	{                                                                                          \
		.idle_w = NAN, .active_w = NAN, .idle_j = NAN, .active_j = NAN                     \
	}

void snapshot_csv_header(struct text *out)
{
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		csv_text(out, columns[i]);
	csv_end(out);
}

static void add_text(struct text *out, const char *text)
{
	struct text replaced = { 0 };

	if (!text || utf8_valid(text)) {
		csv_text(out, text ? text : "");
		return;
	}
	utf8_add(&replaced, text);
	if (replaced.failed)
		out->failed = true;
	else
		csv_text(out, replaced.bytes);
	text_free(&replaced);
}

static void add_quality(struct text *out, unsigned quality)
{
	struct text words = { 0 };

	for (unsigned i = 0; i < QUALITY_COUNT; i++)
		if (quality & 1u << i)
			text_addf(&words, "%s%s", words.length > 0 ? " " : "", quality_name(i));
	if (words.failed)
		out->failed = true;
	csv_text(out, words.length > 0 ? words.bytes : "");
	text_free(&words);
}

static void add_row(struct text *out, const struct snapshot *snapshot, const struct row *row)
{
	const char *words[] = { row->kind, row->id, row->name, row->uuid, row->owner, row->state };
	double figures[] = {
		row->cpu.idle_w,     row->cpu.active_w,     row->disk.idle_w, row->disk.active_w,
		row->service.idle_w, row->service.active_w, row->total_w,     row->error_w,
		row->cpu.idle_j,     row->cpu.active_j,     row->disk.idle_j, row->disk.active_j,
		row->service.idle_j, row->service.active_j, row->total_j,     row->cpu_percent,
	};

	csv_double(out, snapshot->time_s);
	csv_u64(out, snapshot->seq);
	csv_double(out, snapshot->interval_s);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		add_text(out, words[i]);
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
		csv_double(out, figures[i]);
	add_quality(out, row->quality);
	add_text(out, row->reason);
	csv_double(out, row->net.idle_w);
	csv_double(out, row->net.active_w);
	csv_double(out, row->net.idle_j);
	csv_double(out, row->net.active_j);
	csv_end(out);
}

static void add_domain(struct text *out, const struct snapshot *snapshot,
		       const struct snapshot_domain *domain)
{
	struct row row = {
		.kind = "domain",
		.id = domain->id,
		.name = domain->name,
		.uuid = domain->uuid,
		.owner = domain->owner,
		.state = domain_state_name(domain->state),
		.reason = domain->reason,
		.cpu = domain->cpu,
		.disk = domain->disk,
		.service = domain->service,
		.net = domain->net,
		.total_w = domain->total_w,
		.total_j = domain->total_j,
		.error_w = domain->error_w,
		.cpu_percent = domain->cpu_percent,
		.quality = domain->quality,
	};

	add_row(out, snapshot, &row);
}

/* Kept is not divided by resource. */
static void add_kept(struct text *out, const struct snapshot *snapshot)
{
	struct row row = {
		.kind = "kept",
		.name = "kept",
		.cpu = NO_POWER,
		.disk = NO_POWER,
		.service = NO_POWER,
		.net = NO_POWER,
		.total_w = snapshot->host.kept_w,
		.total_j = snapshot->host.kept_j,
		.error_w = NAN,
		.cpu_percent = NAN,
	};

	add_row(out, snapshot, &row);
}

/* The domains' service energy is CPU energy of the host. */
static void add_host(struct text *out, const struct snapshot *snapshot)
{
	const struct snapshot_host *host = &snapshot->host;
	struct row row = {
		.kind = "host",
		.name = "host",
		.cpu = { host->cpu_idle_w, host->cpu_active_w, host->cpu_idle_j,
			 host->cpu_active_j },
		.disk = { host->disk_idle_w, host->disk_active_w, host->disk_idle_j,
			  host->disk_active_j },
		.service = NO_POWER,
		.net = { host->net_idle_w, host->net_active_w, host->net_idle_j,
			 host->net_active_j },
		.total_w = host->total_w,
		.total_j = host->total_j,
		.error_w = NAN,
		.cpu_percent = NAN,
		.quality = host->quality,
		.reason = host->residual_reason,
	};

	add_row(out, snapshot, &row);
}

void snapshot_csv_rows(const struct snapshot *snapshot, struct text *out)
{
	for (size_t i = 0; i < snapshot->domain_count; i++)
		add_domain(out, snapshot, &snapshot->domains[i]);
	add_kept(out, snapshot);
	add_host(out, snapshot);
}
