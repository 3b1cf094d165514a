/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "calibrate/record/session.h"
#include "calibrate/workload/kernel-parts.h"
#include "calibrate/workload/kernels.h"
#include "calibrate/workload/workload.h"

static volatile bool stop;

static void on_alarm(int signal)
{
	(void)signal;
	stop = true;
}

/* A few steps of each, until a timer says that it is enough. */
static void test_kernels_stop(void)
{
	const struct itimerval soon = { .it_value = { 0, 2000 } };
	size_t count, kernels = 0;
	const struct workload *table = workload_table(&count);

	signal(SIGALRM, on_alarm);
	for (size_t i = 0; i < count; i++) {
		if (table[i].kind != WORKLOAD_KERNEL)
			continue;
		stop = false;
		setitimer(ITIMER_REAL, &soon, NULL);
		UNIT_EQUAL_I64(0, table[i].kernel(&stop, table[i].cache_level ? 100000 : 0));
		UNIT_TRUE(stop);
		kernels++;
	}
	UNIT_TRUE(kernels >= 20);
}

static void test_no_memory(void)
{
	stop = true;
	UNIT_TRUE(kernel_read(&stop, SIZE_MAX / 4) < 0);
}

/* Each line once, and then the first again. */
static void test_chain_is_one_cycle(void)
{
	for (size_t lines = 64; lines <= 65536; lines *= 4) {
		bool *seen = calloc(lines, sizeof *seen);
		size_t line = 17, repeated = 0;

		for (size_t i = 0; i < lines; i++) {
			line = kernel_next_line(line, lines);
			repeated += seen[line];
			seen[line] = true;
		}
		UNIT_EQUAL_U64(0, repeated);
		UNIT_EQUAL_U64(17, line);
		free(seen);
	}
}

static void test_table(void)
{
	size_t count, brief = 0;
	const struct workload *table = workload_table(&count);

	UNIT_EQUAL_TEXT("idle", table[0].name);
	for (size_t i = 0; i < count; i++) {
		UNIT_TRUE(workload_find(table[i].name) == &table[i]);
		UNIT_TRUE(strlen(table[i].name) < SESSION_NAME_BYTES);
		UNIT_TRUE(table[i].sentence && table[i].sentence[0]);
		UNIT_TRUE((table[i].kind == WORKLOAD_KERNEL) == (table[i].kernel != NULL));
		UNIT_TRUE((table[i].kind == WORKLOAD_STRESS_NG) == (table[i].arguments != NULL));
		brief += table[i].brief && table[i].kind == WORKLOAD_KERNEL;
		UNIT_TRUE(!table[i].brief || table[i].kind <= WORKLOAD_KERNEL);
	}
	UNIT_EQUAL_U64(8, brief);
	UNIT_TRUE(workload_find("nonsense") == NULL);
}

static void test_what_is_missing(void)
{
	char path[4096];
	const char *why = NULL;

	snprintf(path, sizeof path, "%s", getenv("PATH") ? getenv("PATH") : "");
	setenv("PATH", "/nowhere::relative", 1);
	UNIT_TRUE(!workload_is_possible(workload_find("stress-matrix"), &why));
	UNIT_EQUAL_TEXT("stress-ng is not installed", why);
	UNIT_TRUE(!workload_is_possible(workload_find("stress-matrix"), NULL));
	UNIT_TRUE(workload_is_possible(workload_find("integer"), &why));
	UNIT_TRUE(workload_is_possible(workload_find("idle"), &why));
	setenv("PATH", path, 1);
}

int main(void)
{
	return UNIT_RUN("workload-kernels",
			{ "each kernel ends once it is told to", test_kernels_stop },
			{ "a kernel that gets no memory says so", test_no_memory },
			{ "the chain of loads visits each line once", test_chain_is_one_cycle },
			{ "workloads have names, sentences and one way to run", test_table },
			{ "a missing program is named", test_what_is_missing });
}
