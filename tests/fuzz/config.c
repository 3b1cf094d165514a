/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as vmenergyd.conf: refused with lines and nothing changed, or taken; and what passes
 * the check as a whole holds together.
 */
#include "vmenergyd/config.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char before[] = "[daemon]\ninterval = 2s\nqmp-socket = /q\n[domain *]\ncap = 7W\n";

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* "fuzz:LINE: what is wrong" */
static void check_errors(const struct error_list *errors)
{
	for (size_t i = 0; i < errors->count; i++) {
		const char *line = errors->texts[i] + strlen("fuzz:");

		must(strncmp(errors->texts[i], "fuzz:", 5) == 0 && isdigit((unsigned char)*line));
		must(strtoul(line, NULL, 10) > 0);
	}
}

static void check_untouched(const struct config *config)
{
	struct limits limits = config_domain_limits(config, "x", NULL);

	must(config->interval_s >= 2 && config->interval_s <= 2);
	must(config->domains.count == 1 && config->owners.count == 0);
	must(config->files.count == 1 && config->qmp_sockets.count == 1);
	must(limits.cap_w >= 7 && limits.cap_w <= 7);
}

static void check_limits(const struct limits *limits)
{
	must(!(limits->floor_w > limits->cap_w) && !(limits->floor_w > limits->cap_total_w));
	must(isnan(limits->budget_j) == isnan(limits->budget_period_s));
	must(isnan(limits->burst_j) || isfinite(limits->budget_j));
	must(isnan(limits->share) || (limits->share >= 1 && limits->share <= 10000));
}

static void check_whole(const struct config *config)
{
	must(config->interval_s >= 0.01 && config->interval_s <= 60);
	must(config->control_interval_s >= config->interval_s && config->control_interval_s >= 1);
	must(config->state_directory && config->socket);
	for (size_t i = 0; i < config->domains.count; i++) {
		const char *pattern = config->domains.items[i].pattern;
		struct limits limits = config_domain_limits(config, pattern, NULL);

		check_limits(&limits);
		(void)config_domain_owner(config, pattern, pattern);
	}
	for (size_t i = 0; i < config->owners.count; i++) {
		struct limits limits = config_owner_limits(config, config->owners.items[i].pattern);

		check_limits(&limits);
	}
}

static void try(const char *bytes, size_t size)
{
	struct error_list errors = { 0 };
	struct text restart = { 0 };
	struct config config;
	int result;

	config_init(&config);
	must(config_parse("before", before, sizeof before - 1, &config, &errors) == 0);
	result = config_parse("fuzz", bytes, size, &config, &errors);
	must((result != 0) == (errors.count + errors.dropped > 0));
	if (result)
		check_untouched(&config);
	else if (config_check(&config, &errors) == 0)
		check_whole(&config);
	must(result || config.files.count == 2);
	config_needs_restart(&config, &config, &restart);
	must(restart.length == 0);
	/* What is said of both together may stand in the first. */
	if (result)
		check_errors(&errors);
	text_free(&restart);
	error_list_clear(&errors);
	config_clear(&config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes;

	/* Checking is quadratic in sections. */
	if (size > 16384)
		return 0;
	bytes = malloc(size + 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	bytes[size] = '\0';
	try(bytes, size);
	free(bytes);
	return 0;
}
