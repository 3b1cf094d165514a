/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON contract and the CSV table of snapshots. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/utf8.h"
#include "wire/wire.h"

/* --- a snapshot whose texts live in this file ------------------------------ */

static char name_a[] = "web 1", name_b[] = "a,\"b\"\n\xff", id_a[] = "u-1", id_b[] = "qemu:7:8";
static char uuid[] = "u-1", owner[] = "alice", weights[] = "x.weights", kept_name[] = "rest";
static char vda[] = "vda", sda[] = "sda", why[] = "no meter", daemon_name[] = "storage";
static char not_seen[] = "PID 7: permission denied";

static struct snapshot_vcpu vcpus[] = { { 0, 42, 3.5, 87.5 }, { VCPU_ALL, 43, NAN, NAN } };
static struct snapshot_vdisk vdisks[] = { { .name = vda,
					    .disk = sda,
					    .idle_w = 1,
					    .active_w = 0.1,
					    .service_idle_w = 0,
					    .service_active_w = 0.25,
					    .read_bytes = 4096,
					    .write_bytes = 0.5,
					    .requests = NAN } };
static char vnet[] = "vnet0", eth[] = "eth0";
static struct snapshot_vnic vnics[] = {
	{ vnet, eth, NULL, 0.5, 0.25, 0.125, 1500, 3000, 3 },
};
static char *clients[] = { id_a };
static struct snapshot_kept kept[] = { { kept_name, 1, 2 } };
static struct snapshot_service services[] = { { daemon_name, 9, 1, 0.25, clients, 1, 0.5, 0.25,
						NAN } };

#define UNSET                                                                                      \
	{                                                                                          \
		NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN                                        \
	}

static struct snapshot_domain domains[] = {
	{ .id = id_a,
	  .name = name_a,
	  .uuid = uuid,
	  .owner = owner,
	  .state = DOMAIN_RUNNING,
	  .quality = QUALITY_ESTIMATE | QUALITY_GAP,
	  .cpu = { 5, 3.5, 50, 35 },
	  .disk = { 1, 0.1, 10, 1 },
	  .service = { 0, 0.25, 0, 2.5 },
	  .net = { 0.5, 0.25, 5, 2.5 },
	  .total_w = 9.85,
	  .total_j = 98.5,
	  .error_w = NAN,
	  .cpu_percent = 87.5,
	  .control = { .cap_w = 20, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN },
	  .throttle_cpu = 0.1,
	  .throttle_disk = NAN,
	  .vcpus = vcpus,
	  .vcpu_count = 2,
	  .vdisks = vdisks,
	  .vdisk_count = 1,
	  .vnics = vnics,
	  .vnic_count = 1 },
	{ .id = id_b,
	  .name = name_b,
	  .reason = not_seen,
	  .state = DOMAIN_ENDED,
	  .cpu = { NAN, NAN, 1, 2 },
	  .disk = { NAN, NAN, 0, 0 },
	  .service = { NAN, NAN, 0, 0 },
	  .net = { NAN, NAN, 0, 0 },
	  .total_w = NAN,
	  .total_j = 3,
	  .error_w = NAN,
	  .cpu_percent = NAN,
	  .control = UNSET,
	  .throttle_cpu = NAN,
	  .throttle_disk = NAN },
};

static struct snapshot example(void)
{
	return (struct snapshot){
		.seq = 3,
		.epoch = 1,
		.time_s = 1700000000.25,
		.interval_s = 1,
		.since_s = 1699999990,
		.idle_policy = IDLE_VCPU,
		.source = { CPU_SOURCE_CPUTIME, STANDING_ESTIMATE, weights, SCOPE_WALL, NULL },
		.host = { .total_w = 12.85,
			  .total_j = 128.5,
			  .cpu_idle_w = 6,
			  .cpu_active_w = 5.75,
			  .disk_idle_w = 1,
			  .disk_active_w = 0.1,
			  .cpu_idle_j = 60,
			  .cpu_active_j = 57.5,
			  .disk_idle_j = 10,
			  .disk_active_j = 1,
			  .net_idle_w = 2,
			  .net_active_w = NAN,
			  .net_idle_j = 20,
			  .net_active_j = 3,
			  .kept_w = 3,
			  .kept_j = 27,
			  .metered_w = NAN,
			  .residual_w = NAN,
			  .residual_reason = why,
			  .cap_w = NAN,
			  .temperature_c = NAN,
			  .quality = QUALITY_SKEW },
		.kept = kept,
		.kept_count = 1,
		.domains = domains,
		.domain_count = 2,
		.services = services,
		.service_count = 1,
	};
}

/* --- JSON ------------------------------------------------------------------ */

static const char expected_json[] =
	"{\"format\":1,\"seq\":3,\"epoch\":1,\"time\":1700000000.25,\"interval_s\":1.0,"
	"\"since\":1699999990.0,\"idle_policy\":\"vcpu\","
	"\"source\":{\"cpu\":\"cputime\",\"standing\":\"estimate\",\"weights\":\"x.weights\","
	"\"scope\":\"wall\",\"meter\":null},"
	"\"host\":{\"total_w\":12.85,\"total_j\":128.5,\"cpu_idle_w\":6.0,\"cpu_active_w\":5.75,"
	"\"disk_idle_w\":1.0,\"disk_active_w\":0.1,\"net_idle_w\":2.0,\"net_active_w\":null,"
	"\"kept_w\":3.0,"
	"\"kept\":[{\"name\":\"rest\",\"idle_w\":1.0,\"active_w\":2.0}],"
	"\"metered_w\":null,\"residual_w\":null,\"residual_reason\":\"no meter\",\"cap_w\":null,"
	"\"temperature_c\":null,\"quality\":[\"skew\"]},"
	"\"domains\":[{\"id\":\"u-1\",\"name\":\"web 1\",\"uuid\":\"u-1\",\"owner\":\"alice\","
	"\"state\":\"running\",\"reason\":null,\"quality\":[\"estimate\",\"gap\"],"
	"\"cpu\":{\"idle_w\":5.0,\"active_w\":3.5,\"idle_j\":50.0,\"active_j\":35.0},"
	"\"disk\":{\"idle_w\":1.0,\"active_w\":0.1,\"idle_j\":10.0,\"active_j\":1.0},"
	"\"service\":{\"idle_w\":0.0,\"active_w\":0.25,\"idle_j\":0.0,\"active_j\":2.5},"
	"\"net\":{\"idle_w\":0.5,\"active_w\":0.25,\"idle_j\":5.0,\"active_j\":2.5},"
	"\"total_w\":9.85,\"total_j\":98.5,\"error_w\":null,"
	"\"control\":{\"cap_w\":20.0,\"cap_total_w\":null,\"cpu_cap_w\":null,\"disk_cap_w\":null,"
	"\"floor_w\":null,\"share\":null,\"stride\":null,\"headroom_w\":null,\"infeasible_w\":null}"
	","
	"\"throttle\":{\"cpu\":0.1,\"disk\":null},"
	"\"vcpus\":[{\"id\":0,\"tid\":42,\"active_w\":3.5,\"cpu_percent\":87.5},"
	"{\"id\":null,\"tid\":43,\"active_w\":null,\"cpu_percent\":null}],"
	"\"vdisks\":[{\"name\":\"vda\",\"disk\":\"sda\",\"idle_w\":1.0,\"active_w\":0.1,"
	"\"service_idle_w\":0.0,\"service_active_w\":0.25,\"read_bytes\":4096,\"write_bytes\":0.5,"
	"\"requests\":null}],"
	"\"vnics\":[{\"name\":\"vnet0\",\"nic\":\"eth0\",\"idle_w\":0.5,\"active_w\":0.25,"
	"\"service_active_w\":0.125,\"rx_bytes\":1500,\"tx_bytes\":3000,\"packets\":3}]},"
	"{\"id\":\"qemu:7:8\",\"name\":\"a,\\\"b\\\"\\n\xef\xbf\xbd\",\"uuid\":null,\"owner\":null,"
	"\"state\":\"ended\",\"reason\":\"PID 7: permission denied\",\"quality\":[],"
	"\"cpu\":{\"idle_w\":null,\"active_w\":null,\"idle_j\":1.0,\"active_j\":2.0},"
	"\"disk\":{\"idle_w\":null,\"active_w\":null,\"idle_j\":0.0,\"active_j\":0.0},"
	"\"service\":{\"idle_w\":null,\"active_w\":null,\"idle_j\":0.0,\"active_j\":0.0},"
	"\"net\":{\"idle_w\":null,\"active_w\":null,\"idle_j\":0.0,\"active_j\":0.0},"
	"\"total_w\":null,\"total_j\":3.0,\"error_w\":null,"
	"\"control\":{\"cap_w\":null,\"cap_total_w\":null,\"cpu_cap_w\":null,\"disk_cap_w\":null,"
	"\"floor_w\":null,\"share\":null,\"stride\":null,\"headroom_w\":null,\"infeasible_w\":null}"
	","
	"\"throttle\":{\"cpu\":null,\"disk\":null},\"vcpus\":[],\"vdisks\":[],"
	"\"vnics\":[]}],"
	"\"services\":[{\"name\":\"storage\",\"pid\":9,\"idle_w\":1.0,\"active_w\":0.25,"
	"\"clients\":[\"u-1\"],\"request_j\":0.5,\"byte_j\":0.25,\"base_w\":null}]}\n";

static void test_json(void)
{
	struct snapshot snapshot = example();
	struct text out = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, &error));
	UNIT_EQUAL_TEXT(expected_json, out.bytes);
	UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, &error)); /* appends */
	UNIT_EQUAL_U64(2 * strlen(expected_json), out.length);
	UNIT_EQUAL_TEXT(expected_json, out.bytes + strlen(expected_json));
	text_free(&out);
}

static void test_json_empty(void)
{
	struct snapshot snapshot = { 0 };
	struct text out = { 0 };
	json_t *value;

	UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, NULL));
	value = json_loads(out.bytes, 0, NULL);
	UNIT_TRUE(json_is_object(value));
	UNIT_TRUE(json_is_null(json_object_get(json_object_get(value, "source"), "weights")));
	UNIT_EQUAL_U64(0, json_array_size(json_object_get(value, "domains")));
	json_decref(value);
	text_free(&out);
}

static void test_json_bounds(void)
{
	struct snapshot snapshot = example();
	struct text out = { 0 };
	struct error error = { "" };

	text_add(&out, "before\n");
	snapshot.seq = (uint64_t)INT64_MAX + 1;
	UNIT_EQUAL_I64(-EINVAL, snapshot_json(&snapshot, &out, &error));
	UNIT_EQUAL_TEXT("seq: 9223372036854775808 is above 9223372036854775807", error.text);
	UNIT_EQUAL_TEXT("before\n", out.bytes);
	snapshot.seq = INT64_MAX;
	snapshot.host.total_w = INFINITY;
	snapshot.host.total_j = 1e300;
	UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, &error));
	UNIT_CONTAINS("\"seq\":9223372036854775807,", out.bytes);
	UNIT_CONTAINS("\"total_w\":null,\"total_j\":1e300,", out.bytes);
	text_free(&out);
}

/* Sums must hold for a reader of the text, too. */
static void test_json_precision(void)
{
	uint64_t seed = 20240229;
	struct snapshot snapshot = example();

	for (unsigned i = 0; i < 200; i++) {
		double figure = unit_random_double(&seed, 0, 1) * pow(10, i % 16);
		struct text out = { 0 };
		json_t *value, *host;

		snapshot.host.total_j = figure;
		UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, NULL));
		value = json_loads(out.bytes, 0, NULL);
		host = json_object_get(value, "host");
		UNIT_EQUAL_DOUBLE(1.0, json_real_value(json_object_get(host, "total_j")) / figure,
				  1e-14);
		json_decref(value);
		text_free(&out);
	}
}

/* --- UTF-8 ----------------------------------------------------------------- */

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *bytes, *replaced; /* NULL: valid as it is */
} texts[] = {
	{ "", NULL },
	{ "plain \x01\n\x7f", NULL },
	{ "\xc3\xa9\xe6\xbc\xa2\xe5\xad\x97 e\xcc\x81 \xf0\x9f\x98\x80", NULL },
	{ "\xf4\x8f\xbf\xbf\xef\xbf\xbf\xed\x9f\xbf", NULL },
	{ "\xff", BAD },
	{ "a\x80z", "a" BAD "z" },
	{ "\xc0\xaf", BAD BAD },                 /* overlong '/' */
	{ "\xe0\x80\xaf", BAD BAD BAD },         /* overlong */
	{ "\xed\xa0\x80", BAD BAD BAD },         /* a surrogate */
	{ "\xf4\x90\x80\x80", BAD BAD BAD BAD }, /* above U+10FFFF */
	{ "\xe6\xbc", BAD BAD },                 /* cut */
	{ "\xe6\xbcz\xc3", BAD BAD "z" BAD },
};

static void test_utf8(void)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		const char *expected = texts[i].replaced ? texts[i].replaced : texts[i].bytes;
		struct text out = { 0 };

		UNIT_TRUE(utf8_valid(texts[i].bytes) == !texts[i].replaced);
		text_add(&out, "");
		utf8_add(&out, texts[i].bytes);
		UNIT_EQUAL_TEXT(expected, out.bytes);
		UNIT_TRUE(utf8_valid(out.bytes));
		text_free(&out);
	}
}

/* Ours must call valid exactly what the JSON library takes. */
static void test_utf8_agrees(void)
{
	static const unsigned char alphabet[] = { 'a',  0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2,
						  0xe0, 0xe6, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff };
	uint64_t seed = 77;

	for (unsigned i = 0; i < 20000; i++) {
		char bytes[7] = "";
		json_t *value;

		for (size_t j = 0; j < sizeof bytes - 1; j++)
			bytes[j] = (char)alphabet[unit_random(&seed) % sizeof alphabet];
		value = json_string(bytes);
		UNIT_TRUE(utf8_valid(bytes) == (value != NULL));
		json_decref(value);
	}
}

static void test_names(void)
{
	uint64_t seed = 4711;
	struct snapshot_domain domain = domains[0];
	struct snapshot snapshot = example();
	char name[65];

	domain.name = name;
	snapshot.domains = &domain;
	snapshot.domain_count = 1;
	for (unsigned i = 0; i < 500; i++) {
		struct text out = { 0 };
		json_t *value;

		for (size_t j = 0; j < sizeof name - 1; j++)
			name[j] = (char)(1 + unit_random(&seed) % 255);
		name[unit_random(&seed) % sizeof name] = '\0';
		name[sizeof name - 1] = '\0';
		UNIT_EQUAL_I64(0, snapshot_json(&snapshot, &out, NULL));
		UNIT_TRUE(strchr(out.bytes, '\n') == out.bytes + out.length - 1);
		value = json_loads(out.bytes, 0, NULL);
		UNIT_TRUE(value != NULL);
		json_decref(value);
		text_free(&out);
	}
}

/* --- CSV ------------------------------------------------------------------- */

static const char expected_csv[] =
	"time,seq,interval_s,kind,id,name,uuid,owner,state,"
	"cpu_idle_w,cpu_active_w,disk_idle_w,disk_active_w,service_idle_w,service_active_w,"
	"total_w,error_w,"
	"cpu_idle_j,cpu_active_j,disk_idle_j,disk_active_j,service_idle_j,service_active_j,"
	"total_j,cpu_percent,quality,reason,net_idle_w,net_active_w,net_idle_j,net_active_j\n"
	"1700000000.25,3,1,domain,u-1,web 1,u-1,alice,running,5,3.5,1,0.1,0,0.25,9.85,,"
	"50,35,10,1,0,2.5,98.5,87.5,estimate gap,,0.5,0.25,5,2.5\n"
	"1700000000.25,3,1,domain,qemu:7:8,\"a,\"\"b\"\"\n\xef\xbf\xbd\",,,ended,,,,,,,,,"
	"1,2,0,0,0,0,3,,,PID 7: permission denied,,,0,0\n"
	"1700000000.25,3,1,kept,,kept,,,,,,,,,,3,,,,,,,,27,,,,,,,\n"
	"1700000000.25,3,1,host,,host,,,,6,5.75,1,0.1,,,12.85,,60,57.5,10,1,,,128.5,,skew,"
	"no meter,2,,20,3\n";

static void test_csv(void)
{
	struct snapshot snapshot = example();
	struct text out = { 0 };

	snapshot_csv_header(&out);
	snapshot_csv_rows(&snapshot, &out);
	UNIT_EQUAL_TEXT(expected_csv, out.bytes);
	text_free(&out);
}

int main(void)
{
	return UNIT_RUN(
		"wire-snapshot", { "JSON is the contract, byte for byte", test_json },
		{ "JSON of an empty snapshot is whole", test_json_empty },
		{ "JSON refuses counters above 2^63-1, writes no infinity", test_json_bounds },
		{ "JSON keeps 14 digits", test_json_precision },
		{ "UTF-8 is checked and replaced by byte", test_utf8 },
		{ "UTF-8 is what jansson takes", test_utf8_agrees },
		{ "JSON stays one valid line for any name", test_names },
		{ "CSV has a row per domain, kept and host", test_csv });
}
