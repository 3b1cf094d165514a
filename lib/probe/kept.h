/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kept.h - small files of /proc, /sys and cgroups that every tick reads again:
 * their descriptors are kept (0.8 us a read, instead of 5 us when opened each
 * time), and a descriptor stays with its thread, so that a reused id is never
 * mistaken for it.
 *
 * The soft limit of descriptors is raised to the hard one. Where even that
 * does not suffice, files beyond it are opened for each reading.
 */
#ifndef VMENERGY_PROBE_KEPT_H
#define VMENERGY_PROBE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rootfs.h"

struct kept_files {
	const struct rootfs *root; /* borrowed */
	int limit;                 /* descriptors from here on are left to others */
	bool exhausted;            /* a file had to go without a descriptor */
};

/* {0} = closed. */
struct kept_file {
	char *path; /* owned, below the root; NULL = closed */
	int fd;     /* -1 = opened for each reading */
};

void kept_files_init(struct kept_files *files, const struct rootfs *root);
/* A sentence when files go without a descriptor, else NULL. */
const char *kept_files_note(const struct kept_files *files);

/* 0 or -errno; the file is closed then. */
int kept_open(struct kept_files *files, struct kept_file *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void kept_close(struct kept_file *file);

/* A file that the kernel writes in one go (a line or a few), NUL-terminated:
 * one system call. Length or -errno. */
long kept_read_once(const struct kept_files *files, const struct kept_file *file, char *text,
		    size_t size);
/* The first number in the file. 0 or -errno. */
int kept_read_u64(const struct kept_files *files, const struct kept_file *file, uint64_t *value);

/* A buffer that readings reuse; start from {0}, free(bytes). */
struct kept_buffer {
	char *bytes;
	size_t capacity;
};
/* The whole file, NUL-terminated. Length or -errno. */
long kept_read_all(const struct kept_files *files, const struct kept_file *file,
		   struct kept_buffer *buffer);

#endif
