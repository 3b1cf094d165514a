/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-idle.c - who shares the constant power (model.md 2, idle units).
 *
 * "Weighted by the part of the tick that x existed" is taken at its word: at
 * each moment idle power is shared by those who are there then. A domain that
 * starts halfway changes every share from its first moment on, and what passes
 * while nobody is there is kept.
 */
#include "model/account-internal.h"

#include <stdlib.h>

static int compare_events(const void *left, const void *right)
{
	const struct span_event *a = left, *b = right;

	return (a->at_ns > b->at_ns) - (a->at_ns < b->at_ns);
}

static bool counts(const struct span *span)
{
	return span->units > 0 && span->from_ns < span->to_ns;
}

/* Beginnings, then ends: in nearly every tick all are there all the time, and
 * nothing is sorted. */
static size_t list_events(const struct span *spans, size_t count, struct span_event *events)
{
	bool sorted = true;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (counts(&spans[i]))
			events[n++] = (struct span_event){ spans[i].from_ns, i, true };
	for (size_t i = 0; i < count; i++)
		if (counts(&spans[i]))
			events[n++] = (struct span_event){ spans[i].to_ns, i, false };
	for (size_t i = 1; i < n && sorted; i++)
		sorted = events[i - 1].at_ns <= events[i].at_ns;
	if (!sorted)
		qsort(events, n, sizeof *events, compare_events);
	return n;
}

/*
 * per_unit grows by dt / (units there); a span's part is its units times the
 * growth between its beginning and its end.
 */
void account_share(struct span *spans, size_t count, struct span_event *events,
		   const struct tick *tick)
{
	double length = (double)(tick->to_ns - tick->from_ns);
	double per_unit = 0, units = 0;
	uint64_t at_ns = tick->from_ns;
	size_t n, there = 0;

	for (size_t i = 0; i < count; i++)
		spans[i].part = 0;
	n = list_events(spans, count, events);
	for (size_t i = 0; i < n; i++) {
		struct span *span = &spans[events[i].span];

		if (there > 0)
			per_unit += (double)(events[i].at_ns - at_ns) / length / units;
		at_ns = events[i].at_ns;
		span->part += events[i].begins ? -span->units * per_unit : span->units * per_unit;
		units += events[i].begins ? span->units : -span->units;
		there += events[i].begins ? 1 : (size_t)-1;
	}
	for (size_t i = 0; i < count; i++)
		spans[i].part = fmax(0, spans[i].part);
}

static double domain_units(enum idle_policy policy, const struct account_domain *domain)
{
	switch (policy) {
	case IDLE_VCPU:
		return domain->vcpus;
	case IDLE_EQUAL:
		return 1;
	case IDLE_SHARE:
		return domain->cpu_weight;
	case IDLE_HOST:
		break;
	}
	return 0;
}

/* A service without units has none under any policy; 100 is the default CPU weight. */
static double service_units(enum idle_policy policy, const struct account_service *service)
{
	switch (policy) {
	case IDLE_VCPU:
		return service->idle_units;
	case IDLE_EQUAL:
		return service->idle_units > 0 ? 1 : 0;
	case IDLE_SHARE:
		return service->idle_units * 100;
	case IDLE_HOST:
		break;
	}
	return 0;
}

/* The part of the tick that a domain existed. */
static void set_presence(struct account_domain *domain, const struct tick *tick)
{
	struct domain_tick *of = &domain->tick;

	of->from_ns = domain->start_ns > tick->from_ns ? domain->start_ns : tick->from_ns;
	of->to_ns = tick->to_ns;
	if (domain->state == DOMAIN_ENDED && domain->end_ns < tick->to_ns)
		of->to_ns = domain->end_ns;
	if (!domain->bound || domain_is_over(domain, tick) || of->from_ns > of->to_ns)
		of->to_ns = of->from_ns;
}

static void share_cpu(struct account *account)
{
	enum idle_policy policy = account->options.idle_policy;
	struct span *span = account->spans;

	for (size_t i = 0; i < account->bound_count; i++) {
		const struct account_domain *domain = account->bound[i];

		*span++ = (struct span){ domain_units(policy, domain), domain->tick.from_ns,
					 domain->tick.to_ns, 0 };
	}
	for (size_t i = 0; i < account->service_count; i++)
		*span++ = (struct span){ service_units(policy, account->services[i]),
					 account->tick.from_ns, account->tick.to_ns, 0 };
	account_share(account->spans, (size_t)(span - account->spans), account->span_events,
		      &account->tick);
	span = account->spans;
	for (size_t i = 0; i < account->bound_count; i++, span++) {
		struct domain_tick *of = &account->bound[i]->tick;

		of->idle_part = span->part;
		of->cpu_idle_j = account->head_idle_j * span->part;
	}
	for (size_t i = 0; i < account->service_count; i++)
		account->services[i]->idle_part = (span++)->part;
}

/* model.md 3: P_idle * period / vDISKs on that leaf; the host is no sharer. */
static void share_disk(struct account *account, const struct account_disk *disk)
{
	bool kept = account->options.idle_policy == IDLE_HOST;
	struct span *span = account->spans;

	for (size_t i = 0; i < account->bound_count; i++) {
		struct account_domain *domain = account->bound[i];

		for (size_t k = 0; k < domain->claim_count; k++)
			if (domain->claims[k].disk == disk)
				*span++ = (struct span){ kept ? 0 : 1, domain->tick.from_ns,
							 domain->tick.to_ns, 0 };
	}
	account_share(account->spans, (size_t)(span - account->spans), account->span_events,
		      &account->tick);
	span = account->spans;
	for (size_t i = 0; i < account->bound_count; i++) {
		struct account_domain *domain = account->bound[i];

		for (size_t k = 0; k < domain->claim_count; k++)
			if (domain->claims[k].disk == disk)
				domain->claims[k].idle_part = (span++)->part;
	}
}

static void share_service(struct account *account, struct account_service *service)
{
	struct span *spans = account->spans;

	for (size_t i = 0; i < service->reach_count; i++) {
		const struct domain_tick *of = &service->reach[i].domain->tick;

		spans[i] = (struct span){ 1, of->from_ns, of->to_ns, 0 };
	}
	account_share(spans, service->reach_count, account->span_events, &account->tick);
	for (size_t i = 0; i < service->reach_count; i++)
		service->reach[i].part = spans[i].part;
}

/*
 * A counter that is off by more than this part of the tick runs at another rate
 * than the weights file says, or did not stop in suspend as the clock does.
 */
#define TSC_IMPLAUSIBLE 0.1

/* model.md 2: w_tsc * cpus * tsc = idle_w * tsc / tsc_hz; 0: without a usable tsc. */
static double tsc_seconds(const struct account *account, const struct topology *topology,
			  const struct sample *sample)
{
	double hz = account->options.cpu->tsc_hz > 0 ? account->options.cpu->tsc_hz
						     : (double)topology->cpu.tsc_hz;
	double seconds;

	if (hz <= 0 || account->tsc_ticks == 0 || sample->tsc_ticks <= account->tsc_ticks)
		return 0;
	seconds = (double)(sample->tsc_ticks - account->tsc_ticks) / hz;
	if (fabs(seconds - account->tick.seconds) > TSC_IMPLAUSIBLE * account->tick.seconds)
		return 0;
	return seconds;
}

void account_idle(struct account *account, const struct topology *topology,
		  const struct sample *sample)
{
	double seconds = tsc_seconds(account, topology, sample);

	if (seconds <= 0)
		seconds = account->tick.seconds;
	account->head_idle_j = account->prices.idle_w * seconds;
	for (size_t i = 0; i < account->bound_count; i++)
		set_presence(account->bound[i], &account->tick);
	share_cpu(account);
	for (size_t i = 0; i < account->disk_count; i++)
		share_disk(account, account->disks[i]);
	for (size_t i = 0; i < account->service_count; i++)
		share_service(account, account->services[i]);
}
