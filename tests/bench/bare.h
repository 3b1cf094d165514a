/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bare.h - the least that any tool pays for the same counters: descriptors
 * that stay open, one system call for each counter that a sample was made
 * from, the first number of each text; no discovery, no account, no checks.
 *
 * Which counters, a topology and a sample of it say. Only what a file of its
 * own tells is read (model/sample.h); statistics of libvirt and QMP are not.
 */
#ifndef VMENERGY_TESTS_BARE_H
#define VMENERGY_TESTS_BARE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/cgroupfs.h"
#include "base/memory.h"
#include "model/sample.h"
#include "model/topology.h"
#include "probe/perf-events.h"
#include "probe/perf-group.h"

struct bare_counter {
	int fd; /* -1: a clock */
	clockid_t clock;
	struct perf_group *group; /* NULL: a text */
	uint64_t value;
};

/* Start from {0}. */
struct bare {
	struct bare_counter *items;
	size_t count, capacity;
	bool exhausted; /* descriptors ran out: it is not whole */
	struct cgroup_mounts mounts;
	char text[65536];
};

/* --- opening --------------------------------------------------------------- */

static inline void bare_add(struct bare *bare, struct bare_counter counter)
{
	struct bare_counter *added = MEMORY_APPEND(bare);

	if (!added)
		abort();
	*added = counter;
}

/* false: there is no such file. */
static inline __attribute__((format(printf, 2, 3))) bool bare_add_file(struct bare *bare,
								       const char *format, ...)
{
	char path[PATH_MAX];
	va_list arguments;
	int fd;

	va_start(arguments, format);
	vsnprintf(path, sizeof path, format, arguments);
	va_end(arguments);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	bare->exhausted = bare->exhausted || (fd < 0 && (errno == EMFILE || errno == ENFILE));
	if (fd < 0)
		return false;
	bare_add(bare, (struct bare_counter){ .fd = fd });
	return true;
}

static inline void bare_add_clock(struct bare *bare, clockid_t clock)
{
	bare_add(bare, (struct bare_counter){ .fd = -1, .clock = clock });
}

/* What the domain used in all, from where its sample has it. */
static inline void bare_add_total(struct bare *bare, const struct domain *domain,
				  const struct domain_reading *reading)
{
	clockid_t clock;

	if (reading->total_source == TOTAL_CGROUP) {
		if (!bare_add_file(bare, "%s%s/cpuacct.usage", bare->mounts.cpuacct,
				   domain->cgroup))
			bare_add_file(bare, "%s%s/cpu.stat", bare->mounts.v2, domain->cgroup);
	} else if (reading->total_source == TOTAL_PROCESS &&
		   clock_getcpuclockid(domain->pid, &clock) == 0) {
		bare_add_clock(bare, clock);
	}
}

static inline void bare_add_threads(struct bare *bare, const struct domain *domain)
{
	for (size_t i = 0; i < domain->thread_count; i++)
		if (domain->threads[i].sampled)
			bare_add_file(bare, "/proc/%d/task/%d/schedstat", domain->pid,
				      domain->threads[i].tid);
}

/* A group's files tell of all disks at once: one entry of a domain stands for the rest. */
static inline void bare_add_issued(struct bare *bare, const struct topology *topology,
				   const struct sample *sample)
{
	size_t last = SIZE_MAX;

	for (size_t i = 0; i < sample->issued_count; i++) {
		const struct issued_reading *issued = &sample->issued[i];
		const struct domain *domain = &topology->domains[issued->domain];

		if (issued->disk == ISSUED_ANY_DISK)
			bare_add_file(bare, "/proc/%d/io", domain->pid);
		else if (issued->domain != last &&
			 bare_add_file(bare, "%s%s/blkio.throttle.io_service_bytes_recursive",
				       bare->mounts.blkio, domain->cgroup))
			bare_add_file(bare, "%s%s/blkio.throttle.io_serviced_recursive",
				      bare->mounts.blkio, domain->cgroup);
		else if (issued->domain != last)
			bare_add_file(bare, "%s%s/io.stat", bare->mounts.v2, domain->cgroup);
		last = issued->domain;
	}
}

/* cgroup v2: the groups of the first level, and the tasks of the root. */
static inline void bare_add_first_level(struct bare *bare)
{
	DIR *folder = opendir(bare->mounts.v2);
	struct dirent *entry;
	char path[PATH_MAX];
	unsigned long tid;
	FILE *tasks;

	while (folder && (entry = readdir(folder)))
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			bare_add_file(bare, "%s/%s/cpu.stat", bare->mounts.v2, entry->d_name);
	if (folder)
		closedir(folder);
	snprintf(path, sizeof path, "%s/cgroup.threads", bare->mounts.v2);
	tasks = fopen(path, "re");
	while (tasks && fscanf(tasks, "%lu", &tid) == 1)
		bare_add_file(bare, "/proc/%lu/schedstat", tid);
	if (tasks)
		fclose(tasks);
}

/* Everything but the CPU counters of threads, domains and the machine. */
static inline void bare_open_disks(struct bare *bare, const struct topology *topology,
				   const struct sample *sample)
{
	bare_add_issued(bare, topology, sample);
	for (size_t i = 0; i < topology->disk_count; i++)
		bare_add_file(bare, "/sys/dev/block/%u:%u/stat", topology->disks[i].major,
			      topology->disks[i].minor);
}

static inline void bare_open_cputime(struct bare *bare, const struct topology *topology,
				     const struct sample *sample)
{
	for (size_t i = 0; i < topology->domain_count; i++) {
		bare_add_threads(bare, &topology->domains[i]);
		bare_add_total(bare, &topology->domains[i], &sample->domains[i]);
	}
	bare_add_clock(bare, CLOCK_PROCESS_CPUTIME_ID);
	if (!bare->mounts.cpuacct[0] ||
	    !bare_add_file(bare, "%s/cpuacct.usage_percpu", bare->mounts.cpuacct))
		bare_add_first_level(bare);
}

/* One group; what cannot be opened is left out, as the probe does. */
static inline void bare_add_group(struct bare *bare, const struct perf_set *set, pid_t tid, int cpu)
{
	const struct perf_place place = { .pid = tid, .cpu = cpu, .fd_limit = INT_MAX };
	struct perf_group *group = calloc(1, sizeof *group);
	int result;

	if (!group)
		abort();
	result = perf_group_open(group, set, set->count, &place);
	if (result)
		free(group);
	else
		bare_add(bare, (struct bare_counter){ .fd = group->fds[0], .group = group });
	bare->exhausted = bare->exhausted || result == -EMFILE;
}

/* All threads, as domains without a cgroup of their own need, ourselves, and each CPU. */
static inline int bare_open_perf(struct bare *bare, const struct topology *topology,
				 const struct event_set *events, struct error *error)
{
	const char *names[SAMPLE_EVENTS_MAX];
	struct perf_set set;
	int result;

	for (unsigned i = 0; i + 1 < events->count; i++)
		names[i] = events->names[i];
	result = perf_set_resolve(&set, names, events->count - 1, error);
	if (result)
		return result;
	for (size_t i = 0; i < topology->domain_count; i++)
		for (size_t k = 0; k < topology->domains[i].thread_count; k++)
			bare_add_group(bare, &set, topology->domains[i].threads[k].tid, -1);
	bare_add_group(bare, &set, 0, -1);
	for (int cpu = 0; cpu < get_nprocs_conf(); cpu++)
		bare_add_group(bare, &set, -1, cpu);
	return 0;
}

/* Its memory is used again. */
static inline void bare_close(struct bare *bare)
{
	for (size_t i = 0; i < bare->count; i++)
		if (bare->items[i].group) {
			perf_group_close(bare->items[i].group);
			free(bare->items[i].group);
		} else if (bare->items[i].fd >= 0) {
			close(bare->items[i].fd);
		}
	bare->count = 0;
}

/* --- reading --------------------------------------------------------------- */

static inline uint64_t bare_first_number(const char *text)
{
	uint64_t number = 0;

	while (*text && (*text < '0' || *text > '9'))
		text++;
	for (; *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (uint64_t)(*text - '0');
	return number;
}

/* What is gone keeps its value: the topology will say so. */
static inline void bare_read_file(struct bare *bare, struct bare_counter *counter)
{
	ssize_t length = counter->group ? read(counter->fd, bare->text, sizeof bare->text)
					: pread(counter->fd, bare->text, sizeof bare->text - 1, 0);

	if (length <= 0)
		return;
	if (counter->group) {
		__builtin_memcpy(&counter->value, bare->text, sizeof counter->value);
		return;
	}
	bare->text[length] = '\0';
	counter->value = bare_first_number(bare->text);
}

static inline void bare_read(struct bare *bare)
{
	for (size_t i = 0; i < bare->count; i++) {
		struct bare_counter *counter = &bare->items[i];
		struct timespec time;

		if (counter->fd >= 0)
			bare_read_file(bare, counter);
		else if (clock_gettime(counter->clock, &time) == 0)
			counter->value =
				(uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
	}
}

#endif
