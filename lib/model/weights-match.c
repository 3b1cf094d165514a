/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	SCORE_NOT_GUESS = 1000, /* every guess stays below this */
	SCORE_EXACT = 100,      /* the same number of CPUs as calibrated */
	SCORE_PATTERN = 10,     /* plus the literal bytes of the pattern */
};

struct tally {
	bool fits;
	unsigned score, stated;
	struct text *why; /* appended to, from `begun` on */
	size_t begun;
};

static void tally_note(struct tally *tally, const char *clause)
{
	if (tally->why)
		text_addf(tally->why, "%s%s", tally->why->length > tally->begun ? ", " : "",
			  clause);
}

static void tally_forget(struct tally *tally)
{
	if (!tally->why || !tally->why->bytes)
		return;
	tally->why->length = tally->begun;
	tally->why->bytes[tally->begun] = '\0';
}

static void tally_field(struct tally *tally, bool agrees, unsigned score, const char *clause)
{
	tally->stated++;
	tally->fits = tally->fits && agrees;
	tally->score += score;
	tally_note(tally, clause);
}

enum { NAME_BYTES = 256 };

/* Lower case, with one blank before and after. */
static void pad_name(const char *name, char padded[NAME_BYTES])
{
	size_t length = strnlen(name, NAME_BYTES - 3);

	padded[0] = ' ';
	for (size_t i = 0; i < length; i++)
		padded[i + 1] = (char)tolower((unsigned char)name[i]);
	padded[length + 1] = ' ';
	padded[length + 2] = '\0';
}

static bool name_matches(const char *pattern, const char *name)
{
	char small_pattern[NAME_BYTES], padded[NAME_BYTES];

	pad_name(pattern, small_pattern);
	small_pattern[strlen(small_pattern) - 1] = '\0';
	pad_name(name, padded);
	if (text_matches(small_pattern + 1, padded))
		return true;
	padded[strlen(padded) - 1] = '\0';
	return text_matches(small_pattern + 1, padded + 1);
}

/* The more a pattern spells out, the closer it is. */
static unsigned pattern_score(const char *pattern)
{
	unsigned literal = 0;

	for (; *pattern; pattern++)
		literal += *pattern != '*' && *pattern != '?';
	return SCORE_PATTERN + literal;
}

static void tally_pattern(struct tally *tally, const char *pattern, const char *name,
			  const char *clause)
{
	if (pattern)
		tally_field(tally, name_matches(pattern, name), pattern_score(pattern), clause);
}

static void tally_number(struct tally *tally, int stated, unsigned actual, const char *what)
{
	char clause[64];

	if (stated == MATCH_ANY)
		return;
	snprintf(clause, sizeof clause, "%s %d", what, stated);
	tally_field(tally, actual == (unsigned)stated, SCORE_PATTERN, clause);
}

bool weights_prices(const struct weights *weights, enum cpu_source source)
{
	const struct operating_point *point = &weights->points[0];

	if (weights->kind != WEIGHTS_CPU || weights->point_count == 0)
		return false;
	return source == CPU_SOURCE_CPUTIME ? !isnan(point->on_cpu.nj) : point->weight_count > 0;
}

/* The constant power is that of one machine: is this one like it? */
static void tally_machine(struct tally *tally, const struct weights *weights, unsigned cpus)
{
	char clause[64];

	if (weights->per_cpu || cpus == 0)
		return;
	if (cpus == weights->cpus) {
		tally->score += SCORE_EXACT;
		return;
	}
	tally->fits = tally->fits && (cpus == 2 * weights->cpus || 2 * cpus == weights->cpus);
	snprintf(clause, sizeof clause, "%u CPUs instead of %u", cpus, weights->cpus);
	tally_note(tally, clause);
}

static unsigned tally_end(struct tally *tally, const struct weights *weights)
{
	if (!tally->fits || (tally->stated == 0 && !weights->guess)) {
		tally_forget(tally);
		return 0;
	}
	if (weights->guess) {
		tally_note(tally, "a guess");
		return tally->score + 1 < SCORE_NOT_GUESS ? tally->score + 1 : SCORE_NOT_GUESS - 1;
	}
	return SCORE_NOT_GUESS + tally->score;
}

unsigned weights_match_cpu(const struct weights *weights, const struct cpu_identity *cpu,
			   enum cpu_source source, struct text *why)
{
	const struct weights_match *match = &weights->match;
	struct tally tally = { .fits = weights_prices(weights, source),
			       .why = why,
			       .begun = why ? why->length : 0 };
	char chips[32];

	if (match->vendor)
		tally_field(&tally, strcmp(match->vendor, cpu->vendor) == 0, SCORE_PATTERN,
			    match->model_name ? "same vendor" : match->vendor);
	tally_pattern(&tally, match->model_name, cpu->model_name, "same CPU model");
	tally_number(&tally, match->family, cpu->family, "family");
	tally_number(&tally, match->model, cpu->model, "model");
	tally_number(&tally, match->stepping, cpu->stepping, "stepping");
	if (match->chips != MATCH_ANY) {
		snprintf(chips, sizeof chips, "%d chip%s", match->chips,
			 match->chips == 1 ? "" : "s");
		/* Where the kernel does not tell, the number of CPUs must. */
		tally_field(&tally,
			    cpu->chips == 0 ? cpu->cpus == weights->cpus
					    : cpu->chips == (unsigned)match->chips,
			    SCORE_PATTERN, chips);
	}
	tally_number(&tally, match->cpus, cpu->cpus, "CPUs");
	tally_machine(&tally, weights, cpu->cpus);
	return tally_end(&tally, weights);
}

unsigned weights_match_disk(const struct weights *weights, const struct disk *disk,
			    struct text *why)
{
	const struct weights_match *match = &weights->match;
	struct tally tally = { .fits = weights->kind == WEIGHTS_DISK,
			       .why = why,
			       .begun = why ? why->length : 0 };

	tally_pattern(&tally, match->disk_model, disk->model, "same disk model");
	tally_pattern(&tally, match->disk_name, disk->name, "kind of disk by its name");
	if (match->rotational != MATCH_ANY)
		tally_field(&tally, disk->rotational == (match->rotational == 1), 1,
			    match->rotational ? "rotational" : "not rotational");
	return tally_end(&tally, weights);
}

unsigned weights_match_nic(const struct weights *weights, const struct nic *nic, struct text *why)
{
	const struct weights_match *match = &weights->match;
	struct tally tally = { .fits = weights->kind == WEIGHTS_NIC,
			       .why = why,
			       .begun = why ? why->length : 0 };

	tally_pattern(&tally, match->nic_driver, nic->driver, "same driver");
	tally_pattern(&tally, match->nic_model, nic->model, "same model of network card");
	tally_pattern(&tally, match->nic_name, nic->name, "network card by its name");
	tally_number(&tally, match->nic_speed, nic->speed_mbits, "link speed");
	return tally_end(&tally, weights);
}
