/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a client's and a server's name for a door mean the same one. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "host/service.h"

/* --- paths ------------------------------------------------------------------ */

struct node { /* what a path leads to */
	bool known;
	uint64_t device, inode;
};

/*
 * Through the process's own root and folder, so that mount namespaces do not matter. A socket
 * in a folder that is mounted twice is the same file; a device node is its device.
 */
static struct node find_node(const struct rootfs *root, pid_t pid, const char *path)
{
	struct node node = { 0 };
	struct stat status;
	int fd = *path ? rootfs_openf(root, O_PATH, "/proc/%d/%s%s", (int)pid,
				      *path == '/' ? "root" : "cwd/", path)
		       : -ENOENT;

	if (fd < 0)
		return node;
	if (fstat(fd, &status) == 0)
		node = S_ISBLK(status.st_mode)
			       ? (struct node){ true, 0, status.st_rdev }
			       : (struct node){ true, status.st_dev, status.st_ino };
	close(fd);
	return node;
}

/* The name that the process itself would give it; as it is where that cannot be told. */
static void absolute(const struct rootfs *root, pid_t pid, const char *path, struct text *text)
{
	char cwd[PATH_MAX];

	if (*path != '/' && rootfs_linkf(root, cwd, sizeof cwd, "/proc/%d/cwd", (int)pid) >= 0)
		text_addf(text, "%s/", strcmp(cwd, "/") == 0 ? "" : cwd);
	text_add(text, path);
}

static bool same_path(const struct rootfs *root, pid_t server, const char *theirs, pid_t client,
		      const char *ours)
{
	struct text their_path = { 0 }, our_path = { 0 };
	struct node a, b;
	bool same;

	if (!*theirs || !*ours)
		return false;
	a = find_node(root, server, theirs);
	b = find_node(root, client, ours);
	if (a.known && b.known)
		return a.device == b.device && a.inode == b.inode;
	absolute(root, server, theirs, &their_path);
	absolute(root, client, ours, &our_path);
	same = text_equal(their_path.bytes, our_path.bytes);
	text_free(&their_path);
	text_free(&our_path);
	return same;
}

/* --- hosts ------------------------------------------------------------------ */

static bool is_loopback(const char *host)
{
	static const char *const names[] = { "",        "localhost", "::1",
					     "0.0.0.0", "::",        "ip6-localhost" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(host, names[i]) == 0)
			return true;
	return strncmp(host, "127.", 4) == 0;
}

static bool is_own_address(const char *host)
{
	struct ifaddrs *addresses, *address;
	char text[NI_MAXHOST];
	bool found = false;

	if (getifaddrs(&addresses))
		return false;
	for (address = addresses; address && !found; address = address->ifa_next) {
		int family = address->ifa_addr ? address->ifa_addr->sa_family : AF_UNSPEC;
		socklen_t length = family == AF_INET    ? sizeof(struct sockaddr_in)
				   : family == AF_INET6 ? sizeof(struct sockaddr_in6)
							: 0;

		found = length &&
			getnameinfo(address->ifa_addr, length, text, sizeof text, NULL, 0,
				    NI_NUMERICHOST) == 0 &&
			strcmp(text, host) == 0;
	}
	freeifaddrs(addresses);
	return found;
}

/* Names are not looked up: that could ask the network, and wait for it. */
static bool is_this_machine(const struct rootfs *root, const char *host)
{
	char name[HOST_NAME_MAX + 1];

	if (is_loopback(host))
		return true;
	if (!rootfs_is_real(root))
		return false;
	return (gethostname(name, sizeof name) == 0 && strcmp(name, host) == 0) ||
	       is_own_address(host);
}

/* Ports belong to a network namespace. Where it cannot be told, it is taken to be the same. */
static bool same_network(const struct rootfs *root, pid_t a, pid_t b)
{
	char first[64], second[64];

	return rootfs_linkf(root, first, sizeof first, "/proc/%d/ns/net", (int)a) < 0 ||
	       rootfs_linkf(root, second, sizeof second, "/proc/%d/ns/net", (int)b) < 0 ||
	       strcmp(first, second) == 0;
}

static bool same_port(const struct rootfs *root, pid_t server, const struct service_address *theirs,
		      pid_t client, const struct service_address *wanted)
{
	const char *host = wanted->place;

	if (!theirs->port || !wanted->port || strcmp(theirs->port, wanted->port) != 0)
		return false;
	if (is_loopback(host))
		return same_network(root, server, client);
	return strcmp(host, theirs->place) == 0 || is_this_machine(root, host);
}

/* --- both ------------------------------------------------------------------- */

static bool same_export(const char *theirs, const char *wanted)
{
	return strcmp(theirs ? theirs : "", wanted ? wanted : "") == 0;
}

bool service_same_place(const struct rootfs *root, pid_t server,
			const struct service_export *export, pid_t client,
			const struct service_address *wanted)
{
	const struct service_address *theirs = &export->address;

	if (theirs->door != wanted->door || !same_export(theirs->export, wanted->export))
		return false;
	if (theirs->door == SERVICE_TCP)
		return same_port(root, server, theirs, client, wanted);
	return same_path(root, server, theirs->place, client, wanted->place);
}
