/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits at the service of a vDISK: where they are put, and whose they are. */
#include "tests/unit/enforce-scene.h"

enum { STORAGE = 900, RESTARTED = 901, MAIN_THREAD = STORAGE, SERVING = 910 };
#define START UINT64_C(7)

/* web1 has a vDISK that a storage daemon serves, which spends 6 W on it. */
struct served {
	struct scene *scene;
	struct attachment attachments[2];
	struct service service;
	struct snapshot_service row;
	char *client;
	struct place_socket socket;
	bool has_socket, holds_threads;
	pid_t dead; /* a service that ended */
};

static struct served served;

static bool lives(void *context, pid_t pid, uint64_t start_ticks)
{
	if (pid == STORAGE || pid == RESTARTED)
		return pid != served.dead;
	return scene_lives(context, pid, start_ticks);
}

static void attach(struct scene *scene, const char *group)
{
	struct attachment *attachment = &served.attachments[0];

	served.service = (struct service){ .id = unit_literal("s"),
					   .name = unit_literal("storage"),
					   .pid = STORAGE,
					   .start_ticks = START };
	*attachment = (struct attachment){ .kind = CLIENT_VDISK };
	attachment->throttle.pid = STORAGE;
	attachment->throttle.start_ticks = START;
	strcpy(attachment->throttle.group, group);
	scene->topology.services = &served.service;
	scene->topology.service_count = 1;
	scene->topology.attachments = served.attachments;
	scene->topology.attachment_count = 1;
	served.client = scene->ids[0];
	served.row = (struct snapshot_service){ .name = served.service.name,
						.pid = STORAGE,
						.clients = &served.client,
						.client_count = 1 };
	scene->snapshot.services = &served.row;
	scene->snapshot.service_count = 1;
	scene->vdisks[0].source = unit_literal("vhost-user:/run/a");
	scene->lives = lives;
}

static struct scene *open_served(const char *config, const char *group)
{
	struct scene *scene = calloc(1, sizeof *scene);

	if (!scene)
		abort();
	served = (struct served){ .socket = { STORAGE, "/run/m" } };
	state_init(&scene->state);
	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		scene_domain(scene, i);
	attach(scene, group);
	scene_open_state(scene, config);
	scene->snapshot.time_s = 1e9;
	scene->sockets = &served.socket;
	scene->socket_count = 1;
	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 2;
	scene->world[0].service_w = 6;
	scene->world[0].bytes = 30e6;
	scene->world[0].demand_cpus = 0.1;
	return scene;
}

/* It reads what it may, which costs what it costs. */
static void run_reading(struct scene *scene, unsigned seconds)
{
	struct scene_domain *world = &scene->world[0];

	while (seconds-- > 0) {
		double limit_s = (double)world->values[KNOB_DISK].disk.read_bytes_s;

		world->bytes = limit_s > 0 ? fmin(30e6, limit_s) : 30e6;
		world->disk_w = 2 * world->bytes / 30e6;
		world->service_w = 6 * world->bytes / 30e6;
		scene_tick(scene);
	}
}

static double watts(const struct scene *scene)
{
	return scene_watts(scene, 0) + scene->world[0].disk_w + scene->world[0].service_w;
}

#define CAP "[domain web1]\ncap = 5W\n"

static struct disk_limit limit(const struct scene *scene)
{
	return scene->world[0].values[KNOB_DISK].disk;
}

/* What was said last to whoever limits disks. */
static const struct verb *last_write(const struct scene *scene)
{
	static const struct verb none;

	for (size_t i = scene->log_count; i-- > 0;)
		if (scene->log[i].value.knob == KNOB_DISK && scene->log[i].kind == VERB_SET)
			return &scene->log[i];
	return &none;
}

static void expect_free(const struct scene *scene)
{
	struct disk_limit now = limit(scene), none = { 0 };

	UNIT_TRUE(memcmp(&now, &none, sizeof now) == 0);
}

static void test_group(void)
{
	struct scene *scene = open_served(CAP, "g");
	const struct target_service *service;

	scene_run(scene, 10);
	UNIT_TRUE(scene_verbs(scene, VERB_SET, KNOB_DISK) > 0);
	service = &last_write(scene)->target.service;
	UNIT_EQUAL_I64(STORAGE, service->pid);
	UNIT_EQUAL_U64(START, service->start_ticks);
	UNIT_EQUAL_TEXT("g", service->group);
	UNIT_EQUAL_TEXT("/run/m", service->qmp_socket);
	UNIT_TRUE(limit(scene).read_bytes_s > 0);
	UNIT_TRUE(scene->saved_before_write);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	expect_free(scene);
	scene_close(scene);
}

/* 1 W of CPU, and what is left of 5 W for the disk and its driver, 8 W for 30 MB. */
static void test_watts(void)
{
	struct scene *scene = open_served(CAP, "g");

	run_reading(scene, 10);
	printf("%g W of 5 W, %g MB/s\n", watts(scene), scene->world[0].bytes / 1e6);
	UNIT_EQUAL_DOUBLE(1, watts(scene) / 5, 0.05);
	UNIT_EQUAL_DOUBLE(0.1, fmin(0.1, scene_quota(&scene->world[0])), 0);
	UNIT_TRUE(scene_verbs(scene, VERB_SET, KNOB_DISK) <= 3);
	scene_close(scene);
}

static void test_thread(void)
{
	struct scene *scene = open_served(CAP, "");

	scene->holds_threads = true;
	served.attachments[0].pid = STORAGE;
	served.attachments[0].tid = SERVING;
	scene_run(scene, 10);
	UNIT_TRUE(scene_verbs(scene, VERB_SET, KNOB_DISK) > 0);
	UNIT_EQUAL_I64(SERVING, last_write(scene)->target.service.tid);
	UNIT_EQUAL_TEXT("", last_write(scene)->target.service.group);
	UNIT_EQUAL_U64(1, last_write(scene)->target.leaf_count);
	scene_close(scene);
}

static void expect_out_of_reach(struct scene *scene, const char *why)
{
	scene_run(scene, 20);
	UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_GET, KNOB_DISK));
	UNIT_EQUAL_U64(1,
		       scene_count(scene, "web1 vda: the work of its service counts, but cannot be "
					  "limited: "));
	UNIT_CONTAINS(why, scene->said.bytes);
	UNIT_EQUAL_U64(1, scene_count(scene, "the limits of web1 cannot be met"));
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_TRUE(scene->rows[0].control.infeasible_w > 0);
	UNIT_CONTAINS(why, scene->vdisk_rows[0].reason);
	snapshot_clear(&scene->snapshot);
	scene_close(scene);
}

static void test_reasons(void)
{
	struct scene *scene = open_served(CAP, "g");

	served.attachments[0].throttle.for_others = true;
	expect_out_of_reach(scene, "its throttle group holds others back, too");
	scene = open_served(CAP, "g");
	scene->socket_count = 0;
	expect_out_of_reach(scene, "no qmp-socket of the configuration is its service's monitor");
	scene = open_served(CAP, "");
	expect_out_of_reach(scene, "its export has no throttle group");
	/* v2, and the main thread, which is not only this vDISK's. */
	scene = open_served(CAP, "");
	served.attachments[0].pid = STORAGE;
	served.attachments[0].tid = SERVING;
	expect_out_of_reach(scene, "its export has no throttle group");
	scene = open_served(CAP, "");
	scene->holds_threads = true;
	served.attachments[0].pid = served.attachments[0].tid = MAIN_THREAD;
	expect_out_of_reach(scene, "its export has no throttle group");
}

/* Its limits are its command line's again: ours are written anew, once. */
static void test_service_restarted(void)
{
	struct scene *scene = open_served(CAP, "g");
	unsigned writes;

	run_reading(scene, 30);
	scene->world[0].values[KNOB_DISK].disk = (struct disk_limit){ .read_bytes_s = 40000000 };
	served.dead = STORAGE;
	served.socket.pid = served.service.pid = RESTARTED;
	served.attachments[0].throttle.pid = RESTARTED;
	scene->topology.generation++;
	writes = scene_verbs(scene, VERB_SET, KNOB_DISK);
	run_reading(scene, 3);
	UNIT_EQUAL_U64(1, scene_verbs(scene, VERB_SET, KNOB_DISK) - writes);
	UNIT_EQUAL_I64(RESTARTED, last_write(scene)->target.service.pid);
	UNIT_TRUE(limit(scene).read_bytes_s < 40000000);
	UNIT_EQUAL_U64(0, scene_count(scene, "somebody else"));
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_U64(40000000, limit(scene).read_bytes_s);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

/* It does not come back: there is nothing to be given back. */
static void test_service_ended(void)
{
	struct scene *scene = open_served(CAP, "g");

	scene_run(scene, 10);
	served.dead = STORAGE;
	scene->topology.attachment_count = scene->topology.service_count = 0;
	scene->topology.generation++;
	scene_run(scene, 2);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

/* Its limit is not the domain's: it would hold the next one that reads there. */
static void test_domain_ended(void)
{
	struct scene *scene = open_served(CAP, "g");

	scene_run(scene, 10);
	scene->tells_ends = true;
	scene->serves_dead = true;
	scene->world[0].running = false;
	scene_run(scene, 3);
	expect_free(scene);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) == NULL);
	scene_close(scene);
}

/* The same, of a run before this one. */
static void test_ended_while_away(void)
{
	struct scene *scene = open_served(CAP, "g");

	scene_run(scene, 10);
	scene->serves_dead = true;
	scene->world[0].running = false;
	scene_kill(scene, CAP);
	UNIT_TRUE(limit(scene).read_bytes_s > 0);
	scene_run(scene, 65);
	expect_free(scene);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) == NULL);
	scene_close(scene);
}

/* A limit outlives us, is known again, and not written again. */
static void test_killed(void)
{
	struct scene *scene = open_served(CAP, "g");
	struct disk_limit before, after;

	scene_run(scene, 10);
	before = limit(scene);
	scene_kill(scene, CAP);
	scene->log_count = 0;
	scene_run(scene, 2);
	after = limit(scene);
	UNIT_TRUE(memcmp(&before, &after, sizeof before) == 0);
	UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_SET, KNOB_DISK));
	UNIT_EQUAL_U64(0, scene_count(scene, "somebody else"));
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	expect_free(scene);
	scene_close(scene);
}

/* Both were restarted, and it has its command line's limits again. */
static void test_both_restarted(void)
{
	struct scene *scene = open_served(CAP, "g");

	scene_run(scene, 10);
	scene_kill(scene, CAP);
	scene->world[0].values[KNOB_DISK].disk = (struct disk_limit){ .read_bytes_s = 40000000 };
	served.dead = STORAGE;
	served.socket.pid = served.service.pid = RESTARTED;
	served.attachments[0].throttle.pid = RESTARTED;
	scene_run(scene, 5);
	UNIT_TRUE(limit(scene).read_bytes_s < 40000000);
	UNIT_EQUAL_U64(0, scene_count(scene, "somebody else"));
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_U64(40000000, limit(scene).read_bytes_s);
	scene_close(scene);
}

/* Somebody else uses the monitor: said once, and tried again until it goes. */
static void test_busy(void)
{
	struct scene *scene = open_served(CAP, "g");

	scene->refuse_get = ETIMEDOUT;
	scene_run(scene, 30);
	UNIT_EQUAL_U64(1, scene_count(scene, "the disk limit of web1 vda cannot be read"));
	expect_free(scene);
	scene->refuse_get = 0;
	scene_run(scene, 60);
	UNIT_EQUAL_U64(1, scene_count(scene, "the disk limit of web1 vda can be read again"));
	UNIT_TRUE(limit(scene).read_bytes_s > 0);
	scene_close(scene);
}

/* An NBD client's requests pass its QEMU: they are held there, where the service cannot. */
static void test_nbd(void)
{
	struct scene *scene = open_served(CAP, "");

	scene->vdisks[0].source = unit_literal("nbd+unix:///a?socket=/run/a");
	run_reading(scene, 10);
	UNIT_TRUE(scene_verbs(scene, VERB_SET, KNOB_DISK) > 0);
	UNIT_EQUAL_I64(0, last_write(scene)->target.service.pid);
	UNIT_EQUAL_DOUBLE(1, watts(scene) / 5, 0.05);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-services",
		{ "a limit goes to the throttle group of the vDISK's service", test_group },
		{ "7: it holds the disk and its driver together, and leaves the CPU its own",
		  test_watts },
		{ "without a group it goes to the thread", test_thread },
		{ "why it cannot be limited is said once", test_reasons },
		{ "a service that is started again gets it again", test_service_restarted },
		{ "a limit goes with its service", test_service_ended },
		{ "a limit does not go with its domain", test_domain_ended },
		{ "nor with one that ended while we were away", test_ended_while_away },
		{ "a limit is known again after a kill", test_killed },
		{ "both may be started again", test_both_restarted },
		{ "a monitor in use is waited for", test_busy },
		{ "what passes QEMU is held there, too", test_nbd });
}
