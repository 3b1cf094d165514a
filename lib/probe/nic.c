/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe/nic.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/numbers.h"
#include "probe/kept.h"

enum { OF_CARD = -1 };

struct interface {
	char name[IFNAMSIZ];
	ssize_t domain; /* index, or OF_CARD */
	size_t index;   /* of the vNIC in its domain, or of the card */
	bool swapped;
};

struct nic_probe {
	struct kept_files files;
	struct kept_file list;
	struct kept_buffer buffer;
	struct interface *items; /* ascending by name */
	size_t count;
	uint64_t generation;
};

int nic_probe_open(struct nic_probe **out, const struct rootfs *root)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	kept_files_init(&(*out)->files, root);
	return 0;
}

void nic_probe_close(struct nic_probe *probe)
{
	if (!probe)
		return;
	kept_close(&probe->list);
	free(probe->buffer.bytes);
	free(probe->items);
	free(probe);
}

/* --- whom to look for --------------------------------------------------------------------- */

static int compare_names(const void *first, const void *second)
{
	const struct interface *a = first, *b = second;

	return strcmp(a->name, b->name);
}

/* No interface has a longer name than fits. */
static void want(struct nic_probe *probe, const char *name, struct interface interface)
{
	if (strlen(name) >= sizeof interface.name)
		return;
	strcpy(interface.name, name);
	probe->items[probe->count++] = interface;
}

int nic_probe_follow(struct nic_probe *probe, const struct topology *topology)
{
	size_t count = topology->nic_count;
	struct interface *items;

	for (size_t i = 0; i < topology->domain_count; i++)
		count += topology->domains[i].vnic_count;
	items = calloc(count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	free(probe->items);
	probe->items = items;
	probe->count = 0;
	for (size_t i = 0; i < topology->nic_count; i++)
		want(probe, topology->nics[i].name,
		     (struct interface){ .domain = OF_CARD, .index = i });
	for (size_t i = 0; i < topology->domain_count; i++)
		for (size_t k = 0; k < topology->domains[i].vnic_count; k++) {
			const struct vnic *vnic = &topology->domains[i].vnics[k];

			if (!vnic->unseen)
				want(probe, vnic->name,
				     (struct interface){ .domain = (ssize_t)i,
							 .index = k,
							 .swapped = vnic->swapped });
		}
	if (probe->count > 0)
		qsort(probe->items, probe->count, sizeof *items, compare_names);
	if (probe->count > 0 && !probe->list.path)
		kept_open(&probe->files, &probe->list, "/proc/net/dev");
	probe->generation = topology->generation;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------ */

static struct net_reading *reading_of(struct sample *sample, const struct interface *interface)
{
	if (interface->domain == OF_CARD)
		return &sample->nics[interface->index];
	return &sample->domains[interface->domain].vnics[interface->index];
}

/*
 * "NAME: bytes packets errs drop fifo frame compressed multicast" of what was
 * received, then bytes and packets of what was sent.
 */
static bool parse_counters(const char *cursor, struct net_reading *reading)
{
	enum { RX_BYTES, RX_PACKETS, TX_BYTES = 8, TX_PACKETS, FIELDS };
	uint64_t fields[FIELDS];

	for (int i = 0; i < FIELDS; i++)
		if (number_scan_u64(&cursor, &fields[i]))
			return false;
	reading->rx_bytes = fields[RX_BYTES];
	reading->rx_packets = fields[RX_PACKETS];
	reading->tx_bytes = fields[TX_BYTES];
	reading->tx_packets = fields[TX_PACKETS];
	return true;
}

static struct net_reading swap(struct net_reading reading)
{
	return (struct net_reading){ .at_ns = reading.at_ns,
				     .rx_bytes = reading.tx_bytes,
				     .rx_packets = reading.tx_packets,
				     .tx_bytes = reading.rx_bytes,
				     .tx_packets = reading.rx_packets };
}

/* All that are called so: the first one is anywhere among them. */
static void put(const struct nic_probe *probe, struct sample *sample, const struct interface *found,
		struct net_reading reading)
{
	const struct interface *end = probe->items + probe->count;

	while (found > probe->items && compare_names(found - 1, found) == 0)
		found--;
	for (const struct interface *first = found; found < end && compare_names(found, first) == 0;
	     found++)
		*reading_of(sample, found) = found->swapped ? swap(reading) : reading;
}

static void parse_line(const struct nic_probe *probe, struct sample *sample, char *line,
		       uint64_t at_ns)
{
	struct net_reading reading = { .at_ns = at_ns };
	struct interface key = { .name = "" };
	const struct interface *found;
	char *colon = strchr(line, ':');

	line += strspn(line, " ");
	if (!colon || colon < line || (size_t)(colon - line) >= sizeof key.name)
		return;
	memcpy(key.name, line, (size_t)(colon - line));
	found = bsearch(&key, probe->items, probe->count, sizeof key, compare_names);
	if (found && parse_counters(colon + 1, &reading))
		put(probe, sample, found, reading);
}

int nic_probe_read(struct nic_probe *probe, struct sample *sample)
{
	char *next;
	long length;

	if (probe->generation != sample->generation)
		return -EINVAL;
	if (probe->count == 0)
		return 0;
	for (size_t i = 0; i < probe->count; i++)
		reading_of(sample, &probe->items[i])->quality = QUALITY_MISSING;
	length = probe->list.path ? kept_read_all(&probe->files, &probe->list, &probe->buffer)
				  : -ENOENT;
	if (length == -ENOMEM)
		return -ENOMEM;
	next = length < 0 ? NULL : probe->buffer.bytes;
	for (uint64_t at_ns = clock_now_ns(); next && *next;) {
		char *line = strsep(&next, "\n");

		parse_line(probe, sample, line, at_ns);
	}
	return 0;
}
