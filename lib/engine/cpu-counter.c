/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/cpu-counter.h"

#include <errno.h>
#include <stddef.h>

#include "probe/cputime.h"
#include "probe/heads.h"
#include "probe/perf.h"
#include "probe/switch.h"

struct cpu_counter_driver {
	int (*open)(void **state, const struct rootfs *root,
		    const struct cpu_counter_request *request, struct error *error);
	void (*close)(void *state);
	void (*events)(const void *state, struct event_set *events);
	const char *(*phrase)(const void *state);
	const char *(*note)(const void *state);
	int (*follow)(void *state, const struct topology *topology);
	int (*read_parts)(void *state, const struct topology *topology, struct sample *sample);
	int (*read_total)(void *state, struct sample *sample, struct error *error);
	bool has_heads; /* its parts are all tasks of the host */
};

/* --- the probes' own types, behind void pointers ---------------------------------- */

static int open_cputime(void **state, const struct rootfs *root,
			const struct cpu_counter_request *request, struct error *error)
{
	struct cputime *cputime = NULL;
	int result = cputime_open(&cputime, root, error);

	(void)request;
	*state = cputime;
	return result;
}

static int open_perf(void **state, const struct rootfs *root,
		     const struct cpu_counter_request *request, struct error *error)
{
	struct perf *perf = NULL;
	int result = perf_open(&perf, root, request->events, request->event_count, error);

	*state = perf;
	return result;
}

static int open_switch(void **state, const struct rootfs *root,
		       const struct cpu_counter_request *request, struct error *error)
{
	struct switch_probe *probe = NULL;
	int result = (request->is_automatic ? switch_open_in_kernel : switch_open)(
		&probe, root, request->events, request->event_count, error);

	*state = probe;
	return result;
}

static void events_of_cputime(const void *state, struct event_set *events)
{
	(void)state;
	cputime_events(events);
}

static void events_of_perf(const void *state, struct event_set *events)
{
	perf_events(state, events);
}

static void events_of_switch(const void *state, struct event_set *events)
{
	switch_events(state, events);
}

#define ADAPT(probe, phrase_of)                                                                    \
	static void close_##probe(void *state)                                                     \
	{                                                                                          \
		probe##_close(state);                                                              \
	}                                                                                          \
	static const char *phrase_of_##probe(const void *state)                                    \
	{                                                                                          \
		return phrase_of(state);                                                           \
	}                                                                                          \
	static const char *note_of_##probe(const void *state)                                      \
	{                                                                                          \
		return probe##_note(state);                                                        \
	}                                                                                          \
	static int follow_##probe(void *state, const struct topology *topology)                    \
	{                                                                                          \
		return probe##_follow(state, topology);                                            \
	}                                                                                          \
	static int read_parts_##probe(void *state, const struct topology *topology,                \
				      struct sample *sample)                                       \
	{                                                                                          \
		return probe##_read_parts(state, topology, sample);                                \
	}                                                                                          \
	static int read_total_##probe(void *state, struct sample *sample, struct error *error)     \
	{                                                                                          \
		return probe##_read_total(state, sample, error);                                   \
	}
ADAPT(cputime, cputime_total_source)
ADAPT(perf, perf_total_source)
ADAPT(switch, switch_total_source)

#define DRIVER(probe, has_heads)                                                                   \
	{                                                                                          \
		open_##probe, close_##probe, events_of_##probe, phrase_of_##probe,                 \
			note_of_##probe, follow_##probe, read_parts_##probe, read_total_##probe,   \
			has_heads                                                                  \
	}
static const struct cpu_counter_driver drivers[] = {
	[CPU_SOURCE_PERF] = DRIVER(perf, false),
	[CPU_SOURCE_CPUTIME] = DRIVER(cputime, false),
	[CPU_SOURCE_SWITCH] = DRIVER(switch, true),
};

/* --- heads ------------------------------------------------------------------------ */

/* Without them nothing is missing but names: another root has none. */
static int open_heads(struct cpu_counter *counter, const struct cpu_counter_request *request,
		      const struct rootfs *root, struct error *error)
{
	if (counter->driver->has_heads || !rootfs_is_real(root))
		return 0;
	return heads_open(&counter->heads, root, request->source != CPU_SOURCE_CPUTIME,
			  request->exits, error);
}

/* --- the interface ---------------------------------------------------------------- */

int cpu_counter_open(struct cpu_counter *counter, const struct cpu_counter_request *request,
		     const struct rootfs *root, struct error *error)
{
	enum cpu_source source = request->source;
	int result;

	*counter = (struct cpu_counter){ 0 };
	if (source >= sizeof drivers / sizeof *drivers || !drivers[source].open)
		return error_setf(error, ENOTSUP, "source %s: not in this version",
				  cpu_source_name(source));
	result = drivers[source].open(&counter->state, root, request, error);
	if (result)
		return result;
	counter->driver = &drivers[source];
	result = open_heads(counter, request, root, error);
	if (result)
		cpu_counter_close(counter);
	return result;
}

void cpu_counter_close(struct cpu_counter *counter)
{
	if (counter->driver)
		counter->driver->close(counter->state);
	heads_close(counter->heads);
	*counter = (struct cpu_counter){ 0 };
}

void cpu_counter_events(const struct cpu_counter *counter, struct event_set *events)
{
	counter->driver->events(counter->state, events);
}

const char *cpu_counter_phrase(const struct cpu_counter *counter)
{
	return counter->driver->phrase(counter->state);
}

const char *cpu_counter_note(const struct cpu_counter *counter)
{
	const char *note = counter->driver->note(counter->state);

	return note || !counter->heads ? note : heads_note(counter->heads);
}

int cpu_counter_follow(struct cpu_counter *counter, const struct topology *topology)
{
	int result = counter->driver->follow(counter->state, topology);

	return result || !counter->heads ? result : heads_follow(counter->heads, topology);
}

int cpu_counter_read_parts(struct cpu_counter *counter, const struct topology *topology,
			   struct sample *sample)
{
	int result = counter->driver->read_parts(counter->state, topology, sample);

	return result || !counter->heads ? result : heads_read(counter->heads, sample);
}

int cpu_counter_read_total(struct cpu_counter *counter, struct sample *sample, struct error *error)
{
	return counter->driver->read_total(counter->state, sample, error);
}
