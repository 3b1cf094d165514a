/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event line of a snapshot: written, read, and written again. */
#include "tests/unit/protocol-scene.h"

#include <errno.h>

#include "wire/wire.h"

static const struct protocol_about no_about = { .interval_s = NAN };

static void put(const struct snapshot *snapshot, const struct protocol_about *about,
		struct text *line)
{
	struct error error = { "" };

	text_reset(line);
	UNIT_EQUAL_I64(0, protocol_put_snapshot(snapshot, about, line, &error));
	UNIT_EQUAL_TEXT("", error.text);
}

static struct protocol_about some_about(void)
{
	static char *notes[] = { NULL, NULL };

	notes[0] = unit_literal("libvirt: not asked");
	notes[1] = unit_literal("\xff");
	return (struct protocol_about){
		.hostname = unit_literal("h\xc3\xb6st"),
		.version = unit_literal("1"),
		.weights_why = unit_literal("the newest"),
		.frequency = unit_literal("cpufreq"),
		.verdict = VERDICT_USABLE,
		.interval_s = 0.25,
		.notes = notes,
		.note_count = 2,
	};
}

static void check_about(const struct protocol_about *about)
{
	UNIT_EQUAL_TEXT("h\xc3\xb6st", about->hostname);
	UNIT_EQUAL_TEXT("1", about->version);
	UNIT_EQUAL_TEXT("the newest", about->weights_why);
	UNIT_EQUAL_TEXT("cpufreq", about->frequency);
	UNIT_TRUE(!about->counting && !about->service_times && !about->why_not_events);
	UNIT_EQUAL_I64(VERDICT_USABLE, about->verdict);
	UNIT_EQUAL_DOUBLE(0.25, about->interval_s, 0);
	UNIT_EQUAL_U64(2, about->note_count);
	UNIT_EQUAL_TEXT("libvirt: not asked", about->notes[0]);
	UNIT_EQUAL_TEXT("\xef\xbf\xbd", about->notes[1]);
}

static void test_round_trip(void)
{
	struct protocol_about about = some_about();
	struct snapshot made = { 0 }, read = { 0 };
	struct text line = { 0 }, again = { 0 };

	for (unsigned round = 0; round < unit_rounds(300); round++) {
		struct scene scene = { .seed = 1000 + round, .snapshot = &made, .most = round % 6 };
		struct protocol_message message;
		struct error error = { "" };

		scene_fill(&scene);
		put(&made, &about, &line);
		UNIT_EQUAL_I64(0, protocol_parse_message(line.bytes, line.length, &message, &read,
							 &error));
		UNIT_EQUAL_TEXT("", error.text);
		UNIT_EQUAL_I64(PROTOCOL_SNAPSHOT, message.kind);
		if (!scene_same_snapshot(&made, &read)) {
			fprintf(stderr, "seed %u: %s", 1000 + round, line.bytes);
			UNIT_TRUE(false);
		}
		check_about(&message.about);
		put(&read, &message.about, &again);
		UNIT_EQUAL_TEXT(line.bytes, again.bytes);
		protocol_message_clear(&message);
	}
	snapshot_clear(&made);
	snapshot_clear(&read);
	text_free(&line);
	text_free(&again);
}

static void test_contract_inside(void)
{
	struct snapshot made = { 0 };
	struct scene scene = { .seed = 5, .snapshot = &made, .most = 4 };
	struct text line = { 0 }, contract = { 0 };
	const char *head = "{\"format\":1,\"event\":\"snapshot\",\"snapshot\":";

	scene_fill(&scene);
	text_add(&line, "before\n");
	UNIT_EQUAL_I64(0, protocol_put_snapshot(&made, &no_about, &line, NULL));
	UNIT_EQUAL_I64(0, snapshot_json(&made, &contract, NULL));
	contract.bytes[contract.length - 1] = '\0';
	UNIT_CONTAINS(contract.bytes, line.bytes);
	UNIT_EQUAL_I64(0, strncmp("before\n", line.bytes, 7));
	UNIT_EQUAL_I64(0, strncmp(head, line.bytes + 7, strlen(head)));
	UNIT_EQUAL_I64(0,
		       strncmp(contract.bytes, line.bytes + 7 + strlen(head), contract.length - 1));
	UNIT_TRUE(strchr(line.bytes + 7, '\n') == line.bytes + line.length - 1);
	text_free(&line);
	text_free(&contract);
	snapshot_clear(&made);
}

static void test_counter_too_large(void)
{
	struct snapshot made = { 0 };
	struct text line = { 0 };
	struct error error = { "" };

	text_add(&line, "before\n");
	made.missed_ticks = UINT64_MAX;
	UNIT_EQUAL_I64(-EINVAL, protocol_put_snapshot(&made, &no_about, &line, &error));
	UNIT_CONTAINS("missed_ticks: 18446744073709551615 is above", error.text);
	UNIT_EQUAL_TEXT("before\n", line.bytes);
	made = (struct snapshot){ .seq = UINT64_MAX };
	UNIT_EQUAL_I64(-EINVAL, protocol_put_snapshot(&made, &no_about, &line, &error));
	UNIT_EQUAL_TEXT("before\n", line.bytes);
	text_free(&line);
}

/* --- lines that are wrong ------------------------------------------------------- */

static int parse(const char *line, struct error *error)
{
	struct snapshot read = { .seq = 7 }; /* untouched by what is no snapshot */
	struct protocol_message message;
	int result;

	result = protocol_parse_message(line, strlen(line), &message, &read, error);
	if (result == 0)
		protocol_message_clear(&message);
	else
		UNIT_TRUE((read.seq == 0 || read.seq == 7) && read.domain_count == 0);
	snapshot_clear(&read);
	return result;
}

/* A good line with the first `from` replaced. */
static char *damaged(const char *line, const char *from, const char *to)
{
	const char *at = strstr(line, from);
	struct text out = { 0 };

	if (!at) {
		fprintf(stderr, "%s: not in %s", from, line);
		abort();
	}
	text_add_bytes(&out, line, (size_t)(at - line));
	text_add(&out, to);
	text_add(&out, at + strlen(from));
	return out.bytes;
}

static const struct {
	const char *from, *to, *says;
} damages[] = {
	{ "\"snapshot\":{\"format\":1", "\"snapshot\":{\"format\":2",
	  "snapshot.format: must be 1..1" },
	{ "\"seq\":3", "\"seq\":-1", "snapshot.seq: must be 0.." },
	{ "\"seq\":3", "\"seq\":3.5", "snapshot.seq: must be 0.." },
	{ "\"seq\":3,", "", "snapshot.seq: missing" },
	{ "\"running\"", "\"flying\"",
	  "snapshot.domains[0].state: 'flying' is no word known here" },
	{ "\"id\":\"d-1\"", "\"id\":null", "snapshot.domains[0].id: must be a string" },
	{ "\"id\":\"d-1\",", "", "snapshot.domains[0].id: missing (a string)" },
	{ "\"total_w\":1.0", "\"total_w\":\"1\"", "snapshot.domains[0].total_w: must be a number" },
	{ "[\"skew\"]", "[\"skewed\"]", "snapshot.domains[0].quality[0]: 'skewed'" },
	{ "\"cpu\":{\"idle_w\"", "\"cpu\":[],\"x\":{\"idle_w\"", "cpu: must be an object" },
	{ "\"vdisks\":[{\"reason\":null}]", "\"vdisks\":[]",
	  "more.domains[0].vdisks: has 0 elements: must be 1" },
	{ "\"domains\":[{\"cpu_percent\"", "\"domains\":[{},{\"cpu_percent\"",
	  "more.domains: has 2 elements: must be 1" },
	{ "\"more\":", "\"less\":", "more: missing (an object)" },
	{ "\"about\":", "\"around\":", "more.about: missing (an object)" },
	{ "\"verdict\":\"none\"", "\"verdict\":\"fine\"", "more.about.verdict: 'fine'" },
	{ "\"missed_ticks\":0", "\"missed_ticks\":1e400", "not a line of JSON" },
	{ "\"format\":1,\"event\"", "\"format\":2,\"event\"", "format: must be 1..1" },
	{ "\"format\":1,\"event\"", "\"event\"", "format: missing" },
};

static void one_domain(struct snapshot *snapshot, struct snapshot_domain *domain,
		       struct snapshot_vdisk *vdisk)
{
	*vdisk = (struct snapshot_vdisk){ .name = unit_literal("vda") };
	*domain = (struct snapshot_domain){
		.id = unit_literal("d-1"),
		.name = unit_literal("one"),
		.quality = QUALITY_SKEW,
		.total_w = 1,
		.vdisks = vdisk,
		.vdisk_count = 1,
	};
	*snapshot = (struct snapshot){ .seq = 3, .domains = domain, .domain_count = 1 };
	snapshot->host.total_w = NAN;
}

static void test_damages(void)
{
	struct protocol_about about = some_about();
	struct snapshot_domain domain;
	struct snapshot_vdisk vdisk;
	struct snapshot snapshot;
	struct text line = { 0 };

	one_domain(&snapshot, &domain, &vdisk);
	about.verdict = VERDICT_NONE;
	put(&snapshot, &about, &line);
	UNIT_EQUAL_I64(0, parse(line.bytes, NULL));
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		char *wrong = damaged(line.bytes, damages[i].from, damages[i].to);
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, parse(wrong, &error));
		UNIT_CONTAINS(damages[i].says, error.text);
		free(wrong);
	}
	text_free(&line);
}

static void test_later_members(void)
{
	struct protocol_about about = some_about();
	struct snapshot_domain domain;
	struct snapshot_vdisk vdisk;
	struct snapshot snapshot;
	struct text line = { 0 };
	char *later, *latest;

	one_domain(&snapshot, &domain, &vdisk);
	put(&snapshot, &about, &line);
	later = damaged(line.bytes, "\"id\":\"d-1\"", "\"carbon_g\":{\"a\":[1]},\"id\":\"d-1\"");
	latest = damaged(later, "\"about\":{", "\"news\":null,\"about\":{\"mood\":\"good\",");
	UNIT_EQUAL_I64(0, parse(latest, NULL));
	free(latest);
	free(later);
	text_free(&line);
}

/* As a daemon wrote it that knew nothing of network cards. */
static void test_earlier_versions(void)
{
	static const char *const later[] = {
		",\"net\":{\"idle_w\":0.0,\"active_w\":0.0,\"idle_j\":0.0,\"active_j\":0.0}",
		",\"vnics\":[]",
		",\"vnics\":[]",
		"\"net_idle_w\":0.0,\"net_active_w\":0.0,",
		"\"net_idle_j\":0.0,\"net_active_j\":0.0,",
	};
	struct protocol_about about = some_about();
	struct snapshot_domain domain;
	struct snapshot_vdisk vdisk;
	struct snapshot snapshot, read = { 0 };
	struct protocol_message message;
	struct error error = { "" };
	struct text line = { 0 };
	char *earlier;

	one_domain(&snapshot, &domain, &vdisk);
	put(&snapshot, &about, &line);
	earlier = line.bytes;
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		char *shorter = damaged(earlier, later[i], "");

		free(earlier);
		earlier = shorter;
	}
	UNIT_EQUAL_I64(0,
		       protocol_parse_message(earlier, strlen(earlier), &message, &read, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(1, read.domain_count);
	UNIT_EQUAL_DOUBLE(NAN, read.domain_count ? read.domains[0].net.idle_w : 0, 0);
	UNIT_EQUAL_DOUBLE(NAN, read.domain_count ? read.domains[0].net.active_j : 0, 0);
	UNIT_EQUAL_U64(0, read.domain_count ? read.domains[0].vnic_count : 1);
	UNIT_EQUAL_DOUBLE(NAN, read.host.net_idle_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, read.host.net_active_j, 0);
	protocol_message_clear(&message);
	snapshot_clear(&read);
	free(earlier);
}

static void test_cuts(void)
{
	struct protocol_about about = some_about();
	struct snapshot_domain domain;
	struct snapshot_vdisk vdisk;
	struct snapshot snapshot;
	struct text line = { 0 };

	one_domain(&snapshot, &domain, &vdisk);
	put(&snapshot, &about, &line);
	for (size_t length = line.length - 2; length > 0; length -= 1 + length / 40) {
		struct error error = { "" };

		line.bytes[length] = '\0';
		UNIT_EQUAL_I64(-EINVAL, parse(line.bytes, &error));
		UNIT_CONTAINS("not a line of JSON", error.text);
	}
	text_free(&line);
}

/* Filled again and again, it takes no more memory than the largest needed. */
static void test_memory_is_used_again(void)
{
	struct protocol_about about = some_about();
	struct snapshot made = { 0 }, read = { 0 };
	struct scene scene = { .seed = 12, .snapshot = &made, .most = 12 };
	struct text line = { 0 };
	struct snapshot_block *block = NULL;

	scene_fill(&scene);
	put(&made, &about, &line);
	for (unsigned i = 0; i < 5; i++) {
		struct protocol_message message;

		UNIT_EQUAL_I64(
			0, protocol_parse_message(line.bytes, line.length, &message, &read, NULL));
		protocol_message_clear(&message);
		if (i >= 2)
			UNIT_TRUE(read.memory == block);
		block = read.memory;
	}
	snapshot_clear(&made);
	snapshot_clear(&read);
	text_free(&line);
}

int main(void)
{
	return UNIT_RUN(
		"snapshot-parse",
		{ "what is written is read: every field, any names, NaN, NULL", test_round_trip },
		{ "the line holds the contract's object as it is printed", test_contract_inside },
		{ "counters above 2^63-1 are refused, the text stays", test_counter_too_large },
		{ "what is wrong is named with its path, and no part of it is left", test_damages },
		{ "members of later versions are passed over", test_later_members },
		{ "what earlier versions did not know is unknown", test_earlier_versions },
		{ "a line that was cut is no line", test_cuts },
		{ "memory is used again", test_memory_is_used_again });
}
