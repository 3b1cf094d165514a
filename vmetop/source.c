/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

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

int source_open(struct source *source, const struct options *options, struct error *error)
{
	*source = (struct source){ 0 };
	if (options->replay)
		return source_replay_open(source, options, error);
	return source_local_open(source, options, error);
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
