/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/host.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "host/cpu.h"
#include "host/host-internal.h"
#include "base/clock.h"

/* On a host with thousands of processes a listing takes milliseconds, and a tick may be 10 ms. */
enum { LIST_SHARE = 100 };
/* So that the first discovery knows what a healthy libvirt knows. */
#define FIRST_VIEW_PATIENCE_NS UINT64_C(1000000000)
/* What no cheap sign tells (host-copy.c; a disk plugged into the host, another process in a
 * domain's cgroup) is seen at the latest after this: then all is read anew. */
#define LOOK_ANYWAY_NS UINT64_C(10000000000)

static int open_services(struct host *host, const struct host_options *options, struct error *error)
{
	int result = service_watch_open(&host->services, host->root, options, error);
	struct qemu_others others;

	if (result)
		return result;
	others = service_watch_others(host->services);
	qemu_watch_show(host->watch, &others);
	return 0;
}

int host_open(struct host **out, const struct host_options *options, struct error *error)
{
	struct host *host = calloc(1, sizeof *host);
	int result;

	if (!host)
		return error_setf(error, ENOMEM, "out of memory");
	host->root = options->root;
	host->without_libvirt = options->without_libvirt;
	host->list_share = LIST_SHARE;
	result = cpu_identify(host->root, &host->cpu, error);
	if (!result)
		result = qemu_watch_open(&host->watch, host->root, error);
	if (!result)
		result = open_services(host, options, error);
	if (!result && host_open_monitors(host, options))
		result = error_setf(error, ENOMEM, "out of memory");
	if (!result && !options->without_libvirt)
		result = libvirt_open(&host->libvirt, options->uri, error);
	if (result) {
		host_close(host);
		return result;
	}
	if (host->libvirt)
		libvirt_wait(host->libvirt, 0, FIRST_VIEW_PATIENCE_NS);
	*out = host;
	return 0;
}

void host_close(struct host *host)
{
	if (!host)
		return;
	if (host->view)
		libvirt_view_unref(host->view);
	if (host->libvirt)
		libvirt_close(host->libvirt);
	host_close_monitors(host);
	qemu_watch_close(host->watch);
	service_watch_close(host->services);
	host_clear_links(&host->links);
	cpu_identity_clear(&host->cpu);
	if (host->last)
		topology_unref(host->last);
	host_clear_texts(&host->dead);
	host_clear_marks(&host->marks);
	free(host);
}

static bool has_ended(const struct topology *topology)
{
	for (size_t i = 0; i < topology->domain_count; i++)
		if (topology->domains[i].state == DOMAIN_ENDED)
			return true;
	return false;
}

/* As rare as its cost demands. */
static bool must_look_anyway(const struct host *host, uint64_t now_ns)
{
	uint64_t pause_ns = host->list_share * host->whole_cost_ns;

	return now_ns - host->whole_ns >= (pause_ns > LOOK_ANYWAY_NS ? pause_ns : LOOK_ANYWAY_NS);
}

bool host_changed(struct host *host)
{
	uint64_t now_ns = clock_now_ns();

	if (!host->last)
		return true;
	host->changed = host->changed || host->must_read_all || has_ended(host->last) ||
			must_look_anyway(host, now_ns) || host_view_changed(host) ||
			host_monitors_due(host, now_ns) || host_processes_changed(host, now_ns) ||
			service_watch_changed(host->services, now_ns);
	return host->changed;
}

/* Keep the old topology where the new one says the same. */
static void publish(struct host *host, struct topology *fresh)
{
	if (host->last && topology_equal(host->last, fresh)) {
		topology_unref(fresh);
		return;
	}
	fresh->generation = ++host->generation;
	if (host->last)
		topology_unref(host->last);
	host->last = fresh;
}

/* The processes, and what they make with the view. */
static int make_topology(struct host_merge *merge, struct topology **fresh, struct error *error)
{
	struct host *host = merge->host;
	int result;

	host_doubt(merge);
	result = merge->whole ? qemu_watch_look(host->watch, merge->now_ns, error)
			      : qemu_watch_glance(host->watch, merge->now_ns, error);
	if (result < 0)
		return result;
	host_try_monitors(host, merge->now_ns);
	result = host_merge(merge, fresh, error);
	if (!result && host_take_marks(host, *fresh, merge->now_ns))
		result = error_setf(error, ENOMEM, "out of memory for the domains");
	if (result && *fresh)
		topology_unref(*fresh);
	return result;
}

int host_discover_with(struct host *host, const struct libvirt_view *view,
		       struct topology **topology, struct error *error)
{
	struct host_merge merge = { .host = host, .view = view, .before = host->view };
	bool whole;
	int result;

	*topology = NULL;
	merge.now_ns = clock_now_ns();
	whole = !host->last || host->must_read_all || must_look_anyway(host, merge.now_ns);
	merge.whole = whole;
	result = make_topology(&merge, topology, error);
	if (host->view)
		libvirt_view_unref(host->view);
	host->view = view;
	host->must_read_all = result != 0;
	if (result) {
		*topology = NULL;
		return result;
	}
	publish(host, *topology);
	if (whole) {
		host->whole_ns = merge.now_ns;
		host->whole_cost_ns = clock_now_ns() - merge.now_ns;
	}
	host->changed = false;
	*topology = topology_ref(host->last);
	return 0;
}

int host_discover(struct host *host, struct topology **topology, struct error *error)
{
	return host_discover_with(host, host->libvirt ? libvirt_view(host->libvirt) : NULL,
				  topology, error);
}
