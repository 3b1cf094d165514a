/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-board.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/text.h"

#define NS_PER_S UINT64_C(1000000000)

struct libvirt {
	pthread_mutex_t lock; /* guards everything below but uri, options, event_fd */
	pthread_cond_t work;  /* the calling thread waits for it */
	pthread_cond_t news;  /* callers wait for it */
	unsigned references;
	char *uri;
	struct board_options options;
	int event_fd;
	pthread_t thread; /* of the running shift */
	unsigned shift, left_behind;
	struct libvirt_view *view;
	uint64_t requested; /* number of the latest request */
	uint64_t taken;     /* the latest that a round began for */
	uint64_t answered;  /* the latest that a round succeeded for */
	uint64_t round_ns;  /* when the last round was published */
	uint64_t call_ns;   /* when the running call began; 0 = none */
	bool call_opening;
	char *call_uri;
	bool stop, finished;
	const char *closed; /* why a callback says that the connection ended */
	struct board_dirty dirty;
};

static int make_locks(struct libvirt *board)
{
	pthread_condattr_t attributes;
	int result = pthread_condattr_init(&attributes);

	if (!result)
		result = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (!result)
		result = pthread_mutex_init(&board->lock, NULL);
	if (!result)
		result = pthread_cond_init(&board->work, &attributes);
	if (!result)
		result = pthread_cond_init(&board->news, &attributes);
	pthread_condattr_destroy(&attributes);
	return -result;
}

struct libvirt *board_new(const struct board_options *options, struct error *error)
{
	struct libvirt *board = calloc(1, sizeof *board);
	int result = -ENOMEM;

	if (!board || text_replace(&board->uri, options->uri))
		goto fail;
	board->options = *options;
	board->references = 1;
	result = make_locks(board);
	if (result)
		goto fail;
	board->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (board->event_fd >= 0)
		return board;
	result = -errno;
fail:
	if (board)
		free(board->uri);
	free(board);
	error_setf(error, -result, "libvirt: %s", strerror(-result));
	return NULL;
}

struct libvirt *board_ref(struct libvirt *board)
{
	__atomic_add_fetch(&board->references, 1, __ATOMIC_RELAXED);
	return board;
}

void board_unref(struct libvirt *board)
{
	if (!board || __atomic_sub_fetch(&board->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	libvirt_view_unref(board->view);
	pthread_cond_destroy(&board->news);
	pthread_cond_destroy(&board->work);
	pthread_mutex_destroy(&board->lock);
	close(board->event_fd);
	free(board->call_uri);
	free(board->uri);
	free(board);
}

const char *board_uri(const struct libvirt *board)
{
	return board->uri;
}

static uint64_t deadline(uint64_t patience_ns)
{
	uint64_t now = clock_now_ns();

	return patience_ns < UINT64_MAX - now ? now + patience_ns : UINT64_MAX;
}

/* false: the time `until_ns` (CLOCK_MONOTONIC) has come. */
static bool wait_until(struct libvirt *board, pthread_cond_t *condition, uint64_t until_ns)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S),
				  .tv_nsec = (long)(until_ns % NS_PER_S) };

	return pthread_cond_timedwait(condition, &board->lock, &until) != ETIMEDOUT;
}

/* --- publishing, with the lock held ---------------------------------------- */

static void announce(struct libvirt *board)
{
	const uint64_t one = 1;

	/* It fails only when the counter is full, and then it is readable anyway. */
	(void)!write(board->event_fd, &one, sizeof one);
	pthread_cond_broadcast(&board->news);
}

static void swap_view(struct libvirt *board, struct libvirt_view *view)
{
	const struct libvirt_view *old = board->view;

	if (!old)
		view->generation = 1;
	else
		view->generation = old->generation + !libvirt_view_same_domains(old, view);
	view->published_ns = clock_now_ns();
	view->stats_seq = board->answered;
	board->view = view;
	libvirt_view_unref(old);
	announce(board);
}

static void publish_trouble(struct libvirt *board, const char *uri, uint64_t lost_ns,
			    const char *text)
{
	const struct libvirt_view *old = board->view;
	struct libvirt_view *view;

	if (old && old->trouble && strcmp(old->trouble, text) == 0 &&
	    (old->lost_ns != 0) == (lost_ns != 0))
		return;
	view = libvirt_view_clone(old, uri);
	if (!view)
		return;
	if (text_replace(&view->trouble, text)) {
		libvirt_view_unref(view);
		return;
	}
	if (!lost_ns)
		view->lost_ns = 0;
	else if (!view->lost_ns)
		view->lost_ns = lost_ns;
	swap_view(board, view);
}

/* In steps, so that the text (and what is made of it) changes rarely. */
static const char *span_text(uint64_t span_ns)
{
	static const struct {
		unsigned seconds;
		const char *text;
	} steps[] = { { 86400, "a day" }, { 21600, "6 h" }, { 3600, "1 h" },  { 1800, "30 min" },
		      { 600, "10 min" },  { 300, "5 min" }, { 120, "2 min" }, { 60, "1 min" },
		      { 30, "30 s" },     { 20, "20 s" },   { 10, "10 s" },   { 5, "5 s" } };

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		if (span_ns >= steps[i].seconds * NS_PER_S)
			return steps[i].text;
	return "2 s";
}

/* With the lock held: the thread cannot finish before its reference is counted. */
static int start_shift(struct libvirt *board)
{
	struct board_hand *hand = malloc(sizeof *hand);
	int result;

	if (!hand)
		return -ENOMEM;
	*hand = (struct board_hand){ .board = board, .shift = ++board->shift };
	result = board->options.start(hand, &board->thread);
	if (result) {
		board->shift--;
		free(hand);
	} else {
		board_ref(board);
	}
	return result;
}

static void relieve(struct libvirt *board)
{
	pthread_t old = board->thread;

	if (board->left_behind == BOARD_LEFT_BEHIND_MAX || start_shift(board))
		return;
	pthread_detach(old);
	board->left_behind++;
	board->call_ns = 0;
}

/* Nobody can publish while the calling thread hangs in libvirt: callers do it. */
static void watch(struct libvirt *board)
{
	uint64_t now = clock_now_ns(), since = board->call_ns;
	uint64_t limit = board->call_opening ? board->options.opening_limit_ns
					     : board->options.round_limit_ns;
	char text[ERROR_TEXT_BYTES];

	if (!since || now - since < limit)
		return;
	snprintf(text, sizeof text, "%s: %s for over %s", board->call_uri,
		 board->call_opening ? "does not answer" : "a call runs", span_text(now - since));
	publish_trouble(board, board->call_uri, board->call_opening ? since : 0, text);
	if (!board->call_opening && now - since >= board->options.relief_ns)
		relieve(board);
}

/* --- the calling thread ---------------------------------------------------- */

static bool is_dirty(const struct libvirt *board)
{
	return board->dirty.all || board->dirty.count > 0;
}

static bool must_stop(const struct board_hand *hand)
{
	return hand->board->stop || hand->shift != hand->board->shift;
}

static bool has_work(const struct board_hand *hand, bool connected, uint64_t now)
{
	const struct libvirt *board = hand->board;

	if (must_stop(hand) || !connected)
		return must_stop(hand);
	return board->closed || board->requested > board->taken ||
	       (is_dirty(board) && now >= board->round_ns + BOARD_EVENT_INTERVAL_NS);
}

void board_next(struct board_hand *hand, bool connected, uint64_t wake_ns, struct board_work *work)
{
	struct libvirt *board = hand->board;
	uint64_t now;

	pthread_mutex_lock(&board->lock);
	while (now = clock_now_ns(), !has_work(hand, connected, now)) {
		if (!connected && now >= wake_ns)
			break;
		if (!connected)
			wait_until(board, &board->work, wake_ns);
		else if (is_dirty(board))
			wait_until(board, &board->work, board->round_ns + BOARD_EVENT_INTERVAL_NS);
		else
			pthread_cond_wait(&board->work, &board->lock);
	}
	*work = (struct board_work){ .stop = must_stop(hand),
				     .closed = board->closed,
				     .seq = board->requested,
				     .dirty = board->dirty };
	if (connected && !work->stop) {
		board->taken = board->requested;
		board->closed = NULL;
		memset(&board->dirty, 0, sizeof board->dirty);
	}
	pthread_mutex_unlock(&board->lock);
}

/* Lock; true while the calling thread's shift lasts. unlock() in any case. */
static bool lock_shift(const struct board_hand *hand)
{
	pthread_mutex_lock(&hand->board->lock);
	return hand->shift == hand->board->shift;
}

static void unlock(struct libvirt *board)
{
	pthread_mutex_unlock(&board->lock);
}

void board_call_begin(struct board_hand *hand, const char *uri, bool opening)
{
	struct libvirt *board = hand->board;

	if (lock_shift(hand)) {
		/* Without memory for the name of what hangs, a hang goes unreported. */
		board->call_ns = text_replace(&board->call_uri, uri) ? 0 : clock_now_ns();
		board->call_opening = opening;
	}
	unlock(board);
}

void board_call_end(struct board_hand *hand)
{
	if (lock_shift(hand))
		hand->board->call_ns = 0;
	unlock(hand->board);
}

void board_publish(struct board_hand *hand, struct libvirt_view *view, uint64_t seq)
{
	struct libvirt *board = hand->board;

	if (lock_shift(hand)) {
		board->answered = seq;
		board->round_ns = clock_now_ns();
		swap_view(board, view);
	} else {
		libvirt_view_unref(view);
	}
	unlock(board);
}

void board_trouble(struct board_hand *hand, const char *uri, bool lost, const char *text)
{
	if (lock_shift(hand))
		publish_trouble(hand->board, uri, lost ? clock_now_ns() : 0, text);
	unlock(hand->board);
}

void board_reset_events(struct board_hand *hand)
{
	struct libvirt *board = hand->board;

	if (lock_shift(hand)) {
		board->closed = NULL;
		board->dirty = (struct board_dirty){ .all = true };
		board->round_ns = 0;
	}
	unlock(board);
}

void board_finish(struct board_hand *hand)
{
	struct libvirt *board = hand->board;

	if (lock_shift(hand))
		board->finished = true;
	else
		board->left_behind--;
	pthread_cond_broadcast(&board->news);
	unlock(board);
	board_unref(board);
	free(hand);
}

/* --- libvirt's callbacks --------------------------------------------------- */

void board_mark_dirty(struct libvirt *board, const char *uuid)
{
	struct board_dirty *dirty = &board->dirty;

	pthread_mutex_lock(&board->lock);
	if (dirty->count < BOARD_DIRTY_MAX)
		snprintf(dirty->uuids[dirty->count++], BOARD_UUID_BYTES, "%s", uuid);
	else
		dirty->all = true;
	pthread_cond_signal(&board->work);
	pthread_mutex_unlock(&board->lock);
}

void board_mark_closed(struct libvirt *board, const char *why)
{
	pthread_mutex_lock(&board->lock);
	board->closed = why;
	pthread_cond_signal(&board->work);
	pthread_mutex_unlock(&board->lock);
}

int board_start(struct libvirt *board)
{
	int result;

	pthread_mutex_lock(&board->lock);
	result = start_shift(board);
	unlock(board);
	return result;
}

bool board_stop(struct libvirt *board, uint64_t patience_ns)
{
	uint64_t until = deadline(patience_ns);
	bool finished;

	pthread_mutex_lock(&board->lock);
	board->stop = true;
	pthread_cond_signal(&board->work);
	while (!board->finished && wait_until(board, &board->news, until))
		;
	finished = board->finished;
	unlock(board);
	if (finished)
		pthread_join(board->thread, NULL);
	else
		pthread_detach(board->thread);
	return finished;
}

/* --- callers --------------------------------------------------------------- */

int libvirt_event_fd(const struct libvirt *libvirt)
{
	return libvirt->event_fd;
}

uint64_t libvirt_request(struct libvirt *libvirt)
{
	uint64_t seq;

	pthread_mutex_lock(&libvirt->lock);
	watch(libvirt);
	seq = ++libvirt->requested;
	pthread_cond_signal(&libvirt->work);
	pthread_mutex_unlock(&libvirt->lock);
	return seq;
}

bool libvirt_wait(struct libvirt *libvirt, uint64_t seq, uint64_t patience_ns)
{
	uint64_t until = deadline(patience_ns);
	bool done, in_time = true;

	pthread_mutex_lock(&libvirt->lock);
	for (;;) {
		const struct libvirt_view *view;

		watch(libvirt);
		view = libvirt->view;
		done = seq ? libvirt->answered >= seq : view != NULL;
		if (done || !in_time || (view && view->lost_ns))
			break;
		in_time = wait_until(libvirt, &libvirt->news, until);
	}
	pthread_mutex_unlock(&libvirt->lock);
	return done;
}

const struct libvirt_view *libvirt_view(struct libvirt *libvirt)
{
	const struct libvirt_view *view;
	uint64_t announced;

	pthread_mutex_lock(&libvirt->lock);
	watch(libvirt);
	/* With the lock held: what is published after this makes it readable again. */
	(void)!read(libvirt->event_fd, &announced, sizeof announced);
	view = libvirt_view_ref(libvirt->view);
	pthread_mutex_unlock(&libvirt->lock);
	return view;
}
