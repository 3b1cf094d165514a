/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels-memory.c - caches, memory, the kernel of the system, and doing little. */
#include "calibrate/workload/kernels.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "calibrate/workload/kernel-parts.h"

enum {
	PAGE_BYTES = 4096,
	LINE_BYTES = 64,
	STEP_BYTES = 64 << 10, /* of a stream */
	ROUNDS = 200,
	NAP_NS = 1000000,
};

int kernel_loop(kernel_step *const *steps, size_t count, volatile const bool *stop, size_t bytes)
{
	struct kernel_work work = { .x = 0x9e3779b97f4a7c15 };

	if (bytes > 0) {
		work.bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
		work.memory = mmap(NULL, work.bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (work.memory == MAP_FAILED)
			return -errno;
	}
	for (size_t i = 0; !*stop; i = (i + 1) % count)
		steps[i](&work);
	if (work.memory)
		munmap(work.memory, work.bytes);
	return 0;
}

/* The next piece of the stream: its begin; *bytes of it. */
static unsigned char *advance(struct kernel_work *work, size_t *bytes)
{
	unsigned char *piece = work->memory + work->at;

	*bytes = work->bytes - work->at < STEP_BYTES ? work->bytes - work->at : STEP_BYTES;
	work->at += *bytes;
	if (work->at == work->bytes)
		work->at = 0;
	return piece;
}

typedef uint64_t words __attribute__((vector_size(16), may_alias));

void kernel_step_read(struct kernel_work *work)
{
	words a = { work->x }, b = a, c = a, d = a;
	size_t bytes;
	const unsigned char *piece = advance(work, &bytes);

	for (size_t i = 0; i < bytes; i += LINE_BYTES) {
		const words *line = (const words *)(const void *)(piece + i);

		a += line[0];
		b += line[1];
		c += line[2];
		d += line[3];
	}
	a += b + c + d;
	work->x += a[0] + a[1];
}

static void step_write(struct kernel_work *work)
{
	size_t bytes;
	unsigned char *piece = advance(work, &bytes);
	words value = { work->x++, work->x };

	for (size_t i = 0; i < bytes; i += LINE_BYTES) {
		words *line = (words *)(void *)(piece + i);

		line[0] = value;
		line[1] = value;
		line[2] = value;
		line[3] = value;
	}
	__asm__ volatile("" ::: "memory");
}

/*
 * A linear congruential generator of full period (Hull and Dobell 1962) over a power of two lines
 * visits each of them once, in an order that no prefetcher foresees, without a chain to be laid
 * first.
 */
size_t kernel_next_line(size_t line, size_t lines)
{
	return (line * 0x5851f42d4c957f2d + 0x14057b7ef767814f) & (lines - 1);
}

/* Each load's address needs the value of the load before (which is always 0). */
static void step_latency(struct kernel_work *work)
{
	size_t lines = LINE_BYTES;
	uint64_t x = work->x;

	while (lines * 2 * LINE_BYTES <= work->bytes)
		lines *= 2;
	for (unsigned i = 0; i < ROUNDS; i++) {
		x = kernel_next_line(x, lines);
		x += *(volatile const uint64_t *)(const void *)(work->memory + x * LINE_BYTES);
	}
	work->x = x;
}

/* One load a page, each from another line of its page: translations miss more than data do. */
static void step_pages(struct kernel_work *work)
{
	size_t pages = work->bytes / PAGE_BYTES;

	for (size_t i = 0; i < pages; i++) {
		size_t page = i * 509 % pages;

		(void)*(volatile const unsigned char *)(work->memory + page * PAGE_BYTES +
							page * LINE_BYTES % PAGE_BYTES);
	}
}

static void step_system_calls(struct kernel_work *work)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		work->x += (uint64_t)syscall(SYS_getppid);
}

static void step_page_faults(struct kernel_work *work)
{
	enum { BYTES = 64 * PAGE_BYTES };
	unsigned char *memory =
		mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return;
	for (size_t i = 0; i < BYTES; i += PAGE_BYTES)
		*(volatile unsigned char *)(memory + i) = (unsigned char)work->x;
	munmap(memory, BYTES);
}

static void step_spin(struct kernel_work *work)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ volatile("yield");
#endif
		KERNEL_KEEP(work->x);
	}
}

/* Half of the time at work, half asleep, a millisecond each: what light load looks like. */
static void step_naps(struct kernel_work *work)
{
	const struct timespec nap = { 0, NAP_NS };
	uint64_t begin_ns = clock_now_ns();

	while (clock_now_ns() - begin_ns < NAP_NS)
		kernel_step_integer(work);
	nanosleep(&nap, NULL);
}

#define DEFINE_KERNEL(name, ...)                                                                   \
	int kernel_##name(volatile const bool *stop, size_t bytes)                                 \
	{                                                                                          \
		kernel_step *const steps[] = { __VA_ARGS__ };                                      \
                                                                                                   \
		return kernel_loop(steps, sizeof steps / sizeof *steps, stop, bytes);              \
	}

DEFINE_KERNEL(read, kernel_step_read)
DEFINE_KERNEL(write, step_write)
DEFINE_KERNEL(latency, step_latency)
DEFINE_KERNEL(pages, step_pages)
DEFINE_KERNEL(mixed, kernel_step_integer, kernel_step_read, kernel_step_vector_wide, step_write,
	      kernel_step_branches_random, kernel_step_read)
DEFINE_KERNEL(system_calls, step_system_calls)
DEFINE_KERNEL(page_faults, step_page_faults)
DEFINE_KERNEL(spin, step_spin)
DEFINE_KERNEL(naps, step_naps)
