/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pages-scene.h - a small host on the screen, for the tests of pages. */
#ifndef VMENERGY_TESTS_PAGES_SCENE_H
#define VMENERGY_TESTS_PAGES_SCENE_H

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmetop/page.h"

enum { DOMAINS = 3, RANDOM_DOMAINS = 40, NAME_BYTES = 48 };

static struct snapshot_domain domains[RANDOM_DOMAINS];
static struct snapshot_vcpu vcpus[2];
static struct snapshot_vdisk vdisks[1];
static struct snapshot_kept kept[2];
static struct snapshot_disk disks[2];
static struct snapshot_package packages[1];
static struct snapshot_service services[1];
static char *clients[] = { NULL, NULL };
static char *notes[] = { NULL, NULL };
static struct snapshot snapshot;
static struct source_info info;
static struct rows rows;
static struct frame frame;
static struct grid grid;
static struct ui ui;

static const struct snapshot_control no_control = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN };

static inline void set_domain(size_t i, const char *name, double cpu_w, enum domain_state state)
{
	static const char *const ids[] = { "id0", "id1", "id2" };

	domains[i] = (struct snapshot_domain){
		.id = unit_literal(ids[i]),
		.name = unit_literal(name),
		.state = state,
		.quality = QUALITY_ESTIMATE,
		.cpu = { .idle_w = 10, .active_w = cpu_w },
		.disk = { .idle_w = 1, .active_w = 0.5 },
		.service = { .active_w = 0.25 },
		.total_w = 11.75 + cpu_w,
		.total_j = 100 * cpu_w,
		.error_w = NAN,
		.cpu_percent = 10 * cpu_w,
		.control = no_control,
		.throttle_cpu = NAN,
		.throttle_disk = NAN,
	};
}

static inline void set_disks(void)
{
	disks[0] = (struct snapshot_disk){ .name = unit_literal("sda"),
					   .model = unit_literal("SAMPLE 1"),
					   .weights = unit_literal("sample.weights"),
					   .idle_w = 3,
					   .active_w = 1.5,
					   .idle_j = 30,
					   .active_j = 15,
					   .read_bytes = 4e6,
					   .write_bytes = 2e3,
					   .requests = 100,
					   .busy_percent = 12.5,
					   .vdisks = 1 };
	disks[1] = (struct snapshot_disk){ .name = unit_literal("nvme0n1"),
					   .model = unit_literal(""),
					   .idle_w = NAN,
					   .active_w = NAN,
					   .idle_j = NAN,
					   .active_j = NAN,
					   .read_bytes = NAN,
					   .write_bytes = NAN,
					   .requests = NAN,
					   .busy_percent = NAN };
}

static inline void set_parts(void)
{
	vcpus[0] = (struct snapshot_vcpu){ .id = 0, .active_w = 12, .cpu_percent = 80 };
	vcpus[1] = (struct snapshot_vcpu){ .id = 1, .active_w = 8, .cpu_percent = 60 };
	vdisks[0] = (struct snapshot_vdisk){ .name = unit_literal("vda"),
					     .disk = unit_literal("sda"),
					     .idle_w = 1,
					     .active_w = 0.5,
					     .service_idle_w = 0.25,
					     .service_active_w = 0.125,
					     .read_bytes = 4e6,
					     .write_bytes = 2e3,
					     .requests = 100 };
	domains[0].cpu.idle_w = 9.75;
	domains[0].service.idle_w = 0.25;
	domains[0].vcpus = vcpus;
	domains[0].vcpu_count = 2;
	domains[0].vdisks = vdisks;
	domains[0].vdisk_count = 1;
	kept[0] = (struct snapshot_kept){ unit_literal("vmetop"), 0, 0.05 };
	kept[1] = (struct snapshot_kept){ unit_literal("host"), 2, 1.95 };
	packages[0] = (struct snapshot_package){ .active_w = 25.75,
						 .frequency_hz = 2.4e9,
						 .temperature_c = 54,
						 .quality = QUALITY_EXTRAPOLATED };
	clients[0] = domains[0].id;
	clients[1] = unit_literal("gone");
	services[0] = (struct snapshot_service){ .name = unit_literal("storage daemon"),
						 .pid = 900,
						 .idle_w = 0.5,
						 .active_w = 0.25,
						 .clients = clients,
						 .client_count = 2 };
}

static inline void set_snapshot(void)
{
	snapshot = (struct snapshot){
		.seq = snapshot.seq + 1,
		.epoch = 1,
		.time_s = 1700000000 + 2 * (double)snapshot.seq,
		.interval_s = 2,
		.since_s = 1700000000,
		.source = { .cpu = CPU_SOURCE_CPUTIME,
			    .standing = STANDING_ESTIMATE,
			    .weights = unit_literal("/a/folder/sample.weights"),
			    .scope = SCOPE_WALL },
		.host = { .total_w = 66.25,
			  .total_j = 660,
			  .cpu_idle_w = 32,
			  .cpu_active_w = 28.25,
			  .disk_idle_w = 3,
			  .disk_active_w = 3,
			  .net_idle_w = NAN,
			  .net_active_w = NAN,
			  .kept_w = 4,
			  .kept_j = 40,
			  .metered_w = NAN,
			  .residual_w = NAN,
			  .residual_reason = unit_literal("no meter"),
			  .cap_w = NAN,
			  .temperature_c = 54,
			  .quality = QUALITY_ESTIMATE | QUALITY_EXTRAPOLATED },
		.domains = domains,
		.domain_count = DOMAINS,
		.kept = kept,
		.kept_count = 2,
		.packages = packages,
		.package_count = 1,
		.disks = disks,
		.disk_count = 2,
		.services = services,
		.service_count = 1,
	};
}

static inline void prepare(void)
{
	snapshot.seq = 0;
	set_domain(0, "database", 20, DOMAIN_RUNNING);
	set_domain(1, "web-front-\033[31m", 5, DOMAIN_RUNNING);
	set_domain(2, "a-name-that-is-too-long-for-a-narrow-screen", 0.001, DOMAIN_PAUSED);
	set_parts();
	set_disks();
	notes[0] = unit_literal("sample: a note of the source");
	info = (struct source_info){ .hostname = "kvm01",
				     .weights_why = "same CPU model",
				     .verdict = VERDICT_USABLE,
				     .interval_s = 2,
				     .notes = notes,
				     .note_count = 1 };
	ui_clear(&ui);
	ui_init(&ui);
	ui.pane = false;
	history_free((struct history *)(uintptr_t)frame.history);
	frame = (struct frame){ .snapshot = &snapshot,
				.history = history_new(),
				.info = &info,
				.rows = &rows,
				.ui = &ui };
	ui.view.history = frame.history;
	for (size_t i = 1; i <= 4; i++) {
		set_snapshot();
		domains[0].cpu.active_w = 5 * (double)i;
		UNIT_EQUAL_I64(0,
			       history_add((struct history *)(uintptr_t)frame.history, &snapshot));
	}
}

static inline void draw(int height, int width)
{
	UNIT_EQUAL_I64(0, grid_resize(&grid, height, width));
	if (frame.snapshot)
		UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &ui.view));
	for (int i = 0; i < 2; i++) {
		ui_settle(&ui, &frame);
		grid_erase(&grid);
		frame_draw(&grid, &frame);
	}
}

static inline void expect_screen(int height, int width, const char *expected)
{
	struct text text = { 0 };

	draw(height, width);
	grid_text(&grid, &text);
	UNIT_EQUAL_TEXT(expected, text.bytes);
	text_free(&text);
}

static inline void press(wchar_t character)
{
	ui_input(&ui, &(struct input){ .kind = INPUT_CHARACTER, .character = character }, &frame);
}

static inline bool is_on_screen(const char *what)
{
	struct text text = { 0 };
	bool found;

	grid_text(&grid, &text);
	found = strstr(text.bytes, what) != NULL;
	if (!found)
		fprintf(stderr, "not on the screen: %s\n%s", what, text.bytes);
	text_free(&text);
	return found;
}

static inline void clear_scene(void)
{
	history_free((struct history *)(uintptr_t)frame.history);
	rows_clear(&rows);
	grid_free(&grid);
	ui_clear(&ui);
}

#endif
