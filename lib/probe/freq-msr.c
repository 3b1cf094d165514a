/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * freq-msr.c - APERF and MPERF through the kernel's msr PMU (arch/x86/events/msr.c):
 * a group of both for each CPU. These counters are not the programmable ones, so
 * that nothing is taken from the events; a reading costs an interrupt of the CPU.
 *
 * Intel SDM volume 3B, "P-State Hardware Coordination": only their ratio has
 * a meaning, and MPERF advances at the rate of the TSC while the CPU is in C0.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/delta.h"
#include "probe/freq-parts.h"

#define MSR_FOLDER "/sys/bus/event_source/devices/msr"

/* "event=0x01" -> 1. */
static int read_config(const struct rootfs *root, const char *name, uint64_t *config)
{
	static const char key[] = "event=";
	char text[64], *end;
	long length = rootfs_readf(root, text, sizeof text, MSR_FOLDER "/events/%s", name);

	if (length < 0)
		return (int)length;
	if (strncmp(text, key, strlen(key)) != 0)
		return -EINVAL;
	*config = strtoull(text + strlen(key), &end, 0);
	return end == text + strlen(key) ? -EINVAL : 0;
}

static int open_event(struct kept_files *files, const struct perf_event_attr *attr, unsigned cpu,
		      int leader)
{
	struct perf_event_attr copy = *attr; /* the kernel writes its size when it refuses it */
	int fd = (int)syscall(SYS_perf_event_open, &copy, -1, (int)cpu, leader,
			      PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fd < files->limit)
		return fd;
	close(fd);
	files->exhausted = true;
	return -EMFILE;
}

static bool read_cpu(const struct freq_msr_cpu *cpu, uint64_t *mperf, uint64_t *aperf)
{
	struct {
		uint64_t count, mperf, aperf;
	} group;

	if (read(cpu->mperf, &group, sizeof group) != sizeof group)
		return false;
	*mperf = group.mperf;
	*aperf = group.aperf;
	return true;
}

/* 0, or -errno and nothing is open. */
static int open_cpu(struct freq_msr_cpu *cpu, struct kept_files *files,
		    const struct perf_event_attr attrs[2], unsigned number)
{
	cpu->mperf = open_event(files, &attrs[0], number, -1);
	if (cpu->mperf < 0)
		return cpu->mperf;
	cpu->aperf = open_event(files, &attrs[1], number, cpu->mperf);
	if (cpu->aperf < 0) {
		close(cpu->mperf);
		return cpu->aperf;
	}
	cpu->mperf_count = cpu->aperf_count = 0;
	read_cpu(cpu, &cpu->mperf_count, &cpu->aperf_count);
	return 0;
}

int freq_msr_open(struct freq_msr *msr, struct kept_files *files, const struct packages *packages)
{
	struct perf_event_attr attrs[2] = { { .size = sizeof attrs[0],
					      .read_format = PERF_FORMAT_GROUP } };
	unsigned long long type;
	uint64_t mperf, aperf;

	*msr = (struct freq_msr){ 0 };
	if (rootfs_read_u64f(files->root, &type, MSR_FOLDER "/type") ||
	    read_config(files->root, "mperf", &mperf) || read_config(files->root, "aperf", &aperf))
		return 0;
	attrs[0].type = (uint32_t)type;
	attrs[1] = attrs[0];
	attrs[0].config = mperf;
	attrs[1].config = aperf;
	msr->cpus = calloc(packages->cpu_count + 1, sizeof *msr->cpus);
	if (!msr->cpus)
		return -ENOMEM;
	for (size_t i = 0; i < packages->cpu_count; i++) {
		struct freq_msr_cpu *cpu = &msr->cpus[msr->count];
		int result = open_cpu(cpu, files, attrs, packages->cpus[i].cpu);

		cpu->package = packages->cpus[i].package;
		msr->count += result == 0;
		if (result == -EMFILE || result == -EACCES || result == -EPERM) {
			freq_msr_close(msr); /* some packages alone would be worse than none */
			break;
		}
	}
	return 0;
}

void freq_msr_close(struct freq_msr *msr)
{
	for (size_t i = 0; i < msr->count; i++) {
		close(msr->cpus[i].aperf);
		close(msr->cpus[i].mperf);
	}
	free(msr->cpus);
	*msr = (struct freq_msr){ 0 };
}

void freq_msr_read(struct freq_msr *msr, double mperf_hz, struct freq_mean *means)
{
	for (size_t i = 0; i < msr->count; i++) {
		struct freq_msr_cpu *cpu = &msr->cpus[i];
		struct counter_delta mperf_delta, aperf_delta;
		uint64_t mperf, aperf;

		if (!read_cpu(cpu, &mperf, &aperf))
			continue; /* off line */
		mperf_delta = counter_delta(cpu->mperf_count, mperf, 64);
		aperf_delta = counter_delta(cpu->aperf_count, aperf, 64);
		cpu->mperf_count = mperf;
		cpu->aperf_count = aperf;
		if (mperf_delta.reset || aperf_delta.reset)
			continue;
		means[cpu->package].sum += (double)aperf_delta.value * mperf_hz;
		means[cpu->package].weight += (double)mperf_delta.value;
	}
}
