/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cputime-scene.h - one domain and one service, for the tests of probe/cputime. */
#ifndef VMENERGY_TESTS_CPUTIME_SCENE_H
#define VMENERGY_TESTS_CPUTIME_SCENE_H

#include <stdlib.h>

#include "probe/cputime.h"
#include "tests/unit/unit.h"

static char none[] = "";

/* One domain with as many threads as a test sets, and one service. */
struct scene {
	struct rootfs root;
	struct cputime *cputime;
	struct topology topology;
	struct domain domain;
	struct thread threads[4];
	struct service service;
	struct sample sample;
};

static inline void scene_open(struct scene *scene, const char *folder)
{
	struct error error = { "" };
	char path[512];

	*scene = (struct scene){ 0 };
	snprintf(path, sizeof path, "%s/%s", unit_folder(), folder ? folder : "");
	if (rootfs_open(&scene->root, folder ? path : NULL, &error) ||
	    cputime_open(&scene->cputime, &scene->root, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	scene->domain = (struct domain){ .id = none, .name = none, .pid = 100, .start_ticks = 5 };
	scene->domain.threads = scene->threads;
	scene->topology.domains = &scene->domain;
	scene->topology.domain_count = 1;
}

static inline void scene_follow(struct scene *scene, size_t threads)
{
	scene->domain.thread_count = threads;
	scene->topology.generation++;
	UNIT_EQUAL_I64(0, cputime_follow(scene->cputime, &scene->topology));
}

static inline struct domain_reading *scene_read(struct scene *scene)
{
	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, cputime_read_parts(scene->cputime, &scene->topology, &scene->sample));
	return scene->sample.domains;
}

static inline uint64_t scene_total(struct scene *scene)
{
	struct error error = { "" };

	UNIT_EQUAL_I64(0, sample_prepare(&scene->sample, &scene->topology));
	UNIT_EQUAL_I64(0, cputime_read_total(scene->cputime, &scene->sample, &error));
	UNIT_EQUAL_TEXT("", error.text);
	UNIT_EQUAL_U64(1, scene->sample.package_count);
	return scene->sample.packages[0].total.count[0];
}

static inline void scene_close(struct scene *scene)
{
	sample_clear(&scene->sample);
	cputime_close(scene->cputime);
	rootfs_close(&scene->root);
}

static inline void check_count(uint64_t expected, const struct cpu_reading *reading)
{
	UNIT_EQUAL_U64(expected, reading->count[0]);
	UNIT_EQUAL_U64(QUALITY_ESTIMATE, reading->quality);
	UNIT_TRUE(reading->at_ns > 0);
}

static inline void check_missing(const struct cpu_reading *reading)
{
	UNIT_EQUAL_U64(QUALITY_ESTIMATE | QUALITY_MISSING, reading->quality);
	UNIT_EQUAL_U64(0, reading->at_ns);
}

static inline struct thread make_thread(pid_t tid, enum thread_role role)
{
	return (struct thread){ .tid = tid, .start_ticks = 9, .role = role, .sampled = true };
}

#endif
