/* SPDX-License-Identifier: GPL-3.0-or-later */
/* head-name.h - under which name a task of the host is shown. Pure. */
#ifndef VMENERGY_PROBE_HEAD_NAME_H
#define VMENERGY_PROBE_HEAD_NAME_H

#include <stdbool.h>

#include "model/sample.h"

#define HEAD_OTHER_PROCESSES "other processes"

/*
 * `comm` as /proc/PID/comm has it: of a kernel worker with its work queue behind '-' or '+'
 * ("kworker/0:1H-kblockd"). Kernel threads go by what they work for: "kernel block", "kernel
 * net", "interrupts", else "kernel" and their name without numbers. Of libvirt's daemons one is
 * made. Any other process has its comm, printable; no process can pass for a kernel thread.
 */
void head_name(const char *comm, bool is_kernel, char name[HEAD_NAME_BYTES]);

/* May it work for another queue the next time that it is looked at? */
bool head_name_changes(const char *comm, bool is_kernel);

#endif
