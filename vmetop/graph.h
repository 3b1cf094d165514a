/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graph.h - between graph.c, which draws one for page and pane, and page-graph.c. */
#ifndef VMENERGY_VMETOP_GRAPH_H
#define VMENERGY_VMETOP_GRAPH_H

#include "vmetop/page.h"

/* The domain of the newest snapshot; NULL: there is none with this id. */
const struct snapshot_domain *graph_domain(const struct frame *frame, const char *id);

#endif
