/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse(put(x)) is x, for any topology and sample. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wire/recording.h"

/* --- random contents ------------------------------------------------------- */

static uint64_t below(uint64_t *seed, uint64_t limit)
{
	return unit_random(seed) % limit;
}

static uint64_t counter(uint64_t *seed)
{
	return unit_random(seed) >> (1 + below(seed, 63));
}

/* Any bytes but NUL; often none, often plain. */
static char *any_text(uint64_t *seed)
{
	size_t length = below(seed, 3) ? below(seed, 24) : 0;
	unsigned first = below(seed, 2) ? 'a' : 1, range = first == 1 ? 255 : 26;
	char *text = calloc(1, length + 1);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)(first + below(seed, range));
	return text;
}

static char *text_or_none(uint64_t *seed)
{
	return below(seed, 2) ? any_text(seed) : NULL;
}

static char *unique_id(uint64_t *seed, size_t index)
{
	struct text id = { 0 };
	char *tail = any_text(seed);

	text_addf(&id, "%zu:%s", index, tail);
	free(tail);
	return id.bytes;
}

static void fill_vdisk(struct vdisk *vdisk, size_t disk_count, uint64_t *seed)
{
	vdisk->name = any_text(seed);
	vdisk->source = any_text(seed);
	vdisk->backing = (enum vdisk_backing)below(seed, VDISK_UNKNOWN + 1);
	vdisk->reason = text_or_none(seed);
	vdisk->direct = below(seed, 2);
	vdisk->write_copies = below(seed, 2) ? unit_random_double(seed, 1, 9) : 0;
	vdisk->leaves = calloc(disk_count + 1, sizeof *vdisk->leaves);
	for (size_t i = 0; i < disk_count; i++)
		if (below(seed, 2))
			vdisk->leaves[vdisk->leaf_count++] = i;
}

static void fill_vnic(struct vnic *vnic, size_t nic_count, uint64_t *seed)
{
	vnic->name = any_text(seed);
	vnic->reason = text_or_none(seed);
	vnic->unseen = below(seed, 2);
	vnic->swapped = below(seed, 2);
	vnic->leaves = calloc(nic_count + 1, sizeof *vnic->leaves);
	for (size_t i = 0; i < nic_count; i++)
		if (below(seed, 2))
			vnic->leaves[vnic->leaf_count++] = i;
}

static struct thread *any_threads(size_t count, size_t vdisk_count, uint64_t *seed)
{
	struct thread *threads = calloc(count + 1, sizeof *threads);

	for (size_t i = 0; i < count; i++) {
		char *name = any_text(seed);

		threads[i] = (struct thread){
			.tid = (pid_t)(unit_random(seed) & INT_MAX),
			.start_ticks = counter(seed),
			.role = (enum thread_role)below(seed, THREAD_KVM + 1),
			.vcpu = below(seed, 2) ? (int)i : VCPU_ALL + (int)below(seed, 2),
			.vdisk = (int)below(seed, vdisk_count + 1) - 1,
			.sampled = below(seed, 2),
		};
		strncpy(threads[i].name, name, sizeof threads[i].name - 1);
		free(name);
	}
	return threads;
}

static void fill_domain(struct domain *domain, size_t index, const struct topology *topology,
			uint64_t *seed)
{
	domain->id = unique_id(seed, index);
	domain->name = any_text(seed);
	domain->uuid = text_or_none(seed);
	domain->owner = text_or_none(seed);
	domain->state = (enum domain_state)below(seed, DOMAIN_ENDED + 1);
	domain->manager = (enum domain_manager)below(seed, 2);
	domain->reason = text_or_none(seed);
	domain->pid = (pid_t)below(seed, 1 << 22);
	domain->start_ticks = counter(seed);
	domain->start_ns = counter(seed);
	domain->end_ns = below(seed, 2) ? counter(seed) : 0;
	domain->vcpus = (unsigned)below(seed, 257);
	domain->cpu_weight = unit_random_double(seed, 0, 10000);
	domain->cgroup = text_or_none(seed);
	domain->connection = text_or_none(seed);
	domain->vdisk_count = below(seed, 4);
	domain->vdisks = calloc(domain->vdisk_count + 1, sizeof *domain->vdisks);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		fill_vdisk(&domain->vdisks[i], topology->disk_count, seed);
	domain->vnic_count = below(seed, 3);
	domain->vnics = calloc(domain->vnic_count + 1, sizeof *domain->vnics);
	for (size_t i = 0; i < domain->vnic_count; i++)
		fill_vnic(&domain->vnics[i], topology->nic_count, seed);
	domain->thread_count = below(seed, 6);
	domain->threads = any_threads(domain->thread_count, domain->vdisk_count, seed);
}

static void fill_services(struct topology *topology, uint64_t *seed)
{
	topology->service_count = below(seed, 3);
	topology->services = calloc(topology->service_count + 1, sizeof *topology->services);
	for (size_t i = 0; i < topology->service_count; i++) {
		struct service *service = &topology->services[i];

		service->id = unique_id(seed, i);
		service->name = any_text(seed);
		service->pid = (pid_t)below(seed, 1 << 22);
		service->start_ticks = counter(seed);
		service->idle_units = unit_random_double(seed, 0, 3);
		service->thread_count = below(seed, 3);
		service->threads = any_threads(service->thread_count, 0, seed);
	}
}

static void fill_attachments(struct topology *topology, uint64_t *seed)
{
	topology->attachments = calloc(64, sizeof *topology->attachments);
	if (topology->service_count == 0)
		return;
	for (size_t i = 0; i < topology->domain_count && i < 60; i++)
		if (topology->domains[i].vdisk_count > 0)
			topology->attachments[topology->attachment_count++] =
				(struct attachment){ .kind = CLIENT_VDISK,
						     .domain = i,
						     .vdisk = topology->domains[i].vdisk_count - 1,
						     .provider =
							     below(seed, topology->service_count) };
	topology->attachments[topology->attachment_count++] = (struct attachment){
		.kind = CLIENT_SERVICE, .client = 0, .provider = topology->service_count - 1
	};
}

static void fill_cpu(struct cpu_identity *cpu, uint64_t *seed)
{
	cpu_identity_clear(cpu);
	*cpu = (struct cpu_identity){
		.vendor = any_text(seed),
		.model_name = any_text(seed),
		.family = (unsigned)unit_random(seed),
		.model = (unsigned)below(seed, 256),
		.stepping = (unsigned)below(seed, 16),
		.cpus = (unsigned)below(seed, 512),
		.cores = (unsigned)below(seed, 256),
		.chips = (unsigned)below(seed, 8),
		.tsc_hz = counter(seed),
	};
}

static struct topology *any_topology(uint64_t *seed)
{
	struct topology *topology = topology_new();

	topology->generation = counter(seed);
	topology->discovered_ns = counter(seed);
	fill_cpu(&topology->cpu, seed);
	topology->disk_count = below(seed, 4);
	topology->disks = calloc(topology->disk_count + 1, sizeof *topology->disks);
	for (size_t i = 0; i < topology->disk_count; i++)
		topology->disks[i] = (struct disk){ .name = any_text(seed),
						    .model = any_text(seed),
						    .major = (unsigned)below(seed, 260),
						    .minor = (unsigned)below(seed, 256),
						    .rotational = below(seed, 2),
						    .size_bytes = counter(seed) };
	topology->nic_count = below(seed, 3);
	topology->nics = calloc(topology->nic_count + 1, sizeof *topology->nics);
	for (size_t i = 0; i < topology->nic_count; i++)
		topology->nics[i] = (struct nic){ .name = any_text(seed),
						  .driver = any_text(seed),
						  .model = any_text(seed),
						  .speed_mbits = (unsigned)below(seed, 400000),
						  .up = below(seed, 2) };
	topology->domain_count = below(seed, 6);
	topology->domains = calloc(topology->domain_count + 1, sizeof *topology->domains);
	for (size_t i = 0; i < topology->domain_count; i++)
		fill_domain(&topology->domains[i], i, topology, seed);
	fill_services(topology, seed);
	fill_attachments(topology, seed);
	topology->note_count = below(seed, 3);
	topology->notes = calloc(topology->note_count + 1, sizeof *topology->notes);
	for (size_t i = 0; i < topology->note_count; i++)
		topology->notes[i] = any_text(seed);
	return topology;
}

static struct cpu_reading any_cpu(uint64_t *seed)
{
	struct cpu_reading reading = { 0 };
	uint64_t events = below(seed, SAMPLE_EVENTS_MAX + 1);

	if (below(seed, 4) == 0)
		return reading;
	reading.at_ns = below(seed, 8) ? counter(seed) : 0;
	reading.quality = (unsigned)below(seed, 256);
	for (uint64_t i = 0; i < events; i++)
		reading.count[i] = below(seed, 4) ? counter(seed) : 0;
	return reading;
}

static struct io_reading any_io(uint64_t *seed)
{
	struct io_reading reading = { 0 };

	if (below(seed, 4) == 0)
		return reading;
	reading.at_ns = below(seed, 8) ? counter(seed) : 0;
	reading.quality = (unsigned)below(seed, 256);
	reading.has_requests = below(seed, 2);
	reading.read_bytes = counter(seed);
	reading.write_bytes = counter(seed);
	reading.read_requests = reading.has_requests ? counter(seed) : 0;
	reading.write_requests = reading.has_requests ? counter(seed) : 0;
	reading.has_service = reading.has_requests && below(seed, 2);
	reading.busy_ns = reading.has_service ? counter(seed) : 0;
	reading.read_seeks = reading.has_service ? counter(seed) : 0;
	reading.write_seeks = reading.has_service ? counter(seed) : 0;
	return reading;
}

static struct net_reading any_net(uint64_t *seed)
{
	if (below(seed, 4) == 0)
		return (struct net_reading){ 0 };
	return (struct net_reading){ .at_ns = 1 + counter(seed),
				     .quality = (unsigned)below(seed, 256),
				     .rx_bytes = counter(seed),
				     .tx_bytes = counter(seed),
				     .rx_packets = counter(seed),
				     .tx_packets = counter(seed) };
}

static void fill_domain_reading(struct domain_reading *reading, const struct domain *domain,
				uint64_t *seed)
{
	reading->total_source = (enum total_source)below(seed, TOTAL_PROCESS + 1);
	reading->total = any_cpu(seed);
	for (size_t i = 0; i < domain->thread_count; i++)
		reading->threads[i] = any_cpu(seed);
	for (size_t i = 0; i < domain->vdisk_count; i++)
		reading->vdisks[i] = any_io(seed);
	for (size_t i = 0; i < domain->vnic_count; i++)
		reading->vnics[i] = any_net(seed);
}

static void fill_issued(struct sample *sample, const struct topology *topology, uint64_t *seed)
{
	for (size_t i = 0; i < topology->domain_count; i++) {
		struct issued_reading *issued = sample_add_issued(sample);

		issued->domain = i;
		issued->disk = (int)below(seed, topology->disk_count + 1) + ISSUED_ANY_DISK;
		issued->io = any_io(seed);
	}
}

static void fill_heads(struct sample *sample, uint64_t *seed)
{
	size_t count = below(seed, SAMPLE_HEADS_MAX + 1);

	for (size_t i = 0; i < count; i++) {
		struct head_reading *head = sample_add_head(sample);
		char *name = any_text(seed);

		strncpy(head->name, name, sizeof head->name - 1);
		free(name);
		head->by_time = below(seed, 2);
		head->cpu = any_cpu(seed);
	}
	sample->on_cpu = any_cpu(seed);
	if (!sample->on_cpu.at_ns) /* not read: then nothing of it is */
		sample->on_cpu = (struct cpu_reading){ 0 };
}

static void fill_sample(struct sample *sample, const struct topology *topology, uint64_t *seed)
{
	sample_prepare(sample, topology);
	sample->seq = counter(seed);
	sample->begin_ns = counter(seed);
	sample->end_ns = sample->begin_ns + below(seed, 1000000);
	sample->realtime_ns = counter(seed);
	sample->missed_ticks = counter(seed);
	sample->quality = (unsigned)below(seed, 256);
	sample->tsc_ticks = counter(seed);
	sample->own = any_cpu(seed);
	sample->package_count = (unsigned)below(seed, SAMPLE_PACKAGES_MAX + 1);
	for (unsigned i = 0; i < sample->package_count; i++) {
		sample->packages[i].total = any_cpu(seed);
		sample->packages[i].frequency_hz = below(seed, 2) ? counter(seed) : 0;
		if (below(seed, 2))
			sample->packages[i].temperature_c = unit_random_double(seed, -40, 120);
	}
	for (size_t i = 0; i < topology->domain_count; i++)
		fill_domain_reading(&sample->domains[i], &topology->domains[i], seed);
	for (size_t i = 0; i < topology->service_count; i++)
		sample->services[i].total = any_cpu(seed);
	for (size_t i = 0; i < topology->disk_count; i++)
		sample->disks[i] = any_io(seed);
	for (size_t i = 0; i < topology->nic_count; i++)
		sample->nics[i] = any_net(seed);
	for (size_t i = 0; i < topology->attachment_count; i++)
		sample->attachments[i] = any_io(seed);
	fill_issued(sample, topology, seed);
	fill_heads(sample, seed);
}

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
		same = same && same_cpu(&a->services[i].total, &b->services[i].total);
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
		{ "a temperature or service time that is not known is left out",
		  test_absent_is_left_out },
		{ "a temperature or service time out of its bounds is refused by name",
		  test_refused },
		{ "counters above 2^63-1 are refused, nothing is written", test_put_bounds });
}
