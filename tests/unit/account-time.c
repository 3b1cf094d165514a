/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define MB 1000000u

/* --- births and baselines ----------------------------------------------------------------- */

static void test_what_was_there_before_is_a_baseline(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	rig_run(&domain->threads[0].counter, 1000);
	RIG_BASELINE(rig);
	UNIT_EQUAL_U64(0, rig->snapshot.domain_count);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->cpu.active_j, EXACT);
	rig_free(rig);
}

static void test_a_domain_that_starts_in_the_tick_is_charged_whole(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	rig_disk(rig, "sda");
	RIG_BASELINE(rig);
	domain = rig_domain(rig, "a", 1);
	domain->total_source = TOTAL_CGROUP;
	rig_started(rig, domain, 0.5);
	rig_vdisk(domain, "vda", 0);
	rig_run(&domain->threads[0].counter, 0.4);
	rig_run(&domain->extra, 0.05);
	rig_read_through(rig, &domain->vdisks[0], 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(0.5, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2 * 0.11, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_U64(0, rig_row(rig, "a")->quality & QUALITY_GAP);
	rig_free(rig);
}

/* Found two ticks after its start: the joules move from kept, the watts are this tick's. */
static void test_a_domain_found_late_gets_its_joules_from_kept(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	RIG_BASELINE(rig);
	domain = rig_domain(rig, "a", 1);
	rig_started(rig, domain, 0.0);
	domain->start_ns += 1;
	domain->absent = true;
	rig_run(&domain->threads[0].counter, 1.0);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.kept[0].active_w, EXACT);
	rig_run(&domain->threads[0].counter, 1.0);
	domain->absent = false;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(20, rig_row(rig, "a")->cpu.active_j, 1e-6);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->cpu.active_w, 1e-6);
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.kept_j, 1e-6); /* idle of the first second */
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_STALE);
	rig_free(rig);
}

static void test_a_domain_that_was_there_before_anyone_looked_has_a_gap(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	RIG_BASELINE(rig);
	domain = rig_domain(rig, "a", 1);
	rig_run(&domain->threads[0].counter, 50);
	rig->host.count[0] -= 50 * RIG_SECOND; /* most of it before the session */
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_GAP);
	UNIT_TRUE(isnan(rig_row(rig, "a")->cpu.active_w));
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->cpu.active_j, EXACT);
	rig_run(&domain->threads[0].counter, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_U64(0, rig_row(rig, "a")->quality & QUALITY_GAP);
	rig_free(rig);
}

static void test_a_vcpu_that_is_plugged_in_is_charged_whole(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	struct rig_thread *vcpu;

	domain->start_ns = RIG_BOOT_NS - 10 * RIG_SECOND;
	domain->start_ticks = domain->threads[0].start_ticks = domain->start_ns / 10000000;
	RIG_BASELINE(rig);
	vcpu = rig_thread(rig, domain, THREAD_VCPU, VDISK_NONE);
	vcpu->vcpu = 1;
	vcpu->start_ticks = (rig->now_ns + RIG_SECOND / 2) / 10000000;
	rig_run(&vcpu->counter, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->cpu.active_w, EXACT);
	/* one that is old, and was only not recognised until now, begins with a baseline */
	vcpu = rig_thread(rig, domain, THREAD_VCPU, VDISK_NONE);
	vcpu->vcpu = 2;
	rig_run(&vcpu->counter, 700);
	rig->host.count[0] -= 700 * RIG_SECOND;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->cpu.active_j, EXACT);
	rig_free(rig);
}

static void test_a_restart_keeps_the_joules_and_marks_a_gap(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1);
	RIG_TICK(rig, 1);
	rig_run(&rig->host, 1); /* what the old process used goes on being in the host's total */
	domain->threads[0].counter.count[0] = 0;
	domain->pid += 500;
	domain->threads[0].tid += 500;
	rig_started(rig, domain, 0.5);
	rig_run(&domain->threads[0].counter, 0.25);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(12.5, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(2.5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_GAP);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(0, rig_row(rig, "a")->quality & QUALITY_GAP);
	rig_free(rig);
}

static void test_another_source_of_the_total_is_a_new_baseline(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->total_source = TOTAL_CGROUP;
	RIG_BASELINE(rig);
	rig_run(&domain->extra, 0.2);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	domain->total_source = TOTAL_PROCESS;
	domain->extra.count[0] += 90 * RIG_SECOND; /* the process's clock stands elsewhere */
	rig->host.count[0] -= 90 * RIG_SECOND;
	rig_run(&domain->threads[0].counter,
		0.5); /* in no total: not to be held against the next */
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_GAP);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_TRUE(isnan(rig_row(rig, "a")->service.active_w));
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_j, EXACT);
	rig_run(&domain->extra, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "a")->service.active_w, EXACT);
	rig_free(rig);
}

/* --- late and missing readings ------------------------------------------------------------ */

static void test_a_missing_reading_is_not_zero_and_its_delta_comes_later(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	domain->threads[0].counter.missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->cpu.active_w));
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_MISSING);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_MISSING);
	UNIT_EQUAL_DOUBLE(5, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(100, rig_row(rig, "a")->total_w, EXACT);
	domain->threads[0].counter.missing = false;
	rig_run(&domain->threads[0].counter, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(8, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->cpu.active_w, EXACT); /* half of the interval */
	UNIT_EQUAL_DOUBLE(3, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(8, rig->snapshot.host.cpu_active_j, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.host.kept_j, EXACT);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(0, rig_row(rig, "a")->quality & (QUALITY_STALE | QUALITY_MISSING));
	rig_free(rig);
}

/* The total waits for the vCPU: else its work would be charged to the helpers. */
static void test_a_total_waits_for_a_late_vcpu(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->total_source = TOTAL_CGROUP;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_run(&domain->extra, 0.1);
	domain->threads[0].counter.missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->service.active_w));
	domain->threads[0].counter.missing = false;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "a")->service.active_j, EXACT);
	rig_free(rig);
}

static void test_a_missing_head_holds_everything_under_it(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_run(&rig->host, 0.5);
	rig->head_missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.host.cpu_active_w));
	UNIT_TRUE(isnan(rig_row(rig, "a")->cpu.active_w));
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.total_w, EXACT);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_MISSING);
	rig->head_missing = false;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(2.5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(5, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.host.cpu_active_j, EXACT);
	rig_free(rig);
}

static void test_a_head_that_begins_again_is_a_gap_for_all(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	rig_run(&rig->host, 100);
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig->host.count[0] = 0;
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_GAP);
	UNIT_TRUE(isnan(rig_row(rig, "a")->cpu.active_w));
	rig_run(&domain->threads[0].counter, 0.25);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2.5, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(2.5, rig->snapshot.host.cpu_active_j, EXACT);
	rig_free(rig);
}

/* libvirt did not answer for a tick: the disk's joules were kept, and come back. */
static void test_late_disk_statistics_take_their_joules_from_kept(void)
{
	struct rig *rig = rig_new();
	struct rig_vdisk *vdisk;

	rig_disk(rig, "sda");
	vdisk = rig_vdisk(rig_domain(rig, "a", 1), "vda", 0);
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk, 20, MB);
	rig_read(&rig->disks[0].io, 20, MB); /* the host's own */
	vdisk->io.missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->disk.active_w));
	UNIT_EQUAL_DOUBLE(2 * 0.44, rig->snapshot.kept[1].active_w, EXACT);
	vdisk->io.missing = false;
	rig_read_through(rig, vdisk, 20, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2 * 0.22, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2 * 0.44, rig_row(rig, "a")->disk.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(2 * 0.66, rig->snapshot.host.disk_active_j, EXACT);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2 * 0.44, rig_row(rig, "a")->disk.active_j, EXACT);
	rig_free(rig);
}

/* A late reading can claim no more than what was kept while it was awaited. */
static void test_late_disk_statistics_never_take_more_than_was_kept(void)
{
	struct rig *rig = rig_new();
	struct rig_vdisk *vdisk;

	rig_disk(rig, "sda");
	vdisk = rig_vdisk(rig_domain(rig, "a", 1), "vda", 0);
	RIG_BASELINE(rig);
	rig_read(&vdisk->io, 40, MB); /* most of it from the page cache */
	rig_read(&rig->disks[0].io, 5, MB);
	vdisk->io.missing = true;
	RIG_TICK(rig, 1);
	vdisk->io.missing = false;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2 * 0.055, rig_row(rig, "a")->disk.active_j, EXACT);
	rig_free(rig);
}

static void test_time_must_advance(void)
{
	struct rig *rig = rig_new();

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	UNIT_EQUAL_I64(-EINVAL, rig_tick(rig, 0));
	UNIT_CONTAINS("did not advance", rig->error.text);
	RIG_TICK(rig, 1);
	rig->sample.generation--;
	UNIT_EQUAL_I64(-EINVAL, account_tick(rig->account, rig->topology, &rig->sample,
					     &rig->snapshot, &rig->error));
	rig_free(rig);
}

/* --- ended domains ------------------------------------------------------------------------ */

static void test_ended_domains_stay_listed_then_move_to_one_row(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	rig->options.ended_keep_s = 60;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1);
	RIG_TICK(rig, 1);
	domain->absent = true;
	rig->host.count[0] += RIG_SECOND; /* its counter is gone, the host's total is not */
	rig->domains[0].threads[0].counter.count[0] = 0;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_I64(DOMAIN_ENDED, rig_row(rig, "a")->state);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->total_w, EXACT);
	UNIT_EQUAL_DOUBLE(110, rig_row(rig, "a")->total_j, EXACT);
	RIG_TICK(rig, 60);
	UNIT_EQUAL_DOUBLE(110, rig_row(rig, "a")->total_j, EXACT);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(1, rig->snapshot.domain_count);
	UNIT_EQUAL_TEXT("ended", rig->snapshot.domains[0].id);
	UNIT_EQUAL_TEXT("(ended)", rig->snapshot.domains[0].name);
	UNIT_EQUAL_TEXT("1 domain that ended more than 1 min ago", rig->snapshot.domains[0].reason);
	UNIT_EQUAL_DOUBLE(110, rig->snapshot.domains[0].total_j, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.domains[0].total_w, EXACT);
	rig_free(rig);
}

/* Discovery lists it once as ended, and that topology may stay for long. */
static void test_an_ended_domain_in_a_topology_that_stays(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	rig->options.ended_keep_s = 5;
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	domain->state = DOMAIN_ENDED;
	domain->end_ns = rig->now_ns + RIG_SECOND / 2;
	domain->threads[0].counter.missing = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->cpu.active_w));
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_GAP);
	rig->same = true;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_U64(0, rig_row(rig, "a")->quality & (QUALITY_GAP | QUALITY_MISSING));
	RIG_TICK(rig, 10);
	UNIT_EQUAL_TEXT("ended", rig->snapshot.domains[0].id);
	UNIT_EQUAL_U64(1, rig->snapshot.domain_count);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(1, rig->snapshot.domain_count);
	rig_free(rig);
}

/* Discovery lost sight of it for a tick; it is the same process, and nothing is charged twice. */
static void test_a_domain_that_comes_back_goes_on(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;

	RIG_BASELINE(rig);
	domain = rig_domain(rig, "a", 1);
	rig_started(rig, domain, 0.5);
	rig_run(&domain->threads[0].counter, 0.5);
	RIG_TICK(rig, 1);
	domain->absent = true;
	rig_run(&domain->threads[0].counter, 0.5);
	RIG_TICK(rig, 1);
	domain->absent = false;
	RIG_TICK(rig, 1);
	rig_run(&domain->threads[0].counter, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_I64(DOMAIN_RUNNING, rig_row(rig, "a")->state);
	rig_free(rig);
}

static void test_memory_is_bounded_by_churn(void)
{
	struct rig *rig = rig_new();
	double joules = 0;

	RIG_BASELINE(rig);
	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < RIG_DOMAINS; i++) {
			char id[32];

			snprintf(id, sizeof id, "d%d-%d", round, i);
			rig->domain_count = (size_t)i;
			rig_domain(rig, id, 1);
		}
		RIG_TICK(rig, 1);
		UNIT_TRUE(rig->snapshot.domain_count <= 1024 + RIG_DOMAINS + 1);
		joules += rig->snapshot.host.total_w;
	}
	UNIT_EQUAL_DOUBLE(joules, rig->snapshot.host.total_j, EXACT);
	UNIT_EQUAL_U64(1024 + RIG_DOMAINS + 1, rig->snapshot.domain_count);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-time",
		{ "model.md 5: what was there before is a baseline",
		  test_what_was_there_before_is_a_baseline },
		{ "model.md 2: a domain that starts in the tick is charged whole",
		  test_a_domain_that_starts_in_the_tick_is_charged_whole },
		{ "model.md 5: a domain found late gets its joules from kept",
		  test_a_domain_found_late_gets_its_joules_from_kept },
		{ "model.md 5: a domain from before the session has a gap",
		  test_a_domain_that_was_there_before_anyone_looked_has_a_gap },
		{ "model.md 2: a vCPU that is plugged in is charged whole",
		  test_a_vcpu_that_is_plugged_in_is_charged_whole },
		{ "model.md 5: a restart keeps the joules and marks a gap",
		  test_a_restart_keeps_the_joules_and_marks_a_gap },
		{ "model.md 5: another source of the total is a new baseline",
		  test_another_source_of_the_total_is_a_new_baseline },
		{ "model.md 5: a missing reading is not zero, its delta comes later",
		  test_a_missing_reading_is_not_zero_and_its_delta_comes_later },
		{ "model.md 5: a total waits for a late vCPU", test_a_total_waits_for_a_late_vcpu },
		{ "model.md 5: a missing head holds everything under it",
		  test_a_missing_head_holds_everything_under_it },
		{ "model.md 5: a head that begins again is a gap for all",
		  test_a_head_that_begins_again_is_a_gap_for_all },
		{ "model.md 5: late disk statistics take their joules from kept",
		  test_late_disk_statistics_take_their_joules_from_kept },
		{ "model.md 5: and never more than was kept",
		  test_late_disk_statistics_never_take_more_than_was_kept },
		{ "time must advance, and sample and topology must fit", test_time_must_advance },
		{ "model.md 5: ended domains stay listed, then move to one row",
		  test_ended_domains_stay_listed_then_move_to_one_row },
		{ "model.md 5: an ended domain in a topology that stays",
		  test_an_ended_domain_in_a_topology_that_stays },
		{ "model.md 5: a domain that comes back goes on",
		  test_a_domain_that_comes_back_goes_on },
		{ "model.md 5: memory is bounded under churn", test_memory_is_bounded_by_churn });
}
