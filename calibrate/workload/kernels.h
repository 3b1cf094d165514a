/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kernels.h - small loops that do one kind of thing until told to stop, for where one kind of
 * event must be isolated. Portable C with GCC's vectors: the same on x86_64, aarch64 and in an
 * emulated guest. Each looks at *stop a few thousand times a second.
 *
 * Those that take memory work on about `bytes` of it, touched before they begin. 0 or -errno.
 */
#ifndef VMENERGY_CALIBRATE_WORKLOAD_KERNELS_H
#define VMENERGY_CALIBRATE_WORKLOAD_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

typedef int kernel_run(volatile const bool *stop, size_t bytes);

kernel_run kernel_integer, kernel_integer_wide, kernel_multiply, kernel_divide;
kernel_run kernel_float, kernel_square_root, kernel_vector, kernel_vector_wide;
kernel_run kernel_branches, kernel_branches_random, kernel_calls;
kernel_run kernel_read, kernel_write, kernel_latency, kernel_pages, kernel_mixed;
kernel_run kernel_system_calls, kernel_page_faults, kernel_spin, kernel_naps;

#endif
