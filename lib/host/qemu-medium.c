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

/* Its keys once stood without "server.". */
static const char *nbd_value(const struct qemu_options *options, const char *prefix,
			     const char *key)
{
	char full[32];
	const char *value;

	snprintf(full, sizeof full, "server.%s", key);
	value = qemu_options_get(options, prefix, full);
	return value ? value : qemu_options_get(options, prefix, key);
}

/* As an address of the NBD URI specification (doc/uri.md of the nbd project). */
static void add_nbd_url(struct text *url, const struct qemu_options *options, const char *prefix)
{
	const char *path = nbd_value(options, prefix, "path");
	const char *host = nbd_value(options, prefix, "host");
	const char *port = nbd_value(options, prefix, "port");
	const char *export = qemu_options_get(options, prefix, "export");

	text_reset(url);
	if (path) {
		text_addf(url, "nbd+unix:///%s?socket=%s", export ? export : "", path);
		return;
	}
	text_addf(url, host && strchr(host, ':') ? "nbd://[%s]" : "nbd://%s", host ? host : "");
	if (port)
		text_addf(url, ":%s", port);
	if (export)
		text_addf(url, "/%s", export);
}

static bool set_remote(struct qemu_medium *medium, const struct qemu_options *options,
		       const char *prefix)
{
	const char *driver = qemu_options_get(options, prefix, "driver"), *value;
	const struct remote *remote = remotes, *end = remotes + sizeof remotes / sizeof *remotes;
	bool later = false;

	if (driver && strcmp(driver, "nbd") == 0) {
		add_nbd_url(&medium->source, options, prefix);
		return true;
	}
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
	const char *group = medium->throttle_group;
	struct qemu_options options = { 0 };

	if (qemu_options_parse(&options, json, NULL) == 0)
		find_medium(elements, &options, "", depth + 1, medium);
	medium->throttle_group = group; /* not one that is gone with these options */
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

/* The node of that name, on its own or written inside another: its options and their prefix. */
static const struct qemu_options *find_node(const struct qemu_elements *elements, const char *name,
					    char *prefix, size_t size)
{
	static const char key[] = "node-name";

	for (size_t i = 0; i < elements->count; i++) {
		const struct qemu_options *options = &elements->items[i].options;

		for (size_t k = 0; elements->items[i].kind == QEMU_BLOCKDEV && k < options->count;
		     k++) {
			const struct qemu_option *option = &options->items[k];
			size_t length = strlen(option->key);
			size_t before = length < strlen(key) ? size : length - strlen(key);

			if (before >= size || strcmp(option->key + before, key) != 0 ||
			    strcmp(option->value, name) != 0)
				continue;
			snprintf(prefix, size, "%.*s", (int)before, option->key);
			return options;
		}
	}
	return NULL;
}

static bool find_named_medium(const struct qemu_elements *elements, const char *name,
			      unsigned depth, struct qemu_medium *medium)
{
	char prefix[128];
	const struct qemu_options *options = find_node(elements, name, prefix, sizeof prefix);

	if (options)
		find_medium(elements, options, prefix, depth, medium);
	return options != NULL;
}

bool qemu_find_named_medium(const struct qemu_elements *elements, const char *name,
			    struct qemu_medium *medium)
{
	return find_named_medium(elements, name, 0, medium);
}

/* Formats and filters stand on a child: a node of its own by name, or written inside. */
static void find_child_medium(const struct qemu_elements *elements,
			      const struct qemu_options *options, const char *prefix,
			      unsigned depth, struct qemu_medium *medium)
{
	static const char *const children[] = { "file", "image", "children.0", "test" };
	char inside[128];
	const char *name;

	for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
		name = qemu_options_get(options, prefix, children[i]);
		if (name && find_named_medium(elements, name, depth + 1, medium))
			return;
		snprintf(inside, sizeof inside, "%s%s.", prefix, children[i]);
		if (!name && (qemu_options_get(options, inside, "driver") ||
			      qemu_options_get(options, inside, "filename"))) {
			find_medium(elements, options, inside, depth + 1, medium);
			return;
		}
	}
}

/* Drivers that hand on what they are asked as it is. */
static bool is_plain(const char *driver)
{
	static const char *const plain[] = {
		"file", "host_device", "host_cdrom", "raw", "throttle", "copy-on-read",
	};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (strcmp(driver, plain[i]) == 0)
			return true;
	return false;
}

/* "native" and "io_uring" submit where the node is served; "threads", the default, does not. */
static void note_node(const struct qemu_options *options, const char *prefix,
		      struct qemu_medium *medium)
{
	const char *aio = qemu_options_get(options, prefix, "aio");
	const char *group = qemu_options_get(options, prefix, "throttle-group");
	const char *driver = qemu_options_get(options, prefix, "driver");

	if (driver && !is_plain(driver))
		medium->image = true;
	if (qemu_options_on(options, prefix, "cache.direct"))
		medium->direct = true;
	if (aio)
		medium->submits = strcmp(aio, "threads") != 0;
	if (group && medium->throttle_group)
		medium->more_groups = true;
	else if (group)
		medium->throttle_group = group;
}

/* Walk a chain of block nodes down to the one that names a file or a server. */
static void find_medium(const struct qemu_elements *elements, const struct qemu_options *options,
			const char *prefix, unsigned depth, struct qemu_medium *medium)
{
	const char *name = qemu_options_get(options, prefix, "filename");

	if (depth > NODE_DEPTH_MAX)
		return;
	note_node(options, prefix, medium);
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
