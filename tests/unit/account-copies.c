/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vDISKs on leaves that mirror one another, requests without bytes, and vDISKs behind a service. */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define MB UINT64_C(1000000)
#define DIFFERENCE_W (RIG_DISK_ACTIVE_W - RIG_DISK_IDLE_W)

enum { SDA, SDB };

/* Domain a with a vDISK on sda and sdb, which hold the same. */
static struct rig *mirror_rig(bool direct)
{
	struct rig *rig = rig_new();
	struct rig_vdisk *vdisk;

	rig_disk(rig, "sda");
	rig_disk(rig, "sdb");
	rig_domain(rig, "a", 1);
	vdisk = rig_vdisk(&rig->domains[0], "vda", SDA);
	vdisk->leaves[1] = SDB;
	vdisk->leaf_count = 2;
	vdisk->direct = direct;
	vdisk->write_copies = 2;
	return rig;
}

static struct rig_io *vdisk_io(struct rig *rig)
{
	return &rig->domains[0].vdisks[0].io;
}

static struct rig_io *leaf_io(struct rig *rig, size_t disk)
{
	return &rig->disks[disk].io;
}

/* As many MB to each of the two. */
static void write_both(struct rig *rig, uint64_t requests)
{
	rig_write(leaf_io(rig, SDA), requests, MB);
	rig_write(leaf_io(rig, SDB), requests, MB);
}

/* Requests of 1 MB take 1 ms + 10 ms. */
static void expect_requests(double requests, double kept, const struct rig *rig)
{
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.011 * requests, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.011 * (requests + kept),
			  rig->snapshot.host.disk_active_w, EXACT);
}

static void test_a_write_is_paid_on_each_mirror(void)
{
	struct rig *rig = mirror_rig(true);

	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 10, MB);
	write_both(rig, 10);
	RIG_TICK(rig, 1);
	expect_requests(20, 0, rig);
	/* The host's own writes there stay its own. */
	rig_write(vdisk_io(rig), 5, MB);
	write_both(rig, 15);
	RIG_TICK(rig, 1);
	expect_requests(10, 20, rig);
	/* What the guest asked for is said once. */
	UNIT_EQUAL_DOUBLE(5 * MB, rig_row(rig, "a")->vdisks[0].write_bytes, EXACT);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->vdisks[0].requests, EXACT);
	rig_free(rig);
}

static void test_a_read_is_paid_where_it_was_read(void)
{
	struct rig *rig = mirror_rig(true);

	RIG_BASELINE(rig);
	rig_read(vdisk_io(rig), 10, MB);
	rig_read(leaf_io(rig, SDA), 7, MB);
	rig_read(leaf_io(rig, SDB), 3, MB);
	RIG_TICK(rig, 1);
	expect_requests(10, 0, rig);
	rig_free(rig);
}

/* A mirror that is out of order writes nothing, and the other no more than it did. */
static void test_claims_are_bounded_by_each_mirror(void)
{
	struct rig *rig = mirror_rig(true);

	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 10, MB);
	rig_write(leaf_io(rig, SDA), 10, MB);
	RIG_TICK(rig, 1);
	expect_requests(10, 0, rig);
	rig_free(rig);
}

static void test_debt_is_paid_on_each_mirror(void)
{
	struct rig *rig = mirror_rig(false);

	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 10, MB);
	RIG_TICK(rig, 1);
	expect_requests(0, 0, rig);
	write_both(rig, 4);
	RIG_TICK(rig, 1);
	expect_requests(8, 0, rig);
	write_both(rig, 10); /* 6 are left of the debt */
	RIG_TICK(rig, 1);
	expect_requests(12, 8, rig);
	rig_free(rig);
}

/* A cgroup counts on the members themselves: nothing is multiplied. */
static void test_a_cgroup_tells_of_each_mirror(void)
{
	struct rig *rig = mirror_rig(true);
	struct rig_issued *first = rig_issue(rig, 0, SDA), *second = rig_issue(rig, 0, SDB);

	vdisk_io(rig)->missing = true;
	RIG_BASELINE(rig);
	rig_write(&first->io, 10, MB);
	rig_write(&second->io, 10, MB);
	write_both(rig, 12);
	RIG_TICK(rig, 1);
	expect_requests(20, 4, rig);
	UNIT_EQUAL_DOUBLE(10 * MB, rig_row(rig, "a")->vdisks[0].write_bytes, EXACT);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->vdisks[0].requests, EXACT);
	rig_free(rig);
}

/* Its own physical writes pay the debt, of which each byte is written twice. */
static void test_own_writes_pay_the_debt_once(void)
{
	struct rig *rig = mirror_rig(false);
	struct rig_issued *first = rig_issue(rig, 0, SDA), *second = rig_issue(rig, 0, SDB);

	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 20, MB);
	RIG_TICK(rig, 1);
	rig_write(&first->io, 10, MB);
	rig_write(&second->io, 10, MB);
	write_both(rig, 10);
	RIG_TICK(rig, 1);
	expect_requests(20, 0, rig);
	write_both(rig, 20); /* the flusher: 10 are left */
	RIG_TICK(rig, 1);
	expect_requests(20, 20, rig);
	rig_free(rig);
}

/* Each half of what is striped is written once. */
static void test_stripes(void)
{
	struct rig *rig = mirror_rig(true);

	rig->domains[0].vdisks[0].write_copies = 0;
	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 20, MB);
	write_both(rig, 10);
	RIG_TICK(rig, 1);
	expect_requests(20, 0, rig);
	rig_free(rig);
}

/* Flushes and discards. */
static void test_requests_without_bytes(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	rig_vdisk(&rig->domains[0], "vda", SDA);
	RIG_BASELINE(rig);
	rig_write(vdisk_io(rig), 30, 0);
	rig_write(leaf_io(rig, SDA), 40, 0);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.03, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.01, rig->snapshot.kept[1].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->vdisks[0].write_bytes, EXACT);
	rig_free(rig);
}

/*
 * Behind a service that caches: what it reads from the disk is the vDISK's at once, what it
 * writes when the kernel writes it, and what the cache gives costs the service's CPU alone.
 */
static void test_a_served_vdisk_that_is_buffered(void)
{
	struct rig *rig = rig_new();
	struct rig_attachment *attachment;

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	rig_vdisk(&rig->domains[0], "vda", SDA)->direct = false;
	vdisk_io(rig)->missing = true; /* QEMU does not see its requests */
	rig_service(rig, "daemon");
	attachment = rig_attach(rig, 0, 0, 0);
	attachment->io.io.has_requests = false;
	RIG_BASELINE(rig);
	rig_read(&attachment->io, 10, MB);
	rig_read(leaf_io(rig, SDA), 10, MB);
	RIG_TICK(rig, 1);
	expect_requests(10, 0, rig);
	rig_run(&rig->services[0].counter, 0.5); /* all from the cache */
	RIG_TICK(rig, 1);
	expect_requests(0, 0, rig);
	UNIT_TRUE(rig_row(rig, "a")->service.active_w > 1);
	rig_write(&attachment->io, 30, MB);
	RIG_TICK(rig, 1);
	expect_requests(0, 0, rig);
	rig_write(leaf_io(rig, SDA), 40, MB);
	RIG_TICK(rig, 1);
	expect_requests(30, 10, rig);
	rig_write(leaf_io(rig, SDA), 40, MB);
	RIG_TICK(rig, 1);
	expect_requests(0, 40, rig);
	rig_free(rig);
}

/* Its requests are those that were handed in, and make the claim. */
static void test_a_served_vdisk_whose_requests_are_counted(void)
{
	struct rig *rig = rig_new();
	struct rig_attachment *attachment;

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	rig_vdisk(&rig->domains[0], "vda", SDA);
	vdisk_io(rig)->missing = true;
	rig_service(rig, "daemon");
	attachment = rig_attach(rig, 0, 0, 0);
	RIG_BASELINE(rig);
	rig_read(&attachment->io, 100, MB / 10); /* small ones, beside large ones of the host */
	rig_read(leaf_io(rig, SDA), 100, MB / 10);
	rig_read(leaf_io(rig, SDA), 10, 3 * MB);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.2, rig_row(rig, "a")->disk.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.31, rig->snapshot.kept[1].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(100, rig_row(rig, "a")->vdisks[0].requests, EXACT);
	/* Another thread serves it: what is between is not known, and nothing is negative. */
	attachment->io.io = (struct io_reading){ .has_requests = true };
	rig_read(leaf_io(rig, SDA), 10, MB);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "a")->disk.active_w));
	UNIT_TRUE(isnan(rig_row(rig, "a")->vdisks[0].requests));
	rig_read(&attachment->io, 10, MB);
	rig_read(leaf_io(rig, SDA), 10, MB);
	RIG_TICK(rig, 1);
	expect_requests(10, 0, rig);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->vdisks[0].requests, EXACT);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-copies",
		{ "model.md 3: a write is paid on each mirror",
		  test_a_write_is_paid_on_each_mirror },
		{ "model.md 3: a read is paid where it was read",
		  test_a_read_is_paid_where_it_was_read },
		{ "model.md 3: claims are bounded by what each mirror did",
		  test_claims_are_bounded_by_each_mirror },
		{ "model.md 3: debt is paid on each mirror", test_debt_is_paid_on_each_mirror },
		{ "model.md 3: a cgroup tells of each mirror", test_a_cgroup_tells_of_each_mirror },
		{ "model.md 3: own writes to mirrors pay the debt once",
		  test_own_writes_pay_the_debt_once },
		{ "model.md 3: stripes are paid on each leaf", test_stripes },
		{ "model.md 3: flushes and discards cost a request's overhead",
		  test_requests_without_bytes },
		{ "model.md 3: a served vDISK that is buffered",
		  test_a_served_vdisk_that_is_buffered },
		{ "model.md 3: a served vDISK whose requests are counted",
		  test_a_served_vdisk_whose_requests_are_counted });
}
