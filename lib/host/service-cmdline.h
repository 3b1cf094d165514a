/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * service-cmdline.h - a service's command line in words; between
 * service-cmdline.c and service-daemon.c.
 */
#ifndef VMENERGY_HOST_SERVICE_CMDLINE_H
#define VMENERGY_HOST_SERVICE_CMDLINE_H

#include "host/qemu-cmdline.h"
#include "host/service.h"

enum service_word {
	WORD_NONE, /* of no interest */
	WORD_FILE, /* no option */
	WORD_BLOCKDEV,
	WORD_CHARDEV,
	WORD_EXPORT,
	WORD_MONITOR,
	WORD_NBD_SERVER,
	WORD_OBJECT,
	WORD_SOCKET,
	WORD_PORT,
	WORD_BIND,
	WORD_NAME,
	WORD_CONNECT,
	WORD_CACHE,
	WORD_NOCACHE,
	WORD_AIO,
	WORD_IMAGE_OPTS,
	WORD_FD,
	WORD_SHARED,
	WORD_SUBOPTIONS,
};

struct service_option {
	char letter; /* 0 = it has none */
	const char *name;
	enum service_word word;
	bool takes; /* an argument */
};

struct service_words {
	const char *next, *end;
	const char *cluster; /* what is left of "-abc" */
	const struct service_option *options;
	size_t option_count;
};

/* The next option, or WORD_FILE for what is none; *value: its argument. False at the end. */
bool service_next_word(struct service_words *words, enum service_word *word, const char **value);

/* *target becomes a copy of the text, unless that is NULL. 0 or -ENOMEM. */
int service_copy(char **target, const char *text);
/* What is behind it. 0 or -ENOMEM. */
int service_set_medium(struct service_export *export, const struct qemu_medium *medium);

int service_parse_daemon(struct service_words *words, struct service_process *process);

#endif
