/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the preferences lie, and how they get there and back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmetop/preferences.h"

char *preferences_path(const char *named)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (named)
		return strdup(named);
	/* A relative one is to be ignored: XDG Base Directory Specification. */
	if (config && *config == '/') {
		if (asprintf(&path, "%s/vmenergy/vmetop.conf", config) < 0)
			return NULL;
	} else if (home && *home == '/') {
		if (asprintf(&path, "%s/.config/vmenergy/vmetop.conf", home) < 0)
			return NULL;
	}
	return path;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Up to the limit and one more byte. Length or -errno. */
static long read_file(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (got > 0 && length < size) {
		got = read(fd, bytes + length, size - length);
		if (got > 0)
			length += (size_t)got;
	}
	got = got < 0 ? -errno : 0;
	close(fd);
	return got < 0 ? got : (long)length;
}

int preferences_load(const char *path, struct ui *ui, struct error_list *errors)
{
	char *bytes = malloc(PREFERENCES_MAX_BYTES + 1);
	long length = bytes ? read_file(path, bytes, PREFERENCES_MAX_BYTES + 1) : -ENOMEM;
	int result = 0;

	if (length < 0) {
		result = (int)length;
		if (result != -ENOENT)
			error_list_addf(errors, "%s: %s", path, strerror(-result));
	} else if (length > PREFERENCES_MAX_BYTES) {
		result = -EINVAL;
		error_list_addf(errors, "%s: too long: at most %d bytes", path,
				PREFERENCES_MAX_BYTES);
	} else {
		bytes[length] = '\0';
		result = preferences_parse(path, bytes, (size_t)length, ui, errors);
	}
	free(bytes);
	return result;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Every folder above `path` that is not there yet. */
static int make_folders(const char *path, struct error *error)
{
	char folder[PATH_MAX];
	int length = snprintf(folder, sizeof folder, "%s", path);

	if (length >= PATH_MAX)
		return error_setf(error, ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int errnum;

		*slash = '\0';
		errnum = mkdir(folder, 0700) ? errno : 0;
		if (errnum && errnum != EEXIST && access(folder, X_OK))
			return error_setf(error, errnum, "%s: %s", folder, strerror(errnum));
		*slash = '/';
	}
	return 0;
}

static int write_all(int fd, const struct text *text)
{
	size_t done = 0;

	while (done < text->length) {
		ssize_t wrote = write(fd, text->bytes + done, text->length - done);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return fsync(fd) ? -errno : 0;
}

/* A rename lasts once its folder is written; where that cannot be asked for it is late, not lost.
 */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

static int replace(const char *path, const struct text *text, struct error *error)
{
	char aside[PATH_MAX];
	int fd, result;

	if (snprintf(aside, sizeof aside, "%s.XXXXXX", path) >= PATH_MAX)
		return error_setf(error, ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return error_setf(error, errno, "%s: %s", path, strerror(errno));
	result = write_all(fd, text);
	if (close(fd) && !result)
		result = -errno;
	if (!result && rename(aside, path))
		result = -errno;
	if (result) {
		unlink(aside);
		return error_setf(error, -result, "%s: %s", path, strerror(-result));
	}
	sync_folder(path);
	return 0;
}

/* A file with mistakes holds lines of its writer that are right: it is not replaced. */
static int check_replaced(const char *path, struct error *error)
{
	struct error_list errors = { 0 };
	struct ui ui;
	int result;

	ui_init(&ui);
	result = preferences_load(path, &ui, &errors);
	ui_clear(&ui);
	error_list_clear(&errors);
	if (result == -EINVAL)
		return error_setf(error, EINVAL, "not saved: correct or delete %s, it has mistakes",
				  path);
	if (result && result != -ENOENT)
		return error_setf(error, -result, "%s: %s", path, strerror(-result));
	return 0;
}

/* The folder of a file that was named is there, or its name is mistyped. */
static int prepare_folders(const char *path, struct error *error)
{
	char *usual = preferences_path(NULL);
	int result = usual && strcmp(path, usual) == 0 ? make_folders(path, error) : 0;

	free(usual);
	return result;
}

int preferences_save(const char *path, const struct ui *ui, struct error *error)
{
	struct text text = { 0 };
	char *target = NULL;
	int result = check_replaced(path, error);

	if (!result)
		result = prepare_folders(path, error);
	if (result)
		return result;
	/* A link stays one: what it leads to is replaced. */
	target = realpath(path, NULL);
	preferences_print(ui, &text);
	if (text.failed)
		result = error_setf(error, ENOMEM, "%s: %s", path, strerror(ENOMEM));
	else
		result = replace(target ? target : path, &text, error);
	free(target);
	text_free(&text);
	return result;
}
