/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct snapshot_vdisk vdisks[1];
static struct snapshot_vcpu vcpus[2];
static struct snapshot_domain domains[4];
static struct snapshot_kept kept[2];
static struct snapshot snapshot;

static void set_domain(size_t i, const char *name, const char *id, double cpu_w, double disk_w)
{
	domains[i] = (struct snapshot_domain){
		.id = unit_literal(id),
		.name = unit_literal(name),
		.cpu = { .idle_w = 2, .active_w = cpu_w },
		.disk = { .idle_w = 1, .active_w = disk_w },
		.total_w = 3 + cpu_w + disk_w,
		.total_j = 10 * (double)(i + 1),
		.error_w = NAN,
	};
}

static void prepare(void)
{
	snapshot = (struct snapshot){ .interval_s = 2,
				      .domains = domains,
				      .domain_count = 4,
				      .kept = kept,
				      .kept_count = 2 };
	set_domain(0, "web-b", "id0", 5, 0);
	set_domain(1, "db", "id1", 1, 7);
	set_domain(2, "web-a", "id2", 0, 0);
	set_domain(3, "lost", "id3", NAN, NAN);
	kept[0] = (struct snapshot_kept){ unit_literal("vmetop"), 0, 0.5 };
	kept[1] = (struct snapshot_kept){ unit_literal("host"), 1, 2 };
	snapshot.host.kept_w = 3.5;
	vdisks[0] = (struct snapshot_vdisk){ .name = unit_literal("vda"),
					     .disk = unit_literal("sda"),
					     .idle_w = 1,
					     .active_w = 7,
					     .service_idle_w = 0,
					     .service_active_w = 0.25,
					     .read_bytes = 4000,
					     .write_bytes = 2000 };
	vcpus[0] = (struct snapshot_vcpu){ .id = 0, .tid = 7, .active_w = 1, .cpu_percent = 12 };
	vcpus[1] = (struct snapshot_vcpu){ .id = VCPU_ALL, .tid = 8, .active_w = 0 };
	domains[1].vdisks = vdisks;
	domains[1].vdisk_count = 1;
	domains[1].vcpus = vcpus;
	domains[1].vcpu_count = 2;
}

/* The names of all rows, joined: the order is the assertion. */
static void expect(const char *expected, const struct view *view)
{
	struct rows rows = { 0 };
	char names[512] = "";

	prepare();
	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, view));
	for (size_t i = 0; i < rows.count; i++) {
		strcat(names, i ? " " : "");
		strcat(names, row_name(&rows.items[i]));
	}
	UNIT_EQUAL_TEXT(expected, names);
	rows_clear(&rows);
}

static void test_sorting(void)
{
	expect("db web-b web-a lost (kept by the host)", &(struct view){ .sort = "power" });
	expect("web-b db web-a lost (kept by the host)", &(struct view){ .sort = "cpu" });
	expect("db lost web-a web-b (kept by the host)", &(struct view){ .sort = "name" });
	expect("web-b web-a lost db (kept by the host)",
	       &(struct view){ .sort = "name", .invert = true });
	expect("lost web-a db web-b (kept by the host)", &(struct view){ .sort = "energy" });
}

static void test_selection_keeps_the_order_of_the_snapshot(void)
{
	struct snapshot selected;

	prepare();
	UNIT_EQUAL_I64(0, rows_select(&snapshot, &(struct view){ .filter = "*e*" }, &selected));
	UNIT_EQUAL_U64(2, selected.domain_count);
	UNIT_EQUAL_TEXT("web-b", selected.domains[0].name);
	UNIT_EQUAL_TEXT("web-a", selected.domains[1].name);
	/* The host's figures stay whole. */
	UNIT_EQUAL_DOUBLE(3.5, selected.host.kept_w, 0);
	free(selected.domains);
	UNIT_EQUAL_I64(0, rows_select(&snapshot, &(struct view){ .sort = "name" }, &selected));
	UNIT_EQUAL_TEXT("db", selected.domains[0].name);
	UNIT_EQUAL_U64(4, selected.domain_count);
	free(selected.domains);
}

static void test_unknown_goes_last_either_way(void)
{
	expect("web-a web-b db lost (kept by the host)",
	       &(struct view){ .sort = "disk", .invert = true });
}

static void test_filter(void)
{
	expect("web-b web-a (kept by the host)",
	       &(struct view){ .sort = "power", .filter = "web" });
	expect("web-a (kept by the host)", &(struct view){ .sort = "power", .filter = "*-a" });
	expect("db (kept by the host)", &(struct view){ .sort = "power", .filter = "d?" });
	expect("(kept by the host)", &(struct view){ .sort = "power", .filter = "eb*" });
}

static void test_names_and_ids(void)
{
	const char *const names[] = { "db", "id2" };

	expect("db web-a (kept by the host)",
	       &(struct view){ .sort = "power", .names = names, .name_count = 2 });
}

/* One whose activity is not known is not idle. */
static void test_hide_idle(void)
{
	expect("db web-b lost (kept by the host)",
	       &(struct view){ .sort = "power", .hide_idle = true });
}

static void test_tree(void)
{
	const char *const names[] = { "db" };

	expect("db vcpu0 all vcpus vda other, idle (kept by the host) vmetop host",
	       &(struct view){ .names = names, .name_count = 1, .tree = true });
}

/* Nothing to take apart, nothing left of it: a domain without parts has no rest. */
static void test_toggled(void)
{
	struct id_set toggled = { 0 };

	UNIT_EQUAL_I64(0, id_set_add(&toggled, "id1"));
	expect("db vcpu0 all vcpus vda other, idle web-b web-a lost (kept by the host)",
	       &(struct view){ .sort = "power", .toggled = &toggled });
	UNIT_EQUAL_I64(0, id_set_add(&toggled, "id0"));
	expect("db web-b web-a lost (kept by the host) vmetop host",
	       &(struct view){ .sort = "power", .toggled = &toggled, .tree = true });
	id_set_clear(&toggled);
}

static char fold_of(const struct view *view, size_t row)
{
	struct rows rows = { 0 };
	char fold;

	prepare();
	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, view));
	fold = rows.items[row].fold;
	rows_clear(&rows);
	return fold;
}

static void test_fold(void)
{
	UNIT_EQUAL_I64('+', fold_of(&(struct view){ .sort = "power" }, 0));
	UNIT_EQUAL_I64('-', fold_of(&(struct view){ .sort = "power", .tree = true }, 0));
	UNIT_EQUAL_I64(' ', fold_of(&(struct view){ .sort = "power" }, 1));
}

static void test_vdisk_row(void)
{
	const char *const names[] = { "db" };
	struct rows rows = { 0 };
	const struct row *row;

	prepare();
	UNIT_EQUAL_I64(0,
		       rows_build(&rows, &snapshot,
				  &(struct view){ .names = names, .name_count = 1, .tree = true }));
	row = &rows.items[3];
	UNIT_EQUAL_TEXT("sda", row->note);
	UNIT_EQUAL_DOUBLE(8.25, row->total_w, 1e-12);
	UNIT_EQUAL_DOUBLE(2000, row->read_bytes_s, 1e-12);
	UNIT_EQUAL_DOUBLE(1000, row->write_bytes_s, 1e-12);
	/* The domain's own figure is the sum over its vDISKs. */
	UNIT_EQUAL_DOUBLE(2000, rows.items[0].read_bytes_s, 1e-12);
	UNIT_EQUAL_U64(1, rows.domains_shown);
	UNIT_EQUAL_U64(3, rows.domains_hidden);
	rows_clear(&rows);
}

static void test_vnic_row(void)
{
	struct snapshot_vnic vnics[] = {
		{ .name = unit_literal("vnet0"),
		  .nic = unit_literal("eth0"),
		  .idle_w = 1,
		  .active_w = 0.5,
		  .service_active_w = 0.25,
		  .rx_bytes = 6000,
		  .tx_bytes = 8000 },
		{ .name = unit_literal("slow"),
		  .reason = unit_literal("inside QEMU"),
		  .idle_w = NAN,
		  .active_w = NAN,
		  .rx_bytes = NAN,
		  .tx_bytes = NAN },
	};
	const char *const names[] = { "db" };
	struct rows rows = { 0 };
	const struct row *row;

	prepare();
	domains[1].vnics = vnics;
	domains[1].vnic_count = 2;
	domains[1].net = (struct account_power){ .idle_w = 1, .active_w = 0.5 };
	UNIT_EQUAL_I64(0,
		       rows_build(&rows, &snapshot,
				  &(struct view){ .names = names, .name_count = 1, .tree = true }));
	row = &rows.items[4];
	UNIT_EQUAL_TEXT("vnet0", row->name);
	UNIT_EQUAL_TEXT("eth0", row->note);
	UNIT_EQUAL_DOUBLE(1.75, row->total_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0.75, row->active_w, 1e-12);
	UNIT_EQUAL_DOUBLE(3000, row->read_bytes_s, 1e-12);
	UNIT_EQUAL_DOUBLE(4000, row->write_bytes_s, 1e-12);
	UNIT_EQUAL_TEXT("inside QEMU", rows.items[5].note);
	UNIT_EQUAL_DOUBLE(NAN, rows.items[5].total_w, 0);
	UNIT_EQUAL_DOUBLE(4, rows.items[0].idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(8.5, rows.items[0].active_w, 1e-12);
	rows_clear(&rows);
}

/* What is unknown of network cards takes nothing away from the rest. */
static void test_unknown_cards(void)
{
	const char *const names[] = { "db" };
	struct rows rows = { 0 };

	prepare();
	domains[1].net = (struct account_power){ NAN, NAN, 0, 0 };
	UNIT_EQUAL_I64(
		0, rows_build(&rows, &snapshot, &(struct view){ .names = names, .name_count = 1 }));
	UNIT_EQUAL_DOUBLE(3, rows.items[0].idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(8, rows.items[0].active_w, 1e-12);
	rows_clear(&rows);
}

/* --- parts and whole ------------------------------------------------------------------------ */

enum { PARTS_MAX = 6 };
static struct snapshot_vcpu some_vcpus[PARTS_MAX];
static struct snapshot_vdisk some_vdisks[PARTS_MAX];

/* As an account makes it: parts of a resource are that resource, in any part unknown. */
static void random_domain(struct snapshot_domain *domain, uint64_t *state)
{
	double cpu_w = 0, disk_w = 0, disk_idle_w = 0, service_w = 0;

	*domain = (struct snapshot_domain){ .id = unit_literal("id"),
					    .name = unit_literal("name"),
					    .vcpus = some_vcpus,
					    .vdisks = some_vdisks,
					    .vcpu_count = unit_random(state) % PARTS_MAX,
					    .vdisk_count = unit_random(state) % PARTS_MAX };
	for (size_t i = 0; i < domain->vcpu_count; i++) {
		double watts = unit_random_double(state, 0, 10);

		some_vcpus[i] = (struct snapshot_vcpu){ .id = (int)i, .active_w = watts };
		cpu_w += watts;
		if (unit_random(state) % 5 == 0)
			some_vcpus[i].active_w = NAN;
	}
	for (size_t i = 0; i < domain->vdisk_count; i++) {
		struct snapshot_vdisk *vdisk = &some_vdisks[i];

		*vdisk = (struct snapshot_vdisk){
			.name = unit_literal("vda"),
			.idle_w = unit_random_double(state, 0, 3),
			.active_w = unit_random_double(state, 0, 3),
			.service_active_w = unit_random_double(state, 0, 1),
		};
		disk_w += vdisk->active_w;
		disk_idle_w += vdisk->idle_w;
		service_w += vdisk->service_active_w;
	}
	domain->cpu = (struct account_power){ 4, cpu_w, 0, 0 };
	domain->disk = (struct account_power){ disk_idle_w, disk_w, 0, 0 };
	domain->service = (struct account_power){ 0.5, service_w + 0.25, 0, 0 };
	domain->total_w = 4.75 + cpu_w + disk_idle_w + disk_w + service_w;
}

static void check_sums(const struct rows *rows, uint64_t seed)
{
	static const size_t figures[] = {
		offsetof(struct row, total_w),  offsetof(struct row, idle_w),
		offsetof(struct row, active_w), offsetof(struct row, cpu_w),
		offsetof(struct row, disk_w),   offsetof(struct row, service_w),
	};

	for (size_t f = 0; f < sizeof figures / sizeof *figures; f++) {
		const char *parent = (const char *)&rows->items[0];
		double sum = 0, whole;

		memcpy(&whole, parent + figures[f], sizeof whole);
		for (size_t i = 1; i < rows->count && rows->items[i].depth == 1; i++) {
			double part;

			memcpy(&part, (const char *)&rows->items[i] + figures[f], sizeof part);
			if (isnan(part))
				continue;
			sum += part;
			/* No part exceeds its whole, and what is left is not negative. */
			if (part < 0 || part > whole * (1 + 1e-9))
				fprintf(stderr, "seed %ju: figure %zu of %s: %g of %g\n",
					(uintmax_t)seed, f, row_name(&rows->items[i]), part, whole);
			UNIT_TRUE(part >= 0 && part <= whole * (1 + 1e-9));
		}
		UNIT_EQUAL_DOUBLE(whole, sum, 1e-9);
	}
}

static void test_parts_sum_to_their_domain(void)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct snapshot_domain domain;
		struct snapshot one = { .interval_s = 1,
					.domains = &domain,
					.domain_count = 1,
					.host = { .total_w = 100 } };
		struct rows rows = { 0 };
		uint64_t state = seed;

		random_domain(&domain, &state);
		if (domain.vcpu_count + domain.vdisk_count == 0)
			continue;
		UNIT_EQUAL_I64(0, rows_build(&rows, &one, &(struct view){ .tree = true }));
		UNIT_EQUAL_U64(domain.vcpu_count + domain.vdisk_count + 3, rows.count);
		check_sums(&rows, seed);
		rows_clear(&rows);
	}
}

/* --- with a history --------------------------------------------------------------------------- */

static void test_rows_know_their_track(void)
{
	struct history *history = history_new();
	struct view view = { .sort = "name", .history = history };
	struct rows rows = { 0 };
	char text[FIGURE_BYTES];

	prepare();
	domains[1].error_w = 1;
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &view));
	UNIT_TRUE(rows.items[0].track == history_find(history, "id1", 1));
	UNIT_TRUE(rows.items[4].kind == ROW_KEPT && rows.items[4].track == NULL);
	UNIT_EQUAL_DOUBLE(11, rows.scale_w, 1e-4);
	column_find("max")->format(&rows.items[0], &view, text);
	UNIT_EQUAL_TEXT("11.00", text);
	/* Energy is that of the session once somebody asked for it. */
	column_find("energy")->format(&rows.items[0], &view, text);
	UNIT_EQUAL_TEXT("20.00J", text);
	history_reset_energy(history, &snapshot);
	column_find("energy")->format(&rows.items[0], &view, text);
	UNIT_EQUAL_TEXT("0.000J", text);
	rows_clear(&rows);
	history_free(history);
}

/* --- columns ------------------------------------------------------------------------------------
 */

static void test_every_column_has_a_key(void)
{
	for (size_t i = 0; i < column_count; i++) {
		UNIT_TRUE(column_find(columns[i].key) == &columns[i]);
		UNIT_TRUE(columns[i].title != NULL && columns[i].help != NULL);
		UNIT_TRUE(columns[i].order != NULL || columns[i].text != NULL);
		UNIT_TRUE(columns[i].kind != COLUMN_FIGURE || columns[i].format != NULL);
	}
	UNIT_TRUE(columns[0].kind == COLUMN_NAME);
	UNIT_TRUE(column_find("nonsense") == NULL);
}

/* Also those that nothing is known about, on rows of every kind, with and without history. */
static void test_every_column_formats_and_sorts(void)
{
	struct history *history = history_new();
	struct rows rows = { 0 };

	prepare();
	UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	for (size_t i = 0; i < 2 * column_count; i++) {
		const struct column *column = &columns[i / 2];
		struct view view = { .sort = column->key,
				     .tree = true,
				     .history = i % 2 ? history : NULL };

		UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &view));
		UNIT_EQUAL_U64(11, rows.count);
		for (size_t r = 0; r < rows.count && column->format; r++) {
			char text[FIGURE_BYTES] = "";

			column->format(&rows.items[r], &view, text);
			UNIT_TRUE(strlen(text) <= (size_t)column->cells);
		}
	}
	rows_clear(&rows);
	history_free(history);
}

static const struct snapshot_control no_control = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };

static void prepare_caps(void)
{
	prepare();
	for (size_t i = 0; i < 4; i++) {
		domains[i].control = no_control;
		domains[i].throttle_cpu = domains[i].throttle_disk = NAN;
	}
}

/* The figure of a column of the i-th domain, alone. */
static const char *figure(const char *key, size_t i)
{
	static char text[FIGURE_BYTES];
	const char *const names[] = { domains[i].name };
	struct view view = { .names = names, .name_count = 1 };
	struct rows rows = { 0 };

	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &view));
	column_find(key)->format(&rows.items[0], &view, text);
	rows_clear(&rows);
	return text;
}

/* db: idle 3 W, CPU 1 W, disk 7 W. */
static void test_caps_of_parts(void)
{
	struct snapshot_control *control = &domains[1].control;

	prepare_caps();
	UNIT_EQUAL_TEXT("-", figure("cap", 1));
	UNIT_EQUAL_TEXT("-", figure("cap%", 1));
	UNIT_TRUE(!column_is_had(column_find("cap"), &snapshot));
	UNIT_TRUE(!column_is_had(column_find("throttle"), &snapshot));
	control->disk_cap_w = 14;
	control->headroom_w = 7;
	UNIT_TRUE(column_is_had(column_find("cap"), &snapshot));
	UNIT_TRUE(column_is_had(column_find("throttle"), &snapshot));
	UNIT_EQUAL_TEXT("14.00d", figure("cap", 1));
	UNIT_EQUAL_TEXT("50", figure("cap%", 1));
	UNIT_EQUAL_TEXT("7.00", figure("headroom", 1));
	UNIT_EQUAL_TEXT("-", figure("cap", 0));
	control->cap_total_w = 11;
	UNIT_EQUAL_TEXT("11.00t", figure("cap", 1));
	UNIT_EQUAL_TEXT("100", figure("cap%", 1));
	control->cpu_cap_w = 4;
	UNIT_EQUAL_TEXT("4.00c", figure("cap", 1));
	UNIT_EQUAL_TEXT("25", figure("cap%", 1));
	control->cpu_cap_w = 1e300; /* of a recording */
	control->cap_total_w = NAN;
	control->disk_cap_w = NAN;
	UNIT_EQUAL_U64(FIGURE_BYTES - 1, strlen(figure("cap", 1)));
	control->cpu_cap_w = 4;
	/* Of equal ones that of more. */
	control->cap_w = 4;
	UNIT_EQUAL_TEXT("4.00", figure("cap", 1));
	UNIT_EQUAL_TEXT("200", figure("cap%", 1));
}

static void test_cap(void)
{
	struct view view = { .sort = "cap%" };
	struct rows rows = { 0 };
	char text[FIGURE_BYTES];

	prepare_caps();
	domains[0].control.cap_w = 4;
	domains[0].throttle_cpu = 0.18;
	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &view));
	column_find("cap%")->format(&rows.items[0], &view, text);
	UNIT_EQUAL_TEXT("125", text);
	column_find("throttle")->format(&rows.items[0], &view, text);
	UNIT_EQUAL_TEXT("18", text);
	column_find("cap")->format(&rows.items[1], &view, text);
	UNIT_EQUAL_TEXT("-", text);
	rows_clear(&rows);
}

int main(void)
{
	return UNIT_RUN(
		"vmetop rows", { "rows are sorted by any column", test_sorting },
		{ "a selection keeps the order of the snapshot",
		  test_selection_keeps_the_order_of_the_snapshot },
		{ "unknown goes last either way", test_unknown_goes_last_either_way },
		{ "a filter matches or is contained", test_filter },
		{ "domains are picked by name or id", test_names_and_ids },
		{ "idle domains can be hidden", test_hide_idle },
		{ "a tree has parts below their domain", test_tree },
		{ "single domains are opened and closed", test_toggled },
		{ "a domain says whether it is open", test_fold },
		{ "parts and the rest sum to their domain", test_parts_sum_to_their_domain },
		{ "rows know their track", test_rows_know_their_track },
		{ "a vDISK has its own figures", test_vdisk_row },
		{ "a vNIC has its own figures, or a reason", test_vnic_row },
		{ "unknown network cards take nothing away", test_unknown_cards },
		{ "every column has its own key", test_every_column_has_a_key },
		{ "every column formats and sorts", test_every_column_formats_and_sorts },
		{ "a cap is a limit of active power", test_cap },
		{ "caps of the total, CPU and disks are seen with their mark",
		  test_caps_of_parts });
}
