/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account of a machine in ticks: on this very machine, counting time.
 *
 * no valgrind: where a disk rotates BPF is loaded, whose commands it does not
 * know (3.19), and it takes libbpf's paddings for errors. ASan looks for leaks.
 */
#include "engine/accounting.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

#define WEIGHTS                                                                                    \
	"[weights]\nformat = 1\nname = Test\nkind = cpu\nscope = wall\nstanding = measured\n"      \
	"[match]\nvendor = Nobody\n[machine]\ncpus = 2\nchips = 1\ntsc = 2GHz\n"                   \
	"[point]\nbase = 40W +-1W\non-cpu = 6W +-1W\n"                                             \
	"[provenance]\nsource = made up for tests\n"

static char weights_path[512], record_path[512];
static struct accounting accounting;
static struct snapshot snapshot;
static struct error error;

static int open_accounting(const char *weights, const char *record)
{
	const struct accounting_options options = {
		.live = { .without_libvirt = true, .interval_ns = 50000000 },
		.cpu_source = CPU_SOURCE_CPUTIME,
		.weights = weights,
		.idle_policy = IDLE_HOST,
		.own_name = "accounting-test",
		.record = record,
	};

	return accounting_open(&accounting, &options, &error);
}

/* Wait for the tick that is due, and run it. */
static int run_tick(void)
{
	while (clock_now_ns() < accounting.pace.due_ns)
		usleep(1000);
	return accounting_tick(&accounting, &snapshot, &error);
}

static void close_all(void)
{
	UNIT_EQUAL_I64(0, accounting_close(&accounting, &error));
	snapshot_clear(&snapshot);
}

static void test_first_tick_is_a_baseline(void)
{
	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	UNIT_TRUE(!accounting.topology);
	UNIT_EQUAL_I64(-EAGAIN, run_tick());
	UNIT_TRUE(accounting.topology != NULL);
	UNIT_EQUAL_I64(0, run_tick());
	UNIT_EQUAL_I64(IDLE_HOST, snapshot.idle_policy);
	UNIT_EQUAL_DOUBLE(40, snapshot.host.cpu_idle_w, 1e-9);
	UNIT_TRUE(snapshot.host.total_w >= 40);
	UNIT_EQUAL_I64(0, account_check(&snapshot, 1e-9, &error));
	UNIT_EQUAL_TEXT("test.weights", snapshot.source.weights);
	close_all();
}

static bool keeps(const char *name)
{
	for (size_t i = 0; i < snapshot.kept_count; i++)
		if (strcmp(snapshot.kept[i].name, name) == 0)
			return true;
	return false;
}

static void test_own_cost_is_shown_apart(void)
{
	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	run_tick();
	UNIT_EQUAL_I64(0, run_tick());
	UNIT_TRUE(keeps("accounting-test"));
	close_all();
}

static void test_ticks_lie_on_a_grid(void)
{
	uint64_t start;

	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	start = accounting.pace.due_ns;
	for (int i = 0; i < 3; i++) {
		run_tick();
		UNIT_EQUAL_U64(0, (accounting.pace.due_ns - start) % 50000000);
		UNIT_TRUE(accounting.pace.due_ns > start);
	}
	close_all();
}

static void test_another_interval_keeps_what_was_missed(void)
{
	uint64_t before;

	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	run_tick();
	accounting.pace.missed_ticks = 17;
	before = clock_now_ns();
	accounting_set_interval(&accounting, 2);
	UNIT_EQUAL_U64(17, accounting.pace.missed_ticks);
	UNIT_EQUAL_U64(2000000000, accounting.pace.interval_ns);
	UNIT_TRUE(accounting.pace.due_ns >= before + 2000000000);
	UNIT_TRUE(accounting.pace.due_ns <= clock_now_ns() + 2000000000);
	close_all();
}

static void test_recording_names_its_maker(void)
{
	const struct recording_header *header;
	const struct topology *topology;
	const struct sample *sample;
	struct replayer *replayer;

	UNIT_EQUAL_I64(0, open_accounting(weights_path, record_path));
	run_tick();
	run_tick();
	close_all();
	UNIT_EQUAL_I64(0, replayer_open(&replayer, record_path, &error));
	header = replayer_header(replayer);
	UNIT_EQUAL_TEXT("accounting-test " VMENERGY_VERSION, header->program);
	UNIT_TRUE(header->interval_s == 0.05);
	UNIT_EQUAL_I64(IDLE_HOST, header->idle_policy);
	for (unsigned i = 0; i < 2; i++) {
		UNIT_EQUAL_I64(0, replayer_next(replayer, &topology, &sample, &error));
		UNIT_EQUAL_U64(i, sample->seq);
	}
	UNIT_EQUAL_I64(1, replayer_next(replayer, &topology, &sample, &error));
	replayer_close(replayer);
}

static void test_failures_say_why_and_leave_nothing(void)
{
	unsigned descriptors;

	/* libraries keep what they open first */
	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	close_all();
	descriptors = unit_count_descriptors();
	UNIT_EQUAL_I64(-ENOENT, open_accounting("/nowhere/at.weights", NULL));
	UNIT_CONTAINS("/nowhere/at.weights", error.text);
	close_all();
	unit_write_file("bad.weights", "[weights]\nformat = 1\nnonsense = 3\n");
	snprintf(record_path, sizeof record_path, "%s/bad.weights", unit_folder());
	UNIT_EQUAL_I64(-EINVAL, open_accounting(record_path, NULL));
	UNIT_TRUE(accounting.counting.warnings.count > 0);
	UNIT_CONTAINS("bad.weights:3: ", accounting.counting.warnings.texts[0]);
	close_all();
	UNIT_EQUAL_I64(-ENOENT, open_accounting(weights_path, "/nowhere/at.recording"));
	UNIT_CONTAINS("/nowhere/at.recording", error.text);
	close_all();
	UNIT_EQUAL_U64(descriptors, unit_count_descriptors());
}

static void count_note(void *context, const char *note)
{
	UNIT_TRUE(note[0] != '\0');
	++*(unsigned *)context;
}

static void test_notes_of_a_topology_are_told_once(void)
{
	struct topology *made = topology_new();
	char *notes[] = { unit_literal("no rights here"), unit_literal("nor there") };
	unsigned first = 0, second = 0, third = 0;

	UNIT_EQUAL_I64(0, open_accounting(weights_path, NULL));
	accounting_notes(&accounting, count_note, &first);
	made->generation = 1;
	made->notes = notes;
	made->note_count = 2;
	accounting.topology = made;
	accounting_notes(&accounting, count_note, &second);
	UNIT_EQUAL_U64(first + 2, second);
	accounting_notes(&accounting, count_note, &third);
	UNIT_EQUAL_U64(first, third);
	made->notes = NULL;
	made->note_count = 0;
	topology_unref(made);
	close_all();
}

int main(void)
{
	snprintf(weights_path, sizeof weights_path, "%s/test.weights", unit_folder());
	snprintf(record_path, sizeof record_path, "%s/made.recording", unit_folder());
	unit_write_file("test.weights", WEIGHTS);
	return UNIT_RUN(
		"accounting", { "the first tick is a baseline", test_first_tick_is_a_baseline },
		{ "our own cost is shown apart", test_own_cost_is_shown_apart },
		{ "ticks lie on a grid", test_ticks_lie_on_a_grid },
		{ "another interval keeps what was missed",
		  test_another_interval_keeps_what_was_missed },
		{ "a recording names its maker", test_recording_names_its_maker },
		{ "failures say why and leave nothing", test_failures_say_why_and_leave_nothing },
		{ "notes of a topology are told once", test_notes_of_a_topology_are_told_once });
}
