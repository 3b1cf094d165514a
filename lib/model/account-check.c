/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-check.c - do the books balance, and do they agree with others?
 *
 * Kept is a difference, so that balanced books alone prove little; kept_j is
 * summed tick by tick, so that they do prove that no joule was lost between
 * ticks. account_compare() holds the account against counts made elsewhere.
 */
#include "model/account-check.h"

#include <errno.h>
#include <math.h>

#include "model/known.h"

struct check {
	const struct snapshot *snapshot;
	double tolerance_w, tolerance_j;
	struct error *error;
};

static int equal(const struct check *check, const char *what, double expected, double got,
		 double tolerance)
{
	if (fabs(expected - got) <= tolerance)
		return 0;
	return error_setf(check->error, EPROTO, "%s: %.17g is not %.17g (off by %.3g)", what, got,
			  expected, got - expected);
}

static double total_w(const struct snapshot_domain *domain)
{
	return known(domain->cpu.idle_w) + known(domain->cpu.active_w) +
	       known(domain->disk.idle_w) + known(domain->disk.active_w) +
	       known(domain->service.idle_w) + known(domain->service.active_w) +
	       known(domain->net.idle_w) + known(domain->net.active_w);
}

static double total_j(const struct snapshot_domain *domain)
{
	return domain->cpu.idle_j + domain->cpu.active_j + domain->disk.idle_j +
	       domain->disk.active_j + domain->service.idle_j + domain->service.active_j +
	       domain->net.idle_j + domain->net.active_j;
}

static int check_host(const struct check *check)
{
	const struct snapshot_host *host = &check->snapshot->host;
	double parts_w = known(host->cpu_idle_w) + known(host->cpu_active_w) +
			 known(host->disk_idle_w) + known(host->disk_active_w) +
			 known(host->net_idle_w) + known(host->net_active_w);
	double parts_j = host->cpu_idle_j + host->cpu_active_j + host->disk_idle_j +
			 host->disk_active_j + host->net_idle_j + host->net_active_j;
	double charged_w = host->kept_w, charged_j = host->kept_j;
	int result;

	for (size_t i = 0; i < check->snapshot->domain_count; i++) {
		charged_w += check->snapshot->domains[i].total_w;
		charged_j += check->snapshot->domains[i].total_j;
	}
	result = equal(check, "host total_w", parts_w, host->total_w, check->tolerance_w);
	if (result == 0)
		result = equal(check, "host total_j", parts_j, host->total_j, check->tolerance_j);
	if (result == 0)
		result = equal(check, "sum of domains and kept, W", host->total_w, charged_w,
			       check->tolerance_w);
	if (result == 0)
		result = equal(check, "sum of domains and kept, J", host->total_j, charged_j,
			       check->tolerance_j);
	return result;
}

static int check_kept(const struct check *check)
{
	double sum_w = 0;

	for (size_t i = 0; i < check->snapshot->kept_count; i++)
		sum_w += known(check->snapshot->kept[i].idle_w) +
			 known(check->snapshot->kept[i].active_w);
	return equal(check, "sum of kept", check->snapshot->host.kept_w, sum_w, check->tolerance_w);
}

/* Of either mode: what domains have and what is kept is the host's. */
static int check_modes(const struct check *check)
{
	const struct snapshot *snapshot = check->snapshot;
	const struct snapshot_host *host = &snapshot->host;
	double idle_w = 0, active_w = 0;
	int result;

	for (size_t i = 0; i < snapshot->kept_count; i++) {
		idle_w += known(snapshot->kept[i].idle_w);
		active_w += known(snapshot->kept[i].active_w);
	}
	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *domain = &snapshot->domains[i];

		idle_w += known(domain->cpu.idle_w) + known(domain->disk.idle_w) +
			  known(domain->service.idle_w) + known(domain->net.idle_w);
		active_w += known(domain->cpu.active_w) + known(domain->disk.active_w) +
			    known(domain->service.active_w) + known(domain->net.active_w);
	}
	result = equal(check, "sum of idle power",
		       known(host->cpu_idle_w) + known(host->disk_idle_w) + known(host->net_idle_w),
		       idle_w, check->tolerance_w);
	return result ? result
		      : equal(check, "sum of active power",
			      known(host->cpu_active_w) + known(host->disk_active_w) +
				      known(host->net_active_w),
			      active_w, check->tolerance_w);
}

static int check_packages(const struct check *check)
{
	const struct snapshot *snapshot = check->snapshot;
	double sum_w = 0;

	for (size_t i = 0; i < snapshot->package_count; i++)
		sum_w += known(snapshot->packages[i].active_w);
	return equal(check, "sum of packages", known(snapshot->host.cpu_active_w), sum_w,
		     check->tolerance_w);
}

static int check_disks(const struct check *check)
{
	const struct snapshot_host *host = &check->snapshot->host;
	struct account_power sum = { 0, 0, 0, 0 };
	int result;

	for (size_t i = 0; i < check->snapshot->disk_count; i++) {
		const struct snapshot_disk *disk = &check->snapshot->disks[i];

		sum.idle_w += known(disk->idle_w);
		sum.active_w += known(disk->active_w);
		sum.idle_j += disk->idle_j;
		sum.active_j += disk->active_j;
	}
	result = equal(check, "sum of disks, idle W", known(host->disk_idle_w), sum.idle_w,
		       check->tolerance_w);
	if (result == 0)
		result = equal(check, "sum of disks, active W", known(host->disk_active_w),
			       sum.active_w, check->tolerance_w);
	if (result == 0)
		result = equal(check, "sum of disks, idle J", host->disk_idle_j, sum.idle_j,
			       check->tolerance_j);
	if (result == 0)
		result = equal(check, "sum of disks, active J", host->disk_active_j, sum.active_j,
			       check->tolerance_j);
	return result;
}

/* A domain is never charged a negative figure, nor one that is no number. */
static int check_signs(const struct check *check, const struct snapshot_domain *domain)
{
	const struct account_power *powers[] = { &domain->cpu, &domain->disk, &domain->service,
						 &domain->net };

	for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) {
		const double figures[] = { known(powers[i]->idle_w), known(powers[i]->active_w),
					   powers[i]->idle_j, powers[i]->active_j };

		for (size_t k = 0; k < sizeof figures / sizeof *figures; k++)
			if (!(figures[k] >= 0) || isinf(figures[k]))
				return error_setf(check->error, EPROTO, "domain %s: a charge of %g",
						  domain->id, figures[k]);
	}
	return 0;
}

/* What is a device's own adds up; the memo of it is a part of the domain's service. */
struct devices {
	struct account_power disk, net;
	double service_idle_w, service_active_w;
	double least_w; /* of all that is summed here */
};

static void add(struct devices *devices, double *sum_w, double watts)
{
	*sum_w += known(watts);
	devices->least_w = fmin(devices->least_w, known(watts));
}

static struct devices sum_devices(const struct snapshot_domain *domain)
{
	struct devices sum = { .least_w = 0 };

	for (size_t i = 0; i < domain->vdisk_count; i++) {
		const struct snapshot_vdisk *vdisk = &domain->vdisks[i];

		add(&sum, &sum.disk.idle_w, vdisk->idle_w);
		add(&sum, &sum.disk.active_w, vdisk->active_w);
		add(&sum, &sum.service_idle_w, vdisk->service_idle_w);
		add(&sum, &sum.service_active_w, vdisk->service_active_w);
	}
	for (size_t i = 0; i < domain->vnic_count; i++) {
		const struct snapshot_vnic *vnic = &domain->vnics[i];

		add(&sum, &sum.net.idle_w, vnic->idle_w);
		add(&sum, &sum.net.active_w, vnic->active_w);
		add(&sum, &sum.service_active_w, vnic->service_active_w);
	}
	return sum;
}

static int check_devices(const struct check *check, const struct snapshot_domain *domain,
			 const struct devices *sum)
{
	const struct {
		const char *what;
		double sum_w, domain_w;
	} pairs[] = { { "sum of vDISKs, idle W", sum->disk.idle_w, domain->disk.idle_w },
		      { "sum of vDISKs, active W", sum->disk.active_w, domain->disk.active_w },
		      { "sum of vNICs, idle W", sum->net.idle_w, domain->net.idle_w },
		      { "sum of vNICs, active W", sum->net.active_w, domain->net.active_w } };
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof pairs / sizeof *pairs; i++)
		result = equal(check, pairs[i].what, known(pairs[i].domain_w), pairs[i].sum_w,
			       check->tolerance_w);
	if (result == 0 && sum->least_w < -check->tolerance_w)
		result = error_setf(check->error, EPROTO, "a device of %.17g W", sum->least_w);
	return result ? error_prefixf(check->error, result, "domain %s", domain->id) : 0;
}

static int check_memo(const struct check *check, const struct snapshot_domain *domain,
		      const struct devices *sum)
{
	double idle_w = sum->service_idle_w, active_w = sum->service_active_w;

	if (idle_w <= known(domain->service.idle_w) + check->tolerance_w &&
	    active_w <= known(domain->service.active_w) + check->tolerance_w)
		return 0;
	return error_setf(
		check->error, EPROTO,
		"domain %s: vDISKs' and vNICs' service %.17g + %.17g W of its %.17g + %.17g W",
		domain->id, idle_w, active_w, domain->service.idle_w, domain->service.active_w);
}

static int check_domain(const struct check *check, const struct snapshot_domain *domain)
{
	const struct devices sum = sum_devices(domain);
	int result = equal(check, "domain total_w", total_w(domain), domain->total_w,
			   check->tolerance_w);

	if (result == 0)
		result = equal(check, "domain total_j", total_j(domain), domain->total_j,
			       check->tolerance_j);
	if (result == 0)
		result = check_signs(check, domain);
	if (result == 0)
		result = check_devices(check, domain, &sum);
	if (result == 0)
		result = check_memo(check, domain, &sum);
	return result;
}

int account_check(const struct snapshot *snapshot, double tolerance, struct error *error)
{
	const struct check check = { .snapshot = snapshot,
				     .tolerance_w = tolerance * fabs(snapshot->host.total_w),
				     .tolerance_j = tolerance * fabs(snapshot->host.total_j),
				     .error = error };
	int result = check_host(&check);

	if (result == 0)
		result = check_kept(&check);
	if (result == 0)
		result = check_modes(&check);
	if (result == 0)
		result = check_packages(&check);
	if (result == 0)
		result = check_disks(&check);
	for (size_t i = 0; result == 0 && i < snapshot->domain_count; i++)
		result = check_domain(&check, &snapshot->domains[i]);
	return result;
}

static int compare(const char *what, double expected, double got, double tolerance,
		   struct error *error)
{
	if (fabs(got - expected) <= tolerance * fabs(expected))
		return 0;
	return error_setf(error, EPROTO, "%s: %.6g where an independent count has %.6g (%+.2f %%)",
			  what, got, expected, 100 * (got / expected - 1));
}

int account_compare(const struct account_truth *truth, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < truth->domain_count && result == 0; i++) {
		const struct account_truth_domain *domain = &truth->domains[i];

		result = compare(domain->id, domain->independent, domain->accounted,
				 ACCOUNT_TRUTH_DOMAIN, error);
	}
	if (result == 0)
		result = compare("kept", truth->kept_independent, truth->kept_accounted,
				 ACCOUNT_TRUTH_KEPT, error);
	return result;
}
