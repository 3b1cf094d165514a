/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/account-rig.h"

#define EXACT 1e-9

/* Domains a and b, each with vda on sda, both served by one driver. */
static struct rig *driver_rig(void)
{
	struct rig *rig = rig_new();

	rig_disk(rig, "sda");
	for (size_t i = 0; i < 2; i++) {
		rig_vdisk(rig_domain(rig, i == 0 ? "a" : "b", 1), "vda", 0);
		rig_attach(rig, i, 0, 0);
	}
	rig_service(rig, "driver");
	return rig;
}

static void work(struct rig *rig, size_t client, uint64_t requests, uint64_t bytes)
{
	const struct attachment *of = &rig->attachments[client].of;

	rig_read(&rig->attachments[client].io, requests, bytes);
	if (of->kind == CLIENT_VDISK)
		rig_read_through(rig, &rig->domains[of->domain].vdisks[of->vdisk], requests, bytes);
}

/*
 * The slides: disk 3i+2a and 3i+3a, driver vCPU 4i+4a and 4i+6a. With a leaf of
 * 6 W idle and 10 W above it, busy for 0.5 s; a driver that carries 8 of 24 W
 * idle (its domains' vCPUs the rest) and spends 10 J.
 */
static struct rig *slides_rig(void)
{
	struct rig *rig = driver_rig();

	rig->point.base_w = 24;
	rig->disk.disk = (struct disk_constants){ 6, 16, NAN, NAN, { 0, 100e6 }, { 0, 100e6 } };
	return rig;
}

static void slides_period(struct rig *rig)
{
	work(rig, 0, 20, 1000000);
	work(rig, 1, 30, 1000000);
	rig_run(&rig->services[0].counter, 1.0);
	RIG_TICK(rig, 1);
}

static void test_the_slides_example_comes_out_exactly(void)
{
	struct rig *rig = slides_rig();

	RIG_BASELINE(rig);
	for (int period = 0; period < 20; period++) { /* while the cost is being learned, too */
		const struct snapshot_domain *a, *b;

		slides_period(rig);
		a = rig_row(rig, "a");
		b = rig_row(rig, "b");
		UNIT_EQUAL_DOUBLE(3, a->disk.idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(2, a->disk.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(3, b->disk.idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(3, b->disk.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(4, a->service.idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(4, a->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(4, b->service.idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(6, b->service.active_w, EXACT);
		UNIT_EQUAL_DOUBLE(4, a->vdisks[0].service_idle_w, EXACT);
		UNIT_EQUAL_DOUBLE(6, b->vdisks[0].service_active_w, EXACT);
	}
	UNIT_EQUAL_DOUBLE(8, rig->snapshot.services[0].idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(10, rig->snapshot.services[0].active_w, EXACT);
	UNIT_EQUAL_U64(2, rig->snapshot.services[0].client_count);
	UNIT_EQUAL_TEXT("b", rig->snapshot.services[0].clients[1]);
	UNIT_EQUAL_DOUBLE(0, rig->snapshot.host.kept_w, EXACT);
	rig_free(rig);
}

/* Published: a sole client is charged all disk idle and all driver idle energy. */
static void test_a_sole_client_pays_the_whole_driver(void)
{
	struct rig *rig = driver_rig();

	rig->domains[1].absent = true;
	RIG_BASELINE(rig);
	work(rig, 0, 10, 4096);
	rig_run(&rig->services[0].counter, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(50, rig_row(rig, "a")->service.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(3, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->disk.idle_w, EXACT);
	rig_free(rig);
}

static void test_without_clients_it_is_kept(void)
{
	struct rig *rig = driver_rig();

	rig->attachment_count = 0;
	RIG_BASELINE(rig);
	rig_run(&rig->services[0].counter, 0.3);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->service.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(100 / 3.0, rig->snapshot.kept[0].idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(3, rig->snapshot.kept[0].active_w, EXACT);
	UNIT_EQUAL_U64(0, rig->snapshot.services[0].client_count);
	rig_free(rig);
}

/* 1 mJ per request, 10 nJ per byte, 2 W without requests: after it is learned, who pays what? */
static void test_learned_costs_of_request_byte_and_base(void)
{
	struct rig *rig = driver_rig();
	uint64_t state = 11;
	double a_j = 0, b_j = 0;

	RIG_BASELINE(rig);
	for (int tick = 0; tick < 200; tick++) {
		uint64_t small = unit_random(&state) % 400, large = unit_random(&state) % 100;
		double before_a = rig_row(rig, "a")->service.active_j;
		double before_b = rig_row(rig, "b")->service.active_j;

		work(rig, 0, small, 512);
		work(rig, 1, large, 100000);
		rig_run(&rig->services[0].counter,
			0.1 * (1e-3 * (double)(small + large) +
			       10e-9 * (double)(small * 512 + large * 100000) + 2));
		RIG_TICK(rig, 1);
		if (tick < 100)
			continue;
		a_j += rig_row(rig, "a")->service.active_j - before_a - 1e-3 * (double)small -
		       10e-9 * 512 * (double)small - 1;
		b_j += rig_row(rig, "b")->service.active_j - before_b - 1e-3 * (double)large -
		       10e-9 * 100000 * (double)large - 1;
	}
	UNIT_EQUAL_DOUBLE(0, a_j / 100, 1e-3); /* mean error, J per tick of about 1.2 */
	UNIT_EQUAL_DOUBLE(0, b_j / 100, 1e-3);
	rig_free(rig);
}

static void test_energy_without_requests_stays_active_and_is_shared_equally(void)
{
	struct rig *rig = driver_rig();

	RIG_BASELINE(rig);
	rig_run(&rig->services[0].counter, 0.4);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "b")->service.active_w, EXACT);
	rig_free(rig);
}

/* pool <- driver <- a, b; pool <- c directly. */
static void test_a_service_may_use_a_service(void)
{
	struct rig *rig = driver_rig();
	struct rig_attachment *direct;

	rig_service(rig, "pool");
	rig_vdisk(rig_domain(rig, "c", 1), "vda", 0);
	direct = rig_attach(rig, 2, 0, 1);
	rig_chain(rig, 0, 1);
	RIG_BASELINE(rig);
	work(rig, 0, 30, 4096);
	work(rig, 1, 10, 4096);
	rig_read(&direct->io, 60, 4096);
	work(rig, 3, 40, 4096); /* the driver's own requests to the pool */
	rig_run(&rig->services[0].counter, 0.8);
	rig_run(&rig->services[1].counter, 1.0);
	RIG_TICK(rig, 1);
	/* idle: 5 units of 20 W; the driver's to a and b, the pool's to all three */
	UNIT_EQUAL_DOUBLE(10 + 20 / 3.0, rig_row(rig, "a")->service.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(20 / 3.0, rig_row(rig, "c")->service.idle_w, EXACT);
	/* pool: 10 J, 60 % to c, 40 % to the driver's clients by their requests, 3 : 1 */
	UNIT_EQUAL_DOUBLE(6, rig_row(rig, "c")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE((8 + 4) * 3 / 4.0, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE((8 + 4) * 1 / 4.0, rig_row(rig, "b")->service.active_w, EXACT);
	UNIT_EQUAL_U64(3, rig->snapshot.services[1].client_count);
	rig_free(rig);
}

/* With bases learned on every level, what was measured is charged, all of it. */
static void test_a_chain_charges_all_that_was_measured(void)
{
	struct rig *rig = driver_rig();
	uint64_t state = 4;

	rig_service(rig, "pool");
	rig_chain(rig, 0, 1);
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 60; tick++) {
		uint64_t requests = unit_random(&state) % 1000;

		work(rig, 0, requests, 4096);
		work(rig, 2, requests, 4096);
		rig_run(&rig->services[0].counter, 0.1 + 1e-4 * (double)requests);
		rig_run(&rig->services[1].counter, 0.2 + 2e-4 * (double)requests);
		RIG_TICK(rig, 1);
		UNIT_EQUAL_DOUBLE(0, rig->snapshot.kept[0].active_w, EXACT);
		/* b asked for nothing: it pays half of the bases, once they are learned */
		if (tick > 30)
			UNIT_EQUAL_DOUBLE((1 + 2) / 2.0, rig_row(rig, "b")->service.active_w, 1e-3);
	}
	rig_free(rig);
}

/* A vDISK that is reached in two ways is still one vDISK. */
static void test_each_vdisk_shares_idle_once_however_it_is_reached(void)
{
	struct rig *rig = driver_rig();

	rig_service(rig, "pool");
	rig_chain(rig, 0, 1);
	rig_attach(rig, 0, 0, 1);
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(25, rig_row(rig, "a")->service.idle_w, EXACT);
	UNIT_EQUAL_DOUBLE(25, rig_row(rig, "b")->service.idle_w, EXACT);
	UNIT_EQUAL_U64(2, rig->snapshot.services[1].client_count);
	rig_free(rig);
}

static void test_a_circle_of_services_is_an_error(void)
{
	struct rig *rig = driver_rig();

	rig_service(rig, "pool");
	rig_chain(rig, 0, 1);
	rig_chain(rig, 1, 0);
	UNIT_EQUAL_I64(-EINVAL, rig_tick(rig, 1));
	UNIT_CONTAINS("driver", rig->error.text);
	UNIT_CONTAINS("pool ->", rig->error.text);
	rig->attachment_count = 2; /* put right, it goes on */
	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	rig_free(rig);
}

static void test_an_attachment_without_counters_takes_its_vdisks(void)
{
	struct rig *rig = driver_rig();

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

/* A domain's own helpers: what worked for one disk is that vDISK's, as a memo. */
static void test_own_helpers_of_one_disk_are_a_memo_of_it(void)
{
	struct rig *rig = rig_new();
	struct rig_domain *domain;
	struct rig_thread *one, *other;

	rig_disk(rig, "sda");
	domain = rig_domain(rig, "a", 1);
	domain->total_source = TOTAL_CGROUP;
	rig_vdisk(domain, "vda", 0);
	rig_vdisk(domain, "vdb", 0);
	one = rig_thread(rig, domain, THREAD_IOTHREAD, 1);
	other = rig_thread(rig, domain, THREAD_IOTHREAD, VDISK_NONE);
	RIG_BASELINE(rig);
	rig_run(&one->counter, 0.2);
	rig_run(&other->counter, 0.1);
	rig_run(&domain->extra, 0.1);
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(4, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(2, rig_row(rig, "a")->vdisks[1].service_active_w, EXACT);
	UNIT_EQUAL_DOUBLE(0, rig_row(rig, "a")->vdisks[0].service_active_w, EXACT);
	/* the thread was read after the total: the memo stays inside */
	rig_run(&one->counter, 0.2);
	domain->extra.count[0] -= 50000000;
	RIG_TICK(rig, 1);
	UNIT_EQUAL_DOUBLE(1.5, rig_row(rig, "a")->service.active_w, EXACT);
	UNIT_EQUAL_DOUBLE(1.5, rig_row(rig, "a")->vdisks[1].service_active_w, EXACT);
	rig_free(rig);
}

int main(void)
{
	return UNIT_RUN(
		"account-service",
		{ "model.md 4: the slides' example comes out exactly",
		  test_the_slides_example_comes_out_exactly },
		{ "model.md 4: a sole client pays the whole driver",
		  test_a_sole_client_pays_the_whole_driver },
		{ "model.md 4: without clients it is kept", test_without_clients_it_is_kept },
		{ "model.md 4: costs per request and byte are learned, the base is shared",
		  test_learned_costs_of_request_byte_and_base },
		{ "model.md 4: energy without requests stays active, equally",
		  test_energy_without_requests_stays_active_and_is_shared_equally },
		{ "model.md 4: a service may use a service", test_a_service_may_use_a_service },
		{ "model.md 4: a chain charges all that was measured",
		  test_a_chain_charges_all_that_was_measured },
		{ "model.md 4: each vDISK shares idle once, however it is reached",
		  test_each_vdisk_shares_idle_once_however_it_is_reached },
		{ "model.md 4: a circle of services is an error",
		  test_a_circle_of_services_is_an_error },
		{ "model.md 4: an attachment without counters takes its vDISK's",
		  test_an_attachment_without_counters_takes_its_vdisks },
		{ "model.md 4: own helpers of one disk are a memo of it",
		  test_own_helpers_of_one_disk_are_a_memo_of_it });
}
