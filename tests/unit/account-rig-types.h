/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account-rig-types.h - the parts of the simulated host of account-rig.h. */
#ifndef VMENERGY_TESTS_ACCOUNT_RIG_TYPES_H
#define VMENERGY_TESTS_ACCOUNT_RIG_TYPES_H

#include "model/account.h"

enum { RIG_DOMAINS = 256, RIG_THREADS = 12, RIG_VDISKS = 4, RIG_DISKS = 4, RIG_SERVICES = 6 };
enum { RIG_ATTACHMENTS = 512, RIG_ISSUED = 128, RIG_PACKAGES = 2, RIG_NICS = 3, RIG_VNICS = 3 };
enum { RIG_HEADS = 8, RIG_SERVICE_THREADS = 4 };

struct rig_counter { /* of CPU time */
	uint64_t count[SAMPLE_EVENTS_MAX];
	bool missing;   /* not read in this tick */
	uint64_t at_ns; /* 0: the end of the tick */
};

struct rig_io {
	struct io_reading io;
	bool missing;
	uint64_t at_ns;
};

struct rig_net {
	struct net_reading net;
	bool missing;
};

struct rig_vnic {
	char name[16];
	size_t leaves[RIG_NICS], leaf_count;
	struct rig_net io;
};

struct rig_thread {
	pid_t tid;
	uint64_t start_ticks;
	enum thread_role role;
	int vcpu, vdisk;
	bool unsampled, hidden; /* hidden: discovery does not list it */
	size_t twin;            /* the same thread as threads[twin - 1], listed again; 0: none */
	struct rig_counter counter;
};

struct rig_vdisk {
	char name[16];
	bool direct;
	enum vdisk_backing backing;
	size_t leaves[RIG_DISKS], leaf_count;
	double write_copies;
	struct rig_io io;
};

struct rig_domain {
	bool absent;
	char id[32];
	enum domain_state state;
	pid_t pid;
	uint64_t start_ticks, start_ns, end_ns;
	unsigned vcpus;
	double cpu_weight;
	enum total_source total_source;
	struct rig_thread threads[RIG_THREADS];
	size_t thread_count;
	struct rig_vdisk vdisks[RIG_VDISKS];
	size_t vdisk_count;
	struct rig_vnic vnics[RIG_VNICS];
	size_t vnic_count;
	struct rig_counter extra; /* helpers that are not listed; missing: so is the total */
};

struct rig_service_thread {
	pid_t tid;
	uint64_t start_ticks;
	struct rig_counter counter;
};

struct rig_service {
	char id[32];
	bool absent;
	pid_t pid; /* 0: by its place */
	double idle_units;
	struct rig_counter counter; /* of all but its threads; missing: so is the total */
	struct rig_service_thread threads[RIG_SERVICE_THREADS]; /* that are read by themselves */
	size_t thread_count;
};

struct rig_attachment {
	struct attachment of;
	struct rig_io io;
};

struct rig_issued {
	size_t domain;
	int disk;
	struct rig_io io;
};

struct rig_head { /* a part of the host's tasks: what it used is in rig.host, too */
	char name[HEAD_NAME_BYTES];
	bool by_time, absent;
	struct rig_counter counter;
};

struct rig {
	struct weights cpu, disk, nic;
	const struct weights *disk_list[1], *nic_list[1];
	struct operating_point point;
	struct account_options options;
	struct account *account;
	struct snapshot snapshot;
	struct error error;
	struct topology *topology;
	struct sample sample;
	uint64_t now_ns, generation, seq;
	bool reversed; /* discovery lists threads from the last to the first */
	bool same;     /* the topology did not change: keep it */
	struct rig_domain domains[RIG_DOMAINS];
	size_t domain_count;
	size_t order[RIG_DOMAINS]; /* how discovery lists them */
	struct {
		char name[16];
		bool rotational;
		struct rig_io io;
	} disks[RIG_DISKS];
	size_t disk_count;
	struct {
		char name[16];
		bool down;
		struct rig_net io;
	} nics[RIG_NICS];
	size_t nic_count;
	struct rig_service services[RIG_SERVICES];
	size_t service_count;
	struct rig_attachment attachments[RIG_ATTACHMENTS];
	size_t attachment_count;
	struct rig_issued issued[RIG_ISSUED];
	size_t issued_count;
	struct rig_counter host, own; /* tasks that belong to no domain or service; our own, too */
	bool head_missing;
	struct rig_head heads[RIG_HEADS];
	size_t head_count;
	struct rig_counter on_cpu; /* missing: nobody reads it */
	/* What the host's total is read from: none = the sum of all tasks, as of one package. */
	struct {
		struct rig_counter counter;
		uint64_t frequency_hz;
		double temperature_c; /* 0: unknown */
	} packages[RIG_PACKAGES];
	unsigned package_count;
	uint64_t tsc_ticks;
	pid_t next_id;
};

#endif
