/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/control/complaints.h"

#include <stddef.h>

#define MINUTE_NS UINT64_C(60000000000)

static bool is_over(const struct complaints_user *user, uint64_t now_ns)
{
	return now_ns - user->since_ns >= MINUTE_NS;
}

/* Its place; else one that is free or done with; else the last one, with whoever has that. */
static struct complaints_user *place_of(struct complaints *complaints, uid_t uid, uint64_t now_ns)
{
	struct complaints_user *place = NULL;

	for (size_t i = 0; i < COMPLAINTS_USERS; i++) {
		struct complaints_user *user = &complaints->users[i];

		if (user->since_ns && user->uid == uid)
			return user;
		if (!place && (!user->since_ns || (is_over(user, now_ns) && !user->more)))
			place = user;
	}
	if (!place)
		return &complaints->users[COMPLAINTS_USERS - 1];
	*place = (struct complaints_user){ .uid = uid, .since_ns = now_ns };
	return place;
}

bool complaints_add(struct complaints *complaints, uid_t uid, uint64_t now_ns)
{
	struct complaints_user *user = place_of(complaints, uid, now_ns);

	if (is_over(user, now_ns) && !user->more)
		*user = (struct complaints_user){ .uid = uid, .since_ns = now_ns };
	if (user->said < COMPLAINTS_A_MINUTE) {
		user->said++;
		return true;
	}
	user->more++;
	return false;
}

unsigned complaints_left_out(struct complaints *complaints, uint64_t now_ns, uid_t *uid)
{
	for (size_t i = 0; i < COMPLAINTS_USERS; i++) {
		struct complaints_user *user = &complaints->users[i];
		unsigned more = user->more;

		if (!more || !is_over(user, now_ns))
			continue;
		*uid = user->uid;
		*user = (struct complaints_user){ 0 };
		return more;
	}
	return 0;
}
