/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * complaints.h - how often the log speaks of one user: whoever may connect must not be able to
 * fill it. No log, no clock.
 */
#ifndef VMENERGY_VMENERGYD_CONTROL_COMPLAINTS_H
#define VMENERGY_VMENERGYD_CONTROL_COMPLAINTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	COMPLAINTS_A_MINUTE = 5, /* of a user */
	COMPLAINTS_USERS = 16,   /* that are told apart; more of them share a place */
};

struct complaints { /* start from {0} */
	struct complaints_user {
		uid_t uid;
		uint64_t since_ns; /* when its minute began; 0 = unused */
		unsigned said, more;
	} users[COMPLAINTS_USERS];
};

/* One more of this user: is it to be said? Else it is counted. */
bool complaints_add(struct complaints *complaints, uid_t uid, uint64_t now_ns);
/* Of a minute that is over: how many were left out, and whose; 0 = none any more. */
unsigned complaints_left_out(struct complaints *complaints, uint64_t now_ns, uid_t *uid);

#endif
