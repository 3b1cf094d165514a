/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/ipmi-link.h"

#include <errno.h>
#include <string.h>

#ifdef VMENERGY_FREEIPMI
#include <freeipmi/freeipmi.h>

#include "meter/ipmi-code.h"

/* The library's context is all there is. */
static ipmi_ctx_t context_of(struct ipmi_link *link)
{
	return (ipmi_ctx_t)(void *)link;
}

static int fail(ipmi_ctx_t context, struct error *error)
{
	return error_setf(error, EIO, "libfreeipmi: %s", ipmi_ctx_errormsg(context));
}

int ipmi_link_open(struct ipmi_link **link, const char *device, struct error *error)
{
	ipmi_ctx_t context = ipmi_ctx_create();
	int result;

	if (!context)
		return error_setf(error, ENOMEM, "libfreeipmi: out of memory");
	/* The kernel's driver alone: beside it nobody may touch the controller's ports. */
	if (ipmi_ctx_open_inband(context, IPMI_DEVICE_OPENIPMI, 0, 0, 0, device, 0,
				 IPMI_FLAGS_DEFAULT) < 0) {
		result = fail(context, error);
		ipmi_ctx_destroy(context);
		return result;
	}
	*link = (struct ipmi_link *)(void *)context;
	return 0;
}

void ipmi_link_close(struct ipmi_link *link)
{
	ipmi_ctx_close(context_of(link));
	ipmi_ctx_destroy(context_of(link));
}

int ipmi_link_ask(struct ipmi_link *link, uint8_t *response, size_t size, struct error *error)
{
	int length = ipmi_cmd_raw(context_of(link), IPMI_BMC_IPMB_LUN_BMC, IPMI_NET_FN_GROUP,
				  ipmi_power_request, IPMI_REQUEST_BYTES, response, (unsigned)size);

	return length < 0 ? fail(context_of(link), error) : length;
}

#else

int ipmi_link_open(struct ipmi_link **link, const char *device, struct error *error)
{
	(void)link;
	(void)device;
	return error_setf(error, ENOTSUP, "this program was built without libfreeipmi");
}

void ipmi_link_close(struct ipmi_link *link)
{
	(void)link;
}

int ipmi_link_ask(struct ipmi_link *link, uint8_t *response, size_t size, struct error *error)
{
	(void)link;
	memset(response, 0, size);
	return error_setf(error, ENOTSUP, "this program was built without libfreeipmi");
}

#endif
