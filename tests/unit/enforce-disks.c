/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of disks outlive the daemon, and not the vDISKs that they were made for. */
#include "tests/unit/enforce-scene.h"

#define DISK_CAP "[domain web1]\ndisk-cap = 1W\n"

/* web1 reads 2 W worth whatever its limit: feedback goes as low as it may. A plain QEMU is held by
 * its cgroup. */
static struct scene *open_disk(enum domain_manager manager, const char *config)
{
	struct scene *scene = calloc(1, sizeof *scene);

	if (!scene)
		abort();
	state_init(&scene->state);
	for (size_t i = 0; i < SCENE_DOMAINS; i++) {
		struct place *place = &scene->world[i].values[KNOB_PLACE].place;

		scene_domain(scene, i);
		scene->domains[i].manager = manager;
		strcpy(place->cpu_cgroup, "/vm");
		strcpy(place->io_cgroup, "/vm");
	}
	scene_open_state(scene, config);
	scene->snapshot.time_s = 1e9;
	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 2;
	scene->world[0].bytes = 30e6;
	scene_run(scene, 20);
	return scene;
}

static struct disk_limit limit(const struct scene *scene)
{
	return scene->world[0].values[KNOB_DISK].disk;
}

static void expect_limit(const struct scene *scene, const struct disk_limit *expected)
{
	struct disk_limit now = limit(scene);

	UNIT_EQUAL_U64(expected->read_bytes_s, now.read_bytes_s);
	UNIT_EQUAL_U64(expected->write_bytes_s, now.write_bytes_s);
	UNIT_EQUAL_U64(expected->read_requests_s, now.read_requests_s);
	UNIT_EQUAL_U64(expected->write_requests_s, now.write_requests_s);
}

/* A clean stop leaves no limit behind. */
static void expect_clean_end(struct scene *scene)
{
	const struct disk_limit none = { 0 };

	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	expect_limit(scene, &none);
	scene_close(scene);
}

static void kill_and_start(struct scene *scene, const char *config)
{
	text_reset(&scene->saved);
	UNIT_EQUAL_I64(0, state_print(&scene->state, &scene->saved, NULL));
	scene_kill(scene, config);
	scene->log_count = 0;
}

static const struct {
	enum domain_manager manager;
	const char *config;
} ways[] = {
	{ DOMAIN_QEMU, DISK_CAP },
	{ DOMAIN_LIBVIRT, DISK_CAP },
	{ DOMAIN_LIBVIRT, "[domain web1]\ncap = 3W\n" },
	{ DOMAIN_LIBVIRT, "[domain web1]\ncap-total = 3W\n" },
};

/* Nothing is loosened before there are figures, nor with the first of them. */
static void test_restart(void)
{
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct scene *scene = open_disk(ways[i].manager, ways[i].config);
		struct disk_limit before = limit(scene);

		UNIT_TRUE(before.read_bytes_s > 0 && before.read_bytes_s < 15000000);
		kill_and_start(scene, ways[i].config);
		scene->world[0].no_figures = true;
		scene_run(scene, 5);
		expect_limit(scene, &before);
		UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_SET, KNOB_DISK));
		scene_close(scene);
	}
}

static void test_feedback_goes_on(void)
{
	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = open_disk(ways[i].manager, DISK_CAP);
		struct disk_limit before = limit(scene);

		kill_and_start(scene, DISK_CAP);
		scene_run(scene, 30);
		expect_limit(scene, &before);
		UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_SET, KNOB_DISK));
		scene_close(scene);
	}
}

/* A limit that is not needed any more is taken away, once that is known. */
static void test_released(void)
{
	struct scene *scene = open_disk(DOMAIN_LIBVIRT, DISK_CAP);
	const struct disk_limit none = { 0 };

	kill_and_start(scene, "[domain web1]\ncap = 60W\n");
	scene_run(scene, 20);
	expect_limit(scene, &none);
	scene_close(scene);
}

static void plug(struct scene *scene, const char *name)
{
	scene->world[0].has_disk = name != NULL;
	scene->world[0].vdisk = name;
	scene->topology.generation++;
}

/* Limits of a cgroup are those of the host's device, and stay when the vDISK goes. */
static void test_unplugged(void)
{
	struct scene *scene = open_disk(DOMAIN_QEMU, DISK_CAP);
	struct disk_limit before = limit(scene);
	const struct disk_limit none = { 0 };

	plug(scene, NULL);
	scene_run(scene, 3);
	expect_limit(scene, &none);
	plug(scene, "vda");
	scene_run(scene, 20);
	expect_limit(scene, &before);
	expect_clean_end(scene);
}

/* It lies on the same device: what was there first is its original, too. */
static void test_exchanged(void)
{
	struct scene *scene = open_disk(DOMAIN_QEMU, DISK_CAP);
	struct disk_limit before = limit(scene);

	scene->log_count = 0;
	plug(scene, "vdb");
	scene_run(scene, 5);
	expect_limit(scene, &before);
	UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_SET, KNOB_DISK));
	expect_clean_end(scene);
}

/* The old limit is not gone yet when the next vDISK comes: it is nobody's original. */
static void test_exchanged_slowly(void)
{
	struct scene *scene = open_disk(DOMAIN_QEMU, DISK_CAP);
	struct disk_limit before = limit(scene);

	scene->mute = scene->domains[0].pid;
	plug(scene, NULL);
	scene_run(scene, 1);
	scene->mute = 0;
	plug(scene, "vdb");
	scene_run(scene, 2);
	expect_limit(scene, &before);
	scene_run(scene, 60);
	expect_limit(scene, &before);
	expect_clean_end(scene);
}

/* On another device than before: the old one's original goes back before anything is taken. */
static void test_moved(void)
{
	struct scene *scene = open_disk(DOMAIN_QEMU, DISK_CAP);

	scene->log_count = 0;
	scene->leaves[0].minor = 16;
	plug(scene, "vda");
	scene_run(scene, 3);
	UNIT_EQUAL_U64(2, scene_verbs(scene, VERB_SET, KNOB_DISK));
	for (size_t i = 0, sets = 0; i < scene->log_count; i++) {
		const struct verb *verb = &scene->log[i];

		if (verb->kind != VERB_SET || verb->value.knob != KNOB_DISK)
			continue;
		UNIT_EQUAL_U64(1, verb->target.leaf_count);
		UNIT_EQUAL_U64(sets == 0 ? 0 : 16, verb->target.leaves[0].minor);
		UNIT_EQUAL_I64(sets == 0, verb->value.disk.read_bytes_s == 0);
		sets++;
	}
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-disks",
		{ "a restart without figures leaves a disk's limit", test_restart },
		{ "a restart goes on with what feedback had found", test_feedback_goes_on },
		{ "a restart takes away what is not needed any more", test_released },
		{ "an unplugged vDISK leaves no limit on its device", test_unplugged },
		{ "another vDISK on the device goes on with its limit", test_exchanged },
		{ "one that comes meanwhile waits for the original", test_exchanged_slowly },
		{ "a vDISK on another device gives the old one back", test_moved });
}
