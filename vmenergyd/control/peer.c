/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/control/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NAME_BYTES = 32, GROUPS_MAX = 65536 /* NGROUPS_MAX of Linux */ };

gid_t peer_find_group(const char *name)
{
	const struct group *group = name && *name ? getgrnam(name) : NULL;

	return group ? group->gr_gid : PEER_NO_GROUP;
}

/* --- groups -------------------------------------------------------------------------------- */

struct gid_list {
	gid_t *items;
	size_t count;
};

/* Supplementary groups as the peer connected (Linux 4.13); none where the kernel does not say. */
static int list_groups(int fd, struct gid_list *groups)
{
	socklen_t bytes = 0;

	*groups = (struct gid_list){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &bytes) == 0 || errno != ERANGE)
		return 0;
	if (bytes > GROUPS_MAX * sizeof(gid_t))
		return -E2BIG;
	groups->items = malloc(bytes);
	if (!groups->items)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups->items, &bytes) == 0)
		groups->count = bytes / sizeof(gid_t);
	return 0;
}

static bool is_member(const struct peer *peer, const struct gid_list *groups, gid_t gid)
{
	if (gid == PEER_NO_GROUP)
		return false;
	for (size_t i = 0; i < groups->count; i++)
		if (groups->items[i] == gid)
			return true;
	return peer->gid == gid;
}

/* --- names --------------------------------------------------------------------------------- */

/* Of accounts of this machine alone: a directory service that hangs must not hold up the tick. */
static void find_user(uid_t uid, char name[NAME_BYTES])
{
	const struct passwd *user;
	FILE *file = fopen("/etc/passwd", "re");

	snprintf(name, NAME_BYTES, "?");
	while (file && (user = fgetpwent(file)))
		if (user->pw_uid == uid) {
			text_printable(user->pw_name, name, NAME_BYTES);
			break;
		}
	if (file)
		fclose(file);
}

static void find_program(pid_t pid, char name[NAME_BYTES])
{
	char path[64], comm[NAME_BYTES] = "?";
	ssize_t got = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, comm, sizeof comm - 1);
		close(fd);
	}
	if (got > 0)
		comm[comm[got - 1] == '\n' ? got - 1 : got] = '\0';
	text_printable(comm, name, NAME_BYTES);
}

void peer_describe(struct peer *peer)
{
	char user[NAME_BYTES], program[NAME_BYTES];

	if (peer->who[0])
		return;
	find_user(peer->uid, user);
	find_program(peer->pid, program);
	snprintf(peer->who, sizeof peer->who, "uid %u (%s), pid %d (%s)", (unsigned)peer->uid, user,
		 (int)peer->pid, program);
}

/* --- rights -------------------------------------------------------------------------------- */

/* Our own user could as well stop us. */
static bool is_master(const struct peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

int peer_identify(int fd, const struct peer_rules *rules, struct peer *peer, struct error *error)
{
	struct ucred credentials;
	socklen_t bytes = sizeof credentials;
	struct gid_list groups;
	bool may_read;
	int result;

	*peer = (struct peer){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &bytes))
		return error_setf(error, errno, "credentials of a client: %s", strerror(errno));
	result = list_groups(fd, &groups);
	if (result)
		return error_setf(error, -result, "groups of a client: %s", strerror(-result));
	peer->pid = credentials.pid;
	peer->uid = credentials.uid;
	peer->gid = credentials.gid;
	peer->may_change = is_master(peer) || is_member(peer, &groups, rules->change_group);
	may_read = peer->may_change || is_member(peer, &groups, rules->read_group);
	free(groups.items);
	if (peer->may_change)
		peer_describe(peer);
	if (may_read)
		return 0;
	return error_setf(error, EACCES, "uid %u, pid %d may not read here", (unsigned)peer->uid,
			  (int)peer->pid);
}
