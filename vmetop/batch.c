/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmetop/batch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmetop/table.h"
#include "wire/wire.h"

struct batch {
	const struct options *options;
	const struct source_info *info;
	struct rows rows;
	struct text text;
	FILE *files[3]; /* parallel to formats */
	const char *paths[3];
};

static int put_table(struct batch *batch, const struct snapshot *snapshot, struct error *error)
{
	struct view view = batch->options->view;
	int result;

	view.sort = view.sort ? view.sort : "power";
	view.status = batch->info->daemon ? batch->info->daemon->status : NULL;
	result = rows_build(&batch->rows, snapshot, &view);
	if (result)
		return error_setf(error, -result, "out of memory for a table");
	table_put(&batch->text, snapshot, &batch->rows, &view, batch->info, batch->options->width);
	return 0;
}

/* CSV and JSON keep the snapshot's order unless told otherwise, so that lines compare. */
static int put_csv(struct batch *batch, const struct snapshot *snapshot, struct error *error)
{
	struct snapshot selected;
	int result = rows_select(snapshot, &batch->options->view, &selected);

	if (result)
		return error_setf(error, -result, "out of memory for CSV");
	snapshot_csv_rows(&selected, &batch->text);
	free(selected.domains);
	return 0;
}

static int put_json(struct batch *batch, const struct snapshot *snapshot, struct error *error)
{
	struct snapshot selected;
	int result = rows_select(snapshot, &batch->options->view, &selected);

	if (result)
		return error_setf(error, -result, "out of memory for JSON");
	result = snapshot_json(&selected, &batch->text, error);
	free(selected.domains);
	return result;
}

static const struct {
	size_t option; /* offset of its struct output_option */
	void (*head)(struct text *out);
	int (*put)(struct batch *batch, const struct snapshot *snapshot, struct error *error);
} formats[] = {
	{ offsetof(struct options, table), NULL, put_table },
	{ offsetof(struct options, csv), snapshot_csv_header, put_csv },
	{ offsetof(struct options, json), NULL, put_json },
};
enum { FORMAT_COUNT = sizeof formats / sizeof *formats };

static const struct output_option *output(const struct options *options, size_t format)
{
	return (const struct output_option *)((const char *)options + formats[format].option);
}

/* A name must not drive a terminal; in a file or a pipe it stays as it is. Line ends stay. */
static void disarm(struct text *text)
{
	for (size_t i = 0; i < text->length; i++) {
		unsigned char byte = (unsigned char)text->bytes[i];

		if ((byte < 0x20 && byte != '\n') || byte == 0x7f)
			text->bytes[i] = '?';
		/* C1 controls are 0xc2 0x80..0x9f in UTF-8. */
		if (byte == 0xc2 && (unsigned char)text->bytes[i + 1] < 0xa0)
			text->bytes[i] = text->bytes[i + 1] = '?';
	}
}

/* Write what text holds and push it out: a reader sees whole ticks. */
static int flush_text(struct batch *batch, size_t format, struct error *error)
{
	FILE *file = batch->files[format];
	int result = 0;

	if (!batch->text.failed && isatty(fileno(file)))
		disarm(&batch->text);
	if (batch->text.failed)
		result = error_setf(error, ENOMEM, "out of memory for a tick's text");
	else if (fwrite(batch->text.bytes, 1, batch->text.length, file) != batch->text.length ||
		 fflush(file))
		result = error_setf(error, errno, "%s: %s", batch->paths[format], strerror(errno));
	text_reset(&batch->text);
	return result;
}

static int open_output(struct batch *batch, size_t format, struct error *error)
{
	const struct output_option *option = output(batch->options, format);

	if (!option->wanted)
		return 0;
	batch->paths[format] = option->path ? option->path : "standard output";
	batch->files[format] = option->path ? fopen(option->path, "we") : stdout;
	if (!batch->files[format])
		return error_setf(error, errno, "%s: %s", option->path, strerror(errno));
	if (!formats[format].head)
		return 0;
	formats[format].head(&batch->text);
	return flush_text(batch, format, error);
}

int batch_open(struct batch **out, const struct options *options, const struct source_info *info,
	       struct error *error)
{
	struct batch *batch = calloc(1, sizeof *batch);
	int result = 0;

	if (!batch)
		return error_setf(error, ENOMEM, "out of memory");
	batch->options = options;
	batch->info = info;
	for (size_t i = 0; i < FORMAT_COUNT && !result; i++)
		result = open_output(batch, i, error);
	if (result) {
		batch_close(batch, NULL);
		return result;
	}
	*out = batch;
	return 0;
}

int batch_put(struct batch *batch, const struct snapshot *snapshot, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < FORMAT_COUNT && !result; i++) {
		if (!batch->files[i])
			continue;
		result = formats[i].put(batch, snapshot, error);
		if (!result)
			result = flush_text(batch, i, error);
	}
	return result;
}

int batch_close(struct batch *batch, struct error *error)
{
	int result = 0;

	if (!batch)
		return 0;
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (batch->files[i] && batch->files[i] != stdout && fclose(batch->files[i]))
			result = error_setf(error, errno, "%s: %s", batch->paths[i],
					    strerror(errno));
	rows_clear(&batch->rows);
	text_free(&batch->text);
	free(batch);
	return result;
}
