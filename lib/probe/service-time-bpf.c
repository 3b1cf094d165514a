/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-time-bpf.c - requests followed inside the kernel by bpf/block.bpf.c.
 * Each reading is one lookup per disk.
 */
#ifdef VMENERGY_BPF
#pragma GCC diagnostic push /* bpftool's code is not held to our warnings */
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wcast-qual"
#include <block.skel.h>
#pragma GCC diagnostic pop
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "probe/bpf-kernel.h"
#include "probe/bpf/block.h"
#include "probe/service-time-driver.h"

struct bpf_disk {
	uint32_t device;
	uint32_t missed;     /* as of the last reading */
	uint64_t checked_ns; /* for lost requests */
	bool followed;       /* else the map did not take it */
	bool kept;           /* by the follow() that is under way */
};

struct bpf_state {
	struct block_bpf *skeleton;
	int leaves, flights; /* maps */
	struct bpf_disk *disks;
	size_t count;
};

/* --- opening ----------------------------------------------------------------- */

static const struct bpf_point points[] = {
	{ "block_rq_issue", 1, 1, "Linux 5.11" },
	{ "block_rq_complete", 3, 3, "Linux 5.11" },
	{ "block_rq_requeue", 1, 1, "Linux 5.11" },
};

static void bpf_close(void *opened)
{
	struct bpf_state *state = opened;

	if (!state)
		return;
	block_bpf__destroy(state->skeleton);
	free(state->disks);
	free(state);
}

static int bpf_open(void **opened, const struct rootfs *root, struct error *error)
{
	struct bpf_state *state;
	int result;

	result = bpf_kernel_check(root, points, sizeof points / sizeof *points, error);
	if (result)
		return result;
	state = calloc(1, sizeof *state);
	if (!state)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	state->skeleton = block_bpf__open();
	result = state->skeleton ? block_bpf__load(state->skeleton) : -errno;
	if (!result)
		result = block_bpf__attach(state->skeleton);
	if (result) {
		bpf_close(state);
		return bpf_kernel_explain(root, result, error);
	}
	state->leaves = bpf_map__fd(state->skeleton->maps.leaves);
	state->flights = bpf_map__fd(state->skeleton->maps.flights);
	*opened = state;
	return 0;
}

/* --- following --------------------------------------------------------------- */

static struct bpf_disk *find(const struct bpf_state *state, uint32_t device)
{
	for (size_t i = 0; i < state->count; i++)
		if (state->disks[i].device == device)
			return &state->disks[i];
	return NULL;
}

static void follow_disk(const struct bpf_state *state, struct bpf_disk *disk)
{
	struct block_leaf leaf = { 0 };
	int result;

	if (disk->followed)
		return;
	leaf_start(&leaf.leaf, clock_now_ns());
	result = bpf_map_update_elem(state->leaves, &disk->device, &leaf, BPF_NOEXIST);
	disk->followed = !result;
	if (result)
		log_debug("disk %u:%u cannot be followed: %s", disk->device >> 20,
			  disk->device & 0xfffff, strerror(-result));
}

/* Those that go make room first. */
static int bpf_follow(void *opened, const struct disk_service *services, size_t count)
{
	struct bpf_state *state = opened;
	struct bpf_disk *disks = calloc(count + 1, sizeof *disks);
	struct bpf_disk *known;

	if (!disks)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		known = find(state, services[i].device);
		if (known) {
			disks[i] = *known;
			known->kept = true;
		}
		disks[i].device = services[i].device;
	}
	for (size_t i = 0; i < state->count; i++)
		if (state->disks[i].followed && !state->disks[i].kept)
			bpf_map_delete_elem(state->leaves, &state->disks[i].device);
	free(state->disks);
	state->disks = disks;
	state->count = count;
	for (size_t i = 0; i < count; i++)
		follow_disk(state, &disks[i]);
	return 0;
}

/* --- reading ----------------------------------------------------------------- */

/* Take the disk's lost requests from the map of flights. True: there were some. */
static bool drop_lost(const struct bpf_state *state, uint32_t device, uint64_t now_ns)
{
	struct leaf_flight flight;
	uint64_t key, next;
	bool found = false;
	bool more = bpf_map_get_next_key(state->flights, NULL, &next) == 0;

	for (size_t i = 0; more && i < BLOCK_FLIGHTS_MAX; i++) {
		key = next;
		more = bpf_map_get_next_key(state->flights, &key, &next) == 0;
		if (bpf_map_lookup_elem(state->flights, &key, &flight) || flight.device != device ||
		    !leaf_is_lost(flight.issued_ns, now_ns))
			continue;
		found = true;
		bpf_map_delete_elem(state->flights, &key);
	}
	return found;
}

/*
 * The disk's books are put back without what is in flight. Requests that come
 * and go between our reading and our writing are lost to them: it is a gap.
 */
static bool forget_lost(const struct bpf_state *state, struct bpf_disk *disk,
			struct block_leaf *leaf, uint64_t now_ns)
{
	if (!leaf_may_have_lost(&leaf->leaf, now_ns) || !leaf_is_lost(disk->checked_ns, now_ns))
		return false;
	disk->checked_ns = now_ns;
	if (!drop_lost(state, disk->device, now_ns))
		return false;
	leaf_forget(&leaf->leaf, now_ns);
	bpf_map_update_elem(state->leaves, &disk->device, leaf, BPF_F_LOCK);
	return true;
}

static void read_disk(const struct bpf_state *state, struct bpf_disk *disk,
		      struct disk_service *service)
{
	uint64_t now_ns = clock_now_ns();
	struct block_leaf leaf;

	*service = (struct disk_service){ .device = disk->device };
	if (!disk->followed ||
	    bpf_map_lookup_elem_flags(state->leaves, &disk->device, &leaf, BPF_F_LOCK))
		return;
	service->known = true;
	service->gap = forget_lost(state, disk, &leaf, now_ns) || leaf.leaf.missed != disk->missed;
	disk->missed = leaf.leaf.missed;
	service->busy_ns = leaf_busy_ns(&leaf.leaf, now_ns);
	service->read_seeks = leaf.leaf.read_seeks;
	service->write_seeks = leaf.leaf.write_seeks;
	service->bytes = leaf.leaf.sectors * DISK_SECTOR_BYTES;
}

static void bpf_read(void *opened, struct disk_service *services, size_t count)
{
	struct bpf_state *state = opened;

	for (size_t i = 0; i < count && i < state->count; i++)
		read_disk(state, &state->disks[i], &services[i]);
}

const struct service_driver service_time_bpf = {
	.name = "BPF",
	.open = bpf_open,
	.close = bpf_close,
	.follow = bpf_follow,
	.read = bpf_read,
};
#endif
