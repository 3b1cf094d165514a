/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is written, in which order, and what is put back. */
#include "tests/unit/enforce-scene.h"

#define CAP_10W "[domain web1]\ncap = 10W\n"
#define HOST_30W "[host]\ncap = 40W\n"

static void test_holds(void)
{
	struct scene *scene = scene_open(CAP_10W);
	double sum_w = 0;

	scene_run(scene, 20);
	for (int i = 0; i < 20; i++) {
		scene_tick(scene);
		sum_w += scene_watts(scene, 0);
	}
	UNIT_EQUAL_DOUBLE(10, sum_w / 20, 0.05);
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 1), 0);
	UNIT_EQUAL_U64(1, scene_count(scene, "web1 is held to 10 W (cap)"));
	scene_close(scene);
}

static void test_held_is_said_when_it_is(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene->disk_full = true;
	scene_run(scene, 20);
	UNIT_EQUAL_U64(1, scene_count(scene, "no new limits are taken up: "));
	UNIT_EQUAL_U64(0, scene_count(scene, "is held"));
	UNIT_EQUAL_DOUBLE(20, scene_watts(scene, 0), 0);
	scene->disk_full = false;
	scene_run(scene, 20);
	UNIT_EQUAL_U64(1, scene_count(scene, "web1 is held to 10 W (cap)"));
	scene_close(scene);
}

static void test_get_save_set(void)
{
	struct scene *scene = scene_open(CAP_10W);
	const char *id = scene->ids[0];
	struct state_domain *domain;

	scene_run(scene, 3);
	UNIT_TRUE(scene->log_count >= 2);
	UNIT_EQUAL_U64(VERB_GET, scene->log[0].kind);
	UNIT_EQUAL_U64(VERB_SET, scene->log[1].kind);
	UNIT_EQUAL_TEXT(id, scene->log[0].target.id);
	scene_run(scene, 20);
	UNIT_TRUE(scene->saved_before_write);
	UNIT_EQUAL_U64(1, scene_verbs(scene, VERB_GET, KNOB_CPU));
	domain = state_domain(&scene->state, id);
	UNIT_TRUE(domain != NULL);
	if (domain) {
		struct state_knob *knob = state_knob(domain, KNOB_CPU, "");

		UNIT_TRUE(knob != NULL);
		UNIT_EQUAL_I64(-1, knob ? knob->original.cpu.quota_us : 0);
		UNIT_EQUAL_U64(100000, knob ? knob->original.cpu.period_us : 0);
		UNIT_TRUE(domain->has_worst_case);
	}
	scene_close(scene);
}

static void test_nothing_without_limits(void)
{
	struct scene *scene = scene_open("");
	const char *const *ids;

	scene_run(scene, 10);
	UNIT_EQUAL_U64(0, scene->log_count);
	UNIT_EQUAL_U64(0, scene->state.domain_count);
	UNIT_TRUE(enforce_output(scene->enforce, &ids) != NULL);
	UNIT_TRUE(isnan(scene->snapshot.domains[0].control.headroom_w));
	UNIT_EQUAL_U64(0, scene->said.length);
	scene_close(scene);
}

static void test_unchanged(void)
{
	struct scene *scene = scene_open(CAP_10W HOST_30W);
	unsigned writes;

	scene_run(scene, 60);
	writes = scene->writes;
	scene_run(scene, 60);
	for (size_t i = 0; i < scene->log_count; i++)
		for (size_t k = i + 1; k < scene->log_count; k++) {
			const struct verb *a = &scene->log[i], *b = &scene->log[k];

			if (b->kind != VERB_SET || b->value.knob != a->value.knob ||
			    strcmp(a->target.id, b->target.id) != 0)
				continue;
			if (a->kind == VERB_SET)
				UNIT_TRUE(!knob_value_equal(&a->value, &b->value));
			break;
		}
	UNIT_TRUE(scene->writes - writes <= 6 * SCENE_DOMAINS);
	UNIT_EQUAL_U64(scene->writes, enforce_counts(scene->enforce).writes);
	UNIT_TRUE(enforce_counts(scene->enforce).unchanged_left_out > 60);
	scene_close(scene);
}

/* Within one batch no limit is loosened before another is tightened. */
static void test_reductions_first(void)
{
	struct scene *scene = scene_open(HOST_30W);
	double in_force[SCENE_DOMAINS];
	bool raised = false, both = false;

	scene->world[1].demand_cpus = scene->world[2].demand_cpus = 0.1;
	scene_run(scene, 40);
	scene->world[1].demand_cpus = scene->world[2].demand_cpus = SCENE_VCPUS;
	for (int tick = 0; tick < 40; tick++) {
		scene->log_count = 0;
		for (size_t i = 0; i < SCENE_DOMAINS; i++)
			in_force[i] = scene_quota(&scene->world[i]);
		scene_tick(scene);
		raised = false;
		for (size_t i = 0; i < scene->log_count; i++) {
			const struct cpu_limit *cpu = &scene->log[i].value.cpu;
			int at = scene_find(scene, &scene->log[i].target);
			double cpus = cpu->quota_us < 0
					      ? INFINITY
					      : (double)cpu->quota_us / (double)cpu->period_us;

			if (scene->log[i].kind != VERB_SET || at < 0)
				continue;
			if (cpus > in_force[at])
				raised = true;
			else
				UNIT_TRUE(!raised);
			both = both || (raised && i > 0);
		}
	}
	UNIT_TRUE(scene->writes > 3);
	scene_close(scene);
}

/* In the tick: was a limit of one that is not mute raised? */
static bool has_raised(struct scene *scene)
{
	double before[SCENE_DOMAINS];
	bool raised = false;

	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		before[i] = scene_quota(&scene->world[i]);
	scene_tick(scene);
	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		raised |= scene_quota(&scene->world[i]) > before[i];
	return raised;
}

/* Under a cap of several, who gets more waits for who is to pay for it, but not for ever. */
static void test_raises_wait(void)
{
	struct scene *scene = scene_open(HOST_30W);

	scene_run(scene, 60);
	/* It starts again, and needs less; that it may be held is not yet known. */
	scene_domain(scene, 0);
	scene->world[0].demand_cpus = 0.1;
	scene->domains[0].pid = scene->mute = 900;
	for (int i = 0; i < 2; i++)
		UNIT_TRUE(!has_raised(scene));
	UNIT_TRUE(!enforce_is_idle(scene->enforce));
	UNIT_TRUE(has_raised(scene));
	scene_close(scene);
}

static void test_restore(void)
{
	struct scene *scene = scene_open(CAP_10W HOST_30W "[domain web2]\nshare = 300\n");

	scene->world[1].values[KNOB_CPU].cpu = (struct cpu_limit){ 150000, 100000 };
	scene_run(scene, 10);
	UNIT_EQUAL_U64(300, scene->world[1].values[KNOB_SHARES].shares);
	UNIT_TRUE(scene_quota(&scene->world[0]) < 2);
	enforce_restore(scene->enforce);
	UNIT_TRUE(!scene->state.clean);
	scene_deliver(scene);
	UNIT_TRUE(enforce_is_idle(scene->enforce));
	UNIT_TRUE(scene->state.clean);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(100000, scene->world[0].values[KNOB_CPU].cpu.period_us);
	UNIT_EQUAL_I64(150000, scene->world[1].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(100, scene->world[1].values[KNOB_SHARES].shares);
	scene_close(scene);
}

static void test_restore_spares_others(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 10);
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 77000, 100000 };
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(77000, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(1, enforce_counts(scene->enforce).foreign_changes);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

static void test_refused_restore_ends(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 10);
	scene->refuse = EBUSY;
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(enforce_is_idle(scene->enforce));
	UNIT_TRUE(!scene->state.clean);
	UNIT_EQUAL_U64(1, scene->state.domain_count);
	scene_close(scene);
}

/* Refusals of before say nothing of what a stop can put back. */
static void test_restore_after_refusals(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 20);
	scene->refuse = EIO;
	scene->world[0].watts_per_cpu = 20;
	scene_run(scene, 40);
	UNIT_TRUE(enforce_counts(scene->enforce).refused >= 3);
	UNIT_TRUE(scene->world[0].values[KNOB_CPU].cpu.quota_us > 0);
	scene->refuse = 0;
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

static void test_given_up(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct config old;

	scene_run(scene, 10);
	old = scene->config;
	scene_configure(scene, "");
	enforce_set_config(scene->enforce, &scene->config, 1);
	config_clear(&old);
	scene_run(scene, 3);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(0, scene->state.domain_count);
	scene->log_count = 0;
	scene_run(scene, 5);
	UNIT_EQUAL_U64(0, scene->log_count);
	scene_close(scene);
}

static void test_original_is_a_bound(void)
{
	struct scene *scene = scene_open("[domain web1]\ncap = 15W\n");

	/* The operator allows half of what the cap does. */
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 75000, 100000 };
	scene_run(scene, 30);
	UNIT_EQUAL_DOUBLE(0.75, scene_quota(&scene->world[0]), 0);
	UNIT_EQUAL_U64(0, scene->writes);
	scene_close(scene);
}

static void test_failures(void)
{
	struct scene *scene = scene_open(CAP_10W);
	unsigned tries;

	scene->refuse = EIO;
	scene_run(scene, 30);
	tries = scene_verbs(scene, VERB_SET, KNOB_CPU);
	UNIT_TRUE(tries >= 3 && tries <= 8);
	UNIT_EQUAL_U64(tries, enforce_counts(scene->enforce).refused);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).writes);
	UNIT_EQUAL_U64(1, scene_count(scene, "warning: the CPU limit of web1 cannot be written"));
	scene->refuse = 0;
	scene_run(scene, 70);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	UNIT_EQUAL_U64(1, scene_count(scene, "can be written again"));
	scene_close(scene);
}

/* A file took its write without a word, and has another value. */
static void test_deviation(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene->lossy = 2;
	scene_run(scene, 10);
	UNIT_EQUAL_U64(0, scene->lossy);
	UNIT_EQUAL_DOUBLE(10, scene_watts(scene, 0), 0.5);
	UNIT_EQUAL_U64(2, enforce_counts(scene->enforce).refused);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_U64(1, scene_count(scene, "warning: the CPU limit of web1 was written as"));
	UNIT_EQUAL_U64(1, scene_count(scene, "can be written again"));
	/* What goes back is looked at as closely, and not forgotten. */
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 180000, 50000 };
	scene_run(scene, 5);
	scene->lossy = 1;
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(180000, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(50000, scene->world[0].values[KNOB_CPU].cpu.period_us);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

static void test_disk_full(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct config old;

	scene_run(scene, 10);
	scene->disk_full = true;
	old = scene->config;
	scene_configure(scene, "[domain web1]\ncap = 5W\n[domain web2]\ncap = 10W\n");
	enforce_set_config(scene->enforce, &scene->config, 1);
	config_clear(&old);
	scene_run(scene, 30);
	UNIT_TRUE(scene_watts(scene, 0) < 5.5);
	UNIT_EQUAL_I64(-1, scene->world[1].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(1, scene_count(scene, "no new limits are taken up: no space left"));
	scene->disk_full = false;
	scene_run(scene, 20);
	UNIT_TRUE(scene_watts(scene, 1) < 11);
	scene_close(scene);
}

static void test_no_answer(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene->deaf = true;
	scene_run(scene, 20);
	UNIT_EQUAL_U64(0, scene_count(scene, "no answer"));
	scene->deaf = false;
	scene_run(scene, 30);
	UNIT_EQUAL_U64(1, scene_count(scene, "no answer for 30 s"));
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene_close(scene);
}

/* Between decisions nothing but figures moves: where none is kept, nothing is written. */
static void test_state_stays(void)
{
	struct scene *scene = scene_open("");
	struct text before = { 0 }, after = { 0 };

	scene_run(scene, 5);
	UNIT_EQUAL_I64(0, state_print(&scene->state, &before, NULL));
	scene_run(scene, 20);
	UNIT_EQUAL_I64(0, state_print(&scene->state, &after, NULL));
	UNIT_EQUAL_TEXT(before.bytes, after.bytes);
	text_free(&before);
	text_free(&after);
	scene_close(scene);
}

/* Writes of one second share a save; a knob that is taken over does not wait. */
static void test_saves_are_shared(void)
{
	struct scene *scene = scene_open(CAP_10W);
	bool needs_state;
	size_t count;

	scene_run(scene, 20);
	scene->deaf = true;
	scene->world[0].watts_per_cpu = 15;
	for (int i = 0; i < 10 && enforce_is_idle(scene->enforce); i++)
		scene_tick(scene);
	UNIT_TRUE(!enforce_is_idle(scene->enforce));
	scene->deaf = false;
	enforce_restore(scene->enforce);
	scene_apply(scene, &scene->sent);
	/* It is read before its original goes back: that write finds the file a moment old. */
	for (int i = 0; i < 2; i++) {
		const struct verb *verbs = enforce_verbs(scene->enforce, &count, &needs_state);
		struct verb verb = { 0 };

		UNIT_EQUAL_U64(1, count);
		if (count > 0)
			verb = verbs[0];
		UNIT_EQUAL_I64(i == 0 ? VERB_GET : VERB_SET, verb.kind);
		UNIT_TRUE(!needs_state);
		if (count == 0 || verb.kind == VERB_SET)
			break;
		enforce_sent(scene->enforce, count);
		scene_apply(scene, &verb);
	}
	scene_close(scene);
}

/* An hour without a daemon is charged to a budget. */
static void test_away(void)
{
	static const char budget[] = "[domain web1]\nbudget = 18kJ/h\n";

	for (int hours = 0; hours < 2; hours++) {
		struct scene *scene = scene_open(budget);
		const char *const *ids;
		const struct policy_output *output;

		scene->snapshot.time_s = 1e9;
		scene_run(scene, 3);
		scene->state.saved_s = scene->snapshot.time_s;
		text_reset(&scene->saved);
		UNIT_EQUAL_I64(0, state_print(&scene->state, &scene->saved, NULL));
		scene_kill(scene, budget);
		scene->snapshot.time_s += 3600 * hours;
		scene_run(scene, 3);
		output = enforce_output(scene->enforce, &ids);
		UNIT_TRUE(output != NULL);
		if (output && hours)
			UNIT_TRUE(output->domains[0].limit_w < 1);
		else if (output)
			UNIT_TRUE(output->domains[0].limit_w > 5);
		scene_close(scene);
	}
}

int main(void)
{
	return UNIT_RUN(
		"enforce-write", { "a cap holds, and is said once", test_holds },
		{ "that one is held is said when it is", test_held_is_said_when_it_is },
		{ "original and intent are on disk before each write", test_get_save_set },
		{ "without a limit nothing is read or written", test_nothing_without_limits },
		{ "an unchanged value is never written", test_unchanged },
		{ "limits are lowered before others are raised", test_reductions_first },
		{ "raises wait for an answer that is late, for a while", test_raises_wait },
		{ "a clean stop puts back every original", test_restore },
		{ "a clean stop leaves what somebody else wrote", test_restore_spares_others },
		{ "a restore that is refused ends all the same", test_refused_restore_ends },
		{ "a clean stop tries again what was refused before", test_restore_after_refusals },
		{ "a limit that is taken away gives its knobs back", test_given_up },
		{ "nothing is loosened beyond the original", test_original_is_a_bound },
		{ "a refused write is retried ever more seldom, and said once", test_failures },
		{ "a write that reads back as another value is tried again, and said once",
		  test_deviation },
		{ "disk full: limits in force go on, no new ones", test_disk_full },
		{ "without limits the state stays as it is", test_state_stays },
		{ "writes of one second share a save", test_saves_are_shared },
		{ "a budget is charged for the time without a daemon", test_away },
		{ "a verb without an answer is given up after 30 s", test_no_answer });
}
