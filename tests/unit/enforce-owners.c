/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Owners' budgets: theirs are all of their domains', and outlive those and the daemon. */
#include "tests/unit/enforce-scene.h"

/* 5 W in the mean; half an hour of them may be saved up. */
#define BUDGET                                                                                     \
	"[owner shop]\nbudget = 18kJ/h\nburst = 9kJ\n"                                             \
	"[domain web1]\nowner = shop\n[domain web2]\nowner = shop\n"

static double bucket_j(struct scene *scene)
{
	struct state_owner *owner = state_owner(&scene->state, "shop");

	return owner ? owner->bucket_j : NAN;
}

/* As the daemon does it now and then. */
static void save(struct scene *scene)
{
	text_reset(&scene->saved);
	UNIT_EQUAL_I64(0, state_print(&scene->state, &scene->saved, NULL));
}

static struct scene *open_busy(void)
{
	struct scene *scene = scene_open(BUDGET);

	scene->snapshot.time_s = 1e9;
	scene_run(scene, 100);
	save(scene);
	return scene;
}

/* 40 W are used of 5: a hundred seconds take some 3.5 kJ. */
static void test_continues(void)
{
	struct scene *scene = open_busy();
	double before_j = bucket_j(scene);

	UNIT_TRUE(before_j > 5000 && before_j < 6000);
	scene_kill(scene, BUDGET);
	UNIT_EQUAL_DOUBLE(before_j, bucket_j(scene), 1e-12);
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(before_j, bucket_j(scene), 0.02);
	scene_run(scene, 30);
	UNIT_TRUE(bucket_j(scene) < before_j - 900);
	scene_close(scene);
}

/* A time that nobody saw: at the power that is seen first. */
static void test_away(void)
{
	struct scene *scene = open_busy();
	double before_j = bucket_j(scene);

	scene_kill(scene, BUDGET);
	scene->snapshot.time_s += 100;
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(before_j - 35 * 101, bucket_j(scene), 0.05);
	scene_close(scene);
}

/* A file of before: owners begin with a full bucket, as they did. */
static void test_older_file(void)
{
	struct scene *scene = open_busy();
	char *owners = strstr(scene->saved.bytes, ",\"owners\"");

	UNIT_TRUE(owners != NULL);
	if (owners)
		strcpy(owners, "}\n");
	scene->saved.length = strlen(scene->saved.bytes);
	scene_kill(scene, BUDGET);
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(9000, bucket_j(scene), 0.02);
	scene_close(scene);
}

/* Nothing of the owner's runs: the budget grows by its rate, and is not forgotten. */
static void test_absent(void)
{
	struct scene *scene = scene_open("[host]\ncap = 500W\n" BUDGET);
	double before_j;

	scene_run(scene, 100);
	scene->world[0].running = scene->world[1].running = false;
	scene_run(scene,
		  70); /* a domain that is not seen is taken for one that runs, for a while */
	before_j = bucket_j(scene);
	scene_run(scene, 200);
	UNIT_EQUAL_DOUBLE(before_j + 5 * 200, bucket_j(scene), 0.01);
	scene->world[0].running = scene->world[1].running = true;
	scene_run(scene, 2);
	UNIT_TRUE(bucket_j(scene) < before_j + 1010);
	scene_close(scene);
}

static void test_taken_away(void)
{
	struct scene *scene = open_busy();

	config_clear(&scene->config);
	scene_configure(scene, "[domain web*]\nowner = shop\ncap = 20W\n");
	enforce_set_config(scene->enforce, &scene->config, 1);
	scene_run(scene, 2);
	UNIT_EQUAL_U64(0, scene->state.owner_count);
	config_clear(&scene->config);
	scene_configure(scene, BUDGET);
	enforce_set_config(scene->enforce, &scene->config, 1);
	scene_run(scene, 1);
	UNIT_TRUE(bucket_j(scene) > 8500);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN("enforce-owners", { "a budget goes on where it was", test_continues },
			{ "a budget is charged for the time without a daemon", test_away },
			{ "a state file without owners is read", test_older_file },
			{ "a budget fills up while nothing of its owner's runs", test_absent },
			{ "a budget that is taken away is forgotten", test_taken_away });
}
