/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"

int rootfs_open(struct rootfs *root, const char *directory, struct error *error)
{
	size_t length = directory ? strlen(directory) : 0;
	struct stat status;

	*root = (struct rootfs){ 0 };
	if (length > 0 && stat(directory, &status))
		return error_setf(error, errno, "%s: %s", directory, strerror(errno));
	if (length > 0 && !S_ISDIR(status.st_mode))
		return error_setf(error, ENOTDIR, "%s: %s", directory, strerror(ENOTDIR));
	while (length > 0 && directory[length - 1] == '/')
		length--;
	root->prefix = length > 0 ? strndup(directory, length) : strdup("");
	if (!root->prefix)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	return 0;
}

void rootfs_close(struct rootfs *root)
{
	free(root->prefix);
	*root = (struct rootfs){ 0 };
}

bool rootfs_is_real(const struct rootfs *root)
{
	return !root->prefix[0];
}

static __attribute__((format(printf, 3, 0))) int
join_path(const struct rootfs *root, char path[PATH_MAX], const char *format, va_list arguments)
{
	int prefix = snprintf(path, PATH_MAX, "%s", root->prefix);
	int length;

	if (prefix >= PATH_MAX)
		return -ENAMETOOLONG;
	length = vsnprintf(path + prefix, (size_t)(PATH_MAX - prefix), format, arguments);
	return length >= PATH_MAX - prefix ? -ENAMETOOLONG : 0;
}

static __attribute__((format(printf, 3, 0))) int open_path(const struct rootfs *root, int flags,
							   const char *format, va_list arguments)
{
	char path[PATH_MAX];
	int result = join_path(root, path, format, arguments);

	if (result)
		return result;
	result = open(path, flags | O_CLOEXEC, 0644);
	return result < 0 ? -errno : result;
}

int rootfs_openf(const struct rootfs *root, int flags, const char *format, ...)
{
	va_list arguments;
	int fd;

	va_start(arguments, format);
	fd = open_path(root, flags, format, arguments);
	va_end(arguments);
	return fd;
}

/* Read until the end or until size bytes are there. Bytes or -errno. */
static long read_up_to(int fd, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while (length < size) {
		got = read(fd, text + length, size - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	return (long)length;
}

static long read_small(int fd, char *text, size_t size)
{
	long length = read_up_to(fd, text, size - 1);
	long more;
	char next;

	text[length < 0 ? 0 : length] = '\0';
	if (length < 0 || (size_t)length < size - 1)
		return length;
	more = read_up_to(fd, &next, 1);
	if (more < 0)
		return more;
	return more > 0 ? -E2BIG : length;
}

static __attribute__((format(printf, 4, 0))) long
read_path(const struct rootfs *root, char *text, size_t size, const char *format, va_list arguments)
{
	int fd = open_path(root, O_RDONLY, format, arguments);
	long length;

	text[0] = '\0';
	if (fd < 0)
		return fd;
	length = read_small(fd, text, size);
	close(fd);
	return length;
}

long rootfs_readf(const struct rootfs *root, char *text, size_t size, const char *format, ...)
{
	va_list arguments;
	long length;

	va_start(arguments, format);
	length = read_path(root, text, size, format, arguments);
	va_end(arguments);
	return length;
}

/* In steps, as the size of a file in /proc is not known before. */
static long read_all(int fd, char **text)
{
	size_t capacity = 0, length = 0;
	char *bytes = NULL, *grown;
	long got;

	do {
		grown = memory_grow(bytes, &capacity, length + 4096, 1);
		if (!grown) {
			free(bytes);
			return -ENOMEM;
		}
		bytes = grown;
		got = read_up_to(fd, bytes + length, capacity - length - 1);
		if (got < 0) {
			free(bytes);
			return got;
		}
		length += (size_t)got;
	} while (length == capacity - 1);
	bytes[length] = '\0';
	*text = bytes;
	return (long)length;
}

long rootfs_read_allf(const struct rootfs *root, char **text, const char *format, ...)
{
	va_list arguments;
	long length;
	int fd;

	*text = NULL;
	va_start(arguments, format);
	fd = open_path(root, O_RDONLY, format, arguments);
	va_end(arguments);
	if (fd < 0)
		return fd;
	length = read_all(fd, text);
	close(fd);
	return length;
}

int rootfs_read_u64f(const struct rootfs *root, unsigned long long *value, const char *format, ...)
{
	char text[64];
	va_list arguments;
	uint64_t parsed;
	long length;
	int result;

	va_start(arguments, format);
	length = read_path(root, text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return (int)length;
	text[strcspn(text, "\n")] = '\0';
	result = number_parse_u64(text, &parsed);
	if (!result)
		*value = parsed;
	return result;
}

long rootfs_linkf(const struct rootfs *root, char *text, size_t size, const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;
	ssize_t length;
	int result;

	va_start(arguments, format);
	result = join_path(root, path, format, arguments);
	va_end(arguments);
	text[0] = '\0';
	if (result)
		return result;
	length = readlink(path, text, size);
	if (length < 0) {
		text[0] = '\0';
		return -errno;
	}
	if ((size_t)length >= size) {
		text[0] = '\0';
		return -E2BIG;
	}
	text[length] = '\0';
	return length;
}

long rootfs_pread(int fd, char *text, size_t size)
{
	ssize_t length = pread(fd, text, size - 1, 0);

	if (length < 0) {
		text[0] = '\0';
		return -errno;
	}
	text[length] = '\0';
	return length;
}
