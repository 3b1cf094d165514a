/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread: a tick when it is due, a draw when something changed, a key when it comes. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "vmetop/loop.h"
#include "vmetop/page.h"
#include "vmetop/preferences.h"
#include "vmetop/screen.h"
#include "vmetop/ticks.h"
#include "vmetop/ui-internal.h"
#include "vmetop/wait.h"

enum { SLOTS = 3 };
/* A replay that runs as fast as it goes is drawn no more often than an eye can tell. */
#define DRAW_INTERVAL_NS 40000000u
/* How long a message hides the keys; what went wrong stays longer. */
static const uint64_t message_ns = 10000000000u, error_ns = 20000000000u;

struct screen_loop {
	struct source *source;
	struct batch *batch;
	struct ui *ui;
	const char *preferences;
	struct history *history;
	struct history *frozen; /* what of it is shown while the screen is; NULL = it is not */
	/* The one that is shown, the newest (the same unless frozen), and a free one. */
	struct snapshot slots[SLOTS];
	int shown, newest; /* indexes; -1 = none yet */
	struct rows rows;
	struct grid grid;
	struct frame frame;
	uint64_t drawn_ns;
	uint64_t message_ends_ns;
	bool changed, over;
	size_t said;            /* notes that were shown in the footer */
	unsigned replies;       /* of a daemon, that were shown */
	enum source_state held; /* what the newest snapshot is marked as */
	uint64_t done, iterations;
	struct error *error;
};

/* --- drawing --------------------------------------------------------------------------- */

static int build_frame(struct screen_loop *loop)
{
	struct frame *frame = &loop->frame;

	frame->snapshot = loop->shown < 0 ? NULL : &loop->slots[loop->shown];
	frame->history = loop->frozen ? loop->frozen : loop->history;
	frame->info = &loop->source->info;
	frame->ui = loop->ui;
	frame->rows = &loop->rows;
	loop->ui->view.history = frame->history;
	loop->ui->view.unicode = loop->ui->unicode;
	loop->ui->view.toggled = &loop->ui->toggled;
	loop->ui->view.status = frame->info->daemon ? frame->info->daemon->status : NULL;
	if (!frame->snapshot)
		return 0;
	return rows_build(&loop->rows, frame->snapshot, &loop->ui->view);
}

static int draw(struct screen_loop *loop)
{
	int height, width, result;

	screen_size(&height, &width);
	result = grid_resize(&loop->grid, height, width);
	if (!result)
		result = build_frame(loop);
	if (result)
		return error_setf(loop->error, -result, "out of memory for the screen");
	/* How many rows fit is known once they were drawn: a new size may need it twice. */
	for (size_t visible = SIZE_MAX; visible != loop->frame.layout.visible;) {
		visible = loop->frame.layout.visible;
		ui_settle(loop->ui, &loop->frame);
		grid_erase(&loop->grid);
		frame_draw(&loop->grid, &loop->frame);
	}
	screen_draw(&loop->grid);
	loop->drawn_ns = clock_now_ns();
	if (loop->ui->message_is_new)
		loop->message_ends_ns =
			loop->drawn_ns + (loop->ui->message_is_error ? error_ns : message_ns);
	loop->ui->message_is_new = false;
	loop->changed = false;
	return 0;
}

/* --- ticks ------------------------------------------------------------------------------- */

static int free_slot(const struct screen_loop *loop)
{
	int slot = 0;

	while (slot == loop->shown || slot == loop->newest)
		slot++;
	return slot;
}

static void show_new_note(struct screen_loop *loop)
{
	const struct source_info *info = &loop->source->info;

	if (loop->said < info->note_count && !loop->ui->message[0]) {
		ui_message(loop->ui, true, "%s", info->notes[info->note_count - 1]);
		loop->said = info->note_count;
	}
}

/* What a daemon answered is what one waits for: before all else. */
static void show_reply(struct screen_loop *loop)
{
	const struct source_daemon *daemon = loop->source->info.daemon;

	if (!daemon || daemon->reply_count == loop->replies)
		return;
	loop->replies = daemon->reply_count;
	ui_message(loop->ui, daemon->reply_is_refusal, "%s", daemon->reply.text);
}

/* Of a source that has gone the last figures stay, and are marked; then they are too old. */
static void hold(struct screen_loop *loop)
{
	const struct source_daemon *daemon = loop->source->info.daemon;

	if (!daemon || daemon->state == loop->held || loop->newest < 0)
		return;
	loop->held = daemon->state;
	if (loop->held == SOURCE_HELD)
		ticks_hold(&loop->slots[loop->newest]);
	else if (loop->held == SOURCE_FORGOTTEN)
		ticks_forget(&loop->slots[loop->newest]);
}

/* Frozen, the screen shows one moment in all of it: in its table as in trends and graphs. */
static void freeze_or_thaw(struct screen_loop *loop)
{
	bool freeze = loop->ui->paused && !loop->source->info.is_replay && loop->shown >= 0;

	if (freeze && !loop->frozen) {
		loop->frozen = history_copy(loop->history);
		if (!loop->frozen)
			ui_message(loop->ui, true, "out of memory: trends and graphs go on");
	} else if (!freeze) {
		history_free(loop->frozen);
		loop->frozen = NULL;
	}
}

static int publish(struct screen_loop *loop, int slot)
{
	struct snapshot *snapshot = &loop->slots[slot];

	loop->newest = slot;
	loop->held = SOURCE_FRESH;
	loop->done++;
	if (!loop->ui->paused || loop->shown < 0 || loop->source->info.is_replay)
		loop->shown = slot;
	if (loop->source->info.gap_s > 0 &&
	    history_add_gap(loop->history, loop->source->info.gap_s, snapshot))
		ui_message(loop->ui, true, "out of memory: a gap in the history is not seen");
	if (history_add(loop->history, snapshot))
		ui_message(loop->ui, true, "out of memory: a gap in the history");
	freeze_or_thaw(loop);
	loop->over |= loop->iterations && loop->done >= loop->iterations;
	return batch_put(loop->batch, snapshot, loop->error);
}

static int tick(struct screen_loop *loop)
{
	int slot = free_slot(loop);
	int result = loop->source->tick(loop->source->state, &loop->slots[slot], loop->error);

	show_new_note(loop);
	show_reply(loop);
	loop->changed = true;
	if (!result)
		return publish(loop, slot);
	hold(loop);
	return result == SOURCE_NO_FIGURES || result == SOURCE_END ? 0 : result;
}

/* When the source wants its next tick; a replay that is paused or at its end never does. */
static uint64_t due_ns(const struct screen_loop *loop)
{
	const struct source *source = loop->source;

	if (source->info.ended || (source->info.is_replay && loop->ui->paused))
		return WAIT_FOR_EVER;
	return source->due_ns(source->state);
}

/* --- keys ---------------------------------------------------------------------------------- */

static void set_screen_options(struct screen_loop *loop)
{
	screen_set_options(
		&(struct screen_options){ .color = loop->ui->color, .mouse = loop->ui->mouse });
}

static void save(struct screen_loop *loop)
{
	struct error error = { "" };

	if (!loop->preferences)
		ui_message(loop->ui, true, "settings are not saved: --no-config");
	else if (preferences_save(loop->preferences, loop->ui, &error))
		ui_message(loop->ui, true, "%s", error.text);
	else
		ui_message(loop->ui, false, "settings saved in %s", loop->preferences);
}

static void set_interval(struct screen_loop *loop)
{
	struct source *source = loop->source;

	source->set_pace(source->state, loop->ui->interval_s);
	if (fabs(source->info.interval_s - loop->ui->interval_s) > 1e-6 * loop->ui->interval_s)
		ui_message(loop->ui, false, "every %gs: whole ticks of vmenergyd, of %gs",
			   source->info.interval_s, source->info.daemon->tick_s);
}

static void set_cap(struct screen_loop *loop)
{
	const struct source *source = loop->source;
	const struct ui *ui = loop->ui;
	const struct source_cap cap = { .domain = ui->cap_id[0] ? ui->cap_id : NULL,
					.name = ui->cap_name,
					.clear = ui->cap_clear,
					.cap_w = ui->cap_w };
	struct error error = { "nobody here sets caps" };

	if (!source->set_cap || source->set_cap(source->state, &cap, &error))
		ui_message(loop->ui, true, "%s", error.text);
}

static void set_pace(struct screen_loop *loop)
{
	struct source *source = loop->source;

	if (source->info.is_replay)
		source->set_pace(source->state, loop->ui->speed);
	if (!loop->ui->paused)
		loop->shown = loop->newest;
	freeze_or_thaw(loop);
}

static void reset_energy(struct screen_loop *loop)
{
	if (loop->newest < 0)
		return;
	history_reset_energy(loop->history, &loop->slots[loop->newest]);
	ui_message(loop->ui, false, "session energy counts from now");
}

/* One more figure of a replay; a tick without any (a baseline) is passed over. */
static int step_replay(struct screen_loop *loop)
{
	uint64_t done = loop->done;
	int result = 0;

	while (!result && !loop->over && loop->done == done && !loop->source->info.ended)
		result = tick(loop);
	return result;
}

static int serve(struct screen_loop *loop, enum ui_request request)
{
	switch (request) {
	case UI_NOTHING:
		return 0;
	case UI_QUIT:
		loop->over = true;
		return 0;
	case UI_REDRAW:
		screen_redraw();
		return 0;
	case UI_SAVE:
		save(loop);
		return 0;
	case UI_RESET_ENERGY:
		reset_energy(loop);
		return 0;
	case UI_INTERVAL:
		set_interval(loop);
		return 0;
	case UI_CAP:
		set_cap(loop);
		return 0;
	case UI_SPEED:
		set_pace(loop);
		return 0;
	case UI_STEP:
		return step_replay(loop);
	case UI_COLOR:
	case UI_MOUSE:
		set_screen_options(loop);
		return 0;
	}
	return 0;
}

/* All that has come. Rows are built anew before a key looks at them: ticks may not have been drawn.
 */
static int read_inputs(struct screen_loop *loop)
{
	struct input input;
	int result = build_frame(loop);

	while (!result && !loop->over && screen_read(&input)) {
		result = serve(loop, ui_input(loop->ui, &input, &loop->frame));
		if (!result)
			result = build_frame(loop);
		loop->changed = true;
	}
	if (screen_has_gone())
		loop->over = true;
	return result;
}

/* --- the loop -------------------------------------------------------------------------------- */

/* A draw waits for a tick that is due as well, but not for long. */
static bool must_draw(const struct screen_loop *loop, uint64_t due)
{
	uint64_t now_ns = clock_now_ns();

	return loop->changed && (due > now_ns || now_ns - loop->drawn_ns >= DRAW_INTERVAL_NS);
}

/* Of a message that was seen for its time. */
static void end_message(struct screen_loop *loop)
{
	if (!loop->ui->message[0] || loop->ui->message_is_new ||
	    clock_now_ns() < loop->message_ends_ns)
		return;
	loop->ui->message[0] = '\0';
	loop->changed = true;
}

static int do_next(struct screen_loop *loop)
{
	uint64_t due = due_ns(loop), wake_ns = due;
	int result;

	end_message(loop);
	result = must_draw(loop, due) ? draw(loop) : 0;
	if (result)
		return result;
	if (loop->ui->message[0] && !loop->ui->message_is_new && loop->message_ends_ns < wake_ns)
		wake_ns = loop->message_ends_ns;
	switch (wait_until(wake_ns, STDIN_FILENO, source_fd(loop->source))) {
	case WAIT_OVER:
		loop->over = true;
		return 0;
	case WAIT_INPUT:
		return read_inputs(loop);
	case WAIT_READY:
		return tick(loop);
	case WAIT_DUE:
		return wake_ns == due ? tick(loop) : 0;
	}
	return 0;
}

int loop_screen(struct source *source, struct batch *batch, struct ui *ui, uint64_t iterations,
		const char *preferences, struct error *error)
{
	struct screen_loop loop = {
		.source = source,
		.batch = batch,
		.ui = ui,
		.preferences = preferences,
		.history = history_new(),
		.shown = -1,
		.newest = -1,
		.changed = true,
		.iterations = iterations,
		.error = error,
	};
	int result = loop.history ? 0 : error_setf(error, ENOMEM, "out of memory");

	if (!result)
		result = screen_open(
			&(struct screen_options){ .color = ui->color, .mouse = ui->mouse }, error);
	while (!result && !loop.over)
		result = do_next(&loop);
	screen_close();
	for (size_t i = 0; i < SLOTS; i++)
		snapshot_clear(&loop.slots[i]);
	rows_clear(&loop.rows);
	grid_free(&loop.grid);
	history_free(loop.frozen);
	history_free(loop.history);
	return result;
}
