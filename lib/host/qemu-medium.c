/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "host/qemu-cmdline.h"

enum { NODE_DEPTH_MAX = 16 };

/* Block drivers that are no local file: their place as one line, from these keys. */
static const struct remote {
	const char *driver, *prefix;
	const char *keys[3];
} remotes[] = {
	{ "nbd", "nbd://", { "server.host", "server.path", "export" } },
	{ "rbd", "rbd:", { "pool", "image" } },
	{ "iscsi", "iscsi://", { "portal", "target", "lun" } },
	{ "http", "", { "url" } },
	{ "https", "", { "url" } },
	{ "ftp", "", { "url" } },
	{ "ftps", "", { "url" } },
	{ "ssh", "ssh://", { "server.host", "path" } },
	{ "nfs", "nfs://", { "server.host", "path" } },
	{ "gluster", "gluster://", { "volume", "path" } },
	{ "nvme", "nvme://", { "device", "namespace" } },
	{ "null-co", "null-co://", { NULL } },
	{ "null-aio", "null-aio://", { NULL } },
	{ "virtio-blk-vhost-user", "vhost-user:", { "path" } },
};

static void set_source(struct qemu_medium *medium, const char *source)
{
	static const char *const local[] = { "file:", "host_device:", "host_cdrom:" };

	for (size_t i = 0; i < sizeof local / sizeof *local; i++)
		if (strncmp(source, local[i], strlen(local[i])) == 0) {
			source += strlen(local[i]);
			break;
		}
	text_reset(&medium->source);
	text_add(&medium->source, source);
}

static bool set_remote(struct qemu_medium *medium, const struct qemu_options *options,
		       const char *prefix)
{
	const char *driver = qemu_options_get(options, prefix, "driver"), *value;
	const struct remote *remote = remotes, *end = remotes + sizeof remotes / sizeof *remotes;
	bool later = false;

	while (remote < end && (!driver || strcmp(driver, remote->driver) != 0))
		remote++;
	if (remote == end)
		return false;
	text_reset(&medium->source);
	text_add(&medium->source, remote->prefix);
	for (size_t i = 0; i < 3 && remote->keys[i]; i++) {
		value = qemu_options_get(options, prefix, remote->keys[i]);
		if (value)
			text_addf(&medium->source, "%s%s", later ? "/" : "", value);
		later = later || value;
	}
	return true;
}

static void find_medium(const struct qemu_elements *elements, const struct qemu_options *options,
			const char *prefix, unsigned depth, struct qemu_medium *medium);

/* A file name may itself be a description in JSON. */
static void find_json_medium(const struct qemu_elements *elements, const char *json, unsigned depth,
			     struct qemu_medium *medium)
{
	struct qemu_options options = { 0 };

	if (qemu_options_parse(&options, json, NULL) == 0)
		find_medium(elements, &options, "", depth + 1, medium);
	qemu_options_clear(&options);
}

static void set_filename(const struct qemu_elements *elements, const char *name, unsigned depth,
			 struct qemu_medium *medium)
{
	if (strncmp(name, "json:", strlen("json:")) == 0)
		find_json_medium(elements, name + strlen("json:"), depth, medium);
	else
		set_source(medium, name);
}

/* Formats and filters stand on a child: a node of its own by name, or written inside. */
static void find_child_medium(const struct qemu_elements *elements,
			      const struct qemu_options *options, const char *prefix,
			      unsigned depth, struct qemu_medium *medium)
{
	static const char *const children[] = { "file", "image", "children.0", "test" };
	const struct qemu_options *node;
	char inside[128];
	const char *name;

	for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
		name = qemu_options_get(options, prefix, children[i]);
		node = name ? qemu_element_find(elements, QEMU_BLOCKDEV, "node-name", name) : NULL;
		if (node) {
			find_medium(elements, node, "", depth + 1, medium);
			return;
		}
		snprintf(inside, sizeof inside, "%s%s.", prefix, children[i]);
		if (!name && (qemu_options_get(options, inside, "driver") ||
			      qemu_options_get(options, inside, "filename"))) {
			find_medium(elements, options, inside, depth + 1, medium);
			return;
		}
	}
}

/* Walk a chain of block nodes down to the one that names a file or a server. */
static void find_medium(const struct qemu_elements *elements, const struct qemu_options *options,
			const char *prefix, unsigned depth, struct qemu_medium *medium)
{
	const char *name = qemu_options_get(options, prefix, "filename");

	if (depth > NODE_DEPTH_MAX)
		return;
	if (qemu_options_on(options, prefix, "cache.direct"))
		medium->direct = true;
	if (name)
		set_filename(elements, name, depth, medium);
	else if (!set_remote(medium, options, prefix))
		find_child_medium(elements, options, prefix, depth, medium);
}

void qemu_find_drive_medium(const struct qemu_elements *elements, const struct qemu_options *drive,
			    struct qemu_medium *medium)
{
	const char *name = qemu_options_get(drive, "", "file");
	const char *cache = qemu_options_get(drive, "", "cache");

	medium->direct =
		(cache && (strcmp(cache, "none") == 0 || strcmp(cache, "directsync") == 0 ||
			   strcmp(cache, "off") == 0)) ||
		qemu_options_on(drive, "", "cache.direct");
	if (name)
		set_filename(elements, name, 0, medium);
	else
		find_medium(elements, drive, "", 0, medium);
}

void qemu_find_node_medium(const struct qemu_elements *elements, const struct qemu_options *node,
			   struct qemu_medium *medium)
{
	find_medium(elements, node, "", 0, medium);
}
