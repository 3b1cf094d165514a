/* SPDX-License-Identifier: GPL-3.0-or-later */
/* page-host.h - lines of the host's page: between vmetop/page-host*.c only. */
#ifndef VMENERGY_VMETOP_PAGE_HOST_H
#define VMENERGY_VMETOP_PAGE_HOST_H

#include "vmetop/page-parts.h"

/* One line; figures that it has not are NaN, and no_figures leaves their cells blank. */
struct line {
	const char *name;
	char text[128]; /* name of its own, for those made up here */
	enum style style;
	int depth;
	bool no_figures, is_long; /* the note needs all the room there is */
	double idle_w, active_w, total_w, total_j;
	unsigned quality;
	char note[PAGE_TEXT_BYTES];
};

/* Some lines of one kind. */
struct section {
	size_t (*count)(const struct frame *frame);
	void (*put)(const struct frame *frame, size_t i, struct line *line);
};
/* The host's cap, and what of it; who is held back, by what; whose limits were set by hand; what is
 * wrong. */
extern const struct section section_cap, section_cap_why, section_held, section_by_hand,
	section_trouble;

#endif
