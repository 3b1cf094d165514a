/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

static double idle_w(const struct rig *rig, const char *id)
{
	return rig_row(rig, id)->cpu.idle_w;
}

static void test_one_unit_per_vcpu_and_service(void)
{
	struct rig *rig = rig_new();

	rig_domain(rig, "a", 1);
	rig_domain(rig, "b", 2);
	rig_service(rig, "s");
	rig_service(rig, "free")->idle_units = 0;
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(25, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(25, rig->snapshot.services[0].idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.services[1].idle_w, EXACT);
	/* nobody is attached to the service: kept */
	UNIT_EQUAL_DOUBLE(25, rig->snapshot.kept_count ? rig->snapshot.kept[0].idle_w : NAN, EXACT);
	rig_free(rig);
}

static void test_policies(void)
{
	static const struct {
		enum idle_policy policy;
		double a_w, b_w, service_w;
	} cases[] = {
		{ IDLE_VCPU, 100 * 1 / 5.0, 100 * 3 / 5.0, 100 * 1 / 5.0 },
		{ IDLE_EQUAL, 100 / 3.0, 100 / 3.0, 100 / 3.0 },
		{ IDLE_SHARE, 100 * 300 / 500.0, 100 * 100 / 500.0, 100 * 100 / 500.0 },
		{ IDLE_HOST, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rig *rig = rig_new();

		rig->options.idle_policy = cases[i].policy;
		rig_domain(rig, "a", 1)->cpu_weight = 300;
		rig_domain(rig, "b", 3);
		rig_service(rig, "s");
		rig_disk(rig, "sda");
		rig_vdisk(&rig->domains[0], "vda", 0);
		RIG_BASELINE(rig);
		RIG_TICK(rig, 2);
		UNIT_EQUAL_DOUBLE(cases[i].a_w, idle_w(rig, "a"), EXACT);
		UNIT_EQUAL_DOUBLE(cases[i].b_w, idle_w(rig, "b"), EXACT);
		UNIT_EQUAL_DOUBLE(cases[i].service_w, rig->snapshot.services[0].idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(cases[i].policy == IDLE_HOST ? 0 : 4,
				  rig_row(rig, "a")->disk.idle_w, EXACT);
		rig_free(rig);
	}
}

static void test_policy_words(void)
{
	for (unsigned i = 0; i < IDLE_POLICY_COUNT; i++)
		UNIT_EQUAL_I64(i, idle_policy_parse(idle_policy_name((enum idle_policy)i)));
	UNIT_EQUAL_I64(-1, idle_policy_parse("vcpus"));
	UNIT_EQUAL_TEXT("vcpu", idle_policy_name(IDLE_VCPU));
}

static void test_no_units_is_kept(void)
{
	struct rig *rig = rig_new();

	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.kept_w, EXACT);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.kept[0].idle_w, EXACT);
	UNIT_EQUAL_U64(0, rig->snapshot.domain_count);
	rig_free(rig);
}

static void test_paused_counts_and_offline_cpus_change_nothing(void)
{
	struct rig *rig = rig_new();

	rig_domain(rig, "a", 1);
	rig_domain(rig, "b", 1)->state = DOMAIN_PAUSED;
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "b"), EXACT);
	rig->topology->cpu.cpus = 2;
	rig->same = true;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.cpu_idle_w, EXACT);
	rig_free(rig);
}

/* Published: idle power splits 1/N, and a new VM changes every share within one period. */
static void test_a_new_domain_changes_every_share_from_its_first_moment(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *late;

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, idle_w(rig, "a"), EXACT);
	late = rig_domain(rig, "b", 1);
	rig_started(rig, late, 0.75);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(75 + 25 / 2.0, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(25 / 2.0, idle_w(rig, "b"), EXACT);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "b"), EXACT);
	rig_free(rig);
}

static void test_an_ended_domain_pays_until_its_end(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *b;

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	b = rig_domain(rig, "b", 1);
	rig_vdisk(&rig->domains[0], "vda", 0);
	rig_vdisk(b, "vda", 0);
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	b->state = DOMAIN_ENDED;
	b->end_ns = rig->now_ns + RIG_SECOND / 5;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10, idle_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(90, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(0.4, rig_row(rig, "b")->disk.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(3.6, rig_row(rig, "a")->disk.idle_w, EXACT);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "b")->total_w, EXACT);
	UNIT_EQUAL_DOUBLE(60, rig_row(rig, "b")->cpu.idle_j, EXACT);
	rig_free(rig);
}

static void test_alone_for_half_a_tick_leaves_the_other_half_kept(void)
{
	struct rig *rig = rig_new();

	RIG_BASELINE(rig);
	rig_started(rig, rig_domain(rig, "a", 4), 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(50, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(50, rig->snapshot.kept[0].idle_w, EXACT);
	rig_free(rig);
}

/* 0.1 + 0.2 - 0.1 - 0.2 is not zero in binary: nobody is there all the same. */
static void test_nobody_there_is_nobody_whatever_the_units(void)
{
	static const double weights[] = { 0.1, 0.2, 0.3 };
	struct rig *rig = rig_new();

	rig->options.idle_policy = IDLE_SHARE;
	RIG_BASELINE(rig);
	for (int i = 0; i < 3; i++) {
		const char id[2] = { (char)('a' + i), '\0' };
		struct rig_domain *domain = rig_domain(rig, id, 1);

		domain->cpu_weight = weights[i];
		rig_started(rig, domain, i < 2 ? 0.1 : 0.8);
		if (i == 2)
			continue;
		domain->state = DOMAIN_ENDED;
		domain->end_ns = rig->now_ns + RIG_SECOND / 10 * (i == 0 ? 2 : 3);
	}
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10 / 3.0, idle_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(20 / 3.0 + 10, idle_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(20, idle_w(rig, "c"), EXACT);
	UNIT_EQUAL_DOUBLE(60, rig->snapshot.kept[0].idle_w, EXACT);
	rig_free(rig);
}

static void test_disk_idle_per_vdisk_on_each_leaf(void)
{
	struct rig *rig = rig_new();
	struct rig_vdisk *both;

	rig_disk(rig, "sda");
	rig_disk(rig, "sdb");
	rig_disk(rig, "sdc");
	rig_domain(rig, "a", 1);
	rig_domain(rig, "b", 1);
	rig_vdisk(&rig->domains[0], "vda", 0);
	rig_vdisk(&rig->domains[0], "vdb", 0);
	both = rig_vdisk(&rig->domains[1], "vda", 0);
	both->leaves[1] = 1;
	both->leaf_count = 2;
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(12, rig->snapshot.host.disk_idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(4 / 3.0, rig_row(rig, "a")->vdisks[1].idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(8 / 3.0, rig_row(rig, "a")->disk.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(4 / 3.0 + 4, rig_row(rig, "b")->disk.idle_w, EXACT);
	UNIT_EQUAL_TEXT("sda,sdb", rig_row(rig, "b")->vdisks[0].disk);
	/* nobody's vDISK is on sdc: kept, by name */
	UNIT_EQUAL_TEXT("disk sdc", rig->snapshot.kept[1].name);
	UNIT_EQUAL_DOUBLE(4, rig->snapshot.kept[1].idle_w, EXACT);
	UNIT_EQUAL_U64(2, rig->snapshot.kept_count);
	rig_free(rig);
}

static void test_network_disks_cost_nothing_here(void)
{
	struct rig *rig = rig_new();
	struct rig_vdisk *vdisk;

	rig_domain(rig, "a", 1);
	vdisk = rig_vdisk(&rig->domains[0], "vda", 0);
	vdisk->leaf_count = 0;
	vdisk->backing = VDISK_NETWORK;
	RIG_BASELINE(rig);
	rig_read(&vdisk->io, 10, 4096);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(40960, rig_row(rig, "a")->vdisks[0].read_bytes, EXACT);
	UNIT_TRUE(rig_row(rig, "a")->vdisks[0].disk == NULL);
	rig->same = false;
	vdisk->backing = VDISK_UNKNOWN;
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->disk.active_w));
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_MISSING);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN("account-idle",
			{ "model.md 2: one idle unit per vCPU and service",
			  test_one_unit_per_vcpu_and_service },
			{ "model.md 2: the four idle policies", test_policies },
			{ "model.md 2: idle policies have words", test_policy_words },
			{ "model.md 2: without units idle is kept", test_no_units_is_kept },
			{ "model.md 2: paused domains count, CPUs off line change nothing",
			  test_paused_counts_and_offline_cpus_change_nothing },
			{ "model.md 2: a new domain changes every share from its first moment",
			  test_a_new_domain_changes_every_share_from_its_first_moment },
			{ "model.md 2: an ended domain pays until its end",
			  test_an_ended_domain_pays_until_its_end },
			{ "model.md 2: half a tick alone leaves the other half kept",
			  test_alone_for_half_a_tick_leaves_the_other_half_kept },
			{ "model.md 2: nobody there is nobody, whatever the units",
			  test_nobody_there_is_nobody_whatever_the_units },
			{ "model.md 3: disk idle is shared per vDISK, on each leaf",
			  test_disk_idle_per_vdisk_on_each_leaf },
			{ "model.md 3: a disk elsewhere costs nothing here",
			  test_network_disks_cost_nothing_here });
}
