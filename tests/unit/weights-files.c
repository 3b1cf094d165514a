/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of weights/: $VMENERGY_WEIGHTS or "weights". */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "model/weights.h"

/* The structs own what they name, and these tests do not: their strings are only read. */
static char *borrow(const char *text)
{
	char *borrowed;

	memcpy(&borrowed, &text, sizeof borrowed);
	return borrowed;
}

static const char *folder(void)
{
	const char *given = getenv("VMENERGY_WEIGHTS");

	return given ? given : "weights";
}

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 65536);
	size_t length;

	if (!file || !text) {
		perror(path);
		abort();
	}
	length = fread(text, 1, 65535, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static struct weights *load(const char *name, char **text)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder(), name);
	*text = read_file(path);
	weights_parse(path, *text, strlen(*text), &weights, &errors);
	for (size_t i = 0; i < errors.count; i++)
		UNIT_EQUAL_TEXT("", errors.texts[i]);
	error_list_clear(&errors);
	return weights;
}

static void each_file(void (*check)(const struct weights *weights, const char *text))
{
	DIR *directory = opendir(folder());
	unsigned count = 0;

	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		struct weights *weights;
		char *text;

		if (!strstr(entry->d_name, ".weights"))
			continue;
		weights = load(entry->d_name, &text);
		UNIT_TRUE(weights != NULL);
		if (weights)
			check(weights, text);
		weights_free(weights);
		free(text);
		count++;
	}
	if (directory)
		closedir(directory);
	UNIT_TRUE(count >= 80);
}

static void check_canonical(const struct weights *weights, const char *text)
{
	struct text out = { 0 };

	weights_print(weights, &out);
	if (strcmp(text, out.bytes) != 0)
		fprintf(stderr, "%s is not canonical\n", weights->path);
	UNIT_TRUE(strcmp(text, out.bytes) == 0);
	text_free(&out);
}

static void test_canonical(void)
{
	each_file(check_canonical);
}

static void check_provenance(const struct weights *weights, const char *text)
{
	(void)text;
	if (!weights->source)
		fprintf(stderr, "%s has no source\n", weights->path);
	UNIT_TRUE(weights->source != NULL);
	/* What nobody measured must not say so. */
	UNIT_TRUE(!weights->guess || weights->standing == STANDING_ESTIMATE);
	UNIT_TRUE(!weights->guess || strstr(weights->name, "guess"));
	UNIT_TRUE(weights->servers == 0 || weights->standing == STANDING_ESTIMATE);
}

static void test_provenance(void)
{
	each_file(check_provenance);
}

/* Which file serves best? */
static char best_name[256];
static unsigned best_score;
static struct cpu_identity wanted;
static struct disk wanted_disk;
static struct nic wanted_nic;

static void note_best(const struct weights *weights, unsigned score)
{
	UNIT_TRUE(score == 0 || score != best_score); /* a tie would be chance */
	if (score > best_score) {
		best_score = score;
		snprintf(best_name, sizeof best_name, "%s", strrchr(weights->path, '/') + 1);
	}
}

static void check_cpu(const struct weights *weights, const char *text)
{
	(void)text;
	note_best(weights, weights_match_cpu(weights, &wanted, CPU_SOURCE_CPUTIME, NULL));
}

static void check_nic(const struct weights *weights, const char *text)
{
	(void)text;
	note_best(weights, weights_match_nic(weights, &wanted_nic, NULL));
}

static void check_disk(const struct weights *weights, const char *text)
{
	(void)text;
	note_best(weights, weights_match_disk(weights, &wanted_disk, NULL));
}

static const char *best_cpu(const char *vendor, const char *model, unsigned chips, unsigned cpus)
{
	best_score = 0;
	strcpy(best_name, "none");
	wanted = (struct cpu_identity){
		.vendor = borrow(vendor),
		.model_name = borrow(model),
		.family = strcmp(model, "Intel(R) Pentium(R) 4 CPU 2.00GHz") == 0 ? 15 : 6,
		.chips = chips,
		.cpus = cpus,
	};
	each_file(check_cpu);
	return best_name;
}

static void test_real_cpus(void)
{
	UNIT_EQUAL_TEXT(
		"intel-xeon-platinum-8380-2s.weights",
		best_cpu("GenuineIntel", "Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz", 2, 160));
	UNIT_EQUAL_TEXT("intel-xeon-platinum-8592plus-1s.weights",
			best_cpu("GenuineIntel", "INTEL(R) XEON(R) PLATINUM 8592+", 1, 128));
	UNIT_EQUAL_TEXT("amd-epyc-9754-2s.weights",
			best_cpu("AuthenticAMD", "AMD EPYC 9754 128-Core Processor", 2, 512));
	UNIT_EQUAL_TEXT("amd-epyc-7702p-1s.weights",
			best_cpu("AuthenticAMD", "AMD EPYC 7702P 64-Core Processor", 1, 128));
	UNIT_EQUAL_TEXT(
		"intel-xeon-e5-2699-v3-2s.weights",
		best_cpu("GenuineIntel", "Intel(R) Xeon(R) CPU E5-2699 v3 @ 2.30GHz", 2, 72));
	UNIT_EQUAL_TEXT(
		"intel-xeon-e5-2699-v4-2s.weights",
		best_cpu("GenuineIntel", "Intel(R) Xeon(R) CPU E5-2699 v4 @ 2.20GHz", 2, 88));
	UNIT_EQUAL_TEXT("intel-pentium-4-2000mhz.weights",
			best_cpu("GenuineIntel", "Intel(R) Pentium(R) 4 CPU 2.00GHz", 1, 1));
}

static void test_unknown_cpus_get_the_guess(void)
{
	UNIT_EQUAL_TEXT("guess.weights",
			best_cpu("GenuineIntel", "Intel(R) Xeon(R) Processor @ 2.60GHz", 1, 2));
	UNIT_EQUAL_TEXT("guess.weights", best_cpu("AuthenticAMD", "AMD EPYC", 1, 4));
	UNIT_EQUAL_TEXT("guess.weights", best_cpu("ARM", "", 0, 80));
	UNIT_EQUAL_TEXT("guess.weights",
			best_cpu("AuthenticAMD", "AMD EPYC 7763 64-Core Processor", 1, 8));
}

static const char *best_disk(const char *name, const char *model, bool rotational)
{
	best_score = 0;
	strcpy(best_name, "none");
	wanted_disk = (struct disk){ .name = borrow(name),
				     .model = borrow(model),
				     .rotational = rotational };
	each_file(check_disk);
	return best_name;
}

static void test_disks(void)
{
	UNIT_EQUAL_TEXT("disk-maxtor-measured.weights", best_disk("sda", "Maxtor 6Y120L0", true));
	UNIT_EQUAL_TEXT("disk-toshiba-mg04sca500e.weights", best_disk("sdb", "MG04SCA500E", true));
	UNIT_EQUAL_TEXT("guess-disk-rotational.weights", best_disk("sda", "ST8000NM000A", true));
	UNIT_EQUAL_TEXT("guess-disk-ssd.weights", best_disk("sda", "MZ7LH960", false));
	UNIT_EQUAL_TEXT("guess-disk-nvme.weights", best_disk("nvme0n1", "MZQL2960", false));
	UNIT_EQUAL_TEXT("guess-disk-virtual-virtio.weights", best_disk("vda", "", true));
	UNIT_EQUAL_TEXT("guess-disk-virtual-xen.weights", best_disk("xvda", "", false));
	UNIT_EQUAL_TEXT("guess-disk-virtual-qemu.weights", best_disk("sda", "QEMU HARDDISK", true));
	UNIT_EQUAL_TEXT("guess-disk-virtual-amazon.weights",
			best_disk("nvme0n1", "Amazon Elastic Block Store", false));
}

static const char *best_nic(const char *driver, unsigned speed_mbits)
{
	best_score = 0;
	strcpy(best_name, "none");
	wanted_nic = (struct nic){ .name = borrow("eth0"),
				   .driver = borrow(driver),
				   .model = borrow("8086:10fb"),
				   .speed_mbits = speed_mbits };
	each_file(check_nic);
	return best_name;
}

static void test_nics(void)
{
	UNIT_EQUAL_TEXT("guess-nic-10gbit.weights", best_nic("ixgbe", 10000));
	UNIT_EQUAL_TEXT("guess-nic-1gbit.weights", best_nic("igb", 1000));
	/* Nobody knows the speed of a virtual card, nor its watts. */
	UNIT_EQUAL_TEXT("none", best_nic("virtio_net", 0));
}

static void test_published_constants(void)
{
	char *text;
	struct weights *four = load("intel-pentium-4-2000mhz.weights", &text);
	struct price price;
	struct event_set time = { CPU_SOURCE_CPUTIME, 1, { CPUTIME_EVENT } };

	free(text);
	if (!four)
		return;
	UNIT_EQUAL_U64(7, four->points[0].weight_count); /* the eighth, TSC, is the base */
	UNIT_EQUAL_DOUBLE(340.46, four->points[0].weights[3].nj, 0);
	UNIT_EQUAL_I64(0, weights_price(four, &time, 1, 2e9, &price, NULL));
	UNIT_EQUAL_DOUBLE(6.17, price.tsc_nj, 1e-12);
	UNIT_EQUAL_DOUBLE(12.34, price.idle_w, 1e-12);
	UNIT_EQUAL_DOUBLE(26.58, price.idle_w + price.event_nj[0], 1e-12);
	weights_free(four);
}

static void test_published_disk(void)
{
	char *text;
	struct weights *disk = load("disk-maxtor-measured.weights", &text);

	free(text);
	if (!disk)
		return;
	/* model.md 3: 57 MB/s for a second keep the disk busy for that second: 2.63 W active. */
	UNIT_EQUAL_DOUBLE(2.631,
			  (disk->disk.active_w - disk->disk.idle_w) * 57e6 /
				  disk->disk.read.rate_bytes_s,
			  1e-9);
	weights_free(disk);
}

/* From here to ".Ed" in the manual page: *end. */
static struct weights *load_example(char *page, char **end)
{
	struct error_list errors = { 0 };
	struct weights *weights = NULL;
	char *begin = strstr(page, "\n.Bd -literal -offset indent\n[weights]\n");
	char *stop = begin ? strstr(begin, "\n.Ed\n") : NULL;

	*end = stop;
	if (!stop)
		return NULL;
	begin = strchr(begin + 1, '\n') + 1;
	weights_parse("example", begin, (size_t)(stop - begin), &weights, &errors);
	for (size_t i = 0; i < errors.count; i++)
		UNIT_EQUAL_TEXT("", errors.texts[i]);
	error_list_clear(&errors);
	return weights;
}

static void test_examples_of_the_manual(void)
{
	char path[4096], *page, *next;
	struct weights *cpu, *disk, *nic;

	snprintf(path, sizeof path, "%s/../man/vmenergy.weights.5", folder());
	page = read_file(path);
	cpu = load_example(page, &next);
	disk = next ? load_example(next, &next) : NULL;
	nic = next ? load_example(next, &next) : NULL;
	UNIT_TRUE(cpu && cpu->kind == WEIGHTS_CPU && cpu->point_count == 2);
	UNIT_TRUE(disk && disk->kind == WEIGHTS_DISK);
	UNIT_TRUE(nic && nic->kind == WEIGHTS_NIC);
	weights_free(cpu);
	weights_free(disk);
	weights_free(nic);
	free(page);
}

int main(void)
{
	return UNIT_RUN("weights-files", { "every file parses and is canonical", test_canonical },
			{ "the examples of the manual page parse", test_examples_of_the_manual },
			{ "every file has a source, and a guess says so", test_provenance },
			{ "real CPUs find their file", test_real_cpus },
			{ "unknown CPUs and VMs get the guess", test_unknown_cpus_get_the_guess },
			{ "disks find their file", test_disks },
			{ "network cards find their file", test_nics },
			{ "the published Pentium 4 constants", test_published_constants },
			{ "model.md 3: the measured Maxtor is charged 2.63 W at 57 MB/s",
			  test_published_disk });
}
