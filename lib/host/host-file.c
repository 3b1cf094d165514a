/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * host-file.c - the open file of a service that is one export's alone.
 *
 * A file tells nothing of an export where another one is over it, too, or where the
 * process has it open twice: then an image of another one may lie over it.
 */
#include <errno.h>
#include <stdlib.h>

#include "host/host-internal.h"
#include "host/qemu-cmdline.h"

/* Others read and write more than what an export's client asks for, or other things. */
static bool has_files(const struct service_process *service)
{
	return service->kind == SERVICE_STORAGE_DAEMON || service->kind == SERVICE_QEMU_NBD;
}

/* NULL: it is over no file. */
static int find_path(const struct host_merge *merge, const struct service_process *service,
		     const struct service_export *export, char **real)
{
	char *path = *export->source
			     ? qemu_find_path(merge->host->root, service->pid, export->source)
			     : NULL;
	bool is_file = path && path[0] == '/';

	*real = is_file ? storage_real_path(merge->host->root, service->pid, path) : NULL;
	free(path);
	return is_file && !*real ? -ENOMEM : 0;
}

static bool is_same(const struct storage_opened *a, const struct storage_opened *b)
{
	return a->inode == b->inode && a->major == b->major && a->minor == b->minor;
}

static bool is_alone(const struct storage_opened *files, size_t count, size_t index)
{
	if (files[index].descriptors != 1 || files[index].inode == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (i != index && files[i].descriptors > 0 && is_same(&files[i], &files[index]))
			return false;
	return true;
}

/* Into `found`, parallel to its exports. */
static int look(const struct host_merge *merge, const struct service_process *service,
		struct attachment_file *found)
{
	size_t count = service->exports.count;
	struct storage_opened *files = calloc(count + 1, sizeof *files);
	int result = files ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !result; i++)
		result = find_path(merge, service, &service->exports.items[i], &files[i].path);
	if (!result)
		storage_find_opened(merge->host->root, service->pid, files, count);
	for (size_t i = 0; i < count && !result; i++) {
		const struct service_export *export = &service->exports.items[i];

		if (is_alone(files, count, i))
			found[i] = (struct attachment_file){ service->pid, files[i].major,
							     files[i].minor, files[i].inode,
							     !export->direct || export->image };
	}
	for (size_t i = 0; i < count && files; i++)
		free(files[i].path);
	free(files);
	return result;
}

int host_find_file(const struct host_merge *merge, struct host_files *files, struct host_export at,
		   struct attachment_file *file)
{
	const struct service_process *service = merge->services.items[at.provider];
	struct attachment_file **found;
	int result = 0;

	if (!has_files(service))
		return 0;
	if (!files->items) {
		files->items = calloc(merge->services.count, sizeof *files->items);
		if (!files->items)
			return -ENOMEM;
		files->count = merge->services.count;
	}
	found = &files->items[at.provider];
	if (!*found) {
		*found = calloc(service->exports.count, sizeof **found);
		result = *found ? look(merge, service, *found) : -ENOMEM;
	}
	if (!result)
		*file = (*found)[at.export];
	return result;
}

void host_clear_files(struct host_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i]);
	free(files->items);
	*files = (struct host_files){ 0 };
}
