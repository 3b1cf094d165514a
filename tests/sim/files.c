/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAF "8:0"
#define SHORTEST_US 1000
#define LONGEST_US 1000000

/* Scratch for one file's text. */
enum { LINE = 160 };

struct sim_file {
	const char *name;
	bool is_v2, is_blkio;
	void (*print)(const struct sim_domain *domain, char *text);
	/* NULL = read only. 0 or -errno; changes nothing when it refuses. */
	int (*parse)(struct sim_domain *domain, const char *text);
};

/* --- v1 ------------------------------------------------------------------------------------ */

static void print_quota(const struct sim_domain *domain, char *text)
{
	snprintf(text, LINE, "%lld\n", (long long)domain->group.quota_us);
}

static bool parse_i64(const char *text, int64_t *value)
{
	char *end;

	*value = strtoll(text, &end, 10);
	return end != text && (*end == '\0' || *end == '\n');
}

static int parse_quota(struct sim_domain *domain, const char *text)
{
	int64_t quota_us;

	if (!parse_i64(text, &quota_us) || (quota_us >= 0 && quota_us < SHORTEST_US))
		return -EINVAL;
	domain->group.quota_us = quota_us < 0 ? -1 : quota_us;
	return 0;
}

static void print_period(const struct sim_domain *domain, char *text)
{
	snprintf(text, LINE, "%llu\n", (unsigned long long)domain->group.period_us);
}

static int parse_period(struct sim_domain *domain, const char *text)
{
	int64_t period_us;

	if (!parse_i64(text, &period_us) || period_us < SHORTEST_US || period_us > LONGEST_US)
		return -EINVAL;
	domain->group.period_us = (uint64_t)period_us;
	return 0;
}

static void print_shares(const struct sim_domain *domain, char *text)
{
	snprintf(text, LINE, "%llu\n", (unsigned long long)domain->group.shares);
}

/* The kernel takes any number of shares, and brings it inside its bounds. */
static int parse_shares(struct sim_domain *domain, const char *text)
{
	int64_t shares;

	if (!parse_i64(text, &shares) || shares < 0)
		return -EINVAL;
	domain->group.shares = (uint64_t)(shares < 2 ? 2 : shares > 262144 ? 262144 : shares);
	return 0;
}

static void print_stat(const struct sim_domain *domain, char *text)
{
	snprintf(text, LINE, "nr_periods %llu\nnr_throttled %llu\nthrottled_time %.0f\n",
		 (unsigned long long)domain->group.periods,
		 (unsigned long long)domain->group.throttled, domain->group.throttled_us * 1e3);
}

static void print_device(uint64_t limit, char *text)
{
	text[0] = '\0';
	if (limit)
		snprintf(text, LINE, LEAF " %llu\n", (unsigned long long)limit);
}

/* 0 takes the limit away. */
static int parse_device(uint64_t *limit, const char *text)
{
	int64_t value;

	if (strncmp(text, LEAF " ", strlen(LEAF " ")) != 0)
		return -ENODEV;
	if (!parse_i64(text + strlen(LEAF " "), &value) || value < 0)
		return -EINVAL;
	*limit = (uint64_t)value;
	return 0;
}

#define DEVICE_FILE(stream, limit)                                                                 \
	static void print_##stream##_##limit(const struct sim_domain *domain, char *text)          \
	{                                                                                          \
		print_device(domain->stream.limit, text);                                          \
	}                                                                                          \
	static int parse_##stream##_##limit(struct sim_domain *domain, const char *text)           \
	{                                                                                          \
		return parse_device(&domain->stream.limit, text);                                  \
	}
DEVICE_FILE(read, bytes_s)
DEVICE_FILE(write, bytes_s)
DEVICE_FILE(read, iops)
DEVICE_FILE(write, iops)

/* --- v2 ------------------------------------------------------------------------------------ */

static void print_max(const struct sim_domain *domain, char *text)
{
	if (domain->group.quota_us < 0)
		snprintf(text, LINE, "max %llu\n", (unsigned long long)domain->group.period_us);
	else
		snprintf(text, LINE, "%lld %llu\n", (long long)domain->group.quota_us,
			 (unsigned long long)domain->group.period_us);
}

static int parse_max(struct sim_domain *domain, const char *text)
{
	long long quota_us = -1;
	unsigned long long period_us = domain->group.period_us;
	bool is_max = strncmp(text, "max", 3) == 0;

	if (is_max ? sscanf(text, "max %llu", &period_us) == 0
		   : sscanf(text, "%lld %llu", &quota_us, &period_us) < 1)
		return -EINVAL;
	if ((!is_max && quota_us < SHORTEST_US) || period_us < SHORTEST_US ||
	    period_us > LONGEST_US)
		return -EINVAL;
	domain->group.quota_us = quota_us;
	domain->group.period_us = period_us;
	return 0;
}

static int parse_weight(struct sim_domain *domain, const char *text)
{
	int64_t weight;

	if (!parse_i64(text, &weight))
		return -EINVAL;
	if (weight < 1 || weight > 10000)
		return -ERANGE;
	domain->group.shares = (uint64_t)weight;
	return 0;
}

static void print_stat_v2(const struct sim_domain *domain, char *text)
{
	snprintf(text, LINE,
		 "usage_usec %.0f\nnr_periods %llu\nnr_throttled %llu\nthrottled_usec %.0f\n",
		 domain->cpu_us, (unsigned long long)domain->group.periods,
		 (unsigned long long)domain->group.throttled, domain->group.throttled_us);
}

struct key {
	const char *name;
	uint64_t *limit;
};

static void list_keys(struct sim_domain *domain, struct key keys[4])
{
	keys[0] = (struct key){ "rbps", &domain->read.bytes_s };
	keys[1] = (struct key){ "wbps", &domain->write.bytes_s };
	keys[2] = (struct key){ "riops", &domain->read.iops };
	keys[3] = (struct key){ "wiops", &domain->write.iops };
}

static void print_io_max(const struct sim_domain *domain, char *text)
{
	struct sim_domain copy = *domain;
	struct key keys[4];
	size_t length;
	bool is_limited = false;

	list_keys(&copy, keys);
	length = (size_t)snprintf(text, LINE, LEAF);
	for (int i = 0; i < 4; i++) {
		is_limited |= *keys[i].limit != 0;
		if (*keys[i].limit == 0)
			length += (size_t)snprintf(text + length, LINE - length, " %s=max",
						   keys[i].name);
		else
			length +=
				(size_t)snprintf(text + length, LINE - length, " %s=%llu",
						 keys[i].name, (unsigned long long)*keys[i].limit);
	}
	snprintf(text + length, LINE - length, "\n");
	if (!is_limited)
		text[0] = '\0';
}

static int parse_io_max(struct sim_domain *domain, const char *text)
{
	struct sim_domain copy = *domain;
	struct key keys[4];
	char line[LINE], *rest = line, *word;

	list_keys(&copy, keys);
	snprintf(line, sizeof line, "%s", text);
	word = strsep(&rest, " \n");
	if (!word || strcmp(word, LEAF) != 0)
		return -ENODEV;
	while ((word = strsep(&rest, " \n"))) {
		char *value = strchr(word, '=');
		bool is_known = word[0] == '\0';

		for (int i = 0; value && i < 4; i++) {
			if (strncmp(word, keys[i].name, strlen(keys[i].name)) != 0 ||
			    word[strlen(keys[i].name)] != '=')
				continue;
			is_known = true;
			*keys[i].limit =
				strcmp(value + 1, "max") == 0 ? 0 : strtoull(value + 1, NULL, 10);
		}
		if (!is_known)
			return -EINVAL;
	}
	domain->read = copy.read;
	domain->write = copy.write;
	return 0;
}

static const struct sim_file files[] = {
	{ "cpu.cfs_quota_us", false, false, print_quota, parse_quota },
	{ "cpu.cfs_period_us", false, false, print_period, parse_period },
	{ "cpu.shares", false, false, print_shares, parse_shares },
	{ "cpu.stat", false, false, print_stat, NULL },
	{ "blkio.throttle.read_bps_device", false, true, print_read_bytes_s, parse_read_bytes_s },
	{ "blkio.throttle.write_bps_device", false, true, print_write_bytes_s,
	  parse_write_bytes_s },
	{ "blkio.throttle.read_iops_device", false, true, print_read_iops, parse_read_iops },
	{ "blkio.throttle.write_iops_device", false, true, print_write_iops, parse_write_iops },
	{ "cpu.max", true, false, print_max, parse_max },
	{ "cpu.weight", true, false, print_shares, parse_weight },
	{ "cpu.stat", true, false, print_stat_v2, NULL },
	{ "io.max", true, true, print_io_max, parse_io_max },
};

/* --- reading and writing ------------------------------------------------------------------- */

static const struct sim_file *find_file(const struct sim_plant *plant, const char *mount,
					const char *name)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *where = plant->is_v2        ? SIM_MOUNT_V2
				    : files[i].is_blkio ? SIM_MOUNT_BLKIO
							: SIM_MOUNT_CPU;

		if (files[i].is_v2 == plant->is_v2 && strcmp(files[i].name, name) == 0 &&
		    strcmp(mount, where) == 0)
			return &files[i];
	}
	return NULL;
}

static struct sim_domain *find_domain(struct sim_plant *plant, const char *path)
{
	for (size_t i = 0; i < plant->domain_count; i++)
		if (plant->domains[i].is_present && strcmp(plant->domains[i].cgroup, path) == 0)
			return &plant->domains[i];
	return NULL;
}

static long read_file(void *context, const char *mount, const char *path, const char *name,
		      char *text, size_t size)
{
	struct sim_plant *plant = context;
	const struct sim_file *file = find_file(plant, mount, name);
	const struct sim_domain *domain = find_domain(plant, path);
	char line[LINE];

	if (!file || !domain)
		return -ENOENT;
	file->print(domain, line);
	if (strlen(line) >= size)
		return -E2BIG;
	strcpy(text, line);
	return (long)strlen(line);
}

/* Parse and put in force; `delay`: of a quota, in periods. */
static int put(struct sim_plant *plant, struct sim_domain *domain, const struct sim_file *file,
	       const char *text)
{
	unsigned delay = 0;
	int result = file->parse(domain, text);

	if (result || file->is_blkio || file->print == print_shares)
		return result;
	if (plant->faults.delay_max)
		delay = (unsigned)(sim_random_u64(&plant->fault_random) %
				   (plant->faults.delay_max + 1));
	sim_group_written(&domain->group, plant->now_us, delay);
	return 0;
}

static int write_file(void *context, const char *mount, const char *path, const char *name,
		      const char *text)
{
	struct sim_plant *plant = context;
	const struct sim_file *file = find_file(plant, mount, name);
	struct sim_domain *domain = find_domain(plant, path);
	struct sim_faults *faults = &plant->faults;
	struct sim_counts *counts;
	struct sim_limits before;
	struct sim_domain trial;
	double chance;
	int result;

	if (!file || !domain)
		return -ENOENT;
	if (!file->parse)
		return -EACCES;
	plant->write_count++;
	faults->has_died |= faults->die_at && plant->write_count >= faults->die_at;
	if (faults->has_died)
		return -EIO;
	counts = &plant->counts[domain - plant->domains];
	chance = sim_uniform(&plant->fault_random, 0, 1);
	if (chance < faults->busy)
		return -EBUSY;
	trial = *domain;
	before = sim_files_limits(domain);
	result = file->parse(&trial, text);
	if (!result) {
		struct sim_limits after = sim_files_limits(&trial);

		counts->unchanged += !domain->has_lost && sim_limits_equal(&before, &after);
	}
	counts->writes++;
	counts->refused += result != 0;
	if (result)
		return result;
	if (chance < faults->busy + faults->lost) {
		domain->has_lost = true;
		return 0;
	}
	return put(plant, domain, file, text);
}

struct cgroup_io sim_files_io(struct sim_plant *plant)
{
	return (struct cgroup_io){ .context = plant, .read = read_file, .write = write_file };
}

void sim_files_mounts(const struct sim_plant *plant, struct cgroup_mounts *mounts)
{
	*mounts = (struct cgroup_mounts){ .v2 = "" };
	if (plant->is_v2) {
		strcpy(mounts->v2, SIM_MOUNT_V2);
		mounts->v2_cpu = mounts->v2_io = true;
		return;
	}
	strcpy(mounts->cpu, SIM_MOUNT_CPU);
	strcpy(mounts->cpuacct, SIM_MOUNT_CPU);
	strcpy(mounts->blkio, SIM_MOUNT_BLKIO);
}

struct sim_limits sim_files_limits(const struct sim_domain *domain)
{
	return (struct sim_limits){ .quota_us = domain->group.quota_us,
				    .period_us = domain->group.period_us,
				    .shares = domain->group.shares,
				    .read_bytes_s = domain->read.bytes_s,
				    .write_bytes_s = domain->write.bytes_s,
				    .read_iops = domain->read.iops,
				    .write_iops = domain->write.iops };
}

bool sim_limits_equal(const struct sim_limits *a, const struct sim_limits *b)
{
	return a->quota_us == b->quota_us && a->period_us == b->period_us &&
	       a->shares == b->shares && a->read_bytes_s == b->read_bytes_s &&
	       a->write_bytes_s == b->write_bytes_s && a->read_iops == b->read_iops &&
	       a->write_iops == b->write_iops;
}

void sim_files_write_foreign(struct sim_plant *plant, struct sim_domain *domain, int64_t quota_us,
			     uint64_t period_us)
{
	domain->group.quota_us = quota_us;
	domain->group.period_us = period_us;
	sim_group_written(&domain->group, plant->now_us, 0);
}
