/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/state-json.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "wire/field.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* --- figures that may be unknown or without a limit -------------------------------------- */

static const struct state_real state_items[] = {
	{ "saved_s", offsetof(struct state, saved_s), 0 },
	{ "host_cap_w", offsetof(struct state, host_cap_w), 0 },
};
static const struct state_real host_items[] = {
	{ "peak_used_j", offsetof(struct policy_host_memory, peak_used_j), 0 },
	{ "peak_window_start_s", offsetof(struct policy_host_memory, peak_window_start_s), 0 },
};
static const struct state_real memory_items[] = {
	/* What was used before it was earned is a debt. */
	{ "bucket_j", offsetof(struct policy_memory, bucket_j), REAL_SIGNED },
	{ "cpus", offsetof(struct policy_memory, cpus), 0 },
	{ "watts_per_cpu", offsetof(struct policy_memory, watts_per_cpu), 0 },
};
static const struct state_real limits_items[] = {
	{ "cap_w", offsetof(struct limits, cap_w), REAL_SPARSE },
	{ "cap_total_w", offsetof(struct limits, cap_total_w), REAL_SPARSE },
	{ "cpu_cap_w", offsetof(struct limits, cpu_cap_w), REAL_SPARSE },
	{ "disk_cap_w", offsetof(struct limits, disk_cap_w), REAL_SPARSE },
	{ "floor_w", offsetof(struct limits, floor_w), REAL_SPARSE },
	{ "share", offsetof(struct limits, share), REAL_SPARSE },
	{ "budget_j", offsetof(struct limits, budget_j), REAL_SPARSE },
	{ "budget_period_s", offsetof(struct limits, budget_period_s), REAL_SPARSE },
	{ "burst_j", offsetof(struct limits, burst_j), REAL_SPARSE },
};
static const struct state_real override_items[] = {
	{ "since_s", offsetof(struct state_override, since_s), 0 },
};
static const struct state_real budget_items[] = {
	{ "bucket_j", offsetof(struct state_budget, bucket_j), REAL_SIGNED },
};
const struct state_reals state_reals_state = { state_items, COUNT_OF(state_items) };
const struct state_reals state_reals_host = { host_items, COUNT_OF(host_items) };
const struct state_reals state_reals_memory = { memory_items, COUNT_OF(memory_items) };
const struct state_reals state_reals_limits = { limits_items, COUNT_OF(limits_items) };
const struct state_reals state_reals_override = { override_items, COUNT_OF(override_items) };
const struct state_reals state_reals_budget = { budget_items, COUNT_OF(budget_items) };

void state_put_reals(struct build *build, json_t *object, const struct state_reals *table,
		     const void *record)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct state_real *real = &table->items[i];
		double value;

		memcpy(&value, (const char *)record + real->offset, sizeof value);
		if (value < 0 && !(real->flags & REAL_SIGNED))
			value = 0;
		if (!(real->flags & REAL_SPARSE) || !isnan(value))
			build_put(build, object, real->key,
				  isinf(value) ? json_string("inf") : build_real(value));
	}
}

static int parse_real(const struct node *node, bool is_signed, double *value)
{
	int result;

	if (json_is_string(node->value) && strcmp(json_string_value(node->value), "inf") == 0) {
		*value = INFINITY;
		return 0;
	}
	result = node_real(node, value);
	if (!result && !is_signed && !(*value >= 0))
		return node_fail(node, "must be 0 or more");
	return result;
}

int state_parse_reals(const struct node *object, const struct state_reals *table, void *record)
{
	int result = node_object(object);

	for (size_t i = 0; i < table->count && !result; i++) {
		struct node member = node_member(object, table->items[i].key);
		double value = NAN;

		if (node_present(&member))
			result = parse_real(&member, table->items[i].flags & REAL_SIGNED, &value);
		else if (!member.value && !(table->items[i].flags & REAL_SPARSE))
			result = node_fail(&member, "missing (a number, null or \"inf\")");
		memcpy((char *)record + table->items[i].offset, &value, sizeof value);
	}
	return result;
}

/* --- targets ------------------------------------------------------------------------------ */

static const char *manager_name(unsigned manager)
{
	return domain_manager_name((enum domain_manager)manager);
}
static const struct field_word manager_words = { manager_name, domain_manager_parse };

#define TEXT_FIELD(member)                                                                         \
	{                                                                                          \
		.key = #member, .type = FIELD_CHARS, .offset = offsetof(struct target, member),    \
		.max = sizeof(((struct target *)NULL)->member) - 1, .optional = true               \
	}
static const struct field target_items[] = {
	{ .key = "manager",
	  .type = FIELD_WORD,
	  .offset = offsetof(struct target, manager),
	  .word = &manager_words },
	TEXT_FIELD(name),
	TEXT_FIELD(uuid),
	TEXT_FIELD(uri),
	{ .key = "pid", .type = FIELD_INT, .offset = offsetof(struct target, pid), .max = INT_MAX },
	{ .key = "start_ticks", .type = FIELD_U64, .offset = offsetof(struct target, start_ticks) },
	{ .key = "vcpus",
	  .type = FIELD_UNSIGNED,
	  .offset = offsetof(struct target, vcpus),
	  .max = INT_MAX },
	TEXT_FIELD(cpu_cgroup),
	TEXT_FIELD(io_cgroup),
	TEXT_FIELD(qmp_socket),
};
static const struct field_table target_fields = { target_items, COUNT_OF(target_items) };

json_t *state_target_value(struct build *build, const struct target *target)
{
	json_t *object = json_object();

	fields_put(build, object, &target_fields, target);
	return object;
}

int state_parse_target(const struct node *node, struct target *target)
{
	return fields_parse(node, &target_fields, target);
}

static const struct field service_items[] = {
	{ .key = "pid",
	  .type = FIELD_INT,
	  .offset = offsetof(struct target_service, pid),
	  .max = INT_MAX },
	{ .key = "start_ticks",
	  .type = FIELD_U64,
	  .offset = offsetof(struct target_service, start_ticks) },
	{ .key = "group",
	  .type = FIELD_CHARS,
	  .offset = offsetof(struct target_service, group),
	  .max = sizeof(((struct target_service *)NULL)->group) - 1,
	  .optional = true },
	{ .key = "qmp_socket",
	  .type = FIELD_CHARS,
	  .offset = offsetof(struct target_service, qmp_socket),
	  .max = TARGET_TEXT - 1,
	  .optional = true },
	{ .key = "tid",
	  .type = FIELD_INT,
	  .offset = offsetof(struct target_service, tid),
	  .max = INT_MAX,
	  .optional = true },
};
static const struct field_table service_fields = { service_items, COUNT_OF(service_items) };

json_t *state_service_value(struct build *build, const struct target_service *service)
{
	json_t *object = json_object();

	fields_put(build, object, &service_fields, service);
	return object;
}

int state_parse_service(const struct node *node, struct target_service *service)
{
	return fields_parse(node, &service_fields, service);
}

/* --- values of knobs ---------------------------------------------------------------------- */

#define DISK_FIELD(member)                                                                         \
	{                                                                                          \
		.key = #member, .type = FIELD_U64, .offset = offsetof(struct disk_limit, member),  \
		.optional = true                                                                   \
	}
static const struct field disk_items[] = {
	DISK_FIELD(read_bytes_s),      DISK_FIELD(write_bytes_s),
	DISK_FIELD(read_requests_s),   DISK_FIELD(write_requests_s),
	DISK_FIELD(total_bytes_s),     DISK_FIELD(total_requests_s),
	DISK_FIELD(total_bytes_max),   DISK_FIELD(read_bytes_max),
	DISK_FIELD(write_bytes_max),   DISK_FIELD(total_requests_max),
	DISK_FIELD(read_requests_max), DISK_FIELD(write_requests_max),
	DISK_FIELD(request_bytes),
};
static const struct field place_items[] = {
	{ .key = "cpu_cgroup",
	  .type = FIELD_CHARS,
	  .offset = offsetof(struct place, cpu_cgroup),
	  .max = TARGET_TEXT - 1,
	  .optional = true },
	{ .key = "io_cgroup",
	  .type = FIELD_CHARS,
	  .offset = offsetof(struct place, io_cgroup),
	  .max = TARGET_TEXT - 1,
	  .optional = true },
};
static const struct field_table disk_fields = { disk_items, COUNT_OF(disk_items) };
static const struct field_table place_fields = { place_items, COUNT_OF(place_items) };

/* What a mechanism reads may be beyond what the file's numbers can be: no disk comes near to it. */
static uint64_t bounded(uint64_t value)
{
	return value < INT64_MAX ? value : INT64_MAX;
}

static void put_u64(struct build *build, json_t *object, const char *key, uint64_t value)
{
	build_put(build, object, key, build_u64(build, key, bounded(value)));
}

/* Rare, and unknown to older files: 0 is left out. */
static void put_if_set(struct build *build, json_t *object, const char *key, uint64_t value)
{
	if (value)
		put_u64(build, object, key, value);
}

static void put_disk(struct build *build, json_t *object, const struct disk_limit *limit)
{
	uint64_t numbers[sizeof *limit / sizeof(uint64_t)];

	memcpy(numbers, limit, sizeof numbers);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		numbers[i] = bounded(numbers[i]);
	fields_put(build, object, &disk_fields, numbers);
}

static int parse_if_set(const struct node *up, const char *key, uint64_t *value)
{
	struct node node = node_member(up, key);

	*value = 0;
	return node_present(&node) ? node_u64(&node, value) : 0;
}

static void put_cpu(struct build *build, json_t *object, const struct knob_value *value)
{
	int64_t quota_us = value->cpu.quota_us >= 0 ? value->cpu.quota_us : -1;

	build_put(build, object, "quota_us", json_integer(quota_us));
	put_u64(build, object, "period_us", value->cpu.period_us);
	put_if_set(build, object, "burst_us", value->burst_us);
}

static int parse_cpu(const struct node *node, struct knob_value *value)
{
	struct node quota, period;
	int result = node_object(node);

	if (result)
		return result;
	quota = node_member(node, "quota_us");
	period = node_member(node, "period_us");
	result = node_i64(&quota, -1, INT64_MAX, &value->cpu.quota_us);
	if (!result)
		result = node_u64(&period, &value->cpu.period_us);
	return result ? result : parse_if_set(node, "burst_us", &value->burst_us);
}

static int parse_shares(const struct node *node, struct knob_value *value)
{
	struct node member;
	int result = node_object(node);

	if (result)
		return result;
	member = node_member(node, "shares");
	result = node_u64(&member, &value->shares);
	return result ? result : parse_if_set(node, "raw_shares", &value->raw_shares);
}

json_t *state_knob_value(struct build *build, const struct knob_value *value)
{
	json_t *object = json_object();

	switch (value->knob) {
	case KNOB_CPU:
		put_cpu(build, object, value);
		break;
	case KNOB_SHARES:
		put_u64(build, object, "shares", value->shares);
		put_if_set(build, object, "raw_shares", value->raw_shares);
		break;
	case KNOB_DISK:
		put_disk(build, object, &value->disk);
		break;
	case KNOB_PLACE:
		fields_put(build, object, &place_fields, &value->place);
		break;
	}
	return object;
}

int state_parse_knob_value(const struct node *node, struct knob_value *value)
{
	switch (value->knob) {
	case KNOB_CPU:
		return parse_cpu(node, value);
	case KNOB_SHARES:
		return parse_shares(node, value);
	case KNOB_DISK:
		return fields_parse(node, &disk_fields, &value->disk);
	case KNOB_PLACE:
		return fields_parse(node, &place_fields, &value->place);
	}
	return node_fail(node, "of no knob known here");
}

json_t *state_knob_word(enum knob knob)
{
	return json_string(knob_name(knob));
}

int state_parse_knob_word(const struct node *node, enum knob *knob)
{
	unsigned word = 0;
	int result = node_word(node, knob_parse, &word);

	*knob = (enum knob)word;
	return result;
}
