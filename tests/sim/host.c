/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/host.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/service.h"

static char weights_path[] = "simulated.weights";
static char event_names[SIM_EVENTS][16] = { "sim::WORK", "sim::MISSES" };

/* --- weights ------------------------------------------------------------------------------- */

static void make_cpu(struct sim_weights *weights, const struct sim_prices *prices,
		     const struct sim_plant *plant)
{
	struct operating_point *point = &weights->point;

	*point = (struct operating_point){ .base_w = prices->idle_w,
					   .base_se_w = NAN,
					   .voltage_v = NAN };
	point->on_cpu.nj = prices->cpu_w;
	point->on_cpu.se_nj = NAN;
	for (int i = 0; prices->counts && i < SIM_EVENTS; i++) {
		struct weight *weight = &point->weights[point->weight_count++];

		strcpy(weight->event, event_names[i]);
		weight->nj = prices->event_nj[i];
		weight->se_nj = NAN;
	}
	weights->cpu = (struct weights){ .path = weights_path,
					 .kind = WEIGHTS_CPU,
					 .cpus = plant->cpus,
					 .chips = 1,
					 .points = point,
					 .point_count = 1,
					 .thermal_c1 = 1 / plant->c_j_k,
					 .thermal_c2 = -1 / (plant->r_k_w * plant->c_j_k),
					 .thermal_t0_c = plant->ambient_c,
					 .meter_lag_s = NAN,
					 .meter_window_s = NAN,
					 .lowo_mape_percent = NAN,
					 .lowo_worst_percent = NAN,
					 .in_sample_mape_percent = NAN,
					 .energy_error_percent = prices->energy_error_percent };
}

void sim_weights_make(struct sim_weights *weights, const struct sim_prices *prices,
		      const struct sim_plant *plant)
{
	struct event_set *events = &weights->events;

	*weights = (struct sim_weights){ .disks = { NULL } };
	make_cpu(weights, prices, plant);
	weights->disk = (struct weights){ .path = weights_path, .kind = WEIGHTS_DISK };
	weights->disk.match.rotational = 0;
	weights->disk.disk = (struct disk_constants){
		.idle_w = plant->disk.idle_w,
		.active_w = plant->disk.idle_w + plant->disk.span_w,
		.idle_se_w = NAN,
		.active_se_w = NAN,
		.read = { plant->disk.overhead_s, plant->disk.bytes_s },
		.write = { plant->disk.overhead_s, plant->disk.bytes_s },
	};
	weights->disks[0] = &weights->disk;
	events->source = prices->counts ? CPU_SOURCE_PERF : CPU_SOURCE_CPUTIME;
	for (int i = 0; prices->counts && i < SIM_EVENTS; i++)
		strcpy(events->names[events->count++], event_names[i]);
	strcpy(events->names[events->count++], CPUTIME_EVENT);
}

/* --- topology ------------------------------------------------------------------------------ */

/* A number that changes with what discovery would see. */
static uint64_t shape_of(const struct sim_plant *plant)
{
	uint64_t shape = 1;

	for (size_t i = 0; i < plant->domain_count; i++) {
		const struct sim_domain *domain = &plant->domains[i];

		shape = shape * 1000003 +
			(domain->is_present ? (uint64_t)domain->pid * 64 + domain->vcpus : 0);
	}
	return shape;
}

static void list_threads(const struct sim_domain *from, struct domain *to)
{
	to->thread_count = from->vcpus + 1;
	to->threads = calloc(to->thread_count, sizeof *to->threads);
	for (unsigned i = 0; i <= from->vcpus; i++) {
		bool is_vcpu = i < from->vcpus;

		to->threads[i] = (struct thread){ .tid = from->pid * 100 + (pid_t)i,
						  .start_ticks = sim_start_ticks(from->pid),
						  .role = is_vcpu ? THREAD_VCPU : THREAD_EMULATOR,
						  .vcpu = is_vcpu ? (int)i : VCPU_NONE,
						  .vdisk = VDISK_NONE,
						  .sampled = true };
	}
}

static void list_domain(const struct sim_domain *from, struct domain *to)
{
	to->id = strdup(from->id);
	to->name = strdup(from->name);
	to->manager = DOMAIN_QEMU;
	to->state = DOMAIN_RUNNING;
	to->pid = from->pid;
	to->start_ticks = sim_start_ticks(from->pid);
	to->vcpus = from->vcpus;
	to->cpu_weight = 100;
	to->cgroup = strdup(from->cgroup);
	list_threads(from, to);
	if (!from->has_disk)
		return;
	to->vdisk_count = 1;
	to->vdisks = calloc(1, sizeof *to->vdisks);
	to->vdisks[0] = (struct vdisk){ .name = strdup("vda"),
					.source = strdup(from->is_served ? "vhost-user:/run/vda"
									 : "/dev/sda1"),
					.backing = VDISK_LOCAL,
					.direct = true,
					.leaves = calloc(1, sizeof(size_t)),
					.leaf_count = 1 };
}

static void list_cpu(const struct sim_plant *plant, struct cpu_identity *cpu)
{
	cpu->cpus = plant->cpus;
	cpu->chips = 1;
}

static void discover(struct sim_host *host)
{
	const struct sim_plant *plant = host->plant;
	struct topology *to;

	if (host->topology && host->shape == shape_of(plant))
		return;
	topology_unref(host->topology);
	host->topology = to = topology_new();
	host->shape = shape_of(plant);
	to->generation = ++host->generation;
	to->discovered_ns = plant->now_us * 1000;
	list_cpu(plant, &to->cpu);
	to->domains = calloc(plant->domain_count + 1, sizeof *to->domains);
	for (size_t i = 0; i < plant->domain_count; i++)
		if (plant->domains[i].is_present)
			list_domain(&plant->domains[i], &to->domains[to->domain_count++]);
	if (plant->service_request_s > 0)
		sim_service_list(plant, to);
	to->disks = calloc(1, sizeof *to->disks);
	to->disk_count = 1;
	to->disks[0] = (struct disk){ .name = strdup("sda"), .model = strdup(""), .major = 8 };
}

/* --- sample -------------------------------------------------------------------------------- */

static void put_counts(const struct sim_host *host, struct cpu_reading *to, double cpu_us,
		       const double *events)
{
	unsigned place = 0;

	to->at_ns = host->plant->now_us * 1000;
	for (int i = 0; host->weights->events.count > 1 && i < SIM_EVENTS; i++)
		to->count[place++] = (uint64_t)events[i];
	to->count[place] = (uint64_t)(cpu_us * 1e3);
}

static void add_counts(struct cpu_reading *sum, const struct cpu_reading *part)
{
	for (int i = 0; i < SAMPLE_EVENTS_MAX; i++)
		sum->count[i] += part->count[i];
}

static void add_threads(struct sim_host *host, size_t index, struct cpu_reading *sum)
{
	for (unsigned i = 0; i <= SIM_VCPUS_MAX; i++) {
		struct cpu_reading reading = { .at_ns = 0 };

		put_counts(host, &reading, host->domains[index].thread_us[i],
			   host->domains[index].thread_events[i]);
		add_counts(sum, &reading);
	}
}

/* What the domain did since the last tick, spread over the threads that it has now. */
static void spread(struct sim_host *host, size_t index)
{
	const struct sim_domain *domain = &host->plant->domains[index];
	__typeof__(&host->domains[index]) memory = &host->domains[index];
	double did_us;

	if (memory->pid != domain->pid) {
		add_threads(host, index, &host->gone);
		memset(memory, 0, sizeof *memory);
		memory->pid = domain->pid;
		memory->last_us = domain->cpu_us;
		memcpy(memory->last_events, domain->events, sizeof memory->last_events);
	}
	did_us = domain->cpu_us - memory->last_us;
	memory->last_us = domain->cpu_us;
	for (unsigned i = 0; i <= domain->vcpus; i++) {
		double part =
			i < domain->vcpus ? (1 - domain->helpers) / domain->vcpus : domain->helpers;

		memory->thread_us[i] += did_us * part;
		for (int k = 0; k < SIM_EVENTS; k++)
			memory->thread_events[i][k] +=
				(domain->events[k] - memory->last_events[k]) * part;
	}
	memcpy(memory->last_events, domain->events, sizeof memory->last_events);
}

static void put_stream(const struct sim_stream *read, const struct sim_stream *write,
		       uint64_t now_ns, struct io_reading *to)
{
	*to = (struct io_reading){ .at_ns = now_ns,
				   .has_requests = true,
				   .read_bytes = (uint64_t)read->done_bytes,
				   .write_bytes = (uint64_t)write->done_bytes,
				   .read_requests = (uint64_t)read->done_requests,
				   .write_requests = (uint64_t)write->done_requests };
}

static void put_domain(struct sim_host *host, size_t index, struct domain_reading *to)
{
	const struct sim_domain *domain = &host->plant->domains[index];

	spread(host, index);
	to->total_source = TOTAL_CGROUP;
	to->total.at_ns = host->plant->now_us * 1000;
	/* Threads of before a hot-unplug still count. */
	add_threads(host, index, &to->total);
	for (unsigned i = 0; i <= domain->vcpus; i++)
		put_counts(host, &to->threads[i], host->domains[index].thread_us[i],
			   host->domains[index].thread_events[i]);
	if (domain->has_disk)
		put_stream(&domain->read, &domain->write, to->total.at_ns, &to->vdisks[0]);
}

/* What its clients ask for is seen at it alone: their QEMUs have no hand in it. */
static void put_service(struct sim_host *host, struct sample *sample)
{
	const struct sim_plant *plant = host->plant;
	const double none[SIM_EVENTS] = { 0 };
	size_t place = 0, attachment = 0;

	put_counts(host, &sample->services[0].total, plant->service_cpu_us, none);
	add_counts(&sample->packages[0].total, &sample->services[0].total);
	for (size_t i = 0; i < plant->domain_count; i++) {
		const struct sim_domain *domain = &plant->domains[i];

		if (domain->is_present && domain->is_served) {
			sample->attachments[attachment++] = sample->domains[place].vdisks[0];
			sample->domains[place].vdisks[0] = (struct io_reading){ .at_ns = 0 };
		}
		place += domain->is_present;
	}
}

static int take_sample(struct sim_host *host)
{
	const struct sim_plant *plant = host->plant;
	struct sample *sample = &host->sample;
	uint64_t now_ns = plant->now_us * 1000;
	size_t place = 0;

	if (sample_prepare(sample, host->topology))
		return -1;
	sample->seq = host->seq++;
	sample->begin_ns = sample->end_ns = now_ns;
	sample->realtime_ns = (uint64_t)((plant->realtime_s + sim_plant_seconds(plant)) * 1e9);
	sample->package_count = 1;
	sample->packages[0].temperature_c = floor(plant->temperature_c);
	put_counts(host, &sample->packages[0].total, plant->kept_cpu_us, plant->kept_events);
	for (size_t i = 0; i < plant->domain_count; i++) {
		if (plant->domains[i].is_present)
			put_domain(host, i, &sample->domains[place++]);
		add_threads(host, i, &sample->packages[0].total);
	}
	add_counts(&sample->packages[0].total, &host->gone);
	if (plant->service_request_s > 0)
		put_service(host, sample);
	put_stream(&plant->disk.read, &plant->disk.write, now_ns, &sample->disks[0]);
	return 0;
}

/* --- readings ------------------------------------------------------------------------------ */

static void put_reading(const struct sim_domain *domain, struct enforce_reading *to)
{
	*to = (struct enforce_reading){ .id = domain->id,
					.cgroup_inode = domain->inode,
					.has_bandwidth = true,
					.periods = domain->group.periods,
					.throttled = domain->group.throttled,
					.in_force = { domain->group.quota_us,
						      domain->group.period_us } };
	to->target = (struct target){ .manager = DOMAIN_QEMU,
				      .pid = domain->pid,
				      .start_ticks = sim_start_ticks(domain->pid),
				      .vcpus = domain->vcpus };
	snprintf(to->target.id, sizeof to->target.id, "%s", domain->id);
	snprintf(to->target.name, sizeof to->target.name, "%s", domain->name);
	snprintf(to->target.cpu_cgroup, sizeof to->target.cpu_cgroup, "%s", domain->cgroup);
	snprintf(to->target.io_cgroup, sizeof to->target.io_cgroup, "%s", domain->cgroup);
}

static void read_places(struct sim_host *host)
{
	host->reading_count = 0;
	for (size_t i = 0; i < host->plant->domain_count; i++)
		if (host->plant->domains[i].is_present)
			put_reading(&host->plant->domains[i],
				    &host->readings[host->reading_count++]);
}

int sim_host_open(struct sim_host *host, struct sim_plant *plant, const struct sim_weights *weights,
		  struct error *error)
{
	struct account_options options = { .cpu = &weights->cpu,
					   .disks = weights->disks,
					   .disk_count = 1,
					   .events = weights->events,
					   .idle_policy = IDLE_VCPU };

	*host = (struct sim_host){ .plant = plant, .weights = weights };
	return account_open(&host->account, &options, error);
}

void sim_host_close(struct sim_host *host)
{
	account_close(host->account);
	topology_unref(host->topology);
	sample_clear(&host->sample);
	snapshot_clear(&host->snapshot);
}

int sim_host_tick(struct sim_host *host, struct error *error)
{
	discover(host);
	if (take_sample(host))
		return error_setf(error, ENOMEM, "out of memory");
	read_places(host);
	return account_tick(host->account, host->topology, &host->sample, &host->snapshot, error);
}
