/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sample.h - what the counters said in one tick, raw and cumulative.
 *
 * Arrays run parallel to the topology that the sample was taken with
 * (generation). Every reading has its own time: differences are made per
 * counter, over its own interval. Absent is a flag, never a zero.
 */
#ifndef VMENERGY_MODEL_SAMPLE_H
#define VMENERGY_MODEL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/topology.h"

/* Words of `quality`, as bits. */
enum quality {
	QUALITY_ESTIMATE = 1 << 0,    /* made from on-CPU time or a guess */
	QUALITY_MULTIPLEXED = 1 << 1, /* scaled by enabled/running time */
	QUALITY_SKEW = 1 << 2,        /* parts exceeded their total */
	QUALITY_STALE = 1 << 3,       /* not read this tick; the delta comes later */
	QUALITY_WRAPPED = 1 << 4,
	QUALITY_MISSING = 1 << 5,      /* could not be read */
	QUALITY_GAP = 1 << 6,          /* a part of the time was not observed */
	QUALITY_EXTRAPOLATED = 1 << 7, /* outside the calibrated operating points */
};
enum { QUALITY_COUNT = 8 };
const char *quality_name(unsigned index); /* 0 .. QUALITY_COUNT - 1 */
int quality_parse(const char *word);      /* its QUALITY_ bit, or -1 */

enum cpu_source { CPU_SOURCE_PERF, CPU_SOURCE_CPUTIME, CPU_SOURCE_SWITCH };
const char *cpu_source_name(enum cpu_source source);
int cpu_source_parse(const char *word); /* or -1 */

enum { SAMPLE_EVENTS_MAX = 8, EVENT_NAME_BYTES = 96 };

/*
 * What count[] means, for all samples of a session. With `cputime` there is
 * one event, CPUTIME_EVENT: nanoseconds on a CPU; with `switch` there may be.
 */
#define CPUTIME_EVENT "cputime::ON_CPU_NS"
struct event_set {
	enum cpu_source source;
	unsigned count;
	char names[SAMPLE_EVENTS_MAX][EVENT_NAME_BYTES];
};

/* Is time on a CPU all that is counted, in the place of events? */
bool event_set_is_time(const struct event_set *events);

/* CPU events of one thread, or of all tasks of something. Cumulative. */
struct cpu_reading {
	uint64_t at_ns; /* CLOCK_MONOTONIC; 0 = never read */
	unsigned quality;
	uint64_t count[SAMPLE_EVENTS_MAX];
};

/* Requests and bytes of a vDISK, a leaf or an attachment. Cumulative. */
struct io_reading {
	uint64_t at_ns; /* 0 = never read */
	unsigned quality;
	bool has_requests; /* else only bytes are known */
	uint64_t read_bytes, write_bytes, read_requests, write_requests;
	/* Of a leaf whose requests were followed from issue to completion; then its requests
	 * are known, too. */
	bool has_service;
	uint64_t busy_ns; /* time with at least one request in the device */
	/* Requests that began elsewhere than the one before them ended. */
	uint64_t read_seeks, write_seeks;
};

/* Bytes and packets of a vNIC, as its guest sees them, or of a network card. Cumulative. */
struct net_reading {
	uint64_t at_ns; /* 0 = never read */
	unsigned quality;
	uint64_t rx_bytes, tx_bytes, rx_packets, tx_packets;
};

enum total_source {
	TOTAL_NONE,    /* only the sampled threads are known */
	TOTAL_CGROUP,  /* a cgroup that holds the domain alone */
	TOTAL_PROCESS, /* the process's CPU clock, ended threads included */
};

/* Physical requests that a domain was seen to issue to one leaf (cgroup), or bytes to
 * any disk (/proc/PID/io). */
enum { ISSUED_ANY_DISK = -1 };
struct issued_reading {
	size_t domain;
	int disk; /* index into topology.disks or ISSUED_ANY_DISK */
	struct io_reading io;
};

struct domain_reading {
	enum total_source total_source;
	struct cpu_reading total;    /* all tasks of the domain */
	struct cpu_reading *threads; /* parallel to domain.threads; at_ns 0 where not sampled */
	struct io_reading *vdisks;   /* parallel to domain.vdisks */
	struct net_reading *vnics;   /* parallel to domain.vnics */
};

struct service_reading {
	struct cpu_reading total;
	struct cpu_reading *threads; /* parallel to service.threads; at_ns 0 where not sampled */
};

/*
 * What tasks of the host that belong to no domain and no service used, under the name
 * that they are shown by. Cumulative; it does not go back when a process ends. One that
 * the sample before did not have counts from 0.
 */
enum { HEAD_NAME_BYTES = 32, SAMPLE_HEADS_MAX = 64 };
struct head_reading {
	char name[HEAD_NAME_BYTES];
	bool by_time; /* count[0] is time on CPUs in ns, whatever the events are */
	struct cpu_reading cpu;
};

/* All tasks of one package (or, where the source cannot tell, of the machine). */
struct package_reading {
	struct cpu_reading total;
	uint64_t frequency_hz; /* mean of the busy time since the last tick; 0 = unknown */
	double temperature_c;  /* NaN = unknown */
};
enum { SAMPLE_PACKAGES_MAX = 16 };

struct sample {
	uint64_t seq;              /* 0, 1, 2 ... of the session */
	uint64_t generation;       /* of the topology it belongs to */
	uint64_t begin_ns, end_ns; /* CLOCK_MONOTONIC */
	uint64_t realtime_ns;      /* UTC at end_ns */
	uint64_t missed_ticks;     /* cumulative: ticks that came due and were not run */
	unsigned quality;          /* of the tick as a whole */
	unsigned package_count;
	struct package_reading packages[SAMPLE_PACKAGES_MAX]; /* read after all parts */
	struct cpu_reading own; /* our own process: shown by name among kept */
	uint64_t tsc_ticks;     /* of one CPU, cumulative; 0 = derive from time */
	size_t domain_count;
	struct domain_reading *domains;
	size_t service_count;
	struct service_reading *services;
	size_t disk_count;
	struct io_reading *disks; /* parallel to topology.disks; physical */
	size_t attachment_count;
	struct io_reading *attachments;
	size_t issued_count;
	struct issued_reading *issued;
	size_t issued_capacity;
	size_t nic_count;
	struct net_reading *nics; /* parallel to topology.nics */
	size_t head_count;
	struct head_reading *heads;
	size_t head_capacity;
	/* count[0]: ns on CPUs of all tasks, of which those of heads `by_time` are a part. */
	struct cpu_reading on_cpu;
};

/*
 * Size the arrays for `topology`, take its generation and clear every reading,
 * reusing memory; seq and missed_ticks stay. 0 or -ENOMEM (then only
 * sample_clear or another prepare may follow). Start from {0}.
 */
int sample_prepare(struct sample *sample, const struct topology *topology);
void sample_clear(struct sample *sample);
/* Append a cleared entry to issued; NULL when out of memory. */
struct issued_reading *sample_add_issued(struct sample *sample);
/* The same for heads; NULL, too, where there are SAMPLE_HEADS_MAX. */
struct head_reading *sample_add_head(struct sample *sample);

#endif
