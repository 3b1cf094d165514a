/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/text.h"
#include "host/cgroup.h"
#include "base/proc.h"
#include "host/qemu.h"

/* --- names ----------------------------------------------------------------- */

/* The number behind `prefix`; the whole rest of the name must be digits. */
static bool number_behind(const char *name, const char *prefix, pid_t *number)
{
	size_t length = strlen(prefix);
	uint64_t value;

	if (strncmp(name, prefix, length) != 0 || number_parse_u64(name + length, &value) ||
	    value > INT_MAX)
		return false;
	*number = (pid_t)value;
	return true;
}

bool qemu_worker_parse(const char *comm, enum thread_role *role, pid_t *owner)
{
	static const struct {
		const char *prefix;
		enum thread_role role;
	} workers[] = {
		{ "vhost-", THREAD_VHOST },
		{ "kvm-pit/", THREAD_KVM },
		{ "kvm-nx-lpage-recovery-", THREAD_KVM },
	};
	/* 15 bytes are all that kernels before 5.17 show of a kernel thread's name. */
	static const char *const cut_short = "kvm-nx-lpage-re";

	*owner = 0;
	for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
		*role = workers[i].role;
		if (number_behind(comm, workers[i].prefix, owner))
			return true;
	}
	*role = THREAD_KVM;
	return strncmp(comm, cut_short, strlen(cut_short)) == 0;
}

/* "CPU 3/KVM": a number, a slash, the accelerator. */
static bool parse_vcpu(const char *name, int *vcpu)
{
	const char *cursor = name + strlen("CPU ");
	uint64_t number;

	if (strncmp(name, "CPU ", strlen("CPU ")) != 0 || *cursor < '0' || *cursor > '9' ||
	    number_scan_u64(&cursor, &number) || *cursor != '/' || number > INT_MAX)
		return false;
	*vcpu = (int)number;
	return true;
}

static const struct named_role {
	const char *beginning;
	enum thread_role role;
} named_roles[] = {
	{ "IO mon_iothread", THREAD_EMULATOR }, /* the monitor's: serves no disk */
	{ "IO ", THREAD_IOTHREAD },
	{ "worker", THREAD_WORKER },
	{ "pool-", THREAD_WORKER },    /* GLib's */
	{ "iou-wrk-", THREAD_WORKER }, /* io_uring's, made by the kernel */
	{ "iou-sqp-", THREAD_WORKER },
};

static void classify(struct thread *thread)
{
	pid_t owner;

	if (parse_vcpu(thread->name, &thread->vcpu)) {
		thread->role = THREAD_VCPU;
		return;
	}
	if (strncmp(thread->name, "ALL CPUs/", strlen("ALL CPUs/")) == 0) {
		thread->role = THREAD_VCPU;
		thread->vcpu = VCPU_ALL;
		return;
	}
	if (qemu_worker_parse(thread->name, &thread->role, &owner))
		return;
	thread->role = THREAD_EMULATOR;
	for (size_t i = 0; i < sizeof named_roles / sizeof *named_roles; i++)
		if (strncmp(thread->name, named_roles[i].beginning,
			    strlen(named_roles[i].beginning)) == 0) {
			thread->role = named_roles[i].role;
			return;
		}
}

bool qemu_thread_is_transient(const char *comm)
{
	struct thread thread = { 0 };

	snprintf(thread.name, sizeof thread.name, "%.*s", (int)sizeof thread.name - 1, comm);
	classify(&thread);
	return thread.role == THREAD_WORKER;
}

/* --- collecting ------------------------------------------------------------ */

struct thread_list {
	struct thread *items;
	size_t count, capacity;
};

static struct thread *add_thread(struct thread_list *list, pid_t tid, const char *name,
				 uint64_t start_ticks)
{
	struct thread *thread = MEMORY_APPEND(list);

	if (!thread)
		return NULL;
	thread->tid = tid;
	thread->start_ticks = start_ticks;
	thread->vcpu = VCPU_NONE;
	thread->vdisk = VDISK_NONE;
	snprintf(thread->name, sizeof thread->name, "%.*s", (int)sizeof thread->name - 1, name);
	return thread;
}

static int add_own(const struct rootfs *root, const struct domain *domain,
		   const struct proc_ids *ids, struct thread_list *list)
{
	for (size_t i = 0; i < ids->count; i++) {
		struct thread *thread;
		struct proc_stat stat;

		if (proc_read_stat(root, domain->pid, ids->items[i].id, &stat))
			continue; /* it ended since */
		if (ids->items[i].id == domain->pid && domain->start_ticks &&
		    stat.start_ticks != domain->start_ticks)
			return -ESRCH;
		thread = add_thread(list, ids->items[i].id, stat.comm, stat.start_ticks);
		if (!thread)
			return -ENOMEM;
		/* -name process=TEXT may name the process like anything. */
		if (thread->tid == domain->pid)
			thread->role = THREAD_EMULATOR;
		else
			classify(thread);
	}
	return list->count ? 0 : -ESRCH;
}

static bool has_id(const struct proc_ids *ids, pid_t id)
{
	size_t low = 0, high = ids->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ids->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ids->count && ids->items[low].id == id;
}

bool qemu_worker_is_of(const struct qemu_worker *worker, const struct thread *owner)
{
	return worker->owner == owner->tid && worker->start_ticks >= owner->start_ticks;
}

static bool works_for(const struct qemu_worker *worker, const struct thread *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (qemu_worker_is_of(worker, &threads[i]))
			return true;
	return false;
}

/* Kernel threads outside of the process; `sampled` unless its cgroup counts them already. */
static int add_workers(const struct rootfs *root, const struct domain *domain,
		       const struct proc_ids *ids, const struct qemu_workers *workers,
		       struct thread_list *list)
{
	size_t own = list->count;

	for (size_t i = 0; i < workers->count; i++) {
		const struct qemu_worker *worker = &workers->items[i];
		struct thread *thread;
		char *path;

		if (!has_id(ids, worker->owner) || !works_for(worker, list->items, own))
			continue;
		thread = add_thread(list, worker->tid, worker->name, worker->start_ticks);
		if (!thread)
			return -ENOMEM;
		thread->role = worker->role;
		path = domain->cgroup ? cgroup_of_thread(root, worker->tid, worker->tid) : NULL;
		thread->sampled = !path || !cgroup_is_within(path, domain->cgroup);
		free(path);
	}
	return 0;
}

bool qemu_threads_have_vcpu(const struct domain *domain)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].role == THREAD_VCPU)
			return true;
	return false;
}

bool qemu_threads_named(const struct domain *domain)
{
	const char *leader = NULL;

	for (size_t i = 0; i < domain->thread_count && !leader; i++)
		if (domain->threads[i].tid == domain->pid)
			leader = domain->threads[i].name;
	for (size_t i = 0; i < domain->thread_count && leader; i++)
		if (domain->threads[i].tid != domain->pid &&
		    strcmp(domain->threads[i].name, leader) == 0)
			return false;
	return true;
}

/* libvirt puts vCPU N into a cgroup "vcpuN", and I/O thread N into "iothreadN". */
static void classify_by_cgroup(const struct rootfs *root, struct domain *domain)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		struct thread *thread = &domain->threads[i];
		char *path = thread->tid == domain->pid
				     ? NULL
				     : cgroup_of_thread(root, domain->pid, thread->tid);
		const char *folder = path ? strrchr(path, '/') : NULL;
		pid_t number;

		if (folder && number_behind(folder, "/vcpu", &number)) {
			thread->role = THREAD_VCPU;
			thread->vcpu = (int)number;
		} else if (folder && number_behind(folder, "/iothread", &number)) {
			thread->role = THREAD_IOTHREAD;
		}
		free(path);
	}
}

/* Two threads may show one number for a moment (unplugged and plugged again): keep the first. */
static void drop_repeated_vcpus(struct domain *domain)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		for (size_t k = 0; k < i && domain->threads[i].vcpu >= 0; k++)
			if (domain->threads[k].vcpu == domain->threads[i].vcpu) {
				domain->threads[i].role = THREAD_EMULATOR;
				domain->threads[i].vcpu = VCPU_NONE;
			}
}

int qemu_threads_collect(const struct rootfs *root, const struct qemu_workers *workers,
			 struct domain *domain, struct error *error)
{
	struct thread_list list = { 0 };
	struct proc_ids ids = { 0 };
	int result = proc_read_ids(root, domain->pid, "task", &ids);

	if (!result)
		result = add_own(root, domain, &ids, &list);
	if (!result)
		result = add_workers(root, domain, &ids, workers, &list);
	proc_ids_clear(&ids);
	if (result) {
		free(list.items);
		return error_setf(error, -result, "/proc/%d/task: %s", domain->pid,
				  strerrordesc_np(-result));
	}
	free(domain->threads);
	domain->threads = list.items;
	domain->thread_count = list.count;
	if (!qemu_threads_have_vcpu(domain) && !qemu_threads_named(domain))
		classify_by_cgroup(root, domain);
	return 0;
}

/* --- concluding ------------------------------------------------------------ */

int qemu_add_reason(char **reason, const char *sentence)
{
	struct text text = { 0 };

	text_addf(&text, "%s%s%s", *reason ? *reason : "", *reason ? "; " : "", sentence);
	if (text.failed) {
		text_free(&text);
		return -ENOMEM;
	}
	free(*reason);
	*reason = text.bytes;
	return 0;
}

int qemu_threads_conclude(struct domain *domain)
{
	drop_repeated_vcpus(domain);
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].role == THREAD_VCPU ||
		    domain->threads[i].role == THREAD_IOTHREAD)
			domain->threads[i].sampled = true;
	if (qemu_threads_have_vcpu(domain) || qemu_threads_named(domain))
		return 0;
	return qemu_add_reason(&domain->reason,
			       "vCPU threads have no names (start QEMU with -name "
			       "NAME,debug-threads=on): all its CPU time counts as vCPU");
}

bool qemu_worker_from_stat(const struct proc_stat *stat, pid_t tid, struct qemu_worker *worker)
{
	*worker = (struct qemu_worker){ .tid = tid, .start_ticks = stat->start_ticks };
	snprintf(worker->name, sizeof worker->name, "%.*s", (int)sizeof worker->name - 1,
		 stat->comm);
	return stat->kernel_thread &&
	       qemu_worker_parse(stat->comm, &worker->role, &worker->owner) && worker->owner;
}

static int find_workers(const struct rootfs *root, struct qemu_workers *workers)
{
	struct proc_ids ids = { 0 };
	int result = proc_read_ids(root, 0, NULL, &ids);

	for (size_t i = 0; i < ids.count && !result; i++) {
		struct qemu_worker worker, *added;
		struct proc_stat stat;

		if (proc_read_stat(root, ids.items[i].id, 0, &stat) ||
		    !qemu_worker_from_stat(&stat, ids.items[i].id, &worker))
			continue;
		added = MEMORY_APPEND(workers);
		if (added)
			*added = worker;
		else
			result = -ENOMEM;
	}
	proc_ids_clear(&ids);
	return result;
}

int qemu_threads(const struct rootfs *root, struct domain *domain, struct error *error)
{
	struct qemu_workers workers = { 0 };
	int result = find_workers(root, &workers);

	if (!result)
		result = qemu_threads_collect(root, &workers, domain, error);
	free(workers.items);
	return result ? result : qemu_threads_conclude(domain);
}
