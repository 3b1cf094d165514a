/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * actuator.h - the mechanisms that limit a domain: one table, one file per
 * mechanism. They know no policy. They run in the privileged child (helper.h)
 * and check again what they are told to do.
 *
 *   libvirt    virDomainSetSchedulerParameters, virDomainSetBlockIoTune: who owns a domain writes
 *   cgroup     cpu.max, cpu.weight, io.max; cpu.cfs_quota_us, cpu.shares, blkio.throttle.*
 *   qmp        block_set_io_throttle, on sockets that were given to us
 *   service    of a vDISK that another process serves, at that process: its throttle group, by
 *              qom-set on a socket that was given to us; or blkio.throttle.* of a cgroup that the
 *              thread is moved to which serves it alone
 *   null       writes nothing: a dry run
 */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_ACTUATOR_H
#define VMENERGY_VMENERGYD_ACTUATOR_ACTUATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cgroupfs.h"
#include "base/error.h"
#include "base/rootfs.h"
#include "base/text.h"
#include "model/topology.h"

enum knob {
	KNOB_CPU,    /* bandwidth of all of a domain's tasks */
	KNOB_SHARES, /* its weight among the others */
	KNOB_DISK,   /* of one vDISK */
	KNOB_PLACE,  /* the cgroups of a plain QEMU that shares its own with other processes */
};
enum { KNOB_COUNT = 4 };
enum { TARGET_TEXT = 256, TARGET_LEAVES = 8 };
const char *knob_name(enum knob knob); /* "cpu" "shares" "disk" "place" */
int knob_parse(const char *word);      /* or -1 */

/* All of what QEMU and libvirt know, so that originals can be put back; 0 = unlimited. Ours are
 * the four of read and write alone. */
struct disk_limit {
	uint64_t read_bytes_s, write_bytes_s, read_requests_s, write_requests_s;
	uint64_t total_bytes_s, total_requests_s;
	/* bursts ("_max" and "_max_length") and the size that counts as one request, in the order
	 * of virDomainBlockIoTune: kept as they were. */
	uint64_t total_bytes_max, read_bytes_max, write_bytes_max;
	uint64_t total_requests_max, read_requests_max, write_requests_max;
	uint64_t request_bytes;
};
struct cpu_limit {
	int64_t quota_us; /* -1 = unlimited */
	uint64_t period_us;
};

/* Below the mounts of the cpu and of the io (v1: blkio) controller; "" = leave it. Setting it moves
 * the process, makes a folder that is not there (/vmenergy/...) and removes one of ours that it
 * left empty. */
struct place {
	char cpu_cgroup[TARGET_TEXT], io_cgroup[TARGET_TEXT];
};

struct knob_value {
	enum knob knob;
	union {
		struct place place;
		struct {
			struct cpu_limit cpu;
			/* A cgroup's, on top of the quota: shrinks with the quota, grows to this
			 * again, at most to the quota. 0 = none, or as it is. No part of what makes
			 * two limits equal. */
			uint64_t burst_us;
			/* Read: it was spread over another number of vCPUs than there are now, and
			 * is in force only when it is written again. No part of it either. */
			bool must_renew;
		};
		struct {
			uint64_t shares; /* scale of cgroup v2: 1 .. 10000, 100 = default */
			/* cgroup v1's own number, where no weight stands for just that; else 0. */
			uint64_t raw_shares;
		};
		struct disk_limit disk;
	};
};
bool knob_value_equal(const struct knob_value *a, const struct knob_value *b);
/* Is it inside what kernel and hypervisor take? 0 or -ERANGE with the bound. */
int knob_value_check(const struct knob_value *value, struct error *error);
/* "20000/100000 us" "unlimited" "shares 100" "read 4000000 B/s, write 50 requests/s", appended. */
void knob_value_print(const struct knob_value *value, struct text *out);
/*
 * As a disk takes it: limits of the total go where there are ones of reads or writes, bursts where
 * there is no limit. What was set reads back so.
 */
struct disk_limit disk_limit_usable(const struct disk_limit *limit);

/* cpu.weight (1..10000) and cpu.shares (2..262144); both have their default at the same place.
 * From shares to a weight and back is exact to half a weight only. */
uint64_t shares_of_weight(uint64_t weight);
uint64_t weight_of_shares(uint64_t shares);
/* v1's cpu.shares as a value, and back, exactly. */
void knob_value_from_v1(uint64_t shares, struct knob_value *value);
uint64_t knob_value_to_v1(const struct knob_value *value);

/* Who serves a vDISK, where its limits are put on him: by his throttle group, or by a thread's
 * cgroup. */
struct target_service {
	pid_t pid; /* 0 = nobody, or he cannot be limited */
	uint64_t start_ticks;
	char group[64];               /* "" = none */
	char qmp_socket[TARGET_TEXT]; /* "" = none */
	pid_t tid;                    /* 0 = none */
};

/* A domain (and, for KNOB_DISK, one of its vDISKs) as a mechanism finds it again. */
struct target {
	enum domain_manager manager;
	char id[TARGET_TEXT];
	char name[TARGET_TEXT]; /* for messages */
	char uuid[40];          /* "" = none */
	char uri[TARGET_TEXT];  /* libvirt's; "" = none */
	pid_t pid;
	uint64_t start_ticks; /* of pid: another process is refused */
	unsigned vcpus;       /* 0 = not known, counts as one */
	/* Below the mount of the hierarchy that has the controller; "" = none that holds this
	 * domain alone. */
	char cpu_cgroup[TARGET_TEXT], io_cgroup[TARGET_TEXT];
	char qmp_socket[TARGET_TEXT]; /* "" = none */
	char vdisk[64];               /* "vda"; "" = none */
	struct {
		unsigned major, minor;
	} leaves[TARGET_LEAVES]; /* of the vDISK: block devices that io.max names */
	unsigned leaf_count;
	struct target_service service; /* of the vDISK */
};

/* How cgroup files are read and written: the real ones, or a plant's in a simulation. */
struct cgroup_io {
	void *context;
	/* FILE of the cgroup `path` in the hierarchy mounted at `mount`. Length or -errno. */
	long (*read)(void *context, const char *mount, const char *path, const char *file,
		     char *text, size_t size);
	/* One write(2) of the whole text. 0 or -errno. */
	int (*write)(void *context, const char *mount, const char *path, const char *file,
		     const char *text);
};
struct cgroup_io cgroup_io_real(const struct rootfs *root); /* root is borrowed */

/* What actuators work with; zero = they open it themselves when first needed. */
struct actuator_room {
	const struct rootfs *root;
	struct cgroup_mounts mounts;
	struct cgroup_io cgroup;
	struct libvirt_write *libvirt; /* owned; NULL = not connected yet */
	struct null_memory *null;      /* owned; what null "wrote"; NULL = nothing yet */
	struct guard *guard;           /* owned; what guard.c has seen; NULL = nothing yet */
	/* QMP sockets that may be opened: those of the configuration; borrowed. */
	struct monitor_list {
		const char *const *sockets;
		size_t count;
	} monitors;
	bool dry_run;     /* null serves everything */
	struct text *log; /* of null: what would have been written; NULL = nowhere */
};
int actuator_room_open(struct actuator_room *room, const struct rootfs *root, bool dry_run,
		       struct error *error);
void actuator_room_close(struct actuator_room *room);

struct actuator {
	const char *name;
	/* May it serve this knob of this target? (Pure: looks at the target and the mounts.) */
	bool (*serves)(const struct actuator_room *room, const struct target *target,
		       enum knob knob);
	/* What is in force now. 0 or -errno with text; -ENOENT / -ESRCH: the domain is gone. */
	int (*get)(struct actuator_room *room, const struct target *target,
		   struct knob_value *value, struct error *error);
	/* Put it in force. As get; -ERANGE, -EBUSY (try again). */
	int (*set)(struct actuator_room *room, const struct target *target,
		   const struct knob_value *value, struct error *error);
	bool may_block; /* calls another program: runs in a thread of its own */
};
/* The one that serves, or NULL with the reason. */
const struct actuator *actuator_for(const struct actuator_room *room, const struct target *target,
				    enum knob knob, struct error *error);
extern const struct actuator actuator_libvirt, actuator_cgroup, actuator_qmp, actuator_service,
	actuator_null;

#endif
