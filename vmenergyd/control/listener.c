/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/control/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "vmenergyd/control/peer.h"

enum { BACKLOG = 32 };

static int failed(const char *path, const char *what, struct error *error)
{
	int errnum = errno;

	return error_setf(error, errnum, "%s: %s: %s", path, what, strerror(errnum));
}

static int fill_address(const char *path, struct sockaddr_un *address, struct error *error)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address->sun_path)
		return error_setf(error, ENAMETOOLONG, "%s: at most %zu bytes", path,
				  sizeof address->sun_path - 1);
	memcpy(address->sun_path, path, strlen(path));
	return 0;
}

/* --- what is there already ----------------------------------------------------------------- */

/* Is somebody there? A full queue (EAGAIN) is one's, too. */
static bool is_live(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool live =
		fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
			    errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return live;
}

static int remove_old(const char *path, const struct sockaddr_un *address, struct error *error)
{
	struct stat about;

	if (lstat(path, &about))
		return errno == ENOENT ? 0 : failed(path, "cannot be looked at", error);
	if (!S_ISSOCK(about.st_mode))
		return error_setf(error, EEXIST, "%s: is there, and is no socket", path);
	if (is_live(address))
		return error_setf(error, EADDRINUSE, "%s: another vmenergyd listens there already",
				  path);
	return unlink(path) && errno != ENOENT ? failed(path, "cannot be removed", error) : 0;
}

/* The folder that it stands in; not those above it. */
static int make_folder(const char *path, struct error *error)
{
	const char *end = strrchr(path, '/');
	char *folder;
	int result = 0;

	if (!end || end == path)
		return 0;
	folder = strndup(path, (size_t)(end - path));
	if (!folder)
		return error_setf(error, ENOMEM, "out of memory");
	if (mkdir(folder, 0755) && errno != EEXIST)
		result = failed(folder, "cannot be made", error);
	free(folder);
	return result;
}

/* --- making -------------------------------------------------------------------------------- */

/* What was bound, and nothing that has been put in its place: a link, or another file. */
static int open_bound(const struct listener *listener, struct error *error)
{
	int fd = open(listener->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat about;

	if (fd < 0)
		return failed(listener->path, "cannot be looked at", error);
	if (fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode) && about.st_dev == listener->device &&
	    about.st_ino == listener->inode)
		return fd;
	close(fd);
	return error_setf(error, EEXIST, "%s: somebody has put another file there", listener->path);
}

/* fchmod(2) takes no such descriptor; its link in /proc leads to the file itself. */
static int open_to_group(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return chmod(path, 0660);
}

static int give_to_group(const struct listener *listener, gid_t group, struct error *error)
{
	int result = 0, fd;

	if (group == PEER_NO_GROUP)
		return 0;
	fd = open_bound(listener, error);
	if (fd < 0)
		return fd;
	if (!fchownat(fd, "", (uid_t)-1, group, AT_EMPTY_PATH)) {
		if (open_to_group(fd))
			result = failed(listener->path, "mode", error);
	} else if (errno == EPERM) {
		log_warning("%s: only the user of this daemon may connect: "
			    "it may not give the socket to group %u",
			    listener->path, (unsigned)group);
	} else {
		result = failed(listener->path, "cannot be given to its group", error);
	}
	close(fd);
	return result;
}

static int remember(struct listener *listener, const char *path, struct error *error)
{
	struct stat about;

	if (lstat(path, &about))
		return failed(path, "cannot be looked at", error);
	listener->device = about.st_dev;
	listener->inode = about.st_ino;
	listener->path = strdup(path);
	return listener->path ? 0 : error_setf(error, ENOMEM, "out of memory");
}

/* Linux gives a socket file the mode of the socket (unix(7)): closed until its group is right. */
static int bind_to(struct listener *listener, const char *path, const struct sockaddr_un *address,
		   struct error *error)
{
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return failed(path, "socket", error);
	if (fchmod(listener->fd, 0600))
		return failed(path, "mode", error);
	if (bind(listener->fd, (const struct sockaddr *)address, sizeof *address))
		return failed(path, "bind", error);
	return remember(listener, path, error);
}

/* Listening begins when all is right: who connects before is refused. */
int listener_make(struct listener *listener, const char *path, gid_t group, struct error *error)
{
	struct sockaddr_un address;
	int result;

	*listener = (struct listener){ .fd = -1, .spare = -1 };
	result = fill_address(path, &address, error);
	if (!result)
		result = make_folder(path, error);
	if (!result)
		result = remove_old(path, &address, error);
	if (!result)
		result = bind_to(listener, path, &address, error);
	if (!result)
		result = give_to_group(listener, group, error);
	if (!result && listen(listener->fd, BACKLOG))
		result = failed(path, "listen", error);
	if (result)
		listener_close(listener);
	else
		listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return result;
}

void listener_close(struct listener *listener)
{
	struct stat about;

	if (listener->path && lstat(listener->path, &about) == 0 &&
	    about.st_dev == listener->device && about.st_ino == listener->inode)
		unlink(listener->path);
	free(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	if (listener->spare >= 0)
		close(listener->spare);
	*listener = (struct listener){ .fd = -1, .spare = -1 };
}

/* --- accepting ----------------------------------------------------------------------------- */

static int accept_one(const struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd >= 0 ? fd : -errno;
}

/* Without a descriptor left, who waits would make us wake for ever. */
static int turn_away(struct listener *listener)
{
	int fd;

	if (listener->spare >= 0)
		close(listener->spare);
	fd = accept_one(listener);
	if (fd >= 0)
		close(fd);
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return -EMFILE;
}

int listener_accept(struct listener *listener)
{
	int fd = accept_one(listener);

	return fd == -EMFILE || fd == -ENFILE ? turn_away(listener) : fd;
}
