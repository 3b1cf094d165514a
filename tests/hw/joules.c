/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts become joules: weights file, perf probe and account together. */
#include <errno.h>
#include <string.h>

#include "model/account.h"
#include "tests/hw/cases.h"
#include "tests/hw/check.h"
#include "tests/hw/scene.h"

#define NJ 1.5
#define BASE_W 10.0

static const char text[] = "[weights]\n"
			   "format = 1\n"
			   "name = the emulated CPU\n"
			   "kind = cpu\n"
			   "scope = package\n"
			   "standing = modelled\n"
			   "[match]\n"
			   "vendor = ARM\n"
			   "pmu = arm_n1\n"
			   "[machine]\n"
			   "cpus = 1\n"
			   "chips = 1\n"
			   "[point]\n"
			   "base = 10W\n"
			   "weight = 1.5nJ " INSTRUCTIONS_USER "\n";

static struct weights *parse(void)
{
	struct error_list errors = { 0 };
	struct weights *weights;

	if (weights_parse("the-guest.weights", text, strlen(text), &weights, &errors))
		check_die("weights", errors.count ? errors.texts[0] : "out of memory");
	error_list_clear(&errors);
	return weights;
}

static struct account *open_account(const struct scene *scene, const struct weights *weights)
{
	struct account_options options = { .cpu = weights, .events = scene->set };
	struct error error = { "" };
	struct account *account;

	if (account_open(&account, &options, &error))
		check_die("account_open", error.text);
	return account;
}

static void tick(struct scene *scene, struct account *account, struct snapshot *snapshot)
{
	struct error error = { "" };
	int expected = scene->now.seq ? 0 : -EAGAIN; /* the first is the baseline */

	scene_read(scene);
	if (account_tick(account, &scene->topology, &scene->now, snapshot, &error) != expected)
		check_die("account_tick", error.text);
}

/* Energy of what was counted, and of the loop that was known beforehand. */
static void check_energy(const char *what, uint64_t counted, uint64_t expected, double got_j)
{
	check_near(what, (double)counted * NJ * 1e-9, got_j, 1e-9);
	check_near(what, (double)expected * NJ * 1e-9, got_j, CHECK_EXACT);
}

void case_joules(void)
{
	static const uint64_t loops[2] = { 30 * MILLION, 20 * MILLION };
	struct weights *weights = parse();
	struct snapshot snapshot = { 0 };
	struct account *account;
	struct worker workers[2];
	struct scene scene;

	scene_open_one(&scene, INSTRUCTIONS_USER);
	for (unsigned i = 0; i < 2; i++) {
		worker_start(&workers[i], 1, NULL);
		scene_add(&scene, &workers[i], NULL);
	}
	scene_follow(&scene);
	account = open_account(&scene, weights);
	tick(&scene, account, &snapshot);
	for (unsigned i = 0; i < 2; i++)
		worker_order(&workers[i], 0, LOAD_HERE, loops[i]);
	for (unsigned i = 0; i < 2; i++)
		worker_wait(&workers[i], 0);
	tick(&scene, account, &snapshot);
	for (unsigned i = 0; i < 2; i++)
		check_energy("domain", scene_count(&scene, PART_THREAD(i, 0), 0),
			     LOAD_INSTRUCTIONS_PER_LOOP * loops[i],
			     snapshot.domains[i].cpu.active_j);
	check_near("host, active", (double)scene_count(&scene, PART_MACHINE, 0) * NJ * 1e-9,
		   snapshot.host.cpu_active_j, 1e-9);
	check_near("host, idle", BASE_W * snapshot.interval_s, snapshot.host.cpu_idle_j, 1e-6);
	check_equal("source", CPU_SOURCE_PERF, snapshot.source.cpu);
	snapshot_clear(&snapshot);
	account_close(account);
	weights_free(weights);
	scene_close(&scene);
	worker_end(&workers[0]);
	worker_end(&workers[1]);
}
