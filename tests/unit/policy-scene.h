/* SPDX-License-Identifier: GPL-3.0-or-later */
/* policy-scene.h - a host and its domains, as a policy is told of them. */
#ifndef VMENERGY_TESTS_POLICY_SCENE_H
#define VMENERGY_TESTS_POLICY_SCENE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "vmenergyd/policy/policy.h"

enum { SCENE_DOMAINS = 8 };
/* A first quota, over the CPUs that it is to give: they were measured to give more. */
#define SCENE_FIRST (1 / 1.016)

struct scene {
	struct policy *policy;
	struct policy_input in;
	struct policy_domain domains[SCENE_DOMAINS];
	struct policy_owner owners[2];
	struct policy_output out;
};

static inline struct policy_host scene_host(void)
{
	return (struct policy_host){
		.cap_w = NAN,
		.peak_w = NAN,
		.peak_window_s = 900,
		.temperature_limit_c = NAN,
		.temperature_c = NAN,
		.thermal = { NAN, NAN, NAN },
		.share_floor_w = NAN,
		.idle_w = 50,
		.metered_w = NAN,
		.modelled_w = NAN,
		.energy_error = NAN,
	};
}

/* Busy on both of its CPUs, at 10 W each; 8 W idle. */
static inline struct policy_domain scene_domain(const char *id)
{
	return (struct policy_domain){
		.id = id,
		.limits = limits_none(),
		.fresh = true,
		.cpu_controllable = true,
		.cpu_idle_w = 5,
		.disk_idle_w = 2,
		.service_idle_w = 1,
		.inside_w = 20,
		.cpus = 2,
		.vcpus = 2,
		.quota_cpus = INFINITY,
	};
}

static inline void scene_open(struct scene *scene, size_t domains)
{
	static const char *const ids[SCENE_DOMAINS] = { "a", "b", "c", "d", "e", "f", "g", "h" };

	memset(scene, 0, sizeof *scene);
	if (policy_open(&scene->policy, NULL))
		abort();
	scene->in = (struct policy_input){ .now_ns = 1000000000,
					   .realtime_s = 1700000100,
					   .period_s = 1,
					   .host = scene_host(),
					   .owners = scene->owners,
					   .domains = scene->domains,
					   .domain_count = domains };
	for (size_t i = 0; i < domains; i++)
		scene->domains[i] = scene_domain(ids[i]);
}

/* The decision of the next second. */
static inline const struct policy_allotment *scene_decide(struct scene *scene)
{
	struct error error = { "" };

	scene->in.now_ns += 1000000000;
	scene->in.realtime_s += 1;
	UNIT_EQUAL_I64(0, policy_decide(scene->policy, &scene->in, &scene->out, &error));
	UNIT_EQUAL_TEXT("", error.text);
	return scene->out.domains;
}

/* A domain that wants all its CPUs, under the quota that was decided last. */
static inline void scene_hold(struct scene *scene, size_t i, double k)
{
	struct policy_domain *domain = &scene->domains[i];
	double quota = scene->out.domains ? scene->out.domains[i].cpus : INFINITY;

	domain->quota_cpus = quota;
	domain->cpus = fmin(quota, domain->vcpus);
	domain->throttled_part = quota < domain->vcpus;
	domain->inside_w = k * domain->cpus;
}

#endif
