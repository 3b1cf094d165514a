/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/service.h"

void service_address_clear(struct service_address *address)
{
	free(address->place);
	free(address->port);
	free(address->export);
	free(address->path);
	*address = (struct service_address){ 0 };
}

static int set(char **target, const char *text, size_t length)
{
	free(*target);
	*target = strndup(text, length);
	return *target ? 0 : -ENOMEM;
}

static const char *behind(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);

	return strncmp(text, beginning, length) == 0 ? text + length : NULL;
}

static int parse_unix(const char *path, struct service_address *address)
{
	address->door = SERVICE_UNIX;
	return set(&address->place, path, strlen(path));
}

/* "unix:PATH[:exportname=NAME]" or "HOST:PORT[:exportname=NAME]": QEMU's own old way. */
static int parse_old_nbd(const char *text, struct service_address *address)
{
	static const char mark[] = ":exportname=";
	const char *name = strstr(text, mark), *path = behind(text, "unix:"), *colon;
	size_t length = name ? (size_t)(name - text) : strlen(text);
	int result;

	if (name && set(&address->export, name + strlen(mark), strlen(name + strlen(mark))))
		return -ENOMEM;
	if (path) {
		address->door = SERVICE_UNIX;
		return set(&address->place, path, length - (size_t)(path - text));
	}
	colon = memrchr(text, ':', length);
	if (!colon)
		return -ENOENT;
	address->door = SERVICE_TCP;
	result = set(&address->place, text, (size_t)(colon - text));
	return result ? result
		      : set(&address->port, colon + 1, length - (size_t)(colon + 1 - text));
}

/* "/[EXPORT]?socket=PATH" */
static int parse_unix_url(const char *text, struct service_address *address)
{
	static const char mark[] = "?socket=";
	const char *query = strstr(text, mark);
	int result = 0;

	if (!query)
		return -ENOENT;
	text += *text == '/';
	if (query > text)
		result = set(&address->export, text, (size_t)(query - text));
	return result ? result : parse_unix(query + strlen(mark), address);
}

/* "HOST[:PORT][/EXPORT]", HOST may be "[IPv6]" */
static int parse_tcp_url(const char *text, struct service_address *address)
{
	bool bracketed = *text == '[';
	const char *begin = text + bracketed,
		   *end = begin + strcspn(begin, bracketed ? "]" : ":/?");
	const char *rest = end + (bracketed && *end);
	size_t length = *rest == ':' ? strcspn(rest + 1, "/?") : 0;
	int result = set(&address->place, begin, (size_t)(end - begin));

	address->door = SERVICE_TCP;
	if (!result)
		result = set(&address->port, length ? rest + 1 : SERVICE_NBD_PORT,
			     length ? length : strlen(SERVICE_NBD_PORT));
	rest = strchr(rest, '/');
	if (!result && rest && rest[1] && rest[1] != '?')
		result = set(&address->export, rest + 1, strcspn(rest + 1, "?"));
	return result;
}

static int parse_file(const char *text, struct service_address *address)
{
	address->door = SERVICE_FILE;
	return set(&address->place, text, strlen(text));
}

/* The first beginning that fits rules. */
static const struct form {
	const char *beginning;
	size_t keep; /* bytes of it that belong to what is parsed */
	int (*parse)(const char *text, struct service_address *address);
} forms[] = {
	{ "vhost-user:", 0, parse_unix }, { "nbd+unix://", 0, parse_unix_url },
	{ "nbd://", 0, parse_tcp_url },   { "nbd+tcp://", 0, parse_tcp_url },
	{ "nbd:", 0, parse_old_nbd },     { "/", 1, parse_file },
};

int service_address_parse(const char *source, struct service_address *address)
{
	int result = -ENOENT;

	*address = (struct service_address){ 0 };
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const char *rest = behind(source, forms[i].beginning);

		if (!rest)
			continue;
		result = forms[i].parse(rest - forms[i].keep, address);
		break;
	}
	if (result)
		service_address_clear(address);
	return result;
}
