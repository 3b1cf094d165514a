/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vmenergyd.conf(5) and its drop-ins, as files. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rootfs.h"
#include "vmenergyd/config-internal.h"

/* Whatever keeps a file from being taken is listed. */
static int load_file(const char *path, struct config *config, struct error_list *errors)
{
	struct rootfs real = { 0 };
	char *text = NULL;
	int result = rootfs_open(&real, NULL, NULL);
	long length;

	if (result)
		return -ENOMEM;
	length = rootfs_read_allf(&real, &text, "%s", path);
	if (length >= 0)
		result = config_parse_over(path, text, (size_t)length, config, errors);
	else
		result = length == -ENOENT || length == -ENOMEM ? (int)length : -EINVAL;
	if (length < 0 && length != -ENOMEM)
		error_list_addf(errors, "%s: %s", path, strerror((int)-length));
	free(text);
	rootfs_close(&real);
	return result;
}

static int is_drop_in(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name), end = strlen(".conf");

	return entry->d_name[0] != '.' && length > end &&
	       strcmp(entry->d_name + length - end, ".conf") == 0;
}

/* Bytewise, whatever the locale. */
static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* -ENOMEM ends it; of all others the first is kept. */
static int load_drop_in(const char *folder, const char *name, struct config *config,
			struct error_list *errors)
{
	char path[PATH_MAX];
	int result;

	if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_MAX) {
		error_list_addf(errors, "%s/%s: %s", folder, name, strerror(ENAMETOOLONG));
		return -EINVAL;
	}
	result = load_file(path, config, errors);
	return result == -ENOENT ? -EINVAL : result;
}

static int load_drop_ins(const char *path, struct config *config, struct error_list *errors)
{
	char folder[PATH_MAX];
	struct dirent **names = NULL;
	int count = -1, result = 0;

	if (snprintf(folder, sizeof folder, "%s.d", path) >= PATH_MAX)
		return 0;
	count = scandir(folder, &names, is_drop_in, compare);
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		error_list_addf(errors, "%s: %s", folder, strerror(errno));
		return -EINVAL;
	}
	for (int i = 0; i < count; i++) {
		int one = result == -ENOMEM
				  ? 0
				  : load_drop_in(folder, names[i]->d_name, config, errors);

		if (one == -ENOMEM || !result)
			result = one;
		free(names[i]);
	}
	free(names);
	return result;
}

/* --- the order of errors -------------------------------------------------------------------- */

/* "FILE:LINE: ..." or "FILE: ..."; line 0 = none. Length of FILE. */
static size_t find_place(const char *text, unsigned long *line)
{
	const char *colon = text;
	char *end;

	*line = 0;
	while ((colon = strchr(colon, ':')) && colon[1] != ' ') {
		*line = strtoul(colon + 1, &end, 10);
		if (end > colon + 1 && *end == ':')
			break;
		*line = 0;
		colon++;
	}
	return colon ? (size_t)(colon - text) : strlen(text);
}

/* By file, which drop-ins come after (PATH.d/...), and line; then as a text. */
static int compare_errors(const void *a, const void *b)
{
	const char *one = *(char *const *)a, *other = *(char *const *)b;
	unsigned long one_line, other_line;
	size_t one_length = find_place(one, &one_line);
	size_t other_length = find_place(other, &other_line);
	int order = memcmp(one, other, one_length < other_length ? one_length : other_length);

	if (!order && one_length != other_length)
		order = one_length < other_length ? -1 : 1;
	if (!order && one_line != other_line)
		order = one_line < other_line ? -1 : 1;
	return order ? order : strcmp(one, other);
}

void config_sort_errors(struct error_list *errors)
{
	size_t kept = 0;

	if (errors->count)
		qsort(errors->texts, errors->count, sizeof *errors->texts, compare_errors);
	for (size_t i = 0; i < errors->count; i++) {
		if (kept && strcmp(errors->texts[kept - 1], errors->texts[i]) == 0)
			free(errors->texts[i]);
		else
			errors->texts[kept++] = errors->texts[i];
	}
	errors->count = kept;
}

/* --- all files ------------------------------------------------------------------------------ */

static int load_main(const char *path, bool must_exist, struct config *config,
		     struct error_list *errors)
{
	struct error_list unheard = { 0 };
	int result = load_file(path, config, must_exist ? errors : &unheard);

	if (result == -ENOENT && !must_exist)
		result = 0;
	for (size_t i = 0; result == -EINVAL && i < unheard.count; i++)
		error_list_addf(errors, "%s", unheard.texts[i]);
	error_list_clear(&unheard);
	return result;
}

int config_read(const char *path, bool must_exist, struct config *config, struct error_list *errors)
{
	int result, more = 0;

	config_init(config);
	result = config->state_directory && config->socket && config->read_group ? 0 : -ENOMEM;
	if (!result)
		result = load_main(path, must_exist, config, errors);
	if (result != -ENOMEM)
		more = load_drop_ins(path, config, errors);
	if (more == -ENOMEM || !result)
		result = more;
	if (result == -ENOMEM) {
		config_clear(config);
		return result;
	}
	more = config_check(config, errors);
	config_sort_errors(errors);
	return result ? result : more;
}

int config_load(const char *path, bool must_exist, struct config *config, struct error_list *errors)
{
	int result = config_read(path, must_exist, config, errors);

	if (result)
		config_clear(config);
	return result;
}
