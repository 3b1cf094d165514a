/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmenergyd/actuator/actuator.h"

static const char *const names[KNOB_COUNT] = {
	[KNOB_CPU] = "cpu",
	[KNOB_SHARES] = "shares",
	[KNOB_DISK] = "disk",
	[KNOB_PLACE] = "place",
};

const char *knob_name(enum knob knob)
{
	return (unsigned)knob < KNOB_COUNT ? names[knob] : "?";
}

int knob_parse(const char *word)
{
	for (int i = 0; i < KNOB_COUNT; i++)
		if (strcmp(names[i], word) == 0)
			return i;
	return -1;
}

/* --- equal -------------------------------------------------------------------- */

static bool cpu_equal(const struct cpu_limit *a, const struct cpu_limit *b)
{
	return a->quota_us == b->quota_us && (a->quota_us < 0 || a->period_us == b->period_us);
}

bool knob_value_equal(const struct knob_value *a, const struct knob_value *b)
{
	if (a->knob != b->knob)
		return false;
	switch (a->knob) {
	case KNOB_CPU:
		return cpu_equal(&a->cpu, &b->cpu);
	case KNOB_SHARES:
		return a->shares == b->shares && a->raw_shares == b->raw_shares;
	case KNOB_DISK: /* numbers of one width: no holes */
		return memcmp(&a->disk, &b->disk, sizeof a->disk) == 0;
	case KNOB_PLACE:
		return strcmp(a->place.cpu_cgroup, b->place.cpu_cgroup) == 0 &&
		       strcmp(a->place.io_cgroup, b->place.io_cgroup) == 0;
	}
	return false;
}

/* --- bounds ------------------------------------------------------------------- */

/* kernel/sched/core.c, tg_set_bandwidth(); the largest quota is libvirt's. */
#define QUOTA_MIN_US INT64_C(1000)
#define QUOTA_MAX_US INT64_C(17592186044415)
enum { PERIOD_MIN_US = 1000, PERIOD_MAX_US = 1000000 };
enum { WEIGHT_MIN = 1, WEIGHT_MAX = 10000, WEIGHT_DEFAULT = 100 };
enum { SHARES_MIN = 2, SHARES_MAX = 262144, SHARES_DEFAULT = 1024 };
#define DISK_MAX UINT64_C(1000000000000000) /* QEMU's THROTTLE_VALUE_MAX */

static int check_cpu(const struct cpu_limit *cpu, struct error *error)
{
	if (cpu->period_us < PERIOD_MIN_US || cpu->period_us > PERIOD_MAX_US)
		return error_setf(error, ERANGE, "period %" PRIu64 " us: must be %d..%d us",
				  cpu->period_us, PERIOD_MIN_US, PERIOD_MAX_US);
	if (cpu->quota_us != -1 && (cpu->quota_us < QUOTA_MIN_US || cpu->quota_us > QUOTA_MAX_US))
		return error_setf(error, ERANGE,
				  "quota %" PRId64 " us: must be %" PRId64 "..%" PRId64
				  " us, or -1 = unlimited",
				  cpu->quota_us, QUOTA_MIN_US, QUOTA_MAX_US);
	return 0;
}

static int check_shares(const struct knob_value *value, struct error *error)
{
	uint64_t raw = value->raw_shares;

	if (value->shares < WEIGHT_MIN || value->shares > WEIGHT_MAX)
		return error_setf(error, ERANGE, "shares %" PRIu64 ": must be %d..%d",
				  value->shares, WEIGHT_MIN, WEIGHT_MAX);
	if (raw && (raw < SHARES_MIN || raw > SHARES_MAX))
		return error_setf(error, ERANGE, "cpu.shares %" PRIu64 ": must be %d..%d", raw,
				  SHARES_MIN, SHARES_MAX);
	return 0;
}

static int check_disk(const struct disk_limit *disk, struct error *error)
{
	uint64_t numbers[sizeof *disk / sizeof(uint64_t)];

	memcpy(numbers, disk, sizeof numbers);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (numbers[i] > DISK_MAX)
			return error_setf(error, ERANGE,
					  "disk limit %" PRIu64 ": must be at most %" PRIu64,
					  numbers[i], DISK_MAX);
	return 0;
}

/* An absolute path that cannot lead out of the hierarchy; "" = none. */
static int check_path(const char *path, struct error *error)
{
	size_t length = strnlen(path, TARGET_TEXT);

	if (length == TARGET_TEXT)
		return error_setf(error, ERANGE, "cgroup: its path has no end");
	if (length > 0 && (path[0] != '/' || strstr(path, "//") || strchr(path, '\n')))
		return error_setf(error, ERANGE, "cgroup %s: must be an absolute path", path);
	for (const char *at = path; (at = strstr(at, "/.")); at++)
		if (at[2] == '/' || !at[2] || (at[2] == '.' && (at[3] == '/' || !at[3])))
			return error_setf(error, ERANGE, "cgroup %s: must have no . or ..", path);
	return 0;
}

int knob_value_check(const struct knob_value *value, struct error *error)
{
	int result;

	switch (value->knob) {
	case KNOB_CPU:
		return check_cpu(&value->cpu, error);
	case KNOB_SHARES:
		return check_shares(value, error);
	case KNOB_DISK:
		return check_disk(&value->disk, error);
	case KNOB_PLACE:
		result = check_path(value->place.cpu_cgroup, error);
		return result ? result : check_path(value->place.io_cgroup, error);
	}
	return error_setf(error, ERANGE, "no knob has number %d", (int)value->knob);
}

/* --- conversions -------------------------------------------------------------- */

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

uint64_t shares_of_weight(uint64_t weight)
{
	weight = clamp(weight, WEIGHT_MIN, WEIGHT_MAX);
	return clamp((weight * SHARES_DEFAULT + WEIGHT_DEFAULT / 2) / WEIGHT_DEFAULT, SHARES_MIN,
		     SHARES_MAX);
}

uint64_t weight_of_shares(uint64_t shares)
{
	shares = clamp(shares, SHARES_MIN, SHARES_MAX);
	return clamp((shares * WEIGHT_DEFAULT + SHARES_DEFAULT / 2) / SHARES_DEFAULT, WEIGHT_MIN,
		     WEIGHT_MAX);
}

void knob_value_from_v1(uint64_t shares, struct knob_value *value)
{
	value->shares = weight_of_shares(shares);
	value->raw_shares = shares_of_weight(value->shares) == shares ? 0 : shares;
}

uint64_t knob_value_to_v1(const struct knob_value *value)
{
	return value->raw_shares ? value->raw_shares : shares_of_weight(value->shares);
}

struct disk_limit disk_limit_usable(const struct disk_limit *limit)
{
	struct disk_limit usable = *limit;

	if (usable.read_bytes_s || usable.write_bytes_s)
		usable.total_bytes_s = 0;
	if (usable.read_requests_s || usable.write_requests_s)
		usable.total_requests_s = 0;

	const struct {
		const uint64_t *limit;
		uint64_t *burst;
	} pairs[] = {
		{ &usable.total_bytes_s, &usable.total_bytes_max },
		{ &usable.read_bytes_s, &usable.read_bytes_max },
		{ &usable.write_bytes_s, &usable.write_bytes_max },
		{ &usable.total_requests_s, &usable.total_requests_max },
		{ &usable.read_requests_s, &usable.read_requests_max },
		{ &usable.write_requests_s, &usable.write_requests_max },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (!*pairs[i].limit)
			*pairs[i].burst = 0;
	return usable;
}

/* --- words -------------------------------------------------------------------- */

static void print_disk(const struct disk_limit *disk, struct text *out)
{
	const struct {
		const char *name, *unit;
		uint64_t value;
	} parts[] = {
		{ "read", "B/s", disk->read_bytes_s },
		{ "write", "B/s", disk->write_bytes_s },
		{ "total", "B/s", disk->total_bytes_s },
		{ "read", "requests/s", disk->read_requests_s },
		{ "write", "requests/s", disk->write_requests_s },
		{ "total", "requests/s", disk->total_requests_s },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (!parts[i].value)
			continue;
		text_addf(out, "%s%s %" PRIu64 " %s", between, parts[i].name, parts[i].value,
			  parts[i].unit);
		between = ", ";
	}
	if (!*between)
		text_add(out, "unlimited");
}

void knob_value_print(const struct knob_value *value, struct text *out)
{
	switch (value->knob) {
	case KNOB_CPU:
		if (value->cpu.quota_us < 0)
			text_add(out, "unlimited");
		else
			text_addf(out, "%" PRId64 "/%" PRIu64 " us", value->cpu.quota_us,
				  value->cpu.period_us);
		break;
	case KNOB_SHARES:
		text_addf(out, "shares %" PRIu64, value->shares);
		break;
	case KNOB_DISK:
		print_disk(&value->disk, out);
		break;
	case KNOB_PLACE:
		text_addf(out, "cpu in %s, disk in %s",
			  *value->place.cpu_cgroup ? value->place.cpu_cgroup : "-",
			  *value->place.io_cgroup ? value->place.io_cgroup : "-");
		break;
	}
}
