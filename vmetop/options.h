/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - vmetop's command line. */
#ifndef VMENERGY_VMETOP_OPTIONS_H
#define VMENERGY_VMETOP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"
#include "vmetop/rows.h"
#include "vmetop/ui.h"

/* An output that was asked for; path NULL = standard output. */
struct output_option {
	bool wanted;
	const char *path;
};

struct string_list {
	const char **items;
	size_t count, capacity;
};

enum { OPTIONS_KEYS = 512 };

struct options { /* strings point into argv or are owned by this process for its life */
	bool batch;
	uint64_t iterations; /* 0 = for ever */
	double interval_s;
	bool interval_chosen;   /* it is more than the default */
	bool wants_limits;      /* the reader is shown what a daemon says of its limits */
	const char *socket;     /* of a daemon that must be there; NULL = the usual, if it is */
	const char *standalone; /* why no daemon is asked; NULL = one is */
	const char *uri;
	bool without_libvirt;
	struct output_option table, csv, json;
	struct view view;
	int width;           /* cells of a table; 0 = as wide as its longest name needs */
	const char *weights; /* NULL = auto, or as recorded */
	int idle_policy;     /* enum idle_policy; -1 = vcpu, or as recorded */
	int cpu_source;      /* enum cpu_source; COUNTING_AUTO */
	double speed;        /* of a replay; 0 = as fast as it goes */
	bool mouse, without_color, without_unicode;
	enum graph_style graph_style;
	const char *config; /* preferences file; NULL = the usual one */
	bool without_config;
	bool given[OPTIONS_KEYS]; /* by key: stands on the command line */
	const char *record, *replay, *root;
	struct string_list qmp_sockets, domains;
};

/* Parse; a mistake ends the program with status 2 as argp does. */
void options_parse(struct options *options, int argc, char **argv);
void options_clear(struct options *options);

/* What was given on the command line, over what stands in `ui` (from the preferences). */
void options_apply(const struct options *options, struct ui *ui);

#endif
