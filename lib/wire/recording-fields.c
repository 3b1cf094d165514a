/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire/recording-fields.h"

#include <limits.h>

#include "model/words.h"
#include "wire/recording.h"

/* --- words ----------------------------------------------------------------- */

static const char *const total_source_words[] = {
	[TOTAL_NONE] = "none",
	[TOTAL_CGROUP] = "cgroup",
	[TOTAL_PROCESS] = "process",
};
static const char *const client_words[] = {
	[CLIENT_VDISK] = "vdisk",
	[CLIENT_SERVICE] = "service",
};

static const char *total_source_name(unsigned value)
{
	return words_name(total_source_words, WORDS_COUNT(total_source_words), value);
}

static int total_source_parse(const char *word)
{
	return words_parse(total_source_words, WORDS_COUNT(total_source_words), word);
}

static const char *client_name(unsigned value)
{
	return words_name(client_words, WORDS_COUNT(client_words), value);
}

static int client_parse(const char *word)
{
	return words_parse(client_words, WORDS_COUNT(client_words), word);
}

FIELD_WORD(idle_policy);
FIELD_WORD(cpu_source);
FIELD_WORD(domain_state);
FIELD_WORD(domain_manager);
FIELD_WORD(vdisk_backing);
FIELD_WORD(thread_role);
static const struct field_word total_source_word = { total_source_name, total_source_parse };
const struct field_word recording_client_word = { client_name, client_parse };

/* --- fields ---------------------------------------------------------------- */

#define AT(struct_, member, kind_)                                                                 \
	.key = #member, .type = FIELD_##kind_, .offset = offsetof(struct struct_, member)
/* clang-format off */
#define U64(struct_, member) { AT(struct_, member, U64) }
#define OPTIONAL_U64(struct_, member) { AT(struct_, member, U64), .optional = true }
#define UNSIGNED(struct_, member, max_) { AT(struct_, member, UNSIGNED), .max = (max_) }
#define INT(struct_, member, min_) { AT(struct_, member, INT), .min = (min_), .max = INT_MAX }
#define BOOL(struct_, member) { AT(struct_, member, BOOL) }
#define REAL(struct_, member) { AT(struct_, member, REAL) }
#define OPTIONAL_REAL(struct_, member) { AT(struct_, member, REAL), .optional = true }
#define WORD_OF(struct_, member, word_) { AT(struct_, member, WORD), .word = &(word_) }
#define TEXT(struct_, member) { AT(struct_, member, TEXT), .max = FIELD_TEXT_MAX }
#define OPTIONAL_TEXT(struct_, member) \
	{ AT(struct_, member, TEXT), .max = FIELD_TEXT_MAX, .optional = true }
/* clang-format on */

#define TABLE(name) const struct field_table recording_##name = { name, sizeof name / sizeof *name }

enum { QUALITY_ALL = (1 << QUALITY_COUNT) - 1 };

const struct field recording_event_name = {
	.key = "event",
	.type = FIELD_CHARS,
	.max = EVENT_NAME_BYTES - 1,
};
const struct field recording_note = { .key = "note", .type = FIELD_TEXT, .max = FIELD_TEXT_MAX };

static const struct field header_fields[] = {
	OPTIONAL_TEXT(recording_header, program),
	OPTIONAL_TEXT(recording_header, hostname),
	OPTIONAL_TEXT(recording_header, kernel),
	REAL(recording_header, started_s),
	REAL(recording_header, interval_s),
	WORD_OF(recording_header, idle_policy, idle_policy_word),
	{ .key = "source",
	  .type = FIELD_WORD,
	  .offset = offsetof(struct recording_header, events.source),
	  .word = &cpu_source_word },
	OPTIONAL_TEXT(recording_header, cpu_weights_why),
};
TABLE(header_fields);

static const struct field file_fields[] = {
	OPTIONAL_TEXT(recording_file, path),
	{ AT(recording_file, text, TEXT), .max = FIELD_FILE_MAX, .optional = true },
};
TABLE(file_fields);

static const struct field topology_fields[] = {
	U64(topology, generation),
	U64(topology, discovered_ns),
};
TABLE(topology_fields);

static const struct field cpu_fields[] = {
	TEXT(cpu_identity, vendor),
	TEXT(cpu_identity, model_name),
	UNSIGNED(cpu_identity, family, UINT_MAX),
	UNSIGNED(cpu_identity, model, UINT_MAX),
	UNSIGNED(cpu_identity, stepping, UINT_MAX),
	UNSIGNED(cpu_identity, cpus, UINT_MAX),
	UNSIGNED(cpu_identity, cores, UINT_MAX),
	UNSIGNED(cpu_identity, chips, UINT_MAX),
	U64(cpu_identity, tsc_hz),
};
TABLE(cpu_fields);

static const struct field disk_fields[] = {
	TEXT(disk, name),
	TEXT(disk, model),
	UNSIGNED(disk, major, UINT_MAX),
	UNSIGNED(disk, minor, UINT_MAX),
	BOOL(disk, rotational),
	U64(disk, size_bytes),
};
TABLE(disk_fields);

static const struct field domain_fields[] = {
	TEXT(domain, id),
	TEXT(domain, name),
	OPTIONAL_TEXT(domain, uuid),
	OPTIONAL_TEXT(domain, owner),
	WORD_OF(domain, state, domain_state_word),
	WORD_OF(domain, manager, domain_manager_word),
	OPTIONAL_TEXT(domain, reason),
	INT(domain, pid, 0),
	U64(domain, start_ticks),
	OPTIONAL_U64(domain, start_ns),
	OPTIONAL_U64(domain, end_ns),
	UNSIGNED(domain, vcpus, RECORDING_ITEMS_MAX),
	REAL(domain, cpu_weight),
	OPTIONAL_TEXT(domain, cgroup),
	OPTIONAL_TEXT(domain, connection),
};
TABLE(domain_fields);

static const struct field vdisk_fields[] = {
	TEXT(vdisk, name),
	TEXT(vdisk, source),
	WORD_OF(vdisk, backing, vdisk_backing_word),
	OPTIONAL_TEXT(vdisk, reason),
	BOOL(vdisk, direct),
	OPTIONAL_REAL(vdisk, write_copies),
};
TABLE(vdisk_fields);

static const struct field thread_fields[] = {
	INT(thread, tid, 0),
	U64(thread, start_ticks),
	WORD_OF(thread, role, thread_role_word),
	INT(thread, vcpu, VCPU_ALL),
	INT(thread, vdisk, VDISK_NONE),
	BOOL(thread, sampled),
	{ AT(thread, name, CHARS), .max = sizeof((struct thread *)0)->name - 1 },
};
TABLE(thread_fields);

static const struct field nic_fields[] = {
	TEXT(nic, name), TEXT(nic, driver), TEXT(nic, model), UNSIGNED(nic, speed_mbits, UINT_MAX),
	BOOL(nic, up),
};
TABLE(nic_fields);

static const struct field vnic_fields[] = {
	TEXT(vnic, name),
	OPTIONAL_TEXT(vnic, reason),
	BOOL(vnic, unseen),
	BOOL(vnic, swapped),
};
TABLE(vnic_fields);

static const struct field net_reading_fields[] = {
	U64(net_reading, at_ns),      UNSIGNED(net_reading, quality, QUALITY_ALL),
	U64(net_reading, rx_bytes),   U64(net_reading, tx_bytes),
	U64(net_reading, rx_packets), U64(net_reading, tx_packets),
};
TABLE(net_reading_fields);

static const struct field service_fields[] = {
	TEXT(service, id),         TEXT(service, name),       INT(service, pid, 0),
	U64(service, start_ticks), REAL(service, idle_units),
};
TABLE(service_fields);

/* Who the client is, has its own way (recording-put.c). */
static const struct field attachment_fields[] = {
	{ AT(attachment, own_thread, UNSIGNED), .max = RECORDING_ITEMS_MAX, .optional = true },
	{ AT(attachment, own_alone, BOOL), .optional = true },
};
TABLE(attachment_fields);

static const struct field sample_fields[] = {
	U64(sample, seq),
	U64(sample, generation),
	U64(sample, begin_ns),
	U64(sample, end_ns),
	U64(sample, realtime_ns),
	OPTIONAL_U64(sample, missed_ticks),
	{ AT(sample, quality, UNSIGNED), .max = QUALITY_ALL, .optional = true },
	OPTIONAL_U64(sample, tsc_ticks),
};
TABLE(sample_fields);

static const struct field package_fields[] = { OPTIONAL_U64(package_reading, frequency_hz) };
TABLE(package_fields);

static const struct field head_fields[] = {
	{ AT(head_reading, name, CHARS), .max = HEAD_NAME_BYTES - 1 },
	{ AT(head_reading, by_time, BOOL), .optional = true },
};
TABLE(head_fields);

static const struct field reading_fields[] = {
	{ .key = "source",
	  .type = FIELD_WORD,
	  .offset = offsetof(struct domain_reading, total_source),
	  .optional = true,
	  .word = &total_source_word },
};
TABLE(reading_fields);

static const struct field cpu_reading_fields[] = {
	U64(cpu_reading, at_ns),
	UNSIGNED(cpu_reading, quality, QUALITY_ALL),
};
TABLE(cpu_reading_fields);

/* Each length is a reading of its own kind: the first ones are those of the shorter. */
static const struct field service_io_fields[] = {
	U64(io_reading, at_ns),         UNSIGNED(io_reading, quality, QUALITY_ALL),
	U64(io_reading, read_bytes),    U64(io_reading, write_bytes),
	U64(io_reading, read_requests), U64(io_reading, write_requests),
	U64(io_reading, busy_ns),       U64(io_reading, read_seeks),
	U64(io_reading, write_seeks),
};
TABLE(service_io_fields);
const struct field_table recording_bytes_fields = { service_io_fields, 4 };
const struct field_table recording_requests_fields = { service_io_fields, 6 };
