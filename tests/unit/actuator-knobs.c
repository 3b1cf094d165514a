/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of knobs, which actuator serves, the dry run, and what a verb may say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "vmenergyd/actuator/actuator.h"
#include "vmenergyd/actuator/ring.h"
#include "vmenergyd/helper-internal.h"
#include "vmenergyd/helper.h"

static const struct target plain = {
	.manager = DOMAIN_QEMU,
	.id = "qemu:7:9",
	.name = "web",
	.pid = 7,
	.start_ticks = 9,
	.vcpus = 2,
	.cpu_cgroup = "/a",
	.io_cgroup = "/a",
	.leaf_count = 1,
	.leaves = { { 254, 0 } },
	.vdisk = "vda",
};

static void test_names(void)
{
	for (int i = 0; i < KNOB_COUNT; i++)
		UNIT_EQUAL_I64(i, knob_parse(knob_name((enum knob)i)));
	UNIT_EQUAL_I64(-1, knob_parse("power"));
	UNIT_EQUAL_TEXT("?", knob_name((enum knob)77));
}

static void test_bounds(void)
{
	static const struct {
		int64_t quota_us;
		uint64_t period_us;
		int result;
	} cases[] = {
		{ -1, 100000, 0 },       { 1000, 1000, 0 },          { 1000, 1000000, 0 },
		{ 999, 20000, -ERANGE }, { 0, 20000, -ERANGE },      { -2, 20000, -ERANGE },
		{ 5000, 999, -ERANGE },  { 5000, 1000001, -ERANGE }, { INT64_MAX, 1000, -ERANGE },
	};
	struct knob_value value = { .knob = KNOB_CPU };
	struct error error = { "" };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		value.cpu = (struct cpu_limit){ cases[i].quota_us, cases[i].period_us };
		UNIT_EQUAL_I64(cases[i].result, knob_value_check(&value, &error));
	}
	UNIT_CONTAINS("must be 1000..", error.text);
	for (uint64_t shares = 0; shares <= 10001; shares += 10001 / 3) {
		value = (struct knob_value){ .knob = KNOB_SHARES, .shares = shares };
		UNIT_EQUAL_I64(shares >= 1 && shares <= 10000 ? 0 : -ERANGE,
			       knob_value_check(&value, &error));
	}
	value = (struct knob_value){ .knob = KNOB_DISK, .disk.request_bytes = UINT64_MAX };
	UNIT_EQUAL_I64(-ERANGE, knob_value_check(&value, &error));
	value.knob = (enum knob)4;
	UNIT_EQUAL_I64(-ERANGE, knob_value_check(&value, &error));
}

static void test_paths(void)
{
	static const char *const good[] = { "", "/", "/vmenergy/qemu-7", "/a/...b/.c", "/a b" };
	static const char *const bad[] = { "a",    "/..",  "/a/../b", "/a/..",
					   "/./a", "/a/.", "/a//b",   "/a\nb" };
	struct error error = { "" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct knob_value value = { .knob = KNOB_PLACE };

		strcpy(value.place.cpu_cgroup, good[i]);
		UNIT_EQUAL_I64(0, knob_value_check(&value, &error));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct knob_value value = { .knob = KNOB_PLACE };

		strcpy(value.place.io_cgroup, bad[i]);
		UNIT_EQUAL_I64(-ERANGE, knob_value_check(&value, &error));
		UNIT_CONTAINS("must", error.text);
	}
}

/* A weight goes to shares and comes back; the defaults meet. */
static void test_shares(void)
{
	UNIT_EQUAL_U64(1024, shares_of_weight(100));
	UNIT_EQUAL_U64(100, weight_of_shares(1024));
	UNIT_EQUAL_U64(1, weight_of_shares(2));
	UNIT_EQUAL_U64(10000, weight_of_shares(262144));
	for (uint64_t weight = 1; weight <= 10000; weight++)
		if (weight_of_shares(shares_of_weight(weight)) != weight)
			UNIT_EQUAL_U64(weight, weight_of_shares(shares_of_weight(weight)));
}

static void test_equal(void)
{
	struct knob_value a = { .knob = KNOB_CPU, .cpu = { -1, 20000 } }, b = a;

	b.cpu.period_us = 100000;
	UNIT_TRUE(knob_value_equal(&a, &b)); /* unlimited is unlimited */
	a.cpu.quota_us = b.cpu.quota_us = 5000;
	UNIT_TRUE(!knob_value_equal(&a, &b));
	a = b = (struct knob_value){ .knob = KNOB_DISK, .disk.write_bytes_s = 5 };
	UNIT_TRUE(knob_value_equal(&a, &b));
	b.disk.request_bytes = 1;
	UNIT_TRUE(!knob_value_equal(&a, &b));
	b = (struct knob_value){ .knob = KNOB_SHARES };
	UNIT_TRUE(!knob_value_equal(&a, &b));
}

static void test_usable(void)
{
	const struct disk_limit limit = { .total_bytes_s = 9,
					  .total_bytes_max = 10,
					  .read_bytes_s = 5,
					  .read_bytes_max = 6,
					  .write_bytes_max = 7,
					  .total_requests_s = 3,
					  .total_requests_max = 4,
					  .request_bytes = 4096 };
	const struct disk_limit usable = disk_limit_usable(&limit);

	UNIT_EQUAL_U64(0, usable.total_bytes_s);
	UNIT_EQUAL_U64(0, usable.total_bytes_max);
	UNIT_EQUAL_U64(6, usable.read_bytes_max);
	UNIT_EQUAL_U64(0, usable.write_bytes_max);
	UNIT_EQUAL_U64(3, usable.total_requests_s);
	UNIT_EQUAL_U64(4, usable.total_requests_max);
	UNIT_EQUAL_U64(4096, usable.request_bytes);
}

static const char *server(const struct actuator_room *room, const struct target *target,
			  enum knob knob, struct error *error)
{
	const struct actuator *actuator = actuator_for(room, target, knob, error);

	return actuator ? actuator->name : NULL;
}

static void test_who_serves(void)
{
	struct actuator_room room = { .mounts = { .cpu = "/c", .blkio = "/b" } };
	struct target target = plain;
	struct error error = { "" };

	UNIT_EQUAL_TEXT("cgroup", server(&room, &target, KNOB_CPU, &error));
	UNIT_EQUAL_TEXT("cgroup", server(&room, &target, KNOB_PLACE, &error));
	UNIT_EQUAL_TEXT("cgroup", server(&room, &target, KNOB_DISK, &error));
	target.leaf_count = 0;
	UNIT_EQUAL_TEXT(NULL, server(&room, &target, KNOB_DISK, &error));
	UNIT_CONTAINS("no local block device", error.text);
	strcpy(target.qmp_socket, "/q");
	UNIT_EQUAL_TEXT("qmp", server(&room, &target, KNOB_DISK, &error));
	target.cpu_cgroup[0] = '\0';
	UNIT_EQUAL_TEXT(NULL, server(&room, &target, KNOB_SHARES, &error));
	UNIT_CONTAINS("web: shares cannot be limited: no cgroup holds it alone", error.text);
	room.mounts = (struct cgroup_mounts){ .v2 = "/u" };
	UNIT_EQUAL_TEXT(NULL, server(&room, &plain, KNOB_CPU, &error));
	UNIT_CONTAINS("no cgroup hierarchy has the cpu controller", error.text);
	room.mounts.v2_cpu = room.mounts.v2_io = true;
	UNIT_EQUAL_TEXT("cgroup", server(&room, &plain, KNOB_CPU, &error));
	target = plain;
	target.manager = DOMAIN_LIBVIRT;
	UNIT_EQUAL_TEXT(NULL, server(&room, &target, KNOB_CPU, &error));
	UNIT_CONTAINS("UUID", error.text);
	strcpy(target.uuid, "6f1e0a6c-0001-4000-8000-000000000001");
	UNIT_EQUAL_TEXT("libvirt", server(&room, &target, KNOB_CPU, &error));
	UNIT_EQUAL_TEXT("libvirt", server(&room, &target, KNOB_DISK, &error));
	UNIT_EQUAL_TEXT(NULL, server(&room, &target, KNOB_PLACE, &error));
	UNIT_CONTAINS("libvirt chooses", error.text);
}

/* Nothing is there, and everything can be "set" and read back. */
static void test_dry_run(void)
{
	struct rootfs root;
	struct actuator_room room;
	struct text log = { 0 };
	struct verb verb = { .seq = 5, .kind = VERB_GET, .target = plain, .value.knob = KNOB_CPU };
	struct applied applied;
	struct error error;

	unit_write_file("dry/proc/version", "");
	UNIT_EQUAL_I64(0, rootfs_open(&root, unit_folder(), &error));
	UNIT_EQUAL_I64(0, actuator_room_open(&room, &root, true, &error));
	room.log = &log;
	verb_perform(&room, &verb, &applied);
	UNIT_EQUAL_I64(0, applied.result);
	UNIT_EQUAL_I64(-1, applied.value.cpu.quota_us);
	UNIT_TRUE(log.length == 0);
	verb.kind = VERB_SET;
	verb.value.cpu = (struct cpu_limit){ 5000, 20000 };
	for (unsigned i = 0; i < 2; i++) /* the second changes nothing */
		verb_perform(&room, &verb, &applied);
	UNIT_EQUAL_U64(5, applied.seq);
	UNIT_EQUAL_TEXT("null", applied.actuator);
	UNIT_TRUE(knob_value_equal(&verb.value, &applied.value));
	UNIT_EQUAL_TEXT("web: cpu: would be set to 5000/20000 us\n", log.bytes);
	verb.value = (struct knob_value){ .knob = KNOB_DISK, .disk.read_bytes_s = 77 };
	verb_perform(&room, &verb, &applied);
	UNIT_CONTAINS("web: disk vda: would be set to read 77 B/s\n", log.bytes);
	strcpy(verb.target.vdisk, "vdb");
	verb.kind = VERB_GET;
	verb_perform(&room, &verb, &applied);
	UNIT_EQUAL_U64(0, applied.value.disk.read_bytes_s);
	text_free(&log);
	actuator_room_close(&room);
	rootfs_close(&root);
}

static void test_ring(void)
{
	struct {
		struct {
			int number, other;
		} * items;
		size_t count, capacity, oldest;
	} ring = { .items = NULL };

	for (int i = 1; i <= 8; i++) {
		__typeof__(ring.items) item = RING_ADD(&ring, 3);

		UNIT_TRUE(item && item->number == 0 && item->other == 0);
		if (item)
			item->number = item->other = i;
		UNIT_EQUAL_U64(i < 3 ? i : 3, ring.count);
		for (int known = i > 3 ? i - 2 : 1; known <= i; known++)
			UNIT_EQUAL_I64(known, ring.items[(known - 1) % 3].number);
	}
	free(ring.items);
}

static struct verb good_verb(void)
{
	return (struct verb){ .kind = VERB_SET,
			      .target = plain,
			      .value = { .knob = KNOB_CPU, .cpu = { 5000, 20000 } } };
}

static void test_verbs_are_checked(void)
{
	struct error error = { "" };
	struct verb verb = good_verb();

	UNIT_EQUAL_I64(0, verb_check(&verb, &error));
	verb.kind = (enum verb_kind)9;
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
	verb = good_verb();
	memset(verb.target.name, 'x', sizeof verb.target.name);
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
	verb = good_verb();
	verb.target.leaf_count = TARGET_LEAVES + 1;
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
	verb = good_verb();
	verb.target.vcpus = 4097;
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
	UNIT_CONTAINS("4097 vCPUs: must be at most 4096", error.text);
	verb = good_verb();
	verb.target.pid = 0;
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
	verb = good_verb();
	strcpy(verb.target.cpu_cgroup, "/a/../../etc");
	UNIT_EQUAL_I64(-ERANGE, verb_check(&verb, &error));
	strcpy(verb.target.cpu_cgroup, "/");
	UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
}

static void test_uris_are_local(void)
{
	static const char *const good[] = { "", "qemu:///system", "test:///default",
					    "qemu+unix:///system?socket=/run/x" };
	static const char *const bad[] = { "qemu+ext:///system?command=/bin/sh",
					   "qemu+ssh://host/system",
					   "qemu://host/system",
					   "qemu:///system?command=/bin/sh",
					   "qemu+unix:///system?socket=/x&command=/bin/sh",
					   "/bin/sh" };
	struct error error = { "" };
	struct verb verb = good_verb();

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		strcpy(verb.target.uri, good[i]);
		UNIT_EQUAL_I64(0, verb_check(&verb, &error));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		strcpy(verb.target.uri, bad[i]);
		UNIT_EQUAL_I64(-EINVAL, verb_check(&verb, &error));
		UNIT_CONTAINS("no local libvirt", error.text);
	}
}

int main(void)
{
	return UNIT_RUN(
		"actuator-knobs", { "names go both ways", test_names },
		{ "values outside of kernel's and libvirt's bounds are refused", test_bounds },
		{ "paths that lead elsewhere are refused", test_paths },
		{ "weights survive the way through shares", test_shares },
		{ "values are equal when they have the same effect", test_equal },
		{ "a total goes where parts are limited, bursts where nothing is", test_usable },
		{ "each knob finds its actuator, or a reason", test_who_serves },
		{ "a dry run remembers, writes nothing, and says it once", test_dry_run },
		{ "of too many things the oldest is forgotten first", test_ring },
		{ "verbs that are none are refused", test_verbs_are_checked },
		{ "libvirt is only looked for on this host", test_uris_are_local });
}
