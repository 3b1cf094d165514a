/* SPDX-License-Identifier: GPL-3.0-or-later */
/* state-file.c - the state on disk: replaced as a whole, or left as it was. */
#include "vmenergyd/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rootfs.h"

#define STATE_FILE "state.json"
#define LOCK_FILE "lock"

static int failed(const char *directory, const char *what, int errnum, struct error *error)
{
	return error_setf(error, errnum, "%s/%s: %s", directory, what, strerrordesc_np(errnum));
}

/* --- loading ------------------------------------------------------------------------------ */

/* A file that nobody can read any more may still tell a person what the originals were. */
static int set_aside(const char *directory, struct error *error)
{
	char from[PATH_MAX], to[PATH_MAX];
	bool kept;

	snprintf(from, sizeof from, "%s/" STATE_FILE, directory);
	snprintf(to, sizeof to, "%s/" STATE_FILE ".bad", directory);
	kept = rename(from, to) == 0;
	error_prefixf(error, 0, "%s (%s)", from,
		      kept ? "kept as " STATE_FILE ".bad" : "it stays where it is");
	return -EINVAL;
}

int state_read(const char *directory, struct state *state, struct error *error)
{
	struct rootfs root = { 0 };
	char *text = NULL;
	long length;
	int result = rootfs_open(&root, NULL, error);

	state_init(state);
	if (result)
		return result;
	length = rootfs_read_allf(&root, &text, "%s/" STATE_FILE, directory);
	rootfs_close(&root);
	/* Nothing can be there, so nothing is written over. */
	if (length == -ENOTDIR || length == -ENAMETOOLONG)
		length = -ENOENT;
	if (length < 0)
		return failed(directory, STATE_FILE, (int)-length, error);
	result = state_parse(text, (size_t)length, state, error);
	free(text);
	return result;
}

int state_load(const char *directory, struct state *state, struct error *error)
{
	int result = state_read(directory, state, error);

	return result == -EINVAL ? set_aside(directory, error) : result;
}

/* --- saving ------------------------------------------------------------------------------- */

/* As mkdir -p; the last one for its owner alone. Its descriptor or -errno. */
static int open_folder(const char *directory)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof path, "%s", directory) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const struct text *text)
{
	for (size_t done = 0; done < text->length;) {
		ssize_t length = write(fd, text->bytes + done, text->length - done);

		if (length < 0 && errno != EINTR)
			return -errno;
		done += length > 0 ? (size_t)length : 0;
	}
	return fsync(fd) ? -errno : 0;
}

/* One name for the file beside it: what a kill left there is written over. */
static int replace(int folder, const struct text *text)
{
	static const char aside[] = STATE_FILE ".new";
	int fd = openat(folder, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return -errno;
	result = fchmod(fd, 0600) ? -errno : write_all(fd, text);
	if (close(fd) && !result)
		result = -errno;
	if (!result && renameat(folder, aside, folder, STATE_FILE))
		result = -errno;
	if (result) {
		unlinkat(folder, aside, 0);
		return result;
	}
	return fsync(folder) ? -errno : 0;
}

/* As the next start would read it. */
static int check_readable(const char *directory, const struct text *text, struct error *error)
{
	struct state state;
	int result = state_parse(text->bytes, text->length, &state, error);

	if (result == -EINVAL)
		error_prefixf(error, 0,
			      "%s/" STATE_FILE " is not replaced, for it could not be "
			      "read again",
			      directory);
	state_clear(&state);
	return result;
}

static int replace_in(const char *directory, const struct text *text, struct error *error)
{
	int folder = open_folder(directory);
	int result = folder < 0 ? folder : replace(folder, text);

	if (folder >= 0)
		close(folder);
	return result ? failed(directory, STATE_FILE, -result, error) : 0;
}

int state_save_text(const char *directory, const struct state *state, struct text *text,
		    struct error *error)
{
	struct text printed = { 0 };
	int result = state_print(state, &printed, error);

	if (!result)
		result = check_readable(directory, &printed, error);
	if (!result)
		result = replace_in(directory, &printed, error);
	if (result) {
		text_free(&printed);
		return result;
	}
	text_free(text);
	*text = printed;
	return 0;
}

int state_save(const char *directory, const struct state *state, struct error *error)
{
	struct text text = { 0 };
	int result = state_save_text(directory, state, &text, error);

	text_free(&text);
	return result;
}

/* --- who may save ------------------------------------------------------------------------- */

int state_lock(const char *directory, struct error *error)
{
	int folder = open_folder(directory), fd, result;

	if (folder < 0)
		return failed(directory, LOCK_FILE, -folder, error);
	fd = openat(folder, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	result = fd < 0 || flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
	close(folder);
	if (!result)
		return fd;
	if (fd >= 0)
		close(fd);
	if (result == -EWOULDBLOCK)
		return error_setf(error, EBUSY, "%s/" LOCK_FILE ": another vmenergyd holds it",
				  directory);
	return failed(directory, LOCK_FILE, -result, error);
}

void state_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}
