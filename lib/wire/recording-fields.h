/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording-fields.h - what stands in a recording, as tables; private to wire/. */
#ifndef VMENERGY_WIRE_RECORDING_FIELDS_H
#define VMENERGY_WIRE_RECORDING_FIELDS_H

#include "wire/field.h"

/* Bounds of what is read: far above any host, far below what would exhaust ours. */
enum {
	RECORDING_ITEMS_MAX = 100000, /* domains, threads, disks, services, attachments, issued */
	RECORDING_VDISKS_MAX = 4096,  /* of a domain */
	RECORDING_LEAVES_MAX = 64,    /* of a vDISK */
	RECORDING_NOTES_MAX = 1000,
	RECORDING_FILES_MAX = 64,
};

extern const struct field recording_event_name; /* char[EVENT_NAME_BYTES] */
extern const struct field recording_note;       /* char * */

extern const struct field_table recording_header_fields;      /* struct recording_header */
extern const struct field_table recording_file_fields;        /* struct recording_file */
extern const struct field_table recording_topology_fields;    /* struct topology */
extern const struct field_table recording_cpu_fields;         /* struct cpu_identity */
extern const struct field_table recording_disk_fields;        /* struct disk */
extern const struct field_table recording_domain_fields;      /* struct domain */
extern const struct field_table recording_vdisk_fields;       /* struct vdisk */
extern const struct field_table recording_thread_fields;      /* struct thread, as an array */
extern const struct field_table recording_nic_fields;         /* struct nic */
extern const struct field_table recording_vnic_fields;        /* struct vnic */
extern const struct field_table recording_net_reading_fields; /* struct net_reading, an array */
extern const struct field_table recording_service_fields;     /* struct service */
extern const struct field_table recording_attachment_fields;  /* struct attachment */
extern const struct field_table recording_sample_fields;      /* struct sample */
extern const struct field_table recording_package_fields;     /* struct package_reading */
extern const struct field_table recording_head_fields;        /* struct head_reading */
extern const struct field_table recording_reading_fields;     /* struct domain_reading */
extern const struct field_table recording_cpu_reading_fields; /* the head of a cpu_reading */
/* struct io_reading, as an array: of bytes, with requests, with times of service, too. */
extern const struct field_table recording_bytes_fields, recording_requests_fields,
	recording_service_io_fields;

/* "vdisk" or "service": the kind of an attachment. */
extern const struct field_word recording_client_word;

#endif
