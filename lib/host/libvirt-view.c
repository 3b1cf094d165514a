/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void libvirt_disk_clear(struct libvirt_disk *disk)
{
	free(disk->target);
	free(disk->type);
	free(disk->source);
	free(disk->path_seen);
	*disk = (struct libvirt_disk){ 0 };
}

void libvirt_domain_clear(struct libvirt_domain *domain)
{
	for (size_t i = 0; i < domain->disk_count; i++)
		libvirt_disk_clear(&domain->disks[i]);
	free(domain->disks);
	free(domain->uuid);
	free(domain->name);
	free(domain->owner);
	free(domain->display_name);
	free(domain->reason);
	*domain = (struct libvirt_domain){ 0 };
}

static int disk_copy(struct libvirt_disk *to, const struct libvirt_disk *from)
{
	*to = *from;
	to->target = to->type = to->source = to->path_seen = NULL;
	if (text_replace(&to->target, from->target) || text_replace(&to->type, from->type) ||
	    text_replace(&to->source, from->source))
		return -ENOMEM;
	return 0;
}

static int domain_copy_texts(struct libvirt_domain *to, const struct libvirt_domain *from)
{
	if (text_replace(&to->uuid, from->uuid) || text_replace(&to->name, from->name) ||
	    text_replace(&to->owner, from->owner) ||
	    text_replace(&to->display_name, from->display_name) ||
	    text_replace(&to->reason, from->reason))
		return -ENOMEM;
	return 0;
}

int libvirt_domain_copy(struct libvirt_domain *to, const struct libvirt_domain *from)
{
	*to = *from;
	to->uuid = to->name = to->owner = to->display_name = to->reason = NULL;
	to->disk_count = 0;
	to->disks = from->disk_count ? calloc(from->disk_count, sizeof *to->disks) : NULL;
	if (from->disk_count && !to->disks)
		goto fail;
	for (size_t i = 0; i < from->disk_count; i++) {
		to->disk_count++;
		if (disk_copy(&to->disks[i], &from->disks[i]))
			goto fail;
	}
	if (!domain_copy_texts(to, from))
		return 0;
fail:
	libvirt_domain_clear(to);
	return -ENOMEM;
}

static bool disk_equal(const struct libvirt_disk *a, const struct libvirt_disk *b)
{
	return text_equal(a->target, b->target) && text_equal(a->type, b->type) &&
	       text_equal(a->source, b->source) && a->direct == b->direct &&
	       a->iothread == b->iothread;
}

bool libvirt_domain_equal(const struct libvirt_domain *a, const struct libvirt_domain *b)
{
	if (!text_equal(a->uuid, b->uuid) || !text_equal(a->name, b->name) ||
	    !text_equal(a->owner, b->owner) || !text_equal(a->display_name, b->display_name) ||
	    !text_equal(a->reason, b->reason) || a->state != b->state ||
	    a->transient != b->transient || a->vcpus != b->vcpus ||
	    a->cpu_shares != b->cpu_shares || a->disk_count != b->disk_count)
		return false;
	for (size_t i = 0; i < a->disk_count; i++)
		if (!disk_equal(&a->disks[i], &b->disks[i]))
			return false;
	return true;
}

/* Of a view that nobody else has. */
static void view_free(struct libvirt_view *view)
{
	for (size_t i = 0; i < view->domain_count; i++)
		libvirt_domain_clear(&view->domains[i]);
	free(view->domains);
	free(view->uri);
	free(view->trouble);
	free(view);
}

struct libvirt_view *libvirt_view_new(const char *uri, size_t count)
{
	struct libvirt_view *view = calloc(1, sizeof *view);

	if (!view)
		return NULL;
	view->references = 1;
	view->domains = count ? calloc(count, sizeof *view->domains) : NULL;
	view->domain_count = view->domains ? count : 0;
	if ((count && !view->domains) || text_replace(&view->uri, uri)) {
		view_free(view);
		return NULL;
	}
	return view;
}

struct libvirt_view *libvirt_view_clone(const struct libvirt_view *view, const char *uri)
{
	struct libvirt_view *clone = libvirt_view_new(uri, view ? view->domain_count : 0);

	if (!clone || !view)
		return clone;
	clone->generation = view->generation;
	clone->published_ns = view->published_ns;
	clone->stats_seq = view->stats_seq;
	clone->lost_ns = view->lost_ns;
	for (size_t i = 0; i < view->domain_count; i++)
		if (libvirt_domain_copy(&clone->domains[i], &view->domains[i]))
			goto fail;
	if (!text_replace(&clone->trouble, view->trouble))
		return clone;
fail:
	view_free(clone);
	return NULL;
}

/* The count is the one thing that changes in a published view: readers get it const. */
static unsigned *count_of(const struct libvirt_view *view)
{
	return &((struct libvirt_view *)(uintptr_t)view)->references;
}

const struct libvirt_view *libvirt_view_ref(const struct libvirt_view *view)
{
	if (view)
		__atomic_add_fetch(count_of(view), 1, __ATOMIC_RELAXED);
	return view;
}

void libvirt_view_unref(const struct libvirt_view *view)
{
	if (view && __atomic_sub_fetch(count_of(view), 1, __ATOMIC_ACQ_REL) == 0)
		view_free((struct libvirt_view *)(uintptr_t)view);
}

bool libvirt_view_same_domains(const struct libvirt_view *a, const struct libvirt_view *b)
{
	if (a->domain_count != b->domain_count)
		return false;
	for (size_t i = 0; i < a->domain_count; i++)
		if (!libvirt_domain_equal(&a->domains[i], &b->domains[i]))
			return false;
	return true;
}
