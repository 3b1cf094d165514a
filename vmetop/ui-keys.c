/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each key does: one line of the table, and a few words for help. */
#include <stdio.h>
#include <string.h>

#include "vmetop/ui-internal.h"

#define ACTION(name)                                                                               \
	static enum ui_request name(struct ui *ui, const struct input *input,                      \
				    const struct frame *frame)
#define UNUSED_INPUT ((void)input, (void)frame)

/* The character or the key, as one number to switch on; keys lie above all characters. */
enum { KEYS_BEGIN = 0x200000 };
static int code(const struct input *input)
{
	return input->kind == INPUT_KEY ? KEYS_BEGIN + (int)input->key : (int)input->character;
}

static bool is_one_of(const struct input *input, int character, enum key key)
{
	return code(input) == character || code(input) == KEYS_BEGIN + (int)key;
}

ACTION(quit)
{
	UNUSED_INPUT;
	(void)ui;
	return UI_QUIT;
}

ACTION(help)
{
	UNUSED_INPUT;
	ui->overlay = OVERLAY_HELP;
	ui->overlay_cursor = 0;
	return UI_NOTHING;
}

/* --- moving ----------------------------------------------------------------------------- */

ACTION(step_row)
{
	if (is_one_of(input, 'j', INPUT_DOWN))
		ui_move_to(ui, frame, ui->cursor + 1);
	else
		ui_move_to(ui, frame, ui->cursor > 0 ? ui->cursor - 1 : 0);
	return UI_NOTHING;
}

enum { CONTROL_B = 2, CONTROL_F = 6, CONTROL_L = 12, ESCAPE = 27 };

ACTION(step_page)
{
	size_t visible = frame->layout.visible, by = visible > 1 ? visible - 1 : 1;

	if (!ui_has_rows(ui))
		return UI_NOTHING;
	if (is_one_of(input, CONTROL_F, INPUT_PAGE_DOWN)) {
		ui_move_to(ui, frame, ui->cursor + by);
		ui->top += by;
	} else {
		ui_move_to(ui, frame, ui->cursor > by ? ui->cursor - by : 0);
		ui->top -= ui->top > by ? by : ui->top;
	}
	return UI_NOTHING;
}

ACTION(jump)
{
	bool to_end = is_one_of(input, 'G', INPUT_END);

	ui_move_to(ui, frame, to_end ? SIZE_MAX : 0);
	return UI_NOTHING;
}

ACTION(scroll_columns)
{
	if (!ui_has_rows(ui))
		return UI_NOTHING;
	ui->scroll = frame->layout.scrolled + (input->key == INPUT_RIGHT ? 1 : -1);
	if (ui->scroll < 0)
		ui->scroll = 0;
	return UI_NOTHING;
}

/* --- pages ------------------------------------------------------------------------------ */

static const struct row *row_at_cursor(const struct ui *ui, const struct frame *frame)
{
	if (ui->page != PAGE_DOMAINS || !frame->rows || ui->cursor >= frame->rows->count)
		return NULL;
	return &frame->rows->items[ui->cursor];
}

/* Of the row's domain; of the host where the row is no domain's. */
ACTION(show_graph)
{
	const struct row *row = row_at_cursor(ui, frame);

	(void)input;
	if (ui->page == PAGE_GRAPH)
		return UI_NOTHING;
	snprintf(ui->graph_id, sizeof ui->graph_id, "%s",
		 row && row->domain ? row->domain->id : "");
	ui->back = ui->page;
	ui->page = PAGE_GRAPH;
	return UI_NOTHING;
}

ACTION(go_back)
{
	UNUSED_INPUT;
	if (ui->page == PAGE_GRAPH)
		ui->page = ui->back;
	else if (ui->view.filter) {
		ui->filter_line[0] = '\0';
		ui->view.filter = NULL;
	}
	return UI_NOTHING;
}

ACTION(show_page)
{
	(void)frame;
	ui_show_page(ui, (enum page_number)(input->character - '0'));
	return UI_NOTHING;
}

ACTION(next_page)
{
	enum { TABS = PAGE_GRAPH };
	unsigned from = ui->page == PAGE_GRAPH ? ui->back : ui->page;
	unsigned by = is_one_of(input, '\t', INPUT_NO_KEY) ? 1 : TABS - 1;

	(void)frame;
	ui_show_page(ui, (enum page_number)((from + by) % TABS));
	return UI_NOTHING;
}

/* --- what the list shows -------------------------------------------------------------------- */

ACTION(sort_by)
{
	static const char *const keys[] = {
		['P'] = "power", ['T'] = "energy", ['N'] = "name",   ['A'] = "active",
		['D'] = "disk",  ['C'] = "cpu",    ['E'] = "service"
	};

	(void)frame;
	ui_sort_by(ui, keys[input->character]);
	return UI_NOTHING;
}

static void open_overlay(struct ui *ui, enum overlay overlay)
{
	ui->overlay = overlay;
	ui->overlay_cursor = 0;
	for (size_t i = 0; i < column_count; i++)
		if (overlay == OVERLAY_SORT && strcmp(columns[i].key, ui->view.sort) == 0)
			ui->overlay_cursor = i;
}

ACTION(choose_sort)
{
	UNUSED_INPUT;
	open_overlay(ui, OVERLAY_SORT);
	return UI_NOTHING;
}

ACTION(choose_columns)
{
	UNUSED_INPUT;
	open_overlay(ui, OVERLAY_COLUMNS);
	return UI_NOTHING;
}

ACTION(expand_all)
{
	(void)frame;
	ui->view.tree = input->character == '*' || !ui->view.tree;
	id_set_clear(&ui->toggled);
	return UI_NOTHING;
}

/* '+' opens, '-' closes, a blank does the other. */
ACTION(expand_row)
{
	const struct row *row = row_at_cursor(ui, frame);
	bool is_open;

	if (!row || !row->domain)
		return UI_NOTHING;
	is_open = ui->view.tree != id_set_has(&ui->toggled, row->domain->id);
	if ((input->character == '+' && is_open) || (input->character == '-' && !is_open))
		return UI_NOTHING;
	if (id_set_has(&ui->toggled, row->domain->id))
		id_set_remove(&ui->toggled, row->domain->id);
	else if (id_set_add(&ui->toggled, row->domain->id))
		ui_message(ui, true, "out of memory");
	return UI_NOTHING;
}

/* A switch with a name: one bool of the ui, told in the footer. */
#define SWITCH(name, field, on, off)                                                               \
	ACTION(name)                                                                               \
	{                                                                                          \
		UNUSED_INPUT;                                                                      \
		ui->field = !ui->field;                                                            \
		ui_message(ui, false, "%s", ui->field ? (on) : (off));                             \
		return UI_NOTHING;                                                                 \
	}
SWITCH(invert, view.invert, "smallest first", "largest first")
SWITCH(hide_idle, view.hide_idle, "domains without active power are hidden",
       "all domains are shown")
SWITCH(follow, follow, "the cursor follows its row", "the cursor keeps its place")
SWITCH(toggle_pane, pane, "graph under the list, where there is room", "no graph under the list")
SWITCH(toggle_scale, view.one_scale, "trends: one scale for all rows",
       "trends: each row its own scale")

ACTION(toggle_unit)
{
	UNUSED_INPUT;
	ui->view.unit = ui->view.unit == ENERGY_JOULE ? ENERGY_WATT_HOUR : ENERGY_JOULE;
	return UI_NOTHING;
}

ACTION(change_span)
{
	(void)frame;
	if (input->character == ']')
		ui->graph_span += ui->graph_span + 1 < ui_graph_span_count;
	else
		ui->graph_span -= ui->graph_span > 0;
	return UI_NOTHING;
}

ACTION(change_graph)
{
	static const char *const names[] = { "ASCII", "blocks", "braille" };

	UNUSED_INPUT;
	ui->graph_style = (enum graph_style)((ui->graph_style + 1) % (ui->unicode ? 3 : 1));
	ui_message(ui, false, "graph in %s", names[ui->graph_style]);
	return UI_NOTHING;
}

/* --- prompts -------------------------------------------------------------------------------- */

ACTION(ask_find)
{
	UNUSED_INPUT;
	ui_open_prompt(ui, PROMPT_FIND);
	return UI_NOTHING;
}

ACTION(find_next)
{
	(void)input;
	ui_find(ui, frame, true);
	return UI_NOTHING;
}

ACTION(ask_filter)
{
	UNUSED_INPUT;
	ui_open_prompt(ui, PROMPT_FILTER);
	return UI_NOTHING;
}

ACTION(ask_delay)
{
	(void)input;
	if (frame->info->is_replay)
		ui_message(ui, true, "a replay has a speed: ( slower, ) faster");
	else
		ui_open_prompt(ui, PROMPT_DELAY);
	return UI_NOTHING;
}

/* --- caps ----------------------------------------------------------------------------------- */

/* Why no cap can be asked for here; NULL = it can. */
static const char *why_no_cap(const struct source_info *info)
{
	if (info->is_replay)
		return "a recording has no caps to set";
	if (!info->daemon)
		return "caps are set through vmenergyd, and this screen is not attached to it";
	if (info->daemon->state != SOURCE_FRESH)
		return "vmenergyd has gone: no cap can be set";
	if (info->daemon->may_not_change)
		return "not allowed: root sets caps, and the changing group of vmenergyd";
	return NULL;
}

static const char *name_of_domain(const struct frame *frame, const char *id)
{
	for (size_t i = 0; frame->snapshot && i < frame->snapshot->domain_count; i++)
		if (strcmp(frame->snapshot->domains[i].id, id) == 0)
			return frame->snapshot->domains[i].name;
	return NULL;
}

/* Whose cap the key means: of the row's domain, of that of the graph, or the host's. */
static const char *cap_subject(const struct ui *ui, const struct frame *frame)
{
	const struct row *row = row_at_cursor(ui, frame);

	if (ui->page == PAGE_HOST || (ui->page == PAGE_GRAPH && !ui->graph_id[0]))
		return "";
	if (ui->page == PAGE_GRAPH)
		return ui->graph_id;
	return row && row->domain ? row->domain->id : NULL;
}

ACTION(ask_cap)
{
	const char *why = why_no_cap(frame->info), *id, *name;

	(void)input;
	if (why) {
		ui_message(ui, true, "%s", why);
		if (!frame->info->is_replay && frame->info->standalone.text[0])
			ui_message(ui, true, "%s (%s)", why, frame->info->standalone.text);
		return UI_NOTHING;
	}
	id = cap_subject(ui, frame);
	name = id && *id ? name_of_domain(frame, id) : "the host";
	if (!id || !name) {
		ui_message(ui, true, "no domain is selected; on page 1, c sets the host's cap");
		return UI_NOTHING;
	}
	snprintf(ui->cap_id, sizeof ui->cap_id, "%s", id);
	snprintf(ui->cap_name, sizeof ui->cap_name, "%s", name);
	ui->stay = id[0] != '\0';
	ui_open_prompt(ui, PROMPT_CAP);
	return UI_NOTHING;
}

/* --- time ------------------------------------------------------------------------------------ */

ACTION(pause_or_go)
{
	UNUSED_INPUT;
	ui->paused = !ui->paused;
	return UI_SPEED;
}

ACTION(step_replay)
{
	(void)input;
	if (!frame->info->is_replay) {
		ui_message(ui, true, "only a replay can be stepped");
		return UI_NOTHING;
	}
	ui->paused = true;
	return UI_STEP;
}

ACTION(change_speed)
{
	const double slowest = 1.0 / 16, fastest = 1024;

	if (!frame->info->is_replay) {
		ui_message(ui, true, "only a replay has a speed; d sets the delay");
		return UI_NOTHING;
	}
	if (input->character == ')')
		ui->speed = ui->speed > 0 && ui->speed < fastest ? ui->speed * 2 : 0;
	else
		ui->speed = ui->speed == 0        ? fastest
			    : ui->speed > slowest ? ui->speed / 2
						  : slowest;
	if (ui->speed > 0)
		ui_message(ui, false, "speed %g", ui->speed);
	else
		ui_message(ui, false, "as fast as it goes");
	return UI_SPEED;
}

/* --- what the loop does ----------------------------------------------------------------------- */

#define REQUEST(name, request)                                                                     \
	ACTION(name)                                                                               \
	{                                                                                          \
		UNUSED_INPUT;                                                                      \
		(void)ui;                                                                          \
		return request;                                                                    \
	}
REQUEST(reset_energy, UI_RESET_ENERGY)
REQUEST(save, UI_SAVE)
REQUEST(redraw, UI_REDRAW)

ACTION(toggle_color)
{
	UNUSED_INPUT;
	ui->color = !ui->color;
	return UI_COLOR;
}

ACTION(toggle_mouse)
{
	UNUSED_INPUT;
	ui->mouse = !ui->mouse;
	ui_message(ui, false,
		   ui->mouse ? "mouse on (text is copied with Shift held)" : "mouse off");
	return UI_MOUSE;
}

const struct binding ui_bindings[] = {
	{ "Up Down j k", "select a row", L"jk", { INPUT_UP, INPUT_DOWN }, step_row },
	{ "PgUp PgDn ^B ^F",
	  "a page up, down",
	  L"\2\6",
	  { INPUT_PAGE_UP, INPUT_PAGE_DOWN },
	  step_page },
	{ "Home End g G", "first, last row", L"gG", { INPUT_HOME, INPUT_END }, jump },
	{ "Left Right", "scroll the columns", L"", { INPUT_LEFT, INPUT_RIGHT }, scroll_columns },
	{ "Enter", "graph of the row", L"\n\r", { 0 }, show_graph },
	{ "Esc", "back; end of the filter", L"\33", { 0 }, go_back },
	{ "0 1 2 3", "domains, host, services, disks", L"0123", { 0 }, show_page },
	{ "Tab S-Tab", "next, previous page", L"\t", { INPUT_BACK_TAB }, next_page },
	{ "t F5 *", "tree of all domains on, off; all open", L"t*", { INPUT_F1 + 4 }, expand_all },
	{ "Space + -", "open or close a domain", L" +-", { 0 }, expand_row },
	{ "P T N", "sort by power, energy, name", L"PTN", { 0 }, sort_by },
	{ "A C D E", "by active, CPU, disk, service", L"ACDE", { 0 }, sort_by },
	{ "> < F6", "choose the column to sort by", L"<>", { INPUT_F1 + 5 }, choose_sort },
	{ "I", "invert the order", L"I", { 0 }, invert },
	{ "/ F3", "find a name", L"/", { INPUT_F1 + 2 }, ask_find },
	{ "n", "find the next one", L"n", { 0 }, find_next },
	{ "\\ F4", "filter by name (* and ?)", L"\\", { INPUT_F1 + 3 }, ask_filter },
	{ "i", "hide domains without active power", L"i", { 0 }, hide_idle },
	{ "F", "the cursor follows its row", L"F", { 0 }, follow },
	{ "f F2", "choose columns", L"f", { INPUT_F1 + 1 }, choose_columns },
	{ "u", "joules, watt hours", L"u", { 0 }, toggle_unit },
	{ "y", "trends on one scale, or each its own", L"y", { 0 }, toggle_scale },
	{ "p", "graph under the list", L"p", { 0 }, toggle_pane },
	{ "[ ]", "graph over less, more time", L"[]", { 0 }, change_span },
	{ "b", "graph in blocks, braille, ASCII", L"b", { 0 }, change_graph },
	{ "z Z", "freeze the screen, pause a replay", L"zZ", { 0 }, pause_or_go },
	{ ".", "replay: one tick", L".", { 0 }, step_replay },
	{ "( )", "replay: slower, faster", L"()", { 0 }, change_speed },
	{ "d s", "delay between ticks", L"ds", { 0 }, ask_delay },
	{ "c", "cap of a domain; on page 1 the host's", L"c", { 0 }, ask_cap },
	{ "r", "count session energy from now", L"r", { 0 }, reset_energy },
	{ "x", "colour on, off", L"x", { 0 }, toggle_color },
	{ "m", "mouse on, off", L"m", { 0 }, toggle_mouse },
	{ "W F12", "save these settings", L"W", { INPUT_F12 }, save },
	{ "^L", "draw everything anew", L"\f", { 0 }, redraw },
	{ "h ? F1", "this help", L"h?", { INPUT_F1 }, help },
	{ "q F10 ^C", "quit", L"q", { INPUT_F1 + 9 }, quit },
};
const size_t ui_binding_count = sizeof ui_bindings / sizeof *ui_bindings;

static bool is_bound(const struct binding *binding, const struct input *input)
{
	if (input->kind == INPUT_CHARACTER)
		return input->character && wcschr(binding->characters, input->character);
	return input->kind == INPUT_KEY && input->key != INPUT_NO_KEY &&
	       (input->key == binding->special[0] || input->key == binding->special[1]);
}

enum ui_request ui_key(struct ui *ui, const struct input *input, const struct frame *frame)
{
	for (size_t i = 0; i < ui_binding_count; i++)
		if (is_bound(&ui_bindings[i], input))
			return ui_bindings[i].act(ui, input, frame);
	return UI_NOTHING;
}
