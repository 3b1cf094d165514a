/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cases.h - what `hw-guest NAME...` can run inside the guest. To add a case:
 * write it, name it here and in the table of guest.c, and let a test's steps
 * call it.
 */
#ifndef VMENERGY_TESTS_HW_CASES_H
#define VMENERGY_TESTS_HW_CASES_H

#include <stdint.h>

/* The instructions of programs, without the kernel's: a known loop is counted exactly. */
#define INSTRUCTIONS_USER "arm_n1::INST_RETIRED:u"
/* The kernel's as well, as in a weights file. */
#define INSTRUCTIONS "arm_n1::INST_RETIRED"
#define MILLION UINT64_C(1000000)

/* counts.c: known loops are counted, whoever runs them. */
void case_two_tasks(void);
void case_thread_group(void);
void case_ended_threads(void);
void case_cgroup(void);
void case_newborn(void);
void case_busy_cgroup(void);
void case_conservation(void);
void case_two_cpus(void);
void case_asleep(void);

/* switches.c: the log of context switches. */
void case_switches(void);

/* refusals.c: what cannot be counted is found out, and said. */
void case_dead_event(void);
void case_unknown_event(void);
void case_too_many(void);
void case_starved(void);
void case_unknown_cpu(void);

/* joules.c: counts become joules. */
void case_joules(void);

#endif
