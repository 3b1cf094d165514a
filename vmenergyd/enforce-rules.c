/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enforce-rules.c - which limits hold for whom: the files', and over them caps by hand. */
#include "vmenergyd/enforce-internal.h"

#include <errno.h>
#include <string.h>

#define LIMIT_MOST_W 1e9

/* --- what holds --------------------------------------------------------------------------- */

static void no_infinity(double *value)
{
	if (isinf(*value))
		*value = NAN;
}

/* INFINITY has taken a limit of the file away: what is left is no limit. */
static void settle_limits(struct limits *limits)
{
	no_infinity(&limits->cap_w);
	no_infinity(&limits->cap_total_w);
	no_infinity(&limits->cpu_cap_w);
	no_infinity(&limits->disk_cap_w);
	no_infinity(&limits->budget_j);
}

static bool has_limit(const struct limits *limits)
{
	return !isnan(limits->cap_w) || !isnan(limits->cap_total_w) || !isnan(limits->cpu_cap_w) ||
	       !isnan(limits->disk_cap_w) || !isnan(limits->budget_j);
}

struct limits enforce_domain_limits(const struct enforce *enforce, const char *id, const char *name,
				    const char *uuid)
{
	struct limits limits = config_domain_limits(enforce->config, name, uuid);
	const struct state_override *override = state_override(enforce->state, id);

	if (override)
		limits_override(&limits, &override->limits);
	settle_limits(&limits);
	return limits;
}

struct limits enforce_owner_limits(const struct enforce *enforce, const char *owner)
{
	struct limits limits = config_owner_limits(enforce->config, owner);

	settle_limits(&limits);
	return limits;
}

void enforce_refresh_rules(struct enforce *enforce, struct enforce_domain *domain)
{
	const char *owner;

	if (domain->rules == enforce->rules)
		return;
	domain->limits = enforce_domain_limits(enforce, domain->id, domain->name, domain->uuid);
	domain->has_limit = has_limit(&domain->limits);
	owner = config_domain_owner(enforce->config, domain->name, domain->uuid);
	if (!owner)
		owner = domain->host_owner;
	domain->owner_limits = owner ? enforce_owner_limits(enforce, owner) : limits_none();
	domain->owner_has_limit = has_limit(&domain->owner_limits);
	if (text_replace(&domain->owner, owner) == 0)
		domain->rules = enforce->rules;
}

double enforce_host_cap_w(const struct enforce *enforce)
{
	double cap_w = config_host_cap_w(enforce->config, enforce->state->host_cap_w);

	return isinf(cap_w) ? NAN : cap_w;
}

/* Without constants that tell how it follows power, a temperature holds nobody. */
static bool has_temperature(const struct enforce *enforce)
{
	const struct weights *cpu = enforce->options.cpu;

	return !isnan(enforce->config->temperature_c) && cpu->thermal_c1 > 0 && cpu->thermal_c2 < 0;
}

bool enforce_host_has_limit(const struct enforce *enforce)
{
	return !isnan(enforce_host_cap_w(enforce)) || !isnan(enforce->config->peak_w) ||
	       has_temperature(enforce);
}

bool enforce_is_limited(const struct enforce *enforce, const struct enforce_domain *domain)
{
	return domain->has_limit || domain->owner_has_limit || enforce_host_has_limit(enforce);
}

enum enforce_standing enforce_standing(const struct enforce *enforce,
				       const struct enforce_domain *domain)
{
	if (domain->rules != enforce->rules)
		return STANDING_UNKNOWN;
	if (!enforce_is_limited(enforce, domain))
		return STANDING_FREE;
	return enforce->decision.made && domain->decided != SIZE_MAX ? STANDING_LIMITED
								     : STANDING_UNKNOWN;
}

void enforce_set_config(struct enforce *enforce, const struct config *config,
			double control_interval_s)
{
	enforce->config = config;
	enforce->control_interval_s = fmax(1, control_interval_s);
	enforce->rules++;
}

/* --- caps by hand ------------------------------------------------------------------------- */

struct matches {
	const struct domain *found;
	size_t count;
	char list[ERROR_TEXT_BYTES / 2];
};

static void add_match(struct matches *matches, const struct domain *domain)
{
	size_t used = strlen(matches->list);

	matches->found = domain;
	snprintf(matches->list + used, sizeof matches->list - used, "%s%s",
		 matches->count > 0 ? ", " : "", domain->id);
	matches->count++;
}

static bool is_called(const struct domain *domain, const char *name)
{
	return strcmp(domain->name, name) == 0;
}

static bool is_known_as(const struct domain *domain, const char *id)
{
	return strcmp(domain->id, id) == 0 || (domain->uuid && strcasecmp(domain->uuid, id) == 0);
}

/* An id or UUID names one domain, whatever others are called. */
static int find(const struct topology *topology, const char *text, const struct domain **found,
		struct error *error)
{
	bool (*const ways[])(const struct domain *, const char *) = { is_known_as, is_called };
	struct matches matches = { .count = 0 };

	for (size_t way = 0; topology && way < 2 && matches.count == 0; way++)
		for (size_t i = 0; i < topology->domain_count; i++)
			if (topology->domains[i].state != DOMAIN_ENDED &&
			    ways[way](&topology->domains[i], text))
				add_match(&matches, &topology->domains[i]);
	*found = matches.found;
	if (matches.count == 0)
		return error_setf(error, ENOENT, "no domain is called '%.100s'", text);
	if (matches.count > 1)
		return error_setf(error, EEXIST, "%zu domains are called '%.60s': %s",
				  matches.count, text, matches.list);
	return 0;
}

static int check_watts(const char *name, double watts, struct error *error)
{
	if (isnan(watts) || isinf(watts) || (watts >= 0 && watts <= LIMIT_MOST_W))
		return 0;
	return error_setf(error, EINVAL, "%s: must be 0..%g W", name, LIMIT_MOST_W);
}

static int check_limits(const struct limits *limits, struct error *error)
{
	int result = check_watts("cap", limits->cap_w, error);

	if (!result)
		result = check_watts("cap-total", limits->cap_total_w, error);
	if (!result)
		result = check_watts("cpu-cap", limits->cpu_cap_w, error);
	return result ? result : check_watts("disk-cap", limits->disk_cap_w, error);
}

static void add_limit(struct text *text, const char *name, double watts)
{
	if (isnan(watts))
		return;
	text_addf(text, "%s%s ", text->length > 0 ? ", " : "", name);
	if (isinf(watts))
		text_add(text, "none");
	else
		text_addf(text, "%g W", watts);
}

static void say_set(const struct enforce *enforce, const char *name, const struct limits *limits,
		    const char *by)
{
	struct text text = { 0 };

	add_limit(&text, "cap", limits->cap_w);
	add_limit(&text, "cap-total", limits->cap_total_w);
	add_limit(&text, "cpu-cap", limits->cpu_cap_w);
	add_limit(&text, "disk-cap", limits->disk_cap_w);
	if (text.bytes)
		enforce_sayf(enforce, false, "%s: %s, set by %s", name, text.bytes, by);
	text_free(&text);
}

static bool is_there(const struct topology *topology, const char *id)
{
	for (size_t i = 0; i < topology->domain_count; i++)
		if (strcmp(topology->domains[i].id, id) == 0)
			return true;
	return false;
}

/* The oldest cap of a domain that is not there; NULL = all are. */
static const struct state_override *find_stale(const struct enforce *enforce,
					       const struct topology *topology)
{
	const struct state_override *stale = NULL;

	for (size_t i = 0; i < enforce->state->override_count; i++) {
		const struct state_override *override = &enforce->state->overrides[i];

		if ((!stale || override->since_s < stale->since_s) &&
		    !is_there(topology, override->id))
			stale = override;
	}
	return stale;
}

/* What the state file cannot hold is refused before it is in force. */
static int make_room(struct enforce *enforce, const struct topology *topology,
		     const struct domain *domain, struct error *error)
{
	const struct state_override *stale;

	if (strlen(domain->id) >= TARGET_TEXT || strlen(domain->name) > STATE_NAME_MAX)
		return error_setf(error, ENAMETOOLONG,
				  "%.60s...: its id or name is too long to be remembered",
				  domain->id);
	if (enforce->state->override_count < STATE_OVERRIDES_MAX)
		return 0;
	stale = find_stale(enforce, topology);
	if (!stale)
		return error_setf(error, ENOSPC,
				  "%d domains have caps set by hand: clear some first",
				  STATE_OVERRIDES_MAX);
	enforce_sayf(enforce, true, "%s: its cap set by hand is forgotten: there are too many",
		     stale->name ? stale->name : stale->id);
	state_override_remove(enforce->state, stale->id);
	return 0;
}

int enforce_set_limits(struct enforce *enforce, const struct topology *topology, const char *domain,
		       const struct limits *limits, const char *by, struct error *error)
{
	struct state_override *override;
	const struct domain *found;
	int result = check_limits(limits, error);

	if (!result)
		result = find(topology, domain, &found, error);
	if (result)
		return result;
	override = state_override(enforce->state, found->id);
	if (!override)
		result = make_room(enforce, topology, found, error);
	if (result)
		return result;
	if (!override)
		override = state_override_add(enforce->state, found->id);
	if (!override || text_replace(&override->name, found->name) ||
	    text_replace(&override->by, by))
		return error_setf(error, ENOMEM, "out of memory");
	limits_override(&override->limits, limits);
	override->since_s = enforce->realtime_s;
	enforce->rules++;
	say_set(enforce, found->name, limits, by);
	return 0;
}

/* Of one that does not run, too: its cap would hold again when it does. */
static const char *find_override(const struct enforce *enforce, const char *text)
{
	for (size_t i = 0; i < enforce->state->override_count; i++) {
		const struct state_override *override = &enforce->state->overrides[i];

		if (strcmp(override->id, text) == 0 || text_equal(override->name, text))
			return override->id;
	}
	return NULL;
}

int enforce_clear_limits(struct enforce *enforce, const struct topology *topology,
			 const char *domain, const char *by, struct error *error)
{
	const struct domain *found = NULL;
	int result = find(topology, domain, &found, error);
	const char *id = result == -ENOENT ? find_override(enforce, domain)
			 : found           ? found->id
					   : NULL;

	if (result == -EEXIST || (result && !id))
		return result;
	if (state_override(enforce->state, id))
		enforce_sayf(enforce, false, "%s: limits as configured again, by %s", domain, by);
	state_override_remove(enforce->state, id);
	enforce->rules++;
	return 0;
}

void enforce_set_host_cap(struct enforce *enforce, double cap_w, const char *by)
{
	enforce->state->host_cap_w = cap_w;
	enforce->rules++;
	if (isnan(cap_w))
		enforce_sayf(enforce, false, "host: cap as configured again, by %s", by);
	else if (isinf(cap_w))
		enforce_sayf(enforce, false, "host: no cap, set by %s", by);
	else
		enforce_sayf(enforce, false, "host: cap %g W, set by %s", cap_w, by);
}
