/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dead man, on a machine of files: cgroup v2, one plain QEMU in a cgroup of its own. */
#include "vmenergyd/deadman.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

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
			      unit_literal("--patience"),
			      unit_literal("0.2s"),
			      NULL };

	return deadman_main(11, arguments);
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

static void set_alive(double age_s, const char *text)
{
	double then_s = (double)clock_read_ns(CLOCK_REALTIME) / 1e9 - age_s;
	struct timespec times[2] = { { .tv_sec = (time_t)then_s }, { .tv_sec = (time_t)then_s } };

	fixture_write(text, "/alive");
	if (utimensat(AT_FDCWD, alive_path, times, 0))
		abort();
}

static void write_alive(uint64_t then_ns, const char *boot, double age_s)
{
	char text[128];

	snprintf(text, sizeof text, "%" PRIu64 " %s\n", then_ns, boot);
	set_alive(age_s, text);
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
	set_alive(20, "");
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	set_alive(100, "");
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

/* The wall clock, and with it the file's time, may be set; the line in it counts. */
static void test_heartbeat_says_when(void)
{
	struct rootfs root;
	struct state state;
	uint64_t now_ns = clock_read_ns(CLOCK_MONOTONIC);
	char boot[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	UNIT_TRUE(file && fscanf(file, "%63s", boot) == 1);
	if (file)
		fclose(file);
	begin("clock", &state, &root);
	fixture_write("0\n", "/state/state.json");
	write_alive(now_ns, boot, 100000);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000");
	save(&state);
	/* The dead man's clock has run for two minutes at least, or it cannot be tried. */
	if (now_ns > 120000000000) {
		write_alive(now_ns - 120000000000, boot, 0);
		UNIT_EQUAL_I64(0, run());
		expect_quota("10000 20000");
	}
	end(&state, &root);
}

/* After a boot the clock may be where it was. */
static void test_heartbeat_of_another_boot(void)
{
	struct rootfs root;
	struct state state;

	begin("boot", &state, &root);
	write_alive(clock_read_ns(CLOCK_MONOTONIC), "00000000-0000-4000-8000-000000000000", 0);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

/* --- how soon ----------------------------------------------------------------------------- */

/* What stands behind `key` in a file of the project. */
static double seconds_in(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	double seconds = NAN;
	char line[512];

	while (file && isnan(seconds) && fgets(line, sizeof line, file)) {
		const char *found = strstr(line, key);

		if (found)
			seconds = atof(found + strlen(key));
	}
	if (file)
		fclose(file);
	return seconds;
}

/* From the last sign of life to the quota: silence, the timer's period, libvirt's patience. */
static void test_soon_enough(void)
{
	static const char timer[] = "contrib/vmenergyd-deadman.timer",
			  daemon[] = "contrib/vmenergyd.service", manual[] = "man/vmenergyd.8";
	double period_s = seconds_in(timer, "OnUnitActiveSec=");
	double late_s = seconds_in(timer, "AccuracySec=");
	double all_s = DEADMAN_AFTER_S + period_s + late_s + DEADMAN_PATIENCE_S;

	printf("%g s + %g s + %g s + %g s = %g s\n", (double)DEADMAN_AFTER_S, period_s, late_s,
	       (double)DEADMAN_PATIENCE_S, all_s);
	UNIT_TRUE(all_s < 60);
	UNIT_EQUAL_DOUBLE(period_s, seconds_in(manual, "It is started every "), 0);
	UNIT_EQUAL_DOUBLE(DEADMAN_AFTER_S, seconds_in(manual, "it has been silent for "), 0);
	UNIT_EQUAL_DOUBLE(DEADMAN_AFTER_S, seconds_in(manual, "must have been silent; "), 0);
	UNIT_EQUAL_DOUBLE(DEADMAN_PATIENCE_S, seconds_in(manual, "for all of its VMs together; "),
			  0);
	/* A daemon that hangs is started anew first. */
	UNIT_TRUE(seconds_in(daemon, "WatchdogSec=") + seconds_in(daemon, "RestartSec=") + 5 <
		  DEADMAN_AFTER_S);
}

/* A daemon that holds the state but does not live as it should: limits come, its file stays. */
static void test_state_is_held(void)
{
	struct rootfs root;
	struct state state, after;
	struct error error;
	int lock;

	begin("held", &state, &root);
	lock = state_lock(state_path, &error);
	UNIT_EQUAL_I64(0, run());
	expect_quota("max 100000"); /* without a heartbeat, who holds it lives */
	set_alive(100, "");
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	UNIT_EQUAL_I64(0, state_read(state_path, &after, &error));
	UNIT_EQUAL_U64(0, after.domain_count ? after.domains[0].knob_count : 9);
	state_clear(&after);
	state_unlock(lock);
	end(&state, &root);
}

/* As on a disk that has become read-only: the lock cannot be opened. */
static void test_state_cannot_be_held(void)
{
	struct rootfs root;
	struct state state;

	begin("dead-unwritable", &state, &root);
	fixture_write("", "/state/lock/in-its-place");
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	end(&state, &root);
}

static void test_configuration(void)
{
	struct rootfs root;
	struct state state;
	char config[300], text[1024];
	char *arguments[] = { unit_literal("deadman"),
			      unit_literal("--config"),
			      config,
			      unit_literal("--root"),
			      root_path,
			      NULL };

	begin("config", &state, &root);
	snprintf(config, sizeof config, "%s/conf", root_path);
	snprintf(text, sizeof text, "[daemon]\nstate-directory = %s\nsocket = %s/control\n",
		 state_path, root_path);
	fixture_write(text, "/conf");
	set_alive(20, "");
	UNIT_EQUAL_I64(0, deadman_main(5, arguments));
	expect_quota("max 100000");
	set_alive(100, "");
	UNIT_EQUAL_I64(0, deadman_main(5, arguments));
	expect_quota("10000 20000");
	end(&state, &root);
}

/* libvirtd is there and does not answer: a socket that takes connections, and no more. */
static void test_libvirt_is_silent(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct rootfs root;
	struct state state;
	struct target *target;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin("silent", &state, &root);
	snprintf(address.sun_path, sizeof address.sun_path, "%.90s/s", root_path);
	UNIT_EQUAL_I64(0, bind(fd, (struct sockaddr *)&address, sizeof address));
	UNIT_EQUAL_I64(0, listen(fd, 5));
	target = &state_domain(&state, "a")->target;
	target->manager = DOMAIN_LIBVIRT;
	strcpy(target->uuid, "00000000-0000-4000-8000-000000000001");
	snprintf(target->uri, sizeof target->uri, "qemu:///system?socket=%.90s/s", root_path);
	save(&state);
	UNIT_EQUAL_I64(0, run());
	expect_quota("10000 20000");
	close(fd);
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
	UNIT_EQUAL_I64(0, access(strcat(state_path, "/state.json"), F_OK));
	end(&state, &root);
}

int main(void)
{
	return UNIT_RUN(
		"deadman", { "a dead daemon's domains are held to the worst case", test_installs },
		{ "what is tighter stays", test_only_tighter },
		{ "a heartbeat keeps it still until it is old", test_heartbeat },
		{ "a heartbeat tells itself when it was, before the state is looked at",
		  test_heartbeat_says_when },
		{ "a heartbeat of an earlier boot is old", test_heartbeat_of_another_boot },
		{ "a minute after the last sign of life the limit is there", test_soon_enough },
		{ "a state that a daemon holds is not written", test_state_is_held },
		{ "a state that nobody can hold keeps nobody from being held",
		  test_state_cannot_be_held },
		{ "the configuration tells where to look", test_configuration },
		{ "libvirt does not answer: the cgroup is written", test_libvirt_is_silent },
		{ "without a heartbeat the state's time counts", test_saved_time_instead },
		{ "after a clean stop there is nothing to do", test_clean },
		{ "without a state there is nothing to do", test_never_ran },
		{ "another process under the same number is left alone", test_other_process },
		{ "a state that cannot be read is an error", test_bad_state });
}
