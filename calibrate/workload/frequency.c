/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "calibrate/workload/frequency.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/numbers.h"

#define FOLDER "/sys/devices/system/cpu/cpufreq"

enum { NAME_BYTES = 32, FIRST_FREE = 3 };

struct policy {
	char name[NAME_BYTES];                      /* "policy0" */
	unsigned long long lowest_khz, highest_khz; /* of the hardware */
	unsigned long long min_khz, max_khz;        /* limits as they were found */
};

struct policies {
	struct policy *items;
	size_t count, capacity;
};

struct frequency_hold {
	struct rootfs root;
	struct policies policies;
	pid_t keeper;
	int life; /* write end: the keeper waits for its end */
};

static int read_policy(struct policies *policies, const struct rootfs *root, const char *name)
{
	struct policy policy = { "", 0, 0, 0, 0 };
	const struct {
		const char *file;
		unsigned long long *value;
	} parts[] = {
		{ "cpuinfo_min_freq", &policy.lowest_khz },
		{ "cpuinfo_max_freq", &policy.highest_khz },
		{ "scaling_min_freq", &policy.min_khz },
		{ "scaling_max_freq", &policy.max_khz },
	};
	struct policy *item;

	if (snprintf(policy.name, sizeof policy.name, "%s", name) >= (int)sizeof policy.name)
		return 0;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		int result = rootfs_read_u64f(root, parts[i].value, FOLDER "/%s/%s", name,
					      parts[i].file);

		/* A policy whose CPUs are all off line has no readable limits. */
		if (result)
			return result == -EBUSY || result == -ENOENT ? 0 : result;
	}
	if (policy.highest_khz < policy.lowest_khz || policy.highest_khz > UINT64_MAX / 1000)
		return -EINVAL;
	item = MEMORY_APPEND(policies);
	if (!item)
		return -ENOMEM;
	*item = policy;
	return 0;
}

static int read_policies(struct policies *policies, const struct rootfs *root, struct error *error)
{
	int result = rootfs_openf(root, O_RDONLY | O_DIRECTORY, FOLDER);
	DIR *folder = result >= 0 ? fdopendir(result) : NULL;
	const struct dirent *entry;

	if (result >= 0 && !folder)
		close(result);
	result = 0;
	while (folder && !result && (entry = readdir(folder)))
		if (strncmp(entry->d_name, "policy", 6) == 0)
			result = read_policy(policies, root, entry->d_name);
	if (folder)
		closedir(folder);
	if (result)
		return error_setf(error, -result, FOLDER ": %s", strerrordesc_np(-result));
	if (policies->count == 0)
		return error_setf(
			error, ENOTSUP,
			"frequencies cannot be set on this machine: no policy in " FOLDER);
	return 0;
}

static int add_frequency(struct frequencies *list, uint64_t khz)
{
	uint64_t *item = MEMORY_APPEND(list);

	if (!item)
		return -ENOMEM;
	*item = khz * 1000;
	return 0;
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* The driver's own list, in whichever order; none: -ENOENT. */
static int list_available(struct frequencies *list, const struct rootfs *root,
			  const struct policy *policy)
{
	char text[4096];
	const char *cursor = text;
	uint64_t khz;
	int result = 0;
	long length = rootfs_readf(root, text, sizeof text,
				   FOLDER "/%s/scaling_available_frequencies", policy->name);

	if (length < 0)
		return (int)length;
	while (!result && !number_scan_u64(&cursor, &khz))
		if (khz >= policy->lowest_khz && khz <= policy->highest_khz)
			result = add_frequency(list, khz);
	if (!result && list->count == 0)
		return -ENOENT;
	qsort(list->items, list->count, sizeof *list->items, compare_u64);
	return result;
}

static int list_steps(struct frequencies *list, const struct policy *policy)
{
	uint64_t range = policy->highest_khz - policy->lowest_khz;
	int result = 0;

	if (range == 0)
		return add_frequency(list, policy->highest_khz);
	for (unsigned i = 0; !result && i < FREQUENCY_STEPS; i++)
		result =
			add_frequency(list, policy->lowest_khz + range * i / (FREQUENCY_STEPS - 1));
	return result;
}

int frequency_list(struct frequencies *list, const struct rootfs *root, struct error *error)
{
	struct policies policies = { 0 };
	int result = read_policies(&policies, root, error);

	frequency_list_clear(list);
	if (!result) {
		const struct policy *fastest = &policies.items[0];

		for (size_t i = 1; i < policies.count; i++)
			if (policies.items[i].highest_khz > fastest->highest_khz)
				fastest = &policies.items[i];
		result = list_available(list, root, fastest);
		if (result && result != -ENOMEM)
			result = list_steps(list, fastest);
		if (result)
			error_setf(error, -result, FOLDER ": %s", strerrordesc_np(-result));
	}
	free(policies.items);
	return result;
}

void frequency_list_clear(struct frequencies *list)
{
	free(list->items);
	*list = (struct frequencies){ 0 };
}

static int write_limit(const struct rootfs *root, const struct policy *policy, const char *file,
		       unsigned long long khz)
{
	int fd = rootfs_openf(root, O_WRONLY | O_TRUNC, FOLDER "/%s/%s", policy->name, file);
	int result = fd < 0 ? fd : 0;

	if (fd >= 0 && dprintf(fd, "%llu\n", khz) < 0)
		result = -errno;
	if (fd >= 0)
		close(fd);
	return result;
}

/* The upper limit first where the lower one would pass it, for older kernels refuse that. */
static int write_limits(const struct rootfs *root, const struct policy *policy,
			unsigned long long min_khz, unsigned long long max_khz)
{
	unsigned long long now_khz;
	int result = rootfs_read_u64f(root, &now_khz, FOLDER "/%s/scaling_max_freq", policy->name);
	bool upper_first = min_khz > now_khz;

	if (!result && upper_first)
		result = write_limit(root, policy, "scaling_max_freq", max_khz);
	if (!result)
		result = write_limit(root, policy, "scaling_min_freq", min_khz);
	if (!result && !upper_first)
		result = write_limit(root, policy, "scaling_max_freq", max_khz);
	return result;
}

/* All of them, whatever happens to one. The first failure. */
static int write_back(const struct rootfs *root, const struct policies *policies)
{
	int result = 0;

	for (size_t i = 0; i < policies->count; i++) {
		const struct policy *policy = &policies->items[i];
		int one = write_limits(root, policy, policy->min_khz, policy->max_khz);

		result = result ? result : one;
	}
	return result;
}

/* A session of its own and all signals blocked: what ends the parent from a terminal must not end
 * the one who cleans up after it. */
static void keep(const struct frequency_hold *hold, int life) __attribute__((noreturn));
static void keep(const struct frequency_hold *hold, int life)
{
	char byte;

	setsid();
	if (life > FIRST_FREE)
		close_range(FIRST_FREE, (unsigned)life - 1, 0);
	close_range((unsigned)life + 1, UINT_MAX, 0);
	while (read(life, &byte, 1) > 0)
		;
	_exit(write_back(&hold->root, &hold->policies) ? 1 : 0);
}

static int start_keeper(struct frequency_hold *hold, struct error *error)
{
	sigset_t all, old;
	int life[2];

	if (pipe2(life, O_CLOEXEC))
		return error_setf(error, errno, FOLDER ": %s", strerrordesc_np(errno));
	hold->life = life[1];
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	hold->keeper = fork();
	if (hold->keeper == 0) {
		close(life[1]);
		keep(hold, life[0]);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(life[0]);
	return hold->keeper < 0 ? error_setf(error, errno, FOLDER ": %s", strerrordesc_np(errno))
				: 0;
}

static void hold_free(struct frequency_hold *hold)
{
	if (hold->life >= 0)
		close(hold->life);
	free(hold->policies.items);
	rootfs_close(&hold->root);
	free(hold);
}

int frequency_hold_begin(struct frequency_hold **hold, const struct rootfs *root,
			 struct error *error)
{
	struct frequency_hold *new = calloc(1, sizeof *new);
	int result;

	*hold = NULL;
	if (!new)
		return error_setf(error, ENOMEM, FOLDER ": %s", strerrordesc_np(ENOMEM));
	new->life = -1;
	result = rootfs_open(&new->root, root->prefix, error);
	if (!result)
		result = read_policies(&new->policies, root, error);
	if (!result)
		result = start_keeper(new, error);
	if (result)
		hold_free(new);
	else
		*hold = new;
	return result;
}

static unsigned long long within(const struct policy *policy, unsigned long long khz)
{
	if (khz < policy->lowest_khz)
		return policy->lowest_khz;
	return khz > policy->highest_khz ? policy->highest_khz : khz;
}

int frequency_hold_set(struct frequency_hold *hold, uint64_t frequency_hz, struct error *error)
{
	for (size_t i = 0; i < hold->policies.count; i++) {
		const struct policy *policy = &hold->policies.items[i];
		unsigned long long khz = within(policy, frequency_hz / 1000);
		int result = write_limits(&hold->root, policy, frequency_hz ? khz : policy->min_khz,
					  frequency_hz ? khz : policy->max_khz);

		if (result)
			return error_setf(error, -result, "%s: cannot set %llu kHz: %s%s",
					  policy->name, khz, strerrordesc_np(-result),
					  result == -EACCES ? " (root may)" : "");
	}
	return 0;
}

int frequency_hold_end(struct frequency_hold *hold, struct error *error)
{
	int status = 0, result = 0;

	if (!hold)
		return 0;
	close(hold->life);
	hold->life = -1;
	while (waitpid(hold->keeper, &status, 0) < 0 && errno == EINTR)
		;
	if (status != 0)
		result = error_setf(error, EIO, "limits of CPU frequencies could not be set back");
	hold_free(hold);
	return result;
}
