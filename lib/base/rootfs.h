/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rootfs.h - /proc, /sys and /dev behind a movable root, so that every parser
 * can be tested on a folder (`--root DIR`).
 */
#ifndef VMENERGY_BASE_ROOTFS_H
#define VMENERGY_BASE_ROOTFS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct rootfs {
	char *prefix; /* owned; "" for the real root, else without trailing '/' */
};

int rootfs_open(struct rootfs *root, const char *directory,
		struct error *error); /* NULL or "" = real */
void rootfs_close(struct rootfs *root);
bool rootfs_is_real(const struct rootfs *root);

/* open(2) of PREFIX + formatted absolute path, O_CLOEXEC added. fd or -errno. */
int rootfs_openf(const struct rootfs *root, int flags, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Read a whole (small) file: at most size - 1 bytes, NUL-terminated.
 * Returns the length or -errno; -E2BIG when it did not fit (text then holds
 * the beginning).
 */
long rootfs_readf(const struct rootfs *root, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Read a file of any size into fresh memory (*text owned by the caller, NUL behind it). */
long rootfs_read_allf(const struct rootfs *root, char **text, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* One unsigned decimal number in a file of its own (sysfs). 0 or -errno. */
int rootfs_read_u64f(const struct rootfs *root, unsigned long long *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* readlink(2), NUL-terminated. Length or -errno. */
long rootfs_linkf(const struct rootfs *root, char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * pread(2) the whole of a small open file from offset 0, NUL-terminated:
 * the hot path of a tick, one system call. Length or -errno.
 */
long rootfs_pread(int fd, char *text, size_t size);

#endif
