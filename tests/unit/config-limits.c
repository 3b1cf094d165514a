/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/config-scene.h"

#define UUID "6b1f2c3d-0001-4a5b-8c9d-aabbccddeeff"

static void test_merge(void)
{
	struct config config = parsed("[domain *]\ncap = 50W\nshare = 100\nowner = lab\n"
				      "[domain web*]\ncap = 20W\nfloor = 5W\n"
				      "[domain web1]\nshare = 400\ncap-total = 90W\n"
				      "cpu-cap = 15W\ndisk-cap = 4W\nowner = ann\n"
				      "budget = 1kWh/day\nburst = 50Wh\n");
	struct limits limits = config_domain_limits(&config, "web1", NULL);

	UNIT_EQUAL_DOUBLE(20, limits.cap_w, 0);
	UNIT_EQUAL_DOUBLE(90, limits.cap_total_w, 0);
	UNIT_EQUAL_DOUBLE(15, limits.cpu_cap_w, 0);
	UNIT_EQUAL_DOUBLE(4, limits.disk_cap_w, 0);
	UNIT_EQUAL_DOUBLE(5, limits.floor_w, 0);
	UNIT_EQUAL_DOUBLE(400, limits.share, 0);
	UNIT_EQUAL_DOUBLE(3.6e6, limits.budget_j, 0);
	UNIT_EQUAL_DOUBLE(86400, limits.budget_period_s, 0);
	UNIT_EQUAL_DOUBLE(180000, limits.burst_j, 0);
	UNIT_EQUAL_TEXT("ann", config_domain_owner(&config, "web1", NULL));
	limits = config_domain_limits(&config, "db", NULL);
	UNIT_EQUAL_DOUBLE(50, limits.cap_w, 0);
	UNIT_EQUAL_DOUBLE(100, limits.share, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.floor_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.budget_j, 0);
	UNIT_EQUAL_TEXT("lab", config_domain_owner(&config, "db", NULL));
	config_clear(&config);
}

/* The last one counts, be it the more general one. */
static void test_order(void)
{
	struct config config = parsed("[domain web1]\ncap = 20W\n[domain *]\ncap = 50W\n");

	UNIT_EQUAL_DOUBLE(50, config_domain_limits(&config, "web1", NULL).cap_w, 0);
	config_clear(&config);
}

static void test_uuid(void)
{
	struct config config = parsed("[domain 6B1F2C3D-0001-4a5b-8c9d-aabbccddeeff]\ncap = 20W\n"
				      "[domain 6b1f*]\nfloor = 2W\n");

	UNIT_EQUAL_DOUBLE(20, config_domain_limits(&config, "x", UUID).cap_w, 0);
	UNIT_EQUAL_DOUBLE(2, config_domain_limits(&config, "x", UUID).floor_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config_domain_limits(&config, "x", NULL).cap_w, 0);
	/* A name is what it is. */
	UNIT_EQUAL_DOUBLE(NAN, config_domain_limits(&config, "6B1F", NULL).floor_w, 0);
	config_clear(&config);
}

static void test_none(void)
{
	struct config config = parsed("[domain *]\ncap = 50W\nshare = 7\nbudget = 1Wh/h\n"
				      "burst = 9J\nowner = lab\n"
				      "[domain db]\ncap = none\nshare = none\nbudget = none\n"
				      "owner = none\n"
				      "[domain db]\nfloor = 60W\n");
	struct limits limits = config_domain_limits(&config, "db", NULL);

	UNIT_EQUAL_DOUBLE(NAN, limits.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.share, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.budget_j, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.budget_period_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, limits.burst_j, 0);
	UNIT_EQUAL_DOUBLE(60, limits.floor_w, 0);
	UNIT_EQUAL_TEXT(NULL, config_domain_owner(&config, "db", NULL));
	UNIT_EQUAL_DOUBLE(9, config_domain_limits(&config, "x", NULL).burst_j, 0);
	config_clear(&config);
}

static void test_owners(void)
{
	struct config config = parsed("[owner team-*]\ncap = 90W\nshare = 200\n"
				      "[owner team-a]\nbudget = 2kWh/week\nburst = 0J\n");
	struct limits limits = config_owner_limits(&config, "team-a");

	UNIT_EQUAL_DOUBLE(90, limits.cap_w, 0);
	UNIT_EQUAL_DOUBLE(200, limits.share, 0);
	UNIT_EQUAL_DOUBLE(7.2e6, limits.budget_j, 0);
	UNIT_EQUAL_DOUBLE(0, limits.burst_j, 0);
	UNIT_EQUAL_DOUBLE(NAN, config_owner_limits(&config, "other").cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config_owner_limits(&config, NULL).cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, config_domain_limits(&config, "team-a", NULL).cap_w, 0);
	config_clear(&config);
}

static void test_contradictions(void)
{
	expect_errors("[daemon]\ninterval = 5s\ncontrol-interval = 2s\n", 1,
		      "x.conf:3: control-interval 2s: must not be less than interval, which is 5s");
	expect_errors("[domain a]\ncap = 5W\nfloor = 6W\n", 1,
		      "x.conf:2: [domain a] floor 6W: must not be above cap, which is 5W");
	expect_errors("[domain a]\nfloor = 6W\n[domain ?]\ncap-total = 5W\n", 1,
		      "x.conf:4: [domain a] floor 6W: must not be above cap-total, which is 5W");
	expect_errors("[domain a]\nfloor = 6W\n[domain a*]\ncap = 5W\n[domain a]\nshare = 1\n", 1,
		      "x.conf:4: [domain a] floor 6W");
	expect_errors("[domain *]\nburst = 5J\n", 1,
		      "x.conf:2: [domain *] burst: there is no budget");
	expect_errors("[domain a]\nbudget = 5J/s\n[owner a]\nburst = 5J\n", 1,
		      "x.conf:4: [owner a] burst: there is no budget");
	expect_errors("[domain *]\nbudget = 5J/s\n[domain a]\nbudget = none\nburst = 5J\n", 1,
		      "x.conf:4: [domain a] burst: there is no budget");
}

static void test_no_contradictions(void)
{
	/* Where control-interval is left out, it follows. */
	struct config config = parsed("[daemon]\ninterval = 5s\n");

	UNIT_EQUAL_DOUBLE(5, config.control_interval_s, 0);
	config_clear(&config);
	config = parsed("[domain *]\ncap = 5W\n[domain a]\nfloor = 6W\n[domain a]\ncap = 7W\n");
	config_clear(&config);
	config = parsed("[domain *]\nburst = 5J\n[domain a]\nbudget = 5Wh/h\n");
	config_clear(&config);
}

static void test_restart(void)
{
	struct config now = parsed("[daemon]\ninterval = 1s\nmeter = rapl\nqmp-socket = /a\n"
				   "cpu-source = perf\n");
	struct config same =
		parsed("[daemon]\ninterval = 2s\nmeter = rapl\nqmp-socket = /a\n"
		       "cpu-source = perf\nread-group = x\nchange-group = y\n"
		       "move-processes = no\n[host]\ncap = 5W\n[domain a]\ncap = 1W\n");
	struct config next = parsed("[daemon]\nweights = w\nidle-policy = host\nlibvirt = none\n"
				    "qmp-socket = /b\nstate-directory = /s\nsocket = /c\n"
				    "dry-run = yes\n");
	struct text out = { 0 };

	config_needs_restart(&now, &now, &out);
	config_needs_restart(&now, &same, &out);
	UNIT_EQUAL_TEXT("", out.bytes);
	text_add(&out, "restart: ");
	config_needs_restart(&now, &next, &out);
	UNIT_EQUAL_TEXT("restart: weights, cpu-source, idle-policy, meter, libvirt, qmp-socket, "
			"state-directory, socket, dry-run",
			out.bytes);
	text_free(&out);
	config_clear(&now);
	config_clear(&same);
	config_clear(&next);
}

int main(void)
{
	return UNIT_RUN("config-limits", { "later sections win key by key", test_merge },
			{ "the order counts, not how narrow a pattern is", test_order },
			{ "a pattern may be a UUID's, in any case", test_uuid },
			{ "none takes a limit away", test_none },
			{ "owners have limits of their own", test_owners },
			{ "contradictions are told with their line", test_contradictions },
			{ "what only looks like one is taken", test_no_contradictions },
			{ "settings that need a restart are named", test_restart });
}
