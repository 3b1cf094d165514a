/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time-follow.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { SDA = 8 << 20, SDB = 8 << 20 | 16, SDC = 8 << 20 | 32 };
static const uint64_t SECOND_NS = 1000000000;

static struct follow follow;

static void begin(void)
{
	const struct disk_service disks[] = { { .device = SDA }, { .device = SDB } };

	follow_clear(&follow);
	UNIT_EQUAL_I64(0, follow_set(&follow, disks, 2, 100));
}

static void feed(uint64_t time_ns, enum follow_what what, char operation, uint64_t sector,
		 uint32_t sectors)
{
	const struct follow_event event = {
		.time_ns = time_ns,
		.what = what,
		.device = SDA,
		.sector = sector,
		.sectors = sectors,
		.operation = operation,
	};

	follow_feed(&follow, &event);
}

static void issue(uint64_t time_ns, char operation, uint64_t sector, uint32_t sectors)
{
	feed(time_ns, FOLLOW_ISSUE, operation, sector, sectors);
}

static void complete(uint64_t time_ns, char operation, uint64_t sector, uint32_t sectors)
{
	feed(time_ns, FOLLOW_COMPLETE, operation, sector, sectors);
}

/* What sda has to say. */
static struct disk_service read_at(uint64_t now_ns)
{
	struct disk_service disks[2];

	follow_read(&follow, disks, 2, now_ns);
	UNIT_EQUAL_U64(SDA, disks[0].device);
	UNIT_EQUAL_U64(SDB, disks[1].device);
	UNIT_TRUE(disks[0].known && disks[1].known);
	UNIT_EQUAL_U64(0, disks[1].busy_ns);
	return disks[0];
}

static void check(uint64_t now_ns, uint64_t busy_ns, uint64_t read_seeks, uint64_t write_seeks)
{
	struct disk_service disk = read_at(now_ns);

	UNIT_EQUAL_U64(busy_ns, disk.busy_ns);
	UNIT_EQUAL_U64(read_seeks, disk.read_seeks);
	UNIT_EQUAL_U64(write_seeks, disk.write_seeks);
	UNIT_TRUE(!disk.gap);
}

/* --- busy time --------------------------------------------------------------------- */

static void test_overlap(void)
{
	begin();
	issue(1000, 'R', 0, 8);
	issue(1200, 'R', 800, 8);
	complete(1500, 'R', 0, 8);
	complete(1900, 'R', 800, 8);
	issue(3000, 'W', 0, 8);
	complete(3100, 'W', 0, 8);
	check(9000, 900 + 100, 2, 1);
}

static void test_in_flight(void)
{
	begin();
	issue(1000, 'R', 0, 8);
	check(1400, 400, 0, 0);
	check(1700, 700, 0, 0);
	complete(2000, 'R', 0, 8);
	check(5000, 1000, 1, 0);
}

/* Stamps of two CPUs, the turn of the later one first: nothing counts twice, nothing is negative.
 */
static void test_stamps_out_of_order(void)
{
	begin();
	issue(1000, 'R', 0, 8);
	complete(2000, 'R', 0, 8);
	issue(1990, 'R', 8, 8);
	complete(2500, 'R', 8, 8);
	check(3000, 1500, 1, 0);
	issue(4000, 'R', 16, 8);
	complete(3999, 'R', 16, 8);
	check(5000, 1500, 1, 0);
	check(10, 1500, 1, 0);
}

/* --- requests of all kinds ----------------------------------------------------------- */

static void test_seeks(void)
{
	begin();
	issue(1000, 'R', 100, 8);
	complete(1001, 'R', 100, 8);
	issue(1002, 'R', 108, 16);
	complete(1003, 'R', 108, 16);
	issue(1004, 'W', 124, 8); /* goes on where the read ended */
	complete(1005, 'W', 124, 8);
	issue(1006, 'W', 124, 8); /* back */
	complete(1007, 'W', 124, 8);
	issue(1008, 'R', 140, 8); /* over a hole */
	complete(1009, 'R', 140, 8);
	check(2000, 5, 2, 1);
	UNIT_EQUAL_U64(512 * (8 + 16 + 8 + 8 + 8), read_at(2000).bytes);
}

/* As ftrace shows a flushed write on Linux 6.18: the flush's completion has no sector, and the
 * write completes a second time without data. */
static void test_flush(void)
{
	begin();
	issue(1000, 'W', 0, 8);
	complete(1100, 'W', 0, 8);
	issue(2000, 'F', 0, 0);
	complete(2500, 'F', UINT64_MAX, 0);
	complete(2501, 'W', 0, 0);
	issue(3000, 'W', 8, 8); /* the flush did not move the arm */
	complete(3100, 'W', 8, 8);
	check(9000, 100 + 500 + 100, 0, 1);
	UNIT_EQUAL_U64(512 * 16, read_at(9000).bytes);
}

static void test_discard(void)
{
	begin();
	issue(1000, 'W', 0, 8);
	complete(1100, 'W', 0, 8);
	issue(2000, 'D', 4096, 1024);
	complete(2300, 'D', 4096, 1024);
	issue(3000, 'W', 8, 8);
	complete(3100, 'W', 8, 8);
	check(9000, 500, 0, 1);
}

/* Issued without sectors, completed with some. */
static void test_command(void)
{
	begin();
	issue(1000, 'N', 0, 0);
	issue(1100, 'F', 0, 0);
	complete(1200, 'N', UINT64_MAX, 8);
	check(1300, 300, 0, 0);
	complete(1500, 'F', UINT64_MAX, 0);
	check(9000, 500, 0, 0);
}

static void test_parts(void)
{
	begin();
	issue(1000, 'R', 0, 64);
	complete(1200, 'R', 0, 24);
	complete(1300, 'R', 24, 8);
	check(1400, 400, 0, 0);
	complete(1500, 'R', 32, 32);
	check(9000, 500, 1, 0);
	UNIT_EQUAL_U64(512 * 64, read_at(9000).bytes);
}

/* A request that the device did not take never moved the arm. */
static void test_requeue(void)
{
	begin();
	issue(1000, 'R', 0, 8);
	complete(1100, 'R', 0, 8);
	issue(2000, 'R', 8, 8);
	feed(2010, FOLLOW_REQUEUE, 'R', 8, 8);
	issue(3000, 'R', 8, 8);
	complete(3100, 'R', 8, 8);
	check(9000, 100 + 10 + 100, 1, 0);
	issue(10000, 'R', 500, 8);
	issue(10100, 'R', 16, 8);
	feed(10200, FOLLOW_REQUEUE, 'R', 500, 8); /* another has moved it since */
	complete(10300, 'R', 16, 8);
	issue(10400, 'R', 24, 8);
	complete(10500, 'R', 24, 8);
	check(20000, 210 + 300 + 100, 2, 0);
}

static void test_unknown(void)
{
	const struct follow_event other = {
		.time_ns = 1000,
		.what = FOLLOW_ISSUE,
		.device = SDC,
		.sectors = 8,
		.operation = 'R',
	};

	begin();
	follow_feed(&follow, &other);
	complete(1100, 'R', 0, 8); /* issued before we were there */
	complete(1200, 'W', 0, 0); /* never reached the disk */
	feed(1300, FOLLOW_REQUEUE, 'R', 0, 8);
	issue(2000, 'R', 0, 8);
	complete(2050, 'R', 0, 8);
	complete(2060, 'R', 0, 8);
	check(9000, 50, 1, 0);
}

static void test_twins(void)
{
	begin();
	issue(1000, 'R', 0, 8);
	issue(1100, 'R', 0, 8);
	complete(1200, 'R', 0, 8);
	check(1300, 300, 1, 0);
	complete(1400, 'R', 0, 8);
	check(9000, 400, 2, 0);
}

/* --- what is not observed ------------------------------------------------------------- */

static void test_lost_completion(void)
{
	struct disk_service disk;

	begin();
	issue(SECOND_NS, 'R', 0, 8);
	for (uint64_t i = 2; i < 80; i++) {
		issue(i * SECOND_NS, 'R', i * 1000, 8);
		complete(i * SECOND_NS + 1000, 'R', i * 1000, 8);
	}
	disk = read_at(80 * SECOND_NS);
	UNIT_TRUE(!disk.gap);
	UNIT_EQUAL_U64(79 * SECOND_NS, disk.busy_ns);
	disk = read_at(200 * SECOND_NS);
	UNIT_TRUE(disk.gap);
	UNIT_EQUAL_U64(disk.busy_ns, read_at(900 * SECOND_NS).busy_ns);
	check(1000 * SECOND_NS, disk.busy_ns, 78, 0);
	issue(1001 * SECOND_NS, 'R', 0, 8);
	complete(1001 * SECOND_NS + 70, 'R', 0, 8);
	check(1002 * SECOND_NS, disk.busy_ns + 70, 79, 0);
}

/* A disk that is truly busy for so long is not taken for one that lost something. */
static void test_long_busy(void)
{
	begin();
	issue(SECOND_NS, 'R', 0, 8);
	for (uint64_t i = 2; i < 500; i++) {
		issue(i * SECOND_NS, 'R', i * 1000, 8);
		complete(i * SECOND_NS + 1, 'R', i == 2 ? 0 : (i - 1) * 1000, 8);
		check(i * SECOND_NS + 2, (i - 1) * SECOND_NS + 2, i - 1, 0);
	}
}

static void test_lost_events(void)
{
	struct disk_service disk, disks[2];

	begin();
	issue(1000, 'R', 0, 8);
	follow_lose(&follow, 1500);
	follow_read(&follow, disks, 2, 1600);
	disk = disks[0];
	UNIT_TRUE(disk.gap && disks[1].gap);
	UNIT_EQUAL_U64(500, disk.busy_ns);
	check(1700, 500, 0, 0);
	complete(1800, 'R', 0, 8); /* of the request that was forgotten */
	check(1900, 500, 0, 0);
	issue(2000, 'R', 8, 8); /* nobody knows where the arm is */
	complete(2100, 'R', 8, 8);
	check(3000, 600, 1, 0);
}

static void test_too_many(void)
{
	begin();
	for (uint64_t i = 0; i < FOLLOW_FLIGHTS_MAX + 3; i++)
		issue(1000 + i, 'R', i * 100, 8);
	UNIT_TRUE(read_at(10000).gap);
	UNIT_TRUE(!read_at(10001).gap);
	for (uint64_t i = 0; i < FOLLOW_FLIGHTS_MAX + 3; i++)
		complete(20000, 'R', i * 100, 8);
	check(30000, 19000, FOLLOW_FLIGHTS_MAX, 0);
}

/* Another topology: what goes on being followed goes on counting. */
static void test_set(void)
{
	const struct disk_service disks[] = { { .device = SDC }, { .device = SDA } };
	struct disk_service read[2];

	begin();
	issue(1000, 'R', 0, 8);
	UNIT_EQUAL_I64(0, follow_set(&follow, disks, 2, 1500));
	complete(2000, 'R', 0, 8);
	follow_read(&follow, read, 2, 3000);
	UNIT_EQUAL_U64(0, read[0].busy_ns);
	UNIT_EQUAL_U64(1000, read[1].busy_ns);
	UNIT_EQUAL_U64(1, read[1].read_seeks);
	follow_clear(&follow);
}

/* --- a property ---------------------------------------------------------------------- */

enum { REQUESTS = 300, EVENTS = 2 * REQUESTS };

static int by_time(const void *a, const void *b)
{
	const struct follow_event *first = a, *second = b;

	return first->time_ns < second->time_ns ? -1 : first->time_ns > second->time_ns;
}

/* Nanoseconds before `now` in which any of the requests was in the disk, one by one. */
static uint64_t union_before(const struct follow_event *events, uint64_t now)
{
	static unsigned char busy[20000];
	uint64_t sum = 0;

	memset(busy, 0, sizeof busy);
	for (size_t i = 0; i < REQUESTS; i++)
		for (uint64_t t = events[2 * i].time_ns; t < events[2 * i + 1].time_ns; t++)
			busy[t] = 1;
	for (uint64_t t = 0; t < now; t++)
		sum += busy[t];
	return sum;
}

static void make_requests(struct follow_event *events, uint64_t *seed)
{
	for (size_t i = 0; i < REQUESTS; i++) {
		struct follow_event event = {
			.time_ns = 200 + unit_random(seed) % 18000,
			.what = FOLLOW_ISSUE,
			.device = SDA,
			.sector = i * 100, /* tells the requests apart */
			.sectors = 8,
			.operation = "RW"[unit_random(seed) % 2],
		};

		events[2 * i] = event;
		event.what = FOLLOW_COMPLETE;
		event.time_ns += 1 + unit_random(seed) % (i % 10 ? 60 : 900);
		events[2 * i + 1] = event;
	}
}

static void test_union(void)
{
	static struct follow_event events[EVENTS], sorted[EVENTS];
	uint64_t seed = 20240611;
	unsigned next, wrong;

	for (int round = 0; round < 20; round++) {
		uint64_t begun = seed, now;

		begin();
		make_requests(events, &seed);
		memcpy(sorted, events, sizeof sorted);
		qsort(sorted, EVENTS, sizeof *sorted, by_time);
		next = wrong = 0;
		for (now = 150; now < 20000; now += 1 + unit_random(&seed) % 2000) {
			while (next < EVENTS && sorted[next].time_ns <= now)
				follow_feed(&follow, &sorted[next++]);
			wrong += union_before(events, now) != read_at(now).busy_ns;
		}
		if (wrong > 0)
			fprintf(stderr, "\nseed %llu\n", (unsigned long long)begun);
		UNIT_EQUAL_U64(0, wrong);
	}
}

static void test_operation(void)
{
	UNIT_EQUAL_I64('R', follow_operation("RS"));
	UNIT_EQUAL_I64('W', follow_operation("WSM"));
	UNIT_EQUAL_I64('W', follow_operation("FWFS")); /* a flush before, and through */
	UNIT_EQUAL_I64('F', follow_operation("FF"));
	UNIT_EQUAL_I64('F', follow_operation("FS"));
	UNIT_EQUAL_I64('F', follow_operation("F"));
	UNIT_EQUAL_I64('D', follow_operation("DE"));
	UNIT_EQUAL_I64('Z', follow_operation("ZA"));
	UNIT_EQUAL_I64(0, follow_operation(""));
}

int main(void)
{
	int status = UNIT_RUN(
		"service-time-follow",
		{ "model.md 3: time with several requests in the disk counts once", test_overlap },
		{ "a request in flight counts up to now", test_in_flight },
		{ "stamps out of order count nothing twice", test_stamps_out_of_order },
		{ "model.md 3: a request that begins where the last one ended is no seek",
		  test_seeks },
		{ "a flush is busy time and no seek", test_flush },
		{ "a discard is busy time and no seek", test_discard },
		{ "a command is busy time and no seek", test_command },
		{ "a request that completes in parts ends with the last", test_parts },
		{ "a request that is put back counts once, and does not move the arm",
		  test_requeue },
		{ "completions without an issue and other disks do nothing", test_unknown },
		{ "two requests for the same sectors are two", test_twins },
		{ "a lost completion does not make a disk busy for ever", test_lost_completion },
		{ "a disk that is busy for long has lost nothing", test_long_busy },
		{ "lost events are a gap, and nothing stays in flight", test_lost_events },
		{ "more requests than there is room for are a gap", test_too_many },
		{ "a disk that stays followed goes on counting", test_set },
		{ "busy time is the union of random requests at any moment", test_union },
		{ "the operation is the first letter, a flush before it aside", test_operation });

	follow_clear(&follow);
	return status;
}
