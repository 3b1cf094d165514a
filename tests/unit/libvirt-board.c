/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the callers and the calling thread of lib/host/libvirt share. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/libvirt-board.h"
#include "tests/unit/unit.h"
#include "base/text.h"

#define URI "test:///board"
#define LONG_NS UINT64_C(60000000000) /* never waited for, unless something is broken */

static struct board_hand *captured; /* of the last shift that began */

static void *return_at_once(void *unused)
{
	return unused;
}

/* The test itself is the calling thread. */
static int capture(struct board_hand *hand, pthread_t *thread)
{
	captured = hand;
	return -pthread_create(thread, NULL, return_at_once, NULL);
}

static struct libvirt *new_board(int (*start)(struct board_hand *hand, pthread_t *thread))
{
	const struct board_options options = {
		.start = start,
		.opening_limit_ns = 1000000,
		.round_limit_ns = 1000000,
		.relief_ns = 2000000,
	};
	struct error error = { "" };
	struct libvirt *board = board_new(&options, &error);

	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_I64(0, board_start(board));
	return board;
}

static void end_captured(struct libvirt *board)
{
	board_finish(captured);
	UNIT_TRUE(board_stop(board, LONG_NS));
	board_unref(board);
}

static bool readable(const struct libvirt *board)
{
	struct pollfd fd = { .fd = libvirt_event_fd(board), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static struct libvirt_view *view_of(const char *name)
{
	struct libvirt_view *view = libvirt_view_new(URI, 1);

	text_replace(&view->domains[0].uuid, "u");
	text_replace(&view->domains[0].name, name);
	return view;
}

static void test_first_view(void)
{
	struct libvirt *board = new_board(capture);
	const struct libvirt_view *view;

	UNIT_TRUE(libvirt_view(board) == NULL);
	UNIT_TRUE(!readable(board));
	UNIT_TRUE(!libvirt_wait(board, 0, 1000));
	board_publish(captured, view_of("a"), 0);
	UNIT_TRUE(readable(board));
	UNIT_TRUE(libvirt_wait(board, 0, LONG_NS));
	view = libvirt_view(board);
	UNIT_TRUE(!readable(board));
	UNIT_EQUAL_TEXT("a", view->domains[0].name);
	UNIT_TRUE(view->published_ns > 0);
	UNIT_EQUAL_U64(2, view->references);
	libvirt_view_unref(view);
	end_captured(board);
}

static uint64_t publish_and_read(struct libvirt *board, struct libvirt_view *fresh)
{
	const struct libvirt_view *view;
	uint64_t generation;

	board_publish(captured, fresh, 0);
	view = libvirt_view(board);
	generation = view->generation;
	libvirt_view_unref(view);
	return generation;
}

static void test_generation(void)
{
	struct libvirt *board = new_board(capture);
	struct libvirt_view *counted = view_of("a");
	uint64_t first = publish_and_read(board, view_of("a"));

	UNIT_EQUAL_U64(first, publish_and_read(board, view_of("a")));
	UNIT_EQUAL_U64(first + 1, publish_and_read(board, view_of("b")));
	UNIT_EQUAL_U64(first + 2, publish_and_read(board, libvirt_view_new(URI, 0)));
	UNIT_EQUAL_U64(first + 3, publish_and_read(board, counted));
	end_captured(board);
}

static void test_trouble_keeps_domains(void)
{
	struct libvirt *board = new_board(capture);
	const struct libvirt_view *lost, *later, *found;

	board_publish(captured, view_of("a"), 4);
	board_trouble(captured, URI, true, "it broke");
	lost = libvirt_view(board);
	UNIT_EQUAL_TEXT("a", lost->domains[0].name);
	UNIT_EQUAL_TEXT("it broke", lost->trouble);
	UNIT_EQUAL_U64(4, lost->stats_seq);
	UNIT_TRUE(lost->lost_ns > 0);
	UNIT_TRUE(!libvirt_wait(board, 5, LONG_NS));
	board_trouble(captured, URI, true, "it broke");
	UNIT_TRUE(!readable(board));
	board_trouble(captured, URI, true, "still broken");
	later = libvirt_view(board);
	UNIT_EQUAL_TEXT("still broken", later->trouble);
	UNIT_EQUAL_U64(lost->lost_ns, later->lost_ns);
	UNIT_EQUAL_U64(lost->generation, later->generation);
	board_publish(captured, view_of("a"), 6);
	found = libvirt_view(board);
	UNIT_TRUE(found->trouble == NULL);
	UNIT_EQUAL_U64(0, found->lost_ns);
	UNIT_EQUAL_U64(later->generation, found->generation);
	libvirt_view_unref(lost);
	libvirt_view_unref(later);
	libvirt_view_unref(found);
	end_captured(board);
}

static void test_trouble_first(void)
{
	struct libvirt *board = new_board(capture);
	const struct libvirt_view *view;

	board_trouble(captured, URI, true, "cannot connect");
	UNIT_TRUE(libvirt_wait(board, 0, LONG_NS));
	view = libvirt_view(board);
	UNIT_EQUAL_U64(0, view->domain_count);
	UNIT_EQUAL_TEXT(URI, view->uri);
	libvirt_view_unref(view);
	end_captured(board);
}

/* Stands for the calling thread: answers each request with a view. */
static void *answer_requests(void *hand)
{
	struct board_work work;

	for (;;) {
		board_next(hand, true, 0, &work);
		if (work.stop)
			break;
		if (work.closed)
			board_trouble(hand, URI, true, work.closed);
		else if (work.dirty.count)
			board_publish(hand, view_of(work.dirty.uuids[0]), work.seq);
		else
			board_publish(hand, view_of(work.dirty.all ? "all" : "a"), work.seq);
	}
	board_finish(hand);
	return NULL;
}

static int answer(struct board_hand *hand, pthread_t *thread)
{
	captured = hand;
	return -pthread_create(thread, NULL, answer_requests, hand);
}

static void test_requests_are_answered(void)
{
	struct libvirt *board = new_board(answer);
	const struct libvirt_view *view;
	uint64_t seq = 0;

	for (unsigned i = 0; i < 1000; i++) {
		seq = libvirt_request(board);
		UNIT_EQUAL_U64(i + 1, seq);
		if (i % 3)
			continue;
		UNIT_TRUE(libvirt_wait(board, seq, LONG_NS));
		view = libvirt_view(board);
		UNIT_TRUE(view->stats_seq >= seq);
		libvirt_view_unref(view);
	}
	UNIT_TRUE(libvirt_wait(board, seq, LONG_NS));
	UNIT_TRUE(board_stop(board, LONG_NS));
	board_unref(board);
}

static const struct libvirt_view *wait_news(struct libvirt *board)
{
	struct pollfd fd = { .fd = libvirt_event_fd(board), .events = POLLIN };

	UNIT_EQUAL_I64(1, poll(&fd, 1, 60000));
	return libvirt_view(board);
}

static void test_events_make_rounds(void)
{
	struct libvirt *board = new_board(answer);
	const struct libvirt_view *view;

	board_mark_dirty(board, "one");
	view = wait_news(board);
	UNIT_EQUAL_TEXT("one", view->domains[0].name);
	libvirt_view_unref(view);
	board_reset_events(captured);
	libvirt_request(board);
	view = wait_news(board);
	UNIT_EQUAL_TEXT("all", view->domains[0].name);
	libvirt_view_unref(view);
	board_mark_closed(board, "closed");
	view = wait_news(board);
	UNIT_EQUAL_TEXT("closed", view->trouble);
	libvirt_view_unref(view);
	UNIT_TRUE(board_stop(board, LONG_NS));
	board_unref(board);
}

static void test_many_events(void)
{
	struct libvirt *board = new_board(capture);
	struct board_work work;

	for (unsigned i = 0; i < BOARD_DIRTY_MAX + 1; i++)
		board_mark_dirty(board, "11111111-1111-1111-1111-111111111111");
	board_next(captured, true, 0, &work);
	UNIT_TRUE(work.dirty.all);
	UNIT_EQUAL_U64(BOARD_DIRTY_MAX, work.dirty.count);
	UNIT_EQUAL_TEXT("11111111-1111-1111-1111-111111111111",
			work.dirty.uuids[BOARD_DIRTY_MAX - 1]);
	libvirt_request(board);
	board_next(captured, true, 0, &work);
	UNIT_EQUAL_U64(0, work.dirty.count);
	UNIT_TRUE(!work.dirty.all);
	UNIT_EQUAL_U64(1, work.seq);
	board_mark_closed(board, "why");
	board_next(captured, true, 0, &work);
	UNIT_TRUE(work.closed != NULL);
	libvirt_request(board);
	board_next(captured, true, 0, &work);
	UNIT_TRUE(work.closed == NULL);
	board_next(captured, false, 1, &work);
	UNIT_TRUE(!work.stop);
	end_captured(board);
}

/* A thread that never comes back: the caller goes, the last one frees. */
static void test_stuck_thread(void)
{
	struct libvirt *board = new_board(capture);

	UNIT_TRUE(!board_stop(board, 1000000));
	board_unref(board);
	board_finish(captured);
}

/* The first view whose trouble holds `part`; the limits above are short. */
static const struct libvirt_view *wait_trouble(struct libvirt *board, const char *part)
{
	for (unsigned i = 0; i < 6000; i++) {
		const struct libvirt_view *view = libvirt_view(board);

		if (view && view->trouble && strstr(view->trouble, part))
			return view;
		libvirt_view_unref(view);
		poll(NULL, 0, 10);
	}
	UNIT_CONTAINS(part, "no such trouble within a minute");
	return NULL;
}

static void test_opening_hangs(void)
{
	struct libvirt *board = new_board(capture);
	struct board_hand *hand = captured;
	const struct libvirt_view *view;

	board_call_begin(hand, URI, true);
	view = wait_trouble(board, URI ": does not answer for over ");
	UNIT_TRUE(view && view->lost_ns > 0);
	libvirt_view_unref(view);
	UNIT_TRUE(!libvirt_wait(board, libvirt_request(board), LONG_NS));
	board_call_end(hand);
	board_publish(hand, view_of("a"), 1);
	view = libvirt_view(board);
	UNIT_TRUE(view->trouble == NULL);
	UNIT_TRUE(captured == hand); /* nobody else could connect either */
	libvirt_view_unref(view);
	end_captured(board);
}

static void test_relief(void)
{
	struct libvirt *board = new_board(capture);
	struct board_hand *old = captured;
	const struct libvirt_view *view;
	struct board_work work;

	board_publish(old, view_of("a"), 0);
	board_call_begin(old, URI, false);
	libvirt_view_unref(wait_trouble(board, ": a call runs for over "));
	for (unsigned i = 0; i < 6000 && captured == old; i++, poll(NULL, 0, 10))
		libvirt_request(board);
	UNIT_TRUE(captured != old);
	view = libvirt_view(board);
	UNIT_EQUAL_U64(0, view->lost_ns); /* libvirtd is well */
	UNIT_EQUAL_TEXT("a", view->domains[0].name);
	libvirt_view_unref(view);
	board_publish(captured, view_of("new"), 7);
	/* The old shift comes back, late: nothing that it says counts. */
	board_publish(old, view_of("old"), 3);
	board_trouble(old, URI, true, "old");
	board_call_begin(old, URI, true);
	poll(NULL, 0, 10);
	view = libvirt_view(board);
	UNIT_EQUAL_TEXT("new", view->domains[0].name);
	UNIT_EQUAL_U64(7, view->stats_seq);
	UNIT_TRUE(view->trouble == NULL);
	libvirt_view_unref(view);
	board_next(old, true, 0, &work);
	UNIT_TRUE(work.stop);
	board_finish(old);
	end_captured(board);
}

static void test_relief_is_bounded(void)
{
	struct libvirt *board = new_board(capture);
	struct board_hand *hands[BOARD_LEFT_BEHIND_MAX + 1];

	for (unsigned i = 0; i < BOARD_LEFT_BEHIND_MAX; i++) {
		hands[i] = captured;
		board_call_begin(captured, URI, false);
		for (unsigned k = 0; k < 6000 && captured == hands[i]; k++, poll(NULL, 0, 10))
			libvirt_request(board);
		UNIT_TRUE(captured != hands[i]);
	}
	hands[BOARD_LEFT_BEHIND_MAX] = captured;
	board_call_begin(captured, URI, false);
	poll(NULL, 0, 20);
	libvirt_request(board);
	UNIT_TRUE(captured == hands[BOARD_LEFT_BEHIND_MAX]);
	board_finish(hands[0]); /* one ends: the next relief may come */
	libvirt_request(board);
	UNIT_TRUE(captured != hands[BOARD_LEFT_BEHIND_MAX]);
	for (unsigned i = 1; i <= BOARD_LEFT_BEHIND_MAX; i++)
		board_finish(hands[i]);
	end_captured(board);
}

enum { READERS = 3, READS = 3000 };

static void *read_views(void *context)
{
	struct libvirt *board = context;
	uint64_t generation = 0;

	for (unsigned i = 0; i < READS; i++) {
		const struct libvirt_view *view = libvirt_view(board);

		if (view && view->generation < generation)
			return board;
		generation = view ? view->generation : 0;
		libvirt_request(board);
		libvirt_view_unref(view);
	}
	return NULL;
}

static void test_readers(void)
{
	struct libvirt *board = new_board(answer);
	pthread_t readers[READERS];
	void *failed;

	for (unsigned i = 0; i < READERS; i++)
		pthread_create(&readers[i], NULL, read_views, board);
	for (unsigned i = 0; i < READERS; i++) {
		board_mark_dirty(board, i % 2 ? "x" : "y");
		pthread_join(readers[i], &failed);
		UNIT_TRUE(failed == NULL);
	}
	UNIT_TRUE(board_stop(board, LONG_NS));
	board_unref(board);
}

int main(void)
{
	return UNIT_RUN(
		"libvirt-board", { "before the first view there is none", test_first_view },
		{ "the generation counts changes of domains", test_generation },
		{ "trouble keeps the last domains and the time of the loss",
		  test_trouble_keeps_domains },
		{ "trouble may be the first that is published", test_trouble_first },
		{ "requests are answered with their number", test_requests_are_answered },
		{ "events and closed connections wake the thread", test_events_make_rounds },
		{ "too many events put all domains in doubt", test_many_events },
		{ "a stuck thread does not hold its caller", test_stuck_thread },
		{ "connecting for too long is a loss", test_opening_hangs },
		{ "a thread that hangs in a call is relieved, and ignored afterwards",
		  test_relief },
		{ "only so many threads are left behind", test_relief_is_bounded },
		{ "many readers see generations in order", test_readers });
}
