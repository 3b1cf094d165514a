/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-uncertainty.c - the +- of a domain (model.md 6).
 *
 * A domain's joules of a tick are linear in the prices: q . p, with q the
 * events behind its cpu and service and the part of idle power that it carries.
 * Its variance therefore is q' S q, where S is the covariance of the prices:
 *
 *   with replicates  S = (R-1)/R * sum over r of (p_r - mean)(p_r - mean)',
 *                    which is exactly the jackknife of the domain's joules;
 *                    95 % by Student's t with R-1 degrees of freedom
 *   else             S = diag(standard error^2), the errors taken as
 *                    independent; 95 % = 1.96 standard deviations
 *
 * Fewer than five replicates, or a price without an error: not known. Disks
 * are independent of the CPU: for a charge of t seconds of active time and u
 * seconds of idle power, variance = (t se_active)^2 + ((u - t) se_idle)^2.
 */
#include "model/account-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICATES_MIN = 5 };
#define NORMAL_95 1.959963984540054

/* Student's t quantile from the normal one: Abramowitz & Stegun 26.7.5. */
static double student_95(double freedom)
{
	double z = NORMAL_95, z2 = z * z;
	double g1 = z * (z2 + 1) / 4;
	double g2 = z * (5 * z2 * z2 + 16 * z2 + 3) / 96;
	double g3 = z * (3 * z2 * z2 * z2 + 19 * z2 * z2 + 17 * z2 - 15) / 384;
	double g4 =
		z *
		(79 * z2 * z2 * z2 * z2 + 776 * z2 * z2 * z2 + 1482 * z2 * z2 - 1920 * z2 - 945) /
		92160;

	return z + g1 / freedom + g2 / pow(freedom, 2) + g3 / pow(freedom, 3) +
	       g4 / pow(freedom, 4);
}

/* --- replicates --------------------------------------------------------------------------- */

static bool has_replicates(const struct account *account, const struct weights *weights)
{
	bool by_time = event_set_is_time(&account->options.events);

	if (weights->replicate_count < REPLICATES_MIN)
		return false;
	for (unsigned i = 0; i < weights->point_count; i++) {
		const struct operating_point *point = &weights->points[i];

		if (!point->base_replicates_w || (by_time && !point->on_cpu.replicates_nj))
			return false;
		for (unsigned k = 0; k < point->weight_count && !by_time; k++)
			if (!point->weights[k].replicates_nj)
				return false;
	}
	return true;
}

static void set_weight(struct weight *weight, unsigned replicate)
{
	if (weight->replicates_nj)
		weight->nj = weight->replicates_nj[replicate];
}

/* The weights as one leave-one-out fit saw them. */
static void set_replicate(struct weights *weights, unsigned replicate)
{
	for (unsigned i = 0; i < weights->point_count; i++) {
		struct operating_point *point = &weights->points[i];

		point->base_w = point->base_replicates_w[replicate];
		set_weight(&point->on_cpu, replicate);
		for (unsigned k = 0; k < point->weight_count; k++)
			set_weight(&point->weights[k], replicate);
	}
}

/* Prices as account_price() makes them: the mean over packages, by where events were counted. */
static int price_vector(const struct account *account, const struct weights *weights, unsigned cpus,
			double vector[PRICED], double errors[PRICED], struct error *error)
{
	unsigned packages = account->package_count > 0 ? account->package_count : 1;

	for (unsigned e = 0; e < PRICED; e++)
		vector[e] = errors[e] = 0;
	for (unsigned i = 0; i < packages; i++) {
		struct price price;
		int result = weights_price(weights, &account->options.events, cpus,
					   account->packages[i].priced_hz, &price, error);

		if (result)
			return result;
		for (unsigned e = 0; e < account->options.events.count; e++) {
			double part = account->prices.package_part[i][e];

			vector[e] += price.event_nj[e] * 1e-9 * part;
			if (price.event_nj[e] > 0 || !isnan(price.event_se_nj[e]))
				errors[e] += price.event_se_nj[e] * 1e-9 * part;
		}
		vector[SAMPLE_EVENTS_MAX] += price.idle_w / packages;
		errors[SAMPLE_EVENTS_MAX] += price.idle_se_w / packages;
	}
	return 0;
}

/* --- covariance --------------------------------------------------------------------------- */

static int jackknife(struct account *account, unsigned cpus, struct error *error)
{
	unsigned count = account->options.cpu->replicate_count;
	struct covariance *of = &account->covariance;
	double mean[PRICED] = { 0 };

	for (unsigned r = 0; r < count; r++) {
		double vector[PRICED], unused[PRICED], before[PRICED];
		int result;

		set_replicate(account->replicate, r);
		result = price_vector(account, account->replicate, cpus, vector, unused, error);
		if (result)
			return result;
		for (unsigned i = 0; i < PRICED; i++) {
			before[i] = vector[i] - mean[i];
			mean[i] += before[i] / (r + 1);
		}
		for (unsigned i = 0; i < PRICED; i++)
			for (unsigned k = 0; k < PRICED; k++)
				of->sigma[i][k] += before[i] * (vector[k] - mean[k]);
	}
	for (unsigned i = 0; i < PRICED; i++)
		for (unsigned k = 0; k < PRICED; k++)
			of->sigma[i][k] *= (count - 1.0) / count;
	of->quantile = student_95(count - 1.0);
	of->known = true;
	return 0;
}

static int standard_errors(struct account *account, unsigned cpus, struct error *error)
{
	struct covariance *of = &account->covariance;
	double vector[PRICED], errors[PRICED];
	int result = price_vector(account, account->options.cpu, cpus, vector, errors, error);

	if (result)
		return result;
	of->quantile = NORMAL_95;
	of->known = account->options.cpu->replicate_count == 0 ||
		    account->options.cpu->replicate_count >= REPLICATES_MIN;
	for (unsigned i = 0; i < PRICED; i++) {
		of->sigma[i][i] = errors[i] * errors[i];
		of->known &= !isnan(errors[i]);
	}
	return 0;
}

int account_covariance_open(struct account *account)
{
	const struct weights *weights = account->options.cpu;
	struct weights *copy;

	if (!has_replicates(account, weights))
		return 0;
	copy = malloc(sizeof *copy);
	if (!copy)
		return -ENOMEM;
	*copy = *weights;
	copy->points = calloc(weights->point_count, sizeof *copy->points);
	if (!copy->points) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy->points, weights->points, weights->point_count * sizeof *copy->points);
	account->replicate = copy;
	return 0;
}

void account_covariance_close(struct account *account)
{
	if (account->replicate)
		free(account->replicate->points);
	free(account->replicate);
}

int account_covariance(struct account *account, const struct topology *topology,
		       struct error *error)
{
	account->covariance = (struct covariance){ 0 };
	if (account->replicate)
		return jackknife(account, topology->cpu.cpus, error);
	return standard_errors(account, topology->cpu.cpus, error);
}

/* --- a domain ----------------------------------------------------------------------------- */

static double cpu_variance(const struct account *account, const struct domain_tick *tick)
{
	double q[PRICED], variance = 0;

	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		q[i] = tick->load.count[i];
	q[SAMPLE_EVENTS_MAX] = 0;
	if (account->prices.idle_w > 0)
		q[SAMPLE_EVENTS_MAX] = (tick->idle_part + tick->service_part) *
				       account->head_idle_j / account->prices.idle_w;
	for (unsigned i = 0; i < PRICED; i++)
		for (unsigned k = 0; k < PRICED; k++)
			variance += q[i] * account->covariance.sigma[i][k] * q[k];
	return fmax(0, variance);
}

static double disk_variance(const struct account *account, const struct account_domain *domain)
{
	double variance = 0;

	for (size_t i = 0; i < domain->claim_count; i++) {
		const struct account_claim *claim = &domain->claims[i];
		const struct disk_constants *disk;
		double idle_s = claim->idle_part * account->tick.seconds, active_s;

		if (!claim->disk->weights)
			continue;
		disk = &claim->disk->weights->disk;
		active_s = claim->charged_s;
		if (active_s > 0 || isnan(active_s))
			variance += pow(active_s * disk->active_se_w, 2);
		if (idle_s != active_s)
			variance += pow((idle_s - active_s) * disk->idle_se_w, 2);
	}
	return variance;
}

/* Half the width of the 95 % interval of the joules of this tick; NaN: not known. */
double account_error_j(const struct account *account, const struct account_domain *domain)
{
	const struct domain_tick *tick = &domain->tick;

	if (!account->covariance.known || isnan(tick->cpu.now_j) || isnan(tick->service.now_j) ||
	    isnan(tick->disk.now_j))
		return NAN;
	return account->covariance.quantile *
	       sqrt(cpu_variance(account, tick) + disk_variance(account, domain) +
		    account_nic_variance(account, domain));
}
