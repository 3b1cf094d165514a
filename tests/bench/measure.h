/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * measure.h - what a benchmark costs: CPU time, system calls, memory; and the
 * middle and spread of many such figures, printed as "KEY MEDIAN Q1 Q3 MEAN".
 */
#ifndef VMENERGY_TESTS_MEASURE_H
#define VMENERGY_TESTS_MEASURE_H

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <malloc.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* --- figures --------------------------------------------------------------- */

enum { SERIES_MAX = 4096 };
struct series {
	size_t count;
	double values[SERIES_MAX];
};

/* What is over SERIES_MAX is left out; NaN = not measured. */
static inline void series_add(struct series *series, double value)
{
	if (series->count < SERIES_MAX && !isnan(value))
		series->values[series->count++] = value;
}

static inline int series_compare(const void *first, const void *second)
{
	const double *a = first, *b = second;

	return (*a > *b) - (*a < *b);
}

/* Sorted values: between the two that are next to the place. */
static inline double series_quantile(const struct series *series, double fraction)
{
	double place = fraction * (double)(series->count - 1);
	size_t below = (size_t)place;
	size_t above = below + 1 < series->count ? below + 1 : below;

	return series->values[below] +
	       (place - (double)below) * (series->values[above] - series->values[below]);
}

static inline double series_mean(const struct series *series)
{
	double sum = 0;

	for (size_t i = 0; i < series->count; i++)
		sum += series->values[i];
	return sum / (double)series->count;
}

/* Nothing when nothing was measured. */
static inline void series_print(struct series *series, const char *key)
{
	if (!series->count)
		return;
	qsort(series->values, series->count, sizeof series->values[0], series_compare);
	printf("%s %.3f %.3f %.3f %.3f\n", key, series_quantile(series, 0.5),
	       series_quantile(series, 0.25), series_quantile(series, 0.75), series_mean(series));
}

/* --- time ------------------------------------------------------------------ */

/* Of all threads of this process, user and system. */
static inline double measure_cpu_us(void)
{
	return (double)clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
}

/* Since *moment_us, which becomes now. */
static inline double measure_lap_us(double *moment_us)
{
	double now_us = measure_cpu_us(), lap_us = now_us - *moment_us;

	*moment_us = now_us;
	return lap_us;
}

static inline void measure_sleep_until(uint64_t moment_ns)
{
	const struct timespec time = { (time_t)(moment_ns / 1000000000),
				       (long)(moment_ns % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
		;
}

/* --- memory ---------------------------------------------------------------- */

struct memory {
	double heap_kib;     /* what malloc has given out */
	double resident_kib; /* all pages of the process */
};

static inline struct memory measure_memory(void)
{
	struct mallinfo2 heap = mallinfo2();
	struct memory memory = { .heap_kib = (double)(heap.uordblks + heap.hblkhd) / 1024,
				 .resident_kib = NAN };
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	if (file && fscanf(file, "%lu %lu", &size, &resident) == 2)
		memory.resident_kib = (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
	if (file)
		fclose(file);
	return memory;
}

/* --- system calls ---------------------------------------------------------- */

/* The number of the tracepoint at which every system call begins; 0: not to be had. */
static inline unsigned long long measure_calls_id(void)
{
	FILE *file = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "re");
	unsigned long long id = 0;

	if (file && fscanf(file, "%llu", &id) != 1)
		id = 0;
	if (file)
		fclose(file);
	return id;
}

/*
 * Count this thread's system calls from here on; -1: cannot be counted. While
 * anybody counts, every call of the machine takes longer: not to be left open
 * where time is measured.
 */
static inline int measure_calls_begin(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof attr,
		.config = measure_calls_id(),
		.disabled = 1,
	};
	int fd = attr.config
			 ? (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)
			 : -1;

	if (fd >= 0)
		ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	return fd;
}

/* How many since then; NaN = unknown. */
static inline double measure_calls_end(int fd)
{
	uint64_t count;
	bool counted;

	if (fd < 0)
		return NAN;
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	counted = read(fd, &count, sizeof count) == sizeof count;
	close(fd);
	return counted && count ? (double)(count - 1) : NAN; /* the disabling one aside */
}

#endif
