/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-watch [-c URI] [-p PERIOD_MS] - one line per published view of
 * lib/host/libvirt, for tests/system/libvirt-faults-long. Ends on SIGTERM and when
 * standard input ends. Every call that must never block is timed: the longest
 * of each kind is in the last line.
 */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "host/libvirt.h"

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void print_disk(const struct libvirt_disk *disk)
{
	printf(" %s=%s:%s%s%s", disk->target, disk->type, disk->source,
	       disk->direct ? ",direct" : "", disk->io.quality & QUALITY_STALE ? ",stale" : "");
	if (disk->iothread)
		printf(",iothread%d", disk->iothread);
	if (disk->io.at_ns)
		printf(",read=%" PRIu64 "/%" PRIu64 ",write=%" PRIu64 "/%" PRIu64,
		       disk->io.read_bytes, disk->io.read_requests, disk->io.write_bytes,
		       disk->io.write_requests);
}

static void print_domain(const struct libvirt_domain *domain)
{
	printf(" [%s %s %s vcpus=%u shares=%lu%s", domain->uuid, domain->name,
	       domain_state_name(domain->state), domain->vcpus, domain->cpu_shares,
	       domain->transient ? " transient" : "");
	if (domain->owner)
		printf(" owner=%s", domain->owner);
	if (domain->display_name)
		printf(" display_name=%s", domain->display_name);
	for (size_t i = 0; i < domain->disk_count; i++)
		print_disk(&domain->disks[i]);
	if (domain->reason)
		printf(" reason=(%s)", domain->reason);
	printf("]");
}

static void print_view(const struct libvirt_view *view, uint64_t began_ns)
{
	printf("%.3f %s generation=%" PRIu64 " answers=%" PRIu64 " domains=%zu",
	       (double)(now_ns() - began_ns) * 1e-9, view->lost_ns ? "lost" : "connected",
	       view->generation, view->stats_seq, view->domain_count);
	for (size_t i = 0; i < view->domain_count; i++)
		print_domain(&view->domains[i]);
	printf(" uri=%s trouble=(%s)\n", view->uri, view->trouble ? view->trouble : "");
	fflush(stdout);
}

/* Request and fetch until told to end; returns the longest of these calls. */
static uint64_t watch(struct libvirt *libvirt, int period_ms)
{
	struct pollfd fds[] = { { .fd = libvirt_event_fd(libvirt), .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };
	const struct libvirt_view *view, *before = NULL;
	uint64_t longest = 0, began = now_ns(), begin;
	char rest[64];

	while (!ended) {
		begin = now_ns();
		libvirt_request(libvirt);
		view = libvirt_view(libvirt);
		if (now_ns() - begin > longest)
			longest = now_ns() - begin;
		if (view && (!before || view->published_ns != before->published_ns))
			print_view(view, began);
		libvirt_view_unref(before);
		before = view;
		if (poll(fds, 2, period_ms) > 0 && fds[0].revents)
			poll(NULL, 0, period_ms);
		if (fds[1].revents && read(STDIN_FILENO, rest, sizeof rest) <= 0)
			break;
	}
	libvirt_view_unref(before);
	return longest;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	const char *uri = NULL;
	int option, period_ms = 200;
	struct libvirt *libvirt;
	struct error error;
	uint64_t longest, begin;

	while ((option = getopt(argc, argv, "c:p:")) != -1) {
		if (option == 'c')
			uri = optarg;
		else if (option == 'p')
			period_ms = atoi(optarg);
		else
			return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	if (libvirt_open(&libvirt, uri, &error)) {
		fprintf(stderr, "libvirt-watch: %s\n", error.text);
		return 1;
	}
	longest = watch(libvirt, period_ms);
	begin = now_ns();
	libvirt_close(libvirt);
	printf("closed call_ms=%" PRIu64 " close_ms=%" PRIu64 "\n", longest / 1000000,
	       (now_ns() - begin) / 1000000);
	return 0;
}
