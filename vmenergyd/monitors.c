/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/monitors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The process that listens; 0 = none, or it has no more room for waiting clients. */
static pid_t listener_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ucred peer = { 0 };
	socklen_t bytes = sizeof peer;

	if (fd < 0)
		return 0;
	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes))
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

static bool is_among(const pid_t *pids, size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (pids[i] == pid)
			return true;
	return false;
}

int monitors_open(struct monitors *monitors, const struct config_strings *sockets,
		  struct error *error)
{
	pid_t *pids = calloc(sockets->count + 1, sizeof *pids);

	monitors->account = calloc(sockets->count + 1, sizeof *monitors->account);
	monitors->limits = calloc(sockets->count + 1, sizeof *monitors->limits);
	if (!pids || !monitors->account || !monitors->limits) {
		free(pids);
		return error_setf(error, ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < sockets->count; i++) {
		pids[i] = listener_of(sockets->items[i]);
		if (pids[i] && is_among(pids, i, pids[i]))
			monitors->limits[monitors->limit_count++] =
				(struct place_socket){ pids[i], sockets->items[i] };
		else
			monitors->account[monitors->account_count++] = sockets->items[i];
	}
	free(pids);
	return 0;
}

void monitors_close(struct monitors *monitors)
{
	free(monitors->account);
	free(monitors->limits);
	*monitors = (struct monitors){ 0 };
}

void monitors_refresh(struct monitors *monitors)
{
	for (size_t i = 0; i < monitors->limit_count; i++)
		monitors->limits[i].pid = listener_of(monitors->limits[i].path);
}
