/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * random.h - seeded numbers. Every part of a simulation has a stream of its own,
 * so that a controller that writes once more does not change the weather.
 */
#ifndef VMENERGY_TESTS_SIM_RANDOM_H
#define VMENERGY_TESTS_SIM_RANDOM_H

#include <math.h>
#include <stdint.h>

struct sim_random {
	uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t sim_random_u64(struct sim_random *random)
{
	uint64_t x = random->state += 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline struct sim_random sim_random_stream(uint64_t seed, uint64_t stream)
{
	struct sim_random random = { seed * 0x2545f4914f6cdd1du + stream };

	random.state = sim_random_u64(&random);
	return random;
}

static inline double sim_uniform(struct sim_random *random, double low, double high)
{
	return low + (high - low) * (double)(sim_random_u64(random) >> 11) * 0x1p-53;
}

/* Mean 0, standard deviation 1 (Box, Muller 1958). */
static inline double sim_normal(struct sim_random *random)
{
	double radius = sqrt(-2 * log(1 - sim_uniform(random, 0, 1)));

	return radius * cos(2 * M_PI * sim_uniform(random, 0, 1));
}

static inline double sim_exponential(struct sim_random *random, double mean)
{
	return -mean * log(1 - sim_uniform(random, 0, 1));
}

#endif
