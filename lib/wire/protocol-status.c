/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/protocol-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* --- members --------------------------------------------------------------- */

enum { DOMAINS_MAX = 100000, WORDS_MAX = 1000 };

#define DOMAIN(member_, type_)                                                                     \
	{                                                                                          \
		SHAPE_AT(#member_, protocol_status_domain, member_, type_)                         \
	}
#define HOST(member_, type_)                                                                       \
	{                                                                                          \
		SHAPE_AT(#member_, protocol_status_host, member_, type_)                           \
	}
#define STATUS(key_, member_, type_)                                                               \
	{                                                                                          \
		SHAPE_AT(key_, protocol_status, member_, type_)                                    \
	}
/* clang-format off */
#define WORDS(struct_, member_) \
	{ SHAPE_LIST_AT(#member_, struct_, member_.items, member_.count, TEXTS), .max = WORDS_MAX }
/* clang-format on */

static const struct shape_member domain_members[] = {
	DOMAIN(id, NAME),
	DOMAIN(name, NAME),
	DOMAIN(cap_w, FIGURE),
	DOMAIN(cap_total_w, FIGURE),
	DOMAIN(cpu_cap_w, FIGURE),
	DOMAIN(disk_cap_w, FIGURE),
	DOMAIN(limit_w, FIGURE),
	DOMAIN(used_w, FIGURE),
	DOMAIN(headroom_w, FIGURE),
	DOMAIN(infeasible_w, FIGURE),
	DOMAIN(throttle_cpu, FIGURE),
	DOMAIN(throttle_disk, FIGURE),
	WORDS(protocol_status_domain, held_by),
	DOMAIN(override_by, TEXT),
};
static const struct shape domain_shape = SHAPE_OF(domain_members);

static const struct shape_member host_members[] = {
	HOST(cap_w, FIGURE),
	HOST(limit_w, FIGURE),
	HOST(used_w, FIGURE),
	HOST(headroom_w, FIGURE),
	HOST(infeasible_w, FIGURE),
	HOST(temperature_c, FIGURE),
	WORDS(protocol_status_host, held_by),
	HOST(override_by, TEXT),
};
static const struct shape host_shape = SHAPE_OF(host_members);

static const struct shape_member status_members[] = {
	STATUS("version", version, NAME),
	STATUS("hostname", hostname, NAME),
	STATUS("since", since_s, FIGURE),
	STATUS("interval_s", interval_s, FIGURE),
	STATUS("control_interval_s", control_interval_s, FIGURE),
	STATUS("dry_run", dry_run, BOOL),
	STATUS("source", source, NAME),
	STATUS("weights", weights, TEXT),
	STATUS("meter", meter, TEXT),
	STATUS("decisions", decisions, U64),
	STATUS("writes", writes, U64),
	STATUS("unchanged_left_out", unchanged_left_out, U64),
	STATUS("refused", refused, U64),
	STATUS("foreign_changes", foreign_changes, U64),
	STATUS("clients", clients, U64),
	STATUS("dropped", dropped, U64),
	{ SHAPE_AT("host", protocol_status, host, OBJECT), .shape = &host_shape },
	{ SHAPE_LIST_AT("domains", protocol_status, domains.items, domains.count, LIST),
	  .max = DOMAINS_MAX, .shape = &domain_shape },
	WORDS(protocol_status, trouble),
};
static const struct shape status_shape = SHAPE_OF(status_members);

/* --- filling --------------------------------------------------------------- */

int protocol_words_add(struct protocol_words *words, const char *word)
{
	char *copy = strdup(word), **place = copy ? MEMORY_APPEND(words) : NULL;

	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	*place = copy;
	return 0;
}

/* All figures unknown. */
static void forget_figures(const struct shape *shape, void *record)
{
	for (size_t i = 0; i < shape->count; i++)
		if (shape->members[i].type == SHAPE_FIGURE)
			*(double *)(void *)((char *)record + shape->members[i].offset) = NAN;
}

void protocol_status_init(struct protocol_status *status)
{
	*status = (struct protocol_status){ 0 };
	forget_figures(&status_shape, status);
	forget_figures(&host_shape, &status->host);
}

void protocol_status_clear(struct protocol_status *status)
{
	shape_clear(&status_shape, status, sizeof *status);
}

struct protocol_status_domain *protocol_status_add(struct protocol_status *status)
{
	struct protocol_status_domain *domain = MEMORY_APPEND(&status->domains);

	if (domain)
		forget_figures(&domain_shape, domain);
	return domain;
}

/* --- lines ----------------------------------------------------------------- */

int protocol_put_status(int64_t id, const struct protocol_status *status, struct text *out,
			struct error *error)
{
	struct build build = { .error = error };
	json_t *root = protocol_object(&build, id), *object = json_object();

	build_put(&build, root, "ok", json_true());
	shape_put(&build, object, &status_shape, status);
	build_put(&build, root, "status", object);
	return build_line(&build, root, PROTOCOL_DIGITS, out);
}

int protocol_parse_status(const struct protocol_message *message, struct protocol_status *status,
			  struct error *error)
{
	struct node root = node_root(message->answer, "", error);
	struct node node = node_member(&root, "status");
	int result;

	*status = (struct protocol_status){ 0 };
	result = shape_parse(&node, &status_shape, &shape_heap, status);
	if (result)
		protocol_status_clear(status);
	return result;
}
