/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account of random hosts: conserved, never negative, the same in any order;
 * and of one whose truth is known, held against counts that it did not make.
 */
#include "model/account-check.h"
#include "tests/unit/account-rig.h"

enum { SEEDS = 60, TICKS = 40 };

/* --- random hosts ------------------------------------------------------------------------- */

static bool chance(uint64_t *state, double probability)
{
	return unit_random_double(state, 0, 1) < probability;
}

static size_t below(uint64_t *state, size_t count)
{
	return unit_random(state) % count;
}

static void random_domain(struct rig *rig, uint64_t *state)
{
	char id[32];
	struct rig_domain *domain;

	snprintf(id, sizeof id, "dom-%zu", rig->domain_count);
	domain = rig_domain(rig, id, 1 + (unsigned)below(state, 3));
	domain->total_source = (enum total_source)below(state, 3);
	domain->cpu_weight = unit_random_double(state, 1, 1000);
	if (rig->account)
		rig_started(rig, domain, unit_random_double(state, 0.05, 0.4));
	for (size_t i = below(state, 3); i > 0; i--) {
		struct rig_vdisk *vdisk =
			rig_vdisk(domain, i == 1 ? "vda" : "vdb", below(state, RIG_DISKS - 1));

		vdisk->direct = chance(state, 0.5);
		vdisk->io.io.has_requests = chance(state, 0.8);
		if (chance(state, 0.3))
			vdisk->leaves[vdisk->leaf_count++] = vdisk->leaves[0] + 1;
	}
	for (size_t i = below(state, 3); i > 0; i--)
		rig_thread(rig, domain, THREAD_IOTHREAD,
			   (int)below(state, domain->vdisk_count + 1) - 1)
			->unsampled = chance(state, 0.3);
	if (chance(state, 0.3))
		rig_issue(rig, rig->domain_count - 1, ISSUED_ANY_DISK);
	else if (domain->vdisk_count > 0 && chance(state, 0.5))
		rig_issue(rig, rig->domain_count - 1, (int)domain->vdisks[0].leaves[0]);
}

/* Services use only those after them: no circle. */
static void random_services(struct rig *rig, uint64_t *state)
{
	for (size_t i = below(state, RIG_SERVICES); i > 0; i--) {
		char id[32];

		snprintf(id, sizeof id, "service-%zu", rig->service_count);
		rig_service(rig, id)->idle_units = chance(state, 0.3) ? 0 : 1;
	}
	for (size_t i = 0; i + 1 < rig->service_count; i++)
		if (chance(state, 0.5))
			rig_chain(rig, i, i + 1 + below(state, rig->service_count - i - 1));
	for (size_t i = 0; i < rig->domain_count && rig->service_count > 0; i++)
		for (size_t k = 0; k < rig->domains[i].vdisk_count; k++)
			if (chance(state, 0.5))
				rig_attach(rig, i, k, below(state, rig->service_count));
}

static struct rig *random_rig(uint64_t seed)
{
	struct rig *rig = rig_new();
	uint64_t state = seed;

	rig->options.idle_policy = (enum idle_policy)below(&state, IDLE_POLICY_COUNT);
	rig->options.own_name = "us";
	rig->disk.match.rotational = MATCH_ANY;
	rig->options.ended_keep_s = 5;
	for (size_t i = 0; i < RIG_DISKS; i++) {
		char name[8] = "sd?";

		name[2] = (char)('a' + i);
		rig_disk(rig, name);
		rig->disks[i].rotational = i % 2;
	}
	for (size_t i = 1 + below(&state, 8); i > 0; i--)
		random_domain(rig, &state);
	random_services(rig, &state);
	return rig;
}

static void random_io(struct rig_io *io, uint64_t *state)
{
	rig_read(io, below(state, 200), 512 * (1 + below(state, 500)));
	rig_write(io, below(state, 100), 512 * (1 + below(state, 500)));
	io->missing = chance(state, 0.1);
}

/* Followed now and then, and at times anew. */
static void random_service(struct rig_io *io, uint64_t *state)
{
	rig_serve(io, below(state, 150), below(state, 100), unit_random_double(state, 0, 1));
	io->io.has_service = chance(state, 0.8);
	if (chance(state, 0.05))
		io->io.busy_ns = io->io.read_seeks = io->io.write_seeks = 0;
}

static void random_work(struct rig_domain *domain, uint64_t *state)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		rig_run(&domain->threads[i].counter, unit_random_double(state, 0, 0.5));
		domain->threads[i].counter.missing = chance(state, 0.05);
	}
	rig_run(&domain->extra, unit_random_double(state, 0, 0.1));
	domain->extra.missing = chance(state, 0.05);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		random_io(&domain->vdisks[i].io, state);
}

/* Domains end, with or without notice, return, restart; new ones start. */
static void random_churn(struct rig *rig, struct rig_domain *domain, uint64_t *state)
{
	if (chance(state, 0.05))
		domain->absent = !domain->absent;
	if (chance(state, 0.03) && domain->state != DOMAIN_ENDED) {
		domain->state = DOMAIN_ENDED;
		domain->end_ns = rig->now_ns + RIG_SECOND / 10;
	}
	if (chance(state, 0.03)) {
		domain->state = DOMAIN_RUNNING;
		domain->pid = rig->next_id++;
		rig_started(rig, domain, 0.01);
	}
}

static void random_tick(struct rig *rig, uint64_t *state)
{
	for (size_t i = 0; i < rig->domain_count; i++) {
		random_churn(rig, &rig->domains[i], state);
		random_work(&rig->domains[i], state);
	}
	if (rig->domain_count < 20 && chance(state, 0.1))
		random_domain(rig, state);
	for (size_t i = 0; i < rig->disk_count; i++) {
		random_io(&rig->disks[i].io, state);
		random_service(&rig->disks[i].io, state);
	}
	for (size_t i = 0; i < rig->issued_count; i++)
		random_io(&rig->issued[i].io, state);
	for (size_t i = 0; i < rig->attachment_count; i++)
		random_io(&rig->attachments[i].io, state);
	for (size_t i = 0; i < rig->service_count; i++) {
		rig_run(&rig->services[i].counter, unit_random_double(state, 0, 0.2));
		rig->services[i].counter.missing = chance(state, 0.05);
	}
	rig_run(&rig->host, unit_random_double(state, 0, 0.5));
	rig_run(&rig->own, 0.001);
	rig->head_missing = chance(state, 0.03);
	if (chance(state, 0.03))
		rig->disks[0].name[2] ^= 0x20; /* pulled, and another one put there */
}

static void say_seed(uint64_t seed, int tick, const char *text)
{
	fprintf(stderr, "seed %llu, tick %d: %s\n", (unsigned long long)seed, tick, text);
}

static void test_random_hosts_are_conserved(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rig *rig = random_rig(seed);
		uint64_t state = seed * 1000;

		UNIT_EQUAL_I64(-EAGAIN, rig_tick(rig, 1));
		for (int tick = 0; tick < TICKS; tick++) {
			int result;

			random_tick(rig, &state);
			result = rig_tick(rig, unit_random_double(&state, 0.5, 2));
			if (result)
				say_seed(seed, tick, rig->error.text);
			UNIT_EQUAL_I64(0, result);
			UNIT_EQUAL_I64(0, account_check(&rig->snapshot, 1e-9, &rig->error));
		}
		UNIT_TRUE(rig->snapshot.host.total_j > 1000);
		rig_free(rig);
	}
}

/* --- order -------------------------------------------------------------------------------- */

static void shuffle(struct rig *rig, uint64_t *state)
{
	rig->reversed = chance(state, 0.5);
	for (size_t i = 0; i < rig->domain_count; i++)
		rig->order[i] = i;
	for (size_t i = rig->domain_count; i > 1; i--) {
		size_t k = below(state, i), held = rig->order[i - 1];

		rig->order[i - 1] = rig->order[k];
		rig->order[k] = held;
	}
}

static bool same(double a, double b)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-9 * fmax(1, fabs(a));
}

static bool same_power(const struct account_power *a, const struct account_power *b)
{
	return same(a->idle_w, b->idle_w) && same(a->active_w, b->active_w) &&
	       same(a->idle_j, b->idle_j) && same(a->active_j, b->active_j);
}

static bool same_row(const struct snapshot_domain *a, const struct snapshot_domain *b)
{
	bool equal = same_power(&a->cpu, &b->cpu) && same_power(&a->disk, &b->disk) &&
		     same_power(&a->service, &b->service) && same(a->total_w, b->total_w) &&
		     same(a->error_w, b->error_w) && a->quality == b->quality &&
		     a->state == b->state && a->vdisk_count == b->vdisk_count;

	for (size_t i = 0; equal && i < a->vdisk_count; i++)
		equal = same(a->vdisks[i].active_w, b->vdisks[i].active_w) &&
			same(a->vdisks[i].service_active_w, b->vdisks[i].service_active_w);
	return equal;
}

static void test_order_changes_no_figure(void)
{
	for (uint64_t seed = 1; seed <= SEEDS / 2; seed++) {
		struct rig *one = random_rig(seed), *other = random_rig(seed);
		uint64_t state = seed * 1000, again = state, order = seed * 77;

		rig_tick(one, 1);
		rig_tick(other, 1);
		for (int tick = 0; tick < TICKS; tick++) {
			random_tick(one, &state);
			random_tick(other, &again);
			shuffle(other, &order);
			UNIT_EQUAL_I64(0, rig_tick(one, 1));
			UNIT_EQUAL_I64(0, rig_tick(other, 1));
			UNIT_EQUAL_U64(one->snapshot.domain_count, other->snapshot.domain_count);
			UNIT_EQUAL_DOUBLE(one->snapshot.host.kept_j, other->snapshot.host.kept_j,
					  1e-9);
			for (size_t i = 0; i < one->snapshot.domain_count; i++) {
				const struct snapshot_domain *row = &one->snapshot.domains[i];
				bool equal = same_row(row, rig_row(other, row->id));

				if (!equal)
					say_seed(seed, tick, row->id);
				UNIT_TRUE(equal);
			}
		}
		rig_free(one);
		rig_free(other);
	}
}

/* --- a broken balance is found ------------------------------------------------------------ */

/* Domain a with a vDISK and a vNIC, in a tick that every kind of energy was used in. */
static struct rig *balanced_rig(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	rig_disk(rig, "sda");
	rig_nic(rig, "eth0");
	domain = rig_domain(rig, "a", 1);
	rig_vdisk(domain, "vda", 0);
	rig_vnic(domain, "vnet0", 0);
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_read_through(rig, &domain->vdisks[0], 10, 4096);
	rig_move(&domain->vnics[0].io, 1000000, 0);
	rig_move(&rig->nics[0].io, 1000000, 0);
	RIG_TICK(rig, 1);
	return rig;
}

static void test_the_check_finds_a_lost_or_doubled_joule(void)
{
	struct rig *rig = balanced_rig();
	struct snapshot *of = &rig->snapshot;
	struct snapshot_domain *row = &of->domains[0];
	double *const figures[] = {
		&of->host.kept_j,
		&of->host.kept_w,
		&of->host.cpu_active_j,
		&of->host.disk_idle_w,
		&of->host.net_idle_w,
		&of->host.net_active_j,
		&row->cpu.active_j,
		&row->disk.idle_w,
		&row->net.active_w,
		&row->net.idle_j,
		&of->kept[0].idle_w,
		&row->vdisks[0].idle_w,
		&row->vdisks[0].active_w,
		&row->vdisks[0].service_active_w,
		&row->vnics[0].idle_w,
		&row->vnics[0].active_w,
		&row->vnics[0].service_active_w,
		&of->packages[0].active_w,
		&of->disks[0].idle_w,
		&of->disks[0].active_w,
		&of->disks[0].idle_j,
		&of->disks[0].active_j,
	};

	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		double right = *figures[i];

		UNIT_EQUAL_I64(0, account_check(of, 1e-9, &rig->error));
		*figures[i] += 1e-5;
		UNIT_EQUAL_I64(-EPROTO, account_check(of, 1e-9, &rig->error));
		*figures[i] = right;
	}
	row->cpu.active_w = -row->cpu.active_w;
	UNIT_EQUAL_I64(-EPROTO, account_check(of, 1e-9, &rig->error));
	rig_free(rig);
}

/* What idle power has too much and active power too little is in no total. */
static void test_the_check_finds_energy_of_the_wrong_mode(void)
{
	struct rig *rig = balanced_rig();
	struct snapshot *of = &rig->snapshot;
	struct snapshot_domain *row = &of->domains[0];
	double *const pairs[][2] = {
		{ &of->kept[0].idle_w, &of->kept[0].active_w },
		{ &row->cpu.idle_w, &row->cpu.active_w },
		{ &of->host.cpu_idle_w, &of->host.net_active_w },
		{ &row->vnics[0].idle_w, &row->vnics[0].active_w },
		{ &row->vdisks[0].service_active_w, &row->vnics[0].service_active_w },
	};

	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		UNIT_EQUAL_I64(0, account_check(of, 1e-9, &rig->error));
		*pairs[i][0] += 1e-5;
		*pairs[i][1] -= 1e-5;
		UNIT_EQUAL_I64(-EPROTO, account_check(of, 1e-9, &rig->error));
		*pairs[i][0] -= 1e-5;
		*pairs[i][1] += 1e-5;
	}
	rig_free(rig);
}

/* --- independent truth -------------------------------------------------------------------- */

enum { TRUE_DOMAINS = 3 };

/* Three domains of two vCPUs and an I/O thread, and a host that works beside them. */
static struct rig *true_rig(enum total_source source)
{
	struct rig *rig = rig_new();

	for (int i = 0; i < TRUE_DOMAINS; i++) {
		char id[16];
		struct rig_domain *domain;

		snprintf(id, sizeof id, "d%d", i);
		domain = rig_domain(rig, id, 2);
		domain->total_source = source;
		rig_thread(rig, domain, THREAD_IOTHREAD, VDISK_NONE);
	}
	return rig;
}

/* Account for ten ticks, then hold it against the tasks' own counters (as a cgroup has them). */
static int compare_with_truth(struct rig *rig, char text[ERROR_TEXT_BYTES])
{
	struct account_truth_domain domains[TRUE_DOMAINS];
	struct account_truth truth = { .domains = domains, .domain_count = TRUE_DOMAINS };
	struct error error = { "" };
	uint64_t state = 5;
	int result;

	UNIT_EQUAL_I64(-EAGAIN, rig_tick(rig, 1));
	for (int tick = 0; tick < 10; tick++) {
		for (int i = 0; i < TRUE_DOMAINS; i++)
			for (size_t k = 0; k < rig->domains[i].thread_count; k++)
				rig_run(&rig->domains[i].threads[k].counter,
					unit_random_double(&state, 0.05, 0.3));
		rig_run(&rig->host, 0.2);
		RIG_TICK(rig, 1);
	}
	truth.kept_accounted = rig->snapshot.host.cpu_active_j;
	for (int i = 0; i < TRUE_DOMAINS; i++) {
		const struct snapshot_domain *row = rig_row(rig, rig->domains[i].id);
		struct rig_counter total = rig_domain_total(&rig->domains[i]);

		domains[i].id = rig->domains[i].id;
		domains[i].accounted = (row->cpu.active_j + row->service.active_j) / RIG_CPU_W;
		domains[i].independent = (double)total.count[0] * 1e-9;
		truth.kept_accounted -= row->cpu.active_j + row->service.active_j;
	}
	truth.kept_accounted /= RIG_CPU_W;
	truth.kept_independent = (double)rig->host.count[0] * 1e-9;
	result = account_compare(&truth, &error);
	snprintf(text, ERROR_TEXT_BYTES, "%s", error.text);
	rig_free(rig);
	return result;
}

static void test_the_account_agrees_with_independent_counts(void)
{
	char text[ERROR_TEXT_BYTES];

	for (int source = TOTAL_NONE; source <= TOTAL_PROCESS; source++)
		UNIT_EQUAL_I64(0, compare_with_truth(true_rig((enum total_source)source), text));
}

static void test_a_dropped_thread_is_found(void)
{
	for (size_t thread = 0; thread < 3; thread++) {
		struct rig *rig = true_rig(TOTAL_NONE);
		char text[ERROR_TEXT_BYTES];

		rig->domains[1].threads[thread].hidden = true;
		UNIT_EQUAL_I64(-EPROTO, compare_with_truth(rig, text));
		UNIT_CONTAINS("d1:", text);
	}
}

static void test_a_doubled_thread_is_found(void)
{
	for (size_t thread = 0; thread < 3; thread++) {
		struct rig *rig = true_rig(thread == 0 ? TOTAL_CGROUP : TOTAL_NONE);
		struct rig_domain *domain = &rig->domains[2];
		char text[ERROR_TEXT_BYTES];

		domain->threads[3] = domain->threads[thread];
		domain->threads[3].vcpu = thread < 2 ? 7 : VCPU_NONE;
		domain->threads[3].twin = thread + 1;
		domain->thread_count = 4;
		UNIT_EQUAL_I64(-EPROTO, compare_with_truth(rig, text));
		UNIT_CONTAINS("d2:", text);
	}
}

/* A host task taken for a domain's helper: the domain agrees with itself, kept does not. */
static void test_kept_is_held_against_the_other_tasks(void)
{
	const struct account_truth_domain domain = { "a", 1.005, 1.0 };
	struct account_truth truth = { &domain, 1, 0.96, 1.0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, account_compare(&truth, &error));
	truth.kept_accounted = 0.94;
	UNIT_EQUAL_I64(-EPROTO, account_compare(&truth, &error));
	UNIT_CONTAINS("kept", error.text);
}

int main(void)
{
	return UNIT_RUN("account-truth",
			{ "model.md 5: random hosts under churn are conserved and never negative",
			  test_random_hosts_are_conserved },
			{ "model.md 5: the order of domains and threads changes no figure",
			  test_order_changes_no_figure },
			{ "model.md 5: the check finds a lost or doubled joule",
			  test_the_check_finds_a_lost_or_doubled_joule },
			{ "model.md 5: the check finds energy of the wrong mode",
			  test_the_check_finds_energy_of_the_wrong_mode },
			{ "model.md 5: the account agrees with independent counts",
			  test_the_account_agrees_with_independent_counts },
			{ "model.md 5: a dropped thread is found", test_a_dropped_thread_is_found },
			{ "model.md 5: a doubled thread is found", test_a_doubled_thread_is_found },
			{ "model.md 5: kept is held against the other tasks",
			  test_kept_is_held_against_the_other_tasks });
}
