/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/plant-internal.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"

static const double clock_per_ns = 3.0; /* cycles of a busy CPU */
static const double full_load_w = 125;  /* dynamic, of an average workload on all CPUs */

enum {
	CYCLES,
	INSTRUCTIONS,
	FP_OPS,
	BRANCH_MISSES,
	L2_MISSES,
	LLC_MISSES,
	BRANCHES,
	L1_MISSES,
	TLB_MISSES,
	PAGE_WALKS,
	EVENTS
};
_Static_assert((int)EVENTS <= (int)PLANT_EVENTS_MAX, "events fit");

/* share: of the dynamic power of an average workload, before the seed moves it; 0 = a decoy. */
static const struct {
	const char *name;
	double share;
} events[EVENTS] = {
	[CYCLES] = { "emulated::CYCLES", 0.34 },
	[INSTRUCTIONS] = { "emulated::INSTRUCTIONS", 0.25 },
	[FP_OPS] = { "emulated::FP_OPS", 0.18 },
	[BRANCH_MISSES] = { "emulated::BRANCH_MISSES", 0.065 },
	[L2_MISSES] = { "emulated::L2_MISSES", 0.075 },
	[LLC_MISSES] = { "emulated::LLC_MISSES", 0.085 },
	[BRANCHES] = { "emulated::BRANCHES", 0 },
	[L1_MISSES] = { "emulated::L1_MISSES", 0 },
	[TLB_MISSES] = { "emulated::TLB_MISSES", 0 },
	[PAGE_WALKS] = { "emulated::PAGE_WALKS", 0 },
};

/* What a workload does on a core of its own. */
struct character {
	double ipc; /* instructions per cycle */
	double per_instruction[EVENTS];
	double smt; /* throughput of a thread whose sibling is busy too, as part of its own */
};

unsigned plant_truth_events(void)
{
	return EVENTS;
}

const char *plant_truth_name(unsigned event)
{
	return event < EVENTS ? events[event].name : NULL;
}

/* splitmix64's output function (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

/* Uniform in [low, high), the number `index` of this key. */
static double draw(uint64_t key, uint64_t index, double low, double high)
{
	return low + (high - low) * (double)(mix(key ^ mix(index)) >> 11) * 0x1p-53;
}

static double draw_log(uint64_t key, uint64_t index, double low, double high)
{
	return exp(draw(key, index, log(low), log(high)));
}

static uint64_t hash_name(uint64_t seed, const char *name)
{
	return mix(hash_text(name) ^ mix(seed));
}

static void characterise(uint64_t key, struct character *out)
{
	double *per = out->per_instruction;
	double fp = draw(key, 1, 0, 0.6);

	per[INSTRUCTIONS] = 1;
	per[FP_OPS] = fp * fp / 0.6; /* most programs compute little with fractions */
	per[BRANCHES] = draw(key, 2, 0.04, 0.24);
	per[BRANCH_MISSES] = per[BRANCHES] * draw_log(key, 3, 0.001, 0.09);
	per[L1_MISSES] = draw_log(key, 4, 0.002, 0.12);
	per[L2_MISSES] = per[L1_MISSES] * draw_log(key, 5, 0.1, 0.7);
	per[LLC_MISSES] = per[L2_MISSES] * draw_log(key, 6, 0.02, 0.8);
	per[TLB_MISSES] = draw_log(key, 7, 0.0001, 0.01);
	per[PAGE_WALKS] = per[TLB_MISSES] * draw(key, 8, 0.2, 0.9);
	/* Misses stall: cycles that each costs once overlap is taken off. */
	out->ipc = 1 / (1 / draw_log(key, 9, 0.6, 3.5) + 15 * per[BRANCH_MISSES] +
			4 * per[L2_MISSES] + 40 * per[LLC_MISSES]);
	out->smt = draw(key, 10, 0.52, 0.75);
}

static void add_threads(const struct character *character, double alone, double shared,
			struct plant_rates *rates)
{
	double instructions = (alone + shared * character->smt) * clock_per_ns * character->ipc;

	rates->per_ns[CYCLES] += (alone + shared) * clock_per_ns;
	for (unsigned i = INSTRUCTIONS; i < EVENTS; i++)
		rates->per_ns[i] += instructions * character->per_instruction[i];
	rates->busy += alone + shared;
}

void plant_truth_rates(const struct plant_truth *truth, const char *workload, unsigned threads,
		       struct plant_rates *rates)
{
	unsigned cores = (truth->cpus + 1) / 2;
	double paired, background = 0.004 * truth->cpus;
	struct character character = { 0 };

	memset(rates, 0, sizeof *rates);
	if (threads > truth->cpus)
		threads = truth->cpus;
	/* Nothing is ever wholly idle: timers, daemons. */
	if (background > truth->cpus - threads)
		background = truth->cpus - threads;
	characterise(hash_name(truth->seed, "background"), &character);
	add_threads(&character, background, 0, rates);
	paired = threads > cores ? 2.0 * (threads - cores) : 0;
	characterise(hash_name(truth->seed, workload), &character);
	add_threads(&character, threads - paired, paired, rates);
}

/* Weights such that average workloads spread full_load_w over the events by their shares. */
static void set_weights(struct plant_truth *truth)
{
	enum { AVERAGED = 64 };
	struct plant_rates rates, mean = { 0 };
	double share[EVENTS], sum = 0;
	char name[2] = "";

	for (int i = 0; i < AVERAGED; i++) {
		name[0] = (char)(i + 1);
		plant_truth_rates(truth, name, truth->cpus, &rates);
		for (unsigned k = 0; k < EVENTS; k++)
			mean.per_ns[k] += rates.per_ns[k] / AVERAGED;
	}
	for (unsigned k = 0; k < EVENTS; k++)
		sum += share[k] = events[k].share * draw(mix(truth->seed), 100 + k, 0.85, 1.15);
	for (unsigned k = 0; k < EVENTS; k++)
		truth->weight_j[k] = share[k] / sum * full_load_w / (mean.per_ns[k] * 1e9);
}

void plant_truth_make(struct plant_truth *truth, uint64_t seed, unsigned cpus)
{
	*truth = (struct plant_truth){ .seed = seed, .cpus = cpus };
	truth->base_w = draw(mix(seed), 1, 80, 100);
	truth->thermal = (struct thermal){
		.c1 = 0.22 / 60, /* 0.22 K/W in the end, at a time constant of 60 s */
		.c2 = -1.0 / 60,
		.t0_c = draw(mix(seed), 2, 20, 26),
	};
	set_weights(truth);
}

double plant_truth_dynamic_w(const struct plant_truth *truth, const double *per_ns)
{
	double watts = 0;

	for (unsigned i = 0; i < EVENTS; i++)
		watts += truth->weight_j[i] * per_ns[i] * 1e9;
	return watts;
}

double plant_truth_flicker(const struct plant_truth *truth, unsigned event, uint64_t tenth)
{
	uint64_t key = mix(truth->seed ^ 0x666c69636b6572u);       /* "flicker" */
	double period = draw(key, 2 * (uint64_t)event, 400, 1300); /* tenths */
	double phase = draw(key, 2 * (uint64_t)event + 1, 0, 1);
	/* All events together, and each by itself: uniform, 2.5 % and 1.7 % RMS. */
	double together = draw(key, (tenth << 8) + 255, -0.043, 0.043);
	double apart = draw(key, (tenth << 8) + 64 + event, -0.03, 0.03);

	return 1 + together + apart + 0.02 * sin(2 * M_PI * ((double)tenth / period + phase));
}
