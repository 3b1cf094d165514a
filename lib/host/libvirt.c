/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt.c - the two threads, the connection and its events.
 *
 * The calling thread owns `struct session`; all that others see is on the
 * board. libvirt's callbacks run in the event thread and only mark the board.
 */
#include "host/libvirt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>

#include "host/libvirt-board.h"
#include "host/libvirt-round.h"
#include "host/libvirt-socket.h"
#include "base/clock.h"
#include "base/text.h"

#define SYSTEM_URI "qemu:///system"
#define SESSION_URI "qemu:///session"

#define UNUSED __attribute__((unused))

#define NS_PER_MS UINT64_C(1000000)
#define CLOSE_PATIENCE_NS (1000 * NS_PER_MS)
#define OPENING_LIMIT_NS (2000 * NS_PER_MS)
#define ROUND_LIMIT_NS (5000 * NS_PER_MS) /* keepalive has ended it by then if libvirtd hangs */
#define RELIEF_NS (10000 * NS_PER_MS)
#define RETRY_MIN_NS (1000 * NS_PER_MS)
#define RETRY_MAX_NS (30000 * NS_PER_MS)
#define VCPU_INTERVAL_NS (5000 * NS_PER_MS)   /* counting vCPUs costs libvirtd /proc reads */
#define DOUBT_INTERVAL_NS (10000 * NS_PER_MS) /* of all definitions, without events */
enum { KEEPALIVE_S = 1, KEEPALIVE_COUNT = 3 };

/* --- libvirt's event loop: one for the process, while anyone needs it ------ */

static struct {
	pthread_mutex_t lock; /* users, thread and timer */
	unsigned users;
	pthread_t thread;
	int timer;
	atomic_bool stop;
} loop = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* What libvirt still has to free, it frees in the loop once nothing else is to be done. */
enum { LOOP_FAREWELL_MS = 10 };

static void loop_timer(int timer UNUSED, void *opaque UNUSED)
{
	atomic_store(&loop.stop, true);
}

static void *loop_main(void *unused UNUSED)
{
	while (!atomic_load(&loop.stop))
		virEventRunDefaultImpl();
	return NULL;
}

/* Signals are the program's: none may end in these threads. */
static int start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
	sigset_t all, before;
	int result;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(thread, NULL, run, argument);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -result;
}

static int loop_start(void)
{
	int result;

	atomic_store(&loop.stop, false);
	loop.timer = virEventAddTimeout(-1, loop_timer, NULL, NULL);
	if (loop.timer < 0)
		return -ENOMEM;
	result = start_thread(&loop.thread, loop_main, NULL);
	if (result)
		virEventRemoveTimeout(loop.timer);
	else
		pthread_setname_np(loop.thread, "libvirt-events");
	return result;
}

static int loop_use(void)
{
	int result = 0;

	pthread_mutex_lock(&loop.lock);
	if (loop.users == 0)
		result = loop_start();
	if (!result)
		loop.users++;
	pthread_mutex_unlock(&loop.lock);
	return result;
}

static void loop_release(void)
{
	pthread_mutex_lock(&loop.lock);
	if (--loop.users == 0) {
		virEventUpdateTimeout(loop.timer, LOOP_FAREWELL_MS);
		pthread_join(loop.thread, NULL);
		virEventRemoveTimeout(loop.timer);
	}
	pthread_mutex_unlock(&loop.lock);
}

/* --- callbacks (event thread) ---------------------------------------------- */

static void mark(virDomainPtr domain, void *board)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (virDomainGetUUIDString(domain, uuid) == 0)
		board_mark_dirty(board, uuid);
}

static int on_lifecycle(virConnectPtr connection UNUSED, virDomainPtr domain, int event UNUSED,
			int detail UNUSED, void *board)
{
	mark(domain, board);
	return 0;
}

static void on_plain(virConnectPtr connection UNUSED, virDomainPtr domain, void *board)
{
	mark(domain, board);
}

static void on_device(virConnectPtr connection UNUSED, virDomainPtr domain,
		      const char *alias UNUSED, void *board)
{
	mark(domain, board);
}

static void on_medium(virConnectPtr connection UNUSED, virDomainPtr domain,
		      const char *before UNUSED, const char *after UNUSED, const char *alias UNUSED,
		      int reason UNUSED, void *board)
{
	mark(domain, board);
}

static void on_metadata(virConnectPtr connection UNUSED, virDomainPtr domain, int type UNUSED,
			const char *name UNUSED, void *board)
{
	mark(domain, board);
}

/* A finished copy or commit leaves the disk on another file. */
static void on_block_job(virConnectPtr connection UNUSED, virDomainPtr domain,
			 const char *target UNUSED, int type UNUSED, int status UNUSED, void *board)
{
	mark(domain, board);
}

static void on_tunable(virConnectPtr connection UNUSED, virDomainPtr domain,
		       virTypedParameterPtr params UNUSED, int count UNUSED, void *board)
{
	mark(domain, board);
}

/* libvirt's type of all callbacks; through void (*)(void), which may become any (C11 6.3.2.3). */
#define CALLBACK(function) ((virConnectDomainEventGenericCallback)(void (*)(void))(function))
static const struct {
	int id;
	virConnectDomainEventGenericCallback call;
} events[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE, CALLBACK(on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_DISK_CHANGE, CALLBACK(on_medium) },
	{ VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, CALLBACK(on_block_job) },
	{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, CALLBACK(on_metadata) },
	{ VIR_DOMAIN_EVENT_ID_TUNABLE, CALLBACK(on_tunable) },
	{ VIR_DOMAIN_EVENT_ID_REBOOT, CALLBACK(on_plain) },
};
enum { EVENTS = sizeof events / sizeof *events };

static void on_close(virConnectPtr connection UNUSED, int reason, void *board)
{
	static const char *const words[] = {
		[VIR_CONNECT_CLOSE_REASON_ERROR] = "I/O error",
		[VIR_CONNECT_CLOSE_REASON_EOF] = "the other end closed it",
		[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "no answer to keepalive",
		[VIR_CONNECT_CLOSE_REASON_CLIENT] = "closed here",
	};

	if (reason < 0 || (size_t)reason >= sizeof words / sizeof *words)
		reason = VIR_CONNECT_CLOSE_REASON_ERROR;
	board_mark_closed(board, words[reason]);
}

static void release_board(void *board)
{
	board_unref(board);
}

/* --- the session: a connection and what is known through it (calling thread) */

struct session {
	struct libvirt_reader reader;
	int callbacks[EVENTS]; /* -1 = not registered */
	bool all_events;
	uint64_t retry_ns, wake_ns;  /* the next pause between two attempts; when the next is due */
	uint64_t vcpus_ns, doubt_ns; /* when vCPUs were counted, all definitions doubted */
};

static void register_events(struct session *session)
{
	virConnectPtr connection = session->reader.connection;
	struct libvirt *board = session->reader.hand->board;

	session->all_events = true;
	for (unsigned i = 0; i < EVENTS; i++) {
		session->callbacks[i] = virConnectDomainEventRegisterAny(
			connection, NULL, events[i].id, events[i].call, board_ref(board),
			release_board);
		if (session->callbacks[i] >= 0)
			continue;
		board_unref(board);
		session->all_events = false;
	}
	/*
	 * Without a reference of its own: some drivers accept the callback and
	 * forget it (and what frees it). libvirt holds a lock while it calls and
	 * while it unregisters, so that this thread's reference is enough.
	 */
	virConnectRegisterCloseCallback(connection, on_close, board, NULL);
}

static void disconnect(struct session *session)
{
	if (!session->reader.connection)
		return;
	for (unsigned i = 0; i < EVENTS; i++)
		if (session->callbacks[i] >= 0)
			virConnectDomainEventDeregisterAny(session->reader.connection,
							   session->callbacks[i]);
	virConnectUnregisterCloseCallback(session->reader.connection, on_close);
	virConnectClose(session->reader.connection);
	session->reader.connection = NULL;
}

static bool is_refusal(const virError *reason)
{
	switch (reason ? reason->code : VIR_ERR_OK) {
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
		return true;
	case VIR_ERR_SYSTEM_ERROR:
		return reason->int1 == EACCES || reason->int1 == EPERM;
	default:
		return false;
	}
}

static void explain_refusal(const char *uri, struct error *error)
{
	const virError *reason = virGetLastError();
	char group[64];

	error_setf(error, ECONNREFUSED, "%s: cannot connect: %s", uri, virGetLastErrorMessage());
	if (is_refusal(reason) && strcmp(uri, SYSTEM_URI) == 0)
		error_setf(error, EACCES, "%s: cannot connect: %s: join group %s or run as root",
			   uri, virGetLastErrorMessage(),
			   libvirt_system_group(group, sizeof group));
}

static bool try_connect(struct session *session, const char *uri, struct error *error)
{
	board_call_begin(session->reader.hand, uri, true);
	session->reader.connection = virConnectOpenReadOnly(uri);
	board_call_end(session->reader.hand);
	if (!session->reader.connection) {
		explain_refusal(uri, error);
		return false;
	}
	if (!session->reader.uri || strcmp(session->reader.uri, uri) != 0)
		libvirt_known_clear(&session->reader.known);
	libvirt_known_doubt(&session->reader.known, NULL);
	if (text_replace(&session->reader.uri, uri)) {
		virConnectClose(session->reader.connection);
		session->reader.connection = NULL;
		error_setf(error, ENOMEM, "%s: out of memory", uri);
		return false;
	}
	board_reset_events(session->reader.hand);
	board_call_begin(session->reader.hand, uri, false);
	/* Some drivers have none: then a hang is only seen from outside. */
	virConnectSetKeepAlive(session->reader.connection, KEEPALIVE_S, KEEPALIVE_COUNT);
	register_events(session);
	board_call_end(session->reader.hand);
	session->reader.way = 0;
	session->vcpus_ns = session->doubt_ns = 0;
	return true;
}

static void connect_session(struct session *session)
{
	const char *asked = board_uri(session->reader.hand->board);
	const char *uri = asked ? asked : SYSTEM_URI;
	struct error error = { "" }, unused;

	if (try_connect(session, uri, &error) ||
	    (!asked && libvirt_session_runs() && try_connect(session, SESSION_URI, &unused))) {
		session->retry_ns = RETRY_MIN_NS;
		return;
	}
	board_trouble(session->reader.hand, uri, true, error.text);
	session->wake_ns = clock_now_ns() + session->retry_ns;
	session->retry_ns *= 2;
	if (session->retry_ns > RETRY_MAX_NS)
		session->retry_ns = RETRY_MAX_NS;
}

static void lose_session(struct session *session, const char *why)
{
	struct error error;

	error_setf(&error, ECONNRESET, "%s: connection lost: %s", session->reader.uri, why);
	board_trouble(session->reader.hand, session->reader.uri, true, error.text);
	board_call_begin(session->reader.hand, session->reader.uri, false);
	disconnect(session);
	board_call_end(session->reader.hand);
	session->retry_ns = RETRY_MIN_NS;
	session->wake_ns = clock_now_ns() + RETRY_MIN_NS;
}

static bool is_alive(const struct session *session)
{
	return virConnectIsAlive(session->reader.connection) != 0; /* -1: the driver cannot tell */
}

/* --- rounds ---------------------------------------------------------------- */

/* Which definitions are in doubt; true when any is. */
static bool note_changes(struct session *session, const struct board_dirty *dirty)
{
	uint64_t now = clock_now_ns();
	bool due = !session->all_events && now - session->doubt_ns >= DOUBT_INTERVAL_NS;

	if (due || dirty->all)
		libvirt_known_doubt(&session->reader.known, NULL);
	for (unsigned i = 0; i < dirty->count; i++)
		libvirt_known_doubt(&session->reader.known, dirty->uuids[i]);
	if (due)
		session->doubt_ns = now;
	return due || dirty->all || dirty->count > 0;
}

static void run_round(struct session *session, const struct board_work *work)
{
	uint64_t now = clock_now_ns();
	bool vcpus = note_changes(session, &work->dirty);
	struct libvirt_view *view;
	struct error error;
	int count;

	vcpus = vcpus || now - session->vcpus_ns >= VCPU_INTERVAL_NS;
	session->reader.round++;
	board_call_begin(session->reader.hand, session->reader.uri, false);
	count = libvirt_read_round(&session->reader, vcpus);
	error_setf(&error, EIO, "%s",
		   count < 0 ? virGetLastErrorMessage() : "it broke between two calls");
	board_call_end(session->reader.hand);
	if (!is_alive(session)) {
		lose_session(session, error.text);
		return;
	}
	if (count < 0) {
		error_prefixf(&error, -EIO, "%s", session->reader.uri);
		board_trouble(session->reader.hand, session->reader.uri, false, error.text);
		return;
	}
	if (vcpus)
		session->vcpus_ns = now;
	libvirt_known_sweep(&session->reader.known, session->reader.round);
	view = libvirt_known_view(&session->reader.known, session->reader.uri);
	if (view)
		board_publish(session->reader.hand, view, work->seq);
	else
		board_trouble(session->reader.hand, session->reader.uri, false,
			      "libvirt: out of memory");
}

static void serve(struct session *session)
{
	struct board_work work;

	for (;;) {
		board_next(session->reader.hand, session->reader.connection != NULL,
			   session->wake_ns, &work);
		if (work.stop)
			break;
		if (!session->reader.connection)
			connect_session(session);
		else if (work.closed && !is_alive(session))
			lose_session(session, work.closed);
		else
			run_round(session, &work);
	}
	disconnect(session);
}

static void *calls_main(void *hand)
{
	struct session session = { .reader.hand = hand, .retry_ns = RETRY_MIN_NS };

	pthread_setname_np(pthread_self(), "libvirt-calls");
	if (loop_use() == 0) {
		serve(&session);
		loop_release();
	} else {
		board_trouble(hand, "", true, "libvirt: no thread for its events");
	}
	libvirt_known_clear(&session.reader.known);
	free(session.reader.uri);
	board_finish(hand);
	return NULL;
}

/* --- open and close -------------------------------------------------------- */

static void drop_message(void *unused UNUSED, virErrorPtr error UNUSED)
{
}

static int library_result;

/* Errors reach people through `trouble`; libvirt must not write into a screen. */
static void start_library(void)
{
	if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
		library_result = -ENOSYS;
	virSetErrorFunc(NULL, drop_message);
	xmlInitParser();
}

static int start_calls(struct board_hand *hand, pthread_t *thread)
{
	return start_thread(thread, calls_main, hand);
}

int libvirt_open(struct libvirt **libvirt, const char *uri, struct error *error)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct board_options options = {
		.uri = uri && *uri ? uri : NULL,
		.start = start_calls,
		.opening_limit_ns = OPENING_LIMIT_NS,
		.round_limit_ns = ROUND_LIMIT_NS,
		.relief_ns = RELIEF_NS,
	};
	struct libvirt *board;
	int result;

	*libvirt = NULL;
	pthread_once(&once, start_library);
	if (library_result)
		return error_setf(error, -library_result, "libvirt: cannot be initialised");
	board = board_new(&options, error);
	if (!board)
		return -ENOMEM;
	result = board_start(board);
	if (result) {
		board_unref(board);
		return error_setf(error, -result, "libvirt: thread: %s", strerror(-result));
	}
	*libvirt = board;
	return 0;
}

void libvirt_close(struct libvirt *libvirt)
{
	if (!libvirt)
		return;
	board_stop(libvirt, CLOSE_PATIENCE_NS);
	board_unref(libvirt);
}
