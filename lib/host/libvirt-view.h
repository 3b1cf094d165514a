/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-view.h - inside this room: making, copying and comparing what
 * libvirt.h publishes, and the list of domains that the calling thread keeps.
 */
#ifndef VMENERGY_HOST_LIBVIRT_VIEW_H
#define VMENERGY_HOST_LIBVIRT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/libvirt.h"

void libvirt_disk_clear(struct libvirt_disk *disk);
void libvirt_domain_clear(struct libvirt_domain *domain);
/* Deep copy into an uninitialised struct. 0 or -ENOMEM (then *to is clear). */
int libvirt_domain_copy(struct libvirt_domain *to, const struct libvirt_domain *from);
/* Statistics aside. */
bool libvirt_domain_equal(const struct libvirt_domain *a, const struct libvirt_domain *b);

/* Room for `count` cleared domains, one reference, uri copied; NULL when out of memory. */
struct libvirt_view *libvirt_view_new(const char *uri, size_t count);
/* A deep copy with one reference; `view` NULL gives an empty one. */
struct libvirt_view *libvirt_view_clone(const struct libvirt_view *view, const char *uri);
const struct libvirt_view *libvirt_view_ref(const struct libvirt_view *view);
bool libvirt_view_same_domains(const struct libvirt_view *a, const struct libvirt_view *b);

/* A domain as the calling thread works on it between two views. */
struct libvirt_known {
	struct libvirt_domain domain;
	int id;            /* libvirt's number of this run of the domain; -1 = none yet */
	bool need_xml;     /* its definition must be read (again) */
	uint64_t asked_ns; /* when it was last asked for; 0 = ask at once */
	uint64_t seen;     /* the last round that listed it */
};

struct libvirt_known_list { /* ascending by UUID; start from {0} */
	struct libvirt_known *items;
	size_t count, capacity;
};

/* The entry of `uuid`, made if there is none (id -1, need_xml); NULL when out of memory.
 * Valid until the next call. */
struct libvirt_known *libvirt_known_get(struct libvirt_known_list *list, const char *uuid);
/* Read the definition of `uuid` again, of all domains when NULL. */
void libvirt_known_doubt(struct libvirt_known_list *list, const char *uuid);
/* Drop what round `seen` did not list. */
void libvirt_known_sweep(struct libvirt_known_list *list, uint64_t seen);
void libvirt_known_clear(struct libvirt_known_list *list);
/* A view of copies, or NULL when out of memory. */
struct libvirt_view *libvirt_known_view(const struct libvirt_known_list *list, const char *uri);

/*
 * Statistics of one domain, figure by figure as libvirt names them
 * ("block.0.name", "block.0.rd.bytes", "vcpu.current"), in any order within
 * one block's number. begin marks every disk as not read; a disk counts as
 * read when both byte counters came. libvirt sends no event for a medium that
 * was put in or taken out: the path tells.
 */
struct libvirt_figures {
	struct libvirt_domain *domain;
	uint64_t at_ns;
	unsigned long block; /* number of the block that is being collected */
	const char *target, *path;
	unsigned seen; /* bits of the counters that came */
	uint64_t counters[5];
	bool has_blocks; /* any figure of a block came, be it only its name */
	bool moved;      /* a disk's path is another than before: its definition is out of date */
};
struct libvirt_figure {
	const char *name;
	const char *text; /* of a text figure; NULL otherwise. Borrowed until the end */
	uint64_t number;
};
void libvirt_figures_begin(struct libvirt_figures *figures, struct libvirt_domain *domain,
			   uint64_t at_ns);
void libvirt_figures_add(struct libvirt_figures *figures, const struct libvirt_figure *figure);
void libvirt_figures_end(struct libvirt_figures *figures);

#endif
