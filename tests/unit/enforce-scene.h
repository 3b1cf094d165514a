/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * enforce-scene.h - a small host in memory for the tests of enforce: domains
 * whose power follows their quota, verbs that are applied at once, a disk for
 * the state that may be full, and all sentences.
 */
#ifndef VMENERGY_TESTS_ENFORCE_SCENE_H
#define VMENERGY_TESTS_ENFORCE_SCENE_H

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmenergyd/enforce.h"
#include "vmenergyd/policy/bandwidth.h"

enum { SCENE_DOMAINS = 3, SCENE_VERBS = 4096, SCENE_VCPUS = 2 };
#define SCENE_WATTS_PER_CPU 10.0

struct scene_domain {
	bool running;
	double demand_cpus;
	double watts_per_cpu;
	struct knob_value values[KNOB_COUNT]; /* in force */
	bool no_figures;                      /* the account has none in this tick */
	double disk_w, bytes;                 /* of its vDISK, in a second; with has_disk */
	double service_w;                     /* of a service for that vDISK */
	bool has_disk;
	const char *vdisk;               /* its name; NULL = "vda" */
	double cpu_j, disk_j, service_j; /* totals */
	uint64_t periods, throttled;
};

struct scene {
	struct enforce *enforce;
	struct state state;
	struct config config;
	struct weights cpu, disk;
	const struct weights *disks[1];
	struct topology topology;
	struct domain domains[SCENE_DOMAINS];
	struct vdisk vdisks[SCENE_DOMAINS];
	size_t hidden;   /* so many of the first are not listed, but live */
	bool tells_ends; /* else who ends is just not seen any more */
	size_t leaf;
	struct disk leaves[1];
	struct snapshot snapshot;
	struct snapshot_domain rows[SCENE_DOMAINS];
	struct snapshot_vdisk vdisk_rows[SCENE_DOMAINS];
	struct enforce_reading readings[SCENE_DOMAINS];
	struct scene_domain world[SCENE_DOMAINS];
	char ids[SCENE_DOMAINS][40], names[SCENE_DOMAINS][40];
	uint64_t now_ns;
	double stopped_s;        /* so much longer than usual is the next tick */
	struct text said, saved; /* saved: the state file */
	unsigned saves, writes, gets;
	bool disk_full, deaf; /* deaf: verbs are taken and never answered */
	pid_t mute;           /* verbs for this one are never answered; 0 = none */
	int refuse;           /* errno for each SET; 0 = none */
	int refuse_get;       /* errno for each GET of a disk's limit; 0 = none */
	bool serves_dead;     /* limits of who has ended can be read and written */
	/* Of storage daemons; set by tests of theirs. */
	const struct place_socket *sockets;
	size_t socket_count;
	bool holds_threads;
	bool (*lives)(void *context, pid_t pid, uint64_t start_ticks); /* NULL = scene_lives */
	unsigned lossy;   /* so many SETs of a CPU limit lose the period without a word */
	struct verb sent; /* the last one */
	struct verb log[SCENE_VERBS];
	size_t log_count;
	bool saved_before_write; /* each SET found its knob in the state file */
};

static inline void scene_say(void *context, bool is_warning, const char *sentence)
{
	struct scene *scene = context;

	text_addf(&scene->said, "%s%s\n", is_warning ? "warning: " : "", sentence);
}

static inline unsigned scene_count(const struct scene *scene, const char *needle)
{
	const char *at = scene->said.bytes;
	unsigned count = 0;

	for (; at && (at = strstr(at, needle)); at++)
		count++;
	return count;
}

static inline void scene_configure(struct scene *scene, const char *text)
{
	struct error_list errors = { 0 };

	config_init(&scene->config);
	if (config_parse("test.conf", text, strlen(text), &scene->config, &errors)) {
		fprintf(stderr, "%s\n", errors.count > 0 ? errors.texts[0] : "config?");
		abort();
	}
	error_list_clear(&errors);
}

static inline void scene_domain(struct scene *scene, size_t i)
{
	struct scene_domain *world = &scene->world[i];

	*world = (struct scene_domain){ .running = true,
					.demand_cpus = SCENE_VCPUS,
					.watts_per_cpu = SCENE_WATTS_PER_CPU };
	for (int knob = 0; knob < KNOB_COUNT; knob++)
		world->values[knob].knob = (enum knob)knob;
	world->values[KNOB_CPU].cpu = (struct cpu_limit){ -1, 100000 };
	world->values[KNOB_SHARES].shares = 100;
	snprintf(scene->ids[i], sizeof scene->ids[i], "00000000-0000-4000-8000-%012zu", i + 1);
	snprintf(scene->names[i], sizeof scene->names[i], "web%zu", i + 1);
	scene->domains[i] = (struct domain){
		.id = scene->ids[i],
		.name = scene->names[i],
		.uuid = scene->ids[i],
		.manager = DOMAIN_LIBVIRT,
		.pid = (pid_t)(100 + i),
		.start_ticks = 1000 + i,
		.vcpus = SCENE_VCPUS,
		.vdisks = &scene->vdisks[i],
	};
	scene->vdisks[i] = (struct vdisk){
		.name = unit_literal("vda"),
		.source = unit_literal("/x"),
		.leaves = &scene->leaf,
		.leaf_count = 1,
	};
}

static inline bool scene_lives(void *context, pid_t pid, uint64_t start_ticks)
{
	const struct scene *scene = context;

	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		if (scene->domains[i].pid == pid && scene->domains[i].start_ticks == start_ticks)
			return scene->world[i].running;
	return false;
}

/* `config` in the syntax of vmenergyd.conf; three libvirt domains web1 .. web3, busy. */
static inline void scene_open_state(struct scene *scene, const char *config)
{
	const struct enforce_options options = {
		.cpu = &scene->cpu,
		.disks = scene->disks,
		.disk_count = 1,
		.control_interval_s = 1,
		.lives = scene->lives ? scene->lives : scene_lives,
		.lives_context = scene,
	};
	struct error error = { "" };

	scene->cpu = (struct weights){ .path = unit_literal(""),
				       .kind = WEIGHTS_CPU,
				       .scope = SCOPE_WALL,
				       .thermal_c1 = NAN,
				       .thermal_c2 = NAN,
				       .thermal_t0_c = NAN,
				       .energy_error_percent = 2 };
	scene->disk = (struct weights){
		.path = unit_literal(""),
		.kind = WEIGHTS_DISK,
		.guess = true,
		.scope = SCOPE_WALL,
		.match = { .family = MATCH_ANY,
			   .model = MATCH_ANY,
			   .stepping = MATCH_ANY,
			   .chips = MATCH_ANY,
			   .cpus = MATCH_ANY,
			   .rotational = MATCH_ANY },
		.disk = { .idle_w = 5,
			  .active_w = 9,
			  .read = { 0.001, 100e6 },
			  .write = { 0.001, 80e6 } },
	};
	scene->disks[0] = &scene->disk;
	scene->leaves[0] = (struct disk){ .name = unit_literal("sda"),
					  .model = unit_literal("M"),
					  .major = 8 };
	scene->now_ns = 1000000000000;
	scene->saved_before_write = true;
	scene_configure(scene, config);
	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		if (!scene->domains[i].id)
			scene_domain(scene, i);
	scene->topology.domains = scene->domains;
	scene->topology.disks = scene->leaves;
	scene->topology.disk_count = 1;
	scene->topology.generation = 1;
	scene->snapshot.domains = scene->rows;
	scene->snapshot.epoch = 1;
	if (enforce_open(&scene->enforce, &options, &scene->config, &scene->state, scene_say, scene,
			 &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
}

static inline struct scene *scene_open(const char *config)
{
	struct scene *scene = calloc(1, sizeof *scene);

	if (!scene)
		abort();
	state_init(&scene->state);
	scene_open_state(scene, config);
	return scene;
}

/* The daemon is killed: what it knew is what the state file says. World and domains stay. */
static inline void scene_kill(struct scene *scene, const char *config)
{
	struct error error = { "" };

	enforce_close(scene->enforce);
	config_clear(&scene->config);
	state_clear(&scene->state);
	if (scene->saved.bytes &&
	    state_parse(scene->saved.bytes, scene->saved.length, &scene->state, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	text_reset(&scene->said);
	scene_open_state(scene, config);
}

static inline void scene_close(struct scene *scene)
{
	enforce_close(scene->enforce);
	config_clear(&scene->config);
	state_clear(&scene->state);
	text_free(&scene->said);
	text_free(&scene->saved);
	free(scene);
}

/* --- the world ---------------------------------------------------------------------------- */

static inline double scene_quota(const struct scene_domain *world)
{
	const struct cpu_limit *cpu = &world->values[KNOB_CPU].cpu;

	return cpu->quota_us < 0 ? INFINITY : (double)cpu->quota_us / (double)cpu->period_us;
}

static inline double scene_watts(const struct scene *scene, size_t i)
{
	const struct scene_domain *world = &scene->world[i];

	return fmin(world->demand_cpus, scene_quota(world)) * world->watts_per_cpu;
}

static inline void scene_put_vdisk(struct scene *scene, size_t i, struct snapshot_domain *row,
				   double seconds)
{
	const struct scene_domain *world = &scene->world[i];
	char *name = unit_literal(world->vdisk ? world->vdisk : "vda");

	row->vdisk_count = world->has_disk;
	scene->domains[i].vdisk_count = world->has_disk;
	row->vdisks = &scene->vdisk_rows[i];
	row->disk.active_w = world->has_disk ? world->disk_w : 0;
	scene->world[i].disk_j += row->disk.active_w * seconds;
	row->disk.active_j = world->disk_j;
	row->service.active_w = world->has_disk ? world->service_w : 0;
	scene->world[i].service_j += row->service.active_w * seconds;
	row->service.active_j = world->service_j;
	scene->vdisks[i].name = name;
	scene->vdisk_rows[i] = (struct snapshot_vdisk){
		.name = name,
		.active_w = world->disk_w,
		.service_active_w = world->service_w,
		.read_bytes = world->bytes * seconds,
		.write_bytes = 0,
		.requests = world->bytes / 65536 * seconds,
	};
}

static inline void scene_put(struct scene *scene, size_t from, size_t to, double seconds)
{
	struct scene_domain *world = &scene->world[from];
	struct snapshot_domain *row = &scene->rows[to];
	double watts = scene_watts(scene, from);

	world->cpu_j += watts * seconds;
	*row = (struct snapshot_domain){ .throttle_cpu = NAN, .throttle_disk = NAN };
	row->control = (struct snapshot_control){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };
	row->cpu = (struct account_power){ 1, world->no_figures ? NAN : watts, 0, world->cpu_j };
	row->id = scene->domains[from].id;
	row->name = scene->domains[from].name;
	row->uuid = scene->domains[from].uuid;
	row->state = DOMAIN_RUNNING;
	row->quality = world->no_figures ? QUALITY_MISSING : 0;
	row->cpu_percent = world->no_figures ? NAN : watts / world->watts_per_cpu * 100;
	scene->snapshot.host.cpu_active_w += watts;
	scene_put_vdisk(scene, from, row, seconds);
}

/* One that it shares with others is none where it can be held. */
static inline const char *scene_cgroup(const struct scene_domain *world)
{
	const char *cgroup = world->values[KNOB_PLACE].place.cpu_cgroup;

	return strcmp(cgroup, "/shared") == 0 ? "" : cgroup;
}

static inline void scene_read(struct scene *scene, size_t i, struct enforce_reading *reading,
			      double seconds)
{
	struct scene_domain *world = &scene->world[i];
	const struct domain *domain = &scene->domains[i];
	double periods = 50 * seconds;
	bool throttled = scene_quota(world) < world->demand_cpus;

	reading->id = domain->id;
	reading->target.manager = domain->manager;
	reading->target.pid = domain->pid;
	reading->target.start_ticks = domain->start_ticks;
	reading->target.vcpus = domain->vcpus;
	snprintf(reading->target.name, sizeof reading->target.name, "%s", domain->name);
	snprintf(reading->target.uuid, sizeof reading->target.uuid, "%s",
		 domain->uuid ? domain->uuid : "");
	snprintf(reading->target.cpu_cgroup, sizeof reading->target.cpu_cgroup, "%s",
		 domain->manager == DOMAIN_LIBVIRT ? "/machine" : scene_cgroup(world));
	snprintf(reading->target.io_cgroup, sizeof reading->target.io_cgroup, "%s",
		 world->values[KNOB_PLACE].place.io_cgroup);
	reading->has_bandwidth = reading->target.cpu_cgroup[0] != '\0';
	world->periods += isinf(scene_quota(world)) ? 0 : (uint64_t)periods;
	world->throttled += throttled ? (uint64_t)periods : 0;
	reading->periods = world->periods;
	reading->throttled = world->throttled;
	reading->in_force = world->values[KNOB_CPU].cpu;
}

static inline int scene_find(const struct scene *scene, const struct target *target)
{
	for (int i = 0; i < SCENE_DOMAINS; i++)
		if (scene->domains[i].pid == target->pid &&
		    scene->domains[i].start_ticks == target->start_ticks &&
		    (scene->world[i].running || scene->serves_dead))
			return i;
	return -1;
}

/* Is what is about to be written, and what was there before, in the file? */
static inline bool scene_is_saved(const struct scene *scene, const struct verb *verb)
{
	struct state state;
	struct error error = { "" };
	struct state_domain *domain;
	struct state_knob *knob = NULL;
	bool saved;

	if (!scene->saved.bytes ||
	    state_parse(scene->saved.bytes, scene->saved.length, &state, &error))
		return false;
	domain = state_domain(&state, verb->target.id);
	if (domain)
		knob = state_knob(domain, verb->value.knob, verb->target.vdisk);
	saved = knob && knob_value_equal(&knob->written, &verb->value);
	state_clear(&state);
	return saved;
}

static inline void scene_write(struct scene *scene, struct knob_value *into,
			       const struct knob_value *value)
{
	uint64_t period_us = into->cpu.period_us;
	bool loses = value->knob == KNOB_CPU && scene->lossy > 0;

	*into = *value;
	if (!loses)
		return;
	scene->lossy--;
	into->cpu.period_us = period_us;
}

static inline void scene_apply(struct scene *scene, const struct verb *verb)
{
	struct applied applied = { .seq = verb->seq };
	int at = scene_find(scene, &verb->target);
	struct knob_value *value = at < 0 ? NULL : &scene->world[at].values[verb->value.knob];

	if (scene->log_count < SCENE_VERBS)
		scene->log[scene->log_count++] = *verb;
	if (scene->mute && scene->mute == verb->target.pid)
		return;
	if (!value) {
		applied.result = error_setf(&applied.error, ESRCH, "no such process");
	} else if (verb->kind == VERB_GET && verb->value.knob == KNOB_DISK && scene->refuse_get) {
		applied.result = error_setf(&applied.error, scene->refuse_get, "%s",
					    strerrordesc_np(scene->refuse_get));
	} else if (verb->kind == VERB_SET && scene->refuse) {
		applied.result = error_setf(&applied.error, scene->refuse, "%s",
					    strerrordesc_np(scene->refuse));
	} else if (verb->kind == VERB_SET) {
		scene->saved_before_write &= scene->disk_full || scene_is_saved(scene, verb);
		scene->writes++;
		scene_write(scene, value, &verb->value);
	} else {
		scene->gets++;
	}
	if (value)
		applied.value = *value;
	enforce_applied(scene->enforce, &applied);
}

/* As the daemon does it: state first, then verbs, until nothing waits. */
static inline void scene_deliver(struct scene *scene)
{
	static struct verb taken[64];

	for (;;) {
		bool needs_state;
		size_t count;
		const struct verb *verbs = enforce_verbs(scene->enforce, &count, &needs_state);
		struct error error = { "" };

		if (count > 0 && needs_state && scene->disk_full) {
			enforce_refuse_new(scene->enforce, "no space left");
			verbs = enforce_verbs(scene->enforce, &count, &needs_state);
		} else if (count > 0 && needs_state) {
			text_reset(&scene->saved);
			UNIT_EQUAL_I64(0, state_print(&scene->state, &scene->saved, &error));
			scene->saves++;
		}
		if (count == 0)
			return;
		count = count < 64 ? count : 64;
		memcpy(taken, verbs, count * sizeof *taken);
		enforce_sent(scene->enforce, count);
		scene->sent = taken[count - 1];
		for (size_t i = 0; i < count && !scene->deaf; i++)
			scene_apply(scene, &taken[i]);
	}
}

/* One tick of a second. Returns what enforce_tick() did. */
static inline int scene_tick(struct scene *scene)
{
	const double seconds = 1 + scene->stopped_s;
	size_t count = 0;
	struct error error = { "" };
	struct enforce_input input = { .topology = &scene->topology,
				       .snapshot = &scene->snapshot,
				       .readings = scene->readings,
				       .sockets = scene->sockets,
				       .socket_count = scene->socket_count,
				       .holds_threads = scene->holds_threads,
				       .metered_w = NAN,
				       .modelled_w = NAN };
	int result;

	scene->now_ns += (uint64_t)(seconds * 1e9);
	scene->stopped_s = 0;
	scene->snapshot.seq++;
	scene->snapshot.time_s += seconds;
	scene->snapshot.interval_s = seconds;
	scene->snapshot.host = (struct snapshot_host){ .cpu_idle_w = 10, .temperature_c = NAN };
	for (size_t i = scene->hidden; i < SCENE_DOMAINS; i++) {
		scene->domains[i].state = scene->world[i].running ? DOMAIN_RUNNING : DOMAIN_ENDED;
		if (!scene->world[i].running && !scene->tells_ends)
			continue;
		scene_put(scene, i, count, seconds);
		if (!scene->world[i].running)
			scene->rows[count].state = DOMAIN_ENDED;
		scene_read(scene, i, &scene->readings[count], seconds);
		count++;
	}
	scene->snapshot.host.total_w = 10 + scene->snapshot.host.cpu_active_w;
	scene->snapshot.domain_count = count;
	scene->topology.domains = scene->domains + scene->hidden;
	scene->topology.domain_count = SCENE_DOMAINS - scene->hidden;
	input.now_ns = scene->now_ns;
	input.reading_count = count;
	result = enforce_tick(scene->enforce, &input, &error);
	if (result < 0)
		fprintf(stderr, "%s\n", error.text);
	scene_deliver(scene);
	return result;
}

static inline void scene_run(struct scene *scene, unsigned seconds)
{
	while (seconds-- > 0)
		scene_tick(scene);
}

/* Verbs of a kind for a knob, since the scene began. */
static inline unsigned scene_verbs(const struct scene *scene, enum verb_kind kind, enum knob knob)
{
	unsigned count = 0;

	for (size_t i = 0; i < scene->log_count; i++)
		count += scene->log[i].kind == kind && scene->log[i].value.knob == knob;
	return count;
}

#endif
