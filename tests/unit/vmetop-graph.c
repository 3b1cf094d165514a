/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is drawn, as text: trends, plots, the graph of a domain, overlays. */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmetop/page.h"
#include "vmetop/plot.h"

/* --- trends --------------------------------------------------------------------------------- */

static void expect_trend(const char *expected, double scale_w, bool unicode)
{
	static const double watts[] = { NAN, 0, 1, 4, 8, 9 };
	char text[TREND_TEXT_BYTES];

	trend_text(watts, 6, scale_w, unicode, text);
	UNIT_EQUAL_TEXT(expected, text);
}

static void test_trends(void)
{
	double many[300], none[3] = { 0, 0, NAN };
	char text[TREND_TEXT_BYTES];

	expect_trend(" ▁▁▄██", 8, true);
	expect_trend(" __-##", 8, false);
	/* Without a scale the highest is the top. */
	expect_trend(" ▁▁▄██", NAN, true);
	trend_text(none, 3, 0, true, text);
	UNIT_EQUAL_TEXT("▁▁ ", text);
	trend_text(none, 0, 1, true, text);
	UNIT_EQUAL_TEXT("", text);
	/* More than there is room for: the newest. */
	for (size_t i = 0; i < 300; i++)
		many[i] = i == 299 ? 8 : 1;
	trend_text(many, 300, 8, true, text);
	UNIT_EQUAL_U64(85 * 3, strlen(text));
	UNIT_EQUAL_TEXT("█", text + (size_t)84 * 3);
}

/* --- plots ---------------------------------------------------------------------------------- */

enum { BINS = 24 };
static struct bin bins[BINS];

static void set_bin(size_t i, double idle_w, double active_w)
{
	bins[i] = (struct bin){ .idle_w = idle_w,
				.active_w = active_w,
				.max_w = idle_w + active_w,
				.cap_w = NAN,
				.throttled = NAN };
}

/* Without data for two of them, then 2 W idle and a ramp up to 8 W. */
static void set_ramp(void)
{
	for (size_t i = 0; i < BINS; i++)
		set_bin(i, i < 2 ? NAN : 2, i < 2 ? NAN : (double)i / 4);
	set_bin(BINS - 1, 2, 6);
}

static void expect_plot(const char *expected, struct plot plot, int rows, int width)
{
	struct grid grid = { 0 };
	struct text text = { 0 };

	plot.bins = bins;
	plot.span_s = 60;
	UNIT_EQUAL_I64(0, grid_resize(&grid, rows, width));
	UNIT_TRUE(plot_bins(plot.style, width) <= BINS);
	plot_draw(&grid, (struct area){ 0, 0, rows, width }, &plot);
	grid_text(&grid, &text);
	UNIT_EQUAL_TEXT(expected, text.bytes);
	text_free(&text);
	grid_free(&grid);
}

static void test_plot_in_ascii(void)
{
	set_ramp();
	expect_plot("\n"
		    "    8 -                      ##\n"
		    "      |                ########\n"
		    "      |           #############\n"
		    "    4 -      ##################\n"
		    "      |  ======================\n"
		    "      |  ======================\n"
		    "    0 -+-----------+-----------\n"
		    "       -1m         -30s     now\n",
		    (struct plot){ .error_share = NAN, .cap_w = NAN }, 9, 31);
}

static void test_plot_in_blocks(void)
{
	set_ramp();
	expect_plot("    8 ┤                 ▁▂▃▄▅▆█\n"
		    "      │         ▁▂▃▄▅▆▇████████\n"
		    "    4 ┤  ▂▃▄▅▆▇████████████████\n"
		    "      │  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒\n"
		    "    0 ┤┴───────────┴───────────\n"
		    "       -1m         -30s     now\n",
		    (struct plot){ .style = GRAPH_BLOCK, .error_share = NAN, .cap_w = NAN }, 6, 31);
}

static void test_plot_in_braille(void)
{
	for (size_t i = 0; i < BINS; i++)
		set_bin(i, i < 12 ? 2 : 0, i % 2 ? 2 : 4);
	expect_plot("    6 ┤⡇⡇⡇⡇⡇⡇\n"
		    "      │⣿⣿⣿⣿⣿⣿⡇⡇⡇⡇⡇⡇\n"
		    "      │⡪⡪⡪⡪⡪⡪⣿⣿⣿⣿⣿⣿\n"
		    "    0 ┤┴───────────\n"
		    "       -1m      now\n",
		    (struct plot){ .style = GRAPH_BRAILLE, .error_share = NAN, .cap_w = NAN }, 5,
		    19);
}

static void test_plot_of_a_capped_domain(void)
{
	for (size_t i = 0; i < BINS; i++) {
		set_bin(i, 10, i < 12 ? 20 : 45);
		bins[i].cap_w = 50;
		bins[i].throttled = i == 13 ? 0.25 : 0;
	}
	/* A gap in part of the time is marked under its bar. */
	bins[20].quality = QUALITY_GAP;
	expect_plot("   60 -            ############\n"
		    "      |------------!!!!!!!!!!!!\n"
		    "   40 -            ############\n"
		    "      |########################\n"
		    "   20 -########################\n"
		    "      |========================\n"
		    "    0 -+-----------+-------?---\n"
		    "limit |             T\n"
		    "       -1m         -30s     now\n",
		    (struct plot){ .error_share = 0.08, .cap_w = 50, .throttled = true }, 9, 31);
}

static void test_scales(void)
{
	static const double cases[][2] = {
		{ 0, 0.1 }, { 0.12, 0.15 }, { 1, 1 },      { 1.01, 1.5 },
		{ 7, 8 },   { 61.7, 80 },   { 999, 1000 }, { 1e4, 1e4 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		UNIT_EQUAL_DOUBLE(cases[i][1], plot_scale_w(cases[i][0]), 1e-12);
}

static void test_times(void)
{
	char text[PLOT_TIME_BYTES];

	UNIT_EQUAL_TEXT("0s", plot_time(0, text));
	UNIT_EQUAL_TEXT("45s", plot_time(45, text));
	UNIT_EQUAL_TEXT("5m", plot_time(300, text));
	UNIT_EQUAL_TEXT("1m30s", plot_time(90, text));
	UNIT_EQUAL_TEXT("1h30m", plot_time(5400, text));
	UNIT_EQUAL_TEXT("24h", plot_time(86400, text));
}

/* --- the page of a domain ------------------------------------------------------------------------
 */

static struct snapshot_vcpu vcpus[2] = { { .id = 0, .active_w = 1 }, { .id = 1, .active_w = 5 } };
static struct snapshot_vdisk vdisk;
static struct snapshot_domain domain;
static struct snapshot snapshot;
static struct ui ui;
static struct rows rows;
static struct source_info info = { .hostname = "kvm01" };
static struct frame frame;

static void set_domain(double active_w)
{
	vdisk = (struct snapshot_vdisk){ .name = unit_literal("vda"), .active_w = 2 };
	domain = (struct snapshot_domain){
		.id = unit_literal("id"),
		.name = unit_literal("db\033[2J-prod"),
		.quality = QUALITY_ESTIMATE,
		.cpu = { .idle_w = 2, .active_w = active_w },
		.control = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN },
		.throttle_cpu = NAN,
		.throttle_disk = NAN,
		.error_w = NAN,
		.total_w = 2 + active_w,
		.total_j = 700,
		.vcpus = vcpus,
		.vcpu_count = 2,
		.vdisks = &vdisk,
		.vdisk_count = 1,
	};
}

/* 30 ticks of 2 s: 4 W, then 8 W. */
static struct history *watch(void)
{
	struct history *history = history_new();

	snapshot = (struct snapshot){
		.interval_s = 2,
		.domains = &domain,
		.domain_count = 1,
		.source = { .cpu = CPU_SOURCE_CPUTIME,
			    .standing = STANDING_ESTIMATE,
			    .weights = unit_literal("guess.weights") },
		.host = { .cpu_idle_w = 30,
			  .cpu_active_w = 10,
			  .total_w = 40,
			  .kept_w = 5,
			  .total_j = 1000,
			  .metered_w = NAN,
			  .residual_w = NAN,
			  .cap_w = NAN },
	};
	for (int i = 0; i < 30; i++) {
		set_domain(i < 15 ? 2 : 6);
		snapshot.seq++;
		UNIT_EQUAL_I64(0, history_add(history, &snapshot));
	}
	ui_init(&ui);
	ui.graph_span = 0;
	ui.graph_style = GRAPH_ASCII;
	strcpy(ui.graph_id, "id");
	frame = (struct frame){ &snapshot, history, &info, &rows, &ui, { 0 } };
	return history;
}

static void expect_page(const char *expected, int height, int width)
{
	struct grid grid = { 0 };
	struct text text = { 0 };

	UNIT_EQUAL_I64(0, grid_resize(&grid, height, width));
	page_graph.draw(&grid, (struct area){ 0, 0, height, width }, &frame);
	grid_text(&grid, &text);
	UNIT_EQUAL_TEXT(expected, text.bytes);
	text_free(&text);
	grid_free(&grid);
}

static void test_page(void)
{
	struct history *history = watch();

	/* A name cannot drive the terminal. */
	expect_page("db?[2J-prod   running   2 vCPU   1 vDISK\n"
		    "Power ~8.00 W   idle ~2.00   active ~6.00\n"
		    "Now  [=========##########################] scale 8 W\n"
		    "  W    = idle  # active  1m\n"
		    "    8 -                      #######################\n"
		    "      |                      #######################\n"
		    "    6 -                     ########################\n"
		    "      |                     ########################\n"
		    "    4 -#############################################\n"
		    "      |#############################################\n"
		    "    2 -=============================================\n"
		    "      |=============================================\n"
		    "    0 -+---------------------+----------------------\n"
		    "       -1m                   -30s                now\n"
		    "Energy ~700.0J session   mean 1m ~6.00   max ~8.00 W\n"
		    "From cputime, estimate, scope wall, weights guess.we\n",
		    16, 52);
	history_free(history);
}

/* What was once estimated stays so in means and maxima, when ticks are measured by now. */
static void test_marks_of_the_past_stay(void)
{
	struct history *history = watch();
	struct grid grid = { 0 };
	struct text text = { 0 };

	domain.quality = 0;
	UNIT_EQUAL_I64(0, grid_resize(&grid, 16, 60));
	page_graph.draw(&grid, (struct area){ 0, 0, 16, 60 }, &frame);
	grid_text(&grid, &text);
	UNIT_CONTAINS("Power 8.00 W   idle 2.00   active 6.00\n", text.bytes);
	UNIT_CONTAINS("Energy 700.0J session   mean 1m ~6.00   max ~8.00 W\n", text.bytes);
	text_free(&text);
	grid_free(&grid);
	history_free(history);
}

static void test_page_of_the_host(void)
{
	struct history *history = watch();

	strcpy(ui.graph_id, "");
	expect_page("kvm01   the host, 1 domain\n"
		    "Power 40.00 W   idle 30.00   active 10.00   kept 5.00\n"
		    "   40 -###################################################\n"
		    "      |===================================================\n"
		    "   20 -===================================================\n"
		    "      |===================================================\n"
		    "    0 -+------------+-----------+------------+------------\n"
		    "       -1m          -45s        -30s         -15s      now\n"
		    "Energy 1.000kJ session   mean 1m 40.00   max 40.00 W\n",
		    9, 58);
	history_free(history);
}

static void test_small_pages(void)
{
	struct history *history = watch();

	expect_page("Power ~8.\n", 1, 9);
	expect_page("db?[2J-prod   running\n"
		    "Power ~8.00 W   idle ~2.\n"
		    "    8 -        #########\n"
		    "      |=================\n"
		    "    0 -+----------------\n",
		    5, 24);
	history_free(history);
}

static void test_large_page_lists_parts(void)
{
	struct history *history = watch();
	struct grid grid = { 0 };
	struct text text = { 0 };

	UNIT_EQUAL_I64(0, grid_resize(&grid, 24, 80));
	page_graph.draw(&grid, (struct area){ 0, 0, 24, 80 }, &frame);
	grid_text(&grid, &text);
	UNIT_CONTAINS(
		"Active W of its parts\n"
		"  vCPU 1           ~5.00    vda              ~2.00    vCPU 0           ~1.00\n",
		text.bytes);
	text_free(&text);
	grid_free(&grid);
	history_free(history);
}

static void test_nothing_to_show(void)
{
	struct history *history = watch();

	strcpy(ui.graph_id, "another");
	expect_page("this domain is gone\n\n", 2, 40);
	frame.snapshot = NULL;
	expect_page("the first figures come soon\n\n", 2, 40);
	history_free(history);
}

/* Any size, style and span: no cell outside its area is touched. */
static void test_stays_inside_its_area(void)
{
	enum { ROWS = 30, WIDTH = 100, MARGIN = 2 };
	const struct area all = { 0, 0, ROWS, WIDTH };
	struct history *history = watch();
	struct grid grid = { 0 };
	uint64_t seed = 20071;

	printf("seed %llu\n", (unsigned long long)seed);
	UNIT_EQUAL_I64(0, grid_resize(&grid, ROWS, WIDTH));
	for (unsigned round = 0; round < unit_rounds(3000); round++) {
		struct area area = { MARGIN, MARGIN, (int)(unit_random(&seed) % 26),
				     (int)(unit_random(&seed) % 96) };

		ui.graph_style = (enum graph_style)(unit_random(&seed) % 3);
		ui.graph_span = unit_random(&seed) % ui_graph_span_count;
		domain.control.cap_total_w = unit_random(&seed) % 2 ? 7 : NAN;
		domain.error_w = unit_random(&seed) % 2 ? 3 : NAN;
		domain.throttle_cpu = unit_random(&seed) % 2 ? 0.5 : NAN;
		grid_fill(&grid, all, STYLE_NORMAL, L'.');
		if (unit_random(&seed) % 2)
			page_graph.draw(&grid, area, &frame);
		else
			graph_draw(&grid, area, &frame, "");
		for (int row = 0; row < ROWS; row++)
			for (int column = 0; column < WIDTH; column++)
				if ((row < area.row || row >= area.row + area.rows ||
				     column < area.column ||
				     column >= area.column + area.columns) &&
				    grid_cell(&grid, row, column)->characters[0] != L'.')
					CU_FAIL("a cell outside was written");
	}
	grid_free(&grid);
	history_free(history);
}

/* --- overlays --------------------------------------------------------------------------------- */

static char *draw_overlay(enum overlay overlay, int height, int width)
{
	struct grid grid = { 0 };
	struct text text = { 0 };

	ui.overlay = overlay;
	UNIT_EQUAL_I64(0, grid_resize(&grid, height, width));
	overlay_draw(&grid, &frame);
	grid_text(&grid, &text);
	grid_free(&grid);
	return text.bytes;
}

static void expect_in_overlay(enum overlay overlay, const char *expected)
{
	char *text = draw_overlay(overlay, 60, 132);

	UNIT_CONTAINS(expected, text);
	free(text);
}

static void prepare_overlay(void)
{
	ui_init(&ui);
	ui.unicode = false;
	frame = (struct frame){ .ui = &ui, .info = &info };
}

static void test_help_names_every_key(void)
{
	prepare_overlay();
	for (size_t i = 0; i < ui_binding_count; i++) {
		expect_in_overlay(OVERLAY_HELP, ui_bindings[i].keys);
		expect_in_overlay(OVERLAY_HELP, ui_bindings[i].help);
	}
	expect_in_overlay(OVERLAY_HELP, "an estimate");
	expect_in_overlay(OVERLAY_HELP, "c alone changes VMs");
}

/* Where not all fits, every line can be reached, and the one at the cursor is seen. */
static void test_help_scrolls(void)
{
	prepare_overlay();
	ui.overlay = OVERLAY_HELP;
	UNIT_TRUE(overlay_count(&frame) > ui_binding_count);
	for (size_t i = 0; i < ui_binding_count; i++) {
		char *text;

		ui.overlay_cursor = i;
		text = draw_overlay(OVERLAY_HELP, 24, 80);
		UNIT_CONTAINS(ui_bindings[i].help, text);
		UNIT_CONTAINS(" of ", text);
		free(text);
	}
	ui.overlay_cursor = overlay_count(&frame) - 1;
	for (int height = 0; height < 30; height++)
		for (int width = 0; width < 60; width += 7)
			free(draw_overlay(OVERLAY_HELP, height, width));
}

static void test_columns_are_marked(void)
{
	prepare_overlay();
	expect_in_overlay(OVERLAY_SORT, "* power ");
	expect_in_overlay(OVERLAY_SORT, "  name ");
	UNIT_EQUAL_U64(column_count, overlay_count(&frame));
	/* As drawn, until something was chosen. */
	frame.layout.shown_columns = 1 | 4;
	expect_in_overlay(OVERLAY_COLUMNS, "[x] TOTAL/W");
	expect_in_overlay(OVERLAY_COLUMNS, "[ ] S ");
	ui.view.shown_columns = 2;
	expect_in_overlay(OVERLAY_COLUMNS, "[ ] TOTAL/W");
	expect_in_overlay(OVERLAY_COLUMNS, "[x] S ");
	/* The name stays. */
	expect_in_overlay(OVERLAY_COLUMNS, "[x] NAME");
	ui.overlay = OVERLAY_NONE;
	UNIT_EQUAL_U64(0, overlay_count(&frame));
}

int main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return UNIT_RUN(
		"graph", { "a trend is as high as its watts", test_trends },
		{ "a plot in ASCII", test_plot_in_ascii },
		{ "a plot in eighths of a cell", test_plot_in_blocks },
		{ "a plot in braille", test_plot_in_braille },
		{ "cap, error band, gaps and throttling are marked", test_plot_of_a_capped_domain },
		{ "scales end at round numbers", test_scales }, { "times are short", test_times },
		{ "the page of a domain", test_page },
		{ "what was estimated stays marked", test_marks_of_the_past_stay },
		{ "the page of the host", test_page_of_the_host },
		{ "little room shows what matters", test_small_pages },
		{ "much room shows the parts", test_large_page_lists_parts },
		{ "nothing to show is said", test_nothing_to_show },
		{ "no cell outside is touched", test_stays_inside_its_area },
		{ "help names every key", test_help_names_every_key },
		{ "help scrolls where it does not fit", test_help_scrolls },
		{ "columns show what is chosen", test_columns_are_marked });
}
