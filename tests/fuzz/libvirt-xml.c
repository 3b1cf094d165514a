/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A domain's definition with any bytes in it. */
#include <stdlib.h>
#include <string.h>

#include "host/libvirt-view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *xml = malloc(size + 1);
	struct libvirt_domain domain = { 0 };
	struct error error;

	if (!xml)
		return 0;
	memcpy(xml, data, size);
	xml[size] = '\0';
	for (unsigned i = 0; i < 2; i++) /* the second time takes the readings over */
		if (libvirt_domain_xml(&domain, xml, &error))
			break;
	for (size_t i = 0; i < domain.disk_count; i++)
		if (!domain.disks[i].target || !domain.disks[i].type || !domain.disks[i].source)
			abort();
	libvirt_domain_clear(&domain);
	free(xml);
	return 0;
}
