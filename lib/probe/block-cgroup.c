/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/block-cgroup.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"

/* What stands before a number, and where that goes. */
struct word {
	const char *word;
	size_t offset;
};

#define COUNTER(name) offsetof(struct block_count, name)
/* Documentation/admin-guide/cgroup-v1/blkio-controller.rst: "MAJ:MIN Read N", a line each. */
static const struct word v1_bytes[] = {
	{ "Read ", COUNTER(read_bytes) },
	{ "Write ", COUNTER(write_bytes) },
	{ NULL, 0 },
};
static const struct word v1_requests[] = {
	{ "Read ", COUNTER(read_requests) },
	{ "Write ", COUNTER(write_requests) },
	{ "Discard ", COUNTER(discards) },
	{ NULL, 0 },
};
/* Documentation/admin-guide/cgroup-v2.rst: "MAJ:MIN rbytes=N wbytes=N rios=N wios=N ...". */
static const struct word v2_all[] = {
	{ "rbytes=", COUNTER(read_bytes) },  { "wbytes=", COUNTER(write_bytes) },
	{ "rios=", COUNTER(read_requests) }, { "wios=", COUNTER(write_requests) },
	{ "dios=", COUNTER(discards) },      { NULL, 0 },
};

int block_cgroup_open(struct block_cgroup *group, struct kept_files *files,
		      const struct cgroup_mounts *mounts, const char *cgroup)
{
	/* The recursive form came with Linux 5.3; it holds the domain's own folders too. */
	static const char *const forms[] = { "_recursive", "" };

	*group = (struct block_cgroup){ 0 };
	for (size_t i = 0; i < 2 && mounts->blkio[0]; i++) {
		if (kept_open(files, &group->bytes, "%s%s/blkio.throttle.io_service_bytes%s",
			      mounts->blkio, cgroup, forms[i]))
			continue;
		if (!kept_open(files, &group->requests, "%s%s/blkio.throttle.io_serviced%s",
			       mounts->blkio, cgroup, forms[i]))
			return 0;
		kept_close(&group->bytes);
	}
	if (!mounts->v2[0])
		return -ENOENT;
	return kept_open(files, &group->stat, "%s%s/io.stat", mounts->v2, cgroup);
}

void block_cgroup_close(struct block_cgroup *group)
{
	kept_close(&group->bytes);
	kept_close(&group->requests);
	kept_close(&group->stat);
}

const struct block_count *block_counts_find(const struct block_counts *counts, unsigned major,
					    unsigned minor)
{
	for (size_t i = 0; i < counts->count; i++)
		if (counts->items[i].major == major && counts->items[i].minor == minor)
			return &counts->items[i];
	return NULL;
}

static struct block_count *find_or_add(struct block_counts *counts, unsigned major, unsigned minor)
{
	const struct block_count *known = block_counts_find(counts, major, minor);
	struct block_count *count;

	if (known)
		return &counts->items[known - counts->items];
	count = MEMORY_APPEND(counts);
	if (count) {
		count->major = major;
		count->minor = minor;
	}
	return count;
}

static void take_words(const char *text, const struct word *words, struct block_count *count)
{
	while (*text) {
		const char *number = NULL;
		uint64_t value;

		text += strspn(text, " ");
		for (const struct word *word = words; word->word && !number; word++) {
			if (strncmp(text, word->word, strlen(word->word)) != 0)
				continue;
			number = text + strlen(word->word);
			if (!number_scan_u64(&number, &value))
				*(uint64_t *)((char *)count + word->offset) = value;
		}
		text += strcspn(text, " ");
	}
}

/* Lines that name no device (v1's last: "Total N") are passed over. */
static int take_lines(char *text, const struct word *words, struct block_counts *counts)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *cursor = line;
		struct block_count *count;
		uint64_t major, minor;

		if (number_scan_u64(&cursor, &major) || *cursor++ != ':' ||
		    number_scan_u64(&cursor, &minor))
			continue;
		count = find_or_add(counts, (unsigned)major, (unsigned)minor);
		if (!count)
			return -ENOMEM;
		take_words(cursor, words, count);
	}
	return 0;
}

static int read_file(const struct kept_file *file, const struct kept_files *files,
		     const struct word *words, struct kept_buffer *buffer,
		     struct block_counts *counts)
{
	long length = kept_read_all(files, file, buffer);

	return length < 0 ? (int)length : take_lines(buffer->bytes, words, counts);
}

int block_cgroup_read(const struct block_cgroup *group, const struct kept_files *files,
		      struct kept_buffer *buffer, struct block_counts *counts)
{
	int result;

	counts->count = 0;
	if (group->stat.path)
		return read_file(&group->stat, files, v2_all, buffer, counts);
	result = read_file(&group->bytes, files, v1_bytes, buffer, counts);
	if (!result)
		result = read_file(&group->requests, files, v1_requests, buffer, counts);
	return result;
}
