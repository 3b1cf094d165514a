/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/protocol-internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- vocabulary ------------------------------------------------------------ */

static const struct verb_word {
	const char *name;
	bool changes, has_domain, has_limits;
} verbs[PROTOCOL_VERBS] = {
	[PROTOCOL_STATUS] = { "status", false, false, false },
	[PROTOCOL_SUBSCRIBE] = { "subscribe", false, false, false },
	[PROTOCOL_UNSUBSCRIBE] = { "unsubscribe", false, false, false },
	[PROTOCOL_CAP] = { "cap", true, true, true },
	[PROTOCOL_CLEAR] = { "clear", true, true, false },
	[PROTOCOL_RELOAD] = { "reload", true, false, false },
};

static const double limit_max_w = 1e9;

static const struct limit_word {
	const char *key;
	size_t offset;
	bool of_host;
} limit_words[] = {
	{ "cap_w", offsetof(struct protocol_request, cap_w), true },
	{ "cap_total_w", offsetof(struct protocol_request, cap_total_w), false },
	{ "cpu_cap_w", offsetof(struct protocol_request, cpu_cap_w), false },
	{ "disk_cap_w", offsetof(struct protocol_request, disk_cap_w), false },
};
enum { LIMIT_WORDS = sizeof limit_words / sizeof *limit_words };

const char *protocol_verb_name(enum protocol_verb verb)
{
	return (unsigned)verb < PROTOCOL_VERBS ? verbs[verb].name : "?";
}

bool protocol_verb_changes(enum protocol_verb verb)
{
	return (unsigned)verb >= PROTOCOL_VERBS || verbs[verb].changes;
}

static int verb_parse(const char *word)
{
	for (int i = 0; i < PROTOCOL_VERBS; i++)
		if (strcmp(verbs[i].name, word) == 0)
			return i;
	return -1;
}

struct protocol_request protocol_request_of(enum protocol_verb verb)
{
	return (struct protocol_request){
		.id = -1,
		.verb = verb,
		.cap_w = NAN,
		.cap_total_w = NAN,
		.cpu_cap_w = NAN,
		.disk_cap_w = NAN,
	};
}

void protocol_request_clear(struct protocol_request *request)
{
	free(request->domain);
	*request = protocol_request_of(request->verb);
}

/* --- reading --------------------------------------------------------------- */

static double *limit_place(struct protocol_request *request, size_t index)
{
	return (double *)(void *)((char *)request + limit_words[index].offset);
}

static const struct limit_word *find_limit(const char *key)
{
	for (size_t i = 0; i < LIMIT_WORDS; i++)
		if (strcmp(limit_words[i].key, key) == 0)
			return &limit_words[i];
	return NULL;
}

static bool may_have(const struct verb_word *verb, const char *key)
{
	if (strcmp(key, "format") == 0 || strcmp(key, "id") == 0 || strcmp(key, "do") == 0)
		return true;
	return strcmp(key, "domain") == 0 ? verb->has_domain : verb->has_limits && find_limit(key);
}

static int check_members(json_t *object, const struct node *root, const struct verb_word *verb)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		struct node member = node_member(root, key);

		if (!may_have(verb, key))
			return node_fail(&member, "no member of the request \"%s\"", verb->name);
	}
	return 0;
}

/* The host is what is not mentioned: a null would be somebody's empty variable. */
static int parse_domain(const struct node *root, struct protocol_request *request)
{
	struct node node = node_member(root, "domain");
	int result = node.value ? node_text(&node, FIELD_TEXT_MAX, &request->domain) : 0;

	if (!result && request->domain && !*request->domain)
		result = node_fail(&node, "must not be empty");
	return result;
}

static int parse_limit(const struct node *node, double *limit_w)
{
	double value = json_number_value(node->value);

	if (json_is_null(node->value)) {
		*limit_w = INFINITY;
		return 0;
	}
	if (!json_is_number(node->value) || value < 0 || value > limit_max_w)
		return node_fail(node, "must be null or 0..%g", limit_max_w);
	*limit_w = value;
	return 0;
}

static int parse_limits(const struct node *root, struct protocol_request *request)
{
	unsigned mentioned = 0;
	int result = 0;

	for (size_t i = 0; i < LIMIT_WORDS && !result; i++) {
		struct node node = node_member(root, limit_words[i].key);

		if (!node.value)
			continue;
		mentioned++;
		result = parse_limit(&node, limit_place(request, i));
		if (!result && !request->domain && !limit_words[i].of_host)
			result = node_fail(&node, "needs a domain: the host has cap_w alone");
	}
	if (!result && mentioned == 0)
		result = error_setf(root->error, EINVAL, "no limit is mentioned (cap_w, ...)");
	return result;
}

static int parse_members(json_t *object, struct protocol_request *request, struct error *error)
{
	struct node root = node_root(object, "", error), verb = node_member(&root, "do");
	unsigned index = 0;
	int result = protocol_parse_id(&root, &request->id);

	if (!result)
		result = protocol_check_format(&root);
	if (!result)
		result = node_word(&verb, verb_parse, &index);
	if (result)
		return result;
	request->verb = (enum protocol_verb)index;
	result = check_members(object, &root, &verbs[index]);
	if (!result)
		result = parse_domain(&root, request);
	if (!result && verbs[index].has_limits)
		result = parse_limits(&root, request);
	return result;
}

int protocol_parse_request(const char *line, size_t length, struct protocol_request *request,
			   struct error *error)
{
	json_t *value;
	int64_t id;
	int result;

	*request = protocol_request_of(PROTOCOL_STATUS);
	result = protocol_load(line, length, &value, error);
	if (result)
		return result;
	result = parse_members(value, request, error);
	if (result) {
		id = request->id;
		protocol_request_clear(request);
		request->id = id;
	}
	json_decref(value);
	return result;
}

/* --- writing --------------------------------------------------------------- */

int protocol_put_request(const struct protocol_request *request, struct text *out,
			 struct error *error)
{
	struct build build = { .error = error };
	json_t *root = protocol_object(&build, request->id);

	build_put(&build, root, "do", json_string(protocol_verb_name(request->verb)));
	if (request->domain)
		build_put(&build, root, "domain", node_text_value(request->domain));
	for (size_t i = 0; i < LIMIT_WORDS; i++) {
		double limit_w = *(const double *)(const void *)((const char *)request +
								 limit_words[i].offset);

		if (!isnan(limit_w))
			build_put(&build, root, limit_words[i].key, build_real(limit_w));
	}
	return build_line(&build, root, PROTOCOL_DIGITS, out);
}
