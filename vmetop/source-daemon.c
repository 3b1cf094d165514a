/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon of this machine: the snapshots that it sends, and the limits that it holds.
 *
 * Nothing here waits but the start, and a request that is not taken (100 ms): what was asked is
 * answered in a later tick, and a daemon that has gone is looked for once a second.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/text.h"
#include "engine/attach.h"
#include "vmetop/cap-answer.h"
#include "vmetop/source.h"
#include "vmetop/ticks.h"
#include "vmetop/wait.h"

#define SECOND_NS 1000000000u
enum { REPLY_S = 5, LATE_S = 3, LONGEST_TICK_S = 60, NOTHING_ASKED = -1 };

struct daemon {
	struct source *source; /* that we are the state of */
	struct source_daemon face;
	const char *path;
	struct attach *attach; /* NULL: the daemon has gone */
	struct utsname machine;
	struct protocol_about about;
	struct protocol_status status;
	bool wants_status;
	/* Ticks of this one that is being made. */
	struct snapshot next, joined;
	uint64_t joined_count;
	double wished_s; /* length of a tick that was asked for; NaN = the daemon's */
	/* How its numbers become ours, which go on where it starts again. */
	uint64_t its_seq, seq, epoch, epoch_offset;
	double its_since_s, gap_s;
	uint64_t life_ns, lost_ns;   /* last snapshot; when it was seen to be gone */
	uint64_t retry_ns, reply_ns; /* next look; end of patience with an answer */
	int64_t subscribe_id, status_id, cap_id;
	/* The last cap that was asked for, and what has come since. */
	struct source_cap asked;
	char *asked_domain, *asked_name; /* its texts */
	unsigned cap_ticks; /* until it is in force, from 1 on; 0 = all of it was told */
	bool more;          /* messages may wait that its descriptor says nothing of */
	bool was_lost;
};

/* --- asking -------------------------------------------------------------------------------------
 */

static int ask(struct daemon *daemon, enum protocol_verb verb, int64_t *id, struct error *error)
{
	struct protocol_request request = protocol_request_of(verb);
	int result = attach_send(daemon->attach, &request, error);

	*id = result ? NOTHING_ASKED : request.id;
	return result;
}

static void reply(struct daemon *daemon, bool is_refusal, const char *text)
{
	struct source_daemon *face = &daemon->face;

	error_setf(&face->reply, 0, "%s", text);
	face->reply_is_refusal = is_refusal;
	face->reply_count++;
	daemon->cap_id = NOTHING_ASKED;
}

static int keep(struct daemon *daemon, const struct source_cap *cap)
{
	daemon->cap_ticks = 0;
	if (text_replace(&daemon->asked_domain, cap->domain) ||
	    text_replace(&daemon->asked_name, cap->name))
		return -ENOMEM;
	daemon->asked = *cap;
	daemon->asked.domain = daemon->asked_domain;
	daemon->asked.name = daemon->asked_name;
	return 0;
}

static int daemon_set_cap(void *state, const struct source_cap *cap, struct error *error)
{
	struct daemon *daemon = state;
	struct protocol_request request =
		protocol_request_of(cap->clear ? PROTOCOL_CLEAR : PROTOCOL_CAP);
	int result;

	if (!daemon->attach)
		return error_setf(error, ENOTCONN, "vmenergyd has gone: no cap can be set");
	if (daemon->cap_id != NOTHING_ASKED)
		return error_setf(error, EBUSY, "vmenergyd has not yet answered the last one");
	if (!cap->clear)
		request.cap_w = cap->cap_w;
	if (keep(daemon, cap) || text_replace(&request.domain, cap->domain))
		return error_setf(error, ENOMEM, "out of memory");
	result = attach_send(daemon->attach, &request, error);
	if (!result)
		daemon->cap_id = request.id;
	daemon->reply_ns = clock_now_ns() + REPLY_S * (uint64_t)SECOND_NS;
	protocol_request_clear(&request);
	return result;
}

/* --- coming and going --------------------------------------------------------------------------
 */

/* Until the daemon has said how long one is. */
static double longest_tick_s(const struct daemon *daemon)
{
	return isnan(daemon->face.tick_s) ? LONGEST_TICK_S : daemon->face.tick_s;
}

/* How long figures are held, and silence is nothing to speak of. */
static uint64_t patience_ns(const struct daemon *daemon)
{
	return (uint64_t)(fmax(2 * longest_tick_s(daemon), LATE_S) * SECOND_NS);
}

/* What its figures are worth by now. */
static void look_at_age(struct daemon *daemon, uint64_t now_ns)
{
	bool old = now_ns > daemon->life_ns + patience_ns(daemon);

	if (daemon->attach && !old && daemon->face.state == SOURCE_FRESH)
		return;
	if (daemon->face.state == SOURCE_FRESH)
		daemon->lost_ns = now_ns;
	daemon->face.state = old ? SOURCE_FORGOTTEN : SOURCE_HELD;
	daemon->face.age_s = (double)(now_ns - daemon->life_ns) / SECOND_NS;
	daemon->face.lost_s = (double)(now_ns - daemon->lost_ns) / SECOND_NS;
	daemon->was_lost = true;
	daemon->joined_count = 0;
}

static void lose(struct daemon *daemon)
{
	uint64_t now_ns = clock_now_ns();

	attach_close(daemon->attach);
	daemon->attach = NULL;
	daemon->retry_ns = now_ns + SECOND_NS;
	daemon->more = false;
	daemon->subscribe_id = daemon->status_id = NOTHING_ASKED;
	daemon->cap_ticks = 0;
	daemon->face.status = NULL;
	if (daemon->cap_id != NOTHING_ASKED)
		reply(daemon, true,
		      "vmenergyd has gone without an answer: it may have done what was asked");
	look_at_age(daemon, now_ns);
}

static void attach_again(struct daemon *daemon)
{
	struct error error;
	uint64_t now_ns = clock_now_ns();

	look_at_age(daemon, now_ns);
	daemon->retry_ns = now_ns + SECOND_NS;
	if (attach_open_at_once(&daemon->attach, daemon->path, &error)) {
		daemon->attach = NULL;
		return;
	}
	if (ask(daemon, PROTOCOL_SUBSCRIBE, &daemon->subscribe_id, &error))
		lose(daemon);
}

/* Nothing has come. */
static void wait_on(struct daemon *daemon)
{
	uint64_t now_ns = clock_now_ns();

	if (daemon->cap_id != NOTHING_ASKED && now_ns >= daemon->reply_ns)
		reply(daemon, true, "no answer from vmenergyd: it may still do what was asked");
	look_at_age(daemon, now_ns);
	if (daemon->face.state != SOURCE_FRESH)
		daemon->retry_ns = now_ns + SECOND_NS;
}

/* --- what it says of itself ---------------------------------------------------------------------
 */

static void take_tick_length(struct daemon *daemon, double tick_s)
{
	struct source_info *info = &daemon->source->info;
	double ticks = daemon->wished_s / tick_s;

	daemon->face.tick_s = tick_s;
	info->interval_s = ticks > 1 ? round(ticks) * tick_s : tick_s;
	/* Who asks in a hundredth less of a tick means the tick. */
	if (ticks < 0.99)
		source_notef(daemon->source,
			     "vmenergyd's ticks are %gs long: a delay of %gs is not to be had "
			     "while attached (--standalone counts by itself)",
			     tick_s, daemon->wished_s);
}

static void take_about(struct daemon *daemon, struct protocol_about *about)
{
	struct source_info *info = &daemon->source->info;

	protocol_about_clear(&daemon->about);
	daemon->about = *about;
	*about = (struct protocol_about){ 0 };
	about = &daemon->about;
	daemon->face.version = about->version;
	info->hostname = about->hostname;
	info->weights_why = about->weights_why;
	info->counting = about->counting;
	info->frequency = about->frequency;
	info->service_times = about->service_times;
	info->why_not_events = about->why_not_events;
	info->verdict = about->verdict;
	for (size_t i = 0; i < about->note_count; i++)
		source_note(daemon->source, about->notes[i]);
	take_tick_length(daemon, about->interval_s);
}

/* Without limits the screen shows what the snapshots say. */
static int take_status(struct daemon *daemon, const struct protocol_message *message,
		       struct error *error)
{
	int result;

	daemon->face.status = NULL;
	protocol_status_clear(&daemon->status);
	result = protocol_parse_status(message, &daemon->status, error);
	if (result)
		protocol_status_init(&daemon->status);
	else
		daemon->face.status = &daemon->status;
	return result;
}

/* --- its ticks -----------------------------------------------------------------------------------
 */

/* A daemon that has started again counts its joules from nothing: a new epoch for who reads ours.
 */
static void number(struct daemon *daemon, struct snapshot *snapshot)
{
	bool anew = daemon->epoch && snapshot->since_s != daemon->its_since_s;

	if (anew && snapshot->epoch + daemon->epoch_offset <= daemon->epoch)
		daemon->epoch_offset = daemon->epoch + 1 - snapshot->epoch;
	snapshot->epoch += daemon->epoch_offset;
	if (snapshot->epoch != daemon->epoch || daemon->was_lost)
		daemon->joined_count = 0;
	daemon->epoch = snapshot->epoch;
	daemon->its_since_s = snapshot->since_s;
}

/* Ticks that were joined count as one; those that were lost between count. */
static void number_joined(struct daemon *daemon, struct snapshot *snapshot)
{
	uint64_t behind = daemon->its_seq + daemon->joined_count;

	if (!daemon->seq || snapshot->seq < behind)
		daemon->seq = snapshot->seq;
	else
		daemon->seq += snapshot->seq - behind + 1;
	daemon->its_seq = snapshot->seq;
	snapshot->seq = daemon->seq;
}

static void swap(struct snapshot *a, struct snapshot *b)
{
	struct snapshot other = *a;

	*a = *b;
	*b = other;
}

static void end_silence(struct daemon *daemon)
{
	uint64_t now_ns = clock_now_ns();
	double silent_s = (double)(now_ns - daemon->life_ns) / SECOND_NS;

	if (daemon->was_lost)
		daemon->gap_s += fmax(0, silent_s - daemon->next.interval_s);
	daemon->was_lost = false;
	daemon->life_ns = now_ns;
	daemon->face.state = SOURCE_FRESH;
}

static int take_snapshot(struct daemon *daemon, struct snapshot *snapshot, struct error *error)
{
	struct source_info *info = &daemon->source->info;
	double ticks = round(info->interval_s / daemon->face.tick_s);

	number(daemon, &daemon->next);
	end_silence(daemon);
	if (daemon->joined_count && ticks_join(&daemon->joined, &daemon->next))
		return error_setf(error, ENOMEM, "out of memory for a tick");
	if ((double)++daemon->joined_count < ticks) {
		swap(&daemon->joined, &daemon->next);
		return SOURCE_NO_FIGURES;
	}
	number_joined(daemon, &daemon->next);
	daemon->joined_count = 0;
	swap(snapshot, &daemon->next);
	info->gap_s = daemon->gap_s;
	daemon->gap_s = 0;
	if (daemon->wants_status && daemon->status_id == NOTHING_ASKED)
		ask(daemon, PROTOCOL_STATUS, &daemon->status_id, NULL);
	return 0;
}

/* --- its messages --------------------------------------------------------------------------------
 */

/* One that does not say may still refuse. */
static void take_rights(struct daemon *daemon, const struct protocol_message *answer)
{
	daemon->face.may_not_change = json_is_false(json_object_get(answer->answer, "may_change"));
}

/* It comes into force with the next decision: a control interval, and the tick that ends it. */
static void take_agreement(struct daemon *daemon, const struct protocol_message *answer)
{
	const char *not_saved = json_string_value(json_object_get(answer->answer, "not_saved"));
	double control_s = daemon->status.control_interval_s;
	struct error text;

	cap_answer_agreed(&daemon->asked, not_saved, &text);
	reply(daemon, false, text.text);
	daemon->cap_ticks = 2 + (unsigned)ceil(fmax(control_s, 1) / longest_tick_s(daemon));
}

/* Answers come in the order of the requests: this status is younger than the tick before it. */
static void tell_cap(struct daemon *daemon)
{
	struct error text;

	if (daemon->cap_ticks != 1 || !daemon->face.status)
		return;
	daemon->cap_ticks = 0;
	if (cap_answer_holds(&daemon->asked, daemon->face.status, &text))
		reply(daemon, false, text.text);
}

static void take_answer(struct daemon *daemon, const struct protocol_message *message)
{
	if (message->id == daemon->cap_id) {
		take_agreement(daemon, message);
	} else if (message->id == daemon->status_id) {
		daemon->status_id = NOTHING_ASKED;
		take_status(daemon, message, NULL);
		tell_cap(daemon);
	} else if (message->id == daemon->subscribe_id) {
		take_rights(daemon, message);
	}
}

static void take_refusal(struct daemon *daemon, const struct protocol_message *message)
{
	struct error text;

	error_setf(&text, 0, "vmenergyd: %s", message->refusal);
	if (message->id == daemon->cap_id) {
		reply(daemon, true, text.text);
		return;
	}
	source_note(daemon->source, text.text);
	/* One that may not be asked for limits is not asked again. */
	if (message->id == daemon->status_id)
		daemon->wants_status = false;
	if (message->id == daemon->subscribe_id)
		lose(daemon);
}

static int take(struct daemon *daemon, struct protocol_message *message, struct snapshot *snapshot,
		struct error *error)
{
	switch (message->kind) {
	case PROTOCOL_SNAPSHOT:
		if (daemon->cap_ticks > 1)
			daemon->cap_ticks--;
		take_about(daemon, &message->about);
		return take_snapshot(daemon, snapshot, error);
	case PROTOCOL_ANSWER:
		take_answer(daemon, message);
		break;
	case PROTOCOL_REFUSAL:
		take_refusal(daemon, message);
		break;
	case PROTOCOL_OTHER:
		break;
	}
	return SOURCE_NO_FIGURES;
}

static int daemon_tick(void *state, struct snapshot *snapshot, struct error *error)
{
	struct daemon *daemon = state;
	struct protocol_message message = { 0 };
	int result;

	if (!daemon->attach) {
		attach_again(daemon);
		return SOURCE_NO_FIGURES;
	}
	result = attach_receive(daemon->attach, 0, &message, &daemon->next, error);
	daemon->more = result == 1;
	if (result == 1) {
		result = take(daemon, &message, snapshot, error);
		protocol_message_clear(&message);
		return result;
	}
	if (result == -ENOMEM)
		return result;
	if (result == -EPROTO)
		source_notef(daemon->source, "vmenergyd: %s", error->text);
	if (result)
		lose(daemon);
	else
		wait_on(daemon);
	return SOURCE_NO_FIGURES;
}

/* --- when
 * ------------------------------------------------------------------------------------------
 */

static int daemon_fd(void *state)
{
	const struct daemon *daemon = state;

	return daemon->attach ? attach_fd(daemon->attach) : WAIT_NO_FD;
}

static uint64_t daemon_due_ns(void *state)
{
	const struct daemon *daemon = state;
	uint64_t due_ns = daemon->life_ns + patience_ns(daemon) + 1;

	if (daemon->more)
		return 0;
	if (!daemon->attach || daemon->face.state != SOURCE_FRESH)
		due_ns = daemon->retry_ns;
	if (daemon->cap_id != NOTHING_ASKED && daemon->reply_ns < due_ns)
		due_ns = daemon->reply_ns;
	return due_ns;
}

static void daemon_set_pace(void *state, double seconds)
{
	struct daemon *daemon = state;

	daemon->wished_s = seconds;
	if (!isnan(daemon->face.tick_s))
		take_tick_length(daemon, daemon->face.tick_s);
}

/* --- the start, and the end ---------------------------------------------------------------------
 */

static int daemon_close(void *state, struct error *error)
{
	struct daemon *daemon = state;

	(void)error;
	attach_close(daemon->attach);
	protocol_about_clear(&daemon->about);
	protocol_status_clear(&daemon->status);
	snapshot_clear(&daemon->next);
	snapshot_clear(&daemon->joined);
	free(daemon->asked_domain);
	free(daemon->asked_name);
	free(daemon);
	return 0;
}

/* Who it is, and whether we may listen: known before anything is shown. */
static int introduce(struct daemon *daemon, struct error *error)
{
	struct protocol_request request = protocol_request_of(PROTOCOL_STATUS);
	struct protocol_message answer = { 0 };
	int result = attach_ask(daemon->attach, &request, &answer, error);

	if (result)
		return error_prefixf(error, result, "%s", daemon->path);
	result = take_status(daemon, &answer, error);
	protocol_message_clear(&answer);
	if (result)
		return error_prefixf(error, result, "%s", daemon->path);
	daemon->source->info.hostname = daemon->machine.nodename;
	take_tick_length(daemon, daemon->status.interval_s);
	request = protocol_request_of(PROTOCOL_SUBSCRIBE);
	result = attach_ask(daemon->attach, &request, &answer, error);
	if (result)
		return error_prefixf(error, result, "%s", daemon->path);
	take_rights(daemon, &answer);
	protocol_message_clear(&answer);
	attach_hurry(daemon->attach);
	return 0;
}

static void prepare(struct daemon *daemon, struct source *source, const struct options *options)
{
	daemon->source = source;
	daemon->path = options->socket ? options->socket : attach_default_path();
	daemon->face.path = daemon->path;
	daemon->face.tick_s = NAN;
	daemon->wished_s = options->interval_chosen ? options->interval_s : NAN;
	daemon->wants_status = options->wants_limits;
	daemon->subscribe_id = daemon->status_id = daemon->cap_id = NOTHING_ASKED;
	daemon->life_ns = clock_now_ns();
	uname(&daemon->machine);
	protocol_status_init(&daemon->status);
}

int source_daemon_open(struct source *source, const struct options *options, struct error *error)
{
	struct daemon *daemon = calloc(1, sizeof *daemon);
	int result;

	if (!daemon)
		return error_setf(error, ENOMEM, "out of memory");
	prepare(daemon, source, options);
	result = attach_open(&daemon->attach, daemon->path, error);
	if (!result)
		result = introduce(daemon, error);
	if (result) {
		daemon_close(daemon, NULL);
		return result;
	}
	daemon->face.version = daemon->status.version;
	source->due_ns = daemon_due_ns;
	source->fd = daemon_fd;
	source->tick = daemon_tick;
	source->set_pace = daemon_set_pace;
	source->set_cap = daemon_set_cap;
	source->close = daemon_close;
	source->state = daemon;
	source->info.daemon = &daemon->face;
	return 0;
}
