/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/libvirt-socket.h"

#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const socket_names[] = { "libvirt-sock", "virtqemud-sock" };
enum { SOCKET_NAMES = sizeof socket_names / sizeof *socket_names };

/* Where libvirt looks: g_get_user_runtime_dir() of GLib, then "libvirt". */
static int session_folder(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (runtime && *runtime)
		return snprintf(path, size, "%s/libvirt", runtime);
	if (cache && *cache)
		return snprintf(path, size, "%s/libvirt", cache);
	return snprintf(path, size, "%s/.cache/libvirt", home ? home : "");
}

static bool listens(const char *folder, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int length = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", folder, name);
	int fd;
	bool connected;

	if (length < 0 || (size_t)length >= sizeof address.sun_path)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	connected = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
	close(fd);
	return connected;
}

bool libvirt_session_runs(void)
{
	char folder[sizeof((struct sockaddr_un *)NULL)->sun_path];
	int length = session_folder(folder, sizeof folder);

	if (length < 0 || (size_t)length >= sizeof folder)
		return false;
	for (unsigned i = 0; i < SOCKET_NAMES; i++)
		if (listens(folder, socket_names[i]))
			return true;
	return false;
}

const char *libvirt_system_group(char *group, size_t size)
{
	char path[64], buffer[1024];
	struct group entry, *found;
	struct stat status;

	/* A socket of root's group leaves the decision to polkit, which knows this group. */
	snprintf(group, size, "libvirt");
	for (unsigned i = 0; i < SOCKET_NAMES; i++) {
		snprintf(path, sizeof path, "/run/libvirt/%s", socket_names[i]);
		if (stat(path, &status) || status.st_gid == 0)
			continue;
		if (getgrgid_r(status.st_gid, &entry, buffer, sizeof buffer, &found) == 0 && found)
			snprintf(group, size, "%s", entry.gr_name);
		break;
	}
	return group;
}
