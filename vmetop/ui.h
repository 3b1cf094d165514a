/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ui.h - what the person at the screen has chosen, and what a key does to it.
 * Pure: inputs in, state out; the loop does what ui_input() asks for.
 */
#ifndef VMENERGY_VMETOP_UI_H
#define VMENERGY_VMETOP_UI_H

#include <stdbool.h>
#include <stddef.h>

#include "vmetop/id-set.h"
#include "vmetop/input.h"
#include "vmetop/rows.h"

enum page_number { PAGE_DOMAINS, PAGE_HOST, PAGE_SERVICES, PAGE_DISKS, PAGE_GRAPH, PAGE_COUNT };
enum graph_style { GRAPH_ASCII, GRAPH_BLOCK, GRAPH_BRAILLE };
enum overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_SORT, OVERLAY_COLUMNS };
enum prompt { PROMPT_NONE, PROMPT_FIND, PROMPT_FILTER, PROMPT_DELAY, PROMPT_CAP };

enum { UI_LINE_BYTES = 128, UI_ID_BYTES = 256, UI_MESSAGE_BYTES = 256 };

#define UI_INTERVAL_S 2.0 /* unless another one is chosen */

/* Spans of the graph, [ and ] choose. */
extern const double ui_graph_spans_s[];
extern const size_t ui_graph_span_count;

struct ui {
	struct view view;      /* what rows_build() takes; filter points to filter_line */
	struct id_set toggled; /* ids of domains that are open, or with view.tree closed */
	char filter_line[UI_LINE_BYTES], find_line[UI_LINE_BYTES];
	enum page_number page, back; /* back: where Esc leads from a graph */
	size_t cursor, top;          /* selected row of the page; first one shown */
	int scroll;                  /* columns that shall be scrolled off to the left */
	bool follow;                 /* the cursor stays with its row, not with its place */
	bool stay;                   /* so, too, since a cap was asked for, until it is moved */
	char selected[UI_ID_BYTES];  /* key of the row at the cursor (row_key), "" = none */
	char graph_id[UI_ID_BYTES];  /* domain whose graph is shown; "" = the host */
	size_t graph_span;           /* index into ui_graph_spans_s */
	enum graph_style graph_style;
	bool pane; /* graph pane under the list, where there is room */
	bool paused;
	bool color, mouse, unicode;
	double interval_s; /* as chosen with d */
	/* The cap that is typed, or was: of which domain ("" = the host), and what of it. */
	char cap_id[UI_ID_BYTES], cap_name[UI_ID_BYTES];
	bool cap_clear; /* as the configuration says */
	double cap_w;   /* INFINITY = none */
	double speed;   /* of a replay; 0 = as fast as it goes */
	enum overlay overlay;
	size_t overlay_cursor;
	enum prompt prompt;
	char line[UI_LINE_BYTES];       /* of the prompt */
	char message[UI_MESSAGE_BYTES]; /* shown until the next key, or for a while; "" = none */
	bool message_is_error;
	bool message_is_new; /* not drawn yet: its while begins when it is */
};

/* What a draw left behind, for clicks and for paging. */
enum { LAYOUT_HITS_MAX = 48 };
struct layout_hit {
	int row, from, to; /* cells [from, to) */
	struct input does; /* a click there is this input; kind INPUT_CHARACTER or INPUT_KEY */
	const char *sort;  /* or: sort by this column; NULL */
};
struct layout {
	int first_row;               /* of the page's rows on the screen */
	size_t visible;              /* how many fit */
	size_t count;                /* how many there are */
	unsigned long shown_columns; /* of the list: bit i: columns[i] */
	int scrolled; /* columns off to the left in truth: no more than brings the last one in */
	struct layout_hit hits[LAYOUT_HITS_MAX];
	size_t hit_count;
};

enum ui_request { /* what the loop shall do beside drawing anew */
		  UI_NOTHING,
		  UI_QUIT,
		  UI_REDRAW, /* everything, ^L */
		  UI_SAVE,   /* preferences */
		  UI_RESET_ENERGY,
		  UI_INTERVAL, /* ui.interval_s changed */
		  UI_CAP,      /* ask for ui.cap_* */
		  UI_SPEED,    /* ui.speed or ui.paused of a replay changed */
		  UI_STEP,     /* one tick of a paused replay */
		  UI_COLOR,    /* ui.color changed */
		  UI_MOUSE,
};

struct frame;

void ui_init(struct ui *ui);
void ui_clear(struct ui *ui);
enum ui_request ui_input(struct ui *ui, const struct input *input, const struct frame *frame);
/* After rows were built anew: keep cursor and top inside, and with their row when following. */
void ui_settle(struct ui *ui, const struct frame *frame);

/* The table of keys, from which help is drawn: what stands in it works, what works stands in it. */
struct binding {
	const char *keys; /* as help shows them: "t F5" */
	const char *help; /* a few words */
	const wchar_t *characters;
	enum key special[2]; /* INPUT_NO_KEY = none */
	enum ui_request (*act)(struct ui *ui, const struct input *input, const struct frame *frame);
};
extern const struct binding ui_bindings[];
extern const size_t ui_binding_count;

#endif
