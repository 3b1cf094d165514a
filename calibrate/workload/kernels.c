/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernels.c - what stays within a core: arithmetic, vectors, branches. */
#include "calibrate/workload/kernels.h"

#include <math.h>
#include <string.h>

#include "calibrate/workload/kernel-parts.h"

enum { ROUNDS = 16000 }; /* of one step: tens of microseconds */

/* Each addition waits for the one before. */
void kernel_step_integer(struct kernel_work *work)
{
	uint64_t x = work->x;

	KERNEL_UNROLL
	for (uint64_t i = 0; i < ROUNDS; i++) {
		x += i;
		KERNEL_KEEP(x);
		x ^= x << 7;
		KERNEL_KEEP(x);
	}
	work->x = x;
}

/* Eight chains that know nothing of each other: as many instructions per cycle as there are. */
static void step_integer_wide(struct kernel_work *work)
{
	uint64_t x[8];

	for (unsigned k = 0; k < 8; k++)
		x[k] = work->x + k;
	KERNEL_UNROLL
	for (uint64_t i = 0; i < ROUNDS / 4; i++) {
		KERNEL_UNROLL
		for (unsigned k = 0; k < 8; k++) {
			x[k] = k & 1 ? x[k] ^ i : x[k] + i;
			KERNEL_KEEP(x[k]);
		}
	}
	work->x = x[0] + x[7];
}

static void step_multiply(struct kernel_work *work)
{
	uint64_t a = work->x | 1, b = a + 2, c = a + 4;

	KERNEL_UNROLL
	for (uint64_t i = 0; i < ROUNDS; i++) {
		a *= 0x9e3779b97f4a7c15;
		b *= 0xbf58476d1ce4e5b9;
		c *= 0x94d049bb133111eb;
		KERNEL_KEEP(a);
		KERNEL_KEEP(b);
		KERNEL_KEEP(c);
	}
	work->x = a ^ b ^ c;
}

static void step_divide(struct kernel_work *work)
{
	uint64_t x = work->x;

	for (uint64_t i = 0; i < ROUNDS / 8; i++) {
		uint64_t divisor = (x & 0xffff) + 3;

		KERNEL_KEEP(divisor);
		x = (UINT64_MAX - i) / divisor + i;
		KERNEL_KEEP(x);
	}
	work->x = x;
}

/* x * (r - r * x) with r = 3.99 neither settles nor leaves (0, 1): all bits stay in motion. */
#define LOGISTIC(x) ((x) * (3.99 - 3.99 * (x)))

static void seed_floats(double values[KERNEL_FLOATS])
{
	for (size_t i = 0; i < KERNEL_FLOATS; i++)
		if (!(values[i] > 0 && values[i] < 1))
			values[i] = 0.1 + 0.01 * (double)i;
}

/* Eight at a time, each of its own, hide how long one takes. */
#define DEFINE_LOGISTIC_STEP(name, type)                                                           \
	static void name(struct kernel_work *work)                                                 \
	{                                                                                          \
		type v[8];                                                                         \
                                                                                                   \
		seed_floats(work->floats);                                                         \
		memcpy(v, work->floats, sizeof v);                                                 \
		for (unsigned i = 0; i < ROUNDS; i++) {                                            \
			KERNEL_UNROLL                                                              \
			for (unsigned k = 0; k < 8; k++) {                                         \
				v[k] = LOGISTIC(v[k]);                                             \
				KERNEL_KEEP_FLOAT(v[k]);                                           \
			}                                                                          \
		}                                                                                  \
		memcpy(work->floats, v, sizeof v);                                                 \
	}

typedef double vector_16 __attribute__((vector_size(16)));

DEFINE_LOGISTIC_STEP(step_float, double)
DEFINE_LOGISTIC_STEP(step_vector, vector_16)

#if defined(__x86_64__)
typedef double vector_32 __attribute__((vector_size(32)));
typedef double vector_64 __attribute__((vector_size(64)));

static void step_vector_32(struct kernel_work *work) __attribute__((target("avx2,fma")));
static void step_vector_64(struct kernel_work *work) __attribute__((target("avx512f")));
DEFINE_LOGISTIC_STEP(step_vector_32, vector_32)
DEFINE_LOGISTIC_STEP(step_vector_64, vector_64)

/* The widest that the CPU and the kernel below it let us use. */
void kernel_step_vector_wide(struct kernel_work *work)
{
	if (__builtin_cpu_supports("avx512f"))
		step_vector_64(work);
	else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		step_vector_32(work);
	else
		step_vector(work);
}
#else
void kernel_step_vector_wide(struct kernel_work *work)
{
	step_vector(work);
}
#endif

static void step_square_root(struct kernel_work *work)
{
	double a = work->floats[0] + 2, b = work->floats[1] + 3;

	for (unsigned i = 0; i < ROUNDS / 8; i++) {
		a = (1000.0 + i) / sqrt(a);
		b = (2000.0 + i) / sqrt(b);
		KERNEL_KEEP_FLOAT(a);
		KERNEL_KEEP_FLOAT(b);
	}
	work->floats[0] = a;
	work->floats[1] = b;
}

/* A branch that is there: the volatile assembly in it cannot be made conditional arithmetic. */
#define BRANCH(condition, value)                                                                   \
	do {                                                                                       \
		if (condition) {                                                                   \
			(value)++;                                                                 \
			KERNEL_KEEP(value);                                                        \
		}                                                                                  \
	} while (0)

/* The same pattern again and again: any predictor learns it. */
static void step_branches(struct kernel_work *work)
{
	uint64_t taken = work->x;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		KERNEL_KEEP(i);
		BRANCH(i & 1, taken);
		BRANCH(i & 2, taken);
		BRANCH(!(i & 3), taken);
	}
	work->x = taken;
}

/* xorshift64 (Marsaglia 2003) decides: half of the branches are mispredicted. */
void kernel_step_branches_random(struct kernel_work *work)
{
	uint64_t x = work->x | 1, taken = 0;

	for (unsigned i = 0; i < ROUNDS / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		BRANCH(x & 1, taken);
		BRANCH(x & 2, taken);
		BRANCH(x & 4, taken);
		BRANCH(x & 8, taken);
	}
	work->x = x + (taken & 2);
}

static __attribute__((noinline)) uint64_t leaf(uint64_t x)
{
	KERNEL_KEEP(x);
	return x + 1;
}

static __attribute__((noinline)) uint64_t branch(uint64_t x)
{
	return leaf(x) + leaf(x + 1);
}

static void step_calls(struct kernel_work *work)
{
	uint64_t x = work->x;

	for (unsigned i = 0; i < ROUNDS / 8; i++)
		x = branch(x) ^ branch(x >> 1);
	work->x = x;
}

#define DEFINE_KERNEL(name, step)                                                                  \
	int kernel_##name(volatile const bool *stop, size_t bytes)                                 \
	{                                                                                          \
		(void)bytes;                                                                       \
		return kernel_loop((kernel_step *const[]){ step }, 1, stop, 0);                    \
	}

DEFINE_KERNEL(integer, kernel_step_integer)
DEFINE_KERNEL(integer_wide, step_integer_wide)
DEFINE_KERNEL(multiply, step_multiply)
DEFINE_KERNEL(divide, step_divide)
DEFINE_KERNEL(float, step_float)
DEFINE_KERNEL(square_root, step_square_root)
DEFINE_KERNEL(vector, step_vector)
DEFINE_KERNEL(vector_wide, kernel_step_vector_wide)
DEFINE_KERNEL(branches, step_branches)
DEFINE_KERNEL(branches_random, kernel_step_branches_random)
DEFINE_KERNEL(calls, step_calls)
