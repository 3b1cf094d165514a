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
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
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
	struct block *skeleton;
	int leaves, flights; /* maps */
	struct bpf_disk *disks;
	size_t count;
};

/* --- opening ----------------------------------------------------------------- */

static __attribute__((format(printf, 2, 0))) int log_libbpf(enum libbpf_print_level level,
							    const char *format, va_list arguments)
{
	char text[512];

	/* Of each instruction that it looks at. */
	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof text, format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_debug("%s", text);
	return 0;
}

/* Tracepoints as the programs expect them: their arguments, behind the one for private data. */
static const struct {
	const char *name;
	unsigned arguments;
} expected_points[] = {
	{ "btf_trace_block_rq_issue", 1 },
	{ "btf_trace_block_rq_complete", 3 },
	{ "btf_trace_block_rq_requeue", 1 },
};

/* Number of parameters of the function that the typedef points to, or -errno. */
static int count_parameters(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF);
	const struct btf_type *type;

	if (id < 0)
		return id;
	type = btf__type_by_id(btf, btf__type_by_id(btf, (unsigned)id)->type);
	if (!type || !btf_is_ptr(type))
		return -EINVAL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? btf_vlen(type) : -EINVAL;
}

static int check_kernel(struct error *error)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int found, result = 0;

	if (!btf)
		return error_setf(error, errno, "this kernel does not tell its types (BTF)");
	for (size_t i = 0; i < sizeof expected_points / sizeof expected_points[0] && !result; i++) {
		found = count_parameters(btf, expected_points[i].name);
		if (found != (int)expected_points[i].arguments + 1)
			result = error_setf(error, EOPNOTSUPP,
					    "Linux 5.11 or later is needed: %s has other arguments",
					    expected_points[i].name + strlen("btf_trace_"));
	}
	btf__free(btf);
	return result;
}

static int explain(struct error *error, const struct rootfs *root, int result)
{
	char lockdown[64];

	rootfs_readf(root, lockdown, sizeof lockdown, "/sys/kernel/security/lockdown");
	if (strstr(lockdown, "[confidentiality]"))
		return error_setf(error, -result, "the kernel is locked down (confidentiality)");
	if (result == -EPERM || result == -EACCES)
		return error_setf(error, -result, "%s (CAP_BPF and CAP_PERFMON are needed)",
				  strerror(-result));
	return error_setf(error, -result, "%s", strerror(-result));
}

static void bpf_close(void *opened)
{
	struct bpf_state *state = opened;

	if (!state)
		return;
	block__destroy(state->skeleton);
	free(state->disks);
	free(state);
}

static int bpf_open(void **opened, const struct rootfs *root, struct error *error)
{
	struct bpf_state *state;
	int result;

	if (!rootfs_is_real(root))
		return error_setf(error, EOPNOTSUPP, "another root than this kernel's");
	libbpf_set_print(log_libbpf);
	result = check_kernel(error);
	if (result)
		return result;
	state = calloc(1, sizeof *state);
	if (!state)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	state->skeleton = block__open();
	result = state->skeleton ? block__load(state->skeleton) : -errno;
	if (!result)
		result = block__attach(state->skeleton);
	if (result) {
		bpf_close(state);
		return explain(error, root, result);
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
