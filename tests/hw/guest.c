/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hw-guest - run cases of the probes where instructions are exact. */
#include <stdio.h>
#include <string.h>

#include "tests/hw/calibrate-loop.h"
#include "tests/hw/cases.h"
#include "tests/hw/check.h"
#include "tests/hw/vm-double.h"

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "two-tasks", case_two_tasks },
	{ "thread-group", case_thread_group },
	{ "ended-threads", case_ended_threads },
	{ "cgroup", case_cgroup },
	{ "newborn", case_newborn },
	{ "busy-cgroup", case_busy_cgroup },
	{ "conservation", case_conservation },
	{ "two-cpus", case_two_cpus },
	{ "asleep", case_asleep },
	{ "switches", case_switches },
	{ "dead-event", case_dead_event },
	{ "unknown-event", case_unknown_event },
	{ "too-many", case_too_many },
	{ "starved", case_starved },
	{ "unknown-cpu", case_unknown_cpu },
	{ "joules", case_joules },
};

static void run(const char *name)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (strcmp(cases[i].name, name) == 0) {
			printf("--- %s\n", name);
			cases[i].run();
			return;
		}
	check_die(name, "no such case");
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (vm_double_is_called(argv[0]))
		return vm_double_run();
	if (calibrate_loop_is_called(argv[0]))
		return calibrate_loop_run(argc, argv);
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	printf("hw-guest: %u failures\n", check_failures());
	return check_failures() > 0;
}
