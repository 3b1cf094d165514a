/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ipmi-link.h - to this machine's management controller, by libfreeipmi. For lib/meter alone. */
#ifndef VMENERGY_METER_IPMI_LINK_H
#define VMENERGY_METER_IPMI_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct ipmi_link;

/* Through the kernel's driver at `device`. 0; -ENOTSUP: built without libfreeipmi; -errno. */
int ipmi_link_open(struct ipmi_link **link, const char *device, struct error *error);
void ipmi_link_close(struct ipmi_link *link);
/* Ask for a power reading. Bytes of the response or -errno. Waits as long as the library does:
 * a minute where a controller hangs. */
int ipmi_link_ask(struct ipmi_link *link, uint8_t *response, size_t size, struct error *error);

#endif
