/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Caps by hand, over what the file says. */
#include "tests/unit/enforce-scene.h"

#define CAP_10W "[domain web*]\ncap = 10W\n"

static struct limits cap(double watts)
{
	struct limits limits = limits_none();

	limits.cap_w = watts;
	return limits;
}

static int set(struct scene *scene, const char *domain, double watts, struct error *error)
{
	struct limits limits = cap(watts);

	return enforce_set_limits(scene->enforce, &scene->topology, domain, &limits, "uid 0 (root)",
				  error);
}

static void test_over_the_file(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct error error;

	scene_run(scene, 10);
	UNIT_EQUAL_I64(0, set(scene, "web1", 5, &error));
	UNIT_EQUAL_I64(0, set(scene, scene->ids[1], INFINITY, &error));
	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 0) < 5.5);
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 1), 0);
	UNIT_EQUAL_I64(-1, scene->world[1].values[KNOB_CPU].cpu.quota_us);
	UNIT_TRUE(scene_watts(scene, 2) < 11);
	UNIT_EQUAL_U64(1, scene_count(scene, "web1: cap 5 W, set by uid 0 (root)"));
	UNIT_EQUAL_U64(1, scene_count(scene, "web2: cap none, set by uid 0 (root)"));
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_EQUAL_DOUBLE(5, scene->rows[0].control.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, scene->rows[1].control.cap_w, 0);
	UNIT_EQUAL_I64(0, enforce_clear_limits(scene->enforce, &scene->topology, "web2",
					       "uid 0 (root)", &error));
	UNIT_EQUAL_U64(1, scene->state.override_count);
	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 1) < 11);
	scene_close(scene);
}

static void test_kept(void)
{
	struct scene *scene = scene_open("");
	struct error error;

	scene_run(scene, 3);
	UNIT_EQUAL_I64(0, set(scene, "web1", 8, &error));
	enforce_set_host_cap(scene->enforce, 35, "uid 0 (root)");
	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 0) < 8.8);
	text_reset(&scene->saved);
	UNIT_EQUAL_I64(0, state_print(&scene->state, &scene->saved, &error));
	scene_kill(scene, "");
	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 0) < 8.8);
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_EQUAL_DOUBLE(35, scene->snapshot.host.cap_w, 0);
	UNIT_EQUAL_DOUBLE(8, scene->rows[0].control.cap_w, 0);
	enforce_set_host_cap(scene->enforce, NAN, "uid 0 (root)");
	UNIT_EQUAL_I64(0,
		       enforce_clear_limits(scene->enforce, &scene->topology, "web1", "x", &error));
	scene_run(scene, 5);
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_EQUAL_DOUBLE(NAN, scene->snapshot.host.cap_w, 0);
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 0), 0);
	scene_close(scene);
}

static void test_several_keys(void)
{
	struct scene *scene = scene_open("");
	struct limits limits = limits_none();
	struct error error;
	const struct state_override *override;

	scene_tick(scene);
	UNIT_EQUAL_I64(0, set(scene, "web1", 8, &error));
	limits.disk_cap_w = 2;
	UNIT_EQUAL_I64(0, enforce_set_limits(scene->enforce, &scene->topology, "web1", &limits,
					     "uid 1000 (ann)", &error));
	override = state_override(&scene->state, scene->ids[0]);
	UNIT_TRUE(override != NULL);
	if (override) {
		UNIT_EQUAL_DOUBLE(8, override->limits.cap_w, 0);
		UNIT_EQUAL_DOUBLE(2, override->limits.disk_cap_w, 0);
		UNIT_EQUAL_TEXT("uid 1000 (ann)", override->by);
		UNIT_EQUAL_TEXT("web1", override->name);
	}
	scene_close(scene);
}

static void test_refusals(void)
{
	struct scene *scene = scene_open("");
	struct error error;

	scene_tick(scene);
	UNIT_EQUAL_I64(-ENOENT, set(scene, "mail", 8, &error));
	UNIT_EQUAL_TEXT("no domain is called 'mail'", error.text);
	UNIT_EQUAL_I64(-EINVAL, set(scene, "web1", -1, &error));
	UNIT_CONTAINS("cap: must be 0..", error.text);
	UNIT_EQUAL_I64(-EINVAL, set(scene, "web1", 1e10, &error));
	scene->domains[1].name = unit_literal("web1");
	UNIT_EQUAL_I64(-EEXIST, set(scene, "web1", 8, &error));
	UNIT_CONTAINS(scene->ids[0], error.text);
	UNIT_CONTAINS(scene->ids[1], error.text);
	UNIT_EQUAL_U64(0, scene->state.override_count);
	/* A UUID is never ambiguous, though a third is called by it. */
	scene->domains[2].name = scene->ids[1];
	UNIT_EQUAL_I64(0, set(scene, scene->ids[1], 8, &error));
	UNIT_TRUE(state_override(&scene->state, scene->ids[1]) != NULL);
	UNIT_EQUAL_I64(-EEXIST,
		       enforce_clear_limits(scene->enforce, &scene->topology, "web1", "x", &error));
	UNIT_EQUAL_I64(-ENOENT,
		       enforce_clear_limits(scene->enforce, &scene->topology, "mail", "x", &error));
	scene_close(scene);
}

static void test_stopped_domain(void)
{
	struct scene *scene = scene_open("");
	struct error error;

	scene_tick(scene);
	UNIT_EQUAL_I64(0, set(scene, "web1", 8, &error));
	scene->world[0].running = false;
	scene_run(scene, 70);
	UNIT_EQUAL_U64(1, scene->state.override_count);
	UNIT_EQUAL_I64(-ENOENT, set(scene, "web1", 8, &error));
	UNIT_EQUAL_I64(0,
		       enforce_clear_limits(scene->enforce, &scene->topology, "web1", "x", &error));
	UNIT_EQUAL_U64(0, scene->state.override_count);
	scene_close(scene);
}

static void test_renamed(void)
{
	struct scene *scene = scene_open("[domain web1]\ncap = 10W\n");

	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene->domains[0].name = unit_literal("db1");
	scene_run(scene, 5);
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 0), 0);
	scene->domains[0].name = unit_literal("web1");
	scene_run(scene, 10);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene_close(scene);
}

static void test_owner(void)
{
	struct scene *scene = scene_open("[owner acme]\ncap = 12W\n"
					 "[domain web1]\nowner = acme\n");

	scene->domains[1].owner = unit_literal("acme");
	for (int i = 0; i < 20; i++) {
		scene->rows[1].owner = unit_literal("acme");
		scene_tick(scene);
	}
	UNIT_TRUE(scene_watts(scene, 0) < 13);
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 2), 0);
	scene_close(scene);
}

static void test_infeasible(void)
{
	struct scene *scene = scene_open("[domain web1]\ncap-total = 500mW\n");

	scene_run(scene, 3);
	UNIT_EQUAL_U64(1, scene_count(scene, "warning: the limits of web1 cannot be met: "));
	scene_run(scene, 20);
	UNIT_EQUAL_U64(1, scene_count(scene, "cannot be met"));
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_TRUE(scene->rows[0].control.infeasible_w > 0.4);
	scene_close(scene);
}

/* More caps by hand than the state can hold: the oldest of who is not there goes. */
static void test_too_many_by_hand(void)
{
	struct scene *scene = scene_open("");
	struct limits limits = limits_none();
	struct state_override *override;
	struct error error = { "" };
	char id[40];

	for (int i = 0; i < STATE_OVERRIDES_MAX; i++) {
		snprintf(id, sizeof id, "gone-%d", i);
		override = state_override_add(&scene->state, id);
		override->since_s = i == 77 ? 1 : 1000 + i;
	}
	scene_tick(scene);
	limits.cap_w = 10;
	UNIT_EQUAL_I64(0, enforce_set_limits(scene->enforce, &scene->topology, "web1", &limits,
					     "me", &error));
	UNIT_TRUE(!state_override(&scene->state, "gone-77"));
	UNIT_TRUE(state_override(&scene->state, scene->ids[0]) != NULL);
	UNIT_EQUAL_U64(STATE_OVERRIDES_MAX, scene->state.override_count);
	scene_close(scene);
}

static void test_temperature(void)
{
	struct scene *scene = scene_open("[host]\ntemperature = 70C\n");

	scene_run(scene, 5);
	UNIT_EQUAL_U64(0, scene->gets + scene->writes);
	scene->cpu.thermal_c1 = 0.01;
	scene->cpu.thermal_c2 = -0.01;
	scene_run(scene, 5);
	UNIT_TRUE(scene->gets > 0);
	scene_close(scene);
}

/* A disk's cap is no limit of the whole: it has no watts to be said. */
static void test_held_without_watts(void)
{
	struct scene *scene = scene_open("[domain web1]\ndisk-cap = 1W\n");

	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 3;
	scene->world[0].bytes = 50e6;
	scene_run(scene, 20);
	UNIT_EQUAL_U64(1, scene_count(scene, "web1 is held back (disk-cap)"));
	UNIT_EQUAL_U64(0, scene_count(scene, "inf"));
	scene_close(scene);
}

/* What the host says of web1 goes; of web2 nothing else is said. */
static void test_owner_is_shown(void)
{
	struct scene *scene = scene_open("[domain web1]\nowner = shop\n");
	char *said = unit_literal("lab");

	scene_run(scene, 3);
	scene->rows[0].owner = scene->rows[1].owner = said;
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_EQUAL_TEXT("shop", scene->rows[0].owner);
	UNIT_EQUAL_TEXT("lab", scene->rows[1].owner);
	snapshot_clear(&scene->snapshot);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-rules",
		{ "of too many caps by hand the oldest of who is gone is forgotten",
		  test_too_many_by_hand },
		{ "a cap by hand is over the file's until it is cleared", test_over_the_file },
		{ "caps by hand outlive the daemon", test_kept },
		{ "keys are set one by one", test_several_keys },
		{ "unknown, ambiguous and impossible are refused", test_refusals },
		{ "the cap of a domain that stopped stays and can be cleared",
		  test_stopped_domain },
		{ "a domain is limited as its new name says", test_renamed },
		{ "an owner's cap holds its domains", test_owner },
		{ "the owner that the file names is shown", test_owner_is_shown },
		{ "what cannot be met is said once, with the deficit", test_infeasible },
		{ "a temperature without constants takes nothing over", test_temperature },
		{ "who is held by no limit of its whole is held back", test_held_without_watts });
}
