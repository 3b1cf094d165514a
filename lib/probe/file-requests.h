/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file-requests.h - what processes ask of their files, counted inside the kernel by
 * bpf/file.bpf.c: for exports of which no thread alone hands in the requests.
 *
 * As it is asked, whatever the page cache has of it and whichever thread asks: a request
 * is one system call that moved bytes, or one of io_submit(2) or io_uring. Flushes,
 * discards and zeroes without data count as writes of 0 bytes.
 *
 * Needs CAP_BPF, CAP_PERFMON and Linux 5.19. It is tried out with a file of our own: nothing
 * would be counted in another pid namespace than the first, nor on machines whose system
 * calls have their arguments where bpf/file.bpf.c does not know. (Programs at the entries
 * of kernel functions, as rw_verify_area(), would cost other system calls nothing; kernels
 * promise nothing of those, and some that are locked down refuse them.)
 */
#ifndef VMENERGY_PROBE_FILE_REQUESTS_H
#define VMENERGY_PROBE_FILE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/rootfs.h"
#include "model/sample.h"
#include "model/topology.h"

struct file_requests;

/* From here on each system call of the machine takes some 30 ns longer. 0, or -errno and why
 * nothing can be counted. */
int file_requests_open(struct file_requests **requests, const struct rootfs *root,
		       struct error *error);
void file_requests_close(struct file_requests *requests);

/* Watch these files and no others; the same one may be there twice. Those that were watched go on,
 * others begin at 0. 0 or -ENOMEM. */
int file_requests_follow(struct file_requests *requests, const struct attachment_file *files,
			 size_t count);

void file_requests_read(struct file_requests *requests);

/*
 * What the last reading had of a file: cumulative since it is watched. Where more was asked than
 * at the reading before, and that is an estimate, it is marked. False: it is not watched (there
 * was no room for it), or could not be read.
 */
bool file_requests_find(const struct file_requests *requests, const struct attachment_file *file,
			struct io_reading *io);

#endif
