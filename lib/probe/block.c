/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cgroupfs.h"
#include "base/numbers.h"
#include "probe/block-cgroup.h"
#include "probe/io-file.h"
#include "probe/kept.h"

enum { SECTOR_BYTES = 512 }; /* of a stat file, whatever the disk's own are */

/* What is open for one domain. */
struct domain_files {
	pid_t pid;
	uint64_t start_ticks;
	char *cgroup; /* owned; NULL = none */
	struct block_cgroup group;
	struct kept_file process; /* /proc/PID/io */
};

struct followed {
	struct domain_files *domains; /* parallel to the topology's */
	struct kept_file *leaves;
	size_t domain_count, leaf_count;
	uint64_t generation;
};

struct block {
	struct kept_files files;
	struct cgroup_mounts mounts;
	struct block_cgroup root;    /* v1 only */
	struct block_counts counted; /* disks that v1 counts at all */
	struct block_counts counts;  /* of one domain at a time */
	struct kept_buffer buffer;
	struct followed followed;
};

int block_open(struct block **out, const struct rootfs *root, struct error *error)
{
	struct block *block = calloc(1, sizeof *block);

	*out = NULL;
	if (!block)
		return error_setf(error, ENOMEM, "out of memory");
	kept_files_init(&block->files, root);
	cgroup_find_mounts(root, &block->mounts);
	if (block->mounts.blkio[0])
		block_cgroup_open(&block->root, &block->files, &block->mounts, "");
	*out = block;
	return 0;
}

static void domain_files_close(struct domain_files *domain)
{
	block_cgroup_close(&domain->group);
	kept_close(&domain->process);
	free(domain->cgroup);
	*domain = (struct domain_files){ 0 };
}

static void followed_clear(struct followed *followed)
{
	for (size_t i = 0; i < followed->domain_count; i++)
		domain_files_close(&followed->domains[i]);
	for (size_t i = 0; i < followed->leaf_count; i++)
		kept_close(&followed->leaves[i]);
	free(followed->domains);
	free(followed->leaves);
	*followed = (struct followed){ 0 };
}

void block_close(struct block *block)
{
	if (!block)
		return;
	followed_clear(&block->followed);
	block_cgroup_close(&block->root);
	free(block->counts.items);
	free(block->counted.items);
	free(block->buffer.bytes);
	free(block);
}

/* --- following ------------------------------------------------------------- */

static bool is_same(const struct domain_files *files, const struct domain *domain)
{
	return files->pid == domain->pid && files->start_ticks == domain->start_ticks &&
	       (files->cgroup && domain->cgroup ? strcmp(files->cgroup, domain->cgroup) == 0
						: files->cgroup == domain->cgroup);
}

/* Topologies keep their order by and large: look at `hint` first, then around. */
static struct domain_files *find_domain(const struct followed *old, size_t hint,
					const struct domain *domain)
{
	for (size_t i = 0; i < old->domain_count; i++) {
		struct domain_files *files = &old->domains[(hint + i) % old->domain_count];

		if (is_same(files, domain))
			return files;
	}
	return NULL;
}

static int open_domain(struct block *block, struct domain_files *files, const struct domain *domain)
{
	files->pid = domain->pid;
	files->start_ticks = domain->start_ticks;
	if (domain->cgroup) {
		files->cgroup = strdup(domain->cgroup);
		if (!files->cgroup)
			return -ENOMEM;
		block_cgroup_open(&files->group, &block->files, &block->mounts, domain->cgroup);
	}
	/* v1 may leave a disk out (see is_counted): be ready. */
	if (domain->pid > 0 && !files->group.stat.path)
		kept_open(&block->files, &files->process, "/proc/%d/io", (int)domain->pid);
	return 0;
}

static int follow_domains(struct block *block, struct followed *new,
			  const struct topology *topology)
{
	int result = 0;

	for (size_t i = 0; i < topology->domain_count && !result; i++) {
		const struct domain *domain = &topology->domains[i];
		struct domain_files *files = &new->domains[new->domain_count++];
		struct domain_files *known = find_domain(&block->followed, i, domain);

		if (known) {
			*files = *known;
			*known = (struct domain_files){ 0 };
		} else {
			result = open_domain(block, files, domain);
		}
	}
	return result;
}

int block_follow(struct block *block, const struct topology *topology)
{
	struct followed new = { .generation = topology->generation };
	int result;

	new.domains = calloc(topology->domain_count + 1, sizeof *new.domains);
	new.leaves = calloc(topology->disk_count + 1, sizeof *new.leaves);
	result = new.domains &&new.leaves ? 0 : -ENOMEM;
	if (!result)
		result = follow_domains(block, &new, topology);
	for (size_t i = 0; i < topology->disk_count && !result; i++)
		kept_open(&block->files, &new.leaves[new.leaf_count++], "/sys/dev/block/%u:%u/stat",
			  topology->disks[i].major, topology->disks[i].minor);
	followed_clear(result ? &new : &block->followed);
	if (result)
		return result;
	block->followed = new;
	return 0;
}

/* --- what domains issued --------------------------------------------------- */

static bool leads_to(const struct domain *domain, size_t disk)
{
	for (size_t i = 0; i < domain->vdisk_count; i++)
		for (size_t k = 0; k < domain->vdisks[i].leaf_count; k++)
			if (domain->vdisks[i].leaves[k] == disk)
				return true;
	return false;
}

/*
 * Does a group that names no such device stand at zero? On cgroup v2, yes. The
 * v1 counters belong to the throttle, which Linux 6.10 and later sets up for a
 * disk only when somebody gives it a limit; until then nobody's requests to it
 * are counted (measured on 6.18), and an absent line says nothing. The root
 * names the disks that are counted.
 */
static bool is_counted(const struct block *block, const struct domain_files *files,
		       const struct disk *disk)
{
	return files->group.stat.path ||
	       block_counts_find(&block->counted, disk->major, disk->minor) ||
	       block_counts_find(&block->counts, disk->major, disk->minor);
}

static int add_issued(struct sample *sample, size_t domain, size_t disk,
		      const struct block_count *count)
{
	struct issued_reading *issued = sample_add_issued(sample);

	if (!issued)
		return -ENOMEM;
	issued->domain = domain;
	issued->disk = (int)disk;
	issued->io.at_ns = clock_now_ns();
	issued->io.has_requests = true;
	if (count) {
		issued->io.read_bytes = count->read_bytes;
		issued->io.write_bytes = count->write_bytes;
		issued->io.read_requests = count->read_requests;
		issued->io.write_requests = count->write_requests + count->discards;
	}
	return 0;
}

/*
 * Entries for the leaves that the domain's vDISKs lead to or its group names.
 * Other devices there (dm, loop, md) pass their requests on to leaves, which
 * count them again.
 */
static int add_from_group(struct block *block, const struct topology *topology, size_t index,
			  struct sample *sample)
{
	int result = 0;

	for (size_t i = 0; i < topology->disk_count && !result; i++) {
		const struct disk *disk = &topology->disks[i];
		const struct block_count *count =
			block_counts_find(&block->counts, disk->major, disk->minor);

		if (count || (leads_to(&topology->domains[index], i) &&
			      is_counted(block, &block->followed.domains[index], disk)))
			result = add_issued(sample, index, i, count);
	}
	return result;
}

enum told { TOLD_NOTHING, TOLD_PART, TOLD_ALL };

/* Read the domain's group: what does it tell of the leaves that the domain uses? */
static enum told read_group(struct block *block, const struct topology *topology, size_t index)
{
	const struct domain_files *files = &block->followed.domains[index];

	if ((!files->group.stat.path && !files->group.bytes.path) ||
	    block_cgroup_read(&files->group, &block->files, &block->buffer, &block->counts))
		return TOLD_NOTHING;
	for (size_t i = 0; i < topology->disk_count; i++)
		if (leads_to(&topology->domains[index], i) &&
		    !is_counted(block, files, &topology->disks[i]))
			return TOLD_PART;
	return TOLD_ALL;
}

/* -ENODATA: not to be read. */
static int add_from_process(struct block *block, size_t index, struct sample *sample)
{
	const struct kept_file *file = &block->followed.domains[index].process;
	struct issued_reading *issued;
	struct io_reading io;

	if (io_file_read(&block->files, file, &io))
		return -ENODATA;
	issued = sample_add_issued(sample);
	if (!issued)
		return -ENOMEM;
	issued->domain = index;
	issued->disk = ISSUED_ANY_DISK;
	issued->io = io;
	return 0;
}

static int read_domain(struct block *block, const struct topology *topology, size_t index,
		       struct sample *sample)
{
	enum told told = read_group(block, topology, index);
	int result = -ENODATA;

	if (told != TOLD_ALL)
		result = add_from_process(block, index, sample);
	if (result == -ENODATA && told != TOLD_NOTHING)
		return add_from_group(block, topology, index, sample);
	return result == -ENODATA ? 0 : result;
}

int block_read_issued(struct block *block, const struct topology *topology, struct sample *sample)
{
	int result = 0;

	if (block->followed.generation != topology->generation ||
	    block->followed.domain_count != topology->domain_count)
		return -EINVAL;
	block->counted.count = 0;
	if (block->root.bytes.path &&
	    block_cgroup_read(&block->root, &block->files, &block->buffer, &block->counted))
		block->counted.count = 0;
	for (size_t i = 0; i < topology->domain_count && !result; i++)
		result = read_domain(block, topology, i, sample);
	return result;
}

/* --- leaves ---------------------------------------------------------------- */

/* Documentation/block/stat.rst; older kernels end before the discards (4.18). */
enum stat_field {
	STAT_READS = 0,
	STAT_READ_SECTORS = 2,
	STAT_WRITES = 4,
	STAT_WRITE_SECTORS = 6,
	STAT_LEAST, /* fields that all kernels have, and more than these */
	STAT_DISCARDS = 11,
	STAT_FIELDS
};

/*
 * A discard is a write without bytes: it costs a request's overhead. So is a flush, and the kernel
 * counts it among the writes: the request that asked for it, alone or with the data that it stands
 * before. The field of flushes (15) counts what the flush machinery sent to the disk for them (on
 * 6.18: ten of fdatasync are ten writes of no sectors, and ten flushes): they are not added again.
 */
static int read_leaf(struct block *block, const struct kept_file *file, struct io_reading *io)
{
	uint64_t fields[STAT_FIELDS] = { 0 };
	const char *cursor;
	size_t count = 0;

	if (kept_read_all(&block->files, file, &block->buffer) < 0)
		return -ENODATA;
	cursor = block->buffer.bytes;
	while (count < STAT_FIELDS && !number_scan_u64(&cursor, &fields[count]))
		count++;
	if (count < STAT_LEAST)
		return -ENODATA;
	*io = (struct io_reading){
		.at_ns = clock_now_ns(),
		.has_requests = true,
		.read_requests = fields[STAT_READS],
		.read_bytes = fields[STAT_READ_SECTORS] * SECTOR_BYTES,
		.write_requests = fields[STAT_WRITES] + fields[STAT_DISCARDS],
		.write_bytes = fields[STAT_WRITE_SECTORS] * SECTOR_BYTES,
	};
	return 0;
}

int block_read_leaves(struct block *block, const struct topology *topology, struct sample *sample)
{
	if (block->followed.generation != topology->generation ||
	    block->followed.leaf_count != topology->disk_count)
		return -EINVAL;
	for (size_t i = 0; i < topology->disk_count; i++)
		if (read_leaf(block, &block->followed.leaves[i], &sample->disks[i]))
			sample->disks[i] = (struct io_reading){ .quality = QUALITY_MISSING };
	return 0;
}
