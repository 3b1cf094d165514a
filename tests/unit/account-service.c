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
			UNIT_EQUAL_DOUBLE((1 + 2) / 2.0, rig_row(rig, "b")->service.active_w, 0.01);
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

/* --- what it costs ------------------------------------------------------------------------ */

static void test_the_learned_cost_is_shown(void)
{
	struct rig *rig = driver_rig();
	const struct snapshot_service *service;
	uint64_t state = 3;

	RIG_BASELINE(rig);
	RIG_TICK(rig, 1);
	UNIT_TRUE(isnan(rig->snapshot.services[0].request_j));
	UNIT_TRUE(isnan(rig->snapshot.services[0].base_w));
	for (int tick = 0; tick < 100; tick++) {
		uint64_t a = unit_random(&state) % 4000, b = unit_random(&state) % 100;

		work(rig, 0, a, 512);
		work(rig, 1, b, 1000000);
		rig_run(&rig->services[0].counter,
			0.1 * (1e-3 * (double)(a + b) + 10e-9 * (double)(a * 512 + b * 1000000) +
			       2));
		RIG_TICK(rig, 1);
	}
	service = &rig->snapshot.services[0];
	UNIT_EQUAL_DOUBLE(1e-3, service->request_j, 2e-5);
	UNIT_EQUAL_DOUBLE(10e-9, service->byte_j, 5e-10);
	UNIT_EQUAL_DOUBLE(2, service->base_w, 0.02);
	rig_free(rig);
}

/* --- three deep --------------------------------------------------------------------------- */

/*
 * driver -> pool -> net, with a client at each: a on the driver, b on the pool, c
 * on the network server. Each has its own cost; truth is summed beside.
 */
static void test_three_services_deep_each_client_pays_its_way(void)
{
	const double cost_j[3] = { 2e-3, 1e-3, 0.5e-3 }, base_w[3] = { 0.3, 0.6, 0.9 };
	double truth_j[3] = { 0 }, begin_j[3] = { 0 };
	struct rig *rig = rig_new();
	uint64_t state = 6;

	rig_disk(rig, "sda");
	for (size_t i = 0; i < 3; i++) {
		char id[2] = { (char)('a' + i), 0 };

		rig_vdisk(rig_domain(rig, id, 1), "vda", 0);
		rig_attach(rig, i, 0, i);
	}
	rig_service(rig, "driver");
	rig_service(rig, "pool");
	rig_service(rig, "net");
	rig_chain(rig, 0, 1);
	rig_chain(rig, 1, 2);
	rig->attachments[4].io.missing = true; /* what the pool asks of it is not counted */
	RIG_BASELINE(rig);
	for (int tick = 0; tick < 400; tick++) {
		double n[3], sum = 0;

		for (size_t i = 0; i < 3; i++) {
			n[i] = (double)(unit_random(&state) % 4 * (unit_random(&state) % 1000) /
					(i == 0 ? 1 : 4 * i));
			rig_read(&rig->attachments[i].io, (uint64_t)n[i], 4096);
			sum += n[i]; /* level i works for clients 0 .. i */
			if (i < 2)
				rig_read(&rig->attachments[3 + i].io, (uint64_t)sum, 4096);
			rig_run(&rig->services[i].counter, 0.1 * (cost_j[i] * sum + base_w[i]));
		}
		RIG_TICK(rig, 1);
		for (size_t i = 0; tick >= 100 && i < 3; i++)
			for (size_t level = i; level < 3; level++)
				truth_j[i] +=
					cost_j[level] * n[i] + base_w[level] / (double)(level + 1);
		for (size_t i = 0; tick == 99 && i < 3; i++)
			begin_j[i] = rig_row(rig, rig->domains[i].id)->service.active_j;
		UNIT_EQUAL_DOUBLE(0, rig->snapshot.kept[0].active_w, EXACT);
	}
	for (size_t i = 0; i < 3; i++)
		UNIT_EQUAL_DOUBLE(
			1,
			(rig_row(rig, rig->domains[i].id)->service.active_j - begin_j[i]) /
				truth_j[i],
			0.02);
	rig_free(rig);
}

static void test_a_circle_three_deep_names_its_path(void)
{
	struct rig *rig = driver_rig();

	rig_service(rig, "pool");
	rig_service(rig, "net");
	rig_chain(rig, 0, 1);
	rig_chain(rig, 1, 2);
	rig_chain(rig, 2, 0);
	UNIT_EQUAL_I64(-EINVAL, rig_tick(rig, 1));
	UNIT_CONTAINS("driver -> pool -> net -> driver", rig->error.text);
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
		{ "model.md 4: the learned cost is shown", test_the_learned_cost_is_shown },
		{ "model.md 4: three services deep each client pays its way",
		  test_three_services_deep_each_client_pays_its_way },
		{ "model.md 4: a circle three deep names its path",
		  test_a_circle_three_deep_names_its_path });
}
