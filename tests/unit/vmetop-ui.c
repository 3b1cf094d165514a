/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keys, clicks and typing do to the state of the screen. */
#include "vmetop/ui.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmetop/page.h"

enum { DOMAINS = 30 };

static struct snapshot_domain domains[DOMAINS];
static char names[DOMAINS][16];
static struct snapshot snapshot;
static struct source_info info = { .hostname = "host", .weights_why = "test" };
static struct rows rows;
static struct frame frame;
static struct ui ui;

/* dom00 uses most, dom29 least. */
static void prepare(void)
{
	ui_clear(&ui);
	ui_init(&ui);
	for (size_t i = 0; i < DOMAINS; i++) {
		snprintf(names[i], sizeof names[i], "dom%02zu", i);
		domains[i] = (struct snapshot_domain){ .id = names[i],
						       .name = names[i],
						       .cpu = { .active_w = (double)(DOMAINS - i) },
						       .total_w = (double)(DOMAINS - i),
						       .error_w = NAN };
	}
	snapshot =
		(struct snapshot){ .domains = domains, .domain_count = DOMAINS, .interval_s = 1 };
	info.is_replay = false;
	info.daemon = NULL;
	frame = (struct frame){ .snapshot = &snapshot, .info = &info, .rows = &rows, .ui = &ui };
	frame.layout.visible = 10;
}

static void settle(void)
{
	UNIT_EQUAL_I64(0, rows_build(&rows, &snapshot, &ui.view));
	ui_settle(&ui, &frame);
}

static enum ui_request press(struct input input)
{
	enum ui_request request;

	settle();
	request = ui_input(&ui, &input, &frame);
	settle();
	return request;
}

static enum ui_request type(const char *text)
{
	enum ui_request request = UI_NOTHING;

	for (; *text; text++)
		request = press((struct input){ .kind = INPUT_CHARACTER, .character = *text });
	return request;
}

static enum ui_request key(enum key key)
{
	return press((struct input){ .kind = INPUT_KEY, .key = key });
}

/* The domain whose row the cursor is on. */
static const char *at_cursor(void)
{
	return row_name(&rows.items[ui.cursor]);
}

static void test_move(void)
{
	prepare();
	type("jjj");
	UNIT_EQUAL_TEXT("dom03", at_cursor());
	key(INPUT_UP);
	UNIT_EQUAL_TEXT("dom02", at_cursor());
	key(INPUT_END);
	UNIT_EQUAL_U64(rows.count - 1, ui.cursor);
	UNIT_EQUAL_U64(rows.count - 10, ui.top);
	key(INPUT_DOWN);
	UNIT_EQUAL_U64(rows.count - 1, ui.cursor);
	key(INPUT_HOME);
	key(INPUT_UP);
	UNIT_EQUAL_TEXT("dom00", at_cursor());
	UNIT_EQUAL_U64(0, ui.top);
	key(INPUT_PAGE_DOWN);
	key(INPUT_PAGE_DOWN);
	UNIT_EQUAL_TEXT("dom18", at_cursor());
	key(INPUT_PAGE_UP);
	UNIT_EQUAL_TEXT("dom09", at_cursor());
	UNIT_TRUE(ui.top <= 9 && ui.top + 10 > 9);
}

/* htop's manner: the place stays, unless one follows. */
static void test_follow(void)
{
	prepare();
	type("jj");
	domains[2].total_w = domains[2].cpu.active_w = 0.5;
	settle();
	UNIT_EQUAL_TEXT("dom03", at_cursor());
	type("F");
	UNIT_TRUE(ui.follow);
	domains[3].total_w = domains[3].cpu.active_w = 0.25;
	settle();
	UNIT_EQUAL_TEXT("dom03", at_cursor());
	UNIT_TRUE(ui.cursor >= ui.top && ui.cursor < ui.top + 10);
	domains[3].total_w = domains[3].cpu.active_w = 100;
	settle();
	UNIT_EQUAL_TEXT("dom03", at_cursor());
	UNIT_EQUAL_U64(0, ui.cursor);
	snapshot.domain_count = 1; /* it is gone: the cursor stays inside */
	settle();
	UNIT_TRUE(ui.cursor < rows.count);
}

static void test_sort(void)
{
	prepare();
	type("N");
	UNIT_EQUAL_TEXT("name", ui.view.sort);
	UNIT_TRUE(!ui.view.invert);
	type("N");
	UNIT_TRUE(ui.view.invert);
	UNIT_EQUAL_TEXT("dom29", row_name(&rows.items[0]));
	type("A");
	UNIT_EQUAL_TEXT("active", ui.view.sort);
	UNIT_TRUE(!ui.view.invert);
	type(">");
	UNIT_EQUAL_I64(OVERLAY_SORT, ui.overlay);
	UNIT_EQUAL_TEXT("active", columns[ui.overlay_cursor].key);
	key(INPUT_HOME);
	type("j\n");
	UNIT_EQUAL_I64(OVERLAY_NONE, ui.overlay);
	UNIT_EQUAL_TEXT(columns[1].key, ui.view.sort);
	/* As with the keys: another column begins with its largest, the same one inverts. */
	type("NN");
	UNIT_TRUE(ui.view.invert);
	type("<");
	key(INPUT_HOME);
	type("j\n");
	UNIT_TRUE(!ui.view.invert);
	type(">\n");
	UNIT_EQUAL_TEXT(columns[1].key, ui.view.sort);
	UNIT_TRUE(ui.view.invert);
}

static void test_filter(void)
{
	prepare();
	type("\\2");
	UNIT_EQUAL_I64(PROMPT_FILTER, ui.prompt);
	UNIT_EQUAL_U64(DOMAINS, rows.domains_shown);
	type("9\n");
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
	UNIT_EQUAL_U64(1, rows.domains_shown);
	type("\\");
	UNIT_EQUAL_TEXT("29", ui.line); /* what stands is where one goes on */
	key(INPUT_BACKSPACE);
	type("\n");
	UNIT_EQUAL_U64(12, rows.domains_shown);
	type("\\1\33");
	UNIT_EQUAL_TEXT("2", ui.filter_line);
	key(INPUT_BACKSPACE); /* behind the prompt it erases nothing */
	UNIT_EQUAL_TEXT("2", ui.filter_line);
	type("\33");
	UNIT_EQUAL_U64(DOMAINS, rows.domains_shown);
}

static void test_find(void)
{
	prepare();
	type("/OM07\n");
	UNIT_EQUAL_TEXT("dom07", at_cursor());
	type("/9\n");
	UNIT_EQUAL_TEXT("dom09", at_cursor());
	type("n");
	UNIT_EQUAL_TEXT("dom19", at_cursor());
	type("nn");
	UNIT_EQUAL_TEXT("dom09", at_cursor());
	type("/nothing\n");
	UNIT_EQUAL_TEXT("dom09", at_cursor());
	UNIT_CONTAINS("nothing", ui.message);
	UNIT_TRUE(ui.message_is_error);
	type("j");
	UNIT_EQUAL_TEXT("", ui.message);
}

/* No line is ever longer than its buffer, whatever is typed, and characters go as a whole. */
static void test_typing(void)
{
	prepare();
	type("/");
	for (int i = 0; i < 500; i++)
		press((struct input){ .kind = INPUT_CHARACTER, .character = 0x00e9 });
	UNIT_TRUE(strlen(ui.line) < UI_LINE_BYTES);
	UNIT_EQUAL_U64(0, strlen(ui.line) % 2);
	key(INPUT_BACKSPACE);
	UNIT_EQUAL_U64(0, strlen(ui.line) % 2);
	press((struct input){ .kind = INPUT_CHARACTER, .character = 21 });
	UNIT_EQUAL_TEXT("", ui.line);
	key(INPUT_BACKSPACE);
	UNIT_EQUAL_TEXT("", ui.line);
	press((struct input){ .kind = INPUT_CHARACTER, .character = 7 });
	UNIT_EQUAL_TEXT("", ui.line);
	type("\n");
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
}

static void test_delay(void)
{
	prepare();
	UNIT_EQUAL_I64(UI_INTERVAL, type("d0.5\n"));
	UNIT_EQUAL_DOUBLE(0.5, ui.interval_s, 0);
	UNIT_EQUAL_I64(UI_INTERVAL, type("s250ms\n"));
	UNIT_EQUAL_DOUBLE(0.25, ui.interval_s, 0);
	UNIT_EQUAL_I64(UI_NOTHING, type("d1000\n"));
	UNIT_CONTAINS("must be 0.01..60 seconds", ui.message);
	UNIT_EQUAL_DOUBLE(0.25, ui.interval_s, 0);
	UNIT_EQUAL_I64(UI_NOTHING, type("d\n"));
	info.is_replay = true;
	UNIT_EQUAL_I64(UI_NOTHING, type("d"));
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
}

static void test_delay_of_a_daemon(void)
{
	static const struct source_daemon daemon = { .tick_s = 1 };

	prepare();
	info.daemon = &daemon;
	UNIT_EQUAL_I64(UI_NOTHING, type("d0.5\n"));
	UNIT_TRUE(ui.message_is_error);
	UNIT_CONTAINS("ticks are 1s long", ui.message);
	UNIT_EQUAL_DOUBLE(UI_INTERVAL_S, ui.interval_s, 0);
	UNIT_EQUAL_I64(UI_INTERVAL, type("d1\n"));
	UNIT_EQUAL_I64(UI_INTERVAL, type("d5\n"));
	UNIT_EQUAL_DOUBLE(5, ui.interval_s, 0);
}

static void expect_cap(const char *id, bool is_clear, double cap_w)
{
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
	UNIT_EQUAL_TEXT(id, ui.cap_id);
	UNIT_EQUAL_I64(is_clear, ui.cap_clear);
	if (isinf(cap_w))
		UNIT_TRUE(isinf(ui.cap_w));
	else
		UNIT_EQUAL_DOUBLE(cap_w, ui.cap_w, 0);
}

static void test_cap(void)
{
	static const struct source_daemon daemon = { .tick_s = 1 };

	prepare();
	info.daemon = &daemon;
	UNIT_EQUAL_I64(UI_NOTHING, type("jc2"));
	UNIT_EQUAL_I64(PROMPT_CAP, ui.prompt);
	UNIT_EQUAL_TEXT("dom01", ui.cap_name);
	UNIT_EQUAL_I64(UI_CAP, type("0\n"));
	expect_cap("dom01", false, 20);
	UNIT_EQUAL_I64(UI_CAP, type("c1.5kW\n"));
	expect_cap("dom01", false, 1500);
	UNIT_EQUAL_I64(UI_CAP, type("cnone\n"));
	expect_cap("dom01", false, INFINITY);
	UNIT_EQUAL_I64(UI_CAP, type("cdefault\n"));
	expect_cap("dom01", true, INFINITY);
	/* What is typed stays with the domain that it was begun for. */
	type("c7");
	domains[1].total_w = 1000;
	UNIT_EQUAL_I64(UI_CAP, type("\n"));
	expect_cap("dom01", false, 7);
	UNIT_EQUAL_I64(UI_CAP, type("1c300\n"));
	expect_cap("", false, 300);
	UNIT_EQUAL_I64(UI_CAP, type("0jj\nc9\n"));
	UNIT_EQUAL_I64(PAGE_GRAPH, ui.page);
	expect_cap("dom02", false, 9);
}

/* A cap changes the order: whose cap was asked for is looked at, until one moves on. */
static void test_cap_is_followed(void)
{
	static const struct source_daemon daemon = { .tick_s = 1 };

	prepare();
	info.daemon = &daemon;
	UNIT_EQUAL_I64(UI_CAP, type("jjc1\n"));
	UNIT_TRUE(!ui.follow);
	domains[2].total_w = 0.5;
	settle();
	UNIT_EQUAL_TEXT("dom02", at_cursor());
	UNIT_TRUE(ui.cursor >= ui.top && ui.cursor < ui.top + 10);
	domains[2].total_w = 100;
	settle();
	UNIT_EQUAL_TEXT("dom02", at_cursor());
	UNIT_EQUAL_U64(0, ui.cursor);
	/* As soon as it is moved, the place stays again. */
	type("j");
	UNIT_EQUAL_TEXT("dom00", at_cursor());
	domains[0].total_w = 0.25;
	settle();
	UNIT_EQUAL_TEXT("dom01", at_cursor());
	UNIT_EQUAL_U64(1, ui.cursor);
	/* One that ends leaves the cursor where it was. */
	UNIT_EQUAL_I64(UI_CAP, type("c1\n"));
	domains[1] = domains[--snapshot.domain_count];
	settle();
	UNIT_EQUAL_U64(1, ui.cursor);
	UNIT_TRUE(!ui.stay);
	UNIT_EQUAL_TEXT("dom03", at_cursor());
	/* The host's cap moves nothing. */
	type("1c5\n");
	UNIT_TRUE(!ui.stay);
}

static void test_cap_that_is_none(void)
{
	static const char *const wrong[] = { "-1", "abc", "20J", "1e12", "nan", "inf", "20 W W" };
	static const struct source_daemon daemon = { .tick_s = 1 };

	prepare();
	info.daemon = &daemon;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		type("c");
		type(wrong[i]);
		UNIT_EQUAL_I64(UI_NOTHING, type("\n"));
		UNIT_TRUE(ui.message_is_error);
		UNIT_CONTAINS(wrong[i], ui.message);
	}
	UNIT_EQUAL_I64(UI_NOTHING, type("c\n"));
	UNIT_EQUAL_I64(UI_NOTHING, type("c20\33"));
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
	/* What the host keeps, and a disk, is no domain. */
	UNIT_EQUAL_I64(UI_NOTHING, type("Gc"));
	UNIT_CONTAINS("no domain is selected", ui.message);
	UNIT_EQUAL_I64(UI_NOTHING, type("3c"));
	UNIT_CONTAINS("no domain is selected", ui.message);
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
}

static void expect_no_cap(const char *why)
{
	prepare();
	UNIT_EQUAL_I64(UI_NOTHING, type("c"));
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
	UNIT_TRUE(ui.message_is_error);
	UNIT_CONTAINS(why, ui.message);
}

static void test_cap_without_a_daemon(void)
{
	static const struct source_daemon gone = { .tick_s = 1, .state = SOURCE_HELD };
	static const struct source_daemon strict = { .tick_s = 1, .may_not_change = true };

	info.standalone = (struct error){ "--weights" };
	expect_no_cap("is not attached to it (--weights)");
	info.standalone.text[0] = '\0';
	info.daemon = &gone;
	prepare();
	info.daemon = &gone;
	type("c");
	UNIT_CONTAINS("vmenergyd has gone", ui.message);
	prepare();
	info.daemon = &strict;
	type("c");
	UNIT_CONTAINS("not allowed: root sets caps", ui.message);
	UNIT_EQUAL_I64(PROMPT_NONE, ui.prompt);
	prepare();
	info.is_replay = true;
	type("c");
	UNIT_CONTAINS("a recording has no caps", ui.message);
}

static void test_tree(void)
{
	prepare();
	type("j ");
	UNIT_TRUE(id_set_has(&ui.toggled, "dom01"));
	type("+");
	UNIT_TRUE(id_set_has(&ui.toggled, "dom01"));
	type("-");
	UNIT_TRUE(!id_set_has(&ui.toggled, "dom01"));
	type("*");
	UNIT_TRUE(ui.view.tree);
	type("+");
	UNIT_EQUAL_U64(0, ui.toggled.count);
	type("-");
	UNIT_EQUAL_U64(1, ui.toggled.count);
	type("t");
	UNIT_TRUE(!ui.view.tree && ui.toggled.count == 0);
}

static void test_pages(void)
{
	prepare();
	type("jj\n");
	UNIT_EQUAL_I64(PAGE_GRAPH, ui.page);
	UNIT_EQUAL_TEXT("dom02", ui.graph_id);
	type("]]]]]]]]]]]]");
	UNIT_EQUAL_U64(ui_graph_span_count - 1, ui.graph_span);
	type("\33");
	UNIT_EQUAL_I64(PAGE_DOMAINS, ui.page);
	type("G\n");
	UNIT_EQUAL_TEXT("", ui.graph_id); /* kept is the host's */
	type("1");
	UNIT_EQUAL_I64(PAGE_HOST, ui.page);
	type("\t\t\t");
	UNIT_EQUAL_I64(PAGE_DOMAINS, ui.page);
	key(INPUT_BACK_TAB);
	UNIT_EQUAL_I64(PAGE_DISKS, ui.page);
	UNIT_EQUAL_I64(UI_NOTHING, type("\33")); /* Esc never quits */
	UNIT_EQUAL_I64(UI_QUIT, type("q"));
}

/* As a draw does it: nothing fits on a graph's page, and ten rows on the list's. */
static void settle_drawn(void)
{
	frame.layout.visible = 0;
	settle();
	frame.layout.visible = ui.page == PAGE_GRAPH ? 0 : 10;
	settle();
}

static void test_graph_keeps_cursor(void)
{
	for (int follow = 0; follow < 2; follow++) {
		prepare();
		ui.follow = follow;
		for (int i = 0; i < 14; i++)
			key(INPUT_DOWN);
		type("kk");
		UNIT_EQUAL_U64(12, ui.cursor);
		UNIT_EQUAL_U64(5, ui.top);
		type("\n");
		UNIT_EQUAL_I64(PAGE_GRAPH, ui.page);
		settle_drawn();
		type("jGg\6\2n");
		key(INPUT_RIGHT);
		press((struct input){ .kind = INPUT_WHEEL_DOWN });
		settle_drawn();
		UNIT_CONTAINS("dom12", ui.selected);
		type("\33");
		settle_drawn();
		UNIT_EQUAL_U64(12, ui.cursor);
		UNIT_EQUAL_U64(5, ui.top);
		UNIT_EQUAL_I64(0, ui.scroll);
		UNIT_EQUAL_TEXT("dom12", at_cursor());
		UNIT_CONTAINS("dom12", ui.selected);
	}
}

static void test_replay(void)
{
	prepare();
	UNIT_EQUAL_I64(UI_NOTHING, type("."));
	UNIT_EQUAL_I64(UI_NOTHING, type(")"));
	UNIT_TRUE(!ui.paused);
	info.is_replay = true;
	UNIT_EQUAL_I64(UI_STEP, type("."));
	UNIT_TRUE(ui.paused);
	UNIT_EQUAL_I64(UI_SPEED, type("z"));
	UNIT_TRUE(!ui.paused);
	type("))");
	UNIT_EQUAL_DOUBLE(4, ui.speed, 0);
	for (int i = 0; i < 20; i++)
		type(")");
	UNIT_EQUAL_DOUBLE(0, ui.speed, 0); /* as fast as it goes */
	for (int i = 0; i < 40; i++)
		type("(");
	UNIT_EQUAL_DOUBLE(1.0 / 16, ui.speed, 0);
}

static void test_mouse(void)
{
	prepare();
	settle();
	frame.layout.first_row = 6;
	press((struct input){ .kind = INPUT_CLICK, .row = 10, .column = 3 });
	UNIT_EQUAL_TEXT("dom04", at_cursor());
	press((struct input){ .kind = INPUT_CLICK, .row = 40, .column = 3 });
	press((struct input){ .kind = INPUT_CLICK, .row = 0, .column = 3 });
	UNIT_EQUAL_TEXT("dom04", at_cursor());
	press((struct input){ .kind = INPUT_WHEEL_DOWN });
	UNIT_EQUAL_TEXT("dom07", at_cursor());
	frame.layout.hits[0] = (struct layout_hit){ .row = 5, .from = 10, .to = 20, .sort = "cpu" };
	frame.layout.hits[1] = (struct layout_hit){
		.row = 23, .from = 0, .to = 5, .does = { .kind = INPUT_CHARACTER, .character = 'z' }
	};
	frame.layout.hit_count = 2;
	press((struct input){ .kind = INPUT_CLICK, .row = 5, .column = 19 });
	UNIT_EQUAL_TEXT("cpu", ui.view.sort);
	press((struct input){ .kind = INPUT_CLICK, .row = 5, .column = 20 });
	press((struct input){ .kind = INPUT_CLICK, .row = 5, .column = 10 });
	UNIT_TRUE(ui.view.invert);
	UNIT_EQUAL_I64(UI_SPEED,
		       press((struct input){ .kind = INPUT_CLICK, .row = 23, .column = 4 }));
	type("N");
	press((struct input){ .kind = INPUT_DOUBLE, .row = 6, .column = 0 });
	UNIT_EQUAL_I64(PAGE_GRAPH, ui.page);
	UNIT_EQUAL_TEXT("dom00", ui.graph_id);
}

/* Whatever comes in whatever order: cursor and top stay inside. */
static void test_anything(void)
{
	uint64_t seed = 0x5eed;
	size_t count;

	prepare();
	for (int i = 0; i < 20000; i++) {
		struct input input = { .kind = (enum input_kind)(unit_random(&seed) % 7),
				       .character = (wchar_t)(unit_random(&seed) % 128),
				       .key = (enum key)(unit_random(&seed) % (INPUT_F12 + 1)),
				       .row = (int)(unit_random(&seed) % 60),
				       .column = (int)(unit_random(&seed) % 200) };

		snapshot.domain_count = unit_random(&seed) % (DOMAINS + 1);
		frame.layout.visible = unit_random(&seed) % 40;
		info.is_replay = i % 2;
		press(input);
		count = pages[ui.page]->count(&frame);
		if (ui.page != PAGE_GRAPH && ui.cursor >= count && ui.cursor > 0) {
			printf("seed 0x5eed, step %d: cursor %zu of %zu\n", i, ui.cursor, count);
			UNIT_TRUE(ui.cursor < count);
			break;
		}
	}
}

int main(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	return UNIT_RUN(
		"vmetop-ui", { "rows, pages and ends are moved to", test_move },
		{ "the cursor follows its row when asked to", test_follow },
		{ "each column can be sorted by, both ways", test_sort },
		{ "a filter is typed, changed, given up and ended", test_filter },
		{ "a name is found, and the next one", test_find },
		{ "typing never passes its line, and erases whole characters", test_typing },
		{ "a delay is checked", test_delay },
		{ "a delay is no shorter than a daemon's tick", test_delay_of_a_daemon },
		{ "caps of domains and of the host are asked for", test_cap },
		{ "the cursor stays with whom a cap was asked for, until it is moved",
		  test_cap_is_followed },
		{ "what is no cap, or of no domain, is told", test_cap_that_is_none },
		{ "without a daemon c says why", test_cap_without_a_daemon },
		{ "domains open and close, one by one and all", test_tree },
		{ "pages follow each other, and Esc leads back", test_pages },
		{ "a graph leaves cursor, first row and columns of the list as they were",
		  test_graph_keeps_cursor },
		{ "a replay is paused, stepped, sped up and slowed down", test_replay },
		{ "rows, titles and keys can be clicked", test_mouse },
		{ "no sequence of inputs leaves the list", test_anything });
}
