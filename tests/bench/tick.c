/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tick [-t TICKS] [-i SECONDS] [-s SOURCE] [-w WEIGHTS] - what the ticks of
 * this machine cost, with the domains that are there: CPU time, system calls,
 * memory; and, in turns with them, a bare loop over the same counters.
 *
 * A tick is live_discover(), live_sample(), account_tick(). Each takes place
 * SECONDS after the last one and the bare loop halfway, so that both find the
 * caches as they find them in life, and the engine looks for new machines as
 * often. System calls are counted in every third, whose time is not measured.
 *
 * Prints "KEY VALUE" and "KEY MEDIAN Q1 Q3 MEAN" lines; times in us.
 */
#include <getopt.h>

#include "base/text.h"
#include "engine/counting.h"
#include "engine/live.h"
#include "model/account.h"
#include "tests/bench/bare.h"
#include "tests/bench/measure.h"
#include "wire/wire.h"

#define HERD_PREFIX "herd-" /* of the names that the herd gives */

enum { WARM_TICKS = 3, COUNTED = 3 /* one in so many ticks */ };

struct options {
	unsigned ticks;
	double interval_s;
	int source; /* enum cpu_source */
	const char *weights;
};

struct engine {
	struct live *live;
	struct counting counting;
	struct account *account;
	struct sample sample;
	struct snapshot snapshot;
	const struct topology *topology;
	uint64_t generations; /* topologies that were seen */
};

/* --- the engine ------------------------------------------------------------ */

static int choose(struct engine *engine, const struct options *options, struct error *error)
{
	struct counting_request request = { .source = options->source,
					    .weights = options->weights };
	struct counting *counting = &engine->counting;
	int result = counting_choose(engine->live, &request, engine->topology, counting, error);

	for (size_t i = 0; i < counting->warnings.count; i++)
		fprintf(stderr, "tick: %s\n", counting->warnings.texts[i]);
	return result;
}

static int engine_open(struct engine *engine, const struct options *options, struct error *error)
{
	struct live_options live = { .without_libvirt = true,
				     .interval_ns = (uint64_t)(options->interval_s * 1e9) };
	struct account_options account = { .own_name = "tick" };
	int result = live_open(&engine->live, &live, error);

	if (!result)
		result = live_discover(engine->live, &engine->topology, error);
	if (!result)
		result = choose(engine, options, error);
	if (result)
		return result;
	live_events(engine->live, &account.events);
	account.cpu = engine->counting.choice.cpu;
	account.disks = (const struct weights *const *)engine->counting.choice.disks;
	account.disk_count = engine->counting.choice.disk_count;
	return account_open(&engine->account, &account, error);
}

static void engine_close(struct engine *engine)
{
	snapshot_clear(&engine->snapshot);
	sample_clear(&engine->sample);
	account_close(engine->account);
	counting_clear(&engine->counting);
	live_close(engine->live);
}

static int engine_tick(struct engine *engine, struct error *error)
{
	int result = live_discover(engine->live, &engine->topology, error);

	if (!result)
		result = live_sample(engine->live, engine->topology, &engine->sample, error);
	if (!result)
		result = account_tick(engine->account, engine->topology, &engine->sample,
				      &engine->snapshot, error);
	return result == -EAGAIN ? 0 : result;
}

/* --- measuring ------------------------------------------------------------- */

/* Static: each is 32 KiB. */
static struct {
	struct series discover_us, sample_us, account_us; /* parts of a tick */
	struct series tick_us, bare_us, tick_calls, bare_calls;
	struct series json_us, csv_us;
} measured;

static int time_tick(struct engine *engine, struct error *error)
{
	double moment_us = measure_cpu_us(), discover_us, sample_us, account_us;
	int result = live_discover(engine->live, &engine->topology, error);

	discover_us = measure_lap_us(&moment_us);
	if (!result)
		result = live_sample(engine->live, engine->topology, &engine->sample, error);
	sample_us = measure_lap_us(&moment_us);
	if (!result)
		result = account_tick(engine->account, engine->topology, &engine->sample,
				      &engine->snapshot, error);
	account_us = measure_lap_us(&moment_us);
	series_add(&measured.discover_us, discover_us);
	series_add(&measured.sample_us, sample_us);
	series_add(&measured.account_us, account_us);
	series_add(&measured.tick_us, discover_us + sample_us + account_us);
	return result;
}

static int count_tick(struct engine *engine, struct error *error)
{
	int counter = measure_calls_begin();
	int result = engine_tick(engine, error);

	series_add(&measured.tick_calls, measure_calls_end(counter));
	return result;
}

static void run_bare(struct bare *bare, bool counted)
{
	int counter = counted ? measure_calls_begin() : -1;
	double moment_us = measure_cpu_us(), bare_us;

	bare_read(bare);
	bare_us = measure_lap_us(&moment_us);
	if (!counted)
		series_add(&measured.bare_us, bare_us);
	series_add(&measured.bare_calls, measure_calls_end(counter) - 2); /* the clock's own */
}

static int time_output(const struct engine *engine, struct error *error)
{
	static struct text out; /* kept, as the programs do */
	double moment_us = measure_cpu_us();
	int result;

	text_reset(&out);
	result = snapshot_json(&engine->snapshot, &out, error);
	series_add(&measured.json_us, measure_lap_us(&moment_us));
	text_reset(&out);
	snapshot_csv_rows(&engine->snapshot, &out);
	series_add(&measured.csv_us, measure_lap_us(&moment_us));
	return result;
}

/* For the topology of now. */
static int open_bare(struct bare *bare, const struct engine *engine, struct error *error)
{
	struct event_set events;
	int result = 0;

	bare_close(bare);
	cgroup_find_mounts(&(struct rootfs){ .prefix = (char[]){ "" } }, &bare->mounts);
	bare_open_disks(bare, engine->topology, &engine->sample);
	live_events(engine->live, &events);
	if (events.source == CPU_SOURCE_PERF)
		result = bare_open_perf(bare, engine->topology, &events, error);
	else
		bare_open_cputime(bare, engine->topology, &engine->sample);
	if (!result && bare->exhausted)
		result = error_setf(error, EMFILE, "the bare loop has too few file descriptors");
	return result;
}

static int run_ticks(struct engine *engine, struct bare *bare, const struct options *options,
		     struct error *error)
{
	uint64_t half_ns = (uint64_t)(options->interval_s * 1e9) / 2;
	uint64_t due_ns = clock_now_ns();
	int result = open_bare(bare, engine, error);

	for (unsigned i = 0; i < options->ticks && !result; i++) {
		bool counted = i % COUNTED == COUNTED - 1;
		uint64_t generation = engine->sample.generation;

		measure_sleep_until(due_ns += half_ns);
		result = counted ? count_tick(engine, error) : time_tick(engine, error);
		if (!result && engine->sample.generation != generation) {
			engine->generations++;
			result = open_bare(bare, engine, error);
		}
		measure_sleep_until(due_ns += half_ns);
		run_bare(bare, counted);
		if (!result)
			result = time_output(engine, error);
	}
	return result;
}

/* --- reporting ------------------------------------------------------------- */

/* Of the herd; what else runs here costs, too, and is told. */
static void print_topology(const struct engine *engine)
{
	const struct topology *topology = engine->topology;
	size_t domains = 0, vcpus = 0, vdisks = 0, threads = 0, sampled = 0;

	for (size_t i = 0; i < topology->domain_count; i++) {
		const struct domain *domain = &topology->domains[i];

		if (strncmp(domain->name, HERD_PREFIX, strlen(HERD_PREFIX)) != 0)
			continue;
		domains++;
		vdisks += domain->vdisk_count;
		threads += domain->thread_count;
		for (size_t k = 0; k < domain->thread_count; k++) {
			vcpus += domain->threads[k].role == THREAD_VCPU;
			sampled += domain->threads[k].sampled;
		}
	}
	printf("domains %zu\nothers %zu\nvcpus %zu\nvdisks %zu\nthreads %zu\nsampled %zu\n",
	       domains, topology->domain_count - domains, vcpus, vdisks, threads, sampled);
	printf("total_source %s\n", live_total_source(engine->live));
}

static void print_measured(void)
{
	series_print(&measured.tick_us, "tick_us");
	series_print(&measured.bare_us, "bare_us");
	series_print(&measured.tick_calls, "tick_calls");
	series_print(&measured.bare_calls, "bare_calls");
	series_print(&measured.discover_us, "discover_us");
	series_print(&measured.sample_us, "sample_us");
	series_print(&measured.account_us, "account_us");
	series_print(&measured.json_us, "json_us");
	series_print(&measured.csv_us, "csv_us");
}

static int run(struct engine *engine, struct bare *bare, const struct options *options,
	       struct error *error)
{
	struct memory before = measure_memory(), after;
	uint64_t due_ns = clock_now_ns();
	int result = engine_open(engine, options, error);

	for (unsigned i = 0; i < WARM_TICKS && !result; i++) {
		result = engine_tick(engine, error);
		measure_sleep_until(due_ns += (uint64_t)(options->interval_s * 1e9));
	}
	if (result)
		return result;
	after = measure_memory();
	print_topology(engine);
	printf("heap_kib %.1f\nresident_kib %.1f\n", after.heap_kib - before.heap_kib,
	       after.resident_kib - before.resident_kib);
	result = run_ticks(engine, bare, options, error);
	printf("counters %zu\n", bare->count);
	printf("generations %llu\n", (unsigned long long)engine->generations);
	print_measured();
	return result;
}

static int parse(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:i:s:w:")) != -1) {
		if (option == 't')
			options->ticks = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'i')
			options->interval_s = strtod(optarg, NULL);
		else if (option == 's')
			options->source = cpu_source_parse(optarg);
		else if (option == 'w')
			options->weights = optarg;
		else
			return -1;
	}
	return optind == argc && options->ticks && options->interval_s > 0 && options->source >= 0
		       ? 0
		       : -1;
}

int main(int argc, char **argv)
{
	struct options options = { .ticks = 20, .interval_s = 1, .source = CPU_SOURCE_CPUTIME };
	static struct engine engine;
	static struct bare bare;
	struct error error = { "" };
	int result;

	if (parse(&options, argc, argv)) {
		fprintf(stderr, "usage: tick [-t TICKS] [-i SECONDS] [-s SOURCE] [-w WEIGHTS]\n");
		return 2;
	}
	result = run(&engine, &bare, &options, &error);
	if (result)
		fprintf(stderr, "tick: %s\n", error.text);
	bare_close(&bare);
	free(bare.items);
	engine_close(&engine);
	return result ? 1 : 0;
}
