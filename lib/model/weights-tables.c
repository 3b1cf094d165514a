/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/weights-fields.h"

#include "model/words.h"

static const char *const kind_words[] = {
	[WEIGHTS_CPU] = "cpu",
	[WEIGHTS_DISK] = "disk",
	[WEIGHTS_NIC] = "nic",
};

static int kind_parse(const char *word)
{
	return words_parse(kind_words, WORDS_COUNT(kind_words), word);
}

static const char *kind_name(int kind)
{
	return words_name(kind_words, WORDS_COUNT(kind_words), (size_t)kind);
}

static const char *scope_word(int scope)
{
	return scope_name((enum scope)scope);
}

static const char *standing_word(int standing)
{
	return standing_name((enum standing)standing);
}

static const char *verdict_word(int verdict)
{
	return verdict_name((enum verdict)verdict);
}

#define AT(member) .offset = offsetof(struct weights, member)
#define ERROR_AT(member) .has_error = true, .error_offset = offsetof(struct weights, member)
#define TEXT(s, k, for_kinds, member)                                                              \
	{                                                                                          \
		.section = s, .key = k, .type = FIELD_TEXT, .kinds = for_kinds, AT(member)         \
	}
#define WHOLE(s, k, t, for_kinds, member, low, high)                                               \
	{                                                                                          \
		.section = s, .key = k, .type = t, .kinds = for_kinds, AT(member), .min = low,     \
		.max = high,                                                                       \
	}
#define WORD(s, k, member, need, words_text, parse, name)                                          \
	{                                                                                          \
		.section = s, .key = k, .type = FIELD_WORD, .kinds = FOR_ALL, .required = need,    \
		AT(member), .words = words_text, .word_parse = parse, .word_name = name,           \
	}
#define AMOUNT(s, k, for_kinds, member, what, low, high)                                           \
	.section = s, .key = k, .type = FIELD_AMOUNT, .kinds = for_kinds, AT(member),              \
	.amount = what, .min = low, .max = high

const struct field weights_fields[] = {
	{ .section = "weights",
	  .key = "name",
	  .type = FIELD_TEXT,
	  .kinds = FOR_ALL,
	  .required = true,
	  AT(name) },
	WORD("weights", "kind", kind, true, "cpu, disk or nic", kind_parse, kind_name),
	WORD("weights", "scope", scope, true, "wall, dc, package, package+dram or rail",
	     scope_parse, scope_word),
	WORD("weights", "standing", standing, true, "measured, modelled or estimate",
	     standing_parse, standing_word),
	{ .section = "weights", .key = "guess", .type = FIELD_FLAG, .kinds = FOR_ALL, AT(guess) },

	TEXT("match", "vendor", FOR_CPU, match.vendor),
	TEXT("match", "model-name", FOR_CPU, match.model_name),
	WHOLE("match", "family", FIELD_INT, FOR_CPU, match.family, 0, 65535),
	WHOLE("match", "model", FIELD_INT, FOR_CPU, match.model, 0, 65535),
	WHOLE("match", "stepping", FIELD_INT, FOR_CPU, match.stepping, 0, 65535),
	WHOLE("match", "chips", FIELD_INT, FOR_CPU, match.chips, 1, 256),
	WHOLE("match", "cpus", FIELD_INT, FOR_CPU, match.cpus, 1, 65536),
	TEXT("match", "pmu", FOR_CPU, match.pmu),
	TEXT("match", "disk-model", FOR_DISK, match.disk_model),
	TEXT("match", "disk-name", FOR_DISK, match.disk_name),
	{ .section = "match",
	  .key = "rotational",
	  .type = FIELD_CHOICE,
	  .kinds = FOR_DISK,
	  AT(match.rotational) },
	TEXT("match", "nic-driver", FOR_NIC, match.nic_driver),
	TEXT("match", "nic-model", FOR_NIC, match.nic_model),
	TEXT("match", "nic-name", FOR_NIC, match.nic_name),
	WHOLE("match", "nic-speed", FIELD_INT, FOR_NIC, match.nic_speed, 1, 1e7),

	WHOLE("machine", "cpus", FIELD_UNSIGNED, FOR_CPU, cpus, 1, 65536),
	WHOLE("machine", "chips", FIELD_UNSIGNED, FOR_CPU, chips, 1, 256),
	{ AMOUNT("machine", "tsc", FOR_CPU, tsc_hz, AMOUNT_FREQUENCY, 1e6, 20e9),
	  .zero_is_absent = true },
	{ .section = "machine",
	  .key = "per-cpu",
	  .type = FIELD_FLAG,
	  .kinds = FOR_CPU,
	  AT(per_cpu) },

	{ AMOUNT("disks-in-base", "power", FOR_CPU, disks_idle_w, AMOUNT_POWER, 0, 1e5),
	  .zero_is_absent = true },
	TEXT("disks-in-base", "note", FOR_CPU, disks_note),
	{ AMOUNT("nics-in-base", "power", FOR_CPU, nics_idle_w, AMOUNT_POWER, 0, 1e5),
	  .zero_is_absent = true },

	{ AMOUNT("disk", "idle", FOR_DISK, disk.idle_w, AMOUNT_POWER, 0, 1000),
	  ERROR_AT(disk.idle_se_w), .required = true },
	{ AMOUNT("disk", "active", FOR_DISK, disk.active_w, AMOUNT_POWER, 0, 1000),
	  ERROR_AT(disk.active_se_w), .required = true },
	{ AMOUNT("disk", "read-overhead", FOR_DISK, disk.read.overhead_s, AMOUNT_TIME, 0, 10),
	  .required = true },
	{ AMOUNT("disk", "read-rate", FOR_DISK, disk.read.rate_bytes_s, AMOUNT_RATE, 1, 1e12),
	  .required = true },
	{ AMOUNT("disk", "write-overhead", FOR_DISK, disk.write.overhead_s, AMOUNT_TIME, 0, 10),
	  .required = true },
	{ AMOUNT("disk", "write-rate", FOR_DISK, disk.write.rate_bytes_s, AMOUNT_RATE, 1, 1e12),
	  .required = true },

	{ AMOUNT("nic", "idle", FOR_NIC, nic.idle_w, AMOUNT_POWER, 0, 1000),
	  ERROR_AT(nic.idle_se_w), .required = true },
	{ AMOUNT("nic", "receive", FOR_NIC, nic.receive_nj, AMOUNT_NANOJOULE, 0, 1e6),
	  ERROR_AT(nic.receive_se_nj), .required = true },
	{ AMOUNT("nic", "transmit", FOR_NIC, nic.transmit_nj, AMOUNT_NANOJOULE, 0, 1e6),
	  ERROR_AT(nic.transmit_se_nj), .required = true },

	{ AMOUNT("thermal", "c1-kelvin-per-joule", FOR_CPU, thermal_c1, AMOUNT_NUMBER, 0, 1000) },
	{ AMOUNT("thermal", "c2-per-second", FOR_CPU, thermal_c2, AMOUNT_NUMBER, -1000, 0) },
	{ AMOUNT("thermal", "t0", FOR_CPU, thermal_t0_c, AMOUNT_TEMPERATURE, -100, 200) },

	TEXT("provenance", "source", FOR_ALL, source),
	TEXT("provenance", "meter", FOR_ALL, meter),
	{ AMOUNT("provenance", "meter-lag", FOR_ALL, meter_lag_s, AMOUNT_TIME, 0, 3600) },
	{ AMOUNT("provenance", "meter-window", FOR_ALL, meter_window_s, AMOUNT_TIME, 0, 3600) },
	TEXT("provenance", "date", FOR_ALL, date),
	TEXT("provenance", "kernel", FOR_ALL, kernel),
	TEXT("provenance", "command", FOR_ALL, command),
	WHOLE("provenance", "rows", FIELD_U64, FOR_ALL, rows, 1, 1e15),
	WHOLE("provenance", "servers", FIELD_U64, FOR_ALL, servers, 1, 1e15),

	{ AMOUNT("validation", "lowo-mape", FOR_ALL, lowo_mape_percent, AMOUNT_PERCENT, 0, 1e6) },
	{ AMOUNT("validation", "lowo-worst", FOR_ALL, lowo_worst_percent, AMOUNT_PERCENT, 0, 1e6) },
	{ AMOUNT("validation", "in-sample-mape", FOR_ALL, in_sample_mape_percent, AMOUNT_PERCENT, 0,
		 1e6) },
	{ AMOUNT("validation", "energy-error", FOR_ALL, energy_error_percent, AMOUNT_PERCENT, 0,
		 1e6) },
	WORD("validation", "verdict", verdict, false, "none, good, usable or poor", verdict_parse,
	     verdict_word),
};
const size_t weights_field_count = WORDS_COUNT(weights_fields);
_Static_assert(WORDS_COUNT(weights_fields) <= WEIGHTS_FIELDS_MAX, "lines of all fields");

const struct field point_fields[] = {
	{ .section = "point",
	  .key = "voltage",
	  .type = FIELD_AMOUNT,
	  .kinds = FOR_CPU,
	  .offset = offsetof(struct operating_point, voltage_v),
	  .amount = AMOUNT_VOLTAGE,
	  .min = 0.01,
	  .max = 1000 },
	{ .section = "point",
	  .key = "base",
	  .type = FIELD_AMOUNT,
	  .kinds = FOR_CPU,
	  .required = true,
	  .has_error = true,
	  .offset = offsetof(struct operating_point, base_w),
	  .error_offset = offsetof(struct operating_point, base_se_w),
	  .amount = AMOUNT_POWER,
	  .min = 0,
	  .max = 1e5 },
	{ .section = "point",
	  .key = "on-cpu",
	  .type = FIELD_AMOUNT,
	  .kinds = FOR_CPU,
	  .has_error = true,
	  .offset = offsetof(struct operating_point, on_cpu.nj),
	  .error_offset = offsetof(struct operating_point, on_cpu.se_nj),
	  .amount = AMOUNT_POWER,
	  .min = 0,
	  .max = 1e5 },
};
const size_t point_field_count = WORDS_COUNT(point_fields);
_Static_assert(WORDS_COUNT(point_fields) <= POINT_FIELDS_MAX, "lines of all fields");

/* A joule for one event would be a fault of the file. */
const struct field weight_field = {
	.section = "point",
	.key = "weight",
	.type = FIELD_AMOUNT,
	.has_error = true,
	.offset = offsetof(struct weight, nj),
	.error_offset = offsetof(struct weight, se_nj),
	.amount = AMOUNT_NANOJOULE,
	.min = 0,
	.max = 1e9,
};
