/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/choose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/choose-files.h"

/* --- emulated machines ---------------------------------------------------------------------- */

#define EMULATED "EMULATED"

bool weights_is_emulated(const struct weights *weights)
{
	const struct weights_match *match = &weights->match;

	return (match->vendor && strcmp(match->vendor, "emulated") == 0) ||
	       (weights->name && strncmp(weights->name, EMULATED, strlen(EMULATED)) == 0) ||
	       (weights->source && strstr(weights->source, EMULATED));
}

/* Whoever wrote the file: nothing was measured. */
static void mark_emulated(struct weights *weights)
{
	if (weights_is_emulated(weights))
		weights->standing = STANDING_ESTIMATE;
}

static const char *prefix_of(const struct weights *weights)
{
	return weights_is_emulated(weights) ? EMULATED ", no machine was measured: " : "";
}

/* --- the CPU's file ------------------------------------------------------------------------- */

/*
 * "; from 14 servers, idle +-10 %" as far as the file says so. What it says of its own machine's
 * error says nothing of another one's.
 */
static void describe(const struct weights *weights, bool is_foreign, struct text *why)
{
	const struct operating_point *point = &weights->points[weights->point_count - 1];
	const char *join = "; ";

	if (weights->servers) {
		text_addf(why, "%sfrom %llu server%s", join, (unsigned long long)weights->servers,
			  weights->servers == 1 ? "" : "s");
		join = ", ";
	}
	if (!is_foreign && point->base_se_w >= 0 && point->base_w > 0)
		text_addf(why, "%sidle +-%.0f %%", join, 100 * point->base_se_w / point->base_w);
}

/* `reason` NULL: it was asked for, and is made for another machine. */
static int take_cpu(struct weights_file *loaded, const char *reason, struct weights_choice *choice)
{
	struct text why = { 0 };

	text_addf(&why, "%s%s: %s", prefix_of(loaded->weights),
		  weights_files_base_name(loaded->file.path),
		  reason ? reason : "as asked for, though made for another machine");
	describe(loaded->weights, !reason, &why);
	if (why.failed) {
		text_free(&why);
		return -ENOMEM;
	}
	choice->why = why.bytes;
	choice->cpu = loaded->weights;
	choice->cpu_file = loaded->file;
	mark_emulated(choice->cpu);
	loaded->weights = NULL;
	loaded->file = (struct recording_file){ 0 };
	return 0;
}

static struct weights_file *best_of_folder(struct weights_files *files, size_t folder,
					   const struct weights_request *request)
{
	struct weights_file *best = NULL;
	unsigned best_score = 0;

	for (size_t i = 0; i < files->count; i++) {
		struct weights_file *loaded = &files->items[i];
		unsigned score = loaded->folder != folder
					 ? 0
					 : weights_match_cpu(loaded->weights, request->cpu,
							     request->source, NULL);

		if (score > best_score) {
			best = loaded;
			best_score = score;
		}
	}
	return best;
}

static int choose_auto(struct weights_files *files, const struct weights_request *request,
		       struct weights_choice *choice, struct error *error)
{
	struct weights_file *best = NULL;
	struct text text = { 0 };
	int result;

	for (size_t i = 0; i < files->folders.count && !best; i++)
		best = best_of_folder(files, i, request);
	if (best) {
		weights_match_cpu(best->weights, request->cpu, request->source, &text);
		result = text.failed ? -ENOMEM : take_cpu(best, text.bytes, choice);
	} else {
		weights_files_name_folders(files, &text);
		result = error_setf(error, ENOENT, "no weights file for %s on CPU \"%s\" in %s",
				    cpu_source_name(request->source), request->cpu->model_name,
				    text.failed ? "?" : text.bytes);
	}
	text_free(&text);
	return result;
}

/* Where the file that was asked for lies: *path, or -ENOENT. */
static int find_named(const struct weights_files *files, const char *spec, struct text *path)
{
	const char *ending = weights_files_is_name(spec) ? "" : WEIGHTS_SUFFIX;

	if (strchr(spec, '/')) {
		text_add(path, spec);
		return path->failed ? -ENOMEM : 0;
	}
	for (size_t i = 0; i < files->folders.count; i++) {
		text_reset(path);
		text_addf(path, "%s/%s%s", files->folders.items[i], spec, ending);
		if (path->failed)
			return -ENOMEM;
		if (access(path->bytes, F_OK) == 0)
			return 0;
	}
	/* Last, so that a stray file does not hide one that is meant. */
	text_reset(path);
	text_add(path, spec);
	return path->failed ? -ENOMEM : access(spec, F_OK) == 0 ? 0 : -ENOENT;
}

static struct weights_file *find_loaded(struct weights_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].file.path, path) == 0)
			return &files->items[i];
	return NULL;
}

/* The first mistake of a file that was read, or NULL. */
static const char *find_mistake(const struct weights_files *files, const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < files->warnings->count; i++) {
		const char *text = files->warnings->texts[i];

		if (strncmp(text, path, length) == 0 && text[length] == ':')
			return text;
	}
	return NULL;
}

/* Read it, unless its folder has brought it already. */
static int load_named(struct weights_files *files, const char *path, struct error *error)
{
	int result = 0;

	if (!find_loaded(files, path) && !find_mistake(files, path))
		result = weights_files_load(files, path, files->folders.count);
	if (find_mistake(files, path))
		return error_setf(error, EINVAL, "%s", find_mistake(files, path));
	return result ? error_setf(error, -result, "%s: %s", path, strerror(-result)) : 0;
}

static int choose_named(struct weights_files *files, const struct weights_request *request,
			struct weights_choice *choice, struct error *error)
{
	struct text path = { 0 }, folders = { 0 };
	struct weights_file *loaded;
	int result = find_named(files, request->spec, &path);

	if (result == -ENOENT) {
		weights_files_name_folders(files, &folders);
		error_setf(error, ENOENT, "weights %s: no such file in %s", request->spec,
			   folders.failed ? "?" : folders.bytes);
	} else if (result == 0) {
		result = load_named(files, path.bytes, error);
	}
	if (result == 0) {
		loaded = find_loaded(files, path.bytes);
		if (!loaded)
			result = -ENOMEM;
		else if (weights_prices(loaded->weights, request->source))
			result = take_cpu(loaded,
					  weights_match_cpu(loaded->weights, request->cpu,
							    request->source, NULL)
						  ? "as asked for"
						  : NULL,
					  choice);
		else
			result = error_setf(error, ENOENT, "%s: has no prices for %s",
					    loaded->file.path, cpu_source_name(request->source));
	}
	text_free(&folders);
	text_free(&path);
	return result;
}

/* --- the choice ----------------------------------------------------------------------------- */

struct candidates { /* of one kind, where the choice has them */
	struct weights ***items;
	struct recording_file **files;
	size_t *count;
};

static struct candidates disks_of(struct weights_choice *choice)
{
	return (struct candidates){ &choice->disks, &choice->disk_files, &choice->disk_count };
}

static struct candidates nics_of(struct weights_choice *choice)
{
	return (struct candidates){ &choice->nics, &choice->nic_files, &choice->nic_count };
}

static int make_room(struct candidates to, size_t count)
{
	struct weights **items = calloc(count ? count : 1, sizeof(*items));
	struct recording_file *files = calloc(count ? count : 1, sizeof *files);

	*to.items = items;
	*to.files = files;
	return items && files ? 0 : -ENOMEM;
}

static int take_kind(struct weights_files *files, enum weights_kind kind, struct candidates to)
{
	if (make_room(to, files->count))
		return -ENOMEM;
	for (size_t i = 0; i < files->count; i++) {
		struct weights_file *loaded = &files->items[i];

		if (!loaded->weights || loaded->weights->kind != kind)
			continue;
		mark_emulated(loaded->weights);
		(*to.items)[*to.count] = loaded->weights;
		(*to.files)[(*to.count)++] = loaded->file;
		loaded->weights = NULL;
		loaded->file = (struct recording_file){ 0 };
	}
	return 0;
}

static int choose_cpu(struct weights_files *files, const struct weights_request *request,
		      struct weights_choice *choice, struct error *error)
{
	bool automatic = !request->spec || strcmp(request->spec, "auto") == 0;

	choice->source = request->source;
	return automatic ? choose_auto(files, request, choice, error)
			 : choose_named(files, request, choice, error);
}

/* The same files once more, which are read by now; `error` keeps why it came to this. */
static int choose_for_time(struct weights_files *files, const struct weights_request *request,
			   struct weights_choice *choice, struct error *error)
{
	struct weights_request time = *request;
	struct error of_time = { "" };
	int result;

	time.source = CPU_SOURCE_CPUTIME;
	result = choose_cpu(files, &time, choice, &of_time);
	return result ? error_setf(error, -result, "%s", of_time.text) : 0;
}

int weights_choose(const struct weights_request *request, struct weights_choice *choice,
		   struct error_list *warnings, struct error *error)
{
	struct weights_files files = { .warnings = warnings };
	int result;

	*choice = (struct weights_choice){ 0 };
	result = weights_files_find_folders(&files);
	for (size_t i = 0; i < files.folders.count && result == 0; i++)
		result = weights_files_load_folder(&files, i);
	if (result == 0)
		result = choose_cpu(&files, request, choice, error);
	if (result == -ENOENT && request->or_time)
		result = choose_for_time(&files, request, choice, error);
	if (result == 0 && weights_is_emulated(choice->cpu))
		error_list_addf(warnings,
				"%s: " EMULATED ", no machine was measured: what it makes of this "
				"one is for trying the program",
				choice->cpu_file.path);
	if (result == 0)
		result = take_kind(&files, WEIGHTS_DISK, disks_of(choice));
	if (result == 0)
		result = take_kind(&files, WEIGHTS_NIC, nics_of(choice));
	if (result == -ENOMEM)
		error_setf(error, ENOMEM, "weights: out of memory");
	weights_files_clear(&files);
	if (result)
		weights_choice_free(choice);
	return result;
}

/* Parse one recorded text and keep a copy of it. */
static int restore(const struct recording_file *recorded, struct weights **weights,
		   struct recording_file *file, struct error_list *errors)
{
	if (!recorded->path || !recorded->text)
		return -EINVAL;
	file->path = strdup(recorded->path);
	file->text = strdup(recorded->text);
	if (!file->path || !file->text)
		return -ENOMEM;
	return weights_parse(file->path, file->text, strlen(file->text), weights, errors);
}

struct texts {
	const struct recording_file *items;
	size_t count;
};

static int restore_kind(struct texts texts, struct candidates to, struct error_list *errors)
{
	int result = make_room(to, texts.count);

	for (size_t i = 0; i < texts.count && result == 0; i++) {
		++*to.count;
		result = restore(&texts.items[i], &(*to.items)[i], &(*to.files)[i], errors);
		if (result == 0)
			mark_emulated((*to.items)[i]);
	}
	return result;
}

int weights_choice_from_texts(const struct recording_header *header, struct weights_choice *choice,
			      struct error_list *errors, struct error *error)
{
	int result;

	*choice = (struct weights_choice){ .source = header->events.source };
	result = restore(&header->cpu_weights, &choice->cpu, &choice->cpu_file, errors);
	if (result == 0) {
		mark_emulated(choice->cpu);
		result = restore_kind(
			(struct texts){ header->disk_weights, header->disk_weights_count },
			disks_of(choice), errors);
	}
	if (result == 0)
		result = restore_kind(
			(struct texts){ header->nic_weights, header->nic_weights_count },
			nics_of(choice), errors);
	if (result == 0) {
		choice->why = strdup(header->cpu_weights_why ? header->cpu_weights_why : "");
		result = choice->why ? 0 : -ENOMEM;
	}
	if (result) {
		error_setf(error, -result, "the recording's weights: %s",
			   errors->count ? errors->texts[0] : strerror(-result));
		weights_choice_free(choice);
	}
	return result;
}

const struct weights *weights_choice_disk(const struct weights_choice *choice,
					  const struct disk *disk, struct text *why)
{
	const struct weights *best = NULL;
	unsigned best_score = 0;

	for (size_t i = 0; i < choice->disk_count; i++) {
		unsigned score = weights_match_disk(choice->disks[i], disk, NULL);

		if (score > best_score) {
			best = choice->disks[i];
			best_score = score;
		}
	}
	if (best && why) {
		text_addf(why, "%s%s: ", prefix_of(best), weights_files_base_name(best->path));
		weights_match_disk(best, disk, why);
	}
	return best;
}

static void free_kind(struct candidates of)
{
	for (size_t i = 0; i < *of.count; i++) {
		weights_free((*of.items)[i]);
		weights_files_forget(&(*of.files)[i]);
	}
	free(*of.items);
	free(*of.files);
}

void weights_choice_free(struct weights_choice *choice)
{
	weights_free(choice->cpu);
	free(choice->why);
	weights_files_forget(&choice->cpu_file);
	free_kind(disks_of(choice));
	free_kind(nics_of(choice));
	*choice = (struct weights_choice){ 0 };
}
