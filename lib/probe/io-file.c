/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/io-file.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"

/* "key: N" of /proc/PID/io. */
static bool find_number(const char *text, const char *key, uint64_t *value)
{
	const char *line = strstr(text, key);

	if (!line)
		return false;
	line += strlen(key);
	return number_scan_u64(&line, value) == 0;
}

int io_file_read(const struct kept_files *files, const struct kept_file *file,
		 struct io_reading *io)
{
	uint64_t read_bytes, write_bytes;
	char text[512]; /* seven lines of a number each */

	if (kept_read_once(files, file, text, sizeof text) < 0 ||
	    !find_number(text, "\nread_bytes:", &read_bytes) ||
	    !find_number(text, "\nwrite_bytes:", &write_bytes))
		return -ENODATA;
	*io = (struct io_reading){
		.at_ns = clock_now_ns(),
		.read_bytes = read_bytes,
		.write_bytes = write_bytes,
	};
	return 0;
}
