/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"

static const char cpu_file[] = "[weights]\n"
			       "format = 1\n"
			       "name = a test\n"
			       "kind = cpu\n"
			       "scope = package+dram\n"
			       "standing = modelled\n"
			       "\n"
			       "[match]\n"
			       "vendor = GenuineIntel\n"
			       "family = 6\n"
			       "\n"
			       "[machine]\n"
			       "cpus = 8\n"
			       "chips = 2\n"
			       "tsc = 2.5GHz\n"
			       "\n"
			       "[point 1200MHz]\n"
			       "base = 20 W\n"
			       "on-cpu = 3W +-500mW\n"
			       "weight = 1.5nJ a::ONE\n"
			       "weight = 2uJ +-3 nJ a::TWO:U=1\n"
			       "base-replicates = 19W 21W\n"
			       "base-replicates = 20W\n"
			       "weight-replicates = a::TWO:U=1 1.9uJ 2.1uJ 2000nJ\n"
			       "weight-replicates = a::ONE 1nJ 2nJ\n"
			       "weight-replicates = a::ONE 1.5nJ\n"
			       "\n"
			       "[point 2.4GHz]\n"
			       "voltage = 1100mV\n"
			       "base = 30W +-2W\n"
			       "on-cpu = 6W\n"
			       "weight = 3nJ a::ONE\n"
			       "weight = 4nJ a::TWO:U=1\n"
			       "base-replicates = 1W 2W 3W\n"
			       "weight-replicates = a::ONE 1nJ 2nJ 3nJ\n"
			       "weight-replicates = a::TWO:U=1 1nJ 2nJ 3nJ\n"
			       "\n"
			       "[disks-in-base]\n"
			       "power = 4083mW\n"
			       "note = sda\n"
			       "\n"
			       "[thermal]\n"
			       "c1-kelvin-per-joule = 0.02\n"
			       "c2-per-second = -0.01\n"
			       "t0 = 25C\n"
			       "\n"
			       "[provenance]\n"
			       "source = us\n"
			       "meter-lag = 250ms\n"
			       "rows = 2739\n"
			       "\n"
			       "[validation]\n"
			       "lowo-mape = 3.5%\n"
			       "verdict = good\n";

static const char disk_file[] = "[weights]\n"
				"format = 1\n"
				"name = a disk\n"
				"kind = disk\n"
				"scope = dc\n"
				"standing = measured\n"
				"[match]\n"
				"disk-model = Maxtor*\n"
				"rotational = yes\n"
				"[disk]\n"
				"idle = 4083mW\n"
				"active = 6.714W +-0.1W\n"
				"read-overhead = 9.438ms\n"
				"read-rate = 57MB/s\n"
				"write-overhead = 10ms\n"
				"write-rate = 50MB/s\n";

static const char nic_file[] = "[weights]\n"
			       "format = 1\n"
			       "name = a card\n"
			       "kind = nic\n"
			       "scope = dc\n"
			       "standing = measured\n"
			       "[match]\n"
			       "nic-driver = ixgbe\n"
			       "nic-model = 8086:10fb\n"
			       "nic-speed = 10000\n"
			       "[nic]\n"
			       "idle = 4.2W +-100mW\n"
			       "receive = 0.4nJ\n"
			       "transmit = 0.5nJ +-0.1nJ\n";

static struct weights *parse_good(const char *text)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;
	int result = weights_parse("x.weights", text, strlen(text), &weights, &errors);

	UNIT_EQUAL_I64(0, result);
	for (size_t i = 0; i < errors.count; i++)
		UNIT_EQUAL_TEXT("", errors.texts[i]);
	error_list_clear(&errors);
	return weights;
}

static void test_header_and_machine(void)
{
	struct weights *weights = parse_good(cpu_file);

	if (!weights)
		return;
	UNIT_EQUAL_TEXT("x.weights", weights->path);
	UNIT_EQUAL_TEXT("a test", weights->name);
	UNIT_EQUAL_I64(WEIGHTS_CPU, weights->kind);
	UNIT_EQUAL_I64(SCOPE_PACKAGE_DRAM, weights->scope);
	UNIT_EQUAL_I64(STANDING_MODELLED, weights->standing);
	UNIT_TRUE(!weights->guess && !weights->per_cpu);
	UNIT_EQUAL_TEXT("GenuineIntel", weights->match.vendor);
	UNIT_EQUAL_I64(6, weights->match.family);
	UNIT_EQUAL_I64(MATCH_ANY, weights->match.stepping);
	UNIT_TRUE(weights->match.model_name == NULL);
	UNIT_EQUAL_U64(8, weights->cpus);
	UNIT_EQUAL_U64(2, weights->chips);
	UNIT_EQUAL_DOUBLE(2.5e9, weights->tsc_hz, 0);
	UNIT_EQUAL_DOUBLE(4.083, weights->disks_idle_w, 0);
	UNIT_EQUAL_TEXT("sda", weights->disks_note);
	UNIT_EQUAL_DOUBLE(-0.01, weights->thermal_c2, 0);
	UNIT_EQUAL_DOUBLE(25, weights->thermal_t0_c, 0);
	weights_free(weights);
}

static void test_provenance(void)
{
	struct weights *weights = parse_good(cpu_file);

	if (!weights)
		return;
	UNIT_EQUAL_TEXT("us", weights->source);
	UNIT_TRUE(weights->kernel == NULL);
	UNIT_EQUAL_DOUBLE(0.25, weights->meter_lag_s, 0);
	UNIT_EQUAL_DOUBLE(NAN, weights->meter_window_s, 0);
	UNIT_EQUAL_U64(2739, weights->rows);
	UNIT_EQUAL_U64(0, weights->servers);
	UNIT_EQUAL_DOUBLE(3.5, weights->lowo_mape_percent, 0);
	UNIT_EQUAL_DOUBLE(NAN, weights->energy_error_percent, 0);
	UNIT_EQUAL_I64(VERDICT_GOOD, weights->verdict);
	weights_free(weights);
}

static void test_points(void)
{
	struct weights *weights = parse_good(cpu_file);
	const struct operating_point *point;

	if (!weights)
		return;
	UNIT_EQUAL_U64(2, weights->point_count);
	UNIT_EQUAL_U64(3, weights->replicate_count);
	point = &weights->points[0];
	UNIT_EQUAL_DOUBLE(1.2e9, point->frequency_hz, 0);
	UNIT_EQUAL_DOUBLE(NAN, point->voltage_v, 0);
	UNIT_EQUAL_DOUBLE(20, point->base_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, point->base_se_w, 0);
	UNIT_EQUAL_DOUBLE(3, point->on_cpu.nj, 0);
	UNIT_EQUAL_DOUBLE(0.5, point->on_cpu.se_nj, 0);
	UNIT_EQUAL_TEXT(CPUTIME_EVENT, point->on_cpu.event);
	UNIT_EQUAL_U64(2, point->weight_count);
	UNIT_EQUAL_TEXT("a::TWO:U=1", point->weights[1].event);
	UNIT_EQUAL_DOUBLE(2000, point->weights[1].nj, 1e-12);
	UNIT_EQUAL_DOUBLE(3, point->weights[1].se_nj, 0);
	UNIT_EQUAL_DOUBLE(21, point->base_replicates_w[1], 0);
	UNIT_EQUAL_DOUBLE(20, point->base_replicates_w[2], 0);
	UNIT_EQUAL_DOUBLE(1.5, point->weights[0].replicates_nj[2], 0);
	UNIT_EQUAL_DOUBLE(1900, point->weights[1].replicates_nj[0], 1e-12);
	UNIT_TRUE(point->on_cpu.replicates_nj == NULL);
	UNIT_EQUAL_DOUBLE(1.1, weights->points[1].voltage_v, 0);
	UNIT_EQUAL_DOUBLE(2, weights->points[1].base_se_w, 0);
	weights_free(weights);
}

static void test_disk(void)
{
	struct weights *weights = parse_good(disk_file);

	if (!weights)
		return;
	UNIT_EQUAL_I64(WEIGHTS_DISK, weights->kind);
	UNIT_EQUAL_I64(1, weights->match.rotational);
	UNIT_EQUAL_DOUBLE(4.083, weights->disk.idle_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, weights->disk.idle_se_w, 0);
	UNIT_EQUAL_DOUBLE(6.714, weights->disk.active_w, 0);
	UNIT_EQUAL_DOUBLE(0.1, weights->disk.active_se_w, 0);
	UNIT_EQUAL_DOUBLE(9.438e-3, weights->disk.read.overhead_s, 0);
	UNIT_EQUAL_DOUBLE(57e6, weights->disk.read.rate_bytes_s, 0);
	UNIT_EQUAL_DOUBLE(10e-3, weights->disk.write.overhead_s, 0);
	UNIT_EQUAL_DOUBLE(50e6, weights->disk.write.rate_bytes_s, 0);
	weights_free(weights);
}

static void test_nic(void)
{
	struct weights *weights = parse_good(nic_file);

	if (!weights)
		return;
	UNIT_EQUAL_I64(WEIGHTS_NIC, weights->kind);
	UNIT_EQUAL_TEXT("ixgbe", weights->match.nic_driver);
	UNIT_EQUAL_TEXT("8086:10fb", weights->match.nic_model);
	UNIT_EQUAL_I64(10000, weights->match.nic_speed);
	UNIT_EQUAL_DOUBLE(4.2, weights->nic.idle_w, 0);
	UNIT_EQUAL_DOUBLE(0.1, weights->nic.idle_se_w, 0);
	UNIT_EQUAL_DOUBLE(0.4, weights->nic.receive_nj, 0);
	UNIT_EQUAL_DOUBLE(NAN, weights->nic.receive_se_nj, 0);
	UNIT_EQUAL_DOUBLE(0.5, weights->nic.transmit_nj, 0);
	UNIT_EQUAL_DOUBLE(0.1, weights->nic.transmit_se_nj, 0);
	weights_free(weights);
}

/* `file` with its first `old` replaced must give this error, and `more` that follow from it. */
struct fault {
	const char *file, *old, *new, *error;
	size_t more;
};

static char *replace(const struct fault *fault)
{
	const char *at = strstr(fault->file, fault->old);
	char *text = malloc(strlen(fault->file) + strlen(fault->new) + 1);

	if (!at || !text) {
		fprintf(stderr, "the test's own text lacks \"%s\"\n", fault->old);
		abort();
	}
	memcpy(text, fault->file, (size_t)(at - fault->file));
	strcpy(text + (at - fault->file), fault->new);
	strcat(text, at + strlen(fault->old));
	return text;
}

static void expect_fault(const struct fault *fault)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;
	char *text = replace(fault);
	int result = weights_parse("x", text, strlen(text), &weights, &errors);

	UNIT_EQUAL_I64(-EINVAL, result);
	UNIT_TRUE(weights == NULL);
	UNIT_EQUAL_U64(1 + fault->more, errors.count);
	UNIT_EQUAL_TEXT(fault->error, errors.count ? errors.texts[0] : "(none)");
	for (size_t i = 1; errors.count != 1 + fault->more && i < errors.count; i++)
		fprintf(stderr, "also: %s\n", errors.texts[i]);
	error_list_clear(&errors);
	weights_free(weights);
	free(text);
}

static const struct fault faults[] = {
	/* what is not known */
	{ cpu_file, "[thermal]", "[termal]", "x:43: [termal]: unknown section", 2 },
	{ cpu_file, "vendor =", "vender =", "x:9: [match] vender: unknown key", 0 },
	{ cpu_file, "voltage =", "volts =", "x:29: [point 2.4GHz] volts: unknown key", 0 },
	/* given twice */
	{ cpu_file, "cpus = 8", "cpus = 8\ncpus = 8",
	  "x:14: cpus: is given twice, first in line 13", 0 },
	{ cpu_file, "format = 1", "format = 1\nformat = 1",
	  "x:3: format: is given twice, first in line 2", 0 },
	{ cpu_file, "base = 30W", "base = 40W\nbase = 30W",
	  "x:31: base: is given twice, first in line 30", 0 },
	/* missing */
	{ cpu_file, "format = 1\n", "", "x:2: [weights] format: is missing", 0 },
	{ cpu_file, "name = a test\n", "", "x:2: [weights] name: is missing", 0 },
	{ cpu_file, "cpus = 8\n", "", "x:13: [machine] cpus: is missing", 0 },
	{ cpu_file, "base = 30W +-2W\n", "", "x:29: [point] base: is missing", 0 },
	{ disk_file, "idle = 4083mW\n", "", "x:11: [disk] idle: is missing", 0 },
	/* bounds and units */
	{ cpu_file, "format = 1", "format = 2", "x:2: format 2: must be 1", 0 },
	{ cpu_file, "kind = cpu", "kind = gpu", "x:4: kind gpu: must be cpu, disk or nic", 0 },
	{ cpu_file, "cpus = 8", "cpus = 70000", "x:13: cpus 70000: must be 1..65536", 0 },
	{ cpu_file, "chips = 2", "chips = 0", "x:14: chips 0: must be 1..256", 0 },
	{ cpu_file, "family = 6", "family = -6", "x:10: family -6: must be 0..65535", 0 },
	{ cpu_file, "base = 30W", "base = -1W", "x:30: base -1W: must be 0W..100kW", 0 },
	{ cpu_file, "+-2W", "+--2W", "x:30: base -2W: must be 0W..100kW", 0 },
	{ cpu_file, "base = 30W", "base = 30J",
	  "x:30: base 30J: unknown unit, must be one of: uW mW W kW", 0 },
	{ cpu_file, "= 1.5nJ a", "= -1.5nJ a", "x:20: weight -1.5nJ: must be 0J..1J", 0 },
	{ cpu_file, "3.5%", "-1%", "x:53: lowo-mape -1%: must be 0%..1000000%", 0 },
	{ cpu_file, "= good", "= fine", "x:54: verdict fine: must be none, good, usable or poor",
	  0 },
	{ disk_file, "rotational = yes", "rotational = 1", "x:9: rotational 1: must be yes or no",
	  0 },
	{ cpu_file, "name = a test", "name = a\x80test", "x:3: name: must be printable UTF-8", 0 },
	{ cpu_file, "name = a test", "name = ", "x:3: name: is empty", 0 },
	/* weights and replicates */
	{ cpu_file, "= 1.5nJ a::ONE", "= a::ONE", "x:20: weight a::ONE: must be ENERGY EVENT", 2 },
	{ cpu_file, "= 1.5nJ a::ONE", "= 1.5nJ", "x:20: weight 1.5nJ: must name an event", 2 },
	{ cpu_file, "= 4nJ a::TWO:U=1", "= 4nJ a::ONE", "x:33: weight a::ONE: is given twice", 1 },
	{ cpu_file, "= 4nJ a::TWO:U=1", "= 4nJ cputime::ON_CPU_NS",
	  "x:33: weight cputime::ON_CPU_NS: must be given as on-cpu", 1 },
	{ cpu_file, "base-replicates = 1W 2W 3W", "base-replicates = 1W 2W",
	  "x:29: [point]: 2 replicates beside 3: must be equally many", 0 },
	{ cpu_file, "base-replicates = 1W 2W 3W\n", "",
	  "x:29: [point]: replicates of base and every weight go together", 0 },
	{ cpu_file, "weight-replicates = a::ONE 1nJ 2nJ 3nJ", "weight-replicates = a::ON 1nJ",
	  "x:35: weight-replicates a::ON: must follow this event's weight", 0 },
	/* contradictions */
	{ cpu_file, "[point 2.4GHz]", "[point 1.2GHz]", "x:29: [point]: frequencies must ascend",
	  0 },
	{ cpu_file, "[point 2.4GHz]", "[point]",
	  "x:29: [point]: must name its frequency where there are several", 0 },
	{ cpu_file, "[point 2.4GHz]", "[point 2.4G]",
	  "x:29: [point]: frequency 2.4G: unknown unit, must be one of: Hz kHz MHz GHz", 1 },
	{ cpu_file, "on-cpu = 6W\n", "", "x:29: [point] on-cpu: must be in every point or in none",
	  0 },
	{ cpu_file, "chips = 2", "chips = 3", "x:14: chips 3: must divide cpus 8", 0 },
	{ cpu_file, "power = 4083mW", "power = 20.5W",
	  "x:18: [point] base 20W: must be at least the disks' 20.5W", 0 },
	{ cpu_file, "power = 4083mW\n", "", "x:39: [disks-in-base] note: goes with power above 0W",
	  0 },
	{ cpu_file, "t0 = 25C\n", "",
	  "x:43: [thermal]: c1-kelvin-per-joule, c2-per-second and t0 go together", 0 },
	{ cpu_file, "t0 = 25C\n", "t0 = 25C\n[disk]\nidle = 1W\n",
	  "x:47: [disk] idle: is not for kind cpu", 0 },
	{ disk_file, "active = 6.714W", "active = 4W",
	  "x:12: active 4W: must be at least idle 4.083W", 0 },
	{ disk_file, "rotational = yes", "rotational = yes\nvendor = ATA",
	  "x:10: [match] vendor: is not for kind disk", 0 },
	{ disk_file, "[disk]\n", "[point]\nbase = 1W\nweight = 1nJ x\n[disk]\n",
	  "x:11: [point]: is not for kind disk", 0 },
	{ nic_file, "receive = 0.4nJ\n", "", "x:12: [nic] receive: is missing", 0 },
	{ nic_file, "[nic]\n", "[disk]\nidle = 1W\n[nic]\n",
	  "x:12: [disk] idle: is not for kind nic", 0 },
	{ nic_file, "nic-driver = ixgbe", "disk-name = ixgbe",
	  "x:8: [match] disk-name: is not for kind nic", 0 },
	{ nic_file, "0.4nJ", "0.4W",
	  "x:13: receive 0.4W: unknown unit, must be one of: nJ uJ mJ J kJ Wh MJ kWh", 0 },
};

static void test_each_fault_names_its_line(void)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		expect_fault(&faults[i]);
}

static void test_every_error_is_listed(void)
{
	const char *text = "[weights]\n"
			   "format = 1\n"
			   "nane = x\n"
			   "kind = cpu\n"
			   "scope = moon\n"
			   "standing = measured\n"
			   "[point]\n"
			   "base = 1J\n"
			   " weight = 1nJ x\n"
			   "weight = 1nJ cputime::ON_CPU_NS\n";
	static const char *const expected[] = {
		"x:3: [weights] nane: unknown key",
		"x:5: scope moon: must be wall, dc, package, package+dram or rail",
		"x:8: base 1J: unknown unit",
		"x:9: leading blank",
		"x:10: weight cputime::ON_CPU_NS: must be given as on-cpu",
		"x:2: [weights] name: is missing",
		"x:1: [machine] cpus: is missing",
		"x:8: [point]: must have a weight or on-cpu",
	};
	struct error_list errors = { 0 };
	struct weights *weights = NULL;

	UNIT_EQUAL_I64(-EINVAL, weights_parse("x", text, strlen(text), &weights, &errors));
	UNIT_EQUAL_U64(sizeof expected / sizeof *expected, errors.count);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		UNIT_CONTAINS(expected[i], i < errors.count ? errors.texts[i] : "(none)");
	error_list_clear(&errors);
	weights_free(weights);
}

static void test_empty(void)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;

	UNIT_EQUAL_I64(-EINVAL, weights_parse("x", "", 0, &weights, &errors));
	UNIT_TRUE(weights == NULL && errors.count >= 5);
	error_list_clear(&errors);
}

static void test_words(void)
{
	for (int i = SCOPE_WALL; i <= SCOPE_RAIL; i++)
		UNIT_EQUAL_I64(i, scope_parse(scope_name((enum scope)i)));
	for (int i = STANDING_MEASURED; i <= STANDING_ESTIMATE; i++)
		UNIT_EQUAL_I64(i, standing_parse(standing_name((enum standing)i)));
	for (int i = VERDICT_NONE; i <= VERDICT_POOR; i++)
		UNIT_EQUAL_I64(i, verdict_parse(verdict_name((enum verdict)i)));
	UNIT_EQUAL_I64(-1, scope_parse("Wall"));
	UNIT_EQUAL_TEXT("package+dram", scope_name(SCOPE_PACKAGE_DRAM));
}

int main(void)
{
	return UNIT_RUN(
		"weights-parse", { "header, match and machine are read", test_header_and_machine },
		{ "provenance and validation are read", test_provenance },
		{ "points, weights and replicates are read", test_points },
		{ "a disk is read", test_disk }, { "a network card is read", test_nic },
		{ "each fault is one error that names its line", test_each_fault_names_its_line },
		{ "every error of a file is listed", test_every_error_is_listed },
		{ "an empty file lacks what is required", test_empty },
		{ "words and enums agree", test_words });
}
