/* SPDX-License-Identifier: GPL-3.0-or-later */
/* weights-make.h - a weights file from a fit and from what is known of the trace. */
#ifndef VMENERGY_CALIBRATE_WEIGHTS_MAKE_H
#define VMENERGY_CALIBRATE_WEIGHTS_MAKE_H

#include "base/error.h"
#include "base/text.h"
#include "calibrate/fit/fit.h"
#include "model/trace-about.h"
#include "model/weights.h"

struct weights_make {
	const struct fit *events;        /* an additive set; NULL = none */
	const struct fit *on_cpu;        /* of CPUTIME_EVENT alone; NULL = none */
	const struct trace_about *about; /* NULL = nothing is known */
	const char *name;                /* NULL: made from the CPU's model name */
	const char *source, *command;    /* provenance; NULL = not stated */
	bool has_scope;                  /* else about's */
	enum scope scope;
	unsigned cpus, chips;          /* 0: about's */
	const struct thermal *thermal; /* NULL = none */
	/* Machine or scope are no more than assumed: an estimate, and matched by no machine. */
	bool assumed;
};

/*
 * 0 and *weights (owned by the caller). -EINVAL with a sentence that says what
 * would help: joules without an interval, weights below zero, more events than a
 * file holds, machine or scope unknown. -ENOMEM. What is left out all the same
 * (replicates that do not fit, events of no weight, which would take a counter each) goes to
 * `notes`.
 */
int weights_make(const struct weights_make *make, struct weights **weights,
		 struct error_list *notes, struct error *error);

/*
 * The price of time on a CPU as it is written beside weights for events (at the highest of the
 * operating points), W per busy CPU; NaN: it does not go with their base, and is not written.
 */
double weights_make_on_cpu_w(const struct fit *events, const struct fit *on_cpu);

/* weights_print(), and proof that the text reads back as the same. -EINVAL: it does not. */
int weights_make_text(const struct weights *weights, struct text *out, struct error *error);

/* Make it, print it, and write it to PATH; notes are printed. 0 or -errno with text. */
int weights_write(const struct weights_make *make, const char *path, struct error *error);

#endif
