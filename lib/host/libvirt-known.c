/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libvirt-known.c - the domains that the calling thread knows, and their statistics. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "host/libvirt-view.h"

/* Where `uuid` is, or where it belongs. */
static size_t position(const struct libvirt_known_list *list, const char *uuid)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(list->items[middle].domain.uuid, uuid) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct libvirt_known *find(const struct libvirt_known_list *list, const char *uuid)
{
	size_t at = position(list, uuid);

	if (at < list->count && strcmp(list->items[at].domain.uuid, uuid) == 0)
		return &list->items[at];
	return NULL;
}

struct libvirt_known *libvirt_known_get(struct libvirt_known_list *list, const char *uuid)
{
	struct libvirt_known *known = find(list, uuid);
	struct libvirt_known fresh = { .id = -1, .need_xml = true };
	size_t at;

	if (known)
		return known;
	if (text_replace(&fresh.domain.uuid, uuid))
		return NULL;
	at = position(list, uuid);
	if (!MEMORY_APPEND(list)) {
		libvirt_domain_clear(&fresh.domain);
		return NULL;
	}
	memmove(&list->items[at + 1], &list->items[at],
		(list->count - 1 - at) * sizeof *list->items);
	list->items[at] = fresh;
	return &list->items[at];
}

static void doubt(struct libvirt_known *known)
{
	known->need_xml = true;
	known->asked_ns = 0;
}

void libvirt_known_doubt(struct libvirt_known_list *list, const char *uuid)
{
	struct libvirt_known *one = uuid ? find(list, uuid) : NULL;

	if (one)
		doubt(one);
	for (size_t i = 0; !uuid && i < list->count; i++)
		doubt(&list->items[i]);
}

void libvirt_known_sweep(struct libvirt_known_list *list, uint64_t seen)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i].seen == seen)
			list->items[kept++] = list->items[i];
		else
			libvirt_domain_clear(&list->items[i].domain);
	}
	list->count = kept;
}

void libvirt_known_clear(struct libvirt_known_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		libvirt_domain_clear(&list->items[i].domain);
	free(list->items);
	*list = (struct libvirt_known_list){ 0 };
}

struct libvirt_view *libvirt_known_view(const struct libvirt_known_list *list, const char *uri)
{
	struct libvirt_view *view = libvirt_view_new(uri, list->count);

	for (size_t i = 0; view && i < list->count; i++) {
		if (libvirt_domain_copy(&view->domains[i], &list->items[i].domain)) {
			libvirt_view_unref(view);
			return NULL;
		}
	}
	return view;
}

enum { READ_BYTES, WRITE_BYTES, READ_REQUESTS, WRITE_REQUESTS, FLUSHES, COUNTERS };
enum { HAVE_BYTES = 1 << READ_BYTES | 1 << WRITE_BYTES };
enum { HAVE_REQUESTS = 1 << READ_REQUESTS | 1 << WRITE_REQUESTS };

static const char *const counter_names[COUNTERS] = {
	[READ_BYTES] = "rd.bytes",    [WRITE_BYTES] = "wr.bytes", [READ_REQUESTS] = "rd.reqs",
	[WRITE_REQUESTS] = "wr.reqs", [FLUSHES] = "fl.reqs",
};

static struct libvirt_disk *disk_of(const struct libvirt_domain *domain, const char *target)
{
	for (size_t i = 0; target && i < domain->disk_count; i++)
		if (strcmp(domain->disks[i].target, target) == 0)
			return &domain->disks[i];
	return NULL;
}

/* Out of memory: next time. */
static void note_path(struct libvirt_figures *figures, struct libvirt_disk *disk)
{
	const char *now = figures->path, *before = disk->path_seen;

	/* The definition of such a disk names pool and volume only. */
	if (now && strcmp(disk->type, "volume") == 0)
		(void)text_replace(&disk->source, now);
	if (now && before ? strcmp(now, before) == 0 : now == before)
		return;
	/* What was not seen before may still be what the definition says. */
	if (before || strcmp(now, disk->source) != 0)
		figures->moved = true;
	(void)text_replace(&disk->path_seen, now);
}

/* What was collected of one block goes to its disk. A flush is a write without bytes (model.md 3: a
 * request's overhead); of discards libvirt does not tell. */
static void flush_block(struct libvirt_figures *figures)
{
	struct libvirt_disk *disk = disk_of(figures->domain, figures->target);

	if (disk && (figures->seen & HAVE_BYTES) == HAVE_BYTES)
		disk->io = (struct io_reading){
			.at_ns = figures->at_ns,
			.has_requests = (figures->seen & HAVE_REQUESTS) == HAVE_REQUESTS,
			.read_bytes = figures->counters[READ_BYTES],
			.write_bytes = figures->counters[WRITE_BYTES],
			.read_requests = figures->counters[READ_REQUESTS],
			.write_requests =
				figures->counters[WRITE_REQUESTS] + figures->counters[FLUSHES],
		};
	if (disk)
		note_path(figures, disk);
	figures->target = figures->path = NULL;
	figures->seen = 0;
	memset(figures->counters, 0, sizeof figures->counters);
}

void libvirt_figures_begin(struct libvirt_figures *figures, struct libvirt_domain *domain,
			   uint64_t at_ns)
{
	*figures = (struct libvirt_figures){ .domain = domain, .at_ns = at_ns };
	for (size_t i = 0; i < domain->disk_count; i++) {
		struct io_reading *io = &domain->disks[i].io;

		io->quality = io->at_ns ? QUALITY_STALE : QUALITY_MISSING;
	}
}

static void add_counter(struct libvirt_figures *figures, const char *name, uint64_t number)
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		if (strcmp(name, counter_names[i]) != 0)
			continue;
		figures->counters[i] = number;
		figures->seen |= 1u << i;
	}
}

/* "block.N.REST": REST and the number, or NULL. */
static const char *parse_block(const char *name, unsigned long *block)
{
	const char *digits = name + strlen("block.");
	char *end;

	if (strncmp(name, "block.", strlen("block.")) != 0 || *digits < '0' || *digits > '9')
		return NULL;
	*block = strtoul(digits, &end, 10);
	return *end == '.' ? end + 1 : NULL;
}

void libvirt_figures_add(struct libvirt_figures *figures, const struct libvirt_figure *figure)
{
	unsigned long block;
	const char *rest;

	if (strcmp(figure->name, "vcpu.current") == 0)
		figures->domain->vcpus = (unsigned)figure->number;
	rest = parse_block(figure->name, &block);
	if (!rest)
		return;
	figures->has_blocks = true;
	if (block != figures->block)
		flush_block(figures);
	figures->block = block;
	if (!figure->text)
		add_counter(figures, rest, figure->number);
	else if (strcmp(rest, "name") == 0)
		figures->target = figure->text;
	else if (strcmp(rest, "path") == 0)
		figures->path = figure->text;
}

void libvirt_figures_end(struct libvirt_figures *figures)
{
	flush_block(figures);
}
