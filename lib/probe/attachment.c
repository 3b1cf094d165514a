/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/attachment.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "probe/io-file.h"
#include "probe/kept.h"

struct thread_file {
	pid_t pid, tid;
	uint64_t start_ticks; /* of the process */
	struct kept_file io;
};

struct attachment_probe {
	struct kept_files files;
	struct thread_file *items; /* parallel to the topology's attachments */
	size_t count;
	uint64_t generation;
};

int attachment_probe_open(struct attachment_probe **out, const struct rootfs *root)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	kept_files_init(&(*out)->files, root);
	return 0;
}

static void close_all(struct thread_file *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kept_close(&items[i].io);
	free(items);
}

void attachment_probe_close(struct attachment_probe *probe)
{
	if (!probe)
		return;
	close_all(probe->items, probe->count);
	free(probe);
}

/* The old file moves over: it stays with its thread, whoever has the number. */
static bool take_old(struct attachment_probe *probe, struct thread_file *new)
{
	for (size_t i = 0; i < probe->count; i++) {
		struct thread_file *old = &probe->items[i];

		if (old->pid != new->pid || old->tid != new->tid ||
		    old->start_ticks != new->start_ticks || !old->io.path)
			continue;
		*new = *old;
		old->io = (struct kept_file){ 0 };
		return true;
	}
	return false;
}

static uint64_t start_of(const struct topology *topology, pid_t pid)
{
	for (size_t i = 0; i < topology->service_count; i++)
		if (topology->services[i].pid == pid)
			return topology->services[i].start_ticks;
	return 0;
}

int attachment_probe_follow(struct attachment_probe *probe, const struct topology *topology)
{
	struct thread_file *items = calloc(topology->attachment_count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < topology->attachment_count; i++) {
		const struct attachment *attachment = &topology->attachments[i];

		items[i].pid = attachment->pid;
		items[i].tid = attachment->tid;
		items[i].start_ticks = start_of(topology, attachment->pid);
		if (attachment->tid && !take_old(probe, &items[i]))
			kept_open(&probe->files, &items[i].io, "/proc/%d/task/%d/io",
				  (int)attachment->pid, (int)attachment->tid);
	}
	close_all(probe->items, probe->count);
	probe->items = items;
	probe->count = topology->attachment_count;
	probe->generation = topology->generation;
	return 0;
}

int attachment_probe_read(struct attachment_probe *probe, const struct topology *topology,
			  struct sample *sample)
{
	if (probe->generation != topology->generation || probe->count != topology->attachment_count)
		return -EINVAL;
	for (size_t i = 0; i < probe->count; i++) {
		struct io_reading *io = &sample->attachments[i];

		if (probe->items[i].tid && io_file_read(&probe->files, &probe->items[i].io, io))
			*io = (struct io_reading){ .quality = QUALITY_MISSING };
	}
	return 0;
}
