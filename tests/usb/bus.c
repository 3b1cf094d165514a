/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/usb/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* Before linux/usbdevice_fs.h, which needs _IOR() and does not include it. */
#include <sys/ioctl.h>
#include <linux/usbdevice_fs.h>

/*
 * umockdev's descriptor is always writable, so a program that waits for a transfer
 * would ask for it (REAPURBNDELAY) without end: the answer "none yet" is held back.
 */
enum { HOLD_US = 2000, SETUP_BYTES = 8, CONTROL_BYTES = 4096 };

enum holder { HELD_BY_NOBODY, HELD_BY_KERNEL, HELD_BY_PROGRAM };

/* A transfer request (URB) in the program's memory: umockdev carries parts of that here and
 * back, as long as the references live. */
struct transfer {
	UMockdevIoctlData *urb_data, *buffer_data;
	struct usbdevfs_urb *urb;
	uint8_t *buffer;
};

struct device {
	UMockdevTestbed *testbed;
	struct model *model;
	unsigned port, number;
	char *path;  /* in /sys */
	GMutex lock; /* ioctls come in threads of umockdev's */
	bool gone;
	enum holder holders[MODEL_INTERFACES_MAX];
	GQueue pending, done; /* of struct transfer */
	UMockdevIoctlClient *held;
	UMockdevIoctlData *held_argument;
	gint64 held_until_us;
};

/* --- transfers ---------------------------------------------------------------- */

static void transfer_free(struct transfer *transfer)
{
	g_clear_object(&transfer->buffer_data);
	g_clear_object(&transfer->urb_data);
	g_free(transfer);
}

static void finish(struct device *device, struct transfer *transfer, int result)
{
	transfer->urb->status = result < 0 ? result : 0;
	transfer->urb->actual_length = result < 0 ? 0 : result;
	g_queue_push_tail(&device->done, transfer);
}

/* What the model can answer by now, or nobody will any more. */
static void serve_pending(struct device *device)
{
	guint waiting = g_queue_get_length(&device->pending);

	while (waiting--) {
		struct transfer *transfer = g_queue_pop_head(&device->pending);
		struct usbdevfs_urb *urb = transfer->urb;
		int result = -ESHUTDOWN;

		if (!device->gone)
			result = device->model->kind->in(device->model, urb->endpoint,
							 transfer->buffer,
							 (size_t)urb->buffer_length);
		if (result == -EAGAIN)
			g_queue_push_tail(&device->pending, transfer);
		else
			finish(device, transfer, result);
	}
}

static int control_transfer(struct device *device, struct transfer *transfer)
{
	const uint8_t *bytes = transfer->buffer;
	struct model_setup setup = {
		.type = bytes[0],
		.request = bytes[1],
		.value = (uint16_t)(bytes[2] | bytes[3] << 8),
		.index = (uint16_t)(bytes[4] | bytes[5] << 8),
		.length = (uint16_t)(bytes[6] | bytes[7] << 8),
	};
	uint8_t data[CONTROL_BYTES] = { 0 };
	size_t room = (size_t)transfer->urb->buffer_length - SETUP_BYTES;
	int result;

	if (setup.length > room || setup.length > sizeof data)
		return -EPIPE;
	memcpy(data, bytes + SETUP_BYTES, setup.type & 0x80 ? 0 : setup.length);
	result = model_control(device->model, &setup, data);
	if (result > 0 && setup.type & 0x80)
		memcpy(transfer->buffer + SETUP_BYTES, data, (size_t)result);
	return result;
}

static void submit(struct device *device, UMockdevIoctlClient *client, UMockdevIoctlData *argument)
{
	struct transfer *transfer;
	size_t length;

	if (device->gone) {
		umockdev_ioctl_client_complete(client, -1, ENODEV);
		return;
	}
	transfer = g_new0(struct transfer, 1);
	transfer->urb_data =
		umockdev_ioctl_data_resolve(argument, 0, sizeof(struct usbdevfs_urb), NULL);
	transfer->urb = (void *)transfer->urb_data->data;
	length = (size_t)transfer->urb->buffer_length;
	if (length) {
		transfer->buffer_data = umockdev_ioctl_data_resolve(
			transfer->urb_data, offsetof(struct usbdevfs_urb, buffer), length, NULL);
		transfer->buffer = transfer->buffer_data->data;
	}
	if (transfer->urb->type == USBDEVFS_URB_TYPE_CONTROL)
		finish(device, transfer,
		       length >= SETUP_BYTES ? control_transfer(device, transfer) : -EPIPE);
	else if (transfer->urb->endpoint & 0x80)
		g_queue_push_tail(&device->pending, transfer);
	else
		finish(device, transfer,
		       device->model->kind->out(device->model, transfer->urb->endpoint,
						transfer->buffer, length));
	umockdev_ioctl_client_complete(client, 0, 0);
}

static bool give_done(struct device *device, UMockdevIoctlClient *client,
		      UMockdevIoctlData *argument)
{
	struct transfer *transfer = g_queue_pop_head(&device->done);
	UMockdevIoctlData *pointer;

	if (!transfer)
		return false;
	pointer = umockdev_ioctl_data_resolve(argument, 0, sizeof(gpointer), NULL);
	umockdev_ioctl_data_set_ptr(pointer, 0, transfer->urb_data);
	umockdev_ioctl_client_complete(client, 0, 0);
	g_object_unref(pointer);
	transfer_free(transfer);
	return true;
}

static gboolean held_tick(gpointer data)
{
	struct device *device = data;
	bool over;

	g_mutex_lock(&device->lock);
	serve_pending(device);
	over = give_done(device, device->held, device->held_argument);
	if (!over && g_get_monotonic_time() >= device->held_until_us) {
		umockdev_ioctl_client_complete(device->held, -1, EAGAIN);
		over = true;
	}
	if (over) {
		g_clear_object(&device->held);
		g_clear_object(&device->held_argument);
	}
	g_mutex_unlock(&device->lock);
	return over ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

static void reap(struct device *device, UMockdevIoctlClient *client, UMockdevIoctlData *argument)
{
	GSource *source;

	serve_pending(device);
	if (give_done(device, client, argument))
		return;
	if (device->held || g_queue_is_empty(&device->pending)) {
		umockdev_ioctl_client_complete(client, -1, device->gone ? ENODEV : EAGAIN);
		return;
	}
	device->held = g_object_ref(client);
	device->held_argument = g_object_ref(argument);
	device->held_until_us = g_get_monotonic_time() + HOLD_US;
	source = g_timeout_source_new(1);
	g_source_set_callback(source, held_tick, device, NULL);
	g_source_attach(source, g_main_context_get_thread_default());
	g_source_unref(source);
}

static void discard(struct device *device, UMockdevIoctlClient *client, UMockdevIoctlData *argument)
{
	gulong address;
	GList *link;

	/* The argument is the program's pointer itself. */
	memcpy(&address, argument->data, sizeof address);
	for (link = device->pending.head; link; link = link->next) {
		struct transfer *transfer = link->data;

		if (transfer->urb_data->client_addr != address)
			continue;
		g_queue_delete_link(&device->pending, link);
		finish(device, transfer, -ENOENT);
		umockdev_ioctl_client_complete(client, 0, 0);
		return;
	}
	umockdev_ioctl_client_complete(client, -1, EINVAL);
}

/* --- who holds an interface ----------------------------------------------------- */

static enum holder *holder_of(struct device *device, unsigned interface)
{
	static enum holder nobody;

	if (interface < MODEL_INTERFACES_MAX && device->model->kind->kernel_drivers[interface])
		return &device->holders[interface];
	return &nobody;
}

static void get_driver(struct device *device, UMockdevIoctlClient *client,
		       UMockdevIoctlData *argument)
{
	g_autoptr(UMockdevIoctlData) data =
		umockdev_ioctl_data_resolve(argument, 0, sizeof(struct usbdevfs_getdriver), NULL);
	struct usbdevfs_getdriver *request = (void *)data->data;
	enum holder holder = *holder_of(device, request->interface);

	if (holder == HELD_BY_NOBODY) {
		umockdev_ioctl_client_complete(client, -1, ENODATA);
		return;
	}
	g_strlcpy(request->driver,
		  holder == HELD_BY_PROGRAM
			  ? "usbfs"
			  : device->model->kind->kernel_drivers[request->interface],
		  sizeof request->driver);
	umockdev_ioctl_client_complete(client, 0, 0);
}

/* USBDEVFS_IOCTL: of an interface, let the kernel's driver go or take it again. */
static void interface_ioctl(struct device *device, UMockdevIoctlClient *client,
			    UMockdevIoctlData *argument)
{
	g_autoptr(UMockdevIoctlData) data =
		umockdev_ioctl_data_resolve(argument, 0, sizeof(struct usbdevfs_ioctl), NULL);
	const struct usbdevfs_ioctl *request = (const void *)data->data;
	enum holder *holder = holder_of(device, (unsigned)request->ifno);

	if ((unsigned)request->ioctl_code == USBDEVFS_DISCONNECT) {
		bool was = *holder != HELD_BY_NOBODY;

		*holder = HELD_BY_NOBODY;
		umockdev_ioctl_client_complete(client, was ? 0 : -1, was ? 0 : ENODATA);
	} else if ((unsigned)request->ioctl_code == USBDEVFS_CONNECT) {
		*holder = HELD_BY_KERNEL;
		umockdev_ioctl_client_complete(client, 1, 0);
	} else {
		umockdev_ioctl_client_complete(client, -1, ENOTTY);
	}
}

/* CLAIMINTERFACE, DISCONNECT_CLAIM, RELEASEINTERFACE all begin with the interface's number. */
static void hold(struct device *device, gulong request, UMockdevIoctlClient *client,
		 UMockdevIoctlData *argument)
{
	size_t size = request == USBDEVFS_DISCONNECT_CLAIM
			      ? sizeof(struct usbdevfs_disconnect_claim)
			      : sizeof(unsigned);
	g_autoptr(UMockdevIoctlData) data = umockdev_ioctl_data_resolve(argument, 0, size, NULL);
	unsigned interface;
	enum holder *holder;

	memcpy(&interface, data->data, sizeof interface);
	holder = holder_of(device, interface);
	if (request == USBDEVFS_CLAIMINTERFACE && *holder == HELD_BY_KERNEL) {
		umockdev_ioctl_client_complete(client, -1, EBUSY);
		return;
	}
	*holder = request == USBDEVFS_RELEASEINTERFACE ? HELD_BY_NOBODY : HELD_BY_PROGRAM;
	umockdev_ioctl_client_complete(client, 0, 0);
}

static void get_capabilities(UMockdevIoctlClient *client, UMockdevIoctlData *argument)
{
	g_autoptr(UMockdevIoctlData) data =
		umockdev_ioctl_data_resolve(argument, 0, sizeof(guint32), NULL);
	const guint32 capabilities = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
				     USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
				     USBDEVFS_CAP_REAP_AFTER_DISCONNECT;

	memcpy(data->data, &capabilities, sizeof capabilities);
	umockdev_ioctl_client_complete(client, 0, 0);
}

static gboolean handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client,
			     struct device *device)
{
	gulong request = umockdev_ioctl_client_get_request(client);
	/* Borrowed: not to be unreferenced. */
	UMockdevIoctlData *argument = umockdev_ioctl_client_get_arg(client);
	gboolean known = TRUE;

	(void)base;
	g_mutex_lock(&device->lock);
	switch (request) {
	case USBDEVFS_GET_CAPABILITIES:
		get_capabilities(client, argument);
		break;
	case USBDEVFS_GETDRIVER:
		get_driver(device, client, argument);
		break;
	case USBDEVFS_IOCTL:
		interface_ioctl(device, client, argument);
		break;
	case USBDEVFS_CLAIMINTERFACE:
	case USBDEVFS_DISCONNECT_CLAIM:
	case USBDEVFS_RELEASEINTERFACE:
		hold(device, request, client, argument);
		break;
	case USBDEVFS_SETCONFIGURATION:
	case USBDEVFS_SETINTERFACE:
	case USBDEVFS_CLEAR_HALT:
	case USBDEVFS_RESET:
		umockdev_ioctl_client_complete(client, device->gone ? -1 : 0,
					       device->gone ? ENODEV : 0);
		break;
	case USBDEVFS_SUBMITURB:
		submit(device, client, argument);
		break;
	case USBDEVFS_REAPURB:
	case USBDEVFS_REAPURBNDELAY:
		reap(device, client, argument);
		break;
	case USBDEVFS_DISCARDURB:
		discard(device, client, argument);
		break;
	default:
		known = FALSE;
	}
	g_mutex_unlock(&device->lock);
	return known;
}

/* --- sysfs ---------------------------------------------------------------------- */

static void refuse(const char *what, const GError *error)
{
	fprintf(stderr, "usb-meters: %s: %s\n", what, error ? error->message : "?");
	exit(1);
}

/* The device as umockdev's "umockdev-record" would have written it down. */
static char *describe(const struct device *device)
{
	const struct model_kind *kind = device->model->kind;
	uint8_t descriptor[18];
	GString *text = g_string_new(NULL);

	model_device_descriptor(device->model, descriptor);
	g_string_append_printf(text,
			       "P: /devices/pci0000:00/0000:00:14.0/usb1/1-%u\n"
			       "N: bus/usb/001/%03u\n"
			       "E: SUBSYSTEM=usb\nE: DRIVER=usb\nE: DEVTYPE=usb_device\n"
			       "E: BUSNUM=001\nE: DEVNUM=%03u\nE: DEVNAME=/dev/bus/usb/001/%03u\n"
			       "A: bConfigurationValue=1\\n\nA: busnum=1\\n\nA: devnum=%u\\n\n"
			       "A: speed=%u\\n\nA: idVendor=%04x\\n\nA: idProduct=%04x\\n\n"
			       "A: manufacturer=%s\\n\nA: product=%s\\n\nA: serial=%s\\n\n"
			       "H: descriptors=",
			       device->port, device->number, device->number, device->number,
			       device->number, kind->speed_mbps, kind->vendor, kind->product,
			       kind->maker_text, kind->product_text, device->model->serial);
	for (size_t i = 0; i < sizeof descriptor; i++)
		g_string_append_printf(text, "%02x", descriptor[i]);
	for (size_t i = 0; i < kind->configuration_bytes; i++)
		g_string_append_printf(text, "%02x", kind->configuration[i]);
	g_string_append(text, "\n");
	return g_string_free(text, FALSE);
}

struct device *device_plug_in(UMockdevTestbed *testbed, struct model *model, unsigned port,
			      unsigned number)
{
	struct device *device = g_new0(struct device, 1);
	g_autofree char *node = g_strdup_printf("/dev/bus/usb/001/%03u", number);
	g_autofree char *text = NULL;
	g_autoptr(UMockdevIoctlBase) base = umockdev_ioctl_base_new();
	GError *error = NULL;

	device->testbed = testbed;
	device->model = model;
	device->port = port;
	device->number = number;
	device->path = g_strdup_printf("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-%u", port);
	g_mutex_init(&device->lock);
	g_queue_init(&device->pending);
	g_queue_init(&device->done);
	for (unsigned i = 0; i < MODEL_INTERFACES_MAX; i++)
		device->holders[i] = HELD_BY_KERNEL;
	text = describe(device);
	g_signal_connect_after(base, "handle-ioctl", G_CALLBACK(handle_ioctl), device);
	if (!umockdev_testbed_attach_ioctl(testbed, node, base, &error) ||
	    !umockdev_testbed_add_from_string(testbed, text, &error))
		refuse(node, error);
	umockdev_testbed_uevent(testbed, device->path, "add");
	return device;
}

void device_unplug(struct device *device)
{
	g_mutex_lock(&device->lock);
	device->gone = true;
	g_mutex_unlock(&device->lock);
	umockdev_testbed_uevent(device->testbed, device->path, "remove");
	umockdev_testbed_remove_device(device->testbed, device->path);
}

bool device_was_read(struct device *device)
{
	bool was_read;

	g_mutex_lock(&device->lock);
	was_read = device->model->frames > 0;
	g_mutex_unlock(&device->lock);
	return was_read;
}

void device_free(struct device *device)
{
	struct transfer *transfer;

	while ((transfer = g_queue_pop_head(&device->pending)) != NULL)
		transfer_free(transfer);
	while ((transfer = g_queue_pop_head(&device->done)) != NULL)
		transfer_free(transfer);
	g_free(device->path);
	g_mutex_clear(&device->lock);
	g_free(device);
}
