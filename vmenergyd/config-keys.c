/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every key of vmenergyd.conf(5), with its bounds. */
#include <math.h>

#include "vmenergyd/config-internal.h"

#define COUNT(keys) (sizeof(keys) / sizeof *(keys))

#define DAY_S 86400.0
#define POWER_MIN_W 1e-3
#define POWER_MAX_W 1e6
#define ENERGY_MAX_J 1e11 /* more than any host takes in a month */

/* --- [daemon] ------------------------------------------------------------------------------- */

#define TEXT(key_name, member, word_for_null, condition, needs_restart)                            \
	{                                                                                          \
		.name = (key_name), .kind = &config_kind_text,                                     \
		.offset = offsetof(struct config, member), .absent = (word_for_null),              \
		.check = (condition), .restart = (needs_restart)                                   \
	}

static const struct config_key daemon_keys[] = {
	[CONFIG_KEY_INTERVAL] = { .name = "interval",
				  .kind = &config_kind_quantity,
				  .offset = offsetof(struct config, interval_s),
				  .quantity = QUANTITY_TIME,
				  .min = 0.01,
				  .max = 60 },
	[CONFIG_KEY_CONTROL_INTERVAL] = { .name = "control-interval",
					  .kind = &config_kind_quantity,
					  .offset = offsetof(struct config, control_interval_s),
					  .quantity = QUANTITY_TIME,
					  .min = 1,
					  .max = 60 },
	TEXT("weights", weights, "auto", NULL, true),
	{ .name = "cpu-source",
	  .kind = &config_kind_source,
	  .offset = offsetof(struct config, cpu_source),
	  .restart = true },
	{ .name = "idle-policy",
	  .kind = &config_kind_idle,
	  .offset = offsetof(struct config, idle_policy),
	  .restart = true },
	TEXT("meter", meter, "none", config_check_meter, true),
	{ .name = "libvirt", .kind = &config_kind_libvirt, .restart = true },
	{ .name = "qmp-socket",
	  .kind = &config_kind_list,
	  .offset = offsetof(struct config, qmp_sockets),
	  .absent = "none",
	  .check = config_check_socket,
	  .restart = true },
	TEXT("state-directory", state_directory, NULL, config_check_path, true),
	TEXT("socket", socket, NULL, config_check_socket, true),
	TEXT("read-group", read_group, "none", config_check_word, false),
	TEXT("change-group", change_group, "none", config_check_word, false),
	{ .name = "dry-run",
	  .kind = &config_kind_switch,
	  .offset = offsetof(struct config, dry_run),
	  .restart = true },
	{ .name = "move-processes",
	  .kind = &config_kind_switch,
	  .offset = offsetof(struct config, move_processes) },
};
const struct config_table config_daemon_keys = { daemon_keys, COUNT(daemon_keys) };

/* --- [host] --------------------------------------------------------------------------------- */

static const struct config_key host_keys[] = {
	{ .name = "cap",
	  .kind = &config_kind_quantity,
	  .offset = offsetof(struct config, cap_w),
	  .quantity = QUANTITY_POWER,
	  .min = POWER_MIN_W,
	  .max = POWER_MAX_W,
	  .none = NAN },
	{ .name = "peak",
	  .kind = &config_kind_per_time,
	  .offset = offsetof(struct config, peak_w),
	  .quantity = QUANTITY_POWER,
	  .min = POWER_MIN_W,
	  .max = POWER_MAX_W,
	  .none = NAN,
	  .period_offset = offsetof(struct config, peak_window_s),
	  .period_min_s = 10,
	  .period_max_s = DAY_S },
	{ .name = "temperature",
	  .kind = &config_kind_quantity,
	  .offset = offsetof(struct config, temperature_c),
	  .quantity = QUANTITY_TEMPERATURE,
	  .min = 20,
	  .max = 150,
	  .none = NAN },
};
const struct config_table config_host_keys = { host_keys, COUNT(host_keys) };
_Static_assert(COUNT(daemon_keys) + COUNT(host_keys) <= CONFIG_KEYS_MAX, "origins have room");

/* --- [domain] and [owner] ------------------------------------------------------------------- */

#define LIMIT(key_name, member, of, least, most)                                                   \
	{                                                                                          \
		.name = (key_name), .kind = &config_kind_quantity,                                 \
		.offset = offsetof(struct config_section, limits.member), .quantity = (of),        \
		.min = (least), .max = (most), .none = (double)INFINITY                            \
	}
#define CAP(key_name, member) LIMIT(key_name, member, QUANTITY_POWER, POWER_MIN_W, POWER_MAX_W)
#define SHARE LIMIT("share", share, QUANTITY_NUMBER, 1, 10000)
#define BURST LIMIT("burst", burst_j, QUANTITY_ENERGY, 0, ENERGY_MAX_J)
#define BUDGET                                                                                     \
	{                                                                                          \
		.name = "budget", .kind = &config_kind_per_time,                                   \
		.offset = offsetof(struct config_section, limits.budget_j),                        \
		.quantity = QUANTITY_ENERGY, .min = 1, .max = ENERGY_MAX_J,                        \
		.none = (double)INFINITY,                                                          \
		.period_offset = offsetof(struct config_section, limits.budget_period_s),          \
		.period_min_s = 1, .period_max_s = 31 * DAY_S                                      \
	}

static const struct config_key domain_keys[] = {
	CAP("cap", cap_w),
	CAP("cap-total", cap_total_w),
	CAP("cpu-cap", cpu_cap_w),
	CAP("disk-cap", disk_cap_w),
	CAP("floor", floor_w),
	SHARE,
	BUDGET,
	BURST,
	{ .name = "owner",
	  .kind = &config_kind_owner,
	  .offset = offsetof(struct config_section, owner) },
};
const struct config_table config_domain_keys = { domain_keys, COUNT(domain_keys) };

static const struct config_key owner_keys[] = { CAP("cap", cap_w), SHARE, BUDGET, BURST };
const struct config_table config_owner_keys = { owner_keys, COUNT(owner_keys) };

/* --- [service] ------------------------------------------------------------------------------ */

static const struct config_key service_keys[] = {
	{ .name = "match",
	  .kind = &config_kind_text,
	  .offset = offsetof(struct config_section, match),
	  .restart = true },
	{ .name = "idle-units",
	  .kind = &config_kind_quantity,
	  .offset = offsetof(struct config_section, idle_units),
	  .quantity = QUANTITY_NUMBER,
	  .min = 0,
	  .max = 10000,
	  .restart = true },
};
const struct config_table config_service_keys = { service_keys, COUNT(service_keys) };
