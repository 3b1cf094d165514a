/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pages of any size with anything on them: nothing stands outside, nothing vanishes silently.
 *
 * no valgrind: thousands of frames take it minutes. ASan sees them all.
 */
#include "tests/unit/pages-scene.h"

/* --- columns ---------------------------------------------------------------------------------- */

/* Whatever the width: all columns can be reached, and what is not seen is counted. */
static void test_no_column_vanishes_silently(void)
{
	for (int width = 30; width <= 200; width += 5) {
		size_t seen = 0, at_end;
		bool found[64] = { false };

		prepare();
		for (size_t scroll = 0; scroll <= column_count; scroll++) {
			draw(24, width);
			for (size_t i = 0; i < frame.layout.hit_count; i++)
				if (frame.layout.hits[i].sort)
					found[column_find(frame.layout.hits[i].sort) - columns] =
						true;
			ui.scroll++;
		}
		for (size_t i = 0; i < column_count; i++)
			seen += found[i];
		/* Some wait for a domain that has them: +-%, cap, cap%, throttle, limit, headroom,
		 * share, stride, and a note. */
		at_end = column_count - 9;
		if (seen != at_end)
			fprintf(stderr, "width %d\n", width);
		UNIT_EQUAL_U64(at_end, seen);
	}
	prepare();
	draw(24, 80);
	UNIT_TRUE(is_on_screen("> S"));
}

static void test_chosen_columns(void)
{
	prepare();
	ui.view.shown_columns = 1UL | 1UL << (column_find("id") - columns) |
				1UL << (column_find("error") - columns);
	draw(24, 80);
	UNIT_EQUAL_U64(ui.view.shown_columns, frame.layout.shown_columns);
	UNIT_TRUE(is_on_screen("+-%       ID"));
}

/* --- any size, anything ----------------------------------------------------------------------- */

static double any(uint64_t *state)
{
	static const double values[] = { 0, -1, 1e-4, 3.5, 999.996, 1e6, 1e300 };
	uint64_t choice = unit_random(state) % 16;

	if (choice < sizeof values / sizeof *values)
		return values[choice];
	return choice == 7 ? NAN : unit_random_double(state, 0, 100);
}

static char random_names[RANDOM_DOMAINS][NAME_BYTES], random_ids[RANDOM_DOMAINS][NAME_BYTES];

static void random_name(char name[NAME_BYTES], uint64_t *state)
{
	static const char *const pieces[] = { "a",       "web-", "\xe4\xbb\xae", "e\xcc\x81",
					      "\033[2J", "\xff", "\n",           "-0123456789" };
	size_t count = unit_random(state) % 5;

	*name = '\0';
	for (size_t i = 0; i < count && strlen(name) + 12 < NAME_BYTES; i++)
		strcat(name, pieces[unit_random(state) % 8]);
}

static void random_domains(uint64_t *state)
{
	snapshot.domain_count = unit_random(state) % RANDOM_DOMAINS;
	for (size_t i = 0; i < snapshot.domain_count; i++) {
		random_name(random_names[i], state);
		snprintf(random_ids[i], NAME_BYTES, "id%zu", i);
		domains[i] = (struct snapshot_domain){
			.id = random_ids[i],
			.name = random_names[i],
			.state = (enum domain_state)(unit_random(state) % 3),
			.quality = (unsigned)unit_random(state) & 0xff,
			.cpu = { any(state), any(state), any(state), any(state) },
			.disk = { any(state), any(state), any(state), any(state) },
			.service = { any(state), any(state), any(state), any(state) },
			.total_w = any(state),
			.total_j = any(state),
			.error_w = any(state),
			.cpu_percent = any(state),
			.control = no_control,
			.throttle_cpu = any(state),
			.throttle_disk = any(state),
			.vcpus = vcpus,
			.vcpu_count = unit_random(state) % 3,
			.vdisks = vdisks,
			.vdisk_count = unit_random(state) % 2,
		};
		domains[i].control.cap_w = any(state);
		domains[i].control.cap_total_w = any(state);
		domains[i].control.cpu_cap_w = any(state);
		domains[i].control.disk_cap_w = any(state);
		domains[i].control.headroom_w = any(state);
		domains[i].control.infeasible_w = any(state);
		domains[i].control.share = any(state);
		domains[i].control.stride = any(state);
	}
}

static void random_ui(uint64_t *state)
{
	ui.page = (enum page_number)(unit_random(state) % PAGE_COUNT);
	ui.view.tree = unit_random(state) % 2;
	ui.pane = unit_random(state) % 2;
	ui.view.sort = columns[unit_random(state) % column_count].key;
	ui.view.invert = unit_random(state) % 2;
	ui.view.one_scale = unit_random(state) % 2;
	ui.unicode = ui.view.unicode = unit_random(state) % 2;
	ui.scroll = (int)(unit_random(state) % (column_count + 1));
	ui.cursor = unit_random(state) % 200;
	ui.top = unit_random(state) % 200;
	ui.overlay = (enum overlay)(unit_random(state) % 6 == 0 ? unit_random(state) % 4 : 0);
	ui.prompt = (enum prompt)(unit_random(state) % 6 == 0 ? unit_random(state) % 5 : 0);
	ui.view.shown_columns = unit_random(state) % 3 ? 0 : unit_random(state) >> 40 | 1;
	random_name(ui.line, state);
	random_name(ui.cap_name, state);
	random_name(ui.message, state);
}

static char *words[] = { NULL, NULL };

/* What a daemon says is no more to be relied on than a snapshot. */
static void random_daemon(uint64_t *state)
{
	static struct protocol_status_domain limits[RANDOM_DOMAINS];
	static struct protocol_status status;
	static struct source_daemon daemon;
	size_t count = unit_random(state) % RANDOM_DOMAINS;

	words[0] = unit_literal("cap-total");
	words[1] = unit_literal("a reason that nobody has heard of before");
	for (size_t i = 0; i < count; i++)
		limits[i] = (struct protocol_status_domain){
			.id = random_ids[unit_random(state) % RANDOM_DOMAINS],
			.name = random_names[unit_random(state) % RANDOM_DOMAINS],
			.cap_w = any(state),
			.cap_total_w = any(state),
			.cpu_cap_w = any(state),
			.disk_cap_w = any(state),
			.infeasible_w = any(state),
			.held_by = { words, unit_random(state) % 3, 2 },
			.override_by = unit_random(state) % 3 ? NULL : words[1],
		};
	protocol_status_init(&status);
	status.dry_run = unit_random(state) % 2;
	status.host.cap_w = any(state);
	status.host.limit_w = any(state);
	status.host.used_w = any(state);
	status.host.headroom_w = any(state);
	status.host.infeasible_w = any(state);
	status.interval_s = status.control_interval_s = any(state);
	status.host.held_by = (struct protocol_words){ words, unit_random(state) % 3, 2 };
	status.trouble = (struct protocol_words){ words, unit_random(state) % 3, 2 };
	status.domains.items = limits;
	status.domains.count = count;
	daemon = (struct source_daemon){ .version = unit_random(state) % 2 ? "0.1.0" : NULL,
					 .tick_s = any(state),
					 .state = (enum source_state)(unit_random(state) % 3),
					 .status = unit_random(state) % 4 ? &status : NULL };
	info.daemon = unit_random(state) % 2 ? &daemon : NULL;
	ui.view.status = info.daemon ? daemon.status : NULL;
}

static bool layout_is_inside(void)
{
	const struct layout *layout = &frame.layout;
	bool inside = layout->visible == 0 || layout->first_row + (int)layout->visible <= grid.rows;

	for (size_t i = 0; i < layout->hit_count; i++) {
		const struct layout_hit *hit = &layout->hits[i];

		inside &= hit->row >= 0 && hit->row < grid.rows && hit->from >= 0 &&
			  hit->from < hit->to && hit->to <= grid.columns;
	}
	return inside && (ui.page == PAGE_GRAPH || ui.top <= layout->count);
}

static void test_any_size(void)
{
	for (uint64_t seed = 1; seed <= unit_rounds(1500); seed++) {
		uint64_t state = seed;
		int height, width;

		prepare();
		random_domains(&state);
		random_ui(&state);
		random_daemon(&state);
		height = 1 + (int)(unit_random(&state) % 60);
		width = 1 + (int)(unit_random(&state) % 200);
		UNIT_EQUAL_I64(0,
			       history_add((struct history *)(uintptr_t)frame.history, &snapshot));
		draw(height, width);
		if (!layout_is_inside())
			fprintf(stderr, "seed %ju: %d x %d\n", (uintmax_t)seed, height, width);
		UNIT_TRUE(layout_is_inside());
	}
}

/* Each hit does what its key does; a title sorts. */
static void test_clicks(void)
{
	size_t titles = 0;

	prepare();
	draw(24, 80);
	for (size_t i = 0; i < frame.layout.hit_count; i++)
		titles += frame.layout.hits[i].sort != NULL;
	UNIT_TRUE(titles >= 8);
	ui_input(&ui, &(struct input){ .kind = INPUT_CLICK, .row = 23, .column = 24 }, &frame);
	UNIT_EQUAL_I64(PAGE_HOST, ui.page);
	draw(24, 80);
	ui_input(&ui, &(struct input){ .kind = INPUT_CLICK, .row = 23, .column = 17 }, &frame);
	draw(24, 80);
	ui_input(&ui,
		 &(struct input){
			 .kind = INPUT_CLICK, .row = frame.layout.first_row - 1, .column = 4 },
		 &frame);
	UNIT_EQUAL_TEXT("name", ui.view.sort);
}

int main(void)
{
	int result;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1; /* part of glibc since 2.35 */
	result = UNIT_RUN("vmetop pages, any",
			  { "no column vanishes silently", test_no_column_vanishes_silently },
			  { "columns are shown as chosen", test_chosen_columns },
			  { "any size holds anything", test_any_size },
			  { "clicks hit", test_clicks });
	clear_scene();
	return result;
}
