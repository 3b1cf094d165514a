/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernel-parts.h - what the kernels are made of: steps of some microseconds, and how to keep the
 * compiler from seeing through them. Within the room only.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_KERNEL_PARTS_H
#define VMENERGY_CALIBRATE_WORKLOAD_KERNEL_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The compiler must have the value in a register here, and cannot know it afterwards. */
#define KERNEL_KEEP(value) __asm__ volatile("" : "+r"(value))
#if defined(__x86_64__)
#define KERNEL_KEEP_FLOAT(value) __asm__ volatile("" : "+x"(value))
#elif defined(__aarch64__)
#define KERNEL_KEEP_FLOAT(value) __asm__ volatile("" : "+w"(value))
#else
#define KERNEL_KEEP_FLOAT(value) __asm__ volatile("" : "+m"(value))
#endif

enum { KERNEL_FLOATS = 64 };

struct kernel_work {
	uint64_t x;            /* what integer steps go on from */
	unsigned char *memory; /* a multiple of 4 KiB, or NULL */
	size_t bytes, at;      /* of memory; where a stream goes on */
	double floats[KERNEL_FLOATS] __attribute__((aligned(64)));
};

typedef void kernel_step(struct kernel_work *work);
kernel_step kernel_step_integer, kernel_step_vector_wide, kernel_step_branches_random,
	kernel_step_read;

/* Copies of a loop's body, so that few of its instructions are the loop's own. */
#define KERNEL_UNROLL _Pragma("GCC unroll 16")

/* One step after the other, in turn, until *stop; `bytes` of memory, 0 = none. */
int kernel_loop(kernel_step *const *steps, size_t count, volatile const bool *stop, size_t bytes);

/* What comes after `line` in a cycle of all `lines`, a power of two. */
size_t kernel_next_line(size_t line, size_t lines);

#endif
