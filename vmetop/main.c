/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vmetop - live energy of each virtual machine. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vmetop/batch.h"
#include "vmetop/loop.h"
#include "vmetop/options.h"
#include "vmetop/preferences.h"
#include "vmetop/screen.h"
#include "vmetop/source.h"
#include "vmetop/wait.h"

/* Ctrl-C, also in the middle of a call, and a reader that has gone are good ends. */
static int judge(int result)
{
	return wait_is_over() || result == -EPIPE ? 0 : result;
}

/* A screen unless its place was asked for, or none can be had. */
static bool wants_screen(const struct options *options)
{
	bool taken = (options->json.wanted && !options->json.path) ||
		     (options->csv.wanted && !options->csv.path);

	return !options->batch && !taken && screen_is_possible();
}

/* Settings that were saved. Only a file that was named must be there. */
static void load_preferences(struct ui *ui, const struct options *options, const char *path,
			     struct error_list *errors)
{
	if (preferences_load(path, ui, errors) == -ENOENT && options->config)
		error_list_addf(errors, "%s: %s", path, strerrordesc_np(ENOENT));
}

/* What was saved; then what this terminal can show; then what the command line says. */
static void choose_ui(struct ui *ui, const struct options *options, const char *preferences,
		      struct error_list *errors)
{
	const char *no_color = getenv("NO_COLOR");

	ui_init(ui);
	if (preferences)
		load_preferences(ui, options, preferences, errors);
	if (no_color && *no_color)
		ui->color = false;
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		ui->unicode = false;
	options_apply(options, ui);
}

static int open_all(struct source *source, struct batch **batch, const struct options *options,
		    struct error *error)
{
	int result = source_open(source, options, error);

	return result ? result : batch_open(batch, options, &source->info, error);
}

static int run_screen(struct source *source, struct batch **batch, struct options *options,
		      struct error *error)
{
	char *path = options->without_config ? NULL : preferences_path(options->config);
	struct error_list errors = { 0 };
	struct ui ui;
	int result;

	choose_ui(&ui, options, path, &errors);
	options->interval_chosen |= ui.interval_s != UI_INTERVAL_S;
	options->interval_s = ui.interval_s;
	options->wants_limits = true;
	options->speed = ui.speed;
	options->table.wanted = false;
	result = open_all(source, batch, options, error);
	for (size_t i = 0; i < errors.count; i++)
		source_note(source, errors.texts[i]);
	if (!result)
		result = loop_screen(source, *batch, &ui, options->iterations, path, error);
	error_list_clear(&errors);
	ui_clear(&ui);
	free(path);
	return result;
}

static int run_batch(struct source *source, struct batch **batch, struct options *options,
		     struct error *error)
{
	int result;

	if (options->speed < 0)
		options->speed = 0;
	options->wants_limits = options->table.wanted;
	result = open_all(source, batch, options, error);
	return result ? result : loop_batch(source, *batch, options->iterations, error);
}

int main(int argc, char **argv)
{
	struct options options;
	struct source source = { 0 };
	struct batch *batch = NULL;
	struct error error = { "" };
	int result, closed = 0;

	setlocale(LC_CTYPE, "");
	wait_open();
	log_open("vmetop", LOG_LEVEL_INFO);
	options_parse(&options, argc, argv);

	result = judge(wants_screen(&options) ? run_screen(&source, &batch, &options, &error)
					      : run_batch(&source, &batch, &options, &error));
	if (result)
		log_error("%s", error.text);

	closed |= batch_close(batch, &error);
	if (closed)
		log_error("%s", error.text);
	if (source_close(&source, &error)) {
		log_error("%s", error.text);
		closed = -EIO;
	}
	options_clear(&options);
	return result || closed ? 1 : 0;
}
