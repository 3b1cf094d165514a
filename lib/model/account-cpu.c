/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account-cpu.c - active CPU energy: the host's, each domain's cpu and own
 * helpers, each service's (model.md 2).
 *
 * One price vector serves all threads of a tick, so that sums are additive.
 * Threads do not say on which package they ran: with several packages, each
 * event has the mean of the packages' prices, weighted by where it was counted,
 * which leaves the host's total exactly the sum over packages.
 *
 * Watts and totals. `_w` of a tick is made of what fell into it (now_j); `_j`
 * also takes what came late (late_j). The host's figures are made alike, kept is
 * their difference to the domains' in both, and so both are conserved in every
 * tick. A domain that was not read has no watts in that tick (they are with kept
 * meanwhile); when its reading comes, `_j` moves from kept to it. When the
 * host's own total is not read, everything under it waits with it.
 */
#include "model/account-internal.h"
#include "model/account-own-thread.h"

void account_load_add(struct load *load, const struct load *other, double factor)
{
	load->charge = charge_sum(load->charge, charge_scale(other->charge, factor));
	for (unsigned i = 0; i < SAMPLE_EVENTS_MAX; i++)
		load->count[i] += other->count[i] * factor;
}

static struct charge charge_events(const struct account *account, const struct cpu_delta *delta,
				   const double event_j[SAMPLE_EVENTS_MAX])
{
	double joules = 0;

	if (!delta->known)
		return CHARGE_UNKNOWN;
	for (unsigned i = 0; i < account->options.events.count; i++)
		joules += delta->count[i] * event_j[i];
	return (struct charge){ joules * delta->on_time, joules - joules * delta->on_time };
}

struct load account_load(const struct account *account, const struct cpu_delta *delta)
{
	struct load load = { charge_events(account, delta, account->prices.event_j), { 0 } };

	for (unsigned i = 0; i < account->options.events.count && delta->known; i++)
		load.count[i] = delta->count[i] * delta->on_time;
	return load;
}

/* --- the host ----------------------------------------------------------------------------- */

static bool packages_are_new(const struct account *account, const struct sample *sample)
{
	for (unsigned i = 0; i < sample->package_count; i++)
		if (!account_cpu_is_new(&account->packages[i].previous, &sample->packages[i].total))
			return false;
	return sample->package_count > 0;
}

static enum head_state read_packages(struct account *account, const struct sample *sample)
{
	bool same = account->package_count == sample->package_count;
	enum head_state state = HEAD_KNOWN;

	for (unsigned i = 0; i < SAMPLE_PACKAGES_MAX && !same; i++)
		account->packages[i] = (struct package){ 0 };
	account->package_count = sample->package_count;
	if (!packages_are_new(account, sample))
		return HEAD_LATE;
	for (unsigned i = 0; i < sample->package_count; i++) {
		struct package *package = &account->packages[i];

		account_cpu_delta(&package->delta, &package->previous, &sample->packages[i].total,
				  account->options.events.count, &account->tick);
		account->tick.quality |= package->delta.quality;
		if (!package->delta.known)
			state = HEAD_BASELINE;
	}
	return state;
}

/* The part of each event that each package counted; even where nothing was counted. */
static void weigh_packages(struct account *account)
{
	unsigned packages = account->package_count > 0 ? account->package_count : 1;

	for (unsigned e = 0; e < account->options.events.count; e++) {
		double sum = 0;

		for (unsigned i = 0; i < account->package_count; i++)
			sum += account->packages[i].delta.count[e];
		for (unsigned i = 0; i < packages; i++)
			account->prices.package_part[i][e] =
				sum > 0 ? account->packages[i].delta.count[e] / sum
					: 1.0 / packages;
	}
}

static bool did_work(const struct account *account, const struct package *package)
{
	bool worked = false;

	for (unsigned e = 0; e < account->options.events.count; e++)
		worked |= package->delta.count[e] > 0;
	return worked && account->head_state == HEAD_KNOWN;
}

/*
 * The operating point of a package is the last one that was seen. Where nobody
 * measured it in this tick, its prices are a guess if it did work, and nothing
 * rests on them if it did not.
 */
static int price_package(const struct account *account, struct package *package,
			 unsigned cpus_present, struct price *price, struct error *error)
{
	const struct weights *weights = account->options.cpu;
	bool worked = did_work(account, package), measured = package->priced_hz > 0;
	int result;

	if (measured)
		package->frequency_hz = package->priced_hz;
	package->priced_hz = package->frequency_hz;
	if (package->priced_hz <= 0 && !worked) /* what weights_price() takes for an unknown one */
		package->priced_hz = weights->points[weights->point_count - 1].frequency_hz;
	result = weights_price(weights, &account->options.events, cpus_present, package->priced_hz,
			       price, error);
	if (result)
		return result;
	if (!measured && worked && weights->point_count > 1)
		price->quality |= QUALITY_ESTIMATE;
	if (!measured && !worked)
		price->quality &= ~(unsigned)QUALITY_EXTRAPOLATED;
	return 0;
}

int account_price(struct account *account, const struct topology *topology,
		  const struct sample *sample, struct error *error)
{
	struct prices *prices = &account->prices;
	unsigned packages;

	account->head_state = read_packages(account, sample);
	packages = account->package_count > 0 ? account->package_count : 1;
	*prices = (struct prices){ 0 };
	weigh_packages(account);
	for (unsigned i = 0; i < packages; i++) {
		struct package *package = &account->packages[i];
		struct price price;
		int result;

		package->priced_hz = (double)sample->packages[i].frequency_hz;
		result = price_package(account, package, topology->cpu.cpus, &price, error);
		if (result)
			return result;
		for (unsigned e = 0; e < account->options.events.count; e++) {
			package->event_j[e] = price.event_nj[e] * 1e-9;
			prices->event_j[e] += package->event_j[e] * prices->package_part[i][e];
		}
		package->quality = price.quality;
		prices->idle_w += price.idle_w / packages;
		prices->quality |= price.quality;
	}
	return 0;
}

static void charge_head(struct account *account)
{
	account->head = CHARGE_UNKNOWN;
	for (unsigned i = 0; i < account->package_count; i++) {
		struct package *package = &account->packages[i];

		package->active = CHARGE_UNKNOWN;
		if (account->head_state == HEAD_KNOWN)
			package->active = charge_events(account, &package->delta, package->event_j);
		account->head = charge_sum(account->head, package->active);
	}
	if (account->head_state == HEAD_LATE)
		account->tick.quality |= QUALITY_MISSING;
	if (account->head_state == HEAD_BASELINE)
		account_forget_cpu(account);
}

/* --- a domain ----------------------------------------------------------------------------- */

struct threads_sum { /* of one domain */
	struct load vcpus, helpers;
	bool vcpu_waits; /* a vCPU's delta will come later */
	unsigned quality;
};

static void read_thread(struct account *account, struct account_thread *memory,
			const struct thread *thread, const struct cpu_reading *now,
			struct threads_sum *sum)
{
	bool vcpu = thread->role == THREAD_VCPU, read_before = memory->previous.at_ns > 0;
	struct cpu_delta delta;
	struct load load;

	memory->active = CHARGE_UNKNOWN;
	memory->on_cpu_ns = NAN;
	if (!thread->sampled)
		return;
	account_cpu_delta(&delta, &memory->previous, now, account->options.events.count,
			  &account->tick);
	load = account_load(account, &delta);
	account_load_add(vcpu ? &sum->vcpus : &sum->helpers, &load, 1);
	memory->active = load.charge;
	if (delta.known && account->cputime_event >= 0)
		memory->on_cpu_ns = load.count[account->cputime_event];
	if (vcpu && !delta.known && read_before)
		sum->vcpu_waits = true;
	if (vcpu || !memory->inside_total)
		sum->quality |= delta.quality;
}

static struct threads_sum read_threads(struct account *account, struct account_domain *domain,
				       const struct domain *of, const struct domain_reading *now)
{
	struct threads_sum sum = { .vcpus = { CHARGE_UNKNOWN, { 0 } },
				   .helpers = { CHARGE_UNKNOWN, { 0 } } };

	for (size_t i = 0; i < domain->thread_count; i++) {
		domain->threads[i].inside_total = now->total_source != TOTAL_NONE;
		read_thread(account, &domain->threads[i], &of->threads[i], &now->threads[i], &sum);
	}
	return sum;
}

/*
 * helpers = total - vCPUs, where every vCPU is known. Thread and total are read
 * at slightly different times, so the difference may be a little below zero:
 * that stays in unmatched_j and is settled by the next ones, since neither a
 * negative charge nor a clamped sum would be true.
 */
static struct charge own_helpers(struct account_domain *domain, struct charge total,
				 struct charge vcpus)
{
	double rest = charge_total(total) - domain->unmatched_j;
	struct charge helpers = { 0, 0 };

	domain->unmatched_j = fmax(0, -rest);
	if (rest <= 0)
		return helpers;
	helpers.now_j = fmin(rest, fmax(0, total.now_j - known(vcpus.now_j)));
	helpers.late_j = rest - helpers.now_j;
	return helpers;
}

static void on_cpu_time(const struct account *account, struct account_domain *domain,
			const struct load *all)
{
	domain->tick.on_cpu_ns = NAN;
	if (account->cputime_event >= 0 && !isnan(all->charge.now_j))
		domain->tick.on_cpu_ns = all->count[account->cputime_event];
}

/* Without a total only the sampled threads are known; a helper that is not, is not zero. */
static void split_by_threads(const struct account *account, struct account_domain *domain,
			     const struct threads_sum *sum)
{
	struct domain_tick *tick = &domain->tick;

	tick->load = sum->vcpus;
	account_load_add(&tick->load, &sum->helpers, 1);
	on_cpu_time(account, domain, &tick->load);
	tick->cpu = domain->has_vcpu ? sum->vcpus.charge : tick->load.charge;
	tick->service = domain->has_vcpu ? sum->helpers.charge : CHARGE_UNKNOWN;
	if (!isnan(tick->cpu.now_j) && (domain->only_vcpus || !domain->has_vcpu))
		tick->service = (struct charge){ 0, 0 };
}

static void split_by_total(struct account *account, struct account_domain *domain,
			   const struct cpu_reading *now, const struct threads_sum *sum)
{
	struct domain_tick *tick = &domain->tick;
	struct cpu_delta delta = { 0 };
	struct load total = { CHARGE_UNKNOWN, { 0 } };
	bool waits = sum->vcpu_waits && domain->state != DOMAIN_ENDED;

	domain->unmatched_j += charge_total(sum->vcpus.charge);
	if (!waits) {
		account_cpu_delta(&delta, &domain->total, now, account->options.events.count,
				  &account->tick);
		total = account_load(account, &delta);
		tick->quality |= delta.quality;
	}
	if (delta.quality & QUALITY_GAP)
		domain->unmatched_j = 0;
	tick->load = delta.known ? total : sum->vcpus;
	on_cpu_time(account, domain, &total);
	tick->cpu = sum->vcpus.charge;
	tick->service = CHARGE_UNKNOWN;
	if (!delta.known)
		return;
	tick->service = own_helpers(domain, total.charge, sum->vcpus.charge);
	if (domain->unmatched_j > ACCOUNT_SKEW * charge_total(account->head))
		tick->quality |= QUALITY_SKEW;
	if (domain->has_vcpu)
		return;
	tick->cpu = tick->service;
	tick->service = (struct charge){ 0, 0 };
}

static void read_domain(struct account *account, struct account_domain *domain,
			const struct domain *of, const struct domain_reading *now)
{
	struct threads_sum sum;

	if (domain->total_source != now->total_source) {
		bool first = domain->total_source == TOTAL_NONE && domain->born_ns > 0 &&
			     domain->total.at_ns == domain->born_ns;

		domain->total_source = now->total_source;
		domain->unmatched_j = 0;
		if (!first)
			domain->total = (struct cpu_reading){ 0 };
	}
	sum = read_threads(account, domain, of, now);
	domain->tick.quality |= sum.quality;
	if (now->total_source == TOTAL_NONE)
		split_by_threads(account, domain, &sum);
	else
		split_by_total(account, domain, &now->total, &sum);
	domain->tick.helpers_j = domain->tick.service.now_j;
	if (isnan(domain->tick.cpu.now_j) && !(domain->tick.quality & QUALITY_GAP))
		domain->tick.quality |= QUALITY_MISSING;
}

static void clear_threads(struct account_domain *domain)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		domain->threads[i].active = CHARGE_UNKNOWN;
		domain->threads[i].on_cpu_ns = NAN;
	}
}

/* The host's total was not read: nobody's is, so that all of it comes together. */
static void await_head(struct account_domain *domain)
{
	domain->tick.cpu = domain->tick.service = CHARGE_UNKNOWN;
	domain->tick.helpers_j = domain->tick.on_cpu_ns = NAN;
	domain->tick.quality |= QUALITY_STALE;
	clear_threads(domain);
}

static void charge_domain(struct account *account, struct account_domain *domain,
			  const struct domain *of, const struct domain_reading *now)
{
	if (domain_is_over(domain, &account->tick))
		clear_threads(domain);
	else if (account->head_state == HEAD_LATE)
		await_head(domain);
	else
		read_domain(account, domain, of, now);
}

static void read_service(struct account *account, struct account_service *service,
			 const struct service_reading *now)
{
	account_own_read(account, service, now);
	account_cpu_delta(&service->delta, &service->previous, &now->total,
			  account->options.events.count, &account->tick);
	service->own = account_load(account, &service->delta);
	account->tick.quality |= service->delta.quality;
}

void account_cpu(struct account *account, const struct topology *topology,
		 const struct sample *sample)
{
	struct cpu_delta own = { 0 };
	bool waits = account->head_state == HEAD_LATE;

	charge_head(account);
	for (size_t i = 0; i < account->bound_count; i++)
		charge_domain(account, account->bound[i], &topology->domains[i],
			      &sample->domains[i]);
	for (size_t i = 0; i < account->service_count; i++) {
		account->services[i]->delta = (struct cpu_delta){ 0 };
		account->services[i]->own = (struct load){ CHARGE_UNKNOWN, { 0 } };
		account_own_clear(account->services[i]);
		if (!waits)
			read_service(account, account->services[i], &sample->services[i]);
	}
	if (!waits && account->options.own_name)
		account_cpu_delta(&own, &account->own_previous, &sample->own,
				  account->options.events.count, &account->tick);
	account->own = account_load(account, &own).charge;
}
