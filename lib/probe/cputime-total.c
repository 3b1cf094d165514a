/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/cputime-total.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/numbers.h"

int cputime_read_cpu_stat(const struct kept_files *files, const struct kept_file *file,
			  struct kept_buffer *buffer, uint64_t *usage_ns)
{
	static const char key[] = "usage_usec ";
	long length = kept_read_all(files, file, buffer);
	const char *line;
	uint64_t usec;

	if (length < 0)
		return (int)length;
	line = strncmp(buffer->bytes, key, strlen(key)) == 0
		       ? buffer->bytes
		       : strstr(buffer->bytes, "\nusage_usec ");
	if (!line)
		return -EINVAL;
	line += strlen(key) + (*line == '\n');
	if (number_scan_u64(&line, &usec) || usec > UINT64_MAX / 1000)
		return -EINVAL;
	*usage_ns = usec * 1000;
	return 0;
}

int cputime_total_open(struct cputime_total *total, struct kept_files *files,
		       const struct cgroup_mounts *mounts, struct error *error)
{
	int result;

	*total = (struct cputime_total){ .files = files };
	if (!mounts->cpuacct[0] && !mounts->v2[0])
		return error_setf(error, ENOTSUP,
				  "no CPU time of the whole machine: neither cgroup v1 cpuacct nor "
				  "cgroup v2 is mounted");
	if (mounts->cpuacct[0]) {
		result = kept_open(files, &total->percpu, "%s/cpuacct.usage_percpu",
				   mounts->cpuacct);
		if (result)
			return error_setf(error, -result, "%s/cpuacct.usage_percpu: %s",
					  mounts->cpuacct, strerrordesc_np(-result));
		return 0;
	}
	strcpy(total->mount, mounts->v2);
	result = kept_open(files, &total->tasks, "%s/cgroup.threads", mounts->v2);
	if (result)
		return error_setf(error, -result, "%s/cgroup.threads: %s", mounts->v2,
				  strerrordesc_np(-result));
	return 0;
}

void cputime_total_close(struct cputime_total *total)
{
	for (size_t i = 0; i < total->count; i++)
		kept_close(&total->items[i].file);
	free(total->items);
	free(total->buffer.bytes);
	kept_close(&total->percpu);
	kept_close(&total->tasks);
	*total = (struct cputime_total){ 0 };
}

const char *cputime_total_phrase(const struct cputime_total *total)
{
	return total->percpu.path ? "cgroup v1 cpuacct.usage_percpu"
				  : "cgroup v2 cpu.stat of the first level and tasks of the root";
}

const char *cputime_total_note(const struct cputime_total *total)
{
	return total->has_user_tasks ? "processes stand in the root of cgroup v2: what short-lived "
				       "ones among them "
				       "use is not in the machine's total"
				     : NULL;
}

static int read_percpu(struct cputime_total *total, uint64_t *sum_ns)
{
	long length = kept_read_all(total->files, &total->percpu, &total->buffer);
	const char *cursor = total->buffer.bytes;
	uint64_t cpu_ns;

	if (length < 0)
		return (int)length;
	*sum_ns = 0;
	if (number_scan_u64(&cursor, &cpu_ns))
		return -EINVAL;
	do
		*sum_ns += cpu_ns;
	while (!number_scan_u64(&cursor, &cpu_ns));
	return 0;
}

/* Lists keep their order from tick to tick: the next one is nearly always behind the last. */
static struct contributor *find(struct cputime_total *total, uint64_t id, bool is_task)
{
	for (size_t i = 0; i < total->count; i++) {
		size_t index = (total->cursor + i) % total->count;
		struct contributor *item = &total->items[index];

		if (item->id == id && item->is_task == is_task) {
			total->cursor = index + 1;
			return item;
		}
	}
	return NULL;
}

static int read_contributor(struct cputime_total *total, const struct contributor *item,
			    uint64_t *ns)
{
	return item->is_task ? kept_read_u64(total->files, &item->file, ns)
			     : cputime_read_cpu_stat(total->files, &item->file, &total->buffer, ns);
}

/* Kernel threads execute no file. */
static bool is_user_task(const struct cputime_total *total, uint64_t tid)
{
	char path[8];
	long length = rootfs_linkf(total->files->root, path, sizeof path, "/proc/%llu/exe",
				   (unsigned long long)tid);

	return length > 0 || length == -E2BIG;
}

static struct contributor *add(struct cputime_total *total, uint64_t id, const char *group)
{
	struct kept_file file;
	struct contributor *item;
	int result;

	if (group)
		result = kept_open(total->files, &file, "%s/%s/cpu.stat", total->mount, group);
	else
		result = kept_open(total->files, &file, "/proc/%llu/schedstat",
				   (unsigned long long)id);
	if (result)
		return NULL; /* ended meanwhile */
	item = MEMORY_APPEND(total);
	if (!item) {
		kept_close(&file);
		return NULL;
	}
	item->id = id;
	item->is_task = !group;
	item->file = file;
	if (item->is_task && !total->has_user_tasks)
		total->has_user_tasks = is_user_task(total, id);
	/*
	 * A task that was moved into the root brings time that its old group
	 * has counted; a new one cannot have run for longer than since the
	 * last reading.
	 */
	if (item->is_task && total->at_ns && !read_contributor(total, item, &item->last_ns) &&
	    item->last_ns > clock_now_ns() - total->at_ns)
		item->base_ns = item->last_ns;
	return item;
}

static void note_present(struct cputime_total *total, uint64_t id, const char *group)
{
	struct contributor *item = find(total, id, !group);

	if (!item)
		item = add(total, id, group);
	if (item)
		item->present = true;
}

static int scan_groups(struct cputime_total *total)
{
	int fd = rootfs_openf(total->files->root, O_RDONLY | O_DIRECTORY, "%s", total->mount);
	struct dirent *entry;
	DIR *folder;

	if (fd < 0)
		return fd;
	folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(folder)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			note_present(total, entry->d_ino, entry->d_name);
	closedir(folder);
	return 0;
}

static int scan_tasks(struct cputime_total *total)
{
	struct kept_buffer list = { 0 };
	long length = kept_read_all(total->files, &total->tasks, &list);
	const char *cursor = list.bytes;
	uint64_t tid;

	for (; length > 0 && !number_scan_u64(&cursor, &tid); cursor += *cursor == '\n')
		note_present(total, tid, NULL);
	free(list.bytes);
	return length < 0 ? (int)length : 0;
}

/* Read it; false when it is gone. What fails for another reason stays as it was. */
static bool refresh(struct cputime_total *total, struct contributor *item)
{
	uint64_t ns;
	int result = item->present ? read_contributor(total, item, &ns) : -ENOENT;

	if (result == -ENOENT || result == -ENODEV || result == -ESRCH)
		return false;
	if (result)
		return true;
	if (ns < item->last_ns) { /* its id is another's now */
		total->ended_ns += item->last_ns - item->base_ns;
		item->base_ns = 0;
	}
	item->last_ns = ns;
	return true;
}

static uint64_t sum_up(struct cputime_total *total)
{
	uint64_t sum_ns = 0;
	size_t kept = 0;

	for (size_t i = 0; i < total->count; i++) {
		struct contributor *item = &total->items[i];

		if (!refresh(total, item)) {
			total->ended_ns += item->last_ns - item->base_ns;
			kept_close(&item->file);
			continue;
		}
		sum_ns += item->last_ns - item->base_ns;
		item->present = false;
		total->items[kept++] = *item;
	}
	total->count = kept;
	return sum_ns + total->ended_ns;
}

static int read_v2(struct cputime_total *total, uint64_t *total_ns)
{
	int result;

	total->cursor = 0;
	result = scan_groups(total);
	if (!result)
		result = scan_tasks(total);
	if (result)
		return result;
	*total_ns = sum_up(total);
	total->at_ns = clock_now_ns();
	return 0;
}

int cputime_total_read(struct cputime_total *total, uint64_t *total_ns, struct error *error)
{
	int result = total->percpu.path ? read_percpu(total, total_ns) : read_v2(total, total_ns);

	if (result)
		return error_setf(error, -result, "%s: %s", cputime_total_phrase(total),
				  strerrordesc_np(-result));
	return 0;
}
