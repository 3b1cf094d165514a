/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "host/host-internal.h"

#define YOUNG_NS UINT64_C(5000000000)
/* Descriptors that marks may hold; the rest is for counters. */
enum { THREADS_FDS_MAX = 2048 };

/* --- what they compare ----------------------------------------------------- */

static int open_threads(const struct rootfs *root, pid_t pid)
{
	return rootfs_openf(root, O_PATH | O_DIRECTORY, "/proc/%d/task", pid);
}

/* The link count of a folder, which in /proc counts the threads. */
uint64_t host_read_links(const struct host *host, const struct host_mark *mark)
{
	struct stat status;
	uint64_t links;
	int fd = mark->threads_fd;

	if (fd < 0)
		fd = open_threads(host->root, mark->pid);
	if (fd < 0)
		return 0;
	links = fstat(fd, &status) ? 0 : status.st_nlink;
	if (fd != mark->threads_fd)
		close(fd);
	return links;
}

static uint64_t read_placement(const struct rootfs *root, pid_t pid)
{
	char text[8192];
	long length = rootfs_readf(root, text, sizeof text, "/proc/%d/cgroup", pid);

	return length < 0 ? 0 : hash_bytes(HASH_START, text, (size_t)length);
}

/* It hardly ever changes, and telling so is dear. */
static bool is_in_turn(const struct host *host, const struct host_mark *mark)
{
	size_t index = (size_t)(mark - host->marks.items), all = host->marks.count;

	return (index >= host->placed ? index - host->placed : index + all - host->placed) <
	       HOST_PLACEMENTS_A_TICK;
}

bool host_mark_moved(const struct host *host, const struct host_mark *mark)
{
	return is_in_turn(host, mark) && read_placement(host->root, mark->pid) != mark->placement;
}

bool host_mark_is_young(const struct host_mark *mark, uint64_t now_ns)
{
	return now_ns - mark->first_ns < YOUNG_NS;
}

bool host_is_outside(const struct host *host, const struct thread *thread)
{
	const struct qemu_workers *workers = qemu_watch_workers(host->watch);

	for (size_t i = 0; i < workers->count; i++)
		if (workers->items[i].tid == thread->tid)
			return true;
	return false;
}

/* --- keeping them ---------------------------------------------------------- */

static int compare_marks(const void *first, const void *second)
{
	const struct host_mark *a = first, *b = second;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

struct host_mark *host_find_mark(const struct host_marks *marks, pid_t pid, uint64_t start_ticks)
{
	struct host_mark key = { .pid = pid }, *found;

	if (!marks->count || !pid)
		return NULL;
	found = bsearch(&key, marks->items, marks->count, sizeof key, compare_marks);
	return found && found->start_ticks == start_ticks ? found : NULL;
}

void host_clear_marks(struct host_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].threads_fd >= 0)
			close(marks->items[i].threads_fd);
	free(marks->items);
	*marks = (struct host_marks){ 0 };
}

static size_t count_outside(const struct host *host, const struct domain *domain)
{
	size_t count = 0;

	for (size_t i = 0; i < domain->thread_count; i++)
		count += host_is_outside(host, &domain->threads[i]);
	return count;
}

/* From what the discovery saw, so that a thread made since shows. */
static void set_mark(struct host *host, const struct domain *domain, struct host_mark *mark)
{
	const struct qemu_process *process = qemu_watch_find(host->watch, domain->pid);
	size_t outside = count_outside(host, domain);

	mark->pid = domain->pid;
	mark->start_ticks = domain->start_ticks;
	mark->workers = outside;
	mark->read_links = mark->links = 2 + domain->thread_count - outside;
	mark->placement = read_placement(host->root, domain->pid);
	mark->reading = process ? process->reading : 0;
	mark->monitored = host_find_monitor(host, domain) != NULL;
}

/* The old mark's descriptor moves over: it stays with its process, whoever has the number. */
static void take_mark(struct host *host, const struct domain *domain, uint64_t now_ns,
		      struct host_mark *mark)
{
	struct host_mark *old = host_find_mark(&host->marks, domain->pid, domain->start_ticks);

	*mark = old ? *old : (struct host_mark){ .first_ns = now_ns, .threads_fd = -1 };
	if (old)
		old->threads_fd = -1;
	if (!mark->kept)
		set_mark(host, domain, mark);
	mark->kept = mark->doubted = false;
}

int host_take_marks(struct host *host, const struct topology *topology, uint64_t now_ns)
{
	struct host_marks marks = { .items = calloc(topology->domain_count + 1,
						    sizeof *marks.items) };
	bool real = rootfs_is_real(host->root);

	if (!marks.items)
		return -ENOMEM;
	for (size_t i = 0; i < topology->domain_count; i++) {
		const struct domain *domain = &topology->domains[i];
		struct host_mark *mark = &marks.items[marks.count];

		if (!domain->pid || domain->state == DOMAIN_ENDED)
			continue;
		take_mark(host, domain, now_ns, mark);
		mark->domain = i;
		if (mark->threads_fd < 0 && marks.count < THREADS_FDS_MAX && real)
			mark->threads_fd = open_threads(host->root, domain->pid);
		marks.count++;
	}
	qsort(marks.items, marks.count, sizeof *marks.items, compare_marks);
	host_clear_marks(&host->marks);
	host->marks = marks;
	return 0;
}
