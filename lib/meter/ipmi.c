/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ipmi: what the server's management controller says of its power (DCMI). Whole
 * watts, averaged by the controller over an unknown time, often renewed only every few seconds.
 *
 * A thread asks, as a controller may take seconds to answer and the library waits with it; it
 * owns the link and outlives a close until the answer is there. Decoding and waiting are tested
 * with frames; a controller's own link is not, as only a server has one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/ipmi-code.h"
#include "meter/ipmi-link.h"
#include "meter/pace.h"

#define DEVICE "/dev/ipmi0"
#define OPEN_NS UINT64_C(5000000000)
#define ANSWER_NS UINT64_C(10000000000)

static const struct meter_pace_bounds bounds = { 0.5, 60, 1 };

struct ipmi {
	struct meter_pace pace;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct ipmi_link *link; /* the thread's alone while it runs */
	/* Under the mutex. */
	unsigned users; /* the driver and the thread: the last one frees */
	bool is_closed, is_asked, is_answered;
	uint64_t asked_ns;
	uint8_t response[64];
	int result; /* bytes or -errno */
	struct error error;
};

/* With the mutex held; gives it back. */
static void leave(struct ipmi *ipmi)
{
	bool is_last = --ipmi->users == 0;

	pthread_mutex_unlock(&ipmi->mutex);
	if (!is_last)
		return;
	ipmi_link_close(ipmi->link);
	pthread_cond_destroy(&ipmi->changed);
	pthread_mutex_destroy(&ipmi->mutex);
	free(ipmi);
}

static void *work(void *argument)
{
	struct ipmi *ipmi = argument;
	struct error error = { "" };
	uint8_t response[sizeof ipmi->response];
	int result;

	pthread_mutex_lock(&ipmi->mutex);
	while (!ipmi->is_closed) {
		if (!ipmi->is_asked || ipmi->is_answered) {
			pthread_cond_wait(&ipmi->changed, &ipmi->mutex);
			continue;
		}
		pthread_mutex_unlock(&ipmi->mutex);
		result = ipmi_link_ask(ipmi->link, response, sizeof response, &error);
		pthread_mutex_lock(&ipmi->mutex);
		memcpy(ipmi->response, response, sizeof response);
		ipmi->result = result;
		ipmi->error = error;
		ipmi->is_answered = true;
		pthread_cond_broadcast(&ipmi->changed);
	}
	leave(ipmi);
	return NULL;
}

static void ipmi_close(void *opened)
{
	struct ipmi *ipmi = opened;

	pthread_mutex_lock(&ipmi->mutex);
	ipmi->is_closed = true;
	pthread_cond_broadcast(&ipmi->changed);
	leave(ipmi);
}

static int start_thread(struct ipmi *ipmi)
{
	pthread_attr_t detached;
	pthread_t thread;
	int result;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	result = pthread_create(&thread, &detached, work, ipmi);
	pthread_attr_destroy(&detached);
	return -result;
}

/* The link is the new state's, or closed. */
static int make(struct ipmi **made, struct ipmi_link *link, struct error *error)
{
	struct ipmi *ipmi = calloc(1, sizeof *ipmi);
	pthread_condattr_t monotonic;
	int result;

	if (!ipmi) {
		ipmi_link_close(link);
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	}
	ipmi->link = link;
	ipmi->users = 2;
	pthread_mutex_init(&ipmi->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ipmi->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	result = start_thread(ipmi);
	if (result) {
		ipmi->users = 1;
		ipmi_close(ipmi);
		return error_setf(error, -result, "no thread: %s", strerror(-result));
	}
	*made = ipmi;
	return 0;
}

static void ask(struct ipmi *ipmi)
{
	pthread_mutex_lock(&ipmi->mutex);
	if (!ipmi->is_asked) {
		ipmi->is_asked = true;
		ipmi->is_answered = false;
		ipmi->asked_ns = clock_now_ns();
		pthread_cond_broadcast(&ipmi->changed);
	}
	pthread_mutex_unlock(&ipmi->mutex);
}

/* 1 = *power is the answer; 0 = none until the deadline; -EAGAIN = no figure this time. */
static int take(struct ipmi *ipmi, uint64_t deadline_ns, struct ipmi_power *power,
		struct error *error)
{
	const struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};
	int result = 0;

	pthread_mutex_lock(&ipmi->mutex);
	while (ipmi->is_asked && !ipmi->is_answered && !result)
		result = pthread_cond_timedwait(&ipmi->changed, &ipmi->mutex, &deadline);
	if (!ipmi->is_answered) {
		result = 0;
		if (clock_now_ns() > ipmi->asked_ns + ANSWER_NS)
			result = error_setf(error, ETIMEDOUT,
					    "the management controller does not answer");
	} else if (ipmi->result < 0) {
		result = ipmi->result;
		if (error)
			*error = ipmi->error;
	} else {
		result = ipmi_decode_power(ipmi->response, (size_t)ipmi->result, power, error) ?: 1;
	}
	ipmi->is_asked &= !ipmi->is_answered;
	pthread_mutex_unlock(&ipmi->mutex);
	return result;
}

static int try_once(struct ipmi *ipmi, struct error *error)
{
	struct ipmi_power power = { 0 };
	int result;

	ask(ipmi);
	result = take(ipmi, clock_now_ns() + OPEN_NS, &power, error);
	if (result == 0)
		return error_setf(error, ETIMEDOUT, "the management controller does not answer");
	if (result > 0 && !power.is_measuring)
		return error_setf(error, ENODEV,
				  "the management controller measures no power on this machine");
	return result > 0 ? 0 : result;
}

static int check_device(const struct rootfs *root, struct error *error)
{
	int fd = rootfs_openf(root, O_RDWR, DEVICE);

	if (fd == -ENOENT)
		return error_setf(error, ENODEV,
				  "no " DEVICE ": no management controller, or the modules ipmi_si "
				  "and ipmi_devintf are not loaded");
	if (fd == -EACCES)
		return error_setf(error, EACCES,
				  "permission denied on " DEVICE
				  ": be root (who may open it may switch the "
				  "machine off)");
	if (fd < 0)
		return error_setf(error, -fd, DEVICE ": %s", strerror(-fd));
	close(fd);
	return 0;
}

static int open_link(struct ipmi_link **link, const struct rootfs *root, struct error *error)
{
	if (!rootfs_is_real(root))
		return error_setf(error, ENODEV, "a controller is asked on its own machine only");
	return ipmi_link_open(link, DEVICE, error);
}

static void describe(struct meter_about *about)
{
	snprintf(about->model, sizeof about->model, "management controller (DCMI)");
	snprintf(about->measures, sizeof about->measures,
		 "the machine's input, as its controller says");
	about->has_scope = true;
	about->scope = SCOPE_WALL;
	about->resolution_w = 1;
	about->interval_s = bounds.default_s;
	snprintf(about->worth, sizeof about->worth,
		 "the whole machine in steps of 1 W, averaged over seconds and of unknown error: "
		 "enough for long, steady workloads; check it with a meter once");
}

static int ipmi_list(const struct meter_place *place, struct meter_list *list)
{
	struct error error = { "" };
	int result = check_device(place->root, &error);
	struct ipmi_link *link = NULL;
	struct meter_about *about;

	if (result == -ENODEV)
		return 0;
	about = meter_list_add(list, &meter_ipmi);
	if (!about)
		return -ENOMEM;
	describe(about);
	if (!result)
		result = open_link(&link, place->root, &error);
	if (link)
		ipmi_link_close(link);
	if (result)
		snprintf(about->missing, sizeof about->missing, "%.250s", error.text);
	return 0;
}

static int ipmi_open(void **state, const char *address, const struct meter_place *place,
		     struct meter_about *about, struct error *error)
{
	struct ipmi_link *link = NULL;
	struct ipmi *ipmi = NULL;
	double interval_s;
	char what[8];
	int result;

	result = meter_pace_parse(address, &bounds, what, sizeof what, &interval_s, error);
	if (!result && what[0])
		result = error_setf(error, EINVAL, "\"%s\": nothing, or @INTERVAL", what);
	if (!result)
		result = check_device(place->root, error);
	if (!result)
		result = open_link(&link, place->root, error);
	if (!result)
		result = make(&ipmi, link, error);
	if (result || !ipmi)
		return result;
	result = try_once(ipmi, error);
	if (result) {
		ipmi_close(ipmi);
		return result;
	}
	describe(about);
	about->interval_s = interval_s;
	snprintf(about->address, sizeof about->address, "ipmi%s%s", address && *address ? ":" : "",
		 address ? address : "");
	meter_pace_start(&ipmi->pace, interval_s);
	*state = ipmi;
	return 0;
}

static int ipmi_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
		     struct error *error)
{
	struct ipmi *ipmi = opened;
	struct ipmi_power power = { 0 };
	int result;

	if (!ipmi->is_asked) {
		if (!meter_pace_wait(&ipmi->pace, deadline_ns))
			return 0;
		ask(ipmi);
	}
	result = take(ipmi, deadline_ns, &power, error);
	if (result == 0 || (result < 0 && result != -EAGAIN && result != -EBADMSG))
		return result;
	*reading = result > 0 && power.is_measuring ? meter_reading_of(power.current_w)
						    : meter_reading_none(METER_DAMAGED);
	return 1;
}

const struct meter_driver meter_ipmi = {
	.name = "ipmi",
	.sentence = "the server's management controller, by DCMI through " DEVICE,
	.address = "[@INTERVAL]",
	.list = ipmi_list,
	.open = ipmi_open,
	.read = ipmi_read,
	.close = ipmi_close,
};
