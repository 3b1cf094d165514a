/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain's own helpers (model.md 4): what they spent on vDISKs is a memo of
 * those, what else they did stays with the domain as service.
 */
#include "model/account-internal.h"
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

enum { SEEDS = 10, TICKS = 200, LEARNING = 100 };

/* A domain that has a cgroup to itself, with vda, vdb, ... and an emulator that is in its total. */
static struct rig *disks_rig(size_t count)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	rig_disk(rig, "sda");
	domain = rig_domain(rig, "a", 1);
	domain->total_source = TOTAL_CGROUP;
	for (size_t i = 0; i < count; i++) {
		char name[4] = { 'v', 'd', (char)('a' + i), 0 };

		rig_vdisk(domain, name, 0);
	}
	return rig;
}

static void ask(struct rig *rig, size_t vdisk, uint64_t requests, uint64_t bytes)
{
	rig_read_through(rig, &rig->domains[0].vdisks[vdisk], requests, bytes);
}

static double memo_w(const struct rig *rig, size_t vdisk)
{
	return rig_row(rig, "a")->vdisks[vdisk].service_active_w;
}

/* Joules of the emulator, whose threads are not read one by one. */
static void emulate(struct rig *rig, double joules)
{
	rig_run(&rig->domains[0].extra, joules / RIG_CPU_W);
}

/* A domain's own helpers: what worked for one disk is that vDISK's, as a memo. */
static void test_own_helpers_of_one_disk_are_a_memo_of_it(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;
	struct rig_thread *one, *other;

	rig_disk(rig, "sda");
	domain = rig_domain(rig, "a", 1);
	domain->total_source = TOTAL_CGROUP;
	rig_vdisk(domain, "vda", 0);
	rig_vdisk(domain, "vdb", 0);
	one = rig_thread(rig, domain, THREAD_IOTHREAD, 1);
	other = rig_thread(rig, domain, THREAD_IOTHREAD, VDISK_NONE);
	RIG_BASELINE(rig);
	rig_run(&one->counter, 0.2);
	rig_run(&other->counter, 0.1);
	rig_run(&domain->extra, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->vdisks[1].service_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->vdisks[0].service_active_w, EXACT);
	/* the thread was read after the total: the memo stays inside */
	rig_run(&one->counter, 0.2);
	domain->extra.count[0] -= 50000000;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1.5, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(1.5, rig_row(rig, "a")->vdisks[1].service_active_w, EXACT);
	rig_free(rig);
}

static void test_an_io_thread_of_several_disks_is_shared_by_what_it_served(void)
{
	struct rig *rig = disks_rig(2);
	struct rig_thread *shared = rig_thread(rig, &rig->domains[0], THREAD_IOTHREAD, VDISK_NONE);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 10; tick++) {
		ask(rig, 0, 300, 4096);
		ask(rig, 1, 100, 4096);
		rig_run(&shared->counter, 0.2);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(1.5, memo_w(rig, 0), EXACT);
		UNIT_EQUAL_DOUBLE(0.5, memo_w(rig, 1), EXACT);
		UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	}
	ask(rig, 0, 300, 4096);
	ask(rig, 1, 100, 4096);
	rig_run(&shared->counter, 0.8); /* dearer than it was: it has no other work */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(6, memo_w(rig, 0), EXACT);
	rig_run(&shared->counter, 0.2); /* it waits by asking again and again: for no disk */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, memo_w(rig, 0) + memo_w(rig, 1), EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	rig_free(rig);
}

/* 0.2 mJ per request, 2 nJ per byte, 0.5 W of display: within 5 % of the truth, the base in none.
 */
static void test_the_emulator_is_shared_by_learned_costs(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rig *rig = disks_rig(2);
		double truth_j[2] = { 0 }, got_j[2] = { 0 };
		uint64_t state = seed * 31;

		RIG_BASELINE(rig);
		for (int tick = 0; tick < TICKS; tick++) {
			double busy = tick % 10 < 8, n[2], true_j[2];

			n[0] = floor(busy * unit_random_double(&state, 0, 10000));
			n[1] = floor(busy * unit_random_double(&state, 0, 1000));
			ask(rig, 0, (uint64_t)n[0], 512);
			ask(rig, 1, (uint64_t)n[1], 262144);
			true_j[0] = n[0] * (0.2e-3 + 2e-9 * 512);
			true_j[1] = n[1] * (0.2e-3 + 2e-9 * 262144);
			emulate(rig, (true_j[0] + true_j[1] + 0.5) *
					     unit_random_double(&state, 0.92, 1.08));
			RIG_TICK(rig, 1);
			for (size_t i = 0; i < 2 && tick >= LEARNING; i++) {
				truth_j[i] += true_j[i];
				got_j[i] += memo_w(rig, i);
			}
		}
		UNIT_EQUAL_DOUBLE(1, got_j[0] / truth_j[0], 0.05);
		UNIT_EQUAL_DOUBLE(1, got_j[1] / truth_j[1], 0.05);
		rig_free(rig);
	}
}

/*
 * Network, display: 4 W in one busy tick of four, beside 1 W for the disk. A tick
 * charges the disk at most a third more than it cost, and all of them 10 % more.
 */
static void test_bursts_of_other_work_stay_with_the_domain(void)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct rig *rig = disks_rig(1);
		double got_j = 0, truth_j = 0;
		uint64_t state = seed * 17;

		RIG_BASELINE(rig);
		for (int tick = 0; tick < TICKS; tick++) {
			bool busy = tick % 10 < 5, burst = busy && unit_random(&state) % 4 == 0;
			double requests = busy ? unit_random_double(&state, 4000, 5000) : 0;
			double true_j = floor(requests) * 0.2e-3;

			ask(rig, 0, (uint64_t)requests, 4096);
			emulate(rig, true_j + 0.1 + (burst && tick > 5 ? 4 : 0));
			RIG_TICK(rig, 1);
			if (tick < LEARNING)
				continue;
			UNIT_TRUE(memo_w(rig, 0) <= true_j * 1.33 + EXACT);
			got_j += memo_w(rig, 0);
			truth_j += true_j;
		}
		UNIT_EQUAL_DOUBLE(1, got_j / truth_j, 0.1);
		rig_free(rig);
	}
}

/* vda has a thread, vdb a service; vdc is the emulator's. */
static void test_helpers_charge_only_the_disks_that_they_serve(void)
{
	struct rig *rig = disks_rig(3);
	struct rig_thread *own = rig_thread(rig, &rig->domains[0], THREAD_IOTHREAD, 0);

	rig_service(rig, "driver");
	rig_attach(rig, 0, 1, 0);
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 5; tick++) {
		for (size_t i = 0; i < 3; i++)
			ask(rig, i, 500, 4096);
		rig_read(&rig->attachments[0].io, 500, 4096);
		rig_run(&own->counter, 0.1);
		rig_run(&rig->services[0].counter, 0.2);
		emulate(rig, 4);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(1, memo_w(rig, 0), EXACT);
		UNIT_EQUAL_DOUBLE(2, memo_w(rig, 1), EXACT);
		UNIT_EQUAL_DOUBLE(4, memo_w(rig, 2), EXACT);
		UNIT_EQUAL_DOUBLE(7, rig_row(rig, "a")->service.active_w, EXACT);
	}
	rig_free(rig);
}

static void test_vhost_and_kvm_workers_follow_no_disk(void)
{
	const enum thread_role roles[] = { THREAD_VHOST, THREAD_KVM };

	for (size_t i = 0; i < 2; i++) {
		struct rig *rig = disks_rig(1);
		struct rig_thread *worker = rig_thread(rig, &rig->domains[0], roles[i], VDISK_NONE);

		RIG_BASELINE(rig);
		for (int tick = 0; tick < 5; tick++) {
			ask(rig, 0, 500, 4096);
			rig_run(&worker->counter, 0.3);
			emulate(rig, 1);
			RIG_TICK(rig, 1);
			UNIT_EQUAL_DOUBLE(1, memo_w(rig, 0), EXACT);
			UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->service.active_w, EXACT);
		}
		rig_free(rig);
	}
}

/* What nobody counts at the vDISK is what reached its leaf. */
static void test_a_disk_without_statistics_is_told_by_its_leaf(void)
{
	struct rig *rig = disks_rig(1);
	struct rig_issued *issued = rig_issue(rig, 0, 0);

	rig->domains[0].vdisks[0].io.missing = true;
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 5; tick++) {
		rig_read(&rig->disks[0].io, 500, 4096);
		rig_read(&issued->io, 500, 4096);
		emulate(rig, 1);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(1, memo_w(rig, 0), EXACT);
	}
	rig_free(rig);
}

static void test_helpers_that_are_not_read_say_so(void)
{
	struct rig *rig = disks_rig(1);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 6; tick++) {
		ask(rig, 0, 500, 4096);
		emulate(rig, 1);
		rig->domains[0].extra.missing = tick == 3;
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(tick == 3 ? 0 : 1, memo_w(rig, 0), EXACT);
		UNIT_EQUAL_I64(tick == 3, isnan(rig_row(rig, "a")->service.active_w));
		UNIT_EQUAL_I64(tick == 3 ? QUALITY_MISSING : 0,
			       (int)(rig_row(rig, "a")->quality & QUALITY_MISSING));
	}
	rig_free(rig);
}

/* Prices that fall leave less than the learned cost says: never more than was spent. */
static void test_no_more_is_charged_than_was_spent(void)
{
	struct rig *rig = disks_rig(1);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 100; tick++) {
		bool busy = tick % 10 < 5;

		ask(rig, 0, busy ? 5000 : 0, 4096);
		emulate(rig, (busy ? 1.5 : 0.5) * (tick < 50 ? 1 : 0.3));
		RIG_TICK(rig, 1); /* the check of the memo is in each tick */
		if (tick >= 40 && busy)
			UNIT_EQUAL_DOUBLE(
				2 / 3.0, memo_w(rig, 0) / rig_row(rig, "a")->service.active_w, 0.1);
	}
	rig_free(rig);
}

static void test_only_domains_with_such_disks_remember(void)
{
	struct rig *rig = disks_rig(2);

	rig_thread(rig, &rig->domains[0], THREAD_IOTHREAD, 0);
	rig_thread(rig, &rig->domains[0], THREAD_IOTHREAD, 1);
	RIG_BASELINE(rig);
	UNIT_TRUE(rig->account->bound[0]->helpers == NULL);
	rig_vdisk(&rig->domains[0], "vdc", 0);
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig->account->bound[0]->helpers != NULL);
	rig->domains[0].vdisk_count--;
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig->account->bound[0]->helpers == NULL);
	rig_free(rig);
}

/* Requests that nobody counts are of the size that was learned, and teach nothing. */
static void test_uncounted_requests_have_the_size_that_was_learned(void)
{
	struct rig *rig = disks_rig(2);

	rig->domains[0].vdisks[1].io.io.has_requests = false;
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 10; tick++) {
		ask(rig, 0, 300, 4096);
		emulate(rig, 0.3);
		RIG_TICK(rig, 1);
	}
	for (int tick = 0; tick < 3; tick++) {
		ask(rig, 0, 300, 4096);
		ask(rig, 1, 600, 4096);
		emulate(rig, 0.9);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(0.3, memo_w(rig, 0), EXACT);
		UNIT_EQUAL_DOUBLE(0.6, memo_w(rig, 1), EXACT);
	}
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-helpers",
		{ "model.md 4: own helpers of one disk are a memo of it",
		  test_own_helpers_of_one_disk_are_a_memo_of_it },
		{ "model.md 4: an I/O thread of several disks is shared by what it served",
		  test_an_io_thread_of_several_disks_is_shared_by_what_it_served },
		{ "model.md 4: the emulator is shared by learned costs within 5 %",
		  test_the_emulator_is_shared_by_learned_costs },
		{ "model.md 4: bursts of other work stay with the domain",
		  test_bursts_of_other_work_stay_with_the_domain },
		{ "model.md 4: helpers charge only the disks that they serve",
		  test_helpers_charge_only_the_disks_that_they_serve },
		{ "model.md 4: vhost and KVM workers follow no disk",
		  test_vhost_and_kvm_workers_follow_no_disk },
		{ "model.md 4: a disk without statistics is told by its leaf",
		  test_a_disk_without_statistics_is_told_by_its_leaf },
		{ "model.md 4: helpers that are not read say so",
		  test_helpers_that_are_not_read_say_so },
		{ "model.md 4: no more is charged than was spent",
		  test_no_more_is_charged_than_was_spent },
		{ "model.md 4: uncounted requests of a vDISK have the size that was learned",
		  test_uncounted_requests_have_the_size_that_was_learned },
		{ "model.md 4: only domains with such disks remember a cost",
		  test_only_domains_with_such_disks_remember });
}
