/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cgroup.h - inside this room: the parts of actuator-cgroup.c. */
#ifndef VMENERGY_VMENERGYD_ACTUATOR_CGROUP_H
#define VMENERGY_VMENERGYD_ACTUATOR_CGROUP_H

#include "vmenergyd/actuator/actuator.h"

enum { CGROUP_FILE_BYTES = 4096 };

/* One cgroup in the hierarchy that has the controller. */
struct cgroup_at {
	const struct cgroup_io *io;
	const char *mount; /* "" = no hierarchy has it */
	const char *path;
	bool v2;
};
/* Where the cpu and the io controller (v1: blkio) are, with an empty path. */
struct cgroup_at cgroup_cpu(const struct actuator_room *room);
struct cgroup_at cgroup_disk(const struct actuator_room *room);
/* Its name in /proc/PID/cgroup (NULL: v2's). */
const char *cgroup_cpu_controller(const struct actuator_room *room);
const char *cgroup_disk_controller(const struct actuator_room *room);

/* 0 or -errno with "FILE of PATH: why"; -ENOENT: no such file there. */
int cgroup_read(const struct cgroup_at *at, const char *file, char text[CGROUP_FILE_BYTES],
		struct error *error);
int cgroup_read_u64(const struct cgroup_at *at, const char *file, uint64_t *value,
		    struct error *error);
int cgroup_writef(const struct cgroup_at *at, const char *file, struct error *error,
		  const char *format, ...) __attribute__((format(printf, 4, 5)));

int cgroup_get_cpu(const struct cgroup_at *at, struct knob_value *value, struct error *error);
int cgroup_set_cpu(const struct cgroup_at *at, const struct knob_value *value, struct error *error);
int cgroup_get_disk(const struct cgroup_at *at, const struct target *target,
		    struct disk_limit *disk, struct error *error);
int cgroup_set_disk(const struct cgroup_at *at, const struct target *target,
		    const struct disk_limit *disk, struct error *error);
/* Folders are made and removed below this one alone. */
#define CGROUP_OURS "/vmenergy"
bool cgroup_is_ours(const char *path);
int cgroup_get_place(const struct actuator_room *room, const struct target *target,
		     struct place *place, struct error *error);
int cgroup_set_place(const struct actuator_room *room, const struct target *target,
		     const struct place *place, struct error *error);
/* Of one thread (or process), in the hierarchy that has the io controller: where it stands, and
 * there with it (v1 alone). A place of ours that it leaves empty is removed. */
int cgroup_get_disk_place(const struct actuator_room *room, pid_t tid, char path[TARGET_TEXT],
			  struct error *error);
int cgroup_move_thread(const struct actuator_room *room, pid_t tid, const char *to,
		       struct error *error);
/* Who ended where we had put him has left a folder of ours, and what was written there: all that
 * are empty go. */
void cgroup_sweep(const struct actuator_room *room, const struct cgroup_at *at);
/* It and what is above it. */
int cgroup_make(const struct actuator_room *room, const struct cgroup_at *at, struct error *error);

#endif
