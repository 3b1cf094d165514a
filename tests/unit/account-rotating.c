/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks that turn, and leaves as the snapshot shows them. */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define MB UINT64_C(1000000)
#define OVERHEAD_S 0.009438
#define RATE 57e6
#define DIFFERENCE_W (6.714 - 4.083)

/* Domains a and b with a vDISK each on sda: the published Maxtor. */
static struct rig *turning_rig(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	rig_domain(rig, "a", 1);
	rig_domain(rig, "b", 1);
	rig_vdisk(&rig->domains[0], "vda", 0);
	rig_vdisk(&rig->domains[1], "vda", 0);
	rig->disk.match.rotational = 1;
	rig->disks[0].rotational = true;
	rig->disk.disk = (struct disk_constants){
		4.083, 6.714, NAN, NAN, { OVERHEAD_S, RATE }, { OVERHEAD_S, RATE },
	};
	rig_serve(&rig->disks[0].io, 77, 33, 1234);
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

static bool is_estimate(const struct rig *rig)
{
	return rig->snapshot.disks[0].quality & QUALITY_ESTIMATE;
}

/* --- seeks ---------------------------------------------------------------- */

static void test_overhead_is_for_the_counted_seeks(void)
{
	struct rig *rig = turning_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 20, MB); /* large, and yet five of them seek */
	rig_serve(&rig->disks[0].io, 5, 0, 0.9);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (5 * OVERHEAD_S + 20e6 / RATE), active_w(rig, "a"), EXACT);
	UNIT_TRUE(!is_estimate(rig));
	rig_read_through(rig, vdisk(rig, 0), 1000, 4096); /* small, and contiguous */
	rig_serve(&rig->disks[0].io, 0, 0, 0.9);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 1000 * 4096 / RATE, active_w(rig, "a"), EXACT);
	UNIT_TRUE(!is_estimate(rig));
	rig_write(&vdisk(rig, 0)->io, 30, 4096); /* each direction has its own */
	rig_write(&rig->disks[0].io, 30, 4096);
	rig_read_through(rig, vdisk(rig, 0), 30, 4096);
	rig_serve(&rig->disks[0].io, 3, 8, 0.9);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (11 * OVERHEAD_S + 60 * 4096 / RATE), active_w(rig, "a"),
			  EXACT);
	rig_free(rig);
}

/*
 * 100 requests of a stream that 50 single ones interrupt: those seek, and now and
 * then the stream has to seek back. By requests alone it would pay 47 of the 70.
 */
static void test_a_request_seeks_once_small_ones_first(void)
{
	struct rig *rig = turning_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 100, 131072);
	rig_read_through(rig, vdisk(rig, 1), 50, 4096);
	rig_serve(&rig->disks[0].io, 70, 0, 0.95);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (20 * OVERHEAD_S + 100 * 131072 / RATE),
			  active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (50 * OVERHEAD_S + 50 * 4096 / RATE), active_w(rig, "b"),
			  EXACT);
	rig_read_through(rig, vdisk(rig, 1), 50, 4096);
	rig_read(&rig->disks[0].io, 30, 4096); /* the host's own, which no vDISK explains */
	rig_serve(&rig->disks[0].io, 40, 0, 0.95);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (25 * OVERHEAD_S + 50 * 4096 / RATE), active_w(rig, "b"),
			  EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (40 * OVERHEAD_S + 80 * 4096 / RATE),
			  rig->snapshot.host.disk_active_w, EXACT);
	rig_free(rig);
}

/* Seeks and requests are read a moment apart. */
static void test_more_seeks_than_requests(void)
{
	struct rig *rig = turning_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 10, 4096);
	rig_read_through(rig, vdisk(rig, 1), 10, MB);
	rig_serve(&rig->disks[0].io, 22, 0, 0.95);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (22 * OVERHEAD_S + (10 * 4096 + 10e6) / RATE),
			  rig->snapshot.host.disk_active_w, EXACT);
	rig_serve(&rig->disks[0].io, 5, 0, 0.95); /* and none at all: nobody is charged */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.host.disk_active_w, EXACT);
	rig_free(rig);
}

/* --- the bound ------------------------------------------------------------- */

static void test_busy_time_is_a_bound(void)
{
	struct rig *rig = turning_rig();

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 30, 4096);
	rig_read_through(rig, vdisk(rig, 1), 10, 4096);
	rig_serve(&rig->disks[0].io, 40, 0, 0.3); /* short seeks: 0.38 s would be the model's */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.3, rig->snapshot.host.disk_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.3 * 3 / 4, active_w(rig, "a"), EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.3 / 4, active_w(rig, "b"), EXACT);
	UNIT_EQUAL_DOUBLE(30, rig->snapshot.disks[0].busy_percent, EXACT);
	rig_read_through(rig, vdisk(rig, 0), 57, 2 * MB); /* longer than the tick: the period */
	rig_serve(&rig->disks[0].io, 0, 0, 1.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W, active_w(rig, "a"), EXACT);
	rig_read_through(rig, vdisk(rig, 0), 10, 4096); /* shorter than busy: the model's */
	rig_serve(&rig->disks[0].io, 10, 0, 0.8);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 10 * (OVERHEAD_S + 4096 / RATE), active_w(rig, "a"),
			  EXACT);
	rig_free(rig);
}

static void test_a_late_leaf_has_its_own_time(void)
{
	struct rig *rig = turning_rig();

	RIG_BASELINE(rig);
	rig->disks[0].io.missing = true;
	rig_read_through(rig, vdisk(rig, 0), 50, 4096);
	rig_serve(&rig->disks[0].io, 50, 0, 0.2);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.disks[0].active_w));
	UNIT_TRUE(isnan(rig->snapshot.disks[0].busy_percent));
	rig->disks[0].io.missing = false;
	rig_serve(&rig->disks[0].io, 0, 0, 0.2);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(20, rig->snapshot.disks[0].busy_percent, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.2, rig->snapshot.disks[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 0.4, rig->snapshot.disks[0].active_j, EXACT);
	rig_free(rig);
}

static void test_a_disk_that_does_not_turn_has_no_seeks(void)
{
	struct rig *rig = turning_rig();

	rig->disk.match.rotational = 0;
	rig->disks[0].rotational = false;
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 20, MB);
	rig_serve(&rig->disks[0].io, 3, 0, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (20 * OVERHEAD_S + 20e6 / RATE), active_w(rig, "a"),
			  EXACT);
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.disks[0].busy_percent, EXACT);
	UNIT_TRUE(!is_estimate(rig));
	rig_free(rig);
}

/* --- without ---------------------------------------------------------------- */

/* One tick of 20 small requests, of which 4 seek: the guess takes all of them for seeks. */
static void seek_and_guess(struct rig *rig, bool counted)
{
	double seeks = counted ? 4 : 20;

	rig_read_through(rig, vdisk(rig, 0), 20, 4096);
	if (rig->disks[0].io.io.has_service)
		rig_serve(&rig->disks[0].io, 4, 0, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (seeks * OVERHEAD_S + 20 * 4096 / RATE),
			  active_w(rig, "a"), EXACT);
	UNIT_EQUAL_U64(counted ? 0 : QUALITY_ESTIMATE,
		       rig->snapshot.disks[0].quality & QUALITY_ESTIMATE);
	UNIT_TRUE(isnan(rig->snapshot.disks[0].busy_percent) == !counted);
}

static void test_following_begins_with_a_baseline(void)
{
	struct rig *rig = turning_rig();
	struct io_reading *io = &rig->disks[0].io.io;

	RIG_BASELINE(rig);
	seek_and_guess(rig, true);
	seek_and_guess(rig, true);
	io->busy_ns = io->read_seeks = io->write_seeks = 0; /* attached anew */
	rig_read_through(rig, vdisk(rig, 0), 20, 4096);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 20 * (OVERHEAD_S + 4096 / RATE), active_w(rig, "a"),
			  EXACT);
	UNIT_TRUE(is_estimate(rig));
	UNIT_TRUE(!(rig->snapshot.disks[0].quality & QUALITY_GAP));
	rig_free(rig);

	rig = turning_rig();
	io = &rig->disks[0].io.io;
	io->has_service = false;
	RIG_BASELINE(rig);
	seek_and_guess(rig, false);
	rig_serve(&rig->disks[0].io, 9, 0, 0.5);
	rig_read_through(rig, vdisk(rig, 0), 20, 4096);
	RIG_TICK(rig, 1); /* the first reading that has them tells nothing yet */
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * 20 * (OVERHEAD_S + 4096 / RATE), active_w(rig, "a"),
			  EXACT);
	rig_read_through(rig, vdisk(rig, 0), 20, 4096);
	rig_serve(&rig->disks[0].io, 4, 0, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(DIFFERENCE_W * (4 * OVERHEAD_S + 20 * 4096 / RATE), active_w(rig, "a"),
			  EXACT);
	UNIT_TRUE(is_estimate(rig)); /* its total began as one */
	rig_free(rig);
}

/* Events that are counted: what remains an estimate is the disk. */
static void test_a_guess_marks_whom_it_is_charged_to(void)
{
	for (int followed = 0; followed < 2; followed++) {
		struct rig *rig = turning_rig();
		unsigned mark = followed ? 0 : QUALITY_ESTIMATE;

		rig->options.events.source = CPU_SOURCE_PERF;
		strcpy(rig->options.events.names[0], "cycles");
		rig->point.weight_count = 1;
		rig->point.weights[0] = (struct weight){ .event = "cycles", .nj = 5, .se_nj = NAN };
		rig->disks[0].io.io.has_service = followed;
		RIG_BASELINE(rig);
		rig_read_through(rig, vdisk(rig, 0), 20, 4096);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_U64(mark, rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
		UNIT_EQUAL_U64(0, rig_row(rig, "b")->quality & QUALITY_ESTIMATE);
		UNIT_EQUAL_U64(mark, rig->snapshot.host.quality & QUALITY_ESTIMATE);
		rig_free(rig);
	}
}

/* --- rows ------------------------------------------------------------------ */

static void test_a_leaf_has_a_row(void)
{
	struct rig *rig = turning_rig();
	const struct snapshot_disk *row;

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 20, MB);
	rig_write(&rig->disks[0].io, 5, 4096);
	rig_serve(&rig->disks[0].io, 0, 0, 0.5);
	RIG_TICK(rig, 2);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(1, rig->snapshot.disk_count);
	row = &rig->snapshot.disks[0];
	UNIT_EQUAL_TEXT("sda", row->name);
	UNIT_EQUAL_TEXT("", row->model);
	UNIT_EQUAL_TEXT("rig.weights", row->weights);
	UNIT_EQUAL_DOUBLE(4.083, row->idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(3 * 4.083, row->idle_j, EXACT);
	UNIT_EQUAL_DOUBLE(0, row->active_w, EXACT);
	UNIT_EQUAL_DOUBLE(rig->snapshot.host.disk_active_j, row->active_j, EXACT);
	UNIT_TRUE(row->active_j > 0);
	UNIT_EQUAL_DOUBLE(0, row->requests, EXACT);
	UNIT_EQUAL_U64(2, row->vdisks);
	rig_read(&rig->disks[0].io, 20, MB);
	rig_write(&rig->disks[0].io, 5, 4096);
	rig->domains[1].state = DOMAIN_ENDED;
	rig->domains[1].end_ns = rig->now_ns + 1;
	RIG_TICK(rig, 1);
	row = &rig->snapshot.disks[0];
	UNIT_EQUAL_DOUBLE(20e6, row->read_bytes, EXACT);
	UNIT_EQUAL_DOUBLE(5 * 4096, row->write_bytes, EXACT);
	UNIT_EQUAL_DOUBLE(25, row->requests, EXACT);
	UNIT_EQUAL_U64(1, row->vdisks);
	rig_free(rig);
}

static void test_a_leaf_without_weights_has_no_watts(void)
{
	struct rig *rig = turning_rig();
	const struct snapshot_disk *row;

	rig->options.disk_count = 0;
	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 20, MB);
	RIG_TICK(rig, 1);
	row = &rig->snapshot.disks[0];
	UNIT_TRUE(row->weights == NULL);
	UNIT_TRUE(isnan(row->idle_w));
	UNIT_TRUE(isnan(row->active_w));
	UNIT_EQUAL_DOUBLE(20e6, row->read_bytes, EXACT);
	UNIT_TRUE(row->quality & QUALITY_MISSING);
	rig_free(rig);
}

/* A disk is pulled: its joules stay, and the sum over disks is the host's. */
static void test_the_joules_of_a_leaf_that_went_stay(void)
{
	struct rig *rig = turning_rig();
	const struct snapshot_disk *row;
	double joules;

	RIG_BASELINE(rig);
	rig_read_through(rig, vdisk(rig, 0), 20, MB);
	rig_serve(&rig->disks[0].io, 0, 0, 0.5);
	RIG_TICK(rig, 1);
	joules = rig->snapshot.disks[0].active_j;
	UNIT_TRUE(joules > 0);
	strcpy(rig->disks[0].name, "sdz");
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(2, rig->snapshot.disk_count);
	UNIT_EQUAL_TEXT("sdz", rig->snapshot.disks[0].name);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.disks[0].active_j, EXACT);
	row = &rig->snapshot.disks[1];
	UNIT_EQUAL_TEXT("(gone)", row->name);
	UNIT_EQUAL_DOUBLE(joules, row->active_j, EXACT);
	UNIT_EQUAL_DOUBLE(4.083, row->idle_j, EXACT);
	UNIT_EQUAL_DOUBLE(0, row->idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(joules, rig->snapshot.host.disk_active_j, EXACT);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-rotating",
		{ "model.md 3: the overhead applies to the seeks that were counted",
		  test_overhead_is_for_the_counted_seeks },
		{ "model.md 3: a request seeks once at most, small ones first",
		  test_a_request_seeks_once_small_ones_first },
		{ "model.md 3: more seeks than requests lose no joule",
		  test_more_seeks_than_requests },
		{ "model.md 3: active time is bounded by the time with a request in the device",
		  test_busy_time_is_a_bound },
		{ "model.md 3: a leaf that was read late is bounded over its own time",
		  test_a_late_leaf_has_its_own_time },
		{ "model.md 3: a disk that does not turn has no seeks and no such bound",
		  test_a_disk_that_does_not_turn_has_no_seeks },
		{ "model.md 3: following begins with a baseline",
		  test_following_begins_with_a_baseline },
		{ "model.md 3: guessed seeks mark whom they are charged to",
		  test_a_guess_marks_whom_it_is_charged_to },
		{ "a leaf has a row", test_a_leaf_has_a_row },
		{ "model.md 3: a leaf without weights has no watts",
		  test_a_leaf_without_weights_has_no_watts },
		{ "model.md 5: the joules of a leaf that went stay in the sum",
		  test_the_joules_of_a_leaf_that_went_stay });
}
