/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * RAPL through perf_event_open(2): the kernel's PMU "power". One event per
 * package, on the CPU that the PMU's cpumask names; the kernel extends counts to
 * 64 bits, so that none of them wraps.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "meter/driver.h"
#include "meter/pace.h"
#include "meter/rapl-perf-code.h"

#define FOLDER "/sys/bus/event_source/devices/power"

/* Energy counters move once a millisecond. */
#define TRIAL_NS UINT64_C(20000000)

static const struct meter_pace_bounds bounds = { 0.1, 1, 0.25 };

enum { EVENTS_MAX = 2, COUNTERS_MAX = EVENTS_MAX * RAPL_PERF_CPUS_MAX };

struct energy_event {
	const char *file; /* in events/ */
	uint64_t config;
	double scale_j;
};

struct pmu {
	unsigned long long type;
	struct rapl_perf_cpus cpus;
	unsigned event_count;
	struct energy_event events[EVENTS_MAX];
};

struct counter {
	const char *file; /* its event's */
	int fd;
	double scale_j;
	uint64_t last;
};

struct rapl_perf {
	struct meter_pace pace;
	uint64_t last_ns;
	unsigned count;
	struct counter counters[COUNTERS_MAX];
};

static const char *const packages[] = { "energy-pkg", "energy-ram", NULL };
static const char *const platform[] = { "energy-psys", NULL };

static int fail_file(const char *file, int result, struct error *error)
{
	return error_setf(error, -result, FOLDER "/%s: %s", file, strerror(-result));
}

static int read_event(const struct rootfs *root, const char *file, struct energy_event *event,
		      struct error *error)
{
	char text[64];
	long result;

	event->file = file;
	result = rootfs_readf(root, text, sizeof text, FOLDER "/events/%s", file);
	if (result >= 0)
		result = rapl_perf_parse_event(text, &event->config);
	if (result == -ENOENT)
		return error_setf(error, ENODEV, "the kernel's PMU \"power\" has no event %s",
				  file);
	if (result >= 0)
		result = rootfs_readf(root, text, sizeof text, FOLDER "/events/%s.scale", file);
	if (result >= 0)
		result = rapl_perf_parse_scale(text, &event->scale_j);
	return result < 0 ? fail_file(file, (int)result, error) : 0;
}

static int read_cpus(const struct rootfs *root, struct rapl_perf_cpus *cpus, struct error *error)
{
	char text[1024];
	long result = rootfs_readf(root, text, sizeof text, FOLDER "/cpumask");

	if (result >= 0)
		result = rapl_perf_parse_cpus(text, cpus);
	return result < 0 ? fail_file("cpumask", (int)result, error) : 0;
}

/* The first of `events` must be there, the others (memory) may. */
static int read_pmu(const struct rootfs *root, const char *const *events, struct pmu *pmu,
		    struct error *error)
{
	int result = rootfs_read_u64f(root, &pmu->type, FOLDER "/type");

	*pmu = (struct pmu){ .type = pmu->type };
	if (result == -ENOENT)
		return error_setf(error, ENODEV,
				  "no " FOLDER ": no RAPL in this CPU, its module (rapl) is not "
				  "loaded, or this is a virtual machine");
	if (result)
		return fail_file("type", result, error);
	result = read_cpus(root, &pmu->cpus, error);
	for (unsigned i = 0; !result && events[i]; i++) {
		result = read_event(root, events[i], &pmu->events[i], i == 0 ? error : NULL);
		if (!result)
			pmu->event_count++;
		else if (i > 0)
			return 0;
	}
	return result;
}

static void describe(const struct pmu *pmu, const char *const *events, struct meter_about *about)
{
	bool is_platform = events == platform, has_dram = pmu->event_count > 1;

	snprintf(about->model, sizeof about->model, "RAPL (perf)");
	snprintf(about->address, sizeof about->address, "rapl-perf%s", is_platform ? ":psys" : "");
	about->resolution_w = 61e-6 / bounds.default_s; /* the coarsest unit, 2^-14 J */
	about->interval_s = about->window_s = bounds.default_s;
	about->has_scope = true;
	about->scope = is_platform ? SCOPE_RAIL : has_dram ? SCOPE_PACKAGE_DRAM : SCOPE_PACKAGE;
	snprintf(about->measures, sizeof about->measures,
		 is_platform ? "psys" : "CPU%s of %u package%s", has_dram ? " and DRAM" : "",
		 pmu->cpus.count, pmu->cpus.count == 1 ? "" : "s");
	snprintf(about->worth, sizeof about->worth, "%s",
		 is_platform
			 ? "the platform as the maker of the board has wired it: the whole machine "
			   "on some, a part or nothing on others; compare it with a wall meter once"
			 : "the same counters as rapl, read through perf_event_open(2): for where "
			   "powercap is not there, or CAP_PERFMON is to be had and root is not");
}

static int open_event(unsigned long long type, uint64_t config, int cpu)
{
	struct perf_event_attr attributes = {
		.size = sizeof attributes,
		.type = (uint32_t)type,
		.config = config,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

static int fail_open(const char *event, int cpu, int result, struct error *error)
{
	if (result == -EACCES || result == -EPERM)
		return error_setf(error, -result,
				  "power/%s/: permission denied: be root, or have CAP_PERFMON",
				  event);
	return error_setf(error, -result,
			  "power/%s/ on CPU %d: %s: the kernel names the event and cannot count it",
			  event, cpu, strerror(-result));
}

static int open_counters(struct rapl_perf *state, const struct pmu *pmu, struct error *error)
{
	for (unsigned e = 0; e < pmu->event_count; e++)
		for (unsigned c = 0; c < pmu->cpus.count; c++) {
			const struct energy_event *event = &pmu->events[e];
			int cpu = pmu->cpus.cpus[c];
			int fd = open_event(pmu->type, event->config, cpu);

			if (fd < 0)
				return fail_open(event->file, cpu, fd, error);
			state->counters[state->count++] = (struct counter){
				.file = event->file,
				.fd = fd,
				.scale_j = event->scale_j,
			};
		}
	return 0;
}

static void rapl_perf_close(void *opened)
{
	struct rapl_perf *state = opened;

	for (unsigned i = 0; i < state->count; i++)
		close(state->counters[i].fd);
	free(state);
}

static int read_counter(const struct counter *counter, uint64_t *count, struct error *error)
{
	if (read(counter->fd, count, sizeof *count) == (ssize_t)sizeof *count)
		return 0;
	return error_setf(error, ENODEV, "power/%s/ cannot be read", counter->file);
}

/* Some virtual machines open every event and count none. */
static int check_counting(struct rapl_perf *state, struct error *error)
{
	uint64_t now;

	meter_sleep_until(clock_now_ns() + TRIAL_NS);
	for (unsigned i = 0; i < state->count; i++) {
		struct counter *counter = &state->counters[i];

		if (read_counter(counter, &now, error))
			return -ENODEV;
		if (now == 0)
			return error_setf(
				error, ENODEV,
				"power/%s/ opens and counts nothing: nothing feeds it, or "
				"this is a virtual machine",
				counter->file);
		counter->last = now;
	}
	state->last_ns = clock_now_ns();
	return 0;
}

static int open_pmu(struct rapl_perf **state, const struct rootfs *root, const struct pmu *pmu,
		    struct error *error)
{
	struct rapl_perf *opened;
	int result;

	if (!rootfs_is_real(root))
		return error_setf(error, ENODEV,
				  "perf counts on the machine that it runs on, not below --root");
	opened = calloc(1, sizeof *opened);
	if (!opened)
		return error_setf(error, ENOMEM, "%s", strerror(ENOMEM));
	result = open_counters(opened, pmu, error);
	if (!result)
		result = check_counting(opened, error);
	if (result)
		rapl_perf_close(opened);
	else
		*state = opened;
	return result;
}

static int add(const struct rootfs *root, const char *const *events, struct meter_list *list)
{
	struct error error = { "" };
	struct rapl_perf *state = NULL;
	struct meter_about *about;
	struct pmu pmu;

	if (read_pmu(root, events, &pmu, &error))
		return 0;
	about = meter_list_add(list, &meter_rapl_perf);
	if (!about)
		return -ENOMEM;
	describe(&pmu, events, about);
	open_pmu(&state, root, &pmu, &error);
	if (state)
		rapl_perf_close(state);
	else
		snprintf(about->missing, sizeof about->missing, "%.250s", error.text);
	return 0;
}

static int rapl_perf_list(const struct meter_place *place, struct meter_list *list)
{
	int result = add(place->root, packages, list);

	return result ? result : add(place->root, platform, list);
}

static int rapl_perf_open(void **state, const char *address, const struct meter_place *place,
			  struct meter_about *about, struct error *error)
{
	const char *const *events = packages;
	struct rapl_perf *opened = NULL;
	double interval_s;
	struct pmu pmu;
	char what[16];
	int result;

	result = meter_pace_parse(address, &bounds, what, sizeof what, &interval_s, error);
	if (result)
		return result;
	if (strcmp(what, "psys") == 0)
		events = platform;
	else if (what[0])
		return error_setf(error, EINVAL, "\"%s\": nothing, or psys", what);
	result = read_pmu(place->root, events, &pmu, error);
	if (!result)
		result = open_pmu(&opened, place->root, &pmu, error);
	if (!opened)
		return result;
	describe(&pmu, events, about);
	about->resolution_w *= about->interval_s / interval_s;
	about->interval_s = about->window_s = interval_s;
	snprintf(about->address, sizeof about->address, "rapl-perf%s%s",
		 address && *address ? ":" : "", address ? address : "");
	meter_pace_start(&opened->pace, interval_s);
	*state = opened;
	return 0;
}

static int rapl_perf_read(void *opened, uint64_t deadline_ns, struct meter_reading *reading,
			  struct error *error)
{
	struct rapl_perf *state = opened;

	if (!meter_pace_wait(&state->pace, deadline_ns))
		return 0;
	*reading = meter_reading_none(0);
	reading->energy_j = 0;
	for (unsigned i = 0; i < state->count; i++) {
		struct counter *counter = &state->counters[i];
		uint64_t now;

		if (read_counter(counter, &now, error))
			return -ENODEV;
		/* A machine that is on draws power. */
		if (now == counter->last)
			reading->flags |= METER_IMPLAUSIBLE;
		reading->energy_j += (double)(now - counter->last) * counter->scale_j;
		counter->last = now;
	}
	reading->power_w = reading->energy_j / ((double)(reading->time_ns - state->last_ns) * 1e-9);
	state->last_ns = reading->time_ns;
	return 1;
}

const struct meter_driver meter_rapl_perf = {
	.name = "rapl-perf",
	.sentence = "the same through perf_event_open(2): the kernel's PMU \"power\"",
	.address = "[psys][@INTERVAL]",
	.list = rapl_perf_list,
	.open = rapl_perf_open,
	.read = rapl_perf_read,
	.close = rapl_perf_close,
};
