/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ticks that are joined, held and forgotten. */
#include "vmetop/ticks.h"

#include <math.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { DOMAINS = 3 };

/* A host with some domains; what lasts no longer than a tick lies in its memory. */
struct scene {
	struct snapshot snapshot;
	struct snapshot_domain domains[DOMAINS];
	struct snapshot_vcpu vcpus[DOMAINS];
	struct snapshot_vdisk vdisks[DOMAINS];
	struct snapshot_kept kept[2];
};

static struct snapshot_domain domain_of(const char *id, double active_w)
{
	return (struct snapshot_domain){
		.id = unit_literal(id),
		.name = unit_literal(id),
		.cpu = { .idle_w = 1, .active_w = active_w, .active_j = 100 + active_w },
		.total_w = 1 + active_w,
		.error_w = NAN,
		.cpu_percent = active_w,
		.control = { .cap_w = 20, .headroom_w = NAN },
		.throttle_cpu = NAN,
		.throttle_disk = NAN,
	};
}

static void set_up(struct scene *scene, double interval_s, const char *const ids[],
		   const double *active_w)
{
	*scene = (struct scene){ .snapshot = { .interval_s = interval_s } };
	for (size_t i = 0; i < DOMAINS && ids[i]; i++) {
		scene->domains[i] = domain_of(ids[i], active_w[i]);
		scene->vcpus[i] = (struct snapshot_vcpu){ .active_w = active_w[i] };
		scene->vdisks[i] = (struct snapshot_vdisk){ .name = unit_literal("vda"),
							    .read_bytes = 1000,
							    .requests = 10 };
		scene->domains[i].vcpus = &scene->vcpus[i];
		scene->domains[i].vdisks = &scene->vdisks[i];
		scene->domains[i].vcpu_count = scene->domains[i].vdisk_count = 1;
		scene->snapshot.domain_count++;
		scene->snapshot.host.total_w += 1 + active_w[i];
	}
	scene->kept[0] = (struct snapshot_kept){ unit_literal("host"), 0, 2 };
	scene->snapshot.host.total_w += 2;
	scene->snapshot.host.kept_w = 2;
	scene->snapshot.host.metered_w = NAN;
	scene->snapshot.domains = scene->domains;
	scene->snapshot.kept = scene->kept;
	scene->snapshot.kept_count = 1;
}

static struct scene first, second;

static void test_join_weighs_by_time(void)
{
	struct snapshot_domain *domain;

	set_up(&first, 1, (const char *[]){ "a", "b", NULL }, (double[]){ 10, 4 });
	set_up(&second, 3, (const char *[]){ "b", "a", NULL }, (double[]){ 8, 30 });
	first.domains[1].quality = QUALITY_SKEW;
	first.snapshot.host.metered_w = 7;
	UNIT_EQUAL_I64(0, ticks_join(&first.snapshot, &second.snapshot));
	UNIT_EQUAL_DOUBLE(4, second.snapshot.interval_s, 0);
	domain = &second.snapshot.domains[1];
	UNIT_EQUAL_TEXT("a", domain->id);
	UNIT_EQUAL_DOUBLE(25, domain->cpu.active_w, 1e-12); /* (10 + 3 * 30) / 4 */
	UNIT_EQUAL_DOUBLE(26, domain->total_w, 1e-12);
	UNIT_EQUAL_DOUBLE(25, domain->vcpus[0].active_w, 1e-12);
	UNIT_EQUAL_DOUBLE(130, domain->cpu.active_j, 0); /* a total: the newest */
	UNIT_EQUAL_DOUBLE(2000, domain->vdisks[0].read_bytes, 0);
	UNIT_EQUAL_DOUBLE(20, domain->vdisks[0].requests, 0);
	UNIT_EQUAL_DOUBLE(20, domain->control.cap_w, 0);
	UNIT_EQUAL_DOUBLE(7, second.snapshot.domains[0].cpu.active_w, 1e-12);
	UNIT_EQUAL_U64(QUALITY_SKEW, second.snapshot.domains[0].quality);
	UNIT_EQUAL_DOUBLE(7, second.snapshot.host.metered_w, 0);
	UNIT_EQUAL_U64(0, second.snapshot.host.quality); /* a meter is silent now and then */
	UNIT_TRUE(isnan(domain->error_w));
	UNIT_TRUE(isnan(domain->throttle_cpu));
	snapshot_clear(&second.snapshot);
}

static double sum_of_parts(const struct snapshot *snapshot)
{
	double sum = 0;

	for (size_t i = 0; i < snapshot->domain_count; i++)
		sum += snapshot->domains[i].total_w;
	for (size_t i = 0; i < snapshot->kept_count; i++)
		sum += snapshot->kept[i].idle_w + snapshot->kept[i].active_w;
	return sum;
}

/* model.md 5: of joined ticks, too, the host is the sum of its parts. */
static void test_5_join_conserves(void)
{
	const struct snapshot_domain *gone;

	set_up(&first, 1, (const char *[]){ "a", "gone", NULL }, (double[]){ 10, 40 });
	set_up(&second, 1, (const char *[]){ "new", "a", NULL }, (double[]){ 8, 30 });
	first.kept[1] = (struct snapshot_kept){ unit_literal("make"), 0, 6 };
	first.snapshot.kept_count = 2;
	first.snapshot.host.kept_w += 6;
	first.snapshot.host.total_w += 6;
	UNIT_EQUAL_I64(0, ticks_join(&first.snapshot, &second.snapshot));
	/* It is a copy: the earlier tick's memory is used again. */
	memset(&first, 0, sizeof first);
	UNIT_EQUAL_U64(3, second.snapshot.domain_count);
	gone = &second.snapshot.domains[2];
	UNIT_EQUAL_TEXT("gone", gone->name);
	UNIT_EQUAL_I64(DOMAIN_ENDED, gone->state);
	UNIT_EQUAL_DOUBLE(20.5, gone->total_w, 1e-12);
	UNIT_EQUAL_U64(0, gone->vcpu_count);
	UNIT_EQUAL_DOUBLE(4.5, second.snapshot.domains[0].total_w, 1e-12); /* new: for a half */
	UNIT_EQUAL_U64(2, second.snapshot.kept_count);
	UNIT_EQUAL_TEXT("make", second.snapshot.kept[1].name);
	UNIT_EQUAL_DOUBLE(second.snapshot.host.total_w, sum_of_parts(&second.snapshot), 1e-12);
	snapshot_clear(&second.snapshot);
}

/* Ten ticks, whatever their lengths and whichever domain is there: power by time is energy. */
static void test_join_is_energy_by_time(void)
{
	for (uint64_t seed = 1; seed <= unit_rounds(200); seed++) {
		static const char *const ids[] = { "a", "b", "c" };
		static struct scene ticks[10];
		uint64_t state = seed;
		double energy_j = 0, time_s = 0;

		for (size_t i = 0; i < 10; i++) {
			const char *here[DOMAINS + 1] = { NULL };
			double watts[DOMAINS];
			size_t count = 0;

			for (size_t k = 0; k < DOMAINS; k++)
				if (unit_random(&state) % 4)
					here[count++] = ids[k];
			for (size_t k = 0; k < DOMAINS; k++)
				watts[k] = unit_random_double(&state, 0, 50);
			set_up(&ticks[i], unit_random_double(&state, 0.1, 2), here, watts);
			energy_j += ticks[i].snapshot.host.total_w * ticks[i].snapshot.interval_s;
			time_s += ticks[i].snapshot.interval_s;
			if (i > 0)
				UNIT_EQUAL_I64(
					0, ticks_join(&ticks[i - 1].snapshot, &ticks[i].snapshot));
		}
		if (fabs(sum_of_parts(&ticks[9].snapshot) * time_s - energy_j) > 1e-9 * energy_j)
			printf("seed %ju\n", (uintmax_t)seed);
		UNIT_EQUAL_DOUBLE(energy_j, sum_of_parts(&ticks[9].snapshot) * time_s, 1e-9);
		UNIT_EQUAL_DOUBLE(energy_j, ticks[9].snapshot.host.total_w * time_s, 1e-9);
		for (size_t i = 0; i < 10; i++)
			snapshot_clear(&ticks[i].snapshot);
	}
}

static void test_what_was_not_known_is_missing(void)
{
	set_up(&first, 1, (const char *[]){ "a", NULL, NULL }, (double[]){ 10 });
	set_up(&second, 1, (const char *[]){ "a", NULL, NULL }, (double[]){ 30 });
	first.domains[0].disk.active_w = NAN;
	second.domains[0].disk.active_w = 4;
	first.vdisks[0].read_bytes = NAN;
	UNIT_EQUAL_I64(0, ticks_join(&first.snapshot, &second.snapshot));
	UNIT_EQUAL_DOUBLE(4, second.domains[0].disk.active_w, 0); /* not 2 */
	UNIT_EQUAL_U64(QUALITY_MISSING, second.domains[0].quality);
	UNIT_TRUE(isnan(second.vdisks[0].read_bytes));
	snapshot_clear(&second.snapshot);
}

static void test_held_then_forgotten(void)
{
	set_up(&first, 1, (const char *[]){ "a", NULL, NULL }, (double[]){ 10 });
	ticks_hold(&first.snapshot);
	UNIT_EQUAL_U64(QUALITY_STALE, first.domains[0].quality);
	UNIT_EQUAL_U64(QUALITY_STALE, first.snapshot.host.quality);
	UNIT_EQUAL_DOUBLE(10, first.domains[0].cpu.active_w, 0);
	ticks_forget(&first.snapshot);
	UNIT_TRUE(isnan(first.domains[0].cpu.active_w));
	UNIT_TRUE(isnan(first.domains[0].total_w));
	UNIT_TRUE(isnan(first.vcpus[0].active_w));
	UNIT_TRUE(isnan(first.vdisks[0].requests));
	UNIT_TRUE(isnan(first.snapshot.host.total_w));
	UNIT_TRUE(isnan(first.kept[0].active_w));
	/* What adds up, and what is in force, stays. */
	UNIT_EQUAL_DOUBLE(110, first.domains[0].cpu.active_j, 0);
	UNIT_EQUAL_DOUBLE(20, first.domains[0].control.cap_w, 0);
}

int main(void)
{
	return UNIT_RUN(
		"vmetop ticks",
		{ "watts are means by time, counts add up", test_join_weighs_by_time },
		{ "model.md 5: joined ticks are the sum of their parts", test_5_join_conserves },
		{ "joined power by time is the energy of all ticks", test_join_is_energy_by_time },
		{ "a part of the time that was not known is a missing part",
		  test_what_was_not_known_is_missing },
		{ "held figures say so, forgotten ones are unknown", test_held_then_forgotten });
}
