/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Somebody else writes; the daemon is killed and comes again; domains go and come. */
#include "tests/unit/enforce-scene.h"

#define CAP_10W "[domain web1]\ncap = 10W\n"

/* Of web1, as it is stored; all zero where it is not. */
static struct state_knob cpu_knob(struct scene *scene)
{
	struct state_domain *domain = state_domain(&scene->state, scene->ids[0]);
	const struct state_knob *knob = domain ? state_knob(domain, KNOB_CPU, "") : NULL;

	return knob ? *knob : (struct state_knob){ 0 };
}

static void test_looser(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 20);
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 190000, 100000 };
	scene_run(scene, 5);
	UNIT_EQUAL_U64(1, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_U64(1, scene_count(scene, "somebody else changed the CPU limit of web1"));
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	UNIT_EQUAL_I64(190000, cpu_knob(scene).original.cpu.quota_us);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(190000, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	scene_close(scene);
}

static void test_tighter(void)
{
	struct scene *scene = scene_open(CAP_10W);
	unsigned writes;

	scene_run(scene, 20);
	writes = scene->writes;
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 30000, 100000 };
	scene_run(scene, 10);
	UNIT_EQUAL_U64(1, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_I64(30000, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(writes, scene->writes);
	/* And taken away again: ours holds. */
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ -1, 100000 };
	scene_run(scene, 20);
	UNIT_EQUAL_U64(2, enforce_counts(scene->enforce).foreign_changes);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene_close(scene);
}

/* A tick that comes `part` of a second after the last one. */
static void tick_after(struct scene *scene, double part)
{
	scene->now_ns -= (uint64_t)((1 - part) * 1e9);
	scene_tick(scene);
}

/* Their value is an original like any other: on disk before ours goes over it, even where another
 * write has just been saved. */
static void test_theirs_is_saved(void)
{
	struct scene *scene = scene_open("[domain web*]\ncap = 10W\n");
	struct error error = { "" };

	scene->world[1].running = scene->world[2].running = false;
	scene_run(scene, 20);
	scene->world[1].running = true;
	scene->mute = scene->domains[1].pid;
	scene_tick(scene);
	scene->mute = 0;
	tick_after(scene, 0.25);
	UNIT_EQUAL_I64(VERB_GET, scene->sent.kind);
	scene_apply(scene, &scene->sent);
	scene_deliver(scene);
	UNIT_EQUAL_I64(VERB_SET, scene->sent.kind);
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 190000, 100000 };
	tick_after(scene, 0.25);
	UNIT_EQUAL_U64(1, enforce_counts(scene->enforce).foreign_changes);
	tick_after(scene, 0.5);
	UNIT_TRUE(scene->world[0].values[KNOB_CPU].cpu.quota_us != 190000);
	state_clear(&scene->state);
	UNIT_EQUAL_I64(0,
		       state_parse(scene->saved.bytes, scene->saved.length, &scene->state, &error));
	UNIT_EQUAL_I64(190000, cpu_knob(scene).original.cpu.quota_us);
	scene_close(scene);
}

/* A manager that writes the same value each second is said once. */
static void test_stubborn(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 20);
	for (int i = 0; i < 30; i++) {
		scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 180000, 100000 };
		scene_run(scene, 3);
	}
	UNIT_TRUE(enforce_counts(scene->enforce).foreign_changes > 10);
	UNIT_EQUAL_U64(1, scene_count(scene, "somebody else"));
	scene_close(scene);
}

static void test_disk_is_asked_for(void)
{
	struct scene *scene = scene_open("[domain web1]\ndisk-cap = 1W\n");

	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 3;
	scene->world[0].bytes = 50e6;
	scene_run(scene, 10);
	UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s > 0);
	UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s < 50000000);
	scene->world[0].values[KNOB_DISK].disk = (struct disk_limit){ 0 };
	scene_run(scene, 70);
	UNIT_TRUE(enforce_counts(scene->enforce).foreign_changes > 0);
	UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s > 0);
	scene_close(scene);
}

static void test_adopted(void)
{
	struct scene *scene = scene_open(CAP_10W);
	double quota;

	scene_run(scene, 30);
	quota = scene_quota(&scene->world[0]);
	scene_kill(scene, CAP_10W);
	UNIT_EQUAL_DOUBLE(quota, scene_quota(&scene->world[0]), 0);
	scene->writes = 0;
	scene_run(scene, 5);
	UNIT_EQUAL_DOUBLE(10, scene_watts(scene, 0), 0.05);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_U64(0, scene_count(scene, "somebody"));
	UNIT_TRUE(scene->writes <= 1);
	UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	scene_close(scene);
}

/* Killed after the state was saved, and before or after the write: both values are ours. */
static void test_killed_at_each_write(void)
{
	for (int written = 0; written < 2; written++) {
		struct scene *scene = scene_open(CAP_10W);
		size_t count;
		bool needs_state;

		scene_run(scene, 20);
		scene->world[0].watts_per_cpu = 15;
		scene->deaf = true;
		for (int i = 0; i < 10 && enforce_is_idle(scene->enforce); i++)
			scene_tick(scene);
		UNIT_TRUE(!enforce_is_idle(scene->enforce));
		enforce_verbs(scene->enforce, &count, &needs_state);
		UNIT_EQUAL_U64(0, count);
		if (written)
			scene->world[0].values[KNOB_CPU].cpu = cpu_knob(scene).written.cpu;
		scene->deaf = false;
		scene_kill(scene, CAP_10W);
		scene_run(scene, 5);
		UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
		UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene_close(scene);
	}
}

/* Where quota and period are files of their own: killed between the two. */
static void test_killed_within_a_write(void)
{
	for (int period_first = 0; period_first < 2; period_first++) {
		struct scene *scene = scene_open(CAP_10W);
		struct cpu_limit *now = &scene->world[0].values[KNOB_CPU].cpu, written;

		*now = (struct cpu_limit){ 240000, 100000 };
		scene->world[0].no_figures = true;
		scene_tick(scene);
		UNIT_TRUE(scene->gets > 0);
		scene->world[0].no_figures = false;
		scene->deaf = true;
		scene_tick(scene);
		written = cpu_knob(scene).written.cpu;
		UNIT_TRUE(written.quota_us != 240000 && written.period_us != 100000);
		if (period_first)
			now->period_us = written.period_us;
		else
			now->quota_us = written.quota_us;
		scene->deaf = false;
		scene_kill(scene, CAP_10W);
		scene_run(scene, 5);
		UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
		UNIT_EQUAL_I64(240000, cpu_knob(scene).original.cpu.quota_us);
		UNIT_EQUAL_U64(100000, cpu_knob(scene).original.cpu.period_us);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene_close(scene);
	}
}

static void test_changed_while_away(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 180000, 100000 };
	scene_run(scene, 20);
	scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 195000, 100000 };
	scene_kill(scene, CAP_10W);
	scene_run(scene, 5);
	UNIT_EQUAL_U64(1, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_I64(195000, cpu_knob(scene).original.cpu.quota_us);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene_close(scene);
}

/* Regulated on with a full disk, then killed: what is in force stands nowhere. */
static void test_killed_with_full_disk(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct state_knob stored;

	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 3;
	scene->world[0].bytes = 50e6;
	scene_run(scene, 20);
	scene->disk_full = true;
	scene->world[0].watts_per_cpu = 40;
	scene->world[0].disk_w = 6;
	scene_run(scene, 20);
	scene->disk_full = false;
	scene_kill(scene, CAP_10W);
	stored = cpu_knob(scene);
	UNIT_TRUE(!knob_value_equal(&scene->world[0].values[KNOB_CPU], &stored.written));
	UNIT_TRUE(!knob_value_equal(&scene->world[0].values[KNOB_CPU], &stored.before));
	scene_run(scene, 5);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	UNIT_EQUAL_U64(0, scene->world[0].values[KNOB_DISK].disk.read_bytes_s);
	scene_close(scene);
}

/* Installed while the daemon hung, so that nothing was put down: nobody's original. */
static void test_dead_man_of_a_hung_daemon(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct state_domain *domain = state_domain_add(&scene->state, scene->ids[0]);

	domain->has_worst_case = true;
	domain->worst_case_cpu.cpu = (struct cpu_limit){ 16000, 20000 };
	scene->world[0].values[KNOB_CPU] = domain->worst_case_cpu;
	scene_tick(scene);
	UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
	scene_run(scene, 20);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	scene_close(scene);
}

static void test_dead_man(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct state_domain *domain;

	scene_run(scene, 20);
	domain = state_domain(&scene->state, scene->ids[0]);
	UNIT_TRUE(domain && domain->has_worst_case);
	if (domain)
		scene->world[0].values[KNOB_CPU] = domain->worst_case_cpu;
	text_reset(&scene->saved);
	state_print(&scene->state, &scene->saved, NULL);
	scene_kill(scene, CAP_10W);
	scene_run(scene, 5);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
	scene_close(scene);
}

/* It was only stopped, and its host's part of the cap was another one when it went on. */
static void test_dead_man_of_a_stopped_daemon(void)
{
	struct scene *scene = scene_open("[host]\ncap = 45W\n");
	struct state_domain *domain;
	struct knob_value worst = { .knob = KNOB_CPU };

	scene_run(scene, 60);
	domain = state_domain(&scene->state, scene->ids[0]);
	UNIT_TRUE(domain && domain->has_worst_case);
	if (domain)
		worst = domain->worst_case_cpu;
	scene->world[0].values[KNOB_CPU] = worst;
	scene->world[1].demand_cpus = 0.1;
	scene->stopped_s = 70;
	scene_run(scene, 60);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_TRUE(!knob_value_equal(&worst, &scene->world[0].values[KNOB_CPU]));
	UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	UNIT_EQUAL_I64(-1, scene->world[0].values[KNOB_CPU].cpu.quota_us);
	scene_close(scene);
}

/* Not listed for minutes, but its process lives: nothing is given up, nor given back. */
static void test_unseen_but_alive(void)
{
	for (int killed = 0; killed < 2; killed++) {
		struct scene *scene = scene_open(CAP_10W);
		double quota;

		scene_run(scene, 20);
		if (killed)
			scene_kill(scene, CAP_10W);
		quota = scene_quota(&scene->world[0]);
		scene->hidden = 1;
		scene_run(scene, 200);
		UNIT_EQUAL_DOUBLE(quota, scene_quota(&scene->world[0]), 0);
		UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
		UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) != NULL &&
			  state_domain(&scene->state, scene->ids[0])->has_worst_case);
		scene->hidden = 0;
		scene_run(scene, 5);
		UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene->hidden = 1;
		scene->world[0].running = false;
		scene_run(scene, 70);
		UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) == NULL);
		scene_close(scene);
	}
}

static size_t last_write(const struct scene *scene, enum knob knob)
{
	size_t at = scene->log_count;

	while (at > 0 &&
	       (scene->log[at - 1].kind != VERB_SET || scene->log[at - 1].value.knob != knob))
		at--;
	return at - 1;
}

/* libvirtd answers late: a plain QEMU becomes libvirt's under the same id. */
static void test_other_manager(void)
{
	for (int killed = 0; killed < 2; killed++) {
		struct scene *scene = scene_open(CAP_10W "disk-cap = 1W\n");
		struct place *place = &scene->world[0].values[KNOB_PLACE].place;
		double quota;

		scene->domains[0].manager = DOMAIN_QEMU;
		strcpy(place->cpu_cgroup, "/machine");
		strcpy(place->io_cgroup, "/machine");
		scene->world[0].has_disk = true;
		scene->world[0].disk_w = 3;
		scene->world[0].bytes = 50e6;
		scene_run(scene, 20);
		UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s > 0);
		quota = scene_quota(&scene->world[0]);
		if (killed)
			scene_kill(scene, CAP_10W "disk-cap = 1W\n");
		scene->domains[0].manager = DOMAIN_LIBVIRT;
		scene->log_count = 0;
		scene_tick(scene);
		/* The disk's limit goes back where it was made, the quota is the same one. */
		UNIT_TRUE(scene->log_count > 0);
		UNIT_EQUAL_I64(DOMAIN_QEMU,
			       scene->log[last_write(scene, KNOB_DISK)].target.manager);
		UNIT_EQUAL_U64(0, scene->world[0].values[KNOB_DISK].disk.read_bytes_s);
		UNIT_EQUAL_DOUBLE(quota, scene_quota(&scene->world[0]), 0.1);
		scene_run(scene, 10);
		UNIT_EQUAL_I64(DOMAIN_LIBVIRT,
			       scene->log[last_write(scene, KNOB_DISK)].target.manager);
		UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s > 0);
		UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
		UNIT_EQUAL_I64(-1, cpu_knob(scene).original.cpu.quota_us);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene_close(scene);
	}
}

/* Its process shows that it is libvirt's: its disks wait for libvirt, its cgroup is not left. */
static void test_awaits_libvirt(void)
{
	struct scene *scene = scene_open(CAP_10W "disk-cap = 1W\n");

	scene->domains[0].manager = DOMAIN_QEMU;
	scene->domains[0].reason = unit_literal("libvirt: has not answered yet");
	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 3;
	scene->world[0].bytes = 50e6;
	strcpy(scene->world[0].values[KNOB_PLACE].place.io_cgroup, "/machine");
	scene_run(scene, 10);
	UNIT_EQUAL_U64(0, scene->log_count);
	strcpy(scene->world[0].values[KNOB_PLACE].place.cpu_cgroup, "/machine");
	scene_run(scene, 10);
	UNIT_TRUE(scene_verbs(scene, VERB_SET, KNOB_CPU) > 0);
	UNIT_EQUAL_U64(0, scene_verbs(scene, VERB_GET, KNOB_DISK));
	scene_close(scene);
}

static void test_gone_while_away(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 10);
	scene_kill(scene, CAP_10W);
	scene->world[0].running = false;
	scene_run(scene, 50);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) != NULL);
	scene_run(scene, 20);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) == NULL);
	scene_close(scene);
}

/* The same UUID, another process: what was in force for the old one is not the original. */
static void test_started_again(void)
{
	for (int killed = 0; killed < 2; killed++) {
		struct scene *scene = scene_open(CAP_10W);
		double cpu_j;

		scene_run(scene, 10);
		if (killed)
			scene_kill(scene, CAP_10W);
		cpu_j = scene->world[0].cpu_j;
		scene_domain(scene, 0);
		scene->world[0].cpu_j = cpu_j;
		scene->domains[0].pid = 900;
		scene->world[0].values[KNOB_CPU].cpu = (struct cpu_limit){ 160000, 50000 };
		scene->log_count = 0;
		scene_run(scene, 10);
		UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
		UNIT_EQUAL_I64(160000, cpu_knob(scene).original.cpu.quota_us);
		UNIT_EQUAL_I64(900, scene->log[0].target.pid);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene_close(scene);
	}
}

static void test_ended(void)
{
	struct scene *scene = scene_open(CAP_10W);

	scene_run(scene, 10);
	scene->world[0].running = false;
	scene_run(scene, 30);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) != NULL);
	scene->world[0].running = true;
	scene_run(scene, 5);
	UNIT_EQUAL_U64(0, enforce_counts(scene->enforce).foreign_changes);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene->world[0].running = false;
	scene_run(scene, 63);
	UNIT_TRUE(state_domain(&scene->state, scene->ids[0]) == NULL);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-foreign",
		{ "a foreign value that is looser is written over, and restored", test_looser },
		{ "a foreign value that is tighter stays", test_tighter },
		{ "a foreign value is on disk before ours goes over it", test_theirs_is_saved },
		{ "who writes the same again and again is said once", test_stubborn },
		{ "a disk limit that somebody took away comes back", test_disk_is_asked_for },
		{ "a limit left by a crash is adopted silently", test_adopted },
		{ "killed before or after a write, the value is known as ours",
		  test_killed_at_each_write },
		{ "killed between the two files of a write, the mixture is known as ours",
		  test_killed_within_a_write },
		{ "what changed while the daemon was away is somebody else's",
		  test_changed_while_away },
		{ "killed after regulating with a full disk, the original is not lost",
		  test_killed_with_full_disk },
		{ "what the dead man installed is ours", test_dead_man },
		{ "what the dead man installed is never an original",
		  test_dead_man_of_a_hung_daemon },
		{ "so is what he wrote while a daemon was only stopped",
		  test_dead_man_of_a_stopped_daemon },
		{ "a domain that is not listed but lives keeps its limits and its state",
		  test_unseen_but_alive },
		{ "with another manager a limit goes back through the one that made it",
		  test_other_manager },
		{ "a domain that libvirt has not told yet gets no disk limit",
		  test_awaits_libvirt },
		{ "a domain that vanished while away is dropped after a minute",
		  test_gone_while_away },
		{ "a domain started again has originals of its own", test_started_again },
		{ "a domain not seen for a while is the same; after a minute it is dropped",
		  test_ended });
}
