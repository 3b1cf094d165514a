/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the policy is told, and where it goes. */
#include "tests/unit/enforce-scene.h"

#include "vmenergyd/enforce-internal.h"

#define CAP_10W "[domain web1]\ncap = 10W\n"

static const struct policy_domain *figures(const struct scene *scene)
{
	return &scene->enforce->decision.domains[0];
}

static void test_means(void)
{
	struct scene *scene = scene_open(CAP_10W);

	/* Already of the first tick, though it has nothing to compare periods with. */
	scene_tick(scene);
	UNIT_TRUE(figures(scene)->fresh);
	UNIT_EQUAL_DOUBLE(20, figures(scene)->inside_w, 1e-12);
	UNIT_EQUAL_DOUBLE(0, figures(scene)->outside_w, 0);
	UNIT_EQUAL_DOUBLE(2, figures(scene)->cpus, 1e-12);
	UNIT_EQUAL_DOUBLE(1, figures(scene)->cpu_idle_w, 1e-12);
	UNIT_TRUE(isnan(figures(scene)->throttled_part));
	UNIT_TRUE(isinf(figures(scene)->quota_cpus));
	UNIT_EQUAL_U64(SCENE_VCPUS, figures(scene)->vcpus);
	UNIT_TRUE(figures(scene)->cpu_controllable);
	scene_run(scene, 5);
	UNIT_EQUAL_DOUBLE(1, figures(scene)->throttled_part, 0);
	UNIT_EQUAL_DOUBLE(scene_watts(scene, 0), figures(scene)->inside_w, 0.05);
	UNIT_TRUE(isfinite(figures(scene)->quota_cpus));
	scene_close(scene);
}

/* Not NaN, not zero, not the last value: not fresh; and late joules make the next one no better. */
static void test_not_fresh(void)
{
	struct scene *scene = scene_open(CAP_10W);
	double quota;

	scene_run(scene, 20);
	quota = scene_quota(&scene->world[0]);
	scene->world[0].no_figures = true;
	scene_tick(scene);
	UNIT_TRUE(!figures(scene)->fresh);
	UNIT_EQUAL_DOUBLE(quota, scene_quota(&scene->world[0]), 0);
	scene->world[0].no_figures = false;
	scene_tick(scene);
	UNIT_TRUE(!figures(scene)->fresh);
	scene_tick(scene);
	UNIT_TRUE(figures(scene)->fresh);
	/* The account had no figures: its last snapshot again. */
	scene->snapshot.seq--;
	scene_tick(scene);
	UNIT_TRUE(!figures(scene)->fresh);
	scene_tick(scene);
	UNIT_TRUE(figures(scene)->fresh);
	/* Totals began again: no difference to those before. */
	scene->snapshot.epoch++;
	for (int i = 0; i < SCENE_DOMAINS; i++)
		scene->world[i].cpu_j = 0;
	scene_tick(scene);
	UNIT_TRUE(figures(scene)->fresh);
	UNIT_EQUAL_DOUBLE(scene_watts(scene, 0), figures(scene)->inside_w, 0.5);
	scene_tick(scene);
	UNIT_TRUE(figures(scene)->fresh);
	UNIT_EQUAL_DOUBLE(scene_watts(scene, 0), figures(scene)->inside_w, 0.5);
	scene_close(scene);
}

/* Its original is asked for before there are figures; with the first ones it is held. */
static void test_newcomer(void)
{
	for (int comes_again = 0; comes_again < 2; comes_again++) {
		struct scene *scene = scene_open(CAP_10W);

		scene->world[0].running = comes_again;
		scene_run(scene, 5);
		scene_domain(scene, 0);
		scene->domains[0].pid = 900;
		scene->world[0].no_figures = true;
		scene->gets = 0;
		scene_tick(scene);
		UNIT_TRUE(scene->gets > 0);
		UNIT_TRUE(isinf(scene_quota(&scene->world[0])));
		scene->world[0].no_figures = false;
		scene_tick(scene);
		UNIT_TRUE(figures(scene)->fresh);
		UNIT_TRUE(scene_watts(scene, 0) < 11);
		scene_close(scene);
	}
}

static void test_usage_instead(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct error error;
	struct enforce_input input = { .topology = &scene->topology,
				       .snapshot = &scene->snapshot,
				       .readings = scene->readings,
				       .reading_count = SCENE_DOMAINS,
				       .metered_w = NAN,
				       .modelled_w = NAN };

	scene_run(scene, 2);
	for (int i = 0; i < 3; i++) {
		scene->rows[0].cpu.active_j += 20;
		scene->rows[0].cpu.active_w = 20;
		scene->rows[0].cpu_percent = NAN;
		scene->readings[0].has_usage = true;
		scene->readings[0].usage_ns += 1500000000;
		scene->snapshot.seq++;
		scene->now_ns += 1000000000;
		input.now_ns = scene->now_ns;
		UNIT_EQUAL_I64(1, enforce_tick(scene->enforce, &input, &error));
	}
	UNIT_TRUE(figures(scene)->fresh);
	UNIT_EQUAL_DOUBLE(1.5, figures(scene)->cpus, 1e-12);
	scene_close(scene);
}

static void test_services_are_outside(void)
{
	struct scene *scene = scene_open(CAP_10W);
	char *clients[] = { scene->ids[0] };
	struct snapshot_service services[] = {
		{ .name = unit_literal("store"), .clients = clients, .client_count = 1 }
	};
	struct snapshot_kept kept[] = { { unit_literal("host"), 3, 4 },
					{ unit_literal("disk sda"), 2, 1 } };
	struct enforce_domain domain = { .id = scene->ids[0] };
	struct snapshot_vdisk vdisk = { .name = unit_literal("vda"),
					.active_w = 0,
					.service_active_w = 3 };
	struct snapshot_domain row = { .id = scene->ids[0],
				       .cpu = { 1, 10, 0, 100 },
				       .service = { 0, 5, 0, 50 },
				       .cpu_percent = 100,
				       .vdisks = &vdisk,
				       .vdisk_count = 1 };

	/* A helper of its own that serves the disk is inside; a client's share is not. */
	enforce_add_domain(&domain, &row, 1);
	domain.is_client = true;
	enforce_add_domain(&domain, &row, 2);
	UNIT_EQUAL_DOUBLE(6, domain.sums.outside_j, 1e-12);
	domain.is_client = false;
	enforce_add_domain(&domain, &row, 2);
	UNIT_EQUAL_DOUBLE(6, domain.sums.outside_j, 1e-12);
	free(domain.disks.items);
	scene->snapshot.services = services;
	scene->snapshot.service_count = 1;
	scene->snapshot.kept = kept;
	scene->snapshot.kept_count = 2;
	scene_run(scene, 2);
	UNIT_TRUE(enforce_find(scene->enforce, scene->ids[0])->is_client);
	UNIT_TRUE(!enforce_find(scene->enforce, scene->ids[1])->is_client);
	UNIT_EQUAL_DOUBLE(0, scene->enforce->host.kept_j, 0); /* a new period */
	enforce_add_host(scene->enforce, &(struct enforce_input){ .snapshot = &scene->snapshot },
			 2);
	UNIT_EQUAL_DOUBLE(8, scene->enforce->host.kept_j, 1e-12);
	UNIT_EQUAL_DOUBLE(20, scene->enforce->host.idle_j, 1e-12);
	scene_close(scene);
}

/* Idle counts as idle, active as what no quota holds; of the host, all of it once. */
static void test_network_cards(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct snapshot_kept kept[] = { { unit_literal("host"), 3, 4 },
					{ unit_literal("nic eth0"), 2, 1 } };
	struct enforce_domain domain = { .id = scene->ids[0] };
	struct snapshot_domain row = { .id = scene->ids[0],
				       .cpu = { 1, 10, 0, 100 },
				       .disk = { 0.5, 0, 0, 0 },
				       .net = { 2, 3, 0, 0 },
				       .cpu_percent = 100 };

	enforce_add_domain(&domain, &row, 2);
	UNIT_EQUAL_DOUBLE(5, domain.sums.disk_idle_j, 1e-12);
	UNIT_EQUAL_DOUBLE(6, domain.sums.net_j, 1e-12);
	row.net = (struct account_power){ NAN, NAN, 0, 0 };
	enforce_add_domain(&domain, &row, 2);
	UNIT_EQUAL_DOUBLE(6, domain.sums.disk_idle_j, 1e-12);
	UNIT_EQUAL_DOUBLE(6, domain.sums.net_j, 1e-12);
	free(domain.disks.items);
	scene_run(scene, 2);
	scene->snapshot.kept = kept;
	scene->snapshot.kept_count = 2;
	scene->snapshot.host.net_idle_w = 4;
	scene->snapshot.host.net_active_w = 7;
	enforce_add_host(scene->enforce, &(struct enforce_input){ .snapshot = &scene->snapshot },
			 2);
	UNIT_EQUAL_DOUBLE(28, scene->enforce->host.idle_j, 1e-12);
	UNIT_EQUAL_DOUBLE(10, scene->enforce->host.kept_j, 1e-12);
	UNIT_EQUAL_DOUBLE(0, scene->enforce->host.disk_j, 1e-12);
	scene_close(scene);
}

static void test_disks(void)
{
	struct scene *scene = scene_open("[domain web1]\ncap = 8W\n");
	const struct policy_disk *disk;

	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 2;
	scene->world[0].bytes = 50e6;
	scene_run(scene, 4);
	disk = figures(scene)->disks;
	UNIT_EQUAL_U64(1, figures(scene)->disk_count);
	UNIT_EQUAL_DOUBLE(2, figures(scene)->disk_active_w, 1e-12);
	UNIT_TRUE(disk->controllable);
	UNIT_EQUAL_DOUBLE(2, disk->active_w, 1e-12);
	UNIT_EQUAL_DOUBLE(4, disk->span_w, 1e-12);
	UNIT_EQUAL_DOUBLE(100e6, disk->read.rate_bytes_s, 0);
	UNIT_EQUAL_DOUBLE(50e6, disk->read_bytes_s, 1e-9);
	UNIT_EQUAL_DOUBLE(50e6 / 65536, disk->read_requests_s, 1e-9);
	UNIT_EQUAL_DOUBLE(0, disk->write_requests_s, 0);
	scene_close(scene);
}

/* Two vDISKs of a plain QEMU on one device: io.max knows one limit for both. */
static void test_shared_leaf(void)
{
	struct enforce_disk disks[2] = {
		{ .name = "vda", .leaves = { { 8, 0 } }, .leaf_count = 1 },
		{ .name = "vdb", .leaves = { { 8, 16 }, { 8, 0 } }, .leaf_count = 2 }
	};
	struct enforce_domain domain = { .has_target = true,
					 .target = { .manager = DOMAIN_QEMU },
					 .disks = { disks, 2, 2 } };

	UNIT_EQUAL_U64(0, enforce_disk_leader(&domain, 1));
	strcpy(domain.target.qmp_socket, "/run/qmp");
	UNIT_EQUAL_U64(1, enforce_disk_leader(&domain, 1));
	domain.target.manager = DOMAIN_LIBVIRT;
	UNIT_EQUAL_U64(1, enforce_disk_leader(&domain, 1));
}

static void stop_all(struct scene *scene)
{
	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		scene->world[i].running = false;
}

/* Ten minutes without a domain: the window is charged what the host used, 10 W, and not what it
 * uses later; its first second as agreed. */
static void test_peak_without_domains(void)
{
	struct scene *scene = scene_open("[host]\npeak = 40W/h\n");

	scene->snapshot.time_s = 3600;
	stop_all(scene);
	scene_run(scene, 600);
	UNIT_EQUAL_DOUBLE(40 + 599 * 10, scene->state.host.peak_used_j, 0.01);
	for (size_t i = 0; i < SCENE_DOMAINS; i++)
		scene->world[i].running = true;
	scene_run(scene, 1);
	UNIT_EQUAL_DOUBLE(40 + 599 * 10 + 70, scene->state.host.peak_used_j, 0.01);
	scene_close(scene);
}

static void test_infeasible_without_domains(void)
{
	struct scene *scene = scene_open("[host]\ncap = 5W\n");

	stop_all(scene);
	scene_run(scene, 3);
	UNIT_EQUAL_U64(1, scene_count(scene, "the limits of the host cannot be met"));
	scene_close(scene);
}

static void test_place(void)
{
	struct scene *scene = scene_open(CAP_10W);
	const char *folder = "/vmenergy/00000000-0000-4000-8000-000000000001";

	scene->domains[0].manager = DOMAIN_QEMU;
	scene_run(scene, 20);
	UNIT_EQUAL_U64(KNOB_PLACE, scene->log[0].value.knob);
	UNIT_EQUAL_TEXT(folder, scene->world[0].values[KNOB_PLACE].place.cpu_cgroup);
	UNIT_EQUAL_U64(1, scene_verbs(scene, VERB_SET, KNOB_PLACE));
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	scene->log_count = 0;
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	UNIT_EQUAL_TEXT("", scene->world[0].values[KNOB_PLACE].place.cpu_cgroup);
	UNIT_TRUE(scene->log_count > 0);
	UNIT_EQUAL_U64(KNOB_PLACE, scene->log[scene->log_count - 1].value.knob);
	scene_close(scene);
}

/* Without the io controller anywhere, /proc/PID/cgroup names no place for it. */
static void test_no_io_controller(void)
{
	struct scene *scene = scene_open(CAP_10W);
	struct place *place = &scene->world[0].values[KNOB_PLACE].place;

	scene->domains[0].manager = DOMAIN_QEMU;
	strcpy(place->cpu_cgroup, "/shared");
	scene_run(scene, 20);
	UNIT_EQUAL_TEXT("/vmenergy/00000000-0000-4000-8000-000000000001", place->cpu_cgroup);
	UNIT_EQUAL_TEXT("", place->io_cgroup);
	UNIT_TRUE(scene_watts(scene, 0) < 11);
	enforce_restore(scene->enforce);
	scene_deliver(scene);
	UNIT_TRUE(scene->state.clean);
	UNIT_EQUAL_TEXT("/shared", place->cpu_cgroup);
	scene_close(scene);
}

static void test_no_place(void)
{
	struct scene *scene = scene_open("[daemon]\nmove-processes = no\n" CAP_10W);

	scene->domains[0].manager = DOMAIN_QEMU;
	scene_run(scene, 10);
	UNIT_EQUAL_U64(0, scene->log_count);
	UNIT_TRUE(!figures(scene)->cpu_controllable);
	scene_close(scene);
}

static void test_fill(void)
{
	struct scene *scene = scene_open(CAP_10W "[domain web2]\nshare = 200\nfloor = 2W\n");
	const struct snapshot_domain *rows = scene->rows;

	scene_run(scene, 20);
	enforce_fill(scene->enforce, &scene->snapshot);
	UNIT_EQUAL_DOUBLE(10, rows[0].control.cap_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows[0].control.share, 0);
	UNIT_EQUAL_DOUBLE(0, rows[0].control.headroom_w, 0.5);
	UNIT_EQUAL_DOUBLE(0, rows[0].control.infeasible_w, 0);
	UNIT_TRUE(rows[0].throttle_cpu > 0);
	UNIT_EQUAL_DOUBLE(NAN, rows[1].control.cap_w, 0);
	UNIT_EQUAL_DOUBLE(200, rows[1].control.share, 0);
	UNIT_EQUAL_DOUBLE(POLICY_STRIDE_1 / 200, rows[1].control.stride, 0);
	UNIT_EQUAL_DOUBLE(2, rows[1].control.floor_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows[1].control.headroom_w, 0);
	UNIT_EQUAL_DOUBLE(NAN, rows[2].control.share, 0);
	UNIT_EQUAL_DOUBLE(NAN, scene->snapshot.host.cap_w, 0);
	scene_close(scene);
}

/* Where a cgroup is to hold the disk, too, there is nothing to ask before there is one. */
static void test_place_before_disk(void)
{
	struct scene *scene = scene_open("[domain web1]\ncap = 10W\ndisk-cap = 1W\n");
	size_t placed = SIZE_MAX;

	scene->domains[0].manager = DOMAIN_QEMU;
	scene->world[0].has_disk = true;
	scene->world[0].disk_w = 3;
	scene->world[0].bytes = 50e6;
	scene_run(scene, 6);
	for (size_t i = 0; i < scene->log_count; i++) {
		const struct verb *verb = &scene->log[i];

		if (verb->value.knob == KNOB_PLACE && verb->kind == VERB_SET)
			placed = i;
		else if (verb->value.knob != KNOB_PLACE)
			UNIT_TRUE(placed < i && verb->target.io_cgroup[0]);
	}
	UNIT_TRUE(scene->world[0].values[KNOB_DISK].disk.read_bytes_s > 0);
	UNIT_EQUAL_U64(0, scene_count(scene, "cannot"));
	scene_close(scene);
}

/* Decisions keep their grid though ticks jitter, and never come faster than asked. */
static void test_pace(void)
{
	struct scene *scene = scene_open(CAP_10W);
	unsigned decisions = 0;
	uint64_t seed = 7;
	struct error error;
	struct enforce_input input = { .topology = &scene->topology,
				       .snapshot = &scene->snapshot,
				       .metered_w = NAN,
				       .modelled_w = NAN };

	scene->topology.domain_count = 0;
	for (int i = 0; i <= 1000; i++) {
		uint64_t jitter = unit_random(&seed) % 20000000;

		input.now_ns = 1000000000000 + (uint64_t)i * 100000000 + jitter;
		scene->snapshot.seq++;
		decisions += enforce_tick(scene->enforce, &input, &error) == 1;
	}
	UNIT_TRUE(decisions == 101 || decisions == 100);
	UNIT_EQUAL_U64(decisions, enforce_counts(scene->enforce).decisions);
	scene_close(scene);
}

int main(void)
{
	return UNIT_RUN(
		"enforce-figures",
		{ "a billing window goes on without domains", test_peak_without_domains },
		{ "a host's cap that cannot be met is said without domains",
		  test_infeasible_without_domains },
		{ "model.md 7: figures are means over the control period", test_means },
		{ "figures that are missing, late or begun anew are not fresh", test_not_fresh },
		{ "CPU time comes from the cgroup where the account counts events",
		  test_usage_instead },
		{ "a newcomer is held with its first figures", test_newcomer },
		{ "model.md 7: services are outside the quota, own helpers inside",
		  test_services_are_outside },
		{ "energy of network cards is under no quota", test_network_cards },
		{ "disks come with their rates and constants", test_disks },
		{ "a device that two vDISKs share has one limit", test_shared_leaf },
		{ "a plain QEMU gets a cgroup first, and leaves it last", test_place },
		{ "where no hierarchy has the io controller, its CPU is held",
		  test_no_io_controller },
		{ "without leave to move processes it is not limited", test_no_place },
		{ "limits and what they do stand in the snapshot", test_fill },
		{ "a cgroup of its own comes before the limits in it", test_place_before_disk },
		{ "decisions keep their pace", test_pace });
}
