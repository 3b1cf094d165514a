/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse(put(x)) is x, for any topology and sample. */
#include "tests/unit/recording-scene.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/recording.h"

/* --- comparing ------------------------------------------------------------- */

static bool same_cpu(const struct cpu_reading *a, const struct cpu_reading *b)
{
	return a->at_ns == b->at_ns && a->quality == b->quality &&
	       memcmp(a->count, b->count, sizeof a->count) == 0;
}

static bool same_io(const struct io_reading *a, const struct io_reading *b)
{
	return a->at_ns == b->at_ns && a->quality == b->quality &&
	       a->has_requests == b->has_requests && a->read_bytes == b->read_bytes &&
	       a->write_bytes == b->write_bytes && a->read_requests == b->read_requests &&
	       a->write_requests == b->write_requests && a->has_service == b->has_service &&
	       a->busy_ns == b->busy_ns && a->read_seeks == b->read_seeks &&
	       a->write_seeks == b->write_seeks;
}

static bool same_net(const struct net_reading *a, const struct net_reading *b)
{
	return a->at_ns == b->at_ns && a->quality == b->quality && a->rx_bytes == b->rx_bytes &&
	       a->tx_bytes == b->tx_bytes && a->rx_packets == b->rx_packets &&
	       a->tx_packets == b->tx_packets;
}

static bool same_domain(const struct domain_reading *a, const struct domain_reading *b,
			const struct domain *domain)
{
	bool same = a->total_source == b->total_source && same_cpu(&a->total, &b->total);

	for (size_t i = 0; i < domain->thread_count; i++)
		same = same && same_cpu(&a->threads[i], &b->threads[i]);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		same = same && same_io(&a->vdisks[i], &b->vdisks[i]);
	for (size_t i = 0; i < domain->vnic_count; i++)
		same = same && same_net(&a->vnics[i], &b->vnics[i]);
	return same;
}

static bool same_service(const struct service_reading *a, const struct service_reading *b,
			 const struct service *service)
{
	bool same = same_cpu(&a->total, &b->total);

	for (size_t i = 0; i < service->thread_count; i++)
		same = same && same_cpu(&a->threads[i], &b->threads[i]);
	return same;
}

static bool same_package(const struct package_reading *a, const struct package_reading *b)
{
	return same_cpu(&a->total, &b->total) && a->frequency_hz == b->frequency_hz &&
	       memcmp(&a->temperature_c, &b->temperature_c, sizeof a->temperature_c) == 0;
}

static bool same_heads(const struct sample *a, const struct sample *b)
{
	bool same = a->head_count == b->head_count && same_cpu(&a->on_cpu, &b->on_cpu);

	for (size_t i = 0; same && i < a->head_count; i++)
		same = strcmp(a->heads[i].name, b->heads[i].name) == 0 &&
		       a->heads[i].by_time == b->heads[i].by_time &&
		       same_cpu(&a->heads[i].cpu, &b->heads[i].cpu);
	return same;
}

static bool same_head(const struct sample *a, const struct sample *b)
{
	bool same = a->seq == b->seq && a->generation == b->generation &&
		    a->begin_ns == b->begin_ns && a->end_ns == b->end_ns &&
		    a->realtime_ns == b->realtime_ns && a->missed_ticks == b->missed_ticks &&
		    a->quality == b->quality && a->tsc_ticks == b->tsc_ticks &&
		    same_cpu(&a->own, &b->own) && a->package_count == b->package_count;

	for (unsigned i = 0; i < a->package_count; i++)
		same = same && same_package(&a->packages[i], &b->packages[i]);
	return same;
}

static bool same_sample(const struct sample *a, const struct sample *b,
			const struct topology *topology)
{
	bool same = same_head(a, b) && same_heads(a, b) && a->issued_count == b->issued_count;

	for (size_t i = 0; i < topology->domain_count; i++)
		same = same && same_domain(&a->domains[i], &b->domains[i], &topology->domains[i]);
	for (size_t i = 0; i < topology->service_count; i++)
		same = same &&
		       same_service(&a->services[i], &b->services[i], &topology->services[i]);
	for (size_t i = 0; i < topology->disk_count; i++)
		same = same && same_io(&a->disks[i], &b->disks[i]);
	for (size_t i = 0; i < topology->nic_count; i++)
		same = same && same_net(&a->nics[i], &b->nics[i]);
	for (size_t i = 0; i < topology->attachment_count; i++)
		same = same && same_io(&a->attachments[i], &b->attachments[i]);
	for (size_t i = 0; same && i < a->issued_count; i++)
		same = a->issued[i].domain == b->issued[i].domain &&
		       a->issued[i].disk == b->issued[i].disk &&
		       same_io(&a->issued[i].io, &b->issued[i].io);
	return same;
}

static void report_seed(bool passed, uint64_t seed, const struct text *line)
{
	if (!passed)
		fprintf(stderr, "\nseed %llu: %s", (unsigned long long)seed, line->bytes);
	UNIT_TRUE(passed);
}

/* --- round trips ----------------------------------------------------------- */

enum { ROUNDS = 400 };

static void one_round(uint64_t first_seed)
{
	uint64_t seed = first_seed;
	struct topology *topology = any_topology(&seed);
	struct sample sample = { 0 };
	struct recording_line line = { 0 };
	struct text out = { 0 };
	struct error error = { "" };

	UNIT_EQUAL_I64(0, recording_put_topology(topology, &out, &error));
	UNIT_TRUE(strchr(out.bytes, '\n') == out.bytes + out.length - 1);
	UNIT_EQUAL_I64(0, recording_parse(out.bytes, out.length, NULL, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(RECORDING_TOPOLOGY, line.kind);
	report_seed(line.topology && topology_equal(topology, line.topology) &&
			    line.topology->generation == topology->generation &&
			    line.topology->discovered_ns == topology->discovered_ns,
		    first_seed, &out);
	recording_line_clear(&line);
	text_reset(&out);

	fill_sample(&sample, topology, &seed);
	UNIT_EQUAL_I64(0, recording_put_sample(&sample, topology, &out, &error));
	UNIT_EQUAL_I64(0, recording_parse(out.bytes, out.length, topology, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(RECORDING_SAMPLE, line.kind);
	report_seed(line.sample.domain_count == topology->domain_count &&
			    same_sample(&sample, &line.sample, topology),
		    first_seed, &out);
	recording_line_clear(&line);
	sample_clear(&sample);
	topology_unref(topology);
	text_free(&out);
}

static void test_round_trips(void)
{
	for (uint64_t seed = 1; seed <= ROUNDS; seed++)
		one_round(seed);
}

/* --- what older recordings do not have ------------------------------------- */

#define SAMPLE(rest)                                                                               \
	"{\"kind\":\"sample\",\"seq\":0,\"generation\":0,\"begin_ns\":1,\"end_ns\":2,"             \
	"\"realtime_ns\":3,\"own\":null," rest "}"

/* A host with one disk and nothing else, of generation 0. */
static struct topology *one_disk(void)
{
	struct topology *topology = topology_new();

	topology->disks = calloc(1, sizeof *topology->disks);
	topology->disk_count = 1;
	topology->disks[0].name = strdup("sda");
	topology->disks[0].model = strdup("");
	return topology;
}

static int parse_sample(const char *text, struct recording_line *line, struct error *error)
{
	struct topology *topology = one_disk();
	int result;

	memset(line, 0, sizeof *line);
	result = recording_parse(text, strlen(text), topology, line, error);
	topology_unref(topology);
	return result;
}

static void test_older_recordings(void)
{
	static const char old[] = SAMPLE("\"packages\":[{\"total\":null,\"frequency_hz\":5}],"
					 "\"disks\":[[7,0,1,2,3,4]]");
	struct recording_line line;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, parse_sample(old, &line, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(5, line.sample.packages[0].frequency_hz);
	UNIT_TRUE(isnan(line.sample.packages[0].temperature_c));
	UNIT_TRUE(line.sample.disks[0].has_requests);
	UNIT_TRUE(!line.sample.disks[0].has_service);
	UNIT_EQUAL_U64(4, line.sample.disks[0].write_requests);
	recording_line_clear(&line);
}

/* Of a service whose topology has no thread. */
static void test_threads_beyond_the_topology(void)
{
	struct recording_line line;
	struct error error = { "" };

	UNIT_EQUAL_I64(-EINVAL, parse_sample(SAMPLE("\"disks\":[null],"
						    "\"service_threads\":[[null]]"),
					     &line, &error));
	UNIT_CONTAINS("sample.service_threads: has 1 elements: the topology has 0", error.text);
	recording_line_clear(&line);
}

/* What is not known is left out, and no zero. */
static void test_absent_is_left_out(void)
{
	struct topology *topology = one_disk();
	struct sample sample = { 0 };
	struct text out = { 0 };

	sample_prepare(&sample, topology);
	sample.package_count = 2;
	sample.packages[1].temperature_c = 0;
	sample.disks[0] = (struct io_reading){ .at_ns = 7, .has_requests = true, .busy_ns = 9 };
	UNIT_EQUAL_I64(0, recording_put_sample(&sample, topology, &out, NULL));
	UNIT_CONTAINS("\"packages\":[{\"total\":null},{\"total\":null,\"temperature_c\":0.0}]",
		      out.bytes);
	UNIT_CONTAINS("\"disks\":[[7,0,0,0,0,0]]", out.bytes);
	sample_clear(&sample);
	topology_unref(topology);
	text_free(&out);
}

static void test_refused(void)
{
	static const char *const lines[][2] = {
		{ SAMPLE("\"packages\":[{\"total\":null,\"temperature_c\":-300}],\"disks\":[null]"),
		  "sample.packages[0].temperature_c: must be -273.15..1000" },
		{ SAMPLE("\"packages\":[{\"total\":null,\"temperature_c\":\"hot\"}],"
			 "\"disks\":[null]"),
		  "sample.packages[0].temperature_c: " },
		{ SAMPLE("\"disks\":[[7,0,1,2,3,4,-5,6,7]]"), "sample.disks[0].busy_ns: " },
	};

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct recording_line line;
		struct error error = { "" };

		UNIT_EQUAL_I64(-EINVAL, parse_sample(lines[i][0], &line, &error));
		UNIT_CONTAINS(lines[i][1], error.text);
		recording_line_clear(&line);
	}
}

/* --- bounds of writing ----------------------------------------------------- */

/* 2^63-1 itself is a counter, written and read. */
static void check_greatest(struct sample *sample, const struct topology *topology)
{
	struct recording_line line = { 0 };
	struct text out = { 0 };

	sample->own.count[0] = INT64_MAX;
	UNIT_EQUAL_I64(0, recording_put_sample(sample, topology, &out, NULL));
	UNIT_EQUAL_I64(0, recording_parse(out.bytes, out.length, topology, &line, NULL));
	UNIT_EQUAL_U64(INT64_MAX, line.sample.own.count[0]);
	recording_line_clear(&line);
	text_free(&out);
}

static void test_put_bounds(void)
{
	uint64_t seed = 3;
	struct topology *topology = any_topology(&seed), *other = any_topology(&seed);
	struct sample sample = { 0 };
	struct text out = { 0 };
	struct error error = { "" };

	text_add(&out, "before\n");
	fill_sample(&sample, topology, &seed);
	sample.tsc_ticks = UINT64_MAX;
	UNIT_EQUAL_I64(-EINVAL, recording_put_sample(&sample, topology, &out, &error));
	UNIT_EQUAL_TEXT("tsc_ticks: 18446744073709551615 is above 9223372036854775807", error.text);
	sample.tsc_ticks = 0;
	sample.own.at_ns = 1;
	sample.own.count[0] = (uint64_t)INT64_MAX + 1;
	UNIT_EQUAL_I64(-EINVAL, recording_put_sample(&sample, topology, &out, &error));
	UNIT_CONTAINS("count: 9223372036854775808 is above", error.text);
	UNIT_EQUAL_I64(-EINVAL, recording_put_sample(&sample, other, &out, &error));
	check_greatest(&sample, topology);
	topology->generation = UINT64_MAX;
	UNIT_EQUAL_I64(-EINVAL, recording_put_topology(topology, &out, &error));
	UNIT_CONTAINS("generation", error.text);
	UNIT_EQUAL_TEXT("before\n", out.bytes);
	sample_clear(&sample);
	topology_unref(topology);
	topology_unref(other);
	text_free(&out);
}

int main(void)
{
	return UNIT_RUN(
		"wire-recording",
		{ "topologies and samples read back as they were", test_round_trips },
		{ "a recording without service times and temperatures is read",
		  test_older_recordings },
		{ "readings of threads that the topology does not have are refused",
		  test_threads_beyond_the_topology },
		{ "a temperature or service time that is not known is left out",
		  test_absent_is_left_out },
		{ "a temperature or service time out of its bounds is refused by name",
		  test_refused },
		{ "counters above 2^63-1 are refused, nothing is written", test_put_bounds });
}
