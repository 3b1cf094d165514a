/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A host of 200 domains and five services, one of them behind another, under
 * churn: domains, vDISKs and services come, go and start anew under the same
 * name, readings are late or missing. Recorded, read back and accounted for: what is
 * charged is conserved in every tick, and each domain's service energy is held
 * against the truth that the host itself keeps here.
 */
#include <stdio.h>

#include "base/text.h"
#include "model/known.h"
#include "tests/unit/account-rig.h"
#include "wire/recording.h"

enum { DOMAINS = 200, SERVICES = 5, DAEMON = 0, BEHIND = 3, TICKS = 30, SEEDS = 2 };

struct cost {
	double request_j, byte_j, base_w;
};
static const struct cost costs[SERVICES] = { { 20e-6, 1e-9, 0.5 },
					     { 50e-6, 0.5e-9, 1 },
					     { 10e-6, 3e-9, 0.2 },
					     { 30e-6, 2e-9, 0.8 },
					     { 40e-6, 0, 0.3 } };

struct guest {
	double requests, size;
	bool new;  /* since this tick: it does nothing yet */
	bool lost; /* not read in the last tick */
	double truth_j;
};

struct host {
	struct rig *rig;
	uint64_t state;
	bool calm; /* a head was late: nobody comes or goes */
	struct guest guests[DOMAINS];
	bool lost[SERVICES], anew[SERVICES];
	/* what a reader of the recording makes of it */
	struct account *reader;
	struct topology *topology;
	struct snapshot snapshot;
	uint64_t generation;
};

static bool chance(struct host *host, double probability)
{
	return unit_random_double(&host->state, 0, 1) < probability;
}

static size_t service_of(size_t domain)
{
	return domain % SERVICES;
}

/* --- the host ----------------------------------------------------------------------------- */

static struct host *host_new(uint64_t seed)
{
	struct host *host = calloc(1, sizeof *host);
	struct rig *rig = rig_new();

	host->rig = rig;
	host->state = seed * 104729;
	rig_disk(rig, "sda");
	for (size_t i = 0; i < DOMAINS; i++) {
		char id[16];
		struct rig_domain *domain;

		snprintf(id, sizeof id, "d%zu", i);
		domain = rig_domain(rig, id, 1);
		domain->total_source = TOTAL_CGROUP;
		rig_vdisk(domain, "vda", 0);
		rig_vdisk(domain, "vdb", 0);
		rig_attach(rig, i, 0, service_of(i));
	}
	for (size_t i = 0; i < SERVICES; i++) {
		char id[16];

		snprintf(id, sizeof id, "s%zu", i);
		rig_service(rig, id);
	}
	rig_chain(rig, DAEMON, BEHIND);
	return host;
}

static void host_free(struct host *host)
{
	account_close(host->reader);
	if (host->topology)
		topology_unref(host->topology);
	snapshot_clear(&host->snapshot);
	rig_free(host->rig);
	free(host);
}

static void churn_domain(struct host *host, size_t index)
{
	struct rig_domain *domain = &host->rig->domains[index];
	struct guest *guest = &host->guests[index];

	guest->new = false;
	if (!guest->lost && chance(host, domain->absent ? 0.3 : 0.01)) {
		domain->absent = !domain->absent;
		guest->new = !domain->absent;
		host->rig->same = false;
	}
	if (chance(host, 0.01)) {
		domain->vdisk_count = 3 - domain->vdisk_count;
		host->rig->same = false;
	}
}

/* It goes, it comes back, or another process has its name. */
static void churn_service(struct host *host, size_t index)
{
	struct rig_service *service = &host->rig->services[index];

	host->anew[index] = false;
	if (host->lost[index] || !chance(host, service->absent ? 0.5 : 0.04))
		return;
	if (service->absent || chance(host, 0.5)) {
		service->absent = false;
		service->pid = host->rig->next_id++;
		host->anew[index] = true;
	} else {
		service->absent = true;
	}
	host->rig->same = false;
}

static void churn(struct host *host)
{
	host->rig->same = host->rig->topology != NULL;
	for (size_t i = 0; i < DOMAINS && !host->calm; i++)
		churn_domain(host, i);
	for (size_t i = 0; i < SERVICES && !host->calm; i++)
		churn_service(host, i);
}

static bool is_client(const struct host *host, size_t domain, size_t service)
{
	bool direct = service_of(domain) == service;

	if (host->rig->domains[domain].absent)
		return false;
	return direct || (service == BEHIND && service_of(domain) == DAEMON &&
			  !host->rig->services[DAEMON].absent);
}

static void change_load(struct host *host, struct guest *guest)
{
	if (!chance(host, 0.2))
		return;
	guest->requests = floor(unit_random_double(&host->state, 0, 1) *
				unit_random_double(&host->state, 0, 2000));
	guest->size = 512 << unit_random(&host->state) % 7;
}

static void ask(struct host *host, size_t index)
{
	struct rig *rig = host->rig;
	struct rig_domain *domain = &rig->domains[index];
	struct guest *guest = &host->guests[index];
	uint64_t own = unit_random(&host->state) % 300;
	double own_j = 0.05 + 0.2e-3 * (double)own;

	change_load(host, guest);
	if (domain->absent || guest->new)
		return;
	if (!rig->services[service_of(index)].absent) {
		rig_read(&domain->vdisks[0].io, (uint64_t)guest->requests, (uint64_t)guest->size);
		rig_read(&rig->attachments[index].io, (uint64_t)guest->requests,
			 (uint64_t)guest->size);
	}
	if (service_of(index) == DAEMON && !rig->services[DAEMON].absent)
		rig_read(&rig->attachments[DOMAINS].io, (uint64_t)guest->requests,
			 (uint64_t)guest->size);
	rig_read(&domain->vdisks[1].io, own, 4096);
	rig_run(&domain->extra, own_j / RIG_CPU_W);
	rig_run(&domain->threads[0].counter, 0.002);
	guest->truth_j += own_j;
}

/* What one of its clients costs a service in a second. */
static double true_cost(const struct host *host, size_t service, size_t domain, size_t clients)
{
	const struct guest *guest = &host->guests[domain];
	double work = guest->new ? 0 : guest->requests;

	return work * (costs[service].request_j + costs[service].byte_j * guest->size) +
	       costs[service].base_w / (double)clients;
}

/* Its first delta after a start is a baseline: that energy is nobody's. */
static void serve(struct host *host, size_t index)
{
	double joules = 0, noise = unit_random_double(&host->state, 0.95, 1.05);
	size_t clients = 0;

	if (host->rig->services[index].absent)
		return;
	for (size_t i = 0; i < DOMAINS; i++)
		clients += is_client(host, i, index);
	for (size_t i = 0; i < DOMAINS; i++) {
		double cost_j;

		if (!is_client(host, i, index))
			continue;
		cost_j = true_cost(host, index, i, clients) * noise;
		joules += cost_j;
		if (!host->anew[index])
			host->guests[i].truth_j += cost_j;
	}
	rig_run(&host->rig->services[index].counter, joules / RIG_CPU_W);
}

/* Readings that do not come; in the last ticks all do. */
static void lose(struct host *host, bool last)
{
	struct rig *rig = host->rig;

	for (size_t i = 0; i < DOMAINS; i++) {
		struct guest *guest = &host->guests[i];
		bool io = !last && chance(host, 0.05);

		guest->lost = rig->domains[i].extra.missing = !last && chance(host, 0.05);
		rig->attachments[i].io.missing = rig->domains[i].vdisks[0].io.missing = io;
		guest->lost |= io;
	}
	for (size_t i = 0; i < SERVICES; i++)
		host->lost[i] = rig->services[i].counter.missing =
			!last && !rig->services[i].absent && !host->anew[i] && chance(host, 0.05);
	rig->attachments[DOMAINS].io.missing = !last && chance(host, 0.1);
	rig->head_missing = !last && host->rig->same && chance(host, 0.05);
	host->calm = rig->head_missing;
}

static void work(struct host *host, bool last)
{
	churn(host);
	for (size_t i = 0; i < DOMAINS; i++)
		ask(host, i);
	for (size_t i = 0; i < SERVICES; i++)
		serve(host, i);
	lose(host, last);
}

/* --- its recording, and the reader -------------------------------------------------------- */

static void read_back(struct host *host, const struct text *line, struct recording_line *parsed)
{
	struct error error = { "" };
	int result = recording_parse(line->bytes, line->length - 1, host->topology, parsed, &error);

	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(0, result);
}

static void replay_topology(struct host *host, struct text *line)
{
	struct recording_line parsed = { 0 };

	if (host->generation == host->rig->topology->generation)
		return;
	host->generation = host->rig->topology->generation;
	line->length = 0;
	UNIT_EQUAL_I64(0, recording_put_topology(host->rig->topology, line, &host->rig->error));
	read_back(host, line, &parsed);
	if (host->topology)
		topology_unref(host->topology);
	host->topology = parsed.topology;
	parsed.topology = NULL;
	recording_line_clear(&parsed);
}

static int replay(struct host *host, struct error *error)
{
	struct recording_line parsed = { 0 };
	struct text line = { 0 };
	int result;

	if (!host->reader)
		UNIT_EQUAL_I64(0, account_open(&host->reader, &host->rig->options, error));
	replay_topology(host, &line);
	line.length = 0;
	UNIT_EQUAL_I64(0,
		       recording_put_sample(&host->rig->sample, host->rig->topology, &line, error));
	read_back(host, &line, &parsed);
	result = account_tick(host->reader, host->topology, &parsed.sample, &host->snapshot, error);
	recording_line_clear(&parsed);
	text_free(&line);
	return result;
}

/* --- judged ------------------------------------------------------------------------------- */

static void say(uint64_t seed, int tick, const char *text)
{
	fprintf(stderr, "seed %llu, tick %d: %s\n", (unsigned long long)seed, tick, text);
}

static double row_w(const struct account_power *power)
{
	return known(power->idle_w) + known(power->active_w);
}

/* Summed anew from the rows, in watts and in joules. */
static void check_conservation(const struct host *host, uint64_t seed, int tick)
{
	const struct snapshot *snapshot = &host->snapshot;
	double watts = snapshot->host.kept_w, joules = snapshot->host.kept_j;
	struct error error = { "" };

	for (size_t i = 0; i < snapshot->domain_count; i++) {
		const struct snapshot_domain *row = &snapshot->domains[i];

		watts += row_w(&row->cpu) + row_w(&row->disk) + row_w(&row->service);
		joules += row->cpu.idle_j + row->cpu.active_j + row->disk.idle_j +
			  row->disk.active_j + row->service.idle_j + row->service.active_j;
	}
	if (account_check(snapshot, 1e-9, &error))
		say(seed, tick, error.text);
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_DOUBLE(1, watts / snapshot->host.total_w, 1e-3);
	UNIT_EQUAL_DOUBLE(1, joules / snapshot->host.total_j, 1e-9);
}

/*
 * Each within 30 % of its truth, or of what the mean domain has; in the mean within 6 %: what
 * was not read was guessed, and the first ticks knew no cost.
 */
static void check_truth(const struct host *host, uint64_t seed)
{
	double mean_j = 0, all_j = 0, charged_j = 0, errors = 0;
	size_t count = host->snapshot.domain_count;

	for (size_t i = 0; i < DOMAINS; i++)
		mean_j += host->guests[i].truth_j / DOMAINS;
	for (size_t i = 0; i < count; i++) {
		const struct snapshot_domain *row = &host->snapshot.domains[i];
		double truth_j = host->guests[strtoul(row->id + 1, NULL, 10)].truth_j;
		double error = fabs(row->service.active_j - truth_j) / fmax(truth_j, mean_j);

		if (error > 0.3)
			fprintf(stderr, "seed %llu: %s: %g J, in truth %g J\n",
				(unsigned long long)seed, row->id, row->service.active_j, truth_j);
		UNIT_TRUE(error <= 0.3);
		errors += error;
		all_j += truth_j;
		charged_j += row->service.active_j;
	}
	UNIT_EQUAL_DOUBLE(0, errors / (double)count, 0.06);
	UNIT_EQUAL_DOUBLE(1, charged_j / all_j, 0.01);
}

static void test_a_replay_under_churn_is_conserved_and_true(void)
{
	for (uint64_t seed = 1; seed <= unit_rounds(SEEDS); seed++) {
		struct host *host = host_new(seed);
		struct error error = { "" };

		UNIT_EQUAL_I64(-EAGAIN, rig_tick(host->rig, 1));
		UNIT_EQUAL_I64(-EAGAIN, replay(host, &error));
		for (int tick = 0; tick < TICKS; tick++) {
			work(host, tick >= TICKS - 2);
			UNIT_EQUAL_I64(0, rig_tick(host->rig, 1));
			if (replay(host, &error))
				say(seed, tick, error.text);
			UNIT_EQUAL_TEXT("", error.text);
			check_conservation(host, seed, tick);
			UNIT_EQUAL_DOUBLE(host->rig->snapshot.host.kept_j,
					  host->snapshot.host.kept_j, 1e-9);
		}
		check_truth(host, seed);
		host_free(host);
	}
}

int main(void)
{
	return UNIT_RUN("account-churn",
			{ "model.md 5: a replay under churn is conserved, and true to each domain",
			  test_a_replay_under_churn_is_conserved_and_true });
}
