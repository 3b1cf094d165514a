/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the log says of troubles and of users, and the daemon's sign of life. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/proc.h"
#include "tests/unit/unit.h"
#include "vmenergyd/control/complaints.h"
#include "vmenergyd/daemon-heartbeat.h"
#include "vmenergyd/daemon.h"

#define SECOND_NS UINT64_C(1000000000)

static void test_flapping(void)
{
	struct daemon_trouble trouble = { 0 };
	unsigned told = 0, well = 0;

	/* Two minutes of ticks, each of them begins and ends it. */
	for (uint64_t tick = 1; tick <= 120; tick++) {
		told += daemon_trouble_take(&trouble, "broken", tick * SECOND_NS) == NEWS_TROUBLE;
		well += daemon_trouble_take(&trouble, NULL, tick * SECOND_NS) == NEWS_WELL;
	}
	UNIT_EQUAL_U64(2, told);
	UNIT_EQUAL_U64(2, well);
	UNIT_TRUE(!trouble.text);
}

static void test_changing(void)
{
	struct daemon_trouble trouble = { 0 };
	unsigned told = 0;
	char text[32];

	for (uint64_t tick = 1; tick <= 121; tick++) {
		snprintf(text, sizeof text, "silent for %d s", (int)tick);
		told += daemon_trouble_take(&trouble, text, tick * SECOND_NS) == NEWS_TROUBLE;
		UNIT_EQUAL_TEXT(text, trouble.text);
	}
	UNIT_EQUAL_U64(3, told);
	UNIT_EQUAL_I64(NEWS_WELL, daemon_trouble_take(&trouble, NULL, 130 * SECOND_NS));
	/* One that stays is said later, if not at once; and once. */
	UNIT_EQUAL_I64(NEWS_NONE, daemon_trouble_take(&trouble, "other", 131 * SECOND_NS));
	UNIT_EQUAL_I64(NEWS_TROUBLE, daemon_trouble_take(&trouble, "other", 190 * SECOND_NS));
	UNIT_EQUAL_I64(NEWS_NONE, daemon_trouble_take(&trouble, "other", 900 * SECOND_NS));
	free(trouble.text);
}

/* Asked every second, silent from 10 s on for 31 s, in words that change. */
static void test_silence(void)
{
	struct daemon_silence silence = { 0 };
	unsigned told = 0, well = 0;
	double silent_s = 0, told_after_s = 0, well_after_s = 0;

	for (uint64_t tick = 1; tick <= 60; tick++) {
		bool answers = tick <= 10 || tick >= 41;
		uint64_t heard_ns = (answers ? tick : 10) * SECOND_NS;
		enum daemon_news news = daemon_silence_take(&silence,
							    answers     ? NULL
							    : tick < 20 ? "lost"
									: "does not answer",
							    heard_ns, tick * SECOND_NS, &silent_s);

		if (news == NEWS_TROUBLE)
			told_after_s = silent_s;
		if (news == NEWS_WELL)
			well_after_s = silent_s;
		told += news == NEWS_TROUBLE;
		well += news == NEWS_WELL;
		UNIT_EQUAL_TEXT(tick >= 12 && tick < 41 ? "lost" : NULL, silence.text);
	}
	UNIT_EQUAL_U64(1, told);
	UNIT_EQUAL_U64(1, well);
	UNIT_EQUAL_DOUBLE(2, told_after_s, 1e-9);
	UNIT_EQUAL_DOUBLE(31, well_after_s, 1e-9);
	UNIT_TRUE(silence.was_heard);
}

/* A restart within two seconds is nobody's news; nor is one who hangs, before it is known. */
static void test_short_silence(void)
{
	struct daemon_silence silence = { 0 };
	double silent_s;

	UNIT_EQUAL_I64(NEWS_NONE, daemon_silence_take(&silence, NULL, 9 * SECOND_NS, 10 * SECOND_NS,
						      &silent_s));
	UNIT_EQUAL_I64(NEWS_NONE, daemon_silence_take(&silence, "lost", 9 * SECOND_NS,
						      10 * SECOND_NS + SECOND_NS / 2, &silent_s));
	UNIT_EQUAL_I64(NEWS_NONE, daemon_silence_take(&silence, NULL, 11 * SECOND_NS,
						      11 * SECOND_NS, &silent_s));
	/* It had hung for 4 s before anybody could tell. */
	UNIT_EQUAL_I64(NEWS_NONE, daemon_silence_take(&silence, NULL, 11 * SECOND_NS,
						      14 * SECOND_NS, &silent_s));
	UNIT_EQUAL_I64(NEWS_TROUBLE, daemon_silence_take(&silence, "lost", 11 * SECOND_NS,
							 15 * SECOND_NS, &silent_s));
	UNIT_EQUAL_DOUBLE(4, silent_s, 1e-9);
	free(silence.text);
}

static void test_flood(void)
{
	struct complaints complaints = { 0 };
	uint64_t now_ns = 1000 * SECOND_NS;
	unsigned said = 0, other = 0;
	uid_t uid = 0;

	for (unsigned i = 0; i < 1000; i++)
		said += complaints_add(&complaints, 1000, now_ns + i);
	other += complaints_add(&complaints, 1001, now_ns);
	UNIT_EQUAL_U64(COMPLAINTS_A_MINUTE, said);
	UNIT_EQUAL_U64(1, other);
	UNIT_EQUAL_U64(0, complaints_left_out(&complaints, now_ns + 59 * SECOND_NS, &uid));
	now_ns += 61 * SECOND_NS;
	UNIT_EQUAL_U64(1000 - COMPLAINTS_A_MINUTE, complaints_left_out(&complaints, now_ns, &uid));
	UNIT_EQUAL_U64(1000, uid);
	UNIT_EQUAL_U64(0, complaints_left_out(&complaints, now_ns, &uid));
	UNIT_TRUE(complaints_add(&complaints, 1000, now_ns));
	/* Many users have no more than there are places. */
	said = 0;
	for (unsigned i = 0; i < 10000; i++)
		said += complaints_add(&complaints, 2000 + i, now_ns);
	UNIT_TRUE(said <= COMPLAINTS_USERS * COMPLAINTS_A_MINUTE);
}

/* Until when the account has given figures, `ago_s` ago; is it alive? */
static bool beats(uint64_t ago_s, const char *socket)
{
	struct config config = { .socket = unit_literal(socket) };
	struct daemon daemon = {
		.started = &config,
		.config = &config,
		.enforce = (struct enforce *)&config, /* there is one: no more is looked at */
		.well_ns = clock_now_ns(),
		.measured_ns = clock_now_ns() - ago_s * SECOND_NS,
	};

	daemon.accounting.pace.interval_ns = SECOND_NS;
	return daemon_beat(&daemon);
}

static void test_alive(void)
{
	char socket[256], path[256], line[128] = "";
	FILE *file;

	snprintf(socket, sizeof socket, "%s/control", unit_folder());
	snprintf(path, sizeof path, "%s/alive", unit_folder());
	UNIT_TRUE(!beats(100, socket));
	UNIT_TRUE(access(path, F_OK) != 0);
	unit_write_file("alive", "99999999999999999999999999999999999\nmore\n");
	UNIT_TRUE(beats(0, socket));
	file = fopen(path, "re");
	UNIT_TRUE(file && fgets(line, sizeof line, file) && fgetc(file) == EOF);
	if (file)
		fclose(file);
	UNIT_TRUE(strlen(line) > 1 && line[strlen(line) - 1] == '\n');
	UNIT_TRUE(heartbeat_age_s(path) >= 0 && heartbeat_age_s(path) < 60);
}

/* The dead man would limit VMs beside the daemon: that is no good health. */
static void test_alive_is_not_written(void)
{
	struct config config = { .socket = unit_literal("/proc/none/control") };
	struct daemon daemon = { .started = &config, .config = &config };

	daemon.well_ns = daemon.measured_ns = clock_now_ns();
	daemon.accounting.pace.interval_ns = SECOND_NS;
	UNIT_TRUE(daemon_beat(&daemon)); /* nothing is limited: nobody looks at it */
	daemon.enforce = (struct enforce *)&config;
	UNIT_TRUE(!daemon_beat(&daemon));
	UNIT_EQUAL_TEXT("the sign of life cannot be written: /proc/none/alive: "
			"No such file or directory",
			daemon.troubles[TROUBLE_ALIVE].text);
	UNIT_TRUE(!daemon_beat(&daemon));
	config.dry_run = true;
	UNIT_TRUE(daemon_beat(&daemon));
	free(daemon.troubles[TROUBLE_ALIVE].text);
}

/* The clock begins anew with each boot, and may be where the last one was. */
static void test_heartbeat_of_a_boot(void)
{
	uint64_t now_ns = clock_read_ns(CLOCK_MONOTONIC);
	char path[256], line[128], boot[64] = "";
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	UNIT_TRUE(file && fscanf(file, "%63s", boot) == 1);
	if (file)
		fclose(file);
	snprintf(path, sizeof path, "%s/alive", unit_folder());
	snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)now_ns / 2, boot);
	unit_write_file("alive", line);
	UNIT_EQUAL_DOUBLE((double)now_ns / 2e9, heartbeat_age_s(path), 0.1);
	snprintf(line, sizeof line, "%llu 00000000-0000-4000-8000-000000000000\n",
		 (unsigned long long)now_ns);
	unit_write_file("alive", line);
	UNIT_TRUE(isinf(heartbeat_age_s(path)));
	UNIT_EQUAL_I64(0, unlink(path));
	UNIT_EQUAL_DOUBLE(NAN, heartbeat_age_s(path), 0);
}

/* A process id may be another's by now. */
static void test_lives(void)
{
	struct daemon daemon = { 0 };
	struct error error = { "" };
	struct proc_stat stat = { 0 };

	UNIT_EQUAL_I64(0, rootfs_open(&daemon.root, NULL, &error));
	UNIT_EQUAL_I64(0, proc_read_stat(&daemon.root, getpid(), 0, &stat));
	UNIT_TRUE(daemon_lives(&daemon, getpid(), stat.start_ticks));
	UNIT_TRUE(!daemon_lives(&daemon, getpid(), stat.start_ticks + 1));
	UNIT_TRUE(!daemon_lives(&daemon, INT_MAX, stat.start_ticks));
	UNIT_TRUE(daemon_lives(&daemon, 0, 0)); /* nobody can tell */
	rootfs_close(&daemon.root);
}

static void check(const char *text, size_t errors_expected, const char *said)
{
	struct error_list errors = { 0 };
	struct config config;

	config_init(&config);
	UNIT_EQUAL_I64(0, config_parse("a.conf", text, strlen(text), &config, &errors));
	UNIT_EQUAL_I64(errors_expected ? -EINVAL : 0, daemon_check_config(&config, &errors));
	UNIT_EQUAL_U64(errors_expected, errors.count);
	if (errors.count && said)
		UNIT_EQUAL_TEXT(said, errors.texts[0]);
	error_list_clear(&errors);
	config_clear(&config);
}

static void test_groups(void)
{
	check("", 0, NULL); /* the default need not be there */
	check("[daemon]\nread-group = none\nchange-group = root\n", 0, NULL);
	check("[daemon]\nchange-group = no-such-0\n", 1,
	      "a.conf:2: change-group no-such-0: there is no such group");
	check("[daemon]\nread-group = no-such-0\nchange-group = no-such-1\n", 2,
	      "a.conf:2: read-group no-such-0: there is no such group");
}

static void test_temperature(void)
{
	struct weights cpu = { .thermal_c1 = NAN, .thermal_c2 = NAN };
	struct config config = { .temperature_c = 70 };
	struct daemon daemon = { .config = &config };

	daemon.accounting.counting.choice.cpu = &cpu;
	daemon_check_limits(&daemon);
	UNIT_CONTAINS("no thermal constants", daemon.troubles[TROUBLE_TEMPERATURE].text);
	cpu = (struct weights){ .thermal_c1 = 0.01, .thermal_c2 = -0.01 };
	daemon_check_limits(&daemon);
	UNIT_TRUE(!daemon.troubles[TROUBLE_TEMPERATURE].text);
	cpu.thermal_c1 = config.temperature_c = NAN;
	daemon_check_limits(&daemon);
	UNIT_TRUE(!daemon.troubles[TROUBLE_TEMPERATURE].text);
}

int main(void)
{
	return UNIT_RUN(
		"daemon-keep",
		{ "a trouble that comes and goes is said once a minute", test_flapping },
		{ "so is one that changes, and one that stays is said", test_changing },
		{ "a silence is said after 2 s, once, and so is its end", test_silence },
		{ "a short silence is not said", test_short_silence },
		{ "one user cannot fill the log", test_flood },
		{ "the sign of life ends when nothing is measured", test_alive },
		{ "who cannot give it is not well, and says so", test_alive_is_not_written },
		{ "a sign of life of an earlier boot is old", test_heartbeat_of_a_boot },
		{ "another process under the same number is another one", test_lives },
		{ "a group that is not there is named with its line", test_groups },
		{ "a temperature that cannot be held is said", test_temperature });
}
