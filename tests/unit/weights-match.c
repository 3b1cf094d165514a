/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

#include "model/weights.h"

/* The structs own what they name, and these tests do not: their strings are only read. */
static char *borrow(const char *text)
{
	char *borrowed;

	memcpy(&borrowed, &text, sizeof borrowed);
	return borrowed;
}

static struct operating_point time_point = { .base_w = 10, .on_cpu = { .nj = 1 } };
static struct operating_point event_point = {
	.base_w = 10,
	.weight_count = 1,
	.on_cpu = { .nj = NAN },
};

static struct weights cpu_weights(const char *pattern, int chips, unsigned cpus)
{
	return (struct weights){
		.kind = WEIGHTS_CPU,
		.match = { .model_name = borrow(pattern),
			   .family = MATCH_ANY,
			   .model = MATCH_ANY,
			   .stepping = MATCH_ANY,
			   .chips = chips,
			   .cpus = MATCH_ANY,
			   .rotational = MATCH_ANY },
		.cpus = cpus,
		.chips = chips > 0 ? (unsigned)chips : 1,
		.points = &time_point,
		.point_count = 1,
	};
}

static struct cpu_identity identity(const char *model, unsigned chips, unsigned cpus)
{
	return (struct cpu_identity){
		.vendor = borrow("GenuineIntel"),
		.model_name = borrow(model),
		.family = 6,
		.model = 106,
		.stepping = 6,
		.cpus = cpus,
		.chips = chips,
	};
}

static unsigned score(const char *pattern, const char *model)
{
	struct weights weights = cpu_weights(pattern, 2, 64);
	struct cpu_identity cpu = identity(model, 2, 64);

	return weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL);
}

static void test_names(void)
{
	static const struct {
		const char *pattern, *model;
		int fits;
	} cases[] = {
		{ "*Xeon* Platinum 8380 *", "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", 1 },
		{ "*Xeon* Platinum 8380 *", "Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz", 0 },
		{ "*Xeon* Platinum 8592+ *", "INTEL(R) XEON(R) PLATINUM 8592+", 1 },
		{ "*Xeon* Platinum 8592 *", "INTEL(R) XEON(R) PLATINUM 8592+", 0 },
		{ "*Xeon* Platinum 8592+ *", "INTEL(R) XEON(R) PLATINUM 8592V", 0 },
		{ "*EPYC* 9754 *", "AMD EPYC 9754 128-Core Processor", 1 },
		{ "*EPYC* 9754 *", "AMD EPYC 9754S 128-Core Processor", 0 },
		{ "*EPYC* 7543 *", "AMD EPYC 7543 32-Core Processor", 1 },
		{ "*EPYC* 7543 *", "AMD EPYC 7543P 32-Core Processor", 0 },
		{ "*EPYC* 7543P *", "AMD EPYC 7543 32-Core Processor", 0 },
		{ "*EPYC* 7543P *", "AMD EPYC 7543P 32-Core Processor", 1 },
		{ "*Xeon* E5-2670 v2 *", "Intel(R) Xeon(R) CPU E5-2670 v2 @ 2.50GHz", 1 },
		{ "*Xeon* E5-2670 v2 *", "Intel(R) Xeon(R) CPU E5-2670 v3 @ 2.30GHz", 0 },
		{ "*Xeon* E5-2670 0 *", "Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", 1 },
		{ "*Xeon* E5-2670 0 *", "Intel(R) Xeon(R) CPU E5-2670 v2 @ 2.50GHz", 0 },
		{ "*Xeon* E-2388G *", "Intel(R) Xeon(R) E-2388G CPU @ 3.20GHz", 1 },
		{ "*Xeon* 6780E *", "Intel(R) Xeon(R) 6780E", 1 },
		{ "Intel*8380*", "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", 1 },
		{ "8380", "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", 0 },
		{ "*Xeon* Platinum 8380 *", "Intel Xeon Processor (Icelake)", 0 },
		{ "*Xeon* Platinum 8380 *", "", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fits = score(cases[i].pattern, cases[i].model) > 0;

		if (fits != cases[i].fits)
			fprintf(stderr, "%s on %s\n", cases[i].pattern, cases[i].model);
		UNIT_EQUAL_I64(cases[i].fits, fits);
	}
}

static void test_every_stated_field_must_agree(void)
{
	struct weights weights = cpu_weights("*8380*", 2, 160);
	struct cpu_identity cpu = identity("Platinum 8380", 2, 160);

	UNIT_TRUE(weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL) > 0);
	weights.match.family = 7;
	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL));
	weights.match.family = 6;
	weights.match.stepping = 5;
	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL));
	weights.match.stepping = MATCH_ANY;
	weights.match.vendor = borrow("AuthenticAMD");
	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL));
	weights.match.vendor = borrow("GenuineIntel");
	UNIT_TRUE(weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL) > 0);
	cpu.chips = 1;
	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL));
	/* The kernel does not tell the chips: as many CPUs as calibrated will do. */
	cpu.chips = 0;
	UNIT_TRUE(weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL) > 0);
}

static void test_a_vm_is_not_its_host(void)
{
	struct weights weights = cpu_weights("*8380*", 2, 160);
	struct cpu_identity vm = identity("Platinum 8380", 2, 4);
	struct cpu_identity no_smt = identity("Platinum 8380", 2, 80);
	struct cpu_identity host = identity("Platinum 8380", 2, 160);
	struct text why = { 0 };

	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &vm, CPU_SOURCE_CPUTIME, &why));
	UNIT_EQUAL_TEXT(NULL, why.length ? why.bytes : NULL);
	UNIT_TRUE(weights_match_cpu(&weights, &no_smt, CPU_SOURCE_CPUTIME, &why) > 0);
	UNIT_EQUAL_TEXT("same CPU model, 2 chips, 80 CPUs instead of 160", why.bytes);
	UNIT_TRUE(weights_match_cpu(&weights, &host, CPU_SOURCE_CPUTIME, NULL) >
		  weights_match_cpu(&weights, &no_smt, CPU_SOURCE_CPUTIME, NULL));
	text_free(&why);
}

static void test_specific_beats_general_beats_guess(void)
{
	struct cpu_identity cpu = identity("Platinum 8380", 2, 160);
	struct weights exact = cpu_weights("*platinum 8380*", 2, 160);
	struct weights model = cpu_weights("*platinum 8380*", MATCH_ANY, 160);
	struct weights family = cpu_weights("*platinum*", MATCH_ANY, 160);
	struct weights silent = cpu_weights(NULL, MATCH_ANY, 160);
	struct weights guess = cpu_weights("*platinum 8380*", 2, 160);
	struct weights fallback = cpu_weights(NULL, MATCH_ANY, 0);
	unsigned scores[5];

	guess.guess = fallback.guess = true;
	fallback.per_cpu = true;
	scores[0] = weights_match_cpu(&exact, &cpu, CPU_SOURCE_CPUTIME, NULL);
	scores[1] = weights_match_cpu(&model, &cpu, CPU_SOURCE_CPUTIME, NULL);
	scores[2] = weights_match_cpu(&family, &cpu, CPU_SOURCE_CPUTIME, NULL);
	scores[3] = weights_match_cpu(&guess, &cpu, CPU_SOURCE_CPUTIME, NULL);
	scores[4] = weights_match_cpu(&fallback, &cpu, CPU_SOURCE_CPUTIME, NULL);
	for (int i = 0; i < 4; i++)
		UNIT_TRUE(scores[i] > scores[i + 1]);
	UNIT_TRUE(scores[4] > 0);
	/* Nothing stated and no guess: only by name. */
	UNIT_EQUAL_U64(0, weights_match_cpu(&silent, &cpu, CPU_SOURCE_CPUTIME, NULL));
}

static void test_a_source_needs_its_prices(void)
{
	struct weights weights = cpu_weights("*8380*", 2, 160);
	struct cpu_identity cpu = identity("Platinum 8380", 2, 160);

	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_PERF, NULL));
	weights.points = &event_point;
	UNIT_EQUAL_U64(0, weights_match_cpu(&weights, &cpu, CPU_SOURCE_CPUTIME, NULL));
	UNIT_TRUE(weights_match_cpu(&weights, &cpu, CPU_SOURCE_PERF, NULL) > 0);
	UNIT_TRUE(weights_match_cpu(&weights, &cpu, CPU_SOURCE_SWITCH, NULL) > 0);
}

static struct weights disk_weights(const char *model, const char *name, int rotational)
{
	return (struct weights){
		.kind = WEIGHTS_DISK,
		.match = { .disk_model = borrow(model),
			   .disk_name = borrow(name),
			   .rotational = rotational },
	};
}

static void test_disks(void)
{
	struct disk maxtor = { .name = borrow("sda"),
			       .model = borrow("MAXTOR 6Y120L0"),
			       .rotational = true };
	struct disk nvme = { .name = borrow("nvme0n1"), .model = borrow("Some SSD") };
	struct weights measured = disk_weights("Maxtor*", NULL, 1);
	struct weights ssd = disk_weights(NULL, NULL, 0);
	struct weights fast = disk_weights(NULL, "nvme*", 0);
	struct weights silent = disk_weights(NULL, NULL, MATCH_ANY);
	struct text why = { 0 };

	ssd.guess = fast.guess = true;
	text_add(&why, "sda: ");
	UNIT_TRUE(weights_match_disk(&measured, &maxtor, &why) >
		  weights_match_disk(&fast, &nvme, NULL));
	UNIT_EQUAL_TEXT("sda: same disk model, rotational", why.bytes);
	UNIT_EQUAL_U64(0, weights_match_disk(&measured, &nvme, &why));
	UNIT_EQUAL_U64(0, weights_match_disk(&ssd, &maxtor, &why));
	UNIT_EQUAL_TEXT("sda: same disk model, rotational", why.bytes);
	UNIT_TRUE(weights_match_disk(&fast, &nvme, NULL) > weights_match_disk(&ssd, &nvme, NULL));
	UNIT_TRUE(weights_match_disk(&ssd, &nvme, NULL) > 0);
	UNIT_EQUAL_U64(0, weights_match_disk(&silent, &nvme, NULL));
	text_free(&why);
}

static void test_nics(void)
{
	struct nic card = { .name = borrow("eth0"),
			    .driver = borrow("ixgbe"),
			    .model = borrow("8086:10fb"),
			    .speed_mbits = 10000 };
	struct nic other = { .name = borrow("eth1"),
			     .driver = borrow("e1000e"),
			     .model = borrow("") };
	struct weights ten = { .kind = WEIGHTS_NIC,
			       .guess = true,
			       .match = { .nic_speed = 10000 } };
	struct weights intel = { .kind = WEIGHTS_NIC,
				 .match = { .nic_driver = borrow("ixgbe"),
					    .nic_model = borrow("8086:*"),
					    .nic_speed = MATCH_ANY } };
	struct weights disk = disk_weights(NULL, NULL, 0);
	struct text why = { 0 };

	text_add(&why, "");
	UNIT_TRUE(weights_match_nic(&intel, &card, &why) > weights_match_nic(&ten, &card, NULL));
	UNIT_EQUAL_TEXT("same driver, same model of network card", why.bytes);
	text_reset(&why);
	UNIT_TRUE(weights_match_nic(&ten, &card, &why) > 0);
	UNIT_EQUAL_TEXT("link speed 10000, a guess", why.bytes);
	UNIT_EQUAL_U64(0, weights_match_nic(&ten, &other, NULL));
	UNIT_EQUAL_U64(0, weights_match_nic(&intel, &other, NULL));
	UNIT_EQUAL_U64(0, weights_match_nic(&disk, &card, NULL));
	text_free(&why);
}

int main(void)
{
	return UNIT_RUN(
		"weights-match",
		{ "model names match as whole words, letter case ignored", test_names },
		{ "every stated field must agree", test_every_stated_field_must_agree },
		{ "a VM that shows its host's CPU is not its host", test_a_vm_is_not_its_host },
		{ "specific beats general beats guess", test_specific_beats_general_beats_guess },
		{ "a source needs its own prices", test_a_source_needs_its_prices },
		{ "disks match by model, name and rotation", test_disks },
		{ "network cards match by driver, model and speed", test_nics });
}
