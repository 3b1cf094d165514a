/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/text.h"
#include "host/storage-walk.h"

#define CLASS "/sys/class/net"

enum { LAYERS_MAX = 8 }; /* a macvtap on a VLAN on a bond on two cards is four */

/* --- cards -------------------------------------------------------------------------------- */

static void master_clear(struct nic_master *master)
{
	free(master->name);
	free(master->leaves);
}

void nic_list_forget_masters(struct nic_list *list)
{
	for (size_t i = 0; i < list->masters.count; i++)
		master_clear(&list->masters.items[i]);
	free(list->masters.items);
	memset(&list->masters, 0, sizeof list->masters);
}

void nic_list_clear(struct nic_list *list)
{
	nic_list_forget_masters(list);
	for (size_t i = 0; i < list->count; i++)
		nic_clear(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof *list);
}

/* The last part of where PATH below the interface's folder leads; "" = nowhere. */
static void read_link_name(const struct rootfs *root, const char *interface, const char *path,
			   char *name, size_t size)
{
	char target[PATH_MAX];
	const char *last;

	*name = '\0';
	if (rootfs_linkf(root, target, sizeof target, CLASS "/%s/%s", interface, path) <= 0)
		return;
	last = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
	if (strlen(last) < size)
		strcpy(name, last);
}

static bool has(const struct rootfs *root, const char *interface, const char *what)
{
	int fd = rootfs_openf(root, O_PATH, CLASS "/%s/%s", interface, what);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* "0x8086", without its beginning and its end. */
static bool read_number(const struct rootfs *root, const char *interface, const char *what,
			char number[16])
{
	char text[16];

	if (rootfs_readf(root, text, sizeof text, CLASS "/%s/device/%s", interface, what) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	strcpy(number, strncmp(text, "0x", 2) == 0 ? text + 2 : text);
	return true;
}

static int fill_nic(const struct rootfs *root, const char *name, struct nic *nic)
{
	char driver[64], vendor[16], device[16], model[40] = "", state[16] = "";
	unsigned long long speed;

	read_link_name(root, name, "device/driver", driver, sizeof driver);
	if (read_number(root, name, "vendor", vendor) && read_number(root, name, "device", device))
		snprintf(model, sizeof model, "%s:%s", vendor, device);
	/* Without a link it cannot be read, or is -1. */
	if (rootfs_read_u64f(root, &speed, CLASS "/%s/speed", name) == 0 && speed <= UINT_MAX / 2)
		nic->speed_mbits = (unsigned)speed;
	/* "unknown" is what drivers say that do not follow their link. */
	rootfs_readf(root, state, sizeof state, CLASS "/%s/operstate", name);
	nic->up = strncmp(state, "up", 2) == 0 || strncmp(state, "unknown", 7) == 0;
	nic->name = strdup(name);
	nic->driver = strdup(driver);
	nic->model = strdup(model);
	return nic->name && nic->driver && nic->model ? 0 : -ENOMEM;
}

int nic_leaves(const struct rootfs *root, struct nic_list *nics)
{
	char **names;
	long count = storage_list_folder(root, CLASS, &names);
	int result = count < 0 ? (int)count : 0;

	for (long i = 0; i < count && !result; i++) {
		struct nic *nic;

		if (!has(root, names[i], "device"))
			continue;
		nic = MEMORY_APPEND(nics);
		result = nic ? fill_nic(root, names[i], nic) : -ENOMEM;
	}
	storage_free_names(names, count);
	return result;
}

uint64_t nic_list_sum(const struct nic_list *nics)
{
	uint64_t sum = HASH_START;

	for (size_t i = 0; i < nics->count; i++)
		sum = hash_bytes(sum, nics->items[i].name, strlen(nics->items[i].name) + 1);
	return sum;
}

static size_t find_nic(const struct nic_list *nics, const char *name)
{
	for (size_t i = 0; i < nics->count; i++)
		if (strcmp(nics->items[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* --- the way down ------------------------------------------------------------------------- */

struct walk {
	const struct rootfs *root;
	const struct nic_list *nics;
	bool *met; /* parallel to the cards */
};

static bool is_tap(const struct rootfs *root, const char *interface)
{
	return has(root, interface, "tun_flags");
}

/* A bridge's ports, too, are what lies below it; those that are guests' lead nowhere. */
static int walk_down(const struct walk *walk, const char *interface, unsigned depth)
{
	static const char lower[] = "lower_";
	size_t card = find_nic(walk->nics, interface);
	char path[128], **names;
	long count;
	int result = 0;

	if (card != SIZE_MAX) {
		walk->met[card] = true;
		return 0;
	}
	if (depth >= LAYERS_MAX || is_tap(walk->root, interface))
		return 0;
	snprintf(path, sizeof path, CLASS "/%s", interface);
	count = storage_list_folder(walk->root, path, &names);
	if (count < 0)
		return (int)count;
	for (long i = 0; i < count && !result; i++)
		if (strncmp(names[i], lower, strlen(lower)) == 0)
			result = walk_down(walk, names[i] + strlen(lower), depth + 1);
	storage_free_names(names, count);
	return result;
}

static int make_master(const struct rootfs *root, const char *interface,
		       const struct nic_list *nics, struct nic_master *master)
{
	struct walk walk = { root, nics, calloc(nics->count + 1, sizeof(bool)) };
	int result = walk.met ? walk_down(&walk, interface, 0) : -ENOMEM;

	master->name = strdup(interface);
	master->leaves = calloc(nics->count + 1, sizeof *master->leaves);
	if (!master->name || !master->leaves)
		result = -ENOMEM;
	for (size_t i = 0; i < nics->count && !result; i++)
		if (walk.met[i])
			master->leaves[master->leaf_count++] = i;
	free(walk.met);
	return result;
}

static const struct nic_master *find_master(const struct rootfs *root, const char *interface,
					    struct nic_list *nics)
{
	struct nic_master *master, fresh = { 0 };

	for (size_t i = 0; i < nics->masters.count; i++)
		if (strcmp(nics->masters.items[i].name, interface) == 0)
			return &nics->masters.items[i];
	master = make_master(root, interface, nics, &fresh) == 0 ? MEMORY_APPEND(&nics->masters)
								 : NULL;
	if (master)
		*master = fresh;
	else
		master_clear(&fresh);
	return master;
}

static int set_reason(struct vnic *vnic, const char *before, const char *name, const char *behind)
{
	struct text text = { 0 };

	text_addf(&text, "%s%s%s", before, name, behind);
	if (text.failed) {
		text_free(&text);
		return -ENOMEM;
	}
	free(vnic->reason);
	vnic->reason = text.bytes;
	return 0;
}

static int take_leaves(const struct rootfs *root, struct vnic *vnic, const char *from,
		       struct nic_list *nics)
{
	const struct nic_master *master = find_master(root, from, nics);

	if (!master)
		return -ENOMEM;
	if (master->leaf_count == 0)
		return set_reason(vnic, "", from, " leads to no network card");
	vnic->leaves = calloc(master->leaf_count, sizeof *vnic->leaves);
	if (!vnic->leaves)
		return -ENOMEM;
	memcpy(vnic->leaves, master->leaves, master->leaf_count * sizeof *vnic->leaves);
	vnic->leaf_count = master->leaf_count;
	return 0;
}

int nic_resolve(const struct rootfs *root, struct vnic *vnic, struct nic_list *nics)
{
	char master[64];

	if (!has(root, vnic->name, "ifindex")) {
		vnic->unseen = true;
		return set_reason(vnic, "", vnic->name, " is no interface here");
	}
	vnic->swapped = is_tap(root, vnic->name);
	if (!vnic->swapped)
		return take_leaves(root, vnic, vnic->name, nics);
	read_link_name(root, vnic->name, "master", master, sizeof master);
	if (!*master)
		return set_reason(vnic, "", "", "on no bridge");
	if (strcmp(master, "ovs-system") == 0)
		return set_reason(vnic, "", "", "behind Open vSwitch");
	if (!has(root, master, "bridge"))
		return set_reason(vnic, "behind ", master, ", which is no bridge");
	return take_leaves(root, vnic, master, nics);
}

/* --- a domain that is as it was ----------------------------------------------------------- */

/* A card that is gone leaves the list of leaves. */
static int copy_vnic(const struct topology *last, const struct vnic *from, struct vnic *to,
		     const struct nic_list *nics)
{
	to->unseen = from->unseen;
	to->swapped = from->swapped;
	if (text_replace(&to->name, from->name) || text_replace(&to->reason, from->reason))
		return -ENOMEM;
	to->leaves = calloc(from->leaf_count + 1, sizeof *to->leaves);
	if (!to->leaves)
		return -ENOMEM;
	for (size_t i = 0; i < from->leaf_count; i++) {
		size_t card = find_nic(nics, last->nics[from->leaves[i]].name);

		if (card != SIZE_MAX)
			to->leaves[to->leaf_count++] = card;
	}
	return 0;
}

int nic_copy(const struct topology *last, const struct domain *from, struct domain *to,
	     const struct nic_list *nics)
{
	int result = 0;

	if (from->vnic_count == 0)
		return 0;
	to->vnics = calloc(from->vnic_count, sizeof *to->vnics);
	if (!to->vnics)
		return -ENOMEM;
	for (size_t i = 0; i < from->vnic_count && !result; i++) {
		to->vnic_count++;
		result = copy_vnic(last, &from->vnics[i], &to->vnics[i], nics);
	}
	return result;
}
