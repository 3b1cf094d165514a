/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon keeps for others: its state, its sign of life, what is wrong. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/proc.h"
#include "vmenergyd/daemon-heartbeat.h"
#include "vmenergyd/daemon.h"

#define SECOND_NS UINT64_C(1000000000)
enum { SAVE_S = 10, NOTES_MAX = 200, WELL_TICKS = 3, WELL_S = 15, MEASURED_S = 30 };

static const char *const trouble_names[TROUBLE_COUNT] = {
	[TROUBLE_RIGHTS] = "rights",           [TROUBLE_STATE] = "state",
	[TROUBLE_ACCOUNT] = "account",         [TROUBLE_METER] = "meter",
	[TROUBLE_PLACES] = "places",           [TROUBLE_ENFORCE] = "limits",
	[TROUBLE_TEMPERATURE] = "temperature", [TROUBLE_ALIVE] = "sign of life",
};

void daemon_set_trouble(struct daemon *daemon, enum trouble which, const char *text)
{
	enum log_level level = which == TROUBLE_STATE ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;

	switch (daemon_trouble_take(&daemon->troubles[which], text, clock_now_ns())) {
	case NEWS_TROUBLE:
		log_at(level, "%s", text);
		break;
	case NEWS_WELL:
		log_info("%s: all is well again", trouble_names[which]);
		break;
	case NEWS_NONE:
		break;
	}
}

/* --- notes --------------------------------------------------------------------------------- */

static bool is_noted(const struct protocol_about *about, const char *note)
{
	for (size_t i = 0; i < about->note_count; i++)
		if (strcmp(about->notes[i], note) == 0)
			return true;
	return false;
}

/* Is it new? Without memory it is not. */
static bool keep_note(struct daemon *daemon, const char *note)
{
	struct protocol_about *about = &daemon->about;
	char **notes;

	if (about->note_count == NOTES_MAX || is_noted(about, note))
		return false;
	notes = memory_grow(about->notes, &daemon->note_capacity, about->note_count + 1,
			    sizeof *notes);
	if (!notes)
		return false;
	about->notes = notes;
	notes[about->note_count] = strdup(note);
	about->note_count += notes[about->note_count] != NULL;
	return true;
}

static bool is_of_libvirt(const char *note)
{
	static const char prefix[] = "libvirt: ";

	return strncmp(note, prefix, sizeof prefix - 1) == 0;
}

static void drop_notes_of_libvirt(struct protocol_about *about)
{
	size_t kept = 0;

	for (size_t i = 0; i < about->note_count; i++) {
		if (is_of_libvirt(about->notes[i]))
			free(about->notes[i]);
		else
			about->notes[kept++] = about->notes[i];
	}
	about->note_count = kept;
}

/* What libvirt does comes and goes, in ever new words: see daemon_hear_libvirt(). */
void daemon_note(void *context, const char *note)
{
	if (!is_of_libvirt(note) && keep_note(context, note))
		log_warning("%s", note);
}

void daemon_hear_libvirt(struct daemon *daemon)
{
	const struct topology *topology = daemon->accounting.topology;
	struct daemon_silence *silence = &daemon->libvirt;
	const char *again = silence->was_heard ? "again " : "", *note = NULL;
	double silent_s;

	for (size_t i = 0; topology && !note && i < topology->note_count; i++)
		if (is_of_libvirt(topology->notes[i]))
			note = topology->notes[i];
	switch (daemon_silence_take(silence, note, live_libvirt_heard_ns(daemon->accounting.live),
				    clock_now_ns(), &silent_s)) {
	case NEWS_TROUBLE:
		keep_note(daemon, silence->text);
		log_warning("%s", silence->text);
		break;
	case NEWS_WELL:
		drop_notes_of_libvirt(&daemon->about);
		log_info("libvirt: answers %safter %.0f s", again, silent_s);
		break;
	case NEWS_NONE:
		break;
	}
}

void daemon_check_limits(struct daemon *daemon)
{
	const struct weights *cpu = daemon->accounting.counting.choice.cpu;
	struct error why = { "" };

	if (isfinite(daemon->config->temperature_c) &&
	    !(cpu->thermal_c1 > 0 && cpu->thermal_c2 < 0))
		error_setf(&why, EINVAL,
			   "the temperature of [host] is not held: the weights have no thermal "
			   "constants");
	daemon_set_trouble(daemon, TROUBLE_TEMPERATURE, why.text[0] ? why.text : NULL);
}

bool daemon_lives(const void *context, pid_t pid, uint64_t start_ticks)
{
	const struct daemon *daemon = context;
	struct proc_stat stat;
	int result = pid > 0 ? proc_read_stat(&daemon->root, pid, 0, &stat) : -EINVAL;

	return result ? result != -ENOENT && result != -ESRCH : stat.start_ticks == start_ticks;
}

int daemon_lock_state(struct daemon *daemon, struct error *error)
{
	int lock;

	if (daemon->has_lock)
		return 0;
	lock = state_lock(daemon->started->state_directory, error);
	if (lock < 0)
		return lock;
	daemon->has_lock = true;
	daemon->lock = lock;
	return 0;
}

/*
 * One that could not be had at the start is taken late; without it, another may write. What an
 * earlier run left in a folder that came only now is not known, and not to be written over.
 */
static int lock_late(struct daemon *daemon, struct error *error)
{
	const char *folder = daemon->started->state_directory;
	struct state left;
	int result;

	if (daemon->has_lock)
		return 0;
	result = daemon_lock_state(daemon, error);
	if (result || daemon->has_read)
		return result;
	result = state_read(folder, &left, error);
	state_clear(&left);
	if (result == -ENOENT)
		return 0;
	state_unlock(daemon->lock);
	daemon->has_lock = false;
	return error_setf(error, EEXIST,
			  "%s has come with the state of an earlier run: start vmenergyd anew",
			  folder);
}

static int save(struct daemon *daemon)
{
	double before_s = daemon->state.saved_s;
	struct error error = { "" };
	int result;

	daemon->save_tried_ns = clock_now_ns();
	daemon->state.saved_s = (double)clock_read_ns(CLOCK_REALTIME) / 1e9;
	result = lock_late(daemon, &error);
	if (!result)
		result = state_save_text(daemon->started->state_directory, &daemon->state,
					 &daemon->saved, &error);
	if (result)
		daemon->state.saved_s = before_s;
	daemon_set_trouble(daemon, TROUBLE_STATE, result ? error.text : NULL);
	return result;
}

/* A dry run takes nothing over: what another run has left must stay known. */
int daemon_save(struct daemon *daemon)
{
	if (daemon->config->dry_run)
		return 0;
	if (daemon->troubles[TROUBLE_STATE].text && daemon->save_tried_ns &&
	    clock_now_ns() - daemon->save_tried_ns < SAVE_S * SECOND_NS)
		return -EAGAIN;
	return save(daemon);
}

void daemon_save_if_due(struct daemon *daemon)
{
	struct text now = { 0 };
	struct error error = { "" };

	if (daemon->config->dry_run || clock_now_ns() - daemon->save_tried_ns < SAVE_S * SECOND_NS)
		return;
	daemon->save_tried_ns = clock_now_ns();
	if (!state_print(&daemon->state, &now, &error) &&
	    (daemon->troubles[TROUBLE_STATE].text || !text_equal(now.bytes, daemon->saved.bytes)))
		save(daemon);
	text_free(&now);
}

/* The dead man reads it. A dry run holds nothing that would need him. */
static bool touch_alive(struct daemon *daemon)
{
	struct error error = { "" };
	char *path;
	int result;

	if (!daemon->enforce || daemon->config->dry_run)
		return true;
	path = heartbeat_path(daemon->started->socket);
	result = path ? heartbeat_write(path) : -ENOMEM;
	if (result)
		error_setf(&error, -result, "the sign of life cannot be written: %s: %s",
			   path ? path : "alive", strerror(-result));
	daemon_set_trouble(daemon, TROUBLE_ALIVE, result ? error.text : NULL);
	free(path);
	return !result;
}

static bool is_well(const struct daemon *daemon, uint64_t now_ns)
{
	uint64_t patience_ns =
		WELL_TICKS * daemon->accounting.pace.interval_ns + WELL_S * SECOND_NS;
	uint64_t measured_ns = MEASURED_S * SECOND_NS;

	if (measured_ns < patience_ns)
		measured_ns = patience_ns;
	return now_ns - daemon->well_ns <= patience_ns &&
	       now_ns - daemon->measured_ns <= measured_ns;
}

bool daemon_beat(struct daemon *daemon)
{
	if (daemon->server)
		server_sum_up(daemon->server);
	if (!is_well(daemon, clock_now_ns()))
		return false;
	return touch_alive(daemon);
}
