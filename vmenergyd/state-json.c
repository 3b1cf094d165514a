/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state-json.c - the state file: one object, canonical, members unknown here are ignored. */
#include "vmenergyd/state-json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATE_FORMAT = 1,
	STATE_DIGITS = 17, /* a double comes back as it was */
};

/* --- printing ----------------------------------------------------------------------------- */

static json_t *knob_object(struct build *build, const struct state_knob *knob)
{
	json_t *object = json_object();

	build_put(build, object, "knob", state_knob_word(knob->knob));
	if (knob->vdisk[0])
		build_put(build, object, "vdisk", node_text_value(knob->vdisk));
	if (knob->has_manager)
		build_put(build, object, "manager",
			  json_string(domain_manager_name(knob->manager)));
	if (knob->service.pid)
		build_put(build, object, "service", state_service_value(build, &knob->service));
	build_put(build, object, "original", state_knob_value(build, &knob->original));
	build_put(build, object, "written", state_knob_value(build, &knob->written));
	build_put(build, object, "before", state_knob_value(build, &knob->before));
	return object;
}

static json_t *domain_object(struct build *build, const struct state_domain *domain)
{
	json_t *object = json_object(), *knobs = json_array(), *memory = json_object();

	build_put(build, object, "id", node_text_value(domain->id));
	build_put(build, object, "target", state_target_value(build, &domain->target));
	build_put(build, object, "cgroup_inode",
		  build_u64(build, "cgroup_inode", domain->cgroup_inode));
	state_put_reals(build, memory, &state_reals_memory, &domain->memory);
	build_put(build, object, "memory", memory);
	if (domain->has_worst_case)
		build_put(build, object, "worst_case",
			  state_knob_value(build, &domain->worst_case_cpu));
	for (size_t i = 0; i < domain->knob_count; i++)
		build_append(build, knobs, knob_object(build, &domain->knobs[i]));
	build_put(build, object, "knobs", knobs);
	return object;
}

static json_t *override_object(struct build *build, const struct state_override *override)
{
	json_t *object = json_object(), *limits = json_object();

	build_put(build, object, "id", node_text_value(override->id));
	build_put(build, object, "name", node_text_value(override->name ? override->name : ""));
	state_put_reals(build, limits, &state_reals_limits, &override->limits);
	build_put(build, object, "limits", limits);
	build_put(build, object, "by", node_text_value(override->by ? override->by : ""));
	state_put_reals(build, object, &state_reals_override, override);
	return object;
}

static json_t *budget_object(struct build *build, const struct state_budget *budget)
{
	json_t *object = json_object();

	build_put(build, object, "id", node_text_value(budget->id));
	if (budget->name)
		build_put(build, object, "name", node_text_value(budget->name));
	state_put_reals(build, object, &state_reals_budget, budget);
	return object;
}

/* Unknown to older files, and to those who read them: left out where there are none. */
static void put_budgets(struct build *build, json_t *root, const struct state *state)
{
	json_t *budgets;

	if (state->budget_count == 0)
		return;
	budgets = json_array();
	for (size_t i = 0; i < state->budget_count; i++)
		build_append(build, budgets, budget_object(build, &state->budgets[i]));
	build_put(build, root, "budgets", budgets);
}

int state_print(const struct state *state, struct text *out, struct error *error)
{
	struct build build = { 0, error };
	json_t *root = json_object(), *host = json_object(), *domains = json_array(),
	       *overrides = json_array();

	build_put(&build, root, "format", json_integer(STATE_FORMAT));
	build_put(&build, root, "clean", json_boolean(state->clean));
	state_put_reals(&build, root, &state_reals_state, state);
	state_put_reals(&build, host, &state_reals_host, &state->host);
	build_put(&build, root, "host", host);
	for (size_t i = 0; i < state->domain_count; i++)
		build_append(&build, domains, domain_object(&build, &state->domains[i]));
	build_put(&build, root, "domains", domains);
	for (size_t i = 0; i < state->override_count; i++)
		build_append(&build, overrides, override_object(&build, &state->overrides[i]));
	build_put(&build, root, "overrides", overrides);
	put_budgets(&build, root, state);
	return build_line(&build, root, STATE_DIGITS, out);
}

/* --- parsing ------------------------------------------------------------------------------ */

static int parse_chars(const struct node *up, const char *key, size_t bytes, char *chars)
{
	struct node node = node_member(up, key);
	char *text = NULL;
	int result = node_text(&node, bytes - 1, &text);

	if (!result)
		strcpy(chars, text);
	free(text);
	return result;
}

static int parse_owned(const struct node *up, const char *key, size_t max, char **text)
{
	struct node node = node_member(up, key);

	return node_text(&node, max, text);
}

static int parse_value(const struct node *up, const char *key, enum knob knob,
		       struct knob_value *value)
{
	struct node node = node_member(up, key);

	value->knob = knob;
	return state_parse_knob_value(&node, value);
}

/* Older files do not tell it. */
static int parse_manager(const struct node *up, struct state_knob *knob)
{
	struct node node = node_member(up, "manager");
	unsigned word = 0;
	int result;

	knob->has_manager = node_present(&node);
	result = knob->has_manager ? node_word(&node, domain_manager_parse, &word) : 0;
	knob->manager = (enum domain_manager)word;
	return result;
}

static int parse_service(const struct node *up, struct state_knob *knob)
{
	struct node node = node_member(up, "service");

	return node_present(&node) ? state_parse_service(&node, &knob->service) : 0;
}

static int parse_knob(const struct node *node, void *item)
{
	struct state_knob *knob = item;
	struct node word, vdisk;
	int result = node_object(node);

	if (result)
		return result;
	word = node_member(node, "knob");
	vdisk = node_member(node, "vdisk");
	result = state_parse_knob_word(&word, &knob->knob);
	if (!result && node_present(&vdisk))
		result = parse_chars(node, "vdisk", sizeof knob->vdisk, knob->vdisk);
	if (!result)
		result = parse_manager(node, knob);
	if (!result)
		result = parse_service(node, knob);
	if (!result)
		result = parse_value(node, "original", knob->knob, &knob->original);
	if (!result)
		result = parse_value(node, "written", knob->knob, &knob->written);
	return result ? result : parse_value(node, "before", knob->knob, &knob->before);
}

static int parse_knobs(const struct node *up, struct state_domain *domain)
{
	struct node node = node_member(up, "knobs");
	struct node_list list;
	int result =
		node_parse_list(&node, STATE_KNOBS_MAX, sizeof *domain->knobs, parse_knob, &list);

	domain->knobs = list.items;
	domain->knob_count = domain->knob_capacity = list.count;
	for (size_t i = 0; i < list.count && !result; i++) {
		struct state_knob *knob = &domain->knobs[i];

		if (state_knob(domain, knob->knob, knob->vdisk) != knob)
			result = node_fail(&node, "holds the knob '%s' twice",
					   knob_name(knob->knob));
	}
	return result;
}

static int parse_worst_case(const struct node *up, struct state_domain *domain)
{
	struct node node = node_member(up, "worst_case");

	domain->worst_case_cpu.knob = KNOB_CPU;
	domain->has_worst_case = node_present(&node);
	return domain->has_worst_case ? state_parse_knob_value(&node, &domain->worst_case_cpu) : 0;
}

static int parse_domain(const struct node *node, void *item)
{
	struct state_domain *domain = item;
	struct node target, inode, memory;
	int result = node_object(node);

	if (result)
		return result;
	target = node_member(node, "target");
	inode = node_member(node, "cgroup_inode");
	memory = node_member(node, "memory");
	result = parse_owned(node, "id", TARGET_TEXT - 1, &domain->id);
	if (!result)
		result = state_parse_target(&target, &domain->target);
	if (!result)
		result = node_u64(&inode, &domain->cgroup_inode);
	if (!result)
		result = state_parse_reals(&memory, &state_reals_memory, &domain->memory);
	if (!result)
		result = parse_worst_case(node, domain);
	if (!result)
		result = parse_knobs(node, domain);
	if (!result)
		strcpy(domain->target.id, domain->id);
	return result;
}

static int parse_override(const struct node *node, void *item)
{
	struct state_override *override = item;
	struct node limits;
	int result = node_object(node);

	if (result)
		return result;
	limits = node_member(node, "limits");
	result = parse_owned(node, "id", TARGET_TEXT - 1, &override->id);
	if (!result)
		result = parse_owned(node, "name", STATE_NAME_MAX, &override->name);
	if (!result)
		result = parse_owned(node, "by", STATE_NAME_MAX, &override->by);
	if (!result)
		result = state_parse_reals(&limits, &state_reals_limits, &override->limits);
	return result ? result : state_parse_reals(node, &state_reals_override, override);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* That no two items have the same id, which is the first member of each. */
static int check_ids(const struct node *node, const struct node_list *list, size_t item_bytes)
{
	const char **ids = list->count ? calloc(list->count, sizeof *ids) : NULL;
	int result = 0;

	if (!ids)
		return list->count ? node_no_memory(node) : 0;
	for (size_t i = 0; i < list->count; i++)
		memcpy(&ids[i], (const char *)list->items + i * item_bytes, sizeof *ids);
	qsort(ids, list->count, sizeof *ids, compare_ids);
	for (size_t i = 1; i < list->count && !result; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			result = node_fail(node, "'%s' is there twice", ids[i]);
	free(ids);
	return result;
}
_Static_assert(offsetof(struct state_domain, id) == 0, "as check_ids() takes it");
_Static_assert(offsetof(struct state_override, id) == 0, "as check_ids() takes it");
_Static_assert(offsetof(struct state_budget, id) == 0, "as check_ids() takes it");

static int parse_domains(const struct node *root, struct state *state)
{
	struct node node = node_member(root, "domains");
	struct node_list list;
	int result = node_parse_list(&node, STATE_DOMAINS_MAX, sizeof *state->domains, parse_domain,
				     &list);

	state->domains = list.items;
	state->domain_count = state->domain_capacity = list.count;
	return result ? result : check_ids(&node, &list, sizeof *state->domains);
}

static int parse_overrides(const struct node *root, struct state *state)
{
	struct node node = node_member(root, "overrides");
	struct node_list list;
	int result = node_parse_list(&node, STATE_OVERRIDES_MAX, sizeof *state->overrides,
				     parse_override, &list);

	state->overrides = list.items;
	state->override_count = state->override_capacity = list.count;
	return result ? result : check_ids(&node, &list, sizeof *state->overrides);
}

static int parse_budget(const struct node *node, void *item)
{
	struct state_budget *budget = item;
	struct node name;
	int result = node_object(node);

	if (result)
		return result;
	name = node_member(node, "name");
	result = parse_owned(node, "id", STATE_NAME_MAX, &budget->id);
	if (!result && node_present(&name))
		result = node_text(&name, STATE_NAME_MAX, &budget->name);
	return result ? result : state_parse_reals(node, &state_reals_budget, budget);
}

static int parse_budgets(const struct node *root, struct state *state)
{
	struct node node = node_member(root, "budgets");
	struct node_list list;
	int result;

	if (!node_present(&node))
		return 0;
	result = node_parse_list(&node, STATE_BUDGETS_MAX, sizeof *state->budgets, parse_budget,
				 &list);
	state->budgets = list.items;
	state->budget_count = state->budget_capacity = list.count;
	if (!result && list.count > 0)
		qsort(state->budgets, list.count, sizeof *state->budgets, compare_ids);
	return result ? result : check_ids(&node, &list, sizeof *state->budgets);
}

static int parse_root(const struct node *root, struct state *state)
{
	struct node format = node_member(root, "format"), clean = node_member(root, "clean"),
		    host = node_member(root, "host");
	int64_t number = 0;
	int result = node_object(root);

	if (!result)
		result = node_i64(&format, STATE_FORMAT, STATE_FORMAT, &number);
	if (!result)
		result = node_bool(&clean, &state->clean);
	if (!result)
		result = state_parse_reals(root, &state_reals_state, state);
	if (!result)
		result = state_parse_reals(&host, &state_reals_host, &state->host);
	if (!result)
		result = parse_domains(root, state);
	if (!result)
		result = parse_overrides(root, state);
	return result ? result : parse_budgets(root, state);
}

int state_parse(const char *text, size_t length, struct state *state, struct error *error)
{
	json_error_t wrong;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &wrong);
	struct node root = node_root(value, "state", error);
	int result;

	state_init(state);
	if (!value)
		return error_setf(error, EINVAL, "line %d: %s", wrong.line, wrong.text);
	result = parse_root(&root, state);
	json_decref(value);
	if (result)
		state_clear(state);
	return result;
}
