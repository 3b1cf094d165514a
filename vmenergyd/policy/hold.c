/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vmenergyd/policy/hold.h"

#include <math.h>

#define AIM_SMOOTH_S 8.0 /* small moves of an aim are averaged over some seconds */
#define AIM_JUMP 0.04    /* more is no noise but another aim */
/* Who has so much less than is left for him shall not wait for a minute's budget of writes. */
#define UP_AT_ONCE 0.25
#define DOWN_AT_ONCE 0.025 /* so much over is near the 3 % that a mean of 10 s may be over */

/* Means over so many samples are looked at. The first two may be off by more, as nothing is known
 * yet of what a write made. */
static const struct {
	unsigned samples;
	double least, errors; /* least error that counts; in standard errors */
} tests[] = {
	{ 1, .050, 4.0 },  { 2, .035, 4.0 },  { 4, .009, 3.6 },  { 8, .009, 3.6 },
	{ 16, .009, 3.6 }, { 32, .009, 3.6 }, { 60, .009, 3.6 },
};
enum { TESTS = sizeof tests / sizeof tests[0] };
#define NOISE_FIRST 0.01  /* as accounts are: corrected within some samples */
#define NOISE_LEAST 0.003 /* so that few equal samples do not look like certainty */
#define NOISE_GAIN 0.1    /* of an average over about ten samples */
/* The standard deviation over the mean magnitude of differences: sqrt(pi) / 2. */
#define NOISE_OF_STEPS 0.886
#define MOVED 0.03 /* of an aim since the last write, with no sample yet */
/* One sample so far from the mean of those before is of another kind of work. */
#define JUMP_LEAST 0.06
#define JUMP_ERRORS 5.0
/* Both ends of a sample lie anywhere in a quantum: the deviation of two uniform ones. */
#define ENDS 0.408
/* Of so many samples on, chance is taken from means of BLOCK of them, too: whole periods of a quota
 * in a second, one more or less, make samples that cancel each other out. */
#define BLOCKS_FROM 16
#define BLOCK 4

void hold_reset(struct hold *hold)
{
	*hold = (struct hold){ .setting = INFINITY,
			       .aim_w = NAN,
			       .written_w = NAN,
			       .noise = NOISE_FIRST,
			       .writes = HOLD_WRITES_MAX };
}

void hold_aim(struct hold *hold, double target_w, double dt_s)
{
	hold->age_s += dt_s;
	hold->writes = fmin(HOLD_WRITES_MAX, hold->writes + HOLD_WRITES_PER_S * dt_s);
	if (!(fabs(target_w - hold->aim_w) < AIM_JUMP * hold->aim_w))
		hold->aim_w = target_w;
	else
		hold->aim_w += (target_w - hold->aim_w) * -expm1(-dt_s / AIM_SMOOTH_S);
}

/* The i-th before now. */
static double past(const struct hold *hold, unsigned i)
{
	return hold->watts[(hold->next + HOLD_RING - 1 - i) % HOLD_RING];
}

static double mean(const struct hold *hold, unsigned from, unsigned count)
{
	double sum = 0;

	for (unsigned i = from; i < from + count; i++)
		sum += past(hold, i);
	return sum / count;
}

/* Of one sample: the standard deviation, a fraction. */
static double chance(const struct hold *hold)
{
	return fmax(hold->noise, ENDS * hold->quantum);
}

static bool is_jump(const struct hold *hold, double watts)
{
	double errors = JUMP_ERRORS * chance(hold);

	if (hold->count == 0)
		return false;
	return fabs(watts / mean(hold, 0, hold->count) - 1) >
	       fmax(JUMP_LEAST, errors * sqrt(1 + 1.0 / hold->count));
}

/* The standard deviation of samples, as far as it shows in means of some. */
static double block_noise(const struct hold *hold, unsigned samples)
{
	unsigned blocks = samples / BLOCK;
	double all = mean(hold, 0, blocks * BLOCK), sum = 0;

	for (unsigned i = 0; i < blocks; i++)
		sum += pow(mean(hold, i * BLOCK, BLOCK) / all - 1, 2);
	return sqrt(sum / (blocks - 1) * BLOCK);
}

void hold_forget(struct hold *hold)
{
	hold->count = hold->next = hold->full = 0;
}

void hold_sample(struct hold *hold, double watts, bool is_full)
{
	if (is_jump(hold, watts))
		hold_forget(hold);
	if (hold->count > 0 && watts > 0)
		hold->noise += NOISE_GAIN *
			       (NOISE_OF_STEPS * fabs(past(hold, 0) / watts - 1) - hold->noise);
	hold->watts[hold->next] = watts;
	hold->next = (hold->next + 1) % HOLD_RING;
	if (hold->count < HOLD_RING)
		hold->count++;
	hold->full = is_full ? hold->full + 1 : 0;
}

double hold_error(const struct hold *hold)
{
	double error = 0, off, noise, watts;

	if (hold->count == 0 && hold->written_w > 0) {
		error = hold->aim_w / hold->written_w - 1;
		return fabs(error) > MOVED ? error : 0;
	}
	for (unsigned t = 0; t < TESTS && tests[t].samples <= hold->count; t++) {
		unsigned samples = tests[t].samples;

		watts = mean(hold, 0, samples);
		noise = chance(hold);
		if (samples >= BLOCKS_FROM && watts > 0)
			noise = fmin(noise, block_noise(hold, samples));
		noise = fmax(noise, NOISE_LEAST);
		off = watts > 0 ? hold->aim_w / watts - 1 : 0;
		if (off > 0 && samples > hold->full)
			continue;
		if (fabs(off) > fmax(tests[t].least, tests[t].errors * noise / sqrt(samples)))
			error = off;
	}
	return error;
}

void hold_asked(struct hold *hold)
{
	hold->writes = fmax(hold->writes, 1);
}

bool hold_may_write(const struct hold *hold, double change, double rest_s)
{
	if (change < -DOWN_AT_ONCE || change > UP_AT_ONCE)
		return true;
	return hold->writes >= 1 && (hold->age_s >= rest_s || change > DOWN_AT_ONCE);
}

void hold_written(struct hold *hold, double setting, double wanted)
{
	hold->setting = setting;
	hold->written_w = isfinite(setting) ? hold->aim_w * setting / wanted : NAN;
	hold->age_s = 0;
	/* Steps of one rise count once, as its last. */
	if (!(setting < wanted))
		hold->writes = fmax(0, hold->writes - 1);
	hold_forget(hold);
}
