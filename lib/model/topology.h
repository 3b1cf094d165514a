/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * topology.h - which domains, threads, disks and services a host has.
 *
 * Made by discovery (or read from a recording), then immutable and shared by
 * reference count. Its arrays are cross-referenced by index, and a sample's
 * arrays run parallel to them.
 */
#ifndef VMENERGY_MODEL_TOPOLOGY_H
#define VMENERGY_MODEL_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a weights file is matched against. Strings are owned, never NULL. */
struct cpu_identity {
	char *vendor;     /* "GenuineIntel", "AuthenticAMD", "ARM", ...; "" = unknown */
	char *model_name; /* as /proc/cpuinfo says; "" = unknown */
	unsigned family, model, stepping;
	unsigned cpus;   /* hardware threads present (not only on line) */
	unsigned cores;  /* cores present; 0 = unknown */
	unsigned chips;  /* packages; 0 = unknown */
	uint64_t tsc_hz; /* rate of the time-stamp counter; 0 = unknown */
};

/* A physical leaf device: it carries watts. */
struct disk {
	char *name;  /* "sda" */
	char *model; /* as sysfs says, trimmed; "" = unknown */
	unsigned major, minor;
	bool rotational;
	uint64_t size_bytes;
};

/* A physical network card, or one port of it: it carries watts. */
struct nic {
	char *name;           /* "eth0" */
	char *driver;         /* "ixgbe"; "" = unknown */
	char *model;          /* PCI numbers of vendor and device, "8086:10fb"; "" = unknown */
	unsigned speed_mbits; /* 0 = unknown */
	bool up;              /* the link, when discovery looked */
};

enum vdisk_backing {
	VDISK_LOCAL,   /* leads to leaves of this host */
	VDISK_NETWORK, /* no disk is here */
	VDISK_EMPTY,   /* a drive without a medium */
	VDISK_UNKNOWN, /* could not be resolved: see reason */
};

/* One virtual disk of a domain. */
struct vdisk {
	char *name;   /* "vda" */
	char *source; /* path or URL; "" = none */
	enum vdisk_backing backing;
	char *reason;   /* why there is no leaf, or why it is a guess; NULL = none */
	bool direct;    /* O_DIRECT: each request reaches the device */
	size_t *leaves; /* indexes into topology.disks, ascending; owned */
	size_t leaf_count;
	/* Bytes that all its leaves write for one that is written to it: mirrors, parity.
	 * 0 = as many. */
	double write_copies;
};

/* One network interface of a domain, as the host's end of it is called. */
struct vnic {
	char *name;     /* "vnet0"; where there is no such end, QEMU's name of it */
	char *reason;   /* why there is no leaf; NULL = none */
	bool unseen;    /* its bytes cannot be read here */
	bool swapped;   /* a tap: what its counters call received is what the guest sent */
	size_t *leaves; /* indexes into topology.nics, ascending; owned */
	size_t leaf_count;
};

enum thread_role {
	THREAD_VCPU,     /* runs guest code: the domain's cpu */
	THREAD_EMULATOR, /* main loop, monitor, RCU: the domain's service */
	THREAD_IOTHREAD,
	THREAD_WORKER, /* transient pool worker */
	THREAD_VHOST,  /* vhost kernel worker of the domain */
	THREAD_KVM,    /* KVM kernel worker of the domain */
};

enum { VCPU_NONE = -1, VCPU_ALL = -2, VDISK_NONE = -1 };

struct thread {
	pid_t tid;
	uint64_t start_ticks; /* field 22 of its stat: tells a reused id */
	enum thread_role role;
	int vcpu;      /* number; VCPU_ALL: one thread runs all; VCPU_NONE */
	int vdisk;     /* index into the domain's vdisks that it alone serves, or VDISK_NONE */
	bool sampled;  /* read each tick (vCPUs, I/O threads, vhost); else only inside the domain's
			  total */
	char name[32]; /* comm; may hold blanks */
};

enum domain_state { DOMAIN_RUNNING, DOMAIN_PAUSED, DOMAIN_ENDED };
enum domain_manager { DOMAIN_LIBVIRT, DOMAIN_QEMU };

struct domain {
	char *id;    /* stable and unique on this host: UUID, or qemu:PID:START */
	char *name;  /* as its owner names it; any bytes but NUL; not unique */
	char *uuid;  /* NULL = none */
	char *owner; /* NULL = unknown */
	enum domain_state state;
	enum domain_manager manager;
	char *reason; /* what could not be read, for the reader; NULL = nothing missing */
	pid_t pid;    /* 0 = no process on this host */
	uint64_t start_ticks;
	uint64_t start_ns; /* CLOCK_MONOTONIC; 0 = before anyone looked */
	uint64_t end_ns;   /* when state is ended; 0 = unknown */
	unsigned vcpus;
	double cpu_weight; /* idle policy `share`: scale of cgroup v2 cpu.weight, 100 = default */
	char *cgroup;      /* below the hierarchy, holds this domain and nothing else; or NULL */
	char *connection;  /* libvirt URI; NULL for plain QEMU */
	struct vdisk *vdisks; /* owned */
	size_t vdisk_count;
	struct vnic *vnics; /* owned */
	size_t vnic_count;
	struct thread *threads; /* owned */
	size_t thread_count;
};

/* A process that works for several domains (model.md 4). */
struct service {
	char *id;
	char *name;
	pid_t pid;
	uint64_t start_ticks;
	double idle_units;      /* 0 allowed; default 1 */
	struct thread *threads; /* owned; role EMULATOR or IOTHREAD */
	size_t thread_count;
};

enum client_kind { CLIENT_VDISK, CLIENT_SERVICE };

enum { THROTTLE_GROUP_TEXT = 64 };

/* The throttle group that an attachment's requests pass, at the provider itself. Recordings do not
 * keep it. */
struct attachment_throttle {
	pid_t pid; /* of the provider; 0 = it has no such groups */
	uint64_t start_ticks;
	char group[THROTTLE_GROUP_TEXT]; /* "" = none */
	bool for_others;                 /* it holds back those of other domains, too */
};

/* A file that a process has open, as the kernel knows it: of some file systems (btrfs) stat(2)
 * tells another device. Recordings do not keep it. */
struct attachment_file {
	pid_t pid;             /* 0 = none */
	unsigned major, minor; /* of its file system */
	uint64_t inode;
	/* What is asked of it is not just what the client asks of a disk: the page cache is
	 * between, or the format of an image, which has data of its own and may have files
	 * behind it. */
	bool is_estimate;
};

/* "client uses provider": an export of a service attached to a vDISK or to another service. */
struct attachment {
	enum client_kind kind;
	size_t domain, vdisk; /* CLIENT_VDISK: indexes of the domain and of its vdisk */
	size_t client;        /* CLIENT_SERVICE: index of the service that uses `provider` */
	size_t provider;      /* index into topology.services */
	/* The provider's thread that works for this attachment and for no other: 1 + its index
	 * into the provider's threads, 0 = none. And does it work alone? Else workers of a pool
	 * do a part. */
	unsigned own_thread;
	bool own_alone;
	/* Who hands in this attachment's requests and no others, in the provider or in a service
	 * behind it: a thread, or (tid 0) a whole process; pid 0 = none, or not known. And the
	 * block device that they go to, whatever is below it; major 0 = not known, or several, or
	 * the page cache is between. For reading counters: recordings do not keep them. */
	pid_t pid, tid;
	unsigned major, minor;
	/* Where nobody does: the provider's file, or that of a service behind it, that is this
	 * attachment's alone. */
	struct attachment_file file;
	struct attachment_throttle throttle; /* of CLIENT_VDISK */
};

struct topology {
	uint64_t generation;    /* changes whenever anything below does */
	uint64_t discovered_ns; /* CLOCK_MONOTONIC */
	struct cpu_identity cpu;
	struct domain *domains;
	size_t domain_count;
	struct disk *disks;
	size_t disk_count;
	struct nic *nics;
	size_t nic_count;
	struct service *services;
	size_t service_count;
	struct attachment *attachments;
	size_t attachment_count;
	char **notes; /* what discovery could not see, a sentence each ("libvirt: ...") */
	size_t note_count;
	unsigned references; /* topology_ref/unref only */
};

struct topology *topology_new(void); /* one reference; NULL when out of memory */
struct topology *topology_ref(const struct topology *topology);
void topology_unref(const struct topology *topology);

/* Release what a struct owns (not the struct itself). */
void vdisk_clear(struct vdisk *vdisk);
void vnic_clear(struct vnic *vnic);
void domain_clear(struct domain *domain);
void service_clear(struct service *service);
void disk_clear(struct disk *disk);
void nic_clear(struct nic *nic);
void cpu_identity_clear(struct cpu_identity *cpu);

/* The service that is this process; NULL: none is. */
const struct service *topology_service(const struct topology *topology, pid_t pid);

/*
 * Is everything inside bounds: indexes, unique domain ids, one vCPU number
 * once per domain? 0 or -EINVAL with the reason. For recordings and asserts.
 */
struct error;
int topology_check(const struct topology *topology, struct error *error);

/* Same content, generation and discovered_ns aside? */
bool topology_equal(const struct topology *a, const struct topology *b);

/* The words of the JSON contract and of recordings, and back (-1 = none). */
const char *domain_state_name(enum domain_state state);
const char *thread_role_name(enum thread_role role);
const char *vdisk_backing_name(enum vdisk_backing backing);
const char *domain_manager_name(enum domain_manager manager);
int domain_state_parse(const char *word);
int thread_role_parse(const char *word);
int vdisk_backing_parse(const char *word);
int domain_manager_parse(const char *word);

#endif
