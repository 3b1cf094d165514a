/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vmenergyd.conf(5) and the example file tell of all keys that there are, and of no others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/unit/unit.h"
#include "vmenergyd/config-internal.h"

enum { LINE_BYTES = 512 };

static const struct {
	const char *name;
	const struct config_table *table;
} sections[] = {
	{ "daemon", &config_daemon_keys },   { "host", &config_host_keys },
	{ "domain", &config_domain_keys },   { "owner", &config_owner_keys },
	{ "service", &config_service_keys },
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* Keys of each section, in words of a list: " cap budget ". */
struct told {
	struct text keys[SECTIONS];
};

static int section_of(const char *name, size_t length)
{
	for (int i = 0; i < SECTIONS; i++)
		if (strlen(sections[i].name) == length &&
		    strncmp(sections[i].name, name, length) == 0)
			return i;
	return -1;
}

static void add_key(struct told *told, int section, const char *key)
{
	if (section >= 0)
		text_addf(&told->keys[section], " %.*s ", (int)strcspn(key, " \n"), key);
}

/* ".Ss Section daemon", and in it ".It Cm interval = Ar time" */
static void take_manual(struct told *told, const char *line, int *section)
{
	static const char heading[] = ".Ss Section ", item[] = ".It Cm ";
	const char *name = line + strlen(heading);

	if (strncmp(line, heading, strlen(heading)) == 0)
		*section = section_of(name, strcspn(name, "\n"));
	else if (strncmp(line, ".S", 2) == 0)
		*section = -1;
	else if (strncmp(line, item, strlen(item)) == 0)
		add_key(told, *section, line + strlen(item));
}

/* "[host]" or "#[domain web*]", and below it "#cap = 300W" */
static void take_example(struct told *told, const char *line, int *section)
{
	const char *text = line + (line[0] == '#');

	if (text[0] == '[')
		*section = section_of(text + 1, strcspn(text + 1, " ]"));
	else if (line[0] == '#' && strstr(line, " = "))
		add_key(told, *section, text);
}

static void read_file(const char *path, struct told *told,
		      void (*take)(struct told *told, const char *line, int *section))
{
	FILE *file = fopen(path, "r");
	char line[LINE_BYTES];
	int section = -1;

	*told = (struct told){ 0 };
	UNIT_TRUE(file != NULL);
	while (file && fgets(line, sizeof line, file))
		take(told, line, &section);
	if (file)
		fclose(file);
	for (int i = 0; i < SECTIONS; i++)
		text_add(&told->keys[i], "");
}

static void clear(struct told *told)
{
	for (int i = 0; i < SECTIONS; i++)
		text_free(&told->keys[i]);
}

static void expect_all_told(const char *path, const struct told *told)
{
	char key[LINE_BYTES], what[2 * LINE_BYTES];

	for (int i = 0; i < SECTIONS; i++)
		for (size_t k = 0; k < sections[i].table->count; k++) {
			const char *name = sections[i].table->keys[k].name;

			snprintf(key, sizeof key, " %s ", name);
			snprintf(what, sizeof what, "%s tells of [%s] %s", path, sections[i].name,
				 name);
			unit_true(strstr(told->keys[i].bytes, key) != NULL, what, __FILE__,
				  __LINE__);
		}
}

static void expect_only_keys(const char *path, struct told *told)
{
	char what[2 * LINE_BYTES], *save = NULL;

	for (int i = 0; i < SECTIONS; i++)
		for (char *word = strtok_r(told->keys[i].bytes, " ", &save); word;
		     word = strtok_r(NULL, " ", &save)) {
			bool known = false;

			for (size_t k = 0; k < sections[i].table->count; k++)
				known |= strcmp(sections[i].table->keys[k].name, word) == 0;
			snprintf(what, sizeof what, "[%s] %s of %s is a key", sections[i].name,
				 word, path);
			unit_true(known, what, __FILE__, __LINE__);
		}
}

static void expect_same(const char *path,
			void (*take)(struct told *told, const char *line, int *section))
{
	struct told told;

	read_file(path, &told, take);
	expect_all_told(path, &told);
	expect_only_keys(path, &told);
	clear(&told);
}

static void test_manual(void)
{
	expect_same("man/vmenergyd.conf.5", take_manual);
}

static void test_example(void)
{
	expect_same("contrib/vmenergyd.conf", take_example);
}

int main(void)
{
	return UNIT_RUN("config-manual", { "the manual tells of every key", test_manual },
			{ "the example shows every key", test_example });
}
