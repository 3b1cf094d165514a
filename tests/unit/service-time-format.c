/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/service-time-format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/service-time-ring.h"
#include "tests/unit/unit.h"

/* As Linux 6.18 and 5.10 have them; common fields and the print format shortened. */
#define COMMON                                                                                     \
	"format:\n"                                                                                \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
static const char issue_6_18[] = "name: block_rq_issue\nID: 2104\n" COMMON
				 "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
				 "\tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;\n"
				 "\tfield:unsigned int nr_sector;\toffset:24;\tsize:4;\tsigned:0;\n"
				 "\tfield:unsigned int bytes;\toffset:28;\tsize:4;\tsigned:0;\n"
				 "\tfield:unsigned short ioprio;\toffset:32;\tsize:2;\tsigned:0;\n"
				 "\tfield:char rwbs[10];\toffset:34;\tsize:10;\tsigned:0;\n"
				 "\tfield:char comm[16];\toffset:44;\tsize:16;\tsigned:0;\n"
				 "\nprint fmt: \"%d,%d %s\", REC->dev, REC->sector\n";
static const char issue_5_10[] = "name: block_rq_issue\nID: 1033\n" COMMON
				 "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n"
				 "\tfield:sector_t sector;\toffset:16;\tsize:8;\tsigned:0;\n"
				 "\tfield:unsigned int nr_sector;\toffset:24;\tsize:4;\tsigned:0;\n"
				 "\tfield:unsigned int bytes;\toffset:28;\tsize:4;\tsigned:0;\n"
				 "\tfield:char rwbs[8];\toffset:32;\tsize:8;\tsigned:0;\n";

static const char tracing[] = "a/sys/kernel/tracing/events/block/block_rq_issue/format";
static const char debug[] = "b/sys/kernel/debug/tracing/events/block/block_rq_issue/format";

static int read_format(const char *folder, struct trace_format *format, struct error *error)
{
	struct rootfs root;
	char path[512];
	int result;

	unit_write_file("c/sys/kernel/empty", "");
	snprintf(path, sizeof path, "%s/%s", unit_folder(), folder);
	UNIT_EQUAL_I64(0, rootfs_open(&root, path, error));
	result = trace_format_read(format, &root, "block_rq_issue", error);
	rootfs_close(&root);
	return result;
}

static void test_read(void)
{
	struct trace_format format;
	struct error error = { "" };

	unit_write_file(tracing, issue_6_18);
	UNIT_EQUAL_I64(0, read_format("a", &format, &error));
	UNIT_EQUAL_U64(2104, format.id);
	UNIT_EQUAL_U64(8, format.device);
	UNIT_EQUAL_U64(16, format.sector);
	UNIT_EQUAL_U64(24, format.sectors);
	UNIT_EQUAL_U64(34, format.operation);
	UNIT_EQUAL_U64(10, format.rwbs_bytes);
	UNIT_EQUAL_TEXT("", error.text);
}

static void test_debugfs(void)
{
	struct trace_format format;
	struct error error = { "" };

	unit_write_file(debug, issue_5_10);
	UNIT_EQUAL_I64(0, read_format("b", &format, &error));
	UNIT_EQUAL_U64(1033, format.id);
	UNIT_EQUAL_U64(32, format.operation);
	UNIT_EQUAL_U64(8, format.rwbs_bytes);
}

static void test_missing(void)
{
	struct trace_format format;
	struct error error = { "" };

	UNIT_EQUAL_I64(-ENOENT, read_format("c", &format, &error));
	UNIT_CONTAINS("no tracefs at /sys/kernel/tracing", error.text);
}

/* Each line taken away in turn, and each of its numbers spoilt. */
static void test_refused(void)
{
	static const struct {
		const char *old, *new, *says;
	} spoilt[] = {
		{ "ID: 2104", "ID: x", "no ID" },
		{ "ID: 2104", "ID: 99999", "no ID" },
		{ "dev_t dev;", "dev_t div;", "dev of 4 bytes" },
		{ "dev_t dev;", "dev_t a_dev;", "dev of 4 bytes" },
		{ "sector_t sector;\toffset:16;\tsize:8", "sector_t sector;\toffset:16;\tsize:4",
		  "sector of 8 bytes" },
		{ "offset:24", "ofset:24", "nr_sector of 4 bytes" },
		{ "offset:24", "offset:4294967320", "nr_sector of 4 bytes" },
		{ "char rwbs[10]", "char rw[10]", "rwbs" },
	};
	struct trace_format format;
	struct error error;
	char text[2048];

	for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
		const char *at = strstr(issue_6_18, spoilt[i].old);

		UNIT_TRUE(at != NULL);
		if (!at)
			continue;
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - issue_6_18), issue_6_18,
			 spoilt[i].new, at + strlen(spoilt[i].old));
		unit_write_file(tracing, text);
		UNIT_EQUAL_I64(-EINVAL, read_format("a", &format, &error));
		UNIT_CONTAINS(spoilt[i].says, error.text);
	}
}

/* --- records --------------------------------------------------------------------------- */

static const struct trace_format layout = {
	.id = 7,
	.device = 8,
	.sector = 16,
	.sectors = 24,
	.operation = 28,
	.rwbs_bytes = 10,
};
enum { RAW_BYTES = 44 };

static void make_raw(char *raw, uint64_t sector, const char *rwbs)
{
	const uint16_t id = 7;
	const uint32_t device = 8 << 20, sectors = 24;

	memset(raw, 0, RAW_BYTES);
	memcpy(raw, &id, sizeof id);
	memcpy(raw + 8, &device, sizeof device);
	memcpy(raw + 16, &sector, sizeof sector);
	memcpy(raw + 24, &sectors, sizeof sectors);
	strcpy(raw + 28, rwbs);
}

static void test_event(void)
{
	struct follow_event event = { 0 };
	char raw[RAW_BYTES];

	make_raw(raw, 0x123456789a, "FWS");
	UNIT_EQUAL_U64(7, trace_format_id(raw, sizeof raw));
	UNIT_EQUAL_U64(0, trace_format_id(raw, 1));
	UNIT_TRUE(trace_format_event(&layout, raw, sizeof raw, &event));
	UNIT_EQUAL_U64(8 << 20, event.device);
	UNIT_EQUAL_U64(0x123456789a, event.sector);
	UNIT_EQUAL_U64(24, event.sectors);
	UNIT_EQUAL_I64('W', event.operation);
	for (size_t bytes = 0; bytes < 38; bytes++)
		UNIT_TRUE(!trace_format_event(&layout, raw, bytes, &event));
}

/* --- rings ------------------------------------------------------------------------------ */

enum { RING_BYTES = 4096 };

struct rig {
	struct perf_event_mmap_page page;
	uint8_t data[RING_BYTES];
	struct trace_ring ring;
	uint64_t next;  /* sector of the next record that is put in */
	uint64_t taken; /* of the next that is to come out */
};

static void rig_begin(struct rig *rig)
{
	*rig = (struct rig){ .ring = { &rig->page, rig->data, RING_BYTES } };
}

static void put(struct rig *rig, const void *bytes, size_t count)
{
	size_t at = rig->page.data_head % RING_BYTES;
	size_t first = RING_BYTES - at < count ? RING_BYTES - at : count;

	memcpy(rig->data + at, bytes, first);
	memcpy(rig->data, (const uint8_t *)bytes + first, count - first);
	rig->page.data_head += count;
}

static void put_sample(struct rig *rig)
{
	const struct perf_event_header header = {
		.type = PERF_RECORD_SAMPLE,
		.size = sizeof header + 8 + 4 + RAW_BYTES,
	};
	const uint32_t bytes = RAW_BYTES;
	const uint64_t time_ns = 1000 + rig->next;
	char raw[RAW_BYTES];

	make_raw(raw, rig->next++, "R");
	put(rig, &header, sizeof header);
	put(rig, &time_ns, sizeof time_ns);
	put(rig, &bytes, sizeof bytes);
	put(rig, raw, sizeof raw);
}

static void put_lost(struct rig *rig)
{
	const struct {
		struct perf_event_header header;
		uint64_t id, lost;
	} record = { { .type = PERF_RECORD_LOST, .size = sizeof record }, 1, 2 };

	put(rig, &record, sizeof record);
}

static void take(void *context, uint64_t time_ns, const void *raw, size_t bytes)
{
	struct rig *rig = context;
	struct follow_event event;

	UNIT_EQUAL_U64(RAW_BYTES, bytes);
	UNIT_TRUE(trace_format_event(&layout, raw, bytes, &event));
	UNIT_EQUAL_U64(rig->taken, event.sector);
	UNIT_EQUAL_U64(1000 + rig->taken, time_ns);
	rig->taken++;
}

/* 24 bytes from the beginning on, so that records lie across the end, too. */
static void test_ring(void)
{
	struct rig rig;

	rig_begin(&rig);
	rig.page.data_head = rig.page.data_tail = 24;
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < round % 50; i++)
			put_sample(&rig);
		UNIT_TRUE(trace_ring_read(&rig.ring, take, &rig));
		UNIT_EQUAL_U64(rig.next, rig.taken);
		UNIT_EQUAL_U64(rig.page.data_head, rig.page.data_tail);
	}
	UNIT_TRUE(rig.taken > 7000);
}

static void test_ring_lost(void)
{
	struct rig rig;

	rig_begin(&rig);
	put_sample(&rig);
	put_lost(&rig);
	put_sample(&rig);
	UNIT_TRUE(!trace_ring_read(&rig.ring, take, &rig));
	UNIT_EQUAL_U64(2, rig.taken);
	UNIT_TRUE(trace_ring_read(&rig.ring, take, &rig));
}

static void test_ring_full(void)
{
	struct rig rig;

	rig_begin(&rig);
	for (unsigned i = 0; i < RING_BYTES / 64 - 1; i++)
		put_sample(&rig);
	UNIT_TRUE(!trace_ring_read(&rig.ring, take, &rig));
	UNIT_EQUAL_U64(RING_BYTES / 64 - 1, rig.taken);
	UNIT_TRUE(trace_ring_read(&rig.ring, take, &rig));
}

/* What the kernel would never write does not lead us astray. */
static void test_ring_broken(void)
{
	const struct perf_event_header bad[] = {
		{ .type = PERF_RECORD_SAMPLE, .size = 0 },
		{ .type = PERF_RECORD_SAMPLE, .size = 4 },
		{ .type = PERF_RECORD_SAMPLE, .size = sizeof bad[0] },
		{ .type = PERF_RECORD_SAMPLE, .size = 4000 },
	};
	const struct {
		struct perf_event_header header;
		uint64_t time_ns;
		uint32_t bytes, none;
	} overlong = { { .type = PERF_RECORD_SAMPLE, .size = sizeof overlong }, 1, 900, 0 };
	struct rig rig;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		rig_begin(&rig);
		put(&rig, &bad[i], sizeof bad[i]);
		UNIT_TRUE(!trace_ring_read(&rig.ring, take, &rig));
		UNIT_EQUAL_U64(rig.page.data_head, rig.page.data_tail);
		UNIT_EQUAL_U64(0, rig.taken);
	}
	rig_begin(&rig);
	put(&rig, &overlong, sizeof overlong);
	UNIT_TRUE(!trace_ring_read(&rig.ring, take, &rig));
	UNIT_EQUAL_U64(0, rig.taken);
}

int main(void)
{
	return UNIT_RUN(
		"service-time-format", { "fields of a tracepoint are found in tracefs", test_read },
		{ "tracefs is found below debugfs", test_debugfs },
		{ "a host without tracefs says so", test_missing },
		{ "a tracepoint of another form is refused by the field's name", test_refused },
		{ "a record becomes an event, a short one does not", test_event },
		{ "records are read across the end of the ring", test_ring },
		{ "lost records are told", test_ring_lost },
		{ "a full ring counts as one that has lost something", test_ring_full },
		{ "broken records are dropped and told", test_ring_broken });
}
