/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon keeps for others: its state, its sign of life, what is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "vmenergyd/daemon.h"

#define SECOND_NS UINT64_C(1000000000)
enum { SAVE_S = 10, SAY_AGAIN_S = 60, NOTES_MAX = 200, WELL_TICKS = 3, WELL_S = 15 };

static const char *const trouble_names[TROUBLE_COUNT] = {
	[TROUBLE_RIGHTS] = "rights", [TROUBLE_STATE] = "state",   [TROUBLE_ACCOUNT] = "account",
	[TROUBLE_METER] = "meter",   [TROUBLE_PLACES] = "places", [TROUBLE_ENFORCE] = "limits",
};

/* A text that changes with each tick is logged once a minute. */
void daemon_set_trouble(struct daemon *daemon, enum trouble which, const char *text)
{
	struct daemon_trouble *trouble = &daemon->troubles[which];
	uint64_t now_ns = clock_now_ns();
	bool is_new = !trouble->text;

	if (text_equal(trouble->text, text))
		return;
	if (text_replace(&trouble->text, text))
		return;
	if (!text) {
		log_info("%s: all is well again", trouble_names[which]);
	} else if (is_new || now_ns - trouble->logged_ns >= SAY_AGAIN_S * SECOND_NS) {
		log_at(which == TROUBLE_STATE ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "%s", text);
		trouble->logged_ns = now_ns;
	}
}

void daemon_note(void *context, const char *note)
{
	struct daemon *daemon = context;
	struct protocol_about *about = &daemon->about;
	char **notes;

	for (size_t i = 0; i < about->note_count; i++)
		if (strcmp(about->notes[i], note) == 0)
			return;
	if (about->note_count == NOTES_MAX)
		return;
	notes = memory_grow(about->notes, &daemon->note_capacity, about->note_count + 1,
			    sizeof *notes);
	if (!notes)
		return;
	about->notes = notes;
	notes[about->note_count] = strdup(note);
	about->note_count += notes[about->note_count] != NULL;
	log_warning("%s", note);
}

/* What stands in the file, so that an unchanged state is not written. */
static int print_state(struct daemon *daemon, struct error *error)
{
	text_reset(&daemon->saved);
	return state_print(&daemon->state, &daemon->saved, error);
}

static int save(struct daemon *daemon)
{
	double before_s = daemon->state.saved_s;
	struct error error = { "" };
	int result;

	daemon->save_tried_ns = clock_now_ns();
	daemon->state.saved_s = (double)clock_read_ns(CLOCK_REALTIME) / 1e9;
	result = state_save(daemon->started->state_directory, &daemon->state, &error);
	if (!result)
		result = print_state(daemon, &error);
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

/* The dead man looks at its time. A dry run holds nothing that would need him. */
static void touch_alive(const struct daemon *daemon)
{
	const char *socket = daemon->started->socket, *slash = strrchr(socket, '/');
	char *path = NULL;
	int fd;

	if (!daemon->enforce || daemon->config->dry_run)
		return;
	if (asprintf(&path, "%.*salive", slash ? (int)(slash - socket) + 1 : 0, socket) < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || futimens(fd, NULL))
		log_warning("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(path);
}

bool daemon_beat(struct daemon *daemon)
{
	uint64_t patience_ns =
		WELL_TICKS * daemon->accounting.pace.interval_ns + WELL_S * SECOND_NS;

	daemon_try_meter(daemon);
	if (clock_now_ns() - daemon->well_ns > patience_ns)
		return false;
	touch_alive(daemon);
	return true;
}
