/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dead man, on a machine of files: cgroup v2, one plain QEMU in a cgroup of its own. */
#include "vmenergyd/deadman.h"

#include <fcntl.h>
#include <math.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/proc-fixture.h"
#include "vmenergyd/state.h"

enum { PID = 100, START = 1000 };
#define CGROUP "/vmenergy/a"

static char root_path[256], state_path[300], alive_path[300];

static void save(const struct state *state)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0, state_save(state_path, state, &error));
}

/* Saved long ago, with half a CPU at worst. */
static void begin(const char *name, struct state *state, struct rootfs *root)
{
	struct fixture_process vm = { .pid = PID,
				      .cmdline = "qemu-system-x86_64|",
				      .cgroup = "0::" CGROUP "\n",
				      .start = START };
	struct state_domain *domain;

	fixture_begin(name, root);
	fixture_mounts("v2");
	fixture_write("cpu io memory\n", "/sys/fs/cgroup/cgroup.controllers");
	fixture_process(&vm);
	fixture_write("100\n", "/sys/fs/cgroup%s/cgroup.procs", CGROUP);
	fixture_write("max 100000\n", "/sys/fs/cgroup%s/cpu.max", CGROUP);
	snprintf(root_path, sizeof root_path, "%s", root->prefix);
	snprintf(state_path, sizeof state_path, "%s/state", root_path);
	snprintf(alive_path, sizeof alive_path, "%s/alive", root_path);
	state_init(state);
	state->saved_s = 1000;
	domain = state_domain_add(state, "a");
	domain->target.manager = DOMAIN_QEMU;
	domain->target.pid = PID;
	domain->target.start_ticks = START;
	domain->target.vcpus = 2;
	strcpy(domain->target.name, "web1");
	strcpy(domain->target.cpu_cgroup, CGROUP);
	domain->has_worst_case = true;
	domain->worst_case_cpu.cpu = (struct cpu_limit){ 10000, 20000 };
	save(state);
}

static int run(void)
{
	char *arguments[] = { unit_literal("deadman"),
			      unit_literal("--state-directory"),
			      state_path,
			      unit_literal("--heartbeat"),
			      alive_path,
			      unit_literal("--root"),
			      root_path,
			      unit_literal("--after"),
			      unit_literal("1min"),
			      NULL };

	return deadman_main(9, arguments);
}

static void expect_quota(const char *expected)
{
	char path[600], text[64] = "";
	FILE *file;

	snprintf(path, sizeof path, "%s/sys/fs/cgroup%s/cpu.max", root_path, CGROUP);
	file = fopen(path, "r");
	if (file) {
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
		fclose(file);
	}
	text[strcspn(text, "\n")] = '\0';
	UNIT_EQUAL_TEXT(expected, text);
}

static void set_alive(double age_s)
{
	double then_s = (double)clock_read_ns(CLOCK_REALTIME) / 1e9 - age_s;
	struct timespec times[2] = { { .tv_sec = (time_t)then_s }, { .tv_sec = (time_t)then_s } };

	fixture_write("", "/alive");
	if (utimensat(AT_FDCWD, alive_path, times, 0))
		abort();
}

static void end(struct state *state, struct rootfs *root)
{
	state_clear(state);
	rootfs_close(root);
}

static void test_installs(void)
{
	struct rootfs root;
	struct state state, after;
	struct error error;
	struct state_domain *domain;
	const struct state_knob *knob;

	begin("dead", &state, &root);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	/* Nobody had taken the knob over: what was there is known for the next start. */
	UNIT_EQUAL_I64(0, state_load(state_path, &after, &error));
	domain = state_domain(&after, "a");
	knob = domain ? state_knob(domain, KNOB_CPU, "") : NULL;
	UNIT_TRUE(knob != NULL);
	UNIT_EQUAL_I64(-1, knob ? knob->original.cpu.quota_us : 0);
	UNIT_EQUAL_I64(10000, knob ? knob->written.cpu.quota_us : 0);
	state_clear(&after);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

static void test_only_tighter(void)
{
	struct rootfs root;
	struct state state;

	begin("tight", &state, &root);
	fixture_write("9000 20000\n", "/sys/fs/cgroup%s/cpu.max", CGROUP);
	UNIT_EQUAL_I64(0, run());
	expect_quota("9000 20000");
	fixture_write("11000 20000\n", "/sys/fs/cgroup%s/cpu.max", CGROUP);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

static void test_heartbeat(void)
{
	struct rootfs root;
	struct state state;

	begin("alive", &state, &root);
	set_alive(20);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	set_alive(100);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

static void test_saved_time_instead(void)
{
	struct rootfs root;
	struct state state;

	begin("saved", &state, &root);
	state.saved_s = (double)clock_read_ns(CLOCK_REALTIME) / 1e9 - 20;
	save(&state);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	end(&state, &root);
}

static void test_clean(void)
{
	struct rootfs root;
	struct state state;

	begin("clean", &state, &root);
	state.clean = true;
	save(&state);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	end(&state, &root);
}

static void test_never_ran(void)
{
	struct rootfs root;
	struct state state;

	begin("never", &state, &root);
	fixture_remove("/state");
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	end(&state, &root);
}

static void test_other_process(void)
{
	struct rootfs root;
	struct state state;

	begin("other", &state, &root);
	state_domain(&state, "a")->target.start_ticks = START + 1;
	save(&state);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	end(&state, &root);
}

static void test_bad_state(void)
{
	struct rootfs root;
	struct state state;

	begin("bad", &state, &root);
	fixture_write("{", "/state/state.json");
	UNIT_EQUAL_I64(1, run());
	expect_quota("max 100000");
	end(&state, &root);
}

int main(void)
{
	return UNIT_RUN(
		"deadman", { "a dead daemon's domains are held to the worst case", test_installs },
		{ "what is tighter stays", test_only_tighter },
		{ "a heartbeat keeps it still until it is old", test_heartbeat },
		{ "without a heartbeat the state's time counts", test_saved_time_instead },
		{ "after a clean stop there is nothing to do", test_clean },
		{ "without a state there is nothing to do", test_never_ran },
		{ "another process under the same number is left alone", test_other_process },
		{ "a state that cannot be read is an error", test_bad_state });
}
