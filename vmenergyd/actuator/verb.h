/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verb.h - what the daemon tells its privileged child to do, and what came of it. */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_VERB_H
#define VMENERGY_VMENERGYD_ACTUATOR_VERB_H

#include "vmenergyd/actuator/actuator.h"

enum verb_kind {
	VERB_GET, /* read the knob */
	VERB_SET, /* write it, then read it back */
};

struct verb {
	uint64_t seq; /* chosen by who sends; comes back in `applied` */
	enum verb_kind kind;
	struct target target;
	struct knob_value value; /* GET: only value.knob is looked at */
};

struct applied {
	uint64_t seq;
	/* 0 or -errno. -EAGAIN: too many wait; nothing is wrong: send it again later. -ECANCELED: a
	 * newer one replaced it. -ENOENT, -ESRCH: the domain is gone. */
	int result;
	bool by_failsafe;        /* libvirt was silent for 10 s: the cgroup was written directly */
	struct knob_value value; /* in force now; only when result is 0 */
	char actuator[16];       /* that served; "" = none */
	struct error error;
};

#endif
