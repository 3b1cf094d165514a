/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/choose.h"

#define CPU_FILE(title, more)                                                                      \
	"[weights]\nformat = 1\nname = " title                                                     \
	"\nkind = cpu\nscope = wall\nstanding = estimate\n" more
#define MODEL_8380                                                                                 \
	CPU_FILE("8380", "[match]\nmodel-name = * 8380 *\nchips = 2\n"                             \
			 "[machine]\ncpus = 160\nchips = 2\n"                                      \
			 "[point]\nbase = 100W +-10W\non-cpu = 3W\n"                               \
			 "[provenance]\nservers = 14\n")
#define GUESS                                                                                      \
	CPU_FILE("guess", "guess = yes\n[machine]\nper-cpu = yes\n"                                \
			  "[point]\nbase = 600mW +-0.3W\non-cpu = 2W\n")
#define EVENTS                                                                                     \
	CPU_FILE("events", "[match]\nmodel-name = *\n[machine]\ncpus = 160\nchips = 2\n"           \
			   "[point]\nbase = 100W\nweight = 1nJ a::B\n")
#define DISK(title, match)                                                                         \
	"[weights]\nformat = 1\nname = " title                                                     \
	"\nkind = disk\nscope = dc\nstanding = estimate\n" match                                   \
	"[disk]\nidle = 1W\nactive = 2W\nread-overhead = 1ms\nread-rate = 1MB/s\n"                 \
	"write-overhead = 1ms\nwrite-rate = 1MB/s\n"

#define NIC(title, match)                                                                          \
	"[weights]\nformat = 1\nname = " title                                                     \
	"\nkind = nic\nscope = dc\nstanding = estimate\n" match                                    \
	"[nic]\nidle = 1W\nreceive = 1nJ\ntransmit = 1nJ\n"

/* The structs own what they name, and these tests do not: their strings are only read. */
static char *borrow(const char *text)
{
	char *borrowed;

	memcpy(&borrowed, &text, sizeof borrowed);
	return borrowed;
}

static struct cpu_identity cpu;
static struct weights_choice choice;
static struct error_list warnings;
static struct error error;

/* Choose in FOLDER/one and FOLDER/two. */
static int choose(const char *spec, enum cpu_source source)
{
	struct weights_request request = { spec, &cpu, source, false };
	char path[300];

	cpu = (struct cpu_identity){
		.vendor = borrow("GenuineIntel"),
		.model_name = borrow("Intel(R) Xeon(R) Platinum 8380 CPU @ 2.30GHz"),
		.chips = 2,
		.cpus = 160,
	};
	snprintf(path, sizeof path, "%s/one:%s/two", unit_folder(), unit_folder());
	setenv("VMENERGY_WEIGHTS", path, 1);
	error_list_clear(&warnings);
	error.text[0] = '\0';
	weights_choice_free(&choice);
	return weights_choose(&request, &choice, &warnings, &error);
}

static void finish(void)
{
	weights_choice_free(&choice);
	error_list_clear(&warnings);
}

static void clear_folder(const char *name)
{
	char path[300];
	DIR *directory;

	snprintf(path, sizeof path, "%s/%s", unit_folder(), name);
	directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));)
		unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		closedir(directory);
}

/* Start from empty folders: files of the last test must not count. */
static void clear_folders(void)
{
	clear_folder("one");
	clear_folder("two");
}

static void test_auto_takes_the_closest(void)
{
	clear_folders();
	unit_write_file("one/guess.weights", GUESS);
	unit_write_file("one/x8380.weights", MODEL_8380);
	unit_write_file("one/readme", "no weights");
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT("8380", choice.cpu ? choice.cpu->name : NULL);
	UNIT_EQUAL_TEXT("x8380.weights: same CPU model, 2 chips; from 14 servers, idle +-10 %",
			choice.why);
	UNIT_EQUAL_TEXT(MODEL_8380, choice.cpu_file.text);
	UNIT_CONTAINS("/one/x8380.weights", choice.cpu_file.path);
	UNIT_EQUAL_U64(0, warnings.count);
	finish();
}

#define EMULATED                                                                                   \
	"[weights]\nformat = 1\nname = EMULATED: plant\nkind = cpu\nscope = wall\n"                \
	"standing = measured\n[match]\nvendor = emulated\n[machine]\ncpus = 8\nchips = 1\n"        \
	"[point]\nbase = 100W +-1W\non-cpu = 3W\n"
#define EMULATED_WHY                                                                               \
	"EMULATED, no machine was measured: plant.weights: as asked for, though made for "

/* Its own +-1 % says nothing of this machine. */
static void test_emulated_is_said(void)
{
	struct recording_header header = { 0 };
	struct weights_choice again;

	clear_folders();
	unit_write_file("one/plant.weights", EMULATED);
	/* A file of another folder, or none. */
	UNIT_TRUE(choose("auto", CPU_SOURCE_CPUTIME) || !strstr(choice.why, "EMULATED"));
	UNIT_EQUAL_I64(0, choose("plant", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT(EMULATED_WHY "another machine", choice.why);
	UNIT_EQUAL_I64(STANDING_ESTIMATE, choice.cpu->standing);
	UNIT_EQUAL_U64(1, warnings.count);
	UNIT_CONTAINS("/one/plant.weights: EMULATED, no machine was measured",
		      warnings.count ? warnings.texts[0] : "(none)");
	header.events.source = CPU_SOURCE_CPUTIME;
	header.cpu_weights = choice.cpu_file;
	header.cpu_weights_why = choice.why;
	UNIT_EQUAL_I64(0, weights_choice_from_texts(&header, &again, &warnings, &error));
	UNIT_EQUAL_TEXT(EMULATED_WHY "another machine", again.why);
	UNIT_EQUAL_I64(STANDING_ESTIMATE, again.cpu ? (int)again.cpu->standing : -1);
	weights_choice_free(&again);
	finish();
}

static void test_another_machines_error_is_not_claimed(void)
{
	clear_folders();
	unit_write_file("one/other.weights",
			CPU_FILE("other", "[match]\nmodel-name = * 1234 *\n[machine]\ncpus = 4\n"
					  "chips = 1\n[point]\nbase = 100W +-1W\non-cpu = 3W\n"));
	UNIT_EQUAL_I64(0, choose("other", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT("other.weights: as asked for, though made for another machine", choice.why);
	UNIT_EQUAL_U64(0, warnings.count);
	finish();
}

static void test_guess_when_nothing_else_fits(void)
{
	clear_folders();
	unit_write_file("one/guess.weights", GUESS);
	unit_write_file("one/events.weights", EVENTS);
	UNIT_EQUAL_I64(0, choose(NULL, CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT("guess.weights: a guess; idle +-50 %", choice.why);
	UNIT_EQUAL_I64(0, choose(NULL, CPU_SOURCE_PERF));
	UNIT_EQUAL_TEXT("events.weights: same CPU model", choice.why);
	finish();
}

static void test_first_folder_wins(void)
{
	clear_folders();
	unit_write_file("one/mine.weights", GUESS);
	unit_write_file("two/x8380.weights", MODEL_8380);
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("mine.weights: a guess", choice.why);
	finish();
}

static void test_bad_files_are_listed_and_passed_over(void)
{
	clear_folders();
	unit_write_file("one/a.weights", "[weights]\nformat = 7\n");
	unit_write_file("one/guess.weights", GUESS);
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_TRUE(warnings.count > 1);
	UNIT_CONTAINS("/one/a.weights:2: format 7: must be 1",
		      warnings.count ? warnings.texts[0] : "(none)");
	finish();
}

static void test_named_file_is_used_as_is(void)
{
	char path[300];

	clear_folders();
	unit_write_file("one/guess.weights", GUESS);
	unit_write_file("two/x8380.weights", MODEL_8380);
	UNIT_EQUAL_I64(0, choose("x8380", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("x8380.weights: as asked for", choice.why);
	UNIT_EQUAL_I64(0, choose("guess.weights", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("guess.weights: as asked for", choice.why);
	unit_write_file("three/anything", MODEL_8380);
	snprintf(path, sizeof path, "%s/three/anything", unit_folder());
	UNIT_EQUAL_I64(0, choose(path, CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT(path, choice.cpu ? choice.cpu->path : NULL);
	finish();
}

static void test_refusals(void)
{
	clear_folders();
	unit_write_file("one/bad.weights", "[weights]\nformat = 1\nkind = cpu\n[mashine]\nx = 1\n");
	unit_write_file("one/disk.weights", DISK("d", "guess = yes\n"));
	unit_write_file("two/x8380.weights", MODEL_8380);
	UNIT_EQUAL_I64(-ENOENT, choose("missing", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("weights missing: no such file in ", error.text);
	UNIT_CONTAINS("/one:", error.text);
	UNIT_TRUE(choice.cpu == NULL && choice.why == NULL);
	UNIT_EQUAL_I64(-ENOENT, choose("/nowhere/x.weights", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT("/nowhere/x.weights: No such file or directory", error.text);
	UNIT_EQUAL_I64(-EINVAL, choose("bad", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("bad.weights:5: [mashine]: unknown section", error.text);
	UNIT_EQUAL_U64(6, warnings.count); /* each mistake once */
	UNIT_EQUAL_I64(-ENOENT, choose("x8380", CPU_SOURCE_PERF));
	UNIT_CONTAINS("x8380.weights: has no prices for perf", error.text);
	UNIT_EQUAL_I64(-ENOENT, choose("disk", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_I64(-ENOENT, choose("auto", CPU_SOURCE_PERF));
	UNIT_CONTAINS("no weights file for perf on CPU \"Intel(R) Xeon(R) Platinum 8380",
		      error.text);
	finish();
}

static void test_disks(void)
{
	struct disk disk = { .name = borrow("sda"), .model = borrow("Maxtor 6Y") };
	struct text why = { 0 };
	const struct weights *best;

	clear_folders();
	unit_write_file("one/guess.weights", GUESS);
	unit_write_file("one/disk.weights", DISK("mine", "guess = yes\n"));
	unit_write_file("two/disk.weights", DISK("hidden", "[match]\ndisk-model = Maxtor*\n"));
	unit_write_file("two/maxtor.weights", DISK("maxtor", "[match]\ndisk-model = maxtor *\n"));
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_TRUE(choice.disk_count >= 2);
	for (size_t i = 0; i < choice.disk_count; i++) {
		UNIT_TRUE(strcmp(choice.disks[i]->name, "hidden") != 0);
		UNIT_EQUAL_TEXT(choice.disks[i]->path, choice.disk_files[i].path);
	}
	best = weights_choice_disk(&choice, &disk, &why);
	UNIT_EQUAL_TEXT("maxtor", best ? best->name : NULL);
	UNIT_EQUAL_TEXT("maxtor.weights: same disk model", why.bytes);
	text_free(&why);
	finish();
}

static void test_nics(void)
{
	clear_folders();
	unit_write_file("one/guess.weights", GUESS);
	unit_write_file("one/nic.weights", NIC("mine", "[match]\nnic-name = eth*\n"));
	unit_write_file("two/nic.weights", NIC("hidden", "guess = yes\n"));
	unit_write_file("two/other.weights", NIC("other", "guess = yes\n"));
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_TRUE(choice.nic_count >= 2);
	UNIT_EQUAL_TEXT("mine", choice.nics[0]->name);
	UNIT_EQUAL_TEXT("other", choice.nics[1]->name);
	UNIT_EQUAL_TEXT(choice.nics[1]->path, choice.nic_files[1].path);
	for (size_t i = 0; i < choice.disk_count; i++)
		UNIT_TRUE(choice.disks[i]->kind == WEIGHTS_DISK);
	finish();
}

static void test_replay_needs_no_files(void)
{
	struct recording_file nic = { borrow("n.weights"), borrow(NIC("n", "guess = yes\n")) };
	struct recording_file disk = { borrow("d.weights"), borrow(DISK("d", "guess = yes\n")) };
	struct recording_header header = {
		.cpu_weights = { borrow("x8380.weights"), borrow(MODEL_8380) },
		.cpu_weights_why = borrow("because"),
		.disk_weights = &disk,
		.disk_weights_count = 1,
		.nic_weights = &nic,
		.nic_weights_count = 1,
	};

	error_list_clear(&warnings);
	UNIT_EQUAL_I64(0, weights_choice_from_texts(&header, &choice, &warnings, &error));
	UNIT_EQUAL_TEXT("8380", choice.cpu ? choice.cpu->name : NULL);
	UNIT_EQUAL_TEXT("because", choice.why);
	UNIT_EQUAL_U64(1, choice.disk_count);
	UNIT_EQUAL_TEXT("d", choice.disk_count ? choice.disks[0]->name : NULL);
	UNIT_EQUAL_TEXT("n", choice.nic_count ? choice.nics[0]->name : NULL);
	finish();
	disk.text = borrow("[weights]\nformat = 1\n");
	UNIT_EQUAL_I64(-EINVAL, weights_choice_from_texts(&header, &choice, &warnings, &error));
	UNIT_CONTAINS("the recording's weights: d.weights:2: ", error.text);
	UNIT_TRUE(choice.cpu == NULL && choice.disks == NULL);
	finish();
}

static void test_build_tree(void)
{
	char exe[4096] = "", *build;

	clear_folders();
	if (readlink("/proc/self/exe", exe, sizeof exe - 32) < 0)
		return;
	build = strstr(exe, "/build/");
	if (build)
		strcpy(build, "/weights/guess.weights");
	if (!build || access(exe, R_OK)) {
		fprintf(stderr, "skipped: this program is in no build tree\n");
		return;
	}
	UNIT_EQUAL_I64(0, choose("guess", CPU_SOURCE_CPUTIME));
	UNIT_EQUAL_TEXT(exe, choice.cpu_file.path);
	UNIT_EQUAL_I64(0, choose("auto", CPU_SOURCE_CPUTIME));
	UNIT_CONTAINS("intel-xeon-platinum-8380-2s.weights: same vendor, same CPU model, 2 chips",
		      choice.why);
	UNIT_EQUAL_U64(0, warnings.count);
	finish();
}

int main(void)
{
	return UNIT_RUN(
		"choose", { "auto takes the closest and says why", test_auto_takes_the_closest },
		{ "a guess serves when nothing else fits", test_guess_when_nothing_else_fits },
		{ "what is emulated is said, is an estimate, and is only used by name",
		  test_emulated_is_said },
		{ "the +- of another machine is not claimed",
		  test_another_machines_error_is_not_claimed },
		{ "the first folder that fits wins", test_first_folder_wins },
		{ "bad files are listed and passed over",
		  test_bad_files_are_listed_and_passed_over },
		{ "a named file is used as is", test_named_file_is_used_as_is },
		{ "what cannot serve is refused with the reason", test_refusals },
		{ "disk files are candidates, earlier folders hide later ones", test_disks },
		{ "files of network cards are candidates all together", test_nics },
		{ "weights/ beside the build tree is found", test_build_tree },
		{ "a replay needs no files", test_replay_needs_no_files });
}
