/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/cgroup.h"
#include "host/host-internal.h"
#include "base/proc.h"

int host_add_textf(struct host_texts *texts, const char *format, ...)
{
	char line[1024], **text;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], line) == 0)
			return 0;
	text = MEMORY_APPEND(texts);
	if (!text)
		return -ENOMEM;
	*text = strdup(line);
	if (*text)
		return 0;
	texts->count--;
	return -ENOMEM;
}

void host_clear_texts(struct host_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	free(texts->items);
	*texts = (struct host_texts){ 0 };
}

int host_copy_text(char **target, const char *text)
{
	*target = text ? strdup(text) : NULL;
	return text && !*target ? -ENOMEM : 0;
}

/* --- names ----------------------------------------------------------------- */

/* OpenStack's libvirt names are numbers; its owners know the VM by its display name. */
static const char *name_of(const struct libvirt_domain *known)
{
	return known->display_name && *known->display_name ? known->display_name : known->name;
}

/* The password file of another root is read by itself: its names are not this machine's. */
static char *user_name(const struct rootfs *root, uid_t uid)
{
	struct passwd entry, *found = NULL;
	char buffer[4096], *name = NULL;
	FILE *file;
	int fd;

	if (rootfs_is_real(root)) {
		getpwuid_r(uid, &entry, buffer, sizeof buffer, &found);
		return found ? strdup(found->pw_name) : NULL;
	}
	fd = rootfs_openf(root, O_RDONLY, "/etc/passwd");
	file = fd < 0 ? NULL : fdopen(fd, "r");
	while (file && !name && fgetpwent_r(file, &entry, buffer, sizeof buffer, &found) == 0)
		if (found->pw_uid == uid)
			name = strdup(found->pw_name);
	if (file)
		fclose(file);
	else if (fd >= 0)
		close(fd);
	return name;
}

/* Users that run everybody's VMs own none of them. */
static bool is_nobodys(const char *name)
{
	static const char *const users[] = { "root", "libvirt-qemu", "qemu", "nova", "nobody" };

	for (size_t i = 0; i < sizeof users / sizeof *users; i++)
		if (strcmp(name, users[i]) == 0)
			return true;
	return false;
}

/* Asked once in a discovery: it reads a file, or asks a directory service. 0 or -ENOMEM. */
static int find_user(struct host_merge *merge, uid_t uid, const char **name)
{
	struct host_user *user;

	for (size_t i = 0; i < merge->users.count; i++)
		if (merge->users.items[i].uid == uid) {
			*name = merge->users.items[i].name;
			return 0;
		}
	user = MEMORY_APPEND(&merge->users);
	if (!user)
		return -ENOMEM;
	user->uid = uid;
	user->name = user_name(merge->host->root, uid);
	*name = user->name;
	return 0;
}

void host_clear_users(struct host_users *users)
{
	for (size_t i = 0; i < users->count; i++)
		free(users->items[i].name);
	free(users->items);
	*users = (struct host_users){ 0 };
}

static int set_owner(struct host_merge *merge, pid_t pid, struct domain *domain)
{
	const char *name = NULL;
	uid_t uid;
	int result;

	if (proc_read_uid(merge->host->root, pid, &uid))
		return 0;
	result = find_user(merge, uid, &name);
	if (result || !name || is_nobodys(name))
		return result;
	return host_copy_text(&domain->owner, name);
}

static int set_names(struct host_merge *merge, const struct libvirt_domain *known,
		     const struct qemu_process *process, struct domain *domain)
{
	const char *uuid = known ? known->uuid : process->uuid;
	int result = host_copy_text(&domain->name, known ? name_of(known) : process->name);

	if (!result)
		result = host_copy_text(&domain->uuid, uuid);
	if (!result && known)
		result = host_copy_text(&domain->connection, merge->view->uri);
	if (!result && known)
		result = host_copy_text(&domain->owner, known->owner);
	if (!result && !known)
		result = set_owner(merge, process->pid, domain);
	return result;
}

/* --- times ----------------------------------------------------------------- */

/* A process's start is counted on the boot clock, which runs on in suspend. */
static uint64_t start_of_process(const struct host_merge *merge, uint64_t start_ticks)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK), since_boot_ns, age_ns;
	struct timespec boot;

	if (!rootfs_is_real(merge->host->root) || clock_gettime(CLOCK_BOOTTIME, &boot))
		return merge->now_ns;
	since_boot_ns = clock_timespec_ns(&boot);
	age_ns = since_boot_ns - start_ticks * (1000000000u / hz);
	return age_ns < merge->now_ns ? merge->now_ns - age_ns : 1;
}

/* The same run in the last topology; NULL = none. */
static const struct domain *find_before(const struct host *host, const struct domain *domain)
{
	const struct host_mark *mark =
		host_find_mark(&host->marks, domain->pid, domain->start_ticks);

	if (domain->pid)
		return mark ? &host->last->domains[mark->domain] : NULL;
	for (size_t i = 0; host->last && i < host->last->domain_count; i++) {
		const struct domain *before = &host->last->domains[i];

		if (before->state != DOMAIN_ENDED && !before->pid && before->uuid &&
		    text_equal(before->uuid, domain->uuid))
			return before;
	}
	return NULL;
}

static uint64_t start_of(const struct host_merge *merge, const struct domain *domain)
{
	const struct domain *before = find_before(merge->host, domain);

	if (before)
		return before->start_ns;
	if (!merge->host->last)
		return 0;
	return domain->pid ? start_of_process(merge, domain->start_ticks) : merge->now_ns;
}

/* --- threads --------------------------------------------------------------- */

static void mark_vcpu(struct domain *domain, unsigned vcpu, pid_t tid)
{
	for (size_t i = 0; tid && i < domain->thread_count; i++) {
		struct thread *thread = &domain->threads[i];

		if (thread->tid != tid)
			continue;
		/* One thread for several: "thread=single". */
		thread->vcpu = thread->role == THREAD_VCPU ? VCPU_ALL : (int)vcpu;
		thread->role = THREAD_VCPU;
	}
}

/* Where the threads' names tell nothing, a monitor of ours does. 0 or -ENOMEM. */
static int ask_monitor(struct host *host, struct domain *domain, unsigned vcpus)
{
	struct host_monitor *monitor = host_find_monitor(host, domain);
	pid_t *tids;
	uint64_t begun_ns;
	int result;

	if (!monitor || !host_monitor_begin(host, monitor, &begun_ns))
		return 0;
	tids = calloc(vcpus, sizeof *tids);
	if (!tids)
		return -ENOMEM;
	result = qmp_vcpu_tids(monitor->qmp, tids, vcpus, &monitor->trouble);
	host_monitor_end(host, monitor, begun_ns, result);
	for (unsigned vcpu = 0; vcpu < vcpus; vcpu++)
		mark_vcpu(domain, vcpu, tids[vcpu]);
	free(tids);
	return 0;
}

static unsigned count_vcpus(const struct domain *domain, unsigned stated)
{
	unsigned count = 0;

	for (size_t i = 0; i < domain->thread_count; i++) {
		if (domain->threads[i].vcpu == VCPU_ALL)
			return stated ? stated : 1;
		count += domain->threads[i].role == THREAD_VCPU;
	}
	if (count)
		return count;
	return stated ? stated : 1;
}

static int read_process(struct host_merge *merge, const struct qemu_process *process,
			unsigned stated, struct domain *domain, struct error *error)
{
	const struct rootfs *root = merge->host->root;
	int result;

	domain->pid = process->pid;
	domain->start_ticks = process->start_ticks;
	domain->cgroup = cgroup_exclusive(root, &merge->mounts, process->pid);
	if (domain->cgroup)
		domain->cpu_weight = cgroup_cpu_weight(root, &merge->mounts, domain->cgroup);
	result = qemu_threads_collect(root, qemu_watch_workers(merge->host->watch), domain, error);
	if (result == -ESRCH || result == -ENOMEM)
		return result;
	if (result) {
		result = qemu_add_reason(&domain->reason,
					 error ? error->text : "threads: unreadable");
	} else {
		if (!qemu_threads_have_vcpu(domain))
			result = ask_monitor(merge->host, domain, stated ? stated : 1);
		if (!result)
			result = qemu_threads_conclude(domain);
	}
	domain->vcpus = count_vcpus(domain, stated);
	if (!result && process->reason)
		result = qemu_add_reason(&domain->reason, process->reason);
	return result;
}

/* --- disks ----------------------------------------------------------------- */

struct disk_source { /* one disk, as either side tells it */
	const char *name, *source;
	const char *prefix; /* before the source */
	bool direct;
	char iothread[64]; /* as its thread is called; "" = none */
};

static void from_libvirt(const struct libvirt_disk *disk, struct disk_source *source)
{
	*source = (struct disk_source){
		.name = disk->target,
		.source = disk->source ? disk->source : "",
		.prefix = disk->type && strcmp(disk->type, "vhostuser") == 0 ? "vhost-user:" : "",
		.direct = disk->direct,
	};
	if (disk->iothread > 0)
		snprintf(source->iothread, sizeof source->iothread, "IO iothread%d",
			 disk->iothread);
}

static void from_cmdline(const struct qemu_process *process, const struct qemu_drive *drive,
			 struct disk_source *source)
{
	*source = (struct disk_source){
		.name = drive->name,
		.source = drive->source,
		.prefix = "",
		.direct = drive->direct,
	};
	if (drive->iothread >= 0)
		snprintf(source->iothread, sizeof source->iothread, "IO %.50s",
			 process->iothreads[drive->iothread]);
}

static int fill_vdisk(struct host_merge *merge, const struct disk_source *source, pid_t pid,
		      struct vdisk *vdisk)
{
	struct text path = { 0 };

	text_addf(&path, "%s%s", source->prefix, source->source);
	vdisk->source = path.bytes;
	vdisk->name = strdup(source->name);
	vdisk->direct = source->direct;
	if (!vdisk->name || !vdisk->source)
		return -ENOMEM;
	/* Its process is here, whatever libvirt we were told to ask. */
	if (pid > 0 || !merge->remote)
		return storage_resolve(merge->host->root, pid, vdisk, &merge->disks);
	vdisk->backing = VDISK_UNKNOWN;
	return host_copy_text(&vdisk->reason, "on another machine");
}

/* A thread's name holds 15 bytes, of which the first three are "IO ". */
static bool is_thread_of(const struct thread *thread, const char *iothread)
{
	enum { COMM_LENGTH = 15 };

	return thread->role == THREAD_IOTHREAD && strncmp(thread->name, iothread, COMM_LENGTH) == 0;
}

/* An I/O thread that serves one disk works for that disk. */
static void match_iothreads(struct domain *domain, const struct disk_source *sources)
{
	for (size_t i = 0; i < domain->thread_count; i++) {
		struct thread *thread = &domain->threads[i];
		unsigned served = 0;

		for (size_t k = 0; k < domain->vdisk_count; k++)
			if (sources[k].iothread[0] && is_thread_of(thread, sources[k].iothread)) {
				thread->vdisk = (int)k;
				served++;
			}
		if (served != 1)
			thread->vdisk = VDISK_NONE;
	}
}

static bool is_disk_of(const struct libvirt_domain *known, const char *path)
{
	for (size_t i = 0; i < known->disk_count; i++)
		if (text_equal(known->disks[i].source, path))
			return true;
	return false;
}

/* What libvirt does not call a disk, but another process serves: a shared folder. */
static bool is_served_beside(const struct libvirt_domain *known, const struct qemu_drive *drive)
{
	static const char beginning[] = "vhost-user:";

	return strncmp(drive->source, beginning, strlen(beginning)) == 0 &&
	       !is_disk_of(known, drive->source + strlen(beginning));
}

/* One more than there may be; the count of them, or -ENOMEM. */
static long list_sources(const struct libvirt_domain *known, const struct qemu_process *process,
			 struct disk_source **sources)
{
	size_t drives = process ? process->drive_count : 0, count = 0;

	*sources = calloc((known ? known->disk_count : 0) + drives + 1, sizeof **sources);
	if (!*sources)
		return -ENOMEM;
	for (size_t i = 0; known && i < known->disk_count; i++)
		from_libvirt(&known->disks[i], &(*sources)[count++]);
	for (size_t i = 0; i < drives; i++)
		if (!known || is_served_beside(known, &process->drives[i]))
			from_cmdline(process, &process->drives[i], &(*sources)[count++]);
	return (long)count;
}

static int read_disks(struct host_merge *merge, const struct libvirt_domain *known,
		      const struct qemu_process *process, struct domain *domain)
{
	struct disk_source *sources;
	long count = list_sources(known, process, &sources);
	int result = count < 0 ? (int)count : 0;

	if (!result) {
		domain->vdisks = calloc((size_t)count + 1, sizeof *domain->vdisks);
		result = domain->vdisks ? 0 : -ENOMEM;
	}
	for (long i = 0; i < count && !result; i++) {
		domain->vdisk_count++;
		result = fill_vdisk(merge, &sources[i], domain->pid, &domain->vdisks[i]);
	}
	if (!result)
		match_iothreads(domain, sources);
	free(sources);
	return result;
}

/* --- one domain ------------------------------------------------------------ */

/* Neither libvirt nor a monitor tells what it moved, and its own counters are refused. */
static bool hides_its_io(const struct host_merge *merge, const struct domain *domain)
{
	char text[16];
	long got;

	if (domain->vdisk_count == 0 || host_find_monitor(merge->host, domain))
		return false;
	got = rootfs_readf(merge->host->root, text, sizeof text, "/proc/%d/io", (int)domain->pid);
	return got == -EACCES || got == -EPERM;
}

static int add_reasons(const struct host_merge *merge, const struct libvirt_domain *known,
		       const struct qemu_process *process, struct domain *domain)
{
	const struct libvirt_view *view = merge->view;
	char text[1024] = "";
	int result = 0;

	if (known && known->reason)
		result = qemu_add_reason(&domain->reason, known->reason);
	if (!result && known && !process)
		result = qemu_add_reason(&domain->reason,
					 merge->remote ? "runs on another machine"
						       : "no QEMU process of it is seen here");
	if (known && view->trouble)
		snprintf(text, sizeof text, "libvirt: %s%s%s", view->trouble,
			 *merge->lost ? "; known as of " : "", merge->lost);
	else if (!known && process->libvirt && view && view->trouble)
		snprintf(text, sizeof text, "libvirt: %s; shown as its command line tells",
			 view->trouble);
	else if (!known && process->libvirt && view)
		snprintf(text, sizeof text, "libvirt at %s does not list it", view->uri);
	else if (!known && process->libvirt && merge->host->libvirt)
		snprintf(text, sizeof text, "libvirt: has not answered yet");
	if (!result && *text)
		result = qemu_add_reason(&domain->reason, text);
	if (!result && process && (!known || view->trouble) && hides_its_io(merge, domain))
		result = qemu_add_reason(&domain->reason,
					 "what it reads and writes is seen by root or with "
					 "CAP_SYS_PTRACE only");
	return result;
}

static enum domain_state state_of(const struct libvirt_domain *known,
				  const struct qemu_process *process)
{
	if (known && known->state == DOMAIN_PAUSED)
		return DOMAIN_PAUSED;
	return process && process->stopped ? DOMAIN_PAUSED : DOMAIN_RUNNING;
}

/* 0 = neither side says. At least one side is there. */
static unsigned stated_vcpus(const struct libvirt_domain *known, const struct qemu_process *process)
{
	if (known && (known->vcpus || !process))
		return known->vcpus;
	return process->vcpus;
}

static int read_domain(struct host_merge *merge, const struct libvirt_domain *known,
		       const struct qemu_process *process, struct domain *domain,
		       struct error *error)
{
	unsigned stated = stated_vcpus(known, process);
	int result;

	domain->manager = known ? DOMAIN_LIBVIRT : DOMAIN_QEMU;
	domain->vcpus = stated ? stated : 1;
	domain->cpu_weight = 100;
	result = set_names(merge, known, process, domain);
	if (!result && process)
		result = read_process(merge, process, stated, domain, error);
	if (!result)
		result = read_disks(merge, known, process, domain);
	if (!result)
		result = nic_find(merge->host->root, domain, &merge->nics);
	if (!result)
		result = add_reasons(merge, known, process, domain);
	domain->start_ns = start_of(merge, domain);
	return result;
}

int host_make_domain(struct host_merge *merge, const struct libvirt_domain *known,
		     const struct qemu_process *process, struct domain *domain, struct error *error)
{
	const struct domain *unchanged = host_find_unchanged(merge, known, process);
	int result;

	*domain = (struct domain){ .state = state_of(known, process) };
	if (unchanged)
		result = host_copy_domain(merge, unchanged, domain);
	else
		result = read_domain(merge, known, process, domain, error);
	if (result)
		domain_clear(domain);
	return result;
}
