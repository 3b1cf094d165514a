/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a client's and a server's name for a door mean the same one. */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/proc.h"
#include "base/text.h"
#include "host/service.h"

/* --- paths ------------------------------------------------------------------ */

/*
 * Through the process's own root and folder, so that mount namespaces do not matter. A socket
 * in a folder that is mounted twice is the same file; a device node is its device.
 */
static int open_node(const struct rootfs *root, pid_t pid, const char *path)
{
	if (!*path)
		return -ENOENT;
	return pid ? rootfs_openf(root, O_PATH, "/proc/%d/%s%s", (int)pid,
				  *path == '/' ? "root" : "cwd/", path)
		   : rootfs_openf(root, O_PATH, "%s", path);
}

/* pid 0: in our own eyes. */
static void find_node(const struct rootfs *root, pid_t pid, const char *path,
		      struct service_address *address)
{
	int fd = open_node(root, pid, path);
	struct stat status;

	address->found = fd >= 0 && fstat(fd, &status) == 0;
	if (address->found) {
		bool device = S_ISBLK(status.st_mode);

		address->device = device ? 0 : status.st_dev;
		address->inode = device ? status.st_rdev : status.st_ino;
		address->owner = status.st_uid;
	}
	if (fd >= 0)
		close(fd);
}

/* The name that the process itself would give it; as it is where that cannot be told. */
static char *absolute(const struct rootfs *root, pid_t pid, const char *path)
{
	struct text text = { 0 };
	char cwd[PATH_MAX];

	if (*path && *path != '/' &&
	    rootfs_linkf(root, cwd, sizeof cwd, "/proc/%d/cwd", (int)pid) >= 0)
		text_addf(&text, "%s/", strcmp(cwd, "/") == 0 ? "" : cwd);
	text_add(&text, path);
	if (!text.failed)
		return text.bytes;
	text_free(&text);
	return NULL;
}

int service_locate(const struct rootfs *root, pid_t pid, struct service_address *address)
{
	free(address->path);
	address->path = absolute(root, pid, address->place);
	if (!address->path)
		return -ENOMEM;
	if (address->door != SERVICE_TCP)
		find_node(root, pid, address->place, address);
	else if (rootfs_linkf(root, address->network, sizeof address->network, "/proc/%d/ns/net",
			      (int)pid) < 0)
		address->network[0] = '\0';
	return 0;
}

static bool same_node(const struct service_address *a, const struct service_address *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool same_path(const struct service_address *a, const struct service_address *b)
{
	if (!*a->place || !*b->place)
		return false;
	if (a->found && b->found)
		return same_node(a, b);
	return strcmp(a->path, b->path) == 0;
}

/* --- whose they are --------------------------------------------------------- */

/* A program that runs as root for anybody has two users. */
bool service_may_serve(const struct rootfs *root, pid_t pid, const struct service_address *address)
{
	uid_t real, effective;

	return proc_read_uids(root, pid, &real, &effective) == 0 && real == effective &&
	       (real == 0 || (address->found && real == address->owner));
}

bool service_may_listen(const struct rootfs *root, pid_t pid, const char *path)
{
	struct service_address ours = { 0 }, theirs = { 0 };

	find_node(root, 0, path, &ours);
	find_node(root, pid, path, &theirs);
	return ours.found && (!theirs.found || same_node(&ours, &theirs)) &&
	       service_may_serve(root, pid, &ours);
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
static bool same_network(const struct service_address *a, const struct service_address *b)
{
	return !a->network[0] || !b->network[0] || strcmp(a->network, b->network) == 0;
}

static bool same_port(const struct rootfs *root, const struct service_address *server,
		      const struct service_address *client)
{
	if (!server->port || !client->port || strcmp(server->port, client->port) != 0)
		return false;
	if (is_loopback(client->place))
		return same_network(server, client);
	return strcmp(client->place, server->place) == 0 || is_this_machine(root, client->place);
}

/* --- both ------------------------------------------------------------------- */

static bool same_export(const char *theirs, const char *wanted)
{
	return strcmp(theirs ? theirs : "", wanted ? wanted : "") == 0;
}

bool service_same_door(const struct rootfs *root, const struct service_address *server,
		       const struct service_address *client)
{
	if (server->door != client->door || !same_export(server->export, client->export))
		return false;
	return server->door == SERVICE_TCP ? same_port(root, server, client)
					   : same_path(server, client);
}
