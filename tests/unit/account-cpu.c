/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

static void test_active_is_events_times_weights(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 2);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1.0);
	rig_run(&domain->threads[1].counter, 0.5);
	rig_run(&rig->host, 0.25);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(15, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(15, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(17.5, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2.5, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(50, rig_row(rig, "a")->vcpus[1].cpu_percent, EXACT);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->vcpus[1].active_w, EXACT);
	rig_free(rig);
}

static struct rig *event_rig(void)
{
	static const char *const names[] = { "cycles", "instructions", "never_priced" };
	struct rig *rig = rig_new();

	rig->options.events.source = CPU_SOURCE_PERF;
	rig->options.events.count = 3;
	for (unsigned i = 0; i < 3; i++)
		strcpy(rig->options.events.names[i], names[i]);
	rig->point.weight_count = 2;
	rig->point.weights[0] = (struct weight){ .event = "instructions", .nj = 2, .se_nj = NAN };
	rig->point.weights[1] = (struct weight){ .event = "cycles", .nj = 5, .se_nj = NAN };
	return rig;
}

static void test_several_events_are_priced_by_name(void)
{
	struct rig *rig = event_rig();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	uint64_t *count = domain->threads[0].counter.count;

	RIG_BASELINE(rig);
	count[0] += 1000000000;
	count[1] += 3000000000;
	count[2] += 7000000000;
	RIG_TICK(rig, 2);
	UNIT_EQUAL_DOUBLE((1 * 5 + 3 * 2) / 2.0, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_TRUE(isnan(rig_row(rig, "a")->vcpus[0].cpu_percent));
	rig_free(rig);
}

/* The authors' calibration rows: tsc 14.35 nJ, unhalted 14.32 nJ, 2.9999e9 tsc in 10 s. */
static void test_halted_and_busy_as_published(void)
{
	struct rig *rig = event_rig();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	rig->cpu.cpus = 1;
	rig->cpu.tsc_hz = 2.9999e9;
	rig->point.base_w = 14.35e-9 * 2.9999e9;
	rig->point.weights[1].nj = 14.32;
	rig->tsc_ticks = 1;
	RIG_BASELINE(rig);
	rig->tsc_ticks += 29999000000;
	domain->threads[0].counter.count[0] += 190000000;
	RIG_TICK(rig, 10);
	UNIT_EQUAL_DOUBLE(43.309, rig->snapshot.host.total_w, 0.001);
	rig->tsc_ticks += 29981000000;
	domain->threads[0].counter.count[0] += 29981000000;
	RIG_TICK(rig, 10);
	UNIT_EQUAL_DOUBLE(85.934, rig->snapshot.host.total_w, 0.001);
	rig_free(rig);
}

static void test_idle_is_tsc_of_the_calibrated_machine(void)
{
	struct rig *rig = rig_new();

	rig->cpu.tsc_hz = 1e9;
	rig->tsc_ticks = 5;
	RIG_BASELINE(rig);
	rig->tsc_ticks += 1001000000; /* the counter ran 0.1 % fast: it is the clock of idle */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100.1, rig->snapshot.host.cpu_idle_w, EXACT);
	rig->tsc_ticks += 3600000000000; /* it ran on while the machine slept */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.cpu_idle_w, EXACT);
	rig->tsc_ticks = 0; /* unknown: elapsed time, never zero */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(100, rig->snapshot.host.cpu_idle_w, EXACT);
	rig_free(rig);
}

static void test_helpers_are_total_less_vcpus(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->total_source = TOTAL_CGROUP;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_run(&domain->extra, 0.1); /* a worker that came and went */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(60, rig_row(rig, "a")->cpu_percent, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.kept[0].active_w, EXACT);
	rig_free(rig);
}

static void test_helpers_without_a_total_are_the_sampled_threads(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	struct rig_thread *vhost = rig_thread(rig, domain, THREAD_VHOST, VDISK_NONE);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_run(&vhost->counter, 0.2);
	rig_run(&domain->extra, 0.1); /* nobody sees it: kept */
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(5, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(1, rig->snapshot.kept[0].active_w, EXACT);
	rig_free(rig);
}

static void test_a_thread_that_runs_all_vcpus_is_cpu(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->vcpus = 3;
	domain->threads[0].vcpu = VCPU_ALL;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_I64(VCPU_ALL, rig_row(rig, "a")->vcpus[0].id);
	rig_free(rig);
}

static void test_without_a_known_vcpu_the_total_is_cpu(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->total_source = TOTAL_PROCESS;
	domain->threads[0].role = THREAD_EMULATOR;
	domain->threads[0].vcpu = VCPU_NONE;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 0.5);
	rig_run(&domain->extra, 0.5);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(10, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->service.active_w, EXACT);
	rig_free(rig);
}

/* The total was read a moment before its threads: 1 ms is missing now, and there next time. */
static void test_a_total_read_early_is_settled_and_not_clamped(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	domain->total_source = TOTAL_CGROUP;
	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1.0);
	domain->extra.count[0] -= 1000000;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->service.active_w, EXACT);
	rig_run(&domain->threads[0].counter, 1.0);
	domain->extra.count[0] += 1000000;
	rig_run(&domain->extra, 0.01);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(20, rig_row(rig, "a")->cpu.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(0.1, rig_row(rig, "a")->service.active_j, EXACT);
	rig_free(rig);
}

static void test_kept_below_its_head_marks_skew_and_is_not_clamped(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain = rig_domain(rig, "a", 1);

	RIG_BASELINE(rig);
	rig_run(&domain->threads[0].counter, 1.004);
	rig->host.count[0] -= 4000000;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(-0.04, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_TRUE(!(rig->snapshot.host.quality & QUALITY_SKEW));
	rig_run(&domain->threads[0].counter, 1.006);
	rig->host.count[0] -= 6000000;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(-0.06, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_SKEW);
	rig_free(rig);
}

static void test_own_process_is_shown_by_name_among_kept(void)
{
	struct rig *rig = rig_new();

	rig->options.own_name = "vmetop";
	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	rig_run(&rig->own, 0.1);
	rig_run(&rig->host, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_TEXT("vmetop", rig->snapshot.kept[0].name);
	UNIT_EQUAL_DOUBLE(1, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_EQUAL_TEXT("other", rig->snapshot.kept[1].name);
	UNIT_EQUAL_DOUBLE(3, rig->snapshot.kept[1].active_w, EXACT);
	UNIT_EQUAL_U64(2, rig->snapshot.kept_count);
	rig_free(rig);
}

static struct rig *two_package_rig(void)
{
	struct rig *rig = event_rig();

	rig->cpu.points = calloc(2, sizeof *rig->cpu.points);
	rig->cpu.points[0] = rig->cpu.points[1] = rig->point;
	rig->cpu.points[0].frequency_hz = 1e9;
	rig->cpu.points[1].frequency_hz = 2e9;
	rig->cpu.points[1].weights[1].nj = 10; /* cycles cost twice as much there */
	rig->cpu.point_count = 2;
	return rig;
}

/* Two packages at different points; no thread says where it ran. */
static void test_prices_of_packages_stay_additive(void)
{
	struct rig *rig = two_package_rig();
	struct rig_domain *domain = rig_domain(rig, "a", 1);
	struct sample *sample = &rig->sample;
	struct account *account;
	double head;

	UNIT_EQUAL_I64(-EAGAIN, rig_tick(rig, 1));
	account_close(rig->account);
	UNIT_EQUAL_I64(0, account_open(&account, &rig->options, &rig->error));
	rig->account = account;
	for (int tick = 0; tick < 2; tick++) {
		sample->begin_ns = sample->end_ns += RIG_SECOND;
		sample->package_count = 2;
		sample->packages[0].frequency_hz = 1000000000;
		sample->packages[1].frequency_hz = 2000000000;
		sample->packages[0].total.at_ns = sample->packages[1].total.at_ns = sample->end_ns;
		sample->packages[0].total.count[0] += 3000000000;
		sample->packages[1].total.count[0] += 1000000000;
		sample->domains[0].threads[0].at_ns = sample->end_ns;
		sample->domains[0].threads[0].count[0] += 4000000000;
		UNIT_EQUAL_I64(tick ? 0 : -EAGAIN, account_tick(account, rig->topology, sample,
								&rig->snapshot, &rig->error));
	}
	head = 3 * 5 + 1 * 10;
	UNIT_EQUAL_DOUBLE(head, rig->snapshot.host.cpu_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(head, rig_row(rig, "a")->cpu.active_w, EXACT);
	UNIT_EQUAL_U64(1, domain->vcpus);
	free(rig->cpu.points);
	rig_free(rig);
}

static void test_outside_the_calibrated_points_is_marked(void)
{
	struct rig *rig = two_package_rig();

	rig_domain(rig, "a", 1);
	RIG_BASELINE(rig);
	rig_tick(rig, 1);
	UNIT_TRUE(!(rig->snapshot.host.quality & QUALITY_EXTRAPOLATED));
	rig->sample.packages[0].frequency_hz = 3000000000;
	rig->sample.begin_ns = rig->sample.end_ns += RIG_SECOND;
	account_tick(rig->account, rig->topology, &rig->sample, &rig->snapshot, &rig->error);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_EXTRAPOLATED);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_EXTRAPOLATED);
	free(rig->cpu.points);
	rig_free(rig);
}

static void test_weights_that_cannot_price_are_refused(void)
{
	struct rig *rig = rig_new();

	rig->point.on_cpu.nj = NAN;
	UNIT_EQUAL_I64(-EINVAL, account_open(&rig->account, &rig->options, &rig->error));
	UNIT_TRUE(rig->account == NULL);
	UNIT_TRUE(rig->error.text[0] != '\0');
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-cpu",
		{ "model.md 2: active is events times weights",
		  test_active_is_events_times_weights },
		{ "model.md 2: events are priced by name", test_several_events_are_priced_by_name },
		{ "model.md 2: halted and busy as published", test_halted_and_busy_as_published },
		{ "model.md 2: idle is the calibrated machine's tsc",
		  test_idle_is_tsc_of_the_calibrated_machine },
		{ "model.md 2: helpers are the total less vCPUs",
		  test_helpers_are_total_less_vcpus },
		{ "model.md 2: helpers without a total are the sampled threads",
		  test_helpers_without_a_total_are_the_sampled_threads },
		{ "model.md 2: one thread that runs all vCPUs is cpu",
		  test_a_thread_that_runs_all_vcpus_is_cpu },
		{ "model.md 2: without a known vCPU the whole total is cpu",
		  test_without_a_known_vcpu_the_total_is_cpu },
		{ "model.md 2: a total read early is settled later",
		  test_a_total_read_early_is_settled_and_not_clamped },
		{ "model.md 5: kept below -0.5 % marks skew and is never clamped",
		  test_kept_below_its_head_marks_skew_and_is_not_clamped },
		{ "model.md 2: our own process is named among kept",
		  test_own_process_is_shown_by_name_among_kept },
		{ "model.md 2: prices of several packages stay additive",
		  test_prices_of_packages_stay_additive },
		{ "model.md 2: beyond the calibrated points is marked",
		  test_outside_the_calibrated_points_is_marked },
		{ "weights that cannot price the events are refused",
		  test_weights_that_cannot_price_are_refused });
}
