/* SPDX-License-Identifier: GPL-2.0-or-later */
/* file.h - what file.bpf.c shares with file-requests.c: the contents of its map. */
#ifndef VMENERGY_PROBE_BPF_FILE_H
#define VMENERGY_PROBE_BPF_FILE_H

#ifdef __bpf__ /* has no C library */
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
#else
#include <stdint.h>
#endif

enum { FILE_WATCHED_MAX = 4096 };

/* Map `files`, by process and file: only what is watched has an entry. */
struct file_key {
	uint64_t inode;
	uint32_t device; /* of the file system: major << 20 | minor */
	uint32_t tgid;   /* of the initial pid namespace */
};

struct file_counts {
	uint64_t read_requests, read_bytes, write_requests, write_bytes;
};

/* What a system call, or an operation of io_uring, asks for. */
enum file_call {
	FILE_NOTHING,
	FILE_READ,
	FILE_WRITE,
	FILE_FLUSH,
	FILE_DISCARD, /* fallocate(2), in some of its modes */
	FILE_SUBMIT,  /* io_submit(2) */
};
enum { FILE_CALLS = 512, FILE_OPERATIONS = 256 }; /* above the highest numbers */

/* By tgid % this many: has any process of that remainder a watched file? */
enum { FILE_TGIDS = 4096 };

#endif
