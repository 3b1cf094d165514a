/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate/meters.h"

static struct meter_about items[2];
static struct meters_found found;

static void set(struct meter_about *about, const char *address)
{
	*about = (struct meter_about){
		.range_w = NAN,
		.resolution_w = NAN,
		.accuracy_percent = NAN,
		.interval_s = NAN,
		.window_s = NAN,
		.speed = 1,
		.worth = "good for everything",
	};
	snprintf(about->address, sizeof about->address, "%s", address);
	snprintf(about->driver, sizeof about->driver, "%.*s", (int)strcspn(address, ":"), address);
}

static void put(void)
{
	set(&items[0], "usbtmc:C2TA");
	set(&items[1], "rapl");
	items[0].has_scope = true;
	items[0].range_w = 1500;
	items[0].resolution_w = 0.01;
	items[0].interval_s = 0.1;
	strcpy(items[0].model, "ACME \x1b[1m");
	found = (struct meters_found){ .list = { .items = items, .count = 2, .capacity = 2 },
				       .best = &items[0] };
}

static char *print(void)
{
	struct text out = { 0 };

	meters_print_text(&found, &out);
	if (!out.bytes)
		abort();
	return out.bytes;
}

static void test_table(void)
{
	char *text;

	put();
	text = print();
	UNIT_EQUAL_TEXT("METER        SCOPE  MODEL      SERIAL  RANGE   STEP    EVERY  MEASURES\n"
			"usbtmc:C2TA  wall   ACME ?[1m  -       1500 W  0.01 W  0.1 s  -\n"
			"    good for everything\n"
			"rapl         -      -          -       -       -       -      -\n"
			"    good for everything\n"
			"\n-m auto takes usbtmc:C2TA.\n",
			text);
	free(text);
}

static void test_unusable(void)
{
	char *text;

	put();
	strcpy(items[1].missing, "be root");
	text = print();
	UNIT_CONTAINS("\nFound, but cannot be used:\n  rapl\n    be root\n", text);
	UNIT_TRUE(!strstr(text, "\nrapl "));
	free(text);
	strcpy(items[0].missing, "broken");
	found.best = NULL;
	text = print();
	UNIT_CONTAINS("No meter can be used.\nWithout a meter vmetop prices time on CPUs", text);
	UNIT_TRUE(!strstr(text, "METER"));
	free(text);
}

static void test_none(void)
{
	struct meter_absence absence = {
		.kind = { .name = "rapl", .sentence = "counters", .address = "[ZONE]" },
		.reason = { "no package" },
	};
	char *text;

	found = (struct meters_found){ .absences = { &absence, 1, 1 } };
	text = print();
	UNIT_CONTAINS("No meter was found.\nWithout a meter", text);
	UNIT_CONTAINS("  rapl:[ZONE]\n    counters\n    no package\n", text);
	UNIT_TRUE(!strstr(text, "-m auto takes"));
	free(text);
}

static void test_json(void)
{
	struct text out = { 0 };
	json_t *root, *meter;

	put();
	strcpy(items[1].missing, "be root");
	UNIT_EQUAL_I64(0, meters_print_json(&found, &out));
	root = json_loads(out.bytes, 0, NULL);
	UNIT_EQUAL_TEXT("usbtmc:C2TA", json_string_value(json_object_get(root, "auto")));
	UNIT_EQUAL_U64(2, json_array_size(json_object_get(root, "meters")));
	UNIT_EQUAL_U64(0, json_array_size(json_object_get(root, "absent")));
	meter = json_array_get(json_object_get(root, "meters"), 0);
	UNIT_EQUAL_TEXT("wall", json_string_value(json_object_get(meter, "scope")));
	UNIT_EQUAL_DOUBLE(1500, json_real_value(json_object_get(meter, "range_w")), 0);
	UNIT_TRUE(json_is_null(json_object_get(meter, "accuracy_percent")));
	UNIT_TRUE(json_is_true(json_object_get(meter, "usable")));
	UNIT_TRUE(json_is_null(json_object_get(meter, "missing")));
	meter = json_array_get(json_object_get(root, "meters"), 1);
	UNIT_TRUE(json_is_null(json_object_get(meter, "scope")));
	UNIT_TRUE(json_is_false(json_object_get(meter, "usable")));
	UNIT_EQUAL_TEXT("be root", json_string_value(json_object_get(meter, "missing")));
	json_decref(root);
	text_free(&out);
}

int main(void)
{
	return UNIT_RUN("calibrate-meters", { "usable meters are a table", test_table },
			{ "unusable ones say why", test_unusable },
			{ "none is said, and what there is without", test_none },
			{ "JSON has null for what is unknown", test_json });
}
