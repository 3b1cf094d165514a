/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One text of vmenergyd.conf(5) into struct config. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ini.h"
#include "base/memory.h"
#include "vmenergyd/config-internal.h"

struct section_kind {
	const char *name;
	const struct config_table *keys;
	size_t sections;   /* offset in struct config of the list; 0 = there is one, no pattern */
	const char *needs; /* what is missing where there is no pattern */
};

static const struct section_kind section_kinds[] = {
	{ "daemon", &config_daemon_keys, 0, NULL },
	{ "host", &config_host_keys, 0, NULL },
	{ "domain", &config_domain_keys, offsetof(struct config, domains),
	  "a pattern of names: [domain web*]" },
	{ "owner", &config_owner_keys, offsetof(struct config, owners),
	  "a pattern of names: [owner web*]" },
	{ "service", &config_service_keys, offsetof(struct config, services),
	  "a name: [service storage]" },
};
enum { SECTION_KINDS = sizeof section_kinds / sizeof section_kinds[0] };

struct parser {
	struct config *config;
	const char *path;                     /* one of config->files */
	char name[INI_SECTION_MAX_BYTES + 1]; /* of the section that is being read */
	bool begun;
	const struct section_kind *kind; /* NULL: a section that was rejected */
	struct config_section *section;  /* NULL: its kind has no pattern */
	/* Where each key stood: of this file, and of the section with a pattern. */
	unsigned once[SECTION_KINDS][CONFIG_KEYS_MAX];
	unsigned here[CONFIG_KEYS_MAX];
	bool out_of_memory;
};

/* --- sections ------------------------------------------------------------------------------- */

static const struct section_kind *find_kind(const char *name, size_t length)
{
	for (size_t i = 0; i < SECTION_KINDS; i++)
		if (strlen(section_kinds[i].name) == length &&
		    memcmp(section_kinds[i].name, name, length) == 0)
			return &section_kinds[i];
	return NULL;
}

static int add_section(struct parser *parser, const struct section_kind *kind, const char *pattern,
		       unsigned line)
{
	struct config_sections *sections =
		(struct config_sections *)((char *)parser->config + kind->sections);
	char *copy = strdup(pattern);
	struct config_section *section = copy ? MEMORY_APPEND(sections) : NULL;

	if (!section) {
		free(copy);
		parser->out_of_memory = true;
		return -ENOMEM;
	}
	*section = (struct config_section){
		.pattern = copy,
		.limits = limits_none(),
		.idle_units = 1,
		.path = parser->path,
		.line = line,
	};
	parser->section = section;
	memset(parser->here, 0, sizeof parser->here);
	return 0;
}

/* Told once for a section, whatever it holds. */
static int begin_section(struct parser *parser, const struct ini_entry *entry,
			 struct error_list *errors)
{
	size_t length = strcspn(entry->section, " ");
	const char *pattern = entry->section + length + strspn(entry->section + length, " ");
	const struct section_kind *kind = find_kind(entry->section, length);

	parser->begun = true;
	parser->kind = NULL;
	parser->section = NULL;
	snprintf(parser->name, sizeof parser->name, "%s", entry->section);
	if (!*entry->section)
		return ini_errorf(errors, entry, "%s: stands in no section", entry->key);
	if (!kind)
		return ini_errorf(errors, entry,
				  "[%s]: unknown section; there are daemon, host, domain PATTERN, "
				  "owner PATTERN and service NAME",
				  entry->section);
	if (!kind->sections && *pattern)
		return ini_errorf(errors, entry, "[%s]: [%s] takes no pattern", entry->section,
				  kind->name);
	if (kind->sections && !*pattern)
		return ini_errorf(errors, entry, "[%s]: needs %s", entry->section, kind->needs);
	parser->kind = kind;
	return kind->sections ? add_section(parser, kind, pattern, entry->line) : 0;
}

/* --- keys ----------------------------------------------------------------------------------- */

static void note_origin(struct parser *parser, size_t index, unsigned line)
{
	size_t before = parser->kind->keys == &config_host_keys ? config_daemon_keys.count : 0;

	parser->config->origins[before + index] = (struct config_origin){ parser->path, line };
}

/* It was to be something: no other limit is wrong for want of it. */
static void refuse_limit(const struct config_key *key, struct config_section *section)
{
	static const double refused = CONFIG_LIMIT_REFUSED;

	if (key->none > 0)
		memcpy((char *)section + key->offset, &refused, sizeof refused);
}

static int take_key(struct parser *parser, const struct ini_entry *entry, size_t index,
		    struct error_list *errors)
{
	const struct config_key *key = &parser->kind->keys->keys[index];
	unsigned *line = parser->section ? &parser->here[index]
					 : &parser->once[parser->kind - section_kinds][index];
	struct error error = { "" };
	int result;

	if (*line && !key->kind->may_repeat)
		return ini_errorf(errors, entry, "%s: stands in line %u, too", key->name, *line);
	*line = entry->line;
	result = key->kind->parse(key, entry->value,
				  parser->section ? (void *)parser->section : parser->config,
				  &error);
	if (result == -ENOMEM) {
		parser->out_of_memory = true;
		return result;
	}
	if (result && parser->section)
		refuse_limit(key, parser->section);
	if (result)
		return ini_errorf(errors, entry, "%s %s", key->name, error.text);
	if (!parser->section)
		note_origin(parser, index, entry->line);
	return 0;
}

static int take(void *context, const struct ini_entry *entry, struct error_list *errors)
{
	struct parser *parser = context;
	int result = 0;

	if (!parser->begun || strcmp(parser->name, entry->section) != 0)
		result = begin_section(parser, entry, errors);
	if (result || !parser->kind)
		return result;
	for (size_t i = 0; i < parser->kind->keys->count; i++)
		if (strcmp(parser->kind->keys->keys[i].name, entry->key) == 0)
			return take_key(parser, entry, i, errors);
	return ini_errorf(errors, entry, "[%s] %s: unknown key", parser->kind->name, entry->key);
}

/* --- the whole text ------------------------------------------------------------------------- */

/* Where it was not set, it follows the interval. */
static void set_control_interval(struct config *config)
{
	if (!config->origins[CONFIG_KEY_CONTROL_INTERVAL].line)
		config->control_interval_s = fmax(1, config->interval_s);
}

int config_parse_over(const char *path, const char *text, size_t length, struct config *config,
		      struct error_list *errors)
{
	struct parser parser = { .config = config };
	int result;

	if (config_strings_add(&config->files, path))
		return -ENOMEM;
	parser.path = config->files.items[config->files.count - 1];
	result = ini_parse_text(path, text, length, take, &parser, errors);
	set_control_interval(config);
	return parser.out_of_memory ? -ENOMEM : result;
}

/* Tried on an empty one first, so that a bad text leaves nothing behind in the real one. */
int config_parse(const char *path, const char *text, size_t length, struct config *config,
		 struct error_list *errors)
{
	struct error_list none = { 0 };
	struct config trial;
	int result;

	config_init(&trial);
	result = config_parse_over(path, text, length, &trial, errors);
	config_clear(&trial);
	if (!result && config_parse_over(path, text, length, config, &none))
		result = -ENOMEM;
	error_list_clear(&none);
	if (result == -ENOMEM)
		config_clear(config);
	return result;
}
