/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config-scene.h"

static char path[512];

/* A folder of its own for each test. */
static void begin(const char *name)
{
	snprintf(path, sizeof path, "%s/%s/x.conf", unit_folder(), name);
}

static void put(const char *name, const char *file, const char *text)
{
	char where[256];

	snprintf(where, sizeof where, "%s/%s", name, file);
	unit_write_file(where, text);
}

static int load(bool must_exist, struct config *config, struct text *said)
{
	struct error_list errors = { 0 };
	int result = config_load(path, must_exist, config, &errors);

	text_reset(said);
	config_scene_join(&errors, said);
	UNIT_EQUAL_I64(result != 0, errors.count > 0);
	error_list_clear(&errors);
	return result;
}

static void test_drop_ins(void)
{
	struct text said = { 0 };
	struct config config;

	begin("drop");
	put("drop", "x.conf", "[daemon]\ninterval = 2s\nmeter = rapl\n[domain a]\ncap = 1W\n");
	put("drop", "x.conf.d/20-b.conf", "[domain a]\ncap = 3W\n");
	put("drop", "x.conf.d/10-z.conf", "[domain a]\ncap = 2W\n[daemon]\ninterval = 3s\n");
	put("drop", "x.conf.d/B.conf", "[daemon]\nmeter = none\n");
	put("drop", "x.conf.d/a.conf", "[daemon]\nmeter = auto\n");
	put("drop", "x.conf.d/.hidden.conf", "nonsense\n");
	put("drop", "x.conf.d/90.conf~", "nonsense\n");
	put("drop", "x.conf.d/README", "nonsense\n");
	UNIT_EQUAL_I64(0, load(true, &config, &said));
	UNIT_EQUAL_DOUBLE(3, config.interval_s, 0);
	UNIT_EQUAL_DOUBLE(3, config.control_interval_s, 0);
	UNIT_EQUAL_TEXT("auto", config.meter);
	UNIT_EQUAL_DOUBLE(3, config_domain_limits(&config, "a", NULL).cap_w, 0);
	UNIT_EQUAL_U64(5, config.files.count);
	config_clear(&config);
	text_free(&said);
}

static void test_missing(void)
{
	struct text said = { 0 };
	struct config config;

	begin("missing");
	UNIT_EQUAL_I64(0, load(false, &config, &said));
	UNIT_EQUAL_DOUBLE(1, config.interval_s, 0);
	config_clear(&config);
	UNIT_EQUAL_I64(-ENOENT, load(true, &config, &said));
	UNIT_CONTAINS("missing/x.conf: No such file", said.bytes);
	UNIT_EQUAL_TEXT(NULL, config.socket);
	config_clear(&config);
	/* Drop-ins alone will do. */
	put("missing", "x.conf.d/a.conf", "[host]\ncap = 5W\n");
	UNIT_EQUAL_I64(0, load(false, &config, &said));
	UNIT_EQUAL_DOUBLE(5, config.cap_w, 0);
	config_clear(&config);
	text_free(&said);
}

static void test_errors_of_all(void)
{
	struct text said = { 0 };
	struct config config;

	begin("bad");
	put("bad", "x.conf", "[daemon]\ninterval = 1ms\n");
	put("bad", "x.conf.d/a.conf", "\n[host]\ncap = 5\n");
	put("bad", "x.conf.d/b.conf/file", "");
	put("bad", "x.conf.d/c.conf", "[host]\npeak = 5W/min\n");
	UNIT_EQUAL_I64(-EINVAL, load(true, &config, &said));
	UNIT_CONTAINS("bad/x.conf:2: interval 1ms", said.bytes);
	UNIT_CONTAINS("bad/x.conf.d/a.conf:3: cap 5: needs a unit", said.bytes);
	UNIT_CONTAINS("bad/x.conf.d/b.conf: Is a directory", said.bytes);
	UNIT_TRUE(!strstr(said.bytes, "c.conf"));
	UNIT_EQUAL_DOUBLE(0, config.peak_w, 0);
	UNIT_EQUAL_TEXT(NULL, config.socket);
	text_free(&said);
}

/* Named by the file that holds the line. */
static void test_checked_together(void)
{
	struct text said = { 0 };
	struct config config;

	begin("both");
	put("both", "x.conf", "[daemon]\ncontrol-interval = 2s\n[domain a*]\nfloor = 6W\n");
	put("both", "x.conf.d/a.conf", "[daemon]\ninterval = 3s\n");
	put("both", "x.conf.d/b.conf", "[domain *]\nshare = 1\ncap = 5W\n");
	UNIT_EQUAL_I64(-EINVAL, load(true, &config, &said));
	UNIT_CONTAINS("both/x.conf:2: control-interval 2s", said.bytes);
	UNIT_CONTAINS("b.conf:2: [domain a*] floor 6W", said.bytes);
	text_free(&said);
}

static void put_errors_of_all_kinds(const char *name)
{
	put(name, "x.conf",
	    "[daemon]\nnope = 1\ncontrol-interval = 2s\n[domain a]\nfloor = 3W\ncap = 2W\n"
	    "[domain b]\nburst = 1Wh\n");
	put(name, "x.conf.d/a.conf", "[daemon]\ninterval = 3s\n[owner c]\ncap = 1\nburst = 1J\n");
}

/* What is wrong together does not wait for what is wrong alone. */
static void test_no_error_hides_another(void)
{
	static const char *const expected[] = {
		"x.conf:2: [daemon] nope",       "x.conf:3: control-int",
		"x.conf:5: [domain a] floor 3W", "x.conf:8: [domain b] burst",
		"a.conf:4: [owner c] burst",     "a.conf:4: cap 1: needs a unit"
	};
	enum { COUNT = sizeof expected / sizeof *expected };
	struct error_list errors = { 0 };
	struct config config;

	begin("hide");
	put_errors_of_all_kinds("hide");
	UNIT_EQUAL_I64(-EINVAL, config_read(path, true, &config, &errors));
	UNIT_EQUAL_U64(COUNT, errors.count);
	for (size_t i = 0; i < COUNT && i < errors.count; i++)
		UNIT_CONTAINS(expected[i], errors.texts[i]);
	UNIT_EQUAL_DOUBLE(3, config.interval_s, 0);
	config_clear(&config);
	error_list_clear(&errors);
}

/* Nobody knows what was meant there. */
static void test_refused_limit_is_no_second_error(void)
{
	struct text said = { 0 };
	struct config config;

	begin("once");
	put("once", "x.conf",
	    "[domain *]\ncap = 2W\nburst = 1Wh\n[domain a]\nfloor = 3W\ncap = 4\nbudget = 5mJ/s\n");
	UNIT_EQUAL_I64(-EINVAL, load(true, &config, &said));
	UNIT_CONTAINS("x.conf:6: cap 4: needs a unit", said.bytes);
	UNIT_CONTAINS("x.conf:7: budget 5mJ/s: 5mJ: must be 1J..100000MJ", said.bytes);
	UNIT_TRUE(!strstr(said.bytes, "burst") && !strstr(said.bytes, "floor"));
	text_free(&said);
}

static void test_unreadable(void)
{
	struct text said = { 0 };
	struct config config;
	char link[600];

	begin("unreadable");
	put("unreadable", "x.conf", "");
	put("unreadable", "x.conf.d/a.conf", "");
	snprintf(link, sizeof link, "%s.d/b.conf", path);
	UNIT_EQUAL_I64(0, symlink("/nonexistent", link));
	UNIT_EQUAL_I64(-EINVAL, load(true, &config, &said));
	UNIT_CONTAINS("b.conf: No such file", said.bytes);
	text_free(&said);
}

/* What is installed as an example must be right, and does nothing before somebody edits it. */
static void test_example(void)
{
	struct error_list errors = { 0 };
	struct text said = { 0 };
	struct config config;
	int result = config_load("contrib/vmenergyd.conf", true, &config, &errors);

	config_scene_join(&errors, &said);
	UNIT_EQUAL_TEXT("", said.bytes);
	UNIT_EQUAL_I64(0, result);
	config_clear(&config);
	text_free(&said);
	error_list_clear(&errors);
}

int main(void)
{
	return UNIT_RUN(
		"config-files", { "drop-ins come by name, bytewise", test_drop_ins },
		{ "a file that is not there", test_missing },
		{ "errors of all files are listed", test_errors_of_all },
		{ "files are checked together", test_checked_together },
		{ "no error hides another: by file and line", test_no_error_hides_another },
		{ "a refused limit is no second error", test_refused_limit_is_no_second_error },
		{ "an unreadable drop-in is an error", test_unreadable },
		{ "the example parses and limits nothing", test_example });
}
