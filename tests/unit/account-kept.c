/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept, by name: heads are memos inside it (model.md 5). */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

static struct rig_head *add_head(struct rig *rig, const char *name)
{
	struct rig_head *head = &rig->heads[rig->head_count++];

	snprintf(head->name, sizeof head->name, "%s", name);
	return head;
}

/* It is a task of the host: both have what it used. */
static void work(struct rig *rig, struct rig_head *head, double cpu_seconds)
{
	rig_run(&head->counter, cpu_seconds);
	rig_run(&rig->host, cpu_seconds);
}

/* Active watts of the row; NaN: there is none. */
static double active_w(const struct rig *rig, const char *name)
{
	for (size_t i = 0; i < rig->snapshot.kept_count; i++)
		if (strcmp(rig->snapshot.kept[i].name, name) == 0)
			return rig->snapshot.kept[i].active_w;
	return NAN;
}

static double sum_w(const struct rig *rig)
{
	double sum = 0;

	for (size_t i = 0; i < rig->snapshot.kept_count; i++)
		sum += rig->snapshot.kept[i].idle_w + rig->snapshot.kept[i].active_w;
	return sum;
}

static void test_heads_and_other_are_kept(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	struct rig_head *block = add_head(rig, "kernel block"), *idle = add_head(rig, "sleeper");
	struct rig_head *libvirt = add_head(rig, "libvirtd");

	rig->options.own_name = "vmetop";
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	work(rig, block, 0.1);
	work(rig, libvirt, 0.2);
	rig_run(&rig->own, 0.05);
	rig_run(&rig->host, 0.02);
	work(rig, idle, 0);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_U64(4, rig->snapshot.kept_count);
	UNIT_EQUAL_TEXT("vmetop", rig->snapshot.kept[0].name);
	UNIT_EQUAL_TEXT("libvirtd", rig->snapshot.kept[1].name);
	UNIT_EQUAL_DOUBLE(2, rig->snapshot.kept[1].active_w, EXACT);
	UNIT_EQUAL_TEXT("kernel block", rig->snapshot.kept[2].name);
	UNIT_EQUAL_DOUBLE(1, rig->snapshot.kept[2].active_w, EXACT);
	UNIT_EQUAL_TEXT("other", rig->snapshot.kept[3].name);
	UNIT_EQUAL_DOUBLE(0.2, rig->snapshot.kept[3].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(rig->snapshot.host.kept_w, sum_w(rig), EXACT);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_w, EXACT);
	rig_free(rig);
}

static void test_a_new_head_counts_from_zero(void)
{
	struct rig *rig = rig_new();
	struct rig_head *early = add_head(rig, "early"), *late;

	rig_domain(rig, "a", 1);
	work(rig, early, 7); /* before anybody looked */
	RIG_BASELINE(rig);
	late = add_head(rig, "late");
	work(rig, late, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, active_w(rig, "late"), EXACT);
	UNIT_TRUE(isnan(active_w(rig, "early")));
	late->absent = true; /* it made room, and comes back */
	RIG_TICK(rig, 1);
	late->absent = false;
	late->counter = (struct rig_counter){ 0 };
	work(rig, late, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "late"), EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	rig_free(rig);
}

/* Heads are read before the total: what they exceed kept by is settled later, and is not lost. */
static void test_what_heads_exceed_kept_by_is_settled(void)
{
	struct rig *rig = rig_new();
	struct rig_head *head = add_head(rig, "make");

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	rig_run(&head->counter, 0.5);
	rig_run(&rig->host, 0.498); /* the total lags by 2 ms */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4.98, active_w(rig, "make"), EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	rig_run(&head->counter, 0.5);
	rig_run(&rig->host, 0.502 + 0.1); /* and has it now, and another's work */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5.02, active_w(rig, "make"), EXACT);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "other"), EXACT);
	UNIT_EQUAL_U64(0, rig->snapshot.host.quality & QUALITY_SKEW);
	rig_free(rig);
}

static void test_a_head_counted_twice_marks_the_tick(void)
{
	struct rig *rig = rig_new();
	struct rig_head *once = add_head(rig, "make"), *twice = add_head(rig, "make again");
	bool marked = false;

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	for (int i = 0; i < 20; i++) {
		work(rig, once, 0.5);
		rig_run(&twice->counter, 0.5);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(5, active_w(rig, "make") + active_w(rig, "make again"), EXACT);
		UNIT_EQUAL_DOUBLE(rig->snapshot.host.kept_w, sum_w(rig), EXACT);
		marked |= (rig->snapshot.host.quality & QUALITY_SKEW) != 0;
	}
	UNIT_TRUE(marked);
	rig_free(rig);
}

/* A VM that nobody had found is a process like any other, until it is a domain. */
static void test_a_head_that_was_a_domain_takes_nothing_from_it(void)
{
	struct rig *rig = rig_new();
	struct rig_head *qemu = add_head(rig, "qemu-system-x86");
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->absent = true;
	rig_domain(rig, "b", 1);
	RIG_BASELINE(rig);
	rig_started(rig, domain, 0.2);
	rig_run(&domain->threads[0].counter, 0.4);
	rig_run(&qemu->counter, 0.4);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, active_w(rig, "qemu-system-x86"), EXACT);
	domain->absent = false;
	rig_run(&domain->threads[0].counter, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(9, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	UNIT_TRUE(isnan(active_w(rig, "qemu-system-x86")));
	rig_free(rig);
}

/* --- by time ------------------------------------------------------------------------------ */

static struct rig *event_rig(void)
{
	struct rig *rig = rig_new();

	rig->options.events.source = CPU_SOURCE_PERF;
	rig->options.events.count = 2;
	strcpy(rig->options.events.names[0], "cycles");
	strcpy(rig->options.events.names[1], CPUTIME_EVENT);
	rig->point.weight_count = 1;
	rig->point.weights[0] = (struct weight){ .event = "cycles", .nj = 5, .se_nj = NAN };
	return rig;
}

/* 1 s of a VM, 0.4 s kept, of which a head has 0.3 s and nobody 0.1 s. */
static void run_by_time(struct rig *rig, struct rig_domain *domain, struct rig_head *head)
{
	domain->threads[0].counter.count[0] += 1000000000;
	domain->threads[0].counter.count[1] += 1000000000;
	rig->host.count[0] += 800000000; /* 4 J: kept work is slower or faster than the VM's */
	rig_run(&head->counter, 0.3);
	rig_run(&rig->on_cpu, 1.4);
}

static void test_by_time_is_a_part_of_what_is_kept(void)
{
	struct rig *rig = event_rig();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	struct rig_head *head = add_head(rig, "libvirtd");

	head->by_time = true;
	RIG_BASELINE(rig);
	run_by_time(rig, domain, head);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, active_w(rig, "libvirtd"), EXACT);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "other"), EXACT);
	rig->on_cpu.missing = true; /* then what nobody used is not known */
	run_by_time(rig, domain, head);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, active_w(rig, "libvirtd"), EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	rig_free(rig);
}

/* --- others ------------------------------------------------------------------------------- */

static void test_another_process_of_our_name_is_not_ourselves(void)
{
	struct rig *rig = rig_new();
	struct rig_head *head = add_head(rig, "vmetop");

	rig->options.own_name = "vmetop";
	RIG_BASELINE(rig);
	work(rig, head, 0.2);
	rig_run(&rig->own, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "vmetop"), EXACT);
	UNIT_EQUAL_DOUBLE(2, active_w(rig, "vmetop (others)"), EXACT);
	rig_free(rig);
}

/* Rows are told apart by their names, and devices from processes. */
static void test_a_process_that_is_called_as_another_row_is_told_from_it(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	rig_service(rig, "storage");
	add_head(rig, "disk sda");
	add_head(rig, "nic eth0");
	add_head(rig, "other");
	add_head(rig, "storage");
	RIG_BASELINE(rig);
	for (size_t i = 0; i < 4; i++)
		work(rig, &rig->heads[i], 0.1 * (double)(i + 1));
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "process disk sda"), EXACT);
	UNIT_EQUAL_DOUBLE(2, active_w(rig, "process nic eth0"), EXACT);
	UNIT_EQUAL_DOUBLE(3, active_w(rig, "other (others)"), EXACT);
	UNIT_EQUAL_DOUBLE(4, active_w(rig, "storage (others)"), EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "disk sda"), EXACT);
	rig_free(rig);
}

static void test_a_service_of_nobody_is_kept_by_name(void)
{
	struct rig *rig = rig_new();
	struct rig_service *service = rig_service(rig, "storage");

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	rig_run(&service->counter, 0.4);
	rig_run(&rig->host, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, active_w(rig, "storage"), EXACT);
	UNIT_EQUAL_DOUBLE(1, active_w(rig, "other"), EXACT);
	UNIT_EQUAL_DOUBLE(rig->snapshot.host.kept_w, sum_w(rig), EXACT);
	rig_free(rig);
}

static void test_without_the_hosts_total_heads_wait(void)
{
	struct rig *rig = rig_new();
	struct rig_head *head = add_head(rig, "make");

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	rig->head_missing = true;
	work(rig, head, 0.3);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(active_w(rig, "make")));
	rig->head_missing = false;
	work(rig, head, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, active_w(rig, "make"), EXACT); /* the watts of this tick alone */
	UNIT_EQUAL_DOUBLE(0, active_w(rig, "other"), EXACT);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account: kept",
		{ "model.md 5: heads and other are what is kept", test_heads_and_other_are_kept },
		{ "a head that is new counts from zero", test_a_new_head_counts_from_zero },
		{ "model.md 5: what heads exceed kept by is settled later",
		  test_what_heads_exceed_kept_by_is_settled },
		{ "model.md 5: a head counted twice marks the tick",
		  test_a_head_counted_twice_marks_the_tick },
		{ "a process that turns out to be a domain is charged once",
		  test_a_head_that_was_a_domain_takes_nothing_from_it },
		{ "a head by time has its part of what is kept",
		  test_by_time_is_a_part_of_what_is_kept },
		{ "another process of our name is not ourselves",
		  test_another_process_of_our_name_is_not_ourselves },
		{ "a process that is called as another row is told from it",
		  test_a_process_that_is_called_as_another_row_is_told_from_it },
		{ "a service of nobody is kept by its name",
		  test_a_service_of_nobody_is_kept_by_name },
		{ "model.md 5: without the host's total heads wait",
		  test_without_the_hosts_total_heads_wait });
}
