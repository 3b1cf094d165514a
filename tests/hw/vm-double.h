/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * vm-double.h - a process that discovery takes for a VM: called by the name and
 * with the options of an emulator, with a thread named like QEMU's vCPU. On
 * SIGUSR1 that thread burns as many loops as LOOPS in the environment says, and
 * the main thread HELPER_LOOPS, or with CHILD_LOOPS a child that ends at once.
 */
#ifndef VMENERGY_TESTS_HW_VM_DOUBLE_H
#define VMENERGY_TESTS_HW_VM_DOUBLE_H

#include <stdbool.h>

bool vm_double_is_called(const char *program);
int vm_double_run(void); /* until a signal ends it */

#endif
