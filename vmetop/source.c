/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "vmetop/wait.h"

enum { NOTES_MAX = 256, NOTE_BYTES = 1024 };

void source_note(struct source *source, const char *note)
{
	struct source_info *info = &source->info;
	char **notes;

	for (size_t i = 0; i < info->note_count; i++)
		if (strcmp(info->notes[i], note) == 0)
			return;
	if (info->note_count == NOTES_MAX)
		return;
	notes = memory_grow(info->notes, &info->note_capacity, info->note_count + 1,
			    sizeof *info->notes);
	if (!notes)
		return;
	info->notes = notes;
	notes[info->note_count] = strdup(note);
	info->note_count += notes[info->note_count] != NULL;
}

void source_notef(struct source *source, const char *format, ...)
{
	char note[NOTE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(note, sizeof note, format, arguments);
	va_end(arguments);
	source_note(source, note);
}

/* A daemon that was asked for by name must be there; the usual one is taken where it is. */
static int open_live(struct source *source, const struct options *options, struct error *error)
{
	struct error why = { "" };
	int result;

	if (options->standalone)
		result = error_setf(&why, ENOENT, "%s", options->standalone);
	else
		result = source_daemon_open(source, options, &why);
	if (!result)
		return 0;
	if (options->socket)
		return error_setf(error, -result, "%s", why.text);
	/* That none was ever started is nothing to speak of. */
	if (result != -ENOENT)
		source_notef(source, "not attached to vmenergyd: %s", why.text);
	result = source_local_open(source, options, error);
	source->info.standalone = why;
	return result;
}

int source_open(struct source *source, const struct options *options, struct error *error)
{
	*source = (struct source){ 0 };
	return options->replay ? source_replay_open(source, options, error)
			       : open_live(source, options, error);
}

int source_fd(const struct source *source)
{
	return source->fd ? source->fd(source->state) : WAIT_NO_FD;
}

int source_close(struct source *source, struct error *error)
{
	int result = source->close ? source->close(source->state, error) : 0;

	for (size_t i = 0; i < source->info.note_count; i++)
		free(source->info.notes[i]);
	free(source->info.notes);
	*source = (struct source){ 0 };
	return result;
}
