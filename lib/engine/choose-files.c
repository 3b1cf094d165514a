/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/choose-files.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/rootfs.h"

const char *weights_files_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void weights_files_forget(struct recording_file *file)
{
	free(file->path);
	free(file->text);
	*file = (struct recording_file){ 0 };
}

/* --- folders -------------------------------------------------------------------------------- */

static int add_folder(struct weights_files *files, const char *path, size_t length)
{
	char **folder;

	if (length == 0)
		return 0;
	folder = MEMORY_APPEND(&files->folders);
	if (!folder)
		return -ENOMEM;
	*folder = strndup(path, length);
	return *folder ? 0 : -ENOMEM;
}

static int add_named_folders(struct weights_files *files, const char *list)
{
	int result = 0;

	while (list && *list && result == 0) {
		size_t length = strcspn(list, ":");

		result = add_folder(files, list, length);
		list += length + (list[length] == ':');
	}
	return result;
}

/* weights/ beside build/, wherever below build/ the program lies. */
static int add_tree_folder(struct weights_files *files)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - sizeof "/weights");
	char *build = NULL;

	if (length < 0)
		return 0;
	path[length] = '\0';
	for (char *next = strstr(path, "/build/"); next; next = strstr(next + 1, "/build/"))
		build = next;
	if (!build)
		return 0;
	strcpy(build, "/weights");
	return add_folder(files, path, strlen(path));
}

int weights_files_find_folders(struct weights_files *files)
{
	static const char installed[] = VMENERGY_DATADIR "/weights";
	int result = add_named_folders(files, getenv("VMENERGY_WEIGHTS"));

	if (result == 0)
		result = add_tree_folder(files);
	return result ? result : add_folder(files, installed, strlen(installed));
}

void weights_files_name_folders(const struct weights_files *files, struct text *text)
{
	for (size_t i = 0; i < files->folders.count; i++)
		text_addf(text, "%s%s", i ? ":" : "", files->folders.items[i]);
	if (!text->bytes)
		text_add(text, "");
}

/* --- files ---------------------------------------------------------------------------------- */

bool weights_files_is_name(const char *name)
{
	size_t length = strlen(name);

	return name[0] != '.' && length > strlen(WEIGHTS_SUFFIX) &&
	       strcmp(name + length - strlen(WEIGHTS_SUFFIX), WEIGHTS_SUFFIX) == 0;
}

/* Read and parse one file: 0, -EINVAL having told `warnings`, or another -errno. */
int weights_files_load(struct weights_files *files, const char *path, size_t folder)
{
	const struct rootfs real = { .prefix = (char[]){ "" } };
	struct weights_file *loaded, fresh = { .folder = folder };
	int result = -ENOMEM;
	long length = rootfs_read_allf(&real, &fresh.file.text, "%s", path);

	if (length < 0)
		return (int)length;
	fresh.file.path = strdup(path);
	if (fresh.file.path)
		result = weights_parse(path, fresh.file.text, (size_t)length, &fresh.weights,
				       files->warnings);
	loaded = result == 0 ? MEMORY_APPEND(files) : NULL;
	if (loaded) {
		*loaded = fresh;
		return 0;
	}
	weights_free(fresh.weights);
	weights_files_forget(&fresh.file);
	return result ? result : -ENOMEM;
}

static bool is_shadowed(const struct weights_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(weights_files_base_name(files->items[i].file.path), name) == 0)
			return true;
	return false;
}

static int order_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int load_one_of_folder(struct weights_files *files, size_t folder, const char *name)
{
	struct text path = { 0 };
	int result = -ENOMEM;

	text_addf(&path, "%s/%s", files->folders.items[folder], name);
	if (!path.failed)
		result = weights_files_load(files, path.bytes, folder);
	if (result < 0 && result != -EINVAL && result != -ENOMEM)
		error_list_addf(files->warnings, "%s: %s", path.bytes, strerror(-result));
	text_free(&path);
	return result == -ENOMEM ? result : 0;
}

/* All *.weights of a folder in the order of their names. A folder that is not there is empty. */
int weights_files_load_folder(struct weights_files *files, size_t folder)
{
	struct {
		char **items;
		size_t count, capacity;
	} names = { NULL, 0, 0 };
	DIR *directory = opendir(files->folders.items[folder]);
	int result = 0;

	for (struct dirent *entry; directory && result == 0 && (entry = readdir(directory));) {
		char **name = weights_files_is_name(entry->d_name) ? MEMORY_APPEND(&names) : NULL;

		if (name)
			*name = strdup(entry->d_name);
		if (weights_files_is_name(entry->d_name) && (!name || !*name))
			result = -ENOMEM;
	}
	if (result == 0 && names.count)
		qsort(names.items, names.count, sizeof *names.items, order_names);
	for (size_t i = 0; i < names.count && result == 0; i++)
		if (!is_shadowed(files, names.items[i]))
			result = load_one_of_folder(files, folder, names.items[i]);
	for (size_t i = 0; i < names.count; i++)
		free(names.items[i]);
	free(names.items);
	if (directory)
		closedir(directory);
	return result;
}

void weights_files_clear(struct weights_files *files)
{
	for (size_t i = 0; i < files->folders.count; i++)
		free(files->folders.items[i]);
	free(files->folders.items);
	for (size_t i = 0; i < files->count; i++) {
		weights_free(files->items[i].weights);
		weights_files_forget(&files->items[i].file);
	}
	free(files->items);
}
