/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ini.h"
#include "vmenergyd/config-internal.h"

void config_init(struct config *config)
{
	*config = (struct config){
		.interval_s = 1,
		.control_interval_s = 1,
		.cpu_source = -1,
		.idle_policy = IDLE_VCPU,
		.state_directory = strdup("/var/lib/vmenergyd"),
		.socket = strdup("/run/vmenergyd/control"),
		.read_group = strdup("vmenergy"),
		.move_processes = true,
		.cap_w = NAN,
		.peak_w = NAN,
		.peak_window_s = NAN,
		.temperature_c = NAN,
	};
}

static void clear_sections(struct config_sections *sections)
{
	for (size_t i = 0; i < sections->count; i++) {
		free(sections->items[i].pattern);
		free(sections->items[i].owner);
		free(sections->items[i].match);
	}
	free(sections->items);
}

void config_clear(struct config *config)
{
	free(config->weights);
	free(config->meter);
	free(config->libvirt);
	free(config->state_directory);
	free(config->socket);
	free(config->read_group);
	free(config->change_group);
	config_strings_clear(&config->qmp_sockets);
	config_strings_clear(&config->files);
	clear_sections(&config->domains);
	clear_sections(&config->owners);
	clear_sections(&config->services);
	memset(config, 0, sizeof *config);
}

/* --- what holds for a domain ---------------------------------------------------------------- */

/* Letter case of a UUID says nothing; libvirt and we write small ones. */
static bool matches_uuid(const char *pattern, const char *uuid)
{
	char small[INI_SECTION_MAX_BYTES + 1];
	size_t length = strlen(pattern);

	if (length >= sizeof small)
		return false;
	for (size_t i = 0; i <= length; i++)
		small[i] = (char)tolower((unsigned char)pattern[i]);
	return text_matches(small, uuid);
}

bool config_section_matches(const struct config_section *section, const char *name,
			    const char *uuid)
{
	return text_matches(section->pattern, name) ||
	       (uuid && matches_uuid(section->pattern, uuid));
}

/* `none` has done its work. */
static void forget_none(struct limits *limits)
{
	double *const fields[] = {
		&limits->cap_w,      &limits->cap_total_w,     &limits->cpu_cap_w,
		&limits->disk_cap_w, &limits->floor_w,         &limits->share,
		&limits->budget_j,   &limits->budget_period_s, &limits->burst_j,
	};

	_Static_assert(sizeof fields / sizeof fields[0] == sizeof *limits / sizeof(double),
		       "all of them");
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		if (isinf(*fields[i]))
			*fields[i] = NAN;
	if (isnan(limits->budget_j))
		limits->burst_j = NAN;
}

struct limits config_merge(const struct config_sections *sections, const char *name,
			   const char *uuid)
{
	struct limits limits = limits_none();

	for (size_t i = 0; i < sections->count; i++)
		if (config_section_matches(&sections->items[i], name, uuid))
			limits_override(&limits, &sections->items[i].limits);
	forget_none(&limits);
	return limits;
}

struct limits config_domain_limits(const struct config *config, const char *name, const char *uuid)
{
	return config_merge(&config->domains, name, uuid);
}

double config_host_cap_w(const struct config *config, double by_hand_w)
{
	return isnan(by_hand_w) ? config->cap_w : by_hand_w;
}

struct limits config_owner_limits(const struct config *config, const char *owner)
{
	return owner ? config_merge(&config->owners, owner, NULL) : limits_none();
}

const char *config_domain_owner(const struct config *config, const char *name, const char *uuid)
{
	const char *owner = NULL;

	for (size_t i = 0; i < config->domains.count; i++) {
		const struct config_section *section = &config->domains.items[i];

		if (section->owner && config_section_matches(section, name, uuid))
			owner = section->owner;
	}
	return owner && *owner ? owner : NULL;
}

struct config_origin config_origin(const struct config *config, const char *key)
{
	for (size_t i = 0; i < config_daemon_keys.count; i++)
		if (strcmp(config_daemon_keys.keys[i].name, key) == 0)
			return config->origins[i];
	return (struct config_origin){ 0 };
}

/* --- reload --------------------------------------------------------------------------------- */

static bool has_same_services(const struct config *now, const struct config *next)
{
	bool same = now->services.count == next->services.count;

	for (size_t i = 0; same && i < now->services.count; i++) {
		const struct config_section *a = &now->services.items[i];
		const struct config_section *b = &next->services.items[i];

		same = text_equal(a->pattern, b->pattern) && text_equal(a->match, b->match) &&
		       a->idle_units == b->idle_units;
	}
	return same;
}

void config_needs_restart(const struct config *now, const struct config *next, struct text *out)
{
	const char *separator = "";

	text_add(out, "");
	for (size_t i = 0; i < config_daemon_keys.count; i++) {
		const struct config_key *key = &config_daemon_keys.keys[i];

		if (!key->restart || key->kind->equal(key, now, next))
			continue;
		text_addf(out, "%s%s", separator, key->name);
		separator = ", ";
	}
	if (!has_same_services(now, next))
		text_addf(out, "%s[service]", separator);
}
