/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9
#define STUDENT_4 2.776445105 /* 97.5 % quantile, 4 degrees of freedom */
#define NORMAL 1.959963985

enum { REPLICATES = 5 };

/* Two domains, a service, a disk; a's work in a tick. */
static struct rig *work_rig(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	rig_vdisk(rig_domain(rig, "a", 1), "vda", 0);
	rig_domain(rig, "b", 2);
	rig_service(rig, "s");
	rig_attach(rig, 0, 0, 0);
	rig->point.base_se_w = 3;
	rig->point.on_cpu.se_nj = 0.5;
	rig->disk.disk.idle_se_w = 0.1;
	rig->disk.disk.active_se_w = 0.2;
	return rig;
}

static void work(struct rig *rig)
{
	rig_run(&rig->domains[0].threads[0].counter, 0.7);
	rig_run(&rig->services[0].counter, 0.2);
	rig_read(&rig->attachments[0].io, 10, 1000);
	rig_read_through(rig, &rig->domains[0].vdisks[0], 100, 100000); /* 0.2 s */
}

static void test_standard_errors_are_combined_as_independent(void)
{
	struct rig *rig = work_rig();
	double cpu, idle, disk;

	RIG_BASELINE(rig);
	work(rig);
	RIG_TICK(rig, 1);
	cpu = (0.7 + 0.2) * 0.5;
	idle = (1 / 4.0 + 1 / 4.0) * 3; /* its own share and the service's */
	disk = 0.2 * 0.2 * 0.2 * 0.2 + 0.8 * 0.1 * 0.8 * 0.1;
	UNIT_EQUAL_DOUBLE(NORMAL * sqrt(cpu * cpu + idle * idle + disk), rig_row(rig, "a")->error_w,
			  EXACT);
	UNIT_EQUAL_DOUBLE(NORMAL * 1.5, rig_row(rig, "b")->error_w, EXACT);
	rig_free(rig);
}

static void test_an_unknown_error_is_not_zero(void)
{
	for (int missing = 0; missing < 4; missing++) {
		struct rig *rig = work_rig();
		double *const errors[] = { &rig->point.base_se_w, &rig->point.on_cpu.se_nj,
					   &rig->disk.disk.idle_se_w, &rig->disk.disk.active_se_w };

		*errors[missing] = NAN;
		RIG_BASELINE(rig);
		work(rig);
		RIG_TICK(rig, 1);
		UNIT_TRUE(isnan(rig_row(rig, "a")->error_w));
		UNIT_TRUE(isnan(rig_row(rig, "b")->error_w) == (missing < 2));
		rig_free(rig);
	}
}

static void set_replicates(struct rig *rig, double *base_w, double *on_cpu_nj, unsigned count)
{
	rig->cpu.replicate_count = count;
	rig->point.base_replicates_w = base_w;
	rig->point.on_cpu.replicates_nj = on_cpu_nj;
}

static double watts_with(double base_w, double on_cpu_nj)
{
	struct rig *rig = work_rig();
	double watts;

	rig->point.base_w = base_w;
	rig->point.on_cpu.nj = on_cpu_nj;
	RIG_BASELINE(rig);
	work(rig);
	RIG_TICK(rig, 1);
	watts = rig_row(rig, "a")->total_w;
	rig_free(rig);
	return watts;
}

/* The jackknife done the long way: an account per leave-one-out fit. */
static void test_replicates_give_the_jackknife_of_the_joules(void)
{
	double base_w[REPLICATES] = { 98, 103, 100.5, 97, 102 };
	double on_cpu_nj[REPLICATES] = { 10.4, 9.1, 10.1, 10.6, 9.7 };
	struct rig *rig = work_rig();
	double mean = 0, squares = 0, disk;

	set_replicates(rig, base_w, on_cpu_nj, REPLICATES);
	RIG_BASELINE(rig);
	work(rig);
	RIG_TICK(rig, 1);
	for (int r = 0; r < REPLICATES; r++)
		mean += watts_with(base_w[r], on_cpu_nj[r]) / REPLICATES;
	for (int r = 0; r < REPLICATES; r++)
		squares += pow(watts_with(base_w[r], on_cpu_nj[r]) - mean, 2);
	disk = 0.04 * 0.04 + 0.08 * 0.08;
	UNIT_EQUAL_DOUBLE(STUDENT_4 * sqrt((REPLICATES - 1.0) / REPLICATES * squares + disk),
			  rig_row(rig, "a")->error_w, 1e-3);
	rig_free(rig);
}

static void test_fewer_than_five_groups_tell_nothing(void)
{
	double values[4] = { 100, 90, 110, 100 };
	struct rig *rig = work_rig();

	set_replicates(rig, values, values, 4);
	RIG_BASELINE(rig);
	work(rig);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig_row(rig, "b")->error_w));
	rig_free(rig);
}

static void test_there_is_no_meter_here(void)
{
	struct rig *rig = work_rig();

	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.host.metered_w));
	UNIT_TRUE(isnan(rig->snapshot.host.residual_w));
	UNIT_EQUAL_TEXT("no meter", rig->snapshot.host.residual_reason);
	UNIT_TRUE(isnan(rig_row(rig, "a")->control.cap_w));
	UNIT_TRUE(isnan(rig_row(rig, "a")->throttle_cpu));
	UNIT_EQUAL_TEXT("rig.weights", rig->snapshot.source.weights);
	UNIT_EQUAL_I64(STANDING_ESTIMATE, rig->snapshot.source.standing);
	UNIT_TRUE(rig->snapshot.host.quality & QUALITY_ESTIMATE);
	UNIT_EQUAL_U64(1, rig->snapshot.epoch);
	UNIT_EQUAL_DOUBLE(1, rig->snapshot.time_s - rig->snapshot.since_s, 1e-6);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-uncertainty",
		{ "model.md 6: standard errors are combined as independent",
		  test_standard_errors_are_combined_as_independent },
		{ "model.md 6: an unknown error is not zero", test_an_unknown_error_is_not_zero },
		{ "model.md 6: replicates give the jackknife of the joules",
		  test_replicates_give_the_jackknife_of_the_joules },
		{ "model.md 6: fewer than five groups tell nothing",
		  test_fewer_than_five_groups_tell_nothing },
		{ "model.md 5: without a meter there is no residual, and it says so",
		  test_there_is_no_meter_here });
}
