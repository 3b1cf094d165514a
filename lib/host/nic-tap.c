/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nic-tap.c - the vNICs of a QEMU process: the taps and macvtaps that it holds
 * open, whoever opened them, and from its command line those that are neither.
 */
#include "host/nic.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/numbers.h"
#include "base/proc.h"
#include "base/text.h"
#include "host/qemu-options.h"

/* Anybody can write a command line: more than these are as if they were not there. */
enum { VNICS_MAX = 256 };

struct vnics { /* of one domain, in the making */
	struct vnic *items;
	size_t count, capacity;
};

static bool has_name(const struct vnics *vnics, const char *name)
{
	for (size_t i = 0; i < vnics->count; i++)
		if (strcmp(vnics->items[i].name, name) == 0)
			return true;
	return false;
}

/* NULL: out of memory. */
static struct vnic *add(struct vnics *vnics, const char *name)
{
	struct vnic *vnic;

	vnic = MEMORY_APPEND(vnics);
	if (!vnic)
		return NULL;
	vnic->name = strdup(name);
	if (vnic->name)
		return vnic;
	vnics->count--;
	return NULL;
}

/* --- descriptors -------------------------------------------------------------------------- */

/* "iff:\tvnet0" in the tap's fdinfo. */
static bool read_tap_name(const struct rootfs *root, pid_t pid, pid_t fd, char *name, size_t size)
{
	static const char key[] = "\niff:\t";
	char text[1024];
	const char *line;
	size_t length;

	if (rootfs_readf(root, text, sizeof text, "/proc/%d/fdinfo/%d", (int)pid, (int)fd) < 0)
		return false;
	line = strstr(text, key);
	if (!line)
		return false;
	line += strlen(key);
	length = strcspn(line, "\n");
	if (length == 0 || length >= size)
		return false;
	memcpy(name, line, length);
	name[length] = '\0';
	return true;
}

/* /dev/tapN is that of interface N; sysfs has it below that interface: ".../net/NAME/...". */
static bool find_macvtap(const struct rootfs *root, const char *link, char *name, size_t size)
{
	const char *cursor = link + strlen("/dev/tap");
	char target[PATH_MAX];
	const char *net;
	uint64_t index;
	size_t length;

	if (number_scan_u64(&cursor, &index) ||
	    rootfs_linkf(root, target, sizeof target, "/sys/class/macvtap/tap%llu",
			 (unsigned long long)index) <= 0)
		return false;
	net = strstr(target, "/net/");
	if (!net)
		return false;
	net += strlen("/net/");
	length = strcspn(net, "/");
	if (length == 0 || length >= size)
		return false;
	memcpy(name, net, length);
	name[length] = '\0';
	return true;
}

static bool read_name(const struct rootfs *root, pid_t pid, pid_t fd, char *name, size_t size)
{
	char link[PATH_MAX];

	if (rootfs_linkf(root, link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)fd) <= 0)
		return false;
	if (strcmp(link, "/dev/net/tun") == 0)
		return read_tap_name(root, pid, fd, name, size);
	return strncmp(link, "/dev/tap", strlen("/dev/tap")) == 0 &&
	       find_macvtap(root, link, name, size);
}

/* An interface with several queues has several descriptors. */
static bool is_new(const struct vnics *vnics, const char *name)
{
	return vnics->count < VNICS_MAX && !has_name(vnics, name);
}

static int add_taps(const struct rootfs *root, pid_t pid, struct vnics *vnics)
{
	struct proc_ids ids = { 0 };
	char name[64];
	int result = proc_read_ids(root, pid, "fd", &ids) == -ENOMEM ? -ENOMEM : 0;

	for (size_t i = 0; i < ids.count && !result; i++)
		if (read_name(root, pid, ids.items[i].id, name, sizeof name) &&
		    is_new(vnics, name) && !add(vnics, name))
			result = -ENOMEM;
	proc_ids_clear(&ids);
	return result;
}

/* An interface of another network namespace is neither counted nor linked in ours. */
static bool is_elsewhere(const struct rootfs *root, pid_t pid)
{
	char own[64], its[64];

	return rootfs_linkf(root, own, sizeof own, "/proc/self/ns/net") > 0 &&
	       rootfs_linkf(root, its, sizeof its, "/proc/%d/ns/net", (int)pid) > 0 &&
	       strcmp(own, its) != 0;
}

static int resolve(const struct rootfs *root, pid_t pid, struct vnics *vnics, struct nic_list *nics)
{
	bool elsewhere = vnics->count > 0 && is_elsewhere(root, pid);
	int result = 0;

	for (size_t i = 0; i < vnics->count && !result; i++) {
		struct vnic *vnic = &vnics->items[i];

		if (!elsewhere) {
			result = nic_resolve(root, vnic, nics);
			continue;
		}
		vnic->unseen = true;
		result = text_replace(&vnic->reason, "in another network namespace");
	}
	return result;
}

/* --- the command line --------------------------------------------------------------------- */

/* What is no tap; any other type is one, and was found above. */
static const struct {
	const char *type, *reason;
} backends[] = {
	{ "user", "inside QEMU" },
	{ "passt", "at passt, another process" },
	{ "stream", "at another process" },
	{ "dgram", "at another process" },
	{ "socket", "at another process" },
	{ "vde", "at another process" },
	{ "vhost-user", "at a vhost-user back end" },
	{ "vhost-vdpa", "at a vDPA device" },
	{ "af-xdp", "on a card's queue of its own" },
};

static int add_backend(const char *argument, struct vnics *vnics)
{
	struct qemu_options options = { 0 };
	const char *type = NULL, *id = NULL, *reason = NULL;
	struct vnic *vnic;
	int result = qemu_options_parse(&options, argument, "type");

	if (result == 0) {
		type = qemu_options_get(&options, "", "type");
		id = qemu_options_get(&options, "", "id");
	}
	for (size_t i = 0; type && i < sizeof backends / sizeof *backends; i++)
		if (strcmp(backends[i].type, type) == 0)
			reason = backends[i].reason;
	/* One of a tap's name does not hide that. */
	if (reason && is_new(vnics, id ? id : type)) {
		vnic = add(vnics, id ? id : type);
		result = vnic ? text_replace(&vnic->reason, reason) : -ENOMEM;
		if (vnic)
			vnic->unseen = true;
	}
	qemu_options_clear(&options);
	return result == -ENOMEM ? result : 0;
}

static bool is_netdev(const char *option)
{
	option += option[0] == '-' && option[1] == '-';
	return strcmp(option, "-netdev") == 0 || strcmp(option, "-nic") == 0;
}

static int add_others(const struct rootfs *root, pid_t pid, struct vnics *vnics)
{
	char *text = NULL;
	long length = rootfs_read_allf(root, &text, "/proc/%d/cmdline", (int)pid);
	const char *end = text + (length > 0 ? length : 0);
	int result = length == -ENOMEM ? -ENOMEM : 0;

	for (const char *at = text; length > 0 && at < end && !result; at += strlen(at) + 1) {
		const char *argument = at + strlen(at) + 1;

		if (is_netdev(at) && argument < end)
			result = add_backend(argument, vnics);
	}
	if (length >= 0)
		free(text);
	return result;
}

int nic_find(const struct rootfs *root, struct domain *domain, struct nic_list *nics)
{
	struct vnics vnics = { 0 };
	int result = 0;

	if (domain->pid > 0) {
		result = add_taps(root, domain->pid, &vnics);
		if (!result)
			result = resolve(root, domain->pid, &vnics, nics);
		if (!result)
			result = add_others(root, domain->pid, &vnics);
	}
	domain->vnics = vnics.items;
	domain->vnic_count = vnics.count;
	return result;
}
