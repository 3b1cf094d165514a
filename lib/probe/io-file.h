/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io-file.h - the bytes that a process or a thread read and wrote, from its io file. */
#ifndef VMENERGY_PROBE_IO_FILE_H
#define VMENERGY_PROBE_IO_FILE_H

#include "model/sample.h"
#include "probe/kept.h"

/*
 * read_bytes are those that devices were asked for. write_bytes are those that were made dirty
 * or written directly; what was truncated before it reached a disk (cancelled_write_bytes) is
 * counted for the one who truncates and is left out. 0, or -ENODATA: not to be read.
 */
int io_file_read(const struct kept_files *files, const struct kept_file *file,
		 struct io_reading *io);

#endif
