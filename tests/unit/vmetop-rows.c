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

	expect("db vcpu0 all vcpus vda (kept by the host) vmetop host",
	       &(struct view){ .names = names, .name_count = 1, .tree = true });
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

static void test_every_column_has_a_key(void)
{
	for (size_t i = 0; i < column_count; i++)
		UNIT_TRUE(column_find(columns[i].key) == &columns[i]);
	UNIT_TRUE(column_find("nonsense") == NULL);
}

int main(void)
{
	return UNIT_RUN("vmetop rows", { "rows are sorted by any column", test_sorting },
			{ "a selection keeps the order of the snapshot",
			  test_selection_keeps_the_order_of_the_snapshot },
			{ "unknown goes last either way", test_unknown_goes_last_either_way },
			{ "a filter matches or is contained", test_filter },
			{ "domains are picked by name or id", test_names_and_ids },
			{ "idle domains can be hidden", test_hide_idle },
			{ "a tree has parts below their domain", test_tree },
			{ "a vDISK has its own figures", test_vdisk_row },
			{ "every column has its own key", test_every_column_has_a_key });
}
