/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host-scene.h - discovery on trees of /proc, without libvirt but for views made by hand. */
#ifndef VMENERGY_TESTS_HOST_SCENE_H
#define VMENERGY_TESTS_HOST_SCENE_H

#include "host/host-internal.h"
#include "tests/unit/proc-fixture.h"

static struct rootfs root;

static inline void begin_tree(const char *name)
{
	fixture_begin(name, &root);
	fixture_mounts("v2");
}

/* On the tree that was begun; `more`: what else is asked for, NULL = nothing. */
static inline struct host *open_host_with(const struct host_options *more)
{
	struct host_options options = more ? *more : (struct host_options){ 0 };
	struct error error = { 0 };
	struct host *host;

	options.root = &root;
	options.without_libvirt = true;
	if (host_open(&host, &options, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	host->list_share = 0; /* no test waits */
	return host;
}

static inline struct host *open_host(const char *name)
{
	begin_tree(name);
	return open_host_with(NULL);
}

static inline void close_host(struct host *host)
{
	host_close(host);
	rootfs_close(&root);
}

/* Takes over the view; NULL = libvirt says nothing. */
static inline struct topology *discover_with(struct host *host, const struct libvirt_view *view)
{
	struct error error = { 0 }, check = { 0 };
	struct topology *topology;

	if (host_discover_with(host, view, &topology, &error)) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	topology_check(topology, &check);
	UNIT_EQUAL_TEXT("", check.text);
	return topology;
}

static inline struct topology *discover(struct host *host)
{
	return discover_with(host, NULL);
}

#endif
