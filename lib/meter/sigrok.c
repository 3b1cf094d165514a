/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multimeters, bench supplies and power analysers that libsigrok knows. Its session runs in the
 * caller's thread, in a main context of its own, until a figure or the deadline comes. */
#include "meter/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef VMENERGY_SIGROK

#include <libsigrok/libsigrok.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "meter/sigrok-code.h"

enum { QUEUE_MAX = 64, SAMPLES_MAX = 4096, STOP_MS = 1000 };

struct sigrok {
	struct sigrok_address address;
	struct sr_context *context;
	struct sr_dev_inst *device;
	struct sr_session *session;
	GMainContext *loop;
	bool opened, started;
	struct sigrok_collector collector;
	struct meter_reading queue[QUEUE_MAX]; /* oldest first */
	size_t queued;
};

static unsigned count_drivers(const struct sr_context *context)
{
	struct sr_dev_driver **drivers = sr_driver_list(context);
	unsigned count = 0;

	while (drivers && drivers[count])
		count++;
	return count;
}

/* Scanning with every driver takes long and sends bytes to devices that are something else. */
static int sigrok_list(const struct meter_place *place, struct meter_list *list)
{
	struct meter_about *about = meter_list_add(list, &meter_sigrok);
	struct sr_context *context;

	(void)place;
	if (!about)
		return -ENOMEM;
	snprintf(about->worth, sizeof about->worth,
		 "what the device measures and the driver makes of it");
	if (sr_init(&context) != SR_OK) {
		snprintf(about->missing, sizeof about->missing, "libsigrok does not start");
		return 0;
	}
	snprintf(about->model, sizeof about->model, "libsigrok %s with %u drivers",
		 sr_package_version_string_get(), count_drivers(context));
	snprintf(about->missing, sizeof about->missing,
		 "is not searched: name the driver, sigrok:DRIVER[:conn=PORT][:channel=NAME]; "
		 "sigrok-cli --list-supported lists them");
	sr_exit(context);
	return 0;
}

/* --- what comes ------------------------------------------------------------------- */

static void push(struct sigrok *meter, double power_w)
{
	struct meter_reading *reading;

	if (meter->queued == QUEUE_MAX) { /* nobody reads: the newest count */
		meter->queued--;
		memmove(meter->queue, meter->queue + 1, meter->queued * sizeof meter->queue[0]);
	}
	reading = &meter->queue[meter->queued++];
	*reading = meter_reading_none(0);
	if (isinf(power_w)) /* libsigrok's way to say overload */
		reading->flags = METER_OVERRANGE;
	else if (isnan(power_w))
		reading->flags = METER_DAMAGED;
	else
		reading->power_w = power_w;
}

static enum sigrok_quantity quantity_of(const struct sigrok *meter,
					const struct sr_analog_meaning *meaning)
{
	static const struct {
		enum sr_mq mq;
		enum sr_unit unit;
		enum sigrok_quantity quantity;
	} table[] = {
		{ SR_MQ_POWER, SR_UNIT_WATT, SIGROK_POWER_W },
		{ SR_MQ_VOLTAGE, SR_UNIT_VOLT, SIGROK_VOLTAGE_V },
		{ SR_MQ_CURRENT, SR_UNIT_AMPERE, SIGROK_CURRENT_A },
	};
	const struct sr_channel *channel = meaning->channels->data;

	if (meter->address.channel[0])
		return text_equal(channel->name, meter->address.channel) ? SIGROK_POWER_W
									 : SIGROK_OTHER;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].mq == meaning->mq && table[i].unit == meaning->unit)
			return table[i].quantity;
	return SIGROK_OTHER;
}

/* Of one channel; several samples in a packet are one figure, their mean. */
static void take_analog(struct sigrok *meter, const struct sr_datafeed_analog *analog)
{
	enum sigrok_quantity quantity;
	float *samples;
	double sum = 0, power_w;

	if (!analog->meaning->channels || analog->meaning->channels->next || !analog->num_samples ||
	    analog->num_samples > SAMPLES_MAX)
		return;
	quantity = quantity_of(meter, analog->meaning);
	samples = calloc(analog->num_samples, sizeof *samples);
	if (quantity == SIGROK_OTHER || !samples || sr_analog_to_float(analog, samples) != SR_OK)
		goto out;
	for (uint32_t i = 0; i < analog->num_samples; i++)
		sum += (double)samples[i];
	if (sigrok_collect(&meter->collector, quantity,
			   (analog->meaning->mqflags & SR_MQFLAG_AC) != 0,
			   sum / analog->num_samples, clock_now_ns(), &power_w))
		push(meter, power_w);
out:
	free(samples);
}

static void take_packet(const struct sr_dev_inst *device, const struct sr_datafeed_packet *packet,
			void *data)
{
	struct sigrok *meter = data;

	(void)device;
	if (packet->type == SR_DF_FRAME_BEGIN)
		sigrok_frame_begin(&meter->collector);
	else if (packet->type == SR_DF_FRAME_END)
		sigrok_frame_end(&meter->collector);
	else if (packet->type == SR_DF_ANALOG)
		take_analog(meter, packet->payload);
}

/* --- waiting ---------------------------------------------------------------------- */

static gboolean set_flag(gpointer flag)
{
	*(bool *)flag = true;
	return G_SOURCE_CONTINUE;
}

/* Serve the session until a figure is there, it has ended, or the deadline. */
static void serve(struct sigrok *meter, uint64_t deadline_ns)
{
	uint64_t now_ns = clock_now_ns();
	guint left_ms = deadline_ns > now_ns ? (guint)((deadline_ns - now_ns) / 1000000) : 0;
	GSource *timer = g_timeout_source_new(left_ms);
	bool over = false;

	g_source_set_callback(timer, set_flag, &over, NULL);
	g_source_attach(timer, meter->loop);
	g_main_context_push_thread_default(meter->loop);
	while (!over && !meter->queued && sr_session_is_running(meter->session) == TRUE)
		g_main_context_iteration(meter->loop, TRUE);
	g_main_context_pop_thread_default(meter->loop);
	g_source_destroy(timer);
	g_source_unref(timer);
}

static int sigrok_read(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		       struct error *error)
{
	struct sigrok *meter = state;

	if (!meter->queued)
		serve(meter, deadline_ns);
	if (meter->queued) {
		*reading = meter->queue[0];
		meter->queued--;
		memmove(meter->queue, meter->queue + 1, meter->queued * sizeof meter->queue[0]);
		return 1;
	}
	if (sr_session_is_running(meter->session) != TRUE)
		return error_setf(error, ENODEV, "sigrok:%s: the device ended the measurement",
				  meter->address.driver);
	return 0;
}

/* --- opening ---------------------------------------------------------------------- */

static void stop(struct sigrok *meter)
{
	uint64_t deadline_ns = clock_now_ns() + STOP_MS * 1000000ull;

	sr_session_stop(meter->session);
	while (sr_session_is_running(meter->session) == TRUE && clock_now_ns() < deadline_ns) {
		meter->queued = 0;
		serve(meter, deadline_ns);
	}
}

static void sigrok_close(void *state)
{
	struct sigrok *meter = state;

	if (!meter)
		return;
	if (meter->started)
		stop(meter);
	if (meter->session)
		sr_session_destroy(meter->session);
	if (meter->opened)
		sr_dev_close(meter->device);
	if (meter->context)
		sr_exit(meter->context);
	if (meter->loop)
		g_main_context_unref(meter->loop);
	free(meter);
}

static struct sr_dev_driver *find_driver(const struct sigrok *meter)
{
	struct sr_dev_driver **drivers = sr_driver_list(meter->context);

	for (; drivers && *drivers; drivers++)
		if (text_equal((*drivers)->name, meter->address.driver))
			return *drivers;
	return NULL;
}

/* With what the address says of where it is; the first that answers. */
static int find_device(struct sigrok *meter, struct error *error)
{
	struct sr_config connection = { .key = SR_CONF_CONN },
			 serialcomm = { .key = SR_CONF_SERIALCOMM };
	struct sr_dev_driver *driver = find_driver(meter);
	GSList *options = NULL, *devices;

	if (!driver)
		return error_setf(error, EINVAL,
				  "sigrok: no driver \"%s\": sigrok-cli --list-supported lists "
				  "them",
				  meter->address.driver);
	if (sr_driver_init(meter->context, driver) != SR_OK)
		return error_setf(error, EIO, "sigrok: driver %s does not start",
				  meter->address.driver);
	connection.data = g_variant_ref_sink(g_variant_new_string(meter->address.connection));
	serialcomm.data = g_variant_ref_sink(g_variant_new_string(meter->address.serialcomm));
	if (meter->address.connection[0])
		options = g_slist_append(options, &connection);
	if (meter->address.serialcomm[0])
		options = g_slist_append(options, &serialcomm);
	devices = sr_driver_scan(driver, options);
	meter->device = devices ? devices->data : NULL;
	g_slist_free(devices);
	g_slist_free(options);
	g_variant_unref(connection.data);
	g_variant_unref(serialcomm.data);
	if (!meter->device)
		return error_setf(error, ENODEV, "sigrok: driver %s finds no device%s%s",
				  meter->address.driver,
				  meter->address.connection[0] ? " at " : "; it may need conn=PORT",
				  meter->address.connection);
	return 0;
}

/* Only the channel that was named is asked for. */
static int choose_channel(struct sigrok *meter, struct error *error)
{
	bool found = false;

	if (!meter->address.channel[0])
		return 0;
	for (GSList *link = sr_dev_inst_channels_get(meter->device); link; link = link->next) {
		struct sr_channel *channel = link->data;
		bool chosen = channel->type == SR_CHANNEL_ANALOG &&
			      text_equal(channel->name, meter->address.channel);

		found |= chosen;
		sr_dev_channel_enable(channel, chosen);
	}
	if (!found)
		return error_setf(error, EINVAL, "sigrok: %s has no analog channel \"%s\"",
				  meter->address.driver, meter->address.channel);
	return 0;
}

static int start(struct sigrok *meter, struct error *error)
{
	int result = sr_dev_open(meter->device);

	if (result != SR_OK)
		return error_setf(error, EIO, "sigrok: %s: %s", meter->address.driver,
				  sr_strerror(result));
	meter->opened = true;
	result = choose_channel(meter, error);
	if (result < 0)
		return result;
	g_main_context_push_thread_default(meter->loop);
	result = sr_session_new(meter->context, &meter->session);
	if (result == SR_OK)
		result = sr_session_dev_add(meter->session, meter->device);
	if (result == SR_OK)
		result = sr_session_datafeed_callback_add(meter->session, take_packet, meter);
	if (result == SR_OK)
		result = sr_session_start(meter->session);
	g_main_context_pop_thread_default(meter->loop);
	meter->started = result == SR_OK;
	if (result != SR_OK)
		return error_setf(error, EIO, "sigrok: %s: %s", meter->address.driver,
				  sr_strerror(result));
	return 0;
}

static void describe(const struct sigrok *meter, const char *address, struct meter_about *about)
{
	const char *maker = sr_dev_inst_vendor_get(meter->device),
		   *model = sr_dev_inst_model_get(meter->device),
		   *serial = sr_dev_inst_sernum_get(meter->device);

	snprintf(about->address, sizeof about->address, "sigrok:%s", address);
	snprintf(about->model, sizeof about->model, "%s%s%s", maker ? maker : "", maker ? " " : "",
		 model ? model : meter->address.driver);
	snprintf(about->serial, sizeof about->serial, "%s", serial ? serial : "");
	about->emulated = text_equal(meter->address.driver, "demo");
	if (meter->address.channel[0])
		snprintf(about->measures, sizeof about->measures,
			 "channel %.40s, taken as watts (address)", meter->address.channel);
	else
		snprintf(about->measures, sizeof about->measures,
			 "watts, or volts times amperes of direct current");
}

static int sigrok_open(void **state, const char *address, const struct meter_place *place,
		       struct meter_about *about, struct error *error)
{
	struct sigrok *meter = calloc(1, sizeof *meter);
	int result;

	(void)place;
	if (!meter)
		return -ENOMEM;
	address = address ? address : "";
	result = sigrok_parse_address(address, &meter->address, error);
	if (result < 0)
		goto failed;
	sr_log_loglevel_set(SR_LOG_NONE);
	meter->loop = g_main_context_new();
	if (sr_init(&meter->context) != SR_OK) {
		meter->context = NULL;
		result = error_setf(error, EIO, "sigrok: libsigrok does not start");
		goto failed;
	}
	result = find_device(meter, error);
	if (result == 0)
		result = start(meter, error);
	if (result < 0)
		goto failed;
	describe(meter, address, about);
	*state = meter;
	return 0;
failed:
	sigrok_close(meter);
	return result;
}

#else

static int sigrok_list(const struct meter_place *place, struct meter_list *list)
{
	struct meter_about *about = meter_list_add(list, &meter_sigrok);

	(void)place;
	if (!about)
		return -ENOMEM;
	snprintf(about->missing, sizeof about->missing,
		 "this program was built without libsigrok (package libsigrok-dev)");
	return 0;
}

static int sigrok_open(void **state, const char *address, const struct meter_place *place,
		       struct meter_about *about, struct error *error)
{
	(void)state, (void)address, (void)place, (void)about;
	return error_setf(error, ENOTSUP,
			  "sigrok: this program was built without libsigrok (package "
			  "libsigrok-dev)");
}

static int sigrok_read(void *state, uint64_t deadline_ns, struct meter_reading *reading,
		       struct error *error)
{
	(void)state, (void)deadline_ns, (void)reading;
	return error_setf(error, ENOTSUP, "sigrok: not built in");
}

static void sigrok_close(void *state)
{
	(void)state;
}

#endif

const struct meter_driver meter_sigrok = {
	.name = "sigrok",
	.sentence = "multimeters, supplies and power analysers that libsigrok knows",
	.address = "DRIVER[:conn=PORT][:serialcomm=SPEED/8n1][:channel=NAME]",
	.list = sigrok_list,
	.open = sigrok_open,
	.read = sigrok_read,
	.close = sigrok_close,
	.by_choice_only = true,
};
