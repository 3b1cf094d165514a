/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of the state file. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vmenergyd/state.h"

static void add_knobs(struct state_domain *domain)
{
	struct state_knob *cpu = state_knob_add(domain, KNOB_CPU, "");
	struct state_knob *disk, *shares;

	cpu->original.cpu = (struct cpu_limit){ -1, 100000 };
	cpu->written.cpu = (struct cpu_limit){ 31415, 20000 };
	cpu->before.cpu = (struct cpu_limit){ 27182, 20000 };
	cpu->original.burst_us = 4000;
	shares = state_knob_add(domain, KNOB_SHARES, "");
	shares->original.shares = 100;
	shares->before.raw_shares = 1500;
	disk = state_knob_add(domain, KNOB_DISK, "vda");
	disk->original.disk = (struct disk_limit){ .total_bytes_s = 5, .request_bytes = 4096 };
	disk->service = (struct target_service){ .pid = 9, .start_ticks = 10, .tid = 11 };
	strcpy(disk->service.group, "g");
	strcpy(disk->service.qmp_socket, "/run/m");
	disk->written.disk = (struct disk_limit){ .read_bytes_s = 1000000, .write_requests_s = 7 };
	strcpy(state_knob_add(domain, KNOB_PLACE, "")->original.place.cpu_cgroup, "/user");
}

static void fill(struct state *state)
{
	struct state_domain *domain;
	struct state_override *override;

	state_init(state);
	state->saved_s = 1700000000.25;
	state->host_cap_w = INFINITY;
	state->host = (struct policy_host_memory){ 1.0 / 3, 1699999200 };
	state_domain_add(state, "qemu:1:2");
	state_domain_add(state, "b");
	domain = state_domain(state, "qemu:1:2"); /* it may have moved */
	domain->target.manager = DOMAIN_QEMU;
	strcpy(domain->target.name, "b\xff\"\n");
	domain->target.pid = 1;
	domain->target.start_ticks = INT64_MAX;
	domain->target.vcpus = 4;
	domain->cgroup_inode = 77;
	domain->memory = (struct policy_memory){ 12.5, INFINITY, NAN };
	domain->has_worst_case = true;
	domain->worst_case_cpu.cpu = (struct cpu_limit){ 10000, 20000 };
	add_knobs(domain);
	override = state_override_add(state, "b");
	text_replace(&override->name, "web\xc3\xa4");
	text_replace(&override->by, "uid 0 (root)");
	override->limits.cap_w = 20;
	override->limits.disk_cap_w = INFINITY;
	override->since_s = 1e9;
	state_budget_add(state, "owner:shop\n", NULL)->bucket_j = -12.5;
	state_budget_add(state, "owner:full", NULL);
	state_budget_add(state, "0a", "web\xc3\xa4")->bucket_j = 7;
}

static char *print(const struct state *state, struct text *text)
{
	struct error error = { "" };

	text_reset(text);
	UNIT_EQUAL_I64(0, state_print(state, text, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return text->bytes;
}

static void test_fixed_point(void)
{
	struct text first = { 0 }, second = { 0 };
	struct state state, again;
	struct error error = { "" };
	struct state_domain *domain;

	fill(&state);
	print(&state, &first);
	UNIT_EQUAL_I64(0, state_parse(first.bytes, first.length, &again, &error));
	UNIT_EQUAL_TEXT(first.bytes, print(&again, &second));
	domain = state_domain(&again, "qemu:1:2");
	UNIT_TRUE(domain != NULL);
	if (domain) {
		UNIT_EQUAL_TEXT("b\xff\"\n", domain->target.name);
		UNIT_EQUAL_TEXT("qemu:1:2", domain->target.id);
		UNIT_EQUAL_I64(31415, state_knob(domain, KNOB_CPU, "")->written.cpu.quota_us);
		UNIT_EQUAL_I64(27182, state_knob(domain, KNOB_CPU, "")->before.cpu.quota_us);
		UNIT_EQUAL_U64(4096,
			       state_knob(domain, KNOB_DISK, "vda")->original.disk.request_bytes);
		UNIT_EQUAL_I64(9, state_knob(domain, KNOB_DISK, "vda")->service.pid);
		UNIT_EQUAL_U64(10, state_knob(domain, KNOB_DISK, "vda")->service.start_ticks);
		UNIT_EQUAL_I64(11, state_knob(domain, KNOB_DISK, "vda")->service.tid);
		UNIT_EQUAL_TEXT("g", state_knob(domain, KNOB_DISK, "vda")->service.group);
		UNIT_EQUAL_TEXT("/run/m", state_knob(domain, KNOB_DISK, "vda")->service.qmp_socket);
		UNIT_TRUE(isinf(domain->memory.cpus));
		UNIT_TRUE(isnan(domain->memory.watts_per_cpu));
		UNIT_TRUE(domain->has_worst_case);
	}
	UNIT_EQUAL_U64(3, again.budget_count);
	UNIT_TRUE(state_budget(&again, "owner:shop\n") != NULL);
	if (again.budget_count == 3) {
		UNIT_EQUAL_TEXT("web\xc3\xa4", again.budgets[0].name);
		UNIT_EQUAL_DOUBLE(7, again.budgets[0].bucket_j, 0);
		UNIT_EQUAL_TEXT("owner:full", again.budgets[1].id);
		UNIT_TRUE(again.budgets[2].name == NULL);
		UNIT_EQUAL_DOUBLE(-12.5, again.budgets[2].bucket_j, 0);
	}
	UNIT_TRUE(isinf(again.host_cap_w));
	UNIT_EQUAL_DOUBLE(1.0 / 3, again.host.peak_used_j, 0);
	UNIT_TRUE(isinf(state_override(&again, "b")->limits.disk_cap_w));
	UNIT_TRUE(isnan(state_override(&again, "b")->limits.floor_w));
	state_clear(&state);
	state_clear(&again);
	text_free(&first);
	text_free(&second);
}

static void test_empty(void)
{
	struct text text = { 0 };
	struct state state;

	state_init(&state);
	print(&state, &text);
	UNIT_EQUAL_TEXT("{\"format\":1,\"clean\":false,\"saved_s\":0.0,\"host_cap_w\":null,"
			"\"host\":{\"peak_used_j\":0.0,\"peak_window_start_s\":null},"
			"\"domains\":[],\"overrides\":[]}\n",
			text.bytes);
	text_free(&text);
}

/* A later version adds members; this one still knows what the originals were. */
static void test_unknown_members(void)
{
	const char text[] = "{\"later\":[1],\"format\":1,\"clean\":true,\"saved_s\":1,"
			    "\"host_cap_w\":null,\"host\":{\"peak_used_j\":0,"
			    "\"peak_window_start_s\":null,\"x\":{}},\"domains\":[],"
			    "\"overrides\":[{\"id\":\"a\",\"name\":\"n\",\"by\":\"\",\"y\":2,"
			    "\"since_s\":3,\"limits\":{\"cap_w\":1,\"z\":0}}]}";
	struct state state;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, state_parse(text, strlen(text), &state, &error));
	UNIT_TRUE(state.clean);
	UNIT_EQUAL_U64(1, state.override_count);
	state_clear(&state);
}

static void test_cut_anywhere(void)
{
	struct text text = { 0 };
	struct state state, cut;
	struct error error;

	fill(&state);
	print(&state, &text);
	for (size_t length = 0; length + 2 < text.length; length++) {
		char *part = malloc(length + 1); /* so that a reader beyond it is caught */

		if (!part)
			abort();
		memcpy(part, text.bytes, length);
		error.text[0] = '\0';
		UNIT_EQUAL_I64(-EINVAL, state_parse(part, length, &cut, &error));
		UNIT_TRUE(error.text[0] != '\0');
		UNIT_EQUAL_U64(0, cut.domain_count);
		free(part);
	}
	state_clear(&state);
	text_free(&text);
}

/* Replace one piece of a good file. */
static void expect(const char *from, const char *to, const char *what)
{
	struct text good = { 0 }, bad = { 0 };
	struct state state, parsed;
	struct error error = { "" };
	char *at;

	fill(&state);
	print(&state, &good);
	at = strstr(good.bytes, from);
	UNIT_TRUE(at != NULL);
	if (at) {
		text_add_bytes(&bad, good.bytes, (size_t)(at - good.bytes));
		text_add(&bad, to);
		text_add(&bad, at + strlen(from));
		UNIT_EQUAL_I64(-EINVAL, state_parse(bad.bytes, bad.length, &parsed, &error));
		UNIT_CONTAINS(what, error.text);
		state_clear(&parsed);
	}
	state_clear(&state);
	text_free(&good);
	text_free(&bad);
}

static void test_bounds(void)
{
	expect("\"format\":1", "\"format\":2", "state.format: must be 1..1");
	expect("\"clean\":false", "\"clean\":0", "state.clean: must be true or false");
	expect("\"saved_s\":1700000000.25,", "", "state.saved_s: missing");
	expect("\"saved_s\":1700000000.25", "\"saved_s\":-1", "must be 0 or more");
	expect("\"cpus\":\"inf\"", "\"cpus\":\"none\"", "domains[0].memory.cpus: must be");
	expect("\"quota_us\":31415", "\"quota_us\":-2", "knobs[0].written.quota_us: must be -1..");
	expect("\"quota_us\":31415", "\"quota_us\":1.5", "quota_us: must be");
	expect("\"knob\":\"shares\"", "\"knob\":\"cake\"", "'cake' is no word known here");
	expect("\"knob\":\"shares\",\"original\":{\"shares\":100},\"written\":{\"shares\":0},"
	       "\"before\":{\"shares\":0,\"raw_shares\":1500}",
	       "\"knob\":\"cpu\",\"original\":{\"quota_us\":1,\"period_us\":1},"
	       "\"written\":{\"quota_us\":1,\"period_us\":1},"
	       "\"before\":{\"quota_us\":1,\"period_us\":1}",
	       "holds the knob 'cpu' twice");
	expect("\"id\":\"qemu:1:2\"", "\"id\":\"b\"", "domains: 'b' is there twice");
	expect("\"id\":\"owner:full\"", "\"id\":\"0a\"", "budgets: '0a' is there twice");
	expect("\"id\":\"owner:full\"", "\"id\":7", "budgets[1].id");
	expect("\"bucket_j\":-12.5", "\"bucket_j\":\"-12\"", "budgets[2].bucket_j: must be");
	expect("\"pid\":1", "\"pid\":-1", "target.pid: must be 0..");
	expect("\"manager\":\"qemu\"", "\"manager\":\"xen\"", "target.manager");
	expect("\"cap_w\":20.0", "\"cap_w\":1e999", "line 1");
	expect("\"clean\":false", "\"clean\":false,\"clean\":true", "duplicate");
}

/* By hand, or by another program: any order. */
static void test_budget_order(void)
{
	static const char *const ids[] = { "c", "a", "e", "b", "d" };
	struct state state, again;
	struct text text = { 0 };
	char *at;

	state_init(&state);
	for (size_t i = 0; i < 5; i++)
		UNIT_TRUE(state_budget_add(&state, ids[i], NULL) != NULL);
	state_budget_remove(&state, "c");
	state_budget_remove(&state, "none");
	UNIT_EQUAL_U64(4, state.budget_count);
	UNIT_TRUE(state_budget(&state, "c") == NULL);
	at = strstr(print(&state, &text), "\"id\":\"a\"");
	UNIT_TRUE(at != NULL);
	if (at)
		at[6] = 'z';
	UNIT_EQUAL_I64(0, state_parse(text.bytes, text.length, &again, NULL));
	for (size_t i = 2; i < 5; i++)
		UNIT_TRUE(state_budget(&again, ids[i]) != NULL);
	UNIT_TRUE(state_budget(&again, "a") == NULL);
	UNIT_TRUE(state_budget(&again, "z") != NULL);
	state_clear(&state);
	state_clear(&again);
	text_free(&text);
}

static void test_long_texts(void)
{
	struct state state;
	char id[TARGET_TEXT + 1], vdisk[65];
	struct state_domain *domain;

	memset(id, 'x', sizeof id - 1);
	id[TARGET_TEXT] = '\0';
	memset(vdisk, 'v', sizeof vdisk - 1);
	vdisk[64] = '\0';
	state_init(&state);
	UNIT_TRUE(state_domain_add(&state, id) == NULL);
	id[TARGET_TEXT - 1] = '\0';
	domain = state_domain_add(&state, id);
	UNIT_TRUE(domain != NULL);
	UNIT_TRUE(domain && state_knob_add(domain, KNOB_DISK, vdisk) == NULL);
	state_clear(&state);
}

static void test_removal(void)
{
	struct state state;
	char id[16];

	state_init(&state);
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof id, "d%d", i);
		state_domain_add(&state, id);
		state_override_add(&state, id);
	}
	state_domain_remove(&state, "d3");
	state_domain_remove(&state, "d19");
	state_domain_remove(&state, "none");
	state_override_remove(&state, "d0");
	UNIT_EQUAL_U64(18, state.domain_count);
	UNIT_EQUAL_U64(19, state.override_count);
	UNIT_TRUE(state_domain(&state, "d3") == NULL);
	UNIT_TRUE(state_domain(&state, "d18") != NULL);
	UNIT_TRUE(state_override(&state, "d0") == NULL);
	state_clear(&state);
	UNIT_EQUAL_U64(0, state.domain_count);
}

/* What is printed is read again, whatever a mechanism or an account came up with. */
static void expect_read_back(const struct state *state)
{
	struct text text = { 0 };
	struct state again;
	struct error error = { "" };

	UNIT_EQUAL_I64(0, state_print(state, &text, &error));
	UNIT_EQUAL_I64(0, state_parse(text.bytes, text.length, &again, &error));
	UNIT_EQUAL_TEXT("", error.text);
	state_clear(&again);
	text_free(&text);
}

static void test_extremes(void)
{
	struct state state;
	struct state_domain *domain;
	struct state_knob *knob;

	state_init(&state);
	domain = state_domain_add(&state, "a");
	domain->target.manager = DOMAIN_QEMU;
	domain->memory = (struct policy_memory){ -5, INFINITY, -1 };
	state.host.peak_used_j = -1;
	knob = state_knob_add(domain, KNOB_DISK, "vda");
	knob->original.disk.read_bytes_s = UINT64_MAX - 1;
	knob = state_knob_add(domain, KNOB_CPU, "");
	knob->original.cpu = (struct cpu_limit){ -2, UINT64_MAX };
	knob->original.burst_us = UINT64_MAX;
	knob = state_knob_add(domain, KNOB_SHARES, "");
	knob->original.shares = knob->original.raw_shares = UINT64_MAX;
	expect_read_back(&state);
	state_clear(&state);
}

static void test_debt(void)
{
	struct state state, again;
	struct text text = { 0 };
	struct error error = { "" };

	state_init(&state);
	state_domain_add(&state, "a")->memory.bucket_j = -5.25;
	UNIT_EQUAL_I64(0, state_print(&state, &text, &error));
	UNIT_EQUAL_I64(0, state_parse(text.bytes, text.length, &again, &error));
	UNIT_EQUAL_DOUBLE(-5.25, again.domain_count ? again.domains[0].memory.bucket_j : NAN, 0);
	text_free(&text);
	state_clear(&state);
	state_clear(&again);
}

static void test_room(void)
{
	struct state state;
	char id[TARGET_TEXT + 1];

	state_init(&state);
	memset(id, 'x', TARGET_TEXT);
	id[TARGET_TEXT] = '\0';
	UNIT_TRUE(!state_override_add(&state, id));
	UNIT_TRUE(!state_domain_add(&state, id));
	UNIT_TRUE(state_override_add(&state, id + 1) != NULL);
	for (int i = 1; i < STATE_OVERRIDES_MAX; i++) {
		snprintf(id, sizeof id, "%d", i);
		UNIT_TRUE(state_override_add(&state, id) != NULL);
	}
	UNIT_TRUE(!state_override_add(&state, "one more"));
	UNIT_TRUE(state_domain_add(&state, "a") != NULL);
	for (int i = 0; i < STATE_KNOBS_MAX; i++) {
		snprintf(id, sizeof id, "vd%d", i);
		UNIT_TRUE(state_knob_add(state_domain(&state, "a"), KNOB_DISK, id) != NULL);
	}
	UNIT_TRUE(!state_knob_add(state_domain(&state, "a"), KNOB_DISK, "one more"));
	state_clear(&state);
}

int main(void)
{
	return UNIT_RUN(
		"state-json", { "a debt comes back as it was", test_debt },
		{ "what is out of bounds is written so that it can be read", test_extremes },
		{ "no more is added than can be read", test_room },
		{ "what is printed reads back and prints the same", test_fixed_point },
		{ "an empty state is one short line", test_empty },
		{ "unknown members are ignored", test_unknown_members },
		{ "a file cut anywhere is refused whole", test_cut_anywhere },
		{ "each value has its bounds, and its path in the error", test_bounds },
		{ "texts that do not fit are refused", test_long_texts },
		{ "budgets are found whatever the order of the file", test_budget_order },
		{ "entries are found after others were removed", test_removal });
}
