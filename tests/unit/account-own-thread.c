/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clients of a service who have a thread of it for themselves (model.md 4). */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

/* Attachment `index` has a thread of its provider for itself. */
static struct rig_counter *own(struct rig *rig, size_t index, bool alone)
{
	struct attachment *of = &rig->attachments[index].of;
	struct rig_service *service = &rig->services[of->provider];
	struct rig_service_thread *thread = &service->threads[service->thread_count++];

	*thread = (struct rig_service_thread){ .tid = rig->next_id++, .start_ticks = 5 };
	of->own_thread = (unsigned)service->thread_count;
	of->own_alone = alone;
	return &thread->counter;
}

static double active_w(const struct rig *rig, const char *id)
{
	return rig_row(rig, id)->service.active_w;
}

static double active_j(const struct rig *rig, const char *id)
{
	return rig_row(rig, id)->service.active_j;
}

/* The sum of what three clients were charged. */
static double all_j(const struct rig *rig)
{
	return active_j(rig, "a") + active_j(rig, "b") + active_j(rig, "c");
}

static void test_charges_follow_the_threads_whatever_was_asked_for(void)
{
	struct rig *rig = rig_of_clients(2);
	struct rig_counter *a = own(rig, 0, true), *b = own(rig, 1, true);
	uint64_t state = 7;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 50; tick++) {
		double a_s = unit_random_double(&state, 0, 0.5);
		double b_s = unit_random_double(&state, 0, 0.5);

		rig_read(&rig->attachments[0].io, unit_random(&state) % 5000, 4096);
		rig_read(&rig->attachments[1].io, unit_random(&state) % 5000, 65536);
		rig->attachments[0].io.missing = tick % 7 == 3;
		rig_run(a, a_s);
		rig_run(b, b_s);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(a_s * RIG_CPU_W, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(b_s * RIG_CPU_W, active_w(rig, "b"), 1e-7);
		UNIT_EQUAL_DOUBLE(active_w(rig, "b"), rig_row(rig, "b")->vdisks[0].service_active_w,
				  EXACT);
		UNIT_EQUAL_DOUBLE(rig->snapshot.services[0].active_w,
				  active_w(rig, "a") + active_w(rig, "b"), EXACT);
		UNIT_TRUE(!(rig_row(rig, "b")->quality & QUALITY_ESTIMATE));
	}
	rig_free(rig);
}

/* a has a thread, b and c share the main loop: 1 mJ per request of theirs there. */
static void test_the_rest_is_theirs_who_have_no_thread(void)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *a = own(rig, 0, true);
	uint64_t state = 8;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 40; tick++) {
		uint64_t b = 500 + unit_random(&state) % 1000, c = 500 + unit_random(&state) % 1000;

		rig_read(&rig->attachments[0].io, 3000, 4096);
		rig_read(&rig->attachments[1].io, b, 4096);
		rig_read(&rig->attachments[2].io, c, 4096);
		rig_run(a, 0.4);
		rig_run(&rig->services[0].counter, 0.1e-3 * (double)(b + c));
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(4, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(1e-3 * (double)b, active_w(rig, "b"), 1e-5);
		UNIT_EQUAL_DOUBLE(1e-3 * (double)c, active_w(rig, "c"), 1e-5);
	}
	rig_free(rig);
}

/* Workers of a pool do as much for each request as the thread of a does for it. */
static void test_workers_of_a_pool_are_shared_with_those_who_have_a_thread(void)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *a = own(rig, 0, false), *b = own(rig, 1, false);

	own(rig, 2, true);
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 20; tick++) {
		rig_read(&rig->attachments[0].io, 1000, 4096);
		rig_read(&rig->attachments[1].io, 3000, 4096);
		rig_read(&rig->attachments[2].io, 3000, 4096);
		rig_run(a, 0.2);
		rig_run(b, 0.1);
		rig_run(&rig->services[0].counter, 0.4);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(2 + 1, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(1 + 3, active_w(rig, "b"), 1e-7);
		UNIT_EQUAL_DOUBLE(0, active_w(rig, "c"), 1e-7);
	}
	rig_free(rig);
}

/* 1 mJ per request, all in the threads of a and b. */
static void test_a_thread_that_is_not_read_is_in_the_pool_for_that_tick(void)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *a = own(rig, 0, true), *b = own(rig, 1, true);
	double before = 0;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 12; tick++) {
		double a_s = tick % 2 ? 0.1 : 0.3;

		rig_read(&rig->attachments[0].io, 1000, 4096);
		rig_read(&rig->attachments[1].io, 2000, 4096);
		a->missing = tick == 6;
		rig_run(a, a_s);
		rig_run(b, 0.2);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(2, active_w(rig, "b"), 1e-7);
		/* the reading after the one that is missing is of both ticks: 2 J of it are not
		 * there to be had, as b's are known */
		UNIT_EQUAL_DOUBLE(a_s * 10, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(before + a_s * 10 + 2, all_j(rig), 1e-7);
		before = all_j(rig);
	}
	rig_free(rig);
}

/* Its own energy comes late, its threads' does not: nothing is lost, nor charged twice. */
static void test_threads_wait_for_a_service_that_is_not_read(void)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *a = own(rig, 0, true), *b = own(rig, 1, true);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 6; tick++) {
		rig_read(&rig->attachments[0].io, 1000, 4096);
		rig_read(&rig->attachments[1].io, 1000, 4096);
		rig->services[0].counter.missing = tick == 2 || tick == 3;
		rig_run(a, 0.3);
		rig_run(b, 0.1);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(tick == 2 || tick == 3 ? 0 : 3, active_w(rig, "a"), 1e-7);
	}
	UNIT_EQUAL_DOUBLE(18, active_j(rig, "a"), 1e-6);
	UNIT_EQUAL_DOUBLE(6, active_j(rig, "b"), 1e-6);
	rig_free(rig);
}

/* A thread's number that is another thread's by now; a client that comes; one that ends. */
static void test_what_comes_anew_is_a_baseline(void)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *a = own(rig, 0, true), *b = own(rig, 1, true);

	rig->domains[1].absent = true;
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 6; tick++) {
		rig_read(&rig->attachments[0].io, 1000, 4096);
		rig_run(a, 0.3);
		if (tick == 3) {
			rig->services[0].threads[0].start_ticks++;
			rig->domains[1].absent = false;
			rig_run(b, 0.5);
		}
		RIG_TICK(rig, 1);
		if (tick != 3)
			UNIT_EQUAL_DOUBLE(3, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(rig->snapshot.services[0].active_w,
				  active_w(rig, "a") + active_w(rig, "c") +
					  (isnan(active_w(rig, "b")) ? 0 : active_w(rig, "b")),
				  EXACT);
	}
	rig_free(rig);
}

/* pool <- driver <- a, b; pool <- c: the pool's threads work for the driver, and for c. */
static void test_a_chain_passes_on_what_the_thread_spent(void)
{
	struct rig *rig = rig_of_clients(2);
	struct rig_counter *driver, *c, *a;

	rig_service(rig, "pool");
	rig_vdisk(rig_domain(rig, "c", 1), "vda", 0);
	rig_attach(rig, 2, 0, 1);
	rig_chain(rig, 0, 1);
	c = own(rig, 2, true);
	driver = own(rig, 3, true);
	a = own(rig, 0, true);
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 10; tick++) {
		rig_read(&rig->attachments[0].io, 30, 4096);
		rig_read(&rig->attachments[1].io, 10, 4096);
		rig_read(&rig->attachments[2].io, 5000, 4096);
		rig_read(&rig->attachments[3].io, 40, 4096);
		rig_run(a, 0.1);
		rig_run(driver, 0.4);
		rig_run(c, 0.2);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(1 + 3, active_w(rig, "a"), 1e-7);
		UNIT_EQUAL_DOUBLE(1, active_w(rig, "b"), 1e-7);
		UNIT_EQUAL_DOUBLE(2, active_w(rig, "c"), 1e-7);
	}
	rig_free(rig);
}

/* Read a little after their service, threads seem to have used more than all of it. */
static void test_threads_never_exceed_their_service(void)
{
	struct rig *rig = rig_of_clients(2);
	struct rig_counter *a = own(rig, 0, true), *b = own(rig, 1, true);

	RIG_BASELINE(rig);
	rig_run(a, 0.3);
	rig_run(b, 0.1);
	rig_run(&rig->services[0].counter, -0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, rig->snapshot.services[0].active_w, EXACT);
	UNIT_EQUAL_DOUBLE(3 * 3 / 4.0, active_w(rig, "a"), 1e-7);
	UNIT_EQUAL_DOUBLE(3 * 1 / 4.0, active_w(rig, "b"), 1e-7);
	rig_free(rig);
}

/* Anything may be missing, come and go: the charges are what was measured, all of it. */
static void churn(uint64_t seed)
{
	struct rig *rig = rig_of_clients(3);
	struct rig_counter *thread[2] = { own(rig, 0, true), own(rig, 1, seed & 1) };
	uint64_t state = seed;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 60; tick++) {
		for (size_t i = 0; i < 3; i++)
			rig_read(&rig->attachments[i].io, unit_random(&state) % 1000, 4096);
		for (size_t i = 0; i < 2; i++) {
			rig_run(thread[i], unit_random_double(&state, 0, 0.4));
			thread[i]->missing = unit_random(&state) % 4 == 0;
			if (unit_random(&state) % 16 == 0)
				rig->services[0].threads[i].start_ticks++;
		}
		rig_run(&rig->services[0].counter, unit_random_double(&state, 0, 0.1));
		rig->services[0].counter.missing = unit_random(&state) % 8 == 0;
		rig->domains[2].absent = unit_random(&state) % 8 == 0;
		RIG_TICK(rig, 1);
		if (isnan(rig->snapshot.services[0].active_w) || tick == 0)
			continue;
		for (size_t i = 0; i < rig->snapshot.domain_count; i++)
			UNIT_TRUE(!(rig->snapshot.domains[i].service.active_w < 0));
		/* what waited in kept has left it */
		UNIT_EQUAL_DOUBLE(0, rig->snapshot.host.kept_j, 1e-6);
	}
	rig_free(rig);
}

static void test_conservation_with_churn(void)
{
	for (uint64_t seed = 1; seed <= 20; seed++)
		churn(seed);
}

int main(void)
{
	return UNIT_RUN(
		"account-own-thread",
		{ "model.md 4: charges follow own threads, whatever was asked for",
		  test_charges_follow_the_threads_whatever_was_asked_for },
		{ "model.md 4: the rest is divided among those without a thread",
		  test_the_rest_is_theirs_who_have_no_thread },
		{ "model.md 4: workers of a pool are shared with those who have a thread",
		  test_workers_of_a_pool_are_shared_with_those_who_have_a_thread },
		{ "a thread that is not read is in the pool for that tick",
		  test_a_thread_that_is_not_read_is_in_the_pool_for_that_tick },
		{ "threads wait for a service that is not read",
		  test_threads_wait_for_a_service_that_is_not_read },
		{ "a thread that is new is a baseline", test_what_comes_anew_is_a_baseline },
		{ "model.md 4: a chain passes on what a thread spent",
		  test_a_chain_passes_on_what_the_thread_spent },
		{ "threads never exceed their service", test_threads_never_exceed_their_service },
		{ "model.md 4: all that was measured is charged, with churn",
		  test_conservation_with_churn });
}
