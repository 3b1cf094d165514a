/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/preferences.h"

#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static int parse(const char *text, struct ui *ui, struct error_list *errors)
{
	return preferences_parse("vmetop.conf", text, strlen(text), ui, errors);
}

static char *print(const struct ui *ui)
{
	struct text text = { 0 };

	preferences_print(ui, &text);
	UNIT_TRUE(!text.failed);
	return text.bytes;
}

static void test_defaults(void)
{
	struct ui ui;
	char *text;

	unsetenv("NO_COLOR");
	ui_init(&ui);
	ui.interval_s = 0.25;
	text = print(&ui);
	UNIT_EQUAL_TEXT("# Settings of vmetop: see vmetop.conf(5). W writes them anew.\n"
			"format = 1\n"
			"page = domains\n"
			"sort = power\n"
			"invert = no\n"
			"columns = auto\n"
			"tree = no\n"
			"hide-idle = no\n"
			"unit = j\n"
			"one-scale = yes\n"
			"pane = yes\n"
			"graph = block\n"
			"window = 5min\n"
			"delay = 250ms\n"
			"color = auto\n"
			"unicode = auto\n"
			"mouse = no\n",
			text);
	free(text);
}

static void test_every_key(void)
{
	struct error_list errors = { 0 };
	struct ui ui;

	ui_init(&ui);
	UNIT_EQUAL_I64(0,
		       parse("format = 1\npage = disks\nsort = name\ninvert = yes\n"
			     "columns = state, power,energy\ntree = yes\nhide-idle = yes\n"
			     "unit = wh\none-scale = yes\npane = no\ngraph = braille\n"
			     "window = 1h\ndelay = 10ms\ncolor = no\nunicode = no\nmouse = yes\n",
			     &ui, &errors));
	UNIT_EQUAL_I64(PAGE_DISKS, ui.page);
	UNIT_EQUAL_TEXT("name", ui.view.sort);
	UNIT_TRUE(ui.view.invert && ui.view.tree && ui.view.hide_idle && ui.view.one_scale);
	UNIT_TRUE(!ui.pane && !ui.color && !ui.unicode && ui.mouse);
	UNIT_EQUAL_I64(ENERGY_WATT_HOUR, ui.view.unit);
	UNIT_EQUAL_I64(GRAPH_BRAILLE, ui.graph_style);
	UNIT_EQUAL_DOUBLE(3600, ui_graph_spans_s[ui.graph_span], 0);
	UNIT_EQUAL_DOUBLE(0.01, ui.interval_s, 0);
	for (size_t i = 0; i < column_count; i++) {
		const char *key = columns[i].key;
		bool shown = strcmp(key, "name") == 0 || strcmp(key, "state") == 0 ||
			     strcmp(key, "power") == 0 || strcmp(key, "energy") == 0;

		UNIT_EQUAL_U64(shown, ui.view.shown_columns >> i & 1);
	}
	UNIT_EQUAL_U64(0, errors.count);
}

static void test_a_key_that_is_not_there_changes_nothing(void)
{
	struct error_list errors = { 0 };
	struct ui ui;

	ui_init(&ui);
	ui.view.sort = "cpu";
	ui.interval_s = 7;
	UNIT_EQUAL_I64(0, parse("# nothing\n\nmouse = yes\n", &ui, &errors));
	UNIT_EQUAL_TEXT("cpu", ui.view.sort);
	UNIT_EQUAL_DOUBLE(7, ui.interval_s, 0);
	UNIT_TRUE(ui.mouse);
}

static void expect_error(const char *text, const char *expected)
{
	struct error_list errors = { 0 };
	struct ui ui;

	ui_init(&ui);
	UNIT_EQUAL_I64(-EINVAL, parse(text, &ui, &errors));
	UNIT_EQUAL_U64(1, errors.count);
	if (errors.count)
		UNIT_EQUAL_TEXT(expected, errors.texts[0]);
	error_list_clear(&errors);
}

static void test_errors_name_line_and_bounds(void)
{
	expect_error("\nsorted = name\n", "vmetop.conf:2: sorted: no such key");
	expect_error("[screen]\nsort = name\n",
		     "vmetop.conf:2: [screen]: this file has no sections");
	expect_error("delay = 5ms\n", "vmetop.conf:1: delay 5ms: must be 10ms..60s");
	expect_error("tree = on\n", "vmetop.conf:1: tree on: must be no or yes");
	expect_error("color = 1\n", "vmetop.conf:1: color 1: must be no, yes or auto");
	expect_error("unit = kWh\n", "vmetop.conf:1: unit kWh: must be j or wh");
	expect_error("graph = dots\n",
		     "vmetop.conf:1: graph dots: must be ascii, block or braille");
	expect_error("page = 1\n", "vmetop.conf:1: page 1: must be domains, host, services, disks "
				   "or graph");
	expect_error("window = 7min\n",
		     "vmetop.conf:1: window 7min: must be 60s, 5min, 900s, 1h, 6h or 1d");
	expect_error("format = 2\n", "vmetop.conf:1: format 2: must be 1");
	expect_error("mouse = no\ntree = no\nmouse = yes\n",
		     "vmetop.conf:3: mouse: stands in line 1, too");
}

static void test_unknown_columns_are_errors(void)
{
	static const char *const texts[] = { "sort = powr\n",        "sort =\n",
					     "columns = all\n",      "columns =\n",
					     "columns = power,\n",   "columns = ,\n",
					     "columns = power cpu\n" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct error_list errors = { 0 };
		struct ui ui;

		ui_init(&ui);
		UNIT_EQUAL_I64(-EINVAL, parse(texts[i], &ui, &errors));
		UNIT_EQUAL_U64(1, errors.count);
		UNIT_CONTAINS("must be name, state, power,", errors.count ? errors.texts[0] : "");
		error_list_clear(&errors);
	}
}

static void test_all_errors_are_listed_and_nothing_is_applied(void)
{
	struct error_list errors = { 0 };
	struct ui ui;
	char *before, *after;

	ui_init(&ui);
	before = print(&ui);
	UNIT_EQUAL_I64(-EINVAL, parse("mouse = yes\ntree = maybe\nsort = name\nwhat = 1\n"
				      "delay = 1h\n",
				      &ui, &errors));
	after = print(&ui);
	UNIT_EQUAL_U64(3, errors.count);
	UNIT_EQUAL_TEXT(before, after);
	error_list_clear(&errors);
	free(before);
	free(after);
}

/* --- canonical ----------------------------------------------------------------------------------
 */

static void choose_any(struct ui *ui, uint64_t *seed)
{
	ui_init(ui);
	ui->page = (enum page_number)(unit_random(seed) % PAGE_COUNT);
	ui->view.sort = columns[unit_random(seed) % column_count].key;
	ui->view.shown_columns = unit_random(seed) % (1UL << column_count);
	ui->view.invert = unit_random(seed) % 2;
	ui->view.tree = unit_random(seed) % 2;
	ui->view.hide_idle = unit_random(seed) % 2;
	ui->view.one_scale = unit_random(seed) % 2;
	ui->view.unit = (enum energy_unit)(unit_random(seed) % 2);
	ui->pane = unit_random(seed) % 2;
	ui->color = unit_random(seed) % 2;
	ui->unicode = unit_random(seed) % 2;
	ui->mouse = unit_random(seed) % 2;
	ui->graph_style = (enum graph_style)(unit_random(seed) % 3);
	ui->graph_span = unit_random(seed) % ui_graph_span_count;
	ui->interval_s = unit_random_double(seed, 0.01, 60);
}

static void test_printing_is_a_fixed_point(void)
{
	uint64_t seed = 20081;

	printf("seed %llu\n", (unsigned long long)seed);
	for (int i = 0; i < 500; i++) {
		struct error_list errors = { 0 };
		struct ui first, second;
		char *once, *twice;

		choose_any(&first, &seed);
		/* A choice without any column that can be shown is none. */
		first.view.shown_columns |= 1;
		ui_init(&second);
		once = print(&first);
		UNIT_EQUAL_I64(0, parse(once, &second, &errors));
		twice = print(&second);
		UNIT_EQUAL_TEXT(once, twice);
		UNIT_EQUAL_DOUBLE(first.interval_s, second.interval_s, 0);
		free(once);
		free(twice);
		error_list_clear(&errors);
	}
}

/* All columns at once still are a line that can be read. */
static void test_all_columns_fit_a_line(void)
{
	struct error_list errors = { 0 };
	struct ui ui, read;
	char *text;

	ui_init(&ui);
	ui_init(&read);
	ui.view.shown_columns = (1UL << column_count) - 1;
	text = print(&ui);
	UNIT_EQUAL_I64(0, parse(text, &read, &errors));
	for (size_t i = 0; i < column_count; i++)
		if (columns[i].title)
			UNIT_TRUE(read.view.shown_columns >> i & 1);
	free(text);
}

/* What is off because this terminal or NO_COLOR has it off is not off for ever. */
static void test_what_the_terminal_lacks_is_not_saved(void)
{
	struct ui ui;
	char *text;

	ui_init(&ui);
	ui.color = false;
	setenv("NO_COLOR", "1", 1);
	text = print(&ui);
	UNIT_CONTAINS("\ncolor = auto\n", text);
	free(text);
	setenv("NO_COLOR", "", 1);
	text = print(&ui);
	UNIT_CONTAINS("\ncolor = no\n", text);
	free(text);
	unsetenv("NO_COLOR");
	ui.unicode = false;
	setlocale(LC_CTYPE, "C");
	text = print(&ui);
	UNIT_CONTAINS("\nunicode = auto\n", text);
	free(text);
	setlocale(LC_CTYPE, "C.UTF-8");
	text = print(&ui);
	UNIT_CONTAINS("\nunicode = no\n", text);
	free(text);
}

/* --- files --------------------------------------------------------------------------------------
 */

static unsigned count_entries(const char *folder)
{
	DIR *directory = opendir(folder);
	unsigned count = 0;

	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	return count < 2 ? 0 : count - 2;
}

static void path_in(const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s", unit_folder(), name);
}

static void test_saved_and_loaded(void)
{
	struct error_list errors = { 0 };
	struct error error = { "" };
	struct ui ui, read;
	struct stat status;
	char path[512], folder[512];
	unsigned descriptors = unit_count_descriptors();

	/* The usual file, of which folders are made. */
	path_in("new", path);
	setenv("XDG_CONFIG_HOME", path, 1);
	path_in("new/vmenergy/vmetop.conf", path);
	path_in("new/vmenergy", folder);
	ui_init(&ui);
	ui_init(&read);
	UNIT_EQUAL_I64(-ENOENT, preferences_load(path, &read, &errors));
	UNIT_EQUAL_U64(0, errors.count);
	ui.view.tree = true;
	UNIT_EQUAL_I64(0, preferences_save(path, &ui, &error));
	UNIT_EQUAL_I64(0, stat(folder, &status));
	UNIT_EQUAL_U64(0700, status.st_mode & 0777);
	UNIT_EQUAL_U64(1, count_entries(folder));
	UNIT_EQUAL_I64(0, preferences_load(path, &read, &errors));
	UNIT_TRUE(read.view.tree);
	/* Again, over what is there. */
	ui.view.tree = false;
	UNIT_EQUAL_I64(0, preferences_save(path, &ui, &error));
	UNIT_EQUAL_I64(0, preferences_load(path, &read, &errors));
	UNIT_TRUE(!read.view.tree);
	UNIT_EQUAL_U64(1, count_entries(folder));
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

static void test_what_save_refuses(void)
{
	static const char wrong[] = "tree = yes\nunit = horses\n";
	struct error error = { "" };
	struct ui ui;
	char path[512], folder[512], bytes[64] = "";
	FILE *file;

	ui_init(&ui);
	unit_write_file("wrong.conf", wrong);
	path_in("wrong.conf", path);
	UNIT_EQUAL_I64(-EINVAL, preferences_save(path, &ui, &error));
	UNIT_CONTAINS("wrong.conf", error.text);
	UNIT_CONTAINS("mistakes", error.text);
	file = fopen(path, "re");
	UNIT_EQUAL_U64(sizeof wrong - 1, fread(bytes, 1, sizeof bytes - 1, file));
	fclose(file);
	UNIT_EQUAL_TEXT(wrong, bytes);
	/* Deleted, it is written anew. */
	UNIT_EQUAL_I64(0, unlink(path));
	UNIT_EQUAL_I64(0, preferences_save(path, &ui, &error));
	/* A name that is mistyped makes no folders. */
	path_in("mistyped", folder);
	path_in("mistyped/vmetop.conf", path);
	UNIT_EQUAL_I64(-ENOENT, preferences_save(path, &ui, &error));
	UNIT_CONTAINS("mistyped/vmetop.conf: ", error.text);
	UNIT_TRUE(access(folder, F_OK) != 0);
}

static void test_a_link_stays_a_link(void)
{
	struct error error = { "" };
	struct stat status;
	struct ui ui;
	char link[512], target[512];

	unit_write_file("real.conf", "tree = yes\n");
	path_in("real.conf", target);
	path_in("link.conf", link);
	UNIT_EQUAL_I64(0, symlink(target, link));
	ui_init(&ui);
	UNIT_EQUAL_I64(0, preferences_save(link, &ui, &error));
	UNIT_EQUAL_I64(0, lstat(link, &status));
	UNIT_TRUE(S_ISLNK(status.st_mode));
	UNIT_EQUAL_I64(0, lstat(target, &status));
	UNIT_TRUE(status.st_size > 100);
}

static void test_files_that_cannot_be(void)
{
	struct error_list errors = { 0 };
	struct error error = { "" };
	struct ui ui;
	char path[512], *large = malloc(PREFERENCES_MAX_BYTES + 2);

	ui_init(&ui);
	UNIT_TRUE(preferences_load(unit_folder(), &ui, &errors) < 0);
	UNIT_EQUAL_U64(1, errors.count);
	memset(large, '\n', PREFERENCES_MAX_BYTES + 1);
	large[PREFERENCES_MAX_BYTES + 1] = '\0';
	unit_write_file("large.conf", large);
	path_in("large.conf", path);
	UNIT_EQUAL_I64(-EINVAL, preferences_load(path, &ui, &errors));
	UNIT_EQUAL_U64(2, errors.count);
	UNIT_CONTAINS("at most 65536 bytes", errors.texts[1]);
	/* One byte less is taken. */
	large[PREFERENCES_MAX_BYTES] = '\0';
	unit_write_file("large.conf", large);
	UNIT_EQUAL_I64(0, preferences_load(path, &ui, &errors));
	/* A file where a folder should be: nothing is written, and the text says which. */
	path_in("large.conf/vmetop.conf", path);
	UNIT_TRUE(preferences_save(path, &ui, &error) < 0);
	UNIT_CONTAINS("large.conf", error.text);
	error_list_clear(&errors);
	free(large);
}

static void expect_path(const char *config, const char *home, const char *expected)
{
	char *path;

	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	if (config)
		setenv("XDG_CONFIG_HOME", config, 1);
	if (home)
		setenv("HOME", home, 1);
	path = preferences_path(NULL);
	UNIT_EQUAL_TEXT(expected ? expected : "none", path ? path : "none");
	free(path);
}

static void test_paths(void)
{
	char *path = preferences_path("my.conf");

	UNIT_EQUAL_TEXT("my.conf", path);
	free(path);
	expect_path("/etc/me", "/home/me", "/etc/me/vmenergy/vmetop.conf");
	expect_path(NULL, "/home/me", "/home/me/.config/vmenergy/vmetop.conf");
	expect_path("", "/home/me", "/home/me/.config/vmenergy/vmetop.conf");
	expect_path("relative", "/home/me", "/home/me/.config/vmenergy/vmetop.conf");
	expect_path(NULL, "relative", NULL);
	expect_path(NULL, NULL, NULL);
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return UNIT_RUN("preferences", { "defaults are printed with all keys", test_defaults },
			{ "every key is read", test_every_key },
			{ "a key that is not there changes nothing",
			  test_a_key_that_is_not_there_changes_nothing },
			{ "errors name line and bounds", test_errors_name_line_and_bounds },
			{ "unknown columns are errors", test_unknown_columns_are_errors },
			{ "all errors are listed, nothing is applied",
			  test_all_errors_are_listed_and_nothing_is_applied },
			{ "printing is a fixed point", test_printing_is_a_fixed_point },
			{ "all columns fit a line", test_all_columns_fit_a_line },
			{ "what the terminal lacks is not saved",
			  test_what_the_terminal_lacks_is_not_saved },
			{ "what is saved is loaded", test_saved_and_loaded },
			{ "no file with mistakes is replaced, no folder made of a mistyped name",
			  test_what_save_refuses },
			{ "a link stays a link", test_a_link_stays_a_link },
			{ "files that cannot be are errors", test_files_that_cannot_be },
			{ "the file lies where it is looked for", test_paths });
}
