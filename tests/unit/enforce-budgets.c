/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Budgets, of domains and of owners, outlive runs of domains and of the daemon. */
#include "tests/unit/enforce-scene.h"

/* 5 W in the mean; half an hour of them may be saved up. */
#define BUDGET                                                                                     \
	"[owner shop]\nbudget = 18kJ/h\nburst = 9kJ\n"                                             \
	"[domain web1]\nowner = shop\n[domain web2]\nowner = shop\n"

static double bucket_j(struct scene *scene)
{
	const struct state_budget *budget = state_budget(&scene->state, POLICY_OWNER_PREFIX "shop");

	return budget ? budget->bucket_j : NAN;
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
	char *owners = strstr(scene->saved.bytes, ",\"budgets\"");

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
static void absent(const char *config)
{
	struct scene *scene = scene_open(config);
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

static void test_absent(void)
{
	absent("[host]\ncap = 500W\n" BUDGET);
	absent(BUDGET);
}

static void test_taken_away(void)
{
	struct scene *scene = open_busy();

	config_clear(&scene->config);
	scene_configure(scene, "[domain web*]\nowner = shop\ncap = 20W\n");
	enforce_set_config(scene->enforce, &scene->config, 1);
	scene_run(scene, 2);
	UNIT_EQUAL_U64(0, scene->state.budget_count);
	config_clear(&scene->config);
	scene_configure(scene, BUDGET);
	enforce_set_config(scene->enforce, &scene->config, 1);
	scene_run(scene, 1);
	UNIT_TRUE(bucket_j(scene) > 8500);
	scene_close(scene);
}

/* The owner's domains end with a nearly full bucket. */
static void test_absent_full(void)
{
	struct scene *scene = scene_open(BUDGET);

	scene->tells_ends = true;
	scene_run(scene, 3);
	scene->world[0].running = scene->world[1].running = false;
	scene_run(scene, 2);
	UNIT_TRUE(bucket_j(scene) < 9000);
	scene_run(scene, 20);
	UNIT_EQUAL_U64(0, scene->state.budget_count);
	scene_close(scene);
}

/* --- a domain's own ----------------------------------------------------------------------- */

#define OWN "[domain web1]\nbudget = 18kJ/h\nburst = 9kJ\n"

/* While it runs; NAN = nothing is known. */
static double own_j(struct scene *scene)
{
	const struct state_domain *domain = state_domain(&scene->state, scene->ids[0]);

	return domain ? domain->memory.bucket_j : NAN;
}

/* While it does not. */
static double kept_j(struct scene *scene)
{
	const struct state_budget *budget = state_budget(&scene->state, scene->ids[0]);

	return budget ? budget->bucket_j : NAN;
}

static void stop(struct scene *scene)
{
	scene->world[0].running = false;
}

static void start(struct scene *scene)
{
	scene->domains[0].pid += 1000;
	scene->domains[0].start_ticks += 1000;
	scene->world[0].running = true;
}

/* 20 W are used of 5: a hundred seconds take some 1.5 kJ. */
static struct scene *open_own(void)
{
	struct scene *scene = scene_open(OWN);

	scene->tells_ends = true;
	scene->snapshot.time_s = 1e9;
	scene_run(scene, 100);
	UNIT_TRUE(own_j(scene) > 7400 && own_j(scene) < 7600);
	save(scene);
	return scene;
}

static void test_restart(void)
{
	struct scene *scene = open_own();
	double before_j = own_j(scene);

	stop(scene);
	scene_run(scene, 1);
	UNIT_TRUE(isnan(own_j(scene)));
	UNIT_EQUAL_DOUBLE(before_j, kept_j(scene), 1e-9);
	scene_run(scene, 100);
	UNIT_EQUAL_DOUBLE(before_j + 5 * 100, kept_j(scene), 1e-9);
	start(scene);
	scene_run(scene, 1);
	UNIT_TRUE(isnan(kept_j(scene)));
	UNIT_EQUAL_DOUBLE(before_j + 5 * 100, own_j(scene), 0.01);
	scene_run(scene, 10);
	UNIT_EQUAL_DOUBLE(before_j + 5 * 100 - 15 * 10, own_j(scene), 0.1);
	scene_close(scene);
}

/* It does not come back in the time in which all that the last run knew may. */
static void test_restart_killed(void)
{
	struct scene *scene = open_own();
	double before_j;

	stop(scene);
	scene_run(scene, 10);
	before_j = kept_j(scene);
	save(scene);
	scene_kill(scene, OWN);
	UNIT_EQUAL_DOUBLE(before_j, kept_j(scene), 1e-9);
	scene->snapshot.time_s += 100;
	scene_run(scene, 61);
	UNIT_EQUAL_DOUBLE(before_j, kept_j(scene), 1e-9);
	scene_run(scene, 40);
	UNIT_EQUAL_DOUBLE(before_j + 5 * 40, kept_j(scene), 1e-9);
	start(scene);
	scene_run(scene, 2);
	UNIT_TRUE(isnan(kept_j(scene)));
	UNIT_EQUAL_DOUBLE(before_j + 5 * 40 - 15, own_j(scene), 0.1);
	scene_close(scene);
}

/* It may have run for all that time. */
static void test_restart_away(void)
{
	struct scene *scene = open_own();
	double before_j;

	stop(scene);
	scene_run(scene, 10);
	before_j = kept_j(scene);
	save(scene);
	scene_kill(scene, OWN);
	start(scene);
	scene->snapshot.time_s += 100;
	scene_run(scene, 1);
	UNIT_TRUE(isnan(kept_j(scene)));
	UNIT_EQUAL_DOUBLE(before_j - 15 * 101, own_j(scene), 0.1);
	scene_close(scene);
}

static void test_ended_away(void)
{
	struct scene *scene = open_own();
	double before_j = own_j(scene);

	stop(scene);
	scene_kill(scene, OWN);
	scene_run(scene, 61);
	UNIT_TRUE(isnan(own_j(scene)));
	UNIT_EQUAL_DOUBLE(before_j, kept_j(scene), 1e-9);
	scene_run(scene, 10);
	UNIT_EQUAL_DOUBLE(before_j + 5 * 10, kept_j(scene), 1e-9);
	scene_close(scene);
}

static void test_full(void)
{
	struct scene *scene = open_own();

	stop(scene);
	scene_run(scene, 290);
	UNIT_TRUE(kept_j(scene) > 8900);
	scene_run(scene, 20);
	UNIT_EQUAL_U64(0, scene->state.budget_count);
	start(scene);
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(9000, own_j(scene), 0.01);
	scene_close(scene);
}

static void test_domain_taken_away(void)
{
	struct scene *scene = open_own();

	stop(scene);
	scene_run(scene, 2);
	UNIT_EQUAL_U64(1, scene->state.budget_count);
	config_clear(&scene->config);
	scene_configure(scene, "[domain web1]\ncap = 20W\n");
	enforce_set_config(scene->enforce, &scene->config, 1);
	scene_run(scene, 1);
	UNIT_EQUAL_U64(0, scene->state.budget_count);
	scene_close(scene);
}

static void reload(struct scene *scene, const char *text)
{
	config_clear(&scene->config);
	scene_configure(scene, text);
	enforce_set_config(scene->enforce, &scene->config, 1);
}

/* Meanwhile nothing at all is limited: that time is not the budget's. */
static void test_taken_away_and_given_back(void)
{
	struct scene *scene = open_own();

	reload(scene, "");
	scene_run(scene, 600);
	UNIT_TRUE(isnan(own_j(scene)));
	reload(scene, OWN);
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(9000, own_j(scene), 0.01);
	scene_close(scene);
}

/* It was not used of a budget that was not there. */
static void test_given_later(void)
{
	struct scene *scene = open_own();

	scene_kill(scene, "[domain web1]\ncap = 30W\n");
	scene->snapshot.time_s += 100;
	scene_run(scene, 5);
	reload(scene, OWN);
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(9000, own_j(scene), 0.01);
	scene_close(scene);
}

/* So long as nobody is seen nothing is limited; what there is to charge is not forgotten. */
static void test_away_and_not_seen(void)
{
	struct scene *scene = open_own();
	double before_j = own_j(scene);

	scene_kill(scene, OWN);
	scene->snapshot.time_s += 100;
	scene->hidden = 1;
	scene_run(scene, 5);
	scene->hidden = 0;
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(before_j - 15 * 101, own_j(scene), 0.1);
	scene_close(scene);
}

/* A QEMU that nobody gave a UUID; and one of two that have the same. */
static void test_no_uuid(void)
{
	static const char *const ids[] = { "qemu:100:1000",
					   "00000000-0000-4000-8000-000000000001@100" };

	for (size_t i = 0; i < 2; i++) {
		struct scene *scene = scene_open(OWN);
		char uuid[40];

		snprintf(uuid, sizeof uuid, "%s", scene->ids[0]);
		scene->tells_ends = true;
		snprintf(scene->ids[0], sizeof scene->ids[0], "%.39s", ids[i]);
		scene->domains[0].uuid = i == 0 ? NULL : uuid;
		scene_run(scene, 100);
		UNIT_TRUE(own_j(scene) < 7600);
		stop(scene);
		scene_run(scene, 2);
		UNIT_EQUAL_U64(0, scene->state.budget_count);
		scene_close(scene);
	}
}

/* Each uses 30 J more than its rate gives, and then six seconds fill its bucket. */
static void test_short_lived(void)
{
	struct scene *scene = scene_open("[domain *]\nbudget = 18kJ/h\nburst = 9kJ\n");
	unsigned domains = unit_rounds(10000);
	size_t most = 0;

	scene->tells_ends = true;
	for (unsigned round = 0; round < domains; round += SCENE_DOMAINS) {
		for (size_t i = 0; i < SCENE_DOMAINS; i++) {
			snprintf(scene->ids[i], sizeof scene->ids[i],
				 "00000000-0000-4000-9000-%012zu", round + i);
			scene->domains[i].pid = (pid_t)(1000 + round + i);
			scene->world[i].running = true;
		}
		scene_run(scene, 3);
		for (size_t i = 0; i < SCENE_DOMAINS; i++)
			scene->world[i].running = false;
		scene_run(scene, 1);
		most = scene->state.budget_count > most ? scene->state.budget_count : most;
	}
	UNIT_TRUE(most >= SCENE_DOMAINS && most <= (size_t)4 * SCENE_DOMAINS);
	UNIT_EQUAL_U64(0, scene->state.domain_count);
	scene_run(scene, 10);
	UNIT_EQUAL_U64(0, scene->state.budget_count);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-budgets", { "a budget goes on where it was", test_continues },
		{ "a budget is charged for the time without a daemon", test_away },
		{ "a state file without budgets is read", test_older_file },
		{ "a budget fills up while nothing of its owner's runs", test_absent },
		{ "a budget that is taken away is forgotten", test_taken_away },
		{ "a full budget of an absent owner is forgotten", test_absent_full },
		{ "a domain's budget goes on when it is started anew", test_restart },
		{ "so it does when the daemon was killed between", test_restart_killed },
		{ "who comes back with the daemon is charged", test_restart_away },
		{ "who ended without a daemon has its budget kept", test_ended_away },
		{ "a domain's budget is forgotten once it is full", test_full },
		{ "and once the rules give it none", test_domain_taken_away },
		{ "given again, it is as new", test_taken_away_and_given_back },
		{ "a budget that is new is not charged for the time before", test_given_later },
		{ "the time without a daemon is charged to who is seen late",
		  test_away_and_not_seen },
		{ "nothing is kept of an id that cannot come back", test_no_uuid },
		{ "short-lived domains leave nothing behind", test_short_lived });
}
