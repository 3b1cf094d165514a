/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a group, and a sum of groups, makes of the kernel's answers; a pipe plays the kernel. */
#include "probe/perf-total.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

enum { EVENTS = 2 };

struct fake {
	struct perf_group group;
	int kernel; /* what is written here is what the group reads */
};

static struct fake fake_open(void)
{
	struct fake fake = { .group = { .is_open = true, .events = EVENTS } };
	int ends[2];

	if (pipe(ends))
		abort();
	fake.kernel = ends[1];
	fake.group.fds[0] = ends[0];
	fake.group.fds[1] = dup(ends[0]);
	return fake;
}

static void fake_close(struct fake *fake)
{
	perf_group_close(&fake->group);
	close(fake->kernel);
}

static unsigned answer(struct fake *fake, uint64_t enabled_ns, uint64_t running_ns, uint64_t first,
		       uint64_t second)
{
	const uint64_t words[] = { EVENTS, enabled_ns, running_ns, first, second };

	if (write(fake->kernel, words, sizeof words) != sizeof words)
		abort();
	return perf_group_read(&fake->group);
}

static void check(const struct fake *fake, uint64_t first, uint64_t second, uint64_t on_cpu_ns)
{
	UNIT_EQUAL_U64(first, fake->group.count[0]);
	UNIT_EQUAL_U64(second, fake->group.count[1]);
	UNIT_EQUAL_U64(on_cpu_ns, fake->group.count[EVENTS]);
}

static void test_asleep(void)
{
	struct fake fake = fake_open();

	UNIT_EQUAL_U64(0, answer(&fake, 0, 0, 0, 0));
	check(&fake, 0, 0, 0);
	UNIT_EQUAL_U64(0, answer(&fake, 1000, 1000, 70, 7));
	check(&fake, 70, 7, 1000);
	UNIT_EQUAL_U64(0, answer(&fake, 1000, 1000, 70, 7));
	check(&fake, 70, 7, 1000);
	fake_close(&fake);
}

static void test_never_scheduled(void)
{
	struct fake fake = fake_open();

	UNIT_EQUAL_U64(QUALITY_MISSING, answer(&fake, 1000, 0, 0, 0));
	check(&fake, 0, 0, 0);
	UNIT_EQUAL_U64(QUALITY_MULTIPLEXED, answer(&fake, 2000, 1000, 50, 5));
	check(&fake, 100, 10, 2000);
	fake_close(&fake);
}

/* Scaling each step by itself never takes back what was counted before. */
static void test_scaled(void)
{
	struct fake fake = fake_open();

	UNIT_EQUAL_U64(QUALITY_MULTIPLEXED, answer(&fake, 4000, 1000, 100, 3));
	check(&fake, 400, 12, 4000);
	UNIT_EQUAL_U64(0, answer(&fake, 8000, 5000, 200, 4));
	check(&fake, 500, 13, 8000);
	UNIT_EQUAL_U64(0, answer(&fake, 108000, 104999, 300, 5));
	check(&fake, 600, 14, 108000);
	fake_close(&fake);
}

static void test_error_state(void)
{
	struct fake fake = fake_open();
	int end = fake.group.fds[0], ends[2];

	UNIT_EQUAL_U64(0, answer(&fake, 1000, 1000, 70, 7));
	if (pipe(ends))
		abort();
	fake.group.fds[0] = ends[0];
	close(ends[1]);
	UNIT_EQUAL_U64(QUALITY_MISSING, perf_group_read(&fake.group));
	check(&fake, 70, 7, 1000);
	UNIT_TRUE(fake.group.is_open);
	close(ends[0]);
	fake.group.fds[0] = end;
	UNIT_EQUAL_U64(QUALITY_GAP, answer(&fake, 1500, 1500, 80, 8));
	check(&fake, 70, 7, 1000);
	UNIT_EQUAL_U64(0, answer(&fake, 1600, 1600, 90, 8));
	check(&fake, 80, 7, 1100);
	fake_close(&fake);
}

/* One answer for each read(2). */
static int says(const uint64_t words[4], unsigned times)
{
	int ends[2];

	if (pipe2(ends, O_DIRECT))
		abort();
	for (; times > 0; times--)
		if (write(ends[1], words, 4 * sizeof *words) != 4 * sizeof *words)
			abort();
	close(ends[1]);
	return ends[0];
}

/* What the kernel makes of a group when its CPU goes off line: each event by itself. */
static void part(struct fake *fake, unsigned member_answers)
{
	const uint64_t leader[] = { 1, 2000, 2000, 100 }, member[] = { 1, 2000, 2000, 10 };

	close(fake->group.fds[0]);
	close(fake->group.fds[1]);
	fake->group.fds[0] = says(leader, 2);
	fake->group.fds[1] = says(member, member_answers);
}

static void test_parted(void)
{
	struct fake fake = fake_open();

	UNIT_EQUAL_U64(0, answer(&fake, 1000, 1000, 70, 7));
	part(&fake, 1);
	UNIT_EQUAL_U64(QUALITY_MISSING, perf_group_read(&fake.group));
	UNIT_TRUE(!fake.group.is_open);
	check(&fake, 100, 10, 2000);
	UNIT_EQUAL_U64(QUALITY_MISSING, perf_group_read(&fake.group));
	fake_close(&fake);
}

/* All or nothing: counts of one group belong together. */
static void test_half_parted(void)
{
	struct fake fake = fake_open();

	UNIT_EQUAL_U64(0, answer(&fake, 1000, 1000, 70, 7));
	part(&fake, 0);
	UNIT_EQUAL_U64(QUALITY_MISSING, perf_group_read(&fake.group));
	UNIT_TRUE(!fake.group.is_open);
	check(&fake, 70, 7, 1000);
	fake_close(&fake);
}

/* --- totals of packages -------------------------------------------------------------------- */

enum { PACKAGES = 2 };

/* A CPU in each of two packages; the groups are the kernel's that follow it in `cpus`. */
struct machine {
	struct fake cpus[PACKAGES];
	struct perf_context context;
	struct perf_total total;
	struct sample sample;
};

static void machine_open(struct machine *machine)
{
	*machine = (struct machine){ .context.set.count = EVENTS };
	machine->total = (struct perf_total){
		.context = &machine->context,
		.cpus = { .of_all_tasks = true, .count = PACKAGES },
		.package_count = PACKAGES,
		.online_text = strdup("0-1\n"),
	};
	machine->total.cpus.items = calloc(PACKAGES, sizeof *machine->total.cpus.items);
	for (unsigned i = 0; i < PACKAGES; i++) {
		machine->cpus[i] = fake_open();
		machine->total.cpus.items[i] = (struct perf_cpu){ .slot = i,
								  .is_online = true,
								  .group = machine->cpus[i].group };
	}
}

static void machine_close(struct machine *machine)
{
	for (unsigned i = 0; i < PACKAGES; i++)
		close(machine->cpus[i].kernel);
	perf_total_close(&machine->total);
}

static int machine_read(struct machine *machine)
{
	struct error error = { "" };
	int result = perf_total_read(&machine->total, &machine->sample, &error);

	UNIT_EQUAL_U64(PACKAGES, machine->sample.package_count);
	if (result)
		UNIT_CONTAINS("some CPUs cannot be read", error.text);
	return result;
}

static void machine_says(struct machine *machine, unsigned cpu, uint64_t now)
{
	const uint64_t words[] = { EVENTS, now, now, now / 10, now / 100 };

	if (write(machine->cpus[cpu].kernel, words, sizeof words) != sizeof words)
		abort();
}

/* Counters taken for a moment: no figure for one package, nothing wrong with the other. */
static void test_package_without_counters(void)
{
	struct machine machine;
	struct perf_group *group;
	struct cpu_reading *reading;
	int end;

	machine_open(&machine);
	group = &machine.total.cpus.items[1].group;
	reading = &machine.sample.packages[1].total;
	machine_says(&machine, 0, 1000);
	machine_says(&machine, 1, 1000);
	UNIT_EQUAL_I64(0, machine_read(&machine));
	machine_says(&machine, 0, 2000);
	end = group->fds[0];
	group->fds[0] = open("/dev/null", O_RDONLY);
	UNIT_EQUAL_I64(-EIO, machine_read(&machine));
	UNIT_EQUAL_U64(0, machine.sample.packages[0].total.quality);
	UNIT_EQUAL_U64(200, machine.sample.packages[0].total.count[0]);
	UNIT_EQUAL_U64(QUALITY_MISSING, reading->quality);
	UNIT_TRUE(machine.total.online_text != NULL);
	close(group->fds[0]);
	group->fds[0] = end;
	machine_says(&machine, 0, 3000);
	machine_says(&machine, 1, 3000);
	UNIT_EQUAL_I64(0, machine_read(&machine));
	UNIT_EQUAL_U64(QUALITY_GAP, reading->quality);
	machine_says(&machine, 0, 4000);
	machine_says(&machine, 1, 4000);
	UNIT_EQUAL_I64(0, machine_read(&machine));
	UNIT_EQUAL_U64(0, reading->quality);
	UNIT_EQUAL_U64(200, reading->count[0]);
	machine_close(&machine);
}

/* Its clock stands still: the CPU was off line and came back. It is to be opened anew. */
static void test_package_of_dead_cpu(void)
{
	struct machine machine;

	machine_open(&machine);
	machine_says(&machine, 0, 1000);
	machine_says(&machine, 1, 1000);
	UNIT_EQUAL_I64(0, machine_read(&machine));
	machine_says(&machine, 0, 2000);
	machine_says(&machine, 1, 1000);
	UNIT_EQUAL_I64(-EIO, machine_read(&machine));
	UNIT_EQUAL_U64(0, machine.sample.packages[0].total.quality);
	UNIT_EQUAL_U64(QUALITY_MISSING, machine.sample.packages[1].total.quality);
	UNIT_TRUE(!machine.total.cpus.items[1].group.is_open);
	UNIT_TRUE(machine.total.online_text == NULL);
	machine_close(&machine);
}

int main(void)
{
	return UNIT_RUN(
		"probe-perf-group",
		{ "a thread that sleeps has counted nothing, which is known", test_asleep },
		{ "enabled and never running is missing, and made up for later",
		  test_never_scheduled },
		{ "part-time counts are scaled, marked and never go back", test_scaled },
		{ "a group in error is missing, then a gap, and counts on", test_error_state },
		{ "a parted group's last counts are taken, and it is closed", test_parted },
		{ "a parted group that does not tell all keeps its counts", test_half_parted },
		{ "a package without counters is missing, and comes back by itself",
		  test_package_without_counters },
		{ "a CPU that came back has its package missing, and is followed again",
		  test_package_of_dead_cpu });
}
