/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qemu-options.h - QEMU's "key=value,key=value" and JSON option arguments, as
 * one flat list: {"cache": {"direct": true}} and cache.direct=on read alike.
 */
#ifndef VMENERGY_HOST_QEMU_OPTIONS_H
#define VMENERGY_HOST_QEMU_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct qemu_option {
	char *key, *value;
};

struct qemu_options { /* start from {0} */
	struct qemu_option *items;
	size_t count, capacity;
};

/*
 * Parse `text`; its first item may be a bare value, whose key is `implied`
 * (NULL: none is). A doubled comma in a value stands for one comma; a bare key
 * means "on". 0, -EINVAL (not JSON) or -ENOMEM.
 */
int qemu_options_parse(struct qemu_options *options, const char *text, const char *implied);
int qemu_options_add(struct qemu_options *options, const char *key, const char *value);
void qemu_options_clear(struct qemu_options *options);

/* The value of PREFIX + KEY; the last one given rules; NULL = not given. */
const char *qemu_options_get(const struct qemu_options *options, const char *prefix,
			     const char *key);
/* Is it given and on, as QEMU spells it? */
bool qemu_options_on(const struct qemu_options *options, const char *prefix, const char *key);

#endif
