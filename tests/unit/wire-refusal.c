/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header of a recording, and lines that are refused, each by its field's name. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "wire/recording.h"

/* --- header ---------------------------------------------------------------- */

static struct recording_header example_header(void)
{
	static char program[] = "vmetop 0.1.0", host[] = "host\xff", kernel[] = "6.1.0",
		    path[] = "weights/x.weights", text[] = "# line 1\nkind = cpu\n",
		    why[] = "same CPU model", disk_text[] = "kind = disk\n";
	static struct recording_file disks[] = { { path, disk_text }, { path, text } };

	return (struct recording_header){
		.program = program,
		.hostname = host,
		.kernel = kernel,
		.started_s = 1700000000.123456,
		.interval_s = 0.1,
		.idle_policy = IDLE_SHARE,
		.events = { CPU_SOURCE_PERF, 2, { "skl::INST_RETIRED:ANY_P", "perf::CYCLES" } },
		.cpu_weights = { path, text },
		.cpu_weights_why = why,
		.disk_weights = disks,
		.disk_weights_count = 2,
		.nic_weights = disks,
		.nic_weights_count = 1,
	};
}

static void check_header(const struct recording_header *a, const struct recording_header *b)
{
	UNIT_EQUAL_TEXT(a->program, b->program);
	UNIT_EQUAL_TEXT(a->hostname, b->hostname);
	UNIT_EQUAL_TEXT(a->kernel, b->kernel);
	UNIT_EQUAL_DOUBLE(a->started_s, b->started_s, 0);
	UNIT_EQUAL_DOUBLE(a->interval_s, b->interval_s, 0);
	UNIT_EQUAL_I64(a->idle_policy, b->idle_policy);
	UNIT_EQUAL_I64(a->events.source, b->events.source);
	UNIT_EQUAL_U64(a->events.count, b->events.count);
	UNIT_EQUAL_TEXT(a->events.names[1], b->events.names[1]);
	UNIT_EQUAL_TEXT(a->cpu_weights.path, b->cpu_weights.path);
	UNIT_EQUAL_TEXT(a->cpu_weights.text, b->cpu_weights.text);
	UNIT_EQUAL_TEXT(a->cpu_weights_why, b->cpu_weights_why);
	UNIT_EQUAL_U64(a->disk_weights_count, b->disk_weights_count);
	UNIT_EQUAL_TEXT(a->disk_weights[1].text, b->disk_weights[1].text);
	UNIT_EQUAL_U64(a->nic_weights_count, b->nic_weights_count);
	UNIT_EQUAL_TEXT(a->nic_weights[0].text, b->nic_weights[0].text);
}

static void test_header(void)
{
	struct recording_header header = example_header();
	struct recording_line line;
	struct text out = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, recording_put_header(&header, &out, &error));
	UNIT_EQUAL_I64(0, recording_parse(out.bytes, out.length, NULL, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(RECORDING_HEADER, line.kind);
	check_header(&header, &line.header);
	recording_line_clear(&line);
	text_free(&out);
}

/* --- what is refused ------------------------------------------------------- */

#define HEADER(format, rest)                                                                       \
	"{\"kind\":\"header\",\"format\":" format ",\"started_s\":1,\"interval_s\":1,"             \
	"\"idle_policy\":\"vcpu\",\"source\":\"perf\"," rest "}"
#define CPU                                                                                        \
	"\"cpu\":{\"vendor\":\"\",\"model_name\":\"\",\"family\":0,\"model\":0,\"stepping\":0,"    \
	"\"cpus\":1,\"cores\":1,\"chips\":1,\"tsc_hz\":0}"
#define TOPOLOGY(rest)                                                                             \
	"{\"kind\":\"topology\",\"generation\":7,\"discovered_ns\":0," CPU "," rest "}"
#define DISK                                                                                       \
	"{\"name\":\"sda\",\"model\":\"\",\"major\":8,\"minor\":0,\"rotational\":false,\"size_"    \
	"bytes\":1}"
#define DOMAIN(id, rest)                                                                           \
	"{\"id\":\"" id "\",\"name\":\"n\",\"state\":\"running\",\"manager\":\"qemu\",\"pid\":1,"  \
	"\"start_ticks\":1,\"vcpus\":1,\"cpu_weight\":100" rest "}"
#define VDISK(leaves)                                                                              \
	"{\"name\":\"vda\",\"source\":\"\",\"backing\":\"local\",\"direct\":true,"                 \
	"\"leaves\":[" leaves "]}"
#define THREAD "[1,1,\"vcpu\",0,-1,true,\"CPU 0/KVM\"]"
#define TWO_DOMAINS                                                                                \
	TOPOLOGY("\"disks\":[" DISK "],\"domains\":[" DOMAIN(                                      \
		"a", ",\"threads\":[" THREAD "],"                                                  \
		     "\"vdisks\":[" VDISK("0") "]") "," DOMAIN("b", "") "]")
#define SAMPLE(generation, rest)                                                                   \
	"{\"kind\":\"sample\",\"seq\":0,\"generation\":" generation ",\"begin_ns\":5,"             \
	"\"end_ns\":6,\"realtime_ns\":1" rest "}"
#define READINGS(first, disks) SAMPLE("7", ",\"domains\":[" first ",{}],\"disks\":[" disks "]")

static const struct {
	const char *line, *text;
} refused[] = {
	{ "", "column" },
	{ "{\"kind\":\"sample\"", "column" },
	{ "[]", "record.kind: must be \"header\"" },
	{ "{\"kind\":\"Header\"}", "record.kind: must be \"header\"" },
	{ "{\"kind\":\"sample\",\"kind\":\"sample\"}", "duplicate" },
	{ HEADER("2", "\"events\":[\"e\"],\"cpu_weights\":{}"), "header.format: must be 1..1" },
	{ HEADER("1", "\"events\":[],\"cpu_weights\":{}"), "header.events: has 0 elements" },
	{ HEADER("1", "\"events\":[1],\"cpu_weights\":{}"), "header.events[0]: must be a string" },
	{ HEADER("1", "\"events\":[\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"\"]"),
	  "header.events: has 9 elements: must be 0..8" },
	{ HEADER("1", "\"events\":[\"e\"]"), "header.cpu_weights: missing (an object)" },
	{ HEADER("1", "\"events\":[\"e\"],\"cpu_weights\":{\"text\":{\"hex\":\"0061\"}}"),
	  "header.cpu_weights.text.hex: '00' is no byte" },
	{ HEADER("1", "\"events\":[\"e\"],\"cpu_weights\":{\"text\":{\"hex\":\"fff\"}}"),
	  "even number" },
	{ HEADER("1", "\"events\":[\"e\"],\"cpu_weights\":{\"text\":\"a\\u0000b\"}"), "column" },
	{ TOPOLOGY("\"disks\":{}"), "topology.disks: must be an array" },
	{ TOPOLOGY("\"domains\":[" DOMAIN("a", ",\"vdisks\":[" VDISK("0") "]") "]"),
	  "domains[0]: vdisks[0]: leaves[0]: 0 is none of 0 disks" },
	{ TOPOLOGY("\"domains\":[" DOMAIN("a", "") "," DOMAIN("a", "") "]"),
	  "topology: domains: two have the id 'a'" },
	{ TOPOLOGY("\"domains\":[" DOMAIN("a", ",\"uuid\":3") "]"),
	  "topology.domains[0].uuid: must be a string" },
	{ TOPOLOGY("\"domains\":[" DOMAIN("a", ",\"threads\":[[1,1,\"cpu\"]]") "]"),
	  "topology.domains[0].threads[0].role: 'cpu' is no word known here" },
	{ TOPOLOGY("\"domains\":[" DOMAIN("a", ",\"threads\":[[1,1,\"vcpu\",-3]]") "]"),
	  "topology.domains[0].threads[0].vcpu: must be -2..2147483647" },
	{ TOPOLOGY("\"attachments\":[{\"client\":\"vdisk\",\"domain\":0,\"vdisk\":0}]"),
	  "topology.attachments[0].provider: missing: must be 0..100000" },
	{ SAMPLE("8", ""), "sample.generation: 8, but the topology before it is 7" },
	{ SAMPLE("7.0", ""), "sample.generation: must be 0..9223372036854775807" },
	{ SAMPLE("7", ",\"disks\":[null]"), "sample.domains: missing (an array)" },
	{ SAMPLE("7", ",\"domains\":[{}]"), "sample.domains: has 1 elements: the topology has 2" },
	{ READINGS("{\"threads\":[[-1,0]]}", "null"),
	  "sample.domains[0].threads[0].at_ns: must be 0..9223372036854775807" },
	{ READINGS("{\"threads\":[[9223372036854775808,0]]}", "null"), "too big integer" },
	{ READINGS("{\"threads\":[[1,256]]}", "null"),
	  "sample.domains[0].threads[0].quality: must be 0..255" },
	{ READINGS("{\"threads\":[[1,0,0,0,0,0,0,0,0,0,0]]}", "null"),
	  "sample.domains[0].threads[0]: has 11 elements: must be 0..10" },
	{ READINGS("{\"threads\":[null],\"vdisks\":[[1,0,1]]}", "null"),
	  "sample.domains[0].vdisks[0].write_bytes: missing: must be" },
	{ READINGS("{\"threads\":[null],\"vdisks\":[null]}", "[1,0,1,1,1]"),
	  "sample.disks[0].write_requests: missing" },
	{ READINGS("{}", "null"), "sample.domains[0].threads: missing (an array)" },
	{ READINGS("{\"source\":\"guess\"}", "null"), "sample.domains[0].source: 'guess'" },
	{ READINGS("{\"threads\":[null],\"vdisks\":[null]}",
		   "null],\"issued\":[{\"domain\":2,\"disk\":-1}"),
	  "sample.issued[0].domain: must be 0..1" },
	{ READINGS("{\"threads\":[null],\"vdisks\":[null]}",
		   "null],\"issued\":[{\"domain\":1,\"disk\":1}"),
	  "sample.issued[0].disk: must be -1..0" },
};

static void test_refused(void)
{
	struct recording_line line, two = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, recording_parse(TWO_DOMAINS, strlen(TWO_DOMAINS), NULL, &two, &error));
	UNIT_EQUAL_TEXT("", error.text);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		error.text[0] = '\0';
		UNIT_EQUAL_I64(-EINVAL, recording_parse(refused[i].line, strlen(refused[i].line),
							two.topology, &line, &error));
		UNIT_CONTAINS(refused[i].text, error.text);
	}
	UNIT_EQUAL_I64(-EINVAL, recording_parse(SAMPLE("7", ""), strlen(SAMPLE("7", "")), NULL,
						&line, &error));
	UNIT_EQUAL_TEXT("sample: stands before any topology", error.text);
	recording_line_clear(&two);
}

/* Later versions only add optional fields, and elements behind the known ones. */
static void test_later_versions(void)
{
	static const char sample[] = READINGS("{\"total\":[3,1,7],\"later\":{},\"threads\":[null],"
					      "\"vdisks\":[[9,0,1,2,3,4,5,6]]}",
					      "null");
	static const char with_more[] = TOPOLOGY("\"later\":[1,{\"x\":null}],\"domains\":[" DOMAIN(
		"a", ",\"later\":1,\"uuid\":null,"
		     "\"threads\":[[1,1,\"vcpu\",0,-1,true,\"x\",\"later\"]]") "]");
	struct recording_line line, two = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, recording_parse(TWO_DOMAINS, strlen(TWO_DOMAINS), NULL, &two, &error));
	UNIT_EQUAL_I64(0, recording_parse(sample, strlen(sample), two.topology, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(3, line.sample.domains[0].total.at_ns);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, line.sample.domains[0].total.quality);
	UNIT_EQUAL_U64(7, line.sample.domains[0].total.count[0]);
	UNIT_EQUAL_U64(0, line.sample.domains[0].total.count[1]);
	UNIT_EQUAL_U64(0, line.sample.domains[0].threads[0].at_ns);
	UNIT_TRUE(line.sample.domains[0].vdisks[0].has_requests);
	UNIT_EQUAL_U64(4, line.sample.domains[0].vdisks[0].write_requests);
	recording_line_clear(&line);
	UNIT_EQUAL_I64(0, recording_parse(with_more, strlen(with_more), NULL, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_TRUE(line.topology && line.topology->domains[0].uuid == NULL);
	recording_line_clear(&line);
	recording_line_clear(&two);
}

/* Every way to cut a line short is refused, and frees what it had. */
static void test_cut_lines(void)
{
	struct recording_line line;

	for (size_t i = 0; i < strlen(TWO_DOMAINS); i++)
		UNIT_EQUAL_I64(-EINVAL, recording_parse(TWO_DOMAINS, i, NULL, &line, NULL));
}

static void test_too_long(void)
{
	struct text out = { 0 };
	struct recording_line line;
	struct error error = { "" };

	text_add(&out, "{\"kind\":\"topology\",\"generation\":7,\"discovered_ns\":0," CPU
		       ",\"notes\":[\"");
	for (size_t i = 0; i < 65537; i++)
		text_add(&out, "n");
	text_add(&out, "\"]}");
	UNIT_EQUAL_I64(-EINVAL, recording_parse(out.bytes, out.length, NULL, &line, &error));
	UNIT_EQUAL_TEXT("topology.notes[0]: 65537 bytes: must be 0..65536", error.text);
	text_free(&out);
}

int main(void)
{
	return UNIT_RUN("wire-refusal", { "the header reads back as it was", test_header },
			{ "refusals name the field and its bounds", test_refused },
			{ "unknown fields and further elements are ignored", test_later_versions },
			{ "a cut line is refused", test_cut_lines },
			{ "texts are bounded", test_too_long });
}
