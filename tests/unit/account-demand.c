/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clients asked a service for, where that is not read, or read late (model.md 4). */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

static void work(struct rig *rig, size_t client, uint64_t requests, uint64_t bytes)
{
	rig_read(&rig->attachments[client].io, requests, bytes);
	rig_read_through(rig, &rig->domains[client].vdisks[0], requests, bytes);
}

/* A second in which a request costs 1 mJ. */
static void period(struct rig *rig, const uint64_t requests[3], double base_w)
{
	double sum = 0;

	for (size_t i = 0; i < 3; i++) {
		rig_read(&rig->attachments[i].io, requests[i], 4096);
		sum += (double)requests[i];
	}
	rig_run(&rig->services[0].counter, 0.1 * (1e-3 * sum + base_w));
}

static void lose(struct rig *rig, size_t client, bool missing)
{
	rig->attachments[client].io.missing = missing;
	rig->domains[client].vdisks[0].io.missing = missing;
}

/* model.md 5: not read is not zero. The others do not pay for it, nor it again when it is read. */
static void test_a_client_that_is_not_read_goes_on_as_before(void)
{
	const uint64_t requests[3] = { 3000, 2000, 1000 };
	struct rig *rig = rig_of_clients(3);

	RIG_BASELINE(rig);
	period(rig, requests, 0);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_TRUE(!(rig_row(rig, "b")->quality & QUALITY_ESTIMATE));
	lose(rig, 0, true);
	for (int tick = 0; tick < 3; tick++) {
		period(rig, requests, 0);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(2, rig_row(rig, "b")->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(1, rig_row(rig, "c")->service.active_w, EXACT);
		UNIT_TRUE(rig_row(rig, "b")->quality & QUALITY_ESTIMATE);
	}
	lose(rig, 0, false);
	period(rig, requests, 0);
	RIG_TICK(rig, 1); /* its reading is of four periods */
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "b")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(15, rig_row(rig, "a")->service.active_j, EXACT);
	rig_free(rig);
}

/* Totals of which a hundredth or less was divided by a guess are no estimate. */
static void test_an_estimate_ends_when_little_of_the_total_is_a_guess(void)
{
	const uint64_t requests[3] = { 3000, 2000, 1000 };
	struct rig *rig = rig_of_clients(3);
	int ticks = 0;

	RIG_BASELINE(rig);
	period(rig, requests, 0);
	RIG_TICK(rig, 1);
	lose(rig, 0, true);
	period(rig, requests, 0);
	RIG_TICK(rig, 1);
	lose(rig, 0, false);
	do {
		UNIT_TRUE(rig_row(rig, "b")->quality & QUALITY_ESTIMATE);
		period(rig, requests, 0);
		RIG_TICK(rig, 1);
		UNIT_TRUE(!(rig->snapshot.host.quality & QUALITY_ESTIMATE));
	} while (++ticks < 97);
	for (; ticks < 100; ticks++) {
		period(rig, requests, 0);
		RIG_TICK(rig, 1);
	}
	UNIT_TRUE(!(rig_row(rig, "b")->quality & QUALITY_ESTIMATE));
	rig_free(rig);
}

/* What it did long ago says nothing any more: then it is as the others are in the mean. */
static void test_a_client_that_nobody_counts_is_as_the_mean_of_the_others(void)
{
	const uint64_t requests[3] = { 0, 3000, 1000 };
	struct rig *rig = rig_of_clients(3);

	lose(rig, 0, true);
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 3; tick++) {
		period(rig, requests, 0);
		rig_run(&rig->services[0].counter, 0.2);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, 1e-6);
		UNIT_EQUAL_DOUBLE(3, rig_row(rig, "b")->service.active_w, 1e-6);
		UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
		UNIT_TRUE(rig_row(rig, "c")->quality & QUALITY_ESTIMATE);
	}
	for (size_t i = 1; i < 3; i++) /* and when none is counted, all are alike */
		lose(rig, i, true);
	for (int tick = 0; tick < 70; tick++) {
		rig_run(&rig->services[0].counter, 0.3);
		RIG_TICK(rig, 1);
	}
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "b")->service.active_w, EXACT);
	rig_free(rig);
}

/* A thread that serves all, of which nobody can tell whose requests it hands in. */
static void test_clients_whom_nobody_counts_pay_alike_and_it_is_said(void)
{
	struct rig *rig = rig_of_clients(2);

	lose(rig, 0, true);
	lose(rig, 1, true);
	RIG_BASELINE(rig);
	rig_run(&rig->services[0].counter, 0.4);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "b")->service.active_w, EXACT);
	UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
	UNIT_TRUE(rig_row(rig, "b")->quality & QUALITY_ESTIMATE);
	rig_free(rig);
}

/* Whoever has the service for himself pays it, read or not: that is no guess. */
static void test_a_sole_client_that_is_not_read_is_no_estimate(void)
{
	struct rig *rig = rig_of_clients(2);

	rig->domains[1].absent = true;
	lose(rig, 0, true);
	RIG_BASELINE(rig);
	rig_run(&rig->services[0].counter, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_TRUE(!(rig_row(rig, "a")->quality & QUALITY_ESTIMATE));
	rig_free(rig);
}

static void test_late_energy_of_a_service_goes_to_the_work_of_then(void)
{
	const uint64_t first[3] = { 4000, 0, 0 }, then[3] = { 0, 2000, 0 };
	struct rig *rig = rig_of_clients(3);

	RIG_BASELINE(rig);
	period(rig, first, 0);
	RIG_TICK(rig, 1);
	rig->services[0].counter.missing = true;
	for (int tick = 0; tick < 2; tick++) {
		period(rig, first, 0);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->service.active_j, EXACT);
	}
	rig->services[0].counter.missing = false;
	period(rig, then, 0);
	RIG_TICK(rig, 1);
	/* 10 J came over three periods: a third of them now, and the rest was for a */
	UNIT_EQUAL_DOUBLE(4 + 20 / 3.0, rig_row(rig, "a")->service.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(10 / 3.0, rig_row(rig, "b")->service.active_j, EXACT);
	UNIT_EQUAL_DOUBLE(10 / 3.0, rig_row(rig, "b")->service.active_w, EXACT);
	rig_free(rig);
}

/* One client's requests are counted, the other's are not: they are of the size that is known. */
static void test_uncounted_requests_have_the_size_of_the_counted(void)
{
	struct rig *rig = rig_of_clients(2);

	rig->attachments[1].io.io.has_requests = false;
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 3; tick++) {
		rig_read(&rig->attachments[0].io, 300, 4096);
		rig_read(&rig->attachments[1].io, 100, 4096);
		rig_run(&rig->services[0].counter, 0.4);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(1, rig_row(rig, "b")->service.active_w, EXACT);
		UNIT_TRUE(rig_row(rig, "a")->quality & QUALITY_ESTIMATE);
	}
	rig_free(rig);
}

/* Nobody else works in that tick, and so nobody says how large a request is: it was learned. */
static void test_uncounted_requests_alone_have_the_size_that_was_learned(void)
{
	struct rig *rig = rig_of_clients(2);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 10; tick++) {
		rig_read(&rig->attachments[0].io, 300, 4096);
		rig_run(&rig->services[0].counter, 0.03);
		RIG_TICK(rig, 1);
	}
	rig->attachments[1].io.io.has_requests = false;
	for (int tick = 0; tick < 3; tick++) {
		rig_read(&rig->attachments[1].io, 600, 4096);
		rig_run(&rig->services[0].counter, 0.06);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(0.6, rig_row(rig, "b")->service.active_w, EXACT);
		UNIT_TRUE(rig_row(rig, "b")->quality & QUALITY_ESTIMATE);
	}
	rig_free(rig);
}

/* Requests without bytes tell no size: bytes whose requests have no number teach nothing. */
static void test_bytes_beside_requests_without_bytes_teach_nothing(void)
{
	struct rig *rig = rig_of_clients(2);
	double cost_j;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 10; tick++) {
		rig_read(&rig->attachments[0].io, 300, 0);
		rig_run(&rig->services[0].counter, 0.03);
		RIG_TICK(rig, 1);
	}
	cost_j = rig->snapshot.services[0].request_j;
	rig->attachments[1].io.io.has_requests = false;
	for (int tick = 0; tick < 10; tick++) {
		rig_read(&rig->attachments[0].io, 300, 0);
		rig_read(&rig->attachments[1].io, 600, 4096);
		rig_run(&rig->services[0].counter, 0.09);
		RIG_TICK(rig, 1);
	}
	UNIT_EQUAL_DOUBLE(1e-3, cost_j, 1e-9);
	UNIT_EQUAL_DOUBLE(cost_j, rig->snapshot.services[0].request_j, 0);
	rig_free(rig);
}

/* In one tick of many a tenth of the requests is counted; in the next, none. */
static void test_the_size_of_requests_is_a_mean_over_many(void)
{
	struct rig *rig = rig_of_clients(2);

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 42; tick++) {
		rig_read(&rig->attachments[0].io, 300, 4096);
		rig_read(&rig->attachments[1].io, tick == 40 ? 10 : 100, tick == 40 ? 40960 : 4096);
		rig->attachments[1].io.io.has_requests = tick != 41;
		rig_run(&rig->services[0].counter, 0.4);
		RIG_TICK(rig, 1);
	}
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, 0.1);
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "b")->service.active_w, 0.1);
	rig_free(rig);
}

static void test_bytes_alone_are_no_estimate(void)
{
	struct rig *rig = rig_of_clients(2);

	rig->attachments[0].io.io.has_requests = rig->attachments[1].io.io.has_requests = false;
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 8; tick++) {
		rig_read(&rig->attachments[0].io, 300, 1 << (tick + 6));
		rig_read(&rig->attachments[1].io, 100, 1 << (tick + 6));
		rig_run(&rig->services[0].counter, 0.4);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, 0.11);
		UNIT_TRUE(!(rig_row(rig, "a")->quality & QUALITY_ESTIMATE));
	}
	rig_free(rig);
}

static void test_an_attachment_without_counters_takes_its_vdisks(void)
{
	struct rig *rig = rig_of_clients(2);

	rig->attachments[0].io.missing = rig->attachments[1].io.missing = true;
	RIG_BASELINE(rig);
	work(rig, 0, 30, 4096);
	work(rig, 1, 10, 4096);
	rig_run(&rig->services[0].counter, 0.8);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(6, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "b")->service.active_w, EXACT);
	rig_free(rig);
}

static void test_what_was_done_before_a_client_came_is_not_its_own(void)
{
	const uint64_t requests[3] = { 1000, 1000, 0 };
	struct rig *rig = rig_of_clients(2);

	rig_read(&rig->attachments[1].io, 1000000, 4096); /* for another one */
	rig->domains[1].absent = true;
	RIG_BASELINE(rig);
	period(rig, requests, 0);
	RIG_TICK(rig, 1);
	rig->domains[1].absent = false;
	rig_started(rig, &rig->domains[1], 0.5);
	for (int tick = 0; tick < 2; tick++) {
		period(rig, requests, 0);
		RIG_TICK(rig, 1);
		UNIT_TRUE(rig_row(rig, "b")->service.active_w <= 1 + EXACT);
	}
	UNIT_EQUAL_DOUBLE(1, rig_row(rig, "b")->service.active_w, EXACT);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-demand",
		{ "model.md 4: an attachment without counters takes its vDISK's",
		  test_an_attachment_without_counters_takes_its_vdisks },
		{ "model.md 4: a client that is not read goes on as before, and says so",
		  test_a_client_that_is_not_read_goes_on_as_before },
		{ "model.md 4: an estimate ends when little of the total is a guess",
		  test_an_estimate_ends_when_little_of_the_total_is_a_guess },
		{ "model.md 4: a client that nobody counts is as the mean of the others",
		  test_a_client_that_nobody_counts_is_as_the_mean_of_the_others },
		{ "model.md 4: what a service did before a client came is not its own",
		  test_what_was_done_before_a_client_came_is_not_its_own },
		{ "model.md 4: clients whom nobody counts pay alike, and it is said",
		  test_clients_whom_nobody_counts_pay_alike_and_it_is_said },
		{ "model.md 4: a sole client that is not read is no estimate",
		  test_a_sole_client_that_is_not_read_is_no_estimate },
		{ "model.md 4: late energy of a service goes to the work of then",
		  test_late_energy_of_a_service_goes_to_the_work_of_then },
		{ "model.md 4: uncounted requests have the size of the counted",
		  test_uncounted_requests_have_the_size_of_the_counted },
		{ "model.md 4: uncounted requests alone have the size that was learned",
		  test_uncounted_requests_alone_have_the_size_that_was_learned },
		{ "model.md 4: bytes beside requests without bytes teach nothing",
		  test_bytes_beside_requests_without_bytes_teach_nothing },
		{ "model.md 4: the size of requests is a mean over many",
		  test_the_size_of_requests_is_a_mean_over_many },
		{ "model.md 4: bytes alone are no estimate", test_bytes_alone_are_no_estimate });
}
