/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- messages -------------------------------------------------------------------------------- */

/* A line; names of files and columns in it must not drive a terminal. */
static void print_line(const char *word, const char *text)
{
	size_t size = strlen(text) + 1;
	char *printable = malloc(size);

	fprintf(stderr, "calibrate: %s%s%s\n", word ? word : "", word ? ": " : "",
		printable ? text_printable(text, printable, size) : "out of memory");
	free(printable);
}

int command_fail(const struct error *error)
{
	print_line(NULL, error->text);
	return 1;
}

void command_print_list(const struct error_list *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++)
		print_line(word, list->texts[i]);
	if (list->dropped)
		fprintf(stderr, "calibrate: ... and %zu more\n", list->dropped);
}

static struct text line;

void command_set_line(int argc, char **argv)
{
	text_reset(&line);
	for (int i = 0; i < argc; i++)
		text_addf(&line, "%s%s", i ? " " : "", argv[i]);
}

const char *command_line(void)
{
	return line.length ? line.bytes : "calibrate";
}

int command_split(char *list, const char **parts, unsigned max)
{
	unsigned count = 0;

	for (char *part = list, *comma; part; part = comma ? comma + 1 : NULL) {
		comma = strchr(part, ',');
		if (comma)
			*comma = '\0';
		if (*part == '\0')
			continue;
		if (count == max)
			return -1;
		parts[count++] = part;
	}
	return (int)count;
}

/* --- reading --------------------------------------------------------------------------------- */

struct bytes {
	char *items;
	size_t count, capacity;
};

/* Everything up to the end, and a NUL behind it. 0 or -errno. */
static int read_all(int fd, struct bytes *bytes)
{
	struct stat status;
	size_t expected = 65536;
	ssize_t got = 1;
	char *grown;

	/* One byte more than a file has shows at once that it ends. */
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		expected = (size_t)status.st_size + 2;
	while (got != 0) {
		if (bytes->count + 2 > bytes->capacity) {
			size_t need = bytes->capacity ? 2 * bytes->capacity : expected;

			/* realloc, not memory_grow(): large files are not to be cleared first. */
			grown = realloc(bytes->items, need);
			if (!grown)
				return -ENOMEM;
			bytes->items = grown;
			bytes->capacity = need;
		}
		got = read(fd, bytes->items + bytes->count, bytes->capacity - bytes->count - 1);
		if (got < 0 && errno != EINTR)
			return -errno;
		bytes->count += got > 0 ? (size_t)got : 0;
	}
	bytes->items[bytes->count] = '\0';
	return 0;
}

int command_read_file(const char *path, char **text, size_t *length, struct error *error)
{
	bool is_standard = strcmp(path, "-") == 0;
	int fd = is_standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct bytes bytes = { 0 };
	int result = fd < 0 ? -errno : read_all(fd, &bytes);

	if (fd >= 0 && !is_standard)
		close(fd);
	if (result) {
		free(bytes.items);
		return error_setf(error, -result, "%s: %s", is_standard ? "standard input" : path,
				  strerror(-result));
	}
	*text = bytes.items;
	*length = bytes.count;
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

static int write_all(int fd, const struct text *text)
{
	size_t done = 0;

	while (done < text->length) {
		ssize_t wrote = write(fd, text->bytes + done, text->length - done);

		if (wrote < 0 && errno != EINTR)
			return -errno;
		done += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

/* As a file of the usual kind would be, or as the one was that is replaced. */
static mode_t choose_mode(const struct stat *old)
{
	mode_t mask;

	if (old)
		return old->st_mode & 0777;
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/* Whole on the disk before it gets its name. */
static int write_aside(int fd, const struct text *text, mode_t mode)
{
	int result = write_all(fd, text);

	if (!result && fchmod(fd, mode))
		result = -errno;
	if (!result && fsync(fd))
		result = -errno;
	if (close(fd) && !result)
		result = -errno;
	return result;
}

/* A rename lasts once its folder is written; where that cannot be asked for it is late, not
 * lost. */
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

static int replace(const char *path, const struct text *text, const struct stat *old)
{
	char aside[PATH_MAX];
	int fd, result;

	if (snprintf(aside, sizeof aside, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write_aside(fd, text, choose_mode(old));
	if (!result && rename(aside, path))
		result = -errno;
	if (result)
		unlink(aside);
	else
		sync_folder(path);
	return result;
}

/* What is no file (a pipe, a terminal, /dev/stdout) cannot be replaced. */
static int write_through(const char *path, const struct text *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return -errno;
	result = write_all(fd, text);
	if (close(fd) && !result)
		result = -errno;
	return result;
}

int command_write_file(const char *path, const struct text *text, struct error *error)
{
	struct stat old;
	bool exists = stat(path, &old) == 0;
	char *target = exists ? realpath(path, NULL) : NULL; /* a link stays one */
	int result;

	if (text->failed)
		result = -ENOMEM;
	else if (strcmp(path, "-") == 0)
		result = fflush(stdout) ? -errno : write_all(STDOUT_FILENO, text);
	else if (exists && S_ISDIR(old.st_mode))
		result = -EISDIR;
	else if (exists && !S_ISREG(old.st_mode))
		result = write_through(path, text);
	else
		result = replace(target ? target : path, text, exists ? &old : NULL);
	free(target);
	return result ? error_setf(error, -result, "%s: %s", path, strerror(-result)) : 0;
}
