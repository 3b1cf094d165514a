/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-xml.c - a domain's definition, as libvirt's formatdomain.html
 * describes it, read through libxml2 without network, entities or messages.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/numbers.h"
#include "base/text.h"
#include "host/libvirt-view.h"

enum { XML_MAX_BYTES = 16 << 20 };

static const char *local_name(const xmlNode *node)
{
	return (const char *)node->name;
}

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp(local_name(node), name) == 0;
}

/* The next element called `name`, from `node` on among its siblings; NULL = none. */
static xmlNode *next_element(xmlNode *node, const char *name)
{
	while (node && !is_element(node, name))
		node = node->next;
	return node;
}

static xmlNode *child_element(const xmlNode *parent, const char *name)
{
	return parent ? next_element(parent->children, name) : NULL;
}

/* Owned by the caller; NULL = not there. */
static char *attribute(xmlNode *node, const char *name)
{
	return node ? (char *)xmlGetProp(node, (const xmlChar *)name) : NULL;
}

static bool attribute_is(xmlNode *node, const char *name, const char *value)
{
	char *text = attribute(node, name);
	bool same = text && strcmp(text, value) == 0;

	free(text);
	return same;
}

/* A number of int's range, or -1. */
static int attribute_number(xmlNode *node, const char *name)
{
	char *text = attribute(node, name);
	uint64_t value;
	int number = -1;

	if (text && number_parse_u64(text, &value) == 0 && value <= INT_MAX)
		number = (int)value;
	free(text);
	return number;
}

/* The text inside, without blanks around it; NULL when nothing is left. */
static char *content(const xmlNode *node)
{
	char *text = node ? (char *)xmlNodeGetContent(node) : NULL;
	char *begin = text;
	size_t length;

	if (!text)
		return NULL;
	while (isspace((unsigned char)*begin))
		begin++;
	length = strlen(begin);
	while (length && isspace((unsigned char)begin[length - 1]))
		length--;
	memmove(text, begin, length);
	text[length] = '\0';
	if (length)
		return text;
	free(text);
	return NULL;
}

static void add_host(struct text *url, xmlNode *host)
{
	char *name = attribute(host, "name"), *port = attribute(host, "port");

	/* An IPv6 address holds colons: brackets tell it from the port (RFC 3986, 3.2.2). */
	text_addf(url, name && strchr(name, ':') ? "[%s]" : "%s", name ? name : "");
	if (port)
		text_addf(url, ":%s", port);
	free(name);
	free(port);
}

/*
 * rbd names a pool's image on a cluster (its hosts are monitors, and may be
 * left to ceph.conf); other protocols name one server, or a local socket.
 */
static void network_url(struct text *url, xmlNode *source)
{
	xmlNode *host = child_element(source, "host");
	char *protocol = attribute(source, "protocol"), *name = attribute(source, "name");
	char *query = attribute(source, "query"), *path = attribute(host, "socket");
	const char *what = name ? name : "";

	text_add(url, protocol ? protocol : "network");
	if (!host || (protocol && strcmp(protocol, "rbd") == 0)) {
		text_addf(url, ":%s", what);
	} else if (path) {
		text_addf(url, "+unix:///%s?socket=%s", what, path);
	} else {
		text_add(url, "://");
		add_host(url, host);
		if (*what)
			text_addf(url, "/%s", *what == '/' ? what + 1 : what);
		if (query)
			text_addf(url, "?%s", query);
	}
	free(protocol);
	free(name);
	free(query);
	free(path);
}

/* A whole NVMe controller that the domain drives itself: "nvme://0000:01:00.0/1". */
static void nvme_url(struct text *url, xmlNode *source)
{
	static const struct {
		const char *name, *before;
		int digits;
	} parts[] = {
		{ "domain", "", 4 }, { "bus", ":", 2 }, { "slot", ":", 2 }, { "function", ".", 1 }
	};
	xmlNode *address = child_element(source, "address");
	char *namespace = attribute(source, "namespace");

	text_add(url, "nvme://");
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char *value = attribute(address, parts[i].name);

		text_addf(url, "%s%0*lx", parts[i].before, parts[i].digits,
			  value ? strtoul(value, NULL, 16) : 0UL);
		free(value);
	}
	if (namespace)
		text_addf(url, "/%s", namespace);
	free(namespace);
}

static void volume_url(struct text *url, xmlNode *source)
{
	char *pool = attribute(source, "pool"), *volume = attribute(source, "volume");

	text_addf(url, "volume:%s/%s", pool ? pool : "", volume ? volume : "");
	free(pool);
	free(volume);
}

/* Where each type of disk says what it is made of: an attribute, or several. */
static const struct {
	const char *type, *attribute;
	void (*url)(struct text *url, xmlNode *source);
} source_kinds[] = {
	{ "file", "file", NULL },     { "block", "dev", NULL },
	{ "dir", "dir", NULL },       { "vhostuser", "path", NULL },
	{ "vhostvdpa", "dev", NULL }, { "network", NULL, network_url },
	{ "nvme", NULL, nvme_url },   { "volume", NULL, volume_url },
};

static char *source_of(const char *type, xmlNode *source)
{
	struct text url = { 0 };
	char *path;

	if (!source)
		return strdup("");
	for (size_t i = 0; i < sizeof source_kinds / sizeof *source_kinds; i++) {
		if (strcmp(type, source_kinds[i].type) != 0)
			continue;
		if (source_kinds[i].attribute) {
			path = attribute(source, source_kinds[i].attribute);
			return path ? path : strdup("");
		}
		source_kinds[i].url(&url, source);
		if (!url.failed)
			return url.bytes;
		text_free(&url);
		return NULL;
	}
	return strdup("");
}

/* The I/O thread of the SCSI controller that the disk hangs on; 0 = none. */
static int controller_iothread(xmlNode *disk)
{
	int index = attribute_number(child_element(disk, "address"), "controller");
	xmlNode *node = child_element(disk->parent, "controller");

	if (index < 0 || !attribute_is(child_element(disk, "target"), "bus", "scsi"))
		return 0;
	for (; node; node = next_element(node->next, "controller")) {
		int iothread = attribute_number(child_element(node, "driver"), "iothread");

		if (attribute_is(node, "type", "scsi") && attribute_number(node, "index") == index)
			return iothread > 0 ? iothread : 0;
	}
	return 0;
}

/* The one I/O thread that serves the disk; 0 when the main loop or several threads do. */
static int disk_iothread(xmlNode *disk)
{
	xmlNode *driver = child_element(disk, "driver");
	xmlNode *mapped = child_element(child_element(driver, "iothreads"), "iothread");
	int number = attribute_number(driver, "iothread");

	if (mapped)
		number =
			next_element(mapped->next, "iothread") ? 0 : attribute_number(mapped, "id");
	if (number < 0)
		number = controller_iothread(disk);
	return number;
}

static int read_disk(struct libvirt_disk *disk, xmlNode *node)
{
	xmlNode *driver = child_element(node, "driver");

	disk->target = attribute(child_element(node, "target"), "dev");
	disk->type = attribute(node, "type");
	if (!disk->target)
		disk->target = strdup("");
	if (!disk->type)
		disk->type = strdup("file");
	if (!disk->target || !disk->type)
		return -ENOMEM;
	disk->source = source_of(disk->type, child_element(node, "source"));
	disk->direct = attribute_is(driver, "cache", "none") ||
		       attribute_is(driver, "cache", "directsync");
	disk->iothread = disk_iothread(node);
	return disk->source ? 0 : -ENOMEM;
}

static int read_disks(struct libvirt_domain *domain, const xmlNode *root)
{
	xmlNode *first = child_element(child_element(root, "devices"), "disk");
	size_t count = 0;

	for (xmlNode *node = first; node; node = next_element(node->next, "disk"))
		count++;
	domain->disks = count ? calloc(count, sizeof *domain->disks) : NULL;
	if (count && !domain->disks)
		return -ENOMEM;
	for (xmlNode *node = first; node; node = next_element(node->next, "disk"))
		if (read_disk(&domain->disks[domain->disk_count++], node))
			return -ENOMEM;
	return 0;
}

static bool in_namespace(const xmlNode *node, const char *part)
{
	return node->ns && node->ns->href && strstr((const char *)node->ns->href, part);
}

/* <owner> of our own namespace, anywhere below. The parser bounds the depth. */
static xmlNode *find_own_owner(xmlNode *node)
{
	for (; node; node = node->next) {
		xmlNode *found;

		if (is_element(node, "owner") && in_namespace(node, "vmenergy"))
			return node;
		found = node->type == XML_ELEMENT_NODE ? find_own_owner(node->children) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static void read_metadata(struct libvirt_domain *domain, const xmlNode *root)
{
	xmlNode *metadata = child_element(root, "metadata");
	xmlNode *nova = child_element(metadata, "instance"), *owner;

	while (nova && !in_namespace(nova, "openstack.org/xmlns/libvirt/nova"))
		nova = next_element(nova->next, "instance");
	owner = child_element(nova, "owner");
	domain->display_name = content(child_element(nova, "name"));
	domain->owner = metadata ? content(find_own_owner(metadata->children)) : NULL;
	/* An instance belongs to its project; the user only made it. */
	if (!domain->owner)
		domain->owner = content(child_element(owner, "project"));
	if (!domain->owner)
		domain->owner = content(child_element(owner, "user"));
}

static xmlDoc *parse(const char *xml, struct error *error)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	size_t length = strlen(xml);
	xmlParserCtxt *context;
	const xmlError *mistake;
	xmlDoc *document;

	if (length > XML_MAX_BYTES) {
		error_setf(error, EINVAL, "definition of %zu bytes: at most %d", length,
			   XML_MAX_BYTES);
		return NULL;
	}
	context = xmlNewParserCtxt();
	if (!context) {
		error_setf(error, ENOMEM, "out of memory");
		return NULL;
	}
	document = xmlCtxtReadMemory(context, xml, (int)length, NULL, NULL, options);
	mistake = xmlCtxtGetLastError(context);
	if (!document)
		error_setf(error, EINVAL, "definition, line %d: %.*s", mistake ? mistake->line : 0,
			   mistake && mistake->message ? (int)strcspn(mistake->message, "\n") : 0,
			   mistake && mistake->message ? mistake->message : "");
	xmlFreeParserCtxt(context);
	return document;
}

/* A document type could declare entities; libvirt writes none. */
static int check_root(xmlDoc *document, const xmlNode *root, struct error *error)
{
	if (xmlGetIntSubset(document))
		return error_setf(error, EINVAL, "definition: a document type is not allowed");
	if (!root || !is_element(root, "domain"))
		return error_setf(error, EINVAL, "definition: <%s>, not <domain>",
				  root ? local_name(root) : "");
	return 0;
}

/* Counters go on when a definition is read again. */
static void carry_readings(struct libvirt_domain *fresh, struct libvirt_domain *old)
{
	for (size_t i = 0; i < fresh->disk_count; i++) {
		for (size_t k = 0; k < old->disk_count; k++) {
			if (strcmp(fresh->disks[i].target, old->disks[k].target) != 0)
				continue;
			fresh->disks[i].io = old->disks[k].io;
			free(fresh->disks[i].path_seen);
			fresh->disks[i].path_seen = old->disks[k].path_seen;
			old->disks[k].path_seen = NULL;
		}
	}
}

int libvirt_domain_xml(struct libvirt_domain *domain, const char *xml, struct error *error)
{
	struct libvirt_domain fresh = { 0 }, old = { 0 };
	xmlDoc *document = parse(xml, error);
	const xmlNode *root;
	int result;

	if (!document)
		return -EINVAL;
	root = xmlDocGetRootElement(document);
	result = check_root(document, root, error);
	if (result)
		goto out;
	result = read_disks(&fresh, root);
	if (result) {
		error_setf(error, ENOMEM, "out of memory");
		goto out;
	}
	read_metadata(&fresh, root);
	carry_readings(&fresh, domain);
	old.disks = domain->disks;
	old.disk_count = domain->disk_count;
	old.owner = domain->owner;
	old.display_name = domain->display_name;
	domain->disks = fresh.disks;
	domain->disk_count = fresh.disk_count;
	domain->owner = fresh.owner;
	domain->display_name = fresh.display_name;
	fresh = old;
out:
	libvirt_domain_clear(&fresh);
	xmlFreeDoc(document);
	return result;
}
