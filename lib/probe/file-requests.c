/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/file-requests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef VMENERGY_BPF
#pragma GCC diagnostic push /* bpftool's code is not held to our warnings */
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <file.skel.h>
#pragma GCC diagnostic pop
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "probe/bpf-kernel.h"
#include "probe/bpf/file.h"

struct watched {
	struct file_key key;
	bool is_estimate;
	bool counted;         /* else the map did not take it */
	struct io_reading io; /* the last one; at_ns 0 = none */
};

struct file_requests {
	struct file_bpf *skeleton;
	int map;
	struct watched *items;
	size_t count;
};

static const struct bpf_point points[] = {
	{ "sys_exit", 2, 2, "Linux 5.5" },
	/* With the request as the second one since 5.17, which keeps its result since 5.19. */
	{ "io_uring_complete", 3, 7, "Linux 5.19" },
};

/* Of system calls. */
static const struct {
	unsigned number;
	enum file_call call;
} calls[] = {
	{ SYS_read, FILE_READ },         { SYS_readv, FILE_READ },
	{ SYS_pread64, FILE_READ },      { SYS_preadv, FILE_READ },
	{ SYS_preadv2, FILE_READ },      { SYS_write, FILE_WRITE },
	{ SYS_writev, FILE_WRITE },      { SYS_pwrite64, FILE_WRITE },
	{ SYS_pwritev, FILE_WRITE },     { SYS_pwritev2, FILE_WRITE },
	{ SYS_fsync, FILE_FLUSH },       { SYS_fdatasync, FILE_FLUSH },
	{ SYS_fallocate, FILE_DISCARD }, { SYS_io_submit, FILE_SUBMIT },
};

/* Of io_uring; the last two are IORING_OP_READV_FIXED and _WRITEV_FIXED (Linux 6.15). */
static const struct {
	unsigned number;
	enum file_call call;
} operations[] = {
	{ IORING_OP_READV, FILE_READ },
	{ IORING_OP_READ_FIXED, FILE_READ },
	{ IORING_OP_READ, FILE_READ },
	{ IORING_OP_WRITEV, FILE_WRITE },
	{ IORING_OP_WRITE_FIXED, FILE_WRITE },
	{ IORING_OP_WRITE, FILE_WRITE },
	{ IORING_OP_FSYNC, FILE_FLUSH },
	{ 60, FILE_READ },
	{ 61, FILE_WRITE },
};

static struct file_key key_of(const struct attachment_file *file)
{
	return (struct file_key){ .inode = file->inode,
				  .device = file->major << 20 | file->minor,
				  .tgid = (uint32_t)file->pid };
}

static bool is_same(const struct file_key *a, const struct file_key *b)
{
	return a->inode == b->inode && a->device == b->device && a->tgid == b->tgid;
}

static const struct watched *find(const struct watched *items, size_t count,
				  const struct file_key *key)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&items[i].key, key))
			return &items[i];
	return NULL;
}

/* --- watching -------------------------------------------------------------------- */

static bool watch(const struct file_requests *requests, const struct file_key *key)
{
	const struct file_counts none = { 0 };
	int result = bpf_map_update_elem(requests->map, key, &none, BPF_NOEXIST);

	if (result)
		log_debug("inode %llu of process %u is not watched: %s",
			  (unsigned long long)key->inode, key->tgid, strerror(-result));
	return !result;
}

static void note_processes(const struct file_requests *requests)
{
	uint8_t tgids[FILE_TGIDS] = { 0 };

	for (size_t i = 0; i < requests->count; i++)
		tgids[requests->items[i].key.tgid % FILE_TGIDS] = 1;
	for (size_t i = 0; i < FILE_TGIDS; i++)
		requests->skeleton->bss->tgids[i] = tgids[i];
}

int file_requests_follow(struct file_requests *requests, const struct attachment_file *files,
			 size_t count)
{
	struct watched *items = calloc(count + 1, sizeof *items);
	size_t kept = 0;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct file_key key = key_of(&files[i]);

		if (!find(items, kept, &key))
			items[kept++] =
				(struct watched){ .key = key, .is_estimate = files[i].is_estimate };
	}
	/* Those that go make room first. */
	for (size_t i = 0; i < requests->count; i++)
		if (requests->items[i].counted && !find(items, kept, &requests->items[i].key))
			bpf_map_delete_elem(requests->map, &requests->items[i].key);
	for (size_t i = 0; i < kept; i++) {
		const struct watched *old = find(requests->items, requests->count, &items[i].key);

		if (old && old->counted) {
			items[i].io = old->io;
			items[i].counted = true;
		} else {
			items[i].counted = watch(requests, &items[i].key);
		}
	}
	free(requests->items);
	requests->items = items;
	requests->count = kept;
	note_processes(requests);
	return 0;
}

/* --- reading ----------------------------------------------------------------------- */

static bool was_asked(const struct io_reading *before, const struct io_reading *now)
{
	return now->read_requests > before->read_requests ||
	       now->write_requests > before->write_requests;
}

void file_requests_read(struct file_requests *requests)
{
	for (size_t i = 0; i < requests->count; i++) {
		struct watched *item = &requests->items[i];
		struct io_reading before = item->io;
		struct file_counts counts;

		item->io.at_ns = 0;
		if (!item->counted || bpf_map_lookup_elem(requests->map, &item->key, &counts))
			continue;
		item->io = (struct io_reading){
			.at_ns = clock_now_ns(),
			.has_requests = true,
			.read_bytes = counts.read_bytes,
			.write_bytes = counts.write_bytes,
			.read_requests = counts.read_requests,
			.write_requests = counts.write_requests,
		};
		if (item->is_estimate && was_asked(&before, &item->io))
			item->io.quality = QUALITY_ESTIMATE;
	}
}

bool file_requests_find(const struct file_requests *requests, const struct attachment_file *file,
			struct io_reading *io)
{
	const struct file_key key = key_of(file);
	const struct watched *item = find(requests->items, requests->count, &key);

	if (!item || item->io.at_ns == 0)
		return false;
	*io = item->io;
	return true;
}

/* --- a trial ----------------------------------------------------------------------- */

enum { TRIAL_BYTES = 5, TRIAL_LENGTH = 4096 };

static bool ask(int fd)
{
	char bytes[TRIAL_BYTES] = { 0 };

	return pwrite(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
	       pread(fd, bytes, sizeof bytes, 0) == sizeof bytes &&
	       fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, TRIAL_LENGTH) == 0 &&
	       fsync(fd) == 0;
}

static bool is_as_asked(const struct io_reading *io)
{
	return io->read_requests == 1 && io->read_bytes == TRIAL_BYTES && io->write_requests == 3 &&
	       io->write_bytes == TRIAL_BYTES;
}

/* In a pid namespace of our own processes are called otherwise. */
static int try_out(struct file_requests *requests, struct error *error)
{
	int fd = memfd_create("vmenergy-trial", MFD_CLOEXEC);
	struct attachment_file file = { .pid = getpid() };
	struct io_reading io = { 0 };
	struct stat status;
	int result = 0;

	if (fd < 0 || fstat(fd, &status)) {
		result = -errno;
	} else {
		file.major = major(status.st_dev);
		file.minor = minor(status.st_dev);
		file.inode = status.st_ino;
		result = file_requests_follow(requests, &file, 1);
	}
	if (!result) {
		bool asked = ask(fd);

		file_requests_read(requests);
		if (!asked || !file_requests_find(requests, &file, &io) || !is_as_asked(&io))
			result = -EOPNOTSUPP;
	}
	if (fd >= 0)
		close(fd);
	if (!result)
		result = file_requests_follow(requests, NULL, 0);
	return result ? error_setf(error, -result,
				   "this kernel does not tell us of all that is asked of a file")
		      : 0;
}

/* --- opening ----------------------------------------------------------------------- */

void file_requests_close(struct file_requests *requests)
{
	if (!requests)
		return;
	file_bpf__destroy(requests->skeleton);
	free(requests->items);
	free(requests);
}

static int load(struct file_bpf *skeleton)
{
	int result;

	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		skeleton->rodata->calls[calls[i].number] = (uint8_t)calls[i].call;
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		skeleton->rodata->operations[operations[i].number] = (uint8_t)operations[i].call;
	result = file_bpf__load(skeleton);
	return result ? result : file_bpf__attach(skeleton);
}

int file_requests_open(struct file_requests **out, const struct rootfs *root, struct error *error)
{
	struct file_requests *requests;
	int result = bpf_kernel_check(root, points, sizeof points / sizeof *points, error);

	if (result)
		return result;
	requests = calloc(1, sizeof *requests);
	if (!requests)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	requests->skeleton = file_bpf__open();
	result = requests->skeleton ? load(requests->skeleton) : -errno;
	if (result) {
		result = bpf_kernel_explain(root, result, error);
	} else {
		requests->map = bpf_map__fd(requests->skeleton->maps.files);
		result = try_out(requests, error);
	}
	if (result) {
		file_requests_close(requests);
		return result;
	}
	*out = requests;
	return 0;
}

#else

int file_requests_open(struct file_requests **requests, const struct rootfs *root,
		       struct error *error)
{
	(void)requests;
	(void)root;
	return error_setf(error, EOPNOTSUPP, "built without BPF");
}

void file_requests_close(struct file_requests *requests)
{
	(void)requests;
}

int file_requests_follow(struct file_requests *requests, const struct attachment_file *files,
			 size_t count)
{
	(void)requests;
	(void)files;
	(void)count;
	return 0;
}

void file_requests_read(struct file_requests *requests)
{
	(void)requests;
}

bool file_requests_find(const struct file_requests *requests, const struct attachment_file *file,
			struct io_reading *io)
{
	(void)requests;
	(void)file;
	(void)io;
	return false;
}
#endif
