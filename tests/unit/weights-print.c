/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"

/* --- random files --------------------------------------------------------------------------- */

static uint64_t state;

static uint64_t pick(uint64_t count)
{
	return unit_random(&state) % count;
}

/* Sometimes a round figure, sometimes all digits, over many magnitudes. */
static double figure(double low, double high)
{
	double value = low > 0 ? low * exp(unit_random_double(&state, 0, log(high / low)))
			       : unit_random_double(&state, low, high);
	char text[40];

	if (pick(2)) {
		snprintf(text, sizeof text, "%.3g", value);
		value = strtod(text, NULL);
	}
	return value < low ? low : value > high ? high : value;
}

static double maybe(double value)
{
	return pick(2) ? value : NAN;
}

static char *words(void)
{
	static const char *const pieces[] = { "Xeon", "(R)", "\xc3\xa9", "a;b",   "=", "[x]", "#",
					      "+-",   "*",   "?",        "100 %", ":", "~" };
	char text[120] = "";

	for (uint64_t i = 1 + pick(12); i > 0; i--) {
		strcat(text, pieces[pick(sizeof pieces / sizeof *pieces)]);
		strcat(text, i > 1 && pick(2) ? " " : "");
	}
	return strdup(text);
}

static char *maybe_words(void)
{
	return pick(2) ? words() : NULL;
}

static double *random_series(unsigned count, double high)
{
	double *values = calloc(count, sizeof *values);

	for (unsigned i = 0; values && i < count; i++)
		values[i] = pick(5) ? figure(1e-6, high) : 0;
	return values;
}

static void random_point(struct weights *weights, struct operating_point *point, unsigned events,
			 bool on_cpu)
{
	unsigned replicates = weights->replicate_count;

	point->voltage_v = maybe(figure(0.5, 1.5));
	point->base_w = figure(50, 1e4);
	point->base_se_w = maybe(figure(1e-3, 100));
	point->base_replicates_w = replicates ? random_series(replicates, 1e4) : NULL;
	point->weight_count = events;
	strcpy(point->on_cpu.event, CPUTIME_EVENT);
	point->on_cpu.nj = on_cpu ? figure(1e-3, 50) : NAN;
	point->on_cpu.se_nj = on_cpu ? maybe(figure(1e-3, 50)) : NAN;
	if (on_cpu && replicates && pick(2))
		point->on_cpu.replicates_nj = random_series(replicates, 1e4);
	for (unsigned i = 0; i < events; i++) {
		struct weight *weight = &point->weights[i];

		memset(weight->event, 'A', sizeof weight->event);
		snprintf(weight->event + 6 + 5 * (size_t)i, 8, "::%u", i % WEIGHTS_EVENTS_MAX);
		weight->nj = pick(4) ? figure(1e-3, 1e6) : 0;
		weight->se_nj = maybe(figure(1e-3, 1e3));
		weight->replicates_nj = replicates ? random_series(replicates, 1e6) : NULL;
	}
}

static void random_cpu(struct weights *weights)
{
	unsigned events = (unsigned)pick(WEIGHTS_EVENTS_MAX + 1);
	bool on_cpu = events == 0 || pick(2);

	weights->match.vendor = maybe_words();
	weights->match.model_name = maybe_words();
	weights->match.pmu = maybe_words();
	weights->match.family = pick(2) ? (int)pick(100) : MATCH_ANY;
	weights->match.chips = pick(2) ? 1 + (int)pick(8) : MATCH_ANY;
	weights->per_cpu = pick(4) == 0;
	if (!weights->per_cpu) {
		weights->chips = 1 + (unsigned)pick(8);
		weights->cpus = weights->chips * (1 + (unsigned)pick(64));
		weights->disks_idle_w = pick(2) ? figure(1e-3, 40) : 0;
		weights->nics_idle_w = pick(2) ? figure(1e-3, 10) : 0;
		weights->disks_note = weights->disks_idle_w > 0 ? maybe_words() : NULL;
	}
	weights->tsc_hz = pick(2) ? figure(1e6, 1e10) : 0;
	weights->point_count = 1 + (unsigned)pick(4);
	weights->replicate_count = pick(2) ? (unsigned)pick(40) : 0;
	weights->points = calloc(weights->point_count, sizeof *weights->points);
	for (unsigned i = 0; weights->points && i < weights->point_count; i++) {
		random_point(weights, &weights->points[i], events, on_cpu);
		if (weights->point_count > 1)
			weights->points[i].frequency_hz = figure(1e9, 1.5e9) + 1e9 * i;
	}
	if (pick(2)) {
		weights->thermal_c1 = figure(1e-6, 10);
		weights->thermal_c2 = -figure(1e-6, 10);
		weights->thermal_t0_c = figure(-20, 80);
	}
}

static void random_disk(struct weights *weights)
{
	weights->match.disk_model = maybe_words();
	weights->match.disk_name = maybe_words();
	weights->match.rotational = (int)pick(3) - 1;
	weights->disk.idle_w = figure(1e-3, 10);
	weights->disk.active_w = weights->disk.idle_w + figure(1e-3, 10);
	weights->disk.idle_se_w = maybe(figure(1e-3, 1));
	weights->disk.active_se_w = maybe(figure(1e-3, 1));
	weights->disk.read.overhead_s = figure(1e-7, 1);
	weights->disk.read.rate_bytes_s = figure(1e3, 1e10);
	weights->disk.write.overhead_s = pick(2) ? figure(1e-7, 1) : 0;
	weights->disk.write.rate_bytes_s = figure(1e3, 1e10);
}

static void random_nic(struct weights *weights)
{
	weights->match.nic_driver = maybe_words();
	weights->match.nic_model = maybe_words();
	weights->match.nic_name = maybe_words();
	weights->match.nic_speed = pick(2) ? 1 + (int)pick(400000) : MATCH_ANY;
	weights->nic.idle_w = figure(1e-3, 30);
	weights->nic.idle_se_w = maybe(figure(1e-3, 1));
	weights->nic.receive_nj = pick(4) ? figure(1e-3, 100) : 0;
	weights->nic.receive_se_nj = maybe(figure(1e-3, 1));
	weights->nic.transmit_nj = figure(1e-3, 100);
	weights->nic.transmit_se_nj = maybe(figure(1e-3, 1));
}

static struct weights *random_weights(void)
{
	struct weights *weights = calloc(1, sizeof *weights);

	if (!weights)
		abort();
	weights->path = strdup("x");
	weights->name = words();
	weights->kind = (enum weights_kind)pick(3);
	weights->guess = pick(4) == 0;
	weights->scope = (enum scope)pick(5);
	weights->standing = (enum standing)pick(3);
	weights->match = (struct weights_match){ .family = MATCH_ANY,
						 .model = MATCH_ANY,
						 .stepping = MATCH_ANY,
						 .chips = MATCH_ANY,
						 .cpus = MATCH_ANY,
						 .rotational = MATCH_ANY,
						 .nic_speed = MATCH_ANY };
	weights->thermal_c1 = weights->thermal_c2 = weights->thermal_t0_c = NAN;
	weights->source = maybe_words();
	weights->meter = maybe_words();
	weights->date = maybe_words();
	weights->kernel = maybe_words();
	weights->command = maybe_words();
	weights->rows = pick(100000);
	weights->servers = pick(100);
	weights->meter_lag_s = maybe(figure(1e-3, 10));
	weights->meter_window_s = maybe(figure(1e-3, 10));
	weights->lowo_mape_percent = maybe(figure(1e-2, 100));
	weights->lowo_worst_percent = maybe(figure(1e-2, 100));
	weights->in_sample_mape_percent = maybe(figure(1e-2, 100));
	weights->energy_error_percent = maybe(figure(1e-2, 100));
	weights->verdict = (enum verdict)pick(4);
	if (weights->kind == WEIGHTS_CPU)
		random_cpu(weights);
	else if (weights->kind == WEIGHTS_DISK)
		random_disk(weights);
	else
		random_nic(weights);
	return weights;
}

/* --- equality, exact ------------------------------------------------------------------------ */

static bool same(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_series(const double *a, const double *b, unsigned count)
{
	if (!a || !b)
		return !a && !b;
	return memcmp(a, b, count * sizeof *a) == 0;
}

static bool same_weight(const struct weight *a, const struct weight *b, unsigned replicates)
{
	return strcmp(a->event, b->event) == 0 && same(a->nj, b->nj) && same(a->se_nj, b->se_nj) &&
	       same_series(a->replicates_nj, b->replicates_nj, replicates);
}

static bool same_point(const struct operating_point *a, const struct operating_point *b,
		       unsigned replicates)
{
	bool equal = same(a->frequency_hz, b->frequency_hz) && same(a->voltage_v, b->voltage_v) &&
		     same(a->base_w, b->base_w) && same(a->base_se_w, b->base_se_w) &&
		     same_series(a->base_replicates_w, b->base_replicates_w, replicates) &&
		     same_weight(&a->on_cpu, &b->on_cpu, replicates) &&
		     a->weight_count == b->weight_count;

	for (unsigned i = 0; equal && i < a->weight_count; i++)
		equal = same_weight(&a->weights[i], &b->weights[i], replicates);
	return equal;
}

static bool same_match(const struct weights_match *a, const struct weights_match *b)
{
	return same_text(a->vendor, b->vendor) && same_text(a->model_name, b->model_name) &&
	       a->family == b->family && a->model == b->model && a->stepping == b->stepping &&
	       a->chips == b->chips && a->cpus == b->cpus && same_text(a->pmu, b->pmu) &&
	       same_text(a->disk_model, b->disk_model) && same_text(a->disk_name, b->disk_name) &&
	       a->rotational == b->rotational && same_text(a->nic_driver, b->nic_driver) &&
	       same_text(a->nic_model, b->nic_model) && same_text(a->nic_name, b->nic_name) &&
	       a->nic_speed == b->nic_speed;
}

static bool same_nic(const struct nic_constants *a, const struct nic_constants *b)
{
	return same(a->idle_w, b->idle_w) && same(a->idle_se_w, b->idle_se_w) &&
	       same(a->receive_nj, b->receive_nj) && same(a->receive_se_nj, b->receive_se_nj) &&
	       same(a->transmit_nj, b->transmit_nj) && same(a->transmit_se_nj, b->transmit_se_nj);
}

static bool same_disk(const struct disk_constants *a, const struct disk_constants *b)
{
	return same(a->idle_w, b->idle_w) && same(a->active_w, b->active_w) &&
	       same(a->idle_se_w, b->idle_se_w) && same(a->active_se_w, b->active_se_w) &&
	       same(a->read.overhead_s, b->read.overhead_s) &&
	       same(a->read.rate_bytes_s, b->read.rate_bytes_s) &&
	       same(a->write.overhead_s, b->write.overhead_s) &&
	       same(a->write.rate_bytes_s, b->write.rate_bytes_s);
}

static bool same_rest(const struct weights *a, const struct weights *b)
{
	return same_text(a->name, b->name) && a->kind == b->kind && a->guess == b->guess &&
	       a->scope == b->scope && a->standing == b->standing && a->cpus == b->cpus &&
	       a->chips == b->chips && same(a->tsc_hz, b->tsc_hz) && a->per_cpu == b->per_cpu &&
	       same(a->nics_idle_w, b->nics_idle_w) && same(a->disks_idle_w, b->disks_idle_w) &&
	       same_text(a->disks_note, b->disks_note) && same(a->thermal_c1, b->thermal_c1) &&
	       same(a->thermal_c2, b->thermal_c2) && same(a->thermal_t0_c, b->thermal_t0_c) &&
	       same_text(a->source, b->source) && same_text(a->meter, b->meter) &&
	       same_text(a->date, b->date) && same_text(a->kernel, b->kernel) &&
	       same_text(a->command, b->command) && a->rows == b->rows &&
	       a->servers == b->servers && same(a->meter_lag_s, b->meter_lag_s) &&
	       same(a->meter_window_s, b->meter_window_s) &&
	       same(a->lowo_mape_percent, b->lowo_mape_percent) &&
	       same(a->lowo_worst_percent, b->lowo_worst_percent) &&
	       same(a->in_sample_mape_percent, b->in_sample_mape_percent) &&
	       same(a->energy_error_percent, b->energy_error_percent) && a->verdict == b->verdict;
}

static bool same_weights(const struct weights *a, const struct weights *b)
{
	bool equal = same_rest(a, b) && same_match(&a->match, &b->match) &&
		     a->point_count == b->point_count && a->replicate_count == b->replicate_count;

	if (a->kind == WEIGHTS_DISK)
		return equal && same_disk(&a->disk, &b->disk);
	if (a->kind == WEIGHTS_NIC)
		return equal && same_nic(&a->nic, &b->nic);
	for (unsigned i = 0; equal && i < a->point_count; i++)
		equal = same_point(&a->points[i], &b->points[i], a->replicate_count);
	return equal;
}

/* --- tests ---------------------------------------------------------------------------------- */

static struct weights *reparse(const struct text *text)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;

	weights_parse("x", text->bytes, text->length, &weights, &errors);
	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", errors.texts[i]);
	error_list_clear(&errors);
	return weights;
}

static void test_round_trip(void)
{
	for (uint64_t seed = 1; seed <= unit_rounds(400); seed++) {
		struct text first = { 0 }, second = { 0 };
		struct weights *made, *read;

		state = seed;
		made = random_weights();
		weights_print(made, &first);
		read = reparse(&first);
		if (!read || !same_weights(made, read)) {
			fprintf(stderr, "seed %llu:\n%s\n", (unsigned long long)seed, first.bytes);
			UNIT_TRUE(read && same_weights(made, read));
		}
		if (read)
			weights_print(read, &second);
		UNIT_TRUE(read && strcmp(first.bytes, second.bytes) == 0);
		weights_free(made);
		weights_free(read);
		text_free(&first);
		text_free(&second);
	}
}

static void test_lines_fit_the_reader(void)
{
	for (uint64_t seed = 1; seed <= unit_rounds(100); seed++) {
		struct text text = { 0 };
		struct weights *made;
		size_t longest = 0;

		state = seed;
		made = random_weights();
		weights_print(made, &text);
		for (const char *line = text.bytes; *line; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > longest)
				longest = strcspn(line, "\n");
		if (longest > 190)
			fprintf(stderr, "seed %llu: a line of %zu bytes\n",
				(unsigned long long)seed, longest);
		UNIT_TRUE(longest <= 190);
		weights_free(made);
		text_free(&text);
	}
}

static void test_other_spellings_become_canonical(void)
{
	const char *text = "# a comment\n"
			   "[machine]\n"
			   "tsc=2500MHz\n"
			   "chips=1\n"
			   "cpus=4\n"
			   "[weights]\n"
			   "standing = measured\n"
			   "scope = wall\n"
			   "kind = cpu\n"
			   "guess = no\n"
			   "name = x\n"
			   "format = 1\n"
			   "[point]\n"
			   "base = 12000mW +-0.5 W\n"
			   "weight = 0.0015 uJ a::B\n";
	const char *good = "[weights]\n"
			   "format = 1\n"
			   "name = x\n"
			   "kind = cpu\n"
			   "scope = wall\n"
			   "standing = measured\n"
			   "\n"
			   "[machine]\n"
			   "cpus = 4\n"
			   "chips = 1\n"
			   "tsc = 2.5GHz\n"
			   "\n"
			   "[point]\n"
			   "base = 12W +-500mW\n"
			   "weight = 1.5nJ a::B\n";
	struct text rough = { 0 }, out = { 0 };
	struct weights *weights;

	text_add(&rough, text);
	weights = reparse(&rough);
	UNIT_TRUE(weights != NULL);
	if (weights)
		weights_print(weights, &out);
	UNIT_EQUAL_TEXT(good, out.bytes);
	weights_free(weights);
	text_free(&rough);
	text_free(&out);
}

static void test_hostile_text_is_printed_tame(void)
{
	static const char euro[] = { '\xe2', '\x82', '\xac' };
	struct text out = { 0 };
	struct weights *made, *read;
	char *long_text = calloc(1, 1000);

	state = 7;
	made = random_weights();
	if (!long_text)
		abort();
	memset(long_text, 'x', 999);
	for (int i = 167; i < 179; i += 3)
		memcpy(long_text + i, euro, sizeof euro);
	free(made->command);
	made->command = long_text;
	free(made->source);
	made->source = strdup(" ; a\x1b[2J\nb ; c \xff");
	weights_print(made, &out);
	read = reparse(&out);
	UNIT_TRUE(read != NULL);
	UNIT_EQUAL_TEXT(", a?[2J?b , c ?", read ? read->source : NULL);
	UNIT_TRUE(read && strlen(read->command) > 170 && strlen(read->command) <= 180);
	weights_free(made);
	weights_free(read);
	text_free(&out);
}

int main(void)
{
	return UNIT_RUN(
		"weights-print",
		{ "parse(print(x)) is x and print(parse(x)) is a fixed point", test_round_trip },
		{ "printed lines fit the reader", test_lines_fit_the_reader },
		{ "other spellings become canonical", test_other_spellings_become_canonical },
		{ "control characters and overlong text are printed tame",
		  test_hostile_text_is_printed_tame });
}
