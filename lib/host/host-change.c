/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "host/host-internal.h"
#include "base/proc.h"

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

static const struct thread *find_thread(const struct domain *domain, pid_t tid)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].tid == tid)
			return &domain->threads[i];
	return NULL;
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
	return thread->role != THREAD_WORKER && !host_is_outside(host, thread) &&
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

static bool domain_changed(struct host *host, struct host_mark *mark, uint64_t now_ns)
{
	const struct domain *domain = &host->last->domains[mark->domain];
	enum thread_news news;
	uint64_t links;

	if (host_mark_moved(host, mark) ||
	    (host_mark_is_young(mark, now_ns) && !qemu_threads_named(domain)))
		return true;
	links = host_read_links(host, mark);
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
	bool changed = list_changed(host, now_ns);

	for (size_t i = 0; i < host->marks.count && !changed; i++)
		if (domain_changed(host, &host->marks.items[i], now_ns)) {
			host->marks.items[i].doubted = true;
			changed = true;
		}
	if (host->marks.count)
		host->placed = (host->placed + HOST_PLACEMENTS_A_TICK) % host->marks.count;
	return changed;
}
