/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/host-internal.h"
#include "host/proc.h"

/* Threads name themselves soon after they are made, or never. */
#define UNNAMED_PATIENCE_NS UINT64_C(5000000000)
enum { PLACEMENTS_A_TICK = 64 };
/* Descriptors that marks may hold; the rest is for counters. */
enum { THREADS_FDS_MAX = 2048 };

/* --- libvirt --------------------------------------------------------------- */

bool host_view_changed(struct host *host)
{
	const struct libvirt_view *view = host->libvirt ? libvirt_view(host->libvirt) : NULL;
	bool changed = !view != !host->view;

	if (view && host->view)
		changed = view->generation != host->view->generation ||
			  view->lost_ns != host->view->lost_ns ||
			  !text_equal(view->trouble, host->view->trouble) ||
			  !text_equal(view->uri, host->view->uri);
	if (view)
		libvirt_view_unref(view);
	return changed;
}

/* --- processes ------------------------------------------------------------- */

static int open_threads(const struct rootfs *root, pid_t pid)
{
	return rootfs_openf(root, O_PATH | O_DIRECTORY, "/proc/%d/task", pid);
}

/* The link count of a folder, which in /proc counts the threads; 0 = gone. */
static uint64_t read_links(const struct rootfs *root, const struct host_mark *mark)
{
	struct stat status;
	uint64_t links;
	int fd = mark->threads_fd;

	if (fd < 0)
		fd = open_threads(root, mark->pid);
	if (fd < 0)
		return 0;
	links = fstat(fd, &status) ? 0 : status.st_nlink;
	if (fd != mark->threads_fd)
		close(fd);
	return links;
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash(const char *bytes, size_t length)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		value = (value ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	return value;
}

static uint64_t read_placement(const struct rootfs *root, pid_t pid)
{
	char text[8192];
	long length = rootfs_readf(root, text, sizeof text, "/proc/%d/cgroup", pid);

	return length < 0 ? 0 : hash(text, (size_t)length);
}

static const struct thread *find_thread(const struct domain *domain, pid_t tid)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].tid == tid)
			return &domain->threads[i];
	return NULL;
}

/* Kernel threads are processes of their own. */
static bool is_outside(const struct host *host, const struct thread *thread)
{
	const struct qemu_workers *workers = qemu_watch_workers(host->watch);

	for (size_t i = 0; i < workers->count; i++)
		if (workers->items[i].tid == thread->tid)
			return true;
	return false;
}

static bool is_among(const struct proc_ids *ids, pid_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->items[i].id == id)
			return true;
	return false;
}

enum thread_news { NEWS_NONE, NEWS_UNNAMED, NEWS_CHANGE };

/* Has it its maker's name (still, or for ever without debug-threads=on)? */
static bool is_unnamed(const struct domain *domain, const char *name)
{
	const struct thread *leader = find_thread(domain, domain->pid);

	return leader && strncmp(name, leader->name, sizeof leader->name - 1) == 0;
}

/* A thread that was not there: does it matter? That shows once it has named itself. */
static enum thread_news judge_new(const struct rootfs *root, const struct domain *domain, pid_t tid)
{
	struct proc_stat stat;

	if (proc_read_stat(root, domain->pid, tid, &stat))
		return NEWS_NONE;
	if (is_unnamed(domain, stat.comm))
		return NEWS_UNNAMED;
	return qemu_thread_is_transient(stat.comm) ? NEWS_NONE : NEWS_CHANGE;
}

/* Workers of the block layer's pool come and go by the second: they change nothing. */
static bool is_missed(const struct host *host, const struct domain *domain,
		      const struct thread *thread)
{
	return thread->role != THREAD_WORKER && !is_outside(host, thread) &&
	       (thread->tid == domain->pid || !is_unnamed(domain, thread->name));
}

static enum thread_news compare_threads(const struct host *host, const struct domain *domain)
{
	enum thread_news news = NEWS_NONE, one;
	struct proc_ids ids = { 0 };

	if (proc_read_ids(host->root, domain->pid, "task", &ids))
		news = NEWS_CHANGE;
	for (size_t i = 0; i < ids.count && news != NEWS_CHANGE; i++)
		if (!find_thread(domain, ids.items[i].id)) {
			one = judge_new(host->root, domain, ids.items[i].id);
			news = one > news ? one : news;
		}
	for (size_t i = 0; i < domain->thread_count && news != NEWS_CHANGE; i++)
		if (!is_among(&ids, domain->threads[i].tid) &&
		    is_missed(host, domain, &domain->threads[i]))
			news = NEWS_CHANGE;
	proc_ids_clear(&ids);
	return news;
}

/* Marks are in the order of their topology's domains: look at `hint` first,
 * then around. */
static struct host_mark *find_mark(const struct host_marks *marks, size_t hint,
				   const struct domain *domain)
{
	for (size_t i = 0; i < marks->count; i++) {
		struct host_mark *mark = &marks->items[(hint + i) % marks->count];

		if (mark->pid == domain->pid && mark->start_ticks == domain->start_ticks)
			return mark;
	}
	return NULL;
}

/* Its cgroup is looked at in turns: it hardly ever changes, and telling so is
 * dear. */
static bool is_in_turn(const struct host *host, const struct host_mark *mark)
{
	size_t index = (size_t)(mark - host->marks.items), all = host->marks.count;

	return (index >= host->placed ? index - host->placed : index + all - host->placed) <
	       PLACEMENTS_A_TICK;
}

static bool domain_changed(struct host *host, size_t index, uint64_t now_ns)
{
	const struct domain *domain = &host->last->domains[index];
	struct host_mark *mark = find_mark(&host->marks, index, domain);
	uint64_t links;
	enum thread_news news;

	if (!mark ||
	    (is_in_turn(host, mark) && read_placement(host->root, domain->pid) != mark->placement))
		return true;
	if (now_ns - mark->first_ns < UNNAMED_PATIENCE_NS && !qemu_threads_named(domain))
		return true;
	links = read_links(host->root, mark);
	if (links == mark->links)
		return false;
	news = compare_threads(host, domain);
	if (news == NEWS_NONE)
		mark->links = links;
	return news == NEWS_CHANGE;
}

/* Is there a new VM, or one that was stopped? Known ones that end show without a listing. */
static bool list_changed(struct host *host, uint64_t now_ns)
{
	uint64_t begin_ns;
	int result;

	if (now_ns - host->listed_ns < host->list_share * host->list_cost_ns)
		return false;
	begin_ns = clock_now_ns();
	result = qemu_watch_glance(host->watch, now_ns, NULL);
	host->listed_ns = clock_now_ns();
	host->list_cost_ns = host->listed_ns - begin_ns;
	return result != 0;
}

bool host_processes_changed(struct host *host, uint64_t now_ns)
{
	const struct topology *last = host->last;
	bool changed = list_changed(host, now_ns);

	for (size_t i = 0; i < last->domain_count && !changed; i++)
		changed = last->domains[i].pid && last->domains[i].state != DOMAIN_ENDED &&
			  domain_changed(host, i, now_ns);
	if (host->marks.count)
		host->placed = (host->placed + PLACEMENTS_A_TICK) % host->marks.count;
	return changed;
}

/* From what the discovery saw, so that a thread made since shows. */
static uint64_t expected_links(const struct host *host, const struct domain *domain)
{
	uint64_t links = 2;

	for (size_t i = 0; i < domain->thread_count; i++)
		links += !is_outside(host, &domain->threads[i]);
	return links;
}

void host_clear_marks(struct host_marks *marks)
{
	for (size_t i = 0; i < marks->count; i++)
		if (marks->items[i].threads_fd >= 0)
			close(marks->items[i].threads_fd);
	free(marks->items);
	*marks = (struct host_marks){ 0 };
}

/* The old mark's descriptor moves over: it stays with its process, whoever has
 * the number. */
static void set_mark(const struct host *host, const struct domain *domain, struct host_mark *old,
		     uint64_t now_ns, struct host_mark *mark)
{
	*mark = (struct host_mark){
		.pid = domain->pid,
		.start_ticks = domain->start_ticks,
		.first_ns = old ? old->first_ns : now_ns,
		.links = expected_links(host, domain),
		.placement = read_placement(host->root, domain->pid),
		.threads_fd = old ? old->threads_fd : -1,
	};
	if (old)
		old->threads_fd = -1;
}

int host_take_marks(struct host *host, const struct topology *topology, uint64_t now_ns)
{
	struct host_marks marks = { 0 };

	for (size_t i = 0; i < topology->domain_count; i++) {
		const struct domain *domain = &topology->domains[i];
		struct host_mark *old = find_mark(&host->marks, i, domain), *mark;

		if (!domain->pid || domain->state == DOMAIN_ENDED)
			continue;
		mark = MEMORY_APPEND(&marks);
		if (!mark) {
			host_clear_marks(&marks);
			return -ENOMEM;
		}
		set_mark(host, domain, old, now_ns, mark);
		if (mark->threads_fd < 0 && marks.count <= THREADS_FDS_MAX &&
		    rootfs_is_real(host->root))
			mark->threads_fd = open_threads(host->root, domain->pid);
	}
	host_clear_marks(&host->marks);
	host->marks = marks;
	return 0;
}
