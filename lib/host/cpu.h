/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cpu.h - which CPU this machine has: what a weights file is matched against.
 */
#ifndef VMENERGY_HOST_CPU_H
#define VMENERGY_HOST_CPU_H

#include "base/error.h"
#include "base/rootfs.h"
#include "model/topology.h"

/*
 * From /proc/cpuinfo and /sys/devices/system/cpu. Fields that the kernel does
 * not show are "" or 0; on Arm, model and stepping are the part number and
 * variant * 16 + revision. 0, or -ENOMEM. Start from {0} or a cleared struct.
 */
int cpu_identify(const struct rootfs *root, struct cpu_identity *cpu, struct error *error);

#endif
