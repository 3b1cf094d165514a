/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person is told of a cap that was asked for. */
#include "vmetop/cap-answer.h"

#include <math.h>
#include <stddef.h>

#include "tests/unit/unit.h"

static struct protocol_status_domain limits;
static struct protocol_status status;
static struct error text;

static const struct source_cap none = { "id0", "web1", false, INFINITY };
static const struct source_cap clear = { "id0", "web1", true, INFINITY };
static const struct source_cap twenty = { "id0", "web1", false, 20 };

static void prepare(void)
{
	protocol_status_init(&status);
	limits = (struct protocol_status_domain){ .id = unit_literal("id0"),
						  .name = unit_literal("web1"),
						  .cap_w = NAN,
						  .cap_total_w = NAN,
						  .cpu_cap_w = NAN,
						  .disk_cap_w = NAN };
	status.domains.items = &limits;
	status.domains.count = 1;
}

static void expect_agreed(const char *expected, const struct source_cap *cap)
{
	cap_answer_agreed(cap, NULL, &text);
	UNIT_EQUAL_TEXT(expected, text.text);
}

static void expect_holds(const char *expected, const struct source_cap *cap)
{
	UNIT_TRUE(cap_answer_holds(cap, &status, &text));
	UNIT_EQUAL_TEXT(expected, text.text);
}

static void test_agreed(void)
{
	static const struct source_cap host = { NULL, "", false, INFINITY };

	expect_agreed("cap of web1: 20W", &twenty);
	expect_agreed("web1: as it is configured", &clear);
	expect_agreed("web1: no cap any more, not even the file's", &none);
	expect_agreed("the host: no cap any more, not even the file's", &host);
	cap_answer_agreed(&twenty, "No space left on device", &text);
	UNIT_EQUAL_TEXT("NOT SAVED, lost when vmenergyd ends (No space left on device): "
			"cap of web1: 20W",
			text.text);
}

static void test_cleared(void)
{
	prepare();
	expect_holds("web1: no cap any more, the file has none", &clear);
	limits.cap_w = 20;
	expect_holds("web1: the file's cap of 20W holds", &clear);
	limits.disk_cap_w = 2.5;
	expect_holds("web1: the file's cap of 20W, disk-cap of 2.5W hold", &clear);
	limits.id = unit_literal("id1");
	expect_holds("web1: no cap any more, the file has none", &clear);
}

static void test_taken_away(void)
{
	prepare();
	UNIT_TRUE(!cap_answer_holds(&none, &status, &text));
	limits.cap_total_w = 40;
	expect_holds("web1: no cap any more; cap-total of 40W still holds", &none);
	limits.cpu_cap_w = 10;
	expect_holds("web1: no cap any more; cap-total of 40W, cpu-cap of 10W still hold", &none);
	/* Somebody has set another one meanwhile. */
	limits.cap_w = 5;
	UNIT_TRUE(!cap_answer_holds(&none, &status, &text));
	UNIT_TRUE(!cap_answer_holds(&twenty, &status, &text));
}

static void test_host(void)
{
	static const struct source_cap cleared = { NULL, "", true, INFINITY };

	prepare();
	limits.cap_w = 20;
	expect_holds("the host: no cap any more, the file has none", &cleared);
	status.host.cap_w = 1500;
	expect_holds("the host: the file's cap of 1.5kW holds", &cleared);
}

int main(void)
{
	return UNIT_RUN("vmetop cap-answer",
			{ "what the daemon agreed to is told at once", test_agreed },
			{ "after default: what the file has for it, or nothing", test_cleared },
			{ "after none: limits that still hold", test_taken_away },
			{ "the host has its own cap", test_host });
}
