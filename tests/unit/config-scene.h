/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config-scene.h - configurations from texts, and what is said of wrong ones. */
#ifndef VMENERGY_TESTS_CONFIG_SCENE_H
#define VMENERGY_TESTS_CONFIG_SCENE_H

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmenergyd/config.h"

/* All errors, a line each. */
static inline void config_scene_join(const struct error_list *errors, struct text *out)
{
	text_add(out, "");
	for (size_t i = 0; i < errors->count; i++)
		text_addf(out, "%s\n", errors->texts[i]);
}

/* Parse and check, from the defaults. */
static inline int config_scene_read(const char *text, struct config *config,
				    struct error_list *errors)
{
	int result;

	config_init(config);
	result = config_parse("x.conf", text, strlen(text), config, errors);
	return result ? result : config_check(config, errors);
}

static inline struct config parsed(const char *text)
{
	struct error_list errors = { 0 };
	struct text said = { 0 };
	struct config config;

	if (config_scene_read(text, &config, &errors)) {
		config_scene_join(&errors, &said);
		fprintf(stderr, "%s\n%s", text, said.bytes);
		abort();
	}
	return config;
}

static inline void expect_errors(const char *text, size_t count, const char *said)
{
	struct error_list errors = { 0 };
	struct text joined = { 0 };
	struct config config;

	UNIT_EQUAL_I64(-EINVAL, config_scene_read(text, &config, &errors));
	config_scene_join(&errors, &joined);
	UNIT_EQUAL_U64(count, errors.count);
	UNIT_CONTAINS(said, joined.bytes);
	text_free(&joined);
	error_list_clear(&errors);
	config_clear(&config);
}

#endif
