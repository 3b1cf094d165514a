/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/config-scene.h"

static void test_defaults(void)
{
	struct config config = parsed("");

	UNIT_EQUAL_DOUBLE(1, config.interval_s, 0);
	UNIT_EQUAL_DOUBLE(1, config.control_interval_s, 0);
	UNIT_EQUAL_TEXT(NULL, config.weights);
	UNIT_EQUAL_I64(-1, config.cpu_source);
	UNIT_EQUAL_I64(IDLE_VCPU, config.idle_policy);
	UNIT_EQUAL_TEXT(NULL, config.meter);
	UNIT_EQUAL_TEXT(NULL, config.libvirt);
	UNIT_TRUE(!config.without_libvirt);
	UNIT_EQUAL_U64(0, config.qmp_sockets.count);
	UNIT_EQUAL_TEXT("/var/lib/vmenergyd", config.state_directory);
	UNIT_EQUAL_TEXT("/run/vmenergyd/control", config.socket);
	UNIT_EQUAL_TEXT("vmenergy", config.read_group);
	UNIT_EQUAL_TEXT(NULL, config.change_group);
	UNIT_TRUE(!config.dry_run);
	UNIT_TRUE(config.move_processes);
	UNIT_EQUAL_DOUBLE(NAN, config.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.peak_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.peak_window_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.temperature_c, 0);
	config_clear(&config);
	config_clear(&config);
}

static void test_daemon(void)
{
	struct config config = parsed("[daemon]\ninterval = 250ms\ncontrol-interval = 5s\n"
				      "weights = /w/x.weights\ncpu-source = cputime\n"
				      "idle-policy = share\nmeter = command:watts pdu 7\n"
				      "libvirt = qemu+unix:///system\n"
				      "qmp-socket = /run/a.qmp\nqmp-socket = /run/b.qmp\n"
				      "state-directory = /s\nsocket = /c\nread-group = none\n"
				      "change-group = wheel\ndry-run = yes\nmove-processes = no\n"
				      "[host]\ncap = 1.2kW\npeak = 400W/15min\n"
				      "temperature = 75C\n");

	UNIT_EQUAL_DOUBLE(0.25, config.interval_s, 0);
	UNIT_EQUAL_DOUBLE(5, config.control_interval_s, 0);
	UNIT_EQUAL_TEXT("/w/x.weights", config.weights);
	UNIT_EQUAL_I64(CPU_SOURCE_CPUTIME, config.cpu_source);
	UNIT_EQUAL_I64(IDLE_SHARE, config.idle_policy);
	UNIT_EQUAL_TEXT("command:watts pdu 7", config.meter);
	UNIT_EQUAL_TEXT("qemu+unix:///system", config.libvirt);
	UNIT_EQUAL_U64(2, config.qmp_sockets.count);
	UNIT_EQUAL_TEXT("/run/b.qmp", config.qmp_sockets.items[1]);
	UNIT_EQUAL_TEXT("/s", config.state_directory);
	UNIT_EQUAL_TEXT("/c", config.socket);
	UNIT_EQUAL_TEXT(NULL, config.read_group);
	UNIT_EQUAL_TEXT("wheel", config.change_group);
	UNIT_TRUE(config.dry_run);
	UNIT_TRUE(!config.move_processes);
	UNIT_EQUAL_DOUBLE(1200, config.cap_w, 0);
	UNIT_EQUAL_DOUBLE(400, config.peak_w, 0);
	UNIT_EQUAL_DOUBLE(900, config.peak_window_s, 0);
	UNIT_EQUAL_DOUBLE(75, config.temperature_c, 0);
	config_clear(&config);
}

/* Each line alone in its section, and what must be said of it. */
static const struct {
	const char *section, *line, *error;
} refused[] = {
	{ "daemon", "interval = 5ms", "x.conf:2: interval 5ms: must be 10ms..60s" },
	{ "daemon", "interval = 61s", "must be 10ms..60s" },
	{ "daemon", "interval = 1", "interval 1: needs a unit" },
	{ "daemon", "interval = none", "not a number" },
	{ "daemon", "control-interval = 500ms", "control-interval 500ms: must be 1s..60s" },
	{ "daemon", "cpu-source = pmu", "pmu: must be auto, perf, cputime or switch" },
	{ "daemon", "idle-policy = x", "x: must be vcpu, equal, share or host" },
	{ "daemon", "meter = watsup", "watsup: must be none, auto or DRIVER:ADDRESS" },
	{ "daemon", "meter =", "must not be empty" },
	{ "daemon", "libvirt = qemu", "qemu: must be a URI" },
	{ "daemon", "qmp-socket = a.qmp", "a.qmp: must begin with '/'" },
	{ "daemon", "state-directory = here", "here: must begin with '/'" },
	{ "daemon",
	  "socket = /0123456789012345678901234567890123456789012345678901234567890123456789"
	  "01234567890123456789012345678901234567890",
	  "at most 107 bytes" },
	{ "daemon", "read-group = two words", "must be one name" },
	{ "daemon", "dry-run = maybe", "maybe: must be no or yes" },
	{ "daemon", "cap = 20W", "[daemon] cap: unknown key" },
	{ "host", "cap = 0W", "cap 0W: must be 1mW..1000kW" },
	{ "host", "cap = 20J", "unknown unit" },
	{ "host", "peak = 400W", "peak 400W: must have a period: 400W/15min" },
	{ "host", "peak = 400W/2d", "2d: must be 10s..1d" },
	{ "host", "peak = 400W/fortnight", "fortnight: must be a time" },
	{ "host", "peak = 400W/", "must be a time" },
	{ "host", "temperature = 900C", "temperature 900C: must be 20C..150C" },
	{ "host", "floor = 2W", "[host] floor: unknown key" },
	{ "domain web*", "cap = -3W", "cap -3W: must be 1mW..1000kW" },
	{ "domain web*", "budget = 500Wh", "budget 500Wh: must have a period: 500Wh/day" },
	{ "domain web*", "budget = 500W/day", "500W: unknown unit" },
	{ "domain web*", "budget = 500Wh/32d", "must be 1s..31d" },
	{ "domain web*", "share = 0", "share 0: must be 1..10000" },
	{ "domain web*", "share = 10001", "must be 1..10000" },
	{ "domain web*", "burst = -1J", "must be" },
	{ "domain web*", "owner =", "must not be empty" },
	{ "domain web*", "caps = 3W", "x.conf:2: [domain] caps: unknown key" },
	{ "owner ann", "floor = 3W", "[owner] floor: unknown key" },
	{ "owner ann", "cpu-cap = 3W", "unknown key" },
	{ "domain", "cap = 3W", "[domain]: needs a pattern of names" },
	{ "daemon x", "dry-run = yes", "[daemon] takes no pattern" },
	{ "vm web", "cap = 3W", "[vm web]: unknown section" },
	{ "domains web", "cap = 3W", "unknown section" },
};

static void test_refused(void)
{
	char text[512];

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		snprintf(text, sizeof text, "[%s]\n%s\n", refused[i].section, refused[i].line);
		expect_errors(text, 1, refused[i].error);
	}
}

static void test_all_errors(void)
{
	expect_errors("interval = 1s\n"
		      "[daemon]\ninterval = 5ms\nfoo = 1\n"
		      "[vm a]\ncap = 1W\nfloor = 1W\n"
		      "[domain a]\ncap = x\ncap = 2W\nnonsense\n",
		      7,
		      "x.conf:1: interval: stands in no section\n"
		      "x.conf:3: interval 5ms: must be 10ms..60s\n"
		      "x.conf:4: [daemon] foo: unknown key\n"
		      "x.conf:6: [vm a]: unknown section; there are daemon, host, domain PATTERN, "
		      "owner PATTERN and service NAME\n"
		      "x.conf:9: cap x: not a number\n"
		      "x.conf:10: cap: stands in line 9, too\n"
		      "x.conf:11: must be 'key = value'");
}

/* The same key of the same pattern may come again, but not in one section. */
static void test_repeats(void)
{
	struct config config = parsed("[domain a]\ncap = 1W\n[domain b]\ncap = 2W\n"
				      "[domain a]\ncap = 3W\n");

	UNIT_EQUAL_DOUBLE(3, config_domain_limits(&config, "a", NULL).cap_w, 0);
	config_clear(&config);
	expect_errors("[host]\ncap = 5W\n[domain a]\ncap = 1W\n[host]\ncap = 6W\n", 1,
		      "x.conf:6: cap: stands in line 2, too");
}

static void test_nothing_half_applied(void)
{
	struct error_list errors = { 0 };
	struct config config = parsed("[daemon]\nmeter = rapl\n[domain a]\ncap = 1W\n");
	static const char bad[] = "[daemon]\nmeter = auto\ninterval = 7s\nqmp-socket = /q\n"
				  "[domain a]\ncap = 9W\n[host]\ncap = 1\n";

	UNIT_EQUAL_I64(-EINVAL, config_parse("bad", bad, strlen(bad), &config, &errors));
	UNIT_EQUAL_TEXT("rapl", config.meter);
	UNIT_EQUAL_DOUBLE(1, config.interval_s, 0);
	UNIT_EQUAL_U64(0, config.qmp_sockets.count);
	UNIT_EQUAL_U64(1, config.domains.count);
	UNIT_EQUAL_U64(1, config.files.count);
	UNIT_EQUAL_DOUBLE(1, config_domain_limits(&config, "a", NULL).cap_w, 0);
	error_list_clear(&errors);
	config_clear(&config);
}

static void test_words_of_none(void)
{
	struct config config = parsed("[daemon]\nmeter = rapl\nlibvirt = test:///default\n"
				      "qmp-socket = /a\nchange-group = x\nweights = w\n"
				      "[host]\ncap = 9W\npeak = 9W/min\ntemperature = 50C\n");
	static const char more[] = "[daemon]\nmeter = none\nlibvirt = none\nqmp-socket = none\n"
				   "qmp-socket = /b\nchange-group = none\nweights = auto\n"
				   "[host]\ncap = none\npeak = none\ntemperature = none\n";
	struct error_list errors = { 0 };

	UNIT_EQUAL_I64(0, config_parse("more", more, strlen(more), &config, &errors));
	UNIT_EQUAL_TEXT(NULL, config.meter);
	UNIT_EQUAL_TEXT(NULL, config.libvirt);
	UNIT_TRUE(config.without_libvirt);
	UNIT_EQUAL_U64(1, config.qmp_sockets.count);
	UNIT_EQUAL_TEXT("/b", config.qmp_sockets.items[0]);
	UNIT_EQUAL_TEXT(NULL, config.change_group);
	UNIT_EQUAL_TEXT(NULL, config.weights);
	UNIT_EQUAL_DOUBLE(NAN, config.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.peak_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.peak_window_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, config.temperature_c, 0);
	config_clear(&config);
}

static void test_periods(void)
{
	static const struct {
		const char *budget;
		double joules, seconds;
	} cases[] = {
		{ "500Wh/day", 1.8e6, 86400 },
		{ "500Wh/d", 1.8e6, 86400 },
		{ "1kWh/week", 3.6e6, 604800 },
		{ "10Wh/h", 36000, 3600 },
		{ "90kJ/15min", 90000, 900 },
		{ "600J / min", 600, 60 },
		{ "20J/s", 20, 1 },
		{ "7 MJ/7d", 7e6, 604800 },
	};
	char text[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config config;
		struct limits limits;

		snprintf(text, sizeof text, "[domain a]\nbudget = %s\n", cases[i].budget);
		config = parsed(text);
		limits = config_domain_limits(&config, "a", NULL);
		UNIT_EQUAL_DOUBLE(cases[i].joules, limits.budget_j, 1e-12);
		UNIT_EQUAL_DOUBLE(cases[i].seconds, limits.budget_period_s, 1e-12);
		config_clear(&config);
	}
}

static void test_services(void)
{
	struct config config = parsed("[service back end]\nmatch = *spdk_tgt*\n"
				      "[service quiet]\nmatch = q?\nidle-units = 0\n");

	UNIT_EQUAL_U64(2, config.services.count);
	UNIT_EQUAL_TEXT("back end", config.services.items[0].pattern);
	UNIT_EQUAL_TEXT("*spdk_tgt*", config.services.items[0].match);
	UNIT_EQUAL_DOUBLE(1, config.services.items[0].idle_units, 0);
	UNIT_EQUAL_DOUBLE(0, config.services.items[1].idle_units, 0);
	config_clear(&config);
	expect_errors("[service]\nmatch = x\n", 1,
		      "x.conf:2: [service]: needs a name: [service storage]");
	expect_errors("[service a]\nidle-units = 2\n", 1,
		      "x.conf:2: [service a] match: must say which process it is");
	expect_errors("[service a]\nmatch = \ncap = 1W\nidle-units = -1\n", 3,
		      "x.conf:3: [service] cap: unknown key");
}

static void test_services_restart(void)
{
	static const char *const texts[] = { "[service a]\nmatch = x\n", "[service b]\nmatch = x\n",
					     "[service a]\nmatch = y\n",
					     "[service a]\nmatch = x\nidle-units = 2\n", "" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct config now = parsed(texts[0]), next = parsed(texts[i]);
		struct text said = { 0 };

		config_needs_restart(&now, &next, &said);
		UNIT_EQUAL_TEXT(i == 0 ? "" : "[service]", said.bytes);
		text_free(&said);
		config_clear(&now);
		config_clear(&next);
	}
}

int main(void)
{
	return UNIT_RUN("config-parse", { "an empty file gives the defaults", test_defaults },
			{ "every key of the daemon and the host is read", test_daemon },
			{ "a wrong value is refused with its bounds", test_refused },
			{ "all errors of a text are listed", test_all_errors },
			{ "a key stands once in a section", test_repeats },
			{ "a text with an error leaves nothing behind", test_nothing_half_applied },
			{ "none takes away what was set before", test_words_of_none },
			{ "a budget is an energy per any time", test_periods },
			{ "a service has a name and what it is known by", test_services },
			{ "other services take a restart", test_services_restart });
}
