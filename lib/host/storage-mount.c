/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "host/storage-walk.h"

/* Spaces, tabs, line ends and backslashes stand in mountinfo as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool parse_numbers(const char *id, const char *device, struct mount *mount)
{
	uint64_t major, minor;

	if (number_parse_u64(id, &mount->id) || number_scan_u64(&device, &major) ||
	    *device++ != ':' || number_parse_u64(device, &minor))
		return false;
	mount->device = (struct device_id){ (unsigned)major, (unsigned)minor };
	return true;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool parse_line(char *line, struct mount *mount)
{
	enum { ID, PARENT, DEVICE, ROOT, POINT, OPTIONS, FIXED };
	char *fields[FIXED], *field, *rest = line;
	char *type, *source, *options;

	for (int i = 0; i < FIXED; i++) {
		fields[i] = strsep(&rest, " ");
		if (!rest)
			return false;
	}
	do /* optional fields, closed by "-" */
		field = strsep(&rest, " ");
	while (rest && strcmp(field, "-") != 0);
	type = strsep(&rest, " ");
	source = rest ? strsep(&rest, " ") : NULL;
	options = rest ? strsep(&rest, " ") : NULL;
	if (!options || !parse_numbers(fields[ID], fields[DEVICE], mount))
		return false;
	unescape(fields[POINT]);
	unescape(type);
	unescape(source);
	unescape(options);
	mount->point = fields[POINT];
	mount->type = type;
	mount->source = source;
	mount->options = options;
	return true;
}

/* Length of the mount point if `path` lies in or below it, else 0; "/" counts 1. */
static size_t prefix_length(const char *point, const char *path)
{
	size_t length = strlen(point);

	if (strcmp(point, "/") == 0)
		return 1;
	if (strncmp(point, path, length) != 0)
		return 0;
	return path[length] == '/' || path[length] == '\0' ? length : 0;
}

bool mount_find(char *text, struct mount_key key, struct mount *mount)
{
	size_t best = 0;
	struct mount one;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		size_t length;

		if (!parse_line(line, &one))
			continue;
		length = key.path ? prefix_length(one.point, key.path) : one.id == key.id;
		/* Of two on one point the later lies on top. */
		if (length > 0 && length >= best) {
			best = length;
			*mount = one;
		}
	}
	return best > 0;
}

char *mount_option(const struct mount *mount, const char *name)
{
	size_t length = strlen(name);

	for (const char *option = mount->options; option; option = strchr(option, ',')) {
		option += *option == ',';
		if (strncmp(option, name, length) == 0 && option[length] == '=') {
			const char *value = option + length + 1;

			return strndup(value, strcspn(value, ","));
		}
	}
	return NULL;
}
