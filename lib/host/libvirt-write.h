/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libvirt-write.h - libvirt's limits of a running domain, read and written over
 * a connection of its own that may write. Every call may block for as long as
 * libvirtd does: keepalive 1 s x 3 ends one to a stopped libvirtd after about
 * 4 s, but connecting to one does not end before it goes on. So this belongs
 * into a thread that nobody waits for. One thread at a time.
 *
 * Errors: -ENOTCONN (no libvirtd; the next call connects again), -ENOENT (no
 * such domain, or it does not run), -EBUSY (another call changes it), -EINVAL,
 * -EPERM, -EOPNOTSUPP, -EIO, all with libvirt's text.
 */
#ifndef VMENERGY_HOST_LIBVIRT_WRITE_H
#define VMENERGY_HOST_LIBVIRT_WRITE_H

#include <stdint.h>

#include "base/error.h"
#include "host/io-throttle.h"

struct libvirt_write;

/* Starts a thread for libvirt's events. Connects when first asked for something. Not for a process
 * in which libvirt.h is open, too: libvirt has one event loop. */
int libvirt_write_open(struct libvirt_write **write, struct error *error);
/* Waits for what runs. */
void libvirt_write_close(struct libvirt_write *write);

struct libvirt_domain_ref {
	const char *uri;  /* another one than the last: connects again */
	const char *uuid; /* as text */
	unsigned vcpus;   /* current */
};

/* Bandwidth of the whole domain, emulator and I/O threads included; quota_us -1 = unlimited.
 * Reading: -EOPNOTSUPP when it is limited in a way that could not be put back, 1 when it must be
 * written again to be in force (libvirt-quota.h). */
struct libvirt_bandwidth {
	int64_t quota_us;
	uint64_t period_us;
};
int libvirt_write_get_cpu(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			  struct libvirt_bandwidth *cpu, struct error *error);
int libvirt_write_set_cpu(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			  const struct libvirt_bandwidth *cpu, struct error *error);

/* As the host's cgroups count them: v1 2..262144 (1024 = default), v2 1..10000 (100). */
int libvirt_write_get_shares(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			     uint64_t *shares, struct error *error);
int libvirt_write_set_shares(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			     uint64_t shares, struct error *error);

/* `disk` is the target's name, "vda". */
int libvirt_write_get_disk(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			   const char *disk, struct io_throttle *throttle, struct error *error);
int libvirt_write_set_disk(struct libvirt_write *write, const struct libvirt_domain_ref *domain,
			   const char *disk, const struct io_throttle *throttle,
			   struct error *error);

#endif
