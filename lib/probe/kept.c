/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"

enum { RESERVED_DESCRIPTORS = 256 };

void kept_files_init(struct kept_files *files, const struct rootfs *root)
{
	struct rlimit limit;
	rlim_t most;

	*files = (struct kept_files){ .root = root, .limit = INT_MAX };
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	most = limit.rlim_max;
	if (limit.rlim_cur < most) {
		limit.rlim_cur = most;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	most = limit.rlim_cur;
	most -= most / 4 < RESERVED_DESCRIPTORS ? most / 4 : RESERVED_DESCRIPTORS;
	if (most < INT_MAX)
		files->limit = (int)most;
}

const char *kept_files_note(const struct kept_files *files)
{
	return files->exhausted ? "file descriptors ran out (RLIMIT_NOFILE): some counters are "
				  "opened for each reading"
				: NULL;
}

static int open_file(struct kept_files *files, const char *path)
{
	int fd = rootfs_openf(files->root, O_RDONLY, "%s", path);

	if (fd == -EMFILE || fd == -ENFILE) {
		files->exhausted = true;
		return -1;
	}
	if (fd >= files->limit) {
		close(fd);
		files->exhausted = true;
		return -1;
	}
	return fd;
}

int kept_open(struct kept_files *files, struct kept_file *file, const char *format, ...)
{
	va_list arguments;
	int length, fd;

	*file = (struct kept_file){ 0 };
	va_start(arguments, format);
	length = vasprintf(&file->path, format, arguments);
	va_end(arguments);
	if (length < 0) {
		file->path = NULL;
		return -ENOMEM;
	}
	fd = open_file(files, file->path);
	if (fd < -1) {
		free(file->path);
		file->path = NULL;
		return fd;
	}
	file->fd = fd;
	return 0;
}

void kept_close(struct kept_file *file)
{
	if (file->path && file->fd >= 0)
		close(file->fd);
	free(file->path);
	*file = (struct kept_file){ 0 };
}

/* Its descriptor, or one for this reading alone. */
static int borrow(const struct kept_files *files, const struct kept_file *file)
{
	if (!file->path)
		return -ENOENT;
	return file->fd >= 0 ? file->fd : rootfs_openf(files->root, O_RDONLY, "%s", file->path);
}

static void give_back(const struct kept_file *file, int fd)
{
	if (fd >= 0 && fd != file->fd)
		close(fd);
}

long kept_read_once(const struct kept_files *files, const struct kept_file *file, char *text,
		    size_t size)
{
	int fd = borrow(files, file);
	long length;

	if (fd < 0)
		return fd;
	length = rootfs_pread(fd, text, size);
	give_back(file, fd);
	return length;
}

int kept_read_u64(const struct kept_files *files, const struct kept_file *file, uint64_t *value)
{
	const char *cursor;
	char text[128];
	long length = kept_read_once(files, file, text, sizeof text);

	if (length < 0)
		return (int)length;
	cursor = text;
	return number_scan_u64(&cursor, value);
}

/* One pread(2) gives a page of some of these files at most: read on until the end. */
static long read_until_end(int fd, struct kept_buffer *buffer)
{
	size_t length = 0;
	ssize_t got;
	char *bytes;

	do {
		bytes = memory_grow(buffer->bytes, &buffer->capacity, length + 2048, 1);
		if (!bytes)
			return -ENOMEM;
		buffer->bytes = bytes;
		got = pread(fd, bytes + length, buffer->capacity - length - 1, (off_t)length);
		if (got < 0)
			return -errno;
		length += (size_t)got;
	} while (got > 0);
	bytes[length] = '\0';
	return (long)length;
}

long kept_read_all(const struct kept_files *files, const struct kept_file *file,
		   struct kept_buffer *buffer)
{
	int fd = borrow(files, file);
	long length;

	if (fd < 0)
		return fd;
	length = read_until_end(fd, buffer);
	give_back(file, fd);
	return length;
}
