/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no key can tell alone: values that contradict each other. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "vmenergyd/config-internal.h"

static void check_intervals(const struct config *config, struct error_list *errors)
{
	const struct config_origin *origin = &config->origins[CONFIG_KEY_CONTROL_INTERVAL];
	char control[64], interval[64];

	if (!(config->control_interval_s < config->interval_s))
		return;
	unit_format(QUANTITY_TIME, config->control_interval_s, control, sizeof control);
	unit_format(QUANTITY_TIME, config->interval_s, interval, sizeof interval);
	error_list_addf(errors,
			"%s:%u: control-interval %s: must not be less than interval, which is %s",
			origin->path ? origin->path : "?", origin->line, control, interval);
}

/* Has an earlier section the same pattern? Then what is wrong with it was said there. */
static bool is_repeated(const struct config_sections *sections, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(sections->items[i].pattern, sections->items[index].pattern) == 0)
			return true;
	return false;
}

static const struct {
	const char *name;
	size_t offset;
} caps_of_floor[] = {
	{ "cap", offsetof(struct limits, cap_w) },
	{ "cap-total", offsetof(struct limits, cap_total_w) },
};

static double limit_at(const struct limits *limits, size_t offset)
{
	double value;

	memcpy(&value, (const char *)limits + offset, sizeof value);
	return value;
}

/* The last section that says something of a floor or this cap to whom the pattern names. */
static const struct config_section *last_word(const struct config_sections *sections,
					      const char *pattern, size_t cap_offset)
{
	const struct config_section *last = NULL;

	for (size_t i = 0; i < sections->count; i++) {
		const struct config_section *section = &sections->items[i];

		if (config_section_matches(section, pattern, NULL) &&
		    (!isnan(limit_at(&section->limits, cap_offset)) ||
		     !isnan(section->limits.floor_w)))
			last = section;
	}
	return last;
}

/*
 * A pattern that matches another one as a text has names in common with it, so it is
 * enough to take the patterns themselves for names.
 */
static void check_floor(const struct config_sections *sections, const char *pattern,
			struct error_list *errors)
{
	struct limits limits = config_merge(sections, pattern, NULL);

	for (size_t i = 0; i < sizeof caps_of_floor / sizeof caps_of_floor[0]; i++) {
		double cap = limit_at(&limits, caps_of_floor[i].offset);
		const struct config_section *at;
		char floor_text[64], cap_text[64];

		if (!(limits.floor_w > cap))
			continue;
		at = last_word(sections, pattern, caps_of_floor[i].offset);
		unit_format(QUANTITY_POWER, limits.floor_w, floor_text, sizeof floor_text);
		unit_format(QUANTITY_POWER, cap, cap_text, sizeof cap_text);
		error_list_addf(errors,
				"%s:%u: [domain %s] floor %s: must not be above %s, which is %s",
				at ? at->path : "?", at ? at->line : 0, pattern, floor_text,
				caps_of_floor[i].name, cap_text);
	}
}

static bool has_budget(const struct config_sections *sections)
{
	for (size_t i = 0; i < sections->count; i++)
		if (isfinite(sections->items[i].limits.budget_j) ||
		    sections->items[i].limits.budget_j <= CONFIG_LIMIT_REFUSED)
			return true;
	return false;
}

/* A burst may well stand before the budgets that it goes with, but not without any. */
static void check_burst(const struct config_section *section, const char *kind, bool any_budget,
			struct error_list *errors)
{
	if (isfinite(section->limits.burst_j) &&
	    (!any_budget || section->limits.budget_j >= (double)INFINITY))
		error_list_addf(errors, "%s:%u: [%s %s] burst: there is no budget to save up from",
				section->path, section->line, kind, section->pattern);
}

static void check_sections(const struct config_sections *sections, const char *kind,
			   struct error_list *errors)
{
	bool any_budget = has_budget(sections);

	for (size_t i = 0; i < sections->count; i++) {
		check_burst(&sections->items[i], kind, any_budget, errors);
		if (!is_repeated(sections, i))
			check_floor(sections, sections->items[i].pattern, errors);
	}
}

static void check_services(const struct config_sections *services, struct error_list *errors)
{
	for (size_t i = 0; i < services->count; i++)
		if (!services->items[i].match)
			error_list_addf(errors,
					"%s:%u: [service %s] match: must say which process it is",
					services->items[i].path, services->items[i].line,
					services->items[i].pattern);
}

int config_check(const struct config *config, struct error_list *errors)
{
	size_t before = errors->count + errors->dropped;

	check_intervals(config, errors);
	check_sections(&config->domains, "domain", errors);
	check_sections(&config->owners, "owner", errors);
	check_services(&config->services, errors);
	return errors->count + errors->dropped == before ? 0 : -EINVAL;
}
