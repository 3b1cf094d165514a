/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-peers.c - unix sockets and their peers, from the kernel: sock_diag(7)
 * with UNIX_DIAG, whose inode numbers are those of /proc/PID/fd. It tells of our
 * own network namespace only.
 */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/proc.h"
#include "host/service.h"

struct end {                  /* a socket */
	uint64_t inode, peer; /* peer 0 = it listens, or is not connected */
	char *path;           /* bound, or accepted from one that is; NULL = none */
};

struct inodes {
	uint64_t *items;
	size_t count, capacity;
};

struct holder { /* a process, and its sockets */
	pid_t pid;
	struct inodes sockets;
};

struct service_peers {
	const struct rootfs *root;
	struct {
		struct holder *items; /* asked for so far */
		size_t count, capacity;
	} holders;
	struct end *items; /* ascending by inode */
	size_t count, capacity;
};

/* --- asking the kernel ------------------------------------------------------ */

static int request(int fd)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} message = {
		.header = { .nlmsg_len = sizeof message,
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.body = { .sdiag_family = AF_UNIX,
			  .udiag_states = UINT32_MAX,
			  .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER },
	};

	return send(fd, &message, sizeof message, 0) < 0 ? -errno : 0;
}

/* A name in the file system ends with a NUL or with the attribute; an abstract one begins with
 * a NUL. */
static int set_name(struct end *end, struct rtattr *attribute)
{
	const char *name = RTA_DATA(attribute);
	size_t length = RTA_PAYLOAD(attribute);

	if (!length || !*name)
		return 0;
	end->path = strndup(name, length);
	return end->path ? 0 : -ENOMEM;
}

static int add_end(struct service_peers *peers, struct nlmsghdr *header)
{
	struct unix_diag_msg *body = NLMSG_DATA(header);
	struct rtattr *attribute = (struct rtattr *)(body + 1);
	size_t left = header->nlmsg_len - NLMSG_LENGTH(sizeof *body);
	struct end *end;
	int result = 0;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof *body))
		return -EPROTO;
	end = MEMORY_APPEND(peers);
	if (!end)
		return -ENOMEM;
	end->inode = body->udiag_ino;
	for (; RTA_OK(attribute, left) && !result; attribute = RTA_NEXT(attribute, left)) {
		uint32_t peer;

		if (attribute->rta_type == UNIX_DIAG_NAME) {
			result = set_name(end, attribute);
		} else if (attribute->rta_type == UNIX_DIAG_PEER &&
			   RTA_PAYLOAD(attribute) >= sizeof peer) {
			memcpy(&peer, RTA_DATA(attribute), sizeof peer);
			end->peer = peer;
		}
	}
	return result;
}

/* 1 = that was all, 0 = there is more to come, or -errno. */
static int take_answer(struct service_peers *peers, int fd)
{
	_Alignas(struct nlmsghdr) char buffer[32768];
	ssize_t got = recv(fd, buffer, sizeof buffer, 0);
	size_t left = got > 0 ? (size_t)got : 0;
	struct nlmsghdr *header = (struct nlmsghdr *)buffer;
	int result = 0;

	if (got <= 0)
		return got < 0 ? -errno : -EPROTO;
	for (; NLMSG_OK(header, left) && !result; header = NLMSG_NEXT(header, left)) {
		if (header->nlmsg_type == NLMSG_DONE)
			return 1;
		if (header->nlmsg_type == NLMSG_ERROR)
			return -EPROTO;
		result = add_end(peers, header);
	}
	return result;
}

static int compare_ends(const void *first, const void *second)
{
	const struct end *a = first, *b = second;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

/* 0 or -ENOMEM: a kernel that does not tell leaves the list empty. */
static int ask(struct service_peers *peers)
{
	const struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), result;

	if (fd < 0)
		return 0;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	result = request(fd);
	while (!result)
		result = take_answer(peers, fd);
	close(fd);
	if (peers->count)
		qsort(peers->items, peers->count, sizeof *peers->items, compare_ends);
	return result == -ENOMEM ? result : 0;
}

int service_peers_open(struct service_peers **out, const struct rootfs *root)
{
	struct service_peers *peers = calloc(1, sizeof *peers);
	int result;

	*out = NULL;
	if (!peers)
		return -ENOMEM;
	peers->root = root;
	result = rootfs_is_real(root) ? ask(peers) : 0;
	if (result) {
		service_peers_close(peers);
		return result;
	}
	*out = peers;
	return 0;
}

void service_peers_close(struct service_peers *peers)
{
	if (!peers)
		return;
	for (size_t i = 0; i < peers->count; i++)
		free(peers->items[i].path);
	for (size_t i = 0; i < peers->holders.count; i++)
		free(peers->holders.items[i].sockets.items);
	free(peers->holders.items);
	free(peers->items);
	free(peers);
}

static const struct end *find(const struct service_peers *peers, uint64_t inode)
{
	struct end key = { .inode = inode };

	return inode && peers->count
		       ? bsearch(&key, peers->items, peers->count, sizeof key, compare_ends)
		       : NULL;
}

/* --- whose they are --------------------------------------------------------- */

/* "socket:[123]" */
static bool socket_of(const struct rootfs *root, pid_t pid, pid_t fd, uint64_t *inode)
{
	static const char beginning[] = "socket:[";
	char link[64];
	const char *cursor = link + strlen(beginning);

	return rootfs_linkf(root, link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)fd) > 0 &&
	       strncmp(link, beginning, strlen(beginning)) == 0 &&
	       number_scan_u64(&cursor, inode) == 0;
}

static void read_sockets(const struct rootfs *root, struct holder *holder)
{
	struct proc_ids fds = { 0 };

	proc_read_ids(root, holder->pid, "fd", &fds);
	for (size_t i = 0; i < fds.count; i++) {
		uint64_t inode, *added;

		if (!socket_of(root, holder->pid, fds.items[i].id, &inode))
			continue;
		added = MEMORY_APPEND(&holder->sockets);
		if (added)
			*added = inode;
	}
	proc_ids_clear(&fds);
}

/* Read once; valid until the next one is read. */
static const struct inodes *sockets_of(struct service_peers *peers, pid_t pid)
{
	static const struct inodes none;
	struct holder *holder;

	for (size_t i = 0; i < peers->holders.count; i++)
		if (peers->holders.items[i].pid == pid)
			return &peers->holders.items[i].sockets;
	holder = MEMORY_APPEND(&peers->holders);
	if (!holder)
		return &none;
	holder->pid = pid;
	read_sockets(peers->root, holder);
	return &holder->sockets;
}

static bool is_among(const struct inodes *inodes, uint64_t inode)
{
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->items[i] == inode)
			return true;
	return false;
}

static bool is_bound(const struct end *end, const char *path)
{
	return end && end->path && strcmp(end->path, path) == 0;
}

/* Either side may have made the socket, and the other come to it. */
static bool is_at(const struct end *end, const struct end *peer, const char *path)
{
	return !*path || is_bound(end, path) || is_bound(peer, path);
}

bool service_peers_joined(struct service_peers *peers, pid_t client, pid_t server, const char *path)
{
	const struct inodes *ours, *theirs;

	sockets_of(peers, client);
	theirs = sockets_of(peers, server);
	ours = sockets_of(peers, client);
	for (size_t i = 0; i < ours->count; i++) {
		const struct end *end = find(peers, ours->items[i]);
		const struct end *peer = end ? find(peers, end->peer) : NULL;

		if (peer && is_at(end, peer, path) && is_among(theirs, peer->inode))
			return true;
	}
	return false;
}

static pid_t holder_of(struct service_peers *peers, uint64_t inode)
{
	struct proc_ids pids = { 0 };
	pid_t found = 0;

	proc_read_ids(peers->root, 0, NULL, &pids);
	for (size_t i = 0; i < pids.count && !found; i++)
		if (is_among(sockets_of(peers, pids.items[i].id), inode))
			found = pids.items[i].id;
	proc_ids_clear(&pids);
	return found;
}

pid_t service_peers_owner(struct service_peers *peers, pid_t client, const char *path)
{
	const struct inodes *ours = sockets_of(peers, client);

	for (size_t i = 0; i < ours->count; i++) {
		const struct end *end = find(peers, ours->items[i]);
		const struct end *peer = end ? find(peers, end->peer) : NULL;

		if (peer && (is_bound(end, path) || is_bound(peer, path)))
			return holder_of(peers, peer->inode);
	}
	return 0;
}
