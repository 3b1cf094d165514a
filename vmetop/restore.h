/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * restore.h - gives the terminal back when the program dies of its own fault:
 * SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL. What had been set for the signal
 * (mostly a core dump) happens after it.
 */
#ifndef VMENERGY_VMETOP_RESTORE_H
#define VMENERGY_VMETOP_RESTORE_H

/*
 * Keep how the terminal at standard input is set now. Before it is changed;
 * 0 or -errno.
 */
int restore_keep(void);
/* From here on a crash sets the terminal so and writes `sequence` (copied, may be cut). */
void restore_arm(const char *sequence);
void restore_disarm(void);

#endif
