/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define MB UINT64_C(1000000)
#define DIFFERENCE_W (RIG_DISK_ACTIVE_W - RIG_DISK_IDLE_W)

/* Domains a and b with a vDISK each on sda. */
static struct rig *disk_rig(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	rig_domain(rig, "b", 1);
	rig_vdisk(&rig->domains[0], "vda", 0);
	rig_vdisk(&rig->domains[1], "vda", 0);
	return rig;
}

static struct rig_vdisk *vdisk(struct rig *rig, size_t domain)
{
	return &rig->domains[domain].vdisks[0];
}

static double active_w(const struct rig *rig, const char *id)
{
	return rig_row(rig, id)->disk.active_w;
}

static void test_time_is_overhead_plus_size(void)
{
	struct rig *rig = disk_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 100, 100000); /* 100 * (1 ms + 1 ms) */
	rig_read_through(rig, vdisk(rig, 1), 10, 2 * MB);  /* 10 * (1 ms + 20 ms) */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.2, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.21, active_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.41, rig->snapshot.host.disk_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(10 * MB, rig_row(rig, "a")->vdisks[0].read_bytes, EXACT);
	UNIT_EQUAL_DOUBLE(100, rig_row(rig, "a")->vdisks[0].requests, EXACT);
	rig_free(rig);
}

static void test_reads_and_writes_are_priced_apart(void)
{
	struct rig *rig = disk_rig();

	rig->disk.disk.write = (struct disk_direction){ 0, 50e6 };
	RIG_BASELINE(rig);
	rig_write(&vdisk(rig, 0)->io, 10, MB);
	rig_write(&rig->disks[0].io, 10, MB);
	rig_read_through(rig, vdisk(rig, 1), 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.2, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "b"), EXACT);
	rig_free(rig);
}

static void test_a_busy_leaf_is_bounded_by_the_period(void)
{
	struct rig *rig = disk_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 1000, 200000); /* 3 s of request time */
	rig_read_through(rig, vdisk(rig, 1), 500, 100000);  /* 1 s */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W, rig->snapshot.host.disk_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 3 / 4, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 1 / 4, active_w(rig, "b"), EXACT);
	rig_free(rig);
}

/* Published: the measured Maxtor, 4.083 W idle, 6.714 W active, 57 MB/s. */
static void test_a_saturated_disk_is_charged_2_63_w(void)
{
	struct rig *rig = disk_rig();

	rig->disk.match.rotational = 1;
	rig->disks[0].rotational = true;
	rig->disk.disk = (struct disk_constants){
		4.083, 6.714, NAN, NAN, { 0.0093 + 0.000138, 57e6 }, { 0.0093 + 0.000138, 57e6 },
	};
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 57, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2.631, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(4.083 / 2, rig_row(rig, "a")->disk.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(6.714, rig->snapshot.host.disk_idle_w + rig->snapshot.host.disk_active_w,
			  EXACT);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_ESTIMATE);
	rig_read_through(rig, vdisk(rig, 0), 57, 500000); /* a stream: size alone */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2.631 / 2, active_w(rig, "a"), EXACT);
	rig_read_through(rig, vdisk(rig, 0), 20, 4096); /* seeks: overhead applies */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2.631 * 20 * (0.009438 + 4096 / 57e6), active_w(rig, "a"), EXACT);
	rig_free(rig);
}

/* Published: a sole client is charged all disk idle energy. */
static void test_a_sole_client_pays_all(void)
{
	struct rig *rig = disk_rig();

	rig->domains[1].absent = true;
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 50, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(RIG_DISK_IDLE_W, rig_row(rig, "a")->disk.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(rig->snapshot.host.disk_active_w, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_U64(1, rig->snapshot.kept_count);
	rig_free(rig);
}

static void test_what_no_vdisk_explains_is_kept(void)
{
	struct rig *rig = disk_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 10, MB);
	rig_read(&rig->disks[0].io, 30, MB); /* the host's own */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.33, rig->snapshot.kept[1].active_w, EXACT);
	rig_free(rig);
}

static void test_page_cache_hits_cost_no_disk(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued;

	issued = rig_issue(rig, 0, 0);
	RIG_BASELINE(rig);
	rig_read(&vdisk(rig, 0)->io, 100, MB); /* 90 of them from the cache */
	rig_read(&issued->io, 10, MB);
	rig_read(&rig->disks[0].io, 10, MB);
	rig_read_through(rig, vdisk(rig, 1), 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(100 * MB, rig_row(rig, "a")->vdisks[0].read_bytes, EXACT);
	/* without any physical read at all there is nothing to charge */
	rig_read(&vdisk(rig, 1)->io, 100, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "b"), EXACT);
	rig_free(rig);
}

static void test_bytes_to_any_disk_bound_virtual_reads(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued;

	issued = rig_issue(rig, 0, ISSUED_ANY_DISK);
	RIG_BASELINE(rig);
	rig_read(&vdisk(rig, 0)->io, 100, MB);
	rig_read(&issued->io, 10, MB);
	rig_read(&rig->disks[0].io, 40, MB); /* more than a issued: b's and the host's */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "a"), EXACT);
	rig_free(rig);
}

static void test_a_vdisk_without_statistics_takes_what_its_domain_issued(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued;

	rig_vdisk(&rig->domains[0], "vdb", 0);
	vdisk(rig, 0)->io.missing = true;
	rig->domains[0].vdisks[1].io.missing = true;
	issued = rig_issue(rig, 0, ISSUED_ANY_DISK);
	RIG_BASELINE(rig);
	rig_read(&issued->io, 10, MB);
	rig_read(&rig->disks[0].io, 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.055, rig_row(rig, "a")->vdisks[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.055, rig_row(rig, "a")->vdisks[1].active_w, EXACT);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
	UNIT_TRUE(!(rig_row(rig, "a")->quality & QUALITY_MISSING));
	rig_free(rig);
}

static void test_a_vdisk_that_nobody_counts_is_unknown(void)
{
	struct rig *rig = disk_rig();

	vdisk(rig, 0)->io.missing = true;
	RIG_BASELINE(rig);
	rig_read(&rig->disks[0].io, 10, MB);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(active_w(rig, "a")));
	UNIT_TRUE(isnan(rig_row(rig, "a")->vdisks[0].read_bytes));
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_MISSING);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->disk.idle_w, EXACT);
	rig_free(rig);
}

static void test_several_leaves_as_their_own_traffic(void)
{
	struct rig *rig = disk_rig();
	struct rig_vdisk *striped = vdisk(rig, 0);

	rig_disk(rig, "sdb");
	striped->leaves[1] = 1;
	striped->leaf_count = 2;
	RIG_BASELINE(rig);
	rig_read(&striped->io, 40, MB);
	rig_read(&rig->disks[0].io, 10, MB);
	rig_read(&rig->disks[1].io, 30, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.44, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(RIG_DISK_IDLE_W * 1.5, rig_row(rig, "a")->disk.idle_w, EXACT);
	rig_free(rig);
}

static void test_buffered_writes_are_a_debt_until_the_device_writes(void)
{
	struct rig *rig = disk_rig();

	vdisk(rig, 0)->direct = vdisk(rig, 1)->direct = false;
	RIG_BASELINE(rig);
	rig_write(&vdisk(rig, 0)->io, 30, MB);
	rig_write(&vdisk(rig, 1)->io, 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "a"), EXACT);
	rig_write(&rig->disks[0].io, 20, MB); /* the flusher: half of all debts */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.22 * 3 / 4, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.22 * 1 / 4, active_w(rig, "b"), EXACT);
	rig_write(&rig->disks[0].io, 60, MB); /* the other half, and the host's own 40 */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.66 * 15 / 60, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.66 * 5 / 60, active_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.44, rig->snapshot.kept[1].active_w, EXACT);
	rig_write(&rig->disks[0].io, 60, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "a"), EXACT);
	rig_free(rig);
}

static void test_writes_with_an_issuer_pay_no_debt_of_others(void)
{
	struct rig *rig = disk_rig();

	vdisk(rig, 0)->direct = false;
	RIG_BASELINE(rig);
	rig_write(&vdisk(rig, 0)->io, 30, MB);
	rig_write(&vdisk(rig, 1)->io, 10, MB);
	rig_write(&rig->disks[0].io, 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, active_w(rig, "b"), EXACT);
	rig_free(rig);
}

static void test_own_physical_writes_pay_the_debt(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued = rig_issue(rig, 0, 0);

	vdisk(rig, 0)->direct = false;
	RIG_BASELINE(rig);
	rig_write(&vdisk(rig, 0)->io, 30, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "a"), EXACT);
	rig_write(&issued->io, 30, MB);
	rig_write(&rig->disks[0].io, 30, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.33, active_w(rig, "a"), EXACT);
	rig_write(&rig->disks[0].io, 30, MB); /* somebody else's: no debt is left */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "a"), EXACT);
	rig_free(rig);
}

/* A cgroup lists a device from its first request on. */
static void test_a_leaf_that_turns_up_in_the_cgroup_began_at_zero(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued;

	rig_disk(rig, "sdb");
	rig_vdisk(&rig->domains[0], "vdb", 1);
	issued = rig_issue(rig, 0, 0);
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 10, MB);
	rig_read(&issued->io, 10, MB);
	RIG_TICK(rig, 1);
	issued = rig_issue(rig, 0, 1);
	rig_read(&rig->domains[0].vdisks[1].io, 30, MB); /* 20 of them from the page cache */
	rig_read(&rig->disks[1].io, 15, MB);
	rig_read(&issued->io, 10, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.11, rig_row(rig, "a")->vdisks[1].active_w, EXACT);
	rig_free(rig);
}

/* A leaf is unplugged, another takes its place in the list: nothing is mixed up or lost. */
static void test_leaves_come_and_go(void)
{
	struct rig *rig = disk_rig();
	struct rig_issued *issued = rig_issue(rig, 0, 0);
	double joules;

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 10, MB);
	rig_read(&issued->io, 10, MB);
	RIG_TICK(rig, 1);
	joules = rig->snapshot.host.disk_active_j;
	strcpy(rig->disks[0].name, "sdz");
	memset(&rig->disks[0].io.io, 0, sizeof rig->disks[0].io.io);
	memset(&issued->io.io, 0, sizeof issued->io.io);
	rig->disks[0].io.io.has_requests = issued->io.io.has_requests = true;
	RIG_TICK(rig, 1);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_GAP);
	UNIT_EQUAL_DOUBLE(joules, rig->snapshot.host.disk_active_j, EXACT);
	rig_read_through(rig, vdisk(rig, 0), 20, MB);
	rig_read(&issued->io, 20, MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.22, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_TEXT("sdz", rig_row(rig, "a")->vdisks[0].disk);
	rig_free(rig);
}

/* A disk of the wall's scope may not be added to a package account. */
static void test_scopes_are_not_added(void)
{
	struct rig *rig = disk_rig();

	rig->disk.scope = SCOPE_DC;
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(RIG_DISK_IDLE_W, rig->snapshot.host.disk_idle_w, EXACT);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
	rig_free(rig);
	rig = disk_rig();
	rig->cpu.scope = SCOPE_PACKAGE;
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 10, MB);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.host.disk_idle_w));
	UNIT_TRUE(isnan(rig->snapshot.host.disk_active_w));
	UNIT_TRUE(isnan(rig_row(rig, "a")->disk.idle_w));
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.total_w, EXACT);
	UNIT_EQUAL_U64(0, rig->snapshot.host.quality & QUALITY_MISSING);
	rig_free(rig);
	rig = disk_rig();
	rig->options.disk_count = 0; /* nobody knows its watts: that is a different thing */
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.host.disk_idle_w));
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_MISSING);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_MISSING);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-disk",
		{ "model.md 3: time is overhead plus size over rate",
		  test_time_is_overhead_plus_size },
		{ "model.md 3: reads and writes are priced apart",
		  test_reads_and_writes_are_priced_apart },
		{ "model.md 3: a busy leaf is bounded by the period",
		  test_a_busy_leaf_is_bounded_by_the_period },
		{ "model.md 3: a saturated disk is charged 2.63 W",
		  test_a_saturated_disk_is_charged_2_63_w },
		{ "model.md 3: a sole client pays all", test_a_sole_client_pays_all },
		{ "model.md 3: what no vDISK explains is kept",
		  test_what_no_vdisk_explains_is_kept },
		{ "model.md 3: page-cache hits cost no disk", test_page_cache_hits_cost_no_disk },
		{ "model.md 3: bytes to any disk bound virtual reads",
		  test_bytes_to_any_disk_bound_virtual_reads },
		{ "model.md 3: a vDISK without statistics takes what its domain issued",
		  test_a_vdisk_without_statistics_takes_what_its_domain_issued },
		{ "model.md 3: a vDISK that nobody counts is unknown, not zero",
		  test_a_vdisk_that_nobody_counts_is_unknown },
		{ "model.md 3: several leaves, as their own traffic",
		  test_several_leaves_as_their_own_traffic },
		{ "model.md 3: buffered writes are a debt until the device writes",
		  test_buffered_writes_are_a_debt_until_the_device_writes },
		{ "model.md 3: writes with an issuer pay no debt of others",
		  test_writes_with_an_issuer_pay_no_debt_of_others },
		{ "model.md 3: a domain's own physical writes pay its debt",
		  test_own_physical_writes_pay_the_debt },
		{ "model.md 3: a leaf that turns up in the cgroup began at zero",
		  test_a_leaf_that_turns_up_in_the_cgroup_began_at_zero },
		{ "model.md 3: leaves come and go", test_leaves_come_and_go },
		{ "model.md 1: figures of different scopes are not added",
		  test_scopes_are_not_added });
}
