/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/io-workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/proc.h"
#include "probe/io-file.h"

void io_workers_open(struct io_workers *workers, struct kept_files *files, pid_t pid, pid_t tid)
{
	*workers = (struct io_workers){ .pid = pid, .tid = tid };
	kept_open(files, &workers->tasks, "/proc/%d/task", (int)pid);
}

void io_workers_close(struct io_workers *workers)
{
	for (size_t i = 0; i < workers->live.count; i++)
		kept_close(&workers->live.items[i].io);
	free(workers->live.items);
	kept_close(&workers->tasks);
	*workers = (struct io_workers){ 0 };
}

/* --- who they are ------------------------------------------------------------- */

static bool is_known(const struct io_workers *workers, pid_t tid)
{
	for (size_t i = 0; i < workers->live.count; i++)
		if (workers->live.items[i].tid == tid)
			return true;
	return false;
}

static bool works_for(const struct kept_files *files, const struct io_workers *workers, pid_t tid)
{
	static const char *const names[] = { "iou-wrk-", "iou-sqp-" };
	const size_t length = sizeof "iou-wrk-" - 1;
	const char *at;
	uint64_t of;
	char comm[32];

	if (rootfs_readf(files->root, comm, sizeof comm, "/proc/%d/task/%d/comm", (int)workers->pid,
			 (int)tid) <= 0)
		return false;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		at = comm + length;
		if (strncmp(comm, names[i], length) == 0 && !number_scan_u64(&at, &of) &&
		    *at == '\n' && of == (uint64_t)workers->tid)
			return true;
	}
	return false;
}

static int look(struct io_workers *workers, struct kept_files *files)
{
	struct proc_ids ids = { 0 };
	struct io_worker *worker;
	int result = proc_read_ids(files->root, workers->pid, "task", &ids);

	for (size_t i = 0; i < ids.count && !result; i++) {
		pid_t tid = ids.items[i].id;

		if (tid == workers->tid || is_known(workers, tid) ||
		    !works_for(files, workers, tid))
			continue;
		worker = MEMORY_APPEND(&workers->live);
		if (!worker) {
			result = -ENOMEM;
			break;
		}
		worker->tid = tid;
		kept_open(files, &worker->io, "/proc/%d/task/%d/io", (int)workers->pid, (int)tid);
	}
	proc_ids_clear(&ids);
	return result == -ENOMEM ? result : 0;
}

/* As many as before: then mostly the same. */
static int look_if_changed(struct io_workers *workers, struct kept_files *files)
{
	struct stat status = { 0 };
	uint64_t links;

	if (workers->tasks.fd < 0 || fstat(workers->tasks.fd, &status))
		return look(workers, files);
	links = status.st_nlink;
	if (links == workers->links)
		return 0;
	workers->links = links;
	return look(workers, files);
}

/* --- what they did ------------------------------------------------------------ */

static void retire(struct io_workers *workers, size_t index)
{
	struct io_worker *worker = &workers->live.items[index];

	workers->read_bytes += worker->read_bytes;
	workers->write_bytes += worker->write_bytes;
	workers->links = 0; /* another may have come in its place */
	kept_close(&worker->io);
	*worker = workers->live.items[--workers->live.count];
}

int io_workers_add(struct io_workers *workers, struct kept_files *files, struct io_reading *io)
{
	int result;

	if (!workers->tasks.path)
		return 0;
	result = look_if_changed(workers, files);
	for (size_t i = workers->live.count; i-- > 0;) {
		struct io_worker *worker = &workers->live.items[i];
		struct io_reading own;

		if (io_file_read(files, &worker->io, &own)) {
			retire(workers, i);
			continue;
		}
		worker->read_bytes = own.read_bytes;
		worker->write_bytes = own.write_bytes;
		io->read_bytes += own.read_bytes;
		io->write_bytes += own.write_bytes;
	}
	io->read_bytes += workers->read_bytes;
	io->write_bytes += workers->write_bytes;
	return result;
}
