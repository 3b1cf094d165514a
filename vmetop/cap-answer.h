/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cap-answer.h - what came of a cap that a person asked a daemon for, in words. Pure. */
#ifndef VMENERGY_VMETOP_CAP_ANSWER_H
#define VMENERGY_VMETOP_CAP_ANSWER_H

#include "base/error.h"
#include "vmetop/source.h"
#include "wire/protocol.h"

/* What is known as soon as the daemon has agreed; not_saved: why it could not write it down, or
 * NULL. */
void cap_answer_agreed(const struct source_cap *cap, const char *not_saved, struct error *text);

/*
 * What holds since, from a status of the daemon after its next decision: of a cap that was taken
 * away or left to the configuration. False: there is no more to say than that it agreed.
 */
bool cap_answer_holds(const struct source_cap *cap, const struct protocol_status *status,
		      struct error *text);

#endif
