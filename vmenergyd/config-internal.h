/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config-internal.h - the tables of keys. For config*.c alone. */
#ifndef VMENERGY_VMENERGYD_CONFIG_INTERNAL_H
#define VMENERGY_VMENERGYD_CONFIG_INTERNAL_H

#include <math.h>

#include "base/units.h"
#include "vmenergyd/config.h"

struct config_key;

/* How values of one kind are read, and told apart. */
struct config_kind {
	/* `base` is the struct that the key's offsets are in. 0; -EINVAL with a text that begins
	 * with the value ("5ms: must be 10ms..60s"); -ENOMEM. */
	int (*parse)(const struct config_key *key, const char *value, void *base,
		     struct error *error);
	bool (*equal)(const struct config_key *key, const void *a, const void *b);
	bool may_repeat; /* a list: each line adds to it */
};

struct config_key {
	const char *name;
	const struct config_kind *kind;
	size_t offset;
	/* Of quantities. `none`: what the word stands for; 0 = it is no value of this key. */
	enum quantity quantity;
	double min, max, none;
	/* Of an amount per time: where the time goes, and its bounds. */
	size_t period_offset;
	double period_min_s, period_max_s;
	/* Of texts: the word for NULL (or for the empty text), and what else they must be. */
	const char *absent;
	int (*check)(const char *value, struct error *error); /* NULL = any text */
	bool restart;
};

struct config_table {
	const struct config_key *keys;
	size_t count;
};
/* Of struct config (by index as config.origins; [daemon], then [host]) and of
 * struct config_section. */
extern const struct config_table config_daemon_keys, config_host_keys, config_domain_keys,
	config_owner_keys, config_service_keys;
/* Keys that are looked up by their place in config_daemon_keys. */
enum { CONFIG_KEY_INTERVAL, CONFIG_KEY_CONTROL_INTERVAL };

extern const struct config_kind config_kind_quantity, config_kind_per_time, config_kind_text,
	config_kind_owner, config_kind_list, config_kind_switch, config_kind_source,
	config_kind_idle, config_kind_libvirt;

/* An absolute path; one that is short enough for a socket; a word; a kind of meter. */
int config_check_path(const char *value, struct error *error);
int config_check_socket(const char *value, struct error *error);
int config_check_word(const char *value, struct error *error);
int config_check_meter(const char *value, struct error *error);

/* A limit whose line is wrong, in what is only read to say all that is. */
#define CONFIG_LIMIT_REFUSED ((double)-INFINITY)

/* As config_parse(), but after -EINVAL what is right of it stands in `config`, and after -ENOMEM
 * it is to be cleared. */
int config_parse_over(const char *path, const char *text, size_t length, struct config *config,
		      struct error_list *errors);

int config_strings_add(struct config_strings *strings, const char *text); /* 0 or -ENOMEM */
void config_strings_clear(struct config_strings *strings);

bool config_section_matches(const struct config_section *section, const char *name,
			    const char *uuid);
/* The sections that match, each over those before it; what is not set, or taken away, is NaN. */
struct limits config_merge(const struct config_sections *sections, const char *name,
			   const char *uuid);

#endif
